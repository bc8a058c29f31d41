//! MIT's reference encodings: decoded, compared with their printed trees, and encoded to the same bytes.

use serde_json::Value;

use crate::corpus::{json, process, reference_kind, unhex};
use crate::tree::{Tree, leaves_of_printed};

/// Types of which no RFC has a module: a draft's or MIT's own, by their name in the file, with their number of entries.
const WITHOUT_PUBLISHED_MODULE: [(&str, usize); 7] = [
    ("IAKERB-HEADER", 1),
    ("KRB-FINISHED", 1),
    ("PA-ENC-SAM-RESPONSE-ENC-2", 1),
    ("PA-SAM-CHALLENGE-2", 1),
    ("PA-SAM-CHALLENGE-2-BODY", 1),
    ("PA-SAM-RESPONSE-2", 1),
    ("SecureCookie", 1),
];

/// MIT writes a kvno as a signed number. It is read as the 32 bits it means and written positive, so that these two differ.
const SIGNED_KVNO: [&str; 2] = ["MSB-set kvno", "kvno=-1"];

fn is_signed_kvno(vector: &Value) -> bool {
    SIGNED_KVNO.contains(&vector["variant"].as_str().unwrap())
}

/// Decodes and encodes every entry of a file; gives how many there are and how many of them have a tree that was compared.
fn check_file(name: &str) -> (usize, usize) {
    let file = json(name);
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(file["count"], vectors.len());
    let mut compared = 0;
    for vector in vectors {
        let kind = reference_kind(vector).unwrap_or_else(|| panic!("{}", vector["asn1_type"]));
        let what = format!("{kind} {}", vector["variant"]);
        let bytes = unhex(&vector["der_hex"]);
        let (tree, encoded) = process(kind, &bytes)
            .unwrap()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        if is_signed_kvno(vector) {
            continue;
        }
        if tree != Tree::Absent {
            let expected = leaves_of_printed(vector["tree"].as_array().unwrap());
            assert_eq!(tree.leaves(), expected, "{what}");
            compared += 1;
        }
        assert_eq!(hex::encode(encoded), hex::encode(bytes), "{what}");
    }
    (vectors.len(), compared)
}

/// The trees not compared are those of the two signed kvnos and of types with IMPLICIT tags; `families.rs` has their values.
#[test]
fn every_reference_encoding_decodes_to_its_tree_and_encodes_to_its_bytes() {
    assert_eq!(check_file("asn1_krb5_reference.json"), (78, 68));
    assert_eq!(check_file("asn1_pkinit_reference.json"), (8, 2));
}

#[test]
fn signed_kvnos_are_read_as_unsigned_and_written_positive() {
    let file = json("asn1_krb5_reference.json");
    let vectors = file["vectors"].as_array().unwrap();
    let found: Vec<_> = vectors
        .iter()
        .filter(|vector| is_signed_kvno(vector))
        .map(|vector| {
            let (tree, encoded) = process("EncryptedData", &unhex(&vector["der_hex"]))
                .unwrap()
                .unwrap();
            (
                tree.to_json()["kvno"].as_u64().unwrap(),
                hex::encode(&encoded[7..16]),
            )
        })
        .collect();
    assert_eq!(
        found,
        [
            (0xff00_0000, "a107020500ff000000".to_owned()),
            (0xffff_ffff, "a107020500ffffffff".to_owned()),
        ]
    );
}

#[test]
fn what_has_no_published_module_is_exactly_what_is_listed() {
    let file = json("asn1_krb5_reference.json");
    let mut found = std::collections::BTreeMap::new();
    for vector in file["vectors"].as_array().unwrap() {
        let origin = vector["defined_in"].as_str().unwrap();
        if !origin.contains("RFC") && !origin.contains("MS-") {
            *found.entry(vector["asn1_type"].as_str().unwrap()).or_insert(0) += 1;
        }
    }
    assert_eq!(found.into_iter().collect::<Vec<_>>(), WITHOUT_PUBLISHED_MODULE);
}
