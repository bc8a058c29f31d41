//! All messages of the vector files, each with the name of its type.

use std::fs;
use std::path::PathBuf;

use kerbside_asn1::*;
use serde_json::Value;

use crate::tree::{ToTree, Tree};

pub(crate) fn read(name: &str) -> Vec<u8> {
    let path = PathBuf::from(env!("CARGO_MANIFEST_DIR"))
        .join("tests/vectors")
        .join(name);
    fs::read(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()))
}

pub(crate) fn json(name: &str) -> Value {
    serde_json::from_slice(&read(name)).unwrap()
}

pub(crate) fn unhex(value: &Value) -> Vec<u8> {
    hex::decode(value.as_str().unwrap()).unwrap()
}

/// A message of a known type.
pub(crate) struct Sample {
    pub(crate) name: String,
    pub(crate) kind: &'static str,
    pub(crate) bytes: Vec<u8>,
}

/// What became of a message: its tree and its new encoding.
pub(crate) type Outcome = Result<(Tree, Vec<u8>), DecodeError>;

fn round_trip<'a, T: Decode<'a> + Encode + ToTree>(bytes: &'a [u8]) -> Outcome {
    decode::<T>(bytes).map(|value| (value.tree(), encode(&value).unwrap()))
}

fn round_trip_spnego(bytes: &[u8]) -> Outcome {
    decode::<NegotiationToken<'_>>(bytes).map(|value| (Tree::Absent, encode(&value).unwrap()))
}

macro_rules! kinds {
    ($($name:literal => $ty:ty),+ $(,)?) => {
        /// Decodes a message of a type and encodes it again; `None` when the type is not supported.
        pub(crate) fn process(kind: &str, bytes: &[u8]) -> Option<Outcome> {
            match kind {
                $($name => Some(round_trip::<$ty>(bytes)),)+
                "NegotiationToken" => Some(round_trip_spnego(bytes)),
                _ => None,
            }
        }

        /// The static name of a supported type.
        pub(crate) fn kind(name: &str) -> Option<&'static str> {
            [$($name,)+ "NegotiationToken"].into_iter().find(|kind| *kind == name)
        }
    };
}

kinds! {
    "Authenticator" => Authenticator<'_>,
    "Ticket" => Ticket<'_>,
    "EncryptionKey" => EncryptionKey<'_>,
    "EncTicketPart" => EncTicketPart<'_>,
    "EncASRepPart" => EncAsRepPart<'_>,
    "EncTGSRepPart" => EncTgsRepPart<'_>,
    "AS-REP" => AsRep<'_>,
    "TGS-REP" => TgsRep<'_>,
    "AP-REQ" => ApReq<'_>,
    "AP-REP" => ApRep<'_>,
    "EncAPRepPart" => EncApRepPart<'_>,
    "AS-REQ" => AsReq<'_>,
    "TGS-REQ" => TgsReq<'_>,
    "KDC-REQ-BODY" => KdcReqBody<'_>,
    "KRB-SAFE" => KrbSafe<'_>,
    "KRB-PRIV" => KrbPriv<'_>,
    "EncKrbPrivPart" => EncKrbPrivPart<'_>,
    "KRB-CRED" => KrbCred<'_>,
    "EncKrbCredPart" => EncKrbCredPart<'_>,
    "KRB-ERROR" => KrbError<'_>,
    "AuthorizationData" => AuthorizationData<'_>,
    "METHOD-DATA" => MethodData<'_>,
    "TYPED-DATA" => TypedData<'_>,
    "ETYPE-INFO" => EtypeInfo<'_>,
    "ETYPE-INFO2" => EtypeInfo2<'_>,
    "PA-ENC-TS-ENC" => PaEncTsEnc,
    "EncryptedData" => EncryptedData<'_>,
    "AD-KDCIssued" => AdKdcIssued<'_>,
    "AD-CAMMAC" => AdCammac<'_>,
    "IAKERB-HEADER" => IakerbHeader<'_>,
    "KRB-FINISHED" => KrbFinished<'_>,
    "KDC-PROXY-MESSAGE" => KdcProxyMessage<'_>,
    "KrbFastResponse" => KrbFastResponse<'_>,
    "PA-FX-FAST-REPLY" => PaFxFastReply<'_>,
    "PA-FOR-USER" => PaForUser<'_>,
    "PA-S4U-X509-USER" => PaS4uX509User<'_>,
    "OTP-TOKENINFO" => OtpTokenInfo<'_>,
    "PA-OTP-CHALLENGE" => PaOtpChallenge<'_>,
    "PA-OTP-REQUEST" => PaOtpRequest<'_>,
    "PA-OTP-ENC-REQUEST" => PaOtpEncRequest<'_>,
    "PA-SAM-CHALLENGE-2" => PaSamChallenge2<'_>,
    "PA-SAM-CHALLENGE-2-BODY" => PaSamChallenge2Body<'_>,
    "PA-SAM-RESPONSE-2" => PaSamResponse2<'_>,
    "PA-ENC-SAM-RESPONSE-ENC-2" => PaEncSamResponseEnc2<'_>,
    "PA-SPAKE" => PaSpake<'_>,
    "SPAKESecondFactor" => SpakeSecondFactor<'_>,
    "SecureCookie" => SecureCookie<'_>,
    "PA-PK-AS-REQ" => PaPkAsReq<'_>,
    "PA-PK-AS-REP" => PaPkAsRep<'_>,
    "AuthPack" => AuthPack<'_>,
    "KDCDHKeyInfo" => KdcDhKeyInfo<'_>,
    "ReplyKeyPack" => ReplyKeyPack<'_>,
    "OtherInfo" => OtherInfo<'_>,
    "PkinitSuppPubInfo" => PkinitSuppPubInfo<'_>,
    "ChangePasswdData" => ChangePasswdData<'_>,
}

