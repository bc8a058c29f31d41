//! What kdc.conf and krb5.conf say of a realm

use std::path::PathBuf;

use kerbside_asn1::{KerberosTime, Realm};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_formats::host_string::HostPort;
use kerbside_formats::keysalt::KeySalt;
use kerbside_formats::{KdcConf, Krb5Conf, Profile, ProfileError};
use kerbside_kdc::{Attributes, KdcPolicy};

use crate::admin::{AdminDefaults, default_keysalts};
use crate::audit::AuditTarget;
use crate::error::{Result, ServerError};

/// Where a KDC keeps its things unless told otherwise
const STATE_DIR: &str = "/var/lib/krb5kdc";
/// Database libraries of MIT krb5 whose place ours takes; it keeps its own format
const DB_LIBRARIES: [&str; 3] = ["db2", "klmdb", "kerbside"];

/// A realm as its configuration describes it
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct RealmConfig {
    /// The realm
    pub realm: String,
    /// The KDC's rules
    pub policy: KdcPolicy,
    /// The database file
    pub database: PathBuf,
    /// The stash file
    pub stash: PathBuf,
    /// Enctype of a new master key
    pub master_key_type: EncryptionType,
    /// What new principals get
    pub defaults: AdminDefaults,
    /// UDP addresses
    pub udp: Vec<HostPort>,
    /// TCP addresses
    pub tcp: Vec<HostPort>,
    /// Longest reply that goes by datagram, octets
    pub udp_reply_bytes_max: usize,
    /// Where the audit lines of the KDC go; empty: not said
    pub audit: Vec<AuditTarget>,
}

impl From<ProfileError> for ServerError {
    fn from(error: ProfileError) -> Self {
        ServerError::Config {
            place: "configuration".to_owned(),
            detail: error.to_string(),
        }
    }
}

impl RealmConfig {
    /// Reads the settings of `realm` from kdc.conf and krb5.conf merged, kdc.conf first
    ///
    /// Three defaults differ from MIT krb5: the database has its own name
    /// (`/var/lib/krb5kdc/kerbside.db`), so that MIT's is never touched; new principals get keys of
    /// all four AES enctypes; a new master key is aes256-cts-hmac-sha384-192.
    ///
    /// # Errors
    /// [`ServerError::Config`] with file and line of what cannot be used.
    pub fn from_profile(profile: &Profile, realm: &str) -> Result<RealmConfig> {
        let kdc_conf = KdcConf::from_profile(profile.clone())?;
        let libdefaults = Krb5Conf::from_profile(profile.clone())?.libdefaults_for(realm)?;
        let conf = kdc_conf.realm(realm)?;
        if let Some(library) = conf
            .db_library
            .as_deref()
            .filter(|library| !DB_LIBRARIES.contains(library))
        {
            return Err(ServerError::Config {
                place: format!("db_library of {realm}"),
                detail: format!("{library} is not supported: the database is a file of kerbside's own"),
            });
        }
        if conf.master_key_name != "K/M" {
            return Err(ServerError::Config {
                place: format!("master_key_name of {realm}"),
                detail: format!(
                    "expected K/M, but found {}: other names are not supported",
                    conf.master_key_name
                ),
            });
        }
        let said = |name: &str| profile.get(&["realms", realm, name]).is_some();
        let mut policy = KdcPolicy::new(Realm::from(realm));
        policy.max_life = conf.max_life_seconds;
        policy.max_renewable_life = conf.max_renewable_life_seconds;
        policy.clockskew_seconds = libdefaults.clockskew_seconds;
        let enctype_policy = libdefaults.enctype_policy();
        policy.enctype_policy = enctype_policy
            .clone()
            .with_permitted(libdefaults.permitted_enctypes.enctypes);
        policy.record_last_success = !conf.disable_last_success;
        policy.record_failures = !conf.disable_lockout;
        let keysalts = if said("supported_enctypes") {
            refuse_weak(profile, realm, &conf.supported_enctypes, &enctype_policy)?;
            conf.supported_enctypes
        } else {
            default_keysalts()
        };
        Ok(RealmConfig {
            realm: realm.to_owned(),
            database: conf
                .database_name
                .map_or_else(|| PathBuf::from(STATE_DIR).join("kerbside.db"), PathBuf::from),
            stash: conf.key_stash_file.map_or_else(
                || PathBuf::from(STATE_DIR).join(format!(".k5.{realm}")),
                PathBuf::from,
            ),
            master_key_type: if said("master_key_type") {
                conf.master_key_type
            } else {
                EncryptionType::AES256_CTS_HMAC_SHA384_192
            },
            defaults: AdminDefaults {
                keysalts,
                enctype_policy,
                attributes: Attributes(conf.default_principal_flags),
                expiration: expiration(realm, conf.default_principal_expiration.as_deref())?,
                max_life: policy.max_life,
                max_renewable_life: policy.max_renewable_life,
            },
            policy,
            udp: conf.kdc_listen,
            tcp: conf.kdc_tcp_listen,
            udp_reply_bytes_max: kdc_conf.kdc_max_dgram_reply_size,
            audit: audit(profile)?,
        })
    }
}

