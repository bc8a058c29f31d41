//! KCM caches: a daemon keeps them (`sssd-kcm`, Heimdal's `kcm`), and we ask it over a Unix socket.
//!
//! Every program of a user sees the same caches. A cache is written as a whole where the daemon knows how
//! (MIT's extension REPLACE); else principal, clock offset and tickets follow each other, as MIT's programs
//! write them.

mod call;
mod fault;
mod mcred;

use std::path::Path;

use kerbside_asn1::Principal;
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::ccache::{
    CacheEntry, CredentialCache, KdcOffset, principal_from_bytes, principal_to_bytes,
};
use zeroize::Zeroizing;

use super::file::FileFault;
use crate::error::CacheFault;
use call::{Daemon, Operation, Payload};

pub use fault::KcmFault;

/// Where the daemon listens when krb5.conf's `kcm_socket` says nothing.
pub(super) const DEFAULT_SOCKET: &str = "/var/run/.heim_org.h5l.kcm-socket";

/// The value of `kcm_socket` that stands for no socket.
const NO_SOCKET: &str = "-";

/// A daemon that names more caches or tickets than this is not believed.
const MAX_LISTED: usize = 10_000;

fn connect(socket: &Path) -> Result<Daemon, CacheFault> {
    if socket.as_os_str() == NO_SOCKET {
        return Err(KcmFault::SwitchedOff.into());
    }
    Ok(Daemon::connect(socket)?)
}

/// The name of the user's default cache.
pub(super) fn default_name(socket: &Path) -> Result<String, CacheFault> {
    let mut daemon = connect(socket)?;
    default_of(&mut daemon)
}

fn default_of(daemon: &mut Daemon) -> Result<String, CacheFault> {
    let mut reply = daemon.call(Operation::GetDefaultCache, &Payload::new())?;
    Ok(reply.name()?)
}

/// The names of all the user's caches, the default one first.
pub(super) fn names(socket: &Path) -> Result<Vec<String>, CacheFault> {
    let mut daemon = connect(socket)?;
    let default = default_of(&mut daemon)?;
    let mut names = Vec::new();
    if exists(&mut daemon, &default)? {
        names.push(default);
    }
    let mut list = match daemon.call(Operation::GetCacheUuidList, &Payload::new()) {
        // So says Heimdal where there is none.
        Err(fault) if fault.means_none() => return Ok(names),
        list => list?,
    };
    for uuid in list.uuids(MAX_LISTED)? {
        let found = daemon.call(Operation::GetCacheByUuid, &Payload::new().raw(&uuid));
        match found {
            // It was destroyed meanwhile.
            Err(fault) if fault.means_none() => {}
            reply => {
                let name = reply?.name()?;
                if !names.contains(&name) {
                    names.push(name);
                }
            }
        }
    }
    Ok(names)
}

/// Whether a cache of that name is there.
pub(super) fn is_there(socket: &Path, name: &str) -> Result<bool, CacheFault> {
    exists(&mut connect(socket)?, name)
}

fn exists(daemon: &mut Daemon, name: &str) -> Result<bool, CacheFault> {
    match principal_of(daemon, name) {
        Ok(_) => Ok(true),
        Err(CacheFault::File(FileFault::NotFound)) => Ok(false),
        Err(fault) => Err(fault),
    }
}

/// A name that no cache has.
pub(super) fn new_name(socket: &Path) -> Result<String, CacheFault> {
    let mut daemon = connect(socket)?;
    let mut reply = daemon.call(Operation::GenNew, &Payload::new())?;
    Ok(reply.name()?)
}

/// Makes the cache of that name the default one.
pub(super) fn set_default(socket: &Path, name: &str) -> Result<(), CacheFault> {
    let mut daemon = connect(socket)?;
    daemon.call(Operation::SetDefaultCache, &Payload::new().name(name)?)?;
    Ok(())
}

