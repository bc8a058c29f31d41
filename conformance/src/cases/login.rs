//! kinit, klist and kvno of one side against the KDC of the other: password and keytab, UDP and TCP, each enctype.

use super::{case, expect, full_case};
use crate::realm::{Options, PASSWORD, Realm, Side, Transport};
use crate::{Case, Suite};

/// Name, `supported_enctypes`, and the line that makes the client use no other.
const ENCTYPES: &[(&str, &str, &str)] = &[
    (
        "aes256-cts-hmac-sha1-96",
        "aes256-cts-hmac-sha1-96:normal",
        "permitted_enctypes = aes256-cts-hmac-sha1-96",
    ),
    (
        "aes128-cts-hmac-sha1-96",
        "aes128-cts-hmac-sha1-96:normal",
        "permitted_enctypes = aes128-cts-hmac-sha1-96",
    ),
    (
        "aes256-cts-hmac-sha384-192",
        "aes256-cts-hmac-sha384-192:normal",
        "permitted_enctypes = aes256-cts-hmac-sha384-192",
    ),
    (
        "aes128-cts-hmac-sha256-128",
        "aes128-cts-hmac-sha256-128:normal",
        "permitted_enctypes = aes128-cts-hmac-sha256-128",
    ),
];

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    for kdc in [Side::Mit, Side::Ours] {
        for transport in [Transport::Udp, Transport::Tcp] {
            let options = Options {
                transport,
                ..Options::new(kdc)
            };
            let name = format!(
                "login: {} client, {kdc:?} KDC, {transport:?}, default enctypes",
                other(kdc)
            );
            cases.push(case(&name, move |suite| login(suite, &options, None)));
            for &(enctype, enctypes, libdefaults) in ENCTYPES {
                let options = Options {
                    enctypes,
                    libdefaults,
                    transport,
                    ..Options::new(kdc)
                };
                let name = format!(
                    "login: {} client, {kdc:?} KDC, {transport:?}, {enctype}",
                    other(kdc)
                );
                let run = move |suite: &Suite| login(suite, &options, Some(enctype));
                let every_run = transport == Transport::Udp;
                cases.push(if every_run {
                    case(&name, run)
                } else {
                    full_case(&name, run)
                });
            }
        }
        cases.push(case(
            &format!("login: renewal, {} client, {kdc:?} KDC", other(kdc)),
            move |suite| renewal(suite, &Options::new(kdc)),
        ));
        cases.push(case(
            &format!("login: requested lifetime, {} client, {kdc:?} KDC", other(kdc)),
            move |suite| lifetime(suite, &Options::new(kdc)),
        ));
    }
    cases
}

fn other(kdc: Side) -> &'static str {
    if kdc == Side::Mit { "our" } else { "MIT's" }
}

/// By password and by keytab: a TGT, a service ticket, and both shown with their enctypes.
fn login(suite: &Suite, options: &Options, enctype: Option<&str>) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, options)?;
    realm
        .client("kinit")
        .args("alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    service_ticket(&realm, enctype)?;
    realm.client("kdestroy").ok(&realm.env)?;
    expect(!realm.path("cc").exists(), "kdestroy left the cache behind")?;
    realm
        .client("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"))
        .args("alice")
        .ok(&realm.env)?;
    service_ticket(&realm, enctype)
}

fn service_ticket(realm: &Realm, enctype: Option<&str>) -> Result<(), String> {
    let kvno = realm.client("kvno").args("HTTP/localhost").ok(&realm.env)?;
    // ktadd made the second key.
    kvno.prints(&["HTTP/localhost@CONFORM.TEST: kvno = 2"])?;
    for side in [Side::Mit, Side::Ours] {
        let klist = if side == Side::Mit {
            realm.mit("klist")
        } else {
            realm.ours("klist")
        };
        let listed = klist.args("-e").ok(&realm.env)?;
        listed.prints(&[
            "Default principal: alice@CONFORM.TEST",
            "krbtgt/CONFORM.TEST@CONFORM.TEST",
            "HTTP/localhost@CONFORM.TEST",
            "Etype (skey, tkt): ",
        ])?;
        if let Some(enctype) = enctype {
            listed.prints(&[&format!("Etype (skey, tkt): {enctype}, {enctype}")])?;
        }
    }
    realm.mit("klist").args("-s").ok(&realm.env)?;
    realm.ours("klist").args("-s").ok(&realm.env)?;
    Ok(())
}

fn renewal(suite: &Suite, options: &Options) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, options)?;
    realm
        .client("kinit")
        .args("-l 1h -r 2d alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    let before = realm.client("klist").args("-f").ok(&realm.env)?;
    before.prints(&["renew until ", "Flags: ", "R"])?;
    realm.client("kinit").args("-R").ok(&realm.env)?;
    let after = realm.client("klist").args("-f").ok(&realm.env)?;
    after.prints(&["renew until "])?;
    realm.client("kvno").args("HTTP/localhost").ok(&realm.env)?;
    // A ticket that is not renewable is refused.
    realm
        .client("kinit")
        .args("-l 1h alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm
        .client("kinit")
        .args("-R")
        .fails(&realm.env)?
        .complains(&["KDC can't fulfill requested option"])?;
    Ok(())
}

/// The two clients ask for the same times and get the same times.
fn lifetime(suite: &Suite, options: &Options) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, options)?;
    for (flags, shown) in [("-l 30m -f", "FI"), ("-l 100h -F -p", "PRI")] {
        realm
            .client("kinit")
            .args(flags)
            .args("alice")
            .stdin(&format!("{PASSWORD}\n"))
            .ok(&realm.env)?;
        let ours = realm.ours("klist").args("-f").ok(&realm.env)?;
        let mit = realm.mit("klist").args("-f").ok(&realm.env)?;
        expect(
            ours.stdout == mit.stdout,
            &format!("klist -f differs: ours {ours} MIT's {mit}"),
        )?;
        ours.prints(&[&format!("Flags: {shown}")])?;
    }
    Ok(())
}
