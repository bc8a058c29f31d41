//! The two fronts: [`Client`] blocks its thread, [`AsyncClient`] runs on tokio.

use std::net::SocketAddr;
use std::sync::Arc;

use kerbside_asn1::{AddressType, KerberosTime, Principal, Realm};
use kerbside_crypto::EncryptionType;
use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;
use kerbside_gss::{GssName, InitiatorParams};
use kerbside_protocol::KeyParams;

use crate::acquire::{AcquireOptions, Acquired};
use crate::config::Config;
use crate::core::{Core, Snapshots};
use crate::dns::NameServers;
use crate::driver::{Blocking, Driver, Tokio, block_on};
use crate::error::Error;
use crate::gss::{CredentialStore, InitiatorCredential};
use crate::locate::Locator;
use crate::names::CacheName;
use crate::password::{PasswordReply, PasswordRequest};
use crate::request::{InitialTicket, ServiceTicket, ServiceTicketOptions, TgtRequest};
use crate::schedule::Timing;
use crate::secret::Secret;
use crate::select::{self, Selection};
use crate::store::CacheStore;

/// A Kerberos client that blocks the calling thread. It holds no connection; clones share their
/// MEMORY caches and what they know of KDCs.
///
/// ```no_run
/// use std::sync::Arc;
/// use kerbside_client::{Client, Config, Environment, Secret, TgtRequest};
/// use kerbside_crypto::Password;
///
/// # fn main() -> Result<(), kerbside_client::Error> {
/// let config = Arc::new(Config::load(Environment::from_process())?);
/// let client = Client::new(Arc::clone(&config));
/// let cache = config.default_cache_name()?;
/// let alice = config.parse_principal("alice")?;
/// let mut secret = Secret::Password(Password::from("secret".to_owned()));
/// let tgt = client.get_tgt(&TgtRequest::new(alice), &mut secret)?;
/// client.initialize_cache(&cache, &tgt)?;
/// let http = config.parse_principal("HTTP/www.example.com")?;
/// let ticket = client.get_service_ticket(&cache, &http, &Default::default())?;
/// println!("{} until {}", ticket.credential.server, ticket.credential.end_time);
/// # Ok(())
/// # }
/// ```
#[derive(Debug, Clone)]
pub struct Client {
    pub(crate) core: Core<Blocking>,
}

/// A Kerberos client on tokio: no call blocks a thread of the runtime, and dropping a future ends
/// what it was doing. It holds no connection; clones share their MEMORY caches and what they know of KDCs.
#[derive(Debug, Clone)]
pub struct AsyncClient {
    pub(crate) core: Core<Tokio>,
}

fn core<D: Driver>(driver: D, config: Arc<Config>) -> Core<D> {
    Core {
        driver,
        store: CacheStore::for_config(&config),
        config,
        timing: Timing::default(),
        locator: Arc::default(),
        snapshots: Snapshots::default(),
        tickets: Arc::default(),
        logins: Arc::default(),
    }
}

fn locator(name_servers: &[SocketAddr]) -> Arc<Locator> {
    Arc::new(Locator::new(NameServers {
        given: Some(name_servers.into()),
    }))
}

impl Client {
    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core<Blocking> {
        &self.core
    }

