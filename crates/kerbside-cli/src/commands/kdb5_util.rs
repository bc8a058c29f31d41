//! `kdb5_util`: creates and destroys a realm's database, and stashes its master key.

use std::ffi::OsString;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

use kerbside_crypto::Password;
use kerbside_server::create::create_realm;
use kerbside_server::store::{
    MasterKey, RedbStore, StashMode, destroy_file, read_stash, realm_of_file, write_stash,
};
use kerbside_server::{RealmConfig, ServerError, clock};

use crate::commands::realm_settings::{
    MasterSource, Overrides, ask_master_password, enctype, load, server_report, text, timestamp,
};
use crate::output::{self, Report};
use crate::prompt;

const NAME: &str = "kdb5_util";

const USAGE: &str = "\
Usage: kdb5_util [-r realm] [-d dbname] [-k mkeytype] [-kv mkeyVNO]
\t        [-M mkeyname] [-m] [-sf stashfilename] [-P password]
\t        [-x db_args]* cmd [cmd_options]
\tcreate  [-s]
\tdestroy [-f]
\tstash   [-f keyfile]
";

/// Commands of MIT's program that are not here yet.
const NOT_BUILT: &[&str] = &[
    "dump",
    "load",
    "ark",
    "add_mkey",
    "use_mkey",
    "list_mkeys",
    "update_princ_encryption",
    "purge_mkeys",
    "tabdump",
];

/// The command line. MIT takes the options of the program anywhere, also behind the command.
#[derive(Debug, Default)]
struct Arguments {
    overrides: Overrides,
    key_type: Option<String>,
    master_kvno: Option<u32>,
    ask: bool,
    password: Option<Password>,
    words: Vec<String>,
}

/// Why nothing was done.
enum Failure {
    Usage,
    Report(Report),
}

impl From<Report> for Failure {
    fn from(report: Report) -> Self {
        Failure::Report(report)
    }
}

impl From<ServerError> for Failure {
    fn from(error: ServerError) -> Self {
        Failure::Report(server_report(error))
    }
}

/// Runs `kdb5_util`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let done = parse(args).and_then(command);
    match done {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failure::Usage) => {
            eprint!("{USAGE}");
            ExitCode::FAILURE
        }
        Err(Failure::Report(report)) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn parse(args: Vec<OsString>) -> Result<Arguments, Failure> {
    let mut found = Arguments::default();
    let mut rest = args.into_iter().skip(1);
    while let Some(arg) = rest.next() {
        let arg = text(arg)?;
        let mut value = || rest.next().ok_or(Failure::Usage);
        match arg.as_str() {
            "-r" => found.overrides.realm = Some(text(value()?)?),
            "-d" => found.overrides.database = Some(value()?.into()),
            "-sf" => found.overrides.stash = Some(value()?.into()),
            "-P" => found.password = Some(Password::from(text(value()?)?)),
            "-k" => found.key_type = Some(text(value()?)?),
            "-kv" => {
                let kvno = text(value()?)?
                    .parse()
                    .ok()
                    .filter(|kvno| *kvno > 0)
                    .ok_or(Failure::Usage)?;
                found.master_kvno = Some(kvno);
            }
            "-m" => found.ask = true,
            "-M" => {
                let name = text(value()?)?;
                if name != "K/M" {
                    return Err(
                        Report::new(format!("-M {name}: other names than K/M are not built yet")).into(),
                    );
                }
            }
            "-x" => match text(value()?)?.split_once('=') {
                Some(("dbname", path)) => found.overrides.database = Some(path.into()),
                _ => {
                    return Err(
                        Report::new("-x: database arguments other than dbname= are not built").into(),
                    );
                }
            },
            _ => found.words.push(arg),
        }
    }
    Ok(found)
}

fn command(mut arguments: Arguments) -> Result<(), Failure> {
    let mut words = core::mem::take(&mut arguments.words).into_iter();
    let name = words.next().ok_or(Failure::Usage)?;
    let words: Vec<String> = words.collect();
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    match (name.as_str(), words.as_slice()) {
        ("create", options) if options.iter().all(|option| matches!(*option, "-s" | "-W")) => {
            create(arguments, options.contains(&"-s"))
        }
        ("destroy", []) => destroy(&arguments, false),
        ("destroy", ["-f"]) => destroy(&arguments, true),
        ("stash", []) => stash(arguments, None),
        ("stash", ["-f", file]) => stash(arguments, Some(PathBuf::from(file))),
        (name, _) if NOT_BUILT.contains(&name) => Err(Report::new(format!("{name} is not built yet")).into()),
        _ => Err(Failure::Usage),
    }
}

