//! Raw records in one redb file: opening without harm, reading, and grouped commits
//!
//! Writers hand their change to one committing thread. All changes that wait when it begins share
//! one transaction and one fsync, and none is acknowledged before that fsync returned.

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::mpsc::{Receiver, Sender, SyncSender, channel, sync_channel};
use std::thread::JoinHandle;

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{
    Builder, Database, DatabaseError, ReadableDatabase, ReadableTable, StorageBackend, Table,
    TableDefinition, WriteTransaction,
};

use crate::error::{Result, ServerError};

/// Principals and aliases: index key to sealed record, one unique index for both
const PRINCIPALS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("kerbside.principals");
/// Login counters: index key to times and count, apart from the records because they change often
const LOGINS: TableDefinition<'static, &[u8], &[u8]> = TableDefinition::new("kerbside.logins");
/// Facts of the file itself
const META: TableDefinition<'static, &str, &[u8]> = TableDefinition::new("kerbside.meta");

/// Format version of the file
pub(crate) const FORMAT_VERSION: u32 = 1;
/// Changes that share one commit at most
const GROUP_MAX: usize = 4096;
/// Page cache of the embedded database, bytes
const PAGE_CACHE_BYTES: usize = 64 << 20;
/// Files up to this size are checked page by page on opening; above it only after a crash
const FULL_CHECK_BYTES_MAX: u64 = 16 << 20;
/// What a redb file begins with
const REDB_MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";

/// What happened to a file beneath us, before it has a path to tell
fn fault(path: &Path, error: impl fmt::Display) -> ServerError {
    ServerError::DatabaseIo {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

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

/// Told which index keys changed, after the commit and before its acknowledgement
pub(crate) type OnCommit = Box<dyn Fn(&[Vec<u8>]) + Send>;

/// One open database file and its committing thread
pub(crate) struct Engine {
    path: PathBuf,
    database: std::sync::Arc<Database>,
    jobs: Option<Sender<Job>>,
    committer: Option<JoinHandle<()>>,
}

impl fmt::Debug for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Engine")
            .field("path", &self.path)
            .finish_non_exhaustive()
    }
}

/// A database that is open but not yet served
pub(crate) struct Opened {
    path: PathBuf,
    database: Database,
}

/// Opens an existing file; nothing is created, a foreign or damaged file is refused untouched
pub(crate) fn open_file(path: &Path) -> Result<Opened> {
    let (file, size) = own_file(path)?;
    let backend = FileBackend::new(file).map_err(|e| open_error(path, e))?;
    open_with_backend(path, backend, size <= FULL_CHECK_BYTES_MAX)
}

/// A file that begins as ours do, and its size
fn own_file(path: &Path) -> Result<(File, u64)> {
    let file = match OpenOptions::new().read(true).write(true).open(path) {
        Ok(file) => file,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {
            return Err(ServerError::DatabaseMissing {
                path: path.to_owned(),
            });
        }
        Err(source) => {
            return Err(ServerError::File {
                path: path.to_owned(),
                action: "open",
                source,
            });
        }
    };
    refuse_foreign(path, &file)?;
    let size = file.metadata().map_err(|e| fault(path, e))?.len();
    Ok((file, size))
}

/// Facts of a file, read without a single write to it
pub(crate) fn peek(path: &Path, keys: &[&str]) -> Result<Vec<Option<Vec<u8>>>> {
    let (file, _) = own_file(path)?;
    let backend = FileBackend::new(file).map_err(|e| open_error(path, e))?;
    let attempt = catch_unwind(AssertUnwindSafe(|| {
        Builder::new().open_read_only_with_backend(backend)
    }));
    let database = match attempt {
        Ok(Ok(database)) => database,
        // Its last user was killed: only an opening for writing puts it in order.
        Ok(Err(DatabaseError::RepairAborted)) => {
            let opened = open_file(path)?;
            return keys.iter().map(|key| opened.meta(key)).collect();
        }
        Ok(Err(error)) => return Err(open_error(path, error)),
        Err(_) => return Err(damaged(path, "its pages contradict each other")),
    };
    let meta = |key: &str| meta_of(path, &database, key);
    check_version(path, meta("format")?)?;
    keys.iter().map(|key| meta(key)).collect()
}

