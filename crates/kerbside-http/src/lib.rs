//! HTTP Negotiate (RFC 4559) as a tower layer, for axum, hyper and tonic.
//!
//! [`NegotiateLayer`] stands before a handler. A request without a token is answered 401 with
//! `WWW-Authenticate: Negotiate`; a token that verifies puts an [`Authenticated`] into the request's extensions and the
//! acceptor's last token into the response; a token that does not verify is answered 401 with a plain reason, and the
//! whole reason goes to the log. Tokens never go to the log.
//!
//! ```no_run
//! use axum::{Extension, Router, routing::get};
//! use kerbside_http::{Authenticated, NegotiateLayer};
//!
//! # fn main() -> Result<(), kerbside_http::SetupError> {
//! let negotiate = NegotiateLayer::from_keytab("/etc/http.keytab", "HTTP/www.example.com@EXAMPLE.COM")?;
//! let app: Router = Router::new()
//!     .route("/", get(|Extension(who): Extension<Authenticated>| async move { who.client().to_string() }))
//!     .layer(negotiate);
//! # Ok(())
//! # }
//! ```
//!
//! What it does not do yet, and says so when asked: handshakes of more than one leg, NTLM, sessions, delegation and the
//! client's side.

mod authenticated;
mod credentials;
mod layer;
mod service;

pub use authenticated::Authenticated;
pub use credentials::{CredentialsError, MAX_TOKEN_LEN};
pub use layer::{NegotiateLayer, Settings, SetupError};
pub use service::{Negotiate, ResponseBody};
