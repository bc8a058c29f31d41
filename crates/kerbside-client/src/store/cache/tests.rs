#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use super::*;
use kerbside_asn1::{KerberosTime, Principal, TicketFlags};
use kerbside_crypto::{EncryptionType, Key, SessionKey};

fn credential(client: &Principal, service: &str, end: i64) -> Credential {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[9; 16]).unwrap();
    Credential {
        client: client.clone(),
        server: Principal::new("R", &[service, "host"]),
        session_key: SessionKey::from(key),
        auth_time: KerberosTime::from_unix_seconds(1),
        start_time: KerberosTime::EPOCH,
        end_time: KerberosTime::from_unix_seconds(end),
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: TicketFlags::default(),
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: vec![1, 2, 3],
        second_ticket: Vec::new(),
    }
}

fn alice() -> Principal {
    Principal::new("R", &["alice"])
}

fn services(cache: &CredentialCache) -> Vec<String> {
    cache
        .credentials()
        .map(|credential| credential.server.to_string())
        .collect()
}

/// All kinds of cache behave alike.
#[test]
fn made_added_to_read_and_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    for name in [
        CacheName::File(dir.path().join("cc")),
        CacheName::Memory("x".to_owned()),
        CacheName::Dir(dir.path().join("collection")),
        CacheName::DirFile(dir.path().join("another").join("tktmail")),
        CacheName::Keyring("thread:all".to_owned()),
    ] {
        let store = CacheStore::new();
        let missing = |result: Result<(), Error>| {
            matches!(
                result,
                Err(Error::Cache {
                    fault: CacheFault::File(FileFault::NotFound),
                    ..
                })
            )
        };
        assert!(missing(store.read(&name).map(drop)));
        assert!(missing(store.add(&name, &credential(&alice(), "a", 10))));
        assert!(missing(store.destroy(&name)));
        store.initialize(&name, &CredentialCache::new(alice())).unwrap();
        store.add(&name, &credential(&alice(), "a", 10)).unwrap();
        store.add(&name, &credential(&alice(), "b", 10)).unwrap();
        let mut added = services(&store.read(&name).unwrap());
        // The kernel keeps keys in an order of its own.
        added.sort();
        assert_eq!(added, ["a/host@R", "b/host@R"]);
        let other = Principal::new("R", &["mallory"]);
        assert!(matches!(
            store.add(&name, &credential(&other, "a", 10)),
            Err(Error::Cache {
                fault: CacheFault::OtherPrincipal { .. },
                ..
            })
        ));
        // A new login leaves nothing of the old one.
        store
            .initialize(&name, &CredentialCache::new(other.clone()))
            .unwrap();
        let cache = store.read(&name).unwrap();
        assert_eq!((cache.primary, cache.entries.len()), (other, 0));
        store.destroy(&name).unwrap();
        assert!(missing(store.read(&name).map(drop)));
    }
}

#[test]
fn a_clone_sees_the_same_memory_and_another_store_does_not() {
    let name = CacheName::Memory("x".to_owned());
    let store = CacheStore::new();
    store.initialize(&name, &CredentialCache::new(alice())).unwrap();
    assert!(store.clone().read(&name).is_ok());
    assert!(CacheStore::new().read(&name).is_err());
}

#[test]
fn a_foreign_file_is_never_overwritten_added_to_or_destroyed() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("notes.txt");
    let name = CacheName::File(path.clone());
    let store = CacheStore::new();
    for text in [&b"my notes"[..], b"\x05", b"\x05\x09xx"] {
        std::fs::write(&path, text).unwrap();
        assert!(store.read(&name).is_err());
        assert!(
            store.initialize(&name, &CredentialCache::new(alice())).is_err(),
            "{text:?}"
        );
        assert!(store.add(&name, &credential(&alice(), "a", 10)).is_err());
        if text.len() > 1 {
            assert!(store.destroy(&name).is_err(), "{text:?}");
        }
        assert!(!path.exists() || std::fs::read(&path).unwrap() == text);
    }
}

#[test]
fn a_damaged_cache_is_kept_until_it_is_destroyed_on_purpose() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cc");
    let name = CacheName::File(path.clone());
    let store = CacheStore::new();
    store.initialize(&name, &CredentialCache::new(alice())).unwrap();
    store.add(&name, &credential(&alice(), "a", 10)).unwrap();
    let mut bytes = std::fs::read(&path).unwrap();
    bytes.truncate(bytes.len() - 1);
    std::fs::write(&path, &bytes).unwrap();
    let text = store.read(&name).unwrap_err().to_string();
    assert!(text.contains("damaged credential cache at byte"), "{text}");
    assert!(store.initialize(&name, &CredentialCache::new(alice())).is_err());
    assert!(store.add(&name, &credential(&alice(), "b", 10)).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), bytes);
    store.destroy(&name).unwrap();
    assert!(!path.exists());
}

#[test]
fn an_empty_file_is_a_place_for_a_cache() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cc");
    std::fs::write(&path, b"").unwrap();
    let name = CacheName::File(path);
    let store = CacheStore::new();
    assert!(matches!(
        store.read(&name),
        Err(Error::Cache {
            fault: CacheFault::Empty,
            ..
        })
    ));
    assert!(store.add(&name, &credential(&alice(), "a", 10)).is_err());
    store.initialize(&name, &CredentialCache::new(alice())).unwrap();
    assert!(store.read(&name).is_ok());
}

#[test]
fn unknown_types_are_refused_by_name() {
    let store = CacheStore::new();
    for (text, rest) in [
        ("API:x", "API, which is of Windows and macOS alone"),
        ("NONESUCH:", "NONESUCH"),
    ] {
        let name = CacheName::parse(std::ffi::OsStr::new(text));
        let expected = format!(
            "credential cache {text}: type: expected FILE, DIR, MEMORY, KEYRING or KCM, but found {rest}"
        );
        assert_eq!(store.read(&name).unwrap_err().to_string(), expected);
        assert_eq!(
            store
                .initialize(&name, &CredentialCache::new(alice()))
                .unwrap_err()
                .to_string(),
            expected
        );
        assert_eq!(store.destroy(&name).unwrap_err().to_string(), expected);
    }
}

#[test]
fn a_cache_of_version_3_becomes_version_4_when_a_ticket_is_added() {
    // Version 3 with the principal alice@R and no ticket.
    let mut old = vec![5, 3, 0, 0, 0, 1, 0, 0, 0, 1, 0, 0, 0, 1, b'R', 0, 0, 0, 5];
    old.extend_from_slice(b"alice");
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("cc");
    std::fs::write(&path, &old).unwrap();
    let name = CacheName::File(path.clone());
    let store = CacheStore::new();
    store.add(&name, &credential(&alice(), "a", 10)).unwrap();
    assert_eq!(services(&store.read(&name).unwrap()), ["a/host@R"]);
    assert!(std::fs::read(&path).unwrap().starts_with(&[5, 4]));
}

#[test]
fn readers_never_see_a_part_of_a_ticket() {
    let dir = tempfile::tempdir().unwrap();
    let name = CacheName::File(dir.path().join("cc"));
    let store = CacheStore::new();
    store.initialize(&name, &CredentialCache::new(alice())).unwrap();
    std::thread::scope(|scope| {
        for service in ["a", "b"] {
            let (store, name) = (&store, &name);
            scope.spawn(move || {
                for _ in 0..20 {
                    store.add(name, &credential(&alice(), service, 10)).unwrap();
                }
            });
        }
        for _ in 0..20 {
            store.read(&name).unwrap();
        }
    });
    assert_eq!(store.read(&name).unwrap().credentials().count(), 40);
}
