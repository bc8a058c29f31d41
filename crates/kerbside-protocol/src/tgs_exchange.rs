//! The TGS exchange, client's side (RFC 4120 3.3): from a TGT to a ticket of any kind, or to the TGT of another realm
//! whose KDC is to be asked instead (RFC 6806 section 8).
//!
//! | file | what is in it |
//! |---|---|
//! | `params` | the kinds of tickets |
//! | `request` | the TGS-REQ |
//! | `reply` | what a TGS-REP is checked for |
//!
//! With [`TgsArmor`] the request and its reply go in a tunnel (FAST, RFC 6113) that the request's own ticket makes.
//!
//! It asks one KDC. [`ServiceExchange`](crate::ServiceExchange) goes from realm to realm with it.

mod params;
mod reply;
mod request;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, ErrorCode, KerberosTime, MsgType, Realm};
use kerbside_crypto::{CryptoRng, EncryptionType, Subkey};
use kerbside_formats::Credential;

pub use params::{TgsArmor, TgsClient, TgsParams};

use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::fast::Tunnel;
use crate::kdc_request::{Constraints, RequestTimes, permitted};
use crate::krb_error::KrbErrorFacts;
use crate::subkey::beside;
use crate::time::{Now, ahead, within};
use crate::trace;

/// Round trips that one TGS exchange may take: the request, once more over a stream, and some for a KDC of habits
/// unknown.
pub const MAX_TGS_ROUNDS: u32 = 10;

/// What a TGS exchange wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum TgsOutcome {
    /// A round trip to a KDC.
    Send {
        /// The encoded TGS-REQ.
        request: Vec<u8>,
        /// The realm whose KDC it goes to.
        realm: Realm,
        /// How it has to travel.
        constraints: Constraints,
        /// What takes the reply.
        pending: TgsPending,
    },
    /// The ticket.
    Done(Box<TgsDone>),
    /// Another ticket: a TGT for a realm that is nearer to the service, by the KDC's word.
    Referral {
        /// That TGT.
        tgt: Box<Credential>,
        /// The realm it is for.
        realm: Realm,
    },
}

/// What a TGS exchange won.
#[derive(Debug)]
#[non_exhaustive]
pub struct TgsDone {
    /// The ticket with its session key.
    pub credential: Credential,
    /// When the client's key or password expires, where the KDC tells.
    pub key_expiration: Option<KerberosTime>,
    /// Whether the KDC says under a key whose ticket it is: always where it is the TGT's own client, else in armor (FAST)
    /// or in the PA-S4U-X509-USER of its reply. Without it the name came in clear, and only whoever reads the ticket
    /// knows.
    pub client_vouched: bool,
    /// The version of the service's key that the ticket is encrypted with, as the ticket says.
    pub ticket_kvno: Option<u32>,
    /// The enctype of that key.
    pub ticket_enctype: EncryptionType,
}

/// The TGS exchange.
#[derive(Debug)]
pub struct TgsExchange;

impl TgsExchange {
    /// The request.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] for parameters that make no request, [`ProtocolError::Crypto`] for an enctype that the
    /// policy does not permit.
    pub fn start(params: TgsParams, now: Now, rng: &mut dyn CryptoRng) -> Result<TgsOutcome, ProtocolError> {
        if params.enctypes.is_empty() {
            return Err(ProtocolError::Misuse("a TGS request needs at least one enctype"));
        }
        permitted(&params.enctypes, &params.enctype_policy)?;
        trace::tgs_request(&params);
        let server = &params.tgt.server;
        let realm = server.name.krbtgt_realm();
        Exchange {
            kdc: Refuser::Kdc(realm.map_or_else(|| server.realm.clone(), Realm::new)),
            params,
            rounds: 0,
            stream_only: false,
        }
        .send(now, rng)
    }
}

struct Exchange {
    params: TgsParams,
    /// Who answers: the KDC of the realm that a TGT is for, and of its own realm for any other ticket.
    kdc: Refuser,
    rounds: u32,
    stream_only: bool,
}

