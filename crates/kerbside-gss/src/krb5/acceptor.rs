//! The acceptor of the krb5 mechanism.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use kerbside_asn1::{ErrorCode, ObjectIdentifier, Principal, oids};
use kerbside_crypto::{CryptoRng, EnctypePolicy, Key, Subkey};
use kerbside_protocol::{
    ApRefusal, ApReqParsed, AuthenticatorPolicy, ErrorReply, Now, ProtocolError, ReplayChecked, ReplyParams,
    TicketDecrypted,
};

use super::authenticator_flags::{self, Agreed};
use super::token::{self, Framing, Message, defective};
use super::{first_seq_number, refuse_older_tokens};
use crate::acceptor::AcceptorParams;
use crate::context::{ContextFacts, KerberosFacts, SecurityContext};
use crate::error::{Cause, GssError};
use crate::flags::ContextFlags;
use crate::key_source::{HeldKey, ServiceKey};
use crate::mechanism::{Mechanism, Step};
use crate::message::{MessageProtection, ProtectionParams, Role};
use crate::trace;

/// The most keys that one token is tried with: it comes from a stranger, and each try costs a decryption.
const MAX_KEYS_TRIED: usize = 16;

/// Keys in ticket and authenticator may be of any type here, so that [`refuse_older_tokens`] refuses what no context
/// can be made of by its name, whatever the policy is.
static READABLE: EnctypePolicy = EnctypePolicy::ALLOW_ALL;

/// Waits for the AP-REQ.
#[derive(Debug)]
pub(crate) struct Krb5Acceptor {
    params: Arc<AcceptorParams>,
}

impl Krb5Acceptor {
    pub(crate) fn new(params: Arc<AcceptorParams>) -> Self {
        Self { params }
    }

    fn accept(
        &self,
        request: &ApReqParsed<'_>,
        framing: Framing,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        let (ticket, server) = self.open_ticket(request).inspect_err(|error| {
            trace::ticket_not_decrypted(error.code().unwrap_or(ErrorCode::KRB_ERR_GENERIC));
        })?;
        trace::ticket_decrypted(&self.params.service, &server, request.ticket_enctype());
        let policy = AuthenticatorPolicy {
            skew_seconds_max: self.params.skew_seconds_max,
            ..AuthenticatorPolicy::default()
        };
        // From here on the request is used up, whatever else is wrong with it.
        let checked = ticket
            .verify(&policy, now)?
            .check_replay(&*self.params.replay, now)?;
        trace::ticket(checked.ticket(), &server);
        refuse_older_tokens("the ticket's session key", checked.session_key().enctype())?;
        if let Some(subkey) = checked.initiator_subkey() {
            refuse_older_tokens("the initiator's subkey", subkey.enctype())?;
        }
        let agreed = authenticator_flags::agree(&self.params, &checked)?;
        establish(&checked, server, &agreed, framing, rng)
    }

    /// Finds the key that opens the ticket: the service's principal and the enctype must fit. The kvno is not
    /// authenticated and drifts in Active Directory, so it only says which key comes first.
    fn open_ticket<'a>(
        &self,
        request: &ApReqParsed<'a>,
    ) -> Result<(TicketDecrypted<'a>, Principal), GssError> {
        let server = request.ticket_server();
        if !self.params.service.serves(server) {
            let served = alloc::format!("{}", self.params.service);
            return Err(Cause::WrongService {
                ticket: Box::new(server.clone()),
                served,
            }
            .into());
        }
        let (enctype, kvno) = (request.ticket_enctype(), request.ticket_kvno());
        let mut keys = self.params.keys.find(server, enctype).map_err(Cause::KeySource)?;
        let wanted = Box::new(server.clone());
        if keys.is_empty() {
            return Err(Cause::NoKey {
                wanted,
                enctype,
                kvno,
                held: self.params.keys.held(),
            }
            .into());
        }
        keys.sort_by_key(|key| (Some(key.kvno) != kvno, Reverse(key.kvno)));
        keys.truncate(MAX_KEYS_TRIED);
        for key in &keys {
            match request.decrypt_ticket_with_policy(&key.key, &READABLE) {
                Ok(ticket) => return Ok((ticket, key.principal.clone())),
                Err(ProtocolError::ApReq(refusal))
                    if matches!(*refusal, ApRefusal::TicketIntegrity { .. }) => {}
                Err(error) => return Err(error.into()),
            }
        }
        let tried: Vec<HeldKey> = keys.iter().map(ServiceKey::held).collect();
        Err(Cause::WrongKey {
            wanted,
            enctype,
            kvno,
            tried,
        }
        .into())
    }

    /// The KRB-ERROR for a refused client: a code, and no word of why beyond it.
    fn error_token(
        &self,
        error: &GssError,
        server: &Principal,
        framing: Framing,
        now: Now,
    ) -> Option<Vec<u8>> {
        if !self.params.error_tokens {
            return None;
        }
        let code = error.code().unwrap_or(ErrorCode::KRB_ERR_GENERIC);
        let message = ErrorReply::new(code, server.clone()).to_bytes(now).ok()?;
        Some(token::frame_error(framing, &message))
    }
}

