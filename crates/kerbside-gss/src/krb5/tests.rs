//! Initiator and acceptor of the krb5 mechanism against each other, with everything that can be wrong between them.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod altered;
mod asked;
mod dce_style;
mod delegation;
mod export;
mod policies;
mod trace;
mod user_to_user;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, ApReq, Authenticator, AuthorizationData, AuthorizationDataElement, EncryptedData,
    ErrorCode, KerberosTime, Name, NameType, Principal, Raw, TicketFlags, gss_token, oids,
};
use kerbside_crypto::{ChecksumType, EncryptionType, EnctypePolicy, Key, KeyUsage, LongTermKey};
use kerbside_protocol::{ApInitiator, ApParams, Credential};

use super::authenticator_checksum::AuthenticatorChecksum;
use super::token;
use crate::channel_bindings::BindingHash;
use crate::error::{Cause, GssError, Major};
use crate::test_realm::{Established, START, SharedReplay, TestRealm, locate};
use crate::{
    Acceptor, AcceptorParams, BindingPolicy, BindingState, ChannelBindings, ContextFlags, Initiator,
    InitiatorParams, MemoryKeys, SecurityContext, ServiceKey, ServiceName, Step,
};

const FRAMED: token::Framing = token::Framing::Framed(token::Mode::Krb5);

const AES256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;

fn realm() -> TestRealm {
    TestRealm::new(AES256, AES256)
}

fn one_way() -> ContextFlags {
    ContextFlags::REPLAY | ContextFlags::SEQUENCE | ContextFlags::INTEGRITY | ContextFlags::CONFIDENTIALITY
}

fn raw(credential: Credential) -> InitiatorParams {
    InitiatorParams::new(credential).with_spnego(false)
}

/// The AP-REQ token of an initiator that does not want an answer, and its context.
fn one_way_token(realm: &mut TestRealm, params: InitiatorParams) -> (Vec<u8>, Box<SecurityContext>) {
    let now = realm.now();
    let step = Initiator::krb5(params.with_flags(one_way()))
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap();
    match step {
        Step::Done { token, context, .. } => (token.unwrap(), context),
        _ => panic!("a one-way context has no more tokens"),
    }
}

fn accept(
    realm: &mut TestRealm,
    acceptor: &Acceptor,
    token: &[u8],
) -> Result<Box<SecurityContext>, GssError> {
    let now = realm.now();
    match acceptor.step(token, now, &mut realm.rng)? {
        Step::Done { context, .. } => Ok(context),
        _ => panic!("krb5 has no more tokens"),
    }
}

fn refused(realm: &mut TestRealm, acceptor: &Acceptor, token: &[u8]) -> GssError {
    accept(realm, acceptor, token).expect_err("the acceptor must refuse")
}

#[test]
fn pitfall_4_1_ka_5_session_keys_of_all_enctypes_mutual_and_not() {
    // Only the ticket may be under a key of the older types.
    for ticket_enctype in EncryptionType::IMPLEMENTED {
        for session_enctype in EncryptionType::IMPLEMENTED
            .into_iter()
            .filter(|e| e.is_supported())
        {
            for flags in [one_way(), one_way() | ContextFlags::MUTUAL] {
                let mut realm = TestRealm::new(ticket_enctype, session_enctype);
                let acceptor = realm.acceptor();
                let params = raw(realm.credential()).with_flags(flags);
                let mut both = realm.establish(params, &acceptor).unwrap();
                assert_eq!(
                    both.tokens.len(),
                    if flags.contains(ContextFlags::MUTUAL) {
                        2
                    } else {
                        1
                    }
                );
                check_facts(&both, flags, ticket_enctype, session_enctype);
                both.exchange_messages(&mut realm.rng);
            }
        }
    }
}

