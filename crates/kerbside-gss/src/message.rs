//! Per-message protection: Wrap and MIC tokens (RFC 4121 4.2).
//!
//! All of it is one state, [`MessageProtection`]: the key in force, the direction, the next sequence number to send and
//! the window of those received. Nothing here allocates per message but the two calls that return a `Vec`, once each.

mod export;
mod header;
mod iov;
mod mic;
mod older;
mod per_message;
mod pseudo_random;
mod unwrap;
mod wrap;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use kerbside_crypto::{Key, KeyUsage};

use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::sequence::{SequenceFinding, SequenceWindow};

pub(crate) use export::import;
pub(crate) use older::{is_for as has_older_tokens, protect};
pub use per_message::PerMessage;
pub use pseudo_random::{MAX_PRF_LEN, PrfKey};

/// Which end of a context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Role {
    /// The end that began: the client.
    Initiator,
    /// The end that was called: the service.
    Acceptor,
}

impl Role {
    /// The other end.
    #[must_use]
    pub fn peer(self) -> Self {
        match self {
            Self::Initiator => Self::Acceptor,
            Self::Acceptor => Self::Initiator,
        }
    }

    /// Key usage of Wrap tokens that this end sends (RFC 4121 section 2).
    fn seal_usage(self) -> KeyUsage {
        match self {
            Self::Initiator => KeyUsage::GSS_INITIATOR_SEAL,
            Self::Acceptor => KeyUsage::GSS_ACCEPTOR_SEAL,
        }
    }

    /// Key usage of MIC tokens that this end sends.
    fn sign_usage(self) -> KeyUsage {
        match self {
            Self::Initiator => KeyUsage::GSS_INITIATOR_SIGN,
            Self::Acceptor => KeyUsage::GSS_ACCEPTOR_SIGN,
        }
    }
}

/// A message that verified.
#[derive(Clone, PartialEq, Eq)]
pub struct Unwrapped {
    /// The message.
    pub message: Vec<u8>,
    /// Whether it was encrypted; a caller that needs that asks `unwrap_confidential` instead of looking here.
    pub confidential: bool,
    /// What its sequence number says.
    pub sequence: SequenceFinding,
}

/// A message that verified, within the token's own buffer.
#[derive(PartialEq, Eq)]
pub struct UnwrappedInPlace<'a> {
    /// The message.
    pub message: &'a mut [u8],
    /// Whether it was encrypted.
    pub confidential: bool,
    /// What its sequence number says.
    pub sequence: SequenceFinding,
}

macro_rules! debug_without_message {
    ($($type:ty),*) => {$(
        /// Shows the length of the message, not the message.
        impl core::fmt::Debug for $type {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                f.debug_struct(stringify!($type))
                    .field("length", &self.message.len())
                    .field("confidential", &self.confidential)
                    .field("sequence", &self.sequence)
                    .finish()
            }
        }
    )*};
}

debug_without_message!(Unwrapped, UnwrappedInPlace<'_>);

/// Lengths of what surrounds a message in a Wrap token with rotation count 0, in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WrapLengths {
    /// Before the message: token header, and confounder if sealed.
    pub header: usize,
    /// Behind the message: encrypted copy of the header if sealed, and checksum.
    pub trailer: usize,
}

impl WrapLengths {
    /// Octets that wrapping adds.
    #[must_use]
    pub fn total(self) -> usize {
        self.header.saturating_add(self.trailer)
    }
}

/// Lengths of the buffers of a Wrap token whose parts lie apart (IOV), in octets.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IovLengths {
    /// The header buffer.
    pub header: usize,
    /// The padding buffer; at 0 there need be none.
    pub padding: usize,
    /// The trailer buffer, if one is wanted.
    pub trailer: usize,
}

/// What is known of a message that verified within buffers of the caller's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct IovUnwrapped {
    /// Whether the data was encrypted.
    pub confidential: bool,
    /// What its sequence number says.
    pub sequence: SequenceFinding,
}

/// What the AP exchange settled for the messages.
pub(crate) struct ProtectionParams {
    /// The acceptor's subkey if it made one, else the initiator's, else the session key (RFC 4121 section 2).
    pub(crate) key: Key,
    pub(crate) acceptor_subkey: bool,
    /// What the initiator chose by itself, where `key` is the acceptor's.
    pub(crate) partial_key: Option<Key>,
    pub(crate) role: Role,
    pub(crate) flags: ContextFlags,
    pub(crate) send_seq: u32,
    pub(crate) receive_seq: u32,
}

/// State of per-message protection at one end.
#[derive(Debug)]
pub(crate) struct MessageProtection {
    key: Key,
    role: Role,
    /// Whether `key` is the acceptor's subkey: every token says so.
    acceptor_subkey: bool,
    /// Number of the next message sent; `None` when all are used up.
    send_seq: Option<u64>,
    window: SequenceWindow,
    /// Tokens in buffers are those of DCE RPC.
    dce_style: bool,
    partial_key: Option<Key>,
}

impl MessageProtection {
    pub(crate) fn new(params: ProtectionParams) -> Self {
        let window = SequenceWindow::new(
            u64::from(params.receive_seq),
            params.flags.contains(ContextFlags::REPLAY),
            params.flags.contains(ContextFlags::SEQUENCE),
        );
        Self {
            key: params.key,
            role: params.role,
            acceptor_subkey: params.acceptor_subkey,
            send_seq: Some(u64::from(params.send_seq)),
            window,
            dce_style: params.flags.contains(ContextFlags::DCE_STYLE),
            partial_key: params.partial_key,
        }
    }

    /// The flags of a token sent by `sender`.
    fn flags_of(&self, sender: Role) -> u8 {
        let sent_by = if sender == Role::Acceptor {
            header::SENT_BY_ACCEPTOR
        } else {
            0
        };
        let subkey = if self.acceptor_subkey {
            header::ACCEPTOR_SUBKEY
        } else {
            0
        };
        sent_by | subkey
    }

    /// Takes the number for a message to send; it is spent even if sending fails later.
    fn next_send_seq(&mut self) -> Result<u64, GssError> {
        let seq = self.send_seq.ok_or(Cause::SequenceExhausted)?;
        self.send_seq = seq.checked_add(1);
        Ok(seq)
    }

    /// Direction and key of a received token must be the ones in force: a token reflected to its maker carries its
    /// own direction, one made under the session key the wrong key bit.
    fn check_flags(&self, flags: u8) -> Result<(), GssError> {
        let differing = flags ^ self.flags_of(self.role.peer());
        if differing & header::SENT_BY_ACCEPTOR != 0 {
            return Err(Cause::WrongDirection {
                reason: "it was sent by this end of the context (SentByAcceptor)",
            }
            .into());
        }
        if differing & header::ACCEPTOR_SUBKEY != 0 {
            return Err(Cause::WrongDirection {
                reason: "it names another key than the one in force (AcceptorSubkey)",
            }
            .into());
        }
        Ok(())
    }
}

fn expect_length(buffer: &'static str, expected: usize, found: &[u8]) -> Result<(), GssError> {
    if found.len() == expected {
        return Ok(());
    }
    Err(Cause::BufferLength {
        buffer,
        expected,
        found: found.len(),
    }
    .into())
}
