//! Real PACs, decoded field by field, verified with the keys known, and encoded again to the same octets.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a test fails by panicking"
)]

mod support;

use kerbside_asn1::{AdType, EncTicketPart, decode};
use kerbside_pac::*;
use serde_json::Value;
use support::*;

fn number(value: &Value) -> u64 {
    value.as_u64().unwrap()
}

fn time(value: &Value) -> FileTime {
    FileTime(number(&value["filetime"]))
}

fn check_times(info: &KerbValidationInfo, expected: &Value) {
    for (found, name) in [
        (info.logon_time, "LogonTime"),
        (info.logoff_time, "LogoffTime"),
        (info.kick_off_time, "KickOffTime"),
        (info.password_last_set, "PasswordLastSet"),
        (info.password_can_change, "PasswordCanChange"),
        (info.password_must_change, "PasswordMustChange"),
        (info.last_successful_i_logon, "LastSuccessfulILogon"),
        (info.last_failed_i_logon, "LastFailedILogon"),
    ] {
        assert_eq!(found, time(&expected[name]), "{name}");
        let utc = text(&expected[name]["utc"]);
        match utc.get(..19) {
            Some(seconds) => assert_eq!(found.to_string(), format!("{seconds}Z"), "{name}"),
            None => assert_eq!(found.to_string(), utc, "{name}"),
        }
    }
}

fn check_groups(found: &[GroupMembership], expected: &Value) {
    let found: Vec<(u64, u64)> = found
        .iter()
        .map(|group| (group.relative_id.into(), group.attributes.0.into()))
        .collect();
    let expected = expected.as_array().unwrap().iter();
    let expected: Vec<_> = expected
        .map(|group| (number(&group["rid"]), number(&group["attributes"])))
        .collect();
    assert_eq!(found, expected);
}

fn check_logon_info(info: &KerbValidationInfo, expected: &Value) {
    check_times(info, expected);
    for (found, name) in [
        (u64::from(info.logon_count), "LogonCount"),
        (info.bad_password_count.into(), "BadPasswordCount"),
        (info.user_id.into(), "UserId"),
        (info.primary_group_id.into(), "PrimaryGroupId"),
        (info.user_flags.0.into(), "UserFlags"),
        (info.user_account_control.0.into(), "UserAccountControl"),
        (info.sub_auth_status.into(), "SubAuthStatus"),
        (info.failed_i_logon_count.into(), "FailedILogonCount"),
    ] {
        assert_eq!(found, number(&expected[name]), "{name}");
    }
    for (found, name) in [
        (&info.effective_name, "EffectiveName"),
        (&info.full_name, "FullName"),
        (&info.logon_script, "LogonScript"),
        (&info.profile_path, "ProfilePath"),
        (&info.home_directory, "HomeDirectory"),
        (&info.home_directory_drive, "HomeDirectoryDrive"),
        (&info.logon_server, "LogonServer"),
        (&info.logon_domain_name, "LogonDomainName"),
    ] {
        assert_eq!(found.as_str(), text(&expected[name]), "{name}");
    }
    assert_eq!(
        hex::encode(info.user_session_key.expose_secret()),
        text(&expected["UserSessionKey"])
    );
    check_groups(&info.group_ids, &expected["GroupIds"]);
    check_groups(&info.resource_group_ids, &expected["ResourceGroupIds"]);
    let sid = |sid: Option<Sid>| sid.map(|sid| sid.to_string());
    assert_eq!(
        sid(info.logon_domain_id).as_deref(),
        expected["LogonDomainId"].as_str()
    );
    assert_eq!(
        sid(info.resource_group_domain_sid).as_deref(),
        expected["ResourceGroupDomainSid"].as_str()
    );
    let extra: Vec<_> = info
        .extra_sids
        .iter()
        .map(|extra| (extra.sid.to_string(), u64::from(extra.attributes.0)))
        .collect();
    let expected = expected["ExtraSids"].as_array().unwrap().iter();
    let expected: Vec<_> = expected
        .map(|extra| (text(&extra["sid"]).to_owned(), number(&extra["attributes"])))
        .collect();
    assert_eq!(extra, expected);
}

