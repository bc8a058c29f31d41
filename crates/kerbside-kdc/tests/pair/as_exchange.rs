//! The AS exchange.

use kerbside_asn1::{ErrorCode, EtypeInfo2, KdcOptions, MethodData, PaDataType, Principal, TicketFlags};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_kdc::{Attributes, AuditResult, StoreUpdate, Transport};
use kerbside_protocol::{Answer, AsParams};

use crate::requests::AsRequest;
use crate::world::{DAY, ENCTYPES, HOUR, NOW, REALM, World, code, names, principal, text, time};

fn alice() -> AsParams {
    AsParams::new(principal("alice"))
}

#[test]
fn a_login_by_password_with_each_enctype() {
    for enctype in ENCTYPES {
        let mut world = World::new();
        let mut params = alice();
        params.enctypes = vec![enctype];
        let done = world.login(params, "secret").unwrap();
        assert_eq!(done.reply_enctype, enctype);
        assert!(done.preauthenticated && done.enc_pa_rep_verified);
        let tgt = &done.credential;
        assert_eq!(tgt.session_key.enctype(), enctype);
        assert_eq!(names(tgt.flags), ["initial", "pre-authent", "enc-pa-rep"]);
        assert_eq!((tgt.start_time, tgt.end_time), (time(NOW), time(NOW + 10 * HOUR)));
        let ticket = world.read(&format!("krbtgt/{REALM}"), tgt);
        assert_eq!(ticket.client(), &principal("alice"));
        assert_eq!(
            ticket.enctype(),
            ENCTYPES[0],
            "the TGS's first key, whatever the client lists"
        );
        assert_eq!(ticket.authtime(), time(NOW));
        assert_eq!(ticket.transited().1, b"");
        assert!(ticket.session_key().ct_eq(&tgt.session_key));
    }
}

#[test]
fn the_log_of_a_login() {
    let mut world = World::new();
    world.tgt();
    let etypes = "AS_REQ (4 etypes {aes256-cts-hmac-sha384-192(20), aes128-cts-hmac-sha256-128(19), \
                  aes256-cts-hmac-sha1-96(18), aes128-cts-hmac-sha1-96(17)}) 192.0.2.7: ";
    let lines: Vec<String> = world.audit.iter().map(ToString::to_string).collect();
    assert_eq!(
        lines[0].strip_prefix(etypes),
        Some(
            "NEEDED_PREAUTH: alice@KERBSIDE.TEST for krbtgt/KERBSIDE.TEST@KERBSIDE.TEST, \
             Additional pre-authentication required"
        ),
        "{}",
        lines[0]
    );
    assert_eq!(
        lines[1].strip_prefix(etypes),
        Some(
            "ISSUE: authtime 1700000000, etypes {rep=aes256-cts-hmac-sha384-192(20), \
             tkt=aes256-cts-hmac-sha1-96(18), ses=aes256-cts-hmac-sha384-192(20)}, \
             alice@KERBSIDE.TEST for krbtgt/KERBSIDE.TEST@KERBSIDE.TEST"
        ),
        "{}",
        lines[1]
    );
    assert_eq!(lines.len(), 2);
}

#[test]
fn a_login_by_key() {
    let mut world = World::new();
    let entry = world.entry("alice");
    for enctype in ENCTYPES {
        let key = entry.current_key(enctype).unwrap().key.clone();
        let mut params = alice();
        params.enctypes = vec![enctype];
        assert!(world.login_with(params, || Answer::Key(key.clone())).is_ok());
    }
}

#[test]
fn a_success_is_noted_and_only_when_proved() {
    let mut world = World::new();
    world.tgt();
    assert!(
        matches!(&world.updates[..], [StoreUpdate::PreAuthSucceeded { entry, at }]
        if entry.principal == principal("alice") && *at == time(NOW))
    );
    world.updates.clear();
    let done = world.login(AsParams::new(principal("bob")), "hunter2").unwrap();
    assert!(!done.preauthenticated);
    assert!(!done.credential.flags.contains(TicketFlags::PRE_AUTHENT));
    assert!(world.updates.is_empty());
    world.policy(|policy| policy.record_last_success = false);
    world.tgt();
    assert!(world.updates.is_empty());
}

