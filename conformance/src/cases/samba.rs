//! Our clients against Samba's Active Directory domain controller.

use super::{expect, full_case};
use crate::run::{Ended, Env, Program};
use crate::samba::Samba;
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    let mut cases = Vec::new();
    let mut add = |name: &str, run: fn(&Samba) -> Result<(), String>| {
        cases.push(full_case(&format!("samba: {name}"), move |suite: &Suite| {
            run(suite.shared.samba(suite)?)
        }));
    };
    add("password and keytab, UDP and TCP", login);
    add("every enctype of user and service", enctypes);
    add("arcfour-hmac is refused unless it is allowed", no_rc4);
    add("names in other letters, enterprise names and UPNs", names);
    add("refusals say what MIT's client says", refusals);
    add("an account locked by wrong passwords", lockout);
    add("kpasswd: changes, and the policy in words", kpasswd);
    add("a password that must be changed is, by kinit", must_change);
    add("lifetimes, flags, renewal", renewal);
    add("a ticket too big for UDP comes by TCP", too_big);
    add("a ticket without a PAC where none is wanted", no_pac);
    add("user-to-user", user_to_user);
    add("S4U2Self and S4U2Proxy, granted", s4u);
    add("S4U2Proxy, refused", s4u_refused);
    add("the KDC found by Active Directory's DNS", dns);
    cases
}

/// The clients' environment with a cache of its own.
fn with_cache(env: &Env, samba: &Samba, name: &str) -> Env {
    env.with("KRB5CCNAME", format!("FILE:{}", samba.path(name).display()))
}

fn kinit(samba: &Samba, args: &str, password: &str) -> Program {
    samba.ours("kinit").args(args).stdin(&format!("{password}\n"))
}

/// Both clients' lists of one cache must be equal.
fn same_list(samba: &Samba, env: &Env) -> Result<String, String> {
    let ours = samba.ours("klist").args("-e -f").ok(env)?;
    let mit = samba.mit("klist").args("-e -f").ok(env)?;
    expect(
        ours.stdout == mit.stdout,
        &format!("klist -e -f differs: {ours}{mit}"),
    )?;
    Ok(ours.stdout)
}

fn login(samba: &Samba) -> Result<(), String> {
    for limit in [1, 1400] {
        let env = samba.variant("transport.conf", &format!("udp_preference_limit = {limit}"))?;
        let env = with_cache(&env, samba, "login");
        for by_keytab in [false, true] {
            if by_keytab {
                samba
                    .ours("kinit")
                    .args("-k -t")
                    .arg(samba.path("keytabs/alice.keytab"))
                    .args("alice")
                    .ok(&env)?;
            } else {
                kinit(samba, "alice", "Passw0rd-alice").ok(&env)?;
            }
            samba
                .ours("kvno")
                .args("HTTP/web.ad.test")
                .ok(&env)?
                .prints(&["HTTP/web.ad.test@AD.TEST: kvno = "])?;
            let listed = same_list(samba, &env)?;
            expect(
                listed.contains("krbtgt/AD.TEST@AD.TEST") && listed.contains("HTTP/web.ad.test@AD.TEST"),
                &format!("tickets are missing: {listed}"),
            )?;
        }
    }
    Ok(())
}

/// The line `Etype (skey, tkt): A, B` of each ticket, by service.
fn etypes(listed: &str, service: &str) -> String {
    listed
        .split_once(&format!("  {service}\n"))
        .and_then(|(_, rest)| rest.split_once("Etype (skey, tkt): "))
        .and_then(|(_, rest)| rest.lines().next())
        .unwrap_or_default()
        .trim()
        .to_owned()
}

