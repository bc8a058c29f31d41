//! The initiator of the krb5 mechanism.

use alloc::boxed::Box;
use alloc::vec::Vec;

use kerbside_asn1::{KerberosTime, ObjectIdentifier, Ticket, decode};
use kerbside_crypto::{ChecksumType, CryptoRng, EncryptionType, EnctypePolicy, Key, Subkey};
use kerbside_protocol::{ApEstablished, ApInitiator, ApParams, ApPending, Credential, Now};

use super::authenticator_checksum::AuthenticatorChecksum;
use super::token::{self, Framing, Message, Mode, defective, frame_ap_rep, frame_ap_req};
use super::{check_key, delegation, enctype_negotiation, first_seq_number, has_older_tokens, protection};
use crate::channel_bindings::{BindingHash, BindingState, ChannelBindings};
use crate::context::{ContextFacts, KerberosFacts, SecurityContext};
use crate::delegation::Delegation;
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::mechanism::{Mechanism, Step};
use crate::message::{ProtectionParams, Role};

/// What an initiator wants, whatever its ticket is.
#[derive(Debug)]
pub(crate) struct Wanted {
    pub(crate) flags: ContextFlags,
    pub(crate) channel_bindings: Option<ChannelBindings>,
    pub(crate) clock_offset_seconds: i64,
    pub(crate) delegation: Option<Delegation>,
    pub(crate) enctypes: EnctypePolicy,
}

/// Not begun yet.
#[derive(Debug)]
pub(crate) struct Krb5Initiator {
    credential: Credential,
    wanted: Wanted,
    mode: Mode,
}

impl Krb5Initiator {
    pub(crate) fn new(credential: Credential, wanted: Wanted) -> Self {
        Self {
            credential,
            wanted,
            mode: Mode::Krb5,
        }
    }

    /// One whose tokens are those of user-to-user.
    pub(super) fn user_to_user(credential: Credential, wanted: Wanted) -> Self {
        Self {
            credential,
            wanted,
            mode: Mode::UserToUser,
        }
    }

    /// A ticket that is over is not worth sending: the acceptor would say the same, less clearly.
    fn check_expiry(&self, now: KerberosTime) -> Result<(), GssError> {
        if now < self.credential.end_time {
            return Ok(());
        }
        let server = Box::new(self.credential.server.clone());
        Err(Cause::CredentialExpired {
            server,
            end_time: self.credential.end_time,
            now,
        }
        .into())
    }

    fn facts(&self, flags: ContextFlags) -> Result<ContextFacts, GssError> {
        let credential = &self.credential;
        let ticket: Ticket<'_> = decode(&credential.ticket)?;
        Ok(ContextFacts {
            role: Role::Initiator,
            client: credential.client.clone(),
            server: credential.server.clone(),
            flags,
            bindings: match self.wanted.channel_bindings {
                Some(_) => BindingState::Bound,
                None => BindingState::NotChecked,
            },
            delegated: None,
            mechanism: self.mode.oid(),
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
                authorization_data: Vec::new(),
                pac: None,
            }),
        })
    }

    /// The AP-REQ and what waits for the answer to it.
    pub(super) fn begin(self, now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (credential, wanted) = (&self.credential, &self.wanted);
        let realm_time = now.time.saturating_add_seconds(wanted.clock_offset_seconds);
        self.check_expiry(realm_time)?;
        let session = credential.session_key.enctype();
        check_key(&wanted.enctypes, "the ticket's session key", session)?;
        let bindings = match &wanted.channel_bindings {
            Some(bindings) => bindings.hash()?,
            None => BindingHash::NONE,
        };
        let krb_cred = match &wanted.delegation {
            Some(delegation) => delegation::krb_cred(delegation, credential, realm_time, rng)?,
            None => None,
        };
        let mut checksum = AuthenticatorChecksum::new(bindings, wanted.flags);
        if let Some(krb_cred) = &krb_cred {
            checksum = checksum.with_krb_cred(krb_cred);
        }
        let flags = checksum.flags;
        let mutual = flags.contains(ContextFlags::MUTUAL);
        let authorization_data = if mutual {
            enctype_negotiation::offer(&wanted.enctypes, session)?
        } else {
            Vec::new()
        };
        let params = ApParams {
            mutual,
            use_subkey: true,
            seq_number: Some(first_seq_number(rng)),
            checksum: Some((ChecksumType::GSS_AUTHENTICATOR, checksum.to_bytes())),
            authorization_data,
            clock_offset_seconds: wanted.clock_offset_seconds,
        };
        let (message, pending) = ApInitiator::start(credential, params, now, rng)?;
        // RFC 4757 7.1: the messages of DCE style have no frame.
        let framing = if flags.contains(ContextFlags::DCE_STYLE) {
            Framing::Bare
        } else {
            Framing::Framed(self.mode)
        };
        let token = frame_ap_req(framing, &message);
        let facts = self.facts(flags)?;
        if mutual {
            let next = Box::new(AwaitApRep {
                pending,
                facts,
                enctypes: self.wanted.enctypes,
                clock_offset_seconds: self.wanted.clock_offset_seconds,
                mode: self.mode,
            });
            return Ok(Step::Continue { token, next });
        }
        let context = Box::new(established(pending.without_reply()?, facts));
        Ok(Step::Done {
            token: Some(token),
            token_is_bare_success: false,
            context,
        })
    }
}

