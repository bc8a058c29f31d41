//! Credential caches: tickets and session keys in a file (MIT "Credential cache file format").
//! Versions 1 to 4 are read, version 4 is written.
//!
//! ```text
//! cache      ::= 05 04 header principal credential*
//! header     ::= length (16) field*          field ::= tag (16) length (16) value
//! principal  ::= name_type (32) count (32) realm component*       data ::= length (32) value
//! credential ::= client server enctype (16) key authtime starttime endtime renew_till (32 each)
//!                is_skey (8) flags (32) addresses authdata ticket second_ticket
//! ```
//!
//! Not every record is a ticket: configuration values are records whose server's realm is
//! `X-CACHECONF:`, removed tickets stay with their times struck out, and a session key may be of a type
//! that cannot be used. All are kept in place and written back byte for byte.

mod entry;
mod record;

use alloc::vec::Vec;

use kerbside_asn1::Principal;
use kerbside_crypto::EnctypePolicy;
use zeroize::Zeroizing;

pub use entry::{CacheEntry, ConfigEntry};
pub use record::RawCredential;

use crate::credential::Credential;
use crate::error::{Cause, FileFormat, FormatError};
use crate::reader::{Reader, Writer};

/// The longest credential cache that is read, in bytes.
pub const MAX_CCACHE_LEN: usize = 64 * 1024 * 1024;

/// The header field that holds the KDC's clock offset.
const TAG_KDC_OFFSET: u16 = 1;

/// How far the KDC's clock is ahead of ours.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KdcOffset {
    /// Whole seconds; negative when the KDC is behind.
    pub seconds: i32,
    /// Microseconds.
    pub microseconds: i32,
}

/// A header field, known or not.
#[derive(Debug, Clone, PartialEq, Eq)]
struct HeaderField {
    tag: u16,
    data: Vec<u8>,
}

/// A credential cache in memory.
#[derive(Debug, Clone)]
pub struct CredentialCache {
    /// The principal whose cache this is.
    pub primary: Principal,
    /// All records in the order of the file.
    pub entries: Vec<CacheEntry>,
    header: Vec<HeaderField>,
}

impl CredentialCache {
    /// An empty cache of `primary`.
    pub fn new(primary: Principal) -> Self {
        Self {
            primary,
            entries: Vec::new(),
            header: Vec::new(),
        }
    }

