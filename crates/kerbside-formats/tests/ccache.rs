//! Credential caches: the vector files, their way back to bytes, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key};
use kerbside_formats::ccache::{CacheEntry, KdcOffset};
use kerbside_formats::{Credential, CredentialCache, FormatError};
use serde_json::Value;
use sha2::{Digest, Sha256};

fn json() -> Value {
    serde_json::from_str(include_str!("vectors/ccache_files.json")).unwrap()
}

fn vectors() -> Vec<Value> {
    json()["vectors"].as_array().unwrap().clone()
}

fn read(file: &Value) -> Vec<u8> {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    std::fs::read(format!("{root}{}", file.as_str().unwrap())).unwrap()
}

fn check_principal(principal: &Principal, expected: &Value) {
    let text = |value: &Value| value.as_str().unwrap().as_bytes().to_vec();
    assert_eq!(principal.realm.as_bytes(), text(&expected["realm"]));
    let components: Vec<_> = expected["components"]
        .as_array()
        .unwrap()
        .iter()
        .map(text)
        .collect();
    assert_eq!(principal.name.components, components);
    assert_eq!(
        i64::from(principal.name.name_type.0),
        expected["name_type"].as_i64().unwrap_or(0)
    );
}

/// Type and data of each member, in the vectors' form.
fn typed(list: &[(i32, Vec<u8>)]) -> Value {
    list.iter()
        .map(|(kind, data)| serde_json::json!({"type": kind, "data_hex": hex::encode(data)}))
        .collect()
}

/// The vectors give a ticket whole, by its hash, or as a configuration value's text.
fn check_ticket(ticket: &[u8], expected: &Value) {
    assert_eq!(ticket.len() as u64, expected["ticket_len"].as_u64().unwrap());
    let forms = ["ticket_hex", "ticket_sha256", "config_value_utf8"];
    let found = [
        hex::encode(ticket),
        hex::encode(Sha256::digest(ticket)),
        String::from_utf8_lossy(ticket).into_owned(),
    ];
    let (form, found) = forms
        .iter()
        .zip(found)
        .find(|(form, _)| expected.get(**form).is_some())
        .unwrap();
    assert_eq!(found, expected[*form].as_str().unwrap());
}

fn check_credential(found: &Credential, expected: &Value) {
    check_principal(&found.client, &expected["client"]);
    check_principal(&found.server, &expected["server"]);
    assert_eq!(
        i64::from(found.session_key.enctype().0),
        expected["key"]["etype"].as_i64().unwrap()
    );
    assert_eq!(
        hex::encode(found.session_key.expose_secret()),
        expected["key"]["key_hex"].as_str().unwrap()
    );
    for (time, name) in [
        (found.auth_time, "authtime"),
        (found.start_time, "starttime"),
        (found.end_time, "endtime"),
        (found.renew_till, "renew_till"),
    ] {
        assert_eq!(time.unix_seconds(), expected[name].as_i64().unwrap());
    }
    assert_eq!(u64::from(found.is_skey), expected["is_skey"].as_u64().unwrap());
    assert_eq!(
        format!("{:08x}", found.flags.0),
        expected["ticket_flags"].as_str().unwrap()
    );
    let addresses: Vec<_> = found
        .addresses
        .iter()
        .map(|(kind, data)| (kind.0, data.clone()))
        .collect();
    assert_eq!(typed(&addresses), expected["addresses"]);
    let authdata: Vec<_> = found
        .authdata
        .iter()
        .map(|(kind, data)| (kind.0, data.clone()))
        .collect();
    assert_eq!(typed(&authdata), expected["authdata"]);
    check_ticket(&found.ticket, expected);
    assert_eq!(
        hex::encode(&found.second_ticket),
        expected["second_ticket_hex"].as_str().unwrap()
    );
}

/// What kind of record it was.
fn check_entry(entry: &CacheEntry, expected: &Value) -> &'static str {
    let raw = match entry {
        CacheEntry::Credential(credential) => {
            check_credential(credential, expected);
            return "credential";
        }
        CacheEntry::Config(config) => {
            assert_eq!(expected["server"]["realm"], "X-CACHECONF:");
            config.as_raw()
        }
        CacheEntry::Unsupported(raw) => {
            assert!(!raw.enctype.is_supported());
            raw
        }
        other => panic!("{other:?}"),
    };
    check_principal(&raw.client, &expected["client"]);
    check_principal(&raw.server, &expected["server"]);
    assert_eq!(
        i64::from(raw.enctype.0),
        expected["key"]["etype"].as_i64().unwrap()
    );
    assert_eq!(
        hex::encode(&**raw.key),
        expected["key"]["key_hex"].as_str().unwrap()
    );
    assert_eq!(u64::from(raw.end_time), expected["endtime"].as_u64().unwrap());
    check_ticket(&raw.ticket, expected);
    assert_eq!(typed(&raw.authdata), expected["authdata"]);
    if matches!(entry, CacheEntry::Config(_)) {
        "config"
    } else {
        "unsupported"
    }
}

