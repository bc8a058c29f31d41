//! Passwords, and one type for each meaning of a key.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Deref;

use zeroize::Zeroizing;

use crate::key::Key;

/// A password, zeroized on drop. Any octets: text is UTF-8 by custom (RFC 4120 section 5.2.1), not by force. Its
/// length is checked where it is used.
#[derive(Clone)]
pub struct Password(Zeroizing<Vec<u8>>);

impl Password {
    /// The octets. Every call is a place to look at in a review.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        &self.0
    }
}

impl From<String> for Password {
    /// Takes the string's own memory, so that no copy stays behind.
    fn from(text: String) -> Self {
        Self(Zeroizing::new(text.into_bytes()))
    }
}

impl From<Vec<u8>> for Password {
    fn from(octets: Vec<u8>) -> Self {
        Self(Zeroizing::new(octets))
    }
}

impl From<&str> for Password {
    fn from(text: &str) -> Self {
        Self(Zeroizing::new(text.as_bytes().to_vec()))
    }
}

impl fmt::Debug for Password {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Password")
    }
}

/// Declares a key that means one thing, so that a session key cannot be passed where a long-term key is due.
macro_rules! key_meaning {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(Key);

        impl $name {
            /// The key without its meaning.
            #[must_use]
            pub fn into_inner(self) -> Key {
                self.0
            }
        }

        impl From<Key> for $name {
            fn from(key: Key) -> Self {
                Self(key)
            }
        }

        impl Deref for $name {
            type Target = Key;

            fn deref(&self) -> &Key {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, concat!(stringify!($name), "({:?})"), self.0)
            }
        }
    )*};
}

key_meaning! {
    /// A principal's key: from its password, its keytab or the KDC's database.
    LongTermKey;
    /// The key a ticket carries to both sides (RFC 4120 section 1.1).
    SessionKey;
    /// A key chosen for one association, in an authenticator or an AP-REP (RFC 4120 section 3.2.6).
    Subkey;
    /// The key the encrypted part of a KDC's reply is under (RFC 6113 section 1).
    ReplyKey;
}
