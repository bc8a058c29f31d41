//! The older per-message tokens: those of RFC 4757 section 7 for rc4-hmac keys, those of RFC 1964 section 1.2 for
//! des3-cbc-sha1-kd keys.
//!
//! ```text
//!  60 length 06 09 OID | 02 01  SGN_ALG  SEAL_ALG  ff ff | SND_SEQ (8) | SGN_CKSUM (8 or 20) | confounder (8) message padding
//!                      | 01 01  SGN_ALG  ff ff  ff ff    | SND_SEQ (8) | SGN_CKSUM           |
//! ```
//!
//! Numbers have 32 bits. rc4-hmac's checksum does not cover the number, only the keystream of a sealed message depends
//! on it: whoever changes a token that is only signed can change what the window says of it, and no more.

mod frame;
mod iov;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{ObjectIdentifier, oids};
use kerbside_crypto::{CryptoRng, Direction, EncryptionType, Key, KeyUsage, Segment, Tag};
use zeroize::{Zeroize, Zeroizing};

use super::header::defective;
use super::pseudo_random::pseudo_random;
use super::{
    IovLengths, IovUnwrapped, MessageProtection, PerMessage, PrfKey, ProtectionParams, Role,
    UnwrappedInPlace, WrapLengths,
};
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::sequence::{SequenceFinding, SequenceWindow};

const MECHANISM: ObjectIdentifier = oids::KRB5;
const TOK_ID_MIC: [u8; 2] = [1, 1];
const TOK_ID_WRAP: [u8; 2] = [2, 1];
/// A token of context deletion (RFC 1964 1.2.3). None is sent; what comes of one is told and changes nothing.
const TOK_ID_DELETE: [u8; 2] = [1, 2];
const NOT_SEALED: [u8; 2] = [0xff; 2];

/// TOK_ID, the algorithms and the filler: what the checksum covers before the message.
const ALGORITHMS_LEN: usize = 8;
const SEQUENCE_LEN: usize = 8;
const CONFOUNDER_LEN: usize = 8;
/// The most padding that any sender uses.
const PADDING_MAX: u8 = 8;

/// The checksum of a Wrap token, and of a MIC token under des3-cbc-sha1-kd.
const SIGN_USAGE: KeyUsage = KeyUsage::GSS_ACCEPTOR_SIGN;
/// The checksum of a MIC token under rc4-hmac (RFC 4757 7.2).
const RC4_MIC_USAGE: KeyUsage = KeyUsage(15);

/// What differs between the two key types.
pub(super) struct Algorithms {
    sign: [u8; 2],
    seal: [u8; 2],
    checksum_len: usize,
    mic_usage: KeyUsage,
    /// Octets that confounder, message and padding come in.
    block: usize,
}

impl Algorithms {
    pub(super) fn of(enctype: EncryptionType) -> Option<&'static Self> {
        match enctype {
            EncryptionType::RC4_HMAC => Some(&Self {
                sign: [0x11, 0],
                seal: [0x10, 0],
                checksum_len: 8,
                mic_usage: RC4_MIC_USAGE,
                block: 1,
            }),
            EncryptionType::DES3_CBC_SHA1_KD => Some(&Self {
                sign: [0x04, 0],
                seal: [0x02, 0],
                checksum_len: 20,
                mic_usage: SIGN_USAGE,
                block: 8,
            }),
            _ => None,
        }
    }

    /// Padding is always there: it says its own length.
    fn padding_len(&self, message_len: usize) -> usize {
        self.block
            .saturating_sub(message_len.checked_rem(self.block).unwrap_or(0))
    }

    fn before_message(&self) -> usize {
        ALGORITHMS_LEN
            .saturating_add(SEQUENCE_LEN)
            .saturating_add(self.checksum_len)
            .saturating_add(CONFOUNDER_LEN)
    }
}

/// Whether keys of this type have these tokens and not those of RFC 4121.
pub(crate) fn is_for(enctype: EncryptionType) -> bool {
    Algorithms::of(enctype).is_some()
}

/// The older tokens for a key that has them, those of RFC 4121 for all others.
pub(crate) fn protect(params: ProtectionParams) -> Box<dyn PerMessage> {
    match Algorithms::of(params.key.enctype()) {
        Some(algorithms) => Box::new(OlderProtection::new(params, algorithms)),
        None => Box::new(MessageProtection::new(params)),
    }
}

