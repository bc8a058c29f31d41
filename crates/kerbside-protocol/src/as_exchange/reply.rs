//! The AS-REP: which key opens it, and what it is checked for (RFC 4120 3.1.5, RFC 6806 section 11).

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AsRep, EncAsRepPart, EncKdcRepPart, KdcRep, MsgType, PaDataType, PaReqEncPaRep, Principal,
    TicketFlags,
};
use kerbside_crypto::{CryptoError, Key, KeyUsage};

use super::{AsAsk, AsDone, AsOutcome, Exchange, KeyProof, Proof, Reason, Received, Sent};
use crate::error::{Misbehaviour, ProtocolError};
use crate::fast::{Opened, client_of};
use crate::kdc_reply::{Asked, credential, owned_addresses, same_addresses};
use crate::plaintext::decode_plaintext;
use crate::preauth::{Hints, KeyParams, Question, default_params};
use crate::time::{Now, ahead, within};
use crate::trace;

impl Exchange {
    /// Opens the reply with the key that is there, or asks for the one that it wants.
    pub(super) fn take_as_rep(
        mut self,
        mut sent: Sent,
        bytes: &[u8],
        now: Now,
    ) -> Result<AsOutcome, ProtocolError> {
        let reply: AsRep<'_> = asn1::decode(bytes)?;
        ProtocolError::require_message("AS-REP", MsgType::AS_REP, reply.pvno, reply.msg_type)?;
        let enctype = reply.enc_part.etype;
        if !self.params.enctypes.contains(&enctype) {
            let expected = self.params.enctypes.clone();
            return Err(self.fault(Misbehaviour::ReplyEnctype {
                expected,
                found: enctype,
            }));
        }
        let proof = core::mem::replace(&mut sent.proof, Proof::Nothing);
        let received = Received {
            bytes: bytes.to_vec(),
            opened: self.open_tunnel(&reply, sent.nonce, &proof)?,
            proved_by: proof.given(),
        };
        self.trace_padata(&reply, received.opened.as_ref());
        let key = match proof {
            // The key that SPAKE made is the only one: the client's own would undo what it gives (RFC 9588 4.5).
            Proof::SpakeResponse(key) if key.enctype() != enctype => {
                return Err(self.fault(Misbehaviour::ReplyEnctype {
                    expected: vec![key.enctype()],
                    found: enctype,
                }));
            }
            Proof::SpakeResponse(key) => Some(key.into_inner()),
            Proof::Key(_, key) if key.enctype() == enctype => Some(key.into_inner()),
            _ => None,
        };
        if let Some(key) = key {
            trace::as_key_of_preauth(enctype);
            let mut before = self.hints.iter();
            let params = before.find(|params| params.enctype == enctype).cloned();
            return self.finish(&sent, &received, key, params, now);
        }
        let params = self.params_of_reply(&reply, received.opened.as_ref())?;
        trace::getting_as_key(&params);
        if let Some(password) = self.password.take() {
            let key = self.derive(&params, &password)?.into_inner();
            trace::as_key_obtained(key.enctype());
            return self.finish(&sent, &received, key, Some(params), now);
        }
        let question = Question::LongTermKey {
            principal: self.params.client.clone(),
            candidates: vec![params.clone()],
        };
        let reason = Reason::Decrypt {
            received: Box::new(received),
            sent: Box::new(sent),
            params,
        };
        Ok(AsOutcome::Ask {
            question,
            pending: AsAsk(Box::new((self, reason))),
        })
    }

    /// What is in the reply's tunnel, and with it the KDC's own proof where the client gave one that wants it. In armor
    /// a reply without a tunnel is none.
    fn open_tunnel(
        &self,
        reply: &KdcRep<'_>,
        nonce: u32,
        proof: &Proof,
    ) -> Result<Option<Opened>, ProtocolError> {
        let Some(tunnel) = &self.tunnel else {
            return Ok(None);
        };
        let opened = tunnel
            .open_reply(&self.kdc(), reply, nonce, &self.params.enctype_policy)?
            .ok_or_else(|| self.fault(Misbehaviour::FastMissing))?;
        if let Proof::Key(KeyProof::Challenge, key) = proof {
            tunnel.verify_kdc_challenge(&self.kdc(), &opened, key)?;
        }
        Ok(Some(opened))
    }

