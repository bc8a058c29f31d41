//! Random valid messages against `rasn-kerberos` and `picky-krb`: what we write, they must read and write again to the same
//! octets; what they write, we must read and write again. Where they do otherwise, it is said here and counted.
#![allow(
    missing_docs,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "a test that panics has failed, which is what it should do"
)]

mod generator;

use generator::{Generate, Generator};
use kerbside_asn1 as ours;
use kerbside_asn1::{Decode, Encode};
use picky_krb::{
    data_types as picky, gss_api as picky_gss, messages as picky_messages, pkinit as picky_pkinit,
};
use serde::Serialize;
use serde::de::DeserializeOwned;

/// Messages of each type. The whole run takes a second or two.
const ROUNDS: usize = 200;

/// Reads and writes a message as the other implementation does.
type Peer = fn(&[u8]) -> Result<Vec<u8>, String>;

fn rasn<T: rasn::Decode + rasn::Encode>(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let value: T = rasn::der::decode(bytes).map_err(|error| error.to_string())?;
    rasn::der::encode(&value).map_err(|error| error.to_string())
}

fn picky<T: DeserializeOwned + Serialize>(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let value: T = picky_asn1_der::from_bytes(bytes).map_err(|error| error.to_string())?;
    picky_asn1_der::to_vec(&value).map_err(|error| error.to_string())
}

/// What is wrong with the first message on which the two do not do as `same` says.
fn first_surprise<T>(peer: Peer, same: impl Fn(&T) -> bool) -> Option<String>
where
    T: Generate + Encode + Decode<'static>,
{
    let mut generator = Generator::new(core::any::type_name::<T>());
    for _ in 0..ROUNDS {
        let message = T::generate(&mut generator);
        let bytes = ours::encode(&message).unwrap();
        let again = peer(&bytes);
        if (again.as_ref() == Ok(&bytes)) != same(&message) {
            return Some(format!("{} -> {:?}", hex::encode(&bytes), again.map(hex::encode)));
        }
        if let Ok(again) = again
            && again == bytes
        {
            // Their octets, which are ours, read here too.
            let read: T = ours::decode(generator.keep(again)).unwrap();
            assert_eq!(ours::encode(&read).unwrap(), bytes);
        }
    }
    None
}

/// Both agree on all messages of a type, or on those alone for which the condition holds: a difference that goes away is noticed.
macro_rules! agree {
    ($peer:ident: $($ty:ty = $theirs:ty $(, if $same:expr)?);+ $(;)?) => {
        let mut surprises = vec![];
        $(
            let same: fn(&$ty) -> bool = agree!(@same $($same)?);
            surprises.extend(first_surprise::<$ty>($peer::<$theirs>, same).map(|surprise| {
                format!("{}: {surprise}", stringify!($ty))
            }));
        )+
        assert!(surprises.is_empty(), "{}", surprises.join("\n"));
    };
    (@same) => { |_| true };
    (@same $same:expr) => { $same };
}

#[test]
fn rasn_reads_and_writes_the_same() {
    agree!(rasn:
        ours::Ticket<'static> = rasn_kerberos::Ticket;
        ours::EncTicketPart<'static> = rasn_kerberos::EncTicketPart;
        ours::AsReq<'static> = rasn_kerberos::AsReq;
        ours::TgsReq<'static> = rasn_kerberos::TgsReq;
        ours::KdcReqBody<'static> = rasn_kerberos::KdcReqBody;
        ours::AsRep<'static> = rasn_kerberos::AsRep;
        ours::TgsRep<'static> = rasn_kerberos::TgsRep;
        ours::EncAsRepPart<'static> = rasn_kerberos::EncAsRepPart;
        ours::EncTgsRepPart<'static> = rasn_kerberos::EncTgsRepPart;
        ours::ApReq<'static> = rasn_kerberos::ApReq;
        ours::Authenticator<'static> = rasn_kerberos::Authenticator;
        ours::ApRep<'static> = rasn_kerberos::ApRep;
        ours::EncApRepPart<'static> = rasn_kerberos::EncApRepPart;
        ours::KrbSafe<'static> = rasn_kerberos::KrbSafe;
        ours::KrbPriv<'static> = rasn_kerberos::KrbPriv;
        ours::EncKrbPrivPart<'static> = rasn_kerberos::EncKrbPrivPart;
        ours::KrbCred<'static> = rasn_kerberos::KrbCred;
        ours::EncKrbCredPart<'static> = rasn_kerberos::EncKrbCredPart;
        ours::KrbError<'static> = rasn_kerberos::KrbError;
        ours::MethodData<'static> = rasn_kerberos::MethodData;
        ours::EtypeInfo<'static> = rasn_kerberos::EtypeInfo;
        ours::EtypeInfo2<'static> = rasn_kerberos::EtypeInfo2;
        ours::PaEncTsEnc = rasn_kerberos::PaEncTsEnc;
        ours::AuthorizationData<'static> = rasn_kerberos::AuthorizationData;
        ours::AdKdcIssued<'static> = rasn_kerberos::AdKdcIssued;
        ours::AdAndOr<'static> = rasn_kerberos::AdAndOr;
        ours::HostAddresses<'static> = rasn_kerberos::HostAddresses;
        ours::EncryptedData<'static> = rasn_kerberos::EncryptedData;
        ours::EncryptionKey<'static> = rasn_kerberos::EncryptionKey;
        ours::Checksum<'static> = rasn_kerberos::Checksum;
        ours::PrincipalName<'static> = rasn_kerberos::PrincipalName;
        ours::EtypeList = rasn_kerberos::ETypeList;
        // `other-verifiers` is OPTIONAL in RFC 7751, and not in rasn.
        ours::AdCammac<'static> = rasn_kerberos::AdCammac, if |cammac| cammac.other_verifiers.is_some();
    );
}

