//! The exchanges as a client runs them, written once for both fronts.

use std::sync::Arc;
use std::time::Duration;

use kerbside_asn1::{KdcOptions, KerberosTime, PaDataType, Principal, Realm, SpakeGroup};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;
use kerbside_formats::ccache::{CredentialCache, KdcOffset};
use kerbside_formats::krb5_conf::LibDefaults;
use kerbside_protocol::{
    AsExchange, AsOutcome, AsParams, Constraints, ProtocolError, TgsExchange, TgsOutcome, TgsParams,
};

use crate::attempt::{Attempt, Transport};
use crate::clock;
use crate::config::Config;
use crate::driver::Driver;
use crate::error::Error;
use crate::locate;
use crate::names::CacheName;
use crate::random::OsRandom;
use crate::request::{InitialTicket, ServiceTicket, ServiceTicketOptions, TgtRequest};
use crate::schedule::Timing;
use crate::secret::Secret;
use crate::store::CacheStore;
use crate::transport::{Delivered, Job, Peer, order};

/// A client over one of the fronts.
#[derive(Debug, Clone)]
pub(crate) struct Core<D> {
    pub(crate) driver: D,
    pub(crate) config: Arc<Config>,
    pub(crate) store: CacheStore,
    pub(crate) timing: Timing,
}

