//! Where a realm's servers are: the lines of krb5.conf, else DNS; then their addresses, which are kept for a while; and
//! which of them answered last.

mod addresses;
mod configured;
mod health;
#[cfg(test)]
mod tests;

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use kerbside_asn1::Realm;
use kerbside_formats::host_string::{KADMIN_PORT, KDC_PORT, KPASSWD_PORT, ServerAddress, Transport};
use tokio_rustls::rustls::ClientConfig;

use crate::core::Core;
use crate::dns::{DnsOutcome, DnsQuery, FoundServers, NameServers, Resolver, find_servers};
use crate::driver::Driver;
use crate::environment::Environment;
use crate::error::Error;
use crate::transport::proxy::{Anchors, Proxy, tls_config};

pub(crate) use health::Servers;

/// How long addresses are used before they are asked for again.
const KEPT_FOR: Duration = Duration::from_secs(300);

/// The same, when a name did not resolve: it may soon.
const KEPT_FOR_IN_PART: Duration = Duration::from_secs(20);

/// The realms whose servers are remembered: the names of realms come from tickets and DNS too.
const MAX_REALMS: usize = 256;

/// The longest that looking for servers may take, whatever the time for the whole.
const LOOKUP_LIMIT: Duration = Duration::from_secs(30);

/// Which servers of a realm.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum Service {
    /// Any KDC.
    Kdc,
    /// The KDC that sees every change at once.
    PrimaryKdc,
    /// The server of RFC 3244.
    Kpasswd,
    /// MIT's kadmind.
    Admin,
}

impl Service {
    const COUNT: usize = 4;

    pub(crate) fn port(self) -> u16 {
        match self {
            Self::Kdc | Self::PrimaryKdc => KDC_PORT,
            Self::Kpasswd => KPASSWD_PORT,
            Self::Admin => KADMIN_PORT,
        }
    }
}

/// Where DNS was asked for servers.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum DnsTrail {
    /// Nowhere: `dns_lookup_kdc` is false.
    Forbidden,
    /// What was asked, in order, with the answers.
    Asked(Vec<DnsQuery>),
}

/// What is known of realms' servers: shared by a client and its clones.
#[derive(Debug, Default)]
pub(crate) struct Locator {
    pub(crate) name_servers: NameServers,
    known: Mutex<HashMap<Realm, [Option<Arc<Servers>>; Service::COUNT]>>,
}

impl Locator {
    pub(crate) fn new(name_servers: NameServers) -> Self {
        Self {
            name_servers,
            known: Mutex::default(),
        }
    }

    fn known(&self, realm: &Realm, service: Service) -> Option<Arc<Servers>> {
        let known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        known.get(realm)?.get(service as usize)?.clone()
    }

    /// Keeps servers, with what was learnt of those that they replace.
    fn keep(&self, realm: &Realm, service: Service, servers: &Arc<Servers>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        if known.len() >= MAX_REALMS && !known.contains_key(realm) {
            let now = Instant::now();
            known.retain(|_, place| place.iter().flatten().any(|servers| servers.fresh(now)));
            if known.len() >= MAX_REALMS {
                known.clear();
            }
        }
        let place = known.entry(realm.clone()).or_default();
        if let Some(place) = place.get_mut(service as usize)
            && let Some(old) = place.replace(Arc::clone(servers))
        {
            servers.inherit(&old);
        }
    }

    /// Forgets servers of which none answered: their names may mean other addresses by now.
    pub(crate) fn forget(&self, realm: &Realm, service: Service, servers: &Arc<Servers>) {
        let mut known = self.known.lock().unwrap_or_else(PoisonError::into_inner);
        let place = known
            .get_mut(realm)
            .and_then(|place| place.get_mut(service as usize));
        if let Some(place) = place
            && place
                .as_ref()
                .is_some_and(|current| Arc::ptr_eq(current, servers))
        {
            *place = None;
        }
    }
}

impl<D: Driver> Core<D> {
    /// The servers of a realm, with addresses. At least one of them was named by krb5.conf or DNS, which does not mean
    /// that any has an address.
    ///
    /// # Errors
    /// [`Error::NoKdc`], [`Error::NoKpasswd`], [`Error::BadValue`].
    pub(crate) async fn servers(&self, realm: &Realm, service: Service) -> Result<Arc<Servers>, Error> {
        if let Some(servers) = self.locator.known(realm, service)
            && servers.fresh(Instant::now())
        {
            return Ok(servers);
        }
        let limit = self.timing().total.min(LOOKUP_LIMIT);
        let named = self.named_servers(realm, service, limit).await?;
        let addresses = if addresses::all_literal(&named) {
            addresses::literal(&named)
        } else {
            let named = named.clone();
            self.driver
                .offload(move || addresses::resolve(&named, limit))
                .await?
        };
        let tls = self.tls_for(&named, realm).await?;
        let proxy = |server: &ServerAddress| match (server.transport, &tls) {
            (Some(Transport::Https), Some(Ok(tls))) => Ok(Some(Arc::new(Proxy::new(server, realm, tls)))),
            (Some(Transport::Https), Some(Err(reason))) => Err(reason.clone()),
            _ => Ok(None),
        };
        let (targets, unresolved) = addresses::targets(&named, addresses, proxy);
        let kept = if unresolved.is_empty() {
            KEPT_FOR
        } else {
            KEPT_FOR_IN_PART
        };
        let servers = Arc::new(Servers::new(targets, unresolved, Instant::now() + kept));
        self.locator.keep(realm, service, &servers);
        Ok(servers)
    }

