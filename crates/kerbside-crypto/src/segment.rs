//! The pieces of a message that is protected in place.

use core::fmt;

use crate::error::SegmentError;
use crate::profile::Profile;

/// A piece of a message, in the manner of GSS-API's IOV buffers.
///
/// The header comes first and the trailer may stand anywhere behind it; both are there exactly once. Encryption covers
/// header, data and padding as one string; the checksum covers these and what is sign-only, in the order given.
/// Pieces may have any length, and none need end where a cipher block does.
pub enum Segment<'a> {
    /// What stands before the data, [`Key::header_len`](crate::Key::header_len) octets: the confounder, in rc4-hmac
    /// behind the checksum. Filled by encryption, to be ignored after decryption.
    Header(&'a mut [u8]),
    /// Encrypted data.
    Data(&'a mut [u8]),
    /// Encrypted like data. des3-cbc-sha1-kd needs [`Key::padding_len`](crate::Key::padding_len) octets that the
    /// caller sets; the others need none, the message around may.
    Padding(&'a mut [u8]),
    /// Data under the checksum but not encrypted.
    SignOnly(&'a [u8]),
    /// The checksum, [`Key::trailer_len`](crate::Key::trailer_len) octets; none in rc4-hmac, whose checksum is in the
    /// header.
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

/// Checks that a message can be made of the segments, and returns the octets of header, data and padding.
pub(crate) fn encrypted_total(profile: Profile, segments: &[Segment<'_>]) -> Result<usize, SegmentError> {
    let Some((Segment::Header(header), rest)) = segments.split_first() else {
        return Err(SegmentError::HeaderNotFirst);
    };
    if header.len() != profile.header_len() {
        return Err(SegmentError::HeaderLength {
            expected: profile.header_len(),
            found: header.len(),
        });
    }
    let mut total = header.len();
    let mut trailer_seen = false;
    for segment in rest {
        match segment {
            Segment::Header(_) => return Err(SegmentError::SecondHeader),
            Segment::Trailer(_) if trailer_seen => return Err(SegmentError::SecondTrailer),
            Segment::Trailer(trailer) if trailer.len() != profile.trailer_len() => {
                return Err(SegmentError::TrailerLength {
                    expected: profile.trailer_len(),
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
    if !trailer_seen {
        return Err(SegmentError::NoTrailer);
    }
    // A header is a multiple itself, whatever else it holds.
    if !total.is_multiple_of(profile.padding_multiple()) {
        return Err(SegmentError::PaddingLength {
            multiple: profile.padding_multiple(),
            found: total,
        });
    }
    Ok(total)
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

        let (h, t) = (&mut [0; 8], &mut [0; 20]);
        let unpadded = [Segment::Header(h), Segment::Data(data), Segment::Trailer(t)];
        assert_eq!(
            encrypted_total(Profile::Des3, &unpadded),
            Err(SegmentError::PaddingLength {
                multiple: 8,
                found: 13
            })
        );
        let (h, t) = (&mut [0; 24], &mut []);
        let good = [Segment::Header(h), Segment::Data(data), Segment::Trailer(t)];
        assert_eq!(encrypted_total(Profile::Rc4, &good), Ok(29));
    }

    #[test]
    fn debug_shows_no_content() {
        assert_eq!(
            format!("{:?}", Segment::SignOnly(b"secret")),
            "SignOnly(6 octets)"
        );
    }
}
