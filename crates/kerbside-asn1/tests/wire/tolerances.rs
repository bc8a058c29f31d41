//! What we take although it is not as the RFC has it, each with the peer that sends it.

use kerbside_asn1::*;

use crate::corpus::samples;

fn u32_of(hex_text: &str) -> u32 {
    decode(&hex::decode(hex_text).unwrap()).unwrap()
}

/// Peers that hold a UInt32 in a signed variable send 2^31 and more as a negative INTEGER: MIT its kvno (see `reference.rs`), old
/// ones a nonce or sequence number too.
#[test]
fn negative_numbers_are_taken_from_mit_and_old_peers() {
    assert_eq!(u32_of("0201ff"), 0xffff_ffff);
    assert_eq!(u32_of("020480000000"), 0x8000_0000);
    assert_eq!(u32_of("0204ff000000"), 0xff00_0000);
    assert_eq!(u32_of("020500ff000000"), 0xff00_0000);
}

/// sspi before 0.23 pads a nonce to its full width.
#[test]
fn padded_numbers_are_taken_from_sspi() {
    assert_eq!(u32_of("0205000000002a"), 42);
    assert_eq!(u32_of("02080000000000000001"), 1);
    assert_eq!(u32_of("0204ffffffff"), 0xffff_ffff);
}

/// Windows answers KRB_AP_ERR_MODIFIED to a nonce that is not minimal, so ours always is.
#[test]
fn numbers_are_sent_minimal_and_positive() {
    for (number, expected) in [
        (0_u32, "020100"),
        (0x7f, "02017f"),
        (0x80, "02020080"),
        (0x7fff_ffff, "02047fffffff"),
        (0x8000_0000, "02050080000000"),
        (0xffff_ffff, "020500ffffffff"),
    ] {
        assert_eq!(hex::encode(encode(&number).unwrap()), expected);
        assert_eq!(u32_of(expected), number);
    }
}

