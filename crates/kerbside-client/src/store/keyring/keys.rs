//! The kernel's key calls, bounded, with errors that say what was being done.

use keyutils_raw::{
    KEY_SPEC_PROCESS_KEYRING, KEY_SPEC_SESSION_KEYRING, KEY_SPEC_THREAD_KEYRING, KEY_SPEC_USER_KEYRING,
    KEY_SPEC_USER_SESSION_KEYRING, KEY_TYPE_BIG_KEY, KEY_TYPE_KEYRING, KEY_TYPE_USER, KeyringSerial,
};
use rustix::io::Errno;
use zeroize::Zeroizing;

use super::fault::KeyringFault;
use super::names::{Anchor, Residual};

/// A key or keyring by its number.
pub(super) type Id = KeyringSerial;

/// The longest payload (the kernel's limit for big keys is a little less) and the longest list of keys.
const MAX_KEY_BYTES: usize = 1024 * 1024;

/// What a collection's keyring is called, and how one begins that has a name of its own.
const COLLECTION: &str = "_krb";

fn fault(doing: &'static str) -> impl Fn(i32) -> KeyringFault {
    move |code| match Errno::from_raw_os_error(code) {
        Errno::DQUOT => KeyringFault::Quota,
        _ => KeyringFault::System {
            doing,
            reason: crate::transport::io_words(&std::io::Error::from_raw_os_error(code)),
        },
    }
}

/// The kernel says that the key is not there, or not any more.
fn gone(code: i32) -> bool {
    [Errno::NOKEY, Errno::KEYEXPIRED, Errno::KEYREVOKED].contains(&Errno::from_raw_os_error(code))
}

/// Where a collection hangs, and the keyring by which this process possesses it.
struct Place {
    parent: Id,
    possess: Option<Id>,
    name: String,
}

impl Place {
    fn of(residual: &Residual) -> Result<Self, KeyringFault> {
        let (parent, possess) = match residual.anchor {
            Anchor::Persistent => {
                return Ok(Self {
                    parent: persistent(&residual.collection)?,
                    possess: Some(KEY_SPEC_PROCESS_KEYRING),
                    name: COLLECTION.to_owned(),
                });
            }
            Anchor::Process => (KEY_SPEC_PROCESS_KEYRING, None),
            Anchor::Thread => (KEY_SPEC_THREAD_KEYRING, None),
            Anchor::Session | Anchor::Legacy => (session(), None),
            // A user's keyring gives no possession of what is in it.
            Anchor::User => (KEY_SPEC_USER_KEYRING, Some(KEY_SPEC_PROCESS_KEYRING)),
        };
        Ok(Self {
            parent,
            possess,
            name: format!("{COLLECTION}_{}", residual.collection),
        })
    }
}

/// The keyring of the login session. Without a session of its own a process sees its user's.
pub(super) fn session() -> Id {
    let real = |id| keyutils_raw::keyctl_get_keyring_id(id, false).ok();
    if real(KEY_SPEC_SESSION_KEYRING) == real(KEY_SPEC_USER_SESSION_KEYRING) {
        KEY_SPEC_USER_SESSION_KEYRING
    } else {
        KEY_SPEC_SESSION_KEYRING
    }
}

fn persistent(collection: &str) -> Result<Id, KeyringFault> {
    let own = rustix::process::geteuid().as_raw();
    let uid = match collection {
        "" => own,
        text => text.parse().map_err(|_| KeyringFault::Uid(text.to_owned()))?,
    };
    match keyutils_raw::keyctl_get_persistent(uid, KEY_SPEC_PROCESS_KEYRING) {
        Ok(id) => Ok(id),
        // A kernel without persistent keyrings.
        Err(error) if Errno::from_raw_os_error(error.0) == Errno::OPNOTSUPP && uid == own => {
            Ok(KEY_SPEC_USER_KEYRING)
        }
        Err(error) => Err(fault("open the persistent keyring")(error.0)),
    }
}

/// The keyring of a collection.
pub(super) fn find_collection(residual: &Residual) -> Result<Option<Id>, KeyringFault> {
    let place = Place::of(residual)?;
    search(place.parent, KEY_TYPE_KEYRING, &place.name, place.possess)
}

/// The keyring of a collection, made unless it is there.
pub(super) fn make_collection(residual: &Residual) -> Result<Id, KeyringFault> {
    let place = Place::of(residual)?;
    if let Some(found) = search(place.parent, KEY_TYPE_KEYRING, &place.name, place.possess)? {
        return Ok(found);
    }
    let made = add(
        KEY_TYPE_KEYRING,
        &place.name,
        &[],
        place.possess.unwrap_or(place.parent),
    )?;
    if place.possess.is_some() {
        link(made, place.parent)?;
    }
    Ok(made)
}

/// A keyring by its name.
pub(super) fn find_keyring(within: Id, name: &str) -> Result<Option<Id>, KeyringFault> {
    search(within, KEY_TYPE_KEYRING, name, None)
}

/// A keyring that hangs in this one itself: a search goes down into the keyrings that hang there.
pub(super) fn find_linked(within: Id, name: &str) -> Result<Option<Id>, KeyringFault> {
    for id in links(within)? {
        if keyring_name(id)?.as_deref() == Some(name) {
            return Ok(Some(id));
        }
    }
    Ok(None)
}

