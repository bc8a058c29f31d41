//! Names of replay caches: `TYPE:residual`, as `KRB5RCACHENAME` holds them.

use std::ffi::OsStr;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use kerbside_asn1::KerberosTime;
use kerbside_protocol::{ReplayCache, ReplayTag, Verdict};

use super::MemoryReplayCache;
use super::file::FileReplayCache;
use crate::config::Config;
use crate::error::Error;
use crate::names::split;
use crate::store::FileFault;

/// A replay cache that contexts share.
pub type SharedReplayCache = Arc<dyn ReplayCache + Send + Sync>;

/// A replay cache by its name.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ReplayCacheName {
    /// This process's memory (`memory:`): the default here.
    Memory,
    /// MIT's default (`dfl:`): a file of this process's user in `KRB5RCACHEDIR`, `TMPDIR` or `/var/tmp`.
    Default,
    /// A file of MIT's format (`file2:/path`).
    File(PathBuf),
    /// None at all (`none:`): whoever reads tokens on their way can use them again.
    None,
    /// A type that kerbside does not have: refused by its name.
    Other {
        /// A word nobody knows.
        kind: Box<str>,
        /// What follows the colon.
        residual: Box<str>,
    },
}

impl ReplayCacheName {
    /// Reads a name as `KRB5RCACHENAME` holds it.
    #[must_use]
    pub fn parse(name: &OsStr) -> Self {
        let Some((kind, residual)) = split(name) else {
            return Self::Other {
                kind: name.to_string_lossy().into(),
                residual: "".into(),
            };
        };
        match kind.as_str() {
            "memory" => Self::Memory,
            "dfl" => Self::Default,
            "file2" => Self::File(residual.into()),
            "none" => Self::None,
            _ => Self::Other {
                kind: kind.into(),
                residual: residual.to_string_lossy().into(),
            },
        }
    }

    /// Opens it for a service that accepts authenticators up to `skew_seconds_max` old. That in memory is one for the whole
    /// process, whoever opens it.
    ///
    /// # Errors
    /// [`Error::ReplayCache`] for a file that cannot be used, and for a type that is not known.
    pub fn open(&self, config: &Config, skew_seconds_max: i64) -> Result<SharedReplayCache, Error> {
        Ok(match self {
            Self::Memory => MemoryReplayCache::of_process(),
            Self::Default => {
                let environment = config.environment();
                let file = format!("krb5_{}.rcache2", environment.euid);
                let path = environment.replay_cache_dir().join(file);
                Arc::new(FileReplayCache::open_default(path, skew_seconds_max)?)
            }
            Self::File(path) => Arc::new(FileReplayCache::open(path, skew_seconds_max)?),
            Self::None => {
                tracing::warn!("no replay cache, as configured: a token seen on its way can be used again");
                Arc::new(Nothing)
            }
            Self::Other { .. } => {
                return Err(Error::ReplayCache {
                    name: self.clone(),
                    path: None,
                    fault: FileFault::System {
                        doing: "open it",
                        reason: "expected memory:, dfl:, file2:PATH or none:".to_owned(),
                    },
                });
            }
        })
    }
}

impl fmt::Display for ReplayCacheName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Memory => f.write_str("memory:"),
            Self::Default => f.write_str("dfl:"),
            Self::File(path) => write!(f, "file2:{}", path.display()),
            Self::None => f.write_str("none:"),
            Self::Other { kind, residual } => write!(f, "{kind}:{residual}"),
        }
    }
}

/// What `none:` asks for.
#[derive(Debug)]
struct Nothing;

impl ReplayCache for Nothing {
    fn check(&self, _: &ReplayTag, _: KerberosTime) -> Verdict {
        Verdict::Fresh
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;
    use crate::environment::Environment;

    fn parse(name: &str) -> ReplayCacheName {
        ReplayCacheName::parse(OsStr::new(name))
    }

    #[test]
    fn names_are_those_of_mit_and_memory() {
        for name in ["memory:", "dfl:", "file2:/var/tmp/x", "none:", "lmdb:x"] {
            assert_eq!(parse(name).to_string(), name);
        }
        assert!(matches!(parse("file2:/a"), ReplayCacheName::File(_)));
        assert!(matches!(parse("/var/tmp/x"), ReplayCacheName::Other { .. }));
        assert!(
            matches!(parse("FILE2:/a"), ReplayCacheName::Other { .. }),
            "MIT's types are in small letters"
        );
    }

    #[test]
    fn the_environment_goes_before_krb5_conf_and_memory_is_the_default() {
        let config = |name: Option<&str>, kind: Option<&str>, text: &str| {
            let environment = Environment {
                replay_cache_name: name.map(Into::into),
                replay_cache_type: kind.map(Into::into),
                ..Environment::default()
            };
            let text = format!("[libdefaults]\n{text}\n");
            Config::from_text(&text, "krb5.conf", environment)
                .unwrap()
                .replay_cache_name()
                .unwrap()
        };
        let line = "default_rcache_name = file2:/c";
        assert_eq!(config(Some("file2:/n"), Some("dfl"), line), parse("file2:/n"));
        assert_eq!(config(None, Some("dfl"), line), parse("dfl:"));
        assert_eq!(config(None, None, line), parse("file2:/c"));
        assert_eq!(config(None, None, ""), ReplayCacheName::Memory);
    }

    #[test]
    fn a_type_that_is_not_known_is_no_replay_cache() {
        let config = Config::from_text("", "krb5.conf", Environment::default()).unwrap();
        let error = parse("lmdb:x").open(&config, 300).err().unwrap();
        assert_eq!(
            error.to_string(),
            "replay cache lmdb:x: cannot open it: expected memory:, dfl:, file2:PATH or none:"
        );
        assert!(parse("none:").open(&config, 300).is_ok());
    }

    #[test]
    fn mits_default_is_a_file_of_the_user_by_name() {
        let dir = tempfile::tempdir().unwrap();
        let euid = rustix::process::geteuid().as_raw();
        let environment = Environment {
            replay_cache_dir: Some(dir.path().into()),
            euid,
            ..Environment::default()
        };
        let config = Config::from_text("", "krb5.conf", environment).unwrap();
        parse("dfl:").open(&config, 300).unwrap();
        let path = dir.path().join(format!("krb5_{euid}.rcache2"));
        assert_eq!(std::fs::metadata(&path).unwrap().len(), 16);
        // A link in a folder that everybody writes to is another's trap.
        std::fs::rename(&path, dir.path().join("other")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("other"), &path).unwrap();
        assert!(parse("dfl:").open(&config, 300).is_err());
        assert!(
            ReplayCacheName::File(path).open(&config, 300).is_ok(),
            "a path that was named may be one"
        );
    }
}
