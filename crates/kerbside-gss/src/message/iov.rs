//! Wrap tokens whose parts lie in buffers of the caller's (IOV), and the AEAD form: data that is signed but does not
//! travel in the token.
//!
//! ```text
//!  with a trailer      header: token header, confounder                      data ...   trailer: filler, copy, checksum
//!  without a trailer   header: token header, filler, copy, checksum, confounder   data ...        (rotated right)
//! ```
//!
//! DCE RPC has no trailer. In contexts of its style the filler is a block long and is not counted by RRC, as Windows
//! makes and expects it (MS-KILE 3.4.5.4.1).

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use kerbside_crypto::{CryptoRng, Segment};

use super::header::{HEADER_LEN, SEALED, WrapHeader, defective};
use super::{IovLengths, IovUnwrapped, MessageProtection, expect_length};
use crate::error::{Cause, GssError};

const KIND: &str = "Wrap token in buffers";
/// The filler in contexts of DCE style: a cipher block.
const DCE_FILLER_LEN: usize = 16;

/// What is at the caller's first and last place, found in the list of its buffers.
pub(super) struct Ends<'b> {
    pub(super) header: &'b mut [u8],
    pub(super) trailer: Option<&'b mut [u8]>,
    /// The buffers between, in their order.
    pub(super) between: Vec<Segment<'b>>,
}

