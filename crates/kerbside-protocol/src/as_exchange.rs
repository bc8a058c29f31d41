//! The AS exchange, client's side (RFC 4120 3.1): from a password or key to a first ticket.
//!
//! ```text
//!  start ──► Send (no pre-authentication) ──► PREAUTH_REQUIRED ──► Ask ──► Send (encrypted timestamp) ──► AS-REP ──► Done
//!                     │                              │                        │
//!                     ├──► AS-REP ──► Ask ──► Done   │                        ├──► clock skew ──► Send, once, with the KDC's clock
//!                     └──► too big for a datagram ──►│ Send over a stream ◄───┘
//!                                                    │
//!                                                    ├──► Send (SPAKE support) ──► MORE_PREAUTH_DATA_REQUIRED ──┐
//!                                                    └──► a SPAKE challenge at once ────────────────────────────┴──► Ask
//!                                                                    Done ◄── AS-REP ◄── Send (SPAKE response) ◄──┘
//! ```
//!
//! In armor (FAST, RFC 6113) it is the same line, each request and reply in a tunnel, with the encrypted challenge in the
//! place of the timestamp. Three errors begin it again: one that says that the KDC knows FAST where there is armor for it,
//! an expired pre-authentication (once), and a referral to the client's own realm (RFC 6806 section 7), which may want
//! other armor first ([`AsOutcome::NeedArmor`]).

mod error_reply;
mod outcome;
mod preauthentication;
mod reply;
#[cfg(test)]
mod tests;

pub use outcome::{AsDone, AsOutcome, AsParams};

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AsReq, KdcOptions, KdcReq, KerbPaPacRequest, MsgType, NameType, PaDataType, Raw, Realm,
};
use kerbside_crypto::{CryptoRng, LongTermKey, Password, ReplyKey};

use crate::PVNO;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::fast::{FastArmor, Opened, Padata, Tunnel, borrowed};
use crate::kdc_request::{Body, Constraints, RequestTimes, nonce, permitted};
use crate::preauth::{Answer, KeyParams};
use crate::spake::{Agreement, Challenge};
use crate::time::Now;
use crate::trace;

/// Round trips that an AS exchange may take in one realm: the first, the same in armor, two with pre-authentication, one
/// after clock skew, one of them once more over a stream, and some for a KDC of habits unknown.
pub const MAX_AS_ROUNDS: u32 = 10;

/// The AS exchange.
#[derive(Debug)]
pub struct AsExchange;

impl AsExchange {
    /// The first request, without pre-authentication: the KDC says what it wants.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] for parameters that make no request, [`ProtocolError::Crypto`] for an enctype that the
    /// policy does not permit.
    pub fn start(params: AsParams, now: Now, rng: &mut dyn CryptoRng) -> Result<AsOutcome, ProtocolError> {
        if params.enctypes.is_empty() {
            return Err(ProtocolError::Misuse("an AS request needs at least one enctype"));
        }
        permitted(&params.enctypes, &params.enctype_policy)?;
        if params.lifetime_seconds <= 0 || params.renew_lifetime_seconds.is_some_and(|seconds| seconds <= 0) {
            return Err(ProtocolError::Misuse(
                "an AS request needs a lifetime of more than 0 seconds",
            ));
        }
        if params.service.realm != params.client.realm {
            return Err(ProtocolError::Misuse(
                "an AS request is for a service of the client's own realm",
            ));
        }
        let offset_seconds = params.clock_offset_seconds;
        let exchange = Exchange {
            params,
            offset_seconds,
            offset_learnt: false,
            rounds: 0,
            stream_only: false,
            hints: Vec::new(),
            cookie: None,
            second_choice: None,
            password: None,
            tunnel: None,
            restarted: false,
            left: Vec::new(),
        };
        exchange.begin(now, rng)
    }
}

