//! A realm in memory with its users, services and clocks.

use std::collections::BTreeMap;
use std::sync::Arc;

use kerbside_asn1::{ErrorCode, KerberosTime, Principal, Realm, Ticket, TicketFlags};
use kerbside_crypto::{EncryptionType, IterationLimits, Key, LongTermKey, Password};
use kerbside_kdc::{
    Attributes, AuditRecord, ClientAddress, Kdc, KdcPolicy, KeyData, Outcome, PrincipalEntry, RequestContext,
    StoreUpdate, Transport,
};
use kerbside_protocol::{
    Answer, AsDone, AsExchange, AsOutcome, AsParams, Credential, DecryptedTicket, KrbErrorFacts, Now,
    ProtocolError, TgsDone, TgsExchange, TgsOutcome, TgsParams,
};
use rand_chacha::ChaCha20Rng;
use rand_chacha::rand_core::SeedableRng;

pub(crate) const REALM: &str = "KERBSIDE.TEST";
pub(crate) const NOW: i64 = 1_700_000_000;
pub(crate) const HOUR: i64 = 3600;
pub(crate) const DAY: i64 = 24 * HOUR;
pub(crate) const ENCTYPES: [EncryptionType; 4] = [
    EncryptionType::AES256_CTS_HMAC_SHA1_96,
    EncryptionType::AES128_CTS_HMAC_SHA1_96,
    EncryptionType::AES256_CTS_HMAC_SHA384_192,
    EncryptionType::AES128_CTS_HMAC_SHA256_128,
];
/// Two iterations: nothing here is about the cost of a password.
const CHEAP: [u8; 4] = [0, 0, 0, 2];

pub(crate) struct World {
    pub(crate) kdc: Kdc,
    pub(crate) entries: BTreeMap<Principal, Arc<PrincipalEntry>>,
    /// The KDC's clock.
    pub(crate) now: i64,
    /// How far the client's clock is ahead of it.
    pub(crate) client_ahead: i64,
    pub(crate) transport: Transport,
    pub(crate) from: ClientAddress,
    pub(crate) rng: ChaCha20Rng,
    pub(crate) audit: Vec<AuditRecord>,
    pub(crate) updates: Vec<StoreUpdate>,
    ticks: u32,
}

pub(crate) fn principal(name: &str) -> Principal {
    Principal::parse(name, Some(&Realm::new(REALM))).unwrap()
}

pub(crate) fn time(seconds: i64) -> KerberosTime {
    KerberosTime::from_unix_seconds(seconds)
}

pub(crate) fn limits() -> IterationLimits {
    IterationLimits::with_min(1)
}

impl World {
    /// A realm with alice (password "secret", pre-authentication required), bob (password, none
    /// required) and the service HTTP/web, all four enctypes each.
    pub(crate) fn new() -> World {
        let mut policy = KdcPolicy::new(Realm::new(REALM));
        policy.max_renewable_life = 7 * DAY;
        let mut world = World {
            kdc: Kdc::new(policy),
            entries: BTreeMap::new(),
            now: NOW,
            client_ahead: 0,
            transport: Transport::Stream,
            from: ClientAddress::Socket("192.0.2.7:1234".parse().unwrap()),
            rng: ChaCha20Rng::seed_from_u64(1),
            audit: Vec::new(),
            updates: Vec::new(),
            ticks: 0,
        };
        world.add_service(&format!("krbtgt/{REALM}"), 1);
        world.add_service("HTTP/web", 3);
        world.add_user("alice", "secret");
        world.add_user("bob", "hunter2");
        world.change("alice", |alice| alice.attributes |= Attributes::REQUIRES_PRE_AUTH);
        world
    }

    pub(crate) fn add_user(&mut self, name: &str, password: &str) {
        let principal = principal(name);
        let salt = principal.default_salt();
        let password = Password::from(password);
        let keys = ENCTYPES.map(|enctype| {
            let key = Key::from_password(enctype, &password, &salt, Some(&CHEAP), &limits()).unwrap();
            KeyData {
                s2kparams: Some(CHEAP.to_vec()),
                ..KeyData::new(1, LongTermKey::from(key))
            }
        });
        let mut entry = PrincipalEntry::new(principal, time(NOW));
        entry.keys = keys.into();
        entry.password_keys = true;
        entry.max_renewable_life = 7 * DAY;
        self.put(entry);
    }

    pub(crate) fn add_service(&mut self, name: &str, kvno: u32) {
        let mut entry = PrincipalEntry::new(principal(name), time(NOW));
        for enctype in ENCTYPES {
            let key = Key::generate(enctype, &mut self.rng).unwrap();
            entry.keys.push(KeyData::new(kvno, LongTermKey::from(key)));
        }
        entry.max_renewable_life = 7 * DAY;
        self.put(entry);
    }

    pub(crate) fn put(&mut self, entry: PrincipalEntry) {
        let entry = Arc::new(entry);
        for alias in &entry.aliases {
            self.entries.insert(alias.clone(), Arc::clone(&entry));
        }
        self.entries.insert(entry.principal.clone(), entry);
    }

    pub(crate) fn entry(&self, name: &str) -> Arc<PrincipalEntry> {
        Arc::clone(&self.entries[&principal(name)])
    }

