//! Both sides in one process, with a seeded generator and a clock of the tests.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]

mod altered;
mod crafted;
mod exchange;
mod messages;
mod refusals;
mod spnego;
mod users;
mod vectors;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_crypto::Password;
use kerbside_gss::{Acceptor, GssError, Initiator, Mechanism, SecurityContext, Step};
use kerbside_protocol::Now;
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::{NtlmAcceptorParams, NtlmInitiatorParams, UserFile};

const START: i64 = 1_800_000_000;
const PASSWORD: &str = "Passw0rd-alice";

fn now() -> Now {
    Now::new(START, 123_456).unwrap()
}

fn rng(seed: u64) -> ChaCha20Rng {
    ChaCha20Rng::seed_from_u64(seed)
}

fn users() -> Arc<UserFile> {
    let file = "# users\nDOM:alice:Passw0rd-alice\nDOM:bob:s:e:cret\nOTHER:alice:another\n";
    Arc::new(UserFile::parse(file.as_bytes(), "SERVER").unwrap())
}

fn server() -> NtlmAcceptorParams {
    NtlmAcceptorParams::new(users(), "SERVER").with_domain("DOM")
}

fn client() -> NtlmInitiatorParams {
    let password = Password::from(PASSWORD);
    NtlmInitiatorParams::new("DOM", "alice", &password).unwrap()
}

fn acceptor(params: &NtlmAcceptorParams) -> Acceptor {
    Acceptor::with_mechanisms(alloc::vec![params.clone().into_mechanism()])
}

/// A step that needs the peer.
fn going(step: Step) -> (Vec<u8>, Box<dyn Mechanism>) {
    match step {
        Step::Continue { token, next } => (token, next),
        other => panic!("expected to go on, but found {other:?}"),
    }
}

fn done(step: Step) -> (Option<Vec<u8>>, SecurityContext) {
    match step {
        Step::Done { token, context, .. } => (token, *context),
        other => panic!("expected to be done, but found {other:?}"),
    }
}

/// The three messages and the states between them.
struct Talk {
    negotiate: Vec<u8>,
    challenge: Vec<u8>,
    authenticate: Vec<u8>,
    client: SecurityContext,
    server: Box<dyn Mechanism>,
}

/// As far as the AUTHENTICATE message, which the server has not seen.
fn talk(client: NtlmInitiatorParams, server: &NtlmAcceptorParams) -> Result<Talk, GssError> {
    let mut rng = rng(1);
    let first = Initiator::raw(client.into_mechanism()?).start(now(), &mut rng)?;
    let (negotiate, waiting) = going(first);
    let (challenge, server) = going(acceptor(server).step(&negotiate, now(), &mut rng)?);
    let (authenticate, client) = done(waiting.step(&challenge, now(), &mut rng)?);
    Ok(Talk {
        negotiate,
        challenge,
        authenticate: authenticate.unwrap(),
        client,
        server,
    })
}

/// Both ends' contexts: client, server.
fn contexts(
    client: NtlmInitiatorParams,
    server: &NtlmAcceptorParams,
) -> Result<(SecurityContext, SecurityContext), GssError> {
    let talk = talk(client, server)?;
    let (token, server) = done(talk.server.step(&talk.authenticate, now(), &mut rng(2))?);
    assert_eq!(token, None);
    Ok((talk.client, server))
}
