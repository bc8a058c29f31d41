//! string-to-key: PBKDF2 (RFC 3962 section 4, RFC 8009 section 4, RFC 6803 section 4), n-fold (RFC 3961 section 6.3.1)
//! and MD4 (RFC 4757 section 2).

use alloc::vec::Vec;
use core::str;

use md4::{Digest, Md4};
use pbkdf2::pbkdf2_hmac;
use sha2::Sha384;
use zeroize::{Zeroize, Zeroizing};

use crate::error::CryptoError;
use crate::hmac_64::{Sha1, Sha256, pbkdf2};
use crate::key_derivation::{BaseKey, prefix};
use crate::limits::{IterationLimits, MAX_PASSWORD_LEN, MAX_SALT_LEN};
use crate::mac::copy_prefix;
use crate::n_fold::n_fold;
use crate::profile::{KEY_LEN_MAX, Profile};
use crate::triple_des;

/// The constant that string-to-key derives the key with.
const KERBEROS: &[u8] = b"kerberos";

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
    match profile.default_iterations() {
        Some(default) => {
            let iterations = iteration_count(profile, default, params, limits)?;
            by_pbkdf2(profile, password, salt, iterations, out);
            Ok(())
        }
        None if params.is_some_and(|params| !params.is_empty()) => Err(CryptoError::StringToKeyParams {
            enctype: profile.enctype(),
            found: params.map_or(0, <[u8]>::len),
        }),
        None if profile == Profile::Rc4 => by_md4(profile, password, out),
        None => {
            by_n_fold(profile, password, salt, out);
            Ok(())
        }
    }
}

fn by_pbkdf2(profile: Profile, password: &[u8], salt: &[u8], iterations: u32, out: &mut [u8]) {
    let mut seed = Zeroizing::new([0; KEY_LEN_MAX]);
    let seed = prefix(&mut seed, profile.key_len());
    let with_name;
    let salt = match profile {
        Profile::Aes128Sha1 | Profile::Aes256Sha1 => salt,
        // saltp of RFC 8009 section 4 and RFC 6803 section 4.
        _ => {
            with_name = [profile.name().as_bytes(), &[0], salt].concat();
            &with_name
        }
    };
    match profile {
        Profile::Aes128Sha256 => pbkdf2::<Sha256>(password, salt, iterations, seed),
        Profile::Aes256Sha384 => pbkdf2_hmac::<Sha384>(password, salt, iterations, seed),
        _ => pbkdf2::<Sha1>(password, salt, iterations, seed),
    }
    BaseKey::new(profile, seed).derive(KERBEROS, out);
}

/// DK(random-to-key(168-fold(password | salt)), "kerberos").
fn by_n_fold(profile: Profile, password: &[u8], salt: &[u8], out: &mut [u8]) {
    let text: Zeroizing<Vec<u8>> = Zeroizing::new([password, salt].concat());
    let seed = Zeroizing::new(n_fold::<{ triple_des::SEED_LEN }>(&text));
    let mut key = Zeroizing::new([0; KEY_LEN_MAX]);
    let key = prefix(&mut key, profile.key_len());
    triple_des::random_to_key(&seed, key);
    BaseKey::new(profile, key).derive(KERBEROS, out);
}

/// MD4 over the password in UTF-16, least significant octet first; there is no salt.
fn by_md4(profile: Profile, password: &[u8], out: &mut [u8]) -> Result<(), CryptoError> {
    let text = str::from_utf8(password).map_err(|_| CryptoError::PasswordNotText {
        enctype: profile.enctype(),
    })?;
    let mut hash = Md4::new();
    for unit in text.encode_utf16() {
        hash.update(unit.to_le_bytes());
    }
    let mut digest = hash.finalize();
    copy_prefix(out, &digest);
    digest.as_mut_slice().zeroize();
    Ok(())
}

/// The count that parameters and limits give. Four zero octets mean 2^32 (RFC 3962 section 4), above any ceiling.
fn iteration_count(
    profile: Profile,
    default: u32,
    params: Option<&[u8]>,
    limits: &IterationLimits,
) -> Result<u32, CryptoError> {
    let enctype = profile.enctype();
    let asked = match params {
        None => default,
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
    let min = limits.min.unwrap_or(default);
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
