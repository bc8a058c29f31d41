//! kinit, klist, kvno and kdestroy as processes, against a realm of this workspace: what they print
//! and with what they exit.

#![allow(clippy::unwrap_used, clippy::expect_used, clippy::panic)] // a failure here is the test's failure

mod support;

use std::net::{SocketAddr, UdpSocket};
use std::os::fd::OwnedFd;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use rustix::net::{AddressFamily, SocketType, bind, socket};

use support::{Home, Run, fake_kdc, fake_kpasswd, skewed_kdc};

#[test]
fn login_ticket_listing_and_end() {
    let home = Home::start();
    let login = home.run("kinit", &["alice"], "secret\n");
    assert_eq!(login, Run::success("Password for alice@EXAMPLE.TEST: \n"));
    let mode = std::fs::metadata(home.cache()).unwrap().permissions().mode();
    assert_eq!(mode & 0o7777, 0o600);
    assert_eq!(
        home.run("kvno", &["HTTP/localhost"], ""),
        Run::success("HTTP/localhost@EXAMPLE.TEST: kvno = 1\n")
    );
    let listing = home.run("klist", &["-f", "-e"], "");
    assert_eq!(listing.code, 0);
    let expected = format!(
        "Ticket cache: FILE:{}\nDefault principal: alice@EXAMPLE.TEST\n\nValid starting     Expires            Service principal\n",
        home.cache().display()
    );
    let rest = listing.stdout.strip_prefix(&expected).expect(&listing.stdout);
    let lines: Vec<&str> = rest.lines().collect();
    assert!(
        lines
            .first()
            .unwrap()
            .ends_with("  krbtgt/EXAMPLE.TEST@EXAMPLE.TEST"),
        "{rest}"
    );
    assert!(rest.contains("Flags: "), "{rest}");
    assert!(
        rest.contains("Etype (skey, tkt): aes256-cts-hmac-sha1-96, "),
        "{rest}"
    );
    assert!(rest.contains("  HTTP/localhost@EXAMPLE.TEST\n"), "{rest}");
    assert_eq!(home.run("klist", &["-s"], ""), Run::success(""));
    assert_eq!(home.run("kdestroy", &[], ""), Run::success(""));
    assert!(!home.cache().exists());
    assert_eq!(home.run("klist", &["-s"], ""), Run::failure(1, ""));
    assert_eq!(
        home.run("klist", &["-c"], ""),
        Run::failure(
            1,
            &format!(
                "klist: error: No credentials cache found (filename: {})\nklist: hint: kinit gets a ticket\n",
                home.cache().display()
            )
        )
    );
    let nothing = home.run("kdestroy", &[], "");
    assert_eq!(nothing.code, 0);
    assert_eq!(
        nothing.stderr,
        "kdestroy: No credentials cache found while destroying cache\n"
    );
}

#[test]
fn a_login_into_a_named_cache_with_verbose_words() {
    let home = Home::start();
    let cache = home.path("elsewhere");
    let name = cache.display().to_string();
    let login = home.run(
        "kinit",
        &["-V", "-C", "-c", &name, "alice@EXAMPLE.TEST"],
        "secret\n",
    );
    assert_eq!(
        login.stderr,
        format!(
            "Using specified cache: {name}\nUsing principal: alice@EXAMPLE.TEST\nAuthenticated to Kerberos v5\n"
        )
    );
    assert_eq!(login.code, 0);
    // A ticket for oneself: the walkthrough of a kdb+ developer.
    assert_eq!(
        home.run("kvno", &["-c", &name, "alice@EXAMPLE.TEST"], ""),
        Run::success("alice@EXAMPLE.TEST: kvno = 1\n")
    );
    assert!(!home.cache().exists());
    // Without a name, whose cache it is says who.
    let again = home.run("kinit", &["-c", &name], "secret\n");
    assert_eq!(again, Run::success("Password for alice@EXAMPLE.TEST: \n"));
}

