//! FAST (RFC 6113) against a KDC that has the armor's key and lies at the test's will.

use kerbside_asn1::{PaSpake, SpakeGroup};
use kerbside_crypto::Key;

use super::*;
use crate::fake_kdc::fast::{FastHalf, Sealed, host_ticket, tgs_key};
use crate::fast::FastArmor;
use crate::spake::tests::KdcHalf;

const KDC: &[u8] = b"kdcchallengearmor";

fn armored() -> AsParams {
    AsParams {
        armor: Some(FastArmor::required(host_ticket())),
        ..plain()
    }
}

fn if_offered() -> AsParams {
    AsParams {
        armor: Some(FastArmor::if_offered(host_ticket())),
        ..plain()
    }
}

/// A request in armor and the KDC's view of it.
struct Round {
    request: Vec<u8>,
    kdc: FastHalf,
    pending: AsPending,
}

fn round(outcome: AsOutcome) -> Round {
    let (request, pending) = sent(outcome);
    let kdc = FastHalf::open(&request, now(0));
    Round {
        request,
        kdc,
        pending,
    }
}

fn first() -> Round {
    round(AsExchange::start(armored(), now(0), &mut rng(1)).unwrap())
}

const CHALLENGE: (PaDataType, &[u8]) = (PaDataType::PA_ENCRYPTED_CHALLENGE, &[]);
const TIMESTAMP: (PaDataType, &[u8]) = (PaDataType::PA_ENC_TIMESTAMP, &[]);

/// PREAUTH_REQUIRED in the tunnel, with these methods.
fn required(round: &Round, methods: &[(PaDataType, &[u8])]) -> Vec<u8> {
    let info = etype_info2(&[(AES256, None, None)]);
    let mut all = vec![
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_FX_COOKIE, &b"biscuit"[..]),
    ];
    all.extend(methods);
    let inner = ErrorReply::new(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, tgs());
    round.kdc.error(&inner, &all, now(0))
}

fn inner_error(round: Round, code: ErrorCode, at: i64) -> Result<AsOutcome, ProtocolError> {
    let error = round.kdc.error(&ErrorReply::new(code, tgs()), &[], now(at));
    round.pending.reply(&error, now(0), &mut rng(5))
}

/// To the point where an encrypted challenge by Alice's key is on its way.
fn challenging() -> Round {
    let first = first();
    let error = required(&first, &[TIMESTAMP, CHALLENGE]);
    let (candidates, ask) = asked(first.pending.reply(&error, now(0), &mut rng(2)).unwrap());
    assert_eq!(candidates.len(), 1);
    round(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap())
}

/// A whole exchange with the encrypted challenge, in which `lie` changes the reply and what is in its tunnel.
fn login(lie: impl FnOnce(&Round, &mut Issue, &mut Sealed)) -> Result<AsOutcome, ProtocolError> {
    let round = challenging();
    let mut issue = Issue {
        knows_fast: true,
        ..Issue::to_as_req(&round.request)
    };
    let mut sealed = round.kdc.honest(&issue);
    sealed.padata.push(round.kdc.kdc_challenge(&alice_key(), KDC));
    lie(&round, &mut issue, &mut sealed);
    let reply = round.kdc.as_rep(&round.request, &issue, &sealed);
    round.pending.reply(&reply, now(1), &mut rng(5))
}

#[test]
fn the_challenge_is_chosen_and_gives_a_ticket() {
    let round = challenging();
    assert_eq!(round.kdc.client_challenge(&alice_key()), Some(now(1)));
    assert_eq!(round.kdc.find(PaDataType::PA_ENC_TIMESTAMP), None);
    assert_eq!(round.kdc.find(PaDataType::PA_FX_COOKIE), Some(&b"biscuit"[..]));
    assert!(round.kdc.find(PaDataType::PA_REQ_ENC_PA_REP).is_some());
    let outer: AsReq<'_> = asn1::decode(&round.request).unwrap();
    assert_eq!(outer.req_body.bytes(), round.kdc.body);

    let done = done(login(|_, _, _| {}).unwrap());
    assert!(done.armored && done.fast_avail && done.preauthenticated && done.enc_pa_rep_verified);
    assert_eq!(done.preauth_type, Some(PaDataType::PA_ENCRYPTED_CHALLENGE));
    assert_eq!(done.credential.client, alice());
    assert_eq!(done.reply_enctype, AES256);
}

