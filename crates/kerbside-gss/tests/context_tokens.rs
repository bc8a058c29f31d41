//! Context tokens of other implementations, through the public interface.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

use std::sync::{Arc, Mutex};

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, LongTermKey};
use kerbside_gss::{
    Acceptor, AcceptorParams, BindingState, ContextFlags, GssError, MemoryKeys, ServiceKey, ServiceName, Step,
};
use kerbside_protocol::{Now, ReplayCache, ReplayTag, ReplayWindow, Verdict};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use serde_json::Value;

struct Replay(Mutex<ReplayWindow>);

impl ReplayCache for Replay {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        self.0.lock().unwrap().check(tag, now)
    }
}

/// A moment at which the replay cache has long been running.
const LONG_AGO: i64 = 1_000_000_000;

fn vectors() -> Vec<Value> {
    let file: Value = serde_json::from_str(include_str!("vectors/context_tokens.json")).unwrap();
    let vectors = file["vectors"].as_array().unwrap().clone();
    assert_eq!(vectors.len(), 32);
    vectors
}

fn now_of(entry: &Value) -> Now {
    Now::new(entry["ctime_unix"].as_i64().unwrap_or(LONG_AGO), 0).unwrap()
}

/// The acceptor with the service's key, if that is of a supported enctype.
fn acceptor(entry: &Value) -> Acceptor {
    let mut keys = Vec::new();
    if let Some(enctype) = entry["service_key_etype"].as_i64() {
        let octets = hex::decode(entry["service_key_hex"].as_str().unwrap()).unwrap();
        if let Ok(key) = Key::new(EncryptionType(enctype as i32), &octets) {
            let principal = Principal::parse(entry["server"].as_str().unwrap(), None).unwrap();
            keys.push(ServiceKey {
                principal,
                kvno: 1,
                key: Arc::new(LongTermKey::from(key)),
            });
        }
    }
    let window = ReplayWindow::new(100, Now::new(LONG_AGO - 1000, 0).unwrap(), 300);
    let replay = Arc::new(Replay(Mutex::new(window)));
    Acceptor::new(AcceptorParams::new(
        Arc::new(MemoryKeys::new(keys)),
        ServiceName::AnyKey,
        replay,
    ))
}

fn accept(entry: &Value) -> Result<Step, GssError> {
    let token = hex::decode(entry["token_hex"].as_str().unwrap()).unwrap();
    acceptor(entry).step(&token, now_of(entry), &mut ChaCha20Rng::seed_from_u64(1))
}

/// What comes of each token: `established`, `continue`, or part of the error's text.
const EXPECTED: [(&str, &str); 32] = [
    (
        "kn_rc4_kerberos",
        "no key for HTTP/server.test.domain.com@DOMAIN.COM with arcfour-hmac (23), kvno 3",
    ),
    (
        "kn_rc4_spnego",
        "no key for HTTP/server.test.domain.com@DOMAIN.COM with arcfour-hmac (23), kvno 3",
    ),
    ("kn_aes128_kerberos", "established"),
    ("kn_aes128_spnego", "established"),
    ("kn_aes256_kerberos", "established"),
    ("kn_aes256_spnego", "established"),
    ("kn_rc4_header", "with arcfour-hmac (23)"),
    ("kn_rc4_ticket_claims", "with arcfour-hmac (23)"),
    ("kn_ticket_containing_delegation", "with arcfour-hmac (23)"),
    (
        "kn_negoexstart",
        "but found NEGOEX (1.3.6.1.4.1.311.2.2.30), NTLMSSP",
    ),
    (
        "kn_u2ustart",
        "but found krb5 user to user (1.2.840.113554.1.2.2.3), which is not accepted",
    ),
    ("kn_spnegontlmstart", "continue"),
    (
        "pyspnego_initial_context_token_krb_ap_req",
        "no key for host/dc01@DOMAIN.LOCAL with aes256",
    ),
    (
        "pyspnego_initial_context_token_krb_ap_rep",
        "expected an AP-REQ, but found another message",
    ),
    (
        "pyspnego_initial_context_token_neg_token_init",
        "no key for host/dc01@DOMAIN.LOCAL with aes256",
    ),
    (
        "pyspnego_initial_context_token_neg_token_init2",
        "expected a NegTokenInit, but found an acceptor's",
    ),
    ("pyspnego_neg_token_resp", "InitialContextToken"),
    (
        "gokrb5_krb5token",
        "no key for HTTP/host.test.gokrb5@TEST.GOKRB5 with aes256",
    ),
    ("gokrb5_negtokeninit", "InitialContextToken"),
    ("gokrb5_negtokenresp", "InitialContextToken"),
    (
        "gokrb5_spnego_init",
        "no key for HTTP/host.test.gokrb5@TEST.GOKRB5 with aes256",
    ),
    (
        "impacket_negtokeninit",
        "but found NEGOEX (1.3.6.1.4.1.311.2.2.30), NTLMSSP",
    ),
    ("impacket_negtokeninit2", "but found NTLMSSP"),
    ("impacket_negtokenresp1", "InitialContextToken"),
    ("impacket_negtokenresp2", "InitialContextToken"),
    ("impacket_negtokenresp3", "InitialContextToken"),
    ("impacket_negtokenresp4", "InitialContextToken"),
    ("mit_fuzz_establish_contexts_ex", "but found NEGOEX"),
    (
        "mit_fuzz_gss_accept_sec_context_kerberos",
        "no key for host/krb.research.virt@VIRT with aes256",
    ),
    (
        "mit_fuzz_gss_accept_sec_context_spnego",
        "no key for host/krb.research.virt@VIRT with aes256",
    ),
    (
        "mit_fuzz_realm_query",
        "but found IAKERB (1.3.6.1.5.2.5), which is not accepted",
    ),
    (
        "mit_fuzz_start_accept_context",
        "but found IAKERB (1.3.6.1.5.2.5), which is not accepted",
    ),
];

