//! Events for `tracing`: what an exchange does, as structured fields, with MIT's line of `KRB5_TRACE` as the message.
//!
//! Every event has the target [`TARGET`], the level DEBUG, MIT's name of the trace point as its own name
//! (`init_creds_error_reply`), typed fields (`client`, `server`, `realm`, `enctype`, `code`, `address` and the like) and
//! the line as `message`. While nobody listens one costs a load and a branch: nothing is formatted or allocated.
//!
//! **No event depends on a secret.** MIT prints four hexadecimal digits of a hash behind the type of every key. We print
//! the type alone: of a key that came out of a password sixteen bits of a hash sort out all but one of 65,536 guesses,
//! for whoever reads the trace, and whether a key did is often not known. For the same reason the ciphertext of an
//! encrypted timestamp is left out, and SPAKE's shared element.

mod application;
mod initial;
mod service;

pub(crate) use application::{authenticator, made_ap_rep, read_ap_rep, read_third_leg};
pub(crate) use initial::*;
pub(crate) use service::*;

use core::fmt::{self, Display, Write};

use kerbside_asn1::{ErrorCode, PaDataType};
use kerbside_crypto::{EncryptionType, Subkey};

/// The target of every event.
pub const TARGET: &str = "kerbside::trace";

/// One event: MIT's name of the trace point, the fields, MIT's line.
macro_rules! event {
    ($point:literal, { $($fields:tt)* }, $($line:tt)+) => {
        tracing::event!(
            name: $point, target: $crate::trace::TARGET, tracing::Level::DEBUG, { $($fields)* }, $($line)+
        )
    };
}
use event;

/// An enctype by its shortest name, as MIT's trace has it: `aes256-cts`. It stands for keys, too.
#[derive(Clone, Copy, Debug)]
pub struct Etype(pub EncryptionType);

impl Display for Etype {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let short = match self.0 {
            EncryptionType::AES128_CTS_HMAC_SHA1_96 => "aes128-cts",
            EncryptionType::AES256_CTS_HMAC_SHA1_96 => "aes256-cts",
            EncryptionType::AES128_CTS_HMAC_SHA256_128 => "aes128-sha2",
            EncryptionType::AES256_CTS_HMAC_SHA384_192 => "aes256-sha2",
            EncryptionType::RC4_HMAC => "rc4-hmac",
            EncryptionType::CAMELLIA128_CTS_CMAC => "camellia128-cts",
            EncryptionType::CAMELLIA256_CTS_CMAC => "camellia256-cts",
            other => match other.name() {
                Some(name) => name,
                None => return write!(f, "{}", other.0),
            },
        };
        f.write_str(short)
    }
}

/// The type of a key that may not be there.
#[derive(Debug)]
pub struct MaybeKey<'a>(pub Option<&'a Subkey>);

impl Display for MaybeKey<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(key) => Etype(key.enctype()).fmt(f),
            None => f.write_str("(null)"),
        }
    }
}

/// Enctypes, or `(empty)`.
#[derive(Clone, Copy, Debug)]
pub struct Etypes<'a>(pub &'a [EncryptionType]);

impl Display for Etypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, self.0.iter().map(|&enctype| Etype(enctype)))
    }
}

/// A pre-authentication type: `PA-FX-COOKIE (133)`.
#[derive(Clone, Copy, Debug)]
pub struct PaType(pub PaDataType);

impl Display for PaType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match (self.0, self.0.name()) {
            // MIT knows it by the name of the request that it is in.
            (PaDataType::PA_AP_REQ, _) => f.write_str("PA-TGS-REQ (1)"),
            (_, Some(name)) => write!(f, "{name} ({})", self.0.0),
            (_, None) => write!(f, "{}", self.0.0),
        }
    }
}

/// Pre-authentication types, or `(empty)`.
#[derive(Clone, Copy, Debug)]
pub struct PaTypes<'a>(pub &'a [PaDataType]);

impl Display for PaTypes<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        listed(f, self.0.iter().map(|&padata_type| PaType(padata_type)))
    }
}

fn listed(f: &mut fmt::Formatter<'_>, items: impl Iterator<Item = impl Display>) -> fmt::Result {
    let mut none = true;
    for item in items {
        if !core::mem::take(&mut none) {
            f.write_str(", ")?;
        }
        write!(f, "{item}")?;
    }
    if none { f.write_str("(empty)") } else { Ok(()) }
}

/// A protocol error as MIT's library numbers and words it: `-1765328360/Preauthentication failed`.
#[derive(Clone, Copy, Debug)]
pub struct KrbCode(pub ErrorCode);

impl KrbCode {
    /// The number of MIT's library.
    #[must_use]
    pub fn number(self) -> i64 {
        match self.0.0 {
            0 => 0,
            code => i64::from(code).saturating_add(MIT_ERROR_BASE),
        }
    }
}

/// Where MIT's library puts the protocol's error 0.
const MIT_ERROR_BASE: i64 = -1_765_328_384;

impl Display for KrbCode {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0.description() {
            _ if self.0.0 == 0 => f.write_str("0/Success"),
            Some(text) => write!(f, "{}/{text}", self.number()),
            None => write!(f, "{}/KRB5 error code {}", self.number(), self.0.0),
        }
    }
}

/// The octets of a salt and the like: printable ASCII as it is, others as `\xHH`; a long one is cut.
#[derive(Clone, Copy, Debug)]
pub struct Counted<'a>(pub &'a [u8]);

/// Beyond this nobody reads on, and whoever chose the octets could fill the disk.
const COUNTED_MAX: usize = 1024;

impl Display for Counted<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for &octet in self.0.iter().take(COUNTED_MAX) {
            match octet {
                b' '..=b'~' => f.write_char(char::from(octet))?,
                other => write!(f, "\\x{other:02X}")?,
            }
        }
        if self.0.len() > COUNTED_MAX {
            f.write_str("...")?;
        }
        Ok(())
    }
}

/// Octets in hexadecimal; a long one is cut.
#[derive(Clone, Copy, Debug)]
pub struct Hex<'a>(pub &'a [u8]);

impl Display for Hex<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0
            .iter()
            .take(COUNTED_MAX)
            .try_for_each(|octet| write!(f, "{octet:02X}"))
    }
}

/// Whether anybody listens: for what costs something before there is an event.
pub(crate) fn enabled() -> bool {
    tracing::enabled!(target: TARGET, tracing::Level::DEBUG)
}

#[cfg(test)]
pub(crate) mod tests;
