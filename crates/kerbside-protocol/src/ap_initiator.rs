//! The AP exchange, initiator's side (RFC 4120 3.2): AP-REQ out, AP-REP in.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, ApOptions, ApRep, ApReq, EncApRepPart, EncryptedData, MsgType, Principal, Raw,
};
use kerbside_crypto::{ChecksumType, CryptoError, CryptoRng, KeyUsage, SessionKey, Subkey};
use kerbside_formats::Credential;

use crate::PVNO;
use crate::authenticator::NewAuthenticator;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::krb_error::KrbErrorFacts;
use crate::plaintext::decode_plaintext;
use crate::subkey::{self, new_subkey};
use crate::time::Now;
use crate::trace;

/// What an AP-REQ shall say.
#[derive(Clone, Debug)]
pub struct ApParams {
    /// Whether the service has to prove itself with an AP-REP.
    pub mutual: bool,
    /// Whether to choose a key for this association, of the session key's enctype.
    pub use_subkey: bool,
    /// The initiator's first sequence number.
    pub seq_number: Option<u32>,
    /// The authenticator's checksum as it shall be sent: for GSS-API type 0x8003 and its body (RFC 4121 4.1.1).
    pub checksum: Option<(ChecksumType, Vec<u8>)>,
    /// Authorization data for the authenticator.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
    /// How far the realm's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
}

impl Default for ApParams {
    /// Mutual, with a subkey, without sequence number and checksum.
    fn default() -> Self {
        Self {
            mutual: true,
            use_subkey: true,
            seq_number: None,
            checksum: None,
            authorization_data: Vec::new(),
            clock_offset_seconds: 0,
        }
    }
}

/// The initiator of an AP exchange.
#[derive(Debug)]
pub struct ApInitiator;

impl ApInitiator {
    /// The encoded AP-REQ, and what takes the answer to it. A user-to-user ticket ([`Credential::is_skey`]) is sent as
    /// one.
    ///
    /// # Errors
    /// [`ProtocolError::Decode`] for a credential whose ticket is none.
    pub fn start(
        credential: &Credential,
        params: ApParams,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, ApPending), ProtocolError> {
        let session_key = &credential.session_key;
        let subkey = if params.use_subkey {
            Some(new_subkey(session_key, rng)?)
        } else {
            None
        };
        let client_time = now.offset_by(params.clock_offset_seconds)?;
        let authenticator = NewAuthenticator {
            client: &credential.client,
            client_time,
            checksum: params
                .checksum
                .as_ref()
                .map(|(cksumtype, body)| (*cksumtype, body.as_slice())),
            subkey: subkey.as_ref(),
            seq_number: params.seq_number,
            authorization_data: &params.authorization_data,
        };
        let cipher = authenticator.encrypt(session_key, KeyUsage::AP_REQ_AUTH, rng)?;
        let mut options = ApOptions::default();
        if params.mutual {
            options.insert(ApOptions::MUTUAL_REQUIRED);
        }
        if credential.is_skey {
            options.insert(ApOptions::USE_SESSION_KEY);
        }
        let message = encode_ap_req(credential, options, &cipher)?;
        let (client, server) = (&credential.client, &credential.server);
        trace::authenticator(
            client,
            server,
            params.seq_number,
            subkey.as_ref(),
            session_key.enctype(),
        );
        let pending = ApPending {
            client: credential.client.clone(),
            server: credential.server.clone(),
            session_key: session_key.clone(),
            client_time,
            mutual: params.mutual,
            initiator_subkey: subkey,
            seq_number: params.seq_number,
        };
        Ok((message, pending))
    }
}

/// The AP-REQ around an encrypted authenticator.
pub(crate) fn encode_ap_req(
    credential: &Credential,
    ap_options: ApOptions,
    cipher: &[u8],
) -> Result<Vec<u8>, ProtocolError> {
    let request = ApReq {
        pvno: PVNO,
        msg_type: MsgType::AP_REQ,
        ap_options,
        ticket: Raw::parse(&credential.ticket)?,
        authenticator: EncryptedData {
            etype: credential.session_key.enctype(),
            kvno: None,
            cipher,
        },
    };
    Ok(asn1::encode(&request)?)
}

