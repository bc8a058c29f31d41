//! The requests and their other names.

use super::console::Console;
use super::{keytab, principals, strings};
use crate::output::escape;

/// What came of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Verdict {
    /// It was carried out.
    Done,
    /// It was refused, and said why.
    Failed,
    /// There is no such request.
    Unknown,
    /// The session is over.
    Quit,
}

type Action = fn(&mut Console, &[String]) -> Verdict;

/// A request: its names, what it does in a few words, and its action; `None`: not built yet.
struct Entry {
    names: &'static [&'static str],
    summary: &'static str,
    action: Option<Action>,
}

const fn entry(names: &'static [&'static str], summary: &'static str, action: Action) -> Entry {
    Entry {
        names,
        summary,
        action: Some(action),
    }
}

const fn not_built(names: &'static [&'static str], summary: &'static str) -> Entry {
    Entry {
        names,
        summary,
        action: None,
    }
}

/// MIT's requests in MIT's order.
const ALL: &[Entry] = &[
    entry(
        &["add_principal", "addprinc", "ank"],
        "Add principal",
        principals::add,
    ),
    entry(
        &["delete_principal", "delprinc"],
        "Delete principal",
        principals::delete,
    ),
    entry(
        &["modify_principal", "modprinc"],
        "Modify principal",
        principals::modify,
    ),
    not_built(&["rename_principal", "renprinc"], "Rename principal"),
    not_built(&["add_alias", "alias"], "Add alias"),
    entry(
        &["change_password", "cpw"],
        "Change password",
        principals::change_password,
    ),
    entry(&["get_principal", "getprinc"], "Get principal", principals::get),
    entry(
        &["list_principals", "listprincs", "get_principals", "getprincs"],
        "List principals",
        principals::list,
    ),
    not_built(&["add_policy", "addpol"], "Add policy"),
    not_built(&["modify_policy", "modpol"], "Modify policy"),
    not_built(&["delete_policy", "delpol"], "Delete policy"),
    not_built(&["get_policy", "getpol"], "Get policy"),
    not_built(
        &["list_policies", "listpols", "get_policies", "getpols"],
        "List policies",
    ),
    entry(&["get_privs", "getprivs"], "Get privileges", privileges),
    entry(&["ktadd", "xst"], "Add entry(s) to a keytab", keytab::add),
    entry(
        &["ktremove", "ktrem"],
        "Remove entry(s) from a keytab",
        keytab::remove,
    ),
    not_built(&["lock"], "Lock database exclusively (use with extreme caution!)"),
    not_built(&["unlock"], "Release exclusive database lock"),
    entry(
        &["purgekeys"],
        "Purge previously retained old keys from a principal",
        principals::purge_keys,
    ),
    entry(
        &["get_strings", "getstrs"],
        "Show string attributes on a principal",
        strings::get,
    ),
    entry(
        &["set_string", "setstr"],
        "Set a string attribute on a principal",
        strings::set,
    ),
    entry(
        &["del_string", "delstr"],
        "Delete a string attribute on a principal",
        strings::delete,
    ),
    entry(&["list_requests", "lr", "?"], "List available requests.", list),
    entry(&["quit", "exit", "q"], "Exit program.", |_, _| Verdict::Quit),
];

/// Runs one line as it is typed; an unknown request is said to be one.
pub(super) fn run_line(console: &mut Console, line: &str) -> Verdict {
    let Some(words) = crate::words::split(line) else {
        console.error("kadmin.local: Unbalanced quotes in command line");
        return Verdict::Failed;
    };
    let verdict = run(console, &words);
    if verdict == Verdict::Unknown {
        let name = words.first().map_or("", String::as_str);
        console.error(&format!(
            "kadmin.local: Unknown request \"{}\".  Type \"?\" for a request list.",
            escape(name)
        ));
    }
    verdict
}

/// Runs one request given as words.
pub(super) fn run(console: &mut Console, words: &[String]) -> Verdict {
    let Some((name, rest)) = words.split_first() else {
        return Verdict::Done;
    };
    let Some(found) = ALL.iter().find(|entry| entry.names.contains(&name.as_str())) else {
        return Verdict::Unknown;
    };
    match found.action {
        Some(action) => action(console, rest),
        None => {
            let name = found.names.first().copied().unwrap_or_default();
            console.error(&format!("{name}: not built yet"));
            Verdict::Failed
        }
    }
}

fn privileges(console: &mut Console, _: &[String]) -> Verdict {
    console.say("current privileges: INQUIRE ADD MODIFY DELETE");
    Verdict::Done
}

fn list(console: &mut Console, _: &[String]) -> Verdict {
    console.say("Available kadmin.local requests:\n");
    for entry in ALL.iter().filter(|entry| entry.action.is_some()) {
        let names = entry.names.join(", ");
        if names.len() < 25 {
            console.say(&format!("{names:<25}{}", entry.summary));
        } else {
            console.say(&names);
            console.say(&format!("{:25}{}", "", entry.summary));
        }
    }
    Verdict::Done
}