/// One fact of an open file
fn meta_of(path: &Path, database: &impl ReadableDatabase, key: &str) -> Result<Option<Vec<u8>>> {
    let transaction = database.begin_read().map_err(|e| fault(path, e))?;
    let table = match transaction.open_table(META) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(damaged(path, error)),
    };
    let value = table.get(key).map_err(|e| fault(path, e))?;
    Ok(value.map(|guard| guard.value().to_vec()))
}

/// Whether a file is ours, and of a version that is understood
fn check_version(path: &Path, format: Option<Vec<u8>>) -> Result<()> {
    let Some(format) = format else {
        return Err(ServerError::DatabaseForeign {
            path: path.to_owned(),
            found: "a redb file of another program".to_owned(),
        });
    };
    let found = <[u8; 4]>::try_from(format.as_slice()).map_or(0, u32::from_be_bytes);
    if found != FORMAT_VERSION {
        return Err(ServerError::DatabaseVersion {
            path: path.to_owned(),
            found,
            expected: FORMAT_VERSION,
        });
    }
    Ok(())
}

/// Opens what an existing storage backend holds
pub(crate) fn open_with_backend(path: &Path, backend: impl StorageBackend, check: bool) -> Result<Opened> {
    let length = backend.len().map_err(|e| fault(path, e))?;
    if length == 0 {
        return Err(ServerError::DatabaseForeign {
            path: path.to_owned(),
            found: "an empty file".to_owned(),
        });
    }
    let mut builder = Builder::new();
    builder
        .set_cache_size(PAGE_CACHE_BYTES)
        .set_check_integrity_on_open(check);
    // redb panics on some damage in debug builds; a damaged file must end in an error that says so.
    let attempt = catch_unwind(AssertUnwindSafe(|| builder.create_with_backend(backend)));
    let database = match attempt {
        Ok(result) => result.map_err(|e| open_error(path, e))?,
        Err(_) => return Err(damaged(path, "its pages contradict each other")),
    };
    let opened = Opened {
        path: path.to_owned(),
        database,
    };
    check_version(path, opened.meta("format")?)?;
    Ok(opened)
}

/// Creates a database in memory, for realms that are thrown away
pub(crate) fn create_in_memory(path: &Path) -> Result<Opened> {
    create_with_backend(path, InMemoryBackend::new())
}

/// Creates a database in an empty backend and marks it as ours
pub(crate) fn create_with_backend(path: &Path, backend: impl StorageBackend) -> Result<Opened> {
    let mut builder = Builder::new();
    builder.set_cache_size(PAGE_CACHE_BYTES);
    let database = builder
        .create_with_backend(backend)
        .map_err(|e| open_error(path, e))?;
    let opened = Opened {
        path: path.to_owned(),
        database,
    };
    opened.write_now(Box::new(|batch| {
        match batch.put_meta("format", &FORMAT_VERSION.to_be_bytes()) {
            Ok(()) => Outcome::Written,
            Err(error) => Outcome::Failed(error),
        }
    }))?;
    Ok(opened)
}

/// A file being created: it gets its final name only when complete, and never replaces another
pub(crate) struct NewFile {
    path: PathBuf,
    temporary: PathBuf,
}

impl NewFile {
    /// A new, empty file beside `path` (mode 0600)
    pub(crate) fn begin(path: &Path) -> Result<(NewFile, Opened)> {
        if path.symlink_metadata().is_ok() {
            return Err(ServerError::DatabaseExists {
                path: path.to_owned(),
            });
        }
        let mut name = path.file_name().unwrap_or_default().to_owned();
        name.push(format!(".new.{}", std::process::id()));
        let temporary = path.with_file_name(name);
        // Left behind by a creation that was killed, in a process that had our number.
        let _ = std::fs::remove_file(&temporary);
        let file = create_private(&temporary)?;
        let new = NewFile {
            path: path.to_owned(),
            temporary,
        };
        let backend = FileBackend::new(file).map_err(|e| open_error(path, e))?;
        let opened = create_with_backend(path, backend)?;
        Ok((new, opened))
    }

