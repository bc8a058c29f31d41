//! Each byte of a request altered once (pitfalls: tests that alter bytes know which fields are not
//! authenticated).
//!
//! An AS-REQ authenticates nothing but its timestamp, but PA-REQ-ENC-PA-REP lets the client see any
//! alteration in the reply: there the list of exceptions is empty. In a TGS-REQ the body is covered
//! by the authenticator's checksum, ticket and authenticator by their own; what is left is
//! [`UNAUTHENTICATED`].

use std::collections::BTreeSet;
use std::sync::Arc;

use kerbside_asn1::{AsRep, TgsRep};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_kdc::{AuditResult, Outcome, RequestContext, Transport};
use kerbside_protocol::{
    Answer, AsExchange, AsOutcome, AsParams, AsPending, Credential, Now, TgsExchange, TgsOutcome, TgsParams,
    TgsPending,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

use crate::world::{ENCTYPES, NOW, World, principal};

/// Fields of a TGS-REQ that nothing authenticates: PA-TGS-REQ's ap-options and the name type in the
/// ticket's unencrypted part. (The ticket's enctype and kvno choose a key, and the wrong one opens
/// nothing.)
const UNAUTHENTICATED: [&str; 2] = ["ap-options", "name-type of the ticket"];

fn handle(world: &World, request: &[u8]) -> Outcome {
    let context = RequestContext {
        now: Now::new(NOW, 4711).unwrap(),
        from: world.from,
        transport: Transport::Stream,
    };
    let mut rng = ChaCha20Rng::seed_from_u64(99);
    let mut lookup = |name: &_| Ok(world.entries.get(name).map(Arc::clone));
    world.kdc.handle_with(request, &context, &mut lookup, &mut rng)
}

fn alterations(request: &[u8]) -> impl Iterator<Item = (usize, Vec<u8>)> {
    (0..request.len()).flat_map(|at| {
        [0x01, 0x80, 0xff].map(|bits| {
            let mut altered = request.to_vec();
            altered[at] ^= bits;
            (at, altered)
        })
    })
}

/// The second AS-REQ of a login, the same each time.
fn as_req(world: &World) -> (Vec<u8>, AsPending) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let now = Now::new(NOW, 1).unwrap();
    let mut params = AsParams::new(principal("alice"));
    params.enctypes = vec![ENCTYPES[0], ENCTYPES[1]];
    let key = world.entry("alice").current_key(ENCTYPES[0]).unwrap().key.clone();
    let AsOutcome::Send { request, pending, .. } = AsExchange::start(params, now, &mut rng).unwrap() else {
        panic!("a request")
    };
    let reply = handle(world, &request).reply.unwrap();
    let AsOutcome::Ask { pending, .. } = pending.reply(&reply, now, &mut rng).unwrap() else {
        panic!("a question")
    };
    let AsOutcome::Send { request, pending, .. } = pending.answer(Answer::Key(key), now, &mut rng).unwrap()
    else {
        panic!("a request")
    };
    (request, pending)
}

#[test]
fn no_altered_as_req_gives_a_client_a_ticket() {
    let world = World::new();
    let now = Now::new(NOW, 2).unwrap();
    let mut rng = ChaCha20Rng::seed_from_u64(8);
    let (request, pending) = as_req(&world);
    let reply = handle(&world, &request).reply.unwrap();
    assert!(matches!(
        pending.reply(&reply, now, &mut rng),
        Ok(AsOutcome::Done(_))
    ));
    let (mut issued, mut answered, mut silent) = (0, 0, 0);
    for (at, altered) in alterations(&request) {
        let outcome = handle(&world, &altered);
        let Some(reply) = outcome.reply else {
            silent += 1;
            continue;
        };
        if !matches!(outcome.audit.result, AuditResult::Issued { .. }) {
            answered += 1;
            continue;
        }
        issued += 1;
        let reply_to: AsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
        assert_eq!(reply_to.cname.name_string.len(), 1, "byte {at}");
        let (again, pending) = as_req(&world);
        assert_eq!(again, request);
        let taken = pending.reply(&reply, now, &mut rng);
        assert!(
            !matches!(taken, Ok(AsOutcome::Done(_))),
            "byte {at} of the AS-REQ altered unseen"
        );
    }
    assert!(
        issued > 0 && answered > 0 && silent > 0,
        "{issued} {answered} {silent}"
    );
}

/// A TGS-REQ, the same each time.
fn tgs_req(tgt: &Credential) -> (Vec<u8>, TgsPending) {
    let mut rng = ChaCha20Rng::seed_from_u64(7);
    let mut params = TgsParams::new(tgt.clone(), principal("HTTP/web"));
    params.enctypes = vec![ENCTYPES[0], EncryptionType(23)];
    params.enctype_policy = EnctypePolicy::ALLOW_ALL;
    match TgsExchange::start(params, Now::new(NOW, 3).unwrap(), &mut rng).unwrap() {
        TgsOutcome::Send { request, pending, .. } => (request, pending),
        other => panic!("{other:?}"),
    }
}

