//! Per-message tokens against published and computed vectors, and against themselves with bits flipped.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

use alloc::vec;
use alloc::vec::Vec;
use std::string::String;

use kerbside_crypto::{CryptoError, EncryptionType, Key};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;
use serde_json::Value;

use super::*;
use crate::error::Cause;

impl MessageProtection {
    fn wrap(
        &mut self,
        confidential: bool,
        message: &[u8],
        rng: &mut ChaCha20Rng,
    ) -> Result<Vec<u8>, GssError> {
        let mut token = Vec::new();
        self.wrap_into(confidential, message, &mut token, rng)?;
        Ok(token)
    }
}

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn key(enctype: EncryptionType) -> Key {
    let octets: Vec<u8> = (0..32).collect();
    Key::new(enctype, &octets[..enctype.key_len().unwrap()]).unwrap()
}

fn end(role: Role, key: Key, acceptor_subkey: bool, seq: u32) -> MessageProtection {
    let flags = ContextFlags::REPLAY | ContextFlags::SEQUENCE;
    MessageProtection::new(ProtectionParams {
        key,
        acceptor_subkey,
        partial_key: None,
        role,
        flags,
        send_seq: seq,
        receive_seq: seq,
    })
}

fn pair(enctype: EncryptionType) -> (MessageProtection, MessageProtection) {
    (
        end(Role::Initiator, key(enctype), true, 5),
        end(Role::Acceptor, key(enctype), true, 5),
    )
}

fn field(entry: &Value, name: &str) -> Vec<u8> {
    hex::decode(entry[name].as_str().unwrap()).unwrap()
}

fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/gss_tokens.json")).unwrap()
}

/// The receiving end that a vector's token is for.
fn receiver(entry: &Value) -> Result<MessageProtection, CryptoError> {
    let enctype = EncryptionType(entry["etype"].as_i64().unwrap() as i32);
    let key = Key::new(enctype, &field(entry, "key_hex"))?;
    let flags = field(entry, "token_hex")[2];
    let role = if flags & 1 == 0 {
        Role::Acceptor
    } else {
        Role::Initiator
    };
    let mut end = end(role, key, flags & 4 != 0, 0);
    end.window = SequenceWindow::new(entry["seq"].as_u64().unwrap(), true, true);
    Ok(end)
}

/// Verifies one vector's token, and every token that differs from it by a bit.
fn check_vector(entry: &Value) {
    let name = entry["name"].as_str().unwrap();
    let (token, message) = (field(entry, "token_hex"), field(entry, "message_hex"));
    let mut end = receiver(entry).unwrap();
    if token.starts_with(&[4, 4]) {
        assert_eq!(
            end.verify_mic(&message, &token).unwrap(),
            SequenceFinding::InSequence,
            "{name}"
        );
        flip_bits(&token, |altered| {
            receiver(entry)
                .unwrap()
                .verify_mic(&message, altered)
                .ok()
                .map(|_| vec![])
        });
        return;
    }
    let unwrapped = end.unwrap(&token, false).unwrap();
    assert_eq!(unwrapped.message, message, "{name}");
    assert_eq!(unwrapped.confidential, token[2] & 2 != 0, "{name}");
    assert_eq!(unwrapped.sequence, SequenceFinding::InSequence, "{name}");
    flip_bits(&token, |altered| {
        receiver(entry)
            .unwrap()
            .unwrap(altered, false)
            .ok()
            .map(|open| open.message)
    });
}

/// Every altered token is refused; the one exception is a rotation count that differs by a multiple of what it rotates,
/// which gives the same message.
fn flip_bits(token: &[u8], opens: impl Fn(&[u8]) -> Option<Vec<u8>>) {
    let message = opens(token).unwrap();
    let rotated = token.len() - 16;
    for index in 0..token.len() {
        for bit in 0..8 {
            let mut altered = token.to_vec();
            altered[index] ^= 1 << bit;
            let rrc_by = match (token[0], index) {
                (5, 6) => 256 << bit,
                (5, 7) => 1 << bit,
                _ => 1,
            };
            let expected = (rrc_by % rotated == 0).then(|| message.clone());
            assert_eq!(
                opens(&altered),
                expected,
                "bit {bit} of octet {index} of {token:02x?}"
            );
        }
    }
}

