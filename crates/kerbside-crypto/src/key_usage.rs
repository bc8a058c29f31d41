//! Key usage numbers (RFC 4120 section 7.5.1 and the documents that added to it).

use crate::registry::registry;

registry! {
    /// A key usage: what a protocol key is used for, so that no two uses share a derived key.
    pub struct KeyUsage, unknown "key usage";
    AD_SIGNEDPATH = -21, "AD-SIGNEDPATH", "MIT's signed path";
    AS_REQ_PA_ENC_TIMESTAMP = 1, "AS-REQ PA-ENC-TIMESTAMP", "client key";
    TICKET = 2, "ticket", "AS-REP and TGS-REP ticket, service key";
    AS_REP_ENC_PART = 3, "AS-REP enc-part", "client key";
    TGS_REQ_AD_SESSKEY = 4, "TGS-REQ authorization-data", "session key of the TGT";
    TGS_REQ_AD_SUBKEY = 5, "TGS-REQ authorization-data (subkey)", "authenticator's subkey";
    TGS_REQ_AUTH_CKSUM = 6, "TGS-REQ authenticator checksum", "session key of the TGT";
    TGS_REQ_AUTH = 7, "TGS-REQ authenticator", "session key of the TGT";
    TGS_REP_ENC_PART_SESSKEY = 8, "TGS-REP enc-part", "session key of the TGT";
    TGS_REP_ENC_PART_SUBKEY = 9, "TGS-REP enc-part (subkey)", "authenticator's subkey";
    AP_REQ_AUTH_CKSUM = 10, "AP-REQ authenticator checksum", "session key";
    AP_REQ_AUTH = 11, "AP-REQ authenticator", "session key";
    AP_REP_ENC_PART = 12, "AP-REP enc-part", "session key";
    KRB_PRIV = 13, "KRB-PRIV enc-part", "key chosen by the application";
    KRB_CRED = 14, "KRB-CRED enc-part", "key chosen by the application";
    KRB_SAFE = 15, "KRB-SAFE checksum", "key chosen by the application";
    APPLICATION_ENC = 16, "application encryption", "other encrypted application data";
    APPLICATION_CKSUM = 17, "application checksum", "other checksums of applications, among them PAC signatures";
    KRB_ERROR_CKSUM = 18, "KRB-ERROR checksum", "drafts of RFC 4120";
    AD_KDC_ISSUED_CKSUM = 19, "AD-KDC-ISSUED checksum", "RFC 4120";
    MANDATORY_TICKET_EXTENSION = 20, "mandatory ticket extension", "draft";
    AUTH_DATA_TICKET_EXTENSION = 21, "authorization data in ticket extension", "draft";
    GSS_ACCEPTOR_SEAL = 22, "GSS acceptor seal", "RFC 4121 section 2";
    GSS_ACCEPTOR_SIGN = 23, "GSS acceptor sign", "RFC 4121 section 2";
    GSS_INITIATOR_SEAL = 24, "GSS initiator seal", "RFC 4121 section 2";
    GSS_INITIATOR_SIGN = 25, "GSS initiator sign", "RFC 4121 section 2";
    PA_S4U_X509_USER_REQUEST = 26, "PA-S4U-X509-USER request checksum", "MS-SFU";
    PA_S4U_X509_USER_REPLY = 27, "PA-S4U-X509-USER reply checksum", "MS-SFU";
    IAKERB_FINISHED = 41, "IAKERB finished", "GSS_EXTS_FINISHED";
    IAKERB_FINISHED_OLD = 42, "IAKERB finished (old)", "as MIT releases before 1.22 use it, draft-zhu-ws-kerb";
    PA_PKINIT_KX = 44, "PA-PKINIT-KX", "RFC 8062";
    PA_OTP_REQUEST = 45, "PA-OTP-REQUEST encData", "RFC 6560";
    FAST_REQ_CHKSUM = 50, "FAST req-checksum", "RFC 6113";
    FAST_ENC = 51, "FAST enc-fast-req", "RFC 6113";
    FAST_REP = 52, "FAST enc-fast-rep", "RFC 6113";
    FAST_FINISHED = 53, "FAST finished", "RFC 6113";
    ENC_CHALLENGE_CLIENT = 54, "encrypted challenge, client", "RFC 6113";
    ENC_CHALLENGE_KDC = 55, "encrypted challenge, KDC", "RFC 6113";
    AS_REQ_CHECKSUM = 56, "PA-REQ-ENC-PA-REP checksum", "of the AS-REQ, RFC 6806 section 11";
    CAMMAC = 64, "AD-CAMMAC", "RFC 7751";
    SPAKE = 65, "SPAKE", "RFC 9588";
    PA_FX_COOKIE = 513, "PA-FX-COOKIE", "MIT's KDC";
    PA_AS_FRESHNESS = 514, "PA-AS-FRESHNESS", "MIT's KDC";
}

/// Numbers that a second protocol uses for a purpose of its own.
impl KeyUsage {
    /// PAC signatures (MS-PAC) and PA-FOR-USER (MS-SFU) share the application checksum's number.
    pub const PAC_SIGNATURE: Self = Self::APPLICATION_CKSUM;
    /// NEGOEX VERIFY of the initiator.
    pub const NEGOEX_INITIATOR_VERIFY: Self = Self::GSS_ACCEPTOR_SIGN;
    /// NEGOEX VERIFY of the acceptor.
    pub const NEGOEX_ACCEPTOR_VERIFY: Self = Self::GSS_INITIATOR_SIGN;
    /// Checksum of a SAM challenge.
    pub const SAM_CHALLENGE_CKSUM: Self = Self::GSS_INITIATOR_SIGN;
    /// Track id of a SAM challenge.
    pub const SAM_ENC_TRACK_ID: Self = Self::PA_S4U_X509_USER_REQUEST;
    /// Nonce and SAD of a SAM response.
    pub const SAM_ENC_NONCE_OR_SAD: Self = Self::PA_S4U_X509_USER_REPLY;
}
