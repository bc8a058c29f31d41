//! The PAC compared with the ticket and with itself.

use super::*;

#[test]
fn the_good_one_is_good() {
    let pac = check(&sign(&builder())).unwrap();
    let account = pac.account().unwrap();
    assert_eq!(
        (account.user_sid(), account.primary_group_sid()),
        (sid(1104), Some(sid(513)))
    );
    assert_eq!(pac.account_match(), AccountMatch::SamAccountName);
}

#[test]
fn ka_1_client_info_is_compared() {
    let pac = sign(&builder());
    for name in ["bob", "Alice", "alice@AD.TEST", "alice/admin", ""] {
        let other = Principal::new("AD.TEST", &[name]);
        let refused = check_as(&pac, &TicketClient::new(&other, AUTHTIME));
        assert_eq!(
            said(refused),
            format!("PAC is of another client: expected {name}, but found alice")
        );
    }
    for seconds in [-1, 1, 86_400] {
        let time = AUTHTIME.checked_add_seconds(seconds).unwrap();
        assert!(
            said(check_as(&pac, &TicketClient::new(&alice(), time)))
                .starts_with("PAC is of another authentication")
        );
    }
    for filetime in [
        FileTime::NEVER,
        FileTime::NONE,
        FileTime(FileTime::from_kerberos_time(AUTHTIME).0 + 1),
    ] {
        let info = PacClientInfo {
            client_id: filetime,
            ..client_info()
        };
        let pac = with_buffer(PacBufferType::CLIENT_INFO, Some(info.to_bytes().unwrap()));
        assert!(
            said(check(&pac)).starts_with("PAC is of another authentication"),
            "{filetime}"
        );
    }
    assert_eq!(
        said(check(&with_buffer(PacBufferType::CLIENT_INFO, None))),
        "PAC has no CLIENT_INFO (10)"
    );
    // A name that is no UTF-8 equals none, not even its own replacement character.
    let info = PacClientInfo {
        name: "\u{fffd}".into(),
        ..client_info()
    };
    let pac = with_buffer(PacBufferType::CLIENT_INFO, Some(info.to_bytes().unwrap()));
    let latin = Principal::new("AD.TEST", &[&[0xff_u8][..]]);
    assert!(
        said(check_as(&pac, &TicketClient::new(&latin, AUTHTIME))).starts_with("PAC is of another client")
    );
}

#[test]
fn ka_1_upn_dns_sam_name_and_sid_are_compared() {
    let with = |sam_name: &str, rid| {
        let mut info = upn_dns_info();
        info.account = Some(SamAccount {
            sam_name: sam_name.into(),
            sid: sid(rid),
        });
        with_buffer(PacBufferType::UPN_DNS_INFO, Some(info.to_bytes().unwrap()))
    };
    assert!(check(&with("ALICE", 1104)).is_ok());
    assert_eq!(
        said(check(&with("bob", 1104))),
        "UPN_DNS_INFO (12): expected account alice, but found bob"
    );
    assert_eq!(
        said(check(&with("alice", 500))),
        "UPN_DNS_INFO (12): expected SID S-1-5-21-1-2-3-1104, but found S-1-5-21-1-2-3-500"
    );
}

#[test]
fn ka_1_cve_2021_42287_requestor_sid_is_compared() {
    let with = |rid| with_buffer(PacBufferType::REQUESTOR_SID, Some(sid(rid).to_bytes()));
    assert_eq!(check(&with(1104)).unwrap().requestor_sid(), Some(sid(1104)));
    assert_eq!(
        said(check(&with(1000))),
        "REQUESTOR_SID (18): expected SID S-1-5-21-1-2-3-1104, but found S-1-5-21-1-2-3-1000"
    );
    // In delegation the requestor is the service.
    let delegation = S4uDelegationInfo::default().to_bytes().unwrap();
    let builder = builder()
        .with(PacBufferType::REQUESTOR_SID, sid(1000).to_bytes())
        .with(PacBufferType::DELEGATION_INFO, delegation);
    assert_eq!(check(&sign(&builder)).unwrap().requestor_sid(), Some(sid(1000)));
}

