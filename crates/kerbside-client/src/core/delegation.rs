//! A service acts for its users: S4U2Self and S4U2Proxy (MS-SFU).

use std::sync::Arc;

use kerbside_asn1::{Name, NameType, Principal, Realm};
use kerbside_crypto::Password;
use kerbside_formats::Credential;
use kerbside_protocol::{
    AsExchange, AsOutcome, MAX_REFERRALS, Misbehaviour, ProtocolError, ProxyExchange, ProxyOutcome,
    ProxyParams, Refuser, S4uUser, TgsArmor, TgsParams,
};

use super::walk::{Answered, Ground, exchange_failed};
use super::{Core, not_built};
use crate::attempt::Attempt;
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::random::OsRandom;
use crate::request::{ServiceTicket, ServiceTicketOptions, TgtRequest};
use crate::secret::Secret;
use crate::trace;

impl<D: Driver> Core<D> {
    /// A ticket of `user` for the cache's principal, a service.
    pub(crate) async fn s4u2self(
        &self,
        name: &CacheName,
        user: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let ground = self.ground(name).await?;
        let service = ground.cache.primary.clone();
        let is_ours = |ticket: &&Credential| {
            ticket.client == *user && ticket.server == service && ticket.second_ticket.is_empty()
        };
        trace::getting_credentials(user, &service, &ground.name);
        let found = from_cache(&ground, is_ours);
        trace::retrieved(&ground.name, user, &service, found.is_some());
        if let Some(ticket) = found {
            return Ok(ticket);
        }
        let wanted = service.clone();
        if options.cached_only {
            return Err(not_cached(&ground, wanted));
        }
        let user = self.in_its_realm(user).await?;
        let ticket = self.self_ticket(&ground, S4uUser::new(user), options).await?;
        self.keep_for_other(&ground, &ticket, options).await?;
        Ok(ticket)
    }

    /// A ticket of the client of `evidence`, that client's ticket for the cache's principal, for `server`.
    pub(crate) async fn s4u2proxy(
        &self,
        name: &CacheName,
        server: &Principal,
        evidence: &Credential,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let ground = self.ground(name).await?;
        let is_ours = |ticket: &&Credential| {
            ticket.client == evidence.client
                && is_the_one(&ticket.server, server)
                && ticket.second_ticket == evidence.ticket
        };
        trace::getting_credentials(&evidence.client, server, &ground.name);
        let found = from_cache(&ground, is_ours);
        trace::retrieved(&ground.name, &evidence.client, server, found.is_some());
        if let Some(ticket) = found {
            return Ok(ticket);
        }
        if options.cached_only {
            return Err(not_cached(&ground, server.clone()));
        }
        let mut params = ProxyParams::new(ground.start.clone(), server.clone(), evidence.clone());
        let libdefaults = self.libdefaults();
        let configured = &libdefaults.default_tgs_enctypes.enctypes;
        params.enctypes = options.enctypes.as_ref().unwrap_or(configured).clone();
        params.enctype_policy = self.config.enctype_policy();
        params.clock_offset_seconds = ground.offset_seconds;
        params.skew_seconds_max = libdefaults.clockskew_seconds;
        params.armor = TgsArmor::Offered;
        let mut ticket = self.proxy_ticket(&ground, params, options).await?;
        ticket.credential.second_ticket.clone_from(&evidence.ticket);
        self.keep_for_other(&ground, &ticket, options).await?;
        Ok(ticket)
    }

