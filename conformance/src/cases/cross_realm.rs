//! Services of other realms: MIT's KDCs, our kvno, and MIT's kvno with the same cache.

use super::{case, expect};
use crate::realm::PASSWORD;
use crate::realms::{Realms, mit_realms};
use crate::run::Env;
use crate::twins::Twins;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "cross-realm: one hop, granted and refused, as MIT's kvno",
            one_hop,
        ),
        case(
            "cross-realm: two hops by capaths, tickets kept as MIT keeps them",
            capaths,
        ),
        case(
            "cross-realm: two hops up and down the hierarchy of names",
            hierarchy,
        ),
        case("cross-realm: the client's KDC says where a service is", referrals),
        case("cross-realm: a host's name by krb5.conf", host_names),
    ]
}

/// alice of the first realm, logged in by ours.
fn login(realms: &Realms) -> Result<(), String> {
    let first = realms.all.first().ok_or("no realm")?;
    realms
        .ours("kinit")?
        .args(&format!("-f alice@{}", first.options.realm))
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&realms.env)?;
    Ok(())
}

fn twins<'a>(realms: &'a Realms, env: &'a Env) -> Result<Twins<'a>, String> {
    let first = realms.all.first().ok_or("no realm")?;
    Ok(Twins {
        mit: realms.mit("kvno")?,
        ours: realms.ours("kvno")?,
        klist: realms.mit("klist")?,
        env,
        cache: first.path("cc"),
        dir: first.path(""),
    })
}

fn one_hop(suite: &Suite) -> Result<(), String> {
    let realms = Realms::start(
        &suite.bin,
        &mit_realms(&["A.TEST", "B.TEST", "C.TEST"]),
        &[("A.TEST", "B.TEST")],
    )?;
    login(&realms)?;
    let twins = twins(&realms, &realms.env)?;
    let (granted, cache) = twins.agree("HTTP/www.b.test@B.TEST -S host www.b.test")?;
    granted.prints(&["host/www.b.test@B.TEST: kvno = 2"])?;
    // What ours kept, MIT's uses: no KDC of A is asked again.
    let asked = |realms: &Realms| {
        realms
            .of("A.TEST")
            .map(|realm| realm.log().matches("TGS_REQ").count())
    };
    let before = asked(&realms)?;
    let env = realms.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    realms.mit("kvno")?.args("HTTP/localhost@B.TEST").ok(&env)?;
    realms.ours("kvno")?.args("gss/localhost@B.TEST").ok(&env)?;
    expect(
        before == asked(&realms)?,
        "the TGT of B.TEST in the cache was not used",
    )?;
    // No such service there, no such trust, and no such realm.
    for service in ["HTTP/nowhere@B.TEST", "HTTP/www.c.test@C.TEST", "HTTP/x@NO.WHERE"] {
        let (refused, _) = twins.agree(service)?;
        refused.complains(&["not found in Kerberos database while getting credentials for"])?;
    }
    // The other direction was never granted.
    realms
        .ours("kinit")?
        .args("alice@B.TEST")
        .stdin(&format!("{PASSWORD}\n"))
        .ok(&env)?;
    realms
        .ours("kvno")?
        .args("HTTP/www.a.test@A.TEST")
        .fails(&env)?
        .complains(&[
            "Server krbtgt/A.TEST@B.TEST not found in Kerberos database while getting credentials for \
             HTTP/www.a.test@A.TEST",
            "kvno: hint: realm B.TEST shares no key with realm A.TEST",
        ])?;
    Ok(())
}

fn capaths(suite: &Suite) -> Result<(), String> {
    let mut options = mit_realms(&["A.TEST", "HUB.ORG", "C.NET"]);
    for options in &mut options {
        options.krb5_conf = "[capaths]\n  A.TEST = {\n    C.NET = HUB.ORG\n    HUB.ORG = .\n  }\n".to_owned();
    }
    let trust = [("A.TEST", "HUB.ORG"), ("HUB.ORG", "C.NET")];
    let realms = Realms::start(&suite.bin, &options, &trust)?;
    login(&realms)?;
    let twins = twins(&realms, &realms.env)?;
    let (granted, cache) = twins.agree("-S HTTP www.c.net")?;
    granted.prints(&["HTTP/www.c.net@C.NET: kvno = 2"])?;
    let env = realms.env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
    realms
        .ours("klist")?
        .ok(&env)?
        .prints(&["krbtgt/C.NET@HUB.ORG", "HTTP/www.c.net@C.NET"])?;
    let log = realms.of("C.NET")?.log();
    expect(
        log.contains("alice@A.TEST for HTTP/www.c.net@C.NET"),
        "the last KDC did not see the client of the first",
    )
}

