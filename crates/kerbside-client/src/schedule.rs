//! When to ask which KDC, without a clock or a socket: both fronts follow the same plan.
//!
//! The plan is MIT's. In the first pass each address is asked by the preferred transport, one
//! second apart, then each by the other transport; then the whole list again (datagrams are sent
//! again, streams stay open), with pauses after each pass that double. An address that failed is
//! not asked again, and the next one is asked at once.

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Duration;

use crate::attempt::{Attempt, AttemptOutcome, Transport};
use crate::transport::proxy::Proxy;

/// How long to wait for what.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Timing {
    /// After each sending, before the next address is asked.
    pub per_address: Duration,
    /// At the end of the first pass; doubled after each further pass.
    pub first_pause: Duration,
    /// Passes over the whole list.
    pub passes: u32,
    /// The end of everything, whatever the plan says.
    pub total: Duration,
}

impl Default for Timing {
    fn default() -> Self {
        Self {
            per_address: Duration::from_secs(1),
            first_pause: Duration::from_secs(2),
            passes: 3,
            total: Duration::from_secs(90),
        }
    }
}

/// An address to be asked by one transport.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    /// As the configuration names it.
    pub(crate) server: String,
    pub(crate) address: SocketAddr,
    pub(crate) transport: Transport,
    /// Of a KDC proxy: how to talk to it.
    pub(crate) proxy: Option<Arc<Proxy>>,
}

/// What to do next: send to a target (or send again), then listen for at most `wait`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Step {
    /// `None`: only listen.
    pub(crate) target: Option<usize>,
    /// Whether the target is asked for the first time.
    pub(crate) first: bool,
    pub(crate) wait: Duration,
}

/// The plan for one request, and the record of what came of it. Targets are known by their place in the job's list.
#[derive(Debug)]
pub(crate) struct Schedule {
    timing: Timing,
    targets: Arc<[Target]>,
    attempts: Vec<Progress>,
    pass: u32,
    next: usize,
}

#[derive(Debug)]
struct Progress {
    target: usize,
    started: Option<Duration>,
    sent: u32,
    /// The outcome of what may still answer, and of what is over.
    outcome: AttemptOutcome,
    took: Option<Duration>,
}

impl Progress {
    fn over(&self) -> bool {
        self.took.is_some()
    }
}

impl Schedule {
    /// Targets are asked in that order; those that it leaves out are not asked.
    pub(crate) fn new(targets: &Arc<[Target]>, order: &[usize], timing: Timing) -> Self {
        let attempts = order
            .iter()
            .filter(|index| **index < targets.len())
            .map(|index| Progress {
                target: *index,
                started: None,
                sent: 0,
                outcome: AttemptOutcome::NoAnswer,
                took: None,
            })
            .collect();
        Self {
            timing,
            targets: Arc::clone(targets),
            attempts,
            pass: 0,
            next: 0,
        }
    }

    /// The next step at `elapsed` since the start; `None` when the plan is at its end.
    pub(crate) fn step(&mut self, elapsed: Duration) -> Option<Step> {
        while self.pass < self.timing.passes && !self.all_over() {
            let left = self
                .timing
                .total
                .checked_sub(elapsed)
                .filter(|left| !left.is_zero())?;
            if let Some(progress) = self.attempts.get_mut(self.next) {
                self.next += 1;
                let first = progress.started.is_none();
                // A stream carries the request once: sending again is for datagrams.
                let datagram = self
                    .targets
                    .get(progress.target)
                    .is_some_and(|target| target.transport == Transport::Udp);
                if progress.over() || (!first && !datagram) {
                    continue;
                }
                progress.started.get_or_insert(elapsed);
                progress.sent += 1;
                let wait = self.timing.per_address.min(left);
                return Some(Step {
                    target: Some(progress.target),
                    first,
                    wait,
                });
            }
            let pause = self.timing.first_pause.saturating_mul(1_u32 << self.pass.min(16));
            self.pass += 1;
            self.next = 0;
            return Some(Step {
                target: None,
                first: false,
                wait: pause.min(left),
            });
        }
        None
    }

    /// Records that a target will bring nothing more.
    pub(crate) fn failed(&mut self, target: usize, elapsed: Duration, outcome: AttemptOutcome) {
        if let Some(progress) = self.progress(target) {
            progress.outcome = outcome;
            progress.took = Some(elapsed.saturating_sub(progress.started.unwrap_or(elapsed)));
        }
    }

    /// Records bytes that were no reply from a target that may still answer.
    pub(crate) fn noted(&mut self, target: usize, outcome: AttemptOutcome) {
        if let Some(progress) = self.progress(target) {
            progress.outcome = outcome;
        }
    }

