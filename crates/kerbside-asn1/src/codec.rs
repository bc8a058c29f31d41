//! Encoding and decoding: the traits and what is the same for all messages.
//!
//! Kerberos puts APPLICATION tags around its SEQUENCEs, has integers that old peers send outside their range, IMPLICIT tags in
//! some places, and extensible types beside closed ones. What a message is stays readable all the same: its definition is a
//! struct with the RFC's field names and context tags, and `macros.rs` writes the codec.

use alloc::vec::Vec;

use der::ErrorKind;

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{scan, tag};

mod macros;
mod primitive;

pub(crate) use macros::{choice, int32_newtype, newtype, sequence};
pub use primitive::MAX_ETYPES;

/// A type with a DER encoding that can be read, borrowing from the input.
pub trait Decode<'a>: Sized {
    /// Reads one value, tag and all.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but a valid encoding of the type.
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// A type with a DER encoding that can be written.
pub trait Encode {
    /// The length of the encoding in octets, tag and all.
    fn encoded_len(&self) -> usize;

    /// Writes the encoding, tag and all.
    ///
    /// # Errors
    /// When the value has no encoding.
    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()>;
}

/// A type known by one tag, which an IMPLICIT one may replace.
pub trait DecodeValue<'a>: Sized {
    /// Its own tag.
    const TAG: u8;

    /// Reads the contents, all of them.
    ///
    /// # Errors
    /// As [`Decode::decode`].
    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// The writing half of [`DecodeValue`].
pub trait EncodeValue {
    /// Its own tag.
    const TAG: u8;

    /// The length of the contents in octets.
    fn value_len(&self) -> usize;

    /// Writes the contents.
    ///
    /// # Errors
    /// When the value has no encoding.
    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()>;
}

impl<'a, T: DecodeValue<'a>> Decode<'a> for T {
    #[inline]
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        decode_tlv(reader, T::TAG, T::decode_value)
    }
}

impl<T: EncodeValue> Encode for T {
    #[inline]
    fn encoded_len(&self) -> usize {
        tlv_len(self.value_len())
    }

    #[inline]
    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        encode_tlv(writer, T::TAG, |writer| self.encode_value(writer))
    }
}

/// Decodes `bytes`, all of it, as one `T`.
///
/// No more than [`MAX_MESSAGE_LEN`](crate::limits::MAX_MESSAGE_LEN) octets are taken and no more than
/// [`MAX_DEPTH`](crate::limits::MAX_DEPTH) levels: types nest to a fixed depth, and what is kept or skipped without being decoded
/// is looked over. Nothing is allocated but the lists, whose elements are in the input and counted.
///
/// # Errors
/// [`DecodeError`] with the type, the octet offset and the reason.
pub fn decode<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    decode_inner(bytes).map_err(|error| {
        // What is not DER at all is said to be that, rather than what the type made of it.
        let mut error = scan::check(bytes).err().unwrap_or(error);
        error.type_name = short_type_name::<T>();
        error
    })
}

fn decode_inner<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    scan::check_len(bytes)?;
    let mut reader = Reader::new(bytes);
    let value = T::decode(&mut reader)?;
    reader.finish()?;
    Ok(value)
}

/// Encodes `value`. The result is allocated once, at its final size, so that wrapping it in `Zeroizing` leaves no copy behind.
///
/// # Errors
/// [`EncodeError`] when the value has no encoding, such as a time after the year 9999.
pub fn encode<T: Encode>(value: &T) -> Result<Vec<u8>, EncodeError> {
    encode_inner(value).map_err(|error| EncodeError {
        type_name: short_type_name::<T>(),
        kind: error.kind(),
    })
}

fn encode_inner<T: Encode>(value: &T) -> der::Result<Vec<u8>> {
    let mut buffer = alloc::vec![0; value.encoded_len()];
    let mut writer = Writer::new(&mut buffer);
    value.encode(&mut writer)?;
    if writer.position() != 0 {
        return Err(ErrorKind::Failed.into());
    }
    Ok(buffer)
}

/// The last part of a type's path, without its parameters: `kerbside_asn1::ticket::Ticket` gives `Ticket`.
fn short_type_name<T>() -> &'static str {
    let path = core::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit(':').next().unwrap_or(path)
}

/// Reads a header with exactly this tag and hands its contents, which must be used up, to `contents`.
#[inline]
pub(crate) fn decode_tlv<'a, T>(
    reader: &mut Reader<'a>,
    tag: u8,
    contents: impl FnOnce(&mut Reader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let mut inner = reader.enter(tag)?;
    let value = contents(&mut inner)?;
    inner.finish()?;
    Ok(value)
}

