//! Why a PAC was refused.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;

use kerbside_asn1::{DecodeError, EncodeError, KerberosTime};
use kerbside_crypto::CryptoError;

use crate::buffer_type::PacBufferType;
use crate::sid::Sid;

/// Why a PAC was refused, or could not be made. Carries names, SIDs, types and offsets, never keys or credentials.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum PacError {
    /// Bytes that are not what their structure says.
    Malformed {
        /// The structure, by the specification's name.
        what: &'static str,
        /// Where in it, in octets from its start.
        offset: usize,
        /// What is wrong.
        kind: Malformed,
    },
    /// A buffer that must be there is not.
    Missing {
        /// Which one.
        buffer: PacBufferType,
    },
    /// Two PACs in one ticket: which one counts would depend on who reads it.
    SecondPac,
    /// Authorization data nested deeper than anybody nests it.
    TooDeep {
        /// Levels taken.
        max: usize,
    },
    /// Authorization data that is no ASN.1.
    AuthorizationData(DecodeError),
    /// A signature that is not the one its key gives, or is of another type than the key's own.
    Signature {
        /// Which one.
        buffer: PacBufferType,
        /// Why.
        source: CryptoError,
    },
    /// The PAC names another client than the ticket.
    ClientName {
        /// The name in PAC_CLIENT_INFO.
        pac: String,
        /// The name in the ticket.
        ticket: String,
    },
    /// The PAC is of another authentication than the ticket.
    AuthTime {
        /// When the PAC says that the client authenticated; none for a time without a date.
        pac: Option<KerberosTime>,
        /// When the ticket says so.
        ticket: KerberosTime,
    },
    /// Two buffers name two accounts by SID.
    Sid {
        /// The buffer that differs from LOGON_INFO.
        buffer: PacBufferType,
        /// The SID there.
        found: Box<Sid>,
        /// The SID that LOGON_INFO gives the account.
        logon_info: Box<Sid>,
    },
    /// Two buffers name two accounts by sAMAccountName.
    SamName {
        /// The name in UPN_DNS_INFO.
        upn_dns_info: String,
        /// The name in LOGON_INFO.
        logon_info: String,
    },
    /// The ticket's client is neither the account's sAMAccountName nor its UPN, and the caller demands that it is.
    Account {
        /// The name in the ticket.
        ticket: String,
        /// The account's sAMAccountName.
        sam_name: String,
        /// The account's UPN; empty when the PAC has none.
        upn: String,
    },
    /// RIDs without the SID of the domain that they belong to.
    NoDomain {
        /// The field that has the RIDs.
        field: &'static str,
    },
    /// A ticket signature was to be checked against a ticket that holds another PAC.
    OtherTicket,
    /// A ticket that could not be encoded again.
    Ticket(EncodeError),
    /// Decryption or encryption of the credentials, or the making of a signature, failed.
    Crypto {
        /// What was being done.
        doing: &'static str,
        /// Why it failed.
        source: CryptoError,
    },
    /// A value too long for the field that says its length.
    TooLongToEncode {
        /// The field.
        what: &'static str,
        /// Its length.
        found: usize,
        /// What fits.
        max: usize,
    },
}

