//! Credential caches: what is done with one, whatever its type.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use kerbside_asn1::Principal;
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::ccache::{CacheEntry, CredentialCache};
use kerbside_formats::{Credential, FormatError};
use zeroize::Zeroizing;

use super::file::{self, Contents, FileFault, Kind};
use super::opened::Opened;
use super::{directory, kcm, keyring};
use crate::config::Config;
use crate::error::{CacheFault, Error};
use crate::names::CacheName;
use crate::trace;

/// The first bytes of the version that is appended to.
const VERSION_4: [u8; 2] = [5, 4];

/// Reads and writes credential caches. Clones share their MEMORY caches; nothing else does, so two
/// parts of a program meet in memory only when they were given the same store.
#[derive(Debug, Clone, Default)]
pub struct CacheStore {
    pub(super) memory: Arc<Mutex<HashMap<String, Arc<Opened>>>>,
    policy: EnctypePolicy,
    /// Where the cache daemon listens; `None` for the usual place.
    kcm_socket: Option<Arc<Path>>,
}

impl CacheStore {
    /// A store without any MEMORY cache yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// A store whose files give credentials with session keys of the types that `policy` permits, and keep the
    /// others as they are. [`new`](Self::new) takes the default policy.
    #[must_use]
    pub fn with_policy(policy: EnctypePolicy) -> Self {
        Self {
            policy,
            ..Self::default()
        }
    }

    /// A store as krb5.conf wants it: its enctypes and its `kcm_socket`.
    #[must_use]
    pub fn for_config(config: &Config) -> Self {
        let socket = &config.krb5_conf().libdefaults.kcm_socket;
        Self::with_policy(config.enctype_policy()).with_kcm_socket(socket)
    }

    /// Sets where the cache daemon of KCM caches listens; `-` for none.
    #[must_use]
    pub fn with_kcm_socket(mut self, socket: impl Into<PathBuf>) -> Self {
        self.kcm_socket = Some(socket.into().into());
        self
    }

    /// Where the cache daemon listens.
    pub(super) fn kcm_socket(&self) -> &Path {
        self.kcm_socket
            .as_deref()
            .unwrap_or(Path::new(kcm::DEFAULT_SOCKET))
    }

    /// Reads a whole cache.
    ///
    /// # Errors
    /// [`Error::Cache`]: not found, not a cache, damaged, of another owner, of a type that is
    /// not built yet.
    pub fn read(&self, name: &CacheName) -> Result<CredentialCache, Error> {
        self.open(name).map(Arc::unwrap_or_clone).map(Opened::into_cache)
    }

    /// As [`read`](Self::read), for use more than once: a MEMORY cache is not copied.
    pub(crate) fn open(&self, name: &CacheName) -> Result<Arc<Opened>, Error> {
        if let CacheName::Memory(key) = name {
            let kept = self.memory().get(key).cloned();
            return kept.ok_or_else(|| named(name)(CacheFault::File(FileFault::NotFound)));
        }
        let name = &self.resolve(name)?;
        let cache = match name {
            CacheName::File(path) | CacheName::DirFile(path) => read_file(path, &self.policy),
            CacheName::Keyring(name) => keyring::read(name, &self.policy),
            CacheName::Kcm(name) => kcm::read(self.kcm_socket(), name, &self.policy),
            other => Err(not_built(other)),
        };
        cache.map(Opened::new).map_err(named(name))
    }

