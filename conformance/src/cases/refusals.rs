//! What goes wrong in daily use, against the other side's KDC: the message names the cause.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::free_port;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kdc in [Side::Mit, Side::Ours] {
        cases.push(case(
            &format!("refusals: wrong password, unknown names, {kdc:?} KDC"),
            move |s| names(s, kdc),
        ));
        cases.push(case(
            &format!("refusals: locked and expired principals, {kdc:?} KDC"),
            move |s| locked(s, kdc),
        ));
        cases.push(case(
            &format!("refusals: keytab with an old key, {kdc:?} KDC"),
            move |s| old_key(s, kdc),
        ));
    }
    cases.push(case(
        "refusals: unreachable KDC names each address and transport",
        unreachable,
    ));
    cases
}

fn names(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    realm
        .client("kinit")
        .args("alice")
        .stdin("wrong\n")
        .fails(&realm.env)?
        .complains(&["Password incorrect"])?;
    expect(!realm.path("cc").exists(), "a refused kinit left a cache behind")?;
    realm
        .client("kinit")
        .args("nobody")
        .stdin("x\n")
        .fails(&realm.env)?
        .complains(&["Client 'nobody@CONFORM.TEST' not found in Kerberos database"])?;
    realm
        .client("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm
        .client("kvno")
        .args("HTTP/nowhere")
        .fails(&realm.env)?
        .complains(&["Server HTTP/nowhere@CONFORM.TEST not found in Kerberos database"])?;
    // A user's own ticket for itself is given, by the default of pitfalls.md section 3 for another's not (ours only).
    realm
        .client("kvno")
        .args("alice@CONFORM.TEST")
        .ok(&realm.env)?
        .prints(&["alice@CONFORM.TEST: kvno = 1"])?;
    if kdc == Side::Ours {
        realm.client("kvno").args("bob@CONFORM.TEST").fails(&realm.env)?;
    }
    Ok(())
}

fn locked(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    realm.kadmin("addprinc -pw x-locked -allow_tix locked")?;
    realm.kadmin("addprinc -pw x-expired -expire 2001-01-01 expired")?;
    realm.kadmin("addprinc -pw x-nosvr -allow_svr nosvr")?;
    let refused = |name: &str| {
        realm
            .client("kinit")
            .args(name)
            .stdin(&format!("x-{name}\n"))
            .fails(&realm.env)
    };
    refused("locked")?.complains(&["credentials have been revoked"])?;
    refused("expired")?.complains(&["entry in database has expired"])?;
    realm
        .client("kinit")
        .args("nosvr")
        .stdin("x-nosvr\n")
        .ok(&realm.env)?;
    realm.client("kvno").args("nosvr").fails(&realm.env)?;
    Ok(())
}

fn old_key(suite: &Suite, kdc: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    realm.kadmin("change_password -pw Another-Passw0rd alice")?;
    realm
        .client("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"))
        .args("alice")
        .fails(&realm.env)?;
    realm
        .client("kinit")
        .args("alice")
        .stdin("Another-Passw0rd\n")
        .ok(&realm.env)?;
    realm
        .client("kvno")
        .args("alice@CONFORM.TEST")
        .ok(&realm.env)?
        .prints(&["kvno = 2"])?;
    Ok(())
}

fn unreachable(suite: &Suite) -> Result<(), String> {
    let mut options = Options::new(Side::Mit);
    options.libdefaults = "";
    let realm = Realm::files(&suite.bin, &options)?;
    let port = realm.port;
    expect(free_port()? != port, "the port of the realm was given away")?;
    let refused = realm.ours("kinit").args("alice").stdin("x\n").fails(&realm.env)?;
    refused.complains(&[
        "Cannot contact any KDC for realm 'CONFORM.TEST'",
        &format!("127.0.0.1:{port}"),
        "hint",
    ])?;
    let text = refused.stderr.to_lowercase();
    expect(
        text.contains("udp") && text.contains("tcp"),
        &format!("transports are not named: {refused}"),
    )
}
