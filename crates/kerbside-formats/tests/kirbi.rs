//! KRB-CRED files: the vectors, their way back to bytes, encryption, and what is refused.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_asn1::{AddressType, KerberosTime, Microseconds, Principal, TicketFlags};
use kerbside_crypto::{CryptoRng, EncryptionType, Key, SessionKey};
use kerbside_formats::ccache::CacheEntry;
use kerbside_formats::{Credential, CredentialCache, FormatError, Kirbi};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

fn vectors() -> Vec<(Value, Vec<u8>)> {
    let json: Value = serde_json::from_str(include_str!("vectors/kirbi_files.json")).unwrap();
    assert_eq!(json["count"], 16);
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/");
    let read = |vector: &Value| {
        let bytes = std::fs::read(format!("{root}{}", vector["file"].as_str().unwrap())).unwrap();
        (vector.clone(), bytes)
    };
    json["vectors"].as_array().unwrap().iter().map(read).collect()
}

fn rng() -> impl CryptoRng {
    ChaCha20Rng::seed_from_u64(14)
}

fn principal(realm: &Value, name: &Value) -> Principal {
    let components: Vec<&str> = name["name-string"]
        .as_array()
        .unwrap()
        .iter()
        .map(|component| component.as_str().unwrap())
        .collect();
    let mut principal = Principal::new(realm.as_str().unwrap(), &components);
    principal.name.name_type.0 = i32::try_from(name["name-type"].as_i64().unwrap()).unwrap();
    principal
}

fn time(value: &Value) -> KerberosTime {
    match value.as_str() {
        Some(text) => KerberosTime::from_generalized_time(text.as_bytes()).unwrap(),
        None => KerberosTime::EPOCH,
    }
}

fn flags(value: &Value) -> u32 {
    // Bit strings stand in the vectors as their octets, which may be fewer than four.
    let mut octets = hex::decode(value.as_str().unwrap()).unwrap();
    octets.resize(4, 0);
    u32::from_be_bytes(octets.try_into().unwrap())
}

fn check(credential: &Credential, info: &Value) {
    assert_eq!(credential.client, principal(&info["prealm"], &info["pname"]));
    assert_eq!(credential.server, principal(&info["srealm"], &info["sname"]));
    assert_eq!(
        credential.server.name.name_type.0,
        i32::try_from(info["sname"]["name-type"].as_i64().unwrap()).unwrap()
    );
    assert_eq!(
        i64::from(credential.session_key.enctype().0),
        info["key"]["keytype"].as_i64().unwrap()
    );
    assert_eq!(
        hex::encode(credential.session_key.expose_secret()),
        info["key"]["keyvalue"].as_str().unwrap()
    );
    assert_eq!(credential.flags.0, flags(&info["flags"]));
    assert_eq!(credential.auth_time, time(&info["authtime"]));
    assert_eq!(credential.start_time, time(&info["starttime"]));
    assert_eq!(credential.end_time, time(&info["endtime"]));
    assert_eq!(credential.renew_till, time(&info["renew-till"]));
}

#[test]
fn vector_files() {
    let (mut files, mut tickets, mut exact) = (0, 0, 0);
    for (vector, bytes) in vectors() {
        let kirbi = Kirbi::parse(&bytes, None).unwrap_or_else(|error| panic!("{}: {error}", vector["file"]));
        let infos = vector["ticket_info"].as_array().unwrap();
        assert_eq!(kirbi.credentials().count(), infos.len());
        for (credential, info) in kirbi.credentials().zip(infos) {
            check(credential, info);
            tickets += 1;
        }
        let written = kirbi.to_plain_bytes().unwrap();
        let again = Kirbi::parse(&written, None).unwrap();
        again
            .credentials()
            .zip(infos)
            .for_each(|(credential, info)| check(credential, info));
        exact += usize::from(**written == *bytes);
        files += 1;

        // Through a cache and back.
        let cache = kirbi.into_cache().unwrap().to_bytes().unwrap();
        let cache = CredentialCache::parse(&cache).unwrap();
        let back = Kirbi::new(cache.credentials().cloned());
        back.credentials()
            .zip(infos)
            .for_each(|(credential, info)| check(credential, info));
    }
    assert_eq!((files, tickets, exact), (16, 16, EXACT));
}

/// impacket's. The others have every length in four octets (mimikatz), or flags of 16 bits (minikerberos).
const EXACT: usize = 2;

