//! Each buffer, made, signed and read.

use super::*;

#[test]
fn ks_4_upn_dns_info_out_of_bounds() {
    let good = upn_dns_info().to_bytes().unwrap();
    assert_eq!(UpnDnsInfo::from_bytes(&good).as_ref(), Ok(&upn_dns_info()));
    let set = |position: usize, value: u16| {
        let mut bytes = good.clone();
        bytes[position..position + 2].copy_from_slice(&value.to_le_bytes());
        UpnDnsInfo::from_bytes(&bytes)
    };
    // Lengths at 0, 4, 12, 16; offsets behind each.
    for part in [0, 4, 12, 16] {
        for (position, value) in [
            (part, u16::MAX),
            (part, 0xfffe),
            (part + 2, u16::MAX),
            (part + 2, 0x8000),
            (part + 2, 0),
            (part + 2, 19),
        ] {
            assert!(set(position, value).is_err(), "{position} {value}");
        }
    }
    assert!(said(set(0, 25)).contains("even number of octets"));
    assert!(said(set(2, 8)).contains("an offset behind the header, but found 8"));
    for len in 0..20 {
        assert!(UpnDnsInfo::from_bytes(&good[..len]).is_err(), "{len}");
    }
}

#[test]
fn ks_6_upn_dns_flags_are_1_and_2() {
    let mut info = upn_dns_info();
    assert_eq!(info.to_bytes().unwrap()[8..12], [3, 0, 0, 0]);
    assert!(info.upn_is_constructed());
    info.flags = 0;
    info.account = None;
    assert_eq!(info.to_bytes().unwrap()[8..12], [0; 4]);
    assert!(!info.upn_is_constructed());
    // A bit that nobody defined says nothing, but comes back.
    info.flags = 0x8000_0000;
    let again = UpnDnsInfo::from_bytes(&info.to_bytes().unwrap()).unwrap();
    assert_eq!(again, info);
    assert!(again.account.is_none() && !again.upn_is_constructed());
}

