#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    reason = "a test fails by panicking"
)]

use std::collections::BTreeMap;
use std::fmt::Debug;
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use kerbside_asn1::{Principal, Realm};
use kerbside_protocol::trace::TARGET;
use tracing::field::{Field, Visit};
use tracing::span::{Attributes, Id, Record};
use tracing::{Dispatch, Event, Metadata, Subscriber};

use super::TraceWriter;
use crate::dns::test_server::{TestServer, srv, txt, uri};
use crate::dns::{NameServers, Resolver, find_servers};
use crate::locate::Service;
use crate::names::CacheName;
use crate::select::{SelectedBy, Selection};

/// A sink that can be read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<Vec<u8>>>>);

impl io::Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().push(bytes.to_vec());
        Ok(bytes.len())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Shared {
    fn writes(&self) -> Vec<String> {
        let writes = self.0.lock().unwrap();
        writes
            .iter()
            .map(|bytes| String::from_utf8(bytes.clone()).unwrap())
            .collect()
    }
}

/// While there is one subscriber alone, tracing asks the thread that comes first to an event whether anybody wants it,
/// and keeps its answer for all threads, those with a subscriber too. With a second one it asks the subscribers.
static SECOND: LazyLock<Dispatch> = LazyLock::new(|| Dispatch::new(Consumer::default()));

fn with(subscriber: impl Subscriber + Send + Sync + 'static, events: impl FnOnce()) {
    LazyLock::force(&SECOND);
    tracing::subscriber::with_default(subscriber, events);
}

/// What is written while `events` runs, a string for each write.
fn written(events: impl FnOnce()) -> Vec<String> {
    let sink = Shared::default();
    with(TraceWriter::new(sink.clone()), events);
    sink.writes()
}

fn address() -> std::net::SocketAddr {
    "192.0.2.1:88".parse().unwrap()
}

#[test]
fn a_line_is_one_write_with_process_and_time() {
    let writes = written(|| super::sending_request(183, &Realm::from("EXAMPLE.COM"), true, true));
    let [line] = writes.as_slice() else {
        panic!("{writes:?}");
    };
    let (stamp, text) = line.split_once(": ").unwrap();
    assert_eq!(
        text,
        "Sending request (183 bytes) to EXAMPLE.COM (primary) (tcp only)\n"
    );
    let (pid, time) = stamp.split_once("] ").unwrap();
    assert_eq!(pid, format!("[{}", std::process::id()));
    let (seconds, microseconds) = time.split_once('.').unwrap();
    assert!(seconds.parse::<u64>().unwrap() > 1_700_000_000);
    assert!(microseconds.len() == 6 && microseconds.parse::<u32>().is_ok());
}

#[test]
fn other_peoples_events_are_not_written() {
    let writes = written(|| {
        tracing::error!("of a program");
        tracing::trace!(target: TARGET, "too fine");
        tracing::debug!(target: TARGET, "ours");
    });
    assert_eq!(writes.len(), 1);
    assert!(writes[0].ends_with(": ours\n"));
}

/// A peer chose a part of the line: it stays one, and nothing in it moves a terminal's cursor.
#[test]
fn no_event_begins_a_line_of_its_own() {
    let writes = written(|| tracing::debug!(target: TARGET, "a\nb\u{1b}[2J\u{9b}2J\u{e9}"));
    assert_eq!(writes.len(), 1);
    assert!(
        writes[0].ends_with(": a\\x0Ab\\x1B[2J\\x9B2J\u{e9}\n"),
        "{writes:?}"
    );
}

#[test]
fn a_stream_tells_its_end_wherever_it_comes() {
    let writes = written(|| {
        let connection = super::TcpConnection::begins(address());
        super::tcp_connect_error(connection.address(), &io::Error::from_raw_os_error(111));
    });
    let texts: Vec<_> = writes
        .iter()
        .map(|line| line.split_once(": ").unwrap().1)
        .collect();
    assert_eq!(
        texts,
        [
            "Initiating TCP connection to stream 192.0.2.1:88\n",
            "TCP error connecting to stream 192.0.2.1:88: 111/Connection refused\n",
            "Terminating TCP connection to stream 192.0.2.1:88\n",
        ]
    );
}

/// Takes events as data.
#[derive(Clone, Default)]
struct Consumer(Arc<Mutex<Vec<Taken>>>);

