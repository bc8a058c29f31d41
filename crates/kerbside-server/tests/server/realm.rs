//! Realms in one line

use std::os::unix::fs::MetadataExt;
use std::sync::{Arc, Mutex};

use kerbside_formats::Keytab;
use kerbside_server::{AuditTarget, Realm, ServerError};

use crate::as_client::{Proof, by_tcp, by_udp, login};

#[test]
fn one_line_gives_a_realm_with_sockets() {
    let realm = Realm::start().unwrap();
    let alice = realm.principal("alice").unwrap();
    let kdc = realm.kdc_address().unwrap();
    assert!(kdc.ip().is_loopback());
    let password = realm.password("alice").unwrap().to_owned();
    assert!(password.len() >= 20);
    for send in [by_udp, by_tcp] {
        let done = login(&alice, &Proof::Password(&password), &mut |request| {
            send(kdc, request)
        })
        .unwrap();
        assert_eq!(done.credential.client, alice);
        assert!(done.enc_pa_rep_verified);
    }
    let refused = login(&alice, &Proof::Password("wrong"), &mut |request| {
        by_udp(kdc, request)
    });
    assert!(refused.unwrap_err().to_string().contains("PREAUTH_FAILED"));
}

#[test]
fn one_line_gives_a_realm_without_sockets() {
    let realm = Realm::builder()
        .name("OTHER.TEST")
        .user("bob", "secret")
        .service("HTTP/localhost")
        .without_sockets()
        .start()
        .unwrap();
    assert_eq!(realm.kdc_address(), None);
    let bob = realm.principal("bob").unwrap();
    let done = login(&bob, &Proof::Password("secret"), &mut |request| {
        realm.exchange(request).unwrap()
    })
    .unwrap();
    assert_eq!(done.credential.server.to_string(), "krbtgt/OTHER.TEST@OTHER.TEST");
}

#[test]
fn its_files_are_private_and_nothing_is_left_behind() {
    let realm = Realm::start().unwrap();
    let directory = realm.directory().to_owned();
    assert_eq!(directory.metadata().unwrap().mode() & 0o777, 0o700);
    for entry in std::fs::read_dir(&directory).unwrap() {
        let entry = entry.unwrap();
        assert_eq!(
            entry.metadata().unwrap().mode() & 0o777,
            0o600,
            "{}",
            entry.path().display()
        );
    }
    let keytab = Keytab::parse(&std::fs::read(realm.keytab()).unwrap()).unwrap();
    assert_eq!(keytab.entries().count(), 4);
    assert!(
        keytab
            .entries()
            .all(|entry| entry.principal.to_string() == "HTTP/localhost@EXAMPLE.TEST")
    );
    let client = Keytab::parse(&std::fs::read(realm.client_keytab()).unwrap()).unwrap();
    let key = client.entries().next().unwrap().key.usable().unwrap().clone();
    let alice = realm.principal("alice").unwrap();
    let kdc = realm.kdc_address().unwrap();
    login(&alice, &Proof::Key(key), &mut |request| by_udp(kdc, request)).unwrap();
    let names: Vec<_> = realm.environment().into_iter().map(|(name, _)| name).collect();
    assert_eq!(
        names,
        [
            "KRB5_CONFIG",
            "KRB5_KDC_PROFILE",
            "KRB5CCNAME",
            "KRB5_KTNAME",
            "KRB5_CLIENT_KTNAME"
        ]
    );
    drop(realm);
    assert!(!directory.exists());
    assert!(std::net::TcpListener::bind(kdc).is_ok(), "the port is free again");
    assert!(std::net::UdpSocket::bind(kdc).is_ok(), "the port is free again");
}

