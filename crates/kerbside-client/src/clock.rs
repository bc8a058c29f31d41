//! The clock of authenticators: the system's time with microseconds that never come twice.

use std::sync::atomic::{AtomicI64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use kerbside_protocol::Now;

/// Microseconds since 1970 of the last time handed out. It is the process's, not a client's: two
/// clients in one process may use one credential, and two authenticators of one principal must
/// never share ctime and cusec (RFC 4120 section 3.2.3).
static LAST: AtomicI64 = AtomicI64::new(i64::MIN);

const MICROSECONDS: i64 = 1_000_000;

/// The system's time, later than every time this function returned before in this process.
#[must_use]
pub fn now() -> Now {
    moment(next(&LAST, system_microseconds()))
}

/// The first microsecond at or after `clock` that was not handed out.
fn next(last: &AtomicI64, clock: i64) -> i64 {
    let advance = |last: i64| Some(clock.max(last.saturating_add(1)));
    match last.fetch_update(Ordering::Relaxed, Ordering::Relaxed, advance) {
        Ok(previous) | Err(previous) => clock.max(previous.saturating_add(1)),
    }
}

fn system_microseconds() -> i64 {
    match SystemTime::now().duration_since(UNIX_EPOCH) {
        Ok(since) => i64::try_from(since.as_micros()).unwrap_or(i64::MAX),
        Err(before) => i64::try_from(before.duration().as_micros()).map_or(i64::MIN, |past| -past),
    }
}

fn moment(microseconds: i64) -> Now {
    let fraction = u32::try_from(microseconds.rem_euclid(MICROSECONDS)).unwrap_or(0);
    // A remainder of a million is below a million; the other arm cannot be reached.
    Now::new(microseconds.div_euclid(MICROSECONDS), fraction).unwrap_or(Now {
        time: kerbside_asn1::KerberosTime::EPOCH,
        usec: kerbside_asn1::Microseconds::ZERO,
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    #[test]
    fn a_clock_that_stands_or_goes_back_still_gives_new_times() {
        let last = AtomicI64::new(i64::MIN);
        assert_eq!(next(&last, 10), 10);
        assert_eq!(next(&last, 10), 11);
        assert_eq!(next(&last, 3), 12);
        assert_eq!(next(&last, 100), 100);
    }

    #[test]
    fn threads_never_share_a_time() {
        let threads: Vec<_> = (0..4)
            .map(|_| {
                std::thread::spawn(|| {
                    (0..1000)
                        .map(|_| {
                            let now = now();
                            (now.seconds(), now.usec.get())
                        })
                        .collect::<Vec<_>>()
                })
            })
            .collect();
        let mut all: Vec<_> = threads
            .into_iter()
            .flat_map(|thread| thread.join().unwrap())
            .collect();
        let count = all.len();
        all.sort_unstable();
        all.dedup();
        assert_eq!(all.len(), count);
    }

    #[test]
    fn times_before_1970_keep_a_positive_fraction() {
        let now = moment(-1);
        assert_eq!((now.seconds(), now.usec.get()), (-1, 999_999));
    }
}
