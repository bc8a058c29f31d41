//! Kerberos encryption types, checksums and key derivation (RFC 3961, 3962, 8009, 6803, 4757).
//!
//! A [`Key`] is a protocol key of one [`EncryptionType`]. It encrypts, decrypts and checksums for a [`KeyUsage`], in
//! place over the caller's [`Segment`]s or, for convenience, into a new buffer. What it derives for a usage it keeps:
//! a second message under the same key and usage costs no derivation, no key schedule and no allocation.
//!
//! | encryption type | number | mandatory checksum | defined in | permitted |
//! |---|---|---|---|---|
//! | aes128-cts-hmac-sha1-96 | 17 | hmac-sha1-96-aes128 (15) | RFC 3962 | yes |
//! | aes256-cts-hmac-sha1-96 | 18 | hmac-sha1-96-aes256 (16) | RFC 3962 | yes |
//! | aes128-cts-hmac-sha256-128 | 19 | hmac-sha256-128-aes128 (19) | RFC 8009 | yes |
//! | aes256-cts-hmac-sha384-192 | 20 | hmac-sha384-192-aes256 (20) | RFC 8009 | yes |
//! | camellia128-cts-cmac | 25 | cmac-camellia128 (17) | RFC 6803 | yes |
//! | camellia256-cts-cmac | 26 | cmac-camellia256 (18) | RFC 6803 | yes |
//! | rc4-hmac | 23 | hmac-md5-rc4 (-138) | RFC 4757 | by `allow_rc4` |
//! | des3-cbc-sha1-kd | 16 | hmac-sha1-des3-kd (12) | RFC 3961 | by `allow_des3` |
//!
//! All others, single DES among them, are names only: computing with them is refused with
//! [`CryptoError::Unsupported`]. What is weak is refused with [`CryptoError::RefusedByPolicy`] unless the
//! [`EnctypePolicy`] given to a key's constructor allows it. [`UnkeyedChecksum`] has the checksums without a key, which
//! need a policy too and which no key verifies.
//!
//! Secrets are zeroized on drop, have no `PartialEq`, and their bytes are read by `expose_secret` alone. A checksum is
//! verified in constant time by [`Tag::verify`], [`Key::verify_checksum`] or as a part of decryption; there is no
//! other way to compare one.
//!
//! ```
//! use kerbside_crypto::{EncryptionType, IterationLimits, Key, KeyUsage, Password};
//! # use rand_chacha::{ChaCha20Rng, rand_core::SeedableRng};
//! # let mut rng = ChaCha20Rng::seed_from_u64(1);
//! let enctype = EncryptionType::AES256_CTS_HMAC_SHA1_96;
//! let password = Password::from("correct horse");
//! let key = Key::from_password(enctype, &password, b"EXAMPLE.COMalice", None, &IterationLimits::default())?;
//! let ciphertext = key.encrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, b"timestamp", &mut rng)?;
//! assert_eq!(key.decrypt(KeyUsage::AS_REQ_PA_ENC_TIMESTAMP, &ciphertext)?.as_slice(), b"timestamp");
//! assert!(key.decrypt(KeyUsage::TICKET, &ciphertext).is_err());
//! # Ok::<(), kerbside_crypto::CryptoError>(())
//! ```
#![no_std]

extern crate alloc;

mod cbc;
mod checksum_type;
mod cipher;
mod ciphertext_stealing;
mod encryption_type;
mod error;
mod hmac_64;
mod key;
mod key_derivation;
mod key_usage;
mod limits;
mod mac;
mod message;
mod n_fold;
mod old_tokens;
mod policy;
mod profile;
mod pseudo_random;
mod rc4_hmac;
mod registry;
mod secret;
mod segment;
mod segment_text;
mod string_to_key;
mod triple_des;
mod unkeyed_checksum;
mod usage_list;

pub use checksum_type::ChecksumType;
pub use encryption_type::EncryptionType;
pub use error::{CryptoError, SegmentError};
pub use key::Key;
pub use key_usage::KeyUsage;
pub use limits::{
    IterationLimits, MAX_ITERATION_COUNT, MAX_MESSAGE_LEN, MAX_PASSWORD_LEN, MAX_PRF_PLUS_BLOCKS,
    MAX_SALT_LEN,
};
pub use mac::Tag;
pub use old_tokens::Direction;
pub use policy::EnctypePolicy;
pub use pseudo_random::fx_cf2;
pub use rand_core::CryptoRng;
pub use secret::{LongTermKey, Password, ReplyKey, SessionKey, Subkey};
pub use segment::Segment;
pub use unkeyed_checksum::UnkeyedChecksum;
pub use zeroize::Zeroizing;
