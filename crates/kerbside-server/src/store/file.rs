//! The file of a database: opened without harm, created complete or not at all

use core::fmt;
use std::fs::{File, OpenOptions};
use std::io;
use std::os::unix::fs::OpenOptionsExt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};

use redb::backends::{FileBackend, InMemoryBackend};
use redb::{Builder, DatabaseError, ReadableDatabase, StorageBackend};

use super::engine::{FORMAT_VERSION, META, Opened, Outcome};
use crate::error::{Result, ServerError};

/// Page cache of the embedded database, bytes
const PAGE_CACHE_BYTES: usize = 64 << 20;
/// Files up to this size are checked page by page on opening; above it only after a crash
const FULL_CHECK_BYTES_MAX: u64 = 16 << 20;
/// What a redb file begins with
const REDB_MAGIC: &[u8] = b"redb\x1a\x0a\xa9\x0d\x0a";

/// What happened to a file beneath us, before it has a path to tell
pub(super) fn fault(path: &Path, error: impl fmt::Display) -> ServerError {
    ServerError::DatabaseIo {
        path: path.to_owned(),
        detail: error.to_string(),
    }
}

/// Opens an existing file; nothing is created, a foreign or damaged file is refused untouched
pub(crate) fn open_file(path: &Path) -> Result<Opened> {
    let (file, size) = own_file(path)?;
    let backend = FileBackend::new(file).map_err(|e| open_error(path, e))?;
    let mut opened = open_with_backend(path, backend, size <= FULL_CHECK_BYTES_MAX)?;
    let again = path.to_owned();
    opened.reopen = Some(Box::new(move || open_file(&again).map(|opened| opened.database)));
    Ok(opened)
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
pub(super) fn meta_of(path: &Path, database: &impl ReadableDatabase, key: &str) -> Result<Option<Vec<u8>>> {
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
        reopen: None,
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
        reopen: None,
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

/// A file that is ours, but does not hold together
pub(super) fn damaged(path: &Path, detail: impl fmt::Display) -> ServerError {
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
