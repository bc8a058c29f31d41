//! Work that several callers want at one time is done once: the first does it, the others wait for what he gets.
//!
//! No lock is held while the work is done. When the one who does it is dropped before its end, one of the others does
//! it instead. A failure is everybody's.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::future::Future;
use std::hash::Hash;
use std::pin::Pin;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use crate::error::Error;

/// The work that is under way.
#[derive(Debug)]
pub(crate) struct Flights<K, V> {
    state: Mutex<State<K, V>>,
}

#[derive(Debug)]
struct State<K, V> {
    /// How many have ended.
    landed: u64,
    under_way: HashMap<Arc<K>, Arc<Flight<V>>>,
}

/// One piece of work, for those who wait for it.
#[derive(Debug)]
pub(crate) struct Flight<V> {
    outcome: Mutex<Waiting<V>>,
    changed: Condvar,
}

#[derive(Debug)]
struct Waiting<V> {
    outcome: Option<Outcome<V>>,
    wakers: Vec<Waker>,
}

/// How it ended.
#[derive(Debug, Clone)]
pub(crate) enum Outcome<V> {
    Done(Box<Result<V, Error>>),
    /// Whoever did it is gone.
    Abandoned,
}

impl<K, V> Default for Flights<K, V> {
    fn default() -> Self {
        Self {
            state: Mutex::new(State {
                landed: 0,
                under_way: HashMap::new(),
            }),
        }
    }
}

/// A thread that panicked while it held a lock left nothing half done: there is no step between two states.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

/// How a front waits for somebody else's work.
pub(crate) trait Wait {
    fn wait<V: Clone + Send>(&self, flight: &Flight<V>) -> impl Future<Output = Outcome<V>> + Send;
}

impl<K: Eq + Hash + Send + Sync, V: Clone + Send> Flights<K, V> {
    /// A mark in time, to be taken before the caller looks whether the work is needed at all.
    pub(crate) fn mark(&self) -> u64 {
        lock(&self.state).landed
    }

    /// Does the work, or waits for one who does it already. `work` is told whether any work has ended since `mark`:
    /// then what the caller saw may be old.
    pub(crate) async fn run<F: Future<Output = Result<V, Error>>>(
        &self,
        waiter: &impl Wait,
        key: K,
        mark: u64,
        work: impl FnOnce(bool) -> F,
    ) -> Result<V, Error> {
        let key = Arc::new(key);
        loop {
            let joined = {
                let mut state = lock(&self.state);
                let old = state.landed != mark;
                match state.under_way.entry(Arc::clone(&key)) {
                    Entry::Occupied(known) => Ok(Arc::clone(known.get())),
                    Entry::Vacant(place) => {
                        let flight = place.insert(Arc::new(Flight::new()));
                        Err((Arc::clone(flight), old))
                    }
                }
            };
            match joined {
                Ok(flight) => {
                    if let Outcome::Done(result) = waiter.wait(&flight).await {
                        return *result;
                    }
                }
                Err((flight, old)) => {
                    let mut leader = Leader {
                        flights: self,
                        key,
                        flight,
                        landed: false,
                        outcome: Outcome::Abandoned,
                    };
                    let result = work(old).await;
                    if leader.is_followed() {
                        leader.outcome = Outcome::Done(Box::new(result.clone()));
                    }
                    return result;
                }
            }
        }
    }
}

/// Whoever does the work. However it ends, the others are told.
struct Leader<'a, K: Eq + Hash, V: Clone> {
    flights: &'a Flights<K, V>,
    key: Arc<K>,
    flight: Arc<Flight<V>>,
    landed: bool,
    outcome: Outcome<V>,
}

impl<K: Eq + Hash, V: Clone> Leader<'_, K, V> {
    /// Takes the work off the list, so that nobody joins it any more, and tells whether anybody has.
    fn is_followed(&mut self) -> bool {
        if !self.landed {
            let mut state = lock(&self.flights.state);
            state.under_way.remove(&self.key);
            state.landed = state.landed.wrapping_add(1);
            self.landed = true;
        }
        Arc::strong_count(&self.flight) > 1
    }
}

impl<K: Eq + Hash, V: Clone> Drop for Leader<'_, K, V> {
    fn drop(&mut self) {
        if !self.is_followed() {
            return;
        }
        let outcome = std::mem::replace(&mut self.outcome, Outcome::Abandoned);
        let mut waiting = lock(&self.flight.outcome);
        waiting.outcome = Some(outcome);
        let wakers = std::mem::take(&mut waiting.wakers);
        drop(waiting);
        self.flight.changed.notify_all();
        wakers.into_iter().for_each(Waker::wake);
    }
}

impl<V: Clone> Flight<V> {
    fn new() -> Self {
        Self {
            outcome: Mutex::new(Waiting {
                outcome: None,
                wakers: Vec::new(),
            }),
            changed: Condvar::new(),
        }
    }

    /// Waits on this thread. Whoever does the work has deadlines of his own.
    pub(crate) fn block(&self) -> Outcome<V> {
        let waiting = lock(&self.outcome);
        let waiting = self
            .changed
            .wait_while(waiting, |waiting| waiting.outcome.is_none())
            .unwrap_or_else(PoisonError::into_inner);
        waiting.outcome.clone().unwrap_or(Outcome::Abandoned)
    }

    /// Waits without a thread.
    pub(crate) fn landed(&self) -> impl Future<Output = Outcome<V>> + Send + '_
    where
        V: Send,
    {
        Landed(self)
    }
}

struct Landed<'a, V>(&'a Flight<V>);

impl<V: Clone> Future for Landed<'_, V> {
    type Output = Outcome<V>;

    fn poll(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Outcome<V>> {
        let mut waiting = lock(&self.0.outcome);
        if let Some(outcome) = &waiting.outcome {
            return Poll::Ready(outcome.clone());
        }
        if !waiting
            .wakers
            .iter()
            .any(|waker| waker.will_wake(context.waker()))
        {
            waiting.wakers.push(context.waker().clone());
        }
        Poll::Pending
    }
}

#[cfg(test)]
mod tests;
