//! Which program is meant: the name the binary was called by (a link named `kinit`), or the word
//! after `kerbside`.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::process::ExitCode;

use crate::commands::{self, Command};
use crate::output;

/// Runs the program that the arguments name.
pub(crate) fn run(mut args: Vec<OsString>) -> ExitCode {
    if let Some(command) = args.first().and_then(|name| called_by(name)) {
        set_name(&mut args, command);
        return start(command, args);
    }
    if !args.is_empty() {
        args.remove(0);
    }
    let Some(word) = args.first().cloned() else {
        output::print_error("kerbside", "no command given");
        eprint!("{}", usage());
        return ExitCode::from(2);
    };
    if word == "--help" || word == "-h" || word == "help" {
        return exit_after_printing(&usage());
    }
    if word == "--version" || word == "-V" {
        return exit_after_printing(concat!("kerbside ", env!("CARGO_PKG_VERSION"), "\n"));
    }
    match commands::named(&word) {
        Some(command) => {
            set_name(&mut args, command);
            start(command, args)
        }
        None => {
            output::print_error(
                "kerbside",
                &format!("unknown command '{}'", word.to_string_lossy()),
            );
            eprint!("{}", usage());
            ExitCode::from(2)
        }
    }
}

/// Runs a program, with the lines of `KRB5_TRACE` if that is set. A trace that cannot be written is no reason to fail.
fn start(command: &Command, args: Vec<OsString>) -> ExitCode {
    // `up` has a log, which the lines go beside.
    if command.name != "up"
        && let Err(error) = kerbside_client::install_krb5_trace()
    {
        output::print_warning(command.name, &error.to_string());
    }
    (command.run)(args)
}

/// A program whose output nobody reads still did what it was asked.
fn exit_after_printing(text: &str) -> ExitCode {
    output::print(text);
    ExitCode::SUCCESS
}

/// The command a link to the binary is named for.
fn called_by(argument: &OsStr) -> Option<&'static Command> {
    let name = Path::new(argument).file_name()?;
    (name.as_bytes() != b"kerbside")
        .then(|| commands::named(name))
        .flatten()
}

/// Programs find their own name in `args[0]`, without a folder.
fn set_name(args: &mut [OsString], command: &Command) {
    if let Some(first) = args.first_mut() {
        *first = OsString::from(command.name);
    }
}

fn usage() -> String {
    let mut text = String::from(
        "Usage: kerbside COMMAND [ARGUMENT]...\n       a link to this program named as a command runs that command\n\n",
    );
    for command in commands::ALL {
        text.push_str(&format!("  {:<13} {}\n", command.name, command.summary));
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_link_is_the_program_it_is_named_for() {
        assert_eq!(
            called_by(OsStr::new("/usr/bin/kinit")).map(|command| command.name),
            Some("kinit")
        );
        assert_eq!(
            called_by(OsStr::new("klist")).map(|command| command.name),
            Some("klist")
        );
        assert!(called_by(OsStr::new("./target/debug/kerbside")).is_none());
        assert!(called_by(OsStr::new("kinit2")).is_none());
        assert!(called_by(OsStr::new("/")).is_none());
    }

    #[test]
    fn the_usage_lists_every_command() {
        let text = usage();
        for command in commands::ALL {
            assert!(text.contains(command.name), "{} is missing", command.name);
        }
    }
}
