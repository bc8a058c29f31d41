//! `kerbside up`: a realm, a login and a protected page in one command.
//!
//! | file | what is in it |
//! |---|---|
//! | `up/arguments.rs` | what it takes |
//! | `up/home.rs` | the realm in a data folder |
//! | `up/serve.rs` | serving that realm until interrupted |
//! | `up/inside.rs` | a realm in memory for the duration of one command |
//! | `up/proof.rs` | the proof that it works: AS, TGS, HTTP |
//! | `up/web.rs`, `up/page.rs` | the protected page |

mod arguments;
mod home;
mod inside;
mod page;
mod proof;
mod serve;
mod web;

use std::ffi::OsString;
use std::process::ExitCode;

use clap::Parser;

use tracing_subscriber::Layer;
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;

use super::realm_settings::server_report;
use crate::output::print_warning;
use arguments::Arguments;

/// The name before each message.
const PROGRAM: &str = "kerbside up";

/// Runs the command.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let args = match Arguments::try_parse_from(args) {
        Ok(args) => args,
        Err(e) => {
            // Help goes to standard output and is no failure; clap knows which is which.
            let _ = e.print();
            return if e.use_stderr() {
                ExitCode::from(2)
            } else {
                ExitCode::SUCCESS
            };
        }
    };
    let ended = if args.command.is_empty() {
        serve::run(&args).map(|()| ExitCode::SUCCESS)
    } else {
        inside::run(&args)
    };
    ended.unwrap_or_else(|report| {
        report.print(PROGRAM);
        ExitCode::FAILURE
    })
}

/// What the page and the KDC have to say goes to standard error, by RUST_LOG; KRB5_TRACE has its lines beside it.
fn start_log() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("warn"));
    let log = tracing_subscriber::fmt::layer()
        .with_writer(std::io::stderr)
        .with_filter(filter);
    let trace = kerbside_client::krb5_trace_from_env().unwrap_or_else(|error| {
        print_warning(PROGRAM, &error.to_string());
        None
    });
    // A second call in one process would fail, and change nothing.
    let _ = tracing_subscriber::registry().with(log).with(trace).try_init();
}
