//! What can go wrong in an exchange, by whose fault it is.

mod ap_refusal;
mod misbehaviour;
mod refusal;

pub use ap_refusal::ApRefusal;
pub use misbehaviour::Misbehaviour;
pub use refusal::{Refusal, Refuser};

use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{
    DecodeError, EncodeError, ErrorCode, KerberosTime, MsgType, PaDataType, Principal, Realm,
};
use kerbside_crypto::{CryptoError, EncryptionType};

use crate::PVNO;
use crate::time::{Difference, Span};

/// Why an exchange ended without its result.
#[derive(Clone, Debug)]
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
    /// A KRB-ERROR in clear in answer to a request in armor (FAST): the KDC could not open the request, or somebody else
    /// wrote it. Nothing was done because of it.
    UnarmoredRefusal(Box<Refusal>),
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
        /// What would do, by what is built and the parameters allow.
        expected: Vec<PaDataType>,
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
    /// The armor ticket has expired.
    ArmorExpired {
        /// The service that it is for.
        server: Principal,
        /// When it ended.
        end: KerberosTime,
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

impl ProtocolError {
    /// The code of RFC 4120 7.5.9 that says the same: the peer's own where it refused, ours where we refuse an AP-REQ.
    pub fn code(&self) -> Option<ErrorCode> {
        match self {
            Self::Refused(refusal) | Self::UnarmoredRefusal(refusal) => Some(refusal.code),
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
            Self::ArmorExpired { .. } => Some(ErrorCode::KRB_AP_ERR_TKT_EXPIRED),
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
            Self::UnarmoredRefusal(refusal) => write!(
                f,
                "{refusal}; nobody vouches for this answer: the request was armored (FAST), it is not"
            ),
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
            Self::NoCommonPreauth {
                realm,
                expected,
                offered,
            } => write!(
                f,
                "the KDC of {realm} offers no pre-authentication that is built here: expected {}, but found {}",
                List(expected),
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
            Self::ArmorExpired { server, end } => {
                write!(f, "the armor ticket for {server} has expired: it ended {end}")
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

/// Several things in one line, or `nothing`.
pub(crate) struct List<'a, T>(pub(crate) &'a [T]);

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
