//! SPNEGO with both sides here, with mechanisms that fail, and with somebody in between who alters what is said.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "tests fail by panicking"
)]

mod altered;
mod altered_shapes;
mod choice;
mod mics;
mod play;
mod rules;
mod strange;
mod turns;

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{NegTokenInit, NegTokenResp, NegotiationToken, ObjectIdentifier, Raw, gss_token, oids};
use kerbside_asn1::{ReqFlags, decode, encode};
use kerbside_crypto::{CryptoRng, EncryptionType};
use kerbside_protocol::Now;

use super::token::{NegState, Reply, encode_init, encode_mech_list, parse_init, parse_resp};
use super::*;
use crate::error::Major;
use crate::test_realm::{Established, SharedReplay, TestRealm, locate};
use crate::{
    Acceptor, AcceptorMechanism, ChannelBindings, ContextFlags, Initiator, InitiatorMechanism,
    InitiatorParams, Mechanism, SecurityContext, Step,
};

/// A mechanism that nobody has.
const STRANGE: ObjectIdentifier = ObjectIdentifier::new_unwrap("1.2.3.4.5");

fn one_way() -> ContextFlags {
    ContextFlags::REPLAY | ContextFlags::SEQUENCE | ContextFlags::INTEGRITY | ContextFlags::CONFIDENTIALITY
}

fn mutual() -> ContextFlags {
    one_way() | ContextFlags::MUTUAL
}

fn realm() -> TestRealm {
    TestRealm::new(EncryptionType(18), EncryptionType(18))
}

/// Goes by an identifier of the test's choice, sends a fixed token and waits for ever.
#[derive(Debug)]
struct Strange([ObjectIdentifier; 1]);

impl Mechanism for Strange {
    fn oid(&self) -> ObjectIdentifier {
        STRANGE
    }

    fn step(self: Box<Self>, _: &[u8], _: Now, _: &mut dyn CryptoRng) -> Result<Step, GssError> {
        Ok(Step::Continue {
            token: b"strange".to_vec(),
            next: self,
        })
    }
}

impl InitiatorMechanism for Strange {
    fn oids(&self) -> &[ObjectIdentifier] {
        &self.0
    }

    fn start(self: Box<Self>, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        self.step(&[], now, rng)
    }
}

impl AcceptorMechanism for Strange {
    fn oids(&self) -> &[ObjectIdentifier] {
        &self.0
    }

    fn start(&self) -> Box<dyn Mechanism> {
        Box::new(Self(self.0))
    }

    fn with_channel_bindings(&self, _: Option<&ChannelBindings>) -> Arc<dyn AcceptorMechanism> {
        Arc::new(Self(self.0))
    }
}

fn strange(oid: ObjectIdentifier) -> Strange {
    Strange([oid])
}

fn krb5_initiator(realm: &mut TestRealm, flags: ContextFlags) -> Box<dyn InitiatorMechanism> {
    InitiatorParams::new(realm.credential())
        .with_flags(flags)
        .into_mechanism()
        .unwrap()
}

/// An initiator that offers these, then Kerberos.
fn initiator_after(realm: &mut TestRealm, first: &[ObjectIdentifier], flags: ContextFlags) -> Initiator {
    let mut mechanisms: Vec<Box<dyn InitiatorMechanism>> = Vec::new();
    for oid in first {
        mechanisms.push(Box::new(strange(*oid)));
    }
    mechanisms.push(krb5_initiator(realm, flags));
    Initiator::negotiate(mechanisms)
}

/// An initiator's first step at the realm's time.
fn start(realm: &mut TestRealm, initiator: Initiator) -> Step {
    let now = realm.now();
    initiator.start(now, &mut realm.rng).unwrap()
}

fn cont(step: Step) -> (Vec<u8>, Box<dyn Mechanism>) {
    match step {
        Step::Continue { token, next } => (token, next),
        _ => panic!("expected one more leg"),
    }
}

fn done(step: Step) -> (Option<Vec<u8>>, bool, Box<SecurityContext>) {
    match step {
        Step::Done {
            token,
            token_is_bare_success,
            context,
        } => (token, token_is_bare_success, context),
        _ => panic!("expected the end"),
    }
}

/// One step at the realm's time.
fn step(realm: &mut TestRealm, mechanism: Box<dyn Mechanism>, token: &[u8]) -> Result<Step, GssError> {
    let now = realm.now();
    mechanism.step(token, now, &mut realm.rng)
}

