//! RPC_UNICODE_STRING (MS-DTYP section 2.3.10) and null-terminated strings.

use alloc::borrow::ToOwned;
use alloc::string::String;
use core::fmt;
use core::ops::Deref;

use super::{NdrReader, NdrWriter};
use crate::error::{Malformed, PacError};
use crate::reader::to_utf16;

/// A text with the room that its sender had for it: Windows counts a terminating null character in some fields and in
/// others not, and a PAC that is encoded again has to say the same.
#[derive(Clone, PartialEq, Eq, Default)]
pub struct RpcUnicodeString {
    text: String,
    /// Octets of `MaximumLength`.
    room: u16,
    /// Whether the pointer was null; the text is empty then.
    null: bool,
}

impl RpcUnicodeString {
    /// A text without room for more.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`] for more than 32767 UTF-16 units.
    pub fn new(text: &str) -> Result<Self, PacError> {
        Self::with_spare_units(text, 0)
    }

    /// A text with room for a terminating null character, as Windows has it in `LogonServer` and `LogonDomainName`.
    ///
    /// # Errors
    /// As [`Self::new`].
    pub fn with_room_for_null(text: &str) -> Result<Self, PacError> {
        Self::with_spare_units(text, 1)
    }

    fn with_spare_units(text: &str, spare: usize) -> Result<Self, PacError> {
        let units = text.encode_utf16().count().saturating_add(spare);
        let room = units.checked_mul(2).and_then(|octets| u16::try_from(octets).ok());
        Ok(Self {
            text: text.to_owned(),
            room: room.ok_or(PacError::TooLongToEncode {
                what: "RPC_UNICODE_STRING",
                found: units,
                max: usize::from(u16::MAX / 2),
            })?,
            null: false,
        })
    }

    /// The null string, which reads as the empty one.
    #[must_use]
    pub const fn null() -> Self {
        Self {
            text: String::new(),
            room: 0,
            null: true,
        }
    }

    /// The text.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.text
    }
}

impl Deref for RpcUnicodeString {
    type Target = str;

    fn deref(&self) -> &str {
        &self.text
    }
}

impl fmt::Display for RpcUnicodeString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.text)
    }
}

impl fmt::Debug for RpcUnicodeString {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Debug::fmt(&self.text, f)
    }
}

/// The part of an RPC_UNICODE_STRING that stands in its structure.
#[derive(Clone, Copy, Debug)]
pub(crate) struct StringHeader {
    length: u16,
    room: u16,
    present: bool,
}

impl StringHeader {
    /// Octets of it: two lengths and a pointer.
    pub(crate) const LEN: usize = 8;

    pub(crate) fn read(reader: &mut NdrReader<'_>) -> Result<Self, PacError> {
        // The structure is aligned as its pointer is.
        let lengths = reader.u32()?;
        let length = u16::try_from(lengths & 0xffff).unwrap_or(0);
        let room = u16::try_from(lengths >> 16).unwrap_or(0);
        if length % 2 != 0 {
            return Err(reader.value_error("an even length of a string", length));
        }
        if length > room {
            return Err(reader.value_error("a string no longer than its maximum", length));
        }
        let present = reader.pointer()?;
        if !present && length != 0 {
            return Err(reader.error(Malformed::NullPointer));
        }
        Ok(Self {
            length,
            room,
            present,
        })
    }

    /// What the pointer points to: a conformant varying array of UTF-16 units.
    pub(crate) fn referent(self, reader: &mut NdrReader<'_>) -> Result<RpcUnicodeString, PacError> {
        if !self.present {
            return Ok(RpcUnicodeString {
                text: String::new(),
                room: self.room,
                null: true,
            });
        }
        let room = reader.u32()?;
        if room != u32::from(self.room / 2) {
            return Err(reader.error(Malformed::Counts {
                expected: (self.room / 2).into(),
                found: room.into(),
            }));
        }
        let text = varying(reader, u32::from(self.length / 2))?;
        Ok(RpcUnicodeString {
            text,
            room: self.room,
            null: false,
        })
    }
}

impl NdrWriter {
    pub(crate) fn string_header(&mut self, string: &RpcUnicodeString) {
        let length = string.text.encode_utf16().count().saturating_mul(2);
        self.u32(u32::from(string.room) << 16 | u32::try_from(length).unwrap_or(0) & 0xffff);
        self.pointer(!string.null);
    }

    pub(crate) fn string_referent(&mut self, string: &RpcUnicodeString) -> Result<(), PacError> {
        if !string.null {
            self.u32((string.room / 2).into());
            self.u32(0);
            self.count("RPC_UNICODE_STRING", string.text.encode_utf16().count())?;
            self.octets(&to_utf16(&string.text));
        }
        Ok(())
    }

    /// A `[string] wchar_t *`: the null character is counted and sent.
    pub(crate) fn terminated_string(&mut self, text: &str) -> Result<(), PacError> {
        let units = text.encode_utf16().count().saturating_add(1);
        self.count("string", units)?;
        self.u32(0);
        self.count("string", units)?;
        self.octets(&to_utf16(text));
        self.u16(0);
        Ok(())
    }
}

impl NdrReader<'_> {
    /// A `[string] wchar_t *`, without its null character.
    pub(crate) fn terminated_string(&mut self) -> Result<String, PacError> {
        let room = self.u32()?;
        let mut text = varying(self, room)?;
        match text.pop() {
            Some('\0') => Ok(text),
            _ => Err(self.error(Malformed::NotTerminated)),
        }
    }
}

/// Offset, count and units of a varying array of characters.
fn varying(reader: &mut NdrReader<'_>, expected: u32) -> Result<String, PacError> {
    let offset = reader.u32()?;
    if offset != 0 {
        return Err(reader.value_error("a string from its beginning", offset));
    }
    let units = reader.conformance(expected, 2)?;
    reader.utf16(units.saturating_mul(2))
}
