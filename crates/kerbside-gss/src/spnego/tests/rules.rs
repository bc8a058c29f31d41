//! RFC 4178 section 5, clause by clause, with mechanisms of as many tokens as the clause speaks of.
//!
//! | clause | test |
//! |---|---|
//! | no integrity protection: no MIC | `section_5_no_integrity_no_mic` |
//! | most preferred of both: optional | `section_5_most_preferred_of_both_needs_none` |
//! | all other cases: exchanged | `section_5_all_other_cases_exchange_them` |
//! | a) over the MechTypeList without its tag | `section_5_a_what_the_mic_covers` |
//! | b) acceptor's last token, optional: left out; required: MIC beside it | `section_5_b_beside_the_acceptors_last_token` |
//! | b I) verified, answered with MIC and accept-completed, verified | `section_5_b_i_answered_and_verified` |
//! | b II) incorrect: terminated | `section_5_b_ii_incorrect` |
//! | b III) none, not required: complete, no token | `section_5_b_iii_none_needed` |
//! | b IV) none, required: terminated | `section_5_b_iv_missing` |
//! | c) initiator's last token: MIC where request-mic was said | `section_5_c_beside_the_initiators_last_token` |
//! | c I) verified, answered with MIC and accept-completed, verified | `section_5_c_i_answered_and_verified` |
//! | c II) incorrect: terminated | `section_5_c_ii_incorrect` |
//! | c III) none, not required: accept-completed | `section_5_c_iii_none_needed` |
//! | c IV) the optimistic token is the last: MIC with request-mic, answered | `section_5_c_iv_optimistic_token_is_the_last` |
//! | c V) none, but request-mic was said: terminated | `section_5_c_v_missing` |
//!
//! MS-SPNG's deviations: `mics::copy_of_the_response_token_is_no_mic` (Windows 2000),
//! `message::tests::windows_numbers_the_mech_list_mic_zero`, `ms_spng_3_3_5_later_supported_mech_is_ignored`,
//! `ms_spng_note_8_mechanisms_that_insist`, `windows_oid_is_answered_with_itself`.

use super::play::{Between, Talk, acceptor, at, initiator, nobody, oid, play, talk};
use super::*;

const COMPLETED: Option<NegState> = Some(NegState::ACCEPT_COMPLETED);
const INCOMPLETE: Option<NegState> = Some(NegState::ACCEPT_INCOMPLETE);
const REQUEST_MIC: Option<NegState> = Some(NegState::REQUEST_MIC);

/// Both prefer the mechanism with `tokens` tokens.
fn preferred(tokens: u8) -> Talk {
    talk(
        initiator(&[play(1, tokens)]),
        &acceptor(&[play(1, tokens)]),
        nobody,
    )
}

/// The acceptor does not have the initiator's first choice.
fn second(tokens: u8, between: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>) -> Talk {
    let offered = [play(9, 1), play(1, tokens)];
    talk(initiator(&offered), &acceptor(&[play(1, tokens)]), between)
}

/// The initiator's first choice is the acceptor's second.
fn reluctant(tokens: u8, between: impl FnMut(usize, &[u8]) -> Option<Vec<u8>>) -> Talk {
    let ours = [play(9, 1), play(1, tokens)];
    talk(initiator(&[play(1, tokens)]), &acceptor(&ours), between)
}

fn mics(talk: &Talk) -> usize {
    let has = |place: &usize| talk.response(*place).2;
    (1..talk.tokens.len()).filter(has).count()
}

/// A MIC with one octet changed.
fn spoil(reply: Reply<'_>) -> Vec<u8> {
    let mut mic = reply.mic.unwrap().to_vec();
    *mic.last_mut().unwrap() ^= 1;
    Reply {
        mic: Some(&mic),
        ..reply
    }
    .encode()
    .unwrap()
}

fn without_mic(reply: Reply<'_>) -> Vec<u8> {
    Reply { mic: None, ..reply }.encode().unwrap()
}

#[test]
fn section_5_no_integrity_no_mic() {
    for tokens in 1..=4 {
        let offered = [play(9, 1), play(1, tokens).without_signing()];
        let ours = [play(8, 1), play(1, tokens).without_signing()];
        let talk = talk(initiator(&offered), &acceptor(&ours), nobody);
        assert!(talk.both_stand(), "{talk:?}");
        assert_eq!(mics(&talk), 0);
    }
}

