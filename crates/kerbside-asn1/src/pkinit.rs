//! PKINIT: an initial ticket on the strength of a certificate (RFC 4556, RFC 8636, RFC 8070, RFC 8062, MS-PKCA).
//!
//! CMS and X.509 stay DER: what is signed or enveloped is an OCTET STRING here, keys and parameters are
//! [`AnyDer`](crate::AnyDer).

use alloc::vec::Vec;

use der::asn1::ObjectIdentifier;

use crate::codec::{Element, newtype, sequence};
use crate::{AlgorithmIdentifier, EncryptedData, KerberosString, PrincipalName};

mod auth_pack;
mod kdf;
mod pa_pk_as_rep;

pub use auth_pack::{AuthPack, PaChecksum2, PaPkAsReq, PkAuthenticator};
pub use kdf::{KdfAlgorithmId, OtherInfo, PkinitSuppPubInfo};
pub use pa_pk_as_rep::{DhRepInfo, KdcDhKeyInfo, PaPkAsRep, ReplyKeyPack};

/// The most certifiers or certificates taken in one list.
pub const MAX_CERTIFIERS: usize = 64;

sequence! {
    /// A certificate, or who may have issued one. Each field holds DER of X.509 or CMS.
    ///
    /// ```text
    /// ExternalPrincipalIdentifier ::= SEQUENCE {
    ///         subjectName            [0] IMPLICIT OCTET STRING OPTIONAL,
    ///         issuerAndSerialNumber  [1] IMPLICIT OCTET STRING OPTIONAL,
    ///         subjectKeyIdentifier   [2] IMPLICIT OCTET STRING OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ExternalPrincipalIdentifier<'a> {
        /// A `Name`.
        pub subject_name: Option<&'a [u8]> = [0] IMPLICIT,
        /// An `IssuerAndSerialNumber`.
        pub issuer_and_serial_number: Option<&'a [u8]> = [1] IMPLICIT,
        /// A key identifier.
        pub subject_key_identifier: Option<&'a [u8]> = [2] IMPLICIT,
    } ...
}

impl Element for ExternalPrincipalIdentifier<'_> {
    const MAX_COUNT: usize = MAX_CERTIFIERS;
}

newtype! {
    /// The certifiers a KDC trusts: typed data 104.
    ///
    /// ```text
    /// TD-TRUSTED-CERTIFIERS ::= SEQUENCE OF ExternalPrincipalIdentifier
    /// ```
    ///
    /// RFC 4556 3.2.2.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct TdTrustedCertifiers<'a>(pub Vec<ExternalPrincipalIdentifier<'a>>);
}

newtype! {
    /// The client's certificates with a bad signature: typed data 105.
    ///
    /// ```text
    /// TD-INVALID-CERTIFICATES ::= SEQUENCE OF ExternalPrincipalIdentifier
    /// ```
    ///
    /// RFC 4556 3.2.2.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct TdInvalidCertificates<'a>(pub Vec<ExternalPrincipalIdentifier<'a>>);
}

newtype! {
    /// The path by which the client's certificate was checked: the `ad_data` of
    /// [`AD_INITIAL_VERIFIED_CAS`](crate::AdType::AD_INITIAL_VERIFIED_CAS).
    ///
    /// ```text
    /// AD-INITIAL-VERIFIED-CAS ::= SEQUENCE OF ExternalPrincipalIdentifier
    /// ```
    ///
    /// RFC 4556 3.2.2.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct AdInitialVerifiedCas<'a>(pub Vec<ExternalPrincipalIdentifier<'a>>);
}

newtype! {
    /// The groups a KDC accepts, best first: typed data 109.
    ///
    /// ```text
    /// TD-DH-PARAMETERS ::= SEQUENCE OF AlgorithmIdentifier
    /// ```
    ///
    /// RFC 4556 3.2.2.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct TdDhParameters<'a>(pub Vec<AlgorithmIdentifier<'a>>);
}

newtype! {
    /// The digests a KDC accepts for signed data, best first: typed data 111.
    ///
    /// ```text
    /// TD-CMS-DIGEST-ALGORITHMS-DATA ::= SEQUENCE OF AlgorithmIdentifier
    /// ```
    ///
    /// RFC 8636 4.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct TdCmsDigestAlgorithmsData<'a>(pub Vec<AlgorithmIdentifier<'a>>);
}

sequence! {
    /// The digests a KDC accepts in certificates: typed data 112.
    ///
    /// ```text
    /// TD-CERT-DIGEST-ALGORITHMS-DATA ::= SEQUENCE {
    ///         allowedAlgorithms [0] SEQUENCE OF AlgorithmIdentifier,
    ///         rejectedAlgorithm [1] AlgorithmIdentifier OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 8636 5.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TdCertDigestAlgorithmsData<'a> {
        /// Those that are accepted, best first.
        pub allowed_algorithms: Vec<AlgorithmIdentifier<'a>> = [0],
        /// The one that was not.
        pub rejected_algorithm: Option<AlgorithmIdentifier<'a>> = [1],
    } ...
}

sequence! {
    /// A principal in a certificate: the value of the subject's `otherName` of type
    /// [`PKINIT_SAN`](crate::oids::PKINIT_SAN).
    ///
    /// ```text
    /// KRB5PrincipalName ::= SEQUENCE {
    ///         realm                   [0] Realm,
    ///         principalName           [1] PrincipalName
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Krb5PrincipalName<'a> {
        /// The realm.
        pub realm: KerberosString<'a> = [0],
        /// The name.
        pub principal_name: PrincipalName<'a> = [1],
    }
}

/// The KDC's part of the session key, for a client that has no name: the value of
/// [`PA_PKINIT_KX`](crate::PaDataType::PA_PKINIT_KX).
///
/// ```text
/// PA-PKINIT-KX    ::= EncryptedData -- EncryptionKey
/// ```
///
/// RFC 8062 4.2, key usage 44.
pub type PaPkinitKx<'a> = EncryptedData<'a>;

impl Element for KdfAlgorithmId {
    const MAX_COUNT: usize = crate::any::MAX_ALGORITHMS;
}

/// A KDF's identifier as such.
impl From<ObjectIdentifier> for KdfAlgorithmId {
    fn from(kdf_id: ObjectIdentifier) -> Self {
        Self { kdf_id }
    }
}
