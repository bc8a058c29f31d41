//! Durations, encryption type lists, host strings and keysalts: MIT's own tables, and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_formats::duration::parse_duration;
use kerbside_formats::enctype_list::{DEFAULT_ENCTYPES, EnctypeList, EnctypeListError};
use kerbside_formats::host_string::{HostPort, ServerAddress, Transport};
use kerbside_formats::keysalt::{KeySalt, SaltType, parse_keysalts};
use serde_json::{Value, json};

fn vectors(name: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(include_str!("vectors/behaviour.json")).unwrap();
    json[name]["vectors"].as_array().unwrap().clone()
}

#[test]
fn durations() {
    let (mut good, mut refused) = (0, 0);
    for vector in vectors("durations") {
        let text = vector["input"].as_str().unwrap();
        assert_eq!(parse_duration(text), vector["seconds"].as_i64(), "{text:?}");
        if vector["error"] == true {
            refused += 1
        } else {
            good += 1
        }
    }
    assert_eq!((good, refused), (42, 31));
    for bad in [
        "", " ", "-", "d", "1x", "1d2d", "1h1d", "1 2", "1d 2", "1:2:3:4", "1-2:3", "1:", ":1", "+1", "1d-",
        "\u{e9}",
    ] {
        assert_eq!(parse_duration(bad), None, "{bad:?}");
    }
    assert_eq!(parse_duration("99999999999999999999d"), None);
    assert_eq!(parse_duration("3s "), Some(3));
}

fn types(list: &Value) -> Vec<EncryptionType> {
    let number = |value: &Value| EncryptionType(i32::try_from(value.as_i64().unwrap()).unwrap());
    list.as_array().unwrap().iter().map(number).collect()
}

#[test]
fn enctype_lists() {
    let mut checked = 0;
    for vector in vectors("enctype_lists") {
        let default = types(&vector["default_set"]);
        for (allow_weak, result, error) in [
            (false, "result_allow_weak_false", "error_allow_weak_false"),
            (true, "result_allow_weak_true", "error_allow_weak_true"),
        ] {
            let parsed = EnctypeList::parse(vector["list"].as_str(), &default, allow_weak);
            match vector[error].as_str() {
                Some("EINVAL") => assert_eq!(parsed, Err(EnctypeListError::NoDefault)),
                Some("KRB5_CONFIG_ETYPE_NOSUPP") => assert_eq!(parsed, Err(EnctypeListError::NothingLeft)),
                Some(other) => panic!("{other}"),
                None => assert_eq!(parsed.unwrap().enctypes, types(&vector[result]), "{vector}"),
            }
            checked += 1;
        }
    }
    assert_eq!(checked, 22);
}

#[test]
fn what_an_enctype_list_leaves_out_is_noted() {
    let parse = |list| EnctypeList::parse(Some(list), &DEFAULT_ENCTYPES, false);
    let list = parse("aes256-cts arcfour-hmac-exp nonsense, camellia rc4 des3-cbc-raw")
        .unwrap()
        .supported(&[])
        .unwrap();
    assert_eq!(list.enctypes, [18, 26, 25].map(EncryptionType));
    let notes: Vec<String> = list.notes.iter().map(ToString::to_string).collect();
    assert_eq!(
        notes,
        [
            "arcfour-hmac-exp (24) is weak and allow_weak_crypto is not set",
            "encryption type \"nonsense\" is not known",
            "encryption type \"des3-cbc-raw\" is not known",
            "arcfour-hmac (23) is not permitted: allow_rc4 is not set",
        ]
    );
    // What only the default brings is left out in silence.
    let list = parse("DEFAULT").unwrap().supported(&DEFAULT_ENCTYPES).unwrap();
    assert_eq!(list.enctypes, [18, 17, 20, 19, 25, 26].map(EncryptionType));
    assert_eq!(list.notes, []);
    let policy = EnctypePolicy::DEFAULT.with_rc4(true);
    let list = parse("DEFAULT des3")
        .unwrap()
        .permitted(&DEFAULT_ENCTYPES, &policy)
        .unwrap();
    assert_eq!(list.enctypes, [18, 17, 20, 19, 23, 25, 26].map(EncryptionType));
    assert_eq!(parse("nonsense"), Err(EnctypeListError::NothingLeft));
    assert_eq!(
        parse("rc4").unwrap().supported(&[]),
        Err(EnctypeListError::NothingLeft)
    );
}

#[test]
fn host_strings() {
    let (mut good, mut refused) = (0, 0);
    for vector in vectors("kdc_host_strings") {
        // A missing string is an empty one, and a default port that is none cannot be written here.
        let port = u16::try_from(vector["default_port"].as_u64().unwrap());
        let parsed = port
            .ok()
            .and_then(|port| HostPort::parse(vector["input"].as_str().unwrap_or(""), port).ok());
        if vector["error"] == true {
            assert_eq!(parsed, None, "{vector}");
            refused += 1;
        } else {
            let parsed = parsed.unwrap();
            assert_eq!(json!(parsed.host), vector["host"], "{vector}");
            assert_eq!(json!(parsed.port), vector["port"]);
            good += 1;
        }
    }
    assert_eq!((good, refused), (8, 7));
}

