//! Which service an acceptor is, where its keys are, and what remembers its clients' authenticators.

use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_crypto::EnctypePolicy;
use kerbside_gss::{Acceptor, AcceptorParams, GssName, HeldKey, KeySource, ServiceName};

use super::bad_name;
use super::store::CredentialStore;
use crate::config::Config;
use crate::error::{Error, KeytabFault};
use crate::keytab_keys::KeytabKeys;
use crate::replay_cache::SharedReplayCache;
use crate::service_host;
use crate::store::KeytabWarning;

/// A service: its name, its keys in a keytab that is read again when it changes, and the replay cache of its contexts.
/// Cheap to clone; all clones share keys and replay cache, as they must.
///
/// ```no_run
/// use kerbside_client::{AcceptorCredential, Config, CredentialStore, Environment};
/// use kerbside_gss::GssName;
///
/// # fn main() -> Result<(), Box<dyn std::error::Error>> {
/// let config = Config::load(Environment::from_process())?;
/// let name = GssName::host_based("HTTP@www.example.com")?;
/// // The keytab of KRB5_KTNAME.
/// let credential = AcceptorCredential::acquire(&config, &name, &CredentialStore::new())?;
/// let acceptor = credential.acceptor();
/// # let _ = acceptor;
/// # Ok(())
/// # }
/// ```
#[derive(Clone)]
pub struct AcceptorCredential {
    keys: Arc<KeytabKeys>,
    service: ServiceName,
    replay: SharedReplayCache,
    skew_seconds_max: i64,
    enctypes: EnctypePolicy,
}

impl AcceptorCredential {
    /// The service `name`: `HTTP@host` is that service in whatever realm the keytab has keys of. A name without a host is
    /// the service on this machine, as it calls itself (with the domain of `qualify_shortname`); no resolver is asked.
    ///
    /// The keytab is read now, once, and later whenever it changed. Others that may read or write it are a warning in the
    /// log.
    ///
    /// # Errors
    /// [`Error::Keytab`], also when it holds no key of the service; [`Error::ReplayCache`]; [`Error::BadName`].
    pub fn acquire(config: &Config, name: &GssName, store: &CredentialStore) -> Result<Self, Error> {
        let own = config.environment().hostname.as_deref();
        let own = own.map(|host| service_host::without_dns(config, host).host);
        let service = name
            .to_service(own.as_deref())
            .map_err(|error| bad_name(name, &error))?;
        Self::of_service(config, service, store)
    }

    /// Any service that the keytab has a key of: what MIT's library does by default. A token for one service of this host
    /// is good for all others then.
    ///
    /// # Errors
    /// [`Error::Keytab`], [`Error::ReplayCache`].
    pub fn any_service(config: &Config, store: &CredentialStore) -> Result<Self, Error> {
        Self::of_service(config, ServiceName::AnyKey, store)
    }

    fn of_service(config: &Config, service: ServiceName, store: &CredentialStore) -> Result<Self, Error> {
        let keytab = match &store.keytab {
            Some(name) => name.clone(),
            None => config.default_keytab_name()?,
        };
        let replay = match &store.replay_cache {
            Some(name) => name.clone(),
            None => config.replay_cache_name()?,
        };
        let keys = KeytabKeys::open_with_policy(keytab.clone(), config.enctype_policy())?;
        for warning in keys.warnings() {
            tracing::warn!(%keytab, %warning, "others may get at the keys of this keytab");
        }
        let held = keys.held();
        if !held.iter().any(|key| service.serves(&key.principal)) {
            return Err(Error::Keytab {
                name: keytab,
                fault: no_key(&service, held),
            });
        }
        let skew_seconds_max = config.krb5_conf().libdefaults.clockskew_seconds;
        Ok(Self {
            keys: Arc::new(keys),
            service,
            replay: replay.open(config, skew_seconds_max)?,
            skew_seconds_max,
            enctypes: config.enctype_policy(),
        })
    }

    /// Which service this is.
    #[must_use]
    pub fn service(&self) -> &ServiceName {
        &self.service
    }

    /// Its keys.
    #[must_use]
    pub fn keys(&self) -> &Arc<KeytabKeys> {
        &self.keys
    }

    /// What was not as it should be about the keytab when it was last read.
    #[must_use]
    pub fn warnings(&self) -> Vec<KeytabWarning> {
        self.keys.warnings()
    }

    /// The parameters of an acceptor of Kerberos, to be changed before it is one (channel bindings, say).
    #[must_use]
    pub fn params(&self) -> AcceptorParams {
        let keys = Arc::clone(&self.keys);
        AcceptorParams::new(keys, self.service.clone(), Arc::clone(&self.replay))
            .with_skew_seconds_max(self.skew_seconds_max)
            .with_enctypes(self.enctypes.clone())
    }

    /// An acceptor of Kerberos, in SPNEGO or not.
    #[must_use]
    pub fn acceptor(&self) -> Acceptor {
        Acceptor::new(self.params())
    }
}

impl std::fmt::Debug for AcceptorCredential {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("AcceptorCredential")
            .field("service", &self.service)
            .field("keys", &self.keys)
            .finish_non_exhaustive()
    }
}

fn no_key(service: &ServiceName, held: Vec<HeldKey>) -> KeytabFault {
    let principal = match service {
        ServiceName::Principal(principal) => principal.clone(),
        ServiceName::Name(name) => Principal {
            realm: kerbside_asn1::Realm::default(),
            name: name.clone(),
        },
        _ => return KeytabFault::Empty,
    };
    KeytabFault::NoKey {
        principal: Box::new(principal),
        enctypes: Vec::new(),
        present: held
            .into_iter()
            .map(|key| (key.principal, key.kvno, key.enctype))
            .collect(),
    }
}
