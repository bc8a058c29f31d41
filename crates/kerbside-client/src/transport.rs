//! One round trip to the KDCs of a realm: the parts both fronts share.

pub(crate) mod blocking;
pub(crate) mod proxy;
pub(crate) mod tokio;

use std::sync::Arc;
use std::time::Duration;

use kerbside_asn1::{ErrorCode, KpasswdReply, KrbError, MsgType};

use crate::attempt::{Attempt, AttemptOutcome};
use crate::schedule::{Target, Timing};

/// The longest reply taken from a KDC. A ticket with a large PAC has some tens of kilobytes.
pub const MAX_REPLY_BYTES: usize = 1 << 20;

/// The longest datagram there can be.
const MAX_DATAGRAM_BYTES: usize = 65_535;

/// A request and where it may go.
#[derive(Debug, Clone)]
pub(crate) struct Job {
    pub(crate) request: Arc<[u8]>,
    pub(crate) targets: Arc<[Target]>,
    /// The targets to ask, in order, by their place.
    pub(crate) order: Vec<usize>,
    pub(crate) timing: Timing,
    pub(crate) peer: Peer,
}

/// Who is asked: what it may answer depends on it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Peer {
    Kdc,
    Kpasswd,
}

/// A reply, not yet looked into.
#[derive(Debug, Clone)]
pub(crate) struct Delivered {
    pub(crate) reply: Vec<u8>,
    /// What was tried on the way, the one that answered included.
    pub(crate) attempts: Vec<Attempt>,
}

/// No reply came.
#[derive(Debug, Clone)]
pub(crate) struct Undelivered {
    pub(crate) attempts: Vec<Attempt>,
    pub(crate) took: Duration,
}

/// What to do with bytes that came from a KDC's address.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Finding {
    /// A reply or an error message for the exchange to judge.
    Reply,
    /// The KDC says that it cannot serve now.
    Unavailable,
    /// Not a message that a KDC sends.
    Foreign,
}

/// Looks at a message's type alone: whether it answers our request is the exchange's business.
fn examine(peer: Peer, bytes: &[u8]) -> Finding {
    if peer == Peer::Kpasswd {
        return match KpasswdReply::parse(bytes) {
            Some(_) => Finding::Reply,
            None => Finding::Foreign,
        };
    }
    match kerbside_asn1::peek_message(bytes) {
        Some(MsgType::AS_REP | MsgType::TGS_REP) => Finding::Reply,
        Some(MsgType::KRB_ERROR) => match kerbside_asn1::decode::<KrbError<'_>>(bytes) {
            Ok(error) if error.error_code == ErrorCode::KDC_ERR_SVC_UNAVAILABLE => Finding::Unavailable,
            _ => Finding::Reply,
        },
        _ => Finding::Foreign,
    }
}

/// A request behind its length (RFC 4120 section 7.2.2); `None` when it is too long to be framed.
fn framed(request: &[u8]) -> Option<Vec<u8>> {
    // The highest bit is reserved for an extension.
    let length = u32::try_from(request.len())
        .ok()
        .filter(|length| length >> 31 == 0)?;
    let mut frame = Vec::with_capacity(request.len().saturating_add(4));
    frame.extend_from_slice(&length.to_be_bytes());
    frame.extend_from_slice(request);
    Some(frame)
}

/// A reply that is collected from a stream. Memory grows with what really came, never with what
/// the length field promises.
#[derive(Debug, Default)]
struct Frame {
    bytes: Vec<u8>,
}

/// What a stream has brought so far.
#[derive(Debug, PartialEq, Eq)]
enum Framing {
    More,
    Complete(Vec<u8>),
    Oversized(u32),
}

impl Frame {
    fn push(&mut self, bytes: &[u8]) -> Framing {
        self.bytes.extend_from_slice(bytes);
        let Some((length, body)) = self.bytes.split_first_chunk::<4>() else {
            return Framing::More;
        };
        let announced = u32::from_be_bytes(*length);
        match usize::try_from(announced) {
            Ok(length) if length <= MAX_REPLY_BYTES => match body.get(..length) {
                Some(reply) => Framing::Complete(reply.to_vec()),
                None => Framing::More,
            },
            _ => Framing::Oversized(announced),
        }
    }

    fn received(&self) -> usize {
        self.bytes.len().saturating_sub(4)
    }
}

/// An operating system's refusal in words, without Rust's "(os error N)".
fn words(error: &std::io::Error) -> AttemptOutcome {
    AttemptOutcome::Failed(io_words(error))
}

/// The same for other modules.
pub(crate) fn io_words(error: &std::io::Error) -> String {
    let text = error.to_string();
    match text.split_once(" (os error") {
        Some((reason, _)) => {
            let mut letters = reason.chars();
            letters
                .next()
                .map(|first| first.to_ascii_lowercase().to_string() + letters.as_str())
                .unwrap_or_default()
        }
        None => text,
    }
}

#[cfg(test)]
mod framing_tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn a_frame_is_collected_from_any_pieces() {
        let whole = framed(b"abc").unwrap();
        assert_eq!(whole, b"\0\0\0\x03abc");
        for cut in 0..whole.len() {
            let (first, second) = whole.split_at(cut);
            let mut frame = Frame::default();
            assert_eq!(frame.push(first), Framing::More);
            assert_eq!(frame.push(second), Framing::Complete(b"abc".to_vec()));
        }
    }

    #[test]
    fn a_frame_beyond_the_limit_is_refused_at_its_length() {
        let mut frame = Frame::default();
        assert_eq!(frame.push(&[0, 0x10, 0, 1]), Framing::Oversized(0x0010_0001));
        let mut frame = Frame::default();
        assert_eq!(frame.push(&[0x80, 0, 0, 0]), Framing::Oversized(0x8000_0000));
        let mut frame = Frame::default();
        assert_eq!(frame.push(&[0, 0x10, 0, 0]), Framing::More);
    }

    #[test]
    fn rubbish_is_not_a_reply() {
        let examine = |bytes| super::examine(Peer::Kdc, bytes);
        assert_eq!(examine(b""), Finding::Foreign);
        assert_eq!(examine(b"HTTP/1.1 400 Bad Request"), Finding::Foreign);
        // An AS-REQ is nothing a KDC sends.
        assert_eq!(examine(&[0x6a, 0]), Finding::Foreign);
    }

    #[test]
    fn each_peer_has_answers_of_its_own() {
        // A frame: length, version, length of the AP-REP, two octets.
        let frame = [0, 8, 0, 1, 0, 1, 1, 1];
        assert_eq!(examine(Peer::Kpasswd, &frame), Finding::Reply);
        assert_eq!(examine(Peer::Kdc, &frame), Finding::Foreign);
        let as_rep = [0x6b, 0];
        assert_eq!(examine(Peer::Kdc, &as_rep), Finding::Reply);
        assert_eq!(examine(Peer::Kpasswd, &as_rep), Finding::Foreign);
        assert_eq!(examine(Peer::Kpasswd, b""), Finding::Foreign);
    }

    #[test]
    fn system_errors_are_told_without_their_number() {
        let error = std::io::Error::from_raw_os_error(111);
        assert_eq!(io_words(&error), "connection refused");
        assert_eq!(io_words(&std::io::Error::other("own words")), "own words");
    }
}

#[cfg(test)]
mod tests;
