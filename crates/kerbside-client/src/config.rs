//! krb5.conf and the environment, put together once and then only read.

mod loader;

use std::ffi::OsStr;
use std::path::{Path, PathBuf};

use kerbside_asn1::{Principal, Realm, SpakeGroup};
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::expansion;
use kerbside_formats::krb5_conf::Krb5Conf;
use kerbside_formats::profile::{NoIncludes, Profile};
use kerbside_formats::spelling::Misspelling;
use kerbside_protocol::SPAKE_GROUPS;

use crate::environment::Environment;
use crate::error::Error;
use crate::names::{CacheName, KeytabName};
use crate::replay_cache::ReplayCacheName;

/// The configuration of a client: the krb5.conf files and the environment they were found by.
#[derive(Debug, Clone)]
pub struct Config {
    environment: Environment,
    krb5: Krb5Conf,
    read: Vec<PathBuf>,
    missing: Vec<PathBuf>,
}

impl Config {
    /// Reads the files that the environment names. As with MIT, a file that does not exist counts
    /// as empty; a file that cannot be read or understood is an error.
    ///
    /// # Errors
    /// [`Error::ConfigUnreadable`] and [`Error::Config`], with file, line and cause.
    pub fn load(environment: Environment) -> Result<Self, Error> {
        let files = environment.config_files();
        let loaded = load_profile(&files)?;
        Ok(Self {
            environment,
            krb5: Krb5Conf::from_profile(loaded.profile)?,
            read: loaded.read,
            missing: loaded.missing,
        })
    }

    /// A configuration from text that includes no file; `name` stands for it in messages.
    ///
    /// # Errors
    /// [`Error::Config`] with line and cause.
    pub fn from_text(text: &str, name: &str, environment: Environment) -> Result<Self, Error> {
        let profile = Profile::parse_with(text, name, &mut NoIncludes)?;
        Ok(Self {
            environment,
            krb5: Krb5Conf::from_profile(profile)?,
            read: vec![PathBuf::from(name)],
            missing: Vec::new(),
        })
    }

    /// The typed view of the files.
    #[must_use]
    pub fn krb5_conf(&self) -> &Krb5Conf {
        &self.krb5
    }

    /// Names in the files that look like slips of known ones: they count for nothing.
    #[must_use]
    pub fn warnings(&self) -> Vec<Misspelling> {
        self.krb5.warnings()
    }

    /// What krb5.conf says of first tickets that is of no effect here, one line for each.
    #[must_use]
    pub fn login_warnings(&self) -> Vec<String> {
        let groups = self.krb5.libdefaults.spake_preauth_groups.iter().flatten();
        let mut groups = groups.map(|&group| SpakeGroup(group as i32)).peekable();
        if groups.peek().is_none() || groups.any(|group| SPAKE_GROUPS.contains(&group)) {
            return Vec::new();
        }
        let section = self.krb5.profile().section(&["libdefaults"]);
        let relation = section.and_then(|section| section.relation("spake_preauth_groups"));
        let line = relation.map(|relation| {
            format!(
                "{} line {}: spake_preauth_groups: SPAKE is not done, since none of its groups ({}) is built; edwards25519 and P-256 are",
                relation.file, relation.line, relation.value
            )
        });
        line.into_iter().collect()
    }

    /// The environment this was loaded with.
    #[must_use]
    pub fn environment(&self) -> &Environment {
        &self.environment
    }

    /// The files that were read, in order of precedence.
    #[must_use]
    pub fn files_read(&self) -> &[PathBuf] {
        &self.read
    }

    /// The files that were named and do not exist.
    #[must_use]
    pub fn files_missing(&self) -> &[PathBuf] {
        &self.missing
    }

    /// Which enctypes may be used at all: `allow_rc4`, `allow_des3` and `allow_weak_crypto` of `[libdefaults]`.
    #[must_use]
    pub fn enctype_policy(&self) -> EnctypePolicy {
        self.krb5.libdefaults.enctype_policy()
    }

