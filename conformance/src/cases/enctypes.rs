//! Every encryption type with the other side: logins by password and keytab, tickets, listings; and what the policies
//! of either side refuse. The realm is that of walkthrough A2.

use std::fs;

use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side, Transport};
use crate::run::Env;
use crate::{Case, Suite};

/// Walkthrough A2's `supported_enctypes`.
const A2: &str = "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal \
     aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal camellia256-cts-cmac:normal \
     camellia128-cts-cmac:normal arcfour-hmac-md5:normal";
const A2_WITH_DES3: &str = "aes256-cts-hmac-sha384-192:normal aes128-cts-hmac-sha256-128:normal \
     aes256-cts-hmac-sha1-96:normal aes128-cts-hmac-sha1-96:normal camellia256-cts-cmac:normal \
     camellia128-cts-cmac:normal arcfour-hmac-md5:normal des3-cbc-sha1:normal";
/// What opens the weak types: the first for MIT krb5 1.20, the others for ours and for MIT krb5 from 1.21 on.
const SWITCHES: &str = "allow_weak_crypto = true\n  allow_rc4 = true\n  allow_des3 = true";

/// Name in configuration files, and as programs show it.
const ENCTYPES: &[(&str, &str)] = &[
    ("aes256-cts-hmac-sha384-192", "aes256-cts-hmac-sha384-192"),
    ("aes128-cts-hmac-sha256-128", "aes128-cts-hmac-sha256-128"),
    ("aes256-cts-hmac-sha1-96", "aes256-cts-hmac-sha1-96"),
    ("aes128-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"),
    ("camellia256-cts-cmac", "camellia256-cts-cmac"),
    ("camellia128-cts-cmac", "camellia128-cts-cmac"),
    ("arcfour-hmac-md5", "DEPRECATED:arcfour-hmac"),
    ("des3-cbc-sha1", "DEPRECATED:des3-cbc-sha1"),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = vec![
        case(
            "enctypes: walkthrough A2's realm has all seven keys, listed as MIT lists them",
            seven_keys,
        ),
        case(
            "enctypes: a weak type in supported_enctypes names its switch, our KDC",
            weak_without_switch,
        ),
        case(
            "enctypes: weak keys in the database are not used without the switch, our KDC, MIT's client",
            weak_keys_unused,
        ),
        case(
            "enctypes: RC4 asked without the switch, our client, MIT's KDC",
            client_without_switch,
        ),
        case(
            "enctypes: RC4 asked of a KDC that does not allow it, our client, MIT's KDC",
            kdc_without_switch,
        ),
    ];
    for &(name, shown) in ENCTYPES {
        for kdc in [Side::Ours, Side::Mit] {
            let client = if kdc == Side::Ours { "MIT's" } else { "our" };
            for transport in [Transport::Udp, Transport::Tcp] {
                let title = format!("enctypes: {name}, {client} client, {kdc:?} KDC, {transport:?}");
                let run = move |suite: &Suite| one(suite, kdc, transport, name, shown);
                let quick = transport == Transport::Udp;
                cases.push(if quick {
                    case(&title, run)
                } else {
                    full_case(&title, run)
                });
            }
        }
    }
    cases
}

/// A2's realm: its kdc.conf says what A2's does.
fn a2(suite: &Suite, kdc: Side, transport: Transport, enctypes: &'static str) -> Result<Realm, String> {
    let options = Options {
        enctypes,
        transport,
        libdefaults: SWITCHES,
        ..Options::new(kdc)
    };
    let mut realm = Realm::files(&suite.bin, &options)?;
    change(
        &realm,
        "kdc.conf",
        "max_life",
        "default_principal_flags = +preauth\n    max_life",
    )?;
    realm.populate()?;
    realm.start_kdc()?;
    Ok(realm)
}

/// Replaces text in one of the realm's files.
fn change(realm: &Realm, file: &str, from: &str, to: &str) -> Result<(), String> {
    let path = realm.path(file);
    let text = fs::read_to_string(&path).map_err(|e| e.to_string())?;
    expect(text.contains(from), &format!("{file} does not say {from:?}"))?;
    fs::write(&path, text.replacen(from, to, 1)).map_err(|e| e.to_string())
}

/// An environment whose krb5.conf has `relations` instead of the switches; the KDC keeps its own.
fn client_env(realm: &Realm, relations: &str) -> Result<Env, String> {
    let text = fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    expect(text.contains(SWITCHES), "krb5.conf has no switches")?;
    let path = realm.path("client.conf");
    fs::write(&path, text.replacen(SWITCHES, relations, 1)).map_err(|e| e.to_string())?;
    Ok(realm.env.with("KRB5_CONFIG", path))
}

