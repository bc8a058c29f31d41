//! The open file of a running store, opened again after the disk failed
//!
//! redb refuses everything on a file that failed once, reads among it, until it is opened anew. A
//! disk that was full for a moment must not end the service.

use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError, RwLock};
use std::time::{Duration, Instant};

use redb::Database;

use super::file::fault;
use crate::error::{Result, ServerError};

/// Opens the file again
pub(super) type Reopen = Box<dyn Fn() -> Result<Database> + Send + Sync>;

/// Readers try to open a failed file again this long after it could not be opened
pub(super) const READER_PAUSE: Duration = Duration::from_secs(1);

/// A file that is open, or failed and waits to be opened again
pub(super) struct LiveFile {
    path: PathBuf,
    /// `None`: it failed, and could not be opened again
    database: RwLock<Option<Database>>,
    reopen: Option<Reopen>,
    opening_failed: Mutex<Option<Instant>>,
}

impl LiveFile {
    pub(super) fn new(path: PathBuf, database: Database, reopen: Option<Reopen>) -> LiveFile {
        LiveFile {
            path,
            database: RwLock::new(Some(database)),
            reopen,
            opening_failed: Mutex::new(None),
        }
    }

    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Runs `with` on the open file; it may keep nothing of it
    pub(super) fn with<T>(&self, with: impl FnOnce(&Database) -> Result<T>) -> Result<T> {
        match &*self.database.read().unwrap_or_else(PoisonError::into_inner) {
            Some(database) => with(database),
            None => Err(fault(&self.path, "it failed, and cannot be opened again yet")),
        }
    }

    /// Reads, a second time after opening the file again when the first failed
    pub(super) fn read<T>(&self, read: impl Fn(&Database) -> Result<T>) -> Result<T> {
        match self.with(&read) {
            Err(ServerError::DatabaseIo { .. }) if self.is_readers_turn() => {
                self.open_again()?;
                self.with(&read)
            }
            other => other,
        }
    }

    /// Not when the last try failed a moment ago: each one reads much of the file
    fn is_readers_turn(&self) -> bool {
        let failed = self.opening_failed.lock().unwrap_or_else(PoisonError::into_inner);
        failed.is_none_or(|last| last.elapsed() >= READER_PAUSE)
    }

    /// Closes the failed file and opens it again: what it then holds was durable
    pub(super) fn open_again(&self) -> Result<()> {
        let Some(reopen) = &self.reopen else {
            return Err(fault(&self.path, "it failed, and is kept by no file"));
        };
        let mut database = self.database.write().unwrap_or_else(PoisonError::into_inner);
        // First, since the file is locked as long as it is open.
        drop(database.take());
        let opened = reopen();
        let mut failed = self.opening_failed.lock().unwrap_or_else(PoisonError::into_inner);
        *failed = opened.is_err().then(Instant::now);
        *database = Some(opened?);
        Ok(())
    }
}
