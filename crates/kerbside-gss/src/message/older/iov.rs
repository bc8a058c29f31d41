//! Older tokens whose parts lie in buffers of the caller's: a header, data, padding. There is no trailer. In contexts of
//! DCE style the frame ends with the header, and there is no padding: DCE RPC pads by itself.

use alloc::vec::Vec;

use kerbside_crypto::{CryptoRng, Direction, Segment};

use super::{
    NOT_SEALED, OlderProtection, SIGN_USAGE, TOK_ID_WRAP, algorithms, expect_kind, frame, is_padding, split,
};
use crate::error::{Cause, GssError};
use crate::message::header::defective;
use crate::message::iov::{Ends, ends, signed, wipe};
use crate::message::{IovLengths, IovUnwrapped, expect_length};

const KIND: &str = "Wrap token in buffers";

/// Octets of data and of padding.
fn lengths_of(between: &[Segment<'_>]) -> (usize, usize) {
    between
        .iter()
        .fold((0_usize, 0_usize), |(data, padding), buffer| match buffer {
            Segment::Data(bytes) => (data.saturating_add(bytes.len()), padding),
            Segment::Padding(bytes) => (data, padding.saturating_add(bytes.len())),
            _ => (data, padding),
        })
}

impl OlderProtection {
    fn iov_padding(&self, data_len: usize) -> usize {
        if self.dce_style {
            return 0;
        }
        self.algorithms.padding_len(data_len)
    }

    /// Octets that the frame covers behind the header buffer.
    fn framed_behind(&self, data: usize, padding: usize) -> usize {
        if self.dce_style {
            0
        } else {
            data.saturating_add(padding)
        }
    }

    pub(super) fn iov_lengths(&self, data_len: usize) -> IovLengths {
        let padding = self.iov_padding(data_len);
        let before = self.algorithms.before_message();
        let framed = before.saturating_add(self.framed_behind(data_len, padding));
        IovLengths {
            header: frame::len(framed).saturating_add(before),
            padding,
            trailer: 0,
        }
    }

    pub(super) fn seal_iov(
        &mut self,
        confidential: bool,
        iov: &mut [Segment<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let Ends {
            header,
            trailer,
            mut between,
        } = ends(iov)?;
        expect_length("trailer buffer", 0, trailer.as_deref().unwrap_or_default())?;
        let (data_len, padding_len) = lengths_of(&between);
        let lengths = self.iov_lengths(data_len);
        expect_length("header buffer", lengths.header, header)?;
        if padding_len != lengths.padding {
            return Err(Cause::BufferLength {
                buffer: "padding buffer",
                expected: lengths.padding,
                found: padding_len,
            }
            .into());
        }
        let total = data_len.saturating_add(padding_len);
        if confidential && !total.is_multiple_of(self.algorithms.block) {
            let reason = "IOV in DCE style: expected data of whole blocks of the cipher";
            return Err(Cause::Misuse { reason }.into());
        }
        for buffer in &mut between {
            if let Segment::Padding(bytes) = buffer {
                bytes.fill(u8::try_from(padding_len).unwrap_or(0));
            }
        }
        let numbered = self.next_number()?;
        let before = self.algorithms.before_message();
        let framed = before.saturating_add(self.framed_behind(data_len, padding_len));
        let inner = frame::write(framed, header)?;
        let mut parts = split(inner, "header buffer", self.algorithms.checksum_len)?;
        let seal = if confidential {
            self.algorithms.seal
        } else {
            NOT_SEALED
        };
        *parts.algorithms = algorithms(TOK_ID_WRAP, self.algorithms.sign, seal);
        rng.fill_bytes(parts.text);
        let tag = {
            let covered: Vec<&[u8]> = [&parts.algorithms[..], &*parts.text]
                .into_iter()
                .chain(signed(&between))
                .collect();
            self.checksum(SIGN_USAGE, &covered)?
        };
        self.write_checksum(&tag, &numbered, &mut parts)?;
        if confidential {
            let mut pieces = sealed_pieces(parts.text, &mut between);
            self.key
                .old_token_seal(Direction::Encrypt, numbered.network_order, &mut pieces)?;
        }
        Ok(())
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
        expect_length("trailer buffer", 0, trailer.as_deref().unwrap_or_default())?;
        let (data_len, padding_len) = lengths_of(&between);
        if padding_len != self.iov_padding(data_len) && !(self.is_rc4() && padding_len <= 8) {
            return Err(defective(KIND, "expected padding of the length that the data needs").into());
        }
        let start = frame::inner_of_part(header, self.framed_behind(data_len, padding_len), KIND)?;
        let inner = header.get_mut(start..).unwrap_or_default();
        if inner.len() != self.algorithms.before_message() {
            return Err(defective(KIND, "expected a header of the length of the key's type").into());
        }
        expect_kind(inner, TOK_ID_WRAP, KIND)?;
        let parts = split(inner, KIND, self.algorithms.checksum_len)?;
        let confidential = self.is_sealed(*parts.algorithms, KIND)?;
        if demand_confidential && !confidential {
            return Err(Cause::NotConfidential.into());
        }
        let number = self.received_number(*parts.sequence, parts.checksum)?;
        if confidential {
            let mut pieces = sealed_pieces(parts.text, &mut between);
            self.key
                .old_token_seal(Direction::Decrypt, number.to_be_bytes(), &mut pieces)
                .map_err(|_| defective(KIND, "expected whole blocks"))?;
        }
        let verified = {
            let covered: Vec<&[u8]> = [&parts.algorithms[..], &*parts.text]
                .into_iter()
                .chain(signed(&between))
                .collect();
            let tag = self.checksum(SIGN_USAGE, &covered)?;
            self.matches(&tag, parts.checksum)
        };
        if !verified {
            if confidential {
                wipe(&mut between);
            }
            return Err(Cause::BadMic.into());
        }
        // Where data ends and padding begins is the caller's word; the padding says its own length.
        let padding: Vec<u8> = between
            .iter()
            .filter_map(|buffer| match buffer {
                Segment::Padding(bytes) => Some(bytes.to_vec()),
                _ => None,
            })
            .flatten()
            .collect();
        let none_needed = self.dce_style && padding.is_empty();
        if !none_needed && !is_padding(&padding) {
            return Err(defective(KIND, "expected padding that says its length").into());
        }
        Ok(IovUnwrapped {
            confidential,
            sequence: self.window.record(u64::from(number)),
        })
    }
}

/// Confounder, data and padding: what is encrypted as one string.
fn sealed_pieces<'s>(confounder: &'s mut [u8], between: &'s mut [Segment<'_>]) -> Vec<&'s mut [u8]> {
    let mut pieces = Vec::with_capacity(between.len().saturating_add(1));
    pieces.push(confounder);
    pieces.extend(between.iter_mut().filter_map(|buffer| match buffer {
        Segment::Data(bytes) | Segment::Padding(bytes) => Some(&mut **bytes),
        _ => None,
    }));
    pieces
}