fn enctypes(samba: &Samba) -> Result<(), String> {
    for (enctype, shown) in [
        ("aes256-cts-hmac-sha1-96", "aes256-cts-hmac-sha1-96"),
        ("aes128-cts-hmac-sha1-96", "aes128-cts-hmac-sha1-96"),
        ("arcfour-hmac", "DEPRECATED:arcfour-hmac"),
    ] {
        let env = samba.variant("enctype.conf", &format!("permitted_enctypes = {enctype}"))?;
        let env = with_cache(&env, samba, "enctypes");
        kinit(samba, "alice", "Passw0rd-alice").ok(&env)?;
        samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
        let listed = same_list(samba, &env)?;
        for service in ["krbtgt/AD.TEST@AD.TEST", "HTTP/web.ad.test@AD.TEST"] {
            let found = etypes(&listed, service);
            expect(
                found.starts_with(&format!("{shown}, ")),
                &format!("the session key of {service} is not {enctype}: {listed}"),
            )?;
        }
    }
    let env = with_cache(&samba.env, samba, "enctypes");
    for (user, password) in [
        ("rc4user", "Passw0rd-rc4user"),
        ("aes128user", "Passw0rd-aes128user"),
    ] {
        kinit(samba, user, password).ok(&env)?;
        samba
            .ours("kvno")
            .args("HTTP/rc4.ad.test HTTP/aes128.ad.test HTTP/web.ad.test")
            .ok(&env)?;
        let listed = same_list(samba, &env)?;
        for (service, shown) in [
            ("HTTP/rc4.ad.test@AD.TEST", "DEPRECATED:arcfour-hmac"),
            ("HTTP/aes128.ad.test@AD.TEST", "aes128-cts-hmac-sha1-96"),
            ("HTTP/web.ad.test@AD.TEST", "aes256-cts-hmac-sha1-96"),
        ] {
            let found = etypes(&listed, service);
            expect(
                found.ends_with(&format!(", {shown}")),
                &format!("the ticket of {service} is not of {shown}: {listed}"),
            )?;
        }
    }
    // The keys of the service's keytab fit the tickets.
    for (account, service) in [
        ("svc-rc4", "HTTP/rc4.ad.test"),
        ("svc-aes128", "HTTP/aes128.ad.test"),
    ] {
        samba
            .ours("kvno")
            .args("-k")
            .arg(samba.path(&format!("keytabs/{account}.keytab")))
            .args(service)
            .ok(&env)?;
    }
    Ok(())
}

fn no_rc4(samba: &Samba) -> Result<(), String> {
    let env = samba.variant(
        "only-rc4.conf",
        "allow_rc4 = false\n  permitted_enctypes = arcfour-hmac",
    )?;
    let env = with_cache(&env, samba, "strict");
    kinit(samba, "alice", "Passw0rd-alice")
        .fails(&env)?
        .complains(&["encryption type"])?;
    let env = samba.variant("strict.conf", "allow_rc4 = false")?;
    let env = with_cache(&env, samba, "strict");
    kinit(samba, "alice", "Passw0rd-alice").ok(&env)?;
    samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
    // A service with nothing but an RC4 key gets no session key that the client may use.
    samba
        .ours("kvno")
        .args("HTTP/rc4.ad.test")
        .fails(&env)?
        .complains(&["KDC has no support for encryption type"])?;
    Ok(())
}

/// The login by ours gives what the login by MIT's gives.
fn names(samba: &Samba) -> Result<(), String> {
    for args in [
        "ALICE",
        "-C Alice",
        "-C -E alice.smith@corp.example",
        "-C -E alice@AD.TEST",
        "-C alice@AD.TEST",
    ] {
        let mut lists = Vec::new();
        for (side, cache) in [("ours", "names-ours"), ("mit", "names-mit")] {
            let env = with_cache(&samba.env, samba, cache);
            let program = if side == "ours" {
                samba.ours("kinit")
            } else {
                samba.mit("kinit")
            };
            program
                .args(args)
                .stdin("Passw0rd-alice\n")
                .ok(&env)
                .map_err(|e| format!("{args}: {e}"))?;
            samba
                .ours("kvno")
                .args("http/WEB.ad.test")
                .ok(&env)
                .map_err(|e| format!("{args}: {e}"))?;
            let listed = same_list(samba, &env)?;
            lists.push(
                listed
                    .lines()
                    .filter(|line| line.contains('@') && !line.contains("cache:"))
                    .filter_map(|line| line.split_whitespace().last().map(str::to_owned))
                    .collect::<Vec<_>>(),
            );
        }
        expect(
            lists.first() == lists.last(),
            &format!("kinit {args}: names differ, ours and MIT's: {lists:?}"),
        )?;
    }
    // Where MIT's kinit keeps the enterprise name without -C, ours takes the account's.
    let env = with_cache(&samba.env, samba, "names-ours");
    kinit(samba, "-E alice.smith@corp.example", "Passw0rd-alice").ok(&env)?;
    samba
        .ours("klist")
        .ok(&env)?
        .prints(&["Default principal: alice@AD.TEST\n"])?;
    Ok(())
}

