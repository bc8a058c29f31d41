//! What `kerbside up` takes.

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Parser;

/// A realm, a login and a protected page in one command; or a realm that exists for one command.
#[derive(Debug, Parser)]
#[command(name = "kerbside up", bin_name = "kerbside up", disable_version_flag = true)]
#[command(
    after_help = "Without COMMAND the realm is kept in the data folder and served until interrupted.\n\
    With COMMAND it is in memory, the environment of COMMAND names it, and it is gone when COMMAND ends."
)]
pub(super) struct Arguments {
    /// Where the realm is kept
    #[arg(
        long,
        value_name = "DIR",
        default_value = "kerbside-data",
        conflicts_with = "command"
    )]
    pub(super) data: PathBuf,

    /// The realm's name; an existing data folder keeps its own
    #[arg(long, value_name = "NAME")]
    pub(super) realm: Option<String>,

    /// A user, with its password or with a random one
    #[arg(long = "user", value_name = "NAME[:PASSWORD]")]
    pub(super) users: Vec<String>,

    /// A service with a random key [default: HTTP/localhost]
    #[arg(long = "service", value_name = "PRINCIPAL")]
    pub(super) services: Vec<String>,

    /// Also write the services' keys to this keytab
    #[arg(long, value_name = "FILE", requires = "command")]
    pub(super) keytab: Option<PathBuf>,

    /// Run the protected page too; its address is in KERBSIDE_WEB
    #[arg(long, requires = "command")]
    pub(super) web: bool,

    /// The command to run inside the realm
    #[arg(last = true, value_name = "COMMAND")]
    pub(super) command: Vec<OsString>,
}

/// The realm's name when none is given: `.test` is reserved and resolves nowhere.
pub(super) const DEFAULT_REALM: &str = "KERBSIDE.TEST";

/// The user when none is given.
pub(super) const DEFAULT_USER: &str = "alice";

/// The service of the protected page.
pub(super) const WEB_SERVICE: &str = "HTTP/localhost";

impl Arguments {
    /// The users with the passwords that were given.
    pub(super) fn users(&self) -> Vec<(&str, Option<&str>)> {
        if self.users.is_empty() {
            return vec![(DEFAULT_USER, None)];
        }
        let split = |user: &'_ String| -> (usize, bool) {
            user.find(':').map_or((user.len(), false), |at| (at, true))
        };
        self.users
            .iter()
            .map(|user| match split(user) {
                (at, true) => (user.get(..at).unwrap_or_default(), user.get(at + 1..)),
                (_, false) => (user.as_str(), None),
            })
            .collect()
    }

    /// The services, the page's among them if it is to run.
    pub(super) fn services(&self, web: bool) -> Vec<String> {
        let mut services = self.services.clone();
        if services.is_empty() || (web && !services.iter().any(|name| name == WEB_SERVICE)) {
            services.push(WEB_SERVICE.to_owned());
        }
        services
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

    use super::*;

    fn parse(line: &str) -> Result<Arguments, clap::Error> {
        Arguments::try_parse_from(line.split_whitespace())
    }

    #[test]
    fn users_and_services() {
        let args = parse("up --user alice:se:cret --user bob --service host/box -- true x").unwrap();
        assert_eq!(args.users(), [("alice", Some("se:cret")), ("bob", None)]);
        assert_eq!(args.services(true), ["host/box", WEB_SERVICE]);
        assert_eq!(args.services(false), ["host/box"]);
        assert_eq!(args.command, ["true", "x"]);
        let args = parse("up").unwrap();
        assert_eq!(args.users(), [(DEFAULT_USER, None)]);
        assert_eq!(args.services(false), [WEB_SERVICE]);
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        parse("up --web").unwrap_err();
        parse("up --keytab k").unwrap_err();
        parse("up --data d -- true").unwrap_err();
        parse("up true").unwrap_err();
    }
}
