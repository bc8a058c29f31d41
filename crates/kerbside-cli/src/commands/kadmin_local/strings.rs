//! String attributes: `get_strings`, `set_string`, `del_string`.

use kerbside_server::admin::{PrincipalChange, Reply, Request};

use super::console::{Console, shown};
use super::requests::Verdict;
use crate::output::escape;

pub(super) fn get(console: &mut Console, words: &[String]) -> Verdict {
    let [name] = words else {
        return usage(console, "usage: get_strings principal");
    };
    let principal = match console.principal(name) {
        Ok(principal) => principal,
        Err(error) => return unparsed(console, "get_strings", &error),
    };
    match console.call(Request::Get(principal.clone())) {
        Ok(Reply::Facts(facts)) => {
            if facts.strings.is_empty() {
                console.say("(No string attributes.)");
            }
            for (name, value) in &facts.strings {
                console.say(&format!("{}: {}", escape(name), escape(value)));
            }
            Verdict::Done
        }
        Ok(other) => console.unexpected(&other),
        Err(error) => {
            let doing = format!("getting attributes for principal \"{}\"", shown(&principal));
            console.refused("get_strings", &error, &doing);
            Verdict::Failed
        }
    }
}

pub(super) fn set(console: &mut Console, words: &[String]) -> Verdict {
    let [name, key, value] = words else {
        return usage(console, "usage: set_string principal key value");
    };
    change(
        console,
        "set_string",
        name,
        key,
        Some(value),
        "setting attribute on",
        "Attribute set for",
    )
}

pub(super) fn delete(console: &mut Console, words: &[String]) -> Verdict {
    let [name, key] = words else {
        return usage(console, "usage: del_string principal key");
    };
    change(
        console,
        "del_string",
        name,
        key,
        None,
        "deleting attribute from",
        "Attribute removed from",
    )
}

fn change(
    console: &mut Console,
    request: &str,
    name: &str,
    key: &str,
    value: Option<&String>,
    doing: &str,
    done: &str,
) -> Verdict {
    let principal = match console.principal(name) {
        Ok(principal) => principal,
        Err(error) => return unparsed(console, request, &error),
    };
    let change = PrincipalChange {
        strings: vec![(key.to_owned(), value.cloned())],
        ..PrincipalChange::default()
    };
    match console.call(Request::Modify {
        principal: principal.clone(),
        change,
    }) {
        Ok(_) => {
            console.inform(&format!("{done} principal \"{}\".", shown(&principal)));
            Verdict::Done
        }
        Err(error) => {
            console.refused(
                request,
                &error,
                &format!("{doing} principal \"{}\"", shown(&principal)),
            );
            Verdict::Failed
        }
    }
}

fn usage(console: &Console, text: &str) -> Verdict {
    console.error(text);
    Verdict::Failed
}

fn unparsed(console: &Console, request: &str, error: &str) -> Verdict {
    console.refused(request, &error, "parsing principal");
    Verdict::Failed
}
