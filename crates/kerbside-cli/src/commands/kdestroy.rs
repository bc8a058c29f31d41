//! `kdestroy`: removes a credential cache.

use std::ffi::OsString;
use std::process::ExitCode;

use kerbside_client::{CacheFault, CacheName, CacheStore, Config, Environment, Error, FileFault};

use crate::diagnosis::{Doing, explain};
use crate::options::{self, Item};
use crate::output;

const NAME: &str = "kdestroy";

const USAGE: &str = "\
Usage: kdestroy [-A] [-q] [-c cache_name] [-p princ_name]
\t-A destroy all credential caches in collection
\t-q quiet mode
\t-c specify name of credentials cache
\t-p specify principal name within collection (not built yet)
";

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
struct Arguments {
    all: bool,
    quiet: bool,
    cache: Option<OsString>,
    by_principal: bool,
}

/// Runs `kdestroy`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match parse(args.get(1..).unwrap_or_default()) {
        Ok(arguments) => arguments,
        Err(problem) => {
            eprint!("{problem}{USAGE}");
            return ExitCode::from(2);
        }
    };
    if arguments.by_principal {
        output::print_error(NAME, "not built yet: collections of caches (-p)");
        return ExitCode::FAILURE;
    }
    destroy(&arguments)
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
            Item::Value(..) => found.by_principal = true,
            Item::Flag(_) => {}
            Item::Operand(_) => return Err(String::new()),
        }
    }
    Ok(found)
}

fn destroy(arguments: &Arguments) -> ExitCode {
    let result = Config::load(Environment::from_process()).and_then(|config| {
        let name = match &arguments.cache {
            Some(name) => CacheName::parse(name),
            None => config.default_cache_name()?,
        };
        CacheStore::new().destroy(&name)
    });
    match result {
        Ok(()) => ExitCode::SUCCESS,
        // Nothing to destroy is what was wanted: MIT says so and succeeds. With -A it says nothing.
        Err(Error::Cache {
            fault: CacheFault::File(FileFault::NotFound),
            ..
        }) => {
            if !arguments.all {
                eprintln!("{NAME}: No credentials cache found while destroying cache");
            }
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
        assert!(parsed(&["-p", "alice"]).is_ok_and(|found| found.by_principal));
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
