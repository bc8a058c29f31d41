//! What Windows adds to requests, replies and errors (MS-KILE 2.2).

use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::codec::{Element, newtype, sequence};
use crate::flags::flags;
use crate::registry::registry;
use crate::{EncryptionKey, KerberosString, KerberosTime, PrincipalName};

sequence! {
    /// Whether a PAC is wanted: the value of [`PA_PAC_REQUEST`](crate::PaDataType::PA_PAC_REQUEST).
    ///
    /// ```text
    /// KERB-PA-PAC-REQUEST ::= SEQUENCE {
    ///         include-pac     [0] BOOLEAN
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.3.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct KerbPaPacRequest {
        /// Whether it is.
        pub include_pac: bool = [0],
    }
}

flags! {
    /// What a client or KDC can do with a PAC (MS-KILE 2.2.10).
    pub struct PacOptions {
        CLAIMS = 0, "claims";
        BRANCH_AWARE = 1, "branch-aware";
        FORWARD_TO_FULL_DC = 2, "forward-to-full-DC";
        RESOURCE_BASED_CONSTRAINED_DELEGATION = 3, "resource-based-constrained-delegation";
    }
}

sequence! {
    /// The value of [`PA_PAC_OPTIONS`](crate::PaDataType::PA_PAC_OPTIONS).
    ///
    /// ```text
    /// PA-PAC-OPTIONS ::= SEQUENCE {
    ///         flags           [0] KerberosFlags
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.10.
    #[derive(Clone, Copy, Debug, PartialEq, Eq)]
    pub struct PaPacOptions {
        /// The options.
        pub flags: PacOptions = [0],
    }
}

/// The most keys taken in one list.
pub const MAX_KEYS: usize = 64;

impl Element for EncryptionKey<'_> {
    const MAX_COUNT: usize = MAX_KEYS;
}

newtype! {
    /// The encryption types whose long-term keys a read-only KDC asks for: the value of
    /// [`KER5_PADATA_KERB_KEY_LIST_REQ`](crate::PaDataType::KER5_PADATA_KERB_KEY_LIST_REQ).
    ///
    /// ```text
    /// KERB-KEY-LIST-REQ ::= SEQUENCE OF Int32
    /// ```
    ///
    /// MS-KILE 2.2.11.
    #[derive(Clone, Debug, PartialEq, Eq, Default)]
    pub struct KerbKeyListReq(pub Vec<EncryptionType>);
}

newtype! {
    /// The keys asked for: the value of
    /// [`KER5_PADATA_KERB_PAKEY_LIST_REP`](crate::PaDataType::KER5_PADATA_KERB_PAKEY_LIST_REP) in the encrypted part of a reply.
    ///
    /// ```text
    /// KERB-KEY-LIST-REP ::= SEQUENCE OF EncryptionKey
    /// ```
    ///
    /// MS-KILE 2.2.12. Debug shows no key.
    #[derive(Clone, Debug, Default)]
    pub struct KerbKeyListRep<'a>(pub Vec<EncryptionKey<'a>>);
}

sequence! {
    /// The account that took this one's place, in the `e-data` of an error.
    ///
    /// ```text
    /// KERB-SUPERSEDED-BY-USER ::= SEQUENCE {
    ///         name            [0] PrincipalName,
    ///         realm           [1] Realm
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.13.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KerbSupersededByUser<'a> {
        /// Its name.
        pub name: PrincipalName<'a> = [0],
        /// Its realm.
        pub realm: KerberosString<'a> = [1],
    }
}

sequence! {
    /// The keys of a delegated managed service account.
    ///
    /// ```text
    /// KERB-DMSA-KEY-PACKAGE ::= SEQUENCE {
    ///         current-keys        [0] SEQUENCE OF EncryptionKey,
    ///         previous-keys       [1] SEQUENCE OF EncryptionKey OPTIONAL,
    ///         expiration-interval [2] KerberosTime,
    ///         fetch-interval      [4] KerberosTime
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.14. Debug shows no key.
    #[derive(Clone, Debug)]
    pub struct KerbDmsaKeyPackage<'a> {
        /// Those in use.
        pub current_keys: Vec<EncryptionKey<'a>> = [0],
        /// Those before.
        pub previous_keys: Option<Vec<EncryptionKey<'a>>> = [1],
        /// When they end.
        pub expiration_interval: KerberosTime = [2],
        /// When to ask again.
        pub fetch_interval: KerberosTime = [4],
    }
}

