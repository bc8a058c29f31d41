#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test that fails may panic"
)]

use alloc::string::ToString;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{ErrorCode, KpasswdResultCode};
use kerbside_crypto::EncryptionType;

use super::*;
use crate::fake_kdc::{AES256, Issue, alice, key, now, rng, web, web_key};
use crate::krb_error::ErrorReply;
use crate::{ApReqParsed, AuthenticatorPolicy, ReplayChecked, ReplyParams, Verdict};

const NEW: &str = "Nëw password";

fn changepw() -> Principal {
    KpasswdExchange::service(&alice().realm)
}

fn issue(server: Principal, enctype: EncryptionType) -> Issue {
    Issue {
        ticket_key: web_key(),
        session_key: key(enctype, 40),
        ..Issue::honest(server)
    }
}

fn start_with(params: &KpasswdParams, enctype: EncryptionType) -> (Vec<u8>, KpasswdPending) {
    let credential = issue(changepw(), enctype).credential(&mut rng(41));
    KpasswdExchange::start(&credential, params, now(5), &mut rng(42)).unwrap()
}

fn start() -> (Vec<u8>, KpasswdPending) {
    start_with(&KpasswdParams::new(Password::from(NEW)), AES256)
}

/// What the server reads from a request, and what it may lie about in its answer.
struct Server {
    checked: ReplayChecked,
    version: u16,
    user_data: Vec<u8>,
    sender: Vec<u8>,
    seq_number: Option<u32>,
}

impl Server {
    fn read(frame: &[u8]) -> Self {
        let request = KpasswdRequest::parse(frame).unwrap();
        let parsed = ApReqParsed::parse(request.ap_req).unwrap();
        assert_eq!(parsed.ticket_server(), &changepw());
        let verified = parsed
            .decrypt_ticket(&web_key())
            .unwrap()
            .verify(&AuthenticatorPolicy::default(), now(6))
            .unwrap();
        let checked = verified.replay(Verdict::Fresh).unwrap();
        assert!(checked.mutual_required());
        let message: KrbPriv<'_> = asn1::decode(request.krb_priv).unwrap();
        let subkey = checked.initiator_subkey().unwrap();
        let plain = subkey.decrypt(KeyUsage(13), message.enc_part.cipher).unwrap();
        let part: EncKrbPrivPart<'_> = decode_plaintext(message.enc_part.etype, &plain).unwrap();
        Self {
            version: request.version,
            user_data: part.user_data.to_vec(),
            sender: part.s_address.address.to_vec(),
            seq_number: part.seq_number,
            checked,
        }
    }

    fn ap_rep(&self, seq_number: Option<u32>) -> Vec<u8> {
        let params = ReplyParams {
            // A subkey of the server's own is not the key of the KRB-PRIV.
            subkey: Some(Subkey::from(key(AES256, 43))),
            seq_number,
        };
        self.checked.reply(params, &mut rng(44)).unwrap().message
    }

    fn krb_priv(&self, user_data: &[u8], seq_number: u32, subkey: &Subkey) -> Vec<u8> {
        let sender = IpAddr::from([10, 0, 0, 1]);
        encode_krb_priv(user_data, seq_number, sender, subkey, &mut rng(45))
            .unwrap()
            .0
    }

    fn answer(&self, user_data: &[u8]) -> Vec<u8> {
        let subkey = self.checked.initiator_subkey().unwrap();
        frame(&self.ap_rep(Some(7)), &self.krb_priv(user_data, 7, subkey))
    }
}

fn frame(ap_rep: &[u8], krb_priv: &[u8]) -> Vec<u8> {
    let reply = KpasswdReply::Protected {
        version: 1,
        ap_rep,
        krb_priv,
    };
    reply.to_bytes().unwrap()
}

fn misbehaviour(result: Result<KpasswdDone, ProtocolError>) -> Misbehaviour {
    match result {
        Err(ProtocolError::Misbehaved { by, what }) => {
            assert_eq!(by, Refuser::Service(changepw()));
            *what
        }
        other => panic!("expected misbehaviour, but found {other:?}"),
    }
}

#[test]
fn a_change_is_version_1_with_the_bare_password() {
    for enctype in EncryptionType::SUPPORTED {
        let mut params = KpasswdParams::new(Password::from(NEW));
        params.sender = IpAddr::from([192, 0, 2, 9]);
        let (request, pending) = start_with(&params, enctype);
        let server = Server::read(&request);
        assert_eq!((server.version, server.user_data.as_slice()), (1, NEW.as_bytes()));
        assert_eq!(server.sender, [192, 0, 2, 9]);
        assert!(server.seq_number.is_some());
        assert_eq!(server.seq_number, server.checked.authenticator().seq_number);
        let done = pending.reply(&server.answer(b"\0\0")).unwrap();
        assert!(done.accepted());
        assert_eq!(done.text, b"");
    }
}

