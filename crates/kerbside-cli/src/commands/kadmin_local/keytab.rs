//! `ktadd` and `ktremove`.

use std::path::Path;

use kerbside_asn1::Principal;
use kerbside_client::{Error, KeytabName, read_keytab, rehearse_keytab_update, update_keytab};
use kerbside_formats::KeytabEntry;
use kerbside_formats::keysalt::KeySalt;
use kerbside_kdc::KeyData;
use kerbside_server::admin::{AdminError, KeyChoice, Reply, Request};
use kerbside_server::clock;

use super::console::Console;
use super::options::keysalts;
use super::principals::matching;
use super::requests::Verdict;
use crate::commands::realm_settings::timestamp;
use crate::diagnosis::{Doing, explain};
use crate::output::escape;

const ADD_USAGE: &str =
    "Usage: ktadd [-k[eytab] keytab] [-q] [-e keysaltlist] [-norandkey] [principal | -glob princ-exp] [...]";
const REMOVE_USAGE: &str = "Usage: ktremove [-k[eytab] keytab] [-q] principal [kvno|\"all\"|\"old\"]";

/// Room for one principal's entries: a key of each enctype beside a long name.
const ENTRIES_BYTES: u64 = 4096;

/// The keytab meant: a path alone is shown as `WRFILE:`, as MIT does; none is the default one.
fn keytab_name(console: &Console, given: Option<&str>) -> KeytabName {
    match given {
        Some(name) if name.contains(':') => KeytabName::parse(name.as_ref()),
        Some(path) => KeytabName::parse(format!("WRFILE:{path}").as_ref()),
        None => {
            let environment = console.settings.environment.keytab_name.clone();
            let default = console
                .settings
                .profile
                .get(&["libdefaults", "default_keytab_name"]);
            let name = environment.or_else(|| default.map(Into::into));
            KeytabName::parse(&name.unwrap_or_else(|| "FILE:/etc/krb5.keytab".into()))
        }
    }
}

#[derive(Default)]
struct AddOptions<'a> {
    keytab: Option<&'a str>,
    quiet: bool,
    keysalts: Option<Vec<KeySalt>>,
    no_new_keys: bool,
    /// Names and, marked, patterns, in their order.
    wanted: Vec<(bool, &'a str)>,
}

pub(super) fn add(console: &mut Console, words: &[String]) -> Verdict {
    let mut options = AddOptions::default();
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        let value = match word {
            "-k" | "-keytab" | "-e" | "-glob" => match rest.next() {
                Some(value) => value,
                None => return usage(console, ADD_USAGE),
            },
            _ => "",
        };
        match word {
            "-k" | "-keytab" => options.keytab = Some(value),
            "-e" => match keysalts(value) {
                Ok(list) => options.keysalts = Some(list),
                Err(refused) => return console.refused_options("ktadd", refused, ADD_USAGE),
            },
            "-q" => options.quiet = true,
            "-norandkey" => options.no_new_keys = true,
            "-glob" => options.wanted.push((true, value)),
            name => options.wanted.push((false, name)),
        }
    }
    if options.wanted.is_empty() {
        return usage(console, ADD_USAGE);
    }
    if options.no_new_keys && options.keysalts.is_some() {
        console.error("cannot specify keysaltlist when not changing key");
        return Verdict::Failed;
    }
    let keytab = keytab_name(console, options.keytab);
    // Found out before any key is changed: keys that cannot be written down would be lost.
    if let Err(error) = can_be_written(&keytab) {
        return refused_keytab(console, &error);
    }
    let mut verdict = Verdict::Done;
    for (is_pattern, name) in &options.wanted {
        let added = if *is_pattern {
            let mut names = Vec::new();
            let found = matching(console, name, |_, principal| {
                names.push(principal);
                Ok(())
            });
            match found {
                Err(verdict) => return verdict,
                Ok(()) if names.is_empty() => {
                    console.error(&format!(
                        "kadmin.local: Principal {} does not exist.",
                        escape(name)
                    ));
                    Err(Verdict::Failed)
                }
                Ok(()) => names.into_iter().try_for_each(|principal| {
                    let shown = super::console::shown(&principal);
                    add_one(console, &options, &keytab, &principal, &shown)
                }),
            }
        } else {
            match console.principal(name) {
                Ok(principal) => add_one(console, &options, &keytab, &principal, &escape(name)),
                Err(error) => {
                    console.refused(
                        "kadmin.local",
                        &error,
                        &format!("parsing principal name {}", escape(name)),
                    );
                    Err(Verdict::Failed)
                }
            }
        };
        if let Err(failed) = added {
            verdict = failed;
        }
    }
    verdict
}

/// A keytab that is there must be one; where none is, there must be a folder for it.
fn can_be_written(keytab: &KeytabName) -> Result<(), Box<Error>> {
    let folder = keytab.path().map(|path| match path.parent() {
        Some(parent) if !parent.as_os_str().is_empty() => parent,
        _ => Path::new("."),
    });
    if keytab
        .path()
        .is_some_and(|path| path.metadata().is_ok_and(|facts| facts.len() > 0))
    {
        read_keytab(keytab).map(drop).map_err(Box::new)
    } else if folder.is_some_and(Path::is_dir) {
        Ok(())
    } else {
        // It says what is wrong, in the words of a change that failed.
        update_keytab(keytab, |_| {}).map_err(Box::new)
    }
}

