//! Keytab files.

use std::fmt;
use std::fs::Metadata;
use std::os::unix::fs::MetadataExt;

use kerbside_crypto::EnctypePolicy;
use kerbside_formats::keytab::Keytab;

use super::file::{self, Contents, Kind};
use crate::error::{Error, KeytabFault};
use crate::names::KeytabName;

/// A keytab, and what is not as it should be about its file.
#[derive(Debug, Clone)]
pub struct OpenedKeytab {
    /// The keys.
    pub keytab: Keytab,
    /// Who else may read or change them.
    pub warnings: Vec<KeytabWarning>,
    /// What tells this version of the file from the next one.
    pub(crate) stamp: Stamp,
}

/// The file a keytab was read from: device, inode, length, time of change.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Stamp(u64, u64, u64, i64, i64);

impl Stamp {
    pub(crate) fn of(metadata: &Metadata) -> Self {
        Self(
            metadata.dev(),
            metadata.ino(),
            metadata.len(),
            metadata.mtime(),
            metadata.mtime_nsec(),
        )
    }
}

/// Something about a keytab's file that lets others at its keys.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeytabWarning {
    /// Users beyond the owner may read or write it.
    Mode {
        /// The permission bits.
        mode: u32,
    },
    /// Its owner is neither this process's user nor root.
    Owner {
        /// The owner's user id.
        owner: u32,
    },
}

impl fmt::Display for KeytabWarning {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Mode { mode } => write!(f, "mode: expected 0600, but found {mode:04o}"),
            Self::Owner { owner } => {
                write!(
                    f,
                    "owner: expected this process's user or root, but found user {owner}"
                )
            }
        }
    }
}

/// Reads a keytab.
///
/// # Errors
/// [`Error::Keytab`]: not found, not a keytab, damaged (with the byte offset), of a type that
/// is not built yet.
pub fn read_keytab(name: &KeytabName) -> Result<OpenedKeytab, Error> {
    read_keytab_with_policy(name, &EnctypePolicy::DEFAULT)
}

/// Reads a keytab; keys of the types that `policy` permits can be used, the others are listed only.
///
/// # Errors
/// As [`read_keytab`].
pub fn read_keytab_with_policy(name: &KeytabName, policy: &EnctypePolicy) -> Result<OpenedKeytab, Error> {
    open(name, policy).map_err(named(name))
}

fn open(name: &KeytabName, policy: &EnctypePolicy) -> Result<OpenedKeytab, KeytabFault> {
    let Contents { bytes, metadata } = match name {
        KeytabName::File { path, .. } => file::read(path, Kind::Keytab)?,
        KeytabName::Other { kind, .. } => return Err(KeytabFault::TypeNotBuilt(kind.to_string())),
    };
    Ok(OpenedKeytab {
        keytab: Keytab::parse_with_policy(&bytes, policy).map_err(KeytabFault::Format)?,
        warnings: warnings(metadata.mode() & 0o7777, metadata.uid()),
        stamp: Stamp::of(&metadata),
    })
}

fn warnings(mode: u32, owner: u32) -> Vec<KeytabWarning> {
    let mut warnings = Vec::new();
    if mode & 0o077 != 0 {
        warnings.push(KeytabWarning::Mode { mode });
    }
    if owner != 0 && owner != rustix::process::geteuid().as_raw() {
        warnings.push(KeytabWarning::Owner { owner });
    }
    warnings
}

/// Changes a keytab: `change` gets what the file holds, or an empty keytab when there is no file or
/// an empty one. The file is replaced as a whole when `change` is done; a file that is no keytab, or
/// a damaged one, is left as it is.
///
/// `change` is called again when another program changed the file meanwhile.
///
/// # Errors
/// [`Error::Keytab`].
pub fn update_keytab(name: &KeytabName, change: impl Fn(&mut Keytab)) -> Result<(), Error> {
    let updated = match name {
        KeytabName::File { path, .. } => file::replace(path, Kind::Keytab, |before| {
            let mut keytab = match before.filter(|bytes| !bytes.is_empty()) {
                Some(bytes) => Keytab::parse(bytes).map_err(KeytabFault::Format)?,
                None => Keytab::new(),
            };
            change(&mut keytab);
            keytab.to_bytes().map_err(KeytabFault::Unwritable)
        }),
        KeytabName::Other { kind, .. } => Err(KeytabFault::TypeNotBuilt(kind.to_string())),
    };
    updated.map_err(named(name))
}

/// Whether `update_keytab` could add `growth` bytes of keys: to be asked before keys are made that exist nowhere else.
/// Nothing is changed.
///
/// # Errors
/// [`Error::Keytab`]: what would keep the file from being replaced, a full disk among it.
pub fn rehearse_keytab_update(name: &KeytabName, growth: u64) -> Result<(), Error> {
    let rehearsed = match name {
        KeytabName::File { path, .. } => {
            file::rehearse(path, Kind::Keytab, growth).map_err(KeytabFault::from)
        }
        KeytabName::Other { kind, .. } => Err(KeytabFault::TypeNotBuilt(kind.to_string())),
    };
    rehearsed.map_err(named(name))
}

fn named(name: &KeytabName) -> impl FnOnce(KeytabFault) -> Error {
    let name = name.clone();
    move |fault| Error::Keytab { name, fault }
}

#[cfg(test)]
mod tests;
