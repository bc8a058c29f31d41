//! The layer and its settings.

use std::fmt;
use std::path::Path;
use std::sync::Arc;

use http::HeaderValue;
use kerbside_asn1::Principal;
use kerbside_gss::{Acceptor, AcceptorParams, GssError, ServiceName, Step};
use kerbside_protocol::Now;
use tower::Layer;

use crate::service::Negotiate;

/// What the layer needs; [`NegotiateLayer::from_keytab`] fills it in for the common case.
#[derive(Clone)]
#[non_exhaustive]
pub struct Settings {
    /// The acceptor: keys, service name, replay cache, channel-binding policy and allowed skew. Its replay cache is
    /// shared by every clone of the layer, as it must be.
    pub acceptor: Acceptor,
    /// The body of a 401, and its media type. It is shown to strangers: nothing in it should depend on the request.
    pub unauthorized_page: (HeaderValue, bytes::Bytes),
}

impl Settings {
    /// These acceptor's settings and a plain text for strangers.
    #[must_use]
    pub fn new(acceptor: Acceptor) -> Self {
        let text = "authentication failed: this service expects a Kerberos ticket by HTTP Negotiate\n";
        Self {
            acceptor,
            unauthorized_page: (
                HeaderValue::from_static("text/plain; charset=utf-8"),
                bytes::Bytes::from_static(text.as_bytes()),
            ),
        }
    }
}

impl fmt::Debug for Settings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Settings")
            .field("acceptor", &self.acceptor)
            .finish_non_exhaustive()
    }
}

/// The layer could not be set up.
#[derive(Debug)]
#[non_exhaustive]
pub enum SetupError {
    /// The service's name does not parse.
    Service(kerbside_asn1::NameError),
    /// The keytab cannot be read.
    Keytab(Box<kerbside_client::Error>),
}

impl fmt::Display for SetupError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Service(_) => f.write_str("the service's principal name does not parse"),
            Self::Keytab(_) => f.write_str("the service's keytab cannot be read"),
        }
    }
}

impl std::error::Error for SetupError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Self::Service(e) => Some(e),
            Self::Keytab(e) => Some(&**e),
        }
    }
}

/// Protects a service with HTTP Negotiate. Cloning it shares its keys and its replay cache.
#[derive(Debug, Clone)]
pub struct NegotiateLayer {
    settings: Arc<Settings>,
}

impl NegotiateLayer {
    /// With these settings.
    #[must_use]
    pub fn new(settings: Settings) -> Self {
        Self {
            settings: Arc::new(settings),
        }
    }

    /// The common case: `service` (`HTTP/host@REALM`, or `HTTP/host` for whatever realm the keytab's key is of), its
    /// keys from a keytab that is read again when it changes, the process's replay cache in memory, five minutes of skew.
    ///
    /// # Errors
    /// When the name does not parse or the keytab cannot be read.
    pub fn from_keytab(keytab: impl AsRef<Path>, service: &str) -> Result<Self, SetupError> {
        let service = service_name(service)?;
        let keys = kerbside_client::KeytabKeys::open(keytab.as_ref())
            .map_err(|e| SetupError::Keytab(Box::new(e)))?;
        let replay = kerbside_client::MemoryReplayCache::of_process();
        let acceptor = AcceptorParams::new(Arc::new(keys), service, replay);
        Ok(Self::new(Settings::new(Acceptor::new(acceptor))))
    }

    /// The service of this credential: its keytab and replay cache as environment, krb5.conf and its store say.
    #[must_use]
    pub fn from_credential(credential: &kerbside_client::AcceptorCredential) -> Self {
        Self::new(Settings::new(credential.acceptor()))
    }

    /// With another body for a 401.
    #[must_use]
    pub fn unauthorized_page(mut self, media_type: HeaderValue, body: impl Into<bytes::Bytes>) -> Self {
        Arc::make_mut(&mut self.settings).unauthorized_page = (media_type, body.into());
        self
    }
}

fn service_name(service: &str) -> Result<ServiceName, SetupError> {
    // Without a realm the name has to parse in some realm; which one is the keytab's to say.
    let any_realm = kerbside_asn1::Realm::from("ANY");
    let principal = Principal::parse(service, Some(&any_realm)).map_err(SetupError::Service)?;
    let has_realm = Principal::parse(service, None).is_ok();
    Ok(if has_realm {
        ServiceName::Principal(principal)
    } else {
        ServiceName::Name(principal.name)
    })
}

impl<S> Layer<S> for NegotiateLayer {
    type Service = Negotiate<S>;

    fn layer(&self, inner: S) -> Self::Service {
        Negotiate::new(inner, Arc::clone(&self.settings))
    }
}

impl Settings {
    /// One leg with the client's token.
    pub(crate) fn accept(&self, token: &[u8], now: Now) -> Result<Step, GssError> {
        self.acceptor.step(token, now, &mut kerbside_client::OsRandom)
    }
}