#[test]
fn by_keytab_named_default_and_renewed() {
    let home = Home::start();
    let keytab = home.realm.client_keytab().display().to_string();
    assert_eq!(
        home.run("kinit", &["-k", "-t", &keytab, "alice"], ""),
        Run::success("")
    );
    assert_eq!(
        home.run("kinit", &["-R", "-kt", &keytab, "alice@EXAMPLE.TEST"], ""),
        Run::success("")
    );
    let by_default = home.run("kinit", &["-V", "-k", "-i"], "");
    assert!(
        by_default
            .stderr
            .contains("Using principal: alice@EXAMPLE.TEST\n"),
        "{}",
        by_default.stderr
    );
    assert_eq!(by_default.code, 0);
    let forced = home.run("kinit", &["-t", &keytab, "alice"], "");
    assert_eq!(
        (forced.code, forced.stderr.as_str()),
        (0, "keytab specified, forcing -k\n")
    );
    // A service may log in with its own keytab.
    assert_eq!(home.run("kinit", &["-k", "HTTP/localhost"], ""), Run::success(""));
    let wrong = home.run("kinit", &["-k", "-t", &keytab, "bob"], "");
    assert_eq!(wrong.code, 1);
    assert!(
        wrong.stderr.starts_with(
            "kinit: error: Keytab contains no suitable keys for bob@EXAMPLE.TEST while getting initial credentials\n"
        ),
        "{}",
        wrong.stderr
    );
    assert!(
        wrong.stderr.contains(": has alice@EXAMPLE.TEST kvno 1: "),
        "{}",
        wrong.stderr
    );
}

#[test]
fn renewable_tickets_are_renewed_and_others_are_not() {
    let home = Home::start();
    assert_eq!(
        home.run("kinit", &["-r", "2d", "-f", "alice"], "secret\n").code,
        0
    );
    let listing = home.run("klist", &["-f"], "").stdout;
    assert!(
        listing.contains("\trenew until ") && listing.contains(", Flags: FRIA\n"),
        "{listing}"
    );
    assert_eq!(home.run("kinit", &["-R"], ""), Run::success(""));
    assert!(home.run("klist", &[], "").stdout.contains("\trenew until "));
    assert_eq!(home.run("kinit", &["-l", "1h", "alice"], "secret\n").code, 0);
    let refused = home.run("kinit", &["-R"], "");
    assert_eq!(refused.code, 1);
    assert!(
        refused
            .stderr
            .starts_with("kinit: error: KDC can't fulfill requested option while renewing credentials\n"),
        "{}",
        refused.stderr
    );
}

#[test]
fn by_tcp_alone() {
    let home = Home::start();
    home.edit_config(|text| text.replace("[libdefaults]", "[libdefaults]\nudp_preference_limit = 1"));
    assert_eq!(home.run("kinit", &["alice"], "secret\n").code, 0);
    assert_eq!(home.run("kvno", &["HTTP/localhost"], "").code, 0);
    let refused = home.run("kvno", &["no/such"], "");
    let address = home.realm.kdc_address().unwrap();
    assert!(
        refused.stderr.contains(&format!("  {address} tcp: answered, ")),
        "{}",
        refused.stderr
    );
}

#[test]
fn wrong_password() {
    let home = Home::start();
    let wrong = home.run("kinit", &["alice"], "not it\n");
    assert_eq!(wrong.code, 1);
    assert_eq!(wrong.stdout, "Password for alice@EXAMPLE.TEST: \n");
    let lines: Vec<&str> = wrong.stderr.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&"kinit: error: Password incorrect while getting initial credentials")
    );
    assert!(
        lines.get(1).unwrap().contains("KDC_ERR_PREAUTH_FAILED (24)"),
        "{lines:?}"
    );
    assert!(lines.get(2).unwrap().contains(" udp: answered, "), "{lines:?}");
    assert_eq!(
        lines.get(3),
        Some(&"kinit: hint: type the password again: capitals count, and so does the keyboard's layout")
    );
    assert!(!home.cache().exists());
    let none = home.run("kinit", &["alice"], "");
    assert!(
        none.stderr
            .starts_with("kinit: error: Cannot read password while"),
        "{}",
        none.stderr
    );
}

