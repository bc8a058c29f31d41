//! The audit log: one line per request
//!
//! Requests hand their record to a writing thread and go on. A file gets every line: a full queue
//! makes requests wait. A terminal or pipe that nobody reads must not stop the KDC: lines it does
//! not take are counted, and the count is written when it takes some again.

use core::fmt::Write as _;
use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, Sender, SyncSender, TrySendError, channel, sync_channel};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use kerbside_kdc::AuditRecord;

use crate::clock;
use crate::error::{Result, ServerError};

/// Lines that wait for the writing thread
const QUEUE: usize = 16_384;
/// Lines that share one write
const BATCH: usize = 256;
/// How long the last lines may take on a terminal or pipe when the server ends
const END_GRACE: std::time::Duration = std::time::Duration::from_millis(500);
/// Where the system's log listens
const SYSLOG_SOCKET: &str = "/dev/log";
/// syslog severity "informational"
const SYSLOG_INFO: u8 = 6;

/// Where lines go (`[logging] kdc = ...`)
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum AuditTarget {
    /// Appended to a file (`FILE:PATH`)
    File(PathBuf),
    /// Into an emptied file (`FILE=PATH`)
    FreshFile(PathBuf),
    /// Standard error (`STDERR`)
    Stderr,
    /// The system's log (`SYSLOG`), with its facility number
    Syslog(u8),
    /// A list that a test reads
    Memory(Arc<Mutex<Vec<String>>>),
}

impl AuditTarget {
    /// Reads one value of `[logging] kdc`
    ///
    /// # Errors
    /// What is wrong with it.
    pub fn parse(value: &str) -> Result<AuditTarget, String> {
        let upper = value.to_ascii_uppercase();
        if let Some(path) = value.get(5..).filter(|_| upper.starts_with("FILE:")) {
            return Ok(AuditTarget::File(path.into()));
        }
        if let Some(path) = value.get(5..).filter(|_| upper.starts_with("FILE=")) {
            return Ok(AuditTarget::FreshFile(path.into()));
        }
        if let Some(path) = value.get(7..).filter(|_| upper.starts_with("DEVICE=")) {
            return Ok(AuditTarget::File(path.into()));
        }
        match upper.as_str() {
            "STDERR" => Ok(AuditTarget::Stderr),
            "CONSOLE" => Ok(AuditTarget::File("/dev/console".into())),
            other => match other.split(':').collect::<Vec<_>>().as_slice() {
                ["SYSLOG"] | ["SYSLOG", _] => Ok(AuditTarget::Syslog(4)),
                ["SYSLOG", _, facility] => facility_number(facility)
                    .map(AuditTarget::Syslog)
                    .ok_or_else(|| format!("expected a syslog facility, but found {facility}")),
                _ => Err(format!(
                    "expected FILE:PATH, FILE=PATH, DEVICE=PATH, STDERR, CONSOLE or SYSLOG, but found {value}"
                )),
            },
        }
    }
}

fn facility_number(name: &str) -> Option<u8> {
    const NAMES: [(&str, u8); 8] = [
        ("KERN", 0),
        ("USER", 1),
        ("MAIL", 2),
        ("DAEMON", 3),
        ("AUTH", 4),
        ("CRON", 9),
        ("AUTHPRIV", 10),
        ("FTP", 11),
    ];
    let name = name.strip_prefix("LOG_").unwrap_or(name);
    if let Some((_, number)) = NAMES.iter().find(|(known, _)| *known == name) {
        return Some(*number);
    }
    let local: u8 = name.strip_prefix("LOCAL")?.parse().ok()?;
    (local < 8).then_some(16 + local)
}

enum Line {
    Record(Box<AuditRecord>, i64, u32),
    Text(String, i64, u32),
    Reopen,
    Flush(Sender<()>),
}

/// The handle requests write to
pub(crate) struct AuditLog {
    queue: Option<SyncSender<Line>>,
    lossy: bool,
    lost: Arc<AtomicU64>,
    writer: Option<JoinHandle<()>>,
}

