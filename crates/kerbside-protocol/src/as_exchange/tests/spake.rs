//! Pre-authentication by SPAKE against a KDC that knows the mathematics and lies at the test's will.

use kerbside_asn1::{PaSpake, SpakeGroup, SpakeSecondFactorType};
use kerbside_crypto::Key;

use super::*;
use crate::spake::tests::{KdcHalf, encoded};

const EDWARDS25519: SpakeGroup = SpakeGroup::EDWARDS25519;
const P256: SpakeGroup = SpakeGroup::P256;
const SF_NONE: SpakeSecondFactorType = SpakeSecondFactorType::SF_NONE;

fn with_groups(groups: &[SpakeGroup]) -> AsParams {
    AsParams {
        spake_groups: groups.to_vec(),
        ..plain()
    }
}

fn info() -> Vec<u8> {
    etype_info2(&[(AES256, None, None)])
}

/// PREAUTH_REQUIRED that offers SPAKE with this value, and the encrypted timestamp.
fn offer(spake: &[u8]) -> Vec<u8> {
    let info = info();
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_SPAKE, spake),
        (PaDataType::PA_ENC_TIMESTAMP, &[]),
        (PaDataType::PA_FX_COOKIE, b"first"),
    ];
    preauth_required_with(&methods, now(0))
}

fn more_with(methods: &[(PaDataType, &[u8])]) -> Vec<u8> {
    error_with(ErrorCode::KDC_ERR_MORE_PREAUTH_DATA_REQUIRED, methods, now(0))
}

fn more(challenge: &[u8]) -> Vec<u8> {
    more_with(&[
        (PaDataType::PA_SPAKE, challenge),
        (PaDataType::PA_FX_COOKIE, b"second"),
    ])
}

fn padata(request: &[u8], padata_type: PaDataType) -> Option<Vec<u8>> {
    let request: AsReq<'_> = asn1::decode(request).unwrap();
    asn1::find_padata(request.padata.as_ref().unwrap(), padata_type).map(<[u8]>::to_vec)
}

/// To the point where the groups are on their way: their PA-SPAKE, and who takes the reply.
fn supporting(params: AsParams) -> (Vec<u8>, AsPending) {
    let (_, pending) = begin(params);
    let (request, pending) = sent(pending.reply(&offer(&[]), now(0), &mut rng(2)).unwrap());
    assert_eq!(
        padata(&request, PaDataType::PA_FX_COOKIE).as_deref(),
        Some(&b"first"[..])
    );
    assert_eq!(padata(&request, PaDataType::PA_ENC_TIMESTAMP), None);
    (padata(&request, PaDataType::PA_SPAKE).unwrap(), pending)
}

fn kdc_half(group: SpakeGroup) -> KdcHalf {
    KdcHalf::new(group, alice_key().into_inner(), &mut rng(77))
}

/// To the point where the response is on its way, made with `key`.
fn responding(kdc: &KdcHalf, key: LongTermKey) -> (Vec<u8>, Vec<u8>, AsPending) {
    let (support, pending) = supporting(plain());
    let (_, ask) = asked(
        pending
            .reply(&more(&kdc.challenge()), now(0), &mut rng(3))
            .unwrap(),
    );
    let (request, pending) = sent(ask.answer(Answer::Key(key), now(1), &mut rng(4)).unwrap());
    (support, request, pending)
}

fn issue(request: &[u8], reply_key: Key) -> Vec<u8> {
    let issue = Issue {
        reply_key,
        ..Issue::to_as_req(request)
    };
    issue.as_rep(request, &mut rng(5))
}

#[test]
fn a_password_gives_a_ticket_in_every_group() {
    for groups in [&[EDWARDS25519, P256][..], &[P256, EDWARDS25519], &[P256]] {
        let (support, pending) = supporting(with_groups(groups));
        let PaSpake::Support(named) = asn1::decode(&support).unwrap() else {
            panic!("expected a support message")
        };
        assert_eq!(named.groups, groups);
        let key = password_key("secret", b"EXAMPLE.COMalice");
        let kdc = KdcHalf::new(groups[0], key, &mut rng(77));
        let (candidates, ask) = asked(
            pending
                .reply(&more(&kdc.challenge()), now(0), &mut rng(3))
                .unwrap(),
        );
        assert_eq!(candidates.len(), 1);
        let answer = Answer::Password(Password::from("secret"));
        let (request, pending) = sent(ask.answer(answer, now(1), &mut rng(4)).unwrap());
        assert_eq!(
            padata(&request, PaDataType::PA_FX_COOKIE).as_deref(),
            Some(&b"second"[..])
        );
        assert_eq!(padata(&request, PaDataType::PA_ENC_TIMESTAMP), None);
        let reply_key = kdc.reply_key(Some(&support), &request).expect("the right key");
        let done = done(
            pending
                .reply(&issue(&request, reply_key), now(1), &mut rng(6))
                .unwrap(),
        );
        assert!(done.preauthenticated && done.enc_pa_rep_verified);
        assert_eq!(done.key_params.as_ref(), Some(&candidates[0]));
        assert_eq!(done.credential.client, alice());
    }
}