/// The realm's settings, with the master key's type and version from the command line.
fn settings(arguments: &Arguments) -> Result<RealmConfig, Failure> {
    let mut config = load(NAME, &arguments.overrides)?.config;
    if let Some(name) = &arguments.key_type {
        config.master_key_type = enctype(name)?;
    }
    Ok(config)
}

fn create(mut arguments: Arguments, with_stash: bool) -> Result<(), Failure> {
    let config = settings(&arguments)?;
    output::print(&format!(
        "Initializing database '{}' for realm '{}',\nmaster key name 'K/M@{}'\n",
        config.database.display(),
        config.realm,
        config.realm
    ));
    // Said before a password is asked for: both would be refused later anyhow.
    if config.database.symlink_metadata().is_ok() {
        return Err(existing(&config.database));
    }
    if with_stash && config.stash.symlink_metadata().is_ok() {
        return Err(ServerError::StashExists {
            path: config.stash.clone(),
        }
        .into());
    }
    let password = match arguments.password.take() {
        Some(password) => password,
        None => ask_new_master_password()?,
    };
    if password.expose_secret().is_empty() {
        return Err(Report::new("the master password is empty")
            .hint("choose one, long and random")
            .into());
    }
    let kvno = arguments.master_kvno.unwrap_or(1);
    let master = MasterKey::from_password(config.master_key_type, &password, &config.realm, kvno)?;
    create_realm(&config.database, &config.realm, &master, &config.defaults)?;
    if with_stash {
        let now = timestamp(clock::now().time);
        write_stash(&config.stash, &config.realm, &master, now, StashMode::New)?;
    }
    Ok(())
}

/// What is already there, by its kind.
fn existing(database: &Path) -> Failure {
    let exists = ServerError::DatabaseExists {
        path: database.to_owned(),
    };
    match realm_of_file(database) {
        Ok(realm) => server_report(exists)
            .evidence(format!("it is the database of {realm}"))
            .into(),
        Err(ServerError::DatabaseForeign { found, .. }) => Report::new(exists.to_string())
            .evidence(format!("it is not a kerbside database, but {found}"))
            .hint("give another database_name in kdc.conf, or another name with -d")
            .into(),
        Err(other) => server_report(exists).evidence(other.to_string()).into(),
    }
}

fn ask_new_master_password() -> Result<Password, Failure> {
    output::print(
        "You will be prompted for the database Master Password.\n\
         It is important that you NOT FORGET this password.\n",
    );
    let unread = |error: std::io::Error| {
        Report::new("Cannot read password while reading master key from keyboard").evidence(error.to_string())
    };
    let first = prompt::password("Enter KDC database master key: ").map_err(unread)?;
    let second = prompt::password("Re-enter KDC database master key to verify: ").map_err(unread)?;
    if first.expose_secret() != second.expose_secret() {
        return Err(Report::new("Password mismatch while reading master key from keyboard").into());
    }
    Ok(first)
}

fn destroy(arguments: &Arguments, force: bool) -> Result<(), Failure> {
    let config = settings(arguments)?;
    let shown = config.database.display();
    // Said before anybody confirms.
    realm_of_file(&config.database)?;
    if !force {
        print!("Deleting KDC database stored in '{shown}', are you sure?\n(type 'yes' to confirm)? ");
        let _ = std::io::stdout().flush();
        let mut answer = String::new();
        let _ = std::io::stdin().read_line(&mut answer);
        if answer.trim_end() != "yes" {
            return Err(Report::new("nothing was destroyed").into());
        }
        output::print(&format!("OK, deleting database '{shown}'...\n"));
    }
    destroy_file(&config.database, &config.realm)?;
    // The stash is of no use without its database; what is no stash of this realm stays.
    if read_stash(&config.stash, &config.realm).is_ok() {
        let _ = std::fs::remove_file(&config.stash);
    }
    output::print(&format!("** Database '{shown}' destroyed.\n"));
    Ok(())
}

fn stash(mut arguments: Arguments, file: Option<PathBuf>) -> Result<(), Failure> {
    let config = settings(&arguments)?;
    let source = match arguments.password.take() {
        Some(password) => MasterSource::Password(password),
        None if arguments.ask => MasterSource::Password(ask_master_password()?),
        None => {
            output::print("Using existing stashed keys to update stash file.\n");
            MasterSource::Stash
        }
    };
    let master = source.key_of(&config);
    let store = RedbStore::open(&config.database, Some(&config.realm), |realm| master(realm))?;
    let file = file.unwrap_or_else(|| config.stash.clone());
    let now = timestamp(clock::now().time);
    write_stash(&file, &config.realm, store.master_key(), now, StashMode::Replace)?;
    Ok(())
}
