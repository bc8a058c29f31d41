//! Bytes from the network into every message decoder.
//!
//! Whatever is decoded must encode, the encoding must decode, and the second encoding must be the first: what
//! we understood is what we would say.
#![no_main]

use kerbside_asn1::{
    AdIfRelevant, ApRep, ApReq, AsRep, AsReq, Authenticator, AuthorizationData, EncApRepPart, EncAsRepPart,
    EncKrbCredPart, EncKrbPrivPart, EncTgsRepPart, EncTicketPart, EncryptedData, EncryptionKey, EtypeInfo,
    EtypeInfo2, KdcReqBody, KrbCred, KrbError, KrbPriv, KrbSafe, MethodData, NegTokenInit, NegTokenInit2,
    NegTokenResp, NegotiationToken, PaEncTsEnc, PaReqEncPaRep, Principal, TgsRep, TgsReq, Ticket, TypedData,
    decode, encode, gss_token, peek_message,
};
use libfuzzer_sys::fuzz_target;

macro_rules! there_and_back {
    ($bytes:expr, $($message:ty),+ $(,)?) => {$(
        if let Ok(first) = decode::<$message>($bytes) {
            let name = stringify!($message);
            let encoded = encode(&first).unwrap_or_else(|error| panic!("{name}: {error}"));
            let second = decode::<$message>(&encoded).unwrap_or_else(|error| panic!("{name}: {error}"));
            assert_eq!(encode(&second).as_deref(), Ok(&encoded[..]), "{name}");
        }
    )+};
}

fuzz_target!(|bytes: &[u8]| {
    let _ = peek_message(bytes);
    there_and_back!(
        bytes,
        Ticket<'_>,
        EncTicketPart<'_>,
        AsReq<'_>,
        TgsReq<'_>,
        KdcReqBody<'_>,
        AsRep<'_>,
        TgsRep<'_>,
        EncAsRepPart<'_>,
        EncTgsRepPart<'_>,
        ApReq<'_>,
        Authenticator<'_>,
        ApRep<'_>,
        EncApRepPart<'_>,
        KrbError<'_>,
        KrbCred<'_>,
        EncKrbCredPart<'_>,
        KrbPriv<'_>,
        EncKrbPrivPart<'_>,
        KrbSafe<'_>,
        EncryptedData<'_>,
        EncryptionKey<'_>,
        AuthorizationData<'_>,
        AdIfRelevant<'_>,
        MethodData<'_>,
        TypedData<'_>,
        EtypeInfo<'_>,
        EtypeInfo2<'_>,
        PaEncTsEnc,
        PaReqEncPaRep<'_>,
        NegTokenInit<'_>,
        NegTokenInit2<'_>,
        NegTokenResp<'_>,
        NegotiationToken<'_>,
    );
    let _ = gss_token::peek(bytes);
    if let Ok((oid, inner)) = gss_token::unwrap(bytes) {
        let wrapped = gss_token::wrap(oid, inner);
        assert_eq!(gss_token::unwrap(&wrapped), Ok((oid, inner)));
    }
    if let Ok(principal) = Principal::parse_bytes(bytes, None) {
        let again = Principal::parse_bytes(&principal.unparse(), None);
        assert_eq!(again.as_ref(), Ok(&principal));
        let _ = principal.to_string();
    }
});
