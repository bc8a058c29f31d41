//! The timed loop: so many requests in flight over UDP, each with a socket of its own, every answer looked at.

use std::collections::BTreeMap;
use std::net::{Ipv4Addr, SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::time::{Duration, Instant};

use kerbside_asn1::{AsRep, KrbError, MsgType, TgsRep, decode, peek_message};
use rustix::buffer::spare_capacity;
use rustix::event::{Timespec, epoll};

use crate::failure::{Doing, Failure, Result};
use crate::requests::{Kind, Request};

/// A request without an answer for so long is lost.
const PATIENCE: Duration = Duration::from_secs(2);
/// How often requests are looked over for lost ones.
const LOOK_OVER: Duration = Duration::from_millis(20);

/// What came of a run.
#[derive(Debug, Default)]
pub(crate) struct Tally {
    /// Nanoseconds from sending to the right answer, sorted.
    pub(crate) latencies: Vec<u64>,
    /// Requests without an answer.
    pub(crate) lost: usize,
    /// Answers of another kind, by what they were.
    pub(crate) wrong: BTreeMap<String, usize>,
    /// Answers to verify, with the index of their request.
    pub(crate) kept: Vec<(usize, Vec<u8>)>,
    /// From the first request to the last answer.
    pub(crate) elapsed: Duration,
    /// Requests that were sent.
    pub(crate) sent: usize,
    /// There were too few requests for the time.
    pub(crate) used_up: bool,
}

impl Tally {
    /// Right answers.
    pub(crate) fn right(&self) -> usize {
        self.latencies.len()
    }

    /// Answers of any kind.
    pub(crate) fn answered(&self) -> usize {
        self.right() + self.wrong.values().sum::<usize>()
    }
}

/// Sends `requests` to `address`, `in_flight` at a time, until `time` is up or there are no more of them.
pub(crate) fn drive(
    address: SocketAddr,
    kind: Kind,
    requests: &[Request],
    in_flight: usize,
    time: Duration,
) -> Result<Tally> {
    Run::begin(address, kind, requests, in_flight, time)?.finish()
}

struct Run<'a> {
    address: SocketAddr,
    kind: Kind,
    requests: &'a [Request],
    next: usize,
    start: Instant,
    time: Duration,
    epoll: OwnedFd,
    slots: Vec<Slot>,
    tally: Tally,
    last_answer: Instant,
}

struct Slot {
    socket: UdpSocket,
    /// The request under way, and when it was sent.
    under_way: Option<(usize, Instant)>,
}

impl<'a> Run<'a> {
    fn begin(
        address: SocketAddr,
        kind: Kind,
        requests: &'a [Request],
        in_flight: usize,
        time: Duration,
    ) -> Result<Self> {
        let epoll = epoll::create(epoll::CreateFlags::CLOEXEC)?;
        let mut slots = Vec::with_capacity(in_flight);
        for index in 0..in_flight {
            slots.push(Slot {
                socket: open(address, &epoll, index)?,
                under_way: None,
            });
        }
        let start = Instant::now();
        let tally = Tally {
            latencies: Vec::with_capacity(requests.len()),
            ..Tally::default()
        };
        Ok(Self {
            address,
            kind,
            requests,
            next: 0,
            start,
            time,
            epoll,
            slots,
            tally,
            last_answer: start,
        })
    }

    fn finish(mut self) -> Result<Tally> {
        let mut answer = vec![0; usize::from(u16::MAX)];
        let mut events = Vec::with_capacity(self.slots.len());
        let wait = Timespec::try_from(LOOK_OVER)?;
        let mut looked = Instant::now();
        for index in 0..self.slots.len() {
            self.launch(index)?;
        }
        while self.slots.iter().any(|slot| slot.under_way.is_some()) {
            events.clear();
            epoll::wait(&self.epoll, spare_capacity(&mut events), Some(&wait))
                .doing("waiting for answers")?;
            for event in &events {
                self.receive(
                    usize::try_from(event.data.u64()).unwrap_or(usize::MAX),
                    &mut answer,
                )?;
            }
            if looked.elapsed() >= LOOK_OVER {
                looked = Instant::now();
                self.give_up_late_ones()?;
            }
        }
        self.tally.elapsed = self.last_answer.duration_since(self.start);
        self.tally.sent = self.next;
        self.tally.latencies.sort_unstable();
        Ok(self.tally)
    }

    /// Sends the next request from this slot, while there are some and there is time.
    fn launch(&mut self, index: usize) -> Result<()> {
        let now = Instant::now();
        let Some(slot) = self.slots.get_mut(index) else {
            return Ok(());
        };
        slot.under_way = None;
        if now.duration_since(self.start) >= self.time {
            return Ok(());
        }
        let Some(request) = self.requests.get(self.next) else {
            self.tally.used_up = true;
            return Ok(());
        };
        slot.under_way = Some((self.next, now));
        self.next += 1;
        // Refused is the answer to an earlier datagram: nobody listens. The request counts as lost when its time is up.
        match slot.socket.send(&request.bytes) {
            Ok(_) => Ok(()),
            Err(error) if error.kind() == std::io::ErrorKind::ConnectionRefused => Ok(()),
            Err(error) => Err(error).doing("sending a request"),
        }
    }

