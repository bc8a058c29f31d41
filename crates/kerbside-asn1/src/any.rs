//! Elements that are kept but not decoded, and the few types of X.509 and CMS that stand between ours.

use core::fmt;

use der::asn1::ObjectIdentifier;

use crate::codec::{self, Decode, DecodeValue, Element, Encode, EncodeValue};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::tag;
use crate::writer::Writer;

/// One element of any type, as its bytes. It is looked over for its form: definite lengths, bounded depth.
///
/// For what belongs to another layer (a `SubjectPublicKeyInfo`, the parameters of an algorithm) or is signed before it is read.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct AnyDer<'a>(&'a [u8]);

impl<'a> AnyDer<'a> {
    /// Takes `bytes`, all of it, as one element.
    ///
    /// # Errors
    /// As [`decode`](crate::decode).
    pub fn parse(bytes: &'a [u8]) -> Result<Self, DecodeError> {
        codec::decode(bytes)
    }

    /// The element, tag and all.
    pub const fn bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl fmt::Debug for AnyDer<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "AnyDer({} octets)", self.0.len())
    }
}

impl<'a> Decode<'a> for AnyDer<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        reader.element().map(Self)
    }
}

impl Encode for AnyDer<'_> {
    fn encoded_len(&self) -> usize {
        self.0.len()
    }

    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.0)
    }
}

/// An algorithm and its parameters.
///
/// ```text
/// AlgorithmIdentifier  ::=  SEQUENCE  {
///         algorithm               OBJECT IDENTIFIER,
///         parameters              ANY DEFINED BY algorithm OPTIONAL
/// }
/// ```
///
/// RFC 5280 4.1.1.2.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AlgorithmIdentifier<'a> {
    /// Which one.
    pub algorithm: ObjectIdentifier,
    /// Its parameters; absent and NULL are two things.
    pub parameters: Option<AnyDer<'a>>,
}

impl<'a> DecodeValue<'a> for AlgorithmIdentifier<'a> {
    const TAG: u8 = tag::SEQUENCE;

    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        let algorithm = ObjectIdentifier::decode(contents)?;
        let parameters = if contents.is_finished() {
            None
        } else {
            Some(AnyDer::decode(contents)?)
        };
        Ok(Self {
            algorithm,
            parameters,
        })
    }
}

impl EncodeValue for AlgorithmIdentifier<'_> {
    const TAG: u8 = tag::SEQUENCE;

    fn value_len(&self) -> usize {
        let parameters = self.parameters.map_or(0, |parameters| parameters.encoded_len());
        self.algorithm.encoded_len().saturating_add(parameters)
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        if let Some(parameters) = self.parameters {
            parameters.encode(writer)?;
        }
        self.algorithm.encode(writer)
    }
}

/// The longest list of algorithms taken.
pub const MAX_ALGORITHMS: usize = 64;

impl Element for AlgorithmIdentifier<'_> {
    const MAX_COUNT: usize = MAX_ALGORITHMS;
}

/// A BIT STRING of any length, for a public key; sets of flags have types of their own.
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct BitString<'a> {
    octets: &'a [u8],
    unused: u8,
}

impl<'a> BitString<'a> {
    /// The bits of these octets, all of them.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self { octets, unused: 0 }
    }

    /// The octets, when no bit of the last is unused.
    pub const fn as_octets(&self) -> Option<&'a [u8]> {
        if self.unused == 0 { Some(self.octets) } else { None }
    }
}

impl fmt::Debug for BitString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "BitString({} octets, {} bits unused)",
            self.octets.len(),
            self.unused
        )
    }
}

impl<'a> DecodeValue<'a> for BitString<'a> {
    const TAG: u8 = tag::BIT_STRING;

    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        match contents.rest().split_first() {
            Some((unused @ 0..=7, octets)) if *unused == 0 || !octets.is_empty() => Ok(Self {
                octets,
                unused: *unused,
            }),
            _ => Err(contents.bad_value("a BIT STRING with 0 to 7 unused bits")),
        }
    }
}

impl EncodeValue for BitString<'_> {
    const TAG: u8 = tag::BIT_STRING;

    fn value_len(&self) -> usize {
        self.octets.len().saturating_add(1)
    }

    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.octets)?;
        writer.write(&[self.unused])
    }
}
