//! A cache with a usable ticket-granting ticket, by the client keytab where there is none: what MIT's GSS-API does for
//! a program that never ran kinit.

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;

use super::Core;
use crate::acquire::{AcquireOptions, Acquired};
use crate::clock;
use crate::driver::Driver;
use crate::error::{CacheFault, Error, KeytabFault};
use crate::names::{CacheName, KeytabName};
use crate::request::TgtRequest;
use crate::secret::{KeytabSecret, Secret};
use crate::select;
use crate::store::FileFault;

/// The cache's entry that says when it is to be filled again from the client keytab, in seconds since 1970.
pub(super) const REFRESH_TIME: &str = "refresh_time";

/// A ticket that ends so soon is as good as none.
const SOON_SECONDS: i64 = 60;

/// Who found that it is time asks the KDC; for so long nobody else does.
const RETRY_SECONDS: i64 = 30;

/// What is known before anything is asked of a KDC.
struct Found {
    /// Where the tickets are, or shall be.
    cache: CacheName,
    principal: Option<Principal>,
    /// The cache's ticket-granting ticket, if it is still good.
    tgt: Option<Credential>,
    refresh: bool,
    /// Why there is no ticket.
    why: Option<Error>,
}

impl<D: Driver> Core<D> {
    /// Finds or makes a cache with a usable ticket-granting ticket.
    pub(crate) async fn acquire(&self, options: &AcquireOptions) -> Result<Acquired, Error> {
        let mark = self.logins.mark();
        let found = self.look(options).await?;
        if let (Some(tgt), false) = (&found.tgt, found.refresh) {
            return Ok(acquired(&found.cache, tgt, false));
        }
        let key = (options.clone(), found.cache.clone());
        let work = |old: bool| async move {
            let found = if old { self.look(options).await? } else { found };
            match (&found.tgt, found.refresh) {
                (Some(tgt), false) => Ok(acquired(&found.cache, tgt, false)),
                _ => self.by_keytab(options, found).await,
            }
        };
        self.logins.run(&self.driver, key, mark, work).await
    }

    async fn look(&self, options: &AcquireOptions) -> Result<Found, Error> {
        let collection = match &options.cache {
            Some(cache) => cache.clone(),
            None => self.config.default_cache_name()?,
        };
        let (store, config, options) = (self.store.clone(), self.config.clone(), options.clone());
        let name = collection.clone();
        let wanted = options.principal.clone();
        let chosen = self
            .driver
            .offload(move || -> Result<_, Error> {
                if let Some(principal) = options.principal {
                    let cache = store.find_in_collection(&name, &principal)?;
                    return Ok((cache, Some(principal)));
                }
                if let Some(server) = options.server {
                    let selection = select::select(&config, &store, &name, &server)?;
                    return Ok((selection.cache, selection.principal));
                }
                Ok((Some(store.resolve(&name)?), None))
            })
            .await??;
        let (cache, principal) = chosen;
        let Some(cache) = cache else {
            let fault = CacheFault::File(FileFault::NotFound);
            let why = Error::Cache {
                name: collection.clone(),
                fault,
            };
            return Ok(Found {
                cache: collection,
                principal,
                tgt: None,
                refresh: true,
                why: Some(why),
            });
        };
        Ok(match self.read_cache(&cache).await {
            Ok(contents) => self.judge_for(wanted, collection, cache, &contents),
            Err(error) if absent(&error) => Found {
                cache,
                principal,
                tgt: None,
                refresh: true,
                why: Some(error),
            },
            Err(error) => return Err(error),
        })
    }

