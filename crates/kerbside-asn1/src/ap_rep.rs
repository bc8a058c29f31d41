//! `AP-REP` and `EncAPRepPart`.

use crate::codec::sequence;
use crate::{EncryptedData, EncryptionKey, KerberosTime, Microseconds, MsgType};

sequence! {
    /// What a service answers to prove itself.
    ///
    /// ```text
    /// AP-REP          ::= [APPLICATION 15] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (15),
    ///         enc-part        [2] EncryptedData -- EncAPRepPart
    /// }
    /// ```
    ///
    /// RFC 4120 5.5.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ApRep<'a>: APPLICATION 15 {
        /// 5.
        pub pvno: i32 = [0],
        /// AP-REP.
        pub msg_type: MsgType = [1],
        /// An [`EncApRepPart`] under the ticket's session key.
        pub enc_part: EncryptedData<'a> = [2],
    }
}

sequence! {
    /// The service's proof: the time of the client's authenticator.
    ///
    /// ```text
    /// EncAPRepPart    ::= [APPLICATION 27] SEQUENCE {
    ///         ctime           [0] KerberosTime,
    ///         cusec           [1] Microseconds,
    ///         subkey          [2] EncryptionKey OPTIONAL,
    ///         seq-number      [3] UInt32 OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.5.2. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct EncApRepPart<'a>: APPLICATION 27 {
        /// As in the authenticator.
        pub ctime: KerberosTime = [0],
        /// As in the authenticator.
        pub cusec: Microseconds = [1],
        /// The service's choice of a key for this session.
        pub subkey: Option<EncryptionKey<'a>> = [2],
        /// The number of the service's first message.
        pub seq_number: Option<u32> = [3],
    }
}
