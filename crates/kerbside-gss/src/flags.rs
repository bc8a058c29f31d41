//! What a context offers and was asked for (RFC 4121 4.1.1.1).

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// Context flags, with the values they have in the authenticator's checksum (RFC 4121 4.1.1.1).
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default)]
pub struct ContextFlags(pub u32);

macro_rules! flags {
    ($($(#[$doc:meta])* $name:ident = $value:expr, $text:literal;)*) => {
        impl ContextFlags {
            $($(#[$doc])* pub const $name: Self = Self($value);)*

            /// The names of the flags that are set and known, in ascending order.
            pub fn names(self) -> impl Iterator<Item = &'static str> {
                [$(($value, $text)),*].into_iter().filter(move |(bit, _)| self.0 & bit != 0).map(|(_, name)| name)
            }
        }
    };
}

flags! {
    /// The initiator's credentials are handed on (`GSS_C_DELEG_FLAG`).
    DELEGATION = 0x1, "delegation";
    /// The acceptor proves itself as well (`GSS_C_MUTUAL_FLAG`).
    MUTUAL = 0x2, "mutual";
    /// Repeated messages are found (`GSS_C_REPLAY_FLAG`).
    REPLAY = 0x4, "replay";
    /// Reordered and missing messages are found (`GSS_C_SEQUENCE_FLAG`).
    SEQUENCE = 0x8, "sequence";
    /// Messages can be encrypted (`GSS_C_CONF_FLAG`).
    CONFIDENTIALITY = 0x10, "confidentiality";
    /// Messages can be integrity protected (`GSS_C_INTEG_FLAG`).
    INTEGRITY = 0x20, "integrity";
    /// The client's name is not shown to the acceptor (`GSS_C_ANON_FLAG`).
    ANONYMOUS = 0x40, "anonymous";
    /// Messages can be protected (`GSS_C_PROT_READY_FLAG`). Never sent.
    PROT_READY = 0x80, "prot-ready";
    /// The context can be exported (`GSS_C_TRANS_FLAG`). Never sent.
    TRANSFERABLE = 0x100, "transferable";
    /// The context is bound to a channel both sides named (`GSS_C_CHANNEL_BOUND_FLAG`).
    CHANNEL_BOUND = 0x800, "channel-bound";
    /// Three-leg contexts as DCE RPC has them (`GSS_C_DCE_STYLE`).
    DCE_STYLE = 0x1000, "dce-style";
    /// The acceptor may identify, but not impersonate (`GSS_C_IDENTIFY_FLAG`).
    IDENTIFY = 0x2000, "identify";
    /// Error tokens carry more than a code (`GSS_C_EXTENDED_ERROR_FLAG`).
    EXTENDED_ERROR = 0x4000, "extended-error";
}

impl ContextFlags {
    /// No flag at all.
    pub const NONE: Self = Self(0);

    /// What a krb5 context can be given for the asking: an initiator sends these as asked, an acceptor takes them as sent.
    /// Delegation and anonymity have their conditions.
    pub(crate) const SUPPORTED: Self = Self(
        Self::MUTUAL.0
            | Self::REPLAY.0
            | Self::SEQUENCE.0
            | Self::CONFIDENTIALITY.0
            | Self::INTEGRITY.0
            | Self::DCE_STYLE.0
            | Self::IDENTIFY.0
            | Self::EXTENDED_ERROR.0,
    );

    /// Whether all of `other` are set here.
    #[must_use]
    pub fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }

    /// These flags without those of `other`.
    #[must_use]
    pub fn without(self, other: Self) -> Self {
        Self(self.0 & !other.0)
    }

    /// The flags that are in both.
    #[must_use]
    pub fn intersection(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl BitOr for ContextFlags {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}

impl BitOrAssign for ContextFlags {
    fn bitor_assign(&mut self, other: Self) {
        self.0 |= other.0;
    }
}

impl fmt::Display for ContextFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (index, name) in self.names().enumerate() {
            if index > 0 {
                f.write_str(", ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

impl fmt::Debug for ContextFlags {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "ContextFlags({:#x}: {self})", self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn names_and_sets() {
        let flags = ContextFlags::MUTUAL | ContextFlags::INTEGRITY;
        assert_eq!(flags.to_string(), "mutual, integrity");
        assert!(flags.contains(ContextFlags::MUTUAL));
        assert!(!flags.contains(ContextFlags::MUTUAL | ContextFlags::REPLAY));
        assert_eq!(flags.without(ContextFlags::MUTUAL), ContextFlags::INTEGRITY);
        assert_eq!(ContextFlags::NONE.to_string(), "");
    }
}
