//! The state between two steps of a search, and each step.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{KdcOptions, Principal, Realm};
use kerbside_crypto::CryptoRng;
use kerbside_formats::Credential;

use super::{MAX_REFERRALS, ServiceNeed, ServiceOutcome, ServiceParams, ServicePending, ServiceWon};
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::tgs_exchange::{TgsArmor, TgsExchange, TgsOutcome, TgsParams};
use crate::time::Now;
use crate::trace;

/// A search under way.
pub(super) struct Walk {
    params: ServiceParams,
    /// The service, with the realm it is looked for in now.
    server: Principal,
    /// The TGT at hand.
    tgt: Option<Arc<Credential>>,
    /// The realms of the path, from the first to the service's.
    path: Vec<Realm>,
    stage: Stage,
    /// The realms whose KDCs sent us on.
    seen: Vec<Realm>,
    hops: u32,
    /// What the KDC at hand said to the request for the whole way.
    refused: Option<ProtocolError>,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    /// Looking for a TGT of the service's realm.
    Target,
    /// Looking for the TGT that everything starts from.
    Start,
    /// At `at` of the path: is there a TGT for `next`?
    Near { at: usize, next: usize },
    /// At `at` of the path: asked its KDC for a TGT for `next`.
    Path { at: usize, next: usize },
    /// In a realm that is not on the path: asked its KDC for a TGT for the service's realm.
    OffPath,
    /// Asked for the service, referrals on.
    Service,
    /// Asked for the service, referrals off.
    Exact,
}

impl fmt::Debug for Walk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Walk")
            .field("server", &self.server)
            .field("stage", &self.stage)
            .finish_non_exhaustive()
    }
}

impl Walk {
    pub(super) fn start(params: ServiceParams) -> ServiceOutcome {
        let mut server = params.server.clone();
        if server.realm.is_empty() {
            server.realm = params.start.clone();
            trace::referral_realm(&server);
        }
        let local = server.realm == params.start;
        let mut path = Vec::from([params.start.clone()]);
        if !local {
            path.extend(params.path.between.iter().cloned());
            path.push(server.realm.clone());
        }
        let (realm, stage) = if local {
            (params.start.clone(), Stage::Start)
        } else {
            (server.realm.clone(), Stage::Target)
        };
        let walk = Self {
            params,
            server,
            tgt: None,
            path,
            stage,
            seen: Vec::new(),
            hops: 0,
            refused: None,
        };
        walk.need(realm)
    }

    fn need(self, realm: Realm) -> ServiceOutcome {
        ServiceOutcome::Need {
            realm,
            pending: ServiceNeed(Box::new(self)),
        }
    }

    /// What the cache has.
    pub(super) fn have(
        mut self,
        found: Option<Arc<Credential>>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let is_there = found.is_some();
        if let Some(tgt) = found {
            match self.stage {
                Stage::Start => trace::local_tgt(&tgt),
                Stage::Near { .. } => trace::cached_intermediate_tgt(&tgt),
                _ => trace::cached_service_tgt(&tgt),
            }
            self.tgt = Some(tgt);
        }
        match self.stage {
            Stage::Target if !is_there => {
                self.stage = Stage::Start;
                let start = self.params.start.clone();
                Ok(self.need(start))
            }
            Stage::Start if !is_there => Err(ProtocolError::Misuse(
                "a search for a ticket needs the ticket-granting ticket of the realm it starts from",
            )),
            Stage::Near { at, next } if !is_there => {
                self.stage = Stage::Path { at, next };
                self.ask_for_tgt(next, now, rng)
            }
            Stage::Near { next, .. } => self.arrive(next, now, rng),
            Stage::Start if self.path.len() > 1 => self.arrive(0, now, rng),
            _ => self.begin_service(now, rng),
        }
    }