    /// Judges the cache, if it is still the wanted principal's: between its being found and its being read another may
    /// have logged in there.
    fn judge_for(
        &self,
        wanted: Option<Principal>,
        collection: CacheName,
        cache: CacheName,
        contents: &CredentialCache,
    ) -> Found {
        let Some(wanted) = wanted.filter(|wanted| *wanted != contents.primary) else {
            return self.judge(cache, contents);
        };
        let fault = CacheFault::OtherPrincipal {
            expected: Box::new(contents.primary.clone()),
            found: Box::new(wanted.clone()),
        };
        Found {
            // A login looks for a place of its own in it.
            cache: collection,
            principal: Some(wanted),
            tgt: None,
            refresh: true,
            why: Some(Error::Cache { name: cache, fault }),
        }
    }

    /// Whether the cache's ticket is good, and whether it is time for another.
    fn judge(&self, cache: CacheName, contents: &CredentialCache) -> Found {
        let now = clock::now().time.saturating_add_seconds(self.offset_of(contents));
        let realm = &contents.primary.realm;
        let wanted = Principal::krbtgt(realm, realm);
        let tgt = contents.find(&wanted).filter(|tgt| tgt.end_time > now);
        let due = refresh_time(contents).is_some_and(|due| due <= now);
        let soon = tgt.is_none_or(|tgt| tgt.end_time < now.saturating_add_seconds(SOON_SECONDS));
        let why = tgt.is_none().then(|| match contents.find(&wanted) {
            Some(ended) => Error::TgtExpired {
                cache: cache.clone(),
                server: Box::new(wanted.clone()),
                end: ended.end_time,
                now,
            },
            None => Error::NoTgt {
                cache: cache.clone(),
                wanted: Box::new(wanted.clone()),
                present: contents.credentials().map(|found| found.server.clone()).collect(),
            },
        });
        Found {
            principal: Some(contents.primary.clone()),
            tgt: tgt.cloned(),
            refresh: due || soon,
            cache,
            why,
        }
    }

    async fn by_keytab(&self, options: &AcquireOptions, found: Found) -> Result<Acquired, Error> {
        let Found {
            cache,
            principal,
            tgt,
            why,
            ..
        } = found;
        match self.login(options, &cache, principal, tgt.is_some()).await {
            Ok(acquired) => Ok(acquired),
            Err(error) => match (tgt, why) {
                // The old ticket is still good; another caller tries again.
                (Some(tgt), _) => {
                    tracing::debug!(%cache, %error, "not refreshed from the client keytab");
                    Ok(acquired(&cache, &tgt, false))
                }
                // Who has no client keytab is told what is wrong with the cache.
                (None, Some(why)) if no_keytab(&error) => Err(why),
                (None, _) => Err(error),
            },
        }
    }

    async fn login(
        &self,
        options: &AcquireOptions,
        cache: &CacheName,
        principal: Option<Principal>,
        replaces: bool,
    ) -> Result<Acquired, Error> {
        let keytab = match &options.client_keytab {
            Some(name) => name.clone(),
            None => self.config.default_client_keytab_name()?,
        };
        let secret = self.read_keytab(&keytab).await?;
        let client = match principal {
            Some(principal) => principal,
            None => secret.first_principal().cloned().ok_or(Error::Keytab {
                name: keytab,
                fault: KeytabFault::Empty,
            })?,
        };
        if replaces {
            let wait = clock::now().time.saturating_add_seconds(RETRY_SECONDS);
            self.set_refresh_time(cache, wait).await?;
        }
        let request = TgtRequest::new(client.clone());
        let ticket = self.initial(&request, &mut Secret::Keytab(secret)).await?;
        let cache = self.place_for(cache, &client).await?;
        let mut contents = self.cache_of(&ticket);
        let tgt = ticket.credential;
        let half = halfway(&tgt).unix_seconds().to_string();
        contents.set_config(REFRESH_TIME, None, half.as_bytes());
        self.write_cache(&cache, contents).await?;
        Ok(acquired(&cache, &tgt, true))
    }

    pub(super) async fn read_keytab(&self, name: &KeytabName) -> Result<KeytabSecret, Error> {
        let (name, policy) = (name.clone(), self.config.enctype_policy());
        self.driver
            .offload(move || KeytabSecret::read_with_policy(&name, &policy))
            .await?
    }

