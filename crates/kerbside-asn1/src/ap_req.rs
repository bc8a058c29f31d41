//! `AP-REQ` and `Authenticator`.

use crate::codec::sequence;
use crate::{
    ApOptions, AuthorizationData, Checksum, EncryptedData, EncryptionKey, KerberosString, KerberosTime,
    Microseconds, MsgType, PrincipalName, Raw, Ticket,
};

sequence! {
    /// What a client shows a service to be let in.
    ///
    /// ```text
    /// AP-REQ          ::= [APPLICATION 14] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (14),
    ///         ap-options      [2] APOptions,
    ///         ticket          [3] Ticket,
    ///         authenticator   [4] EncryptedData -- Authenticator
    /// }
    /// ```
    ///
    /// RFC 4120 5.5.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct ApReq<'a>: APPLICATION 14 {
        /// 5.
        pub pvno: i32 = [0],
        /// AP-REQ.
        pub msg_type: MsgType = [1],
        /// How it is to be taken.
        pub ap_options: ApOptions = [2],
        /// The ticket, with its bytes.
        pub ticket: Raw<'a, Ticket<'a>> = [3],
        /// An [`Authenticator`] under the ticket's session key.
        pub authenticator: EncryptedData<'a> = [4],
    }
}

sequence! {
    /// The client's proof that it holds the ticket's session key, now.
    ///
    /// ```text
    /// -- Unencrypted authenticator
    /// Authenticator   ::= [APPLICATION 2] SEQUENCE  {
    ///         authenticator-vno       [0] INTEGER (5),
    ///         crealm                  [1] Realm,
    ///         cname                   [2] PrincipalName,
    ///         cksum                   [3] Checksum OPTIONAL,
    ///         cusec                   [4] Microseconds,
    ///         ctime                   [5] KerberosTime,
    ///         subkey                  [6] EncryptionKey OPTIONAL,
    ///         seq-number              [7] UInt32 OPTIONAL,
    ///         authorization-data      [8] AuthorizationData OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.5.1. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct Authenticator<'a>: APPLICATION 2 {
        /// 5.
        pub authenticator_vno: i32 = [0],
        /// The client's realm, as the client says it; the ticket's is the one that counts.
        pub crealm: KerberosString<'a> = [1],
        /// The client's name, as the client says it.
        pub cname: PrincipalName<'a> = [2],
        /// Over application data.
        pub cksum: Option<Checksum<'a>> = [3],
        /// The microseconds of `ctime`.
        pub cusec: Microseconds = [4],
        /// The client's time.
        pub ctime: KerberosTime = [5],
        /// The client's choice of a key for this session.
        pub subkey: Option<EncryptionKey<'a>> = [6],
        /// The number of the client's first message.
        pub seq_number: Option<u32> = [7],
        /// Restrictions the client puts on itself.
        pub authorization_data: Option<AuthorizationData<'a>> = [8],
    }
}
