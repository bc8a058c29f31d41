//! The AP exchange, acceptor's side (RFC 4120 3.2.3), as a line of stages that nobody can step over.
//!
//! ```text
//!  ApReqParsed ──key──► TicketDecrypted ──policy, now──► AuthenticatorVerified ──verdict──► ReplayChecked ──► AP-REP
//! ```
//!
//! The replay cache sits between the last two, outside of this crate: it is handed a [`ReplayTag`] and gives a
//! [`Verdict`], so that it may as well live in a file shared with other processes or on another node.

#[cfg(test)]
mod tests;

use alloc::vec::Vec;

use kerbside_asn1::{
    self as asn1, AdType, AddressType, ApOptions, ApRep, ApReq, EncApRepPart, EncryptedData, EncryptionKey,
    KerberosTime, MsgType, Principal, Ticket,
};
use kerbside_crypto::{
    CryptoError, CryptoRng, EncryptionType, EnctypePolicy, Key, KeyUsage, SessionKey, Subkey, Zeroizing,
};

use crate::PVNO;
use crate::authenticator::AuthenticatorFacts;
use crate::error::{ApRefusal, ProtocolError};
use crate::kdc_request::DEFAULT_SKEW_SECONDS;
use crate::replay::{ReplayCache, ReplayTag, Verdict};
use crate::ticket::DecryptedTicket;
use crate::time::{Now, ahead, within};

/// An AP-REQ that decodes. Nothing in it is proved.
#[derive(Debug)]
pub struct ApReqParsed<'a> {
    request: ApReq<'a>,
    server: Principal,
}

impl<'a> ApReqParsed<'a> {
    /// Reads an AP-REQ under a key of the service: a whole one, as in a token or in the value of PA-TGS-REQ.
    ///
    /// # Errors
    /// [`ProtocolError::Decode`]; [`ProtocolError::Version`]; [`ProtocolError::NotBuilt`] for user-to-user, which has its
    /// own reader, [`Self::parse_any`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, ProtocolError> {
        let parsed = Self::parse_any(bytes)?;
        if parsed.is_user_to_user() {
            let because = "the AP-REQ has the option use-session-key".into();
            return Err(ProtocolError::NotBuilt {
                what: "user-to-user tickets",
                because,
            });
        }
        Ok(parsed)
    }

    /// Reads an AP-REQ of either kind. One that [is user-to-user](Self::is_user_to_user) is opened with the session key
    /// of the acceptor's own ticket-granting ticket (RFC 4120 3.7).
    ///
    /// # Errors
    /// [`ProtocolError::Decode`]; [`ProtocolError::Version`].
    pub fn parse_any(bytes: &'a [u8]) -> Result<Self, ProtocolError> {
        let request: ApReq<'a> = asn1::decode(bytes)?;
        ProtocolError::require_message("AP-REQ", MsgType::AP_REQ, request.pvno, request.msg_type)?;
        let server = Principal::from_wire(request.ticket.realm, &request.ticket.sname);
        Ok(Self { request, server })
    }

    /// Whether the option use-session-key says that the ticket is under the session key of a ticket of ours. The option
    /// is not protected: it says which keys to try, and only a key that opens the ticket proves anything.
    pub fn is_user_to_user(&self) -> bool {
        self.request.ap_options.contains(ApOptions::USE_SESSION_KEY)
    }

    /// The service on the ticket: what to look up a key for, not yet proved.
    pub fn ticket_server(&self) -> &Principal {
        &self.server
    }

    /// The enctype of the key that opens the ticket.
    pub fn ticket_enctype(&self) -> EncryptionType {
        self.request.ticket.enc_part.etype
    }

    /// The version of that key, as the ticket says: a hint that is not protected.
    pub fn ticket_kvno(&self) -> Option<u32> {
        self.request.ticket.enc_part.kvno
    }

    /// The ticket in clear.
    pub fn ticket(&self) -> &Ticket<'a> {
        &self.request.ticket
    }

    /// Decrypts the ticket with a key of the service; may be tried with several. The keys in ticket and authenticator
    /// have to be of types that [`EnctypePolicy::DEFAULT`] permits.
    ///
    /// # Errors
    /// As [`DecryptedTicket::decrypt`].
    pub fn decrypt_ticket(&self, key: &Key) -> Result<TicketDecrypted<'a>, ProtocolError> {
        static DEFAULT: EnctypePolicy = EnctypePolicy::DEFAULT;
        self.decrypt_ticket_with_policy(key, &DEFAULT)
    }

    /// As [`decrypt_ticket`](Self::decrypt_ticket), with keys in ticket and authenticator that `policy` permits.
    ///
    /// # Errors
    /// As [`DecryptedTicket::decrypt`].
    pub fn decrypt_ticket_with_policy(
        &self,
        key: &Key,
        policy: &'a EnctypePolicy,
    ) -> Result<TicketDecrypted<'a>, ProtocolError> {
        let authenticator = &self.request.authenticator;
        Ok(TicketDecrypted {
            ticket: DecryptedTicket::decrypt_with_policy(&self.request.ticket, key, policy)?,
            policy,
            authenticator: EncryptedData {
                etype: authenticator.etype,
                kvno: authenticator.kvno,
                cipher: authenticator.cipher,
            },
            options: self.request.ap_options,
        })
    }
}

