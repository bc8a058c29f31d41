#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;
use alloc::{borrow::ToOwned, format};

use kerbside_asn1::{self as asn1, ErrorCode, KdcOptions, PaDataType, TgsReq};

use super::*;
use crate::ApReqParsed;
use crate::fake_kdc::*;

/// What a KDC says: the ticket asked for, a user's TGT for a realm, a ticket for another service, or no.
#[derive(Clone, Copy)]
enum Says {
    Yes,
    Go(&'static str),
    Other(&'static str, &'static str),
    No,
}

/// KDCs by their realms, what they say, and whose name is in their replies.
type World<'a> = &'a [(&'a str, Says, &'a str)];

fn tgs_key() -> kerbside_crypto::Key {
    key(AES256, 1004)
}

fn bob() -> Principal {
    Principal::new("USERS.ORG", &["bob"])
}

fn evidence() -> Credential {
    Credential {
        client: bob(),
        ..Issue::honest(alice()).credential(&mut rng(31))
    }
}

/// The service's own TGT for `realm`.
fn own_tgt(realm: &str) -> Arc<Credential> {
    let issuer = if realm == "EXAMPLE.COM" {
        realm
    } else {
        "ISSUER.ORG"
    };
    Arc::new(Issue::honest(Principal::krbtgt(issuer, realm)).credential(&mut rng(11)))
}

fn web_in(realm: &str) -> Principal {
    Principal::new(realm, &["HTTP", "www"])
}

fn params(server: Principal) -> ProxyParams {
    ProxyParams::new("EXAMPLE.COM".into(), server, evidence())
}

/// The server on a ticket in clear.
fn on_ticket(bytes: &[u8]) -> String {
    let ticket: asn1::Ticket<'_> = asn1::decode(bytes).unwrap();
    Principal::from_wire(ticket.realm, &ticket.sname).to_string()
}

/// One KDC's answer; what it was shown goes into `line`.
fn reply(world: World<'_>, realm: &Realm, request: &[u8], line: &mut String) -> Vec<u8> {
    let decoded: TgsReq<'_> = asn1::decode(request).unwrap();
    let body = &decoded.req_body;
    let wanted = KdcOptions::CNAME_IN_ADDL_TKT | KdcOptions::CANONICALIZE;
    assert!(body.kdc_options.contains(wanted), "MS-SFU 3.1.5.2.1 and .2");
    let padata = decoded.padata.as_ref().unwrap();
    assert!(asn1::find_padata(padata, PaDataType::PA_PAC_OPTIONS).is_some());
    let server = Principal::from_wire(body.realm, body.sname.as_ref().unwrap());
    let additional = asn1::encode(&body.additional_tickets.as_ref().unwrap()[0]).unwrap();
    let header = ApReqParsed::parse(padata[0].padata_value).unwrap();
    let header = header.decrypt_ticket(&tgs_key()).unwrap();
    *line = format!(
        "{realm}: {server} by {} for {}",
        header.ticket().client(),
        on_ticket(&additional)
    );

    let (_, says, client) = world
        .iter()
        .find(|(kdc, ..)| realm.as_bytes() == kdc.as_bytes())
        .unwrap();
    let mut issue = Issue::to_tgs_req(request, &tgs_key(), now(60));
    let instead = match *says {
        Says::Yes => server,
        Says::Go(to) => Principal::krbtgt(realm, to),
        Says::Other(realm, name) => Principal::new(realm, &[name]),
        Says::No => return error(ErrorCode::KDC_ERR_BADOPTION, now(60)),
    };
    issue.client = Principal::parse(client, None).unwrap();
    issue.server = instead.clone();
    issue.server_on_ticket = instead;
    issue.tgs_rep(&mut rng(13))
}

fn run(world: World<'_>, params: ProxyParams) -> (Vec<String>, Result<TgsDone, ProtocolError>) {
    let mut lines = Vec::new();
    let mut outcome = Ok(ProxyExchange::start(params));
    for _ in 0..100 {
        outcome = match outcome {
            Err(error) => return (lines, Err(error)),
            Ok(ProxyOutcome::Done(done)) => return (lines, Ok(*done)),
            Ok(ProxyOutcome::Need { realm, pending }) => {
                pending.answer(own_tgt(&realm.to_string()), now(60), &mut rng(14))
            }
            Ok(ProxyOutcome::Send {
                request,
                realm,
                pending,
                ..
            }) => {
                let mut line = String::new();
                let reply = reply(world, &realm, &request, &mut line);
                lines.push(line);
                pending.reply(&reply, now(60))
            }
        };
    }
    panic!("it goes on for ever: {lines:?}")
}

fn misbehaviour(world: World<'_>, params: ProxyParams) -> (Refuser, Misbehaviour) {
    match run(world, params).1 {
        Err(ProtocolError::Misbehaved { by, what }) => (by, *what),
        other => panic!("expected a broken rule, but found {other:?}"),
    }
}

fn kdc(realm: &str) -> Refuser {
    Refuser::Kdc(realm.into())
}

const BOB: &str = "bob@USERS.ORG";

#[test]
fn in_one_realm_it_is_one_request() {
    for server in [web_in("EXAMPLE.COM"), web_in("")] {
        let (lines, done) = run(&[("EXAMPLE.COM", Says::Yes, BOB)], params(server));
        assert_eq!(
            lines,
            ["EXAMPLE.COM: HTTP/www@EXAMPLE.COM by alice@EXAMPLE.COM for alice@EXAMPLE.COM"]
        );
        let ticket = done.unwrap().credential;
        assert_eq!((ticket.client, ticket.server), (bob(), web_in("EXAMPLE.COM")));
    }
}

/// MS-SFU 3.1.5.2.2: abroad the service shows its own TGT and the user's.
#[test]
fn a_referral_is_shown_beside_the_services_own_tgt_to_the_next_realm() {
    let world: World<'_> = &[
        ("EXAMPLE.COM", Says::Go("NEAR.ORG"), BOB),
        ("NEAR.ORG", Says::Go("FAR.ORG"), BOB),
        ("FAR.ORG", Says::Yes, BOB),
    ];
    let (lines, done) = run(world, params(web_in("FAR.ORG")));
    assert_eq!(
        lines,
        [
            "EXAMPLE.COM: HTTP/www@EXAMPLE.COM by alice@EXAMPLE.COM for alice@EXAMPLE.COM",
            "NEAR.ORG: HTTP/www@NEAR.ORG by alice@EXAMPLE.COM for krbtgt/NEAR.ORG@EXAMPLE.COM",
            "FAR.ORG: HTTP/www@FAR.ORG by alice@EXAMPLE.COM for krbtgt/FAR.ORG@NEAR.ORG",
        ]
    );
    let ticket = done.unwrap().credential;
    assert_eq!((ticket.client, ticket.server), (bob(), web_in("FAR.ORG")));

