//! `KerberosTime` and `Microseconds`.

use core::fmt;

use crate::codec::{DecodeValue, EncodeValue};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::tag;
use crate::writer::Writer;

/// A point in time, in seconds since 1970-01-01T00:00:00Z.
///
/// ```text
/// KerberosTime    ::= GeneralizedTime -- with no fractional seconds
/// ```
///
/// RFC 4120 5.2.3. On the wire the form is `YYYYMMDDHHMMSSZ` and the year 1970 to 9999.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct KerberosTime(i64);

const SECONDS_PER_DAY: i64 = 86_400;

/// Octets of `YYYYMMDDHHMMSSZ`.
const ENCODED_LEN: usize = 15;

impl KerberosTime {
    /// 1970-01-01T00:00:00Z, which some fields use for "none".
    pub const EPOCH: Self = Self(0);

    /// The last time with an encoding: 9999-12-31T23:59:59Z.
    pub const MAX: Self = Self(253_402_300_799);

    /// The time this many seconds after the epoch.
    pub const fn from_unix_seconds(seconds: i64) -> Self {
        Self(seconds)
    }

    /// Seconds since the epoch.
    pub const fn unix_seconds(self) -> i64 {
        self.0
    }

    /// The time of a 32-bit field of a file (keytab, credential cache), which is unsigned and so ends in 2106.
    pub const fn from_u32(seconds: u32) -> Self {
        Self(seconds as i64)
    }

    /// The value for a 32-bit field of a file; times outside give the nearest that fits.
    pub fn to_u32_saturating(self) -> u32 {
        u32::try_from(self.0.max(0)).unwrap_or(u32::MAX)
    }

    /// Whether this is the epoch, which stands for "none" where a time cannot be absent.
    pub const fn is_epoch(self) -> bool {
        self.0 == 0
    }

    /// The time `seconds` later (earlier when negative), or `None` when that is beyond counting.
    pub fn checked_add_seconds(self, seconds: i64) -> Option<Self> {
        self.0.checked_add(seconds).map(Self)
    }

    /// The time `seconds` earlier (later when negative), or `None` when that is beyond counting.
    pub fn checked_sub_seconds(self, seconds: i64) -> Option<Self> {
        self.0.checked_sub(seconds).map(Self)
    }

    /// The time `seconds` later (earlier when negative), within what has an encoding: [`EPOCH`](Self::EPOCH) to
    /// [`MAX`](Self::MAX).
    pub fn saturating_add_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_add(seconds)).clamp(Self::EPOCH, Self::MAX)
    }

    /// The time `seconds` earlier (later when negative), within what has an encoding.
    pub fn saturating_sub_seconds(self, seconds: i64) -> Self {
        Self(self.0.saturating_sub(seconds)).clamp(Self::EPOCH, Self::MAX)
    }

    /// Seconds from `earlier` to this, negative when `earlier` is later.
    pub fn seconds_since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// Reads `YYYYMMDDHHMMSSZ`; `None` for anything else, a leap second and a year before 1970 among it.
    pub fn from_generalized_time(text: &[u8]) -> Option<Self> {
        let [digits @ .., b'Z'] = text else { return None };
        let digits: &[u8; 14] = digits.try_into().ok()?;
        let number = |range: core::ops::Range<usize>| {
            digits.get(range)?.iter().try_fold(0_i64, |number, octet| {
                octet
                    .is_ascii_digit()
                    .then(|| number * 10 + i64::from(octet - b'0'))
            })
        };
        let (year, month, day) = (number(0..4)?, number(4..6)?, number(6..8)?);
        let (hour, minute, second) = (number(8..10)?, number(10..12)?, number(12..14)?);
        let valid = (1970..=9999).contains(&year)
            && (1..=12).contains(&month)
            && (1..=days_in_month(year, month)).contains(&day)
            && hour < 24
            && minute < 60
            && second < 60;
        let seconds =
            days_from_civil(year, month, day) * SECONDS_PER_DAY + hour * 3600 + minute * 60 + second;
        valid.then_some(Self(seconds))
    }

    /// `YYYYMMDDHHMMSSZ`, or `None` when the year is outside 1970 to 9999.
    pub fn to_generalized_time(self) -> Option<[u8; 15]> {
        if !(Self::EPOCH..=Self::MAX).contains(&self) {
            return None;
        }
        let civil = Civil::of(self.0);
        let parts = [
            civil.year / 100,
            civil.year % 100,
            civil.month,
            civil.day,
            civil.hour,
            civil.minute,
            civil.second,
        ];
        let mut text = [b'Z'; 15];
        for (pair, part) in text.chunks_exact_mut(2).zip(parts) {
            let part = u8::try_from(part).ok()?;
            pair.copy_from_slice(&[b'0' + part / 10, b'0' + part % 10]);
        }
        Some(text)
    }
}

