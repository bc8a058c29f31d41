//! `kdestroy`: removes a credential cache, or all of a collection.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use kerbside_client::{CacheFault, CacheName, CacheStore, Config, Environment, Error, FileFault};

use crate::diagnosis::{Doing, explain, not_in_collection};
use crate::options::{self, Item};
use crate::output::{self, Report};

const NAME: &str = "kdestroy";

const USAGE: &str = "\
Usage: kdestroy [-A] [-q] [-c cache_name] [-p princ_name]
\t-A destroy all credential caches in collection
\t-q quiet mode
\t-c specify name of credentials cache
\t-p specify principal name within collection
";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    all: bool,
    quiet: bool,
    cache: Option<OsString>,
    principal: Option<OsString>,
}

/// Runs `kdestroy`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    if args.get(1..).is_some_and(|words| words == ["--help"]) {
        output::print(USAGE);
        return ExitCode::SUCCESS;
    }
    // It went with MIT 1.7.
    if args.iter().any(|arg| arg == "-4") {
        eprintln!("{}", output::KERBEROS_4);
        return ExitCode::from(3);
    }
    let arguments = match parse(args.get(1..).unwrap_or_default()) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprint!("{problem}{USAGE}");
            return ExitCode::from(2);
        }
    };
    match destroy(&arguments) {
        Ok(status) => status,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[OsString]) -> Result<Arguments, String> {
    let items = options::parse(args, "54Aqc:p:", &[]).map_err(|error| format!("{NAME}: {error}\n"))?;
    let mut found = Arguments::default();
    for item in items {
        match item {
            Item::Flag('A') => found.all = true,
            Item::Flag('q') => found.quiet = true,
            Item::Value('c', _) if found.cache.is_some() => {
                return Err("Only one -c option allowed\n".to_owned());
            }
            Item::Value('c', name) => found.cache = Some(name),
            Item::Value(..) if found.principal.is_some() => {
                return Err("Only one -p option allowed\n".to_owned());
            }
            Item::Value(_, name) => found.principal = Some(name),
            Item::Flag(_) => {}
            Item::Operand(_) => return Err(String::new()),
        }
    }
    if found.all && found.principal.is_some() {
        return Err("-A option is exclusive with -p option\n".to_owned());
    }
    Ok(found)
}

fn destroy(arguments: &Arguments) -> Result<ExitCode, Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    let name = match &arguments.cache {
        Some(name) => CacheName::parse(name),
        None => config
            .default_cache_name()
            .map_err(|error| explain(&error, &Doing::new("while resolving ccache")))?,
    };
    if let CacheName::Other { kind, .. } = &name {
        let fault = CacheFault::TypeNotBuilt(kind.to_string());
        let error = Error::Cache { name, fault };
        return Err(explain(&error, &Doing::new("while resolving ccache")));
    }
    let store = CacheStore::for_config(&config);
    if arguments.all {
        let destroyed = store.destroy_collection(&name).map(|()| ExitCode::SUCCESS);
        return destroyed.map_err(|error| {
            let mut doing = Doing::new("while destroying cache");
            if let Error::Cache { name, .. } = &error {
                doing.what = format!("while destroying cache {name}");
            }
            explain(&error, &doing)
        });
    }
    if let Some(principal) = &arguments.principal {
        let found = of_principal(&config, &store, &name, principal)?;
        return Ok(destroy_one(arguments, &store, &found));
    }
    let status = destroy_one(arguments, &store, &name);
    let others = store.collection(&name).unwrap_or_default();
    if status == ExitCode::SUCCESS && !arguments.quiet && others.iter().any(|other| store.read(other).is_ok())
    {
        eprintln!("Other credential caches present, use -A to destroy all");
    }
    Ok(status)
}

/// The collection's cache that holds the principal's tickets.
fn of_principal(
    config: &Config,
    store: &CacheStore,
    collection: &CacheName,
    principal: &OsStr,
) -> Result<CacheName, Report> {
    let text = principal.to_string_lossy();
    let parsed = config.parse_principal(principal.as_bytes()).map_err(|error| {
        explain(
            &error,
            &Doing::new(format!("while parsing principal name {text}")),
        )
    })?;
    let doing = Doing::new(format!("while finding cache for {text}"));
    store
        .find_in_collection(collection, &parsed)
        .map_err(|error| explain(&error, &doing))?
        .ok_or_else(|| not_in_collection(store, collection, &parsed, &doing.what))
}

fn destroy_one(arguments: &Arguments, store: &CacheStore, name: &CacheName) -> ExitCode {
    match store.destroy(name) {
        Ok(()) => ExitCode::SUCCESS,
        // Nothing to destroy is what was wanted: MIT says so and succeeds.
        Err(Error::Cache {
            fault: CacheFault::File(FileFault::NotFound),
            ..
        }) => {
            eprintln!("{NAME}: No credentials cache found while destroying cache");
            ExitCode::SUCCESS
        }
        Err(error) => {
            explain(&error, &Doing::new("while destroying cache")).print(NAME);
            if !arguments.quiet {
                // The bell is MIT's: whoever believes the tickets gone should look up.
                eprintln!("Ticket cache \x07NOT\x07 destroyed!");
            }
            ExitCode::FAILURE
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, String> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn options_are_mits() {
        assert_eq!(
            parsed(&["-qc", "cc"]),
            Ok(Arguments {
                quiet: true,
                cache: Some("cc".into()),
                ..Arguments::default()
            })
        );
        assert_eq!(
            parsed(&["-A"]),
            Ok(Arguments {
                all: true,
                ..Arguments::default()
            })
        );
        assert!(parsed(&["-p", "alice"]).is_ok_and(|found| found.principal == Some("alice".into())));
        assert_eq!(
            parsed(&["-p", "a", "-p", "b"]),
            Err("Only one -p option allowed\n".to_owned())
        );
        assert_eq!(
            parsed(&["-Ap", "a"]),
            Err("-A option is exclusive with -p option\n".to_owned())
        );
        assert_eq!(parsed(&["cc"]), Err(String::new()));
        assert_eq!(
            parsed(&["-c", "a", "-c", "b"]),
            Err("Only one -c option allowed\n".to_owned())
        );
        assert_eq!(
            parsed(&["-h"]),
            Err("kdestroy: invalid option -- 'h'\n".to_owned())
        );
    }
}
