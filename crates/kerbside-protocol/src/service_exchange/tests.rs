#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, ErrorCode, KdcOptions, Principal, Realm, TgsReq};

use super::*;
use crate::error::{Misbehaviour, ProtocolError};
use crate::fake_kdc::*;

/// What a KDC of the tests' world says to a request.
#[derive(Clone, Copy)]
enum Says {
    /// The ticket asked for.
    Yes,
    /// A TGT for this realm instead.
    Go(&'static str),
    /// A ticket for this other service instead.
    Other(&'static str),
    No(ErrorCode),
}

const UNKNOWN: Says = Says::No(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN);

/// Walks through a world in which the KDC of `.0` answers a request for `.1` as `.2` says, and refuses all else. The
/// cache has a TGT for the start and `cached`. What happened comes back as lines.
struct World<'a> {
    answers: &'a [(&'a str, &'a str, Says)],
    cached: &'a [&'a str],
}

type Walked = (Vec<String>, Result<TgsDone, ProtocolError>);

fn tgt_key() -> kerbside_crypto::Key {
    key(AES256, 1004)
}

fn tgt(issuer: &str, realm: &str) -> Credential {
    let server = Principal::krbtgt(issuer, realm);
    Issue::honest(server).credential(&mut rng(11))
}

impl World<'_> {
    fn says(&self, realm: &Realm, server: &Principal) -> Says {
        let name = String::from_utf8(server.name.unparse()).unwrap();
        let found = self
            .answers
            .iter()
            .find(|(kdc, asked, _)| realm.as_bytes() == kdc.as_bytes() && name == *asked);
        found.map_or(UNKNOWN, |(_, _, says)| *says)
    }

    fn reply(&self, realm: &Realm, request: &[u8], line: &mut String) -> Vec<u8> {
        let decoded: TgsReq<'_> = asn1::decode(request).unwrap();
        let server = Principal::from_wire(decoded.req_body.realm, decoded.req_body.sname.as_ref().unwrap());
        let exact = !decoded.req_body.kdc_options.contains(KdcOptions::CANONICALIZE);
        let name = server.name.clone().with_type(kerbside_asn1::NameType::NT_UNKNOWN);
        *line = format!(
            "{realm}: {}{}",
            String::from_utf8(name.unparse()).unwrap(),
            if exact { "" } else { "?" }
        );
        let mut issue = Issue::to_tgs_req(request, &tgt_key(), now(60));
        issue.ticket_key = tgt_key();
        let instead = match self.says(realm, &server) {
            Says::Yes => server,
            Says::Go(to) => Principal::krbtgt(realm, to),
            Says::Other(name) => Principal::new(realm, &[name]),
            Says::No(code) => return error(code, now(60)),
        };
        issue.server = instead.clone();
        issue.server_on_ticket = instead;
        issue.tgs_rep(&mut rng(13))
    }

    fn walk(&self, params: ServiceParams) -> Walked {
        let start = params.start.clone();
        let mut lines = Vec::new();
        let mut outcome = Ok(ServiceExchange::start(params));
        for _ in 0..100 {
            outcome = match outcome {
                Err(error) => return (lines, Err(error)),
                Ok(ServiceOutcome::Done(done)) => return (lines, Ok(*done)),
                Ok(ServiceOutcome::Need { realm, pending }) => {
                    let name = realm.to_string();
                    let found = if realm == start {
                        Some(Arc::new(tgt(&name, &name)))
                    } else {
                        lines.push(format!("have {name}?"));
                        self.cached
                            .contains(&name.as_str())
                            .then(|| Arc::new(tgt("ISSUER", &name)))
                    };
                    pending.answer(found, now(60), &mut rng(14))
                }
                Ok(ServiceOutcome::Won { tgt, pending }) => {
                    lines.push(format!("keep {}", tgt.server));
                    pending.go_on(now(60), &mut rng(14))
                }
                Ok(ServiceOutcome::Send {
                    request,
                    realm,
                    pending,
                    ..
                }) => {
                    let mut line = String::new();
                    let reply = self.reply(&realm, &request, &mut line);
                    lines.push(line);
                    pending.reply(&reply, now(60), &mut rng(14))
                }
            };
        }
        panic!("it goes on for ever: {lines:?}")
    }
}

