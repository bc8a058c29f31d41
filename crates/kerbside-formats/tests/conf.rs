//! krb5.conf and kdc.conf as typed views: defaults, values, precedence, errors.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_crypto::EncryptionType;
use kerbside_formats::keysalt::DEFAULT_KEYSALTS;
use kerbside_formats::krb5_conf::DnsCanonicalize;
use kerbside_formats::profile::NoIncludes;
use kerbside_formats::{KdcConf, Krb5Conf, Profile};

fn krb5(text: &str) -> Krb5Conf {
    Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes).unwrap()
}

fn krb5_error(text: &str) -> String {
    Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes)
        .unwrap_err()
        .to_string()
}

fn kdc(text: &str) -> KdcConf {
    KdcConf::from_profile(Profile::parse(text, "kdc.conf").unwrap()).unwrap()
}

#[test]
fn libdefaults_without_a_file() {
    let conf = krb5("");
    let lib = &conf.libdefaults;
    assert_eq!(conf.default_realm(), None);
    assert_eq!(lib.clockskew_seconds, 300);
    assert_eq!(lib.default_ccache_name, "FILE:/tmp/krb5cc_%{uid}");
    assert_eq!(lib.default_keytab_name, "FILE:/etc/krb5.keytab");
    assert_eq!(
        lib.permitted_enctypes.enctypes,
        [18, 17, 20, 19, 25, 26].map(EncryptionType)
    );
    assert_eq!(lib.default_tkt_enctypes, lib.permitted_enctypes);
    assert_eq!(lib.dns_canonicalize_hostname, DnsCanonicalize::Yes);
    assert_eq!(
        (lib.dns_lookup_kdc, lib.dns_lookup_realm, lib.dns_uri_lookup),
        (true, false, true)
    );
    assert_eq!(
        (lib.forwardable, lib.proxiable, lib.noaddresses, lib.canonicalize),
        (false, false, true, false)
    );
    assert_eq!(
        (lib.kdc_default_options, lib.kdc_timesync, lib.rdns),
        (0x10, true, true)
    );
    assert_eq!(
        (lib.ticket_lifetime_seconds, lib.renew_lifetime_seconds),
        (86_400, 0)
    );
    assert_eq!((lib.udp_preference_limit, lib.realm_try_domains), (1465, -1));
    assert_eq!(lib.preferred_preauth_types, [17, 16, 15, 14]);
    assert_eq!(conf.realm_names().count(), 0);
    assert!(conf.realm("R").unwrap().kdcs.is_empty());
}

#[test]
fn libdefaults_as_written() {
    let conf = krb5(
        "[libdefaults]\ndefault_realm = R\npermitted_enctypes = aes256-sha2 aes128-cts\n\
         default_tgs_enctypes = aes128-cts\nclockskew = 60\nticket_lifetime = 10h\nrenew_lifetime = 7d\n\
         forwardable = yes\nkdc_timesync = 0\nudp_preference_limit = 1000000\nkdc_default_options = 0x40000000\n\
         dns_canonicalize_hostname = fallback\nqualify_shortname = \"\"\nS = {\nforwardable = no\n\
         ticket_lifetime = 1h\nclockskew = 1\n}\n",
    );
    let lib = &conf.libdefaults;
    assert_eq!(conf.default_realm(), Some("R"));
    assert_eq!(lib.permitted_enctypes.enctypes, [20, 17].map(EncryptionType));
    assert_eq!(lib.default_tkt_enctypes.enctypes, [20, 17].map(EncryptionType));
    assert_eq!(lib.default_tgs_enctypes.enctypes, [EncryptionType(17)]);
    assert_eq!((lib.clockskew_seconds, lib.ticket_lifetime_seconds), (60, 36_000));
    assert_eq!(
        (lib.renew_lifetime_seconds, lib.forwardable, lib.kdc_timesync),
        (604_800, true, false)
    );
    assert_eq!(
        (lib.udp_preference_limit, lib.kdc_default_options),
        (32_700, 0x4000_0000)
    );
    assert_eq!(lib.dns_canonicalize_hostname, DnsCanonicalize::Fallback);
    assert_eq!(lib.qualify_shortname.as_deref(), Some(""));
    // The realm's own subsection goes first, where MIT looks there at all.
    let own = conf.libdefaults_for("S").unwrap();
    assert_eq!(
        (
            own.forwardable,
            own.ticket_lifetime_seconds,
            own.clockskew_seconds
        ),
        (false, 3600, 60)
    );
    assert!(conf.libdefaults_for("T").unwrap().forwardable);
}

