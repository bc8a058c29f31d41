//! Key and salt types of new keys, and the keys themselves

use kerbside_asn1::Principal;
use kerbside_crypto::{
    EncryptionType, EnctypePolicy, IterationLimits, Key, LongTermKey, MAX_PASSWORD_LEN, Password,
};
use kerbside_formats::keysalt::{KeySalt, SaltType};
use kerbside_kdc::{KeyData, Salt};
use rand_core::Rng;

use crate::admin::AdminError;
use crate::random::system_rng;

/// Key and salt types of one principal at most
const KEYSALTS_MAX: usize = 32;
/// Octets of a random salt
const SPECIAL_SALT_LEN: usize = 16;

/// The salt a key of this type carries in its record; the normal one is not written down
fn salt_of(salt_type: SaltType) -> Result<Option<Salt>, AdminError> {
    Ok(match salt_type {
        SaltType::Normal => None,
        SaltType::NoRealm => Some(Salt::NoRealm),
        SaltType::OnlyRealm => Some(Salt::OnlyRealm),
        SaltType::Special => {
            let mut bytes = vec![0; SPECIAL_SALT_LEN];
            system_rng().fill_bytes(&mut bytes);
            Some(Salt::Special(bytes))
        }
        other => return Err(AdminError::Unsupported(format!("salt type {}", other.name()))),
    })
}

/// The keys a principal gets when kdc.conf does not say: all supported enctypes, the strongest first
#[must_use]
pub fn default_keysalts() -> Vec<KeySalt> {
    EncryptionType::SUPPORTED
        .into_iter()
        .map(|enctype| KeySalt {
            enctype,
            salt_type: SaltType::Normal,
        })
        .collect()
}

/// Where new keys come from
#[derive(Clone, Debug)]
pub enum KeyChoice {
    /// A password
    Password(Password),
    /// The random generator
    Random,
    /// Nowhere: the principal gets no key
    NoKey,
}

/// Makes keys of version 1, of types that `policy` permits; whoever stores them sets the version
pub(crate) fn make(
    choice: &KeyChoice,
    keysalts: &[KeySalt],
    policy: &EnctypePolicy,
    principal: &Principal,
) -> Result<Vec<KeyData>, AdminError> {
    let keysalts = keysalts
        .get(..keysalts.len().min(KEYSALTS_MAX))
        .unwrap_or_default();
    match choice {
        KeyChoice::NoKey => Ok(Vec::new()),
        _ if keysalts.is_empty() => Err(AdminError::NoKeySalts),
        KeyChoice::Random => keysalts
            .iter()
            .map(|keysalt| {
                let key = Key::generate_with_policy(keysalt.enctype, &mut system_rng(), policy)?;
                Ok(KeyData::new(1, LongTermKey::from(key)))
            })
            .collect(),
        KeyChoice::Password(password) => from_password(password, keysalts, policy, principal),
    }
}

/// Stretches a password for each enctype, in parallel: most of the time is in the two SHA-2 types
fn from_password(
    password: &Password,
    keysalts: &[KeySalt],
    policy: &EnctypePolicy,
    principal: &Principal,
) -> Result<Vec<KeyData>, AdminError> {
    match password.expose_secret().len() {
        0 => return Err(AdminError::EmptyPassword),
        1..=MAX_PASSWORD_LEN => {}
        _ => return Err(AdminError::PasswordTooLong),
    }
    let one = |keysalt: &KeySalt| -> Result<KeyData, AdminError> {
        let salt = salt_of(keysalt.salt_type)?;
        let bytes = salt
            .as_ref()
            .map_or_else(|| principal.default_salt(), |salt| salt.bytes(principal));
        let key = Key::from_password_with_policy(
            keysalt.enctype,
            password,
            &bytes,
            None,
            &IterationLimits::default(),
            policy,
        )?;
        Ok(KeyData {
            salt,
            ..KeyData::new(1, LongTermKey::from(key))
        })
    };
    let made: Vec<Result<KeyData, AdminError>> = std::thread::scope(|scope| {
        let threads: Vec<_> = keysalts
            .iter()
            .map(|keysalt| scope.spawn(move || one(keysalt)))
            .collect();
        threads
            .into_iter()
            .map(|thread| {
                thread
                    .join()
                    .unwrap_or_else(|_| Err(AdminError::Store("a key thread ended early".to_owned())))
            })
            .collect()
    });
    made.into_iter().collect()
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests")]
    use super::*;

    #[test]
    fn passwords_are_bounded_both_ways() {
        let alice = Principal::new("R", &["alice"]);
        let keysalts = default_keysalts();
        let make = |text: String| {
            super::make(
                &KeyChoice::Password(Password::from(text)),
                &keysalts,
                &EnctypePolicy::DEFAULT,
                &alice,
            )
        };
        assert_eq!(make(String::new()).unwrap_err(), AdminError::EmptyPassword);
        assert_eq!(
            make("x".repeat(MAX_PASSWORD_LEN + 1)).unwrap_err(),
            AdminError::PasswordTooLong
        );
        assert_eq!(make("x".repeat(MAX_PASSWORD_LEN)).unwrap().len(), 4);
        assert_eq!(
            super::make(&KeyChoice::Random, &[], &EnctypePolicy::DEFAULT, &alice).unwrap_err(),
            AdminError::NoKeySalts
        );
    }

    #[test]
    fn salts_differ_by_type() {
        let alice = Principal::new("R", &["alice"]);
        let with = |salt_type| {
            let keysalt = KeySalt {
                enctype: EncryptionType::AES128_CTS_HMAC_SHA1_96,
                salt_type,
            };
            let choice = KeyChoice::Password(Password::from("secret".to_owned()));
            make(&choice, &[keysalt], &EnctypePolicy::DEFAULT, &alice)
                .unwrap()
                .remove(0)
        };
        let normal = with(SaltType::Normal);
        assert!(normal.salt.is_none());
        assert!(normal.key.ct_eq(&with(SaltType::Normal).key));
        for other in [SaltType::NoRealm, SaltType::OnlyRealm, SaltType::Special] {
            assert!(!normal.key.ct_eq(&with(other).key), "{other:?}");
        }
        assert!(!with(SaltType::Special).key.ct_eq(&with(SaltType::Special).key));
    }

    #[test]
    fn every_type_that_the_policy_permits_gets_a_key() {
        let alice = Principal::new("R", &["alice"]);
        let keysalts = EncryptionType::IMPLEMENTED.map(|enctype| KeySalt {
            enctype,
            salt_type: SaltType::Normal,
        });
        for choice in [
            KeyChoice::Random,
            KeyChoice::Password(Password::from("secret".to_owned())),
        ] {
            let made = make(&choice, &keysalts, &EnctypePolicy::ALLOW_ALL, &alice).unwrap();
            let enctypes: Vec<_> = made.iter().map(|data| data.key.enctype()).collect();
            assert_eq!(enctypes, EncryptionType::IMPLEMENTED);
            let refused = make(&choice, &keysalts, &EnctypePolicy::DEFAULT, &alice).unwrap_err();
            assert!(refused.to_string().contains("is not set"), "{refused}");
        }
    }
}
