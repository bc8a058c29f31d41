//! kdc.conf as its relations mean it: a typed view over a [`Profile`], with MIT's defaults.
//!
//! MIT looks into kdc.conf first and then into krb5.conf: `Profile::merge([kdc_conf, krb5_conf])`.
//! Meaning and defaults: MIT kdc.conf(5).

mod flags;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

pub use flags::{PRINCIPAL_FLAGS, PrincipalFlag, parse_principal_flags};

use crate::host_string::{HostPort, KADMIN_PORT, KDC_PORT, KPASSWD_PORT};
use crate::keysalt::{DEFAULT_KEYSALTS, KeySalt, parse_keysalts};
use crate::profile::{Profile, ProfileError, Relation};

/// A kdc.conf, or several files put together.
#[derive(Debug, Clone)]
pub struct KdcConf {
    /// `kdc_max_dgram_reply_size`: the longest reply that goes by UDP. Default 4096.
    pub kdc_max_dgram_reply_size: usize,
    /// `kdc_tcp_listen_backlog`. Default 5.
    pub kdc_tcp_listen_backlog: u32,
    profile: Profile,
}

/// What kdc.conf says of one realm. Durations are seconds.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KdcRealmConf {
    /// UDP addresses; empty for none. Default port 88 of any address.
    pub kdc_listen: Vec<HostPort>,
    /// TCP addresses; empty for none. Default as [`kdc_listen`](Self::kdc_listen).
    pub kdc_tcp_listen: Vec<HostPort>,
    /// `database_name` of the realm's `[dbmodules]` section, or of the realm; none leaves the
    /// place to the program.
    pub database_name: Option<String>,
    /// `db_library` of the realm's `[dbmodules]` section.
    pub db_library: Option<String>,
    /// Do not record failed logins. Default no.
    pub disable_lockout: bool,
    /// Do not record successful logins. Default no.
    pub disable_last_success: bool,
    /// Where the master key is; none leaves the place to the program.
    pub key_stash_file: Option<String>,
    /// Name of the master key's principal. Default `K/M`.
    pub master_key_name: String,
    /// Default aes256-cts-hmac-sha1-96.
    pub master_key_type: EncryptionType,
    /// Longest ticket life. Default one day.
    pub max_life_seconds: i64,
    /// Longest renewable life. Default 0.
    pub max_renewable_life_seconds: i64,
    /// Keys of new principals. Default aes256-cts-hmac-sha1-96 and aes128-cts-hmac-sha1-96, normal.
    pub supported_enctypes: Vec<KeySalt>,
    /// `KRB5_KDB_*` attribute bits of new principals. Default 0.
    pub default_principal_flags: u32,
    /// `default_principal_expiration` as written.
    pub default_principal_expiration: Option<String>,
    /// kadmind's access list; an empty name means none is used, none leaves the place to the program.
    pub acl_file: Option<String>,
    /// Words that are no passwords.
    pub dict_file: Option<String>,
    /// Default 749.
    pub kadmind_port: u16,
    /// Default 464.
    pub kpasswd_port: u16,
    /// Check the realms a ticket came through. Default yes.
    pub reject_bad_transit: bool,
    /// Anonymous clients get TGTs only. Default no.
    pub restrict_anonymous_to_tgt: bool,
    /// Issue no PAC. Default no.
    pub disable_pac: bool,
    /// Services that get referrals though their name type does not ask for it.
    pub host_based_services: Option<String>,
    /// Services that never get referrals.
    pub no_host_referral: Option<String>,
}

impl KdcConf {
    /// Reads the typed relations out of `profile`.
    ///
    /// # Errors
    /// A value in `[kdcdefaults]` that is not of its relation's kind, with file and line.
    pub fn from_profile(profile: Profile) -> Result<Self, ProfileError> {
        let number = |name: &str, default: u32| {
            let Some(relation) = profile.relation(&["kdcdefaults", name]) else {
                return Ok(default);
            };
            u32::try_from(relation.to_integer()?)
                .map_err(|_| relation.expected("a number that is not negative"))
        };
        let size = number("kdc_max_dgram_reply_size", 4096)?;
        let kdc_tcp_listen_backlog = number("kdc_tcp_listen_backlog", 5)?;
        let kdc_max_dgram_reply_size = usize::try_from(size).unwrap_or(usize::MAX);
        Ok(Self {
            kdc_max_dgram_reply_size,
            kdc_tcp_listen_backlog,
            profile,
        })
    }

    /// The profile with every relation, typed or not.
    pub fn profile(&self) -> &Profile {
        &self.profile
    }

    /// The realms that have a subsection in `[realms]`, in order.
    pub fn realm_names(&self) -> impl Iterator<Item = &str> {
        self.profile
            .section(&["realms"])
            .into_iter()
            .flat_map(|section| section.section_names())
    }

    /// The realm's settings: its own subsection, then `[kdcdefaults]`, then MIT's defaults.
    ///
    /// # Errors
    /// A value that is not of its relation's kind, with file and line.
    pub fn realm(&self, realm: &str) -> Result<KdcRealmConf, ProfileError> {
        RealmReader {
            profile: &self.profile,
            realm,
        }
        .read()
    }
}

