//! The layer before a handler, with tickets of a real KDC (ours, in process) and no HTTP socket.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::convert::Infallible;
use std::sync::Arc;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderMap, Request, Response, StatusCode, header};
use http_body_util::{BodyExt, Full};
use kerbside_client::{
    AcceptorCredential, CacheName, Client, Config, CredentialStore, Environment, MemoryReplayCache, OsRandom,
    Secret, TgtRequest, now,
};
use kerbside_crypto::Password;
use kerbside_gss::{Acceptor, ContextFlags, GssName, Initiator, InitiatorParams, Mechanism, Step};
use kerbside_http::{Authenticated, NegotiateLayer, Settings, SetupError};
use kerbside_protocol::Credential;
use kerbside_server::Realm;
use tower::{Layer, Service, ServiceExt, service_fn};

/// What the handler saw.
async fn handler(request: Request<Full<Bytes>>) -> Result<Response<Full<Bytes>>, Infallible> {
    let who = request
        .extensions()
        .get::<Authenticated>()
        .expect("only authenticated requests get here");
    assert!(
        !request.headers().contains_key(header::AUTHORIZATION),
        "the token was handed on"
    );
    Ok(Response::new(Full::from(who.client().to_string())))
}

struct World {
    realm: Realm,
    client: Client,
    cache: CacheName,
}

impl World {
    fn new() -> Self {
        let realm = Realm::builder()
            .user("alice", "secret")
            .service("HTTP/localhost")
            .service("host/localhost")
            .start()
            .unwrap();
        let text = std::fs::read_to_string(realm.krb5_conf()).unwrap();
        let config = Config::from_text(&text, "krb5.conf", Environment::default()).unwrap();
        let client = Client::new(Arc::new(config));
        let cache = CacheName::Memory("test".into());
        let mut secret = Secret::Password(Password::from("secret"));
        let alice = realm.principal("alice").unwrap();
        let tgt = client.get_tgt(&TgtRequest::new(alice), &mut secret).unwrap();
        client.initialize_cache(&cache, &tgt).unwrap();
        Self { realm, client, cache }
    }

    fn layer(&self) -> NegotiateLayer {
        NegotiateLayer::from_keytab(self.realm.keytab(), "HTTP/localhost").unwrap()
    }

    fn credential(&self) -> AcceptorCredential {
        let service = GssName::host_based("HTTP@localhost").unwrap();
        let store = CredentialStore::from_pairs([("keytab", self.realm.keytab())]).unwrap();
        AcceptorCredential::acquire(self.client.config(), &service, &store).unwrap()
    }

    fn ticket(&self, service: &str) -> Credential {
        let server = self.realm.principal(service).unwrap();
        self.client
            .get_service_ticket(&self.cache, &server, &Default::default())
            .unwrap()
            .credential
    }

    fn token(&self, service: &str, mutual: bool, spnego: bool) -> (Vec<u8>, Option<Box<dyn Mechanism>>) {
        let mut flags = ContextFlags::INTEGRITY;
        if mutual {
            flags |= ContextFlags::MUTUAL;
        }
        let params = InitiatorParams::new(self.ticket(service))
            .with_flags(flags)
            .with_spnego(spnego);
        match Initiator::krb5(params)
            .unwrap()
            .start(now(), &mut OsRandom)
            .unwrap()
        {
            Step::Continue { token, next } => (token, Some(next)),
            Step::Done { token, .. } => (token.unwrap(), None),
            other => panic!("{other:?}"),
        }
    }
}

struct Answer {
    status: StatusCode,
    headers: HeaderMap,
    body: String,
}

impl Answer {
    fn challenges(&self) -> Vec<&str> {
        self.headers
            .get_all(header::WWW_AUTHENTICATE)
            .iter()
            .map(|value| value.to_str().unwrap())
            .collect()
    }
}

async fn ask(layer: &NegotiateLayer, authorization: Option<String>) -> Answer {
    let mut service = layer.layer(service_fn(handler));
    let mut request = Request::new(Full::from(""));
    if let Some(value) = authorization {
        request
            .headers_mut()
            .insert(header::AUTHORIZATION, value.parse().unwrap());
    }
    let response = service.ready().await.unwrap().call(request).await.unwrap();
    let (parts, body) = response.into_parts();
    let body = body.collect().await.unwrap().to_bytes();
    Answer {
        status: parts.status,
        headers: parts.headers,
        body: String::from_utf8(body.to_vec()).unwrap(),
    }
}

fn negotiate(token: &[u8]) -> Option<String> {
    Some(format!("Negotiate {}", STANDARD.encode(token)))
}

fn refused(answer: &Answer) {
    assert_eq!(answer.status, StatusCode::UNAUTHORIZED);
    assert_eq!(answer.challenges(), ["Negotiate"]);
    assert!(
        answer.body.starts_with("authentication failed"),
        "{}",
        answer.body
    );
}

#[tokio::test]
async fn without_a_token_the_handler_is_not_reached() {
    let world = World::new();
    let layer = world.layer();
    for header in [
        None,
        Some("Basic YWxpY2U6c2VjcmV0".to_owned()),
        Some("Negotiate".to_owned()),
    ] {
        refused(&ask(&layer, header).await);
    }
}

