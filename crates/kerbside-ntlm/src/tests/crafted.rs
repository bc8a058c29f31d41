//! Answers that our initiator never gives: made by hand, with the right password and the right MIC.

use alloc::vec::Vec;

use kerbside_crypto::Password;
use kerbside_gss::{ContextFlags, Initiator};
use kerbside_protocol::Now;

use super::exchange::lenient;
use super::refusals::{ntlm, rewritten, server_says, server_says_at};
use super::{PASSWORD, START, acceptor, client, done, going, now, rng, server, talk};
use crate::messages::{MIC_AT, MIC_LEN};
use crate::response::{self, V2Blob, V2Proof};
use crate::{
    AV_FLAG_MIC, AuthenticateMessage, AvId, AvPairs, AvPairsBuilder, ChallengeMessage, NegotiateFlags,
    NtHash, NtlmAcceptorParams, NtlmError, NtlmInitiatorParams, NtlmPolicy, NtlmSessionKey, TimestampPolicy,
    target,
};

/// An answer to a challenge.
struct Answer {
    /// The response's time; the challenge's if none.
    time: Option<Now>,
    /// MsvAvTimestamp beside it.
    echoed: Option<u64>,
    /// MsvAvFlags.
    flags: Option<u32>,
    /// What is left out of the challenge's flags.
    without: NegotiateFlags,
    /// The domain that is hashed.
    hashed_domain: &'static str,
}

impl Answer {
    const GOOD: Self = Self {
        time: None,
        echoed: None,
        flags: Some(AV_FLAG_MIC),
        without: NegotiateFlags::NONE,
        hashed_domain: "DOM",
    };

    fn message(&self, negotiate: &[u8], challenge: &[u8]) -> Vec<u8> {
        let parsed = ChallengeMessage::parse(challenge).unwrap();
        let sent = parsed.target_info.timestamp().unwrap().unwrap();
        let mut builder = AvPairsBuilder::new();
        if let Some(flags) = self.flags {
            builder.push(AvId::FLAGS, &flags.to_le_bytes()).unwrap();
        }
        if let Some(echoed) = self.echoed {
            builder.push(AvId::TIMESTAMP, &echoed.to_le_bytes()).unwrap();
        }
        let pairs = builder.finish();
        let blob = V2Blob {
            timestamp: self.time.map_or(sent, target::filetime),
            client_challenge: [3; 8],
            pairs: AvPairs::parse(&pairs).unwrap(),
        };
        let blob = blob.to_bytes();
        let hash = NtHash::from_password(&Password::from(PASSWORD)).unwrap();
        let owf = response::nt_owf_v2(&hash, "alice", self.hashed_domain);
        let proof = V2Proof::new(&owf, &parsed.server_challenge, &blob);
        let key = [4; 16];
        let message = AuthenticateMessage {
            flags: parsed
                .flags
                .without(NegotiateFlags::TARGET_TYPE_DOMAIN | self.without),
            lm_response: &[0; 24],
            nt_response: &[proof.proof.as_slice(), &blob].concat(),
            domain: &crate::text::utf16("DOM"),
            user: &crate::text::utf16("alice"),
            workstation: &[],
            encrypted_session_key: &response::wrap_key(&proof.session_base_key, &key),
            version: None,
            mic: Some([0; MIC_LEN]),
        };
        let mut message = message.to_bytes().unwrap();
        let key = NtlmSessionKey::from_bytes(key);
        let mic = response::mic(&key, negotiate, challenge, &message);
        message[MIC_AT..MIC_AT + MIC_LEN].copy_from_slice(mic.as_slice());
        message
    }

    /// What an acceptor says to it, and the flags of the context.
    fn given_to(&self, params: &NtlmAcceptorParams) -> Result<ContextFlags, NtlmError> {
        let mut rng = rng(8);
        let first = Initiator::raw(client().into_mechanism().unwrap())
            .start(now(), &mut rng)
            .unwrap();
        let (negotiate, _) = going(first);
        let (challenge, next) = going(acceptor(params).step(&negotiate, now(), &mut rng).unwrap());
        let message = self.message(&negotiate, &challenge);
        let step = next
            .step(&message, now(), &mut rng)
            .map_err(|error| ntlm(&error))?;
        Ok(done(step).1.flags())
    }
}

fn at(seconds: i64) -> Now {
    Now::new(START + seconds, 123_456).unwrap()
}

fn with(change: impl Fn(&mut NtlmPolicy)) -> NtlmAcceptorParams {
    let mut policy = NtlmPolicy::STRICT;
    change(&mut policy);
    server().with_policy(policy)
}

#[test]
fn a_good_answer_is_taken() {
    Answer::GOOD.given_to(&server()).unwrap();
}

#[test]
fn a_challenge_does_not_wait_for_ever() {
    let answer = |seconds| {
        let talk = talk(client(), &server()).unwrap();
        let message = talk.authenticate.clone();
        server_says_at(talk, &message, at(seconds))
    };
    assert_eq!(answer(300), Ok(()));
    let expired = |age| Err(NtlmError::ChallengeExpired { age, most: 300 });
    assert_eq!(answer(301), expired(301));
    assert_eq!(answer(-301), expired(-301));
}

