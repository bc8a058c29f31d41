//! krb5.conf: unreadable, malformed, or without what is needed.

use std::path::PathBuf;

use kerbside_client::{DnsTrail, Error};

use super::Doing;
use crate::output::Report;

pub(super) fn explain(error: &Error, doing: &Doing<'_>) -> Report {
    match error {
        Error::Config(profile) => Report::new(
            "Improper format of Kerberos configuration file while initializing Kerberos 5 library",
        )
        .evidence(profile.to_string())
        .hint(format!(
            "correct {}; a sample is in krb5.conf(5)",
            place(&profile.file, profile.line)
        ))
        .hint_of(closed_enctype(&profile.to_string())),
        Error::ConfigUnreadable { file, reason } => {
            Report::new("Can't open/find Kerberos configuration file while initializing Kerberos 5 library")
                .evidence(format!("{}: {reason}", file.display()))
                .hint("make the file readable, or name another one in KRB5_CONFIG")
        }
        Error::BadValue { file, line, .. } => Report::new("Improper format of Kerberos configuration file")
            .evidence(error.to_string())
            .hint(format!("correct {}", place(file, *line))),
        Error::NoDefaultRealm { read, missing } => {
            let mut report = doing.failed("Configuration file does not specify default realm");
            report.evidence.extend(files("read", read));
            report.evidence.extend(files("does not exist", missing));
            report
                .hint("type the realm (alice@EXAMPLE.COM), or set default_realm in [libdefaults]")
                .hint("KRB5_CONFIG names the configuration files; without it, /etc/krb5.conf is read")
        }
        Error::BadName { name, reason } => doing
            .failed("Malformed representation of principal")
            .evidence(format!("{name}: {reason}"))
            .hint(
                "a principal is NAME[/INSTANCE][@REALM]; write \\/ \\@ \\\\ for these characters in a name",
            ),
        Error::NoKdc {
            realm,
            read,
            known,
            dns,
        } => {
            let mut report = doing.failed(format!("Cannot find KDC for realm \"{realm}\""));
            report.evidence.extend(files("read", read));
            report.evidence.push(match known.as_slice() {
                [] => "no realm has a kdc line there".to_owned(),
                known => format!("realms with kdc lines there: {}", known.join(", ")),
            });
            report.evidence.extend(asked(dns));
            let spelt = known
                .iter()
                .find(|known| known.eq_ignore_ascii_case(&realm.to_string()));
            report.hint(match spelt {
                Some(spelt) => format!("capitals count: the realm is {spelt} there"),
                None => format!(
                    "check the realm's spelling (capitals count), or add [realms] {realm} = {{ kdc = HOST }}"
                ),
            })
        }
        Error::NoKpasswd { realm, read, dns } => {
            let mut report = doing.failed(format!("Cannot find password server for realm \"{realm}\""));
            report.evidence.extend(files("read", read));
            report.evidence.extend(asked(dns));
            report.hint(format!(
                "add [realms] {realm} = {{ kpasswd_server = HOST }} (or admin_server: then its port 464 is asked)"
            ))
        }
        other => doing.failed(other.to_string()),
    }
}

/// What to do where a list of enctypes names weak ones alone.
fn closed_enctype(fault: &str) -> Option<String> {
    let names = |words: &[&str]| words.iter().any(|word| fault.contains(word));
    if !fault.contains("_enctypes: ") {
        return None;
    }
    let relation = if names(&["\"arcfour", "\"rc4"]) {
        "allow_rc4"
    } else if names(&["\"des3"]) {
        "allow_des3"
    } else {
        return None;
    };
    Some(format!(
        "{relation} = true in [libdefaults] opens this weak type; stronger ones are better"
    ))
}

fn place(file: &str, line: usize) -> String {
    if line == 0 {
        file.to_owned()
    } else {
        format!("line {line} of {file}")
    }
}

/// What DNS was asked, with its answers.
fn asked(dns: &DnsTrail) -> Vec<String> {
    match dns {
        DnsTrail::Forbidden => vec!["DNS was not asked: dns_lookup_kdc is false".to_owned()],
        DnsTrail::Asked(queries) => queries.iter().map(ToString::to_string).collect(),
    }
}

fn files(what: &str, files: &[PathBuf]) -> Vec<String> {
    files
        .iter()
        .map(|file| format!("{}: {what}", file.display()))
        .collect()
}