#[test]
fn vector_files() {
    let mut kinds = std::collections::BTreeMap::<&str, u32>::new();
    for vector in vectors() {
        let name = vector["file"].as_str().unwrap();
        let bytes = read(&vector["file"]);
        let Some(expected) = vector.get("expected") else {
            CredentialCache::parse(&bytes).unwrap_err();
            *kinds.entry("refused").or_default() += 1;
            continue;
        };
        let cache = CredentialCache::parse(&bytes).unwrap_or_else(|error| panic!("{name}: {error}"));
        check_principal(&cache.primary, &expected["default_principal"]);
        let header = &expected["header"];
        let offset = cache
            .kdc_offset()
            .map(|offset| (offset.seconds.into(), offset.microseconds.into()));
        let wanted = header.get(0).map(|field| {
            (
                field["seconds"].as_i64().unwrap(),
                field["usec"].as_i64().unwrap(),
            )
        });
        assert_eq!(offset, wanted, "{name}");
        let credentials = expected["credentials"].as_array().unwrap();
        assert_eq!(cache.entries.len(), credentials.len(), "{name}");
        for (entry, expected) in cache.entries.iter().zip(credentials) {
            *kinds.entry(check_entry(entry, expected)).or_default() += 1;
        }
        let written = cache.to_bytes().unwrap();
        if name.ends_with("minikerberos_test.ccache1") {
            // Its header length is wrong (a count of fields) and comes back right.
            assert_eq!((&bytes[2..4], &written[2..4]), (&[0, 1][..], &[0, 12][..]));
            assert_eq!(written[4..], bytes[4..]);
        } else if expected["version"] == 4 {
            assert_eq!(**written, bytes, "{name}");
        } else {
            let again = CredentialCache::parse(&written).unwrap();
            assert_eq!(again.entries.len(), credentials.len());
            for (entry, expected) in again.entries.iter().zip(credentials) {
                check_entry(entry, expected);
            }
        }
        *kinds.entry("files").or_default() += 1;
    }
    let total: Vec<_> = kinds.into_iter().collect();
    assert_eq!(
        total,
        [
            ("config", 13),
            ("credential", 29),
            ("files", 19),
            ("refused", 3),
            ("unsupported", 6)
        ]
    );
}

/// The same cache in all four versions gives the same version 4 file, but for what versions 1 to 3 lack.
#[test]
fn all_versions_mean_the_same() {
    let pieces = json()["marshal_pieces"].as_array().unwrap().clone();
    assert_eq!(pieces.len(), 4);
    let whole = |piece: &Value| {
        let fields = ["header_hex", "default_principal_hex", "cred1_hex", "cred2_hex"];
        hex::decode(fields.map(|field| piece[field].as_str().unwrap()).concat()).unwrap()
    };
    let newest = CredentialCache::parse(&whole(&pieces[3])).unwrap();
    for piece in &pieces {
        let mut cache = CredentialCache::parse(&whole(piece)).unwrap();
        assert_eq!(cache.primary, newest.primary);
        if piece["version"] == 1 {
            continue;
        }
        cache.set_kdc_offset(Some(KdcOffset {
            seconds: 300,
            microseconds: 54321,
        }));
        assert_eq!(**cache.to_bytes().unwrap(), whole(&pieces[3]));
    }
}

#[test]
fn every_truncation_is_refused_or_a_shorter_list() {
    let (mut refused, mut shorter) = (0_u32, 0_u32);
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let bytes = read(&vector["file"]);
        let ends: Vec<_> = (0..bytes.len())
            .filter(|len| match CredentialCache::parse(&bytes[..*len]) {
                Ok(_) => true,
                Err(FormatError::Damaged { offset, .. }) => {
                    assert!(offset <= *len);
                    refused += 1;
                    false
                }
                Err(FormatError::NotThisFormat { found: None, .. }) => *len != 0,
                Err(other) => panic!("{other}"),
            })
            .collect();
        // Exactly where a record begins, the first right behind the default principal.
        let starts = vector["expected"]["credentials"].as_array().unwrap();
        let starts: Vec<_> = starts
            .iter()
            .map(|start| start["offset"].as_u64().unwrap())
            .collect();
        let ends: Vec<_> = ends.iter().map(|end| u64::try_from(*end).unwrap()).collect();
        assert_eq!(ends, starts, "{}", vector["file"]);
        shorter += u32::try_from(ends.len()).unwrap();
    }
    assert_eq!(shorter, 48);
    assert!(refused > 30_000, "{refused}");
}

