//! Peers that leave SPNEGO out, begin with another mechanism's token, or speak first.

use super::play::{End, Play, Talk, acceptor, at, framed, initiator, nobody, ntlm_like, oid, play, talk};
use super::*;
use crate::MAX_CONTEXT_TOKEN_LEN;

/// A SPNEGO initiator's own mechanism token out of its first message.
fn inner(token: &[u8]) -> Vec<u8> {
    parse_init(token).unwrap().token.unwrap().to_vec()
}

/// requests-kerberos sends raw Kerberos under HTTP's Negotiate (pitfalls.md section 5): answered raw. An acceptor of
/// that kind under our SPNEGO initiator is understood too.
#[test]
fn raw_kerberos_under_a_spnego_caller() {
    for flags in [mutual(), one_way()] {
        let mut realm = realm();
        let begun = {
            let raw = Initiator::raw(krb5_initiator(&mut realm, flags));
            start(&mut realm, raw)
        };
        let service = realm.acceptor();
        let mut both = realm
            .converse(begun, |token, now, rng| service.step(token, now, rng))
            .unwrap();
        assert!(!both.acceptor.facts().negotiated);
        both.exchange_messages(&mut realm.rng);
    }

    let mut realm = realm();
    let spnego = Initiator::krb5(InitiatorParams::new(realm.credential())).unwrap();
    let (token, next) = cont(start(&mut realm, spnego));
    let (answer, _, acceptor) = done(accept(&mut realm, &inner(&token)).unwrap());
    let answer = answer.unwrap();
    assert_eq!(answer[0], 0x60, "in Kerberos' own frame");
    let (token, _, initiator) = done(step(&mut realm, next, &answer).unwrap());
    assert!(token.is_none() && !initiator.facts().negotiated);
    let tokens = vec![];
    Established {
        initiator,
        acceptor,
        tokens,
    }
    .exchange_messages(&mut realm.rng);
}

/// A raw KRB-ERROR says why as well as one inside SPNEGO does.
#[test]
fn raw_error_under_a_spnego_caller() {
    let mut realm = realm();
    let spnego = Initiator::krb5(InitiatorParams::new(realm.credential())).unwrap();
    let (token, next) = cont(start(&mut realm, spnego));
    let raw = inner(&token);
    done(accept(&mut realm, &raw).unwrap());
    let error = accept(&mut realm, &raw).unwrap_err();
    let told = step(&mut realm, next, error.token().unwrap()).unwrap_err();
    assert!(told.to_string().contains("KRB_AP_ERR_REPEAT (34)"), "{told}");
}

/// Raw tokens are taken as the answer to the optimistic token only, and of that mechanism only.
#[test]
fn raw_answers_that_are_not_taken() {
    let strip = |place: usize| {
        move |index: usize, token: &[u8]| {
            (index == place).then(|| parse_resp(token).unwrap().token.unwrap_or_default().to_vec())
        }
    };
    let krb5_like = || [framed(oids::KRB5, 2)];
    let talk = |offered: &[Play], ours: &[Play], place| {
        play::talk(initiator(offered), &acceptor(ours), strip(place))
    };
    assert!(talk(&krb5_like(), &krb5_like(), 1).both_stand());
    let refused = |talk: &Talk, initiator: bool| {
        let end = if initiator {
            &talk.initiator
        } else {
            &talk.acceptor
        };
        let error = end.refusal().to_string();
        assert!(
            error == "SPNEGO: expected a NegTokenResp, but found another token"
                || error == "SPNEGO: expected a NegTokenResp, but found an empty token",
            "{error}"
        );
    };
    // Another mechanism's.
    let other = play::talk(initiator(&krb5_like()), &acceptor(&krb5_like()), |index, _| {
        (index == 1).then(|| ntlm_like().token(1))
    });
    refused(&other, true);
    // In a later message, of either side; and behind a choice that wants its proof.
    refused(&talk(&[ntlm_like()], &[ntlm_like()], 2), false);
    refused(&talk(&[framed(oids::KRB5, 4)], &[framed(oids::KRB5, 4)], 3), true);
    refused(&talk(&[play(1, 1), framed(oids::KRB5, 2)], &krb5_like(), 3), true);
    // Where the mechanism waits for none.
    let one_way = [framed(oids::KRB5, 1)];
    let after = play::talk(initiator(&one_way), &acceptor(&one_way), |index, _| {
        (index == 1).then(|| framed(oids::KRB5, 2).token(1))
    });
    refused(&after, true);
}

