//! `kpasswd`: a new password for the one that expires, is weak or is known to somebody.

mod new_password;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_client::{
    Client, Config, Environment, Error, InitialTicket, PasswordRequest, Secret, TgtRequest,
};

pub(super) use self::new_password::{NewPassword, ask, ask_old, refusal_text};
use crate::diagnosis::{Doing, Proof, explain, wrong_password};
use crate::output::{self, Report};

const NAME: &str = "kpasswd";

const USAGE: &str = "usage: kpasswd [principal]\n";

/// MIT's exit code for a password that the server refused.
const REFUSED: u8 = 2;

/// Runs `kpasswd`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let name = match args.get(1..).unwrap_or_default() {
        [] => None,
        [word] if word == "--help" => {
            output::print(USAGE);
            return ExitCode::SUCCESS;
        }
        [name] => Some(name.as_os_str()),
        _ => {
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match change(name) {
        Ok(code) => code,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn change(name: Option<&OsStr>) -> Result<ExitCode, Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    output::print_warnings(NAME, &config.warnings());
    output::print_warnings(NAME, &config.login_warnings());
    let client = Client::new(Arc::new(config));
    let principal = principal(&client, name)?;
    let ticket = old_password(&client, &principal)?;
    let doing = Doing::new("while reading password");
    let new = match ask().map_err(|error| explain(&error, &doing))? {
        NewPassword::Typed(password) => password,
        NewPassword::Mismatch => {
            return Err(Report::new("Password mismatch while reading password")
                .hint("nothing was changed: type the same twice"));
        }
    };
    let mut request = PasswordRequest::new(ticket.credential, new);
    request.clock_offset_seconds = ticket.clock_offset_seconds.unwrap_or(0);
    let changing = |error: Error| {
        explain(
            &error,
            &Doing::new("changing password").with_config(client.config()),
        )
    };
    let result = client.change_password(&request).map_err(changing)?.result;
    if result.accepted() {
        output::print("Password changed.\n");
        return Ok(ExitCode::SUCCESS);
    }
    output::print(&format!("{}\n", refusal_text(&result)));
    Ok(ExitCode::from(REFUSED))
}

/// A ticket for the change, by the old password.
fn old_password(client: &Client, principal: &Principal) -> Result<InitialTicket, Report> {
    let request = TgtRequest::for_password_change(principal.clone());
    let mut secret = Secret::Prompt(Box::new(ask_old));
    client.get_tgt(&request, &mut secret).map_err(|error| {
        let mut doing = Doing::new("getting initial ticket").with_config(client.config());
        doing.client = Some(principal.clone());
        doing.proof = Proof::Password;
        if wrong_password(&error) {
            // MIT's words for this one have a word more.
            doing.what.insert_str(0, "while ");
        }
        explain(&error, &doing)
    })
}

/// Whose password: as typed, else the cache's principal, else the user's own name.
fn principal(client: &Client, name: Option<&OsStr>) -> Result<Principal, Report> {
    let config = client.config();
    let failed = |what: String| move |error: Error| explain(&error, &Doing::new(what).with_config(config));
    if let Some(name) = name {
        let parsed = config.parse_principal(name.as_bytes());
        return parsed.map_err(failed("parsing client name".to_owned()));
    }
    let cache = config
        .default_cache_name()
        .map_err(failed("opening default ccache".to_owned()))?;
    if let Ok(cache) = client.store().read(&cache) {
        return Ok(cache.primary);
    }
    let Some(user) = config.environment().username.clone() else {
        return Err(
            Report::new("Unable to get your user name").hint("type a principal: kpasswd alice@EXAMPLE.COM")
        );
    };
    let realm = config
        .default_realm()
        .map_err(failed("parsing client name".to_owned()))?;
    Ok(Principal::new(realm.as_bytes(), &[user.as_bytes()]))
}
