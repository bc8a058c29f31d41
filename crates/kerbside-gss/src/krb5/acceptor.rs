//! The acceptor of the krb5 mechanism.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;

use kerbside_asn1::{ErrorCode, ObjectIdentifier, Principal};
use kerbside_crypto::{CryptoRng, Key, Subkey};
use kerbside_pac::VerifiedPac;
use kerbside_protocol::{
    ApReply, ApReqParsed, AuthenticatorPolicy, ErrorReply, Now, ReplayChecked, ReplyParams,
};

use super::authenticator_flags::{self, Agreed};
use super::ticket::OpenedTicket;
use super::token::{self, Framing, Message, Mode, defective};
use super::{
    authorization_data, check_key, enctype_negotiation, first_seq_number, has_older_tokens, protection,
    ticket, transited,
};
use crate::acceptor::AcceptorParams;
use crate::context::{ContextFacts, KerberosFacts, SecurityContext};
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::mechanism::{Mechanism, Step};
use crate::message::{ProtectionParams, Role};
use crate::trace;

/// Waits for the AP-REQ.
#[derive(Debug)]
pub(crate) struct Krb5Acceptor {
    params: Arc<AcceptorParams>,
    mode: Mode,
}

impl Krb5Acceptor {
    pub(crate) fn new(params: Arc<AcceptorParams>) -> Self {
        Self {
            params,
            mode: Mode::Krb5,
        }
    }

    /// One whose tokens are those of user-to-user.
    pub(super) fn user_to_user(params: Arc<AcceptorParams>) -> Self {
        Self {
            params,
            mode: Mode::UserToUser,
        }
    }

    /// Takes an AP-REQ out of its frame; a refusal's token is in the same.
    pub(super) fn request(
        &self,
        message: &[u8],
        framing: Framing,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let request = ApReqParsed::parse_any(message)?;
        self.accept(&request, framing, now, rng).map_err(|error| {
            let token = error_token(&self.params, &error, request.ticket_server(), framing, now);
            error.with_token(token)
        })
    }

    fn accept(
        &self,
        request: &ApReqParsed<'_>,
        framing: Framing,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let params = &*self.params;
        let OpenedTicket { ticket, server, key } = ticket::open(params, request).inspect_err(|error| {
            trace::ticket_not_decrypted(error.code().unwrap_or(ErrorCode::KRB_ERR_GENERIC));
        })?;
        trace::ticket_decrypted(&params.service, &server, request.ticket_enctype());
        let policy = AuthenticatorPolicy {
            skew_seconds_max: params.skew_seconds_max,
            peer_address: params
                .client_address
                .as_ref()
                .map(|(address_type, address)| (*address_type, address.as_slice())),
            ..AuthenticatorPolicy::default()
        };
        // From here on the request is used up, whatever else is wrong with it.
        let checked = ticket.verify(&policy, now)?.check_replay(&*params.replay, now)?;
        trace::ticket(checked.ticket(), &server);
        check_request(params, &checked)?;
        let pac = authorization_data::verify_pac(params.pac, checked.ticket(), key.key())?;
        let agreed = authenticator_flags::agree(params, &checked, now)?;
        Exchange {
            params: Arc::clone(&self.params),
            checked,
            server,
            agreed,
            pac,
            framing,
            mode: self.mode,
        }
        .establish(rng)
    }
}

/// What ticket and authenticator say, held against the policies.
fn check_request(params: &AcceptorParams, checked: &ReplayChecked) -> Result<(), GssError> {
    let session_key = checked.session_key().enctype();
    check_key(&params.enctypes, "the ticket's session key", session_key)?;
    if let Some(subkey) = checked.initiator_subkey() {
        check_key(&params.enctypes, "the initiator's subkey", subkey.enctype())?;
    }
    authorization_data::check(checked.ticket().authorization_data()).map_err(refused)?;
    authorization_data::check(&checked.authenticator().authorization_data).map_err(refused)?;
    transited::check(&params.transited, checked.ticket()).map_err(refused)
}

fn refused(refusal: kerbside_protocol::ApRefusal) -> GssError {
    Cause::Protocol(refusal.into()).into()
}

/// The KRB-ERROR for a refused client: a code, and no word of why beyond it.
pub(super) fn error_token(
    params: &AcceptorParams,
    error: &GssError,
    server: &Principal,
    framing: Framing,
    now: Now,
) -> Option<Vec<u8>> {
    if !params.error_tokens {
        return None;
    }
    let code = error.code().unwrap_or(ErrorCode::KRB_ERR_GENERIC);
    let message = ErrorReply::new(code, server.clone()).to_bytes(now).ok()?;
    Some(token::frame_error(framing, &message))
}

impl Mechanism for Krb5Acceptor {
    fn oid(&self) -> ObjectIdentifier {
        self.mode.oid()
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (framing, message) = token::unframe(self.mode, token)?;
        let Message::ApReq(message) = message else {
            return Err(defective("expected an AP-REQ, but found another message").into());
        };
        self.request(message, framing, now, rng)
    }
}

/// An AP-REQ that is accepted.
struct Exchange {
    params: Arc<AcceptorParams>,
    checked: ReplayChecked,
    server: Principal,
    agreed: Agreed,
    pac: Option<Arc<VerifiedPac>>,
    framing: Framing,
    mode: Mode,
}

/// What the acceptor's side of the exchange ends with.
struct Answer {
    reply: Option<ApReply>,
    key: Key,
    acceptor_subkey: bool,
    partial_key: Option<Key>,
    send_seq: u32,
}

