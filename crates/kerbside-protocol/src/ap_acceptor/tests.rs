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
use core::cell::RefCell;
use std::sync::Mutex;

use kerbside_asn1::{
    self as asn1, AdType, AddressType, ApRep, ApReq, ErrorCode, KerberosTime, NameType, Principal,
    TicketFlags,
};
use kerbside_crypto::{ChecksumType, EncryptionType, Key, Subkey};

use super::*;
use crate::error::{ApRefusal, Misbehaviour, ProtocolError};
use crate::fake_kdc::*;
use crate::krb_error::ErrorReply;
use crate::replay::ReplayWindow;
use crate::time::at;
use crate::{ApEstablished, ApInitiator, ApParams, ApPending, Credential};

const SKEW: i64 = 300;

/// The window behind a lock, as a service holds it.
struct Cache(Mutex<ReplayWindow>);

impl Cache {
    fn new() -> Self {
        Self(Mutex::new(ReplayWindow::new(1000, now(-10_000), SKEW)))
    }
}

impl ReplayCache for Cache {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        self.0.lock().unwrap().check(tag, now)
    }
}

fn issue() -> Issue {
    Issue {
        ticket_key: web_key(),
        ..Issue::honest(web())
    }
}

fn credential() -> Credential {
    issue().credential(&mut rng(21))
}

fn request(credential: &Credential, params: ApParams, at: Now) -> (Vec<u8>, ApPending) {
    ApInitiator::start(credential, params, at, &mut rng(22)).unwrap()
}

/// All stages, as a service that serves one principal takes them.
fn accept_with(
    message: &[u8],
    policy: &AuthenticatorPolicy<'_>,
    cache: &dyn ReplayCache,
    at: Now,
) -> Result<ReplayChecked, ProtocolError> {
    let parsed = ApReqParsed::parse(message)?;
    let ours = parsed.ticket_server() == &web();
    let key = if ours {
        web_key()
    } else {
        key(parsed.ticket_enctype(), 404)
    };
    parsed
        .decrypt_ticket(&key)?
        .verify(policy, at)?
        .check_replay(cache, at)
}

fn accept(message: &[u8], at: Now) -> Result<ReplayChecked, ProtocolError> {
    accept_with(message, &AuthenticatorPolicy::default(), &Cache::new(), at)
}

fn refusal(result: Result<ReplayChecked, ProtocolError>) -> ApRefusal {
    match result {
        Err(ProtocolError::ApReq(why)) => *why,
        other => panic!("expected a refusal, but found {other:?}"),
    }
}

fn mutual() -> (Vec<u8>, Result<ApEstablished, ProtocolError>) {
    let (message, pending) = request(&credential(), ApParams::default(), now(5));
    let checked = accept(&message, now(6)).unwrap();
    let reply = checked.reply(ReplyParams::default(), &mut rng(23)).unwrap();
    (reply.message.clone(), pending.reply(&reply.message))
}

#[test]
fn both_sides_agree() {
    for enctype in EncryptionType::SUPPORTED {
        let issue = Issue {
            session_key: key(enctype, 30),
            ..issue()
        };
        let params = ApParams {
            seq_number: Some(0x8000_0001),
            checksum: Some((ChecksumType(0x8003), vec![1, 2, 3])),
            authorization_data: vec![(AdType::AD_AP_OPTIONS, vec![0, 0x40, 0, 0])],
            ..ApParams::default()
        };
        let (message, pending) = request(&issue.credential(&mut rng(21)), params, now(5));
        let checked = accept(&message, now(6)).unwrap();
        assert_eq!((checked.client(), checked.ticket().server()), (&alice(), &web()));
        assert!(checked.mutual_required());
        let said = checked.authenticator();
        assert_eq!(said.checksum, Some((ChecksumType(0x8003), vec![1, 2, 3])));
        assert_eq!(
            said.authorization_data,
            [(AdType::AD_AP_OPTIONS, vec![0, 0x40, 0, 0])]
        );
        assert_eq!((said.seq_number, said.client_time), (Some(0x8000_0001), now(5)));

        let subkey = Some(Subkey::from(key(enctype, 31)));
        let reply = checked
            .reply(
                ReplyParams {
                    subkey,
                    seq_number: Some(77),
                },
                &mut rng(23),
            )
            .unwrap();
        let ends = pending.reply(&reply.message).unwrap();
        assert!(ends.mutual);
        assert_eq!(
            (ends.seq_number, ends.peer_seq_number),
            (Some(0x8000_0001), Some(77))
        );
        assert!(ends.session_key.ct_eq(checked.session_key()));
        assert!(
            ends.initiator_subkey
                .unwrap()
                .ct_eq(checked.initiator_subkey().unwrap())
        );
        assert!(ends.acceptor_subkey.unwrap().ct_eq(&key(enctype, 31)));
    }
}

