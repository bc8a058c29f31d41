//! From realm to realm to a ticket: what [`ServiceExchange`] needs of a cache and of the network.

use std::sync::Arc;

use kerbside_asn1::{KerberosTime, Principal, Realm};
use kerbside_formats::Credential;
use kerbside_formats::krb5_conf::CaPath;
use kerbside_protocol::{
    ProtocolError, RealmPath, ServiceExchange, ServiceOutcome, ServiceParams, TgsArmor, TgsExchange,
    TgsOutcome, TgsParams,
};

use super::{Core, Identity, not_built};
use crate::attempt::Attempt;
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::random::Drawn;
use crate::request::{ServiceTicket, ServiceTicketOptions};
use crate::store::Opened;
use crate::trace;

/// The cache that a search starts from, as it was when the search began.
pub(super) struct Ground {
    /// One cache, not a collection.
    pub(super) name: CacheName,
    pub(super) cache: Arc<Opened>,
    /// The realm whose TGT everything starts from: the client's, unless its login was referred elsewhere.
    pub(super) start: Realm,
    pub(super) offset_seconds: i64,
    /// The KDC's time.
    pub(super) now: KerberosTime,
}

impl Ground {
    /// Whose requests these are: the ticket that they are made with.
    pub(super) fn identity(&self) -> Identity {
        Identity {
            cache: Arc::clone(&self.cache),
            tgt: self.own_tgt().map(|tgt| self.cache.shared(tgt)),
        }
    }

    /// The client's own ticket-granting ticket, valid or not.
    fn own_tgt(&self) -> Option<&Credential> {
        let realm = &self.start;
        let is_own = |server: &Principal| {
            server.realm == *realm && server.name.krbtgt_realm() == Some(realm.as_bytes())
        };
        self.cache
            .credentials()
            .filter(|credential| is_own(&credential.server))
            .max_by_key(|credential| credential.end_time)
    }

    /// The client's own ticket-granting ticket.
    pub(super) fn tgt(&self) -> Result<&Credential, Error> {
        let found = self.own_tgt();
        if let Some(tgt) = found.filter(|tgt| tgt.end_time > self.now) {
            trace::retrieved(&self.name, &self.cache.primary, &tgt.server, true);
            return Ok(tgt);
        }
        let wanted = Principal::krbtgt(&self.start, &self.start);
        trace::retrieved(&self.name, &self.cache.primary, &wanted, found.is_some());
        match found {
            Some(tgt) => Err(Error::TgtExpired {
                cache: self.name.clone(),
                server: Box::new(wanted),
                end: tgt.end_time,
                now: self.now,
            }),
            None => Err(Error::NoTgt {
                cache: self.name.clone(),
                wanted: Box::new(wanted),
                present: self
                    .cache
                    .credentials()
                    .map(|credential| credential.server.clone())
                    .collect(),
            }),
        }
    }

    /// A ticket-granting ticket for another realm, whoever issued it.
    pub(super) fn tgt_for(&self, realm: &Realm) -> Option<&Credential> {
        let found = self
            .cache
            .credentials()
            .filter(|credential| credential.server.name.krbtgt_realm() == Some(realm.as_bytes()))
            .filter(|credential| credential.client == self.cache.primary && credential.end_time > self.now)
            .max_by_key(|credential| credential.end_time);
        let named = Principal::krbtgt(realm, realm);
        trace::retrieved(&self.name, &self.cache.primary, &named, found.is_some());
        found
    }
}

impl<D: Driver> Core<D> {
    /// Opens the cache for a search.
    pub(super) async fn ground(&self, name: &CacheName) -> Result<Ground, Error> {
        // Once: while the KDC is asked, another program may switch the collection to another cache.
        let name = self.resolve_cache(name).await?;
        let cache = if matches!(name, CacheName::Memory(_)) {
            self.store.open(&name)?
        } else {
            let (store, snapshots, read) = (self.store.clone(), self.snapshots.clone(), name.clone());
            let read = move || snapshots.read(&store, &read);
            self.driver.offload(read).await??
        };
        let offset_seconds = self.offset_of(&cache);
        let start = cache.config("start_realm", None).map(Realm::new);
        Ok(Ground {
            start: start.unwrap_or_else(|| cache.primary.realm.clone()),
            now: clock::now().time.saturating_add_seconds(offset_seconds),
            offset_seconds,
            name,
            cache,
        })
    }

