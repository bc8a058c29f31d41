//! Checksum type numbers (RFC 3961 section 8 and the documents of each encryption type).

use crate::registry::registry;

registry! {
    /// A checksum type (`cksumtype`), as an open number.
    pub struct ChecksumType, unknown "cksumtype";
    CRC32 = 1, "crc32", "unkeyed and weak, RFC 3961";
    RSA_MD4 = 2, "rsa-md4" | "md4", "unkeyed, historic";
    RSA_MD4_DES = 3, "rsa-md4-des" | "md4-des", "historic";
    DES_MAC = 4, "des-mac" | "des-cbc", "historic";
    DES_MAC_K = 5, "des-mac-k", "historic";
    RSA_MD4_DES_K = 6, "rsa-md4-des-k", "historic";
    RSA_MD5 = 7, "rsa-md5" | "md5", "unkeyed, RFC 3961";
    RSA_MD5_DES = 8, "rsa-md5-des" | "md5-des", "historic";
    RSA_MD5_DES3 = 9, "rsa-md5-des3", "historic";
    SHA1_OTHER = 10, "sha1-other", "unkeyed SHA-1 under its other number";
    HMAC_SHA1_DES3_KD = 12, "hmac-sha1-des3-kd" | "hmac-sha1-des3", "RFC 3961";
    HMAC_SHA1_DES3 = 13, "hmac-sha1-des3-old", "historic";
    SHA1 = 14, "sha1" | "sha", "unkeyed";
    HMAC_SHA1_96_AES128 = 15, "hmac-sha1-96-aes128", "RFC 3962";
    HMAC_SHA1_96_AES256 = 16, "hmac-sha1-96-aes256", "RFC 3962";
    CMAC_CAMELLIA128 = 17, "cmac-camellia128", "RFC 6803";
    CMAC_CAMELLIA256 = 18, "cmac-camellia256", "RFC 6803";
    HMAC_SHA256_128_AES128 = 19, "hmac-sha256-128-aes128", "RFC 8009";
    HMAC_SHA384_192_AES256 = 20, "hmac-sha384-192-aes256", "RFC 8009";
    GSS_AUTHENTICATOR = 32771, "gss-authenticator", "no checksum: the GSS-API field of RFC 4121 section 4.1.1";
    HMAC_MD5_RC4 = -138, "hmac-md5-rc4" | "hmac-md5-enc" | "hmac-md5-earcfour", "RFC 4757; also PAC and PA-FOR-USER";
    MD5_HMAC_RC4 = -137, "md5-hmac-rc4", "Microsoft's MD5-HMAC";
}

impl ChecksumType {
    /// Length of a checksum of this type in octets, for the types this crate computes.
    #[must_use]
    pub const fn checksum_len(self) -> Option<usize> {
        match self.0 {
            1 => Some(4),
            12 | 10 | 14 => Some(20),
            15 | 16 => Some(12),
            2 | 7 | 17 | 18 | 19 | -138 => Some(16),
            20 => Some(24),
            _ => None,
        }
    }

    /// Whether the type is keyed, for the registered types; an unknown number counts as unkeyed.
    #[must_use]
    pub const fn is_keyed(self) -> bool {
        matches!(self.0, 3..=6 | 8 | 9 | 12 | 13 | 15..=20 | -138 | -137)
    }
}
