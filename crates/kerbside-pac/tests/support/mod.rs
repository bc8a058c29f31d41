//! What the vector tests share.
#![allow(dead_code, reason = "each test uses a part of it")]

use kerbside_asn1::{EncTicketPart, KerberosTime, Name, NameType, Principal, Realm};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key};
use serde_json::Value;

/// `tests/vectors/pac.json`.
pub(crate) fn vectors() -> Value {
    serde_json::from_str(include_str!("../vectors/pac.json")).unwrap()
}

/// A PAC of the vectors by its name.
pub(crate) fn pac(name: &str) -> (Value, Vec<u8>) {
    let vectors = vectors();
    let entry = vectors["pacs"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == name);
    let entry = entry.unwrap().clone();
    let bytes = pac_bytes(&entry);
    (entry, bytes)
}

pub(crate) fn pac_bytes(entry: &Value) -> Vec<u8> {
    let path = format!(
        "{}/tests/vectors/{}",
        env!("CARGO_MANIFEST_DIR"),
        text(&entry["file"])
    );
    let mut bytes = std::fs::read(path).unwrap();
    // Two of the sources have the signature apart.
    if let Some(signature) = entry["server_signature_data_hex"].as_str() {
        let signature = hex::decode(signature).unwrap();
        let offset = buffer_offset(entry, 6);
        bytes[offset..offset + signature.len()].copy_from_slice(&signature);
    }
    bytes
}

pub(crate) fn buffer_offset(entry: &Value, buffer_type: u64) -> usize {
    let buffers = entry["expected"]["buffers"].as_array().unwrap();
    let buffer = buffers
        .iter()
        .find(|buffer| buffer["type"] == buffer_type)
        .unwrap();
    usize::try_from(buffer["offset"].as_u64().unwrap()).unwrap()
}

pub(crate) fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

pub(crate) fn hex_of(value: &Value) -> Vec<u8> {
    hex::decode(text(value)).unwrap()
}

/// A key of the vectors, of whatever type.
pub(crate) fn key(value: &Value) -> Option<Key> {
    let etype = i32::try_from(value["etype"].as_i64()?).unwrap();
    let key = Key::with_policy(
        EncryptionType(etype),
        &hex_of(&value["key_hex"]),
        &EnctypePolicy::ALLOW_ALL,
    );
    Some(key.unwrap())
}

/// A key that is not in the vectors.
pub(crate) fn other_key(etype: i32) -> Key {
    let enctype = EncryptionType(etype);
    Key::with_policy(
        enctype,
        &vec![0x55; enctype.key_len().unwrap()],
        &EnctypePolicy::ALLOW_ALL,
    )
    .unwrap()
}

/// The client a PAC's vector names; where it names none, the one in its CLIENT_INFO.
pub(crate) fn client(entry: &Value) -> (Principal, KerberosTime) {
    let buffers = entry["expected"]["buffers"].as_array().unwrap();
    let info = &buffers.iter().find(|buffer| buffer["type"] == 10).unwrap()["decoded"];
    let filetime = info["ClientId"]["filetime"].as_i64().unwrap();
    let authtime = entry["authtime"]
        .as_i64()
        .unwrap_or(filetime / 10_000_000 - 11_644_473_600);
    let principal = match entry["client"].as_str() {
        None => Principal::new("TEST.GOKRB5", &[text(&info["Name"])]),
        Some(client) => match client.strip_suffix(" (enterprise)") {
            None => Principal::parse(client, None).unwrap(),
            Some(client) => {
                let (name, realm) = client.rsplit_once('@').unwrap();
                Principal {
                    realm: Realm::new(realm),
                    name: Name::enterprise(name).with_type(NameType::NT_ENTERPRISE),
                }
            }
        },
    };
    (principal, KerberosTime::from_unix_seconds(authtime))
}

/// The client of a ticket.
pub(crate) fn ticket_client(ticket: &EncTicketPart<'_>) -> (Principal, KerberosTime) {
    (
        Principal::from_wire(ticket.crealm, &ticket.cname),
        ticket.authtime,
    )
}
