//! Object identifiers of mechanisms, name types and PKINIT (RFC 4121, RFC 4178, RFC 2743, RFC 4556, RFC 8636, MS-SPNG).

pub use der::asn1::ObjectIdentifier;

/// Kerberos 5: 1.2.840.113554.1.2.2 (RFC 1964).
pub const KRB5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2");

/// Kerberos 5 as old Windows wrote it, one number truncated to 16 bits: 1.2.840.48018.1.2.2. Accepted and answered in kind.
pub const MS_KRB5: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.48018.1.2.2");

/// Kerberos 5 before it had an RFC: 1.3.5.1.5.2.
pub const KRB5_OLD: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.5.1.5.2");

/// Kerberos 5 user to user: 1.2.840.113554.1.2.2.3.
pub const KRB5_U2U: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2.3");

/// IAKERB: 1.3.6.1.5.2.5.
pub const IAKERB: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.5");

/// SPNEGO: 1.3.6.1.5.5.2 (RFC 4178).
pub const SPNEGO: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.5.2");

/// NTLM: 1.3.6.1.4.1.311.2.2.10.
pub const NTLMSSP: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.2.10");

/// NEGOEX: 1.3.6.1.4.1.311.2.2.30.
pub const NEGOEX: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.2.30");

/// A service on a host as a name: 1.2.840.113554.1.2.1.4 (RFC 2744).
pub const NT_HOSTBASED_SERVICE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.1.4");

/// A Kerberos principal as a name: 1.2.840.113554.1.2.2.1 (RFC 1964).
pub const NT_KRB5_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2.1");

/// PKU2U: 1.3.6.1.5.2.7.
pub const PKU2U: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.7");

/// A marker among the mechanisms of Windows: 1.3.6.1.4.1.311.2.2.40 (MS-SPNG 3.1.1.4).
pub const NEGOTIATE_LATE_FALLBACK: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.2.2.40");

/// SAnon by X25519: 1.3.6.1.4.1.5322.26.1.110.
pub const SANON_X25519: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.5322.26.1.110");

/// A user's name as a name: 1.2.840.113554.1.2.1.1 (RFC 2744).
pub const NT_USER_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.1.1");

/// A number of the operating system as a name: 1.2.840.113554.1.2.1.2 (RFC 2744).
pub const NT_MACHINE_UID_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.1.2");

/// The same in digits: 1.2.840.113554.1.2.1.3 (RFC 2744).
pub const NT_STRING_UID_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.1.3");

/// A service on a host as a name, the other number: 1.3.6.1.5.6.2 (RFC 2743 4.1).
pub const NT_HOSTBASED_SERVICE_X: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.6.2");

/// Nobody as a name: 1.3.6.1.5.6.3 (RFC 2743 4.5).
pub const NT_ANONYMOUS: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.6.3");

/// An exported name: 1.3.6.1.5.6.4 (RFC 2743 4.7).
pub const NT_EXPORT_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.6.4");

/// A service of a domain as a name: 1.3.6.1.5.6.5 (RFC 5178).
pub const NT_DOMAINBASED_SERVICE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.6.5");

/// An exported name with attributes: 1.3.6.1.5.6.6 (RFC 6680).
pub const NT_COMPOSITE_EXPORT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.6.6");

/// An enterprise name: 1.2.840.113554.1.2.2.6 (MIT).
pub const NT_KRB5_ENTERPRISE_NAME: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2.6");

/// A certificate as a name: 1.2.840.113554.1.2.2.7 (MIT).
pub const NT_KRB5_X509_CERT: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.840.113554.1.2.2.7");

/// A principal in a certificate: 1.3.6.1.5.2.2 (RFC 4556).
pub const PKINIT_SAN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.2");

/// The signed content of a request: 1.3.6.1.5.2.3.1 (RFC 4556).
pub const PKINIT_AUTH_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.1");

/// The signed content of a Diffie-Hellman reply: 1.3.6.1.5.2.3.2 (RFC 4556).
pub const PKINIT_DH_KEY_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.2");

/// The signed content of a reply with a key: 1.3.6.1.5.2.3.3 (RFC 4556).
pub const PKINIT_RKEY_DATA: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.3");

/// The purpose of a client's certificate: 1.3.6.1.5.2.3.4 (RFC 4556).
pub const PKINIT_KP_CLIENT_AUTH: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.4");

/// The purpose of a KDC's certificate: 1.3.6.1.5.2.3.5 (RFC 4556).
pub const PKINIT_KP_KDC: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.5");

/// Key derivation by SHA-1: 1.3.6.1.5.2.3.6.1 (RFC 8636).
pub const PKINIT_KDF_AH_SHA1: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.6.1");

/// Key derivation by SHA-256: 1.3.6.1.5.2.3.6.2 (RFC 8636).
pub const PKINIT_KDF_AH_SHA256: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.6.2");

/// Key derivation by SHA-512: 1.3.6.1.5.2.3.6.3 (RFC 8636).
pub const PKINIT_KDF_AH_SHA512: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.6.3");

/// Key derivation by SHA-384: 1.3.6.1.5.2.3.6.4 (RFC 8636).
pub const PKINIT_KDF_AH_SHA384: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.5.2.3.6.4");

/// Microsoft's purpose of a smart card's certificate: 1.3.6.1.4.1.311.20.2.2.
pub const MS_SMARTCARD_LOGON: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.2");

/// Microsoft's user principal name in a certificate: 1.3.6.1.4.1.311.20.2.3.
pub const MS_UPN: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.20.2.3");

/// Microsoft's security identifier in a certificate: 1.3.6.1.4.1.311.25.2.
pub const MS_SID: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.3.6.1.4.1.311.25.2");

/// What people call a mechanism, if it is one known here.
pub fn mechanism_name(oid: &ObjectIdentifier) -> Option<&'static str> {
    match *oid {
        KRB5 => Some("krb5"),
        MS_KRB5 => Some("krb5 (Microsoft)"),
        KRB5_OLD => Some("krb5 (old)"),
        KRB5_U2U => Some("krb5 user to user"),
        IAKERB => Some("IAKERB"),
        SPNEGO => Some("SPNEGO"),
        NTLMSSP => Some("NTLMSSP"),
        NEGOEX => Some("NEGOEX"),
        PKU2U => Some("PKU2U"),
        NEGOTIATE_LATE_FALLBACK => Some("Negotiate Late Fallback"),
        SANON_X25519 => Some("SAnon X25519"),
        _ => None,
    }
}
