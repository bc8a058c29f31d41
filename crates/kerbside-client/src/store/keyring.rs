//! KEYRING caches: keys in the Linux kernel, laid out as MIT krb5 1.12 and later lays them out.
//!
//! ```text
//! anchor (session, user, process, thread, persistent)
//!   keyring `_krb_NAME`, for persistent ones `_krb`      a collection
//!     user key `krb_ccache:primary`                      1 (32 bits), length (32), the primary cache's name
//!     keyring CACHE                                      a cache
//!       user key `__krb5_princ__`                        its principal, as in a cache file
//!       user key `__krb5_time_offsets__`                 seconds (32), microseconds (32)
//!       big_key or user key SERVER                       a ticket, as in a cache file
//! ```
//! Keys end when their tickets do. The kernel changes one key at a time, so a reader may find a cache that is
//! being written to half full, as with MIT's programs.
//!
//! Keyrings belong to threads: a `thread` collection is its thread's alone, and a `process` one is seen by the
//! threads that began after it.

mod fault;
mod keys;
mod names;

use kerbside_asn1::Principal;
use kerbside_crypto::EnctypePolicy;
use kerbside_formats::ccache::{
    CacheEntry, CredentialCache, KdcOffset, principal_from_bytes, principal_to_bytes,
};
use rand_core::Rng;

use super::file::FileFault;
use crate::error::CacheFault;
use keys::Id;
use names::Residual;

pub use fault::KeyringFault;

const PRIMARY: &str = "krb_ccache:primary";
const PRINCIPAL: &str = "__krb5_princ__";
const OFFSETS: &str = "__krb5_time_offsets__";

/// The version of a collection's primary key.
const COLLECTION_VERSION: u32 = 1;

/// The one cache that a name stands for, as a whole name.
pub(super) fn resolve(residual: &str) -> Result<String, CacheFault> {
    let name = Residual::parse(residual)?;
    let cache = cache_of(&name)?;
    Ok(name.of_cache(&cache))
}

fn cache_of(name: &Residual) -> Result<String, CacheFault> {
    match &name.cache {
        Some(cache) => Ok(cache.clone()),
        None => Ok(match keys::find_collection(name)? {
            Some(collection) => primary(name, collection)?,
            None => name.first_cache().to_owned(),
        }),
    }
}

fn primary(name: &Residual, collection: Id) -> Result<String, CacheFault> {
    let Some(key) = keys::find_key(collection, PRIMARY)? else {
        return Ok(name.first_cache().to_owned());
    };
    let Some(bytes) = keys::read(key)? else {
        return Ok(name.first_cache().to_owned());
    };
    Ok(parse_primary(&bytes).ok_or(KeyringFault::BadPrimary)?.to_owned())
}

fn parse_primary(bytes: &[u8]) -> Option<&str> {
    let (version, rest) = bytes.split_first_chunk::<4>()?;
    let (length, rest) = rest.split_first_chunk::<4>()?;
    let length = usize::try_from(u32::from_be_bytes(*length)).ok()?;
    if u32::from_be_bytes(*version) != COLLECTION_VERSION || length != rest.len() || length == 0 {
        return None;
    }
    let name = std::str::from_utf8(rest).ok()?;
    (!name.contains('\0')).then_some(name)
}

fn set_primary(collection: Id, cache: &str) -> Result<(), CacheFault> {
    let length = u32::try_from(cache.len()).map_err(|_| KeyringFault::Name)?;
    let mut payload = COLLECTION_VERSION.to_be_bytes().to_vec();
    payload.extend_from_slice(&length.to_be_bytes());
    payload.extend_from_slice(cache.as_bytes());
    keys::add_key(PRIMARY, &payload, collection)?;
    Ok(())
}

/// Makes the cache the primary one of its collection.
pub(super) fn switch(residual: &str) -> Result<(), CacheFault> {
    let name = Residual::parse(residual)?;
    let cache = cache_of(&name)?;
    set_primary(keys::make_collection(&name)?, &cache)
}

/// The caches of a collection, the primary one first; of the name of one cache, that one.
pub(super) fn names(residual: &str) -> Result<Vec<String>, CacheFault> {
    let name = Residual::parse(residual)?;
    if let Some(cache) = &name.cache {
        let found = find(&name, cache)?.map(|_| name.of_cache(cache));
        return Ok(found.into_iter().collect());
    }
    let first = cache_of(&name)?;
    let mut names = Vec::new();
    if find(&name, &first)?.is_some() {
        names.push(name.of_cache(&first));
    }
    let Some(collection) = keys::find_collection(&name)? else {
        return Ok(names);
    };
    for id in keys::links(collection)? {
        if let Some(cache) = keys::keyring_name(id)?
            && cache != first
        {
            names.push(name.of_cache(&cache));
        }
    }
    Ok(names)
}

