#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests"
)]

use std::os::unix::fs::MetadataExt;

use kerbside_crypto::{Key, LongTermKey};

use super::*;

pub(super) const REALM: &str = "EXAMPLE.TEST";

pub(super) fn master() -> MasterKey {
    MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut system_rng()).unwrap()
}

pub(super) fn named(name: &str) -> Principal {
    Principal::new(REALM, &[name])
}

pub(super) fn entry(name: &str) -> PrincipalEntry {
    let mut entry = PrincipalEntry::new(named(name), KerberosTime::from_unix_seconds(1_800_000_000));
    let key = Key::generate(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut system_rng()).unwrap();
    entry.keys.push(KeyData::new(1, LongTermKey::from(key)));
    entry
}

fn in_memory() -> RedbStore {
    RedbStore::in_memory(
        Path::new("memory"),
        REALM,
        master(),
        &[entry("alice"), entry("bob")],
    )
    .unwrap()
}

fn key_of(entry: &PrincipalEntry) -> Vec<u8> {
    entry.keys[0].key.expose_secret().to_vec()
}

#[test]
fn what_was_inserted_is_found_and_what_was_removed_is_not() {
    let store = in_memory();
    assert!(store.lookup(&named("carol")).unwrap().is_none());
    let mut carol = entry("carol");
    carol.aliases.push(named("caroline"));
    let secret = key_of(&carol);
    store.insert(carol.clone()).unwrap();
    assert_eq!(key_of(&store.lookup(&named("carol")).unwrap().unwrap()), secret);
    assert_eq!(
        store.lookup(&named("caroline")).unwrap().unwrap().principal,
        named("carol")
    );
    assert_eq!(store.insert(carol).unwrap_err(), AdminError::Exists);
    let mut other = entry("other");
    other.aliases.push(named("caroline"));
    assert_eq!(
        store.insert(other).unwrap_err(),
        AdminError::Exists,
        "aliases share the unique index"
    );
    assert!(
        store.lookup(&named("other")).unwrap().is_none(),
        "nothing of a refused change is kept"
    );

    store.remove(&named("caroline")).unwrap();
    assert!(store.lookup(&named("caroline")).unwrap().is_none());
    assert!(store.lookup(&named("carol")).unwrap().unwrap().aliases.is_empty());
    store.remove(&named("carol")).unwrap();
    assert!(store.lookup(&named("carol")).unwrap().is_none());
    assert_eq!(store.remove(&named("carol")).unwrap_err(), AdminError::Unknown);
}

#[test]
fn a_change_is_seen_by_the_next_lookup() {
    let store = in_memory();
    let before = store.lookup(&named("alice")).unwrap().unwrap();
    assert!(
        Arc::ptr_eq(&before, &store.lookup(&named("alice")).unwrap().unwrap()),
        "cached"
    );
    let changed = store
        .modify(
            &named("alice"),
            Box::new(|entry| {
                entry.max_life = 77;
                Ok(())
            }),
        )
        .unwrap();
    assert_eq!(changed.max_life, 77);
    assert_eq!(store.lookup(&named("alice")).unwrap().unwrap().max_life, 77);
    let refused = store.modify(&named("alice"), Box::new(|_| Err(AdminError::KvnoExhausted)));
    assert_eq!(refused.unwrap_err(), AdminError::KvnoExhausted);
    assert_eq!(
        store.modify(&named("nobody"), Box::new(|_| Ok(()))).unwrap_err(),
        AdminError::Unknown
    );
}

#[test]
fn a_key_survives_a_change_of_something_else() {
    let store = in_memory();
    let before = key_of(&store.lookup(&named("alice")).unwrap().unwrap());
    store
        .modify(
            &named("alice"),
            Box::new(|entry| {
                entry.max_life = 1;
                Ok(())
            }),
        )
        .unwrap();
    assert_eq!(key_of(&store.lookup(&named("alice")).unwrap().unwrap()), before);
}

#[test]
fn names_come_in_pages() {
    let store = in_memory();
    for number in 0..25 {
        let mut entry = entry(&format!("user{number:02}"));
        entry.aliases.push(named(&format!("alias{number:02}")));
        store.insert(entry).unwrap();
    }
    let mut all = Vec::new();
    let mut after = None;
    loop {
        let page = store.names(after.as_ref(), 7).unwrap();
        assert!(page.len() <= 7);
        let Some(last) = page.last() else { break };
        after = Some(last.clone());
        all.extend(page);
    }
    assert_eq!(all.len(), 25 + 3, "25 users, alice, bob and K/M, and no alias");
    assert!(all.is_sorted_by_key(index_key));
}

