//! PKINIT exchanges of Kerby: the outer messages, and what is signed in them.

use kerbside_asn1::*;
use serde_json::Value;

use crate::corpus::{json, process, read, unhex};

/// The data the file shows as a tree elsewhere.
const ELSEWHERE: &str = "(see padata_tree)";

fn same_with_padata_elsewhere(found: &mut Value, expected: &Value) {
    let padata = found["padata"].as_array_mut().unwrap().iter_mut();
    for (found, expected) in padata.zip(expected["padata"].as_array().unwrap()) {
        if expected["padata-value"] == ELSEWHERE {
            found["padata-value"] = ELSEWHERE.into();
        }
    }
    assert_eq!(found, expected);
}

fn is_at_the_end(whole: &[u8], part: &[u8]) -> bool {
    whole.windows(part.len()).any(|window| window == part)
}

#[test]
fn pkinit_messages_decode_to_what_they_are_and_encode_to_their_bytes() {
    let file = json("pkinit_messages.json");
    let vectors = file["vectors"].as_array().unwrap();
    let mut signed = 0;
    for vector in vectors {
        let what = vector["name"].as_str().unwrap();
        let bytes = read(vector["file"].as_str().unwrap());
        let (tree, encoded) = process(vector["message"].as_str().unwrap(), &bytes)
            .unwrap()
            .unwrap();
        assert_eq!(hex::encode(encoded), hex::encode(&bytes), "{what}");
        same_with_padata_elsewhere(&mut tree.to_json(), &vector["decoded"]);

        let padata = unhex(&vector["padata_value_hex"]);
        let cms = unhex(&vector["cms_der_hex"]);
        let content = vector.get("econtent_der_hex").map(unhex);
        assert!(is_at_the_end(&bytes, &padata), "{what}");
        if vector["padata_type"] == PaDataType::PA_PK_AS_REQ.0 {
            let request: PaPkAsReq<'_> = decode(&padata).unwrap();
            assert_eq!(request.signed_auth_pack, cms, "{what}");
            assert_eq!(encode(&request).unwrap(), padata, "{what}");
            if let Some(content) = content {
                signed += 1;
                check_auth_pack(&content, what);
            }
        } else {
            let reply: PaPkAsRep<'_> = decode(&padata).unwrap();
            assert_eq!(encode(&reply).unwrap(), padata, "{what}");
            match reply {
                PaPkAsRep::EncKeyPack(pack) => assert_eq!(pack, cms, "{what}"),
                PaPkAsRep::DhInfo(info) => {
                    assert_eq!(info.dh_signed_data, cms, "{what}");
                    let content = content.unwrap();
                    let key: KdcDhKeyInfo<'_> = decode(&content).unwrap();
                    signed += 1;
                    assert_eq!(encode(&key).unwrap(), content, "{what}");
                    // The key is an INTEGER of 2048 bits.
                    let public = AnyDer::parse(key.subject_public_key.as_octets().unwrap()).unwrap();
                    assert_eq!(public.bytes().len(), 4 + 256, "{what}");
                }
            }
        }
    }
    assert_eq!((vectors.len(), signed), (4, 2));
}

fn check_auth_pack(content: &[u8], what: &str) {
    let pack: AuthPack<'_> = decode(content).unwrap();
    assert_eq!(encode(&pack).unwrap(), content, "{what}");
    let authenticator = &pack.pk_authenticator;
    assert_eq!(authenticator.ctime.to_string(), "2015-12-17T02:12:35Z", "{what}");
    // SHA-1 of the request's body, as the file says.
    let file = json("pkinit_messages.json");
    let expected = unhex(&file["vectors"][0]["kdc_req_body_sha1"]);
    assert_eq!(authenticator.pa_checksum, Some(&expected[..]), "{what}");
    assert_eq!(authenticator.freshness_token, None, "{what}");
    assert!(pack.supported_cms_types.is_some(), "{what}");
}

/// The values of MIT's reference encodings, whose printed trees show IMPLICIT tags only as octets.
#[test]
fn pkinit_reference_values() {
    let file = json("asn1_pkinit_reference.json");
    let bytes = |index: usize| unhex(&file["vectors"][index]["der_hex"]);
    let data: &[u8] = b"krb5data";
    let krb5data_oid = ObjectIdentifier::from_bytes(data).unwrap();

    let encoded = bytes(0);
    let request: PaPkAsReq<'_> = decode(&encoded).unwrap();
    assert_eq!((request.signed_auth_pack, request.kdc_pk_id), (data, Some(data)));
    let certifier = ExternalPrincipalIdentifier {
        subject_name: Some(data),
        issuer_and_serial_number: Some(data),
        subject_key_identifier: Some(data),
    };
    assert_eq!(request.trusted_certifiers, Some(vec![certifier]));

    let expected = DhRepInfo {
        dh_signed_data: data,
        server_dh_nonce: Some(data),
        kdf: Some(krb5data_oid.into()),
    };
    assert_eq!(decode(&bytes(1)), Ok(PaPkAsRep::DhInfo(expected)));
    assert_eq!(decode(&bytes(2)), Ok(PaPkAsRep::EncKeyPack(data)));

    let encoded = bytes(3);
    let pack: AuthPack<'_> = decode(&encoded).unwrap();
    let authenticator = &pack.pk_authenticator;
    assert_eq!((authenticator.cusec.get(), authenticator.nonce), (123_456, 42));
    assert_eq!(
        (authenticator.pa_checksum, authenticator.freshness_token),
        (Some(data), Some(data))
    );
    let second = authenticator.pa_checksum2.as_ref().unwrap();
    let algorithm = AlgorithmIdentifier {
        algorithm: oids::KRB5,
        parameters: Some(AnyDer::parse(b"\x04\x06params").unwrap()),
    };
    assert_eq!((second.checksum, second.algorithm_identifier), (data, algorithm));
    assert_eq!(pack.client_public_value.unwrap().bytes(), b"\x04\x06pvalue");
    let without = AlgorithmIdentifier {
        algorithm: oids::KRB5,
        parameters: None,
    };
    assert_eq!(pack.supported_cms_types, Some(vec![algorithm, without]));
    assert_eq!(pack.client_dh_nonce, Some(data));
    assert_eq!(pack.supported_kdfs, Some(vec![krb5data_oid.into()]));

    let encoded = bytes(4);
    let key: KdcDhKeyInfo<'_> = decode(&encoded).unwrap();
    assert_eq!((key.subject_public_key, key.nonce), (BitString::new(data), 42));
    assert_eq!(key.dh_key_expiration.unwrap().to_string(), "1994-06-10T06:03:17Z");

    let encoded = bytes(6);
    let info: OtherInfo<'_> = decode(&encoded).unwrap();
    assert_eq!(info.algorithm_id, without);
    assert_eq!((info.supp_pub_info, info.supp_priv_info), (Some(data), None));
    let client: Krb5PrincipalName<'_> = decode(info.party_u_info).unwrap();
    let client = Principal::from_wire(client.realm, &client.principal_name);
    assert_eq!(client.to_string(), "hftsai/extra@ATHENA.MIT.EDU");
    assert_eq!(info.party_u_info, info.party_v_info);
}
