//! Exchanges and caches: what both sides' programs trace, line by line.

use std::collections::HashSet;
use std::fs;

use super::super::expect;
use super::compare::{
    AES_ALONE, ALONE, Alone, STEPS, Step, comparable_lines, compare, lines, lines_with, step, until_retry,
};
use crate::Suite;
use crate::realm::{Options, PASSWORD, Realm, Side, Transport, program};
use crate::realms::{Realms, mit_realms};
use crate::run::free_port;

pub(super) fn beside_mit(suite: &Suite) -> Result<(), String> {
    let mut used = vec![false; ALONE.len()];
    let mut differences = String::new();
    for transport in [Transport::Udp, Transport::Tcp] {
        let options = Options {
            transport,
            libdefaults: AES_ALONE,
            ..Options::new(Side::Mit)
        };
        let realm = Realm::start(&suite.bin, &options)?;
        let steps = if transport == Transport::Udp {
            STEPS
        } else {
            STEPS.get(..2).unwrap_or_default()
        };
        for (at, step) in steps.iter().enumerate() {
            let [mit, ours] = [Side::Mit, Side::Ours].map(|side| lines(suite, &realm, side, step));
            let [mit, ours] = [until_retry(mit?), until_retry(ours?)];
            let new = compare(at, &mit, &ours, &mut used);
            if !new.is_empty() {
                let (program, args) = (step.program, step.args);
                differences.push_str(&format!("step {at}, {transport:?}: {program} {args}\n{new}"));
            }
        }
    }
    for (alone, _) in ALONE.iter().zip(&used).filter(|(_, used)| !**used) {
        let Alone { side, start, why, .. } = alone;
        differences.push_str(&format!(
            "gone, so take it out of the list: {side:?} alone: {start} ({why})\n"
        ));
    }
    expect(differences.is_empty(), &differences)
}

/// kinit -T, with the right password and a wrong one.
pub(super) fn armored(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: AES_ALONE,
        ..Options::new(Side::Mit)
    };
    let realm = Realm::start(&suite.bin, &options)?;
    let armor = realm.path("armor.cc");
    realm
        .mit("kinit")
        .args("-k -c")
        .arg(&armor)
        .args("host/localhost")
        .ok(&realm.env)?;
    let told = first_attempts(
        suite,
        &realm,
        [
            step("kinit", "-T FILE:{}/armor.cc alice", "Passw0rd-alice\n", true),
            step("kinit", "-T FILE:{}/armor.cc alice", "wrong\n", false),
        ],
    )?;
    expect(told.contains("FAST armor key: "), "no armor")
}

/// SPAKE, with the right password and a wrong one.
pub(super) fn spake(suite: &Suite) -> Result<(), String> {
    let realm = super::super::spake::realm(suite, "edwards25519", None, Transport::Udp)?;
    let told = first_attempts(
        suite,
        &realm,
        [
            step("kinit", "alice", "Passw0rd-alice\n", true),
            step("kinit", "alice", "wrong\n", false),
        ],
    )?;
    expect(told.contains("Sending SPAKE response"), "no SPAKE")
}

/// Compares what both do in these steps, and gives what ours told.
fn first_attempts(suite: &Suite, realm: &Realm, steps: [Step; 2]) -> Result<String, String> {
    let mut used = vec![false; ALONE.len()];
    let mut told = String::new();
    for step in steps {
        let [mit, ours] = [Side::Mit, Side::Ours].map(|side| lines(suite, realm, side, &step));
        let (mut mit, ours) = (mit?, ours?);
        for line in &mut mit {
            // MIT lists what stood beside the methods in the tunnel.
            *line = line.replace(", PA-FX-ERROR (137)", "");
        }
        mit.retain(|line| !(line.starts_with("Retrieving ") && line.contains("krb5_ccache_conf_data")));
        // What SPAKE comes to is a secret, and what MIT prints of its keys comes from them.
        mit.retain(|line| {
            !line.starts_with("SPAKE algorithm result: ") && !line.starts_with("SPAKE derived K'")
        });
        let [mit, ours] = [mit, ours].map(until_retry);
        let new = compare(STEPS.len(), &mit, &ours, &mut used);
        expect(new.is_empty(), &format!("{new}ours: {ours:#?}"))?;
        told.push_str(&ours.join("\n"));
    }
    Ok(told)
}

