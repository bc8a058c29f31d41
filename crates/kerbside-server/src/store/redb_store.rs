//! The principal database in one redb file, or in memory

use core::fmt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, PoisonError};
use std::thread::JoinHandle;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::EncryptionType;
use kerbside_kdc::{Attributes, KeyData, PrincipalEntry, StoreUpdate};

use super::engine::{Batch, Engine, Opened, Outcome};
use super::entry_cache::EntryCache;
use super::file::{self, NewFile, open_file};
use super::logins::{Counters, FLUSH_INTERVAL, Logins};
use super::record::{self, Record, index_key};
use super::{EntryChange, MasterKey, PrincipalStore, master_principal};
use crate::admin::AdminError;
use crate::error::{Result, ServerError};
use crate::random::system_rng;

#[cfg(test)]
mod crash_tests;
#[cfg(test)]
mod tests;

/// A principal database in one redb file, or in memory
pub struct RedbStore {
    shared: Arc<Shared>,
    flusher: Option<Flusher>,
}

struct Shared {
    engine: Engine,
    realm: String,
    master: MasterKey,
    cache: Arc<EntryCache>,
    logins: Arc<Logins>,
    alarm: Alarm,
}

impl fmt::Debug for RedbStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedbStore")
            .field("path", &self.shared.engine.path())
            .field("realm", &self.shared.realm)
            .finish_non_exhaustive()
    }
}

/// Wakes the thread that writes login counters
#[derive(Default)]
struct Alarm {
    state: Mutex<AlarmState>,
    rung: Condvar,
}

#[derive(Default)]
struct AlarmState {
    crowded: bool,
    stop: bool,
}

impl Alarm {
    fn ring(&self, change: impl FnOnce(&mut AlarmState)) {
        change(&mut self.state.lock().unwrap_or_else(PoisonError::into_inner));
        self.rung.notify_all();
    }

    /// Waits for the interval or a ring; false when it is time to stop
    fn wait(&self) -> bool {
        let state = self.state.lock().unwrap_or_else(PoisonError::into_inner);
        let (mut state, _) = self
            .rung
            .wait_timeout_while(state, FLUSH_INTERVAL, |state| !state.crowded && !state.stop)
            .unwrap_or_else(PoisonError::into_inner);
        state.crowded = false;
        !state.stop
    }
}

struct Flusher {
    thread: JoinHandle<()>,
}

impl RedbStore {
    /// Creates a database file with its first principals, complete or not at all
    ///
    /// # Errors
    /// [`ServerError::DatabaseExists`] when anything has that name already.
    pub fn create(path: &Path, realm: &str, master: &MasterKey, entries: &[PrincipalEntry]) -> Result<()> {
        let (new, opened) = NewFile::begin(path)?;
        populate(&opened, realm, master, entries)?;
        drop(opened);
        new.finish()
    }

    /// A database in memory that ends with the value; `label` stands for its path in messages
    ///
    /// # Errors
    /// When a thread cannot be started.
    pub fn in_memory(
        label: &Path,
        realm: &str,
        master: MasterKey,
        entries: &[PrincipalEntry],
    ) -> Result<RedbStore> {
        let opened = file::create_in_memory(label)?;
        populate(&opened, realm, &master, entries)?;
        RedbStore::serve(opened, realm.to_owned(), master)
    }

    /// Opens a database file; `master` gets the realm named in the file
    ///
    /// # Errors
    /// [`ServerError`]: missing, foreign, damaged, in use, another realm's, wrong master key.
    pub fn open(
        path: &Path,
        realm: Option<&str>,
        master: impl FnOnce(&str) -> Result<MasterKey>,
    ) -> Result<RedbStore> {
        RedbStore::open_opened(open_file(path)?, path, realm, master)
    }

