//! FAST (RFC 6113 5.4): a tunnel for a request's pre-authentication data and its reply, under a key that an armor ticket
//! gives.
//!
//! ```text
//!  armor ticket ──► Tunnel::by_ticket ──► wrap (AS-REQ: covers the body, brings the AP-REQ) ──► reply or error ──► open
//!  TGS-REQ's own ticket ──► Tunnel::of_tgs_request ──► wrap (covers the AP-REQ of PA-TGS-REQ) ──────────────────────┘
//! ```
//!
//! [`Opened`] is what came out of the tunnel: it decrypted with the armor key and answers the request's nonce. What is in
//! it is the only word of the KDC that counts; its padata and error stand in the place of those outside.

mod challenge;

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, ApOptions, Checksum, EncryptedData, FastArmorType, FastOptions, KdcReqBody, KrbFastArmor,
    KrbFastArmoredReq, KrbFastFinished, KrbFastReq, KrbFastResponse, MethodData, PaData, PaDataType,
    PaFxFastReply, PaFxFastRequest, Principal, Raw, Realm,
};
use kerbside_crypto::{
    ChecksumType, CryptoError, CryptoRng, EnctypePolicy, Key, KeyUsage, SessionKey, Subkey, Zeroizing, fx_cf2,
};
use kerbside_formats::Credential;

use crate::ap_initiator::encode_ap_req;
use crate::authenticator::NewAuthenticator;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::krb_error::KrbErrorFacts;
use crate::plaintext::decode_plaintext;
use crate::subkey::new_subkey;
use crate::time::{Now, seconds};
use crate::trace;

/// A padata element: its type and its value.
pub(crate) type Padata = (PaDataType, Vec<u8>);

/// What an AS exchange is armored with (RFC 6113 5.4.1.1).
#[derive(Clone, Debug)]
pub struct FastArmor {
    /// A ticket for the ticket-granting service of the client's realm, with its session key: the host's, or anybody's.
    pub ticket: Credential,
    /// Whether every request has to be armored. If not, the first one goes without, and the exchange starts again in
    /// armor where the KDC says that it knows FAST. Who can change the KDC's answers can make it not say so, which shows
    /// at the end alone, when a proof has been seen in clear: known to be able is better than asked.
    pub required: bool,
}

impl FastArmor {
    /// Armor to be used without asking the KDC whether it knows FAST.
    pub fn required(ticket: Credential) -> Self {
        Self {
            ticket,
            required: true,
        }
    }

    /// Armor to be used where the KDC says that it knows FAST.
    pub fn if_offered(ticket: Credential) -> Self {
        Self {
            ticket,
            required: false,
        }
    }

    /// Refuses a ticket that no KDC of `realm` can take at `now`, by the KDC's clock.
    pub(crate) fn check(&self, realm: &Realm, now: Now) -> Result<(), ProtocolError> {
        if self.ticket.server != Principal::krbtgt(realm, realm) {
            return Err(ProtocolError::Misuse(
                "the armor is a ticket for the ticket-granting service of the client's realm",
            ));
        }
        if seconds(self.ticket.end_time) <= now.seconds() {
            return Err(ProtocolError::ArmorExpired {
                server: self.ticket.server.clone(),
                end: self.ticket.end_time,
            });
        }
        Ok(())
    }
}

/// One conversation's armor: its key, and for an AS exchange the AP-REQ that gives it to the KDC.
pub(crate) struct Tunnel {
    key: Key,
    ap_req: Option<Vec<u8>>,
}

