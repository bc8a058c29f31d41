//! `[realms]`, one realm.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::host_string::{HostStringError, KADMIN_PORT, KDC_PORT, KPASSWD_PORT, ServerAddress};
use crate::profile::{Profile, ProfileError, Section};

/// What `[realms]` says of one realm.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RealmConf {
    /// `kdc`, in order.
    pub kdcs: Vec<ServerAddress>,
    /// `primary_kdc` or, without it, `master_kdc`.
    pub primary_kdcs: Vec<ServerAddress>,
    /// `admin_server`
    pub admin_servers: Vec<ServerAddress>,
    /// `kpasswd_server`; when empty, port 464 of the admin servers is the place to try.
    pub kpasswd_servers: Vec<ServerAddress>,
    /// Server relations that cannot be used, with the reason.
    pub unusable: Vec<UnusableServer>,
    /// Do not use encrypted timestamps. Default no.
    pub disable_encrypted_timestamp: bool,
    /// `auth_to_local`, in order.
    pub auth_to_local: Vec<String>,
    /// `auth_to_local_names`: principal and local name.
    pub auth_to_local_names: Vec<(String, String)>,
}

/// A server of a realm that this build cannot talk to, or that is written wrongly.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnusableServer {
    /// The relation's name.
    pub relation: String,
    /// Its value.
    pub value: String,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on.
    pub line: usize,
    /// Why it cannot be used.
    pub reason: HostStringError,
}

impl core::fmt::Display for UnusableServer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(
            f,
            "{} line {}: {}: {}",
            self.file, self.line, self.relation, self.reason
        )
    }
}

impl RealmConf {
    pub(super) fn read(profile: &Profile, realm: &str) -> Result<Self, ProfileError> {
        let mut conf = Self::default();
        let Some(section) = profile.section(&["realms", realm]) else {
            return Ok(conf);
        };
        conf.kdcs = conf.servers(section, "kdc", KDC_PORT);
        conf.primary_kdcs = conf.servers(section, "primary_kdc", KDC_PORT);
        if section.relation("primary_kdc").is_none() {
            conf.primary_kdcs = conf.servers(section, "master_kdc", KDC_PORT);
        }
        conf.admin_servers = conf.servers(section, "admin_server", KADMIN_PORT);
        conf.kpasswd_servers = conf.servers(section, "kpasswd_server", KPASSWD_PORT);
        let no_timestamp = section.relation("disable_encrypted_timestamp");
        conf.disable_encrypted_timestamp = no_timestamp.map_or(Ok(false), |relation| relation.to_bool())?;
        conf.auth_to_local = section
            .values("auth_to_local")
            .map(|relation| relation.value.to_string())
            .collect();
        if let Some(names) = section.section("auth_to_local_names") {
            let pairs = names
                .relations()
                .map(|name| (name.name.to_string(), name.value.to_string()));
            conf.auth_to_local_names = pairs.collect();
        }
        Ok(conf)
    }

    fn servers(&mut self, section: Section<'_>, name: &str, port: u16) -> Vec<ServerAddress> {
        let mut servers = Vec::new();
        for relation in section.values(name) {
            match ServerAddress::parse(relation.value, port) {
                Ok(server) => servers.push(server),
                Err(reason) => self.unusable.push(UnusableServer {
                    relation: relation.name.to_string(),
                    value: relation.value.to_string(),
                    file: relation.file.to_string(),
                    line: relation.line,
                    reason,
                }),
            }
        }
        servers
    }
}
