//! Raw records in one redb file: reading, and grouped commits
//!
//! Writers hand their change to one committing thread. All changes that wait when it begins share
//! one transaction and one fsync, and none is acknowledged before that fsync returned.

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use redb::{Database, ReadableDatabase, ReadableTable, Table, TableDefinition, WriteTransaction};

use super::file::{damaged, fault, meta_of};
use super::live::{LiveFile, Reopen};
use crate::error::{Result, ServerError};

/// Principals and aliases: index key to sealed record, one unique index for both
const PRINCIPALS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("kerbside.principals");
/// Login counters: index key to times and count, apart from the records because they change often
const LOGINS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("kerbside.logins");
/// Facts of the file itself
pub(super) const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("kerbside.meta");

/// Format version of the file
pub(crate) const FORMAT_VERSION: u32 = 1;
/// Changes that share one commit at most
const GROUP_MAX: usize = 4096;

/// The tables of one write transaction
pub(crate) struct Batch<'txn> {
    path: &'txn Path,
    principals: Table<'txn, &'static [u8], &'static [u8]>,
    logins: Table<'txn, &'static [u8], &'static [u8]>,
    meta: Table<'txn, &'static str, &'static [u8]>,
    touched: Vec<Vec<u8>>,
    writes: usize,
}

impl Batch<'_> {
    /// How many writes this transaction holds: a change that failed without adding to them harms
    /// nobody it shares the transaction with
    pub(crate) fn writes(&self) -> usize {
        self.writes
    }

    pub(crate) fn principal(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.principals.get(key).map_err(|e| fault(self.path, e))?;
        Ok(found.map(|guard| guard.value().to_vec()))
    }

    pub(crate) fn login(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        let found = self.logins.get(key).map_err(|e| fault(self.path, e))?;
        Ok(found.map(|guard| guard.value().to_vec()))
    }

    /// Marks a name whose cached entry is no longer true
    pub(crate) fn touch(&mut self, key: &[u8]) {
        self.touched.push(key.to_vec());
    }

    pub(crate) fn put_principal(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes += 1;
        self.principals
            .insert(key, value)
            .map_err(|e| fault(self.path, e))?;
        self.touched.push(key.to_vec());
        Ok(())
    }

    pub(crate) fn remove_principal(&mut self, key: &[u8]) -> Result<()> {
        self.writes += 1;
        self.principals.remove(key).map_err(|e| fault(self.path, e))?;
        self.logins.remove(key).map_err(|e| fault(self.path, e))?;
        self.touched.push(key.to_vec());
        Ok(())
    }

    pub(crate) fn put_login(&mut self, key: &[u8], value: &[u8]) -> Result<()> {
        self.writes += 1;
        self.logins.insert(key, value).map_err(|e| fault(self.path, e))?;
        Ok(())
    }

    pub(crate) fn put_meta(&mut self, key: &str, value: &[u8]) -> Result<()> {
        self.writes += 1;
        self.meta.insert(key, value).map_err(|e| fault(self.path, e))?;
        Ok(())
    }
}

/// A change: reads first, and writes only once it is sure to succeed, because it shares its
/// transaction with others
pub(crate) type Change = Box<dyn FnOnce(&mut Batch<'_>) -> Outcome + Send>;

/// What a change came to, before its commit
pub(crate) enum Outcome {
    /// it wrote what it wanted
    Written,
    /// it refused and wrote nothing
    Refused,
    /// the storage failed: nothing of this group may be committed
    Failed(ServerError),
}

struct Job {
    change: Change,
    done: SyncSender<Result<()>>,
}

/// Told which index keys changed, after the commit and before its acknowledgement; `None` when the
/// disk failed, and any of them may have
pub(crate) type OnCommit = Box<dyn Fn(Option<&[Vec<u8>]>) + Send>;

/// One open database file and its committing thread
pub(crate) struct Engine {
    file: Arc<LiveFile>,
    jobs: Option<Sender<Job>>,
    committer: Option<JoinHandle<()>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("path", &self.file.path())
            .finish_non_exhaustive()
    }
}

