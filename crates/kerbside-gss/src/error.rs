//! What can go wrong in a context and in its messages.

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{DecodeError, EncodeError, ErrorCode, KerberosTime, Principal};
use kerbside_crypto::{CryptoError, EncryptionType};
use kerbside_pac::PacError;
use kerbside_protocol::{Now, ProtocolError};

use crate::flags::ContextFlags;
use crate::key_source::{HeldKey, KeySourceError};

/// A refused token, or a refused wish of the caller.
///
/// The context that it happened to is gone, except for per-message calls, which leave the context as it was.
#[derive(Debug)]
pub struct GssError {
    cause: Box<Cause>,
    token: Option<Vec<u8>>,
}

impl GssError {
    /// What happened.
    #[must_use]
    pub fn cause(&self) -> &Cause {
        &self.cause
    }

    /// The kind of failure, in RFC 2743's terms.
    #[must_use]
    pub fn major(&self) -> Major {
        self.cause.major()
    }

    /// A token that tells the peer of the failure (a KRB-ERROR, a SPNEGO `reject`), if there is one to send.
    #[must_use]
    pub fn token(&self) -> Option<&[u8]> {
        self.token.as_deref()
    }

    /// The token for the peer, taken out.
    pub fn take_token(&mut self) -> Option<Vec<u8>> {
        self.token.take()
    }

    /// The protocol's error code: the peer's own, or the one this failure has in RFC 4120 7.5.9.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        self.cause.code()
    }

    /// The peer's clock, when it refused with a KRB-ERROR: for a skewed clock, what to make the next token by. Nobody
    /// vouches for it.
    #[must_use]
    pub fn peer_time(&self) -> Option<Now> {
        match &*self.cause {
            Cause::Protocol(ProtocolError::Refused(refusal)) => Some(refusal.server_time),
            _ => None,
        }
    }

    pub(crate) fn with_token(mut self, token: Option<Vec<u8>>) -> Self {
        self.token = token;
        self
    }
}

impl From<Cause> for GssError {
    fn from(cause: Cause) -> Self {
        Self {
            cause: Box::new(cause),
            token: None,
        }
    }
}

impl From<ProtocolError> for GssError {
    fn from(error: ProtocolError) -> Self {
        Cause::Protocol(error).into()
    }
}

impl From<DecodeError> for GssError {
    fn from(error: DecodeError) -> Self {
        Cause::Decode(error).into()
    }
}

impl From<EncodeError> for GssError {
    fn from(error: EncodeError) -> Self {
        Cause::Encode(error).into()
    }
}

impl From<CryptoError> for GssError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::IntegrityFailure { .. } => Cause::BadMic.into(),
            other => Cause::Crypto(other).into(),
        }
    }
}

impl fmt::Display for GssError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.cause.fmt(f)
    }
}

impl core::error::Error for GssError {
    fn source(&self) -> Option<&(dyn core::error::Error + 'static)> {
        // The causes that wrap another crate's error print it whole, so what is below that error comes next.
        match &*self.cause {
            Cause::Protocol(error) => error.source(),
            Cause::Mechanism { error, .. } => error.source(),
            Cause::Pac(error) => error.source(),
            _ => None,
        }
    }
}

/// RFC 2743's major status codes, as far as they occur here.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Major {
    /// No mechanism that both sides have (`GSS_S_BAD_MECH`).
    BadMech,
    /// A name that is none (`GSS_S_BAD_NAME`).
    BadName,
    /// A type of names that is not known (`GSS_S_BAD_NAMETYPE`).
    BadNameType,
    /// Channel bindings missing or different (`GSS_S_BAD_BINDINGS`).
    BadBindings,
    /// A token that is malformed or not due now (`GSS_S_DEFECTIVE_TOKEN`).
    DefectiveToken,
    /// A checksum that does not match (`GSS_S_BAD_SIG`, `GSS_S_BAD_MIC`).
    BadMic,
    /// No key or ticket for this (`GSS_S_NO_CRED`).
    NoCredential,
    /// The ticket is expired or not yet valid (`GSS_S_CREDENTIALS_EXPIRED`).
    CredentialsExpired,
    /// The same token came before (`GSS_S_DUPLICATE_TOKEN`).
    DuplicateToken,
    /// The peer refused (`GSS_S_FAILURE` with its code).
    PeerRefused,
    /// An option that this side does not have (`GSS_S_UNAVAILABLE`).
    Unavailable,
    /// Anything else (`GSS_S_FAILURE`).
    Failure,
}

