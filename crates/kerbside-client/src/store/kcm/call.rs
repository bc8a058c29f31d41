//! One question to a cache daemon and its answer.
//!
//! ```text
//! request ::= length (32) 02 00 operation (16) payload
//! reply   ::= length (32) transport status (32) status (32) payload     length counts status and payload
//! name    ::= bytes 00          number ::= 32 bits, big-endian          uuid ::= 16 bytes
//! ```
//! Principals and tickets are written as in version 4 of the cache file.

use std::io::{ErrorKind, Read, Write};
use std::os::unix::net::UnixStream;
use std::path::Path;
use std::time::{Duration, Instant};

use rustix::io::Errno;
use rustix::net::{self, sockopt};
use zeroize::Zeroizing;

use super::fault::{KcmFault, malformed};
use crate::transport::io_words;

/// The longest answer that is read: MIT's limit.
pub(super) const MAX_REPLY_BYTES: u32 = 10 * 1024 * 1024;

/// How long the daemon may take for one answer.
pub(super) const PATIENCE: Duration = Duration::from_secs(10);

/// Protocol version 2.0.
const VERSION: [u8; 2] = [2, 0];

/// What is asked; the numbers are the protocol's.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[repr(u16)]
pub(super) enum Operation {
    GenNew = 3,
    Initialize = 4,
    Destroy = 5,
    Store = 6,
    GetPrincipal = 8,
    GetCredUuidList = 9,
    GetCredByUuid = 10,
    RemoveCred = 11,
    GetCacheUuidList = 18,
    GetCacheByUuid = 19,
    GetDefaultCache = 20,
    SetDefaultCache = 21,
    GetKdcOffset = 22,
    SetKdcOffset = 23,
    /// MIT's extensions begin at 13000.
    GetCredList = 13001,
    Replace = 13002,
}

impl Operation {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::GenNew => "GEN_NEW",
            Self::Initialize => "INITIALIZE",
            Self::Destroy => "DESTROY",
            Self::Store => "STORE",
            Self::GetPrincipal => "GET_PRINCIPAL",
            Self::GetCredUuidList => "GET_CRED_UUID_LIST",
            Self::GetCredByUuid => "GET_CRED_BY_UUID",
            Self::RemoveCred => "REMOVE_CRED",
            Self::GetCacheUuidList => "GET_CACHE_UUID_LIST",
            Self::GetCacheByUuid => "GET_CACHE_BY_UUID",
            Self::GetDefaultCache => "GET_DEFAULT_CACHE",
            Self::SetDefaultCache => "SET_DEFAULT_CACHE",
            Self::GetKdcOffset => "GET_KDC_OFFSET",
            Self::SetKdcOffset => "SET_KDC_OFFSET",
            Self::GetCredList => "GET_CRED_LIST",
            Self::Replace => "REPLACE",
        }
    }
}

/// What follows the operation. It may hold keys, so it is wiped.
pub(super) struct Payload(Zeroizing<Vec<u8>>);

impl Payload {
    pub(super) fn new() -> Self {
        Self(Zeroizing::new(Vec::new()))
    }

    pub(super) fn raw(mut self, bytes: &[u8]) -> Self {
        // A vector that grows by itself leaves copies of keys behind.
        let mut grown = Zeroizing::new(Vec::with_capacity(self.0.len().saturating_add(bytes.len())));
        grown.extend_from_slice(&self.0);
        grown.extend_from_slice(bytes);
        self.0 = grown;
        self
    }

    pub(super) fn name(self, name: &str) -> Result<Self, KcmFault> {
        if name.bytes().any(|byte| byte == 0) {
            return Err(KcmFault::Name);
        }
        Ok(self.raw(name.as_bytes()).raw(&[0]))
    }

    pub(super) fn int(self, number: i32) -> Self {
        self.raw(&number.to_be_bytes())
    }

