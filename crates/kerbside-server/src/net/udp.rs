//! Datagrams: a few threads on each socket, each answering one request at a time

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use kerbside_kdc::{ClientAddress, Transport};

use crate::error::{Result, ServerError};
use crate::net::reply_cache::{Begun, ReplyCache};
use crate::service::Service;

/// Longest payload of a datagram
const DATAGRAM_BYTES_MAX: usize = 65_535;
/// A thread that was not woken looks for the end this often
const STOP_POLL: Duration = Duration::from_millis(250);

/// The threads of the UDP sockets
pub(crate) struct UdpServer {
    stop: Arc<AtomicBool>,
    addresses: Vec<SocketAddr>,
    threads: Vec<JoinHandle<()>>,
}

impl UdpServer {
    pub(crate) fn start(
        sockets: Vec<UdpSocket>,
        service: &Arc<Service>,
        threads_per_socket: usize,
        reply_bytes_max: usize,
    ) -> Result<UdpServer> {
        let mut server = UdpServer {
            stop: Arc::new(AtomicBool::new(false)),
            addresses: Vec::new(),
            threads: Vec::new(),
        };
        let replies = Arc::new(ReplyCache::new());
        for socket in sockets {
            let failed = |e: io::Error| ServerError::Thread {
                name: "kerbside-udp",
                detail: e.to_string(),
            };
            socket.set_read_timeout(Some(STOP_POLL)).map_err(failed)?;
            server.addresses.push(socket.local_addr().map_err(failed)?);
            let socket = Arc::new(socket);
            for _ in 0..threads_per_socket.max(1) {
                let worker = Worker {
                    socket: Arc::clone(&socket),
                    service: Arc::clone(service),
                    replies: Arc::clone(&replies),
                    stop: Arc::clone(&server.stop),
                    transport: Transport::Datagram { reply_bytes_max },
                };
                let thread = std::thread::Builder::new()
                    .name("kerbside-udp".to_owned())
                    .spawn(move || worker.run())
                    .map_err(failed)?;
                server.threads.push(thread);
            }
        }
        Ok(server)
    }
}

impl Drop for UdpServer {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Release);
        // One empty datagram wakes one thread; those it does not reach look by themselves soon.
        for address in &self.addresses {
            let local = SocketAddr::from(match address {
                SocketAddr::V4(_) => (std::net::IpAddr::from(Ipv4Addr::LOCALHOST), 0),
                SocketAddr::V6(_) => (std::net::IpAddr::from(Ipv6Addr::LOCALHOST), 0),
            });
            let mut target = *address;
            if target.ip().is_unspecified() {
                target.set_ip(local.ip());
            }
            if let Ok(waker) = UdpSocket::bind(local) {
                for _ in &self.threads {
                    let _ = waker.send_to(&[], target);
                }
            }
        }
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

struct Worker {
    socket: Arc<UdpSocket>,
    service: Arc<Service>,
    replies: Arc<ReplyCache>,
    stop: Arc<AtomicBool>,
    transport: Transport,
}

impl Worker {
    fn run(&self) {
        let mut buffer = vec![0; DATAGRAM_BYTES_MAX];
        while !self.stop.load(Ordering::Acquire) {
            match self.socket.recv_from(&mut buffer) {
                // A datagram without content is nobody's request.
                Ok((0, _)) => {}
                Ok((length, from)) => {
                    if let Some(request) = buffer.get(..length) {
                        self.answer(from, request);
                    }
                }
                Err(error) => match error.kind() {
                    io::ErrorKind::WouldBlock | io::ErrorKind::TimedOut | io::ErrorKind::Interrupted => {}
                    // ICMP of an earlier reply's destination; anything else must not become a busy loop.
                    io::ErrorKind::ConnectionRefused | io::ErrorKind::ConnectionReset => {}
                    _ => std::thread::sleep(Duration::from_millis(20)),
                },
            }
        }
    }

    fn answer(&self, from: SocketAddr, request: &[u8]) {
        let now = Instant::now();
        let token = match self.replies.begin(from, request, now) {
            Begun::New(token) => token,
            // The answer is on its way.
            Begun::InProgress => return,
            Begun::Answered(reply) => {
                self.service.note_repeated(from);
                let _ = self.socket.send_to(&reply, from);
                return;
            }
        };
        let answer = self
            .service
            .answer(request, ClientAddress::Socket(from), self.transport);
        let reply = answer.reply.map(Arc::new);
        // Remembered before it is sent: the next copy may be here at once.
        self.replies
            .finish(token, reply.clone().filter(|_| answer.repeatable), now);
        if let Some(reply) = reply {
            // A client that cannot be reached asks again or not at all.
            let _ = self.socket.send_to(&reply, from);
        }
    }
}