#[test]
fn computed_vectors() {
    let file = vectors();
    let entries = file["computed"].as_array().unwrap();
    entries.iter().for_each(check_vector);
    assert_eq!(entries.len(), 48);
}

#[test]
fn published_vectors() {
    let file = vectors();
    let (mut verified, mut refused): (Vec<String>, Vec<String>) = (vec![], vec![]);
    for entry in file["vectors"].as_array().unwrap() {
        let name: String = entry["name"].as_str().unwrap().into();
        if name.starts_with("gokrb5_") {
            check_vector(entry);
            verified.push(name);
        } else if entry["kind"].as_str().unwrap().starts_with("RC4") {
            // RC4 wants the tokens of RFC 4757, which are not built: the key itself is refused by name.
            let error = receiver_key_error(entry);
            assert_eq!(
                error,
                CryptoError::RefusedByPolicy {
                    enctype: EncryptionType::RC4_HMAC
                }
            );
            refused.push(name);
        } else {
            // DCE style with sign-only buffers (see below), and a string-to-key value, which is kerbside-crypto's.
            refused.push(name);
        }
    }
    assert_eq!(verified.len(), 4, "{verified:?}");
    assert_eq!(refused.len(), 3, "{refused:?}");
}

fn receiver_key_error(entry: &Value) -> CryptoError {
    let enctype = EncryptionType(entry["etype"].as_i64().unwrap() as i32);
    Key::new(enctype, &field(entry, "key_hex")).unwrap_err()
}

/// The DCE token of a Windows capture covers buffers beside the message. As a plain token it must not verify.
#[test]
fn dce_style_token_is_refused() {
    let file = vectors();
    let entry = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["acceptor_subkey_hex"].is_string());
    let entry = entry.unwrap();
    let key = Key::new(EncryptionType(18), &field(entry, "acceptor_subkey_hex")).unwrap();
    let mut end = end(Role::Acceptor, key, true, 0);
    let token = [field(entry, "token_hex"), field(entry, "encrypted_data_hex")].concat();
    assert!(matches!(
        end.unwrap(&token, false).unwrap_err().cause(),
        Cause::BadMic
    ));
}

