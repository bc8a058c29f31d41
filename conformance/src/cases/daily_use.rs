//! The walkthroughs D1, D9 and the client's part of D10, as written, with MIT's KDC and ours.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Env, Program, Server, free_port, listens};
use crate::{Case, Suite};

/// The library that gives a program another clock.
const FAKETIME: &str = "/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1";

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kdc in [Side::Mit, Side::Ours] {
        cases.push(case(
            &format!("walkthrough D1: krb5.conf with two KDCs and lifetimes, {kdc:?} KDC"),
            move |suite| configured(suite, kdc),
        ));
        cases.push(case(
            &format!("walkthrough D9: the classic failures in the words that are grepped for, {kdc:?} KDC"),
            move |suite| classic(suite, kdc),
        ));
        cases.push(case(
            &format!(
                "walkthrough D10: a keytab that others can read, keys rotated with overlap, {kdc:?} KDC"
            ),
            move |suite| keytabs(suite, kdc),
        ));
    }
    cases.push(full_case(
        "walkthrough D9: clock skew too great, MIT's KDC with another clock",
        skew,
    ));
    cases.push(case(
        "environment: each variable is heeded as by MIT's programs",
        environment,
    ));
    cases
}

fn edit(path: &Path, change: impl FnOnce(String) -> String) -> Result<(), String> {
    let text = fs::read_to_string(path).map_err(|e| e.to_string())?;
    let changed = change(text.clone());
    expect(
        text != changed,
        &format!("nothing to change in {}", path.display()),
    )?;
    fs::write(path, changed).map_err(|e| e.to_string())
}

/// `dns_lookup_kdc = true`, two `kdc` lines of which the first is dead, and what tickets shall be like.
fn configured(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let dead = free_port()?;
    edit(&realm.path("krb5.conf"), |text| {
        text.replace(
            "dns_lookup_kdc = false",
            "dns_lookup_kdc = true\n  ticket_lifetime = 10h\n  renew_lifetime = 7d\n  forwardable = true",
        )
        .replace("    kdc = ", &format!("    kdc = 127.0.0.1:{dead}\n    kdc = "))
    })?;
    let listing = |side: Side| {
        let of = |name| {
            if side == Side::Mit {
                realm.mit(name)
            } else {
                realm.ours(name)
            }
        };
        of("kinit")
            .args("alice")
            .stdin(&format!("{PASSWORD}\n"))
            .ok(&realm.env)?;
        realm.mit("klist").args("-f").ok(&realm.env)
    };
    let mut listings = (listing(Side::Mit)?, listing(Side::Ours)?);
    // They are alike to the second, if they are of the same second.
    for _ in 0..3 {
        if listings.0.stdout != listings.1.stdout {
            listings = (listing(Side::Mit)?, listing(Side::Ours)?);
        }
    }
    let (mit, ours) = listings;
    ours.prints(&["\trenew until ", "Flags: FRIA\n"])?;
    expect(mit.stdout == ours.stdout, &format!("tickets differ: {mit}{ours}"))?;
    realm.ours("kvno").args("HTTP/localhost").ok(&realm.env)?;
    Ok(())
}

