//! PAC_ATTRIBUTES_INFO (MS-PAC section 2.14).

use alloc::vec::Vec;

use crate::error::PacError;
use crate::reader::Reader;

/// How the client came to its PAC. Only ticket-granting tickets have it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct PacAttributesInfo {
    /// How many of the bits mean something.
    pub flags_length: u32,
    /// The bits, 32 in each.
    pub flags: Vec<u32>,
}

impl PacAttributesInfo {
    /// The client asked for a PAC.
    pub const PAC_WAS_REQUESTED: u32 = 0x1;
    /// The client neither asked nor declined.
    pub const PAC_WAS_GIVEN_IMPLICITLY: u32 = 0x2;

    /// The two bits that are defined.
    #[must_use]
    pub fn new(flags: u32) -> Self {
        Self {
            flags_length: 2,
            flags: Vec::from([flags]),
        }
    }

    /// Whether all of these bits of the first word are set, and counted.
    #[must_use]
    pub fn contains(&self, flags: u32) -> bool {
        let counted = match self.flags_length {
            0..32 => (1 << self.flags_length) - 1,
            _ => u32::MAX,
        };
        self.flags
            .first()
            .is_some_and(|first| first & counted & flags == flags)
    }

    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("PAC_ATTRIBUTES_INFO", bytes);
        let flags_length = reader.u32()?;
        let words = reader.room_for(flags_length.div_ceil(32), 4)?;
        let mut flags = Vec::with_capacity(words);
        for _ in 0..words {
            flags.push(reader.u32()?);
        }
        reader.end()?;
        Ok(Self { flags_length, flags })
    }

    /// The buffer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let words = self.flags.iter().flat_map(|word| word.to_le_bytes());
        self.flags_length.to_le_bytes().into_iter().chain(words).collect()
    }
}
