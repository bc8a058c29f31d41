//! Every enctype in every place: reply, ticket, session key, subkey; and what the policies of both sides refuse.

use std::sync::Arc;

use kerbside_asn1::{AdType, AuthorizationData, AuthorizationDataElement, ErrorCode};
use kerbside_crypto::{CryptoError, EncryptionType, EnctypePolicy, Key, LongTermKey, Password};
use kerbside_kdc::{KeyData, PrincipalEntry};
use kerbside_protocol::{
    Answer, ApInitiator, ApParams, ApReqParsed, AsDone, AsParams, AuthenticatorPolicy, Credential,
    DecryptedTicket, ProtocolError, ReplyParams, TgsDone, TgsParams, Verdict,
};

use crate::requests::AsRequest;
use crate::world::{NOW, World, code, limits, names, principal, time};

const RC4: EncryptionType = EncryptionType::RC4_HMAC;
const DES3: EncryptionType = EncryptionType::DES3_CBC_SHA1_KD;
const AES: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;
static ALL: EnctypePolicy = EnctypePolicy::ALLOW_ALL;

/// A realm in which every principal has keys of these types alone. Its KDC permits all.
fn world(enctypes: &[EncryptionType]) -> World {
    let mut world = World::new();
    world.policy(|policy| policy.enctype_policy = ALL.clone());
    let entries: Vec<Arc<PrincipalEntry>> = world.entries.values().cloned().collect();
    for entry in entries {
        let mut entry = (*entry).clone();
        entry.keys = enctypes
            .iter()
            .map(|enctype| key(&mut world, &entry, *enctype))
            .collect();
        world.put(entry);
    }
    world
}

fn key(world: &mut World, entry: &PrincipalEntry, enctype: EncryptionType) -> KeyData {
    let key = if entry.password_keys {
        let salt = entry.principal.default_salt();
        Key::from_password_with_policy(enctype, &Password::from("secret"), &salt, None, &limits(), &ALL)
    } else {
        Key::generate_with_policy(enctype, &mut world.rng, &ALL)
    };
    KeyData::new(1, LongTermKey::from(key.unwrap()))
}

fn asking(enctypes: &[EncryptionType], policy: &EnctypePolicy) -> AsParams {
    let mut params = AsParams::new(principal("alice"));
    params.enctypes = enctypes.to_vec();
    params.enctype_policy = policy.clone();
    params
}

fn login(world: &mut World, enctype: EncryptionType) -> AsDone {
    world.login(asking(&[enctype], &ALL), "secret").unwrap()
}

fn ticket(world: &mut World, tgt: Credential, enctype: EncryptionType) -> Result<TgsDone, ProtocolError> {
    ticket_with(world, tgt, enctype, |_| {})
}

fn ticket_with(
    world: &mut World,
    tgt: Credential,
    enctype: EncryptionType,
    change: impl FnOnce(&mut TgsParams),
) -> Result<TgsDone, ProtocolError> {
    let mut params = TgsParams::new(tgt, principal("HTTP/web"));
    params.enctypes = vec![enctype];
    params.enctype_policy = ALL.clone();
    change(&mut params);
    world.ticket(params)
}

fn read(world: &World, credential: &Credential) -> DecryptedTicket {
    let ticket = kerbside_asn1::decode(&credential.ticket).unwrap();
    let key = &world.entry("HTTP/web").keys[0].key.clone();
    DecryptedTicket::decrypt_with_policy(&ticket, key, &ALL).unwrap()
}

