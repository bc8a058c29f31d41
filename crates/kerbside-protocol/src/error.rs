//! What can go wrong in an exchange, by whose fault it is.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{
    AddressType, DecodeError, EncodeError, ErrorCode, KerberosTime, MsgType, PaDataType, Principal, Realm,
    TicketFlags,
};
use kerbside_crypto::{CryptoError, EncryptionType};

use crate::PVNO;
use crate::error_data::ErrorData;
use crate::time::{Difference, Now, Span};

/// Why an exchange ended without its result.
#[derive(Debug)]
#[non_exhaustive]
pub enum ProtocolError {
    // --- bad bytes ---
    /// Bytes that are not the message they should be.
    Decode(DecodeError),
    /// A message of another kind than the exchange has at this point.
    UnexpectedMessage {
        /// What was due.
        expected: &'static str,
        /// What came, as far as its first byte tells.
        found: Option<MsgType>,
    },
    /// A message of another version of the protocol.
    Version {
        /// The message.
        message: &'static str,
        /// Its version.
        found: i32,
    },
    // --- the peer broke a rule ---
    /// An answer that decodes, but is not the answer to what was asked.
    Misbehaved {
        /// Who gave it.
        by: Refuser,
        /// What is wrong with it.
        what: Box<Misbehaviour>,
    },
    // --- the peer refused ---
    /// A KRB-ERROR. Nobody vouches for it: it is not authenticated.
    Refused(Box<Refusal>),
    /// An AP-REQ that we refuse.
    ApReq(Box<ApRefusal>),
    // --- policy ---
    /// The clocks differ by more than the policy allows.
    ClockSkew {
        /// Whose clock.
        by: Refuser,
        /// How far it is ahead of ours, in seconds (negative: behind).
        ahead_seconds: i64,
        /// The largest difference allowed, in seconds.
        allowed_seconds: i64,
    },
    /// The KDC knows no key of the client of an enctype that we asked for.
    NoCommonEnctype {
        /// The client.
        client: Principal,
        /// What we asked for, best first.
        asked: Vec<EncryptionType>,
        /// What the KDC offers.
        offered: Vec<EncryptionType>,
    },
    /// The KDC offers no pre-authentication that is built here.
    NoCommonPreauth {
        /// The KDC's realm.
        realm: Realm,
        /// What it offers.
        offered: Vec<PaDataType>,
    },
    /// A cryptographic operation was refused: iteration count, enctype, length.
    Crypto {
        /// What was being done.
        doing: &'static str,
        /// Why it was refused.
        source: CryptoError,
    },
    // --- credentials ---
    /// What the KDC sent does not decrypt with the key at hand.
    WrongReplyKey {
        /// Whose key was used.
        principal: Principal,
        /// Its enctype.
        enctype: EncryptionType,
        /// The key version the KDC says it used.
        kvno: Option<u32>,
    },
    /// The answer to a question brings a key of an enctype that is not among the candidates.
    KeyNotCandidate {
        /// Whose key was asked for.
        principal: Principal,
        /// The enctypes that would do.
        candidates: Vec<EncryptionType>,
        /// The key's enctype.
        found: EncryptionType,
    },
    // --- not built ---
    /// A part of Kerberos that kerbside does not have yet.
    NotBuilt {
        /// Its name.
        what: &'static str,
        /// What called for it.
        because: String,
    },
    // --- misuse ---
    /// Arguments that make no request.
    Misuse(&'static str),
    /// A message that cannot be encoded from what the caller gave.
    Encode(EncodeError),
    /// A time outside of what can be represented.
    TimeOutOfRange,
}

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// A KDC of this realm.
    Kdc(Realm),
    /// The service with this name.
    Service(Principal),
}