    /// What to ask for `server` with, as krb5.conf and the options say.
    pub(super) fn service_params(
        &self,
        ground: &Ground,
        server: Principal,
        options: &ServiceTicketOptions,
    ) -> ServiceParams {
        let mut params = ServiceParams::new(ground.start.clone(), server);
        if !params.server.realm.is_empty() && params.server.realm != params.start {
            params.path = self.realm_path(&params.start, &params.server.realm);
        }
        let libdefaults = self.libdefaults();
        let configured = &libdefaults.default_tgs_enctypes.enctypes;
        params.enctypes = options.enctypes.as_ref().unwrap_or(configured).clone();
        params.tgt_enctypes.clone_from(configured);
        params.enctype_policy = self.config.enctype_policy();
        // A KDC whose AS knows FAST may have a TGS that does not (Heimdal 7.8).
        params.armor = TgsArmor::Offered;
        params.clock_offset_seconds = ground.offset_seconds;
        params.skew_seconds_max = libdefaults.clockskew_seconds;
        params
    }

    /// The way between two realms: `[capaths]`, else the hierarchy of their names.
    fn realm_path(&self, client: &Realm, server: &Realm) -> RealmPath {
        let names = client.as_str().zip(server.as_str());
        match names.and_then(|(client, server)| self.config.krb5_conf().capath(client, server)) {
            Some(CaPath::Direct) => RealmPath::configured(client, server, []),
            Some(CaPath::Through(realms)) => {
                RealmPath::configured(client, server, realms.into_iter().map(Realm::from))
            }
            None => RealmPath::hierarchical(client, server),
        }
    }

    /// Walks to the service. Tickets won on the way go into the cache where `store` says so.
    pub(super) async fn walk(
        &self,
        ground: &Ground,
        params: ServiceParams,
        store: bool,
    ) -> Result<ServiceTicket, Error> {
        let mut asked = params.start.clone();
        let mut attempts = Vec::new();
        let mut rng = Drawn::default();
        let mut outcome = ServiceExchange::start(params);
        loop {
            let next = match outcome {
                ServiceOutcome::Done(done) => {
                    return Ok(ServiceTicket {
                        client_vouched: done.client_vouched,
                        credential: done.credential,
                        from_cache: false,
                        attempts,
                    });
                }
                ServiceOutcome::Need { realm, pending } => {
                    let found = if realm == ground.start {
                        Some(ground.tgt()?)
                    } else {
                        ground.tgt_for(&realm)
                    };
                    let found = found.map(|tgt| ground.cache.shared(tgt));
                    pending.answer(found, clock::now(), &mut rng)
                }
                ServiceOutcome::Won { tgt, pending } => {
                    if store {
                        self.add_to_cache(&ground.name, *tgt).await?;
                    }
                    pending.go_on(clock::now(), &mut rng)
                }
                ServiceOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    asked = realm;
                    let delivered = self.round_trip(request, &asked, constraints).await?;
                    attempts = delivered.attempts;
                    pending.reply(&delivered.reply, clock::now(), &mut rng)
                }
                _ => return Err(not_built("this step of the search for a ticket")),
            };
            outcome = next.map_err(|source| exchange_failed(&asked, source, &mut attempts))?;
        }
    }

    /// One TGS exchange.
    pub(super) async fn tgs(&self, params: TgsParams) -> Result<ServiceTicket, Error> {
        let server = params.server.clone();
        match self.tgs_or_referral(params).await? {
            Answered::Ticket(ticket) => Ok(*ticket),
            Answered::Referral { realm, .. } => Err(not_built(&format!(
                "a ticket of this kind from another realm: the KDC refers the request for {server} to {realm}"
            ))),
        }
    }

    /// One TGS exchange that may end in another realm's TGT.
    pub(super) async fn tgs_or_referral(&self, params: TgsParams) -> Result<Answered, Error> {
        let mut asked = params.server.realm.clone();
        let mut attempts = Vec::new();
        let mut outcome = TgsExchange::start(params, clock::now(), &mut Drawn::default())
            .map_err(|source| exchange_failed(&asked, source, &mut attempts))?;
        loop {
            let next = match outcome {
                TgsOutcome::Done(done) => {
                    return Ok(Answered::Ticket(Box::new(ServiceTicket {
                        client_vouched: done.client_vouched,
                        credential: done.credential,
                        from_cache: false,
                        attempts,
                    })));
                }
                TgsOutcome::Referral { tgt, realm } => return Ok(Answered::Referral { tgt, realm }),
                TgsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    asked = realm;
                    let delivered = self.round_trip(request, &asked, constraints).await?;
                    attempts = delivered.attempts;
                    pending.reply(&delivered.reply, clock::now())
                }
                _ => return Err(not_built("this step of the TGS exchange")),
            };
            outcome = next.map_err(|source| exchange_failed(&asked, source, &mut attempts))?;
        }
    }
}

/// How one TGS exchange ended.
pub(super) enum Answered {
    Ticket(Box<ServiceTicket>),
    Referral { tgt: Box<Credential>, realm: Realm },
}

pub(super) fn exchange_failed(realm: &Realm, source: ProtocolError, attempts: &mut Vec<Attempt>) -> Error {
    Error::Exchange {
        realm: realm.clone(),
        source: Box::new(source),
        attempts: std::mem::take(attempts),
    }
}
