//! Values of types whose printed trees do not show them, of structures that are not ASN.1, and the rules of extensible types.

use kerbside_asn1::*;
use kerbside_crypto::{ChecksumType, EncryptionType};

use crate::corpus::{json, samples, unhex};

fn reference(kind: &str, variant: &str) -> Vec<u8> {
    let file = json("asn1_krb5_reference.json");
    let vectors = file["vectors"].as_array().unwrap();
    let vector = vectors
        .iter()
        .find(|vector| vector["asn1_type"] == kind && vector["variant"] == variant);
    unhex(&vector.unwrap()["der_hex"])
}

#[test]
fn one_time_password_values() {
    let bytes = reference("PA-OTP-CHALLENGE", "");
    let challenge: PaOtpChallenge<'_> = decode(&bytes).unwrap();
    assert_eq!(
        (challenge.nonce, challenge.otp_service),
        (&b"maxnonce"[..], Some("testservice"))
    );
    assert_eq!(
        (challenge.salt, challenge.s2kparams),
        (Some("keysalt".into()), Some(&b"1234"[..]))
    );
    let [small, token] = &challenge.otp_token_info[..] else {
        panic!("{challenge:?}");
    };
    assert_eq!((small.flags, small.otp_vendor), (OtpFlags::NONE, None));
    let flags = OtpFlags::NEXT_OTP
        | OtpFlags::COMBINE
        | OtpFlags::COLLECT_PIN
        | OtpFlags::MUST_ENCRYPT_NONCE
        | OtpFlags::SEPARATE_PIN_REQUIRED
        | OtpFlags::CHECK_DIGIT;
    assert_eq!(token.flags, flags);
    assert_eq!(
        (token.otp_vendor, token.otp_challenge),
        (Some("Examplecorp"), Some(&b"hark!"[..]))
    );
    assert_eq!(
        (token.otp_length, token.otp_format),
        (Some(10), Some(OtpFormat::ALPHANUMERIC))
    );
    assert_eq!(token.otp_token_id, Some(&b"yourtoken"[..]));
    assert_eq!(token.otp_alg_id, Some("urn:ietf:params:xml:ns:keyprov:pskc:hotp"));
    let hashes = token.supported_hash_alg.as_ref().unwrap();
    let hashes: Vec<_> = hashes.iter().map(|hash| hash.algorithm.to_string()).collect();
    assert_eq!(hashes, ["2.16.840.1.101.3.4.2.1", "1.3.14.3.2.26"]);
    assert_eq!(token.iteration_count, Some(1000));

    let bytes = reference("PA-OTP-REQUEST", "");
    let request: PaOtpRequest<'_> = decode(&bytes).unwrap();
    assert_eq!(
        (request.nonce, request.enc_data.kvno),
        (Some(&b"nonce"[..]), Some(5))
    );
    assert_eq!(
        (request.otp_value, request.otp_pin),
        (Some(&b"frogs"[..]), Some("myfirstpin"))
    );
    assert_eq!(request.otp_time.unwrap().to_string(), "1994-06-10T06:03:17Z");
    assert_eq!(
        (request.otp_counter, request.otp_vendor),
        (Some(&b"346"[..]), Some("Examplecorp"))
    );
    let shown = format!("{request:?}");
    assert!(
        !shown.contains("frogs") && !shown.contains("myfirstpin"),
        "{shown}"
    );

    let change = PaOtpPinChange {
        flags: PinFlags::SYSTEM_SET_PIN,
        pin: Some("1234"),
        min_length: Some(4),
        max_length: Some(8),
        last_req: Some(vec![]),
        format: Some(OtpFormat::DECIMAL),
    };
    let bytes = encode(&change).unwrap();
    // IMPLICIT tags, the list's constructed.
    assert_eq!(bytes[..9], [0x30, 24, 0x80, 5, 0, 0x40, 0, 0, 0]);
    assert_eq!(bytes[21..], [0xa4, 0, 0x85, 1, 0]);
    let again: PaOtpPinChange<'_> = decode(&bytes).unwrap();
    assert_eq!(
        (again.flags, again.pin, again.max_length),
        (PinFlags::SYSTEM_SET_PIN, Some("1234"), Some(8))
    );
    assert!(!format!("{again:?}").contains("1234"));
}

