//! The octets of segments as one string: places in it, and copies of what lies across pieces.

use crate::mac::copy_prefix;
use crate::segment::Segment;

/// A place in the string that segments make.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Position {
    pub(crate) segment: usize,
    pub(crate) offset: usize,
}

impl Position {
    pub(crate) const START: Self = Self {
        segment: 0,
        offset: 0,
    };

    pub(crate) const fn start_of(segment: usize) -> Self {
        Self { segment, offset: 0 }
    }
}

/// The place `len` encrypted octets behind `at`, in the segment that holds the last of them.
pub(crate) fn advance(segments: &[Segment<'_>], mut at: Position, mut len: usize) -> Position {
    while let Some(segment) = segments.get(at.segment) {
        let rest = segment
            .encrypted()
            .map_or(0, <[u8]>::len)
            .saturating_sub(at.offset);
        if len <= rest {
            at.offset += len;
            break;
        }
        len -= rest;
        at = Position::start_of(at.segment + 1);
    }
    at
}

/// Copies the encrypted octets at `at` out of the segments.
pub(crate) fn gather(segments: &[Segment<'_>], at: Position, mut out: &mut [u8]) {
    let mut offset = at.offset;
    for segment in segments.iter().skip(at.segment) {
        let rest = segment
            .encrypted()
            .and_then(|bytes| bytes.get(offset..))
            .unwrap_or_default();
        offset = 0;
        let (now, later) = out.split_at_mut(rest.len().min(out.len()));
        copy_prefix(now, rest);
        out = later;
        if out.is_empty() {
            break;
        }
    }
}

/// Copies octets into the encrypted segments at `at`.
pub(crate) fn scatter(segments: &mut [Segment<'_>], at: Position, mut text: &[u8]) {
    let mut offset = at.offset;
    for segment in segments.iter_mut().skip(at.segment) {
        let rest = segment
            .encrypted_mut()
            .and_then(|bytes| bytes.get_mut(offset..))
            .unwrap_or_default();
        offset = 0;
        let (now, later) = text.split_at(rest.len().min(text.len()));
        copy_prefix(rest, now);
        text = later;
        if text.is_empty() {
            break;
        }
    }
}

/// Calls `f` with the octets under the checksum from `from` to `to`, piece by piece.
pub(crate) fn for_each_signed(
    segments: &[Segment<'_>],
    from: Position,
    to: Position,
    mut f: impl FnMut(&[u8]),
) {
    for (index, segment) in segments.iter().enumerate().skip(from.segment) {
        let Some(text) = segment.signed().filter(|_| index <= to.segment) else {
            continue;
        };
        let start = if index == from.segment { from.offset } else { 0 };
        let end = if index == to.segment {
            to.offset
        } else {
            text.len()
        };
        f(text.get(start..end).unwrap_or_default());
    }
}
