//! SRV (RFC 2782), URI (RFC 7553) and TXT records: bytes from strangers, and the order they are tried in.

use hickory_resolver::proto::rr::rdata::SRV;
use kerbside_formats::host_string::{HostPort, ServerAddress, Transport};

/// The longest URI that is read.
const MAX_URI_BYTES: usize = 512;

/// A server with its place among the others.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Ranked {
    pub(super) priority: u16,
    pub(super) weight: u16,
    pub(super) server: ServerAddress,
    /// It sees every change at once.
    pub(super) primary: bool,
}

/// The host of an SRV record; `None` for one that names no host, and for port 0.
pub(super) fn srv(record: &SRV, transport: Transport) -> Option<Ranked> {
    let host = record.target.to_ascii();
    let host = host.trim_end_matches('.');
    if !plausible_host(host) || record.port == 0 {
        return None;
    }
    Some(Ranked {
        priority: record.priority,
        weight: record.weight,
        server: ServerAddress {
            host: host.to_owned(),
            port: record.port,
            transport: Some(transport),
            path: String::new(),
        },
        primary: false,
    })
}

/// A URI record: priority, weight, and `krb5srv:FLAGS:TRANSPORT:RESIDUAL`.
pub(super) fn uri(record: &[u8], default_port: u16) -> Option<Ranked> {
    let (priority, rest) = record.split_first_chunk::<2>()?;
    let (weight, text) = rest.split_first_chunk::<2>()?;
    let text = std::str::from_utf8(text).ok()?;
    if text.len() > MAX_URI_BYTES || !text.bytes().all(|byte| byte.is_ascii_graphic()) {
        return None;
    }
    let mut fields = text.splitn(4, ':');
    let scheme = fields.next()?;
    let (flags, transport, residual) = (fields.next()?, fields.next()?, fields.next()?);
    if !scheme.eq_ignore_ascii_case("krb5srv") {
        return None;
    }
    let server = if transport.eq_ignore_ascii_case("kkdcp") {
        let server = ServerAddress::parse(residual, default_port).ok()?;
        Some(server).filter(|server| server.transport == Some(Transport::Https))?
    } else {
        let transport = [("udp", Transport::Udp), ("tcp", Transport::Tcp)]
            .into_iter()
            .find(|(name, _)| transport.eq_ignore_ascii_case(name))?
            .1;
        let HostPort { host, port } = HostPort::parse(residual, default_port).ok()?;
        ServerAddress {
            host: host?,
            port,
            transport: Some(transport),
            path: String::new(),
        }
    };
    plausible_host(server.host.trim_end_matches('.')).then(|| Ranked {
        priority: u16::from_be_bytes(*priority),
        weight: u16::from_be_bytes(*weight),
        server: ServerAddress {
            host: server.host.trim_end_matches('.').to_owned(),
            ..server
        },
        primary: flags.contains(['m', 'M']),
    })
}

/// A realm's name as TXT records have it.
pub(super) fn realm(text: &[u8]) -> Option<String> {
    let text = std::str::from_utf8(text).ok()?.trim_end_matches('.');
    let good = !text.is_empty() && text.len() <= 255 && text.bytes().all(|byte| byte.is_ascii_graphic());
    good.then(|| text.to_owned())
}

/// A host name or an address. It goes to the system's resolver, into TLS and into messages.
fn plausible_host(host: &str) -> bool {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.' | b':');
    !host.is_empty() && host.len() <= 255 && host.bytes().all(plain)
}