/// The type of an entry of `asn1_krb5_reference.json`.
pub(crate) fn reference_kind(vector: &Value) -> Option<&'static str> {
    match vector["asn1_type"].as_str().unwrap() {
        "EncKDCRepPart ([APPLICATION 26] as emitted by MIT)" => Some("EncTGSRepPart"),
        "SEQUENCE OF PA-DATA (METHOD-DATA)" => Some("METHOD-DATA"),
        name => kind(name),
    }
}

/// The type of a plaintext of `kdc_messages.json`.
pub(crate) fn plaintext_kind(what: &str) -> &'static str {
    match what {
        "ticket enc-part (EncTicketPart)" => "EncTicketPart",
        "PA-TGS-REQ authenticator" => "Authenticator",
        "PA-ENC-TIMESTAMP" => "PA-ENC-TS-ENC",
        name => kind(name).unwrap(),
    }
}

/// A message of `kdc_messages.json` without the length TCP puts before it.
pub(crate) fn kdc_message(vector: &Value) -> Vec<u8> {
    let bytes = read(vector["file"].as_str().unwrap());
    let skip = if vector["tcp_length_prefix"] == true { 4 } else { 0 };
    bytes[skip..].to_vec()
}

/// Every message of a supported type in all files.
pub(crate) fn samples() -> Vec<Sample> {
    let mut samples = Vec::new();
    let mut add = |name: String, kind: Option<&'static str>, bytes: Vec<u8>| {
        samples.extend(kind.map(|kind| Sample { name, kind, bytes }));
    };
    for vector in json("asn1_krb5_reference.json")["vectors"].as_array().unwrap() {
        let name = format!("{} {}", vector["name"], vector["variant"]);
        add(name, reference_kind(vector), unhex(&vector["der_hex"]));
    }
    for vector in json("asn1_pkinit_reference.json")["vectors"].as_array().unwrap() {
        let name = format!("{} {}", vector["name"], vector["variant"]);
        add(name, reference_kind(vector), unhex(&vector["der_hex"]));
    }
    for vector in json("kdc_messages.json")["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        add(
            name.to_owned(),
            kind(vector["message"].as_str().unwrap()),
            kdc_message(vector),
        );
        for plaintext in vector["decrypted"].as_array().into_iter().flatten() {
            let what = plaintext["what"].as_str().unwrap();
            let kind = plaintext_kind(what);
            add(
                format!("{name} {what}"),
                Some(kind),
                unhex(&plaintext["plaintext_hex"]),
            );
        }
    }
    for vector in json("context_tokens.json")["vectors"].as_array().unwrap() {
        let name = vector["name"].as_str().unwrap();
        let token = read(vector["file"].as_str().unwrap());
        if vector["expected"].get("spnego").is_some() {
            let bare = gss_token::unwrap(&token).map_or(&token[..], |(_, inner)| inner);
            add(name.to_owned(), Some("NegotiationToken"), bare.to_vec());
        }
    }
    samples
}
