//! Against the kernel itself, in the keyring of the test's own thread: nothing of it outlives the test.
#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

use super::*;

fn cache_of_alice(value: &[u8]) -> CredentialCache {
    let mut cache = CredentialCache::new(Principal::new("R", &["alice"]));
    cache.set_config("refresh_time", None, value);
    cache.set_kdc_offset(Some(KdcOffset {
        seconds: -5,
        microseconds: 1,
    }));
    cache
}

#[test]
fn a_collection_is_filled_switched_and_emptied() {
    let policy = EnctypePolicy::DEFAULT;
    let none = Err(CacheFault::File(FileFault::NotFound));
    assert_eq!(resolve("thread:t").unwrap(), "thread:t:t");
    assert_eq!(read("thread:t", &policy).map(drop), none);
    assert!(names("thread:t").unwrap().is_empty());
    initialize("thread:t", &cache_of_alice(b"one")).unwrap();
    let back = read("thread:t", &policy).unwrap();
    assert_eq!(back.primary, Principal::new("R", &["alice"]));
    assert_eq!(back.config("refresh_time", None), Some(b"one".as_slice()));
    assert_eq!(back.kdc_offset().unwrap().seconds, -5);

    let second = new_name("thread:t").unwrap().unwrap();
    initialize(&second, &cache_of_alice(b"two")).unwrap();
    assert_eq!(names("thread:t").unwrap(), ["thread:t:t", &second]);
    switch(&second).unwrap();
    assert_eq!(resolve("thread:t").unwrap(), second);
    assert_eq!(names("thread:t").unwrap(), [&second, "thread:t:t"]);
    assert_eq!(names("thread:t:t").unwrap(), ["thread:t:t"]);
    assert_eq!(new_name("thread:t:t").unwrap(), None);

    // A smaller cache in the place of a larger one leaves nothing of it behind.
    initialize(&second, &CredentialCache::new(Principal::new("R", &["bob"]))).unwrap();
    let back = read(&second, &policy).unwrap();
    assert!(back.entries.is_empty() && back.kdc_offset().is_none());

    destroy(&second).unwrap();
    assert_eq!(destroy(&second), none);
    assert_eq!(names("thread:t").unwrap(), ["thread:t:t"]);
    destroy("thread:t:t").unwrap();
    assert!(names("thread:t").unwrap().is_empty());
}

#[test]
fn records_are_added_and_removed() {
    let policy = EnctypePolicy::DEFAULT;
    initialize("thread:u", &cache_of_alice(b"one")).unwrap();
    let mut more = CredentialCache::new(Principal::new("R", &["alice"]));
    more.set_config("pa_type", None, b"2");
    let fine = |_: &Principal| Ok(());
    add("thread:u", &more.entries[0], &policy, fine).unwrap();
    let back = read("thread:u", &policy).unwrap();
    assert_eq!(back.config("pa_type", None), Some(b"2".as_slice()));
    assert_eq!(back.entries.len(), 2);
    let refused = CacheFault::NotACollection;
    assert_eq!(
        add("thread:u", &more.entries[0], &policy, |_| Err(refused.clone())),
        Err(refused.clone())
    );
    assert_eq!(remove("thread:u", more.entries[0].server(), &policy), Ok(1));
    assert_eq!(remove("thread:u", more.entries[0].server(), &policy), Ok(0));
    assert_eq!(read("thread:u", &policy).unwrap().entries.len(), 1);
}

#[test]
fn what_is_damaged_is_told() {
    let policy = EnctypePolicy::DEFAULT;
    initialize("thread:v", &cache_of_alice(b"one")).unwrap();
    let name = Residual::parse("thread:v").unwrap();
    let collection = keys::find_collection(&name).unwrap().unwrap();
    let cache = keys::find_keyring(collection, "v").unwrap().unwrap();
    keys::add_key("krbtgt/R@R", b"no ticket", cache).unwrap();
    assert!(matches!(read("thread:v", &policy), Err(CacheFault::Format(_))));
    keys::add_key(PRINCIPAL, b"nobody", cache).unwrap();
    assert!(matches!(read("thread:v", &policy), Err(CacheFault::Format(_))));
    for bad in [
        b"short".as_slice(),
        b"\0\0\0\x02\0\0\0\x01v",
        b"\0\0\0\x01\0\0\0\x02v",
        b"\0\0\0\x01\0\0\0\0",
        b"\0\0\0\x01\0\0\0\x01\xff",
    ] {
        keys::add_key(PRIMARY, bad, collection).unwrap();
        let error = resolve("thread:v").unwrap_err();
        assert_eq!(error, KeyringFault::BadPrimary.into(), "{bad:?}");
    }
    switch("thread:v:v").unwrap();
    assert_eq!(resolve("thread:v").unwrap(), "thread:v:v");
    assert!(matches!(
        resolve("persistent:alice"),
        Err(CacheFault::Keyring(fault)) if *fault == KeyringFault::Uid("alice".to_owned())
    ));
}
