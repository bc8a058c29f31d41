//! Packets from strangers into a KDC.
//!
//! An input whose first byte is 0, 1 or 2 is a list of edits (offset of two bytes, value to XOR) to a request that
//! would be granted: an AS-REQ, one with an encrypted timestamp, a TGS-REQ. Any other input is a packet as it comes,
//! to a KDC of the realm it asks for. Whatever comes, the reply is a well-formed KDC message, and what is itself a
//! reply or an error is not answered.
#![no_main]

use std::sync::Arc;

use kerbside_asn1::{
    AsRep, AsReq, KerberosTime, KrbError, MsgType, Principal, Realm, TgsRep, decode, peek_message,
};
use kerbside_crypto::{EncryptionType, Key, LongTermKey};
use kerbside_kdc::{
    Attributes, ClientAddress, Found, Kdc, KdcPolicy, KeyData, PrincipalEntry, RequestContext, Transport,
};
use kerbside_protocol::{
    Answer, AsExchange, AsOutcome, AsParams, Credential, Now, TgsExchange, TgsOutcome, TgsParams,
};
use libfuzzer_sys::fuzz_target;
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

const REALM: &str = "KERBSIDE.TEST";
const NOW: i64 = 1_700_000_000;
const EDITS_MAX: usize = 64;

thread_local! {
    static WORLD: World = World::new();
}

struct World {
    key: LongTermKey,
    kdc: Kdc,
    /// Requests that are granted as they stand.
    good: [Vec<u8>; 3],
}

fn now() -> Now {
    Now::new(NOW, 1).expect("a microsecond")
}

impl World {
    fn new() -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let key = Key::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut rng).expect("a supported type");
        let kdc = Kdc::new(KdcPolicy::new(Realm::new(REALM)));
        let mut world = World {
            key: key.into(),
            kdc,
            good: Default::default(),
        };
        let (plain, tgt) = world.login("bob", &mut rng);
        let (timestamp, _) = world.login("alice", &mut rng);
        let server = Principal::new(REALM, &["HTTP", "web"]);
        let outcome =
            TgsExchange::start(TgsParams::new(tgt, server), now(), &mut rng).expect("a good ticket");
        let TgsOutcome::Send { request, pending, .. } = outcome else {
            panic!("a request comes first")
        };
        let reply = world.handle(&world.kdc, &request).expect("an answer");
        pending.reply(&reply, now()).expect("a granted ticket");
        world.good = [plain, timestamp, request];
        world
    }

    /// The last request of a login and what it won.
    fn login(&self, name: &str, rng: &mut ChaCha20Rng) -> (Vec<u8>, Credential) {
        let params = AsParams::new(Principal::new(REALM, &[name]));
        let mut outcome = AsExchange::start(params, now(), rng).expect("a request");
        let mut last = Vec::new();
        loop {
            outcome = match outcome {
                AsOutcome::Send { request, pending, .. } => {
                    let reply = self.handle(&self.kdc, &request).expect("an answer");
                    last = request;
                    pending.reply(&reply, now(), rng).expect("a good reply")
                }
                AsOutcome::Ask { pending, .. } => pending
                    .answer(Answer::Key(self.key.clone()), now(), rng)
                    .expect("the right key"),
                AsOutcome::Done(done) => return (last, done.credential),
                other => panic!("{other:?}"),
            };
        }
    }

    /// Everybody exists but those whose name begins with "no"; alice must pre-authenticate.
    fn lookup(&self, principal: &Principal) -> Found {
        let first = principal.name.component(0).unwrap_or_default();
        if first.starts_with(b"no") {
            return Ok(None);
        }
        let mut entry = PrincipalEntry::new(principal.clone(), KerberosTime::from_unix_seconds(NOW));
        entry.keys.push(KeyData::new(1, self.key.clone()));
        if first == b"alice" {
            entry.attributes |= Attributes::REQUIRES_PRE_AUTH;
        }
        Ok(Some(Arc::new(entry)))
    }

    fn handle(&self, kdc: &Kdc, request: &[u8]) -> Option<Vec<u8>> {
        let transport = Transport::Datagram {
            reply_bytes_max: 4096,
        };
        let context = RequestContext {
            now: now(),
            from: ClientAddress::InProcess,
            transport,
        };
        let mut rng = ChaCha20Rng::seed_from_u64(2);
        kdc.handle_with(request, &context, &mut |name| self.lookup(name), &mut rng)
            .reply
    }

    fn edited(&self, which: u8, edits: &[u8]) -> Option<Vec<u8>> {
        let mut request = self.good.get(usize::from(which))?.clone();
        for edit in edits.chunks_exact(3).take(EDITS_MAX) {
            let [high, low, value] = edit else { break };
            if let Some(byte) = request.get_mut(usize::from(u16::from_be_bytes([*high, *low]))) {
                *byte ^= value;
            }
        }
        Some(request)
    }
}

fn check(request: &[u8], reply: Option<&[u8]>) {
    let Some(reply) = reply else { return };
    let is_reply = |kind| matches!(kind, MsgType::AS_REP | MsgType::TGS_REP | MsgType::KRB_ERROR);
    assert!(
        !peek_message(request).is_some_and(is_reply),
        "a reply was answered"
    );
    let is_message = decode::<KrbError<'_>>(reply).is_ok()
        || decode::<AsRep<'_>>(reply).is_ok()
        || decode::<TgsRep<'_>>(reply).is_ok();
    assert!(is_message, "the answer is no KDC message");
}

fuzz_target!(|bytes: &[u8]| {
    WORLD.with(|world| {
        let Some((first, edits)) = bytes.split_first() else {
            return;
        };
        if let Some(request) = world.edited(*first, edits) {
            check(&request, world.handle(&world.kdc, &request).as_deref());
            return;
        }
        let asked = decode::<AsReq<'_>>(bytes).map(|request| Realm::from_wire(request.req_body.realm));
        let kdc = Kdc::new(KdcPolicy::new(asked.unwrap_or(Realm::new(REALM))));
        check(bytes, world.handle(&kdc, bytes).as_deref());
    });
});
