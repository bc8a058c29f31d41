//! The host in a service's name: as it was typed, or as the system's resolver calls it.

use std::net::IpAddr;

use kerbside_asn1::Realm;
use kerbside_formats::krb5_conf::Krb5Conf;

use crate::config::Config;

/// Where the system's resolver is set up.
const RESOLV_CONF: &str = "/etc/resolv.conf";

/// A host, and what stands behind it in a service's name: `:1433` of `MSSQLSvc/db.example.com:1433`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct HostName {
    pub(crate) host: String,
    trailer: String,
}

impl HostName {
    /// The typed text in its two parts. An address with several colons has no trailer.
    pub(crate) fn split(typed: &str) -> Self {
        match typed.split_once(':') {
            Some((host, trailer)) if !host.is_empty() && !trailer.is_empty() && !trailer.contains(':') => {
                Self {
                    host: host.to_owned(),
                    trailer: format!(":{trailer}"),
                }
            }
            _ => Self {
                host: typed.to_owned(),
                trailer: String::new(),
            },
        }
    }

    /// With another host, in lower case and without the dot that ends a name of DNS.
    fn with_host(self, host: &str) -> Self {
        let host = host.to_ascii_lowercase();
        Self {
            host: host.strip_suffix('.').unwrap_or(&host).to_owned(),
            ..self
        }
    }

    /// Both parts together.
    pub(crate) fn with_trailer(&self) -> String {
        format!("{}{}", self.host, self.trailer)
    }
}

/// The host without asking anybody: a name of one part gets the domain of `qualify_shortname`.
pub(crate) fn without_dns(config: &Config, typed: &str) -> HostName {
    let name = HostName::split(typed);
    let host = qualified(config, &name.host);
    name.with_host(&host)
}

/// The typed host with the name that the resolver gave; as [`without_dns`] where it knows none.
pub(crate) fn with_dns(config: &Config, typed: &str, found: Option<&str>) -> HostName {
    match found {
        Some(found) => HostName::split(typed).with_host(found),
        None => without_dns(config, typed),
    }
}

/// MIT looks addresses up unless told not to. Whoever answers for an address chooses the service's name then, so here
/// krb5.conf has to ask for it.
pub(crate) fn wants_reverse(conf: &Krb5Conf) -> bool {
    conf.profile().relation(&["libdefaults", "rdns"]).is_some() && conf.libdefaults.rdns
}

fn qualified(config: &Config, host: &str) -> String {
    if host.contains('.') || host.parse::<IpAddr>().is_ok() {
        return host.to_owned();
    }
    let domain = match &config.krb5_conf().libdefaults.qualify_shortname {
        Some(domain) => Some(domain.clone()),
        None => std::fs::read_to_string(RESOLV_CONF)
            .ok()
            .and_then(|text| search_domain(&text)),
    };
    match domain.filter(|domain| !domain.is_empty()) {
        Some(domain) => format!("{host}.{domain}"),
        None => host.to_owned(),
    }
}

/// The first domain that resolv.conf lets names be searched in: the last `search` or `domain` line counts.
fn search_domain(text: &str) -> Option<String> {
    let mut lines = text.lines().filter_map(|line| {
        let mut words = line.split_whitespace();
        let keyword = words.next()?;
        (keyword == "search" || keyword == "domain").then(|| words.next())?
    });
    lines
        .next_back()
        .map(|domain| domain.trim_end_matches('.').to_owned())
}

/// The realms that a host's name suggests.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Suggested {
    /// These, if they have KDCs: `limit + 1` names, from the host's own up (`realm_try_domains`).
    pub(crate) probes: Vec<Realm>,
    /// Else this: the host's domain.
    pub(crate) domain: Realm,
}

/// What the host suggests. Addresses and names of one part suggest nothing.
pub(crate) fn suggested_realms(host: &str, limit: i64) -> Option<Suggested> {
    let host = HostName::split(host).host;
    if host.parse::<IpAddr>().is_ok() {
        return None;
    }
    let name = host.trim_end_matches('.').to_ascii_uppercase();
    let (_, domain) = name.split_once('.')?;
    let mut probes = Vec::new();
    let mut rest = name.as_str();
    for _ in 0..limit.saturating_add(1).min(16) {
        probes.push(Realm::from(rest));
        match rest.split_once('.') {
            Some((_, parent)) if parent.contains('.') => rest = parent,
            _ => break,
        }
    }
    Some(Suggested {
        probes,
        domain: domain.into(),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;
    use crate::environment::Environment;

    fn config(libdefaults: &str) -> Config {
        let text = format!("[libdefaults]\n{libdefaults}\n");
        Config::from_text(&text, "krb5.conf", Environment::default()).unwrap()
    }

    /// As MIT's `kvno -S` does with the same settings.
    #[test]
    fn a_host_is_lower_case_and_qualified_where_nobody_knows_it() {
        let plain = config("qualify_shortname = qual.test");
        let typed = |host: &str| without_dns(&plain, host).with_trailer();
        assert_eq!(typed("short"), "short.qual.test");
        assert_eq!(typed("host:123"), "host.qual.test:123");
        assert_eq!(typed("WWW.Other.Test"), "www.other.test");
        assert_eq!(typed("long.name."), "long.name");
        assert_eq!(typed("127.0.0.1"), "127.0.0.1");
        assert_eq!(typed("2001:db8::1"), "2001:db8::1");
        let off = config("qualify_shortname = \"\"");
        assert_eq!(without_dns(&off, "short").with_trailer(), "short");
        assert_eq!(
            search_domain("domain a.test\nsearch b.test. c.test\n").unwrap(),
            "b.test"
        );
        assert_eq!(search_domain("nameserver ::1\n"), None);
    }

    #[test]
    fn a_known_host_has_its_own_name_and_the_address_counts_only_when_asked_for() {
        let quiet = config("qualify_shortname = qual.test");
        let found = with_dns(&quiet, "www:8080", Some("web1.example.com"));
        assert_eq!(found.with_trailer(), "web1.example.com:8080");
        assert_eq!(with_dns(&quiet, "www", Some("web")).host, "web");
        assert_eq!(with_dns(&quiet, "www", None).host, "www.qual.test");
        for (line, wanted) in [("", false), ("rdns = true", true), ("rdns = false", false)] {
            assert_eq!(wants_reverse(config(line).krb5_conf()), wanted, "{line}");
        }
    }

    #[test]
    fn a_host_suggests_realms() {
        let suggested = |host: &str, limit: i64| {
            suggested_realms(host, limit).map(|found| {
                let probes: Vec<String> = found.probes.iter().map(ToString::to_string).collect();
                (probes.join(" "), found.domain.to_string())
            })
        };
        let found = |probes: &str, domain: &str| Some((probes.to_owned(), domain.to_owned()));
        assert_eq!(suggested("www.a.example.com", -1), found("", "A.EXAMPLE.COM"));
        assert_eq!(
            suggested("www.a.example.com", 1),
            found("WWW.A.EXAMPLE.COM A.EXAMPLE.COM", "A.EXAMPLE.COM")
        );
        assert_eq!(
            suggested("www.example.com:80", i64::MAX),
            found("WWW.EXAMPLE.COM EXAMPLE.COM", "EXAMPLE.COM")
        );
        assert_eq!(suggested("a.b.", 5), found("A.B", "B"));
        for nothing in ["localhost", "192.0.2.1", "2001:db8::1", ""] {
            assert_eq!(suggested(nothing, 2), None, "{nothing}");
        }
    }
}
