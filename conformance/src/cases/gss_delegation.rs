//! Contexts with MIT's library in which a ticket is handed on, in DCE style, and user-to-user with MIT's KDC; the PAC in
//! each. Walkthrough D3 is the delegation.

use std::net::TcpListener;
use std::path::Path;
use std::sync::Arc;

use kerbside_asn1::{Principal, TicketFlags};
use kerbside_client::{
    CacheName, Client, Config, Environment, MemoryReplayCache, OsRandom, ServiceTicketOptions, now,
};
use kerbside_formats::ccache::CredentialCache;
use kerbside_formats::keytab::Keytab;
use kerbside_gss::{
    Acceptor, AcceptorParams, ContextFlags, DelegationPolicy, Initiator, InitiatorParams, Mechanism,
    MemoryKeys, PacPolicy, SecurityContext, ServiceName, Step, UserToUserParams,
};
use kerbside_protocol::Credential;

use super::contexts::example;
use super::gss::{accept_one, connect, peer, server};
use super::{case, expect, full_case};
use crate::gss_peer::{Terms, accept, acceptor, begin, credential, describe, establish, initiate, receive};
use crate::heimdal;
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for (side, kdc) in [(Side::Mit, "MIT's KDC"), (Side::Ours, "our KDC")] {
        for spnego in [false, true] {
            let how = if spnego { "SPNEGO" } else { "raw krb5" };
            let full = side == Side::Ours && spnego;
            cases.push(Case {
                full,
                ..case(
                    &format!("delegation: MIT's initiator to our acceptor, {how}, {kdc}"),
                    move |suite| delegated_to_us(suite, side, spnego),
                )
            });
            cases.push(Case {
                full,
                ..case(
                    &format!("delegation: our initiator to MIT's acceptor, {how}, {kdc}"),
                    move |suite| delegated_to_mit(suite, side, spnego),
                )
            });
        }
    }
    cases.push(case(
        "delegation: by policy only to services marked ok-as-delegate",
        ok_as_delegate,
    ));
    cases.push(case(
        "delegation: the example acts for its client at another service",
        example_acts,
    ));
    for mutual in [true, false] {
        let how = if mutual { "mutual" } else { "one way" };
        cases.push(full_case(
            &format!("delegation: Heimdal's initiator to our acceptor, {how}"),
            move |suite| heimdal_delegates(suite, mutual),
        ));
        cases.push(full_case(
            &format!("delegation: our initiator to Heimdal's acceptor, {how}"),
            move |suite| heimdal_takes(suite, mutual),
        ));
    }
    for spnego in [false, true] {
        let how = if spnego { "SPNEGO" } else { "raw krb5" };
        cases.push(case(
            &format!("DCE style: MIT's initiator, our acceptor, {how}"),
            move |suite| dce_accepted(suite, spnego),
        ));
        cases.push(case(
            &format!("DCE style: our initiator, MIT's acceptor, {how}"),
            move |suite| dce_initiated(suite, spnego),
        ));
    }
    cases.push(case(
        "user-to-user: a context with a ticket of MIT's KDC got in the middle",
        user_to_user,
    ));
    cases.push(full_case("pac: in contexts, of Samba's tickets", samba_pac));
    cases
}

fn words(error: impl std::error::Error) -> String {
    describe(&error)
}