#[test]
fn a_strengthen_key_may_be_missing() {
    let weak = login(|_, _, sealed| sealed.strengthen_key = None);
    assert!(done(weak.unwrap()).armored);
}

#[test]
fn a_reply_that_is_not_made_by_who_holds_the_armor_key_is_refused() {
    let other = |round: &Round| FastHalf {
        armor_key: key(AES256, 66),
        nonce: round.kdc.nonce,
        padata: Vec::new(),
        body: Vec::new(),
    };
    let round = challenging();
    let issue = Issue::to_as_req(&round.request);
    let mut sealed = round.kdc.honest(&issue);
    sealed.padata.push(round.kdc.kdc_challenge(&alice_key(), KDC));
    let reply = other(&round).as_rep(&round.request, &issue, &sealed);
    let refused = round.pending.reply(&reply, now(1), &mut rng(5));
    assert_eq!(misbehaviour(refused), Misbehaviour::FastIntegrity);

    let first = first();
    let inner = ErrorReply::new(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, tgs());
    let error = other(&first).error(&inner, &[CHALLENGE], now(0));
    let refused = first.pending.reply(&error, now(0), &mut rng(2));
    assert_eq!(misbehaviour(refused), Misbehaviour::FastIntegrity);
}

#[test]
fn what_is_in_the_tunnel_answers_this_request() {
    let stale = login(|_, _, sealed| sealed.nonce ^= 1);
    assert!(matches!(misbehaviour(stale), Misbehaviour::Nonce { .. }));
    let mut first = first();
    first.kdc.nonce ^= 1;
    let error = required(&first, &[CHALLENGE]);
    let refused = first.pending.reply(&error, now(0), &mut rng(2));
    assert!(matches!(misbehaviour(refused), Misbehaviour::Nonce { .. }));
}

#[test]
fn the_seal_is_on_this_ticket_and_client() {
    let other = login(|_, _, sealed| sealed.sealed = Some(b"another ticket".to_vec()));
    assert_eq!(misbehaviour(other), Misbehaviour::FastTicketChecksum);
    let none = login(|_, _, sealed| sealed.finished = false);
    assert_eq!(misbehaviour(none), Misbehaviour::FastFinishedMissing);
    let mallory = Principal::new("EXAMPLE.COM", &["mallory"]);
    let found = mallory.clone();
    let renamed = login(|_, _, sealed| sealed.client = mallory);
    let expected = alice();
    assert_eq!(misbehaviour(renamed), Misbehaviour::Client { expected, found });
    // What is in clear says nothing: Heimdal's KDC leaves it empty.
    let nobody = login(|_, issue, _| issue.client = Principal::new("", &[""; 0]));
    assert_eq!(done(nobody.unwrap()).credential.client, alice());
}

#[test]
fn the_kdc_shows_that_it_knows_the_key_as_well() {
    let silent = login(|_, _, sealed| sealed.padata.clear());
    assert_eq!(misbehaviour(silent), Misbehaviour::ChallengeMissing);
    let others = login(|round, _, sealed| {
        sealed.padata = vec![round.kdc.kdc_challenge(&key(AES256, 66), KDC)];
    });
    assert_eq!(misbehaviour(others), Misbehaviour::ChallengeIntegrity);
    let own = login(|round, _, sealed| {
        let sent_back = round.kdc.find(PaDataType::PA_ENCRYPTED_CHALLENGE).unwrap();
        sealed.padata = vec![(PaDataType::PA_ENCRYPTED_CHALLENGE, sent_back.to_vec())];
    });
    assert_eq!(misbehaviour(own), Misbehaviour::ChallengeIntegrity);
    // Heimdal 7.8 takes the key that the client's challenge is under, for the usage of the KDC's.
    let heimdals = login(|round, _, sealed| {
        sealed.padata = vec![round.kdc.kdc_challenge(&alice_key(), b"clientchallengearmor")];
    });
    assert!(done(heimdals.unwrap()).armored);
}