    /// Reads a cache of version 1 to 4. Tickets with session keys of the types that
    /// [`EnctypePolicy::DEFAULT`] permits can be used.
    ///
    /// # Errors
    /// Anything the format does not allow, with the byte offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::parse_with_policy(bytes, &EnctypePolicy::DEFAULT)
    }

    /// As [`parse`](Self::parse); session keys of the types that `policy` permits can be used.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_policy(bytes: &[u8], policy: &EnctypePolicy) -> Result<Self, FormatError> {
        let (mut reader, version) =
            Reader::open(bytes, FileFormat::CredentialCache, 1..=4, 2, MAX_CCACHE_LEN)?;
        let header = if version == 4 {
            parse_header(&mut reader)?
        } else {
            Vec::new()
        };
        let primary = record::parse_principal(&mut reader, version)?;
        let mut cache = Self {
            primary,
            entries: Vec::new(),
            header,
        };
        while reader.remaining() > 0 {
            cache
                .entries
                .push(CacheEntry::parse(&mut reader, version, policy)?);
        }
        Ok(cache)
    }

    /// The cache as a version 4 file.
    ///
    /// # Errors
    /// A time outside 1970 to 2106, or a number that 16 bits cannot hold.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut header = Writer::new(FileFormat::CredentialCache);
        for field in &self.header {
            header.u16(field.tag);
            header.data16(&field.data, "header field")?;
        }
        let mut writer = Writer::new(FileFormat::CredentialCache);
        writer.raw(&[5, 4]);
        writer.data16(&header.finish(), "header")?;
        record::write_principal(&mut writer, &self.primary)?;
        for entry in &self.entries {
            entry.write(&mut writer)?;
        }
        Ok(writer.finish())
    }

    /// The bytes that add `credential` to the end of an existing version 4 file.
    ///
    /// # Errors
    /// As [`to_bytes`](Self::to_bytes).
    pub fn append_bytes(credential: &Credential) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut writer = Writer::new(FileFormat::CredentialCache);
        RawCredential::from_credential(credential)?.write(&mut writer)?;
        Ok(writer.finish())
    }

    /// The usable credentials in the order of the file.
    pub fn credentials(&self) -> impl Iterator<Item = &Credential> {
        self.entries.iter().filter_map(CacheEntry::credential)
    }

    /// Of the usable credentials for `server`, the one that ends last.
    pub fn find(&self, server: &Principal) -> Option<&Credential> {
        self.credentials()
            .filter(|credential| credential.server == *server)
            .max_by_key(|found| found.end_time)
    }

    /// Adds a credential at the end.
    pub fn add(&mut self, credential: Credential) {
        self.entries.push(CacheEntry::Credential(credential.into()));
    }

    /// Removes the credentials for which `unwanted` is true and tells how many there were.
    pub fn remove(&mut self, mut unwanted: impl FnMut(&Credential) -> bool) -> usize {
        let before = self.entries.len();
        self.entries
            .retain(|entry| !entry.credential().is_some_and(&mut unwanted));
        before.saturating_sub(self.entries.len())
    }

    /// The configuration value of `key`, which may belong to a server.
    pub fn config(&self, key: &str, server: Option<&Principal>) -> Option<&[u8]> {
        self.entries.iter().rev().find_map(|entry| match entry {
            CacheEntry::Config(config) if config.is_for(key, server) => Some(config.value()),
            _ => None,
        })
    }

    /// Sets a configuration value in place of any older one of the same key and server.
    pub fn set_config(&mut self, key: &str, server: Option<&Principal>, value: &[u8]) {
        self.entries
            .retain(|entry| !matches!(entry, CacheEntry::Config(config) if config.is_for(key, server)));
        self.entries.push(CacheEntry::Config(
            ConfigEntry::new(&self.primary, key, server, value).into(),
        ));
    }

    /// The KDC's clock offset, if one was recorded.
    pub fn kdc_offset(&self) -> Option<KdcOffset> {
        let field = self.header.iter().find(|field| field.tag == TAG_KDC_OFFSET)?;
        let (seconds, microseconds) = field.data.split_first_chunk::<4>()?;
        Some(KdcOffset {
            seconds: i32::from_be_bytes(*seconds),
            microseconds: i32::from_be_bytes(*microseconds.first_chunk::<4>()?),
        })
    }

    /// Records or removes the KDC's clock offset.
    pub fn set_kdc_offset(&mut self, offset: Option<KdcOffset>) {
        self.header.retain(|field| field.tag != TAG_KDC_OFFSET);
        if let Some(offset) = offset {
            let mut data = offset.seconds.to_be_bytes().to_vec();
            data.extend_from_slice(&offset.microseconds.to_be_bytes());
            self.header.push(HeaderField {
                tag: TAG_KDC_OFFSET,
                data,
            });
        }
    }
}

/// Reads a principal on its own, as cache daemons and keyrings hold it: in the form of version 4.
///
/// # Errors
/// Anything the format does not allow, with the byte offset; bytes behind the principal.
pub fn principal_from_bytes(bytes: &[u8]) -> Result<Principal, FormatError> {
    let mut reader = Reader::part(bytes, FileFormat::CredentialCache);
    let principal = record::parse_principal(&mut reader, 4)?;
    reader.end()?;
    Ok(principal)
}

/// A principal on its own.
///
/// # Errors
/// A component too long for the format.
pub fn principal_to_bytes(principal: &Principal) -> Result<Zeroizing<Vec<u8>>, FormatError> {
    let mut writer = Writer::new(FileFormat::CredentialCache);
    record::write_principal(&mut writer, principal)?;
    Ok(writer.finish())
}

fn parse_header(reader: &mut Reader<'_>) -> Result<Vec<HeaderField>, FormatError> {
    let len = match reader.u16("header length")? {
        // Shorter than any field: minikerberos once wrote the number of fields here, which was always
        // one KDC offset (12 bytes). Such files are in use; they are written back with the right length.
        1 => 12,
        len => usize::from(len),
    };
    let mut header = reader.sub(len, "header")?;
    let mut fields = Vec::new();
    while header.remaining() > 0 {
        let tag = header.u16("header tag")?;
        let at = header.offset();
        let data = header.data16("header field")?;
        if tag == TAG_KDC_OFFSET && data.len() != 8 {
            let found = i64::try_from(data.len()).unwrap_or(i64::MAX);
            let cause = Cause::Value {
                field: "length of the KDC offset",
                expected: "8",
                found,
            };
            return Err(header.damaged(at, cause));
        }
        fields.push(HeaderField {
            tag,
            data: data.to_vec(),
        });
    }
    Ok(fields)
}
