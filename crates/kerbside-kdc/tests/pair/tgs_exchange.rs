//! The TGS exchange, as honest clients use it.

use kerbside_asn1::{AdType, AddressType, ErrorCode, KdcOptions, TgsRep, TicketFlags};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, KeyUsage, LongTermKey};
use kerbside_kdc::{Attributes, KeyData, Transport};
use kerbside_protocol::{AsParams, Credential, TgsParams};

use crate::requests::{TgsRequest, authorization_data};
use crate::world::{DAY, ENCTYPES, HOUR, NOW, REALM, World, code, names, principal, text, time};

fn web(tgt: &Credential) -> TgsParams {
    TgsParams::new(tgt.clone(), principal("HTTP/web"))
}

fn tgs() -> String {
    format!("krbtgt/{REALM}")
}

#[test]
fn a_service_ticket_with_each_enctype() {
    for enctype in ENCTYPES {
        let mut world = World::new();
        let tgt = world.tgt_with(|params| params.enctypes = vec![enctype]);
        world.now += HOUR;
        let mut params = web(&tgt);
        params.enctypes = vec![enctype];
        let done = world.ticket(params).unwrap();
        assert_eq!(done.ticket_kvno, Some(3));
        let credential = &done.credential;
        assert_eq!(credential.session_key.enctype(), enctype);
        assert_eq!(
            names(credential.flags),
            ["pre-authent", "transited-policy-checked", "enc-pa-rep"]
        );
        let ticket = world.read("HTTP/web", credential);
        assert_eq!(ticket.client(), &principal("alice"));
        assert_eq!(
            ticket.authtime(),
            time(NOW),
            "when the client authenticated, not when it asked"
        );
        assert_eq!(ticket.starttime(), Some(time(NOW + HOUR)));
        assert_eq!(ticket.endtime(), tgt.end_time);
        assert!(ticket.session_key().ct_eq(&credential.session_key));
        assert!(!ticket.session_key().ct_eq(&tgt.session_key));
    }
}

#[test]
fn the_log_of_a_service_ticket() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.now += 60;
    let mut params = web(&tgt);
    params.enctypes.truncate(1);
    world.ticket(params).unwrap();
    assert_eq!(
        world.last_line(),
        "TGS_REQ (1 etypes {aes256-cts-hmac-sha384-192(20)}) 192.0.2.7: ISSUE: authtime 1700000000, etypes \
         {rep=aes256-cts-hmac-sha384-192(20), tkt=aes256-cts-hmac-sha1-96(18), \
         ses=aes256-cts-hmac-sha384-192(20)}, alice@KERBSIDE.TEST for HTTP/web@KERBSIDE.TEST"
    );
    let mut params = web(&tgt);
    params.enctypes.truncate(1);
    params.server = principal("HTTP/none");
    assert_eq!(code(world.ticket(params)), ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN);
    assert_eq!(
        world.last_line(),
        "TGS_REQ (1 etypes {aes256-cts-hmac-sha384-192(20)}) 192.0.2.7: UNKNOWN_SERVER: authtime 1700000000, \
         alice@KERBSIDE.TEST for HTTP/none@KERBSIDE.TEST, Server not found in Kerberos database"
    );
}

#[test]
fn without_a_subkey_the_session_key_protects_the_reply() {
    let mut world = World::new();
    let tgt = world.tgt();
    for subkey in [None, Some(Key::generate(ENCTYPES[1], &mut world.rng).unwrap())] {
        let mut request = TgsRequest::new(&tgt, "HTTP/web");
        request.subkey = subkey;
        let bytes = request.bytes(&mut world.rng);
        let reply = world.handle(&bytes).reply.unwrap();
        let reply: TgsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
        let (key, usage) = match &request.subkey {
            Some(key) => (key, KeyUsage::TGS_REP_ENC_PART_SUBKEY),
            None => (&request.session_key, KeyUsage::TGS_REP_ENC_PART_SESSKEY),
        };
        assert_eq!(reply.enc_part.etype, key.enctype());
        assert!(key.decrypt(usage, reply.enc_part.cipher).is_ok());
    }
}

#[test]
fn an_identical_request_is_answered_again() {
    let mut world = World::new();
    let tgt = world.tgt();
    let bytes = TgsRequest::new(&tgt, "HTTP/web").bytes(&mut world.rng);
    for _ in 0..2 {
        let outcome = world.handle(&bytes);
        assert_eq!(outcome.audit.result.error_code(), None, "{}", outcome.audit);
    }
}

