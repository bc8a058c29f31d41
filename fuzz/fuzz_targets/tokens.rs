//! Bytes from a peer into every state of a context: first tokens, later legs of SPNEGO, replies to an initiator,
//! messages of an established context; into an authenticator's checksum, which only a client with a ticket can fill; and
//! into a change of password that waits for its answer.
#![no_main]

#[path = "../common/realm.rs"]
mod realm;

use std::cell::RefCell;
use std::sync::Arc;

use kerbside_asn1::{AdType, KpasswdReply, encode, gss_token, oids};
use kerbside_crypto::{ChecksumType, EncryptionType, Key, LongTermKey, Password};
use kerbside_gss::{
    Acceptor, AcceptorParams, BindingPolicy, ChannelBindings, GssName, Initiator, InitiatorParams,
    LocalNames, Mechanism, MemoryKeys, SecurityContext, ServiceKey, ServiceName, Step,
};
use kerbside_protocol::{ApInitiator, ApParams, Credential, KpasswdExchange, KpasswdParams};
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use realm::{AlwaysFresh, credential, now};

struct World {
    rng: ChaCha20Rng,
    credential: Credential,
    acceptor: Acceptor,
    ends: [Box<SecurityContext>; 2],
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let enctype = EncryptionType::AES128_CTS_HMAC_SHA1_96;
        let service_key = Key::generate(enctype, &mut rng).unwrap();
        let credential = credential(&service_key, &mut rng);
        let key = ServiceKey {
            principal: credential.server.clone(),
            kvno: 1,
            key: Arc::new(LongTermKey::from(service_key)),
        };
        let service = ServiceName::Principal(credential.server.clone());
        let bindings = Some(ChannelBindings::tls_unique(b"channel"));
        let params = AcceptorParams::new(
            Arc::new(MemoryKeys::new(vec![key])),
            service,
            Arc::new(AlwaysFresh),
        )
        .with_channel_bindings(bindings, BindingPolicy::WhenSupported);
        let acceptor = Acceptor::new(params);
        let ends = established(&credential, &acceptor, &mut rng);
        Self {
            rng,
            credential,
            acceptor,
            ends,
        }
    }

    fn initiator(&mut self, spnego: bool) -> Box<dyn Mechanism> {
        let params = InitiatorParams::new(self.credential.clone()).with_spnego(spnego);
        let Step::Continue { next, .. } = Initiator::krb5(params)
            .unwrap()
            .start(now(), &mut self.rng)
            .unwrap()
        else {
            panic!("mutual authentication takes an answer")
        };
        next
    }

    /// An acceptor that chose Kerberos, having seen this list of mechanisms, and waits for its token.
    fn waiting_acceptor(&mut self, init: &[u8]) -> Box<dyn Mechanism> {
        match self.acceptor.step(init, now(), &mut self.rng).unwrap() {
            Step::Continue { next, .. } => next,
            _ => panic!("no token yet, so no end"),
        }
    }
}

fn established(
    credential: &Credential,
    acceptor: &Acceptor,
    rng: &mut ChaCha20Rng,
) -> [Box<SecurityContext>; 2] {
    let params = InitiatorParams::new(credential.clone()).with_spnego(false);
    let Step::Continue { token, next } = Initiator::krb5(params).unwrap().start(now(), rng).unwrap() else {
        panic!()
    };
    let Step::Done {
        token: Some(token),
        context: accepted,
        ..
    } = acceptor.step(&token, now(), rng).unwrap()
    else {
        panic!()
    };
    let Step::Done {
        context: initiated, ..
    } = next.step(&token, now(), rng).unwrap()
    else {
        panic!()
    };
    [initiated, accepted]
}

/// NegTokenInits without a token: Kerberos first, and Kerberos second, after which MICs are required.
fn inits() -> [Vec<u8>; 2] {
    let list = |mechs: &[kerbside_asn1::ObjectIdentifier]| {
        let list = encode(&mechs.to_vec()).unwrap();
        let init = kerbside_asn1::NegTokenInit {
            mech_types: kerbside_asn1::Raw::parse(&list).unwrap(),
            req_flags: None,
            mech_token: None,
            mech_list_mic: None,
        };
        gss_token::wrap(
            oids::SPNEGO,
            &encode(&kerbside_asn1::NegotiationToken::Init(init)).unwrap(),
        )
    };
    [list(&[oids::KRB5]), list(&[oids::NEGOEX, oids::MS_KRB5])]
}

fuzz_target!(|bytes: &[u8]| {
    WORLD.with_borrow_mut(|world| {
        context_tokens(world, bytes);
        messages(world, bytes);
        checksum(world, bytes);
        kpasswd(world, bytes);
    });
    names(bytes);
});

