#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use alloc::vec;
use alloc::vec::Vec;

use cts::cipher::common::BlockSizeUser;
use cts::cipher::consts::U16;
use cts::cipher::{
    BlockCipherDecrypt, BlockCipherEncrypt, BlockModeDecrypt as _, BlockModeEncrypt as _, InnerIvInit,
    KeyInit,
};
use cts::{CbcCs3, Decrypt as _, Encrypt as _};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};

use super::*;
use crate::profile::MacKind;

/// Encrypts under a MAC nobody looks at.
fn encrypt(cipher: &Cipher, segments: &mut [Segment<'_>], total: usize) {
    let mut mac = MacState::new(MacKind::Sha1, b"key");
    encrypt_and_mac(cipher, &mut mac, segments, total);
}

fn octets(vector: &serde_json::Value, field: &str) -> Vec<u8> {
    hex::decode(vector[field].as_str().unwrap()).unwrap()
}

#[test]
fn vectors_of_rfc_3962() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/rfc3962.json")).unwrap();
    let vectors = file["cbc_cts"].as_array().unwrap();
    assert_eq!(vectors.len(), 6);
    for vector in vectors {
        let cipher = Cipher::aes(&octets(vector, "key_hex"));
        let mut text = octets(vector, "plaintext_hex");
        let total = text.len();
        encrypt(&cipher, &mut [Segment::Data(&mut text)], total);
        assert_eq!(text, octets(vector, "ciphertext_hex"));
        decrypt(&cipher, &mut [Segment::Data(&mut text)], total);
        assert_eq!(text, octets(vector, "plaintext_hex"));
    }
}

/// Cuts `text` at random places, empty pieces included, with signed and final pieces strewn in between.
fn random_segments<'a>(
    mut text: &'a mut [u8],
    trailer: &'a mut [u8],
    rng: &mut ChaCha20Rng,
) -> Vec<Segment<'a>> {
    let mut segments = Vec::new();
    let longest = [1, 3, 15, 16, 17, 40, 200][rng.next_u32() as usize % 7];
    let mut trailer = Some(trailer);
    while !text.is_empty() {
        let count = (rng.next_u32() as usize % (longest + 1)).min(text.len());
        let (piece, rest) = text.split_at_mut(count);
        text = rest;
        segments.push(match rng.next_u32() % 3 {
            0 => Segment::Padding(piece),
            1 => Segment::Header(piece),
            _ => Segment::Data(piece),
        });
        match rng.next_u32() % 4 {
            0 => segments.push(Segment::SignOnly(b"not encrypted, more than a block of it")),
            1 => segments.extend(trailer.take().map(Segment::Trailer)),
            _ => {}
        }
    }
    segments
}

/// The `cts` crate, and plain CBC for a single block: `cts` 0.7.0 encrypts that twice, against RFC 3962 section 5 and
/// the vectors of RFC 8009 and MIT with an empty plaintext.
fn oracle(key: &[u8], text: &mut [u8], encrypting: bool) {
    if key.len() == 16 {
        let key = <[u8; 16]>::try_from(key).unwrap();
        oracle_with(&aes::Aes128::new(&key.into()), text, encrypting);
    } else {
        let key = <[u8; 32]>::try_from(key).unwrap();
        oracle_with(&aes::Aes256::new(&key.into()), text, encrypting);
    }
}

fn oracle_with<C>(cipher: &C, text: &mut [u8], encrypting: bool)
where
    C: BlockSizeUser<BlockSize = U16> + BlockCipherEncrypt + BlockCipherDecrypt,
{
    let iv = Block::default();
    if let Ok(block) = <&mut Block>::try_from(&mut *text) {
        if encrypting {
            ::cbc::Encryptor::inner_iv_init(cipher, &iv).encrypt_block(block);
        } else {
            ::cbc::Decryptor::inner_iv_init(cipher, &iv).decrypt_block(block);
        }
        return;
    }
    let mode = CbcCs3::inner_iv_init(cipher, &iv);
    if encrypting {
        mode.encrypt(text)
    } else {
        mode.decrypt(text)
    }
    .unwrap();
}

