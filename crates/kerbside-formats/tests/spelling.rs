//! Names that are not known, and slips of known ones.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    reason = "a panic is how a test fails"
)]

use std::fs;

use kerbside_formats::profile::Loader;
use kerbside_formats::spelling::{known_relations, known_sections, misspellings, unknown};
use kerbside_formats::{KdcConf, Krb5Conf, Profile};

fn warnings(text: &str) -> Vec<String> {
    let profile = Profile::parse(text, "krb5.conf").unwrap();
    misspellings(&profile).iter().map(ToString::to_string).collect()
}

#[test]
fn slips_are_found_with_file_line_and_the_right_name() {
    let text = "[libdefautlts]\n\tdefault_realm = R\n[libdefaults]\n\tdefualt_realm = R\n\tR = {\n\t\tticket_lifetme = 1h\n\t}\n\
                [realms]\n\tR = {\n\t\tkcd = k\n\t\tmax_live = 1h\n\t\tauth_to_local_name = {\n\t\t}\n\t}\n\
                [plugins]\n\tpwqal = {\n\t}\n\tpwqual = {\n\t\tdisabel = dict\n\t}\n[LibDefaults]\n\
                [dbmodules]\n\tdb_modul_dir = /x\n\tR = {\n\t\tdb_libary = db2\n\t}\n[kdcdefaults]\n\tkdc_port = 88\n\
                [logging]\n\tkcd = STDERR\n[otp]\n\tX = {\n\t\tsrever = a\n\t}\n[dbdefaults]\n\tldap_kdc_nd = x\n";
    let expected = [
        "line 1: [libdefautlts] is not a known section; did you mean [libdefaults]?",
        "line 4: defualt_realm is not a known relation of [libdefaults]; did you mean default_realm?",
        "line 6: ticket_lifetme is not a known relation of [libdefaults] R; did you mean ticket_lifetime?",
        "line 10: kcd is not a known relation of [realms] R; did you mean kdc?",
        "line 11: max_live is not a known relation of [realms] R; did you mean max_life?",
        "line 12: auth_to_local_name is not a known subsection of [realms] R; did you mean auth_to_local_names?",
        "line 16: pwqal is not a known subsection of [plugins]; did you mean pwqual?",
        "line 19: disabel is not a known relation of [plugins] pwqual; did you mean disable?",
        "line 21: [LibDefaults] is not a known section; did you mean [libdefaults]?",
        "line 23: db_modul_dir is not a known relation of [dbmodules]; did you mean db_module_dir?",
        "line 25: db_libary is not a known relation of [dbmodules] R; did you mean db_library?",
        "line 28: kdc_port is not a known relation of [kdcdefaults]; did you mean kdc_ports?",
        "line 30: kcd is not a known relation of [logging]; did you mean kdc?",
        "line 33: srever is not a known relation of [otp] X; did you mean server?",
        "line 36: ldap_kdc_nd is not a known relation of [dbdefaults]; did you mean ldap_kdc_dn?",
    ];
    let expected: Vec<String> = expected.iter().map(|line| format!("krb5.conf {line}")).collect();
    assert_eq!(warnings(text), expected);
    let profile = Profile::parse("[libdefaultz]\n", "f").unwrap();
    assert_eq!(
        Krb5Conf::from_profile(profile.clone()).unwrap().warnings().len(),
        1
    );
    assert_eq!(KdcConf::from_profile(profile).unwrap().warnings().len(), 1);
}

#[test]
fn what_has_names_of_its_own_or_is_far_from_any_is_no_slip() {
    let text = "[domain_realm]\n\tkcd = R\n[appdefaults]\n\tkinit = {\n\t\tforwardble = yes\n\t}\n[capaths]\n\tA = {\n\t\tB = .\n\t}\n\
                [login]\n\tkrb5_get_tickets = true\n[kdc]\n\tx = y\n[libdefaults]\n\tmy_own_relation = 1\n\
                [realms]\n\tR = {\n\t\tauth_to_local_names = {\n\t\t\tkcd = alice\n\t\t}\n\t}\n";
    assert_eq!(warnings(text), [""; 0]);
    // But they can be listed.
    let listed: Vec<String> = unknown(&Profile::parse(text, "f").unwrap())
        .iter()
        .map(|unknown| format!("{}:{}:{}", unknown.path.join("/"), unknown.name, unknown.line))
        .collect();
    assert_eq!(listed, [":login:11", ":kdc:13", "libdefaults:my_own_relation:16"]);
}

struct Included;

impl Loader for Included {
    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Ok(b"[libdefaults]\nrnds = no\n".to_vec())
    }

    fn directory(&mut self, _: &str) -> Result<Vec<String>, String> {
        Ok(vec!["a.conf".into()])
    }
}

#[test]
fn included_files_count_with_their_own_lines() {
    let text = "include /one\n[realm]\nincludedir /d\n[libdefaults]\ninclude /two\n";
    let profile = Profile::parse_with(text, "f", &mut Included).unwrap();
    let found: Vec<String> = misspellings(&profile).iter().map(ToString::to_string).collect();
    let slip = "line 2: rnds is not a known relation of [libdefaults]; did you mean rdns?";
    assert_eq!(
        found,
        [
            format!("/one {slip}"),
            "f line 2: [realm] is not a known section; did you mean [realms]?".to_owned(),
            format!("/d/a.conf {slip}"),
            format!("/two {slip}"),
        ]
    );
}

/// The files that real sites and projects use.
#[test]
fn the_corpus_has_few() {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/vectors/bin/krb5conf");
    let (mut files, mut found) = (0, Vec::new());
    for file in fs::read_dir(folder).unwrap() {
        let path = file.unwrap().path();
        let name = path.file_name().unwrap().to_str().unwrap().to_owned();
        if let Ok(profile) = Profile::parse_with(fs::read(&path).unwrap(), &name, &mut Included) {
            files += 1;
            found.extend(misspellings(&profile).iter().map(ToString::to_string));
        }
    }
    found.retain(|line| !line.contains(" rnds "));
    found.sort();
    // Heimdal's and Kerby's own names, which mean nothing in MIT's files.
    assert_eq!(
        found,
        [
            "heimdal_tests_kdc_krb5-pkinit.conf.in line 3: no-addresses is not a known relation of \
             [libdefaults]; did you mean noaddresses?",
            "kerby_resources_kdc.conf line 9: kdc_tcp_port is not a known relation of [kdcdefaults]; \
             did you mean kdc_tcp_ports?",
        ]
    );
    assert!(files >= 25, "{files}");
}

/// The numbers of relations that krb5.conf(5) and kdc.conf(5) of release 1.23 document.
#[test]
fn known_names_are_counted() {
    let counts: Vec<(&str, usize)> = known_sections()
        .map(|section| (section, known_relations(section).len()))
        .collect();
    assert_eq!(counts, COUNTS);
    assert!(known_relations("nonsense").is_empty());
}

const COUNTS: [(&str, usize); 11] = [
    ("libdefaults", 52),
    ("realms", 63),
    ("domain_realm", 0),
    ("capaths", 0),
    ("appdefaults", 0),
    ("plugins", 3),
    ("kdcdefaults", 20),
    ("dbdefaults", 13),
    ("dbmodules", 23),
    ("logging", 4),
    ("otp", 6),
];
