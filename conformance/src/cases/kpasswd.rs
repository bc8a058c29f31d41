//! Changes of password at MIT's kadmind: our kpasswd prints and exits as MIT's does, and a kinit with an expired
//! password ends with a new one.

use std::fs;
use std::sync::Arc;

use kerbside_asn1::KpasswdResultCode;
use kerbside_client::{Client, Config, Environment, PasswordRequest, Secret, TgtRequest};
use kerbside_crypto::Password;

use super::{case, expect};
use crate::realm::{Options, PASSWORD, REALM, Realm, Side};
use crate::run::{Ended, Program, Server, free_port, listens};
use crate::{Case, Suite};

pub(super) fn cases() -> Vec<Case> {
    vec![
        case(
            "kpasswd: changes, refusals and exit codes are MIT's, MIT's kadmind",
            same_words,
        ),
        case("kpasswd: over TCP alone, MIT's kadmind", stream_alone),
        case(
            "kpasswd: kinit with an expired password changes it, MIT's kadmind",
            expired,
        ),
        case(
            "kpasswd: an administrator sets another's password by the library, MIT's kadmind",
            set_by_library,
        ),
        case(
            "kpasswd: no server and a silent port name what was tried",
            unreachable,
        ),
    ]
}

/// A realm of MIT's with a kadmind. `prefix` stands before the address in `kpasswd_server`.
pub(super) fn start(suite: &Suite, prefix: &str) -> Result<(Realm, Server), String> {
    let mut realm = Realm::files(&suite.bin, &Options::new(Side::Mit))?;
    let (kadmin, kpasswd) = (free_port()?, free_port()?);
    edit(
        &realm,
        "krb5.conf",
        "admin_server = 127.0.0.1:1\n",
        &format!("kpasswd_server = {prefix}127.0.0.1:{kpasswd}\n"),
    )?;
    edit(
        &realm,
        "kdc.conf",
        "    max_life",
        &format!(
            "    kadmind_listen = 127.0.0.1:{kadmin}\n    kpasswd_listen = 127.0.0.1:{kpasswd}\n    max_life"
        ),
    )?;
    edit(
        &realm,
        "kdc.conf",
        "[logging]\n",
        &format!(
            "[logging]\n  admin_server = FILE:{}\n",
            realm.path("kadmind.log").display()
        ),
    )?;
    fs::write(realm.path("kadm5.acl"), format!("*/admin@{REALM} *\n")).map_err(|e| e.to_string())?;
    realm.populate()?;
    realm.kadmin("addpol -minlength 12 -minclasses 3 -history 2 strict")?;
    realm.start_kdc()?;
    let program = Program::new("/usr/sbin/kadmind").args("-nofork -r CONFORM.TEST");
    let server = Server::start("kadmind", &program, &realm.env, &|| listens(kadmin))?;
    Ok((realm, server))
}

fn edit(realm: &Realm, file: &str, from: &str, to: &str) -> Result<(), String> {
    let path = realm.path(file);
    let text = fs::read_to_string(&path).map_err(|e| e.to_string())?;
    expect(text.contains(from), &format!("{file} does not say {from:?}"))?;
    fs::write(&path, text.replacen(from, to, 1)).map_err(|e| e.to_string())
}

/// Runs kpasswd of both sides for two principals alike; what they print differs in the name alone.
fn both(realm: &Realm, typed: &str, code: i32) -> Result<Ended, String> {
    let run = |side: Side, name: &str| {
        let program = if side == Side::Ours {
            realm.ours("kpasswd")
        } else {
            realm.mit("kpasswd")
        };
        program.args(name).stdin(typed).run(&realm.env)
    };
    let (ours, mits) = (run(Side::Ours, "ours")?, run(Side::Mit, "mits")?);
    expect(
        ours.code == Some(code),
        &format!("expected exit code {code}, but found {ours}"),
    )?;
    expect(
        mits.code == Some(code),
        &format!("MIT's exit code is another: {mits}"),
    )?;
    expect(
        ours.stdout == mits.stdout.replace("mits@", "ours@"),
        &format!("standard output differs: ours {ours} MIT's {mits}"),
    )?;
    Ok(ours)
}

fn login(realm: &Realm, side: Side, name: &str, password: &str) -> Result<(), String> {
    let kinit = if side == Side::Ours {
        realm.ours("kinit")
    } else {
        realm.mit("kinit")
    };
    kinit.args(name).stdin(&format!("{password}\n")).ok(&realm.env)?;
    Ok(())
}