#[test]
fn every_length_and_any_segmentation_is_what_the_cts_crate_computes() {
    let mut rng = ChaCha20Rng::seed_from_u64(3962);
    // Up to 200 octets each length; then around the sizes of the groups that processors decrypt at a time.
    let lengths =
        (16..=200).chain((8..=130).flat_map(|blocks| [blocks * 16 - 1, blocks * 16, blocks * 16 + 1]));
    for total in lengths {
        for key_len in [16, 32] {
            let mut key = vec![0; key_len];
            rng.fill_bytes(&mut key);
            let cipher = Cipher::aes(&key);
            let mut plaintext = vec![0; total];
            rng.fill_bytes(&mut plaintext);
            let mut expected = plaintext.clone();
            oracle(&key, &mut expected, true);

            for round in 0..3 {
                let mut text = plaintext.clone();
                let mut trailer = [0x55; 24];
                let mut segments = random_segments(&mut text, &mut trailer, &mut rng);
                encrypt(&cipher, &mut segments, total);
                assert_eq!(text, expected, "encrypt {total} octets, round {round}");

                let mut segments = random_segments(&mut text, &mut trailer, &mut rng);
                decrypt(&cipher, &mut segments, total);
                assert_eq!(text, plaintext, "decrypt {total} octets, round {round}");
                assert_eq!(trailer, [0x55; 24], "a trailer is not touched");
            }
            oracle(&key, &mut expected, false);
            assert_eq!(expected, plaintext);
        }
    }
}

#[test]
fn nothing_is_encrypted_when_there_is_nothing() {
    let cipher = Cipher::aes(&[0; 16]);
    encrypt(&cipher, &mut [], 0);
    decrypt(&cipher, &mut [Segment::Data(&mut [])], 0);
}

fn tag(mac: MacState) -> [u8; 12] {
    let mut tag = [0; 12];
    mac.finalize_into(&mut tag);
    tag
}

/// The MAC of the signed segments one behind the other.
fn mac_of(kind: MacKind, segments: &[Segment<'_>]) -> [u8; 12] {
    let mut mac = MacState::new(kind, b"key");
    segments
        .iter()
        .filter_map(Segment::signed)
        .for_each(|text| mac.update(text));
    tag(mac)
}

#[test]
fn the_mac_laid_into_encryption_is_the_mac_before_it_or_after_it() {
    let mut rng = ChaCha20Rng::seed_from_u64(6803);
    let ciphers = [
        Cipher::aes(&[1; 16]),
        Cipher::aes(&[2; 32]),
        Cipher::camellia(&[3; 16]),
        Cipher::camellia(&[4; 32]),
    ];
    let kinds = [
        MacKind::Sha1,
        MacKind::Sha256,
        MacKind::Sha384,
        MacKind::CmacCamellia128,
        MacKind::CmacCamellia256,
    ];
    for total in (16..=200)
        .step_by(3)
        .chain([250, 511, 512, 513, 4096, 4113, 9000])
    {
        for cipher in &ciphers {
            for kind in kinds {
                let mut text = vec![0; total];
                rng.fill_bytes(&mut text);
                let mut trailer = [0x55; 24];
                let mut segments = random_segments(&mut text, &mut trailer, &mut rng);
                let before = mac_of(kind, &segments);
                let mut mac = MacState::new(kind, b"key");
                encrypt_and_mac(cipher, &mut mac, &mut segments, total);
                assert_eq!(tag(mac), before, "{total}");

                let mut mac = MacState::new(kind, b"key");
                encrypt_then_mac(cipher, &mut mac, &mut segments, total);
                assert_eq!(tag(mac), mac_of(kind, &segments), "{total}");
                decrypt(cipher, &mut segments, total);
                decrypt(cipher, &mut segments, total);
                assert_eq!(mac_of(kind, &segments), before, "{total}");
            }
        }
    }
}