#[test]
fn a_session_key_only_of_a_type_the_service_knows() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.change("HTTP/web", |web| {
        web.keys.retain(|key| key.key.enctype() == ENCTYPES[1])
    });
    assert_eq!(
        world.ticket(web(&tgt)).unwrap().credential.session_key.enctype(),
        ENCTYPES[1]
    );
    world.change("HTTP/web", |web| {
        web.strings.insert("session_enctypes".into(), "aes256-cts".into());
    });
    let done = world.ticket(web(&tgt)).unwrap();
    assert_eq!(done.credential.session_key.enctype(), ENCTYPES[0]);
    assert_eq!(done.ticket_enctype, ENCTYPES[1]);
    let mut params = web(&tgt);
    params.enctypes = vec![ENCTYPES[1], EncryptionType(23)];
    params.enctype_policy = EnctypePolicy::ALLOW_ALL;
    assert_eq!(code(world.ticket(params)), ErrorCode::KDC_ERR_ETYPE_NOSUPP);
}

#[test]
fn renewal() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| {
        params.options = KdcOptions::FORWARDABLE;
        params.renew_lifetime_seconds = Some(DAY);
    });
    world.now += 9 * HOUR;
    let renewed = world.ticket(TgsParams::renew(tgt.clone())).unwrap().credential;
    assert_eq!(renewed.flags, tgt.flags, "all other fields stay (RFC 4120 2.3)");
    assert_eq!(renewed.auth_time, tgt.auth_time);
    assert_eq!(renewed.start_time, time(NOW + 9 * HOUR));
    assert_eq!(renewed.end_time, time(NOW + 19 * HOUR));
    assert_eq!(renewed.renew_till, tgt.renew_till);
    assert!(!renewed.session_key.ct_eq(&tgt.session_key));
    world.now += 9 * HOUR;
    let again = world.ticket(TgsParams::renew(renewed)).unwrap().credential;
    assert_eq!(again.end_time, tgt.renew_till, "never past renew-till");
    assert!(world.ticket(web(&again)).is_ok());
}

#[test]
fn renewal_adds_no_flag() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.renew_lifetime_seconds = Some(DAY));
    let mut params = TgsParams::renew(tgt.clone());
    params.options |= KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
    assert_eq!(world.ticket(params).unwrap().credential.flags, tgt.flags);
}

#[test]
fn renewal_that_is_refused() {
    let mut world = World::new();
    let plain = world.tgt();
    assert_eq!(
        code(world.ticket(TgsParams::renew(plain))),
        ErrorCode::KDC_ERR_BADOPTION
    );

    let renewable = |params: &mut AsParams| {
        params.renew_lifetime_seconds = Some(DAY);
        params.options = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
    };
    let tgt = world.tgt_with(renewable);
    let mut elsewhere = TgsParams::renew(tgt.clone());
    elsewhere.server = principal("HTTP/web");
    assert_eq!(code(world.ticket(elsewhere)), ErrorCode::KDC_ERR_SERVER_NOMATCH);

    for option in [KdcOptions::FORWARDED, KdcOptions::PROXY] {
        let mut other = TgsParams::renew(tgt.clone());
        other.options |= option;
        assert_eq!(
            code(world.ticket(other)),
            ErrorCode::KDC_ERR_BADOPTION,
            "{option}"
        );
    }

    world.change("alice", |alice| {
        alice.attributes |= Attributes::DISALLOW_RENEWABLE
    });
    assert_eq!(
        code(world.ticket(TgsParams::renew(tgt.clone()))),
        ErrorCode::KDC_ERR_BADOPTION
    );
    world.change("alice", |alice| {
        alice.attributes.remove(Attributes::DISALLOW_RENEWABLE)
    });

    world.now = tgt.end_time.unix_seconds() + 301;
    assert_eq!(
        code(world.ticket(TgsParams::renew(tgt))),
        ErrorCode::KRB_AP_ERR_TKT_EXPIRED
    );
}

#[test]
fn a_service_ticket_is_not_renewed() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.renew_lifetime_seconds = Some(DAY));
    let ticket = world.ticket(web(&tgt)).unwrap().credential;
    let refused = world.ticket(TgsParams::renew(ticket));
    assert_eq!(
        text(refused),
        "the ticket is not a TGT, and only TGTs are accepted by this KDC"
    );
}

#[test]
fn forwarding() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.options = KdcOptions::FORWARDABLE);
    let addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 7])];
    let mut params = TgsParams::new(tgt, principal(&tgs()));
    params.options |= KdcOptions::FORWARDED;
    params.addresses = addresses.clone();
    let forwarded = world.ticket(params).unwrap().credential;
    assert_eq!(
        names(forwarded.flags),
        [
            "forwardable",
            "forwarded",
            "pre-authent",
            "transited-policy-checked",
            "enc-pa-rep"
        ]
    );
    assert_eq!(world.read(&tgs(), &forwarded).addresses(), addresses);
    let service = world.ticket(web(&forwarded)).unwrap().credential;
    assert!(
        service.flags.contains(TicketFlags::FORWARDED),
        "what comes of a forwarded TGT is forwarded"
    );
    assert_eq!(service.addresses, addresses);
}