/// NTLM's messages without SPNEGO, and as SPNEGO's optimistic token: taken where NTLM is in the list, answered in kind;
/// refused by name elsewhere (pitfalls.md section 5: browsers without a ticket).
#[test]
fn raw_ntlmssp() {
    let first = ntlm_like().token(0);
    let mut realm = realm();
    let now = realm.now();
    let both = acceptor(&[play(1, 1), ntlm_like()]);
    let (challenge, next) = cont(both.step(&first, now, &mut realm.rng).unwrap());
    assert_eq!(challenge, ntlm_like().token(1));
    let (_, _, context) = done(next.step(&ntlm_like().token(2), now, &mut realm.rng).unwrap());
    assert!(!context.facts().negotiated);
    assert_eq!(context.facts().mechanism, oids::NTLMSSP);

    let talk = talk(initiator(&[ntlm_like()]), &both, nobody);
    assert!(talk.both_stand());

    let kerberos = realm.acceptor();
    for (token, text) in [
        (
            first.clone(),
            "expected a token of a mechanism in use, but found NTLMSSP (1.3.6.1.4.1.311.2.2.10), which is not \
             accepted here",
        ),
        (
            init_of(&[oids::NTLMSSP], Some(&first)),
            "SPNEGO: expected one of krb5 (1.2.840.113554.1.2.2) among the offered mechanisms, but found NTLMSSP \
             (1.3.6.1.4.1.311.2.2.10)",
        ),
    ] {
        let error = kerberos.step(&token, now, &mut realm.rng).unwrap_err();
        assert_eq!(
            (error.major(), error.to_string().as_str()),
            (Major::BadMech, text)
        );
    }
}

/// An acceptor may refuse raw tokens, of all mechanisms; then a choice that is not its first has its proof, whoever
/// carries the tokens.
#[test]
fn acceptor_of_negotiated_contexts_only() {
    let both = acceptor(&[framed(oids::KRB5, 2), ntlm_like()]);
    let only = both.clone().negotiated_only();
    let (mut rng, now) = (realm().rng, realm().now());
    for raw in [ntlm_like().token(0), framed(oids::KRB5, 2).token(0)] {
        assert!(both.step(&raw, now, &mut rng).is_ok());
        let error = only.step(&raw, now, &mut rng).unwrap_err();
        assert_eq!(error.major(), Major::BadMech);
    }
    assert!(
        only.with_channel_bindings(None)
            .step(&ntlm_like().token(0), now, &mut rng)
            .is_err()
    );
    for offered in [framed(oids::KRB5, 2), ntlm_like()] {
        assert!(talk(initiator(&[offered]), &only, nobody).both_stand());
    }
}

/// Whoever does not give NTLM to an initiator or acceptor has none: Kerberos alone is offered and accepted.
#[test]
fn ntlm_only_when_given() {
    let mut realm = realm();
    let params = InitiatorParams::new(realm.credential());
    let (token, _) = cont(start(&mut realm, Initiator::krb5(params).unwrap()));
    assert_eq!(parse_init(&token).unwrap().mechs, [oids::KRB5, oids::MS_KRB5]);
    let named: Vec<ObjectIdentifier> = realm
        .acceptor()
        .mechanisms()
        .iter()
        .flat_map(|mechanism| mechanism.oids().to_vec())
        .collect();
    assert_eq!(named, [oids::KRB5, oids::MS_KRB5]);
}

