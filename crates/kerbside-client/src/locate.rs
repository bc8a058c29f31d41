//! Which KDCs and password servers a realm has: the lines of krb5.conf. DNS (SRV, URI) is not built yet.

use std::net::{SocketAddr, ToSocketAddrs};
use std::time::Duration;

use kerbside_asn1::Realm;
use kerbside_formats::host_string::{self, KPASSWD_PORT, ServerAddress};

use crate::attempt::{Attempt, AttemptOutcome, Transport};
use crate::config::Config;
use crate::error::Error;
use crate::schedule::Target;
use crate::trace;
use crate::transport::io_words;

/// The KDCs of `realm` in the order of the configuration.
///
/// # Errors
/// [`Error::NoKdc`], [`Error::BadValue`] with file and line.
pub fn locate_kdcs(config: &Config, realm: &Realm) -> Result<Vec<ServerAddress>, Error> {
    let conf = config.krb5_conf();
    let found = conf.realm(&String::from_utf8_lossy(realm.as_bytes()))?;
    if !found.kdcs.is_empty() {
        return Ok(found.kdcs);
    }
    if let Some(server) = found.unusable.into_iter().find(|server| server.relation == "kdc") {
        return Err(Error::BadValue {
            file: server.file,
            line: server.line,
            relation: server.relation,
            reason: server.reason.to_string(),
        });
    }
    let has_kdc = |name: &&str| conf.profile().relation(&["realms", name, "kdc"]).is_some();
    Err(Error::NoKdc {
        realm: realm.clone(),
        read: config.files_read().to_vec(),
        known: conf.realm_names().filter(has_kdc).map(str::to_owned).collect(),
    })
}

/// The servers that change passwords of `realm`: `kpasswd_server`, else port 464 of `admin_server`.
///
/// # Errors
/// [`Error::NoKpasswd`], [`Error::BadValue`] with file and line.
pub fn locate_kpasswd(config: &Config, realm: &Realm) -> Result<Vec<ServerAddress>, Error> {
    let found = config
        .krb5_conf()
        .realm(&String::from_utf8_lossy(realm.as_bytes()))?;
    if !found.kpasswd_servers.is_empty() {
        return Ok(found.kpasswd_servers);
    }
    let unusable = |relation: &str| found.unusable.iter().find(|server| server.relation == relation);
    let bad = match unusable("kpasswd_server") {
        Some(server) => Some(server),
        None if found.admin_servers.is_empty() => unusable("admin_server"),
        None => None,
    };
    if let Some(server) = bad {
        return Err(Error::BadValue {
            file: server.file.clone(),
            line: server.line,
            relation: server.relation.clone(),
            reason: server.reason.to_string(),
        });
    }
    if found.admin_servers.is_empty() {
        return Err(Error::NoKpasswd {
            realm: realm.clone(),
            read: config.files_read().to_vec(),
        });
    }
    let at_464 = found.admin_servers.into_iter().map(|server| ServerAddress {
        port: KPASSWD_PORT,
        ..server
    });
    Ok(at_464.collect())
}

/// Addresses of the servers, each by both transports unless its line says otherwise. It asks the
/// system's resolver and may block. Names without an address come back as attempts that failed.
pub(crate) fn resolve(servers: &[ServerAddress]) -> (Vec<Target>, Vec<Attempt>) {
    let mut targets: Vec<Target> = Vec::new();
    let mut failed = Vec::new();
    for server in servers {
        let transports = match server.transport {
            Some(host_string::Transport::Udp) => vec![Transport::Udp],
            Some(_) => vec![Transport::Tcp],
            None => vec![Transport::Udp, Transport::Tcp],
        };
        trace::resolving(&server.host);
        match addresses(server) {
            Ok(addresses) => {
                let pairs = addresses
                    .iter()
                    .flat_map(|address| transports.iter().map(move |transport| (*address, *transport)));
                for (address, transport) in pairs {
                    let same = |target: &Target| (target.address, target.transport) == (address, transport);
                    if !targets.iter().any(same) {
                        targets.push(Target {
                            server: server.to_string(),
                            address,
                            transport,
                        });
                    }
                }
            }
            Err(reason) => failed.push(Attempt {
                server: server.to_string(),
                address: None,
                transport: transports.first().copied().unwrap_or(Transport::Udp),
                sent: 0,
                took: Duration::ZERO,
                outcome: AttemptOutcome::Unresolved(reason),
            }),
        }
    }
    (targets, failed)
}