#[test]
fn made_tokens_are_the_vectors() {
    // Sealed tokens have a random confounder; MICs and signed messages must come out to the octet.
    let file = vectors();
    let all = file["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .chain(file["computed"].as_array().unwrap());
    let mut made = 0;
    for entry in all {
        let Some(token) = entry["token_hex"]
            .as_str()
            .map(|token| hex::decode(token).unwrap())
        else {
            continue;
        };
        if !entry["key_hex"].is_string() || !entry["seq"].is_u64() {
            continue;
        }
        let Ok(mut end) = receiver(entry) else { continue };
        if token[..2] == [5, 4] && token[2] & 2 != 0 {
            continue;
        }
        end.role = end.role.peer();
        end.send_seq = entry["seq"].as_u64();
        let message = field(entry, "message_hex");
        let own = if token[0] == 4 {
            end.mic(&message)
        } else {
            end.wrap(false, &message, &mut rng())
        };
        assert_eq!(own.unwrap(), token, "{}", entry["name"]);
        made += 1;
    }
    assert_eq!(made, 16);
}

#[test]
fn both_directions_all_enctypes_all_lengths() {
    for enctype in EncryptionType::SUPPORTED {
        let (mut initiator, mut acceptor) = pair(enctype);
        for length in (0..70).chain([255, 4096, 16384, 70_000]) {
            let message: Vec<u8> = (0..length).map(|octet| octet as u8).collect();
            for confidential in [true, false] {
                let token = initiator.wrap(confidential, &message, &mut rng()).unwrap();
                assert_eq!(token.len(), length + initiator.wrap_lengths(confidential).total());
                assert_eq!(initiator.wrap_size_limit(confidential, token.len()), length);
                let unwrapped = acceptor.unwrap(&token, confidential).unwrap();
                assert_eq!(
                    (unwrapped.message, unwrapped.confidential),
                    (message.clone(), confidential)
                );
                assert_eq!(unwrapped.sequence, SequenceFinding::InSequence);
                let mut token = acceptor.wrap(confidential, &message, &mut rng()).unwrap();
                let unwrapped = initiator.unwrap_in_place(&mut token, confidential).unwrap();
                assert_eq!(unwrapped.message, message.as_slice());
            }
            let mic = acceptor.mic(&message).unwrap();
            assert_eq!(
                initiator.verify_mic(&message, &mic).unwrap(),
                SequenceFinding::InSequence
            );
            assert!(
                initiator
                    .verify_mic(&[&message[..], b"x"].concat(), &mic)
                    .is_err()
            );
        }
    }
}

#[test]
fn in_place_is_the_same_token_and_wants_exact_buffers() {
    for enctype in EncryptionType::SUPPORTED {
        for confidential in [true, false] {
            let (mut one, mut acceptor) = pair(enctype);
            let (mut other, _) = pair(enctype);
            let whole = one.wrap(confidential, b"a message in place", &mut rng()).unwrap();
            let lengths = other.wrap_lengths(confidential);
            let mut parts = (
                vec![0; lengths.header],
                b"a message in place".to_vec(),
                vec![0; lengths.trailer],
            );
            other
                .wrap_in_place(confidential, &mut parts.0, &mut parts.1, &mut parts.2, &mut rng())
                .unwrap();
            assert_eq!([&parts.0[..], &parts.1, &parts.2].concat(), whole);
            assert_eq!(
                acceptor.unwrap(&whole, confidential).unwrap().message,
                b"a message in place"
            );
            for (header, trailer) in [(1, 0), (0, 1), (usize::MAX, 0), (0, usize::MAX)] {
                let mut header = vec![0; lengths.header.wrapping_add(header)];
                let mut trailer = vec![0; lengths.trailer.wrapping_add(trailer)];
                let error = other.wrap_in_place(confidential, &mut header, &mut [], &mut trailer, &mut rng());
                assert!(matches!(error.unwrap_err().cause(), Cause::BufferLength { .. }));
            }
        }
    }
}

#[test]
fn wrap_into_appends() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    let mut buffer = b"length".to_vec();
    initiator
        .wrap_into(true, b"one", &mut buffer, &mut rng())
        .unwrap();
    assert_eq!(&buffer[..6], b"length");
    assert_eq!(acceptor.unwrap(&buffer[6..], true).unwrap().message, b"one");
}

#[test]
fn every_rotation_and_filler() {
    for enctype in EncryptionType::SUPPORTED {
        for ec in [0, 1, 16, 17] {
            let body = b"rotate me".len() + 16 + usize::from(ec) + 16 + key(enctype).trailer_len();
            for rrc in (0..=body as u16 + 1).chain([2 * body as u16 + 3, u16::MAX]) {
                let (mut initiator, mut acceptor) = pair(enctype);
                let token = initiator.wrap_rotated(ec, rrc, b"rotate me", &mut rng()).unwrap();
                let unwrapped = acceptor.unwrap(&token, true).unwrap();
                assert_eq!(unwrapped.message, b"rotate me", "{enctype} EC {ec} RRC {rrc}");
            }
        }
    }
}

#[test]
fn rotated_signed_messages() {
    let (mut initiator, _) = pair(EncryptionType(19));
    let token = initiator.wrap(false, b"signed", &mut rng()).unwrap();
    let length = token.len() - 16;
    for rrc in 0..=2 * length + 1 {
        let mut rotated = token.clone();
        rotated[6..8].copy_from_slice(&(rrc as u16).to_be_bytes());
        rotated[16..].rotate_right(rrc % length);
        let (_, mut acceptor) = pair(EncryptionType(19));
        assert_eq!(
            acceptor.unwrap(&rotated, false).unwrap().message,
            b"signed",
            "{rrc}"
        );
    }
}