#[test]
fn section_5_most_preferred_of_both_needs_none() {
    for tokens in 1..=5 {
        let talk = preferred(tokens);
        assert!(talk.both_stand(), "{talk:?}");
        assert_eq!(mics(&talk), 0);
        // No leg more than the mechanism has, but the acceptor's word that it is done.
        assert_eq!(talk.tokens.len(), usize::from(tokens + tokens % 2));
    }
}

#[test]
fn section_5_all_other_cases_exchange_them() {
    for tokens in 1..=5 {
        for talk in [second(tokens, nobody), reluctant(tokens, nobody)] {
            assert!(talk.both_stand(), "{talk:?}");
            assert_eq!(mics(&talk), 2);
            let last = talk.tokens.len() - 1;
            assert_eq!(talk.response(last).0, COMPLETED);
        }
    }
}

#[test]
fn section_5_a_what_the_mic_covers() {
    let talk = second(2, nobody);
    let list = encode_mech_list(&[oid(9), oid(1)]).unwrap();
    assert_eq!(list[0], 0x30, "the SEQUENCE, not the [0] around it");
    let init = parse_init(&talk.tokens[0]).unwrap();
    assert_eq!(init.mech_list, list);
    let covered = |place: usize| {
        let response = parse_resp(&talk.tokens[place]).unwrap();
        response.mic.unwrap()[3..].to_vec()
    };
    assert_eq!(covered(3), list);
    assert_eq!(covered(4), list);
}

#[test]
fn section_5_b_beside_the_acceptors_last_token() {
    assert_eq!(preferred(2).response(1), (COMPLETED, true, false));
    assert_eq!(second(2, nobody).response(3), (INCOMPLETE, true, true));
    assert_eq!(reluctant(2, nobody).response(1), (REQUEST_MIC, true, true));
}

#[test]
fn section_5_b_i_answered_and_verified() {
    for (talk, last) in [(second(2, nobody), 4), (reluctant(2, nobody), 2)] {
        assert_eq!(talk.response(last), (COMPLETED, false, true));
        assert!(talk.both_stand());
    }
    // The acceptor must verify it.
    for talk in [second(2, at(4, spoil)), reluctant(2, at(2, spoil))] {
        assert_eq!(talk.acceptor.refusal().major(), Major::BadMic);
    }
    for talk in [second(2, at(4, without_mic)), reluctant(2, at(2, without_mic))] {
        assert_eq!(
            talk.acceptor.refusal().to_string(),
            "SPNEGO: expected the initiator's mechListMIC, but found none"
        );
    }
}

#[test]
fn section_5_b_ii_incorrect() {
    for talk in [second(2, at(3, spoil)), reluctant(2, at(1, spoil))] {
        assert_eq!(talk.initiator.refusal().major(), Major::BadMic);
        assert!(talk.acceptor.stands().is_none());
    }
}

#[test]
fn section_5_b_iii_none_needed() {
    let talk = preferred(2);
    assert!(talk.both_stand());
    assert_eq!(talk.tokens.len(), 2, "the initiator says nothing more");
}

#[test]
fn section_5_b_iv_missing() {
    for talk in [second(2, at(3, without_mic)), reluctant(2, at(1, without_mic))] {
        assert_eq!(
            talk.initiator.refusal().to_string(),
            "SPNEGO: expected the acceptor's mechListMIC, but found none"
        );
    }
    // Nor does accept-completed make up for it.
    let completed = |reply: Reply<'_>| {
        Reply {
            state: COMPLETED,
            mic: None,
            ..reply
        }
        .encode()
        .unwrap()
    };
    assert!(second(2, at(3, completed)).initiator.stands().is_none());
}

#[test]
fn section_5_c_beside_the_initiators_last_token() {
    assert_eq!(preferred(3).response(2), (INCOMPLETE, true, false));
    assert_eq!(second(3, nobody).response(1).0, REQUEST_MIC);
    assert_eq!(second(3, nobody).response(4), (INCOMPLETE, true, true));
    assert_eq!(reluctant(3, nobody).response(1), (REQUEST_MIC, true, false));
    assert_eq!(reluctant(3, nobody).response(2), (INCOMPLETE, true, true));
}