    /// The cache that the principal's tickets go to: his own, an unused primary one, or a new one of the collection.
    async fn place_for(&self, name: &CacheName, client: &Principal) -> Result<CacheName, Error> {
        let (store, name, client) = (self.store.clone(), name.clone(), client.clone());
        let place = move || {
            let primary = store.resolve(&name)?;
            match store.read(&primary) {
                Ok(contents) if contents.primary == client => return Ok(primary),
                Err(error) if absent(&error) => return Ok(primary),
                _ => {}
            }
            if let Some(own) = store.find_in_collection(&name, &client)? {
                return Ok(own);
            }
            store.new_in_collection(&name)
        };
        self.driver.offload(place).await?
    }

    async fn set_refresh_time(&self, name: &CacheName, time: KerberosTime) -> Result<(), Error> {
        let (store, name) = (self.store.clone(), name.clone());
        let value = time.unix_seconds().to_string();
        self.driver
            .offload(move || store.set_config(&name, REFRESH_TIME, None, value.as_bytes()))
            .await?
    }
}

fn acquired(cache: &CacheName, tgt: &Credential, from_keytab: bool) -> Acquired {
    Acquired {
        cache: cache.clone(),
        principal: tgt.client.clone(),
        end_time: tgt.end_time,
        from_keytab,
    }
}

fn refresh_time(cache: &CredentialCache) -> Option<KerberosTime> {
    let value = cache.config(REFRESH_TIME, None)?;
    let seconds: i64 = std::str::from_utf8(value).ok()?.trim().parse().ok()?;
    Some(KerberosTime::from_unix_seconds(seconds))
}

/// The middle of the ticket's life. A ticket without a start time began when its client logged in.
pub(super) fn halfway(ticket: &Credential) -> KerberosTime {
    let start = match ticket.start_time {
        KerberosTime::EPOCH => ticket.auth_time,
        start => start,
    };
    let life = ticket.end_time.seconds_since(start).max(0);
    start.saturating_add_seconds(life / 2)
}

/// The cache is not there, or nothing is in it.
pub(super) fn absent(error: &Error) -> bool {
    matches!(
        error,
        Error::Cache {
            fault: CacheFault::File(FileFault::NotFound) | CacheFault::Empty,
            ..
        }
    )
}

fn no_keytab(error: &Error) -> bool {
    matches!(
        error,
        Error::Keytab {
            fault: KeytabFault::File(FileFault::NotFound),
            ..
        }
    )
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use std::sync::Arc;

    use super::*;
    use crate::client::Client;
    use crate::config::Config;
    use crate::environment::Environment;

    #[test]
    fn a_cache_that_changed_hands_is_not_the_wanted_principals() {
        let config = Config::from_text("", "test", Environment::default()).unwrap();
        let core = Client::new(Arc::new(config)).core;
        let parse = |name: &str| Principal::parse(name, None).unwrap();
        let (alice, bob) = (parse("alice@EXAMPLE.COM"), parse("bob@EXAMPLE.COM"));
        let cache = CacheName::Memory("one".to_owned());
        let collection = CacheName::Memory("all".to_owned());
        let contents = CredentialCache::new(bob.clone());
        let look = |wanted: &Principal| {
            core.judge_for(Some(wanted.clone()), collection.clone(), cache.clone(), &contents)
        };
        let found = look(&alice);
        assert_eq!((found.principal, found.cache), (Some(alice), collection.clone()));
        assert!(found.tgt.is_none() && found.refresh);
        let fault = match found.why {
            Some(Error::Cache { fault, .. }) => Some(fault),
            _ => None,
        };
        assert!(
            matches!(fault, Some(CacheFault::OtherPrincipal { .. })),
            "{fault:?}"
        );
        let found = look(&bob);
        assert_eq!((found.principal, found.cache), (Some(bob), cache.clone()));
    }
}
