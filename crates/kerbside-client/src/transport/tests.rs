//! Both fronts against KDCs made of sockets that behave in every way a KDC should not.

#![allow(clippy::unwrap_used, clippy::expect_used)] // a failure here is the test's failure

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::thread::JoinHandle;

use kerbside_asn1::{Microseconds, Principal};
use kerbside_protocol::{ErrorReply, Now};

use super::*;
use crate::attempt::Transport;

/// A message that a KDC sends.
fn error(code: ErrorCode) -> Vec<u8> {
    let now = Now {
        time: kerbside_asn1::KerberosTime::from_unix_seconds(1),
        usec: Microseconds::ZERO,
    };
    ErrorReply::new(code, Principal::krbtgt("R", "R"))
        .to_bytes(now)
        .unwrap()
}

fn reply() -> Vec<u8> {
    error(ErrorCode::KDC_ERR_PREAUTH_REQUIRED)
}

fn timing() -> Timing {
    Timing {
        per_address: Duration::from_millis(60),
        first_pause: Duration::from_millis(60),
        passes: 2,
        total: Duration::from_secs(5),
    }
}

fn target(address: SocketAddr, transport: Transport) -> Target {
    Target {
        server: address.to_string(),
        address,
        transport,
        proxy: None,
    }
}

/// The same job through both fronts.
fn both(targets: &[Target], check: impl Fn(Result<Delivered, Undelivered>)) {
    let job = || Job {
        request: Arc::from(&b"request"[..]),
        targets: targets.into(),
        order: (0..targets.len()).collect(),
        timing: timing(),
        peer: Peer::Kdc,
    };
    check(blocking::deliver(&job()));
    let runtime = ::tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    check(runtime.block_on(tokio::deliver(job())));
}

/// Answers each datagram with what `answer` makes of its number.
fn datagrams(answer: impl Fn(usize) -> Vec<Vec<u8>> + Send + 'static) -> SocketAddr {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = socket.local_addr().unwrap();
    std::thread::spawn(move || {
        let mut buffer = [0; 100];
        for number in 0.. {
            let Ok((length, peer)) = socket.recv_from(&mut buffer) else {
                return;
            };
            assert_eq!(buffer.get(..length), Some(&b"request"[..]));
            for datagram in answer(number) {
                socket.send_to(&datagram, peer).unwrap();
            }
        }
    });
    address
}

/// Takes `connections` streams, reads a request from each, writes `pieces` one by one, and closes.
fn streams(connections: usize, pieces: Vec<Vec<u8>>) -> (SocketAddr, JoinHandle<()>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        for _ in 0..connections {
            let (mut stream, _) = listener.accept().unwrap();
            let mut request = [0; 11];
            stream.read_exact(&mut request).unwrap();
            assert_eq!(&request, b"\0\0\0\x07request");
            for piece in &pieces {
                // The client may have closed already.
                let _ = stream.write_all(piece);
                let _ = stream.flush();
                std::thread::sleep(Duration::from_millis(5));
            }
        }
    });
    (address, thread)
}

fn outcomes(attempts: &[Attempt]) -> Vec<AttemptOutcome> {
    attempts.iter().map(|attempt| attempt.outcome.clone()).collect()
}

#[test]
fn a_datagram_is_answered() {
    let address = datagrams(|_| vec![reply()]);
    both(&[target(address, Transport::Udp)], |result| {
        let delivered = result.unwrap();
        assert_eq!(delivered.reply, reply());
        assert_eq!(outcomes(&delivered.attempts), [AttemptOutcome::Answered]);
    });
}

#[test]
fn a_lost_datagram_is_sent_again() {
    let address = datagrams(|number| if number % 2 == 0 { vec![] } else { vec![reply()] });
    both(&[target(address, Transport::Udp)], |result| {
        let delivered = result.unwrap();
        assert_eq!(delivered.attempts.first().unwrap().sent, 2);
    });
}

#[test]
fn rubbish_before_the_true_datagram_does_no_harm() {
    let address = datagrams(|_| vec![b"rubbish".to_vec(), Vec::new(), reply()]);
    both(&[target(address, Transport::Udp)], |result| {
        assert_eq!(result.unwrap().reply, reply())
    });
}

#[test]
fn rubbish_alone_is_told_and_the_next_kdc_is_asked() {
    let rubbish = datagrams(|_| vec![b"rubbish".to_vec()]);
    let good = datagrams(|_| vec![reply()]);
    both(
        &[target(rubbish, Transport::Udp), target(good, Transport::Udp)],
        |result| {
            let expected = [
                AttemptOutcome::NotKerberos { received: 7 },
                AttemptOutcome::Answered,
            ];
            assert_eq!(outcomes(&result.unwrap().attempts), expected);
        },
    );
}

