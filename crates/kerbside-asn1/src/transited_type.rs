//! Types of a transited encoding (RFC 4120 7.5.6).

use crate::registry::registry;

registry! {
    /// The `tr-type` of a transited encoding.
    pub struct TransitedType {
        DOMAIN_X500_COMPRESS = 1, "DOMAIN-X500-COMPRESS", "";
    }
}
