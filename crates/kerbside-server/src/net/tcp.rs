//! Streams: each message behind its length in four octets (RFC 4120 7.2.2)
//!
//! Every wait has a deadline, every length a limit, and when there are too many connections the
//! oldest goes, so that no number of silent ones keeps a client out.

use std::collections::BTreeMap;
use std::io;
use std::net::{SocketAddr, TcpListener as StdTcpListener};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

use kerbside_kdc::{ClientAddress, REQUEST_BYTES_MAX, Transport};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpListener, TcpStream};
use tokio::sync::watch;
use tokio::task::AbortHandle;
use tokio::time::{Instant, timeout_at};

use crate::error::{Result, ServerError};
use crate::net::Limits;
use crate::service::Service;

/// Buffer space that is reserved before octets are there
const FIRST_READ: usize = 4096;
/// How long replies on their way may take when the server ends
const END_GRACE: Duration = Duration::from_millis(100);

/// The thread that serves the TCP sockets
pub(crate) struct TcpServer {
    stop: watch::Sender<bool>,
    thread: Option<JoinHandle<()>>,
}

impl TcpServer {
    pub(crate) fn start(
        listeners: Vec<StdTcpListener>,
        service: &Arc<Service>,
        limits: &Limits,
    ) -> Result<TcpServer> {
        let failed = |e: io::Error| ServerError::Thread {
            name: "kerbside-tcp",
            detail: e.to_string(),
        };
        let (stop, stopping) = watch::channel(false);
        for listener in &listeners {
            listener.set_nonblocking(true).map_err(failed)?;
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(std::thread::available_parallelism().map_or(1, |cores| cores.get().min(4)))
            .thread_name("kerbside-tcp")
            .enable_io()
            .enable_time()
            .build()
            .map_err(failed)?;
        let shared = Arc::new(Shared {
            service: Arc::clone(service),
            limits: limits.clone(),
            connections: Mutex::new(Connections::default()),
        });
        // A thread of its own, so that the runtime neither starts nor ends inside a caller's runtime.
        let thread = std::thread::Builder::new()
            .name("kerbside-tcp".to_owned())
            .spawn(move || {
                runtime.block_on(serve(listeners, &shared, stopping));
                runtime.shutdown_timeout(END_GRACE);
            })
            .map_err(failed)?;
        Ok(TcpServer {
            stop,
            thread: Some(thread),
        })
    }
}

impl Drop for TcpServer {
    fn drop(&mut self) {
        let _ = self.stop.send(true);
        if let Some(thread) = self.thread.take() {
            let _ = thread.join();
        }
    }
}

#[derive(Default)]
struct Connections {
    next: u64,
    open: BTreeMap<u64, AbortHandle>,
}

struct Shared {
    service: Arc<Service>,
    limits: Limits,
    connections: Mutex<Connections>,
}

impl Shared {
    fn lock(&self) -> std::sync::MutexGuard<'_, Connections> {
        self.connections.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

async fn serve(listeners: Vec<StdTcpListener>, shared: &Arc<Shared>, mut stopping: watch::Receiver<bool>) {
    for listener in listeners {
        match TcpListener::from_std(listener) {
            Ok(listener) => drop(tokio::spawn(accept_loop(listener, Arc::clone(shared)))),
            Err(error) => tracing::error!("a TCP socket cannot be served: {error}"),
        }
    }
    let _ = stopping.wait_for(|stop| *stop).await;
}

async fn accept_loop(listener: TcpListener, shared: Arc<Shared>) {
    loop {
        match listener.accept().await {
            Ok((stream, peer)) => begin(stream, peer, &shared),
            // Out of descriptors, most likely: connections end by their deadlines.
            Err(_) => tokio::time::sleep(Duration::from_millis(20)).await,
        }
    }
}

fn begin(stream: TcpStream, peer: SocketAddr, shared: &Arc<Shared>) {
    let mut connections = shared.lock();
    while connections.open.len() >= shared.limits.tcp_connections_max.max(1) {
        let Some((_, oldest)) = connections.open.pop_first() else {
            break;
        };
        oldest.abort();
    }
    let number = connections.next;
    connections.next += 1;
    let task = tokio::spawn({
        let shared = Arc::clone(shared);
        async move {
            let _ended = Ended {
                shared: Arc::clone(&shared),
                number,
            };
            serve_connection(stream, peer, &shared).await;
        }
    });
    connections.open.insert(number, task.abort_handle());
}

/// Takes a connection off the list however it ends
struct Ended {
    shared: Arc<Shared>,
    number: u64,
}

impl Drop for Ended {
    fn drop(&mut self) {
        self.shared.lock().open.remove(&self.number);
    }
}

async fn serve_connection(mut stream: TcpStream, peer: SocketAddr, shared: &Shared) {
    let _ = stream.set_nodelay(true);
    let limits = &shared.limits;
    let end = Instant::now() + limits.tcp_total;
    loop {
        let request = match read_request(&mut stream, limits, end).await {
            Ok(Some(request)) => request,
            Ok(None) | Err(Refused::Io) => return,
            Err(Refused::TooLong) => {
                // RFC 4120 7.2.2: a length with its high bit set, or too long, is answered so.
                if let Some(reply) = shared.service.field_too_long(peer) {
                    let _ = write_reply(&mut stream, &reply, limits, end).await;
                }
                return;
            }
        };
        let answer = shared
            .service
            .answer(&request, ClientAddress::Socket(peer), Transport::Stream);
        // Whoever sends what is not to be answered has nothing more to say here.
        let Some(reply) = answer.reply else { return };
        if write_reply(&mut stream, &reply, limits, end).await.is_err() {
            return;
        }
    }
}

enum Refused {
    TooLong,
    Io,
}

async fn read_request(
    stream: &mut TcpStream,
    limits: &Limits,
    end: Instant,
) -> Result<Option<Vec<u8>>, Refused> {
    let mut length = [0; 4];
    let idle = end.min(Instant::now() + limits.tcp_idle);
    let first = match timeout_at(idle, stream.read(&mut length)).await {
        Ok(Ok(0)) | Err(_) => return Ok(None),
        Ok(Ok(count)) => count,
        Ok(Err(_)) => return Err(Refused::Io),
    };
    let deadline = end.min(Instant::now() + limits.tcp_message);
    let rest = length.get_mut(first..).unwrap_or_default();
    if !rest.is_empty() {
        timeout_at(deadline, stream.read_exact(rest))
            .await
            .map_err(|_| Refused::Io)?
            .map_err(|_| Refused::Io)?;
    }
    let length = usize::try_from(u32::from_be_bytes(length)).unwrap_or(usize::MAX);
    if length > REQUEST_BYTES_MAX {
        return Err(Refused::TooLong);
    }
    let mut request = Vec::with_capacity(length.min(FIRST_READ));
    while request.len() < length {
        let left = u64::try_from(length - request.len()).unwrap_or(0);
        let read = timeout_at(deadline, (&mut *stream).take(left).read_buf(&mut request)).await;
        match read {
            Ok(Ok(count)) if count > 0 => {}
            _ => return Err(Refused::Io),
        }
    }
    Ok(Some(request))
}

async fn write_reply(stream: &mut TcpStream, reply: &[u8], limits: &Limits, end: Instant) -> io::Result<()> {
    let deadline = end.min(Instant::now() + limits.tcp_message);
    let mut framed = Vec::with_capacity(reply.len() + 4);
    let length = u32::try_from(reply.len()).map_err(|_| io::ErrorKind::InvalidInput)?;
    framed.extend_from_slice(&length.to_be_bytes());
    framed.extend_from_slice(reply);
    timeout_at(deadline, stream.write_all(&framed)).await?
}
