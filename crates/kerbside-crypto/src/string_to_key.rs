//! string-to-key by PBKDF2 (RFC 3962 section 4, RFC 8009 section 4).

use alloc::vec::Vec;

use pbkdf2::pbkdf2_hmac;
use sha1::Sha1;
use sha2::{Sha256, Sha384};
use zeroize::Zeroizing;

use crate::error::CryptoError;
use crate::key_derivation::{derive, prefix};
use crate::limits::{IterationLimits, MAX_PASSWORD_LEN, MAX_SALT_LEN};
use crate::profile::{Hash, KEY_LEN_MAX, Profile};

/// Fills `out`, a key's octets. Everything is checked before anything is computed.
pub(crate) fn string_to_key(
    profile: Profile,
    password: &[u8],
    salt: &[u8],
    params: Option<&[u8]>,
    limits: &IterationLimits,
    out: &mut [u8],
) -> Result<(), CryptoError> {
    if password.len() > MAX_PASSWORD_LEN {
        return Err(CryptoError::PasswordTooLong {
            max: MAX_PASSWORD_LEN,
            found: password.len(),
        });
    }
    if salt.len() > MAX_SALT_LEN {
        return Err(CryptoError::SaltTooLong {
            max: MAX_SALT_LEN,
            found: salt.len(),
        });
    }
    let iterations = iteration_count(profile, params, limits)?;

    let mut seed = Zeroizing::new([0; KEY_LEN_MAX]);
    let seed = prefix(&mut seed, profile.key_len());
    match profile.hash() {
        Hash::Sha1 => pbkdf2_hmac::<Sha1>(password, salt, iterations, seed),
        Hash::Sha256 => pbkdf2_hmac::<Sha256>(password, &salt_with_name(profile, salt), iterations, seed),
        Hash::Sha384 => pbkdf2_hmac::<Sha384>(password, &salt_with_name(profile, salt), iterations, seed),
    }
    derive(profile, seed, b"kerberos", out);
    Ok(())
}

/// saltp of RFC 8009 section 4: the type's name, a zero octet, the salt.
fn salt_with_name(profile: Profile, salt: &[u8]) -> Vec<u8> {
    [profile.name().as_bytes(), &[0], salt].concat()
}

/// The count that parameters and limits give. Four zero octets mean 2^32 (RFC 3962 section 4), above any ceiling.
fn iteration_count(
    profile: Profile,
    params: Option<&[u8]>,
    limits: &IterationLimits,
) -> Result<u32, CryptoError> {
    let enctype = profile.enctype();
    let asked = match params {
        None => profile.default_iterations(),
        Some(octets) => {
            let octets = <[u8; 4]>::try_from(octets).map_err(|_| CryptoError::StringToKeyParams {
                enctype,
                found: octets.len(),
            })?;
            u32::from_be_bytes(octets)
        }
    };
    if asked == 0 {
        return Err(CryptoError::IterationCountTooHigh {
            enctype,
            max: limits.max,
            found: 1 << 32,
        });
    }
    let min = limits.min.unwrap_or(profile.default_iterations());
    if asked < min {
        return Err(CryptoError::IterationCountTooLow {
            enctype,
            min,
            found: asked.into(),
        });
    }
    if asked > limits.max {
        return Err(CryptoError::IterationCountTooHigh {
            enctype,
            max: limits.max,
            found: asked.into(),
        });
    }
    Ok(asked)
}
