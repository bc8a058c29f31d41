//! The TGS exchange as a client runs it, and the cache before it.

use kerbside_asn1::{KerberosTime, Principal, Realm};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;
use kerbside_protocol::{ProtocolError, TgsExchange, TgsOutcome, TgsParams};

use super::{Core, not_built};
use crate::attempt::Attempt;
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::random::OsRandom;
use crate::request::{ServiceTicket, ServiceTicketOptions};
use crate::trace;

impl<D: Driver> Core<D> {
    /// Renews a ticket.
    pub(crate) async fn renew(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        self.same_again(TgsParams::renew(ticket), clock_offset_seconds)
            .await
    }

    /// Makes a postdated ticket valid.
    pub(crate) async fn validate(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        self.same_again(TgsParams::validate(ticket), clock_offset_seconds)
            .await
    }

    /// Exchanges a ticket for one like it.
    async fn same_again(
        &self,
        mut params: TgsParams,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
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
        trace::getting_credentials(&cache.primary, server, name);
        let offset = self.offset_of(&cache);
        let now = clock::now().time.saturating_add_seconds(offset);
        if let Some(credential) = cached(&cache, server, options, now) {
            trace::retrieved(name, &cache.primary, server, true);
            let credential = credential.clone();
            return Ok(ServiceTicket {
                credential,
                from_cache: true,
                attempts: Vec::new(),
            });
        }
        trace::retrieved(name, &cache.primary, server, false);
        if options.cached_only {
            return Err(Error::NotCached {
                cache: name.clone(),
                server: Box::new(server.clone()),
            });
        }
        let tgt = tgt_for(name, &cache, &server.realm, now)?;
        trace::local_tgt(&tgt);
        let mut params = TgsParams::new(tgt, server.clone());
        params.armor = Self::tgs_armor(&cache, &server.realm);
        params.clock_offset_seconds = offset;
        params.skew_seconds_max = self.libdefaults().clockskew_seconds;
        let configured = &self.libdefaults().default_tgs_enctypes.enctypes;
        params.enctype_policy = self.config.enctype_policy();
        params.enctypes = options.enctypes.as_ref().unwrap_or(configured).clone();
        let ticket = self.tgs(params).await?;
        trace::received_service_ticket(&ticket.credential.server);
        if options.store {
            self.add_to_cache(name, ticket.credential.clone()).await?;
        }
        Ok(ticket)
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
    let found = cache.find(&wanted);
    trace::retrieved(name, &cache.primary, &wanted, found.is_some());
    match found {
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