#[test]
fn unknown_principal_is_refused_before_a_password_is_typed() {
    let home = Home::start();
    let unknown = home.run("kinit", &["nobody"], "");
    assert_eq!(unknown.stdout, "");
    assert!(
        unknown.stderr.starts_with(
            "kinit: error: Client 'nobody@EXAMPLE.TEST' not found in Kerberos database while getting initial credentials\n"
        ),
        "{}",
        unknown.stderr
    );
    assert!(
        unknown
            .stderr
            .ends_with("kinit: hint: kadmin.local adds a principal: addprinc nobody@EXAMPLE.TEST\n")
    );
    let malformed = home.run("kinit", &["a@b@c"], "");
    assert!(
        malformed
            .stderr
            .starts_with("kinit: error: Malformed representation of principal when parsing name a@b@c\n"),
        "{}",
        malformed.stderr
    );
}

#[test]
fn unknown_service() {
    let home = Home::start();
    home.run("kinit", &["alice"], "secret\n");
    let unknown = home.run("kvno", &["HTTP/localhost", "no/such"], "");
    assert_eq!(unknown.code, 1);
    assert_eq!(unknown.stdout, "HTTP/localhost@EXAMPLE.TEST: kvno = 1\n");
    assert!(
        unknown.stderr.starts_with(
            "kvno: error: Server no/such@EXAMPLE.TEST not found in Kerberos database while getting credentials for no/such@EXAMPLE.TEST\n"
        ),
        "{}",
        unknown.stderr
    );
}

/// A port that refuses both transports for as long as the sockets are held: nobody else gets it, the TCP socket does
/// not listen, and the UDP socket is connected to itself, so that the system refuses what others send.
fn refusing_port() -> (SocketAddr, (UdpSocket, OwnedFd)) {
    for _ in 0..100 {
        let udp = UdpSocket::bind("127.0.0.1:0").unwrap();
        let address = udp.local_addr().unwrap();
        udp.connect(address).unwrap();
        let tcp = socket(AddressFamily::INET, SocketType::STREAM, None).unwrap();
        if bind(&tcp, &address).is_ok() {
            return (address, (udp, tcp));
        }
    }
    panic!("no port is free for both transports");
}

#[test]
fn unreachable_kdc() {
    let home = Home::start();
    let (closed, _held) = refusing_port();
    let real = home.realm.kdc_address().unwrap().to_string();
    home.edit_config(|text| text.replace(&real, &closed.to_string()));
    let dead = home.run("kinit", &["alice"], "secret\n");
    assert_eq!(dead.code, 1);
    let lines: Vec<&str> = dead.stderr.lines().collect();
    assert_eq!(
        lines.first(),
        Some(
            &"kinit: error: Cannot contact any KDC for realm 'EXAMPLE.TEST' while getting initial credentials"
        )
    );
    assert!(
        lines
            .get(1)
            .unwrap()
            .starts_with(&format!("  {closed} udp: connection refused, ")),
        "{lines:?}"
    );
    assert!(
        lines
            .get(2)
            .unwrap()
            .starts_with(&format!("  {closed} tcp: connection refused, ")),
        "{lines:?}"
    );
    let config = home.realm.krb5_conf().display().to_string();
    assert_eq!(
        lines.get(3),
        Some(&format!("  kdc lines of [realms] EXAMPLE.TEST are in {config}").as_str())
    );
    assert!(
        lines
            .get(4)
            .unwrap()
            .starts_with("kinit: hint: check that the KDC runs"),
        "{lines:?}"
    );
}

