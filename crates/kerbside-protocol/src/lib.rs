//! Sans-IO Kerberos exchanges (RFC 4120 section 3): AS, TGS and AP, and the change of a password (RFC 3244).
//!
//! Nothing here reads a clock, a file, a socket or a source of randomness: the time is a [`Now`], randomness a
//! `&mut dyn CryptoRng`, the bytes of the network go in and out as slices. Each exchange is a line of values that are
//! consumed by the step to the next one, so that a finished exchange cannot be stepped and a check cannot be left out.
//!
//! | exchange | client's side | other side |
//! |---|---|---|
//! | AS (RFC 4120 3.1) | [`AsExchange`] | `kerbside-kdc` |
//! | TGS (3.3), one KDC | [`TgsExchange`] | `kerbside-kdc`, on [`ApReqParsed`] |
//! | TGS, from realm to realm (1.2, RFC 6806) | [`ServiceExchange`] | |
//! | TGS, a service for its users (S4U2Proxy, MS-SFU) | [`ProxyExchange`] | |
//! | AP (3.2) | [`ApInitiator`] | [`ApReqParsed`] and the stages after it |
//! | password change (RFC 3244) | [`KpasswdExchange`] | not built yet |
//!
//! Pre-authentication in the AS exchange is SPAKE (RFC 9588) where the KDC offers it, else the encrypted challenge in armor
//! and the encrypted timestamp in clear. Armor is FAST (RFC 6113): [`FastArmor`] in [`AsParams::armor`].
//!
//! # A login
//!
//! ```no_run
//! use kerbside_asn1::Realm;
//! use kerbside_crypto::{CryptoRng, Password};
//! use kerbside_protocol::{Answer, AsDone, AsExchange, AsOutcome, AsParams, Now, ProtocolError};
//!
//! /// `round_trip` takes the request to a KDC of the realm (over a stream if told so) and brings back the reply.
//! fn login(
//!     params: AsParams,
//!     password: Password,
//!     now: impl Fn() -> Now,
//!     rng: &mut dyn CryptoRng,
//!     round_trip: impl Fn(&Realm, bool, &[u8]) -> Vec<u8>,
//! ) -> Result<AsDone, ProtocolError> {
//!     let mut outcome = AsExchange::start(params, now(), rng)?;
//!     loop {
//!         outcome = match outcome {
//!             AsOutcome::Send { request, realm, constraints, pending } => {
//!                 let reply = round_trip(&realm, constraints.stream_only, &request);
//!                 pending.reply(&reply, now(), rng)?
//!             }
//!             AsOutcome::Ask { pending, .. } => pending.answer(Answer::Password(password.clone()), now(), rng)?,
//!             AsOutcome::Done(done) => return Ok(*done),
//!             _ => unreachable!("an outcome of a later version"),
//!         };
//!     }
//! }
//! ```
//!
//! # What the driver owes
//!
//! `now` must never be handed out twice: two AP-REQs of one client must not share ctime and cusec (RFC 4120 3.2.3), so
//! whoever reads the clock makes its microseconds strictly increasing.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

/// The version of the protocol, in every message.
const PVNO: i32 = 5;

mod ap_acceptor;
mod ap_initiator;
mod as_exchange;
mod authenticator;
mod error;
mod error_data;
#[cfg(test)]
mod fake_kdc;
mod fast;
mod kdc_reply;
mod kdc_request;
mod kpasswd;
mod krb_error;
mod plaintext;
mod preauth;
mod proxy_exchange;
mod realm_path;
mod replay;
mod s4u;
mod service_exchange;
mod spake;
mod subkey;
mod tgs_exchange;
mod third_leg;
mod ticket;
mod time;
pub mod trace;

pub use ap_acceptor::{
    ApReply, ApReqParsed, AuthenticatorPolicy, AuthenticatorVerified, Purpose, ReplayChecked, ReplyParams,
    TicketDecrypted,
};
pub use ap_initiator::{ApEstablished, ApInitiator, ApParams, ApPending};
pub use as_exchange::{
    AsAsk, AsDone, AsExchange, AsNeedArmor, AsOutcome, AsParams, AsPending, MAX_AS_ROUNDS,
};
pub use authenticator::AuthenticatorFacts;
pub use error::{ApRefusal, Misbehaviour, ProtocolError, Refusal, Refuser};
pub use error_data::ErrorData;
pub use fast::FastArmor;
pub use kdc_request::{Constraints, DEFAULT_SKEW_SECONDS};
pub use kerbside_formats::Credential;
pub use kpasswd::{KpasswdDone, KpasswdExchange, KpasswdParams, KpasswdPending};
pub use krb_error::{ErrorReply, KrbErrorFacts};
pub use plaintext::decode_plaintext;
pub use preauth::{Answer, KeyParams, Question, decrypt_enc_timestamp, enc_timestamp};
pub use proxy_exchange::{ProxyExchange, ProxyNeed, ProxyOutcome, ProxyParams, ProxyPending};
pub use realm_path::{RealmPath, hierarchical_path};
pub use replay::{ReplayCache, ReplayTag, ReplayWindow, Verdict};
pub use s4u::S4uUser;
pub use service_exchange::{
    MAX_REFERRALS, ServiceExchange, ServiceNeed, ServiceOutcome, ServiceParams, ServicePending, ServiceWon,
};
pub use spake::SPAKE_GROUPS;
pub use tgs_exchange::{
    MAX_TGS_ROUNDS, TgsArmor, TgsClient, TgsDone, TgsExchange, TgsOutcome, TgsParams, TgsPending,
};
pub use ticket::DecryptedTicket;
pub use time::Now;
