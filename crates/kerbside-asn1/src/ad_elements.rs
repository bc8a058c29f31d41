//! Small contents of authorization data elements.

use alloc::string::String;
use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::AuthorizationData;
use crate::codec::{Element, newtype, sequence};

sequence! {
    /// So many of several elements must hold: the `ad_data` of [`AD_AND_OR`](crate::AdType::AD_AND_OR).
    ///
    /// ```text
    /// AD-AND-OR               ::= SEQUENCE {
    ///         condition-count [0] Int32,
    ///         elements        [1] AuthorizationData
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.6.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct AdAndOr<'a> {
        /// How many.
        pub condition_count: i32 = [0],
        /// Of these.
        pub elements: AuthorizationData<'a> = [1],
    }
}

/// What a KDC must understand or refuse the ticket: the `ad_data` of
/// [`AD_MANDATORY_FOR_KDC`](crate::AdType::AD_MANDATORY_FOR_KDC).
///
/// ```text
/// AD-MANDATORY-FOR-KDC    ::= AuthorizationData
/// ```
///
/// RFC 4120 5.2.6.4.
pub type AdMandatoryForKdc<'a> = AuthorizationData<'a>;

newtype! {
    /// The encryption types an initiator has for a subkey, best first: the `ad_data` of
    /// [`AD_ETYPE_NEGOTIATION`](crate::AdType::AD_ETYPE_NEGOTIATION).
    ///
    /// ```text
    /// EtypeList ::= SEQUENCE OF Int32
    /// ```
    ///
    /// RFC 4537 3.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct EtypeList(pub Vec<EncryptionType>);
}

/// The most indicators taken.
pub const MAX_AUTH_INDICATORS: usize = 64;

impl Element for &str {
    const MAX_COUNT: usize = MAX_AUTH_INDICATORS;
}

newtype! {
    /// How the client proved who it is: the `ad_data` of [`AD_AUTH_INDICATOR`](crate::AdType::AD_AUTH_INDICATOR).
    ///
    /// ```text
    /// AD-AUTHENTICATION-INDICATOR ::= SEQUENCE OF UTF8String
    /// ```
    ///
    /// RFC 8129 3.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct AdAuthIndicator<'a>(pub Vec<&'a str>);
}

/// What an initiator tells about channel bindings: the `ad_data` of [`AD_AP_OPTIONS`](crate::AdType::AD_AP_OPTIONS), four octets
/// with the least significant first (MS-KILE 3.2.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct AdApOptions(pub u32);

impl AdApOptions {
    /// Bindings are sent whenever there is an outer channel, so that none means there is none.
    pub const KERB_AP_OPTIONS_CBT: Self = Self(0x4000);
    /// The service's name comes from a source that is not trusted.
    pub const KERB_AP_OPTIONS_UNVERIFIED_TARGET_NAME: Self = Self(0x8000);

    /// Reads the element; `None` when it is not of four octets.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(u32::from_le_bytes).map(Self)
    }

    /// Writes the element.
    pub const fn to_octets(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

/// The service's name as the initiator has it: the `ad_data` of [`AD_TARGET_PRINCIPAL`](crate::AdType::AD_TARGET_PRINCIPAL),
/// UTF-16 with the least significant octet first (MS-KILE 3.2.5.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AdTargetPrincipal<'a>(pub &'a [u8]);

impl AdTargetPrincipal<'_> {
    /// The name; `None` when it is not UTF-16.
    pub fn name(&self) -> Option<String> {
        let (units, rest) = self.0.as_chunks::<2>();
        if !rest.is_empty() {
            return None;
        }
        char::decode_utf16(units.iter().map(|unit| u16::from_le_bytes(*unit)))
            .collect::<Result<String, _>>()
            .ok()
    }

    /// The octets of a name.
    pub fn octets_of(name: &str) -> Vec<u8> {
        name.encode_utf16().flat_map(u16::to_le_bytes).collect()
    }
}