/// An optimistic token that says itself that it is not of the first mechanism is not given to that one: one more leg.
#[test]
fn optimistic_token_of_another_mechanism_costs_a_leg() {
    let mut realm = realm();
    for strange in [
        ntlm_like().token(0),
        b"NEGOEXTS".to_vec(),
        framed(STRANGE, 1).token(0),
    ] {
        let begin = init_of(&[oids::KRB5, oids::NTLMSSP], Some(&strange));
        let (answer, waiting) = cont(accept(&mut realm, &begin).unwrap());
        let response = parse_resp(&answer).unwrap();
        assert_eq!(
            (response.state, response.supported_mech, response.token),
            (Some(NegState::ACCEPT_INCOMPLETE), Some(oids::KRB5), None)
        );
        let (raw, _) = raw_token(&mut realm, one_way());
        let reply = Reply {
            token: Some(&raw),
            ..Reply::default()
        };
        done(step(&mut realm, waiting, &reply.encode().unwrap()).unwrap());
    }
}

/// User-to-user is a mechanism of its own: raw in its frame, and by negotiation, with the proof that any second choice
/// needs. It does not count as Kerberos.
#[test]
fn user_to_user_is_a_mechanism_of_its_own() {
    let u2u = || framed(oids::KRB5_U2U, 4);
    let ours = acceptor(&[framed(oids::KRB5, 2), u2u()]);
    let raw = talk(Initiator::raw(Box::new(u2u())), &ours, nobody);
    assert!(raw.both_stand());
    let negotiated = talk(initiator(&[u2u()]), &ours, nobody);
    assert!(negotiated.both_stand());
    assert_eq!(negotiated.response(1), (Some(NegState::REQUEST_MIC), true, false));
    assert_eq!(
        parse_resp(&negotiated.tokens[1]).unwrap().supported_mech,
        Some(oids::KRB5_U2U)
    );
}

fn vector(file: &str, name: &str, field: &str) -> Vec<u8> {
    let file: serde_json::Value = serde_json::from_str(file).unwrap();
    let entries = file["vectors"].as_array().unwrap();
    let entry = entries.iter().find(|entry| entry["name"] == name).unwrap();
    hex::decode(entry[field].as_str().unwrap()).unwrap()
}

const CONTEXT_TOKENS: &str = include_str!("../../../tests/vectors/context_tokens.json");
const NEGOEX: &str = include_str!("../../../tests/vectors/negoex.json");

/// KN-1 to KN-5 of pitfalls.md 4.2: Windows begins with NEGOEX. The answer is accept-incomplete with a mechanism that both
/// have; the mechanism list is proved.
#[test]
fn kn_1_to_kn_5_negoex_first_token_is_answered_by_negotiation() {
    let negoex = vector(NEGOEX, "kerberosnet_negoexstart", "message_hex");
    let windows = [oids::NEGOEX, oids::MS_KRB5, oids::KRB5, oids::NTLMSSP];
    for flags in [mutual(), one_way()] {
        let mut realm = realm();
        let list = encode_mech_list(&windows).unwrap();
        let begin = encode_init(&list, Some(&negoex)).unwrap();
        let (answer, waiting) = cont(accept(&mut realm, &begin).unwrap());
        let response = parse_resp(&answer).unwrap();
        assert_eq!(
            (
                response.state,
                response.supported_mech,
                response.token,
                response.mic
            ),
            (Some(NegState::ACCEPT_INCOMPLETE), Some(oids::MS_KRB5), None, None)
        );
        let (raw, begun) = raw_token(&mut realm, flags);
        let (mic, begun) = match begun {
            Step::Done { mut context, .. } => (Some(context.mech_list_mic(&list).unwrap()), Err(context)),
            Step::Continue { next, .. } => (None, Ok(next)),
            needs @ Step::NeedTicket { .. } => panic!("{needs:?}"),
        };
        let reply = Reply {
            token: Some(&raw),
            mic: mic.as_deref(),
            ..Reply::default()
        };
        let result = step(&mut realm, waiting, &reply.encode().unwrap()).unwrap();
        match begun {
            Err(mut context) => {
                let (answer, _, _) = done(result);
                let answer = answer.unwrap();
                let mic = parse_resp(&answer).unwrap().mic.unwrap();
                context.verify_mech_list_mic(&list, mic).unwrap();
            }
            Ok(next) => {
                let (answer, waiting) = cont(result);
                let response = parse_resp(&answer).unwrap();
                let (_, _, mut context) = done(step(&mut realm, next, response.token.unwrap()).unwrap());
                context
                    .verify_mech_list_mic(&list, response.mic.unwrap())
                    .unwrap();
                let mic = context.mech_list_mic(&list).unwrap();
                let reply = Reply {
                    mic: Some(&mic),
                    ..Reply::default()
                };
                done(step(&mut realm, waiting, &reply.encode().unwrap()).unwrap());
            }
        }
    }
}

