//! A ticket of a user for a service of any realm, asked for by another service (S4U2Proxy, MS-SFU 3.1.5.2).
//!
//! ```text
//!  start ──► Need (the service's own TGT) ──► Send (evidence: the user's ticket) ──► Done
//!                ▲                                   │ referral: a TGT of the user for another realm
//!                └── the service's own TGT there ◄───┘ and it is the evidence from now on
//! ```
//!
//! Each KDC on the way sees two tickets: the asking service's own TGT for its realm, which makes the request, and what
//! the last KDC gave for the user. A referral is of the user, as the ticket is: MS-SFU 3.2.5.2.4 (note on Windows).

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{Principal, Realm};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy};
use kerbside_formats::Credential;

use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::kdc_request::{Constraints, DEFAULT_SKEW_SECONDS};
use crate::service_exchange::MAX_REFERRALS;
use crate::tgs_exchange::{TgsArmor, TgsDone, TgsExchange, TgsOutcome, TgsParams, TgsPending};
use crate::time::Now;

/// A service, and for whom its ticket shall be.
#[derive(Clone, Debug)]
pub struct ProxyParams {
    /// The realm whose KDC gave the asking service its TGT.
    pub start: Realm,
    /// The service to be asked as the user. With a realm no other one's will do.
    pub server: Principal,
    /// The user's ticket for the asking service.
    pub evidence: Credential,
    /// The enctypes that the session key may have, best first.
    pub enctypes: Vec<EncryptionType>,
    /// Which of them may be used at all.
    pub enctype_policy: EnctypePolicy,
    /// How far the KDC's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
    /// The largest difference between the clocks, in seconds.
    pub skew_seconds_max: i64,
    /// Whether requests are armored.
    pub armor: TgsArmor,
}

impl ProxyParams {
    /// A ticket of the client of `evidence` for `server`, by a TGT of `start`.
    pub fn new(start: Realm, server: Principal, evidence: Credential) -> Self {
        Self {
            start,
            server,
            evidence,
            enctypes: EncryptionType::SUPPORTED.to_vec(),
            enctype_policy: EnctypePolicy::DEFAULT,
            clock_offset_seconds: 0,
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            armor: TgsArmor::Never,
        }
    }
}

/// What the exchange wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProxyOutcome {
    /// The asking service's own ticket-granting ticket for a realm, from a cache or by a
    /// [`ServiceExchange`](crate::ServiceExchange).
    Need {
        /// The realm it is for.
        realm: Realm,
        /// What takes it.
        pending: ProxyNeed,
    },
    /// A round trip to a KDC.
    Send {
        /// The encoded TGS-REQ.
        request: Vec<u8>,
        /// The realm whose KDC it goes to.
        realm: Realm,
        /// How it has to travel.
        constraints: Constraints,
        /// What takes the reply.
        pending: ProxyPending,
    },
    /// The ticket.
    Done(Box<TgsDone>),
}

/// Constrained delegation, from realm to realm.
#[derive(Debug)]
pub struct ProxyExchange;

impl ProxyExchange {
    /// Begins it.
    pub fn start(params: ProxyParams) -> ProxyOutcome {
        let at = params.start.clone();
        let chase = Chase {
            evidence: params.evidence.clone(),
            params,
            at,
            seen: Vec::new(),
            asking: None,
        };
        chase.need()
    }
}

#[derive(Debug)]
struct Chase {
    params: ProxyParams,
    /// What shows the user's will: the ticket for the asking service, and abroad the user's TGT for the realm.
    evidence: Credential,
    /// The realm whose KDC is asked.
    at: Realm,
    /// The realms whose KDCs sent us on.
    seen: Vec<Realm>,
    /// The asking service, as its first TGT names it.
    asking: Option<Principal>,
}

/// Waits for the asking service's own ticket-granting ticket.
#[derive(Debug)]
pub struct ProxyNeed(Box<Chase>);

