//! Where an acceptor's keys come from, and which service it is.

use alloc::string::{String, ToString};
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{Name, Principal};
use kerbside_crypto::{EncryptionType, LongTermKey};
use kerbside_formats::keytab::Keytab;

/// A key of a service. Shared, so that what the key derives once per usage is derived once per process.
#[derive(Debug, Clone)]
pub struct ServiceKey {
    /// Whose key.
    pub principal: Principal,
    /// Its version.
    pub kvno: u32,
    /// The key.
    pub key: Arc<LongTermKey>,
}

impl ServiceKey {
    /// What may be told of it.
    #[must_use]
    pub fn held(&self) -> HeldKey {
        HeldKey {
            principal: self.principal.clone(),
            kvno: self.kvno,
            enctype: self.key.enctype(),
        }
    }
}

/// What is known of a key without the key: for messages about keys that do not fit.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct HeldKey {
    /// Whose key.
    pub principal: Principal,
    /// Its version.
    pub kvno: u32,
    /// Its enctype; may be one that is not supported.
    pub enctype: EncryptionType,
}

impl fmt::Display for HeldKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} {} ({}) kvno {}",
            self.principal, self.enctype, self.enctype.0, self.kvno
        )
    }
}

/// The keys could not be read at all: the file is gone, unreadable, damaged.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeySourceError {
    /// What was tried and what came of it, such as a path and the system's error.
    pub message: String,
}

impl fmt::Display for KeySourceError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.message)
    }
}

impl core::error::Error for KeySourceError {}

/// A store of service keys: a keytab read once, one that is watched, a secret store.
///
/// It is asked once per token from a stranger, so `find` should not do more than look up.
pub trait KeySource: Send + Sync {
    /// All keys of `principal` (compared without the name type) with the enctype `enctype`, of every version.
    ///
    /// The version that a ticket names is not authenticated and drifts in Active Directory, so it only says which key
    /// is tried first.
    ///
    /// # Errors
    /// When the keys cannot be read. Having none is not an error.
    fn find(&self, principal: &Principal, enctype: EncryptionType)
    -> Result<Vec<ServiceKey>, KeySourceError>;

    /// What keys there are, for a message about the one that was not found. An empty list is allowed.
    fn held(&self) -> Vec<HeldKey>;

    /// What the keys are in, such as a keytab's name, for the same message.
    fn place(&self) -> Option<String> {
        None
    }
}

impl<T: KeySource + ?Sized> KeySource for Arc<T> {
    fn find(
        &self,
        principal: &Principal,
        enctype: EncryptionType,
    ) -> Result<Vec<ServiceKey>, KeySourceError> {
        (**self).find(principal, enctype)
    }

    fn held(&self) -> Vec<HeldKey> {
        (**self).held()
    }

    fn place(&self) -> Option<String> {
        (**self).place()
    }
}

/// Keys held in memory.
#[derive(Debug, Clone, Default)]
pub struct MemoryKeys {
    keys: Vec<ServiceKey>,
    /// Keys of enctypes that are not supported: told of when none fits.
    unusable: Vec<HeldKey>,
}

impl MemoryKeys {
    /// These keys.
    #[must_use]
    pub fn new(keys: Vec<ServiceKey>) -> Self {
        Self {
            keys,
            unusable: Vec::new(),
        }
    }

    /// The keys of a keytab.
    #[must_use]
    pub fn from_keytab(keytab: &Keytab) -> Self {
        let mut memory = Self::default();
        for entry in keytab.entries() {
            let (principal, kvno) = (entry.principal.clone(), entry.kvno);
            match entry.key.usable() {
                Some(key) => memory.keys.push(ServiceKey {
                    principal,
                    kvno,
                    key: Arc::new(key.clone()),
                }),
                None => memory.unusable.push(HeldKey {
                    principal,
                    kvno,
                    enctype: entry.enctype(),
                }),
            }
        }
        memory
    }
}

impl KeySource for MemoryKeys {
    fn find(
        &self,
        principal: &Principal,
        enctype: EncryptionType,
    ) -> Result<Vec<ServiceKey>, KeySourceError> {
        let fits = |key: &&ServiceKey| key.key.enctype() == enctype && key.principal == *principal;
        Ok(self.keys.iter().filter(fits).cloned().collect())
    }

    fn held(&self) -> Vec<HeldKey> {
        self.keys
            .iter()
            .map(ServiceKey::held)
            .chain(self.unusable.iter().cloned())
            .collect()
    }
}

/// Which service an acceptor is. A ticket for any other is refused, even if its key is at hand: a token for one service
/// of a host must not be good for another that shares the keytab.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ServiceName {
    /// One principal.
    Principal(Principal),
    /// One name in whatever realm the keys are of, such as `HTTP/host` from `HTTP@host`.
    Name(Name),
    /// Several principals: a service with aliases.
    AnyOf(Vec<Principal>),
    /// Any principal that a key is there for: MIT's default, here an explicit choice.
    AnyKey,
}

impl ServiceName {
    /// Whether a ticket for `server` is for this service.
    #[must_use]
    pub fn serves(&self, server: &Principal) -> bool {
        match self {
            Self::Principal(principal) => principal == server,
            Self::Name(name) => *name == server.name,
            Self::AnyOf(principals) => principals.contains(server),
            Self::AnyKey => true,
        }
    }
}

impl fmt::Display for ServiceName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Principal(principal) => principal.fmt(f),
            Self::Name(name) => write!(f, "{name} in any realm"),
            Self::AnyOf(principals) => {
                let names: Vec<String> = principals.iter().map(ToString::to_string).collect();
                f.write_str(&names.join(" or "))
            }
            Self::AnyKey => f.write_str("any service with a key here"),
        }
    }
}
