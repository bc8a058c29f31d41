//! `klist`: the tickets of a credential cache, or the keys of a keytab.

mod keys;
mod tickets;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

use kerbside_client::{
    CacheFault, CacheName, CacheStore, Config, Environment, Error, KeytabFault, KeytabName, read_keytab,
};

use crate::diagnosis::{Doing, explain};
use crate::options::{self, Item};
use crate::output::{self, Report};

const NAME: &str = "klist";

const USAGE: &str = "\
Usage: klist [-e] [-V] [[-c] [-l] [-A] [-d] [-f] [-s] [-a [-n]]] [-k [-i] [-t] [-K]] [-C] [name]
\t-c specifies credentials cache
\t-k specifies keytab
\t   (Default is credentials cache)
\t-i uses default client keytab if no name given
\t-l lists credential caches in collection
\t-A shows content of all credential caches
\t-e shows the encryption type
\t-V shows the Kerberos version and exits
\toptions for credential caches:
\t\t-d shows the submitted authorization data types
\t\t-f shows credentials flags
\t\t-s sets exit status based on valid tgt existence
\t\t-a displays the address list
\t\t\t-n do not reverse-resolve
\toptions for keytabs:
\t\t-t shows keytab entry timestamps
\t\t-K shows keytab entry keys
\t\t-C includes configuration data entries
";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    etypes: bool,
    keytab: bool,
    cache: bool,
    client_keytab: bool,
    list: bool,
    all: bool,
    authdata: bool,
    flags: bool,
    silent: bool,
    addresses: bool,
    numeric: bool,
    timestamps: bool,
    keys: bool,
    configuration: bool,
    version: bool,
    indicators: bool,
    name: Option<OsString>,
}

