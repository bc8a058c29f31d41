//! `AuthorizationData`, `AD-IF-RELEVANT` and `AD-KDCIssued`.

use alloc::vec::Vec;

use crate::codec::{Element, newtype, sequence};
use crate::{AdType, Checksum, KerberosString, PrincipalName, Raw};

/// The most authorization data elements taken in one list.
pub const MAX_AUTHORIZATION_DATA: usize = 64;

sequence! {
    /// One element of authorization data.
    ///
    /// ```text
    /// SEQUENCE {
    ///         ad-type         [0] Int32,
    ///         ad-data         [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuthorizationDataElement<'a> {
        /// The kind of element.
        pub ad_type: AdType = [0],
        /// Its contents, whose form depends on the kind.
        pub ad_data: &'a [u8] = [1],
    }
}

impl Element for AuthorizationDataElement<'_> {
    const MAX_COUNT: usize = MAX_AUTHORIZATION_DATA;
}

newtype! {
    /// What a ticket or authenticator says about its client beyond the name.
    ///
    /// ```text
    /// AuthorizationData       ::= SEQUENCE OF SEQUENCE {
    ///         ad-type         [0] Int32,
    ///         ad-data         [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.6.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct AuthorizationData<'a>(pub Vec<AuthorizationDataElement<'a>>);
}

/// What may be ignored by those who do not understand it: the `ad_data` of [`AdType::AD_IF_RELEVANT`].
///
/// ```text
/// AD-IF-RELEVANT          ::= AuthorizationData
/// ```
///
/// RFC 4120 5.2.6.1.
pub type AdIfRelevant<'a> = AuthorizationData<'a>;

sequence! {
    /// What the KDC itself vouches for: the `ad_data` of [`AdType::AD_KDC_ISSUED`].
    ///
    /// ```text
    /// AD-KDCIssued            ::= SEQUENCE {
    ///         ad-checksum     [0] Checksum,
    ///         i-realm         [1] Realm OPTIONAL,
    ///         i-sname         [2] PrincipalName OPTIONAL,
    ///         elements        [3] AuthorizationData
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.6.2.
    #[derive(Clone, Debug)]
    pub struct AdKdcIssued<'a> {
        /// Over the encoding of `elements`, under the session key.
        pub ad_checksum: Checksum<'a> = [0],
        /// The issuer's realm.
        pub i_realm: Option<KerberosString<'a>> = [1],
        /// The issuer's name.
        pub i_sname: Option<PrincipalName<'a>> = [2],
        /// What is vouched for, with the bytes the checksum covers.
        pub elements: Raw<'a, AuthorizationData<'a>> = [3],
    }
}