/// An event's name and fields.
type Taken = (String, BTreeMap<String, String>);

struct Fields<'a>(&'a mut BTreeMap<String, String>);

impl Visit for Fields<'_> {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        self.0.insert(field.name().to_owned(), format!("{value:?}"));
    }
}

impl Subscriber for Consumer {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        metadata.target() == TARGET
    }

    fn event(&self, event: &Event<'_>) {
        let mut fields = BTreeMap::new();
        event.record(&mut Fields(&mut fields));
        let name = event.metadata().name().to_owned();
        self.0.lock().unwrap().push((name, fields));
    }

    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[test]
fn a_program_takes_events_as_data() {
    let consumer = Consumer::default();
    let (client, server) = (Principal::new("R", &["a"]), Principal::new("R", &["krbtgt", "R"]));
    let cache = CacheName::File("/tmp/cc".into());
    with(consumer.clone(), || {
        super::retrieved(&cache, &client, &server, false);
        super::udp_receive_error(address(), &io::Error::from_raw_os_error(111));
    });
    let events = consumer.0.lock().unwrap();
    let field = |at: usize, name: &str| events[at].1.get(name).map(String::as_str);
    assert_eq!(events[0].0, "cc_retrieve");
    assert_eq!(field(0, "client"), Some("a@R"));
    assert_eq!(field(0, "server"), Some("krbtgt/R@R"));
    assert_eq!(field(0, "cache"), Some("FILE:/tmp/cc"));
    assert_eq!(field(0, "found"), Some("false"));
    assert_eq!(
        field(0, "message"),
        Some(
            "Retrieving a@R -> krbtgt/R@R from FILE:/tmp/cc with result: -1765328243/Matching credential not found \
             (filename: /tmp/cc)"
        )
    );
    assert_eq!(events[1].0, "sendto_kdc_udp_error_recv");
    assert_eq!(field(1, "address"), Some("192.0.2.1:88"));
    assert_eq!(field(1, "errno"), Some("111"));
}

/// Something whose formatting is noticed.
struct Noticed<'a>(&'a std::cell::Cell<u32>);

impl std::fmt::Display for Noticed<'_> {
    fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        self.0.set(self.0.get() + 1);
        Ok(())
    }
}

/// The form that every event has: for nobody it formats nothing, for somebody field and line.
#[test]
fn while_nobody_listens_nothing_is_formatted() {
    let formatted = std::cell::Cell::new(0);
    let event = || {
        let value = Noticed(&formatted);
        tracing::event!(name: "x", target: TARGET, tracing::Level::DEBUG, { field = %value }, "line {value}");
    };
    event();
    assert_eq!(formatted.get(), 0);
    let consumer = Consumer::default();
    with(consumer, event);
    assert_eq!(formatted.get(), 2);
    event();
    assert_eq!(formatted.get(), 2);
}

#[test]
fn a_file_is_made_for_its_owner_alone_and_added_to() {
    let dir = tempfile::tempdir().unwrap();
    let file = dir.path().join("trace");
    for _ in 0..2 {
        let writer = TraceWriter::open(&file).unwrap();
        with(writer, || super::resolving("kdc"));
    }
    let text = std::fs::read_to_string(&file).unwrap();
    assert_eq!(text.lines().count(), 2);
    assert!(text.ends_with(": Resolving hostname kdc\n"));
    let mode = std::fs::metadata(&file).unwrap().permissions().mode();
    assert_eq!(mode & 0o777, 0o600);
}

/// Lines at its end would make a cache or a keytab unreadable, be it named by a link.
#[test]
fn a_cache_or_keytab_is_not_written_to() {
    let dir = tempfile::tempdir().unwrap();
    let (file, link) = (dir.path().join("cc"), dir.path().join("trace"));
    std::os::unix::fs::symlink(&file, &link).unwrap();
    for magic in [[5, 4], [5, 3], [5, 2], [5, 1]] {
        std::fs::write(&file, magic).unwrap();
        let error = TraceWriter::open(&link).unwrap_err().to_string();
        assert!(
            error.ends_with("trace: it is a credential cache or keytab"),
            "{error}"
        );
        assert_eq!(std::fs::read(&file).unwrap(), magic);
    }
    std::fs::write(&file, [5, 5]).unwrap();
    TraceWriter::open(&link).unwrap();
}

