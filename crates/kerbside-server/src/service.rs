//! One realm's KDC between its sockets and its store: the engine, the store, the audit log

use std::net::SocketAddr;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;

use kerbside_asn1::ErrorCode;
use kerbside_kdc::{ClientAddress, Kdc, RequestContext, Transport};
use kerbside_protocol::ErrorReply;

use crate::audit::AuditLog;
use crate::clock;
use crate::random::with_buffered_rng;
use crate::store::{PrincipalStore, engine_lookup};

/// First octet of a KRB-ERROR: APPLICATION 30
const KRB_ERROR_TAG: u8 = 0x7e;

/// What to do with a request
pub(crate) struct Answer {
    /// What to send; `None`: nothing
    pub(crate) reply: Option<Vec<u8>>,
    /// Whether the same datagram again should get the same reply: a ticket, or something counted
    pub(crate) repeatable: bool,
}

/// A realm's KDC without its sockets
pub(crate) struct Service {
    kdc: Kdc,
    store: Arc<dyn PrincipalStore>,
    audit: AuditLog,
}

impl Service {
    pub(crate) fn new(kdc: Kdc, store: Arc<dyn PrincipalStore>, audit: AuditLog) -> Service {
        Service { kdc, store, audit }
    }

    pub(crate) fn audit(&self) -> &AuditLog {
        &self.audit
    }

    /// Answers one request: one audit line, and what it counts is noted
    pub(crate) fn answer(&self, request: &[u8], from: ClientAddress, transport: Transport) -> Answer {
        // A bug that one request reaches must not end the thread that serves all the others.
        let answered = catch_unwind(AssertUnwindSafe(|| {
            self.answer_or_panic(request, from, transport)
        }));
        answered.unwrap_or_else(|_| {
            self.audit.text(format!("REQ {from}: DROPPED: internal error"));
            Answer {
                reply: None,
                repeatable: false,
            }
        })
    }

    fn answer_or_panic(&self, request: &[u8], from: ClientAddress, transport: Transport) -> Answer {
        let context = RequestContext {
            now: clock::now(),
            from,
            transport,
        };
        let mut lookup = |name: &_| engine_lookup(&*self.store, name);
        let outcome = with_buffered_rng(|rng| self.kdc.handle_with(request, &context, &mut lookup, rng));
        for update in &outcome.updates {
            self.store.note(update);
        }
        let ticket = outcome
            .reply
            .as_ref()
            .is_some_and(|reply| reply.first() != Some(&KRB_ERROR_TAG));
        let repeatable = ticket || !outcome.updates.is_empty();
        self.audit.record(context.now, outcome.audit);
        Answer {
            reply: outcome.reply,
            repeatable,
        }
    }

    /// A datagram was answered from the reply cache
    pub(crate) fn note_repeated(&self, from: SocketAddr) {
        let ip = from.ip().to_canonical();
        self.audit.text(format!(
            "DISPATCH: repeated (retransmitted?) request from {ip}, resending previous response"
        ));
    }

    /// The answer to a stream message whose length is not acceptable (RFC 4120 7.2.2)
    pub(crate) fn field_too_long(&self, from: SocketAddr) -> Option<Vec<u8>> {
        let ip = from.ip().to_canonical();
        self.audit.text(format!(
            "REQ {ip}: FIELD_TOOLONG: the length of a stream message is not acceptable"
        ));
        ErrorReply::new(ErrorCode::KRB_ERR_FIELD_TOOLONG, self.kdc.tgs().clone())
            .to_bytes(clock::now())
            .ok()
    }
}
