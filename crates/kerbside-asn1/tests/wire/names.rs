//! Principals: MIT's parse and unparse results, and what is refused.

use kerbside_asn1::limits::{MAX_COMPONENTS, MAX_PRINCIPAL_LEN};
use kerbside_asn1::{Name, NameError, NameType, Principal, Realm, decode, encode};

use crate::corpus::json;

#[test]
fn principals_parse_and_unparse_as_with_mit() {
    let file = json("principal_names.json");
    let vectors = file["principal_parse"]["vectors"].as_array().unwrap();
    for vector in vectors {
        let default = vector
            .get("default_realm")
            .map(|realm| Realm::from(realm.as_str().unwrap()));
        let input = vector["input"].as_str().unwrap();
        let principal = Principal::parse(input, default.as_ref()).unwrap();
        let components: Vec<_> = vector["components"].as_array().unwrap().iter().collect();
        let found: Vec<_> = principal
            .name
            .components
            .iter()
            .map(|part| str::from_utf8(part).unwrap())
            .collect();
        assert_eq!(found, components);
        assert_eq!(principal.realm.as_str(), vector["realm"].as_str());
        let unparsed = vector["unparsed"].as_str().unwrap();
        assert_eq!(principal.unparse(), unparsed.as_bytes());
        assert_eq!(principal.to_string(), unparsed);
        assert_eq!(Principal::parse(unparsed, None).as_ref(), Ok(&principal));
    }
    assert_eq!(vectors.len(), 7);
}

#[test]
fn name_types_are_guessed_as_by_mit() {
    let file = json("principal_names.json");
    let vectors = file["principal_default_name_type"]["vectors"].as_array().unwrap();
    for vector in vectors {
        let principal: Principal = vector["principal"].as_str().unwrap().parse().unwrap();
        assert_eq!(
            i64::from(principal.name.name_type.0),
            vector["name_type"].as_i64().unwrap()
        );
    }
    assert_eq!(vectors.len(), 4);
}

#[test]
fn malformed_principals_are_refused() {
    let realm = Realm::from("R");
    let parse = |text: &str| Principal::parse(text, Some(&realm)).map(|principal| principal.to_string());
    assert_eq!(parse("a\\"), Err(NameError::TrailingBackslash));
    assert_eq!(parse("a@b\\"), Err(NameError::TrailingBackslash));
    assert_eq!(parse("a@b/c"), Err(NameError::SeparatorInRealm { offset: 3 }));
    assert_eq!(parse("a@b@c"), Err(NameError::SeparatorInRealm { offset: 3 }));
    assert_eq!(
        parse(&"a/".repeat(MAX_COMPONENTS)),
        Err(NameError::TooManyComponents)
    );
    assert_eq!(
        parse(&"a/".repeat(MAX_COMPONENTS - 1)).unwrap().len(),
        2 * (MAX_COMPONENTS - 1) + 2
    );
    let long = "a".repeat(MAX_PRINCIPAL_LEN + 1);
    assert_eq!(
        parse(&long),
        Err(NameError::TooLong {
            len: MAX_PRINCIPAL_LEN + 1
        })
    );
    assert_eq!(Principal::parse("a", None), Err(NameError::NoRealm));
    assert_eq!(Principal::parse("a@R", None).unwrap().to_string(), "a@R");
}

/// Found by fuzzing: a name within the limit was over it once it was written with its quotes, and so not read again.
#[test]
fn quoting_does_not_make_a_name_too_long() {
    for octet in ["\t", "\\\\", "\\@", "\\/"] {
        let longest = octet.repeat(MAX_PRINCIPAL_LEN - 2) + "@R";
        let principal = Principal::parse(&longest, None).unwrap();
        assert_eq!(
            Principal::parse_bytes(&principal.unparse(), None).as_ref(),
            Ok(&principal)
        );
        let longer = octet.repeat(MAX_PRINCIPAL_LEN - 1) + "@R";
        assert_eq!(
            Principal::parse(&longer, None),
            Err(NameError::TooLong {
                len: MAX_PRINCIPAL_LEN + 1
            })
        );
    }
}

#[test]
fn error_texts_say_what_was_expected() {
    assert_eq!(
        Principal::parse("a@b@c", None).unwrap_err().to_string(),
        "malformed principal name: expected a realm without '/' and '@', but found one at octet 3"
    );
    assert_eq!(
        Principal::parse("a", None).unwrap_err().to_string(),
        "principal name has no realm, and there is no default realm"
    );
}