/// What lasts from round to round.
struct Exchange {
    params: AsParams,
    /// How far the KDC's clock is taken to be ahead, in seconds. Learnt from an error it serves this exchange alone.
    offset_seconds: i64,
    offset_learnt: bool,
    rounds: u32,
    stream_only: bool,
    /// What the KDC said about the client's keys before pre-authentication.
    hints: Vec<KeyParams>,
    cookie: Option<Vec<u8>>,
    /// What would do as well as SPAKE, by the KDC's word and the parameters.
    second_choice: Option<KeyProof>,
    password: Option<Password>,
    /// The armor that is in use.
    tunnel: Option<Tunnel>,
    /// Whether the exchange began again already because its pre-authentication expired.
    restarted: bool,
    /// The realms whose KDCs sent the client on.
    left: Vec<Realm>,
}

/// How the client shows that it knows its key, other than by SPAKE: with the time, encrypted.
#[derive(Clone, Copy, PartialEq, Eq)]
enum KeyProof {
    /// Under the key itself.
    Timestamp,
    /// Under a key made of it and the armor's.
    Challenge,
}

impl KeyProof {
    fn padata_type(self) -> PaDataType {
        match self {
            Self::Timestamp => PaDataType::PA_ENC_TIMESTAMP,
            Self::Challenge => PaDataType::PA_ENCRYPTED_CHALLENGE,
        }
    }
}

/// What the next request brings for pre-authentication.
enum Step {
    Nothing,
    Key(KeyProof, LongTermKey),
    SpakeSupport,
    SpakeResponse(Agreement),
}

/// What a request that was sent brought.
enum Proof {
    Nothing,
    /// The time under this key, or under one made of it.
    Key(KeyProof, LongTermKey),
    /// The groups of SPAKE, in this PA-SPAKE.
    SpakeSupport(Vec<u8>),
    /// The answer to a challenge; the reply will be under this key.
    SpakeResponse(ReplyKey),
}

impl Proof {
    /// The pre-authentication that shows that the client knows its key; none where nothing does.
    fn given(&self) -> Option<PaDataType> {
        match self {
            Self::Nothing | Self::SpakeSupport(_) => None,
            Self::Key(kind, _) => Some(kind.padata_type()),
            Self::SpakeResponse(_) => Some(PaDataType::PA_SPAKE),
        }
    }
}

/// The request on its way.
struct Sent {
    bytes: Vec<u8>,
    nonce: u32,
    options: KdcOptions,
    times: RequestTimes,
    proof: Proof,
}

/// Waits for the KDC's reply.
pub struct AsPending(Box<(Exchange, Sent)>);

/// Waits for the caller's answer.
pub struct AsAsk(Box<(Exchange, Reason)>);

/// Waits for armor of another realm.
pub struct AsNeedArmor(Box<Exchange>);

/// A reply, as it came and as far as it is opened.
struct Received {
    bytes: Vec<u8>,
    /// What its tunnel held; none without armor.
    opened: Option<Opened>,
    /// What the client had proved itself by.
    proved_by: Option<PaDataType>,
}

/// What the answer is for.
enum Reason {
    /// The proof of the next request, with one of these keys.
    Prove(KeyProof, Vec<KeyParams>),
    /// The response to this challenge, with this key.
    Spake(Challenge, KeyParams),
    /// A reply that is there already, which this key opens.
    Decrypt {
        received: Box<Received>,
        sent: Box<Sent>,
        params: KeyParams,
    },
}

impl core::fmt::Debug for AsPending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AsPending")
            .field("client", &self.0.0.params.client)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for AsAsk {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AsAsk")
            .field("client", &self.0.0.params.client)
            .finish_non_exhaustive()
    }
}

impl core::fmt::Debug for AsNeedArmor {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("AsNeedArmor")
            .field("client", &self.0.params.client)
            .finish_non_exhaustive()
    }
}

impl AsNeedArmor {
    /// Goes on in the realm that was named, with armor for it.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] and [`ProtocolError::ArmorExpired`] for a ticket that is none, else as
    /// [`AsExchange::start`].
    pub fn armor(
        self,
        armor: FastArmor,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let mut exchange = *self.0;
        exchange.params.armor = Some(armor);
        exchange.begin(now, rng)
    }
}

