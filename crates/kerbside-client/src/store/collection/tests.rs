#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use kerbside_formats::CredentialCache;

use super::*;

fn user(name: &str) -> Principal {
    Principal::new("R", &[name])
}

fn cache(store: &CacheStore, name: &CacheName, who: &str) {
    store.initialize(name, &CredentialCache::new(user(who))).unwrap();
}

#[test]
fn a_directory_has_a_primary_and_others() {
    let dir = tempfile::tempdir().unwrap();
    let collection = CacheName::Dir(dir.path().join("tickets"));
    let store = CacheStore::new();
    assert!(store.collection(&collection).unwrap().is_empty());
    assert!(store.read(&collection).is_err());
    cache(&store, &collection, "alice");
    let first = store.resolve(&collection).unwrap();
    assert_eq!(first, CacheName::DirFile(dir.path().join("tickets").join("tkt")));
    let second = store.new_in_collection(&collection).unwrap();
    cache(&store, &second, "bob");
    // Making a cache does not switch to it.
    assert_eq!(store.read(&collection).unwrap().primary, user("alice"));
    store.switch(&second).unwrap();
    assert_eq!(store.read(&collection).unwrap().primary, user("bob"));
    assert_eq!(
        store.collection(&collection).unwrap(),
        [second.clone(), first.clone()]
    );
    let find = |who: &str| store.find_in_collection(&collection, &user(who)).unwrap();
    assert_eq!(find("alice"), Some(first.clone()));
    assert_eq!(find("bob"), Some(second.clone()));
    assert_eq!(find("carol"), None);
    // One cache named by its file is alone.
    assert_eq!(store.collection(&first).unwrap(), std::slice::from_ref(&first));
    assert!(matches!(
        store.new_in_collection(&first),
        Err(Error::Cache {
            fault: CacheFault::NotACollection,
            ..
        })
    ));
    store.destroy(&collection).unwrap();
    assert_eq!(store.collection(&collection).unwrap(), [first]);
    store.destroy_collection(&collection).unwrap();
    assert!(store.collection(&collection).unwrap().is_empty());
}

#[test]
fn what_is_no_cache_is_passed_over_and_kept() {
    let dir = tempfile::tempdir().unwrap();
    let collection = CacheName::Dir(dir.path().to_owned());
    let store = CacheStore::new();
    cache(&store, &collection, "alice");
    let notes = dir.path().join("tktnotes");
    std::fs::write(&notes, "my notes").unwrap();
    assert!(
        store
            .find_in_collection(&collection, &user("alice"))
            .unwrap()
            .is_some()
    );
    assert!(store.destroy_collection(&collection).is_err());
    assert_eq!(
        store.collection(&collection).unwrap(),
        [CacheName::DirFile(notes)]
    );
}

#[test]
fn a_file_is_a_collection_of_one() {
    let dir = tempfile::tempdir().unwrap();
    let name = CacheName::File(dir.path().join("cc"));
    let store = CacheStore::new();
    assert!(store.collection(&name).unwrap().is_empty());
    cache(&store, &name, "alice");
    assert_eq!(store.collection(&name).unwrap(), std::slice::from_ref(&name));
    assert_eq!(store.resolve(&name).unwrap(), name);
    store.switch(&name).unwrap();
    assert!(store.new_in_collection(&name).is_err());
}

#[test]
fn the_memory_of_a_store_is_one_collection() {
    let name = CacheName::Memory("b".to_owned());
    let store = CacheStore::new();
    cache(&store, &CacheName::Memory("a".to_owned()), "alice");
    cache(&store, &name, "bob");
    let new = store.new_in_collection(&name).unwrap();
    assert!(store.read(&new).is_err());
    let all = store.collection(&name).unwrap();
    assert_eq!(all.first(), Some(&name));
    assert_eq!(all.len(), 2);
    assert!(CacheStore::new().collection(&name).unwrap().is_empty());
    store.destroy_collection(&name).unwrap();
    assert!(store.collection(&name).unwrap().is_empty());
}

#[test]
fn a_type_that_is_not_built_is_refused_by_its_name() {
    let name = CacheName::Other {
        kind: "KCM".into(),
        residual: "".into(),
    };
    let store = CacheStore::new();
    for refused in [
        store.collection(&name).map(drop),
        store.new_in_collection(&name).map(drop),
        store.switch(&name),
    ] {
        assert!(matches!(
            refused,
            Err(Error::Cache { fault: CacheFault::TypeNotBuilt(kind), .. }) if kind == "KCM"
        ));
    }
}
