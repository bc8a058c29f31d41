//! Triple DES as des3-cbc-sha1-kd uses it (RFC 3961 sections 6.2 and 6.3): keys with parity, and CBC over segments.

use des::TdesEde3;
use des::cipher::consts::U8;
use des::cipher::{Array, BlockCipherDecrypt, BlockCipherEncrypt};
use zeroize::Zeroizing;

use crate::cipher::keyed;
use crate::mac::copy_prefix;
use crate::segment::Segment;
use crate::segment_text::{Position, advance, gather, scatter};

/// Octets of a cipher block.
pub(crate) const BLOCK_LEN: usize = 8;
/// Octets that a key is made of: 56 bits for each of three.
pub(crate) const SEED_LEN: usize = 21;

type Block = Array<u8, U8>;

/// Triple DES with the schedules of both directions, zeroized on drop by the `des` crate.
pub(crate) struct TripleDes(TdesEde3);

impl TripleDes {
    /// Takes a 24-octet key.
    pub(crate) fn new(key: &[u8]) -> Self {
        Self(keyed(key))
    }

    pub(crate) fn encrypt_block(&self, block: &mut [u8; BLOCK_LEN]) {
        self.0.encrypt_block(block.into());
    }

    /// CBC without padding over the `total` octets of the encrypted segments, whole blocks, in place.
    pub(crate) fn cbc_encrypt(&self, segments: &mut [Segment<'_>], total: usize) {
        let mut chain = Block::default();
        for_each_block(segments, total, |block| {
            xor(&mut chain, block);
            self.0.encrypt_block(&mut chain);
            *block = chain;
        });
    }

    /// The reverse.
    pub(crate) fn cbc_decrypt(&self, segments: &mut [Segment<'_>], total: usize) {
        let mut chain = Block::default();
        for_each_block(segments, total, |block| {
            let ciphertext = *block;
            self.0.decrypt_block(block);
            xor(block, &chain);
            chain = ciphertext;
        });
    }
}

fn xor(to: &mut Block, with: &Block) {
    to.0 = (u64::from_ne_bytes(to.0) ^ u64::from_ne_bytes(with.0)).to_ne_bytes();
}

/// Each block goes over the stack: the cipher costs many times what copying does.
fn for_each_block(segments: &mut [Segment<'_>], total: usize, mut f: impl FnMut(&mut Block)) {
    let mut at = Position::START;
    let mut block = Zeroizing::new([0u8; BLOCK_LEN]);
    for _ in 0..total / BLOCK_LEN {
        gather(segments, at, &mut *block);
        f((&mut *block).into());
        scatter(segments, at, &*block);
        at = advance(segments, at, BLOCK_LEN);
    }
}

/// DES3random-to-key (section 6.3.1): 168 bits, each 56 of them a DES key with parity that is not weak.
pub(crate) fn random_to_key(seed: &[u8; SEED_LEN], key: &mut [u8]) {
    let (seeds, _) = seed.as_chunks::<7>();
    let (keys, _) = key.as_chunks_mut::<8>();
    for (seed, key) in seeds.iter().zip(keys) {
        // The lowest bit of each octet moves to an eighth octet, the first one's to the second-lowest place.
        let mut last = 0;
        for (place, octet) in (1..).zip(seed) {
            last |= (octet & 1) << place;
        }
        copy_prefix(key, seed);
        if let Some(octet) = key.last_mut() {
            *octet = last;
        }
        for octet in key.iter_mut() {
            *octet = with_odd_parity(*octet);
        }
        if is_weak(key)
            && let Some(octet) = key.last_mut()
        {
            *octet ^= 0xf0;
        }
    }
}

/// The octet's lowest bit set so that the number of its bits is odd.
fn with_odd_parity(octet: u8) -> u8 {
    let upper = octet & 0xfe;
    upper | u8::from(upper.count_ones().is_multiple_of(2))
}

/// Weak and semi-weak DES keys (section 6.2), with parity.
const WEAK_KEYS: [u64; 16] = [
    0x0101_0101_0101_0101,
    0xfefe_fefe_fefe_fefe,
    0x1f1f_1f1f_0e0e_0e0e,
    0xe0e0_e0e0_f1f1_f1f1,
    0x01fe_01fe_01fe_01fe,
    0xfe01_fe01_fe01_fe01,
    0x1fe0_1fe0_0ef1_0ef1,
    0xe01f_e01f_f10e_f10e,
    0x01e0_01e0_01f1_01f1,
    0xe001_e001_f101_f101,
    0x1ffe_1ffe_0efe_0efe,
    0xfe1f_fe1f_fe0e_fe0e,
    0x011f_011f_010e_010e,
    0x1f01_1f01_0e01_0e01,
    0xe0fe_e0fe_f1fe_f1fe,
    0xfee0_fee0_fef1_fef1,
];

/// Looks at every entry, whatever the key.
fn is_weak(key: &[u8; 8]) -> bool {
    let key = u64::from_be_bytes(*key);
    WEAK_KEYS.iter().fold(false, |found, weak| found | (key == *weak))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;

    #[test]
    fn parity_is_odd() {
        for octet in 0..=255u8 {
            let fixed = with_odd_parity(octet);
            assert!(!fixed.count_ones().is_multiple_of(2));
            assert_eq!(fixed >> 1, octet >> 1);
        }
    }

    #[test]
    fn weak_keys_are_corrected_and_no_weak_key_results() {
        for weak in WEAK_KEYS {
            // The seed that gives the weak key: its octets' upper bits, and the eighth octet's bits in their lowest.
            let octets = weak.to_be_bytes();
            let mut seed = [0; 7];
            for (place, (to, from)) in (1..).zip(seed.iter_mut().zip(octets)) {
                let [.., last] = octets;
                *to = (from & 0xfe) | ((last >> place) & 1);
            }
            let mut key = [0; 24];
            let seeds: alloc::vec::Vec<u8> = seed.repeat(3);
            random_to_key(seeds.as_slice().try_into().unwrap(), &mut key);
            let expected = (weak ^ 0xf0).to_be_bytes();
            assert_eq!(key, *expected.repeat(3));
            assert!(!is_weak(&expected));
        }
    }
}
