//! The mechListMIC: when it is required, volunteered, wrong or left out (RFC 4178 section 5).

use super::*;

/// The first mechanism is one that the acceptor does not have: one more leg, and MICs both ways.
#[test]
fn ka_9_second_choice_costs_a_leg_and_is_proved() {
    for (first, state) in [
        (STRANGE, NegState::REQUEST_MIC),
        (oids::NTLMSSP, NegState::REQUEST_MIC),
        (oids::NEGOEX, NegState::ACCEPT_INCOMPLETE),
    ] {
        for flags in [one_way(), mutual()] {
            let mut realm = realm();
            let initiator = initiator_after(&mut realm, &[first], flags);
            let begun = start(&mut realm, initiator);
            let acceptor = realm.acceptor();
            let mut both = realm
                .converse(begun, |token, now, rng| acceptor.step(token, now, rng))
                .unwrap();
            let first_reply = parse_resp(&both.tokens[1]).unwrap();
            assert_eq!(first_reply.state, Some(state));
            assert_eq!(first_reply.supported_mech, Some(oids::KRB5));
            assert!(first_reply.token.is_none());
            // The last mechanism token carries its sender's MIC, the answer to it the other's.
            let resp = |index: usize| parse_resp(&both.tokens[index]).unwrap();
            if flags == mutual() {
                assert_eq!(both.tokens.len(), 5);
                assert!(resp(2).mic.is_none() && resp(3).mic.is_some() && resp(4).mic.is_some());
            } else {
                assert_eq!(both.tokens.len(), 4);
                assert!(resp(2).mic.is_some() && resp(3).mic.is_some());
            }
            assert_eq!(
                resp(both.tokens.len() - 1).state,
                Some(NegState::ACCEPT_COMPLETED)
            );
            both.exchange_messages(&mut realm.rng);
        }
    }
}

/// An attacker strikes out the mechanism that both sides would prefer. The acceptor, which sees Kerberos first, needs no
/// proof; the initiator knows that it asked for something else first, and does.
#[test]
fn struck_out_mechanism_is_noticed_by_the_initiator() {
    let mut realm = realm();
    let initiator = initiator_after(&mut realm, &[STRANGE], one_way());
    let (_, next) = cont(start(&mut realm, initiator));
    // What the acceptor would answer to a NegTokenInit with Kerberos alone and no token.
    let (answer, waiting) = cont(accept(&mut realm, &init_of(&[oids::KRB5], None)).unwrap());
    assert_eq!(
        parse_resp(&answer).unwrap().state,
        Some(NegState::ACCEPT_INCOMPLETE)
    );
    let (token, _) = cont(step(&mut realm, next, &answer).unwrap());
    assert!(parse_resp(&token).unwrap().mic.is_some());
    // Its MIC is over the list that was really sent.
    let error = step(&mut realm, waiting, &token).unwrap_err();
    assert_eq!(error.major(), Major::BadMic);
}

