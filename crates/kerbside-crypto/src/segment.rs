//! The pieces of a message that is protected in place.

use core::fmt;

use crate::error::SegmentError;
use crate::profile::{CONFOUNDER_LEN, Profile};

/// A piece of a message, in the manner of GSS-API's IOV buffers.
///
/// The header comes first and the trailer may stand anywhere behind it; both are there exactly once. Encryption covers
/// header, data and padding as one string; the checksum covers these and what is sign-only, in the order given.
/// Pieces may have any length, and none need end where a cipher block does.
pub enum Segment<'a> {
    /// The confounder, 16 octets: chosen by encryption, to be ignored after decryption.
    Header(&'a mut [u8]),
    /// Encrypted data.
    Data(&'a mut [u8]),
    /// Encrypted like data; these encryption types need none, the message around may.
    Padding(&'a mut [u8]),
    /// Data under the checksum but not encrypted.
    SignOnly(&'a [u8]),
    /// The checksum: 12, 16 or 24 octets.
    Trailer(&'a mut [u8]),
}

impl Segment<'_> {
    /// The octets that are encrypted, if this piece is.
    pub(crate) fn encrypted(&self) -> Option<&[u8]> {
        match self {
            Self::Header(bytes) | Self::Data(bytes) | Self::Padding(bytes) => Some(bytes),
            Self::SignOnly(_) | Self::Trailer(_) => None,
        }
    }

    /// The same, to be changed.
    pub(crate) fn encrypted_mut(&mut self) -> Option<&mut [u8]> {
        match self {
            Self::Header(bytes) | Self::Data(bytes) | Self::Padding(bytes) => Some(bytes),
            Self::SignOnly(_) | Self::Trailer(_) => None,
        }
    }

    /// The octets under the checksum, if this piece is.
    pub(crate) fn signed(&self) -> Option<&[u8]> {
        match self {
            Self::SignOnly(bytes) => Some(bytes),
            _ => self.encrypted(),
        }
    }
}

impl fmt::Debug for Segment<'_> {
    /// Kind and length, never content.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kind, len) = match self {
            Self::Header(bytes) => ("Header", bytes.len()),
            Self::Data(bytes) => ("Data", bytes.len()),
            Self::Padding(bytes) => ("Padding", bytes.len()),
            Self::SignOnly(bytes) => ("SignOnly", bytes.len()),
            Self::Trailer(bytes) => ("Trailer", bytes.len()),
        };
        write!(f, "{kind}({len} octets)")
    }
}

/// Checks that a message can be made of the segments, and returns the number of encrypted octets.
pub(crate) fn encrypted_total(profile: Profile, segments: &[Segment<'_>]) -> Result<usize, SegmentError> {
    let Some((Segment::Header(header), rest)) = segments.split_first() else {
        return Err(SegmentError::HeaderNotFirst);
    };
    if header.len() != CONFOUNDER_LEN {
        return Err(SegmentError::HeaderLength {
            expected: CONFOUNDER_LEN,
            found: header.len(),
        });
    }
    let mut total = header.len();
    let mut trailer_seen = false;
    for segment in rest {
        match segment {
            Segment::Header(_) => return Err(SegmentError::SecondHeader),
            Segment::Trailer(_) if trailer_seen => return Err(SegmentError::SecondTrailer),
            Segment::Trailer(trailer) if trailer.len() != profile.mac_len() => {
                return Err(SegmentError::TrailerLength {
                    expected: profile.mac_len(),
                    found: trailer.len(),
                });
            }
            Segment::Trailer(_) => trailer_seen = true,
            Segment::Data(bytes) | Segment::Padding(bytes) => {
                total = total.checked_add(bytes.len()).ok_or(SegmentError::Overflow)?;
            }
            Segment::SignOnly(_) => {}
        }
    }
    if trailer_seen {
        Ok(total)
    } else {
        Err(SegmentError::NoTrailer)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn each_malformed_list_is_refused_for_its_own_reason() {
        let p = Profile::Aes128Sha1;
        let (h, h2, short) = (&mut [0; 16], &mut [0; 16], &mut [0; 15]);
        let (t, t2, long) = (&mut [0; 12], &mut [0; 12], &mut [0; 16]);
        let data = &mut [0; 5];
        assert_eq!(encrypted_total(p, &[]), Err(SegmentError::HeaderNotFirst));
        assert_eq!(
            encrypted_total(p, &[Segment::Data(data), Segment::Header(h), Segment::Trailer(t)]),
            Err(SegmentError::HeaderNotFirst)
        );
        assert_eq!(
            encrypted_total(p, &[Segment::Header(short), Segment::Trailer(t)]),
            Err(SegmentError::HeaderLength {
                expected: 16,
                found: 15
            })
        );
        assert_eq!(
            encrypted_total(p, &[Segment::Header(h), Segment::Header(h2), Segment::Trailer(t)]),
            Err(SegmentError::SecondHeader)
        );
        assert_eq!(
            encrypted_total(p, &[Segment::Header(h), Segment::Data(data)]),
            Err(SegmentError::NoTrailer)
        );
        assert_eq!(
            encrypted_total(
                p,
                &[Segment::Header(h), Segment::Trailer(t), Segment::Trailer(t2)]
            ),
            Err(SegmentError::SecondTrailer)
        );
        assert_eq!(
            encrypted_total(p, &[Segment::Header(h), Segment::Trailer(long)]),
            Err(SegmentError::TrailerLength {
                expected: 12,
                found: 16
            })
        );
        let good = [
            Segment::Header(h),
            Segment::Data(data),
            Segment::SignOnly(b"abc"),
            Segment::Padding(h2),
            Segment::Trailer(t),
        ];
        assert_eq!(encrypted_total(p, &good), Ok(37));
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(
            format!("{:?}", Segment::SignOnly(b"secret")),
            "SignOnly(6 octets)"
        );
    }
}