#[test]
fn a_realm_without_a_kdc_and_a_broken_configuration() {
    let home = Home::start();
    let none = home.run("kinit", &["alice@OTHER.TEST"], "");
    assert!(
        none.stderr.starts_with(
            "kinit: error: Cannot find KDC for realm \"OTHER.TEST\" while getting initial credentials\n"
        ),
        "{}",
        none.stderr
    );
    assert!(
        none.stderr
            .contains("  realms with kdc lines there: EXAMPLE.TEST\n"),
        "{}",
        none.stderr
    );
    home.edit_config(|_| "[libdefaults]\ndefault_realm EXAMPLE.TEST\n".to_owned());
    let config = home.realm.krb5_conf().display().to_string();
    for program in ["kinit", "klist", "kvno"] {
        let broken = home.run(program, &["x"], "");
        assert_eq!(broken.code, 1);
        assert_eq!(
            broken.stderr,
            format!(
                "{program}: error: Improper format of Kerberos configuration file while initializing Kerberos 5 library\n  \
                 {config} line 2: expected a relation like name = value, but found \"default_realm EXAMPLE.TEST\"\n\
                 {program}: hint: correct line 2 of {config}; a sample is in krb5.conf(5)\n"
            )
        );
    }
    std::fs::remove_file(home.realm.krb5_conf()).unwrap();
    let missing = home.run("kinit", &["alice"], "");
    assert_eq!(
        missing.stderr,
        format!(
            "kinit: error: Configuration file does not specify default realm when parsing name alice\n  \
             {config}: does not exist\n\
             kinit: hint: type the realm (alice@EXAMPLE.COM), or set default_realm in [libdefaults]\n\
             kinit: hint: KRB5_CONFIG names the configuration files; without it, /etc/krb5.conf is read\n"
        )
    );
}

#[test]
fn a_foreign_or_damaged_cache_is_left_alone_and_no_password_is_asked() {
    let home = Home::start();
    std::fs::write(home.cache(), "my thesis").unwrap();
    let refused = home.run("kinit", &["alice"], "secret\n");
    assert_eq!((refused.code, refused.stdout.as_str()), (1, ""));
    let cache = home.cache().display().to_string();
    assert_eq!(
        refused.stderr,
        format!(
            "kinit: error: Unsupported credentials cache format version number (filename: {cache}) while storing credentials\n  \
             FILE:{cache}: not a credential cache: expected first byte 0x05, but found 0x6d\n\
             kinit: hint: the file is something else and was left as it is: name another one with -c or KRB5CCNAME\n"
        )
    );
    let kept = home.run("kdestroy", &["-q"], "");
    assert_eq!(kept.code, 1);
    assert_eq!(std::fs::read(home.cache()).unwrap(), b"my thesis");
    std::fs::write(home.cache(), b"\x05\x04\0\0\0").unwrap();
    let damaged = home.run("klist", &[], "");
    assert!(
        damaged
            .stderr
            .starts_with("klist: error: Bad format in credentials cache"),
        "{}",
        damaged.stderr
    );
    assert!(
        damaged.stderr.contains("damaged credential cache at byte 4"),
        "{}",
        damaged.stderr
    );
    assert_eq!(home.run("kinit", &["alice"], "secret\n").code, 1);
    assert_eq!(std::fs::read(home.cache()).unwrap(), b"\x05\x04\0\0\0");
    assert_eq!(home.run("kdestroy", &[], ""), Run::success(""));
    assert_eq!(home.run("kinit", &["alice"], "secret\n").code, 0);
}

