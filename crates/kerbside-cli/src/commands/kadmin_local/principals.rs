//! Requests about principals: add, modify, delete, get, list, change_password, purgekeys.

use jiff::tz::TimeZone;
use kerbside_asn1::Principal;
use kerbside_crypto::Password;
use kerbside_server::admin::{AdminError, KeyChoice, NewPrincipal, Reply, Request};

use super::console::{Console, shown};
use super::options::{For, Keys, Refused, keysalts, parse};
use super::requests::Verdict;
use super::{glob, show};
use crate::output;

const ATTRIBUTES: &str = "\
\tattributes are:
\t\tallow_postdated allow_forwardable allow_tgs_req allow_renewable
\t\tallow_proxiable allow_dup_skey allow_tix requires_preauth
\t\trequires_hwauth needchange allow_svr password_changing_service
\t\tok_as_delegate ok_to_auth_as_delegate no_auth_data_required
\t\tlockdown_keys
";

const ADD_USAGE: &str = "\
usage: add_principal [options] principal
\toptions are:
\t\t[-randkey|-nokey] [-expire expdate] [-pwexpire pwexpdate] [-maxlife maxtixlife]
\t\t[-kvno kvno] [-clearpolicy]
\t\t[-pw password] [-maxrenewlife maxrenewlife]
\t\t[-e keysaltlist]
\t\t[{+|-}attribute]
";

const MODIFY_USAGE: &str = "\
usage: modify_principal [options] principal
\toptions are:
\t\t[-expire expdate] [-pwexpire pwexpdate] [-maxlife maxtixlife]
\t\t[-kvno kvno] [-clearpolicy]
\t\t[-maxrenewlife maxrenewlife] [-unlock] [{+|-}attribute]
";

const CHANGE_PASSWORD_USAGE: &str =
    "usage: change_password [-randkey] [-keepold] [-e keysaltlist] [-pw password] principal";

impl Console {
    /// A reply of the wrong kind: a KDC of another version.
    pub(super) fn unexpected(&self, reply: &Reply) -> Verdict {
        self.error(&format!(
            "kadmin.local: the KDC gave an answer to something else: {reply:?}"
        ));
        Verdict::Failed
    }

    fn usage(&self, text: &str) -> Verdict {
        self.error(text.trim_end());
        Verdict::Failed
    }

    pub(super) fn refused_options(&self, request: &str, refused: Refused, usage: &str) -> Verdict {
        match refused {
            Refused::Usage => {}
            Refused::Said(text) => self.error(&output::escape(&text)),
            Refused::NotBuilt(text) => {
                self.error(&format!("{request}: {}", output::escape(&text)));
                return Verdict::Failed;
            }
        }
        self.usage(usage)
    }

    /// A principal named on the line, or a message in MIT's words and then the usage.
    fn named(&self, request: &str, name: &str, usage: &str) -> Result<Principal, Verdict> {
        self.principal(name).map_err(|error| {
            self.refused(request, &error, "parsing principal");
            self.usage(usage)
        })
    }
}

pub(super) fn add(console: &mut Console, words: &[String]) -> Verdict {
    let usage = format!("{ADD_USAGE}{ATTRIBUTES}");
    let options = match parse(words, For::Add) {
        Ok(options) => options,
        Err(refused) => return console.refused_options("add_principal", refused, &usage),
    };
    let principal = match console.named("add_principal", &options.name, &usage) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    let name = shown(&principal);
    if !options.no_policy_wanted {
        console.warn(&format!(
            "No policy specified for {name}; defaulting to no policy"
        ));
    }
    let keys = match options.keys {
        Keys::Given(keys) => keys,
        Keys::Ask => match console.new_password(&principal) {
            Ok(password) => KeyChoice::Password(password),
            Err(cause) => {
                console.refused(
                    "add_principal",
                    &cause,
                    &format!("reading password for \"{name}\"."),
                );
                return Verdict::Failed;
            }
        },
    };
    let new = NewPrincipal {
        principal,
        keys,
        keysalts: options.keysalts.or_else(|| console.keysalts.clone()),
        change: options.change,
    };
    match console.call(Request::Create(Box::new(new))) {
        Ok(_) => {
            console.inform(&format!("Principal \"{name}\" created."));
            Verdict::Done
        }
        Err(error) => {
            console.refused("add_principal", &error, &format!("creating \"{name}\"."));
            Verdict::Failed
        }
    }
}

