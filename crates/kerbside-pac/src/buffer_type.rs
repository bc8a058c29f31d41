//! The types of a PAC's buffers (MS-PAC section 2.4).

use core::fmt;

/// The `ulType` of a PAC_INFO_BUFFER, as an open number: what is not in the table is kept and handed on.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct PacBufferType(pub u32);

/// One table makes constants and names.
macro_rules! buffer_types {
    ($( $constant:ident = $number:literal, $description:literal; )*) => {
        impl PacBufferType {
            $(
                #[doc = $description]
                pub const $constant: Self = Self($number);
            )*

            /// The types that MS-PAC section 2.4 has, in the order of its table.
            pub const ALL: &'static [Self] = &[$(Self::$constant),*];

            /// The type's name, if it is in the table.
            #[must_use]
            pub const fn name(self) -> Option<&'static str> {
                match self.0 {
                    $( $number => Some(stringify!($constant)), )*
                    _ => None,
                }
            }
        }
    };
}

buffer_types! {
    LOGON_INFO = 1, "The account and its groups: KERB_VALIDATION_INFO, section 2.5.";
    CREDENTIALS = 2, "Encrypted credentials of other protocols: PAC_CREDENTIAL_INFO, section 2.6.1.";
    SERVER_SIGNATURE = 6, "The signature under the service's key, section 2.8.4.";
    KDC_SIGNATURE = 7, "The KDC's signature over the server signature, section 2.8.5.";
    CLIENT_INFO = 10, "The client's name and authentication time: PAC_CLIENT_INFO, section 2.7.";
    DELEGATION_INFO = 11, "Who delegated: S4U_DELEGATION_INFO, section 2.9.";
    UPN_DNS_INFO = 12, "UPN, DNS domain, SAM name and SID, section 2.10.";
    CLIENT_CLAIMS = 13, "The client's claims: PAC_CLIENT_CLAIMS_INFO, section 2.11.";
    DEVICE_INFO = 14, "The client's machine and its groups: PAC_DEVICE_INFO, section 2.12.";
    DEVICE_CLAIMS = 15, "The machine's claims: PAC_DEVICE_CLAIMS_INFO, section 2.13.";
    TICKET_SIGNATURE = 16, "The KDC's signature over the ticket around the PAC, section 2.8.2.";
    ATTRIBUTES = 17, "Whether the client asked for the PAC: PAC_ATTRIBUTES_INFO, section 2.14.";
    REQUESTOR_SID = 18, "The SID of who asked for the ticket: PAC_REQUESTOR_SID, section 2.15.";
    FULL_SIGNATURE = 19, "The KDC's signature over the whole PAC (extended KDC signature), section 2.8.3.";
    REQUESTOR_GUID = 20, "The GUID of who asked for the ticket: PAC_REQUESTOR_GUID, section 2.16.";
}

impl PacBufferType {
    /// Whether the buffer is a PAC_SIGNATURE_DATA.
    #[must_use]
    pub const fn is_signature(self) -> bool {
        matches!(self.0, 6 | 7 | 16 | 19)
    }
}

impl fmt::Display for PacBufferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.name() {
            Some(name) => f.pad(name),
            None => write!(f, "PAC buffer {}", self.0),
        }
    }
}

impl fmt::Debug for PacBufferType {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "PacBufferType({}, {})",
            self.0,
            self.name().unwrap_or("unregistered")
        )
    }
}
