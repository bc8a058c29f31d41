//! NEGOEX's messages (MS-NEGOEX 2.2), read, checked and written.
//!
//! Windows puts NEGOEX before other mechanisms, with its messages as SPNEGO's optimistic token. They are not needed to
//! answer: SPNEGO goes on with a mechanism that both sides have, and the mechListMIC proves the choice. They say which
//! authentication schemes the peer would have used, which a refusal names. NEGOEX as a mechanism of its own, with its
//! schemes and their VERIFY checksums, is not built.
//!
//! Every offset is from the beginning of its message, is checked against the message's length, and must lie behind the
//! fixed part; counts are bounded before anything is taken. What was read is written again as the same octets if it was
//! laid out as Windows does: in the order of the fields, without gaps, with offset 0 where a vector is empty.

mod fields;

#[cfg(test)]
mod tests;

use alloc::vec::Vec;
use core::fmt;

use crate::error::{Cause, GssError};
use crate::mechanism::MAX_CONTEXT_TOKEN_LEN;
use fields::{Fields, Layout};

/// What every message begins with.
pub const SIGNATURE: &[u8; 8] = b"NEGOEXTS";

/// The most messages taken in one token.
pub const MAX_MESSAGES: usize = 32;

/// The most elements taken in one vector: authentication schemes, extensions, alerts.
pub const MAX_ELEMENTS: usize = 64;

/// The only checksum scheme: RFC 3961's (MS-NEGOEX 2.2.3).
pub const CHECKSUM_SCHEME_RFC3961: u32 = 1;

/// A GUID as it travels (MS-DTYP 2.3.4.2): the first three fields little-endian.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct Guid(pub [u8; 16]);

