//! Protocol keys and what is done with them.

use alloc::vec;
use alloc::vec::Vec;
use core::fmt;

use rand_core::CryptoRng;
use subtle::ConstantTimeEq;
use zeroize::Zeroizing;

use crate::checksum_type::ChecksumType;
use crate::ciphertext_stealing;
use crate::encryption_type::EncryptionType;
use crate::error::CryptoError;
use crate::key_derivation::{EncryptionKeys, checksum_key, prefix};
use crate::key_usage::KeyUsage;
use crate::limits::{IterationLimits, MAX_MESSAGE_LEN};
use crate::mac::{HmacState, Tag};
use crate::profile::{CONFOUNDER_LEN, KEY_LEN_MAX, MAC_LEN_MAX, Profile};
use crate::secret::Password;
use crate::segment::{Segment, encrypted_total};
use crate::string_to_key::string_to_key;
use crate::usage_list::UsageList;

/// A protocol key (RFC 3961 section 3) of a supported encryption type.
///
/// It keeps what it derived for each usage, so a key that protects many messages should be shared, not cloned: a clone
/// is a second copy of the secret that derives for itself. All memory it holds is zeroized on drop.
pub struct Key {
    profile: Profile,
    bytes: Zeroizing<[u8; KEY_LEN_MAX]>,
    encryption: UsageList<EncryptionKeys>,
    checksum: UsageList<HmacState>,
}

impl Key {
    /// A key from its octets.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`], [`CryptoError::KeyLength`].
    pub fn new(enctype: EncryptionType, octets: &[u8]) -> Result<Self, CryptoError> {
        let profile = Profile::supported(enctype)?;
        let mut key = Self::zero(profile);
        if octets.len() != profile.key_len() {
            return Err(CryptoError::KeyLength {
                enctype,
                expected: profile.key_len(),
                found: octets.len(),
            });
        }
        key.bytes_mut().copy_from_slice(octets);
        Ok(key)
    }

    /// random-to-key (RFC 3961 section 3): a key from a string of random octets, its identity for these types.
    ///
    /// # Errors
    /// As [`Key::new`].
    pub fn random_to_key(enctype: EncryptionType, octets: &[u8]) -> Result<Self, CryptoError> {
        Self::new(enctype, octets)
    }

    /// A fresh random key.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`].
    pub fn generate(enctype: EncryptionType, rng: &mut dyn CryptoRng) -> Result<Self, CryptoError> {
        let mut key = Self::zero(Profile::supported(enctype)?);
        rng.fill_bytes(key.bytes_mut());
        Ok(key)
    }

