//! `PA-PK-AS-REQ` and the `AuthPack` signed in it.

use alloc::vec::Vec;

use super::{ExternalPrincipalIdentifier, KdfAlgorithmId};
use crate::codec::sequence;
use crate::{AlgorithmIdentifier, AnyDer, KerberosTime, Microseconds};

sequence! {
    /// The client's half: the value of [`PA_PK_AS_REQ`](crate::PaDataType::PA_PK_AS_REQ).
    ///
    /// ```text
    /// PA-PK-AS-REQ ::= SEQUENCE {
    ///         signedAuthPack          [0] IMPLICIT OCTET STRING,
    ///         trustedCertifiers       [1] SEQUENCE OF
    ///                     ExternalPrincipalIdentifier OPTIONAL,
    ///         kdcPkId                 [2] IMPLICIT OCTET STRING
    ///                                     OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaPkAsReq<'a> {
        /// A CMS `ContentInfo` with SignedData over an [`AuthPack`].
        pub signed_auth_pack: &'a [u8] = [0] IMPLICIT,
        /// The certifiers the client trusts.
        pub trusted_certifiers: Option<Vec<ExternalPrincipalIdentifier<'a>>> = [1],
        /// A CMS `SignerIdentifier` of a KDC's key the client has.
        pub kdc_pk_id: Option<&'a [u8]> = [2] IMPLICIT,
    } ...
}

sequence! {
    /// What a client signs.
    ///
    /// ```text
    /// AuthPack ::= SEQUENCE {
    ///         pkAuthenticator   [0] PKAuthenticator,
    ///         clientPublicValue [1] SubjectPublicKeyInfo OPTIONAL,
    ///         supportedCMSTypes [2] SEQUENCE OF AlgorithmIdentifier
    ///                  OPTIONAL,
    ///         clientDHNonce     [3] DHNonce OPTIONAL,
    ///         ...,
    ///         supportedKDFs     [4] SEQUENCE OF KDFAlgorithmId OPTIONAL,
    ///         ...
    /// }
    /// DHNonce ::= OCTET STRING
    /// ```
    ///
    /// RFC 4556 3.2.1, RFC 8636 6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AuthPack<'a> {
        /// Binds the signature to the request and the moment.
        pub pk_authenticator: PkAuthenticator<'a> = [0],
        /// A `SubjectPublicKeyInfo`, for Diffie-Hellman.
        pub client_public_value: Option<AnyDer<'a>> = [1],
        /// The CMS algorithms the client has, best first.
        pub supported_cms_types: Option<Vec<AlgorithmIdentifier<'a>>> = [2],
        /// When keys may be used again.
        pub client_dh_nonce: Option<&'a [u8]> = [3],
        /// The KDFs the client has, in no order.
        pub supported_kdfs: Option<Vec<KdfAlgorithmId>> = [4],
    } ...
}

sequence! {
    /// What binds a client's signature to its request.
    ///
    /// ```text
    /// PKAuthenticator ::= SEQUENCE {
    ///         cusec                   [0] INTEGER (0..999999),
    ///         ctime                   [1] KerberosTime,
    ///         nonce                   [2] INTEGER (0..4294967295),
    ///         paChecksum              [3] OCTET STRING OPTIONAL,
    ///             -- MUST be present.
    ///         ...,
    ///         freshnessToken          [4] OCTET STRING OPTIONAL,
    ///         ...,
    ///         paChecksum2             [5] PAChecksum2 OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.1; the token is RFC 8070 4, the second checksum MS-PKCA 2.2.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PkAuthenticator<'a> {
        /// The client's microseconds.
        pub cusec: Microseconds = [0],
        /// The client's time.
        pub ctime: KerberosTime = [1],
        /// A number the reply must repeat.
        pub nonce: u32 = [2],
        /// SHA-1 of the request's KDC-REQ-BODY.
        pub pa_checksum: Option<&'a [u8]> = [3],
        /// What the KDC sent as [`PA_AS_FRESHNESS`](crate::PaDataType::PA_AS_FRESHNESS), octet by octet.
        pub freshness_token: Option<&'a [u8]> = [4],
        /// Another digest of the same.
        pub pa_checksum2: Option<PaChecksum2<'a>> = [5],
    } ...
}

sequence! {
    /// A digest of the request's KDC-REQ-BODY by another algorithm than SHA-1.
    ///
    /// ```text
    /// PAChecksum2 ::= SEQUENCE {
    ///         checksum            [0] OCTET STRING,
    ///         algorithmIdentifier [1] AlgorithmIdentifier
    /// }
    /// ```
    ///
    /// MS-PKCA 2.2.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaChecksum2<'a> {
        /// The digest.
        pub checksum: &'a [u8] = [0],
        /// How it is made.
        pub algorithm_identifier: AlgorithmIdentifier<'a> = [1],
    }
}
