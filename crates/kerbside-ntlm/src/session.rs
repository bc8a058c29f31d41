//! Signed and sealed messages (MS-NLMP 3.4).
//!
//! A token is the signature of 16 octets and, for Wrap, the message behind it. Where sealing was negotiated every Wrap
//! token is sealed, whatever is asked: a receiver cannot tell the two apart, and Windows, Samba and gss-ntlmssp do the
//! same. Where it was not, every Wrap token is in clear and asking for more is an error.

use alloc::vec::Vec;
use core::fmt;

use kerbside_crypto::CryptoRng;
use kerbside_gss::{Cause, GssError, PerMessage, Role, SequenceFinding, UnwrappedInPlace, WrapLengths};
use zeroize::{Zeroize, Zeroizing};

use crate::error::{NtlmError, malformed};
use crate::flags::NegotiateFlags;
use crate::keystream::Keystream;
use crate::response::{Key, hmac_md5, same, seal_stream, sign_key};
use crate::secret::{KEY_LEN, NtlmSessionKey};

/// Octets of NTLMSSP_MESSAGE_SIGNATURE.
const SIGNATURE_LEN: usize = 16;

type Signature = [u8; SIGNATURE_LEN];

/// One direction's keys and place.
struct Direction {
    flags: NegotiateFlags,
    sign_key: Key,
    stream: Keystream,
    /// The next message's number; none when all are used up.
    seq: Option<u32>,
}

impl Direction {
    fn new(flags: NegotiateFlags, session_key: &NtlmSessionKey, sender: Role) -> Self {
        Self {
            flags,
            sign_key: sign_key(session_key, sender),
            stream: seal_stream(flags, session_key, sender),
            seq: Some(0),
        }
    }

    fn extended(&self) -> bool {
        self.flags.contains(NegotiateFlags::EXTENDED_SESSIONSECURITY)
    }

    fn due(&self) -> Result<u32, GssError> {
        self.seq.ok_or_else(|| Cause::SequenceExhausted.into())
    }

    /// The checksum over a message, not yet encrypted; without extended session security a RandomPad of zeros and a CRC.
    fn checksum(&self, seq: u32, message: &[u8]) -> [u8; 8] {
        if self.extended() {
            let mac = hmac_md5(&self.sign_key, &[&seq.to_le_bytes(), message]);
            return mac.first_chunk::<8>().copied().unwrap_or_default();
        }
        let [a, b, c, d] = crc32(message).to_le_bytes();
        [0, 0, 0, 0, a, b, c, d]
    }

    /// The signature that a checksum becomes. The stream goes on; the number is for the caller to move.
    fn signature(&mut self, seq: u32, mut checksum: [u8; 8]) -> Signature {
        let mut number = [0; 4];
        if !self.extended() {
            self.stream.apply(&mut checksum);
            self.stream.apply(&mut number);
        } else if self.flags.contains(NegotiateFlags::KEY_EXCH) {
            self.stream.apply(&mut checksum);
        }
        let number = u32::from_le_bytes(number) ^ seq;
        let octets = [1, 0, 0, 0]
            .into_iter()
            .chain(checksum)
            .chain(number.to_le_bytes());
        let mut signature = [0; SIGNATURE_LEN];
        for (to, from) in signature.iter_mut().zip(octets) {
            *to = from;
        }
        signature
    }

    /// Signs the next message, and encrypts it if `seal`.
    fn protect(&mut self, seal: bool, data: &mut [u8]) -> Result<Signature, GssError> {
        let seq = self.due()?;
        let checksum = self.checksum(seq, data);
        if seal {
            self.stream.apply(data);
        }
        let signature = self.signature(seq, checksum);
        self.seq = seq.checked_add(1);
        Ok(signature)
    }

    fn sign(&mut self, message: &[u8]) -> Result<Signature, GssError> {
        let seq = self.due()?;
        let checksum = self.checksum(seq, message);
        let signature = self.signature(seq, checksum);
        self.seq = seq.checked_add(1);
        Ok(signature)
    }