    /// Makes the cache hold exactly this. A file is replaced when it is a cache or empty; a file of
    /// another kind or a damaged one is left as it is.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn initialize(&self, name: &CacheName, cache: &CredentialCache) -> Result<(), Error> {
        match name {
            CacheName::Dir(path) => directory::make(path).map_err(named(name))?,
            CacheName::DirFile(path) => directory::make_for(path).map_err(named(name))?,
            _ => {}
        }
        let name = &self.resolve(name)?;
        let written = match name {
            CacheName::File(path) | CacheName::DirFile(path) => file::replace(path, Kind::Cache, |before| {
                if let Some(bytes) = before.filter(|bytes| !bytes.is_empty()) {
                    parse(bytes, &self.policy)?;
                }
                cache.to_bytes().map_err(CacheFault::Unwritable)
            }),
            CacheName::Memory(key) => {
                self.memory().insert(key.clone(), Opened::new(cache.clone()));
                Ok(())
            }
            CacheName::Keyring(name) => keyring::initialize(name, cache),
            CacheName::Kcm(name) => kcm::initialize(self.kcm_socket(), name, cache),
            other => Err(not_built(other)),
        };
        written.map_err(named(name))?;
        trace::initialized(name, cache);
        Ok(())
    }

    /// Adds a ticket to a cache that exists. Readers, MIT's among them, see it or do not see it,
    /// but never a part of it.
    ///
    /// # Errors
    /// [`Error::Cache`]; [`CacheFault::OtherPrincipal`] for a ticket of another client than
    /// the cache's.
    pub fn add(&self, name: &CacheName, credential: &Credential) -> Result<(), Error> {
        self.add_checked(name, credential, same_client)
    }

    /// As [`add`](Self::add), for a ticket that the cache's principal, a service, got on behalf of another client: MIT
    /// keeps such tickets in the service's own cache.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn add_for_other(&self, name: &CacheName, credential: &Credential) -> Result<(), Error> {
        self.add_checked(name, credential, |_, _| Ok(()))
    }

    fn add_checked(
        &self,
        name: &CacheName,
        credential: &Credential,
        check: ClientCheck,
    ) -> Result<(), Error> {
        let name = &self.resolve(name)?;
        let entry = || CacheEntry::Credential(Box::new(credential.clone()));
        let owned = |owner: &Principal| check(owner, credential);
        let added = match name {
            CacheName::File(path) | CacheName::DirFile(path) => {
                add_to_file(path, credential, &self.policy, check)
            }
            CacheName::Memory(key) => match self.memory().get_mut(key) {
                Some(cache) => {
                    owned(&cache.primary).map(|()| Opened::changing(cache).add(credential.clone()))
                }
                None => Err(CacheFault::File(FileFault::NotFound)),
            },
            CacheName::Keyring(name) => keyring::add(name, &entry(), &self.policy, owned),
            CacheName::Kcm(name) => kcm::add(self.kcm_socket(), name, &entry(), owned),
            other => Err(not_built(other)),
        };
        added.map_err(named(name))?;
        trace::stored(name, credential);
        Ok(())
    }

    /// Sets a configuration value in place of any older one of the same key and server.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn set_config(
        &self,
        name: &CacheName,
        key: &str,
        server: Option<&Principal>,
        value: &[u8],
    ) -> Result<(), Error> {
        let name = &self.resolve(name)?;
        let set_in = |cache: &mut CredentialCache| cache.set_config(key, server, value);
        let set = match name {
            CacheName::File(path) | CacheName::DirFile(path) => file::update(path, Kind::Cache, |bytes| {
                let mut cache = parse(bytes, &self.policy)?;
                set_in(&mut cache);
                cache.to_bytes().map_err(CacheFault::Unwritable)
            }),
            CacheName::Memory(key) => match self.memory().get_mut(key) {
                Some(cache) => {
                    set_in(Opened::changing(cache));
                    Ok(())
                }
                None => Err(CacheFault::File(FileFault::NotFound)),
            },
            other => self.set_config_elsewhere(other, &set_in),
        };
        set.map_err(named(name))
    }

    /// Where records are keys of the kernel's or the daemon's.
    fn set_config_elsewhere(
        &self,
        name: &CacheName,
        set_in: &dyn Fn(&mut CredentialCache),
    ) -> Result<(), CacheFault> {
        let mut cache = match name {
            CacheName::Keyring(residual) => keyring::read(residual, &self.policy)?,
            CacheName::Kcm(cache) => kcm::read(self.kcm_socket(), cache, &self.policy)?,
            other => return Err(not_built(other)),
        };
        set_in(&mut cache);
        let Some(entry) = cache.entries.last() else {
            return Ok(());
        };
        match name {
            // A key of the same name is replaced.
            CacheName::Keyring(residual) => keyring::add(residual, entry, &self.policy, |_| Ok(())),
            CacheName::Kcm(cache) => kcm::replace_entry(self.kcm_socket(), cache, entry, &self.policy),
            other => Err(not_built(other)),
        }
    }

    /// Removes the tickets for `server` from a cache, and tells how many there were.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn remove(&self, name: &CacheName, server: &Principal) -> Result<usize, Error> {
        let name = &self.resolve(name)?;
        let drop_from = |cache: &mut CredentialCache| {
            let before = cache.entries.len();
            cache.entries.retain(|entry| entry.server() != server);
            before.saturating_sub(cache.entries.len())
        };
        let removed = match name {
            CacheName::File(path) | CacheName::DirFile(path) => {
                let mut count = 0;
                file::update(path, Kind::Cache, |bytes| {
                    let mut cache = parse(bytes, &self.policy)?;
                    count = drop_from(&mut cache);
                    cache.to_bytes().map_err(CacheFault::Unwritable)
                })
                .map(|()| count)
            }
            CacheName::Memory(key) => match self.memory().get_mut(key) {
                Some(cache) => Ok(drop_from(Opened::changing(cache))),
                None => Err(CacheFault::File(FileFault::NotFound)),
            },
            CacheName::Keyring(name) => keyring::remove(name, server, &self.policy),
            CacheName::Kcm(name) => kcm::remove(self.kcm_socket(), name, server, &self.policy),
            other => Err(not_built(other)),
        };
        removed.map_err(named(name))
    }

    /// Removes the cache; a file is overwritten with zeros first. A file that does not begin as a
    /// cache does is left as it is; a cache that is damaged further on is removed.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn destroy(&self, name: &CacheName) -> Result<(), Error> {
        let name = &self.resolve(name)?;
        trace::destroying(name);
        let destroyed = match name {
            CacheName::File(path) | CacheName::DirFile(path) => {
                file::destroy(path, Kind::Cache, |bytes| match parse(bytes, &self.policy) {
                    Err(
                        fault @ CacheFault::Format(
                            FormatError::NotThisFormat { .. } | FormatError::Version { .. },
                        ),
                    ) if !bytes.is_empty() => Err(fault),
                    _ => Ok(()),
                })
            }
            CacheName::Memory(key) => match self.memory().remove(key) {
                Some(_) => Ok(()),
                None => Err(CacheFault::File(FileFault::NotFound)),
            },
            CacheName::Keyring(name) => keyring::destroy(name),
            CacheName::Kcm(name) => kcm::destroy(self.kcm_socket(), name),
            other => Err(not_built(other)),
        };
        destroyed.map_err(named(name))
    }

    /// A thread that panicked while it held the lock left whole caches behind: there is no step
    /// between two states.
    pub(super) fn memory(&self) -> std::sync::MutexGuard<'_, HashMap<String, Arc<Opened>>> {
        self.memory.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// Why a name of no type above is refused.