    /// `default_realm` of `[libdefaults]`.
    ///
    /// # Errors
    /// [`Error::NoDefaultRealm`] with the files that were looked into.
    pub fn default_realm(&self) -> Result<Realm, Error> {
        self.krb5
            .default_realm()
            .map(Realm::from)
            .ok_or_else(|| Error::NoDefaultRealm {
                read: self.read.clone(),
                missing: self.missing.clone(),
            })
    }

    /// Reads a principal's name, which may be any bytes; one without a realm is in the default realm.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::NoDefaultRealm`].
    pub fn parse_principal(&self, name: impl AsRef<[u8]>) -> Result<Principal, Error> {
        let name = name.as_ref();
        let default = self.krb5.default_realm().map(Realm::from);
        match Principal::parse_bytes(name, default.as_ref()) {
            Ok(principal) => Ok(principal),
            // With a realm it would be a name: then the realm is what is missing.
            Err(_) if default.is_none() && Principal::parse_bytes(name, Some(&Realm::from("X"))).is_ok() => {
                Err(self.default_realm().err().unwrap_or(Error::Interrupted))
            }
            Err(error) => Err(Error::BadName {
                name: String::from_utf8_lossy(name).into_owned(),
                reason: error.to_string(),
            }),
        }
    }

    /// Reads an enterprise name (`alice@example.com` as one component, RFC 6806 section 5); a second
    /// `@` names the realm, else it is the default realm.
    ///
    /// # Errors
    /// [`Error::BadName`], [`Error::NoDefaultRealm`].
    pub fn parse_enterprise(&self, name: &str) -> Result<Principal, Error> {
        let default = self.krb5.default_realm().map(Realm::from);
        match Principal::parse_enterprise(name, default.as_ref()) {
            Ok(principal) => Ok(principal),
            Err(_) if default.is_none() => Err(self.default_realm().err().unwrap_or(Error::Interrupted)),
            Err(error) => Err(Error::BadName {
                name: name.to_owned(),
                reason: error.to_string(),
            }),
        }
    }

    /// The realm of a host by `[domain_realm]`, else the default realm.
    ///
    /// # Errors
    /// [`Error::NoDefaultRealm`].
    pub fn realm_of_host(&self, host: &str) -> Result<Realm, Error> {
        match self.krb5.realm_of_host(host) {
            Some(realm) => Ok(Realm::from(realm)),
            None => self.default_realm(),
        }
    }

    /// The default credential cache: `KRB5CCNAME`, `default_ccache_name`, else
    /// `FILE:/tmp/krb5cc_UID`.
    ///
    /// # Errors
    /// A value with a `%{...}` that is not known, with file and line.
    pub fn default_cache_name(&self) -> Result<CacheName, Error> {
        if let Some(name) = &self.environment.ccache_name {
            return Ok(CacheName::parse(name));
        }
        let configured = self.expanded("default_ccache_name")?;
        let name = configured.unwrap_or_else(|| format!("FILE:/tmp/krb5cc_{}", self.environment.uid));
        Ok(CacheName::parse(OsStr::new(&name)))
    }

    /// The default keytab of services: `KRB5_KTNAME`, `default_keytab_name`, else
    /// `FILE:/etc/krb5.keytab`.
    ///
    /// # Errors
    /// A value with a `%{...}` that is not known, with file and line.
    pub fn default_keytab_name(&self) -> Result<KeytabName, Error> {
        if let Some(name) = &self.environment.keytab_name {
            return Ok(KeytabName::parse(name));
        }
        let configured = self.expanded("default_keytab_name")?;
        Ok(KeytabName::parse(OsStr::new(
            configured.as_deref().unwrap_or("FILE:/etc/krb5.keytab"),
        )))
    }

