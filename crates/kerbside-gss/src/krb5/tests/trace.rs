//! What both sides of a context tell `tracing`.

use std::sync::{LazyLock, Mutex};

use kerbside_protocol::trace::TARGET;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use super::*;

#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<alloc::string::String>>>);

struct Line<'a>(&'a Lines);

impl Visit for Line<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        if field.name() == "message" {
            self.0.0.lock().unwrap().push(alloc::format!("{value:?}"));
        }
    }
}

impl Subscriber for Lines {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        event.record(&mut Line(self));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// While there is one subscriber alone, tracing keeps the answer of a thread without one for all threads.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Lines::default()));

fn lines_of(work: impl FnOnce()) -> Vec<alloc::string::String> {
    LazyLock::force(&SECOND);
    let lines = Lines::default();
    tracing::subscriber::with_default(lines.clone(), work);
    let lines = lines.0.lock().unwrap();
    lines.clone()
}

/// The line without the time and the sequence number in it.
fn timeless(line: &str) -> alloc::string::String {
    let words = line.split(' ').scan("", |before, word| {
        let word = if matches!(*before, "time" | "seqnum") {
            "N"
        } else {
            word
        };
        *before = word;
        Some(word)
    });
    words.collect::<Vec<_>>().join(" ")
}

#[test]
fn both_sides_are_told_in_mits_words() {
    let lines = lines_of(|| {
        let mut realm = realm();
        let acceptor = realm.acceptor();
        let params = raw(realm.credential()).with_flags(one_way() | ContextFlags::MUTUAL);
        realm.establish(params, &acceptor).unwrap();
    });
    let lines: Vec<_> = lines.iter().map(|line| timeless(line)).collect();
    let (client, server) = ("alice/admin@EXAMPLE.COM", "HTTP/www.example.com@EXAMPLE.COM");
    assert_eq!(
        lines,
        [
            alloc::format!(
                "Creating authenticator for {client} -> {server}, seqnum N subkey aes256-cts, session key aes256-cts"
            ),
            alloc::format!("Decrypted AP-REQ with specified server principal {server}: aes256-cts"),
            alloc::format!("AP-REQ ticket: {client} -> {server}, session key aes256-cts"),
            "Negotiated enctype based on authenticator: aes256-cts".into(),
            "Authenticator contains subkey: aes256-cts".into(),
            "Creating AP-REP, time N subkey aes256-cts, seqnum N".into(),
            "Read AP-REP, time N subkey aes256-cts, seqnum N".into(),
        ]
    );
}

#[test]
fn a_ticket_for_another_key_is_told() {
    let lines = lines_of(|| {
        let mut realm = realm();
        let other = ServiceKey {
            key: Arc::new(LongTermKey::from(Key::generate(AES256, &mut realm.rng).unwrap())),
            ..realm.service_key(1)
        };
        let params = AcceptorParams {
            keys: Arc::new(MemoryKeys::new(vec![other])),
            ..realm.acceptor_params()
        };
        let acceptor = Acceptor::new(params);
        let params = raw(realm.credential());
        let (token, _) = one_way_token(&mut realm, params);
        refused(&mut realm, &acceptor, &token);
    });
    assert_eq!(
        lines.last().map(|line| &line[..]),
        Some("Failed to decrypt AP-REQ ticket: -1765328343/Message stream modified")
    );
}

#[test]
fn negotiation_and_the_third_leg_are_told() {
    let lines = lines_of(|| {
        let camellia = EncryptionType::CAMELLIA256_CTS_CMAC;
        let policy = EnctypePolicy::DEFAULT.with_permitted([camellia, AES256]);
        let mut realm = realm();
        let acceptor = Acceptor::new(realm.acceptor_params().with_enctypes(policy.clone()));
        let params = raw(realm.credential())
            .with_enctypes(policy)
            .with_flags(one_way() | ContextFlags::DCE_STYLE);
        realm.establish(params, &acceptor).unwrap();
    });
    let lines: Vec<_> = lines.iter().map(|line| timeless(line)).collect();
    assert_eq!(
        lines.get(3..),
        Some(
            &[
                "Negotiated enctype based on authenticator: camellia256-cts".to_string(),
                "Authenticator contains subkey: aes256-cts".into(),
                "Creating AP-REP, time N subkey camellia256-cts, seqnum N".into(),
                "Read AP-REP, time N subkey camellia256-cts, seqnum N".into(),
                "Creating AP-REP, time N subkey (null), seqnum N".into(),
                "Read DCE-style AP-REP, time N seqnum N".into(),
            ][..]
        )
    );
}
