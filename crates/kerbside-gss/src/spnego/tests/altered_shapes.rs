//! Every octet of every token of every shape that a negotiation has, altered, cut and extended (pitfalls.md 10 row 22).
//!
//! The mechanisms here take nothing but their own octets, so what is accepted is what SPNEGO leaves unprotected, and
//! that is this list:
//!
//! - mechTypes where no MICs are exchanged, except its first: the rest of the list decides nothing then;
//! - an optimistic token whose mechanism was not chosen;
//! - negState in the initiator's messages, which the acceptor does not need, `reject` excepted;
//! - negState in the acceptor's first reply where MICs are exchanged anyway, or where accept-incomplete says no more
//!   than that the mechanism's next token is awaited;
//! - negState in a later reply that has the mechanism's next token and is not the last;
//! - negState and supportedMech as fields of a number that RFC 4178 does not have: absent, they mean that there is
//!   nothing more to wait for, and the first mechanism.
//!
//! Altered there, both ends have the mechanism that they would have had. Altered anywhere else, cut, or extended, one of
//! them refuses.

use super::play::{Play, acceptor, initiator, nobody, play, talk};
use super::*;

struct Shape {
    offered: Vec<Play>,
    ours: Vec<Play>,
}

fn shapes() -> Vec<Shape> {
    let mut shapes = Vec::new();
    for tokens in 1..=4 {
        let lists: [(Vec<Play>, Vec<Play>); 6] = [
            (vec![play(1, tokens)], vec![play(1, tokens)]),
            (vec![play(1, tokens), play(9, 1)], vec![play(1, tokens)]),
            (vec![play(9, 1), play(1, tokens)], vec![play(1, tokens)]),
            (vec![play(1, tokens)], vec![play(9, 1), play(1, tokens)]),
            (
                vec![play(1, tokens).insisting()],
                vec![play(1, tokens).insisting()],
            ),
            (
                vec![play(1, tokens).without_signing()],
                vec![play(1, tokens).without_signing()],
            ),
        ];
        for (offered, ours) in lists {
            // One token and insisting: the initiator's MIC would belong beside the optimistic token.
            if tokens > 1 || !offered[0].insists() {
                shapes.push(Shape { offered, ours });
            }
        }
    }
    shapes
}

/// Whether this octet is one of the list above.
fn free(tokens: &[Vec<u8>], leg: usize, index: usize) -> bool {
    let token = &tokens[leg];
    let has = |path: &[usize]| locate(token, 0, path).contains(&index);
    let proved = (1..tokens.len()).any(|place| parse_resp(&tokens[place]).unwrap().mic.is_some());
    if leg == 0 {
        let start = token.len() - gss_token::unwrap(token).unwrap().1.len();
        let list = locate(token, start, &[0, 0, 0]);
        let first = locate(token, start, &[0, 0, 0, 0]);
        let guess = parse_init(token).unwrap().mechs[0];
        let chosen = parse_resp(&tokens[1]).unwrap().supported_mech;
        let unused = chosen != Some(guess) && index + 2 >= locate(token, start, &[0, 1]).start;
        return unused || (!proved && list.contains(&index) && index >= first.end);
    }
    // The state's whole field, its number included: of an unknown number it is no state.
    let state = locate(token, 0, &[0, 0]);
    let in_state = index + 2 >= state.start && index < state.end;
    if leg.is_multiple_of(2) {
        return in_state && has(&[0, 0, 0]);
    }
    let response = parse_resp(token).unwrap();
    let last = leg + 1 == tokens.len();
    let supported = response.supported_mech.is_some();
    let supported_tag = supported && index + 2 == locate(token, 0, &[0, 1]).start;
    let state_tag = index + 2 == state.start;
    supported_tag || state_tag || (in_state && !last && (proved || response.token.is_some()))
}

#[test]
fn rule_22_every_octet_of_every_shape() {
    let (mut refused, mut accepted) = (0, 0);
    for Shape { offered, ours } in shapes() {
        let service = acceptor(&ours);
        let honest = talk(initiator(&offered), &service, nobody);
        assert!(honest.both_stand());
        let mechanism = honest.initiator.stands().unwrap().facts().mechanism;
        for (leg, token) in honest.tokens.iter().enumerate() {
            let play_with = |altered: Vec<u8>| {
                talk(initiator(&offered), &service, |place, _| {
                    (place == leg).then(|| altered.clone())
                })
            };
            for index in 0..token.len() {
                for change in [0x01, 0x02, 0x03, 0x04, 0x10, 0x20, 0x40, 0x80, 0xff] {
                    let mut altered = token.clone();
                    altered[index] ^= change;
                    let talk = play_with(altered);
                    if !talk.both_stand() {
                        refused += 1;
                        continue;
                    }
                    accepted += 1;
                    assert!(
                        free(&honest.tokens, leg, index),
                        "leg {leg}, octet {index} ^ {change:#x} of {token:02x?} of {:02x?} was accepted",
                        honest.tokens
                    );
                    for end in [&talk.initiator, &talk.acceptor] {
                        assert_eq!(end.stands().unwrap().facts().mechanism, mechanism);
                    }
                }
            }
            for length in 0..token.len() {
                assert!(
                    !play_with(token[..length].to_vec()).both_stand(),
                    "leg {leg} cut to {length}"
                );
            }
            for more in [&[0][..], &[0xa1, 0], &token[..]] {
                assert!(
                    !play_with([&token[..], more].concat()).both_stand(),
                    "leg {leg} extended"
                );
            }
        }
    }
    assert!(refused > 10 * accepted && accepted > 100, "{refused} {accepted}");
}
