//! A KRB-ERROR as the end of an exchange.

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{ErrorCode, Principal, Realm};

use crate::error_data::ErrorData;
use crate::time::Now;

/// Who answered.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Refuser {
    /// A KDC of this realm.
    Kdc(Realm),
    /// The service with this name.
    Service(Principal),
}

/// A KRB-ERROR that ended the exchange.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Refusal {
    /// Who refused.
    pub by: Refuser,
    /// The code of RFC 4120 7.5.9.
    pub code: ErrorCode,
    /// Who asked, if a client did.
    pub client: Option<Principal>,
    /// The service asked for.
    pub server: Principal,
    /// The peer's text, as bytes of an unknown charset.
    pub e_text: Option<Vec<u8>>,
    /// The peer's clock.
    pub server_time: Now,
    /// What the e-data says.
    pub e_data: Option<ErrorData>,
}

impl core::error::Error for Refusal {}

impl fmt::Display for Refuser {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Kdc(realm) => write!(f, "the KDC of {realm}"),
            Self::Service(service) => write!(f, "the service {service}"),
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} refused ", self.by)?;
        match (&self.client, &self.by) {
            (Some(client), Refuser::Kdc(_)) => write!(f, "{client} a ticket for {}", self.server)?,
            (Some(client), Refuser::Service(_)) => write!(f, "{client}")?,
            (None, Refuser::Kdc(_)) => write!(f, "a ticket for {}", self.server)?,
            (None, Refuser::Service(_)) => f.write_str("the request")?,
        }
        write!(f, ": {}", self.code)?;
        if let Some(description) = self.code.description().filter(|text| !text.is_empty()) {
            write!(f, ": {description}")?;
        }
        if let Some(text) = self.e_text.as_deref().filter(|text| !text.is_empty()) {
            write!(f, " (\"{}\")", Escaped(text))?;
        }
        if let Some(data @ ErrorData::NtStatus(_)) = &self.e_data {
            write!(f, " ({data})")?;
        }
        Ok(())
    }
}

/// Foreign text on its way to a terminal or a log: control characters and quotes are escaped.
struct Escaped<'a>(&'a [u8]);

impl fmt::Display for Escaped<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for chunk in self.0.utf8_chunks() {
            write!(f, "{}", chunk.valid().escape_debug())?;
            chunk
                .invalid()
                .iter()
                .try_for_each(|byte| write!(f, "\\x{byte:02x}"))?;
        }
        Ok(())
    }
}