    /// S4U2Proxy, from realm to realm.
    async fn proxy_ticket(
        &self,
        ground: &Ground,
        params: ProxyParams,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let mut asked;
        let mut attempts = Vec::new();
        let mut outcome = ProxyExchange::start(params);
        loop {
            let next = match outcome {
                ProxyOutcome::Done(done) => {
                    return Ok(ServiceTicket {
                        client_vouched: done.client_vouched,
                        credential: done.credential,
                        from_cache: false,
                        attempts,
                    });
                }
                ProxyOutcome::Need { realm, pending } => {
                    let tgt = Arc::new(self.own_tgt_for(ground, &realm, options).await?);
                    asked = realm;
                    pending.answer(tgt, clock::now(), &mut OsRandom)
                }
                ProxyOutcome::Send {
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
                _ => return Err(not_built("this step of constrained delegation")),
            };
            outcome = next.map_err(|source| exchange_failed(&asked, source, &mut attempts))?;
        }
    }

    /// The cache's principal's own ticket-granting ticket for `realm`: the cache's, else by way of the KDCs.
    async fn own_tgt_for(
        &self,
        ground: &Ground,
        realm: &Realm,
        options: &ServiceTicketOptions,
    ) -> Result<Credential, Error> {
        if *realm == ground.start {
            return ground.tgt().cloned();
        }
        if let Some(found) = ground.tgt_for(realm) {
            return Ok(found.clone());
        }
        let there = Principal::krbtgt(&ground.start, realm);
        let params = self.service_params(ground, there, &ServiceTicketOptions::default());
        let tgt = self.walk(ground, params, options.store).await?.credential;
        if options.store {
            self.add_to_cache(&ground.name, tgt.clone()).await?;
        }
        Ok(tgt)
    }

    /// S4U2Self begins in the user's realm, and its referrals lead to the service's own.
    async fn self_ticket(
        &self,
        ground: &Ground,
        user: S4uUser,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let service = &ground.cache.primary;
        let mut at = user.principal.realm.clone();
        let mut tgt = self.own_tgt_for(ground, &at, options).await?;
        let mut seen: Vec<Realm> = Vec::new();
        loop {
            let mut params = self.configured(TgsParams::s4u2self(tgt, user.clone()), ground.offset_seconds);
            if at != service.realm {
                params.server = foreign_name(service, &at);
            } else if let Some(enctypes) = &options.enctypes {
                params.enctypes.clone_from(enctypes);
            }
            match self.tgs_or_referral(params).await? {
                Answered::Ticket(ticket) => return by_its_own_kdc(at, service, *ticket),
                Answered::Referral { tgt: next, realm } => {
                    refuse_circles(&mut seen, at, &realm)?;
                    tgt = *next;
                    at = realm;
                }
            }
        }
    }

    /// The user in the realm that knows the name: an enterprise name does not say where that is.
    async fn in_its_realm(&self, user: &Principal) -> Result<Principal, Error> {
        if user.name.name_type != NameType::NT_ENTERPRISE {
            return Ok(user.clone());
        }
        trace::init_creds(user, None);
        let mut request = TgtRequest::new(user.clone());
        request.canonicalize = Some(true);
        // The exchange ends before any password is needed.
        let params = self.as_params(&request, &Secret::Password(Password::from(Vec::new())))?;
        let mut asked = user.realm.clone();
        let failed = |source: ProtocolError, realm: &Realm| exchange_failed(realm, source, &mut Vec::new());
        let mut outcome = AsExchange::start(params, clock::now(), &mut OsRandom)
            .map_err(|source| failed(source, &asked))?;
        loop {
            outcome = match outcome {
                AsOutcome::Send {
                    request,
                    realm,
                    constraints,
                    pending,
                } => {
                    asked = realm;
                    let delivered = self.round_trip(request, &asked, constraints).await?;
                    pending
                        .reply(&delivered.reply, clock::now(), &mut OsRandom)
                        .map_err(|source| failed(source, &asked))?
                }
                // Whatever it asks for, this KDC knows the user.
                _ => {
                    trace::identified_realm(&asked);
                    return Ok(Principal {
                        realm: asked,
                        name: user.name.clone(),
                    });
                }
            };
        }
    }

    /// A ticket of another client than the cache's goes into it all the same, where options say so and the KDC vouches
    /// for the client's name.
    async fn keep_for_other(
        &self,
        ground: &Ground,
        ticket: &ServiceTicket,
        options: &ServiceTicketOptions,
    ) -> Result<(), Error> {
        if !worth_keeping(ticket, options) {
            return Ok(());
        }
        let (store, name, credential) = (self.store.clone(), ground.name.clone(), ticket.credential.clone());
        self.driver
            .offload(move || store.add_for_other(&name, &credential))
            .await?
    }
}

/// The service's name where its own realm is another one: all of it as one enterprise name (MS-SFU 3.1.5.1.1.1).
fn foreign_name(service: &Principal, realm: &Realm) -> Principal {
    Principal {
        realm: realm.clone(),
        name: Name::enterprise(service.unparse()),
    }
}

/// Another realm's KDC can only lead the way: whom a ticket of its own is for is not its to say.
fn by_its_own_kdc(kdc: Realm, service: &Principal, ticket: ServiceTicket) -> Result<ServiceTicket, Error> {
    if kdc == service.realm {
        return Ok(ticket);
    }
    let what = Misbehaviour::Server {
        expected: service.clone(),
        found: ticket.credential.server,
    };
    Err(misbehaved(kdc, what, ticket.attempts))
}

fn misbehaved(kdc: Realm, what: Misbehaviour, mut attempts: Vec<Attempt>) -> Error {
    let source = ProtocolError::Misbehaved {
        by: Refuser::Kdc(kdc.clone()),
        what: Box::new(what),
    };
    exchange_failed(&kdc, source, &mut attempts)
}

/// A name that anybody may have written is not what later look-ups shall find.
fn worth_keeping(ticket: &ServiceTicket, options: &ServiceTicketOptions) -> bool {
    options.store && ticket.client_vouched
}

/// Whether a cached ticket's service is the one asked for; without a realm it is the KDCs that say where it is.
fn is_the_one(found: &Principal, asked: &Principal) -> bool {
    found.name == asked.name && (asked.realm.is_empty() || found.realm == asked.realm)
}

fn refuse_circles(seen: &mut Vec<Realm>, from: Realm, to: &Realm) -> Result<(), Error> {
    let limit = usize::try_from(MAX_REFERRALS).unwrap_or(usize::MAX);
    let what = if seen.contains(to) || from == *to {
        Misbehaviour::ReferralLoop { realm: to.clone() }
    } else if seen.len() >= limit {
        Misbehaviour::TooManyReferrals { limit: MAX_REFERRALS }
    } else {
        seen.push(from);
        return Ok(());
    };
    Err(misbehaved(from, what, Vec::new()))
}

fn from_cache(ground: &Ground, is_ours: impl Fn(&&Credential) -> bool) -> Option<ServiceTicket> {
    let found = ground
        .cache
        .credentials()
        .filter(is_ours)
        .filter(|ticket| ticket.end_time > ground.now)
        .max_by_key(|ticket| ticket.end_time)?;
    Some(ServiceTicket {
        credential: found.clone(),
        client_vouched: true,
        from_cache: true,
        attempts: Vec::new(),
    })
}

fn not_cached(ground: &Ground, server: Principal) -> Error {
    Error::NotCached {
        cache: ground.name.clone(),
        server: Box::new(server),
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use kerbside_asn1::{KerberosTime, TicketFlags};
    use kerbside_crypto::{EncryptionType, Key};

    use super::*;

    #[test]
    fn only_the_services_own_kdc_says_whom_its_ticket_is_for_and_no_unvouched_one_is_kept() {
        let time = KerberosTime::from_unix_seconds(1_700_000_000);
        let key = Key::new(EncryptionType::AES256_CTS_HMAC_SHA1_96, &[7; 32]).unwrap();
        let service = Principal::new("HOME", &["HTTP", "www"]);
        let ticket = |realm: &str| ServiceTicket {
            credential: Credential {
                client: Principal::new("HOME", &["administrator"]),
                server: foreign_name(&service, &Realm::from(realm)),
                session_key: key.clone().into(),
                auth_time: time,
                start_time: time,
                end_time: time,
                renew_till: time,
                is_skey: false,
                flags: TicketFlags::default(),
                addresses: Vec::new(),
                authdata: Vec::new(),
                ticket: Vec::new(),
                second_ticket: Vec::new(),
            },
            client_vouched: true,
            from_cache: false,
            attempts: Vec::new(),
        };
        let (stored, mut options) = (ticket("HOME"), ServiceTicketOptions::default());
        let unvouched = ServiceTicket {
            client_vouched: false,
            ..stored.clone()
        };
        assert!(worth_keeping(&stored, &options) && !worth_keeping(&unvouched, &options));
        options.store = false;
        assert!(!worth_keeping(&stored, &options));
        let answer = |realm: &str| by_its_own_kdc(Realm::from(realm), &service, ticket(realm));
        assert!(answer("HOME").is_ok());
        assert!(
            matches!(answer("EVIL").unwrap_err(), Error::Exchange { realm, .. } if realm == Realm::from("EVIL"))
        );
    }
}
