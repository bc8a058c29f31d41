//! The TGS exchange, client's side (RFC 4120 3.3): from a TGT to a ticket for a service, or to a renewed or validated one.

mod reply;
#[cfg(test)]
mod tests;

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, AddressType, ApOptions, AuthorizationData, AuthorizationDataElement, EncryptedData,
    ErrorCode, KdcOptions, KdcReq, KerberosTime, MsgType, PaData, PaDataType, Principal, Raw, Realm, TgsReq,
    TicketFlags,
};
use kerbside_crypto::{CryptoRng, EncryptionType, EnctypePolicy, KeyUsage, Subkey};
use kerbside_formats::Credential;

use crate::PVNO;
use crate::ap_initiator::encode_ap_req;
use crate::authenticator::NewAuthenticator;
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::kdc_request::{Body, Constraints, DEFAULT_SKEW_SECONDS, RequestTimes, nonce, permitted};
use crate::krb_error::KrbErrorFacts;
use crate::subkey::new_subkey;
use crate::time::{Now, ahead, seconds, within};

/// Round trips that one TGS exchange may take: the request, once more over a stream, and some for what referrals will
/// need.
pub const MAX_TGS_ROUNDS: u32 = 10;

/// What to ask a ticket-granting service for. Everything that a later extension adds to a request has its place here.
#[derive(Clone, Debug)]
pub struct TgsParams {
    /// The TGT; for renewal and validation the ticket itself.
    pub tgt: Credential,
    /// The service.
    pub server: Principal,
    /// Options, as they shall be sent.
    pub options: KdcOptions,
    /// The start of a postdated ticket.
    pub start: Option<KerberosTime>,
    /// When the ticket shall end; `None` is when the TGT does.
    pub till: Option<KerberosTime>,
    /// Until when it shall be renewable.
    pub renew_till: Option<KerberosTime>,
    /// The enctypes that the session key may have, best first.
    pub enctypes: Vec<EncryptionType>,
    /// Which of them may be used at all: weak ones need it said here as well.
    pub enctype_policy: EnctypePolicy,
    /// The addresses to bind the ticket to.
    pub addresses: Vec<(AddressType, Vec<u8>)>,
    /// Further padata, behind the PA-TGS-REQ.
    pub padata: Vec<(PaDataType, Vec<u8>)>,
    /// Authorization data for the ticket; it travels encrypted.
    pub authorization_data: Vec<(AdType, Vec<u8>)>,
    /// Further tickets, each the encoding of a `Ticket`.
    pub additional_tickets: Vec<Vec<u8>>,
    /// How far the KDC's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
    /// The largest difference between the clocks, in seconds.
    pub skew_seconds_max: i64,
}

impl TgsParams {
    /// A ticket for `server` that lasts as long as the TGT and can what the TGT can, as MIT's library asks for it.
    pub fn new(tgt: Credential, server: Principal) -> Self {
        let mut options = inherited_options(tgt.flags);
        options.insert(KdcOptions::CANONICALIZE);
        let renew_till = (seconds(tgt.renew_till) != 0).then_some(tgt.renew_till);
        Self {
            server,
            options,
            start: None,
            till: None,
            renew_till,
            enctypes: EncryptionType::SUPPORTED.to_vec(),
            enctype_policy: EnctypePolicy::DEFAULT,
            addresses: Vec::new(),
            padata: Vec::new(),
            authorization_data: Vec::new(),
            additional_tickets: Vec::new(),
            clock_offset_seconds: 0,
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            tgt,
        }
    }

    /// The same ticket for another lifetime (RFC 4120 2.3).
    pub fn renew(ticket: Credential) -> Self {
        Self::same_again(ticket, KdcOptions::RENEW)
    }

    /// A postdated ticket made valid (RFC 4120 2.4).
    pub fn validate(ticket: Credential) -> Self {
        Self::same_again(ticket, KdcOptions::VALIDATE)
    }

    fn same_again(ticket: Credential, option: KdcOptions) -> Self {
        let server = ticket.server.clone();
        let mut params = Self::new(ticket, server);
        params.options.remove(KdcOptions::CANONICALIZE);
        params.options.insert(option);
        params.till = params.renew_till;
        params
    }
}

/// The options that ask for what the TGT itself can do.
fn inherited_options(flags: TicketFlags) -> KdcOptions {
    let mut options = KdcOptions::default();
    for (flag, option) in [
        (TicketFlags::FORWARDABLE, KdcOptions::FORWARDABLE),
        (TicketFlags::PROXIABLE, KdcOptions::PROXIABLE),
        (TicketFlags::MAY_POSTDATE, KdcOptions::ALLOW_POSTDATE),
        (TicketFlags::RENEWABLE, KdcOptions::RENEWABLE),
    ] {
        if flags.contains(flag) {
            options.insert(option);
        }
    }
    options
}

