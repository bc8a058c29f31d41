//! PAC_CLIENT_INFO (MS-PAC section 2.7).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::PacError;
use crate::filetime::FileTime;
use crate::reader::{Reader, to_utf16};

/// Whose PAC it is and of which authentication: what ties it to a ticket.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacClientInfo {
    /// The ticket's authtime.
    pub client_id: FileTime,
    /// The ticket's cname: components with `/` between them, nothing quoted.
    pub name: String,
}

impl PacClientInfo {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("PAC_CLIENT_INFO", bytes);
        let client_id = FileTime(reader.u64()?);
        let length = reader.u16()?;
        let name = reader.utf16(length.into())?;
        reader.end()?;
        Ok(Self { client_id, name })
    }

    /// The buffer.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let name = to_utf16(&self.name);
        let length = u16::try_from(name.len()).map_err(|_| PacError::TooLongToEncode {
            what: "PAC_CLIENT_INFO name",
            found: name.len(),
            max: u16::MAX.into(),
        })?;
        let mut bytes = self.client_id.0.to_le_bytes().to_vec();
        bytes.extend(length.to_le_bytes());
        bytes.extend(name);
        Ok(bytes)
    }
}
