//! Each check refuses what it is for, and what its policy allows then passes.

use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_crypto::Password;
use kerbside_gss::{BindingPolicy, Cause, ChannelBindings, ContextFlags, GssError, Initiator, Major, Step};
use kerbside_protocol::Now;

use super::exchange::lenient;
use super::{Talk, acceptor, client, contexts, done, going, now, rng, server, talk};
use crate::messages::MIC_LEN;
use crate::{
    AV_FLAG_MIC, AV_FLAG_UNTRUSTED_TARGET, AuthenticateMessage, AvId, AvPairs, AvPairsBuilder,
    ChallengeMessage, IssuedChallenges, KeyStrength, MicPolicy, NegotiateFlags, NegotiateMessage,
    NtlmAcceptorParams, NtlmError, NtlmInitiatorParams, NtlmPolicy,
};

/// NTLM's own error.
pub(super) fn ntlm(error: &GssError) -> NtlmError {
    match error.cause() {
        Cause::Mechanism { error, .. } => error.downcast_ref::<NtlmError>().unwrap().clone(),
        other => panic!("expected NTLM's error, but found {other:?}"),
    }
}

fn refused(client: NtlmInitiatorParams, server: &NtlmAcceptorParams) -> NtlmError {
    ntlm(&contexts(client, server).unwrap_err())
}

/// What the server says to an AUTHENTICATE message that somebody made of the client's.
pub(super) fn server_says(talk: Talk, message: &[u8]) -> Result<(), NtlmError> {
    server_says_at(talk, message, now())
}

pub(super) fn server_says_at(talk: Talk, message: &[u8], now: Now) -> Result<(), NtlmError> {
    let step = talk.server.step(message, now, &mut rng(5));
    step.map(drop).map_err(|error| ntlm(&error))
}

