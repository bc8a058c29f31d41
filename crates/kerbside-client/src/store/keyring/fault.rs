//! What goes wrong with the kernel's keys.

use std::fmt;

use crate::error::CacheFault;

/// What goes wrong with a cache in the kernel's keyrings.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum KeyringFault {
    /// The name begins with a word that is no anchor.
    Anchor(String),
    /// What should be a user's number is none.
    Uid(String),
    /// The name is too long or holds a zero byte.
    Name,
    /// The key that names the primary cache holds something else.
    BadPrimary,
    /// A key or keyring is larger than any that a cache has.
    TooLong {
        /// Its length in bytes.
        length: usize,
    },
    /// The user's keys take all the room that the kernel gives him.
    Quota,
    /// The kernel refused.
    System {
        /// What was being done.
        doing: &'static str,
        /// The system's words.
        reason: String,
    },
}

impl From<KeyringFault> for CacheFault {
    fn from(fault: KeyringFault) -> Self {
        Self::Keyring(Box::new(fault))
    }
}

impl fmt::Display for KeyringFault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Anchor(word) => write!(
                f,
                "expected persistent, process, thread, session or user after KEYRING:, but found {}",
                word.escape_debug()
            ),
            Self::Uid(word) => write!(
                f,
                "expected a user's number after KEYRING:persistent:, but found {}",
                word.escape_debug()
            ),
            Self::Name => f.write_str("expected a name of at most 4000 bytes without zero bytes"),
            Self::BadPrimary => f.write_str(
                "the key krb_ccache:primary: expected version 1 and the name of a cache, but found something else",
            ),
            Self::TooLong { length } => {
                write!(f, "expected a key of at most 1 MiB, but found one of {length} bytes")
            }
            Self::Quota => f.write_str(
                "the user's key quota is used up (/proc/key-users; kernel.keys.maxbytes and kernel.keys.maxkeys set it)",
            ),
            Self::System { doing, reason } => write!(f, "cannot {doing}: {reason}"),
        }
    }
}
