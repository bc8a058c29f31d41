//! Every documented relation as a typed value: defaults, values as written, precedence of sections.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use kerbside_crypto::{EncryptionType, EnctypePolicy};
use kerbside_formats::kdc_conf::LogTarget;
use kerbside_formats::krb5_conf::{CaPath, SpakeGroup};
use kerbside_formats::pkinit_conf::{ClientKeyUsage, DhGroup, KdcKeyUsage};
use kerbside_formats::profile::NoIncludes;
use kerbside_formats::{KdcConf, Krb5Conf, Profile};

fn krb5(text: &str) -> Krb5Conf {
    Krb5Conf::parse(text, "krb5.conf", &mut NoIncludes).unwrap()
}

fn kdc(text: &str) -> KdcConf {
    KdcConf::from_profile(Profile::parse(text, "kdc.conf").unwrap()).unwrap()
}

#[test]
fn libdefaults_of_other_users() {
    let conf = krb5("");
    let lib = &conf.libdefaults;
    assert_eq!(
        (lib.allow_des3, lib.allow_rc4, lib.ccache_type),
        (false, false, 4)
    );
    assert_eq!(lib.default_rcache_name, "dfl:");
    assert_eq!((&lib.err_fmt, lib.extra_addresses.len()), (&None, 0));
    assert_eq!((lib.k5login_authoritative, &lib.k5login_directory), (true, &None));
    assert_eq!(lib.kcm_mach_service, "org.h5l.kcm");
    assert_eq!(lib.kcm_socket, "/var/run/.heim_org.h5l.kcm-socket");
    assert_eq!((&lib.plugin_base_dir, &lib.spake_preauth_groups), (&None, &None));
    assert_eq!(lib.enctype_policy(), EnctypePolicy::DEFAULT);

    let conf = krb5(
        "[libdefaults]\nallow_rc4 = yes\nallow_des3 = no\nccache_type = 3\nerr_fmt = %M (%C)\n\
         extra_addresses = 10.0.0.1, 10.0.0.2\nk5login_authoritative = no\nk5login_directory = /k5\n\
         kcm_socket = -\nplugin_base_dir = %{LIBDIR}/krb5\nspake_preauth_groups = P-256, nonsense edwards25519\n",
    );
    let lib = &conf.libdefaults;
    assert_eq!(lib.enctype_policy(), EnctypePolicy::DEFAULT.with_rc4(true));
    assert_eq!(
        lib.permitted_enctypes.enctypes,
        [18, 17, 20, 19, 23, 25, 26].map(EncryptionType)
    );
    assert_eq!((lib.ccache_type, lib.err_fmt.as_deref()), (3, Some("%M (%C)")));
    assert_eq!(lib.extra_addresses, ["10.0.0.1", "10.0.0.2"]);
    assert_eq!(
        (lib.k5login_authoritative, lib.k5login_directory.as_deref()),
        (false, Some("/k5"))
    );
    assert_eq!(
        (lib.kcm_socket.as_str(), lib.plugin_base_dir.as_deref()),
        ("-", Some("%{LIBDIR}/krb5"))
    );
    assert_eq!(
        lib.spake_preauth_groups.as_deref(),
        Some(&[SpakeGroup::P256, SpakeGroup::Edwards25519][..])
    );
    let error = Krb5Conf::parse("[libdefaults]\nccache_type = 5\n", "f", &mut NoIncludes).unwrap_err();
    assert_eq!(
        error.to_string(),
        "f line 2: ccache_type: expected a version from 1 to 4, but found \"5\""
    );
}

#[test]
fn realm_relations_of_other_users() {
    let conf = krb5(
        "[realms]\nR = {\nauto_fast_armor = true\ndefault_domain = example.com\nhttp_anchors = FILE:/a\n\
         http_anchors = DIR:/b\nsitename = here\nv4_instance_convert = {\nmit = mit.edu\n}\nv4_realm = R4\n\
         master_kdc = m\nprimary_kdc = p\n}\n",
    );
    let realm = conf.realm("R").unwrap();
    assert!(realm.auto_fast_armor);
    assert_eq!(realm.default_domain.as_deref(), Some("example.com"));
    assert_eq!(realm.http_anchors, ["FILE:/a", "DIR:/b"]);
    assert_eq!(
        (realm.sitename.as_deref(), realm.v4_realm.as_deref()),
        (Some("here"), Some("R4"))
    );
    assert_eq!(realm.v4_instance_convert, [("mit".into(), "mit.edu".into())]);
    assert_eq!(
        (
            realm.primary_kdcs[0].host.as_str(),
            realm.master_kdcs[0].host.as_str()
        ),
        ("p", "m")
    );
    let silent = conf.realm("S").unwrap();
    assert!(!silent.auto_fast_armor && silent.v4_realm.is_none() && silent.http_anchors.is_empty());
}

