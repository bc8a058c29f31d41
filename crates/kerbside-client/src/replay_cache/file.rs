//! A replay cache in a file of MIT's format, shared with other processes, MIT's too.

use std::fs::{File, OpenOptions};
use std::os::unix::fs::{FileExt, MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use kerbside_asn1::KerberosTime;
use kerbside_formats::replay_file::{PAIR_LEN, Record, SEED_LEN, Search, search};
use kerbside_protocol::{ReplayCache, ReplayTag, Verdict};
use rand_core::Rng;
use rustix::fs::OFlags;

use super::name::ReplayCacheName;
use crate::error::Error;
use crate::random::OsRandom;
use crate::store::{FileFault, lock_exclusively, system};

/// Remembers authenticators in a `file2` file: other processes with the file see what this one took, and it sees what they
/// took, MIT's library included.
///
/// Each check opens, locks and changes the file; the disk is not waited for. A file that cannot
/// be used refuses everybody, with a line in the log that says why.
///
/// A file that this process has to make is as good as a memory that was lost: for one skew interval, authenticators made
/// before are refused (RFC 4120 section 3.2.3).
#[derive(Debug)]
pub struct FileReplayCache {
    name: ReplayCacheName,
    path: PathBuf,
    must_be_ours: bool,
    skew_seconds_max: i64,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// When this process found no file and made one: Unix seconds and microseconds.
    made: Option<(i64, u32)>,
    /// What was last told to the log.
    complaint: Option<FileFault>,
}

impl FileReplayCache {
    /// The file at `path`, made where there is none, for a service that accepts authenticators up to `skew_seconds_max`
    /// old. Links are followed.
    ///
    /// # Errors
    /// [`Error::ReplayCache`].
    pub fn open(path: impl Into<PathBuf>, skew_seconds_max: i64) -> Result<Self, Error> {
        let path = path.into();
        Self::begin(ReplayCacheName::File(path.clone()), path, false, skew_seconds_max)
    }

    /// The file that MIT's library takes by default: no link, and this process's user's own.
    ///
    /// # Errors
    /// [`Error::ReplayCache`].
    pub(super) fn open_default(path: PathBuf, skew_seconds_max: i64) -> Result<Self, Error> {
        Self::begin(ReplayCacheName::Default, path, true, skew_seconds_max)
    }

    fn begin(
        name: ReplayCacheName,
        path: PathBuf,
        must_be_ours: bool,
        skew_seconds_max: i64,
    ) -> Result<Self, Error> {
        let cache = Self {
            name,
            path,
            must_be_ours,
            skew_seconds_max: skew_seconds_max.max(0),
            state: Mutex::default(),
        };
        let mut state = cache.state.lock().unwrap_or_else(PoisonError::into_inner);
        let opened = cache.open_locked().and_then(|file| {
            seed(&file, &mut state, crate::now().parts())?;
            Ok(())
        });
        drop(state);
        match opened {
            Ok(()) => Ok(cache),
            Err(fault) => Err(Error::ReplayCache {
                name: cache.name,
                path: Some(cache.path),
                fault,
            }),
        }
    }

    /// Where the file is.
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }

    fn open_locked(&self) -> Result<File, FileFault> {
        for _ in 0..16 {
            let file = self.open_file()?;
            lock_exclusively(&file)?;
            // Between opening and locking another program may have removed it.
            let (ours, named) = (file.metadata(), std::fs::metadata(&self.path));
            match (ours, named) {
                (Ok(ours), Ok(named)) if (ours.dev(), ours.ino()) == (named.dev(), named.ino()) => {
                    return Ok(file);
                }
                (Err(error), _) => return Err(system("stat")(error)),
                _ => {}
            }
        }
        Err(FileFault::Locked)
    }

    fn open_file(&self) -> Result<File, FileFault> {
        let mut flags = OFlags::NONBLOCK | OFlags::NOCTTY;
        if self.must_be_ours {
            flags |= OFlags::NOFOLLOW;
        }
        let file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(true)
            .truncate(false)
            .mode(0o600)
            .custom_flags(i32::try_from(flags.bits()).unwrap_or(0))
            .open(&self.path)
            .map_err(system("open"))?;
        let metadata = file.metadata().map_err(system("stat"))?;
        if !metadata.is_file() {
            return Err(FileFault::NotAFile);
        }
        let (owner, expected) = (metadata.uid(), rustix::process::geteuid().as_raw());
        if self.must_be_ours && owner != expected {
            return Err(FileFault::Owner { owner, expected });
        }
        Ok(file)
    }

    fn look(&self, state: &mut State, tag: &ReplayTag, now: i64) -> Result<Verdict, FileFault> {
        let file = self.open_locked()?;
        let seed = seed(&file, state, (now, 0))?;
        let oldest = now.saturating_sub(self.skew_seconds_max);
        let read = |offset, pair: &mut [u8; PAIR_LEN]| read_at(&file, pair, offset);
        let offset = match search(&seed, tag.checksum(), oldest, read)? {
            Search::Found => return Ok(Verdict::Replayed),
            Search::Full => return Ok(Verdict::Unavailable),
            Search::Missing { offset } => offset,
        };
        let (claimed, _) = tag.client_time();
        let is_young = |made: (i64, u32)| now <= made.0.saturating_add(self.skew_seconds_max);
        if state
            .made
            .is_some_and(|made| is_young(made) && tag.client_time() < made)
        {
            return Ok(Verdict::Unavailable);
        }
        // MIT writes the time now. A client whose clock is ahead could come again after that is over, and before its own
        // time is.
        let time = u32::try_from(now.max(claimed).max(1)).unwrap_or(u32::MAX);
        let record = Record {
            tag: *tag.checksum(),
            time,
        };
        file.write_all_at(&record.to_bytes(), offset)
            .map_err(system("write"))?;
        Ok(Verdict::Fresh)
    }
}

