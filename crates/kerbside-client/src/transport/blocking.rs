//! The round trip for programs without a runtime: nonblocking sockets and one poll(2).

use std::cell::RefCell;
use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::os::fd::{AsFd, BorrowedFd, OwnedFd};
use std::slice;
use std::time::{Duration, Instant};

use rustix::event::{PollFd, PollFlags, Timespec, poll};
use rustix::net::{AddressFamily, SocketFlags, SocketType, sockopt};

use super::{
    Delivered, Finding, Frame, Framing, Job, MAX_DATAGRAM_BYTES, Peer, Undelivered, examine, framed, words,
};
use crate::attempt::{AttemptOutcome, Transport};
use crate::schedule::{Schedule, Target};
use crate::trace::{self, TcpConnection};

/// Sends the request until a reply comes or the plan ends.
pub(crate) fn deliver(job: &Job) -> Result<Delivered, Undelivered> {
    let start = Instant::now();
    let mut schedule = Schedule::new(&job.targets, &job.order, job.timing);
    let mut open: Vec<(usize, Connection)> = Vec::new();
    while let Some(step) = schedule.step(start.elapsed()) {
        if let Some(index) = step.target {
            send(job, index, step.first, &mut open, &mut schedule, start);
        }
        let until = start.elapsed().saturating_add(step.wait);
        if let Some((index, reply)) = listen(&mut open, &mut schedule, start, until) {
            schedule.failed(index, start.elapsed(), AttemptOutcome::Answered);
            if let Some(target) = job.targets.get(index) {
                trace::received(reply.len(), target.transport, target.address);
            }
            return Ok(Delivered {
                reply,
                attempts: schedule.finish(start.elapsed()),
            });
        }
    }
    let took = start.elapsed();
    Err(Undelivered {
        attempts: schedule.finish(took),
        took,
    })
}

/// Opens a target's socket and sends, or sends a datagram again.
fn send(
    job: &Job,
    index: usize,
    first: bool,
    open: &mut Vec<(usize, Connection)>,
    schedule: &mut Schedule,
    start: Instant,
) {
    let outcome = if first {
        job.targets
            .get(index)
            .map(|target| Connection::open(target, &job.request, job.peer))
    } else {
        let found = open.iter().find(|(target, _)| *target == index);
        if let Some((_, Connection::Datagram(socket, _))) = found {
            // A refusal shows itself when the socket is read.
            let _ = socket.send(&job.request);
            if let Some(target) = job.targets.get(index) {
                trace::udp_send(target.address, true);
            }
        }
        None
    };
    match outcome {
        Some(Ok(connection)) => open.push((index, connection)),
        Some(Err(outcome)) => schedule.failed(index, start.elapsed(), outcome),
        None => {}
    }
}

/// Waits for a reply on any open socket until `until` (since the start).
fn listen(
    open: &mut Vec<(usize, Connection)>,
    schedule: &mut Schedule,
    start: Instant,
    until: Duration,
) -> Option<(usize, Vec<u8>)> {
    loop {
        let left = until.checked_sub(start.elapsed())?;
        if schedule.idle() || open.is_empty() {
            return None;
        }
        let ready = wait(open, left);
        let mut position = 0;
        let mut done = None;
        open.retain_mut(|(index, connection)| {
            let event = if ready.is(position) {
                connection.step()
            } else {
                Event::Nothing
            };
            position += 1;
            match event {
                Event::Nothing => true,
                Event::Noted(outcome) => {
                    schedule.noted(*index, outcome);
                    true
                }
                Event::Failed(outcome) => {
                    schedule.failed(*index, start.elapsed(), outcome);
                    false
                }
                Event::Reply(reply) => {
                    done = Some((*index, reply));
                    true
                }
            }
        });
        if done.is_some() {
            return done;
        }
    }
}

/// Which sockets have something for us, by their place.
enum Ready {
    /// There is one socket, as nearly always.
    Only(bool),
    These(Vec<bool>),
}

