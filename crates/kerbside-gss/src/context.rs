//! An established security context.

mod export;

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{AdType, KerberosTime, ObjectIdentifier, Principal, TicketFlags};
use kerbside_crypto::{CryptoRng, EncryptionType, Segment as IovBuffer};
use kerbside_pac::VerifiedPac;
use zeroize::Zeroizing;

use crate::channel_bindings::BindingState;
use crate::delegation::DelegatedCredential;
use crate::error::GssError;
use crate::flags::ContextFlags;
use crate::message::{
    IovLengths, IovUnwrapped, PerMessage, PrfKey, Role, Unwrapped, UnwrappedInPlace, WrapLengths,
};
use crate::sequence::SequenceFinding;

pub use export::MAX_EXPORTED_LEN;

/// What was settled while a context was established.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct ContextFacts {
    /// Which end this is.
    pub role: Role,
    /// Who began: for an acceptor the client of the decrypted ticket, all components and the realm.
    pub client: Principal,
    /// Who was called.
    pub server: Principal,
    /// What the context offers.
    pub flags: ContextFlags,
    /// What became of the channel bindings.
    pub bindings: BindingState,
    /// The initiator's ticket-granting ticket, if it sent one to an acceptor; [`ContextFlags::DELEGATION`] is set then and
    /// only then. At an initiator's end the flag says that one was sent.
    pub delegated: Option<DelegatedCredential>,
    /// The mechanism that authenticated.
    pub mechanism: ObjectIdentifier,
    /// Whether SPNEGO negotiated it.
    pub negotiated: bool,
    /// Until when the credentials are good, if they end. The context itself does not stop then; whether to go on is the
    /// caller's choice.
    pub expires: Option<KerberosTime>,
    /// What only a Kerberos context has.
    pub kerberos: Option<KerberosFacts>,
}

impl ContextFacts {
    /// What every mechanism knows; no bindings, nothing delegated, no end and nothing of Kerberos until they are set.
    #[must_use]
    pub fn new(
        role: Role,
        mechanism: ObjectIdentifier,
        client: Principal,
        server: Principal,
        flags: ContextFlags,
    ) -> Self {
        Self {
            role,
            client,
            server,
            flags,
            bindings: BindingState::NotChecked,
            delegated: None,
            mechanism,
            negotiated: false,
            expires: None,
            kerberos: None,
        }
    }
}

/// What a Kerberos context has beside its [`ContextFacts`].
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct KerberosFacts {
    /// When the client typed a password or used a key (the TGT's authtime).
    pub auth_time: KerberosTime,
    /// From when on the ticket is good.
    pub start_time: KerberosTime,
    /// Until when the ticket can be renewed, if it can.
    pub renew_till: Option<KerberosTime>,
    /// The ticket's flags.
    pub ticket_flags: TicketFlags,
    /// Enctype of the session key.
    pub session_enctype: EncryptionType,
    /// Enctype that the ticket is encrypted with.
    pub ticket_enctype: EncryptionType,
    /// Enctype of the key that protects the messages.
    pub message_enctype: EncryptionType,
    /// Version of the service's key, as the ticket says; not authenticated.
    pub ticket_kvno: Option<u32>,
    /// The ticket's authorization data, outermost elements, at an acceptor's end.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
    /// The ticket's PAC, verified with the key that opened the ticket and compared with its client: SIDs, groups, names
    /// (an acceptor's, with [`PacPolicy::Verify`](crate::PacPolicy::Verify) or more).
    pub pac: Option<Arc<VerifiedPac>>,
}

/// A context that stands: both ends know what [`ContextFacts`] says, and messages can be protected.
///
/// There is no such value before the exchange is over, so nothing can be wrapped too early. Per-message calls that fail
/// leave the context usable.
#[derive(Debug)]
pub struct SecurityContext {
    facts: ContextFacts,
    messages: Box<dyn PerMessage>,
}

impl SecurityContext {
    /// A context of a mechanism that finished its exchange, with the tokens that the mechanism protects messages by.
    #[must_use]
    pub fn from_parts(facts: ContextFacts, messages: Box<dyn PerMessage>) -> Self {
        Self { facts, messages }
    }

    pub(crate) fn set_negotiated(&mut self) {
        self.facts.negotiated = true;
    }

    /// Whether SPNEGO's mechanism list must be proved: never by a context that cannot sign, and by one that insists even
    /// where `negotiation` alone would not.
    pub(crate) fn mech_list_mic_due(&self, negotiation: bool) -> bool {
        self.messages.can_sign() && (negotiation || self.messages.mech_list_mic_required())
    }

    pub(crate) fn mech_list_mic(&mut self, mech_list: &[u8]) -> Result<Vec<u8>, GssError> {
        self.messages.mech_list_mic(mech_list)
    }

