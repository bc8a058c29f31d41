//! The ciphers with blocks of 16 octets and ready key schedules.

use aes::cipher::consts::U16;
use aes::cipher::{
    Array, BlockCipherDecClosure, BlockCipherDecrypt, BlockCipherEncClosure, BlockCipherEncrypt, KeyInit,
    KeySizeUser,
};
use aes::{Aes128, Aes256};
use camellia::{Camellia128, Camellia256};
use zeroize::Zeroize;

/// One cipher block.
pub(crate) type Block = Array<u8, U16>;
/// Octets of a cipher block.
pub(crate) const BLOCK_LEN: usize = 16;

/// A cipher with the schedules of both directions, zeroized on drop by its crate.
pub(crate) enum Cipher {
    Aes128(Aes128),
    Aes256(Aes256),
    Camellia128(Camellia128),
    Camellia256(Camellia256),
}

/// Calls a method that all ciphers have.
macro_rules! with_cipher {
    ($self:expr, $cipher:ident => $call:expr) => {
        match $self {
            Cipher::Aes128($cipher) => $call,
            Cipher::Aes256($cipher) => $call,
            Cipher::Camellia128($cipher) => $call,
            Cipher::Camellia256($cipher) => $call,
        }
    };
}

impl Cipher {
    /// AES with a 16- or 32-octet key.
    pub(crate) fn aes(key: &[u8]) -> Self {
        if key.len() <= 16 {
            Self::Aes128(keyed(key))
        } else {
            Self::Aes256(keyed(key))
        }
    }

    /// Camellia with a 16- or 32-octet key.
    pub(crate) fn camellia(key: &[u8]) -> Self {
        if key.len() <= 16 {
            Self::Camellia128(keyed(key))
        } else {
            Self::Camellia256(keyed(key))
        }
    }

    pub(crate) fn encrypt_block(&self, block: &mut Block) {
        with_cipher!(self, cipher => BlockCipherEncrypt::encrypt_block(cipher, block));
    }

    /// Runs a message's encryption inside the cipher's own backend: the choice of instructions and the loading of the
    /// round keys are paid once for all its blocks.
    pub(crate) fn encrypt_with(&self, message: impl BlockCipherEncClosure<BlockSize = U16>) {
        with_cipher!(self, cipher => cipher.encrypt_with_backend(message));
    }

    /// The same for decryption.
    pub(crate) fn decrypt_with(&self, message: impl BlockCipherDecClosure<BlockSize = U16>) {
        with_cipher!(self, cipher => cipher.decrypt_with_backend(message));
    }
}

/// A cipher from a key of its size: profiles have no others, and a short one would be filled up with zero octets.
pub(crate) fn keyed<C: KeyInit + KeySizeUser>(key: &[u8]) -> C {
    let mut array = aes::cipher::Key::<C>::default();
    for (to, from) in array.iter_mut().zip(key) {
        *to = *from;
    }
    let cipher = C::new(&array);
    array.as_mut_slice().zeroize();
    cipher
}
