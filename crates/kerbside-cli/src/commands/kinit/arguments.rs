//! `kinit`'s options, as MIT 1.22 has them.

use std::ffi::{OsStr, OsString};

use kerbside_formats::duration::parse_duration;

use crate::options::{self, Item, LongOption};

pub(super) const USAGE: &str = "\
Usage: kinit [-V] [-l lifetime] [-s start_time] [-r renewable_life]
\t[-f | -F] [-p | -P] [-n] [-a | -A] [-C] [-E]
\t[--request-pac | --no-request-pac]
\t[-v] [-R] [-k [-i|-t keytab_file]] [-c cachename]
\t[-S service_name] [-I input_ccache] [-T ticket_armor_cache]
\t[-X <attribute>[=<value>]] [principal]

    options:
\t-V verbose
\t-l lifetime
\t-s start time (not built yet)
\t-r renewable lifetime
\t-f forwardable
\t-F not forwardable
\t-p proxiable
\t-P not proxiable
\t-n anonymous (not built yet)
\t-a include addresses (not built yet)
\t-A do not include addresses
\t-v validate (not built yet)
\t-R renew
\t-C canonicalize
\t-E client is enterprise principal name
\t-k use keytab
\t-i use default client keytab (with -k)
\t-t filename of keytab to use
\t-c Kerberos 5 cache name
\t-S service
\t-I input credential cache (not built yet)
\t-T armor credential cache (not built yet)
\t-X <attribute>[=<value>] (not built yet)
\t--{,no}-request-pac request KDC include/exclude a PAC (not built yet)
";

const SHORT: &str = "r:fpFPn54aAVl:s:c:kit:T:RS:vX:CEI:";

const LONG: &[LongOption] = &[
    LongOption {
        name: "noforwardable",
        letter: 'F',
        value: false,
    },
    LongOption {
        name: "noproxiable",
        letter: 'P',
        value: false,
    },
    LongOption {
        name: "addresses",
        letter: 'a',
        value: false,
    },
    LongOption {
        name: "forwardable",
        letter: 'f',
        value: false,
    },
    LongOption {
        name: "proxiable",
        letter: 'p',
        value: false,
    },
    LongOption {
        name: "noaddresses",
        letter: 'A',
        value: false,
    },
    LongOption {
        name: "canonicalize",
        letter: 'C',
        value: false,
    },
    LongOption {
        name: "enterprise",
        letter: 'E',
        value: false,
    },
    LongOption {
        name: "request-pac",
        letter: '+',
        value: false,
    },
    LongOption {
        name: "no-request-pac",
        letter: '+',
        value: false,
    },
];

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) verbose: bool,
    pub(super) lifetime: Option<i64>,
    pub(super) renewable_life: Option<i64>,
    pub(super) forwardable: Option<bool>,
    pub(super) proxiable: Option<bool>,
    pub(super) any_address: Option<bool>,
    pub(super) canonicalize: bool,
    pub(super) enterprise: bool,
    pub(super) renew: bool,
    pub(super) use_keytab: bool,
    /// `-t` or `-i` without `-k`.
    pub(super) forced_keytab: bool,
    pub(super) client_keytab: bool,
    pub(super) keytab: Option<OsString>,
    pub(super) cache: Option<OsString>,
    pub(super) service: Option<OsString>,
    pub(super) principal: Option<OsString>,
}

/// What the command line comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Run(Box<Arguments>),
    /// These lines go before the usage.
    Usage(String),
    /// This part is refused.
    NotBuilt(&'static str),
}

/// Reads what follows the program's name.
pub(super) fn parse(args: &[OsString]) -> Outcome {
    let items = match options::parse(args, SHORT, LONG) {
        Ok(items) => items,
        Err(error) => return Outcome::Usage(format!("kinit: {error}\n")),
    };
    let mut found = Arguments::default();
    let mut problems = String::new();
    let mut not_built = None;
    for item in items {
        match item {
            Item::Operand(name) if found.principal.is_none() => found.principal = Some(name),
            Item::Operand(extra) => {
                let extra = crate::output::escape(&extra.to_string_lossy());
                problems.push_str(&format!("Extra arguments (starting with \"{extra}\").\n"));
                break;
            }
            Item::Flag(letter) => flag(letter, &mut found, &mut problems, &mut not_built),
            Item::Value(letter, value) => option(letter, value, &mut found, &mut problems, &mut not_built),
        }
    }
    if found.client_keytab && found.keytab.is_some() {
        problems.push_str("Only one of -t and -i allowed\n");
    }
    found.forced_keytab = !found.use_keytab && (found.client_keytab || found.keytab.is_some());
    found.use_keytab |= found.forced_keytab;
    match not_built {
        _ if !problems.is_empty() => Outcome::Usage(problems),
        Some(what) => Outcome::NotBuilt(what),
        None => Outcome::Run(Box::new(found)),
    }
}

