//! A service acts for its users: S4U2Self at MIT's KDC with either database, S4U2Proxy with LDAP.

use super::{case, expect, full_case};
use crate::ldap_kdc::LdapKdc;
use crate::realm::{Options, Realm, Side};
use crate::realms::{Realms, mit_realms};
use crate::run::Env;
use crate::twins::Twins;
use crate::{Case, Suite};

const SERVICE: &str = "HTTP/localhost";

pub(super) fn cases() -> Vec<Case> {
    vec![
        case("s4u: S4U2Self at MIT's KDC, as MIT's kvno", s4u2self),
        case(
            "s4u: S4U2Self for a user of another realm, as MIT's kvno",
            other_realm,
        ),
        full_case(
            "s4u: S4U2Proxy at MIT's KDC with LDAP, granted and refused",
            s4u2proxy,
        ),
        full_case(
            "s4u: S4U2Proxy without protocol transition is refused",
            no_transition,
        ),
    ]
}

fn service_login(realm: &Realm, flags: &str) -> Result<(), String> {
    realm
        .ours("kinit")
        .args(flags)
        .args("-k -t")
        .arg(realm.path("service.keytab"))
        .args(SERVICE)
        .ok(&realm.env)?;
    Ok(())
}

fn twins<'a>(realm: &'a Realm, env: &'a Env) -> Twins<'a> {
    Twins {
        mit: realm.mit("kvno"),
        ours: realm.ours("kvno"),
        klist: realm.mit("klist"),
        env,
        cache: realm.path("cc"),
        dir: realm.path(""),
    }
}

fn s4u2self(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    service_login(&realm, "-f")?;
    let twins = twins(&realm, &realm.env);
    let keytab = realm.path("service.keytab");
    let valid = format!("-k {} -U alice {SERVICE}", keytab.display());
    let (granted, cache) = twins.agree(&valid)?;
    granted.prints(&["HTTP/localhost@CONFORM.TEST: kvno = 2, keytab entry valid"])?;
    for args in [
        "-I bob",
        "-I bob@CONFORM.TEST --out-cache %OUT%",
        "-q -U bob --no-store",
    ] {
        twins.agree(&format!("{args} {SERVICE}"))?;
    }
    // MIT's kvno takes ours from the cache.
    let env = realm.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    for program in [realm.mit("kvno"), realm.ours("kvno")] {
        program
            .args("--cached-only -I alice")
            .args(SERVICE)
            .ok(&env)?
            .prints(&["kvno = 2"])?;
    }
    realm
        .mit("klist")
        .ok(&env)?
        .prints(&["for client alice@CONFORM.TEST"])?;
    let (other, _) = twins.agree("-U alice host/localhost")?;
    other.complains(&["client and server principal names must match"])?;
    let (unknown, _) = twins.agree(&format!("-U nobody {SERVICE}"))?;
    unknown.complains(&["Client 'nobody@CONFORM.TEST' not found in Kerberos database"])?;
    // The database knows of no delegation.
    let (refused, _) = twins.agree("-I alice -P host/localhost")?;
    refused.complains(&["host/localhost@CONFORM.TEST: constrained delegation failed"])?;
    Ok(())
}

/// Whatever MIT's KDCs and client make of it, ours makes the same.
fn other_realm(suite: &Suite) -> Result<(), String> {
    let trust = [("A.TEST", "B.TEST"), ("B.TEST", "A.TEST")];
    let realms = Realms::start(&suite.bin, &mit_realms(&["A.TEST", "B.TEST"]), &trust)?;
    let first = realms.of("A.TEST")?;
    first
        .ours("kinit")
        .args("-f -k -t")
        .arg(first.path("service.keytab"))
        .args("HTTP/www.a.test")
        .ok(&realms.env)?;
    let twins = twins(first, &realms.env);
    for args in [
        "-I bob@B.TEST HTTP/www.a.test@A.TEST",
        "-I nobody@B.TEST HTTP/www.a.test@A.TEST",
        "-I bob@NO.WHERE HTTP/www.a.test@A.TEST",
    ] {
        twins.agree(args)?;
    }
    Ok(())
}

fn s4u2proxy(suite: &Suite) -> Result<(), String> {
    let ldap = LdapKdc::start(&suite.bin, &Options::new(Side::Mit))?;
    let realm = &ldap.realm;
    realm.kadmin("modprinc +ok_to_auth_as_delegate HTTP/localhost")?;
    ldap.delegate(SERVICE, &["host/localhost"])?;
    service_login(realm, "-f")?;
    let twins = twins(realm, &realm.env);
    let (granted, cache) = twins.agree("-U alice -P host/localhost")?;
    granted.prints(&["host/localhost@CONFORM.TEST: kvno = 2"])?;
    let env = realm.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    for program in [realm.mit("kvno"), realm.ours("kvno")] {
        program
            .args("--cached-only -I alice -P host/localhost")
            .ok(&env)?
            .prints(&["kvno = 2"])?;
    }
    // MIT's kvno puts the ticket into its own cache all the same; ours does as its manual says.
    let out = realm.path("out.cc");
    realm
        .ours("kvno")
        .args("-I bob -P --out-cache")
        .arg(&out)
        .args("host/localhost")
        .ok(&realm.env)?;
    realm.mit("klist").arg(&out).ok(&realm.env)?.prints(&[
        "Default principal: bob@CONFORM.TEST",
        "host/localhost@CONFORM.TEST",
    ])?;
    let own = realm.mit("klist").ok(&realm.env)?;
    expect(!own.stdout.contains("host/localhost"), "the own cache changed")?;
    let log = realm.log();
    expect(
        log.contains("CONSTRAINED-DELEGATION s4u-client=alice@CONFORM.TEST"),
        &format!("the KDC did not delegate: {log}"),
    )?;
    let (refused, _) = twins.agree("-U alice -P gss/localhost")?;
    refused.complains(&["gss/localhost@CONFORM.TEST: constrained delegation failed"])?;
    let (unknown, _) = twins.agree("-U alice -P host/nowhere")?;
    unknown.complains(&["host/nowhere@CONFORM.TEST: constrained delegation failed"])?;
    // Who may not be acted for.
    realm.kadmin("modprinc +disallow_forwardable bob")?;
    twins.agree("-U bob -P host/localhost")?;
    Ok(())
}

fn no_transition(suite: &Suite) -> Result<(), String> {
    let ldap = LdapKdc::start(&suite.bin, &Options::new(Side::Mit))?;
    let realm = &ldap.realm;
    ldap.delegate(SERVICE, &["host/localhost"])?;
    service_login(realm, "-f")?;
    let (refused, _) = twins(realm, &realm.env).agree("-U alice -P host/localhost")?;
    refused.complains(&["host/localhost@CONFORM.TEST: constrained delegation failed"])?;
    expect(refused.code == Some(1), "the KDC should have refused")
}
