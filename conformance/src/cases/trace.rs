//! `KRB5_TRACE`: the lines of our programs beside those of MIT's for the same, with MIT's KDC; and that no secret is in
//! them.

use std::collections::HashSet;
use std::fs;
use std::io::Write;
use std::net::TcpListener;
use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};

use kerbside_formats::ccache::CredentialCache;
use kerbside_formats::keytab::Keytab;

use super::gss::{accept_one, connect, peer, server};
use super::{case, expect};
use crate::gss_peer::{Terms, accept, credential, initiate};
use crate::realm::{Options, PASSWORD, Realm, Side, Transport, program};
use crate::realms::{Realms, mit_realms};
use crate::run::{Ended, Env, Program, free_port};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "trace: our lines are MIT's lines but for a written list",
            beside_mit,
        ),
        case("trace: a login in armor is told in MIT's lines", armored),
        case(
            "trace: a way from realm to realm is told in MIT's lines",
            from_realm_to_realm,
        ),
        case(
            "trace: a service acting for a user is told in MIT's lines",
            for_another,
        ),
        case("trace: a login by SPAKE is told in MIT's lines", spake),
        case(
            "trace: what is done in a collection is told in MIT's lines",
            collection,
        ),
        case("trace: a change of password is told in MIT's lines", password),
        case("trace: the lines of a context are MIT's, in both roles", contexts),
        case("walkthrough A10: KRB5_TRACE=/dev/stdout kinit", to_stdout),
        case("trace: a service's lines stand beside its log", of_a_service),
        case(
            "trace: no secret in any line, whichever way one logs in",
            no_secret,
        ),
        case(
            "trace: a file that cannot be written is a warning, a cache is left alone",
            bad_files,
        ),
    ]
}

/// A line that stands on one side alone.
#[derive(Debug)]
struct Alone {
    side: Side,
    /// How it begins.
    start: &'static str,
    /// In which of the steps, if not in any.
    step: Option<usize>,
    why: &'static str,
}

const fn mit(start: &'static str, why: &'static str) -> Alone {
    let (side, step) = (Side::Mit, None);
    Alone {
        side,
        start,
        step,
        why,
    }
}

const fn ours(start: &'static str, why: &'static str) -> Alone {
    let (side, step) = (Side::Ours, None);
    Alone {
        side,
        start,
        step,
        why,
    }
}

const MOVED: &str = "MIT's kinit fills a cache in memory and moves it; ours writes the file once";

/// Every difference. One that is gone fails the case as one that is new does.
const ALONE: &[Alone] = &[
    mit("Error loading plugin module", "we have no plugins"),
    mit("Resolving unique ccache of type MEMORY", MOVED),
    mit("Initializing MEMORY:", MOVED),
    mit("Storing config in MEMORY:", MOVED),
    mit("Storing alice@CONFORM.TEST -> krb5_ccache_conf_data", MOVED),
    mit(
        "Storing alice@CONFORM.TEST -> krbtgt/CONFORM.TEST@CONFORM.TEST in MEMORY:",
        MOVED,
    ),
    mit("Moving ccache MEMORY:", MOVED),
    mit("Destroying ccache MEMORY:", MOVED),
    ours("Initializing FILE:", MOVED),
    ours("Storing config in FILE:", MOVED),
    ours(
        "Storing alice@CONFORM.TEST -> krbtgt/CONFORM.TEST@CONFORM.TEST in FILE:",
        MOVED,
    ),
    mit(
        "Retrieving alice@CONFORM.TEST -> krb5_ccache_conf_data/start_realm@X-CACHECONF:",
        "MIT searches the file for a value; ours has read the file",
    ),
    mit(
        "Resolving hostname",
        "ours keeps addresses for a while, MIT asks again for each request",
    ),
    Alone {
        step: Some(RENEWAL),
        ..mit(
            "Retrieving alice@CONFORM.TEST -> krbtgt/CONFORM.TEST@CONFORM.TEST",
            "the same for the ticket that is renewed",
        )
    },
];

