//! Replay detection (RFC 4120 3.2.3): what identifies an authenticator, who remembers it, and what came of it.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;

use kerbside_asn1::KerberosTime;
use sha2::{Digest, Sha256};

use crate::time::Now;

/// What a replay cache says of an authenticator.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Not seen before, and remembered from now on.
    Fresh,
    /// Seen before.
    Replayed,
    /// The cache cannot tell (full, just restarted, unreachable): the request must be refused.
    Unavailable,
}

/// What identifies one authenticator: the SHA-256 of its ciphertext, with the time it claims and the time from which
/// its age alone refuses it.
///
/// The ciphertext is taken rather than names and times, because an advisory field such as the name type must not make
/// a second request out of one (the ciphertext cannot be altered without its checksum failing).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayTag {
    digest: [u8; 32],
    client_time: (i64, u32),
    expires: i64,
}

impl ReplayTag {
    /// The tag of the authenticator with the ciphertext `cipher`, made at `client_time`, refused by its age after
    /// `skew_seconds_max` have passed from then on.
    pub fn new(cipher: &[u8], client_time: Now, skew_seconds_max: i64) -> Self {
        Self {
            digest: Sha256::digest(cipher).into(),
            client_time: client_time.parts(),
            expires: client_time.seconds().saturating_add(skew_seconds_max.max(0)),
        }
    }

    /// The 32 bytes that tell this authenticator from all others.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    /// The authenticator's own time: Unix seconds and microseconds.
    pub fn client_time(&self) -> (i64, u32) {
        self.client_time
    }

    /// The last Unix second at which the authenticator would still be young enough: until then it must be remembered.
    pub fn expires(&self) -> i64 {
        self.expires
    }
}

impl fmt::Debug for ReplayTag {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("ReplayTag(")?;
        for byte in self.digest.iter().take(8) {
            write!(f, "{byte:02x}")?;
        }
        f.write_str("..)")
    }
}

/// A memory of authenticators that outlives contexts: in this process, in a file shared with others, across nodes.
///
/// `check` answers and remembers in one step, so that of two equal requests racing each other one alone is fresh.
/// It is asked only after the authenticator was decrypted and verified: rubbish cannot fill it.
pub trait ReplayCache: Send + Sync {
    /// Whether the authenticator is new; if so it is remembered until [`ReplayTag::expires`] has passed.
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict;
}

impl<T: ReplayCache + ?Sized> ReplayCache for &T {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        (**self).check(tag, now)
    }
}

impl<T: ReplayCache + ?Sized> ReplayCache for alloc::sync::Arc<T> {
    fn check(&self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        (**self).check(tag, now)
    }
}

/// Bounded memory of authenticators without locks of its own: what an in-memory [`ReplayCache`] holds behind them.
///
/// When full it refuses; a live entry is never evicted. For the first skew interval after its start, authenticators
/// made before the start are refused, because the memory of those was lost with the process before (RFC 4120 3.2.3).
/// A client whose clock is behind ours therefore fails for as many seconds after a restart as its clock is behind; what
/// a client with a clock ahead of ours sent just before the restart is the one thing that such a memory cannot tell.
/// A clock that jumps ahead makes it forget what, once the clock is set back, is young again: what is as old as
/// anything forgotten is refused, because it may be that very thing.
///
/// Finding an entry and dropping expired ones cost the logarithm of the number of entries, whatever their age.
#[derive(Debug)]
pub struct ReplayWindow {
    entries_max: usize,
    started: (i64, u32),
    refuse_older_until: i64,
    /// The latest [`ReplayTag::expires`] among the entries forgotten.
    forgotten_until: Option<i64>,
    seen: BTreeMap<[u8; 32], i64>,
    by_expiry: BTreeSet<(i64, [u8; 32])>,
}

impl ReplayWindow {
    /// An empty memory for at most `entries_max` authenticators, started at `started`, for a service that accepts
    /// authenticators up to `skew_seconds_max` old.
    pub fn new(entries_max: usize, started: Now, skew_seconds_max: i64) -> Self {
        Self {
            entries_max,
            started: started.parts(),
            refuse_older_until: started.seconds().saturating_add(skew_seconds_max.max(0)),
            forgotten_until: None,
            seen: BTreeMap::new(),
            by_expiry: BTreeSet::new(),
        }
    }

    /// How many authenticators are remembered, expired ones that nobody has asked past included.
    pub fn len(&self) -> usize {
        self.seen.len()
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.seen.is_empty()
    }

    /// As [`ReplayCache::check`], for whoever holds the lock.
    pub fn check(&mut self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        let now = crate::time::seconds(now);
        self.forget_expired(now);
        if self.seen.contains_key(&tag.digest) {
            return Verdict::Replayed;
        }
        if now <= self.refuse_older_until && tag.client_time < self.started {
            return Verdict::Unavailable;
        }
        if self.forgotten_until.is_some_and(|expired| tag.expires <= expired) {
            return Verdict::Unavailable;
        }
        if self.seen.len() >= self.entries_max {
            return Verdict::Unavailable;
        }
        self.seen.insert(tag.digest, tag.expires);
        self.by_expiry.insert((tag.expires, tag.digest));
        Verdict::Fresh
    }