/// What happened, grouped by whose fault it is.
#[derive(Debug)]
#[non_exhaustive]
pub enum Cause {
    // --- bad bytes
    /// Bytes that are not the type they should be.
    Decode(DecodeError),
    /// A token that is not well-formed, and how.
    DefectiveToken {
        /// The kind of token.
        token: &'static str,
        /// What is wrong with it.
        reason: &'static str,
    },
    /// A token longer than any that is looked at.
    TokenTooLong {
        /// The kind of token.
        token: &'static str,
        /// Its length in octets.
        length: usize,
        /// The most that is accepted.
        most: usize,
    },
    /// A checksum, MIC or decryption that did not verify.
    BadMic,

    // --- the peer broke a rule
    /// A message that this side made itself, or that was made with other keys than the ones in force.
    WrongDirection {
        /// What the flags of the token say.
        reason: &'static str,
    },
    /// The message was only integrity protected where encryption was demanded.
    NotConfidential,
    /// SPNEGO: the rules of negotiation were broken.
    Negotiation {
        /// Which rule.
        reason: &'static str,
    },
    /// SPNEGO: none of the offered mechanisms is accepted here.
    NoCommonMechanism {
        /// What was offered, by name where there is one.
        offered: Vec<String>,
        /// What is accepted.
        accepted: Vec<String>,
    },
    /// SPNEGO: the acceptor chose a mechanism that it was not offered.
    NotOffered {
        /// Its name or object identifier.
        chosen: String,
    },
    /// A token of a mechanism that is not accepted.
    MechanismRefused {
        /// Its name or object identifier.
        mechanism: String,
    },
    /// The authenticator's checksum is not one of GSS-API (RFC 4121 4.1.1).
    AuthenticatorChecksum {
        /// What is wrong with it.
        reason: &'static str,
    },
    /// Something of the protocol that is not built, asked for by the peer.
    PeerAsksUnsupported {
        /// What.
        what: &'static str,
    },

    /// A delegated credential that cannot be taken.
    DelegatedCredential {
        /// What is wrong with it.
        reason: String,
    },
    /// The ticket's PAC does not verify, or is not of the ticket's client.
    Pac(PacError),
    /// A PAC is required, and the ticket has none.
    NoPac,
    /// User-to-user: this side has no ticket-granting ticket to be addressed by, or none that is valid now.
    NoTgt {
        /// Whom the peer wants to speak with, as far as it said.
        wanted: Option<Box<Principal>>,
    },

    /// A key of a type that this side's policy of encryption types refuses.
    KeyNotSupported {
        /// Whose key it is.
        key: &'static str,
        /// Its type.
        enctype: EncryptionType,
    },

    // --- the peer refused; with a KRB-ERROR it is ProtocolError::Refused
    /// The peer ended the SPNEGO negotiation (`reject`).
    PeerRejected,

    // --- policy
    /// Channel bindings do not match.
    BadBindings {
        /// How.
        reason: &'static str,
    },
    /// An exchange that takes more messages than any does.
    TooManyLegs {
        /// The most.
        most: u32,
    },
    /// What a mechanism of another crate has to say.
    Mechanism {
        /// The kind of failure.
        major: Major,
        /// The mechanism's own error.
        error: Box<dyn core::error::Error + Send + Sync>,
    },
    /// This side's own `BindingsTooLong`.
    BindingsTooLong {
        /// Length of a part in octets.
        length: usize,
        /// The most that is accepted.
        most: usize,
    },