impl Mechanism for Krb5Initiator {
    fn oid(&self) -> ObjectIdentifier {
        self.mode.oid()
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        if !token.is_empty() {
            return Err(defective("expected none before the initiator's first").into());
        }
        self.begin(now, rng)
    }
}

/// Waits for the acceptor's AP-REP.
#[derive(Debug)]
struct AwaitApRep {
    pending: ApPending,
    facts: ContextFacts,
    enctypes: EnctypePolicy,
    clock_offset_seconds: i64,
    mode: Mode,
}

impl Mechanism for AwaitApRep {
    fn oid(&self) -> ObjectIdentifier {
        self.mode.oid()
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (_, message) = token::unframe(self.mode, token)?;
        let message = match message {
            Message::ApRep(message) | Message::Error(message) => message,
            _ => {
                return Err(defective("expected an AP-REP or KRB-ERROR, but found another message").into());
            }
        };
        let ap = self.pending.reply(message)?;
        if let Some(subkey) = &ap.acceptor_subkey {
            check_key(&self.enctypes, "the acceptor's subkey", subkey.enctype())?;
        }
        let token = if self.facts.flags.contains(ContextFlags::DCE_STYLE) {
            let realm_time = Now {
                time: now.time.saturating_add_seconds(self.clock_offset_seconds),
                usec: now.usec,
            };
            let message = ap.third_leg(realm_time, rng)?;
            Some(frame_ap_rep(Framing::Bare, &message))
        } else {
            None
        };
        let context = Box::new(established(ap, self.facts));
        Ok(Step::Done {
            token,
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
    let dce_style = facts.flags.contains(ContextFlags::DCE_STYLE);
    let acceptor_subkey = ap
        .acceptor_subkey
        .filter(|subkey| dce_style || in_force(subkey, ap.initiator_subkey.as_ref()));
    let is_acceptors = acceptor_subkey.is_some();
    let initiators: Key = match ap.initiator_subkey {
        Some(subkey) => subkey.into_inner(),
        None => ap.session_key.into_inner(),
    };
    let (key, partial_key) = match acceptor_subkey {
        Some(subkey) => (subkey.into_inner(), Some(initiators)),
        None => (initiators, None),
    };
    if let Some(kerberos) = &mut facts.kerberos {
        kerberos.message_enctype = key.enctype();
    }
    let params = ProtectionParams {
        key,
        acceptor_subkey: is_acceptors,
        partial_key,
        role: Role::Initiator,
        flags: facts.flags,
        send_seq,
        receive_seq,
    };
    SecurityContext::from_parts(facts, protection(params))
}

/// Whether the acceptor's subkey is the one that messages are under. With the tokens of RFC 4757 and RFC 1964 it is the
/// initiator's all the same, unless the acceptor's is of another type and so must have been negotiated.
fn in_force(acceptors: &Subkey, initiators: Option<&Subkey>) -> bool {
    let enctype: EncryptionType = acceptors.enctype();
    !has_older_tokens(enctype) || initiators.is_none_or(|subkey| subkey.enctype() != enctype)
}
