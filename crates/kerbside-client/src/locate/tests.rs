//! Where servers are, by configuration, by DNS, and in which order they are asked.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use kerbside_formats::host_string::ServerAddress;

use super::*;
use crate::attempt::{self, Attempt, AttemptOutcome};
use crate::config::Config;
use crate::dns::test_server::{TestServer, srv, txt};
use crate::environment::Environment;
use crate::schedule::Target;
use crate::{AsyncClient, Client};

fn config(text: &str) -> Config {
    Config::from_text(text, "krb5.conf", Environment::default()).unwrap()
}

fn configured(text: &str, realm: &str, service: Service) -> Result<Vec<String>, String> {
    configured::servers(&config(text), &Realm::from(realm), service)
        .map(|servers| servers.iter().map(ToString::to_string).collect())
        .map_err(|error| error.to_string())
}

#[test]
fn krb5_conf_names_servers_of_every_kind() {
    let text = "[realms]\n A = {\n  kdc = one\n  kdc = tcp/two:89\n  kdc = [::1]:90\n  kdc = https://p/KdcProxy\n  \
                master_kdc = three\n  kpasswd_server = four:1464\n  admin_server = five\n }\n B = {\n  \
                primary_kdc = udp/six\n  master_kdc = seven\n  admin_server = eight:749\n  admin_server = [::1]\n  \
                admin_server = https://p\n }\n";
    let found = |realm, service| configured(text, realm, service).unwrap();
    assert_eq!(
        found("A", Service::Kdc),
        ["one:88", "tcp/two:89", "[::1]:90", "https://p:443/KdcProxy"]
    );
    assert_eq!(found("A", Service::PrimaryKdc), ["three:88"]);
    assert_eq!(found("A", Service::Kpasswd), ["four:1464"]);
    assert_eq!(found("A", Service::Admin), ["five:749"]);
    assert_eq!(found("B", Service::Kdc), [""; 0]);
    assert_eq!(found("B", Service::PrimaryKdc), ["udp/six:88"]);
    // Port 464 of the administration server, but for a proxy, which finds the port by the message.
    assert_eq!(
        found("B", Service::Kpasswd),
        ["eight:464", "[::1]:464", "https://p:443/"]
    );
    // Realms are told apart by case.
    assert_eq!(found("a", Service::Kdc), [""; 0]);
}

#[test]
fn a_line_that_cannot_be_used_is_told_when_no_other_can() {
    let text = "[realms]\n A = {\n  kdc = kdc:none\n  kpasswd_server = five:none\n  admin_server = six\n }\n B = {\n  \
                kdc = kdc:none\n  kdc = kdc\n }\n";
    assert_eq!(
        configured(text, "A", Service::Kdc).unwrap_err(),
        "krb5.conf line 3: kdc: expected a port from 1 to 65535, but found \"none\""
    );
    assert_eq!(
        configured(text, "A", Service::Kpasswd).unwrap_err(),
        "krb5.conf line 4: kpasswd_server: expected a port from 1 to 65535, but found \"none\""
    );
    assert_eq!(configured(text, "B", Service::Kdc).unwrap(), ["kdc:88"]);
}

/// What both fronts find for a service.
fn both(
    text: &str,
    server: Option<&TestServer>,
    service: Service,
    check: impl Fn(Result<Vec<String>, Error>),
) {
    let config = Arc::new(config(text));
    let name_servers: Vec<SocketAddr> = server.iter().map(|server| server.address).collect();
    let shown = |servers: Arc<Servers>| {
        let targets = servers.targets.iter();
        targets
            .map(|target| format!("{} {}", target.server, target.transport))
            .collect()
    };
    let client = Client::new(Arc::clone(&config)).with_name_servers(&name_servers);
    let found = crate::driver::block_on(client.core().servers(&Realm::from("R.TEST"), service));
    check(found.map(shown));
    let client = AsyncClient::new(config).with_name_servers(&name_servers);
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let found = runtime.block_on(client.core().servers(&Realm::from("R.TEST"), service));
    check(found.map(shown));
}

