//! Time stamps of lines: `2026-11-24T23:11:26.123Z`

use core::fmt::Write as _;

/// A second as text: most lines share theirs with the line before
#[derive(Default)]
pub(super) struct Stamp {
    seconds: i64,
    text: String,
}

impl Stamp {
    /// Writes a time
    pub(super) fn write(&mut self, out: &mut String, seconds: i64, usec: u32) {
        if self.seconds != seconds || self.text.is_empty() {
            *self = of_second(seconds);
        }
        // Writing to a String cannot fail.
        let _ = write!(out, "{}.{:03}Z", self.text, usec / 1_000);
    }
}

fn of_second(seconds: i64) -> Stamp {
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    // Days since 0000-03-01, so that a leap day is the last day of its year (proleptic Gregorian).
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    Stamp {
        seconds,
        text: format!(
            "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}",
            of_day / 3_600,
            of_day / 60 % 60,
            of_day % 60
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps() {
        let mut stamp = Stamp::default();
        for (seconds, usec, text) in [
            (0, 0, "1970-01-01T00:00:00.000Z"),
            (1_795_561_886, 123_456, "2026-11-24T23:11:26.123Z"),
            (1_795_561_886, 999_999, "2026-11-24T23:11:26.999Z"),
            (951_782_400, 0, "2000-02-29T00:00:00.000Z"),
            (-1, 0, "1969-12-31T23:59:59.000Z"),
        ] {
            let mut out = String::new();
            stamp.write(&mut out, seconds, usec);
            assert_eq!(out, text);
        }
    }
}
