//! Collections: several caches under one name, one of them the primary.

use kerbside_asn1::Principal;
use rand_core::Rng;

use super::cache::{CacheStore, named};
use super::file::FileFault;
use super::{directory, kcm, keyring};
use crate::error::{CacheFault, Error};
use crate::names::CacheName;
use crate::trace;

impl CacheStore {
    /// The one cache that the name stands for: a collection's primary one, else the name itself. The cache need not
    /// exist.
    ///
    /// # Errors
    /// [`Error::Cache`]: the directory cannot be used or made, the file is named as none of a collection, or `primary`
    /// holds nonsense.
    pub fn resolve(&self, name: &CacheName) -> Result<CacheName, Error> {
        match name {
            CacheName::Dir(path) => directory::primary(path)
                .map(CacheName::DirFile)
                .map_err(named(name)),
            CacheName::DirFile(path) => directory::check(path).map(|()| name.clone()).map_err(named(name)),
            CacheName::Keyring(residual) => keyring::resolve(residual)
                .map(CacheName::Keyring)
                .map_err(named(name)),
            CacheName::Kcm(cache) if cache.is_empty() => kcm::default_name(self.kcm_socket())
                .map(CacheName::Kcm)
                .map_err(named(name)),
            other => Ok(other.clone()),
        }
    }

    /// The caches of the name's collection, the primary one first. A file, and one cache of a directory named by its
    /// file, is a collection of one, and so is one cache of a keyring or of the daemon; the MEMORY caches of this store
    /// are one collection.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn collection(&self, name: &CacheName) -> Result<Vec<CacheName>, Error> {
        match name {
            CacheName::Dir(path) => {
                let files = directory::files(path).map_err(named(name))?;
                Ok(files.into_iter().map(CacheName::DirFile).collect())
            }
            CacheName::File(path) => Ok(if path.exists() {
                vec![name.clone()]
            } else {
                Vec::new()
            }),
            CacheName::DirFile(path) => {
                directory::check(path).map_err(named(name))?;
                Ok(if path.exists() {
                    vec![name.clone()]
                } else {
                    Vec::new()
                })
            }
            CacheName::Memory(primary) => {
                let mut keys: Vec<String> = self.memory().keys().cloned().collect();
                keys.sort_by_key(|key| (key != primary, key.clone()));
                Ok(keys.into_iter().map(CacheName::Memory).collect())
            }
            CacheName::Keyring(residual) => {
                let names = keyring::names(residual).map_err(named(name))?;
                Ok(names.into_iter().map(CacheName::Keyring).collect())
            }
            CacheName::Kcm(cache) if cache.is_empty() => {
                let names = kcm::names(self.kcm_socket()).map_err(named(name))?;
                Ok(names.into_iter().map(CacheName::Kcm).collect())
            }
            CacheName::Kcm(cache) => {
                let there = kcm::is_there(self.kcm_socket(), cache).map_err(named(name))?;
                Ok(if there { vec![name.clone()] } else { Vec::new() })
            }
            CacheName::Other { .. } => self.read(name).map(|_| vec![name.clone()]),
        }
    }

    /// The cache of the name's collection that holds the principal's tickets. Caches that cannot be read are passed
    /// over.
    ///
    /// # Errors
    /// [`Error::Cache`] for the collection itself.
    pub fn find_in_collection(
        &self,
        name: &CacheName,
        principal: &Principal,
    ) -> Result<Option<CacheName>, Error> {
        let caches = self.collection(name)?;
        let found = caches
            .into_iter()
            .find(|cache| self.read(cache).is_ok_and(|cache| cache.primary == *principal));
        trace::matched(principal, found.is_some());
        Ok(found)
    }

    /// A cache of the name's collection that does not exist yet.
    ///
    /// # Errors
    /// [`Error::Cache`]; [`CacheFault::NotACollection`] for the name of a single cache.
    pub fn new_in_collection(&self, name: &CacheName) -> Result<CacheName, Error> {
        trace::unique_cache(name);
        let unique = match name {
            CacheName::Dir(path) => directory::unique(path).map(CacheName::DirFile),
            CacheName::Memory(_) => {
                let number = crate::random::OsRandom.next_u64();
                Ok(CacheName::Memory(format!("{number:016x}")))
            }
            CacheName::Keyring(residual) => keyring::new_name(residual)
                .and_then(|made| made.map(CacheName::Keyring).ok_or(CacheFault::NotACollection)),
            CacheName::Kcm(_) => kcm::new_name(self.kcm_socket()).map(CacheName::Kcm),
            CacheName::File(_) | CacheName::DirFile(_) => Err(CacheFault::NotACollection),
            CacheName::Other { kind, .. } => Err(CacheFault::TypeNotBuilt(kind.to_string())),
        };
        unique.map_err(named(name))
    }

    /// Makes the cache the primary one of its collection. The cache need not exist, as with MIT. For types without a
    /// primary cache nothing happens.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn switch(&self, name: &CacheName) -> Result<(), Error> {
        match self.resolve(name)? {
            CacheName::DirFile(path) => directory::switch(&path).map_err(named(name)),
            CacheName::Keyring(residual) => keyring::switch(&residual).map_err(named(name)),
            CacheName::Kcm(cache) => kcm::set_default(self.kcm_socket(), &cache).map_err(named(name)),
            CacheName::Other { kind, .. } => Err(Error::Cache {
                name: name.clone(),
                fault: CacheFault::TypeNotBuilt(kind.to_string()),
            }),
            _ => Ok(()),
        }
    }

    /// Destroys every cache of the name's collection. One that cannot be destroyed does not keep the others.
    ///
    /// # Errors
    /// [`Error::Cache`]: the first that could not be destroyed.
    pub fn destroy_collection(&self, name: &CacheName) -> Result<(), Error> {
        let mut result = Ok(());
        for cache in self.collection(name)? {
            match self.destroy(&cache) {
                // Another program was quicker.
                Err(Error::Cache {
                    fault: CacheFault::File(FileFault::NotFound),
                    ..
                }) => {}
                destroyed => result = result.and(destroyed),
            }
        }
        result
    }
}

#[cfg(test)]
mod tests;
