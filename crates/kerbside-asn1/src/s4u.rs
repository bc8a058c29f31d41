//! Tickets for others: `PA-FOR-USER` and `PA-S4U-X509-USER` (MS-SFU 2.2).

use alloc::vec::Vec;

use crate::codec::sequence;
use crate::flags::flags;
use crate::{Checksum, KerberosString, PrincipalName, Raw};

sequence! {
    /// For whom a service asks: the value of [`PA_FOR_USER`](crate::PaDataType::PA_FOR_USER).
    ///
    /// ```text
    /// PA-FOR-USER ::= SEQUENCE {
    ///         userName        [0] PrincipalName,
    ///         userRealm       [1] Realm,
    ///         cksum           [2] Checksum,
    ///         auth-package    [3] KerberosString
    /// }
    /// ```
    ///
    /// MS-SFU 2.2.1, key usage 17.
    #[derive(Clone, Debug)]
    pub struct PaForUser<'a> {
        /// The user's name.
        pub user_name: PrincipalName<'a> = [0],
        /// The user's realm.
        pub user_realm: KerberosString<'a> = [1],
        /// HMAC-MD5 under the TGT's session key, over [`s4u_byte_array`](Self::s4u_byte_array).
        pub cksum: Checksum<'a> = [2],
        /// `Kerberos`.
        pub auth_package: KerberosString<'a> = [3],
    }
}

impl PaForUser<'_> {
    /// The `S4UByteArray` of these fields, which `cksum` covers.
    pub fn s4u_byte_array(&self) -> Vec<u8> {
        s4u_byte_array(&self.user_name, self.user_realm, self.auth_package)
    }
}

/// What the checksum of a [`PaForUser`] covers: the name type with its least significant octet first, the components of the name,
/// the realm and the package, one after the other (MS-SFU 2.2.1).
pub fn s4u_byte_array(
    user_name: &PrincipalName<'_>,
    user_realm: KerberosString<'_>,
    auth_package: KerberosString<'_>,
) -> Vec<u8> {
    let mut octets = user_name.name_type.0.to_le_bytes().to_vec();
    for component in &user_name.name_string {
        octets.extend_from_slice(component.0);
    }
    octets.extend_from_slice(user_realm.0);
    octets.extend_from_slice(auth_package.0);
    octets
}

flags! {
    /// How a KDC is to treat a [`PaS4uX509User`] (MS-SFU 2.2.2).
    pub struct S4uOptions {
        RESERVED = 0, "reserved";
        CHECK_LOGON_HOURS = 1, "check-logon-hours";
        USE_REPLY_KEY_USAGE = 2, "use-reply-key-usage";
    }
}

sequence! {
    /// For whom a service asks, by name or certificate: the value of [`PA_S4U_X509_USER`](crate::PaDataType::PA_S4U_X509_USER).
    ///
    /// ```text
    /// PA-S4U-X509-USER ::= SEQUENCE {
    ///         user-id         [0] S4UUserID,
    ///         checksum        [1] Checksum
    /// }
    /// ```
    ///
    /// MS-SFU 2.2.2, key usages 26 and 27.
    #[derive(Clone, Debug)]
    pub struct PaS4uX509User<'a> {
        /// The user, with the bytes the checksum covers.
        pub user_id: Raw<'a, S4uUserId<'a>> = [0],
        /// Over `user_id`.
        pub checksum: Checksum<'a> = [1],
    }
}

sequence! {
    /// The user a service asks for.
    ///
    /// ```text
    /// S4UUserID ::= SEQUENCE {
    ///         nonce               [0] UInt32,
    ///         cname               [1] PrincipalName OPTIONAL,
    ///         crealm              [2] Realm,
    ///         subject-certificate [3] OCTET STRING OPTIONAL,
    ///         options             [4] BIT STRING OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// MS-SFU 2.2.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct S4uUserId<'a> {
        /// The request's number.
        pub nonce: u32 = [0],
        /// The user's name.
        pub cname: Option<PrincipalName<'a>> = [1],
        /// The user's realm.
        pub crealm: KerberosString<'a> = [2],
        /// The user's certificate.
        pub subject_certificate: Option<&'a [u8]> = [3],
        /// How to treat it.
        pub options: Option<S4uOptions> = [4],
    } ...
}
