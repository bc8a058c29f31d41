//! The KDC's own administration socket: a Unix socket beside the database
//!
//! Only root and the user the KDC runs as may use it: the socket has mode 0600, and each side asks
//! the kernel who the other is. A path longer than a socket address holds is reached through its
//! open directory.

use std::collections::BTreeMap;
use std::io::{self, Read, Write};
use std::net::Shutdown;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kerbside_asn1::Principal;
use zeroize::Zeroizing;

use crate::admin::message::{
    MESSAGE_BYTES_MAX, Reply, Request, decode_reply, decode_request, encode_reply, encode_request,
};
use crate::admin::{Admin, AdminError};
use crate::error::{Result, ServerError};

/// Longest path a Unix socket address holds on Linux, without its final zero
const SOCKET_PATH_MAX: usize = 107;
/// Administrators at the same time
const SESSIONS_MAX: usize = 32;
/// How long one message may take to arrive or to leave once it began
const MESSAGE_DEADLINE: Duration = Duration::from_secs(10);
/// How long a server waits for the next request of a session: somebody types
const IDLE_DEADLINE: Duration = Duration::from_secs(3600);
/// How long a client waits for a reply: a password is stretched, a group is committed
const REPLY_DEADLINE: Duration = Duration::from_secs(60);

/// Where the socket of a database is
#[must_use]
pub fn socket_path(database: &Path) -> PathBuf {
    let mut name = database.file_name().unwrap_or_default().to_owned();
    name.push(".sock");
    database.with_file_name(name)
}

/// Runs `with` on a path of the same file that fits into a socket address
fn with_short_path<T>(path: &Path, with: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    if path.as_os_str().len() <= SOCKET_PATH_MAX {
        return with(path);
    }
    let parent = path
        .parent()
        .filter(|p| !p.as_os_str().is_empty())
        .unwrap_or(Path::new("."));
    let directory = std::fs::File::open(parent)?;
    let name = path.file_name().unwrap_or_default();
    with(
        &Path::new("/proc/self/fd")
            .join(directory.as_raw_fd().to_string())
            .join(name),
    )
}

fn peer_uid(stream: &UnixStream) -> io::Result<u32> {
    Ok(rustix::net::sockopt::socket_peercred(stream)?.uid.as_raw())
}

/// Root, and the user the KDC runs as
fn may_administer(uid: u32, me: u32) -> bool {
    uid == 0 || uid == me
}

fn read_frame(stream: &mut impl Read) -> io::Result<Option<Zeroizing<Vec<u8>>>> {
    let mut length = [0; 4];
    match stream.read(&mut length) {
        Ok(0) => return Ok(None),
        Ok(count) => stream.read_exact(length.get_mut(count..).unwrap_or_default())?,
        Err(error) => return Err(error),
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > MESSAGE_BYTES_MAX {
        let text = format!("a message of {length} bytes, at most {MESSAGE_BYTES_MAX} are taken");
        return Err(io::Error::new(io::ErrorKind::InvalidData, text));
    }
    let mut frame = Zeroizing::new(vec![0; length]);
    stream.read_exact(&mut frame)?;
    Ok(Some(frame))
}

fn write_frame(stream: &mut impl Write, bytes: &[u8]) -> io::Result<()> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= MESSAGE_BYTES_MAX);
    let length =
        length.ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "the message is too long"))?;
    stream.write_all(&length.to_be_bytes())?;
    stream.write_all(bytes)?;
    stream.flush()
}

/// The listening side, inside a KDC; removes its socket when dropped
#[derive(Debug)]
pub struct AdminSocket {
    path: PathBuf,
    stop: Arc<AtomicBool>,
    sessions: Arc<Sessions>,
    thread: Option<JoinHandle<()>>,
}

/// The sessions being served, so that they can be ended: each holds the store
#[derive(Debug, Default)]
struct Sessions {
    open: Mutex<BTreeMap<u64, UnixStream>>,
    ended: Condvar,
}

impl Sessions {
    fn lock(&self) -> MutexGuard<'_, BTreeMap<u64, UnixStream>> {
        self.open.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Lists a session under a number of its own; `None` when there are too many
    fn begin(&self, stream: &UnixStream) -> Option<u64> {
        let mut open = self.lock();
        if open.len() >= SESSIONS_MAX {
            return None;
        }
        let number = open.last_key_value().map_or(0, |(number, _)| number + 1);
        open.insert(number, stream.try_clone().ok()?);
        Some(number)
    }

    fn end(&self, number: u64) {
        self.lock().remove(&number);
        self.ended.notify_all();
    }

