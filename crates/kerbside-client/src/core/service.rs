//! A ticket for a service: the cache's, else by way of the KDCs, under each of the names that the service may have.

use std::borrow::Cow;

use kerbside_asn1::{ErrorCode, KdcOptions, NameType, Principal, Realm, Ticket};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;
use kerbside_formats::krb5_conf::DnsCanonicalize;
use kerbside_protocol::{ProtocolError, Refuser};

use super::walk::Ground;
use super::{Core, TicketKey};
use crate::driver::Driver;
use crate::error::{Error, NameOrigin, ServerNotFound, TriedServer};
use crate::locate::Service;
use crate::names::CacheName;
use crate::request::{ServiceTicket, ServiceTicketOptions};
use crate::service_host::{self, HostName};
use crate::trace;

/// A service ticket as it is wanted.
#[derive(Clone, Copy)]
pub(super) struct Wanted<'a> {
    pub(super) options: &'a ServiceTicketOptions,
    /// The service's own TGT, for a user-to-user ticket.
    pub(super) second_ticket: Option<&'a [u8]>,
}

impl<D: Driver> Core<D> {
    /// A ticket for a service, from the cache or by the cache's TGT.
    pub(crate) async fn service(
        &self,
        name: &CacheName,
        server: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let wanted = Wanted {
            options,
            second_ticket: None,
        };
        self.shared(name, server, wanted).await
    }

    /// As [`service`](Self::service), under the session key of another ticket.
    pub(crate) async fn user_to_user(
        &self,
        name: &CacheName,
        server: &Principal,
        second_ticket: &[u8],
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        let wanted = Wanted {
            options,
            second_ticket: Some(second_ticket),
        };
        self.shared(name, server, wanted).await
    }

    /// What several callers want of one identity at one time is asked for once.
    async fn shared(
        &self,
        name: &CacheName,
        server: &Principal,
        wanted: Wanted<'_>,
    ) -> Result<ServiceTicket, Error> {
        let mark = self.tickets.mark();
        let ground = self.ground(name).await?;
        let key = TicketKey {
            cache: ground.name.clone(),
            identity: ground.identity(),
            server: server.clone(),
            second_ticket: wanted.second_ticket.map(<[u8]>::to_vec),
            options: wanted.options.clone(),
        };
        let work = |old: bool| async move {
            let mut ground = ground;
            // Another caller may have stored the ticket since the cache was read.
            if old && wanted.options.store {
                let again = self.ground(&ground.name).await?;
                if again.identity() == ground.identity() {
                    ground = again;
                }
            }
            self.named_service(&ground, server, wanted).await
        };
        self.tickets.run(&self.driver, key, mark, work).await
    }

    /// Tries the names that the service may have, until a KDC knows one.
    async fn named_service(
        &self,
        ground: &Ground,
        server: &Principal,
        wanted: Wanted<'_>,
    ) -> Result<ServiceTicket, Error> {
        trace::getting_credentials(&ground.cache.primary, server, &ground.name);
        let mut tried = Vec::new();
        let first = self.first_name(server);
        let mut last = match self
            .one_name(ground, server, &first, NameOrigin::Given, wanted, &mut tried)
            .await
        {
            Err(error) if is_unknown(&error) => error,
            other => return other,
        };
        if let Some((second, origin)) = self.second_name(server, &first).await? {
            trace::canonical_fallback(&second);
            last = match self
                .one_name(ground, server, &second, origin, wanted, &mut tried)
                .await
            {
                Err(error) if is_unknown(&error) => error,
                other => return other,
            };
        }
        Err(Error::ServerNotFound(Box::new(ServerNotFound {
            asked: server.clone(),
            tried,
            last,
        })))
    }

