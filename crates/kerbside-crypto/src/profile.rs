//! What differs between the encryption types, and nothing else.

use crate::checksum_type::ChecksumType;
use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;

/// Octets of the longest protocol key.
pub(crate) const KEY_LEN_MAX: usize = 32;
/// Octets of the longest checksum.
pub(crate) const MAC_LEN_MAX: usize = 24;

/// A type this crate computes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Des3,
    Aes128Sha1,
    Aes256Sha1,
    Aes128Sha256,
    Aes256Sha384,
    Rc4,
    Camellia128,
    Camellia256,
}

/// The document a profile follows.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Family {
    /// Triple DES: the simplified profile of RFC 3961 section 5.3 with blocks of 8 octets, padding and no stealing.
    Rfc3961,
    /// AES with HMAC-SHA1 over the plaintext.
    Rfc3962,
    /// AES with HMAC-SHA2 over the ciphertext.
    Rfc8009,
    /// Camellia with CMAC over the plaintext.
    Rfc6803,
    /// RC4 with HMAC-MD5 over the plaintext.
    Rfc4757,
}

/// The MAC below the checksums of a profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum MacKind {
    Sha1,
    Sha256,
    Sha384,
    Md5,
    CmacCamellia128,
    CmacCamellia256,
}

impl Profile {
    pub(crate) const fn of(enctype: EncryptionType) -> Option<Self> {
        match enctype {
            EncryptionType::DES3_CBC_SHA1_KD => Some(Self::Des3),
            EncryptionType::AES128_CTS_HMAC_SHA1_96 => Some(Self::Aes128Sha1),
            EncryptionType::AES256_CTS_HMAC_SHA1_96 => Some(Self::Aes256Sha1),
            EncryptionType::AES128_CTS_HMAC_SHA256_128 => Some(Self::Aes128Sha256),
            EncryptionType::AES256_CTS_HMAC_SHA384_192 => Some(Self::Aes256Sha384),
            EncryptionType::RC4_HMAC => Some(Self::Rc4),
            EncryptionType::CAMELLIA128_CTS_CMAC => Some(Self::Camellia128),
            EncryptionType::CAMELLIA256_CTS_CMAC => Some(Self::Camellia256),
            _ => None,
        }
    }

    pub(crate) fn implemented(enctype: EncryptionType) -> Result<Self, CryptoError> {
        Self::of(enctype).ok_or(CryptoError::Unsupported { enctype })
    }

    /// Refuses octets that are not as many as a key, or what it is made of, has.
    pub(crate) fn check_len(self, octets: &[u8], expected: usize) -> Result<(), CryptoError> {
        if octets.len() == expected {
            return Ok(());
        }
        Err(CryptoError::KeyLength {
            enctype: self.enctype(),
            expected,
            found: octets.len(),
        })
    }

    pub(crate) const fn enctype(self) -> EncryptionType {
        match self {
            Self::Des3 => EncryptionType::DES3_CBC_SHA1_KD,
            Self::Aes128Sha1 => EncryptionType::AES128_CTS_HMAC_SHA1_96,
            Self::Aes256Sha1 => EncryptionType::AES256_CTS_HMAC_SHA1_96,
            Self::Aes128Sha256 => EncryptionType::AES128_CTS_HMAC_SHA256_128,
            Self::Aes256Sha384 => EncryptionType::AES256_CTS_HMAC_SHA384_192,
            Self::Rc4 => EncryptionType::RC4_HMAC,
            Self::Camellia128 => EncryptionType::CAMELLIA128_CTS_CMAC,
            Self::Camellia256 => EncryptionType::CAMELLIA256_CTS_CMAC,
        }
    }