/// A client that takes one type alone: by password and keytab, with a service of that type alone, whose keytab the
/// other side wrote.
fn one(suite: &Suite, kdc: Side, transport: Transport, name: &str, shown: &str) -> Result<(), String> {
    let des3 = name.starts_with("des3");
    let realm = a2(suite, kdc, transport, if des3 { A2_WITH_DES3 } else { A2 })?;
    let keytab = realm.path("only.keytab");
    realm.kadmin(&format!("addprinc -randkey -e {name}:normal only/localhost"))?;
    realm.kadmin(&format!(
        "ktadd -k {} -norandkey only/localhost",
        keytab.display()
    ))?;
    let env = client_env(&realm, &format!("{SWITCHES}\n  permitted_enctypes = {name}"))?;
    let kinit = realm.client("kinit").args("alice");
    kinit.stdin(&format!("{PASSWORD}\n")).ok(&env)?;
    tickets(&realm, &env, shown)?;
    realm.client("kdestroy").ok(&env)?;
    let kinit = realm
        .client("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"));
    kinit.args("alice").ok(&env)?;
    tickets(&realm, &env, shown)?;
    // The types of a client that has a choice, and one asked for by name.
    let env = client_env(&realm, SWITCHES)?;
    let kinit = realm
        .client("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"));
    kinit.args("alice").ok(&env)?;
    realm
        .client("kvno")
        .args(&format!("-e {name} HTTP/localhost"))
        .ok(&env)?;
    let listed = same_listing(&realm, &env, "-e")?;
    expect(
        listed.contains(&format!("Etype (skey, tkt): {shown}, aes256-cts-hmac-sha384-192")),
        &format!("kvno -e {name} gave another session key: {listed}"),
    )?;
    let log = realm.log();
    expect(
        log.contains(&format!("ses={shown}(")),
        &format!("the KDC's log does not show a session key of {shown}: {log}"),
    )
}

/// A service ticket whose key and session key are of the type, opened by the service's keytab, listed alike by both.
fn tickets(realm: &Realm, env: &Env, shown: &str) -> Result<(), String> {
    let keytab = realm.path("only.keytab");
    realm
        .client("kvno")
        .args("-k")
        .arg(&keytab)
        .args("only/localhost")
        .ok(env)?
        .prints(&["only/localhost@CONFORM.TEST: kvno = 1, keytab entry valid"])?;
    let listed = same_listing(realm, env, "-e")?;
    expect(
        listed.contains(&format!("Etype (skey, tkt): {shown}, {shown} ")),
        &format!("the service ticket is of another type than {shown}: {listed}"),
    )?;
    expect(
        listed.contains(&format!(
            "Etype (skey, tkt): {shown}, aes256-cts-hmac-sha384-192 "
        )),
        &format!("the first ticket's session key is of another type than {shown}: {listed}"),
    )?;
    let keys = same_listing(realm, env, &format!("-k -e {}", keytab.display()))?;
    expect(
        keys.contains(&format!("only/localhost@CONFORM.TEST ({shown})")),
        &format!("the keytab is listed without {shown}: {keys}"),
    )?;
    same_listing(
        realm,
        env,
        &format!("-k -e {}", realm.path("alice.keytab").display()),
    )
    .map(drop)
}

/// What klist prints, which has to be the same for both.
fn same_listing(realm: &Realm, env: &Env, args: &str) -> Result<String, String> {
    let ours = realm.ours("klist").args(args).ok(env)?;
    let theirs = realm.mit("klist").args(args).ok(env)?;
    expect(
        ours.stdout == theirs.stdout,
        &format!("klist {args} differs: ours {ours} MIT's {theirs}"),
    )?;
    Ok(ours.stdout)
}

fn seven_keys(suite: &Suite) -> Result<(), String> {
    let mut listings = Vec::new();
    for kdc in [Side::Ours, Side::Mit] {
        let realm = a2(suite, kdc, Transport::Udp, A2)?;
        let mut listing = String::new();
        for principal in ["alice", "HTTP/localhost", "krbtgt/CONFORM.TEST"] {
            let said = realm.kadmin(&format!("getprinc {principal}"))?;
            said.prints(&["Number of keys: 7"])?;
            for line in said.stdout.lines().filter(|line| line.starts_with("Key: ")) {
                listing.push_str(line);
                listing.push('\n');
            }
        }
        realm.kadmin("getprinc alice")?.prints(&["REQUIRES_PRE_AUTH"])?;
        // ktadd names what it adds, and both read the file alike.
        let keytab = realm.path("seven.keytab");
        let added = realm.kadmin(&format!("ktadd -k {} -norandkey alice", keytab.display()))?;
        for line in added
            .stdout
            .lines()
            .filter(|line| line.contains("encryption type"))
        {
            listing.push_str(line.split("added to").next().unwrap_or_default());
            listing.push('\n');
        }
        same_listing(&realm, &realm.env, &format!("-k -e {}", keytab.display()))?;
        listings.push(listing);
    }
    expect(
        listings.first() == listings.last(),
        &format!(
            "the keys are listed in other words: {}",
            listings.join("--- MIT's\n")
        ),
    )?;
    expect(
        listings.iter().all(|text| text.lines().count() == 28),
        &format!(
            "expected four times seven keys, but found {}",
            listings.join("--- MIT's\n")
        ),
    )
}