/// Runs `klist`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    if args.get(1..).is_some_and(|words| words == ["--help"]) {
        output::print(USAGE);
        return ExitCode::SUCCESS;
    }
    let arguments = match parse(args.get(1..).unwrap_or_default()) {
        Ok(arguments) => arguments,
        Err(Refused::Kerberos4) => {
            eprintln!("{}", output::KERBEROS_4);
            return ExitCode::from(3);
        }
        Err(Refused::Usage(problem)) => {
            eprint!("{problem}{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    if arguments.version {
        output::print(concat!(
            "Kerberos 5 version kerbside ",
            env!("CARGO_PKG_VERSION"),
            "\n"
        ));
        return ExitCode::SUCCESS;
    }
    match show(&arguments) {
        Ok(status) => status,
        Err(report) => {
            if !arguments.silent {
                report.print(NAME);
            }
            ExitCode::FAILURE
        }
    }
}

/// Why a command line is refused.
#[derive(Debug, PartialEq, Eq)]
enum Refused {
    /// `-4`, which went with MIT 1.7.
    Kerberos4,
    /// These lines go before the usage.
    Usage(String),
}

fn parse(args: &[OsString]) -> Result<Arguments, Refused> {
    let items = options::parse(args, "dfetKsnacki45lAVCI:", &[])
        .map_err(|error| Refused::Usage(format!("{NAME}: {error}\n")))?;
    let mut found = Arguments::default();
    for item in items {
        match item {
            Item::Flag('d') => found.authdata = true,
            Item::Flag('f') => found.flags = true,
            Item::Flag('e') => found.etypes = true,
            Item::Flag('t') => found.timestamps = true,
            Item::Flag('K') => found.keys = true,
            Item::Flag('s') => found.silent = true,
            Item::Flag('n') => found.numeric = true,
            Item::Flag('a') => found.addresses = true,
            Item::Flag('c') => found.cache = true,
            Item::Flag('k') => found.keytab = true,
            Item::Flag('i') => found.client_keytab = true,
            Item::Flag('l') => found.list = true,
            Item::Flag('A') => found.all = true,
            Item::Flag('V') => found.version = true,
            Item::Flag('C') => found.configuration = true,
            Item::Flag('4') => return Err(Refused::Kerberos4),
            Item::Flag(_) => {}
            Item::Value(..) => found.indicators = true,
            Item::Operand(name) if found.name.is_none() => found.name = Some(name),
            Item::Operand(extra) => {
                let extra = output::escape(&extra.to_string_lossy());
                return Err(Refused::Usage(format!(
                    "Extra arguments (starting with \"{extra}\").\n"
                )));
            }
        }
    }
    // The combinations that MIT refuses.
    let cache_only = found.authdata || found.flags || found.silent || found.addresses || found.numeric;
    let keytab_only = found.timestamps || found.keys || found.client_keytab;
    let contradiction = (found.keytab && (found.cache || cache_only || found.list || found.all))
        || (!found.keytab && keytab_only)
        || (found.numeric && !found.addresses)
        || (found.list && (found.all || found.silent));
    if contradiction {
        Err(Refused::Usage(String::new()))
    } else {
        Ok(found)
    }
}

fn show(arguments: &Arguments) -> Result<ExitCode, Report> {
    if arguments.indicators {
        return Err(Report::new("not built yet: authentication indicators (-I)"));
    }
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    if !arguments.silent {
        output::print_warnings(NAME, &config.warnings());
    }
    if arguments.keytab {
        return show_keytab(arguments, &config);
    }
    show_cache(arguments, &config)
}

fn show_keytab(arguments: &Arguments, config: &Config) -> Result<ExitCode, Report> {
    let name = match &arguments.name {
        Some(name) => Ok(KeytabName::parse(name)),
        None if arguments.client_keytab => config.default_client_keytab_name(),
        None => config.default_keytab_name(),
    };
    let name = name.map_err(|error| explain(&error, &Doing::new("while resolving default keytab")))?;
    if let KeytabName::Other { kind, residual } = &name {
        let fault = KeytabFault::TypeNotBuilt(kind.to_string());
        let doing = Doing::new(format!("while resolving keytab {kind}:{residual}"));
        return Err(explain(&Error::Keytab { name, fault }, &doing));
    }
    output::print(&format!("Keytab name: {}\n", output::escape(&name.to_string())));
    let opened =
        read_keytab(&name).map_err(|error| explain(&error, &Doing::new("while starting keytab scan")))?;
    for warning in &opened.warnings {
        eprintln!(
            "{NAME}: warning: keytab {}: {warning}",
            output::escape(&name.to_string())
        );
    }
    output::print(&keys::listing(&opened.keytab, arguments));
    Ok(ExitCode::SUCCESS)
}

fn show_cache(arguments: &Arguments, config: &Config) -> Result<ExitCode, Report> {
    let name = match &arguments.name {
        Some(name) => CacheName::parse(name),
        None => config
            .default_cache_name()
            .map_err(|error| explain(&error, &Doing::new("while getting default ccache")))?,
    };
    let store = CacheStore::for_config(config);
    if arguments.list || arguments.all {
        return show_collection(arguments, &store, &name);
    }
    let name = store
        .resolve(&name)
        .map_err(|error| explain(&error, &doing(&error, arguments)))?;
    let cache = store
        .read(&name)
        .map_err(|error| explain(&error, &doing(&error, arguments)))?;
    let now = kerbside_client::now().seconds();
    if arguments.silent {
        return Ok(if tickets::current(&cache, now) {
            ExitCode::SUCCESS
        } else {
            ExitCode::FAILURE
        });
    }
    output::print(&tickets::listing(&name, &cache, arguments));
    Ok(ExitCode::SUCCESS)
}

/// Every cache of the collection; success when one of them could be shown (with `-s`: is of use).
fn show_collection(arguments: &Arguments, store: &CacheStore, name: &CacheName) -> Result<ExitCode, Report> {
    if arguments.list {
        output::print(&tickets::heading());
    }
    let caches = store
        .collection(name)
        .map_err(|error| explain(&error, &Doing::new("while listing ccache collection")))?;
    let now = kerbside_client::now().seconds();
    let mut status = ExitCode::FAILURE;
    for (index, name) in caches.iter().enumerate() {
        if arguments.all && !arguments.silent && index > 0 {
            output::print("\n");
        }
        match store.read(name) {
            Ok(cache) if arguments.list => output::print(&tickets::summary(name, &cache, now)),
            Ok(cache) if arguments.silent && !tickets::current(&cache, now) => continue,
            Ok(_) if arguments.silent => true,
            Ok(cache) => output::print(&tickets::listing(name, &cache, arguments)),
            Err(error) => {
                if !arguments.list && !arguments.silent {
                    explain(&error, &doing(&error, arguments)).print(NAME);
                }
                continue;
            }
        };
        status = ExitCode::SUCCESS;
    }
    Ok(status)
}

/// MIT's klist ends its messages with the file's name, except where there is no file to name.
fn doing<'a>(error: &Error, arguments: &Arguments) -> Doing<'a> {
    let mut doing = match error {
        Error::Cache {
            fault:
                CacheFault::TypeNotBuilt(_)
                | CacheFault::Kcm(_)
                | CacheFault::Keyring(_)
                | CacheFault::NoDirectory(_)
                | CacheFault::NotADirectory(_)
                | CacheFault::NotInCollection(_)
                | CacheFault::BadPrimary(_),
            ..
        } => Doing::new("while resolving ccache"),
        _ => Doing::new(""),
    };
    if let Some(name) = arguments.name.as_deref().map(OsStr::to_string_lossy) {
        doing.kinit = format!("kinit -c {name}");
    }
    doing
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, Refused> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_for_caches_and_keytabs_do_not_mix() {
        assert!(parsed(&["-fea", "cache"]).is_ok());
        assert!(parsed(&["-ketK", "keytab"]).is_ok());
        assert!(parsed(&["-c", "-s"]).is_ok());
        for words in [
            &["-k", "-f"][..],
            &["-k", "-s"],
            &["-t"],
            &["-K"],
            &["-i"],
            &["-n"],
            &["-c", "-k"],
            &["-lA"],
            &["-ls"],
        ] {
            assert_eq!(parsed(words), Err(Refused::Usage(String::new())), "{words:?}");
        }
        let usage = |text: &str| Err(Refused::Usage(text.to_owned()));
        assert_eq!(parsed(&["-Q"]), usage("klist: invalid option -- 'Q'\n"));
        assert_eq!(
            parsed(&["a", "b"]),
            usage("Extra arguments (starting with \"b\").\n")
        );
        assert_eq!(parsed(&["-4"]), Err(Refused::Kerberos4));
    }
}
