//! `PrincipalName`: a name as it stands in a message. What the user holds is a [`Name`](crate::Name).

use alloc::vec::Vec;

use crate::codec::sequence;
use crate::{KerberosString, NameType};

/// The most components a name may have. Names in use have one to four.
pub const MAX_COMPONENTS: usize = 32;

sequence! {
    /// A principal's name without its realm.
    ///
    /// ```text
    /// PrincipalName   ::= SEQUENCE {
    ///         name-type       [0] Int32,
    ///         name-string     [1] SEQUENCE OF KerberosString
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.2. Two names are the same when their `name_string`s are: `name_type` is a hint. Compare with
    /// [`Name`](crate::Name), not with `==` here, which compares both.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PrincipalName<'a> {
        /// A hint at what kind of name this is.
        pub name_type: NameType = [0],
        /// The components.
        pub name_string: Vec<KerberosString<'a>> = [1],
    }
}