#[test]
fn a_wrong_password_is_counted() {
    let mut world = World::new();
    assert_eq!(
        code(world.login(alice(), "guess")),
        ErrorCode::KDC_ERR_PREAUTH_FAILED
    );
    assert!(
        matches!(&world.updates[..], [StoreUpdate::PreAuthFailed { entry, at }]
        if entry.principal == principal("alice") && *at == time(NOW))
    );
    assert!(
        world.last_line().contains("PREAUTH_FAILED: alice@"),
        "{}",
        world.last_line()
    );
    world.updates.clear();
    world.policy(|policy| policy.record_failures = false);
    assert_eq!(
        code(world.login(alice(), "guess")),
        ErrorCode::KDC_ERR_PREAUTH_FAILED
    );
    assert!(world.updates.is_empty());
}

#[test]
fn an_optional_pre_authentication_that_fails_is_a_failure() {
    let mut world = World::new();
    let key = world.entry("alice").current_key(ENCTYPES[0]).unwrap().key.clone();
    let request = AsRequest::new("bob").timestamp(&key, NOW, &mut world.rng);
    let error = world.error(&request.bytes());
    assert_eq!(error.code, ErrorCode::KDC_ERR_PREAUTH_FAILED);
    let e_data = error.e_data.expect("what would do");
    let methods: MethodData<'_> = kerbside_asn1::decode(&e_data).unwrap();
    assert!(methods.find(PaDataType::PA_ETYPE_INFO2).is_some());
}

#[test]
fn an_old_key_proves_nothing() {
    let mut world = World::new();
    let old = world.entry("alice").current_key(ENCTYPES[0]).unwrap().clone();
    world.add_user("alice", "new");
    world.change("alice", |alice| {
        alice.keys.iter_mut().for_each(|key| key.kvno = 2);
        alice.keys.insert(0, old.clone());
    });
    let request = AsRequest::new("alice").timestamp(&old.key, NOW, &mut world.rng);
    assert_eq!(
        world.error(&request.bytes()).code,
        ErrorCode::KDC_ERR_PREAUTH_FAILED
    );
}

#[test]
fn the_demand_for_pre_authentication_says_how() {
    let mut world = World::new();
    let mut request = AsRequest::new("alice");
    request.etypes = vec![
        EncryptionType(23),
        ENCTYPES[1],
        ENCTYPES[0],
        ENCTYPES[1],
        EncryptionType(4711),
    ];
    let error = world.error(&request.bytes());
    assert_eq!(error.code, ErrorCode::KDC_ERR_PREAUTH_REQUIRED);
    assert_eq!(error.client, Some(principal("alice")));
    assert_eq!(error.server, Principal::krbtgt(REALM, REALM));
    let e_data = error.e_data.unwrap();
    let methods: MethodData<'_> = kerbside_asn1::decode(&e_data).unwrap();
    let types: Vec<_> = methods.0.iter().map(|pa| pa.padata_type).collect();
    assert_eq!(types, [PaDataType::PA_ETYPE_INFO2, PaDataType::PA_ENC_TIMESTAMP]);
    let info: EtypeInfo2<'_> = kerbside_asn1::decode(methods.0[0].padata_value).unwrap();
    let entries: Vec<_> = info
        .0
        .iter()
        .map(|entry| (entry.etype, entry.salt.unwrap().0))
        .collect();
    let salt = &b"KERBSIDE.TESTalice"[..];
    assert_eq!(
        entries,
        [(ENCTYPES[1], salt), (ENCTYPES[0], salt)],
        "the client's order, each once"
    );
    assert!(world.updates.is_empty(), "a demand is no failure");
}

#[test]
fn other_salts_are_told() {
    use kerbside_kdc::Salt;
    for (salt, bytes) in [
        (Salt::NoRealm, &b"alice"[..]),
        (Salt::OnlyRealm, b"KERBSIDE.TEST"),
        (Salt::Special(b"pepper".to_vec()), b"pepper"),
        (Salt::Special(Vec::new()), b""),
    ] {
        let mut world = World::new();
        world.change("alice", |alice| {
            alice
                .keys
                .iter_mut()
                .for_each(|key| key.salt = Some(salt.clone()))
        });
        let error = world.error(&AsRequest::new("alice").bytes());
        let e_data = error.e_data.unwrap();
        let methods: MethodData<'_> = kerbside_asn1::decode(&e_data).unwrap();
        let info: EtypeInfo2<'_> = kerbside_asn1::decode(methods.0[0].padata_value).unwrap();
        assert!(
            info.0.iter().all(|entry| entry.salt.unwrap().0 == bytes),
            "{salt:?}"
        );
    }
}

