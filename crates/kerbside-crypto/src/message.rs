//! Encryption and decryption of messages.

use alloc::vec;
use alloc::vec::Vec;

use rand_core::CryptoRng;
use zeroize::Zeroizing;

use crate::ciphertext_stealing;
use crate::error::CryptoError;
use crate::key::Key;
use crate::key_derivation::MessageKeys;
use crate::key_usage::KeyUsage;
use crate::limits::MAX_MESSAGE_LEN;
use crate::mac::{MacState, Tag};
use crate::profile::{Family, MAC_LEN_MAX};
use crate::segment::{Segment, encrypted_total};

/// Octets of the longest header: checksum and confounder of rc4-hmac.
const HEADER_LEN_MAX: usize = 24;

/// Octets of AES's initial cipher state, which RFC 8009 puts under the checksum.
const CIPHER_STATE_LEN: usize = 16;

impl Key {
    /// Encrypts into a new buffer: header, ciphertext and trailer. For des3-cbc-sha1-kd the plaintext is filled up with
    /// zero octets.
    ///
    /// # Errors
    /// [`CryptoError::MessageTooLong`].
    pub fn encrypt(
        &self,
        usage: KeyUsage,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, CryptoError> {
        check_message_len(plaintext.len())?;
        let mut out = vec![0; self.encrypted_len(plaintext.len())];
        let (header, rest) = out.split_at_mut(self.header_len());
        let (data, rest) = rest.split_at_mut(plaintext.len());
        let (padding, trailer) = rest.split_at_mut(self.padding_len(plaintext.len()));
        data.copy_from_slice(plaintext);
        let segments = &mut [
            Segment::Header(header),
            Segment::Data(data),
            Segment::Padding(padding),
            Segment::Trailer(trailer),
        ];
        self.encrypt_in_place(usage, segments, rng)?;
        Ok(out)
    }

    /// Decrypts and verifies into a new buffer, which is zeroized on drop. For des3-cbc-sha1-kd it ends with what the
    /// sender padded with, up to 7 octets.
    ///
    /// # Errors
    /// [`CryptoError::CiphertextTooShort`], [`CryptoError::MessageTooLong`], [`CryptoError::IntegrityFailure`]; the last
    /// also when a ciphertext of des3-cbc-sha1-kd is not whole blocks, which is no caller's mistake.
    pub fn decrypt(&self, usage: KeyUsage, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let too_short = CryptoError::CiphertextTooShort {
            enctype: self.enctype(),
            min: self.profile().min_ciphertext_len(),
            found: ciphertext.len(),
        };
        check_message_len(ciphertext.len())?;
        let (head, rest) = ciphertext.split_at_checked(self.header_len()).ok_or(too_short)?;
        let data_len = rest.len().checked_sub(self.trailer_len()).ok_or(too_short)?;
        let (data, mac) = rest.split_at_checked(data_len).ok_or(too_short)?;
        if self.padding_len(data.len()) != 0 {
            return Err(CryptoError::IntegrityFailure {
                enctype: self.enctype(),
            });
        }

        let mut header = [0; HEADER_LEN_MAX];
        let header = header.get_mut(..head.len()).unwrap_or_default();
        header.copy_from_slice(head);
        let mut plaintext = Zeroizing::new(data.to_vec());
        let mut trailer = [0; MAC_LEN_MAX];
        let trailer = trailer.get_mut(..mac.len()).unwrap_or_default();
        trailer.copy_from_slice(mac);
        let segments = &mut [
            Segment::Header(header),
            Segment::Data(&mut plaintext),
            Segment::Trailer(trailer),
        ];
        self.decrypt_in_place(usage, segments)?;
        Ok(plaintext)
    }

    /// Encrypts the segments in place: fills header and trailer with confounder and checksum. Allocates nothing once the
    /// usage is derived.
    ///
    /// # Errors
    /// [`CryptoError::Segments`]; nothing is changed then.
    pub fn encrypt_in_place(
        &self,
        usage: KeyUsage,
        segments: &mut [Segment<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), CryptoError> {
        let total = encrypted_total(self.profile(), segments)?;
        let keys = self.message_keys(usage);
        if let Some(Segment::Header(header)) = segments.first_mut() {
            let at = header.len().saturating_sub(self.profile().confounder_len());
            rng.fill_bytes(header.get_mut(at..).unwrap_or_default());
        }
        match keys {
            MessageKeys::Stealing { cipher, integrity } => {
                let mut mac = integrity.clone();
                if self.profile().family() == Family::Rfc8009 {
                    mac.update(&[0; CIPHER_STATE_LEN]);
                    ciphertext_stealing::encrypt_then_mac(cipher, &mut mac, segments, total);
                } else {
                    ciphertext_stealing::encrypt_and_mac(cipher, &mut mac, segments, total);
                }
                set_trailer(&self.message_tag(mac), segments);
            }
            MessageKeys::TripleDes { cipher, integrity } => {
                let tag = self.integrity_tag(integrity, segments);
                cipher.cbc_encrypt(segments, total);
                set_trailer(&tag, segments);
            }
            MessageKeys::Rc4(keys) => keys.encrypt(segments),
        }
        Ok(())
    }

    /// Verifies and decrypts the segments in place. Allocates nothing once the usage is derived.
    ///
    /// # Errors
    /// [`CryptoError::Segments`]; [`CryptoError::IntegrityFailure`], after which the encrypted segments hold zero
    /// octets or still the ciphertext: never plaintext that nobody vouched for.
    pub fn decrypt_in_place(&self, usage: KeyUsage, segments: &mut [Segment<'_>]) -> Result<(), CryptoError> {
        let total = encrypted_total(self.profile(), segments)?;
        match self.message_keys(usage) {
            MessageKeys::Stealing { cipher, integrity } if self.profile().family() == Family::Rfc8009 => {
                verify_trailer(&self.integrity_tag(integrity, segments), segments)?;
                ciphertext_stealing::decrypt(cipher, segments, total);
                Ok(())
            }
            MessageKeys::Stealing { cipher, integrity } => {
                ciphertext_stealing::decrypt(cipher, segments, total);
                self.verify_plaintext(integrity, segments)
            }
            MessageKeys::TripleDes { cipher, integrity } => {
                cipher.cbc_decrypt(segments, total);
                self.verify_plaintext(integrity, segments)
            }
            MessageKeys::Rc4(keys) => keys.decrypt(segments),
        }
    }

    /// Verifies what is decrypted already, and wipes it when it is not what was encrypted.
    fn verify_plaintext(
        &self,
        integrity: &MacState,
        segments: &mut [Segment<'_>],
    ) -> Result<(), CryptoError> {
        verify_trailer(&self.integrity_tag(integrity, segments), segments).inspect_err(|_| {
            for text in segments.iter_mut().filter_map(Segment::encrypted_mut) {
                text.fill(0);
            }
        })
    }

    /// The checksum of a message as it stands: over the plaintext, or over cipher state and ciphertext (RFC 8009
    /// section 5).
    fn integrity_tag(&self, integrity: &MacState, segments: &[Segment<'_>]) -> Tag {
        let mut mac = integrity.clone();
        if self.profile().family() == Family::Rfc8009 {
            mac.update(&[0; CIPHER_STATE_LEN]);
        }
        for text in segments.iter().filter_map(Segment::signed) {
            mac.update(text);
        }
        self.message_tag(mac)
    }

    fn message_tag(&self, mac: MacState) -> Tag {
        mac.finalize(self.enctype(), self.profile().mac_len())
    }
}

fn set_trailer(tag: &Tag, segments: &mut [Segment<'_>]) {
    for segment in segments {
        if let Segment::Trailer(trailer) = segment {
            trailer.copy_from_slice(tag.as_bytes());
        }
    }
}

/// Compares the trailer; the list was checked to have one.
fn verify_trailer(tag: &Tag, segments: &[Segment<'_>]) -> Result<(), CryptoError> {
    let trailer = segments.iter().find_map(|segment| match segment {
        Segment::Trailer(trailer) => Some(&**trailer),
        _ => None,
    });
    tag.verify(trailer.unwrap_or_default())
}

fn check_message_len(found: usize) -> Result<(), CryptoError> {
    if found > MAX_MESSAGE_LEN {
        return Err(CryptoError::MessageTooLong {
            max: MAX_MESSAGE_LEN,
            found,
        });
    }
    Ok(())
}
