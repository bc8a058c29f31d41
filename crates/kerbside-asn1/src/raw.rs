//! Values that keep the bytes they were read from.

use core::fmt;
use core::ops::Deref;

use crate::codec::{self, Decode, Element, Encode};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::writer::Writer;

/// A decoded value together with its encoding as received or as built.
///
/// For what a checksum covers (`req-body`, `mechTypes`) or another place stores (a `Ticket`): encoding it again could give
/// other bytes than the peer signed. It encodes as those bytes.
#[derive(Clone, Copy)]
pub struct Raw<'a, T> {
    bytes: &'a [u8],
    value: T,
}

impl<'a, T: Decode<'a>> Raw<'a, T> {
    /// Decodes `bytes`, all of it, and keeps both.
    ///
    /// # Errors
    /// As [`decode`](crate::decode).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes).map(|value| Self { bytes, value })
    }
}

impl<'a, T> Raw<'a, T> {
    /// The encoding, tag and all.
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The decoded value.
    pub const fn value(&self) -> &T {
        &self.value
    }

    /// The decoded value, without its bytes.
    pub fn into_value(self) -> T {
        self.value
    }
}

impl<T> Deref for Raw<'_, T> {
    type Target = T;

    fn deref(&self) -> &T {
        &self.value
    }
}

impl<T: fmt::Debug> fmt::Debug for Raw<'_, T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.value.fmt(f)
    }
}

/// Equal when the encodings are.
impl<T> PartialEq for Raw<'_, T> {
    fn eq(&self, other: &Self) -> bool {
        self.bytes == other.bytes
    }
}

impl<T> Eq for Raw<'_, T> {}

impl<T: Element> Element for Raw<'_, T> {
    const MAX_COUNT: usize = T::MAX_COUNT;
}

impl<'a, T: Decode<'a>> Decode<'a> for Raw<'a, T> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let start = reader.position();
        let value = T::decode(reader)?;
        let bytes = reader.since(start);
        Ok(Self { bytes, value })
    }
}

impl<T> Encode for Raw<'_, T> {
    fn encoded_len(&self) -> usize {
        self.bytes.len()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.bytes)
    }
}