impl ProxyNeed {
    /// Takes it.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] for a ticket of another realm or client, or one that makes no request.
    pub fn answer(
        self,
        tgt: Arc<Credential>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ProxyOutcome, ProtocolError> {
        self.0.ask(tgt, now, rng)
    }
}

/// Waits for a KDC's reply.
#[derive(Debug)]
pub struct ProxyPending(Box<(Chase, TgsPending)>);

impl ProxyPending {
    /// Takes the KDC's reply, received at `now`.
    ///
    /// # Errors
    /// It is over: what the last KDC refused, or what is wrong with its reply.
    pub fn reply(self, bytes: &[u8], now: Now) -> Result<ProxyOutcome, ProtocolError> {
        let (chase, pending) = *self.0;
        chase.took(pending.reply(bytes, now)?)
    }
}

impl Chase {
    fn need(self) -> ProxyOutcome {
        ProxyOutcome::Need {
            realm: self.at.clone(),
            pending: ProxyNeed(Box::new(self)),
        }
    }

    fn ask(
        mut self,
        tgt: Arc<Credential>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ProxyOutcome, ProtocolError> {
        if tgt.server.name.krbtgt_realm() != Some(self.at.as_bytes()) {
            return Err(ProtocolError::Misuse(
                "constrained delegation needs a ticket-granting ticket for the realm that is asked",
            ));
        }
        if *self.asking.get_or_insert_with(|| tgt.client.clone()) != tgt.client {
            return Err(ProtocolError::Misuse(
                "the ticket-granting tickets of constrained delegation are all of the asking service",
            ));
        }
        // A KDC looks for services in its own realm and refers to another from there; MIT's knows no other way.
        let server = Principal {
            realm: self.at.clone(),
            name: self.params.server.name.clone(),
        };
        let mut params = TgsParams::s4u2proxy(tgt, server, &self.evidence)?;
        params.enctypes.clone_from(&self.params.enctypes);
        params.enctype_policy = self.params.enctype_policy.clone();
        params.clock_offset_seconds = self.params.clock_offset_seconds;
        params.skew_seconds_max = self.params.skew_seconds_max;
        params.armor = self.params.armor;
        self.took(TgsExchange::start(params, now, rng)?)
    }

    fn took(self, outcome: TgsOutcome) -> Result<ProxyOutcome, ProtocolError> {
        match outcome {
            TgsOutcome::Send {
                request,
                realm,
                constraints,
                pending,
            } => Ok(ProxyOutcome::Send {
                request,
                realm,
                constraints,
                pending: ProxyPending(Box::new((self, pending))),
            }),
            TgsOutcome::Done(done) => {
                let (expected, found) = (&self.params.server, &done.credential.server);
                if !expected.realm.is_empty() && expected.realm != found.realm {
                    let (expected, found) = (expected.clone(), found.clone());
                    return Err(self.fault(Misbehaviour::Server { expected, found }));
                }
                Ok(ProxyOutcome::Done(done))
            }
            TgsOutcome::Referral { tgt, realm } => self.sent_on(*tgt, realm),
        }
    }

    /// The user's TGT for another realm is the evidence there.
    fn sent_on(mut self, tgt: Credential, to: Realm) -> Result<ProxyOutcome, ProtocolError> {
        if self.seen.contains(&to) {
            return Err(self.fault(Misbehaviour::ReferralLoop { realm: to }));
        }
        if self.seen.len() >= usize::try_from(MAX_REFERRALS).unwrap_or(usize::MAX) {
            return Err(self.fault(Misbehaviour::TooManyReferrals { limit: MAX_REFERRALS }));
        }
        self.seen.push(core::mem::replace(&mut self.at, to));
        self.evidence = tgt;
        Ok(self.need())
    }

    fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(Refuser::Kdc(self.at.clone()), what)
    }
}

#[cfg(test)]
mod tests;
