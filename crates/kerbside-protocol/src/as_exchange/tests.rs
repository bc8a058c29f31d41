#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

mod fast;
mod hints;
mod referrals;
mod refused;
mod spake;
mod trace;

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AddressType, AsReq, ErrorCode, KdcOptions, MsgType, NameType, PaDataType, Principal,
    TicketFlags,
};
use kerbside_crypto::{EncryptionType, IterationLimits, KeyUsage, LongTermKey, Password};

use super::*;
use crate::error::{Misbehaviour, ProtocolError};
use crate::error_data::ErrorData;
use crate::fake_kdc::*;
use crate::krb_error::ErrorReply;
use crate::preauth::{Question, decrypt_enc_timestamp};
use crate::time::at;

fn begin(params: AsParams) -> (Vec<u8>, AsPending) {
    sent(AsExchange::start(params, now(0), &mut rng(1)).unwrap())
}

fn sent(outcome: AsOutcome) -> (Vec<u8>, AsPending) {
    let AsOutcome::Send {
        request,
        pending,
        realm,
        ..
    } = outcome
    else {
        panic!("expected a request, but found {outcome:?}")
    };
    assert_eq!(realm.as_bytes(), b"EXAMPLE.COM");
    (request, pending)
}

fn asked(outcome: AsOutcome) -> (Vec<KeyParams>, AsAsk) {
    let AsOutcome::Ask { question, pending } = outcome else {
        panic!("expected a question, but found {outcome:?}")
    };
    let Question::LongTermKey {
        principal,
        candidates,
    } = question;
    assert_eq!(principal, alice());
    (candidates, pending)
}

fn done(outcome: AsOutcome) -> AsDone {
    let AsOutcome::Done(done) = outcome else {
        panic!("expected a ticket, but found {outcome:?}")
    };
    *done
}