#[test]
fn sam_challenges_keep_what_their_checksum_covers() {
    let bytes = reference("PA-SAM-CHALLENGE-2", "");
    let challenge: PaSamChallenge2<'_> = decode(&bytes).unwrap();
    assert_eq!(challenge.sam_body.bytes(), b"\x30\x0b\x04\x09challenge");
    assert_eq!(challenge.sam_cksum.len(), 1);
    let body: PaEncSamResponseEnc2<'_> = PaEncSamResponseEnc2 {
        sam_nonce: 1,
        sam_sad: Some(b"123456"),
    };
    assert!(!format!("{body:?}").contains("49, 50"));
}

/// FAST requests are in no vector file: there and back.
#[test]
fn fast_requests_go_there_and_back() {
    let body = samples()
        .into_iter()
        .find(|sample| sample.kind == "KDC-REQ-BODY")
        .unwrap()
        .bytes;
    let request = KrbFastReq {
        fast_options: FastOptions::HIDE_CLIENT_NAMES,
        padata: vec![],
        req_body: Raw::parse(&body).unwrap(),
    };
    let bytes = encode(&request).unwrap();
    assert_eq!(decode(&bytes).as_ref(), Ok(&request));
    let armored = KrbFastArmoredReq {
        armor: Some(KrbFastArmor {
            armor_type: FastArmorType::FX_FAST_ARMOR_AP_REQUEST,
            armor_value: b"ap-req",
        }),
        req_checksum: Checksum {
            cksumtype: ChecksumType(16),
            checksum: b"checksum",
        },
        enc_fast_req: EncryptedData {
            etype: EncryptionType(18),
            kvno: None,
            cipher: &bytes,
        },
    };
    let outer = encode(&PaFxFastRequest::ArmoredData(armored)).unwrap();
    let PaFxFastRequest::ArmoredData(again) = decode(&outer).unwrap();
    assert_eq!(again.armor.unwrap().armor_value, b"ap-req");
    assert_eq!(again.enc_fast_req.cipher, bytes);
    // Other choices, which the type may get later, are not known.
    let error = decode::<PaFxFastRequest<'_>>(&[0xa1, 0x02, 0x30, 0x00]).unwrap_err();
    assert_eq!(
        error.to_string(),
        "PaFxFastRequest: expected another element, but found CONTEXT-SPECIFIC [1] (constructed) at DER byte 0"
    );
    let options = FastOptions(0xc000_8001);
    assert_eq!(options.unknown_critical(), FastOptions::RESERVED);
    assert_eq!(
        FastOptions::KDC_FOLLOW_REFERRALS.unknown_critical(),
        FastOptions::NONE
    );
}

/// Adds `field` to the end of a SEQUENCE of less than 128 octets.
fn with_field(bytes: &[u8], field: &[u8]) -> Vec<u8> {
    assert!(bytes[0] == 0x30 && bytes[1] < 0x70, "{}", hex::encode(bytes));
    let mut extended = [bytes, field].concat();
    extended[1] += field.len() as u8;
    extended
}

macro_rules! assert_extensible {
    ($($ty:ty = $value:expr),+ $(,)?) => {$({
        let value: $ty = $value;
        let bytes = encode(&value).unwrap();
        let extended = with_field(&bytes, &[0xbd, 0x02, 0x05, 0x00, 0x9e, 0x00]);
        let value = decode::<$ty>(&extended).expect(stringify!($ty));
        // What is not known is not written.
        assert_eq!(encode(&value).unwrap(), bytes, stringify!($ty));
        // A field of ours again, no field, one that is cut, one that is not DER.
        let nested = [0xbd, 0x02, 0x30, 0x80];
        for field in [&[0xa0, 0x02, 0x05, 0x00][..], &[0x05, 0x00], &[0xbd, 0x03, 0x05, 0x00], &nested] {
            assert!(decode::<$ty>(&with_field(&bytes, field)).is_err(), stringify!($ty));
        }
    })+};
}

