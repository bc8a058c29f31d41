//! The audit log: one line per request
//!
//! A request leaves its record in a list and goes on; a thread writes the list every millisecond, so
//! that requests pay neither for the writing nor for waking somebody. A file gets every line: when
//! too many wait, requests wait too. A terminal or pipe that nobody reads must not stop the KDC:
//! lines it does not take are counted, and the count is written when it takes some again.

mod sink;
mod stamp;
mod target;

use core::fmt::Write as _;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kerbside_kdc::AuditRecord;
use kerbside_protocol::Now;

use crate::clock;
use crate::error::{Result, ServerError};
use sink::Sink;
use stamp::Stamp;

pub use target::AuditTarget;

/// Lines that wait at most
const WAITING_MAX: usize = 16_384;
/// How long lines gather before they are written
const GATHER: Duration = Duration::from_millis(1);
/// How long the last lines may take on a terminal or pipe when the server ends
const END_GRACE: Duration = Duration::from_millis(500);

#[allow(
    clippy::large_enum_variant,
    reason = "nearly every line is a record, and a box would cost each an allocation"
)]
enum Line {
    Record(AuditRecord),
    Text(String),
}

#[derive(Default)]
struct Queue {
    /// each with its seconds and microseconds
    lines: Vec<((i64, u32), Line)>,
    /// not taken by a target that nobody reads
    lost: u64,
    /// how many lines were handed over so far, and how many of them are written
    accepted: u64,
    written: u64,
    /// somebody waits for `written`
    hurry: bool,
    reopen: bool,
    stop: bool,
    /// the writer waits for a first line
    idle: bool,
}

