//! A realm for tests: tickets forged with the service's key, a virtual clock, a seeded generator, and a client and a
//! service in one process.
#![allow(clippy::unwrap_used, clippy::panic, reason = "tests fail by panicking")]

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec;
use alloc::vec::Vec;
use std::sync::Mutex;

use kerbside_asn1::{
    self as asn1, EncTicketPart, EncryptedData, EncryptionKey, KerberosTime, Principal, Ticket, TicketFlags,
    TransitedEncoding, TransitedType,
};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key, KeyUsage, LongTermKey, SessionKey};
use kerbside_protocol::{Credential, Now, ReplayCache, ReplayTag, ReplayWindow, Verdict};
use rand_chacha::ChaCha20Rng;
use rand_core::SeedableRng;

use crate::{
    Acceptor, AcceptorParams, GssError, Initiator, InitiatorParams, Mechanism, MemoryKeys, SecurityContext,
    ServiceKey, ServiceName, Step,
};

/// Some moment, in Unix seconds.
pub(crate) const START: i64 = 1_800_000_000;

/// A replay cache behind a lock.
#[derive(Debug)]
pub(crate) struct SharedReplay(Mutex<ReplayWindow>);

impl SharedReplay {
    pub(crate) fn new() -> Arc<Self> {
        let long_ago = Now::new(START - 100_000, 0).unwrap();
        Arc::new(Self(Mutex::new(ReplayWindow::new(1000, long_ago, 300))))
    }

    pub(crate) fn len(&self) -> usize {
        self.0.lock().unwrap().len()
    }
}

impl ReplayCache for SharedReplay {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        self.0.lock().unwrap().check(tag, now)
    }
}

pub(crate) struct TestRealm {
    pub(crate) rng: ChaCha20Rng,
    usec: u32,
    pub(crate) seconds: i64,
    pub(crate) service: Principal,
    pub(crate) client: Principal,
    pub(crate) service_key: Arc<LongTermKey>,
    pub(crate) session_enctype: EncryptionType,
    pub(crate) replay: Arc<SharedReplay>,
}

impl TestRealm {
    pub(crate) fn new(ticket_enctype: EncryptionType, session_enctype: EncryptionType) -> Self {
        let mut rng = ChaCha20Rng::seed_from_u64(1);
        let service_key = Arc::new(LongTermKey::from(
            Key::generate_with_policy(ticket_enctype, &mut rng, &EnctypePolicy::ALLOW_ALL).unwrap(),
        ));
        Self {
            rng,
            usec: 0,
            seconds: START,
            service: Principal::new("EXAMPLE.COM", &["HTTP", "www.example.com"]),
            client: Principal::new("EXAMPLE.COM", &["alice", "admin"]),
            service_key,
            session_enctype,
            replay: SharedReplay::new(),
        }
    }

    /// The time, never the same twice.
    pub(crate) fn now(&mut self) -> Now {
        self.usec += 1;
        Now::new(self.seconds, self.usec).unwrap()
    }

    /// A ticket for our service from an hour ago to an hour from now.
    pub(crate) fn credential(&mut self) -> Credential {
        self.credential_with(|_| {})
    }

