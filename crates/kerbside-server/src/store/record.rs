//! One principal as bytes, sealed under the master key
//!
//! ```text
//! value      = record version (1) | kind (1) | master key version (4) | ciphertext
//! plaintext  = index key (counted) | body
//! ```
//!
//! The whole entry is encrypted, not its keys alone, and its own index key is inside: a record
//! copied under another name, or an attribute changed in the file, does not open. What a seal
//! cannot show is an older version of the same record put back: guard the file.

use std::collections::BTreeMap;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, LongTermKey};
use kerbside_kdc::{Attributes, KeyData, PrincipalEntry, Salt};
use rand_core::CryptoRng;

use crate::codec::{Malformed, Reader, Writer};
use crate::error::{Result, ServerError};
use crate::store::master_key::MasterKey;

/// Version of the sealed layout
const RECORD_VERSION: u8 = 1;
/// Version of the entry inside
const ENTRY_VERSION: u8 = 1;
/// Octets in front of the ciphertext
const HEADER_LEN: usize = 6;

const KIND_ENTRY: u8 = 1;
const KIND_ALIAS: u8 = 2;

/// What is stored under an index key
#[derive(Debug)]
pub(crate) enum Record {
    /// A principal
    Entry(Box<PrincipalEntry>),
    /// Another name of the principal under this index key
    Alias(Vec<u8>),
}

/// The unique key of a name: components and realm with their separators quoted
///
/// The name type is no part of it, as in every comparison of names (RFC 4120 6.2).
pub(crate) fn index_key(principal: &Principal) -> Vec<u8> {
    let mut key = Vec::with_capacity(64);
    for (position, component) in principal.name.components.iter().enumerate() {
        if position > 0 {
            key.push(b'/');
        }
        quote_into(&mut key, component);
    }
    key.push(b'@');
    quote_into(&mut key, principal.realm.as_bytes());
    key
}

fn quote_into(key: &mut Vec<u8>, bytes: &[u8]) {
    for byte in bytes {
        if matches!(byte, b'/' | b'@' | b'\\') {
            key.push(b'\\');
        }
        key.push(*byte);
    }
}

/// The name an index key stands for
pub(crate) fn name_of(key: &[u8]) -> Option<Principal> {
    let mut parts: Vec<Vec<u8>> = vec![Vec::new()];
    let mut components = None;
    let mut bytes = key.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b'\\' => parts.last_mut()?.push(*bytes.next()?),
            b'/' if components.is_none() => parts.push(Vec::new()),
            b'@' if components.is_none() => {
                components = Some(core::mem::replace(&mut parts, vec![Vec::new()]))
            }
            byte => parts.last_mut()?.push(*byte),
        }
    }
    let realm = kerbside_asn1::Realm::new(parts.first()?);
    let name = kerbside_asn1::Name {
        name_type: kerbside_asn1::NameType::NT_PRINCIPAL,
        components: components?,
    };
    Some(Principal { realm, name })
}

/// An index key for messages
pub(crate) fn key_text(key: &[u8]) -> String {
    name_of(key).map_or_else(
        || key.escape_ascii().to_string(),
        |principal| principal.to_string(),
    )
}

