//! SPNEGO: `NegTokenInit`, Microsoft's `NegTokenInit2`, `NegTokenResp`.

use alloc::vec::Vec;
use core::fmt;

use der::asn1::ObjectIdentifier;

use crate::codec::{self, Decode, DecodeValue, Element, Encode, EncodeValue, sequence};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{KerberosString, Raw, tag};

/// The most mechanisms taken in one list.
pub const MAX_MECH_TYPES: usize = 32;

impl Element for ObjectIdentifier {
    const MAX_COUNT: usize = MAX_MECH_TYPES;
}

/// A token of the negotiation. The first one travels in the frame of [`gss_token`](crate::gss_token), the others bare.
///
/// ```text
/// NegotiationToken ::= CHOICE {
///         negTokenInit    [0] NegTokenInit,
///         negTokenResp    [1] NegTokenResp
/// }
/// ```
///
/// RFC 4178 4.2. An initiator's first token with `negHints` is Microsoft's NegTokenInit2 (MS-SPNG 2.2.1).
#[derive(Clone, Debug)]
pub enum NegotiationToken<'a> {
    /// An initiator's first token.
    Init(NegTokenInit<'a>),
    /// An acceptor's first token, sent before the initiator has spoken.
    Init2(NegTokenInit2<'a>),
    /// Any later token.
    Resp(NegTokenResp<'a>),
}

const NEG_TOKEN_INIT: u8 = tag::context(0);
const NEG_TOKEN_RESP: u8 = tag::context(1);
const HINTS_OR_MIC: u8 = tag::context(3);
const MIC_AFTER_HINTS: u8 = tag::context(4);

impl<'a> Decode<'a> for NegotiationToken<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match reader.peek_tag() {
            Some(NEG_TOKEN_RESP) => {
                codec::decode_tlv(reader, NEG_TOKEN_RESP, NegTokenResp::decode).map(Self::Resp)
            }
            _ => codec::decode_tlv(reader, NEG_TOKEN_INIT, |reader| {
                if has_neg_hints(reader.clone()) {
                    NegTokenInit2::decode(reader).map(Self::Init2)
                } else {
                    NegTokenInit::decode(reader).map(Self::Init)
                }
            }),
        }
    }
}

/// Whether `[3]` holds a SEQUENCE (`negHints`) rather than an OCTET STRING (`mechListMIC`), or an OCTET STRING stands in `[4]`.
fn has_neg_hints(mut reader: Reader<'_>) -> bool {
    let Ok(mut fields) = reader.enter(tag::SEQUENCE) else {
        return false;
    };
    while let Some(number) = fields.peek_tag() {
        let Ok(field) = fields.enter(number) else {
            return false;
        };
        match (number, field.peek_tag()) {
            (HINTS_OR_MIC, Some(tag::SEQUENCE)) | (MIC_AFTER_HINTS, Some(tag::OCTET_STRING)) => return true,
            _ => {}
        }
    }
    false
}

impl Encode for NegotiationToken<'_> {
    fn encoded_len(&self) -> usize {
        codec::tlv_len(match self {
            Self::Init(token) => token.encoded_len(),
            Self::Init2(token) => token.encoded_len(),
            Self::Resp(token) => token.encoded_len(),
        })
    }

    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        match self {
            Self::Init(token) => codec::encode_tlv(writer, NEG_TOKEN_INIT, |writer| token.encode(writer)),
            Self::Init2(token) => codec::encode_tlv(writer, NEG_TOKEN_INIT, |writer| token.encode(writer)),
            Self::Resp(token) => codec::encode_tlv(writer, NEG_TOKEN_RESP, |writer| token.encode(writer)),
        }
    }
}

sequence! {
    /// The initiator's mechanisms, and the first token of the one it hopes for.
    ///
    /// ```text
    /// NegTokenInit ::= SEQUENCE {
    ///         mechTypes       [0] MechTypeList,
    ///         reqFlags        [1] ContextFlags  OPTIONAL,
    ///           -- inherited from RFC 2478 for backward compatibility,
    ///           -- RECOMMENDED to be left out
    ///         mechToken       [2] OCTET STRING  OPTIONAL,
    ///         mechListMIC     [3] OCTET STRING  OPTIONAL,
    ///         ...
    /// }
    /// MechTypeList ::= SEQUENCE OF MechType
    /// MechType ::= OBJECT IDENTIFIER
    /// ```
    ///
    /// RFC 4178 4.2.1.
    #[derive(Clone, Debug)]
    pub struct NegTokenInit<'a> {
        /// The mechanisms, best first, with their bytes: `mech_list_mic` covers them.
        pub mech_types: Raw<'a, Vec<ObjectIdentifier>> = [0],
        /// Old; ignored.
        pub req_flags: Option<ReqFlags> = [1],
        /// The first token of the first mechanism.
        pub mech_token: Option<&'a [u8]> = [2],
        /// A MIC over `mech_types`.
        pub mech_list_mic: Option<&'a [u8]> = [3],
    } ...
}

