#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use std::string::{String, ToString};
use std::vec::Vec;
use std::{format, vec};

use kerbside_asn1::{NameError, NameType, ObjectIdentifier, Principal, Realm, oids};
use serde_json::Value;

use super::{GssName, GssNameError, LocalNames, export_principal};
use crate::error::Major;
use crate::key_source::ServiceName;

/// RFC 2743, RFC 1964, RFC 4121, RFC 5179, RFC 6112, RFC 6806; the file says of each which.
fn vectors() -> Value {
    serde_json::from_str(include_str!("../../tests/vectors/gss_names.json")).unwrap()
}

fn local(realm: &Realm) -> LocalNames<'_> {
    LocalNames::new()
        .with_default_realm(realm)
        .with_local_host("Node.Example.Com")
}

#[test]
fn exported_names_are_read_and_written_as_the_rfcs_say() {
    let vectors = vectors();
    let exported = vectors["exported"].as_array().unwrap();
    assert_eq!(exported.len(), 6);
    for vector in exported {
        let token = hex::decode(vector["exported_hex"].as_str().unwrap()).unwrap();
        let name = GssName::from_exported(&token).unwrap();
        let principal = Principal::parse(vector["display_name"].as_str().unwrap(), None).unwrap();
        assert_eq!(
            name.to_principal(&LocalNames::new()).unwrap(),
            principal,
            "{vector}"
        );
        assert_eq!(name.export(&LocalNames::new()).unwrap(), token);
        assert_eq!(export_principal(&principal), token);
        assert_eq!(name.to_string(), principal.to_string());
        let imported = GssName::import(&token, &oids::NT_EXPORT_NAME).unwrap();
        assert_eq!(imported.export(&LocalNames::new()).unwrap(), token);
    }
}

#[test]
fn names_of_every_type_become_the_principal_the_rfcs_say() {
    let vectors = vectors();
    let imports = vectors["imports"].as_array().unwrap();
    assert_eq!(imports.len(), 7);
    let home = Realm::from("HOME.TEST");
    for vector in imports {
        let name_type = ObjectIdentifier::new(vector["name_type"].as_str().unwrap()).unwrap();
        let name = GssName::import(vector["input"].as_str().unwrap().as_bytes(), &name_type).unwrap();
        let principal = name.to_principal(&local(&home)).unwrap();
        let expected: Vec<Vec<u8>> = vector["krb5_components"]
            .as_array()
            .unwrap()
            .iter()
            .map(|part| {
                part.as_str()
                    .unwrap()
                    .replace("<local host>", "node.example.com")
                    .into_bytes()
            })
            .collect();
        assert_eq!(principal.name.components, expected, "{vector}");
        let expected = NameType(i32::try_from(vector["krb5_name_type"].as_i64().unwrap()).unwrap());
        assert_eq!(principal.name.name_type, expected, "{vector}");
        let realm = vector["realm"].as_str().unwrap_or("from domain_realm");
        let expected = match realm {
            "default realm" => "HOME.TEST",
            other if other.starts_with("from domain_realm") => "",
            other => other,
        };
        assert_eq!(principal.realm, Realm::from(expected), "{vector}");
        assert_eq!(name.name_type(), name_type);
    }
}

#[test]
fn malformed_exported_names_are_bad_names() {
    let vectors = vectors();
    let malformed = vectors["malformed"].as_array().unwrap();
    assert_eq!(malformed.len(), 4);
    for vector in malformed {
        let token = hex::decode(vector["exported_hex"].as_str().unwrap()).unwrap();
        let error = GssName::from_exported(&token).unwrap_err();
        assert_eq!(error.major(), Major::BadName, "{vector}");
    }
    // Each prefix, and each octet altered: refused, or a name that is exported as these very octets.
    let token = export_principal(&Principal::new("R", &["HTTP", "a/b"]));
    for end in 0..token.len() {
        GssName::from_exported(&token[..end]).unwrap_err();
    }
    for at in 0..token.len() {
        for altered in [token[at] ^ 1, token[at] ^ 0x80, 0, 0xff] {
            let mut token = token.clone();
            token[at] = altered;
            if let Ok(name) = GssName::from_exported(&token) {
                let again = name.export(&LocalNames::new()).unwrap();
                let name = GssName::from_exported(&again).unwrap();
                assert_eq!(name.export(&LocalNames::new()).unwrap(), again);
            }
        }
    }
    let long = vec![b'a'; 9000];
    let refused = |token: Vec<u8>| GssName::from_exported(&token).unwrap_err().to_string();
    assert_eq!(
        refused(super::exported::write(&oids::KRB5, &long)),
        "exported name: its name is longer than any"
    );
    assert_eq!(
        refused(super::exported::write(&oids::KRB5, b"alice")),
        "principal name has no realm, and there is no default realm"
    );
    assert_eq!(
        refused(super::exported::write(&oids::KRB5, b"@R")),
        "expected a name, but found an empty one"
    );
    let composite = [&[4, 2], &token[2..]].concat();
    assert_eq!(
        refused(composite),
        "exported name: names with attributes (RFC 6680) are not supported"
    );
}

