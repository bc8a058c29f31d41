//! FAST (RFC 6113): logins in armor at MIT's, Heimdal's and Samba's KDCs.
//!
//! That it was the encrypted challenge, which exists in armor alone, is proved by MIT's KDC: it gives HTTP/localhost to
//! tickets with the authentication indicator of the encrypted challenge only, and gss/localhost to those of SPAKE.

use std::path::PathBuf;

use super::{case, expect, full_case};
use crate::heimdal::Heimdal;
use crate::realm::{Options, PASSWORD, Realm, Side, Transport};
use crate::run::{Ended, Env, Program};
use crate::samba::Samba;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("fast: encrypted challenge, password and keytab, UDP", |suite| {
            challenge(suite, Transport::Udp)
        }),
        full_case("fast: encrypted challenge, password and keytab, TCP", |suite| {
            challenge(suite, Transport::Tcp)
        }),
        case("fast: SPAKE in armor", spake),
        case(
            "fast: armor that the KDC is not known to take is put on when it says so",
            upgrade,
        ),
        case(
            "fast: MIT's armor for ours, ours for MIT's, tickets used by the other",
            each_others,
        ),
        case("fast: armor that is none, or that the KDC cannot open", no_armor),
        case("fast: an expired password is changed", expired),
        full_case("fast: every enctype of armor and client", enctypes),
        full_case("fast: Heimdal's KDC", |suite| {
            heimdal(suite, suite.shared.heimdal()?)
        }),
        full_case("fast: Samba's KDC", |suite| samba(suite.shared.samba(suite)?)),
    ]
}

/// MIT's KDC with a service for those who log in by encrypted challenge and one for those who log in by SPAKE, and a
/// host's ticket in `armor`.
fn realm(suite: &Suite, options: Options) -> Result<Realm, String> {
    let options = Options {
        kdc_realm: "    encrypted_challenge_indicator = challenge\n    spake_preauth_indicator = spake"
            .to_owned(),
        kadmin: "setstr HTTP/localhost require_auth challenge\nsetstr gss/localhost require_auth spake\n"
            .to_owned(),
        ..options
    };
    let realm = Realm::start(&suite.bin, &options)?;
    host_ticket(&realm, Side::Ours)?;
    Ok(realm)
}

fn plain(suite: &Suite) -> Result<Realm, String> {
    realm(suite, Options::new(Side::Mit))
}

fn armor(realm: &Realm) -> PathBuf {
    realm.path("armor")
}

fn with_cache(realm: &Realm, path: PathBuf) -> Env {
    realm.env.with("KRB5CCNAME", format!("FILE:{}", path.display()))
}

/// Gets the host a ticket by its keytab, with a program of either side.
fn host_ticket(realm: &Realm, side: Side) -> Result<(), String> {
    let kinit = match side {
        Side::Ours => realm.ours("kinit"),
        Side::Mit => realm.mit("kinit"),
    };
    let env = with_cache(realm, armor(realm));
    kinit.args("-k host/localhost").ok(&env).map(drop)
}

/// `kinit -T armor alice`, ready to be run.
fn armored(realm: &Realm, kinit: Program, password: &str) -> Program {
    let kinit = kinit.args("-T").arg(armor(realm)).args("alice");
    kinit.stdin(&format!("{password}\n"))
}

fn login(realm: &Realm, password: &str) -> Result<Ended, String> {
    armored(realm, realm.ours("kinit"), password).run(&realm.env)
}

fn logged_in(realm: &Realm) -> Result<(), String> {
    let ended = login(realm, PASSWORD)?;
    expect(
        ended.code == Some(0),
        &format!("expected success, but found {ended}"),
    )
}

/// What the KDC says of how the cache's ticket was got.
fn was_by(realm: &Realm, challenge: bool, spake: bool) -> Result<(), String> {
    for (service, given) in [("HTTP/localhost", challenge), ("gss/localhost", spake)] {
        let kvno = realm.ours("kvno").args(service);
        if given {
            kvno.ok(&realm.env)?
                .prints(&[&format!("{service}@CONFORM.TEST: kvno = ")])?;
        } else {
            kvno.fails(&realm.env)?;
        }
    }
    Ok(())
}

/// MIT's list of the configuration entries in the cache.
fn configuration(realm: &Realm) -> Result<String, String> {
    let listed = realm.mit("klist").args("-C").ok(&realm.env)?;
    Ok(listed.stdout)
}

fn remembers(realm: &Realm, pa_type: &str) -> Result<(), String> {
    let listed = configuration(realm)?;
    for line in [
        "config: fast_avail(krbtgt/CONFORM.TEST@CONFORM.TEST) = yes\n".to_owned(),
        format!("config: pa_type(krbtgt/CONFORM.TEST@CONFORM.TEST) = {pa_type}\n"),
    ] {
        expect(listed.contains(&line), &format!("expected {line} in {listed}"))?;
    }
    Ok(())
}

