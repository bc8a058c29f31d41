//! Contexts with the libraries of Heimdal, MIT and the JDK in both roles: enctypes, mutual authentication or not, channel
//! bindings, messages of 0 octets to 1 MiB, and messages that come late, early and twice.

use std::net::TcpListener;

use kerbside_gss::{BindingState, ContextFlags, SecurityContext};

use super::gss::{accept_one, connect, is_old, realm};
use super::{case, expect};
use crate::gss_matrix::{accept, initiate};
use crate::gss_peer::Terms;
use crate::heimdal;
use crate::realm::Realm;
use crate::run::{Ended, Env, Program, free_port};
use crate::{Case, Suite};

const AES: &str = "aes256-cts-hmac-sha1-96";
const ENCTYPES: [&str; 6] = [
    AES,
    "aes128-cts-hmac-sha1-96",
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
    "arcfour-hmac",
    "des3-cbc-sha1",
];

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Library {
    Mit,
    Heimdal,
    Jdk,
}

use Library::{Heimdal, Jdk, Mit};

impl Library {
    pub(super) fn name(self) -> &'static str {
        match self {
            Mit => "MIT",
            Heimdal => "Heimdal",
            Jdk => "JDK",
        }
    }

    /// The peer's program in this role, and what it finds.
    pub(super) fn program(
        self,
        suite: &Suite,
        realm: &Realm,
        role: &str,
        port: u16,
        terms: &Terms,
    ) -> Result<(Program, Env), String> {
        let mech = if terms.spnego { "spnego" } else { "krb5" };
        let flags = match self {
            // Without an answer Heimdal's initiator expects the acceptor's messages to begin with number 0, where MIT's and
            // ours expect them to go on from the initiator's own first number.
            Heimdal if !terms.mutual && role == "init" => "gap",
            _ if terms.mutual => "mutual",
            _ => "",
        };
        let c = |library: &str| {
            Program::new("/usr/bin/python3")
                .arg(suite.peers.join("capi_peer.py"))
                .args(&format!("{library} {role} {port} gss@localhost {mech} {flags}"))
        };
        match self {
            Mit => Ok((c("libgssapi_krb5.so.2"), realm.env.clone())),
            Heimdal => {
                let env = heimdal::with_libraries(&realm.env, &heimdal::root()?)?;
                Ok((c("libgssapi.so.3"), env))
            }
            Jdk => {
                let (name, file) = match role {
                    "init" => ("gss@localhost", "cc"),
                    _ => ("gss/localhost", "service.keytab"),
                };
                // The JDK calls old enctypes weak too.
                let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
                let text = text.replace("[libdefaults]\n", "[libdefaults]\n  allow_weak_crypto = true\n");
                let conf = realm.path("jdk.conf");
                std::fs::write(&conf, text).map_err(|e| e.to_string())?;
                let program = Program::new("/usr/bin/java")
                    .arg(format!("-Djava.security.krb5.conf={}", conf.display()))
                    .arg(suite.peers.join("JGssPeer.java"))
                    .args(&format!("{role} {port} {name} {mech}"))
                    .arg(realm.path(file))
                    .args(flags);
                Ok((program, realm.env.clone()))
            }
        }
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for library in [Mit, Heimdal, Jdk] {
        for enctype in ENCTYPES {
            for spnego in [false, true] {
                for mutual in [true, false] {
                    // One enctype shows what there is without mutual authentication.
                    if !mutual && enctype != AES {
                        continue;
                    }
                    let terms = Terms {
                        spnego,
                        mutual,
                        older_keys: is_old(enctype),
                        ..Terms::default()
                    };
                    add(&mut cases, library, enctype, &terms);
                }
            }
        }
        cases.push(full(
            &format!("gss: channel bindings with {}", library.name()),
            move |suite| bindings(suite, library),
        ));
    }
    cases
}

fn full(name: &str, run: impl Fn(&Suite) -> Result<(), String> + 'static) -> Case {
    Case {
        full: true,
        ..case(name, run)
    }
}

