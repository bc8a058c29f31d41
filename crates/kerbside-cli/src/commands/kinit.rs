//! `kinit`: a first ticket by password or keytab, or a renewed one.

mod arguments;
mod expired;
mod expiry;
mod start_time;

use std::ffi::{OsStr, OsString};
use std::os::unix::ffi::OsStrExt;
use std::process::ExitCode;
use std::sync::Arc;

use kerbside_asn1::{ErrorCode, Name, PaDataType, Principal};
use kerbside_client::{
    CacheFault, CacheName, Client, Config, Environment, Error, FileFault, InitialTicket, KeytabName,
    KeytabSecret, Secret, ServiceTicket, TgtRequest,
};
use kerbside_formats::Credential;

use self::arguments::{Action, Arguments, Outcome};
use crate::commands::kpasswd;
use crate::diagnosis::{Doing, Proof, explain};
use crate::output::{self, Report};

const NAME: &str = "kinit";

/// MIT's ending of what goes wrong on the way to a first ticket.
const WHILE_INITIAL: &str = "while getting initial credentials";

/// Runs `kinit`.
pub(crate) fn run(args: Vec<OsString>) -> ExitCode {
    if args.get(1..).is_some_and(|words| words == ["--help"]) {
        output::print(arguments::USAGE);
        return ExitCode::SUCCESS;
    }
    let arguments = match arguments::parse(args.get(1..).unwrap_or_default(), &jiff::ZonedDateTime::now) {
        Outcome::Run(arguments) => arguments,
        Outcome::Usage(message) => {
            eprint!("{message}{}", arguments::USAGE);
            // Below the usage, where the eye is.
            if let Some(hint) = arguments::slip(&message, &args) {
                eprintln!("{NAME}: hint: {hint}");
            }
            return ExitCode::from(2);
        }
        Outcome::Kerberos4 => {
            eprintln!("{}", output::KERBEROS_4);
            return ExitCode::from(3);
        }
        Outcome::NotBuilt(what) => {
            output::print_error(NAME, &format!("not built yet: {what}"));
            return ExitCode::FAILURE;
        }
    };
    if arguments.forced_keytab {
        eprintln!("keytab specified, forcing -k");
    }
    match login(&arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(report) => {
            report.print(NAME);
            ExitCode::FAILURE
        }
    }
}

fn login(arguments: &Arguments) -> Result<(), Report> {
    let config =
        Config::load(Environment::from_process()).map_err(|error| explain(&error, &Doing::default()))?;
    output::print_warnings(NAME, &config.warnings());
    output::print_warnings(NAME, &config.login_warnings());
    let session = Session {
        client: Client::new(Arc::new(config)),
        arguments,
    };
    let cache = session.cache_name()?;
    match arguments.action {
        Action::Password | Action::Keytab => session.authenticate(&cache),
        Action::Renew => session.exchange(&cache, "while renewing credentials", Client::renew),
        Action::Validate => session.exchange(&cache, "while validating credentials", Client::validate),
    }
}

/// Where tickets go.
struct Target {
    cache: CacheName,
    /// Whether it becomes the collection's primary cache.
    switch: bool,
}

impl Target {
    fn unswitched(cache: CacheName) -> Self {
        Self { cache, switch: false }
    }
}

/// One run of the program.
struct Session<'a> {
    client: Client,
    arguments: &'a Arguments,
}