macro_rules! assert_closed {
    ($($ty:ty = $value:expr),+ $(,)?) => {$({
        let value: $ty = $value;
        let bytes = encode(&value).unwrap();
        assert!(decode::<$ty>(&bytes).is_ok(), stringify!($ty));
        let extended = with_field(&bytes, &[0xbd, 0x02, 0x05, 0x00]);
        let kind = decode::<$ty>(&extended).map(|_| ()).unwrap_err().kind;
        assert_eq!(kind, DecodeErrorKind::TrailingData { len: 4 }, stringify!($ty));
    })+};
}

const OCTETS: &[u8] = b"octets";

fn sealed() -> EncryptedData<'static> {
    EncryptedData {
        etype: EncryptionType(18),
        kvno: None,
        cipher: OCTETS,
    }
}

fn checksum() -> Checksum<'static> {
    Checksum {
        cksumtype: ChecksumType(16),
        checksum: OCTETS,
    }
}

fn key() -> EncryptionKey<'static> {
    EncryptionKey {
        keytype: EncryptionType(18),
        keyvalue: OCTETS,
    }
}

fn user() -> PrincipalName<'static> {
    PrincipalName {
        name_type: NameType::NT_PRINCIPAL,
        name_string: vec!["user".into()],
    }
}

/// RFC 6113, 4556, 8636, 6560, 9588, 4178, MS-SFU and the drafts of IAKERB and SAM end their types in `...`.
#[test]
fn extensible_types_skip_what_follows_their_fields() {
    let authenticator = PkAuthenticator {
        cusec: Microseconds::ZERO,
        ctime: KerberosTime::EPOCH,
        nonce: 1,
        pa_checksum: Some(OCTETS),
        freshness_token: None,
        pa_checksum2: None,
    };
    let finished = KrbFastFinished {
        timestamp: KerberosTime::EPOCH,
        usec: Microseconds::ZERO,
        crealm: "R".into(),
        cname: user(),
        ticket_checksum: checksum(),
    };
    assert_extensible!(
        PaAuthenticationSetElem<'_> = PaAuthenticationSetElem {
            pa_type: PaDataType::PA_ENC_TIMESTAMP,
            pa_hint: None,
            pa_value: None
        },
        KrbFastArmor<'_> =
            KrbFastArmor { armor_type: FastArmorType::FX_FAST_ARMOR_AP_REQUEST, armor_value: OCTETS },
        KrbFastArmoredReq<'_> =
            KrbFastArmoredReq { armor: None, req_checksum: checksum(), enc_fast_req: sealed() },
        KrbFastArmoredRep<'_> = KrbFastArmoredRep { enc_fast_rep: sealed() },
        KrbFastFinished<'_> = finished,
        KrbFastResponse<'_> =
            KrbFastResponse { padata: vec![], strengthen_key: None, finished: None, nonce: 1 },
        ExternalPrincipalIdentifier<'_> = ExternalPrincipalIdentifier {
            subject_name: None,
            issuer_and_serial_number: None,
            subject_key_identifier: None
        },
        PaPkAsReq<'_> =
            PaPkAsReq { signed_auth_pack: OCTETS, trusted_certifiers: None, kdc_pk_id: Some(OCTETS) },
        PkAuthenticator<'_> = authenticator.clone(),
        AuthPack<'_> = AuthPack {
            pk_authenticator: authenticator,
            client_public_value: None,
            supported_cms_types: None,
            client_dh_nonce: None,
            supported_kdfs: None
        },
        DhRepInfo<'_> = DhRepInfo { dh_signed_data: OCTETS, server_dh_nonce: None, kdf: None },
        KdcDhKeyInfo<'_> = KdcDhKeyInfo {
            subject_public_key: BitString::new(OCTETS),
            nonce: 0,
            dh_key_expiration: None
        },
        ReplyKeyPack<'_> = ReplyKeyPack { reply_key: key(), as_checksum: checksum() },
        KdfAlgorithmId = oids::PKINIT_KDF_AH_SHA256.into(),
        PkinitSuppPubInfo<'_> =
            PkinitSuppPubInfo { enctype: EncryptionType(18), as_req: OCTETS, pk_as_rep: OCTETS },
        TdCertDigestAlgorithmsData<'_> =
            TdCertDigestAlgorithmsData { allowed_algorithms: vec![], rejected_algorithm: None },
        SpakeSupport = SpakeSupport { groups: vec![SpakeGroup::P256] },
        SpakeChallenge<'_> = SpakeChallenge { group: SpakeGroup::P256, pubkey: OCTETS, factors: vec![] },
        SpakeResponse<'_> = SpakeResponse { pubkey: OCTETS, factor: sealed() },
        PaOtpEncRequest<'_> = PaOtpEncRequest { nonce: OCTETS },
        S4uUserId<'_> = S4uUserId {
            nonce: 1,
            cname: None,
            crealm: "R".into(),
            subject_certificate: None,
            options: Some(S4uOptions::USE_REPLY_KEY_USAGE)
        },
        IakerbHeader<'_> =
            IakerbHeader { target_realm: "", cookie: None, header_flags: Some(IakerbHeaderFlags::KDC_REQUIRED) },
        KrbFinished<'_> = KrbFinished { gss_mic: checksum() },
        PaSamResponse2<'_> = PaSamResponse2 {
            sam_type: 1,
            sam_flags: SamFlags::USE_SAD_AS_KEY,
            sam_track_id: None,
            sam_enc_nonce_or_sad: sealed(),
            sam_nonce: 1
        },
    );
}