impl Exchange {
    fn establish(mut self, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let dce_style = self.agreed.flags.contains(ContextFlags::DCE_STYLE);
        if dce_style {
            // RFC 4757 7.1: raw messages, whatever the request came in.
            self.framing = Framing::Bare;
        }
        let Answer {
            reply,
            key,
            acceptor_subkey,
            partial_key,
            send_seq,
        } = self.answer(rng)?;
        let token = reply
            .as_ref()
            .map(|reply| token::frame_ap_rep(self.framing, &reply.message));
        let facts = self.facts(key.enctype());
        let messages = protection(ProtectionParams {
            key,
            acceptor_subkey,
            partial_key,
            role: Role::Acceptor,
            flags: self.agreed.flags,
            send_seq,
            receive_seq: self.checked.authenticator().seq_number.unwrap_or(0),
        });
        let context = Box::new(SecurityContext::from_parts(facts, messages));
        match (reply, token) {
            (Some(reply), Some(token)) if dce_style => Ok(Step::Continue {
                token,
                next: Box::new(AwaitThirdLeg {
                    params: self.params,
                    checked: self.checked,
                    reply,
                    mode: self.mode,
                    context,
                }),
            }),
            (_, token) => Ok(Step::Done {
                token,
                token_is_bare_success: false,
                context,
            }),
        }
    }

    /// The AP-REP with a key and a sequence number of ours, if the initiator wants one.
    fn answer(&self, rng: &mut dyn CryptoRng) -> Result<Answer, GssError> {
        let checked = &self.checked;
        let flags = self.agreed.flags;
        let initiator_key: &Key = match checked.initiator_subkey() {
            Some(subkey) => subkey,
            None => checked.session_key(),
        };
        let authorization_data = &checked.authenticator().authorization_data;
        let mutual = flags.contains(ContextFlags::MUTUAL);
        // Without an AP-REP there is nothing to say a choice in.
        let enctype = if mutual {
            enctype_negotiation::choose(&self.params.enctypes, authorization_data, initiator_key)
        } else {
            initiator_key.enctype()
        };
        trace::authenticator(enctype, checked.initiator_subkey());
        if !mutual {
            // The initiator learns no number of ours: both directions begin with its own, as MIT and RFC 1964 do.
            let send_seq = checked.authenticator().seq_number.unwrap_or(0);
            return Ok(Answer {
                reply: None,
                key: initiator_key.clone(),
                acceptor_subkey: false,
                partial_key: None,
                send_seq,
            });
        }
        // With the older tokens there is no saying which key is in force, and peers go on with the initiator's.
        let acceptor_subkey = !has_older_tokens(enctype) || flags.contains(ContextFlags::DCE_STYLE);
        let subkey = acceptor_subkey
            .then(|| Key::generate_with_policy(enctype, rng, &self.params.enctypes))
            .transpose()?;
        let send_seq = first_seq_number(rng);
        let params = ReplyParams {
            subkey: subkey.clone().map(Subkey::from),
            seq_number: Some(send_seq),
        };
        trace::ap_rep(
            checked.authenticator().client_time,
            params.subkey.as_ref(),
            send_seq,
        );
        let reply = checked.reply(params, rng)?;
        Ok(Answer {
            reply: Some(reply),
            partial_key: subkey.is_some().then(|| initiator_key.clone()),
            key: subkey.unwrap_or_else(|| initiator_key.clone()),
            acceptor_subkey,
            send_seq,
        })
    }

    fn facts(&mut self, message_enctype: kerbside_crypto::EncryptionType) -> ContextFacts {
        let authorization_data = self.checked.take_authorization_data();
        let ticket = self.checked.ticket();
        ContextFacts {
            role: Role::Acceptor,
            client: self.checked.client().clone(),
            server: self.server.clone(),
            flags: self.agreed.flags,
            bindings: self.agreed.bindings,
            delegated: self.agreed.delegated.take(),
            mechanism: self.mode.oid(),
            negotiated: false,
            expires: Some(ticket.endtime()),
            kerberos: Some(KerberosFacts {
                auth_time: ticket.authtime(),
                start_time: ticket.starttime().unwrap_or(ticket.authtime()),
                renew_till: ticket.renew_till(),
                ticket_flags: ticket.flags(),
                session_enctype: self.checked.session_key().enctype(),
                ticket_enctype: ticket.enctype(),
                message_enctype,
                ticket_kvno: ticket.kvno(),
                authorization_data,
                pac: self.pac.take(),
            }),
        }
    }
}

/// Waits for the initiator's AP-REP, the third leg of DCE style. The context is not given out before it came.
#[derive(Debug)]
struct AwaitThirdLeg {
    params: Arc<AcceptorParams>,
    checked: ReplayChecked,
    reply: ApReply,
    mode: Mode,
    context: Box<SecurityContext>,
}

impl Mechanism for AwaitThirdLeg {
    fn oid(&self) -> ObjectIdentifier {
        self.mode.oid()
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (framing, message) = token::unframe(self.mode, token)?;
        let Message::ApRep(message) = message else {
            return Err(defective("expected the initiator's AP-REP, but found another message").into());
        };
        self.checked.third_leg(&self.reply, message).map_err(|error| {
            let error = GssError::from(error);
            let token = error_token(&self.params, &error, self.context.server(), framing, now);
            error.with_token(token)
        })?;
        Ok(Step::Done {
            token: None,
            token_is_bare_success: false,
            context: self.context,
        })
    }
}