fn addresses(server: &ServerAddress) -> Result<Vec<SocketAddr>, String> {
    match (server.host.as_str(), server.port).to_socket_addrs() {
        Ok(addresses) => {
            let addresses: Vec<SocketAddr> = addresses.collect();
            if addresses.is_empty() {
                Err("the resolver names none".to_owned())
            } else {
                Ok(addresses)
            }
        }
        Err(error) => Err(io_words(&error)),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the test's failure

    use super::*;
    use crate::environment::Environment;

    #[test]
    fn the_configuration_names_the_kdcs_and_a_realm_without_any_is_told() {
        let text = "[realms]\n A = {\n  kdc = one\n  kdc = two:89\n }\n B = {\n  admin_server = x\n }\n";
        let config = Config::from_text(text, "krb5.conf", Environment::default()).unwrap();
        let names = |realm: &str| {
            locate_kdcs(&config, &Realm::from(realm))
                .map(|servers| servers.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(names("A").unwrap(), ["one:88", "two:89"]);
        for realm in ["B", "a"] {
            match names(realm) {
                Err(Error::NoKdc { known, read, .. }) => {
                    assert_eq!(known, ["A"]);
                    assert_eq!(read, [std::path::Path::new("krb5.conf")]);
                }
                other => panic!("{other:?}"),
            }
        }
    }

    #[test]
    fn passwords_are_changed_at_kpasswd_server_or_port_464_of_admin_server() {
        let text = "[realms]\n A = {\n  kpasswd_server = one:1464\n  admin_server = two\n }\n B = {\n  \
                    admin_server = three:749\n  admin_server = [::1]\n }\n C = {\n  kdc = four\n }\n D = {\n  \
                    kpasswd_server = five:none\n  admin_server = six\n }\n";
        let config = Config::from_text(text, "krb5.conf", Environment::default()).unwrap();
        let names = |realm: &str| {
            locate_kpasswd(&config, &Realm::from(realm))
                .map(|servers| servers.iter().map(ToString::to_string).collect::<Vec<_>>())
        };
        assert_eq!(names("A").unwrap(), ["one:1464"]);
        assert_eq!(names("B").unwrap(), ["three:464", "[::1]:464"]);
        assert_eq!(
            names("C").unwrap_err().to_string(),
            "no password server for realm C: DNS lookup is not built yet, and it has no kpasswd_server or \
             admin_server line in krb5.conf"
        );
        assert_eq!(
            names("D").unwrap_err().to_string(),
            "krb5.conf line 14: kpasswd_server: expected a port from 1 to 65535, but found \"none\""
        );
    }

    #[test]
    fn a_bad_kdc_line_is_told_with_its_place() {
        let text = "[realms]\n A = {\n  kdc = kdc:none\n }\n";
        let config = Config::from_text(text, "krb5.conf", Environment::default()).unwrap();
        let error = locate_kdcs(&config, &Realm::from("A")).unwrap_err();
        assert_eq!(
            error.to_string(),
            "krb5.conf line 3: kdc: expected a port from 1 to 65535, but found \"none\""
        );
    }

    #[test]
    fn addresses_are_asked_by_both_transports_once() {
        let servers = ["127.0.0.1", "tcp/127.0.0.1:88", "kdc.invalid"]
            .map(|text| ServerAddress::parse(text, 88).unwrap());
        let (targets, failed) = resolve(&servers);
        assert_eq!(targets.len(), 2);
        assert_eq!(failed.len(), 1);
        assert!(
            failed
                .iter()
                .all(|attempt| matches!(attempt.outcome, AttemptOutcome::Unresolved(_)))
        );
    }
}