    /// A client with this configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            core: core(Blocking, config),
        }
    }

    /// Sets how long to wait for KDCs.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.core.timing = timing;
        self
    }

    /// Sets the DNS servers that are asked where krb5.conf names no KDC, in place of those of `/etc/resolv.conf`. (Names
    /// of hosts go to the system's resolver.)
    #[must_use]
    pub fn with_name_servers(mut self, servers: &[SocketAddr]) -> Self {
        self.core.locator = locator(servers);
        self
    }

    /// Sets where caches are kept: MEMORY caches of that store are seen.
    #[must_use]
    pub fn with_store(mut self, store: CacheStore) -> Self {
        self.core.store = store;
        // What is under way is for the other store's caches.
        self.core.tickets = Arc::default();
        self.core.logins = Arc::default();
        self
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// The store of caches.
    #[must_use]
    pub fn store(&self) -> &CacheStore {
        &self.core.store
    }

    /// Gets a first ticket with a password or a key. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn get_tgt(&self, request: &TgtRequest, secret: &mut Secret<'_>) -> Result<InitialTicket, Error> {
        block_on(self.core.initial(request, secret))
    }

    /// Asks the KDC how the client's keys come out of its password: enctypes with salts, in the KDC's order. Nothing is
    /// proved: whoever answers as the KDC chooses them. `enctypes` are asked for, or krb5.conf's.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn get_key_params(
        &self,
        request: &TgtRequest,
        enctypes: Option<Vec<EncryptionType>>,
    ) -> Result<Vec<KeyParams>, Error> {
        block_on(self.core.key_params(request, enctypes))
    }

    /// Makes the cache hold this first ticket alone.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub fn initialize_cache(&self, cache: &CacheName, ticket: &InitialTicket) -> Result<(), Error> {
        block_on(self.core.initialize_cache(cache, ticket))
    }

    /// Gets the same ticket for another lifetime. `clock_offset_seconds` is how far the KDC's clock
    /// is ahead of ours. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn renew(&self, ticket: Credential, clock_offset_seconds: i64) -> Result<ServiceTicket, Error> {
        block_on(self.core.renew(ticket, clock_offset_seconds))
    }

    /// Makes a postdated ticket valid, once its start has come. `clock_offset_seconds` is how far the KDC's clock is ahead
    /// of ours. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn validate(&self, ticket: Credential, clock_offset_seconds: i64) -> Result<ServiceTicket, Error> {
        block_on(self.core.validate(ticket, clock_offset_seconds))
    }

    /// Gets a ticket for a service: the cache's, else by the cache's ticket-granting ticket, and
    /// then it is stored there.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn get_service_ticket(
        &self,
        cache: &CacheName,
        server: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.service(cache, server, options))
    }

    /// The name of a service on a host: `dns_canonicalize_hostname`, `rdns` and `qualify_shortname` of krb5.conf say
    /// what becomes of the host, `[domain_realm]` names its realm. Without a realm the client's KDC is asked where the
    /// service is. With `dns_canonicalize_hostname = fallback` the host is as it was given, and
    /// [`get_service_ticket`](Self::get_service_ticket) tries the other names.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub fn service_principal(&self, service: &str, host: &str) -> Result<Principal, Error> {
        block_on(self.core.service_principal(service, host))
    }

    /// Gets a ticket for `server` under the session key of its own ticket-granting ticket, `second_ticket` (the
    /// encoding of a `Ticket`, which the peer hands over).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn user_to_user(
        &self,
        cache: &CacheName,
        server: &Principal,
        second_ticket: &[u8],
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.user_to_user(cache, server, second_ticket, options))
    }

    /// Gets the cache's ticket-granting ticket for another host; without addresses it is good from any. Nothing is
    /// stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn forward(
        &self,
        cache: &CacheName,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.forward(cache, addresses))
    }

    /// Gets a ticket for `server` that another host, with one of these addresses, may use (RFC 4120 2.5); without
    /// addresses any. The cache's ticket-granting ticket has to be proxiable. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn proxy(
        &self,
        cache: &CacheName,
        server: &Principal,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.proxy(cache, server, addresses))
    }

    /// Gets a ticket for `server` that begins at `start` (RFC 4120 2.4). It is invalid until it is
    /// [validated](Self::validate) then. The cache's ticket-granting ticket has to be one that may be used for that
    /// (may-postdate). Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn postdated(
        &self,
        cache: &CacheName,
        server: &Principal,
        start: KerberosTime,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.postdated(cache, server, start))
    }

    /// Whose tickets contexts are begun with, and where they are: the store's password, cache or client keytab, else what
    /// the environment and krb5.conf say. Without a name it is whoever the cache, or the client keytab, belongs to; where
    /// neither is named, the service decides at each context ([`select_cache`](Self::select_cache)).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn initiator_credential(
        &self,
        name: Option<&GssName>,
        store: &CredentialStore,
    ) -> Result<InitiatorCredential, Error> {
        block_on(self.core.initiator_credential(name, store))
    }

    /// What a context with the service `target` is begun with: the credential's ticket for it, from its cache or from the
    /// KDC. Flags, channel bindings and so on are the caller's to set, before
    /// [`Initiator::krb5`](kerbside_gss::Initiator::krb5).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn initiator(
        &self,
        credential: &InitiatorCredential,
        target: &GssName,
    ) -> Result<InitiatorParams, Error> {
        let options = ServiceTicketOptions::default();
        block_on(self.core.initiator(credential, target, &options))
    }

    /// The credential's ticket-granting ticket, forwarded: for the service that it is delegated to. `server` is that
    /// service, where the credential leaves it open whose tickets are used.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn forwarded(
        &self,
        credential: &InitiatorCredential,
        server: Option<&Principal>,
    ) -> Result<Credential, Error> {
        block_on(self.core.forwarded(credential, server))
    }

    /// Gets a ticket of `user` for the cache's principal, a service, without any proof from the user (S4U2Self). An
    /// enterprise name is looked for in the realm that knows it. Check the name in the ticket with the service's own
    /// key where it matters: a KDC that knows nothing newer than `PA-FOR-USER` leaves it unprotected in the reply.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn s4u2self(
        &self,
        cache: &CacheName,
        user: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.s4u2self(cache, user, options))
    }

    /// Gets a ticket for `server` of the client of `evidence`, that client's ticket for the cache's principal
    /// (S4U2Proxy: constrained delegation, by either side's permission). A service of another realm is reached as far as
    /// the KDCs refer to it.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn s4u2proxy(
        &self,
        cache: &CacheName,
        server: &Principal,
        evidence: &Credential,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        block_on(self.core.s4u2proxy(cache, server, evidence, options))
    }

    /// Finds a cache with a usable ticket-granting ticket, or fills one with a key of the client keytab: a program needs
    /// no kinit. The ticket is replaced at half of its life, as MIT's GSS-API does it, whenever this is called then.
    ///
    /// # Errors
    /// Any of [`Error`]; without a client keytab what is wrong with the cache.
    pub fn acquire(&self, options: &AcquireOptions) -> Result<Acquired, Error> {
        block_on(self.core.acquire(options))
    }

    /// Chooses a cache of the default collection for a service: by `.k5identity`, by the service's realm, by its host's
    /// domain, else the primary one.
    ///
    /// # Errors
    /// [`Error::Cache`] for the collection itself.
    pub fn select_cache(&self, server: &Principal) -> Result<Selection, Error> {
        let collection = self.core.config.default_cache_name()?;
        select::select(&self.core.config, &self.core.store, &collection, server)
    }

    /// Changes or sets a password. A password that the server does not like is no error: see
    /// [`PasswordReply::result`].
    ///
    /// # Errors
    /// Any of [`Error`].
    pub fn change_password(&self, request: &PasswordRequest) -> Result<PasswordReply, Error> {
        block_on(self.core.password(request))
    }

    /// The canonical name of a host, as `dns_canonicalize_hostname` wants it: by the system's resolver, in small letters,
    /// without a dot at its end; with `reverse` (krb5.conf's `rdns`), the name of its first address. It is not
    /// authenticated: who can forge DNS chooses it.
    ///
    /// # Errors
    /// [`Error::Unresolved`].
    pub fn canonical_name(&self, host: &str, reverse: bool) -> Result<String, Error> {
        block_on(self.core.canonical_name(host, reverse))
    }

    /// The realm of a host: by `[domain_realm]`, by DNS where `dns_lookup_realm` says so, else the default realm.
    ///
    /// # Errors
    /// [`Error::NoDefaultRealm`].
    pub fn realm_of_host(&self, host: &str) -> Result<Realm, Error> {
        block_on(self.core.realm_of_host(host))
    }

    /// How far the KDC's clock is ahead of ours in seconds, as the cache remembers it; 0 when
    /// krb5.conf says not to correct the clock.
    #[must_use]
    pub fn clock_offset_seconds(&self, cache: &CredentialCache) -> i64 {
        self.core.offset_of(cache)
    }
}