    pub(crate) fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError> {
        self.messages.verify_mech_list_mic(mech_list, mic)
    }

    /// Everything that was settled.
    #[must_use]
    pub fn facts(&self) -> &ContextFacts {
        &self.facts
    }

    /// Who began.
    #[must_use]
    pub fn client(&self) -> &Principal {
        &self.facts.client
    }

    /// Who was called.
    #[must_use]
    pub fn server(&self) -> &Principal {
        &self.facts.server
    }

    /// What the context offers.
    #[must_use]
    pub fn flags(&self) -> ContextFlags {
        self.facts.flags
    }

    /// The flags as `GSS_Init_sec_context` and `GSS_Accept_sec_context` report them: beside [`Self::flags`] that messages can
    /// be protected, which is so from the moment there is a context and not before, on both ends; and whether the context
    /// can be exported.
    #[must_use]
    pub fn ret_flags(&self) -> ContextFlags {
        let mut flags = self.facts.flags | ContextFlags::PROT_READY;
        if self.is_exportable() {
            flags |= ContextFlags::TRANSFERABLE;
        }
        flags
    }

    /// How long the credentials are still good at `now` (`GSS_Context_time`), 0 when they are over; `None` if they do not
    /// end.
    #[must_use]
    pub fn lifetime_seconds(&self, now: KerberosTime) -> Option<u64> {
        let left = self.facts.expires?.seconds_since(now);
        Some(u64::try_from(left).unwrap_or(0))
    }

    /// Until when the credentials are good, if they end.
    #[must_use]
    pub fn expires(&self) -> Option<KerberosTime> {
        self.facts.expires
    }

