//! What an acceptor holds a ticket against: addresses, transited realms, authorization data, PAC, types of keys.

use kerbside_asn1::{
    AddressType, EncTicketPart, EtypeList, HostAddress, HostAddresses, TransitedEncoding, TransitedType,
};
use kerbside_crypto::{EncryptionType as E, Subkey};
use kerbside_pac::{
    FileTime, PacBufferType, PacBuilder, PacClientInfo, PacError, PacSigning, in_if_relevant,
};

use kerbside_protocol::{ApReqParsed, AuthenticatorPolicy, ReplyParams};

use super::*;
use crate::{PacPolicy, TransitedPolicy};

/// What comes of a ticket altered so.
fn outcome(
    realm: &mut TestRealm,
    params: AcceptorParams,
    alter: impl FnOnce(&mut EncTicketPart<'_>),
) -> Result<Box<SecurityContext>, GssError> {
    let credential = realm.credential_with(alter);
    let (token, _) = one_way_token(realm, raw(credential));
    accept(realm, &Acceptor::new(params), &token)
}

#[test]
fn a_ticket_bound_to_addresses_is_for_a_client_at_one_of_them() {
    let here = (AddressType::IPV4, vec![10, 0, 0, 1]);
    let there = (AddressType::IPV4, vec![10, 0, 0, 2]);
    for (bound, client, accepted) in [
        (false, None, true),
        (false, Some(here.clone()), true),
        (true, Some(here.clone()), true),
        (true, Some(there), false),
        (true, Some((AddressType::IPV6, vec![10, 0, 0, 1])), false),
        // Without an address nothing is compared.
        (true, None, true),
    ] {
        let mut realm = realm();
        let params = realm.acceptor_params().with_client_address(client.clone());
        let (address_type, address) = (here.0, here.1.clone());
        let address = address.leak();
        let result = outcome(&mut realm, params, |part| {
            part.caddr = bound.then(|| {
                HostAddresses(vec![HostAddress {
                    addr_type: address_type,
                    address,
                }])
            });
        });
        let code = result.err().map(|error| error.code());
        let expected = (!accepted).then_some(Some(ErrorCode::KRB_AP_ERR_BADADDR));
        assert_eq!(code, expected, "{bound}, {client:?}");
    }
}

#[test]
fn realms_between_need_somebodys_word() {
    let yes = TransitedPolicy::ByKdcOr(Arc::new(|path| {
        path.contents == b"MIDDLE.COM"
            && path.client.to_string() == "EXAMPLE.COM"
            && path.server == path.client
    }));
    let no = TransitedPolicy::ByKdcOr(Arc::new(|_| false));
    for (contents, flag, policy, accepted) in [
        (&b""[..], false, TransitedPolicy::ByKdc, true),
        (b"MIDDLE.COM", true, TransitedPolicy::ByKdc, true),
        (b"MIDDLE.COM", false, TransitedPolicy::ByKdc, false),
        (b"MIDDLE.COM", false, TransitedPolicy::Any, true),
        (b"MIDDLE.COM", false, yes.clone(), true),
        (b"OTHER.COM", false, yes, false),
        (b"MIDDLE.COM", false, no.clone(), false),
        (b"MIDDLE.COM", true, no, true),
    ] {
        let mut realm = realm();
        let params = realm.acceptor_params().with_transited(policy.clone());
        let result = outcome(&mut realm, params, |part| {
            part.transited = TransitedEncoding {
                tr_type: TransitedType(1),
                contents,
            };
            if flag {
                part.flags |= TicketFlags::TRANSITED_POLICY_CHECKED;
            }
        });
        let code = result.err().map(|error| error.code());
        let expected = (!accepted).then_some(Some(ErrorCode::KRB_AP_PATH_NOT_ACCEPTED));
        assert_eq!(code, expected, "{contents:?}, {flag}, {policy:?}");
    }
}

fn one_element(ad_type: AdType, ad_data: &[u8]) -> Vec<u8> {
    asn1::encode(&AuthorizationData(vec![AuthorizationDataElement {
        ad_type,
        ad_data,
    }]))
    .unwrap()
}

/// Types that nobody here knows may be restrictions: in a ticket, in an authenticator, and within what the KDC issued.
#[test]
fn rule_10_11_kc_10_ka_4_unknown_authorization_data_outside_if_relevant_is_refused() {
    let issued = |ad_type: i32| {
        asn1::encode(&asn1::AdKdcIssued {
            ad_checksum: asn1::Checksum {
                cksumtype: ChecksumType::HMAC_SHA1_96_AES256,
                checksum: &[0; 12],
            },
            i_realm: None,
            i_sname: None,
            elements: Raw::parse(&one_element(AdType(ad_type), b"")).unwrap(),
        })
        .unwrap()
    };
    for (ad_type, data, accepted) in [
        (1, one_element(AdType(4711), b"x"), true),
        (4711, b"x".to_vec(), false),
        (-4711, b"x".to_vec(), false),
        (5, one_element(AdType(1), b""), false),
        (71, Vec::new(), false),
        (4, issued(1), true),
        (4, issued(4711), false),
        (4, b"rubbish".to_vec(), false),
        (8, one_element(AdType(4711), b"x"), true),
        // KC-10, KA-4: what Windows sends.
        (141, b"x".to_vec(), true),
        (142, b"x".to_vec(), true),
        (143, b"x".to_vec(), true),
        (144, b"x".to_vec(), true),
    ] {
        let mut realm = realm();
        let params = realm.acceptor_params();
        let element = || AuthorizationDataElement {
            ad_type: AdType(ad_type),
            ad_data: data.clone().leak(),
        };
        let in_ticket = outcome(&mut realm, params.clone(), |part| {
            part.authorization_data = Some(AuthorizationData(vec![element()]));
        });
        let checksum = AuthenticatorChecksum::new(BindingHash::NONE, one_way());
        let token = token_with(
            &mut realm,
            ApParams {
                mutual: false,
                checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
                authorization_data: vec![(AdType(ad_type), data.clone())],
                ..ApParams::default()
            },
        );
        let in_authenticator = accept(&mut realm, &Acceptor::new(params), &token);
        for (result, is_ticket) in [(in_ticket, true), (in_authenticator, false)] {
            match result {
                Ok(context) => {
                    assert!(accepted, "{ad_type}");
                    let facts = context.facts().kerberos.as_ref().unwrap();
                    let told = is_ticket.then(|| (AdType(ad_type), data.clone()));
                    assert_eq!(facts.authorization_data, Vec::from_iter(told));
                }
                Err(error) => {
                    assert!(!accepted, "{ad_type}: {error}");
                    assert!(error.to_string().contains("outside of AD-IF-RELEVANT"), "{error}");
                }
            }
        }
    }
}

/// A PAC for `client`, signed with these keys.
fn pac(client: &str, authtime: i64, server: &Key, kdc: &Key) -> Vec<u8> {
    let info = PacClientInfo {
        client_id: FileTime::from_kerberos_time(KerberosTime::from_unix_seconds(authtime)),
        name: client.into(),
    };
    PacBuilder::new()
        .with(PacBufferType::CLIENT_INFO, info.to_bytes().unwrap())
        .sign(&PacSigning {
            server,
            kdc,
            rodc_identifier: None,
            ticket: None,
            full_signature: false,
        })
        .unwrap()
}

#[test]
fn ka_1_cve_2016_2126_cve_2024_26248_a_pac_is_verified_with_the_key_that_opened_the_ticket() {
    let kdc = Key::generate(AES256, &mut realm().rng).unwrap();
    for enctype in E::IMPLEMENTED {
        let mut realm = TestRealm::new(enctype, AES256);
        let service_key = Arc::clone(&realm.service_key);
        let other = Key::generate_with_policy(enctype, &mut realm.rng, &EnctypePolicy::ALLOW_ALL).unwrap();
        let authtime = START - 7200;
        let good = pac("alice/admin", authtime, &service_key, &kdc);
        let mut altered = good.clone();
        let at = good.len() / 2;
        altered[at] ^= 1;
        let cases = [
            (Some(good.clone()), PacPolicy::Verify, Ok(true)),
            (Some(good.clone()), PacPolicy::Required, Ok(true)),
            (Some(good.clone()), PacPolicy::Ignore, Ok(false)),
            (None, PacPolicy::Verify, Ok(false)),
            (None, PacPolicy::Required, Err("found none")),
            (Some(altered.clone()), PacPolicy::Verify, Err("PAC")),
            (Some(altered), PacPolicy::Ignore, Ok(false)),
            (
                Some(pac("alice/admin", authtime, &other, &kdc)),
                PacPolicy::Verify,
                Err("PAC"),
            ),
            (
                Some(pac("bob", authtime, &service_key, &kdc)),
                PacPolicy::Verify,
                Err("bob"),
            ),
            (
                Some(pac("alice", authtime, &service_key, &kdc)),
                PacPolicy::Verify,
                Err("alice"),
            ),
            (
                Some(pac("alice/admin", authtime + 1, &service_key, &kdc)),
                PacPolicy::Verify,
                Err("PAC"),
            ),
        ];
        for (pac, policy, expected) in cases {
            let params = realm.acceptor_params().with_pac(policy);
            let data = pac.map(|pac| in_if_relevant(&pac).unwrap().leak());
            let result = outcome(&mut realm, params, |part| {
                part.authorization_data = data.map(|data| {
                    AuthorizationData(vec![AuthorizationDataElement {
                        ad_type: AdType::AD_IF_RELEVANT,
                        ad_data: data,
                    }])
                });
            });
            match (result, expected) {
                (Ok(context), Ok(has)) => {
                    let facts = context.facts().kerberos.as_ref().unwrap();
                    assert_eq!(facts.pac.is_some(), has, "{enctype} {policy:?}");
                    if let Some(pac) = &facts.pac {
                        assert_eq!(pac.client_info().name, "alice/admin");
                    }
                }
                (Err(error), Err(text)) => {
                    assert!(error.to_string().contains(text), "{enctype} {policy:?}: {error}");
                    assert!(matches!(error.cause(), Cause::Pac(_) | Cause::NoPac), "{error:?}");
                }
                (result, expected) => panic!("{enctype} {policy:?}: {result:?}, {expected:?}"),
            }
        }
    }
}

#[test]
fn ks_8_a_second_pac_is_refused() {
    let mut realm = realm();
    let kdc = Key::generate(AES256, &mut realm.rng).unwrap();
    let key = Arc::clone(&realm.service_key);
    let good = in_if_relevant(&pac("alice/admin", START - 7200, &key, &kdc)).unwrap();
    let data = good.leak();
    let params = realm.acceptor_params();
    let error = outcome(&mut realm, params, |part| {
        let element = || AuthorizationDataElement {
            ad_type: AdType::AD_IF_RELEVANT,
            ad_data: data,
        };
        part.authorization_data = Some(AuthorizationData(vec![element(), element()]));
    })
    .unwrap_err();
    assert!(
        matches!(error.cause(), Cause::Pac(PacError::SecondPac)),
        "{error}"
    );
}

/// The initiator's list in AD-IF-RELEVANT of its authenticator.
fn negotiation(list: &[EncryptionType]) -> Vec<(AdType, Vec<u8>)> {
    let list = asn1::encode(&EtypeList(list.to_vec())).unwrap();
    let container = one_element(AdType::AD_ETYPE_NEGOTIATION, &list);
    vec![(AdType::AD_IF_RELEVANT, container)]
}

/// The acceptor's subkey is of the first type in its own order that the initiator has too (RFC 4537).
#[test]
fn the_acceptor_chooses_the_type_of_its_key() {
    const SHA256: E = E::AES128_CTS_HMAC_SHA256_128;
    const SHA384: E = E::AES256_CTS_HMAC_SHA384_192;
    const AES128: E = E::AES128_CTS_HMAC_SHA1_96;
    let listed = |list: &[E]| EnctypePolicy::DEFAULT.with_permitted(list);
    for (session, list, policy, chosen) in [
        (AES128, &[AES256, AES128][..], EnctypePolicy::DEFAULT, AES256),
        (AES128, &[AES128], EnctypePolicy::DEFAULT, AES128),
        (AES128, &[], EnctypePolicy::DEFAULT, AES128),
        (SHA256, &[SHA384], EnctypePolicy::DEFAULT, SHA384),
        (SHA256, &[SHA384, SHA256], listed(&[SHA256]), SHA256),
        (
            AES128,
            &[SHA384, AES256],
            listed(&[AES128, SHA384, AES256]),
            AES128,
        ),
        (
            AES128,
            &[AES256, SHA384],
            listed(&[SHA384, AES256, AES128]),
            SHA384,
        ),
        // Not permitted here, not known at all.
        (
            AES128,
            &[E::RC4_HMAC, E(3), E(-1)],
            EnctypePolicy::DEFAULT,
            AES128,
        ),
    ] {
        let mut realm = TestRealm::new(AES256, session);
        let params = realm.acceptor_params().with_enctypes(policy);
        let flags = one_way() | ContextFlags::MUTUAL;
        let checksum = AuthenticatorChecksum::new(BindingHash::NONE, flags);
        let params_of_request = ApParams {
            checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
            authorization_data: negotiation(list),
            ..ApParams::default()
        };
        let token = token_with(&mut realm, params_of_request);
        let context = accept(&mut realm, &Acceptor::new(params), &token).unwrap();
        let facts = context.facts().kerberos.as_ref().unwrap();
        assert_eq!(facts.message_enctype, chosen, "{session}, {list:?}");
    }
}

#[test]
fn an_initiator_with_a_list_of_its_own_gets_a_better_key() {
    let list = [E::AES256_CTS_HMAC_SHA384_192, AES256];
    let mut realm = realm();
    let acceptor = Acceptor::new(
        realm
            .acceptor_params()
            .with_enctypes(EnctypePolicy::DEFAULT.with_permitted(list)),
    );
    let credential = realm.credential();
    for (policy, expected) in [
        (EnctypePolicy::DEFAULT, AES256),
        (
            EnctypePolicy::DEFAULT.with_permitted(list),
            E::AES256_CTS_HMAC_SHA384_192,
        ),
    ] {
        let params = raw(credential.clone()).with_enctypes(policy);
        let mut both = realm.establish(params, &acceptor).unwrap();
        for context in [&both.initiator, &both.acceptor] {
            let facts = context.facts().kerberos.as_ref().unwrap();
            assert_eq!((facts.session_enctype, facts.message_enctype), (AES256, expected));
        }
        both.exchange_messages(&mut realm.rng);
    }
}

/// A ticket of an old type, with what the two ends have in common beyond it.
#[test]
fn session_keys_of_older_types_get_a_better_subkey() {
    for session in [E::RC4_HMAC, E::DES3_CBC_SHA1_KD] {
        for (acceptors, expected) in [
            (EnctypePolicy::ALLOW_ALL, AES256),
            (EnctypePolicy::ALLOW_ALL.with_permitted([session]), session),
        ] {
            let mut realm = TestRealm::new(AES256, session);
            let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(acceptors));
            let params = raw(realm.credential()).with_enctypes(EnctypePolicy::ALLOW_ALL);
            let mut both = realm.establish(params, &acceptor).unwrap();
            for context in [&both.initiator, &both.acceptor] {
                let facts = context.facts().kerberos.as_ref().unwrap();
                assert_eq!(
                    (facts.session_enctype, facts.message_enctype),
                    (session, expected)
                );
            }
            both.exchange_messages(&mut realm.rng);
        }
    }
}

