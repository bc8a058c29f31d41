//! The round trip for programs that run on tokio: one task for each open socket, ended with the
//! round trip.

use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use std::time::{Duration, Instant};

use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::{TcpStream, UdpSocket};
use tokio::sync::{Notify, mpsc};
use tokio::task::JoinSet;
use tracing::instrument::WithSubscriber;

use super::{
    Delivered, Finding, Frame, Framing, Job, MAX_DATAGRAM_BYTES, Peer, Undelivered, examine, framed, words,
};
use crate::attempt::{AttemptOutcome, Transport};
use crate::schedule::{Schedule, Target};
use crate::trace::{self, TcpConnection};

/// What a socket's task tells.
enum Event {
    Noted(AttemptOutcome),
    Failed(AttemptOutcome),
    Reply(Vec<u8>),
}

/// Sends the request until a reply comes or the plan ends. Dropping the future closes every socket.
pub(crate) async fn deliver(job: Job) -> Result<Delivered, Undelivered> {
    let start = Instant::now();
    let mut schedule = Schedule::new(&job.targets, &job.order, job.timing);
    // Dropping the set ends its tasks.
    let mut tasks = JoinSet::new();
    let mut again: Vec<(usize, Arc<Notify>)> = Vec::new();
    // One place for each task's last word and one for a note.
    let (sender, mut events) = mpsc::channel(job.order.len().saturating_mul(2).max(1));
    while let Some(step) = schedule.step(start.elapsed()) {
        match step
            .target
            .and_then(|index| Some((index, job.targets.get(index)?)))
        {
            Some((index, target)) if step.first => {
                let notify = Arc::new(Notify::new());
                again.push((index, Arc::clone(&notify)));
                let (target, request) = (target.clone(), Arc::clone(&job.request));
                let asked = ask(index, target, request, job.peer, notify, sender.clone());
                tasks.spawn(asked.with_current_subscriber());
            }
            Some((index, _)) => {
                if let Some((_, notify)) = again.iter().find(|(target, _)| *target == index) {
                    notify.notify_one();
                }
            }
            None => {}
        }
        let until = start.elapsed().saturating_add(step.wait);
        if let Some((index, reply)) = listen(&mut events, &mut schedule, start, until).await {
            schedule.failed(index, start.elapsed(), AttemptOutcome::Answered);
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

/// Waits for a reply until `until` (since the start).
async fn listen(
    events: &mut mpsc::Receiver<(usize, Event)>,
    schedule: &mut Schedule,
    start: Instant,
    until: Duration,
) -> Option<(usize, Vec<u8>)> {
    loop {
        let left = until.checked_sub(start.elapsed())?;
        if schedule.idle() {
            return None;
        }
        let (index, event) = tokio::time::timeout(left, events.recv()).await.ok()??;
        match event {
            Event::Noted(outcome) => schedule.noted(index, outcome),
            Event::Failed(outcome) => schedule.failed(index, start.elapsed(), outcome),
            Event::Reply(reply) => return Some((index, reply)),
        }
    }
}

async fn ask(
    index: usize,
    target: Target,
    request: Arc<[u8]>,
    peer: Peer,
    again: Arc<Notify>,
    events: mpsc::Sender<(usize, Event)>,
) {
    let event = match target.transport {
        Transport::Udp => by_datagram(index, target.address, &request, peer, &again, &events).await,
        Transport::Https => by_proxy(&target, &request, peer).await,
        Transport::Tcp => by_stream(target.address, &request, peer).await,
    };
    // The receiver is gone when another target has answered.
    let _ = events.send((index, event)).await;
}

async fn by_proxy(target: &Target, request: &[u8], peer: Peer) -> Event {
    let Some(proxy) = &target.proxy else {
        return Event::Failed(AttemptOutcome::Failed("no proxy".to_owned()));
    };
    let reply = match proxy.ask(target.address, request).await {
        Ok(reply) => reply,
        Err(outcome) => return Event::Failed(outcome),
    };
    match examine(peer, &reply) {
        Finding::Reply => Event::Reply(reply),
        Finding::Unavailable => Event::Failed(AttemptOutcome::Unavailable),
        Finding::Foreign => Event::Failed(AttemptOutcome::NotKerberos {
            received: reply.len(),
        }),
    }
}

async fn by_datagram(
    index: usize,
    address: SocketAddr,
    request: &[u8],
    peer: Peer,
    again: &Notify,
    events: &mpsc::Sender<(usize, Event)>,
) -> Event {
    let socket = match datagram_socket(address).await {
        Ok(socket) => socket,
        Err(error) => return Event::Failed(words(&error)),
    };
    trace::udp_send(address, false);
    if let Err(error) = socket.send(request).await {
        trace::udp_send_error(address, &error);
        return Event::Failed(words(&error));
    }
    let mut buffer = vec![0_u8; MAX_DATAGRAM_BYTES];
    loop {
        let received = tokio::select! {
            received = socket.recv(&mut buffer) => received,
            () = again.notified() => {
                // A refusal shows itself when the socket is read.
                let _ = socket.send(request).await;
                trace::udp_send(address, true);
                continue;
            }
        };
        let datagram = match received {
            Ok(length) => buffer.get(..length).unwrap_or_default(),
            Err(error) => {
                trace::udp_receive_error(address, &error);
                return Event::Failed(words(&error));
            }
        };
        match examine(peer, datagram) {
            Finding::Reply => {
                trace::received(datagram.len(), Transport::Udp, address);
                return Event::Reply(datagram.to_vec());
            }
            Finding::Unavailable => return Event::Failed(AttemptOutcome::Unavailable),
            // Anybody can forge a datagram's source: the true reply may still come. A note that
            // finds the channel full says nothing new.
            Finding::Foreign => {
                let note = AttemptOutcome::NotKerberos {
                    received: datagram.len(),
                };
                let _ = events.try_send((index, Event::Noted(note)));
            }
        }
    }
}

/// A socket that hears the asked address and nobody else.
async fn datagram_socket(address: SocketAddr) -> std::io::Result<UdpSocket> {
    let socket = match address {
        SocketAddr::V4(_) => UdpSocket::bind((Ipv4Addr::UNSPECIFIED, 0)).await,
        SocketAddr::V6(_) => UdpSocket::bind((Ipv6Addr::UNSPECIFIED, 0)).await,
    }?;
    socket.connect(address).await?;
    Ok(socket)
}

async fn by_stream(address: SocketAddr, request: &[u8], peer: Peer) -> Event {
    let Some(frame) = framed(request) else {
        return Event::Failed(AttemptOutcome::Failed(
            "the request is too long to be framed".to_owned(),
        ));
    };
    let _traced = TcpConnection::begins(address);
    let mut stream = match TcpStream::connect(address).await {
        Ok(stream) => stream,
        Err(error) => {
            trace::tcp_connect_error(address, &error);
            return Event::Failed(words(&error));
        }
    };
    trace::tcp_send(address);
    if let Err(error) = stream.write_all(&frame).await {
        trace::tcp_send_error(address, &error);
        return Event::Failed(words(&error));
    }
    let mut reply = Frame::default();
    let mut buffer = vec![0_u8; 16_384];
    loop {
        let bytes = match stream.read(&mut buffer).await {
            Ok(0) => {
                return Event::Failed(AttemptOutcome::Closed {
                    received: reply.received(),
                });
            }
            Ok(count) => buffer.get(..count).unwrap_or_default(),
            Err(error) => {
                trace::tcp_receive_error(address, &error);
                return Event::Failed(words(&error));
            }
        };
        match reply.push(bytes) {
            Framing::More => {}
            Framing::Oversized(announced) => {
                return Event::Failed(AttemptOutcome::Oversized { announced });
            }
            Framing::Complete(reply) => {
                return match examine(peer, &reply) {
                    Finding::Reply => {
                        trace::received(reply.len(), Transport::Tcp, address);
                        Event::Reply(reply)
                    }
                    Finding::Unavailable => Event::Failed(AttemptOutcome::Unavailable),
                    Finding::Foreign => Event::Failed(AttemptOutcome::NotKerberos {
                        received: reply.len(),
                    }),
                };
            }
        }
    }
}
