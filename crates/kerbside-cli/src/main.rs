//! The `kerbside` binary: one program that answers to the names Kerberos people type.
//!
//! | file | what is in it |
//! |---|---|
//! | `dispatch.rs` | which program is meant: the name it was called by, or `kerbside NAME` |
//! | `commands.rs`, `commands/` | one file for each program |
//! | `options.rs` | option parsing as `getopt_long(3)` does it |
//! | `output.rs` | `error:` and `hint:` lines, evidence, times, escaping |
//! | `prompt.rs` | passwords from a terminal or from standard input |
//! | `diagnosis.rs` | a client error as cause, evidence and what to do |

mod commands;
mod diagnosis;
mod dispatch;
mod options;
mod output;
mod prompt;
mod words;

use std::process::ExitCode;

fn main() -> ExitCode {
    dispatch::run(std::env::args_os().collect())
}
