//! The crate's one error type.

use core::fmt;

use crate::checksum_type::ChecksumType;
use crate::encryption_type::EncryptionType;

/// Why a cryptographic operation was refused. Carries types, lengths and counts, never keys or text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CryptoError {
    /// The encryption type is not computed by this crate.
    Unsupported {
        /// The type asked for.
        enctype: EncryptionType,
    },
    /// The encryption type is computed by this crate, but the policy in force does not allow it.
    RefusedByPolicy {
        /// The type asked for.
        enctype: EncryptionType,
    },
    /// An unkeyed checksum, which the policy in force does not allow.
    ChecksumRefusedByPolicy {
        /// The type asked for.
        cksumtype: ChecksumType,
    },
    /// A checksum type that is not one of the unkeyed ones this crate computes.
    ChecksumUnsupported {
        /// The type asked for.
        cksumtype: ChecksumType,
    },
    /// Key material of the wrong length for its type.
    KeyLength {
        /// The key's type.
        enctype: EncryptionType,
        /// Octets a key of this type has.
        expected: usize,
        /// Octets given.
        found: usize,
    },
    /// A ciphertext that cannot hold confounder and checksum.
    CiphertextTooShort {
        /// The key's type.
        enctype: EncryptionType,
        /// Octets the shortest ciphertext of this type has.
        min: usize,
        /// Octets given.
        found: usize,
    },
    /// The checksum over a message is not the one its key gives: wrong key, wrong usage or altered bytes.
    IntegrityFailure {
        /// The key's type.
        enctype: EncryptionType,
    },
    /// An unkeyed checksum is not the one the data give.
    ChecksumMismatch {
        /// The checksum's type.
        cksumtype: ChecksumType,
    },
    /// A checksum of another type than the key's mandatory one.
    ChecksumType {
        /// The key's mandatory checksum type.
        expected: ChecksumType,
        /// The type given.
        found: ChecksumType,
    },
    /// An iteration count below the floor in force.
    IterationCountTooLow {
        /// The key's type.
        enctype: EncryptionType,
        /// The floor in force.
        min: u32,
        /// The count asked for.
        found: u64,
    },
    /// An iteration count above the ceiling in force.
    IterationCountTooHigh {
        /// The key's type.
        enctype: EncryptionType,
        /// The ceiling in force.
        max: u32,
        /// The count asked for; 2^32 for the parameter octets 00000000 (RFC 3962 section 4).
        found: u64,
    },
    /// String-to-key parameters that are not the four octets of an iteration count, or any parameters for a type that
    /// has none (16, 23).
    StringToKeyParams {
        /// The key's type.
        enctype: EncryptionType,
        /// Octets given.
        found: usize,
    },
    /// A password longer than [`MAX_PASSWORD_LEN`](crate::MAX_PASSWORD_LEN).
    PasswordTooLong {
        /// The limit in octets.
        max: usize,
        /// Octets given.
        found: usize,
    },
    /// A password that is not UTF-8, for a type that needs its characters (23).
    PasswordNotText {
        /// The key's type.
        enctype: EncryptionType,
    },
    /// A salt longer than [`MAX_SALT_LEN`](crate::MAX_SALT_LEN).
    SaltTooLong {
        /// The limit in octets.
        max: usize,
        /// Octets given.
        found: usize,
    },
    /// A message longer than [`MAX_MESSAGE_LEN`](crate::MAX_MESSAGE_LEN), given to a function that allocates.
    MessageTooLong {
        /// The limit in octets.
        max: usize,
        /// Octets given.
        found: usize,
    },
    /// More output asked of PRF+ than its one-octet counter gives.
    PrfOutputTooLong {
        /// The limit in octets.
        max: usize,
        /// Octets asked for.
        found: usize,
    },
    /// A list of segments that no message can be made of.
    Segments(SegmentError),
}

/// What is wrong with a list of segments.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum SegmentError {
    /// The first segment is not the header.
    HeaderNotFirst,
    /// A second header.
    SecondHeader,
    /// No trailer.
    NoTrailer,
    /// A second trailer.
    SecondTrailer,
    /// A header that does not hold the confounder exactly.
    HeaderLength {
        /// Octets of the confounder.
        expected: usize,
        /// Octets given.
        found: usize,
    },
    /// A trailer that does not hold the checksum exactly.
    TrailerLength {
        /// Octets of the checksum.
        expected: usize,
        /// Octets given.
        found: usize,
    },
    /// The encrypted segments' octets are not a multiple of the cipher's block (des3-cbc-sha1-kd); the caller pads.
    PaddingLength {
        /// What their number must be a multiple of.
        multiple: usize,
        /// Octets given, the header included.
        found: usize,
    },
    /// The segments' lengths do not sum up to a length.
    Overflow,
}

