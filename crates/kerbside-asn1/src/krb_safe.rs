//! `KRB-SAFE`.

use crate::codec::sequence;
use crate::{Checksum, HostAddress, KerberosTime, Microseconds, MsgType, Raw};

sequence! {
    /// Application data with a checksum.
    ///
    /// ```text
    /// KRB-SAFE        ::= [APPLICATION 20] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (20),
    ///         safe-body       [2] KRB-SAFE-BODY,
    ///         cksum           [3] Checksum
    /// }
    /// ```
    ///
    /// RFC 4120 5.6.1.
    #[derive(Clone, Debug)]
    pub struct KrbSafe<'a>: APPLICATION 20 {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-SAFE.
        pub msg_type: MsgType = [1],
        /// The data, with its bytes: the checksum covers them.
        pub safe_body: Raw<'a, KrbSafeBody<'a>> = [2],
        /// Over `safe_body`.
        pub cksum: Checksum<'a> = [3],
    }
}

sequence! {
    /// What a KRB-SAFE carries.
    ///
    /// ```text
    /// KRB-SAFE-BODY   ::= SEQUENCE {
    ///         user-data       [0] OCTET STRING,
    ///         timestamp       [1] KerberosTime OPTIONAL,
    ///         usec            [2] Microseconds OPTIONAL,
    ///         seq-number      [3] UInt32 OPTIONAL,
    ///         s-address       [4] HostAddress,
    ///         r-address       [5] HostAddress OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.6.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbSafeBody<'a> {
        /// The application's data.
        pub user_data: &'a [u8] = [0],
        /// The sender's time.
        pub timestamp: Option<KerberosTime> = [1],
        /// Its microseconds.
        pub usec: Option<Microseconds> = [2],
        /// The number of this message.
        pub seq_number: Option<u32> = [3],
        /// The sender's address.
        pub s_address: HostAddress<'a> = [4],
        /// The receiver's address.
        pub r_address: Option<HostAddress<'a>> = [5],
    }
}
