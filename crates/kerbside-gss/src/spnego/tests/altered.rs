//! Messages that somebody between altered or cut.

use super::*;

/// Somebody alters the mechanism list on its way: with the MICs exchanged, both sides refuse.
#[test]
fn altered_mechanism_list_is_noticed() {
    for flags in [one_way(), mutual()] {
        let list_at = |token: &[u8]| {
            let start = token.len() - gss_token::unwrap(token).unwrap().1.len();
            locate(token, start, &[0, 0, 0])
        };
        let mut realm = realm();
        let initiator = initiator_after(&mut realm, &[STRANGE, oids::NTLMSSP], flags);
        let (token, _) = cont(start(&mut realm, initiator));
        let mut refusals = 0;
        for index in list_at(&token) {
            let mut realm = self::realm();
            let initiator = initiator_after(&mut realm, &[STRANGE, oids::NTLMSSP], flags);
            let begun = start(&mut realm, initiator);
            let acceptor = realm.acceptor();
            let result = realm.converse(begun, |token, now, rng| {
                let mut altered = token.to_vec();
                altered[index] ^= 0x01;
                acceptor.step(&altered, now, rng)
            });
            assert!(result.is_err(), "octet {index}");
            refusals += 1;
        }
        assert!(refusals > 30);
    }
}

/// What an acceptor makes of a one-way NegTokenInit.
fn outcome(realm: &mut TestRealm, token: &[u8], sealed: &[u8]) -> Option<(Vec<u8>, ContextFlags)> {
    realm.replay = SharedReplay::new();
    match accept(realm, token).ok()? {
        Step::Done { mut context, .. } => {
            assert_eq!(
                (context.client(), context.server()),
                (&realm.client, &realm.service)
            );
            Some((
                context.unwrap_confidential(sealed).unwrap().message,
                context.flags(),
            ))
        }
        _ => None,
    }
}

/// Besides the fields that the AP-REQ leaves unprotected, mechTypes without a MIC (pitfalls 10 row 22): where the first
/// mechanism is both sides' first, the rest of the list decides nothing. Altered anywhere else, nothing is established.
#[test]
fn every_octet_of_a_first_message_counts() {
    let mut realm = realm();
    let (raw, begun) = raw_token(&mut realm, one_way());
    let (_, _, mut context) = done(begun);
    let sealed = context.wrap(true, b"sealed", &mut realm.rng).unwrap();
    let token = init_of(&[oids::KRB5, oids::MS_KRB5], Some(&raw));
    let start = token.len() - gss_token::unwrap(&token).unwrap().1.len();
    let inner = locate(&token, start, &[0, 1, 0]).start;
    let request = inner + (raw.len() - gss_token::unwrap(&raw).unwrap().1.len()) + 2;
    let free = [
        locate(&token, start, &[0, 0, 0]),
        locate(&token, request, &[0, 2, 0]),
        locate(&token, request, &[0, 3, 0, 0, 2, 0, 0, 0]),
        locate(&token, request, &[0, 3, 0, 0, 3, 0, 1, 0]),
    ];
    let expected = outcome(&mut realm, &token, &sealed).unwrap();
    for index in 0..token.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = token.clone();
            altered[index] ^= change;
            let Some(found) = outcome(&mut realm, &altered, &sealed) else {
                continue;
            };
            assert!(
                free.iter().any(|range| range.contains(&index)),
                "octet {index} ^ {change:#x} was accepted"
            );
            assert_eq!(found, expected);
        }
    }
}

#[test]
fn every_octet_of_an_answer_counts() {
    for flags in [mutual(), one_way()] {
        let begin = |realm: &mut TestRealm| {
            let params = InitiatorParams::new(realm.credential()).with_flags(flags);
            let now = realm.now();
            cont(
                Initiator::krb5(params)
                    .unwrap()
                    .start(now, &mut realm.rng)
                    .unwrap(),
            )
        };
        let mut realm = realm();
        let (token, _) = begin(&mut realm);
        let (answer, _, _) = done(accept(&mut realm, &token).unwrap());
        let answer = answer.unwrap();
        // The answer to a one-way context has nothing in it to protect: neither side learns anything from it. Its last
        // field, supportedMech, under a tag that RFC 4178 does not know is no field of ours, and may as well be absent.
        let supported_mech_tag = locate(&answer, 0, &[0, 1]).start - 2;
        let free = |index, change| flags == one_way() && index == supported_mech_tag && change == 0x10;
        for index in 0..answer.len() {
            for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
                let mut altered = answer.clone();
                altered[index] ^= change;
                let mut realm = self::realm();
                let (_, next) = begin(&mut realm);
                let result = step(&mut realm, next, &altered);
                assert!(
                    result.is_err() != free(index, change),
                    "octet {index} ^ {change:#x} of {answer:02x?} was accepted"
                );
            }
        }
    }
}

