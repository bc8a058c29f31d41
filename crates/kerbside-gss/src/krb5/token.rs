//! Framing of the krb5 mechanism's context tokens (RFC 4121 4.1, RFC 2743 3.1).

use alloc::vec::Vec;

use kerbside_asn1::{MsgType, ObjectIdentifier, gss_token, oids, peek_message};

use crate::error::{Cause, GssError};
use crate::mechanism::MAX_CONTEXT_TOKEN_LEN;
use crate::oid_name::oid_name;

/// Token identifiers of RFC 4121 4.1.
const TOK_ID_AP_REQ: [u8; 2] = [0x01, 0x00];
const TOK_ID_AP_REP: [u8; 2] = [0x02, 0x00];
const TOK_ID_ERROR: [u8; 2] = [0x03, 0x00];

/// Token identifiers of user-to-user (draft-swift-win2k-krb-user2user section 4).
const TOK_ID_TGT_REQUEST: [u8; 2] = [0x04, 0x00];
const TOK_ID_TGT_REPLY: [u8; 2] = [0x04, 0x01];

/// As which mechanism a context is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Mode {
    Krb5,
    UserToUser,
}

impl Mode {
    pub(super) fn oid(self) -> ObjectIdentifier {
        match self {
            Self::Krb5 => oids::KRB5,
            Self::UserToUser => oids::KRB5_U2U,
        }
    }
}

/// Whether messages stand in GSS-API framing, or bare as impacket sends its AP-REQ in SPNEGO and DCE style has it. The
/// answer follows the question.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Framing {
    Framed(Mode),
    Bare,
}

/// A context token's message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Message<'a> {
    ApReq(&'a [u8]),
    ApRep(&'a [u8]),
    Error(&'a [u8]),
    TgtRequest(&'a [u8]),
    TgtReply(&'a [u8]),
}

pub(super) fn unframe(mode: Mode, token: &[u8]) -> Result<(Framing, Message<'_>), GssError> {
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
    if oid != mode.oid() && !(mode == Mode::Krb5 && oid == oids::MS_KRB5) {
        return Err(Cause::MechanismRefused {
            mechanism: oid_name(&oid),
        }
        .into());
    }
    let (tok_id, message) = inner
        .split_first_chunk::<2>()
        .ok_or(defective("shorter than its token identifier"))?;
    Ok((Framing::Framed(mode), identified(mode, *tok_id, message)?))
}

fn identified(mode: Mode, tok_id: [u8; 2], message: &[u8]) -> Result<Message<'_>, GssError> {
    let (message, expected) = match (mode, tok_id) {
        (_, TOK_ID_AP_REQ) => (Message::ApReq(message), MsgType::AP_REQ),
        (_, TOK_ID_AP_REP) => (Message::ApRep(message), MsgType::AP_REP),
        (_, TOK_ID_ERROR) => (Message::Error(message), MsgType::KRB_ERROR),
        // These messages have no tag of their own that could contradict.
        (Mode::UserToUser, TOK_ID_TGT_REQUEST) => return Ok(Message::TgtRequest(message)),
        (Mode::UserToUser, TOK_ID_TGT_REPLY) => return Ok(Message::TgtReply(message)),
        _ => return Err(defective("expected token identifier 01 00, 02 00 or 03 00").into()),
    };
    if peek_message(message.bytes()) != Some(expected) {
        return Err(defective("its message is not the one that the token identifier says").into());
    }
    Ok(message)
}

impl<'a> Message<'a> {
    fn bytes(self) -> &'a [u8] {
        match self {
            Self::ApReq(bytes)
            | Self::ApRep(bytes)
            | Self::Error(bytes)
            | Self::TgtRequest(bytes)
            | Self::TgtReply(bytes) => bytes,
        }
    }
}

pub(super) fn frame_ap_req(framing: Framing, message: &[u8]) -> Vec<u8> {
    frame(framing, TOK_ID_AP_REQ, message)
}

/// An AP-REP for an AP-REQ that came in this framing.
pub(super) fn frame_ap_rep(framing: Framing, message: &[u8]) -> Vec<u8> {
    frame(framing, TOK_ID_AP_REP, message)
}

/// A KRB-ERROR for a token that came in this framing.
pub(super) fn frame_error(framing: Framing, message: &[u8]) -> Vec<u8> {
    frame(framing, TOK_ID_ERROR, message)
}

pub(super) fn frame_tgt_request(message: &[u8]) -> Vec<u8> {
    frame(Framing::Framed(Mode::UserToUser), TOK_ID_TGT_REQUEST, message)
}

pub(super) fn frame_tgt_reply(message: &[u8]) -> Vec<u8> {
    frame(Framing::Framed(Mode::UserToUser), TOK_ID_TGT_REPLY, message)
}

fn frame(framing: Framing, tok_id: [u8; 2], message: &[u8]) -> Vec<u8> {
    match framing {
        Framing::Framed(mode) => gss_token::wrap(mode.oid(), &[&tok_id, message].concat()),
        Framing::Bare => message.to_vec(),
    }
}

pub(super) fn defective(reason: &'static str) -> Cause {
    Cause::DefectiveToken {
        token: "krb5 context token",
        reason,
    }
}