#[test]
fn libdefaults_refused() {
    for (line, expected) in [
        (
            "clockskew = soon",
            "expected a duration (1d2h3m4s, 26:30 or a number of seconds), but found \"soon\"",
        ),
        (
            "ticket_lifetime = -1h",
            "expected a duration that is not negative, but found \"-1h\"",
        ),
        (
            "rdns = perhaps",
            "expected a boolean (yes, no, true, false, 1, 0, on, off), but found \"perhaps\"",
        ),
        (
            "permitted_enctypes = des-cbc-md5",
            "expected at least one usable encryption type, but found \"des-cbc-md5\"",
        ),
        (
            "udp_preference_limit = -1",
            "expected a number of bytes that is not negative, but found \"-1\"",
        ),
        (
            "kdc_default_options = 0x100000000",
            "expected KDC options of 32 bits, but found \"0x100000000\"",
        ),
        (
            "dns_canonicalize_hostname = a",
            "expected a boolean or fallback, but found \"a\"",
        ),
        (
            "preferred_preauth_types = 17, x",
            "expected a list of pre-authentication type numbers, but found \"17, x\"",
        ),
        ("realm_try_domains = x", "expected an integer, but found \"x\""),
    ] {
        let name = line.split(' ').next().unwrap();
        let text = format!("[libdefaults]\n\n{line}\n");
        assert_eq!(krb5_error(&text), format!("krb5.conf line 3: {name}: {expected}"));
    }
}

#[test]
fn realms_and_their_servers() {
    let conf = krb5(
        "[realms]\nR = {\nkdc = a\nkdc = http://p/KdcProxy\nkdc = [::1]:750\nmaster_kdc = m\n\
         admin_server = adm\nkpasswd_server = kp:4\nauth_to_local = RULE:x\nauth_to_local = DEFAULT\n\
         auth_to_local_names = {\nalice = al\n}\n}\nS = {\nkdc = s\nmaster_kdc = m\nprimary_kdc = p\n}\n",
    );
    let realm = conf.realm("R").unwrap();
    let text = |list: &[kerbside_formats::host_string::ServerAddress]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&realm.kdcs), ["a:88", "[::1]:750"]);
    assert_eq!(text(&realm.primary_kdcs), ["m:88"]);
    assert_eq!(text(&realm.admin_servers), ["adm:749"]);
    assert_eq!(text(&realm.kpasswd_servers), ["kp:4"]);
    assert_eq!(realm.auth_to_local, ["RULE:x", "DEFAULT"]);
    assert_eq!(realm.auth_to_local_names, [("alice".into(), "al".into())]);
    assert_eq!(
        realm.unusable[0].to_string(),
        "krb5.conf line 4: kdc: a KDC proxy over HTTP without TLS is not supported yet, but found \"http://p/KdcProxy\""
    );
    assert_eq!(text(&conf.realm("S").unwrap().primary_kdcs), ["p:88"]);
    assert_eq!(conf.realm_names().collect::<Vec<_>>(), ["R", "S"]);
    let bad = krb5("[realms]\nR = {\ndisable_encrypted_timestamp = x\n}\n")
        .realm("R")
        .unwrap_err();
    assert_eq!(bad.line, 3);
}

#[test]
fn hosts_map_to_realms_as_mit_does() {
    let conf = krb5(
        "[domain_realm]\ncrash.mit.edu = TEST\n.dev.mit.edu = DEV\nmit.edu = MIT\n.only.org = ONLY\n\
         none.mit.edu = \"\"\n",
    );
    for (host, realm) in [
        ("crash.mit.edu", Some("TEST")),
        ("CRASH.MIT.Edu", Some("TEST")),
        ("crash.mit.edu.", Some("TEST")),
        ("a.crash.mit.edu", Some("TEST")),
        ("a.dev.mit.edu", Some("DEV")),
        ("a.b.dev.mit.edu", Some("DEV")),
        ("dev.mit.edu", Some("MIT")),
        ("mit.edu", Some("MIT")),
        ("deep.in.mit.edu", Some("MIT")),
        ("notmit.edu", None),
        ("x.only.org", Some("ONLY")),
        ("only.org", None),
        ("none.mit.edu", None),
        ("edu", None),
        ("", None),
        (".", None),
        ("10.0.0.1", None),
        ("::1", None),
    ] {
        assert_eq!(conf.realm_of_host(host), realm, "{host}");
    }
    assert_eq!(krb5("").realm_of_host("a.b"), None);
}