/// RRC is not protected: altered by a multiple of the length the message is the same one, altered otherwise it does
/// not verify. No other octet of the header may be altered.
#[test]
fn rotation_count_by_multiples_only() {
    for confidential in [true, false] {
        let (mut initiator, _) = pair(EncryptionType(17));
        let token = initiator.wrap(confidential, b"message", &mut rng()).unwrap();
        let length = token.len() - 16;
        for rrc in 1..=u16::MAX {
            if usize::from(rrc) % length != 0 && rrc % 97 != 0 {
                continue;
            }
            let mut altered = token.clone();
            altered[6..8].copy_from_slice(&rrc.to_be_bytes());
            let (_, mut acceptor) = pair(EncryptionType(17));
            match acceptor.unwrap(&altered, confidential) {
                Ok(unwrapped) => {
                    assert_eq!(usize::from(rrc) % length, 0, "{rrc}");
                    assert_eq!(unwrapped.message, b"message");
                }
                Err(_) => assert_ne!(usize::from(rrc) % length, 0, "{rrc}"),
            }
        }
    }
}

#[test]
fn every_bit_of_every_token_counts() {
    for enctype in EncryptionType::SUPPORTED {
        let (mut initiator, _) = pair(enctype);
        for confidential in [true, false] {
            let token = initiator
                .wrap(confidential, b"twenty-one octets of.", &mut rng())
                .unwrap();
            flip_bits(&token, |altered| {
                pair(enctype)
                    .1
                    .unwrap(altered, false)
                    .ok()
                    .map(|open| open.message)
            });
            flip_bits(&token, |altered| {
                let mut altered = altered.to_vec();
                pair(enctype)
                    .1
                    .unwrap_in_place(&mut altered, false)
                    .ok()
                    .map(|open| open.message.to_vec())
            });
        }
        let mic = initiator.mic(b"message").unwrap();
        flip_bits(&mic, |altered| {
            pair(enctype)
                .1
                .verify_mic(b"message", altered)
                .ok()
                .map(|_| vec![])
        });
    }
}

#[test]
fn cut_and_extended_tokens_are_refused() {
    for enctype in EncryptionType::SUPPORTED {
        let (mut initiator, _) = pair(enctype);
        for confidential in [true, false] {
            let token = initiator.wrap(confidential, b"", &mut rng()).unwrap();
            for length in 0..token.len() {
                assert!(
                    pair(enctype).1.unwrap(&token[..length], false).is_err(),
                    "{enctype} {length}"
                );
                assert!(
                    pair(enctype)
                        .1
                        .unwrap_in_place(&mut token[..length].to_vec(), false)
                        .is_err()
                );
            }
            assert!(
                pair(enctype)
                    .1
                    .unwrap(&[&token[..], &[0]].concat(), false)
                    .is_err()
            );
        }
        let mic = initiator.mic(b"").unwrap();
        for length in 0..mic.len() {
            assert!(
                pair(enctype).1.verify_mic(b"", &mic[..length]).is_err(),
                "{enctype} {length}"
            );
        }
        assert!(
            pair(enctype)
                .1
                .verify_mic(b"", &[&mic[..], &[0]].concat())
                .is_err()
        );
    }
}

