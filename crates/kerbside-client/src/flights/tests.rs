//! One leader, many waiters, and every way in which the leader can end.
#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use std::sync::atomic::{AtomicU32, Ordering};
use std::time::Duration;

use super::*;
use crate::driver::{Blocking, Tokio, block_on};

type Numbers = Flights<&'static str, u32>;

fn refusal() -> Error {
    Error::Prompt {
        reason: "no".to_owned(),
    }
}

#[test]
fn threads_share_one_piece_of_work() {
    let flights = Numbers::default();
    let count = AtomicU32::new(0);
    let ask = |key: &'static str| {
        block_on(flights.run(&Blocking, key, flights.mark(), |_| async {
            let number = count.fetch_add(1, Ordering::SeqCst);
            std::thread::sleep(Duration::from_millis(200));
            Ok(number)
        }))
    };
    let results: Vec<u32> = std::thread::scope(|scope| {
        let threads: Vec<_> = (0..8).map(|_| scope.spawn(|| ask("a").unwrap())).collect();
        // Another key does not wait.
        ask("b").unwrap();
        threads.into_iter().map(|thread| thread.join().unwrap()).collect()
    });
    assert_eq!(count.load(Ordering::SeqCst), 2);
    assert!(results.windows(2).all(|pair| pair.first() == pair.last()));
    // What is over is done anew.
    ask("a").unwrap();
    assert_eq!(count.load(Ordering::SeqCst), 3);
    assert!(lock(&flights.state).under_way.is_empty());
}

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

#[test]
fn a_failure_is_everybody_s() {
    let flights = Arc::new(Numbers::default());
    let count = Arc::new(AtomicU32::new(0));
    runtime().block_on(async {
        let tasks: Vec<_> = (0..5)
            .map(|_| {
                let (flights, count) = (Arc::clone(&flights), Arc::clone(&count));
                tokio::spawn(async move {
                    flights
                        .run(&Tokio, "a", flights.mark(), |_| async {
                            count.fetch_add(1, Ordering::SeqCst);
                            tokio::time::sleep(Duration::from_millis(50)).await;
                            Err(refusal())
                        })
                        .await
                })
            })
            .collect();
        for task in tasks {
            let error = task.await.unwrap().unwrap_err();
            assert_eq!(error.to_string(), refusal().to_string());
        }
    });
    assert_eq!(count.load(Ordering::SeqCst), 1);
}

#[test]
fn a_leader_that_is_dropped_strands_nobody() {
    let flights = Arc::new(Numbers::default());
    let count = Arc::new(AtomicU32::new(0));
    let start = |number: u32, milliseconds: u64| {
        let (flights, count) = (Arc::clone(&flights), Arc::clone(&count));
        tokio::spawn(async move {
            flights
                .run(&Tokio, "a", flights.mark(), |_| async {
                    count.fetch_add(1, Ordering::SeqCst);
                    tokio::time::sleep(Duration::from_millis(milliseconds)).await;
                    Ok(number)
                })
                .await
        })
    };
    runtime().block_on(async {
        let leader = start(1, 60_000);
        tokio::time::sleep(Duration::from_millis(20)).await;
        let (second, third) = (start(2, 10), start(2, 10));
        tokio::time::sleep(Duration::from_millis(20)).await;
        leader.abort();
        assert!(leader.await.unwrap_err().is_cancelled());
        assert_eq!(second.await.unwrap().unwrap(), 2);
        assert_eq!(third.await.unwrap().unwrap(), 2);
    });
    assert_eq!(count.load(Ordering::SeqCst), 2);
}

#[test]
fn a_leader_that_panics_strands_nobody() {
    let flights = Arc::new(Numbers::default());
    let first = {
        let flights = Arc::clone(&flights);
        std::thread::spawn(move || {
            block_on(flights.run(&Blocking, "a", 0, |_| async {
                std::thread::sleep(Duration::from_millis(100));
                std::panic::resume_unwind(Box::new("gone"))
            }))
        })
    };
    std::thread::sleep(Duration::from_millis(30));
    let second = block_on(flights.run(&Blocking, "a", 0, |_| async { Ok(7) }));
    assert_eq!(second.unwrap(), 7);
    assert!(first.join().is_err());
}

#[test]
fn who_looked_before_work_ended_is_told_to_look_again() {
    let flights = Numbers::default();
    let early = flights.mark();
    let told =
        |mark| block_on(flights.run(&Blocking, "a", mark, |old| async move { Ok(u32::from(old)) })).unwrap();
    assert_eq!(told(early), 0);
    assert_eq!(told(early), 1);
    assert_eq!(told(flights.mark()), 0);
}
