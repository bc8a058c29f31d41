//! Published vectors of the primitives below the encryption types, as the crates this one depends on compute them.

use camellia::cipher::{BlockCipherDecrypt, BlockCipherEncrypt};
use hmac::{Hmac, KeyInit, Mac};
use md4::{Digest, Md4};
use md5::Md5;
use pbkdf2::pbkdf2_hmac;
use rc4::{Rc4, StreamCipher};
use serde_json::Value;
use sha1::Sha1;
use sha2::{Sha256, Sha384};

use crate::support::{Tally, list, octets, read};

fn check_hash<D: Digest>(vector: &Value) {
    let message = vector["message_ascii"].as_str().unwrap();
    assert_eq!(D::digest(message)[..], octets(vector, "digest_hex"), "{vector}");
}

fn check_hmac<M: Mac + KeyInit>(vector: &Value) {
    let mut mac = <M as KeyInit>::new_from_slice(&octets(vector, "key_hex")).unwrap();
    mac.update(&octets(vector, "data_hex"));
    let expected = octets(vector, "mac_hex");
    assert_eq!(
        mac.finalize().into_bytes()[..expected.len()],
        expected,
        "{vector}"
    );
}

fn check_block<C: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit>(vector: &Value) {
    let cipher = C::new_from_slice(&octets(vector, "key_hex")).unwrap();
    let (plaintext, ciphertext) = (octets(vector, "plaintext_hex"), octets(vector, "ciphertext_hex"));
    let mut block = camellia::cipher::Block::<C>::default();
    block.copy_from_slice(&plaintext);
    cipher.encrypt_block(&mut block);
    assert_eq!(block[..], ciphertext, "{vector}");
    cipher.decrypt_block(&mut block);
    assert_eq!(block[..], plaintext);
}

/// Checks a block cipher by key length; false for one that no encryption type has.
fn check_cipher<C16, C32>(vector: &Value) -> bool
where
    C16: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit,
    C32: BlockCipherEncrypt + BlockCipherDecrypt + KeyInit,
{
    match octets(vector, "key_hex").len() {
        16 => check_block::<C16>(vector),
        32 => check_block::<C32>(vector),
        _ => return false,
    }
    true
}

fn count(tally: &mut Tally, used: bool) {
    if used {
        tally.ran();
    } else {
        tally.refused();
    }
}

#[test]
fn primitives() {
    let file = read("primitives");
    let mut tally = Tally::default();
    for vector in list(&file, "md4") {
        check_hash::<Md4>(vector);
        tally.ran();
    }
    for vector in list(&file, "md5") {
        check_hash::<Md5>(vector);
        tally.ran();
    }
    for vector in list(&file, "hmac") {
        match vector["hash"].as_str().unwrap() {
            "md5" => check_hmac::<Hmac<Md5>>(vector),
            "sha1" => check_hmac::<Hmac<Sha1>>(vector),
            "sha256" => check_hmac::<Hmac<Sha256>>(vector),
            "sha384" => check_hmac::<Hmac<Sha384>>(vector),
            _ => {
                tally.refused();
                continue;
            }
        }
        tally.ran();
    }
    for vector in list(&file, "pbkdf2") {
        let mut out = vec![0; usize::try_from(vector["dk_len"].as_u64().unwrap()).unwrap()];
        let iterations = u32::try_from(vector["iterations"].as_u64().unwrap()).unwrap();
        // 2^24 iterations are for a machine with nothing else to do.
        let used = iterations < 1 << 24;
        if used {
            pbkdf2_hmac::<Sha1>(
                &octets(vector, "password_hex"),
                &octets(vector, "salt_hex"),
                iterations,
                &mut out,
            );
            assert_eq!(out, octets(vector, "dk_hex"), "{vector}");
        }
        count(&mut tally, used);
    }
    for vector in list(&file, "rc4") {
        let mut rc4 = Rc4::new_from_slice(&octets(vector, "key_hex")).unwrap();
        let offset = usize::try_from(vector["offset"].as_u64().unwrap()).unwrap();
        let expected = octets(vector, "keystream_hex");
        let mut stream = vec![0; offset + expected.len()];
        rc4.apply_keystream(&mut stream);
        assert_eq!(stream[offset..], expected, "{vector}");
        tally.ran();
    }
    for vector in list(&file, "camellia_block") {
        count(
            &mut tally,
            check_cipher::<camellia::Camellia128, camellia::Camellia256>(vector),
        );
    }
    for vector in list(&file, "aes_block") {
        count(&mut tally, check_cipher::<aes::Aes128, aes::Aes256>(vector));
    }
    // CMAC is over Camellia only, and X25519 is PKINIT's.
    for unused in ["aes_cmac", "x25519"] {
        list(&file, unused).iter().for_each(|_| tally.refused());
    }
    tally.finish(&file, 133, 20);
}

/// A file that no test reads, or that lost vectors, is found here.
#[test]
fn each_file_of_vectors_has_its_count_and_each_vector_its_source() {
    let expected = [
        ("mit_checksum", 14),
        ("mit_computed", 97),
        ("mit_decrypt", 43),
        ("mit_derive", 21),
        ("mit_prf", 8),
        ("mit_string_to_key", 37),
        ("primitives", 153),
        ("rfc3961", 29),
        ("rfc3961_nfold", 15),
        ("rfc3962", 13),
        ("rfc6113_cf2", 6),
        ("rfc6803", 23),
        ("rfc8009", 16),
    ];
    let mut found = Vec::new();
    for entry in std::fs::read_dir(concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors")).unwrap() {
        let path = entry.unwrap().path();
        let name = path.file_stem().unwrap().to_str().unwrap().to_owned();
        let file = read(&name);
        let lists = file.as_object().unwrap().values().filter_map(Value::as_array);
        let vectors: Vec<&Value> = lists.flatten().collect();
        assert!(
            vectors.iter().all(|vector| vector["source"].is_string()),
            "{name}"
        );
        assert_eq!(vectors.len() as u64, file["count"].as_u64().unwrap(), "{name}");
        found.push((name, vectors.len()));
    }
    found.sort();
    let found: Vec<(&str, usize)> = found
        .iter()
        .map(|(name, count)| (name.as_str(), *count))
        .collect();
    assert_eq!(found, expected);
}