/// The name of a cache of the collection that does not exist yet; `None` when the name is one cache's.
pub(super) fn new_name(residual: &str) -> Result<Option<String>, CacheFault> {
    const LETTERS: &[u8; 32] = b"abcdefghijklmnopqrstuvwxyz234567";
    let name = Residual::parse(residual)?;
    if name.cache.is_some() {
        return Ok(None);
    }
    for _ in 0..16 {
        let mut number = crate::random::OsRandom.next_u64();
        let mut cache = String::from("krb_ccache_");
        for _ in 0..8 {
            let index = usize::try_from(number % 32).unwrap_or(0);
            number /= 32;
            cache.push(char::from(LETTERS.get(index).copied().unwrap_or(b'a')));
        }
        if find(&name, &cache)?.is_none() {
            return Ok(Some(name.of_cache(&cache)));
        }
    }
    Err(KeyringFault::System {
        doing: "find a name for a new cache",
        reason: "16 names are taken".to_owned(),
    }
    .into())
}

/// The keyring of a cache.
fn find(name: &Residual, cache: &str) -> Result<Option<Id>, CacheFault> {
    let within = match keys::find_collection(name)? {
        Some(collection) => keys::find_keyring(collection, cache)?,
        None => None,
    };
    match within {
        // One that a program before MIT 1.12 made hangs in the session itself.
        None if name.is_legacy(cache) => Ok(keys::find_linked(keys::session(), cache)?),
        found => Ok(found),
    }
}

fn existing(name: &Residual, cache: &str) -> Result<Id, CacheFault> {
    find(name, cache)?.ok_or_else(|| FileFault::NotFound.into())
}

fn principal_of(cache: Id) -> Result<Principal, CacheFault> {
    let key = keys::find_key(cache, PRINCIPAL)?.ok_or(FileFault::NotFound)?;
    let bytes = keys::read(key)?.ok_or(FileFault::NotFound)?;
    principal_from_bytes(&bytes).map_err(CacheFault::Format)
}

/// Reads a whole cache.
pub(super) fn read(residual: &str, policy: &EnctypePolicy) -> Result<CredentialCache, CacheFault> {
    let name = Residual::parse(residual)?;
    let id = existing(&name, &cache_of(&name)?)?;
    let mut cache = CredentialCache::new(principal_of(id)?);
    cache.set_kdc_offset(offsets(id)?);
    cache.entries = entries(id, policy)?.into_iter().map(|(_, entry)| entry).collect();
    Ok(cache)
}

fn offsets(cache: Id) -> Result<Option<KdcOffset>, CacheFault> {
    let Some(key) = keys::find_key(cache, OFFSETS)? else {
        return Ok(None);
    };
    let bytes = keys::read(key)?.unwrap_or_default();
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(match numbers {
        [seconds, microseconds] => Some(KdcOffset {
            seconds: i32::from_be_bytes(*seconds),
            microseconds: i32::from_be_bytes(*microseconds),
        }),
        _ => None,
    })
}

/// The records of a cache with the keys that hold them.
fn entries(cache: Id, policy: &EnctypePolicy) -> Result<Vec<(Id, CacheEntry)>, CacheFault> {
    let own = [keys::find_key(cache, PRINCIPAL)?, keys::find_key(cache, OFFSETS)?];
    let mut entries = Vec::new();
    for id in keys::links(cache)? {
        if own.contains(&Some(id)) {
            continue;
        }
        // A key that ended meanwhile is passed over.
        if let Some(bytes) = keys::read(id)? {
            entries.push((
                id,
                CacheEntry::from_bytes(&bytes, policy).map_err(CacheFault::Format)?,
            ));
        }
    }
    Ok(entries)
}

