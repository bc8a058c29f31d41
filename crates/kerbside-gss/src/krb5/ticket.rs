//! Finding the key that opens a ticket.

use alloc::boxed::Box;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::cmp::Reverse;

use kerbside_asn1::Principal;
use kerbside_crypto::{EnctypePolicy, Key, LongTermKey, SessionKey};
use kerbside_protocol::{ApRefusal, ApReqParsed, ProtocolError, TicketDecrypted};

use crate::acceptor::AcceptorParams;
use crate::error::{Cause, GssError};
use crate::key_source::{HeldKey, ServiceKey};

/// The most keys that one token is tried with: it comes from a stranger, and each try costs a decryption.
const MAX_KEYS_TRIED: usize = 16;

/// Keys in ticket and authenticator may be of any type here, so that one that the policy is against is refused by its
/// name afterwards.
static READABLE: EnctypePolicy = EnctypePolicy::ALLOW_ALL;

/// The key that opened a ticket.
#[derive(Debug)]
pub(super) enum TicketKey {
    /// One of the service's own.
    Service(Arc<LongTermKey>),
    /// The session key of the acceptor's own ticket-granting ticket.
    Tgt(Box<SessionKey>),
}

impl TicketKey {
    pub(super) fn key(&self) -> &Key {
        match self {
            Self::Service(key) => key,
            Self::Tgt(key) => key,
        }
    }
}

/// A ticket that a key of ours opened.
#[derive(Debug)]
pub(super) struct OpenedTicket<'a> {
    pub(super) ticket: TicketDecrypted<'a>,
    pub(super) server: Principal,
    pub(super) key: TicketKey,
}

pub(super) fn open<'a>(
    params: &AcceptorParams,
    request: &ApReqParsed<'a>,
) -> Result<OpenedTicket<'a>, GssError> {
    if request.is_user_to_user() {
        return open_user_to_user(params, request);
    }
    open_with_service_key(params, request)
}

/// The service's principal and the enctype must fit. The kvno is not authenticated and drifts in Active Directory, so it
/// only says which key comes first.
fn open_with_service_key<'a>(
    params: &AcceptorParams,
    request: &ApReqParsed<'a>,
) -> Result<OpenedTicket<'a>, GssError> {
    let server = request.ticket_server();
    if !params.service.serves(server) {
        let served = alloc::format!("{}", params.service);
        return Err(Cause::WrongService {
            ticket: Box::new(server.clone()),
            served,
        }
        .into());
    }
    let (enctype, kvno) = (request.ticket_enctype(), request.ticket_kvno());
    let mut keys = params.keys.find(server, enctype).map_err(Cause::KeySource)?;
    let wanted = Box::new(server.clone());
    if keys.is_empty() {
        return Err(Cause::NoKey {
            wanted,
            enctype,
            kvno,
            held: params.keys.held(),
            place: params.keys.place(),
        }
        .into());
    }
    keys.sort_by_key(|key| (Some(key.kvno) != kvno, Reverse(key.kvno)));
    keys.truncate(MAX_KEYS_TRIED);
    for key in &keys {
        if let Some(ticket) = try_key(request, &key.key)? {
            return Ok(OpenedTicket {
                ticket,
                server: key.principal.clone(),
                key: TicketKey::Service(Arc::clone(&key.key)),
            });
        }
    }
    let tried: Vec<HeldKey> = keys.iter().map(ServiceKey::held).collect();
    Err(Cause::WrongKey {
        wanted,
        enctype,
        kvno,
        tried,
        place: params.keys.place(),
    }
    .into())
}

/// A user-to-user ticket is for the client of one of our own ticket-granting tickets, whose session key opens it (RFC 4120
/// 3.7). No service's key is tried: the option that led here is not authenticated.
fn open_user_to_user<'a>(
    params: &AcceptorParams,
    request: &ApReqParsed<'a>,
) -> Result<OpenedTicket<'a>, GssError> {
    let (server, enctype) = (request.ticket_server(), request.ticket_enctype());
    let wanted = Box::new(server.clone());
    let mut ours = params
        .user_to_user
        .iter()
        .filter(|tgt| tgt.client == *server)
        .peekable();
    if ours.peek().is_none() {
        return Err(Cause::NoTgt { wanted: Some(wanted) }.into());
    }
    let mut tried = Vec::new();
    for tgt in ours.take(MAX_KEYS_TRIED) {
        tried.push(HeldKey {
            principal: tgt.client.clone(),
            kvno: 0,
            enctype: tgt.session_key.enctype(),
        });
        if tgt.session_key.enctype() != enctype {
            continue;
        }
        if let Some(ticket) = try_key(request, &tgt.session_key)? {
            return Ok(OpenedTicket {
                ticket,
                server: tgt.client.clone(),
                key: TicketKey::Tgt(Box::new(tgt.session_key.clone())),
            });
        }
    }
    Err(Cause::WrongKey {
        wanted,
        enctype,
        kvno: request.ticket_kvno(),
        tried,
        place: None,
    }
    .into())
}

/// The ticket, if `key` opens it.
fn try_key<'a>(request: &ApReqParsed<'a>, key: &Key) -> Result<Option<TicketDecrypted<'a>>, GssError> {
    match request.decrypt_ticket_with_policy(key, &READABLE) {
        Ok(ticket) => Ok(Some(ticket)),
        Err(ProtocolError::ApReq(refusal)) if matches!(*refusal, ApRefusal::TicketIntegrity { .. }) => {
            Ok(None)
        }
        Err(error) => Err(error.into()),
    }
}
