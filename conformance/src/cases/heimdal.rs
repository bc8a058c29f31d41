//! Our clients against Heimdal's KDC and password server, Heimdal's clients against our KDC, and each other's files.

use std::path::PathBuf;

use super::{expect, full_case};
use crate::heimdal::{ENCTYPES, Heimdal};
use crate::realm::{Options, PASSWORD, Realm, Side, krb5_conf, program, realm_part};
use crate::run::{Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, run: fn(&Suite, &Heimdal) -> Result<(), String>| {
        cases.push(full_case(&format!("heimdal: {name}"), move |suite: &Suite| {
            run(suite, suite.shared.heimdal()?)
        }));
    };
    add("password and keytab, UDP and TCP", login);
    add("every enctype, password and keytab", enctypes);
    add("pre-authentication by hint or not at all", preauthentication);
    add("answers too big for UDP are fetched by TCP", too_big);
    add("refusals name the cause", refusals);
    add("lifetimes, flags, renewal", renewal);
    add("kpasswd: changes and refusals", kpasswd);

    add("another realm of the same KDC", other_realm);
    add("user-to-user", user_to_user);
    add("MIT's realm and Heimdal's trust each other", trust);
    cases.push(full_case(
        "heimdal: its kinit, kgetcred and klist at our KDC, caches used by the other",
        its_clients,
    ));
    cases.push(full_case("heimdal: keytabs used by the other", keytabs));
    cases
}

/// A program of ours and a cache of its own.
struct Ours<'a> {
    suite: &'a Suite,
    env: Env,
    dir: tempfile::TempDir,
}

impl<'a> Ours<'a> {
    fn new(suite: &'a Suite, env: &Env) -> Result<Self, String> {
        let dir = tempfile::tempdir().map_err(|e| e.to_string())?;
        Ok(Self {
            suite,
            env: env.with("KRB5CCNAME", format!("FILE:{}/cc", dir.path().display())),
            dir,
        })
    }

    fn program(&self, name: &str) -> Program {
        program(Side::Ours, &self.suite.bin, name)
    }

    fn cache(&self) -> PathBuf {
        self.dir.path().join("cc")
    }

    fn kinit(&self, args: &str, password: &str) -> Program {
        self.program("kinit").args(args).stdin(&format!("{password}\n"))
    }
}

/// Both clients' lists of one cache must be equal.
fn same_list(ours: &Ours<'_>) -> Result<String, String> {
    let own = ours.program("klist").args("-e -f").ok(&ours.env)?;
    let mit = program(Side::Mit, &ours.suite.bin, "klist")
        .args("-e -f")
        .ok(&ours.env)?;
    expect(
        own.stdout == mit.stdout,
        &format!("klist -e -f differs: {own}{mit}"),
    )?;
    Ok(own.stdout)
}

fn login(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    for limit in [1400, 1] {
        let env = heimdal.variant("transport.conf", |text| {
            text.replacen(
                "[libdefaults]",
                &format!("[libdefaults]\n  udp_preference_limit = {limit}"),
                1,
            )
        })?;
        let ours = Ours::new(suite, &env)?;
        for by_keytab in [false, true] {
            let kinit = if by_keytab {
                ours.program("kinit")
                    .args("-k -t")
                    .arg(heimdal.path("alice.keytab"))
                    .args("alice")
            } else {
                ours.kinit("alice", "Passw0rd-alice")
            };
            kinit.ok(&ours.env)?;
            ours.program("kvno")
                .args("HTTP/localhost")
                .ok(&ours.env)?
                .prints(&["HTTP/localhost@HEIM.TEST: kvno = 1"])?;
            let listed = same_list(&ours)?;
            expect(
                listed.contains("krbtgt/HEIM.TEST@HEIM.TEST") && listed.contains("HTTP/localhost@HEIM.TEST"),
                &format!("tickets are missing: {listed}"),
            )?;
            ours.program("kdestroy").ok(&ours.env)?;
        }
    }
    Ok(())
}

/// The client permits one type at a time; session keys and the password's key are then of that type.
fn enctypes(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    for enctype in ENCTYPES {
        one_enctype(suite, heimdal, enctype).map_err(|e| format!("{enctype}: {e}"))?;
    }
    Ok(())
}

