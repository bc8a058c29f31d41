//! Keys, names and PACs that the tests are made of.

use super::*;

pub(crate) const AUTHTIME: KerberosTime = KerberosTime::from_unix_seconds(1_700_000_000);

pub(crate) fn key(etype: i32, octet: u8) -> Key {
    let enctype = EncryptionType(etype);
    let octets = vec![octet; enctype.key_len().unwrap()];
    Key::with_policy(enctype, &octets, &EnctypePolicy::ALLOW_ALL).unwrap()
}

pub(crate) fn server() -> Key {
    key(18, 1)
}

pub(crate) fn krbtgt() -> Key {
    key(18, 2)
}

pub(crate) fn alice() -> Principal {
    Principal::new("AD.TEST", &["alice"])
}

pub(crate) fn domain() -> Sid {
    "S-1-5-21-1-2-3".parse().unwrap()
}

pub(crate) fn sid(rid: u32) -> Sid {
    domain().with_rid(rid).unwrap()
}

pub(crate) fn group(relative_id: u32) -> GroupMembership {
    GroupMembership {
        relative_id,
        attributes: GroupAttributes::USUAL,
    }
}

pub(crate) fn string(text: &str) -> RpcUnicodeString {
    RpcUnicodeString::new(text).unwrap()
}

pub(crate) fn logon_info() -> KerbValidationInfo {
    KerbValidationInfo {
        effective_name: string("alice"),
        full_name: string("Alice Ångström"),
        user_id: 1104,
        primary_group_id: 513,
        group_ids: vec![group(513), group(1105)],
        user_flags: UserFlags::EXTRA_SIDS,
        logon_server: RpcUnicodeString::with_room_for_null("DC1").unwrap(),
        logon_domain_name: RpcUnicodeString::with_room_for_null("AD").unwrap(),
        logon_domain_id: Some(domain()),
        extra_sids: vec![SidAndAttributes {
            sid: "S-1-18-1".parse().unwrap(),
            attributes: GroupAttributes::USUAL,
        }],
        resource_group_domain_sid: Some("S-1-5-21-7-8-9".parse().unwrap()),
        resource_group_ids: vec![GroupMembership {
            relative_id: 1200,
            attributes: GroupAttributes::USUAL | GroupAttributes::RESOURCE,
        }],
        ..KerbValidationInfo::default()
    }
}

pub(crate) fn upn_dns_info() -> UpnDnsInfo {
    UpnDnsInfo {
        upn: "alice@ad.test".into(),
        dns_domain_name: "AD.TEST".into(),
        flags: UpnDnsInfo::CONSTRUCTED_UPN,
        account: Some(SamAccount {
            sam_name: "alice".into(),
            sid: sid(1104),
        }),
    }
}

pub(crate) fn client_info() -> PacClientInfo {
    PacClientInfo {
        client_id: FileTime::from_kerberos_time(AUTHTIME),
        name: "alice".into(),
    }
}

pub(crate) fn builder() -> PacBuilder {
    PacBuilder::new()
        .with(PacBufferType::LOGON_INFO, logon_info().to_bytes().unwrap())
        .with(PacBufferType::CLIENT_INFO, client_info().to_bytes().unwrap())
        .with(PacBufferType::UPN_DNS_INFO, upn_dns_info().to_bytes().unwrap())
}

pub(crate) fn sign_with(builder: &PacBuilder, server: &Key) -> Vec<u8> {
    builder
        .sign(&PacSigning {
            server,
            kdc: &krbtgt(),
            rodc_identifier: None,
            full_signature: true,
            ticket: None,
        })
        .unwrap()
}

pub(crate) fn sign(builder: &PacBuilder) -> Vec<u8> {
    sign_with(builder, &server())
}

pub(crate) fn check(bytes: &[u8]) -> Result<VerifiedPac, PacError> {
    check_as(bytes, &TicketClient::new(&alice(), AUTHTIME))
}

pub(crate) fn check_as(bytes: &[u8], client: &TicketClient<'_>) -> Result<VerifiedPac, PacError> {
    Pac::parse(bytes)?.verify_server(&server())?.check_client(client)
}

pub(crate) fn said(result: Result<impl Sized, PacError>) -> String {
    match result {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.to_string(),
    }
}

/// The buffers of a good PAC with one of them replaced, or gone, signed.
pub(crate) fn with_buffer(buffer_type: PacBufferType, bytes: Option<Vec<u8>>) -> Vec<u8> {
    let mut builder = PacBuilder::new();
    let good = sign(&self::builder());
    for buffer in Pac::parse(&good)
        .unwrap()
        .buffers()
        .filter(|buffer| buffer.buffer_type != buffer_type)
    {
        builder = builder.with(buffer.buffer_type, buffer.bytes.to_vec());
    }
    match bytes {
        Some(bytes) => sign(&builder.with(buffer_type, bytes)),
        None => sign(&builder),
    }
}

/// A PACTYPE of these entries and so many octets behind them.
pub(crate) fn table(count: u32, entries: &[(u32, u32, u64)], rest: usize) -> Vec<u8> {
    let mut bytes = count.to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    for (buffer_type, size, offset) in entries {
        bytes.extend(buffer_type.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(offset.to_le_bytes());
    }
    bytes.resize(bytes.len() + rest, 0);
    bytes
}

pub(crate) fn ticket(flags: TicketFlags) -> EncTicketPart<'static> {
    EncTicketPart {
        flags,
        key: EncryptionKey {
            keytype: EncryptionType(18),
            keyvalue: &[7; 32],
        },
        crealm: KerberosString::from("AD.TEST"),
        cname: kerbside_asn1::PrincipalName {
            name_type: kerbside_asn1::NameType::NT_PRINCIPAL,
            name_string: vec![KerberosString::from("alice")],
        },
        transited: TransitedEncoding {
            tr_type: TransitedType(1),
            contents: &[],
        },
        authtime: AUTHTIME,
        starttime: None,
        endtime: AUTHTIME.checked_add_seconds(36_000).unwrap(),
        renew_till: None,
        caddr: None,
        authorization_data: None,
    }
}

pub(crate) fn element<'a>(ad_type: AdType, ad_data: &'a [u8]) -> AuthorizationDataElement<'a> {
    AuthorizationDataElement { ad_type, ad_data }
}

/// The ticket's encoding with these PACs, each in an AD-IF-RELEVANT of its own.
pub(crate) fn encode_ticket(ticket: &EncTicketPart<'_>, pacs: &[&[u8]]) -> Vec<u8> {
    let containers: Vec<_> = pacs.iter().map(|pac| in_if_relevant(pac).unwrap()).collect();
    let mut ticket = ticket.clone();
    let elements = containers
        .iter()
        .map(|inner| element(AdType::AD_IF_RELEVANT, inner));
    ticket.authorization_data = Some(AuthorizationData(elements.collect()));
    encode(&ticket).unwrap()
}

/// A PAC in so many AD-IF-RELEVANT containers, each with something before it.
pub(crate) fn nested(levels: usize, pac: &[u8]) -> Vec<u8> {
    let mut data = in_if_relevant(pac).unwrap();
    for _ in 1..levels {
        data = encode(&AuthorizationData(vec![
            element(AdType::AD_ETYPE_NEGOTIATION, b"0"),
            element(AdType::AD_IF_RELEVANT, &data),
        ]))
        .unwrap();
    }
    data
}