/// To the point where a request with a timestamp under Alice's key is on its way.
fn preauthenticating(params: AsParams) -> (Vec<u8>, AsPending) {
    let (_, pending) = begin(params);
    let info = etype_info2(&[(AES256, None, None)]);
    let (candidates, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    assert_eq!(candidates.len(), 1);
    sent(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap())
}

/// A whole exchange in which `lie` changes the reply.
fn exchange(params: AsParams, lie: impl FnOnce(&mut Issue)) -> Result<AsOutcome, ProtocolError> {
    let (request, pending) = preauthenticating(params);
    let mut issue = Issue::to_as_req(&request);
    lie(&mut issue);
    let reply = issue.as_rep(&request, &mut rng(4));
    pending.reply(&reply, now(1), &mut rng(5))
}

fn plain() -> AsParams {
    AsParams::new(alice())
}

fn misbehaviour(result: Result<AsOutcome, ProtocolError>) -> Misbehaviour {
    match result {
        Err(ProtocolError::Misbehaved { what, .. }) => *what,
        other => panic!("expected a broken rule, but found {other:?}"),
    }
}

#[test]
fn password_and_learnt_salt_give_a_ticket() {
    let (first, pending) = begin(plain());
    let request: AsReq<'_> = asn1::decode(&first).unwrap();
    let padata = request.padata.as_ref().unwrap();
    assert_eq!(padata.len(), 1);
    assert_eq!(padata[0].padata_type, PaDataType::PA_REQ_ENC_PA_REP);
    assert_eq!(request.req_body.till, at(T0 + 36_000));

    // The KDC prefers what was not asked for; that candidate is not offered to the caller.
    let info = etype_info2(&[
        (EncryptionType::RC4_HMAC, None, None),
        (AES256, Some(b"OLD.NAMEalice"), Some(&[0, 0, 0x20, 0])),
        (AES128, None, None),
    ]);
    let (candidates, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let expected = [
        KeyParams {
            enctype: AES256,
            salt: b"OLD.NAMEalice".to_vec(),
            s2kparams: Some(vec![0, 0, 0x20, 0]),
        },
        KeyParams {
            enctype: AES128,
            salt: b"EXAMPLE.COMalice".to_vec(),
            s2kparams: None,
        },
    ];
    assert_eq!(candidates, expected);
    let password = Password::from("secret");
    let key = expected[0]
        .derive(&password, &IterationLimits::default())
        .unwrap();
    let (request, pending) = sent(
        ask.answer(Answer::Password(password), now(1), &mut rng(3))
            .unwrap(),
    );
    let decoded: AsReq<'_> = asn1::decode(&request).unwrap();
    let stamp = asn1::find_padata(decoded.padata.as_ref().unwrap(), PaDataType::PA_ENC_TIMESTAMP).unwrap();
    assert_eq!(decrypt_enc_timestamp(&key, stamp).unwrap(), now(1));

    let issue = Issue {
        reply_key: key.into_inner(),
        tag_26: true,
        ..Issue::to_as_req(&request)
    };
    let done = done(
        pending
            .reply(&issue.as_rep(&request, &mut rng(4)), now(1), &mut rng(5))
            .unwrap(),
    );
    assert!(done.enc_pa_rep_verified && done.preauthenticated);
    assert_eq!(done.clock_offset_seconds, None);
    assert_eq!(done.key_params.as_ref(), Some(&expected[0]));
    assert_eq!(
        (&done.credential.client, &done.credential.server),
        (&alice(), &tgs())
    );
    assert!(done.credential.session_key.ct_eq(&issue.session_key));
    assert_eq!(done.credential.end_time, at(T0 + 36_001));
}

#[test]
fn all_four_enctypes_work() {
    for enctype in EncryptionType::SUPPORTED {
        let (_, pending) = begin(plain());
        let info = etype_info2(&[(enctype, None, None)]);
        let (_, ask) = asked(
            pending
                .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
                .unwrap(),
        );
        let long_term = key(enctype, 9);
        let answer = Answer::Key(LongTermKey::from(long_term.clone()));
        let (request, pending) = sent(ask.answer(answer, now(0), &mut rng(3)).unwrap());
        let session_key = key(enctype, 10);
        let issue = Issue {
            reply_key: long_term,
            session_key,
            ..Issue::to_as_req(&request)
        };
        let done = done(
            pending
                .reply(&issue.as_rep(&request, &mut rng(4)), now(0), &mut rng(5))
                .unwrap(),
        );
        assert_eq!(
            (done.reply_enctype, done.credential.session_key.enctype()),
            (enctype, enctype)
        );
    }
}

#[test]
fn an_absent_salt_is_the_default_one_and_an_empty_one_is_empty() {
    for (sent_salt, expected) in [(None, &b"EXAMPLE.COMalice"[..]), (Some(&b""[..]), b"")] {
        let (_, pending) = begin(plain());
        let info = etype_info2(&[(AES256, sent_salt, None)]);
        let (candidates, _) = asked(
            pending
                .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
                .unwrap(),
        );
        assert_eq!(candidates[0].salt, expected);
    }
}

#[test]
fn a_kdc_without_etype_info2_gets_the_default_salt() {
    let (_, pending) = begin(plain());
    let methods = preauth_required_with(&[(PaDataType::PA_ENC_TIMESTAMP, &[])], now(0));
    let (candidates, _) = asked(pending.reply(&methods, now(0), &mut rng(2)).unwrap());
    let enctypes: Vec<_> = candidates.iter().map(|candidate| candidate.enctype).collect();
    assert_eq!(enctypes, EncryptionType::SUPPORTED);
    assert!(
        candidates
            .iter()
            .all(|candidate| candidate.salt == b"EXAMPLE.COMalice")
    );
}

#[test]
fn a_kdc_that_wants_no_preauthentication_is_answered_after_the_reply() {
    // The reply's own ETYPE-INFO2 says the salt.
    let (request, pending) = begin(plain());
    let issue = Issue {
        reply_key: password_key("secret", b"salty"),
        etype_info2: Some(etype_info2(&[(AES256, Some(b"salty"), None)])),
        ..Issue::to_as_req(&request)
    };
    let reply = issue.as_rep(&request, &mut rng(4));
    let (candidates, ask) = asked(pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    assert_eq!(
        candidates,
        [KeyParams {
            enctype: AES256,
            salt: b"salty".to_vec(),
            s2kparams: None
        }]
    );
    let answer = Answer::Password(Password::from("secret"));
    let done = done(ask.answer(answer, now(2), &mut rng(6)).unwrap());
    assert!(!done.preauthenticated && done.enc_pa_rep_verified);
}

#[test]
fn a_cookie_is_brought_back() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES256, None, None)]);
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_ENC_TIMESTAMP, &[]),
        (PaDataType::PA_FX_COOKIE, b"MIT"),
    ];
    let (_, ask) = asked(
        pending
            .reply(&preauth_required_with(&methods, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let (request, _) = sent(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(3)).unwrap());
    let request: AsReq<'_> = asn1::decode(&request).unwrap();
    let cookie = asn1::find_padata(request.padata.as_ref().unwrap(), PaDataType::PA_FX_COOKIE);
    assert_eq!(cookie, Some(&b"MIT"[..]));
}

#[test]
fn a_reply_under_another_of_the_clients_keys_uses_the_password_again() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES128, None, None), (AES256, Some(b"other"), None)]);
    let (_, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let answer = Answer::Password(Password::from("secret"));
    let (request, pending) = sent(ask.answer(answer, now(0), &mut rng(3)).unwrap());
    // No ETYPE-INFO2 in the reply: the salt from before holds.
    let issue = Issue {
        reply_key: password_key("secret", b"other"),
        ..Issue::to_as_req(&request)
    };
    let done = done(
        pending
            .reply(&issue.as_rep(&request, &mut rng(4)), now(1), &mut rng(5))
            .unwrap(),
    );
    assert_eq!(done.reply_enctype, AES256);
}

