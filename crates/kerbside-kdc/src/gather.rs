//! The first step: decode, and ask for the principals the request names.

use alloc::boxed::Box;
use alloc::string::ToString;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{AsReq, ErrorCode, KdcReqBody, MsgType, Principal, TgsReq};

use crate::audit::{AuditRecord, AuditResult, RequestKind};
use crate::kdc::{PVNO, REQUEST_BYTES_MAX};
use crate::refusal::{Denial, Refusal};
use crate::subject::Subject;
use crate::tgs_gather::{TgsFacts, TgsOpened, TgsRequest};
use crate::{Approved, Kdc, Outcome, PrincipalEntry, RequestContext, StoreError, as_check, tgs_check};

/// The most rounds of lookups one request takes.
pub const LOOKUP_ROUNDS_MAX: usize = 2;

/// Where gathering stands.
#[derive(Debug)]
#[non_exhaustive]
pub enum Gather<'a> {
    /// Principals are to be looked up.
    Lookup(Pending<'a>),
    /// Everything is there.
    Ready(Facts<'a>),
    /// The request ends here: refused, or not to be answered.
    Finished(Box<Outcome>),
}

/// A request that waits for the store.
pub struct Pending<'a>(Box<Wait<'a>>);

/// What is waited for.
enum Wait<'a> {
    /// Client and server of an AS-REQ.
    As(AsRequest<'a>),
    /// The server of the ticket in a TGS-REQ, and the server asked for.
    Tgs(TgsRequest<'a>),
    /// The client in that ticket.
    TgsClient(TgsOpened<'a>),
}

/// All facts of a request; [`Facts::check`] decides on them.
pub struct Facts<'a>(FactsOf<'a>);

enum FactsOf<'a> {
    As(Box<AsFacts<'a>>),
    Tgs(Box<TgsFacts<'a>>),
}

/// A decoded AS-REQ with its names.
pub(crate) struct AsRequest<'a> {
    pub(crate) kdc: &'a Kdc,
    pub(crate) subject: Subject,
    /// As received.
    pub(crate) bytes: &'a [u8],
    pub(crate) message: AsReq<'a>,
    pub(crate) client: Principal,
    pub(crate) server: Principal,
}

/// An AS-REQ and what the store says of its names.
pub(crate) struct AsFacts<'a> {
    pub(crate) request: AsRequest<'a>,
    pub(crate) client: Option<Arc<PrincipalEntry>>,
    pub(crate) server: Option<Arc<PrincipalEntry>>,
}

impl Kdc {
    /// Decodes a packet. Whatever is no AS-REQ or TGS-REQ gets no answer: replies and errors
    /// because two servers could be made to answer each other for ever (CVE-2002-2443), rubbish
    /// because nobody waits for an answer to it.
    pub fn gather<'a>(&'a self, request: &'a [u8], context: &RequestContext) -> Gather<'a> {
        if request.len() > REQUEST_BYTES_MAX {
            let reason = alloc::format!(
                "packet of {} bytes, but a request has at most {REQUEST_BYTES_MAX}",
                request.len()
            );
            return dropped(RequestKind::Other, context, reason);
        }
        match kerbside_asn1::peek_message(request) {
            Some(MsgType::AS_REQ) => match kerbside_asn1::decode::<AsReq<'_>>(request) {
                Ok(message) => self.gather_as(request, message, context),
                Err(error) => dropped(RequestKind::As, context, error.to_string()),
            },
            Some(MsgType::TGS_REQ) => match kerbside_asn1::decode::<TgsReq<'_>>(request) {
                Ok(message) => TgsRequest::gather(self, request, message, context),
                Err(error) => dropped(RequestKind::Tgs, context, error.to_string()),
            },
            Some(other) => dropped(
                RequestKind::Other,
                context,
                alloc::format!("{other} is not a request to a KDC"),
            ),
            None => dropped(RequestKind::Other, context, "no Kerberos message".into()),
        }
    }

    fn gather_as<'a>(&'a self, bytes: &'a [u8], message: AsReq<'a>, context: &RequestContext) -> Gather<'a> {
        let subject = self.subject(RequestKind::As, &message.req_body, context);
        if let Err(denial) = well_formed(message.pvno, message.msg_type, MsgType::AS_REQ) {
            return refused(subject, denial);
        }
        let Some(client) = subject.client.clone() else {
            let denial = Denial::new(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "NULL_CLIENT");
            return refused(subject, denial);
        };
        let Some(server) = subject.server.clone() else {
            let denial = Denial::new(ErrorCode::KDC_ERR_S_PRINCIPAL_UNKNOWN, "NULL_SERVER");
            return refused(subject, denial);
        };
        if client.realm != self.policy().realm {
            let denial = Denial::new(ErrorCode::KDC_ERR_C_PRINCIPAL_UNKNOWN, "CLIENT_NOT_FOUND")
                .detail("the realm is not served here");
            return refused(subject, denial);
        }
        let request = AsRequest {
            kdc: self,
            subject,
            bytes,
            message,
            client,
            server,
        };
        Gather::Lookup(Pending(Box::new(Wait::As(request))))
    }

    /// Who asks for what, as far as the unprotected body says.
    pub(crate) fn subject(
        &self,
        kind: RequestKind,
        body: &KdcReqBody<'_>,
        context: &RequestContext,
    ) -> Subject {
        let name = |name: &Option<kerbside_asn1::PrincipalName<'_>>| {
            name.as_ref()
                .filter(|name| !name.name_string.is_empty())
                .map(|name| Principal::from_wire(body.realm, name))
        };
        Subject {
            kind,
            context: *context,
            tgs: self.tgs().clone(),
            etypes: body.etype.clone(),
            client: if kind == RequestKind::As {
                name(&body.cname)
            } else {
                None
            },
            server: name(&body.sname),
            authtime: None,
        }
    }
}

