//! What a decoder or encoder says when it refuses.

use core::fmt;

use der::Tag;

/// A refusal to decode: what was read, where, and why.
///
/// The text is `<type>[ (<inner type>.<field>)]: <reason> at DER byte <offset>`.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct DecodeError {
    /// The type the caller asked for.
    pub type_name: &'static str,
    /// The innermost type and field that was being read, where one was reached.
    pub field: Option<(&'static str, &'static str)>,
    /// Where in the input the trouble was found, in octets from its start.
    pub offset: usize,
    /// Why.
    pub kind: DecodeErrorKind,
}

/// Why a decoder refused.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum DecodeErrorKind {
    /// The input is longer than any message may be.
    TooLong {
        /// Octets given.
        len: usize,
        /// Octets allowed.
        max: usize,
    },
    /// Elements are nested deeper than any message needs.
    TooDeep {
        /// Levels allowed.
        max: usize,
    },
    /// A list has more elements than this implementation takes.
    TooMany {
        /// Elements allowed.
        max: usize,
    },
    /// An indefinite length, which DER does not have.
    IndefiniteLength,
    /// A length that is not in DER's shortest form, or has more than four octets.
    BadLength,
    /// An element runs past the end of what contains it.
    Overrun {
        /// Octets the element needs.
        needed: usize,
        /// Octets that are there.
        found: usize,
    },
    /// Octets follow where the value should have ended.
    TrailingData {
        /// How many.
        len: usize,
    },
    /// A mandatory field is absent.
    Missing {
        /// Its context tag.
        tag: u32,
    },
    /// Another tag stands where the type's own should be.
    UnexpectedTag {
        /// The tag the type has.
        expected: Option<Tag>,
        /// The tag that was found.
        found: Tag,
    },
    /// A value outside its type's range.
    Value {
        /// What the type allows.
        expected: &'static str,
    },
    /// Any other breach of DER.
    Der(der::ErrorKind),
}

impl DecodeError {
    pub(crate) fn new(offset: usize, kind: DecodeErrorKind) -> Self {
        Self {
            type_name: "",
            field: None,
            offset,
            kind,
        }
    }

    /// Another tag than the type's.
    pub(crate) fn unexpected_tag(offset: usize, expected: Option<u8>, found: u8) -> Self {
        let kind = match tag_of(found) {
            Ok(found) => DecodeErrorKind::UnexpectedTag {
                expected: expected.and_then(|octet| tag_of(octet).ok()),
                found,
            },
            Err(error) => DecodeErrorKind::Der(error.kind()),
        };
        Self::new(offset, kind)
    }

    /// Notes the field, unless a deeper one is noted already.
    #[cold]
    pub(crate) fn in_field(mut self, type_name: &'static str, field: &'static str) -> Self {
        self.field.get_or_insert((type_name, field));
        self
    }
}

fn tag_of(octet: u8) -> der::Result<Tag> {
    <Tag as der::Decode>::from_der(&[octet])
}

impl fmt::Display for DecodeErrorKind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len, max } => write!(f, "expected at most {max} octets, but found {len}"),
            Self::TooDeep { max } => write!(f, "expected at most {max} levels of nesting, but found more"),
            Self::TooMany { max } => write!(f, "expected at most {max} elements, but found more"),
            Self::IndefiniteLength => f.write_str("expected a definite length, but found an indefinite one"),
            Self::BadLength => f.write_str("expected a length in its shortest form, but found another"),
            Self::Overrun { needed, found } => write!(f, "expected {needed} octets, but found {found}"),
            Self::TrailingData { len } => write!(f, "expected the end, but found {len} more octets"),
            Self::Missing { tag } => write!(f, "expected the mandatory field [{tag}], but it is absent"),
            Self::UnexpectedTag {
                expected: Some(expected),
                found,
            } => {
                write!(f, "expected {expected}, but found {found}")
            }
            Self::UnexpectedTag {
                expected: None,
                found,
            } => {
                write!(f, "expected another element, but found {found}")
            }
            Self::Value { expected } => write!(f, "expected {expected}, but found another value"),
            Self::Der(kind) => write!(f, "{kind}"),
        }
    }
}

impl fmt::Display for DecodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.type_name)?;
        if let Some((type_name, field)) = self.field {
            write!(f, " ({type_name}.{field})")?;
        }
        write!(f, ": {} at DER byte {}", self.kind, self.offset)
    }
}

impl core::error::Error for DecodeError {}

/// A refusal to encode: a value that has no encoding (a time after the year 9999, a message over 4 GiB).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EncodeError {
    /// The type the caller gave.
    pub type_name: &'static str,
    /// Why.
    pub kind: der::ErrorKind,
}

impl fmt::Display for EncodeError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: cannot be encoded: {}", self.type_name, self.kind)
    }
}

impl core::error::Error for EncodeError {}
