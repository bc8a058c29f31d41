//! What every program prints alike: `NAME: error: ...`, the evidence below it, `NAME: hint: ...`,
//! times as MIT's programs show them, and text from outside made safe for a terminal.

use std::fmt::Write as _;
use std::io::Write as _;

use jiff::Timestamp;
use jiff::tz::TimeZone;
use kerbside_crypto::EncryptionType;

/// What MIT's programs say to `-4`, before they exit with 3.
pub(crate) const KERBEROS_4: &str = "Kerberos 4 is no longer supported";

/// Why a command failed: the cause in one line, the evidence, and what to do.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Report {
    /// The cause, in MIT's words where MIT has words for it.
    pub(crate) error: String,
    /// Addresses, files, times, keys: one fact per line.
    pub(crate) evidence: Vec<String>,
    /// What to do, one suggestion per line.
    pub(crate) hints: Vec<String>,
}

impl Report {
    /// A report of the cause alone.
    pub(crate) fn new(error: impl Into<String>) -> Self {
        Self {
            error: error.into(),
            evidence: Vec::new(),
            hints: Vec::new(),
        }
    }

    /// Adds one fact.
    pub(crate) fn evidence(mut self, line: impl Into<String>) -> Self {
        self.evidence.push(line.into());
        self
    }

    /// Adds a fact where there is one.
    pub(crate) fn evidence_of(mut self, line: Option<String>) -> Self {
        self.evidence.extend(line);
        self
    }

    /// Adds one suggestion.
    pub(crate) fn hint(mut self, line: impl Into<String>) -> Self {
        self.hints.push(line.into());
        self
    }

    /// Adds a suggestion where there is one.
    pub(crate) fn hint_of(mut self, line: Option<String>) -> Self {
        self.hints.extend(line);
        self
    }

    /// The whole text, each line ended, as it goes to standard error.
    pub(crate) fn text(&self, program: &str) -> String {
        let mut text = format!("{program}: error: {}\n", escape(&self.error));
        for line in &self.evidence {
            // Writing to a String cannot fail.
            let _ = writeln!(text, "  {}", escape(line));
        }
        for line in &self.hints {
            let _ = writeln!(text, "{program}: hint: {}", escape(line));
        }
        text
    }

    /// Prints it to standard error. A closed standard error is not worth failing for.
    pub(crate) fn print(&self, program: &str) {
        let _ = std::io::stderr().lock().write_all(self.text(program).as_bytes());
    }
}

/// Prints `NAME: warning: TEXT` to standard error. A closed standard error is not worth failing for.
pub(crate) fn print_warning(program: &str, text: &str) {
    let line = format!("{program}: warning: {}\n", escape(text));
    let _ = std::io::stderr().lock().write_all(line.as_bytes());
}

/// Prints `NAME: warning: FILE line N: ...` for each slip in the configuration to standard error.
pub(crate) fn print_warnings<T: ToString>(program: &str, slips: &[T]) {
    let mut text = String::new();
    for slip in slips {
        // Writing to a String cannot fail.
        let _ = writeln!(text, "{program}: warning: {}", escape(&slip.to_string()));
    }
    // A closed standard error is not worth failing for.
    let _ = std::io::stderr().lock().write_all(text.as_bytes());
}

/// Prints `NAME: error: TEXT` to standard error.
pub(crate) fn print_error(program: &str, text: &str) {
    Report::new(text).print(program);
}

/// Prints to standard output; false when nobody reads it any more (a closed pipe is not an error
/// worth a panic).
pub(crate) fn print(text: &str) -> bool {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_bytes()).and_then(|()| out.flush()).is_ok()
}

/// Text from outside (names, e-text, file names) with its control characters escaped, so that it
/// can neither forge a line nor drive a terminal.
pub(crate) fn escape(text: &str) -> String {
    let mut safe = String::with_capacity(text.len());
    for character in text.chars() {
        if character.is_control() || is_reordering(character) {
            // Writing to a String cannot fail.
            let _ = write!(safe, "{}", character.escape_default());
        } else {
            safe.push(character);
        }
    }
    safe
}

/// The characters that make a terminal show text in another order than it is stored.
fn is_reordering(character: char) -> bool {
    matches!(character, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// A time as MIT's programs show it in the C locale, in the local time zone: `11/24/26 23:11:26`.
pub(crate) fn timestamp(seconds: i64) -> String {
    timestamp_in(seconds, TimeZone::system())
}

fn timestamp_in(seconds: i64, zone: TimeZone) -> String {
    match Timestamp::from_second(seconds) {
        Ok(time) => time
            .to_zoned_datetime(zone)
            .strftime("%m/%d/%y %H:%M:%S")
            .to_string(),
        Err(_) => format!("@{seconds}"),
    }
}

/// A length of time for people: `5 min`, `7 min 12 s`, `1 d 2 h`; the two largest units.
pub(crate) fn duration(seconds: u64) -> String {
    let units = [("d", 86_400), ("h", 3_600), ("min", 60), ("s", 1)];
    let mut left = seconds;
    let mut parts = Vec::new();
    for (name, size) in units {
        let count = left / size;
        left %= size;
        if count > 0 {
            parts.push(format!("{count} {name}"));
        }
    }
    parts.truncate(2);
    if parts.is_empty() {
        "0 s".to_owned()
    } else {
        parts.join(" ")
    }
}

/// An enctype's name as MIT shows it.
pub(crate) fn etype_name(enctype: EncryptionType) -> String {
    if enctype.is_deprecated() {
        format!("DEPRECATED:{enctype}")
    } else {
        enctype.to_string()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_report_is_cause_evidence_and_hint() {
        let report = Report::new("Cannot contact any KDC for realm 'R'")
            .evidence("127.0.0.1:88 udp: no answer in 3.0 s")
            .hint("start the KDC");
        assert_eq!(
            report.text("kinit"),
            "kinit: error: Cannot contact any KDC for realm 'R'\n  127.0.0.1:88 udp: no answer in 3.0 s\nkinit: hint: start the KDC\n"
        );
    }

    #[test]
    fn control_characters_never_reach_the_terminal() {
        assert_eq!(
            escape("a\x1b[2Jb\r\nc\u{202e}d\u{9b}é"),
            "a\\u{1b}[2Jb\\r\\nc\\u{202e}d\\u{9b}é"
        );
        let report = Report::new("x\nforged: line").evidence("e\x07").hint("h\x1b");
        assert_eq!(
            report.text("klist"),
            "klist: error: x\\nforged: line\n  e\\u{7}\nklist: hint: h\\u{1b}\n"
        );
    }

    #[test]
    fn times_are_shown_as_mit_shows_them() {
        assert_eq!(timestamp_in(1_795_561_886, TimeZone::UTC), "11/24/26 23:11:26");
        assert_eq!(timestamp_in(0, TimeZone::UTC), "01/01/70 00:00:00");
        assert_eq!(timestamp_in(i64::MAX, TimeZone::UTC), format!("@{}", i64::MAX));
        let zone = TimeZone::fixed(jiff::tz::offset(2));
        assert_eq!(timestamp_in(1_795_561_886, zone), "11/25/26 01:11:26");
    }

    #[test]
    fn durations_name_their_two_largest_units() {
        assert_eq!(duration(0), "0 s");
        assert_eq!(duration(300), "5 min");
        assert_eq!(duration(432), "7 min 12 s");
        assert_eq!(duration(93_784), "1 d 2 h");
    }
}
