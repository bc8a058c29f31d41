//! Administration: what `kadmin.local` does, as an API and over the KDC's own socket
//!
//! [`Admin`] carries [`Request`]s out on a store. A running KDC holds its database locked, so it
//! also takes them over a Unix socket beside the database ([`AdminSocket`]); [`AdminSession`] tries
//! that socket first and opens the database itself when nobody listens there.

mod change;
mod error;
mod keys;
mod message;
mod session;
mod socket;

use std::sync::Arc;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::EnctypePolicy;
use kerbside_kdc::{Attributes, KdcPolicy, PrincipalEntry};

use crate::clock;
use crate::store::{PrincipalStore, master_principal};

pub use change::{NewPrincipal, PrincipalChange};
pub use error::AdminError;
pub use kerbside_formats::keysalt::{KeySalt, SaltType};
pub(crate) use keys::make as make_keys;
pub use keys::{KeyChoice, default_keysalts};
pub use message::{KeyFacts, PrincipalFacts, Reply, Request};
pub use session::{AdminSession, MasterKeySource, SessionPlan};
pub use socket::{AdminClient, AdminSocket, socket_path};

/// Names a reply to [`Request::List`] carries at most
pub const LIST_PAGE: usize = 500;

/// What the configuration says of new principals
#[derive(Clone, Debug)]
pub struct AdminDefaults {
    /// `supported_enctypes`
    pub keysalts: Vec<KeySalt>,
    /// Which enctypes keys are made of (`allow_rc4`, `allow_des3`), whoever names them
    pub enctype_policy: EnctypePolicy,
    /// `default_principal_flags`
    pub attributes: Attributes,
    /// `default_principal_expiration`
    pub expiration: Option<KerberosTime>,
    /// `max_life`, seconds
    pub max_life: i64,
    /// `max_renewable_life`, seconds
    pub max_renewable_life: i64,
}

impl Default for AdminDefaults {
    fn default() -> Self {
        AdminDefaults {
            keysalts: default_keysalts(),
            enctype_policy: EnctypePolicy::DEFAULT,
            attributes: Attributes::NONE,
            expiration: None,
            max_life: 24 * 3600,
            max_renewable_life: 0,
        }
    }
}

impl AdminDefaults {
    /// The defaults that fit a KDC's rules
    pub(crate) fn under(policy: &KdcPolicy) -> Self {
        let mut enctype_policy = policy.enctype_policy.clone();
        // A list restricts what is used, not what is kept.
        enctype_policy.permitted = None;
        AdminDefaults {
            enctype_policy,
            max_life: policy.max_life,
            max_renewable_life: policy.max_renewable_life,
            ..AdminDefaults::default()
        }
    }
}

/// Administration of one store
#[derive(Clone, Debug)]
pub struct Admin {
    store: Arc<dyn PrincipalStore>,
    defaults: AdminDefaults,
}

impl Admin {
    /// Administration of `store`
    #[must_use]
    pub fn new(store: Arc<dyn PrincipalStore>, defaults: AdminDefaults) -> Admin {
        Admin { store, defaults }
    }

    /// The store
    #[must_use]
    pub fn store(&self) -> &Arc<dyn PrincipalStore> {
        &self.store
    }

    /// Carries out one request in the name of `by`; what it changed is durable when it returns
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn execute(&self, by: &Principal, request: Request) -> Result<Reply, AdminError> {
        match request {
            Request::Realm => Ok(Reply::Realm(self.store.realm().to_owned())),
            Request::Create(new) => self.create(by, *new).map(|()| Reply::Done),
            Request::Delete(principal) => self.delete(&principal).map(|()| Reply::Done),
            Request::Modify { principal, change } => {
                self.modify(by, &principal, change).map(|()| Reply::Done)
            }
            Request::ChangeKeys {
                principal,
                keys,
                keysalts,
                keep_old,
                extract,
            } => {
                let entry = self.change_keys(by, &principal, keys, keysalts, keep_old)?;
                Ok(if extract {
                    Reply::Keys(entry.current_keys().cloned().collect())
                } else {
                    Reply::Done
                })
            }
            Request::Extract(principal) => {
                self.refuse_protected(&principal)?;
                let entry = self.entry(&principal)?;
                Ok(Reply::Keys(entry.current_keys().cloned().collect()))
            }
            Request::PurgeKeys { principal, keep_kvno } => {
                self.purge_keys(by, &principal, keep_kvno).map(|()| Reply::Done)
            }
            Request::Get(principal) => {
                let entry = self.entry(&principal)?;
                Ok(Reply::Facts(Box::new(PrincipalFacts::of(
                    &entry,
                    self.store.master_kvno(),
                ))))
            }
            Request::List { after } => Ok(Reply::Names(
                self.store
                    .names(after.as_ref(), LIST_PAGE)
                    .map_err(AdminError::from)?,
            )),
        }
    }