fn one_enctype(suite: &Suite, heimdal: &Heimdal, enctype: &str) -> Result<(), String> {
    let env = heimdal.variant("enctype.conf", |text| {
        text.replacen(
            "[libdefaults]",
            &format!("[libdefaults]\n  permitted_enctypes = {enctype}"),
            1,
        )
    })?;
    let ours = Ours::new(suite, &env)?;
    ours.kinit("alice", "Passw0rd-alice").ok(&ours.env)?;
    ours.program("kvno").args("HTTP/localhost").ok(&ours.env)?;
    let listed = same_list(&ours)?;
    let shown = match enctype {
        "arcfour-hmac-md5" => "DEPRECATED:arcfour-hmac",
        "des3-cbc-sha1" => "DEPRECATED:des3-cbc-sha1",
        other => other,
    };
    expect(
        listed.matches(&format!("Etype (skey, tkt): {shown}, ")).count() == 2,
        &format!("session keys are not {enctype}: {listed}"),
    )?;
    ours.program("kinit")
        .args("-k -t")
        .arg(heimdal.path("alice.keytab"))
        .args("alice")
        .ok(&ours.env)?;
    ours.program("kvno")
        .args("-k")
        .arg(heimdal.path("service.keytab"))
        .args("HTTP/localhost")
        .ok(&ours.env)?;
    Ok(())
}

fn preauthentication(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let ours = Ours::new(suite, &heimdal.env)?;
    ours.kinit("nopre", "Passw0rd-nopre").ok(&ours.env)?;
    let listed = ours.program("klist").args("-f").ok(&ours.env)?;
    expect(
        !flags(&listed.stdout).contains('A'),
        &format!("nopre's ticket says pre-authenticated: {listed}"),
    )?;
    ours.kinit("bob", "Passw0rd-bob").ok(&ours.env)?;
    let listed = ours.program("klist").args("-f").ok(&ours.env)?;
    expect(
        flags(&listed.stdout).contains('A'),
        &format!("bob's ticket does not say pre-authenticated: {listed}"),
    )
}

/// The letters of the first `Flags:` of a list.
fn flags(listed: &str) -> &str {
    listed
        .split("Flags: ")
        .nth(1)
        .and_then(|rest| rest.split_whitespace().next())
        .unwrap_or_default()
}

fn too_big(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let from = format!("kdc = 127.0.0.1:{}", heimdal.port);
    let to = format!("kdc = 127.0.0.1:{}", heimdal.narrow_port);
    let env = heimdal.variant("narrow-client.conf", |text| text.replace(&from, &to))?;
    let ours = Ours::new(suite, &env)?;
    // MIT's trace shows that this KDC does refuse long answers by UDP.
    let trace = heimdal.path("narrow.trace");
    program(Side::Mit, &suite.bin, "kinit")
        .args("alice")
        .stdin("Passw0rd-alice\n")
        .ok(&ours.env.with("KRB5_TRACE", &trace))?;
    let trace = std::fs::read_to_string(&trace).unwrap_or_default();
    expect(
        trace.contains("too big for UDP"),
        &format!("this KDC sends long answers by UDP: {trace}"),
    )?;
    ours.program("kdestroy").ok(&ours.env)?;
    ours.kinit("alice", "Passw0rd-alice").ok(&ours.env)?;
    ours.program("kvno").args("HTTP/localhost").ok(&ours.env)?;
    same_list(&ours)?;
    Ok(())
}

fn refusals(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let ours = Ours::new(suite, &heimdal.env)?;
    for (user, password, text) in [
        ("alice", "wrong", "Password incorrect"),
        (
            "nobody",
            "x",
            "Client 'nobody@HEIM.TEST' not found in Kerberos database",
        ),
        ("locked", "Passw0rd-locked", "KDC policy rejects request"),
        ("expired", "Passw0rd-expired", "entry in database has expired"),
    ] {
        ours.kinit(user, password).fails(&ours.env)?.complains(&[text])?;
        ours.program("klist").args("-s").fails(&ours.env)?;
    }
    ours.kinit("alice", "Passw0rd-alice").ok(&ours.env)?;
    ours.program("kvno")
        .args("HTTP/nowhere")
        .fails(&ours.env)?
        .complains(&["Server HTTP/nowhere@HEIM.TEST not found in Kerberos database"])?;
    Ok(())
}

fn renewal(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let ours = Ours::new(suite, &heimdal.env)?;
    ours.kinit("-l 1h -r 2d -f -p alice", "Passw0rd-alice")
        .ok(&ours.env)?;
    let listed = same_list(&ours)?;
    let all = "FPR".chars().all(|flag| flags(&listed).contains(flag));
    expect(all, &format!("flags F, P and R were asked for: {listed}"))?;
    ours.program("kinit").args("-R").ok(&ours.env)?;
    let listed = same_list(&ours)?;
    expect(
        listed.contains("renew until"),
        &format!("renewed, but not renewable: {listed}"),
    )?;
    ours.program("kvno").args("HTTP/localhost").ok(&ours.env)?;
    ours.kinit("-l 30m -F alice", "Passw0rd-alice").ok(&ours.env)?;
    let listed = same_list(&ours)?;
    expect(
        !flags(&listed).contains('F'),
        &format!("-F gave a forwardable ticket: {listed}"),
    )?;
    ours.program("kinit").args("-R").fails(&ours.env)?;
    Ok(())
}

