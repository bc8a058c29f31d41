//! The KDC's end of a FAST tunnel, written from the RFC and not by means of the client's end.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AsReq, Checksum, EncryptedData, ErrorCode, FastArmorType, FastOptions, KrbFastArmoredRep,
    KrbFastArmoredReq, KrbFastFinished, KrbFastReq, KrbFastResponse, MethodData, PaData, PaDataType,
    PaEncTsEnc, PaFxFastReply, PaFxFastRequest, Principal, TgsReq,
};
use kerbside_crypto::{CryptoRng, Key, KeyUsage, fx_cf2};

use super::{AES256, Issue, key, now, rng, tgs, wire_key};
use crate::fast::Padata;
use crate::krb_error::ErrorReply;
use crate::time::Now;
use crate::{ApReqParsed, AuthenticatorPolicy, Credential, Purpose};

/// The key of the TGS that armor tickets are for.
pub(crate) fn tgs_key() -> Key {
    key(AES256, 1004)
}

/// A host's ticket for the TGS of EXAMPLE.COM.
pub(crate) fn host_ticket() -> Credential {
    let issue = Issue {
        client: host(),
        client_in_ticket: host(),
        session_key: key(AES256, 1010),
        ..Issue::honest(tgs())
    };
    issue.credential(&mut rng(1011))
}

fn host() -> Principal {
    Principal::new("EXAMPLE.COM", &["host", "www.example.com"])
}

/// What a KDC knows of a request in armor.
pub(crate) struct FastHalf {
    pub(crate) armor_key: Key,
    pub(crate) nonce: u32,
    pub(crate) padata: Vec<Padata>,
    pub(crate) body: Vec<u8>,
}

/// What the KDC says in the tunnel of a reply.
pub(crate) struct Sealed {
    pub(crate) nonce: u32,
    pub(crate) padata: Vec<Padata>,
    pub(crate) strengthen_key: Option<Key>,
    pub(crate) finished: bool,
    /// What the seal is over, where that is not the ticket.
    pub(crate) sealed: Option<Vec<u8>>,
    pub(crate) client: Principal,
    /// Whether there is a tunnel at all.
    pub(crate) armored: bool,
    /// Whether the reply's key is as it would be without the tunnel.
    pub(crate) weak: bool,
}

impl FastHalf {
    /// Opens the tunnel of an AS-REQ that came at `now`.
    pub(crate) fn open(request: &[u8], now: Now) -> Self {
        let request: AsReq<'_> = asn1::decode(request).unwrap();
        let padata = request.padata.as_ref().unwrap();
        assert_eq!(padata.len(), 1, "all else is in the tunnel");
        let value = asn1::find_padata(padata, PaDataType::PA_FX_FAST).unwrap();
        let PaFxFastRequest::ArmoredData(armored) = asn1::decode(value).unwrap();
        let armor = armored.armor.as_ref().unwrap();
        assert_eq!(armor.armor_type, FastArmorType::FX_FAST_ARMOR_AP_REQUEST);
        let verified = ApReqParsed::parse(armor.armor_value)
            .unwrap()
            .decrypt_ticket(&tgs_key())
            .unwrap()
            .verify(&AuthenticatorPolicy::default(), now)
            .unwrap();
        let subkey = verified.authenticator().subkey.clone().unwrap();
        let session_key = verified.ticket().session_key();
        let armor_key = fx_cf2(&subkey, session_key, b"subkeyarmor", b"ticketarmor").unwrap();
        Self::open_armored(armor_key, &armored, request.req_body.bytes())
    }

