//! `KerberosFlags` and its three kinds: `TicketFlags`, `KDCOptions`, `APOptions`.

use crate::error::DecodeError;
use crate::reader::Reader;
use crate::writer::Writer;

/// Octets of what is sent: the count of unused bits and 32 bits.
pub(crate) const ENCODED_LEN: usize = 5;

/// Reads the first 32 bits of a BIT STRING; missing ones are 0, further ones are not looked at (RFC 4120 5.2.8).
pub(crate) fn decode_bits(contents: &mut Reader<'_>) -> Result<u32, DecodeError> {
    let (unused, octets) = match contents.rest().split_first() {
        Some((unused @ 0..=7, octets)) if *unused == 0 || !octets.is_empty() => (*unused, octets),
        _ => return Err(contents.bad_value("a BIT STRING with 0 to 7 unused bits")),
    };
    let mut bits = [0; 4];
    for (bit_octet, octet) in bits.iter_mut().zip(octets) {
        *bit_octet = *octet;
    }
    // Unused bits of the last octet do not count, whatever they are.
    let count = octets.len().saturating_mul(8).saturating_sub(usize::from(unused));
    let mask = u32::try_from(count)
        .ok()
        .filter(|count| *count < 32)
        .map_or(u32::MAX, |count| !(u32::MAX >> count));
    Ok(u32::from_be_bytes(bits) & mask)
}

pub(crate) fn encode_bits(bits: u32, writer: &mut Writer<'_>) -> der::Result<()> {
    writer.write(&bits.to_be_bytes())?;
    writer.write(&[0])
}

/// Makes an open set of 32 flags from a table. Bit 0 is the most significant.
macro_rules! flags {
    ($(#[$meta:meta])* pub struct $ty:ident { $($konst:ident = $bit:literal, $name:literal;)+ }) => {
        $(#[$meta])*
        #[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
        pub struct $ty(pub u32);

        impl $ty {
            $(#[doc = concat!("`", $name, "` (bit ", stringify!($bit), ")")]
            pub const $konst: Self = Self(1 << (31 - $bit));)+

            /// No flag.
            pub const NONE: Self = Self(0);

            /// Whether all flags of `other` are set.
            pub const fn contains(self, other: Self) -> bool {
                self.0 & other.0 == other.0
            }

            /// Whether any flag of `other` is set.
            pub const fn intersects(self, other: Self) -> bool {
                self.0 & other.0 != 0
            }

            /// Sets the flags of `other`.
            pub const fn insert(&mut self, other: Self) {
                self.0 |= other.0;
            }

            /// Clears the flags of `other`.
            pub const fn remove(&mut self, other: Self) {
                self.0 &= !other.0;
            }

            /// Sets or clears the flags of `other`.
            pub const fn set(&mut self, other: Self, on: bool) {
                if on { self.insert(other) } else { self.remove(other) }
            }

            /// These flags and those of `other`.
            #[must_use]
            pub const fn with(self, other: Self) -> Self {
                Self(self.0 | other.0)
            }

            /// These flags without those of `other`.
            #[must_use]
            pub const fn without(self, other: Self) -> Self {
                Self(self.0 & !other.0)
            }

            /// Whether no flag is set.
            pub const fn is_empty(self) -> bool {
                self.0 == 0
            }

            /// The bits, the first as the most significant.
            pub const fn bits(self) -> u32 {
                self.0
            }

            /// The RFC's names of those flags that are set and have one, in the order of their bits.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$((Self::$konst, $name)),+].into_iter().filter_map(move |(flag, name)| {
                    self.contains(flag).then_some(name)
                })
            }
        }

        impl core::ops::BitOr for $ty {
            type Output = Self;

            fn bitor(self, other: Self) -> Self {
                self.with(other)
            }
        }

        impl core::ops::BitOrAssign for $ty {
            fn bitor_assign(&mut self, other: Self) {
                self.insert(other);
            }
        }

        impl core::ops::BitAnd for $ty {
            type Output = Self;

            fn bitand(self, other: Self) -> Self {
                Self(self.0 & other.0)
            }
        }

        /// The names, and the number of what has none: `forwardable, renewable, 0x00020000`.
        impl core::fmt::Display for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                let unnamed = self.without(Self::NONE$(.with(Self::$konst))+);
                let mut separator = "";
                for name in self.names() {
                    write!(f, "{separator}{name}")?;
                    separator = ", ";
                }
                if unnamed.is_empty() { Ok(()) } else { write!(f, "{separator}{:#010x}", unnamed.0) }
            }
        }

        impl core::fmt::Debug for $ty {
            fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
                write!(f, "{}({self})", stringify!($ty))
            }
        }

        impl $crate::codec::DecodeValue<'_> for $ty {
            const TAG: u8 = $crate::tag::BIT_STRING;

            fn decode_value(contents: &mut $crate::reader::Reader<'_>) -> Result<Self, $crate::error::DecodeError> {
                $crate::flags::decode_bits(contents).map(Self)
            }
        }

        impl $crate::codec::EncodeValue for $ty {
            const TAG: u8 = $crate::tag::BIT_STRING;

            fn value_len(&self) -> usize {
                $crate::flags::ENCODED_LEN
            }

            fn encode_value(&self, writer: &mut $crate::writer::Writer<'_>) -> der::Result<()> {
                $crate::flags::encode_bits(self.0, writer)
            }
        }
    };
}
pub(crate) use flags;

