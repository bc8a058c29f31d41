//! Replies that are not what was asked for, and parameters that ask for nothing.

use super::*;

#[test]
fn a_reply_to_another_request_or_for_another_client_is_refused() {
    let wrong_nonce = exchange(plain(), |issue| issue.nonce ^= 1);
    assert!(matches!(misbehaviour(wrong_nonce), Misbehaviour::Nonce { .. }));
    let mallory = Principal::new("EXAMPLE.COM", &["mallory"]);
    let found = mallory.clone();
    let wrong_client = exchange(plain(), |issue| issue.client = mallory);
    assert_eq!(
        misbehaviour(wrong_client),
        Misbehaviour::Client {
            expected: alice(),
            found
        }
    );
    let wrong_realm = exchange(plain(), |issue| issue.client.realm = "ELSEWHERE.COM".into());
    assert!(matches!(misbehaviour(wrong_realm), Misbehaviour::Client { .. }));
    // The name's type is a hint.
    let other_type = exchange(plain(), |issue| {
        issue.client.name.name_type = NameType::NT_UNKNOWN
    });
    assert_eq!(
        done(other_type.unwrap()).credential.client.name.name_type,
        NameType::NT_PRINCIPAL,
        "the hint in clear goes no further"
    );
}

/// CVE-2017-11103: the name in clear must not be believed.
#[test]
fn a_ticket_for_another_service_is_refused() {
    let swapped = exchange(plain(), |issue| issue.server = web());
    assert!(matches!(misbehaviour(swapped), Misbehaviour::TicketServer { .. }));
    let both = exchange(plain(), |issue| {
        issue.server = web();
        issue.server_on_ticket = web();
    });
    assert_eq!(
        misbehaviour(both),
        Misbehaviour::Server {
            expected: tgs(),
            found: web()
        }
    );
    let clear_only = exchange(plain(), |issue| issue.server_on_ticket = web());
    assert_eq!(
        misbehaviour(clear_only),
        Misbehaviour::TicketServer {
            expected: tgs(),
            found: web()
        }
    );
}

#[test]
fn an_enctype_nobody_asked_for_is_refused() {
    let strong = || AsParams {
        enctypes: vec![AES256],
        ..plain()
    };
    let reply = exchange(strong(), |issue| issue.reply_key = key(AES128, 9));
    assert_eq!(
        misbehaviour(reply),
        Misbehaviour::ReplyEnctype {
            expected: vec![AES256],
            found: AES128
        }
    );
    let session = exchange(strong(), |issue| issue.session_key = key(AES128, 9));
    assert_eq!(
        misbehaviour(session),
        Misbehaviour::SessionKeyEnctype {
            expected: vec![AES256],
            found: AES128
        }
    );
}

#[test]
fn the_kdc_must_vouch_for_the_request_where_it_says_it_can() {
    let old = exchange(plain(), |issue| issue.vouch = Vouch::No).unwrap();
    assert!(!done(old).enc_pa_rep_verified);
    let stripped = exchange(plain(), |issue| issue.vouch = Vouch::FlagOnly);
    assert_eq!(misbehaviour(stripped), Misbehaviour::EncPaRepMissing);
    let wrong = exchange(plain(), |issue| issue.vouch = Vouch::Wrong);
    assert_eq!(misbehaviour(wrong), Misbehaviour::EncPaRepChecksum);
}

#[test]
fn another_name_is_taken_only_when_asked_for_and_vouched_for() {
    let canonical = || {
        let mut params = plain();
        params.options.insert(KdcOptions::CANONICALIZE);
        params
    };
    let renamed = Principal::new("EXAMPLE.COM", &["alice.smith"]);
    let rename = |issue: &mut Issue| issue.client = Principal::new("EXAMPLE.COM", &["alice.smith"]);
    let done_as = done(exchange(canonical(), rename).unwrap());
    assert_eq!(
        (done_as.credential.client, done_as.client_vouched),
        (renamed, false),
        "the other name came in clear"
    );
    assert!(done(exchange(canonical(), |_| {}).unwrap()).client_vouched);
    let unvouched = exchange(canonical(), |issue| {
        rename(issue);
        issue.vouch = Vouch::No;
    });
    assert!(matches!(misbehaviour(unvouched), Misbehaviour::Client { .. }));
    assert!(matches!(
        misbehaviour(exchange(plain(), rename)),
        Misbehaviour::Client { .. }
    ));
    let other_service = exchange(canonical(), |issue| {
        issue.server = web();
        issue.server_on_ticket = web();
    });
    assert!(matches!(misbehaviour(other_service), Misbehaviour::Server { .. }));
    let other_realm = exchange(canonical(), |issue| {
        issue.client = Principal::new("ELSEWHERE.COM", &["alice"])
    });
    assert!(matches!(misbehaviour(other_realm), Misbehaviour::Client { .. }));
}

