//! What a request is about, from its first look to its audit record.

use alloc::vec::Vec;

use kerbside_asn1::{KerberosTime, Principal};
use kerbside_crypto::EncryptionType;

use crate::RequestContext;
use crate::audit::{AuditRecord, AuditResult, RequestKind};

/// Who asks for what: carried through all steps, it ends as the audit record.
#[derive(Debug)]
pub(crate) struct Subject {
    pub(crate) kind: RequestKind,
    pub(crate) context: RequestContext,
    /// Our TGS: the server of errors about requests that name none.
    pub(crate) tgs: Principal,
    pub(crate) etypes: Vec<EncryptionType>,
    pub(crate) client: Option<Principal>,
    pub(crate) server: Option<Principal>,
    pub(crate) authtime: Option<KerberosTime>,
}

impl Subject {
    pub(crate) fn into_audit(self, result: AuditResult) -> AuditRecord {
        AuditRecord {
            kind: self.kind,
            from: self.context.from,
            etypes: self.etypes,
            client: self.client,
            server: self.server,
            authtime: self.authtime,
            result,
        }
    }
}
