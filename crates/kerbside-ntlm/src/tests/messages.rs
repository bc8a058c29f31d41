//! Signed and sealed messages: out of turn, altered, reflected, under SPNEGO's MIC.

use alloc::string::ToString;
use alloc::vec::Vec;

use kerbside_gss::{ContextFlags, GssError, Major, PerMessage, Role, SecurityContext};

use super::{client, contexts, rng, server};
use crate::session::Session;
use crate::{NegotiateFlags, NtlmSessionKey};

const EXTENDED: NegotiateFlags = NegotiateFlags(
    NegotiateFlags::SIGN.0
        | NegotiateFlags::SEAL.0
        | NegotiateFlags::EXTENDED_SESSIONSECURITY.0
        | NegotiateFlags::KEY_128.0
        | NegotiateFlags::KEY_EXCH.0,
);

fn sessions(flags: NegotiateFlags) -> (Session, Session) {
    let key = NtlmSessionKey::from_bytes([7; 16]);
    (
        Session::new(flags, key.clone(), Role::Initiator, true),
        Session::new(flags, key, Role::Acceptor, true),
    )
}

fn wrap(session: &mut Session, message: &[u8]) -> Vec<u8> {
    let mut token = Vec::new();
    session.wrap_into(true, message, &mut token, &mut rng(1)).unwrap();
    token
}

/// Every combination of what two sides can settle on.
fn all_flags() -> Vec<NegotiateFlags> {
    let mut all = Vec::new();
    for extended in [true, false] {
        for exchange in [true, false] {
            for strength in [
                NegotiateFlags::KEY_128,
                NegotiateFlags::KEY_56,
                NegotiateFlags::NONE,
            ] {
                let flags = NegotiateFlags::SIGN | NegotiateFlags::SEAL | strength;
                let flags = flags.with(NegotiateFlags::EXTENDED_SESSIONSECURITY, extended);
                all.push(flags.with(NegotiateFlags::KEY_EXCH, exchange));
            }
        }
    }
    all
}

#[test]
fn each_strength_has_its_own_keys() {
    let tokens: Vec<Vec<u8>> = all_flags()
        .into_iter()
        .map(|flags| wrap(&mut sessions(flags).0, b"message"))
        .collect();
    // Key exchange changes the signature alone; without extended session security nothing but the key counts.
    for (index, token) in tokens.iter().enumerate().take(6) {
        assert!(tokens.iter().take(index).all(|other| other != token), "{index}");
    }
    assert!(tokens[6..].iter().all(|token| token == &tokens[6]));
}

/// What the protocol leaves unauthenticated in a token, as octets: RandomPad without extended session security.
fn unauthenticated(flags: NegotiateFlags, at: usize) -> bool {
    !flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY) && (4..8).contains(&at)
}

#[test]
fn every_octet_of_a_sealed_message_counts_and_a_refusal_moves_nothing() {
    for flags in all_flags() {
        let (mut ours, mut theirs) = sessions(flags);
        for message in [&b""[..], b"x", b"a longer message"] {
            let token = wrap(&mut ours, message);
            for at in 0..token.len() {
                for bit in [1, 0x80] {
                    if unauthenticated(flags, at) {
                        continue;
                    }
                    let mut altered = token.clone();
                    altered[at] ^= bit;
                    assert!(theirs.unwrap(&altered, false).is_err(), "{flags:?} {at}");
                }
            }
            for length in 0..token.len() {
                assert!(
                    theirs.unwrap(&token[..length], false).is_err(),
                    "{flags:?} {length}"
                );
            }
            let longer = [token.as_slice(), &[0]].concat();
            assert!(theirs.unwrap(&longer, false).is_err());
            assert_eq!(theirs.unwrap(&token, true).unwrap().message, message);
        }
    }
}

