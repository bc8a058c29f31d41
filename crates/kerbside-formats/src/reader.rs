//! Bytes to fields with offsets, and fields to bytes with range checks.

use alloc::vec::Vec;

use kerbside_asn1::{Name, NameType, Principal, Realm};
use kerbside_crypto::{CryptoError, EncryptionType, EnctypePolicy, Key};
use zeroize::Zeroizing;

use crate::error::{Cause, FileFormat, FormatError};

/// How integers are laid out: version 1 and 2 files use the order of the machine that wrote them,
/// which is taken to be ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ByteOrder {
    Big,
    Little,
}

impl ByteOrder {
    pub(crate) const NATIVE: Self = if cfg!(target_endian = "big") {
        Self::Big
    } else {
        Self::Little
    };
}

/// A cursor over a file or over one record of it; offsets count from the start of the file.
pub(crate) struct Reader<'a> {
    format: FileFormat,
    order: ByteOrder,
    bytes: &'a [u8],
    offset: usize,
}

impl<'a> Reader<'a> {
    /// Checks magic, version range and size, and stands behind the two version bytes.
    pub(crate) fn open(
        bytes: &'a [u8],
        format: FileFormat,
        versions: core::ops::RangeInclusive<u8>,
        native_until: u8,
        max: usize,
    ) -> Result<(Self, u8), FormatError> {
        if bytes.len() > max {
            return Err(FormatError::TooLong {
                format,
                len: bytes.len(),
                max,
            });
        }
        let found = bytes.first().copied();
        if found != Some(5) {
            return Err(FormatError::NotThisFormat { format, found });
        }
        let mut reader = Self {
            format,
            order: ByteOrder::Big,
            bytes,
            offset: 0,
        };
        reader.take(1, "version")?;
        let version = reader.u8("version")?;
        if !versions.contains(&version) {
            return Err(FormatError::Version { format, version });
        }
        if version <= native_until {
            reader.order = ByteOrder::NATIVE;
        }
        Ok((reader, version))
    }

    /// A part of a file on its own, without version bytes.
    pub(crate) fn part(bytes: &'a [u8], format: FileFormat) -> Self {
        Self {
            format,
            order: ByteOrder::Big,
            bytes,
            offset: 0,
        }
    }

    /// Nothing may follow.
    pub(crate) fn end(&self) -> Result<(), FormatError> {
        match self.bytes.len() {
            0 => Ok(()),
            left => Err(self.damaged(
                self.offset,
                Cause::Value {
                    field: "number of bytes behind the end",
                    expected: "0",
                    found: i64::try_from(left).unwrap_or(i64::MAX),
                },
            )),
        }
    }

    pub(crate) fn offset(&self) -> usize {
        self.offset
    }

