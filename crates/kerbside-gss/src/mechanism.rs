//! What SPNEGO and the callers know of a mechanism.

use alloc::boxed::Box;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::ObjectIdentifier;
use kerbside_crypto::CryptoRng;
use kerbside_protocol::Now;

use crate::context::SecurityContext;
use crate::error::GssError;

/// Longest context token that is looked at. Tickets of users in many groups reach 48 kB.
pub const MAX_CONTEXT_TOKEN_LEN: usize = 128 * 1024;

/// One end of a context that is being established.
///
/// Each step consumes it: what is left of an exchange that failed or is finished cannot be stepped again.
pub trait Mechanism: Send {
    /// The mechanism's object identifier.
    fn oid(&self) -> ObjectIdentifier;

    /// Takes the peer's token; an initiator's first step takes an empty one.
    ///
    /// # Errors
    /// [`GssError`] with a token for the peer where the mechanism has one. The context is over.
    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError>;
}

impl fmt::Debug for dyn Mechanism {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Mechanism({})", self.oid())
    }
}

/// What a step came to.
#[derive(Debug)]
#[non_exhaustive]
pub enum Step {
    /// Send the token, and step `next` with the peer's answer.
    Continue {
        /// For the peer.
        token: Vec<u8>,
        /// Waits for the answer.
        next: Box<dyn Mechanism>,
    },
    /// The context stands.
    Done {
        /// For the peer, if there is anything to send.
        token: Option<Vec<u8>>,
        /// Whether the token says nothing that the application's success does not say as well: SPNEGO's bare
        /// `accept-completed`. HTTP servers leave it out, because some clients take it for a failed round.
        token_is_bare_success: bool,
        /// The context.
        context: Box<SecurityContext>,
    },
}
