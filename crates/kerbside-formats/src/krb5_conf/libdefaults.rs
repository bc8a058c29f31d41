//! `[libdefaults]`

use alloc::string::String;
use alloc::vec::Vec;

use kerbside_crypto::EnctypePolicy;

use crate::enctype_list::EnctypeList;
use crate::profile::{Profile, ProfileError};
use crate::relations::{Place, relations, words};

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

/// A group of SPAKE pre-authentication (RFC 9588), with its number in the registry.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum SpakeGroup {
    /// `edwards25519`
    Edwards25519 = 1,
    /// `P-256`
    P256 = 2,
    /// `P-384`
    P384 = 3,
    /// `P-521`
    P521 = 4,
}

relations! {
    /// `[libdefaults]` with MIT's defaults. Durations are seconds; names with `%{...}` are not yet expanded.
    pub struct LibDefaults, LIBDEFAULTS, read(lib, realm) {
        /// Use des3-cbc-sha1 where lists name it. Default no.
        allow_des3 => allow_des3: bool = lib.boolean(false);
        /// Use arcfour-hmac where lists name it. Default no.
        allow_rc4 => allow_rc4: bool = lib.boolean(false);
        /// Use weak encryption types where lists name them. Default no.
        allow_weak_crypto => allow_weak_crypto: bool = lib.boolean(false);
        /// Ask the KDC for the client's canonical name. Default no.
        canonicalize => canonicalize: bool = realm.boolean(false);
        /// Version of new credential caches. Default 4, the only one this build writes.
        ccache_type => ccache_type: u8 = lib.number(4, 1..=4, "a version from 1 to 4");
        /// Tell services that we know of channel bindings. Default no.
        client_aware_channel_bindings => client_aware_channel_bindings: bool = lib.boolean(false);
        /// Clock difference that is tolerated. Default 300.
        clockskew => clockskew_seconds: i64 = lib.duration(300);
        /// Default cache. Default `FILE:/tmp/krb5cc_%{uid}`.
        default_ccache_name => default_ccache_name: String = lib.text_or("FILE:/tmp/krb5cc_%{uid}");
        /// Default client keytab. Default `FILE:/var/krb5/user/%{euid}/client.keytab`.
        default_client_keytab_name => default_client_keytab_name: String =
            lib.text_or("FILE:/var/krb5/user/%{euid}/client.keytab");
        /// Default keytab. Default `FILE:/etc/krb5.keytab`.
        default_keytab_name => default_keytab_name: String = lib.text_or("FILE:/etc/krb5.keytab");
        /// Default replay cache. Default `dfl:`.
        default_rcache_name => default_rcache_name: String = lib.text_or("dfl:");
        /// Default realm; none unless written.
        default_realm => default_realm: Option<String> = lib.filled_text();
        /// Session key types asked for in TGS-REQs. Default is `permitted_enctypes`.
        default_tgs_enctypes => default_tgs_enctypes: EnctypeList = lib.enctypes();
        /// Session key types asked for in AS-REQs. Default is `permitted_enctypes`.
        default_tkt_enctypes => default_tkt_enctypes: EnctypeList = lib.enctypes();
        /// Look up host names of services. Default yes.
        dns_canonicalize_hostname => dns_canonicalize_hostname: DnsCanonicalize = lib.dns_canonicalize();
        /// Find KDCs by DNS. Default yes.
        dns_lookup_kdc => dns_lookup_kdc: bool = lib.boolean(true);
        /// Find realms by DNS. Default no.
        dns_lookup_realm => dns_lookup_realm: bool = lib.boolean(false);
        /// Use DNS URI records. Default yes.
        dns_uri_lookup => dns_uri_lookup: bool = lib.boolean(true);
        /// Delegate only to services with `ok-as-delegate`. Default no.
        enforce_ok_as_delegate => enforce_ok_as_delegate: bool = lib.boolean(false);
        /// How errors are shown, `%M` the message and `%C` the code; none leaves them as they are.
        err_fmt => err_fmt: Option<String> = lib.text();
        /// Addresses put into tickets besides our own, when tickets have addresses.
        extra_addresses => extra_addresses: Vec<String> = lib.words();
        /// Ask for forwardable tickets. Default no.
        forwardable => forwardable: bool = realm.boolean(false);
        /// Accept any host of the service in our keytab. Default no.
        ignore_acceptor_hostname => ignore_acceptor_hostname: bool = lib.boolean(false);
        /// Where a user's `.k5login` exists, only who is in it may log in. Default yes.
        k5login_authoritative => k5login_authoritative: bool = lib.boolean(true);
        /// Folder of the users' k5login files; none means `.k5login` in each home.
        k5login_directory => k5login_directory: Option<String> = lib.text();
        /// macOS: name of the KCM service, `-` for none. Default `org.h5l.kcm`.
        kcm_mach_service => kcm_mach_service: String = lib.text_or("org.h5l.kcm");
        /// Path of the KCM socket, `-` for none. Default `/var/run/.heim_org.h5l.kcm-socket`.
        kcm_socket => kcm_socket: String = lib.text_or("/var/run/.heim_org.h5l.kcm-socket");
        /// KDC options of initial requests. Default 0x10, `renewable-ok`.
        kdc_default_options => kdc_default_options: u32 =
            lib.number(0x10, 0..=0xffff_ffff, "KDC options of 32 bits");
        /// Correct our clock by the KDC's. Default yes.
        kdc_timesync => kdc_timesync: bool = lib.timesync();
        /// Ask for tickets without addresses. Default yes.
        noaddresses => noaddresses: bool = realm.boolean(true);
        /// Encryption types that are accepted and, unless said otherwise, asked for.
        permitted_enctypes => permitted_enctypes: EnctypeList = lib.enctypes();
        /// Folder of plugin modules. This build loads none.
        plugin_base_dir => plugin_base_dir: Option<String> = lib.text();
        /// Pre-authentication types to try first, in order. Default 17, 16, 15, 14.
        preferred_preauth_types => preferred_preauth_types: Vec<i32> = realm.preauth_types();
        /// Ask for proxiable tickets. Default no.
        proxiable => proxiable: bool = realm.boolean(false);
        /// Domain put behind short host names; empty forbids it, none leaves it to the resolver.
        qualify_shortname => qualify_shortname: Option<String> = lib.text();
        /// Reverse look-up of service hosts. Default yes.
        rdns => rdns: bool = lib.boolean(true);
        /// How many parent domains may be tried as realms; -1 for none.
        realm_try_domains => realm_try_domains: i64 = lib.integer(-1);
        /// Renewable life asked for. Default 0.
        renew_lifetime => renew_lifetime_seconds: i64 = realm.duration(0);
        /// Time limit of a request to a KDC. Default 0, none.
        request_timeout => request_timeout_seconds: i64 = lib.duration(0);
        /// Groups for SPAKE, best first. None unless written: a client then takes edwards25519, a KDC
        /// none at all. Words that are no group are left out, as MIT does.
        spake_preauth_groups => spake_preauth_groups: Option<Vec<SpakeGroup>> = lib.spake_groups();
        /// Ticket life asked for. Default one day.
        ticket_lifetime => ticket_lifetime_seconds: i64 = realm.duration(86_400);
        /// Messages longer than this go by TCP first. Default 1465.
        udp_preference_limit => udp_preference_limit: usize = lib.udp_limit();
        /// Fail the check of initial credentials when there is no keytab. Default no.
        verify_ap_req_nofail => verify_ap_req_nofail: bool = realm.boolean(false);
    }
}