fn error(bytes: &[u8]) -> String {
    CredentialCache::parse(bytes).unwrap_err().to_string()
}

#[test]
fn lies_are_refused_with_offset_and_cause() {
    assert_eq!(
        error(b""),
        "not a credential cache: expected first byte 0x05, but found an empty file"
    );
    assert_eq!(
        error(&[0x76, 0x82]),
        "not a credential cache: expected first byte 0x05, but found 0x76"
    );
    assert_eq!(error(&[5, 5]), "credential cache version 5 is not supported");
    assert_eq!(
        error(&[5, 4, 0, 9, 0]),
        "damaged credential cache at byte 4: expected 9 bytes of header, but found 1"
    );
    assert_eq!(
        error(&[5, 4, 0, 5, 0, 1, 0, 1, 0]),
        "damaged credential cache at byte 6: length of the KDC offset: expected 8, but found 1"
    );
    // Sixteen bytes that ask for four thousand million components.
    assert_eq!(
        error(&[5, 4, 0, 0, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0]),
        "damaged credential cache at byte 8: expected 4294967295 components, but found only 4 more bytes"
    );
    assert_eq!(
        error(&[5, 4, 0, 0, 0, 0, 0, 1, 0, 0, 0, 0, 0xff, 0xff, 0xff, 0xfe, 1]),
        "damaged credential cache at byte 16: expected 4294967294 bytes of realm, but found 1"
    );
}

/// Every 32-bit field that counts or measures, set near its end: refused, nothing reserved.
#[test]
fn counts_near_the_end_of_their_range() {
    let bytes = read(&vectors()[9]["file"]);
    let mut refused = 0;
    for at in 0..bytes.len() - 4 {
        for lie in [u32::MAX, u32::MAX - 1, 0x8000_0000, 0x7fff_ffff] {
            let mut altered = bytes.clone();
            altered[at..at + 4].copy_from_slice(&lie.to_be_bytes());
            if CredentialCache::parse(&altered).is_err() {
                refused += 1;
            }
        }
    }
    assert!(refused > 500, "{refused}");
}

/// MIT's library writes 8 there (KDC options' ENC-TKT-IN-SKEY) for a user-to-user ticket; ours writes 1.
#[test]
fn is_skey_is_true_unless_zero() {
    let text = json();
    let piece = &text["marshal_pieces"][3];
    let field = |name: &str| hex::decode(piece[name].as_str().unwrap()).unwrap();
    let mut start = field("header_hex");
    start.extend(field("default_principal_hex"));
    let mut credential = field("cred1_hex");
    let times = hex::decode("0000000b000000de00000d053b9aca00").unwrap();
    let at = credential.windows(16).position(|window| window == times).unwrap() + 16;
    for (value, expected) in [(0, false), (1, true), (8, true), (255, true)] {
        credential[at] = value;
        let bytes = [start.as_slice(), &credential].concat();
        let cache = CredentialCache::parse(&bytes).unwrap();
        let found = cache.credentials().next().unwrap().is_skey;
        assert_eq!(found, expected, "{value}");
        let written = CredentialCache::parse(&cache.to_bytes().unwrap()).unwrap();
        assert_eq!(written.credentials().next().unwrap().is_skey, expected, "{value}");
    }
}

#[test]
fn too_long() {
    let long = vec![5; kerbside_formats::ccache::MAX_CCACHE_LEN + 1];
    assert_eq!(
        error(&long),
        "credential cache too long: expected at most 67108864 bytes, but found 67108865"
    );
}

fn credential(server: &Principal, end: i64) -> Credential {
    let key = Key::new(EncryptionType::AES128_CTS_HMAC_SHA1_96, &[0xab; 16]).unwrap();
    Credential {
        client: Principal::new("R", &["alice"]),
        server: server.clone(),
        session_key: key.into(),
        auth_time: KerberosTime::from_unix_seconds(100),
        start_time: KerberosTime::EPOCH,
        end_time: KerberosTime::from_unix_seconds(end),
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: Default::default(),
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: b"ticket".to_vec(),
        second_ticket: Vec::new(),
    }
}

