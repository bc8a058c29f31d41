//! Each octet of the three messages altered, each length cut, and more behind: refusal, or what the list allows.

use alloc::vec::Vec;

use kerbside_asn1::Principal;
use kerbside_gss::{Initiator, SecurityContext, Step};

use super::exchange::lenient;
use super::{acceptor, client, done, going, now, rng, server};
use crate::{NtlmAcceptorParams, NtlmInitiatorParams, NtlmPolicy};

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

const ALL: [Which; 3] = [Which::Negotiate, Which::Challenge, Which::Authenticate];

/// Octets whose change was not noticed.
fn unnoticed(client: &NtlmInitiatorParams, server: &NtlmAcceptorParams, which: Which) -> Vec<usize> {
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
            if found.last() != Some(&at) {
                found.push(at);
            }
        }
    }
    found
}

/// With a MIC there is nothing that NTLM leaves unauthenticated.
#[test]
fn with_a_mic_every_octet_counts() {
    for which in ALL {
        assert_eq!(
            unnoticed(&client(), &server(), which),
            Vec::<usize>::new(),
            "{which:?}"
        );
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

/// NTLM v1 has no MIC: what is left unauthenticated then.
///
/// - NEGOTIATE: the fields of its names' places (not supplied), the version, and flags that decide nothing.
/// - CHALLENGE: TargetName and its place's maximum, the reserved field, TargetInfo, the version, and flags that decide
///   nothing.
/// - AUTHENTICATE: maximum lengths and the places of empty fields, the LM response behind the client's challenge,
///   Workstation, the domain and the case of the user (which account it is, the source decides), the version, and flags
///   that decide nothing.
#[test]
fn without_a_mic_the_list_is_short() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    let client = client().with_policy(policy).with_v1(true).with_workstation("WS");
    let server = server().with_policy(policy);
    let negotiate = unnoticed(&client, &server, Which::Negotiate);
    assert!(negotiate.iter().all(|at| (12..40).contains(at)), "{negotiate:?}");
    let challenge = unnoticed(&client, &server, Which::Challenge);
    // Not the signature, the type, the challenge.
    assert!(
        challenge.iter().all(|at| *at >= 12 && !(24..32).contains(at)),
        "{challenge:?}"
    );
    let authenticate = unnoticed(&client, &server, Which::Authenticate);
    // Not the NT response, the client's challenge, the session key; not where and how long they are.
    let message = 72..;
    let names = [message.start, message.start + 6 + 10 + 4];
    assert!(authenticate.iter().all(|at| *at >= 12), "{authenticate:?}");
    let response = (names[1] + 24)..(names[1] + 48);
    let session_key = response.end..response.end + 16;
    let nonce = names[1]..names[1] + 8;
    for decisive in [response, session_key, nonce] {
        assert!(
            authenticate.iter().all(|at| !decisive.contains(at)),
            "{authenticate:?}"
        );
    }
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
