//! Whole exchanges of our two sides.

use kerbside_asn1::{Principal, oids};
use kerbside_gss::{BindingPolicy, BindingState, ChannelBindings, ContextFlags, Role};

use super::{client, contexts, rng, server, talk};
use crate::{
    AuthenticateMessage, ChallengeMessage, KeyStrength, MicPolicy, NegotiateFlags, NegotiateMessage,
    NtlmPolicy, TimestampPolicy,
};

const ALL: ContextFlags = ContextFlags(
    ContextFlags::CONFIDENTIALITY.0
        | ContextFlags::INTEGRITY.0
        | ContextFlags::REPLAY.0
        | ContextFlags::SEQUENCE.0,
);

/// What everything is refused for is allowed.
pub(super) fn lenient() -> NtlmPolicy {
    NtlmPolicy {
        allow_v1: true,
        allow_without_extended_session_security: true,
        allow_anonymous: true,
        allow_oem: true,
        key_strength_min: KeyStrength::Bits40,
        mic: MicPolicy::WhenAnnounced,
        timestamp: TimestampPolicy::Off,
        ..NtlmPolicy::STRICT
    }
}

#[test]
fn both_sides_know_the_same() {
    let params = client().with_target("HTTP/server.example");
    let server = server().with_targets(&["http/server.example"], BindingPolicy::Required);
    let (ours, theirs) = contexts(params, &server).unwrap();
    let alice = Principal::new("DOM", &["alice"]);
    for (context, role) in [(&ours, Role::Initiator), (&theirs, Role::Acceptor)] {
        assert_eq!(context.client(), &alice);
        assert_eq!(context.flags(), ALL);
        let facts = context.facts();
        assert_eq!(facts.role, role);
        assert_eq!(facts.mechanism, oids::NTLMSSP);
        assert_eq!(facts.bindings, BindingState::NotChecked);
        assert!(facts.kerberos.is_none() && facts.expires.is_none());
        assert!(context.server().name.is(&["HTTP", "server.example"]));
    }
    assert_eq!(theirs.server().realm.as_str(), Some("DOM"));
}

#[test]
fn messages_go_both_ways() {
    let (mut ours, mut theirs) = contexts(client(), &server()).unwrap();
    let mut rng = rng(3);
    for length in [0, 1, 15, 16, 17, 63, 64, 65, 4096, 1 << 20] {
        let message: alloc::vec::Vec<u8> = (0..length).map(|at| (at % 251) as u8).collect();
        for confidential in [true, false] {
            let token = ours.wrap(confidential, &message, &mut rng).unwrap();
            assert_eq!(token.len(), length + 16);
            assert!(length < 15 || token[16..] != message, "it is sealed in any case");
            let got = theirs.unwrap_confidential(&token).unwrap();
            assert_eq!(got.message, message);
            let mut token = theirs.wrap(confidential, &message, &mut rng).unwrap();
            let got = ours.unwrap_in_place(&mut token, true).unwrap();
            assert_eq!(*got.message, *message);
        }
        let mic = ours.get_mic(&message).unwrap();
        theirs.verify_mic(&message, &mic).unwrap();
        let mic = theirs.get_mic(&message).unwrap();
        ours.verify_mic(&message, &mic).unwrap();
    }
}

#[test]
fn the_users_name_comes_from_the_source() {
    let password = kerbside_crypto::Password::from(super::PASSWORD);
    let params = crate::NtlmInitiatorParams::new("dom", "ALICE", &password).unwrap();
    let (_, theirs) = contexts(params, &server()).unwrap();
    assert_eq!(theirs.client(), &Principal::new("DOM", &["alice"]));
    let params = crate::NtlmInitiatorParams::new("", "Alice@dom", &password).unwrap();
    let (_, theirs) = contexts(params, &server()).unwrap();
    assert_eq!(theirs.client(), &Principal::new("DOM", &["alice"]));
}