    /// Lets requests being carried out finish, and no other begin
    fn end_all(&self) {
        let open = self.lock();
        for stream in open.values() {
            let _ = stream.shutdown(Shutdown::Both);
        }
        let _ = self
            .ended
            .wait_timeout_while(open, MESSAGE_DEADLINE, |open| !open.is_empty());
    }
}

impl AdminSocket {
    /// Listens beside a database this process holds, and answers by `admin`
    ///
    /// A socket left behind by a killed KDC is replaced: whoever holds the database owns its name.
    ///
    /// # Errors
    /// [`ServerError::AdminSocket`], also when something that is no socket has its name.
    pub fn listen(path: &Path, admin: Admin) -> Result<AdminSocket> {
        let refused = |detail: String| ServerError::AdminSocket {
            path: path.to_owned(),
            detail,
        };
        match path.symlink_metadata() {
            Ok(facts) if facts.file_type().is_socket() => {
                std::fs::remove_file(path)
                    .map_err(|e| refused(format!("an old one cannot be removed: {e}")))?;
            }
            Ok(_) => return Err(refused("something that is no socket has this name".to_owned())),
            Err(_) => {}
        }
        let listener = with_short_path(path, |short| UnixListener::bind(short))
            .and_then(|listener| {
                std::fs::set_permissions(path, std::fs::Permissions::from_mode(0o600))?;
                Ok(listener)
            })
            .map_err(|e| refused(format!("cannot listen: {e}")))?;
        let stop = Arc::new(AtomicBool::new(false));
        let stopping = Arc::clone(&stop);
        let sessions = Arc::new(Sessions::default());
        let serving = Arc::clone(&sessions);
        let thread = std::thread::Builder::new()
            .name("kerbside-admin".to_owned())
            .spawn(move || accept_loop(&listener, admin, &stopping, &serving))
            .map_err(|e| ServerError::Thread {
                name: "kerbside-admin",
                detail: e.to_string(),
            })?;
        Ok(AdminSocket {
            path: path.to_owned(),
            stop,
            sessions,
            thread: Some(thread),
        })
    }

    /// Where it listens
    #[must_use]
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for AdminSocket {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // Wakes the thread that waits in accept.
        let woken = with_short_path(&self.path, |short| UnixStream::connect(short)).is_ok();
        let _ = std::fs::remove_file(&self.path);
        if woken && let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
        self.sessions.end_all();
    }
}

#[allow(
    clippy::needless_pass_by_value,
    reason = "the thread's own handle on the store ends with it"
)]
fn accept_loop(listener: &UnixListener, admin: Admin, stop: &AtomicBool, sessions: &Arc<Sessions>) {
    loop {
        let accepted = listener.accept();
        if stop.load(Ordering::Acquire) {
            return;
        }
        let Ok((stream, _)) = accepted else {
            // Out of descriptors, most likely: others will end.
            std::thread::sleep(Duration::from_millis(50));
            continue;
        };
        let me = rustix::process::geteuid().as_raw();
        match peer_uid(&stream) {
            Ok(uid) if may_administer(uid, me) => {}
            Ok(uid) => {
                tracing::warn!("administration refused to user id {uid}");
                continue;
            }
            Err(error) => {
                tracing::warn!("administration refused, the peer is unknown: {error}");
                continue;
            }
        }
        let Some(number) = sessions.begin(&stream) else {
            continue;
        };
        let (admin, listed) = (admin.clone(), Arc::clone(sessions));
        let spawned = std::thread::Builder::new()
            .name("kerbside-admin".to_owned())
            .spawn(move || {
                if let Err(error) = serve_session(stream, &admin) {
                    tracing::debug!("an administration session ended: {error}");
                }
                // The store may be closed once nobody holds it and the session is off the list.
                drop(admin);
                listed.end(number);
            });
        if spawned.is_err() {
            sessions.end(number);
        }
    }
}

fn serve_session(mut stream: UnixStream, admin: &Admin) -> io::Result<()> {
    stream.set_write_timeout(Some(MESSAGE_DEADLINE))?;
    loop {
        // The first octet may take as long as somebody thinks; a message that began may not.
        stream.set_read_timeout(Some(IDLE_DEADLINE))?;
        let mut first = [0; 1];
        if stream.read(&mut first)? == 0 {
            return Ok(());
        }
        stream.set_read_timeout(Some(MESSAGE_DEADLINE))?;
        let Some(frame) = read_frame(&mut first.as_slice().chain(&mut stream))? else {
            return Ok(());
        };
        let reply = match decode_request(&frame) {
            Ok((by, request)) => admin.execute(&by, request),
            Err(malformed) => {
                let reply = Err(AdminError::Transport(format!(
                    "the request is not understood: {malformed}"
                )));
                write_frame(&mut stream, &encode_reply(&reply))?;
                return Ok(());
            }
        };
        write_frame(&mut stream, &encode_reply(&reply))?;
    }
}