    /// A count, and so many lengths with their bytes.
    pub(super) fn blobs(self, blobs: &[Zeroizing<Vec<u8>>]) -> Result<Self, KcmFault> {
        let length = |length: usize| {
            u32::try_from(length)
                .map(u32::to_be_bytes)
                .map_err(|_| too_long())
        };
        let mut payload = self.raw(&length(blobs.len())?);
        for blob in blobs {
            payload = payload.raw(&length(blob.len())?).raw(blob);
        }
        Ok(payload)
    }
}

fn too_long() -> KcmFault {
    KcmFault::TooLong {
        operation: "a request",
        announced: u32::MAX,
    }
}

fn connect(socket: &Path, patience: Duration) -> Result<UnixStream, Errno> {
    let address = net::SocketAddrUnix::new(socket)?;
    let stream = net::socket_with(
        net::AddressFamily::UNIX,
        net::SocketType::STREAM,
        net::SocketFlags::CLOEXEC,
        None,
    )?;
    sockopt::set_socket_timeout(&stream, sockopt::Timeout::Send, Some(patience))?;
    // A signal leaves a Unix socket unconnected, so that it can be tried again.
    rustix::io::retry_on_intr(|| net::connect(&stream, &address))?;
    Ok(stream.into())
}

/// A connection to the daemon.
pub(super) struct Daemon {
    stream: UnixStream,
}

impl Daemon {
    pub(super) fn connect(socket: &Path) -> Result<Self, KcmFault> {
        Self::connect_within(socket, PATIENCE)
    }

    /// A daemon that hangs stops accepting; once its queue is full, connect(2) waits for ever unless the socket has a
    /// time limit before, which the standard library cannot set.
    pub(super) fn connect_within(socket: &Path, patience: Duration) -> Result<Self, KcmFault> {
        let stream = connect(socket, patience).map_err(|error| KcmFault::NoDaemon {
            socket: socket.to_owned(),
            reason: match error {
                Errno::AGAIN => "it accepts no connection".to_owned(),
                error => io_words(&error.into()),
            },
        })?;
        Ok(Self { stream })
    }

    /// Asks, and gives the answer's payload.
    pub(super) fn call(&mut self, operation: Operation, payload: &Payload) -> Result<Reply, KcmFault> {
        let end = Instant::now() + PATIENCE;
        self.send(operation, payload)
            .map_err(|error| failed(operation, &error))?;
        let length = self.number(operation, end)?;
        if length > MAX_REPLY_BYTES {
            return Err(KcmFault::TooLong {
                operation: operation.name(),
                announced: length,
            });
        }
        let transport = self.number(operation, end)?;
        let mut bytes = Zeroizing::new(vec![0; usize::try_from(length).unwrap_or(0)]);
        self.fill(operation, &mut bytes, end)?;
        let mut reply = Reply {
            operation,
            bytes,
            at: 0,
        };
        // The outer status speaks for daemons that could not even begin; then the inner one may be missing.
        let code = match transport {
            0 => reply.int()?,
            code => code.cast_signed(),
        };
        if code != 0 {
            return Err(KcmFault::Refused {
                operation: operation.name(),
                code,
            });
        }
        Ok(reply)
    }

    fn send(&mut self, operation: Operation, payload: &Payload) -> std::io::Result<()> {
        self.stream.set_write_timeout(Some(PATIENCE))?;
        let length = u32::try_from(payload.0.len().saturating_add(4)).unwrap_or(u32::MAX);
        let mut message = Zeroizing::new(Vec::with_capacity(payload.0.len().saturating_add(8)));
        message.extend_from_slice(&length.to_be_bytes());
        message.extend_from_slice(&VERSION);
        message.extend_from_slice(&(operation as u16).to_be_bytes());
        message.extend_from_slice(&payload.0);
        self.stream.write_all(&message)
    }

    fn number(&mut self, operation: Operation, end: Instant) -> Result<u32, KcmFault> {
        let mut bytes = [0; 4];
        self.fill(operation, &mut bytes, end)?;
        Ok(u32::from_be_bytes(bytes))
    }

