//! Both fronts against password servers made of sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing
)] // a failure here is the test's failure

use std::io::{Read, Write};
use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use kerbside_asn1::{KerberosTime, KpasswdReply, KpasswdRequest, TicketFlags};
use kerbside_crypto::{EncryptionType, Key, SessionKey};
use kerbside_protocol::ErrorReply;

use super::*;
use crate::{AsyncClient, AttemptOutcome, Client, Config, Environment, Timing};

/// Any ticket does: these servers only refuse.
fn request() -> PasswordRequest {
    let key = Key::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut OsRandom).unwrap();
    let ticket = Credential {
        client: Principal::new("R", &["alice"]),
        server: KpasswdExchange::service(&Realm::from("R")),
        session_key: SessionKey::from(key),
        auth_time: KerberosTime::from_unix_seconds(1),
        start_time: KerberosTime::from_unix_seconds(1),
        end_time: KerberosTime::from_unix_seconds(4_000_000_000),
        renew_till: KerberosTime::EPOCH,
        is_skey: false,
        flags: TicketFlags::default(),
        addresses: Vec::new(),
        authdata: Vec::new(),
        ticket: encoded_ticket(),
        second_ticket: Vec::new(),
    };
    PasswordRequest::new(ticket, Password::from("new"))
}

fn encoded_ticket() -> Vec<u8> {
    let server = KpasswdExchange::service(&Realm::from("R"));
    let ticket = kerbside_asn1::Ticket {
        tkt_vno: 5,
        realm: server.realm.to_wire(),
        sname: server.name.to_wire(),
        enc_part: kerbside_asn1::EncryptedData {
            etype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
            kvno: Some(1),
            cipher: &[7; 40],
        },
    };
    kerbside_asn1::encode(&ticket).unwrap()
}

fn error(code: ErrorCode) -> Vec<u8> {
    let mut error = ErrorReply::new(code, KpasswdExchange::service(&Realm::from("R")));
    error.e_data = Some(b"\0\0".to_vec());
    let bytes = error.to_bytes(clock::now()).unwrap();
    KpasswdReply::Error(&bytes).to_bytes().unwrap()
}

/// The request of both fronts to the server at `port`.
fn both(port: u16, check: impl Fn(Result<PasswordReply, Error>)) {
    let text = format!("[realms]\n R = {{\n  kpasswd_server = 127.0.0.1:{port}\n }}\n");
    let config = Arc::new(Config::from_text(&text, "krb5.conf", Environment::default()).unwrap());
    let timing = Timing {
        per_address: Duration::from_millis(60),
        first_pause: Duration::from_millis(60),
        passes: 2,
        total: Duration::from_secs(5),
    };
    let client = Client::new(Arc::clone(&config)).with_timing(timing);
    check(client.change_password(&request()));
    let client = AsyncClient::new(config).with_timing(timing);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    check(runtime.block_on(client.change_password(&request())));
}

/// A server on one port of both transports.
fn server(datagram: Option<Vec<u8>>, stream: Option<Vec<u8>>) -> (u16, Arc<AtomicUsize>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let port = listener.local_addr().unwrap().port();
    let socket = UdpSocket::bind(("127.0.0.1", port)).unwrap();
    let streams = Arc::new(AtomicUsize::new(0));
    std::thread::spawn(move || {
        let mut buffer = [0; 4096];
        while let Ok((length, peer)) = socket.recv_from(&mut buffer) {
            assert!(KpasswdRequest::parse(&buffer[..length]).is_some());
            if let Some(reply) = &datagram {
                socket.send_to(reply, peer).unwrap();
            }
        }
    });
    let count = Arc::clone(&streams);
    std::thread::spawn(move || {
        for connection in listener.incoming() {
            let mut connection = connection.unwrap();
            count.fetch_add(1, Ordering::SeqCst);
            let mut length = [0; 4];
            connection.read_exact(&mut length).unwrap();
            let mut request = vec![0; usize::try_from(u32::from_be_bytes(length)).unwrap()];
            connection.read_exact(&mut request).unwrap();
            assert!(KpasswdRequest::parse(&request).is_some());
            let Some(reply) = &stream else { continue };
            let length = u32::try_from(reply.len()).unwrap().to_be_bytes();
            connection.write_all(&[&length[..], reply].concat()).unwrap();
        }
    });
    (port, streams)
}

fn refused(result: Result<PasswordReply, Error>) -> ErrorCode {
    match result {
        Err(Error::Exchange { source, attempts, .. }) => {
            assert!(
                attempts
                    .iter()
                    .any(|attempt| attempt.outcome == AttemptOutcome::Answered)
            );
            source.code().unwrap()
        }
        other => panic!("expected a refusal, but found {other:?}"),
    }
}

#[test]
fn an_error_with_result_code_0_is_a_refusal() {
    let (port, streams) = server(Some(error(ErrorCode::KRB_AP_ERR_MODIFIED)), None);
    both(port, |result| {
        assert_eq!(refused(result), ErrorCode::KRB_AP_ERR_MODIFIED);
    });
    assert_eq!(streams.load(Ordering::SeqCst), 0);
}

#[test]
fn a_reply_too_big_for_a_datagram_comes_over_a_stream() {
    let too_big = error(ErrorCode::KRB_ERR_RESPONSE_TOO_BIG);
    let (port, streams) = server(Some(too_big.clone()), Some(error(ErrorCode::KRB_AP_ERR_REPEAT)));
    both(port, |result| {
        assert_eq!(refused(result), ErrorCode::KRB_AP_ERR_REPEAT)
    });
    assert_eq!(streams.load(Ordering::SeqCst), 2);
    // Over a stream it is an answer like any other.
    let (port, _) = server(Some(too_big.clone()), Some(too_big));
    both(port, |result| {
        assert_eq!(refused(result), ErrorCode::KRB_ERR_RESPONSE_TOO_BIG);
    });
}

#[test]
fn silence_by_datagram_is_followed_by_a_stream() {
    let (port, _) = server(None, Some(error(ErrorCode::KRB_AP_ERR_REPEAT)));
    both(port, |result| {
        assert_eq!(refused(result), ErrorCode::KRB_AP_ERR_REPEAT)
    });
}

#[test]
fn rubbish_and_silence_end_with_each_address_named() {
    // An AS-REP is no answer of a password server.
    let (port, _) = server(Some(vec![0x6b, 0]), Some(vec![0x6b, 0]));
    both(port, |result| match result {
        Err(Error::KpasswdUnreachable { attempts, .. }) => {
            let rubbish = AttemptOutcome::NotKerberos { received: 2 };
            assert_eq!(attempts.len(), 2);
            assert!(
                attempts.iter().all(|attempt| attempt.outcome == rubbish),
                "{attempts:?}"
            );
        }
        other => panic!("expected silence, but found {other:?}"),
    });
}

#[test]
fn the_senders_address_is_that_of_the_route() {
    let peer = SocketAddr::from(([127, 0, 0, 1], 464));
    assert_eq!(local_address(peer), Some(IpAddr::from([127, 0, 0, 1])));
}
