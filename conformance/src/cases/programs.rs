//! The programs beside MIT's: the same arguments to both, the same exit codes, tickets and first lines of complaint.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Ended, Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kdc in [Side::Mit, Side::Ours] {
        cases.push(case(
            &format!("programs: kinit gets what MIT's gets, {kdc:?} KDC"),
            move |suite| tickets(suite, kdc),
        ));
    }
    cases.push(case(
        "programs: postdated tickets and their validation",
        postdated,
    ));
    cases.push(case("programs: tickets bound to addresses", bound));
    cases.push(case(
        "programs: a terminal shows no password and is given back",
        terminal,
    ));
    cases.push(case("programs: kinit refuses what MIT's refuses", refusals));
    cases
}

/// What one side did, and what MIT's klist finds in its cache.
struct Seen {
    ended: Ended,
    tickets: String,
}

impl Seen {
    /// The line that scripts grep for, without our `error:`; of usage messages the first, with what was forced.
    fn complaint(&self) -> String {
        let stderr = self.ended.stderr.replacen("kinit: error: ", "kinit: ", 1);
        let stderr = stderr.replace("/ours.cc", "/mit.cc");
        // What the client does before it asks is not what failed.
        let stderr = stderr.replacen("Pre-authentication failed: ", "", 1);
        // getopt's complaints begin with the whole path.
        let stderr = stderr.replacen("/usr/bin/kinit: ", "kinit: ", 1);
        let lines = stderr.lines().take_while(|line| !line.starts_with("Usage:"));
        let mut own = lines.filter(|line| !line.starts_with("  ") && !line.contains(": hint: "));
        if self.ended.code == Some(2) {
            return own.next().unwrap_or_default().to_owned();
        }
        own.collect::<Vec<_>>().join("\n")
    }
}

/// Runs kinit of one side with a cache of its own.
fn kinit(realm: &Realm, side: Side, args: &[&str], password: &str) -> Result<Seen, String> {
    let env = cache_of(realm, side);
    let name = "kinit";
    let mut program = if side == Side::Ours {
        realm.ours(name)
    } else {
        realm.mit(name)
    };
    for arg in args {
        program = program.arg(arg);
    }
    let ended = program.stdin(&format!("{password}\n")).run(&env)?;
    let listing = realm.mit("klist").args("-f -a -n").run(&env)?.stdout;
    // But for the cache's name.
    let tickets = listing.split_once('\n').map_or("", |(_, rest)| rest).to_owned();
    Ok(Seen { ended, tickets })
}

fn cache_of(realm: &Realm, side: Side) -> Env {
    let path = realm.path(if side == Side::Ours { "ours.cc" } else { "mit.cc" });
    realm
        .env
        .with("KRB5CCNAME", path)
        .with("KRB5_CLIENT_KTNAME", realm.path("alice.keytab"))
}

/// Both sides with the same arguments, in the same second: where one begins between them it is tried again, or, with
/// what cannot be done twice, the start of the new ticket is not compared.
fn both(realm: &Realm, args: &[&str]) -> Result<(Seen, Seen), String> {
    let mut seen = None;
    let once = args.iter().any(|arg| ["-R", "-v"].contains(arg)) && !args.contains(&"-t");
    for _ in 0..4 {
        let mut mit = kinit(realm, Side::Mit, args, PASSWORD)?;
        let mut ours = kinit(realm, Side::Ours, args, PASSWORD)?;
        if once {
            mit.tickets = without_start(&mit.tickets);
            ours.tickets = without_start(&ours.tickets);
        }
        let same = mit.tickets == ours.tickets;
        seen = Some((mit, ours));
        if same || once {
            break;
        }
    }
    let (mit, ours) = seen.ok_or("nothing was run")?;
    let describe = || {
        format!(
            "kinit {args:?}\nMIT's: {}{}\nours: {}{}",
            mit.ended, mit.tickets, ours.ended, ours.tickets
        )
    };
    expect(
        mit.ended.code == ours.ended.code,
        &format!("exit codes differ: {}", describe()),
    )?;
    expect(
        mit.tickets == ours.tickets,
        &format!("tickets differ: {}", describe()),
    )?;
    expect(
        mit.complaint() == ours.complaint(),
        &format!("complaints differ: {}", describe()),
    )?;
    Ok((mit, ours))
}