/// What a TGS exchange wants next.
#[derive(Debug)]
#[non_exhaustive]
pub enum TgsOutcome {
    /// A round trip to a KDC.
    Send {
        /// The encoded TGS-REQ.
        request: Vec<u8>,
        /// The realm whose KDC it goes to.
        realm: Realm,
        /// How it has to travel.
        constraints: Constraints,
        /// What takes the reply.
        pending: TgsPending,
    },
    /// The ticket.
    Done(Box<TgsDone>),
}

/// What a TGS exchange won.
#[derive(Debug)]
#[non_exhaustive]
pub struct TgsDone {
    /// The ticket with its session key.
    pub credential: Credential,
    /// When the client's key or password expires, where the KDC tells.
    pub key_expiration: Option<KerberosTime>,
    /// The version of the service's key that the ticket is encrypted with, as the ticket says.
    pub ticket_kvno: Option<u32>,
    /// The enctype of that key.
    pub ticket_enctype: EncryptionType,
}

/// The TGS exchange.
#[derive(Debug)]
pub struct TgsExchange;

impl TgsExchange {
    /// The request.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] for parameters that make no request, [`ProtocolError::Crypto`] for an enctype that the
    /// policy does not permit.
    pub fn start(params: TgsParams, now: Now, rng: &mut dyn CryptoRng) -> Result<TgsOutcome, ProtocolError> {
        if params.enctypes.is_empty() {
            return Err(ProtocolError::Misuse("a TGS request needs at least one enctype"));
        }
        permitted(&params.enctypes, &params.enctype_policy)?;
        Exchange {
            params,
            rounds: 0,
            stream_only: false,
        }
        .send(now, rng)
    }
}

struct Exchange {
    params: TgsParams,
    rounds: u32,
    stream_only: bool,
}

/// The request on its way.
struct Sent {
    bytes: Vec<u8>,
    nonce: u32,
    times: RequestTimes,
    subkey: Subkey,
}

/// Waits for the KDC's reply.
pub struct TgsPending(Box<(Exchange, Sent)>);

impl core::fmt::Debug for TgsPending {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("TgsPending")
            .field("server", &self.0.0.params.server)
            .finish_non_exhaustive()
    }
}

impl TgsPending {
    /// Takes the KDC's reply, received at `now`.
    ///
    /// # Errors
    /// The exchange is over: what the KDC refused, what is wrong with the reply, or what is not built.
    pub fn reply(self, bytes: &[u8], now: Now) -> Result<TgsOutcome, ProtocolError> {
        let (exchange, sent) = *self.0;
        match asn1::peek_message(bytes) {
            Some(MsgType::TGS_REP) => exchange.take_tgs_rep(&sent, bytes, now),
            Some(MsgType::KRB_ERROR) => exchange.take_krb_error(sent, bytes, now),
            found => Err(ProtocolError::UnexpectedMessage {
                expected: "TGS-REP or KRB-ERROR",
                found,
            }),
        }
    }
}

impl Exchange {
    /// The realm whose KDC answers: for a TGT the one it is for, for any other ticket its own.
    fn realm(&self) -> Realm {
        let server = &self.params.tgt.server;
        server
            .name
            .krbtgt_realm()
            .map_or_else(|| server.realm.clone(), Realm::new)
    }

    fn kdc(&self) -> Refuser {
        Refuser::Kdc(self.realm())
    }

    fn fault(&self, what: Misbehaviour) -> ProtocolError {
        ProtocolError::misbehaved(self.kdc(), what)
    }

    fn send(self, now: Now, rng: &mut dyn CryptoRng) -> Result<TgsOutcome, ProtocolError> {
        let params = &self.params;
        let session_key = &params.tgt.session_key;
        let subkey = new_subkey(session_key, rng)?;
        let times = RequestTimes {
            from: params.start,
            till: params.till.unwrap_or(params.tgt.end_time),
            rtime: params
                .renew_till
                .filter(|_| params.options.contains(KdcOptions::RENEWABLE)),
        };
        let nonce = nonce(rng);
        let authorization_data = encrypt_authorization_data(&params.authorization_data, &subkey, rng)?;
        let body = Body {
            options: params.options,
            client: None,
            server: &params.server,
            times,
            nonce,
            enctypes: &params.enctypes,
            addresses: &params.addresses,
            enc_authorization_data: authorization_data.as_deref().map(|cipher| EncryptedData {
                etype: subkey.enctype(),
                kvno: None,
                cipher,
            }),
            additional_tickets: &params.additional_tickets,
        }
        .encode()?;
        let client_time = now.offset_by(params.clock_offset_seconds)?;
        let ap_req = pa_tgs_req(&params.tgt, &body, client_time, &subkey, rng)?;
        let bytes = encode_request(&body, &ap_req, &params.padata)?;
        self.transmit(Sent {
            bytes,
            nonce,
            times,
            subkey,
        })
    }

