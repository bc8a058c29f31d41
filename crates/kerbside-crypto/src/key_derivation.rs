//! Key derivation: DK of RFC 3961 section 5.1, KDF-HMAC-SHA2 of RFC 8009 section 3, KDF-FEEDBACK-CMAC of RFC 6803
//! section 3 and the HMAC of the message type in RFC 4757 section 5.

use aes::cipher::BlockCipherEncrypt;
use aes::{Aes128Enc, Aes256Enc};
use zeroize::Zeroizing;

use crate::cipher::{BLOCK_LEN, Cipher, keyed};
use crate::key_usage::KeyUsage;
use crate::mac::{MacState, copy_prefix};
use crate::n_fold::{n_fold, n_fold_of_five};
use crate::profile::{Family, KEY_LEN_MAX, Profile};
use crate::rc4_hmac::{self, Rc4Keys};
use crate::triple_des::{self, TripleDes};

/// The last octet of the constant a key is derived with (RFC 3961 section 5.3).
#[derive(Clone, Copy)]
pub(crate) enum Purpose {
    /// Kc
    Checksum = 0x99,
    /// Ke
    Encryption = 0xaa,
    /// Ki
    Integrity = 0x55,
}

/// What encrypts messages of one usage, ready for them.
pub(crate) enum MessageKeys {
    /// CBC with ciphertext stealing: AES and Camellia.
    Stealing { cipher: Cipher, integrity: MacState },
    /// CBC with padding.
    TripleDes { cipher: TripleDes, integrity: MacState },
    /// RC4.
    Rc4(Rc4Keys),
}

impl MessageKeys {
    pub(crate) fn derive(profile: Profile, base_key: &[u8], usage: KeyUsage) -> Self {
        if profile.family() == Family::Rfc4757 {
            return Self::Rc4(Rc4Keys::derive(base_key, usage));
        }
        let base = BaseKey::new(profile, base_key);
        let mut ke = Zeroizing::new([0; KEY_LEN_MAX]);
        let ke = prefix(&mut ke, profile.key_len());
        base.derive(&usage_constant(usage, Purpose::Encryption), ke);
        let integrity = mac_key(profile, &base, usage, Purpose::Integrity);
        match profile.family() {
            Family::Rfc3961 => Self::TripleDes {
                cipher: TripleDes::new(ke),
                integrity,
            },
            Family::Rfc6803 => Self::Stealing {
                cipher: Cipher::camellia(ke),
                integrity,
            },
            _ => Self::Stealing {
                cipher: Cipher::aes(ke),
                integrity,
            },
        }
    }
}

/// The state of the MAC under Kc of one usage.
pub(crate) fn checksum_key(profile: Profile, base_key: &[u8], usage: KeyUsage) -> MacState {
    if profile.family() == Family::Rfc4757 {
        return rc4_hmac::checksum_state(base_key, usage);
    }
    mac_key(
        profile,
        &BaseKey::new(profile, base_key),
        usage,
        Purpose::Checksum,
    )
}

fn mac_key(profile: Profile, base: &BaseKey<'_>, usage: KeyUsage, purpose: Purpose) -> MacState {
    let mut key = Zeroizing::new([0; KEY_LEN_MAX]);
    let key = prefix(&mut key, profile.mac_key_len());
    base.derive(&usage_constant(usage, purpose), key);
    MacState::new(profile.mac_kind(), key)
}

/// The usage as four octets, most significant first, and the purpose's octet.
fn usage_constant(usage: KeyUsage, purpose: Purpose) -> [u8; 5] {
    let [a, b, c, d] = usage.0.to_be_bytes();
    [a, b, c, d, purpose as u8]
}

/// A protocol key that others are derived from, with its schedule or its MAC ready.
pub(crate) enum BaseKey<'a> {
    TripleDes(TripleDes),
    Aes128(Aes128Enc),
    Aes256(Aes256Enc),
    Sha2(Profile, &'a [u8]),
    Cmac(MacState),
    Hmac(MacState),
}