#[test]
fn in_armor_nothing_in_clear_is_believed() {
    for weak in [true, false] {
        let unarmored = login(|_, _, sealed| {
            sealed.armored = false;
            sealed.weak = weak;
        });
        assert_eq!(misbehaviour(unarmored), Misbehaviour::FastMissing);
    }

    // An error in clear ends the exchange and says so; nothing is done because of it.
    let info = etype_info2(&[(AES256, None, None)]);
    for spoofed in [
        preauth_required(&info, now(0)),
        error(ErrorCode::KDC_ERR_PREAUTH_EXPIRED, now(0)),
        error(ErrorCode::KRB_AP_ERR_SKEW, now(500)),
        error(ErrorCode::KDC_ERR_PREAUTH_FAILED, now(0)),
        preauth_required_with(&[(PaDataType::PA_FX_COOKIE, b"x")], now(0)),
    ] {
        for round in [first(), challenging()] {
            let refused = round.pending.reply(&spoofed, now(0), &mut rng(2)).unwrap_err();
            assert!(matches!(refused, ProtocolError::UnarmoredRefusal(_)), "{refused}");
            let text = refused.to_string();
            assert!(
                text.ends_with("; nobody vouches for this answer: the request was armored (FAST), it is not"),
                "{text}"
            );
        }
    }
}

#[test]
fn the_error_in_the_tunnel_is_the_one_that_counts() {
    // The clear says KDC_ERR_CLIENT_REVOKED and another time.
    let refused = inner_error(challenging(), ErrorCode::KDC_ERR_PREAUTH_FAILED, 1).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_FAILED));
    assert!(matches!(refused, ProtocolError::Refused(_)));
    let first = first();
    let nothing = first.kdc.error_of(&[CHALLENGE]);
    let refused = first.pending.reply(&nothing, now(0), &mut rng(2));
    assert_eq!(misbehaviour(refused), Misbehaviour::FastErrorMissing);
}

#[test]
fn the_kdcs_clock_is_taken_from_the_tunnel() {
    let skewed = inner_error(challenging(), ErrorCode::KRB_AP_ERR_SKEW, 432).unwrap();
    let again = round(skewed);
    assert_eq!(again.kdc.client_challenge(&alice_key()), Some(now(432)));
}

#[test]
fn what_expired_is_begun_again_in_new_armor() {
    let round_before = challenging();
    let before = round_before.kdc.armor_key.clone();
    let again = inner_error(round_before, ErrorCode::KDC_ERR_PREAUTH_EXPIRED, 0).unwrap();
    let again = round(again);
    assert_eq!(again.kdc.find(PaDataType::PA_FX_COOKIE), None);
    assert!(!again.kdc.armor_key.ct_eq(&before));
    let refused = inner_error(again, ErrorCode::KDC_ERR_PREAUTH_EXPIRED, 0).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_EXPIRED));
}

#[test]
fn a_timestamp_will_do_where_the_kdc_takes_no_challenge() {
    let first = first();
    let error = required(&first, &[TIMESTAMP]);
    let (_, ask) = asked(first.pending.reply(&error, now(0), &mut rng(2)).unwrap());
    let round = round(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap());
    let stamp = round.kdc.find(PaDataType::PA_ENC_TIMESTAMP).unwrap();
    assert_eq!(decrypt_enc_timestamp(&alice_key(), stamp).unwrap(), now(1));
    let issue = Issue::to_as_req(&round.request);
    let reply = round
        .kdc
        .as_rep(&round.request, &issue, &round.kdc.honest(&issue));
    let done = done(round.pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    assert_eq!(done.preauth_type, Some(PaDataType::PA_ENC_TIMESTAMP));
}

#[test]
fn a_challenge_is_not_made_in_clear() {
    let (_, pending) = begin(plain());
    let info = etype_info2(&[(AES256, None, None)]);
    let methods = preauth_required_with(&[(PaDataType::PA_ETYPE_INFO2, &info), CHALLENGE], now(0));
    let refused = pending.reply(&methods, now(0), &mut rng(2));
    assert!(matches!(refused, Err(ProtocolError::NoCommonPreauth { .. })));
}

#[test]
fn spake_goes_first_in_armor_too_unless_the_challenge_is_preferred() {
    let kdc = KdcHalf::new(SpakeGroup::EDWARDS25519, alice_key().into_inner(), &mut rng(77));
    let first_round = first();
    let offer = required(&first_round, &[CHALLENGE, (PaDataType::PA_SPAKE, &[])]);
    let supporting = round(first_round.pending.reply(&offer, now(0), &mut rng(2)).unwrap());
    let support = supporting.kdc.find(PaDataType::PA_SPAKE).unwrap().to_vec();
    assert!(matches!(asn1::decode(&support), Ok(PaSpake::Support(_))));
    let challenge = kdc.challenge();
    let more = ErrorReply::new(ErrorCode::KDC_ERR_MORE_PREAUTH_DATA_REQUIRED, tgs());
    let more = supporting
        .kdc
        .error(&more, &[(PaDataType::PA_SPAKE, &challenge)], now(0));
    let (_, ask) = asked(supporting.pending.reply(&more, now(0), &mut rng(3)).unwrap());
    let responding = round(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(4)).unwrap());
    let response = responding.kdc.find(PaDataType::PA_SPAKE).unwrap();
    let reply_key = kdc.reply_key_of(Some(&support), response, &responding.kdc.body);
    let issue = Issue {
        reply_key: reply_key.expect("the right key"),
        ..Issue::to_as_req(&responding.request)
    };
    let sealed = responding.kdc.honest(&issue);
    let reply = responding.kdc.as_rep(&responding.request, &issue, &sealed);
    let finished = done(responding.pending.reply(&reply, now(1), &mut rng(5)).unwrap());
    assert_eq!(finished.preauth_type, Some(PaDataType::PA_SPAKE));

    let params = AsParams {
        preferred_preauth: vec![PaDataType::PA_ENCRYPTED_CHALLENGE],
        ..armored()
    };
    let first = round(AsExchange::start(params, now(0), &mut rng(1)).unwrap());
    let offer = required(&first, &[CHALLENGE, (PaDataType::PA_SPAKE, &[])]);
    let (_, ask) = asked(first.pending.reply(&offer, now(0), &mut rng(2)).unwrap());
    let round = round(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap());
    assert!(round.kdc.client_challenge(&alice_key()).is_some());
}