/// Reads the buffer, compares it with what is expected, and encodes it again.
fn check_buffer(buffer: PacBuffer<'_>, expected: &Value) -> Vec<u8> {
    match buffer.buffer_type {
        PacBufferType::LOGON_INFO => {
            let info = KerbValidationInfo::from_bytes(buffer.bytes).unwrap();
            check_logon_info(&info, expected);
            info.to_bytes().unwrap()
        }
        PacBufferType::CLIENT_INFO => {
            let info = PacClientInfo::from_bytes(buffer.bytes).unwrap();
            assert_eq!(
                (info.client_id, info.name.as_str()),
                (time(&expected["ClientId"]), text(&expected["Name"]))
            );
            info.to_bytes().unwrap()
        }
        PacBufferType::UPN_DNS_INFO => {
            let info = UpnDnsInfo::from_bytes(buffer.bytes).unwrap();
            assert_eq!(info.upn, text(&expected["Upn"]));
            assert_eq!(info.dns_domain_name, text(&expected["DnsDomainName"]));
            let extended = if info.account.is_some() {
                UpnDnsInfo::EXTENDED
            } else {
                0
            };
            assert_eq!(u64::from(info.flags | extended), number(&expected["Flags"]));
            let account = info.account.as_ref();
            assert_eq!(
                account.map(|account| account.sam_name.as_str()),
                expected["SamName"].as_str()
            );
            assert_eq!(
                account.map(|account| account.sid.to_string()).as_deref(),
                expected["Sid"].as_str()
            );
            info.to_bytes().unwrap()
        }
        _ => {
            assert!(buffer.buffer_type.is_signature());
            let signature = PacSignatureData::from_bytes(buffer.bytes).unwrap();
            assert_eq!(
                Some(i64::from(signature.signature_type.0)),
                expected["SignatureType"].as_i64()
            );
            assert_eq!(signature.rodc_identifier, None);
            signature.to_bytes()
        }
    }
}

#[test]
fn every_pac_is_decoded_and_encoded_again() {
    let vectors = vectors();
    let pacs = vectors["pacs"].as_array().unwrap();
    assert_eq!(pacs.len(), 12);
    for entry in pacs {
        let bytes = pac_bytes(entry);
        let pac = Pac::parse(&bytes).unwrap();
        let expected = entry["expected"]["buffers"].as_array().unwrap();
        assert_eq!(pac.buffers().count(), expected.len());
        let mut again = Vec::new();
        for (buffer, expected) in pac.buffers().zip(expected) {
            assert_eq!(u64::from(buffer.buffer_type.0), number(&expected["type"]));
            assert_eq!(
                u64::try_from(buffer.bytes.len()).unwrap(),
                number(&expected["size"])
            );
            let start = usize::try_from(number(&expected["offset"])).unwrap();
            assert_eq!(buffer.bytes, &bytes[start..start + buffer.bytes.len()]);
            let encoded = check_buffer(buffer, &expected["decoded"]);
            assert_eq!(
                hex::encode(&encoded),
                hex::encode(buffer.bytes),
                "{} {}",
                entry["name"],
                buffer.buffer_type
            );
            again.push((buffer.buffer_type, encoded));
        }
        let again: Vec<_> = again
            .iter()
            .map(|(buffer_type, bytes)| PacBuffer {
                buffer_type: *buffer_type,
                bytes,
            })
            .collect();
        assert_eq!(
            hex::encode(encode_pac(&again).unwrap()),
            hex::encode(&bytes),
            "{}",
            entry["name"]
        );
    }
}

