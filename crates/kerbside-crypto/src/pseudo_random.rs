//! Pseudo-random functions and what is combined with them: PRF (RFC 3961 section 5.3, RFC 3962 section 6, RFC 8009
//! section 5, RFC 6803 section 6, RFC 4757 section 5), PRF+ and KRB-FX-CF2 (RFC 6113 section 5.1).

use alloc::vec;
use alloc::vec::Vec;

use sha1::{Digest, Sha1};
use zeroize::Zeroizing;

use crate::cipher::{BLOCK_LEN, Cipher};
use crate::error::CryptoError;
use crate::key::Key;
use crate::key_derivation::{BaseKey, bits_of, kdf_hmac_sha2_begin, prefix};
use crate::limits::MAX_PRF_PLUS_BLOCKS;
use crate::mac::{MacState, copy_prefix};
use crate::profile::{Family, KEY_LEN_MAX, MacKind, Profile};
use crate::segment::Segment;
use crate::triple_des::TripleDes;

/// Octets of the longest block of a pseudo-random function.
const PRF_LEN_MAX: usize = 48;

impl Key {
    /// The type's pseudo-random function: 16 octets, 20 for rc4-hmac, 32 and 48 for the types of RFC 8009.
    ///
    /// # Errors
    /// None for the types of this version.
    pub fn prf(&self, input: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let mut out = Zeroizing::new(vec![0; self.profile().prf_len()]);
        self.prf_key().fill(&[input], &mut out);
        Ok(out)
    }

    /// PRF+: `len` octets made of PRF(1 | input), PRF(2 | input), and so on, the counter being one octet.
    ///
    /// # Errors
    /// [`CryptoError::PrfOutputTooLong`] above 255 blocks.
    pub fn prf_plus(&self, input: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let max = self.profile().prf_len() * MAX_PRF_PLUS_BLOCKS;
        if len > max {
            return Err(CryptoError::PrfOutputTooLong { max, found: len });
        }
        let mut out = Zeroizing::new(vec![0; len]);
        self.fill_prf_plus(input, &mut out);
        Ok(out)
    }

    /// PRF+ as far as `out`, which is no more than 255 blocks.
    fn fill_prf_plus(&self, input: &[u8], out: &mut [u8]) {
        let block_len = self.profile().prf_len();
        let mut block = Zeroizing::new([0; PRF_LEN_MAX]);
        let block = block.get_mut(..block_len).unwrap_or_default();
        for (counter, chunk) in (1..=u8::MAX).zip(out.chunks_mut(block_len)) {
            self.prf_key().fill(&[&[counter], input], block);
            copy_prefix(chunk, block);
        }
    }
}

/// What a key's pseudo-random function computes with, derived once.
pub(crate) enum PrfKey {
    /// E(DK(key, "prf"), the leading block of SHA-1 of the input).
    Aes(Cipher),
    /// The same over two blocks of CBC.
    TripleDes(TripleDes),
    /// KDF-HMAC-SHA2(key, "prf", input), as far as the input.
    Kdf(MacState),
    /// CMAC(KDF-FEEDBACK-CMAC(key, "prf"), input), or HMAC-SHA1(key, input) for rc4-hmac.
    Mac(MacState),
}

impl PrfKey {
    pub(crate) fn derive(profile: Profile, key: &[u8]) -> Self {
        const PRF: &[u8] = b"prf";
        let mut derived = Zeroizing::new([0; KEY_LEN_MAX]);
        let derived = prefix(&mut derived, profile.key_len());
        match profile.family() {
            Family::Rfc4757 => return Self::Mac(MacState::new(MacKind::Sha1, key)),
            Family::Rfc8009 => return Self::Kdf(kdf_hmac_sha2_begin(profile, key, PRF)),
            Family::Rfc3961 | Family::Rfc3962 | Family::Rfc6803 => {
                BaseKey::new(profile, key).derive(PRF, derived);
            }
        }
        match profile.family() {
            Family::Rfc3961 => Self::TripleDes(TripleDes::new(derived)),
            Family::Rfc3962 => Self::Aes(Cipher::aes(derived)),
            _ => Self::Mac(MacState::new(profile.mac_kind(), derived)),
        }
    }

    /// One block of the function, over the concatenated input.
    fn fill(&self, input: &[&[u8]], out: &mut [u8]) {
        match self {
            Self::Aes(cipher) => {
                let mut block = leading_block(input);
                cipher.encrypt_block((&mut *block).into());
                copy_prefix(out, &*block);
            }
            Self::TripleDes(cipher) => {
                let mut blocks = leading_block(input);
                cipher.cbc_encrypt(&mut [Segment::Data(&mut *blocks)], BLOCK_LEN);
                copy_prefix(out, &*blocks);
            }
            Self::Kdf(begun) => {
                let mut mac = begun.clone();
                input.iter().for_each(|piece| mac.update(piece));
                mac.update(&bits_of(out));
                mac.finalize_into(out);
            }
            Self::Mac(mac) => {
                let mut mac = mac.clone();
                input.iter().for_each(|piece| mac.update(piece));
                mac.finalize_into(out);
            }
        }
    }
}

/// SHA-1 of the input, cut to a multiple of the cipher's block: 16 octets for both.
fn leading_block(input: &[&[u8]]) -> Zeroizing<[u8; BLOCK_LEN]> {
    let mut hash = Sha1::new();
    for piece in input {
        hash.update(piece);
    }
    let mut block = Zeroizing::new([0; BLOCK_LEN]);
    copy_prefix(&mut *block, &hash.finalize());
    block
}

/// KRB-FX-CF2: one key of two, of the first one's type.
///
/// # Errors
/// None for the types of this version.
pub fn fx_cf2(key1: &Key, key2: &Key, pepper1: &[u8], pepper2: &[u8]) -> Result<Key, CryptoError> {
    let mut seeds = [Zeroizing::new([0; KEY_LEN_MAX]), Zeroizing::new([0; KEY_LEN_MAX])];
    let [combined, other] = seeds
        .each_mut()
        .map(|seed| prefix(seed, key1.profile().seed_len()));
    key1.fill_prf_plus(pepper1, combined);
    key2.fill_prf_plus(pepper2, other);
    for (to, from) in combined.iter_mut().zip(other) {
        *to ^= *from;
    }
    // Whoever made the first key was allowed to.
    Key::of_seed(key1.profile(), combined)
}
