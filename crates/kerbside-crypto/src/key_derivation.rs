//! Key derivation: DK of RFC 3961 section 5.1 and KDF-HMAC-SHA2 of RFC 8009 section 3.

use zeroize::Zeroizing;

use crate::cipher::{AesCipher, BLOCK_LEN};
use crate::key_usage::KeyUsage;
use crate::mac::HmacState;
use crate::n_fold::n_fold;
use crate::profile::{KEY_LEN_MAX, Profile};

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

/// Ke and Ki of one usage, ready for messages.
pub(crate) struct EncryptionKeys {
    pub(crate) cipher: AesCipher,
    pub(crate) integrity: HmacState,
}

impl EncryptionKeys {
    pub(crate) fn derive(profile: Profile, base_key: &[u8], usage: KeyUsage) -> Self {
        let mut ke = Zeroizing::new([0; KEY_LEN_MAX]);
        let ke = prefix(&mut ke, profile.key_len());
        derive(profile, base_key, &usage_constant(usage, Purpose::Encryption), ke);
        Self {
            cipher: AesCipher::new(ke),
            integrity: mac_key(profile, base_key, usage, Purpose::Integrity),
        }
    }
}

/// The state of the HMAC under Kc of one usage.
pub(crate) fn checksum_key(profile: Profile, base_key: &[u8], usage: KeyUsage) -> HmacState {
    mac_key(profile, base_key, usage, Purpose::Checksum)
}

fn mac_key(profile: Profile, base_key: &[u8], usage: KeyUsage, purpose: Purpose) -> HmacState {
    let mut key = Zeroizing::new([0; KEY_LEN_MAX]);
    let key = prefix(&mut key, profile.mac_key_len());
    derive(profile, base_key, &usage_constant(usage, purpose), key);
    HmacState::new(profile.hash(), key)
}

/// The usage as four octets, most significant first, and the purpose's octet.
fn usage_constant(usage: KeyUsage, purpose: Purpose) -> [u8; 5] {
    let [a, b, c, d] = usage.0.to_be_bytes();
    [a, b, c, d, purpose as u8]
}

/// Fills `out` with the key derived from `base_key` and a constant; random-to-key is the identity for these types.
pub(crate) fn derive(profile: Profile, base_key: &[u8], constant: &[u8], out: &mut [u8]) {
    if profile.is_encrypt_then_mac() {
        kdf_hmac_sha2(profile, base_key, constant, &[], out);
    } else {
        derive_random(base_key, constant, out);
    }
}

/// DR: the n-folded constant, encrypted again and again, the results one behind the other.
fn derive_random(base_key: &[u8], constant: &[u8], out: &mut [u8]) {
    let cipher = AesCipher::new(base_key);
    let mut block = Zeroizing::new(n_fold::<BLOCK_LEN>(constant));
    for chunk in out.chunks_mut(BLOCK_LEN) {
        cipher.encrypt_block((&mut *block).into());
        for (to, from) in chunk.iter_mut().zip(block.iter()) {
            *to = *from;
        }
    }
}

/// K-truncate(K1) with K1 = HMAC(key, 00000001 | label | 00 | context | k), k being the output's length in bits.
pub(crate) fn kdf_hmac_sha2(profile: Profile, key: &[u8], label: &[u8], context: &[u8], out: &mut [u8]) {
    // An output is one HMAC at most: 48 octets.
    let bits = u32::try_from(out.len() * 8).unwrap_or(u32::MAX);
    let mut hmac = HmacState::new(profile.hash(), key);
    hmac.update(&1u32.to_be_bytes());
    hmac.update(label);
    hmac.update(&[0]);
    hmac.update(context);
    hmac.update(&bits.to_be_bytes());
    hmac.finalize_into(out);
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
        let (mut run, mut refused) = (0, 0);
        for vector in file["vectors"].as_array().unwrap() {
            let enctype = EncryptionType(vector["etype"].as_i64().unwrap() as i32);
            let Ok(profile) = Profile::supported(enctype) else {
                assert!([16, 25, 26].contains(&enctype.0), "{enctype}");
                refused += 1;
                continue;
            };
            let expected = octets(vector, "derived_key_hex");
            let mut out = vec![0; expected.len()];
            derive(
                profile,
                &octets(vector, "base_key_hex"),
                &octets(vector, "constant_hex"),
                &mut out,
            );
            assert_eq!(out, expected, "{} {}", vector["etype"], vector["constant_hex"]);
            run += 1;
        }
        assert_eq!((run, refused), (12, 9));
        assert_eq!(run + refused, file["count"].as_u64().unwrap());
    }

    #[test]
    fn vectors_of_rfc_8009_for_kc_ke_ki() {
        let file: serde_json::Value =
            serde_json::from_str(include_str!("../tests/vectors/rfc8009.json")).unwrap();
        let vectors = file["key_derivation"].as_array().unwrap();
        for vector in vectors {
            let profile = Profile::of(EncryptionType(vector["etype"].as_i64().unwrap() as i32)).unwrap();
            let usage = KeyUsage(vector["key_usage"].as_i64().unwrap() as i32);
            for (field, purpose, len) in [
                ("Kc_hex", Purpose::Checksum, profile.mac_key_len()),
                ("Ke_hex", Purpose::Encryption, profile.key_len()),
                ("Ki_hex", Purpose::Integrity, profile.mac_key_len()),
            ] {
                let mut out = vec![0; len];
                derive(
                    profile,
                    &octets(vector, "base_key_hex"),
                    &usage_constant(usage, purpose),
                    &mut out,
                );
                assert_eq!(out, octets(vector, field), "{} {field}", vector["etype"]);
            }
        }
        assert_eq!(vectors.len(), 2);
    }
}
