//! Contexts with MIT's GSS library in both roles: raw and SPNEGO, mutual and not, every enctype, channel bindings.
//!
//! Walkthrough D4 is our initiator and D5 our acceptor; E1 is the SPNEGO cases.

use std::net::{TcpListener, TcpStream};
use std::time::{Duration, Instant};

use kerbside_asn1::Principal;
use kerbside_gss::{BindingState, ContextFlags, SecurityContext};

use super::{case, expect};
use crate::gss_peer::{Terms, accept, credential, initiate};
use crate::realm::{Options, PASSWORD, REALM, Realm, Side};
use crate::run::{Env, Program, free_port};
use crate::{Case, Suite};

pub(super) const ENCTYPES: &[&str] = &[
    "aes256-cts-hmac-sha1-96",
    "aes128-cts-hmac-sha1-96",
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
    "camellia256-cts-cmac",
    "camellia128-cts-cmac",
    "arcfour-hmac",
    "des3-cbc-sha1",
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case("gss: channel bindings, our acceptor", bindings_accepted),
        case("gss: channel bindings, our initiator", bindings_initiated),
    ];
    for &enctype in ENCTYPES {
        for spnego in [false, true] {
            for mutual in [true, false] {
                let how = format!(
                    "{}, {}, {enctype}",
                    if spnego { "SPNEGO" } else { "raw krb5" },
                    if mutual { "mutual" } else { "one way" }
                );
                let terms = Terms {
                    spnego,
                    mutual,
                    older_keys: is_old(enctype),
                    ..Terms::default()
                };
                let ours = terms.clone();
                // Camellia's tokens differ from those of AES in the key alone: one way of negotiating will do.
                let full = enctype.starts_with("camellia") && !(spnego && mutual);
                cases.push(Case {
                    full,
                    ..case(
                        &format!("gss: our initiator, MIT's acceptor, {how}"),
                        move |suite| our_initiator(suite, enctype, &ours).map(drop),
                    )
                });
                cases.push(Case {
                    full,
                    ..case(
                        &format!("gss: MIT's initiator, our acceptor, {how}"),
                        move |suite| our_acceptor(suite, enctype, &terms, None).map(drop),
                    )
                });
            }
        }
    }
    cases
}

/// Types whose tokens are older than RFC 4121. Our KDC issues none, MIT's of 1.20 still does.
pub(super) fn is_old(enctype: &str) -> bool {
    matches!(enctype, "arcfour-hmac" | "des3-cbc-sha1")
}

pub(crate) fn server() -> Result<Principal, String> {
    Principal::parse(&format!("gss/localhost@{REALM}"), None).map_err(|e| e.to_string())
}

/// A realm whose every key is of one enctype, and alice logged in; the KDC is ours.
pub(super) fn realm(suite: &Suite, enctype: &'static str) -> Result<Realm, String> {
    let enctypes: &'static str = match enctype {
        "aes256-cts-hmac-sha1-96" => "aes256-cts-hmac-sha1-96:normal",
        "aes128-cts-hmac-sha1-96" => "aes128-cts-hmac-sha1-96:normal",
        "aes256-cts-hmac-sha384-192" => "aes256-cts-hmac-sha384-192:normal",
        "arcfour-hmac" => "arcfour-hmac:normal",
        "des3-cbc-sha1" => "des3-cbc-sha1:normal",
        "camellia256-cts-cmac" => "camellia256-cts-cmac:normal",
        "camellia128-cts-cmac" => "camellia128-cts-cmac:normal",
        _ => "aes128-cts-hmac-sha256-128:normal",
    };
    // KDCs prefer a session key of a better type.
    let libdefaults = match enctype {
        "arcfour-hmac" => {
            "allow_rc4 = true\n  default_tkt_enctypes = arcfour-hmac\n  default_tgs_enctypes = arcfour-hmac"
        }
        "des3-cbc-sha1" => {
            "allow_des3 = true\n  default_tkt_enctypes = des3-cbc-sha1\n  default_tgs_enctypes = des3-cbc-sha1"
        }
        _ => "",
    };
    let realm = Realm::start(
        &suite.bin,
        &Options {
            enctypes,
            libdefaults,
            ..Options::new(if is_old(enctype) { Side::Mit } else { Side::Ours })
        },
    )?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm.mit("kvno").args("gss/localhost").ok(&realm.env)?;
    Ok(realm)
}

pub(super) fn peer(suite: &Suite, role: &str, port: u16, rest: &str) -> Program {
    let script = suite.peers.join("gss_peer.py");
    Program::new("/usr/bin/python3")
        .arg(script)
        .args(&format!("{role} {port} gss@localhost {rest}"))
}

fn with_bindings(env: &Env, bindings: Option<&str>) -> Env {
    bindings.map_or_else(|| env.clone(), |hex| env.with("CB", hex))
}

fn our_initiator(suite: &Suite, enctype: &'static str, terms: &Terms) -> Result<SecurityContext, String> {
    our_initiator_with(suite, enctype, terms, None)
}