impl Tunnel {
    /// Armor by a ticket for the TGS (RFC 6113 5.4.1.1), at the KDC's `now`.
    pub(crate) fn by_ticket(
        ticket: &Credential,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Self, ProtocolError> {
        let session_key = &ticket.session_key;
        let subkey = new_subkey(session_key, rng)?;
        let authenticator = NewAuthenticator {
            client: &ticket.client,
            client_time: now,
            checksum: None,
            subkey: Some(&subkey),
            seq_number: None,
            authorization_data: &[],
        };
        let cipher = authenticator.encrypt(session_key, KeyUsage::AP_REQ_AUTH, rng)?;
        let ap_req = encode_ap_req(ticket, ApOptions::default(), &cipher)?;
        let key = armor_key(&subkey, session_key)?;
        trace::armor(ticket, &subkey, key.enctype());
        Ok(Self {
            key,
            ap_req: Some(ap_req),
        })
    }

    /// The armor that a TGS request is in by itself: its ticket's key and its authenticator's subkey (RFC 6113 5.4.2).
    pub(crate) fn of_tgs_request(subkey: &Subkey, session_key: &SessionKey) -> Result<Self, ProtocolError> {
        Ok(Self {
            key: armor_key(subkey, session_key)?,
            ap_req: None,
        })
    }

    /// The PA-FX-FAST of a request: `padata` and `req_body` in the tunnel, a checksum over `covered` outside: the outer
    /// body of an AS-REQ, the AP-REQ of a TGS-REQ.
    ///
    /// Gives the body back: it goes into the request a second time.
    pub(crate) fn wrap<'b>(
        &self,
        covered: &[u8],
        req_body: Raw<'b, KdcReqBody<'b>>,
        padata: &'b [Padata],
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, Raw<'b, KdcReqBody<'b>>), ProtocolError> {
        trace::fast_encode();
        let request = KrbFastReq {
            fast_options: FastOptions::default(),
            padata: borrowed(padata),
            req_body,
        };
        let plain = Zeroizing::new(asn1::encode(&request)?);
        let cipher = self
            .key
            .encrypt(KeyUsage::FAST_ENC, &plain, rng)
            .map_err(ProtocolError::crypto("encrypting the FAST request"))?;
        let checksum = self
            .key
            .checksum(KeyUsage::FAST_REQ_CHKSUM, &[covered])
            .map_err(ProtocolError::crypto("making the checksum of the FAST request"))?;
        let armored = KrbFastArmoredReq {
            armor: self.ap_req.as_deref().map(|ap_req| KrbFastArmor {
                armor_type: FastArmorType::FX_FAST_ARMOR_AP_REQUEST,
                armor_value: ap_req,
            }),
            req_checksum: Checksum {
                cksumtype: self.key.checksum_type(),
                checksum: checksum.as_bytes(),
            },
            enc_fast_req: EncryptedData {
                etype: self.key.enctype(),
                kvno: None,
                cipher: &cipher,
            },
        };
        let value = asn1::encode(&PaFxFastRequest::ArmoredData(armored))?;
        Ok((value, request.req_body))
    }

    /// Opens a PA-FX-FAST of the answer to the request with `nonce`. `policy` says which types a strengthen key may have.
    pub(crate) fn open(
        &self,
        by: &Refuser,
        value: &[u8],
        nonce: u32,
        policy: &EnctypePolicy,
    ) -> Result<Opened, ProtocolError> {
        let fault = |what| ProtocolError::misbehaved(by.clone(), what);
        trace::fast_decode();
        let PaFxFastReply::ArmoredData(armored) = asn1::decode(value)?;
        let data = armored.enc_fast_rep;
        if data.etype != self.key.enctype() {
            return Err(fault(Misbehaviour::FastIntegrity));
        }
        let plain = self
            .key
            .decrypt(KeyUsage::FAST_REP, data.cipher)
            .map_err(|error| match error {
                CryptoError::IntegrityFailure { .. } | CryptoError::CiphertextTooShort { .. } => {
                    fault(Misbehaviour::FastIntegrity)
                }
                source => ProtocolError::Crypto {
                    doing: "decrypting the FAST response",
                    source,
                },
            })?;
        let response: KrbFastResponse<'_> = decode_plaintext(data.etype, &plain)?;
        if response.nonce != nonce {
            return Err(fault(Misbehaviour::Nonce {
                expected: nonce,
                found: response.nonce,
            }));
        }
        let strengthen_key = response.strengthen_key.as_ref().map(|key| {
            Key::with_policy(key.keytype, key.keyvalue, policy)
                .map_err(ProtocolError::crypto("reading the strengthen key"))
        });
        Ok(Opened {
            padata: owned(&response.padata),
            strengthen_key: strengthen_key.transpose()?,
            finished: response.finished.as_ref().map(Finished::of),
        })
    }

    /// Opens the reply's tunnel and checks its seal on the ticket: `None` where the reply has no tunnel.
    pub(crate) fn open_reply(
        &self,
        by: &Refuser,
        reply: &asn1::KdcRep<'_>,
        nonce: u32,
        policy: &EnctypePolicy,
    ) -> Result<Option<Opened>, ProtocolError> {
        let padata = reply.padata.as_deref().unwrap_or_default();
        let Some(value) = asn1::find_padata(padata, PaDataType::PA_FX_FAST) else {
            return Ok(None);
        };
        let opened = self.open(by, value, nonce, policy)?;
        let fault = |what| ProtocolError::misbehaved(by.clone(), what);
        let finished = opened
            .finished
            .as_ref()
            .ok_or_else(|| fault(Misbehaviour::FastFinishedMissing))?;
        let (cksumtype, mac) = &finished.ticket_checksum;
        self.key
            .verify_checksum(KeyUsage::FAST_FINISHED, *cksumtype, &[reply.ticket.bytes()], mac)
            .map_err(|_| fault(Misbehaviour::FastTicketChecksum))?;
        Ok(Some(opened))
    }

