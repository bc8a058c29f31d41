//! User-to-user: a service without a key of its own (RFC 4120 3.7, draft-swift-win2k-krb-user2user).
//!
//! ```text
//!  initiator ── TGT-REQ ──▶ acceptor
//!  initiator ◀── TGT-REP ── acceptor      its ticket-granting ticket, to anybody who asks
//!  initiator gets a ticket under that ticket's session key
//!  initiator ── AP-REQ ───▶ acceptor      and on as in the krb5 mechanism
//! ```

use alloc::boxed::Box;
use alloc::sync::Arc;

use kerbside_asn1::{
    KerbTgtReply, KerbTgtRequest, MsgType, ObjectIdentifier, Principal, Raw, decode, encode, oids,
};
use kerbside_crypto::CryptoRng;
use kerbside_protocol::{Credential, KrbErrorFacts, Now, Refuser};

use super::acceptor::{Krb5Acceptor, error_token};
use super::initiator::{Krb5Initiator, Wanted};
use super::token::{self, Framing, Message, Mode, defective};
use crate::acceptor::AcceptorParams;
use crate::delegation::is_tgt;
use crate::error::{Cause, GssError};
use crate::mechanism::{AwaitTicket, InitiatorMechanism, Mechanism, Step, TicketRequest};

const PVNO: i32 = 5;

/// Waits for the TGT-REQ, or for the AP-REQ of an initiator that has our ticket already.
#[derive(Debug)]
pub(crate) struct UserToUserAcceptor {
    params: Arc<AcceptorParams>,
}

impl UserToUserAcceptor {
    pub(crate) fn new(params: Arc<AcceptorParams>) -> Self {
        Self { params }
    }

    /// The ticket of ours for whom the peer wants, which is everything it may ask for.
    fn tgt(&self, wanted: &KerbTgtRequest<'_>, now: Now) -> Result<&Credential, GssError> {
        let ours = &self.params.user_to_user;
        let named = |tgt: &&Credential| {
            let name = wanted.server_name.as_ref();
            let realm = wanted.realm;
            name.is_none_or(|name| {
                Principal::from_wire(tgt.client.realm.to_wire(), name).name == tgt.client.name
            }) && realm.is_none_or(|realm| tgt.client.realm.to_wire() == realm)
        };
        let valid = |tgt: &&Credential| tgt.valid_from() <= now.time && now.time < tgt.end_time;
        let asked = || match (&wanted.server_name, wanted.realm) {
            (Some(name), Some(realm)) => Some(Box::new(Principal::from_wire(realm, name))),
            _ => None,
        };
        if ours.iter().any(|tgt| valid(&tgt))
            && !ours.iter().any(|tgt| named(&tgt))
            && let Some(ticket) = asked()
        {
            let served = alloc::format!("user-to-user with {} principals", ours.len());
            return Err(Cause::WrongService { ticket, served }.into());
        }
        ours.iter()
            .filter(valid)
            .find(named)
            .ok_or_else(|| Cause::NoTgt { wanted: asked() }.into())
    }

    fn reply(&self, message: &[u8], now: Now) -> Result<Step, GssError> {
        let request: KerbTgtRequest<'_> = decode(message)?;
        require(request.pvno, request.msg_type, MsgType::KRB_TGT_REQ)?;
        let tgt = self.tgt(&request, now).map_err(|error| {
            let server = match &request.server_name {
                Some(name) => Principal::from_wire(request.realm.unwrap_or("".into()), name),
                None => Principal::anonymous(),
            };
            let framing = Framing::Framed(Mode::UserToUser);
            let token = error_token(&self.params, &error, &server, framing, now);
            error.with_token(token)
        })?;
        let message = encode(&KerbTgtReply {
            pvno: PVNO,
            msg_type: MsgType::KRB_TGT_REP,
            ticket: Raw::parse(&tgt.ticket)?,
        })?;
        Ok(Step::Continue {
            token: token::frame_tgt_reply(&message),
            next: Box::new(Krb5Acceptor::user_to_user(Arc::clone(&self.params))),
        })
    }
}

