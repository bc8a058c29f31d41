//! Keytabs: the vector files, their way back to bytes, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, LongTermKey};
use kerbside_formats::{Cause, FileFormat, FormatError, Keytab, KeytabEntry, KeytabKey};
use serde_json::Value;

fn vectors() -> Vec<Value> {
    let text = include_str!("vectors/keytab_files.json");
    let json: Value = serde_json::from_str(text).unwrap();
    json["vectors"].as_array().unwrap().clone()
}

fn read(file: &Value) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    std::fs::read(format!("{root}{}", file.as_str().unwrap())).unwrap()
}

fn key_hex(key: &KeytabKey) -> String {
    match key {
        KeytabKey::Key(key) => hex::encode(key.expose_secret()),
        KeytabKey::Other { bytes, .. } => hex::encode(&**bytes),
    }
}

fn check_entry(entry: &KeytabEntry, expected: &Value) {
    let text = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
    assert_eq!(entry.principal.realm.as_bytes(), text(&expected["realm"]));
    let components: Vec<_> = expected["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    assert_eq!(entry.principal.name.components, components);
    // Version 1 has no name types.
    assert_eq!(
        i64::from(entry.principal.name.name_type.0),
        expected["name_type"].as_i64().unwrap_or(0)
    );
    assert_eq!(
        u64::from(entry.timestamp),
        expected["timestamp"].as_u64().unwrap()
    );
    assert_eq!(u64::from(entry.kvno), expected["kvno"].as_u64().unwrap());
    assert_eq!(i64::from(entry.enctype().0), expected["etype"].as_i64().unwrap());
    assert_eq!(entry.key.usable().is_some(), entry.enctype().is_supported());
    assert_eq!(key_hex(&entry.key), expected["key_hex"].as_str().unwrap());
}

#[test]
fn vector_files() {
    let (mut good, mut refused, mut entries) = (0, 0, 0);
    for vector in vectors() {
        let name = vector["file"].as_str().unwrap();
        let bytes = read(&vector["file"]);
        let Some(expected) = vector.get("expected") else {
            assert!(Keytab::parse(&bytes).is_err(), "{name}");
            refused += 1;
            continue;
        };
        let keytab = Keytab::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        let expected_entries = expected["entries"].as_array().unwrap();
        assert_eq!(keytab.entries().count(), expected_entries.len(), "{name}");
        for (entry, expected) in keytab.entries().zip(expected_entries) {
            check_entry(entry, expected);
            entries += 1;
        }
        let written = keytab.to_bytes().unwrap();
        if expected["version"] == 2 {
            assert_eq!(**written, bytes, "{name}");
        } else {
            // Version 1 comes back as version 2 with the same contents.
            let again = Keytab::parse(&written).unwrap();
            assert_eq!(again.entries().count(), expected_entries.len());
            again
                .entries()
                .zip(expected_entries)
                .for_each(|(entry, expected)| check_entry(entry, expected));
        }
        good += 1;
    }
    assert_eq!((good, refused, entries), (27, 1, 124));
}

#[test]
fn every_truncation_is_refused_or_a_shorter_list() {
    let (mut refused, mut shorter) = (0_u32, 0_u32);
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let bytes = read(&vector["file"]);
        let whole = Keytab::parse(&bytes).unwrap().entries().count();
        for len in 0..bytes.len() {
            match Keytab::parse(&bytes[..len]) {
                Ok(part) => {
                    // Only where a record ends, or behind the end mark.
                    assert!(part.entries().count() <= whole);
                    assert_eq!(**part.to_bytes().unwrap(), bytes_as_v2(&bytes[..len], &part));
                    shorter += 1;
                }
                Err(FormatError::Damaged { offset, .. }) => {
                    assert!(offset <= len);
                    refused += 1;
                }
                Err(FormatError::NotThisFormat { found: None, .. }) => assert_eq!(len, 0),
                Err(other) => panic!("{other}"),
            }
        }
    }
    assert!(refused > 8000 && shorter < 200, "{refused} {shorter}");
}

fn bytes_as_v2(bytes: &[u8], keytab: &Keytab) -> Vec<u8> {
    if bytes[1] == 2 {
        bytes.to_vec()
    } else {
        keytab.to_bytes().unwrap().to_vec()
    }
}

fn error(bytes: &[u8]) -> String {
    Keytab::parse(bytes).unwrap_err().to_string()
}

