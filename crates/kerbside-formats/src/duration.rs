//! Durations as MIT's configuration files and commands write them (`krb5_string_to_deltat`).

/// Parses a duration to seconds; negative values are legal here and the caller's to refuse.
///
/// | form | example |
/// |---|---|
/// | `NdNhNmNs`, each part optional, in this order, blanks before a part | `1d 2h30m` |
/// | `h:m[:s]` | `36:00` |
/// | `d-h:m:s` | `42-13:42:47` |
/// | seconds | `3600` |
///
/// Results outside 32 signed bits are refused, as MIT does.
pub fn parse_duration(text: &str) -> Option<i64> {
    let text = text.trim_end_matches(crate::profile::is_space);
    let clock = text.trim_start_matches(crate::profile::is_space);
    let seconds = if clock.contains(':') {
        parse_clock(clock)?
    } else {
        parse_units(text)?
    };
    in_range(seconds)
}

fn in_range(seconds: i64) -> Option<i64> {
    i32::try_from(seconds).ok().map(i64::from)
}

fn digits(text: &str) -> Option<i64> {
    if text.is_empty() || !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    text.parse().ok()
}

/// Minutes and seconds have one or two digits.
fn two_digits(text: &str) -> Option<i64> {
    if text.len() > 2 {
        return None;
    }
    digits(text)
}

fn parse_clock(text: &str) -> Option<i64> {
    let (days, clock) = match text.split_once('-') {
        Some((days, clock)) => (Some(digits(days)?), clock),
        None => (None, text),
    };
    let mut parts = clock.split(':');
    let (hours, minutes, seconds) = (parts.next()?, parts.next()?, parts.next());
    // With days, all three parts are written.
    if parts.next().is_some() || (days.is_some() && seconds.is_none()) {
        return None;
    }
    let hours = if days.is_some() {
        two_digits(hours)?
    } else {
        digits(hours)?
    };
    let seconds = seconds.map_or(Some(0), two_digits)?;
    let mut total = in_range(days.unwrap_or(0).checked_mul(86_400)?)?;
    total = total.checked_add(in_range(hours.checked_mul(3600)?)?)?;
    total = total.checked_add(two_digits(minutes)?.checked_mul(60)?)?;
    total.checked_add(seconds)
}

fn parse_units(text: &str) -> Option<i64> {
    const UNITS: [(char, i64); 4] = [('d', 86_400), ('h', 3600), ('m', 60), ('s', 1)];
    let mut rest = text;
    let mut total = 0_i64;
    let mut units = UNITS.iter();
    let mut first = true;
    while !rest.is_empty() {
        rest = rest.trim_start_matches(crate::profile::is_space);
        let (negative, number_on) = match rest.strip_prefix('-') {
            Some(number_on) => (true, number_on),
            None => (false, rest),
        };
        let end = number_on
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(number_on.len());
        let (number, after) = number_on.split_at_checked(end)?;
        let magnitude = digits(number)?;
        let number = if negative {
            magnitude.checked_neg()?
        } else {
            magnitude
        };
        let Some(unit) = after.chars().next() else {
            // A bare number is seconds, and only ever alone.
            return if first { Some(number) } else { None };
        };
        let (_, factor) = units.find(|(name, _)| *name == unit)?;
        total = in_range(total.checked_add(in_range(number.checked_mul(*factor)?)?)?)?;
        rest = after.get(unit.len_utf8()..)?;
        first = false;
    }
    if first { None } else { Some(total) }
}