fn without_start(listing: &str) -> String {
    let lines = listing.lines().map(|line| match line.split_once("  ") {
        Some((_, rest)) if line.contains("krbtgt/") => rest,
        _ => line,
    });
    lines.collect::<Vec<_>>().join("\n")
}

/// Flags, times, addresses and services as asked for.
fn tickets(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let keytab = realm.path("alice.keytab").display().to_string();
    let lines: &[&[&str]] = &[
        &["alice"],
        &["-f", "-p", "alice"],
        &["-F", "-P", "alice"],
        &["--forw", "--noproxiable", "alice"],
        &["-l", "5:30", "alice"],
        &["-l", "5h30m", "alice"],
        &["-l", "0:20:10", "alice"],
        &["-l", "0-1:2:3", "alice"],
        &["-l", "1h 30m", "alice"],
        &["-l", "3600", "alice"],
        &["-l", "1d", "-r", "7d", "alice"],
        &["-r", "1h", "-l", "5h", "alice"],
        &["-a", "alice"],
        &["-A", "alice"],
        &["-C", "alice"],
        &["-S", "HTTP/localhost", "alice"],
        &["-S", "kadmin/changepw", "alice"],
        &["-c", &format!("FILE:{}", realm.path("named").display()), "alice"],
        &["-k", "-t", &keytab, "alice"],
        &["-kt", &keytab, "alice@CONFORM.TEST"],
        &["-k", "-i"],
        &["-k", "host/localhost"],
        &["-t", &keytab, "alice"],
        &["-i", "alice"],
        &["-R", "-k", "-t", &keytab, "alice"],
        &["-R", "-t", &keytab, "alice"],
        &["-v", "-t", &keytab, "alice"],
        &["-I", "none", "alice"],
        &["--request-pac", "alice"],
        &["--no-request-pac", "alice"],
    ];
    for args in lines {
        let (mit, _) = both(&realm, args)?;
        expect(
            mit.ended.code == Some(0),
            &format!("MIT's kinit failed: {}", mit.ended),
        )?;
    }
    Ok(())
}

/// A ticket for later, which is not good before, and is validated then.
fn postdated(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    for start in ["1:30", "1d", "20301231235959", "31-Dec-2030:23:59:59"] {
        let (mit, _) = both(&realm, &["-f", "-s", start, "alice"])?;
        expect(
            mit.tickets.contains("Flags: FDdi"),
            &format!("no postdated ticket: {}", mit.tickets),
        )?;
    }
    let (mit, _) = both(&realm, &["-s", "2s", "-r", "1d", "alice"])?;
    expect(
        mit.tickets.contains("Flags: DdiR"),
        &format!("no postdated ticket: {}", mit.tickets),
    )?;
    both(&realm, &["-v"])?;
    std::thread::sleep(std::time::Duration::from_secs(3));
    let (_, ours) = both(&realm, &["-v"])?;
    expect(
        ours.ended.code == Some(0) && ours.tickets.contains("Flags: DdR"),
        &format!("not validated: {}{}", ours.ended, ours.tickets),
    )?;
    let env = cache_of(&realm, Side::Ours);
    for kvno in [realm.ours("kvno"), realm.mit("kvno")] {
        kvno.args("HTTP/localhost").ok(&env)?;
    }
    Ok(())
}

/// Bound to this machine and to the loopback address, a ticket is renewed to one that is bound as well.
fn bound(suite: &Suite) -> Result<(), String> {
    let mut options = Options::new(Side::Mit);
    options.libdefaults = "extra_addresses = 127.0.0.1\n  noaddresses = false";
    let realm = Realm::start(&suite.bin, &options)?;
    for args in [
        &["-r", "1d", "alice"][..],
        &["-R"],
        &["-a", "-r", "2d", "alice"],
        &["-R"],
        &["-A", "alice"],
    ] {
        let (_, ours) = both(&realm, args)?;
        let bound = !args.contains(&"-A");
        expect(
            ours.ended.code == Some(0) && ours.tickets.contains("127.0.0.1") == bound,
            &format!("kinit {args:?}: {}{}", ours.ended, ours.tickets),
        )?;
    }
    Ok(())
}