#[test]
fn enterprise_names_keep_their_at_and_slash() {
    let principal = Principal::parse_enterprise("user/x@example.com@R", None).unwrap();
    assert_eq!(principal.name.components, [b"user/x@example.com".to_vec()]);
    assert_eq!(principal.name.name_type, NameType::NT_ENTERPRISE);
    assert_eq!(principal.to_string(), "user\\/x\\@example.com@R");
    let default = Realm::from("D");
    let principal = Principal::parse_enterprise("user@example.com", Some(&default)).unwrap();
    assert_eq!(
        (principal.realm, principal.name),
        (default, Name::enterprise("user@example.com"))
    );
}

#[test]
fn comparisons_ignore_the_name_type() {
    use std::collections::BTreeSet;
    use std::collections::HashSet;
    let host = Name::new(&["HTTP", "h"]);
    let service = Name::service("HTTP", "H");
    assert_ne!(host.name_type, service.name_type);
    assert_eq!(host, service);
    assert_eq!(HashSet::from([host.clone(), service.clone()]).len(), 1);
    assert_eq!(BTreeSet::from([host, service]).len(), 1);
    // Components are compared one by one: a separator inside one makes another name.
    assert_ne!(Name::new(&["a/b"]), Name::new(&["a", "b"]));
    assert_ne!(Name::new(&["a"]), Name::new(&["A"]));
    assert_ne!(Realm::from("r"), Realm::from("R"));
}

#[test]
fn what_a_terminal_or_log_could_take_for_a_command_is_escaped() {
    let principal = Principal::parse_bytes(b"a\x1b[2J\r\xff/\xc2\x9bx@R\x07", None).unwrap();
    assert_eq!(principal.to_string(), "a\\u{1b}[2J\\r\\xff/\\u{9b}x@R\\u{7}");
    assert_eq!(format!("{:?}", principal.realm), "\"R\\u{7}\"");
    // What is parsed again is exact.
    assert_eq!(Principal::parse_bytes(&principal.unparse(), None), Ok(principal));
    // Turned round, this would read `alice@EVIL.COM`; the second has a line of its own and much that is not seen.
    let turned = Principal::parse("alice@\u{202e}MOC.LIVE", None).unwrap();
    assert_eq!(turned.to_string(), "alice@\\u{202e}MOC.LIVE");
    let name = Principal::parse("a\u{2028}b\u{200b}c\u{feff}\u{61c}\u{2066}é\u{301}@R", None).unwrap();
    assert_eq!(
        name.to_string(),
        "a\\u{2028}b\\u{200b}c\\u{feff}\\u{61c}\\u{2066}é\u{301}@R"
    );
}

#[test]
fn ticket_granting_services_are_recognized() {
    let local = Principal::krbtgt("A", "A");
    let cross = Principal::krbtgt("A", "B");
    assert_eq!(
        (local.to_string(), cross.to_string()),
        ("krbtgt/A@A".into(), "krbtgt/B@A".into())
    );
    assert!(local.is_krbtgt() && local.is_local_krbtgt());
    assert!(cross.is_krbtgt() && !cross.is_local_krbtgt());
    assert_eq!(cross.name.krbtgt_realm(), Some(&b"B"[..]));
    assert_eq!(local.name.name_type, NameType::NT_SRV_INST);
    assert!(!Principal::new("A", &["krbtgt"]).is_krbtgt());
    assert!(!Principal::new("A", &["krbtgt", "A", "x"]).is_krbtgt());
}

#[test]
fn host_based_names_become_service_and_host() {
    let name = Name::host_based("HTTP@WWW.Example.com").unwrap();
    assert_eq!(
        (name.to_string().as_str(), name.name_type),
        ("HTTP/www.example.com", NameType::NT_SRV_HST)
    );
    for text in ["", "HTTP", "@host", "HTTP@"] {
        assert_eq!(Name::host_based(text), Err(NameError::HostBased), "{text}");
    }
}

#[test]
fn the_default_salt_is_realm_and_components() {
    let principal = Principal::new("ATHENA.MIT.EDU", &["raeburn", "x"]);
    assert_eq!(principal.default_salt(), b"ATHENA.MIT.EDUraeburnx");
}

#[test]
fn names_cross_the_wire_unchanged() {
    for text in ["a@R", "HTTP/h.example.com@R", "krbtgt/R@R", "a\\/b/@"] {
        let principal = Principal::parse(text, None).unwrap();
        let (realm, name) = (encode(&principal.realm.to_wire()), encode(&principal.to_wire()));
        let (realm, name) = (realm.unwrap(), name.unwrap());
        let back = Principal::from_wire(decode(&realm).unwrap(), &decode(&name).unwrap());
        assert_eq!(back, principal);
        assert_eq!(back.name.name_type, principal.name.name_type);
        assert!(principal.matches_wire(decode(&realm).unwrap(), &decode(&name).unwrap()));
        let other = Principal::new("other", &["x"]);
        assert!(!other.matches_wire(decode(&realm).unwrap(), &decode(&name).unwrap()));
    }
}