#[test]
fn capaths() {
    let conf = krb5(
        "[capaths]\nANL.GOV = {\nTEST.ANL.GOV = .\nPNL.GOV = ES.NET\n}\n\
         NERSC.GOV = {\nTEST.ANL.GOV = ES.NET\nTEST.ANL.GOV = ANL.GOV\n}\n",
    );
    assert_eq!(conf.capath("ANL.GOV", "TEST.ANL.GOV"), Some(CaPath::Direct));
    assert_eq!(
        conf.capath("ANL.GOV", "PNL.GOV"),
        Some(CaPath::Through(vec!["ES.NET"]))
    );
    assert_eq!(
        conf.capath("NERSC.GOV", "TEST.ANL.GOV"),
        Some(CaPath::Through(vec!["ES.NET", "ANL.GOV"]))
    );
    assert_eq!(conf.capath("ANL.GOV", "X"), None);
    assert_eq!(conf.capath("X", "ANL.GOV"), None);
}

/// The example of krb5.conf(5).
#[test]
fn appdefaults_in_order_of_precedence() {
    let conf = krb5(
        "[appdefaults]\ntelnet = {\nATHENA.MIT.EDU = {\noption1 = false\n}\n}\n\
         telnet = {\noption1 = true\noption2 = true\n}\nATHENA.MIT.EDU = {\noption2 = false\n}\noption2 = true\n",
    );
    let get = |application, realm, option| {
        conf.appdefault(application, realm, option)
            .map(|found| found.value)
    };
    assert_eq!(get("telnet", Some("EXAMPLE.COM"), "option1"), Some("true"));
    assert_eq!(get("telnet", Some("EXAMPLE.COM"), "option2"), Some("true"));
    assert_eq!(get("telnet", Some("ATHENA.MIT.EDU"), "option1"), Some("false"));
    assert_eq!(get("telnet", Some("ATHENA.MIT.EDU"), "option2"), Some("true"));
    assert_eq!(get("ftp", Some("ATHENA.MIT.EDU"), "option2"), Some("false"));
    assert_eq!(get("ftp", Some("EXAMPLE.COM"), "option2"), Some("true"));
    assert_eq!(get("ftp", None, "option2"), Some("true"));
    assert_eq!(get("ftp", None, "option1"), None);
}

#[test]
fn plugins() {
    let conf = krb5(
        "[plugins]\npwqual = {\ndisable = dict\nmodule = my:/lib/my.so\n}\nhostrealm = {\nenable_only = dns\n}\n",
    );
    let pwqual = conf.plugins("pwqual").unwrap();
    assert_eq!(pwqual.modules, ["my:/lib/my.so"]);
    assert!(!pwqual.is_enabled("dict") && pwqual.is_enabled("empty"));
    let hostrealm = conf.plugins("hostrealm").unwrap();
    assert!(hostrealm.is_enabled("dns") && !hostrealm.is_enabled("profile"));
    assert!(conf.plugins("localauth").unwrap().is_enabled("rule"));
}

#[test]
fn pkinit_of_clients() {
    let conf = krb5(
        "[libdefaults]\npkinit_anchors = DIR:/generic\npkinit_dh_min_bits = P-384\nA = {\npkinit_anchors = FILE:/a\n\
         pkinit_anchors = FILE:/aa\n}\n[realms]\nB = {\npkinit_anchors = FILE:/b\npkinit_eku_checking = kpServerAuth\n\
         pkinit_cert_match = <EKU>msScLogin\npkinit_identities = FILE:/c,/k\npkinit_kdc_hostname = k\n\
         pkinit_pool = DIR:/p\npkinit_revoke = DIR:/r\npkinit_require_crl_checking = true\n}\n",
    );
    assert_eq!(conf.pkinit("A").unwrap().anchors, ["FILE:/a", "FILE:/aa"]);
    let b = conf.pkinit("B").unwrap();
    assert_eq!(
        (b.anchors, b.dh_min_bits),
        (vec!["FILE:/b".to_owned()], DhGroup::P384)
    );
    assert_eq!(
        (b.eku_checking, b.require_crl_checking),
        (KdcKeyUsage::ServerAuth, true)
    );
    assert_eq!(
        (b.cert_match, b.identities),
        (vec!["<EKU>msScLogin".to_owned()], vec!["FILE:/c,/k".to_owned()])
    );
    assert_eq!(
        (b.kdc_hostnames, b.pool, b.revoke),
        (vec!["k".into()], vec!["DIR:/p".into()], vec!["DIR:/r".into()])
    );
    let other = krb5("").pkinit("C").unwrap();
    assert_eq!(
        (other.dh_min_bits, other.eku_checking),
        (DhGroup::Modp2048, KdcKeyUsage::Kdc)
    );
    let error = krb5("[libdefaults]\npkinit_dh_min_bits = 512\n")
        .pkinit("C")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "krb5.conf line 2: pkinit_dh_min_bits: expected 1024, 2048, P-256, 4096, P-384 or P-521, but found \"512\""
    );
}