#[test]
fn a_skewed_clock_is_corrected_by_the_client() {
    let mut world = World::new();
    world.client_ahead = -20 * 60;
    let done = world.login(alice(), "secret").unwrap();
    assert_eq!(done.clock_offset_seconds, Some(20 * 60));
    let lines: Vec<String> = world.audit.iter().map(ToString::to_string).collect();
    assert_eq!(lines.len(), 3);
    assert!(
        lines[1].contains("CLOCK_SKEW: alice@KERBSIDE.TEST"),
        "{}",
        lines[1]
    );
    assert!(lines[1].ends_with("Clock skew too great: the client's clock is -1200 s ahead, allowed 300 s"));
}

#[test]
fn a_timestamp_within_the_skew_is_taken_and_beyond_it_not() {
    let mut world = World::new();
    let key = world.entry("alice").current_key(ENCTYPES[0]).unwrap().key.clone();
    for (at, taken) in [
        (NOW + 300, true),
        (NOW - 300, true),
        (NOW + 301, false),
        (NOW - 301, false),
    ] {
        let request = AsRequest::new("alice").timestamp(&key, at, &mut world.rng);
        let outcome = world.handle(&request.bytes());
        assert_eq!(
            outcome.audit.result.error_code().is_none(),
            taken,
            "{at}: {}",
            outcome.audit
        );
        if !taken {
            assert_eq!(
                outcome.audit.result.error_code(),
                Some(ErrorCode::KRB_AP_ERR_SKEW)
            );
            assert!(outcome.updates.is_empty(), "a wrong clock is no failed password");
        }
    }
}

#[test]
fn principals_that_may_not() {
    type Change = fn(&mut World);
    let table: [(&str, Change, ErrorCode); 12] = [
        (
            "no client",
            |w| drop(w.entries.remove(&principal("alice"))),
            ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN,
        ),
        (
            "no server",
            |w| drop(w.entries.remove(&Principal::krbtgt(REALM, REALM))),
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        ),
        (
            "client expired",
            |w| w.change("alice", |e| e.expiration = Some(time(NOW))),
            ErrorCode::KDC_ERR_NAME_EXP,
        ),
        (
            "server expired",
            |w| w.change(&format!("krbtgt/{REALM}"), |e| e.expiration = Some(time(NOW))),
            ErrorCode::KDC_ERR_SERVICE_EXP,
        ),
        (
            "client locked",
            |w| w.change("alice", |e| e.attributes |= Attributes::DISALLOW_ALL_TIX),
            ErrorCode::KDC_ERR_CLIENT_REVOKED,
        ),
        (
            "server locked",
            |w| {
                w.change(&format!("krbtgt/{REALM}"), |e| {
                    e.attributes |= Attributes::DISALLOW_ALL_TIX
                })
            },
            ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        ),
        (
            "no service",
            |w| {
                w.change(&format!("krbtgt/{REALM}"), |e| {
                    e.attributes |= Attributes::DISALLOW_SVR
                })
            },
            ErrorCode::KDC_ERR_MUST_USE_USER2USER,
        ),
        (
            "password expired",
            |w| w.change("alice", |e| e.pw_expiration = Some(time(NOW))),
            ErrorCode::KDC_ERR_KEY_EXP,
        ),
        (
            "password to be changed",
            |w| w.change("alice", |e| e.attributes |= Attributes::REQUIRES_PWCHANGE),
            ErrorCode::KDC_ERR_KEY_EXP,
        ),
        (
            "hardware wanted",
            |w| w.change("alice", |e| e.attributes |= Attributes::REQUIRES_HW_AUTH),
            ErrorCode::KDC_ERR_POLICY,
        ),
        (
            "no keys",
            |w| w.change("alice", |e| e.keys.clear()),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP,
        ),
        (
            "server without keys",
            |w| w.change(&format!("krbtgt/{REALM}"), |e| e.keys.clear()),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP,
        ),
    ];
    for (what, change, expected) in table {
        let mut world = World::new();
        change(&mut world);
        assert_eq!(code(world.login(alice(), "secret")), expected, "{what}");
        assert!(!matches!(
            world.audit.last().unwrap().result,
            AuditResult::Issued { .. }
        ));
    }
}

#[test]
fn a_date_in_the_future_harms_nobody() {
    let mut world = World::new();
    world.change("alice", |alice| {
        alice.expiration = Some(time(NOW + 3 * DAY));
        alice.pw_expiration = Some(time(NOW + 2 * DAY));
    });
    let done = world.login(alice(), "secret").unwrap();
    assert_eq!(done.key_expiration, Some(time(NOW + 2 * DAY)));
}

