//! Dates and lengths of time as people write them for `-expire`, `-maxlife` and their like.

use jiff::civil::{Date, DateTime, Time};
use jiff::tz::TimeZone;
use jiff::{Span, Timestamp, ToSpan as _};
use kerbside_asn1::KerberosTime;
use kerbside_formats::duration::parse_duration;

/// Reads a date: `never`, `now`, `2027-01-31`, `01/31/2027`, `20270131`, each with an optional time
/// and zone, and `3 days`, `now + 2 weeks`, `1 year ago`. `Some(None)`: never.
///
/// Other spellings that MIT's `getdate` takes are refused; the local time zone holds unless `UTC`,
/// `GMT` or `Z` is written.
pub(super) fn date(text: &str, now: KerberosTime, zone: &TimeZone) -> Option<Option<KerberosTime>> {
    let text = text.trim().to_ascii_lowercase();
    if matches!(text.as_str(), "never" | "0") {
        return Some(None);
    }
    let now = Timestamp::from_second(now.unix_seconds()).ok()?;
    let found = relative(&text, now, zone).or_else(|| absolute(&text, now, zone))?;
    Some(Some(KerberosTime::from_unix_seconds(found.as_second())))
}

/// Reads a length of time in seconds, or the time until a date.
pub(super) fn length(text: &str, now: KerberosTime, zone: &TimeZone) -> Option<i64> {
    if let Some(seconds) = parse_duration(text.trim()).filter(|seconds| *seconds >= 0) {
        return Some(seconds);
    }
    match date(text, now, zone)? {
        None => Some(0),
        Some(then) => Some(then.seconds_since(now)).filter(|seconds| *seconds >= 0),
    }
}

fn relative(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let start = now.to_zoned_datetime(zone.clone());
    match text {
        "now" | "today" => return Some(now),
        "tomorrow" => return start.checked_add(1.day()).ok().map(|then| then.timestamp()),
        "yesterday" => return start.checked_sub(1.day()).ok().map(|then| then.timestamp()),
        _ => {}
    }
    let (text, back) = match text.strip_suffix("ago") {
        Some(text) => (text.trim_end(), true),
        None => (text, false),
    };
    let text = text.strip_prefix("now").unwrap_or(text).trim_start();
    let (text, back) = match text.strip_prefix('-') {
        Some(text) => (text.trim_start(), !back),
        None => (text.strip_prefix('+').unwrap_or(text).trim_start(), back),
    };
    let text = text
        .strip_prefix("next ")
        .map_or_else(|| text.to_owned(), |unit| format!("1 {unit}"));
    let digits = text.find(|c: char| !c.is_ascii_digit())?;
    let (count, unit) = text.split_at(digits);
    let count: i64 = count.parse().ok()?;
    let span: Span = match unit.trim().trim_end_matches('s') {
        "second" | "sec" => Span::new().try_seconds(count),
        "minute" | "min" => Span::new().try_minutes(count),
        "hour" => Span::new().try_hours(count),
        "day" => Span::new().try_days(count),
        "week" => Span::new().try_weeks(count),
        "fortnight" => Span::new().try_weeks(count.checked_mul(2)?),
        "month" => Span::new().try_months(count),
        "year" => Span::new().try_years(count),
        _ => return None,
    }
    .ok()?;
    let then = if back {
        start.checked_sub(span)
    } else {
        start.checked_add(span)
    };
    then.ok().map(|then| then.timestamp())
}

fn absolute(text: &str, now: Timestamp, zone: &TimeZone) -> Option<Timestamp> {
    let (text, zone) = match ["utc", "gmt", "z"]
        .iter()
        .find_map(|name| text.strip_suffix(name))
    {
        Some(text) => (text.trim_end(), TimeZone::UTC),
        None => (text, zone.clone()),
    };
    let (day, time) = match text.split_once([' ', 't']) {
        Some((day, time)) => (civil_date(day)?, civil_time(time.trim())?),
        None => match (civil_date(text), civil_time(text)) {
            (Some(day), _) => (day, Time::midnight()),
            (None, Some(time)) => (now.to_zoned_datetime(zone.clone()).date(), time),
            (None, None) => return None,
        },
    };
    DateTime::from_parts(day, time)
        .to_zoned_datetime(zone)
        .ok()
        .map(|then| then.timestamp())
}

