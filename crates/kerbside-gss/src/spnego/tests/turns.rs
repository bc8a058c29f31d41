//! Peers that answer out of turn: tokens of both ends, forged ones and altered ones, in any order to any end.

use std::collections::BTreeSet;

use rand_chacha::ChaCha20Rng;
use rand_core::{Rng, SeedableRng};

use super::play::{Log, Play, acceptor, initiator, oid, play};
use super::*;
use crate::Role;

/// A number below `limit`.
fn below(rng: &mut ChaCha20Rng, limit: usize) -> usize {
    rng.next_u32() as usize % limit
}

/// A mechanism's name, or the place of a token.
fn small(rng: &mut ChaCha20Rng, limit: usize) -> u8 {
    u8::try_from(below(rng, limit)).unwrap()
}

fn one_in(rng: &mut ChaCha20Rng, count: usize) -> bool {
    below(rng, count) == 0
}

/// Up to three mechanisms in any order.
fn some(rng: &mut ChaCha20Rng, all: &[Play]) -> Vec<Play> {
    let mut left = all.to_vec();
    let count = 1 + below(rng, all.len());
    (0..count)
        .map(|_| left.swap_remove(below(rng, left.len())))
        .collect()
}

struct World {
    rng: ChaCha20Rng,
    realm: TestRealm,
    log: Log,
    all: Vec<Play>,
    /// Whatever anybody said.
    heard: Vec<Vec<u8>>,
}

impl World {
    fn new(seed: u64) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(seed);
        let log = Log::default();
        let mut all: Vec<Play> = (1..=4).map(|name| play(name, name).logging(&log)).collect();
        for play in &mut all {
            match below(&mut rng, 6) {
                0 => *play = play.clone().without_signing(),
                1 => *play = play.clone().insisting(),
                _ => {}
            }
        }
        Self {
            rng,
            realm: realm(),
            log,
            all,
            heard: vec![vec![]],
        }
    }

    fn heard(&mut self) -> Vec<u8> {
        let index = below(&mut self.rng, self.heard.len());
        self.heard[index].clone()
    }

    /// A message with any fields. MICs are only ever repeated: nobody in between can make one.
    fn forged(&mut self) -> Vec<u8> {
        let play = self.all[below(&mut self.rng, self.all.len())].clone();
        let mech_token = play.token(small(&mut self.rng, 4));
        let token = (!one_in(&mut self.rng, 3)).then_some(&mech_token[..]);
        if one_in(&mut self.rng, 4) {
            let names: Vec<ObjectIdentifier> = (0..below(&mut self.rng, 4))
                .map(|_| oid(1 + small(&mut self.rng, 5)))
                .collect();
            return init_of(&names, token);
        }
        let states = [
            None,
            Some(NegState::ACCEPT_COMPLETED),
            Some(NegState::ACCEPT_INCOMPLETE),
            Some(NegState::REJECT),
            Some(NegState::REQUEST_MIC),
        ];
        let heard = self.heard();
        let mic = parse_resp(&heard).ok().and_then(|response| response.mic);
        Reply {
            state: states[below(&mut self.rng, states.len())],
            supported_mech: one_in(&mut self.rng, 2).then(|| oid(1 + small(&mut self.rng, 5))),
            token,
            mic,
        }
        .encode()
        .unwrap()
    }

    /// What an end is given, where `due` is what the other end said to it last.
    fn next_token(&mut self, due: Option<&Vec<u8>>) -> Vec<u8> {
        match (below(&mut self.rng, 8), due) {
            (0..4, Some(due)) => due.clone(),
            (4, _) => self.heard(),
            (5, _) => {
                let mut token = self.heard();
                if !token.is_empty() {
                    let at = below(&mut self.rng, token.len());
                    token[at] ^= 1 << below(&mut self.rng, 8);
                }
                token
            }
            _ => self.forged(),
        }
    }
}

/// One end of the conversation that is watched.
struct Watched {
    role: Role,
    next: Option<Box<dyn Mechanism>>,
    /// Encoded, as this end sent or received it.
    list: Vec<u8>,
    names: Vec<ObjectIdentifier>,
    own_first: ObjectIdentifier,
    last: Option<Vec<u8>>,
}