/// MIT sends the encrypted part of an AS-REP with the tag of a TGS-REP's.
#[test]
fn the_tag_of_a_tgs_reply_is_taken_in_an_as_reply_from_mit() {
    let sample = samples()
        .into_iter()
        .find(|sample| sample.kind == "EncTGSRepPart")
        .unwrap();
    assert_eq!(sample.bytes[0], 0x7a);
    let part: EncAsRepPart<'_> = decode(&sample.bytes).unwrap();
    assert_eq!(part.nonce, 42);
    let mut expected = sample.bytes.clone();
    expected[0] = 0x79;
    assert_eq!(encode(&part).unwrap(), expected);
    // Not the other way round, and no third tag.
    assert!(decode::<EncTgsRepPart<'_>>(&expected).is_err());
    expected[0] = 0x7b;
    assert!(decode::<EncAsRepPart<'_>>(&expected).is_err());
}

/// MIT sends an empty salt for keys of the old salt type `v4`, which is another thing than no salt: that means the default.
#[test]
fn an_empty_salt_is_not_an_absent_one() {
    let bytes = hex::decode("30123009a003020117a1021b003005a003020117").unwrap();
    let info: EtypeInfo2<'_> = decode(&bytes).unwrap();
    let salts: Vec<_> = info.iter().map(|entry| entry.salt).collect();
    assert_eq!(salts, [Some(KerberosString(b"")), None]);
    assert_eq!(encode(&info).unwrap(), bytes);
}

/// RFC 4120 5.2.8 has senders write 32 bits at least and receivers take any number: an encoder that goes by DER alone cuts the
/// zeros at the end.
#[test]
fn flags_of_any_length_are_taken_and_32_bits_sent() {
    for (bytes, bits) in [
        ("0305004081fedc", 0x4081_fedc_u32),
        ("030100", 0),
        ("03020640", 0x4000_0000),
        ("0307004081fedcffff", 0x4081_fedc),
        // The seven unused bits do not count.
        ("030207ff", 0x8000_0000),
    ] {
        let flags: KdcOptions = decode(&hex::decode(bytes).unwrap()).unwrap();
        assert_eq!(flags, KdcOptions(bits), "{bytes}");
        assert_eq!(
            encode(&flags).unwrap(),
            [&[0x03, 0x05, 0x00][..], &bits.to_be_bytes()].concat()
        );
    }
}

/// Windows sends `negHints` where RFC 4178 has `mechListMIC`; both are told apart by what they hold.
#[test]
fn negotiation_hints_are_taken_from_windows() {
    let mech_types = encode(&vec![oids::KRB5]).unwrap();
    let mech_types: Raw<'_, Vec<ObjectIdentifier>> = Raw::parse(&mech_types).unwrap();
    let mic: &[u8] = b"mic";
    let init = NegTokenInit {
        mech_types: mech_types.clone(),
        req_flags: Some(ReqFlags(0x40)),
        mech_token: None,
        mech_list_mic: Some(mic),
    };
    let bytes = encode(&NegotiationToken::Init(init)).unwrap();
    match decode(&bytes).unwrap() {
        NegotiationToken::Init(init) => {
            assert_eq!(
                (init.mech_list_mic, init.req_flags),
                (Some(mic), Some(ReqFlags(0x40)))
            );
        }
        other => panic!("{other:?}"),
    }
    for (neg_hints, mech_list_mic) in [
        (
            Some(NegHints {
                hint_name: Some("host".into()),
                hint_address: None,
            }),
            None,
        ),
        (None, Some(mic)),
    ] {
        let init = NegTokenInit2 {
            mech_types: Some(mech_types.clone()),
            req_flags: None,
            mech_token: None,
            neg_hints: neg_hints.clone(),
            mech_list_mic,
        };
        let bytes = encode(&NegotiationToken::Init2(init)).unwrap();
        match decode(&bytes).unwrap() {
            NegotiationToken::Init2(init) => {
                assert_eq!((init.neg_hints, init.mech_list_mic), (neg_hints, mech_list_mic));
            }
            other => panic!("{other:?}"),
        }
    }
}

/// What a later version of SPNEGO puts behind the known fields is passed over (RFC 4178 section 6, a MUST); a known field out
/// of its place is refused, and so is what is no field.
#[test]
fn unknown_fields_of_spnego_are_ignored() {
    let mechs = "a00d300b06092a864886f712010202";
    let token = |tag: u8, fields: &str| {
        let fields = hex::decode(fields).unwrap();
        let len = u8::try_from(fields.len()).unwrap();
        let mut bytes = vec![tag, len + 2, 0x30, len];
        bytes.extend(fields);
        bytes
    };
    let taken = |bytes: &[u8]| match decode::<NegotiationToken<'_>>(bytes) {
        Ok(NegotiationToken::Init(init)) => Some(init.mech_list_mic.is_some()),
        Ok(NegotiationToken::Init2(init)) => Some(init.neg_hints.is_some()),
        Ok(NegotiationToken::Resp(resp)) => Some(resp.response_token.is_some()),
        Err(_) => None,
    };
    for (unknown, expected) in [
        ("", Some(true)),
        ("a5020500", Some(true)),
        ("a5020500a6020500", Some(true)),
        ("85017f", Some(true)),
        // Twice, descending, a field of ours out of its place, no field at all, half a field.
        ("a5020500a5020500", None),
        ("a6020500a5020500", None),
        ("a5020500a303040178", None),
        ("a103020100", None),
        ("0500", None),
        ("a502050004", None),
    ] {
        for (tag, fields) in [
            (0xa0, format!("{mechs}a303040178{unknown}")),
            (0xa0, format!("{mechs}a3023000{unknown}")),
            (0xa1, format!("a0030a0101a203040178{unknown}")),
        ] {
            assert_eq!(taken(&token(tag, &fields)), expected, "{fields}");
        }
    }
}

/// Names and registry numbers that are not known pass through: an open set.
#[test]
fn unknown_numbers_are_kept() {
    let bytes = [0x02, 0x02, 0x03, 0xe7];
    let code: ErrorCode = decode(&bytes).unwrap();
    assert_eq!(
        (code.0, code.name(), code.to_string()),
        (999, None, "ErrorCode 999".to_owned())
    );
    assert_eq!(encode(&code).unwrap(), bytes);
    assert_eq!(ErrorCode(25).to_string(), "KDC_ERR_PREAUTH_REQUIRED (25)");
    assert_eq!(ErrorCode(24).description(), Some("Preauthentication failed"));
    assert_eq!(
        ErrorCode::from_name("krb_ap_err_skew"),
        Some(ErrorCode::KRB_AP_ERR_SKEW)
    );
    assert_eq!(NameType::from_name("NT-NONE"), None);
}

/// Windows, among others, sends OPTIONAL fields that it has nothing for as empty lists, strings and octets, "NOTE: not empty" or
/// not. They are read as what they are: whether an empty list is none is for the reader to say.
#[test]
fn empty_optional_fields_are_taken_from_windows() {
    let body = KdcReqBody {
        kdc_options: KdcOptions::NONE,
        cname: Some(PrincipalName {
            name_type: NameType::NT_UNKNOWN,
            name_string: vec![],
        }),
        realm: KerberosString(b""),
        sname: None,
        from: None,
        till: KerberosTime::EPOCH,
        rtime: None,
        nonce: 0,
        etype: vec![],
        addresses: Some(HostAddresses::default()),
        enc_authorization_data: None,
        additional_tickets: Some(vec![]),
    };
    let body = encode(&body).unwrap();
    let request = KdcReq {
        pvno: 5,
        msg_type: MsgType::AS_REQ,
        padata: Some(vec![]),
        req_body: Raw::parse(&body).unwrap(),
    };
    let bytes = encode(&AsReq(request.clone())).unwrap();
    let again: AsReq<'_> = decode(&bytes).unwrap();
    assert_eq!(again.0, request);
    assert_eq!(again.padata.as_deref(), Some(&[][..]));
    assert_eq!(again.req_body.addresses, Some(HostAddresses(vec![])));
    assert_eq!(encode(&again).unwrap(), bytes);

    // A token and a MIC of no octets; a ticket's client without addresses; an error's empty text and data.
    let resp = hex::decode("a10f300da0030a0101a2020400a3020400").unwrap();
    match decode(&resp).unwrap() {
        NegotiationToken::Resp(resp) => {
            assert_eq!(
                (resp.response_token, resp.mech_list_mic),
                (Some(&[][..]), Some(&[][..]))
            );
        }
        other => panic!("{other:?}"),
    }
    let typed = hex::decode("3009a003020165a1020400").unwrap();
    let typed: TypedDataElement<'_> = decode(&typed).unwrap();
    assert_eq!(typed.data_value, Some(&[][..]));
    let name = hex::decode("3010a003020100a10930071b001b036162631b00").unwrap();
    assert!(decode::<PrincipalName<'_>>(&name).is_err());
    let name = hex::decode("3012a003020100a10b30091b001b036162631b00").unwrap();
    let name: PrincipalName<'_> = decode(&name).unwrap();
    assert_eq!(
        name.name_string,
        [KerberosString(b""), "abc".into(), KerberosString(b"")]
    );
}
