//! SPNEGO with pyspnego (SPNEGO and NTLM in pure Python) and with MIT's library (NTLM by gss-ntlmssp), both roles.
//!
//! Walkthroughs E1 (client first), E2 (acceptor first), E3 (mechanisms by identifier, wrong guesses, proofs) and E5 (after
//! it, message protection is the chosen mechanism's own).

use std::net::TcpListener;
use std::path::PathBuf;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_gss::{ContextFlags, SecurityContext};

use super::gss::{accept_one, connect, realm};
use super::{case, expect};
use crate::realm::Realm;
use crate::run::{Ended, Env, Program, free_port};
use crate::spnego_peer::Mech::{Krb5, Ntlm};
use crate::spnego_peer::{Mech, Ours, accept, initiate, users};
use crate::{Case, Suite};

const AES: &str = "aes256-cts-hmac-sha1-96";

/// A conversation with a peer.
#[derive(Clone, Debug)]
struct Talk {
    ours: Ours,
    /// pyspnego or mit.
    library: &'static str,
    /// negotiate, or kerberos and ntlm without SPNEGO.
    protocol: &'static str,
    /// What the peer has credentials for.
    mechs: &'static str,
    chosen: Mech,
}

fn talk(library: &'static str, ours: &[Mech], mechs: &'static str, chosen: Mech) -> Talk {
    Talk {
        ours: Ours {
            mechs: ours.to_vec(),
            raw: false,
            mutual: true,
            dce_style: false,
            acceptor_first: false,
            struck_out: false,
        },
        library,
        protocol: "negotiate",
        mechs,
        chosen,
    }
}

impl Talk {
    fn one_way(mut self) -> Self {
        self.ours.mutual = false;
        self
    }

    fn acceptor_first(mut self) -> Self {
        self.ours.acceptor_first = true;
        self
    }

    fn dce_style(mut self) -> Self {
        self.ours.dce_style = true;
        self
    }

    fn struck_out(mut self) -> Self {
        self.ours.struck_out = true;
        self
    }

    fn raw(mut self, protocol: &'static str) -> Self {
        self.ours.raw = true;
        self.protocol = protocol;
        self
    }

