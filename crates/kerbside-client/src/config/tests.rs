#![allow(clippy::unwrap_used)] // a failure here is the test's failure

use super::*;

fn environment(config: &str) -> Environment {
    Environment {
        config: Some(config.into()),
        uid: 1000,
        euid: 1001,
        temp_dir: "/tmp".into(),
        ..Environment::default()
    }
}

fn from_text(text: &str) -> Config {
    Config::from_text(text, "krb5.conf", environment("")).unwrap()
}

fn write(dir: &Path, name: &str, text: &str) -> String {
    let path = dir.join(name);
    std::fs::write(&path, text).unwrap();
    path.display().to_string()
}

#[test]
fn files_go_by_precedence_and_missing_ones_are_remembered() {
    let dir = tempfile::tempdir().unwrap();
    let first = write(dir.path(), "first", "[libdefaults]\n default_realm = ONE\n");
    let second = write(
        dir.path(),
        "second",
        "[libdefaults]\n default_realm = TWO\n ticket_lifetime = 1h\n",
    );
    let missing = dir.path().join("missing");
    let config = Config::load(environment(&format!("{}:{first}:{second}", missing.display()))).unwrap();
    assert_eq!(config.default_realm().unwrap(), Realm::from("ONE"));
    assert_eq!(config.krb5_conf().libdefaults.ticket_lifetime_seconds, 3600);
    assert_eq!(config.files_read(), [PathBuf::from(first), PathBuf::from(second)]);
    assert_eq!(config.files_missing(), [missing]);
}

#[test]
fn a_folder_stands_for_its_files_and_includes_are_followed() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("krb5.conf.d");
    std::fs::create_dir(&folder).unwrap();
    write(&folder, "b", "[libdefaults]\n default_realm = LATER\n");
    write(&folder, "a.conf", "[libdefaults]\n default_realm = FIRST\n");
    write(
        &folder,
        ".hidden.conf",
        "[libdefaults]\n default_realm = HIDDEN\n",
    );
    write(&folder, "backup~", "not read [");
    let by_folder = Config::load(environment(&folder.display().to_string())).unwrap();
    assert_eq!(by_folder.default_realm().unwrap(), Realm::from("FIRST"));
    let including = write(dir.path(), "main", &format!("includedir {}\n", folder.display()));
    let by_include = Config::load(environment(&including)).unwrap();
    assert_eq!(by_include.default_realm().unwrap(), Realm::from("FIRST"));
}

#[test]
fn a_malformed_file_is_told_with_its_line() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "krb5.conf", "[libdefaults]\n default_realm = R\n}\n");
    let error = Config::load(environment(&file)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("{file} line 3: expected a relation or a section, but found a closing brace too many")
    );
    let including = write(
        dir.path(),
        "main",
        &format!("\ninclude {}/none\n", dir.path().display()),
    );
    let error = Config::load(environment(&including)).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!(
            "{including} line 2: cannot include \"{}/none\": no such file or directory",
            dir.path().display()
        )
    );
}

#[test]
fn a_file_that_cannot_be_read_is_an_error_and_not_an_empty_file() {
    let dir = tempfile::tempdir().unwrap();
    let file = write(dir.path(), "plain", "");
    // The path goes through a file, so that this holds for root as well.
    let error = Config::load(environment(&format!("{file}/krb5.conf"))).unwrap_err();
    assert_eq!(
        error.to_string(),
        format!("cannot read {file}/krb5.conf: not a directory")
    );
}

#[test]
fn names_come_from_the_environment_the_file_or_the_default() {
    let mut environment = environment("");
    let text = "[libdefaults]\n default_ccache_name = FILE:%{TEMP}/cc_%{uid}\n default_keytab_name = FILE:/k/%{euid}\n";
    let plain = Config::from_text("", "krb5.conf", environment.clone()).unwrap();
    assert_eq!(
        plain.default_cache_name().unwrap().to_string(),
        "FILE:/tmp/krb5cc_1000"
    );
    assert_eq!(
        plain.default_keytab_name().unwrap().to_string(),
        "FILE:/etc/krb5.keytab"
    );
    assert_eq!(
        plain.default_client_keytab_name().unwrap().to_string(),
        "FILE:/etc/krb5/user/1001/client.keytab"
    );
    let configured = Config::from_text(text, "krb5.conf", environment.clone()).unwrap();
    assert_eq!(
        configured.default_cache_name().unwrap().to_string(),
        "FILE:/tmp/cc_1000"
    );
    assert_eq!(
        configured.default_keytab_name().unwrap().to_string(),
        "FILE:/k/1001"
    );
    environment.ccache_name = Some("MEMORY:mine".into());
    environment.keytab_name = Some("/srv/keytab".into());
    environment.client_keytab_name = Some("FILE:/srv/client".into());
    let set = Config::from_text(text, "krb5.conf", environment).unwrap();
    assert_eq!(
        set.default_cache_name().unwrap(),
        CacheName::Memory("mine".to_owned())
    );
    assert_eq!(set.default_keytab_name().unwrap().to_string(), "FILE:/srv/keytab");
    assert_eq!(
        set.default_client_keytab_name().unwrap().to_string(),
        "FILE:/srv/client"
    );
}

#[test]
fn an_unknown_parameter_is_told_with_its_line() {
    let config = from_text("[libdefaults]\n\n default_ccache_name = KEYRING:%{UID}\n");
    let error = config.default_cache_name().unwrap_err();
    assert_eq!(
        error.to_string(),
        "krb5.conf line 3: default_ccache_name: expected a known parameter, but found %{UID}"
    );
}

#[test]
fn a_name_without_a_realm_needs_a_default_realm() {
    let config = from_text("");
    assert!(matches!(
        config.parse_principal("alice"),
        Err(Error::NoDefaultRealm { .. })
    ));
    assert!(matches!(
        config.parse_enterprise("alice@dom"),
        Err(Error::NoDefaultRealm { .. })
    ));
    assert!(matches!(
        config.parse_principal("a@b@c"),
        Err(Error::BadName { .. })
    ));
    assert_eq!(
        config.parse_principal("alice@R").unwrap(),
        Principal::new("R", &["alice"])
    );
    let config = from_text("[libdefaults]\n default_realm = R\n[domain_realm]\n .example.com = E\n");
    assert_eq!(
        config.parse_principal("alice").unwrap(),
        Principal::new("R", &["alice"])
    );
    assert_eq!(
        config.parse_enterprise("alice@dom").unwrap(),
        Principal::new("R", &["alice@dom"])
    );
    assert_eq!(config.realm_of_host("WWW.Example.com").unwrap(), Realm::from("E"));
    assert_eq!(config.realm_of_host("elsewhere").unwrap(), Realm::from("R"));
}

#[test]
fn groups_of_spake_that_are_not_built_are_warned_about_where_no_other_is_left() {
    let warnings = |groups: &str| {
        let text = format!("[libdefaults]\n spake_preauth_groups = {groups}\n");
        let config = Config::from_text(&text, "k", Environment::default()).unwrap();
        config.login_warnings()
    };
    assert_eq!(
        warnings("P-384"),
        [
            "k line 2: spake_preauth_groups: SPAKE is not done, since none of its groups (P-384) is built; edwards25519 and P-256 are"
        ]
    );
    assert!(warnings("P-384 P-256").is_empty());
    assert!(warnings("edwards25519").is_empty());
}