#[test]
fn an_expired_password_still_reaches_the_password_service() {
    let mut world = World::new();
    world.add_service("kadmin/changepw", 1);
    world.change("kadmin/changepw", |e| {
        e.attributes |= Attributes::PWCHANGE_SERVICE
    });
    world.change("alice", |alice| alice.pw_expiration = Some(time(NOW - 1)));
    let params = AsParams::for_service(principal("alice"), principal("kadmin/changepw"));
    assert!(world.login(params, "secret").is_ok());
    world.change("alice", |alice| alice.expiration = Some(time(NOW - 1)));
    let params = AsParams::for_service(principal("alice"), principal("kadmin/changepw"));
    assert_eq!(code(world.login(params, "secret")), ErrorCode::KDC_ERR_NAME_EXP);
}

#[test]
fn a_service_that_requires_pre_authentication_gets_it() {
    let mut world = World::new();
    world.change("HTTP/web", |web| web.attributes |= Attributes::REQUIRES_PRE_AUTH);
    let params = AsParams::for_service(principal("bob"), principal("HTTP/web"));
    assert!(world.login(params, "hunter2").unwrap().preauthenticated);
}

#[test]
fn a_session_key_only_of_a_type_the_service_knows() {
    let mut world = World::new();
    world.change("HTTP/web", |web| {
        web.keys.retain(|key| key.key.enctype() == ENCTYPES[1])
    });
    let params = AsParams::for_service(principal("alice"), principal("HTTP/web"));
    let credential = world.login(params, "secret").unwrap().credential;
    assert_eq!(credential.session_key.enctype(), ENCTYPES[1]);
}

#[test]
fn a_ticket_made_with_a_password_goes_to_its_owner_alone() {
    let mut world = World::new();
    let ticket_for = |name| AsParams::for_service(principal("alice"), principal(name));
    let refused = world.login(ticket_for("bob"), "secret");
    assert_eq!(
        text(refused),
        "the server's keys come from a password: user-to-user only"
    );
    assert!(world.login(ticket_for("alice"), "secret").is_ok());
    world.policy(|policy| policy.password_keys_as_service = true);
    assert!(world.login(ticket_for("bob"), "secret").is_ok());
}

#[test]
fn options_that_are_not_offered_are_refused_by_name() {
    for (option, expected, words) in [
        (
            KdcOptions::POSTDATED,
            ErrorCode::KDC_ERR_CANNOT_POSTDATE,
            "postdated tickets",
        ),
        (
            KdcOptions::VALIDATE,
            ErrorCode::KDC_ERR_BADOPTION,
            "validation of postdated tickets",
        ),
        (
            KdcOptions::ENC_TKT_IN_SKEY,
            ErrorCode::KDC_ERR_BADOPTION,
            "user-to-user",
        ),
        (
            KdcOptions::CNAME_IN_ADDL_TKT,
            ErrorCode::KDC_ERR_BADOPTION,
            "constrained delegation",
        ),
        (
            KdcOptions::REQUEST_ANONYMOUS,
            ErrorCode::KDC_ERR_BADOPTION,
            "anonymous tickets",
        ),
        (
            KdcOptions::FORWARDED,
            ErrorCode::KDC_ERR_BADOPTION,
            "INVALID AS OPTIONS",
        ),
        (
            KdcOptions::PROXY,
            ErrorCode::KDC_ERR_BADOPTION,
            "INVALID AS OPTIONS",
        ),
        (
            KdcOptions::RENEW,
            ErrorCode::KDC_ERR_BADOPTION,
            "INVALID AS OPTIONS",
        ),
    ] {
        let mut world = World::new();
        let mut request = AsRequest::new("bob");
        request.options = option;
        let error = world.error(&request.bytes());
        assert_eq!(error.code, expected, "{option}");
        let text = String::from_utf8(error.e_text.unwrap()).unwrap();
        assert!(text.starts_with(words), "{option}: {text}");
    }
}

#[test]
fn reserved_options_are_ignored() {
    let mut world = World::new();
    let mut request = AsRequest::new("bob");
    request.options = KdcOptions(0x8067_ffc4 & !KdcOptions::REQUEST_ANONYMOUS.0 & !0x0003_0000);
    let outcome = world.handle(&request.bytes());
    assert_eq!(outcome.audit.result.error_code(), None, "{}", outcome.audit);
}

