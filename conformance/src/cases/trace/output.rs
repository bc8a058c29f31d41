//! Where the lines go, and what is never in them.

use std::fs::{self, Permissions};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use kerbside_formats::ccache::CredentialCache;
use kerbside_formats::keytab::Keytab;

use super::super::expect;
use super::compare::comparable;
use crate::Suite;
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Ended, Env, Program};

/// Walkthrough A10's line, with MIT's KDC and ours.
pub(super) fn to_stdout(suite: &Suite) -> Result<(), String> {
    for kdc in [Side::Mit, Side::Ours] {
        let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
        let env = realm.env.with("KRB5_TRACE", "/dev/stdout");
        let kinit = realm
            .ours("kinit")
            .args("alice")
            .stdin(&format!("{PASSWORD}\n"))
            .ok(&env)?;
        kinit.prints(&[
            ": Getting initial credentials for alice@CONFORM.TEST\n",
            ": Sending unauthenticated request\n",
            ": Received error from KDC: -1765328359/Additional pre-authentication required\n",
            ", salt \"CONFORM.TESTalice\", params \"\"\n",
            &format!(
                ": Sending initial UDP request to dgram 127.0.0.1:{}\n",
                realm.port
            ),
            ": Decrypted AS reply; session key is: aes256-",
            ": Storing alice@CONFORM.TEST -> krbtgt/CONFORM.TEST@CONFORM.TEST in FILE:",
        ])?;
        // The lines stand after the prompt that came before them, not over it.
        expect(
            kinit.stdout.starts_with('[') || kinit.stdout.starts_with("Password for"),
            &format!("{kinit}"),
        )?;
        let quiet = realm.ours("kvno").args("HTTP/localhost").ok(&realm.env)?;
        expect(
            quiet.stdout.lines().count() == 1,
            &format!("traced without KRB5_TRACE: {quiet}"),
        )?;
        let env = realm.env.with("KRB5_TRACE", "/dev/stderr");
        let kvno = realm.ours("kvno").args("host/localhost").ok(&env)?;
        kvno.complains(&[": Received creds for desired service host/localhost@CONFORM.TEST\n"])?;
    }
    Ok(())
}

/// Passwords, and every key of the keytabs and caches, as text, in hexadecimal of either case and as octets.
pub(super) fn no_secret(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let trace = realm.path("trace");
    let env = realm.env.with("KRB5_TRACE", &trace);
    let mut keys = Vec::new();
    let mut run = |name: &str, args: &str, stdin: &str| -> Result<Ended, String> {
        let ended = realm.ours(name).args(args).stdin(stdin).run(&env)?;
        keys.extend(session_keys(&realm)?);
        Ok(ended)
    };
    let keytab = realm.path("alice.keytab").display().to_string();
    run("kinit", "alice", "Passw0rd-alice\n")?;
    run("kvno", "HTTP/localhost", "")?;
    run("kinit", "alice", "Wr0ng-secret\n")?;
    run("kinit", &format!("-k -t {keytab} alice"), "")?;
    run("kinit", "bob", "Passw0rd-bob\n")?;
    run("kvno", "host/localhost", "")?;
    run("kinit", "-R", "")?;
    for keytab in ["alice.keytab", "service.keytab"] {
        keys.extend(keytab_keys(&realm, keytab)?);
    }
    expect(keys.len() >= 10, &format!("keys to look for: {}", keys.len()))?;
    let traced = fs::read(&trace).map_err(|e| e.to_string())?;
    let text = String::from_utf8(traced.clone()).map_err(|e| e.to_string())?;
    expect(text.lines().count() > 60, "a trace of all of it")?;
    expect(
        text.contains("salt \"CONFORM.TESTalice\""),
        "the search can find something",
    )?;
    for password in ["Passw0rd-alice", "Passw0rd-bob", "Wr0ng-secret"] {
        expect(!text.contains(password), &format!("{password} is in the trace"))?;
    }
    let lower = text.to_ascii_lowercase();
    for key in &keys {
        // A part of a key is as bad.
        for part in key.as_bytes().chunks(16).filter(|part| part.len() == 16) {
            let part = String::from_utf8_lossy(part);
            expect(
                !lower.contains(&*part),
                &format!("a part of the key {key} is in the trace"),
            )?;
        }
    }
    Ok(())
}