/// KC-12, KA-6: keys older than RFC 4121 have the tokens of RFC 4757 and RFC 1964, never those of RFC 4121.
#[test]
fn kc_12_ka_6_where_they_are_permitted_older_keys_have_their_older_tokens() {
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        for flags in [one_way(), one_way() | ContextFlags::MUTUAL] {
            let mut realm = TestRealm::new(AES256, enctype);
            let params = raw(realm.credential())
                .with_flags(flags)
                .with_enctypes(EnctypePolicy::ALLOW_ALL.with_permitted([enctype]));
            let acceptor = Acceptor::new(
                realm
                    .acceptor_params()
                    .with_enctypes(EnctypePolicy::ALLOW_ALL.with_permitted([enctype])),
            );
            let mut both = realm.establish(params, &acceptor).unwrap();
            check_facts(&both, flags, AES256, enctype);
            let token = both.initiator.wrap(true, b"older", &mut realm.rng).unwrap();
            assert_eq!(token.first(), Some(&0x60), "the frame of RFC 1964");
            assert_eq!(
                both.acceptor.unwrap_confidential(&token).unwrap().message,
                b"older"
            );
            both.exchange_messages(&mut realm.rng);
        }
    }
}

/// Keys of older types make no context unless a policy permits them.
#[test]
fn cve_2025_3576_cve_2022_37966_session_keys_of_older_types_are_refused_by_name() {
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let mut realm = TestRealm::new(AES256, enctype);
        let refused_by_name = |error: &GssError| {
            let Cause::KeyNotSupported { enctype: found, .. } = error.cause() else {
                panic!("{error}")
            };
            assert_eq!(*found, enctype);
            assert!(error.to_string().contains(&enctype.to_string()), "{error}");
            assert_eq!(error.major(), Major::Unavailable);
        };
        let credential = realm.credential();
        let now = realm.now();
        let initiator = Initiator::krb5(raw(credential.clone())).unwrap();
        refused_by_name(&initiator.start(now, &mut realm.rng).unwrap_err());
        // An initiator that goes on all the same.
        let acceptor = realm.acceptor();
        refused_by_name(&refused_ap_req(&mut realm, &acceptor, &credential));
        // A session key that would do, and a subkey that would not.
        realm.session_enctype = AES256;
        let credential = realm.credential();
        let weak = Key::generate_with_policy(enctype, &mut realm.rng, &EnctypePolicy::ALLOW_ALL).unwrap();
        let token = token_with_subkey(&mut realm, &credential, &weak);
        refused_by_name(&refused(&mut realm, &acceptor, &token));
    }
}

/// An AP-REQ token whose authenticator brings this subkey.
fn token_with_subkey(realm: &mut TestRealm, credential: &Credential, subkey: &Key) -> Vec<u8> {
    let now = realm.now();
    let (client, key) = (&credential.client, &credential.session_key);
    let authenticator = Authenticator {
        authenticator_vno: 5,
        crealm: client.realm.to_wire(),
        cname: client.name.to_wire(),
        cksum: None,
        cusec: now.usec,
        ctime: now.time,
        subkey: Some(asn1::EncryptionKey {
            keytype: subkey.enctype(),
            keyvalue: subkey.expose_secret(),
        }),
        seq_number: None,
        authorization_data: None,
    };
    let plain = asn1::encode(&authenticator).unwrap();
    let cipher = key
        .encrypt(KeyUsage::AP_REQ_AUTH, &plain, &mut realm.rng)
        .unwrap();
    let request = ApReq {
        pvno: 5,
        msg_type: asn1::MsgType::AP_REQ,
        ap_options: asn1::ApOptions::default(),
        ticket: Raw::parse(&credential.ticket).unwrap(),
        authenticator: EncryptedData {
            etype: key.enctype(),
            kvno: None,
            cipher: &cipher,
        },
    };
    token::frame_ap_req(FRAMED, &asn1::encode(&request).unwrap())
}

