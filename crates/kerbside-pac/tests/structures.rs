//! The structures inside of a PAC, with each number in them made wrong.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

use kerbside_crypto::Zeroizing;
use kerbside_pac::*;

fn string(text: &str) -> RpcUnicodeString {
    RpcUnicodeString::new(text).unwrap()
}

fn group(relative_id: u32) -> GroupMembership {
    GroupMembership {
        relative_id,
        attributes: GroupAttributes::USUAL,
    }
}

fn sids(count: u32) -> Vec<SidAndAttributes> {
    let domain: Sid = "S-1-5-21-4-5-6".parse().unwrap();
    let sid = |rid| SidAndAttributes {
        sid: domain.with_rid(rid).unwrap(),
        attributes: GroupAttributes::USUAL,
    };
    (1000..1000 + count).map(sid).collect()
}

fn logon_info() -> KerbValidationInfo {
    KerbValidationInfo {
        effective_name: string("alice"),
        full_name: RpcUnicodeString::null(),
        user_id: 1104,
        group_ids: vec![group(513), group(1105), group(1106)],
        logon_server: RpcUnicodeString::with_room_for_null("DC1").unwrap(),
        logon_domain_id: Some("S-1-5-21-1-2-3".parse().unwrap()),
        extra_sids: sids(11),
        resource_group_domain_sid: Some("S-1-5-21-7-8-9".parse().unwrap()),
        resource_group_ids: (0..7).map(group).collect(),
        ..KerbValidationInfo::default()
    }
}

fn delegation_info() -> S4uDelegationInfo {
    S4uDelegationInfo {
        s4u2proxy_target: string("MSSQLSvc/sql.ad.test"),
        transited_services: vec![string("HTTP/web"), string(""), string("postgres/pg")],
    }
}

fn device_info() -> PacDeviceInfo {
    PacDeviceInfo {
        user_id: 1110,
        primary_group_id: 515,
        account_domain_id: Some("S-1-5-21-1-2-3".parse().unwrap()),
        account_group_ids: vec![group(515), group(516)],
        extra_sids: sids(3),
        domain_groups: vec![DomainGroupMembership {
            domain_id: "S-1-5-21-4-5-6".parse().unwrap(),
            group_ids: (0..9).map(group).collect(),
        }],
    }
}

fn claims_set() -> ClaimsSet {
    let entry = |id: &str, values| ClaimEntry {
        id: id.into(),
        values,
    };
    ClaimsSet {
        claims_arrays: vec![ClaimsArray {
            source_type: ClaimsSourceType::AD,
            entries: vec![
                entry(
                    "strings",
                    ClaimValues::String(vec!["a".into(), "bc".into(), String::new()]),
                ),
                entry("integers", ClaimValues::Int64(vec![-1; 5])),
                entry("numbers", ClaimValues::Uint64(vec![1; 13])),
                entry("truths", ClaimValues::Boolean(vec![true, false])),
            ],
        }],
    }
}

fn credentials() -> PacCredentialData {
    let credential = |octet| SecpkgSupplementalCred::new(string("NTLM"), Zeroizing::new(vec![octet; 24]));
    PacCredentialData {
        credentials: (0..3).map(credential).collect(),
    }
}

type Read = fn(&[u8]) -> Result<(), PacError>;

/// Each serialized structure, and how it is read.
fn serialized() -> Vec<(&'static str, Vec<u8>, Read)> {
    vec![
        ("logon", logon_info().to_bytes().unwrap(), |b| {
            KerbValidationInfo::from_bytes(b).map(drop)
        }),
        ("delegation", delegation_info().to_bytes().unwrap(), |b| {
            S4uDelegationInfo::from_bytes(b).map(drop)
        }),
        ("device", device_info().to_bytes().unwrap(), |b| {
            PacDeviceInfo::from_bytes(b).map(drop)
        }),
        ("set", claims_set().to_bytes().unwrap(), |b| {
            ClaimsSet::from_bytes(b).map(drop)
        }),
        (
            "metadata",
            ClaimsSetMetadata::uncompressed(&claims_set())
                .unwrap()
                .to_bytes()
                .unwrap(),
            |b| ClaimsSetMetadata::from_bytes(b)?.claims_set().map(drop),
        ),
        ("credentials", credentials().to_bytes().unwrap().to_vec(), |b| {
            PacCredentialData::from_bytes(b).map(drop)
        }),
    ]
}

