//! Where credentials are, by key and value.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;

use kerbside_crypto::Password;

use crate::error::Error;
use crate::names::{CacheName, KeytabName};
use crate::replay_cache::ReplayCacheName;

/// Where credentials are. What it does not say is as the environment and krb5.conf have it.
///
/// | key | value | for |
/// |---|---|---|
/// | `ccache` | credential cache or collection (`KRB5CCNAME`) | initiators |
/// | `client_keytab` | keytab with the initiator's own keys (`KRB5_CLIENT_KTNAME`) | initiators |
/// | `password` | the initiator's password; no file is touched then, unless a `ccache` is named | initiators |
/// | `keytab` | keytab with the service's keys (`KRB5_KTNAME`) | acceptors |
/// | `rcache` | replay cache (`KRB5RCACHENAME`) | acceptors |
///
/// The keys are those of MIT's `gss_acquire_cred_from`.
#[derive(Debug, Clone, Default)]
pub struct CredentialStore {
    cache: Option<CacheName>,
    client_keytab: Option<KeytabName>,
    password: Option<Password>,
    pub(super) keytab: Option<KeytabName>,
    pub(super) replay_cache: Option<ReplayCacheName>,
}

impl CredentialStore {
    /// Everything as the environment and krb5.conf say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// What these keys and values say.
    ///
    /// # Errors
    /// [`Error::CredentialStore`] for a key that is not known, or given twice.
    pub fn from_pairs<K, V>(pairs: impl IntoIterator<Item = (K, V)>) -> Result<Self, Error>
    where
        K: AsRef<str>,
        V: AsRef<OsStr>,
    {
        let mut store = Self::default();
        for (key, value) in pairs {
            store.set(key.as_ref(), value.as_ref())?;
        }
        Ok(store)
    }

    fn set(&mut self, key: &str, value: &OsStr) -> Result<(), Error> {
        let is_new = match key {
            "ccache" => self.cache.replace(CacheName::parse(value)).is_none(),
            "client_keytab" => self.client_keytab.replace(KeytabName::parse(value)).is_none(),
            "keytab" => self.keytab.replace(KeytabName::parse(value)).is_none(),
            "rcache" => self.replay_cache.replace(ReplayCacheName::parse(value)).is_none(),
            "password" => {
                let password = Password::from(value.as_bytes().to_vec());
                self.password.replace(password).is_none()
            }
            _ => {
                return Err(Error::CredentialStore {
                    key: key.to_owned(),
                    reason: "expected ccache, client_keytab, keytab, password or rcache",
                });
            }
        };
        if is_new {
            return Ok(());
        }
        Err(Error::CredentialStore {
            key: key.to_owned(),
            reason: "expected it once, but found it twice",
        })
    }

    /// With the initiator's tickets in this cache or collection.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheName) -> Self {
        self.cache = Some(cache);
        self
    }

    /// With the initiator's keys in this keytab.
    #[must_use]
    pub fn with_client_keytab(mut self, keytab: KeytabName) -> Self {
        self.client_keytab = Some(keytab);
        self
    }

    /// With the initiator's password.
    #[must_use]
    pub fn with_password(mut self, password: Password) -> Self {
        self.password = Some(password);
        self
    }

    /// With the service's keys in this keytab.
    #[must_use]
    pub fn with_keytab(mut self, keytab: KeytabName) -> Self {
        self.keytab = Some(keytab);
        self
    }

    /// With this replay cache for the service.
    #[must_use]
    pub fn with_replay_cache(mut self, cache: ReplayCacheName) -> Self {
        self.replay_cache = Some(cache);
        self
    }

    pub(crate) fn cache(&self) -> Option<&CacheName> {
        self.cache.as_ref()
    }

    pub(crate) fn client_keytab(&self) -> Option<&KeytabName> {
        self.client_keytab.as_ref()
    }

    pub(crate) fn password(&self) -> Option<&Password> {
        self.password.as_ref()
    }
}
