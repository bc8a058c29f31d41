//! KERB_VALIDATION_INFO (MS-PAC section 2.5).

use alloc::vec::Vec;
use core::fmt;

use zeroize::Zeroizing;

use crate::error::PacError;
use crate::filetime::FileTime;
use crate::group_membership::{
    GroupMembership, SidAndAttributes, read_groups, read_sids, sids_pointer, write_groups, write_sids,
};
use crate::ndr::{NdrReader, NdrWriter, Referents, RpcUnicodeString, StringHeader, Trailing};
use crate::sid::Sid;

const WHAT: &str = "KERB_VALIDATION_INFO";

/// The account and its groups, as the domain controller knows them: the buffer LOGON_INFO.
///
/// Names are those of MS-PAC section 2.5. Group RIDs are of [`logon_domain_id`](Self::logon_domain_id);
/// [`Account`](crate::Account) has whole SIDs.
#[derive(Clone, Debug)]
pub struct KerbValidationInfo {
    /// The last logon.
    pub logon_time: FileTime,
    /// When the session should end.
    pub logoff_time: FileTime,
    /// When the session has to end.
    pub kick_off_time: FileTime,
    /// When the password was set.
    pub password_last_set: FileTime,
    /// From when on it may be changed.
    pub password_can_change: FileTime,
    /// When it expires.
    pub password_must_change: FileTime,
    /// The sAMAccountName.
    pub effective_name: RpcUnicodeString,
    /// The full name.
    pub full_name: RpcUnicodeString,
    /// The logon script.
    pub logon_script: RpcUnicodeString,
    /// The profile's path.
    pub profile_path: RpcUnicodeString,
    /// The home directory.
    pub home_directory: RpcUnicodeString,
    /// The drive letter for it.
    pub home_directory_drive: RpcUnicodeString,
    /// How often the account has logged on.
    pub logon_count: u16,
    /// How often a wrong password was given.
    pub bad_password_count: u16,
    /// The account's RID. Zero: the first of `extra_sids` is the account's SID.
    pub user_id: u32,
    /// The primary group's RID.
    pub primary_group_id: u32,
    /// Groups of the account's domain.
    pub group_ids: Vec<GroupMembership>,
    /// Flags of the logon.
    pub user_flags: UserFlags,
    /// Zero but for NTLM.
    pub user_session_key: UserSessionKey,
    /// The domain controller's NetBIOS name.
    pub logon_server: RpcUnicodeString,
    /// The domain's NetBIOS name.
    pub logon_domain_name: RpcUnicodeString,
    /// The domain's SID.
    pub logon_domain_id: Option<Sid>,
    /// Reserved.
    pub reserved1: [u32; 2],
    /// What kind of account it is and what it may do.
    pub user_account_control: UserAccountControl,
    /// A subauthentication package's status.
    pub sub_auth_status: u32,
    /// The last interactive logon that succeeded.
    pub last_successful_i_logon: FileTime,
    /// The last interactive logon that failed.
    pub last_failed_i_logon: FileTime,
    /// How many failed before the last that succeeded.
    pub failed_i_logon_count: u32,
    /// Reserved.
    pub reserved3: u32,
    /// Groups of other domains, and well-known SIDs.
    pub extra_sids: Vec<SidAndAttributes>,
    /// The domain of the service.
    pub resource_group_domain_sid: Option<Sid>,
    /// Groups of that domain.
    pub resource_group_ids: Vec<GroupMembership>,
}

impl Default for KerbValidationInfo {
    /// An account without a name, a domain or groups; times that do not come are "never".
    fn default() -> Self {
        Self {
            logon_time: FileTime::NONE,
            logoff_time: FileTime::NEVER,
            kick_off_time: FileTime::NEVER,
            password_last_set: FileTime::NONE,
            password_can_change: FileTime::NONE,
            password_must_change: FileTime::NEVER,
            effective_name: RpcUnicodeString::default(),
            full_name: RpcUnicodeString::default(),
            logon_script: RpcUnicodeString::default(),
            profile_path: RpcUnicodeString::default(),
            home_directory: RpcUnicodeString::default(),
            home_directory_drive: RpcUnicodeString::default(),
            logon_count: 0,
            bad_password_count: 0,
            user_id: 0,
            primary_group_id: 0,
            group_ids: Vec::new(),
            user_flags: UserFlags::default(),
            user_session_key: UserSessionKey::default(),
            logon_server: RpcUnicodeString::default(),
            logon_domain_name: RpcUnicodeString::default(),
            logon_domain_id: None,
            reserved1: [0; 2],
            user_account_control: UserAccountControl::default(),
            sub_auth_status: 0,
            last_successful_i_logon: FileTime::NONE,
            last_failed_i_logon: FileTime::NONE,
            failed_i_logon_count: 0,
            reserved3: 0,
            extra_sids: Vec::new(),
            resource_group_domain_sid: None,
            resource_group_ids: Vec::new(),
        }
    }
}

