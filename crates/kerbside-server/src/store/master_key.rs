//! The master key: made, typed, stashed
//!
//! The stash file is what MIT krb5 writes: a keytab with the key of `K/M@REALM`.

use core::fmt;
use std::fs::OpenOptions;
use std::io::{Read, Write};
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_crypto::{CryptoError, EncryptionType, IterationLimits, Key, KeyUsage, LongTermKey, Password};
use kerbside_formats::keytab::{Keytab, KeytabEntry, KeytabKey};
use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::error::{Result, ServerError};
use crate::store::file::{create_private, sync_directory};

/// Key usages of seals: from the block that RFC 4120 7.5.1 leaves to an implementation (512-1023)
const SEAL_USAGE_BASE: i32 = 0x260;
/// Stash files are a few keys long
const STASH_BYTES_MAX: u64 = 1 << 16;

/// The key that seals every record of one database
#[derive(Clone)]
pub struct MasterKey {
    kvno: u32,
    key: Arc<Key>,
    from: String,
}

impl fmt::Debug for MasterKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MasterKey")
            .field("kvno", &self.kvno)
            .field("enctype", &self.key.enctype())
            .finish()
    }
}

/// `K/M@REALM`
#[must_use]
pub fn master_principal(realm: &str) -> Principal {
    Principal::new(realm, &["K", "M"])
}

impl MasterKey {
    /// A random master key, version 1
    ///
    /// # Errors
    /// When the enctype is not supported.
    pub fn generate(enctype: EncryptionType, rng: &mut dyn CryptoRng) -> Result<MasterKey> {
        let key = Key::generate(enctype, rng)?;
        Ok(MasterKey {
            kvno: 1,
            key: Arc::new(key),
            from: "made for this database".to_owned(),
        })
    }

    /// The master key of a typed password, as MIT krb5 derives it: salted with the name `K/M@REALM`
    ///
    /// # Errors
    /// When the password is too long or the enctype is not supported.
    pub fn from_password(
        enctype: EncryptionType,
        password: &Password,
        realm: &str,
        kvno: u32,
    ) -> Result<MasterKey> {
        let salt = master_principal(realm).default_salt();
        let key = Key::from_password(enctype, password, &salt, None, &IterationLimits::default())?;
        Ok(MasterKey {
            kvno,
            key: Arc::new(key),
            from: "of the typed password".to_owned(),
        })
    }

    /// Its version
    #[must_use]
    pub fn kvno(&self) -> u32 {
        self.kvno
    }

    /// Its enctype
    #[must_use]
    pub fn enctype(&self) -> EncryptionType {
        self.key.enctype()
    }

    /// Where it came from, for messages
    #[must_use]
    pub(crate) fn origin(&self) -> &str {
        &self.from
    }

    /// The key as the database entry `K/M` holds it
    pub(crate) fn long_term_key(&self) -> LongTermKey {
        LongTermKey::from(Key::clone(&self.key))
    }

