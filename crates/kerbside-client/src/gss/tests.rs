#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Key, LongTermKey};
use kerbside_formats::ccache::CredentialCache;
use kerbside_formats::keytab::KeytabEntry;
use kerbside_gss::{GssName, KeySource};

use super::*;
use crate::client::Client;
use crate::config::Config;
use crate::environment::Environment;
use crate::names::{CacheName, KeytabName};
use crate::store::{CacheStore, KeytabWarning, update_keytab};

fn config() -> Config {
    let environment = Environment {
        hostname: Some("node".to_owned()),
        ..Environment::default()
    };
    let text = "[libdefaults]\ndefault_realm = R\nqualify_shortname = example.test\nclockskew = 77\n";
    Config::from_text(text, "krb5.conf", environment).unwrap()
}

fn add(path: &Path, principal: &Principal, kvno: u32) {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16]).unwrap();
    let entry = KeytabEntry::new(principal.clone(), kvno, 0, LongTermKey::from(key));
    update_keytab(&KeytabName::file(path), move |keytab| keytab.add(entry.clone())).unwrap();
}

fn service(host: &str) -> Principal {
    Principal::new("R", &["HTTP", host])
}

fn acquire(keytab: &Path, name: &str) -> Result<AcceptorCredential, Error> {
    let store = CredentialStore::from_pairs([("keytab", keytab)]).unwrap();
    AcceptorCredential::acquire(&config(), &GssName::host_based(name).unwrap(), &store)
}

#[test]
fn a_store_takes_mits_keys_and_no_others() {
    let store = CredentialStore::from_pairs([
        ("ccache", "MEMORY:x"),
        ("client_keytab", "FILE:/ck"),
        ("keytab", "/k"),
        ("rcache", "file2:/r"),
        ("password", "geheim-secret"),
    ])
    .unwrap();
    assert_eq!(store.cache(), Some(&CacheName::Memory("x".to_owned())));
    assert_eq!(store.client_keytab(), Some(&KeytabName::file("/ck")));
    assert_eq!(store.keytab, Some(KeytabName::file("/k")));
    assert_eq!(store.replay_cache.as_ref().unwrap().to_string(), "file2:/r");
    assert_eq!(store.password().unwrap().expose_secret(), b"geheim-secret");
    assert!(!format!("{store:?}").contains("geheim"), "{store:?}");
    let refused = |pairs: &[(&str, &str)]| {
        CredentialStore::from_pairs(pairs.iter().copied())
            .unwrap_err()
            .to_string()
    };
    assert_eq!(
        refused(&[("verify", "HTTP/x")]),
        "credential store: \"verify\": expected ccache, client_keytab, keytab, password or rcache"
    );
    let twice = refused(&[("password", "geheim-one"), ("password", "geheim-two")]);
    assert_eq!(
        twice,
        "credential store: \"password\": expected it once, but found it twice"
    );
}

#[test]
fn an_acceptor_is_one_service_whose_keys_are_read_again() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    add(&path, &service("node.example.test"), 1);
    let credential = acquire(&path, "HTTP").unwrap();
    assert_eq!(
        credential.service().to_string(),
        "HTTP/node.example.test in any realm"
    );
    assert!(credential.service().serves(&service("node.example.test")));
    assert!(
        !credential.service().serves(&service("other")),
        "another service of the keytab"
    );
    assert_eq!(credential.params().skew_seconds_max, 77);
    assert_eq!(credential.keys().held().len(), 1);
    add(&path, &service("node.example.test"), 2);
    assert_eq!(credential.params().keys.held().len(), 2, "ktadd while it runs");
    let any = CredentialStore::new().with_keytab(KeytabName::file(&path));
    let any = AcceptorCredential::any_service(&config(), &any).unwrap();
    assert!(any.service().serves(&service("other")));
}

