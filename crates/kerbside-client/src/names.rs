//! Names of credential caches and keytabs: `TYPE:residual`, or a bare path.

use std::fmt;
use std::path::{Path, PathBuf};

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::{OsStrExt, OsStringExt};

/// A credential cache.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum CacheName {
    /// A file (ccache version 4).
    File(PathBuf),
    /// Memory of a [`CacheStore`](crate::CacheStore), by its name.
    Memory(String),
    /// A directory that is a collection of caches. Where one cache is meant, it is the collection's primary one.
    Dir(PathBuf),
    /// One cache of such a directory, by its file (`DIR::/home/alice/tickets/tktmail`).
    DirFile(PathBuf),
    /// Keys in the Linux kernel, by what follows the type: `persistent:1000`, `session:mine`, `user:mine:tkt`.
    /// Without the last part it is a collection, and where one cache is meant, its primary one.
    Keyring(String),
    /// A cache of the cache daemon by its name; without a name its default cache, and all of them as a collection.
    Kcm(String),
    /// A type that kerbside does not have: reading and writing are refused by its name.
    Other {
        /// `API`, `MSLSA`, or a word nobody knows.
        kind: Box<str>,
        /// What follows the colon.
        residual: Box<str>,
    },
}

/// A keytab.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum KeytabName {
    /// A file (keytab version 2). `written_as` is the prefix its user gave: `FILE` or `WRFILE`.
    File {
        /// Where.
        path: PathBuf,
        /// `FILE` or `WRFILE`; MIT's programs show the one that was given.
        written_as: &'static str,
    },
    /// A type that kerbside does not have: refused by its name.
    Other {
        /// `MEMORY`, `KDB`, `SRVTAB`, or a word nobody knows.
        kind: Box<str>,
        /// What follows the colon.
        residual: Box<str>,
    },
}

impl CacheName {
    /// Reads a name as `KRB5CCNAME` holds it. A name without a type is a file's path; one letter
    /// before the colon is no type either (MIT takes it for a drive).
    #[must_use]
    pub fn parse(name: &OsStr) -> Self {
        match split(name) {
            None => Self::File(PathBuf::from(name)),
            Some((kind, residual)) => match kind.as_str() {
                "FILE" => Self::File(PathBuf::from(residual)),
                "MEMORY" => Self::Memory(residual.to_string_lossy().into_owned()),
                "DIR" => match residual.as_bytes().strip_prefix(b":") {
                    Some(file) => Self::DirFile(PathBuf::from(OsStr::from_bytes(file))),
                    None => Self::Dir(PathBuf::from(residual)),
                },
                "KEYRING" => Self::Keyring(residual.to_string_lossy().into_owned()),
                "KCM" => Self::Kcm(residual.to_string_lossy().into_owned()),
                _ => Self::Other {
                    kind: kind.into(),
                    residual: residual.to_string_lossy().into(),
                },
            },
        }
    }

    /// The file's path, for one cache in a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File(path) | Self::DirFile(path) => Some(path),
            _ => None,
        }
    }

    /// Whether one cache of its collection is the primary one, and another can be made that.
    #[must_use]
    pub fn supports_switch(&self) -> bool {
        matches!(
            self,
            Self::Dir(_) | Self::DirFile(_) | Self::Keyring(_) | Self::Kcm(_)
        )
    }

    /// What follows the type: MIT's messages show the name without it.
    #[must_use]
    pub fn residual(&self) -> String {
        match self {
            Self::File(path) | Self::Dir(path) => path.display().to_string(),
            Self::DirFile(path) => format!(":{}", path.display()),
            Self::Memory(name) | Self::Keyring(name) | Self::Kcm(name) => name.clone(),
            Self::Other { residual, .. } => residual.to_string(),
        }
    }
}

impl fmt::Display for CacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File(path) => write!(f, "FILE:{}", path.display()),
            Self::Memory(name) => write!(f, "MEMORY:{name}"),
            Self::Dir(path) => write!(f, "DIR:{}", path.display()),
            Self::DirFile(path) => write!(f, "DIR::{}", path.display()),
            Self::Keyring(name) => write!(f, "KEYRING:{name}"),
            Self::Kcm(name) => write!(f, "KCM:{name}"),
            Self::Other { kind, residual } => write!(f, "{kind}:{residual}"),
        }
    }
}

