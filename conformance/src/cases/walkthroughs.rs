//! What users type, line by line: the walkthroughs A1, A3 to A5, A7 and A10, as written.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "walkthrough A1, A3 to A5: a realm made by hand with our tools, MIT's client",
            make_realm,
        ),
        case(
            "walkthrough A7: kinit -C -c, kvno -c of one's own name, MIT's client",
            |s| own_ticket(s, Side::Ours),
        ),
        case(
            "walkthrough A7: kinit -C -c, kvno -c of one's own name, MIT's KDC",
            |s| own_ticket(s, Side::Mit),
        ),
        case(
            "walkthrough A10: kdestroy, kinit -R -k -t, klist -e and -k, MIT's client",
            |s| keytab_wins(s, Side::Ours),
        ),
        case(
            "walkthrough A10: kdestroy, kinit -R -k -t, klist -e and -k, MIT's KDC",
            |s| keytab_wins(s, Side::Mit),
        ),
        case(
            "administration beside a running KDC is seen at the next request",
            beside,
        ),
        case("krb5kdc stops on SIGTERM and keeps what it counted", stopped),
        case(
            "what kadmin.local acknowledged survives kill -9 of the KDC",
            killed,
        ),
    ]
}

/// A3: asks twice; A4: -q asks twice; A5: the prompt.
fn make_realm(suite: &Suite) -> Result<(), String> {
    let mut realm = Realm::files(&suite.bin, &Options::new(Side::Ours))?;
    realm
        .ours("kdb5_util")
        .args("-r CONFORM.TEST create -s")
        .stdin("master-secret\nmaster-secret\n")
        .ok(&realm.env)?
        .prints(&["Initializing database", "master key name 'K/M@CONFORM.TEST'"])?;
    realm
        .ours("kadmin.local")
        .args("-r CONFORM.TEST -q")
        .arg("addprinc admin/localhost")
        .stdin("admin-secret\nadmin-secret\n")
        .ok(&realm.env)?
        .prints(&["Principal \"admin/localhost@CONFORM.TEST\" created."])?;
    let keytab = realm.path("HTTP_host.keytab");
    let session = format!(
        "addprinc -randkey HTTP/localhost\nktadd -k {} -norandkey HTTP/localhost@CONFORM.TEST\n\
         addprinc alice\n{PASSWORD}\n{PASSWORD}\nlistprincs\nquit\n",
        keytab.display()
    );
    let said = realm
        .ours("kadmin.local")
        .args("-r CONFORM.TEST")
        .stdin(&session)
        .ok(&realm.env)?;
    said.prints(&[
        "Principal \"HTTP/localhost@CONFORM.TEST\" created.",
        "Entry for principal HTTP/localhost@CONFORM.TEST with kvno 1, encryption type aes256-cts-hmac-sha384-192 added to keytab",
        "Principal \"alice@CONFORM.TEST\" created.",
        "K/M@CONFORM.TEST",
        "krbtgt/CONFORM.TEST@CONFORM.TEST",
    ])?;
    realm.start_kdc()?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm
        .mit("kvno")
        .args("-k")
        .arg(&keytab)
        .args("HTTP/localhost")
        .ok(&realm.env)?
        .prints(&["kvno = 1", "valid"])?;
    // A second create does not overwrite the first.
    realm
        .ours("kdb5_util")
        .args("-r CONFORM.TEST create -s -P other")
        .fails(&realm.env)?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    Ok(())
}

fn own_ticket(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let cache = realm.path("krb5cc");
    let kinit = realm
        .client("kinit")
        .args("-C -c")
        .arg(&cache)
        .args("alice@CONFORM.TEST");
    kinit.stdin(&format!("{PASSWORD}\n")).ok(&realm.env)?;
    let kvno = realm
        .client("kvno")
        .args("-c")
        .arg(&cache)
        .args("alice@CONFORM.TEST")
        .ok(&realm.env)?;
    expect(
        kvno.stdout == "alice@CONFORM.TEST: kvno = 1\n",
        &format!("kvno printed otherwise: {kvno}"),
    )
}

