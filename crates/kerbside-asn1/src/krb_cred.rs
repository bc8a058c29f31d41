//! `KRB-CRED` and its encrypted part.

use alloc::vec::Vec;

use crate::codec::{Element, sequence};
use crate::{
    EncryptedData, EncryptionKey, HostAddress, HostAddresses, KerberosString, KerberosTime, Microseconds,
    MsgType, PrincipalName, Raw, Ticket, TicketFlags,
};

sequence! {
    /// Credentials handed on.
    ///
    /// ```text
    /// KRB-CRED        ::= [APPLICATION 22] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (22),
    ///         tickets         [2] SEQUENCE OF Ticket,
    ///         enc-part        [3] EncryptedData -- EncKrbCredPart
    /// }
    /// ```
    ///
    /// RFC 4120 5.8.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbCred<'a>: APPLICATION 22 {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-CRED.
        pub msg_type: MsgType = [1],
        /// The tickets, with their bytes.
        pub tickets: Vec<Raw<'a, Ticket<'a>>> = [2],
        /// An [`EncKrbCredPart`], with one `ticket_info` for each ticket.
        pub enc_part: EncryptedData<'a> = [3],
    }
}

sequence! {
    /// What belongs to the tickets of a KRB-CRED.
    ///
    /// ```text
    /// EncKrbCredPart  ::= [APPLICATION 29] SEQUENCE {
    ///         ticket-info     [0] SEQUENCE OF KrbCredInfo,
    ///         nonce           [1] UInt32 OPTIONAL,
    ///         timestamp       [2] KerberosTime OPTIONAL,
    ///         usec            [3] Microseconds OPTIONAL,
    ///         s-address       [4] HostAddress OPTIONAL,
    ///         r-address       [5] HostAddress OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.8.1. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct EncKrbCredPart<'a>: APPLICATION 29 {
        /// One for each ticket, in their order.
        pub ticket_info: Vec<KrbCredInfo<'a>> = [0],
        /// A number given by the receiver.
        pub nonce: Option<u32> = [1],
        /// The sender's time.
        pub timestamp: Option<KerberosTime> = [2],
        /// Its microseconds.
        pub usec: Option<Microseconds> = [3],
        /// The sender's address.
        pub s_address: Option<HostAddress<'a>> = [4],
        /// The receiver's address.
        pub r_address: Option<HostAddress<'a>> = [5],
    }
}

sequence! {
    /// What belongs to one ticket of a KRB-CRED.
    ///
    /// ```text
    /// KrbCredInfo     ::= SEQUENCE {
    ///         key             [0] EncryptionKey,
    ///         prealm          [1] Realm OPTIONAL,
    ///         pname           [2] PrincipalName OPTIONAL,
    ///         flags           [3] TicketFlags OPTIONAL,
    ///         authtime        [4] KerberosTime OPTIONAL,
    ///         starttime       [5] KerberosTime OPTIONAL,
    ///         endtime         [6] KerberosTime OPTIONAL,
    ///         renew-till      [7] KerberosTime OPTIONAL,
    ///         srealm          [8] Realm OPTIONAL,
    ///         sname           [9] PrincipalName OPTIONAL,
    ///         caddr           [10] HostAddresses OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.8.1. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct KrbCredInfo<'a> {
        /// The session key.
        pub key: EncryptionKey<'a> = [0],
        /// The client's realm.
        pub prealm: Option<KerberosString<'a>> = [1],
        /// The client's name.
        pub pname: Option<PrincipalName<'a>> = [2],
        /// As in the ticket.
        pub flags: Option<TicketFlags> = [3],
        /// As in the ticket.
        pub authtime: Option<KerberosTime> = [4],
        /// As in the ticket.
        pub starttime: Option<KerberosTime> = [5],
        /// As in the ticket.
        pub endtime: Option<KerberosTime> = [6],
        /// As in the ticket.
        pub renew_till: Option<KerberosTime> = [7],
        /// The service's realm.
        pub srealm: Option<KerberosString<'a>> = [8],
        /// The service's name.
        pub sname: Option<PrincipalName<'a>> = [9],
        /// As in the ticket.
        pub caddr: Option<HostAddresses<'a>> = [10],
    }
}

impl Element for KrbCredInfo<'_> {
    const MAX_COUNT: usize = crate::ticket::MAX_TICKETS;
}