#[test]
fn lies_are_refused_with_offset_and_cause() {
    assert_eq!(
        error(b""),
        "not a keytab: expected first byte 0x05, but found an empty file"
    );
    assert_eq!(
        error(b"[libdefaults]"),
        "not a keytab: expected first byte 0x05, but found 0x5b"
    );
    assert_eq!(
        error(&[5]),
        "damaged keytab at byte 1: expected 1 bytes of version, but found 0"
    );
    assert_eq!(error(&[5, 3]), "keytab version 3 is not supported");
    // A record, a hole and a component count larger than the file could ever be.
    assert_eq!(
        error(&[5, 2, 0x7f, 0xff, 0xff, 0xff, 0]),
        "damaged keytab at byte 2: expected 2147483647 bytes of record, but found 1"
    );
    assert_eq!(
        error(&[5, 2, 0x80, 0, 0, 0, 0]),
        "damaged keytab at byte 6: expected 2147483648 bytes of hole, but found 1"
    );
    assert_eq!(
        error(&[5, 2, 0, 0, 0, 6, 0xff, 0xff, 0, 1, b'R', 0]),
        "damaged keytab at byte 6: expected 65535 components, but found only 1 more bytes"
    );
    // A record that ends inside its entry.
    assert_eq!(
        error(&[5, 2, 0, 0, 0, 5, 0, 0, 0, 4, b'R', 1, 1, 1, 1]),
        "damaged keytab at byte 10: expected 4 bytes of realm, but found 1"
    );
    assert_eq!(
        error(&[5, 1, 4, 0, 0, 0, 0, 0, 0, 0]),
        "damaged keytab at byte 6: component count: expected at least 1, but found 0"
    );
}

#[test]
fn a_key_of_the_wrong_length_is_damage() {
    let mut bytes = read(&vectors()[3]["file"]);
    // sysHTTP's only entry is an AES-256 key: make it an AES-128 one.
    let enctype = bytes
        .windows(4)
        .position(|window| window == [0, 18, 0, 32])
        .unwrap();
    bytes[enctype + 1] = 17;
    let error = Keytab::parse(&bytes).unwrap_err();
    let FormatError::Damaged {
        format: FileFormat::Keytab,
        offset,
        cause: Cause::Key { .. },
    } = error
    else {
        panic!("{error}");
    };
    assert_eq!(offset, enctype + 2);
}

#[test]
fn too_long() {
    let long = vec![5; kerbside_formats::keytab::MAX_KEYTAB_LEN + 1];
    assert_eq!(
        error(&long),
        "keytab too long: expected at most 16777216 bytes, but found 16777217"
    );
}

fn key(enctype: EncryptionType, fill: u8) -> LongTermKey {
    Key::new(enctype, &vec![fill; enctype.key_len().unwrap()])
        .unwrap()
        .into()
}

const AES256: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;
const AES128: EncryptionType = EncryptionType::AES128_CTS_HMAC_SHA1_96;

#[test]
fn find_picks_by_kvno_and_type() {
    let http = Principal::new("R", &["HTTP", "h"]);
    let other = Principal::new("R", &["host", "h"]);
    let mut keytab = Keytab::new();
    for (principal, kvno, timestamp, enctype) in [
        (&http, 1, 10, AES256),
        (&http, 3, 30, AES256),
        (&http, 3, 30, AES128),
        (&http, 2, 20, AES256),
        (&other, 9, 90, AES256),
    ] {
        keytab.add(KeytabEntry::new(
            principal.clone(),
            kvno,
            timestamp,
            key(enctype, 1),
        ));
    }
    let kvno = |kvno, enctype| {
        keytab
            .find(&http, kvno, enctype)
            .map(|entry| (entry.kvno, entry.enctype()))
    };
    assert_eq!(kvno(None, None), Some((3, AES256)));
    assert_eq!(kvno(None, Some(AES128)), Some((3, AES128)));
    assert_eq!(kvno(Some(2), None), Some((2, AES256)));
    assert_eq!(kvno(Some(2), Some(AES128)), None);
    assert_eq!(kvno(Some(4), None), None);
    assert!(
        keytab
            .find(&Principal::new("S", &["HTTP", "h"]), None, None)
            .is_none()
    );
    assert_eq!(keytab.remove(|entry| entry.kvno < 3), 2);
    assert_eq!(keytab.entries().count(), 3);
}

#[test]
fn a_key_version_that_went_round_is_newer() {
    let http = Principal::new("R", &["HTTP", "h"]);
    let newest = |small_at, large_at| {
        let mut keytab = Keytab::new();
        keytab.add(KeytabEntry::new(http.clone(), 255, large_at, key(AES256, 1)));
        keytab.add(KeytabEntry::new(http.clone(), 1, small_at, key(AES256, 2)));
        keytab.find(&http, None, None).map(|entry| entry.kvno)
    };
    assert_eq!(newest(20, 10), Some(1));
    assert_eq!(newest(10, 20), Some(255));
}

#[test]
fn eight_bit_entries_match_the_low_byte() {
    let short = read(&vectors()[22]["file"]);
    let keytab = Keytab::parse(&short).unwrap();
    let user = Principal::new("EXAMPLE.COM", &["user"]);
    assert_eq!(
        keytab.find(&user, Some(256 + 7), None).map(|entry| entry.kvno),
        Some(7)
    );
    assert!(keytab.find(&user, Some(8), None).is_none());
    // With a 32-bit number the kvno is exact.
    let long = Keytab::parse(&read(&vectors()[23]["file"])).unwrap();
    assert!(long.find(&user, Some(44), None).is_none());
    assert_eq!(
        long.find(&user, Some(300), None).map(|entry| entry.kvno),
        Some(300)
    );
}

