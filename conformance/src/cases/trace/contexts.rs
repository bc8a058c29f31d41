//! Contexts: what each role traces, MIT's library and ours.

use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::sync::{Arc, Mutex, PoisonError};

use super::super::expect;
use super::super::gss::{accept_one, connect, peer, server};
use super::compare::comparable;
use crate::Suite;
use crate::gss_peer::{Terms, accept, credential, initiate};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Env, Program, free_port};

/// What the page of `kerbside up` does, beside its log.
pub(super) fn of_a_service(suite: &Suite) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let trace = folder.path().join("trace");
    let env = Env::default()
        .with("HOME", folder.path())
        .with("KRB5_TRACE", &trace);
    let up = Program::new(suite.bin.join("kerbside"))
        .args("up --user alice:secret --service HTTP/localhost --web -- sh -c")
        .arg("echo secret | kinit alice && curl -sS --negotiate -u : \"$KERBSIDE_WEB\"")
        .ok(&env)?;
    let text = fs::read_to_string(&trace).map_err(|e| format!("{e}: {up}"))?;
    let about = about_contexts(&text)?;
    expect(
        about.contains("Decrypted AP-REQ with specified server principal HTTP/localhost@")
            && about.contains("AP-REQ ticket: alice@")
            && about.contains("Creating AP-REP, time N"),
        &format!("the page's trace: {text}"),
    )
}

/// A sink that can be read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// MIT's initiator with our acceptor, then the other way round: each role prints the same on both sides.
pub(super) fn contexts(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm.mit("kvno").args("gss/localhost").ok(&realm.env)?;
    let terms = Terms {
        mutual: true,
        ..Terms::default()
    };

    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let keytab = realm.path("service.keytab");
    let accept = || accept(accept_one(&listener)?, &keytab, &server()?, &terms).map(drop);
    let (mit_initiator, our_acceptor) = conversation(&realm, "init", suite, port, accept)?;

    let port = free_port()?;
    let ticket = credential(&realm.path("cc"), &server()?)?;
    let initiate = || initiate(connect(port)?, ticket, &terms).map(drop);
    let (mit_acceptor, our_initiator) = conversation(&realm, "accept", suite, port, initiate)?;

    let mit = about_contexts(&mit_acceptor)?;
    // MIT's was told a service and a host, ours a principal.
    let ours = about_contexts(&our_acceptor)?.replace("with specified server", "with server");
    expect(mit == ours, &format!("acceptor, MIT's:\n{mit}ours:\n{ours}"))?;
    expect(mit.lines().count() == 5, &mit)?;
    let (mit, ours) = (about_contexts(&mit_initiator)?, about_contexts(&our_initiator)?);
    expect(mit == ours, &format!("initiator, MIT's:\n{mit}ours:\n{ours}"))?;
    expect(mit.lines().count() == 2, &mit)
}

/// A conversation of MIT's `role` with `ours`, and the traces of both.
fn conversation(
    realm: &Realm,
    role: &str,
    suite: &Suite,
    port: u16,
    ours: impl FnOnce() -> Result<(), String>,
) -> Result<(String, String), String> {
    let trace = realm.path(role);
    let env = realm.env.with("KRB5_TRACE", &trace);
    let program = peer(suite, role, port, "krb5 mutual replay sequence");
    let theirs = std::thread::spawn(move || program.run(&env));
    let sink = Shared::default();
    let writer = kerbside_client::TraceWriter::new(sink.clone());
    let done = tracing::subscriber::with_default(writer, ours);
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    done.map_err(|e| format!("ours: {e}\nMIT's: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("{theirs}"))?;
    let mit = fs::read_to_string(&trace).map_err(|e| e.to_string())?;
    let ours = sink.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((mit, String::from_utf8_lossy(&ours).into_owned()))
}

/// The lines of a trace that are about contexts, made comparable.
fn about_contexts(trace: &str) -> Result<String, String> {
    let lines = trace
        .lines()
        .map(|line| comparable(line).ok_or_else(|| line.to_owned()));
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    let wanted = ["AP-RE", "authenticator", "Authenticator"];
    let about = lines
        .iter()
        .filter(|line| wanted.iter().any(|word| line.contains(word)));
    Ok(about.map(|line| format!("{line}\n")).collect())
}
