//! The realm that the KDC's programs work on: kdc.conf and krb5.conf together, and what the command
//! line changes.

use std::ffi::OsString;
use std::path::PathBuf;

use kerbside_asn1::KerberosTime;
use kerbside_client::{Environment, load_profile};
use kerbside_crypto::{EncryptionType, Password};
use kerbside_formats::Profile;
use kerbside_formats::spelling::misspellings;
use kerbside_server::admin::MasterKeySource;
use kerbside_server::store::{MasterKey, facts_of_file, read_stash};
use kerbside_server::{RealmConfig, ServerError};

use crate::diagnosis::{Doing, explain};
use crate::output::{Report, print_warnings};
use crate::prompt;

/// What a command line says of the realm.
#[derive(Debug, Default)]
pub(crate) struct Overrides {
    /// `-r`
    pub(crate) realm: Option<String>,
    /// `-d`
    pub(crate) database: Option<PathBuf>,
    /// `-sf`
    pub(crate) stash: Option<PathBuf>,
}

/// A realm's settings.
#[derive(Debug)]
pub(crate) struct Settings {
    /// What the files say, with the command line's changes.
    pub(crate) config: RealmConfig,
    /// All relations.
    pub(crate) profile: Profile,
    /// The process's environment.
    pub(crate) environment: Environment,
}

/// Reads kdc.conf and krb5.conf; `program` warns of slips in them.
pub(crate) fn load(program: &str, overrides: &Overrides) -> Result<Settings, Report> {
    let environment = Environment::from_process();
    let mut files = environment.kdc_profile_files();
    files.extend(environment.config_files());
    let loaded = load_profile(&files)
        .map_err(|error| explain(&error, &Doing::new("while reading the configuration")))?;
    print_warnings(program, &misspellings(&loaded.profile));
    let default = loaded
        .profile
        .get(&["libdefaults", "default_realm"])
        .map(str::to_owned);
    let Some(realm) = overrides.realm.clone().or(default) else {
        let mut report = Report::new("no realm is named");
        for file in &loaded.read {
            report = report.evidence(format!("{}: no default_realm in it", file.display()));
        }
        for file in &loaded.missing {
            report = report.evidence(format!("{}: no such file", file.display()));
        }
        return Err(report.hint("say -r REALM, or set default_realm in the [libdefaults] of krb5.conf"));
    };
    let mut config = RealmConfig::from_profile(&loaded.profile, &realm).map_err(server_report)?;
    if let Some(database) = &overrides.database {
        config.database.clone_from(database);
    }
    if let Some(stash) = &overrides.stash {
        config.stash.clone_from(stash);
    }
    Ok(Settings {
        config,
        profile: loaded.profile,
        environment,
    })
}

/// A server's error as its user needs it.
pub(crate) fn server_report(error: ServerError) -> Report {
    let mut report = Report::new(error.to_string());
    let mut source = std::error::Error::source(&error);
    while let Some(cause) = source {
        report = report.evidence(cause.to_string());
        source = cause.source();
    }
    match error.hint() {
        Some(hint) => report.hint(hint),
        None => report,
    }
}

/// Where the master key comes from.
#[derive(Debug)]
pub(crate) enum MasterSource {
    /// The stash file.
    Stash,
    /// A password, typed (`-m`) or given (`-P`).
    Password(Password),
}

/// Reads the master password from the keyboard.
pub(crate) fn ask_master_password() -> Result<Password, Report> {
    prompt::password("Enter KDC database master key: ").map_err(|error| {
        Report::new("Cannot read password while reading master key").evidence(error.to_string())
    })
}

impl MasterSource {
    /// A function that gives the master key of this realm's database.
    pub(crate) fn key_of(self, settings: &RealmConfig) -> MasterKeySource {
        let stash = settings.stash.clone();
        match self {
            MasterSource::Stash => Box::new(move |realm| read_stash(&stash, realm)),
            MasterSource::Password(password) => {
                // The file names the enctype and version; while it is open elsewhere the configured
                // one is tried, and the opening that follows says that it is in use.
                let (enctype, kvno) = match facts_of_file(&settings.database) {
                    Ok(facts) => (facts.master_enctype, facts.master_kvno),
                    Err(_) => (settings.master_key_type, 1),
                };
                Box::new(move |realm| MasterKey::from_password(enctype, &password, realm, kvno))
            }
        }
    }
}

/// The enctype of that name, if kerbside computes with it.
pub(crate) fn enctype(name: &str) -> Result<EncryptionType, Report> {
    EncryptionType::from_name(name)
        .filter(|enctype| enctype.is_supported())
        .ok_or_else(|| Report::new(format!("expected a supported encryption type, but found {name}")))
}

/// A command line's value as text.
pub(crate) fn text(value: OsString) -> Result<String, Report> {
    value
        .into_string()
        .map_err(|value| Report::new(format!("expected UTF-8, but found {}", value.to_string_lossy())))
}

/// The current time of a 32-bit field.
pub(crate) fn timestamp(time: KerberosTime) -> u32 {
    time.to_u32_saturating()
}
