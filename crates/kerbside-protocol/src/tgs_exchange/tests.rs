#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, AddressType, AuthorizationData, ErrorCode, KdcOptions, NameType, PaDataType,
    Principal, TgsReq, TicketFlags,
};
use kerbside_crypto::{EncryptionType, Key, KeyUsage};

mod fast;
mod s4u;

use super::*;
use crate::error::{ApRefusal, Misbehaviour, ProtocolError};
use crate::fake_kdc::*;
use crate::time::at;
use crate::{ApReqParsed, AuthenticatorPolicy, Purpose};

fn tgs_key() -> Key {
    key(AES256, 1004)
}

fn tgt() -> Credential {
    let mut issue = Issue::honest(tgs());
    issue
        .flags
        .insert(TicketFlags::FORWARDABLE | TicketFlags::RENEWABLE);
    issue.renew_till = Some(at(T0 + 86_400));
    issue.credential(&mut rng(11))
}

fn begin(params: TgsParams) -> (Vec<u8>, TgsPending) {
    let outcome = TgsExchange::start(params, now(60), &mut rng(12)).unwrap();
    let TgsOutcome::Send {
        request,
        pending,
        realm,
        ..
    } = outcome
    else {
        panic!("expected a request")
    };
    assert_eq!(realm.as_bytes(), b"EXAMPLE.COM");
    (request, pending)
}

fn done(outcome: TgsOutcome) -> TgsDone {
    let TgsOutcome::Done(done) = outcome else {
        panic!("expected a ticket")
    };
    *done
}

fn answer(request: &[u8]) -> Issue {
    let mut issue = Issue::to_tgs_req(request, &tgs_key(), now(60));
    issue.renew_till = Some(at(T0 + 86_400));
    issue
}

fn exchange(params: TgsParams, lie: impl FnOnce(&mut Issue)) -> Result<TgsOutcome, ProtocolError> {
    let (request, pending) = begin(params);
    let mut issue = answer(&request);
    lie(&mut issue);
    pending.reply(&issue.tgs_rep(&mut rng(13)), now(60))
}

fn plain() -> TgsParams {
    TgsParams::new(tgt(), web())
}

fn misbehaviour(result: Result<TgsOutcome, ProtocolError>) -> Misbehaviour {
    match result {
        Err(ProtocolError::Misbehaved { what, .. }) => *what,
        other => panic!("expected a broken rule, but found {other:?}"),
    }
}

#[test]
fn a_tgt_gives_a_service_ticket() {
    let done = done(exchange(plain(), |_| {}).unwrap());
    assert_eq!(
        (&done.credential.client, &done.credential.server),
        (&alice(), &web())
    );
    assert_eq!(done.credential.end_time, at(T0 + 36_000));
    assert!(done.credential.session_key.ct_eq(&key(AES256, 1005)));
    assert_eq!((done.ticket_kvno, done.ticket_enctype), (Some(1), AES256));
    assert!(done.client_vouched, "it is our own");
}

#[test]
fn all_four_enctypes_work() {
    for enctype in EncryptionType::SUPPORTED {
        let issue = Issue {
            session_key: key(enctype, 20),
            ..Issue::honest(tgs())
        };
        let (request, pending) = begin(TgsParams::new(issue.credential(&mut rng(11)), web()));
        let reply = Issue::to_tgs_req(&request, &tgs_key(), now(60)).tgs_rep(&mut rng(13));
        assert_eq!(
            done(pending.reply(&reply, now(60)).unwrap()).credential.server,
            web()
        );
    }
}

