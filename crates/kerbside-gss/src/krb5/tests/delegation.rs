//! Credentials handed on, and what must not be taken for one.

use kerbside_crypto::SessionKey;
use kerbside_formats::kirbi::Kirbi;

use super::*;
use crate::DelegationPolicy;

/// A forwarded ticket-granting ticket of `client`. Its ticket is opaque to everybody here.
pub(super) fn tgt(realm: &mut TestRealm, client: &Principal) -> Credential {
    let krbtgt = Principal::new("EXAMPLE.COM", &["krbtgt", "EXAMPLE.COM"]);
    let service = core::mem::replace(&mut realm.service, krbtgt);
    let mut tgt = realm.credential();
    realm.service = service;
    tgt.client = client.clone();
    tgt.session_key = SessionKey::from(Key::generate(AES256, &mut realm.rng).unwrap());
    tgt.flags = TicketFlags::FORWARDABLE | TicketFlags::FORWARDED;
    tgt
}

fn trusted(mut credential: Credential) -> Credential {
    credential.flags |= TicketFlags::OK_AS_DELEGATE;
    credential
}

#[test]
fn a_forwarded_ticket_arrives() {
    for session_enctype in EncryptionType::IMPLEMENTED {
        for (spnego, mutual) in [(false, false), (false, true), (true, true)] {
            let mut realm = TestRealm::new(AES256, session_enctype);
            let client = realm.client.clone();
            let tgt = tgt(&mut realm, &client);
            let mut flags = one_way();
            if mutual {
                flags |= ContextFlags::MUTUAL;
            }
            let params = InitiatorParams::new(realm.credential())
                .with_spnego(spnego)
                .with_flags(flags)
                .with_enctypes(EnctypePolicy::ALLOW_ALL)
                .with_delegation(tgt.clone(), DelegationPolicy::Always);
            let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(EnctypePolicy::ALLOW_ALL));
            let mut both = realm.establish(params, &acceptor).unwrap();
            for context in [&both.initiator, &both.acceptor] {
                assert_eq!(context.flags(), flags | ContextFlags::DELEGATION);
            }
            assert!(both.initiator.facts().delegated.is_none());
            let delegated = both.acceptor.facts().delegated.as_ref().unwrap();
            assert_eq!(delegated.client(), &realm.client);
            assert_eq!(delegated.tgt().server, tgt.server);
            assert_eq!(delegated.tgt().ticket, tgt.ticket);
            assert_eq!(
                delegated.tgt().session_key.expose_secret(),
                tgt.session_key.expose_secret()
            );
            assert_eq!(delegated.tgt().end_time, tgt.end_time);
            assert!(delegated.others().is_empty());
            let cache = delegated.to_cache();
            assert_eq!(cache.find(&tgt.server).unwrap().ticket, tgt.ticket);
            both.exchange_messages(&mut realm.rng);
        }
    }
}

#[test]
fn rule_10_12_kc_8_a_ticket_is_handed_on_by_policy_to_services_marked_ok_as_delegate() {
    for (policy, marked, handed_on) in [
        (DelegationPolicy::Always, false, true),
        (DelegationPolicy::OkAsDelegate, false, false),
        (DelegationPolicy::OkAsDelegate, true, true),
    ] {
        let mut realm = realm();
        let client = realm.client.clone();
        let tgt = tgt(&mut realm, &client);
        let credential = realm.credential();
        let credential = if marked { trusted(credential) } else { credential };
        let acceptor = realm.acceptor();
        let params = raw(credential).with_delegation(tgt, policy);
        let both = realm.establish(params, &acceptor).unwrap();
        for context in [&both.initiator, &both.acceptor] {
            assert_eq!(context.flags().contains(ContextFlags::DELEGATION), handed_on);
        }
        assert_eq!(both.acceptor.facts().delegated.is_some(), handed_on);
    }
}

/// Nothing is handed on that nobody gave.
#[test]
fn rule_10_12_no_ticket_is_handed_on_unasked() {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let params = raw(trusted(realm.credential()));
    let both = realm.establish(params, &acceptor).unwrap();
    assert!(!both.acceptor.flags().contains(ContextFlags::DELEGATION));
    assert!(both.acceptor.facts().delegated.is_none());
}