#[test]
fn a_reply_under_another_of_the_clients_keys_asks_for_that_key() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES128, None, None), (AES256, None, None)]);
    let (_, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let answer = Answer::Key(LongTermKey::from(key(AES128, 9)));
    let (request, pending) = sent(ask.answer(answer, now(0), &mut rng(3)).unwrap());
    let reply = Issue::to_as_req(&request).as_rep(&request, &mut rng(4));
    let (candidates, ask) = asked(pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    assert_eq!(candidates[0].enctype, AES256);
    assert!(done(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(6)).unwrap()).preauthenticated);
}

#[test]
fn a_key_of_an_enctype_nobody_asked_for_is_no_answer() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES256, None, None)]);
    let (_, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let refused = ask
        .answer(
            Answer::Key(LongTermKey::from(key(AES128, 9))),
            now(0),
            &mut rng(3),
        )
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "key of alice@EXAMPLE.COM: expected aes256-cts-hmac-sha1-96, but found aes128-cts-hmac-sha1-96"
    );
}

#[test]
fn a_wrong_password_shows_in_the_reply() {
    let (request, pending) = begin(plain());
    let reply = Issue::to_as_req(&request).as_rep(&request, &mut rng(4));
    let (_, ask) = asked(pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    let refused = ask
        .answer(Answer::Password(Password::from("wrong")), now(1), &mut rng(6))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the reply does not decrypt with the key of alice@EXAMPLE.COM (aes256-cts-hmac-sha1-96, kvno 1): wrong \
         password or key"
    );
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY));
}

#[test]
fn a_refusal_keeps_its_code_text_and_clock() {
    let (_, pending) = preauthenticating(plain());
    let reply = ErrorReply {
        e_text: Some("no\x1b[2J".into()),
        e_data: Some(vec![
            0x30, 0x15, 0xa1, 0x03, 0x02, 0x01, 0x03, 0xa2, 0x0e, 0x04, 0x0c, 0x72, 0, 0, 0xc0, 0, 0, 0, 0,
            1, 0, 0, 0,
        ]),
        ..ErrorReply::new(ErrorCode::KDC_ERR_CLIENT_REVOKED, tgs())
    };
    let refused = pending
        .reply(&reply.to_bytes(now(7)).unwrap(), now(1), &mut rng(5))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the KDC of EXAMPLE.COM refused alice@EXAMPLE.COM a ticket for krbtgt/EXAMPLE.COM@EXAMPLE.COM: \
         KDC_ERR_CLIENT_REVOKED (18): Client's credentials have been revoked (\"no\\u{1b}[2J\") (NTSTATUS 0xC0000072)"
    );
    let ProtocolError::Refused(refusal) = refused else {
        panic!("expected a refusal")
    };
    assert_eq!(refusal.server_time, now(7));
    assert_eq!(refusal.e_data, Some(ErrorData::NtStatus(0xc000_0072)));
}

#[test]
fn a_failed_preauthentication_and_an_expired_key_keep_their_codes() {
    for code in [
        ErrorCode::KDC_ERR_PREAUTH_FAILED,
        ErrorCode::KDC_ERR_KEY_EXP,
        ErrorCode::KDC_ERR_ETYPE_NOSUPP,
    ] {
        let (_, pending) = preauthenticating(plain());
        let refused = pending
            .reply(&error(code, now(1)), now(1), &mut rng(5))
            .unwrap_err();
        assert!(matches!(refused, ProtocolError::Refused(_)));
        assert_eq!(refused.code(), Some(code));
    }
}

/// A second try would be a second wrong password in the KDC's count.
#[test]
fn a_failed_preauthentication_within_the_skew_is_not_tried_again() {
    for ahead in [-300, -1, 2, 300] {
        let (_, pending) = preauthenticating(plain());
        let failed = error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(ahead));
        let refused = pending.reply(&failed, now(0), &mut rng(5)).unwrap_err();
        assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_FAILED), "{ahead}");
    }
}

