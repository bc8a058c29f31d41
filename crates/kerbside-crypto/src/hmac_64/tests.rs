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
    let mut mac: Hmac<sha1::Sha1> = crate::mac::hmac(key);
    mac.update(text);
    mac.finalize().into_bytes().to_vec()
}

fn expected_sha256(key: &[u8], text: &[u8]) -> Vec<u8> {
    let mut mac: Hmac<sha2::Sha256> = crate::mac::hmac(key);
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
    for key_len in [0, 1, 16, 32, 64] {
        let key = octets(key_len);
        for len in (0..=300).chain([1000, 4096, 4097]) {
            let text = octets(len);
            for piece in [1, 7, 16, 63, 64, 65, 5000] {
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
    for before in 0..=130 {
        for len in (0..=200).chain([256, 1000]) {
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
    for before in 0..=130 {
        for len in (0..=200).chain([256, 1000]) {
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