/// Refuses an AP-REQ that `credential` gives without an initiator of ours.
fn refused_ap_req(realm: &mut TestRealm, acceptor: &Acceptor, credential: &Credential) -> GssError {
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, one_way());
    let params = ApParams {
        mutual: false,
        checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
        ..ApParams::default()
    };
    let now = realm.now();
    let (message, _) = ApInitiator::start(credential, params, now, &mut realm.rng).unwrap();
    refused(realm, acceptor, &token::frame_ap_req(FRAMED, &message))
}

fn check_facts(both: &Established, flags: ContextFlags, ticket: EncryptionType, session: EncryptionType) {
    for context in [&both.initiator, &both.acceptor] {
        let facts = context.facts();
        assert_eq!(facts.client.to_string(), "alice/admin@EXAMPLE.COM");
        assert_eq!(facts.server.to_string(), "HTTP/www.example.com@EXAMPLE.COM");
        assert_eq!(facts.flags, flags);
        let kerberos = facts.kerberos.as_ref().unwrap();
        assert_eq!(
            (kerberos.ticket_enctype, kerberos.session_enctype),
            (ticket, session)
        );
        assert_eq!(kerberos.message_enctype, session);
        assert_eq!(facts.expires, Some(KerberosTime::from_unix_seconds(START + 3600)));
        assert_eq!(kerberos.start_time, KerberosTime::from_unix_seconds(START - 3600));
        assert_eq!(kerberos.auth_time, KerberosTime::from_unix_seconds(START - 7200));
        assert_eq!(
            kerberos.ticket_flags,
            TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT
        );
        assert_eq!(facts.bindings, BindingState::NotChecked);
        assert_eq!((kerberos.ticket_kvno, kerberos.renew_till), (Some(3), None));
        assert!(!facts.negotiated && facts.delegated.is_none());
    }
}

#[test]
fn pitfall_4_1_replay_key_and_a_cache_that_outlives_contexts() {
    let mut realm = realm();
    let (token, _) = {
        let params = raw(realm.credential());
        one_way_token(&mut realm, params)
    };
    let acceptor = realm.acceptor();
    accept(&mut realm, &acceptor, &token).unwrap();
    for acceptor in [acceptor, realm.acceptor()] {
        let error = refused(&mut realm, &acceptor, &token);
        assert_eq!(
            (error.major(), error.code()),
            (Major::DuplicateToken, Some(ErrorCode::KRB_AP_ERR_REPEAT))
        );
    }
    // The fields that are not authenticated do not make another request of it.
    let inner = gss_token::unwrap(&token).unwrap().1;
    let kvno = locate(inner, 2, &[0, 3, 0, 0, 3, 0, 1, 0]);
    let name_type = locate(inner, 2, &[0, 3, 0, 0, 2, 0, 0, 0]);
    for at in [kvno.start, name_type.start] {
        let mut altered = inner.to_vec();
        altered[at] ^= 0x10;
        let altered = gss_token::wrap(oids::KRB5, &altered);
        let acceptor = realm.acceptor();
        assert_eq!(
            refused(&mut realm, &acceptor, &altered).code(),
            Some(ErrorCode::KRB_AP_ERR_REPEAT)
        );
    }
}

#[test]
fn rule_10_1_refused_requests_do_not_fill_the_replay_cache() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (mut token, _) = one_way_token(&mut realm, params);
    *token.last_mut().unwrap() ^= 1;
    let acceptor = realm.acceptor();
    let error = refused(&mut realm, &acceptor, &token);
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY));
    assert_eq!(realm.replay.len(), 0);
}

#[test]
fn skewed_clocks() {
    for (offset, refused_code) in [
        (0, None),
        (299, None),
        (-299, None),
        (301, Some(37)),
        (-301, Some(37)),
    ] {
        let mut realm = realm();
        let params = raw(realm.credential());
        let (token, _) = one_way_token(&mut realm, params);
        realm.seconds += offset;
        let acceptor = realm.acceptor();
        match accept(&mut realm, &acceptor, &token) {
            Ok(_) => assert_eq!(refused_code, None, "{offset}"),
            Err(error) => assert_eq!(error.code().map(|code| code.0), refused_code, "{offset}"),
        }
    }
}

