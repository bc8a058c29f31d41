//! `KRB-PRIV` and its encrypted part.

use core::fmt;

use crate::codec::sequence;
use crate::{EncryptedData, HostAddress, KerberosTime, Microseconds, MsgType};

sequence! {
    /// Application data, encrypted.
    ///
    /// ```text
    /// KRB-PRIV        ::= [APPLICATION 21] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (21),
    ///                         -- NOTE: there is no [2] tag
    ///         enc-part        [3] EncryptedData -- EncKrbPrivPart
    /// }
    /// ```
    ///
    /// RFC 4120 5.7.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbPriv<'a>: APPLICATION 21 {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-PRIV.
        pub msg_type: MsgType = [1],
        /// An [`EncKrbPrivPart`].
        pub enc_part: EncryptedData<'a> = [3],
    }
}

sequence! {
    /// What a KRB-PRIV carries.
    ///
    /// ```text
    /// EncKrbPrivPart  ::= [APPLICATION 28] SEQUENCE {
    ///         user-data       [0] OCTET STRING,
    ///         timestamp       [1] KerberosTime OPTIONAL,
    ///         usec            [2] Microseconds OPTIONAL,
    ///         seq-number      [3] UInt32 OPTIONAL,
    ///         s-address       [4] HostAddress -- sender's addr --,
    ///         r-address       [5] HostAddress OPTIONAL -- recip's addr
    /// }
    /// ```
    ///
    /// RFC 4120 5.7.1. The data is often a password, so Debug shows only its length.
    #[derive(Clone)]
    pub struct EncKrbPrivPart<'a>: APPLICATION 28 {
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

impl fmt::Debug for EncKrbPrivPart<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("EncKrbPrivPart")
            .field("user_data", &format_args!("{} octets", self.user_data.len()))
            .field("timestamp", &self.timestamp)
            .field("seq_number", &self.seq_number)
            .finish_non_exhaustive()
    }
}