#[test]
fn the_default_offer_is_the_strong_one_and_has_no_names() {
    let talk = talk(client(), &server()).unwrap();
    let negotiate = NegotiateMessage::parse(&talk.negotiate).unwrap();
    assert!(negotiate.domain.is_empty() && negotiate.workstation.is_empty());
    let weak = NegotiateFlags::LM_KEY
        | NegotiateFlags::OEM
        | NegotiateFlags::DATAGRAM
        | NegotiateFlags::REQUEST_NON_NT_SESSION_KEY;
    assert!(!negotiate.flags.intersects(weak));
    let challenge = ChallengeMessage::parse(&talk.challenge).unwrap();
    assert!(!challenge.flags.intersects(weak));
    assert!(challenge.flags.contains(NegotiateFlags::TARGET_TYPE_DOMAIN));
    let authenticate = AuthenticateMessage::parse(&talk.authenticate).unwrap();
    assert_eq!(authenticate.lm_response, [0; 24], "no LMv2 beside a timestamp");
    assert_eq!(authenticate.encrypted_session_key.len(), 16);
}

#[test]
fn channel_bindings_bind() {
    let channel = ChannelBindings::tls_server_end_point(b"hash");
    let other = ChannelBindings::tls_server_end_point(b"another");
    for policy in [BindingPolicy::WhenSupported, BindingPolicy::Required] {
        let server = server().with_channel_bindings(Some(channel.clone()), policy);
        let bound = client().with_channel_bindings(Some(channel.clone()));
        let (ours, theirs) = contexts(bound, &server).unwrap();
        assert_eq!(ours.facts().bindings, BindingState::Bound);
        assert_eq!(theirs.facts().bindings, BindingState::Bound);
        let astray = client().with_channel_bindings(Some(other.clone()));
        assert!(contexts(astray, &server).is_err());
        // Our client knows of bindings: that it has none says that it sees no channel.
        assert!(contexts(client(), &server).is_err());
    }
    let server = server().with_channel_bindings(Some(channel.clone()), BindingPolicy::Off);
    let astray = client().with_channel_bindings(Some(other));
    assert_eq!(
        contexts(astray, &server).unwrap().1.facts().bindings,
        BindingState::NotChecked
    );
    let bare = super::server().with_channel_bindings(None, BindingPolicy::Required);
    let bound = client().with_channel_bindings(Some(channel));
    assert!(
        contexts(bound, &bare).is_err(),
        "required, and nothing to compare with"
    );
}

#[test]
fn signing_without_sealing() {
    let params = client().with_flags(ContextFlags::INTEGRITY);
    let (mut ours, mut theirs) = contexts(params, &server()).unwrap();
    assert_eq!(ours.flags(), ALL.without(ContextFlags::CONFIDENTIALITY));
    assert_eq!(theirs.flags(), ours.flags());
    let mut rng = rng(4);
    assert!(ours.wrap(true, b"hello", &mut rng).is_err());
    let token = ours.wrap(false, b"hello", &mut rng).unwrap();
    assert_eq!(&token[16..], b"hello");
    assert!(theirs.unwrap_confidential(&token).is_err(), "it is only signed");
    let got = theirs.unwrap(&token).unwrap();
    assert!(got.message == b"hello" && !got.confidential);
    let mic = theirs.get_mic(b"text").unwrap();
    ours.verify_mic(b"text", &mic).unwrap();
}

#[test]
fn ntlm_v1_where_both_sides_allow_it() {
    let params = client().with_policy(lenient()).with_v1(true);
    let server = server().with_policy(lenient());
    let (mut ours, mut theirs) = contexts(params, &server).unwrap();
    assert_eq!(theirs.client(), &Principal::new("DOM", &["alice"]));
    let token = ours.wrap(true, b"hello", &mut rng(5)).unwrap();
    assert_eq!(theirs.unwrap(&token).unwrap().message, b"hello");
}

#[test]
fn an_anonymous_client_where_both_sides_allow_it() {
    let params = crate::NtlmInitiatorParams::anonymous().with_policy(lenient());
    let server = server().with_policy(lenient());
    let (mut ours, mut theirs) = contexts(params, &server).unwrap();
    assert_eq!(theirs.flags(), ContextFlags::ANONYMOUS);
    assert_eq!(ours.flags(), ContextFlags::ANONYMOUS);
    assert_eq!(
        theirs.client(),
        &Principal::new("NT AUTHORITY", &["ANONYMOUS LOGON"])
    );
    assert!(ours.wrap(false, b"hello", &mut rng(6)).is_err());
    assert!(theirs.get_mic(b"hello").is_err(), "no signature of zeros");
    assert!(
        theirs
            .verify_mic(b"hello", &[1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0])
            .is_err()
    );
}