#[test]
fn server_addresses() {
    let parse = |text| ServerAddress::parse(text, 88).map(|address| address.to_string());
    assert_eq!(parse("kdc.example.com").unwrap(), "kdc.example.com:88");
    assert_eq!(parse("tcp/kdc:750").unwrap(), "tcp/kdc:750");
    assert_eq!(parse("UDP/[::1]:8888").unwrap(), "udp/[::1]:8888");
    assert_eq!(
        ServerAddress::parse("udp/kdc", 88).unwrap().transport,
        Some(Transport::Udp)
    );
    assert_eq!(parse("https://proxy").unwrap(), "https://proxy:443/");
    assert_eq!(parse("HTTPS://[::1]:8443/a/b").unwrap(), "https://[::1]:8443/a/b");
    let proxy = ServerAddress::parse("https://proxy/KdcProxy", 88).unwrap();
    assert_eq!(proxy.transport, Some(Transport::Https));
    assert_eq!(
        (proxy.host.as_str(), proxy.port, proxy.path.as_str()),
        ("proxy", 443, "KdcProxy")
    );
    for (text, expected) in [
        ("", "expected a host, but found an empty string"),
        ("88", "expected a host, but found \"88\""),
        (":88", "expected a host, but found \":88\""),
        ("a b", "expected a host, but found \"a b\""),
        (
            "::1",
            "expected host or host:port, but found \"::1\" (an IPv6 address needs brackets)",
        ),
        ("[::1", "expected [address] or [address]:port, but found \"[::1\""),
        (
            "[::1]88",
            "expected [address] or [address]:port, but found \"[::1]88\"",
        ),
        ("[[]", "expected a host, but found \"[[]\""),
        ("a]", "expected a host, but found \"a]\""),
        ("[tcp/a]", "expected a host, but found \"[tcp/a]\""),
        ("kdc:0", "expected a port from 1 to 65535, but found \"0\""),
        ("kdc:", "expected a port from 1 to 65535, but found \"\""),
        (
            "http://proxy/KdcProxy",
            "a KDC proxy over HTTP without TLS is not supported yet, but found \"http://proxy/KdcProxy\"",
        ),
        ("https://", "expected a host, but found \"https://\""),
        ("https:///p", "expected a host, but found \"https:///p\""),
        ("https://88/p", "expected a host, but found \"https://88/p\""),
        ("https://u@h/p", "expected a host, but found \"https://u@h/p\""),
        ("https://h?p", "expected a host, but found \"https://h?p\""),
        (
            "https://h/p HTTP/1.1\r\nX: y",
            "expected a host, but found \"https://h/p HTTP/1.1\\r\\nX: y\"",
        ),
        (
            "https://h:0/p",
            "expected a port from 1 to 65535, but found \"0\"",
        ),
        (
            "/run/kdc.sock",
            "a UNIX domain socket is not supported yet, but found \"/run/kdc.sock\"",
        ),
    ] {
        assert_eq!(parse(text).unwrap_err().to_string(), expected);
    }
    let list = HostPort::parse_list("88, 127.0.0.1:750 [::1] *:89", 88).unwrap();
    let list: Vec<String> = list.iter().map(ToString::to_string).collect();
    assert_eq!(list, ["*:88", "127.0.0.1:750", "[::1]:88", "*:89"]);
    assert_eq!(HostPort::parse_list("", 88), Ok(vec![]));
    assert!(HostPort::parse_list("88 /run/x", 88).is_err());
}

#[test]
fn keysalts() {
    let keysalt = |number, salt_type| KeySalt {
        enctype: EncryptionType(number),
        salt_type,
    };
    assert_eq!(
        parse_keysalts("aes256-cts:normal,aes128-sha2 aes256-cts:Special aes256-cts").unwrap(),
        [
            keysalt(18, SaltType::Normal),
            keysalt(19, SaltType::Normal),
            keysalt(18, SaltType::Special)
        ]
    );
    for (list, expected) in [
        ("", "expected a list of enctype:salttype, but found nothing"),
        (
            "aes512:normal",
            "expected an encryption type, but found \"aes512\"",
        ),
        (
            "des-cbc-md5:normal",
            "encryption type des-cbc-md5 (3) is not supported yet",
        ),
        (
            "aes256-cts:v4",
            "expected a salt type (normal, norealm, onlyrealm, special), but found \"v4\"",
        ),
    ] {
        assert_eq!(parse_keysalts(list).unwrap_err().to_string(), expected);
    }
    assert_eq!(SaltType::OnlyRealm.name(), "onlyrealm");
}
