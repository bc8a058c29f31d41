//! kinit, klist, kswitch, kdestroy and kvno with a collection of caches in a directory.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failure here is the test's failure

#[allow(dead_code)] // other files need other parts of it
mod support;

use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use support::{Home, Run};

/// A realm whose default cache is a directory that does not exist yet.
fn collection() -> (Home, PathBuf) {
    let mut home = Home::start();
    let folder = home.path("tickets");
    home.set_ccache_name(format!("DIR:{}", folder.display()));
    (home, folder)
}

fn mode(path: &Path) -> u32 {
    std::fs::metadata(path).unwrap().permissions().mode() & 0o7777
}

/// The names of the principals and caches that `klist -l` shows.
fn listed(home: &Home) -> Vec<(String, String)> {
    let run = home.run("klist", &["-l"], "");
    assert_eq!(run.stderr, "");
    run.stdout
        .lines()
        .skip(2)
        .map(|line| {
            let (principal, cache) = line.split_once(' ').unwrap();
            (principal.to_owned(), cache.trim().to_owned())
        })
        .collect()
}

const ALICE: &str = "alice@EXAMPLE.TEST";
const SERVICE: &str = "HTTP/localhost@EXAMPLE.TEST";

#[test]
fn each_principal_has_a_cache_and_one_is_primary() {
    let (home, folder) = collection();
    let heading = "Principal name                 Cache name\n--------------                 ----------\n";
    assert_eq!(
        home.run("klist", &["-l"], ""),
        Run {
            code: 1,
            ..Run::success(heading)
        }
    );
    assert!(!folder.exists(), "listing makes nothing");
    let first = home.run("kinit", &["-V", "alice"], "secret\n");
    assert_eq!(
        first.stderr,
        format!(
            "Using default cache: :{}/tkt\nUsing principal: {ALICE}\nAuthenticated to Kerberos v5\n",
            folder.display()
        )
    );
    assert_eq!((mode(&folder), mode(&folder.join("tkt"))), (0o700, 0o600));
    assert_eq!(std::fs::read(folder.join("primary")).unwrap(), b"tkt\n");
    let second = home.run("kinit", &["-V", "-k", "HTTP/localhost"], "");
    let begin = format!("Using new cache: :{}/tkt", folder.display());
    assert!(second.stderr.starts_with(&begin), "{}", second.stderr);
    let all = listed(&home);
    assert_eq!(all.len(), 2);
    assert_eq!(all.first().unwrap().0, SERVICE);
    let primary = std::fs::read_to_string(folder.join("primary")).unwrap();
    assert_eq!(
        all.first().unwrap().1,
        format!("DIR::{}/{}", folder.display(), primary.trim_end())
    );
    assert!(home.run("klist", &[], "").stdout.starts_with(&format!(
        "Ticket cache: {}\nDefault principal: {SERVICE}\n",
        all.first().unwrap().1
    )));
    // The cache of a principal is used again, and becomes the primary.
    let again = home.run("kinit", &["-V", "alice"], "secret\n");
    assert!(
        again
            .stderr
            .starts_with(&format!("Using existing cache: :{}/tkt\n", folder.display())),
        "{}",
        again.stderr
    );
    assert_eq!(listed(&home).first().unwrap().0, ALICE);
    assert_eq!(
        home.run("kvno", &["HTTP/localhost"], ""),
        Run::success("HTTP/localhost@EXAMPLE.TEST: kvno = 1\n")
    );
    let everything = home.run("klist", &["-A"], "").stdout;
    assert_eq!(everything.matches("Ticket cache: DIR::").count(), 2);
    assert_eq!(everything.matches("\n\nTicket cache: ").count(), 1);
    assert_eq!(home.run("klist", &["-s", "-A"], ""), Run::success(""));
}