#[test]
fn pitfall_4_1_clockskew_is_the_configured_one_and_an_offset_helps() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    realm.seconds += 60;
    let strict = Acceptor::new(realm.acceptor_params().with_skew_seconds_max(30));
    assert_eq!(
        refused(&mut realm, &strict, &token).code(),
        Some(ErrorCode::KRB_AP_ERR_SKEW)
    );
    let params = raw(realm.credential()).with_clock_offset_seconds(1000);
    let (token, _) = one_way_token(&mut realm, params);
    realm.seconds += 1000;
    accept(&mut realm, &strict, &token).unwrap();
}

#[test]
fn rule_10_3_expired_and_early_tickets() {
    let mut realm = realm();
    let credential = realm.credential();
    realm.seconds += 3601;
    let now = realm.now();
    let error = Initiator::krb5(raw(credential))
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap_err();
    assert_eq!(
        (error.major(), error.code()),
        (Major::CredentialsExpired, Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED))
    );
    assert!(
        error
            .to_string()
            .contains("HTTP/www.example.com@EXAMPLE.COM expired at"),
        "{error}"
    );

    for (early, code) in [
        (true, ErrorCode::KRB_AP_ERR_TKT_NYV),
        (false, ErrorCode::KRB_AP_ERR_TKT_EXPIRED),
    ] {
        let mut realm = self::realm();
        let at = |seconds| KerberosTime::from_unix_seconds(START + seconds);
        let mut credential = realm.credential_with(|part| {
            (part.starttime, part.endtime) = if early {
                (Some(at(1000)), at(2000))
            } else {
                (Some(at(-2000)), at(-1000))
            };
        });
        credential.end_time = at(2000);
        let (token, _) = one_way_token(&mut realm, raw(credential));
        let acceptor = realm.acceptor();
        let error = refused(&mut realm, &acceptor, &token);
        assert_eq!(
            (error.major(), error.code()),
            (Major::CredentialsExpired, Some(code))
        );
    }
}

#[test]
fn rule_10_3_invalid_ticket_is_refused() {
    let mut realm = realm();
    let credential = realm.credential_with(|part| part.flags |= TicketFlags::INVALID);
    let (token, _) = one_way_token(&mut realm, raw(credential));
    let acceptor = realm.acceptor();
    assert_eq!(
        refused(&mut realm, &acceptor, &token).code(),
        Some(ErrorCode::KRB_AP_ERR_TKT_NYV)
    );
}

#[test]
fn rule_10_8_ka_8_ticket_for_another_service_is_refused_though_its_key_is_there() {
    let mut realm = realm();
    let ours = realm.service.clone();
    let host = Principal::new("EXAMPLE.COM", &["host", "www.example.com"]);
    realm.service = host.clone();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    let keys = Arc::new(MemoryKeys::new(vec![
        realm.service_key(3),
        ServiceKey {
            principal: ours.clone(),
            ..realm.service_key(3)
        },
    ]));
    let acceptor = |service, replay: &Arc<SharedReplay>| {
        Acceptor::new(AcceptorParams::new(keys.clone(), service, replay.clone()))
    };
    let only_ours = acceptor(ServiceName::Principal(ours.clone()), &realm.replay);
    let error = refused(&mut realm, &only_ours, &token);
    assert_eq!(
        (error.major(), error.code()),
        (Major::NoCredential, Some(ErrorCode::KRB_AP_ERR_NOT_US))
    );
    assert_eq!(
        error.to_string(),
        "ticket: expected one for HTTP/www.example.com@EXAMPLE.COM, but found one for \
         host/www.example.com@EXAMPLE.COM: KRB_AP_ERR_NOT_US (35)"
    );
    for (service, served) in [
        (ServiceName::Name(Name::new(&["HTTP", "www.example.com"])), false),
        (ServiceName::Name(Name::new(&["host", "www.example.com"])), true),
        (ServiceName::AnyOf(vec![ours.clone()]), false),
        (ServiceName::AnyOf(vec![ours, host.clone()]), true),
        (ServiceName::AnyKey, true),
    ] {
        let acceptor = acceptor(service, &SharedReplay::new());
        match accept(&mut realm, &acceptor, &token) {
            Ok(context) => assert!(served && *context.server() == host),
            Err(error) => assert!(
                !served && matches!(error.cause(), Cause::WrongService { .. }),
                "{error}"
            ),
        }
    }
}

