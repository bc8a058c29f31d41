//! Little-endian octets, read with bounds.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{Malformed, PacError};

/// A position in the octets of one structure. Nothing is read past their end, and nothing is allocated before it is
/// known that the octets for it are there.
#[derive(Debug)]
pub(crate) struct Reader<'a> {
    what: &'static str,
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Reader<'a> {
    pub(crate) const fn new(what: &'static str, bytes: &'a [u8]) -> Self {
        Self {
            what,
            bytes,
            position: 0,
        }
    }

    pub(crate) fn error(&self, kind: Malformed) -> PacError {
        PacError::malformed(self.what, self.position, kind)
    }

    pub(crate) fn value_error(&self, expected: &'static str, found: impl Into<u64>) -> PacError {
        self.error(Malformed::Value {
            expected,
            found: found.into(),
        })
    }

    pub(crate) const fn position(&self) -> usize {
        self.position
    }

    pub(crate) const fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], PacError> {
        let end = self.position.checked_add(len);
        match end.and_then(|end| self.bytes.get(self.position..end)) {
            Some(taken) => {
                self.position = self.position.saturating_add(len);
                Ok(taken)
            }
            None => Err(self.error(Malformed::Overrun {
                needed: u64::try_from(len).unwrap_or(u64::MAX),
                found: self.remaining(),
            })),
        }
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], PacError> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.position..).unwrap_or_default();
        self.position = self.bytes.len();
        rest
    }

    /// Goes on at the next multiple of `to`, whatever the octets before it are.
    pub(crate) fn align(&mut self, to: usize) -> Result<(), PacError> {
        self.take(padding(self.position, to)).map(drop)
    }

    pub(crate) fn u8(&mut self) -> Result<u8, PacError> {
        self.array().map(u8::from_le_bytes)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, PacError> {
        self.array().map(u16::from_le_bytes)
    }

    pub(crate) fn u32(&mut self) -> Result<u32, PacError> {
        self.array().map(u32::from_le_bytes)
    }

    pub(crate) fn u64(&mut self) -> Result<u64, PacError> {
        self.array().map(u64::from_le_bytes)
    }

    /// `count` elements of at least `size` octets each must fit into what is left.
    pub(crate) fn room_for(&self, count: u32, size: usize) -> Result<usize, PacError> {
        let needed = u64::from(count).saturating_mul(u64::try_from(size).unwrap_or(u64::MAX));
        match usize::try_from(count) {
            Ok(count) if usize::try_from(needed).is_ok_and(|needed| needed <= self.remaining()) => Ok(count),
            _ => Err(self.error(Malformed::Overrun {
                needed,
                found: self.remaining(),
            })),
        }
    }

    /// The text in the next `len` octets.
    pub(crate) fn utf16(&mut self, len: usize) -> Result<String, PacError> {
        let start = self.position;
        let octets = self.take(len)?;
        utf16(octets).map_err(|kind| PacError::malformed(self.what, start, kind))
    }

    /// Nothing may be left.
    pub(crate) fn end(self) -> Result<(), PacError> {
        match self.remaining() {
            0 => Ok(()),
            len => Err(self.error(Malformed::TrailingData { len })),
        }
    }
}

/// Octets from `position` to the next multiple of `to`.
pub(crate) const fn padding(position: usize, to: usize) -> usize {
    position.next_multiple_of(to).saturating_sub(position)
}

/// Text of UTF-16, least significant octet first.
pub(crate) fn utf16(octets: &[u8]) -> Result<String, Malformed> {
    let (pairs, rest) = octets.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(Malformed::Value {
            expected: "an even number of octets",
            found: u64::try_from(octets.len()).unwrap_or(u64::MAX),
        });
    }
    char::decode_utf16(pairs.iter().map(|pair| u16::from_le_bytes(*pair)))
        .collect::<Result<String, _>>()
        .map_err(|_| Malformed::NotUtf16)
}

/// The octets of a text in UTF-16, least significant first.
pub(crate) fn to_utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}