#[test]
fn what_an_initiator_does_not_hand_on() {
    let mut realm = realm();
    let client = realm.client.clone();
    let good = tgt(&mut realm, &client);
    let service = realm.credential();
    let other = tgt(&mut realm, &Principal::new("EXAMPLE.COM", &["bob"]));
    let mut over = good.clone();
    over.end_time = KerberosTime::from_unix_seconds(START - 1);
    let mut large = good.clone();
    large.ticket = asn1::encode(&asn1::Ticket {
        tkt_vno: 5,
        realm: "EXAMPLE.COM".into(),
        sname: good.server.to_wire(),
        enc_part: EncryptedData {
            etype: AES256,
            kvno: None,
            cipher: &vec![7; 65_400],
        },
    })
    .unwrap();
    for (ticket, text) in [
        (service, "is not a ticket-granting ticket"),
        (other, "another client's"),
        (over, "expired at"),
        (large, "expected at most 65535 octets, but found 65"),
    ] {
        let params = raw(realm.credential()).with_delegation(ticket, DelegationPolicy::Always);
        let now = realm.now();
        let error = Initiator::krb5(params)
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

/// An AP-REQ token with this KRB-CRED in it.
fn token_with_krb_cred(realm: &mut TestRealm, credential: &Credential, krb_cred: &[u8]) -> Vec<u8> {
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, one_way()).with_krb_cred(krb_cred);
    let params = ApParams {
        mutual: false,
        checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
        ..ApParams::default()
    };
    let now = realm.now();
    let (message, _) = ApInitiator::start(credential, params, now, &mut realm.rng).unwrap();
    token::frame_ap_req(FRAMED, &message)
}

fn refusal_of(realm: &mut TestRealm, credential: &Credential, krb_cred: &[u8]) -> GssError {
    let token = token_with_krb_cred(realm, credential, krb_cred);
    let acceptor = realm.acceptor();
    refused(realm, &acceptor, &token)
}

#[test]
fn rule_10_12_a_krb_cred_of_another_client_is_refused() {
    let mut realm = realm();
    let credential = realm.credential();
    for other in [
        Principal::new("EXAMPLE.COM", &["bob"]),
        Principal::new("EXAMPLE.COM", &["alice"]),
        Principal::new("EVIL.COM", &["alice", "admin"]),
        Principal::new("EXAMPLE.COM", &["alice/admin"]),
    ] {
        let planted = tgt(&mut realm, &other);
        let own = realm.client.clone();
        let own = tgt(&mut realm, &own);
        for tickets in [vec![planted.clone()], vec![own, planted]] {
            let krb_cred = Kirbi::new(tickets)
                .to_encrypted_bytes(&credential.session_key, &mut realm.rng)
                .unwrap();
            let error = refusal_of(&mut realm, &credential, &krb_cred);
            assert!(
                error
                    .to_string()
                    .contains("expected a ticket of alice/admin@EXAMPLE.COM, but found one of"),
                "{error}"
            );
            assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_BADMATCH));
        }
    }
}

#[test]
fn krb_creds_that_are_not_taken() {
    let mut realm = realm();
    let client = realm.client.clone();
    let credential = realm.credential();
    let own = tgt(&mut realm, &client);
    let key = &credential.session_key;
    let other_key = Key::generate(AES256, &mut realm.rng).unwrap();
    let service_ticket = realm.credential();
    let mut over = own.clone();
    over.end_time = KerberosTime::from_unix_seconds(START - 400);
    let encrypted = |realm: &mut TestRealm, tickets: Vec<Credential>, key: &Key| {
        Kirbi::new(tickets)
            .to_encrypted_bytes(key, &mut realm.rng)
            .unwrap()
    };
    let under_another_key = encrypted(&mut realm, vec![own.clone()], &other_key);
    let without_tgt = encrypted(&mut realm, vec![service_ticket], key);
    let none = encrypted(&mut realm, vec![], key);
    let ended = encrypted(&mut realm, vec![over], key);
    let many = encrypted(&mut realm, vec![own.clone(); 9], key);
    for (krb_cred, text) in [
        (under_another_key, "delegated credential"),
        (without_tgt, "no ticket-granting ticket"),
        (none, "no ticket-granting ticket"),
        (ended, "the ticket ended at"),
        (many, "expected at most 8 elements"),
        (Vec::new(), "delegated credential"),
        (vec![0x76, 0], "delegated credential"),
    ] {
        let error = refusal_of(&mut realm, &credential, &krb_cred);
        assert!(error.to_string().contains(text), "{error}");
        assert_eq!(error.major(), Major::DefectiveToken);
    }
}

