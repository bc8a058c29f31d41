//! NTLM: bytes as each of the three messages and as a user file; whole exchanges with somebody on the way who edits what
//! passes; messages of a context that nobody made.
#![no_main]

use std::cell::RefCell;
use std::sync::Arc;

use kerbside_crypto::Password;
use kerbside_gss::{Acceptor, Initiator, SecurityContext, Step};
use kerbside_ntlm::{
    AuthenticateMessage, AvPairs, ChallengeMessage, KeyStrength, MicPolicy, NegotiateMessage, NtHashSource,
    NtlmAcceptorParams, NtlmInitiatorParams, NtlmPolicy, TimestampPolicy, UserFile,
};
use kerbside_protocol::Now;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

thread_local! {
    static ENDS: RefCell<[Box<SecurityContext>; 2]> = RefCell::new({
        let (ours, theirs) = exchange(NtlmPolicy::STRICT, false, |_, _| {}).expect("a good exchange");
        [ours, theirs]
    });
}

fn now() -> Now {
    Now::new(1_800_000_000, 1).expect("a moment")
}

fn lenient() -> NtlmPolicy {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    policy.allow_without_extended_session_security = true;
    policy.allow_anonymous = true;
    policy.allow_oem = true;
    policy.key_strength_min = KeyStrength::Bits40;
    policy.mic = MicPolicy::WhenAnnounced;
    policy.timestamp = TimestampPolicy::Off;
    policy
}

/// Initiator and acceptor, with `on_the_way` seeing each message and its number; none if one of them refused.
fn exchange(
    policy: NtlmPolicy,
    v1: bool,
    mut on_the_way: impl FnMut(usize, &mut Vec<u8>),
) -> Option<(Box<SecurityContext>, Box<SecurityContext>)> {
    let mut rng = ChaCha20Rng::seed_from_u64(1);
    let users = UserFile::parse(b"DOM:alice:secret\n", "SERVER").expect("a good file");
    let params = NtlmAcceptorParams::new(Arc::new(users), "SERVER")
        .with_domain("DOM")
        .with_policy(policy);
    let acceptor = Acceptor::with_mechanisms(vec![params.into_mechanism()]);
    let params =
        NtlmInitiatorParams::new("DOM", "alice", &Password::from("secret")).expect("a good password");
    let params = params.with_policy(policy).with_v1(v1).with_target("HTTP/server");
    let first = Initiator::raw(params.into_mechanism().expect("good parameters")).start(now(), &mut rng);
    let Ok(Step::Continue {
        mut token,
        next: client,
    }) = first
    else {
        panic!("no NEGOTIATE");
    };
    on_the_way(0, &mut token);
    let Ok(Step::Continue {
        mut token,
        next: server,
    }) = acceptor.step(&token, now(), &mut rng)
    else {
        return None;
    };
    on_the_way(1, &mut token);
    let Ok(Step::Done {
        token: Some(mut token),
        context: ours,
        ..
    }) = client.step(&token, now(), &mut rng)
    else {
        return None;
    };
    on_the_way(2, &mut token);
    match server.step(&token, now(), &mut rng) {
        Ok(Step::Done { context, .. }) => Some((ours, context)),
        _ => None,
    }
}

/// Edits of the message that their first octet names: replaced whole, cut, or octets changed.
fn edited(data: &[u8], policy: NtlmPolicy, v1: bool) -> (bool, bool) {
    let mut changed = false;
    let both = exchange(policy, v1, |number, token| {
        let before = token.clone();
        match data {
            [message, how, rest @ ..] if usize::from(message % 3) == number => match how % 3 {
                0 => *token = rest.to_vec(),
                1 => token.truncate(rest.len()),
                _ => {
                    for edit in rest.chunks_exact(3) {
                        let at = usize::from(u16::from_le_bytes([edit[0], edit[1]])) % token.len().max(1);
                        if let Some(octet) = token.get_mut(at) {
                            *octet ^= edit[2];
                        }
                    }
                }
            },
            _ => {}
        }
        changed |= *token != before;
    });
    if let Some((_, theirs)) = &both {
        let client = theirs.client().to_string();
        assert!(
            client == "alice@DOM" || client == "ANONYMOUS LOGON@NT AUTHORITY",
            "{client}"
        );
    }
    (changed, both.is_some())
}

fuzz_target!(|data: &[u8]| {
    if let Ok(message) = NegotiateMessage::parse(data) {
        let bytes = message.to_bytes().expect("what was read can be written");
        let again = NegotiateMessage::parse(&bytes).expect("and read again");
        assert_eq!(
            (again.flags, again.domain, again.workstation),
            (message.flags, message.domain, message.workstation)
        );
    }
    if let Ok(message) = ChallengeMessage::parse(data) {
        let bytes = message.to_bytes().expect("what was read can be written");
        let again = ChallengeMessage::parse(&bytes).expect("and read again");
        assert_eq!(again.target_info, message.target_info);
    }
    if let Ok(message) = AuthenticateMessage::parse(data) {
        let bytes = message.to_bytes().expect("what was read can be written");
        let again = AuthenticateMessage::parse(&bytes).expect("and read again");
        assert_eq!(again.nt_response, message.nt_response);
    }
    if let Ok(pairs) = AvPairs::parse(data) {
        let _ = (pairs.flags(), pairs.timestamp(), pairs.channel_bindings());
        pairs.iter().for_each(|(id, _)| drop(pairs.text(id)));
    }
    if let Ok(users) = UserFile::parse(data, "HERE") {
        let _ = users.find("", "alice");
    }
    // With a MIC nothing that was changed on the way comes to a context.
    let (changed, stands) = edited(data, NtlmPolicy::STRICT, false);
    assert!(!(changed && stands), "an altered message was accepted");
    edited(data, lenient(), false);
    edited(data, lenient(), true);
    ENDS.with_borrow_mut(|ends| {
        for end in ends {
            assert!(end.unwrap(data).is_err());
            assert!(end.verify_mic(b"message", data).is_err());
        }
    });
});
