//! `AS-REP`, `TGS-REP` and their encrypted part.

use alloc::vec::Vec;

use crate::codec::{self, Decode, Element, Encode, newtype, sequence};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::tag;
use crate::writer::Writer;
use crate::{
    EncryptedData, EncryptionKey, HostAddresses, KerberosString, KerberosTime, LrType, MsgType, PaData,
    PrincipalName, Raw, Ticket, TicketFlags,
};

newtype! {
    /// The reply to an AS-REQ.
    ///
    /// ```text
    /// AS-REP          ::= [APPLICATION 11] KDC-REP
    /// ```
    ///
    /// RFC 4120 5.4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AsRep<'a>(pub KdcRep<'a>): APPLICATION 11;
}

newtype! {
    /// The reply to a TGS-REQ.
    ///
    /// ```text
    /// TGS-REP         ::= [APPLICATION 13] KDC-REP
    /// ```
    ///
    /// RFC 4120 5.4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct TgsRep<'a>(pub KdcRep<'a>): APPLICATION 13;
}

sequence! {
    /// A KDC's reply with a ticket.
    ///
    /// ```text
    /// KDC-REP         ::= SEQUENCE {
    ///         pvno            [0] INTEGER (5),
    ///         msg-type        [1] INTEGER (11 -- AS -- | 13 -- TGS --),
    ///         padata          [2] SEQUENCE OF PA-DATA OPTIONAL
    ///                                 -- NOTE: not empty --,
    ///         crealm          [3] Realm,
    ///         cname           [4] PrincipalName,
    ///         ticket          [5] Ticket,
    ///         enc-part        [6] EncryptedData
    ///                                 -- EncASRepPart or EncTGSRepPart,
    ///                                 -- as appropriate
    /// }
    /// ```
    ///
    /// RFC 4120 5.4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KdcRep<'a> {
        /// 5.
        pub pvno: i32 = [0],
        /// AS-REP or TGS-REP.
        pub msg_type: MsgType = [1],
        /// Pre-authentication data.
        pub padata: Option<Vec<PaData<'a>>> = [2],
        /// The client's realm.
        pub crealm: KerberosString<'a> = [3],
        /// The client's name.
        pub cname: PrincipalName<'a> = [4],
        /// The ticket, with its bytes: they are what a credential cache stores.
        pub ticket: Raw<'a, Ticket<'a>> = [5],
        /// An [`EncAsRepPart`] or [`EncTgsRepPart`] under the reply key.
        pub enc_part: EncryptedData<'a> = [6],
    }
}

/// The part of an AS-REP that only the client can read.
///
/// ```text
/// EncASRepPart    ::= [APPLICATION 25] EncKDCRepPart
/// ```
///
/// RFC 4120 5.4.2. MIT sends it with the tag of [`EncTgsRepPart`], so both are taken; 25 is sent. `tests/wire/tolerances.rs` pins
/// this.
#[derive(Clone, Debug)]
pub struct EncAsRepPart<'a>(pub EncKdcRepPart<'a>);

/// The tag of an EncASRepPart.
const ENC_AS_REP_PART: u8 = 25;

/// The tag of an EncTGSRepPart.
const ENC_TGS_REP_PART: u8 = 26;

impl<'a> Decode<'a> for EncAsRepPart<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let other = tag::application(ENC_TGS_REP_PART);
        let tag = if reader.peek_tag() == Some(other) {
            other
        } else {
            tag::application(ENC_AS_REP_PART)
        };
        codec::decode_tlv(reader, tag, EncKdcRepPart::decode).map(Self)
    }
}

impl Encode for EncAsRepPart<'_> {
    fn encoded_len(&self) -> usize {
        codec::tlv_len(self.0.encoded_len())
    }

    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        let tag = tag::application(ENC_AS_REP_PART);
        codec::encode_tlv(writer, tag, |writer| self.0.encode(writer))
    }
}

impl<'a> core::ops::Deref for EncAsRepPart<'a> {
    type Target = EncKdcRepPart<'a>;

    fn deref(&self) -> &Self::Target {
        &self.0
    }
}

newtype! {
    /// The part of a TGS-REP that only the client can read.
    ///
    /// ```text
    /// EncTGSRepPart   ::= [APPLICATION 26] EncKDCRepPart
    /// ```
    ///
    /// RFC 4120 5.4.2.
    #[derive(Clone, Debug)]
    pub struct EncTgsRepPart<'a>(pub EncKdcRepPart<'a>): APPLICATION 26;
}

sequence! {
    /// What a KDC tells the client about the ticket.
    ///
    /// ```text
    /// EncKDCRepPart   ::= SEQUENCE {
    ///         key             [0] EncryptionKey,
    ///         last-req        [1] LastReq,
    ///         nonce           [2] UInt32,
    ///         key-expiration  [3] KerberosTime OPTIONAL,
    ///         flags           [4] TicketFlags,
    ///         authtime        [5] KerberosTime,
    ///         starttime       [6] KerberosTime OPTIONAL,
    ///         endtime         [7] KerberosTime,
    ///         renew-till      [8] KerberosTime OPTIONAL,
    ///         srealm          [9] Realm,
    ///         sname           [10] PrincipalName,
    ///         caddr           [11] HostAddresses OPTIONAL,
    ///         encrypted-pa-data [12] SEQUENCE OF PA-DATA OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.4.2, RFC 6806 11. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct EncKdcRepPart<'a> {
        /// The session key.
        pub key: EncryptionKey<'a> = [0],
        /// When the client was last seen.
        pub last_req: LastReq = [1],
        /// The request's number.
        pub nonce: u32 = [2],
        /// When the client's password expires.
        pub key_expiration: Option<KerberosTime> = [3],
        /// As in the ticket.
        pub flags: TicketFlags = [4],
        /// As in the ticket.
        pub authtime: KerberosTime = [5],
        /// As in the ticket.
        pub starttime: Option<KerberosTime> = [6],
        /// As in the ticket.
        pub endtime: KerberosTime = [7],
        /// As in the ticket.
        pub renew_till: Option<KerberosTime> = [8],
        /// The service's realm.
        pub srealm: KerberosString<'a> = [9],
        /// The service's name.
        pub sname: PrincipalName<'a> = [10],
        /// As in the ticket.
        pub caddr: Option<HostAddresses<'a>> = [11],
        /// Data only the client may see.
        pub encrypted_pa_data: Option<Vec<PaData<'a>>> = [12],
    }
}

/// The most last-req entries taken.
pub const MAX_LAST_REQ: usize = 64;

/// When the client was last seen, by kind of request.
///
/// ```text
/// LastReq         ::=     SEQUENCE OF SEQUENCE {
///         lr-type         [0] Int32,
///         lr-value        [1] KerberosTime
/// }
/// ```
///
/// RFC 4120 5.4.2.
pub type LastReq = Vec<LastReqEntry>;

sequence! {
    /// One entry of a last-req.
    ///
    /// ```text
    /// SEQUENCE {
    ///         lr-type         [0] Int32,
    ///         lr-value        [1] KerberosTime
    /// }
    /// ```
    ///
    /// RFC 4120 5.4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct LastReqEntry {
        /// What happened.
        pub lr_type: LrType = [0],
        /// When.
        pub lr_value: KerberosTime = [1],
    }
}

impl Element for LastReqEntry {
    const MAX_COUNT: usize = MAX_LAST_REQ;
}
