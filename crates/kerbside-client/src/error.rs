//! What can go wrong in the driver, by whose fault it is, with the evidence.

use std::fmt;
use std::path::PathBuf;
use std::time::Duration;

use kerbside_asn1::{KerberosTime, Principal, Realm};
use kerbside_crypto::EncryptionType;
use kerbside_formats::FormatError;
use kerbside_formats::profile::ProfileError;
use kerbside_protocol::{ProtocolError, Refuser};

use crate::attempt::Attempt;
use crate::locate::DnsTrail;
use crate::names::{CacheName, KeytabName};
use crate::replay_cache::ReplayCacheName;
use crate::store::{FileFault, KcmFault, KeyringFault};

/// Why the client could not do what it was asked.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Error {
    // --- configuration ---
    /// A krb5.conf that cannot be used: file, line and cause are inside.
    Config(Box<ProfileError>),
    /// A krb5.conf that exists and cannot be read.
    ConfigUnreadable {
        /// Which file.
        file: PathBuf,
        /// The system's words.
        reason: String,
    },
    /// No realm was given, and none is configured.
    NoDefaultRealm {
        /// The files that were read.
        read: Vec<PathBuf>,
        /// The files that do not exist.
        missing: Vec<PathBuf>,
    },
    /// A name that is no principal.
    BadName {
        /// The name as given.
        name: String,
        /// Why it is none.
        reason: String,
    },
    /// Neither the configuration nor DNS names a KDC for the realm.
    NoKdc {
        /// The realm.
        realm: Realm,
        /// The files that were read.
        read: Vec<PathBuf>,
        /// The realms that the files do have KDCs for.
        known: Vec<String>,
        /// What DNS was asked.
        dns: DnsTrail,
    },
    /// Neither the configuration nor DNS names a server that changes passwords of the realm.
    NoKpasswd {
        /// The realm.
        realm: Realm,
        /// The files that were read.
        read: Vec<PathBuf>,
        /// What DNS was asked.
        dns: DnsTrail,
    },
    /// A relation whose value is of no use: a `kdc` line without an address, an unknown `%{...}`.
    BadValue {
        /// The file of the line.
        file: String,
        /// Counted from 1.
        line: usize,
        /// The relation's name.
        relation: String,
        /// What was expected and what was found.
        reason: String,
    },
    // --- network ---
    /// No KDC answered.
    Unreachable {
        /// The realm.
        realm: Realm,
        /// Each address and transport, with time and outcome.
        attempts: Vec<Attempt>,
        /// From the first sending to giving up.
        took: Duration,
    },
    /// No password server answered.
    KpasswdUnreachable {
        /// The realm.
        realm: Realm,
        /// Each address and transport, with time and outcome.
        attempts: Vec<Attempt>,
        /// From the first sending to giving up.
        took: Duration,
    },
    /// A host without an address.
    Unresolved {
        /// The host.
        host: String,
        /// The resolver's words.
        reason: String,
    },
    // --- exchanges ---
    /// The KDC refused, broke a rule, or our policy refuses what it sent.
    Exchange {
        /// The realm asked.
        realm: Realm,
        /// What happened.
        source: Box<ProtocolError>,
        /// How the last request travelled; empty when nothing was sent.
        attempts: Vec<Attempt>,
    },
    /// No KDC that was asked knows the service under any of its names.
    ServerNotFound(Box<ServerNotFound>),
    // --- credentials ---
    /// A credential cache that cannot be used.
    Cache {
        /// Which one.
        name: CacheName,
        /// Why.
        fault: CacheFault,
    },
    /// A keytab that cannot be used.
    Keytab {
        /// Which one.
        name: KeytabName,
        /// Why.
        fault: KeytabFault,
    },
    /// Keys and values that say where credentials are, and make no sense.
    CredentialStore {
        /// The key.
        key: String,
        /// What was expected.
        reason: &'static str,
    },
    /// A replay cache that cannot be used.
    ReplayCache {
        /// Which one.
        name: ReplayCacheName,
        /// Its file, where it has one.
        path: Option<PathBuf>,
        /// Why.
        fault: FileFault,
    },
    /// The cache holds no ticket-granting ticket for the realm.
    NoTgt {
        /// Which cache.
        cache: CacheName,
        /// The ticket looked for.
        wanted: Box<Principal>,
        /// The services of the tickets that are there.
        present: Vec<Principal>,
    },
    /// The cache's ticket-granting ticket has ended.
    TgtExpired {
        /// Which cache.
        cache: CacheName,
        /// The ticket.
        server: Box<Principal>,
        /// When it ended.
        end: KerberosTime,
        /// What time it is at the KDC, as far as we know.
        now: KerberosTime,
    },
    /// The cache holds no valid ticket for the service, and the KDC was not to be asked.
    NotCached {
        /// Which cache.
        cache: CacheName,
        /// The service.
        server: Box<Principal>,
    },
    /// The armor for a login (FAST) cannot be had.
    Armor(Box<Error>),
    /// Armor is required, and no cache is named that has it.
    NoArmor,
    /// The cache's ticket cannot be renewed, and there is no keytab to log in with.
    NothingToRenew {
        /// Which cache.
        cache: CacheName,
    },
    /// The password could not be read.
    Prompt {
        /// Why.
        reason: String,
    },
    /// A part of Kerberos that kerbside does not have yet.
    NotBuilt {
        /// Its name.
        what: String,
    },
    /// Work that was handed to a thread did not come back: the thread panicked or the runtime ended.
    Interrupted,
}