/// State of per-message protection at one end.
#[derive(Debug)]
pub(crate) struct OlderProtection {
    pub(super) key: Key,
    algorithms: &'static Algorithms,
    role: Role,
    pub(super) send_seq: u32,
    /// How many numbers are left: one used twice would give rc4-hmac's keystream twice.
    pub(super) left: u64,
    pub(super) window: SequenceWindow,
    pub(super) partial_key: Option<Key>,
    /// Tokens in buffers are those of DCE RPC.
    dce_style: bool,
}

impl core::fmt::Debug for Algorithms {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "Algorithms({:?}, {:?})", self.sign, self.seal)
    }
}

/// A number that a token takes, in the two forms it is used in.
struct Numbered {
    /// SND_SEQ before its encryption.
    plain: [u8; 8],
    network_order: [u8; 4],
}

/// The parts of a Wrap token behind its frame.
struct Parts<'a> {
    algorithms: &'a mut [u8; ALGORITHMS_LEN],
    sequence: &'a mut [u8; SEQUENCE_LEN],
    checksum: &'a mut [u8],
    text: &'a mut [u8],
}

fn split<'a>(token: &'a mut [u8], kind: &'static str, checksum_len: usize) -> Result<Parts<'a>, GssError> {
    let short = || defective(kind, "shorter than its header");
    let (algorithms, rest) = token.split_first_chunk_mut().ok_or_else(short)?;
    let (sequence, rest) = rest.split_first_chunk_mut().ok_or_else(short)?;
    let (checksum, text) = rest.split_at_mut_checked(checksum_len).ok_or_else(short)?;
    Ok(Parts {
        algorithms,
        sequence,
        checksum,
        text,
    })
}

/// Where a verified message lies within its token.
struct Opened {
    start: usize,
    length: usize,
    confidential: bool,
    number: u32,
}

impl OlderProtection {
    /// The tokens of a key of a type that [`Algorithms`] are of.
    pub(super) fn new(params: ProtectionParams, algorithms: &'static Algorithms) -> Self {
        let window = SequenceWindow::of_32_bits(
            params.receive_seq,
            params.flags.contains(ContextFlags::REPLAY),
            params.flags.contains(ContextFlags::SEQUENCE),
        );
        Self {
            key: params.key,
            algorithms,
            role: params.role,
            send_seq: params.send_seq,
            left: 1 << 32,
            window,
            partial_key: params.partial_key,
            dce_style: params.flags.contains(ContextFlags::DCE_STYLE),
        }
    }

    fn is_rc4(&self) -> bool {
        self.algorithms.block == 1
    }

    /// Takes the number for a message to send.
    fn next_number(&mut self) -> Result<Numbered, GssError> {
        self.left = self.left.checked_sub(1).ok_or(Cause::SequenceExhausted)?;
        let number = self.send_seq;
        self.send_seq = number.wrapping_add(1);
        let octets = if self.is_rc4() {
            number.to_be_bytes()
        } else {
            number.to_le_bytes()
        };
        let [a, b, c, d] = octets;
        let [e, f, g, h] = direction(self.role);
        Ok(Numbered {
            plain: [a, b, c, d, e, f, g, h],
            network_order: number.to_be_bytes(),
        })
    }

    /// The number of a received token. Its direction must be the peer's.
    fn received_number(&self, sequence: [u8; SEQUENCE_LEN], checksum: &[u8]) -> Result<u32, GssError> {
        let mut plain = sequence;
        let vary = *checksum.first_chunk().ok_or(Cause::BadMic)?;
        self.key
            .old_token_sequence(Direction::Decrypt, vary, &mut plain)?;
        let [a, b, c, d, way @ ..] = plain;
        if way == direction(self.role) {
            return Err(Cause::WrongDirection {
                reason: "it was sent by this end of the context",
            }
            .into());
        }
        if way != direction(self.role.peer()) {
            return Err(Cause::BadMic.into());
        }
        let number = [a, b, c, d];
        Ok(if self.is_rc4() {
            u32::from_be_bytes(number)
        } else {
            u32::from_le_bytes(number)
        })
    }

    fn checksum(&self, usage: KeyUsage, data: &[&[u8]]) -> Result<Tag, GssError> {
        Ok(self.key.checksum(usage, data)?)
    }

    /// Tokens carry the first octets of the checksum; constant time, as [`Tag::verify`] is for a whole one.
    fn matches(&self, tag: &Tag, received: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        let expected = tag.as_bytes().get(..self.algorithms.checksum_len);
        expected.is_some_and(|expected| bool::from(expected.ct_eq(received)))
    }