    /// The name that is tried first: as given, but for a host that `dns_canonicalize_hostname = fallback` left as it
    /// was typed.
    fn first_name<'a>(&self, server: &'a Principal) -> Cow<'a, Principal> {
        match self.fallback_host(server) {
            Some((service, host)) => {
                let host = service_host::without_dns(&self.config, &host);
                Cow::Owned(self.on_host(&service, &host, &server.realm))
            }
            None => Cow::Borrowed(server),
        }
    }

    /// The name that is tried when no KDC knows the first: with the host that DNS names.
    async fn second_name(
        &self,
        server: &Principal,
        first: &Principal,
    ) -> Result<Option<(Principal, NameOrigin)>, Error> {
        let Some((service, host)) = self.fallback_host(server) else {
            return Ok(None);
        };
        let found = self.canonical_host(&host).await;
        let second = self.on_host(&service, &found, &server.realm);
        if second == *first {
            return Ok(None);
        }
        Ok(Some((second, NameOrigin::Canonical { host })))
    }

    /// Service and host of a name whose host DNS may replace later.
    fn fallback_host(&self, server: &Principal) -> Option<(String, String)> {
        let host_based = server.name.name_type == NameType::NT_SRV_HST && server.name.components.len() == 2;
        if !host_based || self.libdefaults().dns_canonicalize_hostname != DnsCanonicalize::Fallback {
            return None;
        }
        let text = |index| {
            let component = server.name.component(index)?;
            String::from_utf8(component.to_vec())
                .ok()
                .filter(|text| !text.is_empty())
        };
        Some((text(0)?, text(1)?))
    }

    /// One name of `asked`: the cache, the KDCs, and where nobody named a realm and the client's KDC knows of none, the realm that
    /// the host's domain suggests.
    async fn one_name(
        &self,
        ground: &Ground,
        asked: &Principal,
        server: &Principal,
        origin: NameOrigin,
        wanted: Wanted<'_>,
        tried: &mut Vec<TriedServer>,
    ) -> Result<ServiceTicket, Error> {
        let cached = cached(ground, server, wanted)
            .or_else(|| cached(ground, asked, wanted).filter(|_| asked != server));
        trace::retrieved(&ground.name, &ground.cache.primary, server, cached.is_some());
        if let Some(credential) = cached {
            return Ok(ServiceTicket {
                credential,
                client_vouched: true,
                from_cache: true,
                attempts: Vec::new(),
            });
        }
        if wanted.options.cached_only {
            return Err(Error::NotCached {
                cache: ground.name.clone(),
                server: Box::new(server.clone()),
            });
        }
        let mut won = self.fetch(ground, server.clone(), wanted).await;
        if let Err(error) = &won
            && is_unknown(error)
        {
            tried.extend(TriedServer::new(server, origin, error));
        }
        let realm = match &won {
            Err(error) if server.realm.is_empty() && is_refused_by(error, &ground.start) => self
                .fallback_realm(server)
                .await
                .filter(|realm| *realm != ground.start),
            _ => None,
        };
        if let Some(realm) = realm {
            trace::fallback_realm(&realm);
            let elsewhere = Principal {
                realm,
                name: server.name.clone(),
            };
            won = self.fetch(ground, elsewhere.clone(), wanted).await;
            if let Err(error) = &won
                && is_unknown(error)
            {
                tried.extend(TriedServer::new(&elsewhere, NameOrigin::HostDomain, error));
            }
        }
        let ticket = won?;
        if wanted.options.store {
            // Under the name it was asked for: the next request looks for that.
            let stored = Credential {
                server: asked.clone(),
                ..ticket.credential.clone()
            };
            self.add_to_cache(&ground.name, stored).await?;
        }
        Ok(ticket)
    }

    async fn fetch(
        &self,
        ground: &Ground,
        server: Principal,
        wanted: Wanted<'_>,
    ) -> Result<ServiceTicket, Error> {
        let mut params = self.service_params(ground, server, wanted.options);
        if let Some(ticket) = wanted.second_ticket {
            params.options.insert(KdcOptions::ENC_TKT_IN_SKEY);
            params.additional_tickets = vec![ticket.to_vec()];
        }
        self.walk(ground, params, wanted.options.store).await
    }

    /// The name of a service on a host, as `dns_canonicalize_hostname`, `rdns` and `qualify_shortname` want it, in the
    /// realm that `[domain_realm]` names for the host, or in none: then the client's KDC is asked where it is.
    pub(crate) async fn service_principal(&self, service: &str, host: &str) -> Result<Principal, Error> {
        let host = match self.libdefaults().dns_canonicalize_hostname {
            DnsCanonicalize::Yes => self.canonical_host(host).await,
            DnsCanonicalize::No => service_host::without_dns(&self.config, host),
            DnsCanonicalize::Fallback => {
                let components = vec![service.as_bytes().to_vec(), host.as_bytes().to_vec()];
                let name = kerbside_asn1::Name::from_components(components);
                return Ok(Principal {
                    realm: Realm::default(),
                    name: name.with_type(NameType::NT_SRV_HST),
                });
            }
        };
        Ok(self.on_host(service, &host, &Realm::default()))
    }

    fn on_host(&self, service: &str, host: &HostName, realm: &Realm) -> Principal {
        let name = kerbside_asn1::Name::service(service, &host.with_trailer());
        let realm = if realm.is_empty() {
            let found = self.config.krb5_conf().realm_of_host(&host.host);
            found.map(Realm::from).unwrap_or_default()
        } else {
            realm.clone()
        };
        Principal { realm, name }
    }

    /// The realm that a service's host suggests: what DNS says where `dns_lookup_realm` lets it, a parent domain that
    /// has KDCs as far as `realm_try_domains` lets us look, else the host's domain; without a domain the default realm.
    async fn fallback_realm(&self, server: &Principal) -> Option<Realm> {
        let host = String::from_utf8(server.name.component(1)?.to_vec()).ok()?;
        if self.libdefaults().dns_lookup_realm
            && let Ok(Some(realm)) = self.realm_by_dns(&host).await
        {
            return Some(realm);
        }
        let Some(suggested) = service_host::suggested_realms(&host, self.libdefaults().realm_try_domains)
        else {
            return self.config.default_realm().ok();
        };
        for realm in suggested.probes {
            if self.servers(&realm, Service::Kdc).await.is_ok() {
                return Some(realm);
            }
        }
        Some(suggested.domain)
    }
}

