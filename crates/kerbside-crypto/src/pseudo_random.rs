//! Pseudo-random functions and what is combined with them: PRF (RFC 3962 section 6, RFC 8009 section 5), PRF+ and
//! KRB-FX-CF2 (RFC 6113 section 5.1).

use alloc::vec;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::cipher::{AesCipher, BLOCK_LEN};
use crate::error::CryptoError;
use crate::key::Key;
use crate::key_derivation::{derive, kdf_hmac_sha2, prefix};
use crate::limits::MAX_PRF_PLUS_BLOCKS;
use crate::profile::{KEY_LEN_MAX, Profile};

impl Key {
    /// The type's pseudo-random function: 16 octets for the types of RFC 3962, 32 and 48 for those of RFC 8009.
    ///
    /// # Errors
    /// None for the types of this version.
    pub fn prf(&self, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut out = Zeroizing::new(vec![0; self.profile().prf_len()]);
        self.prf_into(&[input], &mut out);
        Ok(out)
    }

    /// PRF+: `len` octets made of PRF(1 | input), PRF(2 | input), and so on, the counter being one octet.
    ///
    /// # Errors
    /// [`CryptoError::PrfOutputTooLong`] above 255 blocks.
    pub fn prf_plus(&self, input: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let block_len = self.profile().prf_len();
        let max = block_len * MAX_PRF_PLUS_BLOCKS;
        if len > max {
            return Err(CryptoError::PrfOutputTooLong { max, found: len });
        }
        let mut out = Zeroizing::new(vec![0; len]);
        let mut block = Zeroizing::new(vec![0; block_len]);
        for (counter, chunk) in (1..=u8::MAX).zip(out.chunks_mut(block_len)) {
            self.prf_into(&[&[counter], input], &mut block);
            for (to, from) in chunk.iter_mut().zip(block.iter()) {
                *to = *from;
            }
        }
        Ok(out)
    }

    /// One block of the function, over the concatenated input.
    fn prf_into(&self, input: &[&[u8]], out: &mut [u8]) {
        let profile = self.profile();
        if profile.is_encrypt_then_mac() {
            kdf_hmac_sha2(profile, self.expose_secret(), b"prf", &input.concat(), out);
        } else {
            prf_rfc3962(profile, self.expose_secret(), input, out);
        }
    }
}

/// E(DK(key, "prf"), the leading block of SHA-1 of the input).
fn prf_rfc3962(profile: Profile, key: &[u8], input: &[&[u8]], out: &mut [u8]) {
    let mut derived = Zeroizing::new([0; KEY_LEN_MAX]);
    let derived = prefix(&mut derived, profile.key_len());
    derive(profile, key, b"prf", derived);
    let mut hash = Sha1::new();
    for piece in input {
        hash.update(piece);
    }
    let mut block = Zeroizing::new([0; BLOCK_LEN]);
    for (to, from) in block.iter_mut().zip(hash.finalize()) {
        *to = from;
    }
    AesCipher::new(derived).encrypt_block((&mut *block).into());
    for (to, from) in out.iter_mut().zip(block.iter()) {
        *to = *from;
    }
}

/// KRB-FX-CF2: one key of two, of the first one's type.
///
/// # Errors
/// None for the types of this version.
pub fn fx_cf2(key1: &Key, key2: &Key, pepper1: &[u8], pepper2: &[u8]) -> Result<Key, CryptoError> {
    let len = key1.profile().key_len();
    let mut combined = key1.prf_plus(pepper1, len)?;
    for (to, from) in combined.iter_mut().zip(key2.prf_plus(pepper2, len)?.iter()) {
        *to ^= *from;
    }
    Key::random_to_key(key1.enctype(), &combined)
}