fn put(bytes: &[u8], position: usize, value: u32) -> Vec<u8> {
    let mut bytes = bytes.to_vec();
    bytes[position..position + 4].copy_from_slice(&value.to_le_bytes());
    bytes
}

fn number(bytes: &[u8], position: usize) -> u32 {
    u32::from_le_bytes(bytes[position..position + 4].try_into().unwrap())
}

fn said(result: Result<impl Sized, PacError>) -> String {
    match result {
        Ok(_) => panic!("expected a refusal"),
        Err(error) => error.to_string(),
    }
}

#[test]
fn what_is_written_is_read() {
    for (name, bytes, read) in serialized() {
        assert_eq!(read(&bytes), Ok(()), "{name}");
        assert_eq!(bytes.len() % 8, 0, "{name}");
    }
    assert_eq!(
        S4uDelegationInfo::from_bytes(&delegation_info().to_bytes().unwrap()),
        Ok(delegation_info())
    );
    assert_eq!(
        PacDeviceInfo::from_bytes(&device_info().to_bytes().unwrap()),
        Ok(device_info())
    );
    assert_eq!(
        ClaimsSet::from_bytes(&claims_set().to_bytes().unwrap()),
        Ok(claims_set())
    );
    let info = KerbValidationInfo::from_bytes(&logon_info().to_bytes().unwrap()).unwrap();
    assert_eq!(info.full_name, RpcUnicodeString::null());
    assert_eq!(info.to_bytes().unwrap(), logon_info().to_bytes().unwrap());
    let empty = S4uDelegationInfo::default().to_bytes().unwrap();
    assert_eq!(
        S4uDelegationInfo::from_bytes(&empty),
        Ok(S4uDelegationInfo::default())
    );
    assert_eq!(
        PacDeviceInfo::from_bytes(&PacDeviceInfo::default().to_bytes().unwrap()),
        Ok(PacDeviceInfo::default())
    );
    assert_eq!(
        ClaimsSet::from_bytes(&ClaimsSet::default().to_bytes().unwrap()),
        Ok(ClaimsSet::default())
    );
}

#[test]
fn truncated_at_every_length() {
    for (name, bytes, read) in serialized() {
        for len in 0..bytes.len() {
            assert!(read(&bytes[..len]).is_err(), "{name} {len}");
        }
    }
}

#[test]
fn every_number_made_wrong_never_panics() {
    for (name, bytes, read) in serialized() {
        for position in (0..bytes.len() - 3).step_by(2) {
            for value in [0, 1, 0x7fff_ffff, 0x8000_0000, 0xffff_fffe, u32::MAX] {
                let _ = read(&put(&bytes, position, value));
            }
            // A count and its array's, both: equal numbers at two places.
            for other in (position + 4..bytes.len() - 3).step_by(4) {
                if position % 4 == 0 && number(&bytes, other) == number(&bytes, position) {
                    let both = put(&put(&bytes, position, 0x8000_0000), other, 0x8000_0000);
                    let _ = read(&both);
                }
            }
        }
        let _ = name;
    }
}

#[test]
fn counts_of_2_to_the_31_need_octets_that_are_not_there() {
    // Where the count stands, and where the one before the array does: found by their values, which are unlike others.
    for (name, count) in [
        ("logon", 3),
        ("logon", 11),
        ("logon", 7),
        ("delegation", 3),
        ("device", 2),
        ("device", 3),
        ("device", 9),
        ("set", 3),
        ("set", 5),
        ("set", 13),
        ("set", 2),
        ("credentials", 3),
        ("credentials", 24),
    ] {
        let (_, bytes, read) = serialized().into_iter().find(|(of, _, _)| *of == name).unwrap();
        let places: Vec<usize> = (16..bytes.len() - 3)
            .step_by(4)
            .filter(|place| number(&bytes, *place) == count)
            .collect();
        assert!(places.len() >= 2, "{name} {count}");
        for huge in [0x8000_0000, 0x2000_0000, u32::MAX, 0x1000_0001] {
            let all = places
                .iter()
                .fold(bytes.clone(), |bytes, place| put(&bytes, *place, huge));
            assert!(
                said(read(&all)).contains("octets, but found"),
                "{name} {count}: {}",
                said(read(&all))
            );
        }
        let one = put(&bytes, places[0], 0x8000_0000);
        assert!(read(&one).is_err(), "{name} {count}");
    }
}

