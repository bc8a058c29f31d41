//! Encoding and decoding: two small traits over `der`'s reader and writer, and the macros that write them for a message.
//!
//! `der`'s own traits and derives do not fit as they are: Kerberos puts APPLICATION tags around its SEQUENCEs, has integers
//! that old peers send outside their range, and registries that belong to another crate. What a message is stays readable all
//! the same: its definition is a struct with the RFC's field names and context tags, and nothing else is written by hand.

use alloc::vec::Vec;

use der::{Header, Length, Reader, SliceReader, SliceWriter, Tag, TagNumber};
use kerbside_crypto::{ChecksumType, EncryptionType};

use crate::error::{DecodeError, DecodeErrorKind, EncodeError};
use crate::scan;

/// A type with a DER encoding that can be read, borrowing from the input.
pub trait Decode<'a>: Sized {
    /// Reads one value, tag and all.
    ///
    /// # Errors
    /// [`DecodeError`] for anything but a valid encoding of the type.
    fn decode(reader: &mut SliceReader<'a>) -> Result<Self, DecodeError>;
}

/// A type with a DER encoding that can be written.
pub trait Encode {
    /// The length of the encoding in octets, tag and all.
    ///
    /// # Errors
    /// When the value has no encoding.
    fn encoded_len(&self) -> der::Result<Length>;

    /// Writes the encoding, tag and all.
    ///
    /// # Errors
    /// When the value has no encoding.
    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()>;
}

/// Decodes `bytes`, all of it, as one `T`.
///
/// The whole input is looked over before anything is built: no more than [`scan::MAX_MESSAGE_LEN`] octets, no more than
/// [`scan::MAX_DEPTH`] levels, definite lengths that fit into what contains them.
///
/// # Errors
/// [`DecodeError`] with the type, the octet offset and the reason.
pub fn decode<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    decode_inner(bytes).map_err(|mut error| {
        error.type_name = short_type_name::<T>();
        if error.offset == usize::MAX {
            error.offset = bytes.len();
        }
        error
    })
}

fn decode_inner<'a, T: Decode<'a>>(bytes: &'a [u8]) -> Result<T, DecodeError> {
    scan::check(bytes)?;
    let mut reader = SliceReader::new(bytes)?;
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
    let mut buffer = alloc::vec![0; usize::try_from(value.encoded_len()?)?];
    let mut writer = SliceWriter::new(&mut buffer);
    value.encode(&mut writer)?;
    let written = writer.finish()?.len();
    buffer.truncate(written);
    Ok(buffer)
}

/// The last part of a type's path, without its parameters: `kerbside_asn1::ticket::Ticket` gives `Ticket`.
fn short_type_name<T>() -> &'static str {
    let path = core::any::type_name::<T>();
    let path = path.split('<').next().unwrap_or(path);
    path.rsplit(':').next().unwrap_or(path)
}

/// The offset of the next octet.
pub(crate) fn position(reader: &SliceReader<'_>) -> usize {
    usize::try_from(reader.position()).unwrap_or(usize::MAX)
}

/// Reads a header with exactly this tag and hands its contents, which must be used up, to `contents`.
pub(crate) fn decode_tlv<'a, T>(
    reader: &mut SliceReader<'a>,
    tag: Tag,
    contents: impl FnOnce(&mut SliceReader<'a>) -> Result<T, DecodeError>,
) -> Result<T, DecodeError> {
    let start = position(reader);
    let header = <Header as der::Decode>::decode(reader)?;
    if header.tag() != tag {
        let kind = DecodeErrorKind::UnexpectedTag {
            expected: Some(tag),
            found: header.tag(),
        };
        return Err(DecodeError::new(start, kind));
    }
    reader.read_nested(header.length(), contents)
}