fn challenge(suite: &Suite, transport: Transport) -> Result<(), String> {
    let options = Options {
        transport,
        ..Options::new(Side::Mit)
    };
    let realm = realm(suite, options)?;
    let wrong = login(&realm, "wrong")?;
    expect(
        wrong.code == Some(1),
        &format!("a wrong password was taken: {wrong}"),
    )?;
    wrong.complains(&["Password incorrect while getting initial credentials"])?;
    expect(!realm.path("cc").exists(), "a refused kinit left a cache behind")?;
    logged_in(&realm)?;
    remembers(&realm, "138")?;
    was_by(&realm, true, false)?;
    // The cache says that the KDC knows FAST, so that nothing else was taken from it here.
    realm.ours("kvno").args("host/localhost").ok(&realm.env)?;
    realm
        .mit("kvno")
        .args("host/localhost HTTP/localhost")
        .ok(&realm.env)?;
    realm.ours("kdestroy").ok(&realm.env)?;
    realm
        .ours("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"))
        .args("-T")
        .arg(armor(&realm))
        .args("alice")
        .ok(&realm.env)?;
    was_by(&realm, true, false)?;
    // Without armor there is no challenge.
    let clear = realm.ours("kinit").args("alice").stdin(&format!("{PASSWORD}\n"));
    clear.ok(&realm.env)?;
    remembers(&realm, "2")?;
    was_by(&realm, false, false)
}

fn spake(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: "spake_preauth_groups = edwards25519",
        ..Options::new(Side::Mit)
    };
    let realm = realm(suite, options)?;
    let wrong = login(&realm, "wrong")?;
    expect(
        wrong.code == Some(1),
        &format!("a wrong password was taken: {wrong}"),
    )?;
    logged_in(&realm)?;
    remembers(&realm, "151")?;
    was_by(&realm, false, true)
}

fn upgrade(suite: &Suite) -> Result<(), String> {
    let realm = plain(suite)?;
    // A renewed ticket says nothing of FAST.
    let env = with_cache(&realm, armor(&realm));
    realm.mit("kinit").args("-k -r 1d host/localhost").ok(&env)?;
    realm.mit("kinit").args("-R").ok(&env)?;
    let listed = realm.mit("klist").args("-C").ok(&env)?;
    expect(
        !listed.stdout.contains("fast_avail"),
        &format!("this armor was to say nothing of FAST: {listed}"),
    )?;
    logged_in(&realm)?;
    remembers(&realm, "138")?;
    was_by(&realm, true, false)
}

fn each_others(suite: &Suite) -> Result<(), String> {
    let realm = plain(suite)?;
    armored(&realm, realm.mit("kinit"), PASSWORD).ok(&realm.env)?;
    let by_mit = configuration(&realm)?;
    was_by(&realm, true, false)?;
    realm.mit("kdestroy").ok(&realm.env)?;
    host_ticket(&realm, Side::Mit)?;
    logged_in(&realm)?;
    realm
        .mit("kvno")
        .args("HTTP/localhost host/localhost")
        .ok(&realm.env)?;
    let configured = |listed: &str| -> Vec<String> {
        let lines = listed.lines().filter(|line| line.starts_with("config: "));
        lines.map(str::to_owned).collect()
    };
    let by_ours = configuration(&realm)?;
    expect(
        configured(&by_mit) == configured(&by_ours),
        &format!("the entries differ: {by_mit}{by_ours}"),
    )
}

fn no_armor(suite: &Suite) -> Result<(), String> {
    let realm = plain(suite)?;
    let refused = |cache: &str, texts: &[&str]| -> Result<(), String> {
        let kinit = realm
            .ours("kinit")
            .args("-T")
            .arg(realm.path(cache))
            .args("alice");
        let ended = kinit.stdin(&format!("{PASSWORD}\n")).fails(&realm.env)?;
        ended.complains(texts)?;
        expect(!realm.path("cc").exists(), "a refused kinit left a cache behind")
    };
    refused(
        "missing",
        &["Error constructing AP-REQ armor: No credentials cache found (filename: "],
    )?;
    let env = with_cache(&realm, realm.path("no-tgt"));
    realm
        .mit("kinit")
        .args("-k -S host/localhost host/localhost")
        .ok(&env)?;
    refused(
        "no-tgt",
        &["Error constructing AP-REQ armor: Matching credential not found (filename: "],
    )?;
    let env = with_cache(&realm, realm.path("expired"));
    realm.mit("kinit").args("-k -l 1s host/localhost").ok(&env)?;
    std::thread::sleep(std::time::Duration::from_millis(1500));
    refused(
        "expired",
        &["Error constructing AP-REQ armor: Ticket expired while getting initial credentials"],
    )?;
    // With another key of the TGS the KDC cannot open the armor and says so in clear, which proves nothing.
    realm.kadmin("cpw -randkey krbtgt/CONFORM.TEST")?;
    refused(
        "armor",
        &["nobody vouches for this answer: the request was armored (FAST), it is not"],
    )
}

