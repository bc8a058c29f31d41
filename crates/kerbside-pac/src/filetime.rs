//! FILETIME (MS-DTYP section 2.3.3).

use core::fmt;

use kerbside_asn1::KerberosTime;

/// A point in time: units of 100 ns since 1601-01-01T00:00:00Z.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct FileTime(pub u64);

const UNITS_PER_SECOND: u64 = 10_000_000;

/// Seconds from 1601 to 1970.
const EPOCH_SECONDS: i64 = 11_644_473_600;

impl FileTime {
    /// "Never", as LOGON_INFO has it for a time that does not come.
    pub const NEVER: Self = Self(0x7fff_ffff_ffff_ffff);

    /// "None", for what did not happen.
    pub const NONE: Self = Self(0);

    /// The time in whole seconds, the rest cut off; none for [`NEVER`](Self::NEVER) and [`NONE`](Self::NONE).
    #[must_use]
    pub fn to_kerberos_time(self) -> Option<KerberosTime> {
        if self >= Self::NEVER || self == Self::NONE {
            return None;
        }
        let seconds = i64::try_from(self.0 / UNITS_PER_SECOND).ok()?;
        Some(KerberosTime::from_unix_seconds(seconds - EPOCH_SECONDS))
    }

    /// The same time; [`NONE`](Self::NONE) for one before 1601.
    #[must_use]
    pub fn from_kerberos_time(time: KerberosTime) -> Self {
        let seconds = time.unix_seconds().saturating_add(EPOCH_SECONDS);
        Self(
            u64::try_from(seconds)
                .unwrap_or(0)
                .saturating_mul(UNITS_PER_SECOND),
        )
    }
}

impl fmt::Display for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (*self, self.to_kerberos_time()) {
            (Self::NONE, _) => f.write_str("none"),
            (_, Some(time)) => write!(f, "{time}"),
            (_, None) => f.write_str("never"),
        }
    }
}

impl fmt::Debug for FileTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "FileTime({}, {self})", self.0)
    }
}
