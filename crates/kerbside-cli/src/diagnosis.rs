//! A client error as its user needs it: the cause in MIT's words, the evidence, and what to do.

mod cache;
mod config;
mod exchange;
mod keytab;
#[cfg(test)]
mod tests;

use kerbside_asn1::{ErrorCode, Principal};
use kerbside_client::{Attempt, CacheName, CacheStore, Config, Error};
use kerbside_protocol::ProtocolError;

use crate::output::Report;
use crate::prompt;

/// What a program was doing when it failed.
#[derive(Debug, Clone, Default)]
pub(crate) struct Doing<'a> {
    /// MIT's ending of the message: `while getting initial credentials`.
    pub(crate) what: String,
    /// The configuration, once it was read.
    pub(crate) config: Option<&'a Config>,
    /// The client, in an AS exchange.
    pub(crate) client: Option<Principal>,
    /// What the client proves itself with, in an AS exchange.
    pub(crate) proof: Proof<'a>,
    /// What to type for a new ticket: `kinit`, with `-c CACHE` where one was given.
    pub(crate) kinit: String,
}

/// What a client proves itself with.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) enum Proof<'a> {
    /// A ticket, or nothing at all.
    #[default]
    None,
    /// A password that somebody typed.
    Password,
    /// A keytab.
    Keytab(&'a kerbside_client::KeytabSecret),
}

impl<'a> Doing<'a> {
    /// Something that ends a message as `what` says: `while getting initial credentials`.
    pub(crate) fn new(what: impl Into<String>) -> Self {
        Self {
            what: what.into(),
            kinit: "kinit".to_owned(),
            ..Self::default()
        }
    }

    /// With the configuration for evidence.
    pub(crate) fn with_config(mut self, config: &'a Config) -> Self {
        self.config = Some(config);
        self
    }

    /// The message with MIT's ending.
    fn failed(&self, message: impl AsRef<str>) -> Report {
        let message = message.as_ref();
        Report::new(format!("{message} {}", self.what).trim_end())
    }
}

/// The report of an error.
pub(crate) fn explain(error: &Error, doing: &Doing<'_>) -> Report {
    match error {
        Error::Config(_)
        | Error::ConfigUnreadable { .. }
        | Error::NoDefaultRealm { .. }
        | Error::BadName { .. }
        | Error::BadValue { .. }
        | Error::NoKdc { .. }
        | Error::NoKpasswd { .. } => config::explain(error, doing),
        Error::Unreachable {
            realm,
            attempts,
            took,
        } => exchange::unreachable(realm, attempts, *took, doing),
        Error::KpasswdUnreachable {
            realm,
            attempts,
            took,
        } => exchange::kpasswd_unreachable(realm, attempts, *took, doing),
        Error::Exchange {
            realm,
            source,
            attempts,
        } => exchange::explain(realm, source, attempts, doing),
        Error::ServerNotFound(found) => exchange::server_not_found(found, doing),
        Error::Cache { name, fault } => cache::explain(name, fault, doing),
        Error::NoTgt { .. } | Error::TgtExpired { .. } | Error::NotCached { .. } => {
            cache::no_ticket(error, doing)
        }
        Error::Armor(error) => armor(error, doing),
        Error::Keytab { name, fault } => keytab::explain(name, fault, doing),
        Error::Prompt { reason } if reason == prompt::INTERRUPTED => doing.failed(prompt::INTERRUPTED),
        Error::Prompt { reason } => doing
            .failed("Cannot read password")
            .evidence(reason.as_str())
            .hint("type it at a terminal, or give it as a line of standard input"),
        Error::NotBuilt { what } => Report::new(format!("not built yet: {what}")),
        other => doing.failed(other.to_string()),
    }
}

/// The cache of `kinit -T` is of no use: what is wrong with it, and how a host gets a ticket.
fn armor(error: &Error, doing: &Doing<'_>) -> Report {
    let cache = match error {
        Error::Cache { name: cache, .. } | Error::NoTgt { cache, .. } | Error::TgtExpired { cache, .. } => {
            cache.to_string()
        }
        _ => "ARMOR_CACHE".to_owned(),
    };
    let of_cache = Doing {
        kinit: format!("kinit -k -c {cache}"),
        ..doing.clone()
    };
    let mut report = explain(error, &of_cache);
    report.error = format!("Error constructing AP-REQ armor: {}", report.error);
    report
}

/// Whether a password was typed that is not the right one.
pub(crate) fn wrong_password(error: &Error) -> bool {
    let Error::Exchange { source, .. } = error else {
        return false;
    };
    matches!(**source, ProtocolError::WrongReplyKey { .. })
        || source.code() == Some(ErrorCode::KDC_ERR_PREAUTH_FAILED)
}

/// No cache of the collection holds the principal's tickets: whose are there.
pub(crate) fn not_in_collection(
    store: &CacheStore,
    collection: &CacheName,
    principal: &Principal,
    what: &str,
) -> Report {
    let mut report = Report::new(format!("Matching credential not found {what}"))
        .evidence(format!("{collection}: no cache of {principal}"));
    for name in store.collection(collection).unwrap_or_default() {
        if let Ok(cache) = store.read(&name) {
            report = report.evidence(format!("{name}: tickets of {}", cache.primary));
        }
    }
    report.hint(format!("kinit {principal} gets a ticket"))
}

/// Which KDC answered last, with how long it took.
fn answered(attempts: &[Attempt]) -> Vec<String> {
    attempts.iter().map(ToString::to_string).collect()
}
