//! Changing and setting a password (RFC 3244), client's side: AP-REQ and KRB-PRIV out, AP-REP and KRB-PRIV in.
//!
//! The ticket is for `kadmin/changepw`; getting it is an AS exchange ([`AsExchange`](crate::AsExchange)), or for setting
//! somebody else's password where the realm allows it a TGS exchange.
//!
//! ```text
//! KpasswdExchange::start ──> request ──> KpasswdPending ──reply──> KpasswdDone (accepted or not, with the text)
//! ```

mod result;
#[cfg(test)]
mod tests;

use alloc::string::ToString;
use alloc::vec::Vec;
use core::net::IpAddr;

use kerbside_asn1::{
    self as asn1, AddressType, CHANGE_PASSWORD_VERSION, ChangePasswdData, EncKrbPrivPart, EncryptedData,
    HostAddress, KpasswdReply, KpasswdRequest, KpasswdResult, KrbPriv, MsgType, Name, Principal, Realm,
    SET_PASSWORD_VERSION,
};
use kerbside_crypto::{CryptoError, CryptoRng, KeyUsage, Password, Subkey, Zeroizing};
use kerbside_formats::Credential;

use crate::PVNO;
use crate::ap_initiator::{ApInitiator, ApParams, ApPending};
use crate::error::{Misbehaviour, ProtocolError, Refuser};
use crate::krb_error::KrbErrorFacts;
use crate::plaintext::decode_plaintext;
use crate::time::Now;

pub use result::KpasswdDone;

/// The components of the service's name.
const CHANGEPW: [&str; 2] = ["kadmin", "changepw"];

/// What shall be changed.
#[derive(Clone, Debug)]
pub struct KpasswdParams {
    /// Whose password is set; `None` changes the ticket's client's own.
    pub target: Option<Principal>,
    /// The new password, UTF-8.
    pub new_password: Password,
    /// The address that the request is sent from, as far as it is known: KRB-PRIV has a field for it. Servers behind
    /// address translation do not look at it.
    pub sender: IpAddr,
    /// How far the realm's clock is known to be ahead of ours, in seconds.
    pub clock_offset_seconds: i64,
}

impl KpasswdParams {
    /// A change of the ticket's client's own password, sent from an unknown address.
    pub fn new(new_password: Password) -> Self {
        Self {
            target: None,
            new_password,
            sender: IpAddr::from([127, 0, 0, 1]),
            clock_offset_seconds: 0,
        }
    }
}

/// A change of password.
#[derive(Debug)]
pub struct KpasswdExchange;

impl KpasswdExchange {
    /// The service whose ticket an exchange needs: `kadmin/changepw` in the realm of the principal.
    pub fn service(realm: &Realm) -> Principal {
        Principal::new(realm.as_bytes(), &CHANGEPW)
    }