    /// The key of the context, for protocols that derive keys of their own from it (SMB, MS-RPC): of Kerberos the key that
    /// protects the messages, of NTLM the exported session key. None where the mechanism has none.
    #[must_use]
    pub fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        self.messages.session_key()
    }

    /// Protects a message (`GSS_Wrap`): encrypted if `confidential`, else readable and with a checksum.
    ///
    /// # Errors
    /// When the sequence numbers are used up or the message is longer than any may be.
    pub fn wrap(
        &mut self,
        confidential: bool,
        message: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, GssError> {
        let mut token = Vec::new();
        self.messages.wrap_into(confidential, message, &mut token, rng)?;
        Ok(token)
    }

    /// As [`Self::wrap`], appended to `token`, which keeps its capacity from message to message.
    ///
    /// # Errors
    /// As [`Self::wrap`]; `token` is then as it was.
    pub fn wrap_into(
        &mut self,
        confidential: bool,
        message: &[u8],
        token: &mut Vec<u8>,
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        self.messages.wrap_into(confidential, message, token, rng)
    }

    /// Protects `data` where it lies; `header`, `data` and `trailer` in this order are the token. Nothing is copied or
    /// allocated.
    ///
    /// # Errors
    /// When `header` or `trailer` is not as long as [`Self::wrap_lengths`] says, or as [`Self::wrap`].
    pub fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        self.messages
            .wrap_in_place(confidential, header, data, trailer, rng)
    }

    /// How much stands before and behind a message of any length in a token that this end makes.
    #[must_use]
    pub fn wrap_lengths(&self, confidential: bool, message_len: usize) -> WrapLengths {
        self.messages.wrap_lengths(confidential, message_len)
    }

    /// The longest message whose token has at most `most` octets (`GSS_Wrap_size_limit`).
    #[must_use]
    pub fn wrap_size_limit(&self, confidential: bool, most: usize) -> usize {
        self.messages.wrap_size_limit(confidential, most)
    }

    /// Opens a token of the peer (`GSS_Unwrap`). The result says whether the message was encrypted; where that is
    /// demanded, use [`Self::unwrap_confidential`].
    ///
    /// # Errors
    /// When the token is malformed, altered, or not made by the peer for this context.
    pub fn unwrap(&mut self, token: &[u8]) -> Result<Unwrapped, GssError> {
        self.messages.unwrap(token, false)
    }

    /// As [`Self::unwrap`], for a message that must have been encrypted.
    ///
    /// # Errors
    /// As [`Self::unwrap`], and for a token that is only signed.
    pub fn unwrap_confidential(&mut self, token: &[u8]) -> Result<Unwrapped, GssError> {
        self.messages.unwrap(token, true)
    }

    /// Opens a token in its own buffer and returns the part that is the message. Nothing is copied out or allocated.
    /// The buffer's bytes are used up even if the token is refused.
    ///
    /// # Errors
    /// As [`Self::unwrap`]. With `demand_confidential` as [`Self::unwrap_confidential`].
    pub fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        self.messages.unwrap_in_place(token, demand_confidential)
    }

    /// Lengths of the buffers that [`Self::wrap_iov`] wants around `data_len` octets of data: with a trailer of its own, or
    /// all of it in the header, as DCE RPC has it.
    ///
    /// # Errors
    /// [`Cause::Unavailable`](crate::Cause::Unavailable) where the mechanism has no such tokens.
    pub fn wrap_iov_lengths(
        &self,
        confidential: bool,
        data_len: usize,
        trailer: bool,
    ) -> Result<IovLengths, GssError> {
        self.messages.iov_lengths(confidential, data_len, trailer)
    }

    /// Protects data that lies in several buffers, in place (`GSS_Wrap_iov`). One buffer is the header; data and padding
    /// are encrypted if `confidential`; what is sign-only is under the checksum, in the order given. Header, data, padding
    /// and trailer in this order are the token.
    ///
    /// # Errors
    /// When header, padding or trailer are not as long as [`Self::wrap_iov_lengths`] says, or as [`Self::wrap`].
    pub fn wrap_iov(
        &mut self,
        confidential: bool,
        iov: &mut [IovBuffer<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        self.messages.wrap_iov(confidential, iov, rng)
    }

    /// Opens a token whose parts lie in buffers, in place (`GSS_Unwrap_iov`). The buffers are used up even if the token
    /// is refused.
    ///
    /// # Errors
    /// As [`Self::unwrap`]; with `demand_confidential` as [`Self::unwrap_confidential`].
    pub fn unwrap_iov(
        &mut self,
        iov: &mut [IovBuffer<'_>],
        demand_confidential: bool,
    ) -> Result<IovUnwrapped, GssError> {
        self.messages.unwrap_iov(iov, demand_confidential)
    }

    /// Protects a message, and signs `associated` with it, which is not in the token (`GSS_Wrap_aead`).
    ///
    /// # Errors
    /// As [`Self::wrap_iov`].
    pub fn wrap_aead(
        &mut self,
        confidential: bool,
        associated: &[u8],
        message: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, GssError> {
        let lengths = self.messages.iov_lengths(confidential, message.len(), true)?;
        let total = [lengths.header, message.len(), lengths.padding, lengths.trailer];
        let mut token = alloc::vec![0; total.into_iter().fold(0, usize::saturating_add)];
        let (header, rest) = token.split_at_mut_checked(lengths.header).unwrap_or_default();
        let (data, rest) = rest.split_at_mut_checked(message.len()).unwrap_or_default();
        let (padding, trailer) = rest.split_at_mut_checked(lengths.padding).unwrap_or_default();
        data.copy_from_slice(message);
        let iov = &mut [
            IovBuffer::Header(header),
            IovBuffer::SignOnly(associated),
            IovBuffer::Data(data),
            IovBuffer::Padding(padding),
            IovBuffer::Trailer(trailer),
        ];
        self.messages.wrap_iov(confidential, iov, rng)?;
        Ok(token)
    }

    /// Opens a token of [`Self::wrap_aead`] in its own buffer; `associated` must be what the peer signed with it
    /// (`GSS_Unwrap_aead`).
    ///
    /// # Errors
    /// As [`Self::unwrap_iov`], and [`Cause::Unavailable`](crate::Cause::Unavailable) with keys older than RFC 4121.
    pub fn unwrap_aead<'a>(
        &mut self,
        token: &'a mut [u8],
        associated: &[u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        let (place, opened) = self
            .messages
            .unwrap_aead(token, associated, demand_confidential)?;
        Ok(UnwrappedInPlace {
            message: token.get_mut(place).unwrap_or_default(),
            confidential: opened.confidential,
            sequence: opened.sequence,
        })
    }

    /// Octets that only the two ends of the context can compute (`GSS_Pseudo_random`, RFC 4402 with RFC 7802's counter);
    /// at most [`MAX_PRF_LEN`](crate::MAX_PRF_LEN).
    ///
    /// # Errors
    /// When more are asked for, or the mechanism has no such function.
    pub fn pseudo_random(
        &self,
        key: PrfKey,
        input: &[u8],
        len: usize,
    ) -> Result<Zeroizing<Vec<u8>>, GssError> {
        self.messages.prf(key, input, len)
    }

    /// A checksum over a message that travels apart (`GSS_GetMIC`).
    ///
    /// # Errors
    /// When the sequence numbers are used up.
    pub fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        self.messages.get_mic(message)
    }

    /// Verifies the peer's checksum over a message (`GSS_VerifyMIC`).
    ///
    /// # Errors
    /// When the token is malformed, not over this message, or not made by the peer for this context.
    pub fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        self.messages.verify_mic(message, token)
    }
}