/// A KDC refuses that is not the primary one: the same database at two addresses, one of them called the
/// primary's.
pub(super) fn at_primary(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: AES_ALONE,
        ..Options::new(Side::Mit)
    };
    let mut realm = Realm::files(&suite.bin, &options)?;
    let (port, primary) = (realm.port, free_port()?);
    for (name, from, to) in [
        (
            "kdc.conf",
            format!("kdc_listen = 127.0.0.1:{port}"),
            format!("kdc_listen = 127.0.0.1:{port} 127.0.0.2:{primary}"),
        ),
        (
            "krb5.conf",
            format!("kdc = 127.0.0.1:{port}"),
            format!("kdc = 127.0.0.1:{port}\n    primary_kdc = 127.0.0.2:{primary}"),
        ),
    ] {
        let text = fs::read_to_string(realm.path(name)).map_err(|e| e.to_string())?;
        expect(text.contains(&from), &format!("{name} does not say {from:?}"))?;
        fs::write(realm.path(name), text.replacen(&from, &to, 1)).map_err(|e| e.to_string())?;
    }
    realm.populate()?;
    realm.start_kdc()?;
    let mut used = vec![false; ALONE.len()];
    for step in [
        step("kinit", "alice", "wrong\n", false),
        step("kinit", "nobody", "", false),
    ] {
        let [mit, ours] = [Side::Mit, Side::Ours].map(|side| lines(suite, &realm, side, &step));
        let (mut mit, mut ours) = (mit?, ours?);
        // Ours has looked for the primary KDC before it says that it asks it.
        for lines in [&mut mit, &mut ours] {
            lines.retain(|line| !line.starts_with("Resolving "));
        }
        let new = compare(STEPS.len(), &mit, &ours, &mut used);
        expect(
            new.is_empty(),
            &format!("{}: {new}MIT's: {mit:#?}, ours: {ours:#?}", step.args),
        )?;
        let again = ours.iter().any(|line| line.contains("(primary)"));
        expect(again, &format!("not asked again: {ours:#?}"))?;
    }
    Ok(())
}