/// A service that no KDC knows, and under which names it was looked for.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ServerNotFound {
    /// The service as the caller named it.
    pub asked: Principal,
    /// The names that were tried, in that order.
    pub tried: Vec<TriedServer>,
    /// The last refusal.
    pub last: Error,
}

/// A name that a KDC does not know.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct TriedServer {
    /// The service asked for; without a realm it was the client's KDC that had to know where it is.
    pub server: Principal,
    /// Where the name comes from.
    pub origin: NameOrigin,
    /// The realm whose KDC said no.
    pub refused_by: Realm,
    /// What that KDC was asked for: the service, or the TGT of a realm on the way to it.
    pub refused: Principal,
}

/// Where a service's name comes from.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameOrigin {
    /// The caller gave it.
    Given,
    /// DNS gave the host (`dns_canonicalize_hostname = fallback`).
    Canonical {
        /// The host that DNS was asked about.
        host: String,
    },
    /// The realm is the host's domain: nobody knew a realm of the host.
    HostDomain,
}

impl TriedServer {
    /// From the refusal that `error` is; `None` when it is another error.
    pub(crate) fn new(server: &Principal, origin: NameOrigin, error: &Error) -> Option<Self> {
        let Error::Exchange { source, .. } = error else {
            return None;
        };
        let ProtocolError::Refused(refusal) = &**source else {
            return None;
        };
        Some(Self {
            server: server.clone(),
            origin,
            refused_by: match &refusal.by {
                Refuser::Kdc(realm) => realm.clone(),
                Refuser::Service(service) => service.realm.clone(),
            },
            refused: refusal.server.clone(),
        })
    }
}

/// What is wrong with a credential cache.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum CacheFault {
    /// The file, whatever is in it.
    File(FileFault),
    /// It is no credential cache, or a damaged one: where and how.
    Format(FormatError),
    /// The file is empty.
    Empty,
    /// A type that kerbside does not have.
    TypeNotBuilt(String),
    /// What went wrong with the cache daemon.
    Kcm(Box<KcmFault>),
    /// What went wrong with the kernel's keys.
    Keyring(Box<KeyringFault>),
    /// It belongs to somebody else than the ticket to be stored.
    OtherPrincipal {
        /// The cache's principal.
        expected: Box<Principal>,
        /// The ticket's client.
        found: Box<Principal>,
    },
    /// The directory of a collection does not exist, and neither does the one it would be made in.
    NoDirectory(PathBuf),
    /// What should be the directory of a collection is something else.
    NotADirectory(PathBuf),
    /// A file of a collection's directory whose name does not begin with `tkt`.
    NotInCollection(PathBuf),
    /// The file `primary` of a collection's directory does not hold the name of one of its caches.
    BadPrimary(PathBuf),
    /// A further cache was wanted where one cache is all there is.
    NotACollection,
    /// What was to be stored does not fit the format.
    Unwritable(FormatError),
}

