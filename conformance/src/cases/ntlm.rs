//! NTLM with gss-ntlmssp (under MIT's library), pyspnego and Samba's `ntlm_auth`: raw and in SPNEGO, in both roles.

use std::net::{TcpListener, TcpStream};
use std::path::PathBuf;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_client::{OsRandom, now};
use kerbside_crypto::Password;
use kerbside_gss::{
    Acceptor, BindingPolicy, BindingState, ChannelBindings, ContextFlags, Initiator, SecurityContext,
};
use kerbside_ntlm::{
    KeyStrength, MicPolicy, NtlmAcceptorParams, NtlmInitiatorParams, NtlmPolicy, TimestampPolicy, UserFile,
};

use super::gss::{accept_one, connect};
use super::{case, expect, full_case};
use crate::gss_peer::{describe, establish, receive, send};
use crate::ldap_sasl::Ldap;
use crate::run::{Env, Program, free_port};
use crate::{Case, Suite};

const USERS: &str = "DOM:alice:Passw0rd-alice\n";
const PASSWORD: &str = "Passw0rd-alice";
const CHANNEL: &[u8] = b"tls-server-end-point:channel";

/// What the peer runs on.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Library {
    /// MIT's libgssapi with gss-ntlmssp.
    Gss,
    Pyspnego,
}

/// One conversation.
#[derive(Clone)]
struct Talk {
    library: Library,
    spnego: bool,
    /// What the peer is told beside.
    options: &'static str,
    /// The peer's variables.
    variables: &'static [(&'static str, &'static str)],
    ours: Option<ChannelBindings>,
    theirs: Option<&'static [u8]>,
    policy: NtlmPolicy,
    v1: bool,
    /// Whether the messages are in clear.
    sign_only: bool,
}

impl Talk {
    fn new(library: Library, spnego: bool) -> Self {
        Self {
            library,
            spnego,
            options: "",
            variables: &[],
            ours: None,
            theirs: None,
            policy: NtlmPolicy::STRICT,
            v1: false,
            sign_only: false,
        }
    }

    /// gss-ntlmssp's initiator makes a MIC in SPNEGO alone.
    fn lenient_to_gss(mut self) -> Self {
        if self.library == Library::Gss && !self.spnego {
            self.policy.mic = MicPolicy::WhenAnnounced;
        }
        self
    }

    fn bound(mut self) -> Self {
        self.ours = Some(ChannelBindings::from_application_data(CHANNEL));
        self.theirs = Some(CHANNEL);
        self
    }
}

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (library, name) in [(Library::Gss, "gss-ntlmssp"), (Library::Pyspnego, "pyspnego")] {
        for spnego in [false, true] {
            let how = if spnego { "SPNEGO" } else { "raw" };
            let full = library == Library::Pyspnego;
            let talk = Talk::new(library, spnego);
            let bound = talk.clone().bound();
            cases.push(Case {
                full,
                ..case(
                    &format!("ntlm: our initiator, {name}'s acceptor, {how}"),
                    move |suite| {
                        our_initiator(suite, &talk)?;
                        our_initiator(suite, &bound).map(drop)
                    },
                )
            });
            let talk = Talk::new(library, spnego).lenient_to_gss();
            cases.push(Case {
                full,
                ..case(
                    &format!("ntlm: {name}'s initiator, our acceptor, {how}"),
                    move |suite| both_ways_bound(suite, &talk),
                )
            });
            let talk = Talk::new(library, spnego).lenient_to_gss();
            cases.push(full_case(
                &format!("ntlm: signing alone, {name}, {how}"),
                move |suite| signing_alone(suite, &talk),
            ));
        }
        cases.push(full_case(&format!("ntlm: refusals, {name}"), move |suite| {
            refusals(suite, library)
        }));
        cases.push(full_case(
            &format!("ntlm: version 1 where it is allowed, {name}"),
            move |suite| version_1(suite, library),
        ));
    }
    cases.push(full_case(
        "ntlm: without a MIC where that is allowed, pyspnego",
        without_mic,
    ));
    cases.push(full_case(
        "ntlm: Samba's ntlm_auth as a client",
        super::ntlm_auth::client,
    ));
    cases.push(case("ntlm: curl's own NTLM over HTTP", super::ntlm_http::curl));
    cases.push(full_case(
        "ntlm: our initiator, Samba's LDAP server, signed and sealed",
        samba_ldap,
    ));
    cases.push(full_case(
        "ntlm: our initiator, Samba's ntlm_auth and its domain",
        super::ntlm_auth::server,
    ));
    cases
}