fn our_initiator_with(
    suite: &Suite,
    enctype: &'static str,
    terms: &Terms,
    peer_bindings: Option<&str>,
) -> Result<SecurityContext, String> {
    let realm = realm(suite, enctype)?;
    let credential = credential(&realm.path("cc"), &server()?)?;
    let port = free_port()?;
    let program = peer(suite, "accept", port, "");
    let env = with_bindings(&realm.env, peer_bindings);
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, credential, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our initiator: {e}\nMIT's acceptor: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's acceptor: {theirs}"))?;
    theirs.prints(&["initiator alice@CONFORM.TEST"])?;
    expect(
        context.server() == &server()?,
        "our initiator names another service",
    )?;
    expect(
        context.flags().contains(ContextFlags::MUTUAL) == terms.mutual,
        "mutual authentication is not as asked",
    )?;
    expect(
        context
            .facts()
            .kerberos
            .as_ref()
            .is_some_and(|facts| facts.session_enctype.name() == Some(enctype)),
        "the session key is of another enctype",
    )?;
    Ok(context)
}

fn our_acceptor(
    suite: &Suite,
    enctype: &'static str,
    terms: &Terms,
    peer_bindings: Option<&str>,
) -> Result<SecurityContext, String> {
    let realm = realm(suite, enctype)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let mech = if terms.spnego { "spnego" } else { "krb5" };
    let flags = if terms.mutual {
        "mutual replay sequence"
    } else {
        "replay sequence"
    };
    let program = peer(suite, "init", port, &format!("{mech} {flags}"));
    let env = with_bindings(&realm.env, peer_bindings);
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener)
        .and_then(|stream| accept(stream, &realm.path("service.keytab"), &server()?, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our acceptor: {e}\nMIT's initiator: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's initiator: {theirs}"))?;
    expect(
        context.client().to_string() == "alice@CONFORM.TEST",
        "our acceptor names another client",
    )?;
    expect(
        context.flags().contains(ContextFlags::MUTUAL) == terms.mutual,
        "mutual authentication is not as asked",
    )?;
    expect(
        context.facts().negotiated == terms.spnego,
        "SPNEGO is not as asked",
    )?;
    Ok(context)
}

pub(super) fn connect(port: u16) -> Result<TcpStream, String> {
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match TcpStream::connect(("127.0.0.1", port)) {
            Ok(stream) => return deadline(stream),
            Err(e) if Instant::now() > end => return Err(format!("the peer does not listen: {e}")),
            Err(_) => std::thread::sleep(Duration::from_millis(10)),
        }
    }
}

pub(super) fn accept_one(listener: &TcpListener) -> Result<TcpStream, String> {
    listener.set_nonblocking(true).map_err(|e| e.to_string())?;
    let end = Instant::now() + Duration::from_secs(10);
    loop {
        match listener.accept() {
            Ok((stream, _)) => {
                stream.set_nonblocking(false).map_err(|e| e.to_string())?;
                return deadline(stream);
            }
            Err(_) if Instant::now() < end => std::thread::sleep(Duration::from_millis(10)),
            Err(e) => return Err(format!("the peer does not call: {e}")),
        }
    }
}

fn deadline(stream: TcpStream) -> Result<TcpStream, String> {
    stream
        .set_read_timeout(Some(Duration::from_secs(20)))
        .map_err(|e| e.to_string())?;
    Ok(stream)
}

const AES: &str = "aes256-cts-hmac-sha1-96";

fn terms(bindings: Option<&[u8]>, required: bool) -> Terms {
    Terms {
        mutual: true,
        bindings: bindings.map(<[u8]>::to_vec),
        bindings_required: required,
        ..Terms::default()
    }
}

fn bindings_accepted(suite: &Suite) -> Result<(), String> {
    let bound = our_acceptor(suite, AES, &terms(Some(b"channel"), true), Some("6368616e6e656c"))?;
    expect(
        bound.facts().bindings == BindingState::Bound,
        "the same bindings were not found equal",
    )?;
    let without = our_acceptor(suite, AES, &terms(Some(b"channel"), false), None)?;
    expect(
        without.facts().bindings == BindingState::InitiatorSentNone,
        "an initiator without bindings was taken for a bound one",
    )?;
    let wrong = our_acceptor(
        suite,
        AES,
        &terms(Some(b"another"), false),
        Some("6368616e6e656c"),
    );
    expect(
        wrong.is_err_and(|e| e.contains("our acceptor: ")),
        "wrong channel bindings were accepted",
    )?;
    let required = our_acceptor(suite, AES, &terms(Some(b"channel"), true), None);
    expect(
        required.is_err_and(|e| e.contains("our acceptor: ")),
        "required channel bindings were not demanded",
    )
}

fn bindings_initiated(suite: &Suite) -> Result<(), String> {
    our_initiator_with(
        suite,
        AES,
        &terms(Some(b"channel"), false),
        Some("6368616e6e656c"),
    )?;
    let wrong = our_initiator_with(
        suite,
        AES,
        &terms(Some(b"another"), false),
        Some("6368616e6e656c"),
    );
    expect(
        wrong.is_err(),
        "MIT's acceptor took wrong channel bindings from us",
    )
}