#[test]
fn kdc_without_a_file() {
    let conf = kdc("");
    assert_eq!(
        (conf.kdc_max_dgram_reply_size, conf.kdc_tcp_listen_backlog),
        (4096, 5)
    );
    let realm = conf.realm("R").unwrap();
    let listen: Vec<String> = realm.kdc_listen.iter().map(ToString::to_string).collect();
    assert_eq!(listen, ["*:88"]);
    assert_eq!(realm.kdc_tcp_listen, realm.kdc_listen);
    assert_eq!(
        (realm.max_life_seconds, realm.max_renewable_life_seconds),
        (86_400, 0)
    );
    assert_eq!(realm.master_key_type, EncryptionType(18));
    assert_eq!(realm.supported_enctypes, DEFAULT_KEYSALTS);
    assert_eq!(
        (realm.default_principal_flags, realm.master_key_name.as_str()),
        (0, "K/M")
    );
    assert_eq!((realm.kadmind_port, realm.kpasswd_port), (749, 464));
    assert_eq!(
        (
            realm.reject_bad_transit,
            realm.restrict_anonymous_to_tgt,
            realm.disable_pac
        ),
        (true, false, false)
    );
    assert_eq!(
        (realm.disable_lockout, realm.disable_last_success),
        (false, false)
    );
    assert_eq!(
        (realm.database_name, realm.key_stash_file, realm.acl_file),
        (None, None, None)
    );
}

#[test]
fn kdc_as_written() {
    let conf = kdc(
        "[kdcdefaults]\nkdc_ports = 750,88\nkdc_tcp_listen = 127.0.0.1:8888\nkdc_max_dgram_reply_size = 1000\n\
         [realms]\nR = {\ndatabase_name = /old\nkey_stash_file = /stash\nmax_life = 10h 0m 0s\n\
         max_renewable_life = 7d\nmaster_key_type = aes256-sha2\nsupported_enctypes = aes256-sha2:normal\n\
         default_principal_flags = +preauth\nacl_file = \"\"\ndatabase_module = db\n}\n\
         S = {\nkdc_listen = \"\"\n}\n\
         [dbmodules]\ndb = {\ndatabase_name = /new\ndb_library = db2\ndisable_lockout = true\n}\n\
         S = {\ndisable_last_success = yes\n}\n",
    );
    assert_eq!(conf.kdc_max_dgram_reply_size, 1000);
    let realm = conf.realm("R").unwrap();
    let text = |list: &[kerbside_formats::host_string::HostPort]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>()
    };
    assert_eq!(text(&realm.kdc_listen), ["*:750", "*:88"]);
    assert_eq!(text(&realm.kdc_tcp_listen), ["127.0.0.1:8888"]);
    assert_eq!(realm.database_name.as_deref(), Some("/new"));
    assert_eq!(realm.db_library.as_deref(), Some("db2"));
    assert_eq!((realm.disable_lockout, realm.disable_last_success), (true, false));
    assert_eq!(
        (realm.max_life_seconds, realm.max_renewable_life_seconds),
        (36_000, 604_800)
    );
    assert_eq!(
        (realm.master_key_type, realm.default_principal_flags),
        (EncryptionType(20), 0x80)
    );
    assert_eq!(realm.supported_enctypes[0].enctype, EncryptionType(20));
    assert_eq!(realm.acl_file.as_deref(), Some(""));
    let other = conf.realm("S").unwrap();
    assert_eq!(other.kdc_listen, []);
    assert_eq!(text(&other.kdc_tcp_listen), ["127.0.0.1:8888"]);
    assert!(other.disable_last_success);
    assert_eq!(conf.realm_names().collect::<Vec<_>>(), ["R", "S"]);
}

#[test]
fn kdc_refused() {
    for (line, expected) in [
        (
            "max_life = x",
            "expected a duration (1d2h3m4s, 26:30 or a number of seconds), but found \"x\"",
        ),
        (
            "kdc_listen = 99999",
            "expected a list of addresses, ports or address:port (no UNIX domain sockets yet), but found \"99999\"",
        ),
        (
            "master_key_type = rc4-hmac",
            "expected a supported encryption type, but found \"rc4-hmac\"",
        ),
        (
            "supported_enctypes = des-cbc-md5:normal",
            "expected a list of enctype:salttype with supported encryption types, but found \"des-cbc-md5:normal\"",
        ),
        (
            "default_principal_flags = +fly",
            "expected a list of principal flags, each with + or -, but found \"+fly\"",
        ),
        (
            "kadmind_port = 0",
            "expected a port from 1 to 65535, but found \"0\"",
        ),
    ] {
        let name = line.split(' ').next().unwrap();
        let error = kdc(&format!("[realms]\nR = {{\n{line}\n}}\n"))
            .realm("R")
            .unwrap_err();
        assert_eq!(error.to_string(), format!("kdc.conf line 3: {name}: {expected}"));
    }
    let profile = Profile::parse("[kdcdefaults]\nkdc_tcp_listen_backlog = -5\n", "kdc.conf").unwrap();
    let error = KdcConf::from_profile(profile).unwrap_err();
    assert_eq!(
        error.to_string(),
        "kdc.conf line 2: kdc_tcp_listen_backlog: expected a number that is not negative, but found \"-5\""
    );
}