/// What the policy is against is refused at either end, and no acceptor can smuggle it in.
#[test]
fn keys_outside_the_policy_are_refused() {
    let strict = EnctypePolicy::DEFAULT.with_permitted([E::AES256_CTS_HMAC_SHA384_192]);
    let mut realm = realm();
    let credential = realm.credential();
    let now = realm.now();
    let error = Initiator::krb5(raw(credential.clone()).with_enctypes(strict.clone()))
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP));
    let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(strict));
    let (token, _) = one_way_token(&mut realm, raw(credential.clone()));
    let error = refused(&mut realm, &acceptor, &token);
    assert_eq!(error.code(), Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP));
    // A type that both have.
    let acceptor = Acceptor::new(
        realm
            .acceptor_params()
            .with_enctypes(EnctypePolicy::DEFAULT.with_permitted([E::CAMELLIA256_CTS_CMAC, AES256])),
    );
    let camellia = [E::CAMELLIA256_CTS_CMAC, AES256];
    let asks = raw(credential).with_enctypes(EnctypePolicy::DEFAULT.with_permitted(camellia));
    let now = realm.now();
    let Step::Continue { token, .. } = Initiator::krb5(asks).unwrap().start(now, &mut realm.rng).unwrap()
    else {
        panic!("mutual")
    };
    let context = accept(&mut realm, &acceptor, &token).unwrap();
    let facts = context.facts().kerberos.as_ref().unwrap();
    assert_eq!(facts.message_enctype, E::CAMELLIA256_CTS_CMAC);
}

