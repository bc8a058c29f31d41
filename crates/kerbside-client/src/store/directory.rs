//! Directories of caches, as MIT keeps them: files named `tkt...`, and a file `primary` that holds the name of one.

use std::fs::DirBuilder;
use std::io::ErrorKind;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::fs::{DirBuilderExt, MetadataExt};
use std::path::{Path, PathBuf};

use rand_core::Rng;
use zeroize::Zeroizing;

use super::file::{self, FileFault, Kind};
use crate::error::CacheFault;
use crate::transport::io_words;

/// How the name of every cache begins.
const PREFIX: &str = "tkt";

/// The file that names the primary cache.
const PRIMARY: &str = "primary";

/// A `primary` file is one file name and a line end.
const MAX_PRIMARY_BYTES: usize = 256;

/// A directory with more files than this is no collection that anybody looks through.
const MAX_FILES: usize = 10_000;

/// The file of the primary cache, whether or not it exists.
pub(super) fn primary(directory: &Path) -> Result<PathBuf, CacheFault> {
    if !exists(directory)? {
        return Ok(directory.join(PREFIX));
    }
    let path = directory.join(PRIMARY);
    let bytes = match file::read(&path, Kind::Cache) {
        Ok(contents) => contents.bytes,
        Err(FileFault::NotFound) => return Ok(directory.join(PREFIX)),
        Err(fault) => return Err(fault.into()),
    };
    match bytes.strip_suffix(b"\n") {
        Some(name) if bytes.len() <= MAX_PRIMARY_BYTES && is_cache_name(name) => {
            Ok(directory.join(std::ffi::OsStr::from_bytes(name)))
        }
        _ => Err(CacheFault::BadPrimary(path)),
    }
}

/// Makes `file` the primary cache of its directory.
pub(super) fn switch(file: &Path) -> Result<(), CacheFault> {
    check_name(file)?;
    let (Some(directory), Some(name)) = (file.parent(), file.file_name()) else {
        return Err(CacheFault::NotInCollection(file.to_owned()));
    };
    create(directory)?;
    write_primary(directory, name.as_bytes(), |_| true)
}

/// Makes the directory (for its user alone) unless it is there, with `tkt` for its primary cache.
pub(super) fn make(directory: &Path) -> Result<(), CacheFault> {
    create(directory)?;
    if directory.join(PRIMARY).symlink_metadata().is_ok() {
        return Ok(());
    }
    // A primary that another program wrote meanwhile stays.
    write_primary(directory, PREFIX.as_bytes(), |before| before.is_none())
}

/// Makes the directory of one of its files.
pub(super) fn make_for(file: &Path) -> Result<(), CacheFault> {
    check_name(file)?;
    file.parent().map_or(Ok(()), make)
}

fn write_primary(
    directory: &Path,
    name: &[u8],
    wanted: impl Fn(Option<&[u8]>) -> bool,
) -> Result<(), CacheFault> {
    file::replace(&directory.join(PRIMARY), Kind::Cache, |before| {
        Ok(Zeroizing::new(match before {
            Some(kept) if !wanted(before) => kept.to_vec(),
            _ => [name, b"\n"].concat(),
        }))
    })
}

/// Makes the directory unless it is there, for caches to be written to. Then it must not be another user's, not for root
/// either: its owner can put a file of his own in the place of a cache.
fn create(directory: &Path) -> Result<(), CacheFault> {
    if !exists(directory)?
        && let Err(error) = DirBuilder::new().mode(0o700).create(directory)
        && error.kind() != ErrorKind::AlreadyExists
    {
        return Err(CacheFault::File(FileFault::System {
            doing: "create",
            reason: io_words(&error),
        }));
    }
    exists(directory)?;
    let metadata = directory.metadata().map_err(|error| {
        CacheFault::File(FileFault::System {
            doing: "stat",
            reason: io_words(&error),
        })
    })?;
    let (owner, expected) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != expected && owner != 0 {
        return Err(CacheFault::File(FileFault::Owner { owner, expected }));
    }
    Ok(())
}

