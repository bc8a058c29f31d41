//! A look over elements that are not decoded: size, depth and lengths, without recursion or allocation.

use crate::error::{DecodeError, DecodeErrorKind};
use crate::tag::{CONSTRUCTED, NUMBER};

/// The longest message taken, in octets. KDC replies with a large PAC reach some tens of kilobytes.
pub const MAX_MESSAGE_LEN: usize = 1 << 20;

/// The deepest nesting taken. The deepest message known, a KDC-REQ with additional tickets, has 14 levels.
pub const MAX_DEPTH: usize = 32;

/// Checks that `bytes` is not too long.
pub(crate) fn check_len(bytes: &[u8]) -> Result<(), DecodeError> {
    if bytes.len() <= MAX_MESSAGE_LEN {
        return Ok(());
    }
    let kind = DecodeErrorKind::TooLong {
        len: bytes.len(),
        max: MAX_MESSAGE_LEN,
    };
    Err(DecodeError::new(MAX_MESSAGE_LEN, kind))
}

/// Checks that `bytes` is a sequence of elements with definite, minimal lengths, each within what contains it.
pub(crate) fn check(bytes: &[u8]) -> Result<(), DecodeError> {
    check_len(bytes)?;
    let mut ends = [0_usize; MAX_DEPTH];
    let mut depth = 0_usize;
    let mut end = bytes.len();
    let mut at = 0_usize;
    loop {
        while at == end {
            if depth == 0 {
                return Ok(());
            }
            depth -= 1;
            end = ends.get(depth).copied().unwrap_or(bytes.len());
        }
        let header = header(bytes, at, end)?;
        let value_end = header.contents + header.len;
        at = if header.constructed {
            header.contents
        } else {
            value_end
        };
        if header.constructed {
            let slot = ends.get_mut(depth);
            let slot =
                slot.ok_or_else(|| DecodeError::new(at, DecodeErrorKind::TooDeep { max: MAX_DEPTH }))?;
            *slot = end;
            depth += 1;
            end = value_end;
        }
    }
}

/// An element's header: where its contents begin, how long they are, whether they are elements again.
pub(crate) struct ElementHeader {
    pub(crate) contents: usize,
    pub(crate) len: usize,
    constructed: bool,
}

/// Reads the header at `at` and checks that the element ends at `end` or before.
pub(crate) fn header(bytes: &[u8], at: usize, end: usize) -> Result<ElementHeader, DecodeError> {
    let cut = |needed: usize| {
        let kind = DecodeErrorKind::Overrun {
            needed,
            found: end.saturating_sub(at),
        };
        DecodeError::new(at, kind)
    };
    let octet = |index: usize| {
        if index < end {
            bytes.get(index).copied()
        } else {
            None
        }
    };
    let tag = octet(at).ok_or_else(|| cut(2))?;
    if tag & NUMBER == NUMBER {
        return Err(DecodeError::new(
            at,
            DecodeErrorKind::Der(der::ErrorKind::TagNumberInvalid),
        ));
    }
    let first = octet(at + 1).ok_or_else(|| cut(2))?;
    let (contents, len) = match first {
        0..=0x7f => (at + 2, usize::from(first)),
        0x80 => return Err(DecodeError::new(at + 1, DecodeErrorKind::IndefiniteLength)),
        0x81..=0x84 => long_length(octet, at, usize::from(first & 0x7f)).map_err(|kind| match kind {
            DecodeErrorKind::Overrun { needed, .. } => cut(needed),
            kind => DecodeError::new(at + 1, kind),
        })?,
        _ => return Err(DecodeError::new(at + 1, DecodeErrorKind::BadLength)),
    };
    if len > end.saturating_sub(contents) {
        return Err(cut((contents - at).saturating_add(len)));
    }
    Ok(ElementHeader {
        contents,
        len,
        constructed: tag & CONSTRUCTED != 0,
    })
}

/// Reads a length of `count` further octets; gives where the contents begin and the length.
fn long_length(
    octet: impl Fn(usize) -> Option<u8>,
    at: usize,
    count: usize,
) -> Result<(usize, usize), DecodeErrorKind> {
    let contents = at + 2 + count;
    let mut len = 0_u32;
    for index in at + 2..contents {
        let missing = DecodeErrorKind::Overrun {
            needed: contents - at,
            found: 0,
        };
        len = (len << 8) | u32::from(octet(index).ok_or(missing)?);
    }
    let shortest = match len {
        0..=0x7f => 0,
        0x80..=0xff => 1,
        0x100..=0xffff => 2,
        0x1_0000..=0xff_ffff => 3,
        _ => 4,
    };
    if shortest != count {
        return Err(DecodeErrorKind::BadLength);
    }
    let len = usize::try_from(len).map_err(|_| DecodeErrorKind::BadLength)?;
    Ok((contents, len))
}
