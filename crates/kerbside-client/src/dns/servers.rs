//! A realm's servers as DNS has them: URI records, and SRV records where there are none.

use hickory_resolver::proto::rr::RData;
use kerbside_formats::host_string::{KPASSWD_PORT, ServerAddress, Transport};

use super::records::{self, Ranked};
use super::{DnsKind, DnsOutcome, DnsQuery, Resolver};
use crate::locate::Service;
use crate::random::below;

/// What DNS knows of a realm's servers.
#[derive(Debug, Default)]
pub(crate) struct FoundServers {
    /// In the order they are to be tried.
    pub(crate) servers: Vec<ServerAddress>,
    /// What was asked, in order.
    pub(crate) queries: Vec<DnsQuery>,
}

/// Asks for the servers of a realm. As MIT does it: URI records first, SRV records where that brings none, each for the
/// site first where one is configured.
pub(crate) async fn find_servers(
    resolver: &Resolver,
    realm: &str,
    service: Service,
    site: Option<&str>,
    uri_too: bool,
) -> FoundServers {
    let mut found = FoundServers::default();
    let sites = site.map(|site| format!("{site}._sites.{realm}"));
    let places = || sites.iter().map(String::as_str).chain([realm]);
    if uri_too {
        for place in places() {
            if by_uri(resolver, place, service, &mut found).await {
                return found;
            }
        }
    }
    for place in places() {
        if by_srv(resolver, place, service, &mut found).await {
            return found;
        }
    }
    if service == Service::Kpasswd {
        // MIT: where there is no password server, kadmind's host is asked at port 464.
        let (outcome, servers) = srv_records(resolver, "_kerberos-adm._tcp", realm, Transport::Tcp).await;
        found.queries.push(outcome);
        found
            .servers
            .extend(servers.into_iter().map(|server| ServerAddress {
                port: KPASSWD_PORT,
                transport: None,
                ..server
            }));
    }
    found
}

/// Whether the search is over.
async fn by_uri(resolver: &Resolver, place: &str, service: Service, found: &mut FoundServers) -> bool {
    let name = match service {
        Service::Kdc | Service::PrimaryKdc => format!("_kerberos.{place}"),
        Service::Kpasswd => format!("_kpasswd.{place}"),
        Service::Admin => format!("_kerberos-adm.{place}"),
    };
    let (outcome, ranked) = match resolver.records(&name, DnsKind::Uri).await {
        Ok(records) => {
            let read = |data: &RData| match data {
                RData::Unknown { rdata, .. } => records::uri(&rdata.anything, service.port()),
                _ => None,
            };
            counted(&records, records.iter().filter_map(read).collect())
        }
        Err(outcome) => (outcome, Vec::new()),
    };
    found.queries.push(DnsQuery {
        name,
        kind: DnsKind::Uri,
        outcome,
    });
    let any = !ranked.is_empty();
    let wanted = records::in_order(ranked, below)
        .into_iter()
        .filter(|record| service != Service::PrimaryKdc || record.primary);
    found.servers.extend(wanted.map(|record| record.server));
    any
}

/// Whether the search is over.
async fn by_srv(resolver: &Resolver, place: &str, service: Service, found: &mut FoundServers) -> bool {
    let prefix = match service {
        Service::Kdc => "_kerberos",
        Service::PrimaryKdc => "_kerberos-master",
        Service::Kpasswd => "_kpasswd",
        Service::Admin => "_kerberos-adm",
    };
    let (by_datagram, by_stream) = (format!("{prefix}._udp"), format!("{prefix}._tcp"));
    let stream = srv_records(resolver, &by_stream, place, Transport::Tcp);
    let answers = if service == Service::Admin {
        vec![stream.await]
    } else {
        let datagram = srv_records(resolver, &by_datagram, place, Transport::Udp);
        let (datagram, stream) = tokio::join!(datagram, stream);
        vec![datagram, stream]
    };
    let refused = answers
        .iter()
        .any(|(query, _)| query.outcome == DnsOutcome::NotOffered);
    for (query, servers) in answers {
        found.queries.push(query);
        found.servers.extend(servers);
    }
    refused || !found.servers.is_empty()
}

async fn srv_records(
    resolver: &Resolver,
    prefix: &str,
    place: &str,
    transport: Transport,
) -> (DnsQuery, Vec<ServerAddress>) {
    let name = format!("{prefix}.{place}");
    let (outcome, ranked) = match resolver.records(&name, DnsKind::Srv).await {
        Ok(records) => match records.as_slice() {
            [RData::SRV(only)] if only.target.is_root() => (DnsOutcome::NotOffered, Vec::new()),
            _ => {
                let read = |data: &RData| match data {
                    RData::SRV(record) => records::srv(record, transport),
                    _ => None,
                };
                counted(&records, records.iter().filter_map(read).collect())
            }
        },
        Err(outcome) => (outcome, Vec::new()),
    };
    let servers = records::in_order(ranked, below)
        .into_iter()
        .map(|record| record.server)
        .collect();
    let kind = DnsKind::Srv;
    (DnsQuery { name, kind, outcome }, servers)
}

fn counted(records: &[RData], usable: Vec<Ranked>) -> (DnsOutcome, Vec<Ranked>) {
    let outcome = DnsOutcome::Records {
        used: usable.len(),
        skipped: records.len().saturating_sub(usable.len()),
    };
    (outcome, usable)
}