#[test]
fn signatures_verify_with_their_keys_and_with_no_others() {
    let (mut servers, mut kdcs, mut fulls) = (0, 0, 0);
    for entry in vectors()["pacs"].as_array().unwrap() {
        let bytes = pac_bytes(entry);
        let pac = Pac::parse(&bytes).unwrap();
        let Some(server) = key(&entry["server_key"]) else {
            continue;
        };
        servers += 1;
        let verified = pac.clone().verify_server(&server).unwrap();
        for etype in [17, 18, 19, 20, 23, 25] {
            let refused = pac.clone().verify_server(&other_key(etype)).map(drop);
            assert!(
                matches!(
                    refused,
                    Err(PacError::Signature {
                        buffer: PacBufferType::SERVER_SIGNATURE,
                        ..
                    })
                ),
                "{refused:?}"
            );
        }
        let Some(kdc) = key(&entry["kdc_key"]) else {
            continue;
        };
        kdcs += 1;
        let full = entry["expected"]["full_signature_verified_with_key"] == true;
        let kdc_verified = verified.clone().verify_kdc(&kdc, Demand::IfPresent).unwrap();
        assert_eq!(kdc_verified.has_full_signature(), full);
        fulls += usize::from(full);
        let demanded = verified.clone().verify_kdc(&kdc, Demand::Required).map(drop);
        let missing = PacError::Missing {
            buffer: PacBufferType::FULL_SIGNATURE,
        };
        assert_eq!(demanded, if full { Ok(()) } else { Err(missing) });
        let refused = verified.verify_kdc(&server, Demand::IfPresent).map(drop);
        assert!(matches!(
            refused,
            Err(PacError::Signature {
                buffer: PacBufferType::KDC_SIGNATURE,
                ..
            })
        ));
    }
    assert_eq!((servers, kdcs, fulls), (11, 2, 1));
}

#[test]
fn clients_are_compared() {
    for entry in vectors()["pacs"].as_array().unwrap() {
        let bytes = pac_bytes(entry);
        let Some(server) = key(&entry["server_key"]) else {
            continue;
        };
        let verified = Pac::parse(&bytes).unwrap().verify_server(&server).unwrap();
        let (principal, authtime) = client(entry);
        let mut client = TicketClient::new(&principal, authtime);
        if entry["cross_realm"] == true {
            let refused = verified.clone().check_client(&client).map(drop);
            assert!(matches!(refused, Err(PacError::ClientName { .. })), "{refused:?}");
            client.name_form = ClientNameForm::NameAndRealm;
        }
        if entry["client"].is_string() {
            client.account = AccountPolicy::MustMatch;
        }
        let pac = verified.check_client(&client).unwrap();
        let expected = &entry["expected"]["buffers"][0]["decoded"];
        let account = pac.account().unwrap();
        let domain = text(&expected["LogonDomainId"]);
        assert_eq!(
            account.user_sid().to_string(),
            format!("{domain}-{}", expected["UserId"])
        );
        assert_eq!(
            account.primary_group_sid().unwrap().to_string(),
            format!("{domain}-{}", expected["PrimaryGroupId"])
        );
        let rids = expected["GroupIds"].as_array().unwrap();
        let groups: Vec<_> = rids
            .iter()
            .map(|group| format!("{domain}-{}", group["rid"]))
            .collect();
        let found: Vec<_> = account
            .groups()
            .iter()
            .map(|group| group.sid.to_string())
            .collect();
        assert_eq!(found, groups);
        assert_eq!(account.sam_account_name(), text(&expected["EffectiveName"]));
        assert_eq!(account.full_name(), text(&expected["FullName"]));
        assert_eq!(account.logon_server(), text(&expected["LogonServer"]));
        assert_eq!(account.logon_domain_name(), text(&expected["LogonDomainName"]));
        let enterprise = entry["client"]
            .as_str()
            .is_some_and(|client| client.ends_with("(enterprise)"));
        if enterprise {
            assert_eq!(pac.account_match(), AccountMatch::UserPrincipalName);
        } else if entry["client"].is_string() {
            assert_eq!(pac.account_match(), AccountMatch::SamAccountName);
        }
    }
}