#[tokio::test]
async fn a_ticket_gets_in_and_the_service_proves_itself() {
    let world = World::new();
    let layer = world.layer();
    let (token, next) = world.token("HTTP/localhost", true, true);
    let answer = ask(&layer, negotiate(&token)).await;
    assert_eq!(
        (answer.status, answer.body.as_str()),
        (StatusCode::OK, "alice@EXAMPLE.TEST")
    );
    let challenges = answer.challenges();
    let final_token = challenges.first().unwrap().strip_prefix("Negotiate ").unwrap();
    let step = next
        .unwrap()
        .step(&STANDARD.decode(final_token).unwrap(), now(), &mut OsRandom)
        .unwrap();
    assert!(matches!(step, Step::Done { token: None, .. }));
}

#[tokio::test]
async fn a_token_that_says_nothing_is_left_out() {
    let world = World::new();
    let layer = world.layer();
    let (token, next) = world.token("HTTP/localhost", false, true);
    let answer = ask(&layer, negotiate(&token)).await;
    assert_eq!(answer.status, StatusCode::OK);
    assert!(
        answer.challenges().is_empty(),
        "Firefox takes a bare accept-completed for another round"
    );
    drop(next);
}

#[tokio::test]
async fn raw_kerberos_is_taken_under_both_schemes() {
    let world = World::new();
    let layer = world.layer();
    for scheme in ["Negotiate", "negotiate", "Kerberos"] {
        let (token, _) = world.token("HTTP/localhost", true, false);
        let answer = ask(&layer, Some(format!("{scheme} {}", STANDARD.encode(&token)))).await;
        assert_eq!(answer.status, StatusCode::OK, "{scheme}");
        assert_eq!(answer.challenges().len(), 1);
    }
}

#[tokio::test]
async fn a_replayed_token_is_refused_by_every_clone_of_the_layer() {
    let world = World::new();
    let layer = world.layer();
    let (token, _) = world.token("HTTP/localhost", true, true);
    assert_eq!(ask(&layer, negotiate(&token)).await.status, StatusCode::OK);
    refused(&ask(&layer, negotiate(&token)).await);
    refused(&ask(&layer.clone(), negotiate(&token)).await);
}

/// After a start, what is older than the start cannot be told from a replay (RFC 4120 3.2.3).
#[tokio::test]
async fn a_token_from_before_the_start_is_refused() {
    let world = World::new();
    let (token, _) = world.token("HTTP/localhost", true, true);
    let mut params = world.credential().params();
    params.replay = Arc::new(MemoryReplayCache::new(now()));
    let started_now = NegotiateLayer::new(Settings::new(Acceptor::new(params)));
    refused(&ask(&started_now, negotiate(&token)).await);
}

/// Every layer of a process has one memory, however it was made.
#[tokio::test]
async fn a_token_that_one_layer_took_is_a_replay_at_the_next() {
    let world = World::new();
    let (one, other) = (
        world.layer(),
        NegotiateLayer::from_credential(&world.credential()),
    );
    let (token, _) = world.token("HTTP/localhost", true, true);
    assert_eq!(ask(&one, negotiate(&token)).await.status, StatusCode::OK);
    refused(&ask(&other, negotiate(&token)).await);
    let (token, _) = world.token("HTTP/localhost", true, true);
    assert_eq!(ask(&other, negotiate(&token)).await.status, StatusCode::OK);
}

/// The keytab holds host/localhost too: its tickets are still not for this service.
#[tokio::test]
async fn a_ticket_for_another_service_of_the_keytab_is_refused() {
    let world = World::new();
    let layer = world.layer();
    let (token, _) = world.token("host/localhost", true, true);
    refused(&ask(&layer, negotiate(&token)).await);
    let own = NegotiateLayer::from_keytab(world.realm.keytab(), "host/localhost").unwrap();
    let (token, _) = world.token("host/localhost", true, true);
    assert_eq!(ask(&own, negotiate(&token)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn tokens_that_are_no_tickets_are_refused() {
    let world = World::new();
    let layer = world.layer();
    let (good, _) = world.token("HTTP/localhost", true, true);
    let mut altered = good.clone();
    *altered.last_mut().unwrap() ^= 1;
    let short = good.get(..good.len() - 1).unwrap();
    for token in [
        &b"NTLMSSP\0\x01\0\0\0"[..],
        b"",
        b"\x60",
        b"\x60\x80",
        &altered,
        short,
    ] {
        refused(&ask(&layer, negotiate(token)).await);
    }
    // A refused token used nothing up: the good one still gets in.
    assert_eq!(ask(&layer, negotiate(&good)).await.status, StatusCode::OK);
}

#[tokio::test]
async fn the_page_of_a_refusal_can_be_chosen() {
    let world = World::new();
    let layer = world
        .layer()
        .unauthorized_page(http::HeaderValue::from_static("text/html"), "<h1>log in</h1>");
    let answer = ask(&layer, None).await;
    assert_eq!(answer.body, "<h1>log in</h1>");
    assert_eq!(answer.headers.get(header::CONTENT_TYPE).unwrap(), "text/html");
}

#[test]
fn set_up_errors_say_what_is_wrong() {
    let missing = NegotiateLayer::from_keytab("/nonexistent/keytab", "HTTP/localhost").unwrap_err();
    assert!(matches!(missing, SetupError::Keytab(_)));
    let world = World::new();
    let unnamed = NegotiateLayer::from_keytab(world.realm.keytab(), "a@b@c").unwrap_err();
    assert!(matches!(unnamed, SetupError::Service(_)));
}
