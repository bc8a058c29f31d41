//! A client of the AS exchange over whatever carries its bytes

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpStream, UdpSocket};
use std::time::Duration;

use kerbside_asn1::Principal;
use kerbside_crypto::{LongTermKey, Password};
use kerbside_protocol::{Answer, AsDone, AsExchange, AsOutcome, AsParams, ProtocolError};
use kerbside_server::{clock, system_rng};

/// What a client proves itself with
#[derive(Clone)]
pub(crate) enum Proof<'a> {
    Password(&'a str),
    Key(LongTermKey),
}

/// Logs in; `send` carries a request to the KDC and its reply back
pub(crate) fn login(
    client: &Principal,
    proof: &Proof<'_>,
    send: &mut dyn FnMut(&[u8]) -> Vec<u8>,
) -> Result<AsDone, ProtocolError> {
    let mut outcome = AsExchange::start(AsParams::new(client.clone()), clock::now(), &mut system_rng())?;
    loop {
        outcome = match outcome {
            AsOutcome::Send { request, pending, .. } => {
                pending.reply(&send(&request), clock::now(), &mut system_rng())?
            }
            AsOutcome::Ask { pending, .. } => {
                let answer = match proof {
                    Proof::Password(password) => Answer::Password(Password::from(*password)),
                    Proof::Key(key) => Answer::Key(key.clone()),
                };
                pending.answer(answer, clock::now(), &mut system_rng())?
            }
            AsOutcome::Done(done) => return Ok(*done),
            other => panic!("unexpected outcome {other:?}"),
        };
    }
}

/// The first request of a login, as bytes
pub(crate) fn first_request(client: &Principal) -> Vec<u8> {
    match AsExchange::start(AsParams::new(client.clone()), clock::now(), &mut system_rng()).unwrap() {
        AsOutcome::Send { request, .. } => request,
        other => panic!("unexpected outcome {other:?}"),
    }
}

pub(crate) fn udp_socket() -> UdpSocket {
    let socket = UdpSocket::bind("127.0.0.1:0").unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// One datagram there and one back; sent again when nothing comes, as clients do
pub(crate) fn by_udp(kdc: SocketAddr, request: &[u8]) -> Vec<u8> {
    let socket = udp_socket();
    socket.set_read_timeout(Some(Duration::from_secs(1))).unwrap();
    let mut reply = vec![0; 65_535];
    for _ in 0..10 {
        socket.send_to(request, kdc).unwrap();
        if let Ok((length, _)) = socket.recv_from(&mut reply) {
            reply.truncate(length);
            return reply;
        }
    }
    panic!("the KDC does not answer");
}

pub(crate) fn tcp_stream(kdc: SocketAddr) -> TcpStream {
    let stream = TcpStream::connect(kdc).unwrap();
    stream.set_read_timeout(Some(Duration::from_secs(20))).unwrap();
    stream
}

pub(crate) fn read_framed(stream: &mut TcpStream) -> std::io::Result<Vec<u8>> {
    let mut length = [0; 4];
    stream.read_exact(&mut length)?;
    let mut reply = vec![0; u32::from_be_bytes(length) as usize];
    stream.read_exact(&mut reply)?;
    Ok(reply)
}

pub(crate) fn framed(request: &[u8]) -> Vec<u8> {
    [&(request.len() as u32).to_be_bytes(), request].concat()
}

/// One connection for one request
pub(crate) fn by_tcp(kdc: SocketAddr, request: &[u8]) -> Vec<u8> {
    let mut stream = tcp_stream(kdc);
    stream.write_all(&framed(request)).unwrap();
    read_framed(&mut stream).expect("the KDC answers")
}
