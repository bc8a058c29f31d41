//! One record of a credential cache exactly as it stands in the file.

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{AdType, AddressType, KerberosTime, NameType, Principal, TicketFlags};
use kerbside_crypto::{EncryptionType, Key, SessionKey};
use zeroize::Zeroizing;

use crate::credential::Credential;
use crate::error::{Cause, FileFormat, FormatError};
use crate::reader::{Reader, Writer, principal};

/// A record with its fields uninterpreted: the key as bytes, times and flags as the file's numbers.
#[derive(Clone)]
pub struct RawCredential {
    /// The client.
    pub client: Principal,
    /// The server.
    pub server: Principal,
    /// The session key's type.
    pub enctype: EncryptionType,
    /// The session key's bytes.
    pub key: Zeroizing<Vec<u8>>,
    /// Seconds since 1970, unsigned.
    pub auth_time: u32,
    /// Seconds since 1970, 0 when absent.
    pub start_time: u32,
    /// Seconds since 1970.
    pub end_time: u32,
    /// Seconds since 1970, 0 when absent.
    pub renew_till: u32,
    /// 1 for a user-to-user ticket.
    pub is_skey: u8,
    /// Ticket flags, the first flag in the highest bit.
    pub flags: u32,
    /// Address types and addresses.
    pub addresses: Vec<(i32, Vec<u8>)>,
    /// Authorization data types and contents.
    pub authdata: Vec<(i32, Vec<u8>)>,
    /// The ticket, or a configuration value.
    pub ticket: Vec<u8>,
    /// The second ticket.
    pub second_ticket: Vec<u8>,
}

impl fmt::Debug for RawCredential {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "RawCredential({} for {}, {})",
            self.client, self.server, self.enctype
        )
    }
}

pub(super) fn parse_principal(reader: &mut Reader<'_>, version: u8) -> Result<Principal, FormatError> {
    let name_type = if version == 1 { 0 } else { reader.i32("name type")? };
    let count_at = reader.offset();
    let count = reader.count("components", 4)?;
    // Version 1 counts the realm too.
    let count = match (version, count.checked_sub(1)) {
        (1, Some(count)) => count,
        (1, None) => {
            let cause = Cause::Value {
                field: "component count",
                expected: "at least 1",
                found: 0,
            };
            return Err(reader.damaged(count_at, cause));
        }
        _ => count,
    };
    let realm = reader.data32("realm")?;
    let mut components = Vec::new();
    for _ in 0..count {
        components.push(reader.data32("component")?.to_vec());
    }
    Ok(principal(realm, NameType(name_type), components))
}

pub(super) fn write_principal(writer: &mut Writer, principal: &Principal) -> Result<(), FormatError> {
    writer.i32(principal.name.name_type.0);
    writer.count32(principal.name.components.len(), "component count")?;
    writer.data32(principal.realm.as_bytes(), "realm")?;
    for component in &principal.name.components {
        writer.data32(component, "component")?;
    }
    Ok(())
}

fn parse_typed(
    reader: &mut Reader<'_>,
    count: &'static str,
    field: &'static str,
) -> Result<Vec<(i32, Vec<u8>)>, FormatError> {
    let mut list = Vec::new();
    for _ in 0..reader.count(count, 6)? {
        let number = reader.i16(field)?;
        list.push((number, reader.data32(field)?.to_vec()));
    }
    Ok(list)
}

fn write_typed(writer: &mut Writer, list: &[(i32, Vec<u8>)], field: &'static str) -> Result<(), FormatError> {
    writer.count32(list.len(), field)?;
    for (number, data) in list {
        writer.i16(*number, field)?;
        writer.data32(data, field)?;
    }
    Ok(())
}

fn seconds(time: KerberosTime, field: &'static str) -> Result<u32, FormatError> {
    u32::try_from(time.unix_seconds()).map_err(|_| FormatError::Unrepresentable {
        format: FileFormat::CredentialCache,
        field,
        expected: "a time from 1970 to 2106",
    })
}

