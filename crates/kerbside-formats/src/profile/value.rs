//! Values as their relations mean them.

use alloc::string::ToString;

use super::{ProfileError, ProfileErrorReason as Reason, Relation};
use crate::duration::parse_duration;

/// MIT's words for yes (`y yes true t 1 on`) and no (`n no false nil 0 off`), in any case.
pub fn parse_boolean(value: &str) -> Option<bool> {
    const YES: [&str; 6] = ["y", "yes", "true", "t", "1", "on"];
    const NO: [&str; 6] = ["n", "no", "false", "nil", "0", "off"];
    if YES.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        Some(true)
    } else if NO.iter().any(|word| value.eq_ignore_ascii_case(word)) {
        Some(false)
    } else {
        None
    }
}

fn parse_integer(value: &str) -> Option<i64> {
    let (negative, digits) = match value.strip_prefix('-') {
        Some(digits) => (true, digits),
        None => (false, value.strip_prefix('+').unwrap_or(value)),
    };
    let hex = digits.strip_prefix("0x").or_else(|| digits.strip_prefix("0X"));
    let (radix, digits) = match (hex, digits.strip_prefix('0')) {
        (Some(hex), _) => (16, hex),
        (None, Some(octal)) if !octal.is_empty() => (8, octal),
        (None, _) => (10, digits),
    };
    // A second sign would be taken by from_str_radix.
    if !digits.starts_with(|c: char| c.is_ascii_hexdigit()) {
        return None;
    }
    let number = i64::from_str_radix(digits, radix).ok()?;
    if negative {
        number.checked_neg()
    } else {
        Some(number)
    }
}

impl Relation<'_> {
    /// An error that says where this relation stands and what was expected of it.
    pub fn expected(&self, expected: &'static str) -> ProfileError {
        let reason = Reason::Value {
            relation: self.name.to_string(),
            expected,
            found: self.value.to_string(),
        };
        ProfileError::new(self.file, self.line, reason)
    }

    /// The value as a boolean.
    ///
    /// # Errors
    /// Another word than MIT's.
    pub fn to_bool(&self) -> Result<bool, ProfileError> {
        parse_boolean(self.value)
            .ok_or_else(|| self.expected("a boolean (yes, no, true, false, 1, 0, on, off)"))
    }

    /// The value as an integer: decimal, `0x` hexadecimal, or octal after a leading `0`.
    ///
    /// # Errors
    /// No integer.
    pub fn to_integer(&self) -> Result<i64, ProfileError> {
        parse_integer(self.value).ok_or_else(|| self.expected("an integer"))
    }

    /// The value as a duration in seconds.
    ///
    /// # Errors
    /// No duration.
    pub fn to_duration(&self) -> Result<i64, ProfileError> {
        parse_duration(self.value)
            .ok_or_else(|| self.expected("a duration (1d2h3m4s, 26:30 or a number of seconds)"))
    }
}

#[cfg(test)]
mod tests {
    use super::{parse_boolean, parse_integer};

    #[test]
    fn integers_as_strtol() {
        assert_eq!(parse_integer("300"), Some(300));
        assert_eq!(parse_integer("-1"), Some(-1));
        assert_eq!(parse_integer("0x00000010"), Some(16));
        assert_eq!(parse_integer("010"), Some(8));
        assert_eq!(parse_integer("0"), Some(0));
        for bad in [
            "",
            "-",
            "--1",
            "+-1",
            "0x",
            "5 minutes",
            "99999999999999999999",
            "0x-1",
        ] {
            assert_eq!(parse_integer(bad), None, "{bad}");
        }
    }

    #[test]
    fn booleans_as_mit() {
        for yes in ["y", "YES", "True", "t", "1", "on"] {
            assert_eq!(parse_boolean(yes), Some(true));
        }
        for no in ["n", "No", "FALSE", "nil", "0", "off"] {
            assert_eq!(parse_boolean(no), Some(false));
        }
        for bad in ["", "2", "maybe", "yes "] {
            assert_eq!(parse_boolean(bad), None);
        }
    }
}
