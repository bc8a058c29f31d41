//! The third leg of DCE style: an AP-REP from the initiator (MS-KILE 3.4.5.1, RFC 4757 7.1).
//!
//! It is "exactly as the server would" make it, under the same key and key usage, with the acceptor's sequence number in
//! it, which nobody could know who did not open the acceptor's AP-REP. Its time is the initiator's clock with MIT and the
//! authenticator's with Heimdal, and a key in it would come too late, so neither is looked at.

use alloc::vec::Vec;

use kerbside_asn1::{self as asn1, ApRep, EncApRepPart, EncryptedData, MsgType};
use kerbside_crypto::{CryptoRng, KeyUsage, SessionKey, Zeroizing};

use crate::PVNO;
use crate::ap_acceptor::{ApReply, ReplayChecked};
use crate::ap_initiator::ApEstablished;
use crate::error::{ApRefusal, ProtocolError};
use crate::plaintext::decode_plaintext;
use crate::time::Now;
use crate::trace;

impl ReplayChecked {
    /// Takes the initiator's AP-REP, the answer to our own.
    ///
    /// # Errors
    /// [`ProtocolError::Decode`]; [`ApRefusal::ThirdLeg`] for one that the initiator did not make for this exchange, our
    /// own sent back to us among them.
    pub fn third_leg(&self, own: &ApReply, bytes: &[u8]) -> Result<(), ProtocolError> {
        let refuse = |reason| {
            let client = self.client().clone();
            Err(ApRefusal::ThirdLeg { client, reason }.into())
        };
        let message: ApRep<'_> = asn1::decode(bytes)?;
        ProtocolError::require_message("AP-REP", MsgType::AP_REP, message.pvno, message.msg_type)?;
        // Same key, same usage, same sequence number: nothing else tells ours from theirs.
        let ours: ApRep<'_> = asn1::decode(&own.message)?;
        if message.enc_part.cipher == ours.enc_part.cipher {
            return refuse("it is our own, sent back");
        }
        let key = self.session_key();
        if message.enc_part.etype != key.enctype() {
            return refuse("it is under another type of key");
        }
        let Ok(plain) = key.decrypt(KeyUsage::AP_REP_ENC_PART, message.enc_part.cipher) else {
            return refuse("it does not decrypt with the session key");
        };
        let part: EncApRepPart<'_> = decode_plaintext(key.enctype(), &plain)?;
        if part.seq_number.is_none() || part.seq_number != own.seq_number {
            return refuse("it answers another AP-REP");
        }
        let made = Now {
            time: part.ctime,
            usec: part.cusec,
        };
        trace::read_third_leg(made, part.seq_number);
        Ok(())
    }
}

impl ApEstablished {
    /// The initiator's own AP-REP, which ends an exchange in DCE style. `now` is the realm's time.
    ///
    /// # Errors
    /// [`ProtocolError::Encode`] for a time that has no encoding, [`ProtocolError::Crypto`].
    pub fn third_leg(&self, now: Now, rng: &mut dyn CryptoRng) -> Result<Vec<u8>, ProtocolError> {
        encode(&self.session_key, now, self.peer_seq_number, rng)
    }
}

fn encode(
    key: &SessionKey,
    now: Now,
    seq_number: Option<u32>,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, ProtocolError> {
    let part = EncApRepPart {
        ctime: now.time,
        cusec: now.usec,
        subkey: None,
        seq_number,
    };
    trace::made_ap_rep(now, None, seq_number);
    let plain = Zeroizing::new(asn1::encode(&part)?);
    let cipher = key
        .encrypt(KeyUsage::AP_REP_ENC_PART, &plain, rng)
        .map_err(ProtocolError::crypto("encrypting the AP-REP"))?;
    Ok(asn1::encode(&ApRep {
        pvno: PVNO,
        msg_type: MsgType::AP_REP,
        enc_part: EncryptedData {
            etype: key.enctype(),
            kvno: None,
            cipher: &cipher,
        },
    })?)
}
