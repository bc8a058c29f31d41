//! Files that hold keys: read with their owner checked, replaced as a whole, appended under locks.

use std::fs::{File, Metadata, OpenOptions};
use std::io::{ErrorKind, Read, Write};
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::time::{Duration, Instant};

use rustix::fs::{FlockOperation, OFlags, RenameFlags};
use zeroize::Zeroizing;

use crate::transport::io_words;

/// The longest cache or keytab that is read.
pub(crate) const MAX_FILE_BYTES: u64 = 16 * 1024 * 1024;

/// How long another program may hold a file's lock.
const LOCK_PATIENCE: Duration = Duration::from_secs(5);

/// What is wrong with a file, whatever is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFault {
    /// There is no such file (or a folder on the way is missing).
    NotFound,
    /// A folder, a device, a pipe.
    NotAFile,
    /// It belongs to a user who is neither this process's nor root.
    Owner {
        /// The owner's user id.
        owner: u32,
        /// The process's effective user id.
        expected: u32,
    },
    /// It is longer than any such file.
    TooLong {
        /// Its length in bytes.
        length: u64,
    },
    /// Another program holds its lock.
    Locked,
    /// The operating system refused.
    System {
        /// What was being done: `open`, `read`, `write`, `rename`, and so on.
        doing: &'static str,
        /// The system's words.
        reason: String,
    },
}

impl std::fmt::Display for FileFault {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::NotFound => f.write_str("not found"),
            Self::NotAFile => f.write_str("expected a regular file, but found something else"),
            Self::Owner { owner, expected } => {
                write!(
                    f,
                    "owner: expected user {expected} or root, but found user {owner}"
                )
            }
            Self::TooLong { length } => {
                write!(f, "expected at most {MAX_FILE_BYTES} bytes, but found {length}")
            }
            Self::Locked => write!(f, "locked by another program for {} s", LOCK_PATIENCE.as_secs()),
            Self::System { doing, reason } => write!(f, "cannot {doing}: {reason}"),
        }
    }
}

pub(crate) fn system(doing: &'static str) -> impl Fn(std::io::Error) -> FileFault {
    move |error| match error.kind() {
        ErrorKind::NotFound => FileFault::NotFound,
        _ => FileFault::System {
            doing,
            reason: io_words(&error),
        },
    }
}

/// Which rules a file is under.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A credential cache: its owner must be us or root, since anybody can put a file into a shared
    /// folder; always mode 0600.
    Cache,
    /// A keytab: whoever made it may have given it to a group on purpose, so its owner and mode are
    /// kept when it is rewritten, and only warned about when it is read.
    Keytab,
}

/// A file's bytes with what the system says of it.
pub(crate) struct Contents {
    pub(crate) bytes: Zeroizing<Vec<u8>>,
    pub(crate) metadata: Metadata,
}

/// Reads a whole file under a shared lock, so that no half of another program's ticket is seen.
pub(crate) fn read(path: &Path, kind: Kind) -> Result<Contents, FileFault> {
    let mut file = open(path, kind, OpenOptions::new().read(true))?;
    lock(&file, Lock::Shared)?;
    contents(&mut file)
}

/// Opens an existing file. Links are followed (mounted secrets are links); the file at their end is
/// checked.
fn open(path: &Path, kind: Kind, options: &mut OpenOptions) -> Result<File, FileFault> {
    // Opening a pipe must not wait for somebody at its other end.
    let flags = (OFlags::NONBLOCK | OFlags::NOCTTY).bits();
    let file = options
        .custom_flags(i32::try_from(flags).unwrap_or(0))
        .open(path)
        .map_err(system("open"))?;
    check(&file.metadata().map_err(system("stat"))?, kind)?;
    Ok(file)
}

