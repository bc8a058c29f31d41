//! KDCs that are dead, silent, at another address or behind the times.

use std::net::{TcpListener, UdpSocket};
use std::sync::Arc;
use std::time::{Duration, Instant};

use kerbside_client::{AttemptOutcome, Client, Config, Environment, InitialTicket, Secret, TgtRequest};
use kerbside_crypto::Password;

use super::{case, expect};
use crate::realm::{Options, PASSWORD, REALM, Realm, Side, write};
use crate::run::{Env, free_port};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("failover: the first KDC is dead, MIT KDC", first_dead),
        case("failover: the first KDC is silent, MIT KDC", first_silent),
        case(
            "failover: the last good KDC is asked first, MIT KDC",
            last_good_first,
        ),
        case("failover: a KDC at an IPv6 address, MIT KDC", ipv6),
        case("failover: no KDC answers: each address is named", none_answers),
        case(
            "failover: a password that the replica does not know yet, MIT KDCs",
            stale_replica,
        ),
        case("failover: a realm without a KDC", realm_unknown),
    ]
}

/// The realm's environment with other server lines.
fn with_servers(realm: &Realm, name: &str, lines: &str) -> Result<Env, String> {
    let path = realm.path(name);
    write(
        &path,
        &format!(
            "[libdefaults]\n  default_realm = {REALM}\n  dns_lookup_kdc = false\n  dns_canonicalize_hostname = false\n\n\
             [realms]\n  {REALM} = {{\n{lines}  }}\n\n[domain_realm]\n  localhost = {REALM}\n"
        ),
    )?;
    Ok(realm.env.with("KRB5_CONFIG", path))
}

fn login(realm: &Realm, env: &Env, side: Side) -> Result<Duration, String> {
    let start = Instant::now();
    let kinit = if side == Side::Mit {
        realm.mit("kinit")
    } else {
        realm.ours("kinit")
    };
    kinit.args("alice").stdin(&format!("{PASSWORD}\n")).ok(env)?;
    Ok(start.elapsed())
}

fn soon(took: Duration, limit: u64) -> Result<(), String> {
    expect(
        took < Duration::from_secs(limit),
        &format!(
            "expected less than {limit} s, but it took {:.1} s",
            took.as_secs_f64()
        ),
    )
}

fn first_dead(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let dead = free_port()?;
    for (prefix, name) in [("", "any.conf"), ("tcp/", "tcp.conf"), ("udp/", "udp.conf")] {
        let lines = format!(
            "    kdc = {prefix}127.0.0.1:{dead}\n    kdc = {prefix}127.0.0.1:{}\n",
            realm.port
        );
        let env = with_servers(&realm, name, &lines)?;
        soon(login(&realm, &env, Side::Ours)?, 3)?;
        realm.ours("kvno").args("host/localhost").ok(&env)?;
    }
    Ok(())
}