    fn name(&self) -> String {
        let names: Vec<&str> = self
            .ours
            .mechs
            .iter()
            .map(|mech| if *mech == Krb5 { "krb5" } else { "NTLM" })
            .collect();
        format!(
            "{}{} with {}, {}'s {}{}",
            if self.ours.raw { "raw " } else { "" },
            names.join("+"),
            self.library,
            self.library,
            self.mechs
                .replace("kerberos", "krb5")
                .replace("ntlm", "NTLM")
                .replace(',', "+"),
            match &self.ours {
                ours if ours.acceptor_first => ", the acceptor speaks first",
                ours if ours.dce_style => ", DCE style",
                ours if ours.struck_out => ", Kerberos struck out in between",
                ours if ours.mutual => "",
                _ => ", one way",
            },
        )
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for library in ["mit", "pyspnego"] {
        let of = |ours: &[Mech], mechs, chosen| talk(library, ours, mechs, chosen);
        for talk in [
            of(&[Krb5], "kerberos", Krb5),
            of(&[Krb5], "kerberos", Krb5).acceptor_first(),
            of(&[Krb5], "kerberos", Krb5).dce_style(),
            of(&[Krb5], "kerberos", Krb5).dce_style().raw("kerberos"),
            of(&[Krb5, Ntlm], "kerberos", Krb5),
            of(&[Ntlm], "ntlm", Ntlm),
            of(&[Ntlm], "ntlm", Ntlm).acceptor_first(),
            of(&[Krb5], "kerberos", Krb5).raw("kerberos"),
        ] {
            push(&mut cases, "our initiator", &talk, our_initiator);
            push(&mut cases, "our acceptor", &talk, our_acceptor);
        }
        let one_way = of(&[Krb5], "kerberos", Krb5).one_way();
        push(&mut cases, "our initiator", &one_way, our_initiator);
        push(&mut cases, "our acceptor", &one_way, our_acceptor);
        if let Some(case) = cases.last_mut().filter(|_| library == "pyspnego") {
            case.known_failure = Some("its initiator drops the AP-REQ of a context that needs no answer");
        }
        // The initiator's first choice is not the acceptor's: proofs. Its guess is wrong: one leg more.
        for talk in [
            of(&[Krb5, Ntlm], "ntlm", Ntlm),
            of(&[Ntlm, Krb5], "kerberos", Krb5),
            of(&[Ntlm], "kerberos,ntlm", Ntlm),
            of(&[Ntlm, Krb5], "kerberos,ntlm", Krb5),
        ] {
            push(&mut cases, "our acceptor", &talk, our_acceptor);
        }
        let struck_out = of(&[Krb5, Ntlm], "kerberos,ntlm", Ntlm).struck_out();
        push(&mut cases, "our initiator", &struck_out, |suite, talk| {
            refused(talk_to_acceptor(suite, talk)?)
        });
        push(&mut cases, "our acceptor", &struck_out, |suite, talk| {
            refused(talk_to_initiator(suite, talk)?)
        });
    }
    // pyspnego's acceptor gives a wrong guess to the mechanism that it chose, so that this is MIT's alone.
    for talk in [
        talk("mit", &[Krb5, Ntlm], "ntlm", Ntlm),
        talk("mit", &[Ntlm, Krb5], "kerberos", Krb5),
    ] {
        push(&mut cases, "our initiator", &talk, our_initiator);
    }
    cases
}

type Run = fn(&Suite, &Talk) -> Result<(), String>;

fn push(cases: &mut Vec<Case>, role: &str, talk: &Talk, run: Run) {
    let name = format!("spnego: {role}, {}", talk.name());
    let talk = talk.clone();
    // MIT's Kerberos and the proofs stand for the rest in ./test.
    let quick = talk.library == "mit"
        && (talk.ours.acceptor_first || talk.ours.dce_style || talk.ours.mechs.len() > 1);
    cases.push(Case {
        full: !quick,
        ..case(&name, move |suite| run(suite, &talk))
    });
}

/// The Python of `peers/pyspnego.sh`, beside the folder of this binary.
fn python() -> Result<PathBuf, String> {
    let own = std::env::current_exe().map_err(|e| e.to_string())?;
    let target = own.parent().and_then(std::path::Path::parent);
    let folder = target.ok_or("no target folder")?.join("pyspnego");
    let python = folder.join("bin/python3");
    if python.exists() {
        return Ok(python);
    }
    Err(format!(
        "pyspnego is not installed in {}: run ./test full, or conformance/peers/pyspnego.sh {0}",
        folder.display()
    ))
}

/// The peer's program and what it finds: a ticket or a keytab if it has Kerberos, accounts if it has NTLM.
fn peer(suite: &Suite, realm: &Realm, talk: &Talk, role: &str, port: u16) -> Result<(Program, Env), String> {
    let file = realm.path("ntlm.users");
    std::fs::write(&file, users()).map_err(|e| e.to_string())?;
    let mut env = realm.env.clone();
    if talk.mechs.contains("ntlm") {
        env = env.with("NTLM_USER_FILE", &file);
    }
    if !talk.mechs.contains("kerberos") {
        env = env
            .with("KRB5CCNAME", realm.path("none"))
            .with("KRB5_KTNAME", realm.path("none"));
    }
    let mut flags = String::new();
    if talk.ours.mutual {
        flags.push_str(" mutual");
    }
    if talk.ours.dce_style {
        flags.push_str(" dce");
    }
    if talk.ours.acceptor_first {
        flags.push_str(" first");
    }
    let python = match talk.library {
        "mit" => PathBuf::from("/usr/bin/python3"),
        _ => python()?,
    };
    let program = Program::new(python)
        .arg(suite.peers.join("spnego_peer.py"))
        .args(&format!(
            "{} {role} {port} {} {}{flags}",
            talk.library, talk.protocol, talk.mechs
        ));
    Ok((program, env))
}

fn check(context: &SecurityContext, talk: &Talk) -> Result<(), String> {
    let mechanism: ObjectIdentifier = match talk.chosen {
        Krb5 => oids::KRB5,
        Ntlm => oids::NTLMSSP,
    };
    let facts = context.facts();
    expect(facts.mechanism == mechanism, "another mechanism was chosen")?;
    expect(facts.negotiated != talk.ours.raw, "SPNEGO is not as asked")?;
    let client = match talk.chosen {
        Krb5 => "alice@CONFORM.TEST",
        Ntlm => "alice@DOM",
    };
    expect(
        context.client().to_string() == client,
        &format!("expected the client {client}, but found {}", context.client()),
    )?;
    expect(
        talk.chosen == Ntlm || facts.flags.contains(ContextFlags::MUTUAL) == talk.ours.mutual,
        "mutual authentication is not as asked",
    )?;
    expect(
        facts.flags.contains(ContextFlags::DCE_STYLE) == talk.ours.dce_style,
        "DCE style is not as asked",
    )
}

/// What both ends came to.
struct Outcome {
    ours: Result<SecurityContext, String>,
    theirs: Ended,
}

fn established(outcome: Outcome, talk: &Talk) -> Result<(), String> {
    let Outcome { ours, theirs } = outcome;
    let context = ours.map_err(|e| format!("our end: {e}\ntheir end: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("their end: {theirs}"))?;
    check(&context, talk)
}

/// Neither end has a context of what somebody in between made of the negotiation, because of the acceptor's check of the
/// initiator's mechListMIC.
fn refused(outcome: Outcome) -> Result<(), String> {
    let Outcome { ours, theirs } = outcome;
    let ours = ours.err().unwrap_or_default();
    let noticed = ours.contains("does not verify") || theirs.stderr.contains("BadMICError");
    expect(
        !ours.is_empty() && theirs.code != Some(0) && noticed,
        &format!("a downgrade was not noticed: {ours}\n{theirs}"),
    )
}

fn our_initiator(suite: &Suite, talk: &Talk) -> Result<(), String> {
    established(talk_to_acceptor(suite, talk)?, talk)
}

fn our_acceptor(suite: &Suite, talk: &Talk) -> Result<(), String> {
    established(talk_to_initiator(suite, talk)?, talk)
}

fn talk_to_acceptor(suite: &Suite, talk: &Talk) -> Result<Outcome, String> {
    let realm = realm(suite, AES)?;
    let port = free_port()?;
    let (program, env) = peer(suite, &realm, talk, "accept", port)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, &realm, &talk.ours));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    Ok(Outcome { ours, theirs })
}

fn talk_to_initiator(suite: &Suite, talk: &Talk) -> Result<Outcome, String> {
    let realm = realm(suite, AES)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let (program, env) = peer(suite, &realm, talk, "init", port)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener).and_then(|stream| accept(stream, &realm, &talk.ours));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    Ok(Outcome { ours, theirs })
}