fn not_built(name: &CacheName) -> CacheFault {
    CacheFault::TypeNotBuilt(match name {
        CacheName::Other { kind, .. } => kind.to_string(),
        other => other.to_string(),
    })
}

pub(super) fn named(name: &CacheName) -> impl FnOnce(CacheFault) -> Error {
    let name = name.clone();
    move |fault| Error::Cache { name, fault }
}

fn parse(bytes: &[u8], policy: &EnctypePolicy) -> Result<CredentialCache, CacheFault> {
    if bytes.is_empty() {
        return Err(CacheFault::Empty);
    }
    CredentialCache::parse_with_policy(bytes, policy).map_err(CacheFault::Format)
}

fn read_file(path: &Path, policy: &EnctypePolicy) -> Result<CredentialCache, CacheFault> {
    let Contents { bytes, .. } = file::read(path, Kind::Cache)?;
    parse(&bytes, policy)
}

fn same_client(owner: &Principal, credential: &Credential) -> Result<(), CacheFault> {
    if *owner == credential.client {
        return Ok(());
    }
    Err(CacheFault::OtherPrincipal {
        expected: Box::new(owner.clone()),
        found: Box::new(credential.client.clone()),
    })
}

/// Whether a ticket may go into a cache, by whose both are.
type ClientCheck = fn(&Principal, &Credential) -> Result<(), CacheFault>;

fn add_to_file(
    path: &Path,
    credential: &Credential,
    policy: &EnctypePolicy,
    check: ClientCheck,
) -> Result<(), CacheFault> {
    let mut older = false;
    file::append(path, Kind::Cache, |bytes| {
        let cache = parse(bytes, policy)?;
        check(&cache.primary, credential)?;
        older = !bytes.starts_with(&VERSION_4);
        if older {
            return Ok(None);
        }
        CredentialCache::append_bytes(credential)
            .map(Some)
            .map_err(CacheFault::Unwritable)
    })?;
    if !older {
        return Ok(());
    }
    // Records of older versions are written in another way: the file becomes version 4.
    file::replace(
        path,
        Kind::Cache,
        |bytes| -> Result<Zeroizing<Vec<u8>>, CacheFault> {
            let mut cache = parse(bytes.unwrap_or_default(), policy)?;
            check(&cache.primary, credential)?;
            cache.add(credential.clone());
            cache.to_bytes().map_err(CacheFault::Unwritable)
        },
    )
}

#[cfg(test)]
mod tests;