pub(super) fn policy() -> NtlmPolicy {
    let mut policy = NtlmPolicy::STRICT;
    policy.allow_v1 = true;
    policy.allow_oem = true;
    policy.allow_without_extended_session_security = true;
    policy.key_strength_min = KeyStrength::Bits40;
    policy.mic = MicPolicy::WhenAnnounced;
    policy.timestamp = TimestampPolicy::Within(60);
    policy
}

/// The same messages as in `peers/ntlm_peer.py`.
fn messages(library: Library) -> Vec<Vec<u8>> {
    let mut sizes = vec![1, 15, 16, 17, 63, 64, 65, 4096, 1 << 20];
    if library == Library::Pyspnego {
        sizes.insert(0, 0);
    }
    let message = |size| (0..=250).cycle().take(size).collect();
    sizes.into_iter().map(message).collect()
}

fn python(library: Library) -> Result<PathBuf, String> {
    if library == Library::Gss {
        return Ok("/usr/bin/python3".into());
    }
    let binary = std::env::current_exe().map_err(|e| e.to_string())?;
    let target = binary.ancestors().nth(2).unwrap_or(&binary);
    let python = target.join("pyspnego/bin/python3");
    let folder = target.join("pyspnego");
    if python.exists() {
        return Ok(python);
    }
    let folder = folder.display();
    Err(format!(
        "pyspnego is not in {folder}: run ./test full, or conformance/peers/pyspnego.sh {folder}"
    ))
}

fn peer(suite: &Suite, talk: &Talk, role: &str, port: u16) -> Result<Program, String> {
    let library = match talk.library {
        Library::Gss => "gss",
        Library::Pyspnego => "pyspnego",
    };
    let mech = if talk.spnego { "spnego" } else { "ntlm" };
    let options = if talk.sign_only { "sign" } else { "" };
    Ok(Program::new(python(talk.library)?)
        .arg(suite.peers.join("ntlm_peer.py"))
        .args(&format!(
            "{library} {role} {port} {mech} {} {options}",
            talk.options
        )))
}

/// The peer's users and names in a folder of the case's own.
fn environment(talk: &Talk) -> Result<(tempfile::TempDir, Env), String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let users = folder.path().join("users");
    std::fs::write(&users, USERS).map_err(|e| e.to_string())?;
    let mut env = Env::default()
        .with("NTLM_USER_FILE", users)
        // Or SPNEGO would rather use a ticket that it finds.
        .with("KRB5CCNAME", "MEMORY:none")
        .with("KRB5_KTNAME", folder.path().join("none.keytab"))
        .with("NETBIOS_COMPUTER_NAME", "PEER")
        .with("NETBIOS_DOMAIN_NAME", "DOM");
    if let Some(data) = talk.theirs {
        let hex: String = data.iter().map(|octet| format!("{octet:02x}")).collect();
        env = env.with("CB", hex);
    }
    for (name, value) in talk.variables {
        env = env.with(name, value);
    }
    Ok((folder, env))
}

fn our_initiator(suite: &Suite, talk: &Talk) -> Result<SecurityContext, String> {
    let (_folder, env) = environment(talk)?;
    let port = free_port()?;
    let program = peer(suite, talk, "accept", port)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, talk));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our initiator: {e}\nthe acceptor: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("the acceptor: {theirs}"))?;
    theirs.prints(&["initiator DOM\\alice"])?;
    Ok(context)
}

fn initiate(mut stream: TcpStream, talk: &Talk) -> Result<SecurityContext, String> {
    let mut flags = ContextFlags::INTEGRITY;
    if !talk.sign_only {
        flags |= ContextFlags::CONFIDENTIALITY;
    }
    let params = NtlmInitiatorParams::new("DOM", "alice", &Password::from(PASSWORD))
        .map_err(|e| describe(&e))?
        .with_target("HTTP/localhost")
        .with_flags(flags)
        .with_policy(talk.policy)
        .with_v1(talk.v1)
        .with_channel_bindings(talk.ours.clone());
    let ntlm = params.into_mechanism().map_err(|e| describe(&e))?;
    let initiator = if talk.spnego {
        Initiator::negotiate(vec![ntlm])
    } else {
        Initiator::raw(ntlm)
    };
    let step = initiator.start(now(), &mut OsRandom).map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    speak(&mut stream, &mut context, talk)?;
    listen(&mut stream, &mut context, talk)?;
    send(&mut stream, b"done")?;
    Ok(context)
}

fn our_acceptor(suite: &Suite, talk: &Talk, bindings: BindingPolicy) -> Result<SecurityContext, String> {
    let (_folder, env) = environment(talk)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let program = peer(suite, talk, "init", port)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener).and_then(|stream| accept(stream, talk, bindings));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our acceptor: {e}\nthe initiator: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("the initiator: {theirs}"))?;
    expect(
        *context.client() == Principal::new("DOM", &["alice"]),
        "our acceptor names another client",
    )?;
    expect(
        context.facts().negotiated == talk.spnego,
        "SPNEGO is not as asked",
    )?;
    Ok(context)
}

