//! Programs with contexts, from their credentials to their messages: the examples of `kerbside-client` with each other and
//! with MIT's library (walkthroughs D4, D5); names and local names as MIT's library has them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_asn1::{Principal, Realm as RealmName};
use kerbside_client::{
    AcceptorCredential, Client, Config, CredentialStore, Environment, InitiatorCredential, KeytabName,
    OsRandom, now,
};
use kerbside_gss::{ContextFlags, GssName, Initiator, LocalNames, Step};

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Env, Program, Server, free_port, listens};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "contexts: walkthroughs D4 and D5: two programs of ours over TCP, at MIT's KDC",
            |suite| our_pair(suite, Side::Mit),
        ),
        case(
            "contexts: two programs of ours over TCP, at our KDC, by client keytab",
            |suite| our_pair(suite, Side::Ours),
        ),
        case("contexts: walkthrough D4: our program, MIT's service", our_client),
        case(
            "contexts: walkthrough D5: MIT's program, our service, its keytab changed meanwhile",
            our_server,
        ),
        case(
            "contexts: password in, token out, no file; MIT's acceptor takes it",
            token_without_files,
        ),
        case(
            "contexts: walkthrough D3: our service acts with what MIT's client delegated, towards MIT's",
            delegated,
        ),
        case("contexts: names are exported as MIT exports them", exported_names),
        case(
            "contexts: auth_to_local names whom MIT's library names",
            local_names,
        ),
    ]
}

/// A realm with alice logged in by MIT's kinit.
fn realm(suite: &Suite, kdc: Side) -> Result<Realm, String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let login = format!("{PASSWORD}\n");
    realm.mit("kinit").args("alice").stdin(&login).ok(&realm.env)?;
    Ok(realm)
}

/// A program of `crates/kerbside-client/examples`, which `cargo build --examples` puts beside this one.
pub(super) fn example(name: &str) -> Result<Program, String> {
    let this = std::env::current_exe().map_err(|e| e.to_string())?;
    let path: PathBuf = this
        .parent()
        .unwrap_or(Path::new("."))
        .join("examples")
        .join(name);
    expect(
        path.exists(),
        &format!(
            "{}: missing; cargo build -p kerbside-client --examples makes it",
            path.display()
        ),
    )?;
    Ok(Program::new(path))
}

fn peer(suite: &Suite, line: &str) -> Program {
    Program::new("/usr/bin/python3")
        .arg(suite.peers.join("gss_once.py"))
        .args(line)
}

/// Our example server, for as many clients.
fn start_server(env: &Env, clients: usize) -> Result<(u16, Server), String> {
    let port = free_port()?;
    let program = example("gss_server")?.args(&format!("gss@localhost 127.0.0.1:{port} {clients}"));
    let server = Server::start("gss_server", &program, env, &|| listens(port))?;
    Ok((port, server))
}

fn our_pair(suite: &Suite, kdc: Side) -> Result<(), String> {
    let mut realm = realm(suite, kdc)?;
    if kdc == Side::Ours {
        // No login: the client's own keys.
        let keytab = format!("FILE:{}", realm.path("alice.keytab").display());
        realm.env = realm
            .env
            .with("KRB5CCNAME", format!("FILE:{}", realm.path("none").display()))
            .with("KRB5_CLIENT_KTNAME", keytab);
    }
    let (port, _server) = start_server(&realm.env, 100)?;
    let address = format!("127.0.0.1:{port}");
    let client = example("gss_client")?.args(&format!("{address} gss@localhost hello, peer"));
    for _ in 0..3 {
        let talk = client.ok(&realm.env)?;
        talk.prints(&["service gss/localhost@CONFORM.TEST", "HELLO,", "PEER"])?;
    }
    // Another service's name, whose key the server has too, is not the server.
    example("gss_client")?
        .args(&format!("{address} HTTP@localhost x"))
        .fails(&realm.env)?;
    client.ok(&realm.env)?;
    Ok(())
}

