//! `PA-PK-AS-REP` and what is signed or enveloped in it.

use super::KdfAlgorithmId;
use crate::codec::{choice, sequence};
use crate::{BitString, Checksum, EncryptionKey, KerberosTime};

choice! {
    /// The KDC's half: the value of [`PA_PK_AS_REP`](crate::PaDataType::PA_PK_AS_REP).
    ///
    /// ```text
    /// PA-PK-AS-REP ::= CHOICE {
    ///         dhInfo                  [0] DHRepInfo,
    ///         encKeyPack              [1] IMPLICIT OCTET STRING,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum PaPkAsRep<'a> {
        /// Diffie-Hellman.
        DhInfo(DhRepInfo<'a>) = [0],
        /// A CMS `ContentInfo` with EnvelopedData around SignedData over a [`ReplyKeyPack`].
        EncKeyPack(&'a [u8]) = [1] IMPLICIT,
    }
}

sequence! {
    /// The KDC's half of a Diffie-Hellman exchange.
    ///
    /// ```text
    /// DHRepInfo ::= SEQUENCE {
    ///         dhSignedData      [0] IMPLICIT OCTET STRING,
    ///         serverDHNonce     [1] DHNonce OPTIONAL,
    ///         ...,
    ///         kdf               [2] KDFAlgorithmId OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.3, RFC 8636 6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct DhRepInfo<'a> {
        /// A CMS `ContentInfo` with SignedData over a [`KdcDhKeyInfo`].
        pub dh_signed_data: &'a [u8] = [0] IMPLICIT,
        /// When keys are used again.
        pub server_dh_nonce: Option<&'a [u8]> = [1],
        /// The KDF the KDC chose; absent means that of RFC 4556.
        pub kdf: Option<KdfAlgorithmId> = [2],
    } ...
}

sequence! {
    /// The KDC's public key.
    ///
    /// ```text
    /// KDCDHKeyInfo ::= SEQUENCE {
    ///         subjectPublicKey        [0] BIT STRING,
    ///         nonce                   [1] INTEGER (0..4294967295),
    ///         dhKeyExpiration         [2] KerberosTime OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.3.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KdcDhKeyInfo<'a> {
        /// The key; for a group of integers the bits hold a DER INTEGER.
        pub subject_public_key: BitString<'a> = [0],
        /// The number of the client's `pkAuthenticator`, or 0 when keys are used again.
        pub nonce: u32 = [1],
        /// Until when the key is used.
        pub dh_key_expiration: Option<KerberosTime> = [2],
    } ...
}

sequence! {
    /// The reply key as such.
    ///
    /// ```text
    /// ReplyKeyPack ::= SEQUENCE {
    ///         replyKey                [0] EncryptionKey,
    ///         asChecksum              [1] Checksum,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 4556 3.2.3.2, key usage 6. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct ReplyKeyPack<'a> {
        /// The key of the AS-REP's encrypted part.
        pub reply_key: EncryptionKey<'a> = [0],
        /// Under that key, over the AS-REQ.
        pub as_checksum: Checksum<'a> = [1],
    } ...
}
