//! `kerbside up -- COMMAND`: a realm in memory that lives as long as COMMAND does.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::atomic::{AtomicI32, Ordering};
use std::time::Duration;

use kerbside_server::{Realm, random_password};

use super::arguments::{Arguments, DEFAULT_REALM, WEB_SERVICE};
use super::web::Web;
use super::{server_report, start_log};
use crate::output::Report;

/// What a shell answers for a program that is not there, and for one that cannot be run.
const NOT_FOUND: u8 = 127;
const NOT_RUNNABLE: u8 = 126;
/// What a shell adds to the number of the signal that ended a program.
const SIGNALLED: i32 = 128;

/// How long COMMAND has after a signal to end by itself.
const GRACE: Duration = Duration::from_secs(10);

pub(super) fn run(args: &Arguments) -> Result<ExitCode, Report> {
    start_log();
    let realm = start_realm(args)?;
    let user = args.users().first().map_or("", |(name, _)| *name).to_owned();
    let web = if args.web {
        let service = realm.principal(WEB_SERVICE).map_err(server_report)?;
        Some(Web::start(realm.keytab(), &service, &user)?)
    } else {
        None
    };
    let (program, rest) = args
        .command
        .split_first()
        .ok_or_else(|| Report::new("no command given"))?;
    let mut command = Command::new(program);
    command.args(rest).envs(realm.environment());
    // A variable of the surroundings must not lead out of the realm.
    for name in ["KRB5_TRACE", "KRB5RCACHENAME", "KRB5RCACHETYPE", "KERBSIDE_WEB"] {
        command.env_remove(name);
    }
    command.env("KRB5RCACHEDIR", realm.directory());
    if let Some(web) = &web {
        command.env("KERBSIDE_WEB", &web.url);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            Report::new(format!("{} cannot be run: {e}", program.to_string_lossy())).print(super::PROGRAM);
            let missing = e.kind() == std::io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if missing { NOT_FOUND } else { NOT_RUNNABLE }));
        }
    };
    let status = wait(child)?;
    drop(web);
    drop(realm);
    Ok(exit_code(status))
}

fn start_realm(args: &Arguments) -> Result<Realm, Report> {
    let mut builder = Realm::builder().name(args.realm.as_deref().unwrap_or(DEFAULT_REALM));
    for (name, password) in args.users() {
        builder = match password {
            Some(password) => builder.user(name, password),
            None => builder.user(name, &random_password()),
        };
    }
    for service in args.services(args.web) {
        builder = builder.service(&service);
    }
    if let Some(path) = &args.keytab {
        builder = builder.keytab(path);
    }
    builder.start().map_err(server_report)
}

/// Waits for COMMAND, and hands signals on to it: the realm is removed only after it ended.
fn wait(mut child: Child) -> Result<ExitStatus, Report> {
    let failed = |e: std::io::Error| Report::new(format!("the command cannot be waited for: {e}"));
    let pid = i32::try_from(child.id()).unwrap_or(0);
    let handing_on = hand_signals_on(pid)?;
    let status = child.wait().map_err(failed)?;
    handing_on.store(0, Ordering::SeqCst);
    Ok(status)
}

/// A thread that passes SIGTERM and SIGHUP to the process in the returned cell, until it is 0. SIGINT and SIGQUIT
/// reach COMMAND from the terminal by themselves, and end it, not us.
fn hand_signals_on(pid: i32) -> Result<std::sync::Arc<AtomicI32>, Report> {
    use tokio::signal::unix::{SignalKind, signal};
    let failed = |e: std::io::Error| Report::new(format!("signals cannot be caught: {e}"));
    let cell = std::sync::Arc::new(AtomicI32::new(pid));
    let target = std::sync::Arc::clone(&cell);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .map_err(failed)?;
    let caught = {
        let _inside = runtime.enter();
        let of = |kind: SignalKind| signal(kind).map_err(failed);
        (
            of(SignalKind::terminate())?,
            of(SignalKind::hangup())?,
            of(SignalKind::interrupt())?,
            of(SignalKind::quit())?,
        )
    };
    let (mut terminate, mut hangup, mut interrupt, mut quit) = caught;
    let body = async move {
        loop {
            let passed_on = tokio::select! {
                _ = terminate.recv() => true,
                _ = hangup.recv() => true,
                _ = interrupt.recv() => false,
                _ = quit.recv() => false,
            };
            if passed_on {
                send(&target, rustix::process::Signal::TERM);
                tokio::time::sleep(GRACE).await;
                send(&target, rustix::process::Signal::KILL);
            }
        }
    };
    std::thread::Builder::new()
        .name("signals".into())
        .spawn(move || runtime.block_on(body))
        .map_err(failed)?;
    Ok(cell)
}

fn send(target: &AtomicI32, signal: rustix::process::Signal) {
    if let Some(pid) = rustix::process::Pid::from_raw(target.load(Ordering::SeqCst)) {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// COMMAND's exit code as a shell would report it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    ExitCode::from(code.and_then(|code| u8::try_from(code).ok()).unwrap_or(1))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn exit_codes_are_a_shells() {
        assert_eq!(exit_code(ExitStatus::from_raw(7 << 8)), ExitCode::from(7));
        assert_eq!(exit_code(ExitStatus::from_raw(0)), ExitCode::from(0));
        assert_eq!(exit_code(ExitStatus::from_raw(9)), ExitCode::from(137));
    }
}