#[test]
fn every_enctype_protects_everything() {
    for enctype in EncryptionType::IMPLEMENTED {
        let mut world = world(&[enctype]);
        let tgt = login(&mut world, enctype);
        assert!(tgt.preauthenticated && tgt.enc_pa_rep_verified, "{enctype}");
        assert_eq!(tgt.reply_enctype, enctype);
        assert_eq!(tgt.credential.session_key.enctype(), enctype);
        // By key as well as by password.
        let held = world.entry("alice").keys[0].key.clone();
        let by_key = world.login_with(asking(&[enctype], &ALL), || Answer::Key(held.clone()));
        assert!(by_key.unwrap().preauthenticated);
        let done = ticket(&mut world, tgt.credential, enctype).unwrap();
        assert_eq!(done.ticket_enctype, enctype);
        assert_eq!(done.credential.session_key.enctype(), enctype);
        let read = read(&world, &done.credential);
        assert!(read.session_key().ct_eq(&done.credential.session_key));
        assert!(
            names(read.flags()).contains(&"pre-authent"),
            "{:?}",
            names(read.flags())
        );
        let line = world.last_line();
        let number = enctype.0;
        for place in ["rep=", "tkt=", "ses="] {
            let at = line.find(place).unwrap();
            let rest = &line[at..];
            let end = rest.find(')').unwrap();
            assert!(rest[..end].ends_with(&format!("({number}")), "{line}");
        }
    }
}

#[test]
fn messages_of_every_length_survive_padding() {
    for enctype in [DES3, RC4] {
        for length in 0..9 {
            let mut world = world(&[enctype]);
            let tgt = login(&mut world, enctype).credential;
            let data = vec![7; length];
            let element = AuthorizationDataElement {
                ad_type: AdType(4711),
                ad_data: &data,
            };
            let inner = kerbside_asn1::encode(&AuthorizationData(vec![element])).unwrap();
            let asked = vec![(AdType::AD_IF_RELEVANT, inner)];
            let done = ticket_with(&mut world, tgt, enctype, |params| {
                params.authorization_data.clone_from(&asked);
            });
            let read = read(&world, &done.unwrap().credential);
            assert_eq!(read.authorization_data(), asked, "{enctype}, {length}");
        }
    }
}

#[test]
fn an_ap_exchange_with_every_enctype() {
    for enctype in EncryptionType::IMPLEMENTED {
        let mut world = world(&[enctype]);
        let tgt = login(&mut world, enctype).credential;
        let credential = ticket(&mut world, tgt, enctype).unwrap().credential;
        let now = world.client_now();
        let (message, pending) =
            ApInitiator::start(&credential, ApParams::default(), now, &mut world.rng).unwrap();
        let request = ApReqParsed::parse(&message).unwrap();
        let key = world.entry("HTTP/web").keys[0].key.clone();
        let weak = matches!(enctype, RC4 | DES3);
        let by_default = request.decrypt_ticket(&key);
        assert_eq!(by_default.is_err(), weak, "{enctype}");
        let checked = request
            .decrypt_ticket_with_policy(&key, &ALL)
            .unwrap()
            .verify(&AuthenticatorPolicy::default(), now)
            .unwrap()
            .replay(Verdict::Fresh)
            .unwrap();
        let subkey = checked.initiator_subkey().unwrap().clone();
        assert_eq!(subkey.enctype(), enctype);
        let params = ReplyParams {
            subkey: Some(subkey),
            seq_number: Some(5),
        };
        let reply = checked.reply(params, &mut world.rng).unwrap();
        let established = pending.reply(&reply.message).unwrap();
        assert!(
            established.mutual && established.acceptor_subkey.is_some(),
            "{enctype}"
        );
    }
}

#[test]
fn a_client_asks_for_nothing_that_its_policy_refuses() {
    let rc4 = EnctypePolicy::DEFAULT.with_rc4(true);
    let des3 = EnctypePolicy::DEFAULT.with_des3(true);
    for (enctype, policy) in [
        (RC4, &EnctypePolicy::DEFAULT),
        (RC4, &des3),
        (DES3, &EnctypePolicy::DEFAULT),
        (DES3, &rc4),
    ] {
        let refused = |error: ProtocolError| match error {
            ProtocolError::Crypto { source, .. } => {
                assert_eq!(source, CryptoError::RefusedByPolicy { enctype })
            }
            other => panic!("{other}"),
        };
        let mut world = world(&[enctype, AES]);
        refused(
            world
                .login(asking(&[AES, enctype], policy), "secret")
                .unwrap_err(),
        );
        assert!(world.audit.is_empty(), "nothing was sent");
        let tgt = login(&mut world, AES).credential;
        let sent = world.audit.len();
        refused(
            ticket_with(&mut world, tgt, enctype, |params| {
                params.enctype_policy = policy.clone()
            })
            .unwrap_err(),
        );
        assert_eq!(world.audit.len(), sent, "nothing was sent");
    }
}