/// Writes a header and what `contents` writes, which is `len` octets long.
pub(crate) fn encode_tlv(
    writer: &mut SliceWriter<'_>,
    tag: Tag,
    len: Length,
    contents: impl FnOnce(&mut SliceWriter<'_>) -> der::Result<()>,
) -> der::Result<()> {
    der::Encode::encode(&Header::new(tag, len), writer)?;
    contents(writer)
}

/// The length of a header and `len` octets of contents.
pub(crate) fn tlv_len(tag: Tag, len: Length) -> der::Result<Length> {
    der::Encode::encoded_len(&Header::new(tag, len))? + len
}

/// `[number]` around a value, constructed.
pub(crate) const fn context_tag(number: u32) -> Tag {
    Tag::ContextSpecific {
        constructed: true,
        number: TagNumber(number),
    }
}

/// `[APPLICATION number]`, constructed.
pub(crate) const fn application_tag(number: u32) -> Tag {
    Tag::Application {
        constructed: true,
        number: TagNumber(number),
    }
}

/// A field of a SEQUENCE with an EXPLICIT context tag; an `Option` is one that may be absent.
pub(crate) trait Field<'a>: Sized {
    fn decode_field(reader: &mut SliceReader<'a>, number: u32) -> Result<Self, DecodeError>;
}

impl<'a, T: Decode<'a>> Field<'a> for T {
    fn decode_field(reader: &mut SliceReader<'a>, number: u32) -> Result<Self, DecodeError> {
        if !next_is(reader, number)? {
            return Err(DecodeError::new(
                position(reader),
                DecodeErrorKind::Missing { tag: number },
            ));
        }
        decode_tlv(reader, context_tag(number), T::decode)
    }
}

impl<'a, T: Decode<'a>> Field<'a> for Option<T> {
    fn decode_field(reader: &mut SliceReader<'a>, number: u32) -> Result<Self, DecodeError> {
        if !next_is(reader, number)? {
            return Ok(None);
        }
        decode_tlv(reader, context_tag(number), T::decode).map(Some)
    }
}

/// Whether the next element is `[number]`.
pub(crate) fn next_is(reader: &SliceReader<'_>, number: u32) -> Result<bool, DecodeError> {
    Ok(!reader.is_finished() && Tag::peek(reader)? == context_tag(number))
}

/// Passes over the fields that a later version of an extensible SEQUENCE has behind those `known` here. They have higher
/// tags, in ascending order: a known field out of its place is no extension.
pub(crate) fn skip_unknown<const N: usize>(
    reader: &mut SliceReader<'_>,
    known: [u32; N],
) -> Result<(), DecodeError> {
    let mut highest = known.into_iter().max();
    while !reader.is_finished() {
        let start = position(reader);
        let found = Tag::peek(reader)?;
        let number = match found {
            Tag::ContextSpecific { number, .. } => Some(number.value()),
            _ => None,
        };
        if number <= highest {
            let kind = DecodeErrorKind::UnexpectedTag {
                expected: None,
                found,
            };
            return Err(DecodeError::new(start, kind));
        }
        highest = number;
        reader.tlv_bytes()?;
    }
    Ok(())
}

/// The writing half of [`Field`].
pub(crate) trait EncodeField {
    fn field_len(&self, number: u32) -> der::Result<Length>;
    fn encode_field(&self, writer: &mut SliceWriter<'_>, number: u32) -> der::Result<()>;
}

impl<T: Encode> EncodeField for T {
    fn field_len(&self, number: u32) -> der::Result<Length> {
        tlv_len(context_tag(number), self.encoded_len()?)
    }

    fn encode_field(&self, writer: &mut SliceWriter<'_>, number: u32) -> der::Result<()> {
        encode_tlv(writer, context_tag(number), self.encoded_len()?, |writer| {
            self.encode(writer)
        })
    }
}

impl<T: Encode> EncodeField for Option<T> {
    fn field_len(&self, number: u32) -> der::Result<Length> {
        self.as_ref()
            .map_or(Ok(Length::ZERO), |value| value.field_len(number))
    }

    fn encode_field(&self, writer: &mut SliceWriter<'_>, number: u32) -> der::Result<()> {
        self.as_ref()
            .map_or(Ok(()), |value| value.encode_field(writer, number))
    }
}

/// What may stand in a SEQUENCE OF, and how often.
pub trait Element {
    /// The longest list of these that is taken.
    const MAX_COUNT: usize;
}

impl<'a, T: Decode<'a> + Element> Decode<'a> for Vec<T> {
    fn decode(reader: &mut SliceReader<'a>) -> Result<Self, DecodeError> {
        decode_tlv(reader, Tag::Sequence, |reader| {
            let mut elements = Self::new();
            while !reader.is_finished() {
                if elements.len() == T::MAX_COUNT {
                    let kind = DecodeErrorKind::TooMany { max: T::MAX_COUNT };
                    return Err(DecodeError::new(position(reader), kind));
                }
                elements.push(T::decode(reader)?);
            }
            Ok(elements)
        })
    }
}

