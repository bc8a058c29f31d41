//! `KerberosString` and `Realm`.

use core::fmt;

use crate::codec::{DecodeValue, Element, EncodeValue};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::tag;
use crate::writer::Writer;

/// A string of a principal name, a realm or a salt, as its octets.
///
/// ```text
/// KerberosString  ::= GeneralString (IA5String)
/// Realm           ::= KerberosString
/// ```
///
/// RFC 4120 5.2.1. In practice the octets are UTF-8 or anything else a site uses, so none is refused.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct KerberosString<'a>(pub &'a [u8]);

impl<'a> KerberosString<'a> {
    /// The string with these octets.
    pub const fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    /// The octets.
    pub const fn as_bytes(&self) -> &'a [u8] {
        self.0
    }
}

impl<'a> From<&'a str> for KerberosString<'a> {
    fn from(text: &'a str) -> Self {
        Self(text.as_bytes())
    }
}

/// Control characters, characters that reorder or hide text, and octets that are not UTF-8 are escaped, so that a line
/// stays a line and reads as what it is.
impl fmt::Display for KerberosString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_escaped(f, self.0)
    }
}

impl fmt::Debug for KerberosString<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\"{self}\"")
    }
}

/// Writes octets from outside so that a terminal or a log can take them.
pub(crate) fn write_escaped(f: &mut fmt::Formatter<'_>, octets: &[u8]) -> fmt::Result {
    for chunk in octets.utf8_chunks() {
        for character in chunk.valid().chars() {
            if character.is_control() || deceives(character) {
                write!(f, "{}", character.escape_default())?;
            } else {
                write!(f, "{character}")?;
            }
        }
        for octet in chunk.invalid() {
            write!(f, "\\x{octet:02x}")?;
        }
    }
    Ok(())
}

/// Characters that a terminal or viewer does not show but obeys: line and paragraph separators, marks that turn the
/// direction of writing, and what has no width. `alice@MOC.LIVE` must not look like another realm.
fn deceives(character: char) -> bool {
    matches!(
        character,
        '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{61c}' | '\u{feff}'
    )
}

impl Element for KerberosString<'_> {
    const MAX_COUNT: usize = crate::principal_name::MAX_COMPONENTS;
}

impl<'a> DecodeValue<'a> for KerberosString<'a> {
    const TAG: u8 = tag::GENERAL_STRING;

    #[inline]
    fn decode_value(contents: &mut Reader<'a>) -> Result<Self, DecodeError> {
        Ok(Self(contents.rest()))
    }
}

impl EncodeValue for KerberosString<'_> {
    const TAG: u8 = tag::GENERAL_STRING;

    #[inline]
    fn value_len(&self) -> usize {
        self.0.len()
    }

    #[inline]
    fn encode_value(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        writer.write(self.0)
    }
}