#[test]
fn pkinit_of_kdcs() {
    let conf = kdc(
        "[kdcdefaults]\npkinit_identity = FILE:/k\npkinit_allow_upn = yes\n[realms]\nR = {\npkinit_indicator = a\n\
         pkinit_indicator = b\npkinit_eku_checking = scLogin\npkinit_require_freshness = 1\n}\n",
    );
    let pkinit = conf.pkinit("R").unwrap();
    assert_eq!(
        (pkinit.identity.as_deref(), pkinit.allow_upn),
        (Some("FILE:/k"), true)
    );
    assert_eq!(
        (pkinit.indicators, pkinit.eku_checking),
        (vec!["a".into(), "b".into()], ClientKeyUsage::SmartCardLogin)
    );
    assert!(pkinit.require_freshness && !pkinit.require_crl_checking);
}

#[test]
fn kdc_realm_relations_of_other_users() {
    let conf = kdc(
        "[kdcdefaults]\nspake_preauth_kdc_challenge = P-256\n[realms]\nR = {\niprop_enable = true\n\
         iprop_master_ulogsize = 500\niprop_slave_poll = 5m\niprop_port = 2121\niprop_logfile = /u\n\
         iprop_resync_timeout = 10m\nkadmind_port = 1749\nkpasswd_listen = 127.0.0.1 [::1]:465\n\
         encrypted_challenge_indicator = ec\nspake_preauth_indicator = s1\nspake_preauth_indicator = s2\n\
         kdc_ports = 88\n}\nS = {\niprop_ulogsize = 7\niprop_replica_poll = 1s\nkadmind_listen = \"\"\n}\n",
    );
    assert_eq!(conf.spake_preauth_kdc_challenge.as_deref(), Some("P-256"));
    let text = |list: &[kerbside_formats::host_string::HostPort]| {
        list.iter().map(ToString::to_string).collect::<Vec<_>>().join(" ")
    };
    let realm = conf.realm("R").unwrap();
    assert_eq!(
        (
            realm.iprop_enable,
            realm.iprop_ulogsize,
            realm.iprop_replica_poll_seconds
        ),
        (true, 500, 300)
    );
    assert_eq!(
        (realm.iprop_port, text(&realm.iprop_listen).as_str()),
        (Some(2121), "*:2121")
    );
    assert_eq!(
        (realm.iprop_logfile.as_deref(), realm.iprop_resync_timeout_seconds),
        (Some("/u"), 600)
    );
    assert_eq!(text(&realm.kadmind_listen), "*:1749");
    assert_eq!(text(&realm.kpasswd_listen), "127.0.0.1:464 [::1]:465");
    assert_eq!(realm.encrypted_challenge_indicator.as_deref(), Some("ec"));
    assert_eq!(
        (realm.spake_preauth_indicators, realm.kdc_ports),
        (vec!["s1".into(), "s2".into()], Some("88".into()))
    );
    let other = conf.realm("S").unwrap();
    assert_eq!((other.iprop_ulogsize, other.iprop_replica_poll_seconds), (7, 1));
    assert_eq!((other.kadmind_listen.len(), other.iprop_listen.len()), (0, 0));
    let silent = conf.realm("T").unwrap();
    assert_eq!(
        (silent.iprop_ulogsize, silent.iprop_replica_poll_seconds),
        (1000, 120)
    );
    assert_eq!(
        (
            text(&silent.kadmind_listen).as_str(),
            text(&silent.kpasswd_listen).as_str()
        ),
        ("*:749", "*:464")
    );
    let error = kdc("[realms]\nR = {\niprop_listen = 127.0.0.1\n}\n")
        .realm("R")
        .unwrap_err();
    assert_eq!(
        error.to_string(),
        "kdc.conf line 3: iprop_listen: expected a port with each address, since there is no iprop_port, \
         but found \"127.0.0.1\""
    );
}

