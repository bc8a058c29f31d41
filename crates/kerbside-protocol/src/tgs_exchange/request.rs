//! The TGS-REQ: its body, its padata, and the AP-REQ that vouches for the body.

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, ApOptions, AuthorizationData, AuthorizationDataElement, EncryptedData, KdcOptions,
    KdcReq, KdcReqBody, MsgType, PaDataType, Raw, TgsReq,
};
use kerbside_crypto::{CryptoRng, KeyUsage, Subkey};
use kerbside_formats::Credential;

use super::{Sent, TgsArmor, TgsClient, TgsParams};
use crate::PVNO;
use crate::ap_initiator::encode_ap_req;
use crate::authenticator::NewAuthenticator;
use crate::error::ProtocolError;
use crate::fast::{Padata, Tunnel, borrowed};
use crate::kdc_request::{Body, RequestTimes, nonce};
use crate::subkey::new_subkey;
use crate::time::Now;
use crate::trace;

impl TgsParams {
    /// The request, with what the reply is checked against.
    pub(super) fn request(&self, now: Now, rng: &mut dyn CryptoRng) -> Result<Sent, ProtocolError> {
        let subkey = new_subkey(&self.tgt.session_key, rng)?;
        trace::tgs_subkey(subkey.enctype());
        trace::tgs_etypes(&self.enctypes);
        let times = RequestTimes {
            from: self.start,
            till: self.till.unwrap_or(self.tgt.end_time),
            rtime: self
                .renew_till
                .filter(|_| self.options.contains(KdcOptions::RENEWABLE)),
        };
        let nonce = nonce(rng);
        let body = self.body(times, nonce, &subkey, rng)?;
        let client_time = now.offset_by(self.clock_offset_seconds)?;
        let ap_req = pa_tgs_req(&self.tgt, &body, client_time, &subkey, rng)?;
        let s4u = match &self.client {
            TgsClient::ForUser(user) => user.request_padata(&self.tgt.session_key, &subkey, nonce)?,
            TgsClient::Own | TgsClient::Evidence(_) => Vec::new(),
        };
        let inner = [s4u, self.padata.clone()].concat();
        let tunnel = match self.armor {
            TgsArmor::Never => None,
            _ => Some(Tunnel::of_tgs_request(&subkey, &self.tgt.session_key)?),
        };
        let mut req_body = Raw::parse(&body)?;
        let mut padata = Vec::with_capacity(2 + inner.len());
        match &tunnel {
            None => padata.push((PaDataType::PA_AP_REQ, ap_req)),
            Some(tunnel) => {
                let (value, body) = tunnel.wrap(&ap_req, req_body, &inner, rng)?;
                req_body = body;
                padata.extend([(PaDataType::PA_AP_REQ, ap_req), (PaDataType::PA_FX_FAST, value)]);
            }
        }
        if self.armor != TgsArmor::Required {
            padata.extend(inner.iter().cloned());
        }
        Ok(Sent {
            bytes: encode_request(req_body, &padata)?,
            nonce,
            times,
            subkey,
            tunnel,
        })
    }

    /// The encoded KDC-REQ-BODY.
    fn body(
        &self,
        times: RequestTimes,
        nonce: u32,
        subkey: &Subkey,
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, ProtocolError> {
        let authorization_data = encrypt_authorization_data(&self.authorization_data, subkey, rng)?;
        Body {
            options: self.options,
            client: None,
            server: &self.server,
            times,
            nonce,
            enctypes: &self.enctypes,
            addresses: &self.addresses,
            enc_authorization_data: authorization_data.as_deref().map(|cipher| EncryptedData {
                etype: subkey.enctype(),
                kvno: None,
                cipher,
            }),
            additional_tickets: &self.additional_tickets,
        }
        .encode()
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

/// The encoded TGS-REQ around the body.
fn encode_request(req_body: Raw<'_, KdcReqBody<'_>>, padata: &[Padata]) -> Result<Vec<u8>, ProtocolError> {
    let request = TgsReq(KdcReq {
        pvno: PVNO,
        msg_type: MsgType::TGS_REQ,
        padata: Some(borrowed(padata)),
        req_body,
    });
    Ok(asn1::encode(&request)?)
}