impl KerbValidationInfo {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(WHAT, bytes, Trailing::Refused, Self::read)
    }

    fn read(reader: &mut NdrReader<'_>) -> Result<Self, PacError> {
        let mut times = [FileTime::NONE; 6];
        for time in &mut times {
            *time = FileTime(reader.two_longs()?);
        }
        let [
            logon_time,
            logoff_time,
            kick_off_time,
            password_last_set,
            password_can_change,
            password_must_change,
        ] = times;
        let effective_name = StringHeader::read(reader)?;
        let full_name = StringHeader::read(reader)?;
        let logon_script = StringHeader::read(reader)?;
        let profile_path = StringHeader::read(reader)?;
        let home_directory = StringHeader::read(reader)?;
        let home_directory_drive = StringHeader::read(reader)?;
        let logon_count = reader.u16()?;
        let bad_password_count = reader.u16()?;
        let user_id = reader.u32()?;
        let primary_group_id = reader.u32()?;
        let group_ids = (reader.u32()?, reader.pointer()?);
        let user_flags = UserFlags(reader.u32()?);
        let user_session_key = UserSessionKey(Zeroizing::new(reader.octets()?));
        let logon_server = StringHeader::read(reader)?;
        let logon_domain_name = StringHeader::read(reader)?;
        let logon_domain_id = reader.pointer()?;
        let reserved1 = [reader.u32()?, reader.u32()?];
        let user_account_control = UserAccountControl(reader.u32()?);
        let sub_auth_status = reader.u32()?;
        let last_successful_i_logon = FileTime(reader.two_longs()?);
        let last_failed_i_logon = FileTime(reader.two_longs()?);
        let failed_i_logon_count = reader.u32()?;
        let reserved3 = reader.u32()?;
        let extra_sids = (reader.u32()?, reader.pointer()?);
        let resource_group_domain_sid = reader.pointer()?;
        let resource_group_ids = (reader.u32()?, reader.pointer()?);
        // The referents, in the order of their pointers: fields of a literal are evaluated as written.
        Ok(Self {
            effective_name: effective_name.referent(reader)?,
            full_name: full_name.referent(reader)?,
            logon_script: logon_script.referent(reader)?,
            profile_path: profile_path.referent(reader)?,
            home_directory: home_directory.referent(reader)?,
            home_directory_drive: home_directory_drive.referent(reader)?,
            group_ids: read_groups(reader, group_ids.1, group_ids.0)?,
            logon_server: logon_server.referent(reader)?,
            logon_domain_name: logon_domain_name.referent(reader)?,
            logon_domain_id: reader.optional_sid(logon_domain_id)?,
            extra_sids: read_sids(reader, extra_sids.1, extra_sids.0)?,
            resource_group_domain_sid: reader.optional_sid(resource_group_domain_sid)?,
            resource_group_ids: read_groups(reader, resource_group_ids.1, resource_group_ids.0)?,
            logon_time,
            logoff_time,
            kick_off_time,
            password_last_set,
            password_can_change,
            password_must_change,
            logon_count,
            bad_password_count,
            user_id,
            primary_group_id,
            user_flags,
            user_session_key,
            reserved1,
            user_account_control,
            sub_auth_status,
            last_successful_i_logon,
            last_failed_i_logon,
            failed_i_logon_count,
            reserved3,
        })
    }

    /// The buffer. Empty lists are null pointers, as Windows has them, but for `group_ids`.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        NdrWriter::object(WHAT, |writer| {
            let extra_sids = self.write_structure(writer)?;
            self.write_referents(writer, extra_sids)
        })
    }

    /// Gives the numbers for the pointers in `ExtraSids`.
    fn write_structure(&self, writer: &mut NdrWriter) -> Result<Referents, PacError> {
        for time in [
            self.logon_time,
            self.logoff_time,
            self.kick_off_time,
            self.password_last_set,
            self.password_can_change,
            self.password_must_change,
        ] {
            writer.two_longs(time.0);
        }
        for string in self.user_strings() {
            writer.string_header(string);
        }
        writer.u16(self.logon_count);
        writer.u16(self.bad_password_count);
        writer.u32(self.user_id);
        writer.u32(self.primary_group_id);
        writer.count("GroupIds", self.group_ids.len())?;
        writer.pointer(true);
        writer.u32(self.user_flags.0);
        writer.octets(self.user_session_key.0.as_slice());
        writer.string_header(&self.logon_server);
        writer.string_header(&self.logon_domain_name);
        writer.pointer(self.logon_domain_id.is_some());
        for reserved in self.reserved1 {
            writer.u32(reserved);
        }
        writer.u32(self.user_account_control.0);
        writer.u32(self.sub_auth_status);
        writer.two_longs(self.last_successful_i_logon.0);
        writer.two_longs(self.last_failed_i_logon.0);
        writer.u32(self.failed_i_logon_count);
        writer.u32(self.reserved3);
        writer.count("ExtraSids", self.extra_sids.len())?;
        let extra_sids = sids_pointer(writer, &self.extra_sids);
        writer.pointer(self.resource_group_domain_sid.is_some());
        writer.count("ResourceGroupIds", self.resource_group_ids.len())?;
        writer.pointer(!self.resource_group_ids.is_empty());
        Ok(extra_sids)
    }

    fn write_referents(&self, writer: &mut NdrWriter, extra_sids: Referents) -> Result<(), PacError> {
        for string in self.user_strings() {
            writer.string_referent(string)?;
        }
        write_groups(writer, "GroupIds", true, &self.group_ids)?;
        writer.string_referent(&self.logon_server)?;
        writer.string_referent(&self.logon_domain_name)?;
        if let Some(sid) = &self.logon_domain_id {
            writer.sid(sid);
        }
        write_sids(writer, "ExtraSids", extra_sids, &self.extra_sids)?;
        if let Some(sid) = &self.resource_group_domain_sid {
            writer.sid(sid);
        }
        let present = !self.resource_group_ids.is_empty();
        write_groups(writer, "ResourceGroupIds", present, &self.resource_group_ids)
    }

    fn user_strings(&self) -> [&RpcUnicodeString; 6] {
        [
            &self.effective_name,
            &self.full_name,
            &self.logon_script,
            &self.profile_path,
            &self.home_directory,
            &self.home_directory_drive,
        ]
    }
}