#[test]
fn a_windows_ticket_is_verified_whole() {
    let (entry, bytes) = pac("mit_w2022_ticket_pac");
    let ticket_bytes = hex_of(&entry["ticket"]["enc_ticket_part_hex"]);
    let ticket: EncTicketPart<'_> = decode(&ticket_bytes).unwrap();
    let input = ticket_signature_input(&ticket).unwrap();
    assert_eq!(
        hex::encode(&*input),
        text(&entry["ticket"]["ticket_signature_input_hex"])
    );
    let elements = ticket.authorization_data.as_ref().unwrap().0.iter();
    let pac = Pac::find(elements.map(|element| (element.ad_type, element.ad_data)))
        .unwrap()
        .unwrap();
    assert_eq!(pac.bytes(), bytes);
    let (server, kdc) = (
        key(&entry["server_key"]).unwrap(),
        key(&entry["kdc_key"]).unwrap(),
    );
    let verified = pac
        .verify_server(&server)
        .unwrap()
        .verify_kdc(&kdc, Demand::Required)
        .unwrap();
    assert!(!verified.has_ticket_signature());
    let verified = verified.verify_ticket(&ticket, Demand::Required).unwrap();
    let (principal, authtime) = ticket_client(&ticket);
    let mut client = TicketClient::new(&principal, authtime);
    client.account = AccountPolicy::MustMatch;
    let pac = verified.check_client(&client).unwrap();
    assert!(pac.has_full_signature() && pac.has_ticket_signature());
    assert_eq!(pac.account_match(), AccountMatch::SamAccountName);
    assert_eq!(pac.upn(), Some("Administrator@w2022-l7.base"));
    assert_eq!(pac.dns_domain_name(), Some("W2022-L7.BASE"));
    assert!(pac.upn_dns_info().unwrap().upn_is_constructed());
    let account = pac.account().unwrap();
    let domain = "S-1-5-21-133451344-1126667713-3548050118";
    let rids: Vec<_> = account.enabled_groups().iter().map(ToString::to_string).collect();
    let mut expected: Vec<_> = [512, 513, 518, 519, 520, 572]
        .map(|rid| format!("{domain}-{rid}"))
        .into();
    expected.insert(0, "S-1-18-1".into());
    expected.sort_by_key(|sid| sid.parse::<Sid>().unwrap());
    assert_eq!(rids, expected);
    assert!(
        account
            .logon_info()
            .user_account_control
            .contains(UserAccountControl::NORMAL_ACCOUNT)
    );
    assert!(account.logon_info().user_flags.contains(UserFlags::EXTRA_SIDS));
    assert!(
        account
            .logon_info()
            .user_flags
            .contains(UserFlags::RESOURCE_GROUPS)
    );
}

#[test]
fn authorization_data_leads_to_its_pac() {
    for name in ["gokrb5_authdata_ms", "gokrb5_authdata_gokrb5"] {
        let (entry, bytes) = pac(name);
        let data = hex_of(&entry["authorization_data_hex"]);
        let outer: kerbside_asn1::AuthorizationData<'_> = decode(&data).unwrap();
        let found = Pac::find(outer.0.iter().map(|element| (element.ad_type, element.ad_data)));
        assert_eq!(found.unwrap().unwrap().bytes(), bytes, "{name}");
        // What holds it in a ticket is the encoding of one such element.
        let inner = match outer.0.as_slice() {
            [container] if container.ad_type == AdType::AD_IF_RELEVANT => container.ad_data,
            _ => &data,
        };
        assert_eq!(
            hex::encode(in_if_relevant(&bytes).unwrap()),
            hex::encode(inner),
            "{name}"
        );
    }
}