fn expired(suite: &Suite) -> Result<(), String> {
    let realm = plain(suite)?;
    realm.kadmin("modprinc +needchange alice")?;
    // Without timestamps nothing but armor gets a ticket, that for the change of the password as well.
    let conf = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let path = realm.path("no-timestamps.conf");
    let line = "    disable_encrypted_timestamp = true\n    kdc = ";
    std::fs::write(&path, conf.replacen("    kdc = ", line, 1)).map_err(|e| e.to_string())?;
    let kinit = armored(&realm, realm.ours("kinit"), PASSWORD);
    let ended = kinit.fails(&realm.env.with("KRB5_CONFIG", &path))?;
    // There is no password server in this realm: that a new password is asked for is what can be seen.
    ended.prints(&["Password expired.  You must change it now.", "Enter new password"])?;
    Ok(())
}

fn enctypes(suite: &Suite) -> Result<(), String> {
    const ENCTYPES: &[&str] = &[
        "aes256-cts-hmac-sha384-192",
        "aes128-cts-hmac-sha256-128",
        "aes256-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96",
        "camellia256-cts-cmac",
        "camellia128-cts-cmac",
    ];
    let options = Options {
        enctypes: "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal \
                   aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal camellia256-cts-cmac:normal \
                   camellia128-cts-cmac:normal",
        ..Options::new(Side::Mit)
    };
    let realm = realm(suite, options)?;
    let conf = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let only = |enctype: &str| -> Result<Env, String> {
        let path = realm.path(&format!("{enctype}.conf"));
        let line = format!("[libdefaults]\n  default_tkt_enctypes = {enctype}\n");
        std::fs::write(&path, conf.replacen("[libdefaults]\n", &line, 1)).map_err(|e| e.to_string())?;
        Ok(realm.env.with("KRB5_CONFIG", path))
    };
    for of_armor in ENCTYPES {
        let cache = format!("FILE:{}", armor(&realm).display());
        let env = only(of_armor)?.with("KRB5CCNAME", &cache);
        realm.ours("kinit").args("-k host/localhost").ok(&env)?;
        for of_client in ENCTYPES {
            let ended = armored(&realm, realm.ours("kinit"), PASSWORD).run(&only(of_client)?)?;
            let what = format!("armor {of_armor}, client {of_client}: {ended}");
            expect(ended.code == Some(0), &what)?;
            was_by(&realm, true, false).map_err(|e| format!("{what}{e}"))?;
        }
    }
    Ok(())
}

fn heimdal(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
    let cache = |name: &str| format!("FILE:{}/{name}", dir.path().display());
    let ours = |name: &str| crate::realm::program(Side::Ours, &suite.bin, name);
    let kinit = |args: &str, password: &str| ours("kinit").args(args).stdin(&format!("{password}\n"));
    let armor = heimdal.env.with("KRB5CCNAME", cache("armor"));
    kinit("bob", "Passw0rd-bob").ok(&armor)?;
    let env = heimdal.env.with("KRB5CCNAME", cache("cc"));
    let armored = format!("-T {} alice", cache("armor"));
    let wrong = kinit(&armored, "wrong").fails(&env)?;
    wrong.complains(&["Password incorrect"])?;
    kinit(&armored, "Passw0rd-alice").ok(&env)?;
    ours("kvno").args("HTTP/localhost").ok(&env)?;
    let listed = ours("klist").args("-C").ok(&env)?;
    expect(
        listed
            .stdout
            .contains("config: pa_type(krbtgt/HEIM.TEST@HEIM.TEST) = 138"),
        &format!("expected the encrypted challenge: {listed}"),
    )
}

fn samba(samba: &Samba) -> Result<(), String> {
    let cache = |name: &str| {
        samba
            .env
            .with("KRB5CCNAME", format!("FILE:{}", samba.path(name).display()))
    };
    let kinit = |args: &str, password: &str| samba.ours("kinit").args(args).stdin(&format!("{password}\n"));
    kinit("bob", "Passw0rd-bob").ok(&cache("fast-armor"))?;
    let env = cache("fast");
    let armored = format!("-T FILE:{} alice", samba.path("fast-armor").display());
    let wrong = kinit(&armored, "wrong").fails(&env)?;
    wrong.complains(&["Password incorrect"])?;
    kinit(&armored, "Passw0rd-alice").ok(&env)?;
    samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
    let listed = samba.ours("klist").args("-C").ok(&env)?;
    expect(
        listed
            .stdout
            .contains("config: pa_type(krbtgt/AD.TEST@AD.TEST) = 138"),
        &format!("expected the encrypted challenge: {listed}"),
    )
}
