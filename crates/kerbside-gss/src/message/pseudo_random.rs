//! `GSS_Pseudo_random` (RFC 4401), the krb5 mechanism's function of RFC 4402 with the counter of RFC 7802.

use kerbside_crypto::Key;
use zeroize::Zeroizing;

use alloc::vec::Vec;

use crate::error::{Cause, GssError};

/// The most octets that one call gives.
pub const MAX_PRF_LEN: usize = 64 * 1024;

/// Which key the octets come from (RFC 4402 section 3).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PrfKey {
    /// The one that both ends chose (`GSS_C_PRF_KEY_FULL`): the acceptor's subkey where there is one.
    Full,
    /// The one that the initiator chose by itself (`GSS_C_PRF_KEY_PARTIAL`).
    Partial,
}

impl PrfKey {
    /// That key, of the two; a context whose acceptor chose none has one for both.
    pub(super) fn of<'k>(self, full: &'k Key, partial: Option<&'k Key>) -> &'k Key {
        match self {
            Self::Full => full,
            Self::Partial => partial.unwrap_or(full),
        }
    }
}

/// The first `len` octets of `PRF(key, 0 || input) || PRF(key, 1 || input) || ...`, the counter in four octets.
pub(super) fn pseudo_random(key: &Key, input: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, GssError> {
    if len > MAX_PRF_LEN {
        return Err(Cause::TokenTooLong {
            token: "pseudo-random output",
            length: len,
            most: MAX_PRF_LEN,
        }
        .into());
    }
    let mut out = Zeroizing::new(Vec::with_capacity(len));
    for counter in 0_u32.. {
        let left = len.saturating_sub(out.len());
        if left == 0 {
            break;
        }
        let counted = Zeroizing::new([&counter.to_be_bytes()[..], input].concat());
        let block = key.prf(&counted)?;
        out.extend(block.iter().take(left));
    }
    Ok(out)
}
