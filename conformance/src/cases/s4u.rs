//! A service acts for its users: S4U2Self at MIT's KDC with either database, S4U2Proxy with LDAP.

use std::sync::Arc;

use kerbside_asn1::{AddressType, Principal, TicketFlags};
use kerbside_client::{CacheName, Client, Config, Environment, ServiceTicketOptions};
use kerbside_formats::CredentialCache;

use super::{case, expect, full_case};
use crate::ldap_kdc::LdapKdc;
use crate::realm::{Options, PASSWORD, Realm, Side};
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
        full_case(
            "s4u: S4U2Proxy with a user's own ticket, and forwarded TGTs, by the library",
            evidence,
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
    // The KDC here refers nobody's ticket to another realm; MIT's own kvno asks the other realm's KDC with a TGT of this.
    first
        .ours("kvno")
        .args("-I alice -P HTTP/www.b.test@B.TEST")
        .fails(&realms.env)?
        .complains(&[
            "the KDC of A.TEST refused HTTP/www.a.test@A.TEST a ticket for HTTP/www.b.test@A.TEST",
        ])?;
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

/// The library: a user's own ticket for the service is evidence enough, and a forwarded TGT works elsewhere.
fn evidence(suite: &Suite) -> Result<(), String> {
    let ldap = LdapKdc::start(&suite.bin, &Options::new(Side::Mit))?;
    let realm = &ldap.realm;
    ldap.delegate(SERVICE, &["host/localhost"])?;
    service_login(realm, "-f")?;
    let text = std::fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let config = Config::from_text(&text, "krb5.conf", Environment::default()).map_err(words)?;
    let client = Client::new(Arc::new(config));
    let name = |text: &str| client.config().parse_principal(text).map_err(words);
    let options = ServiceTicketOptions::default();
    let (own, alices) = (realm.path("cc"), realm.path("alice.cc"));
    let (own, alices) = (CacheName::File(own), CacheName::File(alices));
    for (flags, forwardable) in [("-f", true), ("-F", false)] {
        realm
            .ours("kinit")
            .args(&format!("{flags} -c {alices} alice"))
            .stdin(&format!("{PASSWORD}\n"))
            .ok(&realm.env)?;
        let evidence = client
            .get_service_ticket(&alices, &name(SERVICE)?, &options)
            .map_err(words)?
            .credential;
        let proxied = client.s4u2proxy(&own, &name("host/localhost")?, &evidence, &options);
        match proxied {
            Ok(ticket) if forwardable => expect(
                ticket.credential.client == name("alice")?
                    && ticket.credential.server == name("host/localhost")?,
                "the ticket is another one",
            )?,
            Err(_) if !forwardable => {}
            other => {
                return Err(format!(
                    "evidence that is forwardable: {forwardable}, but found {other:?}"
                ));
            }
        }
        forwarded(&client, &alices, forwardable)?;
    }
    Ok(())
}

fn words(error: kerbside_client::Error) -> String {
    error.to_string()
}

/// A forwardable TGT can be forwarded, with an address and without; what is forwarded is good for tickets.
fn forwarded(client: &Client, cache: &CacheName, forwardable: bool) -> Result<(), String> {
    let here = (AddressType::IPV4, vec![127, 0, 0, 1]);
    for addresses in [vec![], vec![here]] {
        let tgt = match client.forward(cache, addresses.clone()) {
            Ok(tgt) if forwardable => tgt.credential,
            Err(_) if !forwardable => continue,
            other => return Err(format!("forwardable: {forwardable}, but found {other:?}")),
        };
        expect(
            tgt.flags.contains(TicketFlags::FORWARDED) && tgt.addresses == addresses,
            "the forwarded ticket is another one",
        )?;
        let memory = CacheName::Memory("forwarded".to_owned());
        let mut there = CredentialCache::new(tgt.client.clone());
        let realm = tgt.server.realm.clone();
        there.add(tgt);
        client.store().initialize(&memory, &there).map_err(words)?;
        let service = Principal::new(&realm, &["HTTP", "localhost"]);
        client
            .get_service_ticket(&memory, &service, &ServiceTicketOptions::default())
            .map_err(words)?;
    }
    Ok(())
}
