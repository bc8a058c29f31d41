//! `kinit`'s options, as MIT 1.22 has them.

use std::ffi::{OsStr, OsString};

use jiff::ZonedDateTime;
use kerbside_formats::duration::parse_duration;

use super::start_time;
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
\t-s start time
\t-r renewable lifetime
\t-f forwardable
\t-F not forwardable
\t-p proxiable
\t-P not proxiable
\t-n anonymous (not built yet)
\t-a include addresses
\t-A do not include addresses
\t-v validate
\t-R renew
\t-C canonicalize
\t-E client is enterprise principal name
\t-k use keytab
\t-i use default client keytab (with -k)
\t-t filename of keytab to use
\t-c Kerberos 5 cache name
\t-S service
\t-I input credential cache
\t-T armor credential cache
\t-X <attribute>[=<value>] (not built yet)
\t--{,no}-request-pac request KDC include/exclude a PAC
";

const SHORT: &str = "r:fpFPn54aAVl:s:c:kit:T:RS:vX:CEI:";

/// Stand for the options that have no letter.
const REQUEST_PAC: char = '+';
const NO_REQUEST_PAC: char = '~';

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
        letter: REQUEST_PAC,
        value: false,
    },
    LongOption {
        name: "no-request-pac",
        letter: NO_REQUEST_PAC,
        value: false,
    },
];

/// How the ticket is got; as with MIT, the last of `-R`, `-v` and `-k` wins.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) enum Action {
    /// With a password.
    #[default]
    Password,
    /// `-k`: with a keytab.
    Keytab,
    /// `-R`: with the ticket that the cache has.
    Renew,
    /// `-v`: with the postdated ticket that the cache has.
    Validate,
}

/// What was asked for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Arguments {
    pub(super) verbose: bool,
    pub(super) lifetime: Option<i64>,
    /// How many seconds from now the ticket shall begin.
    pub(super) start_in_seconds: Option<i64>,
    pub(super) renewable_life: Option<i64>,
    pub(super) forwardable: Option<bool>,
    pub(super) proxiable: Option<bool>,
    pub(super) any_address: Option<bool>,
    pub(super) request_pac: Option<bool>,
    pub(super) canonicalize: bool,
    pub(super) enterprise: bool,
    pub(super) action: Action,
    /// `-t` or `-i` where something else than `-k` was asked for.
    pub(super) forced_keytab: bool,
    pub(super) client_keytab: bool,
    pub(super) keytab: Option<OsString>,
    pub(super) cache: Option<OsString>,
    pub(super) input_cache: Option<OsString>,
    /// The cache whose ticket armors the login.
    pub(super) armor: Option<OsString>,
    pub(super) service: Option<OsString>,
    pub(super) principal: Option<OsString>,
}

/// What was probably meant by a command line that is refused with `problems`.
pub(super) fn slip(problems: &str, args: &[OsString]) -> Option<&'static str> {
    if problems.starts_with("Bad lifetime value") {
        return Some("a lifetime is 10h, 1d12h30m, 5:30 (hours and minutes) or a number of seconds");
    }
    if problems.starts_with("Bad start time value") {
        return Some(
            "a start is in 1h30m, 1:30 or a number of seconds, or at 20270131120000 or 31-Jan-2027:12:00",
        );
    }
    let operand_after_k = args
        .iter()
        .position(|arg| arg == "-k")
        .and_then(|at| args.get(at.checked_add(1)?))
        .is_some_and(|next| !next.as_encoded_bytes().starts_with(b"-"));
    (problems.starts_with("Extra arguments") && operand_after_k)
        .then_some("the keytab is named with -t: kinit -k -t KEYTAB PRINCIPAL")
}

/// What the command line comes to.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    Run(Box<Arguments>),
    /// These lines go before the usage.
    Usage(String),
    /// `-4`, which went with MIT 1.7.
    Kerberos4,
    /// This part is refused.
    NotBuilt(&'static str),
}