#[test]
fn a_name_of_another_mechanism_is_compared_and_exported_and_no_principal() {
    let token = super::exported::write(&oids::NTLMSSP, b"DOM\\alice");
    let name = GssName::from_exported(&token).unwrap();
    let nothing = LocalNames::new();
    assert_eq!(name.export(&nothing).unwrap(), token);
    assert!(name.is_same(&name.clone(), &nothing).unwrap());
    assert!(
        !name
            .is_same(&GssName::krb5("alice@DOM").unwrap(), &nothing)
            .unwrap()
    );
    assert!(
        !GssName::krb5("alice@DOM")
            .unwrap()
            .is_same(&name, &nothing)
            .unwrap()
    );
    assert_eq!(
        name.to_principal(&nothing).unwrap_err().to_string(),
        "expected a name of Kerberos, but found one of NTLMSSP (1.3.6.1.4.1.311.2.2.10)"
    );
    assert!(name.to_service(None).is_err());
    assert!(
        name.to_string()
            .starts_with("NTLMSSP (1.3.6.1.4.1.311.2.2.10): 444f4d")
    );
}

#[test]
fn services_have_a_host_in_lower_case_and_nothing_else_done_to_it() {
    let service = |text: &str| {
        GssName::host_based(text)
            .unwrap()
            .to_service(Some("Here"))
            .unwrap()
            .to_string()
    };
    assert_eq!(
        service("HTTP@WWW.Example.COM."),
        "HTTP/www.example.com. in any realm"
    );
    assert_eq!(service("host"), "host/here in any realm");
    assert_eq!(service("MSSQLSvc@db:1433"), "MSSQLSvc/db:1433 in any realm");
    let named = GssName::krb5("HTTP/www@R").unwrap().to_service(None).unwrap();
    assert!(matches!(named, ServiceName::Principal(principal) if principal.to_string() == "HTTP/www@R"));
    let open = GssName::krb5("HTTP/www").unwrap().to_service(None).unwrap();
    assert!(matches!(open, ServiceName::Name(name) if name.to_string() == "HTTP/www"));
    for malformed in ["", "@host", "HTTP@", "HTTP@a@b", "HTTP@a\0b"] {
        let error = GssName::host_based(malformed).unwrap_err();
        assert_eq!(
            error.to_string(),
            "malformed service name: expected service or service@host"
        );
    }
    for malformed in ["ldap@d", "ldap@d@h@x", "ldap@@h", "@d@h", "ldap@d@"] {
        assert!(
            matches!(
                GssName::domain_based(malformed),
                Err(GssNameError::Service { .. })
            ),
            "{malformed}"
        );
    }
    let long = format!("HTTP@{}", "h".repeat(5000));
    assert!(GssName::host_based(&long).is_err());
    let error = GssName::host_based("host").unwrap().to_service(None).unwrap_err();
    assert_eq!(error, GssNameError::NoLocalHost);
    assert_eq!(
        GssName::Anonymous.to_service(None).unwrap_err(),
        GssNameError::NotAService
    );
}

#[test]
fn what_is_compared_is_components_and_realm_and_nobody_is_nobodys_equal() {
    let home = Realm::from("HOME.TEST");
    let local = local(&home);
    let same = |one: &GssName, other: &GssName| one.is_same(other, &local).unwrap();
    let krb5 = |text: &str| GssName::krb5(text).unwrap();
    assert!(same(&GssName::user("alice").unwrap(), &krb5("alice@HOME.TEST")));
    assert!(!same(&GssName::user("alice").unwrap(), &krb5("alice@home.test")));
    assert!(!same(&GssName::user("alice").unwrap(), &krb5("Alice@HOME.TEST")));
    // One component `alice/admin` is not the two `alice`, `admin`, though both may be shown alike.
    assert!(!same(&krb5("alice\\/admin@R"), &krb5("alice/admin@R")));
    assert_ne!(
        krb5("alice\\/admin@R").export(&local).unwrap(),
        krb5("alice/admin@R").export(&local).unwrap()
    );
    let realm_of_host = |host: &str| (host == "www.test").then(|| Realm::from("WWW.REALM"));
    let local = local.with_realm_of_host(&realm_of_host);
    let www = GssName::host_based("HTTP@WWW.test").unwrap();
    assert!(www.is_same(&krb5("HTTP/www.test@WWW.REALM"), &local).unwrap());
    assert!(!GssName::Anonymous.is_same(&GssName::Anonymous, &local).unwrap());
    assert!(
        !GssName::Anonymous
            .is_same(&krb5("WELLKNOWN/ANONYMOUS@R"), &local)
            .unwrap()
    );
}

#[test]
fn nothing_is_guessed_where_nobody_said() {
    let nothing = LocalNames::new();
    let error = GssName::user("alice")
        .unwrap()
        .to_principal(&nothing)
        .unwrap_err();
    assert_eq!(error, GssNameError::Principal(NameError::NoRealm));
    let unknown = GssName::import(b"0", &oids::NT_MACHINE_UID_NAME).unwrap_err();
    assert_eq!(unknown.major(), Major::BadNameType);
    assert_eq!(
        unknown.to_string(),
        "names of type 1.2.840.113554.1.2.1.2 are not known"
    );
    for empty in ["", "/", "@R", "//@R"] {
        assert_eq!(GssName::user(empty).unwrap_err(), GssNameError::Empty, "{empty}");
    }
    let mail = GssName::enterprise("alice@corp.test@HOME.TEST").unwrap();
    assert_eq!(mail.to_string(), "alice\\@corp.test@HOME.TEST");
    assert_eq!(
        GssName::import(b"\xff@x", &oids::NT_KRB5_ENTERPRISE_NAME).unwrap_err(),
        GssNameError::NotText
    );
    let octets: String = "a".repeat(8200);
    assert!(matches!(
        GssName::user(&octets),
        Err(GssNameError::Principal(NameError::TooLong { .. }))
    ));
}