#[test]
fn forwarding_that_is_refused() {
    let mut world = World::new();
    let plain = world.tgt();
    let forward = |tgt: &Credential| {
        let mut params = TgsParams::new(tgt.clone(), principal(&tgs()));
        params.options |= KdcOptions::FORWARDED;
        params
    };
    assert_eq!(code(world.ticket(forward(&plain))), ErrorCode::KDC_ERR_BADOPTION);
    let tgt = world.tgt_with(|params| params.options = KdcOptions::FORWARDABLE);
    world.change("alice", |alice| {
        alice.attributes |= Attributes::DISALLOW_FORWARDABLE
    });
    assert_eq!(code(world.ticket(forward(&tgt))), ErrorCode::KDC_ERR_BADOPTION);
}

#[test]
fn proxies() {
    let mut world = World::new();
    let proxy = |tgt: &Credential, server: &str| {
        let mut params = TgsParams::new(tgt.clone(), principal(server));
        params.options |= KdcOptions::PROXY;
        params.addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 9])];
        params
    };
    let plain = world.tgt();
    assert_eq!(
        code(world.ticket(proxy(&plain, "HTTP/web"))),
        ErrorCode::KDC_ERR_BADOPTION
    );
    let tgt = world.tgt_with(|params| params.options = KdcOptions::PROXIABLE);
    let credential = world.ticket(proxy(&tgt, "HTTP/web")).unwrap().credential;
    assert!(credential.flags.contains(TicketFlags::PROXY));
    assert_eq!(credential.addresses, [(AddressType::IPV4, vec![192, 0, 2, 9])]);
    assert_eq!(
        code(world.ticket(proxy(&tgt, &tgs()))),
        ErrorCode::KDC_ERR_BADOPTION
    );
    world.change("HTTP/web", |web| web.attributes |= Attributes::DISALLOW_PROXIABLE);
    assert_eq!(
        code(world.ticket(proxy(&tgt, "HTTP/web"))),
        ErrorCode::KDC_ERR_BADOPTION
    );
}

#[test]
fn an_attribute_takes_a_flag_from_a_derived_ticket() {
    for (flag, attribute) in [
        (TicketFlags::FORWARDABLE, Attributes::DISALLOW_FORWARDABLE),
        (TicketFlags::PROXIABLE, Attributes::DISALLOW_PROXIABLE),
    ] {
        for who in ["alice", "HTTP/web"] {
            let mut world = World::new();
            let tgt =
                world.tgt_with(|params| params.options = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE);
            assert!(world.ticket(web(&tgt)).unwrap().credential.flags.contains(flag));
            world.change(who, |entry| entry.attributes |= attribute);
            let credential = world.ticket(web(&tgt)).unwrap().credential;
            assert!(!credential.flags.contains(flag), "{flag} {who}");
        }
    }
}

#[test]
fn a_flag_the_tgt_lacks_is_not_had_from_it() {
    let mut world = World::new();
    let tgt = world.tgt();
    let mut params = web(&tgt);
    params.options |= KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE | KdcOptions::RENEWABLE;
    let credential = world.ticket(params).unwrap().credential;
    assert_eq!(
        names(credential.flags),
        ["pre-authent", "transited-policy-checked", "enc-pa-rep"]
    );
}

#[test]
fn addresses_of_the_request_do_not_widen_the_tgts() {
    let mut world = World::new();
    let bound = vec![(AddressType::IPV4, vec![192, 0, 2, 7])];
    let tgt = world.tgt_with(|params| params.addresses = bound.clone());
    let mut request = TgsRequest::new(&tgt, "HTTP/web");
    request.body.addresses = vec![(AddressType::IPV4, vec![203, 0, 113, 1])];
    let bytes = request.bytes(&mut world.rng);
    assert_eq!(world.handle(&bytes).audit.result.error_code(), None);
    assert_eq!(world.ticket(web(&tgt)).unwrap().credential.addresses, bound);
}

#[test]
fn ok_as_delegate_comes_from_the_service() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.change("HTTP/web", |web| web.attributes |= Attributes::OK_AS_DELEGATE);
    let credential = world.ticket(web(&tgt)).unwrap().credential;
    assert!(credential.flags.contains(TicketFlags::OK_AS_DELEGATE));
}

#[test]
fn a_tgt_made_with_the_old_key_of_the_tgs_is_honoured_while_it_is_kept() {
    let mut world = World::new();
    let tgt = world.tgt();
    let new: Vec<_> = ENCTYPES.map(|e| Key::generate(e, &mut world.rng).unwrap()).into();
    world.change(&tgs(), |entry| {
        entry
            .keys
            .extend(new.into_iter().map(|key| KeyData::new(2, LongTermKey::from(key))));
    });
    assert!(world.ticket(web(&tgt)).is_ok());
    let newer = world.tgt();
    assert_eq!(world.read(&tgs(), &newer).kvno(), Some(2));
    world.change(&tgs(), |entry| entry.keys.retain(|key| key.kvno == 2));
    assert_eq!(code(world.ticket(web(&tgt))), ErrorCode::KRB_AP_ERR_BADKEYVER);
    assert!(world.ticket(web(&newer)).is_ok());
}

