//! Captured GSS-API and SPNEGO tokens (Windows, MIT, pyspnego, gokrb5, impacket).

use kerbside_asn1::gss_token::{self, TokenKind};
use kerbside_asn1::{NegotiationToken, Raw, decode, encode, oids};
use oids::ObjectIdentifier;
use serde_json::Value;

use crate::corpus::{json, kind, process, read, unhex};
use crate::kdc_messages::assert_same_tree;

/// What is compared, so that a token that is skipped is noticed.
#[derive(Debug, Default, PartialEq, Eq)]
struct Count {
    framed: usize,
    spnego: usize,
    krb5: usize,
    authenticators: usize,
    credentials: usize,
    other: usize,
}

#[test]
fn tokens_decode_to_what_they_are_and_encode_to_their_bytes() {
    let mut count = Count::default();
    let file = json("context_tokens.json");
    let vectors = file["vectors"].as_array().unwrap();
    for vector in vectors {
        let what = vector["name"].as_str().unwrap();
        let token = read(vector["file"].as_str().unwrap());
        check_token(&token, &vector["expected"], what, &mut count);
    }
    assert_eq!(vectors.len(), 32);
    assert_eq!(
        count,
        Count {
            framed: 36,
            spnego: 22,
            krb5: 18,
            authenticators: 9,
            credentials: 1,
            other: 9
        }
    );
}

fn check_token(token: &[u8], expected: &Value, what: &str, count: &mut Count) {
    let Some(oid) = expected.get("mech_oid") else {
        assert!(gss_token::unwrap(token).is_err(), "{what}");
        return check_spnego(token, &expected["spnego"], what, count);
    };
    count.framed += 1;
    let (found, inner) = gss_token::unwrap(token).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(found.to_string(), oid.as_str().unwrap(), "{what}");
    assert_eq!(gss_token::peek(token), TokenKind::Framed(found), "{what}");
    assert_eq!(
        gss_token::wrapped_len(&found, inner.len()),
        Some(token.len()),
        "{what}"
    );
    assert_eq!(gss_token::wrap(found, inner), token, "{what}");
    if let Some(spnego) = expected.get("spnego") {
        check_spnego(inner, spnego, what, count);
    } else if let Some(decoded) = expected["krb5"].get("decoded") {
        count.krb5 += 1;
        check_krb5(inner, expected["tok_id"].as_str().unwrap(), decoded, what);
        check_authenticator(&expected["krb5"], what, count);
    } else {
        count.other += 1;
    }
}

fn check_krb5(inner: &[u8], tok_id: &str, decoded: &Value, what: &str) {
    let (id, message) = inner.split_at(2);
    assert_eq!(hex::encode(id), tok_id, "{what}");
    let kind = kind(if tok_id == "0100" { "AP-REQ" } else { "AP-REP" }).unwrap();
    let (tree, encoded) = process(kind, message)
        .unwrap()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(tree.to_json(), *decoded, "{what}");
    assert_eq!(encoded, message, "{what}");
}

/// The authenticator where the file has it decrypted, and the credentials delegated in it.
fn check_authenticator(krb5: &Value, what: &str, count: &mut Count) {
    if let Some(plaintext) = krb5["authenticator"].get("plaintext_hex") {
        count.authenticators += 1;
        let (tree, encoded) = process("Authenticator", &unhex(plaintext)).unwrap().unwrap();
        assert_eq!(hex::encode(encoded), plaintext.as_str().unwrap(), "{what}");
        assert_same_tree(tree.to_json(), krb5["authenticator"]["decoded"].clone(), what);
    }
    if let Some(credentials) = krb5["gss_checksum"].get("Deleg_hex") {
        count.credentials += 1;
        let (tree, encoded) = process("KRB-CRED", &unhex(credentials)).unwrap().unwrap();
        assert_eq!(hex::encode(encoded), credentials.as_str().unwrap(), "{what}");
        assert_eq!(tree.to_json(), krb5["delegated_krb_cred"], "{what}");
    }
}