/// RFC 4120, 3244, 7751, MS-KILE and MS-KKDCP have no mark of extension, nor has a SPAKE factor.
#[test]
fn other_types_refuse_what_follows_their_fields() {
    assert_closed!(
        EncryptedData<'_> = sealed(),
        Checksum<'_> = checksum(),
        EncryptionKey<'_> = key(),
        PrincipalName<'_> = user(),
        PaData<'_> = PaData { padata_type: PaDataType::PA_NONE, padata_value: OCTETS },
        PaEncTsEnc = PaEncTsEnc { patimestamp: KerberosTime::EPOCH, pausec: None },
        SpakeSecondFactor<'_> =
            SpakeSecondFactor { factor_type: SpakeSecondFactorType::SF_NONE, data: None },
        PaSpakeHint<'_> = PaSpakeHint { groups: vec![], factors: vec![] },
        Krb5PrincipalName<'_> = Krb5PrincipalName { realm: "R".into(), principal_name: user() },
        OtherInfo<'_> = OtherInfo {
            algorithm_id: AlgorithmIdentifier { algorithm: oids::PKINIT_KDF_AH_SHA1, parameters: None },
            party_u_info: OCTETS,
            party_v_info: OCTETS,
            supp_pub_info: None,
            supp_priv_info: None
        },
        VerifierMac<'_> = VerifierMac { identifier: None, kvno: None, enctype: None, mac: checksum() },
        KerbPaPacRequest = KerbPaPacRequest { include_pac: true },
        PaPacOptions = PaPacOptions { flags: PacOptions::CLAIMS },
        KerbErrorData<'_> =
            KerbErrorData { data_type: KerbErrorDataType::KERB_ERR_TYPE_EXTENDED, data_value: None },
        KerbAdRestrictionEntry<'_> = KerbAdRestrictionEntry { restriction_type: 0, restriction: OCTETS },
        KerbSupersededByUser<'_> = KerbSupersededByUser { name: user(), realm: "R".into() },
        KerbTgtRequest<'_> =
            KerbTgtRequest { pvno: 5, msg_type: MsgType::KRB_TGT_REQ, server_name: None, realm: None },
        KdcProxyMessage<'_> =
            KdcProxyMessage { kerb_message: OCTETS, target_domain: None, dclocator_hint: None },
        ChangePasswdData<'_> =
            ChangePasswdData { newpasswd: OCTETS, targname: None, targrealm: None },
        PaSvrReferralData<'_> = PaSvrReferralData { referred_name: None, referred_realm: "R".into() },
        AdAndOr<'_> = AdAndOr { condition_count: 1, elements: AuthorizationData::default() },
    );
    let password = ChangePasswdData {
        newpasswd: b"secret",
        targname: None,
        targrealm: None,
    };
    assert!(!format!("{password:?}").contains("115"), "{password:?}");
}