fn our_client(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, Side::Ours)?;
    let port = free_port()?;
    let (program, env) = (
        peer(suite, &format!("serve {port} gss@localhost")),
        realm.env.clone(),
    );
    let theirs = std::thread::spawn(move || program.run(&env));
    let client = example("gss_client")?.args(&format!("127.0.0.1:{port} gss@localhost one two three"));
    let mut ours = client.run(&realm.env)?;
    for _ in 0..100 {
        if ours.code == Some(0) || !ours.stderr.contains("Connection refused") {
            break;
        }
        std::thread::sleep(std::time::Duration::from_millis(50));
        ours = client.run(&realm.env)?;
    }
    expect(ours.code == Some(0), &format!("our client: {ours}"))?;
    ours.prints(&["service gss/localhost@CONFORM.TEST", "ONE", "TWO", "THREE"])?;
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    theirs.prints(&["initiator alice@CONFORM.TEST"])?;
    Ok(())
}

fn our_server(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let (port, _server) = start_server(&realm.env, 100)?;
    let client = peer(suite, &format!("talk {port} gss@localhost")).stdin("one\ntwo words\n");
    client.ok(&realm.env)?.prints(&["ONE", "TWO WORDS"])?;
    // A new key of the service, in the same keytab, while the server runs; and a ticket made with it.
    let keytab = realm.path("service.keytab");
    realm.kadmin(&format!("ktadd -k {} gss/localhost", keytab.display()))?;
    let fresh = realm
        .env
        .with("KRB5CCNAME", format!("FILE:{}", realm.path("cc2").display()));
    let login = format!("{PASSWORD}\n");
    realm.mit("kinit").args("alice").stdin(&login).ok(&fresh)?;
    realm
        .mit("kvno")
        .args("gss/localhost")
        .ok(&fresh)?
        .prints(&["kvno = 3"])?;
    client.ok(&fresh)?.prints(&["ONE", "TWO WORDS"])?;
    // The old ticket goes on, as its key is still in the keytab.
    client.ok(&realm.env)?.prints(&["ONE"])?;
    Ok(())
}

fn token_without_files(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let nowhere = Env::default().with("HOME", "/nonexistent");
    let line = format!("alice@CONFORM.TEST 127.0.0.1:{} gss@localhost", realm.port);
    let program = example("token_without_files")?.args(&line);
    let token = program.clone().stdin(&format!("{PASSWORD}\n")).ok(&nowhere)?;
    let accepted = peer(suite, "accept gss@localhost")
        .stdin(&token.stdout)
        .ok(&realm.env)?;
    accepted.prints(&["accepted alice@CONFORM.TEST"])?;
    program
        .stdin("wrong-password\n")
        .fails(&nowhere)?
        .complains(&["KDC_ERR_PREAUTH_FAILED"])?;
    Ok(())
}