/// METHOD-DATA in clear that offers the timestamp and, if it is honest, FAST.
fn in_clear(says_fast: bool) -> Vec<u8> {
    let info = etype_info2(&[(AES256, None, None)]);
    let mut methods = vec![(PaDataType::PA_ETYPE_INFO2, &info[..]), TIMESTAMP];
    methods.extend(says_fast.then_some((PaDataType::PA_FX_FAST, &[][..])));
    preauth_required_with(&methods, now(0))
}

#[test]
fn armor_is_put_on_where_the_kdc_says_that_it_knows_it() {
    let (first, pending) = begin(if_offered());
    let first: AsReq<'_> = asn1::decode(&first).unwrap();
    let padata = first.padata.as_ref().unwrap();
    assert_eq!(asn1::find_padata(padata, PaDataType::PA_FX_FAST), None);
    let again = round(pending.reply(&in_clear(true), now(0), &mut rng(2)).unwrap());
    let error = required(&again, &[CHALLENGE]);
    let (_, ask) = asked(again.pending.reply(&error, now(0), &mut rng(3)).unwrap());
    let round = round(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(4)).unwrap());
    assert!(round.kdc.client_challenge(&alice_key()).is_some());
    // Without armor at hand the word means nothing.
    let (_, pending) = begin(plain());
    asked(pending.reply(&in_clear(true), now(0), &mut rng(2)).unwrap());
}

#[test]
fn a_kdc_whose_word_of_fast_was_suppressed_is_found_out() {
    for (knows_fast, vouch) in [(false, Vouch::Yes), (true, Vouch::Yes), (true, Vouch::No)] {
        let (_, pending) = begin(if_offered());
        let (_, ask) = asked(pending.reply(&in_clear(false), now(0), &mut rng(2)).unwrap());
        let (request, pending) = sent(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap());
        let issue = Issue {
            knows_fast,
            vouch,
            ..Issue::to_as_req(&request)
        };
        let outcome = pending.reply(&issue.as_rep(&request, &mut rng(4)), now(1), &mut rng(5));
        if knows_fast && vouch == Vouch::Yes {
            assert_eq!(misbehaviour(outcome), Misbehaviour::FastHidden);
        } else {
            assert!(!done(outcome.unwrap()).fast_avail);
        }
    }
    // Who has no armor loses nothing.
    let (request, pending) = preauthenticating(plain());
    let issue = Issue {
        knows_fast: true,
        ..Issue::to_as_req(&request)
    };
    let outcome = pending.reply(&issue.as_rep(&request, &mut rng(4)), now(1), &mut rng(5));
    assert!(done(outcome.unwrap()).fast_avail);
}

