//! `kswitch`: makes another cache of a collection the primary one.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;

use kerbside_client::{CacheName, CacheStore, Config, Environment};

use crate::diagnosis::{Doing, explain, not_in_collection};
use crate::options::{self, Item};
use crate::output::{self, Report};

const NAME: &str = "kswitch";

const USAGE: &str = "\
Usage: kswitch {-c cache_name | -p principal}
\t-c specify name of credentials cache
\t-p specify name of principal
";

/// What to switch to.
#[derive(Debug, PartialEq, Eq)]
enum Wanted {
    Cache(OsString),
    Principal(OsString),
}

/// Runs `kswitch`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    if args.get(1..).is_some_and(|words| words == ["--help"]) {
        output::print(USAGE);
        return ExitCode::SUCCESS;
    }
    let wanted = match parse(args.get(1..).unwrap_or_default()) {
        Ok(wanted) => wanted,
        Err(problem) => {
            eprint!("{problem}{USAGE}");
            return ExitCode::from(2);
        }
    };
    match switch(&wanted) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[OsString]) -> Result<Wanted, String> {
    let items = options::parse(args, "c:p:", &[]).map_err(|error| format!("{NAME}: {error}\n"))?;
    let mut wanted = None;
    for item in items {
        let found = match item {
            Item::Value('c', name) => Wanted::Cache(name),
            Item::Value(_, name) => Wanted::Principal(name),
            Item::Flag(_) | Item::Operand(_) => return Err(String::new()),
        };
        if wanted.replace(found).is_some() {
            return Err("Only one -c or -p option allowed\n".to_owned());
        }
    }
    wanted.ok_or_else(|| "One of -c or -p must be specified\n".to_owned())
}

fn switch(wanted: &Wanted) -> Result<(), Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    output::print_warnings(NAME, &config.warnings());
    let store = CacheStore::for_config(&config);
    let cache = match wanted {
        Wanted::Cache(name) => {
            let what = format!("while resolving {}", name.to_string_lossy());
            let parsed = CacheName::parse(name);
            if let CacheName::Other { .. } = parsed {
                // Reading refuses the type by its name.
                store
                    .read(&parsed)
                    .map_err(|error| explain(&error, &Doing::new(&what)))?;
            }
            store
                .resolve(&parsed)
                .map_err(|error| explain(&error, &Doing::new(&what)))?
        }
        Wanted::Principal(name) => of_principal(&config, &store, name)?,
    };
    store
        .switch(&cache)
        .map_err(|error| explain(&error, &Doing::new("while switching to credential cache")))
}

fn of_principal(config: &Config, store: &CacheStore, name: &OsStr) -> Result<CacheName, Report> {
    let text = name.to_string_lossy();
    let principal = config.parse_principal(name.as_bytes()).map_err(|error| {
        explain(
            &error,
            &Doing::new(format!("while parsing principal name {text}")),
        )
    })?;
    let doing = Doing::new(format!("while searching for ccache for {text}"));
    let collection = config
        .default_cache_name()
        .map_err(|error| explain(&error, &doing))?;
    store
        .find_in_collection(&collection, &principal)
        .map_err(|error| explain(&error, &doing))?
        .ok_or_else(|| not_in_collection(store, &collection, &principal, &doing.what))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Wanted, String> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn one_cache_or_one_principal() {
        assert_eq!(
            parsed(&["-cDIR::/d/tkt"]),
            Ok(Wanted::Cache("DIR::/d/tkt".into()))
        );
        assert_eq!(parsed(&["-p", "alice"]), Ok(Wanted::Principal("alice".into())));
        assert_eq!(parsed(&[]), Err("One of -c or -p must be specified\n".to_owned()));
        assert_eq!(
            parsed(&["-c", "a", "-p", "b"]),
            Err("Only one -c or -p option allowed\n".to_owned())
        );
        assert_eq!(parsed(&["-c", "a", "b"]), Err(String::new()));
        assert_eq!(
            parsed(&["-x"]),
            Err("kswitch: invalid option -- 'x'\n".to_owned())
        );
    }
}
