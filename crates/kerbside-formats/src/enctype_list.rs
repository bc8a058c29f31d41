//! Lists of encryption types as configuration files write them.
//!
//! ```text
//! DEFAULT -rc4 aes256-sha2      words apart by blanks or commas, each added (+, or nothing) or removed (-);
//! aes                           a family: aes, des3, rc4, camellia
//! ```
//!
//! MIT kdc.conf(5), "Encryption types". A word nobody knows is skipped with a note, as MIT does, so that
//! one file serves several versions; a list that ends up empty is an error.

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::{EncryptionType, EnctypePolicy};

use crate::profile::is_space;

/// MIT's default for `permitted_enctypes` and the two lists that follow it, types this build does not
/// support included: [`EnctypeList::supported`] takes those out.
pub const DEFAULT_ENCTYPES: [EncryptionType; 8] = [
    EncryptionType(18),
    EncryptionType(17),
    EncryptionType(20),
    EncryptionType(19),
    EncryptionType(16),
    EncryptionType(23),
    EncryptionType(25),
    EncryptionType(26),
];

const FAMILIES: [(&str, &[EncryptionType]); 4] = [
    (
        "aes",
        &[
            EncryptionType(18),
            EncryptionType(17),
            EncryptionType(20),
            EncryptionType(19),
        ],
    ),
    ("des3", &[EncryptionType(16)]),
    ("rc4", &[EncryptionType(23)]),
    ("camellia", &[EncryptionType(26), EncryptionType(25)]),
];

/// Types in order of preference, and what was left out on the way.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct EnctypeList {
    /// The types, most wanted first, each once.
    pub enctypes: Vec<EncryptionType>,
    /// Words and types that were written but do not count.
    pub notes: Vec<EnctypeNote>,
}

/// Why something in a list does not count.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnctypeNote {
    /// A word that names no type.
    Unknown {
        /// The word.
        name: String,
    },
    /// A weak type, and `allow_weak_crypto` is not set.
    Weak {
        /// The type.
        enctype: EncryptionType,
    },
    /// A type this build does not support.
    Unsupported {
        /// The type.
        enctype: EncryptionType,
    },
    /// A type that the policy does not permit (`allow_rc4`, `allow_des3`).
    Refused {
        /// The type.
        enctype: EncryptionType,
    },
}

impl fmt::Display for EnctypeNote {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unknown { name } => write!(f, "encryption type {name:?} is not known"),
            Self::Weak { enctype } => {
                write!(
                    f,
                    "{enctype} ({}) is weak and allow_weak_crypto is not set",
                    enctype.0
                )
            }
            Self::Unsupported { enctype } => write!(f, "{enctype} ({}) is not supported yet", enctype.0),
            Self::Refused { enctype } => {
                let relation = match *enctype {
                    EncryptionType::RC4_HMAC => "allow_rc4 is",
                    EncryptionType::DES3_CBC_SHA1_KD => "allow_des3 is",
                    _ => "it is",
                };
                write!(
                    f,
                    "{enctype} ({}) is not permitted: {relation} not set",
                    enctype.0
                )
            }
        }
    }
}

/// A list with nothing left in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum EnctypeListError {
    /// Neither a list nor a default was given.
    NoDefault,
    /// All its members were left out.
    NothingLeft,
}

impl fmt::Display for EnctypeListError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::NoDefault => "expected a list of encryption types, but found neither a list nor a default",
            Self::NothingLeft => "expected at least one usable encryption type, but found none",
        })
    }
}

impl core::error::Error for EnctypeListError {}

impl EnctypeList {
    /// Parses `list`, where `DEFAULT` stands for `default`; no list means the default.
    ///
    /// # Errors
    /// No list and no default, or a result without a member.
    pub fn parse(
        list: Option<&str>,
        default: &[EncryptionType],
        allow_weak: bool,
    ) -> Result<Self, EnctypeListError> {
        let Some(list) = list else {
            if default.is_empty() {
                return Err(EnctypeListError::NoDefault);
            }
            return Self::parse(Some("DEFAULT"), default, allow_weak);
        };
        let mut result = Self::default();
        for word in list
            .split(|c| is_space(c) || c == ',')
            .filter(|word| !word.is_empty())
        {
            let (remove, name) = match word.strip_prefix('-') {
                Some(name) => (true, name),
                None => (false, word.strip_prefix('+').unwrap_or(word)),
            };
            let is_default = name.eq_ignore_ascii_case("DEFAULT");
            let single = EncryptionType::from_name(name);
            let family = FAMILIES
                .iter()
                .find(|(family, _)| name.eq_ignore_ascii_case(family));
            let members = match (is_default, single.as_slice(), family) {
                (true, _, _) => default,
                (false, single @ [_], _) => single,
                (false, _, Some((_, family))) => family,
                (false, _, None) => {
                    result.notes.push(EnctypeNote::Unknown {
                        name: name.to_string(),
                    });
                    continue;
                }
            };
            for enctype in members {
                if remove {
                    result.enctypes.retain(|present| present != enctype);
                } else {
                    result.add(*enctype, allow_weak, !is_default);
                }
            }
        }
        if result.enctypes.is_empty() {
            return Err(EnctypeListError::NothingLeft);
        }
        Ok(result)
    }

    fn add(&mut self, enctype: EncryptionType, allow_weak: bool, is_named: bool) {
        if enctype.is_weak() && !allow_weak {
            if is_named {
                self.notes.push(EnctypeNote::Weak { enctype });
            }
        } else if !self.enctypes.contains(&enctype) {
            self.enctypes.push(enctype);
        }
    }

    /// The list without the types that [`EnctypePolicy::DEFAULT`] does not permit.
    ///
    /// # Errors
    /// Nothing is left.
    pub fn supported(self, default: &[EncryptionType]) -> Result<Self, EnctypeListError> {
        self.permitted(default, &EnctypePolicy::DEFAULT)
    }

    /// The list without the types that this build does not compute or `policy` does not permit. Those that
    /// are not in `default` get a note: somebody asked for them.
    ///
    /// # Errors
    /// Nothing is left.
    pub fn permitted(
        mut self,
        default: &[EncryptionType],
        policy: &EnctypePolicy,
    ) -> Result<Self, EnctypeListError> {
        let notes = &mut self.notes;
        self.enctypes.retain(|enctype| {
            let (enctype, keep) = (*enctype, policy.permits(*enctype));
            if !keep && !default.contains(&enctype) {
                notes.push(if enctype.is_implemented() {
                    EnctypeNote::Refused { enctype }
                } else {
                    EnctypeNote::Unsupported { enctype }
                });
            }
            keep
        });
        if self.enctypes.is_empty() {
            Err(EnctypeListError::NothingLeft)
        } else {
            Ok(self)
        }
    }
}
