//! The bare ciphers that GSS-API's older per-message tokens use: RC4 for rc4-hmac (RFC 4757 section 7) and triple DES for
//! des3-cbc-sha1-kd (RFC 1964 section 1.2 with the algorithms that MIT krb5 registered for it). They carry no checksum of
//! their own: the token has one.

use hmac::Hmac;
use md5::Md5;
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::key::Key;
use crate::mac::{MacState, hmac};
use crate::profile::Profile;
use crate::segment::Segment;
use crate::triple_des::{BLOCK_LEN, TripleDes};

/// Which way a cipher runs. RC4 is its own reverse.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Direction {
    /// Makes ciphertext.
    Encrypt,
    /// Makes plaintext.
    Decrypt,
}

impl Key {
    /// Encrypts or decrypts a token's sequence number and direction (`SND_SEQ`), which the first octets of its checksum
    /// vary.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] for a key whose tokens are those of RFC 4121.
    pub fn old_token_sequence(
        &self,
        direction: Direction,
        checksum: [u8; 8],
        sequence: &mut [u8; 8],
    ) -> Result<(), CryptoError> {
        match self.profile() {
            Profile::Rc4 => {
                let varied = rc4_key(self.expose_secret(), &checksum);
                apply(&varied, &mut [&mut sequence[..]]);
                Ok(())
            }
            Profile::Des3 => {
                let cipher = TripleDes::new(self.expose_secret());
                let vary = |block: &mut [u8; 8]| {
                    *block = (u64::from_ne_bytes(*block) ^ u64::from_ne_bytes(checksum)).to_ne_bytes();
                };
                match direction {
                    Direction::Encrypt => {
                        vary(sequence);
                        cipher.encrypt_block(sequence);
                    }
                    Direction::Decrypt => {
                        cipher.cbc_decrypt(&mut [Segment::Data(&mut sequence[..])], BLOCK_LEN);
                        vary(sequence);
                    }
                }
                Ok(())
            }
            _ => Err(self.has_no_old_tokens()),
        }
    }

    /// Encrypts or decrypts confounder, message and padding where they lie, as one string. `sequence` is the token's
    /// number in network order: it varies RC4's key. Triple DES takes whole blocks only.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] as [`Self::old_token_sequence`]; [`CryptoError::CiphertextTooShort`] for a string
    /// that is not a number of blocks.
    pub fn old_token_seal(
        &self,
        direction: Direction,
        sequence: [u8; 4],
        pieces: &mut [&mut [u8]],
    ) -> Result<(), CryptoError> {
        match self.profile() {
            Profile::Rc4 => {
                let mut local = Zeroizing::new([0; 16]);
                for (to, from) in local.iter_mut().zip(self.expose_secret()) {
                    *to = from ^ 0xf0;
                }
                apply(&rc4_key(&*local, &sequence), pieces);
                Ok(())
            }
            Profile::Des3 => {
                let total: usize = pieces.iter().map(|piece| piece.len()).sum();
                if !total.is_multiple_of(BLOCK_LEN) {
                    return Err(CryptoError::CiphertextTooShort {
                        enctype: self.enctype(),
                        min: total.next_multiple_of(BLOCK_LEN),
                        found: total,
                    });
                }
                let cipher = TripleDes::new(self.expose_secret());
                let mut segments: alloc::vec::Vec<_> =
                    pieces.iter_mut().map(|piece| Segment::Data(piece)).collect();
                match direction {
                    Direction::Encrypt => cipher.cbc_encrypt(&mut segments, total),
                    Direction::Decrypt => cipher.cbc_decrypt(&mut segments, total),
                }
                Ok(())
            }
            _ => Err(self.has_no_old_tokens()),
        }
    }

    fn has_no_old_tokens(&self) -> CryptoError {
        CryptoError::Unsupported {
            enctype: self.enctype(),
        }
    }
}

/// HMAC-MD5(HMAC-MD5(key, 0 in four octets), salt) (RFC 4757 section 7.2, 7.3).
fn rc4_key(key: &[u8], salt: &[u8]) -> Zeroizing<[u8; 16]> {
    let mut first = Zeroizing::new([0; 16]);
    mac(hmac(key), &[0; 4], &mut first);
    let mut second = Zeroizing::new([0; 16]);
    mac(hmac(&*first), salt, &mut second);
    second
}

fn mac(keyed: Hmac<Md5>, data: &[u8], out: &mut [u8; 16]) {
    let mut state = MacState::Md5(keyed);
    state.update(data);
    state.finalize_into(out);
}

fn apply(key: &[u8; 16], pieces: &mut [&mut [u8]]) {
    // RC4 takes keys of 1 to 256 octets.
    let Ok(mut cipher) = Rc4::new_from_slice(key) else {
        return;
    };
    for piece in pieces {
        cipher.apply_keystream(piece);
    }
}