/// Our acceptor; the client's target is compared wherever it sends one.
pub(super) fn acceptor(
    policy: NtlmPolicy,
    bindings: Option<ChannelBindings>,
    how: BindingPolicy,
) -> Result<Acceptor, String> {
    let users = UserFile::parse(USERS.as_bytes(), "SERVER").map_err(|e| describe(&e))?;
    let params = NtlmAcceptorParams::new(Arc::new(users), "SERVER")
        .with_domain("DOM")
        .with_dns_names(Some("localhost"), None)
        .with_targets(&["HTTP/localhost"], BindingPolicy::WhenSupported)
        .with_channel_bindings(bindings, how)
        .with_policy(policy);
    Ok(Acceptor::with_mechanisms(vec![params.into_mechanism()]))
}

fn accept(mut stream: TcpStream, talk: &Talk, how: BindingPolicy) -> Result<SecurityContext, String> {
    let acceptor = acceptor(talk.policy, talk.ours.clone(), how)?;
    let token = receive(&mut stream)?;
    let step = acceptor
        .step(&token, now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let mut context = establish(&mut stream, step)?;
    listen(&mut stream, &mut context, talk)?;
    speak(&mut stream, &mut context, talk)?;
    if receive(&mut stream)? != b"done" {
        return Err("the initiator did not say that it is done".to_owned());
    }
    Ok(context)
}

fn speak(stream: &mut TcpStream, context: &mut SecurityContext, talk: &Talk) -> Result<(), String> {
    let messages = messages(talk.library);
    for message in messages.iter().filter(|_| !talk.sign_only) {
        let token = context.wrap(true, message, &mut OsRandom);
        send(stream, &token.map_err(|e| describe(&e))?)?;
    }
    for message in messages {
        let token = context.get_mic(&message).map_err(|e| describe(&e))?;
        send(stream, &token)?;
    }
    Ok(())
}

/// Each token is tried before its turn and after it as well: both are refused, and nothing is lost by it.
fn listen(stream: &mut TcpStream, context: &mut SecurityContext, talk: &Talk) -> Result<(), String> {
    let messages = messages(talk.library);
    if !talk.sign_only {
        let tokens = receive_many(stream, messages.len())?;
        in_turn(&messages, &tokens, |message, token| {
            let got = context.unwrap_confidential(token).map_err(|e| describe(&e))?;
            expect(got.message == message, "it arrived otherwise than it was sent")
        })?;
    }
    let tokens = receive_many(stream, messages.len())?;
    in_turn(&messages, &tokens, |message, mic| {
        context
            .verify_mic(message, mic)
            .map(drop)
            .map_err(|e| describe(&e))
    })
}

fn receive_many(stream: &mut TcpStream, count: usize) -> Result<Vec<Vec<u8>>, String> {
    (0..count).map(|_| receive(stream)).collect()
}

fn in_turn(
    messages: &[Vec<u8>],
    tokens: &[Vec<u8>],
    mut take: impl FnMut(&[u8], &[u8]) -> Result<(), String>,
) -> Result<(), String> {
    for (index, (message, token)) in messages.iter().zip(tokens).enumerate() {
        let next = index.saturating_add(1);
        if let (Some(message), Some(token)) = (messages.get(next), tokens.get(next)) {
            expect(
                take(message, token).is_err(),
                "a message was accepted out of order",
            )?;
        }
        take(message, token).map_err(|e| format!("message of {} octets: {e}", message.len()))?;
        expect(take(message, token).is_err(), "a message was accepted twice")?;
    }
    Ok(())
}

fn both_ways_bound(suite: &Suite, talk: &Talk) -> Result<(), String> {
    let context = our_acceptor(suite, talk, BindingPolicy::WhenSupported)?;
    expect(
        context.facts().bindings == BindingState::NotChecked,
        "bindings were checked that are not there",
    )?;
    expect(
        context.server().name.is(&["HTTP", "localhost"]),
        &format!("the client's target is {}", context.server()),
    )?;
    let context = our_acceptor(suite, &talk.clone().bound(), BindingPolicy::Required)?;
    expect(
        context.facts().bindings == BindingState::Bound,
        "the same bindings were not found equal",
    )
}

fn signing_alone(suite: &Suite, talk: &Talk) -> Result<(), String> {
    let talk = Talk {
        sign_only: true,
        ..talk.clone()
    };
    our_initiator(suite, &talk)?;
    let context = our_acceptor(suite, &talk, BindingPolicy::WhenSupported)?;
    expect(
        !context.flags().contains(ContextFlags::CONFIDENTIALITY),
        "encryption was negotiated that nobody asked for",
    )
}

/// Our acceptor refuses, with the words that belong to it.
fn refused(suite: &Suite, talk: &Talk, bindings: BindingPolicy, words: &str) -> Result<(), String> {
    match our_acceptor(suite, talk, bindings) {
        Ok(_) => Err(format!("expected a refusal with {words:?}, but found a context")),
        Err(text) if text.contains("our acceptor: NTLM") && text.contains(words) => Ok(()),
        Err(text) => Err(format!("expected a refusal with {words:?}, but found {text}")),
    }
}

fn refusals(suite: &Suite, library: Library) -> Result<(), String> {
    let strict = Talk::new(library, false);
    if library == Library::Gss {
        refused(suite, &strict, BindingPolicy::Off, "MIC")?;
    }
    let talk = strict.lenient_to_gss();
    let wrong = Talk {
        options: "wrong",
        ..talk.clone()
    };
    refused(suite, &wrong, BindingPolicy::Off, "another password")?;
    let astray = Talk {
        ours: Some(ChannelBindings::from_application_data(b"another channel")),
        ..talk.clone().bound()
    };
    refused(
        suite,
        &astray,
        BindingPolicy::WhenSupported,
        "bound to another channel",
    )?;
    let unbound = Talk {
        theirs: None,
        ..talk.clone().bound()
    };
    refused(suite, &unbound, BindingPolicy::Required, "channel bindings")?;
    let old = Talk {
        variables: &[("LM_COMPAT_LEVEL", "2")],
        ..talk.clone()
    };
    refused(suite, &old, BindingPolicy::Off, "version 1")?;
    let older = Talk {
        variables: &[("LM_COMPAT_LEVEL", "0")],
        ..talk.clone()
    };
    if library == Library::Pyspnego {
        refused(suite, &older, BindingPolicy::Off, "extended session security")?;
    }
    let astray = Talk {
        ours: Some(ChannelBindings::from_application_data(b"another channel")),
        ..talk.bound()
    };
    expect(
        our_initiator(suite, &astray).is_err(),
        "the peer's acceptor took wrong bindings from us",
    )
}

fn version_1(suite: &Suite, library: Library) -> Result<(), String> {
    let talk = Talk {
        policy: policy(),
        v1: true,
        variables: &[("LM_COMPAT_LEVEL", "2")],
        ..Talk::new(library, false)
    };
    our_acceptor(suite, &talk, BindingPolicy::Off)?;
    our_initiator(suite, &talk)?;
    if library == Library::Gss {
        return Ok(());
    }
    // One key and one stream for both directions.
    // It wants zeros for RandomPad, where the example of MS-NLMP 4.2.2.4 has what RC4 makes of them.
    let talk = Talk {
        variables: &[("LM_COMPAT_LEVEL", "0")],
        options: "deaf",
        ..talk
    };
    our_acceptor(suite, &talk, BindingPolicy::Off).map(drop)
}

fn without_mic(suite: &Suite) -> Result<(), String> {
    let talk = Talk {
        options: "notime",
        ..Talk::new(Library::Pyspnego, false)
    };
    refused(suite, &talk, BindingPolicy::Off, "MIC")?;
    let talk = Talk {
        policy: policy(),
        ..talk
    };
    our_acceptor(suite, &talk, BindingPolicy::Off).map(drop)
}

/// SPNEGO with NTLM, then searches: what both sides seal goes on from message to message.
fn samba_ldap(suite: &Suite) -> Result<(), String> {
    let samba = suite.shared.samba(suite)?;
    let ntlm = NtlmInitiatorParams::new("AD", "alice", &Password::from("Passw0rd-alice"))
        .map_err(|e| describe(&e))?
        .with_target("ldap/dc1.ad.test");
    let ntlm = ntlm.into_mechanism().map_err(|e| describe(&e))?;
    let step = Initiator::negotiate(vec![ntlm])
        .start(now(), &mut OsRandom)
        .map_err(|e| describe(&e))?;
    let mut ldap = Ldap::bind(samba.connect(389)?, step)?;
    expect(ldap.context().facts().negotiated, "SPNEGO did not negotiate")?;
    for name in [
        "DC=ad,DC=test",
        "CN=Users,DC=ad,DC=test",
        "CN=alice,CN=Users,DC=ad,DC=test",
    ] {
        let entry = ldap.entry(name)?;
        let found = entry.windows(name.len()).any(|part| part == name.as_bytes());
        expect(
            found,
            &format!("the answer to a search for {name} does not have it"),
        )?;
    }
    Ok(())
}
