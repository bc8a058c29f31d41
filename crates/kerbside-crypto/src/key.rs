//! Protocol keys and what is done with them.

use core::fmt;

use once_cell::race::OnceBox;
use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::checksum_type::ChecksumType;
use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;
use crate::key_derivation::{MessageKeys, checksum_key, prefix};
use crate::key_usage::KeyUsage;
use crate::limits::IterationLimits;
use crate::mac::{MacState, Tag};
use crate::policy::EnctypePolicy;
use crate::profile::{KEY_LEN_MAX, Profile};
use crate::pseudo_random::PrfKey;
use crate::rc4_hmac;
use crate::secret::Password;
use crate::string_to_key::string_to_key;
use crate::triple_des;
use crate::usage_list::UsageList;

/// A protocol key (RFC 3961 section 3) of an implemented encryption type.
///
/// It keeps what it derived for each usage, so a key that protects many messages should be shared, not cloned: a clone
/// is a second copy of the secret that derives for itself. All memory it holds is zeroized on drop.
pub struct Key {
    profile: Profile,
    bytes: Zeroizing<[u8; KEY_LEN_MAX]>,
    encryption: UsageList<MessageKeys>,
    checksum: UsageList<MacState>,
    prf: OnceBox<PrfKey>,
}

impl Key {
    /// A key from its octets, of a type that the default policy permits.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`], [`CryptoError::RefusedByPolicy`], [`CryptoError::KeyLength`].
    pub fn new(enctype: EncryptionType, octets: &[u8]) -> Result<Self, CryptoError> {
        Self::with_policy(enctype, octets, &EnctypePolicy::DEFAULT)
    }

