//! A scripted daemon: what it says is bounded, checked, and turned into the right error.
#![allow(clippy::unwrap_used, clippy::indexing_slicing, clippy::panic)] // a failure here is the test's failure

use std::io::{Read, Write};
use std::os::unix::net::UnixListener;
use std::path::PathBuf;

use super::*;

const MAX: u32 = call::MAX_REPLY_BYTES;

/// A daemon that gives these answers (whole, with their lengths) to one connection's requests, and hands back what was
/// asked: operation and payload.
struct Script {
    socket: PathBuf,
    thread: std::thread::JoinHandle<Vec<(u16, Vec<u8>)>>,
    _dir: tempfile::TempDir,
}

impl Script {
    fn new(answers: Vec<Vec<u8>>) -> Self {
        let dir = tempfile::tempdir().unwrap();
        let socket = dir.path().join("socket");
        let listener = UnixListener::bind(&socket).unwrap();
        let thread = std::thread::spawn(move || {
            let (mut stream, _) = listener.accept().unwrap();
            let mut asked = Vec::new();
            for answer in answers {
                let mut length = [0; 4];
                if stream.read_exact(&mut length).is_err() {
                    break;
                }
                let mut request = vec![0; u32::from_be_bytes(length) as usize];
                stream.read_exact(&mut request).unwrap();
                assert_eq!(request[..2], [2, 0]);
                asked.push((
                    u16::from_be_bytes([request[2], request[3]]),
                    request[4..].to_vec(),
                ));
                let _ = stream.write_all(&answer);
            }
            asked
        });
        Self {
            socket,
            thread,
            _dir: dir,
        }
    }

    fn asked(self) -> Vec<(u16, Vec<u8>)> {
        self.thread.join().unwrap()
    }
}

fn answer(code: i32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len() + 4).unwrap();
    [&length.to_be_bytes()[..], &[0; 4], &code.to_be_bytes(), payload].concat()
}

fn alice() -> Principal {
    Principal::new("R", &["alice"])
}

fn principal() -> Vec<u8> {
    principal_to_bytes(&alice()).unwrap().to_vec()
}

fn value() -> Vec<u8> {
    let mut cache = CredentialCache::new(alice());
    cache.set_config("refresh_time", None, b"77");
    cache.entries[0].to_bytes().unwrap().to_vec()
}

fn policy() -> EnctypePolicy {
    EnctypePolicy::DEFAULT
}

const UNSUPPORTED: i32 = -1_765_328_188;
const NOT_THERE: i32 = -1_765_328_189;

#[test]
fn a_cache_is_read_as_a_list_or_one_by_one() {
    let blob = value();
    let length = u32::try_from(blob.len()).unwrap().to_be_bytes();
    let list = [&1_u32.to_be_bytes()[..], &length, &blob].concat();
    let script = Script::new(vec![
        answer(0, &principal()),
        answer(0, &list),
        answer(0, &(-7_i32).to_be_bytes()),
    ]);
    let cache = read(&script.socket, "0:x", &policy()).unwrap();
    assert_eq!(cache.primary, alice());
    assert_eq!(cache.config("refresh_time", None), Some(b"77".as_slice()));
    assert_eq!(cache.kdc_offset().unwrap().seconds, -7);
    let name = b"0:x\0".to_vec();
    assert_eq!(
        script.asked(),
        [(8, name.clone()), (13001, name.clone()), (22, name.clone())]
    );

    let script = Script::new(vec![
        answer(0, &principal()),
        answer(UNSUPPORTED, b""),
        answer(0, &[7; 32]),
        answer(0, &blob),
        answer(NOT_THERE, b""),
        answer(UNSUPPORTED, b""),
    ]);
    let cache = read(&script.socket, "0:x", &policy()).unwrap();
    assert_eq!(cache.entries.len(), 1);
    assert_eq!(cache.kdc_offset(), None);
    let asked = script.asked();
    assert_eq!(asked[3], (10, [&name[..], &[7; 16]].concat()));
}