/// Lengths 0 to 100 of every kind of header, so that no length is subtracted from a smaller one.
#[test]
fn short_tokens_of_every_length() {
    let headers: [[u8; 8]; 6] = [
        [5, 4, 6, 0xff, 0, 0, 0, 0],
        [5, 4, 6, 0xff, 0xff, 0xff, 0xff, 0xff],
        [5, 4, 4, 0xff, 0, 12, 0, 0],
        [5, 4, 4, 0xff, 0, 12, 0xff, 0xff],
        [4, 4, 4, 0xff, 0xff, 0xff, 0xff, 0xff],
        [0x60, 0x10, 0x06, 0x09, 0x2a, 0x86, 0x48, 0x86],
    ];
    for header in headers {
        for length in 0..=100 {
            let mut token = vec![0; length];
            let both = length.min(8);
            token[..both].copy_from_slice(&header[..both]);
            for enctype in EncryptionType::SUPPORTED {
                let (_, mut acceptor) = pair(enctype);
                assert!(acceptor.unwrap(&token, false).is_err());
                assert!(acceptor.unwrap_in_place(&mut token.clone(), false).is_err());
                assert!(acceptor.verify_mic(b"", &token).is_err());
            }
        }
    }
}

#[test]
fn reflected_tokens_are_refused() {
    for enctype in EncryptionType::SUPPORTED {
        let (mut initiator, mut acceptor) = pair(enctype);
        for end in [&mut initiator, &mut acceptor] {
            let wrapped = end.wrap(true, b"to the peer", &mut rng()).unwrap();
            assert!(matches!(
                end.unwrap(&wrapped, false).unwrap_err().cause(),
                Cause::WrongDirection { .. }
            ));
            let mic = end.mic(b"to the peer").unwrap();
            let error = end.verify_mic(b"to the peer", &mic).unwrap_err();
            assert!(matches!(error.cause(), Cause::WrongDirection { .. }));
            // With the direction altered to fit, the key usage gives it away.
            let mut turned = mic;
            turned[2] ^= 1;
            assert!(matches!(
                end.verify_mic(b"to the peer", &turned).unwrap_err().cause(),
                Cause::BadMic
            ));
        }
    }
}

#[test]
fn acceptor_subkey_flag_must_be_the_key_in_force() {
    let mut with = end(Role::Initiator, key(EncryptionType(18)), true, 5);
    let mut without = end(Role::Acceptor, key(EncryptionType(18)), false, 5);
    let token = with.wrap(true, b"same key, other flag", &mut rng()).unwrap();
    assert!(matches!(
        without.unwrap(&token, false).unwrap_err().cause(),
        Cause::WrongDirection { .. }
    ));
    let mic = without.mic(b"m").unwrap();
    assert!(matches!(
        with.verify_mic(b"m", &mic).unwrap_err().cause(),
        Cause::WrongDirection { .. }
    ));
}

#[test]
fn demanded_confidentiality() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(20));
    let token = initiator.wrap(false, b"readable", &mut rng()).unwrap();
    assert!(matches!(
        acceptor.unwrap(&token, true).unwrap_err().cause(),
        Cause::NotConfidential
    ));
    assert!(matches!(
        acceptor
            .unwrap_in_place(&mut token.clone(), true)
            .unwrap_err()
            .cause(),
        Cause::NotConfidential
    ));
    assert!(!acceptor.unwrap(&token, false).unwrap().confidential);
}

/// A message that does not verify has no sequence finding and leaves the window alone: the same token, unaltered, is
/// in sequence afterwards.
#[test]
fn findings_come_after_verification_only() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    let tokens: Vec<Vec<u8>> = (0..4)
        .map(|octet| initiator.wrap(true, &[octet], &mut rng()).unwrap())
        .collect();
    let mut altered = tokens[3].clone();
    *altered.last_mut().unwrap() ^= 1;
    assert!(matches!(
        acceptor.unwrap(&altered, false).unwrap_err().cause(),
        Cause::BadMic
    ));
    let order = [0, 2, 1, 1, 0, 3];
    let found: Vec<_> = order
        .iter()
        .map(|index| acceptor.unwrap(&tokens[*index], false).unwrap().sequence)
        .collect();
    use SequenceFinding::{Duplicate, Gap, InSequence, Unsequenced};
    assert_eq!(
        found,
        [InSequence, Gap, Unsequenced, Duplicate, Duplicate, InSequence]
    );
}