#[test]
fn an_error_of_another_version_is_none() {
    let (_, pending) = begin(plain());
    let mut other = error(ErrorCode::KDC_ERR_CLIENT_REVOKED, now(0));
    // 7e len 30 len a0 03 02 01 05: the version is the first field.
    let at = other
        .windows(5)
        .position(|bytes| bytes == [0xa0, 3, 2, 1, 5])
        .unwrap();
    other[at + 4] = 4;
    let refused = pending.reply(&other, now(0), &mut rng(2)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_BADVERSION));
}

#[test]
fn a_kdc_that_finds_skew_at_its_own_time_is_not_asked_again() {
    let corrected = AsParams {
        clock_offset_seconds: 400,
        ..plain()
    };
    let (_, pending) = preauthenticating(corrected);
    let skew = error(ErrorCode::KRB_AP_ERR_SKEW, now(400));
    let refused = pending.reply(&skew, now(0), &mut rng(5)).unwrap_err();
    assert!(matches!(
        refused,
        ProtocolError::ClockSkew {
            ahead_seconds: 400,
            ..
        }
    ));
}

/// The first entry of an enctype counts: a second one must not be what the password is tried with next.
#[test]
fn an_enctype_listed_twice_is_one_candidate() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[
        (AES256, Some(b"one"), None),
        (AES128, None, None),
        (AES256, Some(b"two"), None),
    ]);
    let (candidates, _) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let found: Vec<_> = candidates
        .iter()
        .map(|candidate| (candidate.enctype, &candidate.salt[..]))
        .collect();
    assert_eq!(found, [(AES256, &b"one"[..]), (AES128, b"EXAMPLE.COMalice")]);
}

#[test]
fn a_kdc_that_offers_nothing_usable_is_told_apart() {
    let (_, pending) = begin(plain());
    let methods = preauth_required_with(
        &[
            (PaDataType::PA_PK_AS_REQ, &[]),
            (PaDataType::PA_OTP_CHALLENGE, &[]),
        ],
        now(0),
    );
    let refused = pending.reply(&methods, now(0), &mut rng(2)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the KDC of EXAMPLE.COM offers no pre-authentication that is built here: expected PA-SPAKE (151), \
         PA-ENC-TIMESTAMP (2), but found PA-PK-AS-REQ (16), PA-OTP-CHALLENGE (141)"
    );
    let (_, pending) = begin(plain());
    let bare = error(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, now(0));
    assert!(matches!(
        pending.reply(&bare, now(0), &mut rng(2)),
        Err(ProtocolError::NoCommonPreauth { offered, .. }) if offered.is_empty()
    ));
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(EncryptionType::RC4_HMAC, None, None)]);
    let refused = pending
        .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP));
    assert!(
        refused.to_string().ends_with("but the KDC offers arcfour-hmac"),
        "{refused}"
    );
}

#[test]
fn one_iteration_is_refused_before_the_password_is_used() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES256, None, Some(&[0, 0, 0, 1]))]);
    let (_, ask) = asked(
        pending
            .reply(&preauth_required(&info, now(0)), now(0), &mut rng(2))
            .unwrap(),
    );
    let refused = ask
        .answer(Answer::Password(Password::from("secret")), now(0), &mut rng(3))
        .unwrap_err();
    assert!(
        refused
            .to_string()
            .ends_with("expected at least 4096, but found 1"),
        "{refused}"
    );
}

#[test]
fn too_big_for_a_datagram_goes_over_a_stream_once() {
    let (first, pending) = begin(plain());
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(0));
    let outcome = pending.reply(&too_big, now(0), &mut rng(2)).unwrap();
    let AsOutcome::Send {
        request,
        constraints,
        pending,
        ..
    } = outcome
    else {
        panic!("expected a request")
    };
    assert_eq!(request, first);
    assert!(constraints.stream_only);
    assert_eq!(
        misbehaviour(pending.reply(&too_big, now(0), &mut rng(3))),
        Misbehaviour::TooBigOverStream
    );
}