/// Sockets that take everything and say nothing.
fn silent() -> Result<(u16, UdpSocket, TcpListener), String> {
    let port = free_port()?;
    let socket = UdpSocket::bind(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    let listener = TcpListener::bind(("127.0.0.1", port)).map_err(|e| e.to_string())?;
    Ok((port, socket, listener))
}

fn first_silent(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let (port, _socket, _listener) = silent()?;
    let lines = format!("    kdc = 127.0.0.1:{port}\n    kdc = 127.0.0.1:{}\n", realm.port);
    let env = with_servers(&realm, "silent.conf", &lines)?;
    // A second for the silent one, once: the second round trip knows better.
    soon(login(&realm, &env, Side::Ours)?, 3)?;
    soon(login(&realm, &env, Side::Mit)?, 20)
}

fn library(realm: &Realm, lines: &str) -> Result<Client, String> {
    let text = format!(
        "[libdefaults]\n default_realm = {REALM}\n dns_lookup_kdc = false\n[realms]\n {REALM} = {{\n{lines} }}\n"
    );
    let environment = Environment {
        temp_dir: realm.path(""),
        ..Environment::default()
    };
    let config = Config::from_text(&text, "krb5.conf", environment).map_err(|e| e.to_string())?;
    Ok(Client::new(Arc::new(config)))
}

fn get(client: &Client) -> Result<InitialTicket, String> {
    let alice = client
        .config()
        .parse_principal("alice")
        .map_err(|e| e.to_string())?;
    let mut secret = Secret::Password(Password::from(PASSWORD.to_owned()));
    client
        .get_tgt(&TgtRequest::new(alice), &mut secret)
        .map_err(|e| e.to_string())
}

fn last_good_first(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let (port, _socket, _listener) = silent()?;
    let client = library(
        &realm,
        &format!("  kdc = 127.0.0.1:{port}\n  kdc = 127.0.0.1:{}\n", realm.port),
    )?;
    get(&client)?;
    let start = Instant::now();
    // A clone knows what the first has learnt.
    let second = get(&client.clone())?;
    soon(start.elapsed(), 1)?;
    expect(
        second.attempts.len() == 1
            && second
                .attempts
                .iter()
                .all(|a| a.outcome == AttemptOutcome::Answered),
        &format!("expected one KDC to be asked, but found {:?}", second.attempts),
    )
}

/// Lets the KDC listen at one more address.
fn listen_at(realm: &Realm, address: &str) -> Result<(), String> {
    let conf = std::fs::read_to_string(realm.path("kdc.conf")).map_err(|e| e.to_string())?;
    let first = format!("listen = 127.0.0.1:{}", realm.port);
    let both = format!("{first} {address}:{}", realm.port);
    write(&realm.path("kdc.conf"), &conf.replace(&first, &both))
}

fn ipv6(suite: &Suite) -> Result<(), String> {
    let mut realm = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    realm.populate()?;
    listen_at(&realm, "[::1]")?;
    let port = realm.port;
    realm.start_kdc()?;
    for prefix in ["udp/", "tcp/"] {
        let env = with_servers(&realm, "six.conf", &format!("    kdc = {prefix}[::1]:{port}\n"))?;
        soon(login(&realm, &env, Side::Ours)?, 3)?;
        realm.ours("kvno").args("host/localhost").ok(&env)?;
    }
    Ok(())
}

fn none_answers(suite: &Suite) -> Result<(), String> {
    let realm = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    let dead = free_port()?;
    let (quiet, _socket, _listener) = silent()?;
    let lines =
        format!("    kdc = tcp/127.0.0.1:{dead}\n    kdc = udp/127.0.0.1:{quiet}\n    kdc = kdc.invalid\n");
    let env = with_servers(&realm, "none.conf", &lines)?;
    let conf = realm.path("none.conf");
    let text = std::fs::read_to_string(&conf).map_err(|e| e.to_string())?;
    write(
        &conf,
        &text.replace("[libdefaults]", "[libdefaults]\n  request_timeout = 2s"),
    )?;
    let start = Instant::now();
    let ended = realm
        .ours("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .fails(&env)?;
    soon(start.elapsed(), 5)?;
    ended.complains(&[
        "kinit: error: Cannot contact any KDC for realm 'CONFORM.TEST' while getting initial credentials\n",
        &format!("  127.0.0.1:{dead} tcp: connection refused, "),
        &format!("  127.0.0.1:{quiet} udp: no answer"),
        "  kdc.invalid:88 udp: the name has no address: ",
        "  gave up after 2.",
        &format!("  kdc lines of [realms] CONFORM.TEST are in {}\n", conf.display()),
    ])?;
    let mit = realm.mit("kinit").args("alice").fails(&env)?;
    mit.complains(&[
        "kinit: Cannot contact any KDC for realm 'CONFORM.TEST' while getting initial credentials",
    ])?;
    Ok(())
}

/// A replica that was filled before the password changed.
fn stale_replica(suite: &Suite) -> Result<(), String> {
    let mut primary = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let dump = primary.path("dump");
    primary
        .tool("kdb5_util")
        .args("-r CONFORM.TEST dump")
        .arg(&dump)
        .ok(&primary.env)?;
    let mut replica = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    std::fs::copy(primary.path("stash"), replica.path("stash")).map_err(|e| e.to_string())?;
    replica
        .tool("kdb5_util")
        .args("-r CONFORM.TEST load")
        .arg(&dump)
        .ok(&replica.env)?;
    // MIT tells KDCs apart by address, not by port.
    listen_at(&replica, "127.0.0.2")?;
    replica.start_kdc()?;
    primary.kadmin("cpw -pw New-passw0rd alice")?;
    primary.kadmin("addprinc -pw New-passw0rd carol")?;
    let lines = format!(
        "    kdc = 127.0.0.2:{}\n    primary_kdc = 127.0.0.1:{}\n",
        replica.port, primary.port
    );
    let env = with_servers(&replica, "client.conf", &lines)?;
    let alone = with_servers(
        &replica,
        "alone.conf",
        &format!("    kdc = 127.0.0.2:{}\n", replica.port),
    )?;
    let kinit = |side, name: &str, password: &str| {
        let program = if side == Side::Mit {
            replica.mit("kinit")
        } else {
            replica.ours("kinit")
        };
        program.args(name).stdin(&format!("{password}\n"))
    };
    for side in [Side::Mit, Side::Ours] {
        kinit(side, "alice", "New-passw0rd").fails(&alone)?;
        kinit(side, "alice", "New-passw0rd").ok(&env)?;
        // A principal that only the primary knows, and with it the same.
        kinit(side, "carol", "New-passw0rd").ok(&env)?;
        kinit(side, "alice", "wrong").fails(&env)?;
    }
    let before = primary.log().lines().count();
    kinit(Side::Ours, "bob", "Passw0rd-bob").ok(&env)?;
    expect(
        primary.log().lines().count() == before,
        "the primary KDC was asked although the replica had answered",
    )?;
    // The primary one itself is not asked twice.
    let own = format!(
        "    kdc = 127.0.0.1:{0}\n    primary_kdc = 127.0.0.1:{0}\n",
        primary.port
    );
    let own = with_servers(&primary, "own.conf", &own)?;
    let failures = || primary.log().matches("PREAUTH_FAILED").count();
    let before = failures();
    kinit(Side::Ours, "alice", "wrong").fails(&own)?;
    expect(
        failures() == before + 1,
        &format!("expected one refusal, but found {}", failures() - before),
    )?;
    // Without the primary one the replica's word stands, in no time.
    if let Some(kdc) = primary.kdc.take() {
        kdc.kill();
    }
    let start = Instant::now();
    kinit(Side::Ours, "alice", "New-passw0rd")
        .fails(&env)?
        .complains(&["kinit: error: Password incorrect while getting initial credentials"])?;
    soon(start.elapsed(), 3)
}

fn realm_unknown(suite: &Suite) -> Result<(), String> {
    let realm = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    let env = with_servers(&realm, "empty.conf", "    admin_server = 127.0.0.1\n")?;
    let conf = realm.path("empty.conf");
    realm
        .ours("kinit")
        .args("alice")
        .stdin("x\n")
        .fails(&env)?
        .complains(&[&format!(
            "kinit: error: Cannot find KDC for realm \"CONFORM.TEST\" while getting initial credentials\n  {}: read\n  \
             no realm has a kdc line there\n  DNS was not asked: dns_lookup_kdc is false\nkinit: hint: check the realm's \
             spelling (capitals count), or add [realms] CONFORM.TEST = {{ kdc = HOST }}\n",
            conf.display()
        )])?;
    realm.mit("kinit").args("alice").fails(&env)?.complains(&[
        "kinit: Cannot find KDC for realm \"CONFORM.TEST\" while getting initial credentials",
    ])?;
    Ok(())
}
