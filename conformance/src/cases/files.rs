//! Credential caches and keytabs written by one side and used by the other.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::Program;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kdc in [Side::Mit, Side::Ours] {
        for writer in [Side::Mit, Side::Ours] {
            cases.push(case(
                &format!("files: cache written by {writer:?}, used by the other, {kdc:?} KDC"),
                move |s| cache(s, kdc, writer),
            ));
        }
    }
    for writer in [Side::Mit, Side::Ours] {
        cases.push(case(
            &format!("files: keytab written by {writer:?}'s ktadd, used by both"),
            move |s| keytab(s, writer),
        ));
    }
    cases
}

fn of(realm: &Realm, side: Side, name: &str) -> Program {
    if side == Side::Mit {
        realm.mit(name)
    } else {
        realm.ours(name)
    }
}

fn another(side: Side) -> Side {
    if side == Side::Mit { Side::Ours } else { Side::Mit }
}

/// `writer` logs in; the other lists it, adds a ticket; `writer` still reads all of it.
fn cache(suite: &Suite, kdc: Side, writer: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(kdc))?;
    let reader = another(writer);
    of(&realm, writer, "kinit")
        .args("-f -r 2d alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    of(&realm, reader, "kvno").args("HTTP/localhost").ok(&realm.env)?;
    of(&realm, writer, "kvno").args("host/localhost").ok(&realm.env)?;
    let listed = |side| of(&realm, side, "klist").args("-e -f").ok(&realm.env);
    let (first, second) = (listed(writer)?, listed(reader)?);
    expect(
        first.stdout == second.stdout,
        &format!("klist -e -f differs: {first}{second}"),
    )?;
    first.prints(&[
        "HTTP/localhost@CONFORM.TEST",
        "host/localhost@CONFORM.TEST",
        "Flags: F",
    ])?;
    // The ticket is there: neither side asks the KDC again.
    let mut realm = realm;
    drop(realm.kdc.take());
    for side in [writer, reader] {
        of(&realm, side, "kvno")
            .args("HTTP/localhost host/localhost")
            .ok(&realm.env)?;
    }
    of(&realm, reader, "kinit")
        .args("-R")
        .fails(&realm.env)?
        .complains(&["Cannot contact any KDC for realm"])?;
    Ok(())
}

/// The KDC is `writer`'s, since its kadmin.local writes the keytab.
fn keytab(suite: &Suite, writer: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(writer))?;
    let path = realm.path("both.keytab");
    realm.kadmin(&format!(
        "ktadd -k {} -norandkey bob HTTP/localhost",
        path.display()
    ))?;
    let mut lists = Vec::new();
    for side in [Side::Mit, Side::Ours] {
        let listed = of(&realm, side, "klist")
            .args("-k -e")
            .arg(&path)
            .ok(&realm.env)?;
        listed.prints(&[
            "bob@CONFORM.TEST (aes256-cts-hmac-sha384-192)",
            "   2 HTTP/localhost@CONFORM.TEST",
        ])?;
        lists.push(listed.stdout);
        of(&realm, side, "kinit")
            .args("-k -t")
            .arg(&path)
            .args("bob")
            .ok(&realm.env)?;
        // The service's keys are its ticket's.
        of(&realm, side, "kvno")
            .args("-k")
            .arg(&path)
            .args("HTTP/localhost")
            .ok(&realm.env)?
            .prints(&["kvno = 2"])?;
    }
    expect(
        lists.first() == lists.last(),
        &format!("klist -k -e differs: {lists:?}"),
    )
}
