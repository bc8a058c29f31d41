//! Message types (RFC 4120 7.5.7).

use crate::registry::registry;

registry! {
    /// The `msg-type` of a message; for most it is also the number of its APPLICATION tag.
    pub struct MsgType {
        AS_REQ = 10, "AS-REQ", "";
        AS_REP = 11, "AS-REP", "";
        TGS_REQ = 12, "TGS-REQ", "";
        TGS_REP = 13, "TGS-REP", "";
        AP_REQ = 14, "AP-REQ", "";
        AP_REP = 15, "AP-REP", "";
        KRB_TGT_REQ = 16, "KRB-TGT-REQ", "";
        KRB_TGT_REP = 17, "KRB-TGT-REP", "";
        KRB_SAFE = 20, "KRB-SAFE", "";
        KRB_PRIV = 21, "KRB-PRIV", "";
        KRB_CRED = 22, "KRB-CRED", "";
        KRB_ERROR = 30, "KRB-ERROR", "";
    }
}