#[test]
fn setting_names_the_target() {
    let mut params = KpasswdParams::new(Password::from(NEW));
    params.target = Some(web());
    params.sender = IpAddr::from([0_u16, 0, 0, 0, 0, 0, 0, 1]);
    let (request, pending) = start_with(&params, AES256);
    let server = Server::read(&request);
    assert_eq!((server.version, server.sender.len()), (0xff80, 16));
    let data: ChangePasswdData<'_> = asn1::decode(&server.user_data).unwrap();
    assert_eq!(data.newpasswd, NEW.as_bytes());
    assert!(web().matches_wire(data.targrealm.unwrap(), &data.targname.unwrap()));
    let done = pending.reply(&server.answer(b"\0\x05no")).unwrap();
    assert!(!done.accepted());
    assert_eq!(
        (done.summary().as_str(), done.message().as_str()),
        ("Access denied", "no")
    );
}

#[test]
fn a_request_is_never_sent_to_another_service() {
    let credential = issue(web(), AES256).credential(&mut rng(41));
    let params = KpasswdParams::new(Password::from(NEW));
    let result = KpasswdExchange::start(&credential, &params, now(5), &mut rng(42));
    assert!(matches!(result, Err(ProtocolError::Misuse(_))));
    let params = KpasswdParams::new(Password::from(vec![b'x'; 66_000]));
    let credential = issue(changepw(), AES256).credential(&mut rng(41));
    let result = KpasswdExchange::start(&credential, &params, now(5), &mut rng(42));
    assert!(matches!(result, Err(ProtocolError::Misuse(_))));
}

#[test]
fn every_altered_octet_of_a_reply_is_refused_but_the_version() {
    let (request, _) = start();
    let honest = Server::read(&request).answer(b"\0\0");
    assert!(start().1.reply(&honest).unwrap().accepted());
    for at in 0..honest.len() {
        for bit in [1, 0x80] {
            let mut altered = honest.clone();
            altered[at] ^= bit;
            let result = start().1.reply(&altered);
            assert!(
                result.is_err(),
                "octet {at} of {} altered by {bit:#x}",
                honest.len()
            );
        }
    }
    // Both versions are sent by servers; nothing vouches for it, and nothing hangs on it.
    let mut altered = honest;
    altered[2..4].copy_from_slice(&[0xff, 0x80]);
    assert!(start().1.reply(&altered).unwrap().accepted());
}

#[test]
fn truncated_and_extended_frames_are_refused() {
    let (request, _) = start();
    let honest = Server::read(&request).answer(b"\0\0");
    for len in 0..honest.len() {
        assert!(start().1.reply(&honest[..len]).is_err(), "{len} octets");
        // With a length that fits.
        let mut cut = honest[..len].to_vec();
        if let Some(field) = cut.get_mut(..2) {
            field.copy_from_slice(&u16::try_from(len).unwrap().to_be_bytes());
        }
        assert!(start().1.reply(&cut).is_err(), "{len} octets, the length mended");
    }
    for extra in [1, 6, 100] {
        let mut extended = honest.clone();
        extended.resize(honest.len() + extra, 0);
        assert!(start().1.reply(&extended).is_err());
        let len = u16::try_from(extended.len()).unwrap();
        extended[..2].copy_from_slice(&len.to_be_bytes());
        assert!(start().1.reply(&extended).is_err());
    }
}

#[test]
fn an_unauthenticated_error_is_never_success() {
    for e_data in [&b"\0\0"[..], b"\0\0Password changed", b"\0\x03late", b"", b"\0"] {
        let mut error = ErrorReply::new(ErrorCode::KRB_AP_ERR_SKEW, changepw());
        error.e_data = Some(e_data.to_vec());
        let bare = error.to_bytes(now(5)).unwrap();
        let framed = KpasswdReply::Error(&bare).to_bytes().unwrap();
        for reply in [bare, framed] {
            match start().1.reply(&reply) {
                Err(ProtocolError::Refused(refusal)) => {
                    assert_eq!(refusal.code, ErrorCode::KRB_AP_ERR_SKEW);
                    if e_data == b"\0\x03late" {
                        let text = refusal.to_string();
                        assert!(text.contains("KRB5_KPASSWD_AUTHERROR (3): late"), "{text}");
                    }
                }
                other => panic!("expected a refusal, but found {other:?}"),
            }
        }
    }
    // Code 0 is an error, too.
    let error = ErrorReply::new(ErrorCode::KDC_ERR_NONE, changepw());
    let reply = error.to_bytes(now(5)).unwrap();
    assert!(matches!(start().1.reply(&reply), Err(ProtocolError::Refused(_))));
}

