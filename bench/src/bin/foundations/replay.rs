//! A check of the replay cache with few and with many live entries.

use std::time::Instant;

use kerbside_client::MemoryReplayCache;
use kerbside_crypto::EncryptionType;
use kerbside_protocol::{Now, ReplayCache, ReplayTag, Verdict};

/// Authenticators live for this long.
const SKEW: i64 = 300;
/// When the cache starts.
const START: i64 = 1_800_000_000;
/// Checks of a round.
const CHECKS: usize = 50_000;
const ROUNDS: usize = 7;
/// Live entries: what a quiet service has, and what one has that takes 3,333 logins a second.
const LIVE: [usize; 3] = [1_000, 100_000, 1_000_000];

/// A cache in its steady state: as many authenticators arrive as expire.
struct Steady {
    cache: MemoryReplayCache,
    live: usize,
    next: usize,
}

impl Steady {
    fn new(live: usize) -> Result<Self, String> {
        let cache = MemoryReplayCache::with_limits(moment(0.0)?, SKEW, 2 * live);
        let mut steady = Self { cache, live, next: 0 };
        for _ in 0..live {
            let (tag, now) = steady.arrival()?;
            expect(&steady.cache, &tag, now, Verdict::Fresh)?;
        }
        Ok(steady)
    }

    /// The next authenticator, made up to two seconds before it arrives.
    fn arrival(&mut self) -> Result<(ReplayTag, Now), String> {
        let now = moment(2.0 + self.age(self.next))?;
        let tag = tag(self.next, self.live)?;
        self.next += 1;
        Ok((tag, now))
    }

    #[expect(clippy::cast_precision_loss, reason = "seconds, to a millisecond")]
    fn age(&self, number: usize) -> f64 {
        number as f64 * SKEW as f64 / self.live as f64
    }

    /// Nanoseconds of a check of a new authenticator.
    fn fresh(&mut self) -> Result<f64, String> {
        let arrivals = (0..CHECKS)
            .map(|_| self.arrival())
            .collect::<Result<Vec<_>, _>>()?;
        time(&self.cache, &arrivals, Verdict::Fresh)
    }

    /// Nanoseconds of a check of one that is there, of any age.
    fn replayed(&self) -> Result<f64, String> {
        let (_, now) = (self.next, moment(2.0 + self.age(self.next))?);
        // All but those about to expire, in an order that no cache of the processor foresees.
        let young = self.live - self.live / 50;
        let replays = (0..CHECKS)
            .map(|index| Ok((tag(self.next - 1 - (index * 7_919) % young, self.live)?, now)))
            .collect::<Result<Vec<_>, String>>()?;
        time(&self.cache, &replays, Verdict::Replayed)
    }
}

#[expect(clippy::cast_precision_loss, reason = "seconds, to a millisecond")]
fn tag(number: usize, live: usize) -> Result<ReplayTag, String> {
    let late = (number * 31 % 2_000) as f64 / 1e3;
    let made = moment(2.0 + number as f64 * SKEW as f64 / live as f64 - late)?;
    let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
    Ok(ReplayTag::new(enctype, &number.to_be_bytes(), made, SKEW))
}

#[expect(clippy::cast_possible_truncation, reason = "whole seconds of some hours")]
fn moment(seconds: f64) -> Result<Now, String> {
    Now::new(START + seconds as i64, 0).ok_or_else(|| "no such time".to_owned())
}

fn expect(cache: &MemoryReplayCache, tag: &ReplayTag, now: Now, expected: Verdict) -> Result<(), String> {
    match cache.check(tag, now.time) {
        found if found == expected => Ok(()),
        found => Err(format!("expected {expected:?}, but found {found:?}")),
    }
}

#[expect(clippy::cast_precision_loss, reason = "some thousands")]
fn time(cache: &MemoryReplayCache, checks: &[(ReplayTag, Now)], expected: Verdict) -> Result<f64, String> {
    let start = Instant::now();
    for (tag, now) in checks {
        expect(cache, tag, *now, expected)?;
    }
    Ok(start.elapsed().as_secs_f64() * 1e9 / checks.len() as f64)
}

/// The table; the goals of the project are in its last column.
pub(crate) fn cache() -> Result<String, String> {
    let mut table = String::from(
        "| live entries | new: min / median | replayed: min / median | to a thousand entries: medians | goal |\n\
         |---|---|---|---|---|\n",
    );
    let mut first = None;
    for live in LIVE {
        let mut steady = Steady::new(live)?;
        let (mut fresh, mut replayed) = (Vec::new(), Vec::new());
        for _ in 0..ROUNDS {
            fresh.push(steady.fresh()?);
            replayed.push(steady.replayed()?);
        }
        let (fresh, replayed) = (spread(fresh), spread(replayed));
        let (base_fresh, base_replayed) = *first.get_or_insert((fresh.1, replayed.1));
        table.push_str(&format!(
            "| {live} | {:.0} / {:.0} ns | {:.0} / {:.0} ns | {:.1}, {:.1} | below 1000 ns, at most 3.0 |\n",
            fresh.0,
            fresh.1,
            replayed.0,
            replayed.1,
            fresh.1 / base_fresh,
            replayed.1 / base_replayed,
        ));
    }
    Ok(table)
}

fn spread(mut times: Vec<f64>) -> (f64, f64) {
    times.sort_by(f64::total_cmp);
    let at = |index: usize| times.get(index).copied().unwrap_or(f64::NAN);
    (at(0), at(times.len() / 2))
}
