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
//! | pre-authentication | [`PaData`], [`MethodData`], [`EtypeInfo2`], [`PaEncTsEnc`], [`PaReqEncPaRep`], [`PaAuthenticationSet`] |
//! | FAST | [`PaFxFastRequest`], [`PaFxFastReply`], [`KrbFastReq`], [`KrbFastResponse`], [`EncryptedChallenge`] |
//! | PKINIT | [`PaPkAsReq`], [`PaPkAsRep`], [`AuthPack`], [`KdcDhKeyInfo`], [`ReplyKeyPack`], [`OtherInfo`], [`TypedData`] |
//! | SPAKE, OTP, SAM-2 | [`PaSpake`], [`PaOtpChallenge`], [`PaOtpRequest`], [`PaSamChallenge2`] |
//! | authorization data | [`AuthorizationData`], [`AdKdcIssued`], [`AdCammac`], [`AdAuthIndicator`], [`EtypeList`] |
//! | AP exchange | [`ApReq`], [`Authenticator`], [`ApRep`], [`EncApRepPart`] |
//! | further messages | [`KrbError`], [`KrbCred`], [`KrbSafe`], [`KrbPriv`], [`KerbTgtRequest`] |
//! | changing passwords | [`KpasswdRequest`], [`KpasswdReply`], [`ChangePasswdData`], [`KpasswdResult`] |
//! | Windows | [`KerbPaPacRequest`], [`PaPacOptions`], [`KerbErrorData`], [`KerbAdRestrictions`], [`PaForUser`], [`PaS4uX509User`] |
//! | transports | [`KdcProxyMessage`], [`IakerbProxy`] |
//! | SPNEGO and GSS-API | [`NegotiationToken`], [`gss_token`], [`oids`] |
//!
//! What is decoded is checked for its form, not for its sense: that `pvno` is 5 and `msg_type` fits the message is for the
//! layer above, which has an error code for it.
//!
//! Types whose ASN.1 ends in `...` skip what follows their fields; the others refuse it. Of the pre-authentication data without a
//! type here, PA-FX-COOKIE and PA-AS-FRESHNESS are octets for their writer alone, PA-PW-SALT and PA-AFS3-SALT the octets of a salt,
//! and KERB-LOCAL octets of one Windows host.
#![no_std]

extern crate alloc;

mod ad_elements;
mod ad_type;
mod address_type;
mod any;
mod ap_rep;
mod ap_req;
mod authentication_set;
mod authorization_data;
mod cammac;
mod codec;
mod encrypted_data;
mod error;
mod error_code;
mod etype_info;
mod fast;
mod flags;
pub mod gss_token;
mod host_address;
mod iakerb;
mod kdc_proxy;
mod kdc_rep;
mod kdc_req;
mod kerberos_string;
mod kerberos_time;
mod kile;
mod kpasswd;
mod krb_cred;
mod krb_error;
mod krb_priv;
mod krb_safe;
mod lr_type;
mod msg_type;
mod name;
mod name_type;
pub mod oids;
mod otp;
mod pa_data;
mod pa_data_type;
mod pa_enc_timestamp;
mod pa_req_enc_pa_rep;
mod peek;
mod pkinit;
mod principal_name;
mod raw;
mod reader;
mod referral;
mod registry;
mod restriction_entry;
mod s4u;
mod sam2;
mod scan;
mod spake;
mod spnego;
mod tag;
mod ticket;
mod transited_type;
mod user_to_user;
mod well_known;
mod writer;