impl RawCredential {
    /// Reads a record; also gives the offset of its key for errors.
    pub(super) fn parse(reader: &mut Reader<'_>, version: u8) -> Result<(Self, usize), FormatError> {
        let client = parse_principal(reader, version)?;
        let server = parse_principal(reader, version)?;
        let enctype = EncryptionType(reader.i16("enctype")?);
        if version == 3 {
            reader.i16("second enctype")?;
        }
        let key_at = reader.offset();
        let key = Zeroizing::new(reader.data32("session key")?.to_vec());
        let raw = Self {
            client,
            server,
            enctype,
            key,
            auth_time: reader.u32("authtime")?,
            start_time: reader.u32("starttime")?,
            end_time: reader.u32("endtime")?,
            renew_till: reader.u32("renew_till")?,
            is_skey: reader.u8("is_skey")?,
            flags: reader.u32("ticket flags")?,
            addresses: parse_typed(reader, "addresses", "address")?,
            authdata: parse_typed(reader, "authorization data elements", "authorization data")?,
            ticket: reader.data32("ticket")?.to_vec(),
            second_ticket: reader.data32("second ticket")?.to_vec(),
        };
        Ok((raw, key_at))
    }

    pub(super) fn write(&self, writer: &mut Writer) -> Result<(), FormatError> {
        write_principal(writer, &self.client)?;
        write_principal(writer, &self.server)?;
        writer.i16(self.enctype.0, "enctype")?;
        writer.data32(&self.key, "session key")?;
        for time in [self.auth_time, self.start_time, self.end_time, self.renew_till] {
            writer.u32(time);
        }
        writer.u8(self.is_skey);
        writer.u32(self.flags);
        write_typed(writer, &self.addresses, "address")?;
        write_typed(writer, &self.authdata, "authorization data")?;
        writer.data32(&self.ticket, "ticket")?;
        writer.data32(&self.second_ticket, "second ticket")
    }

    pub(super) fn from_credential(credential: &Credential) -> Result<Self, FormatError> {
        let addresses = credential
            .addresses
            .iter()
            .map(|(kind, data)| (kind.0, data.clone()))
            .collect();
        let authdata = credential
            .authdata
            .iter()
            .map(|(kind, data)| (kind.0, data.clone()))
            .collect();
        Ok(Self {
            client: credential.client.clone(),
            server: credential.server.clone(),
            enctype: credential.session_key.enctype(),
            key: Zeroizing::new(credential.session_key.expose_secret().to_vec()),
            auth_time: seconds(credential.auth_time, "authtime")?,
            start_time: seconds(credential.start_time, "starttime")?,
            end_time: seconds(credential.end_time, "endtime")?,
            renew_till: seconds(credential.renew_till, "renew_till")?,
            is_skey: u8::from(credential.is_skey),
            flags: credential.flags.0,
            addresses,
            authdata,
            ticket: credential.ticket.clone(),
            second_ticket: credential.second_ticket.clone(),
        })
    }

    pub(super) fn into_credential(self, key: Key) -> Credential {
        let time = KerberosTime::from_u32;
        Credential {
            client: self.client,
            server: self.server,
            session_key: SessionKey::from(key),
            auth_time: time(self.auth_time),
            start_time: time(self.start_time),
            end_time: time(self.end_time),
            renew_till: time(self.renew_till),
            is_skey: self.is_skey != 0,
            flags: TicketFlags(self.flags),
            addresses: self
                .addresses
                .into_iter()
                .map(|(kind, data)| (AddressType(kind), data))
                .collect(),
            authdata: self
                .authdata
                .into_iter()
                .map(|(kind, data)| (AdType(kind), data))
                .collect(),
            ticket: self.ticket,
            second_ticket: self.second_ticket,
        }
    }
}
