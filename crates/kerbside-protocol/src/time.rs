//! The moment a step happens at, and arithmetic on times that cannot wrap.

use core::fmt;

use kerbside_asn1::{KerberosTime, Microseconds};

use crate::error::ProtocolError;

/// The caller's clock: seconds since 1970 (UTC) and microseconds.
///
/// A driver makes the pair strictly increasing, since two authenticators must never share it (RFC 4120 3.2.3).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Now {
    /// Seconds since 1970, UTC.
    pub time: KerberosTime,
    /// Microseconds within the second.
    pub usec: Microseconds,
}

impl Now {
    /// The moment `seconds` and `usec` after 1970; `None` when `usec` is a million or more.
    pub fn new(seconds: i64, usec: u32) -> Option<Self> {
        Some(Self {
            time: at(seconds),
            usec: Microseconds::new(usec)?,
        })
    }

    /// Seconds since 1970, UTC.
    pub fn seconds(self) -> i64 {
        seconds(self.time)
    }

    /// This moment on a clock that is `offset_seconds` ahead of this one.
    pub(crate) fn offset_by(self, offset_seconds: i64) -> Result<Self, ProtocolError> {
        Ok(Self {
            time: plus(self.time, offset_seconds)?,
            usec: self.usec,
        })
    }

    /// Seconds since 1970, UTC, and microseconds within the second.
    pub fn parts(self) -> (i64, u32) {
        (self.seconds(), self.usec.get())
    }
}

pub(crate) fn seconds(time: KerberosTime) -> i64 {
    time.unix_seconds()
}

pub(crate) fn at(seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(seconds)
}

/// `time` moved by `by` seconds, refused where the sum leaves what a time can be.
pub(crate) fn plus(time: KerberosTime, by: i64) -> Result<KerberosTime, ProtocolError> {
    seconds(time)
        .checked_add(by)
        .map(at)
        .ok_or(ProtocolError::TimeOutOfRange)
}

/// How far `theirs` is ahead of `ours`, in seconds; negative when it is behind.
pub(crate) fn ahead(theirs: KerberosTime, ours: KerberosTime) -> i64 {
    seconds(theirs).saturating_sub(seconds(ours))
}

/// Whether a difference of `ahead_seconds` is within `allowed_seconds` either way.
pub(crate) fn within(ahead_seconds: i64, allowed_seconds: i64) -> bool {
    ahead_seconds.unsigned_abs() <= allowed_seconds.max(0).unsigned_abs()
}

/// A length of time for people: `7 min 12 s`.
pub(crate) struct Span(pub(crate) i64);

impl fmt::Display for Span {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let total = self.0.unsigned_abs();
        let parts = [
            (total / 86_400, "d"),
            (total / 3_600 % 24, "h"),
            (total / 60 % 60, "min"),
            (total % 60, "s"),
        ];
        let mut written = false;
        for (amount, unit) in parts {
            if amount > 0 {
                write!(f, "{}{amount} {unit}", if written { " " } else { "" })?;
                written = true;
            }
        }
        if written { Ok(()) } else { f.write_str("0 s") }
    }
}

/// Which way a clock differs, and by how much: `7 min 12 s ahead`.
pub(crate) struct Difference(pub(crate) i64);

impl fmt::Display for Difference {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {}",
            Span(self.0),
            if self.0 < 0 { "behind" } else { "ahead" }
        )
    }
}

#[cfg(test)]
mod tests {
    use alloc::string::ToString;

    use super::{Difference, Span, within};

    #[test]
    fn spans_read_as_people_say_them() {
        for (seconds, text) in [
            (0, "0 s"),
            (59, "59 s"),
            (300, "5 min"),
            (432, "7 min 12 s"),
            (-7_205, "2 h 5 s"),
            (90_000, "1 d 1 h"),
            (i64::MIN, "106751991167300 d 15 h 30 min 8 s"),
        ] {
            assert_eq!(Span(seconds).to_string(), text);
        }
        assert_eq!(Difference(-61).to_string(), "1 min 1 s behind");
    }

    #[test]
    fn extremes_are_never_within_a_skew() {
        assert!(within(-300, 300) && within(300, 300) && !within(301, 300) && !within(-301, 300));
        assert!(!within(i64::MIN, 300) && !within(1, -5) && within(0, -5));
    }
}
