//! SPNEGO: which mechanism, and proof that nobody meddled with the choice (RFC 4178, MS-SPNG).
//!
//! Both sides know mechanisms through their traits only. The list of mechanisms is kept as the bytes that
//! were sent or received, because the mechListMIC is over those.
//!
//! ```text
//! initiator                                        acceptor
//!     | NegTokenInit(mechTypes, mechToken)            |
//!     |---------------------------------------------->|  first mechanism known: its token is taken
//!     |        accept-completed (+ token, + MIC)      |
//!     |<----------------------------------------------|  done
//!     |        or request-mic, supportedMech          |
//!     |<----------------------------------------------|  another one chosen: one more leg, MICs required
//!     | NegTokenResp(responseToken, mechListMIC)      |
//!     |---------------------------------------------->|
//!     |        accept-completed, mechListMIC          |
//!     |<----------------------------------------------|
//! ```

mod acceptor;
mod initiator;
mod token;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use kerbside_asn1::ObjectIdentifier;

use crate::error::{Cause, GssError};

pub(crate) use acceptor::SpnegoAcceptor;
pub(crate) use initiator::SpnegoInitiator;

/// The most tokens that either end takes from the other in one context.
const MAX_LEGS: u32 = 8;

/// What the acceptor's first token says in place of a name (MS-SPNG 2.2.1).
const HINT_NAME: &[u8] = b"not_defined_in_RFC4178@please_ignore";

/// The NegTokenInit2 of an acceptor that speaks first.
pub(crate) fn hello(offered: &[ObjectIdentifier]) -> Result<Vec<u8>, GssError> {
    token::encode_init2(offered, HINT_NAME)
}

/// Counts the peer's tokens.
#[derive(Debug, Clone, Copy)]
struct Legs(u32);

impl Legs {
    const NONE: Self = Self(0);

    fn next(self) -> Result<Self, GssError> {
        if self.0 >= MAX_LEGS {
            return Err(Cause::TooManyLegs { most: MAX_LEGS }.into());
        }
        Ok(Self(self.0.saturating_add(1)))
    }
}

fn broken(reason: &'static str) -> GssError {
    Cause::Negotiation { reason }.into()
}