    /// Opens the tunnel of a TGS-REQ that came at `now`; gives the types of the padata outside of it as well.
    pub(crate) fn open_tgs(request: &[u8], now: Now) -> (Self, Vec<PaDataType>) {
        let request: TgsReq<'_> = asn1::decode(request).unwrap();
        let padata = request.padata.as_ref().unwrap();
        let ap_req = asn1::find_padata(padata, PaDataType::PA_AP_REQ).unwrap();
        let value = asn1::find_padata(padata, PaDataType::PA_FX_FAST).unwrap();
        let PaFxFastRequest::ArmoredData(armored) = asn1::decode(value).unwrap();
        assert!(armored.armor.is_none(), "the request's own ticket is the armor");
        let policy = AuthenticatorPolicy {
            purpose: Purpose::TgsReq {
                req_body: request.req_body.bytes(),
            },
            ..AuthenticatorPolicy::default()
        };
        let parsed = ApReqParsed::parse(ap_req).unwrap();
        let verified = parsed.decrypt_ticket(&tgs_key()).unwrap().verify(&policy, now);
        let verified = verified.unwrap();
        let subkey = verified.authenticator().subkey.clone().unwrap();
        let session_key = verified.ticket().session_key();
        let armor_key = fx_cf2(&subkey, session_key, b"subkeyarmor", b"ticketarmor").unwrap();
        let outside = padata.iter().map(|element| element.padata_type).collect();
        (Self::open_armored(armor_key, &armored, ap_req), outside)
    }

    fn open_armored(armor_key: Key, armored: &KrbFastArmoredReq<'_>, covered: &[u8]) -> Self {
        let sum = &armored.req_checksum;
        armor_key
            .verify_checksum(KeyUsage::FAST_REQ_CHKSUM, sum.cksumtype, &[covered], sum.checksum)
            .unwrap();
        let plain = armor_key
            .decrypt(KeyUsage::FAST_ENC, armored.enc_fast_req.cipher)
            .unwrap();
        let inner: KrbFastReq<'_> = asn1::decode(&plain).unwrap();
        assert_eq!(inner.fast_options, FastOptions::default());
        let padata = inner.padata.iter();
        Self {
            armor_key,
            nonce: inner.req_body.nonce,
            padata: padata
                .map(|element| (element.padata_type, element.padata_value.to_vec()))
                .collect(),
            body: inner.req_body.bytes().to_vec(),
        }
    }

    /// The value of the first padata of this type in the tunnel.
    pub(crate) fn find(&self, wanted: PaDataType) -> Option<&[u8]> {
        let mut found = self
            .padata
            .iter()
            .filter(|(padata_type, _)| *padata_type == wanted);
        found.next().map(|(_, value)| &value[..])
    }

    fn wrap(&self, response: &KrbFastResponse<'_>, rng: &mut dyn CryptoRng) -> Vec<u8> {
        let cipher = self
            .armor_key
            .encrypt(KeyUsage::FAST_REP, &asn1::encode(response).unwrap(), rng)
            .unwrap();
        let enc_fast_rep = EncryptedData {
            etype: self.armor_key.enctype(),
            kvno: None,
            cipher: &cipher,
        };
        asn1::encode(&PaFxFastReply::ArmoredData(KrbFastArmoredRep { enc_fast_rep })).unwrap()
    }

    /// A KRB-ERROR whose tunnel says `inner` and `methods`; the clear says something else, which must not be believed.
    pub(crate) fn error(&self, inner: &ErrorReply, methods: &[(PaDataType, &[u8])], at: Now) -> Vec<u8> {
        let inner = inner.to_bytes(at).unwrap();
        self.error_of(&[&[(PaDataType::PA_FX_ERROR, &inner[..])], methods].concat())
    }

    /// A KRB-ERROR with this in its tunnel.
    pub(crate) fn error_of(&self, methods: &[(PaDataType, &[u8])]) -> Vec<u8> {
        let methods = methods.iter().map(|(padata_type, value)| PaData {
            padata_type: *padata_type,
            padata_value: value,
        });
        let response = KrbFastResponse {
            padata: methods.collect(),
            strengthen_key: None,
            finished: None,
            nonce: self.nonce,
        };
        let value = self.wrap(&response, &mut rng(2001));
        let tunnel = PaData {
            padata_type: PaDataType::PA_FX_FAST,
            padata_value: &value,
        };
        let e_data = asn1::encode(&MethodData(alloc::vec![tunnel])).unwrap();
        let outer = ErrorReply {
            e_data: Some(e_data),
            ..ErrorReply::new(ErrorCode::KDC_ERR_CLIENT_REVOKED, tgs())
        };
        outer.to_bytes(now(900)).unwrap()
    }

    /// What an honest KDC says in the tunnel of its reply.
    pub(crate) fn honest(&self, issue: &Issue) -> Sealed {
        Sealed {
            nonce: self.nonce,
            padata: Vec::new(),
            strengthen_key: Some(key(AES256, 2002)),
            finished: true,
            sealed: None,
            client: issue.client.clone(),
            armored: true,
            weak: false,
        }
    }

