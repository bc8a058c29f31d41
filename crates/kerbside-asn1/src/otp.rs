//! One-time passwords inside FAST (RFC 6560). The module has IMPLICIT tags.

use alloc::vec::Vec;
use core::fmt;

use crate::codec::{Element, sequence};
use crate::flags::flags;
use crate::registry::registry;
use crate::{AlgorithmIdentifier, EncryptedData, KerberosString, KerberosTime, LastReqEntry};

flags! {
    /// What a token, or the value given, is like.
    ///
    /// ```text
    /// OTPFlags ::= KerberosFlags
    /// ```
    ///
    /// RFC 6560 4.1.
    pub struct OtpFlags {
        RESERVED = 0, "reserved";
        NEXT_OTP = 1, "nextOTP";
        COMBINE = 2, "combine";
        COLLECT_PIN = 3, "collect-pin";
        DO_NOT_COLLECT_PIN = 4, "do-not-collect-pin";
        MUST_ENCRYPT_NONCE = 5, "must-encrypt-nonce";
        SEPARATE_PIN_REQUIRED = 6, "separate-pin-required";
        CHECK_DIGIT = 7, "check-digit";
    }
}

flags! {
    /// What happened to a PIN.
    ///
    /// ```text
    /// PinFlags ::= KerberosFlags
    /// ```
    ///
    /// RFC 6560 4.3.
    pub struct PinFlags {
        RESERVED = 0, "reserved";
        SYSTEM_SET_PIN = 1, "systemSetPin";
        MANDATORY = 2, "mandatory";
    }
}

registry! {
    /// The `OTPFormat` of RFC 6560 4.1.
    pub struct OtpFormat {
        DECIMAL = 0, "decimal", "";
        HEXADECIMAL = 1, "hexadecimal", "";
        ALPHANUMERIC = 2, "alphanumeric", "";
        BINARY = 3, "binary", "";
        BASE64 = 4, "base64", "";
    }
}

/// The most tokens taken in one challenge.
pub const MAX_OTP_TOKENS: usize = 64;

sequence! {
    /// The KDC's question: the value of [`PA_OTP_CHALLENGE`](crate::PaDataType::PA_OTP_CHALLENGE).
    ///
    /// ```text
    /// PA-OTP-CHALLENGE ::= SEQUENCE {
    ///         nonce            [0] OCTET STRING,
    ///         otp-service      [1] UTF8String               OPTIONAL,
    ///         otp-tokenInfo    [2] SEQUENCE (SIZE(1..MAX)) OF
    ///                                                  OTP-TOKENINFO,
    ///         salt             [3] KerberosString           OPTIONAL,
    ///         s2kparams        [4] OCTET STRING             OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6560 4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaOtpChallenge<'a> {
        /// To be encrypted by the client.
        pub nonce: &'a [u8] = [0] IMPLICIT,
        /// For the user.
        pub otp_service: Option<&'a str> = [1] IMPLICIT,
        /// The tokens the client may use.
        pub otp_token_info: Vec<OtpTokenInfo<'a>> = [2] IMPLICIT,
        /// When the value goes through string-to-key.
        pub salt: Option<KerberosString<'a>> = [3] IMPLICIT,
        /// When the value goes through string-to-key.
        pub s2kparams: Option<&'a [u8]> = [4] IMPLICIT,
    } ...
}

sequence! {
    /// A token the client may use.
    ///
    /// ```text
    /// OTP-TOKENINFO ::= SEQUENCE {
    ///         flags            [0] OTPFlags,
    ///         otp-vendor       [1] UTF8String               OPTIONAL,
    ///         otp-challenge    [2] OCTET STRING (SIZE(1..MAX))
    ///                                                       OPTIONAL,
    ///         otp-length       [3] Int32                    OPTIONAL,
    ///         otp-format       [4] OTPFormat                OPTIONAL,
    ///         otp-tokenID      [5] OCTET STRING             OPTIONAL,
    ///         otp-algID        [6] AnyURI                   OPTIONAL,
    ///         supportedHashAlg [7] SEQUENCE OF AlgorithmIdentifier
    ///                                                       OPTIONAL,
    ///         iterationCount   [8] Int32                    OPTIONAL,
    ///         ...
    /// }
    /// AnyURI ::= UTF8String
    /// ```
    ///
    /// RFC 6560 4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct OtpTokenInfo<'a> {
        /// What the token is like.
        pub flags: OtpFlags = [0] IMPLICIT,
        /// Its maker.
        pub otp_vendor: Option<&'a str> = [1] IMPLICIT,
        /// What is to be typed into it.
        pub otp_challenge: Option<&'a [u8]> = [2] IMPLICIT,
        /// The length of its value.
        pub otp_length: Option<i32> = [3] IMPLICIT,
        /// The form of its value.
        pub otp_format: Option<OtpFormat> = [4] IMPLICIT,
        /// Which one it is.
        pub otp_token_id: Option<&'a [u8]> = [5] IMPLICIT,
        /// The algorithm, as a URI.
        pub otp_alg_id: Option<&'a str> = [6] IMPLICIT,
        /// The hashes the KDC takes.
        pub supported_hash_alg: Option<Vec<AlgorithmIdentifier<'a>>> = [7] IMPLICIT,
        /// How often to hash at most.
        pub iteration_count: Option<i32> = [8] IMPLICIT,
    } ...
}

