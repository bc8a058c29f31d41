//! Rounds of load on one KDC: rate, latency, CPU of the KDC, and whether the answers were right.

use std::thread::sleep;
use std::time::Duration;

use crate::failure::{Doing, Failure, Result};
use crate::load::{Tally, drive, verify};
use crate::options::Options;
use crate::proc_files::Usage;
use crate::realm::Realm;
use crate::requests::{Kind, Session};
use crate::statistics::percentile;

/// Requests sent before the clock starts, in each round.
const WARM_UP: usize = 500;
/// Requests of the run that only finds out how many the rounds will want.
const TRIAL: usize = 6000;
/// The second reading of the KDC's CPU comes so long after the last answer, so that work it put off counts too.
const SETTLE: Duration = Duration::from_millis(300);
/// How often a round is made again before it is taken as it is.
const REPEATS_MAX: usize = 3;

/// One round's figures.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Round {
    pub(crate) per_second: f64,
    /// CPU of the KDC for one request, in microseconds.
    pub(crate) kdc_cpu: f64,
    pub(crate) p50_ms: f64,
    pub(crate) p99_ms: f64,
    pub(crate) right: usize,
    pub(crate) lost: usize,
    pub(crate) verified: usize,
    /// Cores busy with neither the KDC nor this program.
    pub(crate) other_cores: f64,
    /// CPU of this program for one request, in microseconds.
    pub(crate) load_cpu: f64,
    pub(crate) threads: usize,
    /// The requests lasted for most of the time.
    whole: bool,
    /// Rounds thrown away before this one because the machine was busy.
    pub(crate) repeats: usize,
}

/// One KDC under one kind of request.
pub(crate) struct Subject<'a> {
    realm: &'a Realm,
    session: &'a Session,
    kind: Kind,
    options: &'a Options,
    /// Answers a second to expect, from the fastest round so far.
    expected: f64,
    pub(crate) rounds: Vec<Round>,
}

impl<'a> Subject<'a> {
    pub(crate) fn new(
        realm: &'a Realm,
        session: &'a Session,
        kind: Kind,
        options: &'a Options,
    ) -> Result<Self> {
        let mut requests = session.requests(kind, TRIAL)?;
        let (in_flight, time) = (options.in_flight, options.round());
        let tally = drive(realm.address(), kind, &requests, in_flight, time)?;
        let side = realm.side().name();
        must_be_right(&mut requests, &tally).doing(format!("{side}, {kind:?}, trial run"))?;
        let expected = rate(&tally);
        Ok(Self {
            realm,
            session,
            kind,
            options,
            expected,
            rounds: Vec::new(),
        })
    }

    /// The name of the side.
    pub(crate) fn side(&self) -> &'static str {
        self.realm.side().name()
    }

    /// One more round, made again when the machine was busy with something else.
    pub(crate) fn next_round(&mut self) -> Result<()> {
        let mut repeats = 0;
        loop {
            let round = self
                .round(repeats)
                .doing(format!("{}, {:?}", self.side(), self.kind))?;
            self.expected = self.expected.max(round.per_second);
            if !round.whole {
                // The KDC is faster than it was so far: more requests then.
                continue;
            }
            if round.other_cores <= self.options.busy_max || repeats == REPEATS_MAX {
                eprintln!(
                    "  {:8} {:3} {:7.0}/s {:6.1} us CPU, p50 {:.2} ms, lost {}, others {:.2} cores",
                    self.side(),
                    if self.kind == Kind::As { "AS" } else { "TGS" },
                    round.per_second,
                    round.kdc_cpu,
                    round.p50_ms,
                    round.lost,
                    round.other_cores
                );
                self.rounds.push(round);
                return Ok(());
            }
            repeats += 1;
            eprintln!(
                "  {}: {:.2} cores were busy with something else, again",
                self.side(),
                round.other_cores
            );
            sleep(Duration::from_secs(2));
        }
    }

    fn round(&self, repeats: usize) -> Result<Round> {
        let (in_flight, time) = (self.options.in_flight, self.options.round());
        // A third more than the fastest round so far would have sent.
        let wanted = Duration::from_secs_f64(self.expected * time.as_secs_f64() * 1.33 / 1e6).as_micros();
        let mut requests = self
            .session
            .requests(self.kind, WARM_UP + usize::try_from(wanted)?)?;
        let mut timed = requests.split_off(WARM_UP);
        let address = self.realm.address();
        let warm = drive(address, self.kind, &requests, in_flight, time)?;
        must_be_right(&mut requests, &warm).doing("warm-up")?;
        let before = Usage::read(self.realm.pid())?;
        let tally = drive(address, self.kind, &timed, in_flight, time)?;
        sleep(SETTLE);
        let after = Usage::read(self.realm.pid())?;
        let verified = must_be_right(&mut timed, &tally)?;
        let used = after.since(&before);
        let each = |total: Duration| total.as_secs_f64() * 1e6 / count(tally.answered());
        Ok(Round {
            per_second: rate(&tally),
            kdc_cpu: each(used.process),
            p50_ms: milliseconds(percentile(&tally.latencies, 50)),
            p99_ms: milliseconds(percentile(&tally.latencies, 99)),
            right: tally.right(),
            lost: tally.lost,
            verified,
            other_cores: used.other_cores,
            load_cpu: each(used.own),
            threads: after.threads,
            whole: !tally.used_up || tally.elapsed * 4 >= time * 3,
            repeats,
        })
    }
}

/// A wrong answer ends the measurement; so does a kept one that is not verified. Says how many were verified.
fn must_be_right(requests: &mut [crate::requests::Request], tally: &Tally) -> Result<usize> {
    if let Some((what, times)) = tally.wrong.first_key_value() {
        return Err(Failure::new(format!("a wrong answer, {times} times: {what}")));
    }
    if tally.right() == 0 {
        return Err(Failure::new("no answer at all"));
    }
    match verify(requests, tally) {
        (good, None) => Ok(good),
        (_, Some(failure)) => Err(failure).doing("an answer is not what it seems"),
    }
}

fn rate(tally: &Tally) -> f64 {
    count(tally.right()) / tally.elapsed.as_secs_f64()
}

fn count(number: usize) -> f64 {
    f64::from(u32::try_from(number).unwrap_or(u32::MAX))
}

fn milliseconds(nanoseconds: u64) -> f64 {
    Duration::from_nanos(nanoseconds).as_secs_f64() * 1e3
}