#[test]
fn databases() {
    let conf = kdc(
        "[realms]\nR = {\ndatabase_module = ldap\n}\n[dbdefaults]\nldap_kdc_dn = cn=default\n\
         ldap_kerberos_container_dn = cn=k\nldap_servers = ignored\n[dbmodules]\ndb_module_dir = /m\nldap = {\n\
         db_library = kldap\nldap_servers = ldaps://a ldapi://\nldap_kdc_dn = cn=own\nldap_conns_per_server = 5\n}\n\
         S = {\nmapsize = 256\nnosync = true\n}\n",
    );
    assert_eq!(conf.db_module_dir(), Some("/m"));
    let ldap = conf.database("R").unwrap();
    assert_eq!(ldap.ldap_servers, ["ldaps://a", "ldapi://"]);
    assert_eq!(
        (
            ldap.ldap_kdc_dn.as_deref(),
            ldap.ldap_kerberos_container_dn.as_deref()
        ),
        (Some("cn=own"), Some("cn=k"))
    );
    assert_eq!(
        (ldap.ldap_conns_per_server, ldap.mapsize, ldap.max_readers),
        (Some(5), 128, 128)
    );
    let other = conf.database("S").unwrap();
    assert_eq!(
        (other.mapsize, other.nosync, other.unlockiter),
        (256, true, false)
    );
    assert_eq!(
        (other.ldap_kdc_dn.as_deref(), other.ldap_servers.len()),
        (Some("cn=default"), 0)
    );
}

#[test]
fn logging() {
    let conf = kdc(
        "[logging]\nkdc = CONSOLE\nkdc = SYSLOG:INFO:DAEMON\nadmin_server = FILE:/var/adm/kadmin.log\n\
         admin_server = DEVICE=/dev/tty04\ndefault = FILE=/new\ndefault = stderr\ndefault = SYSLOG\ndebug = true\n",
    );
    let logging = conf.logging().unwrap();
    let syslog = |severity: Option<&str>, facility: &str| LogTarget::Syslog {
        severity: severity.map(Into::into),
        facility: facility.into(),
    };
    let file = |path: &str, append| LogTarget::File {
        path: path.into(),
        append,
    };
    assert_eq!(logging.kdc, [LogTarget::Console, syslog(Some("INFO"), "DAEMON")]);
    assert_eq!(
        logging.admin_server,
        [
            file("/var/adm/kadmin.log", true),
            LogTarget::Device("/dev/tty04".into())
        ]
    );
    assert_eq!(
        logging.default,
        [file("/new", false), LogTarget::Stderr, syslog(None, "AUTH")]
    );
    assert!(logging.debug);
    for bad in [
        "",
        "FILE",
        "FILE:",
        "SYSLOG:INFO:NOWHERE",
        "SYSLOG:A:AUTH:B",
        "STDERR:x",
        "DEVICE:/x",
    ] {
        assert_eq!(LogTarget::parse(bad), None, "{bad}");
    }
    let error = kdc("[logging]\nkdc = nowhere\n").logging().unwrap_err();
    assert_eq!(
        error.to_string(),
        "kdc.conf line 2: kdc: expected FILE:path, FILE=path, STDERR, CONSOLE, DEVICE=path or \
         SYSLOG[:severity[:facility]], but found \"nowhere\""
    );
}

#[test]
fn one_time_passwords() {
    let conf = kdc(
        "[otp]\nRemote = {\nserver = radius.example:1812\nsecret = file\ntimeout = 15\nretries = 5\nindicator = a\n\
         indicator = b\n}\n",
    );
    assert_eq!(conf.otp_names().collect::<Vec<_>>(), ["Remote"]);
    let otp = conf.otp("Remote").unwrap().unwrap();
    assert_eq!(
        (otp.server.as_deref(), otp.secret.as_deref()),
        (Some("radius.example:1812"), Some("file"))
    );
    assert_eq!((otp.timeout_seconds, otp.retries, otp.strip_realm), (15, 5, true));
    assert_eq!(otp.indicators, ["a", "b"]);
    let implicit = conf.otp("DEFAULT").unwrap().unwrap();
    assert_eq!(
        (implicit.timeout_seconds, implicit.retries, implicit.strip_realm),
        (5, 3, false)
    );
    assert!(
        kdc("[otp]\nDEFAULT = {\n}\n")
            .otp("DEFAULT")
            .unwrap()
            .unwrap()
            .strip_realm
    );
    assert!(conf.otp("None").unwrap().is_none());
}