#[test]
fn without_mutual_authentication_nothing_comes_back() {
    let params = ApParams {
        mutual: false,
        use_subkey: false,
        ..ApParams::default()
    };
    let (message, pending) = request(&credential(), params, now(0));
    let checked = accept(&message, now(0)).unwrap();
    assert!(!checked.mutual_required() && checked.initiator_subkey().is_none());
    assert!(!pending.without_reply().unwrap().mutual);
    let (_, pending) = request(&credential(), ApParams::default(), now(0));
    assert!(matches!(pending.without_reply(), Err(ProtocolError::Misuse(_))));
}

#[test]
fn a_ticket_under_another_key_is_refused() {
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    let parsed = ApReqParsed::parse(&message).unwrap();
    let refused = parsed.decrypt_ticket(&key(AES256, 1)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the ticket for HTTP/www.example.com@EXAMPLE.COM (aes256-cts-hmac-sha1-96, kvno 1) does not decrypt with the \
         key at hand: KRB_AP_ERR_BAD_INTEGRITY (31)"
    );
    let refused = parsed.decrypt_ticket(&key(AES128, 1)).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_NOKEY));
    // Several keys may be tried, one after the other.
    assert!(parsed.decrypt_ticket(&web_key()).is_ok());
}

#[test]
fn a_ticket_for_another_service_does_not_open() {
    let other = Principal::new("EXAMPLE.COM", &["host", "www.example.com"]);
    let issue = Issue {
        ticket_key: key(AES256, 405),
        ..Issue::honest(other)
    };
    let (message, _) = request(&issue.credential(&mut rng(21)), ApParams::default(), now(0));
    assert!(matches!(
        refusal(accept(&message, now(0))),
        ApRefusal::TicketIntegrity { .. }
    ));
}

#[test]
fn a_used_authenticator_is_refused() {
    let cache = Cache::new();
    let policy = AuthenticatorPolicy::default();
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    assert!(accept_with(&message, &policy, &cache, now(0)).is_ok());
    let again = refusal(accept_with(&message, &policy, &cache, now(299)));
    assert_eq!(again, ApRefusal::Replayed { client: alice() });
    assert_eq!(again.code(), ErrorCode::KRB_AP_ERR_REPEAT);

    // Advisory fields do not make a second request of it.
    let decoded: ApReq<'_> = asn1::decode(&message).unwrap();
    let mut altered = message.clone();
    let name_type = find(&message, &asn1::encode(&decoded.ticket.sname).unwrap()).start + 6;
    altered[name_type] = 1;
    assert!(matches!(
        refusal(accept_with(&altered, &policy, &cache, now(1))),
        ApRefusal::Replayed { .. }
    ));
}

#[test]
fn a_cache_that_cannot_tell_refuses() {
    struct Down;
    impl ReplayCache for Down {
        fn check(&self, _: &ReplayTag, _: KerberosTime) -> Verdict {
            Verdict::Unavailable
        }
    }
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    let refused = refusal(accept_with(
        &message,
        &AuthenticatorPolicy::default(),
        &Down,
        now(0),
    ));
    assert_eq!(refused, ApRefusal::ReplayCacheUnavailable);
}

