//! Opened entries in memory: a lookup costs no decryption and no allocation
//!
//! Bounded, in independent shards. A change invalidates its entry before it is acknowledged; a
//! lookup that read the old record while the change was committed cannot put it back, because the
//! shard's generation has moved on.

use std::collections::HashMap;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, PoisonError, RwLock};

use kerbside_asn1::Principal;
use kerbside_kdc::PrincipalEntry;

/// Entries per shard; a full shard is emptied, which costs each entry one more decryption
const SHARD_ENTRIES_MAX: usize = 4096;
/// Independent locks
const SHARDS: usize = 32;

#[derive(Default)]
struct Shard {
    generation: u64,
    entries: HashMap<Principal, Arc<PrincipalEntry>>,
}

/// Opened entries by the name they were looked up under
pub(crate) struct EntryCache {
    hasher: RandomState,
    shards: [RwLock<Shard>; SHARDS],
}

/// When a lookup began; entries read since may be put in if nothing changed meanwhile
#[derive(Clone, Copy)]
pub(crate) struct Generation(u64);

impl EntryCache {
    pub(crate) fn new() -> EntryCache {
        EntryCache {
            hasher: RandomState::new(),
            shards: core::array::from_fn(|_| RwLock::new(Shard::default())),
        }
    }

    fn shard(&self, name: &Principal) -> Option<&RwLock<Shard>> {
        let hash = self.hasher.hash_one(name);
        self.shards.get(usize::try_from(hash >> 48).unwrap_or(0) % SHARDS)
    }

    /// The entry, or the generation to hand to [`EntryCache::insert`] after reading it
    pub(crate) fn find(&self, name: &Principal) -> Result<Arc<PrincipalEntry>, Generation> {
        let Some(shard) = self.shard(name) else {
            return Err(Generation(0));
        };
        let shard = shard.read().unwrap_or_else(PoisonError::into_inner);
        shard
            .entries
            .get(name)
            .cloned()
            .ok_or(Generation(shard.generation))
    }

    /// Keeps an entry that was read since `generation`, unless something changed since
    pub(crate) fn insert(&self, name: &Principal, entry: &Arc<PrincipalEntry>, generation: Generation) {
        let Some(shard) = self.shard(name) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if shard.generation != generation.0 {
            return;
        }
        if shard.entries.len() >= SHARD_ENTRIES_MAX {
            shard.entries.clear();
        }
        shard.entries.insert(name.clone(), Arc::clone(entry));
    }

    /// Replaces an entry only if it is still the one given: login counters moved on
    pub(crate) fn replace(&self, old: &Arc<PrincipalEntry>, new: Arc<PrincipalEntry>) {
        let Some(shard) = self.shard(&old.principal) else {
            return;
        };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        if let Some(slot) = shard.entries.get_mut(&old.principal)
            && Arc::ptr_eq(slot, old)
        {
            *slot = new;
        }
    }

    /// Forgets everything
    pub(crate) fn clear(&self) {
        for shard in &self.shards {
            let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
            shard.generation = shard.generation.wrapping_add(1);
            shard.entries.clear();
        }
    }

    /// Forgets a name
    pub(crate) fn forget(&self, name: &Principal) {
        let Some(shard) = self.shard(name) else { return };
        let mut shard = shard.write().unwrap_or_else(PoisonError::into_inner);
        shard.generation = shard.generation.wrapping_add(1);
        shard.entries.remove(name);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;
    use kerbside_asn1::KerberosTime;

    fn entry(name: &str) -> Arc<PrincipalEntry> {
        Arc::new(PrincipalEntry::new(
            Principal::new("R", &[name]),
            KerberosTime::from_unix_seconds(0),
        ))
    }

    #[test]
    fn a_stale_read_is_not_kept() {
        let cache = EntryCache::new();
        let alice = entry("alice");
        let Err(before) = cache.find(&alice.principal) else {
            panic!("empty")
        };
        // A change is committed between the read and the insertion.
        cache.forget(&alice.principal);
        cache.insert(&alice.principal, &alice, before);
        let Err(after) = cache.find(&alice.principal) else {
            panic!("a stale entry was kept")
        };
        cache.insert(&alice.principal, &alice, after);
        assert!(Arc::ptr_eq(&cache.find(&alice.principal).ok().unwrap(), &alice));
        cache.forget(&alice.principal);
        assert!(cache.find(&alice.principal).is_err());
    }

    #[test]
    fn bounded() {
        let cache = EntryCache::new();
        for number in 0..(SHARDS * SHARD_ENTRIES_MAX + 10_000) {
            let entry = entry(&number.to_string());
            if let Err(generation) = cache.find(&entry.principal) {
                cache.insert(&entry.principal, &entry, generation);
            }
        }
        for shard in &cache.shards {
            assert!(shard.read().unwrap().entries.len() <= SHARD_ENTRIES_MAX);
        }
    }
}
