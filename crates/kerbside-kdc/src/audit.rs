//! One record for each request.

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};

use kerbside_asn1::{ErrorCode, KerberosTime, Principal};
use kerbside_crypto::EncryptionType;

use crate::ClientAddress;

/// Who asked for what, from where, and what came of it. Its `Display` is one line in the style of
/// MIT's KDC log, with every control character escaped, so that no name can forge a second line.
#[derive(Clone, Debug)]
pub struct AuditRecord {
    /// Which kind of request.
    pub kind: RequestKind,
    /// Who sent it.
    pub from: ClientAddress,
    /// The enctypes the request lists.
    pub etypes: Vec<EncryptionType>,
    /// The client: as named in an AS-REQ, as proved by the ticket in a TGS-REQ.
    pub client: Option<Principal>,
    /// The server asked for.
    pub server: Option<Principal>,
    /// When the client first authenticated; the current time of a new TGT.
    pub authtime: Option<KerberosTime>,
    /// What came of it.
    pub result: AuditResult,
}

/// The kind of request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RequestKind {
    /// AS-REQ.
    As,
    /// TGS-REQ.
    Tgs,
    /// Not a request.
    Other,
}

/// What came of a request.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum AuditResult {
    /// A ticket was issued.
    Issued {
        /// Enctype of the reply's encrypted part.
        reply: EncryptionType,
        /// Enctype of the ticket.
        ticket: EncryptionType,
        /// Enctype of the session key.
        session: EncryptionType,
    },
    /// An error was sent.
    Refused {
        /// Its code.
        code: ErrorCode,
        /// A word for it, MIT's where MIT has one.
        status: &'static str,
        /// More than the client is told.
        detail: Option<String>,
    },
    /// Nothing was sent.
    Dropped {
        /// Why.
        reason: String,
    },
}

impl AuditResult {
    /// The code of the error that was sent; `None` when a ticket was issued or nothing was sent.
    #[must_use]
    pub fn error_code(&self) -> Option<ErrorCode> {
        match self {
            AuditResult::Refused { code, .. } => Some(*code),
            AuditResult::Issued { .. } | AuditResult::Dropped { .. } => None,
        }
    }
}

impl fmt::Display for AuditRecord {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.write_line(&mut OneLine(f))
    }
}

impl AuditRecord {
    fn write_line(&self, f: &mut OneLine<'_, '_>) -> fmt::Result {
        f.write_str(match self.kind {
            RequestKind::As => "AS_REQ ",
            RequestKind::Tgs => "TGS_REQ ",
            RequestKind::Other => "REQ ",
        })?;
        if self.kind != RequestKind::Other {
            self.write_etypes(f)?;
        }
        write!(f, "{}: ", self.from)?;
        match &self.result {
            AuditResult::Issued {
                reply,
                ticket,
                session,
            } => {
                write!(f, "ISSUE: authtime {}, etypes {{rep=", self.authtime_seconds())?;
                write_etype(f, *reply)?;
                f.write_str(", tkt=")?;
                write_etype(f, *ticket)?;
                f.write_str(", ses=")?;
                write_etype(f, *session)?;
                f.write_str("}, ")?;
                self.write_names(f)
            }
            AuditResult::Refused { code, status, detail } => {
                write!(f, "{status}: ")?;
                if self.kind == RequestKind::Tgs {
                    write!(f, "authtime {}, ", self.authtime_seconds())?;
                }
                self.write_names(f)?;
                match code.description() {
                    Some(text) => write!(f, ", {text}")?,
                    None => write!(f, ", error {}", code.0)?,
                }
                match detail {
                    Some(detail) => write!(f, ": {detail}"),
                    None => Ok(()),
                }
            }
            AuditResult::Dropped { reason } => write!(f, "DROPPED: {reason}"),
        }
    }

    fn authtime_seconds(&self) -> i64 {
        self.authtime.map_or(0, |time| time.unix_seconds())
    }

    fn write_etypes(&self, f: &mut OneLine<'_, '_>) -> fmt::Result {
        write!(f, "({} etypes {{", self.etypes.len())?;
        for (i, etype) in self.etypes.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            write_etype(f, *etype)?;
        }
        f.write_str("}) ")
    }

    fn write_names(&self, f: &mut OneLine<'_, '_>) -> fmt::Result {
        match &self.client {
            Some(client) => write!(f, "{client}")?,
            None => f.write_str("<unknown client>")?,
        }
        match &self.server {
            Some(server) => write!(f, " for {server}"),
            None => f.write_str(" for <unknown server>"),
        }
    }
}

/// `aes256-cts-hmac-sha1-96(18)`, `DEPRECATED:arcfour-hmac(23)`, `UNSUPPORTED:des-cbc-crc(1)`,
/// `(4711)`: as MIT's log has them.
fn write_etype(f: &mut OneLine<'_, '_>, etype: EncryptionType) -> fmt::Result {
    match etype.name() {
        Some(name) if !etype.is_implemented() => write!(f, "UNSUPPORTED:{name}({})", etype.0),
        Some(name) if etype.is_deprecated() => write!(f, "DEPRECATED:{name}({})", etype.0),
        Some(name) => write!(f, "{name}({})", etype.0),
        None => write!(f, "({})", etype.0),
    }
}

/// Passes text on with control characters as `\u{..}`.
struct OneLine<'a, 'f>(&'a mut fmt::Formatter<'f>);

impl fmt::Write for OneLine<'_, '_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        let mut clean = text;
        while let Some(at) = clean.find(char::is_control) {
            let (before, rest) = clean.split_at(at);
            self.0.write_str(before)?;
            let mut chars = rest.chars();
            if let Some(control) = chars.next() {
                write!(self.0, "{}", control.escape_unicode())?;
            }
            clean = chars.as_str();
        }
        self.0.write_str(clean)
    }
}

#[cfg(test)]
mod tests;
