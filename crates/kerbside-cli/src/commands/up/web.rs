//! The protected page as a server.

use std::net::{Ipv4Addr, SocketAddr, TcpListener};
use std::path::Path;

use axum::response::Html;
use axum::routing::get;
use axum::{Extension, Router};
use kerbside_asn1::{KerberosTime, Principal};
use kerbside_gss::{BindingState, ContextFacts, KerberosFacts};
use kerbside_http::{Authenticated, NegotiateLayer};
use tokio::sync::oneshot;

use super::page::{self, Section};
use crate::output::Report;

/// The running page; it stops when this value is dropped.
pub(super) struct Web {
    /// Its address as people type it.
    pub(super) url: String,
    pub(super) port: u16,
    stop: Option<oneshot::Sender<()>>,
    thread: Option<std::thread::JoinHandle<()>>,
}

impl Web {
    /// Serves on a free loopback port with the keys of `keytab`. `user` is whom the 401 page suggests.
    pub(super) fn start(keytab: &Path, service: &Principal, user: &str) -> Result<Self, Report> {
        let failed = |e: std::io::Error| Report::new(format!("the protected page cannot be served: {e}"));
        let listener = TcpListener::bind(SocketAddr::from((Ipv4Addr::LOCALHOST, 0))).map_err(failed)?;
        listener.set_nonblocking(true).map_err(failed)?;
        let port = listener.local_addr().map_err(failed)?.port();
        let url = format!("http://localhost:{port}/");
        let layer = NegotiateLayer::from_keytab(keytab, &service.to_string())
            .map_err(|e| Report::new(format!("the protected page has no keys: {e}")))?
            .unauthorized_page(
                http::HeaderValue::from_static("text/html; charset=utf-8"),
                page::log_in(user, &url),
            );
        let app = Router::new().route("/", get(show)).layer(layer);
        let (stop, stopped) = oneshot::channel::<()>();
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let thread = std::thread::Builder::new().name("web".into());
        let thread = thread
            .spawn(move || runtime.block_on(serve(listener, app, stopped)))
            .map_err(failed)?;
        Ok(Self {
            url,
            port,
            stop: Some(stop),
            thread: Some(thread),
        })
    }
}

async fn serve(listener: TcpListener, app: Router, stopped: oneshot::Receiver<()>) {
    let listener = match tokio::net::TcpListener::from_std(listener) {
        Ok(listener) => listener,
        Err(e) => return tracing::error!(error = %e, "the protected page cannot be served"),
    };
    // Requests on their way are cut: the page is for development and keeps nothing.
    tokio::select! {
        served = std::future::IntoFuture::into_future(axum::serve(listener, app)) => {
            if let Err(e) = served {
                tracing::error!(error = %e, "the protected page stopped");
            }
        }
        _ = stopped => {}
    }
}

impl Drop for Web {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // A panic of the page's thread was printed by it.
            let _ = thread.join();
        }
    }
}

async fn show(Extension(who): Extension<Authenticated>) -> Html<String> {
    Html(page::render(
        &who.client().to_string(),
        &lead(who.facts()),
        &sections(who.facts()),
    ))
}

fn lead(facts: &ContextFacts) -> String {
    let how = if facts.negotiated {
        "SPNEGO"
    } else {
        "a raw Kerberos token"
    };
    let mutual = if facts.flags.contains(kerbside_gss::ContextFlags::MUTUAL) {
        " The service proved itself to you as well."
    } else {
        ""
    };
    format!("Your program sent a Kerberos ticket by {how}; the service opened it with its own key.{mutual}")
}

fn sections(facts: &ContextFacts) -> Vec<Section> {
    let binding = match facts.bindings {
        BindingState::Bound => "bound to this channel",
        BindingState::InitiatorSentNone => "none sent by the client",
        _ => "none: this page is served without TLS",
    };
    let mut sections = vec![Section {
        title: "Who",
        rows: vec![
            ("Client", facts.client.to_string()),
            ("Service", facts.server.to_string()),
            (
                "Mechanism",
                if facts.negotiated {
                    "Kerberos 5, negotiated by SPNEGO"
                } else {
                    "Kerberos 5, raw"
                }
                .into(),
            ),
            ("Context flags", list(facts.flags.names())),
            ("Channel binding", binding.into()),
        ],
    }];
    if let Some(kerberos) = &facts.kerberos {
        sections.extend(ticket(facts, kerberos));
    }
    sections
}

fn ticket(facts: &ContextFacts, kerberos: &KerberosFacts) -> [Section; 2] {
    [
        Section {
            title: "Ticket",
            rows: vec![
                ("Logged in at", time(kerberos.auth_time)),
                ("Good from", time(kerberos.start_time)),
                ("Good until", facts.expires.map_or_else(|| "no end".into(), time)),
                ("Ticket flags", list(kerberos.ticket_flags.names())),
            ],
        },
        Section {
            title: "Encryption types",
            rows: vec![
                ("Ticket", kerberos.ticket_enctype.to_string()),
                ("Session key", kerberos.session_enctype.to_string()),
                ("Messages", kerberos.message_enctype.to_string()),
            ],
        },
    ]
}

fn time(time: KerberosTime) -> String {
    match jiff::Timestamp::from_second(time.unix_seconds()) {
        Ok(time) => time
            .to_zoned_datetime(jiff::tz::TimeZone::system())
            .strftime("%Y-%m-%d %H:%M:%S %Z")
            .to_string(),
        Err(_) => time.to_string(),
    }
}

fn list(names: impl Iterator<Item = &'static str>) -> String {
    let names: Vec<_> = names.collect();
    if names.is_empty() {
        "none".to_owned()
    } else {
        names.join(", ")
    }
}
