//! Signatures that are none.

use super::*;

#[test]
fn cve_2010_1323_1324_4020_4021_2014_6324_unkeyed_and_foreign_checksum_types() {
    let good = sign(&builder());
    let (server, krbtgt) = (server(), krbtgt());
    let position = |buffer_type| {
        let pac = Pac::parse(&good).unwrap();
        let buffer = pac.buffer(buffer_type).unwrap();
        let start = buffer.as_ptr() as usize - good.as_ptr() as usize;
        start..start + 4
    };
    // CRC-32, MD4, MD5, SHA-1, Microsoft's MD5-HMAC, none at all, unknown ones.
    for number in [1_i32, 2, 7, 10, 14, -137, 0, 99, i32::MIN] {
        for buffer_type in [PacBufferType::SERVER_SIGNATURE, PacBufferType::KDC_SIGNATURE] {
            let mut bytes = good.clone();
            bytes[position(buffer_type)].copy_from_slice(&number.to_le_bytes());
            assert!(
                said(Pac::parse(&bytes).unwrap().verify_server(&server))
                    .contains("expected a keyed checksum type"),
                "{number}"
            );
        }
    }
    // Keyed ones that are not the key's own; -138 is the RC4 keys' (CVE-2022-37966, CVE-2022-38023).
    for other in [
        key(17, 1),
        key(19, 1),
        key(20, 1),
        key(23, 1),
        key(25, 1),
        key(26, 1),
    ] {
        let resigned = sign_with(&builder(), &other);
        let refused = Pac::parse(&resigned).unwrap().verify_server(&server);
        assert!(
            said(refused)
                .starts_with("SERVER_SIGNATURE (6): checksum type: expected hmac-sha1-96-aes256 (16)")
        );
        assert!(Pac::parse(&resigned).unwrap().verify_server(&other).is_ok());
    }
    // HMAC-MD5 computed with the AES key itself.
    let parsed = Pac::parse(&good).unwrap();
    let mut forged = PacBuilder::new();
    for buffer in parsed
        .buffers()
        .filter(|buffer| !buffer.buffer_type.is_signature())
    {
        forged = forged.with(buffer.buffer_type, buffer.bytes.to_vec());
    }
    let md5 = |signature: &[u8]| [&(-138_i32).to_le_bytes()[..], signature].concat();
    let with = |server: &[u8], kdc: &[u8]| {
        let buffers = forged.clone().with(PacBufferType::SERVER_SIGNATURE, md5(server));
        buffers
            .with(PacBufferType::KDC_SIGNATURE, md5(kdc))
            .encode()
            .unwrap()
    };
    let tag = server.hmac_md5_checksum(KeyUsage::PAC_SIGNATURE, &[&with(&[0; 16], &[0; 16])]);
    let forged = with(
        tag.as_bytes(),
        krbtgt
            .hmac_md5_checksum(KeyUsage::PAC_SIGNATURE, &[tag.as_bytes()])
            .as_bytes(),
    );
    assert!(said(Pac::parse(&forged).unwrap().verify_server(&server)).contains("checksum type: expected"));
}

#[test]
fn cve_2016_2126_signatures_of_other_lengths() {
    let good = sign(&builder());
    let pac = Pac::parse(&good).unwrap();
    let signature = pac.buffer(PacBufferType::SERVER_SIGNATURE).unwrap().to_vec();
    let rebuild = |signature: Option<&[u8]>| {
        let mut builder = PacBuilder::new();
        for buffer in pac.buffers() {
            builder = match (buffer.buffer_type, signature) {
                (PacBufferType::SERVER_SIGNATURE, Some(signature)) => {
                    builder.with(buffer.buffer_type, signature.to_vec())
                }
                (PacBufferType::SERVER_SIGNATURE, None) => builder,
                _ => builder.with(buffer.buffer_type, buffer.bytes.to_vec()),
            };
        }
        builder.encode().unwrap()
    };
    assert!(check(&rebuild(Some(&signature))).is_ok());
    for len in 0..signature.len() {
        assert!(check(&rebuild(Some(&signature[..len]))).is_err(), "{len}");
    }
    for more in 1..20 {
        let long = [&signature[..], &vec![0; more]].concat();
        assert!(check(&rebuild(Some(&long))).is_err(), "{more}");
    }
    assert_eq!(said(check(&rebuild(None))), "PAC has no SERVER_SIGNATURE (6)");
    // Two octets more are an RODC identifier, and no other number is anything.
    for more in 1..20 {
        let long = [&signature[..], &vec![0; more]].concat();
        assert_eq!(PacSignatureData::from_bytes(&long).is_ok(), more == 2, "{more}");
    }
}

#[test]
fn cve_2024_26248_2024_29056_both_signatures_are_needed_and_a_foreign_kdc_s_is_none() {
    let good = sign(&builder());
    let mut without = PacBuilder::new();
    for buffer in Pac::parse(&good).unwrap().buffers() {
        if buffer.buffer_type != PacBufferType::KDC_SIGNATURE {
            without = without.with(buffer.buffer_type, buffer.bytes.to_vec());
        }
    }
    assert_eq!(
        said(check(&without.encode().unwrap())),
        "PAC has no KDC_SIGNATURE (7)"
    );
    let verified = Pac::parse(&good).unwrap().verify_server(&server()).unwrap();
    for foreign in [key(18, 3), key(17, 2), server()] {
        let refused = verified.clone().verify_kdc(&foreign, Demand::IfPresent);
        assert!(said(refused).starts_with("KDC_SIGNATURE (7): "));
    }
}