/// Writes what `contents` writes and a header before it.
#[inline]
pub(crate) fn encode_tlv(
    writer: &mut Writer<'_>,
    tag: u8,
    contents: impl FnOnce(&mut Writer<'_>) -> der::Result<()>,
) -> der::Result<()> {
    let end = writer.position();
    contents(writer)?;
    writer.header(tag, end)
}

/// The length of a header and `len` octets of contents.
#[inline]
pub(crate) const fn tlv_len(len: usize) -> usize {
    let header = match len {
        0..=0x7f => 2,
        0x80..=0xff => 3,
        0x100..=0xffff => 4,
        0x1_0000..=0xff_ffff => 5,
        _ => 6,
    };
    len.saturating_add(header)
}

/// A field of a SEQUENCE with a context tag; an `Option` is one that may be absent.
pub(crate) trait Field<'a>: Sized {
    fn decode_field(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError>;
}

impl<'a, T: Decode<'a>> Field<'a> for T {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError> {
        if reader.peek_tag() != Some(tag::context(number)) {
            return Err(missing(reader, number));
        }
        decode_tlv(reader, tag::context(number), T::decode)
    }
}

impl<'a, T: Decode<'a>> Field<'a> for Option<T> {
    #[inline]
    fn decode_field(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError> {
        if reader.peek_tag() != Some(tag::context(number)) {
            return Ok(None);
        }
        decode_tlv(reader, tag::context(number), T::decode).map(Some)
    }
}

#[cold]
fn missing(reader: &Reader<'_>, number: u8) -> DecodeError {
    let tag = u32::from(number);
    DecodeError::new(reader.position(), DecodeErrorKind::Missing { tag })
}

/// The writing half of [`Field`].
pub(crate) trait EncodeField {
    fn field_len(&self) -> usize;
    fn encode_field(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()>;
}

impl<T: Encode> EncodeField for T {
    #[inline]
    fn field_len(&self) -> usize {
        tlv_len(self.encoded_len())
    }

    #[inline]
    fn encode_field(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()> {
        encode_tlv(writer, tag::context(number), |writer| self.encode(writer))
    }
}

impl<T: Encode> EncodeField for Option<T> {
    #[inline]
    fn field_len(&self) -> usize {
        self.as_ref().map_or(0, EncodeField::field_len)
    }

    #[inline]
    fn encode_field(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()> {
        self.as_ref()
            .map_or(Ok(()), |value| value.encode_field(writer, number))
    }
}

/// A field whose context tag takes the place of the type's own.
pub(crate) trait ImplicitField<'a>: Sized {
    fn decode_implicit(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError>;
}

impl<'a, T: DecodeValue<'a>> ImplicitField<'a> for T {
    fn decode_implicit(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError> {
        let tag = tag::implicit(number, T::TAG);
        if reader.peek_tag() != Some(tag) {
            return Err(missing(reader, number));
        }
        decode_tlv(reader, tag, T::decode_value)
    }
}

impl<'a, T: DecodeValue<'a>> ImplicitField<'a> for Option<T> {
    fn decode_implicit(reader: &mut Reader<'a>, number: u8) -> Result<Self, DecodeError> {
        let tag = tag::implicit(number, T::TAG);
        if reader.peek_tag() != Some(tag) {
            return Ok(None);
        }
        decode_tlv(reader, tag, T::decode_value).map(Some)
    }
}

/// The writing half of [`ImplicitField`].
pub(crate) trait EncodeImplicitField {
    fn implicit_len(&self) -> usize;
    fn encode_implicit(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()>;
}

impl<T: EncodeValue> EncodeImplicitField for T {
    fn implicit_len(&self) -> usize {
        tlv_len(self.value_len())
    }

    fn encode_implicit(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()> {
        let tag = tag::implicit(number, T::TAG);
        encode_tlv(writer, tag, |writer| self.encode_value(writer))
    }
}

impl<T: EncodeValue> EncodeImplicitField for Option<T> {
    fn implicit_len(&self) -> usize {
        self.as_ref().map_or(0, EncodeImplicitField::implicit_len)
    }

    fn encode_implicit(&self, writer: &mut Writer<'_>, number: u8) -> der::Result<()> {
        self.as_ref()
            .map_or(Ok(()), |value| value.encode_implicit(writer, number))
    }
}

/// The fields of a SEQUENCE.
pub(crate) trait Fields<'a>: Sized {
    fn decode_fields(reader: &mut Reader<'a>) -> Result<Self, DecodeError>;
}

/// The writing half of [`Fields`].
pub(crate) trait EncodeFields {
    fn fields_len(&self) -> usize;
    fn encode_fields(&self, writer: &mut Writer<'_>) -> der::Result<()>;
}

/// What may stand in a SEQUENCE OF, and how often.
pub trait Element {
    /// The longest list of these that is taken.
    const MAX_COUNT: usize;
}

impl<'a, T: Decode<'a> + Element> DecodeValue<'a> for Vec<T> {
    const TAG: u8 = tag::SEQUENCE;

    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let mut elements = Self::new();
        while !contents.is_finished() {
            if elements.len() == T::MAX_COUNT {
                let kind = DecodeErrorKind::TooMany { max: T::MAX_COUNT };
                return Err(DecodeError::new(contents.position(), kind));
            }
            elements.push(T::decode(contents)?);
        }
        Ok(elements)
    }
}

impl<T: Encode> EncodeValue for Vec<T> {
    const TAG: u8 = tag::SEQUENCE;

    fn value_len(&self) -> usize {
        self.iter()
            .fold(0, |sum: usize, element| sum.saturating_add(element.encoded_len()))
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        self.iter().rev().try_for_each(|element| element.encode(writer))
    }
}
