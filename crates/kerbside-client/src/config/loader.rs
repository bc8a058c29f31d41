//! Reads configuration files, and what they include.

use std::fs::File;
use std::io::{self, Read};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use kerbside_formats::profile::{Loader, MAX_PROFILE_LEN, is_included_name};
use rustix::fs::OFlags;

use super::unreadable;
use crate::error::Error;
use crate::transport::io_words;

/// The loader of includes from the file system.
pub(super) struct Files;

impl Loader for Files {
    fn file(&mut self, path: &str) -> Result<Vec<u8>, String> {
        read(Path::new(path)).map_err(|error| io_words(&error))
    }

    fn directory(&mut self, path: &str) -> Result<Vec<String>, String> {
        names_in(Path::new(path)).map_err(|error| io_words(&error))
    }
}

/// A configuration file's bytes. One byte more than the limit is read, so that the parser refuses
/// a longer file by its length instead of using a part of it.
pub(super) fn read(path: &Path) -> io::Result<Vec<u8>> {
    // Opening a pipe must not wait for somebody at its other end.
    let flags = i32::try_from((OFlags::NONBLOCK | OFlags::NOCTTY).bits()).unwrap_or(0);
    let file = File::options().read(true).custom_flags(flags).open(path)?;
    if file.metadata()?.is_dir() {
        return Err(io::Error::from(io::ErrorKind::IsADirectory));
    }
    let limit = u64::try_from(MAX_PROFILE_LEN)
        .unwrap_or(u64::MAX)
        .saturating_add(1);
    let mut bytes = Vec::new();
    file.take(limit).read_to_end(&mut bytes)?;
    Ok(bytes)
}

/// The files that one entry of `KRB5_CONFIG` stands for.
pub(super) fn named_files(path: &Path) -> Result<Vec<PathBuf>, Error> {
    if !path.is_dir() {
        return Ok(vec![path.to_owned()]);
    }
    let mut names = names_in(path).map_err(|error| unreadable(path, &error))?;
    names.retain(|name| is_included_name(name));
    names.sort_unstable();
    Ok(names.iter().map(|name| path.join(name)).collect())
}

/// Names that are not UTF-8 are none that is ever included.
fn names_in(path: &Path) -> io::Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(path)? {
        if let Ok(name) = entry?.file_name().into_string() {
            names.push(name);
        }
    }
    Ok(names)
}