    fn open_opened(
        opened: Opened,
        path: &Path,
        realm: Option<&str>,
        master: impl FnOnce(&str) -> Result<MasterKey>,
    ) -> Result<RedbStore> {
        let found = realm_of(&opened, path)?;
        if let Some(expected) = realm
            && expected != found
        {
            return Err(ServerError::DatabaseRealm {
                path: path.to_owned(),
                expected: expected.to_owned(),
                found,
            });
        }
        let master = master(&found)?;
        check_master(&opened, path, &found, &master)?;
        RedbStore::serve(opened, found, master)
    }

    fn serve(opened: Opened, realm: String, master: MasterKey) -> Result<RedbStore> {
        let cache = Arc::new(EntryCache::new());
        let forgetting = Arc::clone(&cache);
        let engine = opened.serve(Box::new(move |keys| {
            let Some(keys) = keys else {
                return forgetting.clear();
            };
            for name in keys.iter().filter_map(|key| record::name_of(key)) {
                forgetting.forget(&name);
            }
        }))?;
        let shared = Arc::new(Shared {
            engine,
            realm,
            master,
            cache,
            logins: Arc::new(Logins::default()),
            alarm: Alarm::default(),
        });
        let flushing = Arc::clone(&shared);
        let thread = std::thread::Builder::new()
            .name("kerbside-logins".to_owned())
            .spawn(move || {
                while flushing.alarm.wait() {
                    if let Err(error) = flushing.flush() {
                        tracing::warn!("login counters stay in memory for now: {error}");
                    }
                }
            })
            .map_err(|e| ServerError::Thread {
                name: "kerbside-logins",
                detail: e.to_string(),
            })?;
        Ok(RedbStore {
            shared,
            flusher: Some(Flusher { thread }),
        })
    }

    /// The master key this database is sealed with
    #[must_use]
    pub fn master_key(&self) -> &MasterKey {
        &self.shared.master
    }

    /// The database file
    #[must_use]
    pub fn path(&self) -> &Path {
        self.shared.engine.path()
    }
}

impl Drop for RedbStore {
    fn drop(&mut self) {
        self.shared.alarm.ring(|state| state.stop = true);
        if let Some(flusher) = self.flusher.take() {
            let _ = flusher.thread.join();
        }
        if let Err(error) = self.shared.flush() {
            tracing::warn!("the last login counters are lost: {error}");
        }
    }
}

/// What a database file says of itself, without its master key; trusted for nothing
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// The realm it belongs to
    pub realm: String,
    /// Enctype of the master key it is sealed with
    pub master_enctype: EncryptionType,
    /// Version of that key
    pub master_kvno: u32,
}

/// Reads what a database file says of itself
///
/// # Errors
/// [`ServerError`]: missing, foreign, damaged, in use.
pub fn facts_of_file(path: &Path) -> Result<FileFacts> {
    let damaged = |detail: &str| ServerError::DatabaseDamaged {
        path: path.to_owned(),
        detail: detail.to_owned(),
    };
    let mut facts = file::peek(path, &["realm", "master"])?.into_iter().flatten();
    let realm = facts.next().and_then(|bytes| String::from_utf8(bytes).ok());
    let realm = realm.ok_or_else(|| damaged("it does not name its realm"))?;
    let master = facts.next().and_then(|bytes| <[u8; 8]>::try_from(bytes).ok());
    let [e0, e1, e2, e3, k0, k1, k2, k3] =
        master.ok_or_else(|| damaged("it does not name its master key"))?;
    Ok(FileFacts {
        realm,
        master_enctype: EncryptionType(i32::from_be_bytes([e0, e1, e2, e3])),
        master_kvno: u32::from_be_bytes([k0, k1, k2, k3]),
    })
}

/// What a file says of itself: the realm it belongs to
///
/// # Errors
/// [`ServerError`]: missing, foreign, damaged, in use.
pub fn realm_of_file(path: &Path) -> Result<String> {
    facts_of_file(path).map(|facts| facts.realm)
}