fn accept(realm: &mut TestRealm, token: &[u8]) -> Result<Step, GssError> {
    let now = realm.now();
    realm.acceptor().step(token, now, &mut realm.rng)
}

fn establish(realm: &mut TestRealm, flags: ContextFlags) -> Established {
    let params = InitiatorParams::new(realm.credential()).with_flags(flags);
    let acceptor = realm.acceptor();
    realm.establish(params, &acceptor).unwrap()
}

#[test]
fn all_enctypes_mutual_and_not() {
    for enctype in EncryptionType::SUPPORTED {
        for flags in [one_way(), mutual()] {
            let mut realm = TestRealm::new(enctype, enctype);
            let mut both = establish(&mut realm, flags);
            assert!(both.initiator.facts().negotiated && both.acceptor.facts().negotiated);
            assert_eq!(both.acceptor.facts().mechanism, oids::KRB5);
            assert_eq!(both.tokens.len(), 2);
            let init = parse_init(&both.tokens[0]).unwrap();
            assert_eq!(init.mechs, [oids::KRB5, oids::MS_KRB5]);
            let resp = parse_resp(&both.tokens[1]).unwrap();
            assert_eq!(resp.state, Some(NegState::ACCEPT_COMPLETED));
            assert_eq!(resp.supported_mech, Some(oids::KRB5));
            assert_eq!(resp.token.is_some(), flags == mutual());
            assert!(
                resp.mic.is_none(),
                "not required, so left out: old Windows trips over it"
            );
            both.exchange_messages(&mut realm.rng);
        }
    }
}

#[test]
fn bare_success_is_marked() {
    for (flags, bare) in [(one_way(), true), (mutual(), false)] {
        let mut realm = realm();
        let params = InitiatorParams::new(realm.credential()).with_flags(flags);
        let now = realm.now();
        let (token, _) = cont(
            Initiator::krb5(params)
                .unwrap()
                .start(now, &mut realm.rng)
                .unwrap(),
        );
        let (answer, marked, _) = done(accept(&mut realm, &token).unwrap());
        assert!(answer.is_some());
        assert_eq!(marked, bare);
    }
}

/// The raw token of an initiator, to be put into messages of our making.
fn raw_token(realm: &mut TestRealm, flags: ContextFlags) -> (Vec<u8>, Step) {
    let initiator = Initiator::raw(krb5_initiator(realm, flags));
    let step = start(realm, initiator);
    match step {
        Step::Done {
            token,
            token_is_bare_success,
            context,
        } => {
            let token = token.unwrap();
            (
                token,
                Step::Done {
                    token: None,
                    token_is_bare_success,
                    context,
                },
            )
        }
        Step::Continue { token, next } => (token.clone(), Step::Continue { token, next }),
        needs @ Step::NeedTicket { .. } => panic!("{needs:?}"),
    }
}

fn init_of(mechs: &[ObjectIdentifier], mech_token: Option<&[u8]>) -> Vec<u8> {
    encode_init(&encode_mech_list(mechs).unwrap(), mech_token).unwrap()
}

#[test]
fn windows_oid_is_answered_with_itself() {
    for mechs in [
        vec![oids::MS_KRB5],
        vec![oids::MS_KRB5, oids::KRB5, oids::NEGOEX, oids::NTLMSSP],
        vec![oids::KRB5, oids::MS_KRB5],
    ] {
        let mut realm = realm();
        let (token, _) = raw_token(&mut realm, mutual());
        let (answer, _, _) = done(accept(&mut realm, &init_of(&mechs, Some(&token))).unwrap());
        let answer = answer.unwrap();
        let response = parse_resp(&answer).unwrap();
        assert_eq!(response.supported_mech, Some(mechs[0]));
        assert_eq!(response.state, Some(NegState::ACCEPT_COMPLETED));
        assert!(
            response.mic.is_none(),
            "both identifiers are one mechanism, so no MIC is required"
        );
    }
}

#[test]
fn bare_request_as_impacket_sends_it() {
    let mut realm = realm();
    let (token, next) = raw_token(&mut realm, mutual());
    let bare = &gss_token::unwrap(&token).unwrap().1[2..];
    let (answer, _, _) = done(accept(&mut realm, &init_of(&[oids::MS_KRB5], Some(bare))).unwrap());
    let answer = answer.unwrap();
    let reply = parse_resp(&answer).unwrap().token.unwrap();
    assert_eq!(reply[0], 0x6f, "a bare question is answered bare");
    done(step(&mut realm, cont(next).1, reply).unwrap());
}