    pub(crate) fn remaining(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn damaged(&self, offset: usize, cause: Cause) -> FormatError {
        FormatError::Damaged {
            format: self.format,
            offset,
            cause,
        }
    }

    /// The next `len` bytes.
    pub(crate) fn take(&mut self, len: usize, field: &'static str) -> Result<&'a [u8], FormatError> {
        let Some((taken, rest)) = self.bytes.split_at_checked(len) else {
            let cause = Cause::Truncated {
                field,
                expected: len,
                found: self.bytes.len(),
            };
            return Err(self.damaged(self.offset, cause));
        };
        self.bytes = rest;
        self.offset = self.offset.saturating_add(len);
        Ok(taken)
    }

    /// The next `len` bytes as a reader of their own.
    pub(crate) fn sub(&mut self, len: usize, field: &'static str) -> Result<Self, FormatError> {
        let offset = self.offset;
        let bytes = self.take(len, field)?;
        Ok(Self {
            format: self.format,
            order: self.order,
            bytes,
            offset,
        })
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        let rest = core::mem::take(&mut self.bytes);
        self.offset = self.offset.saturating_add(rest.len());
        rest
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Result<[u8; N], FormatError> {
        let mut array = [0; N];
        let taken = self.take(N, field)?;
        array.iter_mut().zip(taken).for_each(|(to, from)| *to = *from);
        Ok(array)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Result<u8, FormatError> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(crate) fn u16(&mut self, field: &'static str) -> Result<u16, FormatError> {
        let array = self.array(field)?;
        Ok(match self.order {
            ByteOrder::Big => u16::from_be_bytes(array),
            ByteOrder::Little => u16::from_le_bytes(array),
        })
    }

    /// 16 bits that mean a registry's number, which may be negative.
    pub(crate) fn i16(&mut self, field: &'static str) -> Result<i32, FormatError> {
        self.u16(field).map(|bits| i32::from(bits.cast_signed()))
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Result<u32, FormatError> {
        let array = self.array(field)?;
        Ok(match self.order {
            ByteOrder::Big => u32::from_be_bytes(array),
            ByteOrder::Little => u32::from_le_bytes(array),
        })
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Result<i32, FormatError> {
        self.u32(field).map(u32::cast_signed)
    }

    /// Data behind a 16-bit length.
    pub(crate) fn data16(&mut self, field: &'static str) -> Result<&'a [u8], FormatError> {
        let len = self.u16(field)?;
        self.take(usize::from(len), field)
    }

    /// Data behind a 32-bit length, which may lie: nothing is reserved for it.
    pub(crate) fn data32(&mut self, field: &'static str) -> Result<&'a [u8], FormatError> {
        let len = self.u32(field)?;
        self.take(usize::try_from(len).unwrap_or(usize::MAX), field)
    }

    /// A 32-bit count of things of at least `each` bytes: more than can follow is refused at once.
    pub(crate) fn count(&mut self, field: &'static str, each: usize) -> Result<u32, FormatError> {
        let offset = self.offset;
        let count = self.u32(field)?;
        self.check_count(count, field, each, offset)?;
        Ok(count)
    }

    pub(crate) fn check_count(
        &self,
        count: u32,
        field: &'static str,
        each: usize,
        offset: usize,
    ) -> Result<(), FormatError> {
        let needed = usize::try_from(count).unwrap_or(usize::MAX).saturating_mul(each);
        if needed > self.bytes.len() {
            return Err(self.damaged(
                offset,
                Cause::Count {
                    field,
                    count,
                    left: self.bytes.len(),
                },
            ));
        }
        Ok(())
    }

    /// A key of a type that `policy` permits; the bytes of others are kept only.
    pub(crate) fn key(
        &self,
        enctype: EncryptionType,
        bytes: &[u8],
        offset: usize,
        policy: &EnctypePolicy,
    ) -> Result<Option<Key>, FormatError> {
        permitted_key(enctype, bytes, policy)
            .map_err(|error| self.damaged(offset, Cause::Key { enctype, error }))
    }
}

/// A key of a type that `policy` permits; none of any other type.
pub(crate) fn permitted_key(
    enctype: EncryptionType,
    bytes: &[u8],
    policy: &EnctypePolicy,
) -> Result<Option<Key>, CryptoError> {
    if !policy.permits(enctype) {
        return Ok(None);
    }
    Key::with_policy(enctype, bytes, policy).map(Some)
}

pub(crate) fn principal(realm: &[u8], name_type: NameType, components: Vec<Vec<u8>>) -> Principal {
    Principal {
        realm: Realm::new(realm),
        name: Name {
            name_type,
            components,
        },
    }
}

/// Fields to big-endian bytes. The bytes hold keys, so they are wiped when dropped.
pub(crate) struct Writer {
    format: FileFormat,
    bytes: Zeroizing<Vec<u8>>,
}

impl Writer {
    pub(crate) fn new(format: FileFormat) -> Self {
        Self {
            format,
            bytes: Zeroizing::new(Vec::new()),
        }
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    fn fits<T>(
        &self,
        value: Option<T>,
        field: &'static str,
        expected: &'static str,
    ) -> Result<T, FormatError> {
        value.ok_or(FormatError::Unrepresentable {
            format: self.format,
            field,
            expected,
        })
    }

    pub(crate) fn raw(&mut self, bytes: &[u8]) {
        self.reserve(bytes.len());
        self.bytes.extend_from_slice(bytes);
    }

    /// Grows by copy and wipe: a plain reallocation would leave key bytes behind.
    fn reserve(&mut self, more: usize) {
        let needed = self.bytes.len().saturating_add(more);
        if needed > self.bytes.capacity() {
            let mut grown = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            grown.extend_from_slice(&self.bytes);
            self.bytes = grown;
        }
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.raw(&[value]);
    }

    pub(crate) fn u16(&mut self, value: u16) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    /// A registry's number in 16 bits.
    pub(crate) fn i16(&mut self, value: i32, field: &'static str) -> Result<(), FormatError> {
        let value = self.fits(i16::try_from(value).ok(), field, "a number of 16 bits")?;
        self.raw(&value.to_be_bytes());
        Ok(())
    }

    pub(crate) fn data16(&mut self, data: &[u8], field: &'static str) -> Result<(), FormatError> {
        let len = self.fits(u16::try_from(data.len()).ok(), field, "at most 65535 bytes")?;
        self.u16(len);
        self.raw(data);
        Ok(())
    }

    pub(crate) fn data32(&mut self, data: &[u8], field: &'static str) -> Result<(), FormatError> {
        self.count32(data.len(), field)?;
        self.raw(data);
        Ok(())
    }

    pub(crate) fn count16(&mut self, count: usize, field: &'static str) -> Result<(), FormatError> {
        let count = self.fits(u16::try_from(count).ok(), field, "at most 65535")?;
        self.u16(count);
        Ok(())
    }

    pub(crate) fn count32(&mut self, count: usize, field: &'static str) -> Result<(), FormatError> {
        let count = self.fits(u32::try_from(count).ok(), field, "at most 4294967295")?;
        self.u32(count);
        Ok(())
    }

    /// A record length, which is a positive signed number.
    pub(crate) fn record_len(&mut self, len: usize) -> Result<(), FormatError> {
        let len = self.fits(i32::try_from(len).ok(), "record", "at most 2147483647 bytes")?;
        self.i32(len);
        Ok(())
    }

    /// The length of a hole, written as its negative.
    pub(crate) fn hole_len(&mut self, len: usize) -> Result<(), FormatError> {
        let len = self.fits(
            i32::try_from(len).ok().and_then(i32::checked_neg),
            "hole",
            "at most 2147483647 bytes",
        )?;
        self.i32(len);
        Ok(())
    }
}