struct Shared {
    queue: Mutex<Queue>,
    /// for the writer: something to do
    work: Condvar,
    /// for the others: something was written
    progress: Condvar,
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Queue> {
        self.queue.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

/// The handle requests write to
pub(crate) struct AuditLog {
    shared: Option<Arc<Shared>>,
    lossy: bool,
    writer: Option<JoinHandle<()>>,
}

impl AuditLog {
    /// Starts the writing thread; without targets nothing is formatted or kept
    pub(crate) fn start(targets: &[AuditTarget]) -> Result<AuditLog> {
        if targets.is_empty() {
            return Ok(AuditLog {
                shared: None,
                lossy: true,
                writer: None,
            });
        }
        let lossy = !targets.iter().any(|target| {
            matches!(
                target,
                AuditTarget::File(_) | AuditTarget::FreshFile(_) | AuditTarget::Memory(_)
            )
        });
        let mut sinks = targets.iter().map(Sink::open).collect::<Result<Vec<_>>>()?;
        let shared = Arc::new(Shared {
            queue: Mutex::new(Queue::default()),
            work: Condvar::new(),
            progress: Condvar::new(),
        });
        let writing = Arc::clone(&shared);
        let writer = std::thread::Builder::new()
            .name("kerbside-audit".to_owned())
            .spawn(move || write_loop(&writing, &mut sinks))
            .map_err(|e| ServerError::Thread {
                name: "kerbside-audit",
                detail: e.to_string(),
            })?;
        Ok(AuditLog {
            shared: Some(shared),
            lossy,
            writer: Some(writer),
        })
    }

    /// Takes a request's record
    pub(crate) fn record(&self, now: Now, record: AuditRecord) {
        self.send(now, Line::Record(record));
    }

    /// Takes a line that is no request's
    pub(crate) fn text(&self, text: String) {
        self.send(clock::now(), Line::Text(text));
    }

    /// Opens files by their names again, after a rotation
    pub(crate) fn reopen(&self) {
        if let Some(shared) = &self.shared {
            shared.lock().reopen = true;
            shared.work.notify_one();
        }
    }

    /// Waits until everything handed over so far is written
    pub(crate) fn flush(&self) {
        let Some(shared) = &self.shared else { return };
        let mut queue = shared.lock();
        let upto = queue.accepted;
        queue.hurry = true;
        shared.work.notify_one();
        drop(shared.progress.wait_while(queue, |queue| queue.written < upto));
    }

    fn send(&self, now: Now, line: Line) {
        let Some(shared) = &self.shared else { return };
        let mut queue = shared.lock();
        if queue.lines.len() >= WAITING_MAX {
            if self.lossy {
                queue.lost += 1;
                return;
            }
            let waited = shared
                .progress
                .wait_while(queue, |queue| queue.lines.len() >= WAITING_MAX);
            queue = waited.unwrap_or_else(PoisonError::into_inner);
        }
        queue
            .lines
            .push(((now.time.unix_seconds(), now.usec.get()), line));
        queue.accepted += 1;
        // Only the first line after a pause wakes the writer.
        if queue.idle {
            queue.idle = false;
            shared.work.notify_one();
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        let Some(shared) = &self.shared else { return };
        shared.lock().stop = true;
        shared.work.notify_one();
        let Some(writer) = self.writer.take() else { return };
        // A pipe that nobody reads would keep the thread in its write for ever.
        let give_up = Instant::now() + END_GRACE;
        while self.lossy && !writer.is_finished() {
            if Instant::now() >= give_up {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        let _ = writer.join();
    }
}

fn write_loop(shared: &Shared, sinks: &mut [Sink]) {
    let tag = format!(" krb5kdc[{}](info): ", std::process::id());
    let mut stamp = Stamp::default();
    let mut out = String::new();
    let mut lines = Vec::new();
    loop {
        let mut queue = shared.lock();
        while queue.lines.is_empty() && !queue.stop && !queue.hurry && !queue.reopen {
            queue.idle = true;
            queue = shared.work.wait(queue).unwrap_or_else(PoisonError::into_inner);
        }
        queue.idle = false;
        if !queue.stop && !queue.hurry && !queue.reopen {
            let woken = shared.work.wait_timeout_while(queue, GATHER, |queue| {
                !queue.stop && !queue.hurry && !queue.reopen
            });
            queue = woken.unwrap_or_else(PoisonError::into_inner).0;
        }
        core::mem::swap(&mut queue.lines, &mut lines);
        let (lost, reopen, stop) = (queue.lost, queue.reopen, queue.stop);
        (queue.lost, queue.reopen, queue.hurry) = (0, false, false);
        drop(queue);

        if reopen {
            sinks.iter_mut().for_each(Sink::reopen);
        }
        let count = u64::try_from(lines.len()).unwrap_or(0);
        out.clear();
        for ((seconds, usec), line) in lines.drain(..) {
            stamp.write(&mut out, seconds, usec);
            out.push_str(&tag);
            // Writing to a String cannot fail.
            let _ = match line {
                Line::Record(record) => writeln!(out, "{record}"),
                Line::Text(text) => writeln!(out, "{text}"),
            };
        }
        if lost > 0 {
            let now = clock::now();
            stamp.write(&mut out, now.time.unix_seconds(), now.usec.get());
            let _ = writeln!(out, "{tag}{lost} lines are missing here: nobody read them");
        }
        if !out.is_empty() {
            for sink in sinks.iter_mut() {
                sink.write(&out);
            }
        }
        shared.lock().written += count;
        shared.progress.notify_all();
        // Nobody is left who could have added a line since.
        if stop {
            return;
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn every_line_reaches_a_file_and_a_rotation_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kdc.log");
        let log = AuditLog::start(&[AuditTarget::File(path.clone())]).unwrap();
        // More than may wait at the same time, from several threads.
        std::thread::scope(|scope| {
            for thread in 0..4 {
                let log = &log;
                scope.spawn(move || {
                    for number in 0..10_000 {
                        log.text(format!("line {thread} {number}"));
                    }
                });
            }
        });
        log.flush();
        let text = std::fs::read_to_string(&path).unwrap();
        assert_eq!(text.lines().count(), 40_000);
        for thread in 0..4 {
            let own: Vec<_> = text
                .lines()
                .filter(|line| line.contains(&format!("line {thread} ")))
                .collect();
            assert!(own.last().unwrap().ends_with(" 9999"), "in their order");
        }
        std::fs::rename(&path, dir.path().join("kdc.log.1")).unwrap();
        log.reopen();
        log.text("after".to_owned());
        drop(log);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("(info): after\n"), "{text}");
        assert_eq!(text.lines().count(), 1);
    }

    #[test]
    fn a_flush_with_nothing_to_write_returns() {
        let lines = Arc::new(Mutex::new(Vec::new()));
        let log = AuditLog::start(&[AuditTarget::Memory(Arc::clone(&lines))]).unwrap();
        log.flush();
        log.text("one".to_owned());
        log.flush();
        log.flush();
        assert_eq!(lines.lock().unwrap().len(), 1);
    }
}