    fn write_checksum(&self, tag: &Tag, numbered: &Numbered, parts: &mut Parts<'_>) -> Result<(), GssError> {
        let sent = tag.as_bytes().get(..parts.checksum.len()).unwrap_or_default();
        parts.checksum.copy_from_slice(sent);
        let vary = *parts.checksum.first_chunk().ok_or(Cause::BadMic)?;
        *parts.sequence = numbered.plain;
        Ok(self
            .key
            .old_token_sequence(Direction::Encrypt, vary, parts.sequence)?)
    }

    /// Whether a Wrap token's algorithms say that it is encrypted. They must be those of the key's type.
    fn is_sealed(&self, algorithms: [u8; ALGORITHMS_LEN], kind: &'static str) -> Result<bool, GssError> {
        let [_, _, s0, s1, e0, e1, filler @ ..] = algorithms;
        if [s0, s1] != self.algorithms.sign || filler != [0xff; 2] {
            return Err(defective(kind, "expected the checksum algorithm of the key's type").into());
        }
        match [e0, e1] {
            NOT_SEALED => Ok(false),
            seal if seal == self.algorithms.seal => Ok(true),
            _ => Err(defective(kind, "expected the encryption algorithm of the key's type").into()),
        }
    }

    /// Verifies and decrypts a Wrap token where it lies.
    fn open(&self, token: &mut [u8], demand_confidential: bool) -> Result<Opened, GssError> {
        const KIND: &str = "Wrap token";
        let start = frame::inner(token, KIND)?;
        let inner = token.get_mut(start..).unwrap_or_default();
        expect_kind(inner, TOK_ID_WRAP, KIND)?;
        let parts = split(inner, KIND, self.algorithms.checksum_len)?;
        let confidential = self.is_sealed(*parts.algorithms, KIND)?;
        if demand_confidential && !confidential {
            return Err(Cause::NotConfidential.into());
        }
        let number = self.received_number(*parts.sequence, parts.checksum)?;
        if confidential {
            let pieces = &mut [&mut *parts.text];
            self.key
                .old_token_seal(Direction::Decrypt, number.to_be_bytes(), pieces)
                .map_err(|_| defective(KIND, "expected whole blocks"))?;
        }
        let tag = self.checksum(SIGN_USAGE, &[&*parts.algorithms, &*parts.text])?;
        if !self.matches(&tag, parts.checksum) {
            parts.text.zeroize();
            return Err(Cause::BadMic.into());
        }
        let length = message_len(parts.text).ok_or(defective(KIND, "expected padding of 1 to 8 octets"))?;
        Ok(Opened {
            start: start.saturating_add(self.algorithms.before_message()),
            length,
            confidential,
            number,
        })
    }

    fn check_mic(&self, message: &[u8], token: &[u8]) -> Result<u32, GssError> {
        const KIND: &str = "MIC token";
        let start = frame::inner(token, KIND)?;
        let mut inner = token.get(start..).unwrap_or_default().to_vec();
        expect_kind(&inner, TOK_ID_MIC, KIND)?;
        let parts = split(&mut inner, KIND, self.algorithms.checksum_len)?;
        let [_, _, s0, s1, filler @ ..] = *parts.algorithms;
        // Heimdal counts the token's identifier twice, so that two octets of its memory stand behind its triple DES
        // checksums. They mean nothing.
        let heimdals = self.key.enctype() == EncryptionType::DES3_CBC_SHA1_KD && parts.text.len() == 2;
        let nothing_behind = parts.text.is_empty() || heimdals;
        if [s0, s1] != self.algorithms.sign || filler != [0xff; 4] || !nothing_behind {
            return Err(defective(
                KIND,
                "expected the checksum of the key's type and nothing behind it",
            )
            .into());
        }
        let tag = self.checksum(self.algorithms.mic_usage, &[&*parts.algorithms, message])?;
        if !self.matches(&tag, parts.checksum) {
            return Err(Cause::BadMic.into());
        }
        self.received_number(*parts.sequence, parts.checksum)
    }
}

fn direction(sender: Role) -> [u8; 4] {
    match sender {
        Role::Initiator => [0; 4],
        Role::Acceptor => [0xff; 4],
    }
}

fn expect_kind(inner: &[u8], expected: [u8; 2], kind: &'static str) -> Result<(), GssError> {
    match inner.first_chunk() {
        Some(found) if *found == expected => Ok(()),
        Some(&TOK_ID_DELETE) => Err(Cause::ContextDeletion.into()),
        _ => Err(defective(kind, "expected another token identifier").into()),
    }
}