/// Seals a principal
pub(crate) fn seal_entry(
    master: &MasterKey,
    entry: &PrincipalEntry,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>> {
    let mut w = Writer::new();
    w.bytes(&index_key(&entry.principal));
    write_entry(&mut w, entry);
    seal(master, KIND_ENTRY, &w.into_bytes(), rng)
}

/// Seals an alias of the principal under `target`
pub(crate) fn seal_alias(
    master: &MasterKey,
    alias: &Principal,
    target: &[u8],
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>> {
    let mut w = Writer::new();
    w.bytes(&index_key(alias));
    w.bytes(target);
    seal(master, KIND_ALIAS, &w.into_bytes(), rng)
}

fn seal(master: &MasterKey, kind: u8, plaintext: &[u8], rng: &mut dyn CryptoRng) -> Result<Vec<u8>> {
    let mut value = vec![RECORD_VERSION, kind];
    value.extend_from_slice(&master.kvno().to_be_bytes());
    value.extend_from_slice(&master.seal(kind, plaintext, rng)?);
    Ok(value)
}

/// Opens what is stored under `key`
pub(crate) fn open(master: &MasterKey, key: &[u8], value: &[u8]) -> Result<Record> {
    let damaged = |detail: String| ServerError::RecordDamaged {
        principal: key_text(key),
        detail,
    };
    let (header, ciphertext) = value
        .split_at_checked(HEADER_LEN)
        .ok_or_else(|| damaged("it is too short".to_owned()))?;
    let [version, kind, k0, k1, k2, k3] = *header else {
        return Err(damaged("it is too short".to_owned()));
    };
    if version != RECORD_VERSION {
        return Err(damaged(format!(
            "expected record version {RECORD_VERSION}, but found {version}"
        )));
    }
    let kvno = u32::from_be_bytes([k0, k1, k2, k3]);
    if kvno != master.kvno() {
        return Err(damaged(format!(
            "it is sealed under master key version {kvno}, but version {} is loaded",
            master.kvno()
        )));
    }
    let plaintext = master
        .open(kind, ciphertext)
        .map_err(|_| damaged("it does not decrypt under the master key".to_owned()))?;
    let mut r = Reader::new(&plaintext);
    let malformed = |m: Malformed| damaged(m.to_string());
    let own = r.bytes("name").map_err(malformed)?;
    if own != key {
        return Err(ServerError::RecordSwapped {
            wanted: key_text(key),
            found: key_text(own),
        });
    }
    let record = match kind {
        KIND_ENTRY => Record::Entry(Box::new(read_entry(&mut r).map_err(malformed)?)),
        KIND_ALIAS => Record::Alias(r.bytes("target").map_err(malformed)?.to_vec()),
        other => return Err(damaged(format!("unknown kind {other}"))),
    };
    r.end().map_err(malformed)?;
    Ok(record)
}

/// Whether a stored value is an alias, by its header alone
pub(crate) fn is_alias(value: &[u8]) -> bool {
    value.get(1) == Some(&KIND_ALIAS)
}

fn write_entry(w: &mut Writer, entry: &PrincipalEntry) {
    w.u8(ENTRY_VERSION);
    w.principal(&entry.principal);
    w.list(&entry.aliases, |w, alias| w.principal(alias));
    w.list(&entry.keys, write_key);
    w.u32(entry.attributes.0);
    w.i64(entry.max_life);
    w.i64(entry.max_renewable_life);
    w.time(entry.expiration);
    w.time(entry.pw_expiration);
    w.time(entry.last_pw_change);
    w.i64(entry.mod_time.unix_seconds());
    w.option(entry.mod_by.as_ref(), Writer::principal);
    w.option(entry.policy.as_deref(), Writer::text);
    w.count(entry.strings.len());
    for (name, value) in &entry.strings {
        w.text(name);
        w.text(value);
    }
    w.bool(entry.password_keys);
}

fn read_entry(r: &mut Reader<'_>) -> Result<PrincipalEntry, Malformed> {
    if r.u8("entry version")? != ENTRY_VERSION {
        return Err(r.malformed("entry version"));
    }
    let principal = r.principal("principal")?;
    let aliases = r.list("aliases", |r| r.principal("aliases"))?;
    let keys = r.list("keys", read_key)?;
    let attributes = Attributes(r.u32("attributes")?);
    let max_life = r.i64("max_life")?;
    let max_renewable_life = r.i64("max_renewable_life")?;
    let expiration = r.time("expiration")?;
    let pw_expiration = r.time("pw_expiration")?;
    let last_pw_change = r.time("last_pw_change")?;
    let mut entry = PrincipalEntry::new(principal, KerberosTime::from_unix_seconds(r.i64("mod_time")?));
    entry.aliases = aliases;
    entry.keys = keys;
    entry.attributes = attributes;
    entry.max_life = max_life;
    entry.max_renewable_life = max_renewable_life;
    entry.expiration = expiration;
    entry.pw_expiration = pw_expiration;
    entry.last_pw_change = last_pw_change;
    entry.mod_by = r.option("mod_by", |r| r.principal("mod_by"))?;
    entry.policy = r.option("policy", |r| r.text("policy"))?;
    let mut strings = BTreeMap::new();
    for _ in 0..r.count("strings")? {
        strings.insert(r.text("strings")?, r.text("strings")?);
    }
    entry.strings = strings;
    entry.password_keys = r.bool("password_keys")?;
    Ok(entry)
}

/// One key with its secret; also how `ktadd` gets it over the administration socket
pub(crate) fn write_key(w: &mut Writer, data: &KeyData) {
    w.u32(data.kvno);
    w.i32(data.key.enctype().0);
    w.bytes(data.key.expose_secret());
    w.option(data.salt.as_ref(), |w, salt| match salt {
        Salt::NoRealm => w.u8(2),
        Salt::OnlyRealm => w.u8(3),
        Salt::Special(bytes) => {
            w.u8(4);
            w.bytes(bytes);
        }
        // A salt type that this version cannot write is written as an unknown one, and refused on reading.
        _ => w.u8(0xff),
    });
    w.option(data.s2kparams.as_deref(), Writer::bytes);
}

pub(crate) fn read_key(r: &mut Reader<'_>) -> Result<KeyData, Malformed> {
    let malformed = r.malformed("key");
    let kvno = r.u32("kvno")?;
    let enctype = EncryptionType(r.i32("enctype")?);
    // Storing a key is not using it: what may be used is the KDC's policy to say.
    let key = Key::with_policy(enctype, r.bytes("key")?, &EnctypePolicy::ALLOW_ALL).map_err(|_| malformed)?;
    let salt = r.option("salt", |r| {
        let malformed = r.malformed("salt");
        Ok(match r.u8("salt")? {
            2 => Salt::NoRealm,
            3 => Salt::OnlyRealm,
            4 => Salt::Special(r.bytes("salt")?.to_vec()),
            _ => return Err(malformed),
        })
    })?;
    let s2kparams = r.option("s2kparams", |r| r.bytes("s2kparams").map(<[u8]>::to_vec))?;
    Ok(KeyData {
        kvno,
        key: LongTermKey::from(key),
        salt,
        s2kparams,
    })
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::panic,
        clippy::indexing_slicing,
        reason = "tests"
    )]
    use super::*;
    use crate::random::system_rng;

    fn master() -> MasterKey {
        MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA384_192, &mut system_rng()).unwrap()
    }

    fn entry(name: &[&str]) -> PrincipalEntry {
        let mut entry = PrincipalEntry::new(
            Principal::new("EXAMPLE.TEST", name),
            KerberosTime::from_unix_seconds(1_800_000_000),
        );
        for enctype in EncryptionType::SUPPORTED {
            let key = LongTermKey::from(Key::generate(enctype, &mut system_rng()).unwrap());
            entry.keys.push(KeyData {
                salt: Some(Salt::Special(Vec::new())),
                ..KeyData::new(3, key)
            });
        }
        entry.aliases.push(Principal::new("EXAMPLE.TEST", &["al"]));
        entry.attributes = Attributes::REQUIRES_PRE_AUTH;
        entry.max_life = 3600;
        entry.expiration = Some(KerberosTime::from_unix_seconds(1_900_000_000));
        entry
            .strings
            .insert("session_enctypes".to_owned(), "aes128-cts".to_owned());
        entry.mod_by = Some(Principal::new("EXAMPLE.TEST", &["root", "admin"]));
        entry.password_keys = true;
        entry
    }

    #[test]
    fn an_entry_comes_back_whole() {
        let master = master();
        let before = entry(&["alice"]);
        let value = seal_entry(&master, &before, &mut system_rng()).unwrap();
        let Record::Entry(after) = open(&master, b"alice@EXAMPLE.TEST", &value).unwrap() else {
            panic!()
        };
        assert_eq!(after.principal, before.principal);
        assert_eq!(after.aliases, before.aliases);
        assert_eq!(after.attributes, before.attributes);
        assert_eq!(after.strings, before.strings);
        assert_eq!(after.expiration, before.expiration);
        assert_eq!(after.mod_by, before.mod_by);
        assert!(after.password_keys);
        assert_eq!(after.keys.len(), 4);
        for (a, b) in after.keys.iter().zip(&before.keys) {
            assert!(a.key.ct_eq(&b.key));
            assert_eq!((a.kvno, &a.salt), (b.kvno, &b.salt));
        }
    }

    #[test]
    fn a_record_under_another_name_is_refused() {
        let master = master();
        let value = seal_entry(&master, &entry(&["alice"]), &mut system_rng()).unwrap();
        let error = open(&master, b"mallory@EXAMPLE.TEST", &value).unwrap_err();
        assert_eq!(
            error.to_string(),
            "the record stored under mallory@EXAMPLE.TEST is the one of alice@EXAMPLE.TEST"
        );
    }

    #[test]
    fn each_altered_byte_is_noticed() {
        let master = master();
        let value = seal_entry(&master, &entry(&["alice"]), &mut system_rng()).unwrap();
        for position in 0..value.len() {
            let mut altered = value.clone();
            altered[position] ^= 1;
            assert!(
                open(&master, b"alice@EXAMPLE.TEST", &altered).is_err(),
                "byte {position}"
            );
        }
        assert!(open(&master, b"alice@EXAMPLE.TEST", &[]).is_err());
    }

    #[test]
    fn another_master_key_does_not_open() {
        let value = seal_entry(&master(), &entry(&["alice"]), &mut system_rng()).unwrap();
        assert!(matches!(
            open(&master(), b"alice@EXAMPLE.TEST", &value),
            Err(ServerError::RecordDamaged { .. })
        ));
    }

    #[test]
    fn an_alias_cannot_pose_as_an_entry() {
        let master = master();
        let alias = Principal::new("EXAMPLE.TEST", &["al"]);
        let mut value = seal_alias(&master, &alias, b"alice@EXAMPLE.TEST", &mut system_rng()).unwrap();
        assert!(matches!(
            open(&master, b"al@EXAMPLE.TEST", &value),
            Ok(Record::Alias(_))
        ));
        value[1] = KIND_ENTRY;
        assert!(open(&master, b"al@EXAMPLE.TEST", &value).is_err());
    }

    #[test]
    fn index_keys_are_unambiguous() {
        let one = Principal::new("R", &["a/b"]);
        let two = Principal::new("R", &["a", "b"]);
        let three = Principal::new("R", &["a", "b@c\\"]);
        assert_ne!(index_key(&one), index_key(&two));
        for name in [one, two, three] {
            assert_eq!(name_of(&index_key(&name)), Some(name));
        }
        assert_eq!(name_of(b"no realm"), None);
    }
}