/// A TGT in the place of a ticket for the password service would be a wider ticket than the one asked for.
#[test]
fn a_tgt_is_no_canonical_form_of_another_service_nor_a_foreign_tgt_of_ours() {
    let canonical = |service| AsParams {
        options: KdcOptions::CANONICALIZE,
        ..AsParams::for_service(alice(), service)
    };
    let give = |server: Principal| {
        move |issue: &mut Issue| {
            issue.server_on_ticket = server.clone();
            issue.server = server;
        }
    };
    let changepw = Principal::new("EXAMPLE.COM", &["kadmin", "changepw"]);
    let wider = exchange(canonical(changepw), give(tgs()));
    assert!(matches!(misbehaviour(wider), Misbehaviour::Server { .. }));
    let foreign = Principal::krbtgt("EXAMPLE.COM", "ELSEWHERE.COM");
    let elsewhere = exchange(canonical(tgs()), give(foreign));
    assert!(matches!(misbehaviour(elsewhere), Misbehaviour::Server { .. }));
}

#[test]
fn times_and_flags_beyond_the_request_are_refused() {
    let rule = |result| match misbehaviour(result) {
        Misbehaviour::Time { rule, .. } => rule,
        other => panic!("expected a time, but found {other:?}"),
    };
    let late = exchange(plain(), |issue| issue.endtime = at(T0 + 36_100));
    assert_eq!(rule(late), "end time no later than asked for");
    let early = exchange(plain(), |issue| issue.endtime = at(T0));
    assert_eq!(rule(early), "end time after the start time");

    let renewable = || AsParams {
        renew_lifetime_seconds: Some(86_400),
        ..plain()
    };
    let renew_till = |seconds| {
        move |issue: &mut Issue| {
            issue.flags.insert(TicketFlags::RENEWABLE);
            issue.renew_till = seconds;
        }
    };
    assert!(exchange(renewable(), renew_till(Some(at(T0 + 86_400)))).is_ok());
    let long = exchange(renewable(), renew_till(Some(at(T0 + 86_500))));
    assert_eq!(rule(long), "renew-till no later than asked for");
    assert!(matches!(
        misbehaviour(exchange(renewable(), renew_till(None))),
        Misbehaviour::Field(_)
    ));

    // RENEWABLE-OK takes a renewable ticket in the place of a long one, and no longer than that one would have been.
    let renewable_ok = || AsParams {
        options: KdcOptions::RENEWABLE_OK,
        ..plain()
    };
    let shorter = |seconds| {
        move |issue: &mut Issue| {
            issue.endtime = at(T0 + 600);
            renew_till(Some(at(T0 + seconds)))(issue);
        }
    };
    assert!(exchange(renewable_ok(), shorter(36_000)).is_ok());
    let long = exchange(renewable_ok(), shorter(36_100));
    assert_eq!(rule(long), "renew-till no later than asked for");
    let unasked = exchange(plain(), shorter(3600));
    assert_eq!(rule(unasked), "renew-till no later than asked for");

    for flag in [
        TicketFlags::FORWARDABLE,
        TicketFlags::FORWARDED,
        TicketFlags::PROXIABLE,
        TicketFlags::PROXY,
        TicketFlags::MAY_POSTDATE,
        TicketFlags::POSTDATED,
        TicketFlags::INVALID,
    ] {
        let unasked = exchange(plain(), |issue| issue.flags.insert(flag));
        assert_eq!(misbehaviour(unasked), Misbehaviour::Flags { unasked: flag });
    }
    let unasked = exchange(plain(), renew_till(Some(at(T0 + 40_000))));
    assert!(matches!(
        misbehaviour(unasked),
        Misbehaviour::Time { .. } | Misbehaviour::Flags { .. }
    ));
    let mut forwardable = plain();
    forwardable.options.insert(KdcOptions::FORWARDABLE);
    assert!(exchange(forwardable, |issue| issue.flags.insert(TicketFlags::FORWARDABLE)).is_ok());
}

#[test]
fn postdated_tickets_start_when_asked() {
    let later = || AsParams {
        start: Some(at(T0 + 3600)),
        ..plain()
    };
    let give = |start: i64| {
        move |issue: &mut Issue| {
            issue
                .flags
                .insert(TicketFlags::POSTDATED | TicketFlags::INVALID | TicketFlags::MAY_POSTDATE);
            issue.starttime = Some(at(T0 + start));
        }
    };
    assert!(
        done(exchange(later(), give(3600)).unwrap())
            .credential
            .flags
            .contains(TicketFlags::INVALID)
    );
    assert!(matches!(
        misbehaviour(exchange(later(), give(3599))),
        Misbehaviour::Time { .. }
    ));
}

