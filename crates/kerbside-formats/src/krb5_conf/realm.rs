//! `[realms]`, one realm, as clients and services read it.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::host_string::{HostStringError, KADMIN_PORT, KDC_PORT, KPASSWD_PORT, ServerAddress};
use crate::profile::ProfileError;
use crate::relations::{Place, relations};

relations! {
    /// What `[realms]` says of one realm.
    #[derive(Default)]
    pub struct RealmConf, REALM, read(realm) {
        /// `admin_server`
        admin_server => admin_servers: Vec<ServerAddress> = realm.servers(KADMIN_PORT);
        /// `auth_to_local`, in order.
        auth_to_local => auth_to_local: Vec<String> = realm.texts();
        /// `auth_to_local_names`: principal and local name.
        auth_to_local_names => auth_to_local_names: Vec<(String, String)> = realm.pairs();
        /// Get an anonymous ticket as FAST armor first. Default no.
        auto_fast_armor => auto_fast_armor: bool = realm.boolean(false);
        /// Domain of hosts in Kerberos 4 names.
        default_domain => default_domain: Option<String> = realm.text();
        /// Do not use encrypted timestamps. Default no.
        disable_encrypted_timestamp => disable_encrypted_timestamp: bool = realm.boolean(false);
        /// Certificates trusted to sign those of KDC proxies; the system's when empty.
        http_anchors => http_anchors: Vec<String> = realm.texts();
        /// `kdc`, in order.
        kdc => kdcs: Vec<ServerAddress> = realm.servers(KDC_PORT);
        /// `kpasswd_server`; when empty, port 464 of the admin servers is the place to try.
        kpasswd_server => kpasswd_servers: Vec<ServerAddress> = realm.servers(KPASSWD_PORT);
        /// `master_kdc`, the older name of `primary_kdc`.
        master_kdc => master_kdcs: Vec<ServerAddress> = realm.servers(KDC_PORT);
        /// `primary_kdc` or, without it, `master_kdc`.
        primary_kdc => primary_kdcs: Vec<ServerAddress> = realm.servers_or("master_kdc", KDC_PORT);
        /// The site of this host, for finding KDCs by DNS.
        sitename => sitename: Option<String> = realm.text();
        /// Exceptions to `default_domain`: Kerberos 4 instance and host name.
        v4_instance_convert => v4_instance_convert: Vec<(String, String)> = realm.pairs();
        /// The realm's name in Kerberos 4.
        v4_realm => v4_realm: Option<String> = realm.text();
    }
    plus {
        /// Server relations that cannot be used, with the reason.
        unusable: Vec<UnusableServer> = realm.unusable();
    }
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

const SERVERS: [&str; 5] = [
    "kdc",
    "primary_kdc",
    "master_kdc",
    "admin_server",
    "kpasswd_server",
];

impl Place<'_> {
    /// One server that cannot be used does not take the others away: see [`unusable`](Self::unusable).
    fn servers(&self, name: &str, port: u16) -> Result<Vec<ServerAddress>, ProfileError> {
        let values = self.relations(name);
        let servers = values
            .iter()
            .filter_map(|relation| ServerAddress::parse(relation.value, port).ok());
        Ok(servers.collect())
    }

    fn servers_or(&self, name: &str, other: &str, port: u16) -> Result<Vec<ServerAddress>, ProfileError> {
        let name = if self.relation(name).is_some() {
            name
        } else {
            other
        };
        self.servers(name, port)
    }

    fn unusable(&self) -> Vec<UnusableServer> {
        let mut unusable = Vec::new();
        for relation in SERVERS.iter().flat_map(|name| self.relations(name)) {
            // Any port will do: only whether it is an address counts here.
            if let Err(reason) = ServerAddress::parse(relation.value, KDC_PORT) {
                unusable.push(UnusableServer {
                    relation: relation.name.to_string(),
                    value: relation.value.to_string(),
                    file: relation.file.to_string(),
                    line: relation.line,
                    reason,
                });
            }
        }
        unusable
    }
}
