//! Keysalt lists: which keys a principal gets (`supported_enctypes`, `-e`).

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::EncryptionType;

use crate::profile::is_space;

/// How the salt of a password-derived key is made.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum SaltType {
    /// Realm and name (RFC 4120 4).
    Normal,
    /// Name without the realm.
    NoRealm,
    /// Realm without the name.
    OnlyRealm,
    /// A random salt.
    Special,
}

impl SaltType {
    const ALL: [(Self, &'static str); 4] = [
        (Self::Normal, "normal"),
        (Self::NoRealm, "norealm"),
        (Self::OnlyRealm, "onlyrealm"),
        (Self::Special, "special"),
    ];

    /// MIT's name.
    pub fn name(self) -> &'static str {
        Self::ALL
            .iter()
            .find(|(salt_type, _)| *salt_type == self)
            .map_or("", |(_, name)| name)
    }

    /// The salt type of this name, in any case.
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL
            .iter()
            .find(|(_, known)| known.eq_ignore_ascii_case(name))
            .map(|(salt_type, _)| *salt_type)
    }
}

/// An encryption type with a salt type.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct KeySalt {
    /// The encryption type.
    pub enctype: EncryptionType,
    /// The salt type.
    pub salt_type: SaltType,
}

/// MIT's default for `supported_enctypes`.
pub const DEFAULT_KEYSALTS: [KeySalt; 2] = [
    KeySalt {
        enctype: EncryptionType::AES256_CTS_HMAC_SHA1_96,
        salt_type: SaltType::Normal,
    },
    KeySalt {
        enctype: EncryptionType::AES128_CTS_HMAC_SHA1_96,
        salt_type: SaltType::Normal,
    },
];

/// A member of a keysalt list that cannot be used.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeySaltError {
    /// Not the name of an encryption type.
    Enctype {
        /// The word.
        found: String,
    },
    /// An encryption type this build does not support.
    Unsupported {
        /// The type.
        enctype: EncryptionType,
    },
    /// Not the name of a salt type.
    SaltType {
        /// The word.
        found: String,
    },
    /// No member at all.
    Empty,
}

impl fmt::Display for KeySaltError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Enctype { found } => write!(f, "expected an encryption type, but found {found:?}"),
            Self::Unsupported { enctype } => {
                write!(
                    f,
                    "encryption type {enctype} ({}) is not supported yet",
                    enctype.0
                )
            }
            Self::SaltType { found } => {
                write!(
                    f,
                    "expected a salt type (normal, norealm, onlyrealm, special), but found {found:?}"
                )
            }
            Self::Empty => write!(f, "expected a list of enctype:salttype, but found nothing"),
        }
    }
}

impl core::error::Error for KeySaltError {}

/// Parses a keysalt list; a member without a salt type is `normal`, a repeated one counts once.
///
/// # Errors
/// An unknown or unsupported type, an unknown salt type, or an empty list.
pub fn parse_keysalts(list: &str) -> Result<Vec<KeySalt>, KeySaltError> {
    let mut keysalts = Vec::new();
    for word in list
        .split(|c| is_space(c) || c == ',')
        .filter(|word| !word.is_empty())
    {
        let (enctype, salt_type) = match word.split_once(':') {
            Some((enctype, salt_type)) => (enctype, salt_type),
            None => (word, "normal"),
        };
        let enctype = EncryptionType::from_name(enctype).ok_or_else(|| KeySaltError::Enctype {
            found: enctype.to_string(),
        })?;
        // Whoever names a deprecated type gets keys of it, as with MIT; what uses them asks its own policy.
        if !enctype.is_implemented() {
            return Err(KeySaltError::Unsupported { enctype });
        }
        let salt_type = SaltType::from_name(salt_type).ok_or_else(|| KeySaltError::SaltType {
            found: salt_type.to_string(),
        })?;
        let keysalt = KeySalt { enctype, salt_type };
        if !keysalts.contains(&keysalt) {
            keysalts.push(keysalt);
        }
    }
    if keysalts.is_empty() {
        Err(KeySaltError::Empty)
    } else {
        Ok(keysalts)
    }
}