impl Session<'_> {
    fn config(&self) -> &Config {
        self.client.config()
    }

    fn doing(&self, what: &str) -> Doing<'_> {
        let mut doing = Doing::new(what).with_config(self.config());
        if let Some(cache) = &self.arguments.cache {
            doing.kinit = format!("kinit -c {}", cache.to_string_lossy());
        }
        doing
    }

    fn failed(&self, what: &str) -> impl Fn(Error) -> Report {
        move |error| explain(&error, &self.doing(what))
    }

    fn verbose(&self, line: &str) {
        if self.arguments.verbose {
            eprintln!("{}", output::escape(line));
        }
    }

    fn cache_name(&self) -> Result<CacheName, Report> {
        let (name, what) = match &self.arguments.cache {
            Some(name) => (
                Ok(CacheName::parse(name)),
                format!("resolving ccache {}", name.to_string_lossy()),
            ),
            None => (
                self.config().default_cache_name(),
                "while getting default ccache".to_owned(),
            ),
        };
        // Before a password is typed.
        name.and_then(|name| self.known(name)).map_err(self.failed(&what))
    }

    fn known(&self, name: CacheName) -> Result<CacheName, Error> {
        if let CacheName::Other { kind, .. } = &name {
            let fault = CacheFault::TypeNotBuilt(kind.to_string());
            return Err(Error::Cache { name, fault });
        }
        self.client.store().resolve(&name).map(|_| name)
    }

    /// Where the principal's tickets go: the named cache; in a collection the principal's own, or a new one when the
    /// primary is another principal's; else the default.
    fn target(&self, given: &CacheName, principal: Option<&Principal>) -> Result<Target, Report> {
        let store = self.client.store();
        if let Some(name) = &self.arguments.cache {
            self.verbose(&format!("Using specified cache: {}", name.to_string_lossy()));
            return Ok(Target::unswitched(given.clone()));
        }
        if let Some(principal) = principal.filter(|_| given.supports_switch()) {
            let found = store.find_in_collection(given, principal);
            let found = found.map_err(self.failed(&format!("while searching for ccache for {principal}")))?;
            if let Some(cache) = found {
                self.verbose(&format!("Using existing cache: {}", cache.residual()));
                return Ok(Target { cache, switch: true });
            }
            if store.read(given).is_ok() {
                let cache = store
                    .new_in_collection(given)
                    .map_err(self.failed("while generating new ccache"))?;
                self.verbose(&format!("Using new cache: {}", cache.residual()));
                return Ok(Target { cache, switch: true });
            }
        }
        let cache = store
            .resolve(given)
            .map_err(self.failed("while getting default ccache"))?;
        self.verbose(&format!("Using default cache: {}", cache.residual()));
        Ok(Target::unswitched(cache))
    }

    fn switch_to(&self, target: &Target) -> Result<(), Report> {
        if !target.switch {
            return Ok(());
        }
        let switched = self.client.store().switch(&target.cache);
        switched.map_err(self.failed("while switching to new ccache"))
    }

    /// Gets a first ticket and makes the cache of it.
    fn authenticate(&self, given: &CacheName) -> Result<(), Report> {
        let keytab = match self.keytab_name()? {
            Some(name) => {
                let read = KeytabSecret::read_with_policy(&name, &self.config().enctype_policy());
                Some(read.map_err(self.failed(WHILE_INITIAL))?)
            }
            None => None,
        };
        let principal = self.principal(given, keytab.as_ref())?;
        let target = self.target(given, Some(&principal))?;
        self.refuse_foreign_file(&target.cache)?;
        self.verbose(&format!("Using principal: {principal}"));
        if let Some(keytab) = &keytab {
            self.verbose(&format!("Using keytab: {}", keytab.name().residual()));
            for warning in keytab.warnings() {
                eprintln!(
                    "{NAME}: warning: keytab {}: {warning}",
                    output::escape(&keytab.name().to_string())
                );
            }
        }
        let request = self.request(principal.clone())?;
        let mut typed = None;
        let mut secret = match &keytab {
            Some(keytab) => Secret::Keytab(keytab.clone()),
            None => Secret::Prompt(Box::new(|principal| {
                let password = kpasswd::ask_old(principal)?;
                typed = Some(password.clone());
                Ok(password)
            })),
        };
        let got = self.client.get_tgt(&request, &mut secret);
        drop(secret);
        let ticket = match got {
            Err(error) if keytab.is_none() && expired::is_expired(&error) => {
                self.with_new_password(&request, typed)?
            }
            got => got.map_err(|error| {
                let mut doing = self.doing(WHILE_INITIAL);
                doing.client = Some(principal.clone());
                doing.proof = keytab.as_ref().map_or(Proof::Password, Proof::Keytab);
                let report = explain(&error, &doing);
                report.hint_of(self.escaped_name(&error, &principal))
            })?,
        };
        self.store(&target.cache, &ticket)?;
        self.switch_to(&target)?;
        self.verbose("Authenticated to Kerberos v5");
        if keytab.is_none() {
            self.warn_of_expiry(&ticket);
        }
        Ok(())
    }

    /// What a backslash did to a name that the KDC does not know: `REALM\user` is how Windows writes it.
    fn escaped_name(&self, error: &Error, principal: &Principal) -> Option<String> {
        let Error::Exchange { source, .. } = error else {
            return None;
        };
        let typed = self.arguments.principal.as_ref()?.to_string_lossy();
        let (realm, user) = typed.split_once('\\')?;
        (source.code() == Some(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN)).then(|| {
            format!(
                "a backslash makes the next character part of the name, here {principal}: type {user}@{realm}"
            )
        })
    }

    /// Says so before a password is typed when the cache cannot be written anyway.
    fn refuse_foreign_file(&self, cache: &CacheName) -> Result<(), Report> {
        match self.client.store().read(cache) {
            Ok(_)
            | Err(Error::Cache {
                fault: CacheFault::Empty,
                ..
            }) => Ok(()),
            Err(Error::Cache {
                name,
                fault: CacheFault::File(FileFault::NotFound),
            }) => self.refuse_missing_folder(name),
            Err(error) => Err(explain(&error, &self.doing("while storing credentials"))),
        }
    }

    fn refuse_missing_folder(&self, name: CacheName) -> Result<(), Report> {
        let CacheName::File(path) = &name else {
            return Ok(());
        };
        let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
        match folder.map(std::fs::metadata) {
            Some(Err(error)) if error.kind() == std::io::ErrorKind::NotFound => {
                let fault = CacheFault::File(FileFault::System {
                    doing: "create",
                    reason: "no such file or directory".to_owned(),
                });
                let error = Error::Cache { name, fault };
                Err(explain(&error, &self.doing("while storing credentials")))
            }
            _ => Ok(()),
        }
    }

    fn store(&self, cache: &CacheName, ticket: &InitialTicket) -> Result<(), Report> {
        let stored = self.client.initialize_cache(cache, ticket);
        stored.map_err(self.failed("while storing credentials"))
    }

    fn keytab_name(&self) -> Result<Option<KeytabName>, Report> {
        let arguments = self.arguments;
        if arguments.action != Action::Keytab {
            return Ok(None);
        }
        let name = match &arguments.keytab {
            Some(name) => Ok(KeytabName::parse(name)),
            None if arguments.client_keytab => self.config().default_client_keytab_name(),
            None => self.config().default_keytab_name(),
        };
        name.map(Some).map_err(self.failed("while resolving keytab"))
    }

    /// Who logs in: as typed, else the keytab's or the cache's, else the user's own name.
    fn principal(&self, cache: &CacheName, keytab: Option<&KeytabSecret>) -> Result<Principal, Report> {
        if let Some(name) = &self.arguments.principal {
            let text = name.to_string_lossy();
            let parsed = if self.arguments.enterprise {
                self.config().parse_enterprise(&text)
            } else {
                self.config().parse_principal(name.as_bytes())
            };
            return parsed.map_err(self.failed(&format!("when parsing name {text}")));
        }
        if let Some(keytab) = keytab {
            return match keytab.first_principal() {
                Some(principal) if self.arguments.client_keytab => Ok(principal.clone()),
                _ => self.host_principal(),
            };
        }
        if let Ok(cache) = self.client.store().read(cache) {
            return Ok(cache.primary);
        }
        let Some(user) = self.config().environment().username.clone() else {
            return Err(Report::new("Cannot determine user name to use")
                .hint("type a principal: kinit alice@EXAMPLE.COM"));
        };
        let realm = self
            .config()
            .default_realm()
            .map_err(self.failed(&format!("when parsing name {user}")))?;
        Ok(Principal::new(realm.as_bytes(), &[user.as_bytes()]))
    }

    /// `host/THIS-MACHINE`: what a keytab of a service host is for.
    fn host_principal(&self) -> Result<Principal, Report> {
        let Some(host) = self.config().environment().hostname.clone() else {
            return Err(Report::new("Cannot determine the name of this host")
                .hint("type a principal: kinit -k host/www.example.com"));
        };
        let realm = self
            .config()
            .realm_of_host(&host)
            .map_err(self.failed("when parsing name host"))?;
        Ok(Principal {
            realm,
            name: Name::service("host", &host),
        })
    }

    fn request(&self, principal: Principal) -> Result<TgtRequest, Report> {
        let arguments = self.arguments;
        let mut request = TgtRequest::new(principal);
        // As with MIT, a start that is over is now.
        request.start = arguments
            .start_in_seconds
            .filter(|seconds| *seconds > 0)
            .map(|seconds| kerbside_client::now().time.saturating_add_seconds(seconds));
        request.lifetime_seconds = arguments.lifetime;
        request.renew_lifetime_seconds = arguments.renewable_life;
        request.forwardable = arguments.forwardable;
        request.proxiable = arguments.proxiable;
        request.any_address = arguments.any_address;
        request.request_pac = arguments.request_pac;
        request.allowed_preauth = self.earlier_preauth(&request.client);
        // An enterprise name is always answered by another one.
        request.canonicalize = (arguments.canonicalize || arguments.enterprise).then_some(true);
        request.armor = arguments.armor.as_deref().map(CacheName::parse);
        if let Some(service) = &arguments.service {
            let mut service = self.service(service)?;
            // The realm that is asked is the client's.
            service.realm = request.client.realm.clone();
            request.service = Some(service);
        }
        Ok(request)
    }

    /// How the client got the ticket that the cache of `-I` holds, as far as that cache remembers. As with MIT, one that
    /// cannot be read says nothing.
    fn earlier_preauth(&self, client: &Principal) -> Option<PaDataType> {
        let name = CacheName::parse(self.arguments.input_cache.as_ref()?);
        let cache = self.client.store().read(&name).ok()?;
        let tgt = Principal::krbtgt(&client.realm, &client.realm);
        let kind = std::str::from_utf8(cache.config("pa_type", Some(&tgt))?).ok()?;
        kind.parse().ok().map(PaDataType)
    }

    /// The service of `-S`.
    fn service(&self, name: &OsStr) -> Result<Principal, Report> {
        let parsed = self.config().parse_principal(name.as_bytes());
        parsed.map_err(self.failed(&format!("when parsing name {}", name.to_string_lossy())))
    }

    /// Exchanges the cache's ticket-granting ticket for one like it: renewed, or valid.
    fn exchange(
        &self,
        given: &CacheName,
        what: &str,
        ask: impl Fn(&Client, Credential, i64) -> Result<ServiceTicket, Error>,
    ) -> Result<(), Report> {
        let principal = match &self.arguments.principal {
            Some(_) => Some(self.principal(given, None)?),
            None => self.client.store().read(given).ok().map(|cache| cache.primary),
        };
        let target = self.target(given, principal.as_ref())?;
        let name = &target.cache;
        let old = self.client.store().read(name).map_err(self.failed(what))?;
        self.verbose(&format!("Using principal: {}", old.primary));
        let realm = &old.primary.realm;
        let wanted = match &self.arguments.service {
            Some(service) => self.service(service)?,
            None => Principal::krbtgt(realm, realm),
        };
        let ticket = old.find(&wanted).cloned().ok_or_else(|| {
            let present = old
                .credentials()
                .map(|credential| credential.server.clone())
                .collect();
            explain(
                &Error::NoTgt {
                    cache: name.clone(),
                    wanted: Box::new(wanted),
                    present,
                },
                &self.doing(what),
            )
        })?;
        let offset = self.client.clock_offset_seconds(&old);
        let got = ask(&self.client, ticket, offset).map_err(self.failed(what))?;
        // Tickets for services are bound to the old ticket's lifetime: they go, as with MIT.
        let mut cache = old;
        cache.remove(|_| true);
        self.verbose("Initialized cache");
        cache.add(got.credential);
        self.client
            .store()
            .initialize(name, &cache)
            .map_err(self.failed("while storing credentials"))?;
        self.verbose("Stored credentials");
        self.switch_to(&target)?;
        self.verbose("Authenticated to Kerberos v5");
        Ok(())
    }

    /// MIT's warning, on standard output as with MIT.
    fn warn_of_expiry(&self, ticket: &InitialTicket) {
        let expires = ticket.key_expiration.map_or(0, |time| time.unix_seconds());
        if let Some(line) = expiry::warning(expires, kerbside_client::now().seconds()) {
            output::print(&line);
        }
    }
}
