//! Tokens in buffers: Windows' own, and ours with every octet of every buffer altered.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_crypto::{EncryptionType, EnctypePolicy, Key};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use super::*;
use crate::flags::ContextFlags;
use crate::message::{PerMessage, PrfKey, ProtectionParams, Role, protect};
use crate::sequence::SequenceFinding;

fn rng() -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(7)
}

fn params(key: &Key, role: Role, dce: bool) -> ProtectionParams {
    let mut flags = ContextFlags::REPLAY | ContextFlags::SEQUENCE;
    if dce {
        flags |= ContextFlags::DCE_STYLE;
    }
    ProtectionParams {
        key: key.clone(),
        acceptor_subkey: true,
        partial_key: None,
        role,
        flags,
        send_seq: 5,
        receive_seq: 5,
    }
}

struct Ends2 {
    initiator: Box<dyn PerMessage>,
    acceptor: Box<dyn PerMessage>,
}

fn pair(enctype: EncryptionType, dce: bool) -> Ends2 {
    let key = Key::generate_with_policy(enctype, &mut rng(), &EnctypePolicy::ALLOW_ALL).unwrap();
    Ends2 {
        initiator: protect(params(&key, Role::Initiator, dce)),
        acceptor: protect(params(&key, Role::Acceptor, dce)),
    }
}

/// The buffers of one message: signed, data, signed, data.
#[derive(Clone)]
struct Message {
    header: Vec<u8>,
    before: Vec<u8>,
    first: Vec<u8>,
    between: Vec<u8>,
    second: Vec<u8>,
    padding: Vec<u8>,
    trailer: Option<Vec<u8>>,
}

impl Message {
    fn new(end: &dyn PerMessage, confidential: bool, data: &[u8], trailer: bool) -> Self {
        let lengths = end.iov_lengths(confidential, data.len(), trailer).unwrap();
        let (first, second) = data.split_at(data.len() / 3);
        Self {
            header: vec![0; lengths.header],
            before: b"signed before".to_vec(),
            first: first.to_vec(),
            between: b"signed between".to_vec(),
            second: second.to_vec(),
            padding: vec![0; lengths.padding],
            trailer: trailer.then(|| vec![0; lengths.trailer]),
        }
    }

