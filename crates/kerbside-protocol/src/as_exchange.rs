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

mod outcome;
mod preauthentication;
mod reply;
#[cfg(test)]
mod tests;

pub use outcome::{AsDone, AsOutcome, AsParams};

use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, AsReq, ErrorCode, KdcOptions, KdcReq, MsgType, PaData, PaDataType, Raw};
use kerbside_crypto::{CryptoRng, Key, LongTermKey, Password, ReplyKey};

use crate::PVNO;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::kdc_request::{Body, Constraints, RequestTimes, nonce, permitted};
use crate::krb_error::KrbErrorFacts;
use crate::preauth::{Answer, KeyParams};
use crate::spake::{Agreement, Challenge};
use crate::time::{Now, ahead, within};

/// Round trips that one AS exchange may take: the first, two with pre-authentication, one after clock skew, one of them
/// once more over a stream, and some for a KDC of habits unknown.
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
            timestamp_offered: false,
            password: None,
        };
        exchange.send(Step::Nothing, now, rng)
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
    /// Whether an encrypted timestamp would do as well, by the KDC's word and the parameters.
    timestamp_offered: bool,
    password: Option<Password>,
}

/// What the next request brings for pre-authentication.
enum Step {
    Nothing,
    Timestamp(LongTermKey),
    SpakeSupport,
    SpakeResponse(Agreement),
}

/// What a request that was sent brought.
enum Proof {
    Nothing,
    /// A timestamp under this key.
    Timestamp(LongTermKey),
    /// The groups of SPAKE, in this PA-SPAKE.
    SpakeSupport(Vec<u8>),
    /// The answer to a challenge; the reply will be under this key.
    SpakeResponse(ReplyKey),
}

impl Proof {
    /// Whether it shows that the client knows its key.
    fn is_given(&self) -> bool {
        matches!(self, Self::Timestamp(_) | Self::SpakeResponse(_))
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

/// What a reply is opened with.
struct Opener {
    key: Key,
    params: Option<KeyParams>,
    preauthenticated: bool,
}

/// What the answer is for.
enum Reason {
    /// The timestamp of the next request, with one of these keys.
    Timestamp(Vec<KeyParams>),
    /// The response to this challenge, with this key.
    Spake(Challenge, KeyParams),
    /// A reply that is there already, which this key opens.
    Decrypt {
        reply: Vec<u8>,
        sent: Sent,
        params: KeyParams,
        preauthenticated: bool,
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
            Reason::Timestamp(candidates) => {
                let key = exchange.take_answer(answer, &candidates)?;
                exchange.send(Step::Timestamp(key), now, rng)
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
                reply,
                sent,
                params,
                preauthenticated,
            } => {
                let key = exchange.take_answer(answer, core::slice::from_ref(&params))?;
                let opener = Opener {
                    key: key.into_inner(),
                    params: Some(params),
                    preauthenticated,
                };
                exchange.finish(&sent, &reply, opener, now)
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
        let (padata, proof) = self.prove(step, &body, kdc_now, rng)?;
        let padata = padata
            .as_ref()
            .map(|(padata_type, value)| (*padata_type, &value[..]));
        let bytes = encode_request(&body, padata, self.cookie.as_deref())?;
        self.transmit(Sent {
            bytes,
            nonce,
            options,
            times,
            proof,
        })
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

    fn take_krb_error(
        mut self,
        sent: Sent,
        bytes: &[u8],
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<AsOutcome, ProtocolError> {
        let error = KrbErrorFacts::parse(bytes)?;
        let ahead_seconds = ahead(error.server_time.time, now.time);
        let skewed = !within(ahead_seconds, self.params.skew_seconds_max);
        match error.code {
            ErrorCode::KDC_ERR_PREAUTH_REQUIRED => match sent.proof {
                Proof::Nothing => self.preauth_required(&error, now, rng),
                _ => Err(self.fault(Misbehaviour::PreauthAgain)),
            },
            ErrorCode::KDC_ERR_MORE_PREAUTH_DATA_REQUIRED => self.more_preauth(&sent.proof, &error),
            // The KDC takes none of our groups (RFC 9588 4.2). No password was tried so far.
            ErrorCode::KDC_ERR_PREAUTH_FAILED
                if self.timestamp_offered && matches!(sent.proof, Proof::SpakeSupport(_)) =>
            {
                Ok(self.ask_for_timestamp())
            }
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG if self.stream_only => {
                Err(self.fault(Misbehaviour::TooBigOverStream))
            }
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG => {
                self.stream_only = true;
                self.transmit(sent)
            }
            // A KDC that only says "failed" may mean the clock: its own time in the error tells.
            ErrorCode::KRB_AP_ERR_SKEW | ErrorCode::KDC_ERR_PREAUTH_FAILED
                if matches!(sent.proof, Proof::Timestamp(_))
                    && !self.offset_learnt
                    && (skewed || error.code == ErrorCode::KRB_AP_ERR_SKEW)
                    && ahead_seconds != self.offset_seconds =>
            {
                self.offset_seconds = ahead_seconds;
                self.offset_learnt = true;
                let step = match sent.proof {
                    Proof::Timestamp(key) => Step::Timestamp(key),
                    _ => Step::Nothing,
                };
                self.send(step, now, rng)
            }
            ErrorCode::KRB_AP_ERR_SKEW if skewed => Err(ProtocolError::ClockSkew {
                by: self.kdc(),
                ahead_seconds,
                allowed_seconds: self.params.skew_seconds_max,
            }),
            ErrorCode::KDC_ERR_WRONG_REALM => Err(self.client_referral(&error)),
            _ => Err(error.into_refusal(
                self.kdc(),
                Some(self.params.client.clone()),
                self.params.service.clone(),
            )),
        }
    }

    fn client_referral(&self, error: &KrbErrorFacts) -> ProtocolError {
        let to = error
            .client_realm
            .as_ref()
            .map_or_else(|| "another realm".into(), |realm| format!("{realm}"));
        let because = format!(
            "{} points {} to {to}: {}",
            self.kdc(),
            self.params.client,
            error.code
        );
        ProtocolError::NotBuilt {
            what: "client referrals",
            because,
        }
    }
}

/// The encoded AS-REQ around `body`. PA-REQ-ENC-PA-REP is always there: it makes the KDC vouch for what it received.
fn encode_request(
    body: &[u8],
    proof: Option<(PaDataType, &[u8])>,
    cookie: Option<&[u8]>,
) -> Result<Vec<u8>, ProtocolError> {
    let mut padata = Vec::new();
    let mut add = |padata_type, padata_value| {
        padata.push(PaData {
            padata_type,
            padata_value,
        })
    };
    if let Some((padata_type, value)) = proof {
        add(padata_type, value);
    }
    if let Some(cookie) = cookie {
        add(PaDataType::PA_FX_COOKIE, cookie);
    }
    add(PaDataType::PA_REQ_ENC_PA_REP, &[]);
    let req_body = Raw::parse(body)?;
    let request = AsReq(KdcReq {
        pvno: PVNO,
        msg_type: MsgType::AS_REQ,
        padata: Some(padata),
        req_body,
    });
    Ok(asn1::encode(&request)?)
}