fn flag(letter: char, found: &mut Arguments, problems: &mut String, not_built: &mut Option<&'static str>) {
    let mut pair = |value: &mut Option<bool>, new: bool, names: &str| {
        if value.is_some_and(|old| old != new) {
            problems.push_str(&format!("Only one of {names} allowed\n"));
        }
        *value = Some(new);
    };
    match letter {
        'V' => found.verbose = true,
        'f' => pair(&mut found.forwardable, true, "-f and -F"),
        'F' => pair(&mut found.forwardable, false, "-f and -F"),
        'p' => pair(&mut found.proxiable, true, "-p and -P"),
        'P' => pair(&mut found.proxiable, false, "-p and -P"),
        'a' => pair(&mut found.any_address, false, "-a and -A"),
        'A' => pair(&mut found.any_address, true, "-a and -A"),
        'C' => found.canonicalize = true,
        'E' => found.enterprise = true,
        'R' => found.renew = true,
        'k' => found.use_keytab = true,
        'i' => found.client_keytab = true,
        'n' => *not_built = Some("anonymous tickets (-n)"),
        'v' => *not_built = Some("validation of postdated tickets (-v)"),
        '+' => {
            *not_built = Some("asking for tickets with or without a PAC (--request-pac, --no-request-pac)")
        }
        // -5 is what Kerberos is; -4 went with MIT 1.7.
        '4' => problems.push_str("Kerberos 4 is no longer supported\n"),
        _ => {}
    }
}

fn option(
    letter: char,
    value: OsString,
    found: &mut Arguments,
    problems: &mut String,
    not_built: &mut Option<&'static str>,
) {
    let mut once = |place: &mut Option<OsString>| {
        if place.is_some() {
            problems.push_str(&format!("Only one -{letter} option allowed\n"));
        }
        *place = Some(value.clone());
    };
    match letter {
        't' => once(&mut found.keytab),
        'c' => once(&mut found.cache),
        'S' => once(&mut found.service),
        'l' => found.lifetime = lifetime(&value, problems),
        'r' => found.renewable_life = lifetime(&value, problems),
        's' => *not_built = Some("postdated tickets (-s)"),
        'I' => *not_built = Some("an input cache for pre-authentication (-I)"),
        'T' => *not_built = Some("FAST armor (-T)"),
        'X' => *not_built = Some("pre-authentication attributes (-X)"),
        _ => {}
    }
}

fn lifetime(value: &OsStr, problems: &mut String) -> Option<i64> {
    let seconds = value
        .to_str()
        .and_then(parse_duration)
        .filter(|seconds| *seconds > 0);
    if seconds.is_none() {
        let value = crate::output::escape(&value.to_string_lossy());
        problems.push_str(&format!("Bad lifetime value {value}\n"));
    }
    seconds
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)] // a failure here is the test's failure

    use super::*;

    fn parsed(words: &[&str]) -> Outcome {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    fn run(words: &[&str]) -> Arguments {
        match parsed(words) {
            Outcome::Run(arguments) => *arguments,
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn what_people_type() {
        let login = run(&["-C", "-c", "/home/a/krb5cc", "user@REALM"]);
        assert!(login.canonicalize && !login.use_keytab);
        assert_eq!(login.cache.as_deref(), Some(OsStr::new("/home/a/krb5cc")));
        assert_eq!(login.principal.as_deref(), Some(OsStr::new("user@REALM")));
        let keytab = run(&["-R", "-kt", "user.keytab", "user@REALM"]);
        assert!(keytab.renew && keytab.use_keytab && !keytab.forced_keytab);
        let lives = run(&["-l", "5h30m", "-r", "7d", "-fP"]);
        assert_eq!(
            (lives.lifetime, lives.renewable_life),
            (Some(19_800), Some(604_800))
        );
        assert_eq!((lives.forwardable, lives.proxiable), (Some(true), Some(false)));
        let forced = run(&["-t", "k", "alice"]);
        assert!(forced.use_keytab && forced.forced_keytab);
    }

    #[test]
    fn what_contradicts_itself_or_makes_no_sense_shows_the_usage() {
        for (words, text) in [
            (&["-f", "-F"][..], "Only one of -f and -F allowed\n"),
            (&["-pP"], "Only one of -p and -P allowed\n"),
            (&["-aA"], "Only one of -a and -A allowed\n"),
            (&["-i", "-t", "k"], "Only one of -t and -i allowed\n"),
            (&["-l", "soon"], "Bad lifetime value soon\n"),
            (&["-l", "0"], "Bad lifetime value 0\n"),
            (&["-r", "-1"], "Bad lifetime value -1\n"),
            (&["-c", "a", "-c", "b"], "Only one -c option allowed\n"),
            (&["a", "b", "c"], "Extra arguments (starting with \"b\").\n"),
            (&["-Q"], "kinit: invalid option -- 'Q'\n"),
            (&["-c"], "kinit: option requires an argument -- 'c'\n"),
        ] {
            assert_eq!(parsed(words), Outcome::Usage(text.to_owned()), "{words:?}");
        }
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for (words, text) in [
            (&["-n"][..], "anonymous tickets (-n)"),
            (&["-v"], "validation of postdated tickets (-v)"),
            (&["-s", "1h"], "postdated tickets (-s)"),
            (&["-T", "cc"], "FAST armor (-T)"),
            (&["-I", "cc"], "an input cache for pre-authentication (-I)"),
            (&["-X", "a=b"], "pre-authentication attributes (-X)"),
            (
                &["--request-pac"],
                "asking for tickets with or without a PAC (--request-pac, --no-request-pac)",
            ),
        ] {
            assert_eq!(parsed(words), Outcome::NotBuilt(text), "{words:?}");
        }
    }
}
