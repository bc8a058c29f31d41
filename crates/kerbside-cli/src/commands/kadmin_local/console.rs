//! A session's words: what is printed when, questions and their answers, principal names.

use std::io::{BufRead as _, Write as _};

use kerbside_asn1::{Principal, Realm};
use kerbside_crypto::Password;
use kerbside_formats::keysalt::KeySalt;
use kerbside_server::admin::{AdminError, AdminSession, Reply, Request};

use crate::commands::realm_settings::Settings;
use crate::output;
use crate::prompt;

/// How requests come in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Mode {
    /// At the prompt.
    Prompt,
    /// One by `-q`.
    Query,
    /// One as the command line's words: no information, no confirmation.
    Script,
}

/// One administrator at work.
#[derive(Debug)]
pub(super) struct Console {
    session: AdminSession,
    realm: Realm,
    mode: Mode,
    /// `-e` of the command line: the keys of this session.
    pub(super) keysalts: Option<Vec<KeySalt>>,
    /// The configuration, for the default keytab.
    pub(super) settings: Settings,
}

/// A principal in messages: exact, and harmless on a terminal.
pub(super) fn shown(principal: &Principal) -> String {
    output::escape(&String::from_utf8_lossy(&principal.unparse()))
}

impl Console {
    pub(super) fn new(
        session: AdminSession,
        realm: Realm,
        mode: Mode,
        keysalts: Option<Vec<KeySalt>>,
        settings: Settings,
    ) -> Console {
        Console {
            session,
            realm,
            mode,
            keysalts,
            settings,
        }
    }

    pub(super) fn call(&mut self, request: Request) -> Result<Reply, AdminError> {
        self.session.call(request)
    }

    /// Whether the next request is there already; while somebody types, the database is free.
    pub(super) fn expect_more(&mut self, more: bool) {
        self.session.expect_more(more);
    }

    /// Something asked for.
    pub(super) fn say(&self, line: &str) {
        output::print(&format!("{line}\n"));
    }

    /// What was done: scripts are not told.
    pub(super) fn inform(&self, line: &str) {
        if self.mode != Mode::Script {
            self.say(line);
        }
    }

    /// A remark: scripts are not told.
    pub(super) fn warn(&self, line: &str) {
        if self.mode != Mode::Script {
            self.error(line);
        }
    }

    /// Why something was not done.
    pub(super) fn error(&self, line: &str) {
        let _ = writeln!(std::io::stderr(), "{line}");
    }

    /// A refusal in MIT's form: `REQUEST: CAUSE while DOING.`
    pub(super) fn refused(&self, request: &str, cause: &dyn std::fmt::Display, doing: &str) {
        self.error(&format!(
            "{request}: {} while {doing}",
            output::escape(&cause.to_string())
        ));
    }

    /// Reads a principal's name; the realm is the session's unless it is named.
    pub(super) fn principal(&self, text: &str) -> Result<Principal, String> {
        Principal::parse(text, Some(&self.realm)).map_err(|error| error.to_string())
    }

    /// Asks for a new password, twice.
    pub(super) fn new_password(&self, principal: &Principal) -> Result<Password, String> {
        let name = shown(principal);
        let read = |text: String| prompt::password(&text).map_err(|_| "Cannot read password".to_owned());
        let first = read(format!("Enter password for principal \"{name}\": "))?;
        let second = read(format!("Re-enter password for principal \"{name}\": "))?;
        if first.expose_secret() == second.expose_secret() {
            Ok(first)
        } else {
            Err("Password mismatch".to_owned())
        }
    }

    /// Whether somebody says yes; scripts always do.
    pub(super) fn confirm(&self, question: &str) -> bool {
        if self.mode == Mode::Script {
            return true;
        }
        output::print(&format!("{question} (yes/no): "));
        let mut answer = String::new();
        std::io::stdin().lock().read_line(&mut answer).is_ok() && answer.trim_end() == "yes"
    }
}