/// The request on its way.
struct Sent {
    bytes: Vec<u8>,
    nonce: u32,
    times: RequestTimes,
    subkey: Subkey,
    /// The armor; none where the request has none.
    tunnel: Option<Tunnel>,
}

/// Waits for the KDC's reply.
pub struct TgsPending(Box<(Exchange, Sent)>);

impl core::fmt::Debug for TgsPending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TgsPending")
            .field("server", &self.0.0.params.server)
            .finish_non_exhaustive()
    }
}

impl TgsPending {
    /// Takes the KDC's reply, received at `now`.
    ///
    /// # Errors
    /// The exchange is over: what the KDC refused, what is wrong with the reply, or what is not built.
    pub fn reply(self, bytes: &[u8], now: Now) -> Result<TgsOutcome, ProtocolError> {
        let (exchange, sent) = *self.0;
        match asn1::peek_message(bytes) {
            Some(MsgType::TGS_REP) => exchange.take_tgs_rep(&sent, bytes, now),
            Some(MsgType::KRB_ERROR) => exchange.take_krb_error(sent, bytes, now),
            found => Err(ProtocolError::UnexpectedMessage {
                expected: "TGS-REP or KRB-ERROR",
                found,
            }),
        }
    }
}

impl Exchange {
    fn realm(&self) -> &Realm {
        match &self.kdc {
            Refuser::Kdc(realm) => realm,
            Refuser::Service(service) => &service.realm,
        }
    }

    fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(self.kdc.clone(), what)
    }

    fn send(self, now: Now, rng: &mut dyn CryptoRng) -> Result<TgsOutcome, ProtocolError> {
        let sent = self.params.request(now, rng)?;
        self.transmit(sent)
    }

    fn transmit(mut self, sent: Sent) -> Result<TgsOutcome, ProtocolError> {
        if self.rounds >= MAX_TGS_ROUNDS {
            return Err(self.fault(Misbehaviour::TooManyRounds {
                limit: MAX_TGS_ROUNDS,
            }));
        }
        self.rounds += 1;
        Ok(TgsOutcome::Send {
            request: sent.bytes.clone(),
            realm: self.realm().clone(),
            constraints: Constraints {
                stream_only: self.stream_only,
                primary_only: false,
            },
            pending: TgsPending(Box::new((self, sent))),
        })
    }

    /// The error in the tunnel of an error. A KDC that does not get as far as the tunnel, or knows none, answers without.
    fn error_in_armor(
        &self,
        sent: &Sent,
        outer: &KrbErrorFacts,
    ) -> Result<Option<KrbErrorFacts>, ProtocolError> {
        match &sent.tunnel {
            Some(tunnel) => tunnel.open_error(
                &self.kdc,
                outer,
                sent.nonce,
                &beside(&self.params.tgt.session_key),
            ),
            None => Ok(None),
        }
    }

    fn take_krb_error(mut self, sent: Sent, bytes: &[u8], now: Now) -> Result<TgsOutcome, ProtocolError> {
        let outer = KrbErrorFacts::parse(bytes)?;
        let error = self.error_in_armor(&sent, &outer)?.unwrap_or(outer);
        trace::tgs_error(&self.params, &error);
        let ahead_seconds = ahead(error.server_time.time, now.time);
        match error.code {
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG if self.stream_only => {
                Err(self.fault(Misbehaviour::TooBigOverStream))
            }
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG => {
                trace::tgs_retry_tcp();
                self.stream_only = true;
                self.transmit(sent)
            }
            ErrorCode::KRB_AP_ERR_SKEW if !within(ahead_seconds, self.params.skew_seconds_max) => {
                let allowed_seconds = self.params.skew_seconds_max;
                Err(ProtocolError::ClockSkew {
                    by: self.kdc,
                    ahead_seconds,
                    allowed_seconds,
                })
            }
            _ => {
                let by = self.kdc;
                let client = match self.params.client {
                    TgsClient::ForUser(user) => user.principal,
                    TgsClient::Own | TgsClient::Evidence(_) => self.params.tgt.client.clone(),
                };
                Err(error.into_refusal(by, Some(client), self.params.server))
            }
        }
    }
}
