//! Caches that were read, kept parsed while their files stay as they are.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, PoisonError};

use crate::error::Error;
use crate::names::CacheName;
use crate::store::{CacheStore, Opened};

/// Files kept at a time: a client uses one cache, or a few.
const MAX_KEPT: usize = 4;

/// Parsed caches, shared by clones of a client.
#[derive(Clone, Default)]
pub(crate) struct Snapshots(Arc<Mutex<Vec<Snapshot>>>);

impl fmt::Debug for Snapshots {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshots").finish_non_exhaustive()
    }
}

struct Snapshot {
    path: PathBuf,
    stamp: Stamp,
    cache: Arc<Opened>,
}

/// What changes when a cache's file does: a cache is appended to (its size and times), or replaced (its number).
#[derive(Clone, Copy, PartialEq, Eq)]
struct Stamp {
    device: u64,
    inode: u64,
    owner: u32,
    mode: u32,
    size: u64,
    modified: (i64, i64),
    changed: (i64, i64),
}

impl Stamp {
    fn of(path: &Path) -> Option<Self> {
        // The file at the end of a link, as it is the one that is read: mounted secrets are links.
        let facts: Metadata = std::fs::metadata(path).ok()?;
        Some(Self {
            device: facts.dev(),
            inode: facts.ino(),
            owner: facts.uid(),
            mode: facts.mode(),
            size: facts.size(),
            modified: (facts.mtime(), facts.mtime_nsec()),
            changed: (facts.ctime(), facts.ctime_nsec()),
        })
    }
}

impl Snapshots {
    /// The cache, read again only where its file is another one than last time. `name` is one cache, not a collection.
    pub(crate) fn read(&self, store: &CacheStore, name: &CacheName) -> Result<Arc<Opened>, Error> {
        // Before the file is read: a change in between makes the next stamp another one.
        let Some((path, stamp)) = name.path().and_then(|path| Some((path, Stamp::of(path)?))) else {
            return store.open(name);
        };
        if let Some(kept) = self.kept(path, stamp) {
            return Ok(kept);
        }
        let cache = store.open(name)?;
        let mut all = self.lock();
        all.retain(|snapshot| snapshot.path != path);
        all.truncate(MAX_KEPT - 1);
        all.insert(
            0,
            Snapshot {
                path: path.to_owned(),
                stamp,
                cache: Arc::clone(&cache),
            },
        );
        Ok(cache)
    }

    fn kept(&self, path: &Path, stamp: Stamp) -> Option<Arc<Opened>> {
        let all = self.lock();
        let found = all.iter().find(|snapshot| snapshot.path == path)?;
        (found.stamp == stamp).then(|| Arc::clone(&found.cache))
    }

    /// There is no step between two states of the list, so a thread that panicked left a whole one behind.
    fn lock(&self) -> std::sync::MutexGuard<'_, Vec<Snapshot>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use kerbside_asn1::Principal;
    use kerbside_formats::ccache::CredentialCache;

    use super::*;

    fn cache(name: &str) -> CredentialCache {
        CredentialCache::new(Principal::new("EXAMPLE.COM", &[name]))
    }

    #[test]
    fn a_file_is_read_again_when_it_changed_and_only_then() {
        let dir = tempfile::tempdir().unwrap();
        let (store, snapshots) = (CacheStore::new(), Snapshots::default());
        let name = CacheName::File(dir.path().join("cc"));
        assert!(snapshots.read(&store, &name).is_err());
        store.initialize(&name, &cache("alice")).unwrap();
        let first = snapshots.read(&store, &name).unwrap();
        let again = snapshots.read(&store, &name).unwrap();
        assert!(Arc::ptr_eq(&first, &again));
        store.initialize(&name, &cache("carol")).unwrap();
        let changed = snapshots.read(&store, &name).unwrap();
        assert_eq!(changed.primary, Principal::new("EXAMPLE.COM", &["carol"]));
        store.destroy(&name).unwrap();
        assert!(snapshots.read(&store, &name).is_err());
    }

    #[test]
    fn a_file_behind_a_link_is_read_again_when_it_changed() {
        let dir = tempfile::tempdir().unwrap();
        let (store, snapshots) = (CacheStore::new(), Snapshots::default());
        let file = CacheName::File(dir.path().join("cc"));
        let link = CacheName::File(dir.path().join("link"));
        store.initialize(&file, &cache("alice")).unwrap();
        std::os::unix::fs::symlink(dir.path().join("cc"), dir.path().join("link")).unwrap();
        snapshots.read(&store, &link).unwrap();
        store.initialize(&file, &cache("carol")).unwrap();
        let changed = snapshots.read(&store, &link).unwrap();
        assert_eq!(changed.primary, Principal::new("EXAMPLE.COM", &["carol"]));
    }

    #[test]
    fn no_more_than_a_few_are_kept_and_memory_is_read_as_it_is() {
        let dir = tempfile::tempdir().unwrap();
        let (store, snapshots) = (CacheStore::new(), Snapshots::default());
        for index in 0..10 {
            let name = CacheName::File(dir.path().join(index.to_string()));
            store.initialize(&name, &cache("alice")).unwrap();
            snapshots.read(&store, &name).unwrap();
        }
        assert_eq!(snapshots.lock().len(), MAX_KEPT);
        let memory = CacheName::Memory("x".to_owned());
        store.initialize(&memory, &cache("alice")).unwrap();
        store.initialize(&memory, &cache("bob")).unwrap();
        let read = snapshots.read(&store, &memory).unwrap();
        assert_eq!(read.primary, Principal::new("EXAMPLE.COM", &["bob"]));
        let again = snapshots.read(&store, &memory).unwrap();
        assert!(Arc::ptr_eq(&read, &again), "not copied while it stays as it is");
        store.set_config(&memory, "key", None, b"value").unwrap();
        let changed = snapshots.read(&store, &memory).unwrap();
        assert_eq!(changed.config("key", None), Some(&b"value"[..]));
        assert_eq!(
            read.config("key", None),
            None,
            "who has it open keeps it as it was"
        );
    }
}
