//! Client referrals and enterprise names (RFC 6806), against KDCs that send the client on.

use kerbside_asn1::{Name, Realm};

use super::*;
use crate::service_exchange::MAX_REFERRALS;

fn canonical() -> AsParams {
    let mut params = plain();
    params.options.insert(KdcOptions::CANONICALIZE);
    params
}

fn enterprise() -> AsParams {
    let client = Principal {
        name: Name::enterprise("alice@corp.example"),
        realm: "EXAMPLE.COM".into(),
    };
    AsParams::new(client)
}

fn to(code: ErrorCode, realm: &str) -> Vec<u8> {
    let client = Some(Principal::new(realm, &["alice"]));
    let error = ErrorReply {
        client,
        ..ErrorReply::new(code, tgs())
    };
    error.to_bytes(now(0)).unwrap()
}

fn wrong_realm(realm: &str) -> Vec<u8> {
    to(ErrorCode::KDC_ERR_WRONG_REALM, realm)
}

/// The request after a referral, with the realm that it goes to.
fn sent_to(outcome: AsOutcome) -> (Vec<u8>, Realm, AsPending) {
    let AsOutcome::Send {
        request,
        pending,
        realm,
        ..
    } = outcome
    else {
        panic!("expected a request, but found {outcome:?}")
    };
    (request, realm, pending)
}

/// A reply from ELSEWHERE.COM to the request there, for `client`.
fn elsewhere(request: &[u8], client: Principal, vouch: Vouch) -> Vec<u8> {
    let issue = Issue {
        client,
        vouch,
        ..Issue::to_as_req(request)
    };
    issue.as_rep(request, &mut rng(4))
}

#[test]
fn the_realm_that_the_client_is_sent_to_gives_the_ticket() {
    for code in [
        ErrorCode::KDC_ERR_WRONG_REALM,
        ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN,
    ] {
        for params in [canonical(), enterprise()] {
            let name = params.client.name.clone();
            let (_, pending) = begin(params);
            let outcome = pending.reply(&to(code, "ELSEWHERE.COM"), now(0), &mut rng(2));
            let (request, realm, pending) = sent_to(outcome.unwrap());
            assert_eq!(realm.as_bytes(), b"ELSEWHERE.COM");
            let decoded: AsReq<'_> = asn1::decode(&request).unwrap();
            let body = &decoded.req_body;
            assert_eq!(body.realm.as_bytes(), b"ELSEWHERE.COM");
            assert_eq!(
                Principal::from_wire(body.realm, body.sname.as_ref().unwrap()),
                Principal::krbtgt("ELSEWHERE.COM", "ELSEWHERE.COM")
            );
            // The name itself stays.
            let cname = body.cname.as_ref().unwrap();
            assert_eq!(Principal::from_wire(body.realm, cname).name, name);
            let found = Principal::new("ELSEWHERE.COM", &["alice"]);
            let reply = elsewhere(&request, found.clone(), Vouch::Yes);
            let AsOutcome::Ask { pending, .. } = pending.reply(&reply, now(1), &mut rng(5)).unwrap() else {
                panic!("expected a question")
            };
            let done = done(
                pending
                    .answer(Answer::Key(alice_key()), now(1), &mut rng(6))
                    .unwrap(),
            );
            assert_eq!(done.credential.client, found);
            assert_eq!(
                done.credential.server,
                Principal::krbtgt("ELSEWHERE.COM", "ELSEWHERE.COM")
            );
        }
    }
}

/// A login in ELSEWHERE.COM after a referral, whose reply is for `client`.
fn referred(client: Principal, vouch: Vouch) -> Result<AsOutcome, ProtocolError> {
    let (_, pending) = begin(canonical());
    let outcome = pending.reply(&wrong_realm("ELSEWHERE.COM"), now(0), &mut rng(2));
    let (request, _, pending) = sent_to(outcome.unwrap());
    let reply = elsewhere(&request, client, vouch);
    let AsOutcome::Ask { pending, .. } = pending.reply(&reply, now(1), &mut rng(5)).unwrap() else {
        panic!("expected a question")
    };
    pending.answer(Answer::Key(alice_key()), now(1), &mut rng(6))
}

#[test]
fn another_name_needs_the_new_realms_word_and_is_of_that_realm() {
    let smith = |realm| Principal::new(realm, &["alice.smith"]);
    let renamed = done(referred(smith("ELSEWHERE.COM"), Vouch::Yes).unwrap());
    assert_eq!(renamed.credential.client, smith("ELSEWHERE.COM"));
    for (client, vouch) in [
        (smith("ELSEWHERE.COM"), Vouch::No),
        (smith("EXAMPLE.COM"), Vouch::Yes),
        (alice(), Vouch::Yes),
    ] {
        let refused = misbehaviour(referred(client, vouch));
        assert!(matches!(refused, Misbehaviour::Client { .. }), "{refused:?}");
    }
}