/// Whether the directory is there; false when it could be made. It must be ours or root's, since whoever owns it
/// decides which caches are in it.
fn exists(directory: &Path) -> Result<bool, CacheFault> {
    let metadata = match directory.metadata() {
        Ok(metadata) => metadata,
        Err(error) if error.kind() == ErrorKind::NotFound => {
            let parent = match directory.parent() {
                Some(parent) if parent.as_os_str().is_empty() => Path::new("."),
                Some(parent) => parent,
                None => return Err(CacheFault::NoDirectory(directory.to_owned())),
            };
            return if parent.is_dir() {
                Ok(false)
            } else {
                Err(CacheFault::NoDirectory(directory.to_owned()))
            };
        }
        Err(error) => {
            return Err(CacheFault::File(FileFault::System {
                doing: "stat",
                reason: io_words(&error),
            }));
        }
    };
    if !metadata.is_dir() {
        return Err(CacheFault::NotADirectory(directory.to_owned()));
    }
    let (owner, expected) = (metadata.uid(), rustix::process::geteuid().as_raw());
    if owner != expected && owner != 0 && expected != 0 {
        return Err(CacheFault::File(FileFault::Owner { owner, expected }));
    }
    Ok(true)
}

/// The files of the caches, the primary one first. The others come as the system lists them: MIT's programs show the
/// same order.
pub(super) fn files(directory: &Path) -> Result<Vec<PathBuf>, CacheFault> {
    if !exists(directory)? {
        return Ok(Vec::new());
    }
    // A collection whose primary is nonsense still has its caches.
    let primary = match primary(directory) {
        Ok(primary) => Some(primary),
        Err(CacheFault::BadPrimary(_)) => None,
        Err(fault) => return Err(fault),
    };
    let mut files: Vec<PathBuf> = primary.iter().filter(|path| path.exists()).cloned().collect();
    let failed = |error: std::io::Error| {
        CacheFault::File(FileFault::System {
            doing: "list",
            reason: io_words(&error),
        })
    };
    for entry in std::fs::read_dir(directory).map_err(failed)?.take(MAX_FILES) {
        let name = entry.map_err(failed)?.file_name();
        let path = directory.join(&name);
        if is_cache_name(name.as_bytes()) && primary.as_ref() != Some(&path) {
            files.push(path);
        }
    }
    Ok(files)
}

/// A file for one more cache, which does not exist yet.
pub(super) fn unique(directory: &Path) -> Result<PathBuf, CacheFault> {
    const LETTERS: &[u8; 62] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
    make(directory)?;
    for _ in 0..16 {
        let mut number = crate::random::OsRandom.next_u64();
        let mut name = String::from(PREFIX);
        for _ in 0..6 {
            let index = usize::try_from(number % 62).unwrap_or(0);
            number /= 62;
            name.push(char::from(LETTERS.get(index).copied().unwrap_or(b'a')));
        }
        let path = directory.join(name);
        if path.symlink_metadata().is_err() {
            return Ok(path);
        }
    }
    Err(CacheFault::File(FileFault::System {
        doing: "create",
        reason: "16 names are taken".to_owned(),
    }))
}

/// That the file is named as one of a collection, in a directory that is there or can be made.
pub(super) fn check(file: &Path) -> Result<(), CacheFault> {
    check_name(file)?;
    file.parent()
        .map_or(Ok(()), |directory| exists(directory).map(|_| ()))
}

fn check_name(file: &Path) -> Result<(), CacheFault> {
    match file.file_name() {
        Some(name) if is_cache_name(name.as_bytes()) => Ok(()),
        _ => Err(CacheFault::NotInCollection(file.to_owned())),
    }
}

fn is_cache_name(name: &[u8]) -> bool {
    name.starts_with(PREFIX.as_bytes()) && !name.iter().any(|byte| *byte == b'/' || *byte == 0)
}

#[cfg(test)]
mod tests;