#[test]
fn addresses_are_those_asked_for() {
    let home = || vec![(AddressType::IPV4, vec![192, 0, 2, 1])];
    let bound = || AsParams {
        addresses: home(),
        ..plain()
    };
    assert_eq!(
        done(exchange(bound(), |issue| issue.addresses = home()).unwrap())
            .credential
            .addresses,
        home()
    );
    assert_eq!(misbehaviour(exchange(bound(), |_| {})), Misbehaviour::Addresses);
    let wider = exchange(bound(), |issue| {
        issue.addresses = home();
        issue.addresses.push((AddressType::IPV4, vec![203, 0, 113, 1]));
    });
    assert_eq!(misbehaviour(wider), Misbehaviour::Addresses);
    assert_eq!(
        misbehaviour(exchange(plain(), |issue| issue.addresses = home())),
        Misbehaviour::Addresses
    );
}

#[test]
fn other_messages_versions_and_usages_are_refused() {
    let refused = exchange(plain(), |issue| issue.pvno = 4).unwrap_err();
    assert_eq!(refused.code(), Some(ErrorCode::KRB_AP_ERR_BADVERSION));
    let refused = exchange(plain(), |issue| issue.msg_type = Some(MsgType::TGS_REP)).unwrap_err();
    assert_eq!(refused.to_string(), "expected AS-REP, but found TGS-REP (13)");
    let refused = exchange(plain(), |issue| issue.reply_usage = KeyUsage::TICKET).unwrap_err();
    assert!(matches!(refused, ProtocolError::WrongReplyKey { .. }));

    let (request, pending) = preauthenticating(plain());
    let refused = pending.reply(&request, now(1), &mut rng(5)).unwrap_err();
    assert_eq!(
        refused.to_string(),
        "expected AS-REP or KRB-ERROR, but found AS-REQ (10)"
    );
    let (_, pending) = preauthenticating(plain());
    assert!(pending.reply(b"", now(1), &mut rng(5)).is_err());
}

#[test]
fn parameters_that_make_no_request_are_refused() {
    let start = |params| AsExchange::start(params, now(0), &mut rng(1));
    assert!(matches!(
        start(AsParams {
            enctypes: vec![],
            ..plain()
        }),
        Err(ProtocolError::Misuse(_))
    ));
    assert!(matches!(
        start(AsParams {
            lifetime_seconds: 0,
            ..plain()
        }),
        Err(ProtocolError::Misuse(_))
    ));
    assert!(matches!(
        start(AsParams {
            renew_lifetime_seconds: Some(-1),
            ..plain()
        }),
        Err(ProtocolError::Misuse(_))
    ));
    let foreign = Principal::krbtgt("ELSEWHERE.COM", "ELSEWHERE.COM");
    assert!(matches!(
        start(AsParams {
            service: foreign,
            ..plain()
        }),
        Err(ProtocolError::Misuse(_))
    ));
    assert!(matches!(
        start(AsParams {
            lifetime_seconds: i64::MAX,
            ..plain()
        }),
        Err(ProtocolError::TimeOutOfRange)
    ));
    assert!(matches!(
        start(AsParams {
            clock_offset_seconds: i64::MAX,
            ..plain()
        }),
        Err(ProtocolError::TimeOutOfRange)
    ));
}

/// Pitfalls, section 10 row 22: each octet of the reply, altered once. Unauthenticated are the name types of
/// cname and sname, the ticket's ciphertext, enctype and key version, and the reply's key version; there, the outcome is the same. Everywhere else it is refused.
#[test]
fn an_altered_reply_is_refused_or_changes_nothing() {
    let (request, _) = preauthenticating(plain());
    let issue = Issue::to_as_req(&request);
    let reply = issue.as_rep(&request, &mut rng(4));
    let decoded: asn1::AsRep<'_> = asn1::decode(&reply).unwrap();
    let cipher = find(&reply, decoded.ticket.enc_part.cipher);
    let cname = asn1::encode(&issue.client.name.to_wire()).unwrap();
    let sname = asn1::encode(&issue.server.name.to_wire()).unwrap();
    let (cname, sname) = (find(&reply, &cname), find(&reply, &sname));
    let kvno = find(&reply, &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let reply_kvno = cipher.end + find(&reply[cipher.end..], &[0xa1, 0x03, 0x02, 0x01, 0x01, 0xa2]).start + 4;
    let free = |index: usize| {
        cipher.contains(&index)
            || index == cname.start + 6
            || index == sname.start + 6
            || index == kvno
            || index == reply_kvno
            || index == kvno - 5
    };
    let mut passed = 0;
    for index in 0..reply.len() {
        let mut altered = reply.clone();
        altered[index] ^= 1 << (index % 8);
        let (_, pending) = preauthenticating(plain());
        if let Ok(outcome) = pending.reply(&altered, now(1), &mut rng(5)) {
            let done = done(outcome);
            assert!(
                free(index),
                "octet {index} of {} was altered and not missed",
                reply.len()
            );
            assert_eq!(
                (&done.credential.client, &done.credential.server),
                (&alice(), &tgs())
            );
            assert!(done.credential.session_key.ct_eq(&issue.session_key));
            assert_eq!(done.credential.flags, issue.flags | TicketFlags::ENC_PA_REP);
            passed += 1;
        }
    }
    assert!(passed >= cipher.len());
}
