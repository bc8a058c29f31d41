//! Why an acceptor refuses an AP-REQ, and the code that says so (RFC 4120 3.2.3).

use core::fmt;

use kerbside_asn1::{AdType, AddressType, ErrorCode, KerberosTime, Principal};
use kerbside_crypto::{CryptoError, EncryptionType};

use crate::time::{Difference, Span};

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
    /// The initiator's AP-REP, the third leg of DCE style, is not one.
    ThirdLeg {
        /// The ticket's client.
        client: Principal,
        /// Why not.
        reason: &'static str,
    },
    /// The ticket passed through realms between the client's and the service's, and nobody says that they may.
    Transited {
        /// The ticket's client.
        client: Principal,
        /// What is wrong.
        reason: &'static str,
    },
    /// Ticket or authenticator restrict their use in a way that is not understood here (RFC 4120 5.2.6).
    AuthorizationData {
        /// The type that is not known.
        ad_type: AdType,
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
            Self::ThirdLeg { .. } => ErrorCode::KRB_AP_ERR_MUT_FAIL,
            Self::Transited { .. } => ErrorCode::KRB_AP_PATH_NOT_ACCEPTED,
            Self::AuthorizationData { .. } => ErrorCode::KRB_AP_ERR_BADMATCH,
            Self::ChecksumMissing | Self::ChecksumType(_) => ErrorCode::KRB_AP_ERR_INAPP_CKSUM,
            Self::ChecksumWrong => ErrorCode::KRB_AP_ERR_MODIFIED,
            Self::Replayed { .. } => ErrorCode::KRB_AP_ERR_REPEAT,
            Self::ReplayCacheUnavailable => ErrorCode::KRB_ERR_GENERIC,
        }
    }
}

impl core::error::Error for ApRefusal {}

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
            Self::ThirdLeg { client, reason } => write!(f, "the AP-REP of {client}: {reason}")?,
            Self::Transited { client, reason } => {
                write!(f, "realms that the ticket of {client} passed: {reason}")?
            }
            Self::AuthorizationData { ad_type } => write!(
                f,
                "authorization data: expected types that are known here outside of AD-IF-RELEVANT, but found {ad_type} ({})",
                ad_type.0
            )?,
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