/// The asking side: `kadmin.local` beside a running KDC
#[derive(Debug)]
pub struct AdminClient {
    stream: UnixStream,
    path: PathBuf,
}

impl AdminClient {
    /// Connects to the socket; `None` when nobody listens there
    ///
    /// # Errors
    /// [`ServerError::AdminSocket`] when somebody else's socket is in its place.
    pub fn connect(path: &Path) -> Result<Option<AdminClient>> {
        let refused = |detail: String| ServerError::AdminSocket {
            path: path.to_owned(),
            detail,
        };
        let stream = match with_short_path(path, |short| UnixStream::connect(short)) {
            Ok(stream) => stream,
            Err(error) => match error.kind() {
                io::ErrorKind::NotFound | io::ErrorKind::ConnectionRefused => return Ok(None),
                _ => return Err(refused(format!("cannot connect: {error}"))),
            },
        };
        // Passwords go over it, so the other end must be root, us, or the owner of the database.
        let uid = peer_uid(&stream).map_err(|e| refused(format!("the peer is unknown: {e}")))?;
        let me = rustix::process::geteuid().as_raw();
        let owner = path
            .parent()
            .and_then(|directory| directory.metadata().ok())
            .map(|facts| facts.uid());
        if uid != 0 && uid != me && !(me == 0 && owner == Some(uid)) {
            return Err(refused(format!(
                "user id {uid} listens there, expected {me} or 0"
            )));
        }
        stream
            .set_read_timeout(Some(REPLY_DEADLINE))
            .and_then(|()| stream.set_write_timeout(Some(MESSAGE_DEADLINE)))
            .map_err(|e| refused(e.to_string()))?;
        Ok(Some(AdminClient {
            stream,
            path: path.to_owned(),
        }))
    }

    /// Asks; what it changed is durable when the reply is here
    ///
    /// # Errors
    /// What the KDC refused, or [`AdminError::Transport`].
    pub fn call(&mut self, by: &Principal, request: &Request) -> Result<Reply, AdminError> {
        let failed = |detail: String| {
            AdminError::Transport(format!(
                "the administration socket {}: {detail}",
                self.path.display()
            ))
        };
        let bytes = encode_request(by, request);
        write_frame(&mut self.stream, &bytes).map_err(|e| failed(e.to_string()))?;
        let frame = read_frame(&mut self.stream)
            .map_err(|e| failed(e.to_string()))?
            .ok_or_else(|| failed("the KDC closed it".to_owned()))?;
        decode_reply(&frame).map_err(|e| failed(format!("the reply is not understood: {e}")))?
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    #[test]
    fn root_and_the_own_user_only() {
        assert!(may_administer(0, 1000) && may_administer(1000, 1000) && may_administer(0, 0));
        assert!(!may_administer(1001, 1000) && !may_administer(1000, 0));
    }

    #[test]
    fn the_kernel_says_who_the_peer_is() {
        let (one, _other) = UnixStream::pair().unwrap();
        assert_eq!(peer_uid(&one).unwrap(), rustix::process::geteuid().as_raw());
    }

    #[test]
    fn frames_are_bounded() {
        let mut long = &(u32::try_from(MESSAGE_BYTES_MAX).unwrap() + 1).to_be_bytes()[..];
        assert_eq!(
            read_frame(&mut long).unwrap_err().kind(),
            io::ErrorKind::InvalidData
        );
        let mut out = Vec::new();
        assert!(write_frame(&mut out, &vec![0; MESSAGE_BYTES_MAX + 1]).is_err());
        write_frame(&mut out, b"abc").unwrap();
        assert_eq!(
            read_frame(&mut out.as_slice()).unwrap().unwrap().as_slice(),
            b"abc"
        );
        assert!(read_frame(&mut &out[..5]).is_err());
        assert!(read_frame(&mut &[][..]).unwrap().is_none());
    }

    #[test]
    fn a_short_path_stands_for_a_long_one() {
        let short = Path::new("/tmp/x.sock");
        assert_eq!(with_short_path(short, |path| Ok(path.to_owned())).unwrap(), short);
        let dir = tempfile::tempdir().unwrap();
        let long = dir.path().join("d".repeat(150));
        std::fs::create_dir(&long).unwrap();
        let long = long.join("principal.sock");
        with_short_path(&long, |path| {
            assert!(path.as_os_str().len() <= SOCKET_PATH_MAX);
            std::fs::write(path, "here")
        })
        .unwrap();
        assert_eq!(std::fs::read(&long).unwrap(), b"here");
    }
}
