#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    reason = "a test may panic: that is how it fails"
)]

use kerbside_asn1::{ErrorCode, KerberosTime, Principal};
use kerbside_crypto::EncryptionType;

use crate::{AuditRecord, AuditResult, ClientAddress, RequestKind};

fn record(kind: RequestKind, result: AuditResult) -> AuditRecord {
    AuditRecord {
        kind,
        from: ClientAddress::Socket("127.0.0.1:4711".parse().unwrap()),
        etypes: vec![EncryptionType(18), EncryptionType(1), EncryptionType(4711)],
        client: Some(Principal::new("R", &["alice"])),
        server: Some(Principal::krbtgt("R", "R")),
        authtime: Some(KerberosTime::from_unix_seconds(1_700_000_000)),
        result,
    }
}

#[test]
fn an_issued_ticket() {
    let aes = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    let result = AuditResult::Issued {
        reply: aes,
        ticket: aes,
        session: aes,
    };
    assert_eq!(
        record(RequestKind::As, result).to_string(),
        "AS_REQ (3 etypes {aes256-cts-hmac-sha1-96(18), UNSUPPORTED:des-cbc-crc(1), (4711)}) 127.0.0.1: \
         ISSUE: authtime 1700000000, etypes {rep=aes256-cts-hmac-sha1-96(18), \
         tkt=aes256-cts-hmac-sha1-96(18), ses=aes256-cts-hmac-sha1-96(18)}, alice@R for krbtgt/R@R"
    );
}

#[test]
fn enctypes_are_named_as_mit_names_them() {
    let mut refused = record(
        RequestKind::As,
        AuditResult::Dropped {
            reason: String::new(),
        },
    );
    refused.etypes = [25, 23, 16, 3].map(EncryptionType).into();
    assert!(refused.to_string().starts_with(
        "AS_REQ (4 etypes {camellia128-cts-cmac(25), DEPRECATED:arcfour-hmac(23), DEPRECATED:des3-cbc-sha1(16), \
         UNSUPPORTED:des-cbc-md5(3)}) "
    ));
}

#[test]
fn refusals_and_dropped_packets() {
    let refused = |detail| AuditResult::Refused {
        code: ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        status: "UNKNOWN_SERVER",
        detail,
    };
    let mut tgs = record(RequestKind::Tgs, refused(None));
    tgs.etypes.truncate(1);
    tgs.client = None;
    assert_eq!(
        tgs.to_string(),
        "TGS_REQ (1 etypes {aes256-cts-hmac-sha1-96(18)}) 127.0.0.1: UNKNOWN_SERVER: authtime 1700000000, \
         <unknown client> for krbtgt/R@R, Server not found in Kerberos database"
    );
    let mut asked = record(RequestKind::As, refused(Some("why".into())));
    asked.etypes.clear();
    assert_eq!(
        asked.to_string(),
        "AS_REQ (0 etypes {}) 127.0.0.1: UNKNOWN_SERVER: alice@R for krbtgt/R@R, \
         Server not found in Kerberos database: why"
    );
    let dropped = record(
        RequestKind::Other,
        AuditResult::Dropped {
            reason: "rubbish".into(),
        },
    );
    assert_eq!(dropped.to_string(), "REQ 127.0.0.1: DROPPED: rubbish");
}

#[test]
fn nothing_breaks_the_line() {
    let mut evil = record(
        RequestKind::As,
        AuditResult::Dropped {
            reason: "a\nb\r\u{1b}[2J\u{85}c".into(),
        },
    );
    assert_eq!(
        evil.to_string(),
        "AS_REQ (3 etypes {aes256-cts-hmac-sha1-96(18), UNSUPPORTED:des-cbc-crc(1), (4711)}) 127.0.0.1: \
         DROPPED: a\\u{a}b\\u{d}\\u{1b}[2J\\u{85}c"
    );
    evil.client = Some(Principal::new("R\n", &["x\ny\u{1b}"]));
    evil.result = AuditResult::Refused {
        code: ErrorCode(4711),
        status: "S",
        detail: None,
    };
    assert!(!evil.to_string().chars().any(char::is_control));
}