/// What administrators search the web for stands there word for word.
fn classic(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let env = &realm.env;
    for (program, args) in [("klist", ""), ("kvno", "HTTP/localhost"), ("kinit", "-R")] {
        let ended = realm.ours(program).args(args).fails(env)?;
        ended.complains(&[
            "No credentials cache found (filename: ",
            "hint: kinit gets a ticket",
        ])?;
    }
    let password = format!("{PASSWORD}\n");
    realm.ours("kinit").args("alice").stdin(&password).ok(env)?;
    realm.ours("kvno").args("HTTP/nowhere").fails(env)?.complains(&[
        "Server HTTP/nowhere@CONFORM.TEST not found in Kerberos database while getting credentials for \
         HTTP/nowhere@CONFORM.TEST",
        "KDC_ERR_S_PRINCIPAL_UNKNOWN (7): Server not found in Kerberos database",
        "addprinc -randkey HTTP/nowhere@CONFORM.TEST",
    ])?;
    realm
        .ours("kinit")
        .args("-S HTTP/nowhere alice")
        .stdin(&password)
        .fails(env)?
        .complains(&[
            "kinit: error: Server not found in Kerberos database while getting initial credentials",
        ])?;
    // An enctype that the principal has no key of.
    let conf = realm.path("narrow.conf");
    fs::copy(realm.path("krb5.conf"), &conf).map_err(|e| e.to_string())?;
    edit(&conf, |text| {
        text.replacen(
            "[libdefaults]\n",
            "[libdefaults]\n  default_tkt_enctypes = camellia256-cts\n",
            1,
        )
    })?;
    let narrow = env.with("KRB5_CONFIG", &conf);
    let refused = realm
        .ours("kinit")
        .args("alice")
        .stdin(&password)
        .fails(&narrow)?;
    let asked = format!(
        "asked for, by default_tkt_enctypes in line 2 of {}: camellia256-cts-cmac",
        conf.display()
    );
    refused.complains(&[
        "kinit: error: KDC has no support for encryption type while getting initial credentials",
        &asked,
        "getprinc shows which it has",
    ])?;
    // RC4 is off unless allowed, and what allows it is said.
    edit(&conf, |text| text.replace("camellia256-cts", "arcfour-hmac"))?;
    realm
        .ours("kinit")
        .args("alice")
        .stdin(&password)
        .fails(&narrow)?
        .complains(&[
            &format!("{} line 2: default_tkt_enctypes: ", conf.display()),
            "hint: allow_rc4 = true in [libdefaults] opens this weak type",
        ])?;
    Ok(())
}

/// The keytab's mode is warned about; old keys serve on beside new ones.
fn keytabs(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let env = &realm.env;
    let (alice, service) = (realm.path("alice.keytab"), realm.path("service.keytab"));
    let mode = |path: &PathBuf, mode| {
        fs::set_permissions(path, fs::Permissions::from_mode(mode)).map_err(|e| e.to_string())
    };
    let kinit = || {
        realm
            .ours("kinit")
            .args("-k -t")
            .arg(&alice)
            .args("alice")
            .ok(env)
    };
    mode(&alice, 0o644)?;
    let warning = format!(
        "kinit: warning: keytab FILE:{}: mode: expected 0600, but found 0644\n",
        alice.display()
    );
    expect(
        kinit()?.stderr == warning,
        "kinit does not warn of a keytab that others can read",
    )?;
    realm
        .ours("klist")
        .args("-k")
        .arg(&alice)
        .ok(env)?
        .complains(&["mode: expected 0600, but found 0644"])?;
    mode(&alice, 0o600)?;
    expect(
        kinit()?.stderr.is_empty(),
        "kinit warns of a keytab that is as it should be",
    )?;

    // A ticket under the old key, then new keys beside the old ones.
    let kvno = |program: Program| program.args("-k").arg(&service).args("HTTP/localhost").ok(env);
    let old = kvno(realm.ours("kvno"))?;
    realm.kadmin(&format!("ktadd -k {} HTTP/localhost", service.display()))?;
    let again = kvno(realm.ours("kvno"))?;
    again.prints(&["keytab entry valid"])?;
    expect(
        again.stdout == old.stdout,
        "the ticket of before is no longer used",
    )?;
    kinit()?;
    let new = kvno(realm.ours("kvno"))?;
    new.prints(&["keytab entry valid"])?;
    expect(
        new.stdout != old.stdout,
        "the new ticket is not under the new key",
    )?;
    kvno(realm.mit("kvno"))?.prints(&["keytab entry valid"])?;
    // The same for a client: its keytab has both keys, and the newest is the KDC's.
    let before = realm.ours("klist").args("-k").arg(&alice).ok(env)?;
    realm.kadmin(&format!("ktadd -k {} alice", alice.display()))?;
    kinit()?;
    let both = realm.ours("klist").args("-k").arg(&alice).ok(env)?;
    expect(
        both.stdout.lines().count() > before.stdout.lines().count(),
        "the old keys are gone",
    )?;
    both.prints(&["   1 alice@CONFORM.TEST", "   2 alice@CONFORM.TEST"])?;
    Ok(())
}