impl Element for OtpTokenInfo<'_> {
    const MAX_COUNT: usize = MAX_OTP_TOKENS;
}

sequence! {
    /// The client's answer: the value of [`PA_OTP_REQUEST`](crate::PaDataType::PA_OTP_REQUEST).
    ///
    /// ```text
    /// PA-OTP-REQUEST ::= SEQUENCE {
    ///         flags          [0]  OTPFlags,
    ///         nonce          [1]  OCTET STRING                OPTIONAL,
    ///         encData        [2]  EncryptedData,
    ///                            -- PA-OTP-ENC-REQUEST or PA-ENC-TS-ENC
    ///         hashAlg        [3]  AlgorithmIdentifier         OPTIONAL,
    ///         iterationCount [4]  Int32                       OPTIONAL,
    ///         otp-value      [5]  OCTET STRING                OPTIONAL,
    ///         otp-pin        [6]  UTF8String                  OPTIONAL,
    ///         otp-challenge  [7]  OCTET STRING (SIZE(1..MAX)) OPTIONAL,
    ///         otp-time       [8]  KerberosTime                OPTIONAL,
    ///         otp-counter    [9]  OCTET STRING                OPTIONAL,
    ///         otp-format     [10] OTPFormat                   OPTIONAL,
    ///         otp-tokenID    [11] OCTET STRING                OPTIONAL,
    ///         otp-algID      [12] AnyURI                      OPTIONAL,
    ///         otp-vendor     [13] UTF8String                  OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6560 4.2, key usage 45. Debug shows neither value nor PIN.
    #[derive(Clone)]
    pub struct PaOtpRequest<'a> {
        /// What the value is like.
        pub flags: OtpFlags = [0] IMPLICIT,
        /// The client's own.
        pub nonce: Option<&'a [u8]> = [1] IMPLICIT,
        /// A [`PaOtpEncRequest`] or [`PaEncTsEnc`](crate::PaEncTsEnc).
        pub enc_data: EncryptedData<'a> = [2] IMPLICIT,
        /// The hash that was used.
        pub hash_alg: Option<AlgorithmIdentifier<'a>> = [3] IMPLICIT,
        /// How often.
        pub iteration_count: Option<i32> = [4] IMPLICIT,
        /// The value, if it is sent rather than used as a key.
        pub otp_value: Option<&'a [u8]> = [5] IMPLICIT,
        /// The PIN, if it is sent apart.
        pub otp_pin: Option<&'a str> = [6] IMPLICIT,
        /// What was typed into the token.
        pub otp_challenge: Option<&'a [u8]> = [7] IMPLICIT,
        /// The token's time.
        pub otp_time: Option<KerberosTime> = [8] IMPLICIT,
        /// The token's counter.
        pub otp_counter: Option<&'a [u8]> = [9] IMPLICIT,
        /// The form of the value.
        pub otp_format: Option<OtpFormat> = [10] IMPLICIT,
        /// Which token.
        pub otp_token_id: Option<&'a [u8]> = [11] IMPLICIT,
        /// The algorithm, as a URI.
        pub otp_alg_id: Option<&'a str> = [12] IMPLICIT,
        /// The token's maker.
        pub otp_vendor: Option<&'a str> = [13] IMPLICIT,
    } ...
}

impl fmt::Debug for PaOtpRequest<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaOtpRequest")
            .field("flags", &self.flags)
            .field("enc_data", &self.enc_data)
            .finish_non_exhaustive()
    }
}

sequence! {
    /// What a client encrypts to show that it has the value.
    ///
    /// ```text
    /// PA-OTP-ENC-REQUEST ::= SEQUENCE {
    ///         nonce     [0] OCTET STRING,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6560 4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaOtpEncRequest<'a> {
        /// The challenge's.
        pub nonce: &'a [u8] = [0] IMPLICIT,
    } ...
}

sequence! {
    /// News about the user's PIN: the value of [`PA_OTP_PIN_CHANGE`](crate::PaDataType::PA_OTP_PIN_CHANGE).
    ///
    /// ```text
    /// PA-OTP-PIN-CHANGE ::= SEQUENCE {
    ///         flags     [0] PinFlags,
    ///         pin       [1] UTF8String OPTIONAL,
    ///         minLength [2] INTEGER    OPTIONAL,
    ///         maxLength [3] INTEGER    OPTIONAL,
    ///         last-req  [4] LastReq    OPTIONAL,
    ///         format    [5] OTPFormat  OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 6560 4.3. Debug does not show the PIN.
    #[derive(Clone)]
    pub struct PaOtpPinChange<'a> {
        /// What happened.
        pub flags: PinFlags = [0] IMPLICIT,
        /// The new PIN.
        pub pin: Option<&'a str> = [1] IMPLICIT,
        /// Its least length.
        pub min_length: Option<i32> = [2] IMPLICIT,
        /// Its greatest length.
        pub max_length: Option<i32> = [3] IMPLICIT,
        /// When PINs were used.
        pub last_req: Option<Vec<LastReqEntry>> = [4] IMPLICIT,
        /// Its form.
        pub format: Option<OtpFormat> = [5] IMPLICIT,
    } ...
}

impl fmt::Debug for PaOtpPinChange<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("PaOtpPinChange")
            .field("flags", &self.flags)
            .finish_non_exhaustive()
    }
}
