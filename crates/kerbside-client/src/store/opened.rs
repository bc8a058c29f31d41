//! A cache that was read and is used more than once.

use std::fmt;
use std::ops::Deref;
use std::sync::{Arc, Mutex, PoisonError};

use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;

/// A cache that was read, with the ticket-granting tickets that were used out of it: their keys keep what they derived.
pub(crate) struct Opened {
    cache: CredentialCache,
    tgts: Mutex<Vec<Arc<Credential>>>,
}

impl Opened {
    pub(crate) fn new(cache: CredentialCache) -> Arc<Self> {
        Arc::new(Self {
            cache,
            tgts: Mutex::default(),
        })
    }

    /// One of the cache's tickets, for use more than once.
    pub(crate) fn shared(&self, credential: &Credential) -> Arc<Credential> {
        let mut tgts = self.tgts.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(known) = tgts.iter().find(|known| known.ticket == credential.ticket) {
            return Arc::clone(known);
        }
        let shared = Arc::new(credential.clone());
        tgts.push(Arc::clone(&shared));
        shared
    }

    /// The cache by itself.
    pub(super) fn into_cache(self) -> CredentialCache {
        self.cache
    }

    /// The cache to be changed. Who has it open keeps it as it was; no key of a ticket that may go is kept.
    pub(super) fn changing(opened: &mut Arc<Self>) -> &mut CredentialCache {
        let own = Arc::make_mut(opened);
        own.tgts = Mutex::default();
        &mut own.cache
    }
}

impl fmt::Debug for Opened {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Opened").finish_non_exhaustive()
    }
}

impl Clone for Opened {
    fn clone(&self) -> Self {
        Self {
            cache: self.cache.clone(),
            tgts: Mutex::default(),
        }
    }
}

impl Deref for Opened {
    type Target = CredentialCache;

    fn deref(&self) -> &CredentialCache {
        &self.cache
    }
}
