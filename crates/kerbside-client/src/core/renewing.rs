//! One step of a background renewer: look at the cache, do what the plan says, say when to look again.

use std::time::Duration;

use kerbside_asn1::Principal;
use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;

use super::Core;
use super::acquire::{REFRESH_TIME, absent, halfway};
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::renewer::plan::{Action, Facts, History};
use crate::renewer::{RenewerEvent, RenewerOptions, Shared, plan};
use crate::secret::Secret;
use crate::store::CacheStore;

/// The clock may be set, and the machine may sleep: the plan is made again after so long at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a renewer works on.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) cache: CacheName,
    /// Whether `cache` is the one cache that the name stood for when the renewer started.
    pub(crate) resolved: bool,
    pub(crate) options: RenewerOptions,
    pub(crate) history: History,
}

impl<D: Driver> Core<D> {
    /// Does what is due, and tells how long there is nothing to do.
    pub(crate) async fn renewing_step(&self, task: &mut Task, shared: &Shared) -> Duration {
        if !task.resolved {
            // Once: whoever switches the collection's primary cache later does not redirect the renewer.
            match self.resolve_cache(&task.cache).await {
                Ok(cache) => task.cache = cache,
                Err(error) => return self.unreadable(shared, task, error),
            }
            task.resolved = true;
        }
        let contents = match self.read_cache(&task.cache).await {
            // Nobody knows what is in there: it is no reason to log in over it.
            Err(error) if !absent(&error) => return self.unreadable(shared, task, error),
            contents => contents,
        };
        let (tgt, offset) = match &contents {
            Ok(contents) => (tgt_of(contents).cloned(), self.offset_of(contents)),
            Err(_) => (None, 0),
        };
        let now = clock::now().time.saturating_add_seconds(offset).unix_seconds();
        let facts = Facts {
            ticket: tgt.as_ref().map(Into::into),
            can_login: task.options.login.is_some(),
        };
        task.history.sees(facts.ticket);
        let planned = plan::next(&facts, &task.history, &task.options.rules(), now);
        shared.planned(planned.map(|next| next.at), tgt.as_ref().map(|tgt| tgt.end_time));
        let Some(next) = planned else {
            // Another program may fill the cache.
            if task.history.tell_stuck() {
                let error = contents.err().unwrap_or(Error::NothingToRenew {
                    cache: task.cache.clone(),
                });
                self.tell(shared, task, RenewerEvent::Failed(error));
            }
            return LONGEST_WAIT;
        };
        if next.at > now {
            let left = u64::try_from(next.at.saturating_sub(now)).unwrap_or(0);
            return Duration::from_secs(left).min(LONGEST_WAIT);
        }
        let done = match (next.action, tgt) {
            (Action::Renew, Some(tgt)) => self.renew_cache(task, tgt, offset).await,
            _ => self.login_again(task).await,
        };
        match done {
            Ok(ticket) => {
                task.history.succeeded(now);
                let end = ticket.end_time;
                self.tell(
                    shared,
                    task,
                    match next.action {
                        Action::Renew => RenewerEvent::Renewed { end },
                        Action::Login => RenewerEvent::LoggedIn { end },
                    },
                );
            }
            Err(error) => {
                // A KDC that says no to a renewal says it again; one that says nothing may be back soon.
                let refused = matches!(error, Error::Exchange { .. });
                let refused = facts.ticket.filter(|_| next.action == Action::Renew && refused);
                task.history.failed(now, refused);
                self.tell(shared, task, RenewerEvent::Failed(error));
            }
        }
        // Never at once: the plan's floor holds from here on.
        Duration::from_secs(1)
    }

    /// Tells that the cache cannot be looked at, and how long it is until the next look.
    fn unreadable(&self, shared: &Shared, task: &Task, error: Error) -> Duration {
        let seconds = i64::try_from(LONGEST_WAIT.as_secs()).unwrap_or(i64::MAX);
        let next = clock::now().time.saturating_add_seconds(seconds).unix_seconds();
        shared.planned(Some(next), None);
        self.tell(shared, task, RenewerEvent::Failed(error));
        LONGEST_WAIT
    }

    fn tell(&self, shared: &Shared, task: &Task, event: RenewerEvent) {
        match &event {
            RenewerEvent::Failed(error) => {
                tracing::warn!(cache = %task.cache, %error, "tickets are not renewed");
            }
            RenewerEvent::Renewed { end } => tracing::info!(cache = %task.cache, %end, "ticket renewed"),
            RenewerEvent::LoggedIn { end } => tracing::info!(cache = %task.cache, %end, "logged in again"),
        }
        shared.happened(event);
    }

    async fn renew_cache(&self, task: &Task, tgt: Credential, offset: i64) -> Result<Credential, Error> {
        let client = tgt.client.clone();
        let ticket = self.renew(tgt, offset).await?.credential;
        let mut contents = self.read_cache(&task.cache).await?;
        if contents.primary != client {
            // Somebody else logged in meanwhile: his tickets stay.
            return tgt_of(&contents).cloned().ok_or(Error::NothingToRenew {
                cache: task.cache.clone(),
            });
        }
        contents.remove(|credential| credential.server == ticket.server);
        contents.add(ticket.clone());
        if contents.config(REFRESH_TIME, None).is_some() {
            let half = halfway(&ticket).unix_seconds().to_string();
            contents.set_config(REFRESH_TIME, None, half.as_bytes());
        }
        self.write_cache(&task.cache, contents).await?;
        Ok(ticket)
    }

