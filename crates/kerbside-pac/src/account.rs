//! The account a PAC is of, with whole SIDs.

use alloc::vec::Vec;

use crate::error::PacError;
use crate::group_membership::{GroupAttributes, GroupMembership, SidAndAttributes};
use crate::logon_info::KerbValidationInfo;
use crate::sid::Sid;

/// An account and its groups, out of LOGON_INFO.
#[derive(Clone, Debug)]
pub struct Account {
    logon_info: KerbValidationInfo,
    user_sid: Sid,
    primary_group_sid: Option<Sid>,
    groups: Vec<SidAndAttributes>,
    resource_groups: Vec<SidAndAttributes>,
}

impl Account {
    /// Puts the SIDs together.
    pub(crate) fn new(logon_info: KerbValidationInfo) -> Result<Self, PacError> {
        let domain = logon_info.logon_domain_id;
        // MS-PAC section 2.5, UserId.
        let user_sid = match (logon_info.user_id, logon_info.extra_sids.first()) {
            (0, Some(first)) => first.sid,
            (0, None) => return Err(PacError::NoDomain { field: "UserId" }),
            (rid, _) => in_domain(domain, rid, "UserId")?,
        };
        let primary_group_sid = match logon_info.primary_group_id {
            0 => None,
            rid => Some(in_domain(domain, rid, "PrimaryGroupId")?),
        };
        let groups = in_domains(domain, &logon_info.group_ids, "GroupIds")?;
        let resource_groups = in_domains(
            logon_info.resource_group_domain_sid,
            &logon_info.resource_group_ids,
            "ResourceGroupIds",
        )?;
        Ok(Self {
            logon_info,
            user_sid,
            primary_group_sid,
            groups,
            resource_groups,
        })
    }

    /// The account's SID: what an application that knows Windows keeps, as names change.
    #[must_use]
    pub const fn user_sid(&self) -> Sid {
        self.user_sid
    }

    /// The primary group.
    #[must_use]
    pub const fn primary_group_sid(&self) -> Option<Sid> {
        self.primary_group_sid
    }

    /// Groups of the account's own domain.
    #[must_use]
    pub fn groups(&self) -> &[SidAndAttributes] {
        &self.groups
    }

    /// Groups of other domains, and SIDs such as "authentication authority asserted identity" (S-1-18-1).
    #[must_use]
    pub fn extra_sids(&self) -> &[SidAndAttributes] {
        &self.logon_info.extra_sids
    }

    /// Groups of the service's domain.
    #[must_use]
    pub fn resource_groups(&self) -> &[SidAndAttributes] {
        &self.resource_groups
    }

    /// All groups, as an access check counts them: those that are enabled, each once, the primary group among them.
    #[must_use]
    pub fn enabled_groups(&self) -> Vec<Sid> {
        let all = self
            .groups
            .iter()
            .chain(self.extra_sids())
            .chain(&self.resource_groups);
        let enabled = all
            .filter(|group| group.attributes.contains(GroupAttributes::ENABLED))
            .map(|group| group.sid);
        let mut sids: Vec<Sid> = self.primary_group_sid.into_iter().chain(enabled).collect();
        sids.sort_unstable();
        sids.dedup();
        sids.retain(|sid| *sid != self.user_sid);
        sids
    }

    /// The sAMAccountName.
    #[must_use]
    pub fn sam_account_name(&self) -> &str {
        &self.logon_info.effective_name
    }

    /// The full name; empty where there is none.
    #[must_use]
    pub fn full_name(&self) -> &str {
        &self.logon_info.full_name
    }

    /// The NetBIOS name of the account's domain.
    #[must_use]
    pub fn logon_domain_name(&self) -> &str {
        &self.logon_info.logon_domain_name
    }

    /// The SID of the account's domain.
    #[must_use]
    pub const fn logon_domain_id(&self) -> Option<Sid> {
        self.logon_info.logon_domain_id
    }

    /// The domain controller that the account logged on at.
    #[must_use]
    pub fn logon_server(&self) -> &str {
        &self.logon_info.logon_server
    }

    /// Everything else that LOGON_INFO says.
    #[must_use]
    pub const fn logon_info(&self) -> &KerbValidationInfo {
        &self.logon_info
    }
}

fn in_domain(domain: Option<Sid>, rid: u32, field: &'static str) -> Result<Sid, PacError> {
    domain
        .and_then(|domain| domain.with_rid(rid))
        .ok_or(PacError::NoDomain { field })
}

fn in_domains(
    domain: Option<Sid>,
    groups: &[GroupMembership],
    field: &'static str,
) -> Result<Vec<SidAndAttributes>, PacError> {
    groups
        .iter()
        .map(|group| {
            Ok(SidAndAttributes {
                sid: in_domain(domain, group.relative_id, field)?,
                attributes: group.attributes,
            })
        })
        .collect()
}
