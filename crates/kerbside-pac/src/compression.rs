//! Decompression of claims (MS-XCA), into no more octets than were announced.

mod lznt1;
mod xpress;
mod xpress_huffman;

use alloc::vec::Vec;

use crate::claims::CompressionFormat;
use crate::error::{Malformed, PacError};

/// The most octets that compressed claims may unfold to.
pub const MAX_UNCOMPRESSED_CLAIMS: usize = 1 << 20;

const WHAT: &str = "compressed claims";

/// The `len` octets that `compressed` stands for.
///
/// # Errors
/// [`PacError::Malformed`] for another length, a broken stream, a length above [`MAX_UNCOMPRESSED_CLAIMS`].
pub(crate) fn decompress(
    format: CompressionFormat,
    compressed: &[u8],
    len: u32,
) -> Result<Vec<u8>, PacError> {
    let found = u64::from(len);
    let len = usize::try_from(len).unwrap_or(usize::MAX);
    if len > MAX_UNCOMPRESSED_CLAIMS {
        let kind = Malformed::TooMany {
            of: "uncompressed octets",
            max: MAX_UNCOMPRESSED_CLAIMS,
            found,
        };
        return Err(PacError::malformed(WHAT, 0, kind));
    }
    let mut output = Output {
        bytes: Vec::new(),
        len,
    };
    let mut input = Input {
        bytes: compressed,
        position: 0,
    };
    let result = match format {
        CompressionFormat::LZNT1 => lznt1::decompress(&mut input, &mut output),
        CompressionFormat::XPRESS => xpress::decompress(&mut input, &mut output),
        CompressionFormat::XPRESS_HUFF => xpress_huffman::decompress(&mut input, &mut output),
        _ => Err("unknown compression format"),
    };
    match result {
        Ok(()) if output.is_full() => Ok(output.bytes),
        Ok(()) => Err("ends before the announced length"),
        Err(reason) => Err(reason),
    }
    .map_err(|reason| PacError::malformed(WHAT, input.position, Malformed::Compression { reason }))
}

/// What is wrong with a stream.
type Reason = &'static str;

const TRUNCATED: Reason = "ends in the middle";

struct Input<'a> {
    bytes: &'a [u8],
    position: usize,
}

impl<'a> Input<'a> {
    fn remaining(&self) -> usize {
        self.bytes.len().saturating_sub(self.position)
    }

    fn take(&mut self, len: usize) -> Result<&'a [u8], Reason> {
        let end = self.position.checked_add(len).ok_or(TRUNCATED)?;
        let taken = self.bytes.get(self.position..end).ok_or(TRUNCATED)?;
        self.position = end;
        Ok(taken)
    }

    fn array<const N: usize>(&mut self) -> Result<[u8; N], Reason> {
        let mut array = [0; N];
        array.copy_from_slice(self.take(N)?);
        Ok(array)
    }

    fn u8(&mut self) -> Result<u8, Reason> {
        self.array().map(u8::from_le_bytes)
    }

    fn u16(&mut self) -> Result<u16, Reason> {
        self.array().map(u16::from_le_bytes)
    }

    fn u32(&mut self) -> Result<u32, Reason> {
        self.array().map(u32::from_le_bytes)
    }
}

/// The octets so far; never more than `len`.
struct Output {
    bytes: Vec<u8>,
    len: usize,
}

const TOO_LONG: Reason = "goes on behind the announced length";

impl Output {
    fn is_full(&self) -> bool {
        self.bytes.len() >= self.len
    }

    fn literal(&mut self, octet: u8) -> Result<(), Reason> {
        if self.is_full() {
            return Err(TOO_LONG);
        }
        self.bytes.push(octet);
        Ok(())
    }

    fn literals(&mut self, octets: &[u8]) -> Result<(), Reason> {
        octets.iter().try_for_each(|octet| self.literal(*octet))
    }

    /// Repeats `length` octets from `distance` octets back, which may reach into what it writes.
    fn copy(&mut self, distance: usize, length: usize) -> Result<(), Reason> {
        if length > self.len.saturating_sub(self.bytes.len()) {
            return Err(TOO_LONG);
        }
        let from = self.bytes.len().checked_sub(distance);
        let from = from.ok_or("refers to before its beginning")?;
        for position in from..from.saturating_add(length) {
            let octet = self.bytes.get(position).copied().unwrap_or(0);
            self.bytes.push(octet);
        }
        Ok(())
    }
}

fn to_usize(value: u32) -> usize {
    usize::try_from(value).unwrap_or(usize::MAX)
}

#[cfg(test)]
mod tests;