fn kpasswd(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let ours = Ours::new(suite, &heimdal.env)?;
    let change = |old: &str, new: &str| {
        ours.program("kpasswd")
            .args("carol")
            .stdin(&format!("{old}\n{new}\n{new}\n"))
    };
    let weak = change("Passw0rd-carol", "x").fails(&ours.env)?;
    // The text ends with a NUL, for which MIT's kpasswd shows advice of its own instead.
    expect(
        weak.stdout
            == "Password for carol@HEIM.TEST: \nEnter new password: \nEnter it again: \nPassword change rejected: Password too short\n",
        &format!("the server's words are not shown: {weak}"),
    )?;
    change("wrong", "An0ther-password")
        .fails(&ours.env)?
        .complains(&["Password incorrect"])?;
    change("Passw0rd-carol", "An0ther-password")
        .ok(&ours.env)?
        .prints(&["Password changed"])?;
    ours.kinit("carol", "Passw0rd-carol").fails(&ours.env)?;
    ours.kinit("carol", "An0ther-password").ok(&ours.env)?;
    // An expired password is changed on the way.
    ours.program("kinit")
        .args("oldpw")
        .stdin("Passw0rd-oldpw\nN3w-passw0rd\nN3w-passw0rd\n")
        .ok(&ours.env)?;
    ours.kinit("oldpw", "N3w-passw0rd").ok(&ours.env)?;
    heimdal.kadmin("cpw -p Passw0rd-carol carol\n")
}

fn other_realm(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let ours = Ours::new(suite, &heimdal.env)?;
    ours.kinit("alice", "Passw0rd-alice").ok(&ours.env)?;
    ours.program("kvno")
        .args("-S HTTP www.other.test")
        .ok(&ours.env)?
        .prints(&["HTTP/www.other.test@OTHER.TEST: kvno = 1"])?;
    let listed = same_list(&ours)?;
    expect(
        listed.contains("krbtgt/OTHER.TEST@HEIM.TEST"),
        &format!("no cross-realm ticket: {listed}"),
    )
}

/// Alice gets a ticket encrypted in the session key of bob's TGT, by ours and by MIT's kvno.
fn user_to_user(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let (alice, bob) = (Ours::new(suite, &heimdal.env)?, Ours::new(suite, &heimdal.env)?);
    alice.kinit("alice", "Passw0rd-alice").ok(&alice.env)?;
    bob.kinit("bob", "Passw0rd-bob").ok(&bob.env)?;
    alice
        .program("kvno")
        .args("--u2u")
        .arg(format!("FILE:{}", bob.cache().display()))
        .args("bob")
        .ok(&alice.env)?
        .prints(&["bob@HEIM.TEST: kvno = "])?;
    same_list(&alice)?;
    // Bob's own key does not open it, so a cache of another user does not serve.
    alice
        .program("kvno")
        .args("--u2u")
        .arg(format!("FILE:{}", bob.cache().display()))
        .args("carol")
        .fails(&alice.env)?;
    Ok(())
}

/// Each realm's user gets a service ticket of the other, by a key that both databases made of one password.
fn trust(suite: &Suite, heimdal: &Heimdal) -> Result<(), String> {
    let mit = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let mut commands = String::new();
    for name in ["krbtgt/CONFORM.TEST@HEIM.TEST", "krbtgt/HEIM.TEST@CONFORM.TEST"] {
        mit.kadmin(&format!(
            "addprinc -e aes256-cts-hmac-sha1-96:normal -pw trust-{} {name}",
            name.len()
        ))?;
        commands.push_str(&format!("add -p trust-{} --use-defaults {name}\n", name.len()));
        for enctype in ENCTYPES.iter().filter(|e| **e != "aes256-cts-hmac-sha1-96") {
            commands.push_str(&format!("del_enctype {name} {enctype}\n"));
        }
    }
    heimdal.kadmin(&commands)?;
    let realms = realm_part("CONFORM.TEST", mit.port) + &realm_part("HEIM.TEST", heimdal.port);
    let both = krb5_conf(&mit.options, &mit.path(""), &realms, "");
    crate::realm::write(&mit.path("both.conf"), &both)?;
    let ours = Ours::new(suite, &mit.env.with("KRB5_CONFIG", mit.path("both.conf")))?;
    for (from, to) in [("CONFORM.TEST", "HEIM.TEST"), ("HEIM.TEST", "CONFORM.TEST")] {
        ours.kinit(&format!("alice@{from}"), PASSWORD).ok(&ours.env)?;
        ours.program("kvno")
            .args(&format!("HTTP/localhost@{to}"))
            .ok(&ours.env)?
            .prints(&[&format!("HTTP/localhost@{to}: kvno = ")])?;
        let listed = same_list(&ours)?;
        expect(
            listed.contains(&format!("krbtgt/{to}@{from}")),
            &format!("no cross-realm ticket: {listed}"),
        )?;
    }
    Ok(())
}