#[test]
fn a_kdc_uses_no_key_that_its_policy_refuses() {
    for enctype in [RC4, DES3] {
        let other = EnctypePolicy::DEFAULT
            .with_rc4(enctype == DES3)
            .with_des3(enctype == RC4);
        let mut world = world(&[AES, enctype]);
        world.policy(|policy| policy.enctype_policy = other.clone());
        // Reply key and session key of an AS exchange.
        assert_eq!(
            code(world.login(asking(&[enctype], &ALL), "secret")),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP
        );
        // A timestamp under a key that is there.
        let weak = world.entry("alice").current_key(enctype).unwrap().key.clone();
        let mut request = AsRequest::new("alice").timestamp(&weak, NOW, &mut world.rng);
        request.etypes = vec![AES, enctype];
        assert_eq!(
            world.error(&request.bytes()).code,
            ErrorCode::KDC_ERR_PREAUTH_FAILED
        );
        // The session key of a service ticket, which the service has a key of.
        let tgt = login(&mut world, AES).credential;
        assert_eq!(
            code(ticket(&mut world, tgt.clone(), enctype)),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP
        );
        // The key of a service ticket: the next one serves, and without a next one there is no ticket.
        world.change("HTTP/web", |web| web.keys.reverse());
        assert_eq!(ticket(&mut world, tgt.clone(), AES).unwrap().ticket_enctype, AES);
        world.change("HTTP/web", |web| {
            web.keys.retain(|key| key.key.enctype() == enctype);
            web.strings.insert("session_enctypes".into(), "aes256-cts".into());
        });
        assert_eq!(
            code(ticket(&mut world, tgt, AES)),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP
        );
        assert!(
            world.last_line().contains("CANT_FIND_SERVER_KEY"),
            "{}",
            world.last_line()
        );
    }
}

#[test]
fn a_tgt_under_a_key_no_longer_permitted_is_refused() {
    for enctype in [RC4, DES3] {
        let mut world = world(&[enctype, AES]);
        let tgt = login(&mut world, AES).credential;
        assert!(ticket(&mut world, tgt.clone(), AES).is_ok());
        world.policy(|policy| policy.enctype_policy = EnctypePolicy::DEFAULT);
        assert_eq!(code(ticket(&mut world, tgt, AES)), ErrorCode::KRB_AP_ERR_NOKEY);
    }
}

#[test]
fn a_weak_session_key_in_a_strong_ticket_is_refused() {
    for enctype in [RC4, DES3] {
        let mut world = world(&[AES, enctype]);
        let tgt = login(&mut world, enctype).credential;
        assert_eq!(tgt.session_key.enctype(), enctype);
        assert!(ticket(&mut world, tgt.clone(), AES).is_ok());
        world.policy(|policy| policy.enctype_policy = EnctypePolicy::DEFAULT);
        assert_eq!(
            code(ticket(&mut world, tgt, AES)),
            ErrorCode::KDC_ERR_ETYPE_NOSUPP
        );
    }
}

#[test]
fn hints_name_what_the_policy_permits() {
    let mut world = world(&[RC4, DES3, AES]);
    world.policy(|policy| policy.enctype_policy = EnctypePolicy::DEFAULT.with_des3(true));
    let done = world.login(asking(&[RC4, DES3, AES], &ALL), "secret").unwrap();
    assert_eq!(done.reply_enctype, DES3);
    assert_eq!(done.credential.session_key.enctype(), DES3);
    assert!(done.credential.end_time > time(NOW));
}