    /// The frame for port 464, and what takes the answer to it.
    ///
    /// A change of one's own password is version 1, as MIT's client sends it; setting another's is version 0xff80.
    ///
    /// # Errors
    /// [`ProtocolError::Misuse`] for a ticket of another service than `kadmin/changepw` (the password would be shown to
    /// it), or when ticket and password are together longer than a frame.
    pub fn start(
        credential: &Credential,
        params: &KpasswdParams,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<(Vec<u8>, KpasswdPending), ProtocolError> {
        if credential.server.name != Name::new(&CHANGEPW) {
            return Err(ProtocolError::Misuse(
                "a password is changed with a ticket for kadmin/changepw, and this one is for another service",
            ));
        }
        let seq_number = rng.next_u32() & 0x3fff_ffff;
        let ap_params = ApParams {
            seq_number: Some(seq_number),
            clock_offset_seconds: params.clock_offset_seconds,
            ..ApParams::default()
        };
        let (ap_req, ap) = ApInitiator::start(credential, ap_params, now, rng)?;
        let Some(subkey) = ap.initiator_subkey().cloned() else {
            return Err(ProtocolError::Misuse("the AP-REQ has no subkey"));
        };
        let (version, user_data) = user_data(params)?;
        let (krb_priv, sent) = encode_krb_priv(&user_data, seq_number, params.sender, &subkey, rng)?;
        let request = KpasswdRequest {
            version,
            ap_req: &ap_req,
            krb_priv: &krb_priv,
        };
        let frame = request.to_bytes().ok_or(ProtocolError::Misuse(
            "ticket and password are longer than a frame of the protocol",
        ))?;
        let pending = KpasswdPending {
            ap,
            client: credential.client.clone(),
            subkey,
            sent,
        };
        Ok((frame, pending))
    }
}

/// The version and what the KRB-PRIV protects.
fn user_data(params: &KpasswdParams) -> Result<(u16, Zeroizing<Vec<u8>>), ProtocolError> {
    let newpasswd = params.new_password.expose_secret();
    let Some(target) = &params.target else {
        return Ok((CHANGE_PASSWORD_VERSION, Zeroizing::new(newpasswd.to_vec())));
    };
    let data = ChangePasswdData {
        newpasswd,
        targname: Some(target.name.to_wire()),
        targrealm: Some(target.realm.to_wire()),
    };
    Ok((SET_PASSWORD_VERSION, Zeroizing::new(asn1::encode(&data)?)))
}

/// A KRB-PRIV and the ciphertext in it.
fn encode_krb_priv(
    user_data: &[u8],
    seq_number: u32,
    sender: IpAddr,
    subkey: &Subkey,
    rng: &mut dyn CryptoRng,
) -> Result<(Vec<u8>, Vec<u8>), ProtocolError> {
    let octets = match sender {
        IpAddr::V4(address) => address.octets().to_vec(),
        IpAddr::V6(address) => address.octets().to_vec(),
    };
    let addr_type = match sender {
        IpAddr::V4(_) => AddressType::IPV4,
        IpAddr::V6(_) => AddressType::IPV6,
    };
    let part = EncKrbPrivPart {
        user_data,
        timestamp: None,
        usec: None,
        seq_number: Some(seq_number),
        s_address: HostAddress {
            addr_type,
            address: &octets,
        },
        r_address: None,
    };
    let plain = Zeroizing::new(asn1::encode(&part)?);
    let cipher = subkey
        .encrypt(KeyUsage::KRB_PRIV, &plain, rng)
        .map_err(ProtocolError::crypto("encrypting the new password"))?;
    let message = asn1::encode(&KrbPriv {
        pvno: PVNO,
        msg_type: MsgType::KRB_PRIV,
        enc_part: EncryptedData {
            etype: subkey.enctype(),
            kvno: None,
            cipher: &cipher,
        },
    })?;
    Ok((message, cipher))
}

/// Waits for the server's answer.
#[derive(Debug)]
pub struct KpasswdPending {
    ap: ApPending,
    client: Principal,
    subkey: Subkey,
    /// The ciphertext that was sent: as an answer it is an echo.
    sent: Vec<u8>,
}

impl KpasswdPending {
    /// Takes the server's answer: a frame, or a KRB-ERROR in one or without.
    ///
    /// Only what the server's own keys vouch for is a result. A KRB-ERROR is nobody's word: whatever result code it
    /// carries, it is a refusal.
    ///
    /// # Errors
    /// [`ProtocolError::Refused`] for a KRB-ERROR, [`ProtocolError::Misbehaved`] for an answer that another key made,
    /// that answers another request, or whose parts do not belong together.
    pub fn reply(self, frame: &[u8]) -> Result<KpasswdDone, ProtocolError> {
        let server = self.ap.server().clone();
        let fault = |what| ProtocolError::misbehaved(Refuser::Service(server.clone()), what);
        let reply = KpasswdReply::parse(frame).ok_or_else(|| {
            fault(Misbehaviour::Field(
                "the lengths in the reply's frame are not those of what is there",
            ))
        })?;
        let (version, ap_rep, krb_priv) = match reply {
            KpasswdReply::Error(error) => return Err(refusal(error, self.client, server)?),
            KpasswdReply::Protected {
                version,
                ap_rep,
                krb_priv,
            } => (version, ap_rep, krb_priv),
        };
        if version != CHANGE_PASSWORD_VERSION && version != SET_PASSWORD_VERSION {
            return Err(fault(Misbehaviour::Field(
                "the reply's version is neither 1 nor 0xff80",
            )));
        }
        if asn1::peek_message(ap_rep) != Some(MsgType::AP_REP) {
            return Err(ProtocolError::UnexpectedMessage {
                expected: "AP-REP",
                found: asn1::peek_message(ap_rep),
            });
        }
        let established = self.ap.reply(ap_rep)?;
        let message: KrbPriv<'_> = asn1::decode(krb_priv)?;
        ProtocolError::require_message("KRB-PRIV", MsgType::KRB_PRIV, message.pvno, message.msg_type)?;
        if message.enc_part.cipher == self.sent {
            return Err(fault(Misbehaviour::KrbPrivReflected));
        }
        if message.enc_part.etype != self.subkey.enctype() {
            return Err(fault(Misbehaviour::KrbPrivIntegrity));
        }
        // RFC 3244 section 2: the initiator's subkey, whatever key the AP-REP brings.
        let plain = match self.subkey.decrypt(KeyUsage::KRB_PRIV, message.enc_part.cipher) {
            Ok(plain) => plain,
            Err(CryptoError::IntegrityFailure { .. } | CryptoError::CiphertextTooShort { .. }) => {
                return Err(fault(Misbehaviour::KrbPrivIntegrity));
            }
            Err(source) => {
                return Err(ProtocolError::Crypto {
                    doing: "decrypting the KRB-PRIV",
                    source,
                });
            }
        };
        let part: EncKrbPrivPart<'_> = decode_plaintext(message.enc_part.etype, &plain)?;
        if let (Some(expected), found) = (established.peer_seq_number, part.seq_number)
            && found != Some(expected)
        {
            return Err(fault(Misbehaviour::KrbPrivSequence { expected, found }));
        }
        let result = KpasswdResult::parse(part.user_data)
            .ok_or_else(|| fault(Misbehaviour::Field("the reply has no result code")))?;
        Ok(KpasswdDone {
            code: result.code,
            text: result.text.to_vec(),
        })
    }
}

/// A KRB-ERROR as the end of the exchange. Its e-data is a result (RFC 3244 2): its text is shown, its code decides nothing.
fn refusal(error: &[u8], client: Principal, server: Principal) -> Result<ProtocolError, ProtocolError> {
    let mut facts = KrbErrorFacts::parse(error)?;
    if let Some(data) = facts.e_data.take() {
        let result = KpasswdResult::parse(&data);
        if facts.e_text.as_ref().is_none_or(Vec::is_empty)
            && let Some(result) = result
        {
            let mut text = result.code.to_string().into_bytes();
            if !result.text.is_empty() {
                text.extend_from_slice(b": ");
                text.extend_from_slice(result.text);
            }
            facts.e_text = Some(text);
        }
    }
    Ok(facts.into_refusal(Refuser::Service(server.clone()), Some(client), server))
}
