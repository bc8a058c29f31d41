//! Both fronts against proxies made of a TLS socket that behave in every way a proxy should not.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

use std::io::Write as _;
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_asn1::{ErrorCode, Principal};
use kerbside_formats::host_string::ServerAddress;
use kerbside_protocol::ErrorReply;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::rustls::ServerConfig;
use tokio_rustls::rustls::pki_types::pem::PemObject;
use tokio_rustls::rustls::pki_types::{CertificateDer, PrivateKeyDer};

use super::*;
use crate::driver::{Blocking, Driver, Tokio};
use crate::schedule::{Target, Timing};
use crate::transport::{Delivered, Job, Peer, Undelivered};

const AUTHORITY: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/ca.pem");

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn acceptor() -> TlsAcceptor {
    let chain = CertificateDer::from_pem_slice(include_bytes!("../../../tests/tls/server.pem")).unwrap();
    let key = PrivateKeyDer::from_pem_slice(include_bytes!("../../../tests/tls/server.key")).unwrap();
    let config =
        ServerConfig::builder_with_provider(Arc::new(tokio_rustls::rustls::crypto::ring::default_provider()))
            .with_safe_default_protocol_versions()
            .unwrap()
            .with_no_client_auth()
            .with_single_cert(vec![chain], key)
            .unwrap();
    TlsAcceptor::from(Arc::new(config))
}

/// A proxy that answers every request with these bytes; it hands out what it was sent.
fn proxy(answer: Vec<u8>) -> (SocketAddr, std::sync::mpsc::Receiver<Vec<u8>>) {
    let (requests, received) = std::sync::mpsc::channel();
    let (ready, address) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        runtime().block_on(async move {
            let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
            ready.send(listener.local_addr().unwrap()).unwrap();
            let acceptor = acceptor();
            loop {
                let (stream, _) = listener.accept().await.unwrap();
                let Ok(mut stream) = acceptor.accept(stream).await else {
                    continue;
                };
                let mut request = Vec::new();
                let mut buffer = [0; 4096];
                while !request.ends_with(b"request\xa1\x08\x1b\x06R.TEST") {
                    match stream.read(&mut buffer).await {
                        Ok(count) if count > 0 => request.extend_from_slice(&buffer[..count]),
                        _ => break,
                    }
                }
                let _ = requests.send(request);
                if answer.is_empty() {
                    // Silence, with the stream open.
                    std::mem::forget(stream);
                    continue;
                }
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
            }
        });
    });
    (address.recv().unwrap(), received)
}

fn tls() -> Arc<ClientConfig> {
    tls_config(&[Anchors::File(AUTHORITY.into())]).unwrap()
}

/// The same request through both fronts.
fn both(
    address: SocketAddr,
    url: &str,
    tls: &Arc<ClientConfig>,
    check: impl Fn(Result<Delivered, Undelivered>),
) {
    let server = ServerAddress::parse(url, 88).unwrap();
    let target = Target {
        server: url.to_owned(),
        address,
        transport: crate::Transport::Https,
        proxy: Some(Arc::new(Proxy::new(&server, &Realm::from("R.TEST"), tls))),
    };
    let job = || Job {
        request: Arc::from(&b"request"[..]),
        targets: Arc::from([target.clone()]),
        order: vec![0],
        timing: Timing {
            per_address: Duration::from_millis(200),
            first_pause: Duration::from_millis(200),
            passes: 2,
            total: Duration::from_millis(800),
        },
        peer: Peer::Kdc,
    };
    let result = crate::driver::block_on(async { Ok(Blocking.deliver(job()).await) });
    check(result.unwrap());
    check(runtime().block_on(Tokio.deliver(job())));
}

fn failure(address: SocketAddr, url: &str, tls: &Arc<ClientConfig>, expected: &str) {
    both(address, url, tls, |result| {
        let attempts = result.unwrap_err().attempts;
        assert_eq!(attempts.len(), 1);
        let found = attempts[0].outcome.to_string();
        assert!(found.contains(expected), "expected {expected}, but found {found}");
    });
}