#[test]
fn a_user_is_a_service_for_itself_alone() {
    let mut world = World::new();
    let tgt = world.tgt();
    assert!(
        world
            .ticket(TgsParams::new(tgt.clone(), principal("alice")))
            .is_ok()
    );
    let refused = world.ticket(TgsParams::new(tgt.clone(), principal("bob")));
    assert_eq!(
        text(refused),
        "the server's keys come from a password: user-to-user only"
    );
    world.policy(|policy| policy.password_keys_as_service = true);
    assert!(world.ticket(TgsParams::new(tgt, principal("bob"))).is_ok());
}

#[test]
fn an_alias_of_the_service_stays_the_name_asked_for() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.change("HTTP/web", |web| web.aliases.push(principal("HTTP/www")));
    for canonicalize in [false, true] {
        let mut params = TgsParams::new(tgt.clone(), principal("HTTP/www"));
        params.options.set(KdcOptions::CANONICALIZE, canonicalize);
        let credential = world.ticket(params).unwrap().credential;
        assert_eq!(credential.server, principal("HTTP/www"));
        let ticket = world.read("HTTP/web", &credential);
        assert_eq!(ticket.server(), &principal("HTTP/www"));

        let mut params = AsParams::for_service(principal("alice"), principal("HTTP/www"));
        params.options.set(KdcOptions::CANONICALIZE, canonicalize);
        let credential = world.login(params, "secret").unwrap().credential;
        assert_eq!(credential.server, principal("HTTP/www"));
    }
}

#[test]
fn authorization_data_goes_on_into_derived_tickets() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.options = KdcOptions::FORWARDABLE);
    let element = |text: &[u8]| {
        (
            AdType::AD_IF_RELEVANT,
            authorization_data(&[(AdType(4711), text.to_vec())]),
        )
    };
    let mut params = TgsParams::new(tgt, principal(&tgs()));
    params.options |= KdcOptions::FORWARDED;
    params.authorization_data = vec![element(b"first")];
    let restricted = world.ticket(params).unwrap().credential;
    let mut params = web(&restricted);
    params.authorization_data = vec![element(b"second")];
    let service = world.ticket(params).unwrap().credential;
    let ticket = world.read("HTTP/web", &service);
    assert_eq!(
        ticket.authorization_data(),
        [element(b"first"), element(b"second")]
    );
}

#[test]
fn authorization_data_under_the_session_key() {
    let mut world = World::new();
    let tgt = world.tgt();
    let element = (
        AdType::AD_IF_RELEVANT,
        authorization_data(&[(AdType(4711), b"x".to_vec())]),
    );
    let mut request = TgsRequest::new(&tgt, "HTTP/web");
    request.authorization_data(&[element], &mut world.rng);
    let bytes = request.bytes(&mut world.rng);
    let outcome = world.handle(&bytes);
    assert_eq!(outcome.audit.result.error_code(), None, "{}", outcome.audit);
    // The subkey's usage is not the session key's.
    let plain = authorization_data(&[]);
    let cipher = request
        .session_key
        .encrypt(KeyUsage::TGS_REQ_AD_SUBKEY, &plain, &mut world.rng)
        .unwrap();
    request.body.enc_authorization_data = Some((request.session_key.enctype(), cipher));
    let bytes = request.bytes(&mut world.rng);
    assert_eq!(world.error(&bytes).code, ErrorCode::KRB_AP_ERR_BAD_INTEGRITY);
}

#[test]
fn a_reply_too_big_for_a_datagram_comes_over_a_stream() {
    let mut world = World::new();
    let tgt = world.tgt();
    world.transport = Transport::Datagram { reply_bytes_max: 400 };
    assert!(world.ticket(web(&tgt)).is_ok());
    assert_eq!(world.transport, Transport::Stream);
}

#[test]
fn an_unproved_client_gets_no_ticket_where_proof_is_required() {
    let mut world = World::new();
    let tgt = world
        .login(AsParams::new(principal("bob")), "hunter2")
        .unwrap()
        .credential;
    assert!(world.ticket(web(&tgt)).is_ok());
    world.change("HTTP/web", |web| web.attributes |= Attributes::REQUIRES_PRE_AUTH);
    assert_eq!(code(world.ticket(web(&tgt))), ErrorCode::KDC_ERR_POLICY);
    let proved = world.tgt();
    assert!(world.ticket(web(&proved)).is_ok());
}