/// The field of [`UNAUTHENTICATED`] that byte `at` belongs to.
fn unauthenticated(request: &[u8], at: usize) -> Option<&'static str> {
    let find = |pattern: &[u8], from: usize| {
        from + request[from..]
            .windows(pattern.len())
            .position(|window| window == pattern)
            .unwrap()
    };
    // ap-options [2] BIT STRING of five bytes: all of the value, and its count of unused bits.
    let options = find(&[0xa2, 0x07, 0x03, 0x05], 0) + 4;
    // The ticket: [3], APPLICATION 1; in its sname [2], name-type [0] INTEGER of one byte.
    let ticket = find(&[0xa2, 0x07, 0x03, 0x05], 0);
    let name_type = find(&[0xa0, 0x03, 0x02, 0x01, 0x02, 0xa1], ticket) + 4;
    if (options..options + 5).contains(&at) {
        Some(UNAUTHENTICATED[0])
    } else if at == name_type {
        Some(UNAUTHENTICATED[1])
    } else {
        None
    }
}

#[test]
fn an_altered_tgs_req_is_refused_or_means_the_same() {
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.enctypes = vec![ENCTYPES[0]]);
    let now = Now::new(NOW, 4).unwrap();
    let (request, pending) = tgs_req(&tgt);
    let good = handle(&world, &request).reply.unwrap();
    let Ok(TgsOutcome::Done(good)) = pending.reply(&good, now) else {
        panic!("a ticket")
    };
    let mut seen = BTreeSet::new();
    for (at, altered) in alterations(&request) {
        let outcome = handle(&world, &altered);
        let Some(reply) = outcome.reply else { continue };
        if !matches!(outcome.audit.result, AuditResult::Issued { .. }) {
            continue;
        }
        let field = unauthenticated(&request, at);
        seen.insert(field.unwrap_or_else(|| panic!("byte {at} of the TGS-REQ altered unseen")));
        let (_, pending) = tgs_req(&tgt);
        let Ok(TgsOutcome::Done(done)) = pending.reply(&reply, now) else {
            panic!("byte {at}: the reply means something else")
        };
        let (mine, theirs) = (&done.credential, &good.credential);
        assert_eq!(
            (&mine.client, &mine.server, mine.flags),
            (&theirs.client, &theirs.server, theirs.flags)
        );
        assert_eq!(
            (mine.end_time, &mine.addresses),
            (theirs.end_time, &theirs.addresses)
        );
        assert!(
            mine.session_key.ct_eq(&theirs.session_key),
            "the same key from the same randomness"
        );
        let reply: TgsRep<'_> = kerbside_asn1::decode(&reply).unwrap();
        assert_eq!(reply.ticket.enc_part.kvno, Some(3));
    }
    assert_eq!(seen, BTreeSet::from(UNAUTHENTICATED), "the list is exact");
}

/// Cuts, repeats and overwrites pieces of good requests: nothing panics, nothing but an AS-REP,
/// TGS-REP or KRB-ERROR comes back, and the log stays one line.
#[test]
fn mangled_requests_get_an_error_or_nothing() {
    use rand_chacha::rand_core::Rng;
    let mut world = World::new();
    let tgt = world.tgt_with(|params| params.enctypes = vec![ENCTYPES[0]]);
    let seeds = [as_req(&world).0, tgs_req(&tgt).0];
    let mut rng = ChaCha20Rng::seed_from_u64(4711);
    for round in 0..4000 {
        let mut packet = seeds[round % 2].clone();
        for _ in 0..=rng.next_u32() % 4 {
            let length = packet.len().max(1);
            let mut pick = || rng.next_u32() as usize % length;
            let (from, to, at) = (pick(), pick(), pick());
            let piece: Vec<u8> = packet
                .get(from.min(to)..from.max(to))
                .unwrap_or_default()
                .to_vec();
            match rng.next_u32() % 4 {
                0 => packet.truncate(at),
                1 => drop(packet.splice(at.min(packet.len())..at.min(packet.len()), piece)),
                2 => packet
                    .iter_mut()
                    .skip(at)
                    .take(4)
                    .for_each(|byte| *byte = rng.next_u32() as u8),
                _ => drop(packet.drain(from.min(to).min(packet.len())..from.max(to).min(packet.len()))),
            }
        }
        let outcome = handle(&world, &packet);
        assert!(!outcome.audit.to_string().chars().any(char::is_control));
        if let Some(reply) = outcome.reply {
            assert!([0x6b, 0x6d, 0x7e].contains(&reply[0]), "round {round}");
        }
    }
}
