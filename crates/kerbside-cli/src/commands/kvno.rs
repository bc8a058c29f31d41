//! `kvno`: service tickets, and the key versions they are encrypted with.

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use kerbside_asn1::{Name, NameType, Principal, Ticket};
use kerbside_client::{
    CacheName, Client, Config, Environment, Error, KeytabName, ServiceTicketOptions, read_keytab_with_policy,
};
use kerbside_crypto::{EncryptionType, KeyUsage};
use kerbside_formats::CredentialCache;

use crate::diagnosis::{Doing, explain};
use crate::options::{self, Item, LongOption};
use crate::output::{self, Report};

const NAME: &str = "kvno";

const USAGE: &str = "\
usage: kvno [-c ccache] [-e etype] [-k keytab] [-q] [-u | -S sname]
\t[[{-F cert_file | {-I | -U} for_user} [-P]] | --u2u ccache]
\t[--cached-only] [--no-store] [--out-cache] service1 service2 ...
";

const LONG: &[LongOption] = &[
    LongOption {
        name: "cached-only",
        letter: 'o',
        value: false,
    },
    LongOption {
        name: "no-store",
        letter: 'N',
        value: false,
    },
    LongOption {
        name: "out-cache",
        letter: 'O',
        value: true,
    },
    LongOption {
        name: "u2u",
        letter: 'w',
        value: true,
    },
];

/// What was asked for.
#[derive(Debug, Default)]
struct Arguments {
    cache: Option<OsString>,
    out_cache: Option<OsString>,
    keytab: Option<OsString>,
    etype: Option<String>,
    sname: Option<String>,
    quiet: bool,
    unknown_type: bool,
    cached_only: bool,
    no_store: bool,
    services: Vec<OsString>,
}

/// Runs `kvno`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    let arguments = match parse(args.get(1..).unwrap_or_default()) {
        Ok(arguments) => arguments,
        Err(Some(what)) => {
            output::print_error(NAME, &format!("not built yet: {what}"));
            return ExitCode::FAILURE;
        }
        Err(None) => {
            eprint!("{USAGE}");
            return ExitCode::FAILURE;
        }
    };
    match tickets(&arguments) {
        Ok(status) => status,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

/// The error is what is not built, or nothing for the usage.
fn parse(args: &[OsString]) -> Result<Arguments, Option<&'static str>> {
    let items = options::parse(args, "uCc:e:hk:qPS:I:U:F:", LONG).map_err(|error| {
        eprintln!("{NAME}: {error}");
        None
    })?;
    let text = |value: OsString| value.to_string_lossy().into_owned();
    let mut found = Arguments::default();
    for item in items {
        match item {
            Item::Flag('q') => found.quiet = true,
            Item::Flag('u') => found.unknown_type = true,
            Item::Flag('o') => found.cached_only = true,
            Item::Flag('N') => found.no_store = true,
            Item::Flag('P') => return Err(Some("constrained delegation (-P)")),
            Item::Value('c', value) => found.cache = Some(value),
            Item::Value('O', value) => found.out_cache = Some(value),
            Item::Value('k', value) => found.keytab = Some(value),
            Item::Value('e', value) => found.etype = Some(text(value)),
            Item::Value('S', value) => found.sname = Some(text(value)),
            Item::Value('I' | 'U', _) => return Err(Some("protocol transition (-I, -U)")),
            Item::Value('F', _) => return Err(Some("protocol transition by certificate (-F)")),
            Item::Value('w', _) => return Err(Some("user-to-user tickets (--u2u)")),
            Item::Flag(_) | Item::Value(..) => return Err(None),
            Item::Operand(service) => found.services.push(service),
        }
    }
    if found.services.is_empty() || (found.unknown_type && found.sname.is_some()) {
        return Err(None);
    }
    Ok(found)
}

