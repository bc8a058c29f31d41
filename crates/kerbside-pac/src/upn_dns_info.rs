//! UPN_DNS_INFO (MS-PAC section 2.10).

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::PacError;
use crate::reader::{Reader, padding, to_utf16};
use crate::sid::Sid;

const WHAT: &str = "UPN_DNS_INFO";

/// The account's UPN and DNS domain, and in newer PACs its sAMAccountName and SID.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UpnDnsInfo {
    /// The user principal name.
    pub upn: String,
    /// The domain's DNS name.
    pub dns_domain_name: String,
    /// Bits beside [`EXTENDED`](Self::EXTENDED), which is set where `account` is there.
    pub flags: u32,
    /// sAMAccountName and SID, where the structure has been extended with them.
    pub account: Option<SamAccount>,
}

/// The extension of [`UpnDnsInfo`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SamAccount {
    /// The sAMAccountName.
    pub sam_name: String,
    /// The account's SID.
    pub sid: Sid,
}

impl UpnDnsInfo {
    /// The account has no userPrincipalName attribute; the UPN was made of its name and the domain.
    pub const CONSTRUCTED_UPN: u32 = 0x1;
    /// sAMAccountName and SID are there.
    pub const EXTENDED: u32 = 0x2;

    /// Whether the UPN was made of the account's name and domain, because the account has none.
    #[must_use]
    pub const fn upn_is_constructed(&self) -> bool {
        self.flags & Self::CONSTRUCTED_UPN != 0
    }

    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new(WHAT, bytes);
        let upn = Extent::read(&mut reader)?;
        let dns_domain_name = Extent::read(&mut reader)?;
        let flags = reader.u32()?;
        let account = if flags & Self::EXTENDED != 0 {
            Some((Extent::read(&mut reader)?, Extent::read(&mut reader)?))
        } else {
            None
        };
        let header_len = reader.position();
        let at = |extent: Extent| extent.of(bytes, header_len);
        let text = |extent| {
            let (mut reader, len) = at(extent)?;
            reader.utf16(len)
        };
        Ok(Self {
            upn: text(upn)?,
            dns_domain_name: text(dns_domain_name)?,
            flags: flags & !Self::EXTENDED,
            account: match account {
                None => None,
                Some((sam_name, sid)) => {
                    let (mut reader, len) = at(sid)?;
                    Some(SamAccount {
                        sam_name: text(sam_name)?,
                        sid: Sid::from_bytes(reader.take(len)?)?,
                    })
                }
            },
        })
    }

    /// The buffer, laid out as Windows does: each part at a multiple of eight.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        let mut parts = Vec::from([to_utf16(&self.upn), to_utf16(&self.dns_domain_name)]);
        let mut flags = self.flags & !Self::EXTENDED;
        if let Some(account) = &self.account {
            flags |= Self::EXTENDED;
            parts.push(to_utf16(&account.sam_name));
            parts.push(account.sid.to_bytes());
        }
        // Four octets of extent for each part, four of flags.
        let header_len = 4 * parts.len() + 4;
        let mut header = Vec::with_capacity(header_len);
        let mut body = Vec::new();
        for (index, part) in parts.iter().enumerate() {
            if index == 2 {
                header.extend(flags.to_le_bytes());
            }
            let end = header_len + body.len();
            body.resize(body.len() + padding(end, 8), 0);
            header.extend(field(part.len())?);
            header.extend(field(header_len + body.len())?);
            body.extend(part);
        }
        if parts.len() == 2 {
            header.extend(flags.to_le_bytes());
        }
        header.extend(body);
        header.resize(header.len().next_multiple_of(8), 0);
        Ok(header)
    }
}

fn field(value: usize) -> Result<[u8; 2], PacError> {
    u16::try_from(value)
        .map(u16::to_le_bytes)
        .map_err(|_| PacError::TooLongToEncode {
            what: WHAT,
            found: value,
            max: u16::MAX.into(),
        })
}

/// Length and offset of one part.
#[derive(Clone, Copy, Debug)]
struct Extent {
    length: u16,
    offset: u16,
}

impl Extent {
    fn read(reader: &mut Reader<'_>) -> Result<Self, PacError> {
        Ok(Self {
            length: reader.u16()?,
            offset: reader.u16()?,
        })
    }

    /// A reader at the part, and the part's length. Only an empty part may be anywhere.
    fn of<'a>(self, bytes: &'a [u8], header_len: usize) -> Result<(Reader<'a>, usize), PacError> {
        let (offset, len) = (usize::from(self.offset), usize::from(self.length));
        let mut reader = Reader::new(WHAT, bytes);
        if len > 0 {
            reader.take(header_len)?;
            let Some(gap) = offset.checked_sub(header_len) else {
                return Err(reader.value_error("an offset behind the header", self.offset));
            };
            reader.take(gap)?;
        }
        Ok((reader, len))
    }
}
