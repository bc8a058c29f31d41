//! Bytes from the network into every message decoder.
//!
//! Whatever is decoded must encode, the encoding must decode, and the second encoding must be the first: what
//! we understood is what we would say.
#![no_main]

use kerbside_asn1::*;
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
        PaAuthenticationSet<'_>,
        PaFxFastRequest<'_>,
        PaFxFastReply<'_>,
        KrbFastArmor<'_>,
        KrbFastReq<'_>,
        KrbFastResponse<'_>,
        PaPkAsReq<'_>,
        PaPkAsRep<'_>,
        AuthPack<'_>,
        KdcDhKeyInfo<'_>,
        ReplyKeyPack<'_>,
        OtherInfo<'_>,
        PkinitSuppPubInfo<'_>,
        TdTrustedCertifiers<'_>,
        TdDhParameters<'_>,
        TdCertDigestAlgorithmsData<'_>,
        Krb5PrincipalName<'_>,
        PaSpake<'_>,
        SpakeSecondFactor<'_>,
        PaSpakeHint<'_>,
        PaOtpChallenge<'_>,
        PaOtpRequest<'_>,
        PaOtpEncRequest<'_>,
        PaOtpPinChange<'_>,
        PaSamChallenge2<'_>,
        PaSamChallenge2Body<'_>,
        PaSamResponse2<'_>,
        PaEncSamResponseEnc2<'_>,
        SecureCookie<'_>,
        AdKdcIssued<'_>,
        AdAndOr<'_>,
        AdCammac<'_>,
        AdAuthIndicator<'_>,
        EtypeList,
        KerbAdRestrictions<'_>,
        KerbPaPacRequest,
        PaPacOptions,
        KerbErrorData<'_>,
        KerbKeyListRep<'_>,
        KerbDmsaKeyPackage<'_>,
        KerbSupersededByUser<'_>,
        PaForUser<'_>,
        PaS4uX509User<'_>,
        PaSvrReferralData<'_>,
        ChangePasswdData<'_>,
        KdcProxyMessage<'_>,
        IakerbHeader<'_>,
        KrbFinished<'_>,
        KerbTgtRequest<'_>,
        KerbTgtReply<'_>,
        AnyDer<'_>,
        BitString<'_>,
    );
    framed(bytes);
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

/// What is framed by octets of its own rather than by ASN.1.
fn framed(bytes: &[u8]) {
    if let Ok(token) = IakerbProxy::parse(bytes) {
        let again = token.to_bytes().expect("a header that was read");
        assert_eq!(IakerbProxy::parse(&again), Ok(token));
    }
    if let Some(request) = KpasswdRequest::parse(bytes) {
        assert_eq!(request.to_bytes().as_deref(), Some(bytes));
    }
    if let Some(reply) = KpasswdReply::parse(bytes) {
        // A bare error is written into a frame.
        let again = reply.to_bytes();
        assert!(
            again
                .as_deref()
                .is_none_or(|again| KpasswdReply::parse(again) == Some(reply))
        );
    }
    if let Some(result) = KpasswdResult::parse(bytes) {
        assert_eq!(result.to_bytes().as_deref(), Some(bytes));
        let _ = result
            .policy()
            .map(|policy| assert_eq!(policy.to_octets(), result.text));
    }
    if let Some(integrity) = LsapTokenInfoIntegrity::from_octets(bytes) {
        assert_eq!(integrity.to_octets(), bytes);
    }
    if let Some(error) = KerbExtError::from_octets(bytes) {
        assert_eq!(error.to_octets(), bytes);
    }
    if let Ok(message) = decode::<KdcProxyMessage<'_>>(bytes) {
        let _ = message.message();
    }
    let _ = AdTargetPrincipal(bytes).name();
}
