//! Encryption type numbers (RFC 3961 section 8 and the IANA registry).

use crate::checksum_type::ChecksumType;
use crate::profile::Profile;
use crate::registry::registry;

registry! {
    /// An encryption type (`etype`), as an open number: unknown ones are carried and refused by name.
    pub struct EncryptionType, unknown "etype";
    NULL = 0, "null", "no encryption; never accepted";
    DES_CBC_CRC = 1, "des-cbc-crc", "historic, disabled by RFC 6649";
    DES_CBC_MD4 = 2, "des-cbc-md4", "historic, disabled by RFC 6649";
    DES_CBC_MD5 = 3, "des-cbc-md5" | "des", "historic, disabled by RFC 6649";
    DES3_CBC_MD5 = 5, "des3-cbc-md5", "historic";
    DES3_CBC_SHA1_OLD = 7, "des3-cbc-sha1-old", "historic";
    DSA_SHA1_CMS = 9, "dsaWithSHA1-CmsOID", "named in PKINIT negotiation only, RFC 4556";
    MD5_RSA_CMS = 10, "md5WithRSAEncryption-CmsOID", "named in PKINIT negotiation only, RFC 4556";
    SHA1_RSA_CMS = 11, "sha1WithRSAEncryption-CmsOID", "named in PKINIT negotiation only, RFC 4556";
    RC2_CBC_ENV = 12, "rc2CBC-EnvOID", "named in PKINIT negotiation only, RFC 4556";
    RSA_ENV = 13, "rsaEncryption-EnvOID", "named in PKINIT negotiation only, RFC 4556";
    RSA_ES_OAEP_ENV = 14, "rsaES-OAEP-ENV-OID", "named in PKINIT negotiation only, RFC 4556";
    DES3_CBC_ENV = 15, "des-ede3-cbc-Env-OID", "named in PKINIT negotiation only, RFC 4556";
    DES3_CBC_SHA1_KD = 16, "des3-cbc-sha1" | "des3-cbc-sha1-kd" | "des3-hmac-sha1",
        "triple DES, RFC 3961; deprecated by RFC 8429";
    AES128_CTS_HMAC_SHA1_96 = 17, "aes128-cts-hmac-sha1-96" | "aes128-cts" | "aes128-sha1", "RFC 3962";
    AES256_CTS_HMAC_SHA1_96 = 18, "aes256-cts-hmac-sha1-96" | "aes256-cts" | "aes256-sha1", "RFC 3962";
    AES128_CTS_HMAC_SHA256_128 = 19, "aes128-cts-hmac-sha256-128" | "aes128-sha2", "RFC 8009";
    AES256_CTS_HMAC_SHA384_192 = 20, "aes256-cts-hmac-sha384-192" | "aes256-sha2", "RFC 8009";
    RC4_HMAC = 23, "arcfour-hmac" | "rc4-hmac" | "arcfour-hmac-md5", "RFC 4757; deprecated by RFC 8429";
    RC4_HMAC_EXP = 24, "arcfour-hmac-exp" | "rc4-hmac-exp" | "arcfour-hmac-md5-exp", "historic, RFC 4757";
    CAMELLIA128_CTS_CMAC = 25, "camellia128-cts-cmac" | "camellia128-cts", "RFC 6803";
    CAMELLIA256_CTS_CMAC = 26, "camellia256-cts-cmac" | "camellia256-cts", "RFC 6803";
    SUBKEY_KEYMATERIAL = 65, "subkey-keymaterial", "opaque key material";
    RC4_MD4 = -128, "rc4-md4", "Microsoft, MS-KILE; historic";
    RC4_HMAC_OLD = -133, "rc4-hmac-old", "Microsoft, MS-KILE; historic";
    RC4_HMAC_OLD_EXP = -135, "rc4-hmac-old-exp", "Microsoft, MS-KILE; historic";
}

impl EncryptionType {
    /// What a client asks for when nobody says otherwise, the strongest first. Of the other
    /// [`IMPLEMENTED`](Self::IMPLEMENTED) types Camellia is left to those who name it, as RFC 6803 section 8 wants it,
    /// and the deprecated two to those who allow them.
    pub const SUPPORTED: [Self; 4] = [
        Self::AES256_CTS_HMAC_SHA384_192,
        Self::AES128_CTS_HMAC_SHA256_128,
        Self::AES256_CTS_HMAC_SHA1_96,
        Self::AES128_CTS_HMAC_SHA1_96,
    ];