impl Ready {
    fn is(&self, position: usize) -> bool {
        match self {
            Self::Only(ready) => *ready,
            Self::These(ready) => ready.get(position).copied().unwrap_or(false),
        }
    }
}

fn wait(open: &[(usize, Connection)], left: Duration) -> Ready {
    let timeout = Timespec::try_from(left).ok();
    // Interrupted by a signal: nothing is ready, and the time is looked at again.
    let wait = |polled: &mut [PollFd<'_>]| poll(polled, timeout.as_ref()).is_ok();
    let is_ready = |polled: &PollFd<'_>| !polled.revents().is_empty();
    if let [(_, only)] = open {
        let mut polled = only.polled();
        let some = wait(slice::from_mut(&mut polled));
        return Ready::Only(some && is_ready(&polled));
    }
    let mut polled: Vec<_> = open.iter().map(|(_, connection)| connection.polled()).collect();
    if wait(&mut polled) {
        Ready::These(polled.iter().map(is_ready).collect())
    } else {
        Ready::These(Vec::new())
    }
}

enum Connection {
    Datagram(UdpSocket, Peer),
    Stream(Box<Stream>),
}

struct Stream {
    socket: TcpStream,
    traced: TcpConnection,
    /// Whether connecting has come to its end.
    connected: bool,
    frame: Vec<u8>,
    written: usize,
    reply: Frame,
    peer: Peer,
}

enum Event {
    Nothing,
    Noted(AttemptOutcome),
    Failed(AttemptOutcome),
    Reply(Vec<u8>),
}

impl Connection {
    fn open(target: &Target, request: &[u8], peer: Peer) -> Result<Self, AttemptOutcome> {
        match target.transport {
            Transport::Udp => {
                let socket = datagram_socket(target.address).map_err(|error| words(&error))?;
                trace::udp_send(target.address, false);
                socket.send(request).map_err(|error| {
                    trace::udp_send_error(target.address, &error);
                    words(&error)
                })?;
                Ok(Self::Datagram(socket, peer))
            }
            Transport::Https => Err(AttemptOutcome::Failed("HTTPS is tokio's".to_owned())),
            Transport::Tcp => {
                let frame = framed(request).ok_or_else(|| {
                    AttemptOutcome::Failed("the request is too long to be framed".to_owned())
                })?;
                let traced = TcpConnection::begins(target.address);
                let socket = connecting_stream(target.address).map_err(|error| {
                    trace::tcp_connect_error(target.address, &error);
                    words(&error)
                })?;
                Ok(Self::Stream(Box::new(Stream {
                    socket,
                    traced,
                    connected: false,
                    frame,
                    written: 0,
                    reply: Frame::default(),
                    peer,
                })))
            }
        }
    }

    fn socket(&self) -> BorrowedFd<'_> {
        match self {
            Self::Datagram(socket, _) => socket.as_fd(),
            Self::Stream(stream) => stream.socket.as_fd(),
        }
    }

    fn polled(&self) -> PollFd<'_> {
        let interest = match self {
            Self::Stream(stream) if stream.written < stream.frame.len() => PollFlags::OUT,
            _ => PollFlags::IN,
        };
        PollFd::from_borrowed_fd(self.socket(), interest)
    }

    fn step(&mut self) -> Event {
        match self {
            Self::Datagram(socket, peer) => receive_datagram(socket, *peer),
            Self::Stream(stream) => stream.step(),
        }
    }
}

/// A socket that hears the asked address and nobody else, from a port that the system chooses.
fn datagram_socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = nonblocking_socket(address, SocketType::DGRAM)?;
    rustix::net::connect(&socket, &address)?;
    Ok(UdpSocket::from(socket))
}

fn nonblocking_socket(address: SocketAddr, kind: SocketType) -> rustix::io::Result<OwnedFd> {
    let family = match address {
        SocketAddr::V4(_) => AddressFamily::INET,
        SocketAddr::V6(_) => AddressFamily::INET6,
    };
    let flags = SocketFlags::NONBLOCK | SocketFlags::CLOEXEC;
    rustix::net::socket_with(family, kind, flags, None)
}

