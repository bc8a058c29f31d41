//! Integers, booleans, strings and object identifiers.

use der::asn1::ObjectIdentifier;
use kerbside_crypto::{ChecksumType, EncryptionType};

use super::{DecodeValue, Element, EncodeValue, int32_newtype};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::tag;
use crate::writer::Writer;

/// `Int32 ::= INTEGER (-2147483648..2147483647)`, in its one DER form.
impl DecodeValue<'_> for i32 {
    const TAG: u8 = tag::INTEGER;

    #[inline]
    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match *contents.rest() {
            [a] => Some(Self::from(i8::from_be_bytes([a]))),
            [0, 0..=0x7f, ..] | [0xff, 0x80..=0xff, ..] => None,
            [a, b] => Some(Self::from(i16::from_be_bytes([a, b]))),
            [a, b, c] => Some(Self::from_be_bytes([a, b, c, 0]) >> 8),
            [a, b, c, d] => Some(Self::from_be_bytes([a, b, c, d])),
            _ => None,
        }
        .ok_or_else(|| contents.bad_value("a minimal INTEGER of at most 32 bits"))
    }
}

impl EncodeValue for i32 {
    const TAG: u8 = tag::INTEGER;

    #[inline]
    fn value_len(&self) -> usize {
        match self {
            -0x80..=0x7f => 1,
            -0x8000..=0x7fff => 2,
            -0x80_0000..=0x7f_ffff => 3,
            _ => 4,
        }
    }

    #[inline]
    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        let octets = self.to_be_bytes();
        writer.write(octets.get(octets.len() - self.value_len()..).unwrap_or_default())
    }
}

/// The longest INTEGER contents looked at: a `UInt32` never needs more than five, old peers pad.
const MAX_PADDED_INTEGER_LEN: usize = 8;

/// `UInt32 ::= INTEGER (0..4294967295)`, as old peers send it.
///
/// MIT sends a kvno, and old peers nonces and sequence numbers, of 2^31 and more as negative INTEGERs, sspi before 0.23 pads; both
/// are read as the 32 bits they mean. What is sent is always minimal and positive.
impl DecodeValue<'_> for u32 {
    const TAG: u8 = tag::INTEGER;

    #[inline]
    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        padded_u32(contents.rest()).ok_or_else(|| contents.bad_value("an INTEGER of 32 bits"))
    }
}

fn padded_u32(octets: &[u8]) -> Option<u32> {
    let first = octets.first()?;
    if octets.len() > MAX_PADDED_INTEGER_LEN {
        return None;
    }
    let sign = if first & 0x80 == 0 { 0 } else { -1_i64 };
    let value = octets
        .iter()
        .fold(sign, |value, octet| (value << 8) | i64::from(*octet));
    u32::try_from(value)
        .or_else(|_| i32::try_from(value).map(i32::cast_unsigned))
        .ok()
}

impl EncodeValue for u32 {
    const TAG: u8 = tag::INTEGER;

    #[inline]
    fn value_len(&self) -> usize {
        match self {
            0..=0x7f => 1,
            0x80..=0x7fff => 2,
            0x8000..=0x7f_ffff => 3,
            0x80_0000..=0x7fff_ffff => 4,
            _ => 5,
        }
    }

    #[inline]
    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        let [a, b, c, d] = self.to_be_bytes();
        let octets = [0, a, b, c, d];
        writer.write(octets.get(octets.len() - self.value_len()..).unwrap_or_default())
    }
}

impl DecodeValue<'_> for bool {
    const TAG: u8 = tag::BOOLEAN;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        match contents.rest() {
            [0x00] => Ok(false),
            [0xff] => Ok(true),
            _ => Err(contents.bad_value("a BOOLEAN of 00 or ff")),
        }
    }
}

impl EncodeValue for bool {
    const TAG: u8 = tag::BOOLEAN;

    fn value_len(&self) -> usize {
        1
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(&[if *self { 0xff } else { 0x00 }])
    }
}

/// `OCTET STRING`.
impl<'a> DecodeValue<'a> for &'a [u8] {
    const TAG: u8 = tag::OCTET_STRING;

    #[inline]
    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(contents.rest())
    }
}

impl EncodeValue for &[u8] {
    const TAG: u8 = tag::OCTET_STRING;

    #[inline]
    fn value_len(&self) -> usize {
        self.len()
    }

    #[inline]
    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self)
    }
}

/// `UTF8String`.
impl<'a> DecodeValue<'a> for &'a str {
    const TAG: u8 = tag::UTF8_STRING;

    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        str::from_utf8(contents.rest()).map_err(|_| contents.bad_value("a UTF8String"))
    }
}

impl EncodeValue for &str {
    const TAG: u8 = tag::UTF8_STRING;

    fn value_len(&self) -> usize {
        self.len()
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.as_bytes())
    }
}

impl DecodeValue<'_> for ObjectIdentifier {
    const TAG: u8 = tag::OBJECT_IDENTIFIER;

    fn decode_value(contents: &mut Reader<'_>) -> Result<Self, DecodeError> {
        Self::from_bytes(contents.rest())
            .map_err(|_| contents.bad_value("an OBJECT IDENTIFIER of at most 39 octets"))
    }
}

impl EncodeValue for ObjectIdentifier {
    const TAG: u8 = tag::OBJECT_IDENTIFIER;

    fn value_len(&self) -> usize {
        self.as_bytes().len()
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.as_bytes())
    }
}

int32_newtype!(EncryptionType);
int32_newtype!(ChecksumType);

/// The longest list of encryption types taken.
pub const MAX_ETYPES: usize = 64;

impl Element for EncryptionType {
    const MAX_COUNT: usize = MAX_ETYPES;
}