/// Differences that come and go while others build what they tell of.
const PENDING: &[Alone] = &[
    mit("Response was", ""),
    mit("Retrying AS request with primary KDC", ""),
    mit("Getting initial credentials for", ""),
    mit("Sending unauthenticated request", ""),
    mit("Sending request (N bytes) to CONFORM.TEST", ""),
    mit("Sending initial UDP request", ""),
    mit("Received answer", ""),
    mit("Encoding request body and padata into FAST request", ""),
    mit("Decoding FAST response", ""),
    mit("FAST reply key", ""),
    mit("TGS request result", ""),
    mit("Requesting tickets for none/localhost", ""),
    mit("Generated subkey for TGS request", ""),
    mit("etypes requested in TGS request", ""),
];

/// One thing both sides do.
struct Step {
    program: &'static str,
    args: &'static str,
    stdin: &'static str,
    succeeds: bool,
}

const fn step(program: &'static str, args: &'static str, stdin: &'static str, succeeds: bool) -> Step {
    Step {
        program,
        args,
        stdin,
        succeeds,
    }
}

/// Where among the steps a ticket is renewed.
const RENEWAL: usize = 6;

/// In this order, with one cache for each side.
const STEPS: &[Step] = &[
    step("kinit", "alice", "Passw0rd-alice\n", true),
    step("kvno", "HTTP/localhost", "", true),
    step("kvno", "HTTP/localhost", "", true),
    step("kvno", "none/localhost", "", false),
    step("kinit", "-k -t {}/alice.keytab alice", "", true),
    step("kinit", "-r 2d alice", "Passw0rd-alice\n", true),
    step("kinit", "-R", "", true),
    step("kdestroy", "", "", true),
    step("kinit", "alice", "wrong\n", false),
    step("kinit", "nobody", "", false),
];

/// The same types for both, by default they differ.
const AES_ALONE: &str = "permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 \
     aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128";

fn beside_mit(suite: &Suite) -> Result<(), String> {
    let mut used = vec![false; ALONE.len()];
    let mut differences = String::new();
    for transport in [Transport::Udp, Transport::Tcp] {
        let options = Options {
            transport,
            libdefaults: AES_ALONE,
            ..Options::new(Side::Mit)
        };
        let realm = Realm::start(&suite.bin, &options)?;
        let steps = if transport == Transport::Udp {
            STEPS
        } else {
            STEPS.get(..2).unwrap_or_default()
        };
        for (at, step) in steps.iter().enumerate() {
            let [mit, ours] = [Side::Mit, Side::Ours].map(|side| lines(suite, &realm, side, step));
            let new = compare(at, &mit?, &ours?, &mut used);
            if !new.is_empty() {
                let (program, args) = (step.program, step.args);
                differences.push_str(&format!("step {at}, {transport:?}: {program} {args}\n{new}"));
            }
        }
    }
    for (alone, _) in ALONE.iter().zip(&used).filter(|(_, used)| !**used) {
        let Alone { side, start, why, .. } = alone;
        differences.push_str(&format!(
            "gone, so take it out of the list: {side:?} alone: {start} ({why})\n"
        ));
    }
    expect(differences.is_empty(), &differences)
}

/// What one side's program traces, made comparable.
fn lines(suite: &Suite, realm: &Realm, side: Side, step: &Step) -> Result<Vec<String>, String> {
    lines_with(suite, realm, side, step, "FILE")
}