#[test]
fn switching_by_principal_and_by_name() {
    let (home, folder) = collection();
    home.run("kinit", &["alice"], "secret\n");
    home.run("kinit", &["-k", "HTTP/localhost"], "");
    assert_eq!(home.run("kswitch", &["-p", "alice"], ""), Run::success(""));
    assert_eq!(listed(&home).first().unwrap().0, ALICE);
    let other = listed(&home).last().unwrap().1.clone();
    assert_eq!(home.run("kswitch", &["-c", &other], ""), Run::success(""));
    assert_eq!(listed(&home).first().unwrap().0, SERVICE);
    let nobody = home.run("kswitch", &["-p", "nobody"], "");
    assert_eq!(nobody.code, 1);
    assert_eq!(
        nobody.stderr,
        format!(
            "kswitch: error: Matching credential not found while searching for ccache for nobody\n  DIR:{0}: no cache of nobody@EXAMPLE.TEST\n  {other}: tickets of {SERVICE}\n  DIR::{0}/tkt: tickets of {ALICE}\nkswitch: hint: kinit nobody@EXAMPLE.TEST gets a ticket\n",
            folder.display()
        )
    );
    let name = format!("DIR::{}/mail", folder.display());
    let wrong = home.run("kswitch", &["-c", &name], "");
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.starts_with(&format!(
            "kswitch: error: Subsidiary cache path {}/mail filename does not begin with \"tkt\" while resolving {name}\n",
            folder.display()
        )),
        "{}",
        wrong.stderr
    );
    let unknown = home.run("kswitch", &["-c", "NONESUCH:x"], "");
    assert!(
        unknown
            .stderr
            .starts_with("kswitch: error: Unknown credential cache type while resolving NONESUCH:x\n"),
        "{}",
        unknown.stderr
    );
    assert_eq!(home.run("kswitch", &[], "").code, 2);
}

#[test]
fn one_or_all_are_destroyed() {
    let (home, folder) = collection();
    home.run("kinit", &["alice"], "secret\n");
    home.run("kinit", &["-k", "HTTP/localhost"], "");
    let nobody = home.run("kdestroy", &["-p", "nobody"], "");
    assert_eq!(nobody.code, 1);
    assert!(
        nobody
            .stderr
            .starts_with("kdestroy: error: Matching credential not found while finding cache for nobody\n"),
        "{}",
        nobody.stderr
    );
    assert_eq!(home.run("kdestroy", &["-p", "alice"], ""), Run::success(""));
    assert_eq!(listed(&home).len(), 1);
    home.run("kinit", &["alice"], "secret\n");
    let one = home.run("kdestroy", &[], "");
    assert_eq!(
        (one.code, one.stderr.as_str()),
        (0, "Other credential caches present, use -A to destroy all\n")
    );
    assert_eq!(listed(&home).len(), 1);
    home.run("kinit", &["alice"], "secret\n");
    assert_eq!(home.run("kdestroy", &["-A"], ""), Run::success(""));
    assert!(listed_none(&home));
    let left: Vec<_> = std::fs::read_dir(&folder).unwrap().collect();
    assert_eq!(left.len(), 1, "primary alone");
    assert_eq!(home.run("kdestroy", &["-A"], ""), Run::success(""));
}

fn listed_none(home: &Home) -> bool {
    let run = home.run("klist", &["-l"], "");
    run.code == 1 && run.stdout.lines().count() == 2
}

#[test]
fn what_is_wrong_with_a_directory_is_said() {
    let (home, folder) = collection();
    let nowhere = format!("DIR:{}/a/b", folder.display());
    let missing = home.run("kinit", &["-c", &nowhere, "alice"], "secret\n");
    assert_eq!(missing.code, 1);
    assert_eq!(
        missing.stderr,
        format!(
            "kinit: error: Credential cache directory {0}/a/b does not exist resolving ccache {nowhere}\n  {nowhere}: the directory that it would be made in does not exist either\nkinit: hint: make that directory, or name another one in KRB5CCNAME or with -c\n",
            folder.display()
        )
    );
    home.run("kinit", &["alice"], "secret\n");
    std::fs::write(folder.join("primary"), "bad\n").unwrap();
    let bad = home.run("klist", &[], "");
    assert_eq!(bad.code, 1);
    assert_eq!(
        bad.stderr,
        format!(
            "klist: error: {0}/primary contains invalid filename while resolving ccache\n  {0}/primary: expected one line with a name that begins with \"tkt\", but found something else\nklist: hint: kswitch writes it again: kswitch -p PRINCIPAL, of those that klist -l lists\n",
            folder.display()
        )
    );
    // As the hint says.
    assert_eq!(home.run("kswitch", &["-p", "alice"], ""), Run::success(""));
    assert_eq!(home.run("klist", &["-s"], ""), Run::success(""));
}
