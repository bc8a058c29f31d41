//! Decoded messages as trees with the RFC's field names, to be compared with the vectors' trees.

use std::fmt::Write;

use kerbside_asn1::*;
use kerbside_crypto::{ChecksumType, EncryptionType};
use serde_json::Value;

/// A value of a message.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Tree {
    Absent,
    Number(i64),
    Text(String),
    Octets(Vec<u8>),
    Bits(u32),
    List(Vec<Tree>),
    Fields(Vec<(String, Tree)>),
}

impl Tree {
    /// As the vectors write a `decoded` tree.
    pub(crate) fn to_json(&self) -> Value {
        match self {
            Self::Absent => Value::Null,
            Self::Number(number) => (*number).into(),
            Self::Text(text) => text.clone().into(),
            Self::Octets(octets) => hex::encode(octets).into(),
            Self::Bits(bits) => format!("{bits:08x}").into(),
            Self::List(list) => list.iter().map(Self::to_json).collect::<Vec<_>>().into(),
            Self::Fields(fields) => Value::Object(
                fields
                    .iter()
                    .map(|(name, tree)| (name.clone(), tree.to_json()))
                    .collect(),
            ),
        }
    }

    /// The values alone, in the order of the encoding.
    pub(crate) fn leaves(&self) -> Vec<String> {
        match self {
            Self::Absent => vec![],
            Self::Number(number) => vec![format!("number {number}")],
            Self::Text(text) => vec![format!("text {text}")],
            Self::Octets(octets) => vec![format!("octets {}", hex::encode(octets))],
            Self::Bits(bits) => vec![format!("bits {bits:08x}")],
            Self::List(list) => list.iter().flat_map(Self::leaves).collect(),
            Self::Fields(fields) => fields.iter().flat_map(|(_, tree)| tree.leaves()).collect(),
        }
    }
}

pub(crate) trait ToTree {
    fn tree(&self) -> Tree;
}

impl<T: ToTree> ToTree for Option<T> {
    fn tree(&self) -> Tree {
        self.as_ref().map_or(Tree::Absent, T::tree)
    }
}

impl<T: ToTree> ToTree for Vec<T> {
    fn tree(&self) -> Tree {
        Tree::List(self.iter().map(T::tree).collect())
    }
}

impl<T: ToTree> ToTree for Raw<'_, T> {
    fn tree(&self) -> Tree {
        self.value().tree()
    }
}

impl ToTree for &[u8] {
    fn tree(&self) -> Tree {
        Tree::Octets(self.to_vec())
    }
}

impl ToTree for &str {
    fn tree(&self) -> Tree {
        Tree::Text((*self).to_owned())
    }
}

impl ToTree for KerberosString<'_> {
    fn tree(&self) -> Tree {
        Tree::Text(self.to_string())
    }
}

impl ToTree for KerberosTime {
    fn tree(&self) -> Tree {
        Tree::Text(String::from_utf8(self.to_generalized_time().unwrap().to_vec()).unwrap())
    }
}

impl ToTree for Microseconds {
    fn tree(&self) -> Tree {
        Tree::Number(self.get().into())
    }
}

macro_rules! numbers {
    ($($ty:ty => $value:expr),+ $(,)?) => {
        $(impl ToTree for $ty {
            fn tree(&self) -> Tree {
                let value: fn(&$ty) -> i64 = $value;
                Tree::Number(value(self))
            }
        })+
    };
}

numbers! {
    i32 => |n| (*n).into(), u32 => |n| (*n).into(),
    EncryptionType => |n| n.0.into(), ChecksumType => |n| n.0.into(), NameType => |n| n.0.into(),
    MsgType => |n| n.0.into(), PaDataType => |n| n.0.into(), AdType => |n| n.0.into(),
    AddressType => |n| n.0.into(), LrType => |n| n.0.into(), TransitedType => |n| n.0.into(),
    ErrorCode => |n| n.0.into(), SpakeGroup => |n| n.0.into(), SpakeSecondFactorType => |n| n.0.into(),
    FastArmorType => |n| n.0.into(),
}

macro_rules! bits {
    ($($ty:ty),+) => {
        $(impl ToTree for $ty {
            fn tree(&self) -> Tree {
                Tree::Bits(self.bits())
            }
        })+
    };
}

bits!(
    TicketFlags,
    KdcOptions,
    ApOptions,
    FastOptions,
    SamFlags,
    S4uOptions,
    IakerbHeaderFlags
);