fn weak_without_switch(suite: &Suite) -> Result<(), String> {
    for (relations, enctypes, named) in [
        ("", A2, "arcfour-hmac (23) is weak, and allow_rc4 is not set"),
        ("allow_weak_crypto = true", A2, "allow_rc4 = true"),
        (
            "allow_rc4 = true",
            A2_WITH_DES3,
            "des3-cbc-sha1 (16) is weak, and allow_des3 is not set",
        ),
    ] {
        let options = Options {
            enctypes,
            libdefaults: relations,
            ..Options::new(Side::Ours)
        };
        let realm = Realm::files(&suite.bin, &options)?;
        let refused = realm
            .ours("kdb5_util")
            .args("create -s -r CONFORM.TEST -P master-key-password")
            .fails(&realm.env)?;
        refused.complains(&["kdc.conf, line ", "supported_enctypes of CONFORM.TEST: ", named])?;
        expect(!realm.path("principal").exists(), "a database was made")?;
    }
    Ok(())
}

fn weak_keys_unused(suite: &Suite) -> Result<(), String> {
    let mut realm = a2(suite, Side::Ours, Transport::Udp, A2)?;
    realm.kadmin("addprinc -randkey -e arcfour-hmac:normal only/localhost")?;
    let rc4 = client_env(
        &realm,
        &format!("{SWITCHES}\n  permitted_enctypes = arcfour-hmac"),
    )?;
    let kinit = realm.mit("kinit").args("alice").stdin(&format!("{PASSWORD}\n"));
    kinit.ok(&rc4)?;
    // The same database under a KDC without the switch.
    if let Some(mut kdc) = realm.kdc.take() {
        kdc.terminate()?;
    }
    change(&realm, "krb5.conf", SWITCHES, "allow_weak_crypto = true")?;
    change(&realm, "kdc.conf", " arcfour-hmac-md5:normal", "")?;
    realm.start_kdc()?;
    realm.kadmin("getprinc alice")?.prints(&["Number of keys: 7"])?;
    let refused = "KDC has no support for encryption type";
    kinit.fails(&rc4)?.complains(&[refused])?;
    kinit.ok(&realm.env)?;
    for service in ["only/localhost", "-e arcfour-hmac HTTP/localhost"] {
        let kvno = realm.mit("kvno").args(service).fails(&realm.env)?;
        kvno.complains(&[refused])?;
    }
    realm.mit("kvno").args("HTTP/localhost").ok(&realm.env)?;
    realm
        .ours("kadmin.local")
        .args("-r CONFORM.TEST -q")
        .arg("addprinc -randkey -e arcfour-hmac:normal other/localhost")
        .run(&realm.env)?
        .complains(&["arcfour-hmac", "allow_rc4"])?;
    Ok(())
}

fn client_without_switch(suite: &Suite) -> Result<(), String> {
    let realm = a2(suite, Side::Mit, Transport::Udp, A2)?;
    let keytab = realm.path("only.keytab");
    realm.kadmin("addprinc -randkey -e arcfour-hmac:normal only/localhost")?;
    realm.kadmin(&format!(
        "ktadd -k {} -norandkey only/localhost",
        keytab.display()
    ))?;
    let only = client_env(&realm, "permitted_enctypes = arcfour-hmac")?;
    let kinit = realm.ours("kinit").args("alice").stdin(&format!("{PASSWORD}\n"));
    kinit
        .fails(&only)?
        .complains(&["client.conf", "permitted_enctypes"])?;
    let strict = client_env(&realm, "allow_weak_crypto = true")?;
    kinit.ok(&strict)?;
    let kvno = realm
        .ours("kvno")
        .args("-e arcfour-hmac only/localhost")
        .fails(&strict)?;
    kvno.complains(&["arcfour-hmac (23)", "allow_rc4"])?;
    // A ticket that another program of the user got is listed, and not used.
    let theirs = client_env(&realm, SWITCHES)?;
    realm
        .mit("kvno")
        .args("-e arcfour-hmac only/localhost")
        .ok(&theirs)?;
    let strict = client_env(&realm, "")?;
    realm
        .ours("klist")
        .args("-e")
        .ok(&strict)?
        .prints(&["Etype (skey, tkt): DEPRECATED:arcfour-hmac, DEPRECATED:arcfour-hmac"])?;
    let unused = realm
        .ours("kvno")
        .args("--cached-only only/localhost")
        .fails(&strict)?;
    unused.complains(&["only/localhost@CONFORM.TEST"])?;
    let open = client_env(&realm, SWITCHES)?;
    realm
        .ours("kvno")
        .args("--cached-only only/localhost")
        .ok(&open)?;
    Ok(())
}

fn kdc_without_switch(suite: &Suite) -> Result<(), String> {
    let mut realm = a2(suite, Side::Mit, Transport::Udp, A2)?;
    if let Some(mut kdc) = realm.kdc.take() {
        kdc.terminate()?;
    }
    let env = client_env(
        &realm,
        &format!("{SWITCHES}\n  permitted_enctypes = arcfour-hmac"),
    )?;
    change(&realm, "krb5.conf", SWITCHES, "permitted_enctypes = aes")?;
    realm.start_kdc()?;
    realm
        .ours("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .fails(&env)?
        .complains(&["KDC has no support for encryption type"])?;
    Ok(())
}
