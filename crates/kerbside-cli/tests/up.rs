//! `kerbside up -- COMMAND` as a process: what it refuses, and that it leaves nothing behind however it ends.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    reason = "a failure here is the test's failure"
)]

use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use rustix::process::{Pid, Signal, kill_process};

fn up(temporary: &Path, args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_kerbside"));
    command
        .arg("up")
        .args(args)
        .current_dir(temporary)
        .env("TMPDIR", temporary)
        .stdin(Stdio::null())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped());
    command
}

fn names(folder: &Path) -> Vec<String> {
    std::fs::read_dir(folder)
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect()
}

fn stderr(output: &Output) -> String {
    String::from_utf8(output.stderr.clone()).unwrap()
}

#[test]
fn nothing_is_left_whenever_a_signal_comes() {
    let folder = tempfile::tempdir().unwrap();
    for signal in [Signal::TERM, Signal::HUP, Signal::INT] {
        // From the first moments of the process, when the realm is made, until COMMAND runs.
        for millis in [5, 15, 30, 50, 80, 130, 250] {
            let mut child = up(folder.path(), &["--", "sleep", "0.3"]).spawn().unwrap();
            std::thread::sleep(Duration::from_millis(millis));
            kill_process(Pid::from_child(&child), signal).unwrap();
            let status = child.wait().unwrap();
            assert_eq!(
                names(folder.path()),
                [""; 0],
                "{signal:?} after {millis} ms, {status}"
            );
            // Killed before it could catch anything, stopped before COMMAND, COMMAND ended; SIGINT is the terminal's.
            let code = status
                .code()
                .or_else(|| status.signal().map(|signal| 128 + signal));
            let passed_on = 128 + Signal::TERM.as_raw();
            let allowed = [128 + signal.as_raw(), passed_on, 0];
            assert!(
                allowed.contains(&code.unwrap()),
                "{signal:?} after {millis} ms, {status}"
            );
            assert!(
                code != Some(0) || signal == Signal::INT,
                "{signal:?} after {millis} ms"
            );
        }
    }
}

#[test]
fn the_keytab_goes_with_its_realm() {
    let folder = tempfile::tempdir().unwrap();
    for _ in 0..2 {
        let run = up(folder.path(), &["--keytab", "kt", "--", "test", "-s", "kt"])
            .output()
            .unwrap();
        assert_eq!(run.status.code(), Some(0), "{}", stderr(&run));
        assert_eq!(names(folder.path()), [""; 0]);
    }
    // What was there is not ours.
    std::fs::write(folder.path().join("kt"), "precious").unwrap();
    let run = up(folder.path(), &["--keytab", "kt", "--", "true"])
        .output()
        .unwrap();
    assert_eq!(
        stderr(&run),
        "kerbside up: error: cannot create kt\n  File exists (os error 17)\n"
    );
    assert_eq!(run.status.code(), Some(1));
    assert_eq!(std::fs::read(folder.path().join("kt")).unwrap(), b"precious");
    assert_eq!(names(folder.path()), ["kt"]);
}

#[test]
fn a_realm_name_that_would_change_the_configuration_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    for (name, found) in [
        ("", "expected at least one character, but found none"),
        ("A B", "but found ' '"),
        ("A\n[libdefaults]", "but found '\\n'"),
        ("A={", "but found '='"),
    ] {
        for args in [
            &["--realm", name, "--", "true"][..],
            &["--realm", name, "--data", "d"],
        ] {
            let run = up(folder.path(), args).output().unwrap();
            assert_eq!(run.status.code(), Some(1), "{args:?}");
            assert!(stderr(&run).contains(found), "{args:?}: {}", stderr(&run));
            assert_eq!(names(folder.path()), [""; 0]);
        }
    }
}