/// A message of three tickets.
fn three() -> Kirbi {
    let mut credentials: Vec<Credential> = Vec::new();
    for (_, bytes) in vectors().iter().take(3) {
        credentials.extend(Kirbi::parse(bytes, None).unwrap().credentials().cloned());
    }
    credentials[1].addresses = vec![
        (AddressType(2), vec![10, 0, 0, 1]),
        (AddressType(24), vec![0; 16]),
    ];
    credentials[2].flags = TicketFlags(0xffff_ffff);
    Kirbi::new(credentials)
}

fn same(a: &Kirbi, b: &Kirbi) {
    assert_eq!(a.credentials().count(), b.credentials().count());
    for (a, b) in a.credentials().zip(b.credentials()) {
        assert_eq!(
            (&a.client, &a.server, &a.ticket),
            (&b.client, &b.server, &b.ticket)
        );
        assert_eq!(
            (&a.addresses, a.flags, a.end_time),
            (&b.addresses, b.flags, b.end_time)
        );
        assert!(a.session_key.ct_eq(&b.session_key));
    }
}

#[test]
fn several_tickets_and_the_senders_facts() {
    let mut kirbi = three();
    kirbi.nonce = Some(7);
    kirbi.timestamp = Some(KerberosTime::from_u32(1_700_000_000));
    kirbi.usec = Microseconds::new(5);
    kirbi.sender = Some((AddressType(2), vec![127, 0, 0, 1]));
    let again = Kirbi::parse(&kirbi.to_plain_bytes().unwrap(), None).unwrap();
    same(&kirbi, &again);
    assert_eq!(
        (
            again.nonce,
            again.timestamp,
            again.usec,
            again.sender,
            again.receiver
        ),
        (
            kirbi.nonce,
            kirbi.timestamp,
            kirbi.usec,
            kirbi.sender.clone(),
            None
        )
    );
    let debug = format!("{kirbi:?}");
    let key = kirbi.credentials().next().unwrap().session_key.expose_secret();
    assert!(!debug.contains(&format!("{:?}", &key[..4]).trim_matches(['[', ']']).to_string()));
}

#[test]
fn encrypted_messages_need_their_key() {
    let kirbi = three();
    for enctype in EncryptionType::ALL
        .iter()
        .copied()
        .filter(|enctype| enctype.is_supported())
    {
        let key = Key::generate(enctype, &mut rng()).unwrap();
        let other = Key::generate(enctype, &mut ChaCha20Rng::seed_from_u64(15)).unwrap();
        let bytes = kirbi.to_encrypted_bytes(&key, &mut rng()).unwrap();
        same(&kirbi, &Kirbi::parse(&bytes, Some(&key)).unwrap());
        let error = Kirbi::parse(&bytes, None).unwrap_err().to_string();
        assert_eq!(
            error,
            format!(
                "KRB-CRED: encrypted with {enctype} ({}), and no key was given",
                enctype.0
            )
        );
        let error = Kirbi::parse(&bytes, Some(&other)).unwrap_err().to_string();
        assert!(error.contains("integrity"), "{error}");
    }
    let key = Key::generate(EncryptionType(18), &mut rng()).unwrap();
    let bytes = kirbi.to_encrypted_bytes(&key, &mut rng()).unwrap();
    let other = Key::generate(EncryptionType(17), &mut rng()).unwrap();
    assert_eq!(
        Kirbi::parse(&bytes, Some(&other)).unwrap_err().to_string(),
        "KRB-CRED: encrypted with aes256-cts-hmac-sha1-96 (18), but the key given is aes128-cts-hmac-sha1-96 (17)"
    );
}

#[test]
fn keys_of_unknown_types_are_kept() {
    let (_, bytes) = vectors().remove(0);
    let mut cache = Kirbi::parse(&bytes, None).unwrap().into_cache().unwrap();
    let mut raw = {
        // The same ticket with a DES key, by way of the cache's bytes.
        let bytes = cache.to_bytes().unwrap().to_vec();
        let at = bytes
            .windows(6)
            .position(|window| window == [0, 18, 0, 0, 0, 32])
            .unwrap();
        let mut bytes = bytes;
        bytes.splice(at..at + 38, [0, 3, 0, 0, 0, 8, 1, 2, 3, 4, 5, 6, 7, 8]);
        CredentialCache::parse(&bytes).unwrap()
    };
    assert_eq!(raw.credentials().count(), 0);
    cache.entries.append(&mut raw.entries);
    let kirbi = Kirbi {
        entries: cache.entries,
        ..Kirbi::default()
    };
    let again = Kirbi::parse(&kirbi.to_plain_bytes().unwrap(), None).unwrap();
    let [CacheEntry::Credential(_), CacheEntry::Unsupported(raw)] = &again.entries[..] else {
        panic!("{again:?}")
    };
    assert_eq!((raw.enctype.0, &raw.key[..]), (3, &[1, 2, 3, 4, 5, 6, 7, 8][..]));
}

