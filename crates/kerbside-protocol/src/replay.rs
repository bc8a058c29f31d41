//! Replay detection (RFC 4120 3.2.3): what identifies an authenticator, who remembers it, and what came of it.

use alloc::collections::{BTreeMap, BTreeSet};
use core::fmt;

use kerbside_asn1::KerberosTime;
use kerbside_crypto::EncryptionType;
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

/// Octets of [`ReplayTag::checksum`].
const CHECKSUM_LEN: usize = 12;

/// What identifies one authenticator: the SHA-256 of its ciphertext, with the time it claims and the time from which
/// its age alone refuses it.
///
/// The ciphertext is taken rather than names and times, because an advisory field such as the name type must not make
/// a second request out of one (the ciphertext cannot be altered without its checksum failing).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ReplayTag {
    digest: [u8; 32],
    checksum: [u8; CHECKSUM_LEN],
    client_time: (i64, u32),
    expires: i64,
}

impl ReplayTag {
    /// The tag of the authenticator with the ciphertext `cipher` of a key of type `enctype`, made at `client_time`,
    /// refused by its age after `skew_seconds_max` have passed from then on.
    pub fn new(enctype: EncryptionType, cipher: &[u8], client_time: Now, skew_seconds_max: i64) -> Self {
        Self {
            digest: Sha256::digest(cipher).into(),
            checksum: checksum(enctype, cipher),
            client_time: client_time.parts(),
            expires: client_time.seconds().saturating_add(skew_seconds_max.max(0)),
        }
    }

    /// The first octets of the ciphertext's checksum, filled up with zeros: what MIT's replay cache files keep.
    pub fn checksum(&self) -> &[u8; 12] {
        &self.checksum
    }

    /// The 32 bytes that tell this authenticator from all others.
    pub fn digest(&self) -> &[u8; 32] {
        &self.digest
    }

