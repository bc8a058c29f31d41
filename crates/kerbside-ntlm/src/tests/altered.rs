//! Each octet of the three messages altered, each length cut, and more behind: refusal, or what the list allows.

use alloc::vec::Vec;

use kerbside_asn1::Principal;
use kerbside_gss::{ContextFlags, Initiator, SecurityContext, Step};

use super::exchange::lenient;
use super::{acceptor, client, done, going, now, rng, server};
use crate::{NegotiateFlags, NtlmAcceptorParams, NtlmInitiatorParams, NtlmPolicy};

/// Which message is meddled with.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
enum Which {
    Negotiate,
    Challenge,
    Authenticate,
}

/// A whole exchange with somebody in between; both ends, if they come to a context that carries a message.
fn exchange(
    client: &NtlmInitiatorParams,
    server: &NtlmAcceptorParams,
    which: Which,
    meddle: &dyn Fn(&mut Vec<u8>),
) -> Option<(SecurityContext, SecurityContext)> {
    let mut rng = rng(9);
    let on_the_way = |at, mut token: Vec<u8>| {
        if at == which {
            meddle(&mut token);
        }
        token
    };
    let first = Initiator::raw(client.clone().into_mechanism().unwrap())
        .start(now(), &mut rng)
        .unwrap();
    let (token, waiting) = going(first);
    let token = on_the_way(Which::Negotiate, token);
    let step = acceptor(server).step(&token, now(), &mut rng).ok()?;
    let Step::Continue { token, next } = step else {
        panic!("a context without a login");
    };
    let token = on_the_way(Which::Challenge, token);
    let (token, mut ours) = done(waiting.step(&token, now(), &mut rng).ok()?);
    let token = on_the_way(Which::Authenticate, token.unwrap());
    let (_, mut theirs) = done(next.step(&token, now(), &mut rng).ok()?);
    let message = ours.wrap(true, b"hello", &mut rng).unwrap();
    // A session key that was altered is found here, where there is no MIC.
    let got = theirs.unwrap(&message).ok()?;
    assert_eq!(got.message, b"hello");
    Some((ours, theirs))
}

fn length(client: &NtlmInitiatorParams, server: &NtlmAcceptorParams, which: Which) -> usize {
    let length = core::cell::Cell::new(0);
    let both = exchange(client, server, which, &|token| length.set(token.len()));
    assert!(both.is_some());
    length.get()
}

/// What the client asks for by default.
const PROTECTED: ContextFlags = ContextFlags(
    ContextFlags::CONFIDENTIALITY.0
        | ContextFlags::INTEGRITY.0
        | ContextFlags::REPLAY.0
        | ContextFlags::SEQUENCE.0,
);

const ALL: [Which; 3] = [Which::Negotiate, Which::Challenge, Which::Authenticate];

/// Octets whose change was not noticed.
fn unnoticed(client: &NtlmInitiatorParams, server: &NtlmAcceptorParams, which: Which) -> Vec<(usize, u8)> {
    let mut found = Vec::new();
    for at in 0..length(client, server, which) {
        for bit in 0..8 {
            let both = exchange(client, server, which, &|token| token[at] ^= 1 << bit);
            let Some((ours, theirs)) = both else {
                continue;
            };
            // Nobody became another, and nothing became weaker.
            assert_eq!(
                theirs.client(),
                &Principal::new("DOM", &["alice"]),
                "{which:?} {at}"
            );
            assert_eq!(ours.flags(), theirs.flags(), "{which:?} {at}");
            assert_eq!(theirs.flags(), PROTECTED, "{which:?} {at}");
            found.push((at, bit));
        }
    }
    found
}

/// With a MIC there is nothing that NTLM leaves unauthenticated.
#[test]
fn with_a_mic_every_octet_counts() {
    for which in ALL {
        assert_eq!(unnoticed(&client(), &server(), which), Vec::new(), "{which:?}");
    }
}

#[test]
fn with_a_mic_every_length_counts() {
    for which in ALL {
        let whole = length(&client(), &server(), which);
        for cut in 0..whole {
            let both = exchange(&client(), &server(), which, &|token| token.truncate(cut));
            assert!(both.is_none(), "{which:?} {cut}");
        }
        let both = exchange(&client(), &server(), which, &|token| token.push(0));
        assert!(both.is_none(), "{which:?}");
    }
}

