//! Credential caches: missing, foreign, damaged, without the ticket.

use kerbside_client::{CacheFault, CacheName, Error, FileFault, KcmFault, KeyringFault};
use kerbside_formats::FormatError;

use super::Doing;
use crate::output::{Report, duration, timestamp};

pub(super) fn explain(name: &CacheName, fault: &CacheFault, doing: &Doing<'_>) -> Report {
    // MIT ends messages of klist here, and goes on with what it was doing elsewhere.
    let file = name
        .path()
        .map_or_else(|| name.residual(), |path| path.display().to_string());
    let with_name = |text: &str| doing.failed(format!("{text} (filename: {file})"));
    let report = match fault {
        CacheFault::File(FileFault::NotFound)
            if matches!(name, CacheName::Keyring(_) | CacheName::Kcm(_)) =>
        {
            let cache = match name {
                CacheName::Keyring(residual) => format!("keyring '{residual}'"),
                other => format!("'{other}'"),
            };
            return doing
                .failed(format!("Credentials cache {cache} not found"))
                .hint(format!("{} gets a ticket", doing.kinit));
        }
        CacheFault::File(FileFault::NotFound) => {
            return with_name("No credentials cache found").hint(format!("{} gets a ticket", doing.kinit));
        }
        CacheFault::Empty => {
            return with_name("Bad format in credentials cache")
                .evidence("the file is empty")
                .hint(format!("{} gets a ticket", doing.kinit));
        }
        CacheFault::Format(FormatError::NotThisFormat { .. } | FormatError::Version { .. }) => {
            with_name("Unsupported credentials cache format version number")
        }
        CacheFault::Format(_) => with_name("Bad format in credentials cache"),
        CacheFault::File(FileFault::Owner { .. }) => with_name("Credentials cache permissions incorrect"),
        CacheFault::File(FileFault::System { reason, .. }) if reason == "permission denied" => {
            with_name("Credentials cache permissions incorrect")
        }
        CacheFault::File(_) => with_name("Credentials cache I/O operation failed"),
        CacheFault::TypeNotBuilt(_) => {
            return doing
                .failed("Unknown credential cache type")
                .evidence(format!("credential cache {name}: {fault}"))
                .hint("name a cache in KRB5CCNAME, or with -c: FILE:/tmp/krb5cc_mine");
        }
        CacheFault::NoDirectory(path) => {
            return doing
                .failed(format!(
                    "Credential cache directory {} does not exist",
                    path.display()
                ))
                .evidence(format!(
                    "{name}: the directory that it would be made in does not exist either"
                ))
                .hint("make that directory, or name another one in KRB5CCNAME or with -c");
        }
        CacheFault::NotADirectory(path) => {
            return doing
                .failed(format!(
                    "Credential cache directory {} exists but is not a directory",
                    path.display()
                ))
                .hint("a single cache in a file is named FILE:PATH");
        }
        CacheFault::NotInCollection(path) => {
            return doing
                .failed(format!(
                    "Subsidiary cache path {} filename does not begin with \"tkt\"",
                    path.display()
                ))
                .hint("a directory of caches is named DIR:PATH, and one cache of it DIR::PATH/tktNAME");
        }
        CacheFault::BadPrimary(path) => {
            return doing
                .failed(format!("{} contains invalid filename", path.display()))
                .evidence(fault.to_string())
                .hint("kswitch writes it again: kswitch -p PRINCIPAL, of those that klist -l lists");
        }
        CacheFault::NotACollection => {
            return doing
                .failed(
                    "Can't create new subsidiary cache because default cache is not a directory collection",
                )
                .evidence(format!("{name} is a single cache, and it is another principal's"))
                .hint("name the directory in KRB5CCNAME (DIR:PATH), or one cache with -c");
        }
        CacheFault::Kcm(kcm) => return daemon(kcm, doing),
        CacheFault::Keyring(keyring) => {
            let words = match **keyring {
                KeyringFault::Anchor(_) => "Invalid keyring anchor name",
                KeyringFault::Uid(_) => "Invalid UID in persistent keyring name",
                KeyringFault::BadPrimary => "Unknown keyring collection version",
                KeyringFault::Quota => "Disk quota exceeded",
                _ => "Credentials cache I/O operation failed",
            };
            let report = doing.failed(words).evidence(format!("{name}: {fault}"));
            return match **keyring {
                KeyringFault::Quota => report
                    .hint("kdestroy -A frees the keys of this collection; KCM: and FILE: caches need none"),
                _ => report,
            };
        }
        _ => with_name("Credentials cache cannot be used"),
    };
    let report = report.evidence(format!("{name}: {fault}"));
    match fault {
        CacheFault::Format(FormatError::NotThisFormat { .. }) => report
            .hint("the file is something else and was left as it is: name another one with -c or KRB5CCNAME"),
        CacheFault::Format(FormatError::Damaged { .. }) => report.hint(format!(
            "the file was left as it is; kdestroy -c {name} removes it"
        )),
        CacheFault::File(FileFault::System { doing: "create", .. }) => {
            report.hint("the cache's folder must exist and be yours to write in")
        }
        _ => report,
    }
}

/// The daemon that keeps the cache.
fn daemon(fault: &KcmFault, doing: &Doing<'_>) -> Report {
    let words = match fault {
        KcmFault::NoDaemon { .. } | KcmFault::SwitchedOff => "No KCM server found",
        KcmFault::Malformed { .. } => "Malformed reply from KCM daemon",
        KcmFault::TooLong { .. } => "KCM daemon reply too big",
        _ => "Credentials cache I/O operation failed",
    };
    let report = doing.failed(words).evidence(fault.to_string());
    match fault {
        KcmFault::NoDaemon { .. } => report.hint(
            "start the daemon (systemctl start sssd-kcm.socket), set kcm_socket in krb5.conf, or name another cache in \
             KRB5CCNAME",
        ),
        _ => report,
    }
}

/// The cache is fine, and has no ticket that would do.
pub(super) fn no_ticket(error: &Error, doing: &Doing<'_>) -> Report {
    match error {
        Error::TgtExpired {
            cache,
            server,
            end,
            now,
        } => {
            let (end, now) = (end.unix_seconds(), now.unix_seconds());
            let ago = u64::try_from(now.saturating_sub(end)).unwrap_or(0);
            doing
                .failed("Ticket expired")
                .evidence(format!(
                    "{cache}: the ticket for {server} ended {}, {} ago",
                    timestamp(end),
                    duration(ago)
                ))
                .hint(format!("{} gets a new one", doing.kinit))
        }
        Error::NoTgt {
            cache,
            wanted,
            present,
        } => {
            let mut report = doing
                .failed(format!(
                    "Matching credential not found (filename: {})",
                    cache.residual()
                ))
                .evidence(format!("{cache}: no ticket for {wanted}"));
            report.evidence.extend(
                present
                    .iter()
                    .map(|server| format!("{cache}: has a ticket for {server}")),
            );
            report.hint(format!("{} gets one", doing.kinit))
        }
        Error::NotCached { cache, server } => doing
            .failed(format!(
                "Matching credential not found (filename: {})",
                cache.residual()
            ))
            .evidence(format!("{cache}: no valid ticket for {server}"))
            .hint("without --cached-only the KDC is asked for one"),
        other => doing.failed(other.to_string()),
    }
}