    /// What the reply says for pre-authentication, for whoever listens.
    fn trace_padata(&self, reply: &KdcRep<'_>, opened: Option<&Opened>) {
        if !trace::enabled() {
            return;
        }
        let padata = opened.map_or_else(|| reply.padata.clone(), |opened| Some(opened.padata()));
        let Some(padata) = padata else { return };
        // What does not decode is somebody else's to refuse.
        let Ok(hints) = Hints::of_padata(&padata) else {
            return;
        };
        trace::preauth_input(&hints.offered);
        if hints.tells_salt() {
            let candidates = hints.candidates(&[reply.enc_part.etype], &self.params.client);
            candidates
                .first()
                .into_iter()
                .for_each(trace::selected_etype_info);
        }
        if hints.offered.contains(&PaDataType::PA_ENCRYPTED_CHALLENGE) {
            trace::preauth_module(PaDataType::PA_ENCRYPTED_CHALLENGE);
        }
        trace::preauth_output_none();
    }

    /// How the reply's key comes out of a password: by the reply's own ETYPE-INFO2, else by what the KDC said before
    /// (MIT and Heimdal leave it out of the reply), else by the default salt of the reply's principal.
    fn params_of_reply(
        &self,
        reply: &KdcRep<'_>,
        opened: Option<&Opened>,
    ) -> Result<KeyParams, ProtocolError> {
        let enctype = reply.enc_part.etype;
        let client = client_of(reply, opened);
        let hints = match opened {
            Some(opened) => Hints::of_padata(&opened.padata())?,
            None => Hints::of_padata(reply.padata.as_deref().unwrap_or_default())?,
        };
        let here = if hints.tells_salt() {
            hints.candidates(&[enctype], &client)
        } else {
            Vec::new()
        };
        let before = self.hints.iter().find(|params| params.enctype == enctype);
        Ok(here
            .into_iter()
            .next()
            .or_else(|| before.cloned())
            .unwrap_or_else(|| default_params(enctype, &client)))
    }

    /// Decrypts and checks the reply. `key` is the one that it is under but for what FAST adds.
    pub(super) fn finish(
        self,
        sent: &Sent,
        received: &Received,
        key: Key,
        params: Option<KeyParams>,
        now: Now,
    ) -> Result<AsOutcome, ProtocolError> {
        let reply: AsRep<'_> = asn1::decode(&received.bytes)?;
        let reply_enctype = key.enctype();
        let key = match &received.opened {
            Some(opened) => opened.reply_key(&key)?.unwrap_or(key),
            None => key,
        };
        if key.enctype() != reply.enc_part.etype {
            return Err(self.fault(Misbehaviour::ReplyEnctype {
                expected: vec![key.enctype()],
                found: reply.enc_part.etype,
            }));
        }
        let plain = key
            .decrypt(KeyUsage::AS_REP_ENC_PART, reply.enc_part.cipher)
            .inspect_err(|_| trace::as_reply_not_decrypted(received.proved_by.is_some()))
            .map_err(|error| match error {
                CryptoError::IntegrityFailure { enctype } => ProtocolError::WrongReplyKey {
                    principal: self.params.client.clone(),
                    enctype,
                    kvno: reply.enc_part.kvno,
                },
                source => ProtocolError::Crypto {
                    doing: "decrypting the AS-REP",
                    source,
                },
            })?;
        let enc: EncAsRepPart<'_> = decode_plaintext(key.enctype(), &plain)?;
        let enc_pa_rep_verified = self.verify_enc_pa_rep(&enc, &key, &sent.bytes)?;
        let padata = enc.encrypted_pa_data.as_deref().unwrap_or_default();
        let fast_avail = enc_pa_rep_verified && asn1::find_padata(padata, PaDataType::PA_FX_FAST).is_some();
        self.verify_fast_was_not_hidden(fast_avail, received)?;
        let vouched = enc_pa_rep_verified || received.opened.is_some();
        let found = client_of(&reply, received.opened.as_ref());
        let client = self.verify_client(found, vouched)?;
        let asked = Asked {
            kdc: &self.params.client.realm,
            nonce: sent.nonce,
            options: sent.options,
            times: sent.times,
            enctypes: &self.params.enctypes,
            enctype_policy: &self.params.enctype_policy,
            inherited: TicketFlags::default(),
        };
        let (server, session_key) = asked.verify(&enc, &reply.ticket)?;
        self.verify_server(&client, &server, vouched)?;
        let client_vouched = received.opened.is_some() || client == self.params.client;
        trace::decrypted_as_reply(session_key.enctype());
        trace::fast_negotiation(fast_avail);
        if !same_addresses(&owned_addresses(enc.caddr.as_ref()), &self.params.addresses) {
            return Err(self.fault(Misbehaviour::Addresses));
        }
        Ok(AsOutcome::Done(Box::new(AsDone {
            clock_offset_seconds: self.clock_offset(&enc, now),
            key_expiration: enc.key_expiration,
            last_req: enc
                .last_req
                .iter()
                .map(|entry| (entry.lr_type, entry.lr_value))
                .collect(),
            enc_pa_rep_verified,
            client_vouched,
            reply_enctype,
            reply_kvno: reply.enc_part.kvno,
            preauthenticated: received.proved_by.is_some(),
            preauth_type: received.proved_by,
            armored: received.opened.is_some(),
            fast_avail,
            key_params: params,
            credential: credential(client, server, session_key, &enc, reply.ticket.bytes().to_vec()),
        })))
    }