impl LibDefaults {
    /// The policy that `allow_weak_crypto`, `allow_rc4` and `allow_des3` make. The lists of encryption types
    /// are no part of it: each has its own use.
    pub fn enctype_policy(&self) -> EnctypePolicy {
        EnctypePolicy::DEFAULT
            .with_weak_crypto(self.allow_weak_crypto)
            .with_rc4(self.allow_rc4)
            .with_des3(self.allow_des3)
    }

    /// For some relations the realm's own subsection goes first.
    pub(super) fn of(profile: &Profile, realm: Option<&str>) -> Result<Self, ProfileError> {
        let lib = Place::new(profile, [&["libdefaults"]]);
        let own = match realm {
            Some(realm) => Place::new(profile, [&["libdefaults", realm], &["libdefaults"]]),
            None => lib,
        };
        Self::read(lib, own)
    }
}

impl Place<'_> {
    fn dns_canonicalize(&self, name: &str) -> Result<DnsCanonicalize, ProfileError> {
        let Some(relation) = self.relation(name) else {
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

    /// MIT documents 0 and 1; the words for yes and no are common too.
    fn timesync(&self, name: &str) -> Result<bool, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(true);
        };
        relation
            .to_bool()
            .or_else(|_| relation.to_integer().map(|number| number != 0))
    }

    fn udp_limit(&self, name: &str) -> Result<usize, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(1465);
        };
        let limit = relation.to_integer()?;
        usize::try_from(limit.min(UDP_PREFERENCE_LIMIT_MAX))
            .map_err(|_| relation.expected("a number of bytes that is not negative"))
    }

    fn preauth_types(&self, name: &str) -> Result<Vec<i32>, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(Vec::from([17, 16, 15, 14]));
        };
        let numbers: Result<Vec<i32>, _> = words(relation.value).map(str::parse).collect();
        numbers.map_err(|_| relation.expected("a list of pre-authentication type numbers"))
    }

    fn spake_groups(&self, name: &str) -> Result<Option<Vec<SpakeGroup>>, ProfileError> {
        let Some(relation) = self.relation(name) else {
            return Ok(None);
        };
        let group = |word: &str| match word {
            _ if word.eq_ignore_ascii_case("edwards25519") => Some(SpakeGroup::Edwards25519),
            _ if word.eq_ignore_ascii_case("P-256") => Some(SpakeGroup::P256),
            _ if word.eq_ignore_ascii_case("P-384") => Some(SpakeGroup::P384),
            _ if word.eq_ignore_ascii_case("P-521") => Some(SpakeGroup::P521),
            _ => None,
        };
        Ok(Some(words(relation.value).filter_map(group).collect()))
    }
}
