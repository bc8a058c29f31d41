//! The vector files of other layers, as far as their messages are ours: tickets, KRB-CRED files, KDC proxy, kpasswd, IAKERB.

use kerbside_asn1::*;
use serde_json::Value;

use crate::corpus::{json, process, read, unhex};
use crate::kdc_messages::assert_same_tree;

fn vectors(file: &Value) -> &[Value] {
    let vectors = file["vectors"].as_array().unwrap();
    assert_eq!(file["count"], vectors.len());
    vectors
}

/// The tree of a message that encodes to the bytes it was decoded from.
fn canonical(kind: &str, bytes: &[u8], what: &str) -> Value {
    let (tree, encoded) = process(kind, bytes)
        .unwrap()
        .unwrap_or_else(|error| panic!("{what}: {error}"));
    assert_eq!(hex::encode(encoded), hex::encode(bytes), "{what}");
    tree.to_json()
}

#[test]
fn tickets_and_their_encrypted_parts() {
    let file = json("ticket_decrypt.json");
    for vector in vectors(&file) {
        let what = vector["name"].as_str().unwrap();
        let ticket = canonical("Ticket", &unhex(&vector["ticket_der_hex"]), what);
        assert_eq!(ticket["enc-part"]["etype"], vector["etype"], "{what}");
        assert_eq!(ticket["enc-part"]["cipher"], vector["cipher_hex"], "{what}");
        let part = canonical("EncTicketPart", &unhex(&vector["enc_ticket_part_der_hex"]), what);
        assert_same_tree(part, vector["enc_ticket_part"].clone(), what);
    }
    assert_eq!(vectors(&file).len(), 6);
}

/// mimikatz writes every length in four octets, which is not DER: kerbside-formats shortens them before they come here. One file
/// is by an encoder that cuts the zeros at the end of flags: it is read, and written with 32 bits.
#[test]
fn credential_files() {
    let file = json("kirbi_files.json");
    let (mut canonical_files, mut padded, mut short_flags) = (0, 0, vec![]);
    for vector in vectors(&file) {
        let what = vector["file"].as_str().unwrap();
        let bytes = read(what);
        match decode::<KrbCred<'_>>(&bytes) {
            Ok(cred) => {
                canonical_files += 1;
                assert_eq!(encode(&cred).unwrap(), bytes, "{what}");
                let (part, again) = process("EncKrbCredPart", cred.enc_part.cipher).unwrap().unwrap();
                let mut expected = vector["ticket_info"].clone();
                if again != cred.enc_part.cipher {
                    let flags = &mut expected[0]["flags"];
                    assert_eq!(*flags, "40a1", "{what}");
                    *flags = "40a10000".into();
                    short_flags.push(what);
                }
                assert_eq!(part.to_json()["ticket-info"], expected, "{what}");
                let tickets = vector["tickets"].as_array().unwrap();
                assert_eq!(cred.tickets.len(), tickets.len(), "{what}");
                for (ticket, expected) in cred.tickets.iter().zip(tickets) {
                    assert_eq!(ticket.realm.to_string(), expected["realm"], "{what}");
                    assert_eq!(ticket.enc_part.etype.0, expected["etype"], "{what}");
                }
            }
            Err(error) => {
                padded += 1;
                assert_eq!(
                    (error.kind, error.offset),
                    (DecodeErrorKind::BadLength, 1),
                    "{what}"
                );
            }
        }
    }
    assert_eq!((canonical_files, padded), (3, 13));
    assert_eq!(short_flags, ["bin/kirbi/minikerberos_test.kirbi"]);
}

#[test]
fn kdc_proxy_messages() {
    let file = json("kkdcp.json");
    let mut kdc_requests = 0;
    for vector in vectors(&file) {
        let what = vector["name"].as_str().unwrap();
        let bytes = unhex(&vector["der_hex"]);
        let proxied: KdcProxyMessage<'_> = decode(&bytes).unwrap();
        assert_eq!(encode(&proxied).unwrap(), bytes, "{what}");
        assert_eq!(
            proxied.target_domain.unwrap().to_string(),
            vector["target_domain"],
            "{what}"
        );
        // The password request has no length before it: over TCP it would have one.
        let message = if let Some(decoded) = vector.get("inner_decoded") {
            kdc_requests += 1;
            let message = proxied.message().unwrap();
            let kind = peek_message(message).and_then(MsgType::name).unwrap();
            assert_eq!(canonical(kind, message, what), *decoded, "{what}");
            message
        } else {
            let message = proxied.message().unwrap();
            let request = KpasswdRequest::parse(message).unwrap();
            assert_eq!(
                (request.version, request.ap_req.len()),
                (CHANGE_PASSWORD_VERSION, 514)
            );
            canonical("AP-REQ", request.ap_req, what);
            canonical("KRB-PRIV", request.krb_priv, what);
            assert_eq!(request.to_bytes().unwrap(), message, "{what}");
            message
        };
        assert_eq!(
            hex::encode(message),
            vector["inner_hex"].as_str().unwrap(),
            "{what}"
        );
        // A length that is not that of what follows.
        for kerb_message in [
            &proxied.kerb_message[1..],
            &proxied.kerb_message[..20],
            b"",
            b"\0\0\0",
        ] {
            let altered = KdcProxyMessage {
                kerb_message,
                ..proxied.clone()
            };
            assert_eq!(altered.message(), None, "{what}");
        }
    }
    assert_eq!((vectors(&file).len(), kdc_requests), (4, 3));
}