    /// What came of the request under way.
    pub(super) fn replied(
        self,
        outcome: Result<TgsOutcome, ProtocolError>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        match (self.stage, outcome) {
            (
                _,
                Ok(TgsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                }),
            ) => Ok(ServiceOutcome::Send {
                request,
                realm,
                constraints,
                pending: ServicePending(Box::new((self, pending))),
            }),
            (Stage::Service | Stage::Exact, Ok(TgsOutcome::Done(done))) => {
                trace::service_ticket(&done.credential.server);
                Ok(ServiceOutcome::Done(done))
            }
            (_, Ok(TgsOutcome::Done(done))) => self.got_tgt(done.credential, now, rng),
            (Stage::Service, Ok(TgsOutcome::Referral { tgt, realm })) => self.referred(*tgt, realm, now, rng),
            (_, Ok(TgsOutcome::Referral { tgt, .. })) => self.got_tgt(*tgt, now, rng),
            (Stage::Path { at, next }, Err(error @ ProtocolError::Refused(_))) => {
                self.closer_or_refused(at, next, error)
            }
            (Stage::Service, Err(error)) if self.hops <= 1 && self.may_ask_again(&error) => {
                self.ask_exactly(now, rng)
            }
            (_, Err(error)) => Err(error),
        }
    }

    /// The KDC of realm `at` gives no TGT for `next`. Where nobody wrote the path down, it is the refusal of the whole
    /// way that tells what is wrong, not that of a realm that we guessed between.
    fn closer_or_refused(
        mut self,
        at: usize,
        next: usize,
        error: ProtocolError,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let error = match self.refused.take() {
            Some(first) if !self.params.path.configured => first,
            _ => error,
        };
        if next <= at.saturating_add(1) {
            return Err(error);
        }
        self.refused = Some(error);
        let next = next.saturating_sub(1);
        trace::closer_realm(&self.realm_at(next)?);
        self.closer(at, next)
    }

    /// The next TGT on the path, from the cache or of the KDC at hand.
    fn closer(mut self, at: usize, next: usize) -> Result<ServiceOutcome, ProtocolError> {
        self.stage = Stage::Near { at, next };
        let realm = self.realm_at(next)?;
        Ok(self.need(realm))
    }

    fn realm_at(&self, index: usize) -> Result<Realm, ProtocolError> {
        let realm = self.path.get(index).cloned();
        realm.ok_or(ProtocolError::Misuse("a path of realms is shorter than the walk"))
    }

    /// We hold a TGT for realm `at` of the path.
    fn arrive(
        mut self,
        at: usize,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let last = self.path.len().saturating_sub(1);
        if at >= last {
            return self.begin_service(now, rng);
        }
        if at > 0 {
            return self.closer(at, last);
        }
        // That there is no TGT for the last realm is known already.
        self.stage = Stage::Path { at, next: last };
        self.ask_for_tgt(last, now, rng)
    }

    /// A KDC gave a TGT for a realm that is or is not the one asked for.
    fn got_tgt(
        mut self,
        tgt: Credential,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let realm = tgt.server.name.krbtgt_realm().map(Realm::new).unwrap_or_default();
        self.count_hop(&tgt, &realm)?;
        let at = self.path.iter().position(|known| *known == realm);
        // MIT keeps what it asked for on a path that was written down, and nothing that a KDC chose.
        let worth_keeping = match self.stage {
            Stage::Path { next, .. } if self.params.path.configured => at == Some(next),
            Stage::Path { at: 0, next } => at == Some(next),
            _ => false,
        };
        self.refused = None;
        self.tgt = Some(Arc::new(tgt.clone()));
        self.stage = match (self.stage, at) {
            (Stage::Path { at: before, .. }, Some(at)) if at > before => Stage::Path { at, next: at },
            _ if realm == self.server.realm => Stage::Path {
                at: self.path.len().saturating_sub(1),
                next: 0,
            },
            _ => Stage::OffPath,
        };
        if worth_keeping {
            return Ok(ServiceOutcome::Won {
                tgt: Box::new(tgt),
                pending: ServiceWon(Box::new(self)),
            });
        }
        self.advance(now, rng)
    }

    /// On from the realm that the TGT at hand is for.
    pub(super) fn advance(self, now: Now, rng: &mut dyn CryptoRng) -> Result<ServiceOutcome, ProtocolError> {
        self.trace_tgt();
        if let Stage::Path { at, .. } = self.stage {
            return self.arrive(at, now, rng);
        }
        let last = self.path.len().saturating_sub(1);
        self.ask_for_tgt(last, now, rng)
    }

    fn trace_tgt(&self) {
        let Some(tgt) = &self.tgt else { return };
        let is_for = |realm: &Realm| tgt.server.name.krbtgt_realm() == Some(realm.as_bytes());
        if is_for(&self.server.realm) {
            trace::received_service_tgt(tgt);
        } else {
            trace::received_tgt(tgt, self.path.iter().any(is_for));
        }
    }

    /// A KDC that was asked for the service sends us to another realm's.
    fn referred(
        mut self,
        tgt: Credential,
        realm: Realm,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        self.count_hop(&tgt, &realm)?;
        trace::following_referral(&tgt);
        self.tgt = Some(Arc::new(tgt));
        self.server.realm = realm;
        self.ask_for_service(now, rng)
    }

    /// Refuses to go in circles, and on and on.
    fn count_hop(&mut self, tgt: &Credential, to: &Realm) -> Result<(), ProtocolError> {
        let from = tgt.server.realm.clone();
        let fault = |what| ProtocolError::misbehaved(Refuser::Kdc(from.clone()), what);
        if self.seen.contains(to) || *to == from {
            return Err(fault(Misbehaviour::ReferralLoop { realm: to.clone() }));
        }
        if self.hops >= MAX_REFERRALS {
            return Err(fault(Misbehaviour::TooManyReferrals { limit: MAX_REFERRALS }));
        }
        self.hops = self.hops.saturating_add(1);
        self.seen.push(from);
        Ok(())
    }

    /// Whether the request without CANONICALIZE is worth it: a KDC that refuses the option, or one that answers with
    /// the service's other name. Where nobody named a realm, it is the caller who knows another one.
    fn may_ask_again(&self, error: &ProtocolError) -> bool {
        match error {
            ProtocolError::Refused(_) => !self.params.server.realm.is_empty(),
            ProtocolError::Misbehaved { what, .. } => {
                matches!(&**what, Misbehaviour::Server { found, .. } if !found.is_krbtgt())
            }
            _ => false,
        }
    }

    fn ask_for_tgt(
        self,
        index: usize,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let wanted = self.realm_at(index)?;
        let tgt = self.tgt()?;
        let at = tgt.server.name.krbtgt_realm().map(Realm::new).unwrap_or_default();
        let mut params = self.tgs_params(tgt, Principal::krbtgt(&at, &wanted));
        params.enctypes.clone_from(&self.params.tgt_enctypes);
        params.options.remove(KdcOptions::CANONICALIZE);
        self.send(params, now, rng)
    }

    /// In the service's realm. Who gave the TGTs on the way here may still be where the service is.
    fn begin_service(mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<ServiceOutcome, ProtocolError> {
        self.seen.clear();
        self.hops = 0;
        self.ask_for_service(now, rng)
    }

    fn ask_for_service(mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<ServiceOutcome, ProtocolError> {
        self.stage = Stage::Service;
        let params = self.service_params()?;
        self.send(params, now, rng)
    }

    fn ask_exactly(mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<ServiceOutcome, ProtocolError> {
        self.stage = Stage::Exact;
        let mut params = self.service_params()?;
        params.options.remove(KdcOptions::CANONICALIZE);
        self.send(params, now, rng)
    }

    fn service_params(&self) -> Result<TgsParams, ProtocolError> {
        let mut params = self.tgs_params(self.tgt()?, self.server.clone());
        params.options.insert(self.params.options);
        params.start = self.params.start_time;
        params.till = self.params.till;
        params.enctypes.clone_from(&self.params.enctypes);
        params.addresses.clone_from(&self.params.addresses);
        params
            .authorization_data
            .clone_from(&self.params.authorization_data);
        params
            .additional_tickets
            .clone_from(&self.params.additional_tickets);
        Ok(params)
    }

    fn tgs_params(&self, tgt: Arc<Credential>, server: Principal) -> TgsParams {
        let mut params = TgsParams::new(tgt, server);
        params.enctype_policy = self.params.enctype_policy.clone();
        params.clock_offset_seconds = self.params.clock_offset_seconds;
        params.skew_seconds_max = self.params.skew_seconds_max;
        let of_start = params.tgt.server.name.krbtgt_realm() == Some(self.params.start.as_bytes());
        params.armor = match self.params.armor {
            TgsArmor::Required if !of_start => TgsArmor::Offered,
            armor => armor,
        };
        params
    }

    fn tgt(&self) -> Result<Arc<Credential>, ProtocolError> {
        let tgt = self.tgt.clone();
        tgt.ok_or(ProtocolError::Misuse("a search for a ticket has no TGT at hand"))
    }

    fn send(
        self,
        params: TgsParams,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let outcome = TgsExchange::start(params, now, rng);
        self.replied(outcome, now, rng)
    }
}
