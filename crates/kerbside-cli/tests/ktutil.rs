//! ktutil as a process: keys from passwords, with salts that the KDC names, in keytabs that log in.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failure here is the test's failure

#[allow(dead_code)] // other files need other parts of it
mod support;

use std::os::unix::fs::PermissionsExt;

use support::{Home, Run};

#[test]
fn a_keytab_from_a_password_and_the_kdcs_salt_logs_in() {
    let home = Home::start();
    let session = home.run(
        "ktutil",
        &[],
        "addent -password -p alice@EXAMPLE.TEST -k 1 -f\nsecret\nwkt alice.keytab\nquit\nl\n",
    );
    assert_eq!(
        session,
        Run::success(
            "ktutil:  addent -password -p alice@EXAMPLE.TEST -k 1 -f\nPassword for alice@EXAMPLE.TEST: \n\
             ktutil:  wkt alice.keytab\nktutil:  quit\n"
        )
    );
    let keytab = home.path("alice.keytab");
    let mode = std::fs::metadata(&keytab).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(
        home.run("kinit", &["-k", "-t", "alice.keytab", "alice"], ""),
        Run::success("")
    );
    // The default salt is this KDC's: the same keys, named by their enctypes.
    let listed = home.run("ktutil", &[], "rkt alice.keytab\naddent -password -p alice -k 1 -e aes256-cts\nsecret\naddent -password -p alice -k 1 -e aes256-cts -f\nsecret\naddent -password -p alice -k 1 -e aes256-cts -s pepper\nsecret\nl -e -k\n");
    assert_eq!((listed.code, listed.stderr.as_str()), (0, ""));
    let keys: Vec<&str> = listed
        .stdout
        .lines()
        .filter_map(|line| line.split_once("(aes256-cts-hmac-sha1-96)  (0x"))
        .map(|(_, key)| key)
        .collect();
    let [first, default, fetched, salted] = keys.as_slice() else {
        panic!("{}", listed.stdout);
    };
    assert_eq!(first, fetched);
    assert_eq!(default, fetched);
    assert_ne!(default, salted);
}

#[test]
fn requests_as_arguments() {
    let home = Home::start();
    let made = home.run(
        "ktutil",
        &[
            "addent",
            "-key",
            "-p",
            "HTTP/x",
            "-k",
            "4",
            "-e",
            "aes128-cts",
            "--",
            "wkt",
            "x.keytab",
            "--",
            "l",
            "-k",
        ],
        "000102030405060708090A0b0c0d0e0f\n",
    );
    assert_eq!(
        made,
        Run::success(
            "Key for HTTP/x@EXAMPLE.TEST (hex): \nslot KVNO Principal\n\
             ---- ---- ---------------------------------------------------------------------\n   \
             1    4                      HTTP/x@EXAMPLE.TEST (0x000102030405060708090a0b0c0d0e0f)\n"
        )
    );
    assert!(
        home.run("klist", &["-k", "x.keytab"], "")
            .stdout
            .ends_with("   4 HTTP/x@EXAMPLE.TEST\n")
    );
    // The first request that fails ends it.
    assert_eq!(
        home.run("ktutil", &["delent", "1", "--", "wkt", "y.keytab"], ""),
        Run::failure(1, "delent: Invalid argument while deleting entry 1\n")
    );
    let missing = home.run("ktutil", &["rkt", "none.keytab"], "");
    assert_eq!(
        missing,
        Run::failure(
            1,
            "rkt: error: No such file or directory while reading keytab \"none.keytab\"\n"
        )
    );
    assert!(!home.path("y.keytab").exists());
    assert_eq!(home.run("ktutil", &["-x"], "").code, 2);
    assert_eq!(home.run("ktutil", &["--help"], "").code, 0);
}

#[test]
fn what_is_wrong_is_said_and_secrets_are_not() {
    let home = Home::start();
    let refused = |line: &str, text: &str| {
        let run = home.run("ktutil", &[], &format!("{line}\nsecret\nl\n"));
        assert_eq!(run.code, 0, "as MIT's");
        assert!(run.stderr.starts_with(text), "{line}: {}", run.stderr);
        assert!(!format!("{run:?}").contains("secret"), "{line}: {run:?}");
        assert!(run.stdout.ends_with("-----\nktutil:  "), "{line}: {}", run.stdout);
    };
    refused(
        "addent -password -p alice -k 1 -e nonsense",
        "addent: Bad encryption type while adding new entry\n",
    );
    refused(
        "addent -password -p alice -k x -e aes256-cts",
        "addent: key version number: expected a number from 0 to 4294967295, but found \"x\" while adding new entry\n",
    );
    refused(
        "addent -password -p nobody -k 1 -f",
        "addent: error: Client 'nobody@EXAMPLE.TEST' not found in Kerberos database while adding new entry\n",
    );
    refused(
        "addent -key -p alice -k 1 -e aes256-cts",
        "addent: Illegal character in key.\n",
    );
    let unbalanced = home.run("ktutil", &[], "l \"-e\n");
    assert_eq!(unbalanced.stderr, "ktutil: Unbalanced quotes in command line\n");
}