/// Walkthrough D10: what is wrong with the keytab is said, by name.
#[test]
fn a_keytab_that_does_not_do_says_what_is_in_it() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    let missing = acquire(&path, "HTTP@www").unwrap_err().to_string();
    assert_eq!(missing, format!("keytab FILE:{}: not found", path.display()));
    add(&path, &service("other"), 3);
    let wrong = acquire(&path, "HTTP@www").unwrap_err().to_string();
    assert!(wrong.contains("HTTP/www"), "{wrong}");
    assert!(
        wrong.contains("HTTP/other@R") && wrong.contains('3') && wrong.contains("aes128-cts"),
        "{wrong}"
    );
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warned = acquire(&path, "HTTP@other").unwrap().warnings();
    assert_eq!(warned, [KeytabWarning::Mode { mode: 0o644 }]);
    let keys = acquire(&path, "HTTP@other").unwrap();
    assert_eq!(
        keys.params().keys.place().unwrap(),
        format!("keytab FILE:{}", path.display())
    );
    let nobody = AcceptorCredential::acquire(&config(), &GssName::Anonymous, &CredentialStore::new());
    assert!(matches!(nobody, Err(Error::BadName { .. })));
}

#[test]
fn contexts_of_one_process_share_the_replay_cache_unless_one_is_named() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    add(&path, &service("www"), 1);
    let (one, two) = (
        acquire(&path, "HTTP@www").unwrap(),
        acquire(&path, "HTTP@www").unwrap(),
    );
    let now = crate::now();
    let tag = kerbside_protocol::ReplayTag::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, b"shared", now, 300);
    use kerbside_protocol::Verdict;
    assert_eq!(one.params().replay.check(&tag, now.time), Verdict::Fresh);
    assert_eq!(two.params().replay.check(&tag, now.time), Verdict::Replayed);
    let file = format!("file2:{}", dir.path().join("r").display());
    let store = CredentialStore::from_pairs([("keytab", path.to_str().unwrap()), ("rcache", &file)]).unwrap();
    let own =
        AcceptorCredential::acquire(&config(), &GssName::host_based("HTTP@www").unwrap(), &store).unwrap();
    let later = crate::now();
    let tag =
        kerbside_protocol::ReplayTag::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, b"shared", later, 300);
    assert_eq!(own.params().replay.check(&tag, later.time), Verdict::Fresh);
    assert_eq!(std::fs::metadata(dir.path().join("r")).unwrap().len() % 16, 0);
}

#[test]
fn handed_over_tickets_are_in_memory_as_long_as_the_credential() {
    let store = CacheStore::new();
    let tickets = CredentialCache::new(Principal::new("R", &["alice"]));
    let credential = InitiatorCredential::from_tickets(&store, &tickets).unwrap();
    assert_eq!(credential.principal().unwrap().to_string(), "alice@R");
    let Source::Private(cache) = &credential.source else {
        unreachable!()
    };
    let name = cache.name.clone();
    assert_eq!(store.read(&name).unwrap().primary, tickets.primary);
    let clone = credential.clone();
    drop(credential);
    assert!(store.read(&name).is_ok());
    drop(clone);
    assert!(store.read(&name).is_err());
}

#[test]
fn what_is_missing_is_said_before_anybody_is_asked() {
    let client = Client::new(Arc::new(config()));
    let password = CredentialStore::from_pairs([("password", "x")]).unwrap();
    let error = client
        .initiator_credential(None, &password)
        .unwrap_err()
        .to_string();
    assert_eq!(
        error,
        "credential store: \"password\": expected the name of the initiator beside it"
    );
    let empty =
        CredentialStore::from_pairs([("ccache", "MEMORY:empty"), ("client_keytab", "/nonexistent/kt")]);
    let error = client.initiator_credential(None, &empty.unwrap()).unwrap_err();
    assert!(matches!(error, Error::Cache { .. }), "{error}");
    let tickets = CredentialCache::new(Principal::new("R", &["alice"]));
    let nothing = InitiatorCredential::from_tickets(client.store(), &tickets).unwrap();
    let error = client.initiator(&nothing, &GssName::Anonymous).unwrap_err();
    assert!(matches!(error, Error::BadName { .. }), "{error}");
    let error = client
        .initiator(&nothing, &GssName::host_based("HTTP@www").unwrap())
        .unwrap_err();
    assert!(matches!(error, Error::NoTgt { .. }), "{error}");
}