#[test]
fn a_skewed_clock_is_corrected_once_and_kept_only_by_the_replys_word() {
    for code in [ErrorCode::KRB_AP_ERR_SKEW, ErrorCode::KDC_ERR_PREAUTH_FAILED] {
        let (_, pending) = preauthenticating(plain());
        let (request, pending) = sent(
            pending
                .reply(&error(code, now(432)), now(0), &mut rng(5))
                .unwrap(),
        );
        let decoded: AsReq<'_> = asn1::decode(&request).unwrap();
        assert_eq!(decoded.req_body.till, at(T0 + 432 + 36_000));
        let stamp =
            asn1::find_padata(decoded.padata.as_ref().unwrap(), PaDataType::PA_ENC_TIMESTAMP).unwrap();
        assert_eq!(decrypt_enc_timestamp(&alice_key(), stamp).unwrap(), now(432));
        // The error was written by somebody; the reply's authtime is the KDC's.
        let time = Some(at(T0 + 430));
        let issue = Issue {
            authtime: at(T0 + 430),
            starttime: time,
            ..Issue::to_as_req(&request)
        };
        let done = done(
            pending
                .reply(&issue.as_rep(&request, &mut rng(6)), now(0), &mut rng(7))
                .unwrap(),
        );
        assert_eq!(done.clock_offset_seconds, Some(430));
    }
}

/// A KDC may be stricter than we are: what it made us correct is reported, however small.
#[test]
fn a_small_offset_that_a_strict_kdc_wants_is_kept() {
    let (_, pending) = preauthenticating(plain());
    let strict = error(ErrorCode::KRB_AP_ERR_SKEW, now(60));
    let (request, pending) = sent(pending.reply(&strict, now(0), &mut rng(5)).unwrap());
    let issue = Issue {
        authtime: at(T0 + 60),
        starttime: None,
        ..Issue::to_as_req(&request)
    };
    let done = done(
        pending
            .reply(&issue.as_rep(&request, &mut rng(6)), now(0), &mut rng(7))
            .unwrap(),
    );
    assert_eq!(done.clock_offset_seconds, Some(60));
}

#[test]
fn a_second_skew_error_ends_the_exchange() {
    let (_, pending) = preauthenticating(plain());
    let skew = error(ErrorCode::KRB_AP_ERR_SKEW, now(432));
    let (_, pending) = sent(pending.reply(&skew, now(0), &mut rng(5)).unwrap());
    let refused = pending.reply(&skew, now(0), &mut rng(6)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "clock skew too great with the KDC of EXAMPLE.COM: KRB_AP_ERR_SKEW (37): its clock is 7 min 12 s ahead, \
         allowed 5 min"
    );
}

#[test]
fn an_offset_is_reported_when_the_reply_alone_shows_it() {
    let (request, pending) = begin(plain());
    let time = at(T0 - 900);
    let issue = Issue {
        authtime: time,
        starttime: Some(time),
        ..Issue::to_as_req(&request)
    };
    let (_, ask) = asked(
        pending
            .reply(&issue.as_rep(&request, &mut rng(4)), now(0), &mut rng(5))
            .unwrap(),
    );
    let done = done(ask.answer(Answer::Key(alice_key()), now(0), &mut rng(6)).unwrap());
    assert_eq!(done.clock_offset_seconds, Some(-900));
}

#[test]
fn a_kdc_that_asks_for_ever_is_left() {
    let (_, pending) = preauthenticating(plain());
    let info = etype_info2(&[(AES256, Some(b"another"), None)]);
    let again = preauth_required(&info, now(0));
    assert_eq!(
        misbehaviour(pending.reply(&again, now(0), &mut rng(5))),
        Misbehaviour::PreauthAgain
    );

    let (_, pending) = preauthenticating(plain());
    let (mut exchange, sent) = *pending.0;
    exchange.rounds = MAX_AS_ROUNDS;
    let pending = AsPending(Box::new((exchange, sent)));
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(0));
    let limit = MAX_AS_ROUNDS;
    assert_eq!(
        misbehaviour(pending.reply(&too_big, now(0), &mut rng(5))),
        Misbehaviour::TooManyRounds { limit }
    );
}

#[test]
fn no_order_of_errors_goes_on_for_more_than_the_rounds_allowed() {
    let info = etype_info2(&[(AES256, None, None)]);
    let replies = [
        preauth_required(&info, now(0)),
        error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(0)),
        error(ErrorCode::KRB_AP_ERR_SKEW, now(400)),
        error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(-400)),
    ];
    for order in 0..1024_usize {
        let (_, mut pending) = begin(plain());
        let mut rounds = 1;
        for step in 0..10_usize {
            let reply = &replies[(order >> (2 * (step % 5))) & 3];
            let Ok(outcome) = pending.reply(reply, now(0), &mut rng(5)) else {
                break;
            };
            let outcome = match outcome {
                AsOutcome::Ask { pending, .. } => pending
                    .answer(Answer::Key(alice_key()), now(0), &mut rng(6))
                    .unwrap(),
                outcome => outcome,
            };
            pending = sent(outcome).1;
            rounds += 1;
        }
        assert!(rounds <= 4, "{order}: {rounds} rounds");
    }
}
