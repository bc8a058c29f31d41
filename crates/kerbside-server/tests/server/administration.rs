//! Administration beside a running KDC, and without one

use std::io::{Read, Write};
use std::os::unix::fs::MetadataExt;
use std::os::unix::net::UnixStream;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Password};
use kerbside_kdc::{Attributes, KdcPolicy};
use kerbside_server::admin::{
    AdminClient, AdminDefaults, AdminError, AdminSession, KeyChoice, NewPrincipal, PrincipalChange, Reply,
    Request, SessionPlan, socket_path,
};
use kerbside_server::create::create_realm;
use kerbside_server::store::{MasterKey, RedbStore, StashMode, read_stash, write_stash};
use kerbside_server::{KdcServer, KdcServerConfig, Listeners, ServerError, system_rng};

use crate::as_client::{Proof, login};

const REALM: &str = "EXAMPLE.TEST";

struct Fixture {
    _directory: tempfile::TempDir,
    database: PathBuf,
    stash: PathBuf,
}

impl Fixture {
    fn new() -> Fixture {
        Fixture::below("")
    }

    fn below(long: &str) -> Fixture {
        let directory = tempfile::tempdir().unwrap();
        let folder = directory.path().join(long);
        std::fs::create_dir_all(&folder).unwrap();
        let (database, stash) = (folder.join("principal"), folder.join("stash"));
        let master = MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut system_rng()).unwrap();
        create_realm(&database, REALM, &master, &AdminDefaults::default()).unwrap();
        write_stash(&stash, REALM, &master, 0, StashMode::New).unwrap();
        Fixture {
            _directory: directory,
            database,
            stash,
        }
    }

    fn start(&self) -> KdcServer {
        let store = RedbStore::open(&self.database, Some(REALM), |realm| {
            read_stash(&self.stash, realm)
        })
        .unwrap();
        let policy = KdcPolicy::new(kerbside_asn1::Realm::from(REALM));
        KdcServer::start(KdcServerConfig {
            admin_socket: Some(socket_path(&self.database)),
            listeners: Listeners::default(),
            ..KdcServerConfig::new(policy, Arc::new(store))
        })
        .unwrap()
    }

    fn session(&self) -> AdminSession {
        self.try_session().unwrap()
    }

    fn try_session(&self) -> Result<AdminSession, ServerError> {
        let stash = self.stash.clone();
        let plan = SessionPlan {
            database: self.database.clone(),
            realm: REALM.to_owned(),
            defaults: AdminDefaults::default(),
            master: Box::new(move |realm| read_stash(&stash, realm)),
        };
        AdminSession::open(plan, Principal::new(REALM, &["root", "admin"]))
    }
}

fn named(name: &str) -> Principal {
    Principal::parse(name, Some(&kerbside_asn1::Realm::from(REALM))).unwrap()
}

fn password(text: &str) -> KeyChoice {
    KeyChoice::Password(Password::from(text))
}

fn change(principal: &Principal, keys: KeyChoice, extract: bool) -> Request {
    Request::ChangeKeys {
        principal: principal.clone(),
        keys,
        keysalts: None,
        keep_old: false,
        extract,
    }
}

fn create(principal: &Principal, keys: KeyChoice) -> Request {
    Request::Create(Box::new(NewPrincipal::new(principal.clone(), keys)))
}

fn keys_of(reply: Reply) -> Vec<kerbside_kdc::KeyData> {
    match reply {
        Reply::Keys(keys) => keys,
        other => panic!("expected keys, but found {other:?}"),
    }
}