impl<D: Driver> Core<D> {
    /// The AS exchange.
    pub(crate) async fn initial(
        &self,
        request: &TgtRequest,
        secret: &mut Secret<'_>,
    ) -> Result<InitialTicket, Error> {
        let realm = request.client.realm.clone();
        let params = self.as_params(request, secret)?;
        let mut attempts = Vec::new();
        let failed = |source: ProtocolError, attempts: &mut Vec<Attempt>| Error::Exchange {
            realm: realm.clone(),
            source: Box::new(source),
            attempts: std::mem::take(attempts),
        };
        let mut outcome = AsExchange::start(params, clock::now(), &mut OsRandom)
            .map_err(|source| failed(source, &mut attempts))?;
        loop {
            let next = match outcome {
                AsOutcome::Done(done) => {
                    return Ok(InitialTicket {
                        credential: done.credential,
                        clock_offset_seconds: done.clock_offset_seconds,
                        key_expiration: done.key_expiration,
                        preauthenticated: done.preauthenticated,
                        attempts,
                    });
                }
                AsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    let delivered = self.round_trip(request, &realm, constraints).await?;
                    attempts = delivered.attempts;
                    pending.reply(&delivered.reply, clock::now(), &mut OsRandom)
                }
                AsOutcome::Ask { question, pending } => {
                    let answer = secret.answer(&question)?;
                    // String-to-key takes tens of milliseconds.
                    let work = move || pending.answer(answer, clock::now(), &mut OsRandom);
                    self.driver.offload(work).await?
                }
                _ => return Err(not_built("this step of the AS exchange")),
            };
            outcome = next.map_err(|source| failed(source, &mut attempts))?;
        }
    }

    /// The AS exchange's parameters from the request and krb5.conf.
    pub(crate) fn as_params(&self, request: &TgtRequest, secret: &Secret<'_>) -> Result<AsParams, Error> {
        let realm = String::from_utf8_lossy(request.client.realm.as_bytes());
        let conf = self.config.krb5_conf().libdefaults_for(&realm)?;
        let service = match &request.service {
            Some(service) => service.clone(),
            None => Principal::krbtgt(&request.client.realm, &request.client.realm),
        };
        let mut params = AsParams::for_service(request.client.clone(), service);
        params.options = KdcOptions(conf.kdc_default_options);
        let asked = |given: Option<bool>, configured: bool| given.unwrap_or(configured);
        params.options.set(
            KdcOptions::FORWARDABLE,
            asked(request.forwardable, conf.forwardable),
        );
        params
            .options
            .set(KdcOptions::PROXIABLE, asked(request.proxiable, conf.proxiable));
        params.options.set(
            KdcOptions::CANONICALIZE,
            asked(request.canonicalize, conf.canonicalize),
        );
        params.lifetime_seconds = request.lifetime_seconds.unwrap_or(conf.ticket_lifetime_seconds);
        let renew = request
            .renew_lifetime_seconds
            .unwrap_or(conf.renew_lifetime_seconds);
        params.renew_lifetime_seconds = (renew > 0).then_some(renew);
        // Who asks for a renewable ticket need not accept one instead of a longer one.
        if params.renew_lifetime_seconds.is_some() {
            params.options.remove(KdcOptions::RENEWABLE_OK);
        }
        params.enctype_policy = conf.enctype_policy();
        params.enctypes = secret.order(&request.client, conf.default_tkt_enctypes.enctypes.clone())?;
        params.skew_seconds_max = conf.clockskew_seconds;
        if let Some(groups) = conf.spake_preauth_groups {
            params.spake_groups = groups.iter().map(|&group| SpakeGroup(group as i32)).collect();
        }
        params.encrypted_timestamp = !self.config.krb5_conf().realm(&realm)?.disable_encrypted_timestamp;
        params.preferred_preauth = conf.preferred_preauth_types.into_iter().map(PaDataType).collect();
        if !request.any_address.unwrap_or(conf.noaddresses) {
            return Err(not_built(
                "tickets that are bound to addresses (noaddresses = false)",
            ));
        }
        Ok(params)
    }

    /// Renews a ticket.
    pub(crate) async fn renew(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        let mut params = TgsParams::renew(ticket);
        params.clock_offset_seconds = clock_offset_seconds;
        params.skew_seconds_max = self.libdefaults().clockskew_seconds;
        params.enctypes = self.libdefaults().default_tgs_enctypes.enctypes.clone();
        params.enctype_policy = self.config.enctype_policy();
        self.tgs(params).await
    }

    /// The TGS exchange.
    async fn tgs(&self, params: TgsParams) -> Result<ServiceTicket, Error> {
        let asked = params.server.realm.clone();
        let mut attempts = Vec::new();
        let failed = |source: ProtocolError, attempts: &mut Vec<Attempt>| Error::Exchange {
            realm: asked.clone(),
            source: Box::new(source),
            attempts: std::mem::take(attempts),
        };
        let mut outcome = TgsExchange::start(params, clock::now(), &mut OsRandom)
            .map_err(|source| failed(source, &mut attempts))?;
        loop {
            let next = match outcome {
                TgsOutcome::Done(done) => {
                    return Ok(ServiceTicket {
                        credential: done.credential,
                        from_cache: false,
                        attempts,
                    });
                }
                TgsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    let delivered = self.round_trip(request, &realm, constraints).await?;
                    attempts = delivered.attempts;
                    pending.reply(&delivered.reply, clock::now())
                }
                _ => return Err(not_built("this step of the TGS exchange")),
            };
            outcome = next.map_err(|source| failed(source, &mut attempts))?;
        }
    }

    /// A ticket for a service, from the cache or by the cache's TGT.
    pub(crate) async fn service(
        &self,
        name: &CacheName,
        server: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        // Once: while the KDC is asked, another program may switch the collection to another cache.
        let name = &self.resolve_cache(name).await?;
        let cache = self.read_cache(name).await?;
        let offset = self.offset_of(&cache);
        let now = clock::now().time.saturating_add_seconds(offset);
        if let Some(credential) = cached(&cache, server, options, now) {
            let credential = credential.clone();
            return Ok(ServiceTicket {
                credential,
                from_cache: true,
                attempts: Vec::new(),
            });
        }
        if options.cached_only {
            return Err(Error::NotCached {
                cache: name.clone(),
                server: Box::new(server.clone()),
            });
        }
        let tgt = tgt_for(name, &cache, &server.realm, now)?;
        let mut params = TgsParams::new(tgt, server.clone());
        params.clock_offset_seconds = offset;
        params.skew_seconds_max = self.libdefaults().clockskew_seconds;
        let configured = &self.libdefaults().default_tgs_enctypes.enctypes;
        params.enctype_policy = self.config.enctype_policy();
        params.enctypes = options.enctypes.as_ref().unwrap_or(configured).clone();
        let ticket = self.tgs(params).await?;
        if options.store {
            self.add_to_cache(name, ticket.credential.clone()).await?;
        }
        Ok(ticket)
    }

    /// How far the KDC's clock is ahead, as the cache remembers it.
    pub(crate) fn offset_of(&self, cache: &CredentialCache) -> i64 {
        let offset = cache.kdc_offset().filter(|_| self.libdefaults().kdc_timesync);
        offset.map_or(0, |offset| i64::from(offset.seconds))
    }

    /// The time limits, with `request_timeout` of krb5.conf where there is one.
    pub(crate) fn timing(&self) -> Timing {
        match u64::try_from(self.libdefaults().request_timeout_seconds) {
            Ok(seconds) if seconds > 0 => Timing {
                total: self.timing.total.min(Duration::from_secs(seconds)),
                ..self.timing
            },
            _ => self.timing,
        }
    }

    fn libdefaults(&self) -> &LibDefaults {
        &self.config.krb5_conf().libdefaults
    }

    /// Makes a cache of a first ticket.
    pub(crate) async fn initialize_cache(
        &self,
        name: &CacheName,
        ticket: &InitialTicket,
    ) -> Result<(), Error> {
        let mut cache = CredentialCache::new(ticket.credential.client.clone());
        if self.libdefaults().kdc_timesync {
            let seconds = ticket.clock_offset_seconds.unwrap_or(0);
            // An offset beyond 68 years fits no cache, and no ticket either.
            let seconds = i32::try_from(seconds).unwrap_or(0);
            cache.set_kdc_offset(Some(KdcOffset {
                seconds,
                microseconds: 0,
            }));
        }
        cache.add(ticket.credential.clone());
        self.write_cache(name, cache).await
    }

    async fn resolve_cache(&self, name: &CacheName) -> Result<CacheName, Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.resolve(&name)).await?
    }

    pub(crate) async fn read_cache(&self, name: &CacheName) -> Result<CredentialCache, Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.read(&name)).await?
    }

    pub(crate) async fn write_cache(&self, name: &CacheName, cache: CredentialCache) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver
            .offload(move || store.initialize(&name, &cache))
            .await?
    }

    async fn add_to_cache(&self, name: &CacheName, credential: Credential) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), name.clone());
        self.driver.offload(move || store.add(&name, &credential)).await?
    }

    /// Sends a request to the realm's KDCs until one answers.
    pub(crate) async fn round_trip(
        &self,
        request: Vec<u8>,
        realm: &Realm,
        constraints: Constraints,
    ) -> Result<Delivered, Error> {
        let servers = locate::locate_kdcs(&self.config, realm)?;
        let (addresses, unresolved) = self.driver.offload(move || locate::resolve(&servers)).await?;
        let limit = self.libdefaults().udp_preference_limit;
        let preferred = if request.len() > limit {
            Transport::Tcp
        } else {
            Transport::Udp
        };
        let job = Job {
            request: Arc::from(request),
            targets: order(&addresses, preferred, constraints.stream_only),
            timing: self.timing(),
            peer: Peer::Kdc,
        };
        match self.driver.deliver(job).await {
            Ok(mut delivered) => {
                delivered.attempts.extend(unresolved);
                Ok(delivered)
            }
            Err(mut nothing) => {
                nothing.attempts.extend(unresolved);
                Err(Error::Unreachable {
                    realm: realm.clone(),
                    attempts: nothing.attempts,
                    took: nothing.took,
                })
            }
        }
    }
}

