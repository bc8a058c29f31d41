//! Collections of caches in a directory, written by one side and used by the other.

use super::{case, expect};
use crate::realm::{Options, PASSWORD, Realm, Side};
use crate::run::{Ended, Env, Program};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for writer in [Side::Mit, Side::Ours] {
        cases.push(case(
            &format!("collections: a directory filled by {writer:?}, used by the other"),
            move |s| directory(s, writer),
        ));
    }
    cases.push(case("collections: both sides print and exit alike", alike));
    cases
}

pub(super) fn of(realm: &Realm, side: Side, name: &str) -> Program {
    if side == Side::Mit {
        realm.mit(name)
    } else {
        realm.ours(name)
    }
}

pub(super) const BOTH: [Side; 2] = [Side::Mit, Side::Ours];

/// What both print to standard output is the same, and how they end.
pub(super) fn same(realm: &Realm, env: &Env, name: &str, args: &str) -> Result<Ended, String> {
    let [mit, ours] = BOTH.map(|side| of(realm, side, name).args(args).run(env));
    let (mit, ours) = (mit?, ours?);
    expect(
        mit.stdout == ours.stdout && mit.code == ours.code,
        &format!("{name} {args} differs:\n{mit}{ours}"),
    )?;
    Ok(ours)
}

pub(super) fn login(realm: &Realm, side: Side, env: &Env, who: &str, password: &str) -> Result<(), String> {
    of(realm, side, "kinit")
        .args(who)
        .stdin(&format!("{password}\n"))
        .ok(env)
        .map(drop)
}

/// A directory, filled by `writer`.
fn directory(suite: &Suite, writer: Side) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let folder = realm.path("tickets");
    let env = realm.env.with("KRB5CCNAME", format!("DIR:{}", folder.display()));
    shared(&realm, &env, writer)?;
    let left = std::fs::read_dir(&folder).map_err(|e| e.to_string())?.count();
    expect(left == 1, "only the file primary is left")
}

/// `writer` fills the collection; the other switches, adds and destroys; both list the same all along.
pub(super) fn shared(realm: &Realm, env: &Env, writer: Side) -> Result<(), String> {
    let other = if writer == Side::Mit {
        Side::Ours
    } else {
        Side::Mit
    };
    login(realm, writer, env, "alice", PASSWORD)?;
    login(realm, writer, env, "bob", "Passw0rd-bob")?;
    let listed = |first: &str| {
        let listing = same(realm, env, "klist", "-l")?;
        let primary = listing.stdout.lines().nth(2).unwrap_or_default();
        expect(
            primary.starts_with(first),
            &format!("{first} is not the primary: {listing}"),
        )?;
        for args in ["", "-A", "-A -e -f", "-s", "-A -s"] {
            same(realm, env, "klist", args)?;
        }
        Ok::<_, String>(listing.stdout)
    };
    expect(listed("bob@")?.lines().count() == 4, "klist -l lists two caches")?;
    of(realm, other, "kswitch").args("-p alice").ok(env)?;
    listed("alice@")?;
    of(realm, other, "kvno").args("HTTP/localhost").ok(env)?;
    of(realm, writer, "kvno").args("host/localhost").ok(env)?;
    listed("alice@")?;
    // The other's kinit finds bob's cache, and makes a further one for a service.
    login(realm, other, env, "bob", "Passw0rd-bob")?;
    expect(listed("bob@")?.lines().count() == 4, "bob's cache is used again")?;
    of(realm, other, "kinit").args("-k HTTP/localhost").ok(env)?;
    let three = listed("HTTP/localhost@")?;
    expect(three.lines().count() == 5, "klist -l lists three caches")?;
    // By its name, from the last line of the listing.
    let name = three
        .lines()
        .last()
        .and_then(|line| line.split_whitespace().nth(1));
    let name = name.ok_or("a cache's name")?;
    for side in BOTH {
        of(realm, side, "kswitch").args("-c").arg(name).ok(env)?;
        same(realm, env, "klist", "")?.prints(&[name])?;
    }
    of(realm, other, "kdestroy").args("-p alice").ok(env)?;
    of(realm, other, "kdestroy")
        .args("-p alice")
        .fails(env)?
        .complains(&["Matching credential not found while finding cache for alice"])?;
    of(realm, writer, "kswitch").args("-p bob").ok(env)?;
    of(realm, other, "kdestroy")
        .ok(env)?
        .complains(&["Other credential caches present, use -A to destroy all"])?;
    expect(
        same(realm, env, "klist", "-l")?.stdout.lines().count() == 3,
        "one cache is left",
    )?;
    of(realm, other, "kdestroy").args("-A").ok(env)?;
    same(realm, env, "klist", "-l")?;
    same(realm, env, "klist", "-A")?;
    Ok(())
}

/// Refusals and single caches.
fn alike(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    let folder = realm.path("tickets");
    let shown = folder.display();
    let env = realm.env.with("KRB5CCNAME", format!("DIR:{shown}"));
    same(&realm, &env, "klist", "-l")?;
    login(&realm, Side::Ours, &env, "alice", PASSWORD)?;
    for (program, args) in [
        ("kswitch", String::new()),
        ("kswitch", "-x".to_owned()),
        ("kswitch", "-c a b".to_owned()),
        ("kswitch", "-c a -p b".to_owned()),
        ("kswitch", "-p nobody".to_owned()),
        ("kswitch", "-c FILE:none".to_owned()),
        ("kswitch", "-c NONESUCH:none".to_owned()),
        ("kswitch", format!("-c DIR::{shown}/cc")),
        ("kswitch", format!("-c DIR::{shown}/tktlater")),
        ("klist", "-l".to_owned()),
        ("klist", "-l -s".to_owned()),
        ("klist", String::new()),
        ("klist", format!("DIR::{shown}/tkt")),
        ("klist", format!("DIR::{shown}/cc")),
        ("klist", format!("-A DIR:{shown}")),
        ("klist", "DIR:/nowhere/at/all".to_owned()),
        ("kdestroy", "-p nobody".to_owned()),
        ("kdestroy", "-A -p alice".to_owned()),
        ("kdestroy", format!("-c DIR::{shown}/tktlater")),
    ] {
        same(&realm, &env, program, &args)?;
    }
    // A primary file that holds nonsense: the collection is still listed.
    std::fs::write(folder.join("primary"), "nonsense\n").map_err(|e| e.to_string())?;
    same(&realm, &env, "klist", "")?;
    same(&realm, &env, "klist", "-l")?;
    // One cache of a directory, named by its file, takes no second principal.
    let env = realm.env.with("KRB5CCNAME", format!("DIR::{shown}/tkt"));
    for side in BOTH {
        of(&realm, side, "kinit")
            .args("bob")
            .stdin("Passw0rd-bob\n")
            .fails(&env)?
            .complains(&["default cache is not a directory collection while generating new ccache"])?;
    }
    // A file is a collection of one.
    let env = realm.env.with("KRB5CCNAME", format!("FILE:{shown}.cc"));
    same(&realm, &env, "klist", "-l")?;
    same(&realm, &env, "klist", "-A")?;
    login(&realm, Side::Ours, &env, "alice", PASSWORD)?;
    for (program, args) in [
        ("klist", "-l"),
        ("klist", "-A"),
        ("kswitch", "-p alice"),
        ("kswitch", "-p bob"),
        ("kdestroy", "-p bob"),
    ] {
        same(&realm, &env, program, args)?;
    }
    Ok(())
}
