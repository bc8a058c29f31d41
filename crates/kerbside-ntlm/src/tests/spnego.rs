//! NTLM in SPNEGO, with the MIC over the list of mechanisms (RFC 4178 section 5, MS-SPNG 3.2.5.1).

use alloc::vec::Vec;

use kerbside_asn1::oids;
use kerbside_gss::{Acceptor, GssError, Initiator, SecurityContext, Step};

use super::{acceptor, client, now, rng, server};
use crate::{NtlmAcceptorParams, NtlmInitiatorParams};

/// The whole conversation, each token as `meddle` gives it on; both contexts.
fn negotiate(
    client: NtlmInitiatorParams,
    server: &NtlmAcceptorParams,
    meddle: impl Fn(usize, &mut Vec<u8>),
) -> Result<(SecurityContext, SecurityContext), GssError> {
    let mut rng = rng(4);
    let acceptor: Acceptor = acceptor(server);
    let mut ours = Some(Initiator::negotiate(alloc::vec![client.into_mechanism()?]).start(now(), &mut rng)?);
    let mut theirs: Option<Step> = None;
    let mut contexts = (None, None);
    for leg in 0..8 {
        let (sender, receiver) = if leg % 2 == 0 {
            (&mut ours, &mut theirs)
        } else {
            (&mut theirs, &mut ours)
        };
        let (mut token, next) = match sender.take() {
            Some(Step::Continue { token, next }) => (token, Some(next)),
            Some(Step::Done { token, context, .. }) => {
                if leg % 2 == 0 {
                    contexts.0 = Some(*context)
                } else {
                    contexts.1 = Some(*context)
                }
                let Some(token) = token else { break };
                (token, None)
            }
            _ => break,
        };
        meddle(leg, &mut token);
        // What the sender waits with is put back for its next turn.
        let step = match receiver.take() {
            Some(Step::Continue { next, .. }) => next.step(&token, now(), &mut rng)?,
            None if leg == 0 => acceptor.step(&token, now(), &mut rng)?,
            _ => break,
        };
        *receiver = Some(step);
        *sender = next.map(|next| Step::Continue {
            token: Vec::new(),
            next,
        });
    }
    for (step, context) in [(ours, &mut contexts.0), (theirs, &mut contexts.1)] {
        if let Some(Step::Done { context: made, .. }) = step {
            *context = Some(*made);
        }
    }
    Ok((
        contexts.0.expect("the initiator's context"),
        contexts.1.expect("the acceptor's context"),
    ))
}

#[test]
fn a_context_in_spnego() {
    let (mut ours, mut theirs) = negotiate(client(), &server(), |_, _| {}).unwrap();
    for context in [&ours, &theirs] {
        assert!(context.facts().negotiated);
        assert_eq!(context.facts().mechanism, oids::NTLMSSP);
    }
    let token = ours.wrap(true, b"hello", &mut rng(1)).unwrap();
    assert_eq!(token[12..16], [1, 0, 0, 0], "the mechListMIC took number 0");
    assert_eq!(theirs.unwrap(&token).unwrap().message, b"hello");
    let token = theirs.wrap(true, b"back", &mut rng(1)).unwrap();
    assert_eq!(ours.unwrap(&token).unwrap().message, b"back");
}

/// The MIC of AUTHENTICATE makes the mechListMIC mandatory, though NTLM is both sides' first (MS-SPNG note 8).
#[test]
fn the_mech_list_mic_cannot_be_dropped() {
    // The initiator's last token is the AUTHENTICATE with the MIC behind it, 16 octets in their frame at the end.
    let altered = negotiate(client(), &server(), |leg, token| {
        if leg == 2 {
            let last = token.len() - 1;
            token[last] ^= 1;
        }
    });
    assert!(altered.is_err());
    let altered = negotiate(client(), &server(), |leg, token| {
        if leg == 3 {
            let last = token.len() - 1;
            token[last] ^= 1;
        }
    });
    assert!(altered.is_err());
}

#[test]
fn an_acceptor_of_kerberos_alone_does_not_take_ntlm() {
    let mut rng = rng(2);
    let raw = Initiator::raw(client().into_mechanism().unwrap())
        .start(now(), &mut rng)
        .unwrap();
    let wrapped =
        Initiator::negotiate(alloc::vec![client().into_mechanism().unwrap()]).start(now(), &mut rng);
    let nothing = Acceptor::with_mechanisms(Vec::new());
    for step in [raw, wrapped.unwrap()] {
        let Step::Continue { token, .. } = step else {
            panic!("no token")
        };
        assert!(nothing.step(&token, now(), &mut rng).is_err());
    }
}