/// An AP-REQ whose ticket was made by the KDC for the key at hand. Who sent it is not proved.
#[derive(Debug)]
pub struct TicketDecrypted<'a> {
    ticket: DecryptedTicket,
    authenticator: EncryptedData<'a>,
    options: ApOptions,
    policy: &'a EnctypePolicy,
}

/// What an AP-REQ is for.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Purpose<'a> {
    /// To authenticate to an application service: key usage 11.
    Application,
    /// To authenticate a TGS-REQ: key usage 7, and a keyed checksum over the request's body is required.
    TgsReq {
        /// The req-body as it was received, tag and all.
        req_body: &'a [u8],
    },
}

/// What an acceptor demands.
#[derive(Clone, Copy, Debug)]
pub struct AuthenticatorPolicy<'a> {
    /// The largest difference between the clocks, in seconds.
    pub skew_seconds_max: i64,
    /// What the AP-REQ is for.
    pub purpose: Purpose<'a>,
    /// The peer's address, for tickets that are bound to some; without it the binding is not checked.
    pub peer_address: Option<(AddressType, &'a [u8])>,
    /// Whether a ticket with the invalid flag will do: for a KDC that is asked to validate it, nobody else.
    pub accept_invalid_ticket: bool,
}

impl Default for AuthenticatorPolicy<'_> {
    /// An application service, five minutes of clock skew, the peer's address unknown.
    fn default() -> Self {
        Self {
            skew_seconds_max: DEFAULT_SKEW_SECONDS,
            purpose: Purpose::Application,
            peer_address: None,
            accept_invalid_ticket: false,
        }
    }
}

impl TicketDecrypted<'_> {
    /// The ticket.
    pub fn ticket(&self) -> &DecryptedTicket {
        &self.ticket
    }

    /// Decrypts the authenticator and compares it with the ticket, the clock and the policy.
    ///
    /// # Errors
    /// [`ProtocolError::ApReq`] with what is refused.
    pub fn verify(
        self,
        policy: &AuthenticatorPolicy<'_>,
        now: Now,
    ) -> Result<AuthenticatorVerified, ProtocolError> {
        let client = self.ticket.client();
        let usage = match policy.purpose {
            Purpose::Application => KeyUsage::AP_REQ_AUTH,
            Purpose::TgsReq { .. } => KeyUsage::TGS_REQ_AUTH,
        };
        let key = self.ticket.session_key();
        let opened = AuthenticatorFacts::decrypt(&self.authenticator, key, usage, self.policy);
        let (named, facts) = opened.map_err(|error| {
            if matches!(error, ProtocolError::Crypto { doing: _, source } if unreadable(source)) {
                ApRefusal::AuthenticatorIntegrity {
                    client: client.clone(),
                }
                .into()
            } else {
                error
            }
        })?;
        if named != *client {
            return Err(ApRefusal::ClientMismatch {
                expected: client.clone(),
                found: named,
            }
            .into());
        }
        verify_addresses(&self.ticket, policy)?;
        let ahead_seconds = ahead(facts.client_time.time, now.time);
        if !within(ahead_seconds, policy.skew_seconds_max) {
            let allowed_seconds = policy.skew_seconds_max;
            return Err(ApRefusal::Skew {
                client: client.clone(),
                ahead_seconds,
                allowed_seconds,
            }
            .into());
        }
        verify_times(&self.ticket, policy, now.time)?;
        if let Purpose::TgsReq { req_body } = policy.purpose {
            verify_body(&facts, key, req_body)?;
        }
        let tag = ReplayTag::new(
            self.authenticator.etype,
            self.authenticator.cipher,
            facts.client_time,
            policy.skew_seconds_max,
        );
        Ok(AuthenticatorVerified {
            ticket: self.ticket,
            authenticator: facts,
            options: self.options,
            tag,
        })
    }
}

