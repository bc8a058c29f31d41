//! Framing of the krb5 mechanism's context tokens (RFC 4121 4.1, RFC 2743 3.1).

use alloc::vec::Vec;

use kerbside_asn1::{MsgType, gss_token, oids, peek_message};

use crate::error::{Cause, GssError};
use crate::mechanism::MAX_CONTEXT_TOKEN_LEN;
use crate::oid_name::oid_name;

/// Token identifiers of RFC 4121 4.1.
const TOK_ID_AP_REQ: [u8; 2] = [0x01, 0x00];
const TOK_ID_AP_REP: [u8; 2] = [0x02, 0x00];
const TOK_ID_ERROR: [u8; 2] = [0x03, 0x00];

/// Whether messages stand in GSS-API framing, or bare as impacket sends its AP-REQ in SPNEGO. The answer follows the
/// question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Framed,
    Bare,
}

/// A context token's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    ApReq(&'a [u8]),
    ApRep(&'a [u8]),
    Error(&'a [u8]),
}

impl<'a> Message<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::ApReq(bytes) | Self::ApRep(bytes) | Self::Error(bytes) => bytes,
        }
    }
}

pub(super) fn unframe(token: &[u8]) -> Result<(Framing, Message<'_>), GssError> {
    if token.len() > MAX_CONTEXT_TOKEN_LEN {
        let (length, most) = (token.len(), MAX_CONTEXT_TOKEN_LEN);
        return Err(Cause::TokenTooLong {
            token: "krb5 context token",
            length,
            most,
        }
        .into());
    }
    match peek_message(token) {
        Some(MsgType::AP_REQ) => return Ok((Framing::Bare, Message::ApReq(token))),
        Some(MsgType::AP_REP) => return Ok((Framing::Bare, Message::ApRep(token))),
        Some(MsgType::KRB_ERROR) => return Ok((Framing::Bare, Message::Error(token))),
        _ => {}
    }
    let (oid, inner) = gss_token::unwrap(token)?;
    if oid != oids::KRB5 && oid != oids::MS_KRB5 {
        return Err(Cause::MechanismRefused {
            mechanism: oid_name(&oid),
        }
        .into());
    }
    let (tok_id, message) = inner
        .split_first_chunk::<2>()
        .ok_or(defective("shorter than its token identifier"))?;
    let (message, expected) = match *tok_id {
        TOK_ID_AP_REQ => (Message::ApReq(message), MsgType::AP_REQ),
        TOK_ID_AP_REP => (Message::ApRep(message), MsgType::AP_REP),
        TOK_ID_ERROR => (Message::Error(message), MsgType::KRB_ERROR),
        _ => return Err(defective("expected token identifier 01 00, 02 00 or 03 00").into()),
    };
    if peek_message(message.bytes()) != Some(expected) {
        return Err(defective("its message is not the one that the token identifier says").into());
    }
    Ok((Framing::Framed, message))
}

pub(super) fn frame_ap_req(message: &[u8]) -> Vec<u8> {
    frame(TOK_ID_AP_REQ, message)
}

/// An AP-REP for an AP-REQ that came in this framing.
pub(super) fn frame_ap_rep(framing: Framing, message: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Framed => frame(TOK_ID_AP_REP, message),
        Framing::Bare => message.to_vec(),
    }
}

/// A KRB-ERROR for a token that came in this framing.
pub(super) fn frame_error(framing: Framing, message: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Framed => frame(TOK_ID_ERROR, message),
        Framing::Bare => message.to_vec(),
    }
}

fn frame(tok_id: [u8; 2], message: &[u8]) -> Vec<u8> {
    gss_token::wrap(oids::KRB5, &[&tok_id, message].concat())
}

pub(super) fn defective(reason: &'static str) -> Cause {
    Cause::DefectiveToken {
        token: "krb5 context token",
        reason,
    }
}
