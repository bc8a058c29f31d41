//! Keytabs and configuration files that cannot be used, and what is left.

use super::*;

#[test]
fn keytabs() {
    let name = || KeytabName::file("/etc/krb5.keytab");
    let doing = kinit(Proof::None);
    let cases = [
        (
            KeytabFault::File(FileFault::NotFound),
            "kinit: error: Key table file '/etc/krb5.keytab' not found while getting initial credentials\n\
             kinit: hint: name the keytab with -t, KRB5_KTNAME or KRB5_CLIENT_KTNAME\n\
             kinit: hint: kadmin.local writes one: ktadd -k /etc/krb5.keytab PRINCIPAL\n",
        ),
        (
            KeytabFault::File(FileFault::System {
                doing: "open",
                reason: "permission denied".to_owned(),
            }),
            "kinit: error: Permission denied reading key table file '/etc/krb5.keytab' while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: cannot open: permission denied\n\
             kinit: hint: run as the keytab's owner, or use a keytab of your own\n",
        ),
        (
            KeytabFault::Format(Keytab::parse(b"text").unwrap_err()),
            "kinit: error: Unsupported key table format version number while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: not a keytab: expected first byte 0x05, but found 0x74\n\
             kinit: hint: the file is no keytab and was left as it is: name another one\n",
        ),
        (
            KeytabFault::Format(Keytab::parse(b"\x05\x02\0\0\0\x09abc").unwrap_err()),
            "kinit: error: Key table file '/etc/krb5.keytab' is damaged while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: damaged keytab at byte 2: expected 9 bytes of record, but found 3\n\
             kinit: hint: the file was left as it is; restore it, or write a new one elsewhere with ktadd\n",
        ),
        (
            KeytabFault::NoKey {
                principal: Box::new(alice()),
                enctypes: vec![EncryptionType::AES256_CTS_HMAC_SHA1_96],
                present: vec![(
                    Principal::new("R", &["bob"]),
                    1,
                    EncryptionType::AES128_CTS_HMAC_SHA1_96,
                )],
            },
            "kinit: error: Keytab contains no suitable keys for alice@R while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: looked for alice@R with aes256-cts-hmac-sha1-96\n  \
             FILE:/etc/krb5.keytab: has bob@R kvno 1: aes128-cts-hmac-sha1-96\n\
             kinit: hint: type a principal that the keytab has, capitals and realm included; klist -k lists them\n",
        ),
        (
            KeytabFault::NoKey {
                principal: Box::new(alice()),
                enctypes: vec![EncryptionType::AES256_CTS_HMAC_SHA1_96],
                present: vec![(alice(), 1, EncryptionType::AES128_CTS_HMAC_SHA1_96)],
            },
            "kinit: error: Keytab contains no suitable keys for alice@R while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: looked for alice@R with aes256-cts-hmac-sha1-96\n  \
             FILE:/etc/krb5.keytab: has alice@R kvno 1: aes128-cts-hmac-sha1-96\n\
             kinit: hint: the keytab has keys of this principal, but of other enctypes: write it again with ktadd\n",
        ),
        (
            KeytabFault::NoKey {
                principal: Box::new(alice()),
                enctypes: vec![EncryptionType::AES256_CTS_HMAC_SHA1_96],
                present: vec![(alice(), 1, EncryptionType::RC4_HMAC)],
            },
            "kinit: error: Keytab contains no suitable keys for alice@R while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: looked for alice@R with aes256-cts-hmac-sha1-96\n  \
             FILE:/etc/krb5.keytab: has alice@R kvno 1: arcfour-hmac\n\
             kinit: hint: keys of arcfour-hmac are not used unless krb5.conf says allow_rc4 = true in [libdefaults]; \
             stronger ones are better: write the keytab again with ktadd\n",
        ),
        (
            KeytabFault::NoKey {
                principal: Box::new(Principal::new("R", &["Alice"])),
                enctypes: vec![EncryptionType::AES256_CTS_HMAC_SHA1_96],
                present: vec![(alice(), 1, EncryptionType::AES256_CTS_HMAC_SHA1_96)],
            },
            "kinit: error: Keytab contains no suitable keys for Alice@R while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: looked for Alice@R with aes256-cts-hmac-sha1-96\n  \
             FILE:/etc/krb5.keytab: has alice@R kvno 1: aes256-cts-hmac-sha1-96\n\
             kinit: hint: capitals count: the keytab has keys of alice@R\n",
        ),
        (
            KeytabFault::TypeNotBuilt("KDB".to_owned()),
            "kinit: error: Unknown Key table type while getting initial credentials\n  \
             FILE:/etc/krb5.keytab: keytabs of type KDB are not built yet; FILE is\n",
        ),
    ];
    for (fault, expected) in cases {
        assert_eq!(text(&Error::Keytab { name: name(), fault }, &doing), expected);
    }
}