#[test]
fn cve_2021_42278_a_name_without_its_dollar_is_another() {
    let mut info = logon_info();
    info.effective_name = string("DC1$");
    let mut upn = upn_dns_info();
    upn.upn = "DC1$@ad.test".into();
    upn.account = None;
    let builder = PacBuilder::new()
        .with(PacBufferType::LOGON_INFO, info.to_bytes().unwrap())
        .with(
            PacBufferType::CLIENT_INFO,
            PacClientInfo {
                name: "dc1".into(),
                ..client_info()
            }
            .to_bytes()
            .unwrap(),
        )
        .with(PacBufferType::UPN_DNS_INFO, upn.to_bytes().unwrap());
    let pac = sign(&builder);
    let name = Principal::new("AD.TEST", &["dc1"]);
    let mut client = TicketClient::new(&name, AUTHTIME);
    assert_eq!(
        check_as(&pac, &client).unwrap().account_match(),
        AccountMatch::Other
    );
    client.account = AccountPolicy::MustMatch;
    assert_eq!(
        said(check_as(&pac, &client)),
        "PAC is of account DC1$ (UPN DC1$@ad.test), but the ticket's client is dc1"
    );
}

#[test]
fn how_the_client_is_named_is_told() {
    let matched = |realm: &str, name: &str, enterprise: bool| {
        let info = PacClientInfo {
            name: name.into(),
            ..client_info()
        };
        let mut upn = upn_dns_info();
        upn.upn = "al@corp.example".into();
        let builder = PacBuilder::new()
            .with(PacBufferType::LOGON_INFO, logon_info().to_bytes().unwrap())
            .with(PacBufferType::CLIENT_INFO, info.to_bytes().unwrap())
            .with(PacBufferType::UPN_DNS_INFO, upn.to_bytes().unwrap());
        let mut principal = Principal::new(realm, &[name]);
        if enterprise {
            principal.name = kerbside_asn1::Name::enterprise(name);
        }
        check_as(&sign(&builder), &TicketClient::new(&principal, AUTHTIME))
            .unwrap()
            .account_match()
    };
    assert_eq!(matched("AD.TEST", "ALICE", false), AccountMatch::SamAccountName);
    assert_eq!(
        matched("AD.TEST", "al@Corp.Example", true),
        AccountMatch::UserPrincipalName
    );
    assert_eq!(
        matched("CORP.EXAMPLE", "al", false),
        AccountMatch::UserPrincipalName
    );
    assert_eq!(matched("AD.TEST", "al@corp.example", false), AccountMatch::Other);
    assert_eq!(matched("AD.TEST", "alice", true), AccountMatch::SamAccountName);
    assert_eq!(matched("AD.TEST", "alice@ad.test", true), AccountMatch::Other);
    assert_eq!(matched("OTHER.TEST", "alice", false), AccountMatch::Other);
    let bare = with_buffer(PacBufferType::LOGON_INFO, None);
    let pac = check(&bare).unwrap();
    assert_eq!(pac.account_match(), AccountMatch::NoAccount);
    assert!(pac.account().is_none());
}

#[test]
fn the_account_s_sid_is_where_the_text_says() {
    let of = |change: fn(&mut KerbValidationInfo)| {
        let mut info = logon_info();
        change(&mut info);
        let builder = PacBuilder::new()
            .with(PacBufferType::LOGON_INFO, info.to_bytes().unwrap())
            .with(PacBufferType::CLIENT_INFO, client_info().to_bytes().unwrap());
        check(&sign(&builder))
    };
    // UserId 0: the first of the extra SIDs.
    let pac = of(|info| info.user_id = 0).unwrap();
    assert_eq!(pac.account().unwrap().user_sid().to_string(), "S-1-18-1");
    assert!(
        !pac.account()
            .unwrap()
            .enabled_groups()
            .contains(&"S-1-18-1".parse().unwrap())
    );
    let without = of(|info| {
        info.user_id = 0;
        info.extra_sids.clear();
    });
    assert_eq!(
        said(without),
        "LOGON_INFO (1): UserId has RIDs, but there is no SID of their domain"
    );
    assert!(said(of(|info| info.logon_domain_id = None)).contains("UserId has RIDs"));
    assert!(said(of(|info| info.resource_group_domain_sid = None)).contains("ResourceGroupIds has RIDs"));
    assert!(
        said(of(|info| {
            info.logon_domain_id = None;
            info.user_id = 0;
            info.primary_group_id = 0;
        }))
        .contains("GroupIds has RIDs")
    );
    // A membership that is not enabled counts in no access check.
    let pac = of(|info| info.group_ids[1].attributes = GroupAttributes::MANDATORY).unwrap();
    let account = pac.account().unwrap();
    assert!(!account.enabled_groups().contains(&sid(1105)));
    assert_eq!(account.groups().len(), 2);
}