fn http_answer(status: &str, body: &[u8]) -> Vec<u8> {
    let mut answer = Vec::new();
    write!(
        answer,
        "HTTP/1.1 {status}\r\nContent-Type: application/kerberos\r\nContent-Length: {}\r\n\r\n",
        body.len()
    )
    .unwrap();
    answer.extend_from_slice(body);
    answer
}

fn message() -> Vec<u8> {
    let now = kerbside_protocol::Now {
        time: kerbside_asn1::KerberosTime::from_unix_seconds(1),
        usec: kerbside_asn1::Microseconds::ZERO,
    };
    ErrorReply::new(ErrorCode::KDC_ERR_PREAUTH_REQUIRED, Principal::krbtgt("R", "R"))
        .to_bytes(now)
        .unwrap()
}

fn envelope(message: &[u8], claimed: usize) -> Vec<u8> {
    let framed = [&u32::try_from(claimed).unwrap().to_be_bytes()[..], message].concat();
    kerbside_asn1::encode(&KdcProxyMessage {
        kerb_message: &framed,
        target_domain: None,
        dclocator_hint: None,
    })
    .unwrap()
}

#[test]
fn a_message_goes_in_a_post_and_the_reply_comes_back() {
    let reply = message();
    let (address, received) = proxy(http_answer("200 OK", &envelope(&reply, reply.len())));
    let url = format!("https://localhost:{}/KdcProxy", address.port());
    both(address, &url, &tls(), |result| {
        let delivered = result.unwrap();
        assert_eq!(delivered.reply, reply);
        assert_eq!(delivered.attempts[0].outcome, AttemptOutcome::Answered);
        let request = received.recv().unwrap();
        let text = String::from_utf8_lossy(&request).to_lowercase();
        let head = format!(
            "post /kdcproxy http/1.1\r\nhost: localhost:{}\r\n",
            address.port()
        );
        assert!(text.starts_with(&head), "{text}");
        assert!(text.contains("content-type: application/kerberos\r\n"), "{text}");
        assert!(request.ends_with(b"\0\0\0\x07request\xa1\x08\x1b\x06R.TEST"));
    });
}

#[test]
fn a_certificate_has_to_be_trusted_and_for_the_name() {
    let (address, received) = proxy(http_answer("200 OK", b""));
    let by_address = format!("https://127.0.0.1:{}/", address.port());
    failure(address, &by_address, &tls(), "bytes that are no Kerberos reply");
    let other = format!("https://other.test:{}/", address.port());
    failure(
        address,
        &other,
        &tls(),
        "TLS: invalid peer certificate: certificate not valid for name \"other.test\"",
    );
    let system = tls_config(&[]).unwrap_or_else(|_| {
        // A machine without any trusted certificate: then one that is not the server's authority.
        tls_config(&[Anchors::File(
            concat!(env!("CARGO_MANIFEST_DIR"), "/tests/tls/server.pem").into(),
        )])
        .unwrap()
    });
    let url = format!("https://localhost:{}/", address.port());
    failure(
        address,
        &url,
        &system,
        "TLS: invalid peer certificate: UnknownIssuer",
    );
    drop(received);
}