/// A KDC whose clock is ten minutes ahead, and clients that may not correct theirs.
fn skew(suite: &Suite) -> Result<(), String> {
    let mut realm = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    realm.populate()?;
    let port = realm.port;
    let env = realm.env.with("LD_PRELOAD", FAKETIME).with("FAKETIME", "+10m");
    let program = realm.tool("krb5kdc").args("-n -r CONFORM.TEST");
    realm.kdc = Some(Server::start("krb5kdc", &program, &env, &|| listens(port))?);
    let kinit = |side: Side, user: &str| {
        let program = if side == Side::Mit {
            realm.mit("kinit")
        } else {
            realm.ours("kinit")
        };
        let password = if user == "alice" { PASSWORD } else { "Passw0rd-bob" };
        program.args(user).stdin(&format!("{password}\n"))
    };
    // The KDC's own word about its clock is enough, where that may be used.
    for side in [Side::Mit, Side::Ours] {
        kinit(side, "alice").ok(&realm.env)?;
        realm.ours("kvno").args("HTTP/localhost").ok(&realm.env)?;
        realm.mit("kvno").args("host/localhost").ok(&realm.env)?;
    }
    edit(&realm.path("krb5.conf"), |text| {
        text.replacen("[libdefaults]\n", "[libdefaults]\n  kdc_timesync = 0\n", 1)
    })?;
    kinit(Side::Ours, "alice").ok(&realm.env)?;
    let refused = realm.ours("kvno").args("HTTP/localhost").fails(&realm.env)?;
    refused.complains(&[
        "kvno: error: Clock skew too great while getting credentials for HTTP/localhost@CONFORM.TEST",
        "10 min ahead of ours: ",
        "hint: set the clocks right",
    ])?;
    realm
        .mit("kvno")
        .args("HTTP/localhost")
        .fails(&realm.env)?
        .complains(&["Clock skew too great while getting credentials for HTTP/localhost@CONFORM.TEST"])?;
    Ok(())
}

/// KRB5_CONFIG (a list), KRB5CCNAME, KRB5_KTNAME, KRB5_CLIENT_KTNAME: both sides print the same with each.
fn environment(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let own = realm.path("own.conf");
    fs::write(&own, "[libdefaults]\n  forwardable = true\n").map_err(|e| e.to_string())?;
    let list = format!("{}:{}", own.display(), realm.path("krb5.conf").display());
    let env = realm
        .env
        .with("KRB5_CONFIG", list)
        .with("KRB5CCNAME", format!("FILE:{}", realm.path("env.cc").display()))
        .with("KRB5_KTNAME", realm.path("service.keytab"))
        .with("KRB5_CLIENT_KTNAME", realm.path("alice.keytab"));
    let same = |name: &str, args: &str, env: &Env| {
        let mit = realm.mit(name).args(args).run(env)?;
        let ours = realm.ours(name).args(args).run(env)?;
        expect(
            (mit.code, &mit.stdout) == (ours.code, &ours.stdout),
            &format!("{name} {args} differs: {mit}{ours}"),
        )?;
        Ok::<_, String>(ours)
    };
    // The client's keytab, into the cache that is named, forwardable by the first file, realm and KDC by the second.
    realm.ours("kinit").args("-k -i").ok(&env)?;
    let listed = same("klist", "-f", &env)?;
    listed.prints(&["env.cc\nDefault principal: alice@CONFORM.TEST\n", "Flags: FRIA"])?;
    same("klist", "-k", &env)?.prints(&["service.keytab", "HTTP/localhost@CONFORM.TEST"])?;
    same("klist", "-k -i", &env)?.prints(&["alice.keytab", "alice@CONFORM.TEST"])?;
    same("kvno", "-k HTTP/localhost", &env.with("KRB5_KTNAME", ""))?;
    // Set to nothing they count as unset: the defaults of krb5.conf.
    let unset = env.with("KRB5CCNAME", "").with("KRB5_KTNAME", "");
    realm.ours("kinit").args("-k -i").ok(&unset)?;
    realm.ours("klist").ok(&unset)?.prints(&["default.cc\n"])?;
    // A file of the list that is not there counts as empty; one that cannot be understood ends the program.
    let missing = format!(
        "{}:{}",
        realm.path("none.conf").display(),
        realm.path("krb5.conf").display()
    );
    same("klist", "-f", &env.with("KRB5_CONFIG", missing))?;
    fs::write(&own, "[libdefaults\n").map_err(|e| e.to_string())?;
    let broken = realm.ours("klist").fails(&env)?;
    broken.complains(&[&format!("{} line 1: ", own.display())])?;
    Ok(())
}
