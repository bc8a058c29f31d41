//! Error codes of KRB-ERROR (RFC 4120 7.5.9 and the RFCs that add to it).

use crate::registry::registry;

registry! {
    /// The `error-code` of a KRB-ERROR. The description is the text MIT krb5 prints.
    pub struct ErrorCode {
        KDC_ERR_NONE = 0, "KDC_ERR_NONE", "No error";
        KDC_ERR_NAME_EXP = 1, "KDC_ERR_NAME_EXP", "Client's entry in database has expired";
        KDC_ERR_SERVICE_EXP = 2, "KDC_ERR_SERVICE_EXP", "Server's entry in database has expired";
        KDC_ERR_BAD_PVNO = 3, "KDC_ERR_BAD_PVNO", "Requested protocol version not supported";
        KDC_ERR_C_OLD_MAST_KVNO = 4, "KDC_ERR_C_OLD_MAST_KVNO", "Client's key is encrypted in an old master key";
        KDC_ERR_S_OLD_MAST_KVNO = 5, "KDC_ERR_S_OLD_MAST_KVNO", "Server's key is encrypted in an old master key";
        KDC_ERR_C_PRINCIPAL_UNKNOWN = 6, "KDC_ERR_C_PRINCIPAL_UNKNOWN", "Client not found in Kerberos database";
        KDC_ERR_S_PRINCIPAL_UNKNOWN = 7, "KDC_ERR_S_PRINCIPAL_UNKNOWN", "Server not found in Kerberos database";
        KDC_ERR_PRINCIPAL_NOT_UNIQUE = 8, "KDC_ERR_PRINCIPAL_NOT_UNIQUE", "Principal has multiple entries in Kerberos database";
        KDC_ERR_NULL_KEY = 9, "KDC_ERR_NULL_KEY", "Client or server has a null key";
        KDC_ERR_CANNOT_POSTDATE = 10, "KDC_ERR_CANNOT_POSTDATE", "Ticket is ineligible for postdating";
        KDC_ERR_NEVER_VALID = 11, "KDC_ERR_NEVER_VALID", "Requested effective lifetime is negative or too short";
        KDC_ERR_POLICY = 12, "KDC_ERR_POLICY", "KDC policy rejects request";
        KDC_ERR_BADOPTION = 13, "KDC_ERR_BADOPTION", "KDC can't fulfill requested option";
        KDC_ERR_ETYPE_NOSUPP = 14, "KDC_ERR_ETYPE_NOSUPP", "KDC has no support for encryption type";
        KDC_ERR_SUMTYPE_NOSUPP = 15, "KDC_ERR_SUMTYPE_NOSUPP", "KDC has no support for checksum type";
        KDC_ERR_PADATA_TYPE_NOSUPP = 16, "KDC_ERR_PADATA_TYPE_NOSUPP", "KDC has no support for padata type";
        KDC_ERR_TRTYPE_NOSUPP = 17, "KDC_ERR_TRTYPE_NOSUPP", "KDC has no support for transited type";
        KDC_ERR_CLIENT_REVOKED = 18, "KDC_ERR_CLIENT_REVOKED", "Client's credentials have been revoked";
        KDC_ERR_SERVICE_REVOKED = 19, "KDC_ERR_SERVICE_REVOKED", "Credentials for server have been revoked";
        KDC_ERR_TGT_REVOKED = 20, "KDC_ERR_TGT_REVOKED", "TGT has been revoked";
        KDC_ERR_CLIENT_NOTYET = 21, "KDC_ERR_CLIENT_NOTYET", "Client not yet valid - try again later";
        KDC_ERR_SERVICE_NOTYET = 22, "KDC_ERR_SERVICE_NOTYET", "Server not yet valid - try again later";
        KDC_ERR_KEY_EXP = 23, "KDC_ERR_KEY_EXP", "Password has expired";
        KDC_ERR_PREAUTH_FAILED = 24, "KDC_ERR_PREAUTH_FAILED", "Preauthentication failed";
        KDC_ERR_PREAUTH_REQUIRED = 25, "KDC_ERR_PREAUTH_REQUIRED", "Additional pre-authentication required";
        KDC_ERR_SERVER_NOMATCH = 26, "KDC_ERR_SERVER_NOMATCH", "Requested server and ticket don't match";
        KDC_ERR_MUST_USE_USER2USER = 27, "KDC_ERR_MUST_USE_USER2USER", "Server principal valid for user2user only";
        KDC_ERR_PATH_NOT_ACCEPTED = 28, "KDC_ERR_PATH_NOT_ACCEPTED", "KDC policy rejects transited path";
        KDC_ERR_SVC_UNAVAILABLE = 29, "KDC_ERR_SVC_UNAVAILABLE", "A service is not available that is required to process the request";
        KRB_AP_ERR_BAD_INTEGRITY = 31, "KRB_AP_ERR_BAD_INTEGRITY", "Decrypt integrity check failed";
        KRB_AP_ERR_TKT_EXPIRED = 32, "KRB_AP_ERR_TKT_EXPIRED", "Ticket expired";
        KRB_AP_ERR_TKT_NYV = 33, "KRB_AP_ERR_TKT_NYV", "Ticket not yet valid";
        KRB_AP_ERR_REPEAT = 34, "KRB_AP_ERR_REPEAT", "Request is a replay";
        KRB_AP_ERR_NOT_US = 35, "KRB_AP_ERR_NOT_US", "The ticket isn't for us";
        KRB_AP_ERR_BADMATCH = 36, "KRB_AP_ERR_BADMATCH", "Ticket/authenticator don't match";
        KRB_AP_ERR_SKEW = 37, "KRB_AP_ERR_SKEW", "Clock skew too great";
        KRB_AP_ERR_BADADDR = 38, "KRB_AP_ERR_BADADDR", "Incorrect net address";
        KRB_AP_ERR_BADVERSION = 39, "KRB_AP_ERR_BADVERSION", "Protocol version mismatch";
        KRB_AP_ERR_MSG_TYPE = 40, "KRB_AP_ERR_MSG_TYPE", "Invalid message type";
        KRB_AP_ERR_MODIFIED = 41, "KRB_AP_ERR_MODIFIED", "Message stream modified";
        KRB_AP_ERR_BADORDER = 42, "KRB_AP_ERR_BADORDER", "Message out of order";
        KRB_AP_ERR_ILL_CR_TKT = 43, "KRB_AP_ERR_ILL_CR_TKT", "Illegal cross-realm ticket";
        KRB_AP_ERR_BADKEYVER = 44, "KRB_AP_ERR_BADKEYVER", "Key version is not available";
        KRB_AP_ERR_NOKEY = 45, "KRB_AP_ERR_NOKEY", "Service key not available";
        KRB_AP_ERR_MUT_FAIL = 46, "KRB_AP_ERR_MUT_FAIL", "Mutual authentication failed";
        KRB_AP_ERR_BADDIRECTION = 47, "KRB_AP_ERR_BADDIRECTION", "Incorrect message direction";
        KRB_AP_ERR_METHOD = 48, "KRB_AP_ERR_METHOD", "Alternative authentication method required";
        KRB_AP_ERR_BADSEQ = 49, "KRB_AP_ERR_BADSEQ", "Incorrect sequence number in message";
        KRB_AP_ERR_INAPP_CKSUM = 50, "KRB_AP_ERR_INAPP_CKSUM", "Inappropriate type of checksum in message";
        KRB_AP_PATH_NOT_ACCEPTED = 51, "KRB_AP_PATH_NOT_ACCEPTED", "Policy rejects transited path";
        KRB_ERR_RESPONSE_TOO_BIG = 52, "KRB_ERR_RESPONSE_TOO_BIG", "Response too big for UDP, retry with TCP";
        KRB_ERR_GENERIC = 60, "KRB_ERR_GENERIC", "Generic error (see e-text)";
        KRB_ERR_FIELD_TOOLONG = 61, "KRB_ERR_FIELD_TOOLONG", "Field is too long for this implementation";
        KDC_ERR_CLIENT_NOT_TRUSTED = 62, "KDC_ERR_CLIENT_NOT_TRUSTED", "Client not trusted";
        KDC_ERR_KDC_NOT_TRUSTED = 63, "KDC_ERR_KDC_NOT_TRUSTED", "KDC not trusted";
        KDC_ERR_INVALID_SIG = 64, "KDC_ERR_INVALID_SIG", "Invalid signature";
        KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED = 65, "KDC_ERR_DH_KEY_PARAMETERS_NOT_ACCEPTED", "Key parameters not accepted";
        KDC_ERR_CERTIFICATE_MISMATCH = 66, "KDC_ERR_CERTIFICATE_MISMATCH", "Certificate mismatch";
        KRB_AP_ERR_NO_TGT = 67, "KRB_AP_ERR_NO_TGT", "No ticket granting ticket";
        KDC_ERR_WRONG_REALM = 68, "KDC_ERR_WRONG_REALM", "Realm not local to KDC";
        KRB_AP_ERR_USER_TO_USER_REQUIRED = 69, "KRB_AP_ERR_USER_TO_USER_REQUIRED", "User to user required";
        KDC_ERR_CANT_VERIFY_CERTIFICATE = 70, "KDC_ERR_CANT_VERIFY_CERTIFICATE", "Can't verify certificate";
        KDC_ERR_INVALID_CERTIFICATE = 71, "KDC_ERR_INVALID_CERTIFICATE", "Invalid certificate";
        KDC_ERR_REVOKED_CERTIFICATE = 72, "KDC_ERR_REVOKED_CERTIFICATE", "Revoked certificate";
        KDC_ERR_REVOCATION_STATUS_UNKNOWN = 73, "KDC_ERR_REVOCATION_STATUS_UNKNOWN", "Revocation status unknown";
        KDC_ERR_REVOCATION_STATUS_UNAVAILABLE = 74, "KDC_ERR_REVOCATION_STATUS_UNAVAILABLE", "Revocation status unavailable";
        KDC_ERR_CLIENT_NAME_MISMATCH = 75, "KDC_ERR_CLIENT_NAME_MISMATCH", "Client name mismatch";
        KDC_ERR_KDC_NAME_MISMATCH = 76, "KDC_ERR_KDC_NAME_MISMATCH", "KDC name mismatch";
        KDC_ERR_INCONSISTENT_KEY_PURPOSE = 77, "KDC_ERR_INCONSISTENT_KEY_PURPOSE", "Inconsistent key purpose";
        KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED = 78, "KDC_ERR_DIGEST_IN_CERT_NOT_ACCEPTED", "Digest in certificate not accepted";
        KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED = 79, "KDC_ERR_PA_CHECKSUM_MUST_BE_INCLUDED", "Checksum must be included";
        KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED = 80, "KDC_ERR_DIGEST_IN_SIGNED_DATA_NOT_ACCEPTED", "Digest in signed-data not accepted";
        KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED = 81, "KDC_ERR_PUBLIC_KEY_ENCRYPTION_NOT_SUPPORTED", "Public key encryption not supported";
        KRB_AP_ERR_IAKERB_KDC_NOT_FOUND = 85, "KRB_AP_ERR_IAKERB_KDC_NOT_FOUND", "The IAKERB proxy could not find a KDC";
        KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE = 86, "KRB_AP_ERR_IAKERB_KDC_NO_RESPONSE", "The KDC did not respond to the IAKERB proxy";
        KDC_ERR_PREAUTH_EXPIRED = 90, "KDC_ERR_PREAUTH_EXPIRED", "Preauthentication expired";
        KDC_ERR_MORE_PREAUTH_DATA_REQUIRED = 91, "KDC_ERR_MORE_PREAUTH_DATA_REQUIRED", "More preauthentication data is required";
        KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTION = 93, "KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTION", "An unsupported critical FAST option was requested";
        KDC_ERR_NO_ACCEPTABLE_KDF = 100, "KDC_ERR_NO_ACCEPTABLE_KDF", "No acceptable KDF offered";
    }
}
