//! One administrator's session: through a running KDC, or on the database itself

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_asn1::Principal;

use crate::admin::socket::{AdminClient, socket_path};
use crate::admin::{Admin, AdminDefaults, AdminError, Reply, Request};
use crate::error::{Result, ServerError};
use crate::store::{MasterKey, RedbStore};

/// How long to go on when the database is locked and nobody answers: a KDC is starting or ending
const CONTENTION: Duration = Duration::from_secs(5);
/// Pause between two tries
const PAUSE: Duration = Duration::from_millis(30);

/// How long a session that goes on asking holds the database without a break
const HOLD: Duration = Duration::from_millis(500);
/// The break: longer than the pause between two tries of a KDC that wants it
const BREAK: Duration = Duration::from_millis(60);

/// How to come by the master key when the database is opened directly
pub type MasterKeySource = Box<dyn Fn(&str) -> Result<MasterKey>>;

/// What a session works on
pub struct SessionPlan {
    /// The database file
    pub database: PathBuf,
    /// The realm, if it is known
    pub realm: String,
    /// Defaults of new principals, when the database is opened directly
    pub defaults: AdminDefaults,
    /// Gives the master key for a realm
    pub master: MasterKeySource,
}

impl core::fmt::Debug for SessionPlan {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("SessionPlan")
            .field("database", &self.database)
            .finish_non_exhaustive()
    }
}

/// A session of `kadmin.local`
///
/// Without a running KDC the database is opened for each request and closed again, or, while more are
/// expected, every half second: neither a prompt left open nor a long script keeps a KDC from starting.
#[derive(Debug)]
pub struct AdminSession {
    plan: SessionPlan,
    by: Principal,
    client: Option<AdminClient>,
    held: Option<Held>,
    more: bool,
}

/// The database, open since a moment
#[derive(Debug)]
struct Held {
    store: Arc<RedbStore>,
    since: Instant,
}

impl AdminSession {
    /// Begins a session in the name of `by`, and makes sure that it can work
    ///
    /// # Errors
    /// What keeps the database from being used.
    pub fn open(plan: SessionPlan, by: Principal) -> Result<AdminSession> {
        let mut session = AdminSession {
            plan,
            by,
            client: None,
            held: None,
            more: false,
        };
        session.reach()?;
        session.held = None;
        Ok(session)
    }

    /// Says whether more requests follow at once: only then is the database held between them
    pub fn expect_more(&mut self, more: bool) {
        self.more = more;
        if !more {
            self.held = None;
        }
    }

    /// Whether a running KDC answers this session
    #[must_use]
    pub fn is_beside_kdc(&self) -> bool {
        self.client.is_some()
    }

    /// The database
    #[must_use]
    pub fn database(&self) -> &Path {
        &self.plan.database
    }

    /// Carries out one request; what it changed is durable when it returns
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn call(&mut self, request: Request) -> Result<Reply, AdminError> {
        if let Some(client) = &mut self.client {
            match client.call(&self.by, &request) {
                Err(AdminError::Transport(detail)) => {
                    self.client = None;
                    // A change may have been made before the connection broke; only what changes
                    // nothing is asked again.
                    if !matches!(request, Request::Realm | Request::Get(_) | Request::List { .. }) {
                        return Err(AdminError::Transport(detail));
                    }
                }
                answer => return answer,
            }
        }
        match self.reach()? {
            Reached::Socket => match &mut self.client {
                Some(client) => client.call(&self.by, &request),
                None => Err(AdminError::Transport("the session has no connection".to_owned())),
            },
            Reached::Database(store) => {
                let answer = Admin::new(store, self.plan.defaults.clone()).execute(&self.by, request);
                // After a failure of the disk it is opened anew.
                if !self.more || matches!(answer, Err(AdminError::Store(_))) {
                    self.held = None;
                }
                answer
            }
        }
    }

    fn reach(&mut self) -> Result<Reached> {
        if let Some(held) = &self.held {
            if held.since.elapsed() < HOLD {
                return Ok(Reached::Database(Arc::clone(&held.store)));
            }
            self.held = None;
            std::thread::sleep(BREAK);
        }
        let give_up = Instant::now() + CONTENTION;
        let socket = socket_path(&self.plan.database);
        loop {
            if self.client.is_none() {
                self.client = AdminClient::connect(&socket)?;
            }
            if self.client.is_some() {
                return Ok(Reached::Socket);
            }
            match RedbStore::open(&self.plan.database, Some(&self.plan.realm), &self.plan.master) {
                Ok(store) => {
                    let store = Arc::new(store);
                    self.held = Some(Held {
                        store: Arc::clone(&store),
                        since: Instant::now(),
                    });
                    return Ok(Reached::Database(store));
                }
                Err(ServerError::DatabaseInUse { .. }) if Instant::now() < give_up => {
                    std::thread::sleep(PAUSE);
                }
                Err(error) => return Err(error),
            }
        }
    }
}

enum Reached {
    Socket,
    Database(Arc<RedbStore>),
}
