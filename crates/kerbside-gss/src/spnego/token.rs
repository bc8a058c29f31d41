//! Negotiation tokens as the two state machines see them (RFC 4178 4.2, MS-SPNG 2.2.1).

use alloc::vec::Vec;

use kerbside_asn1::{
    KerberosString, NegHints, NegTokenInit, NegTokenInit2, NegTokenResp, NegotiationToken, ObjectIdentifier,
    Raw, decode, encode, gss_token, oids,
};

pub(super) use kerbside_asn1::NegState;

use super::broken;
use crate::error::{Cause, GssError};
use crate::mechanism::MAX_CONTEXT_TOKEN_LEN;

/// The initiator's first message.
pub(super) struct Init<'a> {
    /// The mechTypes as received: what the mechListMIC covers.
    pub(super) mech_list: &'a [u8],
    pub(super) mechs: Vec<ObjectIdentifier>,
    pub(super) token: Option<&'a [u8]>,
    pub(super) mic: Option<&'a [u8]>,
}

/// A later message, of either side.
pub(super) struct Response<'a> {
    pub(super) state: Option<NegState>,
    pub(super) supported_mech: Option<ObjectIdentifier>,
    pub(super) token: Option<&'a [u8]>,
    pub(super) mic: Option<&'a [u8]>,
}

/// A later message to send.
#[derive(Default)]
pub(super) struct Reply<'a> {
    pub(super) state: Option<NegState>,
    pub(super) supported_mech: Option<ObjectIdentifier>,
    pub(super) token: Option<&'a [u8]>,
    pub(super) mic: Option<&'a [u8]>,
}

impl Reply<'_> {
    pub(super) fn encode(&self) -> Result<Vec<u8>, GssError> {
        Ok(encode(&NegotiationToken::Resp(NegTokenResp {
            neg_state: self.state,
            supported_mech: self.supported_mech,
            response_token: self.token,
            mech_list_mic: self.mic,
        }))?)
    }
}

/// Reads a NegTokenInit in its framing.
pub(super) fn parse_init(token: &[u8]) -> Result<Init<'_>, GssError> {
    match parse_framed(token)? {
        NegotiationToken::Init(init) => Ok(Init {
            mech_list: init.mech_types.bytes(),
            mechs: init.mech_types.into_value(),
            token: init.mech_token,
            mic: init.mech_list_mic,
        }),
        NegotiationToken::Init2(_) => Err(broken(
            "expected a NegTokenInit, but found an acceptor's NegTokenInit2",
        )),
        NegotiationToken::Resp(_) => Err(broken("expected a NegTokenInit, but found a NegTokenResp")),
    }
}

/// Checks that a token is an acceptor's NegTokenInit2, or the NegTokenInit that some acceptors begin with.
pub(super) fn parse_init2(token: &[u8]) -> Result<(), GssError> {
    match parse_framed(token)? {
        NegotiationToken::Init(_) | NegotiationToken::Init2(_) => Ok(()),
        NegotiationToken::Resp(_) => Err(broken("expected a NegTokenInit2, but found a NegTokenResp")),
    }
}

fn parse_framed(token: &[u8]) -> Result<NegotiationToken<'_>, GssError> {
    check_length(token)?;
    let (oid, inner) = gss_token::unwrap(token)?;
    if oid != oids::SPNEGO {
        return Err(broken(
            "expected a SPNEGO token, but found one of another mechanism",
        ));
    }
    Ok(decode(inner)?)
}

/// Reads a NegTokenResp, which has no framing.
pub(super) fn parse_resp(token: &[u8]) -> Result<Response<'_>, GssError> {
    check_length(token)?;
    if token.is_empty() {
        return Err(broken("expected a NegTokenResp, but found an empty token"));
    }
    if gss_token::peek(token) != gss_token::TokenKind::NegTokenResp {
        return Err(broken("expected a NegTokenResp, but found another token"));
    }
    match decode(token)? {
        NegotiationToken::Resp(response) => {
            if response.neg_state.is_some_and(|state| state.name().is_none()) {
                return Err(broken("expected a negState of 0 to 3, but found another"));
            }
            Ok(Response {
                state: response.neg_state,
                supported_mech: response.supported_mech,
                token: response.response_token,
                mic: response.mech_list_mic,
            })
        }
        NegotiationToken::Init(_) | NegotiationToken::Init2(_) => {
            Err(broken("expected a NegTokenResp, but found a NegTokenInit"))
        }
    }
}

fn check_length(token: &[u8]) -> Result<(), GssError> {
    if token.len() <= MAX_CONTEXT_TOKEN_LEN {
        return Ok(());
    }
    let (length, most) = (token.len(), MAX_CONTEXT_TOKEN_LEN);
    Err(Cause::TokenTooLong {
        token: "SPNEGO token",
        length,
        most,
    }
    .into())
}

/// The encoded mechTypes.
pub(super) fn encode_mech_list(mechs: &[ObjectIdentifier]) -> Result<Vec<u8>, GssError> {
    Ok(encode(&mechs.to_vec())?)
}

/// A NegTokenInit in its framing, around an encoded list.
pub(super) fn encode_init(mech_list: &[u8], mech_token: Option<&[u8]>) -> Result<Vec<u8>, GssError> {
    let init = NegTokenInit {
        mech_types: Raw::parse(mech_list)?,
        req_flags: None,
        mech_token,
        mech_list_mic: None,
    };
    Ok(gss_token::wrap(
        oids::SPNEGO,
        &encode(&NegotiationToken::Init(init))?,
    ))
}

/// A NegTokenInit2 in its framing.
pub(super) fn encode_init2(mechs: &[ObjectIdentifier], hint_name: &[u8]) -> Result<Vec<u8>, GssError> {
    let mech_list = encode_mech_list(mechs)?;
    let init = NegTokenInit2 {
        mech_types: Some(Raw::parse(&mech_list)?),
        req_flags: None,
        mech_token: None,
        neg_hints: Some(NegHints {
            hint_name: Some(KerberosString::new(hint_name)),
            hint_address: None,
        }),
        mech_list_mic: None,
    };
    Ok(gss_token::wrap(
        oids::SPNEGO,
        &encode(&NegotiationToken::Init2(init))?,
    ))
}
