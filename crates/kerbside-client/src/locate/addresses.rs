//! Names to addresses, by the system's resolver, which itself knows no deadline.

use std::net::{IpAddr, SocketAddr, ToSocketAddrs};
use std::sync::{Arc, Mutex, PoisonError, mpsc};
use std::time::{Duration, Instant};

use kerbside_formats::host_string::{self, ServerAddress};

use crate::attempt::{Attempt, AttemptOutcome, Transport};
use crate::schedule::Target;
use crate::trace;
use crate::transport::io_words;
use crate::transport::proxy::Proxy;

/// Once a name has an address, the others are waited for this long.
const PATIENCE_WITH_REST: Duration = Duration::from_secs(1);

/// Addresses taken of one name, and of all names together: whoever owns a realm's DNS decides how many there are.
const MAX_ADDRESSES: usize = 16;
const MAX_TARGETS: usize = 128;

/// Names that are asked for at the same time.
pub(super) const MAX_THREADS: usize = 16;

/// The addresses of a server, or the resolver's words.
pub(super) type Addresses = Result<Vec<SocketAddr>, String>;

/// Whether no name has to be looked up.
pub(super) fn all_literal(servers: &[ServerAddress]) -> bool {
    servers.iter().all(|server| address(server).is_some())
}

fn address(server: &ServerAddress) -> Option<SocketAddr> {
    let ip: IpAddr = server.host.parse().ok()?;
    Some(SocketAddr::new(ip, server.port))
}

/// The addresses of servers that are named by address.
pub(super) fn literal(servers: &[ServerAddress]) -> Vec<Addresses> {
    let found = |server| address(server).map(|address| vec![address]);
    servers
        .iter()
        .map(|server| found(server).ok_or_else(|| "it is a name".to_owned()))
        .collect()
}

/// Asks for the names, many at once. It blocks for `limit` at most, and not for a name that hangs when others are known.
pub(super) fn resolve(servers: &[ServerAddress], limit: Duration) -> Vec<Addresses> {
    resolve_by(servers, limit, |host, port| {
        (host, port)
            .to_socket_addrs()
            .map(|addresses| addresses.take(MAX_ADDRESSES).collect())
            .map_err(|error| io_words(&error))
    })
}

pub(super) fn resolve_by(
    servers: &[ServerAddress],
    limit: Duration,
    ask: fn(&str, u16) -> Addresses,
) -> Vec<Addresses> {
    let start = Instant::now();
    let mut until = start + limit;
    let mut answers: Vec<Option<Addresses>> = Vec::new();
    let mut names = Vec::new();
    for (index, server) in servers.iter().enumerate() {
        let address = address(server);
        if address.is_some() {
            until = until.min(start + PATIENCE_WITH_REST);
        } else {
            names.push((index, server.host.clone(), server.port));
        }
        answers.push(address.map(|address| Ok(vec![address])));
    }
    let mut open = names.len();
    let threads = open.min(MAX_THREADS);
    let queue = Arc::new(Mutex::new(names.into_iter()));
    let (sender, receiver) = mpsc::channel();
    let mut refused = None;
    for already in 0..threads {
        let (queue, sender) = (Arc::clone(&queue), sender.clone());
        // A thread that outlives its welcome ends with the resolver's own time-out: nobody hears its answer then, and
        // it takes no further name.
        let work = move || {
            let next = || queue.lock().unwrap_or_else(PoisonError::into_inner).next();
            while let Some((index, host, port)) = next() {
                if sender.send((index, ask(&host, port))).is_err() {
                    break;
                }
            }
        };
        let thread = std::thread::Builder::new().name("kerbside-resolve".to_owned());
        if let Err(error) = thread.spawn(work) {
            // Those that run do the others' work.
            refused = (already == 0).then(|| io_words(&error));
            break;
        }
    }
    // With no thread at all the channel is closed, and nothing is waited for.
    drop(sender);
    while open > 0 {
        let left = until.saturating_duration_since(Instant::now());
        let Ok((index, answer)) = receiver.recv_timeout(left) else {
            break;
        };
        open -= 1;
        if answer.is_ok() {
            until = until.min(Instant::now() + PATIENCE_WITH_REST);
        }
        if let Some(place) = answers.get_mut(index) {
            *place = Some(answer);
        }
    }
    let took = start.elapsed().as_secs_f64();
    let late = || {
        Err(refused
            .clone()
            .unwrap_or_else(|| format!("no answer of the resolver within {took:.1} s")))
    };
    answers
        .into_iter()
        .map(|answer| match answer.unwrap_or_else(late) {
            Ok(addresses) if addresses.is_empty() => Err("the resolver names none".to_owned()),
            other => other,
        })
        .collect()
}

/// What can be asked: each address by both transports unless its line says otherwise, none twice. Names without an
/// address become attempts that failed.
/// `proxy` makes what is needed to talk to a KDC proxy.
pub(super) fn targets(
    servers: &[ServerAddress],
    found: Vec<Addresses>,
    proxy: impl Fn(&ServerAddress) -> Result<Option<Arc<Proxy>>, String>,
) -> (Vec<Target>, Vec<Attempt>) {
    let mut targets: Vec<Target> = Vec::new();
    let mut failed = Vec::new();
    for (server, found) in servers.iter().zip(found) {
        let transports: &[Transport] = match server.transport {
            Some(host_string::Transport::Udp) => &[Transport::Udp],
            Some(host_string::Transport::Tcp) => &[Transport::Tcp],
            Some(_) => &[Transport::Https],
            None => &[Transport::Udp, Transport::Tcp],
        };
        trace::resolving(&server.host);
        let failure = |outcome| Attempt {
            server: shown(server),
            address: None,
            transport: transports.first().copied().unwrap_or(Transport::Udp),
            sent: 0,
            took: Duration::ZERO,
            outcome,
        };
        let proxy = match proxy(server) {
            Ok(proxy) => proxy,
            Err(reason) => {
                failed.push(failure(AttemptOutcome::Failed(reason)));
                continue;
            }
        };
        match found {
            Ok(addresses) => {
                let pairs = addresses
                    .iter()
                    .flat_map(|address| transports.iter().map(move |transport| (*address, *transport)));
                for (address, transport) in pairs {
                    // Two proxies may share an address; their names and paths tell them apart.
                    let same = |target: &Target| {
                        (target.address, target.transport) == (address, transport)
                            && (transport != Transport::Https || target.server == shown(server))
                    };
                    if targets.len() < MAX_TARGETS && !targets.iter().any(same) {
                        targets.push(Target {
                            server: shown(server),
                            address,
                            transport,
                            proxy: proxy.clone(),
                        });
                    }
                }
            }
            Err(reason) => failed.push(failure(AttemptOutcome::Unresolved(reason))),
        }
    }
    (targets, failed)
}

/// The server without its transport, which an attempt shows by itself; a proxy's URL.
fn shown(server: &ServerAddress) -> String {
    match server.transport {
        Some(host_string::Transport::Https) => server.to_string(),
        _ => ServerAddress {
            transport: None,
            ..server.clone()
        }
        .to_string(),
    }
}
