//! Packets that get no answer, and requests with pieces missing.

use kerbside_asn1::{ErrorCode, MsgType, NameType, PaDataType, Principal};
use kerbside_kdc::{AuditResult, REQUEST_BYTES_MAX, RequestKind};
use kerbside_protocol::TgsParams;

use crate::requests::{AsRequest, TgsRequest};
use crate::world::{REALM, World, principal};

fn dropped(world: &mut World, packet: &[u8]) {
    let outcome = world.handle(packet);
    assert!(outcome.reply.is_none(), "{}", outcome.audit);
    assert!(matches!(outcome.audit.result, AuditResult::Dropped { .. }));
    assert!(outcome.updates.is_empty());
    let line = outcome.audit.to_string();
    assert!(
        !line.chars().any(char::is_control) && line.contains("DROPPED"),
        "{line}"
    );
}

#[test]
fn replies_and_errors_are_never_answered() {
    let mut world = World::new();
    let tgt = world.tgt();
    let request = TgsRequest::new(&tgt, "HTTP/web").bytes(&mut world.rng);
    let tgs_rep = world.handle(&request).reply.unwrap();
    let as_rep = world.handle(&AsRequest::new("bob").bytes()).reply.unwrap();
    let krb_error = world.handle(&AsRequest::new("alice").bytes()).reply.unwrap();
    assert_eq!((as_rep[0], tgs_rep[0], krb_error[0]), (0x6b, 0x6d, 0x7e));
    for packet in [as_rep, tgs_rep, krb_error] {
        dropped(&mut world, &packet);
    }
    // Every other APPLICATION tag, with a request's contents.
    for tag in (0x60..=0x7e).filter(|tag| ![0x6a, 0x6c].contains(tag)) {
        let mut packet = request.clone();
        packet[0] = tag;
        dropped(&mut world, &packet);
    }
}

#[test]
fn rubbish_is_never_answered() {
    let mut world = World::new();
    let good = AsRequest::new("alice").bytes();
    for packet in [
        &b""[..],
        b"\0",
        b"GET / HTTP/1.1\r\n\r\n",
        b"\x6a",
        b"\x6a\x80\0\0",
        b"\x6a\x84\xff\xff\xff\xff",
        b"\x6c\x02\x30\x00",
        &[0x30, 0x80].repeat(50_000),
        &vec![0x6a; REQUEST_BYTES_MAX + 1],
    ] {
        dropped(&mut world, packet);
    }
    for cut in 0..good.len() {
        dropped(&mut world, &good[..cut]);
    }
    dropped(&mut world, &[&good[..], &[0]].concat());
}

#[test]
fn a_request_larger_than_the_cap_is_not_looked_at() {
    let mut world = World::new();
    let mut request = AsRequest::new("bob");
    request.padata = vec![(PaDataType(4711), vec![0; REQUEST_BYTES_MAX - 400])];
    let bytes = request.bytes();
    assert!(bytes.len() <= REQUEST_BYTES_MAX);
    assert!(world.handle(&bytes).reply.is_some());
    request.padata = vec![(PaDataType(4711), vec![0; REQUEST_BYTES_MAX])];
    dropped(&mut world, &request.bytes());
    assert_eq!(world.audit.last().unwrap().kind, RequestKind::Other);
}

#[test]
fn lists_are_capped() {
    let mut world = World::new();
    let padata = |count| vec![(PaDataType(4711), vec![1]); count];
    let mut request = AsRequest::new("bob");
    request.padata = padata(64);
    assert!(world.handle(&request.bytes()).reply.is_some());
    request.padata = padata(65);
    dropped(&mut world, &request.bytes());
    request.padata.clear();
    request.etypes = vec![request.etypes[0]; 64];
    assert!(
        world.handle(&request.bytes()).reply.is_some(),
        "one more is no request for the decoder"
    );
}

#[test]
fn another_version_or_type_inside() {
    let mut world = World::new();
    for pvno in [0, 4, 6, -1, i32::MAX] {
        let mut request = AsRequest::new("bob");
        request.pvno = pvno;
        assert_eq!(world.error(&request.bytes()).code, ErrorCode::KDC_ERR_BAD_PVNO);
    }
    for msg_type in [MsgType::TGS_REQ, MsgType::AS_REP, MsgType::KRB_ERROR, MsgType(0)] {
        let mut request = AsRequest::new("bob");
        request.msg_type = msg_type;
        assert_eq!(world.error(&request.bytes()).code, ErrorCode::KRB_AP_ERR_MSG_TYPE);
    }
}