    /// Verifies the next message, which `decrypt` puts in clear with the stream. Unless it verifies, nothing moves.
    fn verify<'m>(
        &mut self,
        signature: &Signature,
        decrypt: impl FnOnce(&mut Keystream) -> &'m [u8],
    ) -> Result<(), GssError> {
        let expected = self.due()?;
        let found = signature.last_chunk::<4>().copied().unwrap_or_default();
        let found = u32::from_le_bytes(found);
        // Without extended session security the number is encrypted, and compared with the rest.
        if self.extended() && found != expected {
            return Err(NtlmError::OutOfSequence { expected, found }.into());
        }
        let before = self.stream.clone();
        let message = decrypt(&mut self.stream);
        let checksum = self.checksum(expected, message);
        let ours = self.signature(expected, checksum);
        if !self.same_signature(ours, *signature) {
            self.stream = before;
            return Err(Cause::BadMic.into());
        }
        self.seq = expected.checked_add(1);
        Ok(())
    }

    fn same_signature(&self, mut ours: Signature, mut theirs: Signature) -> bool {
        if !self.extended() {
            // RandomPad is random, zero or encrypted zeros: MS-NLMP 3.4.4.1 and its own example differ.
            for signature in [&mut ours, &mut theirs] {
                if let Some(pad) = signature.get_mut(4..8) {
                    pad.fill(0);
                }
            }
        }
        same(&ours, &theirs)
    }
}

/// CRC-32 of MS-NLMP section 6 (ISO 3309), bit by bit: only old session security needs it.
fn crc32(data: &[u8]) -> u32 {
    let mut crc = u32::MAX;
    for octet in data {
        crc ^= u32::from(*octet);
        for _ in 0..8 {
            let odd = crc & 1 != 0;
            crc >>= 1;
            if odd {
                crc ^= 0xedb8_8320;
            }
        }
    }
    !crc
}

/// Both directions of a context.
pub(crate) struct Session {
    flags: NegotiateFlags,
    session_key: NtlmSessionKey,
    send: Direction,
    /// None without extended session security: then one stream and one number are for both (MS-NLMP 3.4).
    receive: Option<Direction>,
    /// Whether AUTHENTICATE had a MIC: then SPNEGO must have one too (MS-SPNG note 8).
    mic_in_authenticate: bool,
}

impl Session {
    pub(crate) fn new(
        flags: NegotiateFlags,
        session_key: NtlmSessionKey,
        role: Role,
        mic_in_authenticate: bool,
    ) -> Self {
        let send = Direction::new(flags, &session_key, role);
        let receive = send
            .extended()
            .then(|| Direction::new(flags, &session_key, role.peer()));
        Self {
            flags,
            session_key,
            send,
            receive,
            mic_in_authenticate,
        }
    }

    fn signs(&self) -> bool {
        self.flags.contains(NegotiateFlags::SIGN)
    }

    fn seals(&self) -> bool {
        self.flags.contains(NegotiateFlags::SEAL)
    }

    fn sending(&mut self) -> Result<&mut Direction, GssError> {
        self.need_signing()?;
        Ok(&mut self.send)
    }

    fn receiving(&mut self) -> Result<&mut Direction, GssError> {
        self.need_signing()?;
        Ok(self.receive.as_mut().unwrap_or(&mut self.send))
    }

    /// MS-NLMP 3.4.4.3 has a signature of zeros for contexts that do not sign. It would say of every message that it
    /// verified, so there is none here.
    fn need_signing(&self) -> Result<(), GssError> {
        if self.signs() {
            return Ok(());
        }
        let what = "signing of messages";
        Err(NtlmError::NotNegotiated { what }.into())
    }

    fn protect(&mut self, confidential: bool, data: &mut [u8]) -> Result<Signature, GssError> {
        let seal = self.seals();
        if confidential && !seal {
            let what = "encryption of messages";
            return Err(NtlmError::NotNegotiated { what }.into());
        }
        self.sending()?.protect(seal, data)
    }

    fn open(
        &mut self,
        demand_confidential: bool,
        signature: &Signature,
        data: &mut [u8],
    ) -> Result<(), GssError> {
        let sealed = self.seals();
        if demand_confidential && !sealed {
            return Err(Cause::NotConfidential.into());
        }
        let lent = &mut *data;
        let verified = self.receiving()?.verify(signature, move |stream| {
            if sealed {
                stream.apply(lent);
            }
            lent
        });
        // What did not verify is nobody's to read.
        verified.inspect_err(|_| data.zeroize())
    }

