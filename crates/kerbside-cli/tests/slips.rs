//! What people type instead of what they mean, and what they are told.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failure here is the test's failure

#[allow(dead_code)] // other files need other parts of it
mod support;

use support::{Home, Run};

#[test]
fn likely_slips_are_answered_with_what_was_meant() {
    let home = Home::start();
    for (args, hint) in [
        (
            &["-k", "alice.keytab", "alice"][..],
            "kinit: hint: the keytab is named with -t: kinit -k -t KEYTAB PRINCIPAL\n",
        ),
        (
            &["-l", "10hours", "alice"],
            "kinit: hint: a lifetime is 10h, 1d12h30m, 5:30 (hours and minutes) or a number of seconds\n",
        ),
        (
            &["-s", "2027-01-31", "alice"],
            "kinit: hint: a start is in 1h30m, 1:30 or a number of seconds, or at 20270131120000 or 31-Jan-2027:12:00\n",
        ),
        (
            &["EXAMPLE.TEST\\alice"],
            "kinit: hint: a backslash makes the next character part of the name, here EXAMPLE.TESTalice@EXAMPLE.TEST: \
             type alice@EXAMPLE.TEST\n",
        ),
        (
            &["alice@example.test"],
            "kinit: hint: capitals count: the realm is EXAMPLE.TEST there\n",
        ),
    ] {
        let refused = home.run("kinit", args, "");
        assert_ne!(refused.code, 0);
        assert!(refused.stderr.ends_with(hint), "{args:?}: {}", refused.stderr);
    }
    let nowhere = home.path("none/cc").display().to_string();
    let refused = home.run("kinit", &["-c", &nowhere, "alice"], "secret\n");
    assert_eq!(
        refused,
        Run::failure(
            1,
            &format!(
                "kinit: error: Credentials cache I/O operation failed (filename: {nowhere}) while storing credentials\n  \
                 FILE:{nowhere}: cannot create: no such file or directory\n\
                 kinit: hint: the cache's folder must exist and be yours to write in\n"
            )
        )
    );
    for program in ["kinit", "klist", "kdestroy", "kswitch"] {
        let help = home.run(program, &["--help"], "");
        assert_eq!((help.code, help.stderr.as_str()), (0, ""));
        assert!(
            help.stdout.starts_with(&format!("Usage: {program} ")),
            "{}",
            help.stdout
        );
    }
    assert_eq!(home.run("kdestroy", &["-4"], "").code, 3);
    assert_eq!(
        home.run("klist", &["-4"], ""),
        Run::failure(3, "Kerberos 4 is no longer supported\n")
    );
}