#[test]
fn an_old_kdc_may_use_the_session_key() {
    let old = exchange(plain(), |issue| {
        issue.reply_key = tgt().session_key.into_inner();
        issue.reply_usage = KeyUsage::TGS_REP_ENC_PART_SESSKEY;
    });
    assert!(old.is_ok());
    for (reply_key, usage) in [
        (tgt().session_key.into_inner(), KeyUsage::TGS_REP_ENC_PART_SUBKEY),
        (key(AES256, 77), KeyUsage::TGS_REP_ENC_PART_SUBKEY),
        (key(AES256, 77), KeyUsage::TGS_REP_ENC_PART_SESSKEY),
    ] {
        let wrong = exchange(plain(), |issue| {
            issue.reply_key = reply_key;
            issue.reply_usage = usage;
        });
        assert!(matches!(wrong, Err(ProtocolError::WrongReplyKey { .. })));
    }
    let other_enctype = exchange(plain(), |issue| issue.reply_key = key(AES128, 77));
    assert!(matches!(
        misbehaviour(other_enctype),
        Misbehaviour::ReplyEnctype { .. }
    ));
}

#[test]
fn what_extensions_add_to_a_request_is_sent() {
    let mut params = plain();
    params.padata = vec![(PaDataType::PA_PAC_OPTIONS, vec![1, 2])];
    params.authorization_data = vec![(AdType::AD_IF_RELEVANT, vec![0x30, 0])];
    params.additional_tickets = vec![tgt().ticket];
    params.addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 1])];
    let (request, _) = begin(params);
    let request: TgsReq<'_> = asn1::decode(&request).unwrap();
    let padata = request.padata.as_ref().unwrap();
    assert_eq!(
        asn1::find_padata(padata, PaDataType::PA_PAC_OPTIONS),
        Some(&[1, 2][..])
    );
    let body = &request.req_body;
    assert_eq!(
        asn1::encode(&body.additional_tickets.as_ref().unwrap()[0]).unwrap(),
        tgt().ticket
    );
    assert_eq!(body.addresses.as_ref().unwrap().0.len(), 1);

    let parsed = ApReqParsed::parse(padata[0].padata_value).unwrap();
    let purpose = Purpose::TgsReq {
        req_body: body.bytes(),
    };
    let policy = AuthenticatorPolicy {
        purpose,
        ..AuthenticatorPolicy::default()
    };
    let verified = parsed
        .decrypt_ticket(&tgs_key())
        .unwrap()
        .verify(&policy, now(60))
        .unwrap();
    let subkey = verified.authenticator().subkey.as_ref().unwrap();
    let data = body.enc_authorization_data.as_ref().unwrap();
    let plain = subkey.decrypt(KeyUsage::TGS_REQ_AD_SUBKEY, data.cipher).unwrap();
    let data: AuthorizationData<'_> = asn1::decode(&plain).unwrap();
    assert_eq!(data.0[0].ad_type, AdType::AD_IF_RELEVANT);
}

/// Pitfalls, section 10 row 2: whoever is between can change no octet of the body.
#[test]
fn a_request_whose_body_was_changed_is_refused() {
    let (request, _) = begin(plain());
    let decoded: TgsReq<'_> = asn1::decode(&request).unwrap();
    let ap_req = decoded.padata.as_ref().unwrap()[0].padata_value;
    let body = decoded.req_body.bytes();
    let check = |body: &[u8]| {
        let policy = AuthenticatorPolicy {
            purpose: Purpose::TgsReq { req_body: body },
            ..AuthenticatorPolicy::default()
        };
        let parsed = ApReqParsed::parse(ap_req).unwrap();
        parsed
            .decrypt_ticket(&tgs_key())
            .unwrap()
            .verify(&policy, now(60))
    };
    assert!(check(body).is_ok());
    for index in 0..body.len() {
        let mut altered = body.to_vec();
        altered[index] ^= 1 << (index % 8);
        let refused = check(&altered).unwrap_err();
        assert!(matches!(&refused, ProtocolError::ApReq(why) if **why == ApRefusal::ChecksumWrong));
        assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_MODIFIED));
    }
}