fn hierarchy(suite: &Suite) -> Result<(), String> {
    let names = ["A.ORG.TEST", "ORG.TEST", "B.ORG.TEST"];
    let trust = [("A.ORG.TEST", "ORG.TEST"), ("ORG.TEST", "B.ORG.TEST")];
    let realms = Realms::start(&suite.bin, &mit_realms(&names), &trust)?;
    login(&realms)?;
    let twins = twins(&realms, &realms.env)?;
    for service in ["HTTP/www.b.org.test@B.ORG.TEST", "HTTP/www.org.test@ORG.TEST"] {
        twins.agree(service)?.0.prints(&[": kvno = 2"])?;
    }
    let (refused, _) = twins.agree("HTTP/x@C.ORG.TEST")?;
    refused.complains(&["Server krbtgt/C.ORG.TEST@ORG.TEST not found in Kerberos database"])?;
    Ok(())
}

fn referrals(suite: &Suite) -> Result<(), String> {
    let trust = [("A.TEST", "B.TEST"), ("B.TEST", "A.TEST")];
    let realms = Realms::start(&suite.bin, &mit_realms(&["A.TEST", "B.TEST"]), &trust)?;
    login(&realms)?;
    let twins = twins(&realms, &realms.untold)?;
    for (args, printed) in [
        ("HTTP/www.b.test@", "HTTP/www.b.test@: kvno = 2"),
        ("-S HTTP www.b.test www.a.test", "HTTP/www.a.test@: kvno = 2"),
        (
            "--out-cache %OUT% -S host www.b.test",
            "host/www.b.test@: kvno = 2",
        ),
    ] {
        twins.agree(args)?.0.prints(&[printed])?;
    }
    // The realm of the host's domain is tried last.
    let (refused, _) = twins.agree("-S HTTP nowhere.c.test")?;
    refused.complains(&[
        "tried HTTP/nowhere.c.test@: the KDC of A.TEST does not know HTTP/nowhere.c.test@A.TEST",
        "tried HTTP/nowhere.c.test@C.TEST (the realm by the host's domain): the KDC of A.TEST does not know \
         krbtgt/C.TEST@A.TEST",
        "host nowhere.c.test as typed; no realm of it in [domain_realm]",
    ])?;
    let (gone, _) = twins.agree("-S HTTP gone.b.test")?;
    gone.complains(&["Server HTTP/gone.b.test@B.TEST not found in Kerberos database"])?;
    Ok(())
}

fn host_names(suite: &Suite) -> Result<(), String> {
    let realms = Realms::start(&suite.bin, &mit_realms(&["A.TEST"]), &[])?;
    login(&realms)?;
    let first = realms.of("A.TEST")?;
    let text = std::fs::read_to_string(first.path("clients.conf")).map_err(|e| e.to_string())?;
    for (name, canonicalize, shortname) in [
        ("yes", "true", "a.test"),
        ("no", "false", "a.test"),
        ("fallback", "fallback", "a.test"),
        ("none", "false", "\"\""),
    ] {
        let changed = text
            .replace(
                "dns_canonicalize_hostname = false",
                &format!("dns_canonicalize_hostname = {canonicalize}"),
            )
            .replace(
                "qualify_shortname = \"\"",
                &format!("qualify_shortname = {shortname}"),
            );
        let path = first.path(name);
        std::fs::write(&path, changed).map_err(|e| e.to_string())?;
        let env = realms.env.with("KRB5_CONFIG", &path);
        let twins = twins(&realms, &env)?;
        for host in [
            "WWW.A.TEST",
            "www.a.test.",
            "www",
            "www.a.test:80",
            "localhost",
            "127.0.0.1",
        ] {
            twins.agree(&format!("-S HTTP {host}"))?;
        }
    }
    Ok(())
}