    /// A key from its octets, of a type that `policy` permits.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn with_policy(
        enctype: EncryptionType,
        octets: &[u8],
        policy: &EnctypePolicy,
    ) -> Result<Self, CryptoError> {
        let mut key = Self::permitted(enctype, policy)?;
        key.profile.check_len(octets, key.profile.key_len())?;
        key.bytes_mut().copy_from_slice(octets);
        Ok(key)
    }

    /// random-to-key (RFC 3961 section 3): a key from a string of random octets,
    /// [`EncryptionType::seed_len`] of them.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn random_to_key(enctype: EncryptionType, octets: &[u8]) -> Result<Self, CryptoError> {
        Self::random_to_key_with_policy(enctype, octets, &EnctypePolicy::DEFAULT)
    }

    /// [`Key::random_to_key`] for a type that `policy` permits.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn random_to_key_with_policy(
        enctype: EncryptionType,
        octets: &[u8],
        policy: &EnctypePolicy,
    ) -> Result<Self, CryptoError> {
        Self::of_seed(Self::permitted(enctype, policy)?.profile, octets)
    }

    /// A fresh random key.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`], [`CryptoError::RefusedByPolicy`].
    pub fn generate(enctype: EncryptionType, rng: &mut dyn CryptoRng) -> Result<Self, CryptoError> {
        Self::generate_with_policy(enctype, rng, &EnctypePolicy::DEFAULT)
    }

    /// A fresh random key of a type that `policy` permits.
    ///
    /// # Errors
    /// As [`Key::generate`].
    pub fn generate_with_policy(
        enctype: EncryptionType,
        rng: &mut dyn CryptoRng,
        policy: &EnctypePolicy,
    ) -> Result<Self, CryptoError> {
        let profile = Self::permitted(enctype, policy)?.profile;
        let mut seed = Zeroizing::new([0; KEY_LEN_MAX]);
        let seed = prefix(&mut seed, profile.seed_len());
        rng.fill_bytes(seed);
        Self::of_seed(profile, seed)
    }

    /// string-to-key (RFC 3962 section 4, RFC 8009 section 4, RFC 6803 section 4). `params` is the s2kparams string of
    /// ETYPE-INFO2, the iteration count as four octets; without it the type's default count is used, which is subject to
    /// `limits` too.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`], [`CryptoError::RefusedByPolicy`], [`CryptoError::PasswordTooLong`],
    /// [`CryptoError::SaltTooLong`], [`CryptoError::StringToKeyParams`], [`CryptoError::IterationCountTooLow`],
    /// [`CryptoError::IterationCountTooHigh`], [`CryptoError::PasswordNotText`]; all before anything is computed.
    pub fn from_password(
        enctype: EncryptionType,
        password: &Password,
        salt: &[u8],
        params: Option<&[u8]>,
        limits: &IterationLimits,
    ) -> Result<Self, CryptoError> {
        Self::from_password_with_policy(enctype, password, salt, params, limits, &EnctypePolicy::DEFAULT)
    }

    /// [`Key::from_password`] for a type that `policy` permits. des3-cbc-sha1-kd (RFC 3961 section 6.3.1) and rc4-hmac
    /// (RFC 4757 section 2) have no parameters and no iterations; rc4-hmac takes text only and no salt.
    ///
    /// # Errors
    /// As [`Key::from_password`].
    pub fn from_password_with_policy(
        enctype: EncryptionType,
        password: &Password,
        salt: &[u8],
        params: Option<&[u8]>,
        limits: &IterationLimits,
        policy: &EnctypePolicy,
    ) -> Result<Self, CryptoError> {
        let mut key = Self::permitted(enctype, policy)?;
        string_to_key(
            key.profile,
            password.expose_secret(),
            salt,
            params,
            limits,
            key.bytes_mut(),
        )?;
        Ok(key)
    }

    /// A key of zero octets, to be filled, if the policy permits the type.
    fn permitted(enctype: EncryptionType, policy: &EnctypePolicy) -> Result<Self, CryptoError> {
        policy.check(enctype)?;
        Ok(Self::zero(Profile::implemented(enctype)?))
    }

    /// random-to-key for a type that is already permitted.
    pub(crate) fn of_seed(profile: Profile, seed: &[u8]) -> Result<Self, CryptoError> {
        profile.check_len(seed, profile.seed_len())?;
        let mut key = Self::zero(profile);
        match seed.as_array() {
            Some(seed) if profile == Profile::Des3 => triple_des::random_to_key(seed, key.bytes_mut()),
            _ => key.bytes_mut().copy_from_slice(seed),
        }
        Ok(key)
    }

    /// The key's encryption type.
    #[must_use]
    pub const fn enctype(&self) -> EncryptionType {
        self.profile.enctype()
    }

    /// The key's mandatory checksum type, the only one it computes and verifies.
    #[must_use]
    pub const fn checksum_type(&self) -> ChecksumType {
        self.profile.checksum_type()
    }

    /// Octets before a plaintext, the confounder among them: the length of [`Segment::Header`](crate::Segment::Header).
    #[must_use]
    pub const fn header_len(&self) -> usize {
        self.profile.header_len()
    }

    /// Octets behind a ciphertext: the length of [`Segment::Trailer`](crate::Segment::Trailer).
    #[must_use]
    pub const fn trailer_len(&self) -> usize {
        self.profile.trailer_len()
    }

    /// Octets of padding that a plaintext needs, as [`Segment::Padding`](crate::Segment::Padding); none but for
    /// des3-cbc-sha1-kd. The receiver of a message does not learn their number: its content must tell its own end.
    #[must_use]
    pub const fn padding_len(&self, plaintext_len: usize) -> usize {
        self.profile.padding_len(plaintext_len)
    }

    /// Octets of a checksum, [`Tag::as_bytes`].
    #[must_use]
    pub const fn checksum_len(&self) -> usize {
        self.profile.mac_len()
    }

    /// Length of the ciphertext that a plaintext gives, padding included; saturates rather than overflow.
    #[must_use]
    pub const fn encrypted_len(&self, plaintext_len: usize) -> usize {
        match self.profile.encrypted_len(plaintext_len) {
            Some(len) => len,
            None => usize::MAX,
        }
    }

    /// The octets of the key. Every call is a place to look at in a review.
    #[must_use]
    pub fn expose_secret(&self) -> &[u8] {
        self.bytes.get(..self.profile.key_len()).unwrap_or_default()
    }

    /// Whether two keys are of one type and have the same octets, in constant time for keys of one type.
    #[must_use]
    pub fn ct_eq(&self, other: &Self) -> bool {
        self.profile == other.profile && bool::from(self.expose_secret().ct_eq(other.expose_secret()))
    }

    /// The key's mandatory checksum over the concatenated data (RFC 3961 section 3, get_mic).
    ///
    /// # Errors
    /// None for the types of this version; a later type may refuse a usage.
    pub fn checksum(&self, usage: KeyUsage, data: &[&[u8]]) -> Result<Tag, CryptoError> {
        let kc = self
            .checksum
            .get_or_derive(usage, || checksum_key(self.profile, self.expose_secret(), usage));
        Ok(self.tag(kc, data, self.profile.mac_len()))
    }

    /// Verifies a checksum in constant time (RFC 3961 section 3, verify_mic). Only the key's mandatory type is taken:
    /// a type chosen by a peer could be weaker, or no keyed one at all.
    ///
    /// # Errors
    /// [`CryptoError::ChecksumType`], [`CryptoError::IntegrityFailure`].
    pub fn verify_checksum(
        &self,
        usage: KeyUsage,
        cksumtype: ChecksumType,
        data: &[&[u8]],
        mac: &[u8],
    ) -> Result<(), CryptoError> {
        if cksumtype != self.checksum_type() {
            return Err(CryptoError::ChecksumType {
                expected: self.checksum_type(),
                found: cksumtype,
            });
        }
        self.checksum(usage, data)?.verify(mac)
    }

    /// KERB_CHECKSUM_HMAC_MD5 (-138, RFC 4757 section 4) with a key of any type, as PA-FOR-USER has it
    /// (MS-SFU section 2.2.1, with usage 17). It is no key's mandatory checksum but rc4-hmac's, and
    /// [`Key::verify_checksum`] takes it from no other: verify with [`Tag::verify`], where a specification asks for it.
    #[must_use]
    pub fn hmac_md5_checksum(&self, usage: KeyUsage, data: &[&[u8]]) -> Tag {
        self.tag(
            &rc4_hmac::checksum_state(self.expose_secret(), usage),
            data,
            Profile::Rc4.mac_len(),
        )
    }

    fn tag(&self, state: &MacState, data: &[&[u8]], len: usize) -> Tag {
        let mut mac = state.clone();
        for piece in data {
            mac.update(piece);
        }
        mac.finalize(self.enctype(), len)
    }

    pub(crate) const fn profile(&self) -> Profile {
        self.profile
    }

    fn zero(profile: Profile) -> Self {
        Self {
            profile,
            bytes: Zeroizing::new([0; KEY_LEN_MAX]),
            encryption: UsageList::new(),
            checksum: UsageList::new(),
            prf: OnceBox::new(),
        }
    }

    /// For constructors only: derived keys would not follow a later change.
    fn bytes_mut(&mut self) -> &mut [u8] {
        prefix(&mut self.bytes, self.profile.key_len())
    }

    pub(crate) fn message_keys(&self, usage: KeyUsage) -> &MessageKeys {
        self.encryption.get_or_derive(usage, || {
            MessageKeys::derive(self.profile, self.expose_secret(), usage)
        })
    }

    pub(crate) fn prf_key(&self) -> &PrfKey {
        self.prf
            .get_or_init(|| alloc::boxed::Box::new(PrfKey::derive(self.profile, self.expose_secret())))
    }
}

impl Clone for Key {
    /// A second copy of the secret; what was derived is derived again.
    fn clone(&self) -> Self {
        Self {
            bytes: self.bytes.clone(),
            ..Self::zero(self.profile)
        }
    }
}

impl fmt::Debug for Key {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Key({}, {} octets)", self.enctype(), self.profile.key_len())
    }
}