fn elements_len<T: Encode>(elements: &[T]) -> der::Result<Length> {
    elements
        .iter()
        .try_fold(Length::ZERO, |sum, element| sum + element.encoded_len()?)
}

impl<T: Encode> Encode for Vec<T> {
    fn encoded_len(&self) -> der::Result<Length> {
        tlv_len(Tag::Sequence, elements_len(self)?)
    }

    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()> {
        encode_tlv(writer, Tag::Sequence, elements_len(self)?, |writer| {
            self.iter().try_for_each(|element| element.encode(writer))
        })
    }
}

/// `Int32 ::= INTEGER (-2147483648..2147483647)`, in its one DER form.
impl Decode<'_> for i32 {
    fn decode(reader: &mut SliceReader<'_>) -> Result<Self, DecodeError> {
        let start = position(reader);
        <Self as der::Decode>::decode(reader)
            .map_err(|error| at(error, start, "a minimal INTEGER of at most 32 bits"))
    }
}

impl Encode for i32 {
    fn encoded_len(&self) -> der::Result<Length> {
        der::Encode::encoded_len(self)
    }

    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()> {
        der::Encode::encode(self, writer)
    }
}

/// A value `der` refuses without saying where or what is allowed gets both; a wrong tag or length stays as it is.
pub(crate) fn at(error: der::Error, start: usize, expected: &'static str) -> DecodeError {
    let mut error = DecodeError::from(error);
    if error.offset == usize::MAX || matches!(error.kind, DecodeErrorKind::UnexpectedTag { .. }) {
        error.offset = start;
    }
    if matches!(error.kind, DecodeErrorKind::Der(_)) {
        error.kind = DecodeErrorKind::Value { expected };
    }
    error
}

/// Reads the contents of a primitive element.
pub(crate) fn decode_primitive<'a>(reader: &mut SliceReader<'a>, tag: Tag) -> Result<&'a [u8], DecodeError> {
    decode_tlv(reader, tag, |reader| {
        Ok(reader.read_slice(reader.remaining_len())?)
    })
}

/// The longest INTEGER contents looked at: a `UInt32` never needs more than five, old peers pad.
const MAX_PADDED_INTEGER_LEN: usize = 8;

/// `UInt32 ::= INTEGER (0..4294967295)`, as old peers send it.
///
/// MIT sends a kvno, and old peers nonces and sequence numbers, of 2^31 and more as negative INTEGERs, sspi before 0.23 pads; both
/// are read as the 32 bits they mean. What is sent is always minimal and positive.
impl Decode<'_> for u32 {
    fn decode(reader: &mut SliceReader<'_>) -> Result<Self, DecodeError> {
        let start = position(reader);
        let refuse = || {
            let expected = "an INTEGER of 32 bits";
            DecodeError::new(start, DecodeErrorKind::Value { expected })
        };
        let octets = decode_primitive(reader, Tag::Integer)?;
        let first = *octets.first().ok_or_else(refuse)?;
        if octets.len() > MAX_PADDED_INTEGER_LEN {
            return Err(refuse());
        }
        let sign = if first & 0x80 == 0 { 0 } else { -1_i64 };
        let value = octets
            .iter()
            .fold(sign, |value, octet| (value << 8) | i64::from(*octet));
        Self::try_from(value)
            .or_else(|_| i32::try_from(value).map(i32::cast_unsigned))
            .map_err(|_| refuse())
    }
}

impl Encode for u32 {
    fn encoded_len(&self) -> der::Result<Length> {
        der::Encode::encoded_len(self)
    }

    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()> {
        der::Encode::encode(self, writer)
    }
}