#[test]
fn what_is_no_reply_is_told() {
    let reply = message();
    for (answer, expected) in [
        (
            http_answer("302 Found", b""),
            "the proxy answers HTTP status 302 Found",
        ),
        (
            http_answer("503 Service Unavailable", b""),
            "the proxy answers HTTP status 503 Service Unavailable",
        ),
        (
            http_answer("200 OK", b"<html>"),
            "6 bytes that are no Kerberos reply",
        ),
        (
            http_answer("200 OK", &envelope(&reply, reply.len() + 1)),
            "bytes that are no Kerberos reply",
        ),
        (
            http_answer("200 OK", &envelope(&[0x6a, 0], 2)),
            "2 bytes that are no Kerberos reply",
        ),
        (
            http_answer("200 OK", &vec![0; MAX_REPLY_BYTES + ENVELOPE_BYTES + 1]),
            "HTTP: length limit exceeded",
        ),
        (
            b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc".to_vec(),
            "HTTP: ",
        ),
        (b"SSH-2.0\r\n".to_vec(), "HTTP: "),
    ] {
        let (address, _received) = proxy(answer);
        let url = format!("https://localhost:{}/KdcProxy", address.port());
        failure(address, &url, &tls(), expected);
    }
}

#[test]
fn silence_ends_with_the_deadline() {
    let (address, _received) = proxy(Vec::new());
    let url = format!("https://localhost:{}/KdcProxy", address.port());
    let start = Instant::now();
    failure(address, &url, &tls(), "no answer");
    assert!(start.elapsed() < Duration::from_secs(4));
}

#[test]
fn anchors_are_files_folders_or_variables() {
    let parse = |value: &str| Anchors::parse(value, |name| (name == "SET").then(|| "DIR:/certs".to_owned()));
    assert_eq!(parse("FILE:/ca.pem").unwrap(), Anchors::File("/ca.pem".into()));
    assert_eq!(parse("DIR:/certs").unwrap(), Anchors::Dir("/certs".into()));
    assert_eq!(parse("ENV:SET").unwrap(), Anchors::Dir("/certs".into()));
    assert_eq!(parse("ENV:UNSET").unwrap_err(), "http_anchors: UNSET is not set");
    assert_eq!(
        parse("/ca.pem").unwrap_err(),
        "http_anchors: expected FILE:, DIR: or ENV:, but found \"/ca.pem\""
    );
    let dir = tempfile::tempdir().unwrap();
    let empty = tls_config(&[Anchors::Dir(dir.path().into())]).unwrap_err();
    assert_eq!(
        empty,
        "no certificate is trusted: http_anchors names none, and the system has none"
    );
    std::fs::write(dir.path().join("README"), "no certificate").unwrap();
    std::fs::copy(AUTHORITY, dir.path().join("ca.pem")).unwrap();
    assert!(tls_config(&[Anchors::Dir(dir.path().into())]).is_ok());
    let file = dir.path().join("README");
    assert_eq!(
        tls_config(&[Anchors::File(file.clone())]).unwrap_err(),
        format!("http_anchors: no certificate in {}", file.display())
    );
    let gone = dir.path().join("gone");
    assert_eq!(
        tls_config(&[Anchors::File(gone.clone())]).unwrap_err(),
        format!("http_anchors: {}: no such file or directory", gone.display())
    );
}

/// The variables of a process cannot be set safely from within it: the test starts itself again.
#[test]
fn variables_choose_no_certificates_of_a_program_with_more_rights_than_its_user() {
    const AGAIN: &str = "KERBSIDE_TEST_CERTIFICATES";
    if std::env::var_os(AGAIN).is_none() {
        let name = "transport::proxy::tests::\
                    variables_choose_no_certificates_of_a_program_with_more_rights_than_its_user";
        let run = std::process::Command::new(std::env::current_exe().unwrap())
            .args(["--exact", name])
            .env(AGAIN, "1")
            .env("SSL_CERT_FILE", AUTHORITY)
            .env_remove("SSL_CERT_DIR")
            .output()
            .unwrap();
        let text = String::from_utf8_lossy(&run.stdout);
        assert!(run.status.success() && text.contains("1 passed"), "{text}");
        return;
    }
    let authority = CertificateDer::from_pem_file(AUTHORITY).unwrap();
    assert_eq!(
        anchors::system_certificates(false).as_slice(),
        std::slice::from_ref(&authority)
    );
    assert!(!anchors::system_certificates(true).contains(&authority));
}