/// Length of the message between confounder and padding, both of which verified.
fn message_len(text: &[u8]) -> Option<usize> {
    let text = text.get(CONFOUNDER_LEN..)?;
    let last = *text.last()?;
    let length = text.len().checked_sub(usize::from(last))?;
    is_padding(text.get(length..)?).then_some(length)
}

/// Padding is 1 to 8 octets that say how many.
fn is_padding(padding: &[u8]) -> bool {
    let len = u8::try_from(padding.len()).unwrap_or(0);
    (1..=PADDING_MAX).contains(&len) && padding.iter().all(|octet| *octet == len)
}

impl PerMessage for OlderProtection {
    fn wrap_lengths(&self, _confidential: bool, message_len: usize) -> WrapLengths {
        let before = self.algorithms.before_message();
        let trailer = self.algorithms.padding_len(message_len);
        let inner = before.saturating_add(message_len).saturating_add(trailer);
        WrapLengths {
            header: frame::len(inner).saturating_add(before),
            trailer,
        }
    }

    fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let lengths = self.wrap_lengths(confidential, data.len());
        super::expect_length("header buffer", lengths.header, header)?;
        super::expect_length("trailer buffer", lengths.trailer, trailer)?;
        let numbered = self.next_number()?;
        let inner_len = self.algorithms.before_message() + data.len() + trailer.len();
        let inner = frame::write(inner_len, header)?;
        let mut parts = split(inner, "header buffer", self.algorithms.checksum_len)?;
        let seal = if confidential {
            self.algorithms.seal
        } else {
            NOT_SEALED
        };
        *parts.algorithms = algorithms(TOK_ID_WRAP, self.algorithms.sign, seal);
        rng.fill_bytes(parts.text);
        trailer.fill(u8::try_from(trailer.len()).unwrap_or(PADDING_MAX));
        let tag = self.checksum(SIGN_USAGE, &[&*parts.algorithms, &*parts.text, &*data, &*trailer])?;
        self.write_checksum(&tag, &numbered, &mut parts)?;
        if confidential {
            let pieces = &mut [&mut *parts.text, &mut *data, &mut *trailer];
            self.key
                .old_token_seal(Direction::Encrypt, numbered.network_order, pieces)?;
        }
        Ok(())
    }

    fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        let opened = self.open(token, demand_confidential)?;
        let sequence = self.window.record(u64::from(opened.number));
        let end = opened.start.saturating_add(opened.length);
        let message = token
            .get_mut(opened.start..end)
            .ok_or(defective("Wrap token", "shorter than its message"))?;
        Ok(UnwrappedInPlace {
            message,
            confidential: opened.confidential,
            sequence,
        })
    }

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        let numbered = self.next_number()?;
        let inner_len = self.algorithms.before_message() - CONFOUNDER_LEN;
        let mut token = alloc::vec![0; frame::len(inner_len).saturating_add(inner_len)];
        let inner = frame::write(inner_len, &mut token)?;
        let mut parts = split(inner, "MIC token", self.algorithms.checksum_len)?;
        *parts.algorithms = algorithms(TOK_ID_MIC, self.algorithms.sign, NOT_SEALED);
        let tag = self.checksum(self.algorithms.mic_usage, &[&*parts.algorithms, message])?;
        self.write_checksum(&tag, &numbered, &mut parts)?;
        Ok(token)
    }

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        let number = self.check_mic(message, token)?;
        Ok(self.window.record(u64::from(number)))
    }

    fn iov_lengths(
        &self,
        _confidential: bool,
        data_len: usize,
        _trailer: bool,
    ) -> Result<IovLengths, GssError> {
        Ok(Self::iov_lengths(self, data_len))
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

    /// As with RFC 4121's tokens, a number that is not the expected one is left out of the window.
    fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError> {
        let number = u64::from(self.check_mic(mech_list, mic)?);
        if number == self.window.expected() {
            self.window.record(number);
        }
        Ok(())
    }
}

fn algorithms(kind: [u8; 2], sign: [u8; 2], seal: [u8; 2]) -> [u8; ALGORITHMS_LEN] {
    let ([k0, k1], [s0, s1], [e0, e1]) = (kind, sign, seal);
    [k0, k1, s0, s1, e0, e1, 0xff, 0xff]
}
