//! The privilege attribute certificate (PAC) of Active Directory: MS-PAC, with the parts of MS-DTYP, MS-RPCE, MS-ADTS
//! and MS-XCA that it stands on.
//!
//! A domain controller puts a PAC into the authorization data of its tickets. It says who the client is by SID, which
//! groups the client is in, and what the directory claims about it. A service finds it, verifies it with the key that
//! opened the ticket, compares it with the ticket, and only then reads it: each step gives another type, and only the
//! last one has contents.
//!
//! ```
//! use kerbside_asn1::{AdType, KerberosTime, Principal};
//! use kerbside_crypto::Key;
//! use kerbside_pac::{Pac, PacError, Sid, TicketClient};
//!
//! /// The groups that an access check counts, of a ticket that `service_key` opened. Of kerbside-protocol's
//! /// `DecryptedTicket` the arguments are `client()`, `authtime()` and `authorization_data()`.
//! fn groups(
//!     service_key: &Key,
//!     client: &Principal,
//!     authtime: KerberosTime,
//!     authorization_data: &[(AdType, Vec<u8>)],
//! ) -> Result<Option<Vec<Sid>>, PacError> {
//!     let elements = authorization_data.iter().map(|(ad_type, data)| (*ad_type, data.as_slice()));
//!     let Some(pac) = Pac::find(elements)? else { return Ok(None) };
//!     let pac = pac.verify_server(service_key)?.check_client(&TicketClient::new(client, authtime))?;
//!     Ok(pac.account().map(|account| account.enabled_groups()))
//! }
//! ```
//!
//! | what | where |
//! |---|---|
//! | from authorization data to a PAC | [`Pac::find`], [`Pac::parse`] |
//! | signatures: server; KDC and full; ticket | [`Pac::verify_server`], [`ServerVerified::verify_kdc`], [`KdcVerified::verify_ticket`] |
//! | comparison with the ticket | [`ServerVerified::check_client`], [`TicketClient`] |
//! | what the application gets | [`VerifiedPac`], [`Account`], [`Sid`], [`ClaimsSet`] |
//! | the buffers, read and written | [`KerbValidationInfo`], [`PacClientInfo`], [`UpnDnsInfo`], [`S4uDelegationInfo`], [`ClaimsSetMetadata`], [`PacDeviceInfo`], [`PacAttributesInfo`], [`PacCredentialInfo`], [`PacSignatureData`], [`Guid`] |
//! | making PACs | [`PacBuilder`], [`encode_pac`] |
//! | what is taken at most | [`limits`] |
//!
//! # What is compared, and what is not
//!
//! PAC_CLIENT_INFO must have the ticket's client and authtime; the SAM name and SID in UPN_DNS_INFO and the SID in
//! PAC_REQUESTOR_SID must be LOGON_INFO's. A requestor other than the client is taken where the PAC says that there was
//! delegation. Whether the ticket's client is named as the account is a fact, [`VerifiedPac::account_match`], and a
//! condition only with [`AccountPolicy::MustMatch`]: the name in a ticket is one of several by which a domain controller
//! finds an account. Applications that go by the SID need neither.
//!
//! # Decisions
//!
//! - A second buffer of a type that MS-PAC knows is refused, though the text has it ignored.
//! - A signature is taken in the checksum type of its key alone: HMAC-MD5 from RC4 keys and no others.
//! - Nothing is read before the server signature verified but the table of buffers and the signatures.
//! - `UserFlags` says whether there are extra SIDs and resource groups; what is there counts, whatever it says.
//! - SID filtering between realms (MS-PAC section 4.1.2.2) is a KDC's work, done before it signs, and not here.
#![no_std]

extern crate alloc;
#[cfg(test)]
extern crate std;

mod account;
mod attributes;
mod buffer_type;
mod build;
mod claims;
mod client_info;
mod compression;
mod credentials;
mod delegation_info;
mod device_info;
mod error;
mod filetime;
mod find;
mod group_membership;
mod guid;
mod logon_info;
mod ndr;
mod pac_type;
mod reader;
mod sid;
mod signature;
mod upn_dns_info;
mod verified;
mod verify;

pub use account::Account;
pub use attributes::PacAttributesInfo;
pub use buffer_type::PacBufferType;
pub use build::{PacBuilder, PacSigning};
pub use claims::{
    ClaimEntry, ClaimValues, ClaimsArray, ClaimsSet, ClaimsSetMetadata, ClaimsSourceType, CompressionFormat,
};
pub use client_info::PacClientInfo;
pub use credentials::{
    NtlmSupplementalCredential, OwfPassword, PacCredentialData, PacCredentialInfo, SecpkgSupplementalCred,
};
pub use delegation_info::S4uDelegationInfo;
pub use device_info::PacDeviceInfo;
pub use error::{Malformed, PacError};
pub use filetime::FileTime;
pub use find::{PAC_PLACEHOLDER, in_if_relevant, ticket_signature_input};
pub use group_membership::{DomainGroupMembership, GroupAttributes, GroupMembership, SidAndAttributes};
pub use guid::Guid;
pub use logon_info::{KerbValidationInfo, UserAccountControl, UserFlags, UserSessionKey};
pub use ndr::RpcUnicodeString;
pub use pac_type::{Pac, PacBuffer, encode_pac};
pub use sid::{Sid, SidParseError};
pub use signature::PacSignatureData;
pub use upn_dns_info::{SamAccount, UpnDnsInfo};
pub use verified::{AccountMatch, AccountPolicy, ClientNameForm, KdcVerifiedPac, TicketClient, VerifiedPac};
pub use verify::{Demand, KdcVerified, ServerVerified};

/// What is taken at most.
pub mod limits {
    pub use crate::compression::MAX_UNCOMPRESSED_CLAIMS;
    pub use crate::find::MAX_CONTAINERS;
    pub use crate::pac_type::{MAX_BUFFERS, MAX_PAC_LEN};
    pub use crate::sid::MAX_SUB_AUTHORITIES;
}
