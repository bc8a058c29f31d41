//! A realm for tests: one line gives a KDC, users, services and the files that name them
//!
//! Everything is in memory and in one private temporary directory, listens on the loopback address
//! only, and is gone when the value is dropped.

use core::fmt::{self, Write as _};
use std::collections::BTreeMap;
use std::ffi::OsString;
use std::fs::DirBuilder;
use std::net::SocketAddr;
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, Password};
use kerbside_formats::keytab::{Keytab, KeytabEntry};
use kerbside_kdc::{KdcPolicy, PrincipalEntry};
use rand_core::Rng;

use crate::admin::{Admin, AdminDefaults, AdminError, KeyChoice, KeySalt, make_keys, socket_path};
use crate::audit::AuditTarget;
use crate::clock;
use crate::create::first_principals;
use crate::error::{Result, ServerError};
use crate::kdc_server::{KdcServer, KdcServerConfig};
use crate::net::listen::Listeners;
use crate::random::system_rng;
use crate::store::{MasterKey, RedbStore, write_private};

/// The name of a realm that was given none
const DEFAULT_NAME: &str = "EXAMPLE.TEST";
/// Renewable life of tickets in a test realm, seconds
const RENEWABLE_LIFE: i64 = 7 * 86_400;
/// Letters of a random password; none is mistaken for another
const PASSWORD_ALPHABET: &[u8; 32] = b"abcdefghijkmnpqrstuvwxyz23456789";
/// Its length: 100 bits
const PASSWORD_LEN: usize = 20;

/// A random password that is easy to type
#[must_use]
pub fn random_password() -> String {
    let mut octets = [0; PASSWORD_LEN];
    system_rng().fill_bytes(&mut octets);
    octets
        .iter()
        .filter_map(|octet| PASSWORD_ALPHABET.get(usize::from(octet % 32)))
        .map(|letter| char::from(*letter))
        .collect()
}

/// What a test realm will be made of
#[derive(Clone)]
pub struct RealmBuilder {
    name: String,
    users: Vec<(String, String)>,
    services: Vec<String>,
    sockets: bool,
    keysalts: Option<Vec<KeySalt>>,
    keytab: Option<PathBuf>,
    audit: Vec<AuditTarget>,
    policy: Option<fn(&mut KdcPolicy)>,
}

impl fmt::Debug for RealmBuilder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The passwords stay out of it.
        let users: Vec<&str> = self.users.iter().map(|(name, _)| name.as_str()).collect();
        f.debug_struct("RealmBuilder")
            .field("name", &self.name)
            .field("users", &users)
            .field("services", &self.services)
            .finish_non_exhaustive()
    }
}

impl Default for RealmBuilder {
    fn default() -> Self {
        RealmBuilder {
            name: DEFAULT_NAME.to_owned(),
            users: Vec::new(),
            services: Vec::new(),
            sockets: true,
            keysalts: None,
            keytab: None,
            audit: Vec::new(),
            policy: None,
        }
    }
}

impl RealmBuilder {
    /// The realm's name; `EXAMPLE.TEST` unless given
    #[must_use]
    pub fn name(mut self, name: &str) -> Self {
        name.clone_into(&mut self.name);
        self
    }

    /// A user with a password; it must pre-authenticate
    #[must_use]
    pub fn user(mut self, name: &str, password: &str) -> Self {
        self.users.push((name.to_owned(), password.to_owned()));
        self
    }

    /// A service with random keys, which also go into the keytab
    #[must_use]
    pub fn service(mut self, name: &str) -> Self {
        self.services.push(name.to_owned());
        self
    }

    /// No sockets: the realm answers [`Realm::exchange`] only
    #[must_use]
    pub fn without_sockets(mut self) -> Self {
        self.sockets = false;
        self
    }

    /// The enctypes of all keys, instead of all supported ones
    #[must_use]
    pub fn keysalts(mut self, keysalts: Vec<KeySalt>) -> Self {
        self.keysalts = Some(keysalts);
        self
    }

    /// Writes the services' keys to this file as well, which must not exist, and is removed with the realm
    #[must_use]
    pub fn keytab(mut self, path: &Path) -> Self {
        self.keytab = Some(path.to_owned());
        self
    }

    /// Where audit lines go; nowhere unless given
    #[must_use]
    pub fn audit(mut self, target: AuditTarget) -> Self {
        self.audit.push(target);
        self
    }

