//! Writing NDR.

use alloc::vec::Vec;

use super::{COMMON_FILLER, COMMON_HEADER, FIRST_REFERENT, HEADERS_LEN};
use crate::error::PacError;
use crate::reader::padding;
use crate::sid::Sid;

/// A writer that aligns each number to its own size and numbers referents as Windows does: those inside of what a
/// pointer points to come before those of the pointers behind it.
#[derive(Debug)]
pub(crate) struct NdrWriter {
    bytes: Vec<u8>,
    free: Referents,
}

impl NdrWriter {
    /// The serialized object: headers, the outermost pointer, what `write` writes, padding.
    pub(crate) fn object(
        what: &'static str,
        write: impl FnOnce(&mut Self) -> Result<(), PacError>,
    ) -> Result<Vec<u8>, PacError> {
        let mut writer = Self {
            bytes: Vec::new(),
            free: Referents { next: FIRST_REFERENT },
        };
        writer.bytes.extend(COMMON_HEADER);
        writer.bytes.extend(COMMON_FILLER);
        writer.bytes.extend([0; 8]);
        writer.pointer(true);
        write(&mut writer)?;
        writer.align(8);
        let length = count32(what, writer.bytes.len().saturating_sub(HEADERS_LEN))?;
        if let Some(slot) = writer.bytes.get_mut(8..12) {
            slot.copy_from_slice(&length.to_le_bytes());
        }
        Ok(writer.bytes)
    }

    fn align(&mut self, to: usize) {
        let len = self.bytes.len();
        self.bytes.resize(len + padding(len, to), 0);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.align(2);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.align(8);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn two_longs(&mut self, value: u64) {
        self.align(4);
        self.bytes.extend(value.to_le_bytes());
    }

    pub(crate) fn octets(&mut self, octets: &[u8]) {
        self.bytes.extend(octets);
    }

    /// The count of something, where the field is one of 32 bits.
    pub(crate) fn count(&mut self, what: &'static str, count: usize) -> Result<(), PacError> {
        let count = count32(what, count)?;
        self.u32(count);
        Ok(())
    }

    pub(crate) fn pointer(&mut self, present: bool) {
        if present {
            let mut one = self.reserve(1);
            self.referent(&mut one);
        } else {
            self.u32(0);
        }
    }

    /// Numbers for so many pointers inside of what the pointer before points to, which is written later.
    pub(crate) fn reserve(&mut self, count: usize) -> Referents {
        self.free.split(count)
    }

    /// A pointer with a number reserved before.
    pub(crate) fn referent(&mut self, reserved: &mut Referents) {
        self.u32(reserved.next);
        reserved.next = reserved.next.wrapping_add(4);
    }

    pub(crate) fn sid(&mut self, sid: &Sid) {
        self.u32(u32::try_from(sid.sub_authorities().len()).unwrap_or(0));
        self.octets(&sid.to_bytes());
    }
}

/// Numbers of pointers that are still to be written.
#[derive(Debug)]
pub(crate) struct Referents {
    next: u32,
}

impl Referents {
    /// The next `count` of them.
    pub(crate) fn split(&mut self, count: usize) -> Self {
        let next = self.next;
        let count = u32::try_from(count).unwrap_or(u32::MAX);
        self.next = next.wrapping_add(count.wrapping_mul(4));
        Self { next }
    }
}

pub(crate) fn count32(what: &'static str, count: usize) -> Result<u32, PacError> {
    u32::try_from(count).map_err(|_| PacError::TooLongToEncode {
        what,
        found: count,
        max: usize::try_from(u32::MAX).unwrap_or(usize::MAX),
    })
}