    fn verify_signature(&mut self, message: &[u8], token: &[u8]) -> Result<(), GssError> {
        let signature: &Signature = token
            .try_into()
            .map_err(|_| defective("it is not of 16 octets"))?;
        self.receiving()?.verify(signature, |_| message)
    }
}

fn defective(reason: &'static str) -> GssError {
    malformed("NTLMSSP_MESSAGE_SIGNATURE", "length", reason).into()
}

impl PerMessage for Session {
    fn wrap_lengths(&self, _confidential: bool, _message_len: usize) -> WrapLengths {
        WrapLengths {
            header: SIGNATURE_LEN,
            trailer: 0,
        }
    }

    fn wrap_in_place(
        &mut self,
        confidential: bool,
        header: &mut [u8],
        data: &mut [u8],
        trailer: &mut [u8],
        _rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        for (buffer, expected, found) in [
            ("header", SIGNATURE_LEN, header.len()),
            ("trailer", 0, trailer.len()),
        ] {
            if found != expected {
                return Err(Cause::BufferLength {
                    buffer,
                    expected,
                    found,
                }
                .into());
            }
        }
        header.copy_from_slice(&self.protect(confidential, data)?);
        Ok(())
    }

    fn wrap_into(
        &mut self,
        confidential: bool,
        message: &[u8],
        token: &mut Vec<u8>,
        _rng: &mut dyn CryptoRng,
    ) -> Result<(), GssError> {
        let before = token.len();
        token.extend_from_slice(&[0; SIGNATURE_LEN]);
        token.extend_from_slice(message);
        let made = token.get_mut(before..).unwrap_or_default();
        let Some((header, data)) = made.split_first_chunk_mut::<SIGNATURE_LEN>() else {
            return Ok(());
        };
        let signature = self.protect(confidential, data);
        match signature {
            Ok(signature) => *header = signature,
            Err(error) => {
                token.truncate(before);
                return Err(error);
            }
        }
        Ok(())
    }

    fn unwrap_in_place<'a>(
        &mut self,
        token: &'a mut [u8],
        demand_confidential: bool,
    ) -> Result<UnwrappedInPlace<'a>, GssError> {
        let (signature, message) = token
            .split_first_chunk_mut::<SIGNATURE_LEN>()
            .ok_or_else(|| defective("the token ends in it"))?;
        self.open(demand_confidential, signature, message)?;
        Ok(UnwrappedInPlace {
            message,
            confidential: self.seals(),
            sequence: SequenceFinding::InSequence,
        })
    }

    fn get_mic(&mut self, message: &[u8]) -> Result<Vec<u8>, GssError> {
        Ok(self.sending()?.sign(message)?.to_vec())
    }

    fn verify_mic(&mut self, message: &[u8], token: &[u8]) -> Result<SequenceFinding, GssError> {
        self.verify_signature(message, token)?;
        Ok(SequenceFinding::InSequence)
    }

    /// The stream is left where it was, so that the first message of the application has it too; the number is not
    /// (MS-SPNG 3.2.5.1, 3.3.5.1).
    fn mech_list_mic(&mut self, mech_list: &[u8]) -> Result<Vec<u8>, GssError> {
        let before = self.send.stream.clone();
        let mic = self.get_mic(mech_list);
        self.send.stream = before;
        mic
    }

    fn verify_mech_list_mic(&mut self, mech_list: &[u8], mic: &[u8]) -> Result<(), GssError> {
        let before = self.receiving()?.stream.clone();
        let verified = self.verify_signature(mech_list, mic);
        self.receiving()?.stream = before;
        verified
    }

    fn mech_list_mic_required(&self) -> bool {
        self.mic_in_authenticate
    }

    fn can_sign(&self) -> bool {
        self.signs()
    }

    /// None of an anonymous context, whose key everybody knows.
    fn session_key(&self) -> Option<Zeroizing<Vec<u8>>> {
        let key = self.session_key.expose_secret();
        (!same(key, &[0; KEY_LEN])).then(|| Zeroizing::new(key.to_vec()))
    }
}

impl fmt::Debug for Session {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Session")
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}
