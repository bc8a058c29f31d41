//! Tickets for security contexts.

use std::sync::Arc;

use kerbside_asn1::{NameType, Principal, Realm};
use kerbside_formats::Credential;
use kerbside_gss::{GssName, InitiatorParams, LocalNames};

use super::Core;
use crate::acquire::AcquireOptions;
use crate::driver::Driver;
use crate::error::Error;
use crate::gss::{CredentialStore, InitiatorCredential, PrivateCache, Source, bad_name};
use crate::names::CacheName;
use crate::request::{ServiceTicketOptions, TgtRequest};
use crate::secret::Secret;

impl<D: Driver> Core<D> {
    /// Whose tickets contexts are begun with.
    pub(crate) async fn initiator_credential(
        &self,
        name: Option<&GssName>,
        store: &CredentialStore,
    ) -> Result<InitiatorCredential, Error> {
        let principal = name.map(|name| self.principal_of(name)).transpose()?;
        if let Some(password) = store.password() {
            let client = principal.ok_or(Error::CredentialStore {
                key: "password".to_owned(),
                reason: "expected the name of the initiator beside it",
            })?;
            let mut request = TgtRequest::new(client);
            if request.client.name.name_type == NameType::NT_ENTERPRISE {
                request.canonicalize = Some(true);
            }
            let ticket = self
                .initial(&request, &mut Secret::Password(password.clone()))
                .await?;
            let source = match store.cache() {
                Some(cache) => Source::Named(cache.clone()),
                None => Source::Private(Arc::new(PrivateCache::new(&self.store))),
            };
            let principal = Some(ticket.credential.client.clone());
            let credential = InitiatorCredential { source, principal };
            self.initialize_cache(&self.cache_for(&credential, None).await?, &ticket)
                .await?;
            return Ok(credential);
        }
        let mut options = AcquireOptions::new();
        options.principal = principal;
        options.cache = store.cache().cloned();
        options.client_keytab = store.client_keytab().cloned();
        let mut principal = options.principal.clone();
        // Without a name the service decides, later; but a store that names where the tickets are can be looked at now.
        if principal.is_some() || options.cache.is_some() || options.client_keytab.is_some() {
            principal = Some(self.acquire(&options).await?.principal);
        }
        let source = Source::Shared(Box::new(options));
        Ok(InitiatorCredential { source, principal })
    }

    /// What an initiator for `target` begins with.
    pub(crate) async fn initiator(
        &self,
        credential: &InitiatorCredential,
        target: &GssName,
        options: &ServiceTicketOptions,
    ) -> Result<InitiatorParams, Error> {
        let server = self.target(target).await?;
        let cache = self.cache_for(credential, Some(&server)).await?;
        let ticket = self.service(&cache, &server, options).await?;
        let offset_seconds = self.ground(&cache).await?.offset_seconds;
        Ok(InitiatorParams::new(ticket.credential)
            .with_clock_offset_seconds(offset_seconds)
            .with_enctypes(self.config.enctype_policy()))
    }

    /// The credential's ticket-granting ticket for whoever it is delegated to.
    pub(crate) async fn forwarded(
        &self,
        credential: &InitiatorCredential,
        server: Option<&Principal>,
    ) -> Result<Credential, Error> {
        let cache = self.cache_for(credential, server).await?;
        Ok(self.forward(&cache, Vec::new()).await?.credential)
    }

    async fn cache_for(
        &self,
        credential: &InitiatorCredential,
        server: Option<&Principal>,
    ) -> Result<CacheName, Error> {
        match &credential.source {
            Source::Named(cache) => Ok(cache.clone()),
            Source::Private(cache) => Ok(cache.name.clone()),
            Source::Shared(options) => {
                let mut options = AcquireOptions::clone(options);
                options.server = server.cloned();
                Ok(self.acquire(&options).await?.cache)
            }
        }
    }

    /// The principal of the peer's name; hosts as krb5.conf wants them.
    async fn target(&self, name: &GssName) -> Result<Principal, Error> {
        match name {
            GssName::HostBased { service, host } => {
                let own = self.config.environment().hostname.as_deref();
                let Some(host) = host.as_deref().or(own) else {
                    return Err(bad_name(name, &kerbside_gss::GssNameError::NoLocalHost));
                };
                self.service_principal(service, host).await
            }
            GssName::Anonymous => Err(bad_name(name, &kerbside_gss::GssNameError::NotAService)),
            name => self.principal_of(name),
        }
    }

    fn principal_of(&self, name: &GssName) -> Result<Principal, Error> {
        let krb5_conf = self.config.krb5_conf();
        let default_realm = krb5_conf.default_realm().map(Realm::from);
        let realm_of_host = |host: &str| krb5_conf.realm_of_host(host).map(Realm::from);
        let mut local = LocalNames::new().with_realm_of_host(&realm_of_host);
        local.default_realm = default_realm.as_ref();
        local.local_host = self.config.environment().hostname.as_deref();
        name.to_principal(&local).map_err(|error| bad_name(name, &error))
    }
}