impl AsPending {
    /// Takes the KDC's reply, received at `now`.
    ///
    /// # Errors
    /// The exchange is over: what the KDC refused, what is wrong with the reply, or what is not built.
    pub fn reply(self, bytes: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<AsOutcome, ProtocolError> {
        let (exchange, sent) = *self.0;
        match asn1::peek_message(bytes) {
            Some(MsgType::AS_REP) => exchange.take_as_rep(sent, bytes, now),
            Some(MsgType::KRB_ERROR) => exchange.take_krb_error(sent, bytes, now, rng),
            found => Err(ProtocolError::UnexpectedMessage {
                expected: "AS-REP or KRB-ERROR",
                found,
            }),
        }
    }
}

impl AsAsk {
    /// Takes the answer to the question, given at `now`.
    ///
    /// # Errors
    /// [`ProtocolError::KeyNotCandidate`] for a key of another enctype than the candidates', [`ProtocolError::Crypto`]
    /// for a password that cannot be used with the KDC's parameters; else as [`AsPending::reply`].
    pub fn answer(
        self,
        answer: Answer,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let (mut exchange, reason) = *self.0;
        match reason {
            Reason::Prove(kind, candidates) => {
                let key = exchange.take_answer(answer, &candidates)?;
                exchange.send(Step::Key(kind, key), now, rng)
            }
            Reason::Spake(challenge, params) => {
                let key = exchange.take_answer(answer, core::slice::from_ref(&params))?;
                let group = challenge.group();
                let agreement = challenge
                    .agree(key, rng)?
                    .ok_or_else(|| exchange.fault(Misbehaviour::SpakePoint { group }))?;
                exchange.send(Step::SpakeResponse(agreement), now, rng)
            }
            Reason::Decrypt {
                received,
                sent,
                params,
            } => {
                let key = exchange.take_answer(answer, core::slice::from_ref(&params))?;
                trace::as_key_obtained(key.enctype());
                exchange.finish(&sent, &received, key.into_inner(), Some(params), now)
            }
        }
    }
}

impl Exchange {
    fn kdc(&self) -> Refuser {
        Refuser::Kdc(self.params.client.realm.clone())
    }

    fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(self.kdc(), what)
    }

    fn derive(&self, params: &KeyParams, password: &Password) -> Result<LongTermKey, ProtocolError> {
        params.derive_with_policy(
            password,
            &self.params.iteration_limits,
            &self.params.enctype_policy,
        )
    }

    /// The key that the answer gives; a password is kept for a reply that wants another key of it.
    fn take_answer(
        &mut self,
        answer: Answer,
        candidates: &[KeyParams],
    ) -> Result<LongTermKey, ProtocolError> {
        match answer {
            Answer::Password(password) => {
                let best = candidates
                    .first()
                    .ok_or(ProtocolError::Misuse("no key would do"))?;
                let key = self.derive(best, &password)?;
                self.password = Some(password);
                Ok(key)
            }
            Answer::Key(key)
                if candidates
                    .iter()
                    .any(|candidate| candidate.enctype == key.enctype()) =>
            {
                Ok(key)
            }
            Answer::Key(key) => Err(ProtocolError::KeyNotCandidate {
                principal: self.params.client.clone(),
                candidates: candidates.iter().map(|candidate| candidate.enctype).collect(),
                found: key.enctype(),
            }),
        }
    }

