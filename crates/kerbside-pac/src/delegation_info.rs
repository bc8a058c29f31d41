//! S4U_DELEGATION_INFO (MS-PAC section 2.9).

use alloc::vec::Vec;

use crate::error::PacError;
use crate::ndr::{NdrReader, NdrWriter, RpcUnicodeString, StringHeader, Trailing};

const WHAT: &str = "S4U_DELEGATION_INFO";

/// The services that handed the client on to each other by constrained delegation (S4U2proxy).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct S4uDelegationInfo {
    /// The service that the ticket is for.
    pub s4u2proxy_target: RpcUnicodeString,
    /// The services passed, first to last.
    pub transited_services: Vec<RpcUnicodeString>,
}

impl S4uDelegationInfo {
    /// Reads the buffer.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(WHAT, bytes, Trailing::Refused, |reader| {
            let target = StringHeader::read(reader)?;
            let (count, present) = (reader.u32()?, reader.pointer()?);
            let s4u2proxy_target = target.referent(reader)?;
            let services = reader.array(present, count, StringHeader::LEN, StringHeader::read)?;
            Ok(Self {
                s4u2proxy_target,
                transited_services: services
                    .into_iter()
                    .map(|service| service.referent(reader))
                    .collect::<Result<_, _>>()?,
            })
        })
    }

    /// The buffer.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        NdrWriter::object(WHAT, |writer| {
            writer.string_header(&self.s4u2proxy_target);
            writer.count(WHAT, self.transited_services.len())?;
            writer.pointer(!self.transited_services.is_empty());
            writer.string_referent(&self.s4u2proxy_target)?;
            if !self.transited_services.is_empty() {
                writer.count(WHAT, self.transited_services.len())?;
            }
            for service in &self.transited_services {
                writer.string_header(service);
            }
            for service in &self.transited_services {
                writer.string_referent(service)?;
            }
            Ok(())
        })
    }
}