    /// All types this crate computes, the strongest first.
    pub const IMPLEMENTED: [Self; 8] = [
        Self::AES256_CTS_HMAC_SHA384_192,
        Self::AES128_CTS_HMAC_SHA256_128,
        Self::AES256_CTS_HMAC_SHA1_96,
        Self::AES128_CTS_HMAC_SHA1_96,
        Self::CAMELLIA256_CTS_CMAC,
        Self::CAMELLIA128_CTS_CMAC,
        Self::RC4_HMAC,
        Self::DES3_CBC_SHA1_KD,
    ];

    /// Whether this crate computes with keys of this type without being asked to: what
    /// [`EnctypePolicy::DEFAULT`](crate::EnctypePolicy::DEFAULT) permits.
    #[must_use]
    pub const fn is_supported(self) -> bool {
        self.is_implemented() && !self.is_deprecated()
    }

    /// Whether this crate can compute with keys of this type, be it that a policy must allow it.
    #[must_use]
    pub const fn is_implemented(self) -> bool {
        Profile::of(self).is_some()
    }

    /// Whether the type is broken: single DES, the 40-bit RC4 and Microsoft's older RC4 forms (and no encryption).
    #[must_use]
    pub const fn is_weak(self) -> bool {
        matches!(self.0, 0..=3 | 5 | 7 | 15 | 24 | -128 | -133 | -135)
    }

    /// Whether RFC 8429 or an earlier document deprecates the type; every weak type is deprecated as well.
    #[must_use]
    pub const fn is_deprecated(self) -> bool {
        self.is_weak() || matches!(self.0, 16 | 23)
    }

    /// Length of a protocol key in octets, for the types that Kerberos keys exist for.
    #[must_use]
    pub const fn key_len(self) -> Option<usize> {
        match self.0 {
            1..=3 => Some(8),
            5 | 7 | 16 => Some(24),
            17 | 19 | 23 | 24 | 25 => Some(16),
            18 | 20 | 26 => Some(32),
            _ => None,
        }
    }

    /// The mandatory checksum type of the encryption type (RFC 3961 section 3).
    #[must_use]
    pub const fn checksum_type(self) -> Option<ChecksumType> {
        match self.0 {
            16 => Some(ChecksumType::HMAC_SHA1_DES3_KD),
            17 => Some(ChecksumType::HMAC_SHA1_96_AES128),
            18 => Some(ChecksumType::HMAC_SHA1_96_AES256),
            19 => Some(ChecksumType::HMAC_SHA256_128_AES128),
            20 => Some(ChecksumType::HMAC_SHA384_192_AES256),
            23 | 24 => Some(ChecksumType::HMAC_MD5_RC4),
            25 => Some(ChecksumType::CMAC_CAMELLIA128),
            26 => Some(ChecksumType::CMAC_CAMELLIA256),
            _ => None,
        }
    }

    /// Octets before the plaintext in a ciphertext (the confounder, in RC4 behind the checksum), for implemented types.
    #[must_use]
    pub const fn header_len(self) -> Option<usize> {
        match Profile::of(self) {
            Some(profile) => Some(profile.header_len()),
            None => None,
        }
    }

    /// Octets behind plaintext and padding in a ciphertext (the checksum, in RC4 nothing), for implemented types.
    #[must_use]
    pub const fn trailer_len(self) -> Option<usize> {
        match Profile::of(self) {
            Some(profile) => Some(profile.trailer_len()),
            None => None,
        }
    }

    /// Octets of padding behind a plaintext: none but for des3-cbc-sha1-kd; for implemented types.
    #[must_use]
    pub const fn padding_len(self, plaintext_len: usize) -> Option<usize> {
        match Profile::of(self) {
            Some(profile) => Some(profile.padding_len(plaintext_len)),
            None => None,
        }
    }

    /// Octets that random-to-key makes a key of (RFC 3961 section 3): the key's length, and 21 for des3-cbc-sha1-kd;
    /// for implemented types.
    #[must_use]
    pub const fn seed_len(self) -> Option<usize> {
        match Profile::of(self) {
            Some(profile) => Some(profile.seed_len()),
            None => None,
        }
    }