    /// Changes the KDC's rules
    #[must_use]
    pub fn policy(mut self, change: fn(&mut KdcPolicy)) -> Self {
        self.policy = Some(change);
        self
    }

    /// Starts the realm
    ///
    /// # Errors
    /// A name or password that cannot be used, a directory or socket that cannot be made.
    pub fn start(self) -> Result<Realm> {
        Realm::start_with(self)
    }
}

/// A running realm; stopped, and its directory removed, when dropped
pub struct Realm {
    // Dropped first, so that nothing uses the directory any more.
    server: KdcServer,
    directory: PrivateDirectory,
    _copy: Option<KeytabCopy>,
    name: String,
    passwords: BTreeMap<String, String>,
    keytab: PathBuf,
}

impl fmt::Debug for Realm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        // The passwords stay out of it.
        f.debug_struct("Realm")
            .field("name", &self.name)
            .field("server", &self.server)
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

impl Realm {
    /// Starts `EXAMPLE.TEST` with a user `alice`, whose random password [`Realm::password`] tells,
    /// and the service `HTTP/localhost`
    ///
    /// # Errors
    /// As [`RealmBuilder::start`].
    pub fn start() -> Result<Realm> {
        Realm::builder()
            .user("alice", &random_password())
            .service("HTTP/localhost")
            .start()
    }

    /// A realm to be described
    #[must_use]
    pub fn builder() -> RealmBuilder {
        RealmBuilder::default()
    }

    fn start_with(builder: RealmBuilder) -> Result<Realm> {
        check_realm_name(&builder.name)?;
        let mut policy = KdcPolicy::new(kerbside_asn1::Realm::from(builder.name.as_str()));
        policy.max_renewable_life = RENEWABLE_LIFE;
        if let Some(change) = builder.policy {
            change(&mut policy);
        }
        let mut defaults = AdminDefaults::under(&policy);
        if let Some(keysalts) = builder.keysalts {
            defaults.keysalts = keysalts;
        }
        let directory = PrivateDirectory::create()?;
        // The passwords are stretched while everything else is made.
        let (users, rest) = std::thread::scope(|scope| {
            let stretching = scope.spawn(|| users(&builder.name, &builder.users, &defaults));
            let rest = services(&builder.name, &builder.services, &defaults).and_then(|services| {
                let listeners = if builder.sockets {
                    Listeners::loopback_free()?
                } else {
                    Listeners::default()
                };
                Ok((first_principals(&builder.name, &defaults)?, services, listeners))
            });
            (stretching.join(), rest)
        });
        let (mut entries, services, listeners) = rest?;
        let users = users.map_err(|_| ServerError::Thread {
            name: "keys",
            detail: "the password thread ended early".to_owned(),
        })??;

        let files = Files {
            directory: directory.path(),
            name: &builder.name,
        };
        let keytab = files.path("service.keytab");
        write_keytab(&keytab, &services)?;
        let copy = match &builder.keytab {
            Some(path) => {
                write_keytab(path, &services)?;
                Some(KeytabCopy(path.clone()))
            }
            None => None,
        };
        write_keytab(&files.path("client.keytab"), &users)?;
        files.write_configuration(listeners.udp_addresses().first())?;

        entries.extend(users);
        entries.extend(services);
        let master = MasterKey::generate(EncryptionType::AES256_CTS_HMAC_SHA1_96, &mut system_rng())?;
        let database = files.path("principal");
        let store = RedbStore::in_memory(&database, &builder.name, master, &entries)?;
        let admin_socket = builder.sockets.then(|| socket_path(&database));
        let server = KdcServer::start(KdcServerConfig {
            listeners,
            audit: builder.audit,
            admin_socket,
            admin_defaults: defaults,
            ..KdcServerConfig::new(policy, Arc::new(store))
        })?;
        Ok(Realm {
            server,
            name: builder.name,
            passwords: builder.users.into_iter().collect(),
            keytab: builder.keytab.unwrap_or(keytab),
            directory,
            _copy: copy,
        })
    }

    /// Its name
    #[must_use]
    pub fn name(&self) -> &str {
        &self.name
    }

    /// A principal of this realm by its name without realm, as people write it
    ///
    /// # Errors
    /// When it cannot be read as a name.
    pub fn principal(&self, name: &str) -> Result<Principal> {
        parse(&self.name, name)
    }