/// The cached ticket for `server` that is valid at `now` and ends last.
fn cached<'a>(
    cache: &'a CredentialCache,
    server: &Principal,
    options: &ServiceTicketOptions,
    now: KerberosTime,
) -> Option<&'a Credential> {
    let fits = |enctype: EncryptionType| {
        options
            .enctypes
            .as_ref()
            .is_none_or(|enctypes| enctypes.contains(&enctype))
    };
    cache
        .credentials()
        .filter(|credential| credential.server == *server && credential.client == cache.primary)
        .filter(|credential| !credential.is_skey && credential.end_time > now)
        .filter(|credential| fits(credential.session_key.enctype()))
        .max_by_key(|credential| credential.end_time)
}

/// The ticket-granting ticket for `realm`.
fn tgt_for(
    name: &CacheName,
    cache: &CredentialCache,
    realm: &Realm,
    now: KerberosTime,
) -> Result<Credential, Error> {
    let wanted = Principal::krbtgt(&cache.primary.realm, realm);
    match cache.find(&wanted) {
        Some(tgt) if tgt.end_time > now => Ok(tgt.clone()),
        Some(tgt) => Err(Error::TgtExpired {
            cache: name.clone(),
            server: Box::new(wanted),
            end: tgt.end_time,
            now,
        }),
        None if *realm != cache.primary.realm => Err(not_built(&format!(
            "tickets of other realms: {} has no ticket for {wanted}",
            cache.primary
        ))),
        None => Err(Error::NoTgt {
            cache: name.clone(),
            wanted: Box::new(wanted),
            present: cache
                .credentials()
                .map(|credential| credential.server.clone())
                .collect(),
        }),
    }
}

pub(crate) fn not_built(what: &str) -> Error {
    Error::NotBuilt {
        what: what.to_owned(),
    }
}