fn civil_date(text: &str) -> Option<Date> {
    let number = |text: &str| text.parse::<i16>().ok();
    let parts: Vec<&str> = text.split(['-', '/']).collect();
    let (year, month, day) = match parts.as_slice() {
        [year, month, day] if text.contains('-') && year.len() == 4 => {
            (number(year)?, number(month)?, number(day)?)
        }
        [month, day, year] if text.contains('/') => {
            let year = match (number(year)?, year.len()) {
                (year, 4) => year,
                // As MIT's getdate reads two digits.
                (year @ 0..=68, 2) => 2000 + year,
                (year @ 69..=99, 2) => 1900 + year,
                _ => return None,
            };
            (year, number(month)?, number(day)?)
        }
        [all] if all.len() == 8 && all.bytes().all(|byte| byte.is_ascii_digit()) => {
            let (year, rest) = all.split_at(4);
            let (month, day) = rest.split_at(2);
            (number(year)?, number(month)?, number(day)?)
        }
        _ => return None,
    };
    Date::new(year, i8::try_from(month).ok()?, i8::try_from(day).ok()?).ok()
}

fn civil_time(text: &str) -> Option<Time> {
    let mut parts = text.split(':').map(|part| part.parse::<i8>().ok());
    let (hour, minute) = (parts.next()??, parts.next()??);
    let second = match parts.next() {
        None => 0,
        Some(second) => second?,
    };
    if parts.next().is_some() {
        return None;
    }
    Time::new(hour, minute, second, 0).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const NOW: i64 = 1_795_561_886; // 2026-11-24T23:11:26Z

    fn seconds(text: &str) -> Option<Option<i64>> {
        let found = date(text, KerberosTime::from_unix_seconds(NOW), &TimeZone::UTC)?;
        Some(found.map(KerberosTime::unix_seconds))
    }

    #[test]
    fn dates() {
        for (text, expected) in [
            ("never", None),
            ("now", Some(NOW)),
            ("2027-01-01", Some(1_798_761_600)),
            ("01/01/2027", Some(1_798_761_600)),
            ("1/1/27", Some(1_798_761_600)),
            ("20270101", Some(1_798_761_600)),
            ("2027-01-01 01:02:03", Some(1_798_761_600 + 3723)),
            ("2027-01-01T01:02:03Z", Some(1_798_761_600 + 3723)),
            ("2027-01-01 01:02 UTC", Some(1_798_761_600 + 3720)),
            ("3 days", Some(NOW + 3 * 86_400)),
            ("now + 2 weeks", Some(NOW + 14 * 86_400)),
            ("+1hour", Some(NOW + 3600)),
            ("1 day ago", Some(NOW - 86_400)),
            ("next week", Some(NOW + 7 * 86_400)),
            ("tomorrow", Some(NOW + 86_400)),
            ("23:11", Some(NOW - 26)),
        ] {
            assert_eq!(seconds(text), Some(expected), "{text}");
        }
        for text in [
            "foo",
            "",
            "2027-13-01",
            "2027-02-30",
            "99999999999999999999 days",
            "20270101000000",
            "1:2:3:4",
        ] {
            assert_eq!(seconds(text), None, "{text}");
        }
    }

    #[test]
    fn lengths() {
        let length = |text| length(text, KerberosTime::from_unix_seconds(NOW), &TimeZone::UTC);
        for (text, expected) in [
            ("1h", 3600),
            ("1d2h", 93_600),
            ("10:00:00", 36_000),
            ("0", 0),
            ("3600", 3600),
            ("2 days", 172_800),
        ] {
            assert_eq!(length(text), Some(expected), "{text}");
        }
        assert_eq!(length("foo"), None);
        assert_eq!(length("1 day ago"), None);
    }
}
