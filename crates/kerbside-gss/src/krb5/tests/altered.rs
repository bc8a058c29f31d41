//! Tokens that somebody between altered, cut, or put together from others.

use super::*;

#[test]
fn short_tokens_of_every_length() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    let acceptor = realm.acceptor();
    for length in 0..token.len() {
        refused(&mut realm, &acceptor, &token[..length]);
        let inner = &gss_token::unwrap(&token).unwrap().1;
        refused(
            &mut realm,
            &acceptor,
            &gss_token::wrap(oids::KRB5, &inner[..length.min(inner.len() - 1)]),
        );
    }
    let longer = [&token[..], &[0]].concat();
    refused(&mut realm, &acceptor, &longer);
}

/// What an acceptor makes of a one-way token: names, flags and a message under the context's keys.
#[derive(Debug, PartialEq)]
struct Outcome {
    client: Principal,
    server: Principal,
    flags: ContextFlags,
    message: Vec<u8>,
}

/// RFC 4120 leaves these octets of an AP-REQ unprotected, and nothing follows from them: the value of ap-options, of
/// the ticket's name-type and of its kvno (pitfalls 10 row 22). Altered anywhere else, the token is refused.
#[test]
fn rule_10_22_every_octet_of_a_request_counts() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, mut initiator) = one_way_token(&mut realm, params);
    let message = initiator
        .wrap(true, b"under the context's keys", &mut realm.rng)
        .unwrap();
    let start = token.len() - gss_token::unwrap(&token).unwrap().1.len() + 2;
    let free = [
        ("ap-options", locate(&token, start, &[0, 2, 0])),
        ("name-type", locate(&token, start, &[0, 3, 0, 0, 2, 0, 0, 0])),
        ("kvno", locate(&token, start, &[0, 3, 0, 0, 3, 0, 1, 0])),
    ];
    let mut same = 0;
    let mut outcome = |token: &[u8]| {
        realm.replay = SharedReplay::new();
        let acceptor = realm.acceptor();
        accept(&mut realm, &acceptor, token)
            .ok()
            .map(|mut context| Outcome {
                client: context.client().clone(),
                server: context.server().clone(),
                flags: context.flags(),
                message: context.unwrap_confidential(&message).unwrap().message,
            })
    };
    let expected = outcome(&token).unwrap();
    for index in 0..token.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = token.clone();
            altered[index] ^= change;
            let Some(found) = outcome(&altered) else { continue };
            let field = free
                .iter()
                .find(|(_, range)| range.contains(&index))
                .map(|(name, _)| *name);
            assert!(
                field.is_some(),
                "octet {index} ^ {change:#x} of {} was accepted: {token:02x?}",
                token.len()
            );
            assert_eq!(found, expected, "octet {index} ^ {change:#x}, in {field:?}");
            same += 1;
        }
    }
    assert!(same > 6, "the unprotected fields are altered too");
}

#[test]
fn rule_10_22_pitfall_4_1_mutual_is_not_reached_by_an_altered_reply() {
    let begin = |realm: &mut TestRealm| {
        let params = raw(realm.credential());
        let now = realm.now();
        match Initiator::krb5(params)
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap()
        {
            Step::Continue { token, next } => (token, next),
            _ => panic!("mutual"),
        }
    };
    // The same seed makes the same request, so that each altered reply meets a fresh initiator.
    let mut realm = realm();
    let (token, _) = begin(&mut realm);
    let acceptor = realm.acceptor();
    let now = realm.now();
    let Step::Done {
        token: Some(reply), ..
    } = acceptor.step(&token, now, &mut realm.rng).unwrap()
    else {
        panic!("mutual")
    };
    for index in 0..reply.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = reply.clone();
            altered[index] ^= change;
            let mut realm = self::realm();
            let (again, next) = begin(&mut realm);
            assert_eq!(again, token);
            let now = realm.now();
            let result = next.step(&altered, now, &mut realm.rng);
            assert!(
                result.is_err(),
                "octet {index} ^ {change:#x} of {reply:02x?} was accepted"
            );
        }
    }
    for length in 0..reply.len() {
        let mut realm = self::realm();
        let (_, next) = begin(&mut realm);
        let now = realm.now();
        assert!(
            next.step(&reply[..length], now, &mut realm.rng).is_err(),
            "{length}"
        );
    }
    let mut realm = self::realm();
    let (_, next) = begin(&mut realm);
    let now = realm.now();
    assert!(matches!(
        next.step(&reply, now, &mut realm.rng),
        Ok(Step::Done { token: None, .. })
    ));
}

