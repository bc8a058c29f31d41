//! `[logging] kdc` of krb5.conf and kdc.conf

use std::path::PathBuf;
use std::sync::{Arc, Mutex};

/// Where lines go (`[logging] kdc = ...`)
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuditTarget {
    /// Appended to a file (`FILE:PATH`)
    File(PathBuf),
    /// Into an emptied file (`FILE=PATH`)
    FreshFile(PathBuf),
    /// Standard error (`STDERR`)
    Stderr,
    /// The system's log (`SYSLOG`), with its facility number
    Syslog(u8),
    /// A list that a test reads
    Memory(Arc<Mutex<Vec<String>>>),
}

impl AuditTarget {
    /// Reads one value of `[logging] kdc`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &str) -> Result<AuditTarget, String> {
        let upper = value.to_ascii_uppercase();
        if let Some(path) = value.get(5..).filter(|_| upper.starts_with("FILE:")) {
            return Ok(AuditTarget::File(path.into()));
        }
        if let Some(path) = value.get(5..).filter(|_| upper.starts_with("FILE=")) {
            return Ok(AuditTarget::FreshFile(path.into()));
        }
        if let Some(path) = value.get(7..).filter(|_| upper.starts_with("DEVICE=")) {
            return Ok(AuditTarget::File(path.into()));
        }
        match upper.as_str() {
            "STDERR" => Ok(AuditTarget::Stderr),
            "CONSOLE" => Ok(AuditTarget::File("/dev/console".into())),
            other => match other.split(':').collect::<Vec<_>>().as_slice() {
                ["SYSLOG"] | ["SYSLOG", _] => Ok(AuditTarget::Syslog(4)),
                ["SYSLOG", _, facility] => facility_number(facility)
                    .map(AuditTarget::Syslog)
                    .ok_or_else(|| format!("expected a syslog facility, but found {facility}")),
                _ => Err(format!(
                    "expected FILE:PATH, FILE=PATH, DEVICE=PATH, STDERR, CONSOLE or SYSLOG, but found {value}"
                )),
            },
        }
    }
}

fn facility_number(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 8] = [
        ("KERN", 0),
        ("USER", 1),
        ("MAIL", 2),
        ("DAEMON", 3),
        ("AUTH", 4),
        ("CRON", 9),
        ("AUTHPRIV", 10),
        ("FTP", 11),
    ];
    let name = name.strip_prefix("LOG_").unwrap_or(name);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let local: u8 = name.strip_prefix("LOCAL")?.parse().ok()?;
    (local < 8).then_some(16 + local)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn logging_relations() {
        assert!(
            matches!(AuditTarget::parse("FILE:/var/log/krb5kdc.log"), Ok(AuditTarget::File(p)) if p.as_os_str() == "/var/log/krb5kdc.log")
        );
        assert!(matches!(
            AuditTarget::parse("file=/x"),
            Ok(AuditTarget::FreshFile(_))
        ));
        assert!(matches!(AuditTarget::parse("STDERR"), Ok(AuditTarget::Stderr)));
        assert!(matches!(AuditTarget::parse("SYSLOG"), Ok(AuditTarget::Syslog(4))));
        assert!(matches!(
            AuditTarget::parse("SYSLOG:INFO:DAEMON"),
            Ok(AuditTarget::Syslog(3))
        ));
        assert!(matches!(
            AuditTarget::parse("SYSLOG:INFO:LOCAL7"),
            Ok(AuditTarget::Syslog(23))
        ));
        assert!(AuditTarget::parse("SYSLOG:INFO:LOCAL8").is_err());
        assert!(
            AuditTarget::parse("carrier pigeon")
                .unwrap_err()
                .contains("but found carrier pigeon")
        );
    }
}
