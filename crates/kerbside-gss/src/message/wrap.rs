//! Making Wrap tokens (RFC 4121 4.2.4, 4.2.6.2).

#[cfg(test)]
use alloc::vec::Vec;

use kerbside_crypto::{CryptoRng, Segment};

use super::header::{HEADER_LEN, SEALED, WrapHeader};
use super::{MessageProtection, WrapLengths, expect_length};
use crate::error::{Cause, GssError};

impl MessageProtection {
    /// Lengths of the buffers around a message.
    pub(crate) fn wrap_lengths(&self, confidential: bool) -> WrapLengths {
        // The mandatory checksum of each enctype here is as long as its trailer (RFC 3961 6.1.3, RFC 8009 section 5).
        let mac = self.key.trailer_len();
        if !confidential {
            return WrapLengths {
                header: HEADER_LEN,
                trailer: mac,
            };
        }
        let header = HEADER_LEN.saturating_add(self.key.header_len());
        WrapLengths {
            header,
            trailer: HEADER_LEN.saturating_add(mac),
        }
    }

    /// Protects `data` where it lies and fills the buffers around it; header, data and trailer in order are the token.
    pub(crate) fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let lengths = self.wrap_lengths(confidential);
        expect_length("header buffer", lengths.header, header)?;
        expect_length("trailer buffer", lengths.trailer, trailer)?;
        if confidential {
            self.seal(header, data, trailer, rng)
        } else {
            self.sign(header, data, trailer)
        }
    }

    fn seal(
        &mut self,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let seq = self.next_send_seq()?;
        let fields = WrapHeader {
            flags: self.flags_of(self.role) | SEALED,
            ec: 0,
            rrc: 0,
            seq,
        };
        let (token_header, confounder) = header
            .split_first_chunk_mut::<HEADER_LEN>()
            .ok_or(short("header buffer"))?;
        let (copy, mac) = trailer
            .split_first_chunk_mut::<HEADER_LEN>()
            .ok_or(short("trailer buffer"))?;
        *token_header = fields.to_bytes();
        *copy = fields.encrypted_copy();
        let segments = &mut [
            Segment::Header(confounder),
            Segment::Data(data),
            Segment::Data(copy),
            Segment::Trailer(mac),
        ];
        Ok(self.key.encrypt_in_place(self.role.seal_usage(), segments, rng)?)
    }

    fn sign(&mut self, header: &mut [u8], data: &[u8], trailer: &mut [u8]) -> Result<(), GssError> {
        let seq = self.next_send_seq()?;
        let ec = u16::try_from(trailer.len()).map_err(|_| short("trailer buffer"))?;
        let fields = WrapHeader {
            flags: self.flags_of(self.role),
            ec,
            rrc: 0,
            seq,
        };
        let token_header = header
            .first_chunk_mut::<HEADER_LEN>()
            .ok_or(short("header buffer"))?;
        *token_header = fields.to_bytes();
        let checksum = self
            .key
            .checksum(self.role.seal_usage(), &[data, &fields.checksum_input()])?;
        expect_length("trailer buffer", checksum.as_bytes().len(), trailer)?;
        trailer.copy_from_slice(checksum.as_bytes());
        Ok(())
    }

    /// A Wrap token with filler and rotation as other implementations choose them. For tests of the receiver: what is
    /// sent has EC 0 and RRC 0.
    #[cfg(test)]
    pub(crate) fn wrap_rotated(
        &mut self,
        ec: u16,
        rrc: u16,
        message: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, GssError> {
        let seq = self.next_send_seq()?;
        let fields = WrapHeader {
            flags: self.flags_of(self.role) | SEALED,
            ec,
            rrc,
            seq,
        };
        let mut plaintext = message.to_vec();
        // Two fillers in use: MIT's and Windows' zeros, others' 0xff.
        plaintext.extend(core::iter::repeat_n(0xff, usize::from(ec)));
        plaintext.extend_from_slice(&fields.encrypted_copy());
        let mut body = self.key.encrypt(self.role.seal_usage(), &plaintext, rng)?;
        let rotation = usize::from(rrc).checked_rem(body.len()).unwrap_or(0);
        body.rotate_right(rotation);
        let mut token = fields.to_bytes().to_vec();
        token.extend_from_slice(&body);
        Ok(token)
    }
}

fn short(buffer: &'static str) -> Cause {
    Cause::BufferLength {
        buffer,
        expected: HEADER_LEN,
        found: 0,
    }
}
