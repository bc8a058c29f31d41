//! `kerbside up -- COMMAND`: a realm in memory that lives as long as COMMAND does.

use std::os::unix::process::ExitStatusExt;
use std::process::{Child, Command, ExitCode, ExitStatus};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use rustix::process::{Pid, Signal, WaitId, WaitIdOptions};

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
    // Before there is anything that would be left behind.
    let signals = Signals::catch()?;
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
    if let Some(stopped) = signals.stopped() {
        return Ok(stopped);
    }
    let child = match command.spawn() {
        Ok(child) => child,
        Err(e) => {
            Report::new(format!("{} cannot be run: {e}", program.to_string_lossy())).print(super::PROGRAM);
            let missing = e.kind() == std::io::ErrorKind::NotFound;
            return Ok(ExitCode::from(if missing { NOT_FOUND } else { NOT_RUNNABLE }));
        }
    };
    let status = signals.wait(child)?;
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

/// What a signal is for.
#[derive(Clone, Copy)]
enum Phase {
    /// The realm is being made: COMMAND will not be started any more.
    Starting,
    /// A signal came before COMMAND was started.
    Stopped(i32),
    /// COMMAND runs. It is not waited for before this ends, so the number is its own.
    Running(Pid),
    /// COMMAND ended: the realm is being removed.
    Ending,
}

/// Keeps signals from ending this process while there is something to remove.
///
/// SIGTERM and SIGHUP are passed on to COMMAND; SIGINT and SIGQUIT reach it from the terminal by themselves, and end
/// it, not us.
struct Signals {
    phase: Arc<Mutex<Phase>>,
}

impl Signals {
    fn catch() -> Result<Signals, Report> {
        use tokio::signal::unix::{SignalKind, signal};
        let failed = |e: std::io::Error| Report::new(format!("signals cannot be caught: {e}"));
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(failed)?;
        let (mut terminate, mut hangup, mut interrupt, mut quit) = {
            let _inside = runtime.enter();
            let of = |kind: SignalKind| signal(kind).map_err(failed);
            (
                of(SignalKind::terminate())?,
                of(SignalKind::hangup())?,
                of(SignalKind::interrupt())?,
                of(SignalKind::quit())?,
            )
        };
        let phase = Arc::new(Mutex::new(Phase::Starting));
        let shared = Arc::clone(&phase);
        let body = async move {
            loop {
                let (signal, passed_on) = tokio::select! {
                    _ = terminate.recv() => (Signal::TERM, true),
                    _ = hangup.recv() => (Signal::HUP, true),
                    _ = interrupt.recv() => (Signal::INT, false),
                    _ = quit.recv() => (Signal::QUIT, false),
                };
                {
                    let mut phase = lock(&shared);
                    if matches!(*phase, Phase::Starting) {
                        *phase = Phase::Stopped(signal.as_raw());
                    }
                }
                if passed_on {
                    send(&shared, Signal::TERM);
                    tokio::time::sleep(GRACE).await;
                    send(&shared, Signal::KILL);
                }
            }
        };
        std::thread::Builder::new()
            .name("signals".into())
            .spawn(move || runtime.block_on(body))
            .map_err(failed)?;
        Ok(Signals { phase })
    }

    /// The exit code if a signal came before COMMAND was started.
    fn stopped(&self) -> Option<ExitCode> {
        match *lock(&self.phase) {
            Phase::Stopped(signal) => Some(shell_code(SIGNALLED + signal)),
            _ => None,
        }
    }

    /// Waits for COMMAND, and hands signals on to it: the realm is removed only after it ended.
    fn wait(&self, mut child: Child) -> Result<ExitStatus, Report> {
        let failed = |e: std::io::Error| Report::new(format!("the command cannot be waited for: {e}"));
        let pid = i32::try_from(child.id()).ok().and_then(Pid::from_raw);
        if let Some(pid) = pid {
            let before = std::mem::replace(&mut *lock(&self.phase), Phase::Running(pid));
            // One that came while COMMAND was being started is for COMMAND.
            if let Phase::Stopped(_) = before {
                send(&self.phase, Signal::TERM);
            }
            let ended = WaitIdOptions::EXITED | WaitIdOptions::NOWAIT;
            // Left for `child` to collect; an error is one that it reports as well.
            let _ = rustix::io::retry_on_intr(|| rustix::process::waitid(WaitId::Pid(pid), ended));
        }
        *lock(&self.phase) = Phase::Ending;
        child.wait().map_err(failed)
    }
}

fn lock(phase: &Mutex<Phase>) -> MutexGuard<'_, Phase> {
    phase.lock().unwrap_or_else(PoisonError::into_inner)
}

fn send(phase: &Mutex<Phase>, signal: Signal) {
    let phase = lock(phase);
    if let Phase::Running(pid) = *phase {
        // It may have ended meanwhile.
        let _ = rustix::process::kill_process(pid, signal);
    }
}

/// COMMAND's exit code as a shell would report it.
fn exit_code(status: ExitStatus) -> ExitCode {
    let code = status
        .code()
        .or_else(|| status.signal().map(|signal| SIGNALLED + signal));
    shell_code(code.unwrap_or(1))
}

fn shell_code(code: i32) -> ExitCode {
    ExitCode::from(u8::try_from(code).unwrap_or(1))
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