impl Watched {
    /// Looks at what a step came to. A context that stands was chosen rightly, and proved where it had to be.
    fn take(&mut self, world: &mut World, before: usize, result: Result<Step, GssError>) -> bool {
        match result {
            Ok(Step::Continue { token, next }) => {
                world.heard.push(token.clone());
                (self.next, self.last) = (Some(next), Some(token));
                false
            }
            Ok(Step::Done { token, context, .. }) => {
                self.next = None;
                self.last.clone_from(&token);
                world.heard.extend(token);
                self.check(world, before, &context);
                true
            }
            Ok(needs @ Step::NeedTicket { .. }) => panic!("{needs:?}"),
            Err(error) => {
                world.heard.extend(error.token().map(<[u8]>::to_vec));
                (self.next, self.last) = (None, None);
                false
            }
        }
    }

    fn check(&self, world: &World, before: usize, context: &SecurityContext) {
        let mechanism = context.facts().mechanism;
        assert!(self.names.contains(&mechanism), "one that was not offered");
        let play = world
            .all
            .iter()
            .find(|play| AcceptorMechanism::oids(*play)[0] == mechanism);
        let play = play.unwrap();
        let first = self.names[0] == mechanism && self.own_first == mechanism;
        if play.signs() && (!first || play.insists()) {
            let log = world.log.lock().unwrap();
            assert!(
                log[before..].contains(&(self.role, self.list.clone())),
                "{:?} stands without a proof of its list",
                self.role
            );
        }
    }
}

/// Plays one world; gives how many contexts stood at either end.
fn play_on(seed: u64) -> [usize; 2] {
    let mut world = World::new(seed);
    let (offered, ours) = (
        some(&mut world.rng, &world.all.clone()),
        some(&mut world.rng, &world.all.clone()),
    );
    let service = acceptor(&ours);
    let ours_first = AcceptorMechanism::oids(&ours[0])[0];
    let names: Vec<ObjectIdentifier> = offered
        .iter()
        .map(|play| AcceptorMechanism::oids(play)[0])
        .collect();
    let mut stood = [0, 0];
    let now = world.realm.now();
    for _ in 0..6 {
        let mut client = Watched {
            role: Role::Initiator,
            next: None,
            list: encode_mech_list(&names).unwrap(),
            own_first: names[0],
            names: names.clone(),
            last: None,
        };
        let begun = initiator(&offered).start(now, &mut world.realm.rng);
        client.take(&mut world, 0, begun);
        let mut server: Option<Watched> = None;
        for _ in 0..12 {
            let before = world.log.lock().unwrap().len();
            if one_in(&mut world.rng, 2) {
                let Some(next) = client.next.take() else { break };
                let due = server.as_ref().and_then(|server| server.last.clone());
                let token = world.next_token(due.as_ref());
                let result = next.step(&token, now, &mut world.realm.rng);
                stood[0] += usize::from(client.take(&mut world, before, result));
                continue;
            }
            let token = world.next_token(client.last.clone().as_ref());
            let pending = server.as_mut().and_then(|server| server.next.take());
            let result = match pending {
                Some(next) => next.step(&token, now, &mut world.realm.rng),
                None => {
                    let Ok(init) = parse_init(&token) else {
                        assert!(service.step(&token, now, &mut world.realm.rng).is_err());
                        continue;
                    };
                    server = Some(Watched {
                        role: Role::Acceptor,
                        next: None,
                        list: init.mech_list.to_vec(),
                        names: init.mechs.clone(),
                        own_first: ours_first,
                        last: None,
                    });
                    service.step(&token, now, &mut world.realm.rng)
                }
            };
            if let Some(server) = server.as_mut() {
                stood[1] += usize::from(server.take(&mut world, before, result));
            }
        }
    }
    stood
}

/// Nothing panics, and no context stands that was not proved where RFC 4178 section 5 demands it.
#[test]
fn peers_that_answer_out_of_turn() {
    let mut stood = BTreeSet::new();
    let (mut initiators, mut acceptors) = (0, 0);
    for seed in 0..1500 {
        let [initiator, acceptor] = play_on(seed);
        initiators += initiator;
        acceptors += acceptor;
        stood.insert((initiator > 0, acceptor > 0));
    }
    // The play reaches its ends, not only refusals.
    assert!(initiators > 300 && acceptors > 300, "{initiators} {acceptors}");
    assert_eq!(stood.len(), 4);
}