    /// The deadline is the whole answer's: a daemon that sends a byte now and then does not hold us.
    fn fill(&mut self, operation: Operation, bytes: &mut [u8], end: Instant) -> Result<(), KcmFault> {
        let mut left = bytes;
        while !left.is_empty() {
            let time = end.saturating_duration_since(Instant::now());
            if time.is_zero() {
                return Err(KcmFault::Silent {
                    operation: operation.name(),
                });
            }
            let read = self
                .stream
                .set_read_timeout(Some(time))
                .and_then(|()| self.stream.read(left));
            match read {
                Ok(0) => {
                    return Err(KcmFault::Broken {
                        operation: operation.name(),
                        reason: "the daemon closed the connection".to_owned(),
                    });
                }
                Ok(count) => left = left.get_mut(count..).unwrap_or_default(),
                Err(error) if error.kind() == ErrorKind::Interrupted => {}
                Err(error) => return Err(failed(operation, &error)),
            }
        }
        Ok(())
    }
}

fn failed(operation: Operation, error: &std::io::Error) -> KcmFault {
    let operation = operation.name();
    match error.kind() {
        ErrorKind::WouldBlock | ErrorKind::TimedOut => KcmFault::Silent { operation },
        _ => KcmFault::Broken {
            operation,
            reason: io_words(error),
        },
    }
}

/// The payload of an answer; wiped when it is dropped, since it may hold keys.
pub(super) struct Reply {
    operation: Operation,
    bytes: Zeroizing<Vec<u8>>,
    at: usize,
}

impl Reply {
    /// What has not been read yet.
    pub(super) fn rest(&self) -> &[u8] {
        self.bytes.get(self.at..).unwrap_or_default()
    }

    fn take(&mut self, count: usize, expected: &'static str) -> Result<std::ops::Range<usize>, KcmFault> {
        let end = self.at.checked_add(count).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or(malformed(self.operation, expected))?;
        Ok(std::mem::replace(&mut self.at, end)..end)
    }

    /// A number.
    pub(super) fn int(&mut self) -> Result<i32, KcmFault> {
        let expected = "a number of 32 bits";
        let range = self.take(4, expected)?;
        let bytes = self.bytes.get(range).and_then(|bytes| bytes.try_into().ok());
        bytes
            .map(i32::from_be_bytes)
            .ok_or(malformed(self.operation, expected))
    }

    /// A name, which a zero byte ends.
    pub(super) fn name(&mut self) -> Result<String, KcmFault> {
        let expected = "a name with a zero byte at its end";
        let rest = self.rest();
        let length = rest.iter().position(|byte| *byte == 0);
        let name = length.and_then(|length| rest.get(..length));
        let name = name
            .and_then(|name| std::str::from_utf8(name).ok())
            .filter(|name| !name.is_empty());
        let name = name.ok_or(malformed(self.operation, expected))?.to_owned();
        self.take(name.len().saturating_add(1), expected)?;
        Ok(name)
    }

    /// UUIDs to the end.
    pub(super) fn uuids(&mut self, max: usize) -> Result<Vec<[u8; 16]>, KcmFault> {
        let (uuids, rest) = self.rest().as_chunks::<16>();
        if !rest.is_empty() || uuids.len() > max {
            return Err(malformed(self.operation, "a list of UUIDs of 16 bytes"));
        }
        Ok(uuids.to_vec())
    }

    /// A count, and so many lengths with their bytes.
    pub(super) fn blobs(&mut self, max: usize) -> Result<Vec<&[u8]>, KcmFault> {
        let expected = "a count and so many tickets behind their lengths";
        let count = usize::try_from(self.int()?).unwrap_or(usize::MAX);
        if count > max {
            return Err(malformed(self.operation, expected));
        }
        let mut ranges = Vec::new();
        for _ in 0..count {
            let length = usize::try_from(self.int()?).unwrap_or(usize::MAX);
            ranges.push(self.take(length, expected)?);
        }
        let bytes = &self.bytes;
        Ok(ranges.into_iter().filter_map(|range| bytes.get(range)).collect())
    }
}
