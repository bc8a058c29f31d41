//! `AS-REQ`, `TGS-REQ` and their common body.

use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::codec::{newtype, sequence};
use crate::{
    EncryptedData, HostAddresses, KdcOptions, KerberosString, KerberosTime, MsgType, PaData, PrincipalName,
    Raw, Ticket,
};

newtype! {
    /// A request for an initial ticket.
    ///
    /// ```text
    /// AS-REQ          ::= [APPLICATION 10] KDC-REQ
    /// ```
    ///
    /// RFC 4120 5.4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AsReq<'a>(pub KdcReq<'a>): APPLICATION 10;
}

newtype! {
    /// A request for a ticket on the strength of another.
    ///
    /// ```text
    /// TGS-REQ         ::= [APPLICATION 12] KDC-REQ
    /// ```
    ///
    /// RFC 4120 5.4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TgsReq<'a>(pub KdcReq<'a>): APPLICATION 12;
}

sequence! {
    /// A request to a KDC.
    ///
    /// ```text
    /// KDC-REQ         ::= SEQUENCE {
    ///         -- NOTE: first tag is [1], not [0]
    ///         pvno            [1] INTEGER (5) ,
    ///         msg-type        [2] INTEGER (10 -- AS -- | 12 -- TGS --),
    ///         padata          [3] SEQUENCE OF PA-DATA OPTIONAL
    ///                             -- NOTE: not empty --,
    ///         req-body        [4] KDC-REQ-BODY
    /// }
    /// ```
    ///
    /// RFC 4120 5.4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KdcReq<'a> {
        /// 5.
        pub pvno: i32 = [1],
        /// AS-REQ or TGS-REQ.
        pub msg_type: MsgType = [2],
        /// Pre-authentication data; a TGS-REQ's authenticator among it.
        pub padata: Option<Vec<PaData<'a>>> = [3],
        /// What is asked for, with its bytes: the authenticator's checksum covers them.
        pub req_body: Raw<'a, KdcReqBody<'a>> = [4],
    }
}

sequence! {
    /// What a client asks a KDC for.
    ///
    /// ```text
    /// KDC-REQ-BODY    ::= SEQUENCE {
    ///         kdc-options             [0] KDCOptions,
    ///         cname                   [1] PrincipalName OPTIONAL
    ///                                     -- Used only in AS-REQ --,
    ///         realm                   [2] Realm
    ///                                     -- Server's realm
    ///                                     -- Also client's in AS-REQ --,
    ///         sname                   [3] PrincipalName OPTIONAL,
    ///         from                    [4] KerberosTime OPTIONAL,
    ///         till                    [5] KerberosTime,
    ///         rtime                   [6] KerberosTime OPTIONAL,
    ///         nonce                   [7] UInt32,
    ///         etype                   [8] SEQUENCE OF Int32 -- EncryptionType
    ///                                     -- in preference order --,
    ///         addresses               [9] HostAddresses OPTIONAL,
    ///         enc-authorization-data  [10] EncryptedData OPTIONAL
    ///                                     -- AuthorizationData --,
    ///         additional-tickets      [11] SEQUENCE OF Ticket OPTIONAL
    ///                                     -- NOTE: not empty
    /// }
    /// ```
    ///
    /// RFC 4120 5.4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KdcReqBody<'a> {
        /// What kind of ticket.
        pub kdc_options: KdcOptions = [0],
        /// The client's name, in an AS-REQ.
        pub cname: Option<PrincipalName<'a>> = [1],
        /// The service's realm, in an AS-REQ the client's too.
        pub realm: KerberosString<'a> = [2],
        /// The service's name.
        pub sname: Option<PrincipalName<'a>> = [3],
        /// When a postdated ticket is to become valid.
        pub from: Option<KerberosTime> = [4],
        /// When the ticket is to expire; the epoch asks for as long as possible.
        pub till: KerberosTime = [5],
        /// Until when it is to be renewable.
        pub rtime: Option<KerberosTime> = [6],
        /// The number the reply must repeat.
        pub nonce: u32 = [7],
        /// The encryption types the client takes, best first.
        pub etype: Vec<EncryptionType> = [8],
        /// Where the ticket is to be used from.
        pub addresses: Option<HostAddresses<'a>> = [9],
        /// Authorization data to add, in a TGS-REQ.
        pub enc_authorization_data: Option<EncryptedData<'a>> = [10],
        /// Tickets for user-to-user and constrained delegation.
        pub additional_tickets: Option<Vec<Ticket<'a>>> = [11],
    }
}