#[test]
fn a_keytab_with_many_principals_is_not_poured_out() {
    let present = (0..40).map(|number| {
        (
            Principal::new("R", &[number.to_string()]),
            1,
            EncryptionType::AES128_CTS_HMAC_SHA1_96,
        )
    });
    let fault = KeytabFault::NoKey {
        principal: Box::new(alice()),
        enctypes: Vec::new(),
        present: present.collect(),
    };
    let report = text(
        &Error::Keytab {
            name: KeytabName::file("k"),
            fault,
        },
        &Doing::default(),
    );
    assert!(report.contains("FILE:k: has keys of 28 more\n"), "{report}");
}

#[test]
fn configuration() {
    let malformed =
        Config::from_text("[libdefaults\n", "/etc/krb5.conf", Environment::default()).unwrap_err();
    assert_eq!(
        text(&malformed, &Doing::default()),
        "kinit: error: Improper format of Kerberos configuration file while initializing Kerberos 5 library\n  \
         /etc/krb5.conf line 1: expected a section header like [libdefaults], but found \"[libdefaults\"\n\
         kinit: hint: correct line 1 of /etc/krb5.conf; a sample is in krb5.conf(5)\n"
    );
    let weak = "[libdefaults]\n permitted_enctypes = rc4\n";
    let weak = Config::from_text(weak, "/etc/krb5.conf", Environment::default()).unwrap_err();
    assert_eq!(
        text(&weak, &Doing::default()),
        "kinit: error: Improper format of Kerberos configuration file while initializing Kerberos 5 library\n  \
         /etc/krb5.conf line 2: permitted_enctypes: expected at least one usable encryption type, but found \"rc4\"\n\
         kinit: hint: correct line 2 of /etc/krb5.conf; a sample is in krb5.conf(5)\n\
         kinit: hint: allow_rc4 = true in [libdefaults] opens this weak type; stronger ones are better\n"
    );
    let unreadable = Error::ConfigUnreadable {
        file: "/etc/krb5.conf".into(),
        reason: "permission denied".to_owned(),
    };
    assert_eq!(
        text(&unreadable, &Doing::default()),
        "kinit: error: Can't open/find Kerberos configuration file while initializing Kerberos 5 library\n  \
         /etc/krb5.conf: permission denied\n\
         kinit: hint: make the file readable, or name another one in KRB5_CONFIG\n"
    );
    let nameless = Error::NoDefaultRealm {
        read: vec!["/a".into()],
        missing: vec!["/b".into()],
    };
    assert_eq!(
        text(&nameless, &Doing::new("when parsing name alice")),
        "kinit: error: Configuration file does not specify default realm when parsing name alice\n  \
         /a: read\n  \
         /b: does not exist\n\
         kinit: hint: type the realm (alice@EXAMPLE.COM), or set default_realm in [libdefaults]\n\
         kinit: hint: KRB5_CONFIG names the configuration files; without it, /etc/krb5.conf is read\n"
    );
    let no_kdc = Error::NoKdc {
        realm: Realm::from("r"),
        read: vec!["/a".into()],
        known: vec!["R".to_owned()],
        dns: DnsTrail::Forbidden,
    };
    assert_eq!(
        text(&no_kdc, &kinit(Proof::Password)),
        "kinit: error: Cannot find KDC for realm \"r\" while getting initial credentials\n  \
         /a: read\n  \
         realms with kdc lines there: R\n  \
         DNS was not asked: dns_lookup_kdc is false\n\
         kinit: hint: capitals count: the realm is R there\n"
    );
    let query = |name: &str, kind, outcome| DnsQuery {
        name: name.to_owned(),
        kind,
        outcome,
    };
    let asked = DnsTrail::Asked(vec![
        query("_kerberos.R", DnsKind::Uri, DnsOutcome::NoSuchName),
        query("_kerberos._udp.R", DnsKind::Srv, DnsOutcome::NotOffered),
        query(
            "_kerberos._tcp.R",
            DnsKind::Srv,
            DnsOutcome::Failed("no answer within 30.0 s".to_owned()),
        ),
    ]);
    let no_kdc = Error::NoKdc {
        realm: Realm::from("R"),
        read: vec!["/a".into()],
        known: Vec::new(),
        dns: asked.clone(),
    };
    assert_eq!(
        text(&no_kdc, &kinit(Proof::Password)),
        "kinit: error: Cannot find KDC for realm \"R\" while getting initial credentials\n  \
         /a: read\n  \
         no realm has a kdc line there\n  \
         DNS URI _kerberos.R: no such name\n  \
         DNS SRV _kerberos._udp.R: the service is not offered\n  \
         DNS SRV _kerberos._tcp.R: no answer within 30.0 s\n\
         kinit: hint: check the realm's spelling (capitals count), or add [realms] R = { kdc = HOST }\n"
    );
    let no_kpasswd = Error::NoKpasswd {
        realm: Realm::from("R"),
        read: vec!["/a".into()],
        dns: asked,
    };
    assert_eq!(
        text(&no_kpasswd, &Doing::new("changing password")),
        "kinit: error: Cannot find password server for realm \"R\" changing password\n  \
         /a: read\n  \
         DNS URI _kerberos.R: no such name\n  \
         DNS SRV _kerberos._udp.R: the service is not offered\n  \
         DNS SRV _kerberos._tcp.R: no answer within 30.0 s\n\
         kinit: hint: add [realms] R = { kpasswd_server = HOST } (or admin_server: then its port 464 is asked)\n"
    );
    let bad_name = config().parse_principal("a@b@c").unwrap_err();
    assert_eq!(
        text(&bad_name, &Doing::new("when parsing name a@b@c")),
        "kinit: error: Malformed representation of principal when parsing name a@b@c\n  \
         a@b@c: malformed principal name: expected a realm without '/' and '@', but found one at octet 3\n\
         kinit: hint: a principal is NAME[/INSTANCE][@REALM]; write \\/ \\@ \\\\ for these characters in a name\n"
    );
    let bad_value = Error::BadValue {
        file: "/a".to_owned(),
        line: 3,
        relation: "kdc".to_owned(),
        reason: "expected a host".to_owned(),
    };
    assert_eq!(
        text(&bad_value, &Doing::default()),
        "kinit: error: Improper format of Kerberos configuration file\n  /a line 3: kdc: expected a host\nkinit: hint: correct line 3 of /a\n"
    );
}

#[test]
fn the_rest() {
    let prompt = Error::Prompt {
        reason: "end of input, and no password".to_owned(),
    };
    assert_eq!(
        text(&prompt, &kinit(Proof::Password)),
        "kinit: error: Cannot read password while getting initial credentials\n  \
         end of input, and no password\n\
         kinit: hint: type it at a terminal, or give it as a line of standard input\n"
    );
    let not_built = Error::NotBuilt {
        what: "tickets of other realms".to_owned(),
    };
    assert_eq!(
        text(&not_built, &kinit(Proof::Password)),
        "kinit: error: not built yet: tickets of other realms\n"
    );
}
