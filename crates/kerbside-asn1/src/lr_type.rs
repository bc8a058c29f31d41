//! Types of a last-req entry (RFC 4120 5.4.2).

use crate::registry::registry;

registry! {
    /// The `lr-type` of a last-req entry; a negative number speaks of the answering KDC alone.
    pub struct LrType {
        LR_NONE = 0, "LR-NONE", "no information";
        LR_INITIAL_TGT = 1, "LR-INITIAL-TGT", "time of the last initial request for a TGT";
        LR_INITIAL = 2, "LR-INITIAL", "time of the last initial request";
        LR_TGT_ISSUED = 3, "LR-TGT-ISSUED", "time of issue for the newest TGT used";
        LR_RENEWAL = 4, "LR-RENEWAL", "time of the last renewal";
        LR_REQUEST = 5, "LR-REQUEST", "time of the last request of any type";
        LR_PW_EXPTIME = 6, "LR-PW-EXPTIME", "time when the password will expire";
        LR_ACCT_EXPTIME = 7, "LR-ACCT-EXPTIME", "time when the account will expire";
    }
}