    /// The AS-REP of `issue` in armor.
    pub(crate) fn as_rep(&self, request: &[u8], issue: &Issue, sealed: &Sealed) -> Vec<u8> {
        let mut rng = rng(2003);
        let (ticket, padata, reply_key) = self.seal(issue, sealed);
        issue.as_rep_with(request, &ticket, &padata, &reply_key, &mut rng)
    }

    /// The TGS-REP of `issue` in armor.
    pub(crate) fn tgs_rep(&self, issue: &Issue, sealed: &Sealed) -> Vec<u8> {
        let (ticket, padata, reply_key) = self.seal(issue, sealed);
        issue.tgs_rep_with(&ticket, &padata, &reply_key, &mut rng(2003))
    }

    /// The ticket, the reply's padata and its key.
    fn seal(&self, issue: &Issue, sealed: &Sealed) -> (Vec<u8>, Vec<Padata>, Key) {
        let mut rng = rng(2005);
        let ticket = issue.ticket(&mut rng);
        let covered = sealed.sealed.as_ref().unwrap_or(&ticket);
        let mac = self
            .armor_key
            .checksum(KeyUsage::FAST_FINISHED, &[covered])
            .unwrap();
        let finished = KrbFastFinished {
            timestamp: issue.authtime,
            usec: now(0).usec,
            crealm: sealed.client.realm.to_wire(),
            cname: sealed.client.name.to_wire(),
            ticket_checksum: Checksum {
                cksumtype: self.armor_key.checksum_type(),
                checksum: mac.as_bytes(),
            },
        };
        let response = KrbFastResponse {
            padata: crate::fast::borrowed(&sealed.padata),
            strengthen_key: sealed.strengthen_key.as_ref().map(wire_key),
            finished: sealed.finished.then_some(finished),
            nonce: sealed.nonce,
        };
        let tunnel = (PaDataType::PA_FX_FAST, self.wrap(&response, &mut rng));
        let mut padata = Vec::from_iter(sealed.armored.then_some(tunnel));
        padata.extend(issue.padata.clone());
        let reply_key = match &sealed.strengthen_key {
            Some(strengthen) if !sealed.weak => {
                fx_cf2(strengthen, &issue.reply_key, b"strengthenkey", b"replykey").unwrap()
            }
            _ => issue.reply_key.clone(),
        };
        (ticket, padata, reply_key)
    }

    /// Whether the client's challenge in the tunnel is made with `long_term`; gives its time.
    pub(crate) fn client_challenge(&self, long_term: &Key) -> Option<Now> {
        let key = fx_cf2(
            &self.armor_key,
            long_term,
            b"clientchallengearmor",
            b"challengelongterm",
        )
        .unwrap();
        let value = self.find(PaDataType::PA_ENCRYPTED_CHALLENGE)?;
        let data: EncryptedData<'_> = asn1::decode(value).unwrap();
        let plain = key.decrypt(KeyUsage::ENC_CHALLENGE_CLIENT, data.cipher).ok()?;
        let stamp: PaEncTsEnc = asn1::decode(&plain).unwrap();
        Some(Now {
            time: stamp.patimestamp,
            usec: stamp.pausec.unwrap(),
        })
    }

    /// The KDC's own challenge, or with `pepper` something that looks like it.
    pub(crate) fn kdc_challenge(&self, long_term: &Key, pepper: &[u8]) -> (PaDataType, Vec<u8>) {
        let key = fx_cf2(&self.armor_key, long_term, pepper, b"challengelongterm").unwrap();
        let plain = asn1::encode(&PaEncTsEnc {
            patimestamp: now(3).time,
            pausec: None,
        })
        .unwrap();
        let cipher = key
            .encrypt(KeyUsage::ENC_CHALLENGE_KDC, &plain, &mut rng(2004))
            .unwrap();
        let value = asn1::encode(&EncryptedData {
            etype: key.enctype(),
            kvno: None,
            cipher: &cipher,
        });
        (PaDataType::PA_ENCRYPTED_CHALLENGE, value.unwrap())
    }
}