/// What `kinit: TEXT while getting initial credentials` says, of either side.
fn reason(ended: &Ended) -> &str {
    let line = ended.stderr.lines().next().unwrap_or_default();
    let line = line.strip_prefix("kinit: ").unwrap_or(line);
    let line = line.strip_prefix("error: ").unwrap_or(line);
    line.split(" while getting").next().unwrap_or_default()
}

fn same_refusal(samba: &Samba, user: &str, password: &str) -> Result<String, String> {
    let env = with_cache(&samba.env, samba, "refused");
    let ours = kinit(samba, user, password).fails(&env)?;
    let mit = samba
        .mit("kinit")
        .args(user)
        .stdin(&format!("{password}\n"))
        .fails(&env)?;
    expect(
        reason(&ours) == reason(&mit) && !reason(&ours).is_empty(),
        &format!("the reasons differ: {ours}{mit}"),
    )?;
    Ok(reason(&ours).to_owned())
}

fn refusals(samba: &Samba) -> Result<(), String> {
    for (user, password, text) in [
        ("alice", "wrong", "Password incorrect"),
        (
            "nobody",
            "x",
            "Client 'nobody@AD.TEST' not found in Kerberos database",
        ),
        (
            "disabled",
            "Passw0rd-disabled",
            "Client's credentials have been revoked",
        ),
        (
            "expired",
            "Passw0rd-expired",
            "Client's credentials have been revoked",
        ),
    ] {
        let said = same_refusal(samba, user, password)?;
        expect(
            said == text,
            &format!("kinit {user}: expected {text:?}, but found {said:?}"),
        )?;
    }
    let env = with_cache(&samba.env, samba, "refusals");
    kinit(samba, "alice", "Passw0rd-alice").ok(&env)?;
    samba
        .ours("kvno")
        .args("HTTP/nowhere.ad.test")
        .fails(&env)?
        .complains(&["Server HTTP/nowhere.ad.test@AD.TEST not found in Kerberos database"])?;
    Ok(())
}

fn lockout(samba: &Samba) -> Result<(), String> {
    let env = with_cache(&samba.env, samba, "lockout");
    for _ in 0..3 {
        kinit(samba, "lockme", "wrong").fails(&env)?;
    }
    let said = same_refusal(samba, "lockme", "Passw0rd-lockme")?;
    expect(
        said == "Client's credentials have been revoked",
        &format!("expected a locked account, but found {said:?}"),
    )
}

fn kpasswd(samba: &Samba) -> Result<(), String> {
    let env = with_cache(&samba.env, samba, "kpasswd");
    let change = |program: Program, old: &str, new: &str| {
        program.args("carol").stdin(&format!("{old}\n{new}\n{new}\n"))
    };
    let ours = change(samba.ours("kpasswd"), "Passw0rd-carol", "short").fails(&env)?;
    let mit = change(samba.mit("kpasswd"), "Passw0rd-carol", "short").fails(&env)?;
    expect(
        ours.stdout == mit.stdout && ours.code == mit.code,
        &format!("kpasswd differs: {ours}{mit}"),
    )?;
    ours.prints(&[
        "Password change rejected",
        "password must be at least 7 characters",
    ])?;
    change(samba.ours("kpasswd"), "Passw0rd-carol", "Another-Passw0rd")
        .ok(&env)?
        .prints(&["Password changed"])?;
    kinit(samba, "carol", "Passw0rd-carol").fails(&env)?;
    kinit(samba, "carol", "Another-Passw0rd").ok(&env)?;
    Ok(())
}