    fn forget_expired(&mut self, now: i64) {
        while let Some(&(expires, digest)) = self.by_expiry.first() {
            if expires >= now {
                break;
            }
            self.by_expiry.pop_first();
            self.seen.remove(&digest);
            self.forgotten_until = self.forgotten_until.max(Some(expires));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test that fails may panic")]

    use alloc::format;

    use super::{ReplayTag, ReplayWindow, Verdict};
    use crate::fake_kdc::{T0, now};
    use crate::time::{Now, at};

    const SKEW: i64 = 300;

    fn tag(name: u32, seconds: i64) -> ReplayTag {
        ReplayTag::new(&name.to_be_bytes(), now(seconds), SKEW)
    }

    fn window(entries_max: usize) -> ReplayWindow {
        ReplayWindow::new(entries_max, now(-1000), SKEW)
    }

    #[test]
    fn what_was_seen_is_known_until_its_age_refuses_it() {
        let mut window = window(10);
        assert!(window.is_empty());
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(2, 0), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Replayed);
        assert_eq!(window.check(&tag(1, 0), at(T0 + SKEW)), Verdict::Replayed);
        assert_eq!(window.len(), 2);
        // A second later no acceptor would come here with it; the entries are gone.
        assert_eq!(window.check(&tag(3, SKEW), at(T0 + SKEW + 1)), Verdict::Fresh);
        assert_eq!(window.len(), 1);
    }

    #[test]
    fn a_full_window_refuses_and_evicts_nothing() {
        let mut window = window(3);
        for name in 0..3 {
            assert_eq!(window.check(&tag(name, 0), at(T0)), Verdict::Fresh);
        }
        assert_eq!(window.check(&tag(9, 0), at(T0)), Verdict::Unavailable);
        for name in 0..3 {
            assert_eq!(window.check(&tag(name, 0), at(T0)), Verdict::Replayed);
        }
        assert_eq!(window.check(&tag(9, 200), at(T0 + SKEW + 1)), Verdict::Fresh);
    }

    /// Pitfalls, section 10 row 1: crash the service, then replay.
    #[test]
    fn after_a_start_what_is_older_is_refused_for_one_skew() {
        let started = Now::new(T0, 500_000).unwrap();
        let before = Now::new(T0, 499_999).unwrap();
        let mut window = ReplayWindow::new(10, started, SKEW);
        let old = ReplayTag::new(b"old", before, SKEW);
        assert_eq!(window.check(&old, at(T0)), Verdict::Unavailable);
        assert_eq!(window.check(&old, at(T0 + SKEW)), Verdict::Unavailable);
        let same = ReplayTag::new(b"same", started, SKEW);
        assert_eq!(window.check(&same, at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&same, at(T0)), Verdict::Replayed);
        // Then its age is what refuses it, for all but a service with more skew than the window was made for.
        let old = ReplayTag::new(b"old", before, 2 * SKEW);
        assert_eq!(window.check(&old, at(T0 + SKEW)), Verdict::Unavailable);
        assert_eq!(window.check(&old, at(T0 + SKEW + 1)), Verdict::Fresh);
    }

    #[test]
    fn a_clock_that_goes_back_forgets_nothing() {
        let mut window = window(10);
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(1, 0), at(T0 - 100)), Verdict::Replayed);
        assert_eq!(window.check(&tag(1, 0), at(i64::MIN)), Verdict::Replayed);
    }

    /// An hour ahead and back, as a time server gone wrong makes it: what was used before stays used.
    #[test]
    fn a_clock_that_jumps_ahead_and_back_makes_nothing_fresh_again() {
        let mut window = window(10);
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(2, 3600), at(T0 + 3600)), Verdict::Fresh);
        assert_eq!(window.len(), 1, "the first is forgotten");
        assert_eq!(window.check(&tag(1, 0), at(T0 + 1)), Verdict::Unavailable);
        assert_eq!(window.check(&tag(3, 0), at(T0 + 1)), Verdict::Unavailable);
        assert_eq!(window.check(&tag(4, 1), at(T0 + 1)), Verdict::Fresh);
    }

    #[test]
    fn extreme_times_and_skews_do_not_wrap() {
        let far = Now::new(i64::MAX, 0).unwrap();
        assert_eq!(ReplayTag::new(b"", far, i64::MAX).expires(), i64::MAX);
        assert_eq!(ReplayTag::new(b"", now(0), -5).expires(), T0);
        let mut window = ReplayWindow::new(1, far, i64::MAX);
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Unavailable);
    }

    #[test]
    fn debug_shows_the_start_of_the_hash_alone() {
        assert_eq!(
            format!("{:?}", ReplayTag::new(b"", now(0), SKEW)),
            "ReplayTag(e3b0c44298fc1c14..)"
        );
    }
}