/// The client's AUTHENTICATE message, changed and written again.
pub(super) fn rewritten(talk: &Talk, change: impl Fn(&mut AuthenticateMessage<'_>)) -> Vec<u8> {
    let mut message = AuthenticateMessage::parse(&talk.authenticate).unwrap();
    change(&mut message);
    message.to_bytes().unwrap()
}

/// The server's challenge as somebody changed it, and what the client makes of it.
fn client_says(
    params: NtlmInitiatorParams,
    change: impl Fn(&mut ChallengeMessage<'_>),
) -> Result<Vec<u8>, NtlmError> {
    let mut rng = rng(6);
    let first = Initiator::raw(params.into_mechanism().unwrap())
        .start(now(), &mut rng)
        .unwrap();
    let (negotiate, waiting) = going(first);
    let (challenge, _) = going(acceptor(&server()).step(&negotiate, now(), &mut rng).unwrap());
    let mut challenge = ChallengeMessage::parse(&challenge).unwrap();
    change(&mut challenge);
    let step = waiting.step(&challenge.to_bytes().unwrap(), now(), &mut rng);
    step.map(|step| done(step).0.unwrap())
        .map_err(|error| ntlm(&error))
}

fn weak(missing: &'static str) -> NtlmError {
    NtlmError::TooWeak { missing }
}

#[test]
fn wrong_password_and_unknown_user_look_the_same() {
    let wrong = NtlmInitiatorParams::new("DOM", "alice", &Password::from("wrong")).unwrap();
    let unknown = NtlmInitiatorParams::new("DOM", "nobody\n", &Password::from("wrong")).unwrap();
    let elsewhere = NtlmInitiatorParams::new("OTHER", "alice", &Password::from(super::PASSWORD)).unwrap();
    for params in [wrong, unknown, elsewhere] {
        let error = contexts(params, &server()).unwrap_err();
        assert_eq!(error.major(), Major::NoCredential);
        assert!(matches!(ntlm(&error), NtlmError::LoginFailed { .. }));
        assert!(error.token().is_none());
        // Section 10 row 16: a name from outside brings no control characters into a log.
        assert!(!error.to_string().contains('\n'));
    }
}

#[test]
fn an_empty_nt_response_is_no_login() {
    let talk = talk(client(), &server().with_policy(lenient())).unwrap();
    let message = rewritten(&talk, |message| message.nt_response = &[]);
    assert!(matches!(
        server_says(talk, &message),
        Err(NtlmError::Malformed { .. })
    ));
}

#[test]
fn version_1_is_refused() {
    let server = server();
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    let params = client().with_policy(policy).with_v1(true);
    assert_eq!(refused(params.clone(), &server), NtlmError::V1Refused);
    let error = client().with_v1(true).into_mechanism().unwrap_err();
    assert_eq!(ntlm(&error), NtlmError::V1Refused);
    let server = server.with_policy(policy);
    contexts(params.clone(), &server).unwrap();
    // It cannot be bound, nor say where it wants to go.
    let channel = ChannelBindings::tls_server_end_point(b"hash");
    let bound = server
        .clone()
        .with_channel_bindings(Some(channel), BindingPolicy::Required);
    assert!(matches!(
        refused(params.clone(), &bound),
        NtlmError::BadBindings { .. }
    ));
    let named = server.with_targets(&["HTTP/x"], BindingPolicy::Required);
    assert_eq!(refused(params, &named), NtlmError::WrongTarget { found: None });
}

#[test]
fn anonymous_clients_are_refused() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_anonymous = true;
    let error = NtlmInitiatorParams::anonymous().into_mechanism().unwrap_err();
    assert_eq!(ntlm(&error), NtlmError::AnonymousRefused);
    let params = NtlmInitiatorParams::anonymous().with_policy(policy);
    assert_eq!(refused(params.clone(), &server()), NtlmError::AnonymousRefused);
    contexts(params, &server().with_policy(policy)).unwrap();
    // Nobody gets in by leaving things out of somebody's message.
    let talk = talk(client(), &server()).unwrap();
    let message = rewritten(&talk, |message| {
        (message.user, message.nt_response, message.lm_response) = (&[], &[], &[0]);
    });
    assert_eq!(server_says(talk, &message), Err(NtlmError::AnonymousRefused));
}

/// CVE-2019-1040 ("drop the MIC"): the message goes on without a MIC, and with flags that the attacker likes.
#[test]
fn pitfall_3_cve_2019_1040_the_mic_is_dropped() {
    for mic in [MicPolicy::Required, MicPolicy::WhenAnnounced] {
        let mut policy = NtlmPolicy::STRICT;
        policy.mic = mic;
        let server = server().with_policy(policy);
        let whole = || talk(client(), &server).unwrap();
        let talk = whole();
        let message = rewritten(&talk, |message| (message.mic, message.version) = (None, None));
        assert_eq!(server_says(talk, &message), Err(NtlmError::MicMissing));
        let talk = whole();
        let message = rewritten(&talk, |message| message.mic = Some([0; MIC_LEN]));
        assert_eq!(server_says(talk, &message), Err(NtlmError::MicWrong));
        let talk = whole();
        let message = rewritten(&talk, |message| {
            message.flags = message.flags.without(NegotiateFlags::SIGN | NegotiateFlags::SEAL);
        });
        assert_eq!(server_says(talk, &message), Err(NtlmError::MicWrong));
    }
}

/// CVE-2019-1040, the other half: with the time taken out of the challenge the client makes a MIC all the same.
#[test]
fn pitfall_3_cve_2019_1040_the_time_is_dropped() {
    let message = client_says(client(), |challenge| {
        challenge.target_info = AvPairs::parse(&[2, 0, 2, 0, 68, 0, 1, 0, 2, 0, 83, 0, 0, 0, 0, 0]).unwrap();
    });
    let message = message.unwrap();
    let message = AuthenticateMessage::parse(&message).unwrap();
    assert!(message.mic.is_some_and(|mic| mic != [0; MIC_LEN]));
    let (_, _, blob) = crate::response::V2Blob::parse(message.nt_response).unwrap();
    assert_eq!(blob.pairs.flags().unwrap() & AV_FLAG_MIC, AV_FLAG_MIC);
    assert_ne!(message.lm_response, [0; 24], "an old server's LMv2 response");
}

/// A relay's word that the target's name is not to be trusted does not come back under the client's proof.
#[test]
fn the_servers_word_on_the_target_is_not_repeated() {
    let mut builder = AvPairsBuilder::new();
    builder.push_text(AvId::NB_DOMAIN_NAME, "DOM").unwrap();
    builder.push_text(AvId::NB_COMPUTER_NAME, "SERVER").unwrap();
    builder.push(AvId::FLAGS, &[5, 0, 0, 0]).unwrap();
    let pairs = builder.finish();
    let message = client_says(client().with_target("HTTP/server"), |challenge| {
        challenge.target_info = AvPairs::parse(pairs.clone().leak()).unwrap();
    });
    let message = message.unwrap();
    let message = AuthenticateMessage::parse(&message).unwrap();
    let (_, _, blob) = crate::response::V2Blob::parse(message.nt_response).unwrap();
    assert_eq!(blob.pairs.flags(), Ok(AV_FLAG_MIC | 1));
}

/// CVE-2019-1166: flags put into the challenge, so that the client's own are not there.
#[test]
fn pitfall_3_cve_2019_1166_flags_in_the_challenge() {
    let mut builder = AvPairsBuilder::new();
    builder.push_text(AvId::NB_DOMAIN_NAME, "DOM").unwrap();
    builder.push_text(AvId::NB_COMPUTER_NAME, "SERVER").unwrap();
    builder.push(AvId::FLAGS, &[0; 4]).unwrap();
    builder.push_text(AvId::TARGET_NAME, "HTTP/attacker").unwrap();
    builder.push(AvId::CHANNEL_BINDINGS, &[9; 16]).unwrap();
    let pairs = builder.finish();
    let message = client_says(client().with_target("HTTP/server"), |challenge| {
        challenge.target_info = AvPairs::parse(pairs.clone().leak()).unwrap();
    });
    let message = message.unwrap();
    let message = AuthenticateMessage::parse(&message).unwrap();
    let (_, _, blob) = crate::response::V2Blob::parse(message.nt_response).unwrap();
    assert_eq!(blob.pairs.flags(), Ok(AV_FLAG_MIC));
    assert_eq!(
        blob.pairs.channel_bindings(),
        Ok(None),
        "ours, not the challenge's"
    );
    let target = blob.pairs.text(AvId::TARGET_NAME).unwrap();
    assert_eq!(target.as_deref(), Some("HTTP/server"));
}

/// CVE-2015-0005 and relaying altogether: what was said to another server is of no use to this one.
#[test]
fn pitfall_3_cve_2015_0005_a_login_for_another_service() {
    let required = server().with_targets(&["HTTP/server"], BindingPolicy::Required);
    let supported = server().with_targets(&["HTTP/server"], BindingPolicy::WhenSupported);
    for server in [&required, &supported] {
        let found = Some("cifs/elsewhere".to_string());
        let astray = client().with_target("cifs/elsewhere");
        assert_eq!(refused(astray, server), NtlmError::WrongTarget { found });
        contexts(client().with_target("http/SERVER"), server).unwrap();
    }
    assert_eq!(
        refused(client(), &required),
        NtlmError::WrongTarget { found: None }
    );
    contexts(client(), &supported).unwrap();
    let off = server().with_targets(&["HTTP/server"], BindingPolicy::Off);
    contexts(client().with_target("cifs/elsewhere"), &off).unwrap();
    let nothing = server().with_targets(&[], BindingPolicy::Required);
    let found = Some("HTTP/server".to_string());
    assert_eq!(
        refused(client().with_target("HTTP/server"), &nothing),
        NtlmError::WrongTarget { found }
    );
}

/// CVE-2025-33073: a host name with a marshalled target behind it leads a client to itself.
#[test]
fn pitfall_3_cve_2025_33073_a_marshalled_target() {
    let name = "cifs/srv1UWhRCAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAwbEAYBAAAA";
    let error = client().with_target(name).into_mechanism().unwrap_err();
    assert_eq!(ntlm(&error), NtlmError::MarshalledTarget);
    // A client that does not look sends it.
    let mut params = client();
    params.target = Some(name.into());
    let mechanism = crate::initiator::AwaitChallenge {
        params,
        negotiate: talk(client(), &server()).unwrap().negotiate,
    };
    let mut rng = rng(7);
    let (challenge, next) = going(
        acceptor(&server())
            .step(&mechanism.negotiate, now(), &mut rng)
            .unwrap(),
    );
    let nonces = crate::initiator::Nonces {
        client_challenge: [1; 8],
        session_key: crate::NtlmSessionKey::from_bytes([2; 16]),
    };
    let (message, _) = mechanism.answer(&challenge, now(), &nonces).unwrap();
    let error = next.step(&message, now(), &mut rng).unwrap_err();
    assert_eq!(ntlm(&error), NtlmError::MarshalledTarget);
}

/// A target from where the client does not trust counts as none (MS-NLMP 3.2.5.1.2).
#[test]
fn a_target_that_the_client_does_not_trust_is_none() {
    let mut builder = AvPairsBuilder::new();
    let flags = AV_FLAG_MIC | AV_FLAG_UNTRUSTED_TARGET;
    builder.push(AvId::FLAGS, &flags.to_le_bytes()).unwrap();
    builder.push_text(AvId::TARGET_NAME, "HTTP/server").unwrap();
    let bytes = builder.finish();
    let pairs = AvPairs::parse(&bytes).unwrap();
    assert_eq!(crate::login::wanted_target(Some(&pairs)), Ok(None));
}

/// CVE-2008-4037: our own challenge comes back to us.
#[test]
fn pitfall_3_reflection_of_our_own_challenge() {
    let issued = Arc::new(IssuedChallenges::new());
    let server = server().with_issued_challenges(Arc::clone(&issued));
    let ours = client().with_issued_challenges(Arc::clone(&issued));
    assert_eq!(refused(ours, &server), NtlmError::OwnChallenge);
    contexts(client(), &server).unwrap();
    let other = client().with_issued_challenges(Arc::new(IssuedChallenges::new()));
    contexts(other, &server).unwrap();
}

#[test]
fn messages_out_of_turn_are_refused() {
    let whole = talk(client(), &server()).unwrap();
    let Talk {
        negotiate,
        challenge,
        authenticate,
        ..
    } = &whole;
    for message in [negotiate, challenge] {
        let talk = talk(client(), &server()).unwrap();
        assert!(matches!(
            server_says(talk, message),
            Err(NtlmError::Unexpected { .. })
        ));
    }
    for message in [challenge, authenticate] {
        let error = acceptor(&server()).step(message, now(), &mut rng(1)).unwrap_err();
        assert!(matches!(ntlm(&error), NtlmError::Unexpected { .. }));
    }
    for message in [negotiate, authenticate] {
        let first = Initiator::raw(client().into_mechanism().unwrap())
            .start(now(), &mut rng(1))
            .unwrap();
        let (_, waiting) = going(first);
        let error = waiting.step(message, now(), &mut rng(1)).unwrap_err();
        assert!(matches!(ntlm(&error), NtlmError::Unexpected { .. }));
    }
    // An answer to another challenge.
    let mut other = talk(client(), &server()).unwrap();
    other.server = {
        let mut rng = rng(77);
        going(
            acceptor(&server())
                .step(&other.negotiate, now(), &mut rng)
                .unwrap(),
        )
        .1
    };
    let message = other.authenticate.clone();
    assert!(matches!(
        server_says(other, &message),
        Err(NtlmError::LoginFailed { .. })
    ));
}

/// The server took out a flag, or somebody for it: refused where policy says so, before anything is answered.
#[test]
fn a_challenge_with_less_is_refused() {
    let without = |params: NtlmInitiatorParams, flag| {
        client_says(params, |challenge| {
            challenge.flags = challenge.flags.without(flag)
        })
    };
    for (flag, missing) in [
        (NegotiateFlags::SIGN, "signing of messages"),
        (NegotiateFlags::SEAL, "encryption of messages"),
        (
            NegotiateFlags::EXTENDED_SESSIONSECURITY,
            "extended session security",
        ),
        (NegotiateFlags::KEY_128, "keys of the strength"),
        (NegotiateFlags::TARGET_INFO, "target information with its names"),
    ] {
        assert_eq!(without(client(), flag), Err(weak(missing)));
    }
    assert!(matches!(
        without(client(), NegotiateFlags::UNICODE),
        Err(NtlmError::Malformed { .. })
    ));
    for flag in [NegotiateFlags::EXTENDED_SESSIONSECURITY, NegotiateFlags::KEY_128] {
        without(client().with_policy(lenient()), flag).unwrap();
    }
    let params = client().with_flags(ContextFlags::IDENTIFY);
    assert_eq!(
        without(params, NegotiateFlags::IDENTIFY),
        Err(weak("identification only"))
    );
    let named = client_says(client(), |challenge| {
        challenge.target_info = AvPairs::parse(&[2, 0, 2, 0, 68, 0, 0, 0, 0, 0]).unwrap();
    });
    assert_eq!(named, Err(weak("target information with its names")));
    let datagram = client_says(client(), |challenge| challenge.flags |= NegotiateFlags::DATAGRAM);
    assert!(matches!(datagram, Err(NtlmError::Unsupported { .. })));
}

/// A client that offers less.
#[test]
fn an_offer_with_less_is_refused() {
    let full = talk(client(), &server()).unwrap().negotiate;
    let offer = |change: &dyn Fn(NegotiateFlags) -> NegotiateFlags, policy| {
        let mut message = NegotiateMessage::parse(&full).unwrap();
        message.flags = change(message.flags);
        let server = server().with_policy(policy);
        let step = acceptor(&server).step(&message.to_bytes().unwrap(), now(), &mut rng(1));
        step.map(|step| drop(going(step))).map_err(|error| ntlm(&error))
    };
    let strict = NtlmPolicy::STRICT;
    let less = |flag| move |flags: NegotiateFlags| flags.without(flag);
    let extended = less(NegotiateFlags::EXTENDED_SESSIONSECURITY);
    assert_eq!(offer(&extended, strict), Err(weak("extended session security")));
    assert_eq!(offer(&extended, lenient()), Ok(()));
    let strength = less(NegotiateFlags::KEY_128);
    assert_eq!(offer(&strength, strict), Err(weak("keys of the strength")));
    let mut medium = strict;
    medium.key_strength_min = KeyStrength::Bits56;
    assert_eq!(offer(&strength, medium), Ok(()));
    let weakest = less(NegotiateFlags::KEY_128 | NegotiateFlags::KEY_56);
    assert_eq!(offer(&weakest, medium), Err(weak("keys of the strength")));
    assert_eq!(offer(&weakest, lenient()), Ok(()));
    let unsigned = less(NegotiateFlags::SIGN);
    assert_eq!(
        offer(&unsigned, lenient()),
        Err(weak("signing beside encryption"))
    );
    let neither = less(NegotiateFlags::UNICODE);
    assert!(matches!(
        offer(&neither, lenient()),
        Err(NtlmError::Malformed { .. })
    ));
    let oem = |flags: NegotiateFlags| flags.without(NegotiateFlags::UNICODE) | NegotiateFlags::OEM;
    assert_eq!(offer(&oem, strict), Err(weak("Unicode")));
    assert_eq!(offer(&oem, lenient()), Ok(()));
    let datagram = |flags: NegotiateFlags| flags | NegotiateFlags::DATAGRAM;
    assert!(matches!(
        offer(&datagram, lenient()),
        Err(NtlmError::Unsupported { .. })
    ));
}

/// Without a MIC the flags of AUTHENTICATE must be the challenge's; more than that they may never be.
#[test]
fn flags_of_authenticate_without_a_mic() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    policy.allow_without_extended_session_security = true;
    policy.key_strength_min = KeyStrength::Bits40;
    let server = server().with_policy(policy);
    let whole = || talk(client().with_policy(policy).with_v1(true), &server).unwrap();
    for flag in [
        NegotiateFlags::SIGN,
        NegotiateFlags::SEAL,
        NegotiateFlags::EXTENDED_SESSIONSECURITY,
        NegotiateFlags::KEY_128,
        NegotiateFlags::KEY_EXCH,
        NegotiateFlags::KEY_56,
    ] {
        let talk = whole();
        let message = rewritten(&talk, |message| message.flags = message.flags.without(flag));
        assert_eq!(
            server_says(talk, &message),
            Err(weak("the flags of the CHALLENGE")),
            "{flag:?}"
        );
    }
    let talk = whole();
    let message = rewritten(&talk, |message| message.flags |= NegotiateFlags::IDENTIFY);
    assert!(matches!(
        server_says(talk, &message),
        Err(NtlmError::Malformed { .. })
    ));
}

