//! The start of a postdated ticket as a point in time, in the forms of MIT's `krb5_string_to_timestamp`.

use jiff::ZonedDateTime;
use jiff::civil::DateTime;

/// The forms with a date, and whether they have seconds: without, those of now are taken.
///
/// The forms without a date read as durations, and those go first.
const FORMS: &[(&str, bool)] = &[
    ("%Y%m%d%H%M%S", true),
    ("%y%m%d%H%M%S", true),
    ("%y.%m.%d.%H.%M.%S", true),
    // Behind the one of two digits, since "26" would be a year here as well.
    ("%Y.%m.%d.%H.%M.%S", true),
    ("%y%m%d%H%M", false),
    ("%m/%d/%y:%H:%M:%S", true),
    ("%d-%b-%Y:%H:%M:%S", true),
    ("%d-%b-%Y:%H:%M", false),
];

/// Seconds from `now` until the time that `text` names in the time zone of `now`. `None` for what is no time, and for
/// `now` itself, which postdates nothing.
///
/// Where MIT takes the number that a date of yet another form begins with for seconds, this refuses.
pub(super) fn seconds_until(text: &str, now: &ZonedDateTime) -> Option<i64> {
    let then = FORMS.iter().find_map(|(form, has_seconds)| {
        let then = DateTime::strptime(form, text).ok()?;
        if *has_seconds {
            Some(then)
        } else {
            then.with().second(now.second()).build().ok()
        }
    })?;
    let then = then.to_zoned_datetime(now.time_zone().clone()).ok()?;
    let seconds = then
        .timestamp()
        .as_second()
        .checked_sub(now.timestamp().as_second())?;
    (seconds != 0).then_some(seconds)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn a_start_may_be_a_point_in_time() {
        let now: ZonedDateTime = "2026-11-25T02:18:45[UTC]".parse().unwrap();
        let until = |text| seconds_until(text, &now).map(|seconds| now.timestamp().as_second() + seconds);
        let then = |text: &str| Some(text.parse::<ZonedDateTime>().unwrap().timestamp().as_second());
        for (text, expected) in [
            ("20261201000000", "2026-12-01T00:00:00[UTC]"),
            ("261201000000", "2026-12-01T00:00:00[UTC]"),
            ("2612011010", "2026-12-01T10:10:45[UTC]"),
            ("2026.12.01.10.00.00", "2026-12-01T10:00:00[UTC]"),
            ("26.12.01.00.00.00", "2026-12-01T00:00:00[UTC]"),
            ("01-Dec-2026:10:00:00", "2026-12-01T10:00:00[UTC]"),
            ("01-Dec-2026:10:00", "2026-12-01T10:00:45[UTC]"),
            ("12/01/26:10:11:12", "2026-12-01T10:11:12[UTC]"),
            // Before now: the KDC says what it thinks of that.
            ("20251201000000", "2025-12-01T00:00:00[UTC]"),
        ] {
            assert_eq!(until(text), then(expected), "{text}");
        }
        for text in [
            "",
            "soon",
            "2026-12-01",
            "20261301000000",
            "20261125021845",
            "12/01/26",
        ] {
            assert_eq!(until(text), None, "{text}");
        }
        let there: ZonedDateTime = "2026-11-25T02:18:45[Europe/Berlin]".parse().unwrap();
        assert_eq!(seconds_until("20261125031845", &there), Some(3600));
    }
}
