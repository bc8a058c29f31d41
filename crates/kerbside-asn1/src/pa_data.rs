//! `PA-DATA`, `METHOD-DATA` and `TYPED-DATA`.

use alloc::vec::Vec;

use crate::PaDataType;
use crate::codec::{Element, newtype, sequence};

/// The most pre-authentication or typed data elements taken in one list.
pub const MAX_PADATA: usize = 64;

sequence! {
    /// One element of pre-authentication data.
    ///
    /// ```text
    /// PA-DATA         ::= SEQUENCE {
    ///         -- NOTE: first tag is [1], not [0]
    ///         padata-type     [1] Int32,
    ///         padata-value    [2] OCTET STRING -- might be encoded AP-REQ
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.7.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaData<'a> {
        /// The kind of element.
        pub padata_type: PaDataType = [1],
        /// Its contents, whose form depends on the kind.
        pub padata_value: &'a [u8] = [2],
    }
}

impl Element for PaData<'_> {
    const MAX_COUNT: usize = MAX_PADATA;
}

newtype! {
    /// What a KDC asks for or hints at: the `e-data` of KDC_ERR_PREAUTH_REQUIRED and of some other errors.
    ///
    /// ```text
    /// METHOD-DATA     ::= SEQUENCE OF PA-DATA
    /// ```
    ///
    /// RFC 4120 5.9.1.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct MethodData<'a>(pub Vec<PaData<'a>>);
}

impl<'a> MethodData<'a> {
    /// The value of the first element of this type.
    pub fn find(&self, padata_type: PaDataType) -> Option<&'a [u8]> {
        find(&self.0, padata_type)
    }
}

/// The value of the first element of this type in a list.
pub fn find<'a>(padata: &[PaData<'a>], padata_type: PaDataType) -> Option<&'a [u8]> {
    padata
        .iter()
        .find(|element| element.padata_type == padata_type)
        .map(|element| element.padata_value)
}

sequence! {
    /// One element of typed data.
    ///
    /// ```text
    /// SEQUENCE {
    ///         data-type       [0] Int32,
    ///         data-value      [1] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.9.1; its numbers are those of PA-DATA.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TypedDataElement<'a> {
        /// The kind of element.
        pub data_type: PaDataType = [0],
        /// Its contents, whose form depends on the kind.
        pub data_value: Option<&'a [u8]> = [1],
    }
}

impl Element for TypedDataElement<'_> {
    const MAX_COUNT: usize = MAX_PADATA;
}

newtype! {
    /// The `e-data` of some errors, those of PKINIT among them.
    ///
    /// ```text
    /// TYPED-DATA      ::= SEQUENCE SIZE (1..MAX) OF SEQUENCE {
    ///         data-type       [0] Int32,
    ///         data-value      [1] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.9.1.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct TypedData<'a>(pub Vec<TypedDataElement<'a>>);
}