fn same_words(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = start(suite, "")?;
    for name in ["ours", "mits"] {
        realm.kadmin(&format!(
            "addprinc -pw 0ld-Passw0rd-here +requires_preauth {name}"
        ))?;
        realm.kadmin(&format!("modprinc -policy strict {name}"))?;
    }
    let changed = both(
        &realm,
        "0ld-Passw0rd-here\nN3w-Passw0rd-here\nN3w-Passw0rd-here\n",
        0,
    )?;
    let words =
        "Password for ours@CONFORM.TEST: \nEnter new password: \nEnter it again: \nPassword changed.\n";
    expect(
        changed.stdout == words,
        &format!("expected {words:?}, but found {changed}"),
    )?;
    for side in [Side::Mit, Side::Ours] {
        login(&realm, side, "ours", "N3w-Passw0rd-here")?;
    }
    // The policy: too short, one class of characters, used before.
    let short = both(&realm, "N3w-Passw0rd-here\nS-0\nS-0\n", 2)?;
    short.prints(&["Password change rejected: ", "too short", "12"])?;
    both(
        &realm,
        "N3w-Passw0rd-here\nonlylowercaseletters\nonlylowercaseletters\n",
        2,
    )?;
    both(
        &realm,
        "N3w-Passw0rd-here\n0ld-Passw0rd-here\n0ld-Passw0rd-here\n",
        2,
    )?;
    // Before anything is sent.
    let mismatch = both(
        &realm,
        "N3w-Passw0rd-here\nAn0ther-Passw0rd\nAn0ther-Passwrod\n",
        1,
    )?;
    mismatch.complains(&["Password mismatch while reading password"])?;
    let wrong = realm
        .ours("kpasswd")
        .args("ours")
        .stdin("wrong\n")
        .run(&realm.env)?;
    expect(
        wrong.code == Some(1),
        &format!("expected exit code 1, but found {wrong}"),
    )?;
    wrong.complains(&["Password incorrect"])?;
    // None of these changed anything.
    login(&realm, Side::Ours, "ours", "N3w-Passw0rd-here")?;
    // Without a name: the principal of the cache.
    let typed = format!("N3w-Passw0rd-here\n{0}\n{0}\n", "Th1rd-Passw0rd-here");
    let own = realm.ours("kpasswd").stdin(&typed).ok(&realm.env)?;
    own.prints(&["Password for ours@CONFORM.TEST: ", "Password changed.\n"])?;
    login(&realm, Side::Mit, "ours", "Th1rd-Passw0rd-here")?;
    let log = fs::read_to_string(realm.path("kadmind.log")).unwrap_or_default();
    expect(
        log.contains("chpw request from 127.0.0.1 for ours@CONFORM.TEST: success"),
        &format!("kadmind's log does not tell of a change by ours: {log}"),
    )
}

fn stream_alone(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = start(suite, "tcp/")?;
    let typed = format!("{PASSWORD}\nN3w-Passw0rd\nN3w-Passw0rd\n");
    let changed = realm.ours("kpasswd").args("alice").stdin(&typed).ok(&realm.env)?;
    changed.prints(&["Password changed.\n"])?;
    login(&realm, Side::Ours, "alice", "N3w-Passw0rd")
}