/// Active Directory takes a realm in any letters and answers with its own.
#[test]
fn a_realm_in_other_letters_is_taken_from_the_reply() {
    let params = AsParams {
        options: KdcOptions::CANONICALIZE,
        ..AsParams::new(Principal::new("example.com", &["alice"]))
    };
    let outcome = AsExchange::start(params, now(0), &mut rng(1)).unwrap();
    let (request, _, pending) = sent_to(outcome);
    let issue = Issue {
        server: tgs(),
        server_on_ticket: tgs(),
        ..Issue::to_as_req(&request)
    };
    let reply = issue.as_rep(&request, &mut rng(4));
    let AsOutcome::Ask { pending, .. } = pending.reply(&reply, now(1), &mut rng(5)).unwrap() else {
        panic!("expected a question")
    };
    let done = done(
        pending
            .answer(Answer::Key(alice_key()), now(1), &mut rng(6))
            .unwrap(),
    );
    assert_eq!(done.credential.client, alice());
    assert_eq!(done.credential.server, tgs());
}

#[test]
fn a_service_of_the_old_realm_becomes_one_of_the_new() {
    let service = Principal::new("EXAMPLE.COM", &["kadmin", "changepw"]);
    let params = AsParams {
        options: KdcOptions::CANONICALIZE,
        ..AsParams::for_service(alice(), service)
    };
    let (_, pending) = begin(params);
    let outcome = pending.reply(&wrong_realm("ELSEWHERE.COM"), now(0), &mut rng(2));
    let (request, ..) = sent_to(outcome.unwrap());
    let decoded: AsReq<'_> = asn1::decode(&request).unwrap();
    let sname = decoded.req_body.sname.as_ref().unwrap();
    assert_eq!(
        Principal::from_wire(decoded.req_body.realm, sname),
        Principal::new("ELSEWHERE.COM", &["kadmin", "changepw"])
    );
}

#[test]
fn loops_and_long_ways_are_refused() {
    let (_, pending) = begin(canonical());
    let outcome = pending.reply(&wrong_realm("B.COM"), now(0), &mut rng(2));
    let (.., pending) = sent_to(outcome.unwrap());
    for realm in ["EXAMPLE.COM", "B.COM"] {
        let (_, first) = begin(canonical());
        let outcome = first.reply(&wrong_realm("B.COM"), now(0), &mut rng(2));
        let (.., pending) = sent_to(outcome.unwrap());
        let refused = pending.reply(&wrong_realm(realm), now(0), &mut rng(3));
        assert_eq!(
            misbehaviour(refused),
            Misbehaviour::ReferralLoop { realm: realm.into() }
        );
    }

    let mut pending = pending;
    for hop in 1..MAX_REFERRALS {
        let outcome = pending.reply(&wrong_realm(&std::format!("R{hop}.COM")), now(0), &mut rng(3));
        pending = sent_to(outcome.unwrap()).2;
    }
    let limit = MAX_REFERRALS;
    assert_eq!(
        misbehaviour(pending.reply(&wrong_realm("LAST.COM"), now(0), &mut rng(3))),
        Misbehaviour::TooManyReferrals { limit }
    );
}

#[test]
fn who_did_not_ask_for_it_is_not_sent_on() {
    let (_, pending) = begin(plain());
    let refused = pending
        .reply(&wrong_realm("ELSEWHERE.COM"), now(0), &mut rng(2))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the KDC of EXAMPLE.COM refused alice@EXAMPLE.COM a ticket for krbtgt/EXAMPLE.COM@EXAMPLE.COM: \
         KDC_ERR_WRONG_REALM (68): Realm not local to KDC"
    );
    // A KDC that knows no such client names the client's own realm, or none.
    for unknown in [
        to(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "EXAMPLE.COM"),
        to(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, ""),
        error(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, now(0)),
        error(ErrorCode::KDC_ERR_WRONG_REALM, now(0)),
        to(ErrorCode::KDC_ERR_WRONG_REALM, ""),
    ] {
        let (_, pending) = begin(canonical());
        let refused = pending.reply(&unknown, now(0), &mut rng(2)).unwrap_err();
        assert!(matches!(refused, ProtocolError::Refused(_)), "{refused}");
    }
}

/// Nobody vouches for a referral: after a proof it would be a way to get another one, for another realm.
#[test]
fn who_has_shown_a_proof_is_not_sent_on() {
    let (_, pending) = preauthenticating(canonical());
    let refused = pending
        .reply(&wrong_realm("ELSEWHERE.COM"), now(0), &mut rng(5))
        .unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KDC_ERR_WRONG_REALM));
}
