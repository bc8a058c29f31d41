//! Older tokens against the example of MS-KILE, and with every octet altered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

use alloc::vec;
use alloc::vec::Vec;

use kerbside_crypto::EnctypePolicy;
use rand_chacha::ChaCha20Rng;
use rand_core::{Infallible, SeedableRng, TryCryptoRng, TryRng};

use super::*;

const TYPES: [EncryptionType; 2] = [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD];

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn end(key: &Key, role: Role, seq: u32) -> OlderProtection {
    let params = ProtectionParams {
        key: key.clone(),
        acceptor_subkey: false,
        partial_key: None,
        role,
        flags: ContextFlags::REPLAY | ContextFlags::SEQUENCE,
        send_seq: seq,
        receive_seq: seq,
    };
    OlderProtection::new(params, Algorithms::of(key.enctype()).unwrap())
}

fn key(enctype: EncryptionType) -> Key {
    Key::generate_with_policy(enctype, &mut rng(), &EnctypePolicy::ALLOW_ALL).unwrap()
}

fn pair(enctype: EncryptionType) -> (OlderProtection, OlderProtection) {
    let key = key(enctype);
    (end(&key, Role::Initiator, 5), end(&key, Role::Acceptor, 5))
}

fn wrap(end: &mut OlderProtection, confidential: bool, message: &[u8]) -> Vec<u8> {
    let mut token = Vec::new();
    end.wrap_into(confidential, message, &mut token, &mut rng())
        .unwrap();
    token
}

/// Gives the confounder of a published example.
struct Given<'a>(&'a [u8]);

impl TryRng for Given<'_> {
    type Error = Infallible;

    fn try_next_u32(&mut self) -> Result<u32, Infallible> {
        Ok(0)
    }

    fn try_next_u64(&mut self) -> Result<u64, Infallible> {
        Ok(0)
    }

    fn try_fill_bytes(&mut self, bytes: &mut [u8]) -> Result<(), Infallible> {
        bytes.copy_from_slice(self.0);
        Ok(())
    }
}

impl TryCryptoRng for Given<'_> {}

#[test]
fn the_sealed_token_of_ms_kile() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/gss_tokens.json")).unwrap();
    let all = vectors["vectors"].as_array().unwrap();
    let entry = all
        .iter()
        .find(|entry| entry["name"] == "ms_kile_rc4_wrap")
        .unwrap();
    let field = |name: &str| hex::decode(entry[name].as_str().unwrap()).unwrap();
    let key = Key::with_policy(
        EncryptionType::RC4_HMAC,
        &field("key_hex"),
        &EnctypePolicy::ALLOW_ALL,
    )
    .unwrap();
    let number = u32::from_be_bytes(field("seq_be_hex").try_into().unwrap());
    let token = [field("token_hex"), field("output_data_hex")].concat();
    let (mut initiator, mut acceptor) = (
        end(&key, Role::Initiator, number),
        end(&key, Role::Acceptor, number),
    );
    let mut made = Vec::new();
    initiator
        .wrap_into(
            true,
            &field("message_hex"),
            &mut made,
            &mut Given(&field("confounder_hex")),
        )
        .unwrap();
    assert_eq!(made, token);
    let opened = acceptor.unwrap(&token, true).unwrap();
    assert_eq!(opened.message, field("message_hex"));
    assert!(opened.confidential && opened.sequence == SequenceFinding::InSequence);
}

#[test]
fn both_directions_all_lengths_and_limits() {
    for enctype in TYPES {
        let (mut initiator, mut acceptor) = pair(enctype);
        for length in (0..40).chain([88, 89, 90, 220, 230, 65_500, 65_530, 70_000]) {
            let message: Vec<u8> = (0..length).map(|octet| octet as u8).collect();
            for confidential in [true, false] {
                let mut token = wrap(&mut initiator, confidential, &message);
                let around = initiator.wrap_lengths(confidential, length);
                assert_eq!(token.len(), length + around.total());
                assert!(initiator.wrap_size_limit(confidential, usize::MAX) > 1 << 30);
                let limit = initiator.wrap_size_limit(confidential, token.len());
                assert!(
                    limit >= length && limit < length + 8,
                    "{enctype} {length} {limit}"
                );
                assert!(limit + initiator.wrap_lengths(confidential, limit).total() <= token.len());
                let opened = acceptor.unwrap(&token, confidential).unwrap();
                assert_eq!(
                    (&opened.message, opened.confidential, opened.sequence),
                    (&message, confidential, SequenceFinding::InSequence)
                );
                // The same again is told from a new one, where it lies.
                let again = acceptor.unwrap_in_place(&mut token, confidential).unwrap();
                assert_eq!(
                    (&again.message[..], again.sequence),
                    (&message[..], SequenceFinding::Duplicate)
                );
                let back = wrap(&mut acceptor, confidential, &message);
                assert_eq!(initiator.unwrap(&back, confidential).unwrap().message, message);
            }
            let mic = initiator.get_mic(&message).unwrap();
            assert_eq!(
                acceptor.verify_mic(&message, &mic).unwrap(),
                SequenceFinding::InSequence
            );
        }
    }
}