#[test]
fn armor_is_a_valid_ticket_for_the_realms_tgs() {
    for make in [FastArmor::required, FastArmor::if_offered] {
        let start = |change: fn(&mut crate::Credential)| {
            let mut ticket = host_ticket();
            change(&mut ticket);
            let params = AsParams {
                armor: Some(make(ticket)),
                ..plain()
            };
            AsExchange::start(params, now(0), &mut rng(1))
        };
        let other = start(|ticket| ticket.server = web());
        assert!(matches!(other, Err(ProtocolError::Misuse(_))));
        let foreign = start(|ticket| ticket.server = Principal::krbtgt("ELSEWHERE.COM", "EXAMPLE.COM"));
        assert!(matches!(foreign, Err(ProtocolError::Misuse(_))));
        let expired = start(|ticket| ticket.end_time = at(T0)).unwrap_err();
        assert_eq!(expired.code(), Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED));
        assert_eq!(
            expired.to_string(),
            "the armor ticket for krbtgt/EXAMPLE.COM@EXAMPLE.COM has expired: it ended 2023-11-14T22:13:20Z"
        );
    }
}

#[test]
fn another_realm_wants_other_armor() {
    let params = || AsParams {
        options: KdcOptions::CANONICALIZE,
        ..armored()
    };
    let referral = |round: &Round| {
        let inner = ErrorReply {
            client: Some(Principal::new("ELSEWHERE.COM", &["alice"])),
            ..ErrorReply::new(ErrorCode::KDC_ERR_WRONG_REALM, tgs())
        };
        round.kdc.error(&inner, &[], now(0))
    };
    let to_elsewhere = || {
        let first = round(AsExchange::start(params(), now(0), &mut rng(1)).unwrap());
        let error = referral(&first);
        let AsOutcome::NeedArmor { realm, pending } =
            first.pending.reply(&error, now(0), &mut rng(2)).unwrap()
        else {
            panic!("expected a need for armor")
        };
        assert_eq!(realm.as_bytes(), b"ELSEWHERE.COM");
        pending
    };
    let mut ticket = host_ticket();
    let old = FastArmor::required(ticket.clone());
    let refused = to_elsewhere().armor(old, now(0), &mut rng(3));
    assert!(matches!(refused, Err(ProtocolError::Misuse(_))));
    ticket.server = Principal::krbtgt("ELSEWHERE.COM", "ELSEWHERE.COM");
    let armor = FastArmor::required(ticket);
    let outcome = to_elsewhere().armor(armor, now(0), &mut rng(3)).unwrap();
    let AsOutcome::Send { request, realm, .. } = outcome else {
        panic!("expected a request")
    };
    assert_eq!(realm.as_bytes(), b"ELSEWHERE.COM");
    FastHalf::open(&request, now(0));
    // In clear it is nobody's word.
    let first = round(AsExchange::start(params(), now(0), &mut rng(1)).unwrap());
    let spoofed = ErrorReply {
        client: Some(Principal::new("ELSEWHERE.COM", &["alice"])),
        ..ErrorReply::new(ErrorCode::KDC_ERR_WRONG_REALM, tgs())
    };
    let refused = first
        .pending
        .reply(&spoofed.to_bytes(now(0)).unwrap(), now(0), &mut rng(2));
    assert!(matches!(refused, Err(ProtocolError::UnarmoredRefusal(_))));
}

#[test]
fn the_way_over_a_stream_is_open_in_armor_too() {
    let first = first();
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(0));
    let AsOutcome::Send {
        request, constraints, ..
    } = first.pending.reply(&too_big, now(0), &mut rng(2)).unwrap()
    else {
        panic!("expected a request")
    };
    assert!(constraints.stream_only);
    assert_eq!(request, first.request);
}

