//! `KERB-TGT-REQUEST` and `KERB-TGT-REPLY`: a service without a key of its own (draft-swift-win2k-krb-user2user).

use crate::codec::sequence;
use crate::{KerberosString, MsgType, PrincipalName, Raw, Ticket};

sequence! {
    /// Asks a service for its ticket-granting ticket. In a GSS token it follows the octets 04 00.
    ///
    /// ```text
    /// KERB-TGT-REQUEST ::= SEQUENCE {
    ///         pvno            [0] INTEGER,
    ///         msg-type        [1] INTEGER,
    ///         server-name     [2] PrincipalName OPTIONAL,
    ///         realm           [3] Realm OPTIONAL
    /// }
    /// ```
    ///
    /// draft-swift-win2k-krb-user2user 3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KerbTgtRequest<'a> {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-TGT-REQ.
        pub msg_type: MsgType = [1],
        /// The service's name.
        pub server_name: Option<PrincipalName<'a>> = [2],
        /// The service's realm.
        pub realm: Option<KerberosString<'a>> = [3],
    }
}

sequence! {
    /// The service's ticket-granting ticket. In a GSS token it follows the octets 04 01.
    ///
    /// ```text
    /// KERB-TGT-REPLY ::= SEQUENCE {
    ///         pvno            [0] INTEGER,
    ///         msg-type        [1] INTEGER,
    ///         ticket          [2] Ticket
    /// }
    /// ```
    ///
    /// draft-swift-win2k-krb-user2user 3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KerbTgtReply<'a> {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-TGT-REP.
        pub msg_type: MsgType = [1],
        /// The ticket, with its bytes.
        pub ticket: Raw<'a, Ticket<'a>> = [2],
    }
}
