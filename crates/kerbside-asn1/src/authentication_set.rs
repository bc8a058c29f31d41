//! `PA-AUTHENTICATION-SET`: several pre-authentication mechanisms together.

use alloc::vec::Vec;

use crate::PaDataType;
use crate::codec::{Element, newtype, sequence};

sequence! {
    /// One mechanism of a set.
    ///
    /// ```text
    /// PA-AUTHENTICATION-SET-ELEM ::= SEQUENCE {
    ///         pa-type      [0] Int32,
    ///             -- same as padata-type.
    ///         pa-hint      [1] OCTET STRING OPTIONAL,
    ///         pa-value     [2] OCTET STRING OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaAuthenticationSetElem<'a> {
        /// The mechanism.
        pub pa_type: PaDataType = [0],
        /// Tells whether it is of use for the client.
        pub pa_hint: Option<&'a [u8]> = [1],
        /// Its first data, only for the first mechanism of a set.
        pub pa_value: Option<&'a [u8]> = [2],
    } ...
}

impl Element for PaAuthenticationSetElem<'_> {
    const MAX_COUNT: usize = crate::pa_data::MAX_PADATA;
}

newtype! {
    /// Mechanisms that must succeed one after the other: the value of
    /// [`PA_AUTHENTICATION_SET`](crate::PaDataType::PA_AUTHENTICATION_SET) and
    /// [`PA_AUTH_SET_SELECTED`](crate::PaDataType::PA_AUTH_SET_SELECTED).
    ///
    /// ```text
    /// PA-AUTHENTICATION-SET ::= SEQUENCE OF PA-AUTHENTICATION-SET-ELEM
    /// ```
    ///
    /// RFC 6113 5.3.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct PaAuthenticationSet<'a>(pub Vec<PaAuthenticationSetElem<'a>>);
}
