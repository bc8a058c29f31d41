#![allow(clippy::indexing_slicing, reason = "a test fails by panicking")]

use alloc::vec;
use alloc::vec::Vec;

use hmac::{Hmac, Mac};

use super::*;

fn octets(len: usize) -> Vec<u8> {
    (0..len)
        .map(|at| u8::try_from(at * 7 % 251).unwrap_or_default())
        .collect()
}

fn expected_sha1(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac =
        <Hmac<sha1::Sha1> as hmac::KeyInit>::new_from_slice(key).unwrap_or_else(|_| crate::mac::hmac(key));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn expected_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac =
        <Hmac<sha2::Sha256> as hmac::KeyInit>::new_from_slice(key).unwrap_or_else(|_| crate::mac::hmac(key));
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn finalize<H: Compression>(mac: Hmac64<H>) -> Vec<u8> {
    let mut out = vec![0; mac.inner.as_ref().len() * 4];
    mac.finalize_into(&mut out);
    out
}

#[test]
fn every_length_in_any_pieces_is_what_the_hmac_crate_computes() {
    for key_len in [0, 32, 64, 65, 200] {
        let key = octets(key_len);
        for len in (0..=200).chain([1000, 4097]) {
            let text = octets(len);
            for piece in [7, 64, 65, 5000] {
                let mut sha1 = Hmac64::<Sha1>::new(&key);
                let mut sha256 = Hmac64::<Sha256>::new(&key);
                for piece in text.chunks(piece) {
                    sha1.update(piece);
                    sha256.update(piece);
                }
                assert_eq!(
                    finalize(sha1),
                    expected_sha1(&key, &text),
                    "{key_len} {len} {piece}"
                );
                assert_eq!(
                    finalize(sha256),
                    expected_sha256(&key, &text),
                    "{key_len} {len} {piece}"
                );
            }
        }
    }
}

#[test]
fn hashing_ahead_absorbs_what_was_there_before_the_change() {
    for before in (0..=130).step_by(3) {
        for len in (0..=200).step_by(7).chain([64, 128, 192, 256, 1000]) {
            let (head, text) = (octets(before), octets(len));
            let mut changed = text.clone();
            let mut mac = Hmac64::<Sha1>::new(b"key");
            mac.update(&head);
            let done = mac.update_ahead_of(&mut changed, |group| group.fill(0xff));
            mac.update(b"tail");
            let all = [&head[..], &text, b"tail"].concat();
            assert_eq!(finalize(mac), expected_sha1(b"key", &all), "{before} {len}");
            assert!(changed[..done].iter().all(|octet| *octet == 0xff));
            assert_eq!(changed[done..], text[done..]);
            assert!(done.is_multiple_of(64));
        }
    }
}

#[test]
fn hashing_behind_absorbs_what_is_there_after_the_change() {
    for before in (0..=130).step_by(3) {
        for len in (0..=200).step_by(7).chain([64, 128, 192, 256, 1000]) {
            let (head, text) = (octets(before), octets(len));
            let mut changed = text.clone();
            let mut mac = Hmac64::<Sha256>::new(b"key");
            mac.update(&head);
            let (done, absorbed) = mac.update_behind(&mut changed, |group| {
                group.iter_mut().for_each(|octet| *octet ^= 0xff)
            });
            assert!(absorbed <= done && done.is_multiple_of(64));
            assert_eq!(done, len / 64 * 64);
            mac.update(&changed[absorbed..]);
            let all = [&head[..], &changed].concat();
            assert_eq!(finalize(mac), expected_sha256(b"key", &all), "{before} {len}");
        }
    }
}

#[test]
fn vectors_of_rfc_2202_and_rfc_4231() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/primitives.json")).unwrap_or_default();
    let field = |vector: &serde_json::Value, name: &str| {
        hex::decode(vector[name].as_str().unwrap_or("?")).unwrap_or_default()
    };
    let (mut sha1, mut sha256) = (0, 0);
    for vector in file["hmac"].as_array().into_iter().flatten() {
        let (key, data, expected) = (
            field(vector, "key_hex"),
            field(vector, "data_hex"),
            field(vector, "mac_hex"),
        );
        let mut out = vec![0; expected.len()];
        match vector["hash"].as_str() {
            Some("sha1") => {
                let mut mac = Hmac64::<Sha1>::new(&key);
                mac.update(&data);
                mac.finalize_into(&mut out);
                sha1 += 1;
            }
            Some("sha256") => {
                let mut mac = Hmac64::<Sha256>::new(&key);
                mac.update(&data);
                mac.finalize_into(&mut out);
                sha256 += 1;
            }
            _ => continue,
        }
        assert_eq!(out, expected, "{vector}");
    }
    assert_eq!((sha1, sha256), (7, 6));
}

#[test]
fn pbkdf2_is_what_rfc_6070_and_the_pbkdf2_crate_say() {
    let file: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/primitives.json")).unwrap_or_default();
    let field = |vector: &serde_json::Value, name: &str| {
        hex::decode(vector[name].as_str().unwrap_or("?")).unwrap_or_default()
    };
    let mut run = 0;
    for vector in file["pbkdf2"].as_array().into_iter().flatten() {
        let iterations = u32::try_from(vector["iterations"].as_u64().unwrap_or(0)).unwrap_or(0);
        // 2^24 iterations are for a machine with nothing else to do.
        if iterations < 1 << 24 {
            let expected = field(vector, "dk_hex");
            let mut out = vec![0; expected.len()];
            pbkdf2::<Sha1>(
                &field(vector, "password_hex"),
                &field(vector, "salt_hex"),
                iterations,
                &mut out,
            );
            assert_eq!(out, expected, "{vector}");
            run += 1;
        }
    }
    assert_eq!(run, 5);
    for password_len in [0, 1, 63, 64, 65, 300] {
        for salt_len in [0, 20, 60, 200] {
            for out_len in [1, 16, 20, 21, 32, 33, 70] {
                let (password, salt) = (octets(password_len), octets(salt_len));
                let (mut ours, mut theirs) = (vec![0; out_len], vec![0; out_len]);
                pbkdf2::<Sha1>(&password, &salt, 3, &mut ours);
                ::pbkdf2::pbkdf2_hmac::<sha1::Sha1>(&password, &salt, 3, &mut theirs);
                assert_eq!(ours, theirs);
                pbkdf2::<Sha256>(&password, &salt, 3, &mut ours);
                ::pbkdf2::pbkdf2_hmac::<sha2::Sha256>(&password, &salt, 3, &mut theirs);
                assert_eq!(ours, theirs);
            }
        }
    }
}