/// RFC 7751 leaves room for other verifiers than MACs.
#[test]
fn unknown_verifiers_of_a_cammac_are_kept() {
    let other = [0xa0, 0x02, 0x05, 0x00];
    let elements = encode(&AuthorizationData::default()).unwrap();
    let cammac = AdCammac {
        elements: Raw::parse(&elements).unwrap(),
        kdc_verifier: None,
        svc_verifier: None,
        other_verifiers: Some(vec![Verifier::Other(AnyDer::parse(&other).unwrap())]),
    };
    let bytes = encode(&cammac).unwrap();
    let again: AdCammac<'_> = decode(&bytes).unwrap();
    let verifiers = again.other_verifiers.as_ref().unwrap();
    assert!(matches!(verifiers[..], [Verifier::Other(found)] if found.bytes() == other));
    assert_eq!(encode(&again).unwrap(), bytes);
}

/// What is kept without being decoded is bounded all the same.
#[test]
fn undecoded_elements_are_looked_over() {
    let mut nested = vec![0x30, 0x00];
    for _ in 0..limits::MAX_DEPTH {
        nested = [&[0x30, nested.len() as u8][..], &nested].concat();
    }
    let error = AnyDer::parse(&nested).unwrap_err();
    assert_eq!(
        error.kind,
        DecodeErrorKind::TooDeep {
            max: limits::MAX_DEPTH
        }
    );
    assert!(AnyDer::parse(&nested[2..]).is_ok());
    for bad in [
        &[][..],
        &[0x30],
        &[0x30, 0x80, 0, 0],
        &[0x30, 0x81, 0x01, 0],
        &[0x30, 0x00, 0x00],
        &[0x1f, 0x01],
    ] {
        assert!(AnyDer::parse(bad).is_err(), "{bad:?}");
    }
    assert_eq!(BitString::new(OCTETS).as_octets(), Some(OCTETS));
    let odd: BitString<'_> = decode(&[0x03, 0x02, 0x01, 0xfe]).unwrap();
    assert_eq!(
        (odd.as_octets(), encode(&odd).unwrap()),
        (None, vec![0x03, 0x02, 0x01, 0xfe])
    );
    assert!(decode::<BitString<'_>>(&[0x03, 0x00]).is_err());
    assert!(decode::<&str>(&[0x0c, 0x01, 0xff]).is_err());
}

/// MS-SFU 4.3 has the layout; the name type is a signed number.
#[test]
fn the_checksum_of_pa_for_user_covers_name_realm_and_package() {
    let for_user = PaForUser {
        user_name: PrincipalName {
            name_type: NameType::NT_ENTERPRISE,
            name_string: vec!["a@b".into(), "c".into()],
        },
        user_realm: "REALM".into(),
        cksum: checksum(),
        auth_package: "Kerberos".into(),
    };
    assert_eq!(for_user.s4u_byte_array(), b"\x0a\0\0\0a@bcREALMKerberos");
}

#[test]
fn windows_structures_go_there_and_back() {
    let error = KerbExtError {
        status: 0xc000_006e,
        reserved: 0,
        flags: 1,
    };
    let octets = error.to_octets();
    assert_eq!(octets, [0x6e, 0, 0, 0xc0, 0, 0, 0, 0, 1, 0, 0, 0]);
    assert_eq!(KerbExtError::from_octets(&octets), Some(error));
    assert_eq!(KerbExtError::from_octets(&octets[1..]), None);
    assert_eq!(KerbExtError::from_octets(&[0; 13]), None);

    let enctypes = SupportedEnctypes::AES256_CTS_HMAC_SHA1_96.with(SupportedEnctypes::FAST_SUPPORTED);
    assert_eq!(enctypes.to_octets(), [0x10, 0, 1, 0]);
    assert_eq!(SupportedEnctypes::from_octets(&[0x10, 0, 1, 0]), Some(enctypes));
    assert_eq!(SupportedEnctypes::from_octets(&[0x10, 0, 1]), None);
    assert_eq!(
        enctypes.names().collect::<Vec<_>>(),
        ["AES256-CTS-HMAC-SHA1-96", "FAST-supported"]
    );

    let octets: Vec<u8> = (0..72).collect();
    for len in [40, 72] {
        let integrity = LsapTokenInfoIntegrity::from_octets(&octets[..len]).unwrap();
        assert_eq!((integrity.flags, integrity.token_il), (0x0302_0100, 0x0706_0504));
        assert_eq!(integrity.cross_boot_machine_id.is_some(), len == 72);
        assert_eq!(integrity.to_octets(), octets[..len]);
    }
    for len in [0, 8, 39, 41, 71] {
        assert_eq!(LsapTokenInfoIntegrity::from_octets(&octets[..len]), None);
    }

    let options = AdApOptions::from_octets(&[0, 0x40, 0, 0]).unwrap();
    assert_eq!(options, AdApOptions::KERB_AP_OPTIONS_CBT);
    assert!(!options.contains(AdApOptions::KERB_AP_OPTIONS_UNVERIFIED_TARGET_NAME));
    assert_eq!(
        (options.to_octets(), AdApOptions::from_octets(&[])),
        ([0, 0x40, 0, 0], None)
    );

    let octets = AdTargetPrincipal::octets_of("cifs/ä.x@R");
    assert_eq!(AdTargetPrincipal(&octets).name().as_deref(), Some("cifs/ä.x@R"));
    assert_eq!(AdTargetPrincipal(&octets[1..]).name(), None);
    assert_eq!(AdTargetPrincipal(&[0x00, 0xd8]).name(), None);
}

#[test]
fn lists_of_numbers_strings_and_keys_go_there_and_back() {
    let etypes = EtypeList(vec![EncryptionType(20), EncryptionType(18)]);
    let bytes = encode(&etypes).unwrap();
    assert_eq!(bytes, [0x30, 6, 2, 1, 20, 2, 1, 18]);
    assert_eq!(decode(&bytes), Ok(etypes));
    assert_eq!(decode::<KerbKeyListReq>(&bytes).unwrap().len(), 2);
    let indicators = AdAuthIndicator(vec!["otp", "pkinit"]);
    let bytes = encode(&indicators).unwrap();
    assert_eq!(bytes, b"\x30\x0d\x0c\x03otp\x0c\x06pkinit");
    assert_eq!(decode(&bytes), Ok(indicators));
    let bytes = encode(&KerbKeyListRep(vec![key()])).unwrap();
    assert_eq!(decode::<KerbKeyListRep<'_>>(&bytes).unwrap()[0].keyvalue, OCTETS);
    let package = KerbDmsaKeyPackage {
        current_keys: vec![key()],
        previous_keys: Some(vec![]),
        expiration_interval: KerberosTime::MAX,
        fetch_interval: KerberosTime::EPOCH,
    };
    let bytes = encode(&package).unwrap();
    let again: KerbDmsaKeyPackage<'_> = decode(&bytes).unwrap();
    assert_eq!(
        (again.current_keys.len(), again.fetch_interval),
        (1, KerberosTime::EPOCH)
    );
}

#[test]
fn well_known_names_are_known() {
    let anonymous = Principal::anonymous();
    assert_eq!(anonymous.to_string(), "WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS");
    assert_eq!(anonymous.name.to_wire().name_type, NameType::NT_WELLKNOWN);
    assert!(anonymous.name.is_anonymous() && anonymous.name.is_well_known());
    assert!(anonymous.realm.is_anonymous() && anonymous.realm.is_well_known());
    assert!(Name::new(&["WELLKNOWN", "FEDERATED"]).is_well_known());
    assert!(!Name::new(&["WELLKNOWN", "FEDERATED"]).is_anonymous());
    assert!(!Name::new(&["wellknown", "ANONYMOUS"]).is_well_known());
    assert!(!Realm::new("WELLKNOWN").is_well_known());
    assert!(!Realm::new("EXAMPLE.COM").is_anonymous());
    assert_eq!(Realm::anonymous(), anonymous.realm);
}