/// Removes the database of `realm`; a file of another kind or realm, or one in use, is left as it is
///
/// # Errors
/// As [`realm_of_file`], and [`ServerError::DatabaseRealm`].
pub fn destroy_file(path: &Path, realm: &str) -> Result<()> {
    // Held open, and so locked, until its name is gone.
    let opened = open_file(path)?;
    let found = realm_of(&opened, path)?;
    if found != realm {
        return Err(ServerError::DatabaseRealm {
            path: path.to_owned(),
            expected: realm.to_owned(),
            found,
        });
    }
    std::fs::remove_file(path).map_err(|source| ServerError::File {
        path: path.to_owned(),
        action: "remove",
        source,
    })?;
    file::sync_directory(path);
    drop(opened);
    Ok(())
}

fn realm_of(opened: &Opened, path: &Path) -> Result<String> {
    let realm = opened
        .meta("realm")?
        .and_then(|bytes| String::from_utf8(bytes).ok());
    realm.ok_or_else(|| ServerError::DatabaseDamaged {
        path: path.to_owned(),
        detail: "it does not name its realm".to_owned(),
    })
}

/// The record of `K/M` opens under the right master key only
fn check_master(opened: &Opened, path: &Path, realm: &str, master: &MasterKey) -> Result<()> {
    let key = index_key(&master_principal(realm));
    let Some(value) = opened.principal(&key)? else {
        return Err(ServerError::DatabaseDamaged {
            path: path.to_owned(),
            detail: format!("it has no record of K/M@{realm}"),
        });
    };
    match record::open(master, &key, &value) {
        Ok(Record::Entry(_)) => Ok(()),
        Ok(Record::Alias(_)) | Err(ServerError::RecordDamaged { .. }) => Err(ServerError::WrongMasterKey {
            path: path.to_owned(),
            from: master.origin().to_owned(),
        }),
        Err(other) => Err(other),
    }
}

fn populate(opened: &Opened, realm: &str, master: &MasterKey, entries: &[PrincipalEntry]) -> Result<()> {
    let mut km = PrincipalEntry::new(
        master_principal(realm),
        entries
            .first()
            .map_or(KerberosTime::EPOCH, |entry| entry.mod_time),
    );
    km.keys.push(KeyData::new(master.kvno(), master.long_term_key()));
    km.attributes = Attributes::DISALLOW_ALL_TIX | Attributes::LOCKDOWN_KEYS;
    km.max_life = entries.first().map_or(0, |entry| entry.max_life);
    km.mod_by = Some(Principal::new(realm, &["db_creation"]));
    let mut values = Vec::new();
    for entry in entries.iter().chain([&km]) {
        let key = index_key(&entry.principal);
        values.push((key.clone(), record::seal_entry(master, entry, &mut system_rng())?));
        for alias in &entry.aliases {
            values.push((
                index_key(alias),
                record::seal_alias(master, alias, &key, &mut system_rng())?,
            ));
        }
    }
    let realm = realm.to_owned();
    let master_facts = [master.enctype().0.to_be_bytes(), master.kvno().to_be_bytes()].concat();
    opened.write_now(Box::new(move |batch| {
        let write = |batch: &mut Batch<'_>| {
            batch.put_meta("realm", realm.as_bytes())?;
            batch.put_meta("master", &master_facts)?;
            for (key, value) in &values {
                if batch.principal(key)?.is_some() {
                    return Err(ServerError::Config {
                        place: format!("the principal {}", record::key_text(key)),
                        detail: "it is named twice".to_owned(),
                    });
                }
                batch.put_principal(key, value)?;
            }
            Ok(())
        };
        match write(batch) {
            Ok(()) => Outcome::Written,
            Err(error) => Outcome::Failed(error),
        }
    }))
}