#[test]
fn flags_are_granted_when_asked_for_and_allowed() {
    let mut world = World::new();
    let everything = |params: &mut AsParams| {
        params.options = KdcOptions::FORWARDABLE | KdcOptions::PROXIABLE;
        params.renew_lifetime_seconds = Some(2 * DAY);
    };
    let tgt = world.tgt_with(everything);
    assert_eq!(
        names(tgt.flags),
        [
            "forwardable",
            "proxiable",
            "renewable",
            "initial",
            "pre-authent",
            "enc-pa-rep"
        ]
    );
    assert_eq!(tgt.renew_till, time(NOW + 2 * DAY));
    for (attribute, flag) in [
        (Attributes::DISALLOW_FORWARDABLE, TicketFlags::FORWARDABLE),
        (Attributes::DISALLOW_PROXIABLE, TicketFlags::PROXIABLE),
        (Attributes::DISALLOW_RENEWABLE, TicketFlags::RENEWABLE),
    ] {
        for who in ["alice".to_owned(), format!("krbtgt/{REALM}")] {
            let mut world = World::new();
            world.change(&who, |entry| entry.attributes |= attribute);
            let tgt = world.tgt_with(everything);
            assert!(!tgt.flags.contains(flag), "{flag} {who}");
        }
    }
}

#[test]
fn lifetimes_in_the_ticket_are_those_in_the_reply() {
    let mut world = World::new();
    world.change("alice", |alice| alice.max_life = 2 * HOUR);
    let tgt = world.tgt();
    assert_eq!(tgt.end_time, time(NOW + 2 * HOUR));
    assert_eq!(
        world.read(&format!("krbtgt/{REALM}"), &tgt).endtime(),
        tgt.end_time
    );
}

#[test]
fn addresses_are_copied() {
    use kerbside_asn1::AddressType;
    let mut world = World::new();
    let addresses = vec![(AddressType::IPV4, vec![192, 0, 2, 7])];
    let tgt = world.tgt_with(|params| params.addresses = addresses.clone());
    assert_eq!(tgt.addresses, addresses);
    assert_eq!(
        world.read(&format!("krbtgt/{REALM}"), &tgt).addresses(),
        addresses
    );
}

#[test]
fn an_alias_becomes_the_canonical_name_only_with_canonicalize() {
    let mut world = World::new();
    world.change("alice", |alice| alice.aliases.push(principal("al")));
    let done = world.login(AsParams::new(principal("al")), "secret").unwrap();
    assert_eq!(done.credential.client, principal("al"));
    let mut params = AsParams::new(principal("al"));
    params.options = KdcOptions::CANONICALIZE;
    let done = world.login(params, "secret").unwrap();
    assert_eq!(done.credential.client, principal("alice"));
}

#[test]
fn an_enterprise_name_is_an_unknown_client_unless_it_is_an_alias() {
    let mut world = World::new();
    let mut params = alice();
    params.client.name = kerbside_asn1::Name::enterprise("alice@example.com");
    params.options = KdcOptions::CANONICALIZE;
    assert_eq!(
        code(world.login(params.clone(), "secret")),
        ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN
    );
    let alias = params.client.clone();
    world.change("alice", |alice| alice.aliases.push(alias.clone()));
    assert_eq!(
        world.login(params, "secret").unwrap().credential.client,
        principal("alice")
    );
}

#[test]
fn other_realms_are_not_served() {
    let mut world = World::new();
    let params = AsParams::new(Principal::new("OTHER", &["alice"]));
    assert_eq!(
        code(world.login(params, "secret")),
        ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN
    );
    world.add_service("krbtgt/OTHER", 1);
    let params = AsParams::for_service(principal("alice"), Principal::krbtgt(REALM, "OTHER"));
    let refused = world.login(params, "secret");
    assert_eq!(text(refused), "cross-realm tickets are not offered by this KDC");
}

/// Whatever the store holds: an entry of another realm is none of ours.
#[test]
fn a_client_of_another_realm_that_the_store_knows_is_not_served_either() {
    let mut world = World::new();
    for (name, like) in [("alice", "bob"), ("HTTP/web", "HTTP/web")] {
        let mut entry = (*world.entry(like)).clone();
        entry.principal = principal(&format!("{name}@OTHER"));
        world.put(entry);
    }
    let params = AsParams::for_service(principal("alice@OTHER"), principal("HTTP/web@OTHER"));
    assert_eq!(
        code(world.login(params, "hunter2")),
        ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN
    );
}