#[test]
fn refused() {
    let (_, good) = vectors().pop().unwrap();
    for len in 0..good.len() {
        assert!(Kirbi::parse(&good[..len], None).is_err());
    }
    let with = |from: &[u8], to: &[u8]| {
        let at = good
            .windows(from.len())
            .position(|window| window == from)
            .unwrap();
        let mut bytes = good.clone();
        bytes.splice(at..at + from.len(), to.iter().copied());
        Kirbi::parse(&bytes, None).map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(
        with(&[0xa0, 3, 2, 1, 5], &[0xa0, 3, 2, 1, 4]),
        "KRB-CRED: expected protocol version 5, but found 4"
    );
    let error = with(&[0xa1, 3, 2, 1, 22], &[0xa1, 3, 2, 1, 14]);
    assert!(
        error.starts_with("KRB-CRED: expected KRB-CRED (22), but found"),
        "{error}"
    );
    // A session key that is too short for its type.
    let error = with(
        &[0xa0, 3, 2, 1, 18, 0xa1, 0x22, 4, 0x20],
        &[0xa0, 3, 2, 1, 17, 0xa1, 0x22, 4, 0x20],
    );
    assert!(error.contains("16") && error.contains("32"), "{error}");

    let mut kirbi = three();
    if let CacheEntry::Credential(credential) = &mut kirbi.entries[0] {
        credential.ticket = vec![1, 2, 3];
    }
    let error = kirbi.to_plain_bytes().unwrap_err().to_string();
    assert!(error.starts_with("KRB-CRED: Ticket"), "{error}");
    assert!(matches!(
        Kirbi::parse(&vec![0; 2 << 20], None),
        Err(FormatError::TooLong { .. })
    ));
    assert!(Kirbi::default().into_cache().is_none());
}

#[test]
fn counts_and_clients_are_checked() {
    use kerbside_asn1::{
        EncKrbCredPart, EncryptedData, EncryptionKey, KrbCred, KrbCredInfo, MsgType, Raw, encode,
    };
    let kirbi = three();
    let ticket = kirbi.credentials().next().unwrap().ticket.clone();
    let session_key = SessionKey::from(Key::generate(EncryptionType(18), &mut rng()).unwrap());
    let info = KrbCredInfo {
        key: EncryptionKey {
            keytype: EncryptionType(18),
            keyvalue: session_key.expose_secret(),
        },
        prealm: None,
        pname: None,
        flags: None,
        authtime: None,
        starttime: None,
        endtime: None,
        renew_till: None,
        srealm: None,
        sname: None,
        caddr: None,
    };
    let message = |infos: Vec<KrbCredInfo<'_>>| {
        let part = EncKrbCredPart {
            ticket_info: infos,
            nonce: None,
            timestamp: None,
            usec: None,
            s_address: None,
            r_address: None,
        };
        let part = encode(&part).unwrap();
        encode(&KrbCred {
            pvno: 5,
            msg_type: MsgType::KRB_CRED,
            tickets: vec![Raw::parse(&ticket).unwrap()],
            enc_part: EncryptedData {
                etype: EncryptionType(0),
                kvno: None,
                cipher: &part,
            },
        })
        .unwrap()
    };
    let error = |bytes: Vec<u8>| Kirbi::parse(&bytes, None).map(|_| ()).unwrap_err().to_string();
    assert_eq!(
        error(message(vec![info.clone(), info.clone()])),
        "KRB-CRED: expected a description of each of 1 tickets, but found 2"
    );
    assert_eq!(
        error(message(vec![info.clone()])),
        "KRB-CRED: expected the client of ticket 0, but found no realm or no name"
    );
    // Everything but key and client may be left out; the service is then the ticket's.
    let client = Principal::new("R", &["u"]);
    let named = KrbCredInfo {
        prealm: Some(client.realm.to_wire()),
        pname: Some(client.to_wire()),
        ..info
    };
    let kirbi = Kirbi::parse(&message(vec![named]), None).unwrap();
    let credential = kirbi.credentials().next().unwrap();
    assert_eq!(credential.client, client);
    assert_eq!(
        credential.server.to_string(),
        "cifs/fileserver.TEST.corp@TEST.CORP"
    );
    assert_eq!(
        (credential.end_time, credential.flags),
        (KerberosTime::EPOCH, TicketFlags(0))
    );
}