#[test]
fn the_daemon_s_lies_are_refused() {
    let refused = |answers: Vec<Vec<u8>>| {
        let script = Script::new(answers);
        let error = read(&script.socket, "x", &policy()).unwrap_err();
        drop(script.asked());
        error.to_string()
    };
    let big = [(MAX + 1).to_be_bytes(), [0; 4]].concat();
    assert_eq!(
        refused(vec![big]),
        "the cache daemon's answer to GET_PRINCIPAL: expected at most 10485760 bytes, but found 10485761"
    );
    assert_eq!(
        refused(vec![vec![0, 0, 0]]),
        "the cache daemon's answer to GET_PRINCIPAL did not come: the daemon closed the connection"
    );
    let short = [&2_u32.to_be_bytes()[..], &[0; 4], &[0; 2]].concat();
    assert_eq!(
        refused(vec![short]),
        "the cache daemon's answer to GET_PRINCIPAL: expected a number of 32 bits, but found something else"
    );
    assert_eq!(
        refused(vec![answer(-1_765_328_190, b"")]),
        "the cache daemon refused GET_PRINCIPAL: KRB5_FCC_PERM (-1765328190)"
    );
    assert_eq!(
        refused(vec![answer(13, b"")]),
        "the cache daemon refused GET_PRINCIPAL: permission denied (13)"
    );
    assert!(refused(vec![answer(0, &principal()[..9])]).contains("byte"));
    assert_eq!(refused(vec![answer(NOT_THERE, b"")]), "not found");
    assert_eq!(refused(vec![answer(0, b"")]), "not found");
    // More tickets than there are bytes, a ticket longer than the answer, more than anybody has.
    for list in [
        [&5_u32.to_be_bytes()[..], &[]].concat(),
        [&1_u32.to_be_bytes()[..], &9_u32.to_be_bytes()].concat(),
        20_000_u32.to_be_bytes().to_vec(),
        u32::MAX.to_be_bytes().to_vec(),
    ] {
        let error = refused(vec![answer(0, &principal()), answer(0, &list)]);
        assert!(
            error.starts_with("the cache daemon's answer to GET_CRED_LIST: expected a"),
            "{error}"
        );
    }
    let error = refused(vec![
        answer(0, &principal()),
        answer(UNSUPPORTED, b""),
        answer(0, &[7; 17]),
    ]);
    assert_eq!(
        error,
        "the cache daemon's answer to GET_CRED_UUID_LIST: expected a list of UUIDs of 16 bytes, but found something else"
    );
    // The outer status.
    let outer = [&0_u32.to_be_bytes()[..], &5_u32.to_be_bytes()].concat();
    assert!(refused(vec![outer]).contains("(5)"));
}

#[test]
fn a_default_name_must_be_one() {
    for (payload, good) in [
        (b"0:1\0".as_slice(), true),
        (b"\0", false),
        (b"0:1", false),
        (b"\xff\0", false),
    ] {
        let script = Script::new(vec![answer(0, payload)]);
        assert_eq!(default_name(&script.socket).is_ok(), good, "{payload:?}");
        drop(script.asked());
    }
}

#[test]
fn a_cache_is_written_whole_or_piece_by_piece() {
    let mut cache = CredentialCache::new(alice());
    cache.set_config("refresh_time", None, b"77");
    cache.set_kdc_offset(Some(KdcOffset {
        seconds: 3,
        microseconds: 0,
    }));
    let script = Script::new(vec![answer(0, b"")]);
    initialize(&script.socket, "n", &cache).unwrap();
    let blob = value();
    let length = u32::try_from(blob.len()).unwrap().to_be_bytes();
    let whole = [
        b"n\0".as_slice(),
        &3_i32.to_be_bytes(),
        &principal(),
        &1_u32.to_be_bytes(),
        &length,
        &blob,
    ]
    .concat();
    assert_eq!(script.asked(), [(13002, whole)]);

    let script = Script::new(vec![
        answer(UNSUPPORTED, b""),
        answer(0, b""),
        answer(0, b""),
        answer(0, b""),
    ]);
    initialize(&script.socket, "n", &cache).unwrap();
    let asked: Vec<_> = script
        .asked()
        .into_iter()
        .map(|(operation, _)| operation)
        .collect();
    assert_eq!(asked, [13002, 4, 23, 6]);
    // A refusal in the middle is told, and half a cache does not stay; the refusal of its removal is not told.
    let script = Script::new(vec![
        answer(UNSUPPORTED, b""),
        answer(0, b""),
        answer(0, b""),
        answer(28, b""),
        answer(13, b""),
    ]);
    let error = initialize(&script.socket, "n", &cache).unwrap_err();
    assert!(error.to_string().contains("STORE"), "{error}");
    assert_eq!(script.asked().last(), Some(&(5, b"n\0".to_vec())));
    // The old cache is still there when no new one was begun.
    let script = Script::new(vec![answer(UNSUPPORTED, b""), answer(13, b"")]);
    assert!(initialize(&script.socket, "n", &cache).is_err());
    assert_eq!(script.asked().len(), 2);
}

#[test]
fn a_daemon_that_accepts_nobody_is_not_waited_for() {
    use rustix::net;
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("socket");
    let listener = net::socket(net::AddressFamily::UNIX, net::SocketType::STREAM, None).unwrap();
    net::bind(&listener, &net::SocketAddrUnix::new(&socket).unwrap()).unwrap();
    net::listen(&listener, 0).unwrap();
    // The queue holds one.
    let patience = std::time::Duration::from_millis(50);
    let _first = Daemon::connect_within(&socket, patience).unwrap();
    let error = Daemon::connect_within(&socket, patience).err().unwrap();
    assert!(
        error.to_string().ends_with(": it accepts no connection"),
        "{error}"
    );
}

#[test]
fn nobody_there_or_nobody_wanted() {
    let dir = tempfile::tempdir().unwrap();
    let socket = dir.path().join("none");
    assert_eq!(
        read(&socket, "x", &policy()).unwrap_err().to_string(),
        format!(
            "no cache daemon at {}: no such file or directory",
            socket.display()
        )
    );
    assert_eq!(
        read(Path::new("-"), "x", &policy()).unwrap_err().to_string(),
        "kcm_socket in krb5.conf is \"-\": no cache daemon is asked"
    );
    let script = Script::new(vec![]);
    assert_eq!(
        read(&script.socket, "a\0b", &policy()).unwrap_err(),
        KcmFault::Name.into()
    );
}