/// What an AS-REQ and a TGS-REQ have in common.
pub(crate) fn well_formed(pvno: i32, msg_type: MsgType, expected: MsgType) -> Result<(), Denial> {
    if pvno != PVNO {
        return Err(Denial::new(ErrorCode::KDC_ERR_BAD_PVNO, "BAD_PVNO"));
    }
    if msg_type != expected {
        return Err(Denial::new(ErrorCode::KRB_AP_ERR_MSG_TYPE, "BAD_MSG_TYPE"));
    }
    Ok(())
}

impl<'a> Pending<'a> {
    pub(crate) fn tgs(request: TgsRequest<'a>) -> Pending<'a> {
        Pending(Box::new(Wait::Tgs(request)))
    }

    /// The principals to look up, in order.
    pub fn names(&self) -> impl Iterator<Item = &Principal> {
        let (first, second) = match &*self.0 {
            Wait::As(request) => (&request.client, Some(&request.server)),
            Wait::Tgs(request) => (request.kdc.tgs(), Some(&request.server)),
            Wait::TgsClient(opened) => (opened.client(), None),
        };
        core::iter::once(first).chain(second)
    }

    /// Goes on with the entries found, one for each name in the order of [`names`](Self::names).
    /// A missing one counts as not found.
    pub fn found(self, entries: Vec<Option<Arc<PrincipalEntry>>>) -> Gather<'a> {
        let mut entries = entries.into_iter();
        let mut next = || entries.next().flatten();
        match *self.0 {
            Wait::As(request) => {
                let (client, server) = (next(), next());
                Gather::Ready(Facts(FactsOf::As(Box::new(AsFacts {
                    request,
                    client,
                    server,
                }))))
            }
            Wait::Tgs(request) => {
                let (tgs, server) = (next(), next());
                match request.open(tgs, server) {
                    Ok(opened) => Gather::Lookup(Pending(Box::new(Wait::TgsClient(opened)))),
                    Err(refusal) => Gather::Finished(Box::new(refusal.into_outcome())),
                }
            }
            Wait::TgsClient(opened) => {
                Gather::Ready(Facts(FactsOf::Tgs(Box::new(opened.with_client(next())))))
            }
        }
    }

    /// Ends the request because the store could not answer: KDC_ERR_SVC_UNAVAILABLE (29), at which
    /// clients try another KDC.
    #[must_use]
    pub fn store_failed(self, error: &StoreError) -> Outcome {
        let subject = match *self.0 {
            Wait::As(request) => request.subject,
            Wait::Tgs(request) => request.subject,
            Wait::TgsClient(opened) => opened.into_subject(),
        };
        let denial = Denial::new(ErrorCode::KDC_ERR_SVC_UNAVAILABLE, "DATABASE_UNAVAILABLE").detail(error);
        Refusal::new(subject, denial, Vec::new()).into_outcome()
    }
}

impl<'a> Facts<'a> {
    /// Decides: a pure function of the facts and the realm's policy.
    ///
    /// # Errors
    /// The refusal, with the error code of RFC 4120 and what the store should note of it.
    pub fn check(self) -> Result<Approved<'a>, Refusal> {
        match self.0 {
            FactsOf::As(facts) => as_check::check(*facts),
            FactsOf::Tgs(facts) => tgs_check::check(*facts),
        }
    }
}

impl fmt::Debug for Pending<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list().entries(self.names()).finish()
    }
}

impl fmt::Debug for Facts<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let subject = match &self.0 {
            FactsOf::As(facts) => &facts.request.subject,
            FactsOf::Tgs(facts) => &facts.request.subject,
        };
        f.debug_tuple("Facts").field(subject).finish()
    }
}

/// A request that gets an error.
pub(crate) fn refused<'a>(subject: Subject, denial: Denial) -> Gather<'a> {
    Gather::Finished(Box::new(Refusal::new(subject, denial, Vec::new()).into_outcome()))
}

/// A packet that gets no answer.
fn dropped<'a>(kind: RequestKind, context: &RequestContext, reason: alloc::string::String) -> Gather<'a> {
    let audit = AuditRecord {
        kind,
        from: context.from,
        etypes: Vec::new(),
        client: None,
        server: None,
        authtime: None,
        result: AuditResult::Dropped { reason },
    };
    Gather::Finished(Box::new(Outcome {
        reply: None,
        audit,
        updates: Vec::new(),
    }))
}