#[test]
fn a_reply_to_another_request_or_for_another_client_is_refused() {
    assert!(matches!(
        misbehaviour(exchange(plain(), |issue| issue.nonce ^= 1)),
        Misbehaviour::Nonce { .. }
    ));
    let client = exchange(plain(), |issue| {
        issue.client = Principal::new("EXAMPLE.COM", &["mallory"])
    });
    assert!(matches!(misbehaviour(client), Misbehaviour::Client { .. }));
    let other_type = exchange(plain(), |issue| {
        issue.client.name.name_type = NameType::NT_UNKNOWN
    });
    assert_eq!(
        done(other_type.unwrap()).credential.client.name.name_type,
        NameType::NT_PRINCIPAL,
        "the hint in clear goes no further"
    );
    let session = exchange(
        TgsParams {
            enctypes: vec![AES256],
            ..plain()
        },
        |issue| issue.session_key = key(AES128, 1),
    );
    assert!(matches!(
        misbehaviour(session),
        Misbehaviour::SessionKeyEnctype { .. }
    ));
}

#[test]
fn a_ticket_for_another_service_is_refused() {
    let other = Principal::new("EXAMPLE.COM", &["host", "www.example.com"]);
    let swapped = exchange(plain(), |issue| issue.server_on_ticket = other.clone());
    assert!(matches!(misbehaviour(swapped), Misbehaviour::TicketServer { .. }));
    let both = exchange(plain(), |issue| {
        issue.server_on_ticket = other.clone();
        issue.server = other.clone();
    });
    assert_eq!(
        misbehaviour(both),
        Misbehaviour::Server {
            expected: web(),
            found: other
        }
    );
}

fn referral_to(realm: &str) -> impl Fn(&mut Issue) {
    let tgt = Principal::krbtgt("EXAMPLE.COM", realm);
    move |issue: &mut Issue| {
        issue.server = tgt.clone();
        issue.server_on_ticket = tgt.clone();
    }
}

#[test]
fn a_tgt_for_another_realm_in_place_of_the_service_is_a_referral() {
    let outcome = exchange(plain(), referral_to("ELSEWHERE.COM")).unwrap();
    let TgsOutcome::Referral { tgt, realm } = outcome else {
        panic!("expected a referral")
    };
    assert_eq!(realm.as_bytes(), b"ELSEWHERE.COM");
    assert_eq!(tgt.server, Principal::krbtgt("EXAMPLE.COM", "ELSEWHERE.COM"));
    // With it, the other realm's KDC is asked.
    let outcome = TgsExchange::start(TgsParams::new(*tgt, web()), now(60), &mut rng(1)).unwrap();
    assert!(matches!(outcome, TgsOutcome::Send { realm, .. } if realm.as_bytes() == b"ELSEWHERE.COM"));
}

#[test]
fn a_referral_comes_only_where_it_may_and_from_who_may_give_it() {
    let mut exact = plain();
    exact.options.remove(KdcOptions::CANONICALIZE);
    let cases = [
        // Nobody let the KDC choose.
        exchange(exact, referral_to("ELSEWHERE.COM")),
        // Back to the realm that refers.
        exchange(plain(), referral_to("EXAMPLE.COM")),
        // Another realm's TGT, which is not this KDC's to give.
        exchange(plain(), |issue| {
            referral_to("ELSEWHERE.COM")(issue);
            issue.server.realm = "THIRD.COM".into();
            issue.server_on_ticket.realm = "THIRD.COM".into();
        }),
        // Another service in place of the one asked for.
        exchange(plain(), |issue| {
            issue.server = Principal::new("EXAMPLE.COM", &["krbtgt", "A", "B"]);
            issue.server_on_ticket = issue.server.clone();
        }),
        // A renewed ticket is the same one.
        exchange(TgsParams::renew(tgt()), referral_to("ELSEWHERE.COM")),
    ];
    for refused in cases {
        assert!(matches!(misbehaviour(refused), Misbehaviour::Server { .. }));
    }
}