    /// The registered name, which RFC 8009 and RFC 6803 make a part of the salt.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Des3 => "des3-cbc-sha1-kd",
            Self::Aes128Sha1 => "aes128-cts-hmac-sha1-96",
            Self::Aes256Sha1 => "aes256-cts-hmac-sha1-96",
            Self::Aes128Sha256 => "aes128-cts-hmac-sha256-128",
            Self::Aes256Sha384 => "aes256-cts-hmac-sha384-192",
            Self::Rc4 => "rc4-hmac",
            Self::Camellia128 => "camellia128-cts-cmac",
            Self::Camellia256 => "camellia256-cts-cmac",
        }
    }

    pub(crate) const fn family(self) -> Family {
        match self {
            Self::Des3 => Family::Rfc3961,
            Self::Aes128Sha1 | Self::Aes256Sha1 => Family::Rfc3962,
            Self::Aes128Sha256 | Self::Aes256Sha384 => Family::Rfc8009,
            Self::Rc4 => Family::Rfc4757,
            Self::Camellia128 | Self::Camellia256 => Family::Rfc6803,
        }
    }

    pub(crate) const fn mac_kind(self) -> MacKind {
        match self {
            Self::Des3 | Self::Aes128Sha1 | Self::Aes256Sha1 => MacKind::Sha1,
            Self::Aes128Sha256 => MacKind::Sha256,
            Self::Aes256Sha384 => MacKind::Sha384,
            Self::Rc4 => MacKind::Md5,
            Self::Camellia128 => MacKind::CmacCamellia128,
            Self::Camellia256 => MacKind::CmacCamellia256,
        }
    }

    pub(crate) const fn checksum_type(self) -> ChecksumType {
        match self {
            Self::Des3 => ChecksumType::HMAC_SHA1_DES3_KD,
            Self::Aes128Sha1 => ChecksumType::HMAC_SHA1_96_AES128,
            Self::Aes256Sha1 => ChecksumType::HMAC_SHA1_96_AES256,
            Self::Aes128Sha256 => ChecksumType::HMAC_SHA256_128_AES128,
            Self::Aes256Sha384 => ChecksumType::HMAC_SHA384_192_AES256,
            Self::Rc4 => ChecksumType::HMAC_MD5_RC4,
            Self::Camellia128 => ChecksumType::CMAC_CAMELLIA128,
            Self::Camellia256 => ChecksumType::CMAC_CAMELLIA256,
        }
    }

    /// Octets of the protocol key and of Ke.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 | Self::Rc4 | Self::Camellia128 => 16,
            Self::Des3 => 24,
            Self::Aes256Sha1 | Self::Aes256Sha384 | Self::Camellia256 => 32,
        }
    }

    /// Octets that random-to-key makes a key of.
    pub(crate) const fn seed_len(self) -> usize {
        match self {
            Self::Des3 => 21,
            _ => self.key_len(),
        }
    }

    /// Octets of Ki and Kc: the HMAC's length in RFC 8009, the protocol key's elsewhere.
    pub(crate) const fn mac_key_len(self) -> usize {
        match self {
            Self::Aes256Sha384 => 24,
            _ => self.key_len(),
        }
    }

    /// Octets of the checksum.
    pub(crate) const fn mac_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 12,
            Self::Aes128Sha256 | Self::Rc4 | Self::Camellia128 | Self::Camellia256 => 16,
            Self::Des3 => 20,
            Self::Aes256Sha384 => 24,
        }
    }

    /// Octets of the confounder: one cipher block, and 8 for RC4.
    pub(crate) const fn confounder_len(self) -> usize {
        match self {
            Self::Des3 | Self::Rc4 => 8,
            _ => 16,
        }
    }

    /// Octets before the plaintext: the confounder, in RC4 with the checksum before it.
    pub(crate) const fn header_len(self) -> usize {
        match self {
            Self::Rc4 => self.mac_len() + self.confounder_len(),
            _ => self.confounder_len(),
        }
    }

    /// Octets behind the plaintext: the checksum, in RC4 nothing.
    pub(crate) const fn trailer_len(self) -> usize {
        match self {
            Self::Rc4 => 0,
            _ => self.mac_len(),
        }
    }

    /// What the number of encrypted octets must be a multiple of.
    pub(crate) const fn padding_multiple(self) -> usize {
        match self {
            Self::Des3 => 8,
            _ => 1,
        }
    }

    /// Octets of padding that a plaintext needs.
    pub(crate) const fn padding_len(self, plaintext_len: usize) -> usize {
        // The confounder is a multiple itself.
        (self.padding_multiple() - plaintext_len % self.padding_multiple()) % self.padding_multiple()
    }

    /// The shortest ciphertext: header and trailer around nothing.
    pub(crate) const fn min_ciphertext_len(self) -> usize {
        self.header_len() + self.trailer_len()
    }

    /// Length of the ciphertext of a plaintext, if it is a length.
    pub(crate) const fn encrypted_len(self, plaintext_len: usize) -> Option<usize> {
        plaintext_len.checked_add(self.padding_len(plaintext_len) + self.min_ciphertext_len())
    }

    /// Octets one call of the pseudo-random function gives.
    pub(crate) const fn prf_len(self) -> usize {
        match self {
            Self::Des3 | Self::Aes128Sha1 | Self::Aes256Sha1 | Self::Camellia128 | Self::Camellia256 => 16,
            Self::Rc4 => 20,
            Self::Aes128Sha256 => 32,
            Self::Aes256Sha384 => 48,
        }
    }

    /// Iterations of PBKDF2 without parameters, for the types whose string-to-key has any.
    pub(crate) const fn default_iterations(self) -> Option<u32> {
        match self {
            Self::Des3 | Self::Rc4 => None,
            Self::Aes128Sha1 | Self::Aes256Sha1 => Some(4096),
            Self::Aes128Sha256 | Self::Aes256Sha384 | Self::Camellia128 | Self::Camellia256 => Some(32768),
        }
    }
}
