//! Parameter expansion in names of caches and keytabs: `FILE:/tmp/krb5cc_%{uid}`.

use alloc::string::{String, ToString};
use core::fmt;

/// What the parameters stand for; the caller asks the system, this crate does not.
#[derive(Debug, Clone, Copy, Default)]
pub struct Environment<'a> {
    /// Real user id: `%{uid}` and `%{USERID}`.
    pub uid: u32,
    /// Effective user id: `%{euid}`.
    pub euid: u32,
    /// Name of the effective user: `%{username}`.
    pub username: Option<&'a str>,
    /// Directory for temporary files without a final slash: `%{TEMP}`.
    pub temp: &'a str,
    /// `%{LIBDIR}`
    pub lib_dir: &'a str,
    /// `%{BINDIR}`
    pub bin_dir: &'a str,
    /// `%{SBINDIR}`
    pub sbin_dir: &'a str,
}

/// A parameter that cannot be expanded.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ExpansionError {
    /// `%{` without `}`.
    Unclosed {
        /// The whole text.
        text: String,
    },
    /// A parameter nobody knows.
    Unknown {
        /// Its name.
        name: String,
    },
    /// `%{username}`, and the caller knows no name for the user.
    NoUsername,
}

impl fmt::Display for ExpansionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unclosed { text } => write!(f, "expected a closing brace after %{{, but found {text:?}"),
            Self::Unknown { name } => write!(f, "expected a known parameter, but found %{{{name}}}"),
            Self::NoUsername => write!(f, "%{{username}}: the effective user has no name"),
        }
    }
}

impl core::error::Error for ExpansionError {}

/// Replaces every `%{name}` in `text`.
///
/// # Errors
/// An unknown parameter or an open brace.
pub fn expand(text: &str, environment: &Environment<'_>) -> Result<String, ExpansionError> {
    let mut expanded = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("%{") {
        expanded.push_str(before);
        let Some((name, after)) = after.split_once('}') else {
            return Err(ExpansionError::Unclosed {
                text: text.to_string(),
            });
        };
        match name {
            "uid" | "USERID" => expanded.push_str(&environment.uid.to_string()),
            "euid" => expanded.push_str(&environment.euid.to_string()),
            "username" => expanded.push_str(environment.username.ok_or(ExpansionError::NoUsername)?),
            "TEMP" => expanded.push_str(environment.temp),
            "LIBDIR" => expanded.push_str(environment.lib_dir),
            "BINDIR" => expanded.push_str(environment.bin_dir),
            "SBINDIR" => expanded.push_str(environment.sbin_dir),
            "null" => {}
            other => {
                return Err(ExpansionError::Unknown {
                    name: other.to_string(),
                });
            }
        }
        rest = after;
    }
    expanded.push_str(rest);
    Ok(expanded)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a panic is how a test fails")]
    use super::{Environment, ExpansionError, expand};

    const USER: Environment<'_> = Environment {
        uid: 1000,
        euid: 0,
        username: Some("root"),
        temp: "/tmp",
        lib_dir: "/usr/lib",
        bin_dir: "/usr/bin",
        sbin_dir: "/usr/sbin",
    };

    #[test]
    fn every_parameter() {
        let text = "FILE:%{TEMP}/krb5cc_%{uid}-%{USERID}-%{euid}-%{username}%{null}";
        assert_eq!(expand(text, &USER).unwrap(), "FILE:/tmp/krb5cc_1000-1000-0-root");
        assert_eq!(
            expand("%{LIBDIR}:%{BINDIR}:%{SBINDIR}", &USER).unwrap(),
            "/usr/lib:/usr/bin:/usr/sbin"
        );
        assert_eq!(expand("100% {plain} }", &USER).unwrap(), "100% {plain} }");
    }

    #[test]
    fn what_is_not_known_is_named() {
        let unknown = expand("FILE:%{UID}", &USER).unwrap_err();
        assert_eq!(
            unknown.to_string(),
            "expected a known parameter, but found %{UID}"
        );
        let open = expand("FILE:%{uid", &USER).unwrap_err();
        assert_eq!(
            open.to_string(),
            "expected a closing brace after %{, but found \"FILE:%{uid\""
        );
        let nobody = Environment {
            username: None,
            ..USER
        };
        assert_eq!(expand("%{username}", &nobody), Err(ExpansionError::NoUsername));
    }
}