#[test]
fn made_changed_and_appended() {
    let (krbtgt, http) = (
        Principal::new("R", &["krbtgt", "R"]),
        Principal::new("R", &["HTTP", "h"]),
    );
    let mut cache = CredentialCache::new(Principal::new("R", &["alice"]));
    cache.set_kdc_offset(Some(KdcOffset {
        seconds: -7,
        microseconds: 5,
    }));
    cache.set_config("fast_avail", Some(&krbtgt), b"no");
    cache.set_config("fast_avail", Some(&krbtgt), b"yes");
    cache.set_config("start_realm", None, b"R");
    cache.add(credential(&krbtgt, 1000));
    cache.add(credential(&http, 500));
    let mut bytes = cache.to_bytes().unwrap().to_vec();
    bytes.extend_from_slice(&CredentialCache::append_bytes(&credential(&http, 900)).unwrap());

    let mut again = CredentialCache::parse(&bytes).unwrap();
    assert_eq!(**again.to_bytes().unwrap(), bytes);
    assert_eq!(
        again.kdc_offset(),
        Some(KdcOffset {
            seconds: -7,
            microseconds: 5
        })
    );
    assert_eq!(again.config("fast_avail", Some(&krbtgt)), Some(&b"yes"[..]));
    assert_eq!(again.config("fast_avail", None), None);
    assert_eq!(again.config("start_realm", None), Some(&b"R"[..]));
    assert_eq!(again.entries.len(), 5);
    assert_eq!(again.credentials().count(), 3);
    assert_eq!(again.find(&http).unwrap().end_time.unix_seconds(), 900);
    assert_eq!(again.find(&http).unwrap().valid_from().unix_seconds(), 100);
    assert_eq!(again.remove(|found| found.server == http), 2);
    assert!(again.find(&http).is_none());
    assert_eq!(again.credentials().count(), 1);
    again.set_kdc_offset(None);
    assert_eq!(again.kdc_offset(), None);
}

#[test]
fn removed_records_do_not_count_and_stay() {
    let http = Principal::new("R", &["HTTP", "h"]);
    let mut struck = credential(&http, 0);
    struck.auth_time = KerberosTime::from_unix_seconds(i64::from(u32::MAX));
    let mut cache = CredentialCache::new(Principal::new("R", &["alice"]));
    cache.add(struck);
    let bytes = cache.to_bytes().unwrap();
    let again = CredentialCache::parse(&bytes).unwrap();
    assert!(matches!(again.entries[..], [CacheEntry::Removed(_)]));
    assert_eq!(again.credentials().count(), 0);
    assert_eq!(again.to_bytes().unwrap(), bytes);
}

#[test]
fn times_outside_32_bits_are_refused() {
    let http = Principal::new("R", &["HTTP", "h"]);
    for end in [-1, i64::from(u32::MAX) + 1] {
        let error = CredentialCache::append_bytes(&credential(&http, end)).unwrap_err();
        assert_eq!(
            error.to_string(),
            "endtime does not fit a credential cache: expected a time from 1970 to 2106"
        );
    }
}

#[test]
fn debug_shows_no_key() {
    let http = Principal::new("R", &["HTTP", "h"]);
    let shown = format!("{:?}", credential(&http, 1));
    assert!(!shown.contains("171, 171") && !shown.contains("abab"), "{shown}");
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let shown = format!("{:?}", CredentialCache::parse(&read(&vector["file"])).unwrap());
        for expected in vector["expected"]["credentials"].as_array().unwrap() {
            let key = expected["key"]["key_hex"].as_str().unwrap();
            let bytes = format!("{:?}", hex::decode(key).unwrap());
            assert!(key.is_empty() || !shown.contains(key) && !shown.contains(&bytes));
        }
    }
}

#[test]
fn a_policy_opens_deprecated_session_keys() {
    let policy = EnctypePolicy::DEFAULT.with_rc4(true).with_des3(true);
    let mut opened = 0;
    for vector in vectors().iter().filter(|vector| vector.get("expected").is_some()) {
        let bytes = read(&vector["file"]);
        let cache = CredentialCache::parse(&bytes).unwrap();
        let open = CredentialCache::parse_with_policy(&bytes, &policy).unwrap();
        for (before, after) in cache.entries.iter().zip(&open.entries) {
            match (before, after) {
                (CacheEntry::Unsupported(raw), CacheEntry::Credential(credential)) => {
                    assert!(matches!(raw.enctype.0, 16 | 23));
                    assert_eq!(credential.session_key.expose_secret(), &raw.key[..]);
                    opened += 1;
                }
                (CacheEntry::Unsupported(raw), CacheEntry::Unsupported(_)) => {
                    assert!(!matches!(raw.enctype.0, 16 | 23));
                }
                (before, after) => assert_eq!(before.credential().is_some(), after.credential().is_some()),
            }
        }
        assert_eq!(cache.to_bytes().unwrap(), open.to_bytes().unwrap());
    }
    assert_eq!(opened, OPENED);
}

/// All of rc4-hmac and des3-cbc-sha1 in the files.
const OPENED: u32 = 6;