#[test]
fn the_serialization_s_headers() {
    for (name, bytes, read) in serialized() {
        for (position, value) in [(0, 0x0008_1002), (0, 0x0008_0001), (0, 0x0010_1001)] {
            let text = said(read(&put(&bytes, position, value)));
            assert!(
                text.contains("type serialization version 1, little-endian"),
                "{name}: {text}"
            );
        }
        assert!(
            said(read(&put(&bytes, 16, 0))).contains("expected a pointer, but found null"),
            "{name}"
        );
        let length = number(&bytes, 8);
        for wrong in [length + 1, length + 8, 0x8000_0000, u32::MAX] {
            assert!(
                said(read(&put(&bytes, 8, wrong))).contains("octets, but found"),
                "{name}"
            );
        }
        // Fillers are not looked at.
        assert_eq!(read(&put(&put(&bytes, 4, 0), 12, 7)), Ok(()), "{name}");
        let longer = [&bytes[..], &[0; 8]].concat();
        if name != "credentials" {
            assert!(
                said(read(&longer)).contains("expected the end, but found 8 more"),
                "{name}"
            );
            assert!(read(&[&bytes[..], &[0]].concat()).is_err(), "{name}");
        } else {
            assert_eq!(read(&longer), Ok(()));
        }
        // Octets that belong to the object, but to nothing in it.
        assert!(
            said(read(&put(&longer, 8, length + 8))).contains("expected the end, but found"),
            "{name}"
        );
    }
}

#[test]
fn strings_of_logon_info() {
    let good = logon_info().to_bytes().unwrap();
    // EffectiveName's lengths stand behind the headers, the pointer and six times.
    let lengths = 20 + 48;
    assert_eq!(number(&good, lengths), 0x000a_000a);
    // Its characters, behind the structure of 216 octets: maximum, offset, count.
    let units = 20 + 216;
    assert_eq!(
        (
            number(&good, units),
            number(&good, units + 4),
            number(&good, units + 8)
        ),
        (5, 0, 5)
    );
    let read = |bytes: Vec<u8>| said(KerbValidationInfo::from_bytes(&bytes));
    assert!(read(put(&good, lengths, 0x000a_0009)).contains("an even length"));
    assert!(read(put(&good, lengths, 0x0008_000a)).contains("no longer than its maximum"));
    assert!(read(put(&good, lengths, 0x0010_000a)).contains("an array of 8, but found one of 5"));
    assert!(read(put(&good, lengths, 0x000a_0008)).contains("an array of 4, but found one of 5"));
    assert!(read(put(&good, units + 4, 1)).contains("a string from its beginning"));
    assert!(read(put(&good, lengths + 4, 0)).contains("expected a pointer, but found null"));
    assert!(read(put(&good, units + 12, 0xd800_d800)).contains("unpaired surrogate"));
}

