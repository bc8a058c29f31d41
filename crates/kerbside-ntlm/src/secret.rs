//! The hashes that stand for passwords, and the session key. None of them shows itself or is compared.

use core::fmt;

use des::Des;
use des::cipher::{BlockCipherEncrypt, KeyInit};
use kerbside_crypto::Password;
use md4::{Digest, Md4};
use zeroize::{Zeroize, Zeroizing};

use crate::error::NtlmError;
use crate::text;

/// Octets of every key and hash here.
pub(crate) const KEY_LEN: usize = 16;

/// Longest password, in octets of UTF-8. Windows takes 127 characters.
pub const MAX_PASSWORD_LEN: usize = 1024;

macro_rules! secret {
    ($($(#[$meta:meta])* $name:ident;)*) => {$(
        $(#[$meta])*
        #[derive(Clone)]
        pub struct $name(Zeroizing<[u8; KEY_LEN]>);

        impl $name {
            /// Takes the octets as they are.
            #[must_use]
            pub fn from_bytes(bytes: [u8; KEY_LEN]) -> Self {
                Self(Zeroizing::new(bytes))
            }

            /// The octets. Every call is a place to look at in a review.
            #[must_use]
            pub fn expose_secret(&self) -> &[u8; KEY_LEN] {
                &self.0
            }
        }

        impl fmt::Debug for $name {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(stringify!($name))
            }
        }
    )*};
}

secret! {
    /// NTOWFv1: MD4 of the password in UTF-16. Who has it can log in as the user; it is as secret as the password.
    NtHash;
    /// LMOWFv1: what LAN Manager kept of a password. Of no use but to compute what MS-NLMP 4.2.2 prints: neither side
    /// takes or sends a response made with it.
    LmHash;
    /// ExportedSessionKey: what protects the messages, and what applications ask for.
    NtlmSessionKey;
}

impl NtHash {
    /// NTOWFv1 (MS-NLMP 3.3.1).
    ///
    /// # Errors
    /// When the password is not UTF-8, or longer than [`MAX_PASSWORD_LEN`].
    pub fn from_password(password: &Password) -> Result<Self, NtlmError> {
        let text = password_text(password)?;
        let mut utf16 = Zeroizing::new(text::utf16(text));
        let mut hash = Md4::digest(utf16.as_slice());
        utf16.zeroize();
        let made = Self::from_bytes(hash.into());
        hash.as_mut_slice().zeroize();
        Ok(made)
    }
}

impl LmHash {
    /// LMOWFv1 (MS-NLMP 3.3.1).
    ///
    /// # Errors
    /// When the password is longer than 14 characters or not ASCII: then it has none.
    pub fn from_password(password: &Password) -> Result<Self, NtlmError> {
        let text = password_text(password)?;
        if text.len() > 14 || !text.is_ascii() {
            return Err(NtlmError::Unsupported {
                what: "an LM hash of a password with more than 14 ASCII characters",
            });
        }
        let mut padded = Zeroizing::new([0; 14]);
        for (to, from) in padded.iter_mut().zip(text.bytes()) {
            *to = from.to_ascii_uppercase();
        }
        let mut hash = Zeroizing::new([0; KEY_LEN]);
        for (half, out) in padded.as_chunks::<7>().0.iter().zip(hash.as_chunks_mut::<8>().0) {
            *out = des_encrypt(half, *b"KGS!@#$%");
        }
        Ok(Self(hash))
    }
}

fn password_text(password: &Password) -> Result<&str, NtlmError> {
    let octets = password.expose_secret();
    if octets.len() > MAX_PASSWORD_LEN {
        return Err(NtlmError::TooLong {
            what: "password",
            length: octets.len(),
            most: MAX_PASSWORD_LEN,
        });
    }
    core::str::from_utf8(octets).map_err(|_| NtlmError::Unsupported {
        what: "a password that is not UTF-8",
    })
}

/// DES of MS-NLMP section 6: the seven octets are spread over eight, whose lowest bits are parity and mean nothing.
pub(crate) fn des_encrypt(key: &[u8; 7], mut block: [u8; 8]) -> [u8; 8] {
    let [a, b, c, d, e, f, g] = key.map(u64::from);
    let bits = Zeroizing::new(a << 48 | b << 40 | c << 32 | d << 24 | e << 16 | f << 8 | g);
    let mut spread = Zeroizing::new([0_u8; 8]);
    for (index, octet) in spread.iter_mut().enumerate() {
        // The octets take 7 bits each, from the top.
        let shift = 49_usize.saturating_sub(index.saturating_mul(7));
        *octet = (*bits >> shift & 0x7f).to_le_bytes()[0] << 1;
    }
    Des::new(&(*spread).into()).encrypt_block((&mut block).into());
    block
}
