//! The 16 octets that begin a per-message token (RFC 4121 4.2.6).

use crate::error::{Cause, GssError};

/// Length of the header of MIC and Wrap tokens.
pub(crate) const HEADER_LEN: usize = 16;

/// Flags octet (RFC 4121 4.2.2). Other bits are ignored, but covered by the checksum.
pub(crate) const SENT_BY_ACCEPTOR: u8 = 0x01;
pub(crate) const SEALED: u8 = 0x02;
pub(crate) const ACCEPTOR_SUBKEY: u8 = 0x04;

const TOK_ID_MIC: [u8; 2] = [0x04, 0x04];
const TOK_ID_WRAP: [u8; 2] = [0x05, 0x04];
const FILLER: u8 = 0xff;

/// Header of a Wrap token (RFC 4121 4.2.6.2).
#[derive(Debug, Clone, Copy)]
pub(crate) struct WrapHeader {
    pub(crate) flags: u8,
    /// Extra count: filler octets when sealed, length of the checksum otherwise.
    pub(crate) ec: u16,
    /// Right rotation count.
    pub(crate) rrc: u16,
    pub(crate) seq: u64,
}

impl WrapHeader {
    pub(crate) fn parse(token: &[u8]) -> Result<Self, GssError> {
        let header: &[u8; HEADER_LEN] = token
            .first_chunk()
            .ok_or(defective("Wrap token", "shorter than its header"))?;
        let [t0, t1, flags, filler, ec0, ec1, rrc0, rrc1, seq @ ..] = *header;
        if [t0, t1] != TOK_ID_WRAP {
            return Err(defective("Wrap token", "expected token identifier 05 04").into());
        }
        if filler != FILLER {
            return Err(defective("Wrap token", "expected the filler octet ff").into());
        }
        Ok(Self {
            flags,
            ec: u16::from_be_bytes([ec0, ec1]),
            rrc: u16::from_be_bytes([rrc0, rrc1]),
            seq: u64::from_be_bytes(seq),
        })
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [ec0, ec1] = self.ec.to_be_bytes();
        let [rrc0, rrc1] = self.rrc.to_be_bytes();
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.seq.to_be_bytes();
        let [t0, t1] = TOK_ID_WRAP;
        [
            t0, t1, self.flags, FILLER, ec0, ec1, rrc0, rrc1, s0, s1, s2, s3, s4, s5, s6, s7,
        ]
    }

    /// The copy that is encrypted behind the message: with the real EC, and RRC 0.
    pub(crate) fn encrypted_copy(self) -> [u8; HEADER_LEN] {
        Self { rrc: 0, ..self }.to_bytes()
    }

    /// What the checksum of an unsealed message covers: with EC and RRC 0.
    pub(crate) fn checksum_input(self) -> [u8; HEADER_LEN] {
        Self {
            ec: 0,
            rrc: 0,
            ..self
        }
        .to_bytes()
    }
}

/// Header of a MIC token (RFC 4121 4.2.6.1).
#[derive(Debug, Clone, Copy)]
pub(crate) struct MicHeader {
    pub(crate) flags: u8,
    pub(crate) seq: u64,
}

impl MicHeader {
    /// The header, and the checksum behind it.
    pub(crate) fn parse(token: &[u8]) -> Result<(Self, &[u8]), GssError> {
        let (header, checksum) = token
            .split_first_chunk::<HEADER_LEN>()
            .ok_or(defective("MIC token", "shorter than its header"))?;
        let [t0, t1, flags, f0, f1, f2, f3, f4, seq @ ..] = *header;
        if [t0, t1] != TOK_ID_MIC {
            return Err(defective("MIC token", "expected token identifier 04 04").into());
        }
        if [f0, f1, f2, f3, f4] != [FILLER; 5] {
            return Err(defective("MIC token", "expected five filler octets ff").into());
        }
        if flags & SEALED != 0 {
            return Err(defective("MIC token", "flag Sealed is for Wrap tokens").into());
        }
        Ok((
            Self {
                flags,
                seq: u64::from_be_bytes(seq),
            },
            checksum,
        ))
    }

    pub(crate) fn to_bytes(self) -> [u8; HEADER_LEN] {
        let [t0, t1] = TOK_ID_MIC;
        let [s0, s1, s2, s3, s4, s5, s6, s7] = self.seq.to_be_bytes();
        [
            t0, t1, self.flags, FILLER, FILLER, FILLER, FILLER, FILLER, s0, s1, s2, s3, s4, s5, s6, s7,
        ]
    }
}

pub(crate) fn defective(token: &'static str, reason: &'static str) -> Cause {
    Cause::DefectiveToken { token, reason }
}
