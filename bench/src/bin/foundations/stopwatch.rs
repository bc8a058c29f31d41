//! Subjects that take turns, and what each took.

use std::time::{Duration, Instant};

/// Turns of each subject.
const ROUNDS: usize = 151;
/// How long one turn should last: long beside the clock's steps, short beside the scheduler's, so that what else the
/// machine does falls on all subjects alike.
const TURN: Duration = Duration::from_micros(300);

/// Something that is called many times.
pub(crate) type Subject<'a> = Box<dyn FnMut() + 'a>;

/// Nanoseconds of one call.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Cost {
    pub(crate) min: f64,
    pub(crate) median: f64,
}

impl core::ops::Add for Cost {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            min: self.min + other.min,
            median: self.median + other.median,
        }
    }
}

impl core::fmt::Display for Cost {
    /// Least and median in the unit that suits.
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        let (by, unit) = match self.median {
            ..10e3 => (1.0, "ns"),
            ..10e6 => (1e3, "us"),
            _ => (1e6, "ms"),
        };
        write!(f, "{:.0} / {:.0} {unit}", self.min / by, self.median / by)
    }
}

/// Lets the subjects take turns until each has had all of its own, and returns what they took in the same order.
pub(crate) fn in_turns<const N: usize>(mut subjects: [Subject<'_>; N]) -> [Cost; N] {
    let calls = subjects.each_mut().map(calls_in_a_turn);
    let mut times = [const { Vec::new() }; N];
    for _ in 0..ROUNDS {
        for ((subject, calls), times) in subjects.iter_mut().zip(calls).zip(&mut times) {
            let start = Instant::now();
            for _ in 0..calls {
                subject();
            }
            times.push(start.elapsed().as_secs_f64() * 1e9 / f64::from(calls));
        }
    }
    times.map(|mut times| {
        times.sort_by(f64::total_cmp);
        Cost {
            min: times.first().copied().unwrap_or(f64::NAN),
            median: times.get(times.len() / 2).copied().unwrap_or(f64::NAN),
        }
    })
}

/// Doubles the calls until they fill a turn.
fn calls_in_a_turn(subject: &mut Subject<'_>) -> u32 {
    let mut calls = 1u32;
    loop {
        let start = Instant::now();
        for _ in 0..calls {
            subject();
        }
        if start.elapsed() >= TURN || calls >= 1 << 30 {
            return calls;
        }
        calls *= 2;
    }
}