/// What is wrong with an answer that decodes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Misbehaviour {
    /// The reply answers another request.
    Nonce {
        /// The request's nonce.
        expected: u32,
        /// The reply's.
        found: u32,
    },
    /// The ticket is for another client.
    Client {
        /// Who asked.
        expected: Principal,
        /// Whose ticket it is.
        found: Principal,
    },
    /// The encrypted part names another service than the one asked for (CVE-2017-11103).
    Server {
        /// The service asked for.
        expected: Principal,
        /// The one in the encrypted part.
        found: Principal,
    },
    /// The ticket in clear names another service than the encrypted part.
    TicketServer {
        /// The service in the encrypted part.
        expected: Principal,
        /// The one on the ticket.
        found: Principal,
    },
    /// The reply is encrypted with an enctype nobody asked for.
    ReplyEnctype {
        /// What would do.
        expected: Vec<EncryptionType>,
        /// What came.
        found: EncryptionType,
    },
    /// The session key has an enctype nobody asked for.
    SessionKeyEnctype {
        /// What was asked for.
        expected: Vec<EncryptionType>,
        /// What came.
        found: EncryptionType,
    },
    /// A time in the reply contradicts the request or another time.
    Time {
        /// The rule that is broken.
        rule: &'static str,
        /// The limit.
        limit: KerberosTime,
        /// The time in the reply.
        found: KerberosTime,
    },
    /// Flags that were not asked for and are not the KDC's to give.
    Flags {
        /// Those flags.
        unasked: TicketFlags,
    },
    /// The reply is bound to other addresses than asked for.
    Addresses,
    /// The reply says that it protects the request, but brings no checksum.
    EncPaRepMissing,
    /// The checksum over the request does not fit: somebody changed the request on its way.
    EncPaRepChecksum,
    /// The reply's key is not one that its own enctype can have, or a field is not what it must be.
    Field(&'static str),
    /// The KDC asks for pre-authentication again after it was given.
    PreauthAgain,
    /// "Too big for UDP", over a stream.
    TooBigOverStream,
    /// More round trips than an exchange may take.
    TooManyRounds {
        /// How many are allowed.
        limit: u32,
    },
    /// The AP-REP does not decrypt with the session key.
    ApRepIntegrity,
    /// The AP-REP answers another AP-REQ.
    ApRepMismatch,
}

/// A KRB-ERROR that ended the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Who refused.
    pub by: Refuser,
    /// The code of RFC 4120 7.5.9.
    pub code: ErrorCode,
    /// Who asked, if a client did.
    pub client: Option<Principal>,
    /// The service asked for.
    pub server: Principal,
    /// The peer's text, as bytes of an unknown charset.
    pub e_text: Option<Vec<u8>>,
    /// The peer's clock.
    pub server_time: Now,
    /// What the e-data says.
    pub e_data: Option<ErrorData>,
}

/// Why an AP-REQ is refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ApRefusal {
    /// The ticket does not decrypt with the key given.
    TicketIntegrity {
        /// The service on the ticket.
        server: Principal,
        /// The ticket's enctype.
        enctype: EncryptionType,
        /// The ticket's key version.
        kvno: Option<u32>,
    },
    /// The key given is of another enctype than the ticket.
    TicketEnctype {
        /// The service on the ticket.
        server: Principal,
        /// The ticket's enctype.
        expected: EncryptionType,
        /// The key's.
        found: EncryptionType,
    },
    /// The authenticator does not decrypt with the ticket's session key.
    AuthenticatorIntegrity {
        /// The ticket's client.
        client: Principal,
    },
    /// The authenticator names another client than the ticket.
    ClientMismatch {
        /// The ticket's client.
        expected: Principal,
        /// The one in the authenticator.
        found: Principal,
    },
    /// The authenticator's time is too far from ours.
    Skew {
        /// The ticket's client.
        client: Principal,
        /// How far its clock is ahead of ours, in seconds (negative: behind).
        ahead_seconds: i64,
        /// The largest difference allowed, in seconds.
        allowed_seconds: i64,
    },
    /// The ticket's start time has not come.
    NotYetValid {
        /// The start time.
        starttime: KerberosTime,
        /// Our time.
        now: KerberosTime,
    },
    /// The ticket carries the INVALID flag: the KDC has to validate it first.
    Invalid,
    /// The ticket's end time has passed.
    Expired {
        /// The end time.
        endtime: KerberosTime,
        /// Our time.
        now: KerberosTime,
    },
    /// The ticket is bound to addresses, and the peer's is not among them.
    Address {
        /// The peer's address type.
        address_type: AddressType,
    },
    /// A TGS-REQ whose authenticator carries no checksum over the request.
    ChecksumMissing,
    /// A TGS-REQ whose checksum is not the session key's own keyed type.
    ChecksumType(CryptoError),
    /// A TGS-REQ whose body is not the one that was checksummed.
    ChecksumWrong,
    /// The authenticator was used before.
    Replayed {
        /// The ticket's client.
        client: Principal,
    },
    /// The replay cache cannot tell.
    ReplayCacheUnavailable,
}