    /// Adds a principal
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn create(&self, by: &Principal, new: NewPrincipal) -> Result<(), AdminError> {
        let now = clock::now().time;
        let mut entry = PrincipalEntry::new(new.principal, now);
        entry.attributes = self.defaults.attributes;
        entry.expiration = self.defaults.expiration;
        entry.max_life = self.defaults.max_life;
        entry.max_renewable_life = self.defaults.max_renewable_life;
        // Told early, before the password is stretched for nothing.
        if self.store.entry(&entry.principal)?.is_some() {
            return Err(AdminError::Exists);
        }
        let keysalts = new.keysalts.as_deref().unwrap_or(&self.defaults.keysalts);
        let made = keys::make(
            &new.keys,
            keysalts,
            &self.defaults.enctype_policy,
            &entry.principal,
        )?;
        entry.password_keys = matches!(new.keys, KeyChoice::Password(_));
        entry.keys = made;
        new.change.apply(&mut entry)?;
        let kvno = new.change.kvno.unwrap_or(1).max(1);
        for key in &mut entry.keys {
            key.kvno = kvno;
        }
        entry.last_pw_change = Some(now);
        entry.mod_by = Some(by.clone());
        self.store.insert(entry)
    }

    /// Removes a principal
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn delete(&self, principal: &Principal) -> Result<(), AdminError> {
        self.refuse_protected(principal)?;
        self.store.remove(principal)
    }

    /// Changes what is not a key
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn modify(
        &self,
        by: &Principal,
        principal: &Principal,
        change: PrincipalChange,
    ) -> Result<(), AdminError> {
        self.refuse_protected(principal)?;
        let by = by.clone();
        let now = clock::now().time;
        let changed = self.store.modify(
            principal,
            Box::new(move |entry| {
                change.apply(entry)?;
                if let Some(kvno) = change.kvno {
                    let current = entry.current_kvno();
                    for key in entry.keys.iter_mut().filter(|key| key.kvno == current) {
                        key.kvno = kvno;
                    }
                }
                entry.mod_time = now;
                entry.mod_by = Some(by);
                Ok(())
            }),
        );
        changed.map(|_| ())
    }

    /// Gives a principal new keys, with the next version number
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn change_keys(
        &self,
        by: &Principal,
        principal: &Principal,
        choice: KeyChoice,
        keysalts: Option<Vec<KeySalt>>,
        keep_old: bool,
    ) -> Result<PrincipalEntry, AdminError> {
        self.refuse_protected(principal)?;
        let canonical = self.entry(principal)?.principal;
        let keysalts = keysalts.as_deref().unwrap_or(&self.defaults.keysalts);
        let mut made = keys::make(&choice, keysalts, &self.defaults.enctype_policy, &canonical)?;
        let password_keys = matches!(choice, KeyChoice::Password(_));
        let by = by.clone();
        let now = clock::now().time;
        self.store.modify(
            principal,
            Box::new(move |entry| {
                let kvno = entry
                    .current_kvno()
                    .checked_add(1)
                    .ok_or(AdminError::KvnoExhausted)?;
                for key in &mut made {
                    key.kvno = kvno;
                }
                if keep_old {
                    made.append(&mut entry.keys);
                }
                entry.keys = made;
                entry.password_keys = password_keys;
                entry.attributes.remove(Attributes::REQUIRES_PWCHANGE);
                entry.pw_expiration = None;
                entry.last_pw_change = Some(now);
                entry.mod_time = now;
                entry.mod_by = Some(by);
                Ok(())
            }),
        )
    }

    /// Forgets keys older than the current version, or older than `keep_kvno`
    ///
    /// # Errors
    /// [`AdminError`].
    pub fn purge_keys(
        &self,
        by: &Principal,
        principal: &Principal,
        keep_kvno: Option<u32>,
    ) -> Result<(), AdminError> {
        self.refuse_protected(principal)?;
        let by = by.clone();
        let now = clock::now().time;
        let purged = self.store.modify(
            principal,
            Box::new(move |entry| {
                let current = entry.current_kvno();
                let keep = keep_kvno.unwrap_or(current).min(current);
                entry.keys.retain(|key| key.kvno >= keep);
                entry.mod_time = now;
                entry.mod_by = Some(by);
                Ok(())
            }),
        );
        purged.map(|_| ())
    }

    fn entry(&self, principal: &Principal) -> Result<PrincipalEntry, AdminError> {
        self.store.entry(principal)?.ok_or(AdminError::Unknown)
    }

    /// The master key's entry is no account
    fn refuse_protected(&self, principal: &Principal) -> Result<(), AdminError> {
        if *principal == master_principal(self.store.realm()) {
            Err(AdminError::Protected)
        } else {
            Ok(())
        }
    }
}