/// From realm to realm: along a path of krb5.conf, and by the KDCs' referrals.
pub(super) fn from_realm_to_realm(suite: &Suite) -> Result<(), String> {
    let mut options = mit_realms(&["A.TEST", "B.TEST", "C.TEST"]);
    for options in &mut options {
        options.libdefaults = AES_ALONE;
        options.krb5_conf = "[capaths]\n  A.TEST = {\n    C.TEST = B.TEST\n  }\n".to_owned();
    }
    let trust = [("A.TEST", "B.TEST"), ("B.TEST", "C.TEST")];
    let realms = Realms::start(&suite.bin, &options, &trust)?;
    let first = realms.of("A.TEST")?;
    let mut used = vec![false; ALONE.len()];
    let mut differences = String::new();
    for (at, (args, env)) in [
        ("-S HTTP www.c.test", &realms.env),
        ("HTTP/www.b.test@", &realms.untold),
        ("HTTP/www.b.test@", &realms.untold),
        ("HTTP/none.b.test@B.TEST", &realms.env),
    ]
    .into_iter()
    .enumerate()
    {
        let run = |side: Side| {
            let cache = first.path(if side == Side::Mit { "mit.cc" } else { "our.cc" });
            let env = env.with("KRB5CCNAME", format!("FILE:{}", cache.display()));
            if at == 0 {
                program(side, &suite.bin, "kinit")
                    .args("alice@A.TEST")
                    .stdin(&format!("{PASSWORD}\n"))
                    .ok(&env)?;
            }
            let trace = first.path("trace");
            let _ = fs::remove_file(&trace);
            program(side, &suite.bin, "kvno")
                .args(args)
                .run(&env.with("KRB5_TRACE", &trace))?;
            comparable_lines(&trace)
        };
        let (mut mit, mut ours) = (run(Side::Mit)?, run(Side::Ours)?);
        mit.retain(|line| !(line.starts_with("Retrieving ") && line.contains("krb5_ccache_conf_data")));
        // MIT looks twice for the TGT of the service's realm, and again under the default realm's name.
        let mut seen = HashSet::new();
        mit.retain(|line| !line.starts_with("Retrieving ") || seen.insert(line.clone()));
        seen.clear();
        ours.retain(|line| !line.starts_with("Retrieving ") || seen.insert(line.clone()));
        mit.retain(|line| !line.starts_with("Retrying alice@A.TEST -> HTTP/www.b.test@A.TEST"));
        // In the realm that the host suggests ours lets itself be referred further, MIT's does not.
        for lines in [&mut mit, &mut ours] {
            for line in lines {
                *line = line.replace(
                    "www.b.test@B.TEST, referrals off",
                    "www.b.test@B.TEST, referrals on",
                );
            }
        }
        let new = compare(STEPS.len(), &mit, &ours, &mut used);
        if !new.is_empty() {
            differences.push_str(&format!("kvno {args}\n{new}MIT: {mit:#?}"));
        }
    }
    expect(differences.is_empty(), &differences)
}

/// A service that asks for a user's ticket, and a ticket that is made again. Ours does less on the way.
pub(super) fn for_another(suite: &Suite) -> Result<(), String> {
    let options = Options {
        libdefaults: AES_ALONE,
        ..Options::new(Side::Mit)
    };
    let realm = Realm::start(&suite.bin, &options)?;
    for side in [Side::Mit, Side::Ours] {
        lines(suite, &realm, side, &step("kinit", "-k HTTP/localhost", "", true))?;
        let told = lines(
            suite,
            &realm,
            side,
            &step("kvno", "-U alice HTTP/localhost", "", true),
        )?;
        for expected in [
            "Getting credentials alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST using ccache FILE:",
            "Getting initial credentials for alice@CONFORM.TEST",
            "Identified realm of client principal as CONFORM.TEST",
            "Get cred via TGT krbtgt/CONFORM.TEST@CONFORM.TEST after requesting HTTP/localhost@CONFORM.TEST (canonicalize on)",
            "TGS reply is for alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST with session key aes256-cts",
            "Got cred; 0/Success",
            "Storing alice@CONFORM.TEST -> HTTP/localhost@CONFORM.TEST in FILE:",
        ] {
            expect(
                told.iter().any(|line| line.starts_with(expected)),
                &format!("{side:?}: no {expected:?} in {told:#?}"),
            )?;
        }
    }
    Ok(())
}

/// What both do about caches, where there are several. The names of new ones are random.
pub(super) fn collection(suite: &Suite) -> Result<(), String> {
    let realm = Realm::start(&suite.bin, &Options::new(Side::Mit))?;
    for step in [
        step("kinit", "alice", "Passw0rd-alice\n", true),
        step("kinit", "bob", "Passw0rd-bob\n", true),
        step("kinit", "alice", "Passw0rd-alice\n", true),
        step("kswitch", "-p bob", "", true),
        step("kdestroy", "-p bob", "", true),
        step("kdestroy", "-A", "", true),
    ] {
        let about = |side| {
            let mut lines = lines_with(suite, &realm, side, &step, "DIR")?;
            lines.retain(|line| line.contains("collection") || line.contains(" DIR"));
            lines.retain(|line| !line.contains("MEMORY:") && !line.starts_with("Initializing"));
            lines.retain(|line| !line.starts_with("Storing"));
            let nameless = lines
                .iter()
                .map(|line| line.split("/tkt").next().unwrap_or_default());
            Ok::<_, String>(nameless.map(str::to_owned).collect::<Vec<_>>())
        };
        let (mit, ours) = (about(Side::Mit)?, about(Side::Ours)?);
        expect(
            mit == ours && !mit.is_empty(),
            &format!("{} {}: MIT's: {mit:#?}, ours: {ours:#?}", step.program, step.args),
        )?;
    }
    Ok(())
}

