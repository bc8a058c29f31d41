//! A faulty network before a real KDC: a relay on loopback that loses, doubles, delays, alters and cuts what passes.

use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::io::{ErrorKind, Read, Write};
use std::net::{SocketAddr, TcpListener, TcpStream, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::JoinHandle;
use std::time::{Duration, Instant};

use crate::run::free_port;

/// Where a datagram goes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Way {
    ToKdc,
    ToClient,
}

/// What becomes of a datagram: each copy that arrives, and after how many milliseconds. It is told the way and how many
/// datagrams went this way before.
pub(crate) type Datagrams = Box<dyn FnMut(Way, usize, &[u8]) -> Vec<(u64, Vec<u8>)> + Send>;

/// What becomes of connections.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Streams {
    /// Nobody listens.
    Refused,
    Honest,
    /// The request is taken, and nothing comes back.
    Silent,
    /// The answer ends, with the connection, after so many octets (the length's four counted).
    CutAfter(usize),
    /// So many milliseconds between two octets of the answer.
    Slow(u64),
    /// The answer says that it is so long, and does not end.
    Claims(u32),
}

/// The relay; it ends with this value.
#[derive(Debug)]
pub(crate) struct Relay {
    pub(crate) port: u16,
    stop: Arc<AtomicBool>,
    threads: Vec<JoinHandle<()>>,
}

/// Every datagram arrives, at once.
pub(crate) fn honest() -> Datagrams {
    Box::new(|_, _, bytes| vec![(0, bytes.to_vec())])
}

/// No datagram arrives.
pub(crate) fn lost() -> Datagrams {
    Box::new(|_, _, _| Vec::new())
}

impl Relay {
    /// Stands before the KDC at `kdc` of 127.0.0.1.
    pub(crate) fn start(kdc: u16, datagrams: Datagrams, streams: Streams) -> Result<Self, String> {
        let port = free_port()?;
        let stop = Arc::new(AtomicBool::new(false));
        let mut threads = Vec::new();
        let front = UdpSocket::bind(("127.0.0.1", port)).map_err(|e| e.to_string())?;
        front
            .set_read_timeout(Some(Duration::from_millis(1)))
            .map_err(|e| e.to_string())?;
        let stopped = Arc::clone(&stop);
        threads.push(std::thread::spawn(move || {
            relay_datagrams(&front, kdc, datagrams, &stopped);
        }));
        if streams != Streams::Refused {
            let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|e| e.to_string())?;
            listener.set_nonblocking(true).map_err(|e| e.to_string())?;
            let stopped = Arc::clone(&stop);
            threads.push(std::thread::spawn(move || {
                accept(&listener, kdc, streams, &stopped);
            }));
        }
        Ok(Self { port, stop, threads })
    }
}

impl Drop for Relay {
    fn drop(&mut self) {
        self.stop.store(true, Ordering::Relaxed);
        for thread in self.threads.drain(..) {
            let _ = thread.join();
        }
    }
}

/// A datagram on its way.
struct Flying {
    at: Instant,
    way: Way,
    client: SocketAddr,
    bytes: Vec<u8>,
}

fn relay_datagrams(front: &UdpSocket, kdc: u16, mut datagrams: Datagrams, stop: &AtomicBool) {
    let mut backs: HashMap<SocketAddr, UdpSocket> = HashMap::new();
    let mut flying: Vec<Flying> = Vec::new();
    let mut counts = [0_usize; 2];
    let mut buffer = vec![0; 65_536];
    while !stop.load(Ordering::Relaxed) {
        let mut arrived: Vec<(Way, SocketAddr, Vec<u8>)> = Vec::new();
        if let Ok((len, client)) = front.recv_from(&mut buffer) {
            let bytes = buffer.get(..len).unwrap_or_default().to_vec();
            arrived.push((Way::ToKdc, client, bytes));
        }
        for (client, back) in &backs {
            while let Ok(len) = back.recv(&mut buffer) {
                let bytes = buffer.get(..len).unwrap_or_default().to_vec();
                arrived.push((Way::ToClient, *client, bytes));
            }
        }
        for (way, client, bytes) in arrived {
            let [to_kdc, to_client] = &mut counts;
            let count = if way == Way::ToKdc { to_kdc } else { to_client };
            for (millis, bytes) in datagrams(way, *count, &bytes) {
                let at = Instant::now() + Duration::from_millis(millis);
                flying.push(Flying {
                    at,
                    way,
                    client,
                    bytes,
                });
            }
            *count += 1;
        }
        let now = Instant::now();
        let (mut due, later) = flying.into_iter().partition::<Vec<_>, _>(|one| one.at <= now);
        flying = later;
        due.sort_by_key(|one| one.at);
        for one in due {
            if one.way == Way::ToClient {
                let _ = front.send_to(&one.bytes, one.client);
            } else if let Some(back) = back(&mut backs, one.client, kdc) {
                let _ = back.send(&one.bytes);
            }
        }
    }
}