impl ApRefusal {
    /// The code that tells the peer (RFC 4120 3.2.3, 3.3.3).
    pub fn code(&self) -> ErrorCode {
        match self {
            Self::TicketIntegrity { .. } | Self::AuthenticatorIntegrity { .. } => {
                ErrorCode::KRB_AP_ERR_BAD_INTEGRITY
            }
            Self::TicketEnctype { .. } => ErrorCode::KRB_AP_ERR_NOKEY,
            Self::ClientMismatch { .. } => ErrorCode::KRB_AP_ERR_BADMATCH,
            Self::Skew { .. } => ErrorCode::KRB_AP_ERR_SKEW,
            Self::NotYetValid { .. } | Self::Invalid => ErrorCode::KRB_AP_ERR_TKT_NYV,
            Self::Expired { .. } => ErrorCode::KRB_AP_ERR_TKT_EXPIRED,
            Self::Address { .. } => ErrorCode::KRB_AP_ERR_BADADDR,
            Self::ChecksumMissing | Self::ChecksumType(_) => ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
            Self::ChecksumWrong => ErrorCode::KRB_AP_ERR_MODIFIED,
            Self::Replayed { .. } => ErrorCode::KRB_AP_ERR_REPEAT,
            Self::ReplayCacheUnavailable => ErrorCode::KRB_ERR_GENERIC,
        }
    }
}

impl ProtocolError {
    /// The code of RFC 4120 7.5.9 that says the same: the peer's own where it refused, ours where we refuse an AP-REQ.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) => Some(refusal.code),
            Self::ApReq(refusal) => Some(refusal.code()),
            Self::ClockSkew { .. } => Some(ErrorCode::KRB_AP_ERR_SKEW),
            Self::Version { .. } => Some(ErrorCode::KRB_AP_ERR_BADVERSION),
            Self::UnexpectedMessage { .. } => Some(ErrorCode::KRB_AP_ERR_MSG_TYPE),
            Self::Misbehaved { what, .. } => Some(match **what {
                Misbehaviour::ApRepIntegrity | Misbehaviour::ApRepMismatch => ErrorCode::KRB_AP_ERR_MUT_FAIL,
                _ => ErrorCode::KRB_AP_ERR_MODIFIED,
            }),
            Self::NoCommonEnctype { .. } => Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP),
            Self::WrongReplyKey { .. } => Some(ErrorCode::KRB_AP_ERR_BAD_INTEGRITY),
            _ => None,
        }
    }

    /// The check that every message starts with: its version, and that its type is the one that its tag says.
    pub(crate) fn require_message(
        message: &'static str,
        expected: MsgType,
        pvno: i32,
        found: MsgType,
    ) -> Result<(), Self> {
        if pvno != PVNO {
            return Err(Self::Version { message, found: pvno });
        }
        if found != expected {
            return Err(Self::UnexpectedMessage {
                expected: message,
                found: Some(found),
            });
        }
        Ok(())
    }

    pub(crate) fn misbehaved(by: Refuser, what: Misbehaviour) -> Self {
        Self::Misbehaved {
            by,
            what: Box::new(what),
        }
    }

    pub(crate) fn crypto(doing: &'static str) -> impl FnOnce(CryptoError) -> Self {
        move |source| Self::Crypto { doing, source }
    }
}

impl From<DecodeError> for ProtocolError {
    fn from(error: DecodeError) -> Self {
        Self::Decode(error)
    }
}

impl From<EncodeError> for ProtocolError {
    fn from(error: EncodeError) -> Self {
        Self::Encode(error)
    }
}

impl From<ApRefusal> for ProtocolError {
    fn from(refusal: ApRefusal) -> Self {
        Self::ApReq(Box::new(refusal))
    }
}