    pub(crate) fn seal(
        &self,
        kind: u8,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, CryptoError> {
        self.key
            .encrypt(KeyUsage(SEAL_USAGE_BASE + i32::from(kind)), plaintext, rng)
    }

    pub(crate) fn open(&self, kind: u8, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        self.key
            .decrypt(KeyUsage(SEAL_USAGE_BASE + i32::from(kind)), ciphertext)
    }
}

/// Reads the newest key of `K/M@REALM` from a stash file
///
/// The file must be a regular file of root or the caller, and nobody else's to read.
///
/// # Errors
/// [`ServerError::Stash`] with the reason.
pub fn read_stash(path: &Path, realm: &str) -> Result<MasterKey> {
    let refused = |detail: String| ServerError::Stash {
        path: path.to_owned(),
        detail,
    };
    let mut file = OpenOptions::new()
        .read(true)
        // A FIFO in its place must not block the start.
        .custom_flags(i32::try_from(rustix::fs::OFlags::NONBLOCK.bits()).unwrap_or(0))
        .open(path)
        .map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let facts = file
        .metadata()
        .map_err(|e| refused(format!("it cannot be examined: {e}")))?;
    let me = rustix::process::geteuid().as_raw();
    if !facts.is_file() {
        return Err(refused("it is not a regular file".to_owned()));
    }
    if facts.uid() != me && facts.uid() != 0 {
        return Err(refused(format!(
            "it belongs to user id {}, expected {me} or 0",
            facts.uid()
        )));
    }
    if facts.mode() & 0o077 != 0 {
        let mode = facts.mode() & 0o777;
        return Err(refused(format!(
            "others may read or write it (mode {mode:04o}), expected 0600"
        )));
    }
    if facts.len() > STASH_BYTES_MAX {
        return Err(refused(format!(
            "it has {} bytes, at most {STASH_BYTES_MAX} are read",
            facts.len()
        )));
    }
    let mut bytes = Zeroizing::new(vec![0; usize::try_from(facts.len()).unwrap_or(0)]);
    file.read_exact(&mut bytes)
        .map_err(|e| refused(format!("it cannot be read: {e}")))?;
    let keytab = Keytab::parse(&bytes).map_err(|e| refused(e.to_string()))?;
    from_keytab(path, &keytab, realm)
}

fn from_keytab(path: &Path, keytab: &Keytab, realm: &str) -> Result<MasterKey> {
    let refused = |detail: String| ServerError::Stash {
        path: path.to_owned(),
        detail,
    };
    let wanted = master_principal(realm);
    let newest = keytab
        .entries()
        .filter(|entry| entry.principal == wanted)
        .max_by_key(|entry| entry.kvno);
    let Some(entry) = newest else {
        let found: Vec<String> = keytab
            .entries()
            .map(|entry| entry.principal.to_string())
            .collect();
        let found = if found.is_empty() {
            "no key at all".to_owned()
        } else {
            found.join(", ")
        };
        return Err(refused(format!("expected a key of {wanted}, but found {found}")));
    };
    match &entry.key {
        KeytabKey::Key(key) => Ok(MasterKey {
            kvno: entry.kvno,
            key: Arc::new(Key::clone(key)),
            from: format!("in {}", path.display()),
        }),
        KeytabKey::Other { enctype, .. } => Err(refused(format!(
            "its key has enctype {enctype}, which is not supported"
        ))),
        #[allow(unreachable_patterns, reason = "the enum may grow")]
        _ => Err(refused("its key is of an unknown form".to_owned())),
    }
}

/// How to treat a stash file that is already there
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StashMode {
    /// Refuse: it may hold another database's only key
    New,
    /// Replace it in one step, if it is a stash file of the same realm
    Replace,
}

/// Writes a stash file (mode 0600), complete or not at all
///
/// # Errors
/// [`ServerError::StashExists`] when something else is there; [`ServerError::File`].
pub fn write_stash(
    path: &Path,
    realm: &str,
    master: &MasterKey,
    timestamp: u32,
    mode: StashMode,
) -> Result<()> {
    if path.symlink_metadata().is_ok() && (mode == StashMode::New || read_stash(path, realm).is_err()) {
        return Err(ServerError::StashExists {
            path: path.to_owned(),
        });
    }
    let mut keytab = Keytab::new();
    keytab.add(KeytabEntry::new(
        master_principal(realm),
        master.kvno,
        timestamp,
        master.long_term_key(),
    ));
    let bytes = keytab.to_bytes().map_err(|e| ServerError::Stash {
        path: path.to_owned(),
        detail: e.to_string(),
    })?;
    let temporary = temporary_name(path);
    let written = write_private(&temporary, &bytes).and_then(|()| {
        let moved = match mode {
            StashMode::New => std::fs::hard_link(&temporary, path),
            StashMode::Replace => std::fs::rename(&temporary, path),
        };
        moved.map_err(|source| {
            if source.kind() == std::io::ErrorKind::AlreadyExists {
                ServerError::StashExists {
                    path: path.to_owned(),
                }
            } else {
                ServerError::File {
                    path: path.to_owned(),
                    action: "create",
                    source,
                }
            }
        })
    });
    // Gone already when it was renamed.
    let _ = std::fs::remove_file(&temporary);
    sync_directory(path);
    written
}

fn temporary_name(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".new.{}", std::process::id()));
    path.with_file_name(name)
}

