//! MIT's KDC with its LDAP database: the usual tickets, and constrained delegation as MIT's own client gets it.

use super::full_case;
use crate::ldap_kdc::LdapKdc;
use crate::realm::{Options, PASSWORD, Side};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        full_case(
            "ldap: password, keytab and service tickets, MIT's KDC with LDAP",
            login,
        ),
        full_case("ldap: MIT's client gets and is refused S4U2Proxy tickets", peers),
    ]
}

fn login(suite: &Suite) -> Result<(), String> {
    let ldap = LdapKdc::start(&suite.bin, &Options::new(Side::Mit))?;
    let realm = &ldap.realm;
    realm
        .ours("kinit")
        .args("-r 1d alice")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realm.env)?;
    realm
        .ours("kvno")
        .args("HTTP/localhost")
        .ok(&realm.env)?
        .prints(&["HTTP/localhost@CONFORM.TEST: kvno = 2"])?;
    realm.ours("kinit").args("-R").ok(&realm.env)?;
    realm
        .ours("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"))
        .args("alice")
        .ok(&realm.env)?;
    Ok(())
}

/// Shows that the setup of s4u.rs grants and refuses.
fn peers(suite: &Suite) -> Result<(), String> {
    let ldap = LdapKdc::start(&suite.bin, &Options::new(Side::Mit))?;
    let realm = &ldap.realm;
    realm.kadmin("modprinc +ok_to_auth_as_delegate HTTP/localhost")?;
    ldap.delegate("HTTP/localhost", &["host/localhost"])?;
    realm
        .mit("kinit")
        .args("-f -k -t")
        .arg(realm.path("service.keytab"))
        .args("HTTP/localhost")
        .ok(&realm.env)?;
    let proxy = |target: &str| {
        realm
            .mit("kvno")
            .args("-U alice -P -k")
            .arg(realm.path("service.keytab"))
            .args(target)
    };
    proxy("host/localhost").ok(&realm.env)?;
    proxy("gss/localhost")
        .fails(&realm.env)?
        .complains(&["constrained delegation failed"])?;
    Ok(())
}
