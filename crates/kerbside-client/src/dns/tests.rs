//! Look-ups against a name server made of a socket.

#![allow(clippy::unwrap_used, clippy::indexing_slicing)] // a failure here is the test's failure

use std::net::UdpSocket;

use hickory_resolver::proto::rr::RData;

use super::test_server::{TestServer, srv, txt, uri};
use super::*;
use crate::locate::Service;

fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap()
}

fn resolver(address: SocketAddr, limit: Duration) -> Resolver {
    let servers = NameServers {
        given: Some(Arc::from([address])),
    };
    Resolver::new(servers.read().unwrap(), limit).unwrap()
}

fn find(
    server: &TestServer,
    service: Service,
    site: Option<&str>,
    uri_too: bool,
) -> (Vec<String>, Vec<String>) {
    let found = runtime().block_on(async {
        let resolver = resolver(server.address, Duration::from_secs(10));
        find_servers(&resolver, "R.TEST", service, site, uri_too).await
    });
    let servers = found.servers.iter().map(ToString::to_string).collect();
    (servers, found.queries.iter().map(ToString::to_string).collect())
}

#[test]
fn uri_records_come_first_and_are_enough() {
    let uris = [
        uri(30, "krb5srv::kkdcp:https://proxy.test/KdcProxy"),
        uri(10, "krb5srv:m:tcp:kdc1.test"),
        uri(20, "krb5srv::udp:[::1]:750"),
        uri(5, "http://kdc.test"),
    ];
    let zone: &[(&str, &[RData])] = &[
        ("_kerberos.R.TEST", &uris),
        ("_kerberos._udp.R.TEST", &[srv(1, 88, "other.test.")]),
        ("_kerberos._tcp.R.TEST", &[]),
    ];
    let server = TestServer::start(zone);
    let (servers, queries) = find(&server, Service::Kdc, None, true);
    assert_eq!(
        servers,
        [
            "tcp/kdc1.test:88",
            "udp/[::1]:750",
            "https://proxy.test:443/KdcProxy"
        ]
    );
    assert_eq!(
        queries,
        ["DNS URI _kerberos.R.TEST: 3 records and 1 that cannot be used"]
    );
    assert_eq!(
        find(&server, Service::PrimaryKdc, None, true).0,
        ["tcp/kdc1.test:88"]
    );
    assert_eq!(find(&server, Service::Kdc, None, false).0, ["udp/other.test:88"]);
    let queries: Vec<String> = server
        .asked()
        .into_iter()
        .filter(|query| query.starts_with("SRV"))
        .collect();
    assert_eq!(queries.len(), 2, "{queries:?}");
}

#[test]
fn srv_records_are_sorted_and_bounded() {
    let many: Vec<RData> = (0..36).map(|number| srv(50 - number, 88, "kdc.test.")).collect();
    let server = TestServer::start(&[
        (
            "_kerberos._udp.R.TEST",
            &[
                srv(20, 89, "b.test."),
                srv(10, 88, "a.test."),
                srv(5, 0, "port.test."),
            ],
        ),
        ("_kerberos._tcp.R.TEST", &many),
        ("_kerberos-master._udp.R.TEST", &[srv(0, 88, "primary.test.")]),
        ("_kpasswd._udp.R.TEST", &[srv(0, 464, "kpasswd.test.")]),
        ("_kerberos-adm._tcp.R.TEST", &[srv(0, 749, "adm.test.")]),
    ]);
    let (servers, queries) = find(&server, Service::Kdc, None, true);
    assert_eq!(servers[..2], ["udp/a.test:88", "udp/b.test:89"]);
    assert_eq!(servers.len(), 2 + MAX_RECORDS);
    assert_eq!(
        queries,
        [
            "DNS URI _kerberos.R.TEST: no such name",
            "DNS SRV _kerberos._udp.R.TEST: 2 records and 1 that cannot be used",
            "DNS SRV _kerberos._tcp.R.TEST: 32 records"
        ]
    );
    assert_eq!(
        find(&server, Service::PrimaryKdc, None, false).0,
        ["udp/primary.test:88"]
    );
    assert_eq!(
        find(&server, Service::Kpasswd, None, false).0,
        ["udp/kpasswd.test:464"]
    );
    assert_eq!(find(&server, Service::Admin, None, false).0, ["tcp/adm.test:749"]);
}

