//! The servers that krb5.conf names.

use kerbside_asn1::Realm;
use kerbside_formats::host_string::{KPASSWD_PORT, ServerAddress, Transport};
use kerbside_formats::krb5_conf::RealmConf;

use super::{DnsTrail, Service};
use crate::config::Config;
use crate::error::Error;

/// The servers in the order of the configuration; none where it names none.
///
/// # Errors
/// [`Error::BadValue`] with file and line, where a line that would count cannot be used and no other can.
pub(super) fn servers(config: &Config, realm: &Realm, service: Service) -> Result<Vec<ServerAddress>, Error> {
    let conf = config
        .krb5_conf()
        .realm(&String::from_utf8_lossy(realm.as_bytes()))?;
    match service {
        Service::Kdc => used(&conf, &conf.kdcs, &["kdc"]),
        Service::PrimaryKdc => used(&conf, &conf.primary_kdcs, &["primary_kdc", "master_kdc"]),
        Service::Admin => used(&conf, &conf.admin_servers, &["admin_server"]),
        Service::Kpasswd => {
            let own = used(&conf, &conf.kpasswd_servers, &["kpasswd_server"])?;
            if !own.is_empty() {
                return Ok(own);
            }
            let admin = used(&conf, &conf.admin_servers, &["admin_server"])?;
            Ok(admin.into_iter().map(at_464).collect())
        }
    }
}

/// A proxy finds the port by the message.
fn at_464(server: ServerAddress) -> ServerAddress {
    match server.transport {
        Some(Transport::Https) => server,
        _ => ServerAddress {
            port: KPASSWD_PORT,
            ..server
        },
    }
}

fn used(
    conf: &RealmConf,
    servers: &[ServerAddress],
    relations: &[&str],
) -> Result<Vec<ServerAddress>, Error> {
    let mut unusable = conf
        .unusable
        .iter()
        .filter(|server| relations.contains(&server.relation.as_str()));
    match unusable.next() {
        Some(server) if servers.is_empty() => Err(Error::BadValue {
            file: server.file.clone(),
            line: server.line,
            relation: server.relation.clone(),
            reason: server.reason.to_string(),
        }),
        _ => Ok(servers.to_vec()),
    }
}

/// The error where nobody knows a server, with everything that was looked at.
pub(super) fn none_found(config: &Config, realm: &Realm, service: Service, dns: DnsTrail) -> Error {
    let read = config.files_read().to_vec();
    let realm = realm.clone();
    if service == Service::Kpasswd {
        return Error::NoKpasswd { realm, read, dns };
    }
    let conf = config.krb5_conf();
    let has_kdc = |name: &&str| conf.profile().relation(&["realms", name, "kdc"]).is_some();
    Error::NoKdc {
        realm,
        read,
        known: conf.realm_names().filter(has_kdc).map(str::to_owned).collect(),
        dns,
    }
}