#[test]
fn section_5_c_i_answered_and_verified() {
    for (talk, last) in [
        (second(1, nobody), 3),
        (second(3, nobody), 5),
        (reluctant(3, nobody), 3),
    ] {
        assert_eq!(talk.response(last), (COMPLETED, false, true));
        assert!(talk.both_stand());
    }
    // The initiator must verify it.
    for talk in [
        second(1, at(3, spoil)),
        second(3, at(5, spoil)),
        reluctant(3, at(3, spoil)),
    ] {
        assert_eq!(talk.initiator.refusal().major(), Major::BadMic);
    }
    for talk in [
        second(1, at(3, without_mic)),
        second(3, at(5, without_mic)),
        reluctant(3, at(3, without_mic)),
    ] {
        assert_eq!(
            talk.initiator.refusal().to_string(),
            "SPNEGO: expected the acceptor's mechListMIC, but found none"
        );
    }
}

#[test]
fn section_5_c_ii_incorrect() {
    for talk in [
        second(1, at(2, spoil)),
        second(3, at(4, spoil)),
        reluctant(3, at(2, spoil)),
    ] {
        let error = talk.acceptor.refusal();
        assert_eq!(error.major(), Major::BadMic);
        let reject = parse_resp(error.token().unwrap()).unwrap();
        assert_eq!(reject.state, Some(NegState::REJECT));
    }
}

#[test]
fn section_5_c_iii_none_needed() {
    for tokens in [1, 3, 5] {
        let talk = preferred(tokens);
        let last = usize::from(tokens);
        assert_eq!(talk.response(last), (COMPLETED, false, false));
        assert!(talk.both_stand());
    }
}

#[test]
fn section_5_c_iv_optimistic_token_is_the_last() {
    let talk = reluctant(1, nobody);
    assert_eq!(talk.response(1), (REQUEST_MIC, false, true));
    assert_eq!(talk.response(2), (COMPLETED, false, true));
    assert!(talk.both_stand());
    assert_eq!(
        reluctant(1, at(1, spoil)).initiator.refusal().major(),
        Major::BadMic
    );
    assert_eq!(
        reluctant(1, at(2, spoil)).acceptor.refusal().major(),
        Major::BadMic
    );
    let missing = reluctant(1, at(1, without_mic));
    assert!(
        missing
            .initiator
            .refusal()
            .to_string()
            .contains("expected the acceptor's mechListMIC")
    );
    let missing = reluctant(1, at(2, without_mic));
    assert!(
        missing
            .acceptor
            .refusal()
            .to_string()
            .contains("expected the initiator's mechListMIC")
    );
}

#[test]
fn section_5_c_v_missing() {
    for talk in [
        second(1, at(2, without_mic)),
        second(3, at(4, without_mic)),
        reluctant(3, at(2, without_mic)),
    ] {
        assert_eq!(
            talk.acceptor.refusal().to_string(),
            "SPNEGO: expected a mechListMIC beside the last mechanism token, but found none"
        );
    }
}

/// A mechanism can want the MICs where section 5 does not (NTLM with a MIC of its own): both ends then do as if they had
/// been required from the beginning.
#[test]
fn ms_spng_note_8_mechanisms_that_insist() {
    let insisting = |tokens: u8, between: &mut Between<'_>| {
        let play = [play(1, tokens).insisting()];
        talk(initiator(&play), &acceptor(&play), between)
    };
    for tokens in 2..=5 {
        let talk = insisting(tokens, &mut nobody);
        assert!(talk.both_stand(), "{talk:?}");
        assert_eq!(mics(&talk), 2);
    }
    let talk = insisting(3, &mut at(2, without_mic));
    assert!(
        talk.acceptor
            .refusal()
            .to_string()
            .contains("expected a mechListMIC beside the last")
    );
    let talk = insisting(3, &mut at(3, without_mic));
    assert!(
        talk.initiator
            .refusal()
            .to_string()
            .contains("expected the acceptor's mechListMIC")
    );
    let talk = insisting(4, &mut at(3, without_mic));
    assert!(
        talk.initiator
            .refusal()
            .to_string()
            .contains("expected the acceptor's mechListMIC")
    );
    let talk = insisting(4, &mut at(4, without_mic));
    assert!(
        talk.acceptor
            .refusal()
            .to_string()
            .contains("expected the initiator's mechListMIC")
    );
}

/// Some acceptors name the mechanism in every message. A name that comes later changes nothing.
#[test]
fn ms_spng_3_3_5_later_supported_mech_is_ignored() {
    for name in [1, 9, 77] {
        let named = |reply: Reply<'_>| {
            Reply {
                supported_mech: Some(oid(name)),
                ..reply
            }
            .encode()
            .unwrap()
        };
        let talk = second(4, at(3, named));
        assert!(talk.both_stand());
        assert_eq!(talk.initiator.stands().unwrap().facts().mechanism, oid(1));
    }
}
