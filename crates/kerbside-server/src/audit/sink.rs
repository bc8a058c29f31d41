//! Open files and sockets that lines are written to

use std::fs::{File, OpenOptions};
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::os::unix::net::UnixDatagram;
use std::path::PathBuf;
use std::sync::{Arc, Mutex};

use super::AuditTarget;
use crate::error::{Result, ServerError};

/// Where the system's log listens
const SYSLOG_SOCKET: &str = "/dev/log";
/// syslog severity "informational"
const SYSLOG_INFO: u8 = 6;

/// An open target
pub(super) enum Sink {
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
    pub(super) fn open(target: &AuditTarget) -> Result<Sink> {
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

    /// Opens a file by its name again
    pub(super) fn reopen(&mut self) {
        match self {
            Sink::File { path, file } => match open_log(path, false) {
                Ok(newer) => *file = newer,
                Err(error) => tracing::warn!("the log goes on in the old file: {error}"),
            },
            Sink::Syslog { socket, .. } => *socket = None,
            Sink::Stderr | Sink::Memory(_) => {}
        }
    }

    /// Writes whole lines
    pub(super) fn write(&mut self, lines: &str) {
        let written = match self {
            Sink::File { file, .. } => file.write_all(lines.as_bytes()),
            Sink::Stderr => std::io::stderr().write_all(lines.as_bytes()),
            Sink::Memory(list) => {
                let mut list = list.lock().unwrap_or_else(std::sync::PoisonError::into_inner);
                list.extend(lines.lines().map(str::to_owned));
                Ok(())
            }
            Sink::Syslog { facility, socket } => write_syslog(*facility, socket, lines),
        };
        if let Err(error) = written {
            tracing::warn!("audit lines are not written: {error}");
        }
    }
}

fn write_syslog(facility: u8, socket: &mut Option<UnixDatagram>, lines: &str) -> std::io::Result<()> {
    let connected = match socket.take() {
        Some(connected) => connected,
        None => {
            let fresh = UnixDatagram::unbound()?;
            fresh.connect(SYSLOG_SOCKET)?;
            fresh
        }
    };
    for line in lines.lines() {
        // The daemon has its own time stamp, so ours stays away.
        let text = line.split_once(' ').map_or(line, |(_, text)| text);
        let message = format!("<{}>{}", facility * 8 + SYSLOG_INFO, text);
        connected.send(message.as_bytes())?;
    }
    *socket = Some(connected);
    Ok(())
}
