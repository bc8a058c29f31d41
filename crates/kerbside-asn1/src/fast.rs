//! FAST: a tunnel for pre-authentication (RFC 6113 5.4).

use alloc::vec::Vec;

use crate::codec::{choice, sequence};
use crate::flags::flags;
use crate::registry::registry;
use crate::{
    Checksum, EncryptedData, EncryptionKey, KdcReqBody, KerberosString, KerberosTime, Microseconds, PaData,
    PrincipalName, Raw,
};

registry! {
    /// The `armor-type` of a [`KrbFastArmor`].
    pub struct FastArmorType {
        FX_FAST_ARMOR_AP_REQUEST = 1, "FX_FAST_ARMOR_AP_REQUEST", "an AP-REQ with a subkey";
    }
}

flags! {
    /// How a KDC is to treat a request in a tunnel. Of bits 0 to 15 those that are unknown must be refused
    /// ([`KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTION`](crate::ErrorCode::KDC_ERR_UNKNOWN_CRITICAL_FAST_OPTION)).
    ///
    /// ```text
    /// FastOptions     ::= KerberosFlags
    /// ```
    ///
    /// RFC 6113 5.4.2.
    pub struct FastOptions {
        RESERVED = 0, "reserved";
        HIDE_CLIENT_NAMES = 1, "hide-client-names";
        KDC_FOLLOW_REFERRALS = 16, "kdc-follow-referrals";
    }
}

impl FastOptions {
    /// The critical options that are not known here.
    #[must_use]
    pub const fn unknown_critical(self) -> Self {
        Self(self.0 & 0xffff_0000).without(Self::HIDE_CLIENT_NAMES)
    }
}

sequence! {
    /// What makes the armor key: the `padata_value` of [`PA_FX_FAST_ARMOR`](crate::PaDataType::PA_FX_FAST_ARMOR), or part of a
    /// request.
    ///
    /// ```text
    /// KrbFastArmor ::= SEQUENCE {
    ///         armor-type   [0] Int32,
    ///         armor-value  [1] OCTET STRING,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbFastArmor<'a> {
        /// The kind of armor.
        pub armor_type: FastArmorType = [0],
        /// The armor: an encoded AP-REQ.
        pub armor_value: &'a [u8] = [1],
    } ...
}

choice! {
    /// A request's tunnel: the `padata_value` of [`PA_FX_FAST`](crate::PaDataType::PA_FX_FAST) in a request.
    ///
    /// ```text
    /// PA-FX-FAST-REQUEST ::= CHOICE {
    ///         armored-data [0] KrbFastArmoredReq,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.2.
    #[derive(Clone, Debug)]
    pub enum PaFxFastRequest<'a> {
        /// The one kind there is.
        ArmoredData(KrbFastArmoredReq<'a>) = [0],
    }
}

sequence! {
    /// A request in its armor.
    ///
    /// ```text
    /// KrbFastArmoredReq ::= SEQUENCE {
    ///         armor        [0] KrbFastArmor OPTIONAL,
    ///         req-checksum [1] Checksum,
    ///         enc-fast-req [2] EncryptedData -- KrbFastReq --,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.2, key usages 50 and 51.
    #[derive(Clone, Debug)]
    pub struct KrbFastArmoredReq<'a> {
        /// The armor; in a TGS-REQ the request's own AP-REQ is the armor and this is absent.
        pub armor: Option<KrbFastArmor<'a>> = [0],
        /// Under the armor key, over the outer KDC-REQ-BODY of an AS-REQ or the AP-REQ of a TGS-REQ.
        pub req_checksum: Checksum<'a> = [1],
        /// A [`KrbFastReq`] under the armor key.
        pub enc_fast_req: EncryptedData<'a> = [2],
    } ...
}

sequence! {
    /// A request inside its tunnel.
    ///
    /// ```text
    /// KrbFastReq ::= SEQUENCE {
    ///         fast-options [0] FastOptions,
    ///         padata       [1] SEQUENCE OF PA-DATA,
    ///         req-body     [2] KDC-REQ-BODY,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbFastReq<'a> {
        /// How to treat the request.
        pub fast_options: FastOptions = [0],
        /// Pre-authentication data.
        pub padata: Vec<PaData<'a>> = [1],
        /// What is asked for, in place of the outer body; with its bytes, which PKINIT's checksum covers.
        pub req_body: Raw<'a, KdcReqBody<'a>> = [2],
    } ...
}

choice! {
    /// A reply's or error's tunnel: the `padata_value` of [`PA_FX_FAST`](crate::PaDataType::PA_FX_FAST) there.
    ///
    /// ```text
    /// PA-FX-FAST-REPLY ::= CHOICE {
    ///         armored-data [0] KrbFastArmoredRep,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum PaFxFastReply<'a> {
        /// The one kind there is.
        ArmoredData(KrbFastArmoredRep<'a>) = [0],
    }
}

sequence! {
    /// A reply in its armor.
    ///
    /// ```text
    /// KrbFastArmoredRep ::= SEQUENCE {
    ///         enc-fast-rep      [0] EncryptedData -- KrbFastResponse --,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.3, key usage 52.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KrbFastArmoredRep<'a> {
        /// A [`KrbFastResponse`] under the armor key.
        pub enc_fast_rep: EncryptedData<'a> = [0],
    } ...
}

sequence! {
    /// A reply inside its tunnel.
    ///
    /// ```text
    /// KrbFastResponse ::= SEQUENCE {
    ///         padata         [0] SEQUENCE OF PA-DATA,
    ///         strengthen-key [1] EncryptionKey OPTIONAL,
    ///         finished       [2] KrbFastFinished OPTIONAL,
    ///         nonce          [3] UInt32,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.3. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct KrbFastResponse<'a> {
        /// Pre-authentication data.
        pub padata: Vec<PaData<'a>> = [0],
        /// Combined with the reply key; absent in an error.
        pub strengthen_key: Option<EncryptionKey<'a>> = [1],
        /// In an AS-REP or TGS-REP.
        pub finished: Option<KrbFastFinished<'a>> = [2],
        /// The request's number.
        pub nonce: u32 = [3],
    } ...
}

sequence! {
    /// The KDC's seal on the whole exchange.
    ///
    /// ```text
    /// KrbFastFinished ::= SEQUENCE {
    ///         timestamp       [0] KerberosTime,
    ///         usec            [1] Microseconds,
    ///         crealm          [2] Realm,
    ///         cname           [3] PrincipalName,
    ///         ticket-checksum [4] Checksum,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6113 5.4.3, key usage 53.
    #[derive(Clone, Debug)]
    pub struct KrbFastFinished<'a> {
        /// The KDC's time.
        pub timestamp: KerberosTime = [0],
        /// Its microseconds.
        pub usec: Microseconds = [1],
        /// The client's realm.
        pub crealm: KerberosString<'a> = [2],
        /// The client's name.
        pub cname: PrincipalName<'a> = [3],
        /// Under the armor key, over the reply's ticket.
        pub ticket_checksum: Checksum<'a> = [4],
    } ...
}

/// The client's, or KDC's, time under the challenge key, which is made of the armor key and the client's: the value of
/// [`PA_ENCRYPTED_CHALLENGE`](crate::PaDataType::PA_ENCRYPTED_CHALLENGE).
///
/// ```text
/// EncryptedChallenge ::= EncryptedData -- PA-ENC-TS-ENC
/// ```
///
/// RFC 6113 5.4.6, key usages 54 and 55.
pub type EncryptedChallenge<'a> = EncryptedData<'a>;
