//! Names of credential caches and keytabs: a type, a colon, and what the type makes of the rest.

use alloc::string::{String, ToString};
use core::fmt;

/// Where a credential cache is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheName {
    /// `FILE:path`, or a path alone.
    File(String),
    /// `MEMORY:name`, in this process.
    Memory(String),
}

/// Where a keytab is.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeytabName {
    /// `FILE:path`, `WRFILE:path`, or a path alone.
    File(String),
    /// `MEMORY:name`, in this process.
    Memory(String),
}

/// A name that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum NameError {
    /// A type that exists but is not built yet.
    NotSupported {
        /// `credential cache` or `keytab`.
        what: &'static str,
        /// The type.
        kind: String,
    },
    /// A type nobody knows.
    Unknown {
        /// `credential cache` or `keytab`.
        what: &'static str,
        /// The type.
        kind: String,
    },
    /// Nothing behind the type.
    Empty {
        /// `credential cache` or `keytab`.
        what: &'static str,
    },
}

impl fmt::Display for NameError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotSupported { what, kind } => write!(f, "{what} type {kind} is not supported yet"),
            Self::Unknown { what, kind } => write!(f, "{what} type {kind:?} is not known"),
            Self::Empty { what } => write!(f, "expected a {what} name, but found nothing"),
        }
    }
}

impl core::error::Error for NameError {}

/// Type and rest; a name without a colon, or with a slash before it, is a path.
fn split(name: &str) -> (&str, &str) {
    match name.split_once(':') {
        Some((kind, rest)) if !kind.contains('/') => (kind, rest),
        _ => ("FILE", name),
    }
}

impl CacheName {
    /// Parses a name such as `FILE:/tmp/krb5cc_1000`, after parameter expansion.
    ///
    /// # Errors
    /// Another type than `FILE` and `MEMORY`, or an empty path.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        const WHAT: &str = "credential cache";
        let (kind, rest) = split(name);
        match kind {
            "FILE" | "MEMORY" if rest.is_empty() => Err(NameError::Empty { what: WHAT }),
            "FILE" => Ok(Self::File(rest.to_string())),
            "MEMORY" => Ok(Self::Memory(rest.to_string())),
            "DIR" | "KEYRING" | "KCM" | "API" | "MSLSA" => Err(NameError::NotSupported {
                what: WHAT,
                kind: kind.to_string(),
            }),
            _ => Err(NameError::Unknown {
                what: WHAT,
                kind: kind.to_string(),
            }),
        }
    }
}

impl KeytabName {
    /// Parses a name such as `FILE:/etc/krb5.keytab`, after parameter expansion.
    ///
    /// # Errors
    /// Another type than `FILE`, `WRFILE` and `MEMORY`, or an empty path.
    pub fn parse(name: &str) -> Result<Self, NameError> {
        const WHAT: &str = "keytab";
        let (kind, rest) = split(name);
        match kind {
            "FILE" | "WRFILE" | "MEMORY" if rest.is_empty() => Err(NameError::Empty { what: WHAT }),
            "FILE" | "WRFILE" => Ok(Self::File(rest.to_string())),
            "MEMORY" => Ok(Self::Memory(rest.to_string())),
            "KDB" | "SRVTAB" => Err(NameError::NotSupported {
                what: WHAT,
                kind: kind.to_string(),
            }),
            _ => Err(NameError::Unknown {
                what: WHAT,
                kind: kind.to_string(),
            }),
        }
    }
}

impl fmt::Display for CacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "FILE:{path}"),
            Self::Memory(name) => write!(f, "MEMORY:{name}"),
        }
    }
}

impl fmt::Display for KeytabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "FILE:{path}"),
            Self::Memory(name) => write!(f, "MEMORY:{name}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::{CacheName, KeytabName};

    fn cache(name: &str) -> String {
        CacheName::parse(name).map_or_else(|error| error.to_string(), |name| name.to_string())
    }

    fn keytab(name: &str) -> String {
        KeytabName::parse(name).map_or_else(|error| error.to_string(), |name| name.to_string())
    }

    #[test]
    fn names_and_refusals() {
        assert_eq!(cache("FILE:/tmp/cc"), "FILE:/tmp/cc");
        assert_eq!(cache("/tmp/with:colon"), "FILE:/tmp/with:colon");
        assert_eq!(cache("cc"), "FILE:cc");
        assert_eq!(cache("MEMORY:1"), "MEMORY:1");
        assert_eq!(
            cache("DIR:/tmp/d"),
            "credential cache type DIR is not supported yet"
        );
        assert_eq!(
            cache("KEYRING:persistent:0"),
            "credential cache type KEYRING is not supported yet"
        );
        assert_eq!(
            cache("file:/tmp/cc"),
            "credential cache type \"file\" is not known"
        );
        assert_eq!(
            cache("FILE:"),
            "expected a credential cache name, but found nothing"
        );
        assert_eq!(cache(""), "expected a credential cache name, but found nothing");
        assert_eq!(keytab("WRFILE:/etc/krb5.keytab"), "FILE:/etc/krb5.keytab");
        assert_eq!(keytab("MEMORY:k"), "MEMORY:k");
        assert_eq!(
            keytab("SRVTAB:/etc/srvtab"),
            "keytab type SRVTAB is not supported yet"
        );
        assert_eq!(keytab("PKCS:1"), "keytab type \"PKCS\" is not known");
    }
}
