//! Kerberos, SPNEGO and GSS-API wire messages (RFC 4120, 4178, 2743), the names in them, and their registries.
//!
//! One file per message. Messages borrow from what they were decoded from; their fields have the RFC's names. What a checksum
//! covers or a file stores is a [`Raw`], which keeps its bytes.
//!
//! ```
//! use kerbside_asn1::{MethodData, PaDataType, decode, encode};
//!
//! let bytes = [0x30, 0x0b, 0x30, 0x09, 0xa1, 0x03, 0x02, 0x01, 0x02, 0xa2, 0x02, 0x04, 0x00];
//! let hints: MethodData<'_> = decode(&bytes)?;
//! assert_eq!(hints.find(PaDataType::PA_ENC_TIMESTAMP), Some(&[][..]));
//! assert_eq!(encode(&hints).as_deref(), Ok(&bytes[..]));
//!
//! let refused = decode::<MethodData<'_>>(&bytes[..5]).unwrap_err();
//! assert_eq!(refused.to_string(), "MethodData: expected 13 octets, but found 5 at DER byte 0");
//! # Ok::<(), kerbside_asn1::DecodeError>(())
//! ```
//!
//! | what | where |
//! |---|---|
//! | decode and encode, limits | [`decode`], [`encode`], [`limits`] |
//! | names as the user holds them | [`Principal`], [`Name`], [`Realm`] |
//! | tickets | [`Ticket`], [`EncTicketPart`] |
//! | AS and TGS exchange | [`AsReq`], [`TgsReq`], [`AsRep`], [`TgsRep`], [`EncAsRepPart`], [`EncTgsRepPart`] |
//! | pre-authentication | [`PaData`], [`MethodData`], [`EtypeInfo2`], [`PaEncTsEnc`], [`PaReqEncPaRep`] |
//! | AP exchange | [`ApReq`], [`Authenticator`], [`ApRep`], [`EncApRepPart`] |
//! | further messages | [`KrbError`], [`KrbCred`], [`KrbSafe`], [`KrbPriv`] |
//! | SPNEGO and GSS-API | [`NegotiationToken`], [`gss_token`], [`oids`] |
//!
//! What is decoded is checked for its form, not for its sense: that `pvno` is 5 and `msg_type` fits the message is for the
//! layer above, which has an error code for it.
#![no_std]

extern crate alloc;

mod ad_type;
mod address_type;
mod ap_rep;
mod ap_req;
mod authorization_data;
mod codec;
mod encrypted_data;
mod error;
mod error_code;
mod etype_info;
mod flags;
pub mod gss_token;
mod host_address;
mod kdc_rep;
mod kdc_req;
mod kerberos_string;
mod kerberos_time;
mod krb_cred;
mod krb_error;
mod krb_priv;
mod krb_safe;
mod lr_type;
mod msg_type;
mod name;
mod name_type;
pub mod oids;
mod pa_data;
mod pa_data_type;
mod pa_enc_timestamp;
mod pa_req_enc_pa_rep;
mod peek;
mod principal_name;
mod raw;
mod registry;
mod scan;
mod spnego;
mod ticket;
mod transited_type;

pub use ad_type::AdType;
pub use address_type::AddressType;
pub use ap_rep::{ApRep, EncApRepPart};
pub use ap_req::{ApReq, Authenticator};
pub use authorization_data::{AdIfRelevant, AdKdcIssued, AuthorizationData, AuthorizationDataElement};
pub use codec::{Decode, Element, Encode, decode, encode};
pub use der::asn1::ObjectIdentifier;
pub use encrypted_data::{Checksum, EncryptedData, EncryptionKey};
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use error_code::ErrorCode;
pub use etype_info::{EtypeInfo, EtypeInfo2, EtypeInfo2Entry, EtypeInfoEntry};
pub use flags::{ApOptions, KdcOptions, TicketFlags};
pub use host_address::{HostAddress, HostAddresses};
pub use kdc_rep::{AsRep, EncAsRepPart, EncKdcRepPart, EncTgsRepPart, KdcRep, LastReq, LastReqEntry, TgsRep};
pub use kdc_req::{AsReq, KdcReq, KdcReqBody, TgsReq};
pub use kerberos_string::KerberosString;
pub use kerberos_time::{KerberosTime, Microseconds};
pub use krb_cred::{EncKrbCredPart, KrbCred, KrbCredInfo};
pub use krb_error::KrbError;
pub use krb_priv::{EncKrbPrivPart, KrbPriv};
pub use krb_safe::{KrbSafe, KrbSafeBody};
pub use lr_type::LrType;
pub use msg_type::MsgType;
pub use name::{Name, NameError, Principal, Realm};
pub use name_type::NameType;
pub use pa_data::{MethodData, PaData, TypedData, TypedDataElement, find as find_padata};
pub use pa_data_type::PaDataType;
pub use pa_enc_timestamp::{PaEncTimestamp, PaEncTsEnc};
pub use pa_req_enc_pa_rep::PaReqEncPaRep;
pub use peek::peek_message;
pub use principal_name::PrincipalName;
pub use raw::Raw;
pub use spnego::{NegHints, NegState, NegTokenInit, NegTokenInit2, NegTokenResp, NegotiationToken, ReqFlags};
pub use ticket::{EncTicketPart, Ticket, TransitedEncoding};
pub use transited_type::TransitedType;

/// What is taken at most.
pub mod limits {
    pub use crate::authorization_data::MAX_AUTHORIZATION_DATA;
    pub use crate::codec::MAX_ETYPES;
    pub use crate::host_address::MAX_ADDRESSES;
    pub use crate::kdc_rep::MAX_LAST_REQ;
    pub use crate::name::MAX_PRINCIPAL_LEN;
    pub use crate::pa_data::MAX_PADATA;
    pub use crate::principal_name::MAX_COMPONENTS;
    pub use crate::scan::{MAX_DEPTH, MAX_MESSAGE_LEN};
    pub use crate::spnego::MAX_MECH_TYPES;
    pub use crate::ticket::MAX_TICKETS;
}