fn context_tokens(world: &mut World, bytes: &[u8]) {
    let first = world.acceptor.clone().step(bytes, now(), &mut world.rng);
    if let Ok(Step::Continue { next, .. }) = first {
        let _ = next.step(bytes, now(), &mut world.rng);
    }
    for init in inits() {
        let waiting = world.waiting_acceptor(&init);
        let _ = waiting.step(bytes, now(), &mut world.rng);
    }
    for spnego in [false, true] {
        let waiting = world.initiator(spnego);
        assert!(
            waiting.step(bytes, now(), &mut world.rng).is_err(),
            "nobody but the acceptor can answer"
        );
    }
    let params = InitiatorParams::new(world.credential.clone());
    let _ = Initiator::krb5(params)
        .unwrap()
        .answer(bytes, now(), &mut world.rng);
}

fn messages(world: &mut World, bytes: &[u8]) {
    for end in &mut world.ends {
        assert!(
            end.unwrap(bytes).is_err() && end.verify_mic(b"message", bytes).is_err(),
            "keys are secret"
        );
        assert!(end.unwrap_in_place(&mut bytes.to_vec(), true).is_err());
    }
    // Whatever the message, one end opens what the other makes, in place or not.
    let [initiator, acceptor] = &mut world.ends;
    let confidential = bytes.first().is_some_and(|octet| octet & 1 == 0);
    let mut token = initiator.wrap(confidential, bytes, &mut world.rng).unwrap();
    assert_eq!(
        acceptor
            .unwrap_in_place(&mut token, confidential)
            .unwrap()
            .message,
        bytes
    );
    // And no octet of it can be altered but the rotation count by a multiple of its length.
    let token = acceptor.wrap(confidential, b"altered", &mut world.rng).unwrap();
    let mut altered = token.clone();
    for (octet, change) in altered.iter_mut().zip(bytes) {
        *octet ^= change;
    }
    if let Ok(opened) = initiator.unwrap(&altered) {
        assert_eq!(opened.message, b"altered");
        altered[6..8].copy_from_slice(&token[6..8]);
        assert!(altered[..16] == token[..16]);
    }
}

/// A client with a ticket may put anything into the checksum and the authorization data of its authenticator.
fn checksum(world: &mut World, bytes: &[u8]) {
    let params = ApParams {
        checksum: Some((ChecksumType::GSS_AUTHENTICATOR, bytes.to_vec())),
        authorization_data: vec![
            (AdType::AD_IF_RELEVANT, bytes.to_vec()),
            (AdType::AD_AP_OPTIONS, bytes.to_vec()),
        ],
        ..ApParams::default()
    };
    let (message, _) = ApInitiator::start(&world.credential, params, now(), &mut world.rng).unwrap();
    let token = gss_token::wrap(oids::KRB5, &[&[1, 0], &message[..]].concat());
    let _ = world.acceptor.clone().step(&token, now(), &mut world.rng);
}

/// An exported name that is read is written as one that is the same, and no text of any type panics.
fn names(bytes: &[u8]) {
    let nothing = LocalNames::new();
    if let Ok(name) = GssName::from_exported(bytes) {
        let token = name
            .export(&nothing)
            .expect("an exported name leaves nothing open");
        let again = GssName::from_exported(&token).expect("what was written can be read");
        assert_eq!(again.export(&nothing).as_ref(), Ok(&token));
    }
    for name_type in [
        oids::NT_HOSTBASED_SERVICE,
        oids::NT_DOMAINBASED_SERVICE,
        oids::NT_USER_NAME,
        oids::NT_KRB5_NAME,
        oids::NT_KRB5_ENTERPRISE_NAME,
    ] {
        if let Ok(name) = GssName::import(bytes, &name_type) {
            let _ = (
                name.to_principal(&nothing),
                name.to_service(None),
                name.to_string(),
            );
        }
    }
}

/// Bytes as they are, and as the two messages of a frame whose lengths fit.
fn kpasswd(world: &mut World, bytes: &[u8]) {
    let mut credential = world.credential.clone();
    credential.server = KpasswdExchange::service(&credential.client.realm);
    let params = KpasswdParams::new(Password::from("new"));
    let middle = bytes.len() / 2;
    let framed = KpasswdReply::Protected {
        version: 1,
        ap_rep: &bytes[..middle],
        krb_priv: &bytes[middle..],
    };
    for reply in [Some(bytes.to_vec()), framed.to_bytes()].into_iter().flatten() {
        let (_, pending) = KpasswdExchange::start(&credential, &params, now(), &mut world.rng).unwrap();
        assert!(pending.reply(&reply).is_err(), "nobody but the server can answer");
    }
}