/// A realm with alice logged in, forwardable.
fn realm(suite: &Suite, side: Side) -> Result<Realm, String> {
    let realm = Realm::start(&suite.bin, &Options::new(side))?;
    realm
        .mit("kinit")
        .args("-f alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    Ok(realm)
}

fn client(realm: &Realm) -> Result<Client, String> {
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let config = Config::from_text(&text, "krb5.conf", Environment::default()).map_err(words)?;
    Ok(Client::new(Arc::new(config)))
}

/// alice's ticket for the service, and her ticket-granting ticket for another host.
fn tickets(realm: &Realm) -> Result<(Credential, Credential), String> {
    let client = client(realm)?;
    let cache = CacheName::File(realm.path("cc"));
    let service = client
        .get_service_ticket(&cache, &server()?, &ServiceTicketOptions::default())
        .map_err(words)?;
    let forwarded = client.forward(&cache, Vec::new()).map_err(words)?;
    expect(
        forwarded.credential.flags.contains(TicketFlags::FORWARDED),
        "the KDC's ticket is not forwarded",
    )?;
    Ok((service.credential, forwarded.credential))
}

/// Whether tickets of MIT's KDC carry a PAC, verified; ours makes none.
fn expect_pac(context: &SecurityContext, side: Side) -> Result<(), String> {
    let facts = context.facts().kerberos.as_ref().ok_or("no Kerberos facts")?;
    match (&facts.pac, side) {
        (Some(pac), _) => expect(pac.client_info().name == "alice", "the PAC is another client's"),
        (None, Side::Mit) => Err("no PAC of MIT's KDC".into()),
        (None, Side::Ours) => Ok(()),
    }
}

/// A service ticket got with what was delegated, by MIT's kvno and by our own client.
fn use_delegated(realm: &Realm, cache: &Path) -> Result<(), String> {
    let env = realm.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    let listed = realm.mit("klist").args("-f").ok(&env)?;
    listed.prints(&["Default principal: alice@CONFORM.TEST", "Flags: F"])?;
    realm.mit("kvno").args("HTTP/localhost").ok(&env)?;
    realm.ours("kvno").args("host/localhost").ok(&env)?;
    Ok(())
}

fn delegated_to_us(suite: &Suite, side: Side, spnego: bool) -> Result<(), String> {
    let realm = realm(suite, side)?;
    let mech = if spnego { "spnego" } else { "krb5" };
    let terms = Terms {
        spnego,
        mutual: true,
        ..Terms::default()
    };
    let context = from_mit(
        suite,
        &realm,
        &format!("{mech} mutual replay sequence delegate"),
        &terms,
    )?;
    expect(
        context.flags().contains(ContextFlags::DELEGATION),
        "the flag of delegation is not set",
    )?;
    let delegated = context
        .facts()
        .delegated
        .as_ref()
        .ok_or("nothing was delegated")?;
    expect(delegated.client() == context.client(), "somebody else's ticket")?;
    expect_pac(&context, side)?;
    let cache = realm.path("delegated.cc");
    let bytes = delegated.to_cache().to_bytes().map_err(words)?;
    std::fs::write(&cache, bytes).map_err(|e| e.to_string())?;
    use_delegated(&realm, &cache)?;
    // Not asked for, not there.
    let context = from_mit(suite, &realm, &format!("{mech} mutual"), &terms)?;
    expect(
        context.facts().delegated.is_none() && !context.flags().contains(ContextFlags::DELEGATION),
        "delegated unasked",
    )
}

/// MIT's initiator at our acceptor.
fn from_mit(suite: &Suite, realm: &Realm, how: &str, terms: &Terms) -> Result<SecurityContext, String> {
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let program = peer(suite, "init", port, how);
    let env = realm.env.clone();
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener)
        .and_then(|stream| accept(stream, &realm.path("service.keytab"), &server()?, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our acceptor: {e}\nMIT's initiator: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's initiator: {theirs}"))?;
    Ok(context)
}

/// Our initiator at MIT's acceptor, and what that printed.
fn to_mit(
    suite: &Suite,
    realm: &Realm,
    ticket: Credential,
    terms: &Terms,
) -> Result<(SecurityContext, crate::run::Ended), String> {
    let port = crate::run::free_port()?;
    let program = peer(suite, "accept", port, "");
    let env = realm
        .env
        .with("STORE", format!("FILE:{}", realm.path("stored.cc").display()));
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = connect(port).and_then(|stream| initiate(stream, ticket, terms));
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our initiator: {e}\nMIT's acceptor: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("MIT's acceptor: {theirs}"))?;
    Ok((context, theirs))
}

fn delegated_to_mit(suite: &Suite, side: Side, spnego: bool) -> Result<(), String> {
    let realm = realm(suite, side)?;
    let (ticket, tgt) = tickets(&realm)?;
    for mutual in [true, false] {
        let terms = Terms {
            spnego,
            mutual,
            delegate: Some((tgt.clone(), DelegationPolicy::Always)),
            ..Terms::default()
        };
        let (context, theirs) = to_mit(suite, &realm, ticket.clone(), &terms)?;
        theirs.prints(&["initiator alice@CONFORM.TEST", "delegated alice@CONFORM.TEST"])?;
        expect(
            context.flags().contains(ContextFlags::DELEGATION),
            "our flag of delegation is not set",
        )?;
        use_delegated(&realm, &realm.path("stored.cc"))?;
    }
    Ok(())
}

/// Heimdal's library in a role, without messages behind the context.
fn heimdal_peer(
    suite: &Suite,
    realm: &Realm,
    role: &str,
    port: u16,
    mutual: bool,
) -> Result<(Program, Env), String> {
    let flag = if mutual { "mutual" } else { "" };
    let program = Program::new("/usr/bin/python3")
        .arg(suite.peers.join("capi_peer.py"))
        .args(&format!(
            "libgssapi.so.3 {role} {port} gss@localhost krb5 delegate only {flag}"
        ));
    Ok((program, heimdal::with_libraries(&realm.env, &heimdal::root()?)?))
}

/// Heimdal does not encrypt its KRB-CRED within the encrypted authenticator.
fn heimdal_delegates(suite: &Suite, mutual: bool) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let (program, env) = heimdal_peer(suite, &realm, "init", port, mutual)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let ours = accept_one(&listener).and_then(|mut stream| {
        let acceptor = acceptor(&realm.path("service.keytab"), &server()?, &Terms::default())?;
        let step = acceptor
            .step(&receive(&mut stream)?, now(), &mut OsRandom)
            .map_err(words)?;
        establish(&mut stream, step)
    });
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our acceptor: {e}\nHeimdal's initiator: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("Heimdal's initiator: {theirs}"))?;
    let delegated = context
        .facts()
        .delegated
        .as_ref()
        .ok_or("nothing was delegated")?;
    let cache = realm.path("delegated.cc");
    let bytes = delegated.to_cache().to_bytes().map_err(words)?;
    std::fs::write(&cache, bytes).map_err(|e| e.to_string())?;
    use_delegated(&realm, &cache)
}

fn heimdal_takes(suite: &Suite, mutual: bool) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let (ticket, tgt) = tickets(&realm)?;
    let port = crate::run::free_port()?;
    let (program, env) = heimdal_peer(suite, &realm, "accept", port, mutual)?;
    let theirs = std::thread::spawn(move || program.run(&env));
    let terms = Terms {
        mutual,
        delegate: Some((tgt, DelegationPolicy::Always)),
        ..Terms::default()
    };
    let ours = connect(port).and_then(|mut stream| {
        let step = begin(ticket, &terms).map_err(words)?;
        establish(&mut stream, step)
    });
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    let context = ours.map_err(|e| format!("our initiator: {e}\nHeimdal's acceptor: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("Heimdal's acceptor: {theirs}"))?;
    theirs.prints(&["initiator alice@CONFORM.TEST", "delegated alice@CONFORM.TEST"])?;
    expect(
        context.flags().contains(ContextFlags::DELEGATION),
        "not delegated",
    )
}

fn ok_as_delegate(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let (unmarked, tgt) = tickets(&realm)?;
    let terms = Terms {
        mutual: true,
        delegate: Some((tgt, DelegationPolicy::OkAsDelegate)),
        ..Terms::default()
    };
    let (context, theirs) = to_mit(suite, &realm, unmarked, &terms)?;
    expect(
        !context.flags().contains(ContextFlags::DELEGATION) && !theirs.stdout.contains("delegated"),
        "delegated to a service that is not marked",
    )?;
    realm.kadmin("modprinc +ok_as_delegate gss/localhost")?;
    realm
        .mit("kinit")
        .args("-f alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    let (marked, _) = tickets(&realm)?;
    expect(
        marked.flags.contains(TicketFlags::OK_AS_DELEGATE),
        "the ticket is not marked",
    )?;
    let (context, theirs) = to_mit(suite, &realm, marked, &terms)?;
    theirs.prints(&["delegated alice@CONFORM.TEST"])?;
    expect(
        context.flags().contains(ContextFlags::DELEGATION),
        "not delegated",
    )
}

/// The example program, and our initiator.
fn example_acts(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let (ticket, tgt) = tickets(&realm)?;
    for delegate in [true, false] {
        let port = crate::run::free_port()?;
        let program = example("delegated")?.args(&format!("gss@localhost 127.0.0.1:{port} HTTP@localhost"));
        let env = realm.env.clone();
        let theirs = std::thread::spawn(move || program.run(&env));
        let terms = Terms {
            spnego: true,
            mutual: true,
            delegate: delegate.then(|| (tgt.clone(), DelegationPolicy::Always)),
            ..Terms::default()
        };
        let answer = connect(port).and_then(|mut stream| {
            let step = begin(ticket.clone(), &terms).map_err(words)?;
            let mut context = establish(&mut stream, step)?;
            context.unwrap_confidential(&receive(&mut stream)?).map_err(words)
        });
        let theirs = theirs
            .join()
            .map_err(|_| "the program's thread ended".to_owned())??;
        if delegate {
            let answer = answer.map_err(|e| format!("{e}\nthe example: {theirs}"))?;
            expect(
                *answer.message == *b"HTTP/localhost@CONFORM.TEST",
                "it acted at another service",
            )?;
            theirs.prints(&["HTTP/localhost@CONFORM.TEST for alice@CONFORM.TEST"])?;
        } else {
            expect(answer.is_err() && theirs.code != Some(0), "it acted with nothing")?;
            theirs.complains(&["alice@CONFORM.TEST handed no ticket on"])?;
        }
    }
    Ok(())
}

fn dce_accepted(suite: &Suite, spnego: bool) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let mech = if spnego { "spnego" } else { "krb5" };
    let terms = Terms {
        spnego,
        mutual: true,
        ..Terms::default()
    };
    let how = format!("{mech} mutual replay sequence dce");
    let context = from_mit(suite, &realm, &how, &terms)?;
    expect(
        context
            .flags()
            .contains(ContextFlags::DCE_STYLE | ContextFlags::MUTUAL),
        "the context is not in DCE style",
    )?;
    expect_pac(&context, Side::Mit)
}

fn dce_initiated(suite: &Suite, spnego: bool) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    let (ticket, _) = tickets(&realm)?;
    let terms = Terms {
        spnego,
        mutual: true,
        dce_style: true,
        ..Terms::default()
    };
    let (context, theirs) = to_mit(suite, &realm, ticket, &terms)?;
    theirs.prints(&["initiator alice@CONFORM.TEST"])?;
    expect(
        context.flags().contains(ContextFlags::DCE_STYLE),
        "the context is not in DCE style",
    )
}

fn replay() -> Arc<MemoryReplayCache> {
    let mut since = now();
    since.time = since.time.saturating_sub_seconds(600);
    Arc::new(MemoryReplayCache::new(since))
}

/// bob serves with nothing but his ticket-granting ticket, whose session key MIT's KDC puts alice's ticket and its PAC
/// under.
fn user_to_user(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, Side::Mit)?;
    realm
        .ours("kinit")
        .arg("-c")
        .arg(realm.path("bob.cc"))
        .args("bob")
        .stdin("Passw0rd-bob\n")
        .ok(&realm.env)?;
    let bob = Principal::parse("bob@CONFORM.TEST", None).map_err(words)?;
    let krbtgt = Principal::parse("krbtgt/CONFORM.TEST@CONFORM.TEST", None).map_err(words)?;
    let tgt = credential(&realm.path("bob.cc"), &krbtgt)?;
    let params = AcceptorParams::new(
        Arc::new(MemoryKeys::default()),
        ServiceName::Principal(bob.clone()),
        replay(),
    )
    .with_user_to_user(vec![tgt]);
    let client = client(&realm)?;
    for spnego in [false, true] {
        let acceptor = Acceptor::new(params.clone());
        let mechanism = UserToUserParams::new(bob.clone())
            .into_mechanism()
            .map_err(words)?;
        let initiator = if spnego {
            Initiator::negotiate(vec![mechanism])
        } else {
            Initiator::raw(mechanism)
        };
        let Step::Continue { token, next } = initiator.start(now(), &mut OsRandom).map_err(words)? else {
            return Err("no TGT-REQ".into());
        };
        let Step::Continue { token, next: waiting } =
            acceptor.step(&token, now(), &mut OsRandom).map_err(words)?
        else {
            return Err("no TGT-REP".into());
        };
        let Step::NeedTicket { request, next } = next.step(&token, now(), &mut OsRandom).map_err(words)?
        else {
            return Err("no ticket is asked for".into());
        };
        let ticket = client
            .user_to_user(
                &CacheName::File(realm.path("cc")),
                &request.server,
                &request.second_ticket,
                &ServiceTicketOptions::default(),
            )
            .map_err(words)?
            .credential;
        let step = next.ticket(ticket, now(), &mut OsRandom).map_err(words)?;
        let (ours, theirs) = converse(step, waiting)?;
        expect(
            theirs.client().to_string() == "alice@CONFORM.TEST" && *ours.server() == bob,
            "the names are others",
        )?;
        expect_pac(&theirs, Side::Mit)?;
        sealed(ours, theirs)?;
    }
    Ok(())
}

