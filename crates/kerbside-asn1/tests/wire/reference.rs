//! MIT's reference encodings: decoded, compared with their printed trees, and encoded to the same bytes.

use serde_json::Value;

use crate::corpus::{json, process, reference_kind, unhex};
use crate::tree::leaves_of_printed;

/// Types that later issues bring, by their name in the file, with their number of entries.
const NOT_SUPPORTED: [(&str, usize); 19] = [
    ("AD-CAMMAC", 2),
    ("IAKERB-HEADER", 1),
    ("KDC-PROXY-MESSAGE", 1),
    ("KRB-FINISHED", 1),
    ("KrbFastResponse", 1),
    ("OTP-TOKENINFO", 2),
    ("PA-ENC-SAM-RESPONSE-ENC-2", 1),
    ("PA-FOR-USER", 1),
    ("PA-FX-FAST-REPLY", 1),
    ("PA-OTP-CHALLENGE", 2),
    ("PA-OTP-ENC-REQUEST", 1),
    ("PA-OTP-REQUEST", 2),
    ("PA-S4U-X509-USER", 1),
    ("PA-SAM-CHALLENGE-2", 1),
    ("PA-SAM-CHALLENGE-2-BODY", 1),
    ("PA-SAM-RESPONSE-2", 1),
    ("PA-SPAKE", 4),
    ("SPAKESecondFactor", 2),
    ("SecureCookie", 1),
];

/// MIT writes a kvno as a signed number. It is read as the 32 bits it means and written positive, so that these two differ.
const SIGNED_KVNO: [&str; 2] = ["MSB-set kvno", "kvno=-1"];

fn is_signed_kvno(vector: &Value) -> bool {
    SIGNED_KVNO.contains(&vector["variant"].as_str().unwrap())
}

#[test]
fn every_supported_type_decodes_to_its_tree_and_encodes_to_its_bytes() {
    let file = json("asn1_krb5_reference.json");
    let mut supported = 0;
    for vector in file["vectors"].as_array().unwrap() {
        let Some(kind) = reference_kind(vector) else {
            continue;
        };
        let what = format!("{kind} {}", vector["variant"]);
        let bytes = unhex(&vector["der_hex"]);
        let (tree, encoded) = process(kind, &bytes)
            .unwrap()
            .unwrap_or_else(|error| panic!("{what}: {error}"));
        supported += 1;
        if !is_signed_kvno(vector) {
            assert_eq!(
                tree.leaves(),
                leaves_of_printed(vector["tree"].as_array().unwrap()),
                "{what}"
            );
            assert_eq!(hex::encode(encoded), hex::encode(bytes), "{what}");
        }
    }
    assert_eq!(supported, 51);
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
fn what_is_not_supported_is_exactly_what_is_listed() {
    let file = json("asn1_krb5_reference.json");
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(vectors.len(), 78);
    let mut missing = std::collections::BTreeMap::new();
    for vector in vectors.iter().filter(|vector| reference_kind(vector).is_none()) {
        *missing.entry(vector["asn1_type"].as_str().unwrap()).or_insert(0) += 1;
    }
    assert_eq!(missing.into_iter().collect::<Vec<_>>(), NOT_SUPPORTED);
}