#[test]
fn an_unreadable_or_corrupt_keytab() {
    let home = Home::start();
    let corrupt = home.path("corrupt.keytab");
    let mut bytes = std::fs::read(home.realm.client_keytab()).unwrap();
    bytes.truncate(60);
    std::fs::write(&corrupt, &bytes).unwrap();
    let name = corrupt.display().to_string();
    let refused = home.run("kinit", &["-k", "-t", &name, "alice"], "");
    assert_eq!(refused.code, 1);
    assert!(
        refused.stderr.starts_with(&format!(
            "kinit: error: Key table file '{name}' is damaged while getting initial credentials\n  FILE:{name}: damaged keytab at byte 2: "
        )),
        "{}",
        refused.stderr
    );
    let missing = home.run("kinit", &["-k", "-t", "/nonexistent/keytab", "alice"], "");
    assert!(
        missing.stderr.starts_with(
            "kinit: error: Key table file '/nonexistent/keytab' not found while getting initial credentials\n"
        ),
        "{}",
        missing.stderr
    );
    let open = home.path("open.keytab");
    std::fs::copy(home.realm.client_keytab(), &open).unwrap();
    std::fs::set_permissions(&open, std::fs::Permissions::from_mode(0o644)).unwrap();
    let warned = home.run("kinit", &["-k", "-t", &open.display().to_string(), "alice"], "");
    assert_eq!(warned.code, 0);
    assert_eq!(
        warned.stderr,
        format!(
            "kinit: warning: keytab FILE:{}: mode: expected 0600, but found 0644\n",
            open.display()
        )
    );
}

#[test]
fn keytab_listings() {
    let home = Home::start();
    let keytab = home.realm.keytab().display().to_string();
    let plain = home.run("klist", &["-k"], "");
    let head = format!(
        "Keytab name: FILE:{keytab}\nKVNO Principal\n---- {}\n",
        "-".repeat(74)
    );
    let line = "   1 HTTP/localhost@EXAMPLE.TEST\n";
    assert_eq!(plain, Run::success(&format!("{head}{}", line.repeat(4))));
    let etypes = home.run("klist", &["-ke", &keytab], "").stdout;
    assert!(
        etypes.contains("   1 HTTP/localhost@EXAMPLE.TEST (aes256-cts-hmac-sha384-192) \n"),
        "{etypes}"
    );
    let full = home.run("klist", &["-ketK"], "").stdout;
    assert!(
        full.contains(&format!(
            "KVNO Timestamp         Principal\n---- ----------------- {}\n",
            "-".repeat(56)
        )),
        "{full}"
    );
    assert!(full.contains(" (aes128-cts-hmac-sha1-96)  (0x"), "{full}");
    let missing = home.run("klist", &["-k", "/nonexistent"], "");
    assert_eq!(
        (missing.code, missing.stdout.as_str()),
        (1, "Keytab name: FILE:/nonexistent\n")
    );
    assert!(
        missing.stderr.starts_with(
            "klist: error: Key table file '/nonexistent' not found while starting keytab scan\n"
        )
    );
}

#[test]
fn an_expired_ticket_says_since_when() {
    let home = Home::start();
    assert_eq!(home.run("kinit", &["-l", "1s", "alice"], "secret\n").code, 0);
    std::thread::sleep(Duration::from_millis(2100));
    assert_eq!(home.run("klist", &["-s"], "").code, 1);
    let expired = home.run("kvno", &["HTTP/localhost"], "");
    assert_eq!(expired.code, 1);
    assert!(
        expired.stderr.starts_with(
            "kvno: error: Ticket expired while getting credentials for HTTP/localhost@EXAMPLE.TEST\n"
        ),
        "{}",
        expired.stderr
    );
    assert!(
        expired
            .stderr
            .contains("the ticket for krbtgt/EXAMPLE.TEST@EXAMPLE.TEST ended "),
        "{}",
        expired.stderr
    );
    assert!(expired.stderr.ends_with("kvno: hint: kinit gets a new one\n"));
}

#[test]
fn a_clock_that_differs_is_corrected_by_the_kdcs() {
    let home = Home::start();
    // Two hours: far beyond what a KDC lets pass.
    let kdc = skewed_kdc(7200);
    home.edit_config(|text| text.replace(&home.realm.kdc_address().unwrap().to_string(), &kdc.to_string()));
    let login = home.run("kinit", &["alice"], "secret\n");
    assert_eq!(login.stderr, "");
    assert_eq!(login.code, 0);
    // The cache remembers the offset: the next program makes its authenticator by it.
    let ticket = home.run("kvno", &["HTTP/localhost"], "");
    assert_eq!(ticket, Run::success("HTTP/localhost@EXAMPLE.TEST: kvno = 1\n"));
    home.edit_config(|text| text.replace("[libdefaults]", "[libdefaults]\nkdc_timesync = 0"));
    let skewed = home.run("kvno", &["host/localhost"], "");
    assert_eq!(skewed.code, 1);
    assert!(
        skewed.stderr.starts_with(
            "kvno: error: Clock skew too great while getting credentials for host/localhost@EXAMPLE.TEST\n"
        ),
        "{}",
        skewed.stderr
    );
}