#[test]
fn asked_for_a_far_realm_a_kdc_may_answer_with_a_nearer_one() {
    let far = || {
        let mut params = TgsParams::new(tgt(), Principal::krbtgt("EXAMPLE.COM", "FAR.COM"));
        params.options.remove(KdcOptions::CANONICALIZE);
        params
    };
    let asked = done(exchange(far(), |_| {}).unwrap());
    assert_eq!(
        asked.credential.server,
        Principal::krbtgt("EXAMPLE.COM", "FAR.COM")
    );
    let nearer = exchange(far(), referral_to("NEAR.COM")).unwrap();
    assert!(matches!(nearer, TgsOutcome::Referral { realm, .. } if realm.as_bytes() == b"NEAR.COM"));
    assert!(matches!(
        misbehaviour(exchange(far(), referral_to("EXAMPLE.COM"))),
        Misbehaviour::Server { .. }
    ));
}

#[test]
fn a_forwarded_ticket_is_for_the_addresses_asked_for_and_a_proxy_is_asked_for_by_name() {
    let home = || vec![(AddressType::IPV4, vec![192, 0, 2, 1])];
    let forward = |lie: fn(&mut Issue)| exchange(TgsParams::forward(tgt(), home()), lie);
    let give = |issue: &mut Issue| {
        issue.flags.insert(TicketFlags::FORWARDED);
        issue.addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 1])];
    };
    let forwarded = done(forward(give).unwrap()).credential;
    assert_eq!((&forwarded.server, &forwarded.addresses), (&tgs(), &home()));
    assert!(forwarded.flags.contains(TicketFlags::FORWARDED));
    assert_eq!(misbehaviour(forward(|_| {})), Misbehaviour::Addresses);
    assert!(exchange(TgsParams::forward(tgt(), vec![]), |_| {}).is_ok());

    let proxy = TgsParams::proxy(tgt(), web(), vec![]);
    assert!(proxy.options.contains(KdcOptions::PROXY));
    let proxied = exchange(proxy, |issue| issue.flags.insert(TicketFlags::PROXY));
    assert_eq!(done(proxied.unwrap()).credential.server, web());
}

#[test]
fn a_user_to_user_ticket_says_so_and_keeps_the_other_ticket() {
    let second = || Issue::honest(tgs()).ticket(&mut rng(30));
    let params = TgsParams::user_to_user(tgt(), Principal::new("EXAMPLE.COM", &["bob"]), second());
    let (request, _) = begin(params.clone());
    let request: TgsReq<'_> = asn1::decode(&request).unwrap();
    let body = &request.req_body;
    assert!(body.kdc_options.contains(KdcOptions::ENC_TKT_IN_SKEY));
    let tickets = body.additional_tickets.as_ref().unwrap();
    assert_eq!(asn1::encode(&tickets[0]).unwrap(), second());
    let credential = done(exchange(params, |_| {}).unwrap()).credential;
    assert!(credential.is_skey);
    assert_eq!(credential.second_ticket, second());
    assert!(!done(exchange(plain(), |_| {}).unwrap()).credential.is_skey);
}

#[test]
fn times_and_flags_beyond_the_request_are_refused() {
    assert!(matches!(
        misbehaviour(exchange(plain(), |issue| issue.endtime = at(T0 + 36_001))),
        Misbehaviour::Time { .. }
    ));
    assert!(matches!(
        misbehaviour(exchange(plain(), |issue| issue.renew_till = Some(at(T0 + 86_401)))),
        Misbehaviour::Time { .. }
    ));
    for flag in [
        TicketFlags::FORWARDED,
        TicketFlags::PROXY,
        TicketFlags::PROXIABLE,
        TicketFlags::INVALID,
    ] {
        let unasked = exchange(plain(), |issue| issue.flags.insert(flag));
        assert_eq!(misbehaviour(unasked), Misbehaviour::Flags { unasked: flag });
    }
    let stale = exchange(plain(), |issue| issue.starttime = Some(at(T0 + 1000))).unwrap_err();
    assert_eq!(stale.code(), Some(ErrorCode::KRB_AP_ERR_SKEW));
    let corrected = TgsParams {
        clock_offset_seconds: 940,
        ..plain()
    };
    let outcome = TgsExchange::start(corrected, now(60), &mut rng(12)).unwrap();
    let TgsOutcome::Send { request, pending, .. } = outcome else {
        panic!("expected a request")
    };
    let mut issue = Issue::to_tgs_req(&request, &tgs_key(), now(1000));
    issue.renew_till = Some(at(T0 + 86_400));
    assert!(pending.reply(&issue.tgs_rep(&mut rng(13)), now(60)).is_ok());
}