#[test]
fn the_pad_that_nobody_reads_changes_nothing() {
    let flags = NegotiateFlags::SIGN | NegotiateFlags::SEAL | NegotiateFlags::KEY_EXCH;
    for at in 4..8 {
        let (mut ours, mut theirs) = sessions(flags);
        let mut token = wrap(&mut ours, b"message");
        token[at] ^= 0xff;
        assert_eq!(theirs.unwrap(&token, true).unwrap().message, b"message");
    }
}

#[test]
fn every_octet_of_a_mic_counts() {
    for flags in all_flags() {
        let (mut ours, mut theirs) = sessions(flags);
        let mic = ours.get_mic(b"message").unwrap();
        for at in (0..mic.len()).filter(|at| !unauthenticated(flags, *at)) {
            let mut altered = mic.clone();
            altered[at] ^= 1;
            assert!(theirs.verify_mic(b"message", &altered).is_err());
        }
        for length in 0..mic.len() {
            assert!(theirs.verify_mic(b"message", &mic[..length]).is_err());
        }
        assert!(theirs.verify_mic(b"messagf", &mic).is_err());
        assert!(
            theirs
                .verify_mic(b"message", &[mic.as_slice(), &[0]].concat())
                .is_err()
        );
        theirs.verify_mic(b"message", &mic).unwrap();
    }
}

#[test]
fn messages_out_of_order_and_repeated_are_refused() {
    let (mut ours, mut theirs) = sessions(EXTENDED);
    let tokens: Vec<Vec<u8>> = [b"0", b"1", b"2"].map(|text| wrap(&mut ours, text)).to_vec();
    let refused = theirs.unwrap(&tokens[1], false).unwrap_err();
    assert_eq!(refused.major(), Major::BadMic);
    assert!(
        refused
            .to_string()
            .contains("expected message 0, but found message 1")
    );
    theirs.unwrap(&tokens[0], false).unwrap();
    assert!(theirs.unwrap(&tokens[0], false).is_err(), "a second time");
    assert!(theirs.unwrap(&tokens[2], false).is_err());
    theirs.unwrap(&tokens[1], false).unwrap();
    theirs.unwrap(&tokens[2], false).unwrap();
}

#[test]
fn reflected_messages_are_refused() {
    let (mut ours, mut theirs) = contexts(client(), &server()).unwrap();
    let token = ours.wrap(true, b"to the server", &mut rng(2)).unwrap();
    assert!(ours.unwrap(&token).is_err());
    let mic = ours.get_mic(b"to the server").unwrap();
    assert!(ours.verify_mic(b"to the server", &mic).is_err());
    theirs.unwrap(&token).unwrap();
    theirs.verify_mic(b"to the server", &mic).unwrap();
}

/// Pitfall "NTLM sealing state" of 4.1: making a MIC must not reset the RC4 state.
#[test]
fn pitfall_4_1_ntlm_sealing_state_mic_then_seal() {
    for flags in all_flags() {
        let (mut ours, mut theirs) = sessions(flags);
        for round in 0..3 {
            let mic = ours.get_mic(b"signed").unwrap();
            theirs.verify_mic(b"signed", &mic).unwrap();
            let token = wrap(&mut ours, b"sealed");
            assert_eq!(
                theirs.unwrap(&token, true).unwrap().message,
                b"sealed",
                "{flags:?} {round}"
            );
            let back = wrap(&mut theirs, b"answer");
            assert_eq!(ours.unwrap(&back, true).unwrap().message, b"answer");
        }
    }
}

