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
/// Octets of a request that go into its hash
const HASHED_TAIL: usize = 96;
/// Independent locks
const SHARDS: usize = 16;

struct Remembered {
    from: SocketAddr,
    request: Box<[u8]>,
    /// `None` while the first copy is being answered
    reply: Option<Arc<Vec<u8>>>,
    since: Instant,
}

#[derive(Default)]
struct Shard {
    by_hash: HashMap<u64, Remembered>,
    /// What is remembered, the oldest first; requests in progress are not in it
    order: VecDeque<(Instant, u64)>,
    bytes: usize,
}

impl Shard {
    fn drop_oldest(&mut self) {
        let Some((since, hash)) = self.order.pop_front() else {
            return;
        };
        // A newer entry may have taken the same slot; its own turn comes later in the queue.
        if self
            .by_hash
            .get(&hash)
            .is_some_and(|entry| entry.since == since && entry.reply.is_some())
        {
            self.remove(hash);
        }
    }

    fn remove(&mut self, hash: u64) {
        if let Some(entry) = self.by_hash.remove(&hash)
            && let Some(reply) = entry.reply
        {
            self.bytes = self.bytes.saturating_sub(entry.request.len() + reply.len());
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

/// What is known of a request
pub(crate) enum Begun {
    /// Nothing: answer it, then hand the token to [`ReplyCache::finish`]
    New(Token),
    /// Another thread is answering the same datagram
    InProgress,
    /// This was the answer
    Answered(Arc<Vec<u8>>),
}

/// A request being answered
pub(crate) struct Token {
    hash: u64,
    /// false when another request has the same hash: this one is not remembered
    listed: bool,
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

    /// The request's end holds its nonce or its authenticator; the whole of it is compared later
    fn hash(&self, from: SocketAddr, request: &[u8]) -> u64 {
        let tail = request
            .get(request.len().saturating_sub(HASHED_TAIL)..)
            .unwrap_or_default();
        self.hasher.hash_one((from, request.len(), tail))
    }

    fn shard(&self, hash: u64) -> Option<std::sync::MutexGuard<'_, Shard>> {
        let shard = self
            .shards
            .get(usize::try_from(hash >> 56).unwrap_or(0) % SHARDS)?;
        Some(shard.lock().unwrap_or_else(PoisonError::into_inner))
    }

    /// Looks a datagram up, and lists it as being answered when it is new
    pub(crate) fn begin(&self, from: SocketAddr, request: &[u8], now: Instant) -> Begun {
        let hash = self.hash(from, request);
        let mut listed = false;
        if let Some(mut shard) = self.shard(hash) {
            match shard.by_hash.get(&hash) {
                None => listed = true,
                Some(entry) if entry.from != from || *entry.request != *request => {}
                Some(Remembered { reply: None, .. }) => return Begun::InProgress,
                Some(Remembered {
                    reply: Some(reply),
                    since,
                    ..
                }) => {
                    if now.saturating_duration_since(*since) <= KEEP {
                        return Begun::Answered(Arc::clone(reply));
                    }
                    shard.remove(hash);
                    listed = true;
                }
            }
            if listed {
                let entry = Remembered {
                    from,
                    request: request.into(),
                    reply: None,
                    since: now,
                };
                shard.by_hash.insert(hash, entry);
            }
        }
        Begun::New(Token { hash, listed })
    }

    /// Remembers the reply, or with `None` forgets the request
    pub(crate) fn finish(&self, token: Token, reply: Option<Arc<Vec<u8>>>, now: Instant) {
        let Token { hash, listed: true } = token else {
            return;
        };
        let Some(mut shard) = self.shard(hash) else { return };
        let Some(reply) = reply else {
            shard.remove(hash);
            return;
        };
        if let Some(entry) = shard.by_hash.get_mut(&hash) {
            entry.since = now;
            let bytes = entry.request.len() + reply.len();
            entry.reply = Some(reply);
            shard.bytes += bytes;
            shard.order.push_back((now, hash));
        }
        shard.expire(now, self.bytes_max);
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::panic, reason = "tests")]
    use super::*;

    fn peer(port: u16) -> SocketAddr {
        SocketAddr::from(([127, 0, 0, 1], port))
    }

    fn ask(cache: &ReplyCache, port: u16, request: &[u8], now: Instant) -> Option<Arc<Vec<u8>>> {
        match cache.begin(peer(port), request, now) {
            Begun::Answered(reply) => Some(reply),
            Begun::InProgress => panic!("nobody answers it"),
            Begun::New(token) => {
                cache.finish(token, None, now);
                None
            }
        }
    }

    fn put(cache: &ReplyCache, port: u16, request: &[u8], reply: &[u8], now: Instant) {
        let Begun::New(token) = cache.begin(peer(port), request, now) else {
            panic!("known already")
        };
        cache.finish(token, Some(Arc::new(reply.to_vec())), now);
    }

    #[test]
    fn a_copy_that_comes_while_the_first_is_answered_is_dropped() {
        let cache = ReplyCache::new();
        let now = Instant::now();
        let Begun::New(token) = cache.begin(peer(1), b"request", now) else {
            panic!()
        };
        assert!(matches!(cache.begin(peer(1), b"request", now), Begun::InProgress));
        cache.finish(token, Some(Arc::new(b"reply".to_vec())), now);
        assert!(matches!(
            cache.begin(peer(1), b"request", now),
            Begun::Answered(_)
        ));
        // What is not worth remembering leaves nothing behind.
        assert!(ask(&cache, 1, b"other", now).is_none());
        let left: usize = cache
            .shards
            .iter()
            .map(|shard| shard.lock().unwrap().by_hash.len())
            .sum();
        assert_eq!(left, 1);
    }

    #[test]
    fn same_bytes_from_the_same_peer_only() {
        let cache = ReplyCache::new();
        let now = Instant::now();
        put(&cache, 1, b"request", b"reply", now);
        assert_eq!(
            ask(&cache, 1, b"request", now).as_deref().map(Vec::as_slice),
            Some(&b"reply"[..])
        );
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