/// Both change bob's password. How the request travels is left out: MIT's begins with TCP, ours with UDP.
pub(super) fn password(suite: &Suite) -> Result<(), String> {
    let (realm, _kadmind) = super::super::kpasswd::start(suite, "")?;
    let change = |side, stdin| {
        let step = step("kpasswd", "bob", stdin, true);
        let mut lines = lines(suite, &realm, side, &step)?;
        lines.retain(|line| !line.contains("127.0.0.1"));
        Ok::<_, String>(lines)
    };
    let mit = change(Side::Mit, "Passw0rd-bob\nPassw0rd-one\nPassw0rd-one\n")?;
    let ours = change(Side::Ours, "Passw0rd-one\nPassw0rd-two\nPassw0rd-two\n")?;
    let mut used = vec![false; ALONE.len()];
    let new = compare(STEPS.len(), &mit, &ours, &mut used);
    expect(new.is_empty(), &new)?;

    // An expired password is changed on the way to a ticket.
    for (side, args) in [(Side::Mit, "mits"), (Side::Ours, "ours")] {
        realm.kadmin(&format!(
            "addprinc -pw Passw0rd-old -pwexpire 2001-01-01 +requires_preauth {args}"
        ))?;
        let stdin = "Passw0rd-old\nPassw0rd-new\nPassw0rd-new\n";
        let told = lines(suite, &realm, side, &step("kinit", args, stdin, true))?;
        for expected in [
            "Received error from KDC: -1765328361/Password has expired",
            "Principal expired; getting changepw ticket",
            "Setting initial creds service to kadmin/changepw",
            "Attempting password change; 3 tries remaining",
            "Getting initial TGT with changed password",
        ] {
            expect(
                told.iter().any(|line| line == expected),
                &format!("{side:?}: no {expected:?} in {told:#?}"),
            )?;
        }
    }
    Ok(())
}

/// The way through a proxy, and to one that is not trusted.
pub(super) fn by_proxy(suite: &Suite) -> Result<(), String> {
    let proxied = super::super::kkdcp::start(suite)?;
    let realm = &proxied.realm;
    let anchors = format!("    http_anchors = FILE:{}\n", realm.path("ca.pem").display());
    let trace = realm.path("trace");
    for (name, anchors, succeeds) in [("trusted.conf", &*anchors, true), ("unknown.conf", "", false)] {
        let env = proxied.client(name, "localhost", anchors)?;
        let told = |side| {
            let _ = fs::remove_file(&trace);
            let kinit = program(side, &suite.bin, "kinit")
                .args("alice")
                .stdin(&format!("{PASSWORD}\n"))
                .run(&env.with("KRB5_TRACE", &trace))?;
            expect((kinit.code == Some(0)) == succeeds, &format!("{kinit}"))?;
            let mut lines = comparable_lines(&trace)?;
            lines.retain(|line| {
                line.contains("TLS") || line.contains("HTTPS") || line.contains(" 127.0.0.1:")
            });
            // What is wrong is each TLS library's own to say.
            lines.retain(|line| !line.starts_with("TLS certificate error"));
            let cut = |line: &String| match line.strip_prefix("TLS error: ") {
                Some(_) => "TLS error".to_owned(),
                None => line.clone(),
            };
            Ok::<Vec<String>, String>(lines.iter().map(cut).collect())
        };
        let (mit, ours) = (told(Side::Mit)?, told(Side::Ours)?);
        expect(mit == ours, &format!("{name}: MIT's {mit:#?}, ours {ours:#?}"))?;
    }
    Ok(())
}