impl AsyncClient {
    #[cfg(test)]
    pub(crate) fn core(&self) -> &Core<Tokio> {
        &self.core
    }

    /// A client with this configuration.
    #[must_use]
    pub fn new(config: Arc<Config>) -> Self {
        Self {
            core: core(Tokio, config),
        }
    }

    /// Sets how long to wait for KDCs.
    #[must_use]
    pub fn with_timing(mut self, timing: Timing) -> Self {
        self.core.timing = timing;
        self
    }

    /// Sets the DNS servers that are asked where krb5.conf names no KDC, in place of those of `/etc/resolv.conf`. (Names
    /// of hosts go to the system's resolver.)
    #[must_use]
    pub fn with_name_servers(mut self, servers: &[SocketAddr]) -> Self {
        self.core.locator = locator(servers);
        self
    }

    /// Sets where caches are kept: MEMORY caches of that store are seen.
    #[must_use]
    pub fn with_store(mut self, store: CacheStore) -> Self {
        self.core.store = store;
        // What is under way is for the other store's caches.
        self.core.tickets = Arc::default();
        self.core.logins = Arc::default();
        self
    }

    /// The configuration.
    #[must_use]
    pub fn config(&self) -> &Config {
        &self.core.config
    }

    /// The store of caches. Its own methods block; the client's do not.
    #[must_use]
    pub fn store(&self) -> &CacheStore {
        &self.core.store
    }