impl fmt::Display for Guid {
    /// As it is written everywhere: `0d53335c-f9ea-4d0d-b2ec-4ae3786ec308`.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [a, b, c, d, e, g, h, i, rest @ ..] = self.0;
        let first = u32::from_le_bytes([a, b, c, d]);
        let (second, third) = (u16::from_le_bytes([e, g]), u16::from_le_bytes([h, i]));
        write!(f, "{first:08x}-{second:04x}-{third:04x}")?;
        for (place, octet) in rest.iter().enumerate() {
            let dash = if place == 0 || place == 2 { "-" } else { "" };
            write!(f, "{dash}{octet:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Guid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// A message of a conversation (MS-NEGOEX 2.2.6.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Message<'a> {
    /// Its place in the conversation: 0, 1, 2, …
    pub sequence: u32,
    /// The conversation, the same in all messages of both sides.
    pub conversation: Guid,
    /// What it says.
    pub body: Body<'a>,
}

/// What a message says, by its type (MS-NEGOEX 2.2.6.1).
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Body<'a> {
    /// INITIATOR_NEGO (0).
    InitiatorNego(Nego<'a>),
    /// ACCEPTOR_NEGO (1).
    AcceptorNego(Nego<'a>),
    /// INITIATOR_META_DATA (2).
    InitiatorMetaData(Exchange<'a>),
    /// ACCEPTOR_META_DATA (3).
    AcceptorMetaData(Exchange<'a>),
    /// CHALLENGE (4): a context token of the acceptor.
    Challenge(Exchange<'a>),
    /// AP_REQUEST (5): a context token of the initiator.
    ApRequest(Exchange<'a>),
    /// VERIFY (6).
    Verify(Verify<'a>),
    /// ALERT (7).
    Alert(Alert<'a>),
}

/// NEGO_MESSAGE: which schemes a side has (MS-NEGOEX 2.2.6.3).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Nego<'a> {
    /// Random octets, which the checksums cover.
    pub random: [u8; 32],
    /// Authentication schemes, best first.
    pub auth_schemes: Vec<Guid>,
    /// Extensions.
    pub extensions: Vec<Element<'a>>,
}

/// An EXTENSION or an ALERT: a number and what belongs to it (MS-NEGOEX 2.2.5.1.1, 2.2.5.1.4).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Element<'a> {
    /// Its type.
    pub kind: u32,
    /// Its value.
    pub value: &'a [u8],
}

impl Element<'_> {
    /// Whether an extension must be understood: whoever does not understand it rejects the attempt.
    #[must_use]
    pub fn is_critical(&self) -> bool {
        self.kind & 0x8000_0000 != 0
    }
}

/// EXCHANGE_MESSAGE: a token of one scheme (MS-NEGOEX 2.2.6.4).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchange<'a> {
    /// The scheme.
    pub auth_scheme: Guid,
    /// Its token.
    pub exchange: &'a [u8],
}

/// VERIFY_MESSAGE: a checksum over all messages before it (MS-NEGOEX 2.2.6.5).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verify<'a> {
    /// The scheme whose key it is made with.
    pub auth_scheme: Guid,
    /// How it is computed: [`CHECKSUM_SCHEME_RFC3961`].
    pub checksum_scheme: u32,
    /// RFC 3961's checksum type.
    pub checksum_type: u32,
    /// The checksum.
    pub checksum: &'a [u8],
}

/// ALERT_MESSAGE (MS-NEGOEX 2.2.6.6).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Alert<'a> {
    /// The scheme it is about.
    pub auth_scheme: Guid,
    /// An NTSTATUS.
    pub error_code: u32,
    /// What happened.
    pub alerts: Vec<Element<'a>>,
}

/// Reads the messages of one token: of one conversation, numbered one after the other, and nothing else.
///
/// # Errors
/// For a message that is cut, too long, or of a form that MS-NEGOEX does not have.
pub fn parse(token: &[u8]) -> Result<Vec<Message<'_>>, GssError> {
    if token.len() > MAX_CONTEXT_TOKEN_LEN {
        let (length, most) = (token.len(), MAX_CONTEXT_TOKEN_LEN);
        return Err(Cause::TokenTooLong {
            token: "NEGOEX messages",
            length,
            most,
        }
        .into());
    }
    let mut messages: Vec<Message<'_>> = Vec::new();
    let mut rest = token;
    while !rest.is_empty() {
        if messages.len() >= MAX_MESSAGES {
            return Err(defective("more of them than any token has"));
        }
        let (message, behind) = Message::parse(rest)?;
        if let Some(last) = messages.last() {
            if last.conversation != message.conversation {
                return Err(defective("expected one conversation, but found two"));
            }
            if last.sequence.checked_add(1) != Some(message.sequence) {
                return Err(defective("not numbered one after the other"));
            }
        }
        messages.push(message);
        rest = behind;
    }
    if messages.is_empty() {
        return Err(defective("expected one, but found none"));
    }
    Ok(messages)
}

/// Writes the messages of one token.
///
/// # Errors
/// When the token gets longer than any may be, or a vector has more elements than any may have.
pub fn encode(messages: &[Message<'_>]) -> Result<Vec<u8>, GssError> {
    let mut token = Vec::new();
    for message in messages {
        token.append(&mut message.encode()?);
        if token.len() > MAX_CONTEXT_TOKEN_LEN {
            return Err(defective("longer than any token may be"));
        }
    }
    Ok(token)
}

/// The authentication schemes that a peer's token offers; none where it is not one of NEGOEX.
pub(crate) fn offered_schemes(token: &[u8]) -> Vec<Guid> {
    let Ok(messages) = parse(token) else {
        return Vec::new();
    };
    let schemes = messages.into_iter().find_map(|message| match message.body {
        Body::InitiatorNego(nego) | Body::AcceptorNego(nego) => Some(nego.auth_schemes),
        _ => None,
    });
    schemes.unwrap_or_default()
}

impl<'a> Message<'a> {
    fn parse(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), GssError> {
        let (mut fields, behind) = Fields::open(bytes)?;
        let (sequence, conversation) = (fields.sequence, fields.conversation);
        let body = match fields.kind {
            0 => Body::InitiatorNego(Nego::parse(&mut fields)?),
            1 => Body::AcceptorNego(Nego::parse(&mut fields)?),
            2 => Body::InitiatorMetaData(Exchange::parse(&mut fields)?),
            3 => Body::AcceptorMetaData(Exchange::parse(&mut fields)?),
            4 => Body::Challenge(Exchange::parse(&mut fields)?),
            5 => Body::ApRequest(Exchange::parse(&mut fields)?),
            6 => Body::Verify(Verify::parse(&mut fields)?),
            7 => Body::Alert(Alert::parse(&mut fields)?),
            _ => return Err(defective("expected a type of 0 to 7, but found another")),
        };
        let message = Self {
            sequence,
            conversation,
            body,
        };
        Ok((message, behind))
    }

    fn encode(&self) -> Result<Vec<u8>, GssError> {
        let (kind, mut layout) = match &self.body {
            Body::InitiatorNego(nego) => (0, nego.lay_out()?),
            Body::AcceptorNego(nego) => (1, nego.lay_out()?),
            Body::InitiatorMetaData(exchange) => (2, exchange.lay_out()?),
            Body::AcceptorMetaData(exchange) => (3, exchange.lay_out()?),
            Body::Challenge(exchange) => (4, exchange.lay_out()?),
            Body::ApRequest(exchange) => (5, exchange.lay_out()?),
            Body::Verify(verify) => (6, verify.lay_out()?),
            Body::Alert(alert) => (7, alert.lay_out()?),
        };
        layout.finish(kind, self.sequence, self.conversation)
    }
}

/// Lengths of the fixed parts, header included, each rounded up to eight octets.
const NEGO_LEN: u32 = 96;
const EXCHANGE_LEN: u32 = 64;
const VERIFY_LEN: u32 = 80;
const ALERT_LEN: u32 = 72;
/// Length of CHECKSUM, which says it itself.
const CHECKSUM_LEN: u32 = 20;

impl<'a> Nego<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Self, GssError> {
        fields.expect_fixed_len(NEGO_LEN)?;
        let random = *fields.array::<32>()?;
        if fields.u64()? != 0 {
            return Err(defective("expected protocol version 0, but found another"));
        }
        let auth_schemes = fields.guids()?;
        let extensions = fields.elements()?;
        Ok(Self {
            random,
            auth_schemes,
            extensions,
        })
    }

    fn lay_out(&self) -> Result<Layout, GssError> {
        let mut layout = Layout::new(NEGO_LEN);
        layout.put(&self.random);
        layout.put(&0_u64.to_le_bytes());
        layout.guids(&self.auth_schemes)?;
        layout.elements(&self.extensions)?;
        Ok(layout)
    }
}

impl<'a> Exchange<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Self, GssError> {
        fields.expect_fixed_len(EXCHANGE_LEN)?;
        Ok(Self {
            auth_scheme: fields.guid()?,
            exchange: fields.bytes()?,
        })
    }

    fn lay_out(&self) -> Result<Layout, GssError> {
        let mut layout = Layout::new(EXCHANGE_LEN);
        layout.put(&self.auth_scheme.0);
        layout.bytes(self.exchange)?;
        Ok(layout)
    }
}

