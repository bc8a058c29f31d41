//! Which mechanism is chosen, from every list on either side, and what somebody in between can make of it.

use super::play::{Play, Talk, acceptor, initiator, nobody, oid, play, talk};
use super::*;

/// All ordered lists of some of three mechanisms, which have 1, 2 and 3 tokens.
fn lists() -> Vec<Vec<u8>> {
    let mut lists = vec![vec![]];
    for _ in 0..3 {
        let longer: Vec<Vec<u8>> = lists
            .iter()
            .flat_map(|list: &Vec<u8>| {
                let more = (1..=3).filter(|name| !list.contains(name));
                more.map(|name| [&list[..], &[name]].concat())
            })
            .collect();
        lists.extend(longer);
        lists.sort();
        lists.dedup();
    }
    lists.retain(|list| !list.is_empty());
    lists
}

fn plays(names: &[u8]) -> Vec<Play> {
    names.iter().map(|name| play(*name, *name)).collect()
}

fn chosen(talk: &Talk) -> Option<ObjectIdentifier> {
    let (initiator, acceptor) = (talk.initiator.stands()?, talk.acceptor.stands()?);
    assert_eq!(initiator.facts().mechanism, acceptor.facts().mechanism);
    assert!(initiator.facts().negotiated && acceptor.facts().negotiated);
    Some(initiator.facts().mechanism)
}

/// The initiator's first choice that the acceptor has; a wrong guess costs one leg; MICs where section 5 wants them.
#[test]
fn best_of_both_lists_is_chosen() {
    let lists = lists();
    assert_eq!(lists.len(), 15);
    for offered in &lists {
        for ours in &lists {
            let talk = talk(initiator(&plays(offered)), &acceptor(&plays(ours)), nobody);
            let common = offered.iter().find(|name| ours.contains(name));
            assert_eq!(
                chosen(&talk),
                common.map(|name| oid(*name)),
                "{offered:?} {ours:?}"
            );
            let Some(name) = common else {
                assert_eq!(talk.acceptor.refusal().major(), Major::BadMech);
                continue;
            };
            let preferred = (offered.first(), ours.first()) == (Some(name), Some(name));
            let mics = (1..talk.tokens.len())
                .filter(|place| talk.response(*place).2)
                .count();
            assert_eq!(mics, if preferred { 0 } else { 2 });
            // The mechanism's own tokens, the last word, and two tokens before them if the guess was wrong.
            let guess = if offered.first() == Some(name) { 0 } else { 2 };
            let last_word = match (name, preferred) {
                (1 | 3, true) => 1,
                (2, true) => 0,
                // MICs: the last mechanism token has the first of them. With one token, and ours asked for first, that
                // is one token more.
                (1, false) if guess == 0 => 2,
                (1..=3, false) => 1,
                _ => unreachable!(),
            };
            assert_eq!(
                talk.tokens.len(),
                guess + usize::from(*name) + last_word,
                "{offered:?} {ours:?}"
            );
        }
    }
}

/// Somebody puts another list into the first message, with or without the token in it: the choice is the one that would
/// have been made, or there is none.
#[test]
fn downgrade_is_refused() {
    let (mut same, mut refused) = (0, 0);
    let lists = lists();
    for offered in &lists {
        for ours in &lists {
            let honest = offered
                .iter()
                .find(|name| ours.contains(name))
                .map(|name| oid(*name));
            for put in &lists {
                for keep_token in [true, false] {
                    let names: Vec<ObjectIdentifier> = put.iter().map(|name| oid(*name)).collect();
                    let talk = talk(
                        initiator(&plays(offered)),
                        &acceptor(&plays(ours)),
                        |place, token| {
                            let init = (place == 0).then(|| parse_init(token).unwrap())?;
                            Some(init_of(&names, init.token.filter(|_| keep_token)))
                        },
                    );
                    match chosen(&talk) {
                        Some(mechanism) => {
                            assert_eq!(Some(mechanism), honest, "{offered:?} {ours:?} {put:?}");
                            same += 1;
                        }
                        None => refused += 1,
                    }
                }
            }
        }
    }
    assert!(same > 500 && refused > 2000, "{same} {refused}");
}

/// The same for the acceptor's choice: the initiator finishes with no other mechanism than the acceptor.
#[test]
fn altered_choice_is_refused() {
    let lists = lists();
    for offered in &lists {
        for ours in &lists {
            for name in 1..=4 {
                let talk = talk(
                    initiator(&plays(offered)),
                    &acceptor(&plays(ours)),
                    |place, token| {
                        let response = (place == 1).then(|| parse_resp(token).unwrap())?;
                        let reply = Reply {
                            state: response.state,
                            supported_mech: Some(oid(name)),
                            token: response.token,
                            mic: response.mic,
                        };
                        Some(reply.encode().unwrap())
                    },
                );
                if let Some(mechanism) = chosen(&talk) {
                    let honest = offered.iter().find(|name| ours.contains(name)).unwrap();
                    assert_eq!(mechanism, oid(*honest));
                }
            }
        }
    }
}

/// What the initiator named is told by name.
#[test]
fn choice_of_what_was_not_offered_is_told() {
    for (mechanism, text) in [
        (oids::NEGOEX, "the acceptor chose NEGOEX (1.3.6.1.4.1.311.2.2.30)"),
        (
            oids::NTLMSSP,
            "the acceptor chose NTLMSSP (1.3.6.1.4.1.311.2.2.10)",
        ),
        (STRANGE, "the acceptor chose 1.2.3.4.5"),
    ] {
        let talk = talk(initiator(&plays(&[1])), &acceptor(&plays(&[1])), |place, _| {
            let reply = Reply {
                state: Some(NegState::ACCEPT_INCOMPLETE),
                supported_mech: Some(mechanism),
                ..Reply::default()
            };
            (place == 1).then(|| reply.encode().unwrap())
        });
        let error = talk.initiator.refusal();
        assert_eq!(error.major(), Major::BadMech);
        assert!(error.to_string().contains(text), "{error}");
    }
}
