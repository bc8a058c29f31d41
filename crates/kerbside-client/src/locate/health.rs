//! The servers of a realm by address, and what became of the last requests to them.

use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

use crate::attempt::{Attempt, AttemptOutcome, Transport};
use crate::schedule::Target;

/// How long a server that failed is asked after the others.
const AVOIDED_FOR: Duration = Duration::from_secs(60);

/// The servers of a realm for one service.
#[derive(Debug)]
pub(crate) struct Servers {
    /// In the order of the configuration.
    pub(crate) targets: Arc<[Target]>,
    /// Names that have no address.
    pub(crate) unresolved: Vec<Attempt>,
    until: Instant,
    health: Mutex<Health>,
}

#[derive(Debug, Default)]
struct Health {
    /// The one that answered last.
    good: Option<SocketAddr>,
    /// By target: when it last failed.
    failed: Vec<Option<Instant>>,
}

impl Servers {
    /// `until`: when the addresses are to be asked for again.
    pub(crate) fn new(targets: Vec<Target>, unresolved: Vec<Attempt>, until: Instant) -> Self {
        let health = Health {
            good: None,
            failed: vec![None; targets.len()],
        };
        Self {
            targets: targets.into(),
            unresolved,
            until,
            health: Mutex::new(health),
        }
    }

    pub(crate) fn fresh(&self, now: Instant) -> bool {
        now < self.until && !self.targets.is_empty()
    }

    /// Whether the address is one of these servers'.
    pub(crate) fn includes(&self, address: SocketAddr) -> bool {
        self.targets.iter().any(|target| target.address == address)
    }

    /// Takes over what is known of the same addresses.
    pub(crate) fn inherit(&self, old: &Self) {
        let old_health = old.health.lock().unwrap_or_else(PoisonError::into_inner);
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        health.good = old_health.good.filter(|address| self.includes(*address));
        for (target, failed) in old.targets.iter().zip(&old_health.failed) {
            let same = |own: &Target| (own.address, own.transport) == (target.address, target.transport);
            if let Some(place) = self
                .targets
                .iter()
                .position(same)
                .and_then(|at| health.failed.get_mut(at))
            {
                *place = *failed;
            }
        }
    }

    /// The targets in the order they are to be asked: those that failed lately last; among the others every address by
    /// the preferred transport before any by the other, and the one that answered last before the rest. A proxy stands
    /// where it is listed, whatever is preferred. With `stream_only`, datagrams are left out.
    pub(crate) fn order(&self, preferred: Transport, stream_only: bool, now: Instant) -> Vec<usize> {
        let health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        let rank = |index: usize, target: &Target| {
            let failed = health.failed.get(index).copied().flatten();
            let avoided = failed.is_some_and(|at| now.saturating_duration_since(at) < AVOIDED_FOR);
            let later = target.transport != preferred && target.transport != Transport::Https;
            (avoided, later, health.good != Some(target.address))
        };
        let mut order: Vec<(_, usize)> = self
            .targets
            .iter()
            .enumerate()
            .filter(|(_, target)| !stream_only || target.transport != Transport::Udp)
            .map(|(index, target)| (rank(index, target), index))
            .collect();
        order.sort_unstable();
        order.into_iter().map(|(_, index)| index).collect()
    }

    /// Remembers how a request went.
    pub(crate) fn learn(&self, attempts: &[Attempt], now: Instant) {
        let mut health = self.health.lock().unwrap_or_else(PoisonError::into_inner);
        for attempt in attempts {
            let same = |target: &Target| {
                Some(target.address) == attempt.address && target.transport == attempt.transport
            };
            let Some(index) = self.targets.iter().position(same) else {
                continue;
            };
            let answered = attempt.outcome == AttemptOutcome::Answered;
            if answered {
                health.good = attempt.address;
            }
            if let Some(failed) = health.failed.get_mut(index) {
                *failed = (!answered).then_some(now);
            }
        }
    }
}
