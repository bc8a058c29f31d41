//! Where credentials and keys are kept: caches in files, in directories of files, in memory, in the kernel's keys and
//! at a cache daemon; keytabs in files.

mod cache;
mod collection;
mod directory;
mod file;
mod kcm;
mod keyring;
mod keytab;
mod opened;

pub use cache::CacheStore;
pub use file::FileFault;
pub use kcm::KcmFault;
pub use keyring::KeyringFault;
pub use keytab::{
    KeytabWarning, OpenedKeytab, read_keytab, read_keytab_with_policy, rehearse_keytab_update, update_keytab,
};

pub(crate) use file::{lock_exclusively, system};
pub(crate) use keytab::Stamp;
pub(crate) use opened::Opened;