    /// The default keytab of clients: `KRB5_CLIENT_KTNAME`, `default_client_keytab_name`, else
    /// `FILE:/etc/krb5/user/EUID/client.keytab`.
    ///
    /// # Errors
    /// A value with a `%{...}` that is not known, with file and line.
    pub fn default_client_keytab_name(&self) -> Result<KeytabName, Error> {
        if let Some(name) = &self.environment.client_keytab_name {
            return Ok(KeytabName::parse(name));
        }
        let configured = self.expanded("default_client_keytab_name")?;
        let name = configured
            .unwrap_or_else(|| format!("FILE:/etc/krb5/user/{}/client.keytab", self.environment.euid));
        Ok(KeytabName::parse(OsStr::new(&name)))
    }

    /// The replay cache of services: `KRB5RCACHENAME`, `KRB5RCACHETYPE`, `default_rcache_name`, else the process's memory
    /// (MIT's library takes `dfl:` then, a file).
    ///
    /// # Errors
    /// As [`Config::default_cache_name`].
    pub fn replay_cache_name(&self) -> Result<ReplayCacheName, Error> {
        if let Some(name) = &self.environment.replay_cache_name {
            return Ok(ReplayCacheName::parse(name));
        }
        if let Some(kind) = &self.environment.replay_cache_type {
            let mut name = kind.clone();
            name.push(":");
            return Ok(ReplayCacheName::parse(&name));
        }
        let configured = self.expanded("default_rcache_name")?;
        Ok(configured.map_or(ReplayCacheName::Memory, |name| {
            ReplayCacheName::parse(OsStr::new(&name))
        }))
    }

    /// A relation of `[libdefaults]` with its `%{...}` replaced.
    fn expanded(&self, relation: &str) -> Result<Option<String>, Error> {
        let Some(relation) = self.krb5.profile().relation(&["libdefaults", relation]) else {
            return Ok(None);
        };
        let temp = self.environment.temp_dir.display().to_string();
        let parameters = expansion::Environment {
            uid: self.environment.uid,
            euid: self.environment.euid,
            username: self.environment.username.as_deref(),
            temp: &temp,
            ..expansion::Environment::default()
        };
        expansion::expand(relation.value, &parameters)
            .map(Some)
            .map_err(|error| Error::BadValue {
                file: relation.file.to_owned(),
                line: relation.line,
                relation: relation.name.to_owned(),
                reason: error.to_string(),
            })
    }
}

/// A profile from files, with what was found and what was not.
#[derive(Debug)]
pub struct LoadedProfile {
    /// The files put together, the first with the highest precedence.
    pub profile: Profile,
    /// The files that were read.
    pub read: Vec<PathBuf>,
    /// The files that do not exist.
    pub missing: Vec<PathBuf>,
}

/// Reads profile files (krb5.conf or kdc.conf) in order of precedence. A name that is a folder
/// stands for the files in it whose names MIT would take.
///
/// # Errors
/// [`Error::ConfigUnreadable`] and [`Error::Config`], with file, line and cause.
pub fn load_profile(files: &[PathBuf]) -> Result<LoadedProfile, Error> {
    let mut loaded = LoadedProfile {
        profile: Profile::default(),
        read: Vec::new(),
        missing: Vec::new(),
    };
    let mut profiles = Vec::new();
    for file in files {
        for file in loader::named_files(file)? {
            match loader::read(&file) {
                Ok(text) => {
                    let name = file.display().to_string();
                    profiles.push(Profile::parse_with(text, &name, &mut loader::Files)?);
                    loaded.read.push(file);
                }
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => loaded.missing.push(file),
                Err(error) => return Err(unreadable(&file, &error)),
            }
        }
    }
    loaded.profile = Profile::merge(profiles);
    Ok(loaded)
}

fn unreadable(file: &Path, error: &std::io::Error) -> Error {
    Error::ConfigUnreadable {
        file: file.to_owned(),
        reason: crate::transport::io_words(error),
    }
}

#[cfg(test)]
mod tests;
