//! SPNEGO with both ends here, Kerberos and NTLM at each in some order, and somebody in between who carries tokens in any
//! order to any end: as they are, altered, cut, with their parts put together anew. The input is the script of that.
//!
//! Beside the absence of panics: no acceptor stands for anybody but alice, and no end stands with a mechanism other than
//! its own first, unless both ends alone would have chosen that one. For the acceptor this holds if it takes no raw tokens.
#![no_main]

#[path = "../common/realm.rs"]
mod realm;

use std::cell::RefCell;
use std::sync::Arc;

use kerbside_asn1::{
    NegState, NegTokenInit, NegTokenResp, NegotiationToken, ObjectIdentifier, Raw, decode, encode, gss_token,
    oids,
};
use kerbside_crypto::{EncryptionType, Key, LongTermKey, Password};
use kerbside_gss::{
    Acceptor, AcceptorMechanism, AcceptorParams, ContextFlags, GssError, Initiator, InitiatorMechanism,
    InitiatorParams, Mechanism, MemoryKeys, SecurityContext, ServiceKey, ServiceName, Step, negoex,
};
use kerbside_ntlm::{NtHash, NtlmAcceptorParams, NtlmInitiatorParams, UserFile};
use kerbside_protocol::Credential;
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;
use realm::{AlwaysFresh, credential, now};

/// The most steps of one script.
const MAX_STEPS: usize = 24;

#[derive(Clone, Copy, PartialEq)]
enum Mech {
    Krb5,
    Ntlm,
}

use Mech::{Krb5, Ntlm};

const OFFERS: [&[Mech]; 4] = [&[Krb5], &[Ntlm, Krb5], &[Krb5, Ntlm], &[Ntlm]];

const OIDS: [ObjectIdentifier; 8] = [
    oids::KRB5,
    oids::MS_KRB5,
    oids::NTLMSSP,
    oids::NEGOEX,
    oids::KRB5_U2U,
    oids::SPNEGO,
    oids::IAKERB,
    oids::KRB5,
];

struct World {
    rng: ChaCha20Rng,
    credential: Credential,
    hash: NtHash,
    acceptors: [Acceptor; 4],
}

thread_local! {
    static WORLD: RefCell<World> = RefCell::new(World::new());
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let service_key = Key::generate(EncryptionType::AES128_CTS_HMAC_SHA1_96, &mut rng).unwrap();
        let credential = credential(&service_key, &mut rng);
        let key = ServiceKey {
            principal: credential.server.clone(),
            kvno: 1,
            key: Arc::new(LongTermKey::from(service_key)),
        };
        let service = ServiceName::Principal(credential.server.clone());
        let keys = Arc::new(MemoryKeys::new(vec![key]));
        let krb5 = AcceptorParams::new(keys, service, Arc::new(AlwaysFresh)).into_mechanism();
        let users = UserFile::parse(b"EXAMPLE:alice:password\n", "EXAMPLE").unwrap();
        let ntlm = NtlmAcceptorParams::new(Arc::new(users), "SERVER").into_mechanism();
        let of = |mech: &Mech| -> Arc<dyn AcceptorMechanism> {
            Arc::clone(if *mech == Krb5 { &krb5 } else { &ntlm })
        };
        Self {
            rng,
            credential,
            hash: NtHash::from_password(&Password::from("password")).unwrap(),
            acceptors: OFFERS.map(|list| Acceptor::with_mechanisms(list.iter().map(of).collect())),
        }
    }

    fn initiator(&self, list: &[Mech], mutual: bool, raw: bool) -> Initiator {
        let mut flags = ContextFlags::REPLAY | ContextFlags::SEQUENCE | ContextFlags::INTEGRITY;
        if mutual {
            flags = flags | ContextFlags::MUTUAL;
        }
        let of = |mech: &Mech| -> Box<dyn InitiatorMechanism> {
            match mech {
                Krb5 => InitiatorParams::new(self.credential.clone())
                    .with_flags(flags)
                    .into_mechanism()
                    .unwrap(),
                Ntlm => NtlmInitiatorParams::with_hash("EXAMPLE", "alice", self.hash.clone())
                    .into_mechanism()
                    .unwrap(),
            }
        };
        if raw {
            return Initiator::raw(of(&list[0]));
        }
        Initiator::negotiate(list.iter().map(of).collect())
    }
}

