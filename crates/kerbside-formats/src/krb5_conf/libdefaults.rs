//! `[libdefaults]`

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::enctype_list::{DEFAULT_ENCTYPES, EnctypeList};
use crate::profile::{Profile, ProfileError, Relation, is_space};

/// Above this size MIT never uses UDP, whatever `udp_preference_limit` says.
const UDP_PREFERENCE_LIMIT_MAX: i64 = 32_700;

/// Whether host names are looked up before they become part of a service's name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DnsCanonicalize {
    /// Always.
    Yes,
    /// Never.
    No,
    /// Only when the KDC does not know the name as given.
    Fallback,
}

/// `[libdefaults]` with MIT's defaults. Durations are seconds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct LibDefaults {
    /// Use weak encryption types where lists name them. Default no.
    pub allow_weak_crypto: bool,
    /// Ask the KDC for the client's canonical name. Default no.
    pub canonicalize: bool,
    /// Tell services that we know of channel bindings. Default no.
    pub client_aware_channel_bindings: bool,
    /// Clock difference that is tolerated. Default 300.
    pub clockskew_seconds: i64,
    /// Default cache, before parameter expansion. Default `FILE:/tmp/krb5cc_%{uid}`.
    pub default_ccache_name: String,
    /// Default client keytab, before parameter expansion. Default
    /// `FILE:/var/krb5/user/%{euid}/client.keytab`.
    pub default_client_keytab_name: String,
    /// Default keytab, before parameter expansion. Default `FILE:/etc/krb5.keytab`.
    pub default_keytab_name: String,
    /// Default realm; none unless written.
    pub default_realm: Option<String>,
    /// Session key types asked for in TGS-REQs. Default is `permitted_enctypes`.
    pub default_tgs_enctypes: EnctypeList,
    /// Session key types asked for in AS-REQs. Default is `permitted_enctypes`.
    pub default_tkt_enctypes: EnctypeList,
    /// Look up host names of services. Default yes.
    pub dns_canonicalize_hostname: DnsCanonicalize,
    /// Find KDCs by DNS. Default yes.
    pub dns_lookup_kdc: bool,
    /// Find realms by DNS. Default no.
    pub dns_lookup_realm: bool,
    /// Use DNS URI records. Default yes.
    pub dns_uri_lookup: bool,
    /// Delegate only to services with `ok-as-delegate`. Default no.
    pub enforce_ok_as_delegate: bool,
    /// Ask for forwardable tickets. Default no.
    pub forwardable: bool,
    /// Accept any host of the service in our keytab. Default no.
    pub ignore_acceptor_hostname: bool,
    /// KDC options of initial requests. Default 0x10, `renewable-ok`.
    pub kdc_default_options: u32,
    /// Correct our clock by the KDC's. Default yes.
    pub kdc_timesync: bool,
    /// Ask for tickets without addresses. Default yes.
    pub noaddresses: bool,
    /// Encryption types that are accepted and, unless said otherwise, asked for.
    pub permitted_enctypes: EnctypeList,
    /// Pre-authentication types to try first, in order. Default 17, 16, 15, 14.
    pub preferred_preauth_types: Vec<i32>,
    /// Ask for proxiable tickets. Default no.
    pub proxiable: bool,
    /// Domain put behind short host names; empty forbids it, none leaves it to the resolver.
    pub qualify_shortname: Option<String>,
    /// Reverse look-up of service hosts. Default yes.
    pub rdns: bool,
    /// How many parent domains may be tried as realms; -1 for none.
    pub realm_try_domains: i64,
    /// Renewable life asked for. Default 0.
    pub renew_lifetime_seconds: i64,
    /// Time limit of a request to a KDC. Default 0, none.
    pub request_timeout_seconds: i64,
    /// Ticket life asked for. Default one day.
    pub ticket_lifetime_seconds: i64,
    /// Messages longer than this go by TCP first. Default 1465.
    pub udp_preference_limit: usize,
    /// Fail the check of initial credentials when there is no keytab. Default no.
    pub verify_ap_req_nofail: bool,
}

struct Reader<'a> {
    profile: &'a Profile,
    realm: Option<&'a str>,
}

impl<'a> Reader<'a> {
    fn relation(&self, name: &str) -> Option<Relation<'a>> {
        self.profile.relation(&["libdefaults", name])
    }

    /// The realm's own subsection first.
    fn realm_relation(&self, name: &str) -> Option<Relation<'a>> {
        let own = self
            .realm
            .and_then(|realm| self.profile.relation(&["libdefaults", realm, name]));
        own.or_else(|| self.relation(name))
    }

    fn boolean(&self, name: &str, default: bool) -> Result<bool, ProfileError> {
        self.relation(name)
            .map_or(Ok(default), |relation| relation.to_bool())
    }

    fn realm_boolean(&self, name: &str, default: bool) -> Result<bool, ProfileError> {
        self.realm_relation(name)
            .map_or(Ok(default), |relation| relation.to_bool())
    }

    fn text(&self, name: &str) -> Option<String> {
        self.relation(name).map(|relation| relation.value.to_string())
    }

    fn not_negative(relation: Option<Relation<'_>>, default: i64) -> Result<i64, ProfileError> {
        let Some(relation) = relation else {
            return Ok(default);
        };
        let seconds = relation.to_duration()?;
        if seconds < 0 {
            Err(relation.expected("a duration that is not negative"))
        } else {
            Ok(seconds)
        }
    }

    fn enctypes(
        &self,
        relation: Option<Relation<'_>>,
        allow_weak: bool,
    ) -> Result<EnctypeList, ProfileError> {
        let list = relation.map(|relation| relation.value);
        let parsed = EnctypeList::parse(list, &DEFAULT_ENCTYPES, allow_weak)
            .and_then(|list| list.supported(&DEFAULT_ENCTYPES));
        match (parsed, relation) {
            (Ok(parsed), _) => Ok(parsed),
            (Err(_), Some(relation)) => Err(relation.expected("at least one usable encryption type")),
            // The built-in default always has supported members.
            (Err(_), None) => Ok(EnctypeList::default()),
        }
    }
}