#[test]
fn wrap_and_mic_share_the_sequence() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    let mic = initiator.mic(b"first").unwrap();
    let token = initiator.wrap(true, b"second", &mut rng()).unwrap();
    assert_eq!(
        acceptor.unwrap(&token, true).unwrap().sequence,
        SequenceFinding::Gap
    );
    assert_eq!(
        acceptor.verify_mic(b"first", &mic).unwrap(),
        SequenceFinding::Unsequenced
    );
}

#[test]
fn sequence_numbers_end() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    initiator.send_seq = Some(u64::MAX);
    acceptor.window = SequenceWindow::new(u64::MAX, true, true);
    let last = initiator.mic(b"last").unwrap();
    assert_eq!(
        acceptor.verify_mic(b"last", &last).unwrap(),
        SequenceFinding::InSequence
    );
    assert!(matches!(
        initiator.mic(b"more").unwrap_err().cause(),
        Cause::SequenceExhausted
    ));
    assert!(initiator.wrap(true, b"more", &mut rng()).is_err());
    let mut buffer = b"kept".to_vec();
    assert!(
        initiator
            .wrap_into(false, b"more", &mut buffer, &mut rng())
            .is_err()
    );
    assert_eq!(buffer, b"kept");
}

#[test]
fn windows_numbers_the_mech_list_mic_zero() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    acceptor.send_seq = Some(0);
    let mic = acceptor.mic(b"list").unwrap();
    initiator.verify_mech_list_mic(b"list", &mic).unwrap();
    assert!(initiator.verify_mech_list_mic(b"other", &mic).is_err());
    // Nor does a number ahead move the window.
    acceptor.send_seq = Some(9);
    let mic = acceptor.mic(b"list").unwrap();
    initiator.verify_mech_list_mic(b"list", &mic).unwrap();
    acceptor.send_seq = Some(5);
    let token = acceptor.wrap(true, b"first message", &mut rng()).unwrap();
    assert_eq!(
        initiator.unwrap(&token, true).unwrap().sequence,
        SequenceFinding::InSequence
    );
}

/// RFC 4121 4.2.2: Sealed is for Wrap tokens, even where the peer signed it.
#[test]
fn mic_that_says_sealed_is_refused() {
    let (initiator, mut acceptor) = pair(EncryptionType(18));
    let mic = |flags| {
        let flags = initiator.flags_of(Role::Initiator) | flags;
        let fields = header::MicHeader { flags, seq: 5 }.to_bytes();
        let usage = Role::Initiator.sign_usage();
        let checksum = initiator.key.checksum(usage, &[b"m", &fields]).unwrap();
        [&fields[..], checksum.as_bytes()].concat()
    };
    assert!(matches!(
        acceptor
            .verify_mic(b"m", &mic(header::SEALED))
            .unwrap_err()
            .cause(),
        Cause::DefectiveToken { .. }
    ));
    assert!(acceptor.verify_mic(b"m", &mic(0)).is_ok());
}

#[test]
fn keys_of_other_contexts_do_not_verify() {
    for enctype in EncryptionType::SUPPORTED {
        let (mut initiator, _) = pair(enctype);
        let other = Key::generate(enctype, &mut rng()).unwrap();
        let mut stranger = end(Role::Acceptor, other, true, 5);
        let token = initiator.wrap(true, b"secret", &mut rng()).unwrap();
        assert!(matches!(
            stranger.unwrap(&token, false).unwrap_err().cause(),
            Cause::BadMic
        ));
        let mut buffer = token;
        assert!(stranger.unwrap_in_place(&mut buffer, false).is_err());
        assert!(
            buffer[16..].iter().all(|octet| *octet == 0),
            "what did not verify is erased"
        );
    }
}

#[test]
fn debug_shows_no_message() {
    let (mut initiator, mut acceptor) = pair(EncryptionType(18));
    let token = initiator.wrap(true, b"attack at dawn", &mut rng()).unwrap();
    let shown = std::format!("{:?}", acceptor.unwrap(&token, true).unwrap());
    assert!(shown.contains("14") && !shown.contains("97"), "{shown}");
}
