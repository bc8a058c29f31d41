//! Names that mean the same everywhere (RFC 6111, RFC 8062).

use crate::{Name, NameType, Principal, Realm};

/// The first component of well-known names.
const WELLKNOWN: &str = "WELLKNOWN";

/// The name of clients that do not say who they are.
const ANONYMOUS: [&str; 2] = [WELLKNOWN, "ANONYMOUS"];

/// The realm of clients that do not even say whence they are.
const ANONYMOUS_REALM: &str = "WELLKNOWN:ANONYMOUS";

impl Name {
    /// `WELLKNOWN/ANONYMOUS`: a client that does not say who it is (RFC 8062 3).
    pub fn anonymous() -> Self {
        Self::new(&ANONYMOUS).with_type(NameType::NT_WELLKNOWN)
    }

    /// Whether this is [`anonymous`](Self::anonymous).
    pub fn is_anonymous(&self) -> bool {
        self.is(&ANONYMOUS)
    }

    /// Whether the name is reserved, be its meaning known or not: its first component is `WELLKNOWN` (RFC 6111 3.1).
    pub fn is_well_known(&self) -> bool {
        self.component(0) == Some(WELLKNOWN.as_bytes())
    }
}

impl Realm {
    /// `WELLKNOWN:ANONYMOUS`: the realm of a client that does not even say whence it is (RFC 8062 3).
    pub fn anonymous() -> Self {
        Self::new(ANONYMOUS_REALM)
    }

    /// Whether this is [`anonymous`](Self::anonymous).
    pub fn is_anonymous(&self) -> bool {
        self.as_bytes() == ANONYMOUS_REALM.as_bytes()
    }

    /// Whether the realm is reserved: it begins with `WELLKNOWN:` (RFC 6111 3.2).
    pub fn is_well_known(&self) -> bool {
        self.as_bytes().starts_with(b"WELLKNOWN:")
    }
}

impl Principal {
    /// `WELLKNOWN/ANONYMOUS@WELLKNOWN:ANONYMOUS`.
    pub fn anonymous() -> Self {
        let mut principal = Self::new(ANONYMOUS_REALM, &ANONYMOUS);
        principal.name = Name::anonymous();
        principal
    }
}
