//! A ticket for a service of any realm: the TGS exchanges it takes, from realm to realm (RFC 4120 1.2, RFC 6806).
//!
//! ```text
//!  start ──► Need (a TGT for the service's realm) ── there is one ──────────────────────────┐
//!                     │ none, or it is the client's own realm                               │
//!                     ▼                                                                     ▼
//!            Need (the client's TGT) ── own realm ──────────────────────────────► Send (the service, referrals on)
//!                     │ another realm                                               │       │           │
//!                     ▼                                                    referral │       │ refused   │ ticket
//!            Send (krbtgt/SERVICE'S REALM) ◄── the next realm on the path,          │       ▼           ▼
//!              │ refused: one realm closer      or Need: is there a TGT of it?      │   Send (exact)   Done
//!              │ a TGT of the path: on from there                                   │       │ ticket: Done
//!              └ a TGT of another realm: on from there, off the path                └ on to that realm's KDC
//! ```
//!
//! As MIT's library goes: the KDC is asked for the whole way at once and for a realm closer each time it refuses; a
//! service is asked for with CANONICALIZE, and once more without it where the first KDC refuses.

mod walk;

#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, AddressType, KdcOptions, KerberosTime, Principal, Realm};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy};
use kerbside_formats::Credential;

use crate::error::ProtocolError;
use crate::kdc_request::{Constraints, DEFAULT_SKEW_SECONDS};
use crate::realm_path::RealmPath;
use crate::tgs_exchange::{TgsArmor, TgsDone, TgsPending};
use crate::time::Now;
use walk::Walk;

/// How many times KDCs may send us on to another realm in one walk.
pub const MAX_REFERRALS: u32 = 10;

/// A service, and how its ticket shall be.
#[derive(Clone, Debug)]
pub struct ServiceParams {
    /// The realm whose KDC gave the client its first TGT.
    pub start: Realm,
    /// The service. Without a realm it is the KDC of the first one that says where it is.
    pub server: Principal,
    /// The way to the service's realm, where that is another one.
    pub path: RealmPath,
    /// Options besides those that a TGT can do itself: PROXY, POSTDATED, ENC-TKT-IN-SKEY.
    pub options: KdcOptions,
    /// The start of a postdated ticket.
    pub start_time: Option<KerberosTime>,
    /// When the ticket shall end; `None` is when the TGT does.
    pub till: Option<KerberosTime>,
    /// The enctypes that the session key may have, best first.
    pub enctypes: Vec<EncryptionType>,
    /// The enctypes that session keys of TGTs on the way may have.
    pub tgt_enctypes: Vec<EncryptionType>,
    /// Which of them may be used at all.
    pub enctype_policy: EnctypePolicy,
    /// The addresses to bind the ticket to.
    pub addresses: Vec<(AddressType, Vec<u8>)>,
    /// Authorization data for the ticket.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
    /// Further tickets, each the encoding of a `Ticket`: the service's own TGT for user-to-user.
    pub additional_tickets: Vec<Vec<u8>>,
    /// How far the KDC's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
    /// The largest difference between the clocks, in seconds.
    pub skew_seconds_max: i64,
    /// Whether requests to the KDC of `start` are armored; what other realms' KDCs know is not known, so for them
    /// [`TgsArmor::Required`] is [`TgsArmor::Offered`].
    pub armor: TgsArmor,
}

impl ServiceParams {
    /// A ticket for `server` by a TGT of `start`; the way is the hierarchy of the realms' names.
    pub fn new(start: Realm, server: Principal) -> Self {
        Self {
            path: RealmPath::hierarchical(&start, &server.realm),
            start,
            server,
            options: KdcOptions::default(),
            start_time: None,
            till: None,
            enctypes: EncryptionType::SUPPORTED.to_vec(),
            tgt_enctypes: EncryptionType::SUPPORTED.to_vec(),
            enctype_policy: EnctypePolicy::DEFAULT,
            addresses: Vec::new(),
            authorization_data: Vec::new(),
            additional_tickets: Vec::new(),
            clock_offset_seconds: 0,
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            armor: TgsArmor::Never,
        }
    }
}

/// What the search for a service's ticket wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum ServiceOutcome {
    /// A ticket-granting ticket that the cache may have.
    Need {
        /// The realm it is for: `krbtgt/REALM`. Of the realm the search starts from it is that realm's own; of others
        /// it does not matter who issued it.
        realm: Realm,
        /// What takes it.
        pending: ServiceNeed,
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
        pending: ServicePending,
    },
    /// A ticket-granting ticket won on the way, worth keeping.
    Won {
        /// The ticket.
        tgt: Box<Credential>,
        /// What goes on.
        pending: ServiceWon,
    },
    /// The ticket.
    Done(Box<TgsDone>),
}

/// The search for a ticket.
#[derive(Debug)]
pub struct ServiceExchange;

impl ServiceExchange {
    /// Begins the search.
    pub fn start(params: ServiceParams) -> ServiceOutcome {
        Walk::start(params)
    }
}

/// Waits for a ticket that the cache may have.
#[derive(Debug)]
pub struct ServiceNeed(Box<Walk>);

impl ServiceNeed {
    /// Takes a valid TGT for the realm, or the word that there is none.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] without the TGT of the realm the search starts from, and when the search cannot go on.
    pub fn answer(
        self,
        tgt: Option<Arc<Credential>>,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        self.0.have(tgt, now, rng)
    }
}

/// Waits for a KDC's reply.
#[derive(Debug)]
pub struct ServicePending(Box<(Walk, TgsPending)>);

impl ServicePending {
    /// Takes the KDC's reply, received at `now`.
    ///
    /// # Errors
    /// The search is over: what the last KDC refused, or what is wrong with its reply.
    pub fn reply(
        self,
        bytes: &[u8],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<ServiceOutcome, ProtocolError> {
        let (walk, pending) = *self.0;
        walk.replied(pending.reply(bytes, now), now, rng)
    }
}

/// Waits for a ticket to be kept.
#[derive(Debug)]
pub struct ServiceWon(Box<Walk>);

impl ServiceWon {
    /// Goes on, the ticket kept or not.
    ///
    /// # Errors
    /// The search cannot go on.
    pub fn go_on(self, now: Now, rng: &mut dyn CryptoRng) -> Result<ServiceOutcome, ProtocolError> {
        self.0.advance(now, rng)
    }
}