#[test]
fn reply_of_another_exchange_is_refused() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let credential = realm.credential();
    let exchange = |realm: &mut TestRealm| {
        let now = realm.now();
        let step = Initiator::krb5(raw(credential.clone()))
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap();
        let Step::Continue { token, next } = step else {
            panic!("mutual")
        };
        let now = realm.now();
        let Step::Done {
            token: Some(reply), ..
        } = acceptor.step(&token, now, &mut realm.rng).unwrap()
        else {
            panic!("mutual")
        };
        (token, next, reply)
    };
    let (own_request, _, first_reply) = exchange(&mut realm);
    let (_, second, _) = exchange(&mut realm);
    let (_, third, _) = exchange(&mut realm);
    let now = realm.now();
    let error = second.step(&first_reply, now, &mut realm.rng).unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_MUT_FAIL));
    // A request sent back to its maker is no reply.
    assert!(third.step(&own_request, now, &mut realm.rng).is_err());
}

/// The authenticator's own fields are all under its encryption; one made for another ticket does not open.
#[test]
fn authenticator_of_another_ticket_is_refused() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (one, _) = one_way_token(&mut realm, params);
    let params = raw(realm.credential());
    let (other, _) = one_way_token(&mut realm, params);
    let ap_req = |token: &'static [u8]| {
        asn1::decode::<ApReq<'static>>(&gss_token::unwrap(token).unwrap().1[2..]).unwrap()
    };
    let (one, other) = (ap_req(one.leak()), ap_req(other.leak()));
    let mixed = ApReq {
        ticket: Raw::parse(one.ticket.bytes()).unwrap(),
        authenticator: EncryptedData {
            etype: AES256,
            kvno: None,
            cipher: other.authenticator.cipher,
        },
        ..one
    };
    let token = token::frame_ap_req(FRAMED, &asn1::encode(&mixed).unwrap());
    let acceptor = realm.acceptor();
    assert_eq!(
        refused(&mut realm, &acceptor, &token).code(),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
}

/// Key usage 7 (TGS-REQ) is not 11: an authenticator for the KDC is none for a service.
#[test]
fn authenticator_for_the_kdc_is_refused() {
    let mut realm = realm();
    let credential = realm.credential();
    let now = realm.now();
    let authenticator = Authenticator {
        authenticator_vno: 5,
        crealm: realm.client.realm.to_wire(),
        cname: realm.client.name.to_wire(),
        cksum: None,
        cusec: now.usec,
        ctime: now.time,
        subkey: None,
        seq_number: None,
        authorization_data: None,
    };
    let plain = asn1::encode(&authenticator).unwrap();
    let cipher = credential
        .session_key
        .encrypt(KeyUsage::TGS_REQ_AUTH, &plain, &mut realm.rng.clone())
        .unwrap();
    let request = ApReq {
        pvno: 5,
        msg_type: asn1::MsgType::AP_REQ,
        ap_options: asn1::ApOptions::NONE,
        ticket: Raw::parse(&credential.ticket).unwrap(),
        authenticator: EncryptedData {
            etype: AES256,
            kvno: None,
            cipher: &cipher,
        },
    };
    let token = token::frame_ap_req(FRAMED, &asn1::encode(&request).unwrap());
    let acceptor = realm.acceptor();
    assert_eq!(
        refused(&mut realm, &acceptor, &token).code(),
        Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY)
    );
}
