//! The simplified profiles of RFC 3962 and RFC 8009: what differs between the four types, and nothing else.

use crate::checksum_type::ChecksumType;
use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;

/// Octets of the confounder before each plaintext: one cipher block, for all four types.
pub(crate) const CONFOUNDER_LEN: usize = 16;
/// Octets of the longest protocol key.
pub(crate) const KEY_LEN_MAX: usize = 32;
/// Octets of the longest checksum.
pub(crate) const MAC_LEN_MAX: usize = 24;

/// A type this crate computes.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Profile {
    Aes128Sha1,
    Aes256Sha1,
    Aes128Sha256,
    Aes256Sha384,
}

/// The hash below the HMACs of a profile.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Hash {
    Sha1,
    Sha256,
    Sha384,
}

impl Profile {
    pub(crate) const fn of(enctype: EncryptionType) -> Option<Self> {
        match enctype {
            EncryptionType::AES128_CTS_HMAC_SHA1_96 => Some(Self::Aes128Sha1),
            EncryptionType::AES256_CTS_HMAC_SHA1_96 => Some(Self::Aes256Sha1),
            EncryptionType::AES128_CTS_HMAC_SHA256_128 => Some(Self::Aes128Sha256),
            EncryptionType::AES256_CTS_HMAC_SHA384_192 => Some(Self::Aes256Sha384),
            _ => None,
        }
    }

    pub(crate) fn supported(enctype: EncryptionType) -> Result<Self, CryptoError> {
        Self::of(enctype).ok_or(CryptoError::Unsupported { enctype })
    }

    pub(crate) const fn enctype(self) -> EncryptionType {
        match self {
            Self::Aes128Sha1 => EncryptionType::AES128_CTS_HMAC_SHA1_96,
            Self::Aes256Sha1 => EncryptionType::AES256_CTS_HMAC_SHA1_96,
            Self::Aes128Sha256 => EncryptionType::AES128_CTS_HMAC_SHA256_128,
            Self::Aes256Sha384 => EncryptionType::AES256_CTS_HMAC_SHA384_192,
        }
    }

    /// The registered name, which RFC 8009 makes a part of the salt.
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Aes128Sha1 => "aes128-cts-hmac-sha1-96",
            Self::Aes256Sha1 => "aes256-cts-hmac-sha1-96",
            Self::Aes128Sha256 => "aes128-cts-hmac-sha256-128",
            Self::Aes256Sha384 => "aes256-cts-hmac-sha384-192",
        }
    }

    pub(crate) const fn checksum_type(self) -> ChecksumType {
        match self {
            Self::Aes128Sha1 => ChecksumType::HMAC_SHA1_96_AES128,
            Self::Aes256Sha1 => ChecksumType::HMAC_SHA1_96_AES256,
            Self::Aes128Sha256 => ChecksumType::HMAC_SHA256_128_AES128,
            Self::Aes256Sha384 => ChecksumType::HMAC_SHA384_192_AES256,
        }
    }

    pub(crate) const fn hash(self) -> Hash {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => Hash::Sha1,
            Self::Aes128Sha256 => Hash::Sha256,
            Self::Aes256Sha384 => Hash::Sha384,
        }
    }

    /// Octets of the protocol key and of Ke.
    pub(crate) const fn key_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 | Self::Aes256Sha384 => 32,
        }
    }

    /// Octets of Ki and Kc; the HMAC's length in RFC 8009, the cipher key's in RFC 3962.
    pub(crate) const fn mac_key_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes128Sha256 => 16,
            Self::Aes256Sha1 => 32,
            Self::Aes256Sha384 => 24,
        }
    }

    /// Octets of the truncated HMAC.
    pub(crate) const fn mac_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 12,
            Self::Aes128Sha256 => 16,
            Self::Aes256Sha384 => 24,
        }
    }

    /// Octets one call of the pseudo-random function gives.
    pub(crate) const fn prf_len(self) -> usize {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 16,
            Self::Aes128Sha256 => 32,
            Self::Aes256Sha384 => 48,
        }
    }

    pub(crate) const fn default_iterations(self) -> u32 {
        match self {
            Self::Aes128Sha1 | Self::Aes256Sha1 => 4096,
            Self::Aes128Sha256 | Self::Aes256Sha384 => 32768,
        }
    }

    /// Whether the checksum covers the ciphertext (RFC 8009) rather than the plaintext (RFC 3962).
    pub(crate) const fn is_encrypt_then_mac(self) -> bool {
        matches!(self, Self::Aes128Sha256 | Self::Aes256Sha384)
    }

    /// The shortest ciphertext: confounder and checksum around nothing.
    pub(crate) const fn min_ciphertext_len(self) -> usize {
        CONFOUNDER_LEN + self.mac_len()
    }
}
