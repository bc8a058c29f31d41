#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use kerbside_asn1::{KerberosTime, Principal, Realm};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, LongTermKey};

use super::{client_keys, reply_key, session_enctype, ticket_key};
use crate::{KdcPolicy, KeyData, PrincipalEntry};

const A128: EncryptionType = EncryptionType::AES128_CTS_HMAC_SHA1_96;
const A256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;
const S256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA384_192;
const RC4: EncryptionType = EncryptionType::RC4_HMAC;

fn entry(keys: &[(u32, EncryptionType)]) -> PrincipalEntry {
    let mut entry = PrincipalEntry::new(Principal::new("R", &["x"]), KerberosTime::EPOCH);
    for (kvno, etype) in keys {
        let length = etype.key_len().unwrap();
        let key = Key::new(*etype, &[7; 32][..length]).unwrap();
        entry.keys.push(KeyData::new(*kvno, LongTermKey::from(key)));
    }
    entry
}

fn policy() -> KdcPolicy {
    KdcPolicy::new(Realm::new("R"))
}

#[test]
fn the_reply_key_follows_the_clients_order() {
    let client = entry(&[(1, A256), (1, A128)]);
    assert_eq!(
        reply_key(&client, &[A128, A256], &policy())
            .unwrap()
            .key
            .enctype(),
        A128
    );
    assert_eq!(
        reply_key(&client, &[RC4, S256, A256, A128], &policy())
            .unwrap()
            .key
            .enctype(),
        A256
    );
    assert!(reply_key(&client, &[RC4, S256], &policy()).is_none());
    assert!(reply_key(&client, &[], &policy()).is_none());
}

#[test]
fn an_old_key_does_not_count() {
    let client = entry(&[(1, A128), (2, A256)]);
    assert!(reply_key(&client, &[A128], &policy()).is_none());
    assert_eq!(ticket_key(&client, &policy()).unwrap().kvno, 2);
}

#[test]
fn a_repeated_enctype_counts_once() {
    let client = entry(&[(1, A128), (1, A256)]);
    let found: Vec<_> = client_keys(&client, &[A256, A256, A128, A256], &policy())
        .map(|key| key.key.enctype())
        .collect();
    assert_eq!(found, [A256, A128]);
}

#[test]
fn the_ticket_key_follows_the_servers_order_and_the_policy() {
    let server = entry(&[(3, A128), (3, A256)]);
    assert_eq!(ticket_key(&server, &policy()).unwrap().key.enctype(), A128);
    let mut strict = policy();
    strict.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![A256]);
    assert_eq!(ticket_key(&server, &strict).unwrap().key.enctype(), A256);
    strict.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![S256]);
    assert!(ticket_key(&server, &strict).is_none());
}

#[test]
fn the_session_key_is_one_both_sides_take() {
    let server = entry(&[(3, A128)]);
    assert_eq!(
        session_enctype(&server, false, &[A256, A128], &policy()),
        Some(A128)
    );
    assert_eq!(
        session_enctype(&server, true, &[A256, A128], &policy()),
        Some(A256)
    );
    assert_eq!(session_enctype(&server, false, &[A256], &policy()), None);
    assert_eq!(
        session_enctype(&server, true, &[RC4, EncryptionType(4711)], &policy()),
        None
    );
}

#[test]
fn session_enctypes_override_the_keys() {
    let mut server = entry(&[(3, A128)]);
    server.strings.insert(
        "session_enctypes".into(),
        "aes256-cts nonsense, aes256-sha2".into(),
    );
    assert_eq!(
        session_enctype(&server, false, &[A128, A256], &policy()),
        Some(A256)
    );
    assert_eq!(
        session_enctype(&server, true, &[A128, S256], &policy()),
        Some(S256)
    );
    assert_eq!(session_enctype(&server, false, &[A128], &policy()), None);
}

#[test]
fn a_list_permits_nothing_weak_or_unknown() {
    let mut lax = policy();
    lax.enctype_policy = EnctypePolicy::DEFAULT.with_permitted(vec![RC4, EncryptionType(4711), A128]);
    assert!(!lax.permits(RC4));
    assert!(!lax.permits(EncryptionType(4711)));
    assert!(lax.permits(A128));
    lax.enctype_policy = lax.enctype_policy.with_rc4(true);
    assert!(lax.permits(RC4));
}