/// alice delegates to our service gss; it goes on as alice to the service host of MIT's.
fn delegated(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let login = format!("{PASSWORD}\n");
    realm.mit("kinit").args("-f alice").stdin(&login).ok(&realm.env)?;
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let config = Config::from_text(&text, "krb5.conf", Environment::default()).map_err(|e| e.to_string())?;
    let keytab = KeytabName::file(realm.path("service.keytab"));
    let store = CredentialStore::new().with_keytab(keytab);
    let service = GssName::host_based("gss@localhost").map_err(|e| e.to_string())?;
    let credential = AcceptorCredential::acquire(&config, &service, &store).map_err(|e| e.to_string())?;

    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let program = super::gss::peer(suite, "init", port, "spnego mutual delegate");
    let env = realm.env.clone();
    let theirs = std::thread::spawn(move || program.run(&env));
    let stream = super::gss::accept_one(&listener)?;
    let context = crate::gss_peer::accept_by(stream, &credential.acceptor());
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = context.map_err(|e| format!("our acceptor: {e}\nMIT's initiator: {theirs}"))?;
    let delegated = context
        .facts()
        .delegated
        .as_ref()
        .ok_or("nothing was delegated")?;

    let client = Client::new(Arc::new(config));
    let alice = InitiatorCredential::from_delegated(client.store(), delegated).map_err(|e| e.to_string())?;
    expect(
        alice.principal().map(ToString::to_string).as_deref() == Some("alice@CONFORM.TEST"),
        "the delegated credential is another client's",
    )?;
    let second = GssName::host_based("host@localhost").map_err(|e| e.to_string())?;
    let params = client.initiator(&alice, &second).map_err(|e| e.to_string())?;
    let step = Initiator::krb5(params.with_flags(ContextFlags::INTEGRITY))
        .and_then(|begin| begin.start(now(), &mut OsRandom))
        .map_err(|e| e.to_string())?;
    let (Step::Continue { token, .. }
    | Step::Done {
        token: Some(token), ..
    }) = step
    else {
        return Err("no token for the second service".to_owned());
    };
    let hex: String = token.iter().map(|octet| format!("{octet:02x}")).collect();
    peer(suite, "accept host@localhost")
        .stdin(&format!("{hex}\n"))
        .ok(&realm.env)?
        .prints(&["accepted alice@CONFORM.TEST"])?;
    Ok(())
}

fn exported_names(suite: &Suite) -> Result<(), String> {
    let realm = Realm::files(&suite.bin, &Options::new(Side::Ours))?;
    let default_realm = RealmName::from("CONFORM.TEST");
    let by_domain = |_: &str| Some(RealmName::from("CONFORM.TEST"));
    let local = LocalNames::new()
        .with_default_realm(&default_realm)
        .with_realm_of_host(&by_domain);
    let names = [
        ("user", "alice"),
        ("user", "alice@OTHER.TEST"),
        ("user", "a\\/b\\@c/d@OTHER.TEST"),
        ("krb5", "HTTP/www.example.com@OTHER.TEST"),
        ("krb5", "alice"),
        ("krb5", "j\u{fc}rgen@R"),
        ("enterprise", "alice@corp.example.com"),
        ("enterprise", "alice@corp.example.com@OTHER.TEST"),
        ("hostbased", "HTTP@localhost"),
    ];
    let lines: String = names
        .iter()
        .map(|(kind, text)| format!("{kind} {text}\n"))
        .collect();
    let theirs = peer(suite, "names").stdin(&lines).ok(&realm.env)?;
    let mut exported = String::new();
    for ((kind, text), theirs) in names.iter().zip(theirs.stdout.lines()) {
        let name = match *kind {
            "user" => GssName::user(text),
            "krb5" => GssName::krb5(text),
            "enterprise" => GssName::enterprise(text),
            _ => GssName::host_based(text),
        };
        let token = name
            .and_then(|name| name.export(&local))
            .map_err(|e| e.to_string())?;
        let hex: String = token.iter().map(|octet| format!("{octet:02x}")).collect();
        expect(
            hex == theirs,
            &format!("{kind} {text}: expected {theirs}, but found {hex}"),
        )?;
        exported.push_str(&format!("exported {hex}\n"));
    }
    // Ours are names to MIT, and come back as they were.
    let back = peer(suite, "names").stdin(&exported).ok(&realm.env)?;
    expect(
        back.stdout == theirs.stdout,
        &format!("MIT reads our exported names otherwise: {back}"),
    )
}