impl<'a> Verify<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Self, GssError> {
        fields.expect_fixed_len(VERIFY_LEN)?;
        let auth_scheme = fields.guid()?;
        if fields.u32()? != CHECKSUM_LEN {
            return Err(defective(
                "expected a checksum header of 20 octets, but found another",
            ));
        }
        Ok(Self {
            auth_scheme,
            checksum_scheme: fields.u32()?,
            checksum_type: fields.u32()?,
            checksum: fields.bytes()?,
        })
    }

    fn lay_out(&self) -> Result<Layout, GssError> {
        let mut layout = Layout::new(VERIFY_LEN);
        layout.put(&self.auth_scheme.0);
        layout.put(&CHECKSUM_LEN.to_le_bytes());
        layout.put(&self.checksum_scheme.to_le_bytes());
        layout.put(&self.checksum_type.to_le_bytes());
        layout.bytes(self.checksum)?;
        Ok(layout)
    }
}

impl<'a> Alert<'a> {
    fn parse(fields: &mut Fields<'a>) -> Result<Self, GssError> {
        fields.expect_fixed_len(ALERT_LEN)?;
        Ok(Self {
            auth_scheme: fields.guid()?,
            error_code: fields.u32()?,
            alerts: fields.elements()?,
        })
    }

    fn lay_out(&self) -> Result<Layout, GssError> {
        let mut layout = Layout::new(ALERT_LEN);
        layout.put(&self.auth_scheme.0);
        layout.put(&self.error_code.to_le_bytes());
        layout.elements(&self.alerts)?;
        Ok(layout)
    }
}

fn defective(reason: &'static str) -> GssError {
    Cause::DefectiveToken {
        token: "NEGOEX message",
        reason,
    }
    .into()
}