#[test]
fn the_skew_is_the_policys() {
    let mut world = World::new();
    world.policy(|policy| policy.clockskew_seconds = 60);
    let key = world.entry("alice").current_key(ENCTYPES[0]).unwrap().key.clone();
    for (at, expected) in [
        (NOW + 60, None),
        (NOW - 60, None),
        (NOW + 61, Some(ErrorCode::KRB_AP_ERR_SKEW)),
        (NOW - 61, Some(ErrorCode::KRB_AP_ERR_SKEW)),
    ] {
        let request = AsRequest::new("alice").timestamp(&key, at, &mut world.rng);
        let outcome = world.handle(&request.bytes());
        assert_eq!(outcome.audit.result.error_code(), expected, "{at}");
    }
}

/// RFC 6806 section 11: the checksum over the request is for those who ask for it.
#[test]
fn encrypted_padata_comes_only_when_asked_for() {
    use kerbside_asn1::{AsRep, EncAsRepPart};
    use kerbside_crypto::KeyUsage;
    let mut world = World::new();
    let key = world.entry("bob").current_key(ENCTYPES[0]).unwrap().key.clone();
    for padata in [vec![], vec![(PaDataType::PA_REQ_ENC_PA_REP, vec![])]] {
        let mut request = AsRequest::new("bob");
        let asked = !padata.is_empty();
        request.padata = padata;
        let reply = world.handle(&request.bytes()).reply.unwrap();
        let reply: AsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
        let plain = key
            .decrypt(KeyUsage::AS_REP_ENC_PART, reply.enc_part.cipher)
            .unwrap();
        let part: EncAsRepPart<'_> = kerbside_asn1::decode(&plain).unwrap();
        assert_eq!(part.encrypted_pa_data.is_some(), asked);
        assert!(part.flags.contains(TicketFlags::ENC_PA_REP));
    }
}

#[test]
fn a_reply_too_big_for_a_datagram_comes_over_a_stream() {
    let mut world = World::new();
    world.transport = Transport::Datagram { reply_bytes_max: 500 };
    assert!(world.login(alice(), "secret").is_ok());
    assert_eq!(world.transport, Transport::Stream);
}

#[test]
fn no_common_enctype() {
    let mut world = World::new();
    for etypes in [
        vec![],
        vec![EncryptionType(23)],
        vec![EncryptionType(1), EncryptionType(-128)],
    ] {
        let mut request = AsRequest::new("alice");
        request.etypes = etypes;
        assert_eq!(
            world.error(&request.bytes()).code,
            ErrorCode::KDC_ERR_ETYPE_NOSUPP
        );
    }
    world.policy(|policy| policy.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![ENCTYPES[0]]));
    let mut request = AsRequest::new("alice");
    request.etypes = vec![ENCTYPES[1]];
    assert_eq!(
        world.error(&request.bytes()).code,
        ErrorCode::KDC_ERR_ETYPE_NOSUPP
    );
}

#[test]
fn a_timestamp_of_an_enctype_that_is_not_permitted_proves_nothing() {
    let mut world = World::new();
    world.policy(|policy| policy.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![ENCTYPES[0]]));
    let key = world.entry("alice").current_key(ENCTYPES[1]).unwrap().key.clone();
    let request = AsRequest::new("alice").timestamp(&key, NOW, &mut world.rng);
    assert_eq!(
        world.error(&request.bytes()).code,
        ErrorCode::KDC_ERR_PREAUTH_FAILED
    );
}

#[test]
fn a_store_that_fails_is_told_apart_from_an_unknown_client() {
    use kerbside_kdc::{RequestContext, StoreError};
    use kerbside_protocol::{KrbErrorFacts, Now};
    let mut world = World::new();
    let context = RequestContext {
        now: Now::new(NOW, 0).unwrap(),
        from: world.from,
        transport: Transport::Stream,
    };
    let outcome = world.kdc.handle_with(
        &AsRequest::new("alice").bytes(),
        &context,
        &mut |_| Err(StoreError("disk on fire".into())),
        &mut world.rng,
    );
    let error = KrbErrorFacts::parse(&outcome.reply.unwrap()).unwrap();
    assert_eq!(error.code, ErrorCode::KDC_ERR_SVC_UNAVAILABLE);
    assert!(!String::from_utf8(error.e_text.unwrap()).unwrap().contains("fire"));
    assert!(
        outcome
            .audit
            .to_string()
            .ends_with("principal store: disk on fire"),
        "{}",
        outcome.audit
    );
}