    /// The same, with its encrypted part altered before it is encrypted.
    pub(crate) fn credential_with(&mut self, alter: impl FnOnce(&mut EncTicketPart<'_>)) -> Credential {
        let session_key =
            Key::generate_with_policy(self.session_enctype, &mut self.rng, &EnctypePolicy::ALLOW_ALL)
                .unwrap();
        let at = |seconds| KerberosTime::from_unix_seconds(START + seconds);
        let mut part = EncTicketPart {
            flags: TicketFlags::INITIAL | TicketFlags::PRE_AUTHENT,
            key: EncryptionKey {
                keytype: session_key.enctype(),
                keyvalue: session_key.expose_secret(),
            },
            crealm: self.client.realm.to_wire(),
            cname: self.client.name.to_wire(),
            transited: TransitedEncoding {
                tr_type: TransitedType(1),
                contents: b"",
            },
            authtime: at(-7200),
            starttime: Some(at(-3600)),
            endtime: at(3600),
            renew_till: None,
            caddr: None,
            authorization_data: None,
        };
        alter(&mut part);
        let flags = part.flags;
        let (auth_time, start_time, end_time) = (
            part.authtime,
            part.starttime.unwrap_or(part.authtime),
            part.endtime,
        );
        let plain = asn1::encode(&part).unwrap();
        let cipher = self
            .service_key
            .encrypt(KeyUsage::TICKET, &plain, &mut self.rng)
            .unwrap();
        let ticket = asn1::encode(&Ticket {
            tkt_vno: 5,
            realm: self.service.realm.to_wire(),
            sname: self.service.name.to_wire(),
            enc_part: EncryptedData {
                etype: self.service_key.enctype(),
                kvno: Some(3),
                cipher: &cipher,
            },
        })
        .unwrap();
        Credential {
            client: self.client.clone(),
            server: self.service.clone(),
            session_key: SessionKey::from(session_key),
            auth_time,
            start_time,
            end_time,
            renew_till: KerberosTime::EPOCH,
            is_skey: false,
            flags,
            addresses: vec![],
            authdata: vec![],
            ticket,
            second_ticket: vec![],
        }
    }

    pub(crate) fn keys(&self) -> Arc<MemoryKeys> {
        Arc::new(MemoryKeys::new(vec![self.service_key(3)]))
    }

    pub(crate) fn service_key(&self, kvno: u32) -> ServiceKey {
        ServiceKey {
            principal: self.service.clone(),
            kvno,
            key: Arc::clone(&self.service_key),
        }
    }

    pub(crate) fn acceptor_params(&self) -> AcceptorParams {
        let service = ServiceName::Principal(self.service.clone());
        AcceptorParams::new(self.keys(), service, self.replay.clone())
    }

    pub(crate) fn acceptor(&self) -> Acceptor {
        Acceptor::new(self.acceptor_params())
    }

    /// Both ends of a context, and the tokens that went between them.
    pub(crate) fn establish(
        &mut self,
        params: InitiatorParams,
        acceptor: &Acceptor,
    ) -> Result<Established, GssError> {
        let initiator = Initiator::krb5(params)?;
        let now = self.now();
        let first = initiator.start(now, &mut self.rng)?;
        self.converse(first, |token, now, rng| acceptor.step(token, now, rng))
    }

    /// Carries tokens between an initiator that made its first one and an acceptor that did nothing yet.
    pub(crate) fn converse(
        &mut self,
        first: Step,
        accept: impl FnOnce(&[u8], Now, &mut ChaCha20Rng) -> Result<Step, GssError>,
    ) -> Result<Established, GssError> {
        let mut tokens = Vec::new();
        let mut initiator = End::from(first);
        let now = self.now();
        let token = initiator.token.take().unwrap();
        let step = accept(&token, now, &mut self.rng);
        tokens.push(token);
        let mut acceptor = End::from(step?);
        loop {
            let now = self.now();
            if let Some(token) = acceptor.token.take() {
                if initiator.context.is_some() && acceptor.bare {
                    break;
                }
                initiator.step(&token, now, &mut self.rng)?;
                tokens.push(token);
            } else if let Some(token) = initiator.token.take() {
                acceptor.step(&token, now, &mut self.rng)?;
                tokens.push(token);
            } else {
                break;
            }
        }
        Ok(Established {
            initiator: initiator.context.unwrap(),
            acceptor: acceptor.context.unwrap(),
            tokens,
        })
    }
}

/// Both ends, established.
#[derive(Debug)]
pub(crate) struct Established {
    pub(crate) initiator: Box<SecurityContext>,
    pub(crate) acceptor: Box<SecurityContext>,
    pub(crate) tokens: Vec<Vec<u8>>,
}

impl Established {
    /// Messages in both directions, sealed, signed and with MICs.
    pub(crate) fn exchange_messages(&mut self, rng: &mut ChaCha20Rng) {
        messages(&mut self.initiator, &mut self.acceptor, rng);
        messages(&mut self.acceptor, &mut self.initiator, rng);
    }
}

fn messages(from: &mut SecurityContext, to: &mut SecurityContext, rng: &mut ChaCha20Rng) {
    use crate::SequenceFinding::InSequence;
    let sealed = from.wrap(true, b"sealed", rng).unwrap();
    let opened = to.unwrap_confidential(&sealed).unwrap();
    assert_eq!(
        (opened.message.as_slice(), opened.sequence),
        (&b"sealed"[..], InSequence)
    );
    let signed = from.wrap(false, b"signed", rng).unwrap();
    let opened = to.unwrap(&signed).unwrap();
    assert_eq!(
        (opened.message.as_slice(), opened.confidential),
        (&b"signed"[..], false)
    );
    assert!(to.unwrap_confidential(&signed).is_err());
    let mic = from.get_mic(b"apart").unwrap();
    assert_eq!(to.verify_mic(b"apart", &mic).unwrap(), InSequence);
    assert!(from.verify_mic(b"apart", &mic).is_err());
}

/// One end while tokens go back and forth.
struct End {
    token: Option<Vec<u8>>,
    bare: bool,
    next: Option<Box<dyn Mechanism>>,
    context: Option<Box<SecurityContext>>,
}

impl From<Step> for End {
    fn from(step: Step) -> Self {
        match step {
            Step::Continue { token, next } => Self {
                token: Some(token),
                bare: false,
                next: Some(next),
                context: None,
            },
            Step::Done {
                token,
                token_is_bare_success: bare,
                context,
            } => Self {
                token,
                bare,
                next: None,
                context: Some(context),
            },
            Step::NeedTicket { request, .. } => panic!("a ticket is needed: {request:?}"),
        }
    }
}

impl End {
    fn step(&mut self, token: &[u8], now: Now, rng: &mut ChaCha20Rng) -> Result<(), GssError> {
        let Some(next) = self.next.take() else {
            panic!("a token for an end that is done: {token:02x?}")
        };
        *self = Self::from(next.step(token, now, rng)?);
        Ok(())
    }
}

/// Where the contents of an element lie in DER bytes; `path` are the places of the elements among their siblings.
pub(crate) fn locate(bytes: &[u8], start: usize, path: &[usize]) -> core::ops::Range<usize> {
    let mut at = start;
    let mut content = element(bytes, at).1;
    for place in path {
        at = content.start;
        for _ in 0..*place {
            at = element(bytes, at).1.end;
        }
        content = element(bytes, at).1;
    }
    content
}

/// Tag and place of the contents of the element at `at`.
fn element(bytes: &[u8], at: usize) -> (u8, core::ops::Range<usize>) {
    let octet = |index: usize| usize::from(*bytes.get(index).unwrap());
    let tag = *bytes.get(at).unwrap();
    let first = octet(at + 1);
    if first < 0x80 {
        return (tag, at + 2..at + 2 + first);
    }
    let count = first & 0x7f;
    let length = (0..count).fold(0, |length, index| length << 8 | octet(at + 2 + index));
    (tag, at + 2 + count..at + 2 + count + length)
}
