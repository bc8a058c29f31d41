//! Local names of principals: `auth_to_local_names` and `auth_to_local` of the default realm (MIT
//! krb5.conf(5)).
//!
//! ```text
//! rule         ::= [ "[" n ":" format "]" ] [ "(" regex ")" ] substitution*
//! format       ::= text with $0 for the realm and $1, $2... for components
//! substitution ::= "s/" regex "/" text "/" [ "g" ]
//! ```
//!
//! Regular expressions are POSIX extended ones, without back-references; the one in parentheses ends at the
//! first closing parenthesis and must match all of the text, as with MIT.

mod regex;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::Principal;

use regex::Regex;
pub use regex::RegexError;

use crate::krb5_conf::Krb5Conf;
use crate::profile::ProfileError;

/// The longest name that is translated, in bytes.
pub const MAX_NAME_LEN: usize = 1024;
/// The longest text that a rule may make, in bytes.
const MAX_RESULT_LEN: usize = 8 * 1024;

/// Why there is no local name.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum LocalNameError {
    /// No rule applies to the principal.
    NoTranslation,
    /// A value of `auth_to_local` that is none.
    Format {
        /// The value.
        rule: String,
        /// What was expected of it.
        expected: &'static str,
    },
    /// A regular expression that cannot be used.
    Regex {
        /// The value of `auth_to_local`.
        rule: String,
        /// What is wrong.
        error: RegexError,
    },
    /// A name, or what a rule made of it, longer than is translated.
    TooLong,
    /// The configuration of the realm cannot be read.
    Profile(ProfileError),
}

impl fmt::Display for LocalNameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NoTranslation => write!(f, "no auth_to_local rule applies to the principal"),
            Self::Format { rule, expected } => {
                write!(f, "auth_to_local: expected {expected}, but found {rule:?}")
            }
            Self::Regex { rule, error } => write!(f, "auth_to_local: {error} in {rule:?}"),
            Self::TooLong => write!(f, "auth_to_local: the name is too long"),
            Self::Profile(error) => error.fmt(f),
        }
    }
}

impl core::error::Error for LocalNameError {}

/// One value of `auth_to_local`.
#[derive(Debug, Clone)]
enum Rule {
    Default,
    Rule {
        /// Number of components and format.
        selection: Option<(usize, String)>,
        matches: Option<Regex>,
        substitutions: Vec<Substitution>,
    },
}

#[derive(Debug, Clone)]
struct Substitution {
    pattern: Regex,
    replacement: String,
    is_global: bool,
}

impl Krb5Conf {
    /// The local name of `principal`, by the rules of the default realm; without rules a principal of the
    /// default realm with one component has that as its local name.
    ///
    /// # Errors
    /// No rule applies, or a rule before the one that applies is damaged.
    pub fn local_name(&self, principal: &Principal) -> Result<String, LocalNameError> {
        let default_realm = self.default_realm().unwrap_or_default();
        let realm = self.realm(default_realm).map_err(LocalNameError::Profile)?;
        let name = principal.name.unparse();
        if name.len() > MAX_NAME_LEN {
            return Err(LocalNameError::TooLong);
        }
        let mapped = realm.auth_to_local_names.iter();
        if let Some((_, local)) = mapped.clone().find(|(known, _)| known.as_bytes() == name) {
            return Ok(local.clone());
        }
        let mut local = None;
        for value in &realm.auth_to_local {
            local = Rule::parse(value)?.apply(principal, default_realm)?;
            if local.is_some() {
                break;
            }
        }
        if realm.auth_to_local.is_empty() {
            local = Rule::Default.apply(principal, default_realm)?;
        }
        local.ok_or(LocalNameError::NoTranslation)
    }
}

