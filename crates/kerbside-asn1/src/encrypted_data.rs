//! `EncryptedData`, `EncryptionKey` and `Checksum`.

use core::fmt;

use kerbside_crypto::{ChecksumType, EncryptionType};

use crate::codec::sequence;

sequence! {
    /// A ciphertext and what is needed to find its key.
    ///
    /// ```text
    /// EncryptedData   ::= SEQUENCE {
    ///         etype   [0] Int32 -- EncryptionType --,
    ///         kvno    [1] UInt32 OPTIONAL,
    ///         cipher  [2] OCTET STRING -- ciphertext
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.9.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct EncryptedData<'a> {
        /// How it is encrypted.
        pub etype: EncryptionType = [0],
        /// The version of the long-term key, absent under a session key.
        pub kvno: Option<u32> = [1],
        /// The ciphertext.
        pub cipher: &'a [u8] = [2],
    }
}

sequence! {
    /// A key inside an encrypted part.
    ///
    /// ```text
    /// EncryptionKey   ::= SEQUENCE {
    ///         keytype         [0] Int32 -- actually encryption type --,
    ///         keyvalue        [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.9. It borrows the decrypted buffer, which its owner keeps in `Zeroizing`.
    #[derive(Clone)]
    pub struct EncryptionKey<'a> {
        /// The encryption type.
        pub keytype: EncryptionType = [0],
        /// The key.
        pub keyvalue: &'a [u8] = [1],
    }
}

impl fmt::Debug for EncryptionKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "EncryptionKey({}, {} octets)",
            self.keytype,
            self.keyvalue.len()
        )
    }
}

sequence! {
    /// A checksum. It has no `==`: it is checked by the key it was made with, in constant time.
    ///
    /// ```text
    /// Checksum        ::= SEQUENCE {
    ///         cksumtype       [0] Int32,
    ///         checksum        [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.9.
    #[derive(Clone, Debug)]
    pub struct Checksum<'a> {
        /// How it is made.
        pub cksumtype: ChecksumType = [0],
        /// Its octets.
        pub checksum: &'a [u8] = [1],
    }
}
