//! Subkeys: keys that an end of an association chooses (RFC 4120 3.2.6).

use kerbside_asn1::EncryptionKey;
use kerbside_crypto::{CryptoError, CryptoRng, EncryptionType, EnctypePolicy, Key, Subkey};

use crate::error::ProtocolError;

/// A new subkey beside `session_key` and of its type.
pub(crate) fn new_subkey(session_key: &Key, rng: &mut dyn CryptoRng) -> Result<Subkey, ProtocolError> {
    let enctype = session_key.enctype();
    Key::generate_with_policy(enctype, rng, &beside(session_key))
        .map(Subkey::from)
        .map_err(ProtocolError::crypto("making a subkey"))
}

/// The subkey that a peer chose, if it chose one.
pub(crate) fn received(
    subkey: Option<&EncryptionKey<'_>>,
    policy: &EnctypePolicy,
) -> Result<Option<Subkey>, CryptoError> {
    subkey
        .map(|key| Key::with_policy(key.keytype, key.keyvalue, policy).map(Subkey::from))
        .transpose()
}

/// What may stand beside a session key: what the default policy permits, and the key's own type. Somebody's policy
/// permitted that type when the key was made; it opens no other.
pub(crate) fn beside(session_key: &Key) -> EnctypePolicy {
    let enctype = session_key.enctype();
    EnctypePolicy::DEFAULT
        .with_rc4(enctype == EncryptionType::RC4_HMAC)
        .with_des3(enctype == EncryptionType::DES3_CBC_SHA1_KD)
}
