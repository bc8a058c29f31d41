//! What a client proves its identity with.

use std::fmt;
use std::io;

use kerbside_asn1::Principal;
use kerbside_crypto::{EncryptionType, EnctypePolicy, Password};
use kerbside_formats::keytab::Keytab;
use kerbside_protocol::{Answer, Question};

use crate::error::{Error, KeytabFault};
use crate::names::KeytabName;
use crate::store::{KeytabWarning, read_keytab_with_policy};
use crate::trace;

/// A function that asks somebody for a principal's password.
pub type Prompt<'a> = Box<dyn FnMut(&Principal) -> io::Result<Password> + Send + 'a>;

/// What a client proves its identity with.
#[non_exhaustive]
pub enum Secret<'a> {
    /// A password that is known.
    Password(Password),
    /// A password that is asked for when the KDC wants it, and not before: an unknown principal is
    /// refused without a question. It runs on the thread that drives the exchange.
    Prompt(Prompt<'a>),
    /// The keys of a keytab.
    Keytab(KeytabSecret),
}

/// The keys of a keytab that was read.
#[derive(Debug, Clone)]
pub struct KeytabSecret {
    name: KeytabName,
    keytab: Keytab,
    warnings: Vec<KeytabWarning>,
}

impl fmt::Debug for Secret<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Password(_) => "Password(..)",
            Self::Prompt(_) => "Prompt(..)",
            Self::Keytab(keytab) => return keytab.fmt(f),
        })
    }
}

impl Secret<'_> {
    /// The keys of the keytab of that name.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn keytab(name: &KeytabName) -> Result<Self, Error> {
        KeytabSecret::read(name).map(Self::Keytab)
    }

    /// As [`keytab`](Self::keytab), with keys of the types that `policy` permits.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn keytab_with_policy(name: &KeytabName, policy: &EnctypePolicy) -> Result<Self, Error> {
        KeytabSecret::read_with_policy(name, policy).map(Self::Keytab)
    }

    /// The enctypes to ask for: with a keytab, those it has keys of come first, since a reply in
    /// any other could not be opened.
    pub(crate) fn order(
        &self,
        client: &Principal,
        enctypes: Vec<EncryptionType>,
    ) -> Result<Vec<EncryptionType>, Error> {
        let Self::Keytab(secret) = self else {
            return Ok(enctypes);
        };
        let held = |enctype: &EncryptionType| secret.keytab.find(client, None, Some(*enctype)).is_some();
        let (mut first, rest): (Vec<_>, Vec<_>) = enctypes.iter().partition(|enctype| held(enctype));
        if first.is_empty() {
            return Err(secret.no_key(client, enctypes));
        }
        trace::keytab_lookup(client, &secret.keytab);
        first.extend(rest);
        Ok(first)
    }

    /// Answers the question of an AS exchange.
    pub(crate) fn answer(&mut self, question: &Question) -> Result<Answer, Error> {
        let Question::LongTermKey {
            principal,
            candidates,
        } = question
        else {
            return Err(Error::NotBuilt {
                what: "this kind of pre-authentication question".to_owned(),
            });
        };
        match self {
            // The exchange keeps a password and asks once.
            Self::Password(password) => Ok(Answer::Password(std::mem::replace(
                password,
                Password::from(Vec::new()),
            ))),
            Self::Prompt(prompt) => match prompt(principal) {
                Ok(password) => Ok(Answer::Password(password)),
                Err(error) => Err(Error::Prompt {
                    reason: crate::transport::io_words(&error),
                }),
            },
            Self::Keytab(secret) => {
                let key = candidates.iter().find_map(|candidate| {
                    secret
                        .keytab
                        .find(principal, None, Some(candidate.enctype))?
                        .key
                        .usable()
                });
                match key {
                    Some(key) => {
                        trace::keytab_entry(&secret.name, principal, key.enctype(), true);
                        Ok(Answer::Key(key.clone()))
                    }
                    None => {
                        for candidate in candidates {
                            trace::keytab_entry(&secret.name, principal, candidate.enctype, false);
                        }
                        let enctypes = candidates.iter().map(|candidate| candidate.enctype).collect();
                        Err(secret.no_key(principal, enctypes))
                    }
                }
            }
        }
    }
}

impl KeytabSecret {
    /// Reads the keytab of that name.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn read(name: &KeytabName) -> Result<Self, Error> {
        Self::read_with_policy(name, &EnctypePolicy::DEFAULT)
    }

    /// As [`read`](Self::read); keys of the types that `policy` permits can be used.
    ///
    /// # Errors
    /// [`Error::Keytab`].
    pub fn read_with_policy(name: &KeytabName, policy: &EnctypePolicy) -> Result<Self, Error> {
        let opened = read_keytab_with_policy(name, policy)?;
        Ok(Self {
            name: name.clone(),
            keytab: opened.keytab,
            warnings: opened.warnings,
        })
    }

    /// The keytab's name.
    #[must_use]
    pub fn name(&self) -> &KeytabName {
        &self.name
    }

    /// What is not as it should be about its file.
    #[must_use]
    pub fn warnings(&self) -> &[KeytabWarning] {
        &self.warnings
    }

    /// The principal of the first entry: what `kinit -k -i` takes without a name.
    #[must_use]
    pub fn first_principal(&self) -> Option<&Principal> {
        self.keytab.entries().next().map(|entry| &entry.principal)
    }

    /// Key versions and enctypes of the principal's keys.
    pub fn keys_of<'a>(
        &'a self,
        principal: &'a Principal,
    ) -> impl Iterator<Item = (u32, EncryptionType)> + 'a {
        let own = self
            .keytab
            .entries()
            .filter(move |entry| entry.principal == *principal);
        own.map(|entry| (entry.kvno, entry.enctype()))
    }

    fn no_key(&self, principal: &Principal, enctypes: Vec<EncryptionType>) -> Error {
        let present = self
            .keytab
            .entries()
            .map(|entry| (entry.principal.clone(), entry.kvno, entry.enctype()))
            .collect();
        Error::Keytab {
            name: self.name.clone(),
            fault: KeytabFault::NoKey {
                principal: Box::new(principal.clone()),
                enctypes,
                present,
            },
        }
    }
}