/// Nothing of what is typed is shown, and the interrupt key leaves a terminal that shows what is typed.
fn terminal(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let on_terminal = |typed: &[&str], program: Program| {
        let mut run = Program::new("/usr/bin/python3").arg(suite.peers.join("terminal.py"));
        for line in typed {
            run = run.arg(line);
        }
        run.arg("--").arg(program.path()).arg("alice").run(&realm.env)
    };
    // MIT's prompt may miss an interrupt that comes early, and then waits on.
    for of in [realm.ours("kinit"), realm.ours("kpasswd")] {
        let interrupted = on_terminal(&["^C"], of)?;
        interrupted.prints(&[
            "echo off\nshown ",
            "Password for alice@CONFORM.TEST: ",
            "exit 1\necho on\n",
        ])?;
    }
    for of in [realm.mit("kinit"), realm.ours("kinit")] {
        let login = on_terminal(&[PASSWORD], of)?;
        login.prints(&["echo off\nshown 'Password for alice@CONFORM.TEST: \\r\\n'\nexit 0\necho on\n"])?;
    }
    // The new password, twice, is as secret as the old one, and what is interrupted between them changes nothing.
    let interrupted = on_terminal(&[PASSWORD, "new-secret", "^C"], realm.ours("kpasswd"))?;
    interrupted.prints(&["echo off\necho off\necho off\n", "exit 1\necho on\n"])?;
    expect(
        !interrupted.stdout.contains("new-secret"),
        &format!("a password was shown: {interrupted}"),
    )?;
    Ok(())
}

/// What cannot be: the same exit code and the same words as MIT's.
fn refusals(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    realm.kadmin("modprinc -allow_postdated bob")?;
    realm.kadmin("addprinc -pw Passw0rd-alice -allow_tix locked")?;
    realm.kadmin("addprinc -pw Passw0rd-alice -expire 2001-01-01 gone")?;
    let keytab = realm.path("alice.keytab").display().to_string();
    let lines: &[&[&str]] = &[
        // Usage.
        &["-f", "-F", "alice"],
        &["-p", "-P", "alice"],
        &["-a", "-A", "alice"],
        &["--request-pac", "--no-request-pac", "alice"],
        &["-k", "-i", "-t", &keytab],
        &["-l", "soon", "alice"],
        &["-l", "0", "alice"],
        &["-r", "0s", "alice"],
        &["-s", "soon", "alice"],
        &["-s", "0", "alice"],
        &["-s", "2026-12-01", "alice"],
        &["-c", "a", "-c", "b"],
        &["-t", "a", "-t", "b"],
        &["-I", "a", "-I", "b"],
        &["alice", "bob"],
        &["-Q"],
        &["-c"],
        &["--no", "alice"],
        &["--forwardable=1", "alice"],
        &["-4"],
        // Names, files, caches.
        &["a@b@c"],
        &["-c", "FOO:x", "alice"],
        &["-T", "none", "alice"],
        &["-k", "-t", "/nonexistent/keytab", "alice"],
        &["-k", "-t", &keytab, "bob"],
        &["-k", "-R"],
        &["-R"],
        &["-v"],
        // The KDC's word.
        &["nobody"],
        &["locked"],
        &["gone"],
        &["alice@NOWHERE.TEST"],
        &["-S", "HTTP/none", "alice"],
        &["-s", "1h", "bob"],
    ];
    for args in lines {
        let (mit, _) = both(&realm, args)?;
        expect(
            mit.ended.code != Some(0),
            &format!("MIT's kinit succeeded: {}", mit.ended),
        )?;
    }
    // A ticket that cannot be renewed, and one that was never postdated.
    both(&realm, &["-l", "1h", "alice"])?;
    both(&realm, &["-R"])?;
    both(&realm, &["-v"])?;
    for side in [Side::Mit, Side::Ours] {
        let wrong = kinit(&realm, side, &["alice"], "wrong")?;
        expect(
            wrong.ended.code == Some(1)
                && wrong.complaint() == "kinit: Password incorrect while getting initial credentials",
            &format!("a wrong password: {}", wrong.ended),
        )?;
    }
    Ok(())
}