#[test]
fn ks_5_ks_7_ka_2_all_buffers_are_made_and_read() {
    let mut rng = ChaCha20Rng::seed_from_u64(6);
    let reply_key = key(17, 9);
    let claims = ClaimsSet {
        claims_arrays: vec![
            ClaimsArray {
                source_type: ClaimsSourceType::AD,
                entries: vec![
                    ClaimEntry {
                        id: "ad://ext/department".into(),
                        values: ClaimValues::String(vec!["R&D".into(), String::new(), "Søk".into()]),
                    },
                    ClaimEntry {
                        id: "ad://ext/level".into(),
                        values: ClaimValues::Int64(vec![-1, i64::MIN]),
                    },
                ],
            },
            ClaimsArray {
                source_type: ClaimsSourceType::CERTIFICATE,
                entries: vec![
                    ClaimEntry {
                        id: "ad://ext/card".into(),
                        values: ClaimValues::Boolean(vec![true, false]),
                    },
                    ClaimEntry {
                        id: "ad://ext/number".into(),
                        values: ClaimValues::Uint64(vec![u64::MAX]),
                    },
                ],
            },
        ],
    };
    let claims_buffer = ClaimsSetMetadata::uncompressed(&claims)
        .unwrap()
        .to_bytes()
        .unwrap();
    let delegation = S4uDelegationInfo {
        s4u2proxy_target: string("MSSQLSvc/sql.ad.test"),
        transited_services: vec![string("HTTP/web.ad.test@AD.TEST"), string("")],
    };
    let device = PacDeviceInfo {
        user_id: 1110,
        primary_group_id: 515,
        account_domain_id: Some(domain()),
        account_group_ids: vec![group(515)],
        extra_sids: logon_info().extra_sids,
        domain_groups: vec![
            DomainGroupMembership {
                domain_id: "S-1-5-21-4-5-6".parse().unwrap(),
                group_ids: vec![group(2000), group(2001)],
            },
            DomainGroupMembership {
                domain_id: "S-1-5-21-4-5-7".parse().unwrap(),
                group_ids: vec![],
            },
        ],
    };
    let ntlm = NtlmSupplementalCredential {
        lm_password: None,
        nt_password: Some(OwfPassword::new([0x17; 16])),
    };
    let credentials = PacCredentialData {
        credentials: vec![
            SecpkgSupplementalCred::new(string("NTLM"), ntlm.to_bytes()),
            SecpkgSupplementalCred::new(string("Other"), Zeroizing::new(vec![1, 2, 3])),
        ],
    };
    let builder = builder()
        .with(
            PacBufferType::CREDENTIALS,
            credentials.encrypt(&reply_key, &mut rng).unwrap(),
        )
        .with(PacBufferType::DELEGATION_INFO, delegation.to_bytes().unwrap())
        .with(PacBufferType::CLIENT_CLAIMS, claims_buffer.clone())
        .with(PacBufferType::DEVICE_INFO, device.to_bytes().unwrap())
        .with(PacBufferType::DEVICE_CLAIMS, claims_buffer)
        .with(
            PacBufferType::ATTRIBUTES,
            PacAttributesInfo::new(PacAttributesInfo::PAC_WAS_REQUESTED).to_bytes(),
        )
        .with(PacBufferType::REQUESTOR_SID, sid(1104).to_bytes())
        .with(PacBufferType::REQUESTOR_GUID, (0..16).collect())
        .with(PacBufferType(4711), b"kept".to_vec())
        // What signs is made by `sign` alone.
        .with(PacBufferType::SERVER_SIGNATURE, vec![0; 16]);
    let ticket = encode_ticket(&ticket(TicketFlags::FORWARDABLE), &[PAC_PLACEHOLDER]);
    let bytes = builder
        .sign(&PacSigning {
            server: &server(),
            kdc: &krbtgt(),
            rodc_identifier: Some(0x1234),
            full_signature: true,
            ticket: Some(&ticket),
        })
        .unwrap();
    let types: Vec<u32> = Pac::parse(&bytes)
        .unwrap()
        .buffers()
        .map(|buffer| buffer.buffer_type.0)
        .collect();
    assert_eq!(
        types,
        [1, 10, 12, 2, 11, 13, 14, 15, 17, 18, 20, 4711, 6, 7, 16, 19]
    );

    let verified = Pac::parse(&bytes).unwrap().verify_server(&server()).unwrap();
    assert_eq!(verified.kdc_signature().unwrap().rodc_identifier, Some(0x1234));
    let kdc = krbtgt();
    let verified = verified.verify_kdc(&kdc, Demand::Required).unwrap();
    assert!(verified.has_full_signature());
    let pac = verified
        .check_client(&TicketClient::new(&alice(), AUTHTIME))
        .unwrap();
    assert_eq!(pac.client_claims().unwrap().as_ref(), Some(&claims));
    assert_eq!(pac.device_claims().unwrap().unwrap().entries().count(), 4);
    assert_eq!(pac.delegation_info().unwrap(), Some(delegation));
    assert_eq!(pac.device_info().unwrap(), Some(device));
    assert!(
        pac.attributes()
            .unwrap()
            .unwrap()
            .contains(PacAttributesInfo::PAC_WAS_REQUESTED)
    );
    assert!(
        !pac.attributes()
            .unwrap()
            .unwrap()
            .contains(PacAttributesInfo::PAC_WAS_GIVEN_IMPLICITLY)
    );
    assert_eq!(pac.requestor_sid(), Some(sid(1104)));
    assert_eq!(
        pac.requestor_guid().unwrap().unwrap().to_string(),
        "03020100-0504-0706-0809-0a0b0c0d0e0f"
    );
    let unknown = pac
        .buffers()
        .find(|buffer| buffer.buffer_type.name().is_none())
        .unwrap();
    assert_eq!(
        (unknown.buffer_type, unknown.bytes),
        (PacBufferType(4711), &b"kept"[..])
    );

    let info = pac.credentials().unwrap().unwrap();
    let opened = info.decrypt(&reply_key).unwrap();
    assert_eq!(opened.to_bytes().unwrap(), credentials.to_bytes().unwrap());
    let ntlm = opened.ntlm().unwrap().unwrap();
    assert_eq!(ntlm.nt_password.unwrap().expose_secret(), &[0x17; 16]);
    assert!(ntlm.lm_password.is_none());
    for wrong in [key(17, 8), key(18, 9)] {
        assert!(matches!(
            info.decrypt(&wrong).map(drop),
            Err(PacError::Crypto { .. })
        ));
    }

    // The type that the buffer names is the key's, or nothing is opened.
    let mut renamed = info;
    renamed.encryption_type = EncryptionType(23);
    assert!(matches!(
        renamed.decrypt(&reply_key).map(drop),
        Err(PacError::Crypto { .. })
    ));

    let account = pac.account().unwrap();
    assert_eq!(account.sam_account_name(), "alice");
    assert_eq!(account.full_name(), "Alice Ångström");
    assert_eq!(
        (account.logon_server(), account.logon_domain_name()),
        ("DC1", "AD")
    );
    assert_eq!(
        (pac.upn(), pac.dns_domain_name()),
        (Some("alice@ad.test"), Some("AD.TEST"))
    );
    let groups: Vec<String> = account.enabled_groups().iter().map(ToString::to_string).collect();
    assert_eq!(
        groups,
        [
            "S-1-5-21-1-2-3-513",
            "S-1-5-21-1-2-3-1105",
            "S-1-5-21-7-8-9-1200",
            "S-1-18-1"
        ]
    );
}

#[test]
fn an_empty_buffer_says_nothing() {
    for buffer_type in [
        PacBufferType::CLIENT_CLAIMS,
        PacBufferType::DEVICE_CLAIMS,
        PacBufferType::DEVICE_INFO,
    ] {
        let pac = check(&with_buffer(buffer_type, Some(Vec::new()))).unwrap();
        assert_eq!(
            (pac.client_claims(), pac.device_claims(), pac.device_info()),
            (Ok(None), Ok(None), Ok(None))
        );
    }
}

#[test]
fn secrets_are_not_shown() {
    let hash = OwfPassword::new([0x17; 16]);
    let credential = SecpkgSupplementalCred::new(string("NTLM"), Zeroizing::new(vec![0x17; 16]));
    let shown = format!("{hash:?} {credential:?} {:?}", logon_info().user_session_key);
    assert_eq!(
        shown,
        "OwfPassword SecpkgSupplementalCred(\"NTLM\", 16 octets) UserSessionKey"
    );
}