/// The input, read from its front; zeros behind its end.
struct Script<'a>(&'a [u8]);

impl<'a> Script<'a> {
    fn octet(&mut self) -> usize {
        let Some((first, rest)) = self.0.split_first() else {
            return 0;
        };
        self.0 = rest;
        usize::from(*first)
    }

    fn bytes(&mut self) -> &'a [u8] {
        let length = self.octet().min(self.0.len());
        let (bytes, rest) = self.0.split_at(length);
        self.0 = rest;
        bytes
    }
}

/// Whatever anybody said, with the parts of it.
#[derive(Default)]
struct Heard {
    tokens: Vec<Vec<u8>>,
    mech_tokens: Vec<Vec<u8>>,
    mics: Vec<Vec<u8>>,
}

impl Heard {
    fn add(&mut self, token: &[u8]) {
        self.tokens.push(token.to_vec());
        let inner = gss_token::unwrap(token).map_or(token, |(_, inner)| inner);
        let (mech_token, mic) = match decode::<NegotiationToken<'_>>(inner) {
            Ok(NegotiationToken::Init(init)) => (init.mech_token, init.mech_list_mic),
            Ok(NegotiationToken::Resp(resp)) => (resp.response_token, resp.mech_list_mic),
            _ => (Some(token), None),
        };
        self.mech_tokens.extend(mech_token.map(<[u8]>::to_vec));
        self.mics.extend(mic.map(<[u8]>::to_vec));
    }
}

fn pick<'a>(list: &'a [Vec<u8>], script: &mut Script<'_>) -> Option<&'a [u8]> {
    let count = list.len() + 1;
    list.get(script.octet() % count).map(Vec::as_slice)
}

/// A message that nobody sent, of parts that somebody sent.
fn forged(heard: &Heard, script: &mut Script<'_>) -> Vec<u8> {
    let shape = script.octet();
    let mech_token = pick(&heard.mech_tokens, script);
    let mic = pick(&heard.mics, script);
    if shape & 1 == 0 {
        let names: Vec<ObjectIdentifier> = (0..script.octet() % 5)
            .map(|_| OIDS[script.octet() % OIDS.len()])
            .collect();
        let list = encode(&names).unwrap();
        let init = NegTokenInit {
            mech_types: Raw::parse(&list).unwrap(),
            req_flags: None,
            mech_token,
            mech_list_mic: mic,
        };
        return gss_token::wrap(oids::SPNEGO, &encode(&NegotiationToken::Init(init)).unwrap());
    }
    let states = [
        None,
        Some(NegState::ACCEPT_COMPLETED),
        Some(NegState::ACCEPT_INCOMPLETE),
        Some(NegState::REQUEST_MIC),
        Some(NegState::REJECT),
    ];
    let resp = NegTokenResp {
        neg_state: states[(shape >> 1) % states.len()],
        supported_mech: (shape & 0x80 != 0).then(|| OIDS[script.octet() % OIDS.len()]),
        response_token: mech_token,
        mech_list_mic: mic,
    };
    encode(&NegotiationToken::Resp(resp)).unwrap()
}

/// What an end is given next.
fn carried(kind: usize, due: &[u8], heard: &Heard, script: &mut Script<'_>) -> Vec<u8> {
    let mut token = due.to_vec();
    match kind % 8 {
        0..=2 => {}
        3 => {
            let at = script.octet() << 8 | script.octet();
            let change = script.octet();
            if let Some(octet) = token.get_mut(at) {
                *octet ^= change as u8;
            }
        }
        4 => token.truncate(due.len() * script.octet() / 256),
        5 => token = pick(&heard.tokens, script).unwrap_or_default().to_vec(),
        6 => token = script.bytes().to_vec(),
        _ => token = forged(heard, script),
    }
    token
}