    // --- credentials
    /// The ticket is for another service than the configured one.
    WrongService {
        /// The ticket's server.
        ticket: Box<Principal>,
        /// What is served here.
        served: String,
    },
    /// No key of the ticket's service, enctype and version.
    NoKey {
        /// The ticket's server.
        wanted: Box<Principal>,
        /// The ticket's enctype.
        enctype: EncryptionType,
        /// The ticket's kvno, which is not authenticated and only orders the search.
        kvno: Option<u32>,
        /// The keys that were there.
        held: Vec<HeldKey>,
        /// What they are in, where that is known.
        place: Option<String>,
    },
    /// Keys of the ticket's service and enctype were there, and none decrypts it.
    WrongKey {
        /// The ticket's server.
        wanted: Box<Principal>,
        /// The ticket's enctype.
        enctype: EncryptionType,
        /// The ticket's kvno.
        kvno: Option<u32>,
        /// The keys that were tried.
        tried: Vec<HeldKey>,
        /// What they are in, where that is known.
        place: Option<String>,
    },
    /// The initiator's ticket is over.
    CredentialExpired {
        /// The ticket's server.
        server: Box<Principal>,
        /// When it ended.
        end_time: KerberosTime,
        /// The time now, on the realm's clock as far as that is known.
        now: KerberosTime,
    },
    /// The keys could not be read.
    KeySource(KeySourceError),

    // --- the exchange below
    /// The AP exchange failed.
    Protocol(ProtocolError),
    /// A cryptographic operation refused its arguments.
    Crypto(CryptoError),
    /// A message could not be encoded.
    Encode(EncodeError),

    // --- misuse of the API
    /// Flags that this side cannot give.
    UnsupportedFlags {
        /// Which.
        flags: ContextFlags,
        /// Why.
        reason: &'static str,
    },
    /// Buffers given to an in-place call have the wrong length.
    BufferLength {
        /// Which buffer.
        buffer: &'static str,
        /// Octets needed.
        expected: usize,
        /// Octets given.
        found: usize,
    },
    /// A token that tells of the peer's end of the context (RFC 1964 1.2.3). It changes nothing here.
    ContextDeletion,
    /// All sequence numbers are used up: 2^64, or 2^32 with keys older than RFC 4121.
    SequenceExhausted,
    /// Something that contexts of this mechanism, or of keys of this type, do not have.
    Unavailable {
        /// What.
        what: &'static str,
    },
    /// Octets that are no exported context.
    ExportedContext {
        /// What is wrong with them.
        reason: &'static str,
    },
    /// A call that does not fit the state, such as a token before the first one was made.
    Misuse {
        /// What.
        reason: &'static str,
    },
}

impl Cause {
    /// The kind of failure, in RFC 2743's terms.
    #[must_use]
    pub fn major(&self) -> Major {
        match self {
            Self::Decode(_)
            | Self::DefectiveToken { .. }
            | Self::ContextDeletion
            | Self::ExportedContext { .. }
            | Self::TokenTooLong { .. }
            | Self::Negotiation { .. }
            | Self::TooManyLegs { .. }
            | Self::AuthenticatorChecksum { .. } => Major::DefectiveToken,
            Self::BadMic | Self::WrongDirection { .. } | Self::NotConfidential => Major::BadMic,
            Self::NoCommonMechanism { .. } | Self::NotOffered { .. } | Self::MechanismRefused { .. } => {
                Major::BadMech
            }
            Self::PeerRejected | Self::Protocol(ProtocolError::Refused(_)) => Major::PeerRefused,
            Self::BadBindings { .. } | Self::BindingsTooLong { .. } => Major::BadBindings,
            Self::WrongService { .. } | Self::NoKey { .. } | Self::WrongKey { .. } | Self::KeySource(_) => {
                Major::NoCredential
            }
            Self::CredentialExpired { .. } => Major::CredentialsExpired,
            Self::Mechanism { major, .. } => *major,
            Self::DelegatedCredential { .. } => Major::DefectiveToken,
            Self::NoTgt { .. } => Major::NoCredential,
            Self::Pac(_) | Self::NoPac => Major::Failure,
            Self::Protocol(_) => self.code().map_or(Major::Failure, major_of_code),
            Self::PeerAsksUnsupported { .. }
            | Self::Unavailable { .. }
            | Self::KeyNotSupported { .. }
            | Self::UnsupportedFlags { .. } => Major::Unavailable,
            Self::Crypto(_)
            | Self::Encode(_)
            | Self::BufferLength { .. }
            | Self::SequenceExhausted
            | Self::Misuse { .. } => Major::Failure,
        }
    }