#[test]
fn numbers_go_round_at_32_bits_and_are_told_apart() {
    for enctype in TYPES {
        let key = key(enctype);
        let (mut initiator, mut acceptor) = (
            end(&key, Role::Initiator, u32::MAX - 1),
            end(&key, Role::Acceptor, u32::MAX - 1),
        );
        let mics: Vec<_> = (0..5).map(|_| initiator.get_mic(b"m").unwrap()).collect();
        let mut found = |at: usize| acceptor.verify_mic(b"m", &mics[at]).unwrap();
        use SequenceFinding::{Duplicate, Gap, InSequence, Unsequenced};
        assert_eq!(
            [0, 1, 3, 2, 2, 4].map(&mut found),
            [InSequence, InSequence, Gap, Unsequenced, Duplicate, InSequence]
        );
    }
}

/// Pitfalls 10.6 and 10.7.
#[test]
fn rule_10_6_reflected_and_rule_10_7_unsealed_tokens_are_refused() {
    for enctype in TYPES {
        let (mut initiator, mut acceptor) = pair(enctype);
        let token = wrap(&mut initiator, true, b"mine");
        let error = initiator.unwrap(&token, false).unwrap_err();
        assert!(matches!(error.cause(), Cause::WrongDirection { .. }), "{error}");
        let mic = initiator.get_mic(b"mine").unwrap();
        let error = initiator.verify_mic(b"mine", &mic).unwrap_err();
        assert!(matches!(error.cause(), Cause::WrongDirection { .. }), "{error}");
        let open = wrap(&mut initiator, false, b"readable");
        let error = acceptor.unwrap(&open, true).unwrap_err();
        assert!(matches!(error.cause(), Cause::NotConfidential), "{error}");
        // Nothing of it was taken in: the messages still come in order.
        let opened = acceptor.unwrap(&token, true).unwrap();
        assert_eq!(opened.sequence, SequenceFinding::InSequence);
    }
}

#[test]
fn a_deletion_token_changes_nothing() {
    for enctype in TYPES {
        let (mut initiator, mut acceptor) = pair(enctype);
        let mut token = initiator.get_mic(b"").unwrap();
        let at = token.windows(2).position(|two| two == TOK_ID_MIC).unwrap();
        token[at..at + 2].copy_from_slice(&TOK_ID_DELETE);
        for error in [
            acceptor.unwrap(&token, false).unwrap_err(),
            acceptor.verify_mic(b"", &token).unwrap_err(),
        ] {
            assert!(matches!(error.cause(), Cause::ContextDeletion), "{error}");
        }
        let next = wrap(&mut acceptor, true, b"still here");
        assert_eq!(initiator.unwrap(&next, true).unwrap().message, b"still here");
    }
}

/// CVE-2014-4341, CVE-2014-4342: short tokens, and padding that says too much.
#[test]
fn cve_2014_4341_cve_2014_4342_short_tokens_and_false_padding() {
    for enctype in TYPES {
        let (mut initiator, acceptor) = pair(enctype);
        for message in [&b""[..], b"0123456789abcdef"] {
            for confidential in [true, false] {
                let token = wrap(&mut initiator, confidential, message);
                for length in 0..token.len() {
                    assert!(acceptor.open(&mut token[..length].to_vec(), false).is_err());
                    // The same with a frame that fits.
                    let inner_len = length.saturating_sub(13);
                    let mut framed = vec![0; frame::len(inner_len) + inner_len];
                    let inner = frame::write(inner_len, &mut framed).unwrap();
                    inner.copy_from_slice(&token[13..13 + inner_len]);
                    assert!(acceptor.open(&mut framed, false).is_err(), "{length}");
                }
                for extra in [vec![0], vec![1; 8], token.clone()] {
                    assert!(
                        acceptor
                            .open(&mut [token.clone(), extra].concat(), false)
                            .is_err()
                    );
                }
            }
        }
    }
    let text = |tail: &[u8]| [&[9; 8][..], b"message", tail].concat();
    assert_eq!(message_len(&text(&[1])), Some(7));
    assert_eq!(message_len(&text(&[2, 2])), Some(7));
    for tail in [&[0][..], &[9; 9], &[16], &[3, 2], &[255]] {
        assert_eq!(message_len(&text(tail)), None, "{tail:?}");
    }
    assert_eq!(message_len(&[9; 8]), None);
    assert_eq!(message_len(&[[9; 8], [8; 8]].concat()), Some(0));
    assert_eq!(message_len(&[&[9; 8][..], &[8; 7]].concat()), None);
}

