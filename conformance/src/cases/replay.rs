//! MIT's replay cache file, shared: what one side's acceptor took, the other's refuses. Walkthrough D5's `KRB5_KTNAME` is
//! where both find the keys.

use std::path::Path;
use std::sync::Arc;

use kerbside_client::{FileReplayCache, OsRandom, now};
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::keytab::Keytab;
use kerbside_gss::{
    Acceptor, AcceptorParams, ContextFlags, Initiator, InitiatorParams, Major, MemoryKeys, ServiceName, Step,
};

use super::gss::{realm, server};
use super::{case, expect, full_case};
use crate::gss_peer::credential;
use crate::realm::Realm;
use crate::run::Program;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "replay: MIT's file, shared with MIT's acceptor, aes256-cts-hmac-sha1-96",
            |suite| shared(suite, "aes256-cts-hmac-sha1-96", 20),
        ),
        case(
            "replay: MIT's file, shared with MIT's acceptor, aes256-cts-hmac-sha384-192",
            |suite| shared(suite, "aes256-cts-hmac-sha384-192", 20),
        ),
        full_case(
            "replay: MIT's file, shared with MIT's acceptor, arcfour-hmac",
            |suite| shared(suite, "arcfour-hmac", 20),
        ),
        full_case(
            "replay: MIT's file, shared with MIT's acceptor, camellia256-cts-cmac",
            |suite| shared(suite, "camellia256-cts-cmac", 20),
        ),
        full_case("replay: MIT's file in its second table", |suite| {
            shared(suite, "aes128-cts-hmac-sha1-96", 1500)
        }),
    ]
}

/// Twice `count` tokens: half of them is shown to MIT's acceptor first, half to ours, and then all to the other.
fn shared(suite: &Suite, enctype: &'static str, count: usize) -> Result<(), String> {
    let realm = realm(suite, enctype)?;
    let path = realm.path("rcache");
    let env = realm
        .env
        .with("KRB5RCACHENAME", format!("file2:{}", path.display()));
    let mut realm = realm;
    realm.env = env;
    // A file that MIT made is a memory that was not lost. Its maker sees one token.
    let mut tokens = tokens(&realm, 2 * count + 1)?;
    let first = tokens.split_off(2 * count);
    mit(suite, &realm, &first, "accepted alice@CONFORM.TEST")?;
    let cache = FileReplayCache::open(&path, 300).map_err(|e| e.to_string())?;
    let ours = acceptor(&realm.path("service.keytab"), cache)?;
    let (for_mit, for_us) = tokens.split_at(count);

    mit(suite, &realm, for_mit, "accepted alice@CONFORM.TEST")?;
    for token in for_mit {
        refused_by_us(&ours, token)?;
    }
    for token in for_us {
        match ours.step(token, now(), &mut OsRandom) {
            Ok(Step::Done { .. }) => {}
            other => return Err(format!("our acceptor refuses a new token: {other:?}")),
        }
        refused_by_us(&ours, token)?;
    }
    mit(suite, &realm, for_us, "refused")?;
    let size = std::fs::metadata(&path).map_err(|e| e.to_string())?.len();
    expect(count < 1000 || size > 16_384, "the file has one table only")
}

fn tokens(realm: &Realm, count: usize) -> Result<Vec<Vec<u8>>, String> {
    let server = server()?;
    (0..count)
        .map(|_| {
            let params = InitiatorParams::new(credential(&realm.path("cc"), &server)?)
                .with_flags(ContextFlags::INTEGRITY)
                .with_enctypes(EnctypePolicy::ALLOW_ALL)
                .with_spnego(false);
            let step = Initiator::krb5(params).and_then(|begin| begin.start(now(), &mut OsRandom));
            match step.map_err(|e| e.to_string())? {
                Step::Done {
                    token: Some(token), ..
                } => Ok(token),
                other => Err(format!("expected one token, but found {other:?}")),
            }
        })
        .collect()
}

fn acceptor(keytab: &Path, cache: FileReplayCache) -> Result<Acceptor, String> {
    let bytes = std::fs::read(keytab).map_err(|e| e.to_string())?;
    let keytab = Keytab::parse_with_policy(&bytes, &EnctypePolicy::ALLOW_ALL).map_err(|e| e.to_string())?;
    let keys = Arc::new(MemoryKeys::from_keytab(&keytab));
    let service = ServiceName::Principal(server()?);
    let params = AcceptorParams::new(keys, service, Arc::new(cache));
    Ok(Acceptor::new(params.with_enctypes(EnctypePolicy::ALLOW_ALL)))
}

fn refused_by_us(acceptor: &Acceptor, token: &[u8]) -> Result<(), String> {
    match acceptor.step(token, now(), &mut OsRandom) {
        Err(error) if error.major() == Major::DuplicateToken => Ok(()),
        Err(error) => Err(format!(
            "expected our acceptor to see a replay, but found: {error}"
        )),
        Ok(_) => Err("our acceptor took a token again".to_owned()),
    }
}

/// Shows the tokens to MIT's acceptor, one after the other; each line of its answers begins with `expected`.
fn mit(suite: &Suite, realm: &Realm, tokens: &[Vec<u8>], expected: &str) -> Result<(), String> {
    let hex = |token: &Vec<u8>| token.iter().map(|byte| format!("{byte:02x}")).collect::<String>();
    // A program's answers are read once its input is written: neither may fill a pipe.
    for tokens in tokens.chunks(40) {
        let lines: Vec<String> = tokens.iter().map(hex).collect();
        let ended = Program::new("/usr/bin/python3")
            .arg(suite.peers.join("gss_once.py"))
            .args("accept gss@localhost")
            .stdin(&(lines.join("\n") + "\n"))
            .ok(&realm.env)?;
        let wrong = ended.stdout.lines().find(|line| {
            !line.starts_with(expected) || (expected == "refused" && !line.contains("Request is a replay"))
        });
        expect(
            wrong.is_none() && ended.stdout.lines().count() == tokens.len(),
            &format!(
                "MIT's acceptor: expected {} times {expected:?}, but found {ended}",
                tokens.len()
            ),
        )?;
    }
    Ok(())
}
