//! The TGS-REP: which key opens it, and what it is checked for (RFC 4120 3.3.4).

use alloc::boxed::Box;

use kerbside_asn1::{
    self as asn1, EncTgsRepPart, ErrorCode, KdcOptions, MsgType, Principal, Realm, TgsRep, TicketFlags,
};
use kerbside_crypto::{CryptoError, Key, KeyUsage, Zeroizing};

use super::{Exchange, Sent, TgsArmor, TgsClient, TgsDone, TgsOutcome};
use crate::error::{Misbehaviour, ProtocolError};
use crate::fast::{Opened, client_of};
use crate::kdc_reply::{Asked, credential, owned_addresses, same_addresses};
use crate::kdc_request::RequestTimes;
use crate::plaintext::decode_plaintext;
use crate::s4u;
use crate::subkey::beside;
use crate::time::{Now, ahead, plus, within};
use crate::trace;

impl Exchange {
    /// Decrypts and checks the reply.
    pub(super) fn take_tgs_rep(
        self,
        sent: &Sent,
        bytes: &[u8],
        now: Now,
    ) -> Result<TgsOutcome, ProtocolError> {
        let reply: TgsRep<'_> = asn1::decode(bytes)?;
        ProtocolError::require_message("TGS-REP", MsgType::TGS_REP, reply.pvno, reply.msg_type)?;
        let opened = self.open_tunnel(sent, &reply)?;
        let plain = self.decrypt(sent, &reply, opened.as_ref())?;
        let enc: EncTgsRepPart<'_> = decode_plaintext(reply.enc_part.etype, &plain)?;
        let mut named = None;
        if let TgsClient::ForUser(_) = self.params.client {
            // In armor the clear says nothing.
            let armored = opened.as_ref().map(Opened::padata);
            let outer = armored.as_deref().or(reply.padata.as_deref());
            named = s4u::verify_reply(sent.nonce, &sent.subkey, outer, enc.encrypted_pa_data.as_deref())?
                .map_err(|what| self.fault(Misbehaviour::Field(what)))?;
        }
        let asked = Asked {
            kdc: self.realm(),
            nonce: sent.nonce,
            options: self.params.options,
            times: self.times_allowed(sent),
            enctypes: &self.params.enctypes,
            enctype_policy: &self.params.enctype_policy,
            inherited: self.inherited_flags(),
        };
        let (server, session_key) = asked.verify(&enc, &reply.ticket)?;
        let referred = self.verify_server(&server)?;
        let sealed = opened.and_then(Opened::into_client);
        let is_sealed = sealed.is_some();
        let found = sealed.unwrap_or_else(|| client_of(&reply, None));
        let client = self.verify_client(found, referred.is_some())?;
        let client_vouched = match self.params.client {
            TgsClient::Own => true,
            _ => is_sealed || named.is_some_and(|named| named == client),
        };
        trace::tgs_reply(&client, &server, session_key.enctype());
        trace::tgs_result(&self.params, ErrorCode::KDC_ERR_NONE);
        self.verify_freshness(&enc, now)?;
        if !self.params.addresses.is_empty()
            && !same_addresses(&owned_addresses(enc.caddr.as_ref()), &self.params.addresses)
        {
            return Err(self.fault(Misbehaviour::Addresses));
        }
        let mut credential = credential(client, server, session_key, &enc, reply.ticket.bytes().to_vec());
        // MIT's KDC tells them only where others than the TGT's were asked for.
        if credential.addresses.is_empty()
            && !self
                .params
                .options
                .intersects(KdcOptions::FORWARDED | KdcOptions::PROXY)
        {
            credential.addresses = self.params.tgt.addresses.clone();
        }
        if let Some(realm) = referred {
            let tgt = Box::new(credential);
            return Ok(TgsOutcome::Referral { tgt, realm });
        }
        if self.params.options.contains(KdcOptions::ENC_TKT_IN_SKEY) {
            credential.is_skey = true;
            credential.second_ticket = self
                .params
                .additional_tickets
                .first()
                .cloned()
                .unwrap_or_default();
        }
        Ok(TgsOutcome::Done(Box::new(TgsDone {
            key_expiration: enc.key_expiration,
            client_vouched,
            ticket_kvno: reply.ticket.enc_part.kvno,
            ticket_enctype: reply.ticket.enc_part.etype,
            credential,
        })))
    }

    /// Whose ticket it is: ours, or that of the one we act for.
    ///
    /// The name that comes is in clear, so ours is taken where there is one. An enterprise name is the KDC's to
    /// replace; then the one in clear is all there is without FAST, and who needs certainty decrypts the ticket, which
    /// is under the asking service's own key. On the way to another realm a service's ticket stays its own
    /// (MS-SFU 3.2.5.1.2).
    fn verify_client(&self, found: Principal, is_referral: bool) -> Result<Principal, ProtocolError> {
        let own = &self.params.tgt.client;
        let expected = match &self.params.client {
            TgsClient::Own => own,
            TgsClient::ForUser(_) if is_referral => own,
            TgsClient::Evidence(client) => client,
            TgsClient::ForUser(user) if found == *own && user.principal != *own => {
                return Err(self.fault(Misbehaviour::S4uIgnored));
            }
            TgsClient::ForUser(user) if !user.is_exact() => return Ok(found),
            TgsClient::ForUser(user) => &user.principal,
        };
        if found == *expected {
            let name = found.name.with_type(expected.name.name_type);
            return Ok(Principal { name, ..found });
        }
        let expected = expected.clone();
        Err(self.fault(Misbehaviour::Client { expected, found }))
    }