#[test]
fn the_time_is_the_challenges_or_as_policy_has_it() {
    let own_time = |policy: TimestampPolicy, seconds| {
        let answer = Answer {
            time: Some(at(seconds)),
            ..Answer::GOOD
        };
        answer
            .given_to(&with(|allowed| allowed.timestamp = policy))
            .map(drop)
    };
    let refused = |result| matches!(result, Err(NtlmError::Timestamp { .. }));
    assert!(refused(own_time(TimestampPolicy::Echoed, 1)));
    assert_eq!(own_time(TimestampPolicy::Within(60), 60), Ok(()));
    assert!(refused(own_time(TimestampPolicy::Within(60), 62)));
    assert!(refused(own_time(TimestampPolicy::Within(60), -62)));
    assert_eq!(own_time(TimestampPolicy::Off, 100_000), Ok(()));
    let echoed = |time| {
        let answer = Answer {
            echoed: Some(time),
            ..Answer::GOOD
        };
        answer.given_to(&server()).map(drop)
    };
    assert_eq!(echoed(target::filetime(now())), Ok(()));
    assert!(refused(echoed(target::filetime(at(1)))));
}

/// A response that promises no MIC is refused, whatever is in its place.
#[test]
fn a_mic_that_is_not_announced_is_none() {
    for flags in [None, Some(0)] {
        let answer = Answer {
            flags,
            ..Answer::GOOD
        };
        assert_eq!(answer.given_to(&server()), Err(NtlmError::MicMissing));
        let lenient = with(|policy| policy.mic = crate::MicPolicy::WhenAnnounced);
        answer.given_to(&lenient).unwrap();
    }
}

/// A client that takes less than it was given is still held to the acceptor's policy.
#[test]
fn a_client_that_takes_less() {
    let less = |without, params: &NtlmAcceptorParams| {
        let answer = Answer {
            without,
            ..Answer::GOOD
        };
        answer.given_to(params)
    };
    for flag in [NegotiateFlags::EXTENDED_SESSIONSECURITY, NegotiateFlags::KEY_128] {
        assert!(matches!(less(flag, &server()), Err(NtlmError::TooWeak { .. })));
        less(flag, &server().with_policy(lenient())).unwrap();
    }
    // Sealing is the client's to leave out; the context says so.
    let flags = less(NegotiateFlags::SEAL, &server()).unwrap();
    assert!(!flags.contains(ContextFlags::CONFIDENTIALITY));
    assert!(flags.contains(ContextFlags::INTEGRITY));
}

/// MS-NLMP 3.2.5.1.2: clients that hash an empty domain whatever they say.
#[test]
fn an_empty_domain_may_be_hashed() {
    let hashed = |hashed_domain| {
        let answer = Answer {
            hashed_domain,
            ..Answer::GOOD
        };
        answer.given_to(&server()).map(drop)
    };
    assert_eq!(hashed(""), Ok(()));
    assert!(matches!(hashed("dom"), Err(NtlmError::LoginFailed { .. })));
}

/// A client that is nobody gets no protection of messages, whatever was negotiated before it said so.
#[test]
fn nobody_has_no_keys() {
    let talk = talk(client(), &server().with_policy(lenient())).unwrap();
    let message = rewritten(&talk, |message| {
        (message.user, message.nt_response, message.lm_response) = (&[], &[], &[0]);
    });
    let (_, mut context) = done(talk.server.step(&message, now(), &mut rng(5)).unwrap());
    assert_eq!(context.flags(), ContextFlags::ANONYMOUS);
    assert!(context.session_key().is_none());
    assert!(context.wrap(true, b"x", &mut rng(5)).is_err());
}

/// What is computed for a user that there is not never logs in, even by who could know it.
#[test]
fn the_hash_that_nobody_has_is_nobodys() {
    use rand_core::Rng;
    let mut hash = [0; 16];
    rng(5).fill_bytes(&mut hash);
    let params = NtlmInitiatorParams::with_hash("DOM", "nobody", NtHash::from_bytes(hash));
    let talk = talk(params, &server()).unwrap();
    let message = talk.authenticate.clone();
    // The acceptor's generator gives the same 16 octets.
    assert!(matches!(
        server_says(talk, &message),
        Err(NtlmError::LoginFailed { .. })
    ));
}

/// With extended session security the client's challenge is part of a version 1 response: one made without it, which
/// tables exist for, is refused.
#[test]
fn version_1_with_extended_session_security_has_the_clients_challenge() {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    let server = server().with_policy(policy);
    let talk = talk(client().with_policy(policy).with_v1(true), &server).unwrap();
    let challenge = ChallengeMessage::parse(&talk.challenge).unwrap();
    let hash = NtHash::from_password(&Password::from(PASSWORD)).unwrap();
    let plain = response::v1_response(&hash, &challenge.server_challenge, None);
    let message = rewritten(&talk, |message| {
        message.lm_response = &[];
        message.nt_response = plain.to_vec().leak();
    });
    assert!(matches!(
        server_says(talk, &message),
        Err(NtlmError::Malformed { .. })
    ));
}
