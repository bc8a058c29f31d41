//! PAC_SIGNATURE_DATA (MS-PAC section 2.8).

use alloc::vec::Vec;
use core::ops::Range;

use kerbside_crypto::ChecksumType;

use crate::error::{Malformed, PacError};
use crate::reader::Reader;

/// Octets of `SignatureType`, before the signature.
pub(crate) const TYPE_LEN: usize = 4;

/// A signature as the PAC has it. That it is here says nothing: it is verified by the calls that take a key.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacSignatureData<'a> {
    /// The checksum's type.
    pub signature_type: ChecksumType,
    /// The checksum.
    pub signature: &'a [u8],
    /// The number of a read-only domain controller's krbtgt key: the upper half of its kvno.
    pub rodc_identifier: Option<u16>,
}

impl<'a> PacSignatureData<'a> {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`]; among others for a checksum type that is keyed by no encryption type or not known.
    pub fn from_bytes(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("PAC_SIGNATURE_DATA", bytes);
        let number = reader.u32()?;
        let signature_type = ChecksumType(number.cast_signed());
        let len = signature_type
            .checksum_len()
            .filter(|_| signature_type.is_keyed());
        let Some(len) = len else {
            return Err(reader.value_error("a keyed checksum type", number));
        };
        let signature = reader.take(len)?;
        let rodc_identifier = match reader.remaining() {
            0 => None,
            2 => Some(reader.u16()?),
            len => return Err(reader.error(Malformed::TrailingData { len })),
        };
        Ok(Self {
            signature_type,
            signature,
            rodc_identifier,
        })
    }

    /// The buffer.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = self.signature_type.0.to_le_bytes().to_vec();
        bytes.extend(self.signature);
        bytes.extend(self.rodc_identifier.into_iter().flat_map(u16::to_le_bytes));
        bytes
    }

    /// Where the checksum stands in the buffer: the octets that are zero while it is computed.
    pub(crate) const fn signature_range(&self) -> Range<usize> {
        TYPE_LEN..TYPE_LEN + self.signature.len()
    }
}
