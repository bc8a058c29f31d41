//! Truncated HMACs with absorbed keys, and the type their results have.

use hmac::{Hmac, KeyInit, Mac};
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use subtle::ConstantTimeEq;

use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;
use crate::profile::{Hash, MAC_LEN_MAX, Profile};

/// A checksum this crate computed. It has no `PartialEq` and no `Debug`: it is sent, or compared by
/// [`Tag::verify`] in constant time.
#[allow(
    missing_debug_implementations,
    reason = "a computed checksum in a log is a forged message"
)]
#[derive(Clone)]
pub struct Tag {
    enctype: EncryptionType,
    bytes: [u8; MAC_LEN_MAX],
    len: usize,
}

impl Tag {
    /// The octets as they go on the wire: 12, 16 or 24 of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Compares with a received checksum, in time that depends on its length alone.
    ///
    /// # Errors
    /// [`CryptoError::IntegrityFailure`] when it differs in length or content.
    pub fn verify(&self, received: &[u8]) -> Result<(), CryptoError> {
        if bool::from(self.as_bytes().ct_eq(received)) {
            Ok(())
        } else {
            Err(CryptoError::IntegrityFailure {
                enctype: self.enctype,
            })
        }
    }
}

/// An HMAC that has absorbed its key: cloned for each message, so that no message pays for it again.
#[derive(Clone)]
pub(crate) enum HmacState {
    Sha1(Hmac<Sha1>),
    Sha256(Hmac<Sha256>),
    Sha384(Hmac<Sha384>),
}

impl HmacState {
    pub(crate) fn new(hash: Hash, key: &[u8]) -> Self {
        match hash {
            Hash::Sha1 => Self::Sha1(keyed(key)),
            Hash::Sha256 => Self::Sha256(keyed(key)),
            Hash::Sha384 => Self::Sha384(keyed(key)),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(hmac) => hmac.update(data),
            Self::Sha256(hmac) => hmac.update(data),
            Self::Sha384(hmac) => hmac.update(data),
        }
    }

    /// Fills `out` with the leading octets of the HMAC.
    pub(crate) fn finalize_into(self, out: &mut [u8]) {
        match self {
            Self::Sha1(hmac) => move_prefix(out, hmac.finalize().into_bytes().as_mut_slice()),
            Self::Sha256(hmac) => move_prefix(out, hmac.finalize().into_bytes().as_mut_slice()),
            Self::Sha384(hmac) => move_prefix(out, hmac.finalize().into_bytes().as_mut_slice()),
        }
    }

    /// The HMAC truncated to the profile's checksum.
    pub(crate) fn finalize(self, profile: Profile) -> Tag {
        let mut bytes = [0; MAC_LEN_MAX];
        self.finalize_into(&mut bytes);
        Tag {
            enctype: profile.enctype(),
            bytes,
            len: profile.mac_len(),
        }
    }
}

/// An HMAC key shorter than the hash's block is filled up with zero octets (RFC 2104), so this cannot fail.
fn keyed<M: KeyInit>(key: &[u8]) -> M {
    let mut block = hmac::digest::common::Key::<M>::default();
    copy_prefix(&mut block, key);
    let mac = M::new(&block);
    zeroize::Zeroize::zeroize(block.as_mut_slice());
    mac
}

/// Copies and wipes what was copied: as the result of a key derivation it is a key.
fn move_prefix(to: &mut [u8], from: &mut [u8]) {
    copy_prefix(to, from);
    zeroize::Zeroize::zeroize(from);
}

fn copy_prefix(to: &mut [u8], from: &[u8]) {
    for (to, from) in to.iter_mut().zip(from) {
        *to = *from;
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_tag_verifies_itself_and_nothing_else() {
        let mut state = HmacState::new(Hash::Sha1, b"key");
        state.update(b"data");
        let tag = state.finalize(Profile::Aes256Sha1);
        let good = tag.as_bytes().to_vec();
        assert_eq!(good.len(), 12);
        assert_eq!(tag.verify(&good), Ok(()));
        let refused = Err(CryptoError::IntegrityFailure {
            enctype: EncryptionType(18),
        });
        for octet in 0..good.len() {
            for bit in 0..8 {
                let mut bad = good.clone();
                bad[octet] ^= 1 << bit;
                assert_eq!(tag.verify(&bad), refused);
            }
        }
        assert_eq!(tag.verify(&good[..11]), refused);
        assert_eq!(tag.verify(&[]), refused);
        assert_eq!(tag.verify(&[&good[..], &[0]].concat()), refused);
    }
}