/// The same, with a cache of that type.
fn lines_with(
    suite: &Suite,
    realm: &Realm,
    side: Side,
    step: &Step,
    kind: &str,
) -> Result<Vec<String>, String> {
    let trace = realm.path("trace");
    let _ = fs::remove_file(&trace);
    // Each side has a cache, of the same name in the lines.
    let cache = realm.path(if side == Side::Mit { "mit.cc" } else { "our.cc" });
    let env = realm
        .env
        .with("KRB5_TRACE", &trace)
        .with("KRB5CCNAME", format!("{kind}:{}", cache.display()));
    let folder = trace.parent().unwrap_or(&trace).display().to_string();
    let ended = program(side, &suite.bin, step.program)
        .args(&step.args.replace("{}", &folder))
        .stdin(step.stdin)
        .run(&env)?;
    expect(
        (ended.code == Some(0)) == step.succeeds,
        &format!(
            "{side:?}: expected success = {}, but found {ended}",
            step.succeeds
        ),
    )?;
    comparable_lines(&trace).map_err(|e| format!("{e}: {ended}"))
}

fn comparable_lines(trace: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(trace).map_err(|e| format!("no trace: {e}"))?;
    text.lines()
        .map(|line| comparable(line).ok_or_else(|| format!("no line of a trace: {line:?}")))
        .map(|line| Ok(line?.replace("mit.cc", "cc").replace("our.cc", "cc")))
        .collect()
}

/// The line without what is never twice the same, or MIT's alone: process and time, sizes, hashes of keys, octets of
/// ciphertexts, cookies and public values, sequence numbers.
fn comparable(line: &str) -> Option<String> {
    let (stamp, text) = line.split_once(": ")?;
    let (pid, time) = stamp.strip_prefix('[')?.split_once("] ")?;
    let (seconds, microseconds) = time.split_once('.')?;
    let digits = |text: &str| !text.is_empty() && text.bytes().all(|byte| byte.is_ascii_digit());
    if !(digits(pid) && digits(seconds) && digits(microseconds) && microseconds.len() == 6) {
        return None;
    }
    for start in [
        "Received cookie: ",
        "SPAKE final transcript hash: ",
        "Encrypted timestamp (for ",
    ] {
        if text.starts_with(start) {
            return Some(start.to_owned());
        }
    }
    let mut words = Vec::new();
    for word in text.split(' ') {
        let number = word.trim_matches(|character| !char::is_ascii_digit(&character));
        let before = words.last().map(String::as_str);
        words.push(match before {
            _ if word.starts_with('(') && digits(number) && text.contains(" bytes)") => "(N".to_owned(),
            Some("seqnum" | "pubkey" | "time") => "N".to_owned(),
            _ => without_hash(word),
        });
    }
    // MIT krb5 1.20 spells it so.
    Some(words.join(" ").replace("ccache sesion key", "ccache session key"))
}

/// `aes256-cts/7B9A,` without the hash.
fn without_hash(word: &str) -> String {
    let (body, end) = match word.strip_suffix([',', ')']) {
        Some(body) => (body, word.get(body.len()..).unwrap_or_default()),
        None => (word, ""),
    };
    match body.rsplit_once('/') {
        Some((etype, hash)) if hash.len() == 4 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            format!("{etype}{end}")
        }
        _ => word.to_owned(),
    }
}

/// The lines that stand on one side alone and in no list, as a diff.
fn compare(step: usize, mit: &[String], ours: &[String], used: &mut [bool]) -> String {
    let mut text = String::new();
    let mut alone = |side: Side, lines: Option<&[String]>| {
        for line in lines.unwrap_or_default() {
            let fits = |alone: &Alone| {
                alone.side == side && line.starts_with(alone.start) && alone.step.is_none_or(|at| at == step)
            };
            match ALONE.iter().position(fits) {
                Some(at) => used.iter_mut().skip(at).take(1).for_each(|used| *used = true),
                None if PENDING.iter().any(fits) => {}
                None => text.push_str(&format!("  {side:?} alone: {line}\n")),
            }
        }
    };
    let (mut left, mut right) = (0, 0);
    for (at_mit, at_ours) in common(mit, ours) {
        alone(Side::Mit, mit.get(left..at_mit));
        alone(Side::Ours, ours.get(right..at_ours));
        (left, right) = (at_mit + 1, at_ours + 1);
    }
    alone(Side::Mit, mit.get(left..));
    alone(Side::Ours, ours.get(right..));
    text
}

