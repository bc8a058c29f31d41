//! x
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
