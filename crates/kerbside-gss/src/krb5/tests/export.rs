//! Contexts that go on elsewhere, and octets that are none.

use alloc::format;
use alloc::string::String;

use rand_chacha::ChaCha20Rng;

use super::*;
use crate::DelegationPolicy;
use crate::PrfKey;
use crate::SequenceFinding::{Duplicate, Gap, InSequence, Unsequenced};

fn policy(enctype: EncryptionType) -> EnctypePolicy {
    EnctypePolicy::ALLOW_ALL.with_permitted([enctype])
}

fn key(realm: &mut TestRealm) -> Key {
    Key::generate(AES256, &mut realm.rng).unwrap()
}

fn established(enctype: EncryptionType, flags: ContextFlags, spnego: bool) -> (TestRealm, Established) {
    let mut realm = TestRealm::new(AES256, enctype);
    let params = InitiatorParams::new(realm.credential())
        .with_spnego(spnego)
        .with_flags(flags)
        .with_enctypes(policy(enctype));
    let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(policy(enctype)));
    let both = realm.establish(params, &acceptor).unwrap();
    (realm, both)
}

fn shown(context: &SecurityContext) -> String {
    format!("{:?}", context.facts())
}

/// Through octets and back.
fn moved(context: Box<SecurityContext>, key: Option<&Key>, rng: &mut ChaCha20Rng) -> Box<SecurityContext> {
    let before = (shown(&context), context.session_key(), context.ret_flags());
    let octets = context.export(key, rng).unwrap();
    let context = SecurityContext::import(&octets, key).unwrap();
    assert_eq!(
        (shown(&context), context.session_key(), context.ret_flags()),
        before
    );
    Box::new(context)
}

/// C4 of the walk-throughs: as if nothing had happened, with each kind of token, raw and negotiated, of two and three legs.
#[test]
fn contexts_go_on_elsewhere() {
    for enctype in EncryptionType::IMPLEMENTED {
        let mutual = one_way() | ContextFlags::MUTUAL;
        for (flags, spnego) in [
            (one_way(), false),
            (mutual, false),
            (mutual, true),
            (mutual | ContextFlags::DCE_STYLE, false),
        ] {
            let (mut realm, mut both) = established(enctype, flags, spnego);
            let mut wrap = |message: &[u8]| both.initiator.wrap(true, message, &mut realm.rng).unwrap();
            let (one, two, three, four) = (wrap(b"1"), wrap(b"2"), wrap(b"3"), wrap(b"4"));
            let found = |context: &mut SecurityContext, token| context.unwrap(token).unwrap().sequence;
            assert_eq!(found(&mut both.acceptor, &one), InSequence);
            assert_eq!(found(&mut both.acceptor, &three), Gap);
            let with = key(&mut realm);
            both.acceptor = moved(both.acceptor, Some(&with), &mut realm.rng);
            both.initiator = moved(both.initiator, None, &mut realm.rng);
            // The window came with it.
            assert_eq!(found(&mut both.acceptor, &one), Duplicate, "{enctype}");
            assert_eq!(found(&mut both.acceptor, &two), Unsequenced);
            assert_eq!(found(&mut both.acceptor, &two), Duplicate);
            assert_eq!(found(&mut both.acceptor, &four), InSequence);
            both.exchange_messages(&mut realm.rng);
            for which in [PrfKey::Full, PrfKey::Partial] {
                let ours = both.initiator.pseudo_random(which, b"input", 50).unwrap();
                assert_eq!(*ours, *both.acceptor.pseudo_random(which, b"input", 50).unwrap());
            }
        }
    }
}

#[test]
fn what_no_detection_was_asked_for_is_not_found_afterwards_either() {
    let (mut realm, mut both) = established(AES256, ContextFlags::INTEGRITY, false);
    let token = both.initiator.wrap(false, b"x", &mut realm.rng).unwrap();
    both.acceptor = moved(both.acceptor, None, &mut realm.rng);
    for _ in 0..2 {
        assert_eq!(both.acceptor.unwrap(&token).unwrap().sequence, InSequence);
    }
}

#[test]
fn delegated_credentials_and_bindings_come_along() {
    let mut realm = realm();
    let client = realm.client.clone();
    let tgt = delegation::tgt(&mut realm, &client);
    let params = raw(realm.credential()).with_delegation(tgt.clone(), DelegationPolicy::Always);
    let acceptor = realm.acceptor();
    let mut both = realm.establish(params, &acceptor).unwrap();
    both.acceptor = moved(both.acceptor, None, &mut realm.rng);
    let delegated = both.acceptor.facts().delegated.as_ref().unwrap();
    assert_eq!(delegated.tgt().ticket, tgt.ticket);
    assert_eq!(
        delegated.tgt().session_key.expose_secret(),
        tgt.session_key.expose_secret()
    );
}

