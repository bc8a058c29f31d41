//! An identity without a kinit: the default cache, filled from the client keytab where it is empty.

use kerbside_asn1::{KerberosTime, Principal};

use crate::names::{CacheName, KeytabName};

/// Whose tickets are wanted, and where they may come from. The default is what the environment and krb5.conf say:
/// `KRB5CCNAME`, `KRB5_CLIENT_KTNAME`.
#[derive(Debug, Clone, Default, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct AcquireOptions {
    /// Whose; `None` for whoever the cache belongs to, else the first principal of the client keytab.
    pub principal: Option<Principal>,
    /// The service they are for: where no principal is asked for, a cache of the collection is chosen by it, as
    /// [`Client::select_cache`](crate::Client::select_cache) does.
    pub server: Option<Principal>,
    /// The cache or collection of caches.
    pub cache: Option<CacheName>,
    /// The client keytab.
    pub client_keytab: Option<KeytabName>,
}

impl AcquireOptions {
    /// What the environment and krb5.conf say.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Of this principal.
    #[must_use]
    pub fn with_principal(mut self, principal: Principal) -> Self {
        self.principal = Some(principal);
        self
    }

    /// For this service.
    #[must_use]
    pub fn with_server(mut self, server: Principal) -> Self {
        self.server = Some(server);
        self
    }

    /// In this cache or collection of caches.
    #[must_use]
    pub fn with_cache(mut self, cache: CacheName) -> Self {
        self.cache = Some(cache);
        self
    }

    /// From this client keytab.
    #[must_use]
    pub fn with_client_keytab(mut self, keytab: KeytabName) -> Self {
        self.client_keytab = Some(keytab);
        self
    }
}

/// A cache with a usable ticket-granting ticket.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Acquired {
    /// The cache.
    pub cache: CacheName,
    /// Whose it is.
    pub principal: Principal,
    /// When the ticket ends.
    pub end_time: KerberosTime,
    /// Whether a ticket was got just now with a key of the client keytab.
    pub from_keytab: bool,
}