macro_rules! inner {
    ($($ty:ty),+) => {
        $(impl ToTree for $ty {
            fn tree(&self) -> Tree {
                self.0.tree()
            }
        })+
    };
}

inner!(
    AsReq<'_>,
    TgsReq<'_>,
    AsRep<'_>,
    TgsRep<'_>,
    EncAsRepPart<'_>,
    EncTgsRepPart<'_>,
    MethodData<'_>,
    TypedData<'_>,
    EtypeInfo<'_>,
    EtypeInfo2<'_>,
    AuthorizationData<'_>,
    HostAddresses<'_>
);

macro_rules! fields {
    ($($ty:ty { $($field:ident),+ $(,)? })+) => {
        $(impl ToTree for $ty {
            fn tree(&self) -> Tree {
                let fields = [$((stringify!($field), self.$field.tree())),+];
                let present = fields.into_iter().filter(|(_, tree)| *tree != Tree::Absent);
                Tree::Fields(present.map(|(name, tree)| (name.replace('_', "-"), tree)).collect())
            }
        })+
    };
}

fields! {
    PrincipalName<'_> { name_type, name_string }
    EncryptedData<'_> { etype, kvno, cipher }
    EncryptionKey<'_> { keytype, keyvalue }
    Checksum<'_> { cksumtype, checksum }
    HostAddress<'_> { addr_type, address }
    AuthorizationDataElement<'_> { ad_type, ad_data }
    AdKdcIssued<'_> { ad_checksum, i_realm, i_sname, elements }
    PaData<'_> { padata_type, padata_value }
    TypedDataElement<'_> { data_type, data_value }
    EtypeInfoEntry<'_> { etype, salt }
    EtypeInfo2Entry<'_> { etype, salt, s2kparams }
    PaEncTsEnc { patimestamp, pausec }
    Ticket<'_> { tkt_vno, realm, sname, enc_part }
    TransitedEncoding<'_> { tr_type, contents }
    EncTicketPart<'_> {
        flags, key, crealm, cname, transited, authtime, starttime, endtime, renew_till, caddr, authorization_data,
    }
    KdcReq<'_> { pvno, msg_type, padata, req_body }
    KdcReqBody<'_> {
        kdc_options, cname, realm, sname, from, till, rtime, nonce, etype, addresses, enc_authorization_data,
        additional_tickets,
    }
    KdcRep<'_> { pvno, msg_type, padata, crealm, cname, ticket, enc_part }
    EncKdcRepPart<'_> {
        key, last_req, nonce, key_expiration, flags, authtime, starttime, endtime, renew_till, srealm, sname, caddr,
        encrypted_pa_data,
    }
    LastReqEntry { lr_type, lr_value }
    ApReq<'_> { pvno, msg_type, ap_options, ticket, authenticator }
    Authenticator<'_> {
        authenticator_vno, crealm, cname, cksum, cusec, ctime, subkey, seq_number, authorization_data,
    }
    ApRep<'_> { pvno, msg_type, enc_part }
    EncApRepPart<'_> { ctime, cusec, subkey, seq_number }
    KrbError<'_> {
        pvno, msg_type, ctime, cusec, stime, susec, error_code, crealm, cname, realm, sname, e_text, e_data,
    }
    KrbCred<'_> { pvno, msg_type, tickets, enc_part }
    EncKrbCredPart<'_> { ticket_info, nonce, timestamp, usec, s_address, r_address }
    KrbCredInfo<'_> {
        key, prealm, pname, flags, authtime, starttime, endtime, renew_till, srealm, sname, caddr,
    }
    KrbSafe<'_> { pvno, msg_type, safe_body, cksum }
    KrbSafeBody<'_> { user_data, timestamp, usec, seq_number, s_address, r_address }
    KrbPriv<'_> { pvno, msg_type, enc_part }
    EncKrbPrivPart<'_> { user_data, timestamp, usec, seq_number, s_address, r_address }
    AdCammac<'_> { elements, kdc_verifier, svc_verifier, other_verifiers }
    VerifierMac<'_> { identifier, kvno, enctype, mac }
    IakerbHeader<'_> { target_realm, cookie, header_flags }
    KrbFinished<'_> { gss_mic }
    KdcProxyMessage<'_> { kerb_message, target_domain, dclocator_hint }
    KrbFastResponse<'_> { padata, strengthen_key, finished, nonce }
    KrbFastFinished<'_> { timestamp, usec, crealm, cname, ticket_checksum }
    KrbFastArmoredRep<'_> { enc_fast_rep }
    PaForUser<'_> { user_name, user_realm, cksum, auth_package }
    PaS4uX509User<'_> { user_id, checksum }
    S4uUserId<'_> { nonce, cname, crealm, subject_certificate, options }
    PaSamChallenge2Body<'_> {
        sam_type, sam_flags, sam_type_name, sam_track_id, sam_challenge_label, sam_challenge, sam_response_prompt,
        sam_pk_for_sad, sam_nonce, sam_etype,
    }
    PaSamResponse2<'_> { sam_type, sam_flags, sam_track_id, sam_enc_nonce_or_sad, sam_nonce }
    PaEncSamResponseEnc2<'_> { sam_nonce, sam_sad }
    SecureCookie<'_> { time, data }
    SpakeSecondFactor<'_> { factor_type, data }
    SpakeSupport { groups }
    SpakeChallenge<'_> { group, pubkey, factors }
    SpakeResponse<'_> { pubkey, factor }
    ReplyKeyPack<'_> { reply_key, as_checksum }
    PkinitSuppPubInfo<'_> { enctype, as_req, pk_as_rep }
    ChangePasswdData<'_> { newpasswd, targname, targrealm }
}