#[test]
fn initiator_takes_either_oid_of_its_mechanism_and_no_other() {
    for (mech, taken) in [
        (oids::KRB5, true),
        (oids::MS_KRB5, true),
        (oids::NTLMSSP, false),
        (STRANGE, false),
    ] {
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
            supported_mech: Some(mech),
            token: response.token,
            mic: None,
        };
        let result = step(&mut realm, next, &reply.encode().unwrap());
        assert_eq!(result.is_ok(), taken, "{mech}");
    }
}

#[test]
fn missing_optimistic_token_is_asked_for() {
    let mut realm = realm();
    let (answer, waiting) = cont(accept(&mut realm, &init_of(&[oids::KRB5, oids::NTLMSSP], None)).unwrap());
    let response = parse_resp(&answer).unwrap();
    assert_eq!(response.state, Some(NegState::ACCEPT_INCOMPLETE));
    assert_eq!(response.supported_mech, Some(oids::KRB5));
    let (token, _) = raw_token(&mut realm, one_way());
    let reply = Reply {
        token: Some(&token),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    let (_, bare, context) = done(step(&mut realm, waiting, &reply).unwrap());
    assert!(bare && context.facts().negotiated);
}

#[test]
fn no_common_mechanism_is_refused_by_name() {
    let mut realm = realm();
    for (mechs, text) in [
        (
            vec![oids::NTLMSSP],
            "SPNEGO: expected one of krb5 (1.2.840.113554.1.2.2) among the offered mechanisms, but found NTLMSSP \
             (1.3.6.1.4.1.311.2.2.10)",
        ),
        (
            vec![oids::NEGOEX, oids::NTLMSSP, STRANGE],
            "SPNEGO: expected one of krb5 (1.2.840.113554.1.2.2) among the offered mechanisms, but found NEGOEX \
             (1.3.6.1.4.1.311.2.2.30), \
             NTLMSSP (1.3.6.1.4.1.311.2.2.10), 1.2.3.4.5",
        ),
        (vec![], "SPNEGO: no mechanism was offered"),
    ] {
        let error = accept(&mut realm, &init_of(&mechs, Some(b"NTLMSSP\0"))).unwrap_err();
        assert_eq!(error.major(), Major::BadMech);
        assert_eq!(error.to_string(), text);
        let reject = parse_resp(error.token().unwrap()).unwrap();
        assert_eq!(reject.state, Some(NegState::REJECT));
    }
}

/// The token sequences of CVE-2014-4343, 2014-4344, 2009-0844, 2009-0845 and 2021-44758: an empty continuation, no
/// acceptable mechanism and then more, a repeated NegTokenInit, a response before there was a question.
#[test]
fn cve_2014_4343_2014_4344_2021_44758_2009_0844_2009_0845_token_sequences_that_crashed_others() {
    let mut realm = realm();
    let begin = init_of(&[oids::KRB5], None);
    let empty_response = Reply::default().encode().unwrap();
    let (raw, _) = raw_token(&mut realm, one_way());
    let later: [(&[u8], &str); 7] = [
        (b"", "SPNEGO: expected a NegTokenResp, but found an empty token"),
        (
            &empty_response,
            "SPNEGO: expected a token of the chosen mechanism, but found none",
        ),
        (
            &Reply {
                token: Some(b""),
                ..Reply::default()
            }
            .encode()
            .unwrap(),
            "SPNEGO: expected a token of the chosen mechanism, but found none",
        ),
        (
            &Reply {
                mic: Some(b"mic"),
                ..Reply::default()
            }
            .encode()
            .unwrap(),
            "SPNEGO: expected a token of the chosen mechanism, but found none",
        ),
        (&begin, "SPNEGO: expected a NegTokenResp, but found another token"),
        (&raw, "SPNEGO: expected a NegTokenResp, but found another token"),
        (
            &Reply {
                state: Some(NegState::REJECT),
                ..Reply::default()
            }
            .encode()
            .unwrap(),
            "the peer ended the SPNEGO negotiation without a reason (reject)",
        ),
    ];
    for (token, text) in later {
        let (_, waiting) = cont(accept(&mut realm, &begin).unwrap());
        assert_eq!(step(&mut realm, waiting, token).unwrap_err().to_string(), text);
    }
    // After a refusal there is nothing left that a token could be given to; a new token begins anew.
    assert!(accept(&mut realm, &init_of(&[STRANGE], None)).is_err());
    assert!(accept(&mut realm, &empty_response).is_err());
    assert!(accept(&mut realm, &gss_token::wrap(oids::SPNEGO, &empty_response)).is_err());
    assert!(accept(&mut realm, &gss_token::wrap(oids::SPNEGO, b"")).is_err());

    // While a MIC is awaited.
    let mic_awaited = |realm: &mut TestRealm| {
        let (_, waiting) = cont(accept(realm, &init_of(&[STRANGE, oids::KRB5], None)).unwrap());
        let (raw, _) = raw_token(realm, mutual());
        let reply = Reply {
            token: Some(&raw),
            ..Reply::default()
        }
        .encode()
        .unwrap();
        cont(step(realm, waiting, &reply).unwrap()).1
    };
    for token in [
        &b""[..],
        &empty_response,
        &begin,
        &Reply {
            token: Some(&raw),
            ..Reply::default()
        }
        .encode()
        .unwrap(),
    ] {
        let waiting = mic_awaited(&mut realm);
        assert!(step(&mut realm, waiting, token).is_err());
    }
}

#[test]
fn initiator_refuses_what_an_acceptor_may_not_say() {
    let bad = |state, supported_mech, token: Option<&[u8]>, text: &str, flags| {
        let mut realm = realm();
        let params = InitiatorParams::new(realm.credential()).with_flags(flags);
        let now = realm.now();
        let (_, next) = cont(
            Initiator::krb5(params)
                .unwrap()
                .start(now, &mut realm.rng)
                .unwrap(),
        );
        let reply = Reply {
            state,
            supported_mech,
            token,
            mic: None,
        }
        .encode()
        .unwrap();
        let error = step(&mut realm, next, &reply).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    };
    let completed = Some(NegState::ACCEPT_COMPLETED);
    let incomplete = Some(NegState::ACCEPT_INCOMPLETE);
    bad(
        completed,
        Some(oids::KRB5),
        None,
        "expected a token of the chosen mechanism",
        mutual(),
    );
    bad(
        incomplete,
        Some(oids::KRB5),
        None,
        "expected a token of the chosen mechanism",
        mutual(),
    );
    bad(
        completed,
        Some(oids::KRB5),
        Some(b"x"),
        "InitialContextToken",
        mutual(),
    );
    bad(
        completed,
        Some(oids::KRB5),
        Some(b"x"),
        "expected no mechanism token behind the last one",
        one_way(),
    );
    bad(
        incomplete,
        Some(oids::KRB5),
        None,
        "the acceptor waits for more",
        one_way(),
    );
    bad(
        None,
        Some(oids::NTLMSSP),
        None,
        "the acceptor chose NTLMSSP (1.3.6.1.4.1.311.2.2.10)",
        one_way(),
    );
    bad(Some(NegState::REJECT), None, None, "reject", mutual());
    bad(
        Some(NegState::REJECT),
        Some(STRANGE),
        Some(b"x"),
        "InitialContextToken",
        mutual(),
    );
    for (token, text) in [
        (&b""[..], "found an empty token"),
        (b"NTLMSSP\0", "found another token"),
        (&init_of(&[oids::KRB5], None), "found another token"),
        (&[0xa1; 200_000], "expected at most 131072 octets"),
    ] {
        let mut realm = realm();
        let params = InitiatorParams::new(realm.credential());
        let now = realm.now();
        let (_, next) = cont(
            Initiator::krb5(params)
                .unwrap()
                .start(now, &mut realm.rng)
                .unwrap(),
        );
        let error = step(&mut realm, next, token).unwrap_err();
        assert!(error.to_string().contains(text), "{error}");
    }
}

#[test]
fn acceptor_that_speaks_first_is_not_believed() {
    let vectors: serde_json::Value =
        serde_json::from_str(include_str!("../../tests/vectors/context_tokens.json")).unwrap();
    let name = "pyspnego_initial_context_token_neg_token_init2";
    let entry = vectors["vectors"]
        .as_array()
        .unwrap()
        .iter()
        .find(|entry| entry["name"] == name)
        .unwrap();
    let file = hex::decode(entry["token_hex"].as_str().unwrap()).unwrap();
    let mut realm = realm();
    let acceptor = realm.acceptor();
    for hint in [&file[..], &init_of(&[oids::NTLMSSP], None)] {
        let params = InitiatorParams::new(realm.credential());
        let now = realm.now();
        let begun = Initiator::krb5(params)
            .unwrap()
            .answer(hint, now, &mut realm.rng)
            .unwrap();
        realm
            .converse(begun, |token, now, rng| acceptor.step(token, now, rng))
            .unwrap();
    }
    // A good NegTokenInit in the frame of another mechanism.
    let (_, inner) = gss_token::unwrap(&file).unwrap();
    for hint in [
        &b"NTLMSSP\0"[..],
        &Reply::default().encode().unwrap(),
        &gss_token::wrap(oids::KRB5, b"x"),
        &gss_token::wrap(oids::KRB5, inner),
    ] {
        let params = InitiatorParams::new(realm.credential());
        let now = realm.now();
        assert!(
            Initiator::krb5(params)
                .unwrap()
                .answer(hint, now, &mut realm.rng)
                .is_err()
        );
    }
    // What an acceptor begins with is nothing an initiator may send.
    assert!(accept(&mut realm, &file).is_err());
}

#[test]
fn a_conversation_has_an_end() {
    let mut realm = realm();
    let acceptor = Acceptor::with_mechanisms(vec![Arc::new(strange(STRANGE))]);
    let now = realm.now();
    let begun = acceptor.step(&init_of(&[STRANGE], Some(b"x")), now, &mut realm.rng);
    let (_, mut next) = cont(begun.unwrap());
    let reply = Reply {
        token: Some(b"x"),
        ..Reply::default()
    }
    .encode()
    .unwrap();
    let mut legs = 1;
    let error = loop {
        match step(&mut realm, next, &reply) {
            Ok(more) => next = cont(more).1,
            Err(error) => break error,
        }
        legs += 1;
    };
    assert_eq!((legs, error.major()), (MAX_LEGS, Major::DefectiveToken));
}

/// Does what it was told, step by step.
#[derive(Debug)]
struct Scripted(Vec<Step>);

impl Mechanism for Scripted {
    fn oid(&self) -> ObjectIdentifier {
        STRANGE
    }

    fn step(mut self: Box<Self>, _: &[u8], _: Now, _: &mut dyn CryptoRng) -> Result<Step, GssError> {
        Ok(match self.0.remove(0) {
            Step::Continue { token, .. } => Step::Continue { token, next: self },
            done => done,
        })
    }
}

impl InitiatorMechanism for Scripted {
    fn oids(&self) -> &[ObjectIdentifier] {
        &[STRANGE]
    }

    fn start(self: Box<Self>, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        self.step(&[], now, rng)
    }
}

/// An acceptor that calls itself done while the mechanism still has something to send.
#[test]
fn completed_before_the_mechanism_is_refused() {
    let more = |token: &[u8]| Step::Continue {
        token: token.to_vec(),
        next: Box::new(strange(STRANGE)),
    };
    let mut realm = realm();
    let (_, begun) = raw_token(&mut realm, one_way());
    let (_, _, context) = done(begun);
    let last = Step::Done {
        token: Some(b"last".to_vec()),
        token_is_bare_success: false,
        context,
    };
    for second in [more(b"second"), last] {
        let scripted = Scripted(vec![more(b"first"), second]);
        let (_, next) = cont(start(&mut realm, Initiator::negotiate(vec![Box::new(scripted)])));
        let reply = Reply {
            state: Some(NegState::ACCEPT_COMPLETED),
            supported_mech: Some(STRANGE),
            token: Some(b"x"),
            mic: None,
        };
        let error = step(&mut realm, next, &reply.encode().unwrap()).unwrap_err();
        assert!(error.to_string().contains("before the mechanism is"), "{error}");
    }
}

#[test]
fn acceptor_is_shared_by_contexts() {
    let mut realm = realm();
    let acceptor: Acceptor = realm.acceptor();
    for _ in 0..3 {
        let params = InitiatorParams::new(realm.credential());
        realm.establish(params, &acceptor).unwrap();
    }
    assert_eq!(realm.replay.len(), 3);
}

/// What is written is what is read.
#[test]
fn response_reads_back() {
    let reply = Reply {
        state: Some(NegState::ACCEPT_INCOMPLETE),
        supported_mech: Some(oids::KRB5),
        token: Some(b"token"),
        mic: Some(b"mic"),
    };
    let bytes = reply.encode().unwrap();
    let NegotiationToken::Resp(NegTokenResp { response_token, .. }) = decode(&bytes).unwrap() else {
        panic!()
    };
    assert_eq!(response_token, Some(&b"token"[..]));
    let response = parse_resp(&bytes).unwrap();
    assert_eq!(
        (response.supported_mech, response.mic),
        (Some(oids::KRB5), Some(&b"mic"[..]))
    );
}