/// The socket to the KDC that stands for `client`, so that answers find their way back.
fn back(backs: &mut HashMap<SocketAddr, UdpSocket>, client: SocketAddr, kdc: u16) -> Option<&mut UdpSocket> {
    match backs.entry(client) {
        Entry::Occupied(known) => Some(known.into_mut()),
        Entry::Vacant(new) => {
            let socket = UdpSocket::bind(("127.0.0.1", 0)).ok()?;
            socket.connect(("127.0.0.1", kdc)).ok()?;
            socket.set_nonblocking(true).ok()?;
            Some(new.insert(socket))
        }
    }
}

fn accept(listener: &TcpListener, kdc: u16, streams: Streams, stop: &Arc<AtomicBool>) {
    let mut threads = Vec::new();
    while !stop.load(Ordering::Relaxed) {
        match listener.accept() {
            Ok((client, _)) => {
                let stopped = Arc::clone(stop);
                threads.push(std::thread::spawn(move || {
                    // A client that goes away early is not the relay's trouble.
                    let _ = serve(client, kdc, streams, &stopped);
                }));
            }
            Err(e) if e.kind() == ErrorKind::WouldBlock => std::thread::sleep(Duration::from_millis(2)),
            Err(_) => break,
        }
    }
    for thread in threads {
        let _ = thread.join();
    }
}

fn serve(mut client: TcpStream, kdc: u16, streams: Streams, stop: &AtomicBool) -> std::io::Result<()> {
    client.set_nonblocking(false)?;
    client.set_nodelay(true)?;
    client.set_read_timeout(Some(Duration::from_secs(10)))?;
    let request = message(&mut client)?;
    let mut server = TcpStream::connect(("127.0.0.1", kdc))?;
    server.set_read_timeout(Some(Duration::from_secs(10)))?;
    server.write_all(&request)?;
    let answer = message(&mut server)?;
    match streams {
        Streams::Refused => {}
        Streams::Honest => client.write_all(&answer)?,
        Streams::Silent => hold(&client, stop),
        Streams::CutAfter(octets) => client.write_all(answer.get(..octets).unwrap_or(&answer))?,
        Streams::Slow(millis) => {
            for octet in &answer {
                if stop.load(Ordering::Relaxed) {
                    break;
                }
                client.write_all(std::slice::from_ref(octet))?;
                std::thread::sleep(Duration::from_millis(millis));
            }
        }
        Streams::Claims(length) => {
            client.write_all(&length.to_be_bytes())?;
            client.write_all(answer.get(4..).unwrap_or_default())?;
            hold(&client, stop);
        }
    }
    Ok(())
}

/// Keeps the connection until the relay ends or the client goes away.
fn hold(client: &TcpStream, stop: &AtomicBool) {
    let _ = client.set_read_timeout(Some(Duration::from_millis(20)));
    let mut client = client;
    let mut octet = [0];
    while !stop.load(Ordering::Relaxed) {
        match client.read(&mut octet) {
            Err(e) if matches!(e.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {}
            _ => break,
        }
    }
}

/// A message with its length before it, as it came.
fn message(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut body = Vec::new();
    stream
        .take(u64::from(u32::from_be_bytes(length)))
        .read_to_end(&mut body)?;
    Ok([length.as_slice(), &body].concat())
}
