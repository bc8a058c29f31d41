//! The warning about a password that ends soon.

use crate::output::timestamp;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// MIT's warning for a password that ends within a week; `None` for any other, and for 0 (never).
pub(super) fn warning(expires: i64, now: i64) -> Option<String> {
    let left = expires.checked_sub(now)?;
    if expires == 0 || !(0..7 * DAY).contains(&left) {
        return None;
    }
    let when = timestamp(expires);
    Some(if left < HOUR {
        format!("Warning: Your password will expire in less than one hour on {when}\n")
    } else if left <= 2 * DAY {
        let hours = left / HOUR;
        let plural = if hours == 1 { "" } else { "s" };
        format!("Warning: Your password will expire in {hours} hour{plural} on {when}\n")
    } else {
        format!(
            "Warning: Your password will expire in {} days on {when}\n",
            left / DAY
        )
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_week_before_it_ends_a_password_is_warned_about() {
        let start = |left: i64| {
            warning(1_000_000 + left, 1_000_000).map(|line| {
                line.split_once(" on ")
                    .map(|(start, _)| start.to_owned())
                    .unwrap_or_default()
            })
        };
        assert_eq!(start(7 * DAY), None);
        assert_eq!(start(-1), None);
        assert_eq!(warning(0, 1_000_000), None);
        assert_eq!(
            start(3 * DAY).as_deref(),
            Some("Warning: Your password will expire in 3 days")
        );
        assert_eq!(
            start(DAY).as_deref(),
            Some("Warning: Your password will expire in 24 hours")
        );
        assert_eq!(
            start(HOUR).as_deref(),
            Some("Warning: Your password will expire in 1 hour")
        );
        assert_eq!(
            start(60).as_deref(),
            Some("Warning: Your password will expire in less than one hour")
        );
    }
}
