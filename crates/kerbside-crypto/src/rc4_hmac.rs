//! rc4-hmac (RFC 4757): encryption, the translation of key usages, and the checksum HMAC-MD5, which S4U uses with keys
//! of any type (MS-SFU section 2.2.1).

use hmac::Hmac;
use md5::{Digest, Md5};
use rc4::{KeyInit, Rc4, StreamCipher};
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::key_usage::KeyUsage;
use crate::mac::{MacState, Tag, hmac};
use crate::profile::Profile;
use crate::segment::Segment;

/// Octets of an MD5 hash, of a key and of a checksum.
const MD5_LEN: usize = 16;

/// What a key gives for one usage.
pub(crate) struct Rc4Keys {
    k1: Hmac<Md5>,
    /// For the usage that is received in two translations.
    alternative: Option<Hmac<Md5>>,
}

impl Rc4Keys {
    pub(crate) fn derive(base_key: &[u8], usage: KeyUsage) -> Self {
        Self {
            k1: usage_key(base_key, translate(usage)),
            // RFC 4757 section 3 gives the TGS-REP under a subkey the 8, MIT krb5 and Heimdal keep the 9. Windows takes
            // what is sent as 9; what it sends may be either.
            alternative: (usage == KeyUsage::TGS_REP_ENC_PART_SUBKEY)
                .then(|| usage_key(base_key, KeyUsage::TGS_REP_ENC_PART_SESSKEY)),
        }
    }

    /// Encrypts in place: the header is checksum and confounder, the latter already chosen.
    pub(crate) fn encrypt(&self, segments: &mut [Segment<'_>]) {
        let checksum = checksum_of(&self.k1, segments);
        apply_keystream(&self.k1, checksum.as_bytes(), segments);
        if let Some((field, _)) = header(segments) {
            field.copy_from_slice(checksum.as_bytes());
        }
    }

    /// Decrypts in place. After an error the segments hold the ciphertext.
    pub(crate) fn decrypt(&self, segments: &mut [Segment<'_>]) -> Result<(), CryptoError> {
        let mut received = [0; MD5_LEN];
        if let Some((field, _)) = header(segments) {
            received = *field;
        }
        let mut result = decrypt_with(&self.k1, &received, segments);
        if let (Err(_), Some(alternative)) = (result, &self.alternative) {
            result = decrypt_with(alternative, &received, segments);
        }
        result
    }
}

fn decrypt_with(
    k1: &Hmac<Md5>,
    received: &[u8; MD5_LEN],
    segments: &mut [Segment<'_>],
) -> Result<(), CryptoError> {
    apply_keystream(k1, received, segments);
    checksum_of(k1, segments).verify(received).inspect_err(|_| {
        // The same keystream again gives the ciphertext back.
        apply_keystream(k1, received, segments);
    })
}

/// The translation of RFC 4757 section 3, as far as it is in use, and that of GSS-API's acceptor MIC.
pub(crate) fn translate(usage: KeyUsage) -> KeyUsage {
    match usage {
        KeyUsage::AS_REP_ENC_PART => KeyUsage::TGS_REP_ENC_PART_SESSKEY,
        KeyUsage::GSS_ACCEPTOR_SIGN => KeyUsage::KRB_PRIV,
        other => other,
    }
}

/// The HMAC under K1, which is the HMAC of the message type.
fn usage_key(base_key: &[u8], usage: KeyUsage) -> Hmac<Md5> {
    let mut mac = MacState::Md5(hmac(base_key));
    mac.update(&usage.0.to_le_bytes());
    let mut k1 = Zeroizing::new([0; MD5_LEN]);
    mac.finalize_into(&mut *k1);
    hmac(&*k1)
}

/// The header's checksum and confounder.
fn header<'a>(segments: &'a mut [Segment<'_>]) -> Option<(&'a mut [u8; MD5_LEN], &'a mut [u8])> {
    match segments.first_mut() {
        Some(Segment::Header(header)) => header.split_first_chunk_mut(),
        _ => None,
    }
}

/// The checksum over confounder and data, and what is signed only.
fn checksum_of(k1: &Hmac<Md5>, segments: &[Segment<'_>]) -> Tag {
    let mut mac = MacState::Md5(k1.clone());
    for segment in segments {
        let text = match segment {
            Segment::Header(header) => header.get(MD5_LEN..),
            other => other.signed(),
        };
        mac.update(text.unwrap_or_default());
    }
    mac.finalize(Profile::Rc4.enctype(), MD5_LEN)
}

/// RC4 under K3, the HMAC of the checksum, over confounder and data.
fn apply_keystream(k1: &Hmac<Md5>, checksum: &[u8], segments: &mut [Segment<'_>]) {
    let mut mac = MacState::Md5(k1.clone());
    mac.update(checksum);
    let mut k3 = Zeroizing::new([0; MD5_LEN]);
    mac.finalize_into(&mut *k3);
    // RC4 takes keys of 1 to 256 octets.
    let Ok(mut rc4) = Rc4::new_from_slice(&*k3) else {
        return;
    };
    for segment in segments {
        let text = match segment {
            Segment::Header(header) => header.get_mut(MD5_LEN..),
            other => other.encrypted_mut(),
        };
        rc4.apply_keystream(text.unwrap_or_default());
    }
}

/// KERB_CHECKSUM_HMAC_MD5 (RFC 4757 section 4), ready for data: an HMAC under Ksign over MD5 of message type and data.
pub(crate) fn checksum_state(base_key: &[u8], usage: KeyUsage) -> MacState {
    let mut mac = MacState::Md5(hmac(base_key));
    mac.update(b"signaturekey\0");
    let mut ksign = Zeroizing::new([0; MD5_LEN]);
    mac.finalize_into(&mut *ksign);
    let mut data = Md5::new();
    Digest::update(&mut data, translate(usage).0.to_le_bytes());
    MacState::OverMd5 {
        outer: hmac(&*ksign),
        data,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn two_usages_are_translated_and_no_others() {
        for number in (-30..600).filter(|number| ![3, 23].contains(number)) {
            assert_eq!(translate(KeyUsage(number)), KeyUsage(number));
        }
        assert_eq!(translate(KeyUsage(3)), KeyUsage(8));
        assert_eq!(translate(KeyUsage(23)), KeyUsage(13));
    }
}
