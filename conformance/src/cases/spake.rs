//! SPAKE pre-authentication (RFC 9588) with MIT's KDC. That it was SPAKE is proved by the ticket's authentication
//! indicator: the KDC gives HTTP/localhost to who has it, and to nobody else.

use std::fs;

use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side, Transport};
use crate::run::{Ended, Env};
use crate::{Case, Suite};

/// Name in `supported_enctypes` and `permitted_enctypes`.
const ENCTYPES: &[&str] = &[
    "aes256-cts-hmac-sha384-192",
    "aes128-cts-hmac-sha256-128",
    "aes256-cts-hmac-sha1-96",
    "aes128-cts-hmac-sha1-96",
    "camellia256-cts-cmac",
    "camellia128-cts-cmac",
];
const KEYSALTS: &str = "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal \
     aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal camellia256-cts-cmac:normal \
     camellia128-cts-cmac:normal";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for group in ["edwards25519", "P-256"] {
        for optimistic in [false, true] {
            let asked = if optimistic {
                "challenge at once"
            } else {
                "challenge after support"
            };
            cases.push(case(&format!("spake: {group}, {asked}"), move |suite| {
                login(suite, group, optimistic.then_some(group), Transport::Udp)
            }));
        }
    }
    cases.push(full_case("spake: edwards25519 over TCP", |suite| {
        login(suite, "edwards25519", None, Transport::Tcp)
    }));
    cases.push(case(
        "spake: a challenge of another group at once is passed over",
        other_challenge,
    ));
    cases.push(case(
        "spake: no common group falls back to the timestamp, unless forbidden",
        no_common_group,
    ));
    cases.push(case(
        "spake: preferred_preauth_types puts the timestamp first",
        timestamp_first,
    ));
    for &enctype in ENCTYPES {
        let run = move |suite: &Suite| one_enctype(suite, enctype);
        let title = format!("spake: {enctype}");
        let quick = enctype.ends_with("sha384-192");
        cases.push(if quick {
            case(&title, run)
        } else {
            full_case(&title, run)
        });
    }
    cases
}

/// MIT's KDC with these groups, an unasked challenge of `challenge`, and a service for whose ticket SPAKE is needed.
pub(super) fn realm(
    suite: &Suite,
    kdc: &str,
    challenge: Option<&str>,
    transport: Transport,
) -> Result<Realm, String> {
    let options = Options {
        enctypes: KEYSALTS,
        transport,
        ..Options::new(Side::Mit)
    };
    let mut realm = Realm::files(&suite.bin, &options)?;
    let conf = realm.path("krb5.conf");
    let text = fs::read_to_string(&conf).map_err(|e| e.to_string())?;
    let groups = format!("[libdefaults]\n  spake_preauth_groups = {kdc}\n");
    fs::write(&conf, text.replacen("[libdefaults]\n", &groups, 1)).map_err(|e| e.to_string())?;
    let conf = realm.path("kdc.conf");
    let mut text = fs::read_to_string(&conf).map_err(|e| e.to_string())?;
    if let Some(challenge) = challenge {
        text = format!("[kdcdefaults]\n  spake_preauth_kdc_challenge = {challenge}\n{text}");
    }
    let indicator = "    spake_preauth_indicator = spake\n    max_life";
    fs::write(&conf, text.replacen("    max_life", indicator, 1)).map_err(|e| e.to_string())?;
    realm.populate()?;
    realm.kadmin("setstr HTTP/localhost require_auth spake")?;
    realm.start_kdc()?;
    Ok(realm)
}

/// An environment whose krb5.conf has other groups or leaves them to their default, further relations, and no timestamps
/// unless they are wanted; the KDC keeps its own.
fn client(realm: &Realm, groups: Option<&str>, more: &str, timestamp: bool) -> Result<Env, String> {
    let text = fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let lines = text.lines().map(|line| match line.trim() {
        line if line.starts_with("spake_preauth_groups") => {
            let groups = groups.map(|groups| format!("  spake_preauth_groups = {groups}\n"));
            format!("{}  {more}\n", groups.unwrap_or_default())
        }
        kdc if kdc.starts_with("kdc = ") => {
            format!("    disable_encrypted_timestamp = {}\n    {kdc}\n", !timestamp)
        }
        _ => format!("{line}\n"),
    });
    let path = realm.path("client.conf");
    fs::write(&path, lines.collect::<String>()).map_err(|e| e.to_string())?;
    Ok(realm.env.with("KRB5_CONFIG", path))
}

