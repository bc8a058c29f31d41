//! Contexts of three legs (RFC 4757 7.1, MS-KILE 3.4.5.1).

use super::*;
use crate::Mechanism;

fn dce() -> ContextFlags {
    one_way() | ContextFlags::DCE_STYLE
}

#[test]
fn kc_11_three_raw_legs() {
    for session_enctype in EncryptionType::IMPLEMENTED {
        for spnego in [false, true] {
            let mut realm = TestRealm::new(AES256, session_enctype);
            let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(EnctypePolicy::ALLOW_ALL));
            let params = raw(realm.credential())
                .with_flags(dce())
                .with_spnego(spnego)
                .with_enctypes(EnctypePolicy::ALLOW_ALL);
            let mut both = realm.establish(params, &acceptor).unwrap();
            for context in [&both.initiator, &both.acceptor] {
                // Mutual authentication comes with it.
                assert_eq!(context.flags(), dce() | ContextFlags::MUTUAL);
            }
            if !spnego {
                let first: Vec<u8> = both.tokens.iter().map(|token| token[0]).collect();
                assert_eq!(first, [0x6e, 0x6f, 0x6f]);
            }
            both.exchange_messages(&mut realm.rng);
        }
    }
}

/// Both ends before the third leg, the second and the third.
struct Legs {
    realm: TestRealm,
    waiting: Option<Box<dyn Mechanism>>,
    second: Vec<u8>,
    third: Vec<u8>,
}

/// The same octets at every call, so that each altered leg meets a fresh acceptor.
fn legs() -> Legs {
    let mut realm = realm();
    let acceptor = realm.acceptor();
    let params = raw(realm.credential()).with_flags(dce());
    let now = realm.now();
    let Step::Continue { token, next } = Initiator::krb5(params)
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap()
    else {
        panic!("three legs")
    };
    let Step::Continue {
        token: second,
        next: waiting,
    } = acceptor.step(&token, now, &mut realm.rng).unwrap()
    else {
        panic!("the acceptor's context is not given out before the third leg")
    };
    let Step::Done {
        token: Some(third), ..
    } = next.step(&second, now, &mut realm.rng).unwrap()
    else {
        panic!("the initiator has the last word")
    };
    Legs {
        realm,
        waiting: Some(waiting),
        second,
        third,
    }
}

impl Legs {
    fn end_with(&mut self, third: &[u8]) -> Result<Step, GssError> {
        let now = self.realm.now();
        self.waiting.take().unwrap().step(third, now, &mut self.realm.rng)
    }
}

#[test]
fn rule_10_22_every_octet_of_the_third_leg_counts() {
    let third = legs().third;
    assert!(matches!(
        legs().end_with(&third),
        Ok(Step::Done { token: None, .. })
    ));
    for index in 0..third.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = third.clone();
            altered[index] ^= change;
            assert!(legs().end_with(&altered).is_err(), "octet {index} ^ {change:#x}");
        }
    }
    for length in 0..third.len() {
        assert!(legs().end_with(&third[..length]).is_err(), "{length}");
    }
    assert!(legs().end_with(&[&third[..], &[0]].concat()).is_err());
}

/// The second leg is under the same key and usage and has the same number in it.
#[test]
fn rule_10_6_the_acceptors_own_leg_sent_back_is_refused() {
    let mut legs = legs();
    let second = legs.second.clone();
    let error = legs.end_with(&second).unwrap_err();
    assert!(error.to_string().contains("it is our own, sent back"), "{error}");
    assert_eq!(error.code(), Some(ErrorCode::KRB_AP_ERR_MUT_FAIL));
    assert!(error.token().is_some());
}

#[test]
fn the_third_leg_of_another_exchange_is_refused() {
    let mut realm = realm();
    let credential = realm.credential();
    let acceptor = realm.acceptor();
    let mut exchange = || {
        let now = realm.now();
        let step = Initiator::krb5(raw(credential.clone()).with_flags(dce()))
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap();
        let Step::Continue { token, next } = step else {
            panic!("three legs")
        };
        let Step::Continue { token, next: waiting } = acceptor.step(&token, now, &mut realm.rng).unwrap()
        else {
            panic!("three legs")
        };
        let Step::Done {
            token: Some(third), ..
        } = next.step(&token, now, &mut realm.rng).unwrap()
        else {
            panic!("three legs")
        };
        (waiting, third)
    };
    let (_, first) = exchange();
    let (waiting, second) = exchange();
    assert_ne!(first, second);
    let now = realm.now();
    let error = waiting.step(&first, now, &mut realm.rng).unwrap_err();
    assert!(error.to_string().contains("it answers another AP-REP"), "{error}");
}

#[test]
fn what_is_no_third_leg() {
    let mut realm = realm();
    let params = raw(realm.credential()).with_flags(dce());
    let now = realm.now();
    let Step::Continue { token: request, .. } = Initiator::krb5(params)
        .unwrap()
        .start(now, &mut realm.rng)
        .unwrap()
    else {
        panic!("three legs")
    };
    let error = legs().end_with(&request).unwrap_err();
    assert!(error.to_string().contains("but found another message"), "{error}");
    assert!(legs().end_with(b"").is_err());
}

/// A request in a frame is answered bare: the flag is what counts.
#[test]
fn a_framed_request_in_dce_style_is_answered_bare() {
    let mut realm = realm();
    let checksum = AuthenticatorChecksum::new(BindingHash::NONE, dce());
    let params = ApParams {
        checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
        ..ApParams::default()
    };
    let token = token_with(&mut realm, params);
    let acceptor = realm.acceptor();
    let now = realm.now();
    let Step::Continue { token, .. } = acceptor.step(&token, now, &mut realm.rng).unwrap() else {
        panic!("three legs")
    };
    assert_eq!(token[0], 0x6f);
}