/// A time in the proleptic Gregorian calendar, UTC.
struct Civil {
    year: i64,
    month: i64,
    day: i64,
    hour: i64,
    minute: i64,
    second: i64,
}

impl Civil {
    fn of(seconds: i64) -> Self {
        let days = seconds.div_euclid(SECONDS_PER_DAY);
        let second_of_day = seconds.rem_euclid(SECONDS_PER_DAY);
        // Years are counted from March, so that the leap day is a year's last; 400 years have 146,097 days.
        let days = days + 719_468;
        let era = days.div_euclid(146_097);
        let day_of_era = days.rem_euclid(146_097);
        let year_of_era = (day_of_era - day_of_era / 1460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
        let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
        let month_from_march = (5 * day_of_year + 2) / 153;
        let month = if month_from_march < 10 {
            month_from_march + 3
        } else {
            month_from_march - 9
        };
        Self {
            year: year_of_era + era * 400 + i64::from(month <= 2),
            month,
            day: day_of_year - (153 * month_from_march + 2) / 5 + 1,
            hour: second_of_day / 3600,
            minute: second_of_day / 60 % 60,
            second: second_of_day % 60,
        }
    }
}

/// Days from 1970-01-01 to a date.
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let month_from_march = if month > 2 { month - 3 } else { month + 9 };
    let day_of_year = (153 * month_from_march + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

fn days_in_month(year: i64, month: i64) -> i64 {
    let leap = year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
    match month {
        2 => 28 + i64::from(leap),
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// ISO 8601: `1994-06-10T06:03:17Z`.
impl fmt::Display for KerberosTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // Times beyond any calendar (only arithmetic makes them) are shown as what they are.
        if !(-62_135_596_800..=Self::MAX.0).contains(&self.0) {
            return write!(f, "{} s since 1970", self.0);
        }
        let Civil {
            year,
            month,
            day,
            hour,
            minute,
            second,
        } = Civil::of(self.0);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}Z"
        )
    }
}

impl fmt::Debug for KerberosTime {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl DecodeValue<'_> for KerberosTime {
    const TAG: u8 = tag::GENERALIZED_TIME;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_generalized_time(contents.rest())
            .ok_or_else(|| contents.bad_value("a time YYYYMMDDHHMMSSZ of the years 1970 to 9999"))
    }
}

impl EncodeValue for KerberosTime {
    const TAG: u8 = tag::GENERALIZED_TIME;

    fn value_len(&self) -> usize {
        ENCODED_LEN
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        let text = self
            .to_generalized_time()
            .ok_or_else(|| der::Error::from(der::Tag::GeneralizedTime.value_error()))?;
        writer.write(&text)
    }
}

/// The microseconds of a time.
///
/// ```text
/// Microseconds    ::= INTEGER (0..999999)
/// ```
///
/// RFC 4120 5.2.4.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Default)]
pub struct Microseconds(u32);

impl Microseconds {
    /// None.
    pub const ZERO: Self = Self(0);

    /// The largest value.
    pub const MAX: Self = Self(999_999);

    /// This many microseconds, or `None` for a million and more.
    pub const fn new(microseconds: u32) -> Option<Self> {
        if microseconds <= Self::MAX.0 {
            Some(Self(microseconds))
        } else {
            None
        }
    }

    /// The number.
    pub const fn get(self) -> u32 {
        self.0
    }
}

impl fmt::Debug for Microseconds {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} us", self.0)
    }
}

impl DecodeValue<'_> for Microseconds {
    const TAG: u8 = tag::INTEGER;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let value = i32::decode_value(contents)?;
        u32::try_from(value)
            .ok()
            .and_then(Self::new)
            .ok_or_else(|| contents.bad_value("microseconds of 0 to 999999"))
    }
}

impl EncodeValue for Microseconds {
    const TAG: u8 = tag::INTEGER;

    fn value_len(&self) -> usize {
        self.0.value_len()
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        self.0.encode_value(writer)
    }
}