fn add_one(
    console: &mut Console,
    options: &AddOptions<'_>,
    keytab: &KeytabName,
    principal: &Principal,
    shown: &str,
) -> Result<(), Verdict> {
    // The old key stops working with the change: there must be room for the new one, which exists nowhere else.
    if !options.no_new_keys
        && let Err(error) = rehearse_keytab_update(keytab, ENTRIES_BYTES)
    {
        return Err(refused_keytab(console, &error));
    }
    let request = if options.no_new_keys {
        Request::Extract(principal.clone())
    } else {
        Request::ChangeKeys {
            principal: principal.clone(),
            keys: KeyChoice::Random,
            keysalts: options.keysalts.clone().or_else(|| console.keysalts.clone()),
            keep_old: false,
            extract: true,
        }
    };
    let keys = match console.call(request) {
        Ok(Reply::Keys(keys)) => keys,
        Ok(other) => return Err(console.unexpected(&other)),
        Err(AdminError::Unknown) => {
            console.error(&format!("kadmin.local: Principal {shown} does not exist."));
            return Err(Verdict::Failed);
        }
        Err(error) => {
            console.refused("kadmin.local", &error, &format!("changing {shown}'s key"));
            return Err(Verdict::Failed);
        }
    };
    let now = timestamp(clock::now().time);
    let written = update_keytab(keytab, |file| {
        for data in &keys {
            // The same version again (-norandkey) replaces its entry instead of doubling it.
            file.remove(|entry| same(entry, principal, data));
            file.add(KeytabEntry::new(
                principal.clone(),
                data.kvno,
                now,
                data.key.clone(),
            ));
        }
    });
    if let Err(error) = written {
        return Err(refused_keytab(console, &error));
    }
    if !options.quiet {
        for data in &keys {
            console.say(&format!(
                "Entry for principal {shown} with kvno {}, encryption type {} added to keytab {keytab}.",
                data.kvno,
                data.key.enctype()
            ));
        }
    }
    Ok(())
}

fn same(entry: &KeytabEntry, principal: &Principal, data: &KeyData) -> bool {
    entry.principal == *principal && entry.kvno == data.kvno && entry.enctype() == data.key.enctype()
}

/// Which versions `ktremove` takes out.
#[derive(Clone, Copy)]
enum Versions {
    Newest,
    All,
    Old,
    One(u32),
}

pub(super) fn remove(console: &mut Console, words: &[String]) -> Verdict {
    let (mut keytab, mut quiet, mut operands) = (None, false, Vec::new());
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-k" | "-keytab" => match rest.next() {
                Some(value) => keytab = Some(value),
                None => return usage(console, REMOVE_USAGE),
            },
            "-q" => quiet = true,
            other => operands.push(other),
        }
    }
    let (name, versions) = match operands.as_slice() {
        [name] => (*name, Versions::Newest),
        [name, "all"] => (*name, Versions::All),
        [name, "old"] => (*name, Versions::Old),
        [name, kvno] => match kvno.parse() {
            Ok(kvno) => (*name, Versions::One(kvno)),
            Err(_) => return usage(console, REMOVE_USAGE),
        },
        _ => return usage(console, REMOVE_USAGE),
    };
    let keytab = keytab_name(console, keytab);
    if keytab.path().is_some_and(|path| !path.exists()) {
        console.error(&format!("kadmin.local: Keytab {keytab} does not exist."));
        return Verdict::Failed;
    }
    let principal = match console.principal(name) {
        Ok(principal) => principal,
        Err(error) => {
            console.refused(
                "kadmin.local",
                &error,
                &format!("parsing principal name {}", escape(name)),
            );
            return Verdict::Failed;
        }
    };
    let opened = match read_keytab(&keytab) {
        Ok(opened) => opened.keytab,
        Err(error) => return refused_keytab(console, &error),
    };
    let own = || opened.entries().filter(|entry| entry.principal == principal);
    let Some(newest) = own().map(|entry| entry.kvno).max() else {
        console.error(&format!(
            "kadmin.local: No entry for principal {} exists in keytab {keytab}",
            escape(name)
        ));
        return Verdict::Failed;
    };
    let unwanted = |kvno: u32| match versions {
        Versions::All => true,
        Versions::Newest => kvno == newest,
        Versions::Old => kvno != newest,
        Versions::One(one) => kvno == one,
    };
    let removed: Vec<u32> = own()
        .map(|entry| entry.kvno)
        .filter(|kvno| unwanted(*kvno))
        .collect();
    if removed.is_empty() {
        console.error(&match versions {
            Versions::Old => {
                format!(
                    "kadmin.local: There is only one entry for principal {} in keytab {keytab}",
                    escape(name)
                )
            }
            _ => format!(
                "kadmin.local: No entry for principal {} with that kvno exists in keytab {keytab}",
                escape(name)
            ),
        });
        return Verdict::Failed;
    }
    let done = update_keytab(&keytab, |file| {
        file.remove(|entry| entry.principal == principal && unwanted(entry.kvno));
    });
    if let Err(error) = done {
        return refused_keytab(console, &error);
    }
    if !quiet {
        for kvno in removed {
            console.say(&format!(
                "Entry for principal {} with kvno {kvno} removed from keytab {keytab}.",
                escape(name)
            ));
        }
    }
    Verdict::Done
}

fn usage(console: &Console, text: &str) -> Verdict {
    console.error(text);
    Verdict::Failed
}

fn refused_keytab(console: &Console, error: &Error) -> Verdict {
    console.error(
        explain(error, &Doing::new("while adding key to keytab"))
            .text("kadmin.local")
            .trim_end(),
    );
    Verdict::Failed
}