#[test]
fn login_counters_are_seen_at_once_and_written_in_groups() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("principal");
    let master = master();
    RedbStore::create(&path, REALM, &master, &[entry("alice")]).unwrap();
    let open = || RedbStore::open(&path, Some(REALM), |_| Ok(master.clone())).unwrap();
    let at = KerberosTime::from_unix_seconds(1_800_000_123);
    let store = open();
    for _ in 0..3 {
        let entry = store.lookup(&named("alice")).unwrap().unwrap();
        store.note(&StoreUpdate::PreAuthFailed { entry, at });
    }
    assert_eq!(store.lookup(&named("alice")).unwrap().unwrap().fail_auth_count, 3);
    assert_eq!(
        store.entry(&named("alice")).unwrap().unwrap().last_failed,
        Some(at)
    );
    drop(store);
    let store = open();
    assert_eq!(
        store.lookup(&named("alice")).unwrap().unwrap().fail_auth_count,
        3,
        "written on shutdown"
    );
    let entry = store.lookup(&named("alice")).unwrap().unwrap();
    store.note(&StoreUpdate::PreAuthSucceeded { entry, at });
    assert_eq!(store.lookup(&named("alice")).unwrap().unwrap().fail_auth_count, 0);
    store.flush().unwrap();
    assert_eq!(
        store.entry(&named("alice")).unwrap().unwrap().last_success,
        Some(at)
    );
    // An administrator's unlock is not undone by a counter that waited.
    let entry = store.lookup(&named("alice")).unwrap().unwrap();
    store.note(&StoreUpdate::PreAuthFailed { entry, at });
    store
        .modify(
            &named("alice"),
            Box::new(|entry| {
                entry.fail_auth_count = 0;
                Ok(())
            }),
        )
        .unwrap();
    store.flush().unwrap();
    assert_eq!(store.lookup(&named("alice")).unwrap().unwrap().fail_auth_count, 0);
    // Counters of a deleted principal are not given to a new one of the same name.
    let entry = store.lookup(&named("alice")).unwrap().unwrap();
    store.note(&StoreUpdate::PreAuthFailed { entry, at });
    store.flush().unwrap();
    store.remove(&named("alice")).unwrap();
    store.insert(self::entry("alice")).unwrap();
    assert_eq!(store.lookup(&named("alice")).unwrap().unwrap().fail_auth_count, 0);
}

#[test]
fn changes_that_arrive_together_share_a_commit_and_all_arrive() {
    let store = Arc::new(in_memory());
    std::thread::scope(|scope| {
        for thread in 0..8 {
            let store = Arc::clone(&store);
            scope.spawn(move || {
                for number in 0..20 {
                    store.insert(entry(&format!("u{thread}-{number}"))).unwrap();
                    // A refusal in between harms nobody in its group.
                    assert_eq!(store.insert(entry("alice")).unwrap_err(), AdminError::Exists);
                }
            });
        }
    });
    assert_eq!(store.names(None, 1000).unwrap().len(), 8 * 20 + 3);
}

fn text_of(result: Result<RedbStore>, dir: &Path) -> (String, String) {
    let error = result.expect_err("it should be refused");
    let place = dir.display().to_string();
    (
        error.to_string().replace(&place, "DIR"),
        error.hint().unwrap_or_default(),
    )
}

#[test]
fn refusals_say_what_is_there_and_leave_it_alone() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("principal");
    let good = master();
    let open = |realm: &str| RedbStore::open(&path, Some(realm), |_| Ok(good.clone()));

    let (text, hint) = text_of(open(REALM), dir.path());
    assert_eq!(text, "there is no database at DIR/principal");
    assert!(hint.contains("kdb5_util create -s"));
    assert!(!path.exists(), "opening creates nothing");

    for (content, found) in [
        (&b""[..], "an empty file"),
        (
            b"just a text, longer than the head that is looked at",
            "a file of another kind",
        ),
        (
            b"\x00\x06\x15\x61\x00\x00\x00\x02\x00\x00\x04\xd2\x00\x00\x10\x00",
            "a Berkeley DB file, as MIT krb5 writes",
        ),
        (b"\x61\x15\x06\x00\x02", "a Berkeley DB file, as MIT krb5 writes"),
    ] {
        std::fs::write(&path, content).unwrap();
        let (text, hint) = text_of(open(REALM), dir.path());
        assert_eq!(
            text,
            format!("DIR/principal is not a kerbside database: expected one, but found {found}")
        );
        assert!(hint.starts_with("it was left untouched"));
        let error = RedbStore::create(&path, REALM, &good, &[]).unwrap_err();
        assert!(matches!(error, ServerError::DatabaseExists { .. }));
        assert_eq!(std::fs::read(&path).unwrap(), content, "left untouched");
    }
    std::fs::remove_file(&path).unwrap();

    drop(redb::Database::create(&path).unwrap());
    let (text, _) = text_of(open(REALM), dir.path());
    assert_eq!(
        text,
        "DIR/principal is not a kerbside database: expected one, but found a redb file of another program"
    );
    std::fs::remove_file(&path).unwrap();

    RedbStore::create(&path, REALM, &good, &[entry("alice")]).unwrap();
    assert_eq!(path.metadata().unwrap().mode() & 0o777, 0o600);
    assert_eq!(
        std::fs::read_dir(dir.path()).unwrap().count(),
        1,
        "no temporary file stays"
    );
    let (text, hint) = text_of(open("OTHER.TEST"), dir.path());
    assert_eq!(
        text,
        "the database DIR/principal belongs to realm EXAMPLE.TEST, expected OTHER.TEST"
    );
    assert!(hint.contains("-r EXAMPLE.TEST"));
    let (text, _) = text_of(RedbStore::open(&path, None, |_| Ok(master())), dir.path());
    assert_eq!(
        text,
        "the master key made for this database does not open the database DIR/principal"
    );

    let held = open(REALM).unwrap();
    let (text, hint) = text_of(open(REALM), dir.path());
    assert_eq!(text, "the database DIR/principal is in use by another process");
    assert!(hint.contains("through its socket"));
    drop(held);
    drop(open(REALM).unwrap());
}