#[test]
fn other_keys_other_requests_and_echoes_are_refused() {
    let (request, pending) = start();
    let server = Server::read(&request);
    let ap_rep = server.ap_rep(Some(7));
    let subkey = server.checked.initiator_subkey().unwrap();
    // The session key and the server's own subkey are not the initiator's subkey.
    for wrong in [key(AES256, 40), key(AES256, 43), key(AES256, 99)] {
        let krb_priv = server.krb_priv(b"\0\0", 7, &Subkey::from(wrong));
        let what = misbehaviour(start().1.reply(&frame(&ap_rep, &krb_priv)));
        assert_eq!(what, Misbehaviour::KrbPrivIntegrity);
    }
    // Our own KRB-PRIV: its data is the password.
    let echo = KpasswdRequest::parse(&request).unwrap().krb_priv;
    let what = misbehaviour(start().1.reply(&frame(&ap_rep, echo)));
    assert_eq!(what, Misbehaviour::KrbPrivReflected);
    let krb_priv = server.krb_priv(b"\0\0", 8, subkey);
    let what = misbehaviour(start().1.reply(&frame(&ap_rep, &krb_priv)));
    let (expected, found) = (7, Some(8));
    assert_eq!(what, Misbehaviour::KrbPrivSequence { expected, found });
    // Another request's reply: another subkey and another time.
    let credential = issue(changepw(), AES256).credential(&mut rng(41));
    let params = KpasswdParams::new(Password::from(NEW));
    let (_, later) = KpasswdExchange::start(&credential, &params, now(9), &mut rng(77)).unwrap();
    let what = misbehaviour(later.reply(&server.answer(b"\0\0")));
    assert_eq!(what, Misbehaviour::ApRepMismatch);
    // A KRB-ERROR in the place of the AP-REP, and the request itself.
    let error = ErrorReply::new(ErrorCode::KRB_AP_ERR_MODIFIED, changepw());
    let error = error.to_bytes(now(5)).unwrap();
    let krb_priv = server.krb_priv(b"\0\0", 7, subkey);
    assert!(start().1.reply(&frame(&error, &krb_priv)).is_err());
    assert!(start().1.reply(&request).is_err());
    // Too short for a code.
    assert!(matches!(
        misbehaviour(start().1.reply(&server.answer(b"\0"))),
        Misbehaviour::Field(_)
    ));
    assert!(pending.reply(&server.answer(b"\0\0")).unwrap().accepted());
}

#[test]
fn an_ap_rep_without_sequence_number_is_taken() {
    let (request, pending) = start();
    let server = Server::read(&request);
    let subkey = server.checked.initiator_subkey().unwrap();
    let krb_priv = server.krb_priv(b"\0\x04short", 0, subkey);
    let done = pending.reply(&frame(&server.ap_rep(None), &krb_priv)).unwrap();
    assert_eq!(done.code, KpasswdResultCode::KRB5_KPASSWD_SOFTERROR);
    assert_eq!(done.summary(), "Password change rejected");
}

#[test]
fn a_nul_at_the_end_of_the_servers_text_is_not_shown() {
    let advice = "Try a more complex password, or contact your administrator.";
    for (text, expected) in [
        ("Password too short\0", "Password too short"),
        ("Password\0too short", advice),
        ("Password too short\0\0", advice),
        ("\0", advice),
    ] {
        let done = KpasswdDone {
            code: KpasswdResultCode::KRB5_KPASSWD_SOFTERROR,
            text: text.as_bytes().to_vec(),
        };
        assert_eq!(done.message(), expected, "{text:?}");
    }
}

#[test]
fn results_in_words() {
    let file = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/kpasswd.json");
    let vectors: serde_json::Value = serde_json::from_slice(&std::fs::read(file).unwrap()).unwrap();
    let samples = vectors["result_data_samples"].as_array().unwrap();
    let advice = "Try a more complex password, or contact your administrator.";
    let complex =
        "The password must include numbers or symbols.  Don't include any part of your name in the password.";
    let mut seen = 0;
    for sample in samples {
        let done = KpasswdDone {
            code: KpasswdResultCode::KRB5_KPASSWD_SOFTERROR,
            text: hex::decode(sample["data_hex"].as_str().unwrap()).unwrap(),
        };
        let expected = match sample["name"].as_str().unwrap() {
            "result_ad_age.bin" => "The password can only be changed every 2 days.".to_string(),
            "result_ad_all.bin" => alloc::format!(
                "{complex}  The password must contain at least 5 characters.  The password must be different from the \
                 previous 13 passwords.  The password can only be changed once a day."
            ),
            "result_ad_complex.bin" => complex.to_string(),
            "result_ad_history.bin" => {
                "The password must be different from the previous 9 passwords.".to_string()
            }
            "result_ad_length.bin" => "The password must contain at least 13 characters.".to_string(),
            "result_invalid_utf8.bin" => advice.to_string(),
            "result_utf8.bin" => "This is a valid string.".to_string(),
            other => panic!("a sample without expectation: {other}"),
        };
        assert_eq!(done.message(), expected, "{sample}");
        seen += 1;
    }
    assert_eq!(seen, 7);
    let empty = KpasswdDone {
        code: KpasswdResultCode(77),
        text: Vec::new(),
    };
    assert_eq!(empty.message(), advice);
    assert_eq!(empty.summary(), KpasswdResultCode(77).to_string());
    assert!(!empty.accepted());
}
