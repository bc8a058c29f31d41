//! Runs kerbside against real peers, in both roles.
//!
//! `kerbside-conformance [--full] [--list] [--only TEXT]` runs each case in a temporary directory of its own, on ports
//! of its own. A missing peer fails the run. A case that is known to fail is listed with its reason; if it passes, that
//! fails too.

mod cases;
mod fault;
mod gss_matrix;
mod gss_peer;
mod heimdal;
mod ldap_kdc;
mod ldap_sasl;
mod realm;
mod realms;
mod run;
mod samba;
mod shared;
mod spnego_peer;
mod twins;

use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What a case is given.
#[derive(Debug)]
pub(crate) struct Suite {
    /// A folder with our binary under each of MIT's names.
    pub(crate) bin: PathBuf,
    /// The programs of `peers/`.
    pub(crate) peers: PathBuf,
    /// Servers that many cases use.
    pub(crate) shared: shared::Shared,
}

/// Runs a case; the error says what was expected and what was found.
pub(crate) type Run = Box<dyn Fn(&Suite) -> Result<(), String>>;

/// One thing that must hold between kerbside and a peer.
pub(crate) struct Case {
    pub(crate) name: String,
    /// Run by `./test full` only.
    pub(crate) full: bool,
    /// Why it is known to fail, if it is.
    pub(crate) known_failure: Option<&'static str>,
    pub(crate) run: Run,
}

const PEERS: &[&str] = &[
    "/usr/sbin/krb5kdc",
    "/usr/sbin/kdb5_util",
    "/usr/sbin/kadmin.local",
    "/usr/sbin/kadmind",
    "/usr/bin/kinit",
    "/usr/bin/klist",
    "/usr/bin/kvno",
    "/usr/bin/kdestroy",
    "/usr/bin/kswitch",
    "/usr/bin/kpasswd",
    "/usr/bin/ktutil",
    "/usr/bin/curl",
    "/usr/bin/python3",
];

const NAMES: &[&str] = &[
    "kinit",
    "klist",
    "kdestroy",
    "kswitch",
    "ktutil",
    "kvno",
    "kpasswd",
    "kdb5_util",
    "kadmin.local",
    "krb5kdc",
    "kerbside",
];

fn main() -> ExitCode {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let full = args.iter().any(|arg| arg == "--full");
    let only = args
        .iter()
        .position(|arg| arg == "--only")
        .and_then(|at| args.get(at + 1));
    let mut cases = cases::all();
    cases.retain(|case| full || !case.full);
    cases.retain(|case| only.is_none_or(|text| case.name.contains(text.as_str())));
    if args.iter().any(|arg| arg == "--list") {
        cases.iter().for_each(|case| println!("{}", case.name));
        return ExitCode::SUCCESS;
    }
    let missing: Vec<_> = PEERS.iter().filter(|path| !Path::new(path).exists()).collect();
    if !missing.is_empty() {
        println!("FAILED peers: missing {missing:?}: run ./test as root, or install krb5-kdc and krb5-user");
        println!("0 passed, 1 failed");
        return ExitCode::FAILURE;
    }
    match prepare() {
        Ok((suite, _folder)) => run_all(&suite, &cases),
        Err(e) => {
            println!("FAILED to prepare: {e}\n0 passed, 1 failed");
            ExitCode::FAILURE
        }
    }
}

fn run_all(suite: &Suite, cases: &[Case]) -> ExitCode {
    let (mut passed, mut failed) = (0, 0);
    for case in cases {
        let start = Instant::now();
        let result = (case.run)(suite);
        let millis = start.elapsed().as_millis();
        match (result, case.known_failure) {
            (Ok(()), None) => {
                passed += 1;
                println!("ok {} ({millis} ms)", case.name);
            }
            (Ok(()), Some(reason)) => {
                failed += 1;
                println!("FAILED {}: passed, but is listed as failing: {reason}", case.name);
            }
            (Err(_), Some(reason)) => {
                passed += 1;
                println!("XFAIL {} ({millis} ms): {reason}", case.name);
            }
            (Err(e), None) => {
                failed += 1;
                println!("FAILED {} ({millis} ms)\n{e}", case.name);
            }
        }
    }
    println!("{passed} passed, {failed} failed");
    if failed == 0 && passed > 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Links to our binary under MIT's names, in a folder that goes away with the returned value.
fn prepare() -> Result<(Suite, tempfile::TempDir), String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let binary = own.with_file_name("kerbside");
    if !binary.exists() {
        return Err(format!(
            "{} is missing: cargo build -p kerbside-cli",
            binary.display()
        ));
    }
    for name in NAMES {
        std::os::unix::fs::symlink(&binary, folder.path().join(name)).map_err(|e| e.to_string())?;
    }
    let peers = Path::new(env!("CARGO_MANIFEST_DIR")).join("peers");
    Ok((
        Suite {
            bin: folder.path().to_owned(),
            peers,
            shared: shared::Shared::default(),
        },
        folder,
    ))
}
