//! `krb5kdc`: the KDC of a realm, in the foreground (`-n`) or detached.

use std::ffi::{OsStr, OsString};
use std::fs::OpenOptions;
use std::io::{BufRead as _, BufReader, Write as _};
use std::os::unix::fs::OpenOptionsExt as _;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::{Command, ExitCode, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_formats::host_string::{HostPort, KDC_PORT};
use kerbside_server::admin::{AdminClient, socket_path};
use kerbside_server::store::RedbStore;
use kerbside_server::{AuditTarget, KdcServer, KdcServerConfig, Limits, Listeners, RealmConfig, ServerError};

use crate::commands::realm_settings::{
    MasterSource, Overrides, Settings, ask_master_password, load, server_report, text,
};
use crate::options::{self, Item, LongOption};
use crate::output::Report;

const NAME: &str = "krb5kdc";

const USAGE: &str = "\
usage: krb5kdc [-x db_args]* [-d dbpathname] [-r dbrealmname]
\t\t[-T time_offset] [-m] [-k masterenctype]
\t\t[-M masterkeyname] [-p port] [-P pid_file]
\t\t[-n] [-w numworkers] [/]
";

/// Set by the parent of a detached KDC, so that the child leaves the terminal.
const DETACHED: &str = "kerbside-detached";
const LONG: &[LongOption] = &[LongOption {
    name: DETACHED,
    letter: '\u{1}',
    value: false,
}];

/// The line that says it listens, without its end.
const STARTING: &str = "krb5kdc: starting...";
/// How long a database that somebody just works on is waited for.
const DATABASE_PATIENCE: Duration = Duration::from_secs(5);

#[derive(Debug, Default)]
struct Arguments {
    overrides: Overrides,
    ports: Option<String>,
    pid_file: Option<PathBuf>,
    foreground: bool,
    detached: bool,
    ask: bool,
}

/// Runs `krb5kdc`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let words = args.get(1..).unwrap_or_default();
    let items = match options::parse(words, "x:r:d:mk:M:p:P:nw:T:", LONG) {
        Ok(items) => items,
        Err(error) => {
            eprint!("{NAME}: {error}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let done = arguments(items).and_then(|found| match found {
        None => {
            eprint!("{USAGE}");
            Ok(ExitCode::FAILURE)
        }
        Some(found) if found.foreground => serve(found),
        Some(found) => detach(words, found.ask),
    });
    done.unwrap_or_else(|report| {
        report.print(NAME);
        ExitCode::FAILURE
    })
}

/// `None`: show the usage.
fn arguments(items: Vec<Item>) -> Result<Option<Arguments>, Report> {
    let mut found = Arguments::default();
    for item in items {
        match item {
            Item::Flag('n') => found.foreground = true,
            Item::Flag('m') => found.ask = true,
            Item::Flag('\u{1}') => found.detached = true,
            Item::Value('r', realm) => {
                if found.overrides.realm.replace(text(realm)?).is_some() {
                    return Err(
                        Report::new("-r twice: several realms in one krb5kdc are not built yet")
                            .hint("start one krb5kdc for each realm"),
                    );
                }
            }
            Item::Value('d', path) => found.overrides.database = Some(path.into()),
            Item::Value('p', ports) => found.ports = Some(text(ports)?),
            Item::Value('P', path) => found.pid_file = Some(path.into()),
            // Its threads use every core by themselves; a master key's own type is read from the database.
            Item::Value('w' | 'k', _) => {}
            Item::Value('M', name) if name != OsStr::new("K/M") => {
                return Err(Report::new("-M: other names than K/M are not built yet"));
            }
            Item::Value('M', _) => {}
            Item::Value('x', value) => match text(value)?.split_once('=') {
                Some(("dbname", path)) => found.overrides.database = Some(path.into()),
                _ => {
                    return Err(Report::new(
                        "-x: database arguments other than dbname= are not built",
                    ));
                }
            },
            Item::Value('T', _) => return Err(Report::new("-T: a time offset is not built yet")),
            // MIT takes a lone slash.
            Item::Operand(word) if word == OsStr::new("/") => {}
            _ => return Ok(None),
        }
    }
    Ok(Some(found))
}

fn serve(arguments: Arguments) -> Result<ExitCode, Report> {
    let Settings {
        mut config, profile, ..
    } = load(NAME, &arguments.overrides)?;
    let own = |name: &str| profile.get(&["realms", &config.realm, name]).is_some();
    if let Some(ports) = &arguments.ports
        && !own("kdc_listen")
        && !own("kdc_ports")
    {
        let list = HostPort::parse_list(ports, KDC_PORT)
            .map_err(|error| Report::new(format!("-p {ports}")).evidence(error.to_string()))?;
        if !own("kdc_tcp_listen") && !own("kdc_tcp_ports") {
            config.tcp.clone_from(&list);
        }
        config.udp = list;
    }
    let source = if arguments.ask {
        MasterSource::Password(ask_master_password()?)
    } else {
        MasterSource::Stash
    };
    let store = open_patiently(&config, source)?;
    let listeners = Listeners::bind(&config.udp, &config.tcp).map_err(server_report)?;
    if config.audit.is_empty() {
        // Where MIT's KDC logs when nothing is said: the system's log, and with -n whoever watches.
        let syslog_auth = AuditTarget::Syslog(4);
        config.audit.push(if arguments.detached {
            syslog_auth
        } else {
            AuditTarget::Stderr
        });
    }
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_io()
        .build()
        .map_err(|error| Report::new("the runtime cannot be started").evidence(error.to_string()))?;
    // Listened for before anybody is told to go on, so that no signal is missed.
    let signals = runtime.block_on(async { Signals::new() });
    let signals =
        signals.map_err(|error| Report::new("signals cannot be received").evidence(error.to_string()))?;
    let server = KdcServer::start(KdcServerConfig {
        listeners,
        limits: Limits {
            udp_reply_bytes_max: config.udp_reply_bytes_max,
            ..Limits::default()
        },
        audit: config.audit,
        admin_socket: Some(socket_path(&config.database)),
        admin_defaults: config.defaults,
        ..KdcServerConfig::new(config.policy, Arc::new(store))
    })
    .map_err(server_report)?;
    if let Some(path) = &arguments.pid_file {
        write_pid(path)?;
    }
    if arguments.detached {
        // Refused only for the leader of a process group, which a child is not.
        let _ = rustix::process::setsid();
    }
    let _ = writeln!(std::io::stderr(), "{STARTING}");
    runtime.block_on(signals.wait(&server));
    drop(server);
    if let Some(path) = &arguments.pid_file {
        let _ = std::fs::remove_file(path);
    }
    Ok(ExitCode::SUCCESS)
}

/// A `kadmin.local` holds the database for a moment only; another KDC holds it for good.
fn open_patiently(config: &RealmConfig, source: MasterSource) -> Result<RedbStore, Report> {
    let give_up = Instant::now() + DATABASE_PATIENCE;
    let master = source.key_of(config);
    let socket = socket_path(&config.database);
    loop {
        match RedbStore::open(&config.database, Some(&config.realm), |realm| master(realm)) {
            Ok(store) => return Ok(store),
            Err(error @ ServerError::DatabaseInUse { .. }) => {
                if let Ok(Some(_)) = AdminClient::connect(&socket) {
                    return Err(Report::new(error.to_string())
                        .evidence(format!("a KDC answers on {}", socket.display()))
                        .hint("that KDC serves this realm already; stop it first"));
                }
                if Instant::now() >= give_up {
                    return Err(server_report(error));
                }
                std::thread::sleep(Duration::from_millis(30));
            }
            Err(error) => return Err(server_report(error)),
        }
    }
}

fn write_pid(path: &Path) -> Result<(), Report> {
    let nofollow = i32::try_from(rustix::fs::OFlags::NOFOLLOW.bits()).unwrap_or(0);
    let opened = OpenOptions::new()
        .write(true)
        .create(true)
        .truncate(true)
        .mode(0o644)
        .custom_flags(nofollow)
        .open(path);
    opened
        .and_then(|mut file| writeln!(file, "{}", std::process::id()))
        .map_err(|error| {
            Report::new(format!("cannot write the pid file {}", path.display())).evidence(error.to_string())
        })
}

/// The signals a KDC knows.
struct Signals {
    terminate: tokio::signal::unix::Signal,
    interrupt: tokio::signal::unix::Signal,
    hangup: tokio::signal::unix::Signal,
}

impl Signals {
    fn new() -> std::io::Result<Signals> {
        use tokio::signal::unix::{SignalKind, signal};
        Ok(Signals {
            terminate: signal(SignalKind::terminate())?,
            interrupt: signal(SignalKind::interrupt())?,
            hangup: signal(SignalKind::hangup())?,
        })
    }

    /// Until it is time to stop; a hangup opens the logs again, after a rotation.
    async fn wait(mut self, server: &KdcServer) {
        loop {
            tokio::select! {
                _ = self.terminate.recv() => return,
                _ = self.interrupt.recv() => return,
                _ = self.hangup.recv() => server.reopen_logs(),
            }
        }
    }
}

/// Starts this program again in the foreground form, away from the terminal, and waits until it
/// listens or fails. `ask`: it reads a password first, so it keeps the terminal's input and output.
fn detach(words: &[OsString], ask: bool) -> Result<ExitCode, Report> {
    let failed = |error: std::io::Error| {
        Report::new("a KDC in the background cannot be started").evidence(error.to_string())
    };
    let stream = || if ask { Stdio::inherit() } else { Stdio::null() };
    let program = std::env::current_exe().map_err(failed)?;
    let mut child = Command::new(program)
        .arg0(NAME)
        .arg("-n")
        .arg(format!("--{DETACHED}"))
        .args(words)
        .stdin(stream())
        .stdout(stream())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(failed)?;
    if let Some(stderr) = child.stderr.take() {
        for line in BufReader::new(stderr).lines().map_while(Result::ok) {
            eprintln!("{line}");
            if line == STARTING {
                return Ok(ExitCode::SUCCESS);
            }
        }
    }
    let status = child.wait().map_err(failed)?;
    Ok(if status.success() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}