/// Runs `change` in the next commit and hands its result out once that is durable
fn in_commit<T: Send + 'static>(
    engine: &Engine,
    change: impl FnOnce(&mut Batch<'_>) -> Result<T, AdminError> + Send + 'static,
) -> Result<T, AdminError> {
    let slot = Arc::new(Mutex::new(None));
    let result = Arc::clone(&slot);
    engine.write(Box::new(move |batch| {
        let before = batch.writes();
        let outcome = change(batch);
        let verdict = match &outcome {
            Ok(_) => Outcome::Written,
            Err(_) if batch.writes() == before => Outcome::Refused,
            Err(error) => Outcome::Failed(ServerError::DatabaseIo {
                path: PathBuf::new(),
                detail: error.to_string(),
            }),
        };
        *result.lock().unwrap_or_else(PoisonError::into_inner) = Some(outcome);
        verdict
    }))?;
    let outcome = slot.lock().unwrap_or_else(PoisonError::into_inner).take();
    outcome.unwrap_or_else(|| Err(AdminError::Store("the change was not run".to_owned())))
}

impl Shared {
    fn opened_entry(&self, key: &[u8]) -> Result<Option<PrincipalEntry>> {
        let Some((value, login)) = self.engine.principal(key)? else {
            return Ok(None);
        };
        let (key, value, login) = match record::open(&self.master, key, &value)? {
            Record::Entry(entry) => return Ok(Some(self.with_counters(*entry, key, login.as_deref()))),
            Record::Alias(target) => match self.engine.principal(&target)? {
                Some((value, login)) => (target, value, login),
                None => return Ok(None),
            },
        };
        match record::open(&self.master, &key, &value)? {
            Record::Entry(entry) => Ok(Some(self.with_counters(*entry, &key, login.as_deref()))),
            Record::Alias(_) => Err(ServerError::RecordDamaged {
                principal: record::key_text(&key),
                detail: "an alias of an alias".to_owned(),
            }),
        }
    }

    fn with_counters(&self, mut entry: PrincipalEntry, key: &[u8], login: Option<&[u8]>) -> PrincipalEntry {
        let stored = login.and_then(Counters::from_bytes);
        if let Some(counters) = self.logins.newer(key).or(stored) {
            counters.apply_to(&mut entry);
        }
        entry
    }

    fn flush(&self) -> Result<()> {
        let Some(group) = self.logins.take() else {
            return Ok(());
        };
        let written = self.engine.write(Box::new(move |batch| {
            for (key, counters) in group.iter() {
                let put = match batch.principal(key) {
                    Ok(Some(_)) => batch.put_login(key, &counters.to_bytes()),
                    Ok(None) => Ok(()),
                    Err(error) => Err(error),
                };
                if let Err(error) = put {
                    return Outcome::Failed(error);
                }
            }
            Outcome::Written
        }));
        self.logins.written(written.is_ok());
        written
    }
}

/// The entry under a name in this transaction, through an alias if it is one
fn entry_in(
    batch: &Batch<'_>,
    master: &MasterKey,
    name: &Principal,
) -> Result<(Vec<u8>, Box<PrincipalEntry>), AdminError> {
    let mut key = index_key(name);
    for _ in 0..2 {
        let Some(value) = batch.principal(&key)? else {
            return Err(AdminError::Unknown);
        };
        match record::open(master, &key, &value)? {
            Record::Entry(entry) => return Ok((key, entry)),
            Record::Alias(target) => key = target,
        }
    }
    Err(AdminError::Unknown)
}

impl PrincipalStore for RedbStore {
    fn realm(&self) -> &str {
        &self.shared.realm
    }

    fn lookup(&self, name: &Principal) -> Result<Option<Arc<PrincipalEntry>>> {
        let generation = match self.shared.cache.find(name) {
            Ok(entry) => return Ok(Some(entry)),
            Err(generation) => generation,
        };
        let Some(entry) = self.shared.opened_entry(&index_key(name))? else {
            return Ok(None);
        };
        let entry = Arc::new(entry);
        self.shared.cache.insert(name, &entry, generation);
        Ok(Some(entry))
    }

    fn entry(&self, name: &Principal) -> Result<Option<PrincipalEntry>> {
        self.shared.opened_entry(&index_key(name))
    }