impl<'a> BaseKey<'a> {
    pub(crate) fn new(profile: Profile, key: &'a [u8]) -> Self {
        match profile {
            Profile::Des3 => Self::TripleDes(TripleDes::new(key)),
            Profile::Aes128Sha1 => Self::Aes128(keyed(key)),
            Profile::Aes256Sha1 => Self::Aes256(keyed(key)),
            Profile::Aes128Sha256 | Profile::Aes256Sha384 => Self::Sha2(profile, key),
            Profile::Camellia128 | Profile::Camellia256 => Self::Cmac(MacState::new(profile.mac_kind(), key)),
            Profile::Rc4 => Self::Hmac(MacState::new(profile.mac_kind(), key)),
        }
    }

    /// Fills `out` with the key derived for a constant.
    pub(crate) fn derive(&self, constant: &[u8], out: &mut [u8]) {
        match self {
            Self::TripleDes(cipher) => dk_triple_des(cipher, constant, out),
            Self::Aes128(cipher) => dr_aes(cipher, constant, out),
            Self::Aes256(cipher) => dr_aes(cipher, constant, out),
            Self::Sha2(profile, key) => kdf_hmac_sha2(*profile, key, constant, out),
            Self::Cmac(cmac) => kdf_feedback_cmac(cmac, constant, out),
            Self::Hmac(hmac) => {
                let mut hmac = hmac.clone();
                hmac.update(constant);
                hmac.finalize_into(out);
            }
        }
    }
}

/// The n-fold of `prf`, which every FAST request needs.
const PRF_FOLDED: [u8; BLOCK_LEN] = [
    0xc0, 0x8b, 0xe5, 0x21, 0x22, 0xf8, 0xf0, 0x23, 0x39, 0x89, 0x08, 0xfd, 0xbc, 0x08, 0xce, 0x21,
];

/// DR: the n-folded constant, encrypted again and again, the results one behind the other. The key made of it is it.
fn dr_aes(
    cipher: &impl BlockCipherEncrypt<BlockSize = aes::cipher::consts::U16>,
    constant: &[u8],
    out: &mut [u8],
) {
    let folded = match constant.as_array() {
        Some(usage) => n_fold_of_five(usage),
        None if constant == b"prf" => PRF_FOLDED,
        None => n_fold(constant),
    };
    let mut block = Zeroizing::new(folded);
    for chunk in out.chunks_mut(BLOCK_LEN) {
        cipher.encrypt_block((&mut *block).into());
        copy_prefix(chunk, &*block);
    }
}

/// DK: random-to-key of the same with 8-octet blocks.
fn dk_triple_des(cipher: &TripleDes, constant: &[u8], out: &mut [u8]) {
    let mut seed = Zeroizing::new([0; triple_des::SEED_LEN]);
    dr_triple_des(cipher, constant, &mut seed);
    triple_des::random_to_key(&seed, out);
}

fn dr_triple_des(cipher: &TripleDes, constant: &[u8], seed: &mut [u8; triple_des::SEED_LEN]) {
    let mut block = Zeroizing::new(n_fold::<{ triple_des::BLOCK_LEN }>(constant));
    for chunk in seed.chunks_mut(triple_des::BLOCK_LEN) {
        cipher.encrypt_block(&mut block);
        copy_prefix(chunk, &*block);
    }
}

/// K-truncate(K1) with K1 = HMAC(key, 00000001 | label | 00 | k), k being the output's length in bits; there is no
/// context but in the pseudo-random function.
fn kdf_hmac_sha2(profile: Profile, key: &[u8], label: &[u8], out: &mut [u8]) {
    // An output is one HMAC at most: 48 octets.
    let bits = bits_of(out);
    let mut hmac = kdf_hmac_sha2_begin(profile, key, label);
    hmac.update(&bits);
    hmac.finalize_into(out);
}

/// The HMAC of that as far as the context, which the caller may add before the length.
pub(crate) fn kdf_hmac_sha2_begin(profile: Profile, key: &[u8], label: &[u8]) -> MacState {
    let mut hmac = MacState::new(profile.mac_kind(), key);
    hmac.update(&1u32.to_be_bytes());
    hmac.update(label);
    hmac.update(&[0]);
    hmac
}

/// The octets of K(1) | K(2) ... with K(i) = CMAC(key, K(i-1) | i | label | 00 | k), K(0) being zero octets.
fn kdf_feedback_cmac(cmac: &MacState, label: &[u8], out: &mut [u8]) {
    let bits = bits_of(out);
    let mut block = Zeroizing::new([0; BLOCK_LEN]);
    for (counter, chunk) in (1u32..).zip(out.chunks_mut(BLOCK_LEN)) {
        let mut mac = cmac.clone();
        mac.update(&*block);
        mac.update(&counter.to_be_bytes());
        mac.update(label);
        mac.update(&[0]);
        mac.update(&bits);
        mac.finalize_into(&mut *block);
        copy_prefix(chunk, &*block);
    }
}