#[test]
fn addprinc_ktadd_and_cpw_are_seen_by_the_next_request() {
    let fixture = Fixture::new();
    let kdc = fixture.start();
    let mut admin = fixture.session();
    assert!(admin.is_beside_kdc());
    let socket = socket_path(&fixture.database);
    assert_eq!(socket.metadata().unwrap().mode() & 0o777, 0o600);

    let alice = named("alice");
    let mut send = |request: &[u8]| kdc.exchange(request).unwrap();
    let unknown = login(&alice, &Proof::Password("secret"), &mut send).unwrap_err();
    assert!(unknown.to_string().contains("C_PRINCIPAL_UNKNOWN"), "{unknown}");

    admin.call(create(&alice, password("secret"))).unwrap();
    login(&alice, &Proof::Password("secret"), &mut send).unwrap();

    admin.call(change(&alice, password("changed"), false)).unwrap();
    login(&alice, &Proof::Password("changed"), &mut send).unwrap();
    login(&alice, &Proof::Password("secret"), &mut send).unwrap_err();

    // ktadd: new random keys, of which the keytab's works at once and the password no more.
    let keys = keys_of(admin.call(change(&alice, KeyChoice::Random, true)).unwrap());
    assert_eq!(keys.len(), 4);
    assert!(keys.iter().all(|key| key.kvno == 3));
    login(&alice, &Proof::Key(keys[0].key.clone()), &mut send).unwrap();
    login(&alice, &Proof::Password("changed"), &mut send).unwrap_err();
    // ktadd -norandkey: the same keys again.
    let same = keys_of(admin.call(Request::Extract(alice.clone())).unwrap());
    assert!(
        same.iter()
            .zip(&keys)
            .all(|(a, b)| a.key.ct_eq(&b.key) && a.kvno == b.kvno)
    );

    let lock = PrincipalChange {
        set: Attributes::DISALLOW_ALL_TIX,
        ..PrincipalChange::default()
    };
    admin
        .call(Request::Modify {
            principal: alice.clone(),
            change: lock,
        })
        .unwrap();
    let locked = login(&alice, &Proof::Key(keys[0].key.clone()), &mut send).unwrap_err();
    assert!(locked.to_string().contains("REVOKED"), "{locked}");

    admin.call(Request::Delete(alice.clone())).unwrap();
    let unknown = login(&alice, &Proof::Password("secret"), &mut send).unwrap_err();
    assert!(unknown.to_string().contains("C_PRINCIPAL_UNKNOWN"), "{unknown}");
}

#[test]
fn a_session_goes_on_when_the_kdc_ends_and_when_it_starts() {
    let fixture = Fixture::new();
    let mut admin = fixture.session();
    assert!(!admin.is_beside_kdc());
    admin.call(create(&named("one"), KeyChoice::Random)).unwrap();
    // A prompt left open does not keep the KDC from starting.
    let kdc = fixture.start();
    admin.call(create(&named("two"), KeyChoice::Random)).unwrap();
    assert!(admin.is_beside_kdc());
    drop(kdc);
    assert!(!socket_path(&fixture.database).exists());
    let Reply::Facts(facts) = admin.call(Request::Get(named("two"))).unwrap() else {
        panic!()
    };
    assert_eq!(facts.mod_by, Some(named("root/admin")));
    assert!(!admin.is_beside_kdc());
    admin.call(create(&named("three"), KeyChoice::Random)).unwrap();
    assert_eq!(
        admin
            .call(create(&named("three"), KeyChoice::Random))
            .unwrap_err(),
        AdminError::Exists
    );
}

#[test]
fn both_ways_say_the_same() {
    let fixture = Fixture::new();
    let script = |admin: &mut AdminSession, tag: &str| -> Vec<String> {
        let user = named(&format!("user-{tag}"));
        let flags = PrincipalChange {
            set: Attributes::REQUIRES_PRE_AUTH,
            max_life: Some(7200),
            strings: vec![("session_enctypes".to_owned(), Some("aes128-cts".to_owned()))],
            ..PrincipalChange::default()
        };
        let requests = vec![
            Request::Realm,
            create(&user, password("")),
            create(&user, password(&"x".repeat(5000))),
            create(&user, password("secret")),
            Request::Modify {
                principal: user.clone(),
                change: flags,
            },
            Request::Get(user.clone()),
            Request::PurgeKeys {
                principal: user.clone(),
                keep_kvno: None,
            },
            Request::Delete(user.clone()),
            Request::Delete(user),
            Request::Delete(named("K/M")),
            Request::Extract(named("K/M")),
            Request::Get(named("nobody")),
            Request::List { after: None },
        ];
        requests
            .into_iter()
            .map(|request| {
                let text = format!("{:?}", admin.call(request));
                // Times and the name's tag differ; secrets are not in Debug.
                text.replace(&format!("user-{tag}"), "user")
            })
            .map(|text| mask_times(&text))
            .collect()
    };
    let direct = script(&mut fixture.session(), "a");
    let kdc = fixture.start();
    let mut beside = fixture.session();
    assert!(beside.is_beside_kdc());
    assert_eq!(script(&mut beside, "b"), direct);
    drop(kdc);
    assert!(direct[1].contains("EmptyPassword") && direct[2].contains("PasswordTooLong"));
    assert!(direct[9].contains("Protected") && direct[10].contains("Protected"));
}