impl Decode<'_> for bool {
    fn decode(reader: &mut SliceReader<'_>) -> Result<Self, DecodeError> {
        let start = position(reader);
        <Self as der::Decode>::decode(reader).map_err(|error| at(error, start, "a BOOLEAN of 00 or ff"))
    }
}

impl Encode for bool {
    fn encoded_len(&self) -> der::Result<Length> {
        der::Encode::encoded_len(self)
    }

    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()> {
        der::Encode::encode(self, writer)
    }
}

/// `OCTET STRING`.
impl<'a> Decode<'a> for &'a [u8] {
    fn decode(reader: &mut SliceReader<'a>) -> Result<Self, DecodeError> {
        decode_primitive(reader, Tag::OctetString)
    }
}

impl Encode for &[u8] {
    fn encoded_len(&self) -> der::Result<Length> {
        tlv_len(Tag::OctetString, Length::try_from(self.len())?)
    }

    fn encode(&self, writer: &mut SliceWriter<'_>) -> der::Result<()> {
        let len = Length::try_from(self.len())?;
        encode_tlv(writer, Tag::OctetString, len, |writer| {
            der::Writer::write(writer, self)
        })
    }
}

/// The codec of an open newtype over `Int32`.
macro_rules! int32_newtype {
    ($ty:ident) => {
        impl $crate::codec::Decode<'_> for $ty {
            fn decode(reader: &mut der::SliceReader<'_>) -> Result<Self, $crate::error::DecodeError> {
                <i32 as $crate::codec::Decode>::decode(reader).map(Self)
            }
        }

        impl $crate::codec::Encode for $ty {
            fn encoded_len(&self) -> der::Result<der::Length> {
                $crate::codec::Encode::encoded_len(&self.0)
            }

            fn encode(&self, writer: &mut der::SliceWriter<'_>) -> der::Result<()> {
                $crate::codec::Encode::encode(&self.0, writer)
            }
        }
    };
}
pub(crate) use int32_newtype;

int32_newtype!(EncryptionType);
int32_newtype!(ChecksumType);

/// The longest list of encryption types taken.
pub const MAX_ETYPES: usize = 64;

impl Element for EncryptionType {
    const MAX_COUNT: usize = MAX_ETYPES;
}