    /// Gives the finished file its name; the database must be closed
    pub(crate) fn finish(self) -> Result<()> {
        match std::fs::hard_link(&self.temporary, &self.path) {
            Ok(()) => {}
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => {
                return Err(ServerError::DatabaseExists {
                    path: self.path.clone(),
                });
            }
            Err(source) => {
                return Err(ServerError::File {
                    path: self.path.clone(),
                    action: "create",
                    source,
                });
            }
        }
        sync_directory(&self.path);
        Ok(())
    }
}

impl Drop for NewFile {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.temporary);
    }
}

/// A file of ours alone: created here and now, not through a link
pub(crate) fn create_private(path: &Path) -> Result<File> {
    OpenOptions::new()
        .read(true)
        .write(true)
        .create_new(true)
        .mode(0o600)
        .custom_flags(i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0))
        .open(path)
        .map_err(|source| ServerError::File {
            path: path.to_owned(),
            action: "create",
            source,
        })
}

/// Makes a new name durable; where the file system cannot, the file itself still is
pub(crate) fn sync_directory(path: &Path) {
    let directory = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    if let Ok(directory) = File::open(directory) {
        let _ = directory.sync_all();
    }
}

fn refuse_foreign(path: &Path, file: &File) -> Result<()> {
    use std::os::unix::fs::FileExt;
    let mut head = [0_u8; 16];
    let mut filled = 0;
    while let Some(rest) = head.get_mut(filled..).filter(|rest| !rest.is_empty()) {
        match file.read_at(rest, u64::try_from(filled).unwrap_or(0)) {
            Ok(0) => break,
            Ok(count) => filled += count,
            Err(source) => {
                return Err(ServerError::File {
                    path: path.to_owned(),
                    action: "read",
                    source,
                });
            }
        }
    }
    if head.starts_with(REDB_MAGIC) {
        return Ok(());
    }
    let found = match head.get(..filled) {
        None | Some([]) => "an empty file",
        // Berkeley DB 1.85 B-tree and hash, the back end of MIT krb5, in either byte order.
        Some([0x00, 0x05, 0x31, 0x62, ..] | [0x62, 0x31, 0x05, 0x00, ..]) => {
            "a Berkeley DB file, as MIT krb5 writes"
        }
        Some([0x00, 0x06, 0x15, 0x61, ..] | [0x61, 0x15, 0x06, 0x00, ..]) => {
            "a Berkeley DB file, as MIT krb5 writes"
        }
        Some(bytes) if bytes.starts_with(b"kdb5_util load_dump") => "a dump of MIT kdb5_util",
        Some(_) => "a file of another kind",
    };
    Err(ServerError::DatabaseForeign {
        path: path.to_owned(),
        found: found.to_owned(),
    })
}

fn damaged(path: &Path, detail: impl fmt::Display) -> ServerError {
    ServerError::DatabaseDamaged {
        path: path.to_owned(),
        detail: detail.to_string(),
    }
}