impl core::error::Error for ProtocolError {}
impl core::error::Error for ApRefusal {}
impl core::error::Error for Misbehaviour {}
impl core::error::Error for Refusal {}

impl fmt::Display for ProtocolError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::UnexpectedMessage {
                expected,
                found: Some(found),
            } => {
                write!(f, "expected {expected}, but found {found}")
            }
            Self::UnexpectedMessage {
                expected,
                found: None,
            } => {
                write!(
                    f,
                    "expected {expected}, but found bytes that are no Kerberos message"
                )
            }
            Self::Version { message, found } => write!(
                f,
                "protocol version of the {message}: expected {PVNO}, but found {found}: {}",
                ErrorCode::KRB_AP_ERR_BADVERSION
            ),
            Self::Misbehaved { by, what } => write!(f, "{by} broke a rule: {what}"),
            Self::Refused(refusal) => refusal.fmt(f),
            Self::ApReq(refusal) => refusal.fmt(f),
            Self::ClockSkew {
                by,
                ahead_seconds,
                allowed_seconds,
            } => write!(
                f,
                "clock skew too great with {by}: {}: its clock is {}, allowed {}",
                ErrorCode::KRB_AP_ERR_SKEW,
                Difference(*ahead_seconds),
                Span(*allowed_seconds)
            ),
            Self::NoCommonEnctype {
                client,
                asked,
                offered,
            } => {
                write!(
                    f,
                    "no common enctype for {client}: asked for {}, but the KDC offers {}",
                    List(asked),
                    List(offered)
                )
            }
            Self::NoCommonPreauth { realm, offered } => write!(
                f,
                "the KDC of {realm} offers no pre-authentication that is built here: expected {}, but found {}",
                PaDataType::PA_ENC_TIMESTAMP,
                List(offered)
            ),
            Self::Crypto { doing, source } => write!(f, "{doing}: {source}"),
            Self::WrongReplyKey {
                principal,
                enctype,
                kvno,
            } => {
                write!(
                    f,
                    "the reply does not decrypt with the key of {principal} ({enctype}"
                )?;
                if let Some(kvno) = kvno {
                    write!(f, ", kvno {kvno}")?;
                }
                write!(f, "): wrong password or key")
            }
            Self::KeyNotCandidate {
                principal,
                candidates,
                found,
            } => {
                write!(
                    f,
                    "key of {principal}: expected {}, but found {found}",
                    List(candidates)
                )
            }
            Self::NotBuilt { what, because } => write!(f, "{what} are not built yet: {because}"),
            Self::Misuse(what) => f.write_str(what),
            Self::TimeOutOfRange => f.write_str("a time is out of range"),
        }
    }
}

impl fmt::Display for Refuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdc(realm) => write!(f, "the KDC of {realm}"),
            Self::Service(service) => write!(f, "the service {service}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused ", self.by)?;
        match (&self.client, &self.by) {
            (Some(client), Refuser::Kdc(_)) => write!(f, "{client} a ticket for {}", self.server)?,
            (Some(client), Refuser::Service(_)) => write!(f, "{client}")?,
            (None, Refuser::Kdc(_)) => write!(f, "a ticket for {}", self.server)?,
            (None, Refuser::Service(_)) => f.write_str("the request")?,
        }
        write!(f, ": {}", self.code)?;
        if let Some(description) = self.code.description().filter(|text| !text.is_empty()) {
            write!(f, ": {description}")?;
        }
        if let Some(text) = self.e_text.as_deref().filter(|text| !text.is_empty()) {
            write!(f, " (\"{}\")", Escaped(text))?;
        }
        if let Some(data @ ErrorData::NtStatus(_)) = &self.e_data {
            write!(f, " ({data})")?;
        }
        Ok(())
    }
}