#[test]
fn a_changed_kvno_is_written() {
    for index in [22, 23, 24] {
        let keytab = Keytab::parse(&read(&vectors()[index]["file"])).unwrap();
        let mut entry = keytab.entries().next().unwrap().clone();
        entry.kvno = 1000;
        let mut changed = Keytab::new();
        changed.add(entry);
        let again = Keytab::parse(&changed.to_bytes().unwrap()).unwrap();
        assert_eq!(again.entries().next().unwrap().kvno, 1000);
    }
}

/// Key version 0 without a long number stays without one.
#[test]
fn kvno_zero_comes_back_as_it_was() {
    let mut bytes = read(&vectors()[22]["file"]);
    let kvno = bytes
        .windows(5)
        .position(|window| window == [7, 0, 18, 0, 32])
        .unwrap();
    bytes[kvno] = 0;
    let keytab = Keytab::parse(&bytes).unwrap();
    assert_eq!(keytab.entries().next().unwrap().kvno, 0);
    assert_eq!(**keytab.to_bytes().unwrap(), bytes);
}

#[test]
fn what_does_not_fit_is_refused() {
    let long = vec![b'x'; 65536];
    let mut keytab = Keytab::new();
    keytab.add(KeytabEntry::new(
        Principal::new("R", &[long]),
        1,
        0,
        key(AES256, 1),
    ));
    let error = keytab.to_bytes().unwrap_err();
    assert_eq!(
        error.to_string(),
        "component does not fit a keytab: expected at most 65535 bytes"
    );
}

#[test]
fn debug_shows_no_key() {
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let keytab = Keytab::parse(&read(&vector["file"])).unwrap();
        let shown = format!("{keytab:?}");
        for entry in keytab.entries() {
            let bytes = hex::decode(key_hex(&entry.key)).unwrap();
            assert!(!shown.contains(&key_hex(&entry.key)));
            assert!(!shown.contains(format!("{bytes:?}").trim_matches(['[', ']'])));
        }
    }
}

#[test]
fn a_policy_opens_deprecated_keys() {
    let (mut refused, mut opened) = (0, 0);
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let bytes = read(&vector["file"]);
        let keytab = Keytab::parse(&bytes).unwrap();
        let open = Keytab::parse_with_policy(&bytes, &EnctypePolicy::ALLOW_ALL).unwrap();
        for (before, after) in keytab.entries().zip(open.entries()) {
            assert_eq!(after.key.usable().is_some(), after.enctype().is_implemented());
            assert_eq!(key_hex(&before.key), key_hex(&after.key));
            refused += u32::from(before.key.usable().is_none());
            opened += u32::from(before.key.usable().is_none() && after.key.usable().is_some());
        }
        assert_eq!(keytab.to_bytes().unwrap(), open.to_bytes().unwrap());
        // A list closes what is open.
        let none = EnctypePolicy::ALLOW_ALL.with_permitted([]);
        let closed = Keytab::parse_with_policy(&bytes, &none).unwrap();
        assert!(closed.entries().all(|entry| entry.key.usable().is_none()));
    }
    assert_eq!((refused, opened), REFUSED_AND_OPENED);
}

/// The other ten are single DES.
const REFUSED_AND_OPENED: (u32, u32) = (39, 29);

#[test]
fn merging_adds_what_is_not_there_in_order() {
    let name = |first: &str| Principal::new("R", &[first]);
    let entry = |first, kvno, enctype, fill| KeytabEntry::new(name(first), kvno, 10, key(enctype, fill));
    let keytab = |entries: &[KeytabEntry]| {
        let mut keytab = Keytab::new();
        entries.iter().for_each(|entry| keytab.add(entry.clone()));
        keytab
    };
    let mut first = keytab(&[entry("a", 1, AES256, 1), entry("b", 1, AES256, 2)]);
    let mut later = entry("a", 1, AES256, 1);
    later.timestamp = 99;
    let second = keytab(&[
        entry("c", 1, AES256, 3),
        later,
        entry("a", 1, AES256, 9),
        entry("a", 1, AES128, 1),
        entry("a", 2, AES256, 1),
        entry("c", 1, AES256, 3),
    ]);
    assert_eq!(first.merge(&second), 4);
    let shown: Vec<_> = first
        .entries()
        .map(|entry| {
            (
                entry.principal.to_string(),
                entry.kvno,
                entry.enctype().0,
                entry.timestamp,
            )
        })
        .collect();
    let at = |name: &str, kvno, enctype| (format!("{name}@R"), kvno, enctype, 10);
    assert_eq!(
        shown,
        [
            at("a", 1, 18),
            at("b", 1, 18),
            at("c", 1, 18),
            at("a", 1, 18),
            at("a", 1, 17),
            at("a", 2, 18)
        ]
    );
    assert_eq!(first.merge(&second), 0);

    // Every file twice, and all files together: nothing twice, keys that cannot be used included.
    let mut all = Keytab::new();
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let keytab = Keytab::parse(&read(&vector["file"])).unwrap();
        all.merge(&keytab);
        assert_eq!(all.merge(&keytab), 0);
    }
    let again = Keytab::parse(&all.to_bytes().unwrap()).unwrap();
    assert_eq!(again.entries().count(), all.entries().count());
}