#[test]
fn the_cache_is_asked_only_about_what_was_verified() {
    struct Counting(Mutex<RefCell<u32>>);
    impl ReplayCache for Counting {
        fn check(&self, _: &ReplayTag, _: KerberosTime) -> Verdict {
            *self.0.lock().unwrap().borrow_mut() += 1;
            Verdict::Fresh
        }
    }
    let cache = Counting(Mutex::new(RefCell::new(0)));
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    for index in 0..message.len() {
        let mut altered = message.clone();
        altered[index] ^= 0x55;
        let before = *cache.0.lock().unwrap().borrow();
        if accept_with(&altered, &AuthenticatorPolicy::default(), &cache, now(0)).is_err() {
            assert_eq!(*cache.0.lock().unwrap().borrow(), before, "octet {index}");
        }
    }
}

#[test]
fn a_skewed_authenticator_is_refused_either_way() {
    for (made, taken, ahead) in [(301, 0, "5 min 1 s ahead"), (0, 301, "5 min 1 s behind")] {
        let (message, _) = request(&credential(), ApParams::default(), now(made));
        let refused = accept(&message, now(taken)).unwrap_err();
        assert_eq!(
            refused.to_string(),
            alloc::format!(
                "clock skew too great with alice@EXAMPLE.COM: its clock is {ahead}, allowed 5 min: KRB_AP_ERR_SKEW (37)"
            )
        );
        let (message, _) = request(&credential(), ApParams::default(), now(made.min(300)));
        assert!(accept(&message, now(taken.min(300))).is_ok());
        let (message, _) = request(&credential(), ApParams::default(), now(made));
        let policy = AuthenticatorPolicy {
            skew_seconds_max: 400,
            ..AuthenticatorPolicy::default()
        };
        assert!(accept_with(&message, &policy, &Cache::new(), now(taken)).is_ok());
    }
    let offset = ApParams {
        clock_offset_seconds: 1000,
        ..ApParams::default()
    };
    let (message, _) = request(&credential(), offset, now(0));
    assert!(accept(&message, now(1000)).is_ok());
}

#[test]
fn an_authenticator_of_another_client_is_refused() {
    let mut stolen = credential();
    stolen.client = Principal::new("EXAMPLE.COM", &["mallory"]);
    let (message, _) = request(&stolen, ApParams::default(), now(0));
    let expected = ApRefusal::ClientMismatch {
        expected: alice(),
        found: stolen.client.clone(),
    };
    assert_eq!(refusal(accept(&message, now(0))), expected);
    assert_eq!(expected.code(), ErrorCode::KRB_AP_ERR_BADMATCH);
    let mut realm = credential();
    realm.client.realm = "ELSEWHERE.COM".into();
    let (message, _) = request(&realm, ApParams::default(), now(0));
    assert!(matches!(
        refusal(accept(&message, now(0))),
        ApRefusal::ClientMismatch { .. }
    ));
    let mut hint = credential();
    hint.client.name.name_type = NameType::NT_ENTERPRISE;
    let (message, _) = request(&hint, ApParams::default(), now(0));
    let checked = accept(&message, now(0)).unwrap();
    assert_eq!(checked.client().name.name_type, NameType::NT_PRINCIPAL);
}

#[test]
fn an_authenticator_under_another_key_or_usage_is_refused() {
    let mut other = credential();
    other.session_key = key(AES256, 1).into();
    let (message, _) = request(&other, ApParams::default(), now(0));
    assert!(matches!(
        refusal(accept(&message, now(0))),
        ApRefusal::AuthenticatorIntegrity { .. }
    ));
    // An application's authenticator is none for a KDC.
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    let policy = AuthenticatorPolicy {
        purpose: Purpose::TgsReq { req_body: b"" },
        ..AuthenticatorPolicy::default()
    };
    let refused = refusal(accept_with(&message, &policy, &Cache::new(), now(0)));
    assert!(matches!(refused, ApRefusal::AuthenticatorIntegrity { .. }));
}

