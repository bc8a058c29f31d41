//! Opening Wrap tokens (RFC 4121 4.2.4, 4.2.6.2).

use alloc::vec::Vec;

use kerbside_crypto::Segment;
use zeroize::Zeroize;

use super::header::{HEADER_LEN, SEALED, WrapHeader, defective};
use super::{MessageProtection, Unwrapped, UnwrappedInPlace};
use crate::error::{Cause, GssError};

/// Where a verified message lies within its token.
struct Opened {
    start: usize,
    length: usize,
    confidential: bool,
    seq: u64,
}

impl MessageProtection {
    /// Verifies and decrypts a token where it lies. The token's bytes are used up even if it is refused; what an
    /// unverified decryption left behind is erased.
    pub(crate) fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        let opened = self.open(token, demand_confidential)?;
        let sequence = self.window.record(opened.seq);
        let end = opened.start.saturating_add(opened.length);
        let message = token
            .get_mut(opened.start..end)
            .ok_or(defective("Wrap token", "shorter than its message"))?;
        Ok(UnwrappedInPlace {
            message,
            confidential: opened.confidential,
            sequence,
        })
    }

    /// Verifies and decrypts a token into a buffer of its own.
    pub(crate) fn unwrap(&mut self, token: &[u8], demand_confidential: bool) -> Result<Unwrapped, GssError> {
        let mut buffer: Vec<u8> = token.to_vec();
        let opened = self.open(&mut buffer, demand_confidential)?;
        let sequence = self.window.record(opened.seq);
        buffer.copy_within(opened.start..opened.start.saturating_add(opened.length), 0);
        buffer.truncate(opened.length);
        Ok(Unwrapped {
            message: buffer,
            confidential: opened.confidential,
            sequence,
        })
    }

    fn open(&self, token: &mut [u8], demand_confidential: bool) -> Result<Opened, GssError> {
        let fields = WrapHeader::parse(token)?;
        self.check_flags(fields.flags)?;
        let confidential = fields.flags & SEALED != 0;
        if demand_confidential && !confidential {
            return Err(Cause::NotConfidential.into());
        }
        let body = token.get_mut(HEADER_LEN..).unwrap_or_default();
        // The sender rotated the body to the right by RRC, modulo its length (RFC 4121 4.2.5).
        body.rotate_left(usize::from(fields.rrc).checked_rem(body.len()).unwrap_or(0));
        let (offset, length) = if confidential {
            self.open_sealed(&fields, body).inspect_err(|_| body.zeroize())?
        } else {
            (0, self.open_signed(&fields, body)?)
        };
        Ok(Opened {
            start: HEADER_LEN.saturating_add(offset),
            length,
            confidential,
            seq: fields.seq,
        })
    }

    /// Offset and length of the message in the decrypted body.
    fn open_sealed(&self, fields: &WrapHeader, body: &mut [u8]) -> Result<(usize, usize), GssError> {
        let confounder_len = self.key.header_len();
        let too_short = || {
            defective(
                "Wrap token",
                "too short for its confounder, header copy and checksum",
            )
        };
        let (confounder, rest) = body.split_at_mut_checked(confounder_len).ok_or_else(too_short)?;
        let plain_len = rest
            .len()
            .checked_sub(self.key.trailer_len())
            .ok_or_else(too_short)?;
        let behind_message = usize::from(fields.ec).saturating_add(HEADER_LEN);
        let length = plain_len.checked_sub(behind_message).ok_or_else(too_short)?;
        let (plain, mac) = rest.split_at_mut_checked(plain_len).ok_or_else(too_short)?;
        let segments = &mut [
            Segment::Header(confounder),
            Segment::Data(plain),
            Segment::Trailer(mac),
        ];
        self.key
            .decrypt_in_place(self.role.peer().seal_usage(), segments)?;
        // EC decides where the message ends, and the outer copy of the header is not protected: the inner one is.
        match plain.last_chunk::<HEADER_LEN>() {
            Some(copy) if *copy == fields.encrypted_copy() => Ok((confounder_len, length)),
            _ => Err(Cause::BadMic.into()),
        }
    }

    /// Length of the message in a body that is message and checksum.
    fn open_signed(&self, fields: &WrapHeader, body: &[u8]) -> Result<usize, GssError> {
        let too_short = || defective("Wrap token", "too short for its checksum");
        if usize::from(fields.ec) != self.key.trailer_len() {
            return Err(defective("Wrap token", "expected EC to be the length of the checksum").into());
        }
        let length = body
            .len()
            .checked_sub(usize::from(fields.ec))
            .ok_or_else(too_short)?;
        let (message, checksum) = body.split_at_checked(length).ok_or_else(too_short)?;
        let covered = &[message, &fields.checksum_input()];
        self.key.verify_checksum(
            self.role.peer().seal_usage(),
            self.key.checksum_type(),
            covered,
            checksum,
        )?;
        Ok(length)
    }
}
