//! `PA-REQ-ENC-PA-REP`: the KDC's proof that it saw the request as the client sent it.

use crate::Checksum;

/// A checksum over the AS-REQ under the reply key: the value of a PA-DATA of type
/// [`PA_REQ_ENC_PA_REP`](crate::PaDataType::PA_REQ_ENC_PA_REP) in `encrypted_pa_data`. In the request the value is empty.
///
/// ```text
/// PA-REQ-ENC-PA-REP       ::= Checksum
/// ```
///
/// RFC 6806 11, key usage 56.
pub type PaReqEncPaRep<'a> = Checksum<'a>;