#[test]
fn ticket_relabelled_for_our_service_does_not_open() {
    let mut realm = realm();
    let ours = realm.service_key(3);
    realm.service_key = Arc::new(LongTermKey::from(Key::generate(AES256, &mut realm.rng).unwrap()));
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    let keys = Arc::new(MemoryKeys::new(vec![ours]));
    let service = ServiceName::Principal(realm.service.clone());
    let acceptor = Acceptor::new(AcceptorParams::new(keys, service, realm.replay.clone()));
    let error = refused(&mut realm, &acceptor, &token);
    assert_eq!(
        (error.major(), error.code()),
        (Major::NoCredential, Some(ErrorCode::KRB_AP_ERR_MODIFIED))
    );
    assert_eq!(
        error.to_string(),
        "no key decrypts the ticket for HTTP/www.example.com@EXAMPLE.COM with aes256-cts-hmac-sha1-96 (18), kvno 3: \
         KRB_AP_ERR_MODIFIED (41); keys tried: HTTP/www.example.com@EXAMPLE.COM aes256-cts-hmac-sha1-96 (18) kvno 3"
    );
}

#[test]
fn missing_key_says_what_was_looked_for_and_what_was_there() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    let aes128 = LongTermKey::from(Key::generate(EncryptionType(17), &mut realm.rng).unwrap());
    let key = ServiceKey {
        principal: realm.service.clone(),
        kvno: 2,
        key: Arc::new(aes128),
    };
    let keys = Arc::new(MemoryKeys::new(vec![key]));
    let service = ServiceName::Principal(realm.service.clone());
    let acceptor = Acceptor::new(AcceptorParams::new(keys, service, realm.replay.clone()));
    let error = refused(&mut realm, &acceptor, &token);
    assert_eq!(
        (error.major(), error.code()),
        (Major::NoCredential, Some(ErrorCode::KRB_AP_ERR_NOKEY))
    );
    assert_eq!(
        error.to_string(),
        "no key for HTTP/www.example.com@EXAMPLE.COM with aes256-cts-hmac-sha1-96 (18), kvno 3: \
         KRB_AP_ERR_NOKEY (45); keys there: HTTP/www.example.com@EXAMPLE.COM aes128-cts-hmac-sha1-96 (17) kvno 2"
    );
}

/// A key of our service that opens no ticket.
fn other_key(realm: &mut TestRealm, kvno: u32) -> ServiceKey {
    let key = Arc::new(LongTermKey::from(Key::generate(AES256, &mut realm.rng).unwrap()));
    ServiceKey {
        principal: realm.service.clone(),
        kvno,
        key,
    }
}

fn acceptor_with(realm: &TestRealm, keys: Vec<ServiceKey>) -> Acceptor {
    let service = ServiceName::Principal(realm.service.clone());
    Acceptor::new(AcceptorParams::new(
        Arc::new(MemoryKeys::new(keys)),
        service,
        realm.replay.clone(),
    ))
}

