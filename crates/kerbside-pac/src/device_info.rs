//! PAC_DEVICE_INFO (MS-PAC section 2.12).

use alloc::vec::Vec;

use crate::error::{Malformed, PacError};
use crate::group_membership::{
    DomainGroupMembership, GroupMembership, SidAndAttributes, read_groups, read_sids, sids_pointer,
    write_groups, write_sids,
};
use crate::ndr::{NdrReader, NdrWriter, Trailing};
use crate::sid::Sid;

const WHAT: &str = "PAC_DEVICE_INFO";

/// The machine that the client sits at, and its groups (compound identity).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct PacDeviceInfo {
    /// The machine account's RID. Zero: the first of `extra_sids` is its SID.
    pub user_id: u32,
    /// Its primary group's RID.
    pub primary_group_id: u32,
    /// The domain's SID.
    pub account_domain_id: Option<Sid>,
    /// Groups of that domain.
    pub account_group_ids: Vec<GroupMembership>,
    /// Groups outside domains.
    pub extra_sids: Vec<SidAndAttributes>,
    /// Groups of other domains.
    pub domain_groups: Vec<DomainGroupMembership>,
}

/// Octets of the part of a DOMAIN_GROUP_MEMBERSHIP that stands in its array.
const DOMAIN_GROUP_LEN: usize = 12;

impl PacDeviceInfo {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(WHAT, bytes, Trailing::Refused, Self::read)
    }

    fn read(reader: &mut NdrReader<'_>) -> Result<Self, PacError> {
        let (user_id, primary_group_id) = (reader.u32()?, reader.u32()?);
        let account_domain_id = reader.pointer()?;
        let account_groups = (reader.u32()?, reader.pointer()?);
        let extra_sids = (reader.u32()?, reader.pointer()?);
        let domain_groups = (reader.u32()?, reader.pointer()?);
        Ok(Self {
            user_id,
            primary_group_id,
            account_domain_id: reader.optional_sid(account_domain_id)?,
            account_group_ids: read_groups(reader, account_groups.1, account_groups.0)?,
            extra_sids: read_sids(reader, extra_sids.1, extra_sids.0)?,
            domain_groups: read_domain_groups(reader, domain_groups.1, domain_groups.0)?,
        })
    }

    /// The buffer. Empty lists are null pointers.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        NdrWriter::object(WHAT, |writer| {
            let groups = !self.account_group_ids.is_empty();
            let domains = !self.domain_groups.is_empty();
            writer.u32(self.user_id);
            writer.u32(self.primary_group_id);
            writer.pointer(self.account_domain_id.is_some());
            writer.count("AccountGroupIds", self.account_group_ids.len())?;
            writer.pointer(groups);
            writer.count("ExtraSids", self.extra_sids.len())?;
            let sids = sids_pointer(writer, &self.extra_sids);
            writer.count("DomainGroup", self.domain_groups.len())?;
            writer.pointer(domains);
            if let Some(sid) = &self.account_domain_id {
                writer.sid(sid);
            }
            write_groups(writer, "AccountGroupIds", groups, &self.account_group_ids)?;
            write_sids(writer, "ExtraSids", sids, &self.extra_sids)?;
            if domains {
                self.write_domain_groups(writer)?;
            }
            Ok(())
        })
    }

    fn write_domain_groups(&self, writer: &mut NdrWriter) -> Result<(), PacError> {
        writer.count("DomainGroup", self.domain_groups.len())?;
        for domain in &self.domain_groups {
            writer.pointer(true);
            writer.count("GroupIds", domain.group_ids.len())?;
            writer.pointer(!domain.group_ids.is_empty());
        }
        for domain in &self.domain_groups {
            writer.sid(&domain.domain_id);
            write_groups(
                writer,
                "GroupIds",
                !domain.group_ids.is_empty(),
                &domain.group_ids,
            )?;
        }
        Ok(())
    }
}

fn read_domain_groups(
    reader: &mut NdrReader<'_>,
    present: bool,
    count: u32,
) -> Result<Vec<DomainGroupMembership>, PacError> {
    let domains = reader.array(present, count, DOMAIN_GROUP_LEN, |reader| {
        if !reader.pointer()? {
            return Err(reader.error(Malformed::NullPointer));
        }
        Ok((reader.u32()?, reader.pointer()?))
    })?;
    domains
        .into_iter()
        .map(|(count, present)| {
            Ok(DomainGroupMembership {
                domain_id: reader.sid()?,
                group_ids: read_groups(reader, present, count)?,
            })
        })
        .collect()
}