    /// The protocol's error code: the peer's own, or the one this failure has in RFC 4120 7.5.9.
    #[must_use]
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Protocol(error) => error.code(),
            Self::WrongService { .. } => Some(ErrorCode::KRB_AP_ERR_NOT_US),
            Self::NoKey { .. } => Some(ErrorCode::KRB_AP_ERR_NOKEY),
            Self::WrongKey { .. } => Some(ErrorCode::KRB_AP_ERR_MODIFIED),
            Self::CredentialExpired { .. } => Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED),
            Self::AuthenticatorChecksum { .. } => Some(ErrorCode::KRB_AP_ERR_INAPP_CKSUM),
            Self::BadBindings { .. } | Self::DelegatedCredential { .. } | Self::NoPac => {
                Some(ErrorCode::KRB_AP_ERR_BADMATCH)
            }
            Self::Pac(_) => Some(ErrorCode::KRB_AP_ERR_MODIFIED),
            Self::NoTgt { .. } => Some(ErrorCode::KRB_AP_ERR_NO_TGT),
            Self::KeyNotSupported { .. } => Some(ErrorCode::KDC_ERR_ETYPE_NOSUPP),
            _ => None,
        }
    }
}

fn major_of_code(code: ErrorCode) -> Major {
    match code {
        ErrorCode::KRB_AP_ERR_REPEAT => Major::DuplicateToken,
        ErrorCode::KRB_AP_ERR_TKT_EXPIRED | ErrorCode::KRB_AP_ERR_TKT_NYV => Major::CredentialsExpired,
        ErrorCode::KRB_AP_ERR_BAD_INTEGRITY | ErrorCode::KRB_AP_ERR_MODIFIED => Major::BadMic,
        ErrorCode::KRB_AP_ERR_NOKEY | ErrorCode::KRB_AP_ERR_NOT_US | ErrorCode::KRB_AP_ERR_BADKEYVER => {
            Major::NoCredential
        }
        ErrorCode::KRB_AP_ERR_MSG_TYPE | ErrorCode::KRB_AP_ERR_BADVERSION => Major::DefectiveToken,
        _ => Major::Failure,
    }
}

/// A ticket's server, enctype and kvno, for messages.
struct Wanted<'a>(&'a Principal, EncryptionType, Option<u32>);

impl fmt::Display for Wanted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.2 {
            Some(kvno) => write!(f, "{} with {} ({}), kvno {kvno}", self.0, self.1, self.1.0),
            None => write!(f, "{} with {} ({}), no kvno", self.0, self.1, self.1.0),
        }
    }
}

/// A list of keys, for messages.
struct Keys<'a>(&'a [HeldKey]);

/// Words before what the keys are in; nothing where nobody knows.
struct Place<'a>(&'static str, Option<&'a str>);

impl fmt::Display for Place<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.1 {
            Some(place) => write!(f, "{}{place}", self.0),
            None => Ok(()),
        }
    }
}

/// Keys named in a message; a keytab may hold thousands.
const KEYS_SHOWN: usize = 8;