#[test]
fn pitfall_4_1_several_keys_and_drifted_kvnos() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    let keys = vec![
        other_key(&mut realm, 3),
        other_key(&mut realm, 9),
        realm.service_key(200),
        other_key(&mut realm, 1),
    ];
    let acceptor = acceptor_with(&realm, keys);
    accept(&mut realm, &acceptor, &token).unwrap();
}

/// A stranger's token costs 16 decryptions at the most: the key with the ticket's kvno (3) comes first, then the newest.
#[test]
fn the_number_of_keys_tried_is_bounded() {
    for (kvno, opens) in [(3, true), (2, false), (200, true)] {
        let mut realm = realm();
        let params = raw(realm.credential());
        let (token, _) = one_way_token(&mut realm, params);
        let mut keys: Vec<ServiceKey> = (100..116).map(|kvno| other_key(&mut realm, kvno)).collect();
        keys.push(realm.service_key(kvno));
        let acceptor = acceptor_with(&realm, keys);
        if opens {
            accept(&mut realm, &acceptor, &token).unwrap();
            continue;
        }
        let error = refused(&mut realm, &acceptor, &token);
        let Cause::WrongKey { tried, .. } = error.cause() else {
            panic!("{error}")
        };
        assert_eq!(tried.len(), 16);
    }
}

#[test]
fn what_an_initiator_does_not_take() {
    let mut realm = realm();
    let now = realm.now();
    let initiator = Initiator::krb5(raw(realm.credential())).unwrap();
    let error = initiator.answer(b"hint", now, &mut realm.rng).unwrap_err();
    assert_eq!(
        error.to_string(),
        "context token: expected none before the initiator's first"
    );
    for (answer, text) in [
        (None, "expected an AP-REP or KRB-ERROR, but found another message"),
        (
            Some(vec![0x60; 200_000]),
            "expected at most 131072 octets, but found 200000",
        ),
    ] {
        let initiator = Initiator::krb5(raw(realm.credential())).unwrap();
        let Step::Continue { token, next } = initiator.start(now, &mut realm.rng).unwrap() else {
            panic!("mutual")
        };
        let error = next
            .step(&answer.unwrap_or(token), now, &mut realm.rng)
            .unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn pitfall_4_1_realm_and_whole_name_from_the_ticket() {
    let mut realm = realm();
    let mut credential = realm.credential();
    // The authenticator is made from the credential's client.
    for other in [
        Principal::new("EXAMPLE.COM", &["alice"]),
        Principal::new("EVIL.COM", &["alice", "admin"]),
        Principal::new("EXAMPLE.COM", &["alice/admin"]),
        Principal::new("EXAMPLE.COM", &["Alice", "admin"]),
    ] {
        credential.client = other;
        let (token, _) = one_way_token(&mut realm, raw(credential.clone()));
        let acceptor = realm.acceptor();
        assert_eq!(
            refused(&mut realm, &acceptor, &token).code(),
            Some(ErrorCode::KRB_AP_ERR_BADMATCH)
        );
    }
    let name = realm.client.name.clone().with_type(NameType::NT_ENTERPRISE);
    credential.client = Principal {
        name,
        ..realm.client.clone()
    };
    let (token, _) = one_way_token(&mut realm, raw(credential));
    let acceptor = realm.acceptor();
    assert_eq!(
        *accept(&mut realm, &acceptor, &token).unwrap().client(),
        realm.client
    );
}

/// An AP-REQ token with an authenticator of our making.
fn token_with(realm: &mut TestRealm, params: ApParams) -> Vec<u8> {
    let credential = realm.credential();
    let now = realm.now();
    let (message, _) = ApInitiator::start(&credential, params, now, &mut realm.rng).unwrap();
    token::frame_ap_req(FRAMED, &message)
}

#[test]
fn bare_request_is_answered_bare() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let credential = realm.credential();
    let now = realm.now();
    let flags = one_way() | ContextFlags::MUTUAL;
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, flags);
    let checksum = Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes()));
    let params = ApParams {
        checksum,
        seq_number: Some(9),
        ..ApParams::default()
    };
    let (message, pending) = ApInitiator::start(&credential, params, now, &mut realm.rng).unwrap();
    let now = realm.now();
    match acceptor.step(&message, now, &mut realm.rng).unwrap() {
        Step::Done {
            token: Some(token), ..
        } => {
            assert!(pending.reply(&token).unwrap().acceptor_subkey.is_some());
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn pitfall_4_1_error_code_reaches_the_initiator() {
    for spnego in [false, true] {
        let mut realm = realm();
        let acceptor = realm.acceptor();
        let now = realm.now();
        let params = InitiatorParams::new(realm.credential()).with_spnego(spnego);
        let step = Initiator::krb5(params)
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap();
        let Step::Continue { token, next } = step else {
            panic!("mutual")
        };
        realm.seconds += 432;
        let now = realm.now();
        let mut error = acceptor.step(&token, now, &mut realm.rng).unwrap_err();
        assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_SKEW));
        let answer = error.take_token().unwrap();
        realm.seconds -= 432;
        let now = realm.now();
        let told = next.step(&answer, now, &mut realm.rng).unwrap_err();
        assert_eq!(
            (told.major(), told.code()),
            (Major::PeerRefused, Some(ErrorCode::KRB_AP_ERR_SKEW))
        );
        let Cause::Protocol(kerbside_protocol::ProtocolError::Refused(refusal)) = told.cause() else {
            panic!("{told}")
        };
        assert_eq!(refusal.server_time.seconds(), START + 432);
    }
}