fn service(realm: &str) -> Principal {
    Principal::new(realm, &["HTTP", "www"])
}

fn from_a_org(server: Principal) -> ServiceParams {
    ServiceParams::new("A.ORG".into(), server)
}

fn configured(server: &str, through: &[&str]) -> ServiceParams {
    let mut params = from_a_org(service(server));
    let through = through.iter().copied().map(Realm::from);
    params.path = RealmPath::configured(&params.start, &params.server.realm, through);
    params
}

fn found(walked: &Walked) -> String {
    walked.1.as_ref().unwrap().credential.server.to_string()
}

fn misbehaviour(walked: Walked) -> Misbehaviour {
    match walked.1 {
        Err(ProtocolError::Misbehaved { what, .. }) => *what,
        other => panic!("expected a broken rule, but found {other:?}"),
    }
}

#[test]
fn a_service_of_the_own_realm_takes_one_request() {
    let world = World {
        answers: &[("A.ORG", "HTTP/www", Says::Yes)],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("A.ORG")));
    assert_eq!(walked.0, ["A.ORG: HTTP/www?"]);
    let nowhere = world.walk(from_a_org(service("")));
    assert_eq!(nowhere.0, ["A.ORG: HTTP/www?"]);
    assert_eq!(found(&nowhere), "HTTP/www@A.ORG");
}

