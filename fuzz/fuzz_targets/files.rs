//! Keytabs, credential caches, KRB-CRED files and configuration files from hostile hands.
//!
//! A binary file that is read must come back: byte for byte in the version that is written, and with the same
//! contents otherwise.
#![no_main]

use kerbside_asn1::{Principal, Realm};
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::duration::parse_duration;
use kerbside_formats::enctype_list::{DEFAULT_ENCTYPES, EnctypeList};
use kerbside_formats::host_string::{HostPort, ServerAddress};
use kerbside_formats::k5identity::{K5Identity, Service};
use kerbside_formats::keysalt::parse_keysalts;
use kerbside_formats::profile::Loader;
use kerbside_formats::replay_file::{PAIR_LEN, Record, Search, search};
use kerbside_formats::spelling::{misspellings, unknown};
use kerbside_formats::transited::{MAX_REALMS, expand};
use kerbside_formats::{CredentialCache, KdcConf, Keytab, Kirbi, Krb5Conf, Profile};
use libfuzzer_sys::fuzz_target;

/// Gives every include the same small file, which includes nothing.
struct OneFile;

impl Loader for OneFile {
    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(b"[libdefaults]\ndefault_realm = INCLUDED\n".to_vec())
    }

    fn directory(&mut self, _: &str) -> Result<Vec<String>, String> {
        Ok(vec!["b.conf".into(), "a".into(), "not included~".into()])
    }
}

fn keytab(bytes: &[u8]) {
    let Ok(keytab) = Keytab::parse(bytes) else { return };
    let written = keytab.to_bytes().expect("what was read can be written");
    if bytes.starts_with(&[5, 2]) {
        assert_eq!(**written, *bytes);
    }
    let again = Keytab::parse(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes().as_ref(), Ok(&written));
    let open = Keytab::parse_with_policy(bytes, &EnctypePolicy::ALLOW_ALL);
    if let Ok(mut open) = open {
        assert_eq!(open.to_bytes().as_ref(), Ok(&written));
        assert_eq!(open.merge(&keytab), 0);
    }
    for entry in keytab.entries().filter(|entry| entry.key.usable().is_some()) {
        let found = keytab.find(&entry.principal, Some(entry.kvno), Some(entry.enctype()));
        assert!(found.is_some_and(|found| found.principal == entry.principal && found.kvno == entry.kvno));
    }
}

fn ccache(bytes: &[u8]) {
    let Ok(cache) = CredentialCache::parse(bytes) else {
        return;
    };
    let written = cache.to_bytes().expect("what was read can be written");
    // A header length of 1 is a known slip of other software that is put right, and any is_skey but 0 is written as 1.
    if bytes.starts_with(&[5, 4]) && !bytes.starts_with(&[5, 4, 0, 1]) {
        assert_eq!(written.len(), bytes.len());
    }
    let again = CredentialCache::parse(&written).expect("what was written can be read");
    assert_eq!(again.to_bytes().as_ref(), Ok(&written));
    for credential in cache.credentials() {
        assert!(cache.find(&credential.server).is_some());
    }
}

fn kirbi(bytes: &[u8]) {
    for policy in [EnctypePolicy::DEFAULT, EnctypePolicy::ALLOW_ALL] {
        let Ok(kirbi) = Kirbi::parse_with_policy(bytes, None, &policy) else {
            continue;
        };
        let written = kirbi.to_plain_bytes().expect("what was read can be written");
        let again = Kirbi::parse_with_policy(&written, None, &policy).expect("what was written can be read");
        assert_eq!(again.to_plain_bytes().as_ref(), Ok(&written));
        if let Some(cache) = kirbi.into_cache() {
            // A time that a cache cannot hold is refused there.
            let _ = cache.to_bytes();
        }
    }
}

/// Any bytes are a replay cache: a record that was written where it belongs is found there.
fn replay_file(bytes: &[u8]) {
    let Some((tag, rest)) = bytes.split_first_chunk() else {
        return;
    };
    let Some((seed, _)) = rest.split_first_chunk() else {
        return;
    };
    let mut file = rest.to_vec();
    let look = |file: &[u8]| {
        let read = |offset: u64, pair: &mut [u8; PAIR_LEN]| {
            let rest = file.get(offset as usize..).unwrap_or_default();
            let length = rest.len().min(PAIR_LEN);
            pair[..length].copy_from_slice(&rest[..length]);
            Ok::<_, core::convert::Infallible>(length)
        };
        search(seed, tag, 1_000_000, read)
    };
    if let Ok(Search::Missing { offset }) = look(&file) {
        let record = Record {
            tag: *tag,
            time: 1_000_000,
        };
        let (start, bytes) = (offset as usize, record.to_bytes());
        file.resize(file.len().max(start + bytes.len()), 0);
        file[start..start + bytes.len()].copy_from_slice(&bytes);
        assert_eq!(look(&file), Ok(Search::Found));
    }
}

fn profile(bytes: &[u8]) {
    let Ok(profile) = Profile::parse_with(bytes, "krb5.conf", &mut OneFile) else {
        return;
    };
    let names: Vec<String> = match profile.section(&["realms"]) {
        Some(realms) => realms.section_names().map(Into::into).collect(),
        None => Vec::new(),
    };
    assert!(misspellings(&profile).len() <= unknown(&profile).len());
    if let Ok(krb5) = Krb5Conf::from_profile(profile.clone()) {
        let _ = krb5.local_name(&Principal::new("R", &["alice", "admin"]));
        let _ = krb5.appdefault("kinit", Some("R"), "x");
        for name in &names {
            let _ = krb5.realm(name);
            let _ = krb5.libdefaults_for(name);
            let _ = krb5.realm_of_host(name);
            let _ = krb5.pkinit(name);
            let _ = krb5.capath(name, "R");
            let _ = krb5.plugins(name);
        }
    }
    if let Ok(kdc) = KdcConf::from_profile(profile) {
        for name in &names {
            let _ = kdc.realm(name);
            let _ = kdc.database(name);
            let _ = kdc.pkinit(name);
        }
        let _ = kdc.logging();
        for name in kdc.otp_names() {
            let _ = kdc.otp(name);
        }
    }
}

fn values(bytes: &[u8]) {
    let (client, server) = (Realm::from("A.B.EXAMPLE"), Realm::from("C.EXAMPLE"));
    if let Ok(realms) = expand(bytes, &client, &server) {
        assert!(realms.len() <= MAX_REALMS);
    }
    let Ok(text) = core::str::from_utf8(bytes) else {
        return;
    };
    let _ = parse_duration(text);
    let service = Service {
        realm: Some("A.B.EXAMPLE"),
        service: Some("HTTP"),
        host: Some("www.b.example"),
    };
    let _ = K5Identity::parse(text).principal_for(&service);
    let _ = EnctypeList::parse(Some(text), &DEFAULT_ENCTYPES, true).map(|list| list.supported(&[]));
    let _ = parse_keysalts(text);
    let _ = HostPort::parse_list(text, 88);
    if let Ok(address) = ServerAddress::parse(text, 88) {
        assert_eq!(ServerAddress::parse(&address.to_string(), 1), Ok(address));
    }
}

fuzz_target!(|bytes: &[u8]| {
    keytab(bytes);
    ccache(bytes);
    kirbi(bytes);
    profile(bytes);
    values(bytes);
    replay_file(bytes);
});