impl fmt::Display for Misbehaviour {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Nonce { expected, found } => write!(f, "nonce: expected {expected}, but found {found}"),
            Self::Client { expected, found } => write!(f, "client: expected {expected}, but found {found}"),
            Self::Server { expected, found } => {
                write!(
                    f,
                    "service in the encrypted part: expected {expected}, but found {found}"
                )
            }
            Self::TicketServer { expected, found } => {
                write!(f, "service on the ticket: expected {expected}, but found {found}")
            }
            Self::ReplyEnctype { expected, found } => {
                write!(
                    f,
                    "enctype of the reply: expected {}, but found {found}",
                    List(expected)
                )
            }
            Self::SessionKeyEnctype { expected, found } => {
                write!(
                    f,
                    "enctype of the session key: expected {}, but found {found}",
                    List(expected)
                )
            }
            Self::Time { rule, limit, found } => write!(f, "{rule}: expected {limit}, but found {found}"),
            Self::Flags { unasked } => {
                f.write_str("ticket flags that nobody asked for:")?;
                unasked.names().try_for_each(|name| write!(f, " {name}"))
            }
            Self::Addresses => f.write_str("the ticket is bound to other addresses than asked for"),
            Self::EncPaRepMissing => write!(
                f,
                "the ticket has the enc-pa-rep flag, but {} is missing",
                PaDataType::PA_REQ_ENC_PA_REP
            ),
            Self::EncPaRepChecksum => {
                f.write_str("the request was changed on its way: its checksum in the reply does not fit")
            }
            Self::Field(what) => f.write_str(what),
            Self::PreauthAgain => f.write_str("it asks for pre-authentication again after it was given"),
            Self::TooBigOverStream => write!(f, "{} over a stream", ErrorCode::KRB_ERR_RESPONSE_TOO_BIG),
            Self::TooManyRounds { limit } => write!(f, "more than {limit} round trips in one exchange"),
            Self::ApRepIntegrity => f.write_str("the AP-REP does not decrypt with the session key"),
            Self::ApRepMismatch => f.write_str("the AP-REP answers another AP-REQ"),
        }
    }
}

impl fmt::Display for ApRefusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TicketIntegrity {
                server,
                enctype,
                kvno,
            } => {
                write!(f, "the ticket for {server} ({enctype}")?;
                if let Some(kvno) = kvno {
                    write!(f, ", kvno {kvno}")?;
                }
                f.write_str(") does not decrypt with the key at hand")?;
            }
            Self::TicketEnctype {
                server,
                expected,
                found,
            } => {
                write!(
                    f,
                    "key for the ticket for {server}: expected {expected}, but found {found}"
                )?;
            }
            Self::AuthenticatorIntegrity { client } => {
                write!(
                    f,
                    "the authenticator of {client} does not decrypt with the ticket's session key"
                )?;
            }
            Self::ClientMismatch { expected, found } => {
                write!(
                    f,
                    "client in the authenticator: expected {expected}, but found {found}"
                )?;
            }
            Self::Skew {
                client,
                ahead_seconds,
                allowed_seconds,
            } => write!(
                f,
                "clock skew too great with {client}: its clock is {}, allowed {}",
                Difference(*ahead_seconds),
                Span(*allowed_seconds)
            )?,
            Self::NotYetValid { starttime, now } => {
                write!(f, "the ticket starts at {starttime}, and it is {now}")?
            }
            Self::Invalid => {
                f.write_str("the ticket has the invalid flag and needs validation by the KDC")?
            }
            Self::Expired { endtime, now } => write!(f, "the ticket ended at {endtime}, and it is {now}")?,
            Self::Address { address_type } => {
                write!(
                    f,
                    "the ticket is bound to addresses, and the peer's ({address_type}) is not among them"
                )?;
            }
            Self::ChecksumMissing => f.write_str("the authenticator carries no checksum over the request")?,
            Self::ChecksumType(source) => write!(f, "checksum over the request: {source}")?,
            Self::ChecksumWrong => f.write_str("the request is not the one that was checksummed")?,
            Self::Replayed { client } => write!(f, "the authenticator of {client} was used before")?,
            Self::ReplayCacheUnavailable => {
                f.write_str("the replay cache cannot tell whether the request is new")?
            }
        }
        write!(f, ": {}", self.code())
    }
}

/// Several things in one line, or `nothing`.
struct List<'a, T>(&'a [T]);

impl<T: fmt::Display> fmt::Display for List<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("nothing");
        }
        for (index, item) in self.0.iter().enumerate() {
            write!(f, "{}{item}", if index == 0 { "" } else { ", " })?;
        }
        Ok(())
    }
}

/// Foreign text on its way to a terminal or a log: control characters and quotes are escaped.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}