#[test]
fn a_kdc_that_insists_on_clock_skew() {
    let home = Home::start();
    let kdc = fake_kdc(432);
    home.edit_config(|text| text.replace(&home.realm.kdc_address().unwrap().to_string(), &kdc.to_string()));
    let skewed = home.run("kinit", &["alice"], "secret\n");
    assert_eq!(skewed.code, 1);
    let lines: Vec<&str> = skewed.stderr.lines().collect();
    assert_eq!(
        lines.first(),
        Some(&"kinit: error: Clock skew too great while getting initial credentials")
    );
    assert!(
        lines
            .iter()
            .any(|line| line.contains("7 min 12 s ahead of ours: ")
                || line.contains("7 min 11 s ahead of ours: ")),
        "{lines:?}"
    );
    assert_eq!(
        lines.last(),
        Some(&"kinit: hint: set the clocks right; NTP keeps them so")
    );
}

#[test]
fn kvno_options() {
    let home = Home::start();
    home.run("kinit", &["alice"], "secret\n");
    let cached = home.run("kvno", &["--cached-only", "HTTP/localhost"], "");
    assert!(
        cached
            .stderr
            .starts_with("kvno: error: Matching credential not found"),
        "{}",
        cached.stderr
    );
    assert_eq!(
        home.run("kvno", &["-q", "--no-store", "HTTP/localhost"], ""),
        Run::success("")
    );
    assert!(!home.run("klist", &[], "").stdout.contains("HTTP/localhost"));
    let out = home.path("out").display().to_string();
    assert_eq!(
        home.run("kvno", &["-q", "--out-cache", &out, "HTTP/localhost"], ""),
        Run::success("")
    );
    let listing = home.run("klist", &[&out], "").stdout;
    assert!(
        listing.contains("HTTP/localhost") && !listing.contains("krbtgt"),
        "{listing}"
    );
    let keytab = home.realm.keytab().display().to_string();
    assert_eq!(
        home.run("kvno", &["-k", &keytab, "-S", "HTTP", "LOCALHOST"], ""),
        Run::success("HTTP/localhost@EXAMPLE.TEST: kvno = 1, keytab entry valid\n")
    );
    let others = home.realm.client_keytab().display().to_string();
    let invalid = home.run("kvno", &["-k", &others, "HTTP/localhost"], "");
    assert!(
        invalid
            .stderr
            .starts_with("HTTP/localhost@EXAMPLE.TEST: kvno = 1, keytab entry invalid\n"),
        "{}",
        invalid.stderr
    );
    assert_eq!((invalid.code, invalid.stdout.as_str()), (1, ""));
    assert_eq!(
        home.run("kvno", &["-e", "aes128-cts", "HTTP/localhost"], "").code,
        0
    );
    assert!(
        home.run("klist", &["-e"], "")
            .stdout
            .contains("Etype (skey, tkt): aes128-cts-hmac-sha1-96, ")
    );
    let nonsense = home.run("kvno", &["-e", "rot13", "HTTP/localhost"], "");
    assert!(
        nonsense
            .stderr
            .starts_with("kvno: error: Invalid argument while converting etype\n"),
        "{}",
        nonsense.stderr
    );
    assert_eq!(home.run("kvno", &[], "").code, 1);
    home.run("kdestroy", &[], "");
    let none = home.run("kvno", &["HTTP/localhost"], "");
    assert!(
        none.stderr.starts_with(&format!(
            "kvno: error: No credentials cache found (filename: {}) while getting client principal name\n",
            home.cache().display()
        )),
        "{}",
        none.stderr
    );
}

