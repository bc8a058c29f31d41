//! CHALLENGE_MESSAGE (MS-NLMP 2.2.1.2).

use alloc::vec::Vec;

use crate::av_pairs::AvPairs;
use crate::error::NtlmError;
use crate::flags::NegotiateFlags;
use crate::wire::{Reader, Version, Writer};

const NAME: &str = "CHALLENGE_MESSAGE";
const TYPE: u32 = 2;
/// Without a Version, which old servers leave out.
const FIXED_LEN: usize = 48;
const VERSION_AT: usize = 48;
const FIXED_LEN_WITH_VERSION: usize = 56;

/// What the server chose, its nonce, and what it says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct ChallengeMessage<'a> {
    /// The choice.
    pub flags: NegotiateFlags,
    /// The server's domain or name, in the negotiated character set.
    pub target_name: &'a [u8],
    /// The nonce.
    pub server_challenge: [u8; 8],
    /// TargetInfo.
    pub target_info: AvPairs<'a>,
    /// The server's version, if the message has room for it.
    pub version: Option<Version>,
}

impl<'a> ChallengeMessage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is another message, too short or long, or its fields point where they may not.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtlmError> {
        let mut reader = Reader::new(NAME, TYPE, FIXED_LEN, bytes)?;
        let flags = NegotiateFlags(reader.u32("NegotiateFlags", 20)?);
        let target_name = reader.payload("TargetName", 12, FIXED_LEN)?;
        let server_challenge = reader.array("ServerChallenge", 24)?;
        let mut target_info = AvPairs::ABSENT;
        if flags.contains(NegotiateFlags::TARGET_INFO) {
            target_info = AvPairs::parse(reader.payload("TargetInfo", 40, FIXED_LEN)?)?;
        }
        let version = reader.version(VERSION_AT);
        Ok(Self {
            flags,
            target_name,
            server_challenge,
            target_info,
            version,
        })
    }

    /// Writes the message.
    ///
    /// # Errors
    /// When a field is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NtlmError> {
        let fixed_len = if self.version.is_some() {
            FIXED_LEN_WITH_VERSION
        } else {
            FIXED_LEN
        };
        let mut writer = Writer::new(NAME, TYPE, fixed_len);
        writer.put_payload(self.target_name)?;
        writer.put(&self.flags.0.to_le_bytes());
        writer.put(&self.server_challenge);
        writer.put(&[0; 8]);
        writer.put_payload(self.target_info.as_bytes())?;
        if let Some(version) = self.version {
            writer.put(&version.to_bytes());
        }
        writer.finish()
    }
}
