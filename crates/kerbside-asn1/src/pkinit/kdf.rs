//! The inputs of PKINIT's key derivation (RFC 8636 6).

use der::asn1::ObjectIdentifier;
use kerbside_crypto::EncryptionType;

use crate::AlgorithmIdentifier;
use crate::codec::sequence;

sequence! {
    /// A key derivation function; those there are stand in [`oids`](crate::oids).
    ///
    /// ```text
    /// KDFAlgorithmId ::= SEQUENCE {
    ///         kdf-id            [0] OBJECT IDENTIFIER,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 8636 6.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KdfAlgorithmId {
        /// Which one.
        pub kdf_id: ObjectIdentifier = [0],
    } ...
}

sequence! {
    /// What a key is derived from besides the shared secret.
    ///
    /// ```text
    /// OtherInfo ::= SEQUENCE {
    ///         algorithmID   AlgorithmIdentifier,
    ///         partyUInfo     [0] OCTET STRING,
    ///         partyVInfo     [1] OCTET STRING,
    ///         suppPubInfo    [2] OCTET STRING OPTIONAL,
    ///         suppPrivInfo   [3] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 8636 6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OtherInfo<'a> {
        /// The KDF, without parameters.
        pub algorithm_id: AlgorithmIdentifier<'a> = [],
        /// A [`Krb5PrincipalName`](crate::Krb5PrincipalName) of the client.
        pub party_u_info: &'a [u8] = [0],
        /// A [`Krb5PrincipalName`](crate::Krb5PrincipalName) of the KDC.
        pub party_v_info: &'a [u8] = [1],
        /// A [`PkinitSuppPubInfo`].
        pub supp_pub_info: Option<&'a [u8]> = [2],
        /// Nothing.
        pub supp_priv_info: Option<&'a [u8]> = [3],
    }
}

sequence! {
    /// What was exchanged.
    ///
    /// ```text
    /// PkinitSuppPubInfo ::= SEQUENCE {
    ///         enctype           [0] Int32,
    ///         as-REQ            [1] OCTET STRING,
    ///         pk-as-rep         [2] OCTET STRING,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 8636 6.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PkinitSuppPubInfo<'a> {
        /// The encryption type of the reply key.
        pub enctype: EncryptionType = [0],
        /// The AS-REQ as it was sent.
        pub as_req: &'a [u8] = [1],
        /// The PA-PK-AS-REP as it was sent.
        pub pk_as_rep: &'a [u8] = [2],
    } ...
}
