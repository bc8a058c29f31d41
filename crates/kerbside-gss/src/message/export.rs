//! The state of per-message protection in octets.

use alloc::boxed::Box;
use alloc::vec::Vec;

use zeroize::Zeroizing;

use super::older::{self, OlderProtection};
use super::{MessageProtection, PerMessage, ProtectionParams, Role};
use crate::error::GssError;
use crate::exported::{Reader, Writer, bad};
use crate::flags::ContextFlags;

/// Tokens of RFC 4121.
const RFC4121: u8 = 1;
/// Those older than it.
const OLDER: u8 = 2;

impl MessageProtection {
    pub(super) fn to_octets(&self) -> Result<Zeroizing<Vec<u8>>, GssError> {
        let mut out = Writer::new();
        out.octet(RFC4121);
        out.key(&self.key)?;
        out.bool(self.acceptor_subkey);
        out.optional_key(self.partial_key.as_ref())?;
        out.option(self.send_seq, Writer::u64);
        self.window.put(&mut out);
        Ok(out.finish())
    }
}

impl OlderProtection {
    pub(super) fn to_octets(&self) -> Result<Zeroizing<Vec<u8>>, GssError> {
        let mut out = Writer::new();
        out.octet(OLDER);
        out.key(&self.key)?;
        out.bool(false);
        out.optional_key(self.partial_key.as_ref())?;
        out.u32(self.send_seq);
        out.u64(self.left);
        self.window.put(&mut out);
        Ok(out.finish())
    }
}

/// The reverse. Direction and detection follow from the context's own facts.
pub(crate) fn import(
    reader: &mut Reader<'_>,
    role: Role,
    flags: ContextFlags,
) -> Result<Box<dyn PerMessage>, GssError> {
    let kind = reader.octet()?;
    let key = reader.key()?;
    let expected = if older::is_for(key.enctype()) {
        OLDER
    } else {
        RFC4121
    };
    if kind != expected {
        return Err(bad("expected the kind of tokens that its key has"));
    }
    let params = ProtectionParams {
        key,
        acceptor_subkey: reader.bool()?,
        partial_key: reader.option(Reader::key)?,
        role,
        flags,
        send_seq: 0,
        receive_seq: 0,
    };
    let Some(algorithms) = older::Algorithms::of(params.key.enctype()) else {
        let mut messages = MessageProtection::new(params);
        messages.send_seq = reader.option(Reader::u64)?;
        messages.window.resume(reader)?;
        return Ok(Box::new(messages));
    };
    let mut older = OlderProtection::new(params, algorithms);
    older.send_seq = reader.u32()?;
    older.left = Some(reader.u64()?)
        .filter(|left| *left <= 1 << 32)
        .ok_or_else(|| bad("expected at most 2^32 numbers left"))?;
    older.window.resume(reader)?;
    Ok(Box::new(older))
}
