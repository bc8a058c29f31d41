//! KRB-ERROR (RFC 4120 5.9.1).

use alloc::vec::Vec;

use kerbside_asn1::ErrorCode;
use kerbside_protocol::ErrorReply;

use crate::subject::Subject;

/// The encoded error about a request. A request that names no server gets the realm's TGS in its
/// place, since the field is not optional. `None` when names of the request have no encoding.
pub(crate) fn error_reply(
    subject: &Subject,
    code: ErrorCode,
    e_text: &str,
    e_data: Option<&[u8]>,
) -> Option<Vec<u8>> {
    let mut error = ErrorReply::new(
        code,
        subject.server.clone().unwrap_or_else(|| subject.tgs.clone()),
    );
    error.client = subject.client.clone();
    error.e_text = Some(e_text.into());
    error.e_data = e_data.map(<[u8]>::to_vec);
    error.to_bytes(subject.context.now).ok()
}