    /// Length of the ciphertext that a plaintext of `plaintext_len` octets gives, padding included, for implemented
    /// types and lengths that do not overflow.
    #[must_use]
    pub const fn encrypted_len(self, plaintext_len: usize) -> Option<usize> {
        match Profile::of(self) {
            Some(profile) => profile.encrypted_len(plaintext_len),
            None => None,
        }
    }

    /// PBKDF2 iterations when no parameters are given (RFC 3962 section 4, RFC 8009 section 4, RFC 6803 section 4), for
    /// implemented types whose string-to-key iterates.
    #[must_use]
    pub const fn default_iterations(self) -> Option<u32> {
        match Profile::of(self) {
            Some(profile) => profile.default_iterations(),
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "a test fails by panicking")]
    use super::*;
    use alloc::format;

    #[test]
    fn names_and_aliases_lead_to_the_number_without_regard_to_case() {
        for (name, number) in [
            ("aes256-cts-hmac-sha1-96", 18),
            ("AES256-CTS", 18),
            ("aes128-sha1", 17),
            ("aes128-sha2", 19),
            ("aes256-sha2", 20),
            ("rc4-hmac", 23),
            ("des3-cbc-sha1-kd", 16),
        ] {
            assert_eq!(
                EncryptionType::from_name(name),
                Some(EncryptionType(number)),
                "{name}"
            );
        }
        assert_eq!(EncryptionType::from_name("aes512-cts"), None);
    }

    #[test]
    fn every_registered_number_has_a_name_that_leads_back() {
        for &enctype in EncryptionType::ALL {
            assert_eq!(EncryptionType::from_name(enctype.name().unwrap()), Some(enctype));
            assert!(!enctype.description().unwrap().is_empty());
        }
    }

    #[test]
    fn display_and_debug_name_the_type() {
        assert_eq!(format!("{}", EncryptionType(18)), "aes256-cts-hmac-sha1-96");
        assert_eq!(format!("{}", EncryptionType(99)), "etype 99");
        assert_eq!(
            format!("{:?}", EncryptionType(17)),
            "EncryptionType(17, aes128-cts-hmac-sha1-96)"
        );
    }

    #[test]
    fn implemented_types_have_lengths_and_the_deprecated_ones_are_not_supported() {
        for &enctype in EncryptionType::ALL {
            let listed = EncryptionType::IMPLEMENTED.contains(&enctype);
            assert_eq!(enctype.is_implemented(), listed, "{enctype}");
            assert_eq!(
                enctype.is_supported(),
                listed && !enctype.is_deprecated(),
                "{enctype}"
            );
            assert!(!(listed && enctype.is_weak()), "{enctype}");
            assert_eq!(enctype.header_len().is_some(), listed);
            assert_eq!(enctype.trailer_len().is_some(), listed);
            assert_eq!(enctype.padding_len(0).is_some(), listed);
            assert_eq!(enctype.seed_len().is_some(), listed);
            assert_eq!(enctype.encrypted_len(0).is_some(), listed);
            assert_eq!(
                enctype.default_iterations().is_some(),
                listed && !enctype.is_deprecated()
            );
        }
        for enctype in EncryptionType::SUPPORTED {
            assert!(enctype.is_supported() && !enctype.is_deprecated(), "{enctype}");
        }
        assert!(EncryptionType::DES_CBC_MD5.is_weak());
        assert!(!EncryptionType::RC4_HMAC.is_weak());
        assert!(EncryptionType::RC4_HMAC.is_deprecated());
        assert!(EncryptionType::DES3_CBC_SHA1_KD.is_deprecated());
        assert!(EncryptionType::CAMELLIA128_CTS_CMAC.is_supported());
    }

    #[test]
    fn lengths_add_up_and_do_not_overflow() {
        assert_eq!(EncryptionType(18).encrypted_len(100), Some(128));
        assert_eq!(EncryptionType(20).encrypted_len(0), Some(40));
        assert_eq!(EncryptionType(23).encrypted_len(9), Some(33));
        assert_eq!(EncryptionType(16).encrypted_len(0), Some(28));
        assert_eq!(EncryptionType(16).encrypted_len(1), Some(36));
        assert_eq!(EncryptionType(16).encrypted_len(8), Some(36));
        assert_eq!(EncryptionType(16).padding_len(9), Some(7));
        assert_eq!(EncryptionType(17).encrypted_len(usize::MAX), None);
        assert_eq!(EncryptionType(16).encrypted_len(usize::MAX), None);
    }
}
