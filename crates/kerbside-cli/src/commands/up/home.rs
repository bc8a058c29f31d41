//! The realm in a data folder: made on the first start, opened on later ones.

use std::fs::{self, DirBuilder};
use std::io::ErrorKind;
use std::net::SocketAddr;
use std::os::unix::fs::{DirBuilderExt, MetadataExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kerbside_asn1::{Principal, Realm};
use kerbside_client::KeytabName;
use kerbside_crypto::Password;
use kerbside_formats::Profile;
use kerbside_formats::keytab::KeytabEntry;
use kerbside_server::admin::{AdminError, KeyChoice, NewPrincipal, PrincipalChange, socket_path};
use kerbside_server::store::{MasterKey, RedbStore, StashMode, read_stash, write_stash};
use kerbside_server::{
    AuditTarget, KdcServer, KdcServerConfig, Listeners, RealmConfig, clock, create, random_password,
    system_rng,
};

use super::arguments::{Arguments, DEFAULT_REALM, DEFAULT_USER, WEB_SERVICE};
use super::server_report;
use crate::output::Report;

/// A running realm with its files.
pub(super) struct Home {
    pub(super) server: KdcServer,
    pub(super) realm: String,
    pub(super) dir: PathBuf,
    /// The user that logs in for the proof.
    pub(super) user: Principal,
    /// Users made at this start, with their passwords.
    pub(super) made: Vec<(Principal, String)>,
    /// Whether this start made the realm.
    pub(super) created: bool,
}

impl Home {
    /// Opens the realm in the data folder, or makes it, and starts its KDC on free loopback ports.
    pub(super) fn start(args: &Arguments) -> Result<Self, Report> {
        let dir = std::path::absolute(&args.data).map_err(|e| io_report(&args.data, "find", &e))?;
        let created = !dir.join(DATABASE).exists();
        if created {
            kerbside_server::check_realm_name(args.realm.as_deref().unwrap_or(DEFAULT_REALM))
                .map_err(server_report)?;
            make(&dir, args.realm.as_deref().unwrap_or(DEFAULT_REALM))?;
        }
        check_folder(&dir)?;
        let realm = kerbside_server::store::realm_of_file(&dir.join(DATABASE)).map_err(server_report)?;
        if let Some(asked) = args.realm.as_deref().filter(|asked| *asked != realm) {
            return Err(
                Report::new(format!("{} holds the realm {realm}, not {asked}", dir.display()))
                    .hint("leave --realm out, or name another folder with --data"),
            );
        }
        let listeners = Listeners::loopback_free().map_err(server_report)?;
        let kdc = listeners
            .udp_addresses()
            .first()
            .copied()
            .ok_or_else(|| Report::new("no free port"))?;
        // The database is ours before the files that name the ports are: of two that start at once, the one that
        // fails must not leave its ports in the other's files.
        let server = open(&dir, &realm, listeners)?;
        write_configuration(&dir, &realm, kdc)?;
        let mut home = Self {
            server,
            user: name(&realm, DEFAULT_USER)?,
            realm,
            dir,
            made: Vec::new(),
            created,
        };
        home.populate(args)?;
        Ok(home)
    }

    /// Makes the users and services that are asked for and not there, and brings the keytabs up to date.
    fn populate(&mut self, args: &Arguments) -> Result<(), Report> {
        let asked = !args.users.is_empty();
        let users: Vec<_> = if asked || self.created {
            args.users()
        } else {
            Vec::new()
        };
        for (index, (user, password)) in users.into_iter().enumerate() {
            let principal = name(&self.realm, user)?;
            if index == 0 {
                self.user = principal.clone();
            }
            let password = password.map_or_else(random_password, str::to_owned);
            if self.create(&principal, KeyChoice::Password(Password::from(password.as_str())))? {
                self.made.push((principal, password));
            }
        }
        for service in args.services(true) {
            let principal = name(&self.realm, &service)?;
            self.create(&principal, KeyChoice::Random)?;
            self.write_keys(SERVICE_KEYTAB, &principal)?;
        }
        self.write_keys(CLIENT_KEYTAB, &self.user)
    }

    /// Whether the principal was made now; false when it was there.
    fn create(&self, principal: &Principal, keys: KeyChoice) -> Result<bool, Report> {
        let mut change = PrincipalChange::default();
        if matches!(keys, KeyChoice::Password(_)) {
            let known = change.flag("+requires_preauth");
            debug_assert!(known, "a flag of kadmin.local");
        }
        let new = NewPrincipal {
            change,
            ..NewPrincipal::new(principal.clone(), keys)
        };
        match self
            .server
            .admin()
            .create(&Principal::new(self.realm.as_str(), &["kerbside", "up"]), new)
        {
            Ok(()) => Ok(true),
            Err(AdminError::Exists) => Ok(false),
            Err(e) => Err(Report::new(format!("{principal} cannot be made: {e}"))),
        }
    }

    /// Puts the principal's current keys into a keytab of the data folder, in the place of older ones.
    fn write_keys(&self, file: &str, principal: &Principal) -> Result<(), Report> {
        let found = self
            .server
            .admin()
            .store()
            .lookup(principal)
            .map_err(server_report)?;
        let Some(entry) = found else {
            return Err(
                Report::new(format!("{principal} is not in the realm any more")).hint(format!(
                    "make it again with --user or --service {}",
                    principal.name
                )),
            );
        };
        let timestamp = clock::now().time.to_u32_saturating();
        let keytab = KeytabName::file(self.dir.join(file));
        let update = kerbside_client::update_keytab(&keytab, |keytab| {
            keytab.remove(|held| held.principal == *principal);
            for data in entry.current_keys() {
                let key = data.key.clone();
                keytab.add(KeytabEntry::new(principal.clone(), data.kvno, timestamp, key));
            }
        });
        update.map_err(|e| Report::new(format!("the keys of {principal} cannot be written: {e}")))
    }

    /// A file of the data folder.
    pub(super) fn path(&self, file: &str) -> PathBuf {
        self.dir.join(file)
    }

    /// The page's service.
    pub(super) fn web_service(&self) -> Result<Principal, Report> {
        name(&self.realm, WEB_SERVICE)
    }
}

const DATABASE: &str = "principal";
const STASH: &str = "stash";
pub(super) const SERVICE_KEYTAB: &str = "service.keytab";
pub(super) const CLIENT_KEYTAB: &str = "client.keytab";
pub(super) const KRB5_CONF: &str = "krb5.conf";
pub(super) const KDC_CONF: &str = "kdc.conf";
pub(super) const KDC_LOG: &str = "kdc.log";

fn name(realm: &str, text: &str) -> Result<Principal, Report> {
    Principal::parse(text, Some(&Realm::from(realm)))
        .map_err(|e| Report::new(format!("{text} is not a principal's name: {e}")))
}

fn io_report(path: &Path, action: &str, error: &std::io::Error) -> Report {
    Report::new(format!("cannot {action} {}: {error}", path.display()))
}

/// Makes the realm in a folder beside the final one, which it then becomes: complete or not at all.
fn make(dir: &Path, realm: &str) -> Result<(), Report> {
    if fs::read_dir(dir).is_ok_and(|mut entries| entries.next().is_some()) {
        return Err(
            Report::new(format!("{} is not empty and holds no realm", dir.display()))
                .hint("name another folder with --data; nothing was changed"),
        );
    }
    let mut new = dir.as_os_str().to_owned();
    new.push(format!(".new.{}", std::process::id()));
    let new = PathBuf::from(new);
    DirBuilder::new()
        .mode(0o700)
        .create(&new)
        .map_err(|e| io_report(&new, "create", &e))?;
    let made =
        fill(&new, realm).and_then(|()| fs::rename(&new, dir).map_err(|e| io_report(dir, "create", &e)));
    if made.is_err() {
        // Made a moment ago under a name of our own.
        let _ = fs::remove_dir_all(&new);
    }
    made
}

fn fill(dir: &Path, realm: &str) -> Result<(), Report> {
    let config = config(dir, realm)?;
    let master = MasterKey::generate(config.master_key_type, &mut system_rng()).map_err(server_report)?;
    let timestamp = clock::now().time.to_u32_saturating();
    write_stash(&dir.join(STASH), realm, &master, timestamp, StashMode::New).map_err(server_report)?;
    create::create_realm(&dir.join(DATABASE), realm, &master, &config.defaults).map_err(server_report)
}

/// The folder must be ours and nobody else's to read.
fn check_folder(dir: &Path) -> Result<(), Report> {
    let facts = match fs::symlink_metadata(dir) {
        Ok(facts) => facts,
        Err(e) if e.kind() == ErrorKind::NotFound => return Err(io_report(dir, "find", &e)),
        Err(e) => return Err(io_report(dir, "examine", &e)),
    };
    if !facts.is_dir() {
        return Err(Report::new(format!("{} is not a folder", dir.display())));
    }
    if facts.uid() != rustix::process::geteuid().as_raw() {
        return Err(Report::new(format!(
            "{} belongs to user {}",
            dir.display(),
            facts.uid()
        )));
    }
    let mode = facts.permissions().mode() & 0o777;
    if mode & 0o077 != 0 {
        return Err(Report::new(format!(
            "{} can be read by others: its mode is {mode:03o}",
            dir.display()
        ))
        .hint(format!("chmod 700 {}", dir.display())));
    }
    Ok(())
}

/// The KDC's settings: the defaults, with this folder's files.
fn config(dir: &Path, realm: &str) -> Result<RealmConfig, Report> {
    let text = format!(
        "[realms]\n{realm} = {{\ndatabase_name = {0}/{DATABASE}\nkey_stash_file = {0}/{STASH}\n\
         max_renewable_life = 7d\n}}\n",
        dir.display()
    );
    let profile = Profile::parse(&text, KDC_CONF).map_err(|e| Report::new(e.to_string()))?;
    RealmConfig::from_profile(&profile, realm).map_err(server_report)
}

fn open(dir: &Path, realm: &str, listeners: Listeners) -> Result<KdcServer, Report> {
    let config = config(dir, realm)?;
    let store = RedbStore::open(&config.database, Some(realm), |realm| {
        read_stash(&config.stash, realm)
    });
    let store = store.map_err(server_report)?;
    let mut server = KdcServerConfig::new(config.policy, Arc::new(store));
    server.listeners = listeners;
    server.audit = vec![AuditTarget::File(dir.join(KDC_LOG))];
    server.admin_socket = Some(socket_path(&config.database));
    server.admin_defaults = config.defaults;
    KdcServer::start(server).map_err(server_report)
}

/// The ports are new at each start, so the files are written anew.
fn write_configuration(dir: &Path, realm: &str, kdc: SocketAddr) -> Result<(), Report> {
    let krb5_conf = format!(
        "# Written by `kerbside up` at each start.\n[libdefaults]\n\tdefault_realm = {realm}\n\
         \tdns_lookup_kdc = false\n\tdns_lookup_realm = false\n\tdns_canonicalize_hostname = false\n\trdns = false\n\
         \tdefault_ccache_name = FILE:{0}/ccache\n\tdefault_keytab_name = FILE:{0}/{SERVICE_KEYTAB}\n\
         \tdefault_client_keytab_name = FILE:{0}/{CLIENT_KEYTAB}\n\n[realms]\n\t{realm} = {{\n\t\tkdc = {kdc}\n\t}}\n\n\
         [domain_realm]\n\tlocalhost = {realm}\n",
        dir.display()
    );
    let kdc_conf = format!(
        "# Written by `kerbside up` at each start.\n[realms]\n\t{realm} = {{\n\t\tdatabase_name = {0}/{DATABASE}\n\
         \t\tkey_stash_file = {0}/{STASH}\n\t\tmax_renewable_life = 7d\n\t\tkdc_listen = {kdc}\n\
         \t\tkdc_tcp_listen = {kdc}\n\t}}\n",
        dir.display()
    );
    for (file, text) in [(KRB5_CONF, krb5_conf), (KDC_CONF, kdc_conf)] {
        let path = dir.join(file);
        let new = dir.join(format!("{file}.new"));
        // The folder is ours alone, so nobody can have put a link in the way.
        fs::write(&new, text)
            .and_then(|()| fs::rename(&new, &path))
            .map_err(|e| io_report(&path, "write", &e))?;
    }
    Ok(())
}
