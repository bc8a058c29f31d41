//! `.k5identity`: which client principal is used for which service (MIT "k5identity").
//!
//! ```text
//! line  ::= principal field*        field ::= ("realm" | "service" | "host") "=" pattern
//! ```
//! Lines that begin with `#` are comments. The first line whose fields all hold is taken; a field that nobody knows
//! never holds. Patterns are those of a shell: `*`, `?`, `[a-z]`, `[!a]`, and `\` before a character that means itself.

use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;

/// The longest file that is read, in bytes.
pub const MAX_K5IDENTITY_LEN: usize = 1024 * 1024;

/// The rules of a file, in its order.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct K5Identity {
    rules: Vec<Rule>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Rule {
    principal: String,
    fields: Vec<(String, String)>,
}

/// What is known about a service.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Service<'a> {
    /// Its realm, when that is known.
    pub realm: Option<&'a str>,
    /// The service of a host-based name: `HTTP`.
    pub service: Option<&'a str>,
    /// The host of a host-based name; it is compared in small letters.
    pub host: Option<&'a str>,
}

impl K5Identity {
    /// Reads a file's text. Nothing in it is an error: what is no rule never holds. Of a text that is too long the
    /// beginning is read.
    #[must_use]
    pub fn parse(text: &str) -> Self {
        let mut end = text.len().min(MAX_K5IDENTITY_LEN);
        while !text.is_char_boundary(end) {
            end = end.saturating_sub(1);
        }
        let lines = text.get(..end).unwrap_or_default().lines();
        let rules = lines
            .map(str::trim)
            .filter(|line| !line.is_empty() && !line.starts_with('#'))
            .filter_map(|line| {
                let mut words = line.split_ascii_whitespace();
                Some(Rule {
                    principal: words.next()?.to_owned(),
                    fields: words
                        .map(|word| {
                            let (name, pattern) = word.split_once('=').unwrap_or((word, ""));
                            (name.to_owned(), pattern.to_owned())
                        })
                        .collect(),
                })
            });
        Self {
            rules: rules.collect(),
        }
    }

    /// The name of the principal for a service.
    #[must_use]
    pub fn principal_for(&self, service: &Service<'_>) -> Option<&str> {
        let host = service.host.map(str::to_ascii_lowercase);
        let holds = |(name, pattern): &(String, String)| {
            let value = match name.as_str() {
                "realm" => service.realm,
                "service" => service.service,
                "host" => host.as_deref(),
                _ => None,
            };
            value.is_some_and(|value| matches(pattern, value))
        };
        let rule = self.rules.iter().find(|rule| rule.fields.iter().all(holds))?;
        Some(&rule.principal)
    }
}

/// Whether a shell's pattern fits the whole text. Time is bounded by the product of their lengths.
fn matches(pattern: &str, text: &str) -> bool {
    let pattern: Vec<char> = pattern.chars().collect();
    let mut pattern = pattern.as_slice();
    let mut text = text.chars();
    // Where to go on when what follows the last star does not fit: the star takes one character more.
    let mut star: Option<(&[char], core::str::Chars<'_>)> = None;
    loop {
        if let Some((&'*', rest)) = pattern.split_first() {
            pattern = rest;
            star = Some((rest, text.clone()));
            continue;
        }
        let mut ahead = text.clone();
        let fits = match ahead.next() {
            None if pattern.is_empty() => return true,
            None => return false,
            Some(character) => one(pattern, character),
        };
        if let Some(rest) = fits {
            pattern = rest;
            text = ahead;
            continue;
        }
        let Some((after, from)) = &mut star else {
            return false;
        };
        if from.next().is_none() {
            return false;
        }
        pattern = after;
        text = from.clone();
    }
}

/// What is left of the pattern when its first element fits the character.
fn one(pattern: &[char], character: char) -> Option<&[char]> {
    let (first, rest) = pattern.split_first()?;
    match first {
        '?' => Some(rest),
        '\\' => {
            let (literal, rest) = rest.split_first()?;
            (*literal == character).then_some(rest)
        }
        '[' => match set(rest, character) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            // A bracket that is never closed means itself.
            None => (character == '[').then_some(rest),
        },
        literal => (*literal == character).then_some(rest),
    }
}

/// Whether the character is in the set, and what follows the set; `None` when it is not closed.
fn set(mut pattern: &[char], character: char) -> Option<(bool, &[char])> {
    let negated = matches!(pattern.first(), Some('!' | '^'));
    if negated {
        pattern = pattern.get(1..)?;
    }
    let mut found = false;
    let mut first = true;
    loop {
        let (&low, rest) = pattern.split_first()?;
        if low == ']' && !first {
            return Some((found != negated, rest));
        }
        first = false;
        match rest {
            ['-', high, after @ ..] if *high != ']' => {
                found |= (low..=*high).contains(&character);
                pattern = after;
            }
            _ => {
                found |= low == character;
                pattern = rest;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn patterns_are_a_shell_s() {
        for (pattern, text, fits) in [
            ("*", "", true),
            ("*", "anything", true),
            ("*.example.com", "www.example.com", true),
            ("*.example.com", "example.com", false),
            ("a*b*c", "aXbYbZc", true),
            ("a*b*c", "aXbYbZ", false),
            ("?", "é", true),
            ("?", "", false),
            ("[a-c]x", "bx", true),
            ("[!a-c]x", "bx", false),
            ("[^a]x", "bx", true),
            ("[]]", "]", true),
            ("[a-]", "-", true),
            ("[a", "[a", true),
            ("\\*", "*", true),
            ("\\*", "x", false),
            ("\\", "\\", false),
            ("imap", "imap", true),
            ("imap", "imaps", false),
            ("", "", true),
            ("", "x", false),
        ] {
            assert_eq!(matches(pattern, text), fits, "{pattern} and {text}");
        }
        // A pattern that makes simple matchers run for ever.
        assert!(!matches(&"a*".repeat(30), &"b".repeat(5000)));
        assert!(!matches(
            &alloc::format!("{}b", "a*".repeat(30)),
            &"a".repeat(5000)
        ));
    }

    #[test]
    fn the_first_line_whose_fields_hold_is_taken() {
        // The example of MIT's page.
        let text = "# comment\n\nalice@KRBTEST.COM       realm=KRBTEST.COM\n\
                    alice/root@EXAMPLE.COM  host=*.servers.example.com\n\
                    \talice/mail@EXAMPLE.COM  host=mail.example.com service=imap\n\
                    never@X unknown=*\nnever@X realm\n";
        let rules = K5Identity::parse(text);
        let pick = |realm, service, host| rules.principal_for(&Service { realm, service, host });
        assert_eq!(pick(Some("KRBTEST.COM"), None, None), Some("alice@KRBTEST.COM"));
        assert_eq!(
            pick(None, Some("HTTP"), Some("WWW.Servers.Example.com")),
            Some("alice/root@EXAMPLE.COM")
        );
        assert_eq!(
            pick(None, Some("imap"), Some("mail.example.com")),
            Some("alice/mail@EXAMPLE.COM")
        );
        assert_eq!(pick(None, Some("smtp"), Some("mail.example.com")), None);
        assert_eq!(pick(None, None, None), None);
        let anything = K5Identity::parse("bob@R");
        assert_eq!(anything.principal_for(&Service::default()), Some("bob@R"));
    }
}