impl Mechanism for Krb5Acceptor {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (framing, message) = token::unframe(token)?;
        let Message::ApReq(message) = message else {
            return Err(defective("expected an AP-REQ, but found another message").into());
        };
        let request = ApReqParsed::parse(message)?;
        self.accept(&request, framing, now, rng).map_err(|error| {
            let token = self.error_token(&error, request.ticket_server(), framing, now);
            error.with_token(token)
        })
    }
}

/// What the acceptor's side of the exchange ends with.
struct Answer {
    token: Option<Vec<u8>>,
    key: Key,
    acceptor_subkey: bool,
    send_seq: u32,
}

/// The AP-REP with a key and a sequence number of ours, if the initiator wants one.
fn answer(
    checked: &ReplayChecked,
    mutual: bool,
    framing: Framing,
    rng: &mut dyn CryptoRng,
) -> Result<Answer, GssError> {
    let initiator_key: &Key = match checked.initiator_subkey() {
        Some(subkey) => subkey,
        None => checked.session_key(),
    };
    trace::authenticator(initiator_key, checked.initiator_subkey());
    if !mutual {
        // The initiator learns no number of ours: both directions begin with its own, as MIT and RFC 1964 do.
        let send_seq = checked.authenticator().seq_number.unwrap_or(0);
        return Ok(Answer {
            token: None,
            key: initiator_key.clone(),
            acceptor_subkey: false,
            send_seq,
        });
    }
    let subkey = Key::generate(initiator_key.enctype(), rng)?;
    let send_seq = first_seq_number(rng);
    let params = ReplyParams {
        subkey: Some(Subkey::from(subkey.clone())),
        seq_number: Some(send_seq),
    };
    trace::ap_rep(
        checked.authenticator().client_time,
        params.subkey.as_ref(),
        send_seq,
    );
    let reply = checked.reply(params, rng)?;
    let token = Some(token::frame_ap_rep(framing, &reply.message));
    Ok(Answer {
        token,
        key: subkey,
        acceptor_subkey: true,
        send_seq,
    })
}

fn establish(
    checked: &ReplayChecked,
    server: Principal,
    agreed: &Agreed,
    framing: Framing,
    rng: &mut dyn CryptoRng,
) -> Result<Step, GssError> {
    let answer = answer(checked, agreed.flags.contains(ContextFlags::MUTUAL), framing, rng)?;
    let ticket = checked.ticket();
    let facts = ContextFacts {
        role: Role::Acceptor,
        client: checked.client().clone(),
        server,
        flags: agreed.flags,
        bindings: agreed.bindings,
        delegation_offered: agreed.delegation_offered,
        mechanism: oids::KRB5,
        negotiated: false,
        expires: Some(ticket.endtime()),
        kerberos: Some(KerberosFacts {
            auth_time: ticket.authtime(),
            start_time: ticket.starttime().unwrap_or(ticket.authtime()),
            renew_till: ticket.renew_till(),
            ticket_flags: ticket.flags(),
            session_enctype: checked.session_key().enctype(),
            ticket_enctype: ticket.enctype(),
            message_enctype: answer.key.enctype(),
            ticket_kvno: ticket.kvno(),
        }),
    };
    let messages = MessageProtection::new(ProtectionParams {
        key: answer.key,
        acceptor_subkey: answer.acceptor_subkey,
        role: Role::Acceptor,
        flags: agreed.flags,
        send_seq: answer.send_seq,
        receive_seq: checked.authenticator().seq_number.unwrap_or(0),
    });
    let context = Box::new(SecurityContext::from_parts(facts, Box::new(messages)));
    Ok(Step::Done {
        token: answer.token,
        token_is_bare_success: false,
        context,
    })
}