/// Whether a decryption failed for the bytes or the key, and not for an enctype that is not supported.
fn unreadable(error: CryptoError) -> bool {
    matches!(
        error,
        CryptoError::IntegrityFailure { .. } | CryptoError::CiphertextTooShort { .. }
    )
}

fn verify_addresses(ticket: &DecryptedTicket, policy: &AuthenticatorPolicy<'_>) -> Result<(), ApRefusal> {
    let Some((address_type, address)) = policy.peer_address else {
        return Ok(());
    };
    let bound = ticket.addresses();
    if bound.is_empty()
        || bound
            .iter()
            .any(|(kind, bytes)| *kind == address_type && bytes == address)
    {
        return Ok(());
    }
    Err(ApRefusal::Address { address_type })
}

/// A ticket is good from its start time to its end time, each with the clock skew allowed (RFC 4120 3.2.3).
fn verify_times(
    ticket: &DecryptedTicket,
    policy: &AuthenticatorPolicy<'_>,
    now: KerberosTime,
) -> Result<(), ApRefusal> {
    let skew = policy.skew_seconds_max.max(0);
    let starttime = ticket.starttime().unwrap_or(ticket.authtime());
    if ahead(starttime, now) > skew {
        return Err(ApRefusal::NotYetValid { starttime, now });
    }
    if ticket.flags().contains(asn1::TicketFlags::INVALID) && !policy.accept_invalid_ticket {
        return Err(ApRefusal::Invalid);
    }
    if ahead(now, ticket.endtime()) > skew {
        return Err(ApRefusal::Expired {
            endtime: ticket.endtime(),
            now,
        });
    }
    Ok(())
}

/// The keyed checksum over the req-body as received, without which anybody between could rewrite the request.
fn verify_body(facts: &AuthenticatorFacts, key: &Key, req_body: &[u8]) -> Result<(), ApRefusal> {
    let (cksumtype, mac) = facts.checksum.as_ref().ok_or(ApRefusal::ChecksumMissing)?;
    match key.verify_checksum(KeyUsage::TGS_REQ_AUTH_CKSUM, *cksumtype, &[req_body], mac) {
        Ok(()) => Ok(()),
        Err(error @ CryptoError::ChecksumType { .. }) => Err(ApRefusal::ChecksumType(error)),
        Err(_) => Err(ApRefusal::ChecksumWrong),
    }
}

/// An AP-REQ that its client made for this ticket within the clock skew. Whether it was used before is not known.
#[derive(Debug)]
pub struct AuthenticatorVerified {
    ticket: DecryptedTicket,
    authenticator: AuthenticatorFacts,
    options: ApOptions,
    tag: ReplayTag,
}

impl AuthenticatorVerified {
    /// What to ask a replay cache about.
    pub fn replay_tag(&self) -> &ReplayTag {
        &self.tag
    }

    /// The ticket.
    pub fn ticket(&self) -> &DecryptedTicket {
        &self.ticket
    }

    /// The authenticator.
    pub fn authenticator(&self) -> &AuthenticatorFacts {
        &self.authenticator
    }