#[test]
fn every_octet_of_the_mic_legs_counts() {
    for flags in [mutual(), one_way()] {
        let legs = if flags == mutual() { 2..5 } else { 2..4 };
        for leg in legs {
            let length = altered_leg(flags, leg, usize::MAX, 0).unwrap();
            for index in 0..length {
                for change in [0x01, 0x10, 0x80] {
                    let result = altered_leg(flags, leg, index, change);
                    assert!(
                        result.is_none() || free_in_leg(flags, leg, index),
                        "leg {leg}, octet {index} ^ {change:#x}"
                    );
                }
            }
        }
    }
}

/// Plays a negotiation with MICs and alters one octet of one leg. Gives the leg's length if a context came of it.
fn altered_leg(flags: ContextFlags, leg: usize, index: usize, change: u8) -> Option<usize> {
    let mut realm = realm();
    let mut initiator = Some(initiator_after(&mut realm, &[STRANGE], flags));
    let mut ends: [Option<Box<dyn Mechanism>>; 2] = [None, None];
    let mut contexts = [None, None];
    let mut length = 0;
    let mut token = Vec::new();
    for turn in 0..6 {
        let sent = turn - usize::from(turn > 0);
        if turn > 0 && sent == leg {
            length = token.len();
            if let Some(octet) = token.get_mut(index) {
                *octet ^= change;
            }
        }
        let end = turn % 2;
        let result = match ends[end].take() {
            Some(next) => step(&mut realm, next, &token),
            None if turn == 0 => Ok(start(&mut realm, initiator.take().unwrap())),
            None if turn == 1 => accept(&mut realm, &token),
            None => return None,
        };
        match result.ok()? {
            Step::Continue {
                token: next_token,
                next,
            } => {
                (token, ends[end]) = (next_token, Some(next));
            }
            Step::Done {
                token: last, context, ..
            } => {
                contexts[end] = Some(context);
                match last {
                    Some(last) => token = last,
                    None => break,
                }
            }
            Step::NeedTicket { .. } => return None,
        }
    }
    let [Some(initiator), Some(acceptor)] = contexts else {
        return None;
    };
    Established {
        initiator,
        acceptor,
        tokens: vec![],
    }
    .exchange_messages(&mut realm.rng);
    Some(length)
}

/// The state in the initiator's messages says nothing that the acceptor does not know; and the AP-REQ has its own
/// unprotected fields.
fn free_in_leg(flags: ContextFlags, leg: usize, index: usize) -> bool {
    let mut realm = realm();
    let initiator = initiator_after(&mut realm, &[STRANGE], flags);
    let begun = start(&mut realm, initiator);
    let acceptor = realm.acceptor();
    let both = realm
        .converse(begun, |token, now, rng| acceptor.step(token, now, rng))
        .unwrap();
    let token = &both.tokens[leg];
    if leg.is_multiple_of(2) && locate(token, 0, &[0, 0, 0]).contains(&index) {
        return true;
    }
    if leg != 2 {
        return false;
    }
    let inner = locate(token, 0, &[0, 1, 0]);
    let framed = &token[inner.clone()];
    let request = inner.start + (framed.len() - gss_token::unwrap(framed).unwrap().1.len()) + 2;
    [
        &[0, 2, 0][..],
        &[0, 3, 0, 0, 2, 0, 0, 0],
        &[0, 3, 0, 0, 3, 0, 1, 0],
    ]
    .iter()
    .any(|path| locate(token, request, path).contains(&index))
}

#[test]
fn short_tokens_of_every_length() {
    let mut realm = realm();
    let (raw, _) = raw_token(&mut realm, one_way());
    let token = init_of(&[oids::KRB5], Some(&raw));
    for length in 0..token.len() {
        assert!(accept(&mut realm, &token[..length]).is_err(), "{length}");
    }
    let begin = init_of(&[oids::KRB5], None);
    let reply = Reply {
        token: Some(&raw),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    for length in 0..reply.len() {
        let (_, waiting) = cont(accept(&mut realm, &begin).unwrap());
        assert!(step(&mut realm, waiting, &reply[..length]).is_err(), "{length}");
    }
}