/// Replaces what a clock wrote
fn mask_times(text: &str) -> String {
    let mut masked = String::new();
    let mut digits = String::new();
    for character in text.chars().chain([' ']) {
        if character.is_ascii_digit() {
            digits.push(character);
            continue;
        }
        masked.push_str(if digits.len() >= 2 { "T" } else { &digits });
        digits.clear();
        masked.push(character);
    }
    masked
}

#[test]
fn names_come_in_pages_over_the_socket() {
    let fixture = Fixture::new();
    let _kdc = fixture.start();
    let mut admin = fixture.session();
    for number in 0..30 {
        admin
            .call(create(&named(&format!("u{number:02}")), KeyChoice::NoKey))
            .unwrap();
    }
    let mut names = Vec::new();
    loop {
        let Reply::Names(page) = admin
            .call(Request::List {
                after: names.last().cloned(),
            })
            .unwrap()
        else {
            panic!()
        };
        if page.is_empty() {
            break;
        }
        names.extend(page);
    }
    assert_eq!(names.len(), 34);
}

#[test]
fn a_path_longer_than_a_socket_address_works() {
    let fixture = Fixture::below(&"long-folder-name/".repeat(12));
    assert!(fixture.database.as_os_str().len() > 200);
    let kdc = fixture.start();
    let mut admin = fixture.session();
    assert!(admin.is_beside_kdc());
    admin.call(create(&named("alice"), KeyChoice::Random)).unwrap();
    drop(kdc);
    assert!(!socket_path(&fixture.database).exists());
}

#[test]
fn garbage_on_the_administration_socket_is_survived() {
    let fixture = Fixture::new();
    let kdc = fixture.start();
    let socket = socket_path(&fixture.database);
    for bytes in [
        &[0xff; 4][..],
        &[0, 0, 0, 1, 99],
        &[0, 0, 0, 2, 1, 1],
        &[0, 0, 0, 0],
        &[0, 4, 0, 1],
        &[0, 0, 0, 12, 1, 0, 0, 0, 1, 0xff, 0xff, 0xff, 0xff, 0, 0, 0],
    ] {
        let mut stream = UnixStream::connect(&socket).unwrap();
        stream.write_all(bytes).unwrap();
        stream.shutdown(std::net::Shutdown::Write).unwrap();
        let mut answer = Vec::new();
        let _ = stream.read_to_end(&mut answer);
    }
    // Held open without a word, more than it serves at once.
    let held: Vec<_> = (0..100).map(|_| UnixStream::connect(&socket)).collect();
    drop(held);
    std::thread::sleep(std::time::Duration::from_millis(50));
    let mut admin = fixture.session();
    admin.call(create(&named("alice"), KeyChoice::Random)).unwrap();
    drop(kdc);
}

#[test]
fn a_socket_left_behind_is_no_obstacle_but_another_file_is() {
    let fixture = Fixture::new();
    let socket = socket_path(&fixture.database);
    drop(std::os::unix::net::UnixListener::bind(&socket).unwrap());
    assert!(AdminClient::connect(&socket).unwrap().is_none());
    assert!(!fixture.session().is_beside_kdc());
    drop(fixture.start());
    std::fs::write(&socket, "precious").unwrap();
    let store = RedbStore::open(&fixture.database, None, |realm| read_stash(&fixture.stash, realm)).unwrap();
    let policy = KdcPolicy::new(kerbside_asn1::Realm::from(REALM));
    let refused = KdcServer::start(KdcServerConfig {
        admin_socket: Some(socket.clone()),
        ..KdcServerConfig::new(policy, Arc::new(store))
    })
    .unwrap_err();
    assert!(
        refused
            .to_string()
            .contains("something that is no socket has this name"),
        "{refused}"
    );
    assert_eq!(std::fs::read(&socket).unwrap(), b"precious");
}

#[test]
fn what_keeps_a_session_from_working_is_said_at_its_start() {
    let fixture = Fixture::new();
    std::fs::remove_file(&fixture.stash).unwrap();
    let text = fixture.try_session().unwrap_err().to_string();
    assert!(text.contains("cannot be read: No such file"), "{text}");
    let other = MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut system_rng()).unwrap();
    write_stash(&fixture.stash, REALM, &other, 0, StashMode::New).unwrap();
    let error = fixture.try_session().unwrap_err();
    assert!(matches!(error, ServerError::WrongMasterKey { .. }));
    let shown = |path: &Path| path.display().to_string();
    assert_eq!(
        error.to_string(),
        format!(
            "the master key in {} does not open the database {}",
            shown(&fixture.stash),
            shown(&fixture.database)
        )
    );
}