#[test]
fn dns_is_asked_only_where_krb5_conf_names_nobody_and_allows_it() {
    let server = TestServer::start(&[
        ("_kerberos._udp.R.TEST", &[srv(1, 750, "localhost.")]),
        ("_kerberos-master._tcp.R.TEST", &[srv(1, 751, "localhost.")]),
    ]);
    let plain = "[realms]\n OTHER = {\n  kdc = x\n }\n";
    both(plain, Some(&server), Service::Kdc, |found| {
        let found = found.unwrap();
        assert!(
            !found.is_empty() && found.iter().all(|line| line == "localhost:750 udp"),
            "{found:?}"
        );
    });
    let mut asked = server.asked();
    asked.sort_unstable();
    asked.dedup();
    assert_eq!(
        asked,
        [
            "SRV _kerberos._tcp.R.TEST.",
            "SRV _kerberos._udp.R.TEST.",
            "URI _kerberos.R.TEST."
        ]
    );
    let written = "[realms]\n R.TEST = {\n  kdc = 127.0.0.1:1\n }\n";
    both(written, Some(&server), Service::Kdc, |found| {
        assert_eq!(found.unwrap(), ["127.0.0.1:1 udp", "127.0.0.1:1 tcp"]);
    });
    assert!(server.asked().is_empty());
    // The primary one may be in DNS all the same.
    both(written, Some(&server), Service::PrimaryKdc, |found| {
        assert!(found.unwrap().iter().all(|line| line == "localhost:751 tcp"));
    });
    server.asked();
    let without_uri = "[libdefaults]\n dns_uri_lookup = false\n";
    both(without_uri, Some(&server), Service::Kdc, |found| {
        assert!(found.is_ok())
    });
    assert!(!server.asked().iter().any(|query| query.starts_with("URI")));
    let forbidden = "[libdefaults]\n dns_lookup_kdc = false\n";
    both(forbidden, Some(&server), Service::Kdc, |found| {
        assert_eq!(
            found.unwrap_err().to_string(),
            "no KDC for realm R.TEST: it has no kdc line in krb5.conf; dns_lookup_kdc is false"
        );
    });
    assert!(server.asked().is_empty());
}

#[test]
fn a_realm_that_nobody_knows_is_told_with_everything_that_was_asked() {
    let server = TestServer::start(&[("_kerberos._tcp.R.TEST", &[])]);
    both("", Some(&server), Service::Kdc, |found| {
        assert_eq!(
            found.unwrap_err().to_string(),
            "no KDC for realm R.TEST: it has no kdc line in krb5.conf; DNS URI _kerberos.R.TEST: no such name; DNS \
             SRV _kerberos._udp.R.TEST: no such name; DNS SRV _kerberos._tcp.R.TEST: no such record"
        );
    });
    both("", Some(&server), Service::Kpasswd, |found| {
        assert_eq!(
            found.unwrap_err().to_string(),
            "no password server for realm R.TEST: it has no kpasswd_server or admin_server line in krb5.conf; DNS URI \
             _kpasswd.R.TEST: no such name; DNS SRV _kpasswd._udp.R.TEST: no such name; DNS SRV \
             _kpasswd._tcp.R.TEST: no such name; DNS SRV _kerberos-adm._tcp.R.TEST: no such name"
        );
    });
}