    fn with<T>(&mut self, f: impl FnOnce(&mut [Segment<'_>]) -> T) -> T {
        let mut iov = vec![
            Segment::Header(&mut self.header),
            Segment::SignOnly(&self.before),
            Segment::Data(&mut self.first),
            Segment::SignOnly(&self.between),
            Segment::Data(&mut self.second),
            Segment::Padding(&mut self.padding),
        ];
        if let Some(trailer) = &mut self.trailer {
            iov.push(Segment::Trailer(trailer));
        }
        f(&mut iov)
    }

    fn data(&self) -> Vec<u8> {
        [&self.first[..], &self.second].concat()
    }

    /// Every buffer, to be altered.
    fn buffers(&mut self) -> Vec<&mut Vec<u8>> {
        let mut all = vec![
            &mut self.header,
            &mut self.before,
            &mut self.first,
            &mut self.between,
            &mut self.second,
            &mut self.padding,
        ];
        all.extend(self.trailer.as_mut());
        all
    }
}

fn all_types() -> impl Iterator<Item = EncryptionType> {
    EncryptionType::IMPLEMENTED.into_iter()
}

#[test]
fn windows_dce_token_with_signed_parts_around() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../../tests/vectors/gss_tokens.json")).unwrap();
    let all = vectors["vectors"].as_array().unwrap();
    let entry = all
        .iter()
        .find(|entry| entry["name"] == "windows_dce_rpc_wrap_sign_header")
        .unwrap();
    let field = |name: &str| hex::decode(entry[name].as_str().unwrap()).unwrap();
    let key = Key::new(EncryptionType(18), &field("acceptor_subkey_hex")).unwrap();
    let mut receiving = params(&key, Role::Acceptor, true);
    receiving.receive_seq = entry["seq"].as_u64().unwrap() as u32;
    let mut acceptor = protect(receiving);
    let (mut header, mut data) = (field("token_hex"), field("encrypted_data_hex"));
    let (before, after) = (field("sign_only_before_hex"), field("sign_only_after_hex"));
    let iov = &mut [
        Segment::SignOnly(&before),
        Segment::Data(&mut data),
        Segment::SignOnly(&after),
        Segment::Header(&mut header),
    ];
    let opened = acceptor.unwrap_iov(iov, true).unwrap();
    assert!(opened.confidential && opened.sequence == SequenceFinding::InSequence);
    assert_eq!(data, field("plaintext_hex"));
    // Ours for the same is as long, and Windows' numbers are in it.
    let lengths = acceptor.iov_lengths(true, data.len(), false).unwrap();
    assert_eq!(lengths.header, field("token_hex").len());
}

#[test]
fn all_types_shapes_and_styles_go_through() {
    for enctype in all_types() {
        for (confidential, trailer, dce) in shapes() {
            let mut ends = pair(enctype, dce);
            for length in [0_usize, 1, 7, 8, 15, 16, 17, 31, 32, 33, 200, 4096] {
                // DCE RPC pads for the cipher by itself.
                if dce && enctype == EncryptionType::DES3_CBC_SHA1_KD && length % 8 != 0 {
                    continue;
                }
                let data: Vec<u8> = (0..length).map(|octet| octet as u8).collect();
                let mut message = Message::new(&*ends.initiator, confidential, &data, trailer);
                message.with(|iov| ends.initiator.wrap_iov(confidential, iov, &mut rng()).unwrap());
                assert_eq!(message.data() == data, !confidential || length == 0);
                let opened = message.with(|iov| ends.acceptor.unwrap_iov(iov, confidential).unwrap());
                assert_eq!(message.data(), data, "{enctype} {length}");
                assert_eq!(
                    (opened.confidential, opened.sequence),
                    (confidential, SequenceFinding::InSequence)
                );
            }
        }
    }
}

fn shapes() -> impl Iterator<Item = (bool, bool, bool)> {
    let both = [true, false];
    both.into_iter().flat_map(move |one| {
        both.into_iter()
            .flat_map(move |two| both.map(|three| (one, two, three)))
    })
}

/// Without signed parts the buffers are the token that `wrap` makes, or one that `unwrap` takes.
#[test]
fn the_buffers_are_a_token() {
    for enctype in all_types() {
        for confidential in [true, false] {
            for trailer in [true, false] {
                let mut ends = pair(enctype, false);
                let lengths = ends.initiator.iov_lengths(confidential, 20, trailer).unwrap();
                let (mut header, mut data) = (vec![0; lengths.header], b"twenty octets of it.".to_vec());
                let (mut padding, mut behind) = (vec![0; lengths.padding], vec![0; lengths.trailer]);
                let mut iov = vec![
                    Segment::Header(&mut header),
                    Segment::Data(&mut data),
                    Segment::Padding(&mut padding),
                ];
                if trailer {
                    iov.push(Segment::Trailer(&mut behind));
                }
                ends.initiator
                    .wrap_iov(confidential, &mut iov, &mut rng())
                    .unwrap();
                drop(iov);
                let token = [header, data, padding, behind].concat();
                let opened = ends.acceptor.unwrap(&token, confidential).unwrap();
                assert_eq!(opened.message, b"twenty octets of it.", "{enctype}");
            }
        }
    }
}

/// Pitfalls 10.22, for tokens in buffers.
#[test]
fn rule_10_22_every_altered_octet_of_every_buffer_is_refused() {
    for enctype in [
        EncryptionType(17),
        EncryptionType(20),
        EncryptionType::DES3_CBC_SHA1_KD,
    ] {
        for (confidential, trailer, dce) in shapes() {
            let mut ends = pair(enctype, dce);
            let mut made = Message::new(&*ends.initiator, confidential, b"some data longer", trailer);
            made.with(|iov| ends.initiator.wrap_iov(confidential, iov, &mut rng()).unwrap());
            let count = made.buffers().len();
            for which in 0..count {
                for at in 0..made.buffers()[which].len() {
                    let mut altered = made.clone();
                    altered.buffers()[which][at] ^= 0x10;
                    let opened = altered.with(|iov| ends.acceptor.unwrap_iov(iov, false));
                    assert!(
                        opened.is_err(),
                        "{enctype} {confidential} {trailer} {dce}: {which} {at}"
                    );
                    let mut cut = made.clone();
                    cut.buffers()[which].truncate(at);
                    assert!(cut.with(|iov| ends.acceptor.unwrap_iov(iov, false)).is_err());
                }
                let mut longer = made.clone();
                longer.buffers()[which].push(1);
                assert!(longer.with(|iov| ends.acceptor.unwrap_iov(iov, false)).is_err());
            }
            assert!(
                made.clone()
                    .with(|iov| ends.initiator.unwrap_iov(iov, false))
                    .is_err(),
                "reflected"
            );
            if !confidential {
                let error = made
                    .clone()
                    .with(|iov| ends.acceptor.unwrap_iov(iov, true))
                    .unwrap_err();
                assert!(matches!(error.cause(), Cause::NotConfidential));
            }
            made.with(|iov| ends.acceptor.unwrap_iov(iov, confidential).unwrap());
        }
    }
}

#[test]
fn lists_that_are_none_are_refused_and_no_number_is_lost() {
    let mut ends = pair(EncryptionType::DES3_CBC_SHA1_KD, true);
    let mut odd = Message::new(&*ends.initiator, true, b"odd", false);
    assert!(
        odd.with(|iov| ends.initiator.wrap_iov(true, iov, &mut rng()))
            .is_err()
    );
    assert_eq!(odd.data(), b"odd", "nothing is changed then");
    for enctype in [EncryptionType(18), EncryptionType::RC4_HMAC] {
        let mut ends = pair(enctype, false);
        let lengths = ends.initiator.iov_lengths(true, 4, true).unwrap();
        let (one, two) = (&mut vec![0; lengths.header], &mut vec![0; lengths.header]);
        let data = &mut vec![0; 4];
        let wrong: [&mut [Segment<'_>]; 3] = [
            &mut [Segment::Data(&mut data.clone())],
            &mut [Segment::Header(&mut one.clone()), Segment::Header(two)],
            &mut [Segment::Header(&mut one[1..]), Segment::Data(data)],
        ];
        for iov in wrong {
            assert!(ends.initiator.wrap_iov(true, iov, &mut rng()).is_err());
            assert!(ends.acceptor.unwrap_iov(iov, true).is_err());
        }
        let mut token = Vec::new();
        ends.initiator
            .wrap_into(true, b"first", &mut token, &mut rng())
            .unwrap();
        let opened = ends.acceptor.unwrap(&token, true).unwrap();
        assert_eq!(opened.sequence, SequenceFinding::InSequence);
    }
}

#[test]
fn associated_data_is_signed_and_stays_out_of_the_token() {
    for enctype in EncryptionType::SUPPORTED {
        for confidential in [true, false] {
            let mut ends = pair(enctype, false);
            let lengths = ends.initiator.iov_lengths(confidential, 7, true).unwrap();
            let mut made = vec![0; lengths.header + 7 + lengths.trailer];
            let (header, rest) = made.split_at_mut(lengths.header);
            let (data, trailer) = rest.split_at_mut(7);
            data.copy_from_slice(b"message");
            let iov = &mut [
                Segment::Header(header),
                Segment::SignOnly(b"beside it"),
                Segment::Data(data),
                Segment::Trailer(trailer),
            ];
            ends.initiator.wrap_iov(confidential, iov, &mut rng()).unwrap();
            for rotation in [0, 1, 28, 300] {
                let mut token = made.clone();
                let body = &mut token[HEADER_LEN..];
                let turn = rotation % body.len();
                body.rotate_right(turn);
                token[6..8].copy_from_slice(&(rotation as u16).to_be_bytes());
                let other = &mut token.clone();
                assert!(
                    ends.acceptor
                        .unwrap_aead(other, b"beside It", confidential)
                        .is_err()
                );
                assert!(ends.acceptor.unwrap(&token, false).is_err(), "without it");
                let (place, opened) = ends
                    .acceptor
                    .unwrap_aead(&mut token, b"beside it", confidential)
                    .unwrap();
                assert_eq!(
                    (&token[place], opened.confidential),
                    (&b"message"[..], confidential)
                );
            }
            for at in 0..made.len() {
                let mut altered = made.clone();
                altered[at] ^= 1;
                // A rotation count that is a multiple of what it rotates is none: not among these.
                let opened = ends
                    .acceptor
                    .unwrap_aead(&mut altered, b"beside it", confidential);
                assert!(opened.is_err(), "{enctype} {confidential} {at}");
                let cut = &mut made[..at].to_vec();
                assert!(
                    ends.acceptor
                        .unwrap_aead(cut, b"beside it", confidential)
                        .is_err()
                );
            }
        }
    }
}

#[test]
fn pseudo_random_octets_are_of_either_key_and_bounded() {
    for enctype in all_types() {
        let key = |seed| {
            let rng = &mut ChaCha20Rng::seed_from_u64(seed);
            Key::generate_with_policy(enctype, rng, &EnctypePolicy::ALLOW_ALL).unwrap()
        };
        let (full, partial) = (key(1), key(2));
        let end = protect(ProtectionParams {
            partial_key: Some(partial.clone()),
            ..params(&full, Role::Initiator, false)
        });
        let of = |which, len| end.prf(which, b"input", len).unwrap();
        let block = full.prf(&[&[0, 0, 0, 0][..], b"input"].concat()).unwrap();
        let next = full.prf(&[&[0, 0, 0, 1][..], b"input"].concat()).unwrap();
        let both = [&block[..], &next].concat();
        for len in [0, 1, block.len(), block.len() + 3, both.len()] {
            assert_eq!(*of(PrfKey::Full, len), both[..len], "{enctype}");
        }
        let of_partial = partial.prf(&[&[0, 0, 0, 0][..], b"input"].concat()).unwrap();
        assert_eq!(of(PrfKey::Partial, block.len()), of_partial);
        assert!(
            end.prf(PrfKey::Full, b"input", crate::message::MAX_PRF_LEN + 1)
                .is_err()
        );
        let alone = protect(params(&full, Role::Initiator, false));
        assert_eq!(alone.prf(PrfKey::Partial, b"input", 5).unwrap()[..], both[..5]);
    }
}