impl ReplayCache for FileReplayCache {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        // The threads of this process wait here, and not for the file's lock.
        let mut state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        match self.look(&mut state, tag, now.unix_seconds()) {
            Ok(verdict) => {
                state.complaint = None;
                verdict
            }
            Err(fault) => {
                if state.complaint.as_ref() != Some(&fault) {
                    tracing::error!(cache = %self.name, path = %self.path.display(), %fault,
                        "replay cache cannot be used: nobody is accepted");
                    state.complaint = Some(fault);
                }
                Verdict::Unavailable
            }
        }
    }
}

/// The seed at the beginning of the file; a new file gets one.
fn seed(file: &File, state: &mut State, now: (i64, u32)) -> Result<[u8; SEED_LEN], FileFault> {
    let mut seed = [0; SEED_LEN];
    let mut length = 0;
    while length < SEED_LEN {
        let rest = seed.get_mut(length..).unwrap_or_default();
        match file.read_at(rest, u64::try_from(length).unwrap_or(0)) {
            Ok(0) => break,
            Ok(more) => length = length.saturating_add(more),
            Err(error) => return Err(system("read")(error)),
        }
    }
    if length == SEED_LEN {
        return Ok(seed);
    }
    // Empty, or not even a seed: nothing can have been kept in it.
    OsRandom.fill_bytes(&mut seed);
    file.write_all_at(&seed, 0).map_err(system("write"))?;
    state.made = Some(now);
    Ok(seed)
}

/// As many octets as there are up to two records.
fn read_at(file: &File, pair: &mut [u8; PAIR_LEN], offset: u64) -> Result<usize, FileFault> {
    let mut length = 0;
    while let Some(rest) = pair.get_mut(length..).filter(|rest| !rest.is_empty()) {
        let at = offset.saturating_add(u64::try_from(length).unwrap_or(0));
        match file.read_at(rest, at) {
            Ok(0) => break,
            Ok(more) => length = length.saturating_add(more),
            Err(error) => return Err(system("read")(error)),
        }
    }
    Ok(length)
}

#[cfg(test)]
mod tests;