fn tickets(arguments: &Arguments) -> Result<ExitCode, Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    output::print_warnings(NAME, &config.warnings());
    let client = Client::new(Arc::new(config));
    let mut options = ServiceTicketOptions::default();
    if let Some(name) = &arguments.etype {
        let etype = EncryptionType::from_name(name)
            .filter(|etype| etype.is_implemented())
            .ok_or_else(|| {
                Report::new("Invalid argument while converting etype")
                    .evidence(format!("{name}: expected one of {}", supported()))
            })?;
        options.enctypes = Some(vec![etype]);
    }
    options.cached_only = arguments.cached_only;
    options.store = !arguments.no_store && arguments.out_cache.is_none();
    let cache = match &arguments.cache {
        Some(name) => CacheName::parse(name),
        None => client
            .config()
            .default_cache_name()
            .map_err(|error| explain(&error, &Doing::new("while getting default ccache")))?,
    };
    // Once: another program may switch the collection while the KDC is asked.
    let cache = client
        .store()
        .resolve(&cache)
        .map_err(|error| explain(&error, &Doing::new("while opening ccache")))?;
    let run = Run {
        client: &client,
        cache: &cache,
        arguments,
        options,
    };
    let primary = client
        .store()
        .read(&cache)
        .map_err(run.failed("while getting client principal name"))?
        .primary;
    let mut out = CredentialCache::new(primary);
    let mut failed = false;
    for service in &arguments.services {
        if let Err(report) = run.service(service, &mut out) {
            report.print(NAME);
            failed = true;
        }
    }
    if let Some(name) = &arguments.out_cache {
        let written = client.store().initialize(&CacheName::parse(name), &out);
        written.map_err(run.failed("while initializing output ccache"))?;
    }
    Ok(if failed {
        ExitCode::FAILURE
    } else {
        ExitCode::SUCCESS
    })
}

fn supported() -> String {
    EncryptionType::IMPLEMENTED
        .iter()
        .map(ToString::to_string)
        .collect::<Vec<_>>()
        .join(" ")
}

/// What is the same for every service.
struct Run<'a> {
    client: &'a Client,
    cache: &'a CacheName,
    arguments: &'a Arguments,
    options: ServiceTicketOptions,
}