    /// TLS for the proxies among the servers; `None` where there are none.
    async fn tls_for(
        &self,
        servers: &[ServerAddress],
        realm: &Realm,
    ) -> Result<Option<Result<Arc<ClientConfig>, String>>, Error> {
        if !servers
            .iter()
            .any(|server| server.transport == Some(Transport::Https))
        {
            return Ok(None);
        }
        let name = String::from_utf8_lossy(realm.as_bytes()).into_owned();
        let values = self.config.krb5_conf().realm(&name)?.http_anchors;
        let read = move || {
            let anchors: Result<Vec<Anchors>, String> = values
                .iter()
                .map(|value| Anchors::parse(value, Environment::variable))
                .collect();
            tls_config(&anchors?)
        };
        self.driver.offload(read).await.map(Some)
    }

    /// Names and ports: from krb5.conf, else from DNS.
    async fn named_servers(
        &self,
        realm: &Realm,
        service: Service,
        limit: Duration,
    ) -> Result<Vec<ServerAddress>, Error> {
        let configured = configured::servers(&self.config, realm, service)?;
        if !configured.is_empty() {
            return Ok(configured);
        }
        let trail = if self.config.krb5_conf().libdefaults.dns_lookup_kdc {
            let found = self.servers_by_dns(realm, service, limit).await?;
            if !found.servers.is_empty() {
                return Ok(found.servers);
            }
            DnsTrail::Asked(found.queries)
        } else {
            DnsTrail::Forbidden
        };
        Err(configured::none_found(&self.config, realm, service, trail))
    }

    async fn servers_by_dns(
        &self,
        realm: &Realm,
        service: Service,
        limit: Duration,
    ) -> Result<FoundServers, Error> {
        let conf = self.config.krb5_conf();
        let name = String::from_utf8_lossy(realm.as_bytes()).into_owned();
        let site = conf.realm(&name)?.sitename;
        let uri_too = conf.libdefaults.dns_uri_lookup;
        let name_servers = self.locator.name_servers.clone();
        let settings = self.driver.offload(move || name_servers.read()).await?;
        let asked = name.clone();
        let search = async move {
            let resolver = Resolver::new(settings?, limit)?;
            Ok(find_servers(&resolver, &name, service, site.as_deref(), uri_too).await)
        };
        let found: Result<FoundServers, String> = self.driver.on_tokio(search).await?;
        Ok(found.unwrap_or_else(|reason| FoundServers {
            servers: Vec::new(),
            queries: vec![DnsQuery {
                name: asked,
                kind: crate::dns::DnsKind::Srv,
                outcome: DnsOutcome::Failed(reason),
            }],
        }))
    }

    /// The realm of a host: by `[domain_realm]`, by DNS where `dns_lookup_realm` says so, else the default realm.
    ///
    /// # Errors
    /// [`Error::NoDefaultRealm`].
    pub(crate) async fn realm_of_host(&self, host: &str) -> Result<Realm, Error> {
        let conf = self.config.krb5_conf();
        if conf.libdefaults.dns_lookup_realm
            && conf.realm_of_host(host).is_none()
            && let Some(realm) = self.realm_by_dns(host).await?
        {
            return Ok(realm);
        }
        self.config.realm_of_host(host)
    }

    /// The realm that DNS names for a host: the first TXT record of `_kerberos.HOST`, then of its parent domains. Not
    /// authenticated: only for who has set `dns_lookup_realm`.
    pub(crate) async fn realm_by_dns(&self, host: &str) -> Result<Option<Realm>, Error> {
        let limit = self.timing().total.min(LOOKUP_LIMIT);
        let name_servers = self.locator.name_servers.clone();
        let settings = self.driver.offload(move || name_servers.read()).await?;
        let host = host.trim_end_matches('.').to_owned();
        let search = async move {
            let resolver = Resolver::new(settings.ok()?, limit).ok()?;
            let mut domain = Some(host.as_str());
            while let Some(name) = domain.filter(|name| !name.is_empty()) {
                if let Some(realm) = resolver.first_text(&format!("_kerberos.{name}")).await {
                    return Some(Realm::from(realm.as_str()));
                }
                domain = name.split_once('.').map(|(_, parent)| parent);
            }
            None
        };
        self.driver.on_tokio(search).await
    }
}
