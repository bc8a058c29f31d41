//! Sockets under abuse: whatever comes, good requests are answered

use std::io::{Read, Write};
use std::net::{SocketAddr, TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_asn1::{ErrorCode, KrbError, decode};
use kerbside_formats::host_string::HostPort;
use kerbside_kdc::KdcPolicy;
use kerbside_server::create::first_principals;
use kerbside_server::store::{MasterKey, PrincipalStore, RedbStore};
use kerbside_server::{KdcServer, KdcServerConfig, Limits, Listeners, Realm, system_rng};

use crate::as_client::{
    Proof, by_tcp, by_udp, first_request, framed, login, read_framed, tcp_stream, udp_socket,
};

fn realm() -> Realm {
    Realm::builder().user("alice", "secret").start().unwrap()
}

fn good(realm: &Realm) {
    let alice = realm.principal("alice").unwrap();
    let kdc = realm.kdc_address().unwrap();
    login(&alice, &Proof::Password("secret"), &mut |request| {
        by_udp(kdc, request)
    })
    .unwrap();
    login(&alice, &Proof::Password("secret"), &mut |request| {
        by_tcp(kdc, request)
    })
    .unwrap();
}

/// A KDC with other limits and no users: it answers with errors
fn server_with(limits: Limits) -> (KdcServer, SocketAddr) {
    let policy = KdcPolicy::new(kerbside_asn1::Realm::from("EXAMPLE.TEST"));
    let defaults = kerbside_server::admin::AdminDefaults::default();
    let entries = first_principals("EXAMPLE.TEST", &defaults).unwrap();
    let master = MasterKey::generate(
        kerbside_crypto::EncryptionType::AES128_CTS_HMAC_SHA1_96,
        &mut system_rng(),
    )
    .unwrap();
    let store = RedbStore::in_memory("memory".as_ref(), "EXAMPLE.TEST", master, &entries).unwrap();
    let store: Arc<dyn PrincipalStore> = Arc::new(store);
    let listeners = Listeners::loopback_free().unwrap();
    let address = listeners.tcp_addresses()[0];
    let config = KdcServerConfig {
        listeners,
        limits,
        ..KdcServerConfig::new(policy, store)
    };
    (KdcServer::start(config).unwrap(), address)
}

fn request() -> Vec<u8> {
    first_request(&kerbside_asn1::Principal::new("EXAMPLE.TEST", &["nobody"]))
}

#[test]
fn garbage_datagrams_do_not_keep_it_from_answering() {
    let realm = realm();
    let kdc = realm.kdc_address().unwrap();
    let socket = udp_socket();
    let mut state = 1_u32;
    for length in (0..3000).chain([9000, 60_000]) {
        let bytes: Vec<u8> = (0..length % 1400 + length / 3000)
            .map(|_| {
                state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
                (state >> 24) as u8
            })
            .collect();
        let _ = socket.send_to(&bytes, kdc);
    }
    good(&realm);
}

#[test]
fn each_prefix_and_each_altered_byte_of_a_request_is_survived() {
    let realm = realm();
    let request = first_request(&realm.principal("alice").unwrap());
    for cut in 0..request.len() {
        let _ = realm.exchange(&request[..cut]);
        let mut altered = request.clone();
        altered[cut] ^= 0xff;
        let _ = realm.exchange(&altered);
    }
    good(&realm);
}

#[test]
fn replies_and_errors_are_never_answered() {
    let realm = realm();
    let kdc = realm.kdc_address().unwrap();
    let request = first_request(&realm.principal("alice").unwrap());
    let error = by_udp(kdc, &request);
    assert_eq!(error[0], 0x7e);
    let alice = realm.principal("alice").unwrap();
    let mut last = Vec::new();
    login(&alice, &Proof::Password("secret"), &mut |request| {
        last = by_udp(kdc, request);
        last.clone()
    })
    .unwrap();
    assert_eq!(last[0], 0x6b, "an AS-REP");
    let socket = udp_socket();
    socket.set_read_timeout(Some(Duration::from_millis(300))).unwrap();
    for packet in [
        &error[..],
        &last[..],
        b"",
        b"\x7e\x00",
        b"\x6d\x00",
        b"\x6f\x02\x30\x00",
    ] {
        socket.send_to(packet, kdc).unwrap();
    }
    assert!(
        socket.recv_from(&mut [0; 4096]).is_err(),
        "an answer to a reply is a loop"
    );
    // Over a stream as well: the connection ends without a word.
    for packet in [&error[..], &last[..]] {
        let mut stream = tcp_stream(kdc);
        stream.write_all(&framed(packet)).unwrap();
        assert_eq!(stream.read(&mut [0; 16]).unwrap(), 0);
    }
}

#[test]
fn a_retransmitted_datagram_gets_the_same_reply_and_counts_once() {
    let realm = realm();
    let kdc = realm.kdc_address().unwrap();
    let alice = realm.principal("alice").unwrap();
    let socket = udp_socket();
    let mut reply = vec![0; 65_535];
    for (password, count) in [("secret", 0), ("wrong", 1)] {
        let mut sent = 0;
        let _ = login(&alice, &Proof::Password(password), &mut |request| {
            sent += 1;
            socket.send_to(request, kdc).unwrap();
            let (length, _) = socket.recv_from(&mut reply).unwrap();
            let first = reply[..length].to_vec();
            if sent == 2 {
                for _ in 0..3 {
                    socket.send_to(request, kdc).unwrap();
                    let (length, _) = socket.recv_from(&mut reply).unwrap();
                    assert_eq!(reply[..length], first, "the same session key, the same time");
                }
            }
            first
        });
        assert_eq!(sent, 2);
        assert_eq!(
            realm
                .admin()
                .store()
                .entry(&alice)
                .unwrap()
                .unwrap()
                .fail_auth_count,
            count
        );
    }
}

#[test]
fn a_reply_too_big_for_a_datagram_sends_the_client_to_a_stream() {
    let (_server, kdc) = server_with(Limits {
        udp_reply_bytes_max: 100,
        ..Limits::default()
    });
    let reply = by_udp(kdc, &request());
    assert!(reply.len() <= 100 || reply[0] == 0x7e);
    let error: KrbError<'_> = decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::KRB_ERR_RESPONSE_TOO_BIG);
    let reply = by_tcp(kdc, &request());
    let error: KrbError<'_> = decode(&reply).unwrap();
    assert_eq!(error.error_code, ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN);
}

#[test]
fn a_stream_carries_several_requests() {
    let (_server, kdc) = server_with(Limits::default());
    let mut stream = tcp_stream(kdc);
    for _ in 0..3 {
        stream.write_all(&framed(&request())).unwrap();
        assert_eq!(read_framed(&mut stream).unwrap()[0], 0x7e);
    }
    // Octet by octet.
    for octet in framed(&request()) {
        stream.write_all(&[octet]).unwrap();
    }
    assert_eq!(read_framed(&mut stream).unwrap()[0], 0x7e);
}

#[test]
fn a_length_that_is_not_acceptable_is_refused_by_its_code() {
    let (_server, kdc) = server_with(Limits::default());
    for length in [0x8000_0000_u32, 0xffff_ffff, 128 * 1024 + 1, 0x7fff_ffff] {
        let mut stream = tcp_stream(kdc);
        stream.write_all(&length.to_be_bytes()).unwrap();
        let reply = read_framed(&mut stream).unwrap();
        let error: KrbError<'_> = decode(&reply).unwrap();
        assert_eq!(error.error_code, ErrorCode::KRB_ERR_FIELD_TOOLONG);
        assert_eq!(
            stream.read(&mut [0; 16]).unwrap(),
            0,
            "and the connection is closed"
        );
    }
}

/// Deadlines so long that only the one under test can be the reason
fn patient() -> Limits {
    let long = Duration::from_secs(60);
    Limits {
        tcp_idle: long,
        tcp_message: long,
        tcp_total: long,
        ..Limits::default()
    }
}

#[test]
fn a_silent_connection_is_cut() {
    let (_server, kdc) = server_with(Limits {
        tcp_idle: Duration::from_millis(300),
        ..patient()
    });
    let began = Instant::now();
    let mut silent = tcp_stream(kdc);
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    // After a request as well.
    let mut silent = tcp_stream(kdc);
    silent.write_all(&framed(&request())).unwrap();
    read_framed(&mut silent).unwrap();
    assert_eq!(silent.read(&mut [0; 1]).unwrap(), 0);
    assert!(
        began.elapsed() < Duration::from_secs(10),
        "after {:?}",
        began.elapsed()
    );
}

#[test]
fn a_slow_sender_is_cut() {
    let (_server, kdc) = server_with(Limits {
        tcp_message: Duration::from_millis(400),
        ..patient()
    });
    // In the length, and behind it: an octet every 50 ms is not silence, but it is too slow.
    for quick in [1, 10] {
        let began = Instant::now();
        let mut slow = tcp_stream(kdc);
        slow.set_read_timeout(Some(Duration::from_millis(50))).unwrap();
        let message = [framed(&request()), vec![0; 1000]].concat();
        let message = [&0xffff_u32.to_be_bytes(), &message[4..]].concat();
        slow.write_all(&message[..quick]).unwrap();
        let cut = message[quick..]
            .iter()
            .any(|octet| slow.write_all(&[*octet]).is_err() || matches!(slow.read(&mut [0; 1]), Ok(0)));
        assert!(
            cut && began.elapsed() < Duration::from_secs(10),
            "after {:?}",
            began.elapsed()
        );
    }
}

#[test]
fn a_connection_ends_at_its_total_however_good_its_requests() {
    let (_server, kdc) = server_with(Limits {
        tcp_total: Duration::from_millis(800),
        ..patient()
    });
    let began = Instant::now();
    let mut busy = tcp_stream(kdc);
    while busy.write_all(&framed(&request())).is_ok() && read_framed(&mut busy).is_ok() {
        std::thread::sleep(Duration::from_millis(50));
        assert!(began.elapsed() < Duration::from_secs(10), "never cut");
    }
    assert!(began.elapsed() >= Duration::from_millis(800));
}

#[test]
fn connections_are_bounded_and_the_oldest_makes_room() {
    let (_server, kdc) = server_with(Limits {
        tcp_connections_max: 8,
        ..Limits::default()
    });
    let mut silent: Vec<_> = (0..40).map(|_| tcp_stream(kdc)).collect();
    for _ in 0..5 {
        assert_eq!(
            by_tcp(kdc, &request())[0],
            0x7e,
            "a good request is answered all the same"
        );
    }
    let is_open = |stream: &mut std::net::TcpStream| {
        stream.set_nonblocking(true).unwrap();
        // Otherwise it is closed or reset.
        matches!(stream.read(&mut [0; 1]), Err(e) if e.kind() == std::io::ErrorKind::WouldBlock)
    };
    assert!(!is_open(&mut silent[0]), "the oldest went first");
    assert!(is_open(&mut silent[39]), "the newest stays");
    let open = silent
        .iter_mut()
        .filter_map(|stream| is_open(stream).then_some(()))
        .count();
    assert!(open <= 8, "{open} of 40 are still open");
}

#[test]
fn garbage_streams_do_not_keep_it_from_answering() {
    let realm = realm();
    let kdc = realm.kdc_address().unwrap();
    let mut held = Vec::new();
    for number in 0..200_u32 {
        let mut stream = tcp_stream(kdc);
        let _ = stream.write_all(&number.to_be_bytes());
        let _ = stream.write_all(&vec![number as u8; number as usize / 2]);
        if number % 2 == 0 {
            held.push(stream);
        }
    }
    good(&realm);
}

#[test]
fn a_taken_port_is_named() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let entry = HostPort {
        host: Some("127.0.0.1".to_owned()),
        port: address.port(),
    };
    let error = Listeners::bind(&[], core::slice::from_ref(&entry)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} (TCP): the port is taken")
    );
    assert_eq!(
        error.hint().unwrap(),
        format!(
            "see who listens with `ss -lnp 'sport = :{}'`, or change kdc_listen in kdc.conf",
            address.port()
        )
    );
    let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
    let address = udp.local_addr().unwrap();
    let entry = HostPort {
        host: Some("127.0.0.1".to_owned()),
        port: address.port(),
    };
    let error = Listeners::bind(&[entry], &[]).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot listen on {address} (UDP): the port is taken")
    );
    // Every address of the machine: taken as well when one owner has the port.
    let entry = HostPort {
        host: None,
        port: address.port(),
    };
    assert!(Listeners::bind(&[entry], &[]).is_err());
    let free = HostPort {
        host: None,
        port: Listeners::loopback_free().unwrap().udp_addresses()[0].port(),
    };
    let both = Listeners::bind(core::slice::from_ref(&free), core::slice::from_ref(&free)).unwrap();
    assert!(!both.udp_addresses().is_empty() && !both.tcp_addresses().is_empty());
}