#[test]
fn a_ticket_bound_to_addresses_shows_them() {
    let home = Home::start();
    home.edit_config(|text| {
        let more = "[libdefaults]\n  noaddresses = false\n  extra_addresses = 198.51.100.7 127.0.0.1\n";
        text.replacen("[libdefaults]\n", more, 1)
    });
    assert_eq!(home.run("kinit", &["alice"], "secret\n").code, 0);
    let listing = home.run("klist", &["-a", "-n"], "").stdout;
    let line = listing.lines().find(|line| line.starts_with("\tAddresses: "));
    assert!(
        line.is_some_and(|line| line.starts_with("\tAddresses: 198.51.100.7, 127.0.0.1")),
        "{listing}"
    );
    // The KDC is asked from 127.0.0.1, which is one of them.
    assert_eq!(home.run("kvno", &["HTTP/localhost"], "").code, 0);
    assert_eq!(home.run("kinit", &["-A", "alice"], "secret\n").code, 0);
    let listing = home.run("klist", &["-a", "-n"], "").stdout;
    assert!(listing.contains("\tAddresses: (none)\n"), "{listing}");
}

#[test]
fn what_is_not_built_is_refused_by_name() {
    let home = Home::start();
    for (program, args, text) in [
        (
            "kinit",
            &["-n"][..],
            "kinit: error: not built yet: anonymous tickets (-n)\n",
        ),
        (
            "kinit",
            &["-X", "X509_user_identity=FILE:me.pem", "alice"],
            "kinit: error: not built yet: pre-authentication attributes (-X)\n",
        ),
        (
            "kvno",
            &["-F", "cert.pem", "x"],
            "kvno: error: not built yet: protocol transition by certificate (-F)\n",
        ),
        (
            "klist",
            &["-I", "-"],
            "klist: error: not built yet: authentication indicators (-I)\n",
        ),
    ] {
        assert_eq!(home.run(program, args, ""), Run::failure(1, text));
    }
}

#[test]
fn a_cache_of_an_unknown_type_is_refused_by_name() {
    let home = Home::start();
    let text = "klist: error: Unknown credential cache type while resolving ccache\n  \
         credential cache NONESUCH:x: type: expected FILE, DIR, MEMORY, KEYRING or KCM, but found NONESUCH\n\
         klist: hint: name a cache in KRB5CCNAME, or with -c: FILE:/tmp/krb5cc_mine\n";
    assert_eq!(home.run("klist", &["NONESUCH:x"], ""), Run::failure(1, text));
}

#[test]
fn usage_and_exit_codes_are_mits() {
    let home = Home::start();
    for (program, args, code) in [
        ("kinit", &["-Q"][..], 2),
        ("kinit", &["a", "b"], 2),
        ("klist", &["-Q"], 1),
        ("klist", &["-k", "-f"], 1),
        ("kvno", &["-Q"], 1),
        ("kdestroy", &["-Q"], 2),
        ("kpasswd", &["a", "b"], 1),
    ] {
        let run = home.run(program, args, "");
        assert_eq!(run.code, code, "{program} {args:?}");
        assert!(
            run.stderr.to_lowercase().contains(&format!("usage: {program} ")),
            "{}",
            run.stderr
        );
    }
}