    fn transmit(mut self, sent: Sent) -> Result<TgsOutcome, ProtocolError> {
        if self.rounds >= MAX_TGS_ROUNDS {
            return Err(self.fault(Misbehaviour::TooManyRounds {
                limit: MAX_TGS_ROUNDS,
            }));
        }
        self.rounds += 1;
        Ok(TgsOutcome::Send {
            request: sent.bytes.clone(),
            realm: self.realm(),
            constraints: Constraints {
                stream_only: self.stream_only,
                primary_only: false,
            },
            pending: TgsPending(Box::new((self, sent))),
        })
    }

    fn take_krb_error(mut self, sent: Sent, bytes: &[u8], now: Now) -> Result<TgsOutcome, ProtocolError> {
        let error = KrbErrorFacts::parse(bytes)?;
        let ahead_seconds = ahead(error.server_time.time, now.time);
        match error.code {
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG if self.stream_only => {
                Err(self.fault(Misbehaviour::TooBigOverStream))
            }
            ErrorCode::KRB_ERR_RESPONSE_TOO_BIG => {
                self.stream_only = true;
                self.transmit(sent)
            }
            ErrorCode::KRB_AP_ERR_SKEW if !within(ahead_seconds, self.params.skew_seconds_max) => {
                let allowed_seconds = self.params.skew_seconds_max;
                Err(ProtocolError::ClockSkew {
                    by: self.kdc(),
                    ahead_seconds,
                    allowed_seconds,
                })
            }
            _ => {
                let by = self.kdc();
                Err(error.into_refusal(by, Some(self.params.tgt.client), self.params.server))
            }
        }
    }
}

/// The ciphertext of the request's authorization data under the subkey.
fn encrypt_authorization_data(
    data: &[(AdType, Vec<u8>)],
    subkey: &Subkey,
    rng: &mut dyn CryptoRng,
) -> Result<Option<Vec<u8>>, ProtocolError> {
    if data.is_empty() {
        return Ok(None);
    }
    let elements = data.iter();
    let elements = elements.map(|(ad_type, ad_data)| AuthorizationDataElement {
        ad_type: *ad_type,
        ad_data,
    });
    let plain = asn1::encode(&AuthorizationData(elements.collect()))?;
    let cipher = subkey
        .encrypt(KeyUsage::TGS_REQ_AD_SUBKEY, &plain, rng)
        .map_err(ProtocolError::crypto("encrypting the authorization data"))?;
    Ok(Some(cipher))
}

/// The AP-REQ of a PA-TGS-REQ: its authenticator vouches for `body` and brings the key for the reply.
fn pa_tgs_req(
    tgt: &Credential,
    body: &[u8],
    client_time: Now,
    subkey: &Subkey,
    rng: &mut dyn CryptoRng,
) -> Result<Vec<u8>, ProtocolError> {
    let key = &tgt.session_key;
    let checksum = key
        .checksum(KeyUsage::TGS_REQ_AUTH_CKSUM, &[body])
        .map_err(ProtocolError::crypto("making the request's checksum"))?;
    let authenticator = NewAuthenticator {
        client: &tgt.client,
        client_time,
        checksum: Some((key.checksum_type(), checksum.as_bytes())),
        subkey: Some(subkey),
        seq_number: None,
        authorization_data: &[],
    };
    let cipher = authenticator.encrypt(key, KeyUsage::TGS_REQ_AUTH, rng)?;
    encode_ap_req(tgt, ApOptions::default(), &cipher)
}

/// The encoded TGS-REQ around `body`.
fn encode_request(
    body: &[u8],
    ap_req: &[u8],
    more: &[(PaDataType, Vec<u8>)],
) -> Result<Vec<u8>, ProtocolError> {
    let mut padata = Vec::with_capacity(more.len().saturating_add(1));
    padata.push(PaData {
        padata_type: PaDataType::PA_AP_REQ,
        padata_value: ap_req,
    });
    padata.extend(more.iter().map(|(padata_type, value)| PaData {
        padata_type: *padata_type,
        padata_value: value,
    }));
    let req_body = Raw::parse(body)?;
    let request = TgsReq(KdcReq {
        pvno: PVNO,
        msg_type: MsgType::TGS_REQ,
        padata: Some(padata),
        req_body,
    });
    Ok(asn1::encode(&request)?)
}