    fn progress(&mut self, target: usize) -> Option<&mut Progress> {
        self.attempts
            .iter_mut()
            .find(|progress| progress.target == target)
    }

    /// Whether nothing that was asked can still answer, so that waiting is pointless.
    pub(crate) fn idle(&self) -> bool {
        self.attempts
            .iter()
            .all(|progress| progress.over() || progress.started.is_none())
    }

    fn all_over(&self) -> bool {
        self.attempts.iter().all(Progress::over)
    }

    /// What was tried, at the end. Targets that were never asked are left out.
    pub(crate) fn finish(self, elapsed: Duration) -> Vec<Attempt> {
        let targets = self.targets;
        self.attempts
            .into_iter()
            .filter_map(|progress| {
                let started = progress.started?;
                let target = targets.get(progress.target)?;
                Some(Attempt {
                    server: target.server.clone(),
                    address: Some(target.address),
                    transport: target.transport,
                    sent: progress.sent,
                    took: progress.took.unwrap_or_else(|| elapsed.saturating_sub(started)),
                    outcome: progress.outcome,
                })
            })
            .collect()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    fn targets() -> Arc<[Target]> {
        [Transport::Udp, Transport::Tcp]
            .into_iter()
            .map(|transport| Target {
                server: "kdc:88".to_owned(),
                address: SocketAddr::from(([127, 0, 0, 1], 88)),
                transport,
                proxy: None,
            })
            .collect()
    }

    /// Follows the plan with nothing answering, and writes it down.
    fn story(schedule: &mut Schedule) -> (Vec<String>, Duration) {
        let mut elapsed = Duration::ZERO;
        let mut lines = Vec::new();
        while let Some(step) = schedule.step(elapsed) {
            lines.push(match (step.target, step.first) {
                (Some(target), true) => format!("ask {target} {:?}", step.wait),
                (Some(target), false) => format!("again {target} {:?}", step.wait),
                (None, _) => format!("listen {:?}", step.wait),
            });
            elapsed += step.wait;
        }
        (lines, elapsed)
    }

    #[test]
    fn one_silent_kdc_is_asked_three_times_by_udp_and_once_by_tcp() {
        let mut schedule = Schedule::new(&targets(), &[0, 1], Timing::default());
        let (lines, elapsed) = story(&mut schedule);
        assert_eq!(
            lines,
            [
                "ask 0 1s",
                "ask 1 1s",
                "listen 2s",
                "again 0 1s",
                "listen 4s",
                "again 0 1s",
                "listen 8s"
            ]
        );
        let attempts = schedule.finish(elapsed);
        assert_eq!(
            attempts.iter().map(ToString::to_string).collect::<Vec<_>>(),
            [
                "kdc:88 (127.0.0.1:88) udp: no answer to 3 sendings, 18.0 s",
                "kdc:88 (127.0.0.1:88) tcp: no answer, 17.0 s"
            ]
        );
    }

    #[test]
    fn a_target_that_failed_is_not_asked_again_and_all_failed_is_the_end() {
        let mut schedule = Schedule::new(&targets(), &[0, 1], Timing::default());
        assert_eq!(schedule.step(Duration::ZERO).unwrap().target, Some(0));
        assert!(!schedule.idle());
        let refused = AttemptOutcome::Failed("connection refused".to_owned());
        schedule.failed(0, Duration::from_millis(1), refused.clone());
        assert!(
            schedule.idle(),
            "nothing asked can answer, so the next is asked at once"
        );
        assert_eq!(schedule.step(Duration::from_millis(1)).unwrap().target, Some(1));
        schedule.failed(1, Duration::from_millis(2), refused.clone());
        assert_eq!(schedule.step(Duration::from_millis(2)), None);
        let attempts = schedule.finish(Duration::from_millis(2));
        assert!(attempts.iter().all(|attempt| attempt.outcome == refused));
        assert!(
            attempts
                .iter()
                .all(|attempt| attempt.took == Duration::from_millis(1))
        );
    }

    #[test]
    fn the_total_time_ends_the_plan() {
        let timing = Timing {
            total: Duration::from_millis(2500),
            ..Timing::default()
        };
        let mut schedule = Schedule::new(&targets(), &[0, 1], timing);
        let (lines, elapsed) = story(&mut schedule);
        assert_eq!(lines, ["ask 0 1s", "ask 1 1s", "listen 500ms"]);
        assert_eq!(elapsed, timing.total);
    }

    #[test]
    fn no_target_is_no_plan() {
        let mut schedule = Schedule::new(&targets(), &[], Timing::default());
        assert_eq!(schedule.step(Duration::ZERO), None);
        assert!(schedule.finish(Duration::ZERO).is_empty());
    }
}