/// A recorded first token of Windows with NEGOEX and NTLM alone: the schemes are named where nothing is common; NTLM is
/// chosen where it is in the list. NEGOEX alone is no mechanism here.
#[test]
fn negoex_without_a_common_mechanism_is_refused_by_name() {
    let token = vector(CONTEXT_TOKENS, "kn_negoexstart", "token_hex");
    let mut realm = realm();
    let error = accept(&mut realm, &token).unwrap_err();
    assert_eq!(
        error.to_string(),
        "SPNEGO: expected one of krb5 (1.2.840.113554.1.2.2) among the offered mechanisms, but found NEGOEX \
         (1.3.6.1.4.1.311.2.2.30), NTLMSSP (1.3.6.1.4.1.311.2.2.10), NEGOEX scheme \
         0d53335c-f9ea-4d0d-b2ec-4ae3786ec308"
    );
    let now = realm.now();
    let both = acceptor(&[play(1, 1), ntlm_like()]);
    let (answer, _) = cont(both.step(&token, now, &mut realm.rng).unwrap());
    let response = parse_resp(&answer).unwrap();
    assert_eq!(
        (response.state, response.supported_mech),
        (Some(NegState::ACCEPT_INCOMPLETE), Some(oids::NTLMSSP))
    );
    let messages = inner(&token);
    let error = accept(&mut realm, &messages).unwrap_err();
    assert!(
        error
            .to_string()
            .contains("but found NEGOEX (1.3.6.1.4.1.311.2.2.30)"),
        "{error}"
    );
}

/// E2 of the walkthroughs: NegTokenInit2, NegTokenInit, NegTokenResp.
#[test]
fn acceptor_speaks_first() {
    let mut realm = realm();
    let service = realm.acceptor();
    let hello = service.hello().unwrap();
    let (oid, token) = gss_token::unwrap(&hello).unwrap();
    assert_eq!(oid, oids::SPNEGO);
    let NegotiationToken::Init2(init) = decode(token).unwrap() else {
        panic!("expected negHints in it")
    };
    assert_eq!(init.mech_types.unwrap().into_value(), [oids::KRB5, oids::MS_KRB5]);
    let hint = init.neg_hints.unwrap();
    assert_eq!(
        hint.hint_name.unwrap().as_bytes(),
        b"not_defined_in_RFC4178@please_ignore"
    );
    assert!(hint.hint_address.is_none() && init.mech_token.is_none() && init.mech_list_mic.is_none());
    assert_eq!(hello, service.hello().unwrap(), "the same for everybody");

    // MS-SPNG's own example offers other mechanisms than the acceptor has: it is not believed.
    let windows = vector(NEGOEX, "ms_spng_example_acceptor_nego", "negtokeninit2_hex");
    for hello in [hello, windows] {
        let initiator = Initiator::krb5(InitiatorParams::new(realm.credential())).unwrap();
        let now = realm.now();
        let begun = initiator.answer(&hello, now, &mut realm.rng).unwrap();
        let mut both = realm
            .converse(begun, |token, now, rng| service.step(token, now, rng))
            .unwrap();
        assert_eq!(both.tokens.len(), 2);
        both.exchange_messages(&mut realm.rng);
    }
}