/// One end: what it waits with, and what it said last.
#[derive(Default)]
struct End {
    next: Option<Box<dyn Mechanism>>,
    said: Vec<u8>,
}

impl End {
    fn take(&mut self, result: Result<Step, GssError>, heard: &mut Heard) -> Option<Box<SecurityContext>> {
        let (token, next, context) = match result {
            Ok(Step::Continue { token, next }) => (Some(token), Some(next), None),
            Ok(Step::Done { token, context, .. }) => (token, None, Some(context)),
            Ok(_) => (None, None, None),
            Err(mut error) => (error.take_token(), None, None),
        };
        if let Some(token) = &token {
            heard.add(token);
        }
        (self.next, self.said) = (next, token.unwrap_or_default());
        context
    }
}

fn mech_of(context: &SecurityContext) -> Mech {
    if context.facts().mechanism == oids::NTLMSSP {
        Ntlm
    } else {
        Krb5
    }
}

fuzz_target!(|bytes: &[u8]| {
    if let Ok(messages) = negoex::parse(bytes) {
        let again = negoex::encode(&messages).unwrap();
        assert_eq!(negoex::parse(&again).unwrap(), messages);
    }
    WORLD.with_borrow_mut(|world| play(world, Script(bytes)));
});

fn play(world: &mut World, mut script: Script<'_>) {
    let setup = script.octet();
    let offered = OFFERS[setup & 3];
    let ours = OFFERS[setup >> 2 & 3];
    let (mutual, raw, acceptor_first) = (setup & 0x10 == 0, setup & 0x20 != 0, setup & 0x40 != 0);
    let honest = offered.iter().position(|mech| ours.contains(mech));
    let negotiated_only = setup & 0x80 != 0;
    let mut service = world.acceptors[setup >> 2 & 3].clone();
    if negotiated_only {
        service = service.negotiated_only();
    }
    let mut heard = Heard::default();
    let (mut client, mut server) = (End::default(), End::default());
    if acceptor_first {
        server.said = service.hello().unwrap();
        heard.add(&server.said);
    }
    for _ in 0..MAX_STEPS {
        let op = script.octet();
        if op & 1 == 0 {
            let result = match client.next.take() {
                Some(next) => next.step(
                    &carried(op >> 1, &server.said, &heard, &mut script),
                    now(),
                    &mut world.rng,
                ),
                None if acceptor_first && op & 0x40 != 0 => world.initiator(offered, mutual, raw).answer(
                    &carried(op >> 1, &server.said, &heard, &mut script),
                    now(),
                    &mut world.rng,
                ),
                None => world.initiator(offered, mutual, raw).start(now(), &mut world.rng),
            };
            if let Some(context) = client.take(result, &mut heard) {
                let place = offered.iter().position(|mech| *mech == mech_of(&context));
                assert!(
                    place == Some(0) || place == honest,
                    "a downgrade of the initiator"
                );
            }
        } else {
            let token = carried(op >> 1, &client.said, &heard, &mut script);
            let result = match server.next.take() {
                Some(next) => next.step(&token, now(), &mut world.rng),
                None => service.step(&token, now(), &mut world.rng),
            };
            if let Some(context) = server.take(result, &mut heard) {
                assert_eq!(context.client().name.components, [b"alice"]);
                let mech = mech_of(&context);
                let honest = honest.and_then(|place| offered.get(place));
                assert!(
                    !negotiated_only || ours[0] == mech || honest == Some(&mech),
                    "a downgrade of the acceptor"
                );
            }
        }
        if script.0.is_empty() {
            break;
        }
    }
}
