//! The framing of a GSS-API initial context token.

use alloc::vec::Vec;
use core::fmt;

use der::asn1::ObjectIdentifier;

use crate::codec::{self, Decode};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::scan;
use crate::tag;

/// `[APPLICATION 0]`, constructed.
const FRAME: u8 = tag::application(0);

/// Puts a mechanism's token into its frame.
///
/// ```text
/// InitialContextToken ::=
/// -- option indication (delegation, etc.) indicated within
/// -- mechanism-specific token
/// [APPLICATION 0] IMPLICIT SEQUENCE {
///         thisMech MechType,
///         innerContextToken ANY DEFINED BY thisMech
///            -- contents mechanism-specific
///            -- ASN.1 structure not required
///         }
/// ```
///
/// RFC 2743 3.1. `inner` may be at most [`MAX_MESSAGE_LEN`](crate::limits::MAX_MESSAGE_LEN) octets long; a longer one is refused by
/// [`unwrap`].
pub fn wrap(oid: ObjectIdentifier, inner: &[u8]) -> Vec<u8> {
    let oid = oid.as_bytes();
    let mut contents = Vec::with_capacity(oid.len().saturating_add(inner.len()).saturating_add(2));
    push_header(&mut contents, 0x06, oid.len());
    contents.extend_from_slice(oid);
    contents.extend_from_slice(inner);
    let mut token = Vec::with_capacity(contents.len().saturating_add(6));
    push_header(&mut token, 0x60, contents.len());
    token.append(&mut contents);
    token
}

/// Writes a one-octet tag and a DER length.
fn push_header(out: &mut Vec<u8>, tag: u8, len: usize) {
    out.push(tag);
    let octets = len.to_be_bytes();
    let significant = octets
        .iter()
        .position(|octet| *octet != 0)
        .unwrap_or(octets.len() - 1);
    let octets = octets.get(significant..).unwrap_or_default();
    match u8::try_from(len) {
        Ok(short @ 0..=0x7f) => out.push(short),
        _ => {
            // At most 8 octets, so the sum stays within one.
            out.push(u8::try_from(octets.len()).map_or(0xff, |count| 0x80 | count));
            out.extend_from_slice(octets);
        }
    }
}

/// Takes a mechanism's token out of its frame. The inner token is not looked at: it need not be ASN.1.
///
/// # Errors
/// [`DecodeError`] when the frame is not whole, has octets after it, or its length is not in DER.
pub fn unwrap(token: &[u8]) -> Result<(ObjectIdentifier, &[u8]), DecodeError> {
    unwrap_inner(token).map_err(|mut error| {
        error.type_name = "InitialContextToken";
        error
    })
}

fn unwrap_inner(token: &[u8]) -> Result<(ObjectIdentifier, &[u8]), DecodeError> {
    scan::check_len(token)?;
    let mut reader = Reader::new(token);
    let framed = codec::decode_tlv(&mut reader, FRAME, |reader| {
        let oid = ObjectIdentifier::decode(reader)?;
        Ok((oid, reader.rest()))
    })?;
    reader.finish()?;
    Ok(framed)
}

/// What a first token is, by its first octets.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum TokenKind {
    /// A frame of RFC 2743 for this mechanism.
    Framed(ObjectIdentifier),
    /// A bare SPNEGO `negTokenInit`, as some peers send without a frame.
    NegTokenInit,
    /// A bare SPNEGO `negTokenResp`.
    NegTokenResp,
    /// A bare NTLM message.
    Ntlm,
    /// A bare AP-REQ or other Kerberos message (DCE style).
    Kerberos(crate::MsgType),
    /// None of these.
    Unknown,
}

/// Tells what a token is without decoding it.
pub fn peek(token: &[u8]) -> TokenKind {
    if token.starts_with(b"NTLMSSP\0") {
        return TokenKind::Ntlm;
    }
    match token.first() {
        Some(0x60) => frame_oid(token).map_or(TokenKind::Unknown, TokenKind::Framed),
        Some(0xa0) => TokenKind::NegTokenInit,
        Some(0xa1) => TokenKind::NegTokenResp,
        _ => crate::peek_message(token).map_or(TokenKind::Unknown, TokenKind::Kerberos),
    }
}

fn frame_oid(token: &[u8]) -> Option<ObjectIdentifier> {
    // A token may be cut behind what is looked at here.
    let (_, frame) = token.split_first()?;
    let skip = match frame.first()? {
        0..=0x7f => 1,
        long @ 0x81..=0x84 => 1 + usize::from(long & 0x7f),
        _ => return None,
    };
    ObjectIdentifier::decode(&mut Reader::new(frame.get(skip..)?)).ok()
}

/// For a refusal's text: `a token of NTLMSSP`.
impl fmt::Display for TokenKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Framed(oid) => match crate::oids::mechanism_name(oid) {
                Some(name) => write!(f, "a token of {name}"),
                None => write!(f, "a token of the mechanism {oid}"),
            },
            Self::NegTokenInit => f.write_str("a SPNEGO NegTokenInit without a frame"),
            Self::NegTokenResp => f.write_str("a SPNEGO NegTokenResp"),
            Self::Ntlm => f.write_str("an NTLM message"),
            Self::Kerberos(msg_type) => write!(f, "a bare Kerberos message, {msg_type}"),
            Self::Unknown => f.write_str("an unknown token"),
        }
    }
}

/// The length of a frame around `inner_len` octets of a mechanism's token, frame and all.
pub fn wrapped_len(oid: &ObjectIdentifier, inner_len: usize) -> Option<usize> {
    let contents = oid.as_bytes().len().checked_add(2)?.checked_add(inner_len)?;
    // The longest length DER has here is of four octets.
    u32::try_from(contents).ok().map(|_| codec::tlv_len(contents))
}