#[test]
fn a_damaged_file_is_refused_and_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("principal");
    let good = master();
    RedbStore::create(&path, REALM, &good, &[entry("alice"), entry("bob")]).unwrap();
    let whole = std::fs::read(&path).unwrap();
    let mut refused = 0;
    // Each page's middle and each header byte that says something.
    let positions = (16..320)
        .step_by(13)
        .chain((4096..whole.len()).step_by(2048 + 64));
    for position in positions {
        let mut bytes = whole.clone();
        for byte in &mut bytes[position..(position + 8).min(whole.len())] {
            *byte ^= 0xa5;
        }
        std::fs::write(&path, &bytes).unwrap();
        match RedbStore::open(&path, Some(REALM), |_| Ok(good.clone())) {
            // Damage in a page that holds nothing.
            Ok(store) => {
                assert_eq!(store.names(None, 10).unwrap().len(), 3, "byte {position}");
            }
            Err(error) => {
                refused += 1;
                let text = error.to_string();
                assert!(
                    matches!(
                        error,
                        ServerError::DatabaseDamaged { .. } | ServerError::DatabaseForeign { .. }
                    ) || matches!(error, ServerError::DatabaseIo { .. }),
                    "byte {position}: {text}"
                );
            }
        }
    }
    assert!(refused > 3, "only {refused} damages were noticed");
    std::fs::write(&path, &whole[..whole.len() / 2]).unwrap();
    assert!(RedbStore::open(&path, Some(REALM), |_| Ok(good.clone())).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), &whole[..whole.len() / 2]);
}

#[test]
fn a_record_copied_to_another_name_is_refused() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("principal");
    let good = master();
    RedbStore::create(&path, REALM, &good, &[entry("alice"), entry("admin")]).unwrap();
    // Somebody who can write the file but has no master key gives admin the key of alice.
    let opened = open_file(&path).unwrap();
    let stolen = opened.principal(&index_key(&named("alice"))).unwrap().unwrap();
    opened
        .write_now(Box::new(move |batch| {
            batch.put_principal(&index_key(&named("admin")), &stolen).unwrap();
            Outcome::Written
        }))
        .unwrap();
    drop(opened);
    let store = RedbStore::open(&path, Some(REALM), |_| Ok(good)).unwrap();
    let error = store.lookup(&named("admin")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "the record stored under admin@EXAMPLE.TEST is the one of alice@EXAMPLE.TEST"
    );
    assert!(store.lookup(&named("alice")).unwrap().is_some());
}

#[test]
fn a_database_is_destroyed_only_if_it_is_the_right_one() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("principal");
    std::fs::write(&path, "precious").unwrap();
    assert!(destroy_file(&path, REALM).is_err());
    std::fs::remove_file(&path).unwrap();
    let good = master();
    RedbStore::create(&path, REALM, &good, &[]).unwrap();
    assert!(matches!(
        destroy_file(&path, "OTHER.TEST"),
        Err(ServerError::DatabaseRealm { .. })
    ));
    let facts = facts_of_file(&path).unwrap();
    assert_eq!((facts.realm.as_str(), facts.master_kvno), (REALM, 1));
    assert_eq!(facts.master_enctype, good.enctype());
    let before = std::fs::read(&path).unwrap();
    assert_eq!(realm_of_file(&path).unwrap(), REALM);
    assert_eq!(std::fs::read(&path).unwrap(), before, "reading writes nothing");
    let held = RedbStore::open(&path, None, |_| Ok(good.clone())).unwrap();
    assert!(matches!(
        destroy_file(&path, REALM),
        Err(ServerError::DatabaseInUse { .. })
    ));
    drop(held);
    destroy_file(&path, REALM).unwrap();
    assert!(!path.exists());
}