/// Rules, each a realm's whole `auth_to_local`, and what they are tried on.
const RULES: &[&str] = &[
    "",
    "auth_to_local = DEFAULT",
    "auth_to_local = RULE:[2:$1](johndoe)s/^.*$/guest/\nauth_to_local = RULE:[2:$1;$2](^.*;admin$)s/;admin$//\n\
     auth_to_local = RULE:[2:$2](^.*;root)s/^.*$/root/\nauth_to_local = DEFAULT",
    "auth_to_local = RULE:[1:$1@$0](.*@OTHER\\.TEST)s/@.*//\nauth_to_local = DEFAULT",
    "auth_to_local = RULE:[2:$1.$2@$0](([a-z]+)\\.(host|admin)@CONFORM.*)s/[.@].*$//",
    "auth_to_local = RULE:[1:$1]s/a/b/g",
    "auth_to_local = RULE:[1:$1]s/a/b/",
    "auth_to_local = RULE:[1:$0.$1]s/CONFORM.TEST/x/ s/[.]/-/g",
    // An empty match with `g` is not among them: MIT's library does not come to an end then.
    "auth_to_local = RULE:[1:$1]s/(l|i)+/_/g",
    "auth_to_local = RULE:[1:$1]s/^al|ce$/X/g",
    "auth_to_local = RULE:[1:$1](a.{3}e)\nauth_to_local = RULE:[1:x$1]",
    "auth_to_local = RULE:(alice/admin)s/\\/.*//",
    "auth_to_local = RULE:[1:$1](ALICE)\nauth_to_local = DEFAULT",
    "auth_to_local = RULE:[1:$1",
    "auth_to_local_names = {\nalice = al\nbob/admin = bobadmin\n}\nauth_to_local = RULE:[1:$1]s/$/x/",
];

const PRINCIPALS: &[&str] = &[
    "alice@CONFORM.TEST",
    "alice@OTHER.TEST",
    "alice@conform.test",
    "alice/admin@CONFORM.TEST",
    "alice\\/admin@CONFORM.TEST",
    "alice\\@CONFORM.TEST@OTHER.TEST",
    "johndoe/x@CONFORM.TEST",
    "bob/admin@CONFORM.TEST",
    "x/root@CONFORM.TEST",
    "alice/CONFORM.TEST@CONFORM.TEST",
    "a/b/c@CONFORM.TEST",
    "Alice@CONFORM.TEST",
];

/// pitfalls.md 10.10: components are compared, never printed names; foreign realms only where a rule says so.
fn local_names(suite: &Suite) -> Result<(), String> {
    let realm = Realm::files(&suite.bin, &Options::new(Side::Ours))?;
    let file = realm.path("local.conf");
    let (mut named, mut differences) = (0, Vec::new());
    for rules in RULES {
        let text = format!(
            "[libdefaults]\ndefault_realm = CONFORM.TEST\n[realms]\nCONFORM.TEST = {{\nkdc = 127.0.0.1\n{rules}\n}}\n"
        );
        std::fs::write(&file, &text).map_err(|e| e.to_string())?;
        let theirs = peer(suite, "local")
            .stdin(&(PRINCIPALS.join("\n") + "\n"))
            .ok(&realm.env.with("KRB5_CONFIG", &file))?;
        let ours =
            Config::from_text(&text, "local.conf", Environment::default()).map_err(|e| e.to_string())?;
        for (name, theirs) in PRINCIPALS.iter().zip(theirs.stdout.lines()) {
            let principal = Principal::parse(name, None).map_err(|e| e.to_string())?;
            let ours = ours.krb5_conf().local_name(&principal);
            let as_theirs = match (&ours, theirs.strip_prefix("local ")) {
                (Ok(ours), Some(theirs)) => ours == theirs,
                (Err(_), None) => true,
                _ => false,
            };
            named += usize::from(ours.is_ok());
            if !as_theirs {
                differences.push(format!("{name} by {rules:?}: ours {ours:?}, MIT's {theirs:?}"));
            }
        }
    }
    expect(
        differences.is_empty(),
        &format!("{} differences:\n{}", differences.len(), differences.join("\n")),
    )?;
    expect(
        named > 40,
        &format!("expected many local names, but found {named}"),
    )
}