fn open_error(path: &Path, error: DatabaseError) -> ServerError {
    match error {
        DatabaseError::DatabaseAlreadyOpen | DatabaseError::LockProtocolMismatch => {
            ServerError::DatabaseInUse {
                path: path.to_owned(),
            }
        }
        DatabaseError::UpgradeRequired(version) => ServerError::DatabaseForeign {
            path: path.to_owned(),
            found: format!("a redb file of format {version}"),
        },
        DatabaseError::Storage(redb::StorageError::Corrupted(detail)) => damaged(path, detail),
        DatabaseError::Storage(redb::StorageError::Io(error)) => match error.kind() {
            io::ErrorKind::InvalidData | io::ErrorKind::UnexpectedEof => damaged(path, error),
            _ => fault(path, error),
        },
        DatabaseError::RepairAborted => damaged(path, "it cannot be repaired"),
        other => fault(path, other),
    }
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
        let database = std::sync::Arc::new(self.database);
        let (jobs, queue) = channel();
        let shared = std::sync::Arc::clone(&database);
        let path = self.path.clone();
        let committer = std::thread::Builder::new()
            .name("kerbside-commit".to_owned())
            .spawn(move || commit_loop(&path, &shared, &queue, &on_commit))
            .map_err(|e| ServerError::Thread {
                name: "kerbside-commit",
                detail: e.to_string(),
            })?;
        Ok(Engine {
            path: self.path,
            database,
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
        principals: transaction.open_table(PRINCIPALS).map_err(|e| damaged(path, e))?,
        logins: transaction.open_table(LOGINS).map_err(|e| damaged(path, e))?,
        meta: transaction.open_table(META).map_err(|e| damaged(path, e))?,
        touched: Vec::new(),
        writes: 0,
    })
}

fn commit_loop(path: &Path, database: &Database, queue: &Receiver<Job>, on_commit: &OnCommit) {
    while let Ok(first) = queue.recv() {
        let mut waiting = Vec::new();
        let mut failure = None;
        let result = commit_group(path, database, |batch| {
            let mut next = Some(first);
            while let Some(job) = next {
                let outcome = (job.change)(batch);
                waiting.push(job.done);
                if let Outcome::Failed(error) = outcome {
                    failure = Some(error.to_string());
                    return false;
                }
                next = if waiting.len() < GROUP_MAX {
                    queue.try_recv().ok()
                } else {
                    None
                };
            }
            true
        });
        let failure = match (result, failure) {
            (Ok(touched), None) => {
                on_commit(&touched);
                None
            }
            (_, Some(detail)) => Some(detail),
            (Err(error), None) => Some(error.to_string()),
        };
        for done in waiting {
            // A caller that no longer waits does not care.
            let _ = done.send(match &failure {
                None => Ok(()),
                Some(detail) => Err(ServerError::DatabaseIo {
                    path: path.to_owned(),
                    detail: detail.clone(),
                }),
            });
        }
    }
}

type RecordAndLogin = (Vec<u8>, Option<Vec<u8>>);

fn read_principal(path: &Path, database: &Database, key: &[u8]) -> Result<Option<RecordAndLogin>> {
    let transaction = database.begin_read().map_err(|e| fault(path, e))?;
    let table = match transaction.open_table(PRINCIPALS) {
        Ok(table) => table,
        Err(redb::TableError::TableDoesNotExist(_)) => return Ok(None),
        Err(error) => return Err(damaged(path, error)),
    };
    let Some(record) = table.get(key).map_err(|e| fault(path, e))? else {
        return Ok(None);
    };
    let logins = transaction.open_table(LOGINS).map_err(|e| damaged(path, e))?;
    let login = logins.get(key).map_err(|e| fault(path, e))?;
    Ok(Some((
        record.value().to_vec(),
        login.map(|guard| guard.value().to_vec()),
    )))
}

impl Engine {
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The record and the login counters under an index key
    pub(crate) fn principal(&self, key: &[u8]) -> Result<Option<RecordAndLogin>> {
        read_principal(&self.path, &self.database, key)
    }

    /// Index keys after `after` in their order, at most `limit`
    pub(crate) fn keys_after(&self, after: Option<&[u8]>, limit: usize) -> Result<Vec<(Vec<u8>, Vec<u8>)>> {
        use core::ops::Bound;
        let path = &self.path;
        let transaction = self.database.begin_read().map_err(|e| fault(path, e))?;
        let table = match transaction.open_table(PRINCIPALS) {
            Ok(table) => table,
            Err(redb::TableError::TableDoesNotExist(_)) => return Ok(Vec::new()),
            Err(error) => return Err(damaged(path, error)),
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
