//! What can be said of a principal besides its keys

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_kdc::{Attributes, PrincipalEntry};

use crate::admin::{AdminError, KeyChoice, KeySalt};
use crate::codec::{Malformed, Reader, Writer};

/// String attributes of one principal at most
const STRINGS_MAX: usize = 64;
/// Octets of a string attribute's name or value at most
const STRING_LEN_MAX: usize = 4096;

/// A change of everything that is not a key; the default changes nothing
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct PrincipalChange {
    /// Attributes to set
    pub set: Attributes,
    /// Attributes to clear
    pub clear: Attributes,
    /// When the principal expires; `Some(None)`: never
    pub expiration: Option<Option<KerberosTime>>,
    /// When its password expires; `Some(None)`: never
    pub pw_expiration: Option<Option<KerberosTime>>,
    /// Longest ticket life, seconds
    pub max_life: Option<i64>,
    /// Longest renewable life, seconds
    pub max_renewable_life: Option<i64>,
    /// Version number of its current keys
    pub kvno: Option<u32>,
    /// Forget failed logins
    pub unlock: bool,
    /// String attributes to set, or with `None` to remove
    pub strings: Vec<(String, Option<String>)>,
}

impl PrincipalChange {
    /// Applies one flag as it is typed: `+requires_preauth`; later flags win over earlier ones
    ///
    /// Returns false for an unknown name.
    #[must_use]
    pub fn flag(&mut self, flag: &str) -> bool {
        // What the flag does to no attribute and to all of them tells what it sets and clears.
        let (mut none, mut all) = (Attributes::NONE, Attributes(u32::MAX));
        if !none.apply_flag(flag) || !all.apply_flag(flag) {
            return false;
        }
        let (sets, clears) = (none, Attributes(!all.0));
        self.set.insert(sets);
        self.set.remove(clears);
        self.clear.insert(clears);
        self.clear.remove(sets);
        true
    }

    pub(crate) fn apply(&self, entry: &mut PrincipalEntry) -> Result<(), AdminError> {
        entry.attributes.insert(self.set);
        entry.attributes.remove(self.clear);
        entry.expiration = self.expiration.unwrap_or(entry.expiration);
        entry.pw_expiration = self.pw_expiration.unwrap_or(entry.pw_expiration);
        entry.max_life = self.max_life.unwrap_or(entry.max_life);
        entry.max_renewable_life = self.max_renewable_life.unwrap_or(entry.max_renewable_life);
        if self.unlock {
            entry.fail_auth_count = 0;
        }
        for (name, value) in &self.strings {
            match value {
                None => {
                    entry.strings.remove(name);
                }
                Some(value) => {
                    let fits = name.len() <= STRING_LEN_MAX && value.len() <= STRING_LEN_MAX;
                    if !fits || entry.strings.len() >= STRINGS_MAX {
                        return Err(AdminError::Unsupported(format!(
                            "more than {STRINGS_MAX} string attributes or {STRING_LEN_MAX} bytes in one"
                        )));
                    }
                    entry.strings.insert(name.clone(), value.clone());
                }
            }
        }
        Ok(())
    }

    pub(crate) fn write(&self, w: &mut Writer) {
        w.u32(self.set.0);
        w.u32(self.clear.0);
        w.option(self.expiration, Writer::time);
        w.option(self.pw_expiration, Writer::time);
        w.option(self.max_life, Writer::i64);
        w.option(self.max_renewable_life, Writer::i64);
        w.option(self.kvno, Writer::u32);
        w.bool(self.unlock);
        w.list(&self.strings, |w, (name, value)| {
            w.text(name);
            w.option(value.as_deref(), Writer::text);
        });
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<PrincipalChange, Malformed> {
        Ok(PrincipalChange {
            set: Attributes(r.u32("set")?),
            clear: Attributes(r.u32("clear")?),
            expiration: r.option("expiration", |r| r.time("expiration"))?,
            pw_expiration: r.option("pw_expiration", |r| r.time("pw_expiration"))?,
            max_life: r.option("max_life", |r| r.i64("max_life"))?,
            max_renewable_life: r.option("max_renewable_life", |r| r.i64("max_renewable_life"))?,
            kvno: r.option("kvno", |r| r.u32("kvno"))?,
            unlock: r.bool("unlock")?,
            strings: r.list("strings", |r| {
                Ok((
                    r.text("string name")?,
                    r.option("string value", |r| r.text("string value"))?,
                ))
            })?,
        })
    }
}

/// A principal to be added
#[derive(Clone, Debug)]
pub struct NewPrincipal {
    /// Its name
    pub principal: Principal,
    /// Where its keys come from
    pub keys: KeyChoice,
    /// Which keys; `None`: as configured
    pub keysalts: Option<Vec<KeySalt>>,
    /// What differs from the configured defaults
    pub change: PrincipalChange,
}

impl NewPrincipal {
    /// A principal with the configured defaults
    #[must_use]
    pub fn new(principal: Principal, keys: KeyChoice) -> NewPrincipal {
        NewPrincipal {
            principal,
            keys,
            keysalts: None,
            change: PrincipalChange::default(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn flags_in_their_order() {
        let mut change = PrincipalChange::default();
        assert!(change.flag("+requires_preauth"));
        assert!(change.flag("-allow_tix"));
        assert!(change.flag("-requires_preauth"));
        assert!(!change.flag("+nonsense"));
        assert_eq!(change.set, Attributes::DISALLOW_ALL_TIX);
        assert_eq!(change.clear, Attributes::REQUIRES_PRE_AUTH);
    }
}
