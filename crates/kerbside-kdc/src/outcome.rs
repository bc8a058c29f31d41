//! What a request results in.

use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::KerberosTime;

use crate::{AuditRecord, PrincipalEntry};

/// Everything one request results in.
#[derive(Debug)]
pub struct Outcome {
    /// The bytes to send back; `None`: send nothing (the packet was no request, or is not to be
    /// answered at all).
    pub reply: Option<Vec<u8>>,
    /// What to write to the audit log: one line per request, always.
    pub audit: AuditRecord,
    /// What the store should note. The server applies them, in groups if it likes.
    pub updates: Vec<StoreUpdate>,
}

/// Something a request asks the store to note.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum StoreUpdate {
    /// The client proved its key: set `last_success`, reset `fail_auth_count`.
    PreAuthSucceeded {
        /// The client, as it was looked up.
        entry: Arc<PrincipalEntry>,
        /// When.
        at: KerberosTime,
    },
    /// The client failed to prove its key: set `last_failed`, add one to `fail_auth_count`.
    PreAuthFailed {
        /// The client, as it was looked up.
        entry: Arc<PrincipalEntry>,
        /// When.
        at: KerberosTime,
    },
}

impl StoreUpdate {
    /// The principal concerned.
    #[must_use]
    pub fn entry(&self) -> &Arc<PrincipalEntry> {
        match self {
            StoreUpdate::PreAuthSucceeded { entry, .. } | StoreUpdate::PreAuthFailed { entry, .. } => entry,
        }
    }
}

/// The principal store could not answer. The client is told KDC_ERR_SVC_UNAVAILABLE (29), the audit
/// record carries the text.
#[derive(Clone, Debug)]
pub struct StoreError(pub String);

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "principal store: {}", self.0)
    }
}

impl core::error::Error for StoreError {}