#[test]
fn a_change_of_password_asks_and_says_why_it_failed() {
    let home = Home::start();
    let help = Run::success("usage: kpasswd [principal]\n");
    assert_eq!(home.run("kpasswd", &["--help"], ""), help);
    let file = home.realm.krb5_conf().display().to_string();
    let prompts = "Password for alice@EXAMPLE.TEST: \nEnter new password: \nEnter it again: \n";
    let none = home.run("kpasswd", &["alice"], "secret\nn3w\nn3w\n");
    assert_eq!(
        none.stderr,
        format!(
            "kpasswd: error: Cannot find password server for realm \"EXAMPLE.TEST\" changing password\n  \
             {file}: read\n  DNS was not asked: dns_lookup_kdc is false\n\
             kpasswd: hint: add [realms] EXAMPLE.TEST = {{ kpasswd_server = HOST }} \
             (or admin_server: then its port 464 is asked)\n"
        )
    );
    assert_eq!((none.code, none.stdout.as_str()), (1, prompts));
    let mismatch = home.run("kpasswd", &["alice"], "secret\nn3w\nnew\n");
    assert_eq!(
        mismatch.stderr,
        "kpasswd: error: Password mismatch while reading password\n\
         kpasswd: hint: nothing was changed: type the same twice\n"
    );
    assert_eq!((mismatch.code, mismatch.stdout.as_str()), (1, prompts));
    let wrong = home.run("kpasswd", &["alice"], "wrong\n");
    let start = "kpasswd: error: Password incorrect while getting initial ticket\n";
    assert!(wrong.stderr.starts_with(start), "{}", wrong.stderr);
    assert_eq!(wrong.code, 1);
    let ended = home.run("kpasswd", &["alice"], "secret\nn3w\n");
    let start = "kpasswd: error: Cannot read password while reading password\n";
    assert!(ended.stderr.starts_with(start), "{}", ended.stderr);
    // A server that answers whatever it is asked with an error: nothing was changed, whatever its result code says.
    let server = fake_kpasswd();
    home.edit_config(|text| text.replace("kdc = ", &format!("kpasswd_server = {server}\n\tkdc = ")));
    let refused = home.run("kpasswd", &["alice"], "secret\nn3w\nn3w\n");
    let start = "kpasswd: error: Message stream modified changing password\n";
    assert!(refused.stderr.starts_with(start), "{}", refused.stderr);
    assert!(
        refused
            .stderr
            .contains("KRB5_KPASSWD_SUCCESS (0): Password changed"),
        "{}",
        refused.stderr
    );
    assert_eq!((refused.code, refused.stdout.as_str()), (1, prompts));
}

#[test]
fn a_link_named_for_a_program_is_that_program() {
    let home = Home::start();
    let link = home.path("klist");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_kerbside"), &link).unwrap();
    let run = home.run_binary(&link, &["-V"], "");
    assert_eq!(run.code, 0);
    assert!(
        run.stdout.starts_with("Kerberos 5 version kerbside "),
        "{}",
        run.stdout
    );
    let unknown = home.run("nonsense", &[], "");
    assert_eq!(unknown.code, 2);
    assert!(
        unknown
            .stderr
            .starts_with("kerbside: error: unknown command 'nonsense'\nUsage: kerbside COMMAND"),
        "{}",
        unknown.stderr
    );
}

#[test]
fn slips_in_krb5_conf_are_warned_of() {
    let home = Home::start();
    home.edit_config(|text| {
        format!("[libdefautlts]\n\trdns = no\n{text}[libdefaults]\n\tforwardble = yes\n")
    });
    let path = home.realm.krb5_conf().display().to_string();
    let lines = std::fs::read_to_string(&path).unwrap().lines().count();
    let warned = |program: &str| {
        format!(
            "{program}: warning: {path} line 1: [libdefautlts] is not a known section; did you mean [libdefaults]?\n\
             {program}: warning: {path} line {lines}: forwardble is not a known relation of [libdefaults]; \
             did you mean forwardable?\n"
        )
    };
    let login = home.run("kinit", &["alice"], "secret\n");
    assert_eq!((login.code, login.stderr), (0, warned("kinit")));
    let ticket = home.run("kvno", &["HTTP/localhost"], "");
    assert_eq!((ticket.code, ticket.stderr), (0, warned("kvno")));
    let listing = home.run("klist", &[], "");
    assert_eq!((listing.code, listing.stderr), (0, warned("klist")));
    assert_eq!(home.run("klist", &["-s"], ""), Run::success(""));
    let listing = home.run("kadmin.local", &["-q", "listprincs"], "");
    assert_eq!((listing.code, listing.stderr), (0, warned("kadmin.local")));
}
