//! What the log gets to see of requests that strangers send: no token, no control character, no endless line.
#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::convert::Infallible;
use std::fmt::{Debug, Write};
use std::sync::{Arc, Mutex};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{Request, Response, StatusCode, header};
use http_body_util::Full;
use kerbside_asn1::{
    ApOptions, ApReq, EncryptedData, MsgType, Name, Principal, Raw, Ticket, encode, gss_token, oids,
};
use kerbside_client::{MemoryReplayCache, now};
use kerbside_crypto::EncryptionType;
use kerbside_gss::{Acceptor, AcceptorParams, MemoryKeys, ServiceName};
use kerbside_http::{NegotiateLayer, Settings};
use tower::{Layer, ServiceExt, service_fn};
use tracing::field::{Field, Visit};
use tracing::span;

/// Keeps each event of this crate as one line; the trace of the layers below has tests of its own.
#[derive(Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

struct Line(String);

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        write!(self.0, "{field}={value:?} ").unwrap();
    }
}

impl tracing::Subscriber for Lines {
    fn enabled(&self, metadata: &tracing::Metadata<'_>) -> bool {
        metadata.target().starts_with("kerbside_http")
    }

    fn new_span(&self, _: &span::Attributes<'_>) -> span::Id {
        span::Id::from_u64(1)
    }

    fn record(&self, _: &span::Id, _: &span::Record<'_>) {}

    fn record_follows_from(&self, _: &span::Id, _: &span::Id) {}

    fn event(&self, event: &tracing::Event<'_>) {
        let mut line = Line(String::new());
        event.record(&mut line);
        self.0.lock().unwrap().push(line.0);
    }

    fn enter(&self, _: &span::Id) {}

    fn exit(&self, _: &span::Id) {}
}

/// An AP-REQ token with a ticket for this service that nobody can open.
fn token_for(service: &[u8]) -> Vec<u8> {
    let name = Name::new(&[service]);
    let sealed = || EncryptedData {
        etype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
        kvno: None,
        cipher: &[7; 64],
    };
    let ticket = encode(&Ticket {
        tkt_vno: 5,
        realm: "EXAMPLE.TEST".into(),
        sname: name.to_wire(),
        enc_part: sealed(),
    })
    .unwrap();
    let request = encode(&ApReq {
        pvno: 5,
        msg_type: MsgType::AP_REQ,
        ap_options: ApOptions::NONE,
        ticket: Raw::parse(&ticket).unwrap(),
        authenticator: sealed(),
    })
    .unwrap();
    gss_token::wrap(oids::KRB5, &[&[1, 0][..], &request].concat())
}

fn layer() -> NegotiateLayer {
    let service = ServiceName::Principal(Principal::new("EXAMPLE.TEST", &["HTTP", "localhost"]));
    let replay = Arc::new(MemoryReplayCache::new(now()));
    let params = AcceptorParams::new(Arc::new(MemoryKeys::default()), service, replay);
    NegotiateLayer::new(Settings::new(Acceptor::new(params)))
}

async fn handler(_: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    Ok(Response::new(Full::from("in")))
}

async fn ask(path: &str, authorization: Option<String>) -> StatusCode {
    let service = layer().layer(service_fn(handler));
    let mut request = Request::builder().uri(path);
    if let Some(value) = authorization {
        request = request.header(header::AUTHORIZATION, value);
    }
    let request = request.body(Full::from("")).unwrap();
    service.oneshot(request).await.unwrap().status()
}

#[tokio::test]
async fn strangers_write_short_clean_lines() {
    let lines = Lines::default();
    let _guard = tracing::subscriber::set_default(lines.clone());
    let negotiate = |token: &[u8]| Some(format!("Negotiate {}", STANDARD.encode(token)));
    let long = token_for(&[b'a'; 40_000]);
    let controls = token_for("HTTP\r\nlevel=INFO \u{1b}[2J\u{9b}2J\u{202e}".as_bytes());
    let refused = [
        ("/", None),
        ("/\u{9b}2J\u{202e}", None),
        ("/", negotiate(&long)),
        ("/", negotiate(&controls)),
        ("/", negotiate(b"NTLMSSP\0\x01\0\0\0\x97\x82\x08\xe2")),
        ("/", Some("Negotiate YIIabcdefghijklmnopqrstuvwxyz!".to_owned())),
        ("/", Some("Basic YWxpY2U6c2VjcmV0".to_owned())),
    ];
    for (path, authorization) in refused.clone() {
        assert_eq!(ask(path, authorization).await, StatusCode::UNAUTHORIZED);
    }
    let lines = lines.0.lock().unwrap();
    assert_eq!(lines.len(), refused.len(), "{lines:?}");
    for line in lines.iter() {
        assert!(line.len() < 3000, "a line of {} octets", line.len());
        let unclean = |c: char| c.is_control() || c == '\u{202e}';
        assert!(!line.contains(unclean), "{line:?}");
        for (_, authorization) in &refused {
            let Some((_, token)) = authorization.as_deref().and_then(|value| value.split_once(' ')) else {
                continue;
            };
            let start = token.get(..16).unwrap();
            assert!(!line.contains(start), "the token is in the log: {line}");
        }
    }
}