    fn short(&self) -> u128 {
        self.digest
            .first_chunk()
            .map_or(0, |half| u128::from_be_bytes(*half))
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

fn checksum(enctype: EncryptionType, cipher: &[u8]) -> [u8; CHECKSUM_LEN] {
    let len = match enctype {
        // Its checksum is in front, but MIT takes the end there too.
        EncryptionType::RC4_HMAC | EncryptionType::RC4_HMAC_EXP => 16,
        enctype => enctype.trailer_len().unwrap_or(0),
    };
    let end = cipher.get(cipher.len().saturating_sub(len)..).unwrap_or_default();
    let mut checksum = [0; CHECKSUM_LEN];
    checksum.iter_mut().zip(end).for_each(|(to, from)| *to = *from);
    checksum
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
/// Authenticators are kept by the second that they claim: what arrives now is looked for among its own kind, and a second
/// that is over is dropped as a whole. Nothing that a client chooses makes a search longer than the logarithm of the
/// number of entries.
#[derive(Debug)]
pub struct ReplayWindow {
    entries_max: usize,
    entries: usize,
    started: (i64, u32),
    refuse_older_until: i64,
    /// The latest [`ReplayTag::expires`] among the entries forgotten.
    forgotten_until: Option<i64>,
    seconds: BTreeMap<i64, Second>,
}

/// The authenticators that claim one second.
#[derive(Debug, Default)]
struct Second {
    /// The latest [`ReplayTag::expires`] among them.
    expires: i64,
    /// Half of each digest: numbers are found faster, and two that are equal in it by chance cost one refusal in 2^64.
    seen: BTreeSet<u128>,
}

impl ReplayWindow {
    /// An empty memory for at most `entries_max` authenticators, started at `started`, for a service that accepts
    /// authenticators up to `skew_seconds_max` old.
    pub fn new(entries_max: usize, started: Now, skew_seconds_max: i64) -> Self {
        Self {
            entries_max,
            entries: 0,
            started: started.parts(),
            refuse_older_until: started.seconds().saturating_add(skew_seconds_max.max(0)),
            forgotten_until: None,
            seconds: BTreeMap::new(),
        }
    }

    /// How many authenticators are remembered, expired ones that nobody has asked past included.
    pub fn len(&self) -> usize {
        self.entries
    }

    /// Whether nothing is remembered.
    pub fn is_empty(&self) -> bool {
        self.entries == 0
    }

    /// As [`ReplayCache::check`], for whoever holds the lock.
    pub fn check(&mut self, tag: &ReplayTag, now: KerberosTime) -> Verdict {
        let now = crate::time::seconds(now);
        self.forget_expired(now);
        let ((claimed, _), short) = (tag.client_time, tag.short());
        if let Some(second) = self.seconds.get(&claimed)
            && second.seen.contains(&short)
        {
            return Verdict::Replayed;
        }
        // For as long as any service takes it: one with more skew than this memory was made for, too.
        if now <= self.refuse_older_until.max(tag.expires) && tag.client_time < self.started {
            return Verdict::Unavailable;
        }
        if self.forgotten_until.is_some_and(|expired| tag.expires <= expired) {
            return Verdict::Unavailable;
        }
        if self.entries >= self.entries_max {
            return Verdict::Unavailable;
        }
        let second = self.seconds.entry(claimed).or_default();
        second.expires = second.expires.max(tag.expires);
        second.seen.insert(short);
        self.entries = self.entries.saturating_add(1);
        Verdict::Fresh
    }

    fn forget_expired(&mut self, now: i64) {
        // With one skew for all, the earliest second is the first to expire. A second that a service with more skew keeps
        // keeps those behind it a little longer.
        while let Some(first) = self.seconds.first_entry()
            && first.get().expires < now
        {
            let second = first.remove();
            self.entries = self.entries.saturating_sub(second.seen.len());
            self.forgotten_until = self.forgotten_until.max(Some(second.expires));
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test that fails may panic"
    )]

    use alloc::format;

    use kerbside_crypto::EncryptionType;

    use super::{ReplayTag, ReplayWindow, Verdict};
    use crate::fake_kdc::{T0, now};
    use crate::time::{Now, at};

    const SKEW: i64 = 300;
    const AES: EncryptionType = EncryptionType::AES256_CTS_HMAC_SHA1_96;

    fn tag(name: u32, seconds: i64) -> ReplayTag {
        ReplayTag::new(AES, &name.to_be_bytes(), now(seconds), SKEW)
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
        let old = ReplayTag::new(AES, b"old", before, SKEW);
        assert_eq!(window.check(&old, at(T0)), Verdict::Unavailable);
        assert_eq!(window.check(&old, at(T0 + SKEW)), Verdict::Unavailable);
        let same = ReplayTag::new(AES, b"same", started, SKEW);
        assert_eq!(window.check(&same, at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&same, at(T0)), Verdict::Replayed);
        // A service with more skew than the window was made for refuses it for as long as it would take it; then its age
        // is what refuses it.
        let old = ReplayTag::new(AES, b"old", before, 2 * SKEW);
        assert_eq!(window.check(&old, at(T0 + SKEW + 1)), Verdict::Unavailable);
        assert_eq!(window.check(&old, at(T0 + 2 * SKEW)), Verdict::Unavailable);
        assert_eq!(window.check(&old, at(T0 + 2 * SKEW + 1)), Verdict::Fresh);
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
        assert_eq!(ReplayTag::new(AES, b"", far, i64::MAX).expires(), i64::MAX);
        assert_eq!(ReplayTag::new(AES, b"", now(0), -5).expires(), T0);
        let mut window = ReplayWindow::new(1, far, i64::MAX);
        assert_eq!(window.check(&tag(1, 0), at(T0)), Verdict::Unavailable);
    }

    #[test]
    fn debug_shows_the_start_of_the_hash_alone() {
        assert_eq!(
            format!("{:?}", ReplayTag::new(AES, b"", now(0), SKEW)),
            "ReplayTag(e3b0c44298fc1c14..)"
        );
    }

    #[test]
    fn a_second_of_a_service_with_more_skew_is_kept_as_long_as_that() {
        let mut window = window(10);
        let patient = ReplayTag::new(AES, b"patient", now(-10), 3 * SKEW);
        assert_eq!(window.check(&patient, at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(1, -10), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&tag(2, 0), at(T0)), Verdict::Fresh);
        assert_eq!(window.check(&patient, at(T0 + 2 * SKEW)), Verdict::Replayed);
        assert_eq!(window.len(), 3);
        assert_eq!(window.check(&tag(3, 900), at(T0 + 900)), Verdict::Fresh);
        assert_eq!(window.len(), 1);
    }

    /// MIT's rcache_file_format.rst: the checksum's first twelve octets, filled up with zeros.
    #[test]
    fn the_checksum_for_files_is_the_end_of_the_ciphertext() {
        let cipher: [u8; 64] = core::array::from_fn(|index| u8::try_from(index).unwrap());
        let first = |enctype, cipher: &[u8]| ReplayTag::new(enctype, cipher, now(0), SKEW).checksum()[0];
        assert_eq!(first(AES, &cipher), 52);
        assert_eq!(first(EncryptionType::AES256_CTS_HMAC_SHA384_192, &cipher), 40);
        assert_eq!(first(EncryptionType::CAMELLIA128_CTS_CMAC, &cipher), 48);
        assert_eq!(first(EncryptionType::RC4_HMAC, &cipher), 48);
        let short = ReplayTag::new(AES, &cipher[1..3], now(0), SKEW);
        assert_eq!(*short.checksum(), [1, 2, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0]);
        let unknown = ReplayTag::new(EncryptionType(99), &cipher, now(0), SKEW);
        assert_eq!(*unknown.checksum(), [0; 12]);
    }
}
