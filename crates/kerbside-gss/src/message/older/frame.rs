//! The frame of an older per-message token (RFC 2743 3.1): `60 length 06 09 OID`. Messages are longer than what the frame
//! of a context token may hold, so it is read and written here.

use super::MECHANISM;
use crate::error::GssError;
use crate::message::header::defective;

/// Tag of the frame, and of an object identifier.
const FRAME: u8 = 0x60;
const OBJECT_IDENTIFIER: u8 = 0x06;

/// Octets of the object identifier with its header.
fn oid_len() -> usize {
    MECHANISM.as_bytes().len().saturating_add(2)
}

/// Octets of a DER length.
fn length_octets(length: usize) -> usize {
    match length {
        0..=0x7f => 1,
        _ => usize::try_from(length.ilog2() / 8)
            .unwrap_or(usize::MAX)
            .saturating_add(2),
    }
}

/// Octets that stand before `inner_len` octets of token.
pub(super) fn len(inner_len: usize) -> usize {
    let contents = inner_len.saturating_add(oid_len());
    length_octets(contents)
        .saturating_add(oid_len())
        .saturating_add(1)
}

/// Writes the frame of a token of `inner_len` octets to the front of `buffer`, and gives what is behind it.
pub(super) fn write(inner_len: usize, buffer: &mut [u8]) -> Result<&mut [u8], GssError> {
    let contents = inner_len.saturating_add(oid_len());
    let (frame, inner) = buffer
        .split_at_mut_checked(len(inner_len))
        .ok_or(defective("token buffer", "too short"))?;
    let octets = contents.to_be_bytes();
    let significant = length_octets(contents).saturating_sub(1);
    let long = octets.get(octets.len().saturating_sub(significant)..);
    let first = if significant == 0 {
        u8::try_from(contents).unwrap_or(0)
    } else {
        0x80 | u8::try_from(significant).unwrap_or(0)
    };
    let oid = MECHANISM.as_bytes();
    let written = [FRAME, first]
        .into_iter()
        .chain(long.unwrap_or_default().iter().copied())
        .chain([OBJECT_IDENTIFIER, u8::try_from(oid.len()).unwrap_or(0)])
        .chain(oid.iter().copied());
    frame.iter_mut().zip(written).for_each(|(to, from)| *to = from);
    Ok(inner)
}

/// Where the token within the frame begins. The frame must be whole, its length minimal, its mechanism krb5.
pub(super) fn inner(token: &[u8], kind: &'static str) -> Result<usize, GssError> {
    inner_of_part(token, 0, kind)
}

/// The same for a token of which `beyond` octets lie elsewhere.
pub(super) fn inner_of_part(token: &[u8], beyond: usize, kind: &'static str) -> Result<usize, GssError> {
    let wrong = |reason| GssError::from(defective(kind, reason));
    let (&tag, rest) = token.split_first().ok_or(wrong("it is empty"))?;
    let (&first, rest) = rest.split_first().ok_or(wrong("it ends in its frame"))?;
    if tag != FRAME {
        return Err(wrong("expected the frame of RFC 2743 3.1"));
    }
    let (length, rest) = match first {
        0..=0x7f => (usize::from(first), rest),
        0x81..=0x84 => {
            let (octets, rest) = rest
                .split_at_checked(usize::from(first & 0x7f))
                .ok_or(wrong("it ends in its frame"))?;
            let length = octets
                .iter()
                .fold(0_u64, |length, octet| (length << 8) | u64::from(*octet));
            (usize::try_from(length).unwrap_or(usize::MAX), rest)
        }
        _ => return Err(wrong("expected a definite length of at most four octets")),
    };
    if length != rest.len().saturating_add(beyond)
        || length_octets(length) != token.len().saturating_sub(rest.len()).saturating_sub(1)
    {
        return Err(wrong("expected the frame's length to be the token's"));
    }
    let oid = MECHANISM.as_bytes();
    let named = rest
        .strip_prefix(&[OBJECT_IDENTIFIER, u8::try_from(oid.len()).unwrap_or(0)])
        .and_then(|rest| rest.strip_prefix(oid));
    match named {
        Some(inner) => Ok(token.len().saturating_sub(inner.len())),
        None => Err(wrong("expected the mechanism krb5")),
    }
}