#[test]
fn kadmind_stands_for_a_password_server_and_the_root_for_none() {
    let server = TestServer::start(&[
        ("_kerberos-adm._tcp.R.TEST", &[srv(0, 749, "adm.test.")]),
        ("_kerberos._udp.R.TEST", &[srv(0, 0, ".")]),
    ]);
    assert_eq!(find(&server, Service::Kpasswd, None, false).0, ["adm.test:464"]);
    let (servers, queries) = find(&server, Service::Kdc, Some("site"), false);
    assert_eq!(servers, [""; 0]);
    assert_eq!(
        queries[2..],
        [
            "DNS SRV _kerberos._udp.R.TEST: the service is not offered",
            "DNS SRV _kerberos._tcp.R.TEST: no such name"
        ]
    );
    assert_eq!(
        queries[0],
        "DNS SRV _kerberos._udp.site._sites.R.TEST: no such name"
    );
}

#[test]
fn errors_of_the_name_server_are_told() {
    let server = TestServer::start(&[]);
    let records = |name: &'static str, limit: Duration, address: SocketAddr| {
        runtime().block_on(async move { resolver(address, limit).records(name, DnsKind::Srv).await })
    };
    let long = Duration::from_secs(10);
    assert_eq!(
        records("_kerberos._udp.broken", long, server.address),
        Err(DnsOutcome::Failed(
            "the name server says: Server Failure".to_owned()
        ))
    );
    assert_eq!(
        records("_kerberos._udp.none", long, server.address),
        Err(DnsOutcome::NoSuchName)
    );
    for name in [
        "_kerberos._udp.A B",
        "_kerberos._udp.A\\.B",
        "_kerberos._udp.A\u{e9}",
        "",
        "a..b",
    ] {
        assert_eq!(
            records(name, long, server.address),
            Err(DnsOutcome::NotAName),
            "{name}"
        );
    }
    let silent = UdpSocket::bind("127.0.0.1:0").unwrap();
    let start = Instant::now();
    assert_eq!(
        records(
            "_kerberos._udp.none",
            Duration::from_millis(300),
            silent.local_addr().unwrap()
        ),
        Err(DnsOutcome::Failed("no answer within 0.3 s".to_owned()))
    );
    assert!(start.elapsed() < Duration::from_secs(2));
}

#[test]
fn the_first_text_is_a_hosts_realm() {
    let server = TestServer::start(&[
        ("_kerberos.a.test", &[txt("R.TEST.")]),
        ("_kerberos.b.test", &[txt("R TEST")]),
    ]);
    let text = |name: &'static str| {
        runtime().block_on(async {
            resolver(server.address, Duration::from_secs(10))
                .first_text(name)
                .await
        })
    };
    assert_eq!(text("_kerberos.a.test").as_deref(), Some("R.TEST"));
    assert_eq!(text("_kerberos.b.test"), None);
    assert_eq!(text("_kerberos.c.test"), None);
}

#[test]
fn resolv_conf_says_whom_to_ask() {
    let dir = tempfile::tempdir().unwrap();
    let path = dir.path().join("resolv.conf");
    let path = path.to_str().unwrap();
    let servers = || -> Vec<String> {
        let (config, _) = resolv_conf(path).unwrap();
        config
            .name_servers()
            .iter()
            .map(|server| server.ip.to_string())
            .collect()
    };
    assert_eq!(servers(), ["127.0.0.1"]);
    std::fs::write(path, "# empty\nsearch example.com\n").unwrap();
    assert_eq!(servers(), ["127.0.0.1"]);
    std::fs::write(
        path,
        "nameserver 192.0.2.1\nnameserver 2001:db8::1\noptions timeout:1 attempts:1\n",
    )
    .unwrap();
    assert_eq!(servers(), ["192.0.2.1", "2001:db8::1"]);
    let (_, options) = resolv_conf(path).unwrap();
    assert_eq!((options.timeout, options.attempts), (Duration::from_secs(1), 1));
    let error = resolv_conf(dir.path().to_str().unwrap()).unwrap_err();
    assert!(error.ends_with("is a directory"), "{error}");
}