#[test]
fn required_mic_cannot_be_left_out() {
    // By the initiator beside its last token.
    let mut realm = realm();
    let (_, waiting) = cont(accept(&mut realm, &init_of(&[STRANGE, oids::KRB5], Some(b"x"))).unwrap());
    let (token, _) = raw_token(&mut realm, one_way());
    let reply = Reply {
        token: Some(&token),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    let error = step(&mut realm, waiting, &reply).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SPNEGO: expected a mechListMIC beside the last mechanism token, but found none"
    );

    // By the initiator as its answer to ours.
    let (_, waiting) = cont(accept(&mut realm, &init_of(&[STRANGE, oids::KRB5], Some(b"x"))).unwrap());
    let (token, _) = raw_token(&mut realm, mutual());
    let reply = Reply {
        token: Some(&token),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    let (answer, waiting) = cont(step(&mut realm, waiting, &reply).unwrap());
    let response = parse_resp(&answer).unwrap();
    assert!(response.mic.is_some() && response.state == Some(NegState::ACCEPT_INCOMPLETE));
    let bare = Reply {
        state: Some(NegState::ACCEPT_COMPLETED),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    let error = step(&mut realm, waiting, &bare).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SPNEGO: expected the initiator's mechListMIC, but found none"
    );

    // By the acceptor that asked for one.
    for flags in [one_way(), mutual()] {
        let mut realm = self::realm();
        let params = InitiatorParams::new(realm.credential()).with_flags(flags);
        let now = realm.now();
        let (token, next) = cont(
            Initiator::krb5(params)
                .unwrap()
                .start(now, &mut realm.rng)
                .unwrap(),
        );
        let (answer, _, _) = done(accept(&mut realm, &token).unwrap());
        let answer = answer.unwrap();
        let response = parse_resp(&answer).unwrap();
        let reply = Reply {
            state: Some(NegState::REQUEST_MIC),
            supported_mech: Some(oids::KRB5),
            token: response.token,
            mic: None,
        };
        let error = step(&mut realm, next, &reply.encode().unwrap()).unwrap_err();
        assert_eq!(
            error.to_string(),
            "SPNEGO: expected the acceptor's mechListMIC, but found none"
        );
    }
}

/// The last MIC comes alone: a valid one does not make up for a `reject`, or for a mechanism token that nobody waits for.
#[test]
fn what_may_not_stand_beside_the_last_mic() {
    let list = encode_mech_list(&[STRANGE, oids::KRB5]).unwrap();
    for (state, token, expected) in [
        (NegState::ACCEPT_COMPLETED, None, None),
        (NegState::REJECT, None, Some("without a reason (reject)")),
        (
            NegState::ACCEPT_COMPLETED,
            Some(&b"x"[..]),
            Some("expected no mechanism token behind the last one"),
        ),
    ] {
        let mut realm = realm();
        let (_, waiting) = cont(accept(&mut realm, &init_of(&[STRANGE, oids::KRB5], Some(b"x"))).unwrap());
        let (mech_token, begun) = raw_token(&mut realm, mutual());
        let reply = Reply {
            token: Some(&mech_token),
            ..Reply::default()
        };
        let (answer, waiting) = cont(step(&mut realm, waiting, &reply.encode().unwrap()).unwrap());
        let mech_answer = parse_resp(&answer).unwrap().token.unwrap();
        let (_, _, mut context) = done(step(&mut realm, cont(begun).1, mech_answer).unwrap());
        let mic = context.get_mic(&list).unwrap();
        let last = Reply {
            state: Some(state),
            token,
            mic: Some(&mic),
            ..Reply::default()
        };
        let result = step(&mut realm, waiting, &last.encode().unwrap());
        match (result, expected) {
            (Ok(step), None) => drop(done(step)),
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (result, _) => panic!("{state}: {result:?}"),
        }
    }
}

#[test]
fn what_may_not_stand_beside_the_acceptors_last_mic() {
    for (state, token, expected) in [
        (NegState::ACCEPT_COMPLETED, None, None),
        (NegState::REJECT, None, Some("without a reason (reject)")),
        (
            NegState::ACCEPT_COMPLETED,
            Some(&b"x"[..]),
            Some("expected no mechanism token behind the last one"),
        ),
    ] {
        let mut realm = realm();
        let initiator = initiator_after(&mut realm, &[STRANGE], one_way());
        let (first, next) = cont(start(&mut realm, initiator));
        let (answer, waiting) = cont(accept(&mut realm, &first).unwrap());
        let (last, next) = cont(step(&mut realm, next, &answer).unwrap());
        let (answer, _, _) = done(step(&mut realm, waiting, &last).unwrap());
        let answer = answer.unwrap();
        let reply = Reply {
            state: Some(state),
            token,
            mic: parse_resp(&answer).unwrap().mic,
            ..Reply::default()
        };
        let result = step(&mut realm, next, &reply.encode().unwrap());
        match (result, expected) {
            (Ok(step), None) => drop(done(step)),
            (Err(error), Some(text)) => assert!(error.to_string().contains(text), "{error}"),
            (result, _) => panic!("{state}: {result:?}"),
        }
    }
}

/// `request-mic` belongs to the first reply (RFC 4178 4.2.2), even where a MIC is due and comes along.
#[test]
fn request_mic_in_a_later_reply_is_refused() {
    let mut realm = realm();
    let initiator = initiator_after(&mut realm, &[STRANGE], mutual());
    let (token, next) = cont(start(&mut realm, initiator));
    let (answer, waiting) = cont(accept(&mut realm, &token).unwrap());
    let (token, next) = cont(step(&mut realm, next, &answer).unwrap());
    let (answer, _) = cont(step(&mut realm, waiting, &token).unwrap());
    let response = parse_resp(&answer).unwrap();
    let later = Reply {
        state: Some(NegState::REQUEST_MIC),
        token: response.token,
        mic: response.mic,
        ..Reply::default()
    };
    let error = step(&mut realm, next, &later.encode().unwrap()).unwrap_err();
    assert!(error.to_string().contains("in the first reply only"), "{error}");
}

/// An acceptor that gives a MIC though none is required: with accept-completed it is the last word, with
/// accept-incomplete or request-mic ours is wanted. A wrong one ends the negotiation either way.
#[test]
fn volunteered_mics() {
    for state in [
        NegState::ACCEPT_COMPLETED,
        NegState::ACCEPT_INCOMPLETE,
        NegState::REQUEST_MIC,
    ] {
        for (good, flags) in [
            (true, mutual()),
            (false, mutual()),
            (true, one_way()),
            (false, one_way()),
        ] {
            let mut realm = realm();
            let params = InitiatorParams::new(realm.credential()).with_flags(flags);
            let now = realm.now();
            let (token, next) = cont(
                Initiator::krb5(params)
                    .unwrap()
                    .start(now, &mut realm.rng)
                    .unwrap(),
            );
            let init = parse_init(&token).unwrap();
            let (mech_token, list) = (init.token.unwrap(), init.mech_list);
            let raw = step_raw(&mut realm, mech_token);
            let (mech_reply, _, mut context) = done(raw);
            let mut mic = context.get_mic(list).unwrap();
            *mic.last_mut().unwrap() ^= u8::from(!good);
            let reply = Reply {
                state: Some(state),
                supported_mech: Some(oids::KRB5),
                token: mech_reply.as_deref(),
                mic: Some(&mic),
            };
            let result = step(&mut realm, next, &reply.encode().unwrap());
            if !good {
                assert_eq!(result.unwrap_err().major(), Major::BadMic);
                continue;
            }
            let (answer, _, initiator) = done(result.unwrap());
            if let Some(answer) = answer.as_deref() {
                let answer = parse_resp(answer).unwrap();
                assert_eq!(answer.state, Some(NegState::ACCEPT_COMPLETED));
                context.verify_mech_list_mic(list, answer.mic.unwrap()).unwrap();
            }
            assert_eq!(answer.is_some(), state != NegState::ACCEPT_COMPLETED);
            let mut both = Established {
                initiator,
                acceptor: context,
                tokens: vec![],
            };
            both.exchange_messages(&mut realm.rng);
        }
    }
}

fn step_raw(realm: &mut TestRealm, token: &[u8]) -> Step {
    let mechanism = realm.acceptor_params().into_mechanism().start();
    step(realm, mechanism, token).unwrap()
}

/// Windows 2000 puts the response token into the mechListMIC field as well.
#[test]
fn copy_of_the_response_token_is_no_mic() {
    let mut realm = realm();
    let params = InitiatorParams::new(realm.credential());
    let now = realm.now();
    let (token, next) = cont(
        Initiator::krb5(params)
            .unwrap()
            .start(now, &mut realm.rng)
            .unwrap(),
    );
    let (answer, _, _) = done(accept(&mut realm, &token).unwrap());
    let answer = answer.unwrap();
    let response = parse_resp(&answer).unwrap();
    let reply = Reply {
        state: response.state,
        supported_mech: None,
        token: response.token,
        mic: response.token,
    };
    done(step(&mut realm, next, &reply.encode().unwrap()).unwrap());
}

/// An initiator may prove its list at once when its mechanism is done with one token.
#[test]
fn ka_9_mic_in_the_first_message() {
    for good in [true, false] {
        let mut realm = realm();
        let (token, begun) = raw_token(&mut realm, one_way());
        let (_, _, mut context) = done(begun);
        let list = encode_mech_list(&[oids::KRB5]).unwrap();
        let mut mic = context.get_mic(&list).unwrap();
        *mic.last_mut().unwrap() ^= u8::from(!good);
        let init = NegTokenInit {
            mech_types: Raw::parse(&list).unwrap(),
            req_flags: Some(ReqFlags(0xff)),
            mech_token: Some(&token),
            mech_list_mic: Some(&mic),
        };
        let init = gss_token::wrap(oids::SPNEGO, &encode(&NegotiationToken::Init(init)).unwrap());
        let result = accept(&mut realm, &init);
        if !good {
            assert_eq!(result.unwrap_err().major(), Major::BadMic);
            continue;
        }
        let (answer, bare, _) = done(result.unwrap());
        assert!(!bare);
        let answer = answer.unwrap();
        context
            .verify_mech_list_mic(&list, parse_resp(&answer).unwrap().mic.unwrap())
            .unwrap();
    }
}

/// A mechanism of ours that is the acceptor's second choice is proved even if the initiator puts it first.
#[test]
fn acceptors_preference_counts_as_well() {
    let mut realm = realm();
    let (raw, begun) = raw_token(&mut realm, one_way());
    let list = encode_mech_list(&[oids::KRB5, STRANGE]).unwrap();
    let krb5 = realm.acceptor_params().into_mechanism();
    let acceptor = Acceptor::with_mechanisms(vec![Arc::new(strange(STRANGE)), krb5]);
    let token = encode_init(&list, Some(&raw)).unwrap();
    let now = realm.now();
    let (answer, waiting) = cont(acceptor.step(&token, now, &mut realm.rng).unwrap());
    let response = parse_resp(&answer).unwrap();
    assert_eq!(response.state, Some(NegState::REQUEST_MIC));
    let (_, _, mut context) = done(begun);
    context
        .verify_mech_list_mic(&list, response.mic.unwrap())
        .unwrap();
    let mic = context.get_mic(&list).unwrap();
    let reply = Reply {
        state: Some(NegState::ACCEPT_COMPLETED),
        mic: Some(&mic),
        ..Reply::default()
    };
    let (token, _, _) = done(step(&mut realm, waiting, &reply.encode().unwrap()).unwrap());
    assert_eq!(token, None);
}
