//! Login counters: kept in memory, written in groups
//!
//! A login changes `last_success` or the count of failures. Writing that at once would cost an
//! fsync per login, so the counters wait here and are written together, every
//! [`FLUSH_INTERVAL`] and on shutdown. **Durability:** a crash loses the counters of at most that
//! interval. Changes of an administrator never wait here.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use kerbside_asn1::KerberosTime;
use kerbside_kdc::{PrincipalEntry, StoreUpdate};

/// Counters are at most this late on the disk
pub const FLUSH_INTERVAL: Duration = Duration::from_secs(5);
/// So many principals with unwritten counters start a write before the interval is over
pub(crate) const PENDING_MAX: usize = 50_000;

/// What changes at a login
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counters {
    pub(crate) last_success: Option<i64>,
    pub(crate) last_failed: Option<i64>,
    pub(crate) fail_auth_count: u32,
}

/// "Never" in a stored counter
const NEVER: i64 = i64::MIN;

impl Counters {
    pub(crate) fn of(entry: &PrincipalEntry) -> Counters {
        Counters {
            last_success: entry.last_success.map(KerberosTime::unix_seconds),
            last_failed: entry.last_failed.map(KerberosTime::unix_seconds),
            fail_auth_count: entry.fail_auth_count,
        }
    }

    pub(crate) fn apply_to(self, entry: &mut PrincipalEntry) {
        entry.last_success = self.last_success.map(KerberosTime::from_unix_seconds);
        entry.last_failed = self.last_failed.map(KerberosTime::from_unix_seconds);
        entry.fail_auth_count = self.fail_auth_count;
    }

    pub(crate) fn to_bytes(self) -> [u8; 20] {
        let mut bytes = [0; 20];
        let parts = [
            self.last_success.unwrap_or(NEVER).to_be_bytes().to_vec(),
            self.last_failed.unwrap_or(NEVER).to_be_bytes().to_vec(),
            self.fail_auth_count.to_be_bytes().to_vec(),
        ];
        for (slot, byte) in bytes.iter_mut().zip(parts.concat()) {
            *slot = byte;
        }
        bytes
    }

    pub(crate) fn from_bytes(bytes: &[u8]) -> Option<Counters> {
        let (success, rest) = bytes.split_first_chunk::<8>()?;
        let (failed, rest) = rest.split_first_chunk::<8>()?;
        let time = |bytes: &[u8; 8]| Some(i64::from_be_bytes(*bytes)).filter(|time| *time != NEVER);
        Some(Counters {
            last_success: time(success),
            last_failed: time(failed),
            fail_auth_count: u32::from_be_bytes(rest.try_into().ok()?),
        })
    }
}

type ByKey = HashMap<Vec<u8>, Counters>;

#[derive(Default)]
struct Waiting {
    /// not yet handed to the committing thread
    pending: ByKey,
    /// handed to it, not yet known to be durable
    writing: Arc<ByKey>,
}

/// Counters that are newer than the file's
#[derive(Default)]
pub(crate) struct Logins {
    waiting: Mutex<Waiting>,
}

/// What a login changed for the entry in memory
pub(crate) struct Noted {
    /// the counters now
    pub(crate) counters: Counters,
    /// whether a check of the next request could depend on them (failures, not the last success)
    pub(crate) matters: bool,
    /// whether so many wait that they should be written now
    pub(crate) crowded: bool,
}

impl Logins {
    fn lock(&self) -> std::sync::MutexGuard<'_, Waiting> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Notes one update; `key` is the entry's index key
    pub(crate) fn note(&self, key: Vec<u8>, update: &StoreUpdate) -> Option<Noted> {
        let mut waiting = self.lock();
        let before = waiting
            .pending
            .get(&key)
            .or_else(|| waiting.writing.get(&key))
            .copied()
            .unwrap_or_else(|| Counters::of(update.entry()));
        let mut counters = before;
        match update {
            StoreUpdate::PreAuthSucceeded { at, .. } => {
                counters.last_success = Some(at.unix_seconds());
                counters.fail_auth_count = 0;
            }
            StoreUpdate::PreAuthFailed { at, .. } => {
                counters.last_failed = Some(at.unix_seconds());
                counters.fail_auth_count = counters.fail_auth_count.saturating_add(1);
            }
            _ => return None,
        }
        waiting.pending.insert(key, counters);
        Some(Noted {
            counters,
            matters: (before.fail_auth_count, before.last_failed)
                != (counters.fail_auth_count, counters.last_failed),
            crowded: waiting.pending.len() >= PENDING_MAX,
        })
    }

