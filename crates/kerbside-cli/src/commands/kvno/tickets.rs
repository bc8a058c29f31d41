//! The tickets that were asked for, one service after the other.

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use kerbside_asn1::{NameType, Principal, Ticket};
use kerbside_client::{
    CacheName, Client, Config, Environment, Error, KeytabFault, KeytabName, ServiceTicketOptions,
    read_keytab_with_policy,
};
use kerbside_crypto::{EncryptionType, KeyUsage};
use kerbside_formats::{Credential, CredentialCache};

use super::{Arguments, ForUser, NAME};
use crate::diagnosis::{Doing, explain};
use crate::output::{self, Report};

/// Gets every ticket; one that cannot be got leaves the others alone, and makes the exit code 1.
pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    output::print_warnings(NAME, &config.warnings());
    let client = Client::new(Arc::new(config));
    let options = ticket_options(arguments)?;
    if let Some(name) = arguments.keytab.as_deref().map(KeytabName::parse)
        && let KeytabName::Other { .. } = name
    {
        return Err(Report::new(format!(
            "Unknown Key table type resolving keytab {name}"
        )));
    }
    let cache = opened_cache(&client, arguments)?;
    let mut run = Run {
        client: &client,
        cache: &cache,
        arguments,
        options,
        me: Principal::new("", &[""; 0]),
        for_user: None,
        second_ticket: None,
    };
    run.me = client
        .store()
        .read(&cache)
        .map_err(run.failed("while getting client principal name"))?
        .primary;
    run.for_user = run.user()?;
    if let Some(name) = &arguments.u2u {
        run.second_ticket = Some(run.local_tgt(name)?);
    }
    run.all()
}

fn ticket_options(arguments: &Arguments) -> Result<ServiceTicketOptions, Report> {
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
    Ok(options)
}