#[test]
fn every_enctype_works() {
    for enctype in EncryptionType::SUPPORTED {
        let long_term = key(enctype, 9);
        let kdc = KdcHalf::new(EDWARDS25519, long_term.clone(), &mut rng(77));
        let (_, pending) = begin(plain());
        let info = etype_info2(&[(enctype, None, None)]);
        let challenge = kdc.challenge();
        let methods = [
            (PaDataType::PA_ETYPE_INFO2, &info[..]),
            (PaDataType::PA_SPAKE, &challenge[..]),
        ];
        let offered = preauth_required_with(&methods, now(0));
        let (_, ask) = asked(pending.reply(&offered, now(0), &mut rng(2)).unwrap());
        let answer = Answer::Key(LongTermKey::from(long_term));
        let (request, pending) = sent(ask.answer(answer, now(0), &mut rng(3)).unwrap());
        let reply_key = kdc.reply_key(None, &request).expect("the right key");
        let reply = issue(&request, reply_key);
        let done = done(pending.reply(&reply, now(0), &mut rng(5)).unwrap());
        assert_eq!(done.reply_enctype, enctype);
    }
}

#[test]
fn a_challenge_of_another_group_that_comes_unasked_is_passed_over() {
    let kdc = kdc_half(EDWARDS25519);
    let unasked = kdc_half(P256).challenge();
    let (_, pending) = begin(plain());
    let (request, pending) = sent(pending.reply(&offer(&unasked), now(0), &mut rng(2)).unwrap());
    let support = padata(&request, PaDataType::PA_SPAKE).unwrap();
    let (_, ask) = asked(
        pending
            .reply(&more(&kdc.challenge()), now(0), &mut rng(3))
            .unwrap(),
    );
    let (request, _) = sent(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(4)).unwrap());
    // The transcript begins anew, without what was passed over.
    assert!(kdc.reply_key(Some(&support), &request).is_some());
    assert!(kdc.reply_key(None, &request).is_none());
}

#[test]
fn the_key_that_the_challenge_names_is_the_one_asked_for() {
    let (_, pending) = supporting(plain());
    let info = etype_info2(&[(AES128, Some(b"other"), None), (AES256, None, None)]);
    let challenge = kdc_half(EDWARDS25519).challenge();
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_SPAKE, &challenge[..]),
    ];
    let (candidates, ask) = asked(pending.reply(&more_with(&methods), now(0), &mut rng(3)).unwrap());
    assert_eq!(candidates.len(), 1);
    assert_eq!(
        (candidates[0].enctype, &candidates[0].salt[..]),
        (AES128, &b"other"[..])
    );
    let refused = ask
        .answer(Answer::Key(alice_key()), now(0), &mut rng(4))
        .unwrap_err();
    assert!(matches!(refused, ProtocolError::KeyNotCandidate { .. }));
}

#[test]
fn the_parameters_choose_between_spake_and_the_timestamp() {
    let stamped = |params| {
        let (_, pending) = begin(params);
        let (candidates, ask) = asked(pending.reply(&offer(&[]), now(0), &mut rng(2)).unwrap());
        assert_eq!(candidates.len(), 1);
        let (request, _) = sent(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(3)).unwrap());
        assert_eq!(padata(&request, PaDataType::PA_SPAKE), None);
        padata(&request, PaDataType::PA_ENC_TIMESTAMP).is_some()
    };
    assert!(stamped(with_groups(&[])));
    assert!(
        stamped(with_groups(&[SpakeGroup::P384])),
        "a group that is not built"
    );
    let preferring = |first: &[PaDataType]| AsParams {
        preferred_preauth: first.to_vec(),
        ..plain()
    };
    assert!(stamped(preferring(&[
        PaDataType::PA_PK_AS_REQ,
        PaDataType::PA_ENC_TIMESTAMP,
        PaDataType::PA_SPAKE
    ])));
    supporting(preferring(&[PaDataType::PA_SPAKE, PaDataType::PA_ENC_TIMESTAMP]));
    supporting(preferring(&[PaDataType::PA_PK_AS_REQ]));
}