/// Names the switch that opens a weak enctype in `supported_enctypes`: without it the keys would be made in vain.
fn refuse_weak(profile: &Profile, realm: &str, keysalts: &[KeySalt], policy: &EnctypePolicy) -> Result<()> {
    let Some(weak) = keysalts.iter().find(|keysalt| !policy.permits(keysalt.enctype)) else {
        return Ok(());
    };
    let (file, line) = profile
        .relation(&["realms", realm, "supported_enctypes"])
        .map_or((String::new(), 0), |relation| {
            (relation.file.to_owned(), relation.line)
        });
    let switch = match weak.enctype {
        EncryptionType::DES3_CBC_SHA1_KD => "allow_des3",
        _ => "allow_rc4",
    };
    Err(ServerError::Config {
        place: format!("{file}, line {line}: supported_enctypes of {realm}"),
        detail: format!(
            "{} ({}) is weak, and {switch} is not set: set {switch} = true in the [libdefaults] of krb5.conf, or \
             leave it out",
            weak.enctype, weak.enctype.0
        ),
    })
}

fn audit(profile: &Profile) -> Result<Vec<AuditTarget>> {
    let own = profile.get_all(&["logging", "kdc"]);
    let values = if own.is_empty() {
        profile.get_all(&["logging", "default"])
    } else {
        own
    };
    values
        .into_iter()
        .map(|value| {
            AuditTarget::parse(value).map_err(|detail| ServerError::Config {
                place: "[logging] kdc".to_owned(),
                detail,
            })
        })
        .collect()
}