registry! {
    /// The `data-type` of a [`KerbErrorData`].
    pub struct KerbErrorDataType {
        KERB_AP_ERR_TYPE_SKEW_RECOVERY = 2, "KERB_AP_ERR_TYPE_SKEW_RECOVERY", "the clock skew may be corrected for";
        KERB_ERR_TYPE_EXTENDED = 3, "KERB_ERR_TYPE_EXTENDED", "an extended error with an NTSTATUS";
    }
}

sequence! {
    /// What Windows says about an error in its `e-data`.
    ///
    /// ```text
    /// KERB-ERROR-DATA ::= SEQUENCE {
    ///         data-type       [1] Int32,
    ///         data-value      [2] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// MS-KILE 2.2.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KerbErrorData<'a> {
        /// The kind.
        pub data_type: KerbErrorDataType = [1],
        /// A [`KerbExtError`] where the kind is that.
        pub data_value: Option<&'a [u8]> = [2],
    }
}

/// A Windows status beside an error: in a [`KerbErrorData`], or as the value of a
/// [`PA_PW_SALT`](crate::PaDataType::PA_PW_SALT) in an error (MS-KILE 2.2.2). Numbers have their least significant octet first.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct KerbExtError {
    /// An NTSTATUS.
    pub status: u32,
    /// Nothing.
    pub reserved: u32,
    /// Bit 0: the status is for the client.
    pub flags: u32,
}

impl KerbExtError {
    /// Reads the structure; `None` when it is not of twelve octets.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        let (status, rest) = octets.split_first_chunk()?;
        let (reserved, rest) = rest.split_first_chunk()?;
        Some(Self {
            status: u32::from_le_bytes(*status),
            reserved: u32::from_le_bytes(*reserved),
            flags: u32::from_le_bytes(rest.try_into().ok()?),
        })
    }

    /// Writes the structure.
    pub fn to_octets(self) -> [u8; 12] {
        let mut octets = [0; 12];
        let fields = [self.status, self.reserved, self.flags];
        for (place, field) in octets.as_chunks_mut::<4>().0.iter_mut().zip(fields) {
            *place = field.to_le_bytes();
        }
        octets
    }
}

/// What encryption types and features an account has: `msDS-SupportedEncryptionTypes`, and the value of
/// [`PA_SUPPORTED_ETYPES`](crate::PaDataType::PA_SUPPORTED_ETYPES), four octets with the least significant first
/// (MS-KILE 2.2.7, 2.2.8).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub struct SupportedEnctypes(pub u32);

macro_rules! supported_enctypes {
    ($($konst:ident = $mask:literal, $name:literal;)+) => {
        impl SupportedEnctypes {
            $(#[doc = concat!("`", $name, "`")]
            pub const $konst: Self = Self($mask);)+

            /// The names of those that are set and have one.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$konst, $name)),+].into_iter().filter_map(move |(bit, name)| {
                    self.contains(bit).then_some(name)
                })
            }
        }
    };
}

supported_enctypes! {
    DES_CBC_CRC = 0x01, "DES-CBC-CRC";
    DES_CBC_MD5 = 0x02, "DES-CBC-MD5";
    RC4_HMAC = 0x04, "RC4-HMAC";
    AES128_CTS_HMAC_SHA1_96 = 0x08, "AES128-CTS-HMAC-SHA1-96";
    AES256_CTS_HMAC_SHA1_96 = 0x10, "AES256-CTS-HMAC-SHA1-96";
    AES256_CTS_HMAC_SHA1_96_SK = 0x20, "AES256-CTS-HMAC-SHA1-96-SK";
    AES128_CTS_HMAC_SHA256_128 = 0x40, "AES128-CTS-HMAC-SHA256-128";
    AES256_CTS_HMAC_SHA384_192 = 0x80, "AES256-CTS-HMAC-SHA384-192";
    FAST_SUPPORTED = 0x1_0000, "FAST-supported";
    COMPOUND_IDENTITY_SUPPORTED = 0x2_0000, "Compound-identity-supported";
    CLAIMS_SUPPORTED = 0x4_0000, "Claims-supported";
    RESOURCE_SID_COMPRESSION_DISABLED = 0x8_0000, "Resource-SID-compression-disabled";
}

impl SupportedEnctypes {
    /// Reads the value; `None` when it is not of four octets.
    pub fn from_octets(octets: &[u8]) -> Option<Self> {
        octets.try_into().ok().map(u32::from_le_bytes).map(Self)
    }

    /// Writes the value.
    pub const fn to_octets(self) -> [u8; 4] {
        self.0.to_le_bytes()
    }

    /// Whether all of `other` are set.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These and those of `other`.
    #[must_use]
    pub const fn with(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
