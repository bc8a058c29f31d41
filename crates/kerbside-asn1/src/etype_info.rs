//! `ETYPE-INFO` and `ETYPE-INFO2`: which encryption types, salts and parameters a client's password is used with.

use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::KerberosString;
use crate::codec::{Element, MAX_ETYPES, newtype, sequence};

sequence! {
    /// One encryption type with its salt.
    ///
    /// ```text
    /// ETYPE-INFO-ENTRY        ::= SEQUENCE {
    ///         etype           [0] Int32,
    ///         salt            [1] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.7.4.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct EtypeInfoEntry<'a> {
        /// The encryption type.
        pub etype: EncryptionType = [0],
        /// The salt; absent means the default salt.
        pub salt: Option<&'a [u8]> = [1],
    }
}

impl Element for EtypeInfoEntry<'_> {
    const MAX_COUNT: usize = MAX_ETYPES;
}

newtype! {
    /// The older form, for clients that ask for no newer encryption type.
    ///
    /// ```text
    /// ETYPE-INFO              ::= SEQUENCE OF ETYPE-INFO-ENTRY
    /// ```
    ///
    /// RFC 4120 5.2.7.4.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct EtypeInfo<'a>(pub Vec<EtypeInfoEntry<'a>>);
}

sequence! {
    /// One encryption type with its salt and parameters.
    ///
    /// ```text
    /// ETYPE-INFO2-ENTRY       ::= SEQUENCE {
    ///         etype           [0] Int32,
    ///         salt            [1] KerberosString OPTIONAL,
    ///         s2kparams       [2] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.7.5.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct EtypeInfo2Entry<'a> {
        /// The encryption type.
        pub etype: EncryptionType = [0],
        /// The salt; absent means the default salt, an empty one is an empty one.
        pub salt: Option<KerberosString<'a>> = [1],
        /// The string-to-key parameters; absent means the type's default.
        pub s2kparams: Option<&'a [u8]> = [2],
    }
}

impl Element for EtypeInfo2Entry<'_> {
    const MAX_COUNT: usize = MAX_ETYPES;
}

newtype! {
    /// The client's encryption types in the KDC's order of preference.
    ///
    /// ```text
    /// ETYPE-INFO2             ::= SEQUENCE SIZE (1..MAX) OF ETYPE-INFO2-ENTRY
    /// ```
    ///
    /// RFC 4120 5.2.7.5.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct EtypeInfo2<'a>(pub Vec<EtypeInfo2Entry<'a>>);
}
