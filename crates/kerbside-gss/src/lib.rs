//! GSS-API security contexts without I/O: the krb5 mechanism (RFC 4121) and SPNEGO (RFC 4178).
//!
//! A context is a conversation of tokens. Whoever carries them (HTTP headers, a database's wire protocol) calls
//! [`Initiator::start`] or [`Acceptor::step`] for the first, and the boxed [`Mechanism`] that a step leaves behind for
//! each one after it, until [`Step::Done`] brings a [`SecurityContext`]. Only that can protect messages, so nothing can
//! be wrapped before the peer is known. Nothing here reads a clock, a file, a socket or a source of randomness: the
//! ticket is a [`Credential`](kerbside_protocol::Credential), the acceptor's keys are a [`KeySource`], and time and
//! random generator are arguments.
//!
//! ```
//! use kerbside_gss::{Acceptor, GssError, SecurityContext, Step};
//! use kerbside_protocol::Now;
//!
//! /// Carries tokens until the context stands. `exchange` sends one to the client and waits for the next.
//! fn accept(
//!     acceptor: &Acceptor,
//!     first: &[u8],
//!     mut exchange: impl FnMut(&[u8]) -> Vec<u8>,
//!     now: impl Fn() -> Now,
//!     rng: &mut dyn kerbside_crypto::CryptoRng,
//! ) -> Result<Option<Box<SecurityContext>>, GssError> {
//!     let mut step = acceptor.step(first, now(), rng)?;
//!     loop {
//!         match step {
//!             Step::Continue { token, next } => step = next.step(&exchange(&token), now(), rng)?,
//!             // The last token, if there is one, goes to the client beside the application's answer.
//!             Step::Done { context, .. } => return Ok(Some(context)),
//!             _ => return Ok(None),
//!         }
//!     }
//! }
//! ```
//!
//! | for | see |
//! |---|---|
//! | who is at the other end, and how that is known | [`SecurityContext::facts`] |
//! | names as GSS-API programs write and keep them | [`GssName`] |
//! | which mechanisms are offered, in which order | [`Initiator::negotiate`], [`Acceptor::with_mechanisms`]; Kerberos alone by default |
//! | which service an acceptor is | [`ServiceName`] |
//! | binding a context to the TLS channel around it | [`ChannelBindings`], [`BindingPolicy`] |
//! | messages: encrypted, signed, in place | [`SecurityContext::wrap`] and the calls around it |
//! | lost, repeated, reordered messages | [`SequenceFinding`], beside each message that verified |
//! | what to tell the peer when it is refused | [`GssError::token`] |
//!
//! # What the protocol leaves unprotected
//!
//! An attacker on the path can change these without being noticed, and nothing that matters follows from them:
//! an AP-REQ's ap-options (the flags that count are in the encrypted authenticator), name type and kvno of a ticket in
//! clear (the kvno only orders the search for the key), the rotation count of a Wrap token by multiples of its length, two
//! octets behind the checksum of a triple DES MIC token, where Heimdal has them,
//! SPNEGO's reqFlags and fields that RFC 4178 does not know, the mechanism list where the mechanism chosen is both sides'
//! first, an optimistic token of a mechanism that was not chosen, the negState where no more follows from it than from the
//! tokens beside it, and error tokens as a whole.
//!
//! Two things follow from RFC 4178 and Windows' habits that a caller with several mechanisms should know. A mechanism that
//! cannot sign (NTLM without it) proves no list. And an acceptor that has NTLM in its list takes it raw, without SPNEGO:
//! somebody in between can then bring an initiator that would rather have had Kerberos to authenticate to the *acceptor*
//! by NTLM; the initiator does not take the result for a context. [`Acceptor::negotiated_only`] refuses raw tokens.
//!
//! # Decisions
//!
//! - An authenticator without a checksum is refused. One with the session key's own checksum over no data, as Samba
//!   sends it, stands for mutual authentication without channel bindings, as with MIT; any other type but 0x8003 is
//!   refused.
//! - The kvno of a ticket orders the keys and excludes none: in Active Directory it drifts.
//! - Delegated credentials must be the authenticated client's. One that is not encrypted within the encrypted
//!   authenticator is taken: Heimdal sends it so.
//! - Authorization data of a type that is not known is refused outside AD-IF-RELEVANT; a PAC that does not verify too.
//! - A ticket that passed third realms must have the KDC's word for it ([`TransitedPolicy`]).
//! - Wrap tokens are sent with rotation count 0 and extra count 0, and accepted with any.
//! - A mechListMIC is sent when it is required, when the peer sent one, or when the mechanism insists (NTLM with a MIC of
//!   its own): old Windows trips over others.
//! - Both of Kerberos' identifiers are one mechanism in the rule of what is preferred; user-to-user is another one.
//! - An optimistic token that says itself that it is of another mechanism than the first is not looked at: one more leg.
//! - The first answer to a SPNEGO initiator may be a raw token of the mechanism that it guessed; no later one may.
//! - A context exists once it is established, so it is then that it reports PROT_READY, and only established contexts can be
//!   exported: a half-made one is refused by having no such call. Export uses the context up; of its facts only the
//!   verified PAC stays behind, the authorization data that it was in do not.
//!
//! # What is not built
//!
//! IAKERB, and NEGOEX as a mechanism of its own, are refused by name. NTLM is in `kerbside-ntlm`.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod acceptor;
mod channel_bindings;
mod context;
mod delegation;
mod error;
mod exported;
mod flags;
mod initiator;
mod key_source;
mod krb5;
mod mechanism;
mod message;
mod names;
pub mod negoex;
mod oid_name;
mod sequence;
mod spnego;
#[cfg(test)]
mod test_realm;
mod trace;

pub use acceptor::{Acceptor, AcceptorParams, PacPolicy};
pub use channel_bindings::{BindingPolicy, BindingState, ChannelBindings, MAX_BINDINGS_LEN};
pub use context::{ContextFacts, KerberosFacts, MAX_EXPORTED_LEN, SecurityContext};
pub use delegation::{DelegatedCredential, DelegationPolicy};
pub use error::{Cause, GssError, Major};
pub use flags::ContextFlags;
pub use initiator::{Initiator, InitiatorParams, UserToUserParams};
pub use kerbside_crypto::Segment as IovBuffer;
pub use kerbside_pac::VerifiedPac;
pub use key_source::{HeldKey, KeySource, KeySourceError, MemoryKeys, ServiceKey, ServiceName};
pub use krb5::{Transited, TransitedPolicy};
pub use mechanism::{
    AcceptorMechanism, AwaitTicket, InitiatorMechanism, MAX_CONTEXT_TOKEN_LEN, Mechanism, Step, TicketRequest,
};
pub use message::{
    IovLengths, IovUnwrapped, MAX_PRF_LEN, PerMessage, PrfKey, Role, Unwrapped, UnwrappedInPlace, WrapLengths,
};
pub use names::{GssName, GssNameError, KerberosName, LocalNames, RealmOfHost, export_principal};
pub use sequence::SequenceFinding;
