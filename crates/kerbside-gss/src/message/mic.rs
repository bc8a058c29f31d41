//! MIC tokens (RFC 4121 4.2.6.1).

use alloc::vec::Vec;

use super::MessageProtection;
use super::header::{HEADER_LEN, MicHeader};
use crate::error::GssError;
use crate::sequence::SequenceFinding;

impl MessageProtection {
    /// A MIC token over `message`.
    pub(crate) fn mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        let seq = self.next_send_seq()?;
        let header = MicHeader {
            flags: self.flags_of(self.role),
            seq,
        }
        .to_bytes();
        let checksum = self.key.checksum(self.role.sign_usage(), &[message, &header])?;
        let mut token = Vec::with_capacity(HEADER_LEN.saturating_add(checksum.as_bytes().len()));
        token.extend_from_slice(&header);
        token.extend_from_slice(checksum.as_bytes());
        Ok(token)
    }

    /// Verifies a MIC token over `message`.
    pub(crate) fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        let seq = self.check_mic(message, token)?;
        Ok(self.window.record(seq))
    }

    /// Verifies the MIC of SPNEGO's mechanism list. Windows numbers it 0 whatever number its messages begin with, so a
    /// number that is not the expected one is left out of the window instead of moving it.
    pub(crate) fn verify_mech_list_mic(&mut self, mech_list: &[u8], token: &[u8]) -> Result<(), GssError> {
        let seq = self.check_mic(mech_list, token)?;
        if seq == self.window.expected() {
            self.window.record(seq);
        }
        Ok(())
    }

    /// The sequence number of a token that verified.
    fn check_mic(&self, message: &[u8], token: &[u8]) -> Result<u64, GssError> {
        let (fields, checksum) = MicHeader::parse(token)?;
        self.check_flags(fields.flags)?;
        let header = fields.to_bytes();
        let usage = self.role.peer().sign_usage();
        self.key
            .verify_checksum(usage, self.key.checksum_type(), &[message, &header], checksum)?;
        Ok(fields.seq)
    }
}