    /// The KDC's clock by the reply's own authtime, which only the holder of the client's key can have written for this
    /// nonce: never by the KRB-ERROR that an offset was first taken from (RFC 4120 3.1.5, pitfall of a steered clock).
    fn clock_offset(&self, enc: &EncKdcRepPart<'_>, now: Now) -> Option<i64> {
        let ahead_seconds = ahead(enc.authtime, now.time);
        let differs = !within(ahead_seconds, self.params.skew_seconds_max);
        (differs || self.offset_learnt).then_some(ahead_seconds)
    }

    /// The checksum over the request in the encrypted part (RFC 6806 section 11). Where the flag says that the KDC
    /// knows it, it must be there and fit.
    fn verify_enc_pa_rep(
        &self,
        enc: &EncKdcRepPart<'_>,
        key: &Key,
        request: &[u8],
    ) -> Result<bool, ProtocolError> {
        if !enc.flags.contains(TicketFlags::ENC_PA_REP) {
            return Ok(false);
        }
        let padata = enc.encrypted_pa_data.as_deref().unwrap_or_default();
        let value = asn1::find_padata(padata, PaDataType::PA_REQ_ENC_PA_REP);
        let value = value.ok_or_else(|| self.fault(Misbehaviour::EncPaRepMissing))?;
        let checksum: PaReqEncPaRep<'_> = asn1::decode(value)?;
        key.verify_checksum(
            KeyUsage::AS_REQ_CHECKSUM,
            checksum.cksumtype,
            &[request],
            checksum.checksum,
        )
        .map_err(|_| self.fault(Misbehaviour::EncPaRepChecksum))?;
        Ok(true)
    }

    /// A KDC that knows FAST says so before it takes a proof. If it did not although there was armor, its word was
    /// suppressed, and somebody has seen a proof that belonged into a tunnel.
    fn verify_fast_was_not_hidden(&self, fast_avail: bool, received: &Received) -> Result<(), ProtocolError> {
        let in_clear = received.opened.is_none() && received.proved_by.is_some();
        if fast_avail && in_clear && self.params.armor.is_some() {
            return Err(self.fault(Misbehaviour::FastHidden));
        }
        Ok(())
    }

    /// The reply's client is the one that asked; another name is taken only where canonicalization was asked for and
    /// the KDC vouches that it was.
    fn verify_client(&self, found: Principal, vouched: bool) -> Result<Principal, ProtocolError> {
        if found == self.params.client {
            // Ours, not the one that came: the type of its name is anybody's word.
            return Ok(self.params.client.clone());
        }
        // The realm that the client was sent to may spell its own name in other letters (Active Directory does).
        let own = self.params.client.realm.as_bytes();
        if self.may_rename(vouched) && found.realm.as_bytes().eq_ignore_ascii_case(own) {
            return Ok(found);
        }
        Err(self.fault(Misbehaviour::Client {
            expected: self.params.client.clone(),
            found,
        }))
    }

    /// The service in the encrypted part is the one asked for. A TGT may come under the realm's own spelling of its
    /// name where canonicalization was asked for.
    fn verify_server(
        &self,
        client: &Principal,
        found: &Principal,
        vouched: bool,
    ) -> Result<(), ProtocolError> {
        let asked = &self.params.service;
        let own_tgt = *found == Principal::krbtgt(&client.realm, &client.realm);
        if found == asked || (self.may_rename(vouched) && asked.is_krbtgt() && own_tgt) {
            return Ok(());
        }
        Err(self.fault(Misbehaviour::Server {
            expected: asked.clone(),
            found: found.clone(),
        }))
    }

    fn may_rename(&self, vouched: bool) -> bool {
        vouched && self.canonicalizes()
    }
}