    pub(crate) fn change(&mut self, name: &str, change: impl FnOnce(&mut PrincipalEntry)) {
        let mut entry = (*self.entry(name)).clone();
        change(&mut entry);
        self.put(entry);
    }

    pub(crate) fn policy(&mut self, change: impl FnOnce(&mut KdcPolicy)) {
        let mut policy = self.kdc.policy().clone();
        change(&mut policy);
        self.kdc = Kdc::new(policy);
    }

    /// The KDC's side of a round trip.
    pub(crate) fn handle(&mut self, request: &[u8]) -> Outcome {
        self.ticks += 1;
        let now = Now::new(self.now, self.ticks).unwrap();
        let context = RequestContext {
            now,
            from: self.from,
            transport: self.transport,
        };
        let entries = &self.entries;
        let outcome = self.kdc.handle_with(
            request,
            &context,
            &mut |name| Ok(entries.get(name).map(Arc::clone)),
            &mut self.rng,
        );
        self.audit.push(outcome.audit.clone());
        self.updates.extend(outcome.updates.iter().cloned());
        outcome
    }

    /// The error an outcome carries.
    pub(crate) fn error(&mut self, request: &[u8]) -> KrbErrorFacts {
        let reply = self.handle(request).reply.expect("an answer");
        KrbErrorFacts::parse(&reply).expect("an error")
    }

    pub(crate) fn client_now(&mut self) -> Now {
        self.ticks += 1;
        Now::new(self.now + self.client_ahead, self.ticks).unwrap()
    }

    pub(crate) fn login(&mut self, params: AsParams, password: &str) -> Result<AsDone, ProtocolError> {
        self.login_with(params, || Answer::Password(Password::from(password)))
    }

    pub(crate) fn login_with(
        &mut self,
        mut params: AsParams,
        answer: impl Fn() -> Answer,
    ) -> Result<AsDone, ProtocolError> {
        params.iteration_limits = limits();
        let now = self.client_now();
        let mut rng = ChaCha20Rng::from_rng(&mut self.rng);
        let mut outcome = AsExchange::start(params, now, &mut rng)?;
        loop {
            let now = self.client_now();
            outcome = match outcome {
                AsOutcome::Send {
                    request,
                    constraints,
                    pending,
                    ..
                } => {
                    if constraints.stream_only {
                        self.transport = Transport::Stream;
                    }
                    let reply = self.handle(&request).reply.expect("an answer");
                    pending.reply(&reply, now, &mut rng)?
                }
                AsOutcome::Ask { pending, .. } => pending.answer(answer(), now, &mut rng)?,
                AsOutcome::Done(done) => return Ok(*done),
                other => panic!("{other:?}"),
            };
        }
    }

    /// Alice's TGT.
    pub(crate) fn tgt(&mut self) -> Credential {
        self.login(AsParams::new(principal("alice")), "secret")
            .unwrap()
            .credential
    }

    /// Alice's TGT with options.
    pub(crate) fn tgt_with(&mut self, change: impl FnOnce(&mut AsParams)) -> Credential {
        let mut params = AsParams::new(principal("alice"));
        change(&mut params);
        self.login(params, "secret").unwrap().credential
    }

    pub(crate) fn ticket(&mut self, params: TgsParams) -> Result<TgsDone, ProtocolError> {
        let now = self.client_now();
        let mut rng = ChaCha20Rng::from_rng(&mut self.rng);
        let mut outcome = TgsExchange::start(params, now, &mut rng)?;
        loop {
            outcome = match outcome {
                TgsOutcome::Send {
                    request,
                    constraints,
                    pending,
                    ..
                } => {
                    if constraints.stream_only {
                        self.transport = Transport::Stream;
                    }
                    let now = self.client_now();
                    let reply = self.handle(&request).reply.expect("an answer");
                    pending.reply(&reply, now)?
                }
                TgsOutcome::Done(done) => return Ok(*done),
                other => panic!("{other:?}"),
            };
        }
    }

    /// What the service reads in a ticket.
    pub(crate) fn read(&self, server: &str, credential: &Credential) -> DecryptedTicket {
        let ticket: Ticket<'_> = kerbside_asn1::decode(&credential.ticket).unwrap();
        let entry = self.entry(server);
        let key = entry
            .key(ticket.enc_part.kvno.unwrap(), ticket.enc_part.etype)
            .unwrap();
        DecryptedTicket::decrypt(&ticket, &key.key).unwrap()
    }

    /// The last audit line.
    pub(crate) fn last_line(&self) -> String {
        self.audit.last().unwrap().to_string()
    }
}

/// The KDC's code in a client's error.
pub(crate) fn code<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> ErrorCode {
    match result.expect_err("refused") {
        ProtocolError::Refused(refusal) => refusal.code,
        ProtocolError::ClockSkew { .. } => ErrorCode::KRB_AP_ERR_SKEW,
        other => panic!("not a refusal of the KDC: {other}"),
    }
}

/// The KDC's text in a client's error.
pub(crate) fn text<T: std::fmt::Debug>(result: Result<T, ProtocolError>) -> String {
    match result.expect_err("refused") {
        ProtocolError::Refused(refusal) => String::from_utf8(refusal.e_text.unwrap()).unwrap(),
        other => panic!("not a refusal of the KDC: {other}"),
    }
}

/// Flags by name, for readable comparisons.
pub(crate) fn names(flags: TicketFlags) -> Vec<&'static str> {
    flags.names().collect()
}
