//! `ktutil`: a list of keys in memory, read from keytabs, changed and written to keytabs.
//!
//! | file | what is in it |
//! |---|---|
//! | `ktutil/keylist.rs` | the list, its listing, keytabs read and written |
//! | `ktutil/add.rs` | `add_entry`: keys from passwords or typed as digits |

mod add;
mod keylist;

use std::ffi::{OsStr, OsString};
use std::io::{BufRead as _, IsTerminal as _, Write as _};
use std::os::unix::ffi::OsStrExt as _;
use std::process::ExitCode;

use zeroize::Zeroizing;

use self::keylist::KeyList;
use crate::output::{self, Report};
use crate::words;

const NAME: &str = "ktutil";

const USAGE: &str = "\
Usage: ktutil [command [argument...] [-- command [argument...]]...]
\twithout a command: a prompt, or the lines of standard input
\t? lists the commands
";

const REQUESTS: &str = "\
Available ktutil requests:

clear_list, clear        Clear the current keylist.
read_kt, rkt             Read a krb5 keytab into the current keylist.
read_st, rst             Deprecated and removed.
write_kt, wkt            Write the current keylist to a krb5 keytab.
write_st, wst            Deprecated and removed.
add_entry, addent        Add an entry to the current keylist.
delete_entry, delent     Delete an entry from the current keylist.
list, l                  List the current keylist.
list_requests, lr, ?     List available requests.
quit, exit, q            Exit program.
";

/// Why a request was not done.
#[derive(Debug)]
enum Refused {
    /// One line, as MIT's ktutil says it.
    Line(String),
    /// With evidence; the name of the request comes before it.
    Report(Box<Report>),
}

impl Refused {
    fn line(text: impl Into<String>) -> Self {
        Self::Line(text.into())
    }
}

impl From<Report> for Refused {
    fn from(report: Report) -> Self {
        Self::Report(Box::new(report))
    }
}

/// What comes after a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Next {
    Continue,
    Quit,
}

/// Runs `ktutil`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let words: Vec<String> = args
        .iter()
        .skip(1)
        .map(|word| word.to_string_lossy().into_owned())
        .collect();
    let mut list = KeyList::default();
    match words.first().map(String::as_str) {
        None => prompt_loop(&mut list),
        Some(word) if word.starts_with('-') => {
            let help = word == "--help" || word == "-h";
            if help {
                output::print(USAGE);
                return ExitCode::SUCCESS;
            }
            eprint!("{USAGE}");
            ExitCode::from(2)
        }
        Some(_) => script(&mut list, &words),
    }
}

/// The command line's requests; the first that fails is the last.
fn script(list: &mut KeyList, words: &[String]) -> ExitCode {
    for request in words.split(|word| word == "--") {
        match perform(list, request) {
            Ok(Next::Continue) => {}
            Ok(Next::Quit) => break,
            Err(refused) => {
                complain(request, &refused);
                return ExitCode::FAILURE;
            }
        }
    }
    ExitCode::SUCCESS
}

/// As MIT's, it succeeds whatever the requests did.
fn prompt_loop(list: &mut KeyList) -> ExitCode {
    let terminal = std::io::stdin().is_terminal();
    loop {
        output::print(&format!("{NAME}:  "));
        // A line may be a password that an earlier request did not ask for.
        let mut line = Zeroizing::new(Vec::new());
        match std::io::stdin().lock().read_until(b'\n', &mut line) {
            Ok(0) | Err(_) => {
                if terminal {
                    output::print("\n");
                }
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
        let Some(request) = words::split(line) else {
            let _ = writeln!(std::io::stderr(), "{NAME}: Unbalanced quotes in command line");
            continue;
        };
        match perform(list, &request) {
            Ok(Next::Continue) => {}
            Ok(Next::Quit) => return ExitCode::SUCCESS,
            Err(refused) => complain(&request, &refused),
        }
    }
}

fn complain(request: &[String], refused: &Refused) {
    match refused {
        Refused::Line(line) => {
            let _ = writeln!(std::io::stderr(), "{}", output::escape(line));
        }
        Refused::Report(report) => report.print(request.first().map_or(NAME, String::as_str)),
    }
}

fn perform(list: &mut KeyList, request: &[String]) -> Result<Next, Refused> {
    let Some((name, words)) = request.split_first() else {
        return Ok(Next::Continue);
    };
    match name.as_str() {
        "clear_list" | "clear" if words.is_empty() => list.clear(),
        "clear_list" | "clear" => return Err(Refused::line(format!("{name}: invalid arguments"))),
        "read_kt" | "rkt" => match words {
            [keytab] => list.read(keytab)?,
            _ => return Err(Refused::line(format!("{name}: must specify keytab to read"))),
        },
        "write_kt" | "wkt" => match words {
            [keytab] => list.write(keytab)?,
            _ => return Err(Refused::line(format!("{name}: must specify keytab to write"))),
        },
        "read_st" | "rst" => {
            return Err(Refused::line(format!(
                "{name}: reading srvtabs is no longer supported"
            )));
        }
        "write_st" | "wst" => {
            return Err(Refused::line(format!(
                "{name}: writing srvtabs is no longer supported"
            )));
        }
        "add_entry" | "addent" => list.add(add::entry(name, words)?),
        "delete_entry" | "delent" => match words {
            [slot] => list.delete(name, slot)?,
            _ => return Err(Refused::line(format!("{name}: must specify entry to delete"))),
        },
        "list" | "l" => {
            output::print(&list.listing(keylist::columns(name, words)?));
        }
        "list_requests" | "lr" | "?" => {
            output::print(REQUESTS);
        }
        "quit" | "exit" | "q" => return Ok(Next::Quit),
        unknown => {
            return Err(Refused::line(format!(
                "{NAME}: Unknown request \"{unknown}\".  Type \"?\" for a request list."
            )));
        }
    }
    Ok(Next::Continue)
}

#[cfg(test)]
mod tests;