    async fn login_again(&self, task: &Task) -> Result<Credential, Error> {
        let Some(login) = &task.options.login else {
            return Err(Error::NothingToRenew {
                cache: task.cache.clone(),
            });
        };
        let mut secret = Secret::Keytab(self.read_keytab(&login.keytab).await?);
        let ticket = self.initial(&login.request, &mut secret).await?;
        let (store, name, contents) = (self.store.clone(), task.cache.clone(), self.cache_of(&ticket));
        self.driver
            .offload(move || replace_own(&store, &name, &contents))
            .await??;
        Ok(ticket.credential)
    }
}

/// Writes a login's cache, unless somebody else's tickets are there: they stay. Read at the last moment, since an
/// exchange takes its time.
fn replace_own(store: &CacheStore, name: &CacheName, contents: &CredentialCache) -> Result<(), Error> {
    match store.read(name) {
        Ok(old) if old.primary != contents.primary => {
            return Err(Error::NothingToRenew { cache: name.clone() });
        }
        Err(error) if !absent(&error) => return Err(error),
        _ => {}
    }
    store.initialize(name, contents)
}

fn tgt_of(cache: &CredentialCache) -> Option<&Credential> {
    let realm = &cache.primary.realm;
    cache.find(&Principal::krbtgt(realm, realm))
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use std::sync::Arc;

    use super::*;
    use crate::client::Client;
    use crate::config::Config;
    use crate::driver::block_on;
    use crate::environment::Environment;
    use crate::names::KeytabName;
    use crate::renewer::RenewerOptions;
    use crate::request::TgtRequest;

    fn client() -> Client {
        Client::new(Arc::new(
            Config::from_text("", "test", Environment::default()).unwrap(),
        ))
    }

    fn cache_of(name: &str) -> CredentialCache {
        CredentialCache::new(Principal::parse(name, None).unwrap())
    }

    #[test]
    fn a_login_leaves_another_principals_cache_alone() {
        let store = client().core.store;
        let name = CacheName::Memory("renewed".to_owned());
        let (alice, bob) = (cache_of("alice@EXAMPLE.COM"), cache_of("bob@EXAMPLE.COM"));
        replace_own(&store, &name, &alice).unwrap();
        replace_own(&store, &name, &alice).unwrap();
        let refused = replace_own(&store, &name, &bob).unwrap_err();
        assert!(matches!(refused, Error::NothingToRenew { .. }), "{refused}");
        assert_eq!(store.read(&name).unwrap().primary, alice.primary);
    }

    fn step(client: &Client, task: &mut Task, shared: &Shared) -> Duration {
        block_on(async { Ok(client.core.renewing_step(task, shared).await) }).unwrap()
    }

    #[test]
    fn a_cache_that_cannot_be_read_is_told_each_time_and_nothing_is_tried() {
        let directory = tempfile::tempdir().unwrap();
        let path = directory.path().join("cc");
        std::fs::write(&path, b"nonsense").unwrap();
        let keytab = KeytabName::file(directory.path().join("none"));
        let request = TgtRequest::new(Principal::parse("alice@EXAMPLE.COM", None).unwrap());
        let mut task = Task {
            cache: CacheName::File(path.clone()),
            resolved: false,
            options: RenewerOptions::new().with_login(request, keytab),
            history: History::default(),
        };
        let (client, shared) = (client(), Shared::default());
        for failures in 1..3 {
            assert_eq!(step(&client, &mut task, &shared), LONGEST_WAIT);
            let status = shared.status();
            assert_eq!(status.failures, failures);
            assert!(
                matches!(status.last_error, Some(Error::Cache { .. })),
                "{status:?}"
            );
        }
        assert_eq!(std::fs::read(&path).unwrap(), b"nonsense");
    }

    #[test]
    fn a_switch_of_the_collection_does_not_redirect_a_renewer() {
        let directory = tempfile::tempdir().unwrap();
        let (client, shared) = (client(), Shared::default());
        let name = CacheName::Dir(directory.path().to_owned());
        let first = client.core.store.resolve(&name).unwrap();
        let mut task = Task {
            cache: name.clone(),
            resolved: false,
            options: RenewerOptions::new(),
            history: History::default(),
        };
        step(&client, &mut task, &shared);
        let other = client.core.store.new_in_collection(&name).unwrap();
        client
            .core
            .store
            .initialize(&other, &cache_of("bob@EXAMPLE.COM"))
            .unwrap();
        client.core.store.switch(&other).unwrap();
        step(&client, &mut task, &shared);
        assert_eq!(client.core.store.resolve(&name).unwrap(), other);
        assert_eq!(task.cache, first);
    }
}
