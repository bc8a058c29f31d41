//! The service principal name that a client wants (MsvAvTargetName), and times as Windows counts them.

use alloc::string::String;

use kerbside_protocol::Now;

use crate::error::NtlmError;

/// What a marshalled CREDENTIAL_TARGET_INFORMATION behind a host name begins with.
const MARSHALLED: &str = "1UWhRC";

/// Refuses a name with another target marshalled into it: Windows takes that for this very machine, and a client that
/// was led to an attacker's host by it would log in to itself (CVE-2025-33073).
pub(crate) fn check(name: &str) -> Result<(), NtlmError> {
    if name.contains(MARSHALLED) {
        return Err(NtlmError::MarshalledTarget);
    }
    Ok(())
}

/// Whether `found` is one of the names, without case.
pub(crate) fn is_one_of(found: &str, served: &[String]) -> bool {
    served.iter().any(|served| served.eq_ignore_ascii_case(found))
}

/// Seconds from 1601 to 1970.
const EPOCH: i64 = 11_644_473_600;
const TICKS_PER_SECOND: u64 = 10_000_000;

/// A FILETIME: 100 ns since 1601.
pub(crate) fn filetime(now: Now) -> u64 {
    let seconds = now.time.unix_seconds().saturating_add(EPOCH);
    let seconds = u64::try_from(seconds).unwrap_or(0);
    let ticks = u64::from(now.usec.get()).saturating_mul(10);
    seconds.saturating_mul(TICKS_PER_SECOND).saturating_add(ticks)
}

/// How far two times are apart, in whole seconds.
pub(crate) fn seconds_apart(a: u64, b: u64) -> u64 {
    a.abs_diff(b) / TICKS_PER_SECOND
}