    let (lines, done) = run(world, params(web_in("")));
    assert_eq!(
        lines[2],
        "FAR.ORG: HTTP/www@FAR.ORG by alice@EXAMPLE.COM for krbtgt/FAR.ORG@NEAR.ORG"
    );
    assert_eq!(done.unwrap().credential.server, web_in("FAR.ORG"));
}

#[test]
fn a_refusal_names_the_kdc_that_refused() {
    for (world, by, requests) in [
        (&[("EXAMPLE.COM", Says::No, BOB)][..], "EXAMPLE.COM", 1),
        (
            &[
                ("EXAMPLE.COM", Says::Go("FAR.ORG"), BOB),
                ("FAR.ORG", Says::No, BOB),
            ],
            "FAR.ORG",
            2,
        ),
    ] {
        let (lines, done) = run(world, params(web_in("FAR.ORG")));
        assert_eq!(lines.len(), requests);
        match done {
            Err(ProtocolError::Refused(refusal)) => {
                assert_eq!(
                    (refusal.by, refusal.code),
                    (kdc(by), ErrorCode::KDC_ERR_BADOPTION)
                );
            }
            other => panic!("expected a refusal, but found {other:?}"),
        }
    }
}

#[test]
fn a_ticket_or_a_referral_of_another_client_than_the_evidences_is_refused() {
    for client in ["alice@EXAMPLE.COM", "mallory@USERS.ORG", "bob@EXAMPLE.COM"] {
        let local: World<'_> = &[("EXAMPLE.COM", Says::Go("FAR.ORG"), client)];
        let away: World<'_> = &[
            ("EXAMPLE.COM", Says::Go("FAR.ORG"), BOB),
            ("FAR.ORG", Says::Yes, client),
        ];
        for (world, by) in [(local, "EXAMPLE.COM"), (away, "FAR.ORG")] {
            let (refuser, what) = misbehaviour(world, params(web_in("FAR.ORG")));
            assert_eq!(refuser, kdc(by));
            assert!(matches!(what, Misbehaviour::Client { expected, .. } if expected == bob()));
        }
    }
}

#[test]
fn referrals_in_a_circle_are_refused() {
    let world: World<'_> = &[
        ("EXAMPLE.COM", Says::Go("NEAR.ORG"), BOB),
        ("NEAR.ORG", Says::Go("EXAMPLE.COM"), BOB),
    ];
    let expected = Misbehaviour::ReferralLoop {
        realm: "EXAMPLE.COM".into(),
    };
    assert_eq!(
        misbehaviour(world, params(web_in("FAR.ORG"))),
        (kdc("NEAR.ORG"), expected)
    );
    let itself: World<'_> = &[("EXAMPLE.COM", Says::Go("EXAMPLE.COM"), BOB)];
    let (_, what) = misbehaviour(itself, params(web_in("FAR.ORG")));
    assert!(matches!(what, Misbehaviour::Server { .. }));
}

