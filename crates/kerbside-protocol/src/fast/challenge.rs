//! The encrypted challenge (RFC 6113 5.4.6): both sides show that they know the client's key, inside the tunnel.

use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, EncryptedChallenge, EncryptedData, PaDataType, PaEncTsEnc};
use kerbside_crypto::{CryptoRng, Key, KeyUsage, LongTermKey, fx_cf2};

use super::{Opened, Tunnel};
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::plaintext::decode_plaintext;
use crate::time::Now;

/// Who made a challenge: another key for each side, so that neither can be sent back.
pub(super) const CLIENT: &[u8] = b"clientchallengearmor";
pub(super) const KDC: &[u8] = b"kdcchallengearmor";

impl Tunnel {
    /// The PA-ENCRYPTED-CHALLENGE of a client whose key is `long_term`, made at the KDC's `now`.
    pub(crate) fn challenge(
        &self,
        long_term: &LongTermKey,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, ProtocolError> {
        let plain = asn1::encode(&PaEncTsEnc {
            patimestamp: now.time,
            pausec: Some(now.usec),
        })?;
        let key = self.challenge_key(CLIENT, long_term)?;
        let cipher = key
            .encrypt(KeyUsage::ENC_CHALLENGE_CLIENT, &plain, rng)
            .map_err(ProtocolError::crypto("encrypting the challenge"))?;
        Ok(asn1::encode(&EncryptedData {
            etype: key.enctype(),
            kvno: None,
            cipher: &cipher,
        })?)
    }

    /// Checks the KDC's own challenge in the reply: only who knows `long_term` can have made it. Its time says nothing
    /// that the tunnel's nonce has not said already.
    pub(crate) fn verify_kdc_challenge(
        &self,
        by: &Refuser,
        opened: &Opened,
        long_term: &LongTermKey,
    ) -> Result<(), ProtocolError> {
        let fault = |what| ProtocolError::misbehaved(by.clone(), what);
        let value = opened
            .find(PaDataType::PA_ENCRYPTED_CHALLENGE)
            .ok_or_else(|| fault(Misbehaviour::ChallengeMissing))?;
        let data: EncryptedChallenge<'_> = asn1::decode(value)?;
        // Heimdal 7.8 makes its challenge under the client's key for challenges. Its usage is the KDC's all the same, so
        // that it is not ours sent back, and only who knows `long_term` can have made it.
        for side in [KDC, CLIENT] {
            let key = self.challenge_key(side, long_term)?;
            let plain = key.decrypt(KeyUsage::ENC_CHALLENGE_KDC, data.cipher);
            if let (Ok(plain), true) = (plain, data.etype == key.enctype()) {
                let _: PaEncTsEnc = decode_plaintext(key.enctype(), &plain)?;
                return Ok(());
            }
        }
        Err(fault(Misbehaviour::ChallengeIntegrity))
    }

    fn challenge_key(&self, side: &[u8], long_term: &Key) -> Result<Key, ProtocolError> {
        fx_cf2(&self.key, long_term, side, b"challengelongterm")
            .map_err(ProtocolError::crypto("making the challenge key"))
    }
}