/// What is wrong with a keytab.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeytabFault {
    /// The file, whatever is in it.
    File(FileFault),
    /// It is no keytab, or a damaged one: where and how.
    Format(FormatError),
    /// A type that is not built yet.
    TypeNotBuilt(String),
    /// It holds no key at all.
    Empty,
    /// It holds no key that would do.
    NoKey {
        /// Whose key was looked for.
        principal: Box<Principal>,
        /// The enctypes that would do; empty for any.
        enctypes: Vec<EncryptionType>,
        /// What is there: principal, key version, enctype.
        present: Vec<(Principal, u32, EncryptionType)>,
    },
    /// What was to be stored does not fit the format.
    Unwritable(FormatError),
}

impl From<FileFault> for CacheFault {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<FileFault> for KeytabFault {
    fn from(fault: FileFault) -> Self {
        Self::File(fault)
    }
}

impl From<ProfileError> for Error {
    fn from(error: ProfileError) -> Self {
        Self::Config(Box::new(error))
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Config(error) => error.fmt(f),
            Self::ConfigUnreadable { file, reason } => {
                write!(f, "cannot read {}: {reason}", file.display())
            }
            Self::NoDefaultRealm { read, missing } => {
                f.write_str("no default realm: default_realm in [libdefaults] is set in none of ")?;
                paths(f, read.iter().chain(missing))
            }
            Self::BadName { name, reason } => write!(f, "{} is no principal: {reason}", name.escape_debug()),
            Self::NoKdc { realm, read, dns, .. } => {
                write!(f, "no KDC for realm {realm}: it has no kdc line in ")?;
                paths(f, read.iter())?;
                trail(f, dns)
            }
            Self::NoKpasswd { realm, read, dns } => {
                write!(
                    f,
                    "no password server for realm {realm}: it has no kpasswd_server or admin_server line in "
                )?;
                paths(f, read.iter())?;
                trail(f, dns)
            }
            Self::BadValue {
                file,
                line,
                relation,
                reason,
            } => {
                write!(f, "{file} line {line}: {relation}: {reason}")
            }
            Self::Unreachable {
                realm,
                attempts,
                took,
            } => {
                write!(
                    f,
                    "no KDC of realm {realm} answered in {:.1} s",
                    took.as_secs_f64()
                )?;
                attempts.iter().try_for_each(|attempt| write!(f, "; {attempt}"))
            }
            Self::KpasswdUnreachable {
                realm,
                attempts,
                took,
            } => {
                write!(
                    f,
                    "no password server of realm {realm} answered in {:.1} s",
                    took.as_secs_f64()
                )?;
                attempts.iter().try_for_each(|attempt| write!(f, "; {attempt}"))
            }
            Self::Unresolved { host, reason } => {
                write!(f, "the host {} has no address: {reason}", host.escape_debug())
            }
            Self::Exchange { source, .. } => source.fmt(f),
            Self::ServerNotFound(found) => {
                write!(f, "no KDC knows the service {}", found.asked)?;
                found.tried.iter().try_for_each(|tried| write!(f, "; {tried}"))
            }
            Self::Cache { name, fault } => write!(f, "credential cache {name}: {fault}"),
            Self::Keytab { name, fault } => write!(f, "keytab {name}: {fault}"),
            Self::CredentialStore { key, reason } => write!(f, "credential store: {key:?}: {reason}"),
            Self::ReplayCache {
                name: ReplayCacheName::Default,
                path: Some(path),
                fault,
            } => write!(f, "replay cache dfl: ({}): {fault}", path.display()),
            Self::ReplayCache { name, fault, .. } => write!(f, "replay cache {name}: {fault}"),
            Self::NoTgt { cache, wanted, .. } => {
                write!(f, "credential cache {cache}: no ticket for {wanted}")
            }
            Self::TgtExpired {
                cache,
                server,
                end,
                now,
            } => {
                write!(
                    f,
                    "credential cache {cache}: the ticket for {server} ended at {end}, and it is {now}"
                )
            }
            Self::NotCached { cache, server } => {
                write!(f, "credential cache {cache}: no valid ticket for {server}")
            }
            Self::NothingToRenew { cache } => write!(
                f,
                "credential cache {cache}: no ticket that can be renewed, and no keytab to log in with"
            ),
            Self::Prompt { reason } => write!(f, "cannot read the password: {reason}"),
            Self::Armor(error) => write!(f, "no armor for the login: {error}"),
            Self::NoArmor => {
                f.write_str("the login has to be armored (FAST), and no cache is named for that")
            }
            Self::NotBuilt { what } => write!(f, "not built yet: {what}"),
            Self::Interrupted => f.write_str("the work was interrupted: its thread or runtime ended"),
        }
    }
}

