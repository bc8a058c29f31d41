//! Why an administrative request was not carried out

use core::fmt;

use kerbside_crypto::{CryptoError, MAX_PASSWORD_LEN};

use crate::codec::{Malformed, Reader, Writer};
use crate::error::ServerError;

/// Why a request was refused; nothing was changed then
///
/// `Display` of the first ones is MIT krb5's text for the same refusal, because scripts look for it.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AdminError {
    /// The name is taken
    Exists,
    /// There is no such principal
    Unknown,
    /// The principal belongs to the database itself
    Protected,
    /// The password has no character
    EmptyPassword,
    /// The password is longer than string-to-key takes
    PasswordTooLong,
    /// No usable enctype was given
    NoKeySalts,
    /// The key version number cannot grow further
    KvnoExhausted,
    /// Not offered; names what
    Unsupported(String),
    /// The store failed; cause and evidence
    Store(String),
    /// The administration socket failed; cause and evidence
    Transport(String),
}

impl fmt::Display for AdminError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            AdminError::Exists => f.write_str("Principal or policy already exists"),
            AdminError::Unknown => f.write_str("Principal does not exist"),
            AdminError::Protected => f.write_str("Cannot change protected principal"),
            AdminError::EmptyPassword => f.write_str("Empty passwords are not allowed"),
            AdminError::PasswordTooLong => {
                write!(
                    f,
                    "Password is too long: at most {MAX_PASSWORD_LEN} bytes are taken"
                )
            }
            AdminError::NoKeySalts => f.write_str("No supported encryption type given"),
            AdminError::KvnoExhausted => f.write_str("the key version number cannot grow further"),
            AdminError::Unsupported(what) => write!(f, "{what} is not supported"),
            AdminError::Store(detail) | AdminError::Transport(detail) => f.write_str(detail),
        }
    }
}

impl core::error::Error for AdminError {}

impl From<ServerError> for AdminError {
    fn from(error: ServerError) -> Self {
        AdminError::Store(error.to_string())
    }
}

impl From<CryptoError> for AdminError {
    fn from(error: CryptoError) -> Self {
        match error {
            CryptoError::PasswordTooLong { .. } => AdminError::PasswordTooLong,
            other => AdminError::Store(other.to_string()),
        }
    }
}

impl AdminError {
    pub(crate) fn write(&self, w: &mut Writer) {
        let (code, text) = match self {
            AdminError::Exists => (1, ""),
            AdminError::Unknown => (2, ""),
            AdminError::Protected => (3, ""),
            AdminError::EmptyPassword => (4, ""),
            AdminError::PasswordTooLong => (5, ""),
            AdminError::NoKeySalts => (6, ""),
            AdminError::KvnoExhausted => (7, ""),
            AdminError::Unsupported(what) => (8, what.as_str()),
            AdminError::Store(detail) => (9, detail.as_str()),
            AdminError::Transport(detail) => (10, detail.as_str()),
        };
        w.u8(code);
        w.text(text);
    }

    pub(crate) fn read(r: &mut Reader<'_>) -> Result<AdminError, Malformed> {
        let malformed = r.malformed("error");
        let code = r.u8("error")?;
        let text = r.text("error text")?;
        Ok(match code {
            1 => AdminError::Exists,
            2 => AdminError::Unknown,
            3 => AdminError::Protected,
            4 => AdminError::EmptyPassword,
            5 => AdminError::PasswordTooLong,
            6 => AdminError::NoKeySalts,
            7 => AdminError::KvnoExhausted,
            8 => AdminError::Unsupported(text),
            9 => AdminError::Store(text),
            10 => AdminError::Transport(text),
            _ => return Err(malformed),
        })
    }
}
