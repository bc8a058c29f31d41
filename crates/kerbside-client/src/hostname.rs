//! A host's canonical name, by the system's resolver: `/etc/hosts`, DNS and whatever else it is set up to ask.

use std::net::SocketAddr;
use std::sync::mpsc;
use std::time::Duration;

use crate::transport::io_words;

/// `AI_CANONNAME` of getaddrinfo(3).
const CANONICAL_NAME: i32 = 2;
/// `SOCK_DGRAM`: each address once.
const DATAGRAM: i32 = 2;
/// `NI_NAMEREQD` of getnameinfo(3) on Linux: a number is no name.
const NAME_REQUIRED: i32 = 8;

/// The canonical name of a host, without a dot at its end, in small letters. With `reverse`, the name of its first
/// address where that has one. None of it is authenticated. It blocks for `limit` at most.
///
/// # Errors
/// The resolver's words.
pub(crate) fn canonical_name(host: &str, reverse: bool, limit: Duration) -> Result<String, String> {
    let (sender, receiver) = mpsc::channel();
    let host = host.to_owned();
    // A thread that outlives its welcome ends with the resolver's own time-out.
    std::thread::Builder::new()
        .name("kerbside-resolve".to_owned())
        .spawn(move || sender.send(ask(&host, reverse)))
        .map_err(|error| io_words(&error))?;
    receiver.recv_timeout(limit).unwrap_or_else(|_| {
        Err(format!(
            "no answer of the resolver within {:.1} s",
            limit.as_secs_f64()
        ))
    })
}

fn ask(host: &str, reverse: bool) -> Result<String, String> {
    let hints = dns_lookup::AddrInfoHints {
        flags: CANONICAL_NAME,
        socktype: DATAGRAM,
        ..dns_lookup::AddrInfoHints::default()
    };
    let found = dns_lookup::getaddrinfo(Some(host), None, Some(hints))
        .map_err(|error| io_words(&std::io::Error::from(error)))?;
    let found: Vec<_> = found.filter_map(Result::ok).collect();
    let first = found.first().ok_or("the resolver names no address")?;
    if reverse && let Some(name) = name_of(first.sockaddr) {
        return Ok(plain(&name));
    }
    Ok(plain(first.canonname.as_deref().unwrap_or(host)))
}

fn name_of(address: SocketAddr) -> Option<String> {
    let (name, _) = dns_lookup::getnameinfo(&address, NAME_REQUIRED).ok()?;
    Some(name).filter(|name| !name.is_empty())
}

fn plain(name: &str) -> String {
    name.strip_suffix('.').unwrap_or(name).to_ascii_lowercase()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn this_machine_has_a_name_and_nobody_has_another() {
        let limit = Duration::from_secs(20);
        assert_eq!(canonical_name("localhost", false, limit).unwrap(), "localhost");
        assert_eq!(canonical_name("LOCALHOST", false, limit).unwrap(), "localhost");
        assert!(canonical_name("no-such-host.invalid", false, limit).is_err());
    }

    #[test]
    fn names_are_small_and_end_without_a_dot() {
        assert_eq!(plain("WWW.Example.COM."), "www.example.com");
        assert_eq!(plain(""), "");
    }

    #[test]
    fn a_resolver_that_hangs_is_given_up() {
        let error = canonical_name("no-such-host.invalid", false, Duration::ZERO).unwrap_err();
        assert_eq!(error, "no answer of the resolver within 0.0 s");
    }
}
