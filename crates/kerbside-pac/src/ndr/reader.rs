//! Reading NDR.

use alloc::string::String;
use alloc::vec::Vec;

use super::{COMMON_HEADER, HEADERS_LEN};
use crate::error::{Malformed, PacError};
use crate::reader::Reader;
use crate::sid::Sid;

/// What may follow a serialized object in its buffer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Trailing {
    /// Nothing.
    Refused,
    /// Anything: a decrypted buffer has the cipher's padding behind the object.
    Ignored,
}

/// A reader that aligns each number to its own size, as NDR does.
#[derive(Debug)]
pub(crate) struct NdrReader<'a> {
    inner: Reader<'a>,
}

impl<'a> NdrReader<'a> {
    /// Reads the headers and the object's outermost pointer, which must not be null, and gives what `read` makes of the
    /// rest. The object's end may be padded to eight octets.
    pub(crate) fn object<T>(
        what: &'static str,
        bytes: &'a [u8],
        trailing: Trailing,
        read: impl FnOnce(&mut Self) -> Result<T, PacError>,
    ) -> Result<T, PacError> {
        let mut headers = Reader::new(what, bytes);
        let common = headers.array::<4>()?;
        if common != COMMON_HEADER {
            return Err(headers.value_error(
                "type serialization version 1, little-endian (01 10 08 00)",
                u32::from_be_bytes(common),
            ));
        }
        headers.take(4)?;
        let length = headers.u32()?;
        headers.take(4)?;
        let end = headers.room_for(length, 1)?.saturating_add(HEADERS_LEN);
        let object = bytes.get(..end).unwrap_or_default();
        if trailing == Trailing::Refused {
            headers.take(end.saturating_sub(HEADERS_LEN))?;
            headers.end()?;
        }
        let mut reader = Self {
            inner: Reader::new(what, object),
        };
        // Alignment counts from the object's start, which is a multiple of eight from the buffer's.
        reader.inner.take(HEADERS_LEN)?;
        if !reader.pointer()? {
            return Err(reader.error(Malformed::NullPointer));
        }
        let value = read(&mut reader)?;
        match reader.inner.remaining() {
            0..8 => Ok(value),
            len => Err(reader.error(Malformed::TrailingData { len })),
        }
    }

    pub(crate) fn room_for(&self, count: u32, size: usize) -> Result<usize, PacError> {
        self.inner.room_for(count, size)
    }

    pub(crate) fn error(&self, kind: Malformed) -> PacError {
        self.inner.error(kind)
    }

    pub(crate) fn value_error(&self, expected: &'static str, found: impl Into<u64>) -> PacError {
        self.inner.value_error(expected, found)
    }

    pub(crate) fn u16(&mut self) -> Result<u16, PacError> {
        self.inner.align(2)?;
        self.inner.u16()
    }

    pub(crate) fn u32(&mut self) -> Result<u32, PacError> {
        self.inner.align(4)?;
        self.inner.u32()
    }

    /// A hyper integer.
    pub(crate) fn u64(&mut self) -> Result<u64, PacError> {
        self.inner.align(8)?;
        self.inner.u64()
    }

    /// A structure of two longs, such as FILETIME: aligned to four.
    pub(crate) fn two_longs(&mut self) -> Result<u64, PacError> {
        self.inner.align(4)?;
        self.inner.u64()
    }

    pub(crate) fn octets<const N: usize>(&mut self) -> Result<[u8; N], PacError> {
        self.inner.array()
    }

    pub(crate) fn take(&mut self, len: usize) -> Result<&'a [u8], PacError> {
        self.inner.take(len)
    }

    pub(crate) fn utf16(&mut self, len: usize) -> Result<String, PacError> {
        self.inner.utf16(len)
    }

    /// Whether a pointer points to something, which then follows behind the structure.
    pub(crate) fn pointer(&mut self) -> Result<bool, PacError> {
        self.u32().map(|referent| referent != 0)
    }

    /// The conformance count before an array whose elements have at least `size` octets. It must be `expected`, and
    /// the elements must fit into what is left.
    pub(crate) fn conformance(&mut self, expected: u32, size: usize) -> Result<usize, PacError> {
        let found = self.u32()?;
        if found != expected {
            return Err(self.error(Malformed::Counts {
                expected: expected.into(),
                found: found.into(),
            }));
        }
        self.inner.room_for(found, size)
    }

    /// What a pointer to an array of `count` elements points to: nothing for a null pointer, which stands for an empty
    /// array.
    pub(crate) fn array<T>(
        &mut self,
        present: bool,
        count: u32,
        size: usize,
        mut read: impl FnMut(&mut Self) -> Result<T, PacError>,
    ) -> Result<Vec<T>, PacError> {
        if !present {
            return if count == 0 {
                Ok(Vec::new())
            } else {
                Err(self.error(Malformed::NullPointer))
            };
        }
        let len = self.conformance(count, size)?;
        let mut elements = Vec::with_capacity(len);
        for _ in 0..len {
            elements.push(read(self)?);
        }
        Ok(elements)
    }

    /// An array of octets.
    pub(crate) fn bytes(&mut self, present: bool, count: u32) -> Result<&'a [u8], PacError> {
        if !present {
            return if count == 0 {
                Ok(&[])
            } else {
                Err(self.error(Malformed::NullPointer))
            };
        }
        let len = self.conformance(count, 1)?;
        self.take(len)
    }

    /// An RPC_SID (MS-DTYP section 2.4.2.3): a packet form behind the count of its sub-authorities.
    pub(crate) fn sid(&mut self) -> Result<Sid, PacError> {
        let count = self.u32()?;
        let sid = Sid::read(&mut self.inner)?;
        let found = sid.sub_authorities().len();
        if usize::try_from(count) != Ok(found) {
            return Err(self.error(Malformed::Counts {
                expected: u64::try_from(found).unwrap_or(u64::MAX),
                found: count.into(),
            }));
        }
        Ok(sid)
    }

    /// What a pointer to a SID points to.
    pub(crate) fn optional_sid(&mut self, present: bool) -> Result<Option<Sid>, PacError> {
        present.then(|| self.sid()).transpose()
    }
}