    fn note(&self, update: &StoreUpdate) {
        let entry = update.entry();
        let Some(noted) = self.shared.logins.note(index_key(&entry.principal), update) else {
            return;
        };
        if noted.matters {
            let mut newer = PrincipalEntry::clone(entry);
            noted.counters.apply_to(&mut newer);
            self.shared.cache.replace(entry, Arc::new(newer));
        }
        if noted.crowded {
            self.shared.alarm.ring(|state| state.crowded = true);
        }
    }

    fn insert(&self, entry: PrincipalEntry) -> Result<(), AdminError> {
        let shared = Arc::clone(&self.shared);
        in_commit(&self.shared.engine, move |batch| {
            let key = index_key(&entry.principal);
            let mut values = vec![(
                key.clone(),
                record::seal_entry(&shared.master, &entry, &mut system_rng())?,
            )];
            for alias in &entry.aliases {
                let value = record::seal_alias(&shared.master, alias, &key, &mut system_rng())?;
                values.push((index_key(alias), value));
            }
            for (key, _) in &values {
                if batch.principal(key)?.is_some() {
                    return Err(AdminError::Exists);
                }
            }
            for (key, value) in &values {
                batch.put_principal(key, value)?;
            }
            shared.logins.forget(&key);
            Ok(())
        })
    }

    fn modify(&self, name: &Principal, change: EntryChange) -> Result<PrincipalEntry, AdminError> {
        let shared = Arc::clone(&self.shared);
        let name = name.clone();
        in_commit(&self.shared.engine, move |batch| {
            let (key, entry) = entry_in(batch, &shared.master, &name)?;
            let login = batch.login(&key)?;
            let mut entry = shared.with_counters(*entry, &key, login.as_deref());
            let (principal, aliases, before) = (
                entry.principal.clone(),
                entry.aliases.clone(),
                Counters::of(&entry),
            );
            change(&mut entry)?;
            if entry.principal != principal || entry.aliases != aliases {
                return Err(AdminError::Unsupported("renaming a principal".to_owned()));
            }
            let value = record::seal_entry(&shared.master, &entry, &mut system_rng())?;
            batch.put_principal(&key, &value)?;
            for alias in &aliases {
                batch.touch(&index_key(alias));
            }
            if Counters::of(&entry) != before {
                batch.put_login(&key, &Counters::of(&entry).to_bytes())?;
                shared.logins.forget(&key);
            }
            Ok(entry)
        })
    }

    fn remove(&self, name: &Principal) -> Result<(), AdminError> {
        let shared = Arc::clone(&self.shared);
        let name = name.clone();
        in_commit(&self.shared.engine, move |batch| {
            let (key, mut entry) = entry_in(batch, &shared.master, &name)?;
            let named = index_key(&name);
            if named != key {
                entry.aliases.retain(|alias| *alias != name);
                let value = record::seal_entry(&shared.master, &entry, &mut system_rng())?;
                batch.put_principal(&key, &value)?;
                batch.remove_principal(&named)?;
                return Ok(());
            }
            for alias in &entry.aliases {
                batch.remove_principal(&index_key(alias))?;
            }
            batch.remove_principal(&key)?;
            shared.logins.forget(&key);
            Ok(())
        })
    }

    fn names(&self, after: Option<&Principal>, limit: usize) -> Result<Vec<Principal>> {
        let mut names = Vec::new();
        let mut after = after.map(index_key);
        while names.len() < limit {
            let page = self
                .shared
                .engine
                .keys_after(after.as_deref(), limit - names.len())?;
            let Some((last, _)) = page.last() else { break };
            after = Some(last.clone());
            names.extend(
                page.iter()
                    .filter(|(_, value)| !record::is_alias(value))
                    .filter_map(|(key, _)| record::name_of(key)),
            );
        }
        Ok(names)
    }

    fn master_kvno(&self) -> u32 {
        self.shared.master.kvno()
    }

    fn flush(&self) -> Result<()> {
        self.shared.flush()
    }
}