struct RealmReader<'a> {
    profile: &'a Profile,
    realm: &'a str,
}

impl<'a> RealmReader<'a> {
    fn own(&self, name: &str) -> Option<Relation<'a>> {
        self.profile.relation(&["realms", self.realm, name])
    }

    /// For the relations that `[kdcdefaults]` may give for all realms.
    fn own_or_default(&self, name: &str) -> Option<Relation<'a>> {
        self.own(name)
            .or_else(|| self.profile.relation(&["kdcdefaults", name]))
    }

    /// The realm's database section, which is named after the realm unless said otherwise.
    fn db(&self, name: &str) -> Option<Relation<'a>> {
        let module = self
            .own("database_module")
            .map_or(self.realm, |relation| relation.value);
        self.profile.relation(&["dbmodules", module, name])
    }

    fn read(&self) -> Result<KdcRealmConf, ProfileError> {
        let text = |relation: Option<Relation<'_>>| relation.map(|relation| relation.value.to_string());
        let any = HostPort {
            host: None,
            port: KDC_PORT,
        };
        let listen = self
            .own_or_default("kdc_listen")
            .or_else(|| self.own_or_default("kdc_ports"));
        let kdc_listen = addresses(listen, &[any])?;
        let listen = self
            .own_or_default("kdc_tcp_listen")
            .or_else(|| self.own_or_default("kdc_tcp_ports"));
        let kdc_tcp_listen = addresses(listen, &kdc_listen)?;
        Ok(KdcRealmConf {
            kdc_listen,
            kdc_tcp_listen,
            database_name: text(self.db("database_name").or_else(|| self.own("database_name"))),
            db_library: text(self.db("db_library")),
            disable_lockout: boolean(self.db("disable_lockout"), false)?,
            disable_last_success: boolean(self.db("disable_last_success"), false)?,
            key_stash_file: text(self.own("key_stash_file")),
            master_key_name: text(self.own("master_key_name")).unwrap_or_else(|| "K/M".to_string()),
            master_key_type: enctype(self.own("master_key_type"))?,
            max_life_seconds: duration(self.own("max_life"), 86_400)?,
            max_renewable_life_seconds: duration(self.own("max_renewable_life"), 0)?,
            supported_enctypes: keysalts(self.own("supported_enctypes"))?,
            default_principal_flags: principal_flags(self.own("default_principal_flags"))?,
            default_principal_expiration: text(self.own("default_principal_expiration")),
            acl_file: text(self.own("acl_file")),
            dict_file: text(self.own("dict_file")),
            kadmind_port: port(self.own("kadmind_port"), KADMIN_PORT)?,
            kpasswd_port: port(self.own("kpasswd_port"), KPASSWD_PORT)?,
            reject_bad_transit: boolean(self.own("reject_bad_transit"), true)?,
            restrict_anonymous_to_tgt: boolean(self.own_or_default("restrict_anonymous_to_tgt"), false)?,
            disable_pac: boolean(self.own("disable_pac"), false)?,
            host_based_services: text(self.own_or_default("host_based_services")),
            no_host_referral: text(self.own_or_default("no_host_referral")),
        })
    }
}

fn boolean(relation: Option<Relation<'_>>, default: bool) -> Result<bool, ProfileError> {
    relation.map_or(Ok(default), |relation| relation.to_bool())
}

fn duration(relation: Option<Relation<'_>>, default: i64) -> Result<i64, ProfileError> {
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

fn port(relation: Option<Relation<'_>>, default: u16) -> Result<u16, ProfileError> {
    let Some(relation) = relation else {
        return Ok(default);
    };
    let port = u16::try_from(relation.to_integer()?)
        .ok()
        .filter(|port| *port != 0);
    port.ok_or_else(|| relation.expected("a port from 1 to 65535"))
}

fn addresses(relation: Option<Relation<'_>>, default: &[HostPort]) -> Result<Vec<HostPort>, ProfileError> {
    let Some(relation) = relation else {
        return Ok(default.to_vec());
    };
    HostPort::parse_list(relation.value, KDC_PORT).map_err(|_| {
        relation.expected("a list of addresses, ports or address:port (no UNIX domain sockets yet)")
    })
}

fn enctype(relation: Option<Relation<'_>>) -> Result<EncryptionType, ProfileError> {
    let Some(relation) = relation else {
        return Ok(EncryptionType::AES256_CTS_HMAC_SHA1_96);
    };
    let enctype = EncryptionType::from_name(relation.value).filter(|enctype| enctype.is_supported());
    enctype.ok_or_else(|| relation.expected("a supported encryption type"))
}

fn keysalts(relation: Option<Relation<'_>>) -> Result<Vec<KeySalt>, ProfileError> {
    let Some(relation) = relation else {
        return Ok(DEFAULT_KEYSALTS.to_vec());
    };
    parse_keysalts(relation.value)
        .map_err(|_| relation.expected("a list of enctype:salttype with supported encryption types"))
}

fn principal_flags(relation: Option<Relation<'_>>) -> Result<u32, ProfileError> {
    let Some(relation) = relation else { return Ok(0) };
    parse_principal_flags(relation.value, 0)
        .ok_or_else(|| relation.expected("a list of principal flags, each with + or -"))
}