impl Run<'_> {
    fn doing(&self, what: &str) -> Doing<'_> {
        let mut doing = Doing::new(what).with_config(self.client.config());
        if let Some(name) = &self.arguments.cache {
            doing.kinit = format!("kinit -c {}", name.to_string_lossy());
        }
        doing
    }

    fn failed(&self, what: &str) -> impl Fn(Error) -> Report {
        move |error| explain(&error, &self.doing(what))
    }

    fn service(&self, name: &OsStr, out: &mut CredentialCache) -> Result<(), Report> {
        let server = self.principal(name)?;
        let shown = output::escape(&server.to_string());
        let ticket = self
            .client
            .get_service_ticket(self.cache, &server, &self.options)
            .map_err(self.failed(&format!("while getting credentials for {server}")))?
            .credential;
        let decoded = kerbside_asn1::decode::<Ticket<'_>>(&ticket.ticket)
            .map_err(|error| Report::new(format!("{error} while decoding ticket for {server}")))?;
        let kvno = decoded.enc_part.kvno.unwrap_or(0);
        let valid = self
            .arguments
            .keytab
            .as_ref()
            .map(|keytab| self.decrypts(&KeytabName::parse(keytab), &decoded));
        let suffix = match &valid {
            None => "",
            Some(Ok(())) => ", keytab entry valid",
            Some(Err(_)) => ", keytab entry invalid",
        };
        if !self.arguments.quiet {
            output::print(&format!("{shown}: kvno = {kvno}{suffix}\n"));
        }
        if self.arguments.out_cache.is_some() {
            out.add(ticket.clone());
        }
        valid.unwrap_or(Ok(()))
    }

    /// The service as typed, or of the host typed and the service of `-S`. The host is taken as it
    /// is: a name server is not asked for another one.
    fn principal(&self, name: &OsStr) -> Result<Principal, Report> {
        let config = self.client.config();
        let text = name.to_string_lossy();
        let parsed = match &self.arguments.sname {
            None => config.parse_principal(name.as_bytes()),
            Some(sname) => config.realm_of_host(&text).map(|realm| Principal {
                realm,
                name: Name::service(sname, &text.to_ascii_lowercase()),
            }),
        };
        let mut principal = parsed.map_err(self.failed(&format!("while parsing principal name '{text}'")))?;
        if self.arguments.unknown_type {
            principal.name = principal.name.with_type(NameType::NT_UNKNOWN);
        }
        Ok(principal)
    }

    /// Whether a key of the keytab opens the ticket.
    fn decrypts(&self, name: &KeytabName, ticket: &Ticket<'_>) -> Result<(), Report> {
        let server = Principal::from_wire(ticket.realm, &ticket.sname);
        let what = format!("while decrypting ticket for {server}");
        let keytab = read_keytab_with_policy(name, &self.client.config().enctype_policy())
            .map_err(self.failed(&what))?
            .keytab;
        let etype = ticket.enc_part.etype;
        let keys: Vec<_> = keytab
            .entries()
            .filter(|entry| entry.principal == server && entry.enctype() == etype)
            .filter_map(|entry| Some((entry.kvno, entry.key.usable()?)))
            .collect();
        if keys
            .iter()
            .any(|(_, key)| key.decrypt(KeyUsage::TICKET, ticket.enc_part.cipher).is_ok())
        {
            return Ok(());
        }
        if keys.is_empty() {
            let present = keytab
                .entries()
                .map(|entry| (entry.principal.clone(), entry.kvno, entry.enctype()))
                .collect();
            let fault = kerbside_client::KeytabFault::NoKey {
                principal: Box::new(server),
                enctypes: vec![etype],
                present,
            };
            let mut report = self.failed(&what)(Error::Keytab {
                name: name.clone(),
                fault,
            });
            report.hints = vec!["name the keytab of that service with -k".to_owned()];
            return Err(report);
        }
        let tried: Vec<String> = keys.iter().map(|(kvno, _)| kvno.to_string()).collect();
        Err(Report::new(format!("Decrypt integrity check failed {what}"))
            .evidence(format!(
                "the ticket: kvno {} {etype}; the keytab {name}: kvno {}",
                ticket.enc_part.kvno.unwrap_or(0),
                tried.join(", ")
            ))
            .hint("the service's key was changed after the keytab was written: write it again with ktadd"))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(words: &[&str]) -> Result<Arguments, Option<&'static str>> {
        parse(&words.iter().map(OsString::from).collect::<Vec<_>>())
    }

    #[test]
    fn what_is_not_built_is_refused_by_name() {
        for (words, what) in [
            (&["-P", "x"][..], "constrained delegation (-P)"),
            (&["-I", "u", "x"], "protocol transition (-I, -U)"),
            (&["-U", "u", "x"], "protocol transition (-I, -U)"),
            (&["-F", "c.pem", "x"], "protocol transition by certificate (-F)"),
            (&["--u2u", "cc", "x"], "user-to-user tickets (--u2u)"),
        ] {
            assert_eq!(parsed(words).err(), Some(Some(what)), "{words:?}");
        }
    }

    #[test]
    fn services_are_needed_and_u_excludes_s() {
        assert_eq!(parsed(&[]).err(), Some(None));
        assert_eq!(parsed(&["-q"]).err(), Some(None));
        assert_eq!(parsed(&["-u", "-S", "HTTP", "host"]).err(), Some(None));
        assert_eq!(parsed(&["-h"]).err(), Some(None));
        assert_eq!(
            parsed(&["-c", "cc", "a@R", "b@R"]).map(|found| found.services.len()),
            Ok(2)
        );
    }
}
