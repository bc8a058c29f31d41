//! The service that the layer puts before a handler.

use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http::{HeaderValue, Request, Response, StatusCode, header};
use http_body_util::{Either, Full};
use kerbside_gss::Step;
use tower::Service;

use crate::authenticated::Authenticated;
use crate::credentials::{self, CredentialsError};
use crate::layer::Settings;

/// The handler's body, or the page of a 401.
pub type ResponseBody<B> = Either<B, Full<Bytes>>;

const NEGOTIATE: HeaderValue = HeaderValue::from_static("Negotiate");

/// A handler behind Negotiate.
#[derive(Debug, Clone)]
pub struct Negotiate<S> {
    inner: S,
    settings: Arc<Settings>,
}

impl<S> Negotiate<S> {
    pub(crate) fn new(inner: S, settings: Arc<Settings>) -> Self {
        Self { inner, settings }
    }
}

impl<S, ReqBody, ResBody> Service<Request<ReqBody>> for Negotiate<S>
where
    S: Service<Request<ReqBody>, Response = Response<ResBody>> + Clone + Send + 'static,
    S::Future: Send,
    ReqBody: Send + 'static,
    ResBody: Send + 'static,
{
    type Response = Response<ResponseBody<ResBody>>;
    type Error = S::Error;
    type Future = Pin<Box<dyn Future<Output = Result<Self::Response, S::Error>> + Send>>;

    fn poll_ready(&mut self, cx: &mut Context<'_>) -> Poll<Result<(), Self::Error>> {
        self.inner.poll_ready(cx)
    }

    fn call(&mut self, mut request: Request<ReqBody>) -> Self::Future {
        // Whatever the request brought along, only a token that verified makes one.
        request.extensions_mut().remove::<Authenticated>();
        let (who, answer) = match authenticate(&self.settings, &request) {
            Ok(found) => found,
            Err(Refused) => {
                let refusal = unauthorized(&self.settings).map(Either::Right);
                return Box::pin(async move { Ok(refusal) });
            }
        };
        request.extensions_mut().insert(who);
        // The handler has no business with the token, and a proxying one would hand it on.
        request.headers_mut().remove(header::AUTHORIZATION);
        // The service that was polled ready is the one to call.
        let clone = self.inner.clone();
        let mut inner = std::mem::replace(&mut self.inner, clone);
        Box::pin(async move {
            let mut response = inner.call(request).await?.map(Either::Left);
            if let Some(value) = answer {
                response.headers_mut().append(header::WWW_AUTHENTICATE, value);
            }
            Ok(response)
        })
    }
}

/// The request is not to reach the handler; why is in the log.
struct Refused;

fn authenticate<B>(
    settings: &Settings,
    request: &Request<B>,
) -> Result<(Authenticated, Option<HeaderValue>), Refused> {
    let token = credentials::token(request.headers()).map_err(|e| {
        if e == CredentialsError::Absent {
            // A path may hold control characters in UTF-8, so it is shown with escapes.
            tracing::debug!(path = ?bounded(request.uri().path().to_owned()), "no Negotiate token yet");
        } else {
            tracing::warn!(error = %e, "Negotiate token refused");
        }
        Refused
    })?;
    match settings.accept(&token, kerbside_client::now()) {
        Ok(Step::Done {
            token,
            token_is_bare_success,
            context,
        }) => {
            // Firefox takes a token that only says "accepted" for another round.
            let answer = token
                .filter(|_| !token_is_bare_success)
                .and_then(|token| header_value(&token));
            Ok((Authenticated::new(context.facts().clone()), answer))
        }
        Ok(_) => {
            tracing::warn!(
                "Negotiate needs another leg, which is not built yet: the client's first mechanism is not Kerberos"
            );
            Err(Refused)
        }
        Err(e) => {
            tracing::warn!(error = %bounded(chain(&e)), "Negotiate token refused");
            Err(Refused)
        }
    }
}

/// Octets of a stranger's making that go into one line of the log: the name on a ticket alone may have 48 kB.
const MAX_LOGGED_LEN: usize = 2048;

/// The text, or its beginning and how much was left out.
fn bounded(mut text: String) -> String {
    if text.len() > MAX_LOGGED_LEN {
        let end = text.floor_char_boundary(MAX_LOGGED_LEN);
        let left_out = text.len() - end;
        text.truncate(end);
        text.push_str(&format!("... ({left_out} more octets)"));
    }
    text
}

/// The error and its causes, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

fn header_value(token: &[u8]) -> Option<HeaderValue> {
    HeaderValue::try_from(format!("Negotiate {}", STANDARD.encode(token))).ok()
}

fn unauthorized(settings: &Settings) -> Response<Full<Bytes>> {
    let (media_type, body) = settings.unauthorized_page.clone();
    let mut response = Response::new(Full::new(body));
    *response.status_mut() = StatusCode::UNAUTHORIZED;
    response.headers_mut().insert(header::WWW_AUTHENTICATE, NEGOTIATE);
    response.headers_mut().insert(header::CONTENT_TYPE, media_type);
    response
        .headers_mut()
        .insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    response
}