/// A database that is open but not yet served
pub(crate) struct Opened {
    pub(super) path: PathBuf,
    pub(super) database: Database,
    /// How to open it again after the disk failed
    pub(super) reopen: Option<Reopen>,
}

impl Opened {
    /// One fact of the file
    pub(crate) fn meta(&self, key: &str) -> Result<Option<Vec<u8>>> {
        meta_of(&self.path, &self.database, key)
    }

    /// One record
    pub(crate) fn principal(&self, key: &[u8]) -> Result<Option<Vec<u8>>> {
        read_principal(&self.path, &self.database, key).map(|found| found.map(|(record, _)| record))
    }

    /// Runs one change in a commit of its own
    pub(crate) fn write_now(&self, change: Change) -> Result<()> {
        let mut failure = None;
        commit_group(&self.path, &self.database, |batch| {
            if let Outcome::Failed(error) = change(batch) {
                failure = Some(error);
                return false;
            }
            true
        })?;
        failure.map_or(Ok(()), Err)
    }

    /// Starts the committing thread
    pub(crate) fn serve(self, on_commit: OnCommit) -> Result<Engine> {
        let file = Arc::new(LiveFile::new(self.path, self.database, self.reopen));
        let (jobs, queue) = channel();
        let shared = Arc::clone(&file);
        let committer = std::thread::Builder::new()
            .name("kerbside-commit".to_owned())
            .spawn(move || commit_loop(&shared, &queue, &on_commit))
            .map_err(|e| ServerError::Thread {
                name: "kerbside-commit",
                detail: e.to_string(),
            })?;
        Ok(Engine {
            file,
            jobs: Some(jobs),
            committer: Some(committer),
        })
    }
}

