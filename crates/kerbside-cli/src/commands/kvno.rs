//! `kvno`: service tickets, and the key versions they are encrypted with.

mod tickets;

use std::ffi::OsString;
use std::process::ExitCode;

use crate::options::{self, Item, LongOption};
use crate::output;

const NAME: &str = "kvno";

const USAGE: &str = "\
usage: kvno [-c ccache] [-e etype] [-k keytab] [-q] [-u | -S sname]
\t[[{-F cert_file | {-I | -U} for_user} [-P]] | --u2u ccache]
\t[--cached-only] [--no-store] [--out-cache] service1 service2 ...
";

const LONG: &[LongOption] = &[
    LongOption {
        name: "cached-only",
        letter: 'o',
        value: false,
    },
    LongOption {
        name: "no-store",
        letter: 'N',
        value: false,
    },
    LongOption {
        name: "out-cache",
        letter: 'O',
        value: true,
    },
    LongOption {
        name: "u2u",
        letter: 'w',
        value: true,
    },
];

/// A user for whom tickets are got.
#[derive(Debug, PartialEq, Eq)]
enum ForUser {
    /// `-I`: a principal.
    Principal(String),
    /// `-U`: an enterprise name.
    Enterprise(String),
}

/// What was asked for.
#[derive(Debug, Default)]
struct Arguments {
    cache: Option<OsString>,
    out_cache: Option<OsString>,
    keytab: Option<OsString>,
    etype: Option<String>,
    sname: Option<String>,
    for_user: Option<ForUser>,
    proxy: bool,
    u2u: Option<OsString>,
    quiet: bool,
    unknown_type: bool,
    cached_only: bool,
    no_store: bool,
    services: Vec<OsString>,
}

/// Why the command line is none.
#[derive(Debug, PartialEq, Eq)]
enum Wrong {
    /// The usage says it all.
    Usage,
    /// The usage, after this line.
    Because(&'static str),
    /// Something that is not built.
    NotBuilt(&'static str),
}

/// Runs `kvno`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match parse(args.get(1..).unwrap_or_default()) {
        Ok(arguments) => arguments,
        Err(Wrong::NotBuilt(what)) => {
            output::print_error(NAME, &format!("not built yet: {what}"));
            return ExitCode::FAILURE;
        }
        Err(Wrong::Because(reason)) => {
            eprint!("{reason}\n{USAGE}");
            return ExitCode::FAILURE;
        }
        Err(Wrong::Usage) => {
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match tickets::run(&arguments) {
        Ok(status) => status,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn parse(args: &[OsString]) -> Result<Arguments, Wrong> {
    let items = options::parse(args, "uCc:e:hk:qPS:I:U:F:", LONG).map_err(|error| {
        eprintln!("{NAME}: {error}");
        Wrong::Usage
    })?;
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let mut found = Arguments::default();
    let mut certificate = false;
    for item in items {
        match item {
            Item::Flag('q') => found.quiet = true,
            Item::Flag('u') => found.unknown_type = true,
            Item::Flag('o') => found.cached_only = true,
            Item::Flag('N') => found.no_store = true,
            Item::Flag('P') => found.proxy = true,
            // Names are always asked for with CANONICALIZE.
            Item::Flag('C') => {}
            Item::Value('c', value) => found.cache = Some(value),
            Item::Value('O', value) => found.out_cache = Some(value),
            Item::Value('k', value) => found.keytab = Some(value),
            Item::Value('e', value) => found.etype = Some(text(value)),
            Item::Value('S', value) => found.sname = Some(text(value)),
            Item::Value('I', value) => found.for_user = Some(ForUser::Principal(text(value))),
            Item::Value('U', value) => found.for_user = Some(ForUser::Enterprise(text(value))),
            Item::Value('F', _) => certificate = true,
            Item::Value('w', value) => found.u2u = Some(value),
            Item::Flag(_) | Item::Value(..) => return Err(Wrong::Usage),
            Item::Operand(service) => found.services.push(service),
        }
    }
    let for_other = certificate || found.for_user.is_some();
    if found.u2u.is_some() && for_other {
        return Err(Wrong::Because(
            "Options --u2u and -I|-U|-F are mutually exclusive",
        ));
    }
    if found.proxy && !for_other {
        return Err(Wrong::Because(
            "Option -P (constrained delegation) requires option -I|-U|-F (protocol transition)",
        ));
    }
    if found.unknown_type && found.sname.is_some() {
        return Err(Wrong::Because("Options -u and -S are mutually exclusive"));
    }
    if found.services.is_empty() {
        return Err(Wrong::Usage);
    }
    if certificate {
        return Err(Wrong::NotBuilt("protocol transition by certificate (-F)"));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, Wrong> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn wrong(words: &[&str]) -> Option<Wrong> {
        parsed(words).err()
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        assert_eq!(
            wrong(&["-F", "c.pem", "x"]),
            Some(Wrong::NotBuilt("protocol transition by certificate (-F)"))
        );
    }

    #[test]
    fn services_are_needed_and_some_options_exclude_others() {
        for words in [&[][..], &["-q"], &["-h"], &["-c"]] {
            assert_eq!(wrong(words), Some(Wrong::Usage), "{words:?}");
        }
        for (words, reason) in [
            (
                &["-u", "-S", "HTTP", "host"][..],
                "Options -u and -S are mutually exclusive",
            ),
            (
                &["--u2u", "cc", "-U", "bob", "x"],
                "Options --u2u and -I|-U|-F are mutually exclusive",
            ),
            (
                &["-P", "x"],
                "Option -P (constrained delegation) requires option -I|-U|-F (protocol transition)",
            ),
        ] {
            assert_eq!(wrong(words), Some(Wrong::Because(reason)), "{words:?}");
        }
        assert_eq!(
            parsed(&["-c", "cc", "a@R", "b@R"]).map(|found| found.services.len()),
            Ok(2)
        );
    }

    #[test]
    fn the_last_user_counts() {
        let found = parsed(&["-U", "bob", "-I", "alice", "-P", "x"]).ok();
        let found = found.map(|found| (found.for_user, found.proxy));
        assert_eq!(found, Some((Some(ForUser::Principal("alice".to_owned())), true)));
    }
}