fn preauth_types(relation: Option<Relation<'_>>) -> Result<Vec<i32>, ProfileError> {
    let Some(relation) = relation else {
        return Ok(Vec::from([17, 16, 15, 14]));
    };
    let words = relation
        .value
        .split(|c| is_space(c) || c == ',')
        .filter(|word| !word.is_empty());
    let numbers: Result<Vec<i32>, _> = words.map(str::parse).collect();
    numbers.map_err(|_| relation.expected("a list of pre-authentication type numbers"))
}

impl LibDefaults {
    pub(super) fn read(profile: &Profile, realm: Option<&str>) -> Result<Self, ProfileError> {
        let reader = Reader { profile, realm };
        let allow_weak_crypto = reader.boolean("allow_weak_crypto", false)?;
        let permitted = reader.relation("permitted_enctypes");
        let list = |name| reader.enctypes(reader.relation(name).or(permitted), allow_weak_crypto);
        let text = |name, default: &str| reader.text(name).unwrap_or_else(|| default.to_string());
        Ok(Self {
            allow_weak_crypto,
            canonicalize: reader.realm_boolean("canonicalize", false)?,
            client_aware_channel_bindings: reader.boolean("client_aware_channel_bindings", false)?,
            clockskew_seconds: Reader::not_negative(reader.relation("clockskew"), 300)?,
            default_ccache_name: text("default_ccache_name", "FILE:/tmp/krb5cc_%{uid}"),
            default_client_keytab_name: text(
                "default_client_keytab_name",
                "FILE:/var/krb5/user/%{euid}/client.keytab",
            ),
            default_keytab_name: text("default_keytab_name", "FILE:/etc/krb5.keytab"),
            default_realm: reader.text("default_realm").filter(|realm| !realm.is_empty()),
            default_tgs_enctypes: list("default_tgs_enctypes")?,
            default_tkt_enctypes: list("default_tkt_enctypes")?,
            dns_canonicalize_hostname: dns_canonicalize(reader.relation("dns_canonicalize_hostname"))?,
            dns_lookup_kdc: reader.boolean("dns_lookup_kdc", true)?,
            dns_lookup_realm: reader.boolean("dns_lookup_realm", false)?,
            dns_uri_lookup: reader.boolean("dns_uri_lookup", true)?,
            enforce_ok_as_delegate: reader.boolean("enforce_ok_as_delegate", false)?,
            forwardable: reader.realm_boolean("forwardable", false)?,
            ignore_acceptor_hostname: reader.boolean("ignore_acceptor_hostname", false)?,
            kdc_default_options: kdc_options(reader.relation("kdc_default_options"))?,
            kdc_timesync: timesync(reader.relation("kdc_timesync"))?,
            noaddresses: reader.realm_boolean("noaddresses", true)?,
            permitted_enctypes: reader.enctypes(permitted, allow_weak_crypto)?,
            preferred_preauth_types: preauth_types(reader.realm_relation("preferred_preauth_types"))?,
            proxiable: reader.realm_boolean("proxiable", false)?,
            qualify_shortname: reader.text("qualify_shortname"),
            rdns: reader.boolean("rdns", true)?,
            realm_try_domains: reader
                .relation("realm_try_domains")
                .map_or(Ok(-1), |relation| relation.to_integer())?,
            renew_lifetime_seconds: Reader::not_negative(reader.realm_relation("renew_lifetime"), 0)?,
            request_timeout_seconds: Reader::not_negative(reader.relation("request_timeout"), 0)?,
            ticket_lifetime_seconds: Reader::not_negative(reader.realm_relation("ticket_lifetime"), 86_400)?,
            udp_preference_limit: udp_limit(reader.relation("udp_preference_limit"))?,
            verify_ap_req_nofail: reader.realm_boolean("verify_ap_req_nofail", false)?,
        })
    }
}

fn dns_canonicalize(relation: Option<Relation<'_>>) -> Result<DnsCanonicalize, ProfileError> {
    let Some(relation) = relation else {
        return Ok(DnsCanonicalize::Yes);
    };
    if relation.value.eq_ignore_ascii_case("fallback") {
        return Ok(DnsCanonicalize::Fallback);
    }
    match relation.to_bool() {
        Ok(true) => Ok(DnsCanonicalize::Yes),
        Ok(false) => Ok(DnsCanonicalize::No),
        Err(_) => Err(relation.expected("a boolean or fallback")),
    }
}

fn kdc_options(relation: Option<Relation<'_>>) -> Result<u32, ProfileError> {
    let Some(relation) = relation else { return Ok(0x10) };
    u32::try_from(relation.to_integer()?).map_err(|_| relation.expected("KDC options of 32 bits"))
}

/// MIT documents 0 and 1; the words for yes and no are common too.
fn timesync(relation: Option<Relation<'_>>) -> Result<bool, ProfileError> {
    let Some(relation) = relation else { return Ok(true) };
    relation
        .to_bool()
        .or_else(|_| relation.to_integer().map(|number| number != 0))
}

fn udp_limit(relation: Option<Relation<'_>>) -> Result<usize, ProfileError> {
    let Some(relation) = relation else { return Ok(1465) };
    let limit = relation.to_integer()?;
    usize::try_from(limit.min(UDP_PREFERENCE_LIMIT_MAX))
        .map_err(|_| relation.expected("a number of bytes that is not negative"))
}
