//! The principal database
//!
//! [`PrincipalStore`] is what the KDC and the administration need of one; [`RedbStore`] keeps it in
//! one file (or in memory, for realms that are thrown away).
//!
//! * Every record is sealed whole under the master key, its own name inside.
//! * A lookup of an entry that was used before costs a hash lookup: no decryption, no allocation,
//!   whatever the number of principals.
//! * What an administrator was told is done, is on the disk. Changes that arrive together share one
//!   fsync. Login counters are at most [`FLUSH_INTERVAL`] late.
//! * A damaged or foreign file is refused and left as it is.

mod engine;
mod entry_cache;
mod file;
mod live;
mod logins;
mod master_key;
mod record;
mod redb_store;

use core::fmt;
use std::sync::Arc;

use kerbside_asn1::Principal;
use kerbside_kdc::{PrincipalEntry, StoreError, StoreUpdate};

use crate::admin::AdminError;
use crate::error::Result;

pub use logins::FLUSH_INTERVAL;
pub(crate) use master_key::write_private;
pub use master_key::{MasterKey, StashMode, master_principal, read_stash, write_stash};
pub(crate) use record::{read_key, write_key};
pub use redb_store::{FileFacts, RedbStore, destroy_file, facts_of_file, realm_of_file};

/// A change of one entry: reads it, changes it or refuses
pub type EntryChange = Box<dyn FnOnce(&mut PrincipalEntry) -> Result<(), AdminError> + Send>;

/// What the KDC and the administration need of a principal database
pub trait PrincipalStore: Send + Sync + fmt::Debug {
    /// The realm it belongs to
    fn realm(&self) -> &str;

    /// An entry by its name or one of its aliases
    ///
    /// # Errors
    /// When the database cannot be read or the record does not open.
    fn lookup(&self, name: &Principal) -> Result<Option<Arc<PrincipalEntry>>>;

    /// An entry with its login counters as they are now
    ///
    /// # Errors
    /// As [`PrincipalStore::lookup`].
    fn entry(&self, name: &Principal) -> Result<Option<PrincipalEntry>>;

    /// Notes what a request changed; never waits for the disk
    fn note(&self, update: &StoreUpdate);

    /// Adds a principal; durable when it returns
    ///
    /// # Errors
    /// [`AdminError`], among others when the name or an alias is taken.
    fn insert(&self, entry: PrincipalEntry) -> Result<(), AdminError>;

    /// Changes a principal; durable when it returns
    ///
    /// # Errors
    /// [`AdminError`], among others when there is none or `change` refuses.
    fn modify(&self, name: &Principal, change: EntryChange) -> Result<PrincipalEntry, AdminError>;

    /// Removes a principal with its aliases, or one alias; durable when it returns
    ///
    /// # Errors
    /// [`AdminError`], among others when there is none.
    fn remove(&self, name: &Principal) -> Result<(), AdminError>;

    /// Names of principals in their order after `after`, at most `limit`
    ///
    /// # Errors
    /// When the database cannot be read.
    fn names(&self, after: Option<&Principal>, limit: usize) -> Result<Vec<Principal>>;

    /// Version of the master key in use
    fn master_kvno(&self) -> u32;

    /// Writes what waits in memory; durable when it returns
    ///
    /// # Errors
    /// When the database cannot be written.
    fn flush(&self) -> Result<()>;
}

/// The lookup the KDC engine calls
pub(crate) fn engine_lookup(
    store: &dyn PrincipalStore,
    name: &Principal,
) -> core::result::Result<Option<Arc<PrincipalEntry>>, StoreError> {
    store.lookup(name).map_err(|error| StoreError(error.to_string()))
}