impl Rule {
    fn parse(value: &str) -> Result<Self, LocalNameError> {
        let format = |expected| LocalNameError::Format {
            rule: value.to_string(),
            expected,
        };
        let regex = |pattern: &str| {
            Regex::new(pattern).map_err(|error| LocalNameError::Regex {
                rule: value.to_string(),
                error,
            })
        };
        if value == "DEFAULT" {
            return Ok(Self::Default);
        }
        let mut rest = value
            .strip_prefix("RULE:")
            .ok_or_else(|| format("RULE:... or DEFAULT"))?;
        let mut selection = None;
        if let Some(inside) = rest.strip_prefix('[') {
            let (inside, after) = inside
                .split_once(']')
                .ok_or_else(|| format("a closing bracket"))?;
            let (count, text) = inside.split_once(':').ok_or_else(|| format("[n:format]"))?;
            let count = count.parse().map_err(|_| format("a number of components"))?;
            selection = Some((count, text.to_string()));
            rest = after;
        }
        let mut matches = None;
        if let Some(inside) = rest.strip_prefix('(') {
            let (pattern, after) = inside
                .split_once(')')
                .ok_or_else(|| format("a closing parenthesis"))?;
            matches = Some(regex(pattern)?);
            rest = after;
        }
        let mut substitutions = Vec::new();
        loop {
            rest = rest.trim_start();
            if rest.is_empty() {
                break;
            }
            let expected = || format("s/pattern/replacement/ or s/pattern/replacement/g");
            let inside = rest.strip_prefix("s/").ok_or_else(expected)?;
            let (pattern, inside) = inside.split_once('/').ok_or_else(expected)?;
            let (replacement, after) = inside.split_once('/').ok_or_else(expected)?;
            let is_global = after.starts_with('g');
            rest = after.strip_prefix('g').unwrap_or(after);
            substitutions.push(Substitution {
                pattern: regex(pattern)?,
                replacement: replacement.to_string(),
                is_global,
            });
        }
        Ok(Self::Rule {
            selection,
            matches,
            substitutions,
        })
    }

    fn apply(&self, principal: &Principal, default_realm: &str) -> Result<Option<String>, LocalNameError> {
        let Self::Rule {
            selection,
            matches,
            substitutions,
        } = self
        else {
            return Ok(default_name(principal, default_realm));
        };
        let mut text = match selection {
            None => principal.name.unparse(),
            Some((count, _)) if *count != principal.name.components.len() => return Ok(None),
            Some((_, format)) => selected(format, principal),
        };
        if text.len() > MAX_RESULT_LEN {
            return Err(LocalNameError::TooLong);
        }
        if matches.as_ref().is_some_and(|regex| !regex.matches_all(&text)) {
            return Ok(None);
        }
        for substitution in substitutions {
            text = substitution.run(&text);
            if text.len() > MAX_RESULT_LEN {
                return Err(LocalNameError::TooLong);
            }
        }
        // A local name is text; other bytes name nobody.
        Ok(String::from_utf8(text).ok().filter(|name| !name.is_empty()))
    }
}

/// A principal of the default realm with one component, or with the realm as its second.
fn default_name(principal: &Principal, default_realm: &str) -> Option<String> {
    if principal.realm.as_bytes() != default_realm.as_bytes() {
        return None;
    }
    let name = match principal.name.components.as_slice() {
        [name] => name,
        [name, realm] if realm == default_realm.as_bytes() => name,
        _ => return None,
    };
    String::from_utf8(name.clone())
        .ok()
        .filter(|name| !name.is_empty())
}

fn selected(format: &str, principal: &Principal) -> Vec<u8> {
    let mut text = Vec::new();
    let mut rest = format;
    while let Some((before, after)) = rest.split_once('$') {
        text.extend_from_slice(before.as_bytes());
        let digits = after.find(|c: char| !c.is_ascii_digit()).unwrap_or(after.len());
        let (number, tail) = after.split_at_checked(digits).unwrap_or((after, ""));
        match number.parse::<usize>() {
            Ok(0) => text.extend_from_slice(principal.realm.as_bytes()),
            Ok(n) => {
                text.extend_from_slice(principal.name.component(n.saturating_sub(1)).unwrap_or_default())
            }
            Err(_) => text.push(b'$'),
        }
        rest = tail;
    }
    text.extend_from_slice(rest.as_bytes());
    text
}

impl Substitution {
    fn run(&self, text: &[u8]) -> Vec<u8> {
        let mut result = Vec::new();
        let mut rest = text;
        while let Some((start, end)) = self.pattern.find(rest) {
            result.extend_from_slice(rest.get(..start).unwrap_or_default());
            result.extend_from_slice(self.replacement.as_bytes());
            rest = rest.get(end..).unwrap_or_default();
            if start == end {
                // Nothing was matched: go on behind the next byte.
                result.extend(rest.first());
                rest = rest.get(1..).unwrap_or_default();
            }
            if !self.is_global || rest.is_empty() || result.len() > MAX_RESULT_LEN {
                break;
            }
        }
        result.extend_from_slice(rest);
        result
    }
}
