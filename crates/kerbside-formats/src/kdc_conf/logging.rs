//! `[logging]`

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use crate::profile::ProfileError;
use crate::relations::{Place, relations};

/// Where log lines go.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LogTarget {
    /// `FILE:path` is appended to, `FILE=path` is begun anew.
    File {
        /// The path.
        path: String,
        /// Whether what is there stays.
        append: bool,
    },
    /// `STDERR`
    Stderr,
    /// `CONSOLE`
    Console,
    /// `DEVICE=path`
    Device(String),
    /// `SYSLOG[:severity[:facility]]`
    Syslog {
        /// As written; it does not count.
        severity: Option<String>,
        /// The facility without `LOG_`, in capitals. Default `AUTH`.
        facility: String,
    },
}

const FACILITIES: [&str; 19] = [
    "KERN", "USER", "MAIL", "DAEMON", "AUTH", "LPR", "NEWS", "UUCP", "CRON", "LOCAL0", "LOCAL1", "LOCAL2",
    "LOCAL3", "LOCAL4", "LOCAL5", "LOCAL6", "LOCAL7", "AUTHPRIV", "FTP",
];

relations! {
    /// How the daemons log.
    pub struct LoggingConf, LOGGING, read(logging) {
        /// kadmind; when empty, `default` counts.
        admin_server => admin_server: Vec<LogTarget> = logging.log_targets();
        /// The KDC; when empty, `default` counts.
        kdc => kdc: Vec<LogTarget> = logging.log_targets();
        /// All daemons; when empty, the system log.
        default => default: Vec<LogTarget> = logging.log_targets();
        /// Debugging messages to other places than the system log, too. Default no.
        debug => debug: bool = logging.boolean(false);
    }
}

impl LogTarget {
    /// Parses one target.
    pub fn parse(text: &str) -> Option<Self> {
        let prefixed = |prefix: &str| {
            let head = text
                .get(..prefix.len())
                .filter(|head| head.eq_ignore_ascii_case(prefix))?;
            text.get(head.len()..).filter(|rest| !rest.is_empty())
        };
        let file = |path: &str, append| Self::File {
            path: path.to_string(),
            append,
        };
        if let Some(path) = prefixed("FILE:") {
            return Some(file(path, true));
        }
        if let Some(path) = prefixed("FILE=") {
            return Some(file(path, false));
        }
        if let Some(path) = prefixed("DEVICE=") {
            return Some(Self::Device(path.to_string()));
        }
        let mut words = text.split(':');
        let (word, severity, facility) = (words.next()?, words.next(), words.next());
        match word.to_ascii_uppercase().as_str() {
            "STDERR" if severity.is_none() => Some(Self::Stderr),
            "CONSOLE" if severity.is_none() => Some(Self::Console),
            "SYSLOG" if words.next().is_none() => {
                let facility = facility.unwrap_or("AUTH").to_ascii_uppercase();
                FACILITIES.contains(&facility.as_str()).then(|| Self::Syslog {
                    severity: severity.map(ToString::to_string),
                    facility,
                })
            }
            _ => None,
        }
    }
}

impl Place<'_> {
    fn log_targets(&self, name: &str) -> Result<Vec<LogTarget>, ProfileError> {
        let targets = self.relations(name).into_iter().map(|relation| {
            LogTarget::parse(relation.value).ok_or_else(|| {
                relation.expected(
                    "FILE:path, FILE=path, STDERR, CONSOLE, DEVICE=path or SYSLOG[:severity[:facility]]",
                )
            })
        });
        targets.collect()
    }
}