    /// The first request to a realm, in armor where it is known to take it.
    fn begin(mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<AsOutcome, ProtocolError> {
        if self.params.armor.as_ref().is_some_and(|armor| armor.required) {
            self.put_on_armor(now, rng)?;
        } else if let Some(armor) = &self.params.armor {
            armor.check(&self.params.client.realm, now.offset_by(self.offset_seconds)?)?;
        }
        self.send(Step::Nothing, now, rng)
    }

    /// New armor, for all that follows.
    fn put_on_armor(&mut self, now: Now, rng: &mut dyn CryptoRng) -> Result<(), ProtocolError> {
        if let Some(armor) = &self.params.armor {
            let kdc_now = now.offset_by(self.offset_seconds)?;
            armor.check(&self.params.client.realm, kdc_now)?;
            self.tunnel = Some(Tunnel::by_ticket(&armor.ticket, kdc_now, rng)?);
        }
        Ok(())
    }

    /// Whether the KDC may know the client by another name or send it to another realm.
    fn canonicalizes(&self) -> bool {
        self.params.options.contains(KdcOptions::CANONICALIZE)
            || self.params.client.name.name_type == NameType::NT_ENTERPRISE
    }

    /// Makes a request, with what `step` says for pre-authentication.
    fn send(self, step: Step, now: Now, rng: &mut dyn CryptoRng) -> Result<AsOutcome, ProtocolError> {
        let kdc_now = now.offset_by(self.offset_seconds)?;
        let mut options = self.params.options;
        if self.params.renew_lifetime_seconds.is_some() {
            options.insert(KdcOptions::RENEWABLE);
        }
        if self.params.start.is_some() {
            options.insert(KdcOptions::POSTDATED);
            options.insert(KdcOptions::ALLOW_POSTDATE);
        }
        let times = RequestTimes::counted(
            kdc_now,
            self.params.start,
            self.params.lifetime_seconds,
            self.params.renew_lifetime_seconds,
        )?;
        let nonce = nonce(rng);
        let body = Body {
            options,
            client: Some(&self.params.client),
            server: &self.params.service,
            times,
            nonce,
            enctypes: &self.params.enctypes,
            addresses: &self.params.addresses,
            enc_authorization_data: None,
            additional_tickets: &[],
        }
        .encode()?;
        let (shown, proof) = self.prove(step, &body, kdc_now, rng)?;
        let mut padata = self.padata(shown)?;
        if let Some(tunnel) = &self.tunnel {
            let (value, _) = tunnel.wrap(&body, Raw::parse(&body)?, &padata, rng)?;
            padata = vec![(PaDataType::PA_FX_FAST, value)];
        }
        let bytes = encode_request(&body, &padata)?;
        self.transmit(Sent {
            bytes,
            nonce,
            options,
            times,
            proof,
        })
    }

    /// The padata of a request. PA-REQ-ENC-PA-REP is always there: it makes the KDC vouch for what it received.
    fn padata(&self, proof: Option<Padata>) -> Result<Vec<Padata>, ProtocolError> {
        if let Some((proof, _)) = &proof {
            trace::preauth_output(self.cookie.is_some(), *proof);
        }
        let mut padata = Vec::from_iter(proof);
        let cookie = self.cookie.clone();
        padata.extend(cookie.map(|cookie| (PaDataType::PA_FX_COOKIE, cookie)));
        if let Some(include_pac) = self.params.include_pac {
            let value = asn1::encode(&KerbPaPacRequest { include_pac })?;
            padata.push((PaDataType::PA_PAC_REQUEST, value));
        }
        padata.push((PaDataType::PA_REQ_ENC_PA_REP, Vec::new()));
        Ok(padata)
    }

    fn transmit(mut self, sent: Sent) -> Result<AsOutcome, ProtocolError> {
        if self.rounds >= MAX_AS_ROUNDS {
            return Err(self.fault(Misbehaviour::TooManyRounds { limit: MAX_AS_ROUNDS }));
        }
        self.rounds += 1;
        Ok(AsOutcome::Send {
            request: sent.bytes.clone(),
            realm: self.params.client.realm.clone(),
            constraints: Constraints {
                stream_only: self.stream_only,
                primary_only: false,
            },
            pending: AsPending(Box::new((self, sent))),
        })
    }
}

/// The encoded AS-REQ around `body`.
fn encode_request(body: &[u8], padata: &[Padata]) -> Result<Vec<u8>, ProtocolError> {
    let req_body = Raw::parse(body)?;
    let request = AsReq(KdcReq {
        pvno: PVNO,
        msg_type: MsgType::AS_REQ,
        padata: Some(borrowed(padata)),
        req_body,
    });
    Ok(asn1::encode(&request)?)
}
