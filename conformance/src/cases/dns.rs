//! KDCs and password servers from DNS: the records that Samba's domain controller publishes, asked of its own name server.

use super::{expect, full_case};
use crate::realm::{Side, write};
use crate::run::{Env, Program};
use crate::samba::{REALM, Samba};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let case = |name: &str, run: fn(&Samba) -> Result<(), String>| {
        full_case(name, move |suite: &Suite| run(suite.shared.samba(suite)?))
    };
    vec![
        case("dns: kinit, kvno and kpasswd without a kdc line, Samba", by_dns),
        case("dns: a realm that DNS does not know, Samba", unknown),
        case("dns: canonical names of hosts, Samba", canonical),
    ]
}

/// A krb5.conf that names no server.
fn without_servers(samba: &Samba, name: &str, libdefaults: &str) -> Result<Env, String> {
    let path = samba.path(name);
    write(
        &path,
        &format!(
            "[libdefaults]\n  {libdefaults}\n  default_realm = {REALM}\n  dns_lookup_realm = false\n  rdns = false\n\
             [domain_realm]\n  .ad.test = {REALM}\n  ad.test = {REALM}\n"
        ),
    )?;
    Ok(samba
        .env
        .with("KRB5_CONFIG", path)
        .with("KRB5CCNAME", format!("FILE:{}", samba.path("dns.cc").display())))
}

fn program(samba: &Samba, side: Side, name: &str) -> Program {
    match side {
        Side::Mit => samba.mit(name),
        Side::Ours => samba.ours(name),
    }
}

fn by_dns(samba: &Samba) -> Result<(), String> {
    for libdefaults in [
        "dns_uri_lookup = true",
        "dns_uri_lookup = false",
        "udp_preference_limit = 1",
    ] {
        let env = without_servers(samba, "dns.conf", libdefaults)?;
        for side in [Side::Mit, Side::Ours] {
            program(samba, side, "kinit")
                .args("-k -t")
                .arg(samba.path("keytabs/alice.keytab"))
                .args("alice")
                .ok(&env)?;
            program(samba, side, "kvno")
                .args("MSSQLSvc/sql.ad.test:1433")
                .ok(&env)?;
        }
    }
    // The password server's records are found: its policy refuses the new password.
    let env = without_servers(samba, "dns.conf", "")?;
    samba
        .ours("kpasswd")
        .args("bob")
        .stdin("wrong-password\nx\nx\n")
        .fails(&env)?
        .complains(&["Password incorrect"])?;
    let off = without_servers(samba, "off.conf", "dns_lookup_kdc = false")?;
    samba
        .ours("kinit")
        .args("alice")
        .stdin("x\n")
        .fails(&off)?
        .complains(&[
            "kinit: error: Cannot find KDC for realm \"AD.TEST\" while getting initial credentials\n",
            "  DNS was not asked: dns_lookup_kdc is false\n",
        ])?;
    Ok(())
}

fn unknown(samba: &Samba) -> Result<(), String> {
    let env = without_servers(samba, "dns.conf", "")?;
    let ended = samba
        .ours("kinit")
        .args("alice@NONE.AD.TEST")
        .stdin("x\n")
        .fails(&env)?;
    ended.complains(&[
        "kinit: error: Cannot find KDC for realm \"NONE.AD.TEST\" while getting initial credentials\n",
        "  DNS URI _kerberos.NONE.AD.TEST: no such name\n",
        "  DNS SRV _kerberos._udp.NONE.AD.TEST: no such name\n",
        "  DNS SRV _kerberos._tcp.NONE.AD.TEST: no such name\n",
    ])?;
    let mit = samba.mit("kinit").args("alice@NONE.AD.TEST").fails(&env)?;
    mit.complains(&["kinit: Cannot find KDC for realm \"NONE.AD.TEST\" while getting initial credentials"])?;
    Ok(())
}

/// The domain's own name is an alias of nothing, but it has the controller's address; both sides ask for the same name.
fn canonical(samba: &Samba) -> Result<(), String> {
    let env = without_servers(samba, "canonical.conf", "dns_canonicalize_hostname = true")?;
    let mut said = Vec::new();
    for side in [Side::Mit, Side::Ours] {
        program(samba, side, "kinit")
            .args("-k -t")
            .arg(samba.path("keytabs/alice.keytab"))
            .args("alice")
            .ok(&env)?;
        let ended = program(samba, side, "kvno")
            .args("-S host dc.ad.test")
            .run(&env)?;
        said.push(ended.stdout);
    }
    expect(
        said.first() == said.last(),
        &format!(
            "kvno -S host: MIT says {:?}, ours {:?}",
            said.first(),
            said.last()
        ),
    )
}
