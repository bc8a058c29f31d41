//! A cursor over DER.

use crate::error::{DecodeError, DecodeErrorKind};
use crate::{scan, tag};

/// A cursor over the elements of a message, or of one constructed element in it.
///
/// It never leaves what it was made for, takes definite lengths in their shortest form only, and knows its place in the whole
/// message, so that an error says where.
#[derive(Clone, Debug)]
pub struct Reader<'a> {
    /// The message up to the end of what is being read.
    bytes: &'a [u8],
    at: usize,
    /// Where the element began whose contents these are.
    start: usize,
}

/// Where an element's contents begin and end.
struct Extent {
    contents: usize,
    end: usize,
}

impl<'a> Reader<'a> {
    /// A cursor at the start of `bytes`.
    pub const fn new(bytes: &'a [u8]) -> Self {
        Self {
            bytes,
            at: 0,
            start: 0,
        }
    }

    /// The offset of the next octet in the whole message.
    pub const fn position(&self) -> usize {
        self.at
    }

    /// Whether nothing is left.
    pub const fn is_finished(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The tag of the next element, if there is one.
    pub fn peek_tag(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// Goes past the next element, which must have this tag, and gives a cursor over its contents.
    ///
    /// # Errors
    /// [`DecodeError`] for another tag, no element, or a length that is not DER or runs past the end.
    #[inline]
    pub fn enter(&mut self, tag: u8) -> Result<Self, DecodeError> {
        // As nearly all elements are: one octet of tag, one of length, and all of it there.
        let start = self.at;
        if let Some([found, len @ 0..=0x7f, ..]) = self.bytes.get(start..)
            && *found == tag
            && tag & tag::NUMBER != tag::NUMBER
        {
            let (contents, end) = (start + 2, start + 2 + usize::from(*len));
            if let Some(bytes) = self.bytes.get(..end) {
                self.at = end;
                return Ok(Self {
                    bytes,
                    at: contents,
                    start,
                });
            }
        }
        self.enter_any(tag)
    }

    /// The same for every element there is, and for the errors.
    fn enter_any(&mut self, tag: u8) -> Result<Self, DecodeError> {
        if self.peek_tag() != Some(tag) {
            return Err(self.unexpected(Some(tag)));
        }
        let start = self.at;
        let Extent { contents, end } = self.extent()?;
        self.at = end;
        // `extent` has checked that the end lies within.
        let bytes = self.bytes.get(..end).unwrap_or_default();
        Ok(Self {
            bytes,
            at: contents,
            start,
        })
    }

    /// The next element, whatever it is, tag and all.
    ///
    /// # Errors
    /// [`DecodeError`] when it, or anything nested in it, is not DER or too deep.
    pub fn element(&mut self) -> Result<&'a [u8], DecodeError> {
        let start = self.at;
        let Extent { end, .. } = self.extent()?;
        let element = self.bytes.get(start..end).unwrap_or_default();
        scan::check(element).map_err(|mut error| {
            error.offset = error.offset.saturating_add(start);
            error
        })?;
        self.at = end;
        Ok(element)
    }

    /// Everything that is left.
    #[inline]
    pub fn rest(&mut self) -> &'a [u8] {
        let rest = self.bytes.get(self.at..).unwrap_or_default();
        self.at = self.bytes.len();
        rest
    }

    /// Makes sure that nothing is left.
    ///
    /// # Errors
    /// [`DecodeErrorKind::TrailingData`] otherwise.
    #[inline]
    pub fn finish(&self) -> Result<(), DecodeError> {
        if self.is_finished() {
            return Ok(());
        }
        let len = self.bytes.len() - self.at;
        Err(DecodeError::new(self.at, DecodeErrorKind::TrailingData { len }))
    }

    /// Goes past so many octets that are no element.
    pub(crate) fn skip(&mut self, len: usize) {
        self.at = self.at.saturating_add(len).min(self.bytes.len());
    }

    /// The octets from `start`, a position passed before, to here.
    pub(crate) fn since(&self, start: usize) -> &'a [u8] {
        self.bytes.get(start..self.at).unwrap_or_default()
    }

    /// Goes past the fields an extensible SEQUENCE may have after those that are known: context tags above `last`, rising.
    pub(crate) fn skip_extensions(&mut self, last: u8) -> Result<(), DecodeError> {
        let mut last = tag::context(last);
        while let Some(found) = self.peek_tag() {
            // Primitive context tags are those of IMPLICIT fields; for the order they count like the others.
            let number = found | tag::CONSTRUCTED;
            if number <= last || number >= tag::context(tag::NUMBER) {
                return self.finish();
            }
            last = number;
            self.element()?;
        }
        Ok(())
    }

    /// The refusal of a value, as seen from its tag.
    #[cold]
    pub(crate) fn bad_value(&self, expected: &'static str) -> DecodeError {
        DecodeError::new(self.start, DecodeErrorKind::Value { expected })
    }

    /// The refusal of what stands here.
    #[cold]
    pub(crate) fn unexpected(&self, expected: Option<u8>) -> DecodeError {
        match self.peek_tag() {
            None => DecodeError::new(self.at, DecodeErrorKind::Overrun { needed: 2, found: 0 }),
            Some(found) => DecodeError::unexpected_tag(self.at, expected, found),
        }
    }

    /// Reads the header of the next element.
    #[inline]
    fn extent(&self) -> Result<Extent, DecodeError> {
        let at = self.at;
        let (contents, len) = match self.bytes.get(at..).unwrap_or_default() {
            [_, len @ 0..=0x7f, ..] => (at + 2, usize::from(*len)),
            [_, 0x81, len @ 0x80..=0xff, ..] => (at + 3, usize::from(*len)),
            [_, 0x82, high @ 1..=0xff, low, ..] => (at + 4, usize::from(u16::from_be_bytes([*high, *low]))),
            _ => return self.long_extent(),
        };
        // High tag numbers, and what is longer than its container, have their errors there.
        let high = self.peek_tag().is_none_or(|tag| tag & tag::NUMBER == tag::NUMBER);
        if high || len > self.bytes.len() - contents {
            return self.long_extent();
        }
        let end = contents + len;
        Ok(Extent { contents, end })
    }

    /// The same for every length there is, and for the errors.
    #[cold]
    fn long_extent(&self) -> Result<Extent, DecodeError> {
        let header = scan::header(self.bytes, self.at, self.bytes.len())?;
        Ok(Extent {
            contents: header.contents,
            end: header.contents + header.len,
        })
    }
}