#[test]
fn enctypes_of_armor_and_client_need_not_be_the_same() {
    for armor_enctype in EncryptionType::SUPPORTED {
        for client_enctype in EncryptionType::SUPPORTED {
            let ticket = Issue {
                session_key: key(armor_enctype, 31),
                ..Issue::honest(tgs())
            };
            let params = AsParams {
                armor: Some(FastArmor::required(ticket.credential(&mut rng(9)))),
                ..plain()
            };
            let alices: Key = key(client_enctype, 32);
            let first = round(AsExchange::start(params, now(0), &mut rng(1)).unwrap());
            let info = etype_info2(&[(client_enctype, None, None)]);
            let inner = ErrorReply::new(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, tgs());
            let methods = [(PaDataType::PA_ETYPE_INFO2, &info[..]), CHALLENGE];
            let error = first.kdc.error(&inner, &methods, now(0));
            let (_, ask) = asked(first.pending.reply(&error, now(0), &mut rng(2)).unwrap());
            let answer = Answer::Key(LongTermKey::from(alices.clone()));
            let round = round(ask.answer(answer, now(1), &mut rng(3)).unwrap());
            assert!(round.kdc.client_challenge(&alices).is_some());
            let issue = Issue {
                reply_key: alices.clone(),
                ..Issue::to_as_req(&round.request)
            };
            let mut sealed = round.kdc.honest(&issue);
            sealed.strengthen_key = Some(key(client_enctype, 33));
            sealed.padata.push(round.kdc.kdc_challenge(&alices, KDC));
            let reply = round.kdc.as_rep(&round.request, &issue, &sealed);
            let done = done(round.pending.reply(&reply, now(1), &mut rng(5)).unwrap());
            assert_eq!(done.reply_enctype, client_enctype);
        }
    }
}

#[test]
fn a_strengthen_key_of_another_type_than_the_reply_is_refused() {
    let other = login(|_, _, sealed| sealed.strengthen_key = Some(key(AES128, 9)));
    assert_eq!(
        misbehaviour(other),
        Misbehaviour::ReplyEnctype {
            expected: vec![AES128],
            found: AES256
        }
    );
    let round = challenging();
    let issue = Issue::to_as_req(&round.request);
    let mut sealed = round.kdc.honest(&issue);
    sealed.padata.push(round.kdc.kdc_challenge(&alice_key(), KDC));
    let reply = round.kdc.as_rep(&round.request, &issue, &sealed);
    // The same reply whose clear says another enctype.
    let decoded: asn1::AsRep<'_> = asn1::decode(&reply).unwrap();
    let mut relabelled = decoded.0.clone();
    relabelled.enc_part.etype = AES128;
    let relabelled = asn1::encode(&asn1::AsRep(relabelled)).unwrap();
    let outcome = round.pending.reply(&relabelled, now(1), &mut rng(5)).unwrap();
    let AsOutcome::Ask { pending, .. } = outcome else {
        panic!("expected a question")
    };
    let answer = Answer::Key(LongTermKey::from(key(AES128, 9)));
    assert_eq!(
        misbehaviour(pending.answer(answer, now(1), &mut rng(6))),
        Misbehaviour::ReplyEnctype {
            expected: vec![AES256],
            found: AES128
        }
    );
}