impl std::error::Error for Error {}

fn trail(f: &mut fmt::Formatter<'_>, dns: &DnsTrail) -> fmt::Result {
    match dns {
        DnsTrail::Forbidden => f.write_str("; dns_lookup_kdc is false"),
        DnsTrail::Asked(queries) => queries.iter().try_for_each(|query| write!(f, "; {query}")),
    }
}

impl fmt::Display for TriedServer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.server)?;
        match &self.origin {
            NameOrigin::Given => {}
            NameOrigin::Canonical { host } => write!(f, " (DNS calls {} so)", host.escape_debug())?,
            NameOrigin::HostDomain => f.write_str(" (the realm by the host's domain)")?,
        }
        write!(f, ": the KDC of {} does not know ", self.refused_by)?;
        if self.refused == self.server {
            f.write_str("it")
        } else {
            write!(f, "{}", self.refused)
        }
    }
}

fn paths<'a>(f: &mut fmt::Formatter<'_>, mut paths: impl Iterator<Item = &'a PathBuf>) -> fmt::Result {
    match paths.next() {
        None => f.write_str("no file at all")?,
        Some(first) => write!(f, "{}", first.display())?,
    }
    paths.try_for_each(|path| write!(f, ", {}", path.display()))
}

impl fmt::Display for CacheFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(fault) => fault.fmt(f),
            Self::Format(error) => error.fmt(f),
            Self::Empty => f.write_str("empty"),
            Self::TypeNotBuilt(kind) => {
                write!(
                    f,
                    "type: expected FILE, DIR, MEMORY, KEYRING or KCM, but found {}",
                    kind.escape_debug()
                )?;
                match kind.as_str() {
                    "API" | "MSLSA" => f.write_str(", which is of Windows and macOS alone"),
                    _ => Ok(()),
                }
            }
            Self::Kcm(fault) => fault.fmt(f),
            Self::Keyring(fault) => fault.fmt(f),
            Self::OtherPrincipal { expected, found } => {
                write!(f, "principal: expected {expected}, but found {found}")
            }
            Self::NoDirectory(path) => write!(f, "the directory {} does not exist", path.display()),
            Self::NotADirectory(path) => {
                write!(
                    f,
                    "{}: expected a directory, but found something else",
                    path.display()
                )
            }
            Self::NotInCollection(path) => write!(
                f,
                "{}: expected a file name that begins with \"tkt\", but found another",
                path.display()
            ),
            Self::BadPrimary(path) => write!(
                f,
                "{}: expected one line with a name that begins with \"tkt\", but found something else",
                path.display()
            ),
            Self::NotACollection => f.write_str("expected a collection of caches, but found a single one"),
            Self::Unwritable(error) => error.fmt(f),
        }
    }
}

impl fmt::Display for KeytabFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(fault) => fault.fmt(f),
            Self::Format(error) => error.fmt(f),
            Self::TypeNotBuilt(kind) => {
                write!(f, "keytabs of type {} are not built yet", kind.escape_debug())
            }
            Self::Empty => f.write_str("no keys"),
            Self::NoKey {
                principal,
                enctypes,
                present,
            } => {
                write!(f, "no key for {principal}")?;
                for (index, enctype) in enctypes.iter().enumerate() {
                    write!(f, "{}{enctype}", if index == 0 { " with " } else { " or " })?;
                }
                write!(f, " among {} keys", present.len())?;
                for (index, (principal, kvno, enctype)) in present.iter().take(8).enumerate() {
                    let before = if index == 0 { ": " } else { "; " };
                    write!(f, "{before}{principal} kvno {kvno} {enctype}")?;
                }
                if present.len() > 8 {
                    f.write_str("; and more")?;
                }
                Ok(())
            }
            Self::Unwritable(error) => error.fmt(f),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Every result of this crate carries it.
    #[test]
    fn an_error_is_small() {
        assert!(size_of::<Error>() <= 120, "{}", size_of::<Error>());
    }
}
