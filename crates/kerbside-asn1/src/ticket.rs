//! `Ticket`, `EncTicketPart` and `TransitedEncoding`.

use crate::codec::{Element, sequence};
use crate::{
    AuthorizationData, EncryptedData, EncryptionKey, HostAddresses, KerberosString, KerberosTime,
    PrincipalName, TicketFlags, TransitedType,
};

/// The most tickets taken in one message.
pub const MAX_TICKETS: usize = 8;

sequence! {
    /// What a client shows a service: names it, and holds a part only the service can read.
    ///
    /// ```text
    /// Ticket          ::= [APPLICATION 1] SEQUENCE {
    ///         tkt-vno         [0] INTEGER (5),
    ///         realm           [1] Realm,
    ///         sname           [2] PrincipalName,
    ///         enc-part        [3] EncryptedData -- EncTicketPart
    /// }
    /// ```
    ///
    /// RFC 4120 5.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct Ticket<'a>: APPLICATION 1 {
        /// 5.
        pub tkt_vno: i32 = [0],
        /// The realm that issued the ticket, and the service's.
        pub realm: KerberosString<'a> = [1],
        /// The service's name.
        pub sname: PrincipalName<'a> = [2],
        /// An [`EncTicketPart`] under the service's key.
        pub enc_part: EncryptedData<'a> = [3],
    }
}

impl Element for Ticket<'_> {
    const MAX_COUNT: usize = MAX_TICKETS;
}

sequence! {
    /// The part of a ticket that only its service and the KDC can read.
    ///
    /// ```text
    /// EncTicketPart   ::= [APPLICATION 3] SEQUENCE {
    ///         flags                   [0] TicketFlags,
    ///         key                     [1] EncryptionKey,
    ///         crealm                  [2] Realm,
    ///         cname                   [3] PrincipalName,
    ///         transited               [4] TransitedEncoding,
    ///         authtime                [5] KerberosTime,
    ///         starttime               [6] KerberosTime OPTIONAL,
    ///         endtime                 [7] KerberosTime,
    ///         renew-till              [8] KerberosTime OPTIONAL,
    ///         caddr                   [9] HostAddresses OPTIONAL,
    ///         authorization-data      [10] AuthorizationData OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.3. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct EncTicketPart<'a>: APPLICATION 3 {
        /// What the ticket may be used for.
        pub flags: TicketFlags = [0],
        /// The session key.
        pub key: EncryptionKey<'a> = [1],
        /// The client's realm.
        pub crealm: KerberosString<'a> = [2],
        /// The client's name.
        pub cname: PrincipalName<'a> = [3],
        /// The realms passed between the client's and the service's.
        pub transited: TransitedEncoding<'a> = [4],
        /// When the client first authenticated.
        pub authtime: KerberosTime = [5],
        /// When the ticket becomes valid; absent means at `authtime`.
        pub starttime: Option<KerberosTime> = [6],
        /// When it expires.
        pub endtime: KerberosTime = [7],
        /// Until when it may be renewed.
        pub renew_till: Option<KerberosTime> = [8],
        /// Where it may be used from; absent means from anywhere.
        pub caddr: Option<HostAddresses<'a>> = [9],
        /// Restrictions and facts about the client.
        pub authorization_data: Option<AuthorizationData<'a>> = [10],
    }
}

sequence! {
    /// The realms a ticket's client passed on the way to the service's.
    ///
    /// ```text
    /// TransitedEncoding       ::= SEQUENCE {
    ///         tr-type         [0] Int32 -- must be registered --,
    ///         contents        [1] OCTET STRING
    /// }
    /// ```
    ///
    /// RFC 4120 5.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TransitedEncoding<'a> {
        /// The kind of encoding.
        pub tr_type: TransitedType = [0],
        /// The realms; empty when none was passed.
        pub contents: &'a [u8] = [1],
    }
}