#[test]
fn pointers_and_sids_of_logon_info() {
    let good = logon_info().to_bytes().unwrap();
    let field = |offset: usize| 20 + offset;
    let read = |bytes: Vec<u8>| said(KerbValidationInfo::from_bytes(&bytes));
    for (offset, count) in [(108, 3), (196, 11), (208, 7)] {
        assert_eq!(number(&good, field(offset)), count);
        let pointer = if offset == 208 { 212 } else { offset + 4 };
        assert!(read(put(&good, field(pointer), 0)).contains("expected a pointer, but found null"));
        assert!(read(put(&good, field(offset), count + 1)).contains(&format!("an array of {}", count + 1)));
    }
    let place = |pattern: &[u8]| {
        good.windows(pattern.len())
            .position(|window| window == pattern)
            .unwrap()
    };
    // The first of ExtraSids: its pointer stands before its attributes.
    let extra = place(&[11, 0, 0, 0, 0x2c, 0, 2, 0, 7, 0, 0, 0]);
    assert!(read(put(&good, extra + 4, 0)).contains("expected a pointer, but found null"));
    // LogonDomainId: count, revision and count again.
    let sid = place(&[4, 0, 0, 0, 1, 4, 0, 0, 0, 0, 0, 5]);
    assert!(read(put(&good, sid, 5)).contains("an array of 4, but found one of 5"));
    let mut revision = good.clone();
    revision[sid + 4] = 2;
    assert!(read(revision).contains("a SID of revision 1"));
    let mut many = good.clone();
    many[sid + 5] = 16;
    assert!(read(many).contains("at most 15 sub-authorities"));
}

#[test]
fn claims_of_no_type_and_of_two() {
    let set = ClaimsSet {
        claims_arrays: vec![ClaimsArray {
            source_type: ClaimsSourceType::AD,
            entries: vec![ClaimEntry {
                id: "id".into(),
                values: ClaimValues::Boolean(vec![true]),
            }],
        }],
    };
    let good = set.to_bytes().unwrap();
    let place = |pattern: &[u8]| {
        good.windows(pattern.len())
            .position(|window| window == pattern)
            .unwrap()
    };
    let types = place(&[6, 0, 6, 0]);
    let read = |bytes: Vec<u8>| said(ClaimsSet::from_bytes(&bytes));
    assert!(read(put(&good, types, 0x0006_0003)).contains("the claim's type again, but found 6"));
    for wrong in [0, 4, 5, 7, 16] {
        assert!(
            read(put(&good, types, wrong << 16 | wrong)).contains("a claim type of 1, 2, 3 or 6"),
            "{wrong}"
        );
    }
    let truth = good.len() - 8;
    assert!(read(put(&good, truth, 2)).contains("a boolean of 0 or 1, but found 2"));
    assert!(read(put(&good, types - 4, 0)).contains("expected a pointer, but found null"));
    // The id's terminating null character.
    let id = place(&[b'i', 0, b'd', 0, 0, 0]);
    let mut bytes = good.clone();
    bytes[id + 4] = b'x';
    assert!(read(bytes).contains("a null character at the end"));
    // Metadata whose set is compressed by no format, or not the length it says.
    let mut metadata = ClaimsSetMetadata::uncompressed(&set).unwrap();
    metadata.compression_format = CompressionFormat(1);
    assert!(said(metadata.claims_set()).contains("unknown compression format"));
}

#[test]
fn compressed_bombs_stay_small() {
    let metadata = |compression_format, claims_set: &[u8], uncompressed_claims_set_size| ClaimsSetMetadata {
        claims_set: claims_set.to_vec(),
        compression_format,
        uncompressed_claims_set_size,
        reserved_field: Vec::new(),
    };
    // "a", then a match of 2^32 - 1 octets.
    let xpress = [
        0xff, 0xff, 0xff, 0x7f, b'a', 7, 0, 0x0f, 0xff, 0, 0, 0xff, 0xff, 0xff, 0xff,
    ];
    let lznt1: Vec<u8> = [3, 0xb0, 2, b'a', 0xfc, 0x0f].repeat(10_000);
    for (format, stream) in [
        (CompressionFormat::XPRESS, &xpress[..]),
        (CompressionFormat::LZNT1, &lznt1),
    ] {
        for (size, expected) in [
            (u32::MAX, "at most 1048576 uncompressed octets"),
            (1_048_577, "at most 1048576 uncompressed octets"),
            (1_048_576, "behind the announced length"),
        ] {
            let again =
                ClaimsSetMetadata::from_bytes(&metadata(format, stream, size).to_bytes().unwrap()).unwrap();
            assert!(
                said(again.claims_set()).contains(expected),
                "{format} {size}: {}",
                said(again.claims_set())
            );
        }
    }
}