impl KeytabName {
    /// A keytab in a file.
    #[must_use]
    pub fn file(path: impl Into<PathBuf>) -> Self {
        Self::File {
            path: path.into(),
            written_as: "FILE",
        }
    }

    /// Reads a name as `KRB5_KTNAME` holds it. A name without a type is a file's path.
    #[must_use]
    pub fn parse(name: &OsStr) -> Self {
        match split(name) {
            None => Self::file(name),
            Some((kind, residual)) => match kind.as_str() {
                "FILE" => Self::file(residual),
                "WRFILE" => Self::File {
                    path: residual.into(),
                    written_as: "WRFILE",
                },
                _ => Self::Other {
                    kind: kind.into(),
                    residual: residual.to_string_lossy().into(),
                },
            },
        }
    }

    /// The file's path, for a file.
    #[must_use]
    pub fn path(&self) -> Option<&Path> {
        match self {
            Self::File { path, .. } => Some(path),
            Self::Other { .. } => None,
        }
    }

    /// What follows the type.
    #[must_use]
    pub fn residual(&self) -> String {
        match self {
            Self::File { path, .. } => path.display().to_string(),
            Self::Other { residual, .. } => residual.to_string(),
        }
    }
}

impl fmt::Display for KeytabName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { path, written_as } => write!(f, "{written_as}:{}", path.display()),
            Self::Other { kind, residual } => write!(f, "{kind}:{residual}"),
        }
    }
}

/// Type and residual, when there is a type: letters and digits before the first colon, two at least.
pub(crate) fn split(name: &OsStr) -> Option<(String, OsString)> {
    let bytes = name.as_bytes();
    let colon = bytes.iter().position(|byte| *byte == b':')?;
    let (kind, residual) = bytes.split_at(colon);
    if kind.len() < 2 || !kind.iter().all(u8::is_ascii_alphanumeric) {
        return None;
    }
    let kind = std::str::from_utf8(kind).ok()?.to_owned();
    Some((kind, OsString::from_vec(residual.get(1..)?.to_vec())))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cache_names_have_a_type_or_are_paths() {
        let parse = |name: &str| CacheName::parse(OsStr::new(name));
        assert_eq!(parse("/tmp/cc"), CacheName::File("/tmp/cc".into()));
        assert_eq!(parse("FILE:/tmp/cc"), CacheName::File("/tmp/cc".into()));
        assert_eq!(parse("./a:b"), CacheName::File("./a:b".into()));
        assert_eq!(parse("C:cc"), CacheName::File("C:cc".into()));
        assert_eq!(parse("MEMORY:x"), CacheName::Memory("x".to_owned()));
        assert_eq!(
            parse("API:x"),
            CacheName::Other {
                kind: "API".into(),
                residual: "x".into()
            }
        );
        assert_eq!(parse("KCM:"), CacheName::Kcm(String::new()));
        assert_eq!(
            parse("KEYRING:persistent:0"),
            CacheName::Keyring("persistent:0".to_owned())
        );
        for name in [
            "KCM:",
            "KCM:0:2",
            "KEYRING:persistent:0:tkt",
            "KEYRING:old",
            "API:x",
        ] {
            assert_eq!(parse(name).to_string(), name);
        }
        assert_eq!(parse("DIR:/home/a"), CacheName::Dir("/home/a".into()));
        assert_eq!(
            parse("DIR::/home/a/tkt"),
            CacheName::DirFile("/home/a/tkt".into())
        );
        for name in ["DIR:/home/a", "DIR::/home/a/tkt"] {
            assert_eq!(parse(name).to_string(), name);
            assert!(parse(name).supports_switch());
        }
        assert!(!parse("FILE:cc").supports_switch());
        assert_eq!(parse("cc").to_string(), "FILE:cc");
        assert_eq!(parse("FILE:/tmp/cc").residual(), "/tmp/cc");
    }

    #[test]
    fn keytab_names_keep_the_prefix_they_were_given() {
        let parse = |name: &str| KeytabName::parse(OsStr::new(name));
        assert_eq!(parse("/etc/krb5.keytab").to_string(), "FILE:/etc/krb5.keytab");
        assert_eq!(parse("WRFILE:k").to_string(), "WRFILE:k");
        assert_eq!(parse("KDB:").path(), None);
        assert_eq!(parse("MEMORY:a").to_string(), "MEMORY:a");
    }
}
