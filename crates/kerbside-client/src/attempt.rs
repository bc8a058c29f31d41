//! What was tried to reach a KDC: the evidence behind "cannot contact any KDC".

use std::fmt;
use std::net::SocketAddr;
use std::time::Duration;

/// How a message travels to a KDC (RFC 4120 section 7.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Transport {
    /// One datagram each way.
    Udp,
    /// A stream, each message behind its length in four bytes.
    Tcp,
    /// A KDC proxy: messages in HTTPS (MS-KKDCP).
    Https,
}

impl fmt::Display for Transport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Udp => "udp",
            Self::Tcp => "tcp",
            Self::Https => "https",
        })
    }
}

/// One KDC address tried by one transport.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Attempt {
    /// The KDC as the configuration names it: `kdc.example.com:88`.
    pub server: String,
    /// The address it resolved to; `None` when it did not.
    pub address: Option<SocketAddr>,
    /// How it was tried.
    pub transport: Transport,
    /// How many times the request was sent.
    pub sent: u32,
    /// From the first sending to the end of this attempt.
    pub took: Duration,
    /// What came of it.
    pub outcome: AttemptOutcome,
}

/// What came of an attempt.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AttemptOutcome {
    /// The reply that was used.
    Answered,
    /// Nothing came before the time was up.
    NoAnswer,
    /// The name has no address; the resolver's words.
    Unresolved(String),
    /// The operating system refused: connection refused, network unreachable, and so on.
    Failed(String),
    /// The KDC answered KDC_ERR_SVC_UNAVAILABLE (29), so the next one was asked.
    Unavailable,
    /// The stream ended before the whole reply.
    Closed {
        /// Bytes that had come.
        received: usize,
    },
    /// Bytes came that are no Kerberos reply.
    NotKerberos {
        /// How many.
        received: usize,
    },
    /// The stream announced a reply beyond [`crate::MAX_REPLY_BYTES`].
    Oversized {
        /// The announced length.
        announced: u32,
    },
}

impl fmt::Display for AttemptOutcome {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Answered => f.write_str("answered"),
            Self::NoAnswer => f.write_str("no answer"),
            Self::Unresolved(reason) => write!(f, "the name has no address: {reason}"),
            Self::Failed(reason) => f.write_str(reason),
            Self::Unavailable => f.write_str("KDC_ERR_SVC_UNAVAILABLE (29)"),
            Self::Closed { received } => {
                write!(f, "connection closed after {received} bytes of the reply")
            }
            Self::NotKerberos { received } => {
                write!(f, "{received} bytes that are no Kerberos reply")
            }
            Self::Oversized { announced } => write!(
                f,
                "a reply of {announced} bytes announced, more than the {} allowed",
                crate::MAX_REPLY_BYTES
            ),
        }
    }
}

impl fmt::Display for Attempt {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.address {
            Some(address) if address.to_string() == self.server => write!(f, "{address}")?,
            Some(address) => write!(f, "{} ({address})", self.server)?,
            None => write!(f, "{}", self.server)?,
        }
        write!(f, " {}: {}", self.transport, self.outcome)?;
        if self.sent > 1 {
            write!(f, " to {} sendings", self.sent)?;
        }
        if self.address.is_some() {
            write!(f, ", {}", Took(self.took))?;
        }
        Ok(())
    }
}

/// A time span with a unit that suits its size.
struct Took(Duration);

impl fmt::Display for Took {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let seconds = self.0.as_secs_f64();
        if seconds < 1.0 {
            write!(f, "{:.1} ms", seconds * 1000.0)
        } else {
            write!(f, "{seconds:.1} s")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_attempt_says_address_transport_time_and_what_happened() {
        let mut attempt = Attempt {
            server: "127.0.0.1:88".to_owned(),
            address: Some(SocketAddr::from(([127, 0, 0, 1], 88))),
            transport: Transport::Udp,
            sent: 3,
            took: Duration::from_millis(18_020),
            outcome: AttemptOutcome::NoAnswer,
        };
        assert_eq!(
            attempt.to_string(),
            "127.0.0.1:88 udp: no answer to 3 sendings, 18.0 s"
        );
        attempt.server = "kdc.example.com:88".to_owned();
        attempt.transport = Transport::Tcp;
        attempt.sent = 1;
        attempt.took = Duration::from_micros(320);
        attempt.outcome = AttemptOutcome::Failed("connection refused".to_owned());
        assert_eq!(
            attempt.to_string(),
            "kdc.example.com:88 (127.0.0.1:88) tcp: connection refused, 0.3 ms"
        );
        attempt.address = None;
        attempt.outcome = AttemptOutcome::Unresolved("no such host".to_owned());
        assert_eq!(
            attempt.to_string(),
            "kdc.example.com:88 tcp: the name has no address: no such host"
        );
    }
}