#[test]
fn small_structures() {
    let client = PacClientInfo {
        client_id: FileTime(1),
        name: "alice".into(),
    };
    let bytes = client.to_bytes().unwrap();
    assert_eq!(PacClientInfo::from_bytes(&bytes), Ok(client));
    for len in 0..bytes.len() {
        assert!(PacClientInfo::from_bytes(&bytes[..len]).is_err(), "{len}");
    }
    assert!(said(PacClientInfo::from_bytes(&[&bytes[..], &[0]].concat())).contains("1 more octets"));
    let mut odd = bytes.clone();
    odd[8] = 9;
    assert!(said(PacClientInfo::from_bytes(&odd[..odd.len() - 1])).contains("an even number of octets"));

    let attributes = PacAttributesInfo::new(3);
    assert_eq!(
        PacAttributesInfo::from_bytes(&attributes.to_bytes()),
        Ok(attributes.clone())
    );
    assert!(attributes.contains(3) && !attributes.contains(4));
    // Bits that are not counted are padding.
    assert!(
        !PacAttributesInfo {
            flags_length: 1,
            flags: vec![3]
        }
        .contains(2)
    );
    assert!(
        PacAttributesInfo {
            flags_length: 64,
            flags: vec![3, 0]
        }
        .contains(2)
    );
    assert!(said(PacAttributesInfo::from_bytes(&[0xff; 8])).contains("octets, but found 4"));
    assert!(
        said(PacAttributesInfo::from_bytes(
            &[&attributes.to_bytes()[..], &[0]].concat()
        ))
        .contains("1 more")
    );
    assert!(PacAttributesInfo::from_bytes(&[33, 0, 0, 0, 1, 0, 0, 0]).is_err());

    let ntlm = NtlmSupplementalCredential {
        lm_password: Some(OwfPassword::new([1; 16])),
        nt_password: None,
    };
    let bytes = ntlm.to_bytes();
    let again = NtlmSupplementalCredential::from_bytes(&bytes).unwrap();
    assert_eq!(again.lm_password.unwrap().expose_secret(), &[1; 16]);
    assert!(again.nt_password.is_none());
    assert!(said(NtlmSupplementalCredential::from_bytes(&put(&bytes, 0, 1))).contains("version 0"));
    for len in 0..bytes.len() {
        assert!(NtlmSupplementalCredential::from_bytes(&bytes[..len]).is_err());
    }
    assert!(said(PacCredentialInfo::from_bytes(&[1, 0, 0, 0, 18, 0, 0, 0])).contains("version 0"));
    assert!(PacCredentialInfo::from_bytes(&[0; 7]).is_err());
}

#[test]
fn what_does_not_fit_is_not_written() {
    let long = "x".repeat(40_000);
    assert!(said(RpcUnicodeString::new(&long)).contains("expected at most 32767, but found 40000"));
    assert!(RpcUnicodeString::new(&long[..32_767]).is_ok());
    assert!(RpcUnicodeString::with_room_for_null(&long[..32_767]).is_err());
    let client = PacClientInfo {
        client_id: FileTime(1),
        name: long.clone(),
    };
    assert!(said(client.to_bytes()).contains("PAC_CLIENT_INFO name: expected at most 65535"));
    let upn = UpnDnsInfo {
        upn: long[..20_000].into(),
        dns_domain_name: long[..20_000].into(),
        flags: 0,
        account: Some(SamAccount {
            sam_name: String::new(),
            sid: sids(1)[0].sid,
        }),
    };
    assert!(said(upn.to_bytes()).contains("UPN_DNS_INFO: expected at most 65535"));
}

#[test]
fn a_thousand_groups_and_sids() {
    let mut info = logon_info();
    info.group_ids = (0..1000).map(group).collect();
    info.extra_sids = sids(1000);
    let again = KerbValidationInfo::from_bytes(&info.to_bytes().unwrap()).unwrap();
    assert_eq!(
        (&again.group_ids, &again.extra_sids),
        (&info.group_ids, &info.extra_sids)
    );
}
