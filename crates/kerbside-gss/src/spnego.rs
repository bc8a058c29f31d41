//! SPNEGO: which mechanism, and proof that nobody meddled with the choice (RFC 4178, MS-SPNG).
//!
//! Both sides know mechanisms through the [`Mechanism`] trait only. The list of mechanisms is kept as the bytes that
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

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::ObjectIdentifier;

use crate::error::{Cause, GssError};
use crate::mechanism::Mechanism;

pub(crate) use acceptor::SpnegoAcceptor;
pub(crate) use initiator::SpnegoInitiator;

/// The most tokens that either end takes from the other in one context.
const MAX_LEGS: u32 = 8;

/// A mechanism that can be negotiated, under all object identifiers it goes by.
///
/// Kerberos has two: its own, and the one that Windows 2000 made of it by encoding a component in 16 bits. They are one
/// mechanism where RFC 4178 section 5 asks which is preferred.
#[derive(Debug)]
pub(crate) struct Candidate {
    pub(crate) oids: Vec<ObjectIdentifier>,
    pub(crate) mechanism: Box<dyn Mechanism>,
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