/// What one end has while tokens go back and forth.
#[derive(Default)]
struct End {
    next: Option<Box<dyn Mechanism>>,
    context: Option<SecurityContext>,
}

/// Carries tokens from the initiator's next one to the end: its context and the acceptor's.
fn converse(first: Step, waiting: Box<dyn Mechanism>) -> Result<(SecurityContext, SecurityContext), String> {
    let (mut ours, mut theirs) = (End::default(), End::default());
    theirs.next = Some(waiting);
    let (mut here, mut there) = (&mut ours, &mut theirs);
    let mut step = first;
    loop {
        let token = match step {
            Step::Continue { token, next } => {
                here.next = Some(next);
                Some(token)
            }
            Step::Done { token, context, .. } => {
                here.context = Some(*context);
                token
            }
            other => return Err(format!("an outcome that the suite does not know: {other:?}")),
        };
        std::mem::swap(&mut here, &mut there);
        let (Some(token), Some(next)) = (token, here.next.take()) else {
            break;
        };
        step = next.step(&token, now(), &mut OsRandom).map_err(words)?;
    }
    let context = |end: End| end.context.ok_or_else(|| "one end has no context".to_owned());
    Ok((context(ours)?, context(theirs)?))
}

fn sealed(mut ours: SecurityContext, mut theirs: SecurityContext) -> Result<(), String> {
    let token = ours.wrap(true, b"message", &mut OsRandom).map_err(words)?;
    let got = theirs.unwrap_confidential(&token).map_err(words)?;
    expect(*got.message == *b"message", "the message is another one")
}

