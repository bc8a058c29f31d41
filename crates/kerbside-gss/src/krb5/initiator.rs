//! The initiator of the krb5 mechanism.

use alloc::boxed::Box;

use kerbside_asn1::{KerberosTime, ObjectIdentifier, Ticket, decode, oids};
use kerbside_crypto::{ChecksumType, CryptoRng, Key};
use kerbside_protocol::{ApEstablished, ApInitiator, ApParams, ApPending, Credential, Now};

use super::authenticator_checksum::AuthenticatorChecksum;
use super::token::{self, Message, defective, frame_ap_req};
use super::{first_seq_number, refuse_older_tokens};
use crate::channel_bindings::{BindingHash, BindingState, ChannelBindings};
use crate::context::{ContextFacts, KerberosFacts, SecurityContext};
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::mechanism::{Mechanism, Step};
use crate::message::{MessageProtection, ProtectionParams, Role};

/// Not begun yet.
#[derive(Debug)]
pub(crate) struct Krb5Initiator {
    pub(crate) credential: Credential,
    pub(crate) flags: ContextFlags,
    pub(crate) channel_bindings: Option<ChannelBindings>,
    pub(crate) clock_offset_seconds: i64,
}

impl Krb5Initiator {
    /// A ticket that is over is not worth sending: the acceptor would say the same, less clearly.
    fn check_expiry(&self, now: Now) -> Result<(), GssError> {
        let theirs = now.time.saturating_add_seconds(self.clock_offset_seconds);
        if theirs < self.credential.end_time {
            return Ok(());
        }
        let server = Box::new(self.credential.server.clone());
        Err(Cause::CredentialExpired {
            server,
            end_time: self.credential.end_time,
            now: theirs,
        }
        .into())
    }

    fn facts(&self) -> Result<ContextFacts, GssError> {
        let credential = &self.credential;
        let ticket: Ticket<'_> = decode(&credential.ticket)?;
        Ok(ContextFacts {
            role: Role::Initiator,
            client: credential.client.clone(),
            server: credential.server.clone(),
            flags: self.flags,
            bindings: match self.channel_bindings {
                Some(_) => BindingState::Bound,
                None => BindingState::NotChecked,
            },
            delegation_offered: false,
            mechanism: oids::KRB5,
            negotiated: false,
            expires: Some(credential.end_time),
            kerberos: Some(KerberosFacts {
                auth_time: credential.auth_time,
                start_time: credential.valid_from(),
                renew_till: Some(credential.renew_till).filter(|time| *time != KerberosTime::EPOCH),
                ticket_flags: credential.flags,
                session_enctype: credential.session_key.enctype(),
                ticket_enctype: ticket.enc_part.etype,
                message_enctype: credential.session_key.enctype(),
                ticket_kvno: ticket.enc_part.kvno,
            }),
        })
    }
}

impl Mechanism for Krb5Initiator {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        if !token.is_empty() {
            return Err(defective("expected none before the initiator's first").into());
        }
        self.check_expiry(now)?;
        refuse_older_tokens("the ticket's session key", self.credential.session_key.enctype())?;
        let bindings = match &self.channel_bindings {
            Some(bindings) => bindings.hash()?,
            None => BindingHash::NONE,
        };
        let checksum = AuthenticatorChecksum {
            bindings,
            flags: self.flags,
        };
        let mutual = self.flags.contains(ContextFlags::MUTUAL);
        let params = ApParams {
            mutual,
            use_subkey: true,
            seq_number: Some(first_seq_number(rng)),
            checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
            clock_offset_seconds: self.clock_offset_seconds,
            ..ApParams::default()
        };
        let (message, pending) = ApInitiator::start(&self.credential, params, now, rng)?;
        let token = frame_ap_req(&message);
        let facts = self.facts()?;
        if mutual {
            return Ok(Step::Continue {
                token,
                next: Box::new(AwaitApRep { pending, facts }),
            });
        }
        let context = Box::new(established(pending.without_reply()?, facts));
        Ok(Step::Done {
            token: Some(token),
            token_is_bare_success: false,
            context,
        })
    }
}

/// Waits for the acceptor's AP-REP.
#[derive(Debug)]
struct AwaitApRep {
    pending: ApPending,
    facts: ContextFacts,
}

impl Mechanism for AwaitApRep {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5
    }

    fn step(self: Box<Self>, token: &[u8], _now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let message = match token::unframe(token)?.1 {
            Message::ApRep(message) | Message::Error(message) => message,
            Message::ApReq(_) => {
                return Err(defective("expected an AP-REP or KRB-ERROR, but found an AP-REQ").into());
            }
        };
        let established_ap = self.pending.reply(message)?;
        let context = Box::new(established(established_ap, self.facts));
        Ok(Step::Done {
            token: None,
            token_is_bare_success: false,
            context,
        })
    }
}

fn established(ap: ApEstablished, mut facts: ContextFacts) -> SecurityContext {
    let send_seq = ap.seq_number.unwrap_or(0);
    // Without an AP-REP the acceptor numbers its messages from the initiator's first number on, as MIT and RFC 1964 do.
    let receive_seq = if ap.mutual {
        ap.peer_seq_number.unwrap_or(0)
    } else {
        send_seq
    };
    let acceptor_subkey = ap.acceptor_subkey.is_some();
    let key: Key = match (ap.acceptor_subkey, ap.initiator_subkey) {
        (Some(subkey), _) | (None, Some(subkey)) => subkey.into_inner(),
        (None, None) => ap.session_key.into_inner(),
    };
    if let Some(kerberos) = &mut facts.kerberos {
        kerberos.message_enctype = key.enctype();
    }
    let flags = facts.flags;
    let params = ProtectionParams {
        key,
        acceptor_subkey,
        role: Role::Initiator,
        flags,
        send_seq,
        receive_seq,
    };
    SecurityContext::from_parts(facts, Box::new(MessageProtection::new(params)))
}
