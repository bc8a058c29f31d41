//! Whose tickets an initiator shows.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use kerbside_asn1::Principal;
use kerbside_formats::ccache::CredentialCache;
use kerbside_gss::DelegatedCredential;

use crate::acquire::AcquireOptions;
use crate::error::Error;
use crate::names::CacheName;
use crate::store::CacheStore;

/// Whose tickets an initiator shows, and where they are. Cheap to clone, and good for any number of contexts with any
/// number of services.
///
/// Tickets of a client keytab are replaced at half of their life. What a password got is in this process's memory alone,
/// and gone with the last clone.
#[derive(Debug, Clone)]
pub struct InitiatorCredential {
    pub(crate) source: Source,
    pub(crate) principal: Option<Principal>,
}

#[derive(Debug, Clone)]
pub(crate) enum Source {
    /// A cache, filled from the client keytab where it can be.
    Shared(Box<AcquireOptions>),
    /// A cache with one ticket-granting ticket, which nobody replaces.
    Named(CacheName),
    /// A cache that nobody else knows of.
    Private(Arc<PrivateCache>),
}

impl InitiatorCredential {
    /// Whose; `None` where that depends on the service (by `.k5identity`, or by its realm).
    #[must_use]
    pub fn principal(&self) -> Option<&Principal> {
        self.principal.as_ref()
    }

    /// What a client delegated to this service: contexts are begun as that client, until its ticket ends.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn from_delegated(store: &CacheStore, delegated: &DelegatedCredential) -> Result<Self, Error> {
        Self::from_tickets(store, &delegated.to_cache())
    }

    /// Tickets that somebody handed over, to be used by clients with this store. They
    /// are kept in memory.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn from_tickets(store: &CacheStore, tickets: &CredentialCache) -> Result<Self, Error> {
        let cache = PrivateCache::new(store);
        store.initialize(&cache.name, tickets)?;
        Ok(Self {
            source: Source::Private(Arc::new(cache)),
            principal: Some(tickets.primary.clone()),
        })
    }
}

/// A cache in memory that is gone with this value.
#[derive(Debug)]
pub(crate) struct PrivateCache {
    store: CacheStore,
    pub(crate) name: CacheName,
}

impl PrivateCache {
    pub(crate) fn new(store: &CacheStore) -> Self {
        static NUMBER: AtomicU64 = AtomicU64::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        Self {
            store: store.clone(),
            name: CacheName::Memory(format!("kerbside private {number}")),
        }
    }
}

impl Drop for PrivateCache {
    fn drop(&mut self) {
        // It may never have been filled.
        let _ = self.store.destroy(&self.name);
    }
}
