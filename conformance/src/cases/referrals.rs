//! Client referrals (RFC 6806 section 7): Samba's KDC sends a client that it does not know to the realm of its enterprise
//! name, where an MIT KDC gives the ticket.

use super::{expect, full_case};
use crate::realm::{Options, Realm, Side, realm_part, write};
use crate::run::{Env, Program, Server};
use crate::samba::Samba;
use crate::{Case, Suite};

const ELSEWHERE: &str = "ELSEWHERE.TEST";

pub(super) fn cases() -> Vec<Case> {
    vec![full_case(
        "referrals: an enterprise name leads from Samba's KDC to MIT's",
        |suite| enterprise(suite, suite.shared.samba(suite)?),
    )]
}

/// MIT's KDC of ELSEWHERE.TEST beside the domain controller, and the clients' environment, whose default realm is the
/// domain's.
fn elsewhere(suite: &Suite, samba: &Samba) -> Result<(Realm, Server, Env), String> {
    let trust = Program::new("/usr/bin/python3")
        .arg(suite.peers.join("samba_trust.py"))
        .arg(samba.path("etc/smb.conf"))
        .args(ELSEWHERE);
    samba.inside(trust).ok(&samba.env)?;
    let options = Options {
        kadmin: "addprinc -pw Passw0rd-carl +requires_preauth carl\\@elsewhere.test\n".to_owned(),
        ..Options::named(Side::Mit, ELSEWHERE)
    };
    let realm = Realm::files(&suite.bin, &options)?;
    realm.populate()?;
    let knock = Program::new("/bin/bash")
        .args("-c")
        .arg(format!("exec 3<>/dev/tcp/127.0.0.1/{}", realm.port));
    let knock = samba.inside(knock);
    let answers = || knock.run(&samba.env).is_ok_and(|ended| ended.code == Some(0));
    let kdc = realm.tool("krb5kdc").args("-n -r").args(ELSEWHERE);
    let kdc = Server::start("krb5kdc", &samba.inside(kdc), &realm.env, &answers)?;
    let conf = std::fs::read_to_string(samba.path("krb5.conf")).map_err(|e| e.to_string())?;
    let here = format!("[realms]\n{}", realm_part(ELSEWHERE, realm.port));
    write(
        &samba.path("referrals.conf"),
        &conf.replacen("[realms]\n", &here, 1),
    )?;
    let env = samba
        .env
        .with("KRB5_CONFIG", samba.path("referrals.conf"))
        .with("KRB5CCNAME", format!("FILE:{}", samba.path("referred").display()));
    Ok((realm, kdc, env))
}

fn enterprise(suite: &Suite, samba: &Samba) -> Result<(), String> {
    let (realm, kdc, env) = elsewhere(suite, samba)?;
    let mut lists = Vec::new();
    for kinit in [samba.mit("kinit"), samba.ours("kinit")] {
        let kinit = kinit.args("-E carl@elsewhere.test");
        kinit.stdin("Passw0rd-carl\n").ok(&env)?;
        let listed = samba.mit("klist").ok(&env)?.stdout;
        expect(
            listed.contains("krbtgt/ELSEWHERE.TEST@ELSEWHERE.TEST"),
            &format!("the ticket is not of {ELSEWHERE}: {listed}"),
        )?;
        let principal = listed
            .lines()
            .find(|line| line.starts_with("Default principal: "));
        lists.push(principal.map(str::to_owned));
    }
    expect(
        lists.first() == lists.last(),
        &format!("MIT's client and ours have other names: {lists:?}"),
    )?;
    let wrong = samba
        .ours("kinit")
        .args("-E carl@elsewhere.test")
        .stdin("wrong\n");
    wrong.fails(&env)?.complains(&["Password incorrect"])?;
    // Without leave to know the client by another name it is not sent on.
    let refused = samba.ours("kinit").args("carl@AD.TEST").stdin("Passw0rd-carl\n");
    refused.fails(&env)?;
    // Whom the other realm does not know either is refused there.
    let nobody = samba.ours("kinit").args("-E nobody@elsewhere.test").stdin("x\n");
    nobody
        .fails(&env)?
        .complains(&["not found in Kerberos database", ELSEWHERE])?;
    kdc.kill();
    drop(realm);
    Ok(())
}