/// Samba's PACs are read in the context: SIDs and groups come with it.
fn samba_pac(suite: &Suite) -> Result<(), String> {
    let samba = suite.shared.samba(suite)?;
    let cache = samba.path("gss-alice");
    let env = samba.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    samba
        .ours("kinit")
        .args("alice")
        .stdin("Passw0rd-alice\n")
        .ok(&env)?;
    for (service, keytab) in [
        ("HTTP/web.ad.test", "svc-http"),
        ("HTTP/aes128.ad.test", "svc-aes128"),
    ] {
        samba.ours("kvno").args(service).ok(&env)?;
        let server = Principal::parse(&format!("{service}@AD.TEST"), None).map_err(words)?;
        let ticket = CredentialCache::parse(&std::fs::read(&cache).map_err(|e| e.to_string())?)
            .map_err(words)?
            .find(&server)
            .cloned()
            .ok_or("no ticket")?;
        let keytab =
            std::fs::read(samba.path(&format!("keytabs/{keytab}.keytab"))).map_err(|e| e.to_string())?;
        let keytab = Keytab::parse(&keytab).map_err(words)?;
        let params = AcceptorParams::new(
            Arc::new(MemoryKeys::from_keytab(&keytab)),
            ServiceName::Principal(server),
            replay(),
        )
        .with_pac(PacPolicy::Required);
        let initiator = Initiator::krb5(InitiatorParams::new(ticket).with_flags(ContextFlags::INTEGRITY));
        let begun = initiator.and_then(|initiator| initiator.start(now(), &mut OsRandom));
        let (Step::Continue { token, .. }
        | Step::Done {
            token: Some(token), ..
        }) = begun.map_err(words)?
        else {
            return Err("no AP-REQ".into());
        };
        let Step::Done { context, .. } = Acceptor::new(params)
            .step(&token, now(), &mut OsRandom)
            .map_err(words)?
        else {
            return Err("no context".into());
        };
        let facts = context.facts().kerberos.as_ref().ok_or("no Kerberos facts")?;
        let pac = facts.pac.as_ref().ok_or("no PAC")?;
        let account = pac.account().ok_or("no account in the PAC")?;
        expect(
            account.sam_account_name() == "alice",
            "the account is another one",
        )?;
        expect(!account.enabled_groups().is_empty(), "no groups")?;
    }
    Ok(())
}