flags! {
    /// What a ticket may be used for, and how it came to be.
    ///
    /// ```text
    /// TicketFlags     ::= KerberosFlags
    /// ```
    ///
    /// RFC 4120 5.3; `enc-pa-rep` is RFC 6806, `anonymous` RFC 8062.
    pub struct TicketFlags {
        RESERVED = 0, "reserved";
        FORWARDABLE = 1, "forwardable";
        FORWARDED = 2, "forwarded";
        PROXIABLE = 3, "proxiable";
        PROXY = 4, "proxy";
        MAY_POSTDATE = 5, "may-postdate";
        POSTDATED = 6, "postdated";
        INVALID = 7, "invalid";
        RENEWABLE = 8, "renewable";
        INITIAL = 9, "initial";
        PRE_AUTHENT = 10, "pre-authent";
        HW_AUTHENT = 11, "hw-authent";
        TRANSITED_POLICY_CHECKED = 12, "transited-policy-checked";
        OK_AS_DELEGATE = 13, "ok-as-delegate";
        ENC_PA_REP = 15, "enc-pa-rep";
        ANONYMOUS = 16, "anonymous";
    }
}

flags! {
    /// What a client asks a KDC for.
    ///
    /// ```text
    /// KDCOptions      ::= KerberosFlags
    /// ```
    ///
    /// RFC 4120 5.4.1; `cname-in-addl-tkt` is MS-SFU, `canonicalize` RFC 6806, `request-anonymous` RFC 8062.
    pub struct KdcOptions {
        RESERVED = 0, "reserved";
        FORWARDABLE = 1, "forwardable";
        FORWARDED = 2, "forwarded";
        PROXIABLE = 3, "proxiable";
        PROXY = 4, "proxy";
        ALLOW_POSTDATE = 5, "allow-postdate";
        POSTDATED = 6, "postdated";
        RENEWABLE = 8, "renewable";
        OPT_HARDWARE_AUTH = 11, "opt-hardware-auth";
        CNAME_IN_ADDL_TKT = 14, "cname-in-addl-tkt";
        CANONICALIZE = 15, "canonicalize";
        REQUEST_ANONYMOUS = 16, "request-anonymous";
        DISABLE_TRANSITED_CHECK = 26, "disable-transited-check";
        RENEWABLE_OK = 27, "renewable-ok";
        ENC_TKT_IN_SKEY = 28, "enc-tkt-in-skey";
        RENEW = 30, "renew";
        VALIDATE = 31, "validate";
    }
}

flags! {
    /// How an AP-REQ is to be taken.
    ///
    /// ```text
    /// APOptions       ::= KerberosFlags
    /// ```
    ///
    /// RFC 4120 5.5.1; `etype-negotiation` never travels, it is MIT's mark inside its library.
    pub struct ApOptions {
        RESERVED = 0, "reserved";
        USE_SESSION_KEY = 1, "use-session-key";
        MUTUAL_REQUIRED = 2, "mutual-required";
        ETYPE_NEGOTIATION = 31, "etype-negotiation";
    }
}
