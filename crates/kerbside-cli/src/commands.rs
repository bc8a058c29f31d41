//! One file for each program. Each is `run(args) -> ExitCode` with `args[0]` the program's name.

mod kadmin_local;
mod kdb5_util;
mod kdestroy;
mod kinit;
mod klist;
mod kpasswd;
mod krb5kdc;
mod kswitch;
mod ktutil;
mod kvno;
mod realm_settings;
mod up;

use std::ffi::{OsStr, OsString};
use std::process::ExitCode;

/// A program inside the binary.
pub(crate) struct Command {
    /// The name people type.
    pub(crate) name: &'static str,
    /// One line for the list of commands.
    pub(crate) summary: &'static str,
    /// Runs it.
    pub(crate) run: fn(Vec<OsString>) -> ExitCode,
}

/// Every program, in the order they are listed.
pub(crate) const ALL: &[Command] = &[
    Command {
        name: "up",
        summary: "a realm, a login and a protected page; or a realm for one command",
        run: up::run,
    },
    Command {
        name: "kinit",
        summary: "get a ticket-granting ticket with a password or a keytab",
        run: kinit::run,
    },
    Command {
        name: "klist",
        summary: "list tickets in a credential cache, or keys in a keytab",
        run: klist::run,
    },
    Command {
        name: "kvno",
        summary: "get service tickets and print their key version numbers",
        run: kvno::run,
    },
    Command {
        name: "kpasswd",
        summary: "change a password",
        run: kpasswd::run,
    },
    Command {
        name: "kdestroy",
        summary: "destroy a credential cache, or all of a collection",
        run: kdestroy::run,
    },
    Command {
        name: "kswitch",
        summary: "make another credential cache of a collection the primary one",
        run: kswitch::run,
    },
    Command {
        name: "ktutil",
        summary: "read, write and change keytabs, with keys from passwords among it",
        run: ktutil::run,
    },
    Command {
        name: "kdb5_util",
        summary: "create and destroy a realm's database, stash its master key",
        run: kdb5_util::run,
    },
    Command {
        name: "kadmin.local",
        summary: "add, change, show and delete principals; write keytabs",
        run: kadmin_local::run,
    },
    Command {
        name: "krb5kdc",
        summary: "the KDC of a realm",
        run: krb5kdc::run,
    },
];

/// The program of that name.
pub(crate) fn named(name: &OsStr) -> Option<&'static Command> {
    ALL.iter().find(|command| name == command.name)
}
