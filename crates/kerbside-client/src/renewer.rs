//! A background renewer: keeps the ticket-granting ticket of a cache alive while it exists.
//!
//! At half of a ticket's life, counted from its start, it is renewed; what cannot be renewed any more is replaced by a
//! fresh login with a keytab, where there is one. Two attempts are never closer together than a floor, and failures
//! come ever more rarely. Dropping the [`Renewer`] ends it.

pub(crate) mod plan;

use std::fmt;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use kerbside_asn1::KerberosTime;

use crate::client::{AsyncClient, Client};
use crate::core::renewing::Task;
use crate::driver::block_on;
use crate::error::Error;
use crate::names::{CacheName, KeytabName};
use crate::request::TgtRequest;

/// How a renewer works.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct RenewerOptions {
    /// How to log in again when the ticket cannot be renewed any more; `None` for not at all.
    pub login: Option<RenewerLogin>,
    /// No two attempts are closer together than this.
    pub interval_min: Duration,
}

/// A login with a keytab.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RenewerLogin {
    /// What is asked for.
    pub request: TgtRequest,
    /// The keytab, read anew each time.
    pub keytab: KeytabName,
}

impl Default for RenewerOptions {
    fn default() -> Self {
        Self {
            login: None,
            interval_min: Duration::from_secs(30),
        }
    }
}

impl RenewerOptions {
    /// Renewals alone.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// With logins by this keytab.
    #[must_use]
    pub fn with_login(mut self, request: TgtRequest, keytab: KeytabName) -> Self {
        self.login = Some(RenewerLogin { request, keytab });
        self
    }

    /// With this floor between two attempts; a second at least.
    #[must_use]
    pub fn with_interval_min(mut self, interval: Duration) -> Self {
        self.interval_min = interval;
        self
    }

    pub(crate) fn rules(&self) -> plan::Rules {
        plan::Rules {
            floor: i64::try_from(self.interval_min.as_secs())
                .unwrap_or(i64::MAX)
                .max(1),
        }
    }
}

/// What a renewer did.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum RenewerEvent {
    /// The ticket was renewed.
    Renewed {
        /// When it ends now.
        end: KerberosTime,
    },
    /// A new ticket was got with the keytab.
    LoggedIn {
        /// When it ends.
        end: KerberosTime,
    },
    /// It did not work; it is tried again.
    Failed(Error),
}

/// How a renewer is doing.
#[derive(Debug, Clone, Default)]
#[non_exhaustive]
pub struct RenewerStatus {
    /// How many times the ticket was renewed.
    pub renewals: u64,
    /// How many times a new one was got.
    pub logins: u64,
    /// Failures since the last success.
    pub failures: u64,
    /// The last failure, until something succeeds.
    pub last_error: Option<Error>,
    /// When the cache's ticket ends.
    pub end_time: Option<KerberosTime>,
    /// When something is done next; `None` when nothing can be done.
    pub next: Option<KerberosTime>,
}

/// What the worker and the program share.
#[derive(Debug, Default)]
pub(crate) struct Shared {
    state: Mutex<State>,
    stopped: Condvar,
}

type Listener = Box<dyn FnMut(&RenewerEvent) + Send>;

#[derive(Default)]
struct State {
    stop: bool,
    status: RenewerStatus,
    listener: Option<Listener>,
}

impl fmt::Debug for State {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.status.fmt(f)
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(crate) fn status(&self) -> RenewerStatus {
        self.lock().status.clone()
    }

    pub(crate) fn planned(&self, next: Option<i64>, end: Option<KerberosTime>) {
        let mut state = self.lock();
        state.status.next = next.map(KerberosTime::from_unix_seconds);
        state.status.end_time = end;
    }

    pub(crate) fn happened(&self, event: RenewerEvent) {
        let mut state = self.lock();
        let status = &mut state.status;
        match &event {
            RenewerEvent::Renewed { end } | RenewerEvent::LoggedIn { end } => {
                status.failures = 0;
                status.last_error = None;
                status.end_time = Some(*end);
            }
            RenewerEvent::Failed(error) => {
                status.failures = status.failures.saturating_add(1);
                status.last_error = Some(error.clone());
            }
        }
        match event {
            RenewerEvent::Renewed { .. } => status.renewals = status.renewals.saturating_add(1),
            RenewerEvent::LoggedIn { .. } => status.logins = status.logins.saturating_add(1),
            RenewerEvent::Failed(_) => {}
        }
        // Not under the lock: the listener may ask for the status.
        let Some(mut listener) = state.listener.take() else {
            return;
        };
        drop(state);
        listener(&event);
        let mut state = self.lock();
        if state.listener.is_none() {
            state.listener = Some(listener);
        }
    }

    /// Waits on this thread; true when it is time to stop.
    fn pause(&self, time: Duration) -> bool {
        let state = self.lock();
        let (state, _) = self
            .stopped
            .wait_timeout_while(state, time, |state| !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        state.stop
    }
}

/// A renewer at work; dropping it ends the work. An exchange that is under way on a thread is finished first, in the
/// background.
#[derive(Debug)]
pub struct Renewer {
    shared: Arc<Shared>,
    task: Option<tokio::task::AbortHandle>,
}

impl Renewer {
    /// How it is doing.
    #[must_use]
    pub fn status(&self) -> RenewerStatus {
        self.shared.status()
    }

    /// Calls this with each event from now on, on the renewer's thread or task.
    pub fn on_event(&self, listener: impl FnMut(&RenewerEvent) + Send + 'static) {
        self.shared.lock().listener = Some(Box::new(listener));
    }
}

impl Drop for Renewer {
    fn drop(&mut self) {
        self.shared.lock().stop = true;
        self.shared.stopped.notify_all();
        if let Some(task) = &self.task {
            task.abort();
        }
    }
}

fn task(cache: &CacheName, options: RenewerOptions) -> Task {
    Task {
        cache: cache.clone(),
        resolved: false,
        options,
        history: plan::History::default(),
    }
}

impl Client {
    /// Keeps the cache's ticket-granting ticket alive, on a thread of its own, until the renewer is dropped.
    ///
    /// # Errors
    /// [`Error::Interrupted`]: the system gives no thread.
    pub fn start_renewer(&self, cache: &CacheName, options: RenewerOptions) -> Result<Renewer, Error> {
        let shared = Arc::new(Shared::default());
        let (client, mut task, of_thread) = (self.clone(), task(cache, options), Arc::clone(&shared));
        let work = move || {
            loop {
                let step = async { Ok(client.core.renewing_step(&mut task, &of_thread).await) };
                let wait = block_on(step).unwrap_or(Duration::from_secs(60));
                if of_thread.pause(wait) {
                    return;
                }
            }
        };
        std::thread::Builder::new()
            .name("kerbside-renewer".to_owned())
            .spawn(work)
            .map_err(|_| Error::Interrupted)?;
        Ok(Renewer { shared, task: None })
    }
}

impl AsyncClient {
    /// Keeps the cache's ticket-granting ticket alive, by a task of the runtime, until the renewer is dropped. To be
    /// called within a tokio runtime.
    #[must_use]
    pub fn start_renewer(&self, cache: &CacheName, options: RenewerOptions) -> Renewer {
        let shared = Arc::new(Shared::default());
        let (client, mut task, of_task) = (self.clone(), task(cache, options), Arc::clone(&shared));
        let work = async move {
            loop {
                let wait = client.core.renewing_step(&mut task, &of_task).await;
                tokio::time::sleep(wait).await;
            }
        };
        let handle = tokio::spawn(work).abort_handle();
        Renewer {
            shared,
            task: Some(handle),
        }
    }
}
