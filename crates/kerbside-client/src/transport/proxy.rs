//! KDC proxies (MS-KKDCP): a Kerberos message in a POST over HTTPS, and the reply in its answer. Redirects are not
//! followed, and the certificate has to be good for the name in krb5.conf.

mod anchors;
#[cfg(test)]
mod tests;

use std::net::SocketAddr;
use std::sync::Arc;

use bytes::Bytes;
use http_body_util::{BodyExt, Full, Limited};
use hyper::body::Incoming;
use hyper::header::{CACHE_CONTROL, CONTENT_TYPE, HOST, HeaderValue, PRAGMA, USER_AGENT};
use hyper::{Method, Request, Response, StatusCode};
use hyper_util::rt::TokioIo;
use kerbside_asn1::{KdcProxyMessage, Realm};
use kerbside_formats::host_string::{HTTPS_PORT, ServerAddress};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use tokio_rustls::TlsConnector;
use tokio_rustls::client::TlsStream;
use tokio_rustls::rustls::ClientConfig;
use tokio_rustls::rustls::pki_types::ServerName;

use super::{MAX_REPLY_BYTES, framed, words};
use crate::attempt::{AttemptOutcome, Transport};
use crate::trace;

pub(crate) use anchors::{Anchors, tls_config};

/// What a reply may be longer than its message: DER and the length before it.
const ENVELOPE_BYTES: usize = 64;

/// A proxy of one realm.
#[derive(Debug, Clone)]
pub(crate) struct Proxy {
    host: String,
    port: u16,
    path: String,
    realm: Realm,
    tls: Arc<ClientConfig>,
}

impl Proxy {
    pub(crate) fn new(server: &ServerAddress, realm: &Realm, tls: &Arc<ClientConfig>) -> Self {
        Self {
            host: server.host.clone(),
            port: server.port,
            path: server.path.clone(),
            realm: realm.clone(),
            tls: Arc::clone(tls),
        }
    }

    /// One request and its reply. Dropping the future closes the connection.
    ///
    /// # Errors
    /// What went wrong, in words.
    pub(super) async fn ask(&self, address: SocketAddr, request: &[u8]) -> Result<Vec<u8>, AttemptOutcome> {
        let post = self.post(request)?;
        let _traced = trace::TcpConnection::to_proxy(address);
        let stream = self.connect(address).await?;
        trace::tls_name_matched(&self.host);
        let (mut sender, connection) = hyper::client::conn::http1::handshake(TokioIo::new(stream))
            .await
            .map_err(|error| http(&error))?;
        // Dropping the set ends its task.
        let mut tasks = JoinSet::new();
        tasks.spawn(connection);
        trace::https_send(address);
        let response = sender.send_request(post).await.map_err(|error| http(&error));
        let response = response.inspect_err(|outcome| trace::https_send_error(address, outcome))?;
        let reply = read(response)
            .await
            .inspect_err(|outcome| trace::https_receive_error(address, outcome))?;
        trace::received(reply.len(), Transport::Https, address);
        Ok(reply)
    }

    async fn connect(&self, address: SocketAddr) -> Result<TlsStream<TcpStream>, AttemptOutcome> {
        let name = ServerName::try_from(self.host.clone())
            .map_err(|_| AttemptOutcome::Failed("TLS: the proxy's name is no host name".to_owned()))?;
        let stream = TcpStream::connect(address)
            .await
            .inspect_err(|error| trace::https_connect_error(address, error))
            .map_err(|error| words(&error))?;
        TlsConnector::from(Arc::clone(&self.tls))
            .connect(name, stream)
            .await
            .inspect_err(|error| trace::tls_error(address, error))
            .map_err(|error| AttemptOutcome::Failed(format!("TLS: {error}")))
    }

    /// The headers are those that MS-KKDCP and MIT send.
    fn post(&self, request: &[u8]) -> Result<Request<Full<Bytes>>, AttemptOutcome> {
        let unfit =
            |what: &str| AttemptOutcome::Failed(format!("{what} does not fit into a request to a proxy"));
        let frame = framed(request).ok_or_else(|| unfit("the request"))?;
        let message = KdcProxyMessage {
            kerb_message: &frame,
            target_domain: Some(self.realm.to_wire()),
            dclocator_hint: None,
        };
        let body = kerbside_asn1::encode(&message).map_err(|_| unfit("the realm's name"))?;
        let host = HeaderValue::try_from(self.authority()).map_err(|_| unfit("the host's name"))?;
        Request::builder()
            .method(Method::POST)
            .uri(format!("/{}", self.path))
            .header(HOST, host)
            .header(CACHE_CONTROL, "no-cache")
            .header(PRAGMA, "no-cache")
            .header(USER_AGENT, "kerberos/1.0")
            .header(CONTENT_TYPE, "application/kerberos")
            .body(Full::new(Bytes::from(body)))
            .map_err(|_| unfit("the path"))
    }

    fn authority(&self) -> String {
        let host = if self.host.contains(':') {
            format!("[{}]", self.host)
        } else {
            self.host.clone()
        };
        match self.port {
            HTTPS_PORT => host,
            port => format!("{host}:{port}"),
        }
    }
}

/// The message in a proxy's answer.
async fn read(response: Response<Incoming>) -> Result<Vec<u8>, AttemptOutcome> {
    let status = response.status();
    if status != StatusCode::OK {
        return Err(AttemptOutcome::Failed(format!(
            "the proxy answers HTTP status {status}"
        )));
    }
    let limit = MAX_REPLY_BYTES.saturating_add(ENVELOPE_BYTES);
    let body = Limited::new(response.into_body(), limit)
        .collect()
        .await
        .map_err(|error| AttemptOutcome::Failed(format!("HTTP: {error}")))?
        .to_bytes();
    let foreign = AttemptOutcome::NotKerberos { received: body.len() };
    let envelope: KdcProxyMessage<'_> = kerbside_asn1::decode(&body).map_err(|_| foreign.clone())?;
    envelope.message().map(<[u8]>::to_vec).ok_or(foreign)
}

/// An error of the connection with its cause, which often says more.
fn http(error: &hyper::Error) -> AttemptOutcome {
    let cause = std::error::Error::source(error).map(|source| format!(": {source}"));
    AttemptOutcome::Failed(format!("HTTP: {error}{}", cause.unwrap_or_default()))
}