    /// Gets a first ticket with a password or a key. Nothing is stored. A [`Secret::Prompt`] runs
    /// on the thread that polls.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn get_tgt(
        &self,
        request: &TgtRequest,
        secret: &mut Secret<'_>,
    ) -> Result<InitialTicket, Error> {
        self.core.initial(request, secret).await
    }

    /// Asks the KDC how the client's keys come out of its password: enctypes with salts, in the KDC's order. Nothing is
    /// proved: whoever answers as the KDC chooses them. `enctypes` are asked for, or krb5.conf's.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn get_key_params(
        &self,
        request: &TgtRequest,
        enctypes: Option<Vec<EncryptionType>>,
    ) -> Result<Vec<KeyParams>, Error> {
        self.core.key_params(request, enctypes).await
    }

    /// Makes the cache hold this first ticket alone.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub async fn initialize_cache(&self, cache: &CacheName, ticket: &InitialTicket) -> Result<(), Error> {
        self.core.initialize_cache(cache, ticket).await
    }

    /// Gets the same ticket for another lifetime. `clock_offset_seconds` is how far the KDC's clock
    /// is ahead of ours. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn renew(&self, ticket: Credential, clock_offset_seconds: i64) -> Result<ServiceTicket, Error> {
        self.core.renew(ticket, clock_offset_seconds).await
    }

    /// Makes a postdated ticket valid, once its start has come. `clock_offset_seconds` is how far the KDC's clock is ahead
    /// of ours. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn validate(
        &self,
        ticket: Credential,
        clock_offset_seconds: i64,
    ) -> Result<ServiceTicket, Error> {
        self.core.validate(ticket, clock_offset_seconds).await
    }

    /// Gets a ticket for a service: the cache's, else by the cache's ticket-granting ticket, and
    /// then it is stored there.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn get_service_ticket(
        &self,
        cache: &CacheName,
        server: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        self.core.service(cache, server, options).await
    }

    /// The name of a service on a host: `dns_canonicalize_hostname`, `rdns` and `qualify_shortname` of krb5.conf say
    /// what becomes of the host, `[domain_realm]` names its realm. Without a realm the client's KDC is asked where the
    /// service is. With `dns_canonicalize_hostname = fallback` the host is as it was given, and
    /// [`get_service_ticket`](Self::get_service_ticket) tries the other names.
    ///
    /// # Errors
    /// [`Error::Interrupted`].
    pub async fn service_principal(&self, service: &str, host: &str) -> Result<Principal, Error> {
        self.core.service_principal(service, host).await
    }

    /// Gets a ticket for `server` under the session key of its own ticket-granting ticket, `second_ticket` (the
    /// encoding of a `Ticket`, which the peer hands over).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn user_to_user(
        &self,
        cache: &CacheName,
        server: &Principal,
        second_ticket: &[u8],
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        self.core
            .user_to_user(cache, server, second_ticket, options)
            .await
    }

    /// Gets the cache's ticket-granting ticket for another host; without addresses it is good from any. Nothing is
    /// stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn forward(
        &self,
        cache: &CacheName,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        self.core.forward(cache, addresses).await
    }

    /// Gets a ticket for `server` that another host, with one of these addresses, may use (RFC 4120 2.5); without
    /// addresses any. The cache's ticket-granting ticket has to be proxiable. Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn proxy(
        &self,
        cache: &CacheName,
        server: &Principal,
        addresses: Vec<(AddressType, Vec<u8>)>,
    ) -> Result<ServiceTicket, Error> {
        self.core.proxy(cache, server, addresses).await
    }

    /// Gets a ticket for `server` that begins at `start` (RFC 4120 2.4). It is invalid until it is
    /// [validated](Self::validate) then. The cache's ticket-granting ticket has to be one that may be used for that
    /// (may-postdate). Nothing is stored.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn postdated(
        &self,
        cache: &CacheName,
        server: &Principal,
        start: KerberosTime,
    ) -> Result<ServiceTicket, Error> {
        self.core.postdated(cache, server, start).await
    }

    /// Whose tickets contexts are begun with, and where they are: the store's password, cache or client keytab, else what
    /// the environment and krb5.conf say. Without a name it is whoever the cache, or the client keytab, belongs to; where
    /// neither is named, the service decides at each context ([`select_cache`](Self::select_cache)).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn initiator_credential(
        &self,
        name: Option<&GssName>,
        store: &CredentialStore,
    ) -> Result<InitiatorCredential, Error> {
        self.core.initiator_credential(name, store).await
    }

    /// What a context with the service `target` is begun with: the credential's ticket for it, from its cache or from the
    /// KDC. Flags, channel bindings and so on are the caller's to set, before
    /// [`Initiator::krb5`](kerbside_gss::Initiator::krb5).
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn initiator(
        &self,
        credential: &InitiatorCredential,
        target: &GssName,
    ) -> Result<InitiatorParams, Error> {
        let options = ServiceTicketOptions::default();
        self.core.initiator(credential, target, &options).await
    }

    /// The credential's ticket-granting ticket, forwarded: for the service that it is delegated to. `server` is that
    /// service, where the credential leaves it open whose tickets are used.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn forwarded(
        &self,
        credential: &InitiatorCredential,
        server: Option<&Principal>,
    ) -> Result<Credential, Error> {
        self.core.forwarded(credential, server).await
    }

    /// Gets a ticket of `user` for the cache's principal, a service, without any proof from the user (S4U2Self). An
    /// enterprise name is looked for in the realm that knows it. Check the name in the ticket with the service's own
    /// key where it matters: a KDC that knows nothing newer than `PA-FOR-USER` leaves it unprotected in the reply.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn s4u2self(
        &self,
        cache: &CacheName,
        user: &Principal,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        self.core.s4u2self(cache, user, options).await
    }

    /// Gets a ticket for `server` of the client of `evidence`, that client's ticket for the cache's principal
    /// (S4U2Proxy: constrained delegation, by either side's permission). A service of another realm is reached as far as
    /// the KDCs refer to it.
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn s4u2proxy(
        &self,
        cache: &CacheName,
        server: &Principal,
        evidence: &Credential,
        options: &ServiceTicketOptions,
    ) -> Result<ServiceTicket, Error> {
        self.core.s4u2proxy(cache, server, evidence, options).await
    }

    /// Finds a cache with a usable ticket-granting ticket, or fills one with a key of the client keytab: a program needs
    /// no kinit. The ticket is replaced at half of its life, as MIT's GSS-API does it, whenever this is called then.
    ///
    /// # Errors
    /// Any of [`Error`]; without a client keytab what is wrong with the cache.
    pub async fn acquire(&self, options: &AcquireOptions) -> Result<Acquired, Error> {
        self.core.acquire(options).await
    }

    /// Chooses a cache of the default collection for a service: by `.k5identity`, by the service's realm, by its host's
    /// domain, else the primary one.
    ///
    /// # Errors
    /// [`Error::Cache`] for the collection itself.
    pub async fn select_cache(&self, server: &Principal) -> Result<Selection, Error> {
        let collection = self.core.config.default_cache_name()?;
        let (config, store, server) = (
            Arc::clone(&self.core.config),
            self.core.store.clone(),
            server.clone(),
        );
        self.core
            .driver
            .offload(move || select::select(&config, &store, &collection, &server))
            .await?
    }

    /// Changes or sets a password. A password that the server does not like is no error: see
    /// [`PasswordReply::result`].
    ///
    /// # Errors
    /// Any of [`Error`].
    pub async fn change_password(&self, request: &PasswordRequest) -> Result<PasswordReply, Error> {
        self.core.password(request).await
    }

    /// The canonical name of a host, as `dns_canonicalize_hostname` wants it: by the system's resolver, in small letters,
    /// without a dot at its end; with `reverse` (krb5.conf's `rdns`), the name of its first address. It is not
    /// authenticated: who can forge DNS chooses it.
    ///
    /// # Errors
    /// [`Error::Unresolved`].
    pub async fn canonical_name(&self, host: &str, reverse: bool) -> Result<String, Error> {
        self.core.canonical_name(host, reverse).await
    }

    /// The realm of a host: by `[domain_realm]`, by DNS where `dns_lookup_realm` says so, else the default realm.
    ///
    /// # Errors
    /// [`Error::NoDefaultRealm`].
    pub async fn realm_of_host(&self, host: &str) -> Result<Realm, Error> {
        self.core.realm_of_host(host).await
    }

    /// Reads a whole cache.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub async fn read_cache(&self, cache: &CacheName) -> Result<CredentialCache, Error> {
        self.core.read_cache(cache).await
    }

    /// Makes the cache hold exactly this.
    ///
    /// # Errors
    /// [`Error::Cache`].
    pub async fn write_cache(&self, name: &CacheName, cache: CredentialCache) -> Result<(), Error> {
        self.core.write_cache(name, cache).await
    }
}
