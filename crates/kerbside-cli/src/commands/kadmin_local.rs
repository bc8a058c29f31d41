//! `kadmin.local`: administration of a realm's principals on the machine of its database.
//!
//! Beside a running `krb5kdc` it works through that KDC's own socket, else on the database itself.
//!
//! | file | what is in it |
//! |---|---|
//! | `kadmin_local/console.rs` | a session's words: what is printed when, questions, principal names |
//! | `kadmin_local/requests.rs` | the requests and their other names |
//! | `kadmin_local/principals.rs` | add, modify, delete, get, list, change_password, purgekeys |
//! | `kadmin_local/options.rs` | the options of add, modify and change_password |
//! | `kadmin_local/show.rs` | what `get_principal` prints |
//! | `kadmin_local/strings.rs` | string attributes |
//! | `kadmin_local/keytab.rs` | `ktadd` and `ktremove` |
//! | `kadmin_local/dates.rs` | dates and lengths of time as people write them |
//! | `kadmin_local/glob.rs` | `*`, `?` and `[...]` |

mod console;
mod dates;
mod glob;
mod keytab;
mod options;
mod principals;
mod requests;
mod show;
mod strings;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, IsTerminal as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;

use kerbside_asn1::{Principal, Realm};
use kerbside_formats::keysalt::{KeySalt, parse_keysalts};
use kerbside_server::admin::{AdminSession, SessionPlan};

use crate::commands::realm_settings::{
    MasterSource, Overrides, Settings, ask_master_password, load, server_report, text,
};
use crate::options::{self as getopt, Item};
use crate::output::{self, Report};
use console::{Console, Mode};
use requests::Verdict;

const NAME: &str = "kadmin.local";

const USAGE: &str = "\
Usage: kadmin.local [-r realm] [-p principal] [-q query] [local args]
              [command args...]