#[test]
fn every_token_has_its_outcome() {
    let mut established = 0;
    for (entry, (name, expected)) in vectors().iter().zip(EXPECTED) {
        assert_eq!(entry["name"], name);
        match accept(entry) {
            Ok(Step::Done { context, .. }) => {
                assert_eq!(expected, "established", "{name}");
                let facts = context.facts();
                assert_eq!(
                    facts.client.to_string(),
                    entry["client"].as_str().unwrap(),
                    "{name}"
                );
                assert_eq!(
                    facts.server.to_string(),
                    entry["server"].as_str().unwrap(),
                    "{name}"
                );
                assert_eq!(
                    facts.flags,
                    ContextFlags::MUTUAL | ContextFlags::INTEGRITY,
                    "{name}"
                );
                assert_eq!(
                    facts.expires.unwrap().unix_seconds(),
                    entry["endtime_unix"].as_i64().unwrap(),
                    "{name}"
                );
                assert_eq!(
                    facts.kerberos.as_ref().unwrap().message_enctype.0,
                    entry["subkey_etype"].as_i64().unwrap() as i32,
                    "{name}"
                );
                assert_eq!(facts.bindings, BindingState::NotChecked);
                assert_eq!(facts.negotiated, name.ends_with("spnego"));
                established += 1;
            }
            Ok(_) => assert_eq!(expected, "continue", "{name}"),
            Err(error) => assert!(error.to_string().contains(expected), "{name}: {error}"),
        }
    }
    assert_eq!(established, 4);
}

/// An hour later the same tokens are too old.
#[test]
fn old_tokens_are_refused() {
    let mut refused = 0;
    for entry in vectors() {
        let (Some(ctime), Some(17 | 18)) =
            (entry["ctime_unix"].as_i64(), entry["service_key_etype"].as_i64())
        else {
            continue;
        };
        let token = hex::decode(entry["token_hex"].as_str().unwrap()).unwrap();
        let later = Now::new(ctime + 3600, 0).unwrap();
        let error = acceptor(&entry)
            .step(&token, later, &mut ChaCha20Rng::seed_from_u64(1))
            .unwrap_err();
        assert!(error.to_string().contains("KRB_AP_ERR_SKEW (37)"), "{error}");
        refused += 1;
    }
    assert_eq!(refused, 4);
}

/// Windows' tokens, cut at every length: refused, and nothing panics.
#[test]
fn cut_tokens_are_refused() {
    for entry in vectors() {
        let token = hex::decode(entry["token_hex"].as_str().unwrap()).unwrap();
        let acceptor = acceptor(&entry);
        for length in (0..token.len()).filter(|length| *length < 64 || length % 7 == 0) {
            let result = acceptor.step(
                &token[..length],
                now_of(&entry),
                &mut ChaCha20Rng::seed_from_u64(1),
            );
            assert!(result.is_err(), "{} cut to {length}", entry["name"]);
        }
    }
}

/// The recorded tokens under RC4 keys, where a policy permits these: of Windows, with PACs signed by Active Directory, and
/// one with a ticket handed on.
#[test]
fn tokens_under_older_keys_where_they_are_permitted() {
    let all = EnctypePolicy::ALLOW_ALL;
    let mut seen = Vec::new();
    for entry in vectors() {
        if entry["service_key_etype"] != 23 {
            continue;
        }
        let name = entry["name"].as_str().unwrap();
        let octets = hex::decode(entry["service_key_hex"].as_str().unwrap()).unwrap();
        let principal = Principal::parse(entry["server"].as_str().unwrap(), None).unwrap();
        let key = ServiceKey {
            principal,
            kvno: 1,
            key: Arc::new(LongTermKey::from(
                Key::with_policy(EncryptionType::RC4_HMAC, &octets, &all).unwrap(),
            )),
        };
        let window = ReplayWindow::new(100, Now::new(LONG_AGO - 1000, 0).unwrap(), 300);
        let params = AcceptorParams::new(
            Arc::new(MemoryKeys::new(vec![key])),
            ServiceName::AnyKey,
            Arc::new(Replay(Mutex::new(window))),
        )
        .with_enctypes(all.clone());
        let token = hex::decode(entry["token_hex"].as_str().unwrap()).unwrap();
        let step = Acceptor::new(params).step(&token, now_of(&entry), &mut ChaCha20Rng::seed_from_u64(1));
        let Step::Done { context, .. } = step.unwrap_or_else(|error| panic!("{name}: {error}")) else {
            panic!("{name}")
        };
        let facts = context.facts();
        assert_eq!(
            facts.client.to_string(),
            entry["client"].as_str().unwrap(),
            "{name}"
        );
        let kerberos = facts.kerberos.as_ref().unwrap();
        seen.push((
            name.to_owned(),
            kerberos.message_enctype.0,
            kerberos.pac.is_some(),
            facts
                .delegated
                .as_ref()
                .map(|delegated| delegated.tgt().server.to_string()),
        ));
    }
    // AES is in the initiators' lists (RFC 4537).
    let expected =
        |name: &str, delegated: Option<&str>| (name.to_owned(), 18, true, delegated.map(str::to_owned));
    assert_eq!(
        seen,
        [
            expected("kn_rc4_kerberos", None),
            expected("kn_rc4_spnego", None),
            expected("kn_rc4_header", None),
            expected("kn_rc4_ticket_claims", None),
            expected(
                "kn_ticket_containing_delegation",
                Some("krbtgt/CORP.IDENTITYINTERVENTION.COM@CORP.IDENTITYINTERVENTION.COM")
            ),
        ]
    );
}