#[test]
fn names_that_are_missing_empty_or_odd() {
    let mut world = World::new();
    let empty = Principal {
        realm: REALM.into(),
        name: kerbside_asn1::Name::from_components(Vec::new()),
    };
    for client in [None, Some(empty.clone())] {
        let mut request = AsRequest::new("alice");
        request.client = client;
        let error = world.error(&request.bytes());
        assert_eq!(error.code, ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN);
        assert_eq!(error.server, Principal::krbtgt(REALM, REALM));
    }
    for server in [None, Some(empty.clone())] {
        let mut request = AsRequest::new("alice");
        request.server = server;
        let error = world.error(&request.bytes());
        assert_eq!(error.code, ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN);
        assert_eq!(
            error.server,
            Principal::krbtgt(REALM, REALM),
            "a name must stand there"
        );
    }
    for server in ["krbtgt", "krbtgt/A/B", "/", "x"] {
        let mut request = AsRequest::new("alice");
        request.server = Some(principal(server));
        assert_eq!(
            world.error(&request.bytes()).code,
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
            "{server}"
        );
    }
    let tgt = world.tgt();
    for server in [None, Some(empty)] {
        let mut request = TgsRequest::new(&tgt, "HTTP/web");
        request.body.server = server;
        let bytes = request.bytes(&mut world.rng);
        assert_eq!(world.error(&bytes).code, ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN);
    }
}

#[test]
fn the_type_of_a_name_does_not_matter() {
    let mut world = World::new();
    let mut request = AsRequest::new("bob");
    for name_type in [NameType::NT_UNKNOWN, NameType::NT_SRV_HST, NameType(-4711)] {
        request.client.as_mut().unwrap().name.name_type = name_type;
        assert_eq!(world.handle(&request.bytes()).audit.result.error_code(), None);
    }
}

#[test]
fn names_cannot_break_the_log() {
    let mut world = World::new();
    let mut request = AsRequest::new("alice");
    request.client = Some(Principal::new(REALM, &["mallory\nAS_REQ forged\x1b[2J"]));
    let outcome = world.handle(&request.bytes());
    let line = outcome.audit.to_string();
    assert!(!line.chars().any(char::is_control), "{line}");
}

#[test]
fn the_steps_can_be_taken_one_by_one() {
    use kerbside_kdc::{Gather, LOOKUP_ROUNDS_MAX, RequestContext};
    use kerbside_protocol::{Now, TgsExchange, TgsOutcome};
    let mut world = World::new();
    let tgt = world.tgt();
    let now = Now::new(world.now, 0).unwrap();
    let params = TgsParams::new(tgt, principal("HTTP/web"));
    let Ok(TgsOutcome::Send { request, .. }) = TgsExchange::start(params, now, &mut world.rng) else {
        panic!("a request")
    };
    let context = RequestContext {
        now,
        from: world.from,
        transport: world.transport,
    };
    let mut gather = world.kdc.gather(&request, &context);
    let mut rounds = Vec::new();
    let facts = loop {
        gather = match gather {
            Gather::Lookup(pending) => {
                let names: Vec<String> = pending.names().map(ToString::to_string).collect();
                let found = pending
                    .names()
                    .map(|name| world.entries.get(name).cloned())
                    .collect();
                rounds.push(names);
                pending.found(found)
            }
            Gather::Ready(facts) => break facts,
            other => panic!("{other:?}"),
        };
    };
    assert_eq!(
        rounds,
        [
            vec!["krbtgt/KERBSIDE.TEST@KERBSIDE.TEST", "HTTP/web@KERBSIDE.TEST"],
            vec!["alice@KERBSIDE.TEST"]
        ]
    );
    assert!(rounds.len() <= LOOKUP_ROUNDS_MAX);
    let outcome = facts.check().unwrap().issue(&mut world.rng);
    assert_eq!(outcome.audit.result.error_code(), None);
    assert!(outcome.reply.is_some());
}
