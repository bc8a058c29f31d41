//! Captured KDC exchanges (Windows, MIT, Active Directory as seen by pyspnego and Kerby).

use kerbside_asn1::{MsgType, peek_message};
use serde_json::Value;

use crate::corpus::{json, kdc_message, plaintext_kind, process, unhex};

/// The file leaves authorization data out of some trees and takes it apart in others; all else must be the same.
pub(crate) fn assert_same_tree(mut found: Value, mut expected: Value, what: &str) {
    for tree in [&mut found, &mut expected] {
        tree.as_object_mut().unwrap().remove("authorization-data");
    }
    assert_eq!(found, expected, "{what}");
}

#[test]
fn messages_decode_to_their_trees_and_encode_to_their_bytes() {
    let file = json("kdc_messages.json");
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let what = vector["name"].as_str().unwrap();
        let bytes = kdc_message(vector);
        let kind = vector["message"].as_str().unwrap();
        let (tree, encoded) = process(kind, &bytes)
            .unwrap()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        assert_eq!(tree.to_json(), vector["decoded"], "{what}");
        assert_eq!(hex::encode(encoded), hex::encode(&bytes), "{what}");
        assert_eq!(peek_message(&bytes).and_then(MsgType::name), Some(kind), "{what}");
    }
    assert_eq!(vectors.len(), 23);
}

#[test]
fn decrypted_parts_decode_to_their_trees_and_encode_to_their_bytes() {
    let file = json("kdc_messages.json");
    let (mut count, mut with_tree) = (0, 0);
    for vector in file["vectors"].as_array().unwrap() {
        for part in vector["decrypted"].as_array().into_iter().flatten() {
            let kind = plaintext_kind(part["what"].as_str().unwrap());
            let what = format!("{} {kind}", vector["name"]);
            let bytes = unhex(&part["plaintext_hex"]);
            let (tree, encoded) = process(kind, &bytes)
                .unwrap()
                .unwrap_or_else(|error| panic!("{what}: {error}"));
            assert_eq!(hex::encode(encoded), hex::encode(&bytes), "{what}");
            count += 1;
            if let Some(expected) = part.get("decoded") {
                assert_same_tree(tree.to_json(), expected.clone(), &what);
                with_tree += 1;
            }
        }
    }
    assert_eq!((count, with_tree), (23, 21));
}