/// Every octet, every length: an encrypted context is its own or none.
#[test]
fn altered_cut_and_extended_octets_are_refused() {
    let (mut realm, both) = established(AES256, one_way() | ContextFlags::MUTUAL, true);
    let with = key(&mut realm);
    let octets = both.acceptor.export(Some(&with), &mut realm.rng).unwrap();
    assert!(SecurityContext::import(&octets, Some(&with)).is_ok());
    for place in 0..octets.len() {
        let mut altered = octets.to_vec();
        altered[place] ^= 1;
        let error = SecurityContext::import(&altered, Some(&with)).unwrap_err();
        let told = matches!(error.cause(), Cause::ExportedContext { .. });
        assert!(matches!(error.cause(), Cause::BadMic) != told, "{place}: {error}");
        assert_eq!(told, place < 6, "{place}: {error}");
        assert!(SecurityContext::import(&octets[..place], Some(&with)).is_err());
    }
    let longer = [&octets[..], &[0]].concat();
    assert!(SecurityContext::import(&longer, Some(&with)).is_err());
}

/// In clear nothing shows that an octet was altered; but what does not fit is said, and nothing panics.
#[test]
fn octets_in_clear_are_read_with_care() {
    let (mut realm, both) = established(AES256, one_way() | ContextFlags::MUTUAL, false);
    let octets = both.acceptor.export(None, &mut realm.rng).unwrap();
    for place in 0..octets.len() {
        for bit in 0..8 {
            let mut altered = octets.to_vec();
            altered[place] ^= 1 << bit;
            if let Ok(mut context) = SecurityContext::import(&altered, None) {
                let _ = context.wrap(true, b"usable", &mut realm.rng);
            }
        }
        assert!(
            SecurityContext::import(&octets[..place], None).is_err(),
            "{place}"
        );
    }
    let longer = [&octets[..], &[0]].concat();
    assert!(SecurityContext::import(&longer, None).is_err());
    let huge = vec![0; crate::MAX_EXPORTED_LEN + 1];
    assert!(matches!(
        SecurityContext::import(&huge, None).unwrap_err().cause(),
        Cause::TokenTooLong { .. }
    ));
}

#[test]
fn the_key_decides_what_is_taken() {
    let with = |realm: &mut TestRealm| key(realm);
    let (mut realm, both) = established(AES256, one_way(), false);
    let (own, other) = (with(&mut realm), with(&mut realm));
    let open = both.acceptor.export(None, &mut realm.rng).unwrap();
    let closed = both.initiator.export(Some(&own), &mut realm.rng).unwrap();
    let told = |octets: &[u8], key| {
        let error = SecurityContext::import(octets, key).unwrap_err();
        assert!(matches!(error.cause(), Cause::ExportedContext { .. }), "{error}");
        assert_eq!(error.major(), Major::DefectiveToken);
    };
    told(&open, Some(&own));
    told(&closed, None);
    assert!(matches!(
        SecurityContext::import(&closed, Some(&other))
            .unwrap_err()
            .cause(),
        Cause::BadMic
    ));
    // Keys and names are not readable.
    let contains = |octets: &[u8]| octets.windows(5).any(|part| part == b"alice");
    assert!(contains(&open) && !contains(&closed));
    // The old types are not for this.
    for enctype in [EncryptionType::RC4_HMAC, EncryptionType::DES3_CBC_SHA1_KD] {
        let old = Key::generate_with_policy(enctype, &mut realm.rng, &EnctypePolicy::ALLOW_ALL).unwrap();
        let (_, both) = established(AES256, one_way(), false);
        let refused = |error: GssError| matches!(error.cause(), Cause::KeyNotSupported { .. });
        assert!(refused(
            both.acceptor.export(Some(&old), &mut realm.rng).unwrap_err()
        ));
        assert!(refused(SecurityContext::import(&closed, Some(&old)).unwrap_err()));
    }
}

/// PROT_READY is reported with the context, on both ends, and never sent.
#[test]
fn reported_flags() {
    for spnego in [false, true] {
        let (_, both) = established(AES256, one_way() | ContextFlags::MUTUAL, spnego);
        for context in [&both.initiator, &both.acceptor] {
            let beside = ContextFlags::PROT_READY | ContextFlags::TRANSFERABLE;
            assert_eq!(context.ret_flags(), context.flags() | beside);
            assert!(!context.flags().contains(ContextFlags::PROT_READY));
            assert_eq!(
                context.lifetime_seconds(KerberosTime::from_unix_seconds(START)),
                Some(3600)
            );
            assert_eq!(
                context.lifetime_seconds(KerberosTime::from_unix_seconds(START + 4000)),
                Some(0)
            );
        }
    }
}