#[test]
fn tickets_are_good_from_start_to_end() {
    let taken_at = |issue: &Issue, seconds: i64| {
        let (message, _) = request(&issue.credential(&mut rng(21)), ApParams::default(), now(seconds));
        accept(&message, now(seconds))
    };
    let issue = issue();
    assert!(taken_at(&issue, 36_000 + SKEW).is_ok());
    let late = refusal(taken_at(&issue, 36_000 + SKEW + 1));
    assert!(matches!(late, ApRefusal::Expired { endtime, .. } if endtime == at(T0 + 36_000)));
    assert_eq!(late.code(), ErrorCode::KRB_AP_ERR_TKT_EXPIRED);
    assert!(taken_at(&issue, -SKEW).is_ok());
    let early = refusal(taken_at(&issue, -SKEW - 1));
    assert!(matches!(early, ApRefusal::NotYetValid { starttime, .. } if starttime == at(T0)));
    assert_eq!(early.code(), ErrorCode::KRB_AP_ERR_TKT_NYV);
    // Without a start time the time of authentication counts.
    let no_start = Issue {
        starttime: None,
        ..self::issue()
    };
    assert!(matches!(
        refusal(taken_at(&no_start, -SKEW - 1)),
        ApRefusal::NotYetValid { .. }
    ));
}

#[test]
fn a_ticket_that_needs_validation_is_refused() {
    let mut issue = issue();
    issue.flags.insert(TicketFlags::POSTDATED | TicketFlags::INVALID);
    let (message, _) = request(&issue.credential(&mut rng(21)), ApParams::default(), now(0));
    let refused = refusal(accept(&message, now(0)));
    assert_eq!(
        (&refused, refused.code()),
        (&ApRefusal::Invalid, ErrorCode::KRB_AP_ERR_TKT_NYV)
    );
    let policy = AuthenticatorPolicy {
        accept_invalid_ticket: true,
        ..AuthenticatorPolicy::default()
    };
    assert!(accept_with(&message, &policy, &Cache::new(), now(0)).is_ok());
}

#[test]
fn a_ticket_bound_to_addresses_works_from_there() {
    let bound = Issue {
        addresses: vec![(AddressType::IPV4, vec![192, 0, 2, 1])],
        ..issue()
    };
    let (message, _) = request(&bound.credential(&mut rng(21)), ApParams::default(), now(0));
    let from = |message: &[u8], peer_address| {
        let policy = AuthenticatorPolicy {
            peer_address,
            ..AuthenticatorPolicy::default()
        };
        accept_with(message, &policy, &Cache::new(), now(0))
    };
    assert!(from(&message, None).is_ok());
    assert!(from(&message, Some((AddressType::IPV4, &[192, 0, 2, 1]))).is_ok());
    for wrong in [
        (AddressType::IPV4, &[192, 0, 2, 2]),
        (AddressType::IPV6, &[192, 0, 2, 1]),
    ] {
        let refused = refusal(from(&message, Some((wrong.0, &wrong.1[..]))));
        assert_eq!(
            refused,
            ApRefusal::Address {
                address_type: wrong.0
            }
        );
        assert_eq!(refused.code(), ErrorCode::KRB_AP_ERR_BADADDR);
    }
    let (unbound, _) = request(&credential(), ApParams::default(), now(0));
    assert!(from(&unbound, Some((AddressType::IPV4, &[192, 0, 2, 2]))).is_ok());
}

