//! An acceptor's keys from a keytab file that may be rewritten while the service runs.

use std::path::Path;
use std::sync::{Arc, PoisonError, RwLock};

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_gss::{HeldKey, KeySource, KeySourceError, MemoryKeys, ServiceKey};

use crate::error::Error;
use crate::names::KeytabName;
use crate::store::{KeytabWarning, OpenedKeytab, Stamp, read_keytab_with_policy};

/// The keys of a keytab file, read again when the file changes: a service goes on with new keys
/// after `ktadd` without a restart.
///
/// When the changed file cannot be read, the keys read before stay in use, and a warning is logged
/// once for each change.
#[derive(Debug)]
pub struct KeytabKeys {
    name: KeytabName,
    policy: EnctypePolicy,
    state: RwLock<State>,
}

#[derive(Debug)]
struct State {
    stamp: Stamp,
    keys: Arc<MemoryKeys>,
    warnings: Vec<KeytabWarning>,
}

impl State {
    fn from(opened: OpenedKeytab) -> Self {
        Self {
            stamp: opened.stamp,
            keys: Arc::new(MemoryKeys::from_keytab(&opened.keytab)),
            warnings: opened.warnings,
        }
    }
}

impl KeytabKeys {
    /// Reads the keytab at `path`.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn open(path: &Path) -> Result<Self, Error> {
        Self::open_named(KeytabName::file(path))
    }

    /// Reads the keytab of that name.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn open_named(name: KeytabName) -> Result<Self, Error> {
        Self::open_with_policy(name, EnctypePolicy::DEFAULT)
    }

    /// As [`open_named`](Self::open_named), with keys of the types that `policy` permits.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn open_with_policy(name: KeytabName, policy: EnctypePolicy) -> Result<Self, Error> {
        let state = RwLock::new(State::from(read_keytab_with_policy(&name, &policy)?));
        Ok(Self { name, policy, state })
    }

    /// What was not as it should be about the file when it was last read.
    #[must_use]
    pub fn warnings(&self) -> Vec<KeytabWarning> {
        self.state
            .read()
            .unwrap_or_else(PoisonError::into_inner)
            .warnings
            .clone()
    }

    /// The keys as the file is now. Costs one stat(2) when the file has not changed.
    fn current(&self) -> Arc<MemoryKeys> {
        let on_disk = self.name.path().and_then(|path| std::fs::metadata(path).ok());
        let state = self.state.read().unwrap_or_else(PoisonError::into_inner);
        let known = Arc::clone(&state.keys);
        let Some(stamp) = on_disk
            .map(|metadata| Stamp::of(&metadata))
            .filter(|new| *new != state.stamp)
        else {
            return known;
        };
        drop(state);
        let mut state = self.state.write().unwrap_or_else(PoisonError::into_inner);
        if state.stamp == stamp {
            // Another thread was here first.
            return Arc::clone(&state.keys);
        }
        match read_keytab_with_policy(&self.name, &self.policy) {
            Ok(opened) => *state = State::from(opened),
            Err(error) => {
                tracing::warn!(keytab = %self.name, %error, "changed keytab cannot be read; old keys stay in use");
                state.stamp = stamp;
            }
        }
        Arc::clone(&state.keys)
    }
}

impl KeySource for KeytabKeys {
    fn find(
        &self,
        principal: &Principal,
        enctype: EncryptionType,
    ) -> Result<Vec<ServiceKey>, KeySourceError> {
        self.current().find(principal, enctype)
    }

    fn held(&self) -> Vec<HeldKey> {
        self.current().held()
    }

    fn place(&self) -> Option<String> {
        Some(format!("keytab {}", self.name))
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;
    use crate::store::update_keytab;
    use kerbside_crypto::{Key, LongTermKey};
    use kerbside_formats::keytab::KeytabEntry;

    fn add(name: &KeytabName, kvno: u32) {
        let principal = Principal::new("R", &["HTTP", "localhost"]);
        update_keytab(name, |keytab| {
            let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16]).unwrap();
            keytab.add(KeytabEntry::new(
                principal.clone(),
                kvno,
                0,
                LongTermKey::from(key),
            ));
        })
        .unwrap();
    }

    fn kvnos(keys: &KeytabKeys) -> Vec<u32> {
        let principal = Principal::new("R", &["HTTP", "localhost"]);
        let found = keys
            .find(&principal, EncryptionType::AES128_CTS_HMAC_SHA1_96)
            .unwrap();
        found.iter().map(|key| key.kvno).collect()
    }

    #[test]
    fn a_changed_file_is_read_again_and_a_damaged_one_changes_nothing() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keytab");
        let name = KeytabName::file(&path);
        assert!(KeytabKeys::open(&path).is_err());
        add(&name, 1);
        let keys = KeytabKeys::open(&path).unwrap();
        assert_eq!(kvnos(&keys), [1]);
        add(&name, 2);
        assert_eq!(kvnos(&keys), [1, 2]);
        std::fs::write(&path, b"damaged").unwrap();
        assert_eq!(kvnos(&keys), [1, 2]);
        std::fs::remove_file(&path).unwrap();
        assert_eq!(kvnos(&keys), [1, 2]);
        add(&name, 3);
        assert_eq!(kvnos(&keys), [3]);
    }
}