#[test]
fn referrals_without_end_are_refused() {
    const REALMS: [&str; 13] = [
        "EXAMPLE.COM",
        "R1",
        "R2",
        "R3",
        "R4",
        "R5",
        "R6",
        "R7",
        "R8",
        "R9",
        "R10",
        "R11",
        "R12",
    ];
    let mut world: Vec<(&str, Says, &str)> = Vec::new();
    for pair in REALMS.windows(2) {
        world.push((pair[0], Says::Go(pair[1]), BOB));
    }
    let limit = MAX_REFERRALS;
    let (by, what) = misbehaviour(&world, params(web_in("FAR.ORG")));
    assert_eq!((by, what), (kdc("R10"), Misbehaviour::TooManyReferrals { limit }));
    // As many as are allowed.
    world[10] = ("R10", Says::Yes, BOB);
    assert_eq!(
        run(&world, params(web_in(""))).1.unwrap().credential.server,
        web_in("R10")
    );
}

#[test]
fn a_service_of_another_realm_than_the_one_named_is_refused() {
    let of = |realm: &str| Misbehaviour::Server {
        expected: web_in("FAR.ORG"),
        found: web_in(realm),
    };
    let (by, what) = misbehaviour(&[("EXAMPLE.COM", Says::Yes, BOB)], params(web_in("FAR.ORG")));
    assert_eq!((by, what), (kdc("EXAMPLE.COM"), of("EXAMPLE.COM")));
    let beyond: World<'_> = &[
        ("EXAMPLE.COM", Says::Go("FAR.ORG"), BOB),
        ("FAR.ORG", Says::Go("EVIL.ORG"), BOB),
        ("EVIL.ORG", Says::Yes, BOB),
    ];
    let (by, what) = misbehaviour(beyond, params(web_in("FAR.ORG")));
    assert_eq!((by, what), (kdc("EVIL.ORG"), of("EVIL.ORG")));
    for other in [("EXAMPLE.COM", "HTTP"), ("FAR.ORG", "HTTP")] {
        let world: World<'_> = &[("EXAMPLE.COM", Says::Other(other.0, other.1), BOB)];
        for server in [web_in("FAR.ORG"), web_in("")] {
            let (_, what) = misbehaviour(world, params(server));
            assert!(matches!(what, Misbehaviour::Server { .. }));
        }
    }
}

#[test]
fn only_tgts_of_the_asking_service_for_the_realm_that_is_asked_do() {
    let need = |outcome: ProxyOutcome| match outcome {
        ProxyOutcome::Need { pending, .. } => pending,
        other => panic!("expected a need, but found {other:?}"),
    };
    let answer = |pending: ProxyNeed, tgt| pending.answer(tgt, now(60), &mut rng(14));
    let of_another = |realm: &str| {
        let mut tgt = (*own_tgt(realm)).clone();
        tgt.client = Principal::new("EXAMPLE.COM", &["mallory"]);
        Arc::new(tgt)
    };
    let first = || need(ProxyExchange::start(params(web_in("FAR.ORG"))));
    let wrong = answer(first(), own_tgt("FAR.ORG"));
    assert!(matches!(wrong, Err(ProtocolError::Misuse(what)) if what.contains("realm that is asked")));

    let ProxyOutcome::Send {
        request,
        realm,
        pending,
        ..
    } = answer(first(), own_tgt("EXAMPLE.COM")).unwrap()
    else {
        panic!("expected a request")
    };
    let world: World<'_> = &[("EXAMPLE.COM", Says::Go("FAR.ORG"), BOB)];
    let reply = reply(world, &realm, &request, &mut "".to_owned());
    let second = need(pending.reply(&reply, now(60)).unwrap());
    let wrong = answer(second, of_another("FAR.ORG"));
    assert!(matches!(wrong, Err(ProtocolError::Misuse(what)) if what.contains("of the asking service")));
}

#[test]
fn what_the_caller_wants_is_asked_of_every_kdc() {
    let mut asked = params(web_in(""));
    asked.enctypes = vec![AES128, AES256];
    asked.armor = TgsArmor::Offered;
    let ProxyOutcome::Need { pending, .. } = ProxyExchange::start(asked) else {
        panic!("expected a need")
    };
    let outcome = pending.answer(own_tgt("EXAMPLE.COM"), now(60), &mut rng(14));
    let Ok(ProxyOutcome::Send { request, .. }) = outcome else {
        panic!("expected a request")
    };
    let request: TgsReq<'_> = asn1::decode(&request).unwrap();
    assert_eq!(request.req_body.etype, [AES128, AES256]);
    assert!(asn1::find_padata(request.padata.as_ref().unwrap(), PaDataType::PA_FX_FAST).is_some());
}