impl AuditLog {
    /// Starts the writing thread; without targets nothing is formatted or kept
    pub(crate) fn start(targets: &[AuditTarget]) -> Result<AuditLog> {
        let lost = Arc::new(AtomicU64::new(0));
        if targets.is_empty() {
            return Ok(AuditLog {
                queue: None,
                lossy: true,
                lost,
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
        let (queue, lines) = sync_channel(QUEUE);
        let counting = Arc::clone(&lost);
        let writer = std::thread::Builder::new()
            .name("kerbside-audit".to_owned())
            .spawn(move || write_loop(&lines, &mut sinks, &counting))
            .map_err(|e| ServerError::Thread {
                name: "kerbside-audit",
                detail: e.to_string(),
            })?;
        Ok(AuditLog {
            queue: Some(queue),
            lossy,
            lost,
            writer: Some(writer),
        })
    }

    pub(crate) fn record(&self, record: AuditRecord) {
        let now = clock::now();
        self.send(Line::Record(
            Box::new(record),
            now.time.unix_seconds(),
            now.usec.get(),
        ));
    }

    pub(crate) fn text(&self, text: String) {
        let now = clock::now();
        self.send(Line::Text(text, now.time.unix_seconds(), now.usec.get()));
    }

    /// Opens files by their names again, after a rotation
    pub(crate) fn reopen(&self) {
        self.send(Line::Reopen);
    }

    /// Waits until everything handed over so far is written
    pub(crate) fn flush(&self) {
        let (done, wait) = channel();
        if let Some(queue) = &self.queue
            && queue.send(Line::Flush(done)).is_ok()
        {
            let _ = wait.recv();
        }
    }

    fn send(&self, line: Line) {
        let Some(queue) = &self.queue else { return };
        if !self.lossy {
            let _ = queue.send(line);
        } else if let Err(TrySendError::Full(_)) = queue.try_send(line) {
            self.lost.fetch_add(1, Ordering::Relaxed);
        }
    }
}

impl Drop for AuditLog {
    fn drop(&mut self) {
        drop(self.queue.take());
        let Some(writer) = self.writer.take() else { return };
        // A pipe that nobody reads would keep the thread in its write for ever.
        let give_up = std::time::Instant::now() + END_GRACE;
        while self.lossy && !writer.is_finished() {
            if std::time::Instant::now() >= give_up {
                return;
            }
            std::thread::sleep(std::time::Duration::from_millis(1));
        }
        let _ = writer.join();
    }
}

enum Sink {
    File {
        path: PathBuf,
        file: File,
    },
    Stderr,
    Syslog {
        facility: u8,
        socket: Option<UnixDatagram>,
    },
    Memory(Arc<Mutex<Vec<String>>>),
}

fn open_log(path: &PathBuf, fresh: bool) -> Result<File> {
    OpenOptions::new()
        .create(true)
        .append(!fresh)
        .write(true)
        .truncate(fresh)
        .mode(0o640)
        .open(path)
        .map_err(|source| ServerError::File {
            path: path.clone(),
            action: "open the log",
            source,
        })
}

impl Sink {
    fn open(target: &AuditTarget) -> Result<Sink> {
        Ok(match target {
            AuditTarget::File(path) => Sink::File {
                path: path.clone(),
                file: open_log(path, false)?,
            },
            AuditTarget::FreshFile(path) => {
                drop(open_log(path, true)?);
                Sink::File {
                    path: path.clone(),
                    file: open_log(path, false)?,
                }
            }
            AuditTarget::Stderr => Sink::Stderr,
            AuditTarget::Syslog(facility) => Sink::Syslog {
                facility: *facility,
                socket: None,
            },
            AuditTarget::Memory(list) => Sink::Memory(Arc::clone(list)),
        })
    }

    fn reopen(&mut self) {
        match self {
            Sink::File { path, file } => match open_log(path, false) {
                Ok(newer) => *file = newer,
                Err(error) => tracing::warn!("the log goes on in the old file: {error}"),
            },
            Sink::Syslog { socket, .. } => *socket = None,
            Sink::Stderr | Sink::Memory(_) => {}
        }
    }

    fn write(&mut self, lines: &[String]) {
        let written = match self {
            Sink::File { file, .. } => file.write_all(lines.concat().as_bytes()),
            Sink::Stderr => std::io::stderr().write_all(lines.concat().as_bytes()),
            Sink::Memory(list) => {
                let mut list = list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                list.extend(lines.iter().map(|line| line.trim_end().to_owned()));
                Ok(())
            }
            Sink::Syslog { facility, socket } => write_syslog(*facility, socket, lines),
        };
        if let Err(error) = written {
            tracing::warn!("audit lines are not written: {error}");
        }
    }
}

fn write_syslog(facility: u8, socket: &mut Option<UnixDatagram>, lines: &[String]) -> std::io::Result<()> {
    let connected = match socket.take() {
        Some(connected) => connected,
        None => {
            let fresh = UnixDatagram::unbound()?;
            fresh.connect(SYSLOG_SOCKET)?;
            fresh
        }
    };
    for line in lines {
        // The daemon has its own time stamp, so ours stays away.
        let text = line.split_once(' ').map_or(line.as_str(), |(_, text)| text);
        let message = format!("<{}>{}", facility * 8 + SYSLOG_INFO, text.trim_end());
        connected.send(message.as_bytes())?;
    }
    *socket = Some(connected);
    Ok(())
}

fn write_loop(lines: &Receiver<Line>, sinks: &mut [Sink], lost: &AtomicU64) {
    let pid = std::process::id();
    let mut next = lines.recv().ok();
    while let Some(first) = next.take() {
        let mut batch = Vec::new();
        let mut flushed = Vec::new();
        let mut line = Some(first);
        while let Some(current) = line {
            match current {
                Line::Record(record, seconds, usec) => {
                    batch.push(format!(
                        "{} krb5kdc[{pid}](info): {record}\n",
                        stamp(seconds, usec)
                    ));
                }
                Line::Text(text, seconds, usec) => {
                    batch.push(format!("{} krb5kdc[{pid}](info): {text}\n", stamp(seconds, usec)));
                }
                Line::Reopen => sinks.iter_mut().for_each(Sink::reopen),
                Line::Flush(done) => flushed.push(done),
            }
            line = if batch.len() < BATCH && flushed.is_empty() {
                lines.try_recv().ok()
            } else {
                None
            };
        }
        let missing = lost.swap(0, Ordering::Relaxed);
        if missing > 0 {
            let now = clock::now();
            let stamp = stamp(now.time.unix_seconds(), now.usec.get());
            batch.push(format!(
                "{stamp} krb5kdc[{pid}](warning): {missing} lines are missing here: nobody read them\n"
            ));
        }
        if !batch.is_empty() {
            for sink in sinks.iter_mut() {
                sink.write(&batch);
            }
        }
        for done in flushed {
            let _ = done.send(());
        }
        next = lines.recv().ok();
    }
}

/// `2026-11-24T23:11:26.123Z`
fn stamp(seconds: i64, usec: u32) -> String {
    let days = seconds.div_euclid(86_400);
    let of_day = seconds.rem_euclid(86_400);
    // Days since 0000-03-01, so that a leap day is the last day of its year (proleptic Gregorian).
    let shifted = days + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 {
        shifted_month + 3
    } else {
        shifted_month - 9
    };
    let year = year_of_era + era * 400 + i64::from(month <= 2);
    let mut text = String::with_capacity(24);
    // Writing to a String cannot fail.
    let _ = write!(
        text,
        "{year:04}-{month:02}-{day:02}T{:02}:{:02}:{:02}.{:03}Z",
        of_day / 3_600,
        of_day / 60 % 60,
        of_day % 60,
        usec / 1_000
    );
    text
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn stamps() {
        assert_eq!(stamp(0, 0), "1970-01-01T00:00:00.000Z");
        assert_eq!(stamp(1_795_561_886, 123_456), "2026-11-24T23:11:26.123Z");
        assert_eq!(stamp(951_782_400, 999_999), "2000-02-29T00:00:00.999Z");
        assert_eq!(stamp(-1, 0), "1969-12-31T23:59:59.000Z");
    }

    #[test]
    fn logging_relations() {
        assert!(
            matches!(AuditTarget::parse("FILE:/var/log/krb5kdc.log"), Ok(AuditTarget::File(p)) if p.as_os_str() == "/var/log/krb5kdc.log")
        );
        assert!(matches!(
            AuditTarget::parse("file=/x"),
            Ok(AuditTarget::FreshFile(_))
        ));
        assert!(matches!(AuditTarget::parse("STDERR"), Ok(AuditTarget::Stderr)));
        assert!(matches!(AuditTarget::parse("SYSLOG"), Ok(AuditTarget::Syslog(4))));
        assert!(matches!(
            AuditTarget::parse("SYSLOG:INFO:DAEMON"),
            Ok(AuditTarget::Syslog(3))
        ));
        assert!(matches!(
            AuditTarget::parse("SYSLOG:INFO:LOCAL7"),
            Ok(AuditTarget::Syslog(23))
        ));
        assert!(AuditTarget::parse("SYSLOG:INFO:LOCAL8").is_err());
        assert!(
            AuditTarget::parse("carrier pigeon")
                .unwrap_err()
                .contains("but found carrier pigeon")
        );
    }

    #[test]
    fn every_line_reaches_a_file_and_a_rotation_is_followed() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("kdc.log");
        let log = AuditLog::start(&[AuditTarget::File(path.clone())]).unwrap();
        for number in 0..1000 {
            log.text(format!("line {number}"));
        }
        log.flush();
        assert_eq!(std::fs::read_to_string(&path).unwrap().lines().count(), 1000);
        std::fs::rename(&path, dir.path().join("kdc.log.1")).unwrap();
        log.reopen();
        log.text("after".to_owned());
        drop(log);
        let text = std::fs::read_to_string(&path).unwrap();
        assert!(text.ends_with("(info): after\n"), "{text}");
    }
}