/// Waits for the service's answer.
#[derive(Debug)]
pub struct ApPending {
    client: Principal,
    server: Principal,
    session_key: SessionKey,
    client_time: Now,
    mutual: bool,
    initiator_subkey: Option<Subkey>,
    seq_number: Option<u32>,
}

/// What both sides of an AP exchange have in common at its end, as the initiator holds it.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApEstablished {
    /// The service.
    pub server: Principal,
    /// The ticket's key.
    pub session_key: SessionKey,
    /// The key that we chose.
    pub initiator_subkey: Option<Subkey>,
    /// The key that the service chose.
    pub acceptor_subkey: Option<Subkey>,
    /// Our first sequence number.
    pub seq_number: Option<u32>,
    /// The service's first sequence number.
    pub peer_seq_number: Option<u32>,
    /// Whether the service proved that it could read the ticket.
    pub mutual: bool,
}

impl ApPending {
    /// The service asked for.
    pub fn server(&self) -> &Principal {
        &self.server
    }

    /// The key that we chose.
    pub(crate) fn initiator_subkey(&self) -> Option<&Subkey> {
        self.initiator_subkey.as_ref()
    }

    /// The end without an AP-REP.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] when the service was asked to prove itself.
    pub fn without_reply(self) -> Result<ApEstablished, ProtocolError> {
        if self.mutual {
            return Err(ProtocolError::Misuse(
                "mutual authentication was asked for: it needs the AP-REP",
            ));
        }
        Ok(self.established(None, None, false))
    }

    /// Takes the service's AP-REP or KRB-ERROR.
    ///
    /// # Errors
    /// [`ProtocolError::Misbehaved`] for an AP-REP that another key made or that answers another AP-REQ,
    /// [`ProtocolError::Refused`] for a KRB-ERROR.
    pub fn reply(self, bytes: &[u8]) -> Result<ApEstablished, ProtocolError> {
        match asn1::peek_message(bytes) {
            Some(MsgType::AP_REP) => {}
            Some(MsgType::KRB_ERROR) => {
                let by = Refuser::Service(self.server.clone());
                return Err(KrbErrorFacts::parse(bytes)?.into_refusal(by, Some(self.client), self.server));
            }
            found => {
                return Err(ProtocolError::UnexpectedMessage {
                    expected: "AP-REP or KRB-ERROR",
                    found,
                });
            }
        }
        let reply: ApRep<'_> = asn1::decode(bytes)?;
        ProtocolError::require_message("AP-REP", MsgType::AP_REP, reply.pvno, reply.msg_type)?;
        if reply.enc_part.etype != self.session_key.enctype() {
            return Err(self.fault(Misbehaviour::ApRepIntegrity));
        }
        let plain = match self
            .session_key
            .decrypt(KeyUsage::AP_REP_ENC_PART, reply.enc_part.cipher)
        {
            Ok(plain) => plain,
            Err(CryptoError::IntegrityFailure { .. } | CryptoError::CiphertextTooShort { .. }) => {
                return Err(self.fault(Misbehaviour::ApRepIntegrity));
            }
            Err(source) => {
                return Err(ProtocolError::Crypto {
                    doing: "decrypting the AP-REP",
                    source,
                });
            }
        };
        let part: EncApRepPart<'_> = decode_plaintext(reply.enc_part.etype, &plain)?;
        if (Now {
            time: part.ctime,
            usec: part.cusec,
        }) != self.client_time
        {
            return Err(self.fault(Misbehaviour::ApRepMismatch));
        }
        let subkey = subkey::received(part.subkey.as_ref(), &subkey::beside(&self.session_key))
            .map_err(ProtocolError::crypto("reading the service's subkey"))?;
        trace::read_ap_rep(self.client_time, subkey.as_ref(), part.seq_number);
        Ok(self.established(subkey, part.seq_number, true))
    }

    fn established(
        self,
        acceptor_subkey: Option<Subkey>,
        peer_seq_number: Option<u32>,
        mutual: bool,
    ) -> ApEstablished {
        ApEstablished {
            server: self.server,
            session_key: self.session_key,
            initiator_subkey: self.initiator_subkey,
            acceptor_subkey,
            seq_number: self.seq_number,
            peer_seq_number,
            mutual,
        }
    }

    fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(Refuser::Service(self.server.clone()), what)
    }
}