fn check(metadata: &Metadata, kind: Kind) -> Result<(), FileFault> {
    if !metadata.is_file() {
        return Err(FileFault::NotAFile);
    }
    let expected = rustix::process::geteuid().as_raw();
    let owner = metadata.uid();
    if kind == Kind::Cache && owner != expected && owner != 0 && expected != 0 {
        return Err(FileFault::Owner { owner, expected });
    }
    if metadata.len() > MAX_FILE_BYTES {
        return Err(FileFault::TooLong {
            length: metadata.len(),
        });
    }
    Ok(())
}

fn contents(file: &mut File) -> Result<Contents, FileFault> {
    let metadata = file.metadata().map_err(system("stat"))?;
    // Reserved at once: a vector that grows leaves copies of keys behind.
    let length = metadata.len().min(MAX_FILE_BYTES);
    let mut bytes = Zeroizing::new(Vec::with_capacity(
        usize::try_from(length).unwrap_or(0).saturating_add(64),
    ));
    file.take(MAX_FILE_BYTES.saturating_add(1))
        .read_to_end(&mut bytes)
        .map_err(system("read"))?;
    if u64::try_from(bytes.len()).unwrap_or(u64::MAX) > MAX_FILE_BYTES {
        return Err(FileFault::TooLong {
            length: metadata.len(),
        });
    }
    Ok(Contents { bytes, metadata })
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Lock {
    Shared,
    Exclusive,
}

/// Takes two locks: an open-file-description lock of fcntl(2), which is what MIT's programs take and which holds between
/// the threads of one process too, and flock(2), for systems without the first. Both end when this file is closed, and
/// not when another thread closes the same file.
fn lock(file: &File, kind: Lock) -> Result<(), FileFault> {
    let start = Instant::now();
    loop {
        if try_lock(file, kind)? {
            return Ok(());
        }
        if start.elapsed() > LOCK_PATIENCE {
            return Err(FileFault::Locked);
        }
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// As the locks under which files are changed, but a file system without locks is an error: two processes that do not
/// exclude each other would both take what is replayed.
pub(crate) fn lock_exclusively(file: &File) -> Result<(), FileFault> {
    lock(file, Lock::Exclusive)?;
    // What is held is taken again; what is not there fails.
    rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive).map_err(|error| FileFault::System {
        doing: "lock",
        reason: io_words(&error.into()),
    })
}

fn try_lock(file: &File, kind: Lock) -> Result<bool, FileFault> {
    let operation = match kind {
        Lock::Shared => FlockOperation::NonBlockingLockShared,
        Lock::Exclusive => FlockOperation::NonBlockingLockExclusive,
    };
    // One after the other: whoever held the second and waited for the first would wait for ever for one who holds the
    // first and waits for the second.
    if !taken(rustix::fs::flock(file, operation))? {
        return Ok(false);
    }
    taken(description_lock(file, kind).or_else(|error| match error {
        // A kernel before 3.15; MIT goes back to the process's locks as well.
        rustix::io::Errno::INVAL => rustix::fs::fcntl_lock(file, operation),
        error => Err(error),
    }))
}

/// Whether a lock was taken; false when another holds it.
fn taken(lock: Result<(), rustix::io::Errno>) -> Result<bool, FileFault> {
    match lock {
        Ok(()) => Ok(true),
        Err(rustix::io::Errno::AGAIN | rustix::io::Errno::ACCESS) => Ok(false),
        // A file system without locks: MIT goes on as well.
        Err(rustix::io::Errno::NOLCK | rustix::io::Errno::NOSYS | rustix::io::Errno::OPNOTSUPP) => Ok(true),
        Err(error) => Err(FileFault::System {
            doing: "lock",
            reason: io_words(&error.into()),
        }),
    }
}

/// A lock of the whole file that belongs to this open file and not to the process.
fn description_lock(file: &File, kind: Lock) -> Result<(), rustix::io::Errno> {
    use nix::fcntl::{FcntlArg, fcntl};
    use nix::libc;
    // Numbers of 16 bits in the structure, of 32 bits in the headers; all are below 8.
    let short = |number: i32| i16::try_from(number).unwrap_or(0);
    let whole = libc::flock {
        l_type: match kind {
            Lock::Shared => short(libc::F_RDLCK),
            Lock::Exclusive => short(libc::F_WRLCK),
        },
        l_whence: short(libc::SEEK_SET),
        l_start: 0,
        l_len: 0,
        l_pid: 0,
    };
    match fcntl(file, FcntlArg::F_OFD_SETLK(&whole)) {
        Ok(_) => Ok(()),
        Err(error) => Err(rustix::io::Errno::from_raw_os_error(error as i32)),
    }
}

/// Opens for changing and locks what the path names at that moment: between opening and locking
/// another program may have renamed a new file over it.
fn open_locked(path: &Path, kind: Kind) -> Result<File, FileFault> {
    for _ in 0..16 {
        let file = open(path, kind, OpenOptions::new().read(true).append(true))?;
        lock(&file, Lock::Exclusive)?;
        let ours = file.metadata().map_err(system("stat"))?;
        let named = std::fs::metadata(path).map_err(system("stat"))?;
        if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) {
            return Ok(file);
        }
    }
    Err(FileFault::Locked)
}

/// Appends what `make` returns for the current contents, in one write, under exclusive locks.
/// `None` changes nothing.
pub(crate) fn append<E: From<FileFault>>(
    path: &Path,
    kind: Kind,
    make: impl FnOnce(&[u8]) -> Result<Option<Zeroizing<Vec<u8>>>, E>,
) -> Result<(), E> {
    let mut file = open_locked(path, kind)?;
    let before = contents(&mut file)?.bytes;
    let Some(more) = make(&before)? else { return Ok(()) };
    let length = u64::try_from(before.len()).unwrap_or(u64::MAX);
    file.write_all(&more).map_err(|error| {
        // A disk that is full must not leave half a ticket behind.
        let _ = file.set_len(length);
        system("write")(error)
    })?;
    Ok(())
}

/// Replaces a file by what `make` returns for its contents (`None`: there is no file). The old file
/// stays as it is until the new one is complete on the disk.
pub(crate) fn replace<E: From<FileFault>>(
    path: &Path,
    kind: Kind,
    make: impl Fn(Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(), E> {
    for _ in 0..16 {
        match open_locked(path, kind) {
            Ok(mut file) => {
                let before = contents(&mut file)?;
                let bytes = make(Some(&before.bytes))?;
                let temporary = Temporary::write(path, &bytes, kind)?;
                if kind == Kind::Keytab {
                    temporary.keep_access(&before.metadata)?;
                }
                return Ok(temporary
                    .rename(path, RenameFlags::empty())
                    .map_err(system("rename"))?);
            }
            Err(FileFault::NotFound) => {
                let bytes = make(None)?;
                let temporary = Temporary::write(path, &bytes, kind)?;
                match temporary.rename(path, RenameFlags::NOREPLACE) {
                    Ok(()) => return Ok(()),
                    // Another program made it meanwhile: look at what it wrote.
                    Err(error) if error.kind() == ErrorKind::AlreadyExists => {}
                    Err(error) => return Err(system("rename")(error).into()),
                }
            }
            Err(fault) => return Err(fault.into()),
        }
    }
    Err(FileFault::System {
        doing: "create",
        reason: "the name is a link to nothing, or other programs keep changing it".to_owned(),
    }
    .into())
}

/// Replaces a file that exists.
pub(crate) fn update<E: From<FileFault>>(
    path: &Path,
    kind: Kind,
    make: impl FnOnce(&[u8]) -> Result<Zeroizing<Vec<u8>>, E>,
) -> Result<(), E> {
    let mut file = open_locked(path, kind)?;
    let before = contents(&mut file)?;
    let bytes = make(&before.bytes)?;
    let temporary = Temporary::write(path, &bytes, kind)?;
    if kind == Kind::Keytab {
        temporary.keep_access(&before.metadata)?;
    }
    Ok(temporary
        .rename(path, RenameFlags::empty())
        .map_err(system("rename"))?)
}

/// Whether a file could be replaced by one that is `growth` bytes longer: writes such a file beside it, and removes
/// that again. A full disk, a folder that may not be written or an owner that cannot be kept show themselves here.
pub(crate) fn rehearse(path: &Path, kind: Kind, growth: u64) -> Result<(), FileFault> {
    let before = match open(path, kind, OpenOptions::new().read(true)) {
        Ok(file) => Some(file.metadata().map_err(system("stat"))?),
        Err(FileFault::NotFound) => None,
        Err(fault) => return Err(fault),
    };
    let length = before.as_ref().map_or(0, Metadata::len).saturating_add(growth);
    let temporary = Temporary::write(path, &vec![0; usize::try_from(length).unwrap_or(0)], kind)?;
    match before.filter(|_| kind == Kind::Keytab) {
        Some(before) => temporary.keep_access(&before),
        None => Ok(()),
    }
}

/// Overwrites a file with zeros and removes it, once `check` has agreed to its contents.
pub(crate) fn destroy<E: From<FileFault>>(
    path: &Path,
    kind: Kind,
    check: impl FnOnce(&[u8]) -> Result<(), E>,
) -> Result<(), E> {
    use std::os::unix::fs::FileExt;

    let mut locked = open_locked(path, kind)?;
    let before = contents(&mut locked)?.bytes;
    check(&before)?;
    let ours = locked.metadata().map_err(system("stat"))?;
    let flags = i32::try_from((OFlags::NOFOLLOW | OFlags::NONBLOCK).bits()).unwrap_or(0);
    // A link is removed, but what it points to is not overwritten: it may be somebody's secret mount. Nor is a file that
    // was put there since: nobody has looked into it.
    if let Ok(file) = OpenOptions::new().write(true).custom_flags(flags).open(path)
        && file
            .metadata()
            .is_ok_and(|named| (named.dev(), named.ino()) == (ours.dev(), ours.ino()))
    {
        let zeros = vec![0_u8; before.len()];
        // What matters is the removal; overwriting is best effort on today's file systems anyway.
        let _ = file.write_all_at(&zeros, 0);
        let _ = file.sync_data();
    }
    std::fs::remove_file(path).map_err(system("remove"))?;
    Ok(())
}

/// A new file beside its destination, removed again unless it is renamed.
struct Temporary {
    path: PathBuf,
    /// What was written: the path may name something else by now, in a folder that others may write.
    file: File,
    renamed: bool,
    /// Whether it is on the disk before it has its name: keys exist nowhere else, while the tickets of a cache are got
    /// again by who asks for them, and a disk takes longer than the KDC.
    durable: bool,
}

impl Temporary {
    /// Made with mode 0600, never through a link, never over an existing file.
    fn write(destination: &Path, bytes: &[u8], kind: Kind) -> Result<Self, FileFault> {
        let flags = i32::try_from(OFlags::NOFOLLOW.bits()).unwrap_or(0);
        let mut options = OpenOptions::new();
        options
            .write(true)
            .create_new(true)
            .mode(0o600)
            .custom_flags(flags);
        for _ in 0..16 {
            let path = beside(destination);
            let file = match options.open(&path) {
                Ok(file) => file,
                Err(error) if error.kind() == ErrorKind::AlreadyExists => continue,
                // A missing folder is not a missing cache.
                Err(error) => {
                    return Err(FileFault::System {
                        doing: "create",
                        reason: io_words(&error),
                    });
                }
            };
            let mut temporary = Self {
                path,
                durable: kind == Kind::Keytab || tells_late(&file),
                file,
                renamed: false,
            };
            temporary.file.write_all(bytes).map_err(system("write"))?;
            if temporary.durable {
                temporary.file.sync_all().map_err(system("sync"))?;
            }
            return Ok(temporary);
        }
        Err(FileFault::System {
            doing: "create",
            reason: "16 temporary names are taken".to_owned(),
        })
    }

    /// Gives the new file the old one's owner and mode: a service that reads its keytab by its group
    /// goes on reading it. Through the open file alone: by its path, root would give away whatever a link that was
    /// put there meanwhile points to.
    fn keep_access(&self, old: &Metadata) -> Result<(), FileFault> {
        use std::os::unix::fs::{PermissionsExt, fchown};
        let new = self.file.metadata().map_err(system("stat"))?;
        if (new.uid(), new.gid()) != (old.uid(), old.gid()) {
            fchown(&self.file, Some(old.uid()), Some(old.gid())).map_err(system("keep the owner"))?;
        }
        let mode = std::fs::Permissions::from_mode(old.mode() & 0o7777);
        self.file.set_permissions(mode).map_err(system("keep the mode"))
    }

    fn rename(mut self, destination: &Path, flags: RenameFlags) -> std::io::Result<()> {
        let here = rustix::fs::CWD;
        let renamed = match rustix::fs::renameat_with(here, &self.path, here, destination, flags) {
            // A file system without these flags: a link fails as wanted when the name is taken.
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) if !flags.is_empty() => {
                std::fs::hard_link(&self.path, destination)?;
                std::fs::remove_file(&self.path)
            }
            other => other.map_err(std::io::Error::from),
        };
        self.renamed = renamed.is_ok();
        if self.renamed && self.durable {
            sync_folder(destination);
        }
        renamed
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        if !self.renamed {
            let _ = std::fs::remove_file(&self.path);
        }
    }
}

/// Whether the file is where a full disk or quota may show itself at the end alone: on another machine, or in a program.
fn tells_late(file: &File) -> bool {
    /// NFS, AFS, Ceph, SMB's three, FUSE, as linux/magic.h has them.
    const REMOTE: [u32; 7] = [
        0x6969,
        0x5346_414f,
        0x00c3_6400,
        0x517b,
        0xff53_4d42,
        0xfe53_4d42,
        0x6573_5546,
    ];
    rustix::fs::fstatfs(file)
        .is_ok_and(|found| u32::try_from(found.f_type).is_ok_and(|kind| REMOTE.contains(&kind)))
}

/// Makes the new name itself durable: keys just written by ktadd exist nowhere else. A file system
/// that cannot do this has done what it can.
fn sync_folder(file: &Path) {
    let folder = match file.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    let _ = File::open(folder).and_then(|folder| folder.sync_all());
}

/// `.NAME.RANDOM` in the destination's folder.
fn beside(destination: &Path) -> PathBuf {
    use rand_core::Rng;
    let mut name = std::ffi::OsString::from(".");
    let base = destination
        .file_name()
        .map(OsStrExt::as_bytes)
        .unwrap_or_default();
    // File names end at 255 bytes.
    name.push(std::ffi::OsStr::from_bytes(base.get(..200).unwrap_or(base)));
    name.push(format!(".{:016x}", crate::random::OsRandom.next_u64()));
    destination.with_file_name(name)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;
    use std::os::unix::fs::PermissionsExt;

    fn fixed(bytes: &'static [u8]) -> impl Fn(Option<&[u8]>) -> Result<Zeroizing<Vec<u8>>, FileFault> {
        move |_| Ok(Zeroizing::new(bytes.to_vec()))
    }

    #[test]
    fn a_rehearsal_changes_nothing_and_finds_what_would_fail() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("keytab");
        rehearse(&path, Kind::Keytab, 100).unwrap();
        assert!(names(dir.path()).is_empty());
        std::fs::write(&path, "keys").unwrap();
        rehearse(&path, Kind::Keytab, 100).unwrap();
        assert_eq!(names(dir.path()), ["keytab"]);
        assert_eq!(std::fs::read(&path).unwrap(), b"keys");
        let nowhere = dir.path().join("missing").join("keytab");
        assert!(matches!(
            rehearse(&nowhere, Kind::Keytab, 100),
            Err(FileFault::System { doing: "create", .. })
        ));
        assert_eq!(rehearse(dir.path(), Kind::Keytab, 100), Err(FileFault::NotAFile));
    }

    fn names(dir: &Path) -> Vec<String> {
        let mut names: Vec<_> = std::fs::read_dir(dir)
            .unwrap()
            .map(|entry| entry.unwrap().file_name().into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_new_file_is_private_and_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cc");
        replace(&path, Kind::Cache, fixed(b"one")).unwrap();
        assert_eq!(
            std::fs::metadata(&path).unwrap().permissions().mode() & 0o7777,
            0o600
        );
        assert_eq!(names(dir.path()), ["cc"]);
        replace(&path, Kind::Cache, |before| {
            assert_eq!(before, Some(b"one".as_slice()));
            Ok::<_, FileFault>(Zeroizing::new(b"two".to_vec()))
        })
        .unwrap();
        assert_eq!(read(&path, Kind::Cache).unwrap().bytes.as_slice(), b"two");
        assert_eq!(names(dir.path()), ["cc"]);
    }

    #[test]
    fn a_refusal_leaves_the_old_file_and_nothing_else() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cc");
        std::fs::write(&path, b"precious").unwrap();
        assert_eq!(
            replace(&path, Kind::Cache, |_| Err(FileFault::Locked)),
            Err(FileFault::Locked)
        );
        assert_eq!(
            append(&path, Kind::Cache, |_| Err(FileFault::Locked)),
            Err(FileFault::Locked)
        );
        assert_eq!(
            destroy(&path, Kind::Cache, |_| Err(FileFault::Locked)),
            Err(FileFault::Locked)
        );
        assert_eq!(std::fs::read(&path).unwrap(), b"precious");
        assert_eq!(names(dir.path()), ["cc"]);
    }

    #[test]
    fn a_link_is_replaced_and_what_it_points_to_is_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let (target, link) = (dir.path().join("target"), dir.path().join("cc"));
        std::fs::write(&target, b"victim").unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        replace(&link, Kind::Cache, fixed(b"new")).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"victim");
        assert!(std::fs::symlink_metadata(&link).unwrap().is_file());
        std::fs::remove_file(&link).unwrap();
        std::os::unix::fs::symlink(&target, &link).unwrap();
        destroy::<FileFault>(&link, Kind::Cache, |_| Ok(())).unwrap();
        assert_eq!(std::fs::read(&target).unwrap(), b"victim");
        assert_eq!(names(dir.path()), ["target"]);
    }

    #[test]
    fn a_dangling_link_is_not_written_through() {
        let dir = tempfile::tempdir().unwrap();
        let link = dir.path().join("cc");
        std::os::unix::fs::symlink(dir.path().join("elsewhere"), &link).unwrap();
        assert!(matches!(
            replace(&link, Kind::Cache, fixed(b"new")),
            Err(FileFault::System { doing: "create", .. })
        ));
        assert_eq!(names(dir.path()), ["cc"]);
    }

    #[test]
    fn folders_and_pipes_are_not_files() {
        let dir = tempfile::tempdir().unwrap();
        assert_eq!(read(dir.path(), Kind::Cache).err(), Some(FileFault::NotAFile));
        assert_eq!(
            read(&dir.path().join("none"), Kind::Cache).err(),
            Some(FileFault::NotFound)
        );
        // Nobody is at the pipe's other end: opening it must not wait.
        let pipe = dir.path().join("pipe");
        rustix::fs::mkfifoat(rustix::fs::CWD, &pipe, rustix::fs::Mode::RUSR).unwrap();
        assert_eq!(read(&pipe, Kind::Cache).err(), Some(FileFault::NotAFile));
    }

    /// A reader that waits for one lock must not hold the other: a writer has the first and waits for the second.
    #[test]
    fn who_waits_for_the_first_lock_holds_no_second() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cc");
        std::fs::write(&path, b"x").unwrap();
        let open = || File::options().read(true).write(true).open(&path).unwrap();
        let (writer, reader, other) = (open(), open(), open());
        rustix::fs::flock(&writer, FlockOperation::NonBlockingLockExclusive).unwrap();
        assert_eq!(try_lock(&reader, Lock::Shared), Ok(false));
        description_lock(&writer, Lock::Exclusive).unwrap();
        // MIT's programs see the second lock alone.
        assert!(description_lock(&other, Lock::Shared).is_err());
        // It is this open file's, not the process's: closing another one ends nothing.
        drop(reader);
        assert!(description_lock(&other, Lock::Shared).is_err());
        drop(writer);
        description_lock(&other, Lock::Shared).unwrap();
    }

    #[test]
    fn appends_of_many_threads_are_all_kept() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cc");
        replace(&path, Kind::Cache, fixed(b"")).unwrap();
        std::thread::scope(|scope| {
            for letter in *b"abcd" {
                let path = &path;
                scope.spawn(move || {
                    for _ in 0..10 {
                        append::<FileFault>(path, Kind::Cache, |_| {
                            Ok(Some(Zeroizing::new(vec![letter; 100])))
                        })
                        .unwrap();
                    }
                });
            }
        });
        let bytes = read(&path, Kind::Cache).unwrap().bytes;
        assert_eq!(bytes.len(), 4000);
        assert!(
            bytes
                .chunks(100)
                .all(|chunk| chunk.windows(2).all(|pair| pair.first() == pair.last()))
        );
    }

    #[test]
    fn a_rewritten_keytab_keeps_its_mode_and_a_cache_is_made_private() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("file");
        for (kind, expected) in [(Kind::Keytab, 0o640), (Kind::Cache, 0o600)] {
            std::fs::write(&path, b"old").unwrap();
            std::fs::set_permissions(&path, std::fs::Permissions::from_mode(0o640)).unwrap();
            replace(&path, kind, fixed(b"new")).unwrap();
            assert_eq!(std::fs::metadata(&path).unwrap().mode() & 0o7777, expected);
            assert_eq!(std::fs::read(&path).unwrap(), b"new");
        }
    }

    #[test]
    fn a_link_in_the_temporary_s_place_gives_nothing_away() {
        let dir = tempfile::tempdir().unwrap();
        let path = |name: &str| dir.path().join(name);
        for (name, mode) in [("keytab", 0o644), ("shadow", 0o600)] {
            std::fs::write(path(name), b"x").unwrap();
            std::fs::set_permissions(path(name), std::fs::Permissions::from_mode(mode)).unwrap();
        }
        let temporary = Temporary::write(&path("keytab"), b"new", Kind::Keytab).unwrap();
        std::fs::remove_file(&temporary.path).unwrap();
        std::os::unix::fs::symlink(path("shadow"), &temporary.path).unwrap();
        temporary
            .keep_access(&std::fs::metadata(path("keytab")).unwrap())
            .unwrap();
        assert_eq!(std::fs::metadata(path("shadow")).unwrap().mode() & 0o7777, 0o600);
    }

    #[test]
    fn destroying_removes() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("cc");
        replace(&path, Kind::Cache, fixed(b"secret")).unwrap();
        destroy(&path, Kind::Cache, |bytes| {
            assert_eq!(bytes, b"secret");
            Ok::<_, FileFault>(())
        })
        .unwrap();
        assert_eq!(
            destroy::<FileFault>(&path, Kind::Cache, |_| Ok(())),
            Err(FileFault::NotFound)
        );
        assert!(names(dir.path()).is_empty());
    }
}