fn expired(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = start(suite, "")?;
    for name in ["ours", "mits"] {
        realm.kadmin(&format!(
            "addprinc -pw 0ld-Passw0rd-here -policy strict -pwexpire 2001-01-01 +requires_preauth {name}"
        ))?;
    }
    let kinit = |side: Side, name: &str, typed: &str| {
        let program = if side == Side::Ours {
            realm.ours("kinit")
        } else {
            realm.mit("kinit")
        };
        program.args(name).stdin(typed).run(&realm.env)
    };
    let same = |typed: &str, code: i32| {
        let (ours, mits) = (
            kinit(Side::Ours, "ours", typed)?,
            kinit(Side::Mit, "mits", typed)?,
        );
        let alike = ours.stdout == mits.stdout.replace("mits@", "ours@");
        expect(
            alike,
            &format!("standard output differs: ours {ours} MIT's {mits}"),
        )?;
        let codes = (ours.code, mits.code) == (Some(code), Some(code));
        expect(
            codes,
            &format!("expected exit code {code}, but found: ours {ours} MIT's {mits}"),
        )?;
        Ok::<Ended, String>(ours)
    };
    // Three tries, and none is good: nothing is changed and nothing is stored.
    let failed = same("0ld-Passw0rd-here\na\nb\n\n\nS-0\nS-0\n", 1)?;
    failed.prints(&[
        "Password expired.  You must change it now.\nEnter new password: \nEnter it again: \n",
        "Password mismatch.  Please try again.\n",
        "New password cannot be zero length.  Please try again.\n",
    ])?;
    expect(!realm.path("cc").exists(), "a failed change left a cache behind")?;
    // A refusal, then a good one.
    let changed = same(
        "0ld-Passw0rd-here\nS-0\nS-0\nN3w-Passw0rd-here\nN3w-Passw0rd-here\n",
        0,
    )?;
    changed.prints(&["Password change rejected: ", "Please try again."])?;
    realm.mit("klist").args("-s").ok(&realm.env)?;
    login(&realm, Side::Mit, "ours", "N3w-Passw0rd-here")?;
    login(&realm, Side::Ours, "ours", "N3w-Passw0rd-here")?;
    // Asked for by an administrator, and a keytab is not asked for a new password.
    realm.kadmin("modprinc +needchange alice")?;
    let keytab = realm
        .ours("kinit")
        .args("-k -t")
        .arg(realm.path("alice.keytab"))
        .args("alice");
    keytab.fails(&realm.env)?.complains(&["Password has expired"])?;
    let typed = format!("{PASSWORD}\nN3w-Passw0rd\nN3w-Passw0rd\n");
    let needed = kinit(Side::Ours, "alice", &typed)?;
    expect(
        needed.code == Some(0),
        &format!("expected success, but found {needed}"),
    )
}

/// RFC 3244's set: who may is the server's business, and so it says.
fn set_by_library(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = start(suite, "")?;
    realm.kadmin("addprinc -pw Passw0rd-boss boss/admin")?;
    let text = fs::read_to_string(realm.path("krb5.conf")).map_err(|e| e.to_string())?;
    let config = Config::from_text(&text, "krb5.conf", Environment::default()).map_err(|e| e.to_string())?;
    let client = Client::new(Arc::new(config));
    let set = |who: &str, secret: &str, target: &str| {
        let who = client.config().parse_principal(who).map_err(|e| e.to_string())?;
        let mut secret = Secret::Password(Password::from(secret));
        let ticket = client.get_tgt(&TgtRequest::for_password_change(who), &mut secret);
        let ticket = ticket.map_err(|e| e.to_string())?;
        let mut request = PasswordRequest::new(ticket.credential, Password::from("S3t-by-boss"));
        request.target = Some(
            client
                .config()
                .parse_principal(target)
                .map_err(|e| e.to_string())?,
        );
        let reply = client.change_password(&request).map_err(|e| e.to_string())?;
        Ok::<_, String>((reply.result.code, reply.result.message()))
    };
    let set_alice = set("boss/admin", "Passw0rd-boss", "alice")?;
    expect(
        set_alice.0 == KpasswdResultCode::KRB5_KPASSWD_SUCCESS,
        &format!("expected success, but found {set_alice:?}"),
    )?;
    login(&realm, Side::Mit, "alice", "S3t-by-boss")?;
    let denied = set("bob", "Passw0rd-bob", "alice")?;
    expect(
        denied.0 == KpasswdResultCode::KRB5_KPASSWD_ACCESSDENIED && !denied.1.is_empty(),
        &format!("expected KRB5_KPASSWD_ACCESSDENIED with a text, but found {denied:?}"),
    )?;
    login(&realm, Side::Ours, "alice", "S3t-by-boss")
}

fn unreachable(suite: &Suite) -> Result<(), String> {
    let (realm, kadmind) = start(suite, "")?;
    kadmind.kill();
    let typed = format!("{PASSWORD}\nN3w-Passw0rd\nN3w-Passw0rd\n");
    let dead = realm
        .ours("kpasswd")
        .args("alice")
        .stdin(&typed)
        .fails(&realm.env)?;
    dead.complains(&[
        "Cannot contact any password server for realm 'CONFORM.TEST' changing password",
        "udp: connection refused",
        "tcp: connection refused",
    ])?;
    edit(&realm, "krb5.conf", "kpasswd_server", "default_domain")?;
    let none = realm
        .ours("kpasswd")
        .args("alice")
        .stdin(&typed)
        .fails(&realm.env)?;
    none.complains(&[
        "Cannot find password server for realm \"CONFORM.TEST\" changing password",
        "krb5.conf",
    ])?;
    login(&realm, Side::Ours, "alice", PASSWORD)
}