    /// The password a user was made with
    #[must_use]
    pub fn password(&self, user: &str) -> Option<&str> {
        self.passwords.get(user).map(String::as_str)
    }

    /// Answers one request within the process; `None` when it is not to be answered
    #[must_use]
    pub fn exchange(&self, request: &[u8]) -> Option<Vec<u8>> {
        self.server.exchange(request)
    }

    /// The KDC's address, the same for UDP and TCP; `None` without sockets
    #[must_use]
    pub fn kdc_address(&self) -> Option<SocketAddr> {
        self.server.udp_addresses().first().copied()
    }

    /// Administration
    #[must_use]
    pub fn admin(&self) -> &Admin {
        self.server.admin()
    }

    /// The running KDC
    #[must_use]
    pub fn server(&self) -> &KdcServer {
        &self.server
    }

    /// Its directory (mode 0700)
    #[must_use]
    pub fn directory(&self) -> &Path {
        self.directory.path()
    }

    /// krb5.conf for clients and services
    #[must_use]
    pub fn krb5_conf(&self) -> PathBuf {
        self.directory.path().join("krb5.conf")
    }

    /// kdc.conf for `kadmin.local`
    #[must_use]
    pub fn kdc_conf(&self) -> PathBuf {
        self.directory.path().join("kdc.conf")
    }

    /// The keytab with the services' keys
    #[must_use]
    pub fn keytab(&self) -> &Path {
        &self.keytab
    }

    /// The keytab with the users' keys
    #[must_use]
    pub fn client_keytab(&self) -> PathBuf {
        self.directory.path().join("client.keytab")
    }

    /// Where the credential cache goes
    #[must_use]
    pub fn ccache(&self) -> PathBuf {
        self.directory.path().join("ccache")
    }

    /// The environment of programs that live in this realm
    #[must_use]
    pub fn environment(&self) -> Vec<(&'static str, OsString)> {
        let file = |path: &Path| {
            let mut name = OsString::from("FILE:");
            name.push(path);
            name
        };
        vec![
            ("KRB5_CONFIG", self.krb5_conf().into_os_string()),
            ("KRB5_KDC_PROFILE", self.kdc_conf().into_os_string()),
            ("KRB5CCNAME", file(&self.ccache())),
            ("KRB5_KTNAME", file(&self.keytab)),
            ("KRB5_CLIENT_KTNAME", file(&self.client_keytab())),
        ]
    }
}

fn parse(realm: &str, name: &str) -> Result<Principal> {
    let realm = kerbside_asn1::Realm::from(realm);
    Principal::parse(name, Some(&realm)).map_err(|error| ServerError::Config {
        place: format!("the principal {name}"),
        detail: error.to_string(),
    })
}

fn refused(name: &str) -> impl Fn(AdminError) -> ServerError + '_ {
    move |error| ServerError::Config {
        place: format!("the principal {name}"),
        detail: error.to_string(),
    }
}

fn made(realm: &str, name: &str, choice: &KeyChoice, defaults: &AdminDefaults) -> Result<PrincipalEntry> {
    let now = clock::now().time;
    let mut entry = PrincipalEntry::new(parse(realm, name)?, now);
    entry.keys = make_keys(
        choice,
        &defaults.keysalts,
        &defaults.enctype_policy,
        &entry.principal,
    )
    .map_err(refused(name))?;
    entry.password_keys = matches!(choice, KeyChoice::Password(_));
    entry.attributes = defaults.attributes;
    entry.max_life = defaults.max_life;
    entry.max_renewable_life = defaults.max_renewable_life;
    entry.last_pw_change = Some(now);
    Ok(entry)
}

fn users(realm: &str, users: &[(String, String)], defaults: &AdminDefaults) -> Result<Vec<PrincipalEntry>> {
    let one = |(name, password): &(String, String)| {
        let choice = KeyChoice::Password(Password::from(password.as_str()));
        let mut entry = made(realm, name, &choice, defaults)?;
        entry
            .attributes
            .insert(kerbside_kdc::Attributes::REQUIRES_PRE_AUTH);
        Ok(entry)
    };
    users.iter().map(one).collect()
}

