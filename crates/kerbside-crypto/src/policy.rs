//! Which types a caller is ready to compute with.

use alloc::vec::Vec;

use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;

/// Which encryption types keys may be made of, and whether unkeyed checksums may be computed: an argument wherever
/// one comes into being, so that no weak type is used that nobody asked for.
///
/// The default allows the types of RFC 3962, 6803 and 8009 and nothing else. The names are those of krb5.conf's
/// relations. A policy opens what is weak and restricts what is not; it cannot open a type this crate does not
/// compute.
///
/// ```
/// use kerbside_crypto::{CryptoError, EncryptionType, EnctypePolicy, Key};
/// let octets = [7; 16];
/// let enctype = EncryptionType::RC4_HMAC;
/// assert_eq!(Key::new(enctype, &octets).unwrap_err(), CryptoError::RefusedByPolicy { enctype });
/// let policy = EnctypePolicy::default().with_rc4(true);
/// assert!(Key::with_policy(enctype, &octets, &policy).is_ok());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub struct EnctypePolicy {
    /// `allow_weak_crypto`: the unkeyed checksums. The weak encryption types that MIT's relation of this name opens,
    /// single DES among them, are not computed at all.
    pub allow_weak_crypto: bool,
    /// `allow_rc4`: rc4-hmac (23).
    pub allow_rc4: bool,
    /// `allow_des3`: des3-cbc-sha1-kd (16).
    pub allow_des3: bool,
    /// `permitted_enctypes`: when given, no type outside this list. A weak type on it needs its own relation too.
    pub permitted: Option<Vec<EncryptionType>>,
}

impl EnctypePolicy {
    /// The default: nothing weak, everything else.
    pub const DEFAULT: Self = Self {
        allow_weak_crypto: false,
        allow_rc4: false,
        allow_des3: false,
        permitted: None,
    };

    /// Everything this crate computes. For peers that have nothing better, and for tests.
    pub const ALLOW_ALL: Self = Self {
        allow_weak_crypto: true,
        allow_rc4: true,
        allow_des3: true,
        permitted: None,
    };

    /// The policy with `allow_weak_crypto` as given.
    #[must_use]
    pub fn with_weak_crypto(mut self, allow: bool) -> Self {
        self.allow_weak_crypto = allow;
        self
    }

    /// The policy with `allow_rc4` as given.
    #[must_use]
    pub fn with_rc4(mut self, allow: bool) -> Self {
        self.allow_rc4 = allow;
        self
    }

    /// The policy with `allow_des3` as given.
    #[must_use]
    pub fn with_des3(mut self, allow: bool) -> Self {
        self.allow_des3 = allow;
        self
    }

    /// The policy with a list that nothing outside of is taken from.
    #[must_use]
    pub fn with_permitted(mut self, permitted: impl Into<Vec<EncryptionType>>) -> Self {
        self.permitted = Some(permitted.into());
        self
    }

    /// Whether keys of the type may be made: this crate computes it and nothing here forbids it.
    #[must_use]
    pub fn permits(&self, enctype: EncryptionType) -> bool {
        self.check(enctype).is_ok()
    }

    /// Says why a type is not permitted.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`] for a type this crate does not compute, [`CryptoError::RefusedByPolicy`].
    pub fn check(&self, enctype: EncryptionType) -> Result<(), CryptoError> {
        if !enctype.is_implemented() {
            return Err(CryptoError::Unsupported { enctype });
        }
        let opened = match enctype {
            EncryptionType::RC4_HMAC => self.allow_rc4,
            EncryptionType::DES3_CBC_SHA1_KD => self.allow_des3,
            _ => true,
        };
        let listed = self.permitted.as_ref().is_none_or(|list| list.contains(&enctype));
        if opened && listed {
            Ok(())
        } else {
            Err(CryptoError::RefusedByPolicy { enctype })
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;

    fn permitted(policy: &EnctypePolicy) -> Vec<i32> {
        (-200..200)
            .filter(|&number| policy.permits(EncryptionType(number)))
            .collect()
    }

    #[test]
    fn each_relation_opens_its_own_type_and_no_other() {
        let policy = EnctypePolicy::default;
        assert_eq!(policy(), EnctypePolicy::DEFAULT);
        assert_eq!(permitted(&policy()), [17, 18, 19, 20, 25, 26]);
        assert_eq!(
            permitted(&policy().with_weak_crypto(true)),
            [17, 18, 19, 20, 25, 26]
        );
        assert_eq!(permitted(&policy().with_rc4(true)), [17, 18, 19, 20, 23, 25, 26]);
        assert_eq!(permitted(&policy().with_des3(true)), [16, 17, 18, 19, 20, 25, 26]);
        assert_eq!(
            permitted(&EnctypePolicy::ALLOW_ALL),
            [16, 17, 18, 19, 20, 23, 25, 26]
        );
    }

    #[test]
    fn a_list_restricts_and_opens_nothing() {
        let list = [18, 23, 3, 26].map(EncryptionType);
        assert_eq!(
            permitted(&EnctypePolicy::default().with_permitted(list)),
            [18, 26]
        );
        let policy = EnctypePolicy::ALLOW_ALL.with_permitted(list);
        assert_eq!(permitted(&policy), [18, 23, 26]);
        assert_eq!(permitted(&EnctypePolicy::ALLOW_ALL.with_permitted([])), [0; 0]);
    }

    #[test]
    fn refusals_tell_what_is_not_computed_from_what_is_not_allowed() {
        let policy = EnctypePolicy::ALLOW_ALL;
        let enctype = EncryptionType::DES_CBC_MD5;
        assert_eq!(policy.check(enctype), Err(CryptoError::Unsupported { enctype }));
        let refused = EnctypePolicy::default()
            .check(EncryptionType::RC4_HMAC)
            .map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("encryption type arcfour-hmac (23) is refused by policy: allow_rc4 is not set".into())
        );
        let refused = EnctypePolicy::default()
            .with_permitted([])
            .check(EncryptionType(18))
            .map_err(|error| error.to_string());
        assert_eq!(
            refused,
            Err("encryption type aes256-cts-hmac-sha1-96 (18) is refused by policy".into())
        );
    }
}
