//! Local names of principals and transited realms: MIT's own tables, and refusals.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_asn1::{Principal, Realm};
use kerbside_formats::Krb5Conf;
use kerbside_formats::auth_to_local::LocalNameError;
use kerbside_formats::profile::NoIncludes;
use kerbside_formats::transited::{MAX_REALMS, TransitedError, expand};
use serde_json::Value;

fn vectors(name: &str) -> Vec<Value> {
    let json: Value = serde_json::from_str(include_str!("vectors/behaviour.json")).unwrap();
    let section = &json[name];
    let vectors = section["vectors"].as_array().unwrap().clone();
    assert_eq!(section["count"], vectors.len());
    vectors
}

fn conf(vector: &Value) -> Krb5Conf {
    let realm = vector["default_realm"].as_str().unwrap();
    let mut text = format!("[libdefaults]\ndefault_realm = {realm}\n[realms]\n{realm} = {{\n");
    for rule in vector["config"]["auth_to_local"].as_array().into_iter().flatten() {
        text += &format!("auth_to_local = {}\n", rule.as_str().unwrap());
    }
    if let Some(names) = vector["config"]["auth_to_local_names"].as_object() {
        text += "auth_to_local_names = {\n";
        for (name, local) in names {
            text += &format!("{name} = {}\n", local.as_str().unwrap());
        }
        text += "}\n";
    }
    Krb5Conf::parse(text + "}\n", "krb5.conf", &mut NoIncludes).unwrap()
}

#[test]
fn local_names() {
    let (mut named, mut refused) = (0, 0);
    for vector in vectors("auth_to_local") {
        let principal = Principal::parse(vector["principal"].as_str().unwrap(), None).unwrap();
        let local = conf(&vector).local_name(&principal);
        match (vector["local_name"].as_str(), vector["error"].as_str()) {
            (Some(expected), None) => {
                assert_eq!(local.as_deref(), Ok(expected), "{vector}");
                named += 1;
            }
            (None, Some("No translation")) => {
                assert_eq!(local, Err(LocalNameError::NoTranslation), "{vector}");
                refused += 1;
            }
            (None, Some("Improper format")) => {
                assert!(matches!(local, Err(LocalNameError::Format { .. })), "{vector}");
                refused += 1;
            }
            other => panic!("{other:?}"),
        }
    }
    assert_eq!((named, refused), (20, 8));
}

/// Pitfalls, section 10 row 10: own realm and one component only, and components are compared, never printed names.
#[test]
fn pitfalls_10_10_without_rules_nobody_elses_principal_is_a_local_user() {
    let conf = Krb5Conf::parse("[libdefaults]\ndefault_realm = R\n", "krb5.conf", &mut NoIncludes).unwrap();
    let local = |components: &[&str], realm: &str| conf.local_name(&Principal::new(realm, components)).ok();
    assert_eq!(local(&["alice"], "R").as_deref(), Some("alice"));
    assert_eq!(local(&["alice"], "EVIL"), None);
    assert_eq!(local(&["alice"], "r"), None, "realms have case");
    assert_eq!(local(&["alice", "admin"], "R"), None);
    // One component that is printed as two is one: it is not the user `alice`, and no rule for two components takes it.
    assert_eq!(local(&["alice/admin"], "R").as_deref(), Some("alice/admin"));
    let text = "[libdefaults]\ndefault_realm = R\n[realms]\nR = {\nauth_to_local = RULE:[2:$1]\n\
                auth_to_local_names = {\nalice/admin = root\n}\n}\n";
    let conf = Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes).unwrap();
    let local = |components: &[&str]| conf.local_name(&Principal::new("R", components)).ok();
    assert_eq!(local(&["bob", "admin"]).as_deref(), Some("bob"));
    assert_eq!(local(&["bob/admin"]), None);
    assert_eq!(local(&["alice", "admin"]).as_deref(), Some("root"));
    assert_eq!(
        local(&["alice/admin"]),
        None,
        "one component is not the two of the mapping"
    );
}

/// The example of krb5.conf(5).
#[test]
fn the_documents_rules() {
    let conf = Krb5Conf::parse(
        "[libdefaults]\ndefault_realm = ATHENA.MIT.EDU\n[realms]\nATHENA.MIT.EDU = {\n\
         auth_to_local = RULE:[2:$1](johndoe)s/^.*$/guest/\n\
         auth_to_local = RULE:[2:$1;$2](^.*;admin$)s/;admin$//\n\
         auth_to_local = RULE:[2:$2](^.*;root)s/^.*$/root/\nauth_to_local = DEFAULT\n}\n",
        "krb5.conf",
        &mut NoIncludes,
    )
    .unwrap();
    let local = |name: &str| conf.local_name(&Principal::parse(name, None).unwrap());
    assert_eq!(local("johndoe/x@ATHENA.MIT.EDU").as_deref(), Ok("guest"));
    assert_eq!(local("alice/admin@ATHENA.MIT.EDU").as_deref(), Ok("alice"));
    assert_eq!(local("alice@ATHENA.MIT.EDU").as_deref(), Ok("alice"));
    assert_eq!(local("alice@OTHER"), Err(LocalNameError::NoTranslation));
}