/// The hello altered in any octet changes nothing: it is refused, or what the initiator then sends is the same. Cut or
/// extended it is refused.
#[test]
fn altered_hello_is_worth_nothing() {
    let hello = acceptor(&[play(1, 2), play(2, 2)]).hello().unwrap();
    let mut rng = realm().rng;
    let now = realm().now();
    let offered = [play(2, 2), play(1, 2)];
    let first = cont(initiator(&offered).answer(&hello, now, &mut rng).unwrap()).0;
    let mut taken = 0;
    for index in 0..hello.len() {
        for change in [0x01, 0x02, 0x10, 0x40, 0x80, 0xff] {
            let mut altered = hello.clone();
            altered[index] ^= change;
            if let Ok(step) = initiator(&offered).answer(&altered, now, &mut rng) {
                assert_eq!(cont(step).0, first);
                taken += 1;
            }
        }
    }
    assert!(taken > 0);
    for length in 0..hello.len() {
        assert!(
            initiator(&offered)
                .answer(&hello[..length], now, &mut rng)
                .is_err()
        );
    }
    let extended = [&hello[..], &[0]].concat();
    assert!(initiator(&offered).answer(&extended, now, &mut rng).is_err());
}

/// Cannot start.
#[derive(Debug)]
struct Broken;

impl InitiatorMechanism for Broken {
    fn oids(&self) -> &[ObjectIdentifier] {
        &[STRANGE]
    }

    fn start(self: Box<Self>, _: Now, _: &mut dyn CryptoRng) -> Result<Step, GssError> {
        Err(broken("no ticket"))
    }
}

/// A mechanism that cannot start fails the attempt, unless the caller said that it may be left out.
#[test]
fn mechanism_that_cannot_start() {
    let list = || -> Vec<Box<dyn InitiatorMechanism>> { vec![Box::new(Broken), Box::new(play(1, 2))] };
    let failed = talk(Initiator::negotiate(list()), &acceptor(&[play(1, 2)]), nobody);
    assert_eq!(failed.initiator.refusal().to_string(), "SPNEGO: no ticket");

    let left_out = Initiator::negotiate(list()).leaving_out();
    let talk = talk(left_out, &acceptor(&[play(1, 2)]), nobody);
    assert!(talk.both_stand());
    assert_eq!(parse_init(&talk.tokens[0]).unwrap().mechs, [oid(1)]);
    assert_eq!(talk.tokens.len(), 2, "it counts as the first choice");

    let nothing = Initiator::negotiate(vec![Box::new(Broken)]).leaving_out();
    let failed = play::talk(nothing, &acceptor(&[]), nobody);
    assert_eq!(failed.initiator.refusal().to_string(), "SPNEGO: no ticket");
    let empty = play::talk(initiator(&[]), &acceptor(&[]), nobody);
    assert_eq!(
        empty.initiator.refusal().to_string(),
        "SPNEGO: no mechanism to offer"
    );
    let refused = play::talk(initiator(&[play(1, 1)]), &acceptor(&[]), nobody);
    assert_eq!(refused.acceptor.refusal().major(), Major::BadMech);

    // One that is not first is begun when it is chosen, and not before.
    let list: Vec<Box<dyn InitiatorMechanism>> = vec![Box::new(play(1, 2)), Box::new(Broken)];
    let late = play::talk(
        Initiator::negotiate(list),
        &acceptor(&[framed(STRANGE, 1)]),
        nobody,
    );
    assert_eq!(late.initiator.refusal().to_string(), "SPNEGO: no ticket");
}

