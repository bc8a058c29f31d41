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

use alloc::boxed::Box;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy};

pub(crate) use acceptor::Krb5Acceptor;
pub(crate) use initiator::{Krb5Initiator, Wanted};
pub use transited::{Transited, TransitedPolicy};
pub(crate) use user_to_user::{UserToUserAcceptor, UserToUserBegin};

use crate::error::{Cause, GssError};
use crate::message::{MessageProtection, PerMessage, ProtectionParams};

/// What the mechanism goes by: its own identifier, and the one that Windows uses beside it.
pub(crate) const OIDS: [ObjectIdentifier; 2] = [oids::KRB5, oids::MS_KRB5];

/// Refuses keys that `policy` does not permit.
fn check_key(policy: &EnctypePolicy, key: &'static str, enctype: EncryptionType) -> Result<(), GssError> {
    if !policy.permits(enctype) || has_older_tokens(enctype) {
        return Err(Cause::KeyNotSupported { key, enctype }.into());
    }
    Ok(())
}

/// Whether the tokens of this type of key are those of RFC 4757 and RFC 1964, which RFC 4121 leaves as they are.
fn has_older_tokens(enctype: EncryptionType) -> bool {
    matches!(
        enctype,
        EncryptionType::RC4_HMAC | EncryptionType::DES3_CBC_SHA1_KD
    )
}

/// The tokens that messages under this key are protected by.
fn protection(params: ProtectionParams) -> Box<dyn PerMessage> {
    Box::new(MessageProtection::new(params))
}

/// A first sequence number: 30 random bits, because peers that read it as a signed number, and then compare, exist.
fn first_seq_number(rng: &mut dyn CryptoRng) -> u32 {
    rng.next_u32() & 0x3fff_ffff
}