/// `default_principal_expiration`: `0`, or `YYYYMMDDHHMMSS` in UTC
fn expiration(realm: &str, value: Option<&str>) -> Result<Option<KerberosTime>> {
    let Some(value) = value
        .map(str::trim)
        .filter(|value| !matches!(*value, "" | "0" | "never"))
    else {
        return Ok(None);
    };
    let digits: String = value.chars().filter(|c| !matches!(c, '.' | 'Z')).collect();
    KerberosTime::from_generalized_time(format!("{digits}Z").as_bytes())
        .map(Some)
        .ok_or_else(|| ServerError::Config {
            place: format!("default_principal_expiration of {realm}"),
            detail: format!("expected 0 or YYYYMMDDHHMMSS, but found {value}"),
        })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    fn config(text: &str) -> Result<RealmConfig> {
        RealmConfig::from_profile(&Profile::parse(text, "kdc.conf").unwrap(), "EXAMPLE.TEST")
    }

    #[test]
    fn defaults() {
        let config = config("").unwrap();
        assert_eq!(config.database.to_str(), Some("/var/lib/krb5kdc/kerbside.db"));
        assert_eq!(config.stash.to_str(), Some("/var/lib/krb5kdc/.k5.EXAMPLE.TEST"));
        assert_eq!(config.defaults.keysalts.len(), 4);
        assert_eq!(config.policy.max_life, 86_400);
        assert_eq!(config.udp, config.tcp);
        assert!(config.audit.is_empty());
    }

    #[test]
    fn relations() {
        let config = config(
            "[kdcdefaults]\n kdc_listen = 127.0.0.1:10088\n[realms]\n EXAMPLE.TEST = {\n\
             database_name = /x/principal\n key_stash_file = /x/stash\n max_life = 10h\n\
             max_renewable_life = 7d\n supported_enctypes = aes256-cts:normal\n\
             default_principal_flags = +preauth\n default_principal_expiration = 20300101000000\n }\n\
             [dbmodules]\n EXAMPLE.TEST = {\n disable_last_success = true\n db_library = db2\n }\n\
             [logging]\n kdc = FILE:/x/log\n kdc = STDERR\n default = SYSLOG\n",
        )
        .unwrap();
        assert_eq!(config.database.to_str(), Some("/x/principal"));
        assert_eq!(config.policy.max_life, 36_000);
        assert_eq!(config.policy.max_renewable_life, 604_800);
        assert!(!config.policy.record_last_success && config.policy.record_failures);
        assert_eq!(config.defaults.keysalts.len(), 1);
        assert_eq!(config.defaults.attributes, Attributes::REQUIRES_PRE_AUTH);
        assert!(config.defaults.expiration.is_some());
        assert_eq!(config.udp.len(), 1);
        assert_eq!(config.audit.len(), 2);
    }

    #[test]
    fn weak_enctypes_need_their_switch() {
        let text = |switch: &str, enctype: &str| {
            format!(
                "[libdefaults]\n {switch}\n[realms]\n EXAMPLE.TEST = {{\n \
                 supported_enctypes = aes256-cts {enctype}\n }}\n"
            )
        };
        for (switch, enctype, number) in [
            ("allow_rc4", "arcfour-hmac-md5:normal", 23),
            ("allow_des3", "des3-cbc-sha1:normal", 16),
        ] {
            let other = ["allow_rc4 = true", "allow_des3 = true"]
                .into_iter()
                .find(|line| !line.starts_with(switch));
            for without in ["", "allow_weak_crypto = true", other.unwrap()] {
                let refused = config(&text(without, enctype)).unwrap_err().to_string();
                let found = EncryptionType(number);
                assert_eq!(
                    refused,
                    format!(
                        "kdc.conf, line 5: supported_enctypes of EXAMPLE.TEST: {found} ({number}) is weak, and {switch} \
                         is not set: set {switch} = true in the [libdefaults] of krb5.conf, or leave it out"
                    )
                );
            }
            let allowed = config(&text(&format!("{switch} = true"), enctype)).unwrap();
            assert_eq!(allowed.defaults.keysalts.len(), 2);
            assert!(allowed.policy.permits(EncryptionType(number)));
            let kept = config(&text(
                &format!("{switch} = true\n permitted_enctypes = aes256-cts"),
                enctype,
            ))
            .unwrap();
            assert!(kept.defaults.enctype_policy.permits(EncryptionType(number)));
            assert!(!kept.policy.permits(EncryptionType(number)));
        }
        let single_des =
            config("[realms]\n EXAMPLE.TEST = {\n supported_enctypes = des-cbc-crc:normal\n }\n");
        assert!(single_des.unwrap_err().to_string().contains("kdc.conf"));
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        let ldap = config(
            "[realms]\n EXAMPLE.TEST = {\n database_module = ldap\n }\n[dbmodules]\n ldap = {\n db_library = kldap\n }\n",
        );
        assert_eq!(
            ldap.unwrap_err().to_string(),
            "db_library of EXAMPLE.TEST: kldap is not supported: the database is a file of kerbside's own"
        );
        assert!(config("[logging]\n kdc = PIGEON\n").is_err());
    }
}