    /// Takes the replay cache's verdict.
    ///
    /// # Errors
    /// [`ApRefusal::Replayed`], [`ApRefusal::ReplayCacheUnavailable`].
    pub fn replay(self, verdict: Verdict) -> Result<ReplayChecked, ProtocolError> {
        match verdict {
            Verdict::Fresh => Ok(ReplayChecked {
                ticket: self.ticket,
                authenticator: self.authenticator,
                options: self.options,
            }),
            Verdict::Replayed => Err(ApRefusal::Replayed {
                client: self.ticket.client().clone(),
            }
            .into()),
            Verdict::Unavailable => Err(ApRefusal::ReplayCacheUnavailable.into()),
        }
    }

    /// Asks `cache` and takes its verdict.
    ///
    /// # Errors
    /// As [`AuthenticatorVerified::replay`].
    pub fn check_replay(self, cache: &dyn ReplayCache, now: Now) -> Result<ReplayChecked, ProtocolError> {
        let verdict = cache.check(&self.tag, now.time);
        self.replay(verdict)
    }
}

/// An AP-REQ that passed all checks: its client is who the ticket says, here and now.
#[derive(Debug)]
pub struct ReplayChecked {
    ticket: DecryptedTicket,
    authenticator: AuthenticatorFacts,
    options: ApOptions,
}

/// What an AP-REP shall say.
#[derive(Clone, Debug, Default)]
pub struct ReplyParams {
    /// The key the acceptor chooses.
    pub subkey: Option<Subkey>,
    /// The acceptor's first sequence number.
    pub seq_number: Option<u32>,
}

/// An AP-REP.
#[derive(Debug)]
#[non_exhaustive]
pub struct ApReply {
    /// The encoded AP-REP.
    pub message: Vec<u8>,
    /// The key in it.
    pub subkey: Option<Subkey>,
    /// The sequence number in it.
    pub seq_number: Option<u32>,
}

impl ReplayChecked {
    /// The client, from the ticket.
    pub fn client(&self) -> &Principal {
        self.ticket.client()
    }

    /// The ticket.
    pub fn ticket(&self) -> &DecryptedTicket {
        &self.ticket
    }

    /// The authenticator: checksum, sequence number, authorization data.
    pub fn authenticator(&self) -> &AuthenticatorFacts {
        &self.authenticator
    }

    /// The ticket's key.
    pub fn session_key(&self) -> &SessionKey {
        self.ticket.session_key()
    }

    /// The key that the initiator chose.
    pub fn initiator_subkey(&self) -> Option<&Subkey> {
        self.authenticator.subkey.as_ref()
    }

    /// Whether the initiator wants an AP-REP.
    pub fn mutual_required(&self) -> bool {
        self.options.contains(ApOptions::MUTUAL_REQUIRED)
    }

    /// The ticket's authorization data, taken out of it: PACs are large.
    pub fn take_authorization_data(&mut self) -> Vec<(AdType, Vec<u8>)> {
        self.ticket.take_authorization_data()
    }

    /// The AP-REP (RFC 4120 3.2.4): proof that we could read the ticket.
    ///
    /// # Errors
    /// [`ProtocolError::Encode`] for a message that has no encoding.
    pub fn reply(&self, params: ReplyParams, rng: &mut dyn CryptoRng) -> Result<ApReply, ProtocolError> {
        let subkey = params.subkey.as_ref();
        let part = EncApRepPart {
            ctime: self.authenticator.client_time.time,
            cusec: self.authenticator.client_time.usec,
            subkey: subkey.map(|key| EncryptionKey {
                keytype: key.enctype(),
                keyvalue: key.expose_secret(),
            }),
            seq_number: params.seq_number,
        };
        let plain = Zeroizing::new(asn1::encode(&part)?);
        let key = self.session_key();
        let cipher = key
            .encrypt(KeyUsage::AP_REP_ENC_PART, &plain, rng)
            .map_err(ProtocolError::crypto("encrypting the AP-REP"))?;
        let enc_part = EncryptedData {
            etype: key.enctype(),
            kvno: None,
            cipher: &cipher,
        };
        let message = asn1::encode(&ApRep {
            pvno: PVNO,
            msg_type: MsgType::AP_REP,
            enc_part,
        })?;
        Ok(ApReply {
            message,
            subkey: params.subkey,
            seq_number: params.seq_number,
        })
    }
}