#[test]
fn the_realm_of_a_host_is_in_dns_only_when_asked_for() {
    let server = TestServer::start(&[("_kerberos.example.test", &[txt("FOUND")])]);
    let realm = |text: &str, host: &str| {
        let client = Client::new(Arc::new(config(text))).with_name_servers(&[server.address]);
        client.realm_of_host(host).unwrap().to_string()
    };
    let text = "[libdefaults]\n default_realm = D\n";
    assert_eq!(realm(text, "www.example.test"), "D");
    assert!(server.asked().is_empty());
    let text =
        "[libdefaults]\n default_realm = D\n dns_lookup_realm = true\n[domain_realm]\n .mapped.test = M\n";
    assert_eq!(realm(text, "www.example.test"), "FOUND");
    assert_eq!(
        server.asked(),
        ["TXT _kerberos.www.example.test.", "TXT _kerberos.example.test."]
    );
    assert_eq!(realm(text, "a.mapped.test"), "M");
    assert_eq!(realm(text, "other"), "D");
}

fn target(port: u16, transport: attempt::Transport) -> Target {
    Target {
        server: format!("k:{port}"),
        address: ([127, 0, 0, 1], port).into(),
        transport,
        proxy: None,
    }
}

fn attempt(target: &Target, outcome: AttemptOutcome) -> Attempt {
    Attempt {
        server: target.server.clone(),
        address: Some(target.address),
        transport: target.transport,
        sent: 1,
        took: Duration::ZERO,
        outcome,
    }
}

#[test]
fn the_last_good_one_is_asked_first_and_those_that_failed_last() {
    let now = Instant::now();
    let list = || {
        vec![
            target(1, attempt::Transport::Udp),
            target(1, attempt::Transport::Tcp),
            target(2, attempt::Transport::Udp),
            target(2, attempt::Transport::Tcp),
            target(3, attempt::Transport::Https),
        ]
    };
    let servers = Servers::new(list(), Vec::new(), now + Duration::from_secs(9));
    assert_eq!(
        servers.order(attempt::Transport::Udp, false, now),
        [0, 2, 4, 1, 3]
    );
    assert_eq!(
        servers.order(attempt::Transport::Tcp, false, now),
        [1, 3, 4, 0, 2]
    );
    assert_eq!(servers.order(attempt::Transport::Udp, true, now), [4, 1, 3]);
    servers.learn(
        &[
            attempt(&servers.targets[0], AttemptOutcome::NoAnswer),
            attempt(&servers.targets[2], AttemptOutcome::Answered),
        ],
        now,
    );
    assert_eq!(
        servers.order(attempt::Transport::Udp, false, now),
        [2, 4, 3, 1, 0]
    );
    assert_eq!(
        servers.order(attempt::Transport::Tcp, false, now),
        [3, 1, 4, 2, 0]
    );
    // New addresses take over what is known of the old ones.
    let again = Servers::new(list(), Vec::new(), now);
    again.inherit(&servers);
    assert_eq!(again.order(attempt::Transport::Udp, false, now), [2, 4, 3, 1, 0]);
    // After a while it is tried in its place again, but the good one stays first.
    let later = now + Duration::from_secs(61);
    assert_eq!(
        servers.order(attempt::Transport::Udp, false, later),
        [2, 0, 4, 3, 1]
    );
    assert!(servers.fresh(now));
    assert!(!servers.fresh(now + Duration::from_secs(9)));
}

#[test]
fn addresses_are_asked_by_both_transports_once_and_names_without_any_are_told() {
    let servers = [
        "127.0.0.1",
        "tcp/127.0.0.1:88",
        "kdc.invalid",
        "https://127.0.0.1/p",
        "https://127.0.0.1/q",
    ]
    .map(|text| ServerAddress::parse(text, 88).unwrap());
    assert!(!addresses::all_literal(&servers));
    let found = addresses::resolve(&servers, Duration::from_secs(20));
    let (targets, failed) = addresses::targets(&servers, found, |_| Ok(None));
    let shown: Vec<String> = targets
        .iter()
        .map(|target| format!("{} {}", target.server, target.transport))
        .collect();
    assert_eq!(
        shown,
        [
            "127.0.0.1:88 udp",
            "127.0.0.1:88 tcp",
            "https://127.0.0.1:443/p https",
            "https://127.0.0.1:443/q https"
        ]
    );
    assert_eq!(failed.len(), 1);
    assert!(matches!(
        failed.first().unwrap().outcome,
        AttemptOutcome::Unresolved(_)
    ));
}