    fn receive(&mut self, index: usize, buffer: &mut [u8]) -> Result<()> {
        let Some(slot) = self.slots.get(index) else {
            return Ok(());
        };
        let Some((request, sent)) = slot.under_way else {
            return Ok(());
        };
        let length = match slot.socket.recv(buffer) {
            Ok(length) => length,
            Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => return Ok(()),
            Err(_) => return self.lose(index),
        };
        let now = Instant::now();
        let answer = buffer.get(..length).unwrap_or_default();
        self.last_answer = now;
        match judge(self.kind, answer) {
            Ok(()) => {
                let nanoseconds = u64::try_from(now.duration_since(sent).as_nanos()).unwrap_or(u64::MAX);
                self.tally.latencies.push(nanoseconds);
                if self
                    .requests
                    .get(request)
                    .is_some_and(|request| request.pending.is_some())
                {
                    self.tally.kept.push((request, answer.to_vec()));
                }
            }
            Err(what) => *self.tally.wrong.entry(what).or_default() += 1,
        }
        self.launch(index)
    }

    /// Counts the slot's request as lost and goes on with a new socket, on which its answer cannot come any more.
    fn lose(&mut self, index: usize) -> Result<()> {
        self.tally.lost += 1;
        let socket = open(self.address, &self.epoll, index)?;
        if let Some(slot) = self.slots.get_mut(index) {
            slot.socket = socket;
        }
        self.launch(index)
    }

    fn give_up_late_ones(&mut self) -> Result<()> {
        let late = |slot: &Slot| slot.under_way.is_some_and(|(_, sent)| sent.elapsed() > PATIENCE);
        let late: Vec<usize> = self
            .slots
            .iter()
            .enumerate()
            .filter(|(_, slot)| late(slot))
            .map(|(index, _)| index)
            .collect();
        late.into_iter().try_for_each(|index| self.lose(index))
    }
}

fn open(address: SocketAddr, epoll: &OwnedFd, index: usize) -> Result<UdpSocket> {
    let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0))?;
    socket.connect(address)?;
    socket.set_nonblocking(true)?;
    let data = epoll::EventData::new_u64(u64::try_from(index)?);
    epoll::add(epoll, &socket, data, epoll::EventFlags::IN).doing("watching a socket")?;
    Ok(socket)
}

/// Whether this is one whole answer of the right kind; if not, what it is.
fn judge(kind: Kind, answer: &[u8]) -> core::result::Result<(), String> {
    let decoded = match (kind, peek_message(answer)) {
        (Kind::As, Some(MsgType::AS_REP)) => decode::<AsRep<'_>>(answer).map(drop),
        (Kind::Tgs, Some(MsgType::TGS_REP)) => decode::<TgsRep<'_>>(answer).map(drop),
        (_, Some(MsgType::KRB_ERROR)) => {
            let error = decode::<KrbError<'_>>(answer).map_err(|error| error.to_string())?;
            return Err(format!("KRB-ERROR {:?}", error.error_code));
        }
        (_, found) => return Err(format!("a message of type {found:?}")),
    };
    decoded.map_err(|error| error.to_string())
}

/// How many of the kept answers are verified; the first that is not is said why.
pub(crate) fn verify(requests: &mut [Request], tally: &Tally) -> (usize, Option<Failure>) {
    let (mut good, mut first) = (0, None);
    for (index, answer) in &tally.kept {
        let pending = requests
            .get_mut(*index)
            .and_then(|request| request.pending.take());
        match pending.map_or_else(
            || Err(Failure::new("an answer came twice")),
            |pending| pending.verify(answer),
        ) {
            Ok(()) => good += 1,
            Err(failure) => first = first.or(Some(failure)),
        }
    }
    (good, first)
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)] // a failure here is the test's failure

    use super::*;

    fn requests(count: u8) -> Vec<Request> {
        (0..count)
            .map(|byte| Request {
                bytes: Box::new([byte]),
                pending: None,
            })
            .collect()
    }

    #[test]
    fn garbage_is_a_wrong_answer() {
        for answer in [&[][..], &[0x6b, 3, 1, 2], &[0x6b, 0x82, 0xff], &[0x7e, 0]] {
            assert!(judge(Kind::As, answer).is_err());
            assert!(judge(Kind::Tgs, answer).is_err());
        }
    }

    #[test]
    fn wrong_answers_are_counted_and_each_request_is_sent_once() {
        let server = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = server.local_addr().unwrap();
        let echo = std::thread::spawn(move || {
            let mut seen = Vec::new();
            let mut byte = [0];
            while seen.len() < 40 {
                let (_, from) = server.recv_from(&mut byte).unwrap();
                seen.extend(byte);
                server.send_to(b"nonsense", from).unwrap();
            }
            seen
        });
        let tally = drive(address, Kind::As, &requests(40), 4, Duration::from_secs(30)).unwrap();
        assert_eq!(
            (tally.right(), tally.answered(), tally.lost, tally.sent),
            (0, 40, 0, 40)
        );
        assert!(tally.used_up);
        let mut seen = echo.join().unwrap();
        seen.sort_unstable();
        assert_eq!(seen, (0..40).collect::<Vec<u8>>());
    }

    #[test]
    fn a_silent_kdc_loses_every_request() {
        let silent = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).unwrap();
        let address = silent.local_addr().unwrap();
        let tally = drive(address, Kind::Tgs, &requests(2), 4, Duration::from_millis(1)).unwrap();
        assert_eq!((tally.right(), tally.lost), (0, tally.sent));
        assert!(tally.lost > 0);
    }
}