/// Runs `fill` on the tables of one transaction and commits it durably if that says so
fn commit_group(
    path: &Path,
    database: &Database,
    fill: impl FnOnce(&mut Batch<'_>) -> bool,
) -> Result<Vec<Vec<u8>>> {
    let mut transaction = database.begin_write().map_err(|e| fault(path, e))?;
    // After kill -9 the file opens at once, however large it is.
    transaction.set_quick_repair(true);
    let (commit, touched) = {
        let mut batch = open_batch(path, &transaction)?;
        let commit = fill(&mut batch);
        (commit, batch.touched)
    };
    if commit {
        transaction.commit().map_err(|e| fault(path, e))?;
    } else {
        transaction.abort().map_err(|e| fault(path, e))?;
    }
    Ok(touched)
}

fn open_batch<'txn>(path: &'txn Path, transaction: &'txn WriteTransaction) -> Result<Batch<'txn>> {
    Ok(Batch {
        path,
        principals: transaction
            .open_table(PRINCIPALS)
            .map_err(|e| table_error(path, e))?,
        logins: transaction.open_table(LOGINS).map_err(|e| table_error(path, e))?,
        meta: transaction.open_table(META).map_err(|e| table_error(path, e))?,
        touched: Vec::new(),
        writes: 0,
    })
}

fn commit_loop(file: &LiveFile, queue: &Receiver<Job>, on_commit: &OnCommit) {
    while let Ok(first) = queue.recv() {
        let mut group = Group {
            next: Some(first),
            waiting: Vec::new(),
            failure: None,
        };
        let mut committed = group.commit(file, queue);
        if committed.is_err() {
            let opened = file.open_again();
            // Whether the failed commit is on the disk after all is known to the file alone.
            on_commit(None);
            // Nothing of it was run when the file had failed before: now it can be.
            if opened.is_ok() && group.next.is_some() {
                committed = group.commit(file, queue);
            }
        }
        if let Ok(touched) = &committed {
            on_commit(Some(touched));
        }
        let failure = committed.err().map(detail);
        // What was not run at all failed with the others.
        let waiting = group.waiting.into_iter().chain(group.next.map(|job| job.done));
        for done in waiting {
            // A caller that no longer waits does not care.
            let _ = done.send(match &failure {
                None => Ok(()),
                Some(detail) => Err(ServerError::DatabaseIo {
                    path: file.path().to_owned(),
                    detail: detail.clone(),
                }),
            });
        }
    }
}

/// Changes that share a commit
struct Group {
    /// the one to run next
    next: Option<Job>,
    /// who waits for those that were run
    waiting: Vec<SyncSender<Result<()>>>,
    failure: Option<ServerError>,
}

impl Group {
    /// Runs the changes that wait, and makes them durable or none of them
    fn commit(&mut self, file: &LiveFile, queue: &Receiver<Job>) -> Result<Vec<Vec<u8>>> {
        let touched = file.with(|database| {
            commit_group(file.path(), database, |batch| {
                while let Some(job) = self.next.take() {
                    let outcome = (job.change)(batch);
                    self.waiting.push(job.done);
                    if let Outcome::Failed(error) = outcome {
                        self.failure = Some(error);
                        return false;
                    }
                    if self.waiting.len() < GROUP_MAX {
                        self.next = queue.try_recv().ok();
                    }
                }
                true
            })
        });
        match self.failure.take() {
            Some(error) => Err(error),
            None => touched,
        }
    }
}

/// The cause alone: the path is named again by who is told
fn detail(error: ServerError) -> String {
    match error {
        ServerError::DatabaseIo { detail, .. } => detail,
        other => other.to_string(),
    }
}

type RecordAndLogin = (Vec<u8>, Option<Vec<u8>>);

fn read_principal(path: &Path, database: &Database, key: &[u8]) -> Result<Option<RecordAndLogin>> {
    let transaction = database.begin_read().map_err(|e| fault(path, e))?;
    let table = match transaction.open_table(PRINCIPALS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(table_error(path, error)),
    };
    let Some(record) = table.get(key).map_err(|e| fault(path, e))? else {
        return Ok(None);
    };
    let logins = transaction.open_table(LOGINS).map_err(|e| table_error(path, e))?;
    let login = logins.get(key).map_err(|e| fault(path, e))?;
    Ok(Some((
        record.value().to_vec(),
        login.map(|guard| guard.value().to_vec()),
    )))
}

fn read_keys(
    path: &Path,
    database: &Database,
    after: Option<&[u8]>,
    limit: usize,
) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
    use core::ops::Bound;
    let transaction = database.begin_read().map_err(|e| fault(path, e))?;
    let table = match transaction.open_table(PRINCIPALS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
        Err(error) => return Err(table_error(path, error)),
    };
    let from = after.map_or(Bound::Unbounded, Bound::Excluded);
    let range = table
        .range::<&[u8]>((from, Bound::Unbounded))
        .map_err(|e| fault(path, e))?;
    let mut keys = Vec::new();
    for item in range.take(limit) {
        let (key, value) = item.map_err(|e| fault(path, e))?;
        keys.push((key.value().to_vec(), value.value().to_vec()));
    }
    Ok(keys)
}

/// A table that cannot be opened: the disk's fault, or the file's
fn table_error(path: &Path, error: redb::TableError) -> ServerError {
    match error {
        redb::TableError::Storage(redb::StorageError::Io(_) | redb::StorageError::PreviousIo) => {
            fault(path, error)
        }
        other => damaged(path, other),
    }
}

impl Engine {
    pub(crate) fn path(&self) -> &Path {
        self.file.path()
    }

    /// The record and the login counters under an index key
    pub(crate) fn principal(&self, key: &[u8]) -> Result<Option<RecordAndLogin>> {
        let read = |database: &Database| read_principal(self.file.path(), database, key);
        self.file.read(read)
    }

    /// Index keys after `after` in their order, at most `limit`
    pub(crate) fn keys_after(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        let read = |database: &Database| read_keys(self.file.path(), database, after, limit);
        self.file.read(read)
    }

    /// Queues a change and waits until it is durable
    pub(crate) fn write(&self, change: Change) -> Result<()> {
        let (done, finished) = sync_channel(1);
        let ended = || ServerError::Thread {
            name: "kerbside-commit",
            detail: "it has ended".to_owned(),
        };
        self.jobs
            .as_ref()
            .ok_or_else(ended)?
            .send(Job { change, done })
            .map_err(|_| ended())?;
        finished.recv().map_err(|_| ended())?
    }
}

impl Drop for Engine {
    fn drop(&mut self) {
        drop(self.jobs.take());
        if let Some(committer) = self.committer.take() {
            let _ = committer.join();
        }
    }
}
