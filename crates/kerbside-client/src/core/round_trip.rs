//! A request's way to a realm's servers.

use std::sync::Arc;
use std::time::Instant;

use kerbside_asn1::Realm;
use kerbside_protocol::Constraints;

use super::Core;
use crate::attempt::Transport;
use crate::driver::Driver;
use crate::error::Error;
use crate::hostname;
use crate::locate::{Servers, Service};
use crate::trace;
use crate::transport::{Delivered, Job, Peer, Undelivered};

impl<D: Driver> Core<D> {
    /// Sends a request to the realm's KDCs until one answers.
    pub(crate) async fn round_trip(
        &self,
        request: Vec<u8>,
        realm: &Realm,
        constraints: Constraints,
    ) -> Result<Delivered, Error> {
        let Constraints {
            primary_only,
            stream_only,
            ..
        } = constraints;
        trace::sending_request(request.len(), realm, primary_only, stream_only);
        let service = if primary_only {
            Service::PrimaryKdc
        } else {
            Service::Kdc
        };
        let start = Instant::now();
        let servers = self.servers(realm, service).await?;
        let asked = self.ask(request, &servers, stream_only, Peer::Kdc, start);
        asked.await.map_err(|nothing| {
            self.locator.forget(realm, service, &servers);
            Error::Unreachable {
                realm: realm.clone(),
                attempts: nothing.attempts,
                took: nothing.took,
            }
        })
    }

    /// Sends a request to these servers until one answers, and remembers which did. The time runs since `start`.
    pub(crate) async fn ask(
        &self,
        request: Vec<u8>,
        servers: &Arc<Servers>,
        stream_only: bool,
        peer: Peer,
        start: Instant,
    ) -> Result<Delivered, Undelivered> {
        let preferred = if request.len() > self.libdefaults().udp_preference_limit {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let mut timing = self.timing();
        timing.total = timing.total.saturating_sub(start.elapsed());
        let job = Job {
            request: Arc::from(request),
            targets: Arc::clone(&servers.targets),
            order: servers.order(preferred, stream_only, Instant::now()),
            timing,
            peer,
        };
        match self.driver.deliver(job).await {
            Ok(mut delivered) => {
                servers.learn(&delivered.attempts, Instant::now());
                delivered.attempts.extend_from_slice(&servers.unresolved);
                Ok(delivered)
            }
            Err(mut nothing) => {
                nothing.attempts.extend_from_slice(&servers.unresolved);
                nothing.took = start.elapsed();
                Err(nothing)
            }
        }
    }

    /// The canonical name of a host as the system's resolver has it, in small letters and without a dot at its end; with
    /// `reverse`, the name of its first address. Nothing of it is authenticated.
    ///
    /// # Errors
    /// [`Error::Unresolved`] with the resolver's words.
    pub(crate) async fn canonical_name(&self, host: &str, reverse: bool) -> Result<String, Error> {
        let asked = host.to_owned();
        let limit = self.timing().total;
        let ask = move || hostname::canonical_name(&asked, reverse, limit);
        self.driver
            .offload(ask)
            .await?
            .map_err(|reason| Error::Unresolved {
                host: host.to_owned(),
                reason,
            })
    }
}