/// Reads what follows the program's name; a start that is a point in time is counted from `now`.
pub(super) fn parse(args: &[OsString], now: &dyn Fn() -> ZonedDateTime) -> Outcome {
    let items = match options::parse(args, SHORT, LONG) {
        Ok(items) => items,
        Err(error) => return Outcome::Usage(format!("kinit: {error}\n")),
    };
    let mut reader = Reader {
        found: Arguments::default(),
        problems: String::new(),
        not_built: None,
        now,
    };
    for item in items {
        match item {
            Item::Operand(name) if reader.found.principal.is_none() => reader.found.principal = Some(name),
            Item::Operand(extra) => {
                let extra = crate::output::escape(&extra.to_string_lossy());
                reader.problem(&format!("Extra arguments (starting with \"{extra}\").\n"));
                break;
            }
            Item::Flag('4') => return Outcome::Kerberos4,
            Item::Flag(letter) => reader.flag(letter),
            Item::Value(letter, value) => reader.option(letter, value),
        }
    }
    reader.finish()
}

struct Reader<'a> {
    found: Arguments,
    problems: String,
    not_built: Option<&'static str>,
    /// Asked only where a time needs it: finding the time zone takes longer than a login.
    now: &'a dyn Fn() -> ZonedDateTime,
}

impl Reader<'_> {
    fn problem(&mut self, line: &str) {
        self.problems.push_str(line);
    }

    fn finish(mut self) -> Outcome {
        if self.found.client_keytab && self.found.keytab.is_some() {
            self.problem("Only one of -t and -i allowed\n");
        }
        let by_keytab = self.found.client_keytab || self.found.keytab.is_some();
        if by_keytab && self.found.action != Action::Keytab {
            self.found.forced_keytab = true;
            self.found.action = Action::Keytab;
        }
        match self.not_built {
            _ if !self.problems.is_empty() => Outcome::Usage(self.problems),
            Some(what) => Outcome::NotBuilt(what),
            None => Outcome::Run(Box::new(self.found)),
        }
    }

    fn flag(&mut self, letter: char) {
        let found = &mut self.found;
        let problems = &mut self.problems;
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
            REQUEST_PAC => pair(&mut found.request_pac, true, "--request-pac and --no-request-pac"),
            NO_REQUEST_PAC => pair(
                &mut found.request_pac,
                false,
                "--request-pac and --no-request-pac",
            ),
            'C' => found.canonicalize = true,
            'E' => found.enterprise = true,
            'R' => found.action = Action::Renew,
            'v' => found.action = Action::Validate,
            'k' => found.action = Action::Keytab,
            'i' => found.client_keytab = true,
            'n' => self.not_built = Some("anonymous tickets (-n)"),
            // -5 is what Kerberos is.
            _ => {}
        }
    }

    fn option(&mut self, letter: char, value: OsString) {
        match letter {
            't' => self.once("Only one -t option allowed.\n", |found| &mut found.keytab, value),
            'c' => self.once("Only one -c option allowed\n", |found| &mut found.cache, value),
            'I' => self.once(
                "Only one -I option allowed\n",
                |found| &mut found.input_cache,
                value,
            ),
            // The last one counts.
            'S' => self.found.service = Some(value),
            'l' => self.found.lifetime = self.lifetime(&value),
            'r' => self.found.renewable_life = self.lifetime(&value),
            's' => self.found.start_in_seconds = self.start(&value),
            'T' => self.once("Only one armor_ccache\n", |found| &mut found.armor, value),
            'X' => self.not_built = Some("pre-authentication attributes (-X)"),
            _ => {}
        }
    }

    fn once(
        &mut self,
        problem: &str,
        place: impl Fn(&mut Arguments) -> &mut Option<OsString>,
        value: OsString,
    ) {
        if place(&mut self.found).replace(value).is_some() {
            self.problem(problem);
        }
    }

    fn lifetime(&mut self, value: &OsStr) -> Option<i64> {
        let seconds = value.to_str().and_then(parse_duration);
        // MIT takes negative ones as well, and then gets a ticket that is no longer valid.
        self.unless_bad("lifetime", value, seconds.filter(|seconds| *seconds > 0))
    }

    fn start(&mut self, value: &OsStr) -> Option<i64> {
        let text = value.to_str();
        let seconds = text.and_then(|text| parse_duration(text).filter(|seconds| *seconds != 0));
        let seconds = seconds.or_else(|| start_time::seconds_until(text?, &(self.now)()));
        self.unless_bad("start time", value, seconds)
    }

    fn unless_bad(&mut self, what: &str, value: &OsStr, seconds: Option<i64>) -> Option<i64> {
        if seconds.is_none() {
            let value = crate::output::escape(&value.to_string_lossy());
            self.problem(&format!("Bad {what} value {value}\n"));
        }
        seconds
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::panic)] // a failure here is the test's failure

    use super::*;

    fn parsed(words: &[&str]) -> Outcome {
        let args: Vec<_> = words.iter().map(OsString::from).collect();
        parse(&args, &ZonedDateTime::default)
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
        assert!(login.canonicalize && login.action == Action::Password);
        assert_eq!(login.cache.as_deref(), Some(OsStr::new("/home/a/krb5cc")));
        assert_eq!(login.principal.as_deref(), Some(OsStr::new("user@REALM")));
        let keytab = run(&["-R", "-kt", "user.keytab", "user@REALM"]);
        assert!(keytab.action == Action::Keytab && !keytab.forced_keytab);
        // A keytab wins over -R and -v; of those three letters the last does.
        let forced = run(&["-k", "-R", "-t", "k"]);
        assert!(forced.action == Action::Keytab && forced.forced_keytab);
        assert_eq!(run(&["-k", "-R"]).action, Action::Renew);
        assert_eq!(run(&["-R", "-v"]).action, Action::Validate);
        assert_eq!(run(&["-s", "1h"]).start_in_seconds, Some(3600));
        // The epoch as the time it is now.
        assert_eq!(run(&["-s", "19700102000000"]).start_in_seconds, Some(86_400));
        assert_eq!(run(&["--no-request-pac"]).request_pac, Some(false));
        assert_eq!(run(&["-a", "--request"]).request_pac, Some(true));
        assert_eq!(run(&["--addr"]).any_address, Some(false));
        assert_eq!(run(&["-I", "cc"]).input_cache, Some("cc".into()));
        let lives = run(&["-l", "5h30m", "-r", "7d", "-fP"]);
        assert_eq!(
            (lives.lifetime, lives.renewable_life),
            (Some(19_800), Some(604_800))
        );
        assert_eq!((lives.forwardable, lives.proxiable), (Some(true), Some(false)));
        let forced = run(&["-t", "k", "alice"]);
        assert!(forced.action == Action::Keytab && forced.forced_keytab);
        let forced = run(&["-R", "-i"]);
        assert!(forced.client_keytab && forced.forced_keytab);
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
            (&["-s", "soon"], "Bad start time value soon\n"),
            (&["-s", "0"], "Bad start time value 0\n"),
            (&["-t", "a", "-t", "b"], "Only one -t option allowed.\n"),
            (&["-I", "a", "-I", "b"], "Only one -I option allowed\n"),
            (&["-T", "a", "-T", "b"], "Only one armor_ccache\n"),
            (
                &["--request-pac", "--no-request-pac"],
                "Only one of --request-pac and --no-request-pac allowed\n",
            ),
            (
                &["--no"],
                "kinit: option '--no' is ambiguous; possibilities: '--noforwardable' '--noproxiable' '--noaddresses' '--no-request-pac'\n",
            ),
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
            (&["-X", "a=b"], "pre-authentication attributes (-X)"),
        ] {
            assert_eq!(parsed(words), Outcome::NotBuilt(text), "{words:?}");
        }
    }
}