#[test]
fn a_session_key_has_its_length() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    let server = server().with_policy(policy);
    for key in [&b""[..], &[1; 15], &[1; 17]] {
        let talk = talk(client().with_policy(policy).with_v1(true), &server).unwrap();
        let message = rewritten(&talk, |message| message.encrypted_session_key = key);
        assert!(matches!(
            server_says(talk, &message),
            Err(NtlmError::Malformed { .. })
        ));
    }
}

#[test]
fn wishes_that_ntlm_cannot_fulfil() {
    for flag in [
        ContextFlags::MUTUAL,
        ContextFlags::DELEGATION,
        ContextFlags::DCE_STYLE,
        ContextFlags::ANONYMOUS,
    ] {
        let error = client().with_flags(flag).into_mechanism().unwrap_err();
        assert_eq!(error.major(), Major::Unavailable, "{flag:?}");
    }
    let params = NtlmInitiatorParams::anonymous().with_policy(lenient());
    let sealed = params.with_flags(ContextFlags::ANONYMOUS | ContextFlags::CONFIDENTIALITY);
    assert!(sealed.into_mechanism().is_err());
}

/// CVE-2023-25563 to 25567: lengths and offsets that lead out of the message, into its fixed part or into each other.
#[test]
fn pitfall_1_cve_2023_25563_lengths_and_offsets() {
    let whole = talk(client().with_workstation("WS"), &server()).unwrap();
    let place = |message: &[u8], at: usize, length: u16, offset: u32| {
        let mut message = message.to_vec();
        message[at..at + 2].copy_from_slice(&length.to_le_bytes());
        message[at + 4..at + 8].copy_from_slice(&offset.to_le_bytes());
        message
    };
    let length = u32::try_from(whole.authenticate.len()).unwrap();
    for at in [12, 20, 28, 36, 44, 52] {
        for (size, offset) in [
            (1, length),
            (u16::MAX, 88),
            (2, u32::MAX),
            (2, 0),
            (2, 62),
            (1, 63),
        ] {
            let message = place(&whole.authenticate, at, size, offset);
            assert!(
                AuthenticateMessage::parse(&message).is_err(),
                "{at} {size} {offset}"
            );
        }
        // On another field: the NT response is far the longest.
        let nt = u32::from_le_bytes(whole.authenticate[24..28].try_into().unwrap());
        if at != 20 {
            assert!(AuthenticateMessage::parse(&place(&whole.authenticate, at, 4, nt + 5)).is_err());
        }
        // An empty field's place means nothing.
        AuthenticateMessage::parse(&place(&whole.authenticate, at, 0, u32::MAX)).unwrap();
    }
    for at in [12, 40] {
        for (size, offset) in [(2, 47), (u16::MAX, 56), (4, u32::MAX)] {
            let message = place(&whole.challenge, at, size, offset);
            assert!(ChallengeMessage::parse(&message).is_err(), "{at} {size} {offset}");
        }
    }
    // Places of names that are not supplied are not read.
    for at in [16, 24] {
        NegotiateMessage::parse(&place(&whole.negotiate, at, 9, u32::MAX)).unwrap();
    }
    let mut named = NegotiateMessage::parse(&whole.negotiate).unwrap();
    named.flags |= NegotiateFlags::OEM_DOMAIN_SUPPLIED | NegotiateFlags::OEM_WORKSTATION_SUPPLIED;
    (named.domain, named.workstation) = (b"DOM", b"WS");
    let message = named.to_bytes().unwrap();
    assert_eq!(NegotiateMessage::parse(&message), Ok(named));
    for at in [16, 24] {
        for (size, offset) in [(2, 31), (u16::MAX, 40), (4, u32::MAX)] {
            assert!(NegotiateMessage::parse(&place(&message, at, size, offset)).is_err());
        }
    }
    // The fixed part is whole, whether what is in it is read or not.
    let mut bare = ChallengeMessage::parse(&whole.challenge).unwrap();
    bare.flags = bare.flags.without(NegotiateFlags::TARGET_INFO);
    (bare.target_name, bare.target_info, bare.version) = (&[], AvPairs::ABSENT, None);
    let bare = bare.to_bytes().unwrap();
    ChallengeMessage::parse(&bare).unwrap();
    assert!(ChallengeMessage::parse(&bare[..bare.len() - 1]).is_err());
    let long = [whole.negotiate.as_slice(), &[0; 70_000]].concat();
    assert!(matches!(
        NegotiateMessage::parse(&long),
        Err(NtlmError::TooLong { .. })
    ));
}

