//! Each classic failure has its text: cause, evidence, what to do.

#![allow(clippy::unwrap_used, clippy::panic)] // a failure here is the test's failure

mod files;

use std::net::SocketAddr;
use std::time::Duration;

use kerbside_asn1::{ErrorCode, KerberosTime, Microseconds, PaDataType, Realm};
use kerbside_client::{
    AttemptOutcome, CacheFault, CacheName, DnsKind, DnsOutcome, DnsQuery, DnsTrail, Environment, FileFault,
    KeytabFault, KeytabName, KeytabSecret, OsRandom, Transport, update_keytab,
};
use kerbside_crypto::{EncryptionType, Key, LongTermKey};
use kerbside_formats::keytab::{Keytab, KeytabEntry};
use kerbside_formats::{CredentialCache, FormatError};
use kerbside_protocol::{AsExchange, AsOutcome, AsParams, ErrorReply, Now, ProtocolError};

use super::*;

const CONF: &str = "[libdefaults]\n default_realm = R\n[realms]\n R = {\n  kdc = k\n }\n";

fn config() -> Config {
    Config::from_text(CONF, "/etc/krb5.conf", Environment::default()).unwrap()
}

fn alice() -> Principal {
    Principal::new("R", &["alice"])
}

fn cache() -> CacheName {
    CacheName::File("/tmp/krb5cc_0".into())
}

fn text(error: &Error, doing: &Doing<'_>) -> String {
    explain(error, doing).text("kinit")
}

fn kinit(proof: Proof<'_>) -> Doing<'_> {
    let mut doing = Doing::new("while getting initial credentials");
    doing.client = Some(alice());
    doing.proof = proof;
    doing
}

fn attempt(outcome: AttemptOutcome, transport: Transport) -> Attempt {
    Attempt {
        server: "127.0.0.1:88".to_owned(),
        address: Some(SocketAddr::from(([127, 0, 0, 1], 88))),
        transport,
        sent: 1,
        took: Duration::from_millis(1),
        outcome,
    }
}

/// An exchange that ended so, after nothing was sent.
fn exchange(source: ProtocolError) -> Error {
    Error::Exchange {
        realm: Realm::from("R"),
        source: Box::new(source),
        attempts: vec![],
    }
}

/// What the AS exchange makes of a KRB-ERROR.
fn refused(code: ErrorCode, e_text: &str) -> Error {
    let now = Now {
        time: KerberosTime::from_unix_seconds(1_000_000),
        usec: Microseconds::ZERO,
    };
    let AsOutcome::Send { pending, .. } =
        AsExchange::start(AsParams::new(alice()), now, &mut OsRandom).unwrap()
    else {
        panic!("an AS exchange begins with a request");
    };
    let mut reply = ErrorReply::new(code, Principal::krbtgt("R", "R"));
    reply.e_text = Some(e_text.to_owned());
    let bytes = reply.to_bytes(now).unwrap();
    let source = pending.reply(&bytes, now, &mut OsRandom).unwrap_err();
    Error::Exchange {
        realm: Realm::from("R"),
        source: Box::new(source),
        attempts: vec![attempt(AttemptOutcome::Answered, Transport::Udp)],
    }
}

fn damaged_cache() -> FormatError {
    CredentialCache::parse(&[5, 4, 0, 0, 0]).unwrap_err()
}

#[test]
fn wrong_password() {
    assert_eq!(
        text(
            &refused(ErrorCode::KDC_ERR_PREAUTH_FAILED, "PREAUTH_FAILED"),
            &kinit(Proof::Password)
        ),
        "kinit: error: Password incorrect while getting initial credentials\n  \
         the KDC of R refused alice@R a ticket for krbtgt/R@R: KDC_ERR_PREAUTH_FAILED (24): Preauthentication failed (\"PREAUTH_FAILED\")\n  \
         127.0.0.1:88 udp: answered, 1.0 ms\n\
         kinit: hint: type the password again: capitals count, and so does the keyboard's layout\n"
    );
}

/// Heimdal's KDC says so of an encrypted challenge by another key; to a ticket's holder it says something else.
#[test]
fn a_failed_integrity_check_of_a_login_is_a_wrong_password_too() {
    let error = refused(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY, "");
    let report = text(&error, &kinit(Proof::Password));
    assert!(
        report.starts_with("kinit: error: Password incorrect while"),
        "{report}"
    );
    let report = text(&error, &kinit(Proof::None));
    assert!(
        report.starts_with("kinit: error: Decrypt integrity check failed while"),
        "{report}"
    );
}

#[test]
fn a_reply_that_the_password_does_not_open_is_a_wrong_password_too() {
    let source = ProtocolError::WrongReplyKey {
        principal: alice(),
        enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
        kvno: Some(2),
    };
    let error = exchange(source);
    let report = text(&error, &kinit(Proof::Password));
    assert!(
        report.starts_with("kinit: error: Password incorrect while"),
        "{report}"
    );
    assert!(report.contains("aes256-cts-hmac-sha1-96, kvno 2"), "{report}");
}

#[test]
fn a_keytab_with_old_keys() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("alice.keytab");
    let name = KeytabName::file(&path);
    update_keytab(&name, |keytab: &mut Keytab| {
        for etype in [
            EncryptionType::AES128_CTS_HMAC_SHA1_96,
            EncryptionType::AES128_CTS_HMAC_SHA256_128,
        ] {
            let key = Key::new(etype, &[1; 16]).unwrap();
            keytab.add(KeytabEntry::new(alice(), 3, 0, LongTermKey::from(key)));
        }
    })
    .unwrap();
    let secret = KeytabSecret::read(&name).unwrap();
    let report = text(
        &refused(ErrorCode::KDC_ERR_PREAUTH_FAILED, ""),
        &kinit(Proof::Keytab(&secret)),
    );
    assert_eq!(
        report,
        format!(
            "kinit: error: Preauthentication failed while getting initial credentials\n  \
             the KDC of R refused alice@R a ticket for krbtgt/R@R: KDC_ERR_PREAUTH_FAILED (24): Preauthentication failed\n  \
             FILE:{}: has alice@R kvno 3: aes128-cts-hmac-sha1-96 aes128-cts-hmac-sha256-128\n  \
             127.0.0.1:88 udp: answered, 1.0 ms\n\
             kinit: hint: the KDC has newer keys than the keytab: write it again with ktadd (-norandkey keeps the keys)\n",
            path.display()
        )
    );
}

