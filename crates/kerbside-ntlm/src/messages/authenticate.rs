//! AUTHENTICATE_MESSAGE (MS-NLMP 2.2.1.3).

use alloc::vec::Vec;
use core::fmt;

use crate::error::NtlmError;
use crate::flags::NegotiateFlags;
use crate::wire::{Reader, Version, Writer};

const NAME: &str = "AUTHENTICATE_MESSAGE";
const TYPE: u32 = 3;
/// Without Version and MIC, which old clients leave out.
const FIXED_LEN: usize = 64;
const VERSION_AT: usize = 64;
/// Where the MIC is, if there is one.
pub(crate) const MIC_AT: usize = 72;
/// Octets of the MIC.
pub const MIC_LEN: usize = 16;
const MIC_END: usize = 88;

/// The client's answer.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct AuthenticateMessage<'a> {
    /// What holds from now on.
    pub flags: NegotiateFlags,
    /// LmChallengeResponse.
    pub lm_response: &'a [u8],
    /// NtChallengeResponse.
    pub nt_response: &'a [u8],
    /// The user's domain, in the negotiated character set.
    pub domain: &'a [u8],
    /// The user, in the negotiated character set.
    pub user: &'a [u8],
    /// The client's name, in the negotiated character set.
    pub workstation: &'a [u8],
    /// EncryptedRandomSessionKey.
    pub encrypted_session_key: &'a [u8],
    /// The client's version, if the message has room for it.
    pub version: Option<Version>,
    /// What lies where a MIC would, if the message has room for one. Whether it is one the response says
    /// ([`AV_FLAG_MIC`](crate::AV_FLAG_MIC)).
    pub mic: Option<[u8; MIC_LEN]>,
}

impl<'a> AuthenticateMessage<'a> {
    /// Reads a message.
    ///
    /// # Errors
    /// When it is another message, too short or long, or its fields point where they may not.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtlmError> {
        let mut reader = Reader::new(NAME, TYPE, FIXED_LEN, bytes)?;
        let lm_response = reader.payload("LmChallengeResponse", 12, FIXED_LEN)?;
        let nt_response = reader.payload("NtChallengeResponse", 20, FIXED_LEN)?;
        let domain = reader.payload("DomainName", 28, FIXED_LEN)?;
        let user = reader.payload("UserName", 36, FIXED_LEN)?;
        let workstation = reader.payload("Workstation", 44, FIXED_LEN)?;
        let encrypted_session_key = reader.payload("EncryptedRandomSessionKey", 52, FIXED_LEN)?;
        let flags = NegotiateFlags(reader.u32("NegotiateFlags", 60)?);
        let has_mic = reader.payload_start() >= MIC_END;
        let mic = if has_mic {
            reader.array("MIC", MIC_AT).ok()
        } else {
            None
        };
        Ok(Self {
            flags,
            lm_response,
            nt_response,
            domain,
            user,
            workstation,
            encrypted_session_key,
            version: reader.version(VERSION_AT),
            mic,
        })
    }

    /// Writes the message. Without a Version there can be no MIC either: both are written if one is there.
    ///
    /// # Errors
    /// When a field is too long.
    pub fn to_bytes(&self) -> Result<Vec<u8>, NtlmError> {
        let fixed_len = match (self.mic, self.version) {
            (Some(_), _) => MIC_END,
            (None, Some(_)) => MIC_AT,
            (None, None) => FIXED_LEN,
        };
        let mut writer = Writer::new(NAME, TYPE, fixed_len);
        // In the payload the names come first, as Windows has it.
        let [domain, user, workstation] = [
            writer.place(self.domain)?,
            writer.place(self.user)?,
            writer.place(self.workstation)?,
        ];
        writer.put_payload(self.lm_response)?;
        writer.put_payload(self.nt_response)?;
        writer.put(&domain);
        writer.put(&user);
        writer.put(&workstation);
        writer.put_payload(self.encrypted_session_key)?;
        writer.put(&self.flags.0.to_le_bytes());
        if fixed_len >= MIC_AT {
            writer.put(&self.version.map_or([0; 8], Version::to_bytes));
        }
        if let Some(mic) = self.mic {
            writer.put(&mic);
        }
        writer.finish()
    }
}

/// Shows names' and responses' lengths only: who they belong to is for errors and events to say.
impl fmt::Debug for AuthenticateMessage<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AuthenticateMessage")
            .field("flags", &self.flags)
            .field("nt_response_len", &self.nt_response.len())
            .field("lm_response_len", &self.lm_response.len())
            .field("has_session_key", &!self.encrypted_session_key.is_empty())
            .field("version", &self.version)
            .finish_non_exhaustive()
    }
}

/// The message with zeros where the MIC is: what the MIC is made over.
pub(crate) fn without_mic(message: &[u8]) -> Vec<u8> {
    let mut copy = message.to_vec();
    if let Some(mic) = copy.get_mut(MIC_AT..MIC_END) {
        mic.fill(0);
    }
    copy
}
