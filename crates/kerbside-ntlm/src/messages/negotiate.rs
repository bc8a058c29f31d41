//! NEGOTIATE_MESSAGE (MS-NLMP 2.2.1.1).

use alloc::vec::Vec;

use crate::error::NtlmError;
use crate::flags::NegotiateFlags;
use crate::wire::{Reader, Version, Writer};

const NAME: &str = "NEGOTIATE_MESSAGE";
const TYPE: u32 = 1;
/// Without a Version, which old clients leave out.
const FIXED_LEN: usize = 32;
const VERSION_AT: usize = 32;
const FIXED_LEN_WITH_VERSION: usize = 40;

/// What the client can and wants.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct NegotiateMessage<'a> {
    /// What the client offers.
    pub flags: NegotiateFlags,
    /// The client's domain, in the OEM character set; empty if not supplied.
    pub domain: &'a [u8],
    /// The client's name, in the OEM character set; empty if not supplied.
    pub workstation: &'a [u8],
    /// The client's version, if the message has room for it.
    pub version: Option<Version>,
}

impl<'a> NegotiateMessage<'a> {
    /// Reads a message. Names whose flag is not set are left unread, as the text demands.
    ///
    /// # Errors
    /// When it is another message, too short or long, or its fields point where they may not.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtlmError> {
        let mut reader = Reader::new(NAME, TYPE, FIXED_LEN, bytes)?;
        let flags = NegotiateFlags(reader.u32("NegotiateFlags", 12)?);
        let mut domain: &[u8] = &[];
        let mut workstation: &[u8] = &[];
        if flags.contains(NegotiateFlags::OEM_DOMAIN_SUPPLIED) {
            domain = reader.payload("DomainName", 16, FIXED_LEN)?;
        }
        if flags.contains(NegotiateFlags::OEM_WORKSTATION_SUPPLIED) {
            workstation = reader.payload("Workstation", 24, FIXED_LEN)?;
        }
        let version = reader.version(VERSION_AT);
        Ok(Self {
            flags,
            domain,
            workstation,
            version,
        })
    }

    /// Writes the message.
    ///
    /// # Errors
    /// When a name is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NtlmError> {
        let fixed_len = if self.version.is_some() {
            FIXED_LEN_WITH_VERSION
        } else {
            FIXED_LEN
        };
        let mut writer = Writer::new(NAME, TYPE, fixed_len);
        writer.put(&self.flags.0.to_le_bytes());
        writer.put_payload(self.domain)?;
        writer.put_payload(self.workstation)?;
        if let Some(version) = self.version {
            writer.put(&version.to_bytes());
        }
        writer.finish()
    }
}