/// `UserFlags`: two of its bits are set in Kerberos.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct UserFlags(pub u32);

impl UserFlags {
    /// `ExtraSids` is populated.
    pub const EXTRA_SIDS: Self = Self(0x20);
    /// `ResourceGroupIds` is populated.
    pub const RESOURCE_GROUPS: Self = Self(0x200);

    /// Whether all of `other`'s bits are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Debug for UserFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserFlags({:#x})", self.0)
    }
}

/// `UserAccountControl`, with the bits of MS-SAMR section 2.2.1.12 (not those of the directory's attribute of that
/// name).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct UserAccountControl(pub u32);

impl UserAccountControl {
    /// The account is disabled.
    pub const ACCOUNT_DISABLED: Self = Self(0x1);
    /// It needs no password.
    pub const PASSWORD_NOT_REQUIRED: Self = Self(0x4);
    /// A user's account.
    pub const NORMAL_ACCOUNT: Self = Self(0x10);
    /// A trust with another domain.
    pub const INTERDOMAIN_TRUST_ACCOUNT: Self = Self(0x40);
    /// A machine that joined the domain.
    pub const WORKSTATION_TRUST_ACCOUNT: Self = Self(0x80);
    /// A domain controller.
    pub const SERVER_TRUST_ACCOUNT: Self = Self(0x100);
    /// Its password does not expire.
    pub const DONT_EXPIRE_PASSWORD: Self = Self(0x200);
    /// It is locked out.
    pub const ACCOUNT_AUTO_LOCKED: Self = Self(0x400);
    /// It logs on with a smart card only.
    pub const SMARTCARD_REQUIRED: Self = Self(0x1000);
    /// It may delegate to anyone.
    pub const TRUSTED_FOR_DELEGATION: Self = Self(0x2000);
    /// It must not be delegated.
    pub const NOT_DELEGATED: Self = Self(0x4000);
    /// It needs no pre-authentication.
    pub const DONT_REQUIRE_PREAUTH: Self = Self(0x1_0000);
    /// Its password has expired.
    pub const PASSWORD_EXPIRED: Self = Self(0x2_0000);
    /// It may delegate with protocol transition.
    pub const TRUSTED_TO_AUTHENTICATE_FOR_DELEGATION: Self = Self(0x4_0000);
    /// Tickets for it have no PAC.
    pub const NO_AUTH_DATA_REQUIRED: Self = Self(0x8_0000);

    /// Whether all of `other`'s bits are set.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl fmt::Debug for UserAccountControl {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "UserAccountControl({:#x})", self.0)
    }
}

/// `UserSessionKey`: a key of NTLM, and zero in Kerberos.
#[derive(Clone, Default)]
pub struct UserSessionKey(Zeroizing<[u8; 16]>);

impl UserSessionKey {
    /// The key's octets.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8; 16] {
        &self.0
    }
}

impl fmt::Debug for UserSessionKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("UserSessionKey")
    }
}
