//! Name types (RFC 4120 6.2, RFC 6111, RFC 6806).

use crate::registry::registry;

registry! {
    /// The `name-type` of a principal name: a hint, never part of a comparison (RFC 4120 6.2).
    pub struct NameType {
        NT_UNKNOWN = 0, "NT-UNKNOWN", "";
        NT_PRINCIPAL = 1, "NT-PRINCIPAL", "";
        NT_SRV_INST = 2, "NT-SRV-INST", "";
        NT_SRV_HST = 3, "NT-SRV-HST", "";
        NT_SRV_XHST = 4, "NT-SRV-XHST", "";
        NT_UID = 5, "NT-UID", "";
        NT_X500_PRINCIPAL = 6, "NT-X500-PRINCIPAL", "";
        NT_SMTP_NAME = 7, "NT-SMTP-NAME", "";
        NT_ENTERPRISE = 10, "NT-ENTERPRISE", "";
        NT_WELLKNOWN = 11, "NT-WELLKNOWN", "";
        NT_SRV_HST_DOMAIN = 12, "NT-SRV-HST-DOMAIN", "";
        NT_MS_PRINCIPAL = -128, "NT-MS-PRINCIPAL", "";
        NT_MS_PRINCIPAL_AND_ID = -129, "NT-MS-PRINCIPAL-AND-ID", "";
        NT_ENT_PRINCIPAL_AND_ID = -130, "NT-ENT-PRINCIPAL-AND-ID", "";
    }
}