fn add(cases: &mut Vec<Case>, library: Library, enctype: &'static str, terms: &Terms) {
    let how = format!(
        "{}, {}, {enctype}, up to 1 MiB, out of order, twice",
        if terms.spnego { "SPNEGO" } else { "raw krb5" },
        if terms.mutual { "mutual" } else { "one way" }
    );
    let name = library.name();
    let ours = terms.clone();
    cases.push(full(
        &format!("gss: our initiator, {name}'s acceptor, {how}"),
        move |suite| {
            let context = established(our_initiator(suite, library, enctype, &ours, None)?)?;
            check(&context, &ours)
        },
    ));
    let ours = terms.clone();
    cases.push(full(
        &format!("gss: {name}'s initiator, our acceptor, {how}"),
        move |suite| {
            let context = established(our_acceptor(suite, library, enctype, &ours, None)?)?;
            check(&context, &ours)
        },
    ));
}

/// What both ends came to.
struct Outcome {
    ours: Result<SecurityContext, String>,
    theirs: Ended,
}

fn established(outcome: Outcome) -> Result<SecurityContext, String> {
    let Outcome { ours, theirs } = outcome;
    let context = ours.map_err(|e| format!("our end: {e}\ntheir end: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("their end: {theirs}"))?;
    Ok(context)
}

fn refused(outcome: &Outcome, what: &str) -> Result<(), String> {
    expect(
        outcome.ours.is_err() && outcome.theirs.code != Some(0),
        &format!("{what}: {}", outcome.theirs),
    )
}

fn check(context: &SecurityContext, terms: &Terms) -> Result<(), String> {
    expect(
        context.client().to_string() == "alice@CONFORM.TEST",
        &format!("expected alice, but found {}", context.client()),
    )?;
    expect(
        context.flags().contains(ContextFlags::MUTUAL) == terms.mutual,
        "mutual authentication is not as asked",
    )?;
    expect(
        context.facts().negotiated == terms.spnego,
        "SPNEGO is not as asked",
    )
}

fn with_bindings(env: &Env, bindings: Option<&str>) -> Env {
    bindings.map_or_else(|| env.clone(), |hex| env.with("CB", hex))
}

fn our_initiator(
    suite: &Suite,
    library: Library,
    enctype: &'static str,
    terms: &Terms,
    peer_bindings: Option<&str>,
) -> Result<Outcome, String> {
    let realm = realm(suite, enctype)?;
    let port = free_port()?;
    let (program, env) = library.program(suite, &realm, "accept", port, terms)?;
    let env = with_bindings(&env, peer_bindings);
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, &realm, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    Ok(Outcome { ours, theirs })
}

fn our_acceptor(
    suite: &Suite,
    library: Library,
    enctype: &'static str,
    terms: &Terms,
    peer_bindings: Option<&str>,
) -> Result<Outcome, String> {
    let realm = realm(suite, enctype)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let (program, env) = library.program(suite, &realm, "init", port, terms)?;
    let env = with_bindings(&env, peer_bindings);
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener).and_then(|stream| accept(stream, &realm, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    Ok(Outcome { ours, theirs })
}

const CHANNEL: &str = "6368616e6e656c";

fn bindings(suite: &Suite, library: Library) -> Result<(), String> {
    let terms = |bindings: &[u8], required| Terms {
        mutual: true,
        spnego: true,
        bindings: Some(bindings.to_vec()),
        bindings_addrtype: if library == Jdk { 255 } else { 0 },
        bindings_required: required,
        ..Terms::default()
    };
    let bound = established(our_acceptor(
        suite,
        library,
        AES,
        &terms(b"channel", true),
        Some(CHANNEL),
    )?)?;
    expect(
        bound.facts().bindings == BindingState::Bound,
        "the same bindings were not found equal",
    )?;
    let without = established(our_acceptor(
        suite,
        library,
        AES,
        &terms(b"channel", false),
        None,
    )?)?;
    expect(
        without.facts().bindings == BindingState::InitiatorSentNone,
        "an initiator without bindings was taken for a bound one",
    )?;
    refused(
        &our_acceptor(suite, library, AES, &terms(b"another", false), Some(CHANNEL))?,
        "our acceptor took wrong bindings",
    )?;
    refused(
        &our_acceptor(suite, library, AES, &terms(b"channel", true), None)?,
        "our acceptor did not demand bindings",
    )?;
    established(our_initiator(
        suite,
        library,
        AES,
        &terms(b"channel", false),
        Some(CHANNEL),
    )?)?;
    refused(
        &our_initiator(suite, library, AES, &terms(b"another", false), Some(CHANNEL))?,
        "their acceptor took wrong bindings from us",
    )
}