#[test]
fn password_frames() {
    let file = json("kpasswd.json");
    let frames = file["framed_messages"].as_array().unwrap();
    for vector in frames {
        let bytes = unhex(&vector["data_hex"]);
        let what = vector["kind"].as_str().unwrap();
        let (version, ap, krb_priv, again) = if what == "request" {
            let request = KpasswdRequest::parse(&bytes).unwrap();
            (
                request.version,
                request.ap_req,
                request.krb_priv,
                request.to_bytes(),
            )
        } else {
            let reply = KpasswdReply::parse(&bytes).unwrap();
            match reply {
                KpasswdReply::Protected {
                    version,
                    ap_rep,
                    krb_priv,
                } => (version, ap_rep, krb_priv, reply.to_bytes()),
                KpasswdReply::Error(_) => panic!("{reply:?}"),
            }
        };
        assert_eq!(
            hex::encode(version.to_be_bytes()),
            vector["version"].as_str().unwrap()
        );
        assert_eq!(ap.len(), vector["ap_message_len"], "{what}");
        let kind = if what == "request" { "AP-REQ" } else { "AP-REP" };
        assert_eq!(canonical(kind, ap, what), vector["ap_message"], "{what}");
        assert_eq!(
            canonical("KRB-PRIV", krb_priv, what),
            vector["krb_priv"],
            "{what}"
        );
        assert_eq!(again.unwrap(), bytes, "{what}");
        for len in 0..bytes.len() {
            assert_eq!(KpasswdRequest::parse(&bytes[..len]), None);
            assert_eq!(KpasswdReply::parse(&bytes[..len]), None);
        }
    }
    let data = file["change_passwd_data"].as_array().unwrap();
    for vector in data {
        let mut tree = canonical("ChangePasswdData", &unhex(&vector["der_hex"]), "");
        let password = String::from_utf8(unhex(&tree["newpasswd"])).unwrap();
        tree["newpasswd"] = password.into();
        assert_eq!(tree, vector["decoded"]);
    }
    let results = file["result_data_samples"].as_array().unwrap();
    assert_eq!(frames.len() + data.len() + results.len(), file["count"]);
    assert_eq!(file["count"], 10);
}

/// The samples are result texts without the code before them.
#[test]
fn password_results() {
    let file = json("kpasswd.json");
    let sample = |name: &str| {
        let samples = file["result_data_samples"].as_array().unwrap();
        let sample = samples
            .iter()
            .find(|sample| sample["name"] == format!("result_{name}.bin"));
        let octets = [&[0, 4][..], &unhex(&sample.unwrap()["data_hex"])].concat();
        let result = KpasswdResult::parse(&octets).unwrap();
        assert_eq!(result.code, KpasswdResultCode::KRB5_KPASSWD_SOFTERROR);
        assert_eq!(result.to_bytes().unwrap(), octets);
        let policy = result.policy();
        if let Some(policy) = policy {
            assert_eq!(policy.to_octets(), result.text);
        }
        (policy, KerberosString(result.text).to_string())
    };
    const DAY: u64 = 24 * 60 * 60 * 10_000_000;
    let none = AdPasswordPolicy::default();
    for (name, expected) in [
        (
            "ad_age",
            AdPasswordPolicy {
                min_age: 2 * DAY,
                ..none
            },
        ),
        (
            "ad_all",
            AdPasswordPolicy {
                min_length: 5,
                history: 13,
                properties: 1,
                min_age: DAY,
                ..none
            },
        ),
        (
            "ad_complex",
            AdPasswordPolicy {
                properties: AdPasswordPolicy::DOMAIN_PASSWORD_COMPLEX,
                ..none
            },
        ),
        ("ad_history", AdPasswordPolicy { history: 9, ..none }),
        (
            "ad_length",
            AdPasswordPolicy {
                min_length: 13,
                ..none
            },
        ),
    ] {
        assert_eq!(sample(name).0, Some(expected), "{name}");
    }
    assert_eq!(sample("utf8"), (None, "This is a valid string.".to_owned()));
    assert_eq!(
        sample("invalid_utf8"),
        (None, "\\u{0}This is not valid.".to_owned())
    );
    assert_eq!(KpasswdResult::parse(&[0]), None);
    let text = [0; 30];
    assert_eq!(AdPasswordPolicy::from_octets(&text[1..]), None);
    assert_eq!(AdPasswordPolicy::from_octets(&[1; 30]), None);
}