/// Makes the cache hold exactly this.
pub(super) fn initialize(residual: &str, cache: &CredentialCache) -> Result<(), CacheFault> {
    let name = Residual::parse(residual)?;
    let collection = keys::make_collection(&name)?;
    if keys::find_key(collection, PRIMARY)?.is_none() {
        set_primary(collection, name.first_cache())?;
    }
    let which = cache_of(&name)?;
    let id = match find(&name, &which)? {
        Some(id) => {
            keys::clear(id)?;
            keys::link(id, collection)?;
            id
        }
        None => keys::add_keyring(&which, collection)?,
    };
    let legacy = name.is_legacy(&which);
    if legacy {
        keys::link(id, keys::session())?;
    }
    let written = fill(id, cache, legacy);
    if written.is_err() {
        // Half a cache is none: without its principal nobody takes it for one.
        let _ = keys::clear(id);
    }
    written
}

fn fill(id: Id, cache: &CredentialCache, legacy: bool) -> Result<(), CacheFault> {
    let principal = principal_to_bytes(&cache.primary).map_err(CacheFault::Unwritable)?;
    keys::add_key(PRINCIPAL, &principal, id)?;
    // Programs before MIT 1.12 would take the offsets for a damaged ticket.
    if let Some(offset) = cache.kdc_offset().filter(|_| !legacy) {
        let mut payload = offset.seconds.to_be_bytes().to_vec();
        payload.extend_from_slice(&offset.microseconds.to_be_bytes());
        keys::add_key(OFFSETS, &payload, id)?;
    }
    for entry in &cache.entries {
        if !matches!(entry, CacheEntry::Removed(_)) {
            add_entry(id, entry, legacy)?;
        }
    }
    set_end(id, cache.entries.iter());
    Ok(())
}

fn add_entry(cache: Id, entry: &CacheEntry, legacy: bool) -> Result<(), CacheFault> {
    let bytes = entry.to_bytes().map_err(CacheFault::Unwritable)?;
    let name = String::from_utf8(entry.server().unparse()).map_err(|_| KeyringFault::Name)?;
    if name.is_empty() || name.len() >= 4096 || name.contains('\0') {
        return Err(KeyringFault::Name.into());
    }
    let key = if legacy {
        keys::add_key(&name, &bytes, cache)?
    } else {
        keys::add_big_key(&name, &bytes, cache)?
    };
    if let Some(end) = entry.end_seconds()
        && let Some(left) = seconds_until(end)
    {
        keys::set_timeout(key, left);
    }
    Ok(())
}

/// Seconds from now; `None` when that was before now.
fn seconds_until(end: i64) -> Option<u32> {
    let left = end.saturating_sub(crate::clock::now().time.unix_seconds());
    u32::try_from(left).ok().filter(|left| *left > 0)
}

/// The cache's keyring ends with its last ticket.
fn set_end<'a>(cache: Id, entries: impl Iterator<Item = &'a CacheEntry>) {
    if let Some(end) = entries.filter_map(CacheEntry::end_seconds).max() {
        keys::set_timeout(cache, seconds_until(end).unwrap_or(1));
    }
}

/// Adds a ticket or a configuration value to a cache of the principal that `check` agrees to.
pub(super) fn add(
    residual: &str,
    entry: &CacheEntry,
    policy: &EnctypePolicy,
    check: impl FnOnce(&Principal) -> Result<(), CacheFault>,
) -> Result<(), CacheFault> {
    let name = Residual::parse(residual)?;
    let which = cache_of(&name)?;
    let id = existing(&name, &which)?;
    check(&principal_of(id)?)?;
    add_entry(id, entry, name.is_legacy(&which))?;
    let found = entries(id, policy)?;
    set_end(id, found.iter().map(|(_, entry)| entry));
    Ok(())
}

/// Removes what the cache has under the name of `server`, and tells how many records those were.
pub(super) fn remove(
    residual: &str,
    server: &Principal,
    policy: &EnctypePolicy,
) -> Result<usize, CacheFault> {
    let name = Residual::parse(residual)?;
    let id = existing(&name, &cache_of(&name)?)?;
    let mut count = 0_usize;
    for (key, entry) in entries(id, policy)? {
        if entry.server() == server {
            keys::unlink(key, id)?;
            count = count.saturating_add(1);
        }
    }
    Ok(count)
}

/// Removes the cache.
pub(super) fn destroy(residual: &str) -> Result<(), CacheFault> {
    let name = Residual::parse(residual)?;
    let which = cache_of(&name)?;
    let id = existing(&name, &which)?;
    keys::clear(id)?;
    if let Some(collection) = keys::find_collection(&name)? {
        keys::unlink(id, collection)?;
    }
    if name.is_legacy(&which) {
        keys::unlink(id, keys::session())?;
    }
    Ok(())
}

#[cfg(test)]
mod tests;