fn kinit(realm: &Realm, password: &str, env: &Env) -> Result<Ended, String> {
    realm
        .ours("kinit")
        .args("alice")
        .stdin(&format!("{password}\n"))
        .run(env)
}

fn logged_in(realm: &Realm, env: &Env) -> Result<(), String> {
    let ended = kinit(realm, PASSWORD, env)?;
    expect(
        ended.code == Some(0),
        &format!("expected success, but found {ended}"),
    )
}

/// The service's ticket is given: the login was by SPAKE.
fn was_spake(realm: &Realm, env: &Env) -> Result<(), String> {
    let kvno = realm.ours("kvno").args("HTTP/localhost").ok(env)?;
    kvno.prints(&["HTTP/localhost@CONFORM.TEST: kvno = "]).map(drop)
}

/// The service's ticket is refused: it was not.
fn was_not_spake(realm: &Realm, env: &Env) -> Result<(), String> {
    let kvno = realm.ours("kvno").args("HTTP/localhost").fails(env)?;
    kvno.complains(&["HTTP/localhost@CONFORM.TEST"]).map(drop)
}

fn login(
    suite: &Suite,
    group: &'static str,
    challenge: Option<&str>,
    transport: Transport,
) -> Result<(), String> {
    let realm = realm(suite, group, challenge, transport)?;
    let env = client(&realm, Some(group), "", false)?;
    let wrong = kinit(&realm, "wrong", &env)?;
    expect(wrong.code != Some(0), "a wrong password was taken")?;
    wrong.complains(&["Password incorrect"])?;
    expect(!realm.path("cc").exists(), "a refused kinit left a cache behind")?;
    logged_in(&realm, &env)?;
    was_spake(&realm, &env)?;
    // What ours wrote, MIT's reads; its ticket serves MIT's as well.
    realm.mit("klist").ok(&env)?.prints(&["alice@CONFORM.TEST"])?;
    realm.mit("kvno").args("HTTP/localhost").ok(&env)?;
    realm.ours("kdestroy").ok(&env)?;
    let keytab = realm.path("alice.keytab");
    realm
        .ours("kinit")
        .args("-k -t")
        .arg(&keytab)
        .args("alice")
        .ok(&env)?;
    was_spake(&realm, &env)
}

fn other_challenge(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, "edwards25519 P-256", Some("P-256"), Transport::Udp)?;
    let env = client(&realm, Some("edwards25519"), "", false)?;
    logged_in(&realm, &env)?;
    was_spake(&realm, &env)
}

fn no_common_group(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, "edwards25519", None, Transport::Udp)?;
    let env = client(&realm, Some("P-256"), "", true)?;
    logged_in(&realm, &env)?;
    was_not_spake(&realm, &env)?;
    realm.ours("kdestroy").ok(&env)?;
    let env = client(&realm, Some("P-256"), "", false)?;
    let refused = kinit(&realm, PASSWORD, &env)?;
    expect(
        refused.code != Some(0),
        "a timestamp was sent although disable_encrypted_timestamp forbids it",
    )
}

fn timestamp_first(suite: &Suite) -> Result<(), String> {
    let realm = realm(suite, "edwards25519", None, Transport::Udp)?;
    let env = client(
        &realm,
        Some("edwards25519"),
        "preferred_preauth_types = 2, 151",
        true,
    )?;
    logged_in(&realm, &env)?;
    was_not_spake(&realm, &env)?;
    let env = client(
        &realm,
        Some("edwards25519"),
        "preferred_preauth_types = 151, 2",
        true,
    )?;
    logged_in(&realm, &env)?;
    was_spake(&realm, &env)
}

fn one_enctype(suite: &Suite, enctype: &str) -> Result<(), String> {
    let realm = realm(suite, "edwards25519", None, Transport::Udp)?;
    let env = client(&realm, None, &format!("default_tkt_enctypes = {enctype}"), false)?;
    logged_in(&realm, &env)?;
    was_spake(&realm, &env)?;
    realm
        .ours("klist")
        .args("-e")
        .ok(&env)?
        .prints(&[&format!("Etype (skey, tkt): {enctype}, ")])
        .map(drop)
}
