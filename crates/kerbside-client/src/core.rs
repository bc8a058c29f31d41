//! The exchanges as a client runs them, written once for both fronts.

mod acquire;
mod armor;
mod at_primary;
mod contexts;
mod delegation;
mod initial;
mod renewal;
pub(crate) mod renewing;
mod round_trip;
mod service;
mod snapshot;
mod walk;

use std::hash::{Hash, Hasher};
use std::sync::Arc;
use std::time::Duration;

use kerbside_asn1::Principal;
use kerbside_formats::Credential;
use kerbside_formats::ccache::{CredentialCache, KdcOffset};
use kerbside_formats::krb5_conf::LibDefaults;

use crate::acquire::{AcquireOptions, Acquired};
use crate::config::Config;
use crate::driver::Driver;
use crate::error::Error;
use crate::flights::Flights;
use crate::locate::Locator;
use crate::names::CacheName;
use crate::request::{InitialTicket, ServiceTicket, ServiceTicketOptions};
use crate::schedule::Timing;
use crate::service_host::{self, HostName};
use crate::store::{CacheStore, Opened};

/// A client over one of the fronts.
#[derive(Debug, Clone)]
pub(crate) struct Core<D> {
    pub(crate) driver: D,
    pub(crate) config: Arc<Config>,
    pub(crate) store: CacheStore,
    pub(crate) timing: Timing,
    pub(crate) locator: Arc<Locator>,
    pub(crate) snapshots: Snapshots,
    /// Service tickets that are being asked for.
    pub(crate) tickets: Arc<Flights<TicketKey, ServiceTicket>>,
    /// Logins by client keytab that are under way.
    pub(crate) logins: Arc<Flights<(AcquireOptions, CacheName), Acquired>>,
}

/// What makes two requests for a service ticket the same: the cache with its ticket-granting ticket, so that nobody gets
/// a ticket of another identity, the service and what is asked of its ticket.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct TicketKey {
    pub(crate) cache: CacheName,
    pub(crate) identity: Identity,
    pub(crate) server: Principal,
    pub(crate) second_ticket: Option<Vec<u8>>,
    pub(crate) options: ServiceTicketOptions,
}

/// Whose requests a cache's are.
#[derive(Debug)]
pub(crate) struct Identity {
    /// For the name of its client.
    pub(crate) cache: Arc<Opened>,
    /// The ticket-granting ticket, where the cache has one.
    pub(crate) tgt: Option<Arc<Credential>>,
}

/// The same client by the same ticket, whatever else the caches hold.
impl PartialEq for Identity {
    fn eq(&self, other: &Self) -> bool {
        let [own, others] = [self, other].map(|identity| identity.tgt.as_ref().map(|tgt| &tgt.ticket));
        own == others && self.cache.primary == other.cache.primary
    }
}

impl Eq for Identity {}

/// The service and the end of the ticket, which is ciphertext, tell nearly all requests apart.
impl Hash for TicketKey {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.server.name.hash(state);
        let tgt = self.identity.tgt.as_ref();
        if let Some(end) = tgt.and_then(|tgt| tgt.ticket.last_chunk::<8>()) {
            state.write_u64(u64::from_ne_bytes(*end));
        }
    }
}

pub(crate) use snapshot::Snapshots;

impl<D: Driver> Core<D> {
    /// How far the KDC's clock is ahead, as the cache remembers it.
    pub(crate) fn offset_of(&self, cache: &CredentialCache) -> i64 {
        let offset = cache.kdc_offset().filter(|_| self.libdefaults().kdc_timesync);
        offset.map_or(0, |offset| i64::from(offset.seconds))
    }

    /// The time limits, with `request_timeout` of krb5.conf where there is one.
    pub(crate) fn timing(&self) -> Timing {
        match u64::try_from(self.libdefaults().request_timeout_seconds) {
            Ok(seconds) if seconds > 0 => Timing {
                total: self.timing.total.min(Duration::from_secs(seconds)),
                ..self.timing
            },
            _ => self.timing,
        }
    }

    fn libdefaults(&self) -> &LibDefaults {
        &self.config.krb5_conf().libdefaults
    }

    /// Makes a cache of a first ticket.
    pub(crate) async fn initialize_cache(
        &self,
        name: &CacheName,
        ticket: &InitialTicket,
    ) -> Result<(), Error> {
        self.write_cache(name, self.cache_of(ticket)).await
    }

    /// What a cache of a first ticket holds.
    fn cache_of(&self, ticket: &InitialTicket) -> CredentialCache {
        let mut cache = CredentialCache::new(ticket.credential.client.clone());
        if self.libdefaults().kdc_timesync {
            let seconds = ticket.clock_offset_seconds.unwrap_or(0);
            // An offset beyond 68 years fits no cache, and no ticket either.
            let seconds = i32::try_from(seconds).unwrap_or(0);
            cache.set_kdc_offset(Some(KdcOffset {
                seconds,
                microseconds: 0,
            }));
        }
        armor::remember(&mut cache, ticket);
        cache.add(ticket.credential.clone());
        cache
    }

    async fn resolve_cache(&self, name: &CacheName) -> Result<CacheName, Error> {
        if matches!(name, CacheName::File(_) | CacheName::Memory(_)) {
            return Ok(name.clone());
        }
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.resolve(&name)).await?
    }

    pub(crate) async fn read_cache(&self, name: &CacheName) -> Result<CredentialCache, Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.read(&name)).await?
    }

    pub(crate) async fn write_cache(&self, name: &CacheName, cache: CredentialCache) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver
            .offload(move || store.initialize(&name, &cache))
            .await?
    }

    /// A host in a service's name, as the resolver calls it. One that it does not know stays as it is: the KDC may.
    async fn canonical_host(&self, typed: &str) -> HostName {
        let reverse = service_host::wants_reverse(self.config.krb5_conf());
        let found = self
            .canonical_name(&HostName::split(typed).host, reverse)
            .await
            .ok();
        service_host::with_dns(&self.config, typed, found.as_deref())
    }

    async fn add_to_cache(&self, name: &CacheName, credential: Credential) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.add(&name, &credential)).await?
    }
}

pub(crate) fn not_built(what: &str) -> Error {
    Error::NotBuilt {
        what: what.to_owned(),
    }
}
