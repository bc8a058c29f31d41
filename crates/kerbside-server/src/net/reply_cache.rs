//! Replies to UDP requests, kept for a while so that a retransmission gets the same answer
//!
//! A client that hears nothing sends its datagram again. Answering from here costs no cryptography,
//! counts a failed login once, and gives one session key instead of two. A hash table per shard,
//! bounded in bytes and in time: the oldest go first, at a cost that does not grow.

use std::collections::{HashMap, VecDeque};
use std::hash::{BuildHasher, RandomState};
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How long a reply is remembered: longer than clients go on retransmitting one datagram
const KEEP: Duration = Duration::from_secs(30);
/// Bytes of requests and replies remembered, all shards together
const BYTES_MAX: usize = 16 << 20;
/// Independent locks
const SHARDS: usize = 16;

struct Remembered {
    from: SocketAddr,
    request: Box<[u8]>,
    reply: Arc<[u8]>,
    since: Instant,
}

#[derive(Default)]
struct Shard {
    by_hash: HashMap<u64, Remembered>,
    order: VecDeque<(Instant, u64)>,
    bytes: usize,
}

impl Shard {
    fn drop_oldest(&mut self) {
        let Some((since, hash)) = self.order.pop_front() else {
            return;
        };
        // A newer entry may have taken the same slot; its own turn comes later in the queue.
        if self.by_hash.get(&hash).is_some_and(|entry| entry.since == since)
            && let Some(entry) = self.by_hash.remove(&hash)
        {
            self.bytes = self.bytes.saturating_sub(entry.request.len() + entry.reply.len());
        }
    }

    fn expire(&mut self, now: Instant, bytes_max: usize) {
        while let Some((since, _)) = self.order.front()
            && (self.bytes > bytes_max || now.saturating_duration_since(*since) > KEEP)
        {
            self.drop_oldest();
        }
    }
}

/// Replies by request, bounded and expiring
pub(crate) struct ReplyCache {
    hasher: RandomState,
    shards: [Mutex<Shard>; SHARDS],
    bytes_max: usize,
}

impl ReplyCache {
    pub(crate) fn new() -> ReplyCache {
        ReplyCache::with_limit(BYTES_MAX)
    }

    fn with_limit(bytes_max: usize) -> ReplyCache {
        ReplyCache {
            hasher: RandomState::new(),
            shards: core::array::from_fn(|_| Mutex::new(Shard::default())),
            bytes_max: bytes_max / SHARDS,
        }
    }

    /// The key of a request: which peer sent which bytes
    pub(crate) fn hash(&self, from: SocketAddr, request: &[u8]) -> u64 {
        self.hasher.hash_one((from, request))
    }

    fn shard(&self, hash: u64) -> Option<&Mutex<Shard>> {
        self.shards.get(usize::try_from(hash >> 56).unwrap_or(0) % SHARDS)
    }

    /// The reply that was sent for exactly these bytes from this peer, if it is remembered
    pub(crate) fn find(
        &self,
        hash: u64,
        from: SocketAddr,
        request: &[u8],
        now: Instant,
    ) -> Option<Arc<[u8]>> {
        let shard = self.shard(hash)?.lock().unwrap_or_else(PoisonError::into_inner);
        let entry = shard.by_hash.get(&hash)?;
        let same = entry.from == from && *entry.request == *request;
        (same && now.saturating_duration_since(entry.since) <= KEEP).then(|| Arc::clone(&entry.reply))
    }

    /// Remembers a reply
    pub(crate) fn insert(&self, hash: u64, from: SocketAddr, request: &[u8], reply: Arc<[u8]>, now: Instant) {
        let Some(shard) = self.shard(hash) else { return };
        let mut shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
        shard.bytes += request.len() + reply.len();
        let entry = Remembered {
            from,
            request: request.into(),
            reply,
            since: now,
        };
        if let Some(old) = shard.by_hash.insert(hash, entry) {
            shard.bytes = shard.bytes.saturating_sub(old.request.len() + old.reply.len());
        }
        shard.order.push_back((now, hash));
        shard.expire(now, self.bytes_max);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::expect_used, reason = "tests")]
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn ask(cache: &ReplyCache, port: u16, request: &[u8], now: Instant) -> Option<Arc<[u8]>> {
        cache.find(cache.hash(peer(port), request), peer(port), request, now)
    }

    fn put(cache: &ReplyCache, port: u16, request: &[u8], reply: &[u8], now: Instant) {
        cache.insert(
            cache.hash(peer(port), request),
            peer(port),
            request,
            reply.into(),
            now,
        );
    }

    #[test]
    fn same_bytes_from_the_same_peer_only() {
        let cache = ReplyCache::new();
        let now = Instant::now();
        put(&cache, 1, b"request", b"reply", now);
        assert_eq!(ask(&cache, 1, b"request", now).as_deref(), Some(&b"reply"[..]));
        assert!(ask(&cache, 2, b"request", now).is_none());
        assert!(ask(&cache, 1, b"requesu", now).is_none());
    }

    #[test]
    fn expires() {
        let cache = ReplyCache::new();
        let now = Instant::now();
        put(&cache, 1, b"request", b"reply", now);
        assert!(ask(&cache, 1, b"request", now + KEEP).is_some());
        assert!(ask(&cache, 1, b"request", now + KEEP + Duration::from_secs(1)).is_none());
    }

    #[test]
    fn bounded_in_bytes_and_the_oldest_goes_first() {
        let cache = ReplyCache::with_limit(SHARDS * 10_000);
        let now = Instant::now();
        for number in 0..10_000_u32 {
            put(&cache, 1, &number.to_be_bytes(), &[0; 1000], now);
        }
        let held: usize = cache.shards.iter().map(|shard| shard.lock().unwrap().bytes).sum();
        let entries: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().by_hash.len())
            .sum();
        assert!(held <= SHARDS * 10_000, "{held} bytes");
        assert_eq!(held, entries * 1004);
        assert!(ask(&cache, 1, &9_999_u32.to_be_bytes(), now).is_some());
        assert!(ask(&cache, 1, &0_u32.to_be_bytes(), now).is_none());
        let queued: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().order.len())
            .sum();
        assert_eq!(queued, entries);
    }
}