/// What is wrong with some bytes.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Malformed {
    /// Something runs past the end of what contains it.
    Overrun {
        /// Octets needed, as far as they can be counted.
        needed: u64,
        /// Octets there.
        found: usize,
    },
    /// Octets follow where the end should be.
    TrailingData {
        /// How many.
        len: usize,
    },
    /// More than is taken at most.
    TooMany {
        /// What was counted.
        of: &'static str,
        /// The limit.
        max: usize,
        /// The count.
        found: u64,
    },
    /// A number that the structure does not allow here.
    Value {
        /// What it allows.
        expected: &'static str,
        /// What was there.
        found: u64,
    },
    /// Two counts that must be the same are not.
    Counts {
        /// The count in the structure.
        expected: u64,
        /// The count in front of the array.
        found: u64,
    },
    /// A pointer that must not be null is.
    NullPointer,
    /// A buffer that does not begin at a multiple of eight.
    Misaligned {
        /// Which one.
        buffer: PacBufferType,
    },
    /// A buffer that begins inside the table of buffers.
    InsideTable {
        /// Which one.
        buffer: PacBufferType,
    },
    /// Two buffers that share octets.
    Overlap {
        /// One of them.
        first: PacBufferType,
        /// The other.
        second: PacBufferType,
    },
    /// A second buffer of a type that there must be one of.
    Duplicate {
        /// Which type.
        buffer: PacBufferType,
    },
    /// A text that is not UTF-16.
    NotUtf16,
    /// A text without the null character at its end.
    NotTerminated,
    /// A compressed stream that breaks its format.
    Compression {
        /// What it breaks.
        reason: &'static str,
    },
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Overrun { needed, found } => write!(f, "expected {needed} octets, but found {found}"),
            Self::TrailingData { len } => write!(f, "expected the end, but found {len} more octets"),
            Self::TooMany { of, max, found } => write!(f, "expected at most {max} {of}, but found {found}"),
            Self::Value { expected, found } => write!(f, "expected {expected}, but found {found}"),
            Self::Counts { expected, found } => {
                write!(f, "expected an array of {expected}, but found one of {found}")
            }
            Self::NullPointer => f.write_str("expected a pointer, but found null"),
            Self::Misaligned { buffer } => {
                write!(f, "expected {buffer} at a multiple of 8, but found it elsewhere")
            }
            Self::InsideTable { buffer } => {
                write!(
                    f,
                    "expected {buffer} behind the table of buffers, but found it inside"
                )
            }
            Self::Overlap { first, second } => {
                write!(
                    f,
                    "expected {first} and {second} apart, but found them overlapping"
                )
            }
            Self::Duplicate { buffer } => write!(f, "expected one {buffer}, but found a second"),
            Self::NotUtf16 => f.write_str("expected UTF-16, but found an unpaired surrogate"),
            Self::NotTerminated => f.write_str("expected a null character at the end, but found none"),
            Self::Compression { reason } => write!(f, "compressed stream: {reason}"),
        }
    }
}

impl fmt::Display for PacError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Malformed { what, offset, kind } => write!(f, "{what}: {kind} at byte {offset}"),
            Self::Missing { buffer } => write!(f, "PAC has no {buffer} ({})", buffer.0),
            Self::SecondPac => f.write_str("ticket: expected one PAC, but found a second"),
            Self::TooDeep { max } => write!(
                f,
                "authorization data: expected at most {max} levels of AD-IF-RELEVANT (1), but found more"
            ),
            Self::AuthorizationData(source) => write!(f, "authorization data: {source}"),
            Self::Signature { buffer, source } => write!(f, "{buffer} ({}): {source}", buffer.0),
            Self::ClientName { pac, ticket } => {
                write!(f, "PAC is of another client: expected {ticket}, but found {pac}")
            }
            Self::AuthTime { pac, ticket } => {
                write!(
                    f,
                    "PAC is of another authentication: expected {ticket}, but found "
                )?;
                match pac {
                    Some(pac) => write!(f, "{pac}"),
                    None => f.write_str("no date"),
                }
            }
            Self::Sid {
                buffer,
                found,
                logon_info,
            } => write!(
                f,
                "{buffer} ({}): expected SID {logon_info}, but found {found}",
                buffer.0
            ),
            Self::SamName {
                upn_dns_info,
                logon_info,
            } => write!(
                f,
                "UPN_DNS_INFO (12): expected account {logon_info}, but found {upn_dns_info}"
            ),
            Self::Account {
                ticket,
                sam_name,
                upn,
            } => write!(
                f,
                "PAC is of account {sam_name} (UPN {upn}), but the ticket's client is {ticket}"
            ),
            Self::NoDomain { field } => write!(
                f,
                "LOGON_INFO (1): {field} has RIDs, but there is no SID of their domain"
            ),
            Self::OtherTicket => {
                f.write_str("ticket signature: the ticket holds another PAC than the one verified")
            }
            Self::Ticket(source) => write!(f, "ticket signature: {source}"),
            Self::Crypto { doing, source } => write!(f, "{doing}: {source}"),
            Self::TooLongToEncode { what, found, max } => {
                write!(f, "{what}: expected at most {max}, but found {found}")
            }
        }
    }
}

impl core::error::Error for PacError {}

impl PacError {
    pub(crate) const fn malformed(what: &'static str, offset: usize, kind: Malformed) -> Self {
        Self::Malformed { what, offset, kind }
    }
}
