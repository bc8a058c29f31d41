//! The krb5 mechanism: AP exchange in GSS-API tokens (RFC 4121 section 4.1).

mod acceptor;
mod authenticator_checksum;
mod authenticator_flags;
mod initiator;
mod token;

#[cfg(test)]
mod tests;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::{CryptoRng, EncryptionType};

pub(crate) use acceptor::Krb5Acceptor;
pub(crate) use initiator::Krb5Initiator;

use crate::error::{Cause, GssError};

/// What the mechanism goes by: its own identifier, and the one that Windows uses beside it.
pub(crate) const OIDS: [ObjectIdentifier; 2] = [oids::KRB5, oids::MS_KRB5];

/// Refuses keys that RFC 4121 has no tokens for: peers expect those of RFC 4757 for rc4-hmac and those of RFC 1964 for
/// des3-cbc-sha1-kd, and refuse any other.
fn refuse_older_tokens(key: &'static str, enctype: EncryptionType) -> Result<(), GssError> {
    match enctype {
        EncryptionType::RC4_HMAC | EncryptionType::DES3_CBC_SHA1_KD => {
            Err(Cause::KeyNotSupported { key, enctype }.into())
        }
        _ => Ok(()),
    }
}

/// A first sequence number: 30 random bits, because peers that read it as a signed number, and then compare, exist.
fn first_seq_number(rng: &mut dyn CryptoRng) -> u32 {
    rng.next_u32() & 0x3fff_ffff
}