#[test]
fn unknown_principal() {
    assert_eq!(
        text(
            &refused(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND"),
            &kinit(Proof::Password)
        ),
        "kinit: error: Client 'alice@R' not found in Kerberos database while getting initial credentials\n  \
         the KDC of R refused alice@R a ticket for krbtgt/R@R: KDC_ERR_C_PRINCIPAL_UNKNOWN (6): Client not found in Kerberos database (\"CLIENT_NOT_FOUND\")\n  \
         127.0.0.1:88 udp: answered, 1.0 ms\n\
         kinit: hint: check the spelling; capitals count, in the realm too\n\
         kinit: hint: kadmin.local adds a principal: addprinc alice@R\n"
    );
}

/// The text of a refusal: its first line, the code with its description, the hints.
fn refusal(code: ErrorCode, e_text: &str, error: &str, fault: &str, rest: &str) {
    let config = config();
    let doing = kinit(Proof::Password).with_config(&config);
    assert_eq!(
        text(&refused(code, e_text), &doing),
        format!(
            "kinit: error: {error} while getting initial credentials\n  \
             the KDC of R refused alice@R a ticket for krbtgt/R@R: {fault} (\"{e_text}\")\n{}  \
             127.0.0.1:88 udp: answered, 1.0 ms\n{}",
            rest.split('#').next().unwrap(),
            rest.split('#').nth(1).unwrap()
        )
    );
}

#[test]
fn unknown_service() {
    refusal(
        ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN,
        "SERVER_NOT_FOUND",
        "Server not found in Kerberos database",
        "KDC_ERR_S_PRINCIPAL_UNKNOWN (7): Server not found in Kerberos database",
        "#kinit: hint: the name was asked for as typed, without DNS: check service, host and realm; capitals count\n\
         kinit: hint: kadmin.local adds a service: addprinc -randkey krbtgt/R@R\n",
    );
    let report = text(
        &refused(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, ""),
        &Doing::new("while getting credentials for HTTP/x@R"),
    );
    assert!(report.starts_with("kinit: error: Server krbtgt/R@R not found in Kerberos database while getting credentials for HTTP/x@R\n"), "{report}");
}

#[test]
fn locked_account() {
    refusal(
        ErrorCode::KDC_ERR_CLIENT_REVOKED,
        "LOCKED_OUT",
        "Client's credentials have been revoked",
        "KDC_ERR_CLIENT_REVOKED (18): Client's credentials have been revoked",
        "#kinit: hint: the principal is locked out or disabled: kadmin.local: getprinc alice@R shows failed attempts and attributes\n\
         kinit: hint: modprinc -unlock alice@R ends a lock-out, modprinc +allow_tix alice@R enables it\n",
    );
}

#[test]
fn expired_principal_and_expired_password() {
    refusal(
        ErrorCode::KDC_ERR_NAME_EXP,
        "CLIENT EXPIRED",
        "Client's entry in database has expired",
        "KDC_ERR_NAME_EXP (1): Client's entry in database has expired",
        "#kinit: hint: the principal has expired, not its password: kadmin.local: modprinc -expire never alice@R\n",
    );
    refusal(
        ErrorCode::KDC_ERR_KEY_EXP,
        "CLIENT KEY EXPIRED",
        "Password has expired",
        "KDC_ERR_KEY_EXP (23): Password has expired",
        "#kinit: hint: kpasswd changes an expired password, and so does kinit without a keytab\n",
    );
}

#[test]
fn no_supported_enctype() {
    let all = "aes256-cts-hmac-sha1-96, aes128-cts-hmac-sha1-96, aes256-cts-hmac-sha384-192, \
               aes128-cts-hmac-sha256-128, camellia128-cts-cmac, camellia256-cts-cmac";
    refusal(
        ErrorCode::KDC_ERR_ETYPE_NOSUPP,
        "BAD_ENCRYPTION_TYPE",
        "KDC has no support for encryption type",
        "KDC_ERR_ETYPE_NOSUPP (14): KDC has no support for encryption type",
        &format!(
            "  asked for, by default: {all}\n#kinit: hint: the KDC has no key of alice@R of an enctype that was asked for \
             (kadmin.local: getprinc shows which it has): make new keys, or widen permitted_enctypes in [libdefaults]\n"
        ),
    );
    let conf = CONF.replace("[realms]", " permitted_enctypes = aes128-cts\n[realms]");
    let config = Config::from_text(&conf, "/etc/krb5.conf", Environment::default()).unwrap();
    let source = ProtocolError::NoCommonEnctype {
        client: alice(),
        asked: vec![EncryptionType::AES128_CTS_HMAC_SHA1_96],
        offered: vec![
            EncryptionType::AES256_CTS_HMAC_SHA384_192,
            EncryptionType::RC4_HMAC,
        ],
    };
    assert_eq!(
        text(&exchange(source), &kinit(Proof::Password).with_config(&config)),
        "kinit: error: KDC has no support for encryption type while getting initial credentials\n  \
         no common enctype for alice@R: asked for aes128-cts-hmac-sha1-96, but the KDC offers \
         aes256-cts-hmac-sha384-192, arcfour-hmac\n  \
         asked for, by permitted_enctypes in line 3 of /etc/krb5.conf: aes128-cts-hmac-sha1-96\n\
         kinit: hint: the principal's keys are of other enctypes than permitted_enctypes and default_tkt_enctypes allow: \
         change its password, or widen the list\n"
    );
}

#[test]
fn preauthentication_that_the_client_cannot_do() {
    let source = ProtocolError::NoCommonPreauth {
        realm: Realm::from("R"),
        expected: vec![PaDataType::PA_SPAKE],
        offered: vec![
            PaDataType::PA_PK_AS_REQ,
            PaDataType::PA_OTP_CHALLENGE,
            PaDataType::PA_ENC_TIMESTAMP,
        ],
    };
    assert_eq!(
        text(&exchange(source), &kinit(Proof::Password)),
        "kinit: error: Generic preauthentication failure while getting initial credentials\n  \
         the KDC of R offers no pre-authentication that is built here: expected PA-SPAKE (151), but found \
         PA-PK-AS-REQ (16), PA-OTP-CHALLENGE (141), PA-ENC-TIMESTAMP (2)\n\
         kinit: hint: the KDC wants a certificate (PKINIT), which is not built yet\n\
         kinit: hint: the KDC wants a one-time password (OTP), which is not built yet\n\
         kinit: hint: the KDC takes an encrypted timestamp, which disable_encrypted_timestamp in krb5.conf or the cache \
         of -I forbids\n"
    );
}

#[test]
fn other_refusals_say_what_to_do() {
    for (code, start, hint) in [
        (
            ErrorCode::KDC_ERR_BADOPTION,
            "KDC can't fulfill requested option while",
            "klist -f",
        ),
        (
            ErrorCode::KRB_AP_ERR_TKT_EXPIRED,
            "Ticket expired while",
            "kinit gets a new ticket",
        ),
        (
            ErrorCode::KRB_AP_ERR_TKT_NYV,
            "Ticket not yet valid while",
            "kinit -v makes it valid",
        ),
        (
            ErrorCode::KDC_ERR_CANNOT_POSTDATE,
            "Ticket is ineligible for postdating while",
            "+allow_postdated",
        ),
        (
            ErrorCode::KRB_AP_ERR_BADADDR,
            "Incorrect net address while",
            "kinit -A",
        ),
        (
            ErrorCode::KDC_ERR_POLICY,
            "KDC policy rejects request while",
            "KDC_ERR_POLICY (12)",
        ),
    ] {
        let report = text(&refused(code, ""), &kinit(Proof::Password));
        assert!(report.starts_with(&format!("kinit: error: {start}")), "{report}");
        assert!(report.contains(hint), "{report}");
    }
}

#[test]
fn text_of_a_kdc_cannot_drive_the_terminal() {
    let report = text(
        &refused(ErrorCode::KDC_ERR_POLICY, "\x1b[2Jgone\nkinit: done"),
        &kinit(Proof::Password),
    );
    assert!(!report.contains('\x1b'), "{report}");
    assert_eq!(
        report.lines().filter(|line| line.starts_with("kinit: ")).count(),
        1,
        "{report}"
    );
}

#[test]
fn unreachable_kdc() {
    let config = config();
    let error = Error::Unreachable {
        realm: Realm::from("R"),
        attempts: vec![
            attempt(AttemptOutcome::NoAnswer, Transport::Udp),
            attempt(
                AttemptOutcome::Failed("connection refused".to_owned()),
                Transport::Tcp,
            ),
        ],
        took: Duration::from_secs(18),
    };
    assert_eq!(
        text(&error, &kinit(Proof::Password).with_config(&config)),
        "kinit: error: Cannot contact any KDC for realm 'R' while getting initial credentials\n  \
         127.0.0.1:88 udp: no answer, 1.0 ms\n  \
         127.0.0.1:88 tcp: connection refused, 1.0 ms\n  \
         gave up after 18.0 s\n  \
         kdc lines of [realms] R are in /etc/krb5.conf\n\
         kinit: hint: check that the KDC runs and listens at these addresses, and that no firewall is between\n"
    );
}

#[test]
fn skewed_clock() {
    let shown = |seconds: i64| crate::output::timestamp(1_795_561_886 + seconds);
    for (ahead, side) in [(432, "7 min 12 s ahead of"), (-600, "10 min behind")] {
        let report = super::exchange::skew_at(
            1_795_561_886,
            ahead,
            "the KDC of R: its clock differs, allowed 5 min".to_owned(),
            &kinit(Proof::Password),
        );
        assert_eq!(
            report.text("kinit"),
            format!(
                "kinit: error: Clock skew too great while getting initial credentials\n  \
                 the KDC of R: its clock differs, allowed 5 min\n  \
                 the KDC's clock: {}, {side} ours: {}\n\
                 kinit: hint: set the clocks right; NTP keeps them so\n",
                shown(ahead),
                shown(0)
            )
        );
    }
    // The two ways there: by our own check, and by the KDC's word.
    let source = ProtocolError::ClockSkew {
        by: kerbside_protocol::Refuser::Kdc(Realm::from("R")),
        ahead_seconds: 432,
        allowed_seconds: 300,
    };
    let report = text(&exchange(source), &kinit(Proof::Password));
    assert!(
        report.contains("the KDC of R: its clock differs, allowed 5 min\n"),
        "{report}"
    );
    assert!(report.contains(", 7 min 12 s ahead of ours: "), "{report}");
    let report = text(&refused(ErrorCode::KRB_AP_ERR_SKEW, ""), &kinit(Proof::Password));
    assert!(
        report.starts_with("kinit: error: Clock skew too great while"),
        "{report}"
    );
    assert!(report.contains("KRB_AP_ERR_SKEW (37)"), "{report}");
}

#[test]
fn a_kdc_that_breaks_rules_or_talks_rubbish() {
    let source = ProtocolError::UnexpectedMessage {
        expected: "AS-REP or KRB-ERROR",
        found: None,
    };
    let error = exchange(source);
    let report = text(&error, &kinit(Proof::Password));
    assert!(
        report.starts_with("kinit: error: KDC reply did not match expectations while"),
        "{report}"
    );
    let source = ProtocolError::from(kerbside_asn1::decode::<kerbside_asn1::KrbError<'_>>(&[1]).unwrap_err());
    let error = exchange(source);
    let report = text(&error, &kinit(Proof::Password));
    assert!(report.contains("may not be a KDC"), "{report}");
}

#[test]
fn caches() {
    let klist = Doing::new("");
    let cases = [
        (
            CacheFault::File(FileFault::NotFound),
            "kinit: error: No credentials cache found (filename: /tmp/krb5cc_0)\nkinit: hint: kinit gets a ticket\n",
        ),
        (
            CacheFault::Empty,
            "kinit: error: Bad format in credentials cache (filename: /tmp/krb5cc_0)\n  the file is empty\nkinit: hint: kinit gets a ticket\n",
        ),
        (
            CacheFault::Format(CredentialCache::parse(b"text").unwrap_err()),
            "kinit: error: Unsupported credentials cache format version number (filename: /tmp/krb5cc_0)\n  \
             FILE:/tmp/krb5cc_0: not a credential cache: expected first byte 0x05, but found 0x74\n\
             kinit: hint: the file is something else and was left as it is: name another one with -c or KRB5CCNAME\n",
        ),
        (
            CacheFault::Format(damaged_cache()),
            "kinit: error: Bad format in credentials cache (filename: /tmp/krb5cc_0)\n  \
             FILE:/tmp/krb5cc_0: damaged credential cache at byte 4: expected 4 bytes of name type, but found 1\n\
             kinit: hint: the file was left as it is; kdestroy -c FILE:/tmp/krb5cc_0 removes it\n",
        ),
        (
            CacheFault::File(FileFault::Owner {
                owner: 7,
                expected: 8,
            }),
            "kinit: error: Credentials cache permissions incorrect (filename: /tmp/krb5cc_0)\n  \
             FILE:/tmp/krb5cc_0: owner: expected user 8 or root, but found user 7\n",
        ),
        (
            CacheFault::File(FileFault::System {
                doing: "open",
                reason: "permission denied".to_owned(),
            }),
            "kinit: error: Credentials cache permissions incorrect (filename: /tmp/krb5cc_0)\n  \
             FILE:/tmp/krb5cc_0: cannot open: permission denied\n",
        ),
        (
            CacheFault::File(FileFault::System {
                doing: "create",
                reason: "no such file or directory".to_owned(),
            }),
            "kinit: error: Credentials cache I/O operation failed (filename: /tmp/krb5cc_0)\n  \
             FILE:/tmp/krb5cc_0: cannot create: no such file or directory\n\
             kinit: hint: the cache's folder must exist and be yours to write in\n",
        ),
    ];
    for (fault, expected) in cases {
        assert_eq!(text(&Error::Cache { name: cache(), fault }, &klist), expected);
    }
    let name = CacheName::Other {
        kind: "API".into(),
        residual: "".into(),
    };
    let error = Error::Cache {
        name,
        fault: CacheFault::TypeNotBuilt("API".to_owned()),
    };
    let report = text(&error, &Doing::new("while resolving ccache"));
    assert!(
        report.starts_with("kinit: error: Unknown credential cache type while resolving ccache\n"),
        "{report}"
    );
    assert!(
        report.contains("type: expected FILE, DIR, MEMORY, KEYRING or KCM, but found API"),
        "{report}"
    );
}

#[test]
fn caches_without_the_ticket() {
    let doing = Doing::new("while getting credentials for HTTP/x@R");
    let tgt = Box::new(Principal::krbtgt("R", "R"));
    let error = Error::TgtExpired {
        cache: cache(),
        server: tgt.clone(),
        end: KerberosTime::from_unix_seconds(1000),
        now: KerberosTime::from_unix_seconds(1769),
    };
    assert_eq!(
        text(&error, &doing),
        format!(
            "kinit: error: Ticket expired while getting credentials for HTTP/x@R\n  \
             FILE:/tmp/krb5cc_0: the ticket for krbtgt/R@R ended {}, 12 min 49 s ago\n\
             kinit: hint: kinit gets a new one\n",
            crate::output::timestamp(1000)
        )
    );
    let error = Error::NoTgt {
        cache: cache(),
        wanted: tgt,
        present: vec![Principal::new("R", &["HTTP", "y"])],
    };
    assert_eq!(
        text(&error, &doing),
        "kinit: error: Matching credential not found (filename: /tmp/krb5cc_0) while getting credentials for HTTP/x@R\n  \
         FILE:/tmp/krb5cc_0: no ticket for krbtgt/R@R\n  \
         FILE:/tmp/krb5cc_0: has a ticket for HTTP/y@R\n\
         kinit: hint: kinit gets one\n"
    );
}

#[test]
fn armor_that_is_none() {
    let doing = Doing::new("while getting initial credentials");
    let missing = Error::Cache {
        name: cache(),
        fault: CacheFault::File(FileFault::NotFound),
    };
    assert_eq!(
        text(&Error::Armor(Box::new(missing)), &doing),
        "kinit: error: Error constructing AP-REQ armor: No credentials cache found (filename: /tmp/krb5cc_0) while \
         getting initial credentials\n\
         kinit: hint: kinit -k -c FILE:/tmp/krb5cc_0 gets a ticket\n"
    );
    let expired = Error::TgtExpired {
        cache: cache(),
        server: Box::new(Principal::krbtgt("R", "R")),
        end: KerberosTime::from_unix_seconds(1000),
        now: KerberosTime::from_unix_seconds(1769),
    };
    let report = text(&Error::Armor(Box::new(expired)), &doing);
    assert!(
        report.starts_with(
            "kinit: error: Error constructing AP-REQ armor: Ticket expired while getting initial credentials\n"
        ),
        "{report}"
    );
    assert!(
        report.ends_with("kinit: hint: kinit -k -c FILE:/tmp/krb5cc_0 gets a new one\n"),
        "{report}"
    );
    // An answer in clear to a request in armor.
    let Error::Exchange {
        realm,
        source,
        attempts,
    } = refused(ErrorCode::KDC_ERR_CLIENT_REVOKED, "")
    else {
        panic!("expected an exchange's error")
    };
    let ProtocolError::Refused(refusal) = *source else {
        panic!("expected a refusal")
    };
    let spoofed = Error::Exchange {
        realm,
        source: Box::new(ProtocolError::UnarmoredRefusal(refusal)),
        attempts,
    };
    let report = text(&spoofed, &doing);
    assert!(
        report.contains("  nobody vouches for this answer: the request was armored (FAST), it is not\n"),
        "{report}"
    );
    assert!(
        report.ends_with(
            "kinit: hint: the KDC may be unable to open the armor: get a new ticket into the cache of -T\n"
        ),
        "{report}"
    );
}
