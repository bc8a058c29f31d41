//! Checksums without a key (RFC 3961 section 6.1), which old peers use where something else protects them. They are
//! functions of their own and give a type of their own: nothing that verifies a keyed checksum takes one.

use md4::Md4;
use md5::{Digest, Md5};
use sha1::Sha1;

use crate::checksum_type::ChecksumType;
use crate::error::CryptoError;
use crate::mac::copy_prefix;
use crate::policy::EnctypePolicy;

/// Octets of the longest unkeyed checksum.
const LEN_MAX: usize = 20;

/// A checksum that anybody can compute: it tells an accident, never an attack.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct UnkeyedChecksum {
    cksumtype: ChecksumType,
    bytes: [u8; LEN_MAX],
    len: usize,
}

impl UnkeyedChecksum {
    /// The checksum of the concatenated data: crc32 (1), rsa-md4 (2), rsa-md5 (7) or sha1 (10, 14).
    ///
    /// # Errors
    /// [`CryptoError::ChecksumUnsupported`] for any other type, [`CryptoError::ChecksumRefusedByPolicy`] unless the
    /// policy allows weak crypto.
    pub fn compute(
        cksumtype: ChecksumType,
        data: &[&[u8]],
        policy: &EnctypePolicy,
    ) -> Result<Self, CryptoError> {
        let mut bytes = [0; LEN_MAX];
        let function = match cksumtype {
            ChecksumType::CRC32 => crc32,
            ChecksumType::RSA_MD4 => hash::<Md4>,
            ChecksumType::RSA_MD5 => hash::<Md5>,
            ChecksumType::SHA1 | ChecksumType::SHA1_OTHER => hash::<Sha1>,
            _ => return Err(CryptoError::ChecksumUnsupported { cksumtype }),
        };
        if !policy.allow_weak_crypto {
            return Err(CryptoError::ChecksumRefusedByPolicy { cksumtype });
        }
        let len = function(data, &mut bytes);
        Ok(Self {
            cksumtype,
            bytes,
            len,
        })
    }

    /// The checksum's type.
    #[must_use]
    pub const fn checksum_type(&self) -> ChecksumType {
        self.cksumtype
    }

    /// The octets as they go on the wire: 4, 16 or 20 of them.
    #[must_use]
    pub fn as_bytes(&self) -> &[u8] {
        self.bytes.get(..self.len).unwrap_or_default()
    }

    /// Compares with a received checksum.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumMismatch`] when it differs in length or content.
    pub fn verify(&self, received: &[u8]) -> Result<(), CryptoError> {
        if self.as_bytes() == received {
            Ok(())
        } else {
            Err(CryptoError::ChecksumMismatch {
                cksumtype: self.cksumtype,
            })
        }
    }
}

fn hash<D: Digest>(data: &[&[u8]], out: &mut [u8]) -> usize {
    let mut hash = D::new();
    for piece in data {
        hash.update(piece);
    }
    copy_prefix(out, &hash.finalize());
    <D as Digest>::output_size()
}

/// mod-crc-32 (RFC 3961 section 6.1.3): the CRC of ISO 3309 without the complements at beginning and end, least
/// significant octet first.
fn crc32(data: &[&[u8]], out: &mut [u8]) -> usize {
    let mut crc = 0u32;
    for octet in data.iter().copied().flatten() {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            crc = (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 };
        }
    }
    copy_prefix(out, &crc.to_le_bytes());
    4
}