    /// The error in the tunnel of a KRB-ERROR, with the tunnel's padata for its e-data (RFC 6113 5.4.4): `None` where
    /// there is no tunnel in it, and so nothing that anybody vouches for.
    pub(crate) fn open_error(
        &self,
        by: &Refuser,
        outer: &KrbErrorFacts,
        nonce: u32,
        policy: &EnctypePolicy,
    ) -> Result<Option<KrbErrorFacts>, ProtocolError> {
        let methods = outer.e_data.as_deref().map(asn1::decode::<MethodData<'_>>);
        let Some(Ok(methods)) = methods else {
            return Ok(None);
        };
        let Some(value) = methods.find(PaDataType::PA_FX_FAST) else {
            return Ok(None);
        };
        let opened = self.open(by, value, nonce, policy)?;
        let error = opened
            .find(PaDataType::PA_FX_ERROR)
            .ok_or_else(|| ProtocolError::misbehaved(by.clone(), Misbehaviour::FastErrorMissing))?;
        let mut inner = KrbErrorFacts::parse(error)?;
        let hints = borrowed(&opened.padata).into_iter();
        let hints = hints.filter(|element| element.padata_type != PaDataType::PA_FX_ERROR);
        inner.e_data = Some(asn1::encode(&MethodData(hints.collect()))?);
        Ok(Some(inner))
    }
}

/// What came out of a tunnel.
pub(crate) struct Opened {
    padata: Vec<Padata>,
    strengthen_key: Option<Key>,
    finished: Option<Finished>,
}

/// Whose ticket a reply is: by the tunnel's word where there is one, which is sealed. In clear the name may be missing then
/// (Heimdal 7.8 leaves it empty).
pub(crate) fn client_of(reply: &asn1::KdcRep<'_>, opened: Option<&Opened>) -> Principal {
    let sealed = opened.and_then(|opened| opened.finished.as_ref());
    match sealed {
        Some(finished) => finished.client.clone(),
        None => Principal::from_wire(reply.crealm, &reply.cname),
    }
}

/// The KDC's seal on the exchange.
struct Finished {
    client: Principal,
    ticket_checksum: (ChecksumType, Vec<u8>),
}

impl Finished {
    fn of(finished: &KrbFastFinished<'_>) -> Self {
        let sum = &finished.ticket_checksum;
        Self {
            client: Principal::from_wire(finished.crealm, &finished.cname),
            ticket_checksum: (sum.cksumtype, sum.checksum.to_vec()),
        }
    }
}

impl Opened {
    /// The client that the tunnel's seal names.
    pub(crate) fn into_client(self) -> Option<Principal> {
        self.finished.map(|finished| finished.client)
    }

    /// The value of the first element of this type.
    pub(crate) fn find(&self, wanted: PaDataType) -> Option<&[u8]> {
        let mut found = self
            .padata
            .iter()
            .filter(|(padata_type, _)| *padata_type == wanted);
        found.next().map(|(_, value)| &value[..])
    }

    /// The tunnel's padata.
    pub(crate) fn padata(&self) -> Vec<PaData<'_>> {
        borrowed(&self.padata)
    }

    /// Whether the KDC made the reply's key stronger, as it has to in a TGS-REP.
    pub(crate) fn is_strengthened(&self) -> bool {
        self.strengthen_key.is_some()
    }

    /// The reply's key from the one that it would be under without FAST (RFC 6113 5.4.3); `None` where it is that one.
    pub(crate) fn reply_key(&self, key: &Key) -> Result<Option<Key>, ProtocolError> {
        let Some(strengthen) = &self.strengthen_key else {
            return Ok(None);
        };
        let stronger = fx_cf2(strengthen, key, b"strengthenkey", b"replykey")
            .map_err(ProtocolError::crypto("strengthening the reply key"))?;
        trace::fast_reply_key(stronger.enctype());
        Ok(Some(stronger))
    }
}

fn armor_key(subkey: &Key, session_key: &Key) -> Result<Key, ProtocolError> {
    fx_cf2(subkey, session_key, b"subkeyarmor", b"ticketarmor")
        .map_err(ProtocolError::crypto("making the armor key"))
}

/// The wire's form of a list of padata.
pub(crate) fn borrowed(padata: &[Padata]) -> Vec<PaData<'_>> {
    let elements = padata.iter().map(|(padata_type, value)| PaData {
        padata_type: *padata_type,
        padata_value: value,
    });
    elements.collect()
}

fn owned(padata: &[PaData<'_>]) -> Vec<Padata> {
    let elements = padata.iter();
    let elements = elements.map(|element| (element.padata_type, element.padata_value.to_vec()));
    elements.collect()
}