fn check_spnego(token: &[u8], expected: &Value, what: &str, count: &mut Count) {
    count.spnego += 1;
    let decoded: NegotiationToken<'_> = decode(token).unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(
        hex::encode(encode(&decoded).unwrap()),
        hex::encode(token),
        "{what}"
    );
    let choice = expected["choice"].as_str().unwrap();
    let inner = match decoded {
        NegotiationToken::Init(init) => {
            assert_eq!(choice, "negTokenInit", "{what}");
            check_mech_types(&init.mech_types, expected, what);
            init.mech_token
        }
        NegotiationToken::Init2(init) => {
            assert_eq!(choice, "negTokenInit2 (MS-SPNG)", "{what}");
            check_mech_types(&init.mech_types.unwrap(), expected, what);
            let hints = encode(&init.neg_hints.unwrap()).unwrap();
            assert_eq!(
                hex::encode(hints),
                expected["negHints_hex"].as_str().unwrap(),
                "{what}"
            );
            init.mech_token
        }
        NegotiationToken::Resp(resp) => {
            assert_eq!(choice, "negTokenResp", "{what}");
            let state = resp.neg_state.and_then(|state| state.name());
            assert_eq!(state, expected.get("negState").and_then(Value::as_str), "{what}");
            let mech = resp.supported_mech.map(|mech| mech.to_string());
            assert_eq!(
                mech.as_deref(),
                expected.get("supportedMech").and_then(Value::as_str),
                "{what}"
            );
            resp.response_token
        }
    };
    check_inner(inner, expected, what, count);
}

fn check_mech_types(found: &Raw<'_, Vec<ObjectIdentifier>>, expected: &Value, what: &str) {
    let names: Vec<_> = found.iter().map(ToString::to_string).collect();
    assert_eq!(Value::from(names), expected["mechTypes"], "{what}");
    assert_eq!(
        hex::encode(found.bytes()),
        expected["mechTypes_der_hex"].as_str().unwrap(),
        "{what}"
    );
}

/// The mechanism's own token: its length, its octets or what it is.
fn check_inner(inner: Option<&[u8]>, expected: &Value, what: &str, count: &mut Count) {
    for name in ["mechToken", "responseToken"] {
        if let Some(len) = expected.get(format!("{name}_len")) {
            assert_eq!(Value::from(inner.unwrap().len()), *len, "{what}");
        }
        if let Some(octets) = expected.get(format!("{name}_hex")) {
            assert_eq!(hex::encode(inner.unwrap()), octets.as_str().unwrap(), "{what}");
        }
        if let Some(token) = expected.get(name) {
            check_token(inner.unwrap(), token, what, count);
        } else if inner.is_some() && expected.get(format!("{name}_len")).is_some() {
            count.other += 1;
        }
    }
}

#[test]
fn tokens_are_told_apart_by_their_first_octets() {
    let peek = |name: &str| gss_token::peek(&read(&format!("bin/tokens/{name}.bin")));
    assert_eq!(peek("pyspnego_neg_token_resp"), TokenKind::NegTokenResp);
    assert_eq!(peek("gokrb5_negtokeninit"), TokenKind::NegTokenInit);
    assert_eq!(peek("gokrb5_spnego_init"), TokenKind::Framed(oids::SPNEGO));
    assert_eq!(gss_token::peek(b"NTLMSSP\0\x01\0\0\0"), TokenKind::Ntlm);
    assert_eq!(gss_token::peek(&[]), TokenKind::Unknown);
    assert_eq!(gss_token::peek(&[0x60]), TokenKind::Unknown);
    assert_eq!(peek("mit_fuzz_realm_query").to_string(), "a token of IAKERB",);
}

#[test]
fn frames_carry_tokens_of_every_length() {
    for len in [0, 1, 116, 117, 118, 243, 244, 245, 65_522, 65_523, 65_524, 70_000] {
        let inner = vec![0x5a; len];
        let token = gss_token::wrap(oids::KRB5, &inner);
        assert_eq!(gss_token::wrapped_len(&oids::KRB5, len), Some(token.len()));
        assert_eq!(gss_token::unwrap(&token), Ok((oids::KRB5, &inner[..])));
    }
}