/// A key of the user's by its name.
pub(super) fn find_key(within: Id, name: &str) -> Result<Option<Id>, KeyringFault> {
    search(within, KEY_TYPE_USER, name, None)
}

fn search(within: Id, kind: &str, name: &str, link_to: Option<Id>) -> Result<Option<Id>, KeyringFault> {
    if name.is_empty() {
        return Err(KeyringFault::Name);
    }
    match keyutils_raw::keyctl_search(within, kind, name, link_to) {
        Ok(id) => Ok(Some(id)),
        Err(error) if gone(error.0) => Ok(None),
        Err(error) => Err(fault("search a keyring")(error.0)),
    }
}

fn add(kind: &str, name: &str, payload: &[u8], to: Id) -> Result<Id, KeyringFault> {
    keyutils_raw::add_key(kind, name, payload, to).map_err(|error| fault("add a key")(error.0))
}

/// A new keyring.
pub(super) fn add_keyring(name: &str, to: Id) -> Result<Id, KeyringFault> {
    add(KEY_TYPE_KEYRING, name, &[], to)
}

/// A new key, or a new payload for the key of that name.
pub(super) fn add_key(name: &str, payload: &[u8], to: Id) -> Result<Id, KeyringFault> {
    add(KEY_TYPE_USER, name, payload, to)
}

/// A new key for a ticket: a big key where the kernel has those, since a user's quota does not hold many tickets.
pub(super) fn add_big_key(name: &str, payload: &[u8], to: Id) -> Result<Id, KeyringFault> {
    match keyutils_raw::add_key(KEY_TYPE_BIG_KEY, name, payload, to) {
        Ok(id) => Ok(id),
        Err(error) if [Errno::INVAL, Errno::NODEV].contains(&Errno::from_raw_os_error(error.0)) => {
            add_key(name, payload, to)
        }
        Err(error) => Err(fault("add a key")(error.0)),
    }
}

pub(super) fn link(id: Id, to: Id) -> Result<(), KeyringFault> {
    keyutils_raw::keyctl_link(id, to).map_err(|error| fault("link a key")(error.0))
}

/// Unlinking what is not linked is no error.
pub(super) fn unlink(id: Id, from: Id) -> Result<(), KeyringFault> {
    match keyutils_raw::keyctl_unlink(id, from) {
        Ok(()) => Ok(()),
        Err(error) if gone(error.0) || Errno::from_raw_os_error(error.0) == Errno::NOENT => Ok(()),
        Err(error) => Err(fault("unlink a key")(error.0)),
    }
}

pub(super) fn clear(id: Id) -> Result<(), KeyringFault> {
    keyutils_raw::keyctl_clear(id).map_err(|error| fault("clear a keyring")(error.0))
}

/// After so many seconds the key is gone. Best effort: a ticket says itself when it ends.
pub(super) fn set_timeout(id: Id, seconds: u32) {
    // 0 would mean forever.
    let _ = keyutils_raw::keyctl_set_timeout(id, seconds.max(1));
}

/// The payload of a key; `None` when it is not there any more.
pub(super) fn read(id: Id) -> Result<Option<Zeroizing<Vec<u8>>>, KeyringFault> {
    let doing = "read a key";
    // Another program may write a longer payload between the two calls.
    for _ in 0..16 {
        let length = match keyutils_raw::keyctl_read(id, None) {
            Ok(length) => length,
            Err(error) if gone(error.0) => return Ok(None),
            Err(error) => return Err(fault(doing)(error.0)),
        };
        if length > MAX_KEY_BYTES {
            return Err(KeyringFault::TooLong { length });
        }
        let mut bytes = Zeroizing::new(vec![0; length]);
        match keyutils_raw::keyctl_read(id, Some(bytes.as_mut_slice().into())) {
            Ok(found) if found <= length => {
                bytes.truncate(found);
                return Ok(Some(bytes));
            }
            Ok(_) => {}
            Err(error) if gone(error.0) => return Ok(None),
            Err(error) => return Err(fault(doing)(error.0)),
        }
    }
    Err(KeyringFault::System {
        doing,
        reason: "other programs keep changing it".to_owned(),
    })
}

/// The keys that a keyring links to.
pub(super) fn links(id: Id) -> Result<Vec<Id>, KeyringFault> {
    let bytes = read(id)?.unwrap_or_default();
    let (numbers, _) = bytes.as_chunks::<4>();
    Ok(numbers
        .iter()
        .filter_map(|number| Id::new(i32::from_ne_bytes(*number)))
        .collect())
}

/// The name of a keyring; `None` for a key, or when it is not there any more.
pub(super) fn keyring_name(id: Id) -> Result<Option<String>, KeyringFault> {
    let mut bytes = vec![0; 5000];
    let length = match keyutils_raw::keyctl_describe(id, Some(bytes.as_mut_slice().into())) {
        Ok(length) => length,
        Err(error) if gone(error.0) => return Ok(None),
        Err(error) => return Err(fault("describe a key")(error.0)),
    };
    let text = bytes.get(..length.saturating_sub(1)).unwrap_or_default();
    let text = String::from_utf8_lossy(text);
    // type;uid;gid;permissions;name
    Ok(text
        .strip_prefix("keyring;")
        .and_then(|rest| rest.splitn(4, ';').nth(3))
        .map(str::to_owned))
}