/// `reject` ends it at either end, with the mechanism's own reason where there is one.
#[test]
fn reject_is_told() {
    let rejecting = |reply: Reply<'_>| {
        Reply {
            state: Some(NegState::REJECT),
            ..reply
        }
        .encode()
        .unwrap()
    };
    let four = [play(1, 4)];
    let told = talk(initiator(&four), &acceptor(&four), at(2, rejecting));
    assert!(matches!(told.acceptor, End::Refused(_)));
    assert_eq!(told.acceptor.refusal().major(), Major::PeerRefused);
    for place in [1, 3] {
        let told = talk(initiator(&four), &acceptor(&four), at(place, rejecting));
        assert_eq!(told.initiator.refusal().major(), Major::PeerRefused, "{place}");
    }
}

/// Recorded answers of other implementations, given to an initiator of ours: none is of its conversation.
#[test]
fn recorded_answers_have_their_outcome() {
    let offered = || -> Vec<Box<dyn InitiatorMechanism>> {
        let mut realm = realm();
        vec![krb5_initiator(&mut realm, mutual()), Box::new(ntlm_like())]
    };
    for (name, outcome) in [
        (
            "pyspnego_neg_token_resp",
            Err("does not decrypt with the session key"),
        ),
        (
            "gokrb5_negtokenresp",
            Err("expected a token of the chosen mechanism"),
        ),
        // A choice of NTLM: it is begun, and its token goes out beside no other.
        ("impacket_negtokenresp1", Ok(NegState::ACCEPT_INCOMPLETE)),
        ("impacket_negtokenresp2", Err("InitialContextToken")),
        (
            "impacket_negtokenresp3",
            Err("expected a token of the chosen mechanism"),
        ),
        ("impacket_negtokenresp4", Ok(NegState::ACCEPT_INCOMPLETE)),
    ] {
        let answer = vector(CONTEXT_TOKENS, name, "token_hex");
        let mut realm = realm();
        let (_, next) = cont(start(&mut realm, Initiator::negotiate(offered())));
        match (step(&mut realm, next, &answer), outcome) {
            (Ok(step), Ok(state)) => {
                let (token, _) = cont(step);
                let response = parse_resp(&token).unwrap();
                assert_eq!(response.state, Some(state), "{name}");
                assert_eq!(response.token, Some(&ntlm_like().token(0)[..]));
            }
            (Err(error), Err(text)) => assert!(error.to_string().contains(text), "{name}: {error}"),
            (result, _) => panic!("{name}: {result:?}"),
        }
        // To an initiator of Kerberos alone NTLM was not offered.
        let params = InitiatorParams::new(realm.credential());
        let (_, next) = cont(start(&mut realm, Initiator::krb5(params).unwrap()));
        let error = step(&mut realm, next, &answer).unwrap_err();
        if outcome.is_ok() {
            assert_eq!(error.major(), Major::BadMech, "{name}");
        }
    }
}

/// Tickets of users in many groups (pitfalls.md section 5): a token of 48 kB is negotiated as any other, one beyond the
/// limit is refused.
#[test]
fn big_tickets_fit() {
    static FILLING: [u8; MAX_CONTEXT_TOKEN_LEN] = [7; MAX_CONTEXT_TOKEN_LEN];
    for (length, fits) in [(48_000, true), (MAX_CONTEXT_TOKEN_LEN, false)] {
        let mut realm = realm();
        let credential = realm.credential_with(|part| {
            let element = kerbside_asn1::AuthorizationDataElement {
                // One that is for the KDC, so that no acceptor has to understand it.
                ad_type: kerbside_asn1::AdType::AD_MANDATORY_FOR_KDC,
                ad_data: &FILLING[..length],
            };
            part.authorization_data = Some(kerbside_asn1::AuthorizationData(vec![element]));
        });
        let initiator = Initiator::krb5(InitiatorParams::new(credential)).unwrap();
        let begun = start(&mut realm, initiator);
        let service = realm.acceptor();
        let result = realm.converse(begun, |token, now, rng| service.step(token, now, rng));
        match result {
            Ok(mut both) => {
                assert!(fits && both.tokens[0].len() > length);
                both.exchange_messages(&mut realm.rng);
            }
            Err(error) => assert!(
                !fits && error.to_string().contains("at most 131072 octets"),
                "{error}"
            ),
        }
    }
}