pub use ad_elements::{
    AdAndOr, AdApOptions, AdAuthIndicator, AdMandatoryForKdc, AdTargetPrincipal, EtypeList,
};
pub use ad_type::AdType;
pub use address_type::AddressType;
pub use any::{AlgorithmIdentifier, AnyDer, BitString};
pub use ap_rep::{ApRep, EncApRepPart};
pub use ap_req::{ApReq, Authenticator};
pub use authentication_set::{PaAuthenticationSet, PaAuthenticationSetElem};
pub use authorization_data::{AdIfRelevant, AdKdcIssued, AuthorizationData, AuthorizationDataElement};
pub use cammac::{AdCammac, Verifier, VerifierMac};
pub use codec::{Decode, DecodeValue, Element, Encode, EncodeValue, decode, encode};
pub use der::asn1::ObjectIdentifier;
pub use encrypted_data::{Checksum, EncryptedData, EncryptionKey};
pub use error::{DecodeError, DecodeErrorKind, EncodeError};
pub use error_code::ErrorCode;
pub use etype_info::{EtypeInfo, EtypeInfo2, EtypeInfo2Entry, EtypeInfoEntry};
pub use fast::{
    EncryptedChallenge, FastArmorType, FastOptions, KrbFastArmor, KrbFastArmoredRep, KrbFastArmoredReq,
    KrbFastFinished, KrbFastReq, KrbFastResponse, PaFxFastReply, PaFxFastRequest,
};
pub use flags::{ApOptions, KdcOptions, TicketFlags};
pub use host_address::{HostAddress, HostAddresses};
pub use iakerb::{IakerbHeader, IakerbHeaderFlags, IakerbProxy, KrbFinished};
pub use kdc_proxy::KdcProxyMessage;
pub use kdc_rep::{AsRep, EncAsRepPart, EncKdcRepPart, EncTgsRepPart, KdcRep, LastReq, LastReqEntry, TgsRep};
pub use kdc_req::{AsReq, KdcReq, KdcReqBody, TgsReq};
pub use kerberos_string::KerberosString;
pub use kerberos_time::{KerberosTime, Microseconds};
pub use kile::{
    KerbDmsaKeyPackage, KerbErrorData, KerbErrorDataType, KerbExtError, KerbKeyListRep, KerbKeyListReq,
    KerbPaPacRequest, KerbSupersededByUser, PaPacOptions, PacOptions, SupportedEnctypes,
};
pub use kpasswd::{
    AdPasswordPolicy, CHANGE_PASSWORD_VERSION, ChangePasswdData, KpasswdReply, KpasswdRequest, KpasswdResult,
    KpasswdResultCode, SET_PASSWORD_VERSION,
};
pub use krb_cred::{EncKrbCredPart, KrbCred, KrbCredInfo};
pub use krb_error::KrbError;
pub use krb_priv::{EncKrbPrivPart, KrbPriv};
pub use krb_safe::{KrbSafe, KrbSafeBody};
pub use lr_type::LrType;
pub use msg_type::MsgType;
pub use name::{Name, NameError, Principal, Realm};
pub use name_type::NameType;
pub use otp::{
    OtpFlags, OtpFormat, OtpTokenInfo, PaOtpChallenge, PaOtpEncRequest, PaOtpPinChange, PaOtpRequest,
    PinFlags,
};
pub use pa_data::{MethodData, PaData, TypedData, TypedDataElement, find as find_padata};
pub use pa_data_type::PaDataType;
pub use pa_enc_timestamp::{PaEncTimestamp, PaEncTsEnc};
pub use pa_req_enc_pa_rep::PaReqEncPaRep;
pub use peek::peek_message;
pub use pkinit::{
    AdInitialVerifiedCas, AuthPack, DhRepInfo, ExternalPrincipalIdentifier, KdcDhKeyInfo, KdfAlgorithmId,
    Krb5PrincipalName, OtherInfo, PaChecksum2, PaPkAsRep, PaPkAsReq, PaPkinitKx, PkAuthenticator,
    PkinitSuppPubInfo, ReplyKeyPack, TdCertDigestAlgorithmsData, TdCmsDigestAlgorithmsData, TdDhParameters,
    TdInvalidCertificates, TdTrustedCertifiers,
};
pub use principal_name::PrincipalName;
pub use raw::Raw;
pub use reader::Reader;
pub use referral::PaSvrReferralData;
pub use restriction_entry::{KerbAdRestrictionEntry, KerbAdRestrictions, LsapTokenInfoIntegrity};
pub use s4u::{PaForUser, PaS4uX509User, S4uOptions, S4uUserId, s4u_byte_array};
pub use sam2::{
    PaEncSamResponseEnc2, PaSamChallenge2, PaSamChallenge2Body, PaSamResponse2, SamFlags, SecureCookie,
};
pub use spake::{
    PaSpake, PaSpakeHint, SpakeChallenge, SpakeGroup, SpakeResponse, SpakeSecondFactor,
    SpakeSecondFactorType, SpakeSupport,
};
pub use spnego::{NegHints, NegState, NegTokenInit, NegTokenInit2, NegTokenResp, NegotiationToken, ReqFlags};
pub use ticket::{EncTicketPart, Ticket, TransitedEncoding};
pub use transited_type::TransitedType;
pub use user_to_user::{KerbTgtReply, KerbTgtRequest};
pub use writer::Writer;

/// What is taken at most.
pub mod limits {
    pub use crate::ad_elements::MAX_AUTH_INDICATORS;
    pub use crate::any::MAX_ALGORITHMS;
    pub use crate::authorization_data::MAX_AUTHORIZATION_DATA;
    pub use crate::cammac::MAX_VERIFIERS;
    pub use crate::codec::MAX_ETYPES;
    pub use crate::host_address::MAX_ADDRESSES;
    pub use crate::kdc_rep::MAX_LAST_REQ;
    pub use crate::kile::MAX_KEYS;
    pub use crate::name::MAX_PRINCIPAL_LEN;
    pub use crate::otp::MAX_OTP_TOKENS;
    pub use crate::pa_data::MAX_PADATA;
    pub use crate::pkinit::MAX_CERTIFIERS;
    pub use crate::principal_name::MAX_COMPONENTS;
    pub use crate::sam2::MAX_CHECKSUMS;
    pub use crate::scan::{MAX_DEPTH, MAX_MESSAGE_LEN};
    pub use crate::spake::MAX_SPAKE;
    pub use crate::spnego::MAX_MECH_TYPES;
    pub use crate::ticket::MAX_TICKETS;
}