#[test]
fn a_reply_from_another_address_is_not_heard() {
    let asked = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = asked.local_addr().unwrap();
    let thread = std::thread::spawn(move || {
        let other = UdpSocket::bind("127.0.0.1:0").unwrap();
        asked.set_read_timeout(Some(Duration::from_secs(2))).unwrap();
        let mut buffer = [0; 100];
        // Both fronts send twice.
        for _ in 0..4 {
            let (_, peer) = asked.recv_from(&mut buffer).unwrap();
            let _ = other.send_to(&reply(), peer);
        }
    });
    both(&[target(address, Transport::Udp)], |result| {
        assert_eq!(
            outcomes(&result.unwrap_err().attempts),
            [AttemptOutcome::NoAnswer]
        );
    });
    thread.join().unwrap();
}

#[test]
fn silence_over_udp_leads_to_tcp() {
    let silent = datagrams(|_| vec![]);
    let (stream, thread) = streams(2, vec![framed(&reply()).unwrap()]);
    both(
        &[target(silent, Transport::Udp), target(stream, Transport::Tcp)],
        |result| {
            let expected = [AttemptOutcome::NoAnswer, AttemptOutcome::Answered];
            assert_eq!(outcomes(&result.unwrap().attempts), expected);
        },
    );
    thread.join().unwrap();
}

#[test]
fn a_stream_may_come_byte_by_byte() {
    let bytes = framed(&reply()).unwrap();
    let (address, thread) = streams(2, bytes.iter().map(|byte| vec![*byte]).collect());
    let slow = Timing {
        per_address: Duration::from_secs(3),
        ..timing()
    };
    let job = || Job {
        request: Arc::from(&b"request"[..]),
        targets: vec![target(address, Transport::Tcp)].into(),
        order: vec![0],
        timing: slow,
        peer: Peer::Kdc,
    };
    assert_eq!(blocking::deliver(&job()).unwrap().reply, reply());
    let runtime = ::tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    assert_eq!(runtime.block_on(tokio::deliver(job())).unwrap().reply, reply());
    thread.join().unwrap();
}

#[test]
fn a_stream_that_ends_announces_too_much_or_talks_rubbish_is_told() {
    for (pieces, expected) in [
        (
            vec![b"\0\0\0\x09ab".to_vec()],
            AttemptOutcome::Closed { received: 2 },
        ),
        (
            vec![b"\xff\xff\xff\xff".to_vec()],
            AttemptOutcome::Oversized { announced: u32::MAX },
        ),
        (
            vec![b"\0\0\0\x03abc".to_vec()],
            AttemptOutcome::NotKerberos { received: 3 },
        ),
        (vec![], AttemptOutcome::Closed { received: 0 }),
    ] {
        let (address, thread) = streams(2, pieces);
        both(&[target(address, Transport::Tcp)], |result| {
            assert_eq!(
                outcomes(&result.unwrap_err().attempts),
                std::slice::from_ref(&expected)
            );
        });
        thread.join().unwrap();
    }
}

#[test]
fn a_kdc_that_cannot_serve_leads_to_the_next() {
    let unavailable = datagrams(|_| vec![error(ErrorCode::KDC_ERR_SVC_UNAVAILABLE)]);
    let good = datagrams(|_| vec![reply()]);
    both(
        &[target(unavailable, Transport::Udp), target(good, Transport::Udp)],
        |result| {
            let expected = [AttemptOutcome::Unavailable, AttemptOutcome::Answered];
            assert_eq!(outcomes(&result.unwrap().attempts), expected);
        },
    );
    both(&[target(unavailable, Transport::Udp)], |result| {
        assert_eq!(
            outcomes(&result.unwrap_err().attempts),
            [AttemptOutcome::Unavailable]
        );
    });
}

#[test]
fn a_closed_port_ends_the_attempt_at_once() {
    // Bound and dropped: nobody listens there.
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    let tcp = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap();
    both(
        &[target(udp, Transport::Udp), target(tcp, Transport::Tcp)],
        |result| {
            let undelivered = result.unwrap_err();
            let refused = AttemptOutcome::Failed("connection refused".to_owned());
            assert_eq!(outcomes(&undelivered.attempts), [refused.clone(), refused]);
        },
    );
}

#[test]
fn a_stream_that_never_answers_ends_with_the_plan() {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap();
    both(&[target(address, Transport::Tcp)], |result| {
        let undelivered = result.unwrap_err();
        assert_eq!(outcomes(&undelivered.attempts), [AttemptOutcome::NoAnswer]);
        assert!(undelivered.took < timing().total, "{:?}", undelivered.took);
    });
}