fn services(realm: &str, services: &[String], defaults: &AdminDefaults) -> Result<Vec<PrincipalEntry>> {
    services
        .iter()
        .map(|name| made(realm, name, &KeyChoice::Random, defaults))
        .collect()
}

fn write_keytab(path: &Path, entries: &[PrincipalEntry]) -> Result<()> {
    let timestamp = clock::now().time.to_u32_saturating();
    let mut keytab = Keytab::new();
    for entry in entries {
        for data in &entry.keys {
            let key = data.key.clone();
            keytab.add(KeytabEntry::new(
                entry.principal.clone(),
                data.kvno,
                timestamp,
                key,
            ));
        }
    }
    let bytes = keytab.to_bytes().map_err(|error| ServerError::Config {
        place: format!("the keytab {}", path.display()),
        detail: error.to_string(),
    })?;
    write_private(path, &bytes)
}

struct Files<'a> {
    directory: &'a Path,
    name: &'a str,
}

impl Files<'_> {
    fn path(&self, name: &str) -> PathBuf {
        self.directory.join(name)
    }

    fn write_configuration(&self, kdc: Option<&SocketAddr>) -> Result<()> {
        let (name, directory) = (self.name, self.directory.display());
        let mut krb5_conf = format!(
            "[libdefaults]\n\tdefault_realm = {name}\n\tdns_lookup_kdc = false\n\tdns_lookup_realm = false\n\
             \tdns_canonicalize_hostname = false\n\trdns = false\n\
             \tdefault_ccache_name = FILE:{directory}/ccache\n\
             \tdefault_keytab_name = FILE:{directory}/service.keytab\n\
             \tdefault_client_keytab_name = FILE:{directory}/client.keytab\n\n\
             [realms]\n\t{name} = {{\n"
        );
        if let Some(kdc) = kdc {
            // Writing to a String cannot fail.
            let _ = writeln!(krb5_conf, "\t\tkdc = {kdc}");
        }
        let _ = write!(krb5_conf, "\t}}\n\n[domain_realm]\n\tlocalhost = {name}\n");
        write_private(&self.path("krb5.conf"), krb5_conf.as_bytes())?;
        let listen = kdc.map_or_else(|| "\"\"".to_owned(), ToString::to_string);
        let kdc_conf = format!(
            "[realms]\n\t{name} = {{\n\t\tdatabase_name = {directory}/principal\n\
             \t\tkey_stash_file = {directory}/stash\n\t\tkdc_listen = {listen}\n\
             \t\tkdc_tcp_listen = {listen}\n\t}}\n"
        );
        write_private(&self.path("kdc.conf"), kdc_conf.as_bytes())
    }
}

/// Whether a realm's name can stand in the configuration files that are written for it
///
/// # Errors
/// [`ServerError::Config`] naming the character that cannot.
pub fn check_realm_name(name: &str) -> Result<()> {
    let refused = |detail: String| {
        Err(ServerError::Config {
            place: format!("the realm name {name:?}"),
            detail,
        })
    };
    if name.is_empty() {
        return refused("expected at least one character, but found none".to_owned());
    }
    let special = |c: &char| c.is_whitespace() || c.is_control() || "{}[]()=\"\\#;*%/:@".contains(*c);
    match name.chars().find(special) {
        Some(c) => refused(format!(
            "expected letters, digits, dots and hyphens, but found {c:?}"
        )),
        None => Ok(()),
    }
}

/// A keytab that was made for the realm outside its directory, and is of no use after it
#[derive(Debug)]
struct KeytabCopy(PathBuf);

impl Drop for KeytabCopy {
    fn drop(&mut self) {
        let _ = std::fs::remove_file(&self.0);
    }
}

/// A directory of ours alone, removed with everything in it
#[derive(Debug)]
struct PrivateDirectory(PathBuf);

impl PrivateDirectory {
    fn create() -> Result<PrivateDirectory> {
        let mut octets = [0; 8];
        system_rng().fill_bytes(&mut octets);
        let path = std::env::temp_dir().join(format!("kerbside-{:016x}", u64::from_be_bytes(octets)));
        // Fails when anything has that name, so nobody can have prepared it.
        DirBuilder::new()
            .mode(0o700)
            .create(&path)
            .map_err(|source| ServerError::File {
                path: path.clone(),
                action: "create the directory",
                source,
            })?;
        Ok(PrivateDirectory(path))
    }

    fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for PrivateDirectory {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