#[test]
fn damaged_rules_say_what_was_expected() {
    let principal = Principal::parse("user@R", None).unwrap();
    for (rule, expected) in [
        (
            "RULE:[1:$1",
            "auth_to_local: expected a closing bracket, but found \"RULE:[1:$1\"",
        ),
        (
            "RULE:[x:$1]",
            "auth_to_local: expected a number of components, but found \"RULE:[x:$1]\"",
        ),
        (
            "RULE:[1]",
            "auth_to_local: expected [n:format], but found \"RULE:[1]\"",
        ),
        (
            "RULE:(user",
            "auth_to_local: expected a closing parenthesis, but found \"RULE:(user\"",
        ),
        (
            "RULE:s/a/b",
            "auth_to_local: expected s/pattern/replacement/ or s/pattern/replacement/g, but found \"RULE:s/a/b\"",
        ),
        (
            "DB:/x",
            "auth_to_local: expected RULE:... or DEFAULT, but found \"DB:/x\"",
        ),
        (
            "RULE:(a[)",
            "auth_to_local: regular expression with a bracket expression that is none in \"RULE:(a[)\"",
        ),
    ] {
        let text =
            format!("[libdefaults]\ndefault_realm = R\n[realms]\nR = {{\nauth_to_local = {rule}\n}}\n");
        let conf = Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes).unwrap();
        assert_eq!(conf.local_name(&principal).unwrap_err().to_string(), expected);
    }
    // What grows without end is stopped.
    let grow = "s/u/uuuuuuuuuuuuuuuuuuuuuuuuuuuuuuuu/g ".repeat(9);
    let text =
        format!("[libdefaults]\ndefault_realm = R\n[realms]\nR = {{\nauth_to_local = RULE:{grow}\n}}\n");
    let conf = Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes).unwrap();
    assert_eq!(conf.local_name(&principal), Err(LocalNameError::TooLong));
    let long = Principal::new("R", &["u".repeat(2000)]);
    assert_eq!(conf.local_name(&long), Err(LocalNameError::TooLong));
    // With no configuration at all nobody is local.
    let conf = Krb5Conf::parse("", "krb5.conf", &mut NoIncludes).unwrap();
    assert_eq!(conf.local_name(&principal), Err(LocalNameError::NoTranslation));
}

#[test]
fn transited_realms() {
    let (mut good, mut refused) = (0, 0);
    for vector in vectors("transited_expansion") {
        let realm = |field: &str| Realm::from(vector[field].as_str().unwrap());
        let field = vector["transited"].as_str().unwrap().as_bytes();
        let expanded = expand(field, &realm("client_realm"), &realm("server_realm"));
        let Some(expected) = vector["expected_realms_any_order"].as_array() else {
            assert!(matches!(expanded, Err(TransitedError::NoPath { .. })), "{vector}");
            refused += 1;
            continue;
        };
        let mut expanded: Vec<String> = expanded.unwrap().iter().map(ToString::to_string).collect();
        let mut expected: Vec<String> = expected
            .iter()
            .map(|realm| realm.as_str().unwrap().to_owned())
            .collect();
        expanded.sort();
        expected.sort();
        assert_eq!(expanded, expected, "{vector}");
        good += 1;
    }
    assert_eq!((good, refused), (8, 1));
}

#[test]
fn transited_quoting_and_refusals() {
    let (client, server) = (Realm::from("A.B"), Realm::from("C.D"));
    let expanded = |field: &[u8]| expand(field, &client, &server);
    let text = |field: &str| {
        let realms = expanded(field.as_bytes()).unwrap();
        realms
            .iter()
            .map(|realm| String::from_utf8_lossy(realm.as_bytes()).into_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(text(""), [""; 0]);
    assert_eq!(text(r"a\,b,c\\,d\.,\ e"), ["a,b", r"c\", "d.", " e"]);
    assert_eq!(text("X,Y"), ["X", "Y"]);
    assert_eq!(expanded(b"a\\"), Err(TransitedError::Escape));
    assert_eq!(expanded(b"MIT.,EDU"), Err(TransitedError::NothingBefore));
    assert!(matches!(expanded(b","), Err(TransitedError::NoPath { .. })));
    assert_eq!(expanded(&vec![b'x'; 20_000]), Err(TransitedError::TooLong));
    let many = "x,".repeat(MAX_REALMS + 1);
    assert_eq!(expanded(many.as_bytes()), Err(TransitedError::TooLong));
    let growing = "/xxxxxxxxxxxxxxxx,".repeat(200);
    assert_eq!(expanded(growing.as_bytes()), Err(TransitedError::TooLong));
}
