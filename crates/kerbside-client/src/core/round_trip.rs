//! A request's way to a realm's KDCs.

use std::sync::Arc;

use kerbside_asn1::Realm;
use kerbside_protocol::Constraints;

use super::Core;
use crate::attempt::Transport;
use crate::driver::Driver;
use crate::error::Error;
use crate::locate;
use crate::trace;
use crate::transport::{Delivered, Job, Peer, order};

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
        let servers = locate::locate_kdcs(&self.config, realm)?;
        let (addresses, unresolved) = self.driver.offload(move || locate::resolve(&servers)).await?;
        let limit = self.libdefaults().udp_preference_limit;
        let preferred = if request.len() > limit {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let job = Job {
            request: Arc::from(request),
            targets: order(&addresses, preferred, constraints.stream_only),
            timing: self.timing(),
            peer: Peer::Kdc,
        };
        match self.driver.deliver(job).await {
            Ok(mut delivered) => {
                delivered.attempts.extend(unresolved);
                Ok(delivered)
            }
            Err(mut nothing) => {
                nothing.attempts.extend(unresolved);
                Err(Error::Unreachable {
                    realm: realm.clone(),
                    attempts: nothing.attempts,
                    took: nothing.took,
                })
            }
        }
    }
}
