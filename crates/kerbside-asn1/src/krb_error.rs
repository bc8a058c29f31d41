//! `KRB-ERROR`.

use crate::codec::sequence;
use crate::{ErrorCode, KerberosString, KerberosTime, Microseconds, MsgType, PrincipalName};

sequence! {
    /// A refusal by a KDC or a service. Nothing in it is protected.
    ///
    /// ```text
    /// KRB-ERROR       ::= [APPLICATION 30] SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (30),
    ///         ctime           [2] KerberosTime OPTIONAL,
    ///         cusec           [3] Microseconds OPTIONAL,
    ///         stime           [4] KerberosTime,
    ///         susec           [5] Microseconds,
    ///         error-code      [6] Int32,
    ///         crealm          [7] Realm OPTIONAL,
    ///         cname           [8] PrincipalName OPTIONAL,
    ///         realm           [9] Realm -- service realm --,
    ///         sname           [10] PrincipalName -- service name --,
    ///         e-text          [11] KerberosString OPTIONAL,
    ///         e-data          [12] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.9.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbError<'a>: APPLICATION 30 {
        /// 5.
        pub pvno: i32 = [0],
        /// KRB-ERROR.
        pub msg_type: MsgType = [1],
        /// The client's time.
        pub ctime: Option<KerberosTime> = [2],
        /// Its microseconds.
        pub cusec: Option<Microseconds> = [3],
        /// The time of the one who refuses.
        pub stime: KerberosTime = [4],
        /// Its microseconds.
        pub susec: Microseconds = [5],
        /// Why.
        pub error_code: ErrorCode = [6],
        /// The client's realm, or the one to ask instead.
        pub crealm: Option<KerberosString<'a>> = [7],
        /// The client's name.
        pub cname: Option<PrincipalName<'a>> = [8],
        /// The service's realm.
        pub realm: KerberosString<'a> = [9],
        /// The service's name.
        pub sname: PrincipalName<'a> = [10],
        /// A text for people.
        pub e_text: Option<KerberosString<'a>> = [11],
        /// More, whose form depends on the code.
        pub e_data: Option<&'a [u8]> = [12],
    }
}