#[test]
fn single_buffers_are_decoded_and_encoded_again() {
    let vectors = vectors();
    let buffers = vectors["single_buffers"].as_array().unwrap();
    assert_eq!(buffers.len(), 13);
    for buffer in buffers {
        let (bytes, expected) = (hex_of(&buffer["data_hex"]), &buffer["expected"]);
        let structure = text(&buffer["structure"]).split(' ').next().unwrap();
        let again = match structure {
            "KERB_VALIDATION_INFO" => {
                let info = KerbValidationInfo::from_bytes(&bytes).unwrap();
                check_logon_info(&info, expected);
                info.to_bytes().unwrap()
            }
            "PAC_CLIENT_CLAIMS_INFO" => {
                let metadata = ClaimsSetMetadata::from_bytes(&bytes).unwrap();
                check_claims(&metadata, expected);
                metadata.to_bytes().unwrap()
            }
            "PAC_CLIENT_INFO" => {
                let info = PacClientInfo::from_bytes(&bytes).unwrap();
                assert_eq!(info.name, "testuser1");
                info.to_bytes().unwrap()
            }
            "UPN_DNS_INFO" => {
                let info = UpnDnsInfo::from_bytes(&bytes).unwrap();
                assert_eq!(
                    (info.upn.as_str(), info.dns_domain_name.as_str()),
                    ("testuser1@test.gokrb5", "TEST.GOKRB5")
                );
                info.to_bytes().unwrap()
            }
            "PAC_SIGNATURE_DATA" => PacSignatureData::from_bytes(&bytes).unwrap().to_bytes(),
            other => panic!("{other}"),
        };
        // Some sources end with the padding that belongs to the PAC.
        assert_eq!(hex::encode(&again), hex::encode(&bytes), "{}", buffer["name"]);
    }
}

fn check_claims(metadata: &ClaimsSetMetadata, expected: &Value) {
    assert_eq!(
        u64::try_from(metadata.claims_set.len()).unwrap(),
        number(&expected["ClaimsSetSize"])
    );
    assert_eq!(
        u64::from(metadata.compression_format.0),
        number(&expected["CompressionFormat"])
    );
    assert_eq!(
        u64::from(metadata.uncompressed_claims_set_size),
        number(&expected["UncompressedClaimsSetSize"])
    );
    let set = metadata.claims_set().unwrap();
    assert_eq!(
        hex::encode(set.to_bytes().unwrap()),
        text(&expected["claims_set_ndr_hex"])
    );
    let arrays = expected["claims_arrays"].as_array().unwrap();
    assert_eq!(set.claims_arrays.len(), arrays.len());
    for (array, expected) in set.claims_arrays.iter().zip(arrays) {
        assert_eq!(u64::from(array.source_type.0), number(&expected["source_type"]));
        let entries = expected["entries"].as_array().unwrap();
        assert_eq!(array.entries.len(), entries.len());
        for (entry, expected) in array.entries.iter().zip(entries) {
            assert_eq!(entry.id, text(&expected["id"]));
            let values = expected["values"].as_array().unwrap().iter();
            let expected = match text(&expected["type"]) {
                "int64" => ClaimValues::Int64(values.map(|value| value.as_i64().unwrap()).collect()),
                "uint64" => ClaimValues::Uint64(values.map(number).collect()),
                "string" => ClaimValues::String(values.map(|value| text(value).to_owned()).collect()),
                other => panic!("{other}"),
            };
            assert_eq!(entry.values, expected);
        }
    }
}

#[test]
fn what_mit_rejects_is_rejected() {
    let vectors = vectors();
    let malformed = vectors["malformed_must_be_rejected"].as_array().unwrap();
    assert_eq!(malformed.len(), 2);
    for entry in malformed {
        let refused = Pac::parse(&hex_of(&entry["data_hex"])).unwrap_err();
        assert!(
            refused.to_string().contains("expected at most 4096 buffers"),
            "{refused}"
        );
    }
}