pub(super) fn modify(console: &mut Console, words: &[String]) -> Verdict {
    let usage = format!("{MODIFY_USAGE}{ATTRIBUTES}");
    let options = match parse(words, For::Modify) {
        Ok(options) => options,
        Err(refused) => return console.refused_options("modify_principal", refused, &usage),
    };
    let principal = match console.named("modify_principal", &options.name, &usage) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    let name = shown(&principal);
    match console.call(Request::Modify {
        principal,
        change: options.change,
    }) {
        Ok(_) => {
            console.inform(&format!("Principal \"{name}\" modified."));
            Verdict::Done
        }
        Err(error) => {
            let doing = if error == AdminError::Unknown {
                "getting"
            } else {
                "modifying"
            };
            console.refused("modify_principal", &error, &format!("{doing} \"{name}\"."));
            Verdict::Failed
        }
    }
}

pub(super) fn delete(console: &mut Console, words: &[String]) -> Verdict {
    const USAGE: &str = "usage: delete_principal [-force] principal";
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (force, name) = match words.as_slice() {
        ["-force", name] => (true, *name),
        [name] if !name.starts_with('-') => (false, *name),
        _ => return console.usage(USAGE),
    };
    let principal = match console.named("delete_principal", name, USAGE) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    let name = shown(&principal);
    let question = format!("Are you sure you want to delete the principal \"{name}\"?");
    if !force && !console.confirm(&question) {
        console.error(&format!("Principal \"{name}\" not deleted"));
        return Verdict::Failed;
    }
    match console.call(Request::Delete(principal)) {
        Ok(_) => {
            console.inform(&format!("Principal \"{name}\" deleted."));
            console.inform("Make sure that you have removed this principal from all ACLs before reusing.");
            Verdict::Done
        }
        Err(error) => {
            console.refused(
                "delete_principal",
                &error,
                &format!("deleting principal \"{name}\""),
            );
            Verdict::Failed
        }
    }
}

pub(super) fn get(console: &mut Console, words: &[String]) -> Verdict {
    const USAGE: &str = "usage: get_principal [-terse] principal";
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (terse, name) = match words.as_slice() {
        ["-terse", name] => (true, *name),
        [name] if *name != "-terse" => (false, *name),
        _ => return console.usage(USAGE),
    };
    let principal = match console.named("get_principal", name, USAGE) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    match console.call(Request::Get(principal.clone())) {
        Ok(Reply::Facts(facts)) => {
            let text = if terse {
                show::terse(&facts)
            } else {
                show::full(&facts, &TimeZone::system())
            };
            output::print(&text);
            Verdict::Done
        }
        Ok(other) => console.unexpected(&other),
        Err(error) => {
            console.refused(
                "get_principal",
                &error,
                &format!("retrieving \"{}\".", shown(&principal)),
            );
            Verdict::Failed
        }
    }
}

/// All principals whose names match, page by page.
pub(super) fn matching(
    console: &mut Console,
    pattern: &str,
    mut visit: impl FnMut(&mut Console, Principal) -> Result<(), Verdict>,
) -> Result<(), Verdict> {
    let pattern = if pattern.contains('@') {
        pattern.to_owned()
    } else {
        format!("{pattern}@*")
    };
    let mut after = None;
    loop {
        let names = match console.call(Request::List { after: after.clone() }) {
            Ok(Reply::Names(names)) => names,
            Ok(other) => return Err(console.unexpected(&other)),
            Err(error) => {
                console.refused("get_principals", &error, "retrieving list.");
                return Err(Verdict::Failed);
            }
        };
        let Some(last) = names.last() else { return Ok(()) };
        after = Some(last.clone());
        for name in names {
            if glob::matches(pattern.as_bytes(), &name.unparse()) {
                visit(console, name)?;
            }
        }
    }
}

