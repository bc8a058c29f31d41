//! Object identifiers of mechanisms and name types (RFC 4121, RFC 4178, RFC 2743, MS-SPNG).

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
        _ => None,
    }
}