#[test]
fn what_somebodys_dns_names_is_bounded() {
    let server = ServerAddress::parse("one", 88).unwrap();
    let many = (1..=500_u16)
        .map(|port| SocketAddr::from(([192, 0, 2, 1], port)))
        .collect();
    let (targets, _) = addresses::targets(std::slice::from_ref(&server), vec![Ok(many)], |_| Ok(None));
    assert_eq!(targets.len(), 128);

    let locator = Locator::default();
    let kept = Arc::new(Servers::new(
        Vec::new(),
        Vec::new(),
        Instant::now() + Duration::from_secs(60),
    ));
    for index in 0..1000 {
        locator.keep(&Realm::from(format!("R{index}").as_str()), Service::Kdc, &kept);
    }
    assert!(locator.known.lock().unwrap().len() <= MAX_REALMS);
    assert!(locator.known(&Realm::from("R999"), Service::Kdc).is_some());
}

#[test]
fn a_name_that_hangs_is_given_up() {
    let servers = ["hangs", "fails", "127.0.0.1"].map(|text| ServerAddress::parse(text, 88).unwrap());
    let ask = |host: &str, _: u16| match host {
        "hangs" => {
            std::thread::sleep(Duration::from_secs(5));
            Ok(Vec::new())
        }
        _ => Err("no such host".to_owned()),
    };
    let start = Instant::now();
    let found = addresses::resolve_by(&servers[..2], Duration::from_millis(200), ask);
    assert_eq!(
        found,
        [
            Err("no answer of the resolver within 0.2 s".to_owned()),
            Err("no such host".to_owned())
        ]
    );
    // One that has an address is not kept waiting for the rest.
    let found = addresses::resolve_by(&servers, Duration::from_secs(60), ask);
    assert!(found[0].is_err() && found[2].is_ok());
    assert!(start.elapsed() < Duration::from_secs(4), "{:?}", start.elapsed());
}

#[test]
fn many_names_are_asked_for_by_few_threads() {
    static NOW: AtomicUsize = AtomicUsize::new(0);
    static MOST: AtomicUsize = AtomicUsize::new(0);
    let servers: Vec<ServerAddress> = (0..200)
        .map(|index| ServerAddress::parse(&format!("host{index}"), 88).unwrap())
        .collect();
    let found = addresses::resolve_by(&servers, Duration::from_secs(60), |host, _| {
        MOST.fetch_max(NOW.fetch_add(1, Ordering::SeqCst) + 1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(2));
        NOW.fetch_sub(1, Ordering::SeqCst);
        Err(format!("asked for {host}"))
    });
    for (index, answer) in found.iter().enumerate() {
        assert_eq!(*answer, Err(format!("asked for host{index}")));
    }
    let most = MOST.load(Ordering::SeqCst);
    assert!((2..=addresses::MAX_THREADS).contains(&most), "{most}");
}

#[test]
fn names_left_over_are_not_asked_for() {
    static ASKED: AtomicUsize = AtomicUsize::new(0);
    let servers: Vec<ServerAddress> = (0..100)
        .map(|index| ServerAddress::parse(&format!("host{index}"), 88).unwrap())
        .collect();
    let found = addresses::resolve_by(&servers, Duration::from_millis(50), |_, _| {
        ASKED.fetch_add(1, Ordering::SeqCst);
        std::thread::sleep(Duration::from_millis(300));
        Err("late".to_owned())
    });
    assert!(found.iter().all(Result::is_err));
    std::thread::sleep(Duration::from_secs(1));
    let asked = ASKED.load(Ordering::SeqCst);
    assert!(asked <= addresses::MAX_THREADS, "{asked}");
}