/// Takes the list apart: one header, at most one trailer.
pub(super) fn ends<'b>(iov: &'b mut [Segment<'_>]) -> Result<Ends<'b>, GssError> {
    let wrong = |reason| GssError::from(Cause::Misuse { reason });
    let (mut header, mut trailer) = (None, None);
    let mut between = Vec::with_capacity(iov.len());
    for buffer in iov {
        match buffer {
            Segment::Header(bytes) if header.is_none() => header = Some(&mut **bytes),
            Segment::Header(_) => return Err(wrong("IOV: expected one header buffer, but found another")),
            Segment::Trailer(bytes) if trailer.is_none() => trailer = Some(&mut **bytes),
            Segment::Trailer(_) => return Err(wrong("IOV: expected one trailer buffer, but found another")),
            Segment::Data(bytes) => between.push(Segment::Data(bytes)),
            Segment::Padding(bytes) => between.push(Segment::Padding(bytes)),
            Segment::SignOnly(bytes) => between.push(Segment::SignOnly(bytes)),
        }
    }
    Ok(Ends {
        header: header.ok_or(wrong("IOV: expected a header buffer, but found none"))?,
        trailer,
        between,
    })
}

/// Whether the list has a place for a trailer.
fn has_trailer(iov: &[Segment<'_>]) -> bool {
    iov.iter().any(|buffer| matches!(buffer, Segment::Trailer(_)))
}

/// The octets under the checksum of the buffers between, as they lie.
pub(super) fn signed<'s>(between: &'s [Segment<'_>]) -> impl Iterator<Item = &'s [u8]> {
    between.iter().map(|buffer| match buffer {
        Segment::SignOnly(bytes) => &**bytes,
        Segment::Header(bytes) | Segment::Data(bytes) | Segment::Padding(bytes) | Segment::Trailer(bytes) => {
            bytes
        }
    })
}

/// Where the parts of a token lie.
struct Parts<'t> {
    token_header: &'t mut [u8; HEADER_LEN],
    confounder: &'t mut [u8],
    filler: &'t mut [u8],
    copy: &'t mut [u8],
    mac: &'t mut [u8],
}

impl MessageProtection {
    pub(super) fn iov_lengths(&self, confidential: bool, trailer: bool) -> IovLengths {
        let filler = if self.dce_style { DCE_FILLER_LEN } else { 0 };
        let (before, behind) = if confidential {
            let behind = filler
                .saturating_add(HEADER_LEN)
                .saturating_add(self.key.trailer_len());
            (HEADER_LEN.saturating_add(self.key.header_len()), behind)
        } else {
            (HEADER_LEN, self.key.trailer_len())
        };
        IovLengths {
            header: if trailer {
                before
            } else {
                before.saturating_add(behind)
            },
            padding: 0,
            trailer: if trailer { behind } else { 0 },
        }
    }

    fn parts<'t>(
        &self,
        header: &'t mut [u8],
        trailer: Option<&'t mut [u8]>,
        filler_len: usize,
        copy_len: usize,
    ) -> Result<Parts<'t>, GssError> {
        let short = || defective(KIND, "shorter than its header");
        let (token_header, rest) = header.split_first_chunk_mut().ok_or_else(short)?;
        let (behind, confounder) = match trailer {
            Some(trailer) => (trailer, rest),
            None => {
                let behind_len = filler_len
                    .saturating_add(copy_len)
                    .saturating_add(self.key.trailer_len());
                rest.split_at_mut_checked(behind_len).ok_or_else(short)?
            }
        };
        let (filler, behind) = behind.split_at_mut_checked(filler_len).ok_or_else(short)?;
        let (copy, mac) = behind.split_at_mut_checked(copy_len).ok_or_else(short)?;
        Ok(Parts {
            token_header,
            confounder,
            filler,
            copy,
            mac,
        })
    }

    pub(super) fn seal_iov(
        &mut self,
        confidential: bool,
        iov: &mut [Segment<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let rotated = !has_trailer(iov);
        let lengths = self.iov_lengths(confidential, !rotated);
        let Ends {
            header,
            trailer,
            mut between,
        } = ends(iov)?;
        expect_length("header buffer", lengths.header, header)?;
        if let Some(trailer) = &trailer {
            expect_length("trailer buffer", lengths.trailer, trailer)?;
        }
        no_padding(&between)?;
        let seq = self.next_send_seq()?;
        let filler_len = if confidential && self.dce_style {
            DCE_FILLER_LEN
        } else {
            0
        };
        let copy_len = if confidential { HEADER_LEN } else { 0 };
        let parts = self.parts(header, trailer, filler_len, copy_len)?;
        let length = |octets: usize| u16::try_from(octets).map_err(|_| defective(KIND, "too long"));
        let mac_len = self.key.trailer_len();
        let behind = filler_len.saturating_add(copy_len).saturating_add(mac_len);
        let fields = WrapHeader {
            flags: self.flags_of(self.role) | if confidential { SEALED } else { 0 },
            ec: length(if confidential { filler_len } else { mac_len })?,
            rrc: if rotated {
                length(behind.saturating_sub(filler_len))?
            } else {
                0
            },
            seq,
        };
        *parts.token_header = fields.to_bytes();
        if !confidential {
            let covered: Vec<&[u8]> = signed(&between).collect();
            let input = fields.checksum_input();
            let checksum = self
                .key
                .checksum(self.role.seal_usage(), &[&covered[..], &[&input[..]]].concat())?;
            parts.mac.copy_from_slice(checksum.as_bytes());
            return Ok(());
        }
        parts.filler.fill(0);
        parts.copy.copy_from_slice(&fields.encrypted_copy());
        let mut segments = segments(
            &mut between,
            parts.confounder,
            parts.filler,
            parts.copy,
            parts.mac,
        );
        Ok(self
            .key
            .encrypt_in_place(self.role.seal_usage(), &mut segments, rng)?)
    }

    pub(super) fn open_iov(
        &mut self,
        iov: &mut [Segment<'_>],
        demand_confidential: bool,
    ) -> Result<IovUnwrapped, GssError> {
        let Ends {
            header,
            trailer,
            mut between,
        } = ends(iov)?;
        no_padding(&between)?;
        let fields = WrapHeader::parse(header)?;
        self.check_flags(fields.flags)?;
        let confidential = fields.flags & SEALED != 0;
        if demand_confidential && !confidential {
            return Err(Cause::NotConfidential.into());
        }
        let mac_len = self.key.trailer_len();
        let ec = usize::from(fields.ec);
        if !confidential && ec != mac_len {
            return Err(defective(KIND, "expected EC to be the length of the checksum").into());
        }
        let (filler_len, copy_len) = if confidential { (ec, HEADER_LEN) } else { (0, 0) };
        let behind = filler_len.saturating_add(copy_len).saturating_add(mac_len);
        let rotated = if trailer.is_some() { 0 } else { behind };
        let uncounted = if self.dce_style && confidential { ec } else { 0 };
        // With a trailer nothing can be rotated: the buffers say where everything is.
        if usize::from(fields.rrc).saturating_add(if rotated == 0 { 0 } else { uncounted }) != rotated {
            return Err(defective(KIND, "expected RRC to be what the buffers show").into());
        }
        let confounder_len = if confidential { self.key.header_len() } else { 0 };
        let header_len = HEADER_LEN.saturating_add(rotated).saturating_add(confounder_len);
        expect_token(header.len() == header_len)?;
        if let Some(trailer) = &trailer {
            expect_token(trailer.len() == behind)?;
        }
        let parts = self.parts(header, trailer, filler_len, copy_len)?;
        let usage = self.role.peer().seal_usage();
        if confidential {
            let mut segments = segments(
                &mut between,
                parts.confounder,
                parts.filler,
                parts.copy,
                parts.mac,
            );
            self.key.decrypt_in_place(usage, &mut segments)?;
            drop(segments);
            if parts.copy != fields.encrypted_copy() {
                wipe(&mut between);
                return Err(Cause::BadMic.into());
            }
        } else {
            let covered: Vec<&[u8]> = signed(&between).collect();
            let input = fields.checksum_input();
            let covered = [&covered[..], &[&input[..]]].concat();
            self.key
                .verify_checksum(usage, self.key.checksum_type(), &covered, parts.mac)?;
        }
        Ok(IovUnwrapped {
            confidential,
            sequence: self.window.record(fields.seq),
        })
    }

    /// Opens a token that came as one string, beside data that was only signed. Gives where the message lies.
    pub(super) fn open_aead(
        &mut self,
        token: &mut [u8],
        associated: &[u8],
        demand_confidential: bool,
    ) -> Result<(core::ops::Range<usize>, IovUnwrapped), GssError> {
        let fields = WrapHeader::parse(token)?;
        let (_, body) = token
            .split_first_chunk_mut::<HEADER_LEN>()
            .ok_or(defective(KIND, "shorter than its header"))?;
        let confidential = fields.flags & SEALED != 0;
        let uncounted = if self.dce_style && confidential {
            fields.ec
        } else {
            0
        };
        let rotation = usize::from(fields.rrc).saturating_add(usize::from(uncounted));
        body.rotate_left(rotation.checked_rem(body.len()).unwrap_or(0));
        let (confounder_len, behind) = if confidential {
            let behind = usize::from(fields.ec).saturating_add(HEADER_LEN);
            (
                self.key.header_len(),
                behind.saturating_add(self.key.trailer_len()),
            )
        } else {
            (0, self.key.trailer_len())
        };
        let start = HEADER_LEN.saturating_add(confounder_len);
        let length = body.len().checked_sub(confounder_len.saturating_add(behind));
        let length = length.ok_or(defective(KIND, "too short for its checksum"))?;
        // As one header buffer and a trailer, with nothing rotated.
        let unrotated = WrapHeader { rrc: 0, ..fields };
        let mut whole = Vec::with_capacity(start);
        whole.extend_from_slice(&unrotated.to_bytes());
        whole.extend_from_slice(body.get(..confounder_len).unwrap_or_default());
        let rest = body.get_mut(confounder_len..).unwrap_or_default();
        let (data, trailer) = rest
            .split_at_mut_checked(length)
            .ok_or(defective(KIND, "too short for its checksum"))?;
        let iov = &mut [
            Segment::Header(&mut whole),
            Segment::SignOnly(associated),
            Segment::Data(data),
            Segment::Trailer(trailer),
        ];
        let opened = self.open_iov(iov, demand_confidential)?;
        Ok((start..start.saturating_add(length), opened))
    }
}

/// The buffers as the cipher takes them.
fn segments<'s>(
    between: &'s mut [Segment<'_>],
    confounder: &'s mut [u8],
    filler: &'s mut [u8],
    copy: &'s mut [u8],
    mac: &'s mut [u8],
) -> Vec<Segment<'s>> {
    let mut segments = Vec::with_capacity(between.len().saturating_add(4));
    segments.push(Segment::Header(confounder));
    segments.extend(between.iter_mut().map(|buffer| match buffer {
        Segment::SignOnly(bytes) => Segment::SignOnly(bytes),
        Segment::Header(bytes) | Segment::Data(bytes) | Segment::Padding(bytes) | Segment::Trailer(bytes) => {
            Segment::Data(bytes)
        }
    }));
    segments.extend([Segment::Data(filler), Segment::Data(copy), Segment::Trailer(mac)]);
    segments
}

/// Padding of any length would be taken for data: these tokens have none.
fn no_padding(between: &[Segment<'_>]) -> Result<(), GssError> {
    let mut padding = between.iter().filter_map(|buffer| match buffer {
        Segment::Padding(bytes) => Some(&**bytes),
        _ => None,
    });
    padding.try_for_each(|bytes| expect_length("padding buffer", 0, bytes))
}

pub(super) fn wipe(between: &mut [Segment<'_>]) {
    for buffer in between {
        if let Segment::Data(bytes) | Segment::Padding(bytes) = buffer {
            zeroize::Zeroize::zeroize(&mut **bytes);
        }
    }
}

fn expect_token(fits: bool) -> Result<(), GssError> {
    if fits {
        return Ok(());
    }
    Err(defective(
        KIND,
        "expected header and trailer of the lengths that the token says",
    )
    .into())
}
