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
/// Without a running KDC the database is opened for each request and closed again, so that a
/// prompt left open never keeps a KDC from starting.
#[derive(Debug)]
pub struct AdminSession {
    plan: SessionPlan,
    by: Principal,
    client: Option<AdminClient>,
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
        };
        match session.reach()? {
            Reached::Socket => {}
            Reached::Database(store) => drop(store),
        }
        Ok(session)
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
                Admin::new(store, self.plan.defaults.clone()).execute(&self.by, request)
            }
        }
    }

    fn reach(&mut self) -> Result<Reached> {
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
                Ok(store) => return Ok(Reached::Database(Arc::new(store))),
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