#[test]
fn renewal_gives_a_later_end_within_the_old_limits() {
    let renew = || TgsParams::renew(tgt());
    let renewed = |end: i64| {
        move |issue: &mut Issue| {
            issue.endtime = at(T0 + end);
            issue.flags.insert(TicketFlags::INITIAL);
        }
    };
    let done = done(exchange(renew(), renewed(36_060)).unwrap());
    assert_eq!(done.credential.server, tgs());
    assert_eq!(done.credential.end_time, at(T0 + 36_060));
    assert!(matches!(
        misbehaviour(exchange(renew(), renewed(86_401))),
        Misbehaviour::Time { .. }
    ));
    // KDCs do not look at the times of such a request, and the old ticket's limits are the ones that count.
    let shorter = TgsParams {
        till: Some(at(T0 + 100)),
        renew_till: None,
        options: KdcOptions::RENEW,
        ..renew()
    };
    assert!(exchange(shorter, renewed(36_060)).is_ok());
    let longer = exchange(renew(), |issue| issue.renew_till = Some(at(T0 + 86_401)));
    assert!(matches!(misbehaviour(longer), Misbehaviour::Time { .. }));
}

#[test]
fn a_postdated_ticket_starts_when_asked_and_a_request_without_renewable_names_no_rtime() {
    let later = || {
        let mut params = TgsParams::postdated(tgt(), web(), at(T0 + 3600));
        params.options.remove(KdcOptions::RENEWABLE);
        params.options.insert(KdcOptions::ALLOW_POSTDATE);
        params
    };
    let give = |start: i64| {
        move |issue: &mut Issue| {
            issue.flags.remove(TicketFlags::RENEWABLE);
            issue.renew_till = None;
            issue
                .flags
                .insert(TicketFlags::POSTDATED | TicketFlags::INVALID | TicketFlags::MAY_POSTDATE);
            issue.starttime = Some(at(T0 + start));
        }
    };
    let done = done(exchange(later(), give(3600)).unwrap());
    assert_eq!(done.credential.start_time, at(T0 + 3600));
    assert!(matches!(
        misbehaviour(exchange(later(), give(60))),
        Misbehaviour::Time { .. }
    ));
    let (request, _) = begin(later());
    let request: TgsReq<'_> = asn1::decode(&request).unwrap();
    assert_eq!(request.req_body.rtime, None);
}

#[test]
fn validation_makes_a_postdated_ticket_valid() {
    let mut issue = Issue::honest(tgs());
    issue.flags.insert(TicketFlags::INVALID | TicketFlags::POSTDATED);
    let postdated = issue.credential(&mut rng(11));
    let validate = |lie: fn(&mut Issue)| {
        let (request, pending) = begin(TgsParams::validate(postdated.clone()));
        let mut issue = Issue::to_tgs_req(&request, &tgs_key(), now(60));
        issue.starttime = Some(at(T0 - 5000));
        lie(&mut issue);
        pending.reply(&issue.tgs_rep(&mut rng(13)), now(60))
    };
    let valid = done(validate(|issue| issue.flags.remove(TicketFlags::INVALID)).unwrap());
    assert!(valid.credential.flags.contains(TicketFlags::POSTDATED));
    assert_eq!(
        misbehaviour(validate(|_| {})),
        Misbehaviour::Flags {
            unasked: TicketFlags::INVALID
        }
    );
}