#[test]
fn a_timestamp_that_is_forbidden_is_not_sent() {
    let strict = || AsParams {
        encrypted_timestamp: false,
        ..plain()
    };
    let (_, pending) = begin(strict());
    let refused = pending
        .reply(&preauth_required(&info(), now(0)), now(0), &mut rng(2))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the KDC of EXAMPLE.COM offers no pre-authentication that is built here: expected PA-SPAKE (151), but found \
         PA-ETYPE-INFO2 (19), PA-ENC-TIMESTAMP (2)"
    );
    // Nor after the KDC took none of the groups.
    let (_, pending) = supporting(strict());
    let failed = error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(0));
    let refused = pending.reply(&failed, now(0), &mut rng(3)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_FAILED));
}

#[test]
fn a_kdc_that_takes_no_group_gets_a_timestamp() {
    let (_, pending) = supporting(plain());
    let failed = error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(0));
    let (_, ask) = asked(pending.reply(&failed, now(0), &mut rng(3)).unwrap());
    let (request, _) = sent(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(4)).unwrap());
    let stamp = padata(&request, PaDataType::PA_ENC_TIMESTAMP).unwrap();
    assert_eq!(decrypt_enc_timestamp(&alice_key(), &stamp).unwrap(), now(0));
}

/// A second try, by whatever means, would be a second wrong password in the KDC's count.
#[test]
fn a_wrong_password_is_refused_once() {
    for skew in [0, 432] {
        let kdc = kdc_half(EDWARDS25519);
        let (support, request, pending) = responding(&kdc, LongTermKey::from(key(AES256, 9)));
        assert!(kdc.reply_key(Some(&support), &request).is_none());
        let failed = error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(skew));
        let refused = pending.reply(&failed, now(1), &mut rng(6)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            "the KDC of EXAMPLE.COM refused alice@EXAMPLE.COM a ticket for krbtgt/EXAMPLE.COM@EXAMPLE.COM: \
             KDC_ERR_PREAUTH_FAILED (24): Preauthentication failed"
        );
    }
}

#[test]
fn the_reply_is_under_the_strengthened_key_alone() {
    let kdc = kdc_half(EDWARDS25519);
    let (_, request, pending) = responding(&kdc, alice_key());
    let reply = issue(&request, alice_key().into_inner());
    let refused = pending.reply(&reply, now(1), &mut rng(6)).unwrap_err();
    assert!(
        matches!(refused, ProtocolError::WrongReplyKey { .. }),
        "{refused}"
    );
    let (_, request, pending) = responding(&kdc, alice_key());
    let reply = issue(&request, key(AES128, 9));
    assert_eq!(
        misbehaviour(pending.reply(&reply, now(1), &mut rng(6))),
        Misbehaviour::ReplyEnctype {
            expected: vec![AES256],
            found: AES128
        }
    );
}

/// Whatever is altered, the client refuses it or the KDC does not find the password proved.
#[test]
fn a_challenge_altered_in_any_bit_leads_nowhere() {
    for group in [EDWARDS25519, P256] {
        let kdc = kdc_half(group);
        let honest = kdc.challenge();
        let mut answered = 0;
        for bit in 0..honest.len() * 8 {
            let mut altered = honest.clone();
            altered[bit / 8] ^= 1 << (bit % 8);
            let (support, pending) = supporting(with_groups(&[EDWARDS25519, P256]));
            let Ok(outcome) = pending.reply(&more(&altered), now(0), &mut rng(3)) else {
                continue;
            };
            let (_, ask) = asked(outcome);
            let Ok(outcome) = ask.answer(Answer::Key(alice_key()), now(0), &mut rng(4)) else {
                continue;
            };
            let (request, _) = sent(outcome);
            answered += 1;
            assert!(
                kdc.reply_key(Some(&support), &request).is_none(),
                "bit {bit} of {group}"
            );
        }
        // Half of all x and y are those of a point.
        assert!((60..250).contains(&answered), "{answered}");
    }
}

/// The groups travel in clear as well: a KDC that read others comes to other keys.
#[test]
fn altered_groups_lead_nowhere() {
    let kdc = kdc_half(EDWARDS25519);
    let (support, request, _) = responding(&kdc, alice_key());
    assert!(kdc.reply_key(Some(&support), &request).is_some());
    assert!(kdc.reply_key(Some(&support[1..]), &request).is_none());
    assert!(kdc.reply_key(None, &request).is_none());
}