fn principal_of(daemon: &mut Daemon, name: &str) -> Result<Principal, CacheFault> {
    let reply = daemon.call(Operation::GetPrincipal, &Payload::new().name(name)?);
    match reply {
        Err(fault) if fault.means_none() => Err(FileFault::NotFound.into()),
        reply => {
            let reply = reply?;
            // A cache that was made and not yet given to anybody.
            if reply.rest().is_empty() {
                return Err(FileFault::NotFound.into());
            }
            principal_from_bytes(reply.rest()).map_err(CacheFault::Format)
        }
    }
}

/// Reads a whole cache.
pub(super) fn read(socket: &Path, name: &str, policy: &EnctypePolicy) -> Result<CredentialCache, CacheFault> {
    let mut daemon = connect(socket)?;
    let mut cache = CredentialCache::new(principal_of(&mut daemon, name)?);
    cache.entries = entries(&mut daemon, name, policy)?;
    let offset = daemon.call(Operation::GetKdcOffset, &Payload::new().name(name)?);
    // A daemon without this operation has no offset; neither has a cache that nobody set one for.
    let seconds = match offset {
        Err(fault) if fault.means_unsupported() || fault.means_none() => 0,
        reply => reply?.int()?,
    };
    if seconds != 0 {
        cache.set_kdc_offset(Some(KdcOffset {
            seconds,
            microseconds: 0,
        }));
    }
    Ok(cache)
}

fn entries(daemon: &mut Daemon, name: &str, policy: &EnctypePolicy) -> Result<Vec<CacheEntry>, CacheFault> {
    let parse = |bytes: &[u8]| CacheEntry::from_bytes(bytes, policy).map_err(CacheFault::Format);
    match daemon.call(Operation::GetCredList, &Payload::new().name(name)?) {
        Err(fault) if fault.means_unsupported() => {}
        // The reply holds every key of the cache; it is wiped when it is dropped.
        list => {
            let mut list = list?;
            return list.blobs(MAX_LISTED)?.into_iter().map(parse).collect();
        }
    }
    let mut list = match daemon.call(Operation::GetCredUuidList, &Payload::new().name(name)?) {
        Err(fault) if fault.means_none() => return Ok(Vec::new()),
        list => list?,
    };
    let mut entries = Vec::new();
    for uuid in list.uuids(MAX_LISTED)? {
        let asked = Payload::new().name(name)?.raw(&uuid);
        match daemon.call(Operation::GetCredByUuid, &asked) {
            // It was removed meanwhile.
            Err(fault) if fault.means_none() => {}
            reply => entries.push(parse(reply?.rest())?),
        }
    }
    Ok(entries)
}

/// Makes the cache hold exactly this.
pub(super) fn initialize(socket: &Path, name: &str, cache: &CredentialCache) -> Result<(), CacheFault> {
    let mut daemon = connect(socket)?;
    let principal = principal_to_bytes(&cache.primary).map_err(CacheFault::Unwritable)?;
    let seconds = cache.kdc_offset().map(|offset| offset.seconds);
    let mut blobs = Vec::new();
    for entry in kept(cache) {
        blobs.push(entry.to_bytes().map_err(CacheFault::Unwritable)?);
    }
    let whole = Payload::new()
        .name(name)?
        .int(seconds.unwrap_or(0))
        .raw(&principal)
        .blobs(&blobs)?;
    match daemon.call(Operation::Replace, &whole) {
        Err(fault) if fault.means_unsupported() => {}
        done => return Ok(done.map(drop)?),
    }
    daemon.call(Operation::Initialize, &Payload::new().name(name)?.raw(&principal))?;
    Ok(fill(&mut daemon, name, seconds, &blobs).inspect_err(|fault| {
        // Half a cache looks like a whole one to whoever reads it next. What is told is why it could not be written,
        // whether it could be removed or not.
        let asked = Payload::new().name(name);
        let _ = asked.and_then(|asked| {
            if !matches!(fault, KcmFault::Refused { .. }) {
                // No answer, or half of one: nothing more can be asked on that connection.
                daemon = Daemon::connect(socket)?;
            }
            daemon.call(Operation::Destroy, &asked)
        });
    })?)
}