/// The flags of a message, at `at`, whose change was not noticed.
fn flags_of(unnoticed: &[(usize, u8)], at: usize) -> NegotiateFlags {
    let bits = unnoticed.iter().filter(|(octet, _)| (at..at + 4).contains(octet));
    NegotiateFlags(
        bits.map(|(octet, bit)| 1_u32 << ((octet - at) * 8 + usize::from(*bit)))
            .sum(),
    )
}

/// Checks that what was not noticed, but for flags, is all in these places.
fn only_in(unnoticed: &[(usize, u8)], flags_at: usize, places: &[core::ops::Range<usize>]) {
    for (octet, bit) in unnoticed {
        let listed = places.iter().any(|place| place.contains(octet));
        assert!(
            listed || (flags_at..flags_at + 4).contains(octet),
            "{octet}, bit {bit}"
        );
    }
}

/// NTLM v1 has no MIC. What is left unauthenticated then, each with the same names, flags of the context and messages:
///
/// - NEGOTIATE: names' places (no names are supplied), Version, and all flags but those that the client insists on.
/// - CHALLENGE: TargetName, Reserved, TargetInfo, Version, maximum lengths, and all flags but the decisive.
/// - AUTHENTICATE: maximum lengths, Version, Workstation, the letters' case in domain and user (which account they mean
///   the source decides), the LM response behind the client's challenge, and all flags but the decisive.
#[test]
fn without_a_mic_the_list_is_short() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    let client = client().with_policy(policy).with_v1(true).with_workstation("WS");
    let server = server().with_policy(policy);
    let insisted = NegotiateFlags::UNICODE
        | NegotiateFlags::SIGN
        | NegotiateFlags::SEAL
        | NegotiateFlags::DATAGRAM
        | NegotiateFlags::EXTENDED_SESSIONSECURITY
        | NegotiateFlags::KEY_128;
    let all = NegotiateFlags(u32::MAX);

    let found = unnoticed(&client, &server, Which::Negotiate);
    assert_eq!(
        flags_of(&found, 12),
        all.without(insisted | NegotiateFlags::IDENTIFY)
    );
    only_in(&found, 12, &[16..32, 32..40]);

    let decisive = insisted | NegotiateFlags::KEY_EXCH | NegotiateFlags::KEY_56;
    let found = unnoticed(&client, &server, Which::Challenge);
    assert_eq!(flags_of(&found, 20), all.without(decisive));
    let end = length(&client, &server, Which::Challenge);
    only_in(&found, 20, &[12..20, 32..40, 40..48, 48..end]);

    let found = unnoticed(&client, &server, Which::Authenticate);
    assert_eq!(
        flags_of(&found, 60),
        all.without(decisive | NegotiateFlags::IDENTIFY)
    );
    let lengths = [12..16, 22..24, 30..32, 38..40, 44..48, 54..56];
    // Behind Version: domain, user, workstation, LM response, and then nothing more.
    let rest = [64..72, 72..78, 78..88, 88..92, 100..116];
    only_in(&found, 60, &[&lengths[..], &rest].concat());
    let (letters, _): (Vec<_>, Vec<_>) = found.iter().partition(|(octet, _)| (72..88).contains(octet));
    assert!(
        letters.iter().all(|(octet, bit)| octet % 2 == 0 && *bit == 5),
        "the letters' case alone"
    );
}

#[test]
fn nothing_panics_whatever_comes() {
    let server = server().with_policy(lenient());
    let client = client().with_policy(lenient());
    for which in ALL {
        let whole = length(&client, &server, which);
        for cut in 0..whole {
            let _ = exchange(&client, &server, which, &|token| token.truncate(cut));
        }
        // Lengths and offsets at their ends.
        for at in 12..whole.saturating_sub(4) {
            for value in [[0; 4], [0xff; 4], [0xff, 0xff, 0, 0], [0, 0, 0xff, 0x7f]] {
                let _ = exchange(&client, &server, which, &|token| {
                    token[at..at + 4].copy_from_slice(&value);
                });
            }
        }
    }
}