/// Defines a SEQUENCE, with an APPLICATION tag around it where it has one, and its codec.
///
/// `pub field: Type = [n]` is the ASN.1 `field [n] Type`, `Option<Type>` is OPTIONAL, `: EXTENSIBLE` the extension mark `...`
/// behind the last field: what a later version puts there is passed over.
macro_rules! sequence {
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime>: EXTENSIBLE { $($fields:tt)+ }) => {
        $crate::codec::sequence!(@define [$(#[$meta])*] $name [<$lt>] [$name<$lt>] [$lt] [] [skip_unknown] { $($fields)+ });
    };
    ($(#[$meta:meta])* pub struct $name:ident $(: APPLICATION $app:literal)? { $($fields:tt)+ }) => {
        $crate::codec::sequence!(@define [$(#[$meta])*] $name [] [$name] ['de] [$($app)?] [] { $($fields)+ });
    };
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime> $(: APPLICATION $app:literal)? { $($fields:tt)+ }) => {
        $crate::codec::sequence!(@define [$(#[$meta])*] $name [<$lt>] [$name<$lt>] [$lt] [$($app)?] [] { $($fields)+ });
    };
    (@define [$($meta:tt)*] $name:ident [$($generics:tt)*] [$self:ty] [$lt:lifetime] [$($app:literal)?] [$($skip:ident)?]
        { $($(#[$field_meta:meta])* pub $field:ident : $ty:ty = [$number:literal]),+ $(,)? }) => {
        $($meta)*
        pub struct $name $($generics)* {
            $($(#[$field_meta])* pub $field: $ty,)+
        }

        impl<$lt> $crate::codec::Decode<$lt> for $self {
            fn decode(reader: &mut der::SliceReader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                $crate::codec::sequence!(@decode reader [$($app)?] |reader| {
                    $(let $field = {
                        let start = $crate::codec::position(reader);
                        $crate::codec::Field::decode_field(reader, $number)
                            .map_err(|error| error.in_field(stringify!($name), stringify!($field), start))?
                    };)+
                    $crate::codec::sequence!(@rest reader [$($skip)?] [$($number),+]);
                    Ok(Self { $($field),+ })
                })
            }
        }

        impl $($generics)* $self {
            fn contents_len(&self) -> der::Result<der::Length> {
                let mut len = der::Length::ZERO;
                $(len = (len + $crate::codec::EncodeField::field_len(&self.$field, $number)?)?;)+
                Ok(len)
            }
        }

        impl $($generics)* $crate::codec::Encode for $self {
            fn encoded_len(&self) -> der::Result<der::Length> {
                let len = $crate::codec::tlv_len(der::Tag::Sequence, self.contents_len()?)?;
                $(let len = $crate::codec::tlv_len($crate::codec::application_tag($app), len)?;)?
                Ok(len)
            }

            fn encode(&self, writer: &mut der::SliceWriter<'_>) -> der::Result<()> {
                let len = self.contents_len()?;
                $(
                    let sequence_len = $crate::codec::tlv_len(der::Tag::Sequence, len)?;
                    let tag = $crate::codec::application_tag($app);
                    $crate::codec::encode_tlv(writer, tag, sequence_len, |_| Ok(()))?;
                )?
                $crate::codec::encode_tlv(writer, der::Tag::Sequence, len, |writer| {
                    $($crate::codec::EncodeField::encode_field(&self.$field, writer, $number)?;)+
                    Ok(())
                })
            }
        }
    };
    (@rest $reader:ident [] [$($number:literal),+]) => {};
    (@rest $reader:ident [skip_unknown] [$($number:literal),+]) => {
        $crate::codec::skip_unknown($reader, [$($number),+])?;
    };
    (@decode $reader:ident [] |$inner:ident| $body:block) => {
        $crate::codec::decode_tlv($reader, der::Tag::Sequence, |$inner| $body)
    };
    (@decode $reader:ident [$app:literal] |$inner:ident| $body:block) => {
        $crate::codec::decode_tlv($reader, $crate::codec::application_tag($app), |$inner| {
            $crate::codec::decode_tlv($inner, der::Tag::Sequence, |$inner| $body)
        })
    };
}
pub(crate) use sequence;

/// The codec of a newtype over another type, with an APPLICATION tag around it where one is given.
macro_rules! newtype {
    ($(#[$meta:meta])* pub struct $name:ident<$lt:lifetime>(pub $inner:ty) $(: APPLICATION $app:literal)?;) => {
        $(#[$meta])*
        pub struct $name<$lt>(pub $inner);

        impl<$lt> $crate::codec::Decode<$lt> for $name<$lt> {
            fn decode(reader: &mut der::SliceReader<$lt>) -> Result<Self, $crate::error::DecodeError> {
                $crate::codec::newtype!(@decode reader $inner, $($app)?).map(Self)
            }
        }

        impl<$lt> $crate::codec::Encode for $name<$lt> {
            fn encoded_len(&self) -> der::Result<der::Length> {
                let len = $crate::codec::Encode::encoded_len(&self.0)?;
                $(let len = $crate::codec::tlv_len($crate::codec::application_tag($app), len)?;)?
                Ok(len)
            }

            fn encode(&self, writer: &mut der::SliceWriter<'_>) -> der::Result<()> {
                $(
                    let len = $crate::codec::Encode::encoded_len(&self.0)?;
                    $crate::codec::encode_tlv(writer, $crate::codec::application_tag($app), len, |_| Ok(()))?;
                )?
                $crate::codec::Encode::encode(&self.0, writer)
            }
        }

        impl<$lt> core::ops::Deref for $name<$lt> {
            type Target = $inner;

            fn deref(&self) -> &Self::Target {
                &self.0
            }
        }
    };
    (@decode $reader:ident $inner:ty, ) => { <$inner as $crate::codec::Decode<'_>>::decode($reader) };
    (@decode $reader:ident $inner:ty, $app:literal) => {
        $crate::codec::decode_tlv(
            $reader,
            $crate::codec::application_tag($app),
            <$inner as $crate::codec::Decode<'_>>::decode,
        )
    };
}
pub(crate) use newtype;