#[test]
fn one_hop_by_a_key_that_two_realms_share() {
    let world = World {
        answers: &[
            ("A.ORG", "krbtgt/B.COM", Says::Yes),
            ("B.COM", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("B.COM")));
    assert_eq!(
        walked.0,
        [
            "have B.COM?",
            "A.ORG: krbtgt/B.COM",
            "keep krbtgt/B.COM@A.ORG",
            "B.COM: HTTP/www?"
        ]
    );
    assert_eq!(found(&walked), "HTTP/www@B.COM");
    let cached = World {
        cached: &["B.COM"],
        ..world
    };
    let walked = cached.walk(from_a_org(service("B.COM")));
    assert_eq!(walked.0, ["have B.COM?", "B.COM: HTTP/www?"]);
}

#[test]
fn a_kdc_shows_the_way_through_realms_that_nobody_wrote_down() {
    let world = World {
        answers: &[
            ("A.ORG", "krbtgt/B.COM", Says::Go("HUB")),
            ("HUB", "krbtgt/B.COM", Says::Go("HUB2")),
            ("HUB2", "krbtgt/B.COM", Says::Yes),
            ("B.COM", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("B.COM")));
    assert_eq!(
        walked.0,
        [
            "have B.COM?",
            "A.ORG: krbtgt/B.COM",
            "HUB: krbtgt/B.COM",
            "HUB2: krbtgt/B.COM",
            "B.COM: HTTP/www?"
        ]
    );
    assert_eq!(found(&walked), "HTTP/www@B.COM");
}

#[test]
fn the_hierarchy_is_climbed_where_no_kdc_shows_the_way() {
    let world = World {
        answers: &[
            ("A.ORG", "krbtgt/ORG", Says::Yes),
            ("ORG", "krbtgt/B.ORG", Says::Yes),
            ("B.ORG", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("B.ORG")));
    assert_eq!(
        walked.0,
        [
            "have B.ORG?",
            "A.ORG: krbtgt/B.ORG",
            "have ORG?",
            "A.ORG: krbtgt/ORG",
            "keep krbtgt/ORG@A.ORG",
            "have B.ORG?",
            "ORG: krbtgt/B.ORG",
            "B.ORG: HTTP/www?"
        ]
    );
    let cached = World {
        cached: &["ORG"],
        ..world
    };
    let walked = cached.walk(from_a_org(service("B.ORG")));
    assert_eq!(
        walked.0,
        [
            "have B.ORG?",
            "A.ORG: krbtgt/B.ORG",
            "have ORG?",
            "have B.ORG?",
            "ORG: krbtgt/B.ORG",
            "B.ORG: HTTP/www?"
        ]
    );
}

#[test]
fn capaths_name_the_realms_and_their_tickets_are_kept() {
    let world = World {
        answers: &[
            ("A.ORG", "krbtgt/M1", Says::Yes),
            ("M1", "krbtgt/M2", Says::Yes),
            ("M2", "krbtgt/Z.NET", Says::Yes),
            ("Z.NET", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let walked = world.walk(configured("Z.NET", &["M1", "M2"]));
    assert_eq!(
        walked.0,
        [
            "have Z.NET?",
            "A.ORG: krbtgt/Z.NET",
            "have M2?",
            "A.ORG: krbtgt/M2",
            "have M1?",
            "A.ORG: krbtgt/M1",
            "keep krbtgt/M1@A.ORG",
            "have Z.NET?",
            "M1: krbtgt/Z.NET",
            "have M2?",
            "M1: krbtgt/M2",
            "keep krbtgt/M2@M1",
            "have Z.NET?",
            "M2: krbtgt/Z.NET",
            "keep krbtgt/Z.NET@M2",
            "Z.NET: HTTP/www?"
        ]
    );
    // A KDC that is asked for the end answers with a realm of the path.
    let shortcut = World {
        answers: &[
            ("A.ORG", "krbtgt/Z.NET", Says::Go("M2")),
            ("M2", "krbtgt/Z.NET", Says::Yes),
            ("Z.NET", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let walked = shortcut.walk(configured("Z.NET", &["M1", "M2"]));
    assert_eq!(
        walked.0,
        [
            "have Z.NET?",
            "A.ORG: krbtgt/Z.NET",
            "have Z.NET?",
            "M2: krbtgt/Z.NET",
            "keep krbtgt/Z.NET@M2",
            "Z.NET: HTTP/www?"
        ]
    );
}

#[test]
fn where_no_realm_is_trusted_the_refusal_of_the_way_is_told_and_not_that_of_a_guess() {
    let refused = |walked: &Walked| match &walked.1 {
        Err(ProtocolError::Refused(refusal)) => refusal.server.to_string(),
        other => panic!("expected a refusal, but found {other:?}"),
    };

    let world = World {
        answers: &[],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("B.ORG")));
    assert_eq!(walked.0.last().unwrap(), "A.ORG: krbtgt/ORG");
    assert_eq!(refused(&walked), "krbtgt/B.ORG@A.ORG");
    let walked = world.walk(configured("Z.NET", &["M1", "M2"]));
    assert_eq!(refused(&walked), "krbtgt/M1@A.ORG");
    let far = World {
        answers: &[("A.ORG", "krbtgt/B.COM", Says::Go("HUB"))],
        cached: &[],
    };
    let walked = far.walk(from_a_org(service("B.COM")));
    assert_eq!(walked.0.last().unwrap(), "HUB: krbtgt/B.COM");
    assert_eq!(refused(&walked), "krbtgt/B.COM@HUB");
}

#[test]
fn referrals_are_followed_to_the_service() {
    let world = World {
        answers: &[
            ("A.ORG", "HTTP/www", Says::Go("B.COM")),
            ("B.COM", "HTTP/www", Says::Go("C.NET")),
            ("C.NET", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    for realm in ["", "A.ORG"] {
        let walked = world.walk(from_a_org(service(realm)));
        assert_eq!(
            walked.0,
            ["A.ORG: HTTP/www?", "B.COM: HTTP/www?", "C.NET: HTTP/www?"]
        );
        assert_eq!(found(&walked), "HTTP/www@C.NET");
    }
    // The realm that somebody guessed may send us back home.
    let home = World {
        answers: &[
            ("A.ORG", "krbtgt/B.COM", Says::Yes),
            ("B.COM", "HTTP/www", Says::Go("A.ORG")),
            ("A.ORG", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    assert_eq!(found(&home.walk(from_a_org(service("B.COM")))), "HTTP/www@A.ORG");
}

#[test]
fn referrals_in_a_circle_are_refused() {
    let world = World {
        answers: &[
            ("A.ORG", "HTTP/www", Says::Go("B.COM")),
            ("B.COM", "HTTP/www", Says::Go("A.ORG")),
        ],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("")));
    assert_eq!(walked.0.len(), 2);
    assert_eq!(
        misbehaviour(walked),
        Misbehaviour::ReferralLoop {
            realm: "A.ORG".into()
        }
    );
    let path = World {
        answers: &[
            ("A.ORG", "krbtgt/B.COM", Says::Go("HUB")),
            ("HUB", "krbtgt/B.COM", Says::Go("A.ORG")),
        ],
        cached: &[],
    };
    assert!(matches!(
        misbehaviour(path.walk(from_a_org(service("B.COM")))),
        Misbehaviour::ReferralLoop { .. }
    ));
}

#[test]
fn referrals_without_end_are_refused() {
    let names: Vec<String> = (0..40).map(|n| format!("R{n}")).collect();
    // Leaked on purpose: the world's answers are static.
    let names: Vec<&'static str> = names.into_iter().map(|name| &*name.leak()).collect();
    for asked in ["HTTP/www", "krbtgt/Z"] {
        let mut answers = vec![("A.ORG", asked, Says::Go(names[0]))];
        for pair in names.windows(2) {
            answers.push((pair[0], asked, Says::Go(pair[1])));
        }
        let world = World {
            answers: &answers,
            cached: &[],
        };
        let realm = if asked == "HTTP/www" { "" } else { "Z" };
        let walked = world.walk(from_a_org(service(realm)));
        let requests = walked.0.iter().filter(|line| line.contains(": ")).count();
        assert_eq!(requests, 11);
        assert_eq!(misbehaviour(walked), Misbehaviour::TooManyReferrals { limit: 10 });
    }
}

#[test]
fn the_first_kdc_is_asked_again_without_canonicalize_where_a_realm_was_named() {
    let world = World {
        answers: &[],
        cached: &[],
    };
    let walked = world.walk(from_a_org(service("A.ORG")));
    assert_eq!(walked.0, ["A.ORG: HTTP/www?", "A.ORG: HTTP/www"]);
    let walked = world.walk(from_a_org(service("")));
    assert_eq!(walked.0, ["A.ORG: HTTP/www?"]);
    let ProtocolError::Refused(refusal) = walked.1.unwrap_err() else {
        panic!("expected a refusal")
    };
    assert_eq!(refusal.server.to_string(), "HTTP/www@A.ORG");
    // A KDC that answers with the service's other name.
    let other = World {
        answers: &[("A.ORG", "HTTP/www", Says::Other("www$"))],
        cached: &[],
    };
    let walked = other.walk(from_a_org(service("A.ORG")));
    assert_eq!(walked.0, ["A.ORG: HTTP/www?", "A.ORG: HTTP/www"]);
    assert!(matches!(misbehaviour(walked), Misbehaviour::Server { .. }));
}

#[test]
fn only_the_service_is_asked_for_as_the_caller_wants_it() {
    let world = World {
        answers: &[
            ("A.ORG", "krbtgt/B.COM", Says::Yes),
            ("B.COM", "HTTP/www", Says::Yes),
        ],
        cached: &[],
    };
    let mut params = from_a_org(service("B.COM"));
    params.options = KdcOptions::ENC_TKT_IN_SKEY;
    params.additional_tickets = vec![tgt("B.COM", "B.COM").ticket];
    params.enctypes = vec![AES128];
    let walked = world.walk(params);
    // The world's session keys are of AES256: for the service nobody asked for that.
    assert!(matches!(
        misbehaviour(walked),
        Misbehaviour::SessionKeyEnctype { .. }
    ));
    let mut params = from_a_org(service("B.COM"));
    params.options = KdcOptions::ENC_TKT_IN_SKEY;
    params.additional_tickets = vec![tgt("B.COM", "B.COM").ticket];
    let walked = world.walk(params);
    assert_eq!(walked.0[2], "keep krbtgt/B.COM@A.ORG");
    assert!(walked.1.unwrap().credential.is_skey);
}

#[test]
fn without_the_first_tgt_there_is_no_walk() {
    let ServiceOutcome::Need { pending, .. } = ServiceExchange::start(from_a_org(service("A.ORG"))) else {
        panic!("expected a need")
    };
    let refused = pending.answer(None, now(60), &mut rng(1));
    assert!(matches!(refused, Err(ProtocolError::Misuse(_))));
}