fn keytab_wins(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let keytab = realm.path("alice.keytab");
    realm
        .client("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm.client("kdestroy").ok(&realm.env)?;
    realm
        .client("klist")
        .fails(&realm.env)?
        .complains(&["No credentials cache found"])?;
    realm
        .client("kinit")
        .args("-R -k -t")
        .arg(&keytab)
        .args("alice@CONFORM.TEST")
        .ok(&realm.env)?;
    realm
        .client("klist")
        .args("-e")
        .ok(&realm.env)?
        .prints(&["Etype (skey, tkt): aes256-cts-hmac-"])?;
    let listed = realm.client("klist").args("-k").arg(&keytab).ok(&realm.env)?;
    listed.prints(&[
        "Keytab name: FILE:",
        "KVNO Principal\n---- ---",
        "   1 alice@CONFORM.TEST",
    ])?;
    Ok(())
}

/// addprinc, ktadd and change_password through kadmin.local while krb5kdc runs.
fn beside(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Ours))?;
    realm
        .kadmin("addprinc -pw carol-secret carol")?
        .prints(&["Principal \"carol@CONFORM.TEST\" created."])?;
    realm
        .mit("kinit")
        .args("carol")
        .stdin("carol-secret\n")
        .ok(&realm.env)?;
    realm.kadmin("change_password -pw carol-second carol")?;
    realm
        .mit("kinit")
        .args("carol")
        .stdin("carol-secret\n")
        .fails(&realm.env)?
        .complains(&["Password incorrect"])?;
    realm
        .mit("kinit")
        .args("carol")
        .stdin("carol-second\n")
        .ok(&realm.env)?;
    let keytab = realm.path("carol.keytab");
    realm
        .kadmin(&format!("ktadd -k {} carol", keytab.display()))?
        .prints(&["kvno 3"])?;
    realm
        .mit("kinit")
        .args("-k -t")
        .arg(&keytab)
        .args("carol")
        .ok(&realm.env)?;
    realm.kadmin("delprinc -force carol")?;
    realm
        .mit("kinit")
        .args("-k -t")
        .arg(&keytab)
        .args("carol")
        .fails(&realm.env)?
        .complains(&["not found in"])?;
    let log = realm.log();
    expect(
        log.contains("ISSUE") && log.contains("carol@CONFORM.TEST"),
        &format!("no audit line in the log: {log}"),
    )
}

/// Asked to stop, it stops by itself, and what it counted is kept.
fn stopped(suite: &Suite) -> Result<(), String> {
    let mut realm = Realm::start(&suite.bin, &Options::new(Side::Ours))?;
    realm
        .mit("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    let mut kdc = realm.kdc.take().ok_or("no KDC")?;
    let code = kdc.terminate()?;
    expect(code == Some(0), &format!("krb5kdc ended with {code:?}"))?;
    let shown = realm.kadmin("getprinc alice")?;
    shown.prints(&["Last successful authentication: "])?;
    expect(
        !shown.stdout.contains("Last successful authentication: [never]"),
        &format!("the login is lost: {shown}"),
    )
}

fn killed(suite: &Suite) -> Result<(), String> {
    let mut realm = Realm::start(&suite.bin, &Options::new(Side::Ours))?;
    for round in 0..3 {
        let name = format!("user{round}");
        realm.kadmin(&format!("addprinc -pw secret-{round} {name}"))?;
        if let Some(kdc) = realm.kdc.take() {
            kdc.kill();
        }
        realm.start_kdc()?;
        for earlier in 0..=round {
            let password = format!("secret-{earlier}\n");
            realm
                .mit("kinit")
                .args(&format!("user{earlier}"))
                .stdin(&password)
                .ok(&realm.env)?;
        }
    }
    Ok(())
}