/// An acceptor of another mind answers with a key of a type that the initiator's policy is against.
#[test]
fn an_acceptors_subkey_outside_the_policy_is_refused() {
    for (subkey, accepted) in [(AES256, true), (E::CAMELLIA256_CTS_CMAC, false)] {
        let mut realm = realm();
        let policy = EnctypePolicy::DEFAULT.with_permitted([AES256]);
        let params = raw(realm.credential()).with_enctypes(policy);
        let now = realm.now();
        let started = Initiator::krb5(params).unwrap().start(now, &mut realm.rng);
        let Step::Continue { token, next } = started.unwrap() else {
            panic!("mutual")
        };
        let request = ApReqParsed::parse(&gss_token::unwrap(&token).unwrap().1[2..]).unwrap();
        let checked = request
            .decrypt_ticket(&realm.service_key)
            .and_then(|ticket| ticket.verify(&AuthenticatorPolicy::default(), now))
            .and_then(|verified| verified.check_replay(&*realm.replay, now))
            .unwrap();
        let subkey = Key::generate(subkey, &mut realm.rng).unwrap();
        let params = ReplyParams {
            subkey: Some(Subkey::from(subkey)),
            seq_number: Some(7),
        };
        let reply = checked.reply(params, &mut realm.rng).unwrap();
        let token = token::frame_ap_rep(FRAMED, &reply.message);
        match next.step(&token, now, &mut realm.rng) {
            Ok(_) => assert!(accepted),
            Err(error) => {
                assert!(!accepted);
                assert_eq!(error.code(), Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP));
            }
        }
    }
}

#[test]
fn a_refusal_for_skew_tells_the_peers_clock() {
    let mut realm = realm();
    let params = raw(realm.credential());
    let now = realm.now();
    let Step::Continue { token, next } = Initiator::krb5(params)
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap()
    else {
        panic!("mutual")
    };
    realm.seconds += 1000;
    let acceptor = realm.acceptor();
    let error = refused(&mut realm, &acceptor, &token);
    let error = next
        .step(error.token().unwrap(), now, &mut realm.rng)
        .unwrap_err();
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_SKEW));
    assert_eq!(error.peer_time().unwrap().seconds(), START + 1000);
}