/// Heimdal's clients at our KDC; what they write ours reads, and the reverse.
fn its_clients(suite: &Suite) -> Result<(), String> {
    let heimdal = suite.shared.heimdal()?;
    let realm = Realm::start(&suite.bin, &Options::new(Side::Ours))?;
    let root = crate::heimdal::root()?;
    let env = crate::heimdal::with_libraries(&realm.env, &root)?;
    let password = realm.path("password");
    crate::realm::write(&password, &format!("{PASSWORD}\n"))?;
    heimdal
        .tool("kinit")?
        .arg(format!("--password-file={}", password.display()))
        .args("--forwardable --renewable alice")
        .ok(&env)?;
    heimdal.tool("kgetcred")?.args("HTTP/localhost").ok(&env)?;
    let ours = realm.ours("klist").args("-e -f").ok(&env)?;
    ours.prints(&[
        "Default principal: alice@CONFORM.TEST",
        "HTTP/localhost@CONFORM.TEST",
        "Flags: F",
    ])?;
    realm.ours("kvno").args("host/localhost").ok(&env)?;
    heimdal.tool("kgetcred")?.args("gss/localhost").ok(&env)?;
    realm.ours("kdestroy").ok(&env)?;
    // And the reverse: our cache, Heimdal's klist and kgetcred.
    realm
        .ours("kinit")
        .args("-f -r 2d alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&env)?;
    realm.ours("kvno").args("host/localhost").ok(&env)?;
    let its_klist = heimdal.tool("heimtools")?.args("klist -v");
    its_klist.ok(&env)?.prints(&[
        "Principal: alice@CONFORM.TEST",
        "Server: host/localhost@CONFORM.TEST",
        "forwardable",
    ])?;
    heimdal.tool("kgetcred")?.args("HTTP/localhost").ok(&env)?;
    heimdal.tool("kinit")?.args("--renew").ok(&env)?;
    realm.ours("kvno").args("gss/localhost").ok(&env)?;
    heimdal
        .tool("kinit")?
        .arg(format!("--keytab=FILE:{}", realm.path("alice.keytab").display()))
        .args("--use-keytab alice")
        .ok(&env)?;
    realm.ours("kvno").args("HTTP/localhost").ok(&env)?;
    heimdal.tool("kdestroy")?.ok(&env)?;
    realm.ours("klist").fails(&env)?;
    Ok(())
}

/// Our ktutil's keytab in Heimdal's ktutil, and Heimdal's in our klist; both log in with both.
fn keytabs(suite: &Suite) -> Result<(), String> {
    let heimdal = suite.shared.heimdal()?;
    let ours = Ours::new(suite, &heimdal.env)?;
    let path = heimdal.path("ours.keytab");
    ours.program("ktutil")
        .stdin(&format!(
            "add_entry -password -p bob -k 1 -e aes256-cts-hmac-sha1-96\nPassw0rd-bob\nwrite_kt {}\nquit\n",
            path.display()
        ))
        .ok(&ours.env)?;
    let ktutil = |path: &std::path::Path| {
        Ok::<_, String>(
            heimdal
                .tool("ktutil")?
                .args("-k")
                .arg(format!("FILE:{}", path.display())),
        )
    };
    ktutil(&path)?
        .args("list")
        .ok(&ours.env)?
        .prints(&["1", "aes256-cts-hmac-sha1-96", "bob@HEIM.TEST"])?;
    heimdal
        .tool("kinit")?
        .arg(format!("--keytab=FILE:{}", path.display()))
        .args("--use-keytab bob")
        .ok(&ours.env)?;
    ours.program("kinit")
        .args("-k -t")
        .arg(&path)
        .args("bob")
        .ok(&ours.env)?;
    let its = heimdal.path("its.keytab");
    ktutil(&its)?
        .args("add -p bob -V 1 -e aes128-cts-hmac-sha1-96 -w Passw0rd-bob")
        .ok(&ours.env)?;
    let listed = ours.program("klist").args("-k -e").arg(&its).ok(&ours.env)?;
    listed.prints(&["   1 bob@HEIM.TEST (aes128-cts-hmac-sha1-96)"])?;
    ours.program("kinit")
        .args("-k -t")
        .arg(&its)
        .args("bob")
        .ok(&ours.env)?;
    ours.program("klist")
        .args("-k -e")
        .arg(heimdal.path("service.keytab"))
        .ok(&ours.env)?;
    Ok(())
}