/// Brings records into the order they are tried: rising priorities, and among equals by chance, by weight (RFC 2782).
/// `random(n)` is a number from 0 to n.
pub(super) fn in_order(mut records: Vec<Ranked>, mut random: impl FnMut(u32) -> u32) -> Vec<Ranked> {
    // Weight 0 first, as the RFC has it: it then has a small chance all the same.
    records.sort_by_key(|record| (record.priority, record.weight != 0));
    let mut ordered = Vec::with_capacity(records.len());
    while let Some(priority) = records.first().map(|record| record.priority) {
        let equals = records.iter().take_while(|record| record.priority == priority);
        let total: u32 = equals.clone().map(|record| u32::from(record.weight)).sum();
        let chosen = random(total);
        let mut sum = 0;
        let place = equals.clone().position(|record| {
            sum += u32::from(record.weight);
            sum >= chosen
        });
        ordered.push(records.remove(place.unwrap_or(0)));
    }
    ordered
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

    use hickory_resolver::proto::rr::Name;

    use super::*;

    fn uri_text(text: &str) -> Option<String> {
        let record = [&[0, 10, 0, 1], text.as_bytes()].concat();
        uri(&record, 88).map(|ranked| format!("{}{}", if ranked.primary { "m " } else { "" }, ranked.server))
    }

    #[test]
    fn uri_records_are_read_as_mit_writes_them() {
        for (text, expected) in [
            ("krb5srv:m:tcp:kdc1.example.com", "m tcp/kdc1.example.com:88"),
            ("KRB5SRV:M:UDP:kdc2.example.com:89", "m udp/kdc2.example.com:89"),
            ("krb5srv::udp:10.10.0.23", "udp/10.10.0.23:88"),
            ("krb5srv:xq:udp:[::1]:750", "udp/[::1]:750"),
            ("krb5srv::tcp:kdc.example.com.", "tcp/kdc.example.com:88"),
            ("krb5srv::kkdcp:https://proxy:89/auth", "https://proxy:89/auth"),
            ("krb5srv::kkdcp:https://proxy", "https://proxy:443/"),
        ] {
            assert_eq!(uri_text(text).as_deref(), Some(expected), "{text}");
        }
        for text in [
            "",
            "krb5srv",
            "krb5srv:m",
            "krb5srv:m:udp",
            "krb5srv:m:udp:",
            "krb5srv:m:udp:88",
            "http:m:udp:kdc",
            "krb5srv:m:sctp:kdc",
            "krb5srv:m:kkdcp:http://proxy/",
            "krb5srv:m:kkdcp:proxy",
            "krb5srv:m:udp:tcp/kdc",
            "krb5srv:m:udp:https://kdc",
            "krb5srv:m:udp:k dc",
            "krb5srv:m:udp:kdc\u{e9}",
            "krb5srv:m:udp:k$(dc)",
            "krb5srv:m:udp:.",
            "krb5srv:m:udp:kdc:0",
        ] {
            assert_eq!(uri_text(text), None, "{text}");
        }
        assert_eq!(uri_text(&format!("krb5srv:m:udp:{}", "a".repeat(498))), None);
        for length in 0..4 {
            assert_eq!(uri(&vec![0; length], 88), None);
        }
    }

    #[test]
    fn srv_records_name_a_host_and_a_port() {
        let shown = |target: Name, port: u16| {
            let record = SRV::new(7, 8, port, target);
            srv(&record, Transport::Tcp)
                .map(|ranked| (ranked.priority, ranked.weight, ranked.server.to_string()))
        };
        let read = |target: &str, port: u16| shown(Name::from_ascii(target).unwrap(), port);
        assert_eq!(
            read("kdc.example.com.", 88),
            Some((7, 8, "tcp/kdc.example.com:88".to_owned()))
        );
        assert_eq!(read(".", 88), None);
        assert_eq!(read("kdc.example.com.", 0), None);
        for label in [&b"a b"[..], b"a\n", b"\xff", b"a/b", b"a.b\\"] {
            let name = Name::from_labels([label, b"test"]).unwrap();
            assert_eq!(shown(name, 88), None, "{label:?}");
        }
    }

    #[test]
    fn a_realm_of_a_text_record_is_a_word() {
        assert_eq!(realm(b"EXAMPLE.COM").as_deref(), Some("EXAMPLE.COM"));
        assert_eq!(realm(b"EXAMPLE.COM.").as_deref(), Some("EXAMPLE.COM"));
        for text in [&b""[..], b".", b"A B", b"A\n", b"\xff", &[b'A'; 256]] {
            assert_eq!(realm(text), None, "{text:?}");
        }
    }

    fn ranked(priority: u16, weight: u16, host: &str) -> Ranked {
        Ranked {
            priority,
            weight,
            server: ServerAddress::parse(host, 88).unwrap(),
            primary: false,
        }
    }

    fn hosts(records: &[Ranked]) -> Vec<&str> {
        records.iter().map(|record| record.server.host.as_str()).collect()
    }

    #[test]
    fn priorities_rise_and_weights_are_chances() {
        let records = vec![
            ranked(20, 5, "late"),
            ranked(10, 1, "light"),
            ranked(10, 3, "heavy"),
            ranked(10, 0, "none"),
        ];
        // Running sums of the first three: none 0, light 1, heavy 4.
        assert_eq!(
            hosts(&in_order(records.clone(), |_| 0)),
            ["none", "light", "heavy", "late"]
        );
        assert_eq!(
            hosts(&in_order(records.clone(), |total| total)),
            ["heavy", "light", "none", "late"]
        );
        let mut totals = Vec::new();
        in_order(records.clone(), |total| {
            totals.push(total);
            1
        });
        assert_eq!(totals, [4, 3, 0, 5]);
        // By chance as by the weights: heavy is first about three times as often as light.
        let mut first = [0_u32; 2];
        let mut state = 1_u32;
        for _ in 0..4000 {
            let two = vec![ranked(1, 1, "light"), ranked(1, 3, "heavy")];
            let ordered = in_order(two, |total| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 8) % (total + 1)
            });
            first[usize::from(hosts(&ordered)[0] == "heavy")] += 1;
        }
        // RFC 2782 draws from 0 to the sum, both included: light has 2 of 5.
        assert!((1400..1800).contains(&first[0]), "{first:?}");
    }
}