fn must_change(samba: &Samba) -> Result<(), String> {
    let env = with_cache(&samba.env, samba, "must-change");
    samba
        .ours("kinit")
        .args("mustchange")
        .stdin("Passw0rd-mustchange\nN3w-Passw0rd\nN3w-Passw0rd\n")
        .ok(&env)?
        .prints(&["Password expired.  You must change it now."])?;
    samba.ours("klist").args("-s").ok(&env)?;
    kinit(samba, "mustchange", "N3w-Passw0rd").ok(&env)?;
    Ok(())
}

fn renewal(samba: &Samba) -> Result<(), String> {
    let env = with_cache(&samba.env, samba, "renewal");
    kinit(samba, "-l 1h -r 2d -f bob", "Passw0rd-bob").ok(&env)?;
    let listed = same_list(samba, &env)?;
    expect(
        listed.contains("Flags: F") && listed.contains("renew until"),
        &format!("forwardable and renewable were asked for: {listed}"),
    )?;
    samba.ours("kinit").args("-R").ok(&env)?;
    let listed = same_list(samba, &env)?;
    expect(
        listed.contains("renew until"),
        &format!("not renewable any more: {listed}"),
    )?;
    samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
    kinit(samba, "-l 1h -F bob", "Passw0rd-bob").ok(&env)?;
    samba.ours("kinit").args("-R").fails(&env)?;
    Ok(())
}

fn too_big(samba: &Samba) -> Result<(), String> {
    let env = with_cache(&samba.env, samba, "crowd");
    // MIT's trace shows that this ticket does not fit.
    let trace = samba.path("crowd.trace");
    samba
        .mit("kinit")
        .args("crowd")
        .stdin("Passw0rd-crowd\n")
        .ok(&env.with("KRB5_TRACE", &trace))?;
    let trace = std::fs::read_to_string(&trace).unwrap_or_default();
    expect(
        trace.contains("too big for UDP"),
        &format!("the ticket fits into UDP: {trace}"),
    )?;
    kinit(samba, "crowd", "Passw0rd-crowd").ok(&env)?;
    samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
    same_list(samba, &env)?;
    let size = std::fs::metadata(samba.path("crowd"))
        .map_err(|e| e.to_string())?
        .len();
    expect(
        size > 3000,
        &format!("150 groups took only {size} octets of cache"),
    )
}

fn no_pac(samba: &Samba) -> Result<(), String> {
    let mut sizes = Vec::new();
    for option in ["--request-pac", "--no-request-pac"] {
        let env = with_cache(&samba.env, samba, "pac");
        kinit(samba, &format!("{option} alice"), "Passw0rd-alice").ok(&env)?;
        samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
        sizes.push(
            std::fs::metadata(samba.path("pac"))
                .map_err(|e| e.to_string())?
                .len(),
        );
    }
    let [with, without] = sizes.as_slice() else {
        return Err("two sizes were measured".to_owned());
    };
    expect(
        *with > without + 300,
        &format!("the cache with a PAC has {with} octets, without {without}"),
    )
}

/// With a service that has a name of its own: Samba knows no user as a service. MIT's kvno shows that it can be had.
fn user_to_user(samba: &Samba) -> Result<(), String> {
    let service = with_cache(&samba.env, samba, "u2u-service");
    kinit(samba, "svc-sql", "Passw0rd-svc-sql").ok(&service)?;
    let alice = with_cache(&samba.env, samba, "u2u-alice");
    for kvno in [samba.mit("kvno"), samba.ours("kvno")] {
        kinit(samba, "alice", "Passw0rd-alice").ok(&alice)?;
        kvno.args("--u2u")
            .arg(format!("FILE:{}", samba.path("u2u-service").display()))
            .args("MSSQLSvc/sql.ad.test:1433")
            .ok(&alice)?
            .prints(&["MSSQLSvc/sql.ad.test:1433@AD.TEST: kvno = "])?;
        same_list(samba, &alice)?;
    }
    Ok(())
}

