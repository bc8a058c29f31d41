//! GSS-API security contexts without I/O: the krb5 mechanism (RFC 4121) and SPNEGO (RFC 4178).
//!
//! A context is a conversation of tokens. Whoever carries them (HTTP headers, a database's wire protocol) calls
//! [`Initiator::start`] or [`Acceptor::step`] for the first, and the boxed [`Mechanism`] that a step leaves behind for
//! each one after it, until [`Step::Done`] brings a [`SecurityContext`]. Only that can protect messages, so nothing can
//! be wrapped before the peer is known. Nothing here reads a clock, a file, a socket or a source of randomness: the
//! ticket is a [`Credential`](kerbside_protocol::Credential), the acceptor's keys are a [`KeySource`], and time and
//! random generator are arguments.
//!
//! | for | see |
//! |---|---|
//! | who is at the other end, and how that is known | [`SecurityContext::facts`] |
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
//! SPNEGO's reqFlags, the mechanism list where the mechanism chosen is both sides' first, and error tokens as a whole.
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
mod oid_name;
mod sequence;
mod spnego;
#[cfg(test)]
mod test_realm;

pub use acceptor::{Acceptor, AcceptorParams};
pub use channel_bindings::{BindingPolicy, BindingState, ChannelBindings, MAX_BINDINGS_LEN};
pub use context::{ContextFacts, SecurityContext};
pub use error::{Cause, GssError, Major};
pub use flags::ContextFlags;
pub use initiator::{Initiator, InitiatorParams};
pub use key_source::{HeldKey, KeySource, KeySourceError, MemoryKeys, ServiceKey, ServiceName};
pub use mechanism::{MAX_CONTEXT_TOKEN_LEN, Mechanism, Step};
pub use message::{Role, Unwrapped, UnwrappedInPlace, WrapLengths};
pub use sequence::SequenceFinding;
