//! The ways in which an answer can be wrong although it decodes.

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{ErrorCode, KerberosTime, PaDataType, Principal, Realm, SpakeGroup, TicketFlags};
use kerbside_crypto::EncryptionType;

use super::List;

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
    /// A service asked for a ticket of a user and got one of its own: the KDC knows nothing of S4U2Self.
    S4uIgnored,
    /// A KDC refers us to a realm that sent us on already.
    ReferralLoop {
        /// That realm.
        realm: Realm,
    },
    /// More referrals than we follow.
    TooManyReferrals {
        /// How many are followed.
        limit: u32,
    },
    /// The reply says that it protects the request, but brings no checksum.
    EncPaRepMissing,
    /// The checksum over the request does not fit: somebody changed the request on its way.
    EncPaRepChecksum,
    /// The reply's key is not one that its own enctype can have, or a field is not what it must be.
    Field(&'static str),
    /// The KDC asks for pre-authentication again after it was given.
    PreauthAgain,
    /// The SPAKE challenge is of a group that was not offered.
    SpakeGroup {
        /// What was offered.
        expected: Vec<SpakeGroup>,
        /// What came.
        found: SpakeGroup,
    },
    /// The public value of the SPAKE challenge is not an element of its group.
    SpakePoint {
        /// The group.
        group: SpakeGroup,
    },
    /// The answer to a request in armor (FAST) is not in armor.
    FastMissing,
    /// What is in the tunnel does not decrypt with the armor key.
    FastIntegrity,
    /// The tunnel of the reply has no seal on the ticket.
    FastFinishedMissing,
    /// The ticket is not the one that the tunnel's seal is over.
    FastTicketChecksum,
    /// The tunnel of the error has no error in it.
    FastErrorMissing,
    /// The reply key is not made stronger as it has to be.
    FastStrengthenMissing,
    /// The KDC vouches that it knows FAST, but nobody said so when it was asked.
    FastHidden,
    /// The reply to an encrypted challenge brings none.
    ChallengeMissing,
    /// The KDC's challenge does not decrypt with the client's key.
    ChallengeIntegrity,
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
    /// The KRB-PRIV does not decrypt with the subkey of the request.
    KrbPrivIntegrity,
    /// The KRB-PRIV is the one that we sent.
    KrbPrivReflected,
    /// The KRB-PRIV has another number than its AP-REP announced.
    KrbPrivSequence {
        /// The AP-REP's.
        expected: u32,
        /// The KRB-PRIV's.
        found: Option<u32>,
    },
}

impl core::error::Error for Misbehaviour {}

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
            Self::S4uIgnored => f.write_str(
                "it gave the service a ticket of its own instead of the user's: it does not offer S4U2Self",
            ),
            Self::ReferralLoop { realm } => write!(
                f,
                "it refers us to realm {realm}, which sent us on already: the referrals go in a circle"
            ),
            Self::TooManyReferrals { limit } => write!(f, "more than {limit} referrals from realm to realm"),
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
            Self::SpakeGroup { expected, found } => {
                write!(
                    f,
                    "group of the SPAKE challenge: expected {}, but found {found}",
                    List(expected)
                )
            }
            Self::SpakePoint { group } => write!(
                f,
                "the public value of the SPAKE challenge is not an element of {group}"
            ),
            Self::FastMissing => {
                f.write_str("the request was armored (FAST), but its reply is not: somebody may have made it up")
            }
            Self::FastIntegrity => f.write_str("its FAST response does not decrypt with the armor key"),
            Self::FastFinishedMissing => f.write_str("its FAST response has no seal on the ticket"),
            Self::FastTicketChecksum => {
                f.write_str("the ticket was changed on its way: the seal of the FAST response does not fit")
            }
            Self::FastErrorMissing => {
                write!(f, "{} is missing in its FAST response", PaDataType::PA_FX_ERROR)
            }
            Self::FastStrengthenMissing => f.write_str("its FAST response has no strengthen key"),
            Self::FastHidden => f.write_str(
                "it knows FAST, but its answer did not say so: somebody changed that, and may have seen a proof of the \
                 password without armor",
            ),
            Self::ChallengeMissing => write!(
                f,
                "{} is missing in its reply: it has not shown that it knows the client's key",
                PaDataType::PA_ENCRYPTED_CHALLENGE
            ),
            Self::ChallengeIntegrity => {
                f.write_str("its encrypted challenge does not decrypt with the client's key")
            }
            Self::TooBigOverStream => write!(f, "{} over a stream", ErrorCode::KRB_ERR_RESPONSE_TOO_BIG),
            Self::TooManyRounds { limit } => write!(f, "more than {limit} round trips in one exchange"),
            Self::ApRepIntegrity => f.write_str("the AP-REP does not decrypt with the session key"),
            Self::ApRepMismatch => f.write_str("the AP-REP answers another AP-REQ"),
            Self::KrbPrivIntegrity => f.write_str("the KRB-PRIV does not decrypt with the request's subkey"),
            Self::KrbPrivReflected => f.write_str("the KRB-PRIV is our own, sent back"),
            Self::KrbPrivSequence {
                expected,
                found: Some(found),
            } => write!(
                f,
                "number of the KRB-PRIV: expected {expected}, but found {found}"
            ),
            Self::KrbPrivSequence {
                expected,
                found: None,
            } => {
                write!(f, "number of the KRB-PRIV: expected {expected}, but found none")
            }
        }
    }
}