/// Under the subkey old peers, not encrypted a second time Heimdal.
#[test]
fn krb_creds_of_other_implementations_are_taken() {
    let mut realm = realm();
    let client = realm.client.clone();
    let credential = realm.credential();
    let own = tgt(&mut realm, &client);
    let plain = Kirbi::new([own]).to_plain_bytes().unwrap();
    let token = token_with_krb_cred(&mut realm, &credential, &plain);
    let acceptor = realm.acceptor();
    let context = accept(&mut realm, &acceptor, &token).unwrap();
    assert!(context.flags().contains(ContextFlags::DELEGATION));
    assert_eq!(context.facts().delegated.as_ref().unwrap().client(), &client);
}

/// Each octet of a KRB-CRED, altered before it is encrypted into the authenticator as a hostile client would, gives a
/// refusal, or the same ticket of the same client. Unprotected are the ticket's own outside (the KDC's affair) and kvno.
#[test]
fn rule_10_22_every_octet_of_a_krb_cred_counts() {
    let mut realm = realm();
    let client = realm.client.clone();
    let credential = realm.credential();
    let own = tgt(&mut realm, &client);
    let krb_cred = Kirbi::new([own.clone()])
        .to_encrypted_bytes(&credential.session_key, &mut realm.rng)
        .unwrap();
    let mut take = |krb_cred: &[u8]| {
        realm.replay = SharedReplay::new();
        let token = token_with_krb_cred(&mut realm, &credential, krb_cred);
        let acceptor = realm.acceptor();
        accept(&mut realm, &acceptor, &token).ok()
    };
    assert!(take(&krb_cred).is_some());
    let ticket = locate(&krb_cred, 0, &[0, 2]);
    let mut same = 0;
    for index in 0..krb_cred.len() {
        for change in [0x01, 0x10, 0x80, 0xff] {
            let mut altered = krb_cred.clone();
            altered[index] ^= change;
            let Some(context) = take(&altered) else { continue };
            assert!(
                ticket.contains(&index),
                "octet {index} ^ {change:#x} was accepted"
            );
            let delegated = context.facts().delegated.clone().unwrap();
            assert_eq!(delegated.client(), &client);
            assert_eq!(delegated.tgt().server, own.server);
            same += 1;
        }
    }
    assert!(same > 0, "the ticket's octets are altered too");
    for length in 0..krb_cred.len() {
        assert!(take(&krb_cred[..length]).is_none(), "{length}");
    }
    assert!(take(&[&krb_cred[..], &[0]].concat()).is_none());
}

#[test]
fn rule_10_17_what_is_handed_on_shows_no_key() {
    let mut realm = realm();
    let client = realm.client.clone();
    let own = tgt(&mut realm, &client);
    let key = own.session_key.expose_secret().to_vec();
    let params = raw(realm.credential()).with_delegation(own, DelegationPolicy::Always);
    let acceptor = realm.acceptor();
    let before = alloc::format!("{params:?}");
    let both = realm.establish(params, &acceptor).unwrap();
    let after = alloc::format!("{:?} {:?}", both.initiator, both.acceptor);
    assert!(after.contains("krbtgt"));
    let shown = [
        alloc::format!("{key:?}"),
        hex::encode(&key),
        alloc::format!("{key:02x?}"),
    ];
    for form in shown {
        let form = form.trim_matches(['[', ']']);
        assert!(!before.contains(form) && !after.contains(form));
    }
}