/// The length of a derived key in bits, as four octets.
pub(crate) fn bits_of(out: &[u8]) -> [u8; 4] {
    u32::try_from(out.len() * 8).unwrap_or(u32::MAX).to_be_bytes()
}

/// The leading `len` octets of a key buffer; lengths come from the profile and never exceed it.
pub(crate) fn prefix(buffer: &mut [u8; KEY_LEN_MAX], len: usize) -> &mut [u8] {
    buffer.get_mut(..len).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    #![allow(clippy::cast_possible_truncation, reason = "numbers of the test data fit")]
    use super::*;
    use crate::encryption_type::EncryptionType;
    use alloc::vec;
    use alloc::vec::Vec;

    fn octets(vector: &serde_json::Value, field: &str) -> Vec<u8> {
        hex::decode(vector[field].as_str().unwrap()).unwrap()
    }

    #[test]
    fn vectors_of_mit_for_dk_and_kdf() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/mit_derive.json")).unwrap();
        let mut run = 0;
        for vector in file["vectors"].as_array().unwrap() {
            let enctype = EncryptionType(vector["etype"].as_i64().unwrap() as i32);
            let profile = Profile::of(enctype).unwrap();
            let expected = octets(vector, "derived_key_hex");
            let mut out = vec![0; expected.len()];
            BaseKey::new(profile, &octets(vector, "base_key_hex"))
                .derive(&octets(vector, "constant_hex"), &mut out);
            assert_eq!(out, expected, "{} {}", vector["etype"], vector["constant_hex"]);
            run += 1;
        }
        assert_eq!(run, 21);
        assert_eq!(run, file["count"].as_u64().unwrap());
    }

    #[test]
    fn the_fold_that_is_written_down_is_that_of_prf() {
        assert_eq!(PRF_FOLDED, n_fold(b"prf"));
    }

    #[test]
    fn vectors_of_rfc_8009_and_rfc_6803_for_kc_ke_ki() {
        for (text, count) in [
            (include_str!("../tests/vectors/rfc8009.json"), 2),
            (include_str!("../tests/vectors/rfc6803.json"), 2),
        ] {
            let file: serde_json::Value = serde_json::from_str(text).unwrap();
            let vectors = file["key_derivation"].as_array().unwrap();
            for vector in vectors {
                let profile = Profile::of(EncryptionType(vector["etype"].as_i64().unwrap() as i32)).unwrap();
                let usage = KeyUsage(vector["key_usage"].as_i64().unwrap() as i32);
                let base_key = octets(vector, "base_key_hex");
                let base = BaseKey::new(profile, &base_key);
                for (field, purpose, len) in [
                    ("Kc_hex", Purpose::Checksum, profile.mac_key_len()),
                    ("Ke_hex", Purpose::Encryption, profile.key_len()),
                    ("Ki_hex", Purpose::Integrity, profile.mac_key_len()),
                ] {
                    let mut out = vec![0; len];
                    base.derive(&usage_constant(usage, purpose), &mut out);
                    assert_eq!(out, octets(vector, field), "{} {field}", vector["etype"]);
                }
            }
            assert_eq!(vectors.len(), count);
        }
    }

    #[test]
    fn vectors_of_rfc_3961_for_dr_and_dk() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/rfc3961.json")).unwrap();
        let vectors = file["des3_dr_dk"].as_array().unwrap();
        for vector in vectors {
            let (key, constant) = (octets(vector, "key_hex"), octets(vector, "constant_hex"));
            let (mut dr, mut dk) = ([0; 21], [0; 24]);
            dr_triple_des(&TripleDes::new(&key), &constant, &mut dr);
            assert_eq!(dr, *octets(vector, "DR_hex"), "{}", vector["constant_hex"]);
            BaseKey::new(Profile::Des3, &key).derive(&constant, &mut dk);
            assert_eq!(dk, *octets(vector, "DK_hex"), "{}", vector["constant_hex"]);
        }
        assert_eq!(vectors.len(), 9);
    }
}