/// The session keys that the cache holds now, in hexadecimal.
fn session_keys(realm: &Realm) -> Result<Vec<String>, String> {
    let Ok(bytes) = fs::read(realm.path("cc")) else {
        return Ok(Vec::new());
    };
    let cache = CredentialCache::parse(&bytes).map_err(|e| e.to_string())?;
    let keys = cache.credentials();
    Ok(keys.map(|one| hex(one.session_key.expose_secret())).collect())
}

fn keytab_keys(realm: &Realm, name: &str) -> Result<Vec<String>, String> {
    let bytes = fs::read(realm.path(name)).map_err(|e| e.to_string())?;
    let keytab = Keytab::parse(&bytes).map_err(|e| e.to_string())?;
    let keys = keytab.entries().filter_map(|entry| entry.key.usable());
    Ok(keys.map(|key| hex(key.expose_secret())).collect())
}

fn hex(octets: &[u8]) -> String {
    octets.iter().map(|octet| format!("{octet:02x}")).collect()
}

/// A trace is no reason to fail; nor is anything of ours spoilt by one.
pub(super) fn bad_files(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let kinit = |trace: &str, env: &Env| {
        realm
            .ours("kinit")
            .args("alice")
            .stdin(&format!("{PASSWORD}\n"))
            .ok(&env.with("KRB5_TRACE", trace))
    };
    kinit("/nonesuch/trace", &realm.env)?
        .complains(&["kinit: warning: cannot trace to /nonesuch/trace: no such file or directory\n"])?;
    let cache = realm.path("cc").display().to_string();
    let before = fs::read(realm.path("alice.keytab")).map_err(|e| e.to_string())?;
    for name in [cache, realm.path("alice.keytab").display().to_string()] {
        kinit(&name, &realm.env)?.complains(&["it is a credential cache or keytab"])?;
    }
    let after = fs::read(realm.path("alice.keytab")).map_err(|e| e.to_string())?;
    expect(before == after, "the keytab was written to")?;
    realm.mit("klist").ok(&realm.env)?;
    // Two programs add to one file, whole lines each.
    let trace = realm.path("shared.trace");
    for _ in 0..2 {
        kinit(&trace.display().to_string(), &realm.env)?;
    }
    let text = fs::read_to_string(&trace).map_err(|e| e.to_string())?;
    let begun = text
        .matches("Getting initial credentials for alice@CONFORM.TEST")
        .count();
    expect(begun == 2, &format!("expected two logins, but found {begun}"))?;
    expect(
        text.lines().all(|line| comparable(line).is_some()),
        "a broken line",
    )
}

/// As root, a copy of our binary with the set-user-ID bit, run by nobody: with the bit off it traces.
pub(super) fn more_rights(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let folder = realm.path("");
    let (copy, trace) = (realm.path("kinit"), realm.path("open/trace"));
    let set_mode = |path: &Path, mode| {
        fs::set_permissions(path, Permissions::from_mode(mode))
            .map_err(|e| format!("{}: {e}", path.display()))
    };
    fs::copy(suite.bin.join("kinit"), &copy).map_err(|e| e.to_string())?;
    fs::create_dir(realm.path("open")).map_err(|e| e.to_string())?;
    set_mode(&folder, 0o755)?;
    set_mode(&realm.path("open"), 0o777)?;
    for (mode, traces) in [(0o4755, false), (0o755, true)] {
        set_mode(&copy, mode)?;
        let cache = realm.path(&format!("open/{mode:o}.cc"));
        let env = realm
            .env
            .with("KRB5_TRACE", &trace)
            .with("KRB5CCNAME", format!("FILE:{}", cache.display()));
        let done = Program::new("/usr/bin/setpriv")
            .args("--reuid=65534 --clear-groups")
            .arg(&copy)
            .args("alice")
            .stdin(&format!("{PASSWORD}\n"))
            .run(&env)?;
        // With more rights it takes none of the variables, so it does not find this realm either.
        expect(
            (done.code == Some(0)) == traces,
            &format!("mode {mode:o}: expected a login: {traces}, but found the contrary: {done}"),
        )?;
        expect(
            trace.exists() == traces,
            &format!("mode {mode:o}: expected a trace: {traces}, but found the contrary"),
        )?;
    }
    Ok(())
}