#[test]
fn cve_2022_37967_what_the_service_signs_anew_is_no_kdc_s() {
    let krbtgt_key = krbtgt();
    let good = sign(&builder());
    let mut info = logon_info();
    info.group_ids.push(group(512));
    let pac = Pac::parse(&good).unwrap();
    // The service keeps the KDC's signatures and signs other groups.
    let altered = |kdc: &[u8], server: &[u8]| {
        let mut builder = PacBuilder::new();
        for buffer in pac.buffers() {
            let bytes = match buffer.buffer_type {
                PacBufferType::LOGON_INFO => info.to_bytes().unwrap(),
                PacBufferType::SERVER_SIGNATURE => [&16_u32.to_le_bytes()[..], server].concat(),
                PacBufferType::KDC_SIGNATURE => [&16_u32.to_le_bytes()[..], kdc].concat(),
                _ => buffer.bytes.to_vec(),
            };
            builder = builder.with(buffer.buffer_type, bytes);
        }
        builder.encode().unwrap()
    };
    let kdc = pac.buffer(PacBufferType::KDC_SIGNATURE).unwrap()[4..].to_vec();
    let tag = server()
        .checksum(KeyUsage::PAC_SIGNATURE, &[&altered(&[0; 12], &[0; 12])])
        .unwrap();
    let forged = altered(&kdc, tag.as_bytes());
    // Its own acceptor believes it, as it must: the key is its own. The KDC does not.
    let verified = Pac::parse(&forged).unwrap().verify_server(&server()).unwrap();
    assert!(
        said(verified.clone().verify_kdc(&krbtgt_key, Demand::IfPresent)).starts_with("KDC_SIGNATURE (7)")
    );
    // Were the server signature's collision found, the KDC signature would verify; the full one would not.
    let colliding = krbtgt()
        .checksum(KeyUsage::PAC_SIGNATURE, &[tag.as_bytes()])
        .unwrap();
    let forged = altered(colliding.as_bytes(), tag.as_bytes());
    let verified = Pac::parse(&forged).unwrap().verify_server(&server()).unwrap();
    assert!(said(verified.verify_kdc(&krbtgt_key, Demand::IfPresent)).starts_with("FULL_SIGNATURE (19)"));
    // Nor may it be left out where it is demanded.
    let without = builder()
        .sign(&PacSigning {
            server: &server(),
            kdc: &krbtgt(),
            rodc_identifier: None,
            full_signature: false,
            ticket: None,
        })
        .unwrap();
    let verified = Pac::parse(&without).unwrap().verify_server(&server()).unwrap();
    assert!(
        !verified
            .clone()
            .verify_kdc(&krbtgt_key, Demand::IfPresent)
            .unwrap()
            .has_full_signature()
    );
    assert_eq!(
        said(verified.verify_kdc(&krbtgt_key, Demand::Required)),
        "PAC has no FULL_SIGNATURE (19)"
    );
}

#[test]
fn cve_2020_17049_2019_14870_a_ticket_with_another_flag_has_another_signature() {
    let krbtgt_key = krbtgt();
    let issued = ticket(TicketFlags::PRE_AUTHENT);
    let placeholder = encode_ticket(&issued, &[PAC_PLACEHOLDER]);
    let signed = |ticket: Option<&[u8]>| {
        builder()
            .sign(&PacSigning {
                server: &server(),
                kdc: &krbtgt(),
                rodc_identifier: None,
                full_signature: true,
                ticket,
            })
            .unwrap()
    };
    let pac = signed(Some(&placeholder));
    let verified = Pac::parse(&pac).unwrap().verify_server(&server()).unwrap();
    let verified = verified.verify_kdc(&krbtgt_key, Demand::Required).unwrap();
    let good = encode_ticket(&issued, &[&pac]);
    let good: EncTicketPart<'_> = decode(&good).unwrap();
    let checked = verified.clone().verify_ticket(&good, Demand::Required).unwrap();
    assert!(checked.has_ticket_signature());
    // The service opens its ticket, sets FORWARDABLE, and closes it again.
    let forwardable = encode_ticket(
        &ticket(TicketFlags::PRE_AUTHENT | TicketFlags::FORWARDABLE),
        &[&pac],
    );
    let forwardable: EncTicketPart<'_> = decode(&forwardable).unwrap();
    for demand in [Demand::IfPresent, Demand::Required] {
        let refused = verified.clone().verify_ticket(&forwardable, demand);
        assert!(said(refused).starts_with("TICKET_SIGNATURE (16)"));
    }
    // Another PAC in the ticket than the one verified, none, two.
    let other = signed(None);
    for pacs in [&[&other[..]][..], &[]] {
        let ticket = encode_ticket(&issued, pacs);
        let refused = verified
            .clone()
            .verify_ticket(&decode(&ticket).unwrap(), Demand::IfPresent);
        assert_eq!(refused.map(drop), Err(PacError::OtherTicket));
    }
    let two = encode_ticket(&issued, &[&pac, &pac]);
    let refused = verified.verify_ticket(&decode(&two).unwrap(), Demand::IfPresent);
    assert_eq!(refused.map(drop), Err(PacError::SecondPac));
    assert_eq!(
        ticket_signature_input(&decode(&two).unwrap()).map(drop),
        Err(PacError::SecondPac)
    );
    // No ticket signature where it is demanded.
    let unsigned = encode_ticket(&issued, &[&other]);
    let verified = Pac::parse(&other).unwrap().verify_server(&server()).unwrap();
    let verified = verified.verify_kdc(&krbtgt_key, Demand::Required).unwrap();
    let unsigned: EncTicketPart<'_> = decode(&unsigned).unwrap();
    assert!(
        !verified
            .clone()
            .verify_ticket(&unsigned, Demand::IfPresent)
            .unwrap()
            .has_ticket_signature()
    );
    assert_eq!(
        said(verified.verify_ticket(&unsigned, Demand::Required)),
        "PAC has no TICKET_SIGNATURE (16)"
    );
}