sequence! {
    /// An acceptor's mechanisms, sent before the initiator has spoken.
    ///
    /// ```text
    /// NegTokenInit2 ::= SEQUENCE {
    ///         mechTypes       [0] MechTypeList  OPTIONAL,
    ///         reqFlags        [1] ContextFlags  OPTIONAL,
    ///         mechToken       [2] OCTET STRING  OPTIONAL,
    ///         negHints        [3] NegHints      OPTIONAL,
    ///         mechListMIC     [4] OCTET STRING  OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// MS-SPNG 2.2.1.
    #[derive(Clone, Debug)]
    pub struct NegTokenInit2<'a> {
        /// The mechanisms, best first, with their bytes.
        pub mech_types: Option<Raw<'a, Vec<ObjectIdentifier>>> = [0],
        /// Old; ignored.
        pub req_flags: Option<ReqFlags> = [1],
        /// The first token of the first mechanism.
        pub mech_token: Option<&'a [u8]> = [2],
        /// Hints at the acceptor's name; never to be trusted.
        pub neg_hints: Option<NegHints<'a>> = [3],
        /// A MIC over `mech_types`.
        pub mech_list_mic: Option<&'a [u8]> = [4],
    } ...
}

sequence! {
    /// Hints at the acceptor's name. Windows sends `not_defined_in_RFC4178@please_ignore`.
    ///
    /// ```text
    /// NegHints ::= SEQUENCE {
    ///         hintName        [0] GeneralString OPTIONAL,
    ///         hintAddress     [1] OCTET STRING  OPTIONAL
    /// }
    /// ```
    ///
    /// MS-SPNG 2.2.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct NegHints<'a> {
        /// A name.
        pub hint_name: Option<KerberosString<'a>> = [0],
        /// An address.
        pub hint_address: Option<&'a [u8]> = [1],
    }
}

sequence! {
    /// The state of the negotiation, and a token of the chosen mechanism.
    ///
    /// ```text
    /// NegTokenResp ::= SEQUENCE {
    ///         negState       [0] ENUMERATED {
    ///             accept-completed    (0),
    ///             accept-incomplete   (1),
    ///             reject              (2),
    ///             request-mic         (3)
    ///         }                                 OPTIONAL,
    ///           -- REQUIRED in the first reply from the target
    ///         supportedMech   [1] MechType      OPTIONAL,
    ///           -- present only in the first reply from the target
    ///         responseToken   [2] OCTET STRING  OPTIONAL,
    ///         mechListMIC     [3] OCTET STRING  OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4178 4.2.2.
    #[derive(Clone, Debug, Default)]
    pub struct NegTokenResp<'a> {
        /// Where the acceptor stands.
        pub neg_state: Option<NegState> = [0],
        /// The chosen mechanism.
        pub supported_mech: Option<ObjectIdentifier> = [1],
        /// A token of the chosen mechanism.
        pub response_token: Option<&'a [u8]> = [2],
        /// A MIC over the initiator's `mech_types`.
        pub mech_list_mic: Option<&'a [u8]> = [3],
    } ...
}

/// The `ContextFlags` of RFC 2478: a BIT STRING nobody uses, kept so that what has it can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ReqFlags(pub u8);

impl DecodeValue<'_> for ReqFlags {
    const TAG: u8 = tag::BIT_STRING;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        let [first, ..] = crate::flags::decode_bits(contents)?.to_be_bytes();
        Ok(Self(first))
    }
}

/// Seven bits, as RFC 2478 has them.
impl EncodeValue for ReqFlags {
    const TAG: u8 = tag::BIT_STRING;

    fn value_len(&self) -> usize {
        2
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(&[1, self.0 & 0xfe])
    }
}

/// Where an acceptor stands in the negotiation: the `negState` of RFC 4178 4.2.2.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NegState(pub u8);

impl NegState {
    /// Done, the context stands.
    pub const ACCEPT_COMPLETED: Self = Self(0);
    /// More tokens are needed.
    pub const ACCEPT_INCOMPLETE: Self = Self(1);
    /// Refused.
    pub const REJECT: Self = Self(2);
    /// As incomplete, and a MIC over the mechanism list is asked for.
    pub const REQUEST_MIC: Self = Self(3);

    /// The RFC's name.
    pub const fn name(self) -> Option<&'static str> {
        match self {
            Self::ACCEPT_COMPLETED => Some("accept-completed"),
            Self::ACCEPT_INCOMPLETE => Some("accept-incomplete"),
            Self::REJECT => Some("reject"),
            Self::REQUEST_MIC => Some("request-mic"),
            _ => None,
        }
    }
}

impl fmt::Display for NegState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => write!(f, "{name} ({})", self.0),
            None => write!(f, "NegState {}", self.0),
        }
    }
}

impl fmt::Debug for NegState {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl DecodeValue<'_> for NegState {
    const TAG: u8 = tag::ENUMERATED;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match contents.rest() {
            [state @ 0..=0x7f] => Ok(Self(*state)),
            _ => Err(contents.bad_value("an ENUMERATED of one octet")),
        }
    }
}

impl EncodeValue for NegState {
    const TAG: u8 = tag::ENUMERATED;

    fn value_len(&self) -> usize {
        1
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(&[self.0])
    }
}