pub(super) fn list(console: &mut Console, words: &[String]) -> Verdict {
    let pattern = match words {
        [] => "*",
        [pattern] => pattern.as_str(),
        _ => return console.usage("usage: get_principals [expression]"),
    };
    let listed = matching(console, pattern, |console, name| {
        console.say(&shown(&name));
        Ok(())
    });
    listed.err().unwrap_or(Verdict::Done)
}

pub(super) fn change_password(console: &mut Console, words: &[String]) -> Verdict {
    let (mut keys, mut salts, mut keep_old, mut name) = (None, None, false, None);
    let mut rest = words.iter().map(String::as_str);
    while let Some(word) = rest.next() {
        match word {
            "-randkey" => keys = Some(KeyChoice::Random),
            "-keepold" => keep_old = true,
            "-pw" | "-e" => {
                let Some(value) = rest.next() else {
                    console.error("change_password: missing argument");
                    return console.usage(CHANGE_PASSWORD_USAGE);
                };
                if word == "-pw" {
                    keys = Some(KeyChoice::Password(Password::from(value)));
                } else {
                    match keysalts(value) {
                        Ok(list) => salts = Some(list),
                        Err(refused) => {
                            return console.refused_options(
                                "change_password",
                                refused,
                                CHANGE_PASSWORD_USAGE,
                            );
                        }
                    }
                }
            }
            "-x" => {
                console.error("change_password: -x: arguments of other databases are not built");
                return Verdict::Failed;
            }
            option if option.starts_with('-') => {
                console.error(&format!(
                    "change_password: unrecognized option {}",
                    output::escape(option)
                ));
                return console.usage(CHANGE_PASSWORD_USAGE);
            }
            word if name.is_none() => name = Some(word),
            _ => return console.usage(CHANGE_PASSWORD_USAGE),
        }
    }
    let Some(name) = name else {
        console.error("change_password: missing principal name");
        return console.usage(CHANGE_PASSWORD_USAGE);
    };
    let principal = match console.named("change_password", name, CHANGE_PASSWORD_USAGE) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    let name = shown(&principal);
    let keys = match keys {
        Some(keys) => keys,
        None => match console.new_password(&principal) {
            Ok(password) => KeyChoice::Password(password),
            Err(cause) => {
                console.refused(
                    "change_password",
                    &cause,
                    &format!("reading password for \"{name}\"."),
                );
                return Verdict::Failed;
            }
        },
    };
    let random = matches!(keys, KeyChoice::Random);
    let keysalts = salts.or_else(|| console.keysalts.clone());
    match console.call(Request::ChangeKeys {
        principal,
        keys,
        keysalts,
        keep_old,
        extract: false,
    }) {
        Ok(_) => {
            console.inform(&if random {
                format!("Key for \"{name}\" randomized.")
            } else {
                format!("Password for \"{name}\" changed.")
            });
            Verdict::Done
        }
        Err(error) => {
            let doing = if random {
                "randomizing key"
            } else {
                "changing password"
            };
            console.refused("change_password", &error, &format!("{doing} for \"{name}\"."));
            Verdict::Failed
        }
    }
}

pub(super) fn purge_keys(console: &mut Console, words: &[String]) -> Verdict {
    const USAGE: &str = "usage: purgekeys [-keepkvno oldest_kvno_to_keep] principal";
    let words: Vec<&str> = words.iter().map(String::as_str).collect();
    let (keep_kvno, name) = match words.as_slice() {
        ["-keepkvno", kvno, name] => match kvno.parse() {
            Ok(kvno) => (Some(kvno), *name),
            Err(_) => return console.usage(USAGE),
        },
        ["-all", _] => {
            console.error("purgekeys: -all: not built yet");
            return Verdict::Failed;
        }
        [name] if !name.starts_with('-') => (None, *name),
        _ => return console.usage(USAGE),
    };
    let principal = match console.named("purgekeys", name, USAGE) {
        Ok(principal) => principal,
        Err(verdict) => return verdict,
    };
    let name = shown(&principal);
    match console.call(Request::PurgeKeys { principal, keep_kvno }) {
        Ok(_) => {
            console.inform(&format!("Old keys for principal \"{name}\" purged."));
            Verdict::Done
        }
        Err(error) => {
            console.refused(
                "purgekeys",
                &error,
                &format!("purging keys for principal \"{name}\""),
            );
            Verdict::Failed
        }
    }
}