    /// Counters newer than the file's for one index key
    pub(crate) fn newer(&self, key: &[u8]) -> Option<Counters> {
        let waiting = self.lock();
        waiting
            .pending
            .get(key)
            .or_else(|| waiting.writing.get(key))
            .copied()
    }

    /// Sets the counters of an entry an administrator changed, and forgets what waited
    pub(crate) fn forget(&self, key: &[u8]) {
        let mut waiting = self.lock();
        waiting.pending.remove(key);
        if waiting.writing.contains_key(key) {
            let mut rest = ByKey::clone(&waiting.writing);
            rest.remove(key);
            waiting.writing = Arc::new(rest);
        }
    }

    /// Takes what waits for writing; it stays visible to lookups until [`Logins::written`]
    pub(crate) fn take(&self) -> Option<Arc<ByKey>> {
        let mut waiting = self.lock();
        if waiting.pending.is_empty() {
            return None;
        }
        waiting.writing = Arc::new(core::mem::take(&mut waiting.pending));
        Some(Arc::clone(&waiting.writing))
    }

    /// The group taken is durable; if it is not, it waits again unless something newer came
    pub(crate) fn written(&self, durable: bool) {
        let mut waiting = self.lock();
        let group = core::mem::take(&mut waiting.writing);
        if !durable {
            for (key, counters) in group.iter() {
                waiting.pending.entry(key.clone()).or_insert(*counters);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;
    use kerbside_asn1::Principal;

    fn update(success: bool, at: i64) -> StoreUpdate {
        let entry = Arc::new(PrincipalEntry::new(
            Principal::new("R", &["a"]),
            KerberosTime::from_unix_seconds(0),
        ));
        let at = KerberosTime::from_unix_seconds(at);
        if success {
            StoreUpdate::PreAuthSucceeded { entry, at }
        } else {
            StoreUpdate::PreAuthFailed { entry, at }
        }
    }

    #[test]
    fn failures_add_up_and_a_success_resets_them() {
        let logins = Logins::default();
        let key = b"a@R".to_vec();
        assert!(logins.note(key.clone(), &update(false, 10)).unwrap().matters);
        assert_eq!(
            logins
                .note(key.clone(), &update(false, 11))
                .unwrap()
                .counters
                .fail_auth_count,
            2
        );
        // Being written does not hide them.
        let group = logins.take().unwrap();
        assert_eq!(group.get(&key).unwrap().fail_auth_count, 2);
        assert_eq!(logins.newer(&key).unwrap().fail_auth_count, 2);
        assert_eq!(
            logins
                .note(key.clone(), &update(false, 12))
                .unwrap()
                .counters
                .fail_auth_count,
            3
        );
        logins.written(true);
        let after = logins.note(key.clone(), &update(true, 13)).unwrap();
        assert!(after.matters);
        let expected = Counters {
            last_success: Some(13),
            last_failed: Some(12),
            fail_auth_count: 0,
        };
        assert_eq!(after.counters, expected);
        assert!(!logins.note(key.clone(), &update(true, 14)).unwrap().matters);
        logins.forget(&key);
        assert!(logins.newer(&key).is_none());
    }

    #[test]
    fn a_group_that_failed_waits_again() {
        let logins = Logins::default();
        logins.note(b"a@R".to_vec(), &update(true, 10));
        logins.note(b"b@R".to_vec(), &update(true, 10));
        logins.take().unwrap();
        logins.note(b"b@R".to_vec(), &update(true, 20));
        logins.written(false);
        let again = logins.take().unwrap();
        assert_eq!(again.get(b"a@R".as_slice()).unwrap().last_success, Some(10));
        assert_eq!(again.get(b"b@R".as_slice()).unwrap().last_success, Some(20));
    }

    #[test]
    fn bytes_and_back() {
        for counters in [
            Counters::default(),
            Counters {
                last_success: Some(-1),
                last_failed: Some(i64::MAX),
                fail_auth_count: 7,
            },
        ] {
            assert_eq!(Counters::from_bytes(&counters.to_bytes()), Some(counters));
        }
        assert_eq!(Counters::from_bytes(&[0; 19]), None);
    }
}
