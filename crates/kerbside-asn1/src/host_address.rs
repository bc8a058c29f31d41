//! `HostAddress` and `HostAddresses`.

use alloc::vec::Vec;

use crate::AddressType;
use crate::codec::{Element, newtype, sequence};

/// The most addresses taken in one list.
pub const MAX_ADDRESSES: usize = 64;

sequence! {
    /// A network address.
    ///
    /// ```text
    /// HostAddress     ::= SEQUENCE  {
    ///         addr-type       [0] Int32,
    ///         address         [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.5.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct HostAddress<'a> {
        /// The kind of address.
        pub addr_type: AddressType = [0],
        /// The address in network order.
        pub address: &'a [u8] = [1],
    }
}

impl Element for HostAddress<'_> {
    const MAX_COUNT: usize = MAX_ADDRESSES;
}

newtype! {
    /// The addresses a ticket may be used from.
    ///
    /// ```text
    /// HostAddresses   ::= SEQUENCE OF HostAddress
    /// ```
    ///
    /// RFC 4120 5.2.5.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct HostAddresses<'a>(pub Vec<HostAddress<'a>>);
}