\tlocal args: [-x db_args]* [-d dbname] [-e \"enc:salt ...\"] [-m] [-w password]
";

/// The options, as `getopt` declares them; `kadmin`'s own among them, to refuse them by name.
const SHORT: &str = "x:r:p:knq:w:d:s:mc:t:e:ON";

#[derive(Debug, Default)]
struct Arguments {
    overrides: Overrides,
    principal: Option<String>,
    query: Option<String>,
    keysalts: Option<Vec<KeySalt>>,
    ask: bool,
    command: Vec<String>,
}

/// Runs `kadmin.local`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let words = args.get(1..).unwrap_or_default();
    // The first operand begins a query whose own options follow.
    let (own, command) = words.split_at(first_operand(words));
    let items = match getopt::parse(own, SHORT, &[]) {
        Ok(items) => items,
        Err(error) => {
            eprint!("{NAME}: {error}\n{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    let arguments = match arguments(items, command) {
        Ok(arguments) => arguments,
        Err(report) => {
            report.print(NAME);
            return ExitCode::FAILURE;
        }
    };
    if arguments.query.is_some() && !arguments.command.is_empty() {
        eprint!("{NAME}: -q is exclusive with command-line query\n{USAGE}");
        return ExitCode::FAILURE;
    }
    administer(arguments).unwrap_or_else(|report| {
        report.print(NAME);
        ExitCode::FAILURE
    })
}

fn first_operand(words: &[OsString]) -> usize {
    let takes_value = |letter: u8| {
        let mut declared = SHORT.bytes().skip_while(|found| *found != letter);
        letter != b':' && declared.next().is_some() && declared.next() == Some(b':')
    };
    let mut position = 0;
    while let Some(word) = words.get(position).map(|word| word.as_bytes()) {
        match word {
            b"--" => return position + 1,
            [b'-', letters @ ..] if !letters.is_empty() => {
                let value = letters.iter().position(|letter| takes_value(*letter));
                // The value is the rest of the word, or the next word.
                position += if value.is_some_and(|at| at + 1 == letters.len()) {
                    2
                } else {
                    1
                };
            }
            _ => return position,
        }
    }
    words.len()
}

fn arguments(items: Vec<Item>, command: &[OsString]) -> Result<Arguments, Report> {
    let mut found = Arguments::default();
    for item in items {
        match item {
            Item::Value('r', realm) => found.overrides.realm = Some(text(realm)?),
            Item::Value('d', path) => found.overrides.database = Some(path.into()),
            Item::Value('p', name) => found.principal = Some(text(name)?),
            Item::Value('q', query) => found.query = Some(text(query)?),
            Item::Value('e', list) => {
                let list =
                    parse_keysalts(&text(list)?).map_err(|error| Report::new(format!("-e: {error}")))?;
                found.keysalts = Some(list);
            }
            Item::Flag('m') => found.ask = true,
            // MIT's kadmin.local takes them and has no use for them either.
            Item::Value('w', _) | Item::Flag('O' | 'N') => {}
            Item::Value('x', value) => match text(value)?.split_once('=') {
                Some(("dbname", path)) => found.overrides.database = Some(path.into()),
                _ => {
                    return Err(Report::new(
                        "-x: database arguments other than dbname= are not built",
                    ));
                }
            },
            Item::Value(letter, _) | Item::Flag(letter) => {
                return Err(Report::new(format!(
                    "-{letter} is an option of kadmin, which is not built yet"
                ))
                .hint("kadmin.local works on the database directly and logs in nowhere"));
            }
            Item::Operand(_) => {}
        }
    }
    found.command = command.iter().cloned().map(text).collect::<Result<_, _>>()?;
    Ok(found)
}

fn administer(arguments: Arguments) -> Result<ExitCode, Report> {
    let settings = load(NAME, &arguments.overrides)?;
    let realm = Realm::from(settings.config.realm.as_str());
    let shown = arguments
        .principal
        .clone()
        .unwrap_or_else(|| who_administers(&settings));
    let mode = match (&arguments.query, arguments.command.is_empty()) {
        (Some(_), _) => Mode::Query,
        (None, true) => Mode::Prompt,
        (None, false) => Mode::Script,
    };
    if mode != Mode::Script {
        output::print(&format!(
            "Authenticating as principal {} with password.\n",
            output::escape(&shown)
        ));
    }
    let by = Principal::parse(&shown, Some(&realm))
        .map_err(|error| Report::new(error.to_string()).evidence(format!("principal: {shown}")))?;
    let mut defaults = settings.config.defaults.clone();
    if let Some(keysalts) = &arguments.keysalts {
        defaults.keysalts.clone_from(keysalts);
    }
    let source = if arguments.ask {
        MasterSource::Password(ask_master_password()?)
    } else {
        MasterSource::Stash
    };
    let plan = SessionPlan {
        database: settings.config.database.clone(),
        realm: settings.config.realm.clone(),
        defaults,
        master: source.key_of(&settings.config),
    };
    let session = AdminSession::open(plan, by).map_err(server_report)?;
    let mut console = Console::new(session, realm, mode, arguments.keysalts, settings);
    Ok(match arguments.query {
        Some(query) => exit_code_of_query(requests::run_line(&mut console, &query)),
        None if mode == Mode::Script => match requests::run(&mut console, &arguments.command) {
            Verdict::Done | Verdict::Quit => ExitCode::SUCCESS,
            Verdict::Failed => ExitCode::FAILURE,
            Verdict::Unknown => {
                let name = arguments.command.first().map_or("", String::as_str);
                console.error(&format!("{NAME}: Command not found {}", output::escape(name)));
                ExitCode::FAILURE
            }
        },
        None => prompt_loop(&mut console),
    })
}

/// As MIT's: a query that was refused has been run; only one that is none has not.
fn exit_code_of_query(verdict: Verdict) -> ExitCode {
    match verdict {
        Verdict::Unknown => ExitCode::FAILURE,
        Verdict::Done | Verdict::Failed | Verdict::Quit => ExitCode::SUCCESS,
    }
}

/// `NAME/admin@REALM` of whoever runs this, for the records it changes.
fn who_administers(settings: &Settings) -> String {
    let user = std::env::var("USER").ok().filter(|user| !user.is_empty());
    let user = user
        .or_else(|| settings.environment.username.clone())
        .unwrap_or_else(|| "root".to_owned());
    let name = Principal::new(settings.config.realm.as_str(), &[user.as_str(), "admin"]);
    String::from_utf8_lossy(&name.unparse()).into_owned()
}

fn prompt_loop(console: &mut Console) -> ExitCode {
    let terminal = std::io::stdin().is_terminal();
    loop {
        output::print(&format!("{NAME}:  "));
        console.expect_more(more_is_there());
        let mut line = Vec::new();
        // Octets, since a password typed as an argument need not be UTF-8 to be refused properly.
        match std::io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => {
                output::print("\n");
                return ExitCode::SUCCESS;
            }
            Ok(_) => {}
        }
        let line = OsStr::from_bytes(&line).to_string_lossy().into_owned();
        let line = line.trim_end_matches(['\n', '\r']);
        if !terminal {
            // What a terminal would have shown.
            output::print(&format!("{}\n", output::escape(line)));
        }
        if requests::run_line(console, line) == Verdict::Quit {
            return ExitCode::SUCCESS;
        }
    }
}

/// Whether standard input has something, or its end, at once.
fn more_is_there() -> bool {
    use rustix::event::{PollFd, PollFlags, Timespec, poll};
    let stdin = std::io::stdin();
    let mut polled = [PollFd::new(&stdin, PollFlags::IN)];
    let at_once = Timespec {
        tv_sec: 0,
        tv_nsec: 0,
    };
    poll(&mut polled, Some(&at_once)).is_ok_and(|ready| ready > 0)
}

#[cfg(test)]
mod tests {
    use super::first_operand;
    use std::ffi::OsString;

    #[test]
    fn the_first_operand_ends_the_options() {
        let at = |words: &[&str]| first_operand(&words.iter().map(OsString::from).collect::<Vec<_>>());
        assert_eq!(at(&["addprinc", "-pw", "x"]), 0);
        assert_eq!(at(&["-r", "R", "addprinc", "-pw", "x"]), 2);
        assert_eq!(at(&["-rR", "addprinc"]), 1);
        assert_eq!(at(&["-mr", "R", "addprinc"]), 2);
        assert_eq!(at(&["-m", "-q", "addprinc"]), 3);
        assert_eq!(at(&["-q"]), 1);
        assert_eq!(at(&["--", "-x"]), 1);
    }
}