#[test]
fn addresses_are_those_asked_for() {
    let home = || vec![(AddressType::IPV4, vec![192, 0, 2, 1])];
    let bound = || TgsParams {
        addresses: home(),
        ..plain()
    };
    assert!(exchange(bound(), |issue| issue.addresses = home()).is_ok());
    assert_eq!(misbehaviour(exchange(bound(), |_| {})), Misbehaviour::Addresses);
    // Without any asked for, a reply that names none means the TGT's.
    let mut inherited = plain();
    alloc::sync::Arc::make_mut(&mut inherited.tgt).addresses = home();
    assert_eq!(
        done(exchange(inherited, |_| {}).unwrap()).credential.addresses,
        home()
    );
}

#[test]
fn a_refusal_keeps_its_code_and_too_big_goes_over_a_stream() {
    let (_, pending) = begin(plain());
    let refused = pending
        .reply(&error(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, now(60)), now(60))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the KDC of EXAMPLE.COM refused alice@EXAMPLE.COM a ticket for HTTP/www.example.com@EXAMPLE.COM: \
         KDC_ERR_S_PRINCIPAL_UNKNOWN (7): Server not found in Kerberos database"
    );
    let (_, pending) = begin(plain());
    let refused = pending
        .reply(&error(ErrorCode::KRB_AP_ERR_SKEW, now(-540)), now(60))
        .unwrap_err();
    assert_eq!(
        refused.to_string(),
        "clock skew too great with the KDC of EXAMPLE.COM: KRB_AP_ERR_SKEW (37): its clock is 10 min behind, \
         allowed 5 min"
    );
    let (first, pending) = begin(plain());
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG, now(60));
    let TgsOutcome::Send {
        request,
        constraints,
        pending,
        ..
    } = pending.reply(&too_big, now(60)).unwrap()
    else {
        panic!("expected a request");
    };
    assert!(constraints.stream_only && request == first);
    assert_eq!(
        misbehaviour(pending.reply(&too_big, now(60))),
        Misbehaviour::TooBigOverStream
    );
}

#[test]
fn other_messages_and_versions_are_refused() {
    assert_eq!(
        exchange(plain(), |issue| issue.pvno = 4).unwrap_err().code(),
        Some(ErrorCode::KRB_AP_ERR_BADVERSION)
    );
    let (request, pending) = begin(plain());
    let refused = pending.reply(&request, now(60)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "expected TGS-REP or KRB-ERROR, but found TGS-REQ (12)"
    );
    let start = TgsExchange::start(
        TgsParams {
            enctypes: vec![],
            ..plain()
        },
        now(0),
        &mut rng(1),
    );
    assert!(matches!(start, Err(ProtocolError::Misuse(_))));
}

/// Pitfalls, section 10 row 22; the octets that nobody protects are the same as in an AS-REP.
#[test]
fn an_altered_reply_is_refused_or_changes_nothing() {
    let (request, _) = begin(plain());
    let issue = answer(&request);
    let reply = issue.tgs_rep(&mut rng(13));
    let decoded: asn1::TgsRep<'_> = asn1::decode(&reply).unwrap();
    let cipher = find(&reply, decoded.ticket.enc_part.cipher);
    let name_types = [&issue.client, &issue.server]
        .map(|name| find(&reply, &asn1::encode(&name.to_wire()).unwrap()).start + 6);
    let after_ticket = &reply[cipher.end..];
    let reply_kvno = cipher.end + find(after_ticket, &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let kvno = find(&reply, &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let enctype = kvno - 5;
    let mut passed = 0;
    for index in 0..reply.len() {
        let mut altered = reply.clone();
        altered[index] ^= 1 << (index % 8);
        let (_, pending) = begin(plain());
        if let Ok(outcome) = pending.reply(&altered, now(60)) {
            let free = cipher.contains(&index)
                || [kvno, enctype, reply_kvno].contains(&index)
                || name_types.contains(&index);
            assert!(
                free,
                "octet {index} of {} was altered and not missed",
                reply.len()
            );
            let credential = done(outcome).credential;
            assert_eq!((&credential.client, &credential.server), (&alice(), &web()));
            assert!(credential.session_key.ct_eq(&issue.session_key));
            assert_eq!(credential.flags, issue.flags);
            passed += 1;
        }
    }
    assert!(passed >= cipher.len());
}
