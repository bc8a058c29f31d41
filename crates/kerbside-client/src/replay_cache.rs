//! Replay caches: in this process's memory, for all contexts of all its services; in a file of MIT's format.

mod file;
mod name;

use std::sync::{Arc, Mutex, OnceLock, PoisonError};

use kerbside_asn1::KerberosTime;
use kerbside_protocol::{DEFAULT_SKEW_SECONDS, Now, ReplayCache, ReplayTag, ReplayWindow, Verdict};

pub use file::FileReplayCache;
pub use name::{ReplayCacheName, SharedReplayCache};

/// Locks beside each other, so that threads seldom wait for one another.
const SHARDS: usize = 16;

/// Authenticators remembered when nobody says otherwise: at some 30 bytes each, about 30 MB when
/// full, and 3,300 logins a second kept for five minutes.
const DEFAULT_ENTRIES_MAX: usize = 1_000_000;

/// Remembers authenticators until their age alone refuses them. One cache serves every context of a
/// process: a cache for each context would see nothing twice.
///
/// It is bounded: full, it refuses; it never forgets what is still young enough to be replayed. For
/// the first skew interval after its start, authenticators made before the start are refused, since
/// the process before it may have accepted them (RFC 4120 section 3.2.3).
#[derive(Debug)]
pub struct MemoryReplayCache {
    shards: Vec<Mutex<ReplayWindow>>,
}

impl MemoryReplayCache {
    /// The one cache of this process, for every service that has none of its own: started when it is first asked for, with
    /// room for a million authenticators. A token that one service of the process took is a replay at any other.
    #[must_use]
    pub fn of_process() -> Arc<Self> {
        static CACHE: OnceLock<Arc<MemoryReplayCache>> = OnceLock::new();
        Arc::clone(CACHE.get_or_init(|| Arc::new(Self::new(crate::now()))))
    }

    /// A cache started at `now`, for five minutes of clock skew and a million authenticators.
    #[must_use]
    pub fn new(now: Now) -> Self {
        Self::with_limits(now, DEFAULT_SKEW_SECONDS, DEFAULT_ENTRIES_MAX)
    }

    /// A cache started at `now`, for a service that accepts authenticators up to `skew_seconds_max`
    /// old, and at most about `entries_max` of them at a time.
    #[must_use]
    pub fn with_limits(now: Now, skew_seconds_max: i64, entries_max: usize) -> Self {
        let each = entries_max.div_ceil(SHARDS);
        let shards = (0..SHARDS)
            .map(|_| Mutex::new(ReplayWindow::new(each, now, skew_seconds_max)))
            .collect();
        Self { shards }
    }

    /// How many authenticators are remembered, expired ones that nobody asked past included.
    #[must_use]
    pub fn len(&self) -> usize {
        self.shards
            .iter()
            .map(|shard| shard.lock().unwrap_or_else(PoisonError::into_inner).len())
            .sum()
    }

    /// Whether nothing is remembered.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }
}

impl ReplayCache for MemoryReplayCache {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        // The digest is uniform, so any byte of it spreads evenly.
        let [first, ..] = tag.digest();
        match self.shards.get(usize::from(*first) % SHARDS) {
            // A thread that panicked inside may have left half a step: better to refuse than to
            // forget.
            Some(shard) => shard
                .lock()
                .map_or(Verdict::Unavailable, |mut window| window.check(tag, now)),
            None => Verdict::Unavailable,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    fn at(seconds: i64) -> Now {
        Now::new(seconds, 0).unwrap()
    }

    fn tag(number: u32, seconds: i64) -> ReplayTag {
        ReplayTag::new(
            kerbside_crypto::EncryptionType::AES256_CTS_HMAC_SHA1_96,
            &number.to_be_bytes(),
            at(seconds),
            300,
        )
    }

    #[test]
    fn of_many_threads_with_one_authenticator_one_alone_is_fresh() {
        let cache = MemoryReplayCache::new(at(1000));
        let verdicts: Vec<Verdict> = std::thread::scope(|scope| {
            let threads: Vec<_> = (0..8)
                .map(|_| scope.spawn(|| cache.check(&tag(1, 1000), at(1000).time)))
                .collect();
            threads.into_iter().map(|thread| thread.join().unwrap()).collect()
        });
        assert_eq!(
            verdicts
                .iter()
                .filter(|verdict| **verdict == Verdict::Fresh)
                .count(),
            1
        );
        assert_eq!(
            verdicts
                .iter()
                .filter(|verdict| **verdict == Verdict::Replayed)
                .count(),
            7
        );
    }

    #[test]
    fn it_refuses_what_is_older_than_its_start_and_what_is_too_much() {
        let cache = MemoryReplayCache::with_limits(at(1000), 300, 16);
        assert_eq!(cache.check(&tag(1, 999), at(1001).time), Verdict::Unavailable);
        let verdicts: Vec<Verdict> = (0..1000)
            .map(|number| cache.check(&tag(number, 1000), at(1000).time))
            .collect();
        assert_eq!(
            verdicts
                .iter()
                .filter(|verdict| **verdict == Verdict::Fresh)
                .count(),
            16
        );
        assert_eq!(cache.len(), 16);
        // What was remembered is still remembered, and room comes with time.
        let first = verdicts
            .iter()
            .position(|verdict| *verdict == Verdict::Fresh)
            .unwrap();
        let first = u32::try_from(first).unwrap();
        assert_eq!(cache.check(&tag(first, 1000), at(1300).time), Verdict::Replayed);
        assert_eq!(cache.check(&tag(first, 1301), at(1301).time), Verdict::Fresh);
    }
}