/// Windows' KDC answers with a KRB-ERROR that is in no frame; the RFC has it in one with an AP-REP of length 0.
#[test]
fn bare_errors_are_taken_from_windows_on_port_464() {
    let error = read("bin/messages/pyspnego_krb_error");
    assert_eq!(KpasswdReply::parse(&error), Some(KpasswdReply::Error(&error)));
    let framed = KpasswdReply::Error(&error).to_bytes().unwrap();
    assert_eq!(
        framed[..6],
        [0, 6 + u8::try_from(error.len()).unwrap(), 0, 1, 0, 0]
    );
    assert_eq!(KpasswdReply::parse(&framed), Some(KpasswdReply::Error(&error)));
    assert_eq!(KpasswdReply::parse(&[0, 6, 0, 1, 0, 0]), None);
    // An AP-REP longer than its frame, one without what follows it, and a frame longer than 64 KiB.
    assert_eq!(KpasswdReply::parse(&[0, 8, 0, 1, 0, 3, 1, 1]), None);
    assert_eq!(KpasswdReply::parse(&[0, 8, 0, 1, 0, 2, 1, 1]), None);
    assert_eq!(KpasswdRequest::parse(&[0, 8, 0, 1, 0, 0, 1, 1]), None);
    assert_eq!(KpasswdReply::Error(&[0x7e; 65_530]).to_bytes(), None);
}

#[test]
fn iakerb_tokens() {
    let file = json("iakerb.json");
    let mut tokens = 0;
    for vector in vectors(&file) {
        let what = vector["name"].as_str().unwrap();
        if vector.get("token_hex").is_some() {
            tokens += 1;
            let framed = unhex(&vector["token_hex"]);
            let (oid, inner) = gss_token::unwrap(&framed).unwrap();
            let token = IakerbProxy::parse(inner).unwrap();
            assert_eq!(oid, oids::IAKERB, "{what}");
            assert_eq!(gss_token::wrap(oid, &token.to_bytes().unwrap()), framed, "{what}");
            if let Some(realm) = vector.get("target_realm") {
                assert_eq!(token.header.target_realm, realm, "{what}");
                assert_eq!(token.header.cookie, None, "{what}");
                assert_eq!(
                    hex::encode(token.message),
                    vector["message_hex"].as_str().unwrap(),
                    "{what}"
                );
            }
        } else if vector.get("header_hex").is_some() {
            let bytes = unhex(&vector["header_hex"]);
            canonical("IAKERB-HEADER", &bytes, what);
            let token = [&[0x05, 0x01][..], &bytes, b"message"].concat();
            let token = IakerbProxy::parse(&token).unwrap();
            assert_eq!(
                (token.header.target_realm, token.message),
                ("krb5data", &b"message"[..])
            );
            assert_eq!(
                hex::encode(token.header.cookie.unwrap()),
                vector["cookie_hex"].as_str().unwrap()
            );
        } else {
            let tree = canonical("KRB-FINISHED", &unhex(&vector["finished_hex"]), what);
            assert_eq!(tree["gss-mic"]["cksumtype"], vector["checksum_type"], "{what}");
            assert_eq!(tree["gss-mic"]["checksum"], vector["checksum_hex"], "{what}");
        }
    }
    assert_eq!((vectors(&file).len(), tokens), (5, 3));
    for bad in [
        &[][..],
        &[0x05],
        &[0x01, 0x00, 0x30, 0x00],
        &[0x05, 0x01],
        &[0x05, 0x01, 0x30, 0x00],
    ] {
        assert!(IakerbProxy::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(
        IakerbProxy::parse(&[0x05, 0x01, 0x30, 0x02, 0xa1, 0x04])
            .unwrap_err()
            .to_string(),
        "IakerbProxy (IakerbHeader.target_realm): expected 6 octets, but found 2 at DER byte 4"
    );
}