impl fmt::Display for CryptoError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Unsupported { enctype } if enctype.is_weak() => {
                write!(
                    f,
                    "encryption type {enctype} ({}) is historic and not supported",
                    enctype.0
                )
            }
            Self::Unsupported { enctype } => {
                write!(f, "encryption type {enctype} ({}) is not supported", enctype.0)
            }
            Self::RefusedByPolicy { enctype } => {
                write!(
                    f,
                    "encryption type {enctype} ({}) is refused by policy",
                    enctype.0
                )?;
                match *enctype {
                    EncryptionType::RC4_HMAC => f.write_str(": allow_rc4 is not set"),
                    EncryptionType::DES3_CBC_SHA1_KD => f.write_str(": allow_des3 is not set"),
                    _ => Ok(()),
                }
            }
            Self::ChecksumRefusedByPolicy { cksumtype } => write!(
                f,
                "unkeyed checksum {cksumtype} ({}) is refused by policy: allow_weak_crypto is not set",
                cksumtype.0
            ),
            Self::ChecksumUnsupported { cksumtype } => {
                write!(
                    f,
                    "unkeyed checksum: expected a type of these, but found {cksumtype} ({})",
                    cksumtype.0
                )
            }
            Self::ChecksumMismatch { cksumtype } => {
                write!(
                    f,
                    "unkeyed checksum {cksumtype} ({}) does not match: altered bytes",
                    cksumtype.0
                )
            }
            Self::KeyLength {
                enctype,
                expected,
                found,
            } => {
                write!(
                    f,
                    "key of {enctype} ({}): expected {expected} octets, but found {found}",
                    enctype.0
                )
            }
            Self::CiphertextTooShort { enctype, min, found } => write!(
                f,
                "ciphertext of {enctype} ({}): expected at least {min} octets, but found {found}",
                enctype.0
            ),
            Self::IntegrityFailure { enctype } => write!(
                f,
                "integrity check failed with a key of {enctype} ({}): wrong key, wrong usage or altered bytes",
                enctype.0
            ),
            Self::ChecksumType { expected, found } => write!(
                f,
                "checksum type: expected {expected} ({}), but found {found} ({})",
                expected.0, found.0
            ),
            Self::IterationCountTooLow { enctype, min, found } => write!(
                f,
                "iteration count for {enctype} ({}): expected at least {min}, but found {found}",
                enctype.0
            ),
            Self::IterationCountTooHigh { enctype, max, found } => write!(
                f,
                "iteration count for {enctype} ({}): expected at most {max}, but found {found}",
                enctype.0
            ),
            Self::StringToKeyParams { enctype, found } => write!(
                f,
                "string-to-key parameters of {enctype} ({}): expected {}, but found {found}",
                enctype.0,
                if enctype.default_iterations().is_some() {
                    "4 octets"
                } else {
                    "none"
                },
            ),
            Self::PasswordNotText { enctype } => {
                write!(
                    f,
                    "password for {enctype} ({}): expected UTF-8, but found other octets",
                    enctype.0
                )
            }
            Self::PasswordTooLong { max, found } => {
                write!(f, "password: expected at most {max} octets, but found {found}")
            }
            Self::SaltTooLong { max, found } => {
                write!(f, "salt: expected at most {max} octets, but found {found}")
            }
            Self::MessageTooLong { max, found } => {
                write!(f, "message: expected at most {max} octets, but found {found}")
            }
            Self::PrfOutputTooLong { max, found } => {
                write!(
                    f,
                    "output of PRF+: expected at most {max} octets, but found {found}"
                )
            }
            Self::Segments(error) => write!(f, "segments: {error}"),
        }
    }
}

impl fmt::Display for SegmentError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::HeaderNotFirst => {
                f.write_str("expected the header first, but found another segment or none")
            }
            Self::SecondHeader => f.write_str("expected one header, but found a second"),
            Self::NoTrailer => f.write_str("expected a trailer, but found none"),
            Self::SecondTrailer => f.write_str("expected one trailer, but found a second"),
            Self::HeaderLength { expected, found } => {
                write!(f, "expected a header of {expected} octets, but found {found}")
            }
            Self::TrailerLength { expected, found } => {
                write!(f, "expected a trailer of {expected} octets, but found {found}")
            }
            Self::PaddingLength { multiple, found } => {
                write!(
                    f,
                    "expected a multiple of {multiple} encrypted octets, but found {found}"
                )
            }
            Self::Overflow => f.write_str("expected lengths that sum up, but found an overflow"),
        }
    }
}

impl core::error::Error for CryptoError {}
impl core::error::Error for SegmentError {}

impl From<SegmentError> for CryptoError {
    fn from(error: SegmentError) -> Self {
        Self::Segments(error)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn refusals_name_the_type_and_what_was_expected() {
        assert_eq!(
            CryptoError::Unsupported {
                enctype: EncryptionType::DES_CBC_MD5
            }
            .to_string(),
            "encryption type des-cbc-md5 (3) is historic and not supported"
        );
        assert_eq!(
            CryptoError::Unsupported {
                enctype: EncryptionType::SUBKEY_KEYMATERIAL
            }
            .to_string(),
            "encryption type subkey-keymaterial (65) is not supported"
        );
        assert_eq!(
            CryptoError::IterationCountTooLow {
                enctype: EncryptionType(18),
                min: 4096,
                found: 1
            }
            .to_string(),
            "iteration count for aes256-cts-hmac-sha1-96 (18): expected at least 4096, but found 1"
        );
        assert_eq!(
            CryptoError::Segments(SegmentError::TrailerLength {
                expected: 12,
                found: 3
            })
            .to_string(),
            "segments: expected a trailer of 12 octets, but found 3"
        );
    }
}