#[test]
fn each_request_has_its_audit_line() {
    let lines = Arc::new(Mutex::new(Vec::new()));
    let realm = Realm::builder()
        .user("alice", "secret")
        .without_sockets()
        .audit(AuditTarget::Memory(Arc::clone(&lines)))
        .start()
        .unwrap();
    let alice = realm.principal("alice").unwrap();
    login(&alice, &Proof::Password("secret"), &mut |request| {
        realm.exchange(request).unwrap()
    })
    .unwrap();
    login(&alice, &Proof::Password("wrong"), &mut |request| {
        realm.exchange(request).unwrap()
    })
    .unwrap_err();
    assert!(realm.exchange(b"\x7e\x03\x02\x01\x05").is_none());
    realm.server().flush_audit();
    let lines = lines.lock().unwrap();
    assert_eq!(lines.len(), 5, "{lines:#?}");
    assert!(lines[0].contains("NEEDED_PREAUTH: alice@EXAMPLE.TEST for krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"));
    assert!(lines[1].contains("ISSUE: authtime"), "{}", lines[1]);
    assert!(lines[3].contains("PREAUTH_FAILED"), "{}", lines[3]);
    assert!(lines[4].contains("DROPPED"), "{}", lines[4]);
}

#[test]
fn failed_logins_are_counted() {
    let realm = Realm::builder()
        .user("alice", "secret")
        .without_sockets()
        .start()
        .unwrap();
    let alice = realm.principal("alice").unwrap();
    let mut send = |request: &[u8]| realm.exchange(request).unwrap();
    let count = || {
        realm
            .admin()
            .store()
            .entry(&alice)
            .unwrap()
            .unwrap()
            .fail_auth_count
    };
    for failures in 1..=3 {
        login(&alice, &Proof::Password("wrong"), &mut send).unwrap_err();
        assert_eq!(count(), failures);
    }
    login(&alice, &Proof::Password("secret"), &mut send).unwrap();
    assert_eq!(count(), 0);
    assert!(
        realm
            .admin()
            .store()
            .entry(&alice)
            .unwrap()
            .unwrap()
            .last_success
            .is_some()
    );
}

#[test]
fn a_realm_can_start_and_stop_inside_a_runtime() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    runtime.block_on(async {
        let realm = Realm::start().unwrap();
        assert!(realm.kdc_address().is_some());
        drop(realm);
    });
}

#[test]
fn what_cannot_be_made_is_refused() {
    let bad = Realm::builder()
        .user("a@b@c", "x")
        .without_sockets()
        .start()
        .unwrap_err();
    assert!(matches!(bad, ServerError::Config { .. }), "{bad}");
    let bad = Realm::builder()
        .user("alice", "")
        .without_sockets()
        .start()
        .unwrap_err();
    assert_eq!(
        bad.to_string(),
        "the principal alice: Empty passwords are not allowed"
    );
    let twice = Realm::builder()
        .user("alice", "x")
        .user("alice", "y")
        .without_sockets()
        .start();
    assert!(twice.is_err(), "two principals of one name");
}

#[test]
fn passwords_stay_out_of_debug_output() {
    let builder = Realm::builder().user("alice", "hunter2").without_sockets();
    let text = format!("{builder:?}");
    assert!(text.contains("alice") && !text.contains("hunter2"), "{text}");
    let text = format!("{:?}", builder.start().unwrap());
    assert!(
        text.contains("EXAMPLE.TEST") && !text.contains("hunter2"),
        "{text}"
    );
}

#[test]
fn a_name_that_would_change_the_configuration_is_refused() {
    for name in ["", "A B", "A\n[libdefaults]", "A={", "A@B", "A/B"] {
        let refused = Realm::builder().name(name).without_sockets().start().unwrap_err();
        assert!(
            refused
                .to_string()
                .starts_with(&format!("the realm name {name:?}")),
            "{refused}"
        );
    }
}

#[test]
fn its_keytab_elsewhere_goes_with_it_and_when_it_cannot_start() {
    let folder = tempfile::tempdir().unwrap();
    let keytab = folder.path().join("kt");
    let start = |user: &str| {
        let builder = Realm::builder().user(user, "secret").service("HTTP/localhost");
        builder.without_sockets().keytab(&keytab).start()
    };
    let realm = start("alice").unwrap();
    assert!(keytab.exists());
    drop(realm);
    assert!(!keytab.exists());
    // Named twice: refused after the keytab was written.
    start("HTTP/localhost").unwrap_err();
    assert!(!keytab.exists());
}
