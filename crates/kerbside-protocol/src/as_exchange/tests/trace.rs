//! What a login and the ticket after it tell `tracing`.

use super::*;
use crate::fake_kdc::fast::{FastHalf, host_ticket, tgs_key};
use crate::fast::FastArmor;
use crate::tgs_exchange::{TgsExchange, TgsOutcome, TgsParams};
use crate::trace::tests::{Taken, events_of};

/// What nobody may learn from a trace: everything that may differ between two logins of the same shape.
struct Secrets {
    password: &'static str,
    /// What keys and random numbers come from.
    seed: u64,
}

const ONE: Secrets = Secrets {
    password: "correct horse",
    seed: 1000,
};
const OTHER: Secrets = Secrets {
    password: "battery staple",
    seed: 2000,
};

const SALT: &[u8] = b"EXAMPLE.COMalice";

/// Login by password, with an encrypted timestamp, and a ticket for a service.
fn in_clear(secrets: &Secrets) {
    let &Secrets { password, seed } = secrets;
    let outcome = AsExchange::start(plain(), now(0), &mut rng(seed)).unwrap();
    let (_, pending) = sent(outcome);
    let info = etype_info2(&[(AES256, Some(SALT), None)]);
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_ENC_TIMESTAMP, &[]),
        (PaDataType::PA_FX_COOKIE, b"biscuit"),
    ];
    let error = preauth_required_with(&methods, now(0));
    let (_, ask) = asked(pending.reply(&error, now(0), &mut rng(seed + 1)).unwrap());
    let answer = Answer::Password(Password::from(password));
    let (request, pending) = sent(ask.answer(answer, now(1), &mut rng(seed + 2)).unwrap());
    let issue = Issue {
        reply_key: password_key(password, SALT),
        session_key: key(AES256, seed + 3),
        knows_fast: true,
        etype_info2: Some(info),
        ..Issue::to_as_req(&request)
    };
    let reply = issue.as_rep(&request, &mut rng(seed + 4));
    let tgt = done(pending.reply(&reply, now(1), &mut rng(seed + 5)).unwrap()).credential;

    let params = TgsParams::new(tgt, web());
    let outcome = TgsExchange::start(params, now(60), &mut rng(seed + 6)).unwrap();
    let TgsOutcome::Send { request, pending, .. } = outcome else {
        panic!("expected a request")
    };
    let mut issue = Issue::to_tgs_req(&request, &tgs_key(), now(60));
    issue.session_key = key(AES256, seed + 7);
    pending
        .reply(&issue.tgs_rep(&mut rng(seed + 8)), now(60))
        .unwrap();
}

/// Login in armor, with an encrypted challenge, as far as the proof.
fn in_armor(secrets: &Secrets) {
    let &Secrets { password, seed } = secrets;
    let params = AsParams {
        armor: Some(FastArmor::required(host_ticket())),
        ..plain()
    };
    let (request, pending) = sent(AsExchange::start(params, now(0), &mut rng(seed)).unwrap());
    let kdc = FastHalf::open(&request, now(0));
    let info = etype_info2(&[(AES256, Some(SALT), None)]);
    let methods = [
        (PaDataType::PA_ETYPE_INFO2, &info[..]),
        (PaDataType::PA_ENCRYPTED_CHALLENGE, &[]),
    ];
    let inner = ErrorReply::new(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, tgs());
    let error = kdc.error(&inner, &methods, now(0));
    let (_, ask) = asked(pending.reply(&error, now(0), &mut rng(seed + 1)).unwrap());
    let answer = Answer::Password(Password::from(password));
    sent(ask.answer(answer, now(1), &mut rng(seed + 2)).unwrap());
}

#[test]
fn a_login_and_a_ticket_are_told_in_mits_words() {
    let events = events_of(|| in_clear(&ONE));
    let lines: Vec<&str> = events.iter().map(Taken::line).collect();
    let etypes = "aes256-sha2, aes128-sha2, aes256-cts, aes128-cts";
    assert_eq!(
        lines,
        [
            "Sending unauthenticated request",
            "Received error from KDC: -1765328359/Additional pre-authentication required",
            "Preauthenticating using KDC method data",
            "Processing preauth types: PA-ETYPE-INFO2 (19), PA-ENC-TIMESTAMP (2), PA-FX-COOKIE (133)",
            "Selected etype info: etype aes256-cts, salt \"EXAMPLE.COMalice\", params \"\"",
            "Received cookie: biscuit",
            "AS key obtained for encrypted timestamp: aes256-cts",
            "Encrypted timestamp (for 1700000001.123456)",
            "Preauth module encrypted_timestamp (2) (real) returned: 0/Success",
            "Produced preauth for next request: PA-FX-COOKIE (133), PA-ENC-TIMESTAMP (2)",
            "Processing preauth types: PA-ETYPE-INFO2 (19)",
            "Selected etype info: etype aes256-cts, salt \"EXAMPLE.COMalice\", params \"\"",
            "Produced preauth for next request: (empty)",
            "AS key determined by preauth: aes256-cts",
            "Decrypted AS reply; session key is: aes256-cts",
            "FAST negotiation: available",
            "Requesting tickets for HTTP/www.example.com@EXAMPLE.COM, referrals on",
            "Generated subkey for TGS request: aes256-cts",
            &alloc::format!("etypes requested in TGS request: {etypes}"),
            "TGS reply is for alice@EXAMPLE.COM -> HTTP/www.example.com@EXAMPLE.COM with session key aes256-cts",
            "TGS request result: 0/Success",
        ]
    );
}

#[test]
fn events_are_data() {
    let events = events_of(|| in_clear(&ONE));
    let field = |name: &str, field: &str| {
        let event = events.iter().find(|event| event.name == name).unwrap();
        event.fields.get(field).unwrap().clone()
    };
    assert_eq!(field("init_creds_error_reply", "code"), "25");
    assert_eq!(field("init_creds_error_reply", "krb5_code"), "-1765328359");
    assert_eq!(field("preauth_etype_info", "enctype"), "aes256-cts");
    assert_eq!(field("preauth_etype_info", "salt"), "EXAMPLE.COMalice");
    assert_eq!(field("fast_nego", "available"), "true");
    assert_eq!(field("tgs_reply", "client"), "alice@EXAMPLE.COM");
    assert_eq!(field("tgs_reply", "server"), "HTTP/www.example.com@EXAMPLE.COM");
}

/// Other passwords, keys and random numbers: the same events to the letter, in lines and fields.
#[test]
fn no_event_depends_on_a_secret() {
    for login in [in_clear, in_armor] {
        let [one, other] = [ONE, OTHER].map(|secrets| events_of(|| login(&secrets)));
        assert!(one.len() > 10);
        assert_eq!(one, other);
    }
}
