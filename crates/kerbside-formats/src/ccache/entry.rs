//! What a record of a credential cache means.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{NameType, Principal};
use kerbside_crypto::{EncryptionType, EnctypePolicy};
use zeroize::Zeroizing;

use super::record::RawCredential;
use crate::credential::Credential;
use crate::error::{FileFormat, FormatError};
use crate::reader::{Reader, Writer, principal};

const CONFIG_REALM: &[u8] = b"X-CACHECONF:";
const CONFIG_NAME: &[u8] = b"krb5_ccache_conf_data";
/// MIT strikes out a removed ticket by these times.
const REMOVED_AUTH_TIME: u32 = u32::MAX;

/// One record of a credential cache.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum CacheEntry {
    /// A ticket that can be used.
    Credential(Box<Credential>),
    /// A configuration value.
    Config(Box<ConfigEntry>),
    /// A ticket whose session key is of a type that this build does not compute or the policy does not permit.
    Unsupported(Box<RawCredential>),
    /// A ticket that was removed by striking out its times.
    Removed(Box<RawCredential>),
}

impl CacheEntry {
    /// The credential, if this is one that can be used.
    pub fn credential(&self) -> Option<&Credential> {
        match self {
            Self::Credential(credential) => Some(credential),
            _ => None,
        }
    }

    /// The service of the ticket, or the name that a configuration value goes by.
    pub fn server(&self) -> &Principal {
        match self {
            Self::Credential(credential) => &credential.server,
            Self::Config(config) => &config.0.server,
            Self::Unsupported(raw) | Self::Removed(raw) => &raw.server,
        }
    }

    /// When the ticket ends, in seconds since 1970; `None` for what does not end.
    pub fn end_seconds(&self) -> Option<i64> {
        let seconds = match self {
            Self::Credential(credential) => credential.end_time.unix_seconds(),
            Self::Unsupported(raw) => i64::from(raw.end_time),
            Self::Config(_) | Self::Removed(_) => 0,
        };
        (seconds > 0).then_some(seconds)
    }

    /// Reads one record on its own, as cache daemons and keyrings hold it: in the form of version 4.
    ///
    /// # Errors
    /// Anything the format does not allow, with the byte offset; bytes behind the record.
    pub fn from_bytes(bytes: &[u8], policy: &EnctypePolicy) -> Result<Self, FormatError> {
        let mut reader = Reader::part(bytes, FileFormat::CredentialCache);
        let entry = Self::parse(&mut reader, 4, policy)?;
        reader.end()?;
        Ok(entry)
    }

    /// The record on its own.
    ///
    /// # Errors
    /// A time outside 1970 to 2106, or a number that 16 bits cannot hold.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut writer = Writer::new(FileFormat::CredentialCache);
        self.write(&mut writer)?;
        Ok(writer.finish())
    }

    pub(super) fn parse(
        reader: &mut Reader<'_>,
        version: u8,
        policy: &EnctypePolicy,
    ) -> Result<Self, FormatError> {
        let (raw, key_at) = RawCredential::parse(reader, version)?;
        if raw.server.realm.as_bytes() == CONFIG_REALM
            && raw
                .server
                .name
                .components
                .first()
                .is_some_and(|name| name == CONFIG_NAME)
        {
            return Ok(Self::Config(ConfigEntry(raw).into()));
        }
        if raw.auth_time == REMOVED_AUTH_TIME && raw.end_time == 0 {
            return Ok(Self::Removed(raw.into()));
        }
        match reader.key(raw.enctype, &raw.key, key_at, policy)? {
            None => Ok(Self::Unsupported(raw.into())),
            Some(key) => Ok(Self::Credential(raw.into_credential(key).into())),
        }
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<(), FormatError> {
        match self {
            Self::Credential(credential) => RawCredential::from_credential(credential)?.write(writer),
            Self::Config(config) => config.0.write(writer),
            Self::Unsupported(raw) | Self::Removed(raw) => raw.write(writer),
        }
    }
}

/// A configuration value, such as `start_realm` or `pa_type`.
#[derive(Debug, Clone)]
pub struct ConfigEntry(RawCredential);

impl ConfigEntry {
    pub(super) fn new(primary: &Principal, key: &str, server: Option<&Principal>, value: &[u8]) -> Self {
        let mut components = Vec::from([CONFIG_NAME.to_vec(), key.as_bytes().to_vec()]);
        components.extend(server.map(|server| server.unparse()));
        Self(RawCredential {
            client: primary.clone(),
            server: principal(CONFIG_REALM, NameType(0), components),
            enctype: EncryptionType(0),
            key: Default::default(),
            auth_time: 0,
            start_time: 0,
            end_time: 0,
            renew_till: 0,
            is_skey: 0,
            flags: 0,
            addresses: Vec::new(),
            authdata: Vec::new(),
            ticket: value.to_vec(),
            second_ticket: Vec::new(),
        })
    }

    /// The value's key.
    pub fn key(&self) -> &[u8] {
        self.0.server.name.components.get(1).map_or(&[], Vec::as_slice)
    }

    /// The principal the value belongs to, as text.
    pub fn server(&self) -> Option<&[u8]> {
        self.0.server.name.components.get(2).map(Vec::as_slice)
    }

    /// The value.
    pub fn value(&self) -> &[u8] {
        &self.0.ticket
    }

    /// The record as it stands in the file.
    pub fn as_raw(&self) -> &RawCredential {
        &self.0
    }

    pub(super) fn is_for(&self, key: &str, server: Option<&Principal>) -> bool {
        let server = server.map(|server| server.unparse());
        self.key() == key.as_bytes() && self.server() == server.as_deref()
    }
}