#[test]
fn error_tokens_can_be_switched_off() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let (token, _) = one_way_token(&mut realm, params);
    realm.seconds += 400;
    let acceptor = Acceptor::new(realm.acceptor_params().with_error_tokens(false));
    assert_eq!(refused(&mut realm, &acceptor, &token).token(), None);
}

#[test]
fn first_tokens_that_are_not_accepted() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    for (token, text) in [
        (vec![], "context token: it is empty"),
        (
            b"NTLMSSP\0\x01\0\0\0".to_vec(),
            "but found NTLMSSP (1.3.6.1.4.1.311.2.2.10), which",
        ),
        (
            gss_token::wrap(oids::IAKERB, &[5, 1]),
            "but found IAKERB (1.3.6.1.5.2.5), which",
        ),
        (
            gss_token::wrap(oids::KRB5_U2U, &[4, 0]),
            "but found krb5 user to user (1.2.840.113554.1.2.2.3), which",
        ),
        (
            gss_token::wrap(oids::KRB5, &[]),
            "shorter than its token identifier",
        ),
        (
            gss_token::wrap(oids::KRB5, &[1]),
            "shorter than its token identifier",
        ),
        (
            gss_token::wrap(oids::KRB5, &[9, 9, 0x6e, 0]),
            "expected token identifier",
        ),
        (
            gss_token::wrap(oids::KRB5, &[2, 0, 0x6f, 0]),
            "expected an AP-REQ, but found another message",
        ),
        (
            gss_token::wrap(oids::KRB5, &[1, 0, 0x6f, 0]),
            "not the one that the token identifier says",
        ),
        (gss_token::wrap(oids::KRB5, &[1, 0, 0x6e, 0]), "ApReq"),
        (
            vec![0x60; 200_000],
            "expected at most 131072 octets, but found 200000",
        ),
    ] {
        let error = refused(&mut realm, &acceptor, &token);
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn session_keys_of_unsupported_enctypes_are_refused_by_name() {
    let mut realm = realm();
    let credential = realm.credential_with(|part| part.key.keytype = EncryptionType::RC4_HMAC);
    let (token, _) = one_way_token(&mut realm, raw(credential));
    let acceptor = realm.acceptor();
    let error = refused(&mut realm, &acceptor, &token);
    assert!(error.to_string().contains("arcfour-hmac"), "{error}");
}
