//! What SPNEGO and the callers know of a mechanism.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::gss_token::{self, TokenKind};
use kerbside_asn1::{MsgType, ObjectIdentifier, Principal, oids};
use kerbside_crypto::CryptoRng;
use kerbside_protocol::{Credential, Now};

use crate::channel_bindings::ChannelBindings;
use crate::context::SecurityContext;
use crate::error::GssError;
use crate::negoex;

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

/// A mechanism that an [`Acceptor`](crate::Acceptor) offers. One value begins any number of contexts.
///
/// Kerberos is [`AcceptorParams::into_mechanism`](crate::AcceptorParams::into_mechanism); others come from other crates.
pub trait AcceptorMechanism: fmt::Debug + Send + Sync {
    /// The object identifiers it goes by, its own first. They are one mechanism where RFC 4178 section 5 asks which is
    /// preferred. First tokens that no SPNEGO surrounds are given to the mechanism whose identifier their frame names;
    /// NTLM's and Kerberos' own messages have none, and are known by their first octets.
    fn oids(&self) -> &[ObjectIdentifier];

    /// Begins a context: what is returned takes the initiator's first token.
    fn start(&self) -> Box<dyn Mechanism>;

    /// The same mechanism for a connection with a channel of its own.
    fn with_channel_bindings(&self, bindings: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism>;
}

/// A mechanism that an [`Initiator`](crate::Initiator) offers, with the credential for one context.
///
/// Kerberos is [`InitiatorParams::into_mechanism`](crate::InitiatorParams::into_mechanism); others come from other
/// crates.
pub trait InitiatorMechanism: fmt::Debug + Send {
    /// The object identifiers it is offered under, its own first.
    fn oids(&self) -> &[ObjectIdentifier];

    /// Makes the first token, without SPNEGO around it.
    ///
    /// # Errors
    /// When the credential cannot be used.
    fn start(self: Box<Self>, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError>;
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
    /// Get a ticket from the KDC and go on with it: only an initiator of user-to-user authentication asks for one.
    NeedTicket {
        /// Which.
        request: TicketRequest,
        /// Waits for it.
        next: Box<dyn AwaitTicket>,
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

/// A ticket that a context cannot go on without, for the caller to get from the KDC: contexts do no I/O.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TicketRequest {
    /// The service.
    pub server: Principal,
    /// Its ticket-granting ticket, as the service sent it: the new ticket is to be under that one's session key
    /// (user-to-user, RFC 4120 3.7). Nobody vouches for it but the KDC, which gives a ticket for `server` only if it is
    /// `server`'s.
    pub second_ticket: Vec<u8>,
}

/// One end of a context that waits for a ticket.
pub trait AwaitTicket: Send {
    /// The mechanism's object identifier.
    fn oid(&self) -> ObjectIdentifier;

    /// Goes on with the ticket.
    ///
    /// # Errors
    /// For a ticket that is not the one asked for, or as [`Mechanism::step`].
    fn ticket(
        self: Box<Self>,
        credential: Credential,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError>;
}

impl fmt::Debug for dyn AwaitTicket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AwaitTicket({})", self.oid())
    }
}

/// The mechanism that a context token says it is of: by the identifier in its frame, or by what NTLM's and Kerberos' own
/// messages begin with. Nothing else of it is looked at.
pub(crate) fn mechanism_of(token: &[u8]) -> Option<ObjectIdentifier> {
    if token.starts_with(negoex::SIGNATURE) {
        return Some(oids::NEGOEX);
    }
    match gss_token::peek(token) {
        TokenKind::Framed(oid) => Some(oid),
        TokenKind::Ntlm => Some(oids::NTLMSSP),
        TokenKind::Kerberos(MsgType::AP_REQ | MsgType::AP_REP | MsgType::KRB_ERROR) => Some(oids::KRB5),
        _ => None,
    }
}
