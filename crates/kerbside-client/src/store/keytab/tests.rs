#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use super::*;
use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Key, LongTermKey};
use kerbside_formats::keytab::KeytabEntry;
use std::os::unix::fs::PermissionsExt;

fn entry(kvno: u32) -> KeytabEntry {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[7; 16]).unwrap();
    KeytabEntry::new(
        Principal::new("R", &["HTTP", "host"]),
        kvno,
        0,
        LongTermKey::from(key),
    )
}

#[test]
fn a_keytab_is_made_and_grows() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    let name = KeytabName::file(&path);
    update_keytab(&name, |keytab| keytab.add(entry(1))).unwrap();
    update_keytab(&name, |keytab| keytab.add(entry(2))).unwrap();
    let opened = read_keytab(&name).unwrap();
    assert_eq!(
        opened
            .keytab
            .entries()
            .map(|entry| entry.kvno)
            .collect::<Vec<_>>(),
        [1, 2]
    );
    assert!(opened.warnings.is_empty());
    assert_eq!(
        std::fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
}

#[test]
fn a_damaged_or_foreign_file_is_left_as_it_is() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    let name = KeytabName::file(&path);
    for bytes in [&b"text"[..], b"\x05\x02\x00\x00\x00\x09abc", b"\x05\x07"] {
        std::fs::write(&path, bytes).unwrap();
        let read = read_keytab(&name).unwrap_err();
        assert!(
            matches!(
                read,
                Error::Keytab {
                    fault: KeytabFault::Format(_),
                    ..
                }
            ),
            "{read}"
        );
        assert!(update_keytab(&name, |keytab| keytab.add(entry(1))).is_err());
        assert_eq!(std::fs::read(&path).unwrap(), bytes);
    }
}

#[test]
fn a_damaged_keytab_is_told_with_the_byte() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    std::fs::write(&path, b"\x05\x02\x00\x00\x00\x09abc").unwrap();
    let text = read_keytab(&KeytabName::file(&path)).unwrap_err().to_string();
    assert_eq!(
        text,
        format!(
            "keytab FILE:{}: damaged keytab at byte 2: expected 9 bytes of record, but found 3",
            path.display()
        )
    );
}

#[test]
fn an_empty_file_is_a_place_for_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    std::fs::write(&path, b"").unwrap();
    let name = KeytabName::file(&path);
    update_keytab(&name, |keytab| keytab.add(entry(1))).unwrap();
    assert_eq!(read_keytab(&name).unwrap().keytab.entries().count(), 1);
}

#[test]
fn a_mode_that_lets_others_in_is_warned_about() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("keytab");
    let name = KeytabName::file(&path);
    update_keytab(&name, |keytab| keytab.add(entry(1))).unwrap();
    std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warnings = read_keytab(&name).unwrap().warnings;
    assert_eq!(warnings, [KeytabWarning::Mode { mode: 0o644 }]);
    assert_eq!(
        warnings.first().unwrap().to_string(),
        "mode: expected 0600, but found 0644"
    );
    assert_eq!(
        super::warnings(0o600, u32::MAX),
        [KeytabWarning::Owner { owner: u32::MAX }]
    );
}

#[test]
fn types_that_are_not_built_are_refused_by_name() {
    let name = KeytabName::parse(std::ffi::OsStr::new("KDB:"));
    assert_eq!(
        read_keytab(&name).unwrap_err().to_string(),
        "keytab KDB:: keytabs of type KDB are not built yet"
    );
    assert!(update_keytab(&name, |_| ()).is_err());
}
