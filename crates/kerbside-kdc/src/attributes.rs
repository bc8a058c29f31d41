//! What a principal may and must do, as the bits MIT's database keeps.

use core::fmt;
use core::ops::{BitOr, BitOrAssign};

/// A principal's attributes: an open bit set with MIT's `KRB5_KDB_*` values, so that dumps and
/// administration protocols carry them unchanged. Bits without a name are kept.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Attributes(pub u32);

macro_rules! attributes {
    ($($(#[$doc:meta])* $name:ident = $bit:literal, $flag:literal, $sense:literal;)*) => {
        impl Attributes {
            $($(#[$doc])* pub const $name: Attributes = Attributes($bit);)*

            /// Every named attribute: its bit, its name as `getprinc` prints it, its name in
            /// `addprinc` and `kdc.conf` (without `+` or `-`), and whether `+` sets the bit
            /// (for `allow_*` it clears it).
            pub const TABLE: &'static [(Attributes, &'static str, &'static str, bool)] =
                &[$((Attributes::$name, stringify!($name), $flag, $sense),)*];
        }
    };
}

attributes! {
    /// No postdated tickets.
    DISALLOW_POSTDATED = 0x0000_0001, "allow_postdated", false;
    /// No forwardable tickets.
    DISALLOW_FORWARDABLE = 0x0000_0002, "allow_forwardable", false;
    /// No service ticket for this principal through a TGS request.
    DISALLOW_TGT_BASED = 0x0000_0004, "allow_tgs_req", false;
    /// No renewable tickets.
    DISALLOW_RENEWABLE = 0x0000_0008, "allow_renewable", false;
    /// No proxiable tickets.
    DISALLOW_PROXIABLE = 0x0000_0010, "allow_proxiable", false;
    /// No user-to-user tickets for this principal.
    DISALLOW_DUP_SKEY = 0x0000_0020, "allow_dup_skey", false;
    /// No tickets at all: the account is locked.
    DISALLOW_ALL_TIX = 0x0000_0040, "allow_tix", false;
    /// As a client it must pre-authenticate; as a service it takes only clients that did.
    REQUIRES_PRE_AUTH = 0x0000_0080, "requires_preauth", true;
    /// As `REQUIRES_PRE_AUTH`, with a hardware device.
    REQUIRES_HW_AUTH = 0x0000_0100, "requires_hwauth", true;
    /// The password must be changed before anything else.
    REQUIRES_PWCHANGE = 0x0000_0200, "needchange", true;
    /// No service tickets for this principal (user-to-user stays allowed).
    DISALLOW_SVR = 0x0000_1000, "allow_svr", false;
    /// The password-changing service: clients with an expired password may reach it.
    PWCHANGE_SERVICE = 0x0000_2000, "password_changing_service", true;
    /// Kept for dumps; without effect.
    SUPPORT_DESMD5 = 0x0000_4000, "support_desmd5", true;
    /// Kept for dumps; without effect.
    NEW_PRINC = 0x0000_8000, "new_princ", true;
    /// Its tickets carry the ok-as-delegate flag.
    OK_AS_DELEGATE = 0x0010_0000, "ok_as_delegate", true;
    /// It may get forwardable tickets to itself for any user (S4U2Self).
    OK_TO_AUTH_AS_DELEGATE = 0x0020_0000, "ok_to_auth_as_delegate", true;
    /// Its tickets carry no KDC-made authorization data.
    NO_AUTH_DATA_REQUIRED = 0x0040_0000, "no_auth_data_required", true;
    /// Its keys leave the database never.
    LOCKDOWN_KEYS = 0x0080_0000, "lockdown_keys", true;
}

impl Attributes {
    /// No attribute set.
    pub const NONE: Attributes = Attributes(0);

    /// Whether all bits of `other` are set.
    #[must_use]
    pub const fn contains(self, other: Attributes) -> bool {
        self.0 & other.0 == other.0
    }

    /// Sets the bits of `other`.
    pub const fn insert(&mut self, other: Attributes) {
        self.0 |= other.0;
    }

    /// Clears the bits of `other`.
    pub const fn remove(&mut self, other: Attributes) {
        self.0 &= !other.0;
    }

    /// The names of the set bits as `getprinc` prints them, in the order of their bits.
    pub fn names(self) -> impl Iterator<Item = &'static str> {
        Self::TABLE
            .iter()
            .filter(move |row| self.contains(row.0))
            .map(|row| row.1)
    }

    /// Applies one flag as `addprinc`, `modprinc` and `default_principal_flags` write it:
    /// `+requires_preauth`, `-allow_tix`; no sign means `+`. Returns `false`, changing nothing,
    /// when the name is unknown.
    #[must_use = "an unknown flag changes nothing"]
    pub fn apply_flag(&mut self, flag: &str) -> bool {
        let (plus, name) = match flag.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, flag.strip_prefix('+').unwrap_or(flag)),
        };
        let Some(row) = Self::TABLE.iter().find(|row| name_matches(row.2, name)) else {
            return false;
        };
        if plus == row.3 {
            self.insert(row.0);
        } else {
            self.remove(row.0);
        }
        true
    }
}

/// MIT takes `-` for `_`, any case, and a few older names.
fn name_matches(name: &str, written: &str) -> bool {
    let same = |a: &str, b: &str| {
        a.len() == b.len()
            && a.bytes()
                .zip(b.bytes())
                .all(|(a, b)| a == if b == b'-' { b'_' } else { b.to_ascii_lowercase() })
    };
    if same(name, written) {
        return true;
    }
    let older = match name {
        "allow_postdated" => "postdateable",
        "allow_forwardable" => "forwardable",
        "allow_tgs_req" => "tgt_based",
        "allow_renewable" => "renewable",
        "allow_proxiable" => "proxiable",
        "allow_dup_skey" => "dup_skey",
        "requires_preauth" => "preauth",
        "requires_hwauth" => "hwauth",
        "needchange" => "pwchange",
        "allow_svr" => "service",
        "password_changing_service" => "pwservice",
        _ => return false,
    };
    same(older, written)
}

impl BitOr for Attributes {
    type Output = Attributes;
    fn bitor(self, other: Attributes) -> Attributes {
        Attributes(self.0 | other.0)
    }
}

impl BitOrAssign for Attributes {
    fn bitor_assign(&mut self, other: Attributes) {
        self.0 |= other.0;
    }
}

impl fmt::Display for Attributes {
    /// The names as `getprinc` prints them, separated by blanks.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (i, name) in self.names().enumerate() {
            if i > 0 {
                f.write_str(" ")?;
            }
            f.write_str(name)?;
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Attributes;

    #[test]
    fn flags_set_and_clear_in_their_own_sense() {
        let mut a = Attributes::NONE;
        assert!(a.apply_flag("+requires_preauth"));
        assert!(a.apply_flag("-allow_tix"));
        assert!(a.apply_flag("Ok-As-Delegate"));
        assert_eq!(
            a,
            Attributes::REQUIRES_PRE_AUTH | Attributes::DISALLOW_ALL_TIX | Attributes::OK_AS_DELEGATE
        );
        assert!(a.apply_flag("+allow_tix"));
        assert!(!a.contains(Attributes::DISALLOW_ALL_TIX));
        assert!(a.apply_flag("-preauth"));
        assert!(!a.contains(Attributes::REQUIRES_PRE_AUTH));
    }

    #[test]
    fn an_unknown_flag_changes_nothing() {
        let mut a = Attributes::REQUIRES_PRE_AUTH;
        assert!(!a.apply_flag("+allow_everything"));
        assert_eq!(a, Attributes::REQUIRES_PRE_AUTH);
    }

    #[test]
    fn displays_as_getprinc() {
        let a = Attributes::REQUIRES_PRE_AUTH | Attributes::DISALLOW_SVR;
        assert_eq!(a.to_string(), "REQUIRES_PRE_AUTH DISALLOW_SVR");
        assert_eq!(Attributes::NONE.to_string(), "");
    }
}