#[test]
fn picky_reads_and_writes_the_same() {
    agree!(picky:
        ours::Ticket<'static> = picky::Ticket;
        ours::EncTicketPart<'static> = picky::EncTicketPart;
        ours::AsReq<'static> = picky_messages::AsReq;
        ours::TgsReq<'static> = picky_messages::TgsReq;
        ours::AsRep<'static> = picky_messages::AsRep;
        ours::TgsRep<'static> = picky_messages::TgsRep;
        ours::EncAsRepPart<'static> = picky_messages::EncAsRepPart;
        ours::EncTgsRepPart<'static> = picky_messages::EncTgsRepPart;
        ours::ApReq<'static> = picky_messages::ApReq;
        ours::Authenticator<'static> = picky::Authenticator;
        ours::ApRep<'static> = picky_messages::ApRep;
        ours::EncApRepPart<'static> = picky::EncApRepPart;
        ours::KrbPriv<'static> = picky_messages::KrbPriv;
        // picky has a KerberosTime for `usec`, and writes something else for the INTEGER.
        ours::EncKrbPrivPart<'static> = picky::EncKrbPrivPart, if |part| part.usec.is_none();
        ours::KrbCred<'static> = picky_messages::KrbCred;
        ours::EncKrbCredPart<'static> = picky::EncKrbCredPart;
        // The same with `cusec`; and its `error-code` is unsigned.
        ours::KrbError<'static> = picky_messages::KrbError, if |error| error.cusec.is_none() && error.error_code.0 >= 0;
        ours::EtypeInfo2<'static> = picky::EtypeInfo2;
        ours::PaEncTsEnc = picky::PaEncTsEnc;
        ours::AuthorizationData<'static> = picky::AuthorizationData;
        ours::HostAddresses<'static> = picky::HostAddresses;
        ours::EncryptedData<'static> = picky::EncryptedData;
        ours::EncryptionKey<'static> = picky::EncryptionKey;
        ours::Checksum<'static> = picky::Checksum;
        ours::PrincipalName<'static> = picky::PrincipalName;
        ours::KerbPaPacRequest = picky::KerbPaPacRequest;
        ours::PaPacOptions = picky::PaPacOptions;
        // It wants the last of the OPTIONAL fields.
        ours::ChangePasswdData<'static> = picky::ChangePasswdData, if |data| data.targrealm.is_some();
        ours::KerbAdRestrictionEntry<'static> = picky::KerbAdRestrictionEntry;
        ours::KdcProxyMessage<'static> = picky_messages::KdcProxyMessage;
        ours::KerbTgtReply<'static> = picky_messages::TgtRep;
        ours::IakerbHeader<'static> = picky_messages::IAKerbHeader;
        ours::PaPkAsReq<'static> = picky_pkinit::PaPkAsReq;
        // It does not have RFC 8636's `kdf`, and leaves it out.
        ours::DhRepInfo<'static> = picky_pkinit::DhRepInfo, if |info| info.kdf.is_none();
        // The same.
        ours::PaPkAsRep<'static> = picky_pkinit::PaPkAsRep, if |reply| !matches!(reply, ours::PaPkAsRep::DhInfo(info) if info.kdf.is_some());
        ours::KdcDhKeyInfo<'static> = picky_pkinit::KdcDhKeyInfo;
        // An absent `negState` swallows the field that follows it.
        ours::NegTokenResp<'static> = picky_gss::NegTokenTarg, if |token| token.neg_state.is_some() || is_empty(token);
    );
}

fn is_empty(token: &ours::NegTokenResp<'_>) -> bool {
    token.supported_mech.is_none() && token.response_token.is_none() && token.mech_list_mic.is_none()
}