/// The places of a longest common subsequence.
#[allow(
    clippy::indexing_slicing,
    reason = "every index comes from the lists' own lengths"
)]
fn common(mit: &[String], ours: &[String]) -> Vec<(usize, usize)> {
    let width = ours.len() + 1;
    let mut lengths = vec![0_usize; (mit.len() + 1) * width];
    let at = |left: usize, right: usize| left * width + right;
    for (left, line) in mit.iter().enumerate().rev() {
        for (right, other) in ours.iter().enumerate().rev() {
            lengths[at(left, right)] = if line == other {
                lengths[at(left + 1, right + 1)] + 1
            } else {
                lengths[at(left + 1, right)].max(lengths[at(left, right + 1)])
            };
        }
    }
    let (mut left, mut right) = (0, 0);
    let mut places = Vec::new();
    while left < mit.len() && right < ours.len() {
        if mit[left] == ours[right] {
            places.push((left, right));
            (left, right) = (left + 1, right + 1);
        } else if lengths[at(left + 1, right)] >= lengths[at(left, right + 1)] {
            left += 1;
        } else {
            right += 1;
        }
    }
    places
}

/// Walkthrough A10's line, with MIT's KDC and ours.
fn to_stdout(suite: &Suite) -> Result<(), String> {
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

/// What the page of `kerbside up` does, beside its log.
fn of_a_service(suite: &Suite) -> Result<(), String> {
    let folder = tempfile::tempdir().map_err(|e| e.to_string())?;
    let trace = folder.path().join("trace");
    let env = Env::default()
        .with("HOME", folder.path())
        .with("KRB5_TRACE", &trace);
    let up = Program::new(suite.bin.join("kerbside"))
        .args("up --user alice:secret --service HTTP/localhost --web -- sh -c")
        .arg("echo secret | kinit alice && curl -sS --negotiate -u : \"$KERBSIDE_WEB\"")
        .ok(&env)?;
    let text = fs::read_to_string(&trace).map_err(|e| format!("{e}: {up}"))?;
    let about = about_contexts(&text)?;
    expect(
        about.contains("Decrypted AP-REQ with specified server principal HTTP/localhost@")
            && about.contains("AP-REQ ticket: alice@")
            && about.contains("Creating AP-REP, time N"),
        &format!("the page's trace: {text}"),
    )
}

/// Passwords, and every key of the keytabs and caches, as text, in hexadecimal of either case and as octets.
fn no_secret(suite: &Suite) -> Result<(), String> {
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
fn bad_files(suite: &Suite) -> Result<(), String> {
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

/// Both change bob's password. How the request travels is left out: MIT's begins with TCP, ours with UDP.
fn password(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = super::kpasswd::start(suite, "")?;
    let change = |side, stdin| {
        let step = step("kpasswd", "bob", stdin, true);
        let mut lines = lines(suite, &realm, side, &step)?;
        lines.retain(|line| !line.contains("127.0.0.1"));
        Ok::<_, String>(lines)
    };
    let mit = change(Side::Mit, "Passw0rd-bob\nPassw0rd-one\nPassw0rd-one\n")?;
    let ours = change(Side::Ours, "Passw0rd-one\nPassw0rd-two\nPassw0rd-two\n")?;
    let mut used = vec![false; ALONE.len()];
    let new = compare(STEPS.len(), &mit, &ours, &mut used);
    expect(new.is_empty(), &new)?;

    // An expired password is changed on the way to a ticket.
    for (side, args) in [(Side::Mit, "mits"), (Side::Ours, "ours")] {
        realm.kadmin(&format!(
            "addprinc -pw Passw0rd-old -pwexpire 2001-01-01 +requires_preauth {args}"
        ))?;
        let stdin = "Passw0rd-old\nPassw0rd-new\nPassw0rd-new\n";
        let told = lines(suite, &realm, side, &step("kinit", args, stdin, true))?;
        for expected in [
            "Received error from KDC: -1765328361/Password has expired",
            "Principal expired; getting changepw ticket",
            "Setting initial creds service to kadmin/changepw",
            "Attempting password change; 3 tries remaining",
            "Getting initial TGT with changed password",
        ] {
            expect(
                told.iter().any(|line| line == expected),
                &format!("{side:?}: no {expected:?} in {told:#?}"),
            )?;
        }
    }
    Ok(())
}

/// kinit -T, with the right password and a wrong one.
fn armored(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: AES_ALONE,
        ..Options::new(Side::Mit)
    };
    let realm = Realm::start(&suite.bin, &options)?;
    let armor = realm.path("armor.cc");
    realm
        .mit("kinit")
        .args("-k -c")
        .arg(&armor)
        .args("host/localhost")
        .ok(&realm.env)?;
    let told = first_attempts(
        suite,
        &realm,
        [
            step("kinit", "-T FILE:{}/armor.cc alice", "Passw0rd-alice\n", true),
            step("kinit", "-T FILE:{}/armor.cc alice", "wrong\n", false),
        ],
    )?;
    expect(told.contains("FAST armor key: "), "no armor")
}

/// SPAKE, with the right password and a wrong one.
fn spake(suite: &Suite) -> Result<(), String> {
    let realm = super::spake::realm(suite, "edwards25519", None, Transport::Udp)?;
    let told = first_attempts(
        suite,
        &realm,
        [
            step("kinit", "alice", "Passw0rd-alice\n", true),
            step("kinit", "alice", "wrong\n", false),
        ],
    )?;
    expect(told.contains("Sending SPAKE response"), "no SPAKE")
}

/// Compares what both do in these steps, until MIT's begins again at the primary KDC, which these realms have not. Gives
/// what ours told.
fn first_attempts(suite: &Suite, realm: &Realm, steps: [Step; 2]) -> Result<String, String> {
    let mut used = vec![false; ALONE.len()];
    let mut told = String::new();
    for step in steps {
        let [mit, ours] = [Side::Mit, Side::Ours].map(|side| lines(suite, realm, side, &step));
        let (mut mit, mut ours) = (mit?, ours?);
        for line in &mut mit {
            // MIT lists what stood beside the methods in the tunnel.
            *line = line.replace(", PA-FX-ERROR (137)", "");
        }
        mit.retain(|line| !(line.starts_with("Retrieving ") && line.contains("krb5_ccache_conf_data")));
        // What SPAKE comes to is a secret, and what MIT prints of its keys comes from them.
        mit.retain(|line| {
            !line.starts_with("SPAKE algorithm result: ") && !line.starts_with("SPAKE derived K'")
        });
        for lines in [&mut mit, &mut ours] {
            let retry = lines
                .iter()
                .position(|line| line.starts_with("Retrying AS request"));
            lines.truncate(retry.unwrap_or(lines.len()));
        }
        let new = compare(STEPS.len(), &mit, &ours, &mut used);
        expect(new.is_empty(), &format!("{new}ours: {ours:#?}"))?;
        told.push_str(&ours.join("\n"));
    }
    Ok(told)
}

/// From realm to realm: along a path of krb5.conf, and by the KDCs' referrals.
fn from_realm_to_realm(suite: &Suite) -> Result<(), String> {
    let mut options = mit_realms(&["A.TEST", "B.TEST", "C.TEST"]);
    for options in &mut options {
        options.libdefaults = AES_ALONE;
        options.krb5_conf = "[capaths]\n  A.TEST = {\n    C.TEST = B.TEST\n  }\n".to_owned();
    }
    let trust = [("A.TEST", "B.TEST"), ("B.TEST", "C.TEST")];
    let realms = Realms::start(&suite.bin, &options, &trust)?;
    let first = realms.of("A.TEST")?;
    let mut used = vec![false; ALONE.len()];
    let mut differences = String::new();
    for (at, (args, env)) in [
        ("-S HTTP www.c.test", &realms.env),
        ("HTTP/www.b.test@", &realms.untold),
        ("HTTP/www.b.test@", &realms.untold),
        ("HTTP/none.b.test@B.TEST", &realms.env),
    ]
    .into_iter()
    .enumerate()
    {
        let run = |side: Side| {
            let cache = first.path(if side == Side::Mit { "mit.cc" } else { "our.cc" });
            let env = env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
            if at == 0 {
                program(side, &suite.bin, "kinit")
                    .args("alice@A.TEST")
                    .stdin(&format!("{PASSWORD}\n"))
                    .ok(&env)?;
            }
            let trace = first.path("trace");
            let _ = fs::remove_file(&trace);
            program(side, &suite.bin, "kvno")
                .args(args)
                .run(&env.with("KRB5_TRACE", &trace))?;
            comparable_lines(&trace)
        };
        let (mut mit, mut ours) = (run(Side::Mit)?, run(Side::Ours)?);
        mit.retain(|line| !(line.starts_with("Retrieving ") && line.contains("krb5_ccache_conf_data")));
        // MIT looks twice for the TGT of the service's realm, and again under the default realm's name.
        let mut seen = HashSet::new();
        mit.retain(|line| !line.starts_with("Retrieving ") || seen.insert(line.clone()));
        seen.clear();
        ours.retain(|line| !line.starts_with("Retrieving ") || seen.insert(line.clone()));
        mit.retain(|line| !line.starts_with("Retrying alice@A.TEST -> HTTP/www.b.test@A.TEST"));
        // In the realm that the host suggests ours lets itself be referred further, MIT's does not.
        for lines in [&mut mit, &mut ours] {
            for line in lines {
                *line = line.replace(
                    "www.b.test@B.TEST, referrals off",
                    "www.b.test@B.TEST, referrals on",
                );
            }
        }
        let new = compare(STEPS.len(), &mit, &ours, &mut used);
        if !new.is_empty() {
            differences.push_str(&format!("kvno {args}\n{new}MIT: {mit:#?}"));
        }
    }
    expect(differences.is_empty(), &differences)
}

/// A service that asks for a user's ticket, and a ticket that is made again. Ours does less on the way.
fn for_another(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: AES_ALONE,
        ..Options::new(Side::Mit)
    };
    let realm = Realm::start(&suite.bin, &options)?;
    for side in [Side::Mit, Side::Ours] {
        lines(suite, &realm, side, &step("kinit", "-k HTTP/localhost", "", true))?;
        let told = lines(
            suite,
            &realm,
            side,
            &step("kvno", "-U alice HTTP/localhost", "", true),
        )?;
        for expected in [
            "Getting credentials alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST using ccache FILE:",
            "Getting initial credentials for alice@CONFORM.TEST",
            "Identified realm of client principal as CONFORM.TEST",
            "Get cred via TGT krbtgt/CONFORM.TEST@CONFORM.TEST after requesting HTTP/localhost@CONFORM.TEST (canonicalize on)",
            "TGS reply is for alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST with session key aes256-cts",
            "Got cred; 0/Success",
            "Storing alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST in FILE:",
        ] {
            expect(
                told.iter().any(|line| line.starts_with(expected)),
                &format!("{side:?}: no {expected:?} in {told:#?}"),
            )?;
        }
    }
    Ok(())
}

/// What both do about caches, where there are several. The names of new ones are random.
fn collection(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    for step in [
        step("kinit", "alice", "Passw0rd-alice\n", true),
        step("kinit", "bob", "Passw0rd-bob\n", true),
        step("kinit", "alice", "Passw0rd-alice\n", true),
        step("kswitch", "-p bob", "", true),
        step("kdestroy", "-p bob", "", true),
        step("kdestroy", "-A", "", true),
    ] {
        let about = |side| {
            let mut lines = lines_with(suite, &realm, side, &step, "DIR")?;
            lines.retain(|line| line.contains("collection") || line.contains(" DIR"));
            lines.retain(|line| !line.contains("MEMORY:") && !line.starts_with("Initializing"));
            lines.retain(|line| !line.starts_with("Storing"));
            let nameless = lines
                .iter()
                .map(|line| line.split("/tkt").next().unwrap_or_default());
            Ok::<_, String>(nameless.map(str::to_owned).collect::<Vec<_>>())
        };
        let (mit, ours) = (about(Side::Mit)?, about(Side::Ours)?);
        expect(
            mit == ours && !mit.is_empty(),
            &format!("{} {}: MIT's: {mit:#?}, ours: {ours:#?}", step.program, step.args),
        )?;
    }
    Ok(())
}

/// A sink that can be read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        let mut shared = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        shared.write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

/// MIT's initiator with our acceptor, then the other way round: each role prints the same on both sides.
fn contexts(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm.mit("kvno").args("gss/localhost").ok(&realm.env)?;
    let terms = Terms {
        mutual: true,
        ..Terms::default()
    };

    let listener = TcpListener::bind("127.0.0.1:0").map_err(|e| e.to_string())?;
    let port = listener.local_addr().map_err(|e| e.to_string())?.port();
    let keytab = realm.path("service.keytab");
    let accept = || accept(accept_one(&listener)?, &keytab, &server()?, &terms).map(drop);
    let (mit_initiator, our_acceptor) = conversation(&realm, "init", suite, port, accept)?;

    let port = free_port()?;
    let ticket = credential(&realm.path("cc"), &server()?)?;
    let initiate = || initiate(connect(port)?, ticket, &terms).map(drop);
    let (mit_acceptor, our_initiator) = conversation(&realm, "accept", suite, port, initiate)?;

    let mit = about_contexts(&mit_acceptor)?;
    // MIT's was told a service and a host, ours a principal.
    let ours = about_contexts(&our_acceptor)?.replace("with specified server", "with server");
    expect(mit == ours, &format!("acceptor, MIT's:\n{mit}ours:\n{ours}"))?;
    expect(mit.lines().count() == 5, &mit)?;
    let (mit, ours) = (about_contexts(&mit_initiator)?, about_contexts(&our_initiator)?);
    expect(mit == ours, &format!("initiator, MIT's:\n{mit}ours:\n{ours}"))?;
    expect(mit.lines().count() == 2, &mit)
}

/// A conversation of MIT's `role` with `ours`, and the traces of both.
fn conversation(
    realm: &Realm,
    role: &str,
    suite: &Suite,
    port: u16,
    ours: impl FnOnce() -> Result<(), String>,
) -> Result<(String, String), String> {
    let trace = realm.path(role);
    let env = realm.env.with("KRB5_TRACE", &trace);
    let program = peer(suite, role, port, "krb5 mutual replay sequence");
    let theirs = std::thread::spawn(move || program.run(&env));
    let sink = Shared::default();
    let writer = kerbside_client::TraceWriter::new(sink.clone());
    let done = tracing::subscriber::with_default(writer, ours);
    let theirs = theirs
        .join()
        .map_err(|_| "the peer's thread ended".to_owned())??;
    done.map_err(|e| format!("ours: {e}\nMIT's: {theirs}"))?;
    expect(theirs.code == Some(0), &format!("{theirs}"))?;
    let mit = fs::read_to_string(&trace).map_err(|e| e.to_string())?;
    let ours = sink.0.lock().unwrap_or_else(PoisonError::into_inner).clone();
    Ok((mit, String::from_utf8_lossy(&ours).into_owned()))
}

/// The lines of a trace that are about contexts, made comparable.
fn about_contexts(trace: &str) -> Result<String, String> {
    let lines = trace
        .lines()
        .map(|line| comparable(line).ok_or_else(|| line.to_owned()));
    let lines: Vec<String> = lines.collect::<Result<_, _>>()?;
    let wanted = ["AP-RE", "authenticator", "Authenticator"];
    let about = lines
        .iter()
        .filter(|line| wanted.iter().any(|word| line.contains(word)));
    Ok(about.map(|line| format!("{line}\n")).collect())
}