/// Each octet of a reply in armor, altered once: what the tunnel does not seal are the client's name in clear and the number
/// of the reply's key version, which change nothing; everything else is refused, the ticket included.
#[test]
fn an_altered_reply_is_refused() {
    let make = |round: &Round| {
        let issue = Issue::to_as_req(&round.request);
        let mut sealed = round.kdc.honest(&issue);
        sealed.padata.push(round.kdc.kdc_challenge(&alice_key(), KDC));
        (
            round.kdc.as_rep(&round.request, &issue, &sealed),
            issue.session_key,
        )
    };
    let (reply, session_key) = make(&challenging());
    let crealm = find(&reply, b"EXAMPLE.COM");
    let cname = find(&reply, &asn1::encode(&alice().name.to_wire()).unwrap());
    let decoded: asn1::AsRep<'_> = asn1::decode(&reply).unwrap();
    let ticket = find(&reply, decoded.ticket.bytes());
    let kvno = ticket.end + find(&reply[ticket.end..], &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let mut passed = Vec::new();
    for index in 0..reply.len() {
        let mut altered = reply.clone();
        altered[index] ^= 1 << (index % 8);
        if let Ok(outcome) = challenging().pending.reply(&altered, now(1), &mut rng(5)) {
            // The reply's enctype in clear: a key for it is asked for, and no ticket comes of it.
            if let AsOutcome::Ask { pending, .. } = outcome {
                let answer = Answer::Key(LongTermKey::from(key(AES128, 9)));
                assert!(
                    pending.answer(answer, now(1), &mut rng(6)).is_err(),
                    "octet {index}"
                );
                continue;
            }
            let done = done(outcome);
            assert_eq!(
                (&done.credential.client, &done.credential.server),
                (&alice(), &tgs())
            );
            assert!(done.credential.session_key.ct_eq(&session_key));
            passed.push(index);
        }
    }
    let free =
        |index: &usize| crealm.contains(index) || (crealm.end..cname.end).contains(index) || *index == kvno;
    assert!(passed.iter().all(free), "{passed:?}");
    assert!(passed.len() > 10, "{passed:?}");
    // The exchange is the same each time, or the loop above would have shown nothing.
    assert!(challenging().pending.reply(&reply, now(1), &mut rng(5)).is_ok());
    assert!(!key(AES256, 1010).ct_eq(&tgs_key()));
}

#[test]
fn what_the_tunnel_of_an_error_offers_is_what_is_told() {
    let first = first();
    let error = required(
        &first,
        &[(PaDataType::PA_FX_FAST, &[]), (PaDataType::PA_OTP_CHALLENGE, &[])],
    );
    let refused = first.pending.reply(&error, now(0), &mut rng(2));
    let Err(ProtocolError::NoCommonPreauth { offered, .. }) = refused else {
        panic!("expected no common pre-authentication, but found {refused:?}")
    };
    let expected = [
        PaDataType::PA_ETYPE_INFO2,
        PaDataType::PA_FX_COOKIE,
        PaDataType::PA_FX_FAST,
        PaDataType::PA_OTP_CHALLENGE,
    ];
    assert_eq!(offered, expected, "the error itself is no offer");
}

/// MIT's KDC names FAST in the tunnel as well: that is no reason to begin again.
#[test]
fn armor_is_put_on_once_and_not_after_a_proof() {
    let first = first();
    let error = required(&first, &[(PaDataType::PA_FX_FAST, &[]), CHALLENGE]);
    asked(first.pending.reply(&error, now(0), &mut rng(2)).unwrap());

    let (_, pending) = begin(if_offered());
    let (_, ask) = asked(pending.reply(&in_clear(false), now(0), &mut rng(2)).unwrap());
    let (_, pending) = sent(ask.answer(Answer::Key(alice_key()), now(1), &mut rng(3)).unwrap());
    let methods = [(PaDataType::PA_FX_FAST, &[][..])];
    let failed = error_with(ErrorCode::KDC_ERR_PREAUTH_FAILED, &methods, now(1));
    let refused = pending.reply(&failed, now(1), &mut rng(4)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_PREAUTH_FAILED));
}

#[test]
fn armor_of_one_realm_is_taken_off_for_the_next() {
    let params = AsParams {
        options: KdcOptions::CANONICALIZE,
        ..armored()
    };
    let first = round(AsExchange::start(params, now(0), &mut rng(1)).unwrap());
    let inner = ErrorReply {
        client: Some(Principal::new("ELSEWHERE.COM", &["alice"])),
        ..ErrorReply::new(ErrorCode::KDC_ERR_WRONG_REALM, tgs())
    };
    let error = first.kdc.error(&inner, &[], now(0));
    let outcome = first.pending.reply(&error, now(0), &mut rng(2)).unwrap();
    let AsOutcome::NeedArmor { pending, .. } = outcome else {
        panic!("expected a need for armor")
    };
    let mut ticket = host_ticket();
    ticket.server = Principal::krbtgt("ELSEWHERE.COM", "ELSEWHERE.COM");
    let outcome = pending.armor(FastArmor::if_offered(ticket), now(0), &mut rng(3));
    let AsOutcome::Send { request, .. } = outcome.unwrap() else {
        panic!("expected a request")
    };
    let request: AsReq<'_> = asn1::decode(&request).unwrap();
    let padata = request.padata.as_ref().unwrap();
    assert_eq!(asn1::find_padata(padata, PaDataType::PA_FX_FAST), None);
}

/// The enctype in clear is not protected, but it has to be the key's.
#[test]
fn a_challenge_under_another_label_is_refused() {
    let relabelled = login(|round, _, sealed| {
        let (padata_type, value) = round.kdc.kdc_challenge(&alice_key(), KDC);
        let mut data: asn1::EncryptedData<'_> = asn1::decode(&value).unwrap();
        data.etype = AES128;
        sealed.padata = vec![(padata_type, asn1::encode(&data).unwrap())];
    });
    assert_eq!(misbehaviour(relabelled), Misbehaviour::ChallengeIntegrity);
}