/// The cached ticket for `server` that is valid and ends last. One that was asked for without a realm gets its own name
/// back.
fn cached(ground: &Ground, server: &Principal, wanted: Wanted<'_>) -> Option<Credential> {
    let cache = &ground.cache;
    let fits = |enctype: EncryptionType| {
        let enctypes = wanted.options.enctypes.as_ref();
        enctypes.is_none_or(|enctypes| enctypes.contains(&enctype))
    };
    let of_kind = |credential: &Credential| match wanted.second_ticket {
        None => !credential.is_skey,
        Some(second) => credential.is_skey && credential.second_ticket == second,
    };
    let find = |server: &Principal| {
        cache
            .credentials()
            .filter(|credential| credential.server == *server && credential.client == cache.primary)
            .filter(|credential| of_kind(credential) && credential.end_time > ground.now)
            .filter(|credential| fits(credential.session_key.enctype()))
            .max_by_key(|credential| credential.end_time)
            .cloned()
    };
    if !server.realm.is_empty() {
        return find(server);
    }
    let mut found = find(server).or_else(|| {
        find(&Principal {
            realm: cache.primary.realm.clone(),
            name: server.name.clone(),
        })
    })?;
    if let Ok(ticket) = kerbside_asn1::decode::<Ticket<'_>>(&found.ticket) {
        found.server = Principal::from_wire(ticket.realm, &ticket.sname);
    }
    Some(found)
}

fn refusal(error: &Error) -> Option<(ErrorCode, &Refuser)> {
    let Error::Exchange { source, .. } = error else {
        return None;
    };
    match &**source {
        ProtocolError::Refused(refusal) => Some((refusal.code, &refusal.by)),
        _ => None,
    }
}

/// Whether a KDC said that it does not know the service.
pub(super) fn is_unknown(error: &Error) -> bool {
    refusal(error).is_some_and(|(code, _)| code == ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN)
}

fn is_refused_by(error: &Error, realm: &Realm) -> bool {
    refusal(error).is_some_and(|(_, by)| *by == Refuser::Kdc(realm.clone()))
}
