//! What a context knows of the tokens that protect its messages.

use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::CryptoRng;
use zeroize::Zeroizing;

use super::{MessageProtection, Unwrapped, UnwrappedInPlace, WrapLengths};
use crate::error::GssError;
use crate::sequence::SequenceFinding;

/// Per-message protection of an established context: one implementation for each kind of token.
///
/// Calls that fail leave it usable. What each call means and when it fails is written at the call of the same name in
/// [`SecurityContext`](crate::SecurityContext).
#[allow(
    missing_docs,
    clippy::missing_errors_doc,
    reason = "SecurityContext documents each call"
)]
pub trait PerMessage: Send + fmt::Debug {
    fn wrap_lengths(&self, confidential: bool) -> WrapLengths;

    fn wrap_size_limit(&self, confidential: bool, most: usize) -> usize {
        most.saturating_sub(self.wrap_lengths(confidential).total())
    }

    fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError>;

    fn wrap_into(
        &mut self,
        confidential: bool,
        message: &[u8],
        token: &mut Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError>;

    fn unwrap(&mut self, token: &[u8], demand_confidential: bool) -> Result<Unwrapped, GssError>;

    fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError>;

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError>;

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError>;

    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        None
    }

    /// Whether the context has integrity protection. Without it there is no MIC over SPNEGO's mechanism list either (RFC
    /// 4178 section 5).
    fn can_sign(&self) -> bool {
        true
    }

    /// Whether both ends must prove SPNEGO's mechanism list though RFC 4178 section 5 would let them leave it out (NTLM
    /// whose AUTHENTICATE has a MIC).
    fn mech_list_mic_required(&self) -> bool {
        false
    }

    /// The MIC over SPNEGO's mechanism list. A mechanism whose MICs have a state that must not move by it (NTLM: MS-SPNG
    /// 3.3.5.1) overrides this and [`Self::verify_mech_list_mic`].
    fn mech_list_mic(&mut self, mech_list: &[u8]) -> Result<Vec<u8>, GssError> {
        self.get_mic(mech_list)
    }

    /// Verifies the peer's MIC over SPNEGO's mechanism list.
    fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError>;
}

impl PerMessage for MessageProtection {
    fn wrap_lengths(&self, confidential: bool) -> WrapLengths {
        Self::wrap_lengths(self, confidential)
    }

    fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        Self::wrap_in_place(self, confidential, header, data, trailer, rng)
    }

    fn wrap_into(
        &mut self,
        confidential: bool,
        message: &[u8],
        token: &mut Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        Self::wrap_into(self, confidential, message, token, rng)
    }

    fn unwrap(&mut self, token: &[u8], demand_confidential: bool) -> Result<Unwrapped, GssError> {
        Self::unwrap(self, token, demand_confidential)
    }

    fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        Self::unwrap_in_place(self, token, demand_confidential)
    }

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        self.mic(message)
    }

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        Self::verify_mic(self, message, token)
    }

    fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError> {
        Self::verify_mech_list_mic(self, mech_list, mic)
    }

    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.key.expose_secret().to_vec()))
    }
}