impl fmt::Display for Keys<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.0.is_empty() {
            return f.write_str("none");
        }
        for (index, key) in self.0.iter().take(KEYS_SHOWN).enumerate() {
            write!(f, "{}{key}", if index == 0 { "" } else { "; " })?;
        }
        match self.0.len().saturating_sub(KEYS_SHOWN) {
            0 => Ok(()),
            more => write!(f, "; and {more} more"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Decode(error) => error.fmt(f),
            Self::DefectiveToken { token, reason } => write!(f, "{token}: {reason}"),
            Self::TokenTooLong { token, length, most } => {
                write!(f, "{token}: expected at most {most} octets, but found {length}")
            }
            Self::ExportedContext { reason } => write!(f, "exported context: {reason}"),
            Self::BadMic => {
                f.write_str("message does not verify: altered bytes, or other keys than the context's")
            }
            Self::WrongDirection { reason } => write!(f, "per-message token: {reason}"),
            Self::NotConfidential => f.write_str("message: expected it encrypted, but found it only signed"),
            Self::Negotiation { reason } => write!(f, "SPNEGO: {reason}"),
            Self::NoCommonMechanism { offered, .. } if offered.is_empty() => {
                f.write_str("SPNEGO: no mechanism was offered")
            }
            Self::NoCommonMechanism { offered, accepted } => {
                write!(
                    f,
                    "SPNEGO: expected one of {} among the offered mechanisms, but found {}",
                    accepted.join(", "),
                    offered.join(", ")
                )
            }
            Self::NotOffered { chosen } => write!(
                f,
                "SPNEGO: expected one of the offered mechanisms, but the acceptor chose {chosen}"
            ),
            Self::MechanismRefused { mechanism } => {
                write!(
                    f,
                    "expected a token of a mechanism in use, but found {mechanism}, which is not accepted here"
                )
            }
            Self::AuthenticatorChecksum { reason } => {
                write!(
                    f,
                    "authenticator's checksum: {reason}: {}",
                    ErrorCode::KRB_AP_ERR_INAPP_CKSUM
                )
            }
            Self::PeerAsksUnsupported { what } => {
                write!(f, "the peer asks for {what}, which is not supported")
            }
            Self::KeyNotSupported { key, enctype } => write!(
                f,
                "{key}: expected a key of a permitted type, but found {enctype} ({})",
                enctype.0
            ),
            Self::DelegatedCredential { reason } => write!(f, "delegated credential: {reason}"),
            Self::Pac(error) => write!(f, "the ticket's PAC: {error}"),
            Self::NoPac => f.write_str("expected a PAC in the ticket, but found none"),
            Self::NoTgt { wanted: Some(wanted) } => write!(
                f,
                "user-to-user: no valid ticket-granting ticket of {wanted} here: {}",
                ErrorCode::KRB_AP_ERR_NO_TGT
            ),
            Self::NoTgt { wanted: None } => write!(
                f,
                "user-to-user: no valid ticket-granting ticket here: {}",
                ErrorCode::KRB_AP_ERR_NO_TGT
            ),
            Self::PeerRejected => {
                f.write_str("the peer ended the SPNEGO negotiation without a reason (reject)")
            }
            Self::BadBindings { reason } => write!(f, "channel bindings: {reason}"),
            Self::TooManyLegs { most } => write!(f, "context: expected at most {most} tokens from the peer"),
            Self::BindingsTooLong { length, most } => {
                write!(
                    f,
                    "channel bindings: expected parts of at most {most} octets, but found {length}"
                )
            }
            Self::WrongService { ticket, served } => write!(
                f,
                "ticket: expected one for {served}, but found one for {ticket}: {}",
                ErrorCode::KRB_AP_ERR_NOT_US
            ),
            Self::NoKey {
                wanted,
                enctype,
                kvno,
                held,
                place,
            } => write!(
                f,
                "no key for {}: {}; keys there{}: {}",
                Wanted(wanted, *enctype, *kvno),
                ErrorCode::KRB_AP_ERR_NOKEY,
                Place(", in ", place.as_deref()),
                Keys(held)
            ),
            Self::WrongKey {
                wanted,
                enctype,
                kvno,
                tried,
                place,
            } => write!(
                f,
                "no key decrypts the ticket for {}: {}; keys tried{}: {}",
                Wanted(wanted, *enctype, *kvno),
                ErrorCode::KRB_AP_ERR_MODIFIED,
                Place(", of ", place.as_deref()),
                Keys(tried)
            ),
            Self::CredentialExpired {
                server,
                end_time,
                now,
            } => write!(
                f,
                "the ticket for {server} expired at {end_time}, and it is {now}: {}",
                ErrorCode::KRB_AP_ERR_TKT_EXPIRED
            ),
            Self::KeySource(error) => error.fmt(f),
            Self::Protocol(error) => error.fmt(f),
            Self::Crypto(error) => error.fmt(f),
            Self::Encode(error) => error.fmt(f),
            Self::UnsupportedFlags { flags, reason } => write!(f, "context flags {flags}: {reason}"),
            Self::BufferLength {
                buffer,
                expected,
                found,
            } => {
                write!(f, "{buffer}: expected {expected} octets, but found {found}")
            }
            Self::ContextDeletion => f.write_str(
                "the peer told that it deleted its context, which changes nothing here: expected a message",
            ),
            Self::SequenceExhausted => f.write_str("all sequence numbers of this context are used up"),
            Self::Unavailable { what } => write!(f, "contexts of this kind do not have {what}"),
            Self::Misuse { reason } => f.write_str(reason),
            Self::Mechanism { error, .. } => error.fmt(f),
        }
    }
}