/// A stream whose connection is under way.
fn connecting_stream(address: SocketAddr) -> std::io::Result<TcpStream> {
    let socket = nonblocking_socket(address, SocketType::STREAM)?;
    match rustix::net::connect(&socket, &address) {
        Ok(()) | Err(rustix::io::Errno::INPROGRESS) => Ok(TcpStream::from(socket)),
        Err(error) => Err(error.into()),
    }
}

thread_local! {
    /// Where datagrams arrive: making a place for the longest one takes longer than most exchanges.
    static DATAGRAM: RefCell<Box<[u8]>> = RefCell::new(vec![0; MAX_DATAGRAM_BYTES].into_boxed_slice());
}

fn receive_datagram(socket: &UdpSocket, peer: Peer) -> Event {
    let received = DATAGRAM.with_borrow_mut(|buffer| {
        let length = socket.recv(buffer)?;
        Ok(buffer.get(..length).unwrap_or_default().to_vec())
    });
    match received {
        Ok(message) => match examine(peer, &message) {
            Finding::Reply => Event::Reply(message),
            Finding::Unavailable => Event::Failed(AttemptOutcome::Unavailable),
            // Anybody can forge a datagram's source: the true reply may still come.
            Finding::Foreign => Event::Noted(AttemptOutcome::NotKerberos {
                received: message.len(),
            }),
        },
        Err(error) if try_again(&error) => Event::Nothing,
        Err(error) => {
            if let Ok(address) = socket.peer_addr() {
                trace::udp_receive_error(address, &error);
            }
            Event::Failed(words(&error))
        }
    }
}

impl Stream {
    fn step(&mut self) -> Event {
        if !self.connected {
            match sockopt::socket_error(&self.socket) {
                Ok(Ok(())) => {
                    self.connected = true;
                    trace::tcp_send(self.traced.address());
                }
                Ok(Err(error)) | Err(error) => {
                    let error = error.into();
                    trace::tcp_connect_error(self.traced.address(), &error);
                    return Event::Failed(words(&error));
                }
            }
        }
        if let Some(rest) = self.frame.get(self.written..).filter(|rest| !rest.is_empty()) {
            return match self.socket.write(rest) {
                Ok(count) => {
                    self.written = self.written.saturating_add(count);
                    Event::Nothing
                }
                Err(error) if try_again(&error) => Event::Nothing,
                Err(error) => {
                    trace::tcp_send_error(self.traced.address(), &error);
                    Event::Failed(words(&error))
                }
            };
        }
        let mut buffer = [0_u8; 16_384];
        match self.socket.read(&mut buffer) {
            Ok(0) => Event::Failed(AttemptOutcome::Closed {
                received: self.reply.received(),
            }),
            Ok(count) => self.received(buffer.get(..count).unwrap_or_default()),
            Err(error) if try_again(&error) => Event::Nothing,
            Err(error) => {
                trace::tcp_receive_error(self.traced.address(), &error);
                Event::Failed(words(&error))
            }
        }
    }

    fn received(&mut self, bytes: &[u8]) -> Event {
        match self.reply.push(bytes) {
            Framing::More => Event::Nothing,
            Framing::Oversized(announced) => Event::Failed(AttemptOutcome::Oversized { announced }),
            Framing::Complete(reply) => match examine(self.peer, &reply) {
                Finding::Reply => Event::Reply(reply),
                Finding::Unavailable => Event::Failed(AttemptOutcome::Unavailable),
                Finding::Foreign => Event::Failed(AttemptOutcome::NotKerberos {
                    received: reply.len(),
                }),
            },
        }
    }
}

fn try_again(error: &std::io::Error) -> bool {
    matches!(
        error.kind(),
        std::io::ErrorKind::WouldBlock | std::io::ErrorKind::Interrupted
    )
}