/// A service's cache, by its keytab.
fn service_login(samba: &Samba, account: &str) -> Result<Env, String> {
    let env = with_cache(&samba.env, samba, "service");
    samba
        .ours("kinit")
        .args("-f -k -t")
        .arg(samba.path(&format!("keytabs/{account}.keytab")))
        .args(account)
        .ok(&env)?;
    Ok(env)
}

fn s4u(samba: &Samba) -> Result<(), String> {
    let env = service_login(samba, "svc-http")?;
    samba
        .ours("kvno")
        .args("-k")
        .arg(samba.path("keytabs/svc-http.keytab"))
        .args("-U alice@AD.TEST svc-http")
        .ok(&env)?
        .prints(&["svc-http@AD.TEST: kvno = ", "keytab entry valid"])?;
    let mut clients = Vec::new();
    for kvno in [samba.ours("kvno"), samba.mit("kvno")] {
        let env = service_login(samba, "svc-http")?;
        kvno.args("-U alice@AD.TEST -P MSSQLSvc/sql.ad.test:1433")
            .ok(&env)?
            .prints(&["MSSQLSvc/sql.ad.test:1433@AD.TEST: kvno = "])?;
        let listed = same_list(samba, &env)?;
        let found: Vec<_> = listed
            .lines()
            .filter_map(|line| line.split_once("for client ")?.1.split(',').next())
            .map(str::to_owned)
            .collect();
        clients.push(found);
    }
    expect(
        clients.first() == clients.last() && clients.first().is_some_and(|names| !names.is_empty()),
        &format!("the tickets' clients, by ours and by MIT's kvno: {clients:?}"),
    )
}

/// Another target, a user who is not to be delegated, and a service that may not make the transition.
fn s4u_refused(samba: &Samba) -> Result<(), String> {
    for (account, user, target) in [
        ("svc-http", "alice", "postgres/pg.ad.test"),
        ("svc-http", "nodeleg", "MSSQLSvc/sql.ad.test:1433"),
        ("svc-plain", "alice", "MSSQLSvc/sql.ad.test:1433"),
    ] {
        let env = service_login(samba, account)?;
        let ours = samba
            .ours("kvno")
            .args(&format!("-U {user} -P {target}"))
            .fails(&env)
            .map_err(|e| format!("{account}, {user}, {target}: {e}"))?;
        let mit = samba
            .mit("kvno")
            .args(&format!("-U {user} -P {target}"))
            .fails(&env)?;
        expect(
            ours.code == mit.code && !ours.stderr.is_empty(),
            &format!("{account}, {user}, {target}: not as MIT's kvno: {ours}{mit}"),
        )?;
    }
    Ok(())
}

fn dns(samba: &Samba) -> Result<(), String> {
    crate::realm::write(
        &samba.path("dns.conf"),
        "[libdefaults]\n  default_realm = AD.TEST\n  dns_lookup_kdc = true\n  dns_canonicalize_hostname = false\n",
    )?;
    let env = samba.env.with("KRB5_CONFIG", samba.path("dns.conf"));
    let env = with_cache(&env, samba, "dns");
    kinit(samba, "alice", "Passw0rd-alice").ok(&env)?;
    samba.ours("kvno").args("HTTP/web.ad.test").ok(&env)?;
    same_list(samba, &env)?;
    samba
        .ours("kpasswd")
        .args("alice")
        .stdin("Passw0rd-alice\nshort\nshort\n")
        .fails(&env)?
        .prints(&["password must be at least 7 characters"])?;
    Ok(())
}
