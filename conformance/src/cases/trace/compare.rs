//! What MIT's programs and ours trace for the same, made comparable, and the written list of what differs.

use std::fs;
use std::path::Path;

use super::super::expect;
use crate::Suite;
use crate::realm::{Realm, Side, program};

/// A line that stands on one side alone.
#[derive(Debug)]
pub(super) struct Alone {
    pub(super) side: Side,
    /// How it begins.
    pub(super) start: &'static str,
    /// In which of the steps, if not in any.
    pub(super) step: Option<usize>,
    pub(super) why: &'static str,
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
pub(super) const ALONE: &[Alone] = &[
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
        "Response was not from primary KDC",
        "MIT looks for the primary KDC after each answer, in DNS too; ours where a refusal makes it matter",
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

/// One thing both sides do.
pub(super) struct Step {
    pub(super) program: &'static str,
    pub(super) args: &'static str,
    pub(super) stdin: &'static str,
    pub(super) succeeds: bool,
}

pub(super) const fn step(
    program: &'static str,
    args: &'static str,
    stdin: &'static str,
    succeeds: bool,
) -> Step {
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
pub(super) const STEPS: &[Step] = &[
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
pub(super) const AES_ALONE: &str = "permitted_enctypes = aes256-cts-hmac-sha1-96 aes128-cts-hmac-sha1-96 \
     aes256-cts-hmac-sha384-192 aes128-cts-hmac-sha256-128";

/// What one side's program traces, made comparable.
pub(super) fn lines(suite: &Suite, realm: &Realm, side: Side, step: &Step) -> Result<Vec<String>, String> {
    lines_with(suite, realm, side, step, "FILE")
}

/// The same, with a cache of that type.
pub(super) fn lines_with(
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

pub(super) fn comparable_lines(trace: &Path) -> Result<Vec<String>, String> {
    let text = fs::read_to_string(trace).map_err(|e| format!("no trace: {e}"))?;
    text.lines()
        .map(|line| comparable(line).ok_or_else(|| format!("no line of a trace: {line:?}")))
        .map(|line| Ok(line?.replace("mit.cc", "cc").replace("our.cc", "cc")))
        .collect()
}

/// The line without what is never twice the same, or MIT's alone: process and time, sizes, hashes of keys, octets of
/// ciphertexts, cookies and public values, sequence numbers.
pub(super) fn comparable(line: &str) -> Option<String> {
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
pub(super) fn compare(step: usize, mit: &[String], ours: &[String], used: &mut [bool]) -> String {
    let mut text = String::new();
    let mut alone = |side: Side, lines: Option<&[String]>| {
        for line in lines.unwrap_or_default() {
            let fits = |alone: &Alone| {
                alone.side == side && line.starts_with(alone.start) && alone.step.is_none_or(|at| at == step)
            };
            match ALONE.iter().position(fits) {
                Some(at) => used.iter_mut().skip(at).take(1).for_each(|used| *used = true),
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

/// The lines before MIT's begins again at the primary KDC: it does so before it sees that the realm has none.
pub(super) fn until_retry(mut lines: Vec<String>) -> Vec<String> {
    let retry = lines
        .iter()
        .position(|line| line.starts_with("Retrying AS request"));
    lines.truncate(retry.unwrap_or(lines.len()));
    lines
}