/// Pitfalls 10.22: what is accepted of an altered token is the same message, and only where rc4-hmac's checksum leaves
/// the number alone.
#[test]
fn rule_10_22_every_altered_octet_is_refused_but_the_number_of_an_rc4_token() {
    for enctype in TYPES {
        let (mut initiator, acceptor) = pair(enctype);
        for confidential in [true, false] {
            let token = wrap(&mut initiator, confidential, b"a message");
            let mut accepted = Vec::new();
            for at in 0..token.len() {
                for bit in 0..8 {
                    let mut altered = token.clone();
                    altered[at] ^= 1 << bit;
                    if let Ok(opened) = acceptor.open(&mut altered, false) {
                        let message = &altered[opened.start..opened.start + opened.length];
                        assert_eq!((message, opened.confidential), (&b"a message"[..], confidential));
                        accepted.push(at);
                    }
                }
            }
            accepted.dedup();
            let number: Vec<usize> = (13 + 8..13 + 12).collect();
            let expected = if enctype == EncryptionType::RC4_HMAC && !confidential {
                number
            } else {
                vec![]
            };
            assert_eq!(accepted, expected, "{enctype} {confidential}");
        }
        let mic = initiator.get_mic(b"a message").unwrap();
        for at in 0..mic.len() {
            for bit in 0..8 {
                let mut altered = mic.clone();
                altered[at] ^= 1 << bit;
                let number = (13 + 8..13 + 12).contains(&at) && enctype == EncryptionType::RC4_HMAC;
                assert_eq!(
                    acceptor.check_mic(b"a message", &altered).is_ok(),
                    number,
                    "{enctype} {at}"
                );
            }
            assert!(acceptor.check_mic(b"a message", &mic[..at]).is_err());
        }
        assert!(acceptor.check_mic(b"another", &mic).is_err());
        assert!(
            acceptor
                .check_mic(b"a message", &[&mic[..], &[0]].concat())
                .is_err()
        );
    }
}

#[test]
fn numbers_are_used_once() {
    let (mut initiator, _) = pair(EncryptionType::RC4_HMAC);
    initiator.left = 1;
    initiator.get_mic(b"last").unwrap();
    let error = initiator.get_mic(b"one more").unwrap_err();
    assert!(matches!(error.cause(), Cause::SequenceExhausted));
}

#[test]
fn a_frame_is_whole_minimal_and_of_krb5() {
    for inner_len in [0, 1, 116, 117, 244, 245, 65_524, 65_525] {
        let mut token = vec![7; frame::len(inner_len) + inner_len];
        assert_eq!(frame::write(inner_len, &mut token).unwrap().len(), inner_len);
        let start = frame::inner(&token, "token").unwrap();
        assert_eq!(token.len() - start, inner_len);
        let framed = kerbside_asn1::gss_token::wrap(MECHANISM, &token[start..]);
        assert_eq!(framed, token);
    }
    let token = [&[0x60, 0x81, 11, 6, 9][..], MECHANISM.as_bytes()].concat();
    assert!(frame::inner(&token, "token").is_err(), "not the shortest length");
    let token = [&[0x60, 11, 6, 9][..], MECHANISM.as_bytes()].concat();
    assert!(frame::inner(&token, "token").is_ok());
    let other = [&[0x60, 11, 6, 9][..], oids::MS_KRB5.as_bytes()].concat();
    assert!(frame::inner(&other, "token").is_err());
}

/// Heimdal's MIC tokens under triple DES have two octets of anything behind the checksum. No other number of them is taken
/// there, and none under rc4-hmac.
#[test]
fn two_octets_behind_heimdals_triple_des_checksum() {
    for (enctype, taken) in [
        (EncryptionType::DES3_CBC_SHA1_KD, true),
        (EncryptionType::RC4_HMAC, false),
    ] {
        let (mut initiator, acceptor) = pair(enctype);
        let mic = initiator.get_mic(b"message").unwrap();
        let behind = |octets: &[u8]| {
            let mut longer = [&mic[..], octets].concat();
            longer[1] += octets.len() as u8;
            acceptor.check_mic(b"message", &longer).is_ok()
        };
        assert!(behind(&[]));
        assert_eq!(behind(&[0, 0]), taken);
        assert_eq!(behind(&[0xa5, 1]), taken);
        for other in [&[0][..], &[0, 0, 0]] {
            assert!(!behind(other), "{enctype:?} {other:?}");
        }
    }
}