fn opened_cache(client: &Client, arguments: &Arguments) -> Result<CacheName, Report> {
    let cache = match &arguments.cache {
        Some(name) => CacheName::parse(name),
        None => client
            .config()
            .default_cache_name()
            .map_err(|error| explain(&error, &Doing::new("while getting default ccache")))?,
    };
    // Once: another program may switch the collection while the KDC is asked.
    client
        .store()
        .resolve(&cache)
        .map_err(|error| explain(&error, &Doing::new("while opening ccache")))
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
    /// The cache's principal.
    me: Principal,
    for_user: Option<Principal>,
    second_ticket: Option<Vec<u8>>,
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

    /// A name that cannot be read, in the words of MIT's kvno.
    fn unreadable(&self, text: &str) -> impl Fn(Error) -> Report {
        let what = format!("while parsing principal name {}", output::escape(text));
        move |error| {
            let mut report = self.failed(&what)(error);
            if report.error.starts_with("Malformed representation of principal") {
                report.error = format!("Malformed representation of principal {what}");
            }
            report
        }
    }

    /// Whom tickets are for, with `-I` and `-U`.
    fn user(&self) -> Result<Option<Principal>, Report> {
        let config = self.client.config();
        let (text, parsed) = match &self.arguments.for_user {
            None => return Ok(None),
            Some(ForUser::Principal(text)) => (text, config.parse_principal(text.as_bytes())),
            Some(ForUser::Enterprise(text)) => (text, config.parse_enterprise(text)),
        };
        parsed.map(Some).map_err(self.unreadable(text))
    }

    /// The ticket-granting ticket in the other user's cache: its encoding goes into the request.
    fn local_tgt(&self, name: &OsStr) -> Result<Vec<u8>, Report> {
        let what = format!(
            "while getting user-to-user ticket from {}",
            name.to_string_lossy()
        );
        let name = CacheName::parse(name);
        let cache = self.client.store().read(&name).map_err(self.failed(&what))?;
        let realm = &cache.primary.realm;
        let tgt = cache.find(&Principal::krbtgt(realm, realm)).ok_or_else(|| {
            Report::new(format!(
                "Matching credential not found (filename: {}) {what}",
                name.residual()
            ))
            .evidence(format!("{name}: no ticket for krbtgt/{realm}@{realm}"))
            .hint(format!("kinit -c {name} {} gets one", cache.primary))
        })?;
        Ok(tgt.ticket.clone())
    }

    fn all(&self) -> Result<ExitCode, Report> {
        let mut out: Option<CredentialCache> = None;
        let mut failed = false;
        for service in &self.arguments.services {
            match self.service(service) {
                Ok(credential) => out
                    .get_or_insert_with(|| CredentialCache::new(credential.client.clone()))
                    .add(credential),
                Err(report) => {
                    report.print(NAME);
                    failed = true;
                }
            }
        }
        if failed {
            return Ok(ExitCode::FAILURE);
        }
        if let Some((name, out)) = self.arguments.out_cache.as_ref().zip(out) {
            let name = CacheName::parse(name);
            let written = self.client.store().initialize(&name, &out);
            written.map_err(self.failed(&format!("while writing output ccache {name}")))?;
        }
        Ok(ExitCode::SUCCESS)
    }

    /// Gets one ticket, tells its key version, and gives it back as it goes into an output cache.
    fn service(&self, name: &OsStr) -> Result<Credential, Report> {
        let server = self.principal(name)?;
        let shown = output::escape(&server.to_string());
        if self.for_user.is_some() && !self.arguments.proxy && server != self.me {
            return Err(
                Report::new("Invalid argument client and server principal names must match")
                    .evidence(format!("{} asks for a ticket of {server}", self.me))
                    .hint("with -P the ticket is for another service, by constrained delegation"),
            );
        }
        let ticket = self.ticket(&server, name)?;
        self.tell(&ticket, &server, &shown)?;
        if !self.arguments.proxy {
            return Ok(Credential { server, ..ticket });
        }
        let proxied = self
            .client
            .s4u2proxy(self.cache, &server, &ticket, &self.options)
            .map_err(self.failed(&format!("{shown}: constrained delegation failed")))?;
        Ok(Credential {
            server,
            ..proxied.credential
        })
    }

    fn ticket(&self, server: &Principal, typed: &OsStr) -> Result<Credential, Report> {
        let got = match (&self.for_user, &self.second_ticket) {
            (Some(user), _) => self.client.s4u2self(self.cache, user, &self.options),
            (None, Some(second)) => self
                .client
                .user_to_user(self.cache, server, second, &self.options),
            (None, None) => self.client.get_service_ticket(self.cache, server, &self.options),
        };
        match got {
            Ok(ticket) => Ok(ticket.credential),
            Err(error) => {
                let not_found = matches!(error, Error::ServerNotFound(_));
                let mut report = self.failed(&format!("while getting credentials for {server}"))(error);
                if not_found && self.arguments.sname.is_some() {
                    let typed = typed.to_string_lossy();
                    report = report.evidence(self.origin(server, &typed));
                }
                Err(report)
            }
        }
    }

    /// Where the name comes from that was made of a host and the service of `-S`.
    fn origin(&self, server: &Principal, typed: &str) -> String {
        let host = String::from_utf8_lossy(server.name.component(1).unwrap_or_default()).into_owned();
        let host = if host == typed {
            format!("host {} as typed", output::escape(typed))
        } else {
            format!(
                "host {} for {} as typed, by dns_canonicalize_hostname and qualify_shortname of [libdefaults]",
                output::escape(&host),
                output::escape(typed)
            )
        };
        if server.realm.is_empty() {
            format!("{host}; no realm of it in [domain_realm]")
        } else {
            format!("{host}; realm {} by [domain_realm]", server.realm)
        }
    }

    /// Tells the key version, and whether the keytab opens the ticket.
    fn tell(&self, ticket: &Credential, server: &Principal, shown: &str) -> Result<(), Report> {
        let decoded = kerbside_asn1::decode::<Ticket<'_>>(&ticket.ticket)
            .map_err(|error| Report::new(format!("{error} while decoding ticket for {server}")))?;
        let kvno = decoded.enc_part.kvno.unwrap_or(0);
        let Some(keytab) = &self.arguments.keytab else {
            if !self.arguments.quiet {
                output::print(&format!("{shown}: kvno = {kvno}\n"));
            }
            return Ok(());
        };
        let valid = self.decrypts(&KeytabName::parse(keytab), &decoded, server);
        match &valid {
            _ if self.arguments.quiet => {}
            Ok(()) => {
                output::print(&format!("{shown}: kvno = {kvno}, keytab entry valid\n"));
            }
            Err(_) => eprintln!("{shown}: kvno = {kvno}, keytab entry invalid"),
        }
        valid
    }

    /// The service as typed, or of the host typed and the service of `-S`.
    fn principal(&self, name: &OsStr) -> Result<Principal, Report> {
        let config = self.client.config();
        let text = name.to_string_lossy();
        let parsed = match &self.arguments.sname {
            None => config.parse_principal(name.as_bytes()),
            Some(sname) => self.client.service_principal(sname, &text),
        };
        let mut principal = parsed.map_err(self.unreadable(&text))?;
        if self.arguments.unknown_type {
            principal.name = principal.name.with_type(NameType::NT_UNKNOWN);
        }
        Ok(principal)
    }

    /// Whether a key of the keytab opens the ticket.
    fn decrypts(&self, name: &KeytabName, ticket: &Ticket<'_>, shown: &Principal) -> Result<(), Report> {
        let server = Principal::from_wire(ticket.realm, &ticket.sname);
        let what = format!("while decrypting ticket for {shown}");
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
            let fault = KeytabFault::NoKey {
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
