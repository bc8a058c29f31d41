//! NTLM (MS-NLMP) without I/O: the three messages, both sides, signed and sealed messages.
//!
//! NTLM is for peers that have no Kerberos. It is never offered unless a program asks for it: an
//! [`Initiator`](kerbside_gss::Initiator) or [`Acceptor`](kerbside_gss::Acceptor) has Kerberos alone until its list of
//! mechanisms is given [`NtlmInitiatorParams::into_mechanism`] or [`NtlmAcceptorParams::into_mechanism`]. It then goes
//! both raw and by SPNEGO, and where it stands in that list is the caller's choice: last, beside Kerberos.
//!
//! ```
//! use std::sync::Arc;
//!
//! use kerbside_crypto::{CryptoRng, Password};
//! use kerbside_gss::{Acceptor, GssError, Initiator, Step};
//! use kerbside_ntlm::{NtlmAcceptorParams, NtlmInitiatorParams, UserFile};
//! use kerbside_protocol::Now;
//!
//! fn first_token(now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
//!     let ntlm = NtlmInitiatorParams::new("DOM", "alice", &Password::from("secret"))?
//!         .with_target("HTTP/server.example");
//!     Initiator::negotiate(vec![ntlm.into_mechanism()?]).start(now, rng)
//! }
//!
//! fn acceptor(user_file: &[u8]) -> Result<Acceptor, GssError> {
//!     let users = Arc::new(UserFile::parse(user_file, "SERVER")?);
//!     let ntlm = NtlmAcceptorParams::new(users, "SERVER").with_domain("DOM");
//!     Ok(Acceptor::with_mechanisms(vec![ntlm.into_mechanism()]))
//! }
//! ```
//!
//! | for | see |
//! |---|---|
//! | who may log in | [`NtHashSource`], [`UserFile`] |
//! | bytes to messages and back | [`NegotiateMessage`], [`ChallengeMessage`], [`AuthenticateMessage`], [`AvPairs`] |
//! | binding to a TLS channel, and to a service's name | [`NtlmAcceptorParams::with_channel_bindings`], [`NtlmAcceptorParams::with_targets`] |
//! | why something was refused | [`NtlmError`], in [`Cause::Mechanism`](kerbside_gss::Cause::Mechanism) |
//!
//! # What is refused, and how it is allowed
//!
//! | refused by default | allowed by |
//! |---|---|
//! | NTLM v1, from either side | [`NtlmPolicy::allow_v1`]; an initiator also [`NtlmInitiatorParams::with_v1`] |
//! | no extended session security | [`NtlmPolicy::allow_without_extended_session_security`] |
//! | keys of 56 or 40 bits | [`NtlmPolicy::key_strength_min`] |
//! | AUTHENTICATE without a MIC | [`NtlmPolicy::mic`] |
//! | a response whose time is not the challenge's | [`NtlmPolicy::timestamp`] |
//! | an answer after five minutes | [`NtlmPolicy::challenge_lifetime_seconds`] |
//! | a client without a name | [`NtlmPolicy::allow_anonymous`] |
//! | strings that are not Unicode | [`NtlmPolicy::allow_oem`] |
//! | channel bindings that differ, or are none from a client that knows of them | [`BindingPolicy::Off`](kerbside_gss::BindingPolicy::Off) |
//! | a target that is none of the acceptor's | [`NtlmAcceptorParams::with_targets`] with `BindingPolicy::Off` |
//! | a challenge of this very program, where [`IssuedChallenges`] is shared | not sharing it |
//! | a target with another marshalled into it; flags that a peer took out; LM and LMv2 responses alone; messages that are not the next | nothing |
//!
//! # What NTLM leaves unprotected
//!
//! With the MIC all three messages are protected, to the octet. Without it, where [`NtlmPolicy::mic`] or
//! [`NtlmPolicy::allow_v1`] lets that pass, an attacker on the path can change: in NEGOTIATE the Version and all flags but
//! those that the client insists on, which takes out key exchange; in CHALLENGE the TargetName, the Version and flags that
//! decide nothing, and for NTLM v1 the TargetInfo; in AUTHENTICATE the Version, the Workstation, the letters' case of
//! domain and user, the LM response and flags that decide nothing. In a signature without extended session security nobody
//! reads RandomPad.
//!
//! And at all times NTLM lets whoever relays the messages log in: only channel bindings and the target, required, stop
//! that. NTLM does not authenticate the acceptor: that it knows the user's hash is seen at its first signed message.
//!
//! # Decisions
//!
//! - A MIC is sent whether the challenge has a time or not, so that taking the time out does not take the MIC out.
//! - Where sealing was negotiated, every Wrap token is sealed: the token does not say which it is.
//! - Where signing was not, there are no signatures, not the ones of zeros (MS-NLMP 3.4.4.3).
//! - The LM response is never taken for a login, and in NTLM v1 never made from the LM hash.
//! - The client's realm and name are the account source's spelling, not the client's.
//!
//! # What is not built
//!
//! Connectionless (datagram) authentication, the LM session keys in an exchange, guest logins, the pass-through of
//! responses to a domain controller (MS-APDS) and OEM characters outside ASCII are refused by name. There is no PRF.
#![no_std]
extern crate alloc;
#[cfg(test)]
extern crate std;

mod acceptor;
mod agreement;
mod av_pairs;
mod error;
mod flags;
mod initiator;
mod keystream;
mod login;
mod messages;
mod policy;
mod response;
mod secret;
mod session;
mod target;
#[cfg(test)]
mod tests;
mod text;
mod users;
mod wire;

pub use acceptor::NtlmAcceptorParams;
pub use av_pairs::{AV_FLAG_MIC, AV_FLAG_UNTRUSTED_TARGET, AvId, AvPairs, AvPairsBuilder};
pub use error::NtlmError;
pub use flags::NegotiateFlags;
pub use initiator::NtlmInitiatorParams;
pub use messages::{AuthenticateMessage, ChallengeMessage, MIC_LEN, NegotiateMessage};
pub use policy::{IssuedChallenges, KeyStrength, MicPolicy, NtlmPolicy, TimestampPolicy};
pub use response::{lm_key_exchange_key, lm_v1_response};
pub use secret::{LmHash, MAX_PASSWORD_LEN, NtHash, NtlmSessionKey};
pub use users::{NtHashSource, NtlmAccount, UserFile};
pub use wire::Version;

use kerbside_asn1::{ObjectIdentifier, Principal, oids};

/// What NTLM goes by.
const OIDS: [ObjectIdentifier; 1] = [oids::NTLMSSP];

/// Who a client without a name is (MS-DTYP 2.4.2.4).
fn anonymous() -> Principal {
    Principal::new("NT AUTHORITY", &["ANONYMOUS LOGON"])
}