/// A response of a version that there is not yet (MS-NLMP 2.2.2.7).
#[test]
fn a_response_of_another_version() {
    let talk = talk(client(), &server()).unwrap();
    let response = AuthenticateMessage::parse(&talk.authenticate)
        .unwrap()
        .nt_response;
    for at in [16, 17] {
        let mut response = response.to_vec();
        crate::response::V2Blob::parse(&response).unwrap();
        response[at] = 2;
        assert!(crate::response::V2Blob::parse(&response).is_err());
    }
}

/// The names of AUTHENTICATE are text or nothing: CVE-2023-25566 and 25567 were in their decoding.
#[test]
fn pitfall_1_cve_2023_25566_names_that_are_no_text() {
    for name in [&b"a"[..], &[0x00, 0xd8], &[0x41, 0x00, 0x00, 0x00]] {
        let talk = talk(client(), &server()).unwrap();
        let message = rewritten(&talk, |message| message.user = name);
        assert!(matches!(
            server_says(talk, &message),
            Err(NtlmError::Malformed { .. })
        ));
    }
}

/// Nobody goes on with half an exchange: a refused step leaves nothing behind.
#[test]
fn a_first_step_is_a_challenge_and_no_context() {
    let negotiate = talk(client(), &server()).unwrap().negotiate;
    let step = acceptor(&server()).step(&negotiate, now(), &mut rng(1)).unwrap();
    assert!(matches!(step, Step::Continue { .. }));
}
