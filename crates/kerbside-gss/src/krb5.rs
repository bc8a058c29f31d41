//! The krb5 mechanism: AP exchange in GSS-API tokens (RFC 4121 section 4.1), and user-to-user around it.

mod acceptor;
mod authenticator_checksum;
mod authenticator_flags;
mod authorization_data;
mod delegation;
mod enctype_negotiation;
mod initiator;
mod ticket;
mod token;
mod transited;
mod user_to_user;

#[cfg(test)]
mod tests;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy};

pub(crate) use acceptor::Krb5Acceptor;
pub(crate) use initiator::{Krb5Initiator, Wanted};
pub use transited::{Transited, TransitedPolicy};
pub(crate) use user_to_user::{UserToUserAcceptor, UserToUserBegin};

use crate::error::{Cause, GssError};
pub(crate) use crate::message::{has_older_tokens, protect as protection};

/// What the mechanism goes by: its own identifier, and the one that Windows uses beside it.
pub(crate) const OIDS: [ObjectIdentifier; 2] = [oids::KRB5, oids::MS_KRB5];

/// Refuses keys that `policy` does not permit.
fn check_key(policy: &EnctypePolicy, key: &'static str, enctype: EncryptionType) -> Result<(), GssError> {
    if !policy.permits(enctype) {
        return Err(Cause::KeyNotSupported { key, enctype }.into());
    }
    Ok(())
}

/// A first sequence number: 30 random bits, because peers that read it as a signed number, and then compare, exist.
fn first_seq_number(rng: &mut dyn CryptoRng) -> u32 {
    rng.next_u32() & 0x3fff_ffff
}
