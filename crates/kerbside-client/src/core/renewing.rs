//! One step of a background renewer: look at the cache, do what the plan says, say when to look again.

use std::time::Duration;

use kerbside_asn1::Principal;
use kerbside_formats::Credential;
use kerbside_formats::ccache::CredentialCache;

use super::Core;
use super::acquire::{REFRESH_TIME, halfway};
use crate::clock;
use crate::driver::Driver;
use crate::error::Error;
use crate::names::CacheName;
use crate::renewer::plan::{Action, Facts, History};
use crate::renewer::{RenewerEvent, RenewerOptions, Shared, plan};
use crate::secret::Secret;

/// The clock may be set, and the machine may sleep: the plan is made again after so long at the latest.
const LONGEST_WAIT: Duration = Duration::from_secs(60);

/// What a renewer works on.
#[derive(Debug)]
pub(crate) struct Task {
    pub(crate) cache: CacheName,
    pub(crate) options: RenewerOptions,
    pub(crate) history: History,
}

impl<D: Driver> Core<D> {
    /// Does what is due, and tells how long there is nothing to do.
    pub(crate) async fn renewing_step(&self, task: &mut Task, shared: &Shared) -> Duration {
        let contents = self.read_cache(&task.cache).await;
        let (tgt, offset) = match &contents {
            Ok(contents) => (tgt_of(contents).cloned(), self.offset_of(contents)),
            Err(_) => (None, 0),
        };
        let now = clock::now().time.saturating_add_seconds(offset).unix_seconds();
        let facts = Facts {
            ticket: tgt.as_ref().map(Into::into),
            can_login: task.options.login.is_some(),
        };
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
                task.history.failed(now, next.action == Action::Renew && refused);
                self.tell(shared, task, RenewerEvent::Failed(error));
            }
        }
        // Never at once: the plan's floor holds from here on.
        Duration::from_secs(1)
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
        self.initialize_cache(&task.cache, &ticket).await?;
        Ok(ticket.credential)
    }
}

fn tgt_of(cache: &CredentialCache) -> Option<&Credential> {
    let realm = &cache.primary.realm;
    cache.find(&Principal::krbtgt(realm, realm))
}
