#![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

use alloc::collections::BTreeMap;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use std::sync::{LazyLock, Mutex};

use kerbside_asn1::{ErrorCode, PaDataType};
use kerbside_crypto::EncryptionType;

use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use super::{COUNTED_MAX, Counted, Etypes, Hex, KrbCode, PaTypes};

/// An event as a program takes it: its name and its fields, the line as `message`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Taken {
    pub(crate) name: &'static str,
    pub(crate) fields: BTreeMap<&'static str, String>,
}

impl Taken {
    pub(crate) fn line(&self) -> &str {
        self.fields.get("message").unwrap()
    }
}

#[derive(Clone, Default)]
struct Taker(Arc<Mutex<Vec<Taken>>>);

impl Visit for Taken {
    fn record_debug(&mut self, field: &Field, value: &dyn core::fmt::Debug) {
        self.fields.insert(field.name(), format!("{value:?}"));
    }
}

impl Subscriber for Taker {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == super::TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let name = event.metadata().name();
        let fields = BTreeMap::new();
        let mut taken = Taken { name, fields };
        event.record(&mut taken);
        self.0.lock().unwrap().push(taken);
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

/// While there is one subscriber alone, tracing asks the thread that comes first to an event whether anybody wants it,
/// and keeps its answer for all threads, those with a subscriber too. With a second one it asks the subscribers.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Taker::default()));

/// The events of `work`.
pub(crate) fn events_of(work: impl FnOnce()) -> Vec<Taken> {
    LazyLock::force(&SECOND);
    let taker = Taker::default();
    tracing::subscriber::with_default(taker.clone(), work);
    let taken = taker.0.lock().unwrap();
    taken.clone()
}

#[test]
fn lists_are_as_mit_prints_them() {
    let enctypes = [18, 17, 20, 19, 16, 23, 25, 26, 4711].map(EncryptionType);
    assert_eq!(
        Etypes(&enctypes).to_string(),
        "aes256-cts, aes128-cts, aes256-sha2, aes128-sha2, des3-cbc-sha1, rc4-hmac, camellia128-cts, \
         camellia256-cts, 4711"
    );
    assert_eq!(Etypes(&[]).to_string(), "(empty)");
    let types = [136, 19, 2, 133, 1, 9999].map(PaDataType);
    assert_eq!(
        PaTypes(&types).to_string(),
        "PA-FX-FAST (136), PA-ETYPE-INFO2 (19), PA-ENC-TIMESTAMP (2), PA-FX-COOKIE (133), PA-TGS-REQ (1), 9999"
    );
    assert_eq!(PaTypes(&[]).to_string(), "(empty)");
}

#[test]
fn errors_have_the_numbers_and_words_of_mits_library() {
    let text = |code| KrbCode(ErrorCode(code)).to_string();
    assert_eq!(text(25), "-1765328359/Additional pre-authentication required");
    assert_eq!(text(0), "0/Success");
    assert_eq!(text(53), "-1765328331/KRB5 error code 53");
}

#[test]
fn octets_of_others_stay_on_their_line_and_within_bounds() {
    assert_eq!(
        Counted(b"R\xc3\xa4 \n\x1b[1m").to_string(),
        "R\\xC3\\xA4 \\x0A\\x1B[1m"
    );
    let long = [b'x'; COUNTED_MAX + 1];
    assert_eq!(
        Counted(&long).to_string(),
        format!("{}...", "x".repeat(COUNTED_MAX))
    );
    assert_eq!(Hex(&[0, 0xab]).to_string(), "00AB");
    assert_eq!(Hex(&long).to_string().len(), 2 * COUNTED_MAX);
}
