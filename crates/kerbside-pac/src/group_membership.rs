//! Groups as the PAC's structures name them (MS-PAC section 2.2).

use alloc::vec::Vec;
use core::fmt;
use core::ops::BitOr;

use crate::error::{Malformed, PacError};
use crate::ndr::{NdrReader, NdrWriter, Referents};
use crate::sid::Sid;

/// What a membership means (MS-PAC section 2.2.1, as `TOKEN_GROUPS` has it).
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default)]
pub struct GroupAttributes(pub u32);

impl GroupAttributes {
    /// The membership cannot be turned off.
    pub const MANDATORY: Self = Self(0x1);
    /// It is on by default.
    pub const ENABLED_BY_DEFAULT: Self = Self(0x2);
    /// It is on: access checks count it.
    pub const ENABLED: Self = Self(0x4);
    /// The group may own things.
    pub const OWNER: Self = Self(0x8);
    /// The group is local to a domain, or a resource group.
    pub const RESOURCE: Self = Self(0x2000_0000);
    /// What nearly every membership has: mandatory, enabled by default, enabled.
    pub const USUAL: Self = Self(0x7);

    /// Whether all of `other`'s bits are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for GroupAttributes {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl fmt::Debug for GroupAttributes {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "GroupAttributes({:#x})", self.0)
    }
}

/// A group of a domain that stands beside it (GROUP_MEMBERSHIP, MS-PAC section 2.2.2).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct GroupMembership {
    /// The group's RID.
    pub relative_id: u32,
    /// What the membership means.
    pub attributes: GroupAttributes,
}

/// A group by its whole SID (KERB_SID_AND_ATTRIBUTES, MS-PAC section 2.2.1).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidAndAttributes {
    /// The group.
    pub sid: Sid,
    /// What the membership means.
    pub attributes: GroupAttributes,
}

/// Groups of one domain (DOMAIN_GROUP_MEMBERSHIP, MS-PAC section 2.2.3).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct DomainGroupMembership {
    /// The domain.
    pub domain_id: Sid,
    /// The groups in it.
    pub group_ids: Vec<GroupMembership>,
}

/// Octets of a GROUP_MEMBERSHIP, and of the part of a KERB_SID_AND_ATTRIBUTES that stands in its array.
const ELEMENT_LEN: usize = 8;

pub(crate) fn read_groups(
    reader: &mut NdrReader<'_>,
    present: bool,
    count: u32,
) -> Result<Vec<GroupMembership>, PacError> {
    reader.array(present, count, ELEMENT_LEN, |reader| {
        Ok(GroupMembership {
            relative_id: reader.u32()?,
            attributes: GroupAttributes(reader.u32()?),
        })
    })
}

pub(crate) fn write_groups(
    writer: &mut NdrWriter,
    what: &'static str,
    present: bool,
    groups: &[GroupMembership],
) -> Result<(), PacError> {
    if present {
        writer.count(what, groups.len())?;
        for group in groups {
            writer.u32(group.relative_id);
            writer.u32(group.attributes.0);
        }
    }
    Ok(())
}

pub(crate) fn read_sids(
    reader: &mut NdrReader<'_>,
    present: bool,
    count: u32,
) -> Result<Vec<SidAndAttributes>, PacError> {
    let attributes = reader.array(present, count, ELEMENT_LEN, |reader| {
        if !reader.pointer()? {
            return Err(reader.error(Malformed::NullPointer));
        }
        reader.u32().map(GroupAttributes)
    })?;
    attributes
        .into_iter()
        .map(|attributes| {
            Ok(SidAndAttributes {
                sid: reader.sid()?,
                attributes,
            })
        })
        .collect()
}

/// A pointer to SIDs, and numbers for the pointers to each of them.
pub(crate) fn sids_pointer(writer: &mut NdrWriter, sids: &[SidAndAttributes]) -> Referents {
    writer.pointer(!sids.is_empty());
    writer.reserve(sids.len())
}

pub(crate) fn write_sids(
    writer: &mut NdrWriter,
    what: &'static str,
    mut referents: Referents,
    sids: &[SidAndAttributes],
) -> Result<(), PacError> {
    if !sids.is_empty() {
        writer.count(what, sids.len())?;
        for sid in sids {
            writer.referent(&mut referents);
            writer.u32(sid.attributes.0);
        }
        for sid in sids {
            writer.sid(&sid.sid);
        }
    }
    Ok(())
}