impl Mechanism for UserToUserAcceptor {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5_U2U
    }

    fn step(self: Box<Self>, token: &[u8], now: Now, rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let (_, message) = token::unframe(Mode::UserToUser, token)?;
        if let Message::TgtRequest(message) = message {
            return self.reply(message, now);
        }
        Box::new(Krb5Acceptor::user_to_user(self.params)).step(token, now, rng)
    }
}

fn require(pvno: i32, msg_type: MsgType, expected: MsgType) -> Result<(), GssError> {
    if pvno != PVNO || msg_type != expected {
        return Err(defective("its message is not the one that the token identifier says").into());
    }
    Ok(())
}

/// Not begun yet: whom to speak with, and what is wanted.
#[derive(Debug)]
pub(crate) struct UserToUserBegin {
    pub(crate) server: Principal,
    pub(crate) wanted: Wanted,
}

impl InitiatorMechanism for UserToUserBegin {
    fn oids(&self) -> &[ObjectIdentifier] {
        &[oids::KRB5_U2U]
    }

    fn start(self: Box<Self>, _now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let message = encode(&KerbTgtRequest {
            pvno: PVNO,
            msg_type: MsgType::KRB_TGT_REQ,
            server_name: Some(self.server.to_wire()),
            realm: Some(self.server.realm.to_wire()),
        })?;
        Ok(Step::Continue {
            token: token::frame_tgt_request(&message),
            next: Box::new(AwaitTgt(*self)),
        })
    }
}

/// Waits for the acceptor's ticket-granting ticket.
#[derive(Debug)]
struct AwaitTgt(UserToUserBegin);

impl Mechanism for AwaitTgt {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5_U2U
    }

    fn step(self: Box<Self>, token: &[u8], _now: Now, _rng: &mut dyn CryptoRng) -> Result<Step, GssError> {
        let message = match token::unframe(Mode::UserToUser, token)?.1 {
            Message::TgtReply(message) => message,
            Message::Error(message) => {
                let server = self.0.server;
                let by = Refuser::Service(server.clone());
                return Err(KrbErrorFacts::parse(message)?
                    .into_refusal(by, None, server)
                    .into());
            }
            _ => return Err(defective("expected a TGT-REP or KRB-ERROR, but found another message").into()),
        };
        let reply: KerbTgtReply<'_> = decode(message)?;
        require(reply.pvno, reply.msg_type, MsgType::KRB_TGT_REP)?;
        // Whose it is, the KDC says. That it is no other ticket, its outside must.
        if !is_tgt(&Principal::from_wire(reply.ticket.realm, &reply.ticket.sname)) {
            return Err(defective("expected a ticket-granting ticket, but found another one").into());
        }
        let second_ticket = reply.ticket.bytes().to_vec();
        Ok(Step::NeedTicket {
            request: TicketRequest {
                server: self.0.server.clone(),
                second_ticket: second_ticket.clone(),
            },
            next: Box::new(AwaitUserToUserTicket {
                begun: self.0,
                second_ticket,
            }),
        })
    }
}

/// Waits for the ticket under the acceptor's session key.
#[derive(Debug)]
struct AwaitUserToUserTicket {
    begun: UserToUserBegin,
    second_ticket: alloc::vec::Vec<u8>,
}

impl AwaitTicket for AwaitUserToUserTicket {
    fn oid(&self) -> ObjectIdentifier {
        oids::KRB5_U2U
    }

    fn ticket(
        self: Box<Self>,
        credential: Credential,
        now: Now,
        rng: &mut dyn CryptoRng,
    ) -> Result<Step, GssError> {
        if !credential.is_skey || credential.second_ticket != self.second_ticket {
            let reason = "expected a user-to-user ticket under the acceptor's ticket-granting ticket";
            return Err(Cause::Misuse { reason }.into());
        }
        if credential.server != self.begun.server {
            return Err(Cause::WrongService {
                ticket: Box::new(credential.server),
                served: alloc::format!("{}", self.begun.server),
            }
            .into());
        }
        Krb5Initiator::user_to_user(credential, self.begun.wanted).begin(now, rng)
    }
}