#[test]
fn a_file_that_cannot_be_opened_is_told() {
    let error = TraceWriter::open(Path::new("/nonesuch/trace")).unwrap_err();
    assert_eq!(
        error.to_string(),
        "cannot trace to /nonesuch/trace: no such file or directory"
    );
    let error = TraceWriter::open(Path::new("/")).unwrap_err();
    assert_eq!(error.to_string(), "cannot trace to /: is a directory");
}

#[test]
fn look_ups_in_dns_are_told_in_mits_words() {
    let zone = [
        ("_kerberos.R.TEST", vec![uri(10, "krb5srv:m:tcp:kdc1.test")]),
        ("_kpasswd._udp.R.TEST", vec![srv(1, 464, "kdc1.test.")]),
        ("_kerberos.host.r.test", vec![txt("R.TEST")]),
    ];
    let zone: Vec<_> = zone.iter().map(|(name, records)| (*name, &records[..])).collect();
    let server = TestServer::start(&zone);
    let servers = NameServers {
        given: Some(Arc::from([server.address])),
    };
    let texts: Vec<String> = written(|| {
        let search = async {
            let resolver = Resolver::new(servers.read().unwrap(), Duration::from_secs(10)).unwrap();
            find_servers(&resolver, "R.TEST", Service::Kdc, None, true).await;
            find_servers(&resolver, "R.TEST", Service::Kpasswd, None, false).await;
            resolver.first_text("_kerberos.host.r.test").await;
            resolver.first_text("_kerberos.r.test").await;
        };
        let mut runtime = tokio::runtime::Builder::new_current_thread();
        runtime.enable_all().build().unwrap().block_on(search);
    })
    .iter()
    .map(|line| line.split_once(": ").unwrap().1.trim_end().to_owned())
    .collect();
    let (uri, rest) = texts.split_at(2);
    assert_eq!(
        uri,
        [
            "Sending DNS URI query for _kerberos.R.TEST.",
            "URI answer: 10 1 \"krb5srv:m:tcp:kdc1.test\"",
        ]
    );
    // The two kinds of SRV records are asked for at once.
    let (srv, txt) = rest.split_at(4);
    for expected in [
        "Sending DNS SRV query for _kpasswd._udp.R.TEST.",
        "Sending DNS SRV query for _kpasswd._tcp.R.TEST.",
        "SRV answer: 1 0 464 \"kdc1.test.\"",
        "No SRV records found",
    ] {
        assert!(srv.iter().any(|text| text == expected), "{expected:?} in {srv:?}");
    }
    assert_eq!(
        txt,
        [
            "TXT record _kerberos.host.r.test. found: R.TEST",
            "TXT record _kerberos.r.test. not found",
        ]
    );
}

#[test]
fn work_on_another_thread_is_heard() {
    let work = || super::resolving("kdc.example.com");
    let lines = written(|| std::thread::spawn(super::carried(work)).join().unwrap());
    assert_eq!(lines.len(), 1);
    let lines = written(|| std::thread::spawn(work).join().unwrap());
    assert_eq!(lines, Vec::<String>::new());
}

#[test]
fn the_choice_of_a_cache_is_told_in_mits_words() {
    let (client, server) = (Principal::new("R", &["a"]), Principal::new("R", &["HTTP", "h"]));
    let cache = CacheName::File("/tmp/cc".into());
    let told = |principal: Option<&Principal>, cache: Option<&CacheName>, by| {
        let (principal, cache) = (principal.cloned(), cache.cloned());
        let selection = Selection { principal, cache, by };
        let lines = written(|| super::selected(&selection, &server));
        lines[0].split_once(": ").unwrap().1.trim_end().to_owned()
    };
    assert_eq!(
        told(Some(&client), Some(&cache), SelectedBy::Realm),
        "ccselect module realm chose cache FILE:/tmp/cc with client principal a@R for server principal HTTP/h@R"
    );
    assert_eq!(
        told(Some(&client), None, SelectedBy::K5Identity),
        "ccselect module k5identity chose client principal a@R for server principal HTTP/h@R but found no cache"
    );
    assert_eq!(
        told(Some(&client), Some(&cache), SelectedBy::Primary),
        "ccselect choosing default cache FILE:/tmp/cc for server principal HTTP/h@R"
    );
    assert_eq!(
        told(None, None, SelectedBy::Primary),
        "ccselect can't find appropriate cache for server principal HTTP/h@R"
    );
}
