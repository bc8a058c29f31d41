//! A request that is refused, and why.

use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::ErrorCode;

use crate::audit::AuditResult;
use crate::error_reply::error_reply;
use crate::request_context::fit_transport;
use crate::subject::Subject;
use crate::{Outcome, StoreUpdate};

/// A request that was understood and is refused: it becomes a KRB-ERROR.
#[derive(Debug)]
pub struct Refusal(Box<Inner>);

#[derive(Debug)]
struct Inner {
    subject: Subject,
    denial: Denial,
    updates: Vec<StoreUpdate>,
}

/// The reason alone, as the checks return it.
#[derive(Debug)]
pub(crate) struct Denial {
    pub(crate) code: ErrorCode,
    /// A word for the log; also the e-text when there is no other.
    pub(crate) status: &'static str,
    /// What the client is told instead of the status.
    pub(crate) e_text: Option<Cow<'static, str>>,
    /// What the log says beyond that.
    pub(crate) detail: Option<String>,
    pub(crate) e_data: Option<Vec<u8>>,
    /// The client did not prove its key.
    pub(crate) failed_proof: bool,
}

impl Denial {
    pub(crate) fn new(code: ErrorCode, status: &'static str) -> Denial {
        Denial {
            code,
            status,
            e_text: None,
            detail: None,
            e_data: None,
            failed_proof: false,
        }
    }

    /// Names what is not offered, to the client and in the log.
    pub(crate) fn text(mut self, text: &'static str) -> Denial {
        self.e_text = Some(Cow::Borrowed(text));
        self.detail = Some(text.into());
        self
    }

    /// Adds what only the log says.
    pub(crate) fn detail(mut self, detail: impl fmt::Display) -> Denial {
        self.detail = Some(alloc::format!("{detail}"));
        self
    }
}

impl Refusal {
    pub(crate) fn new(subject: Subject, denial: Denial, updates: Vec<StoreUpdate>) -> Refusal {
        Refusal(Box::new(Inner {
            subject,
            denial,
            updates,
        }))
    }

    /// The error code the client is told.
    #[must_use]
    pub fn code(&self) -> ErrorCode {
        self.0.denial.code
    }

    /// A word for the reason, MIT's where MIT has one.
    #[must_use]
    pub fn status(&self) -> &'static str {
        self.0.denial.status
    }

    /// The error's e-data (METHOD-DATA of a demand for pre-authentication).
    #[must_use]
    pub fn e_data(&self) -> Option<&[u8]> {
        self.0.denial.e_data.as_deref()
    }

    /// The KRB-ERROR, the audit record and the updates.
    #[must_use]
    pub fn into_outcome(self) -> Outcome {
        let Inner {
            subject,
            denial,
            updates,
        } = *self.0;
        let text: &str = denial.e_text.as_deref().unwrap_or(denial.status);
        let reply = error_reply(&subject, denial.code, text, denial.e_data.as_deref());
        let reply = reply.map(|bytes| fit_transport(bytes, &subject));
        let result = AuditResult::Refused {
            code: denial.code,
            status: denial.status,
            detail: denial.detail,
        };
        Outcome {
            reply,
            audit: subject.into_audit(result),
            updates,
        }
    }
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let denial = &self.0.denial;
        write!(f, "{}: {}", denial.status, denial.code)
    }
}

impl core::error::Error for Refusal {}