    /// string-to-key (RFC 3962 section 4, RFC 8009 section 4). `params` is the s2kparams string of ETYPE-INFO2, the
    /// iteration count as four octets; without it the type's default count is used, which is subject to `limits` too.
    ///
    /// # Errors
    /// [`CryptoError::Unsupported`], [`CryptoError::PasswordTooLong`], [`CryptoError::SaltTooLong`],
    /// [`CryptoError::StringToKeyParams`], [`CryptoError::IterationCountTooLow`],
    /// [`CryptoError::IterationCountTooHigh`]; all before anything is computed.
    pub fn from_password(
        enctype: EncryptionType,
        password: &Password,
        salt: &[u8],
        params: Option<&[u8]>,
        limits: &IterationLimits,
    ) -> Result<Self, CryptoError> {
        let mut key = Self::zero(Profile::supported(enctype)?);
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

    /// Octets of the confounder before a plaintext: the length of [`Segment::Header`].
    #[must_use]
    pub const fn header_len(&self) -> usize {
        CONFOUNDER_LEN
    }

    /// Octets of the checksum behind a ciphertext: the length of [`Segment::Trailer`] and of [`Tag::as_bytes`].
    #[must_use]
    pub const fn trailer_len(&self) -> usize {
        self.profile.mac_len()
    }

    /// Length of the ciphertext that a plaintext gives; saturates rather than overflow.
    #[must_use]
    pub const fn encrypted_len(&self, plaintext_len: usize) -> usize {
        plaintext_len.saturating_add(self.profile.min_ciphertext_len())
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

    /// Encrypts into a new buffer: confounder, ciphertext and checksum.
    ///
    /// # Errors
    /// [`CryptoError::MessageTooLong`].
    pub fn encrypt(
        &self,
        usage: KeyUsage,
        plaintext: &[u8],
        rng: &mut dyn CryptoRng,
    ) -> Result<Vec<u8>, CryptoError> {
        check_message_len(plaintext.len())?;
        let mut out = vec![0; self.encrypted_len(plaintext.len())];
        let (header, rest) = out.split_at_mut(CONFOUNDER_LEN);
        let (data, trailer) = rest.split_at_mut(plaintext.len());
        data.copy_from_slice(plaintext);
        let segments = &mut [
            Segment::Header(header),
            Segment::Data(data),
            Segment::Trailer(trailer),
        ];
        self.encrypt_in_place(usage, segments, rng)?;
        Ok(out)
    }

    /// Decrypts and verifies into a new buffer, which is zeroized on drop.
    ///
    /// # Errors
    /// [`CryptoError::CiphertextTooShort`], [`CryptoError::MessageTooLong`], [`CryptoError::IntegrityFailure`].
    pub fn decrypt(&self, usage: KeyUsage, ciphertext: &[u8]) -> Result<Zeroizing<Vec<u8>>, CryptoError> {
        let too_short = CryptoError::CiphertextTooShort {
            enctype: self.enctype(),
            min: self.profile.min_ciphertext_len(),
            found: ciphertext.len(),
        };
        check_message_len(ciphertext.len())?;
        let (confounder, rest) = ciphertext
            .split_first_chunk::<CONFOUNDER_LEN>()
            .ok_or(too_short)?;
        let data_len = rest.len().checked_sub(self.profile.mac_len()).ok_or(too_short)?;
        let (data, mac) = rest.split_at_checked(data_len).ok_or(too_short)?;

        let mut header = *confounder;
        let mut plaintext = Zeroizing::new(data.to_vec());
        let mut trailer = [0; MAC_LEN_MAX];
        let trailer = trailer.get_mut(..mac.len()).unwrap_or_default();
        trailer.copy_from_slice(mac);
        let segments = &mut [
            Segment::Header(&mut header),
            Segment::Data(&mut plaintext),
            Segment::Trailer(trailer),
        ];
        self.decrypt_in_place(usage, segments)?;
        Ok(plaintext)
    }

    /// Encrypts the segments in place: fills the header with a confounder and the trailer with the checksum. Allocates
    /// nothing once the usage is derived.
    ///
    /// # Errors
    /// [`CryptoError::Segments`]; nothing is changed then.
    pub fn encrypt_in_place(
        &self,
        usage: KeyUsage,
        segments: &mut [Segment<'_>],
        rng: &mut dyn CryptoRng,
    ) -> Result<(), CryptoError> {
        let total = encrypted_total(self.profile, segments)?;
        let keys = self.encryption_keys(usage);
        if let Some(Segment::Header(confounder)) = segments.first_mut() {
            rng.fill_bytes(confounder);
        }
        let tag = if self.profile.is_encrypt_then_mac() {
            ciphertext_stealing::encrypt(&keys.cipher, segments, total);
            self.integrity_tag(keys, segments)
        } else {
            let tag = self.integrity_tag(keys, segments);
            ciphertext_stealing::encrypt(&keys.cipher, segments, total);
            tag
        };
        for segment in segments {
            if let Segment::Trailer(trailer) = segment {
                trailer.copy_from_slice(tag.as_bytes());
            }
        }
        Ok(())
    }

    /// Verifies and decrypts the segments in place. Allocates nothing once the usage is derived.
    ///
    /// # Errors
    /// [`CryptoError::Segments`]; [`CryptoError::IntegrityFailure`], after which the encrypted segments hold zero
    /// octets or, for the types of RFC 8009, still the ciphertext: never plaintext that nobody vouched for.
    pub fn decrypt_in_place(&self, usage: KeyUsage, segments: &mut [Segment<'_>]) -> Result<(), CryptoError> {
        let total = encrypted_total(self.profile, segments)?;
        let keys = self.encryption_keys(usage);
        if self.profile.is_encrypt_then_mac() {
            verify_trailer(&self.integrity_tag(keys, segments), segments)?;
            ciphertext_stealing::decrypt(&keys.cipher, segments, total);
            return Ok(());
        }
        ciphertext_stealing::decrypt(&keys.cipher, segments, total);
        verify_trailer(&self.integrity_tag(keys, segments), segments).inspect_err(|_| {
            for text in segments.iter_mut().filter_map(Segment::encrypted_mut) {
                text.fill(0);
            }
        })
    }

    /// The key's mandatory checksum over the concatenated data (RFC 3961 section 3, get_mic).
    ///
    /// # Errors
    /// None for the types of this version; a later type may refuse a usage.
    pub fn checksum(&self, usage: KeyUsage, data: &[&[u8]]) -> Result<Tag, CryptoError> {
        let kc = self
            .checksum
            .get_or_derive(usage, || checksum_key(self.profile, self.expose_secret(), usage));
        let mut hmac = kc.clone();
        for piece in data {
            hmac.update(piece);
        }
        Ok(hmac.finalize(self.profile))
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

    pub(crate) const fn profile(&self) -> Profile {
        self.profile
    }

    fn zero(profile: Profile) -> Self {
        Self {
            profile,
            bytes: Zeroizing::new([0; KEY_LEN_MAX]),
            encryption: UsageList::new(),
            checksum: UsageList::new(),
        }
    }

    /// For constructors only: derived keys would not follow a later change.
    fn bytes_mut(&mut self) -> &mut [u8] {
        prefix(&mut self.bytes, self.profile.key_len())
    }

    fn encryption_keys(&self, usage: KeyUsage) -> &EncryptionKeys {
        self.encryption.get_or_derive(usage, || {
            EncryptionKeys::derive(self.profile, self.expose_secret(), usage)
        })
    }

    /// The checksum of a message: over the plaintext, or over cipher state and ciphertext (RFC 8009 section 5).
    fn integrity_tag(&self, keys: &EncryptionKeys, segments: &[Segment<'_>]) -> Tag {
        let mut hmac = keys.integrity.clone();
        if self.profile.is_encrypt_then_mac() {
            hmac.update(&[0; CONFOUNDER_LEN]);
        }
        for text in segments.iter().filter_map(Segment::signed) {
            hmac.update(text);
        }
        hmac.finalize(self.profile)
    }
}

/// Compares the trailer; the list was checked to have one.
fn verify_trailer(tag: &Tag, segments: &[Segment<'_>]) -> Result<(), CryptoError> {
    let trailer = segments.iter().find_map(|segment| match segment {
        Segment::Trailer(trailer) => Some(&**trailer),
        _ => None,
    });
    tag.verify(trailer.unwrap_or_default())
}

fn check_message_len(found: usize) -> Result<(), CryptoError> {
    if found > MAX_MESSAGE_LEN {
        return Err(CryptoError::MessageTooLong {
            max: MAX_MESSAGE_LEN,
            found,
        });
    }
    Ok(())
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