/// MS-SPNG 3.2.5.1 and 3.3.5.1: the mechListMIC and the first message have the same RC4 state, and numbers of their own.
#[test]
fn ms_spng_3_3_5_1_the_mech_list_mic_leaves_the_stream() {
    let (mut ours, mut theirs) = sessions(EXTENDED);
    let mic = ours.mech_list_mic(b"list").unwrap();
    let mut altered = mic.clone();
    altered[5] ^= 1;
    assert!(theirs.verify_mech_list_mic(b"list", &altered).is_err());
    theirs.verify_mech_list_mic(b"list", &mic).unwrap();
    let back = theirs.mech_list_mic(b"list").unwrap();
    ours.verify_mech_list_mic(b"list", &back).unwrap();
    let token = wrap(&mut ours, b"first");
    assert_eq!(token[12..16], [1, 0, 0, 0], "the second number");
    assert_eq!(theirs.unwrap(&token, true).unwrap().message, b"first");
    // The same octets of the stream as a context's first message.
    let (mut fresh, _) = sessions(EXTENDED);
    assert_eq!(wrap(&mut fresh, b"first")[16..], token[16..]);
    let token = wrap(&mut theirs, b"answer");
    assert_eq!(ours.unwrap(&token, true).unwrap().message, b"answer");
}

#[test]
fn in_place_is_the_same() {
    let (mut ours, mut theirs) = contexts(client(), &server()).unwrap();
    let mut data = b"in place".to_vec();
    let mut header = [0; 16];
    let mut rng = rng(3);
    assert!(
        ours.wrap_in_place(true, &mut [0; 15], &mut data, &mut [], &mut rng)
            .is_err()
    );
    assert!(
        ours.wrap_in_place(true, &mut header, &mut data, &mut [0], &mut rng)
            .is_err()
    );
    ours.wrap_in_place(true, &mut header, &mut data, &mut [], &mut rng)
        .unwrap();
    assert_eq!(ours.wrap_lengths(true, 1).total(), 16);
    assert_eq!(ours.wrap_size_limit(true, 100), 84);
    let token = [header.as_slice(), &data].concat();
    assert_eq!(theirs.unwrap(&token).unwrap().message, b"in place");
    // Appended, what was there stays; refused, nothing is added.
    let mut token = b"before".to_vec();
    ours.wrap_into(true, b"more", &mut token, &mut rng).unwrap();
    assert_eq!(theirs.unwrap(&token[6..]).unwrap().message, b"more");
    let (mut clear, _) = signing_only().unwrap();
    let mut token = b"before".to_vec();
    assert!(clear.wrap_into(true, b"more", &mut token, &mut rng).is_err());
    assert_eq!(token, b"before");
}

fn signing_only() -> Result<(SecurityContext, SecurityContext), GssError> {
    contexts(client().with_flags(ContextFlags::INTEGRITY), &server())
}

/// Section 10 row 7 of the pitfalls: whoever demands encryption gets an error for a message that is only signed.
#[test]
fn pitfall_10_7_a_signed_message_where_encryption_is_demanded() {
    let (mut ours, mut theirs) = signing_only().unwrap();
    let token = ours.wrap(false, b"in clear", &mut rng(4)).unwrap();
    assert!(theirs.unwrap_confidential(&token).is_err());
    assert!(theirs.unwrap_in_place(&mut token.clone(), true).is_err());
    assert!(!theirs.unwrap(&token).unwrap().confidential);
}

#[test]
fn old_session_security_in_both_directions_is_one_stream() {
    let flags = NegotiateFlags::SIGN | NegotiateFlags::SEAL;
    let (mut ours, mut theirs) = sessions(flags);
    for round in 0..4 {
        let token = wrap(&mut ours, b"question");
        assert_eq!(
            theirs.unwrap(&token, true).unwrap().message,
            b"question",
            "{round}"
        );
        let token = wrap(&mut theirs, b"answer");
        assert_eq!(ours.unwrap(&token, true).unwrap().message, b"answer", "{round}");
    }
}

#[test]
fn what_did_not_verify_is_wiped() {
    let (mut ours, mut theirs) = contexts(client(), &server()).unwrap();
    let mut forged = ours.wrap(true, b"not to be read", &mut rng(3)).unwrap();
    forged[5] ^= 1;
    assert!(theirs.unwrap_in_place(&mut forged, true).is_err());
    assert_eq!(forged[16..], [0; 14]);
}
