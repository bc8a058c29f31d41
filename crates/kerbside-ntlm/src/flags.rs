//! What the two sides offer each other and settle on (MS-NLMP 2.2.2.5).

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// NegotiateFlags of MS-NLMP 2.2.2.5.
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct NegotiateFlags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $value:expr;)*) => {
        impl NegotiateFlags {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The names of the flags that are set and known.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$(($value, stringify!($name))),*]
                    .into_iter()
                    .filter(move |(bit, _)| self.0 & bit != 0)
                    .map(|(_, name)| name)
            }
        }
    };
}

flags! {
    /// Strings are UTF-16 (A).
    UNICODE = 0x1;
    /// Strings are in the OEM character set (B).
    OEM = 0x2;
    /// The CHALLENGE shall have a TargetName (C).
    REQUEST_TARGET = 0x4;
    /// Messages are signed (D).
    SIGN = 0x10;
    /// Messages are encrypted (E).
    SEAL = 0x20;
    /// Connectionless authentication (F); not built.
    DATAGRAM = 0x40;
    /// A session key from the LM hash (G); not built.
    LM_KEY = 0x80;
    /// NTLM at all (H).
    NTLM = 0x200;
    /// The client wants to be nobody (J).
    ANONYMOUS = 0x800;
    /// NEGOTIATE brings a domain's name (K).
    OEM_DOMAIN_SUPPLIED = 0x1000;
    /// NEGOTIATE brings a workstation's name (L).
    OEM_WORKSTATION_SUPPLIED = 0x2000;
    /// A session key is made in any case (M).
    ALWAYS_SIGN = 0x8000;
    /// TargetName is a domain (N).
    TARGET_TYPE_DOMAIN = 0x1_0000;
    /// TargetName is a server (O).
    TARGET_TYPE_SERVER = 0x2_0000;
    /// Session security with a key for each direction and HMAC-MD5 (P).
    EXTENDED_SESSIONSECURITY = 0x8_0000;
    /// The server may identify the client, not act for it (Q).
    IDENTIFY = 0x10_0000;
    /// A session key from the LM hash (R); not built.
    REQUEST_NON_NT_SESSION_KEY = 0x40_0000;
    /// CHALLENGE has TargetInfo (S).
    TARGET_INFO = 0x80_0000;
    /// The messages carry a Version (T).
    VERSION = 0x200_0000;
    /// 128-bit sealing keys (U).
    KEY_128 = 0x2000_0000;
    /// The client chooses the session key (V).
    KEY_EXCH = 0x4000_0000;
    /// 56-bit sealing keys (W).
    KEY_56 = 0x8000_0000;
}

impl NegotiateFlags {
    /// No flag at all.
    pub const NONE: Self = Self(0);

    /// Whether all of `other` are set here.
    #[must_use]
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// Whether one of `other` is set here.
    #[must_use]
    pub const fn intersects(self, other: Self) -> bool {
        self.0 & other.0 != 0
    }

    /// These flags without those of `other`.
    #[must_use]
    pub const fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags that are in both.
    #[must_use]
    pub const fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }

    /// `other` as well, if `wanted`.
    #[must_use]
    pub const fn with(self, other: Self, wanted: bool) -> Self {
        if wanted { Self(self.0 | other.0) } else { self }
    }

    /// Whether a client's random key travels in the AUTHENTICATE message (MS-NLMP 3.1.5.1.2).
    pub(crate) const fn exchanges_key(self) -> bool {
        self.contains(Self::KEY_EXCH) && self.intersects(Self(Self::SIGN.0 | Self::SEAL.0))
    }
}

impl BitOr for NegotiateFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for NegotiateFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Debug for NegotiateFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:#010x} (", self.0)?;
        for (index, name) in self.names().enumerate() {
            write!(f, "{}{name}", if index == 0 { "" } else { " " })?;
        }
        f.write_str(")")
    }
}