/// Writes a file of ours alone and makes it durable
pub(crate) fn write_private(path: &Path, bytes: &[u8]) -> Result<()> {
    let mut file = create_private(path)?;
    let written = file.write_all(bytes).and_then(|()| file.sync_all());
    written.map_err(|source| {
        // Made a moment ago, and half of it is worse than none.
        let _ = std::fs::remove_file(path);
        ServerError::File {
            path: path.to_owned(),
            action: "write",
            source,
        }
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use crate::random::system_rng;
    use std::os::unix::fs::PermissionsExt;

    fn fixture() -> (tempfile::TempDir, PathBuf, MasterKey) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join(".k5.EXAMPLE.TEST");
        let master =
            MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA384_192, &mut system_rng()).unwrap();
        (dir, path, master)
    }

    #[test]
    fn what_is_stashed_opens_what_was_sealed() {
        let (_dir, path, master) = fixture();
        write_stash(&path, "EXAMPLE.TEST", &master, 1, StashMode::New).unwrap();
        assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
        let read = read_stash(&path, "EXAMPLE.TEST").unwrap();
        let sealed = master.seal(1, b"secret", &mut system_rng()).unwrap();
        assert_eq!(read.open(1, &sealed).unwrap().as_slice(), b"secret");
        assert!(read.open(2, &sealed).is_err());
    }

    #[test]
    fn an_existing_file_is_not_overwritten() {
        let (_dir, path, master) = fixture();
        std::fs::write(&path, "something precious").unwrap();
        for mode in [StashMode::New, StashMode::Replace] {
            let error = write_stash(&path, "EXAMPLE.TEST", &master, 1, mode).unwrap_err();
            assert!(matches!(error, ServerError::StashExists { .. }));
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"something precious");
        std::fs::remove_file(&path).unwrap();
        write_stash(&path, "EXAMPLE.TEST", &master, 1, StashMode::New).unwrap();
        write_stash(&path, "EXAMPLE.TEST", &master, 2, StashMode::Replace).unwrap();
        assert!(write_stash(&path, "OTHER.TEST", &master, 2, StashMode::Replace).is_err());
    }

    #[test]
    fn refusals_say_what_was_found() {
        let (dir, path, master) = fixture();
        let text = |path: &Path, realm: &str| {
            read_stash(path, realm)
                .unwrap_err()
                .to_string()
                .replace(&dir.path().display().to_string(), "DIR")
        };
        assert_eq!(
            text(&path, "EXAMPLE.TEST"),
            "the stash file DIR/.k5.EXAMPLE.TEST: it cannot be read: No such file or directory (os error 2)"
        );
        write_stash(&path, "EXAMPLE.TEST", &master, 1, StashMode::New).unwrap();
        assert_eq!(
            text(&path, "OTHER.TEST"),
            "the stash file DIR/.k5.EXAMPLE.TEST: expected a key of K/M@OTHER.TEST, but found K/M@EXAMPLE.TEST"
        );
        std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
        assert_eq!(
            text(&path, "EXAMPLE.TEST"),
            "the stash file DIR/.k5.EXAMPLE.TEST: others may read or write it (mode 0644), expected 0600"
        );
        assert_eq!(
            text(dir.path(), "X"),
            "the stash file DIR: it is not a regular file"
        );
    }

    #[test]
    fn a_typed_password_gives_the_same_key_each_time() {
        let password = Password::from("correct horse".to_owned());
        let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
        let one = MasterKey::from_password(enctype, &password, "EXAMPLE.TEST", 1).unwrap();
        let two = MasterKey::from_password(enctype, &password, "EXAMPLE.TEST", 1).unwrap();
        let other = MasterKey::from_password(enctype, &password, "OTHER.TEST", 1).unwrap();
        assert!(one.key.ct_eq(&two.key));
        assert!(!one.key.ct_eq(&other.key));
    }
}