/// Pitfalls, section 10 row 2: only the session key's own keyed checksum binds a TGS-REQ.
#[test]
fn a_tgs_req_without_its_keyed_checksum_is_refused() {
    let credential = Issue::honest(tgs()).credential(&mut rng(21));
    let body = b"the req-body as received";
    let check = |checksum: Option<(ChecksumType, &[u8])>| {
        let authenticator = crate::authenticator::NewAuthenticator {
            client: &alice(),
            client_time: now(0),
            checksum,
            subkey: None,
            seq_number: None,
            authorization_data: &[],
        };
        let cipher = authenticator
            .encrypt(&credential.session_key, KeyUsage::TGS_REQ_AUTH, &mut rng(24))
            .unwrap();
        let message = crate::ap_initiator::encode_ap_req(&credential, ApOptions::NONE, &cipher).unwrap();
        let policy = AuthenticatorPolicy {
            purpose: Purpose::TgsReq { req_body: body },
            ..AuthenticatorPolicy::default()
        };
        let parsed = ApReqParsed::parse(&message).unwrap();
        let ticket = parsed.decrypt_ticket(&key(AES256, 1004)).unwrap();
        match ticket.verify(&policy, now(0)) {
            Ok(_) => None,
            Err(ProtocolError::ApReq(why)) => Some(*why),
            Err(other) => panic!("expected a refusal, but found {other}"),
        }
    };
    let key = &credential.session_key;
    let good = key.checksum(KeyUsage::TGS_REQ_AUTH_CKSUM, &[body]).unwrap();
    assert_eq!(check(Some((key.checksum_type(), good.as_bytes()))), None);
    assert_eq!(check(None), Some(ApRefusal::ChecksumMissing));
    let usage = key.checksum(KeyUsage::AP_REQ_AUTH_CKSUM, &[body]).unwrap();
    assert_eq!(
        check(Some((key.checksum_type(), usage.as_bytes()))),
        Some(ApRefusal::ChecksumWrong)
    );
    let short = good.as_bytes().split_last().unwrap().1;
    assert_eq!(
        check(Some((key.checksum_type(), short))),
        Some(ApRefusal::ChecksumWrong)
    );
    assert_eq!(
        check(Some((key.checksum_type(), &[]))),
        Some(ApRefusal::ChecksumWrong)
    );
    // CRC32, RSA-MD5, SHA-1, and another enctype's keyed type.
    for weaker in [1, 7, 14, 15] {
        let refused = check(Some((ChecksumType(weaker), good.as_bytes()))).unwrap();
        assert!(matches!(refused, ApRefusal::ChecksumType(_)));
        assert_eq!(refused.code(), ErrorCode::KRB_AP_ERR_INAPP_CKSUM);
    }
}

#[test]
fn other_versions_messages_and_options_are_refused() {
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    let decoded: ApReq<'_> = asn1::decode(&message).unwrap();
    let parse = |request: ApReq<'_>| ApReqParsed::parse(&asn1::encode(&request).unwrap()).map(|_| ());
    let old = parse(ApReq {
        pvno: 4,
        ..decoded.clone()
    })
    .unwrap_err();
    assert_eq!(
        old.to_string(),
        "protocol version of the AP-REQ: expected 5, but found 4: KRB_AP_ERR_BADVERSION (39)"
    );
    let other = parse(ApReq {
        msg_type: MsgType::AP_REP,
        ..decoded.clone()
    })
    .unwrap_err();
    assert_eq!(other.code(), Some(ErrorCode::KRB_AP_ERR_MSG_TYPE));
    let user_to_user = parse(ApReq {
        ap_options: ApOptions::USE_SESSION_KEY,
        ..decoded
    })
    .unwrap_err();
    assert_eq!(
        user_to_user.to_string(),
        "user-to-user tickets are not built yet: the AP-REQ has the option use-session-key"
    );
    let credential = credential();
    let authenticator = asn1::Authenticator {
        authenticator_vno: 4,
        crealm: credential.client.realm.to_wire(),
        cname: credential.client.name.to_wire(),
        cksum: None,
        cusec: now(0).usec,
        ctime: now(0).time,
        subkey: None,
        seq_number: None,
        authorization_data: None,
    };
    let plain = asn1::encode(&authenticator).unwrap();
    let cipher = credential
        .session_key
        .encrypt(KeyUsage::AP_REQ_AUTH, &plain, &mut rng(24))
        .unwrap();
    let old = crate::ap_initiator::encode_ap_req(&credential, ApOptions::NONE, &cipher).unwrap();
    let refused = accept(&old, now(0)).unwrap_err();
    assert!(matches!(
        refused,
        ProtocolError::Version {
            message: "authenticator",
            found: 4
        }
    ));
    for end in 0..message.len() {
        assert!(ApReqParsed::parse(&message[..end]).is_err());
    }
}