/// Puts clock offset and tickets into a cache that has just been made.
fn fill(
    daemon: &mut Daemon,
    name: &str,
    seconds: Option<i32>,
    blobs: &[Zeroizing<Vec<u8>>],
) -> Result<(), KcmFault> {
    if let Some(seconds) = seconds {
        let offset = daemon.call(Operation::SetKdcOffset, &Payload::new().name(name)?.int(seconds));
        match offset {
            Err(fault) if fault.means_unsupported() => {}
            done => drop(done?),
        }
    }
    for blob in blobs {
        daemon.call(Operation::Store, &Payload::new().name(name)?.raw(blob))?;
    }
    Ok(())
}

/// What is struck out of a file needs no place in a daemon.
fn kept(cache: &CredentialCache) -> impl Iterator<Item = &CacheEntry> {
    cache
        .entries
        .iter()
        .filter(|entry| !matches!(entry, CacheEntry::Removed(_)))
}

/// Adds a ticket or a configuration value to a cache of the principal that `check` agrees to.
pub(super) fn add(
    socket: &Path,
    name: &str,
    entry: &CacheEntry,
    check: impl FnOnce(&Principal) -> Result<(), CacheFault>,
) -> Result<(), CacheFault> {
    let mut daemon = connect(socket)?;
    check(&principal_of(&mut daemon, name)?)?;
    let blob = entry.to_bytes().map_err(CacheFault::Unwritable)?;
    daemon.call(Operation::Store, &Payload::new().name(name)?.raw(&blob))?;
    Ok(())
}

/// Removes what the cache has under the name of `server`, and tells how many records those were.
pub(super) fn remove(
    socket: &Path,
    name: &str,
    server: &Principal,
    policy: &EnctypePolicy,
) -> Result<usize, CacheFault> {
    let mut daemon = connect(socket)?;
    let client = principal_of(&mut daemon, name)?;
    let count = |daemon: &mut Daemon| -> Result<usize, CacheFault> {
        let found = entries(daemon, name, policy)?;
        Ok(found.iter().filter(|entry| entry.server() == server).count())
    };
    let before = count(&mut daemon)?;
    if before == 0 {
        return Ok(0);
    }
    let pattern = mcred::of_server(&client, server).map_err(CacheFault::Unwritable)?;
    let asked = Payload::new().name(name)?.int(0).raw(&pattern);
    daemon.call(Operation::RemoveCred, &asked)?;
    let after = count(&mut daemon)?;
    Ok(before.saturating_sub(after))
}

/// Adds a record in place of those of the same name.
pub(super) fn replace_entry(
    socket: &Path,
    name: &str,
    entry: &CacheEntry,
    policy: &EnctypePolicy,
) -> Result<(), CacheFault> {
    match remove(socket, name, entry.server(), policy) {
        // A daemon that removes nothing: the last record of a name is the one that counts.
        Err(CacheFault::Kcm(fault)) if fault.means_unsupported() => {}
        removed => drop(removed?),
    }
    add(socket, name, entry, |_| Ok(()))
}

/// Removes the cache.
pub(super) fn destroy(socket: &Path, name: &str) -> Result<(), CacheFault> {
    let mut daemon = connect(socket)?;
    // Heimdal says yes to the destruction of what is not there.
    if !exists(&mut daemon, name)? {
        return Err(FileFault::NotFound.into());
    }
    match daemon.call(Operation::Destroy, &Payload::new().name(name)?) {
        Err(fault) if fault.means_none() => Err(FileFault::NotFound.into()),
        done => Ok(done.map(drop)?),
    }
}

#[cfg(test)]
mod tests;