impl ToTree for Verifier<'_> {
    fn tree(&self) -> Tree {
        match self {
            Self::Mac(mac) => mac.tree(),
            Self::Other(other) => Tree::Octets(other.bytes().to_vec()),
            other => panic!("{other:?}"),
        }
    }
}

impl ToTree for PaFxFastReply<'_> {
    fn tree(&self) -> Tree {
        let Self::ArmoredData(reply) = self;
        reply.tree()
    }
}

impl ToTree for PaSpake<'_> {
    fn tree(&self) -> Tree {
        match self {
            Self::Support(support) => support.tree(),
            Self::Challenge(challenge) => challenge.tree(),
            Self::Response(response) => response.tree(),
            Self::Encdata(data) => data.tree(),
        }
    }
}

/// Types with IMPLICIT tags, whose printed trees are octets only, and such as hold DER of others: `families.rs` and `pkinit.rs`
/// compare their values.
macro_rules! without_tree {
    ($($ty:ty),+ $(,)?) => {
        $(impl ToTree for $ty {
            fn tree(&self) -> Tree {
                Tree::Absent
            }
        })+
    };
}

without_tree!(
    OtpTokenInfo<'_>,
    PaOtpChallenge<'_>,
    PaOtpRequest<'_>,
    PaOtpEncRequest<'_>,
    PaSamChallenge2<'_>,
    PaPkAsReq<'_>,
    PaPkAsRep<'_>,
    AuthPack<'_>,
    KdcDhKeyInfo<'_>,
    OtherInfo<'_>,
);

/// The leaves of a tree as MIT's `trval` prints it: labels in brackets, then a number, a string, a bit string or a length with a
/// hex dump on the next lines.
pub(crate) fn leaves_of_printed(lines: &[Value]) -> Vec<String> {
    let mut leaves: Vec<String> = Vec::new();
    for line in lines {
        let line = line.as_str().unwrap();
        let text = line.trim_start_matches(['.', ' ']);
        if !text.starts_with('[') {
            // A line of a hex dump: up to 16 octets, then the same as text.
            let octets = text.split_whitespace().take(16);
            let octets = octets.take_while(|word| word.len() == 2 && u8::from_str_radix(word, 16).is_ok());
            let leaf = leaves.last_mut().unwrap();
            octets.for_each(|octet| write!(leaf, "{octet}").unwrap());
            continue;
        }
        let (labels, value) = text.rsplit_once(']').unwrap();
        let label = labels.rsplit_once('[').unwrap().1;
        let value = value.trim();
        let quoted = || value.trim_matches('"').to_owned();
        match label {
            _ if value.is_empty() => {}
            "Integer" => leaves.push(format!("number {value}")),
            "General string" | "UTF8String" | "Generalized Time" => leaves.push(format!("text {}", quoted())),
            "Bit String" => leaves.push(format!("bits {}", value.trim_start_matches("0x"))),
            "Octet String" if value.starts_with('<') => leaves.push("octets ".to_owned()),
            "Octet String" => leaves.push(format!("octets {}", hex::encode(quoted()))),
            _ => panic!("a line the reader does not know: {line}"),
        }
    }
    leaves
}