/// Pitfalls, section 10 row 22: unauthenticated are the options, the name type and the key version of the ticket.
#[test]
fn an_altered_ap_req_is_refused_or_changes_nothing() {
    let (message, _) = request(&credential(), ApParams::default(), now(0));
    let decoded: ApReq<'_> = asn1::decode(&message).unwrap();
    let name_type = find(&message, &asn1::encode(&decoded.ticket.sname).unwrap()).start + 6;
    let kvno = find(&message, &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let options = find(&message, &[0x03, 0x05, 0x00, 0x20, 0, 0, 0]);
    let mut passed = 0;
    for index in 0..message.len() {
        for bit in 0..8 {
            let mut altered = message.clone();
            altered[index] ^= 1 << bit;
            if let Ok(checked) = accept(&altered, now(0)) {
                let free =
                    [name_type, kvno].contains(&index) || (options.start + 2..options.end).contains(&index);
                assert!(
                    free,
                    "octet {index} of {} was altered and not missed",
                    message.len()
                );
                assert_eq!((checked.client(), checked.ticket().server()), (&alice(), &web()));
                assert!(checked.session_key().ct_eq(&credential().session_key));
                assert_eq!(checked.ticket().flags(), issue().flags);
                passed += 1;
            }
        }
    }
    assert!(passed > 0);
}

#[test]
fn an_altered_ap_rep_is_refused() {
    let (message, good) = mutual();
    assert!(good.is_ok());
    for index in 0..message.len() {
        let (_, pending) = request(&credential(), ApParams::default(), now(5));
        let mut altered = message.clone();
        altered[index] ^= 1 << (index % 8);
        assert!(
            pending.reply(&altered).is_err(),
            "octet {index} of {} was altered and not missed",
            message.len()
        );
    }
}

#[test]
fn an_ap_rep_to_another_request_or_under_another_key_is_refused() {
    let (message, _) = mutual();
    let misbehaviour = |pending: ApPending, message: &[u8]| match pending.reply(message) {
        Err(ProtocolError::Misbehaved { what, .. }) => *what,
        other => panic!("expected a broken rule, but found {other:?}"),
    };
    // One microsecond later: another request.
    let later = Now::new(T0 + 5, 123_457).unwrap();
    let (_, pending) = request(&credential(), ApParams::default(), later);
    assert_eq!(misbehaviour(pending, &message), Misbehaviour::ApRepMismatch);
    let mut other = credential();
    other.session_key = key(AES256, 1).into();
    let (_, pending) = request(&other, ApParams::default(), now(5));
    assert_eq!(misbehaviour(pending, &message), Misbehaviour::ApRepIntegrity);
    let decoded: ApRep<'_> = asn1::decode(&message).unwrap();
    let enctype = EncryptedData {
        etype: AES128,
        ..decoded.enc_part
    };
    let relabelled = asn1::encode(&ApRep {
        enc_part: enctype,
        ..decoded
    })
    .unwrap();
    let (_, pending) = request(&credential(), ApParams::default(), now(5));
    assert_eq!(misbehaviour(pending, &relabelled), Misbehaviour::ApRepIntegrity);
}

#[test]
fn a_services_error_keeps_its_code() {
    let (_, pending) = request(&credential(), ApParams::default(), now(5));
    let reply = ErrorReply::new(ErrorCode::KRB_AP_ERR_MODIFIED, web())
        .to_bytes(now(5))
        .unwrap();
    let refused = pending.reply(&reply).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "the service HTTP/www.example.com@EXAMPLE.COM refused alice@EXAMPLE.COM: KRB_AP_ERR_MODIFIED (41): Message \
         stream modified"
    );
    let (message, pending) = request(&credential(), ApParams::default(), now(5));
    let refused = pending.reply(&message).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_MSG_TYPE));
}

#[test]
fn no_secret_is_shown() {
    let (message, pending) = request(&credential(), ApParams::default(), now(0));
    let checked = accept(&message, now(0)).unwrap();
    let shown = alloc::format!("{checked:?} {pending:?} {:?}", credential());
    let secret: Key = credential().session_key.into_inner();
    let secret = hex::encode(secret.expose_secret());
    assert!(!shown.contains(&secret) && !shown.contains(&secret.to_uppercase()));
    assert!(shown.contains("alice@EXAMPLE.COM"));
}