    /// What is in the reply's tunnel. Without one the reply is as good as without armor, unless the KDC is known to know
    /// FAST: then its key would not fit.
    fn open_tunnel(&self, sent: &Sent, reply: &TgsRep<'_>) -> Result<Option<Opened>, ProtocolError> {
        let Some(tunnel) = &sent.tunnel else {
            return Ok(None);
        };
        let policy = beside(&self.params.tgt.session_key);
        let opened = tunnel.open_reply(&self.kdc, reply, sent.nonce, &policy)?;
        match &opened {
            None if self.params.armor == TgsArmor::Required => Err(self.fault(Misbehaviour::FastMissing)),
            Some(opened) if !opened.is_strengthened() => Err(self.fault(Misbehaviour::FastStrengthenMissing)),
            _ => Ok(opened),
        }
    }

    /// The reply is under the subkey that we sent, made stronger in armor; old KDCs use the TGT's session key instead
    /// (RFC 4120 3.3.3).
    fn decrypt(
        &self,
        sent: &Sent,
        reply: &TgsRep<'_>,
        opened: Option<&Opened>,
    ) -> Result<Zeroizing<alloc::vec::Vec<u8>>, ProtocolError> {
        let session_key: &Key = &self.params.tgt.session_key;
        let found = reply.enc_part.etype;
        if found != session_key.enctype() {
            let expected = alloc::vec![session_key.enctype()];
            return Err(self.fault(Misbehaviour::ReplyEnctype { expected, found }));
        }
        let cipher = reply.enc_part.cipher;
        let plain = match opened {
            Some(opened) => {
                let stronger = opened.reply_key(&sent.subkey)?;
                let key = stronger.as_ref().unwrap_or(&sent.subkey);
                key.decrypt(KeyUsage::TGS_REP_ENC_PART_SUBKEY, cipher)
            }
            None => {
                let plain = sent.subkey.decrypt(KeyUsage::TGS_REP_ENC_PART_SUBKEY, cipher);
                plain.or_else(|_| {
                    trace::trying_session_key(session_key.enctype());
                    session_key.decrypt(KeyUsage::TGS_REP_ENC_PART_SESSKEY, cipher)
                })
            }
        };
        plain.map_err(|error| match error {
            CryptoError::IntegrityFailure { enctype } => ProtocolError::WrongReplyKey {
                principal: self.params.tgt.server.clone(),
                enctype,
                kvno: None,
            },
            source => ProtocolError::Crypto {
                doing: "decrypting the TGS-REP",
                source,
            },
        })
    }

    /// The service in the encrypted part is the one asked for. In its place may come a referral: a TGT of that KDC for
    /// another realm, where we let it choose, or asked for a TGT of a third realm and get one for a realm on the way.
    fn verify_server(&self, found: &Principal) -> Result<Option<Realm>, ProtocolError> {
        let asked = &self.params.server;
        if found == asked {
            return Ok(None);
        }
        let kdc = self.realm();
        let may_refer = self.params.options.contains(KdcOptions::CANONICALIZE)
            || (asked.is_krbtgt() && asked.name.krbtgt_realm() != Some(kdc.as_bytes()));
        let referred = found.name.krbtgt_realm().map(Realm::new);
        if let Some(realm) = referred.filter(|realm| may_refer && found.realm == *kdc && realm != kdc) {
            return Ok(Some(realm));
        }
        Err(self.fault(Misbehaviour::Server {
            expected: asked.clone(),
            found: found.clone(),
        }))
    }

    /// A ticket starts at the KDC's own time, unless it was postdated, or validated and so started before.
    fn verify_freshness(&self, enc: &EncTgsRepPart<'_>, now: Now) -> Result<(), ProtocolError> {
        let options = self.params.options;
        if options.contains(KdcOptions::VALIDATE) || options.contains(KdcOptions::POSTDATED) {
            return Ok(());
        }
        let Some(starttime) = enc.starttime else {
            return Ok(());
        };
        let expected = plus(now.time, self.params.clock_offset_seconds)?;
        let ahead_seconds = ahead(starttime, expected);
        if within(ahead_seconds, self.params.skew_seconds_max) {
            return Ok(());
        }
        let allowed_seconds = self.params.skew_seconds_max;
        Err(ProtocolError::ClockSkew {
            by: self.kdc.clone(),
            ahead_seconds,
            allowed_seconds,
        })
    }

    /// A renewed or validated ticket ends within the old one's limits, whatever the request says; any other as asked.
    fn times_allowed(&self, sent: &Sent) -> RequestTimes {
        if !self.same_again() {
            return sent.times;
        }
        let tgt = &self.params.tgt;
        RequestTimes {
            from: None,
            till: tgt.end_time.max(tgt.renew_till),
            rtime: Some(tgt.renew_till),
        }
    }

    fn same_again(&self) -> bool {
        self.params
            .options
            .intersects(KdcOptions::RENEW | KdcOptions::VALIDATE)
    }

    /// Flags of the TGT that go on into what is made from it.
    fn inherited_flags(&self) -> TicketFlags {
        let mut flags = TicketFlags::default();
        let kept: &[TicketFlags] = if self.same_again() {
            &[
                TicketFlags::FORWARDED,
                TicketFlags::PROXY,
                TicketFlags::FORWARDABLE,
                TicketFlags::PROXIABLE,
                TicketFlags::MAY_POSTDATE,
                TicketFlags::POSTDATED,
                TicketFlags::RENEWABLE,
            ]
        } else {
            &[TicketFlags::FORWARDED, TicketFlags::PROXY, TicketFlags::POSTDATED]
        };
        for flag in kept {
            if self.params.tgt.flags.contains(*flag) {
                flags.insert(*flag);
            }
        }
        flags
    }
}
