//! What a context knows of the tokens that protect its messages.

use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

use kerbside_crypto::{CryptoRng, Segment};
use zeroize::Zeroizing;

use super::pseudo_random::pseudo_random;
use super::{IovLengths, IovUnwrapped, MessageProtection, PrfKey, Unwrapped, UnwrappedInPlace, WrapLengths};
use crate::error::{Cause, GssError};
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
    fn wrap_lengths(&self, confidential: bool, message_len: usize) -> WrapLengths;

    fn wrap_size_limit(&self, confidential: bool, most: usize) -> usize {
        let most = most.min(usize::MAX / 2);
        // What surrounds a message depends on its length by a few octets at most.
        let total = |length: usize| {
            let around = self.wrap_lengths(confidential, length).total();
            around.saturating_add(length)
        };
        let mut limit = most.saturating_sub(self.wrap_lengths(confidential, most).total());
        while limit > 0 && total(limit) > most {
            limit = limit.saturating_sub(1);
        }
        while total(limit.saturating_add(1)) <= most {
            limit = limit.saturating_add(1);
        }
        limit
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
    ) -> Result<(), GssError> {
        let lengths = self.wrap_lengths(confidential, message.len());
        let start = token.len();
        token.reserve(lengths.total().saturating_add(message.len()));
        token.resize(start.saturating_add(lengths.header), 0);
        token.extend_from_slice(message);
        token.resize(token.len().saturating_add(lengths.trailer), 0);
        let made = token.get_mut(start..).unwrap_or_default();
        let (header, rest) = made.split_at_mut_checked(lengths.header).unwrap_or_default();
        let (data, trailer) = rest.split_at_mut_checked(message.len()).unwrap_or_default();
        let made = self.wrap_in_place(confidential, header, data, trailer, rng);
        if made.is_err() {
            token.truncate(start);
        }
        made
    }

    fn unwrap(&mut self, token: &[u8], demand_confidential: bool) -> Result<Unwrapped, GssError> {
        let mut buffer = Zeroizing::new(token.to_vec());
        let opened = self.unwrap_in_place(&mut buffer, demand_confidential)?;
        Ok(Unwrapped {
            message: opened.message.to_vec(),
            confidential: opened.confidential,
            sequence: opened.sequence,
        })
    }

    fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError>;

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError>;

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError>;

    fn iov_lengths(
        &self,
        _confidential: bool,
        _data_len: usize,
        _trailer: bool,
    ) -> Result<IovLengths, GssError> {
        Err(unavailable("tokens in buffers (IOV)"))
    }

    fn wrap_iov(
        &mut self,
        _confidential: bool,
        _iov: &mut [Segment<'_>],
        _rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        Err(unavailable("tokens in buffers (IOV)"))
    }

    fn unwrap_iov(
        &mut self,
        _iov: &mut [Segment<'_>],
        _demand_confidential: bool,
    ) -> Result<IovUnwrapped, GssError> {
        Err(unavailable("tokens in buffers (IOV)"))
    }

    /// Where in the token the message is, and what is known of it.
    fn unwrap_aead(
        &mut self,
        _token: &mut [u8],
        _associated: &[u8],
        _demand_confidential: bool,
    ) -> Result<(Range<usize>, IovUnwrapped), GssError> {
        Err(unavailable("data that is signed beside a message (AEAD)"))
    }

    fn prf(&self, _key: PrfKey, _input: &[u8], _len: usize) -> Result<Zeroizing<Vec<u8>>, GssError> {
        Err(unavailable("a pseudo-random function"))
    }

    /// Keys and sequence numbers, for [`SecurityContext::export`](crate::SecurityContext::export). What comes of it is
    /// read by this crate, so mechanisms of others have none.
    fn export(&self) -> Result<Zeroizing<Vec<u8>>, GssError> {
        Err(unavailable("contexts that can be exported"))
    }

    /// Whether [`Self::export`] is there; asked without putting keys into octets.
    fn is_exportable(&self) -> bool {
        false
    }

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

fn unavailable(what: &'static str) -> GssError {
    Cause::Unavailable { what }.into()
}

impl PerMessage for MessageProtection {
    fn wrap_lengths(&self, confidential: bool, _message_len: usize) -> WrapLengths {
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

    fn iov_lengths(
        &self,
        confidential: bool,
        _data_len: usize,
        trailer: bool,
    ) -> Result<IovLengths, GssError> {
        Ok(Self::iov_lengths(self, confidential, trailer))
    }

    fn wrap_iov(
        &mut self,
        confidential: bool,
        iov: &mut [Segment<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        self.seal_iov(confidential, iov, rng)
    }

    fn unwrap_iov(
        &mut self,
        iov: &mut [Segment<'_>],
        demand_confidential: bool,
    ) -> Result<IovUnwrapped, GssError> {
        self.open_iov(iov, demand_confidential)
    }

    fn unwrap_aead(
        &mut self,
        token: &mut [u8],
        associated: &[u8],
        demand_confidential: bool,
    ) -> Result<(Range<usize>, IovUnwrapped), GssError> {
        self.open_aead(token, associated, demand_confidential)
    }

    fn prf(&self, key: PrfKey, input: &[u8], len: usize) -> Result<Zeroizing<Vec<u8>>, GssError> {
        pseudo_random(key.of(&self.key, self.partial_key.as_ref()), input, len)
    }

    fn export(&self) -> Result<Zeroizing<Vec<u8>>, GssError> {
        self.to_octets()
    }

    fn is_exportable(&self) -> bool {
        true
    }

    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        Some(Zeroizing::new(self.key.expose_secret().to_vec()))
    }
}
