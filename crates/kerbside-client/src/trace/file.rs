//! The file of `KRB5_TRACE`.

use std::fmt;
use std::fs::File;
use std::io::{self, Read};
use std::os::fd::AsFd;
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};

use rustix::fs::OFlags;

use crate::transport::io_words;

/// Why nothing is traced.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TraceError {
    /// The file, as `KRB5_TRACE` names it.
    pub file: PathBuf,
    /// What is wrong with it.
    pub reason: String,
}

impl fmt::Display for TraceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "cannot trace to {}: {}", self.file.display(), self.reason)
    }
}

impl std::error::Error for TraceError {}

/// Opens the file for lines at its end; made with mode 0600 where it is not there.
pub(super) fn open(path: &Path) -> Result<File, TraceError> {
    let opened = match path.to_str() {
        // The descriptor itself: lines stand in the order of the program's own output in a file, and sockets cannot be
        // opened by these names.
        Some("/dev/stdout") => duplicate(&io::stdout()),
        Some("/dev/stderr") => duplicate(&io::stderr()),
        _ => append(path),
    };
    opened.map_err(|error| TraceError {
        file: path.to_owned(),
        reason: io_words(&error),
    })
}

fn duplicate(stream: &impl AsFd) -> io::Result<File> {
    stream.as_fd().try_clone_to_owned().map(File::from)
}

fn append(path: &Path) -> io::Result<File> {
    if let Some(kind) = ours(path) {
        return Err(io::Error::other(format!("it is a {kind}")));
    }
    let flags = i32::try_from(OFlags::NOCTTY.bits()).unwrap_or(0);
    File::options()
        .append(true)
        .create(true)
        .mode(0o600)
        .custom_flags(flags)
        .open(path)
}

/// What the file at `path` is, if lines at its end would spoil it.
fn ours(path: &Path) -> Option<&'static str> {
    if !std::fs::metadata(path).ok()?.is_file() {
        return None;
    }
    let mut magic = [0; 2];
    File::open(path).ok()?.read_exact(&mut magic).ok()?;
    match magic {
        // A keytab has the versions 1 and 2 as well; version 4 is the one cache that is written today.
        [5, 1..=4] => Some("credential cache or keytab"),
        _ => None,
    }
}
