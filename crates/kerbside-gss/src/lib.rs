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
//! clear (the kvno only orders the search for the key), the rotation count of a Wrap token by multiples of its length,
//! SPNEGO's reqFlags and fields that RFC 4178 does not know, the mechanism list where the mechanism chosen is both sides'
//! first, and error tokens as a whole.
//!
//! # Decisions
//!
//! - An authenticator without a checksum is refused. One with the session key's own checksum over no data, as Samba
//!   sends it, stands for mutual authentication without channel bindings, as with MIT; any other type but 0x8003 is
//!   refused.
//! - The kvno of a ticket orders the keys and excludes none: in Active Directory it drifts.
//! - Delegated credentials that a client sends are not taken, and the context says that they were offered.
//! - Wrap tokens are sent with rotation count 0 and extra count 0, and accepted with any.
//! - A mechListMIC is sent when it is required or when the peer sent one: old Windows trips over others.
//!
//! # What is not built
//!
//! Delegation, DCE style, anonymous contexts, user-to-user, IAKERB, NTLM and NEGOEX are refused by name.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod acceptor;
mod channel_bindings;
mod context;
mod error;
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

pub use acceptor::{Acceptor, AcceptorParams};
pub use channel_bindings::{BindingPolicy, BindingState, ChannelBindings, MAX_BINDINGS_LEN};
pub use context::{ContextFacts, KerberosFacts, SecurityContext};
pub use error::{Cause, GssError, Major};
pub use flags::ContextFlags;
pub use initiator::{Initiator, InitiatorParams};
pub use key_source::{HeldKey, KeySource, KeySourceError, MemoryKeys, ServiceKey, ServiceName};
pub use mechanism::{AcceptorMechanism, InitiatorMechanism, MAX_CONTEXT_TOKEN_LEN, Mechanism, Step};
pub use message::{PerMessage, Role, Unwrapped, UnwrappedInPlace, WrapLengths};
pub use names::{GssName, GssNameError, KerberosName, LocalNames, RealmOfHost, export_principal};
pub use sequence::SequenceFinding;
