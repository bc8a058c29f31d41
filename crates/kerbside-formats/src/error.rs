//! What can be wrong with a keytab or a credential cache: format, byte offset, cause.

use alloc::boxed::Box;
use core::fmt;

use kerbside_crypto::{CryptoError, EncryptionType};

use crate::kirbi::KrbCredCause;

/// Which kind of file an error is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum FileFormat {
    /// A keytab.
    Keytab,
    /// A credential cache.
    CredentialCache,
    /// A `KRB-CRED` message (`kirbi`).
    KrbCred,
}

impl fmt::Display for FileFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Keytab => "keytab",
            Self::CredentialCache => "credential cache",
            Self::KrbCred => "KRB-CRED",
        })
    }
}

/// A binary file that is refused, or a value that its format cannot hold.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum FormatError {
    /// The file does not begin as this format does.
    NotThisFormat {
        /// What was expected.
        format: FileFormat,
        /// The first byte, if there is one.
        found: Option<u8>,
    },
    /// A version of the format that is not known.
    Version {
        /// The format.
        format: FileFormat,
        /// The version byte.
        version: u8,
    },
    /// The file is longer than the format's named limit.
    TooLong {
        /// The format.
        format: FileFormat,
        /// Bytes in the file.
        len: usize,
        /// Bytes allowed.
        max: usize,
    },
    /// The bytes break the format's grammar.
    Damaged {
        /// The format.
        format: FileFormat,
        /// Offset of the field that is wrong, from the start of the file.
        offset: usize,
        /// What is wrong there.
        cause: Cause,
    },
    /// A value does not fit its field when written.
    Unrepresentable {
        /// The format.
        format: FileFormat,
        /// The field's name.
        field: &'static str,
        /// What the field can hold.
        expected: &'static str,
    },
    /// A `KRB-CRED` message that is refused, or cannot be made.
    KrbCred(Box<KrbCredCause>),
}

/// The cause inside [`FormatError::Damaged`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Cause {
    /// A field goes beyond the end of the file or of its record.
    Truncated {
        /// The field's name.
        field: &'static str,
        /// Bytes it needs.
        expected: usize,
        /// Bytes that are left.
        found: usize,
    },
    /// A count of things that cannot fit in what is left.
    Count {
        /// What is counted.
        field: &'static str,
        /// The count as written.
        count: u32,
        /// Bytes that are left.
        left: usize,
    },
    /// A number outside the range its field allows.
    Value {
        /// The field's name.
        field: &'static str,
        /// What it should be.
        expected: &'static str,
        /// What it is.
        found: i64,
    },
    /// A key that its own encryption type refuses.
    Key {
        /// The key's encryption type.
        enctype: EncryptionType,
        /// The crypto layer's reason.
        error: CryptoError,
    },
}

impl fmt::Display for FormatError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotThisFormat {
                format,
                found: Some(found),
            } => {
                write!(
                    f,
                    "not a {format}: expected first byte 0x05, but found 0x{found:02x}"
                )
            }
            Self::NotThisFormat { format, found: None } => {
                write!(
                    f,
                    "not a {format}: expected first byte 0x05, but found an empty file"
                )
            }
            Self::Version { format, version } => {
                write!(f, "{format} version {version} is not supported")
            }
            Self::TooLong { format, len, max } => {
                write!(
                    f,
                    "{format} too long: expected at most {max} bytes, but found {len}"
                )
            }
            Self::Damaged {
                format,
                offset,
                cause,
            } => write!(f, "damaged {format} at byte {offset}: {cause}"),
            Self::Unrepresentable {
                format,
                field,
                expected,
            } => {
                write!(f, "{field} does not fit a {format}: expected {expected}")
            }
            Self::KrbCred(cause) => write!(f, "KRB-CRED: {cause}"),
        }
    }
}

impl fmt::Display for Cause {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Truncated {
                field,
                expected,
                found,
            } => {
                write!(f, "expected {expected} bytes of {field}, but found {found}")
            }
            Self::Count { field, count, left } => {
                write!(f, "expected {count} {field}, but found only {left} more bytes")
            }
            Self::Value {
                field,
                expected,
                found,
            } => {
                write!(f, "{field}: expected {expected}, but found {found}")
            }
            Self::Key { error, .. } => write!(f, "{error}"),
        }
    }
}

impl core::error::Error for FormatError {}
