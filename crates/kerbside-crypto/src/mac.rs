//! MACs with absorbed keys, and the type their results have.

use camellia::{Camellia128, Camellia256};
use cmac::Cmac;
use hmac::{Hmac, KeyInit, Mac};
use md5::{Digest, Md5};
use sha2::Sha384;
use subtle::ConstantTimeEq;
use zeroize::Zeroize;

use crate::cipher::keyed;
use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;
use crate::hmac_64::{Hmac64, Sha1, Sha256};
use crate::profile::{MAC_LEN_MAX, MacKind};

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
    /// The octets as they go on the wire: 12, 16, 20 or 24 of them.
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

/// A MAC that has absorbed its key: cloned for each message, so that no message pays for it again.
#[derive(Clone)]
pub(crate) enum MacState {
    Sha1(Hmac64<Sha1>),
    Sha256(Hmac64<Sha256>),
    Sha384(Hmac<Sha384>),
    Md5(Hmac<Md5>),
    CmacCamellia128(Cmac<Camellia128>),
    CmacCamellia256(Cmac<Camellia256>),
    /// RFC 4757 section 4: the HMAC is over a hash, and what is absorbed goes into that.
    OverMd5 {
        outer: Hmac<Md5>,
        data: Md5,
    },
}

impl MacState {
    pub(crate) fn new(kind: MacKind, key: &[u8]) -> Self {
        match kind {
            MacKind::Sha1 => Self::Sha1(Hmac64::new(key)),
            MacKind::Sha256 => Self::Sha256(Hmac64::new(key)),
            MacKind::Sha384 => Self::Sha384(hmac(key)),
            MacKind::Md5 => Self::Md5(hmac(key)),
            MacKind::CmacCamellia128 => Self::CmacCamellia128(keyed(key)),
            MacKind::CmacCamellia256 => Self::CmacCamellia256(keyed(key)),
        }
    }

    pub(crate) fn update(&mut self, data: &[u8]) {
        match self {
            Self::Sha1(mac) => mac.update(data),
            Self::Sha256(mac) => mac.update(data),
            Self::Sha384(mac) => mac.update(data),
            Self::Md5(mac) => mac.update(data),
            Self::CmacCamellia128(mac) => mac.update(data),
            Self::CmacCamellia256(mac) => mac.update(data),
            Self::OverMd5 { data: hash, .. } => Digest::update(hash, data),
        }
    }

    /// Fills `out` with the leading octets of the MAC.
    pub(crate) fn finalize_into(self, out: &mut [u8]) {
        match self {
            Self::Sha1(mac) => mac.finalize_into(out),
            Self::Sha256(mac) => mac.finalize_into(out),
            Self::Sha384(mac) => move_prefix(out, mac.finalize().into_bytes().as_mut_slice()),
            Self::Md5(mac) => move_prefix(out, mac.finalize().into_bytes().as_mut_slice()),
            Self::CmacCamellia128(mac) => move_prefix(out, mac.finalize().into_bytes().as_mut_slice()),
            Self::CmacCamellia256(mac) => move_prefix(out, mac.finalize().into_bytes().as_mut_slice()),
            Self::OverMd5 { mut outer, data } => {
                outer.update(&data.finalize());
                move_prefix(out, outer.finalize().into_bytes().as_mut_slice());
            }
        }
    }

    /// The MAC as a checksum of `len` octets under a key of `enctype`.
    pub(crate) fn finalize(self, enctype: EncryptionType, len: usize) -> Tag {
        let mut bytes = [0; MAC_LEN_MAX];
        self.finalize_into(&mut bytes);
        Tag { enctype, bytes, len }
    }
}

/// An HMAC key shorter than the hash's block is filled up with zero octets (RFC 2104), so this cannot fail.
pub(crate) fn hmac<M: KeyInit>(key: &[u8]) -> M {
    let mut block = hmac::digest::common::Key::<M>::default();
    copy_prefix(&mut block, key);
    let mac = M::new(&block);
    block.as_mut_slice().zeroize();
    mac
}

/// Copies and wipes what was copied: as the result of a key derivation it is a key.
fn move_prefix(to: &mut [u8], from: &mut [u8]) {
    copy_prefix(to, from);
    from.zeroize();
}

/// Copies as many octets as both have.
pub(crate) fn copy_prefix(to: &mut [u8], from: &[u8]) {
    let len = to.len().min(from.len());
    if let (Some(to), Some(from)) = (to.get_mut(..len), from.get(..len)) {
        to.copy_from_slice(from);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn a_tag_verifies_itself_and_nothing_else() {
        let mut state = MacState::new(MacKind::Sha1, b"key");
        state.update(b"data");
        let tag = state.finalize(EncryptionType(18), 12);
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