#[test]
fn challenges_against_the_rules_are_refused() {
    let good = kdc_half(P256).challenge();
    let factors = |types: &[SpakeSecondFactorType]| kdc_half(EDWARDS25519).with_factors(types).challenge();
    let (support, _) = supporting(plain());
    let other = SpakeSecondFactorType(7);
    for (challenge, text) in [
        (
            good,
            "group of the SPAKE challenge: expected edwards25519 (1), but found P-256 (2)",
        ),
        (
            encoded(SpakeGroup::P384, &[2; 49], &[SF_NONE]),
            "group of the SPAKE challenge: expected edwards25519 (1), but found P-384 (3)",
        ),
        (
            encoded(EDWARDS25519, &[1; 33], &[SF_NONE]),
            "the public value of the SPAKE challenge is not an element of edwards25519 (1)",
        ),
        (
            factors(&[SF_NONE, other, SF_NONE]),
            "a second factor is twice in the SPAKE challenge",
        ),
        (support, "PA-SPAKE: expected a challenge, but found another step"),
    ] {
        let (_, pending) = supporting(plain());
        let refused = pending.reply(&more(&challenge), now(0), &mut rng(3)).unwrap_err();
        let expected = alloc::format!("the KDC of EXAMPLE.COM broke a rule: {text}");
        assert_eq!(refused.to_string(), expected);
        // The same where it comes unasked, but for a group that is not ours, which is passed over.
        let (_, pending) = begin(plain());
        let outcome = pending.reply(&offer(&challenge), now(0), &mut rng(3));
        assert_eq!(outcome.is_ok(), text.starts_with("group"), "{text}");
    }
    let (_, pending) = supporting(plain());
    let refused = pending
        .reply(&more(&factors(&[other])), now(0), &mut rng(3))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "second factors of SPAKE are not built yet: the KDC of EXAMPLE.COM wants one of SpakeSecondFactorType 7 for \
         alice@EXAMPLE.COM"
    );
    let (_, pending) = supporting(plain());
    let refused = pending
        .reply(&more(b"\x30\x00"), now(0), &mut rng(3))
        .unwrap_err();
    assert!(matches!(refused, ProtocolError::Decode(_)), "{refused}");
}

#[test]
fn a_kdc_that_knows_the_clients_multiplier_alone_is_refused() {
    let initial = alice_key().into_inner();
    let bare = crate::spake::tests::bare_challenge(EDWARDS25519, &initial);
    let (_, pending) = supporting(plain());
    let (_, ask) = asked(pending.reply(&more(&bare), now(0), &mut rng(3)).unwrap());
    assert_eq!(
        misbehaviour(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(4))),
        Misbehaviour::SpakePoint { group: EDWARDS25519 }
    );
}

#[test]
fn steps_out_of_turn_are_refused() {
    let kdc = kdc_half(EDWARDS25519);
    let challenge = kdc.challenge();
    // A second challenge.
    let (_, _, pending) = responding(&kdc, alice_key());
    let nothing_to_add =
        Misbehaviour::Field("it wants more pre-authentication data, but there is nothing to add");
    assert_eq!(
        misbehaviour(pending.reply(&more(&challenge), now(0), &mut rng(6))),
        nothing_to_add
    );
    // One in answer to the first request, or to a timestamp.
    let (_, pending) = begin(plain());
    assert_eq!(
        misbehaviour(pending.reply(&more(&challenge), now(0), &mut rng(6))),
        nothing_to_add
    );
    let (_, pending) = preauthenticating(plain());
    assert_eq!(
        misbehaviour(pending.reply(&more(&challenge), now(0), &mut rng(6))),
        nothing_to_add
    );
    // Another offer after each step.
    let (_, pending) = supporting(plain());
    assert_eq!(
        misbehaviour(pending.reply(&offer(&[]), now(0), &mut rng(6))),
        Misbehaviour::PreauthAgain
    );
    let (_, _, pending) = responding(&kdc, alice_key());
    assert_eq!(
        misbehaviour(pending.reply(&offer(&[]), now(0), &mut rng(6))),
        Misbehaviour::PreauthAgain
    );
    // More data required, but none given.
    let (_, pending) = supporting(plain());
    assert_eq!(
        misbehaviour(pending.reply(&more_with(&[]), now(0), &mut rng(6))),
        Misbehaviour::Field("it wants more pre-authentication data, but sends no SPAKE challenge")
    );
    // Without ETYPE-INFO2 nobody knows which key.
    let (_, pending) = begin(plain());
    let bare = preauth_required_with(&[(PaDataType::PA_SPAKE, &[])], now(0));
    assert_eq!(
        misbehaviour(pending.reply(&bare, now(0), &mut rng(6))),
        Misbehaviour::Field("it offers SPAKE, but does not say in ETYPE-INFO2 with which key")
    );
}

#[test]
fn a_response_too_big_for_a_datagram_is_sent_again_as_it_is() {
    let kdc = kdc_half(EDWARDS25519);
    let (support, request, pending) = responding(&kdc, alice_key());
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(0));
    let (again, pending) = sent(pending.reply(&too_big, now(0), &mut rng(2)).unwrap());
    assert_eq!(again, request);
    let reply_key = kdc.reply_key(Some(&support), &request).unwrap();
    assert!(
        done(
            pending
                .reply(&issue(&request, reply_key), now(1), &mut rng(6))
                .unwrap()
        )
        .preauthenticated
    );
}
