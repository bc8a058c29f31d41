//! SAM-2: hardware tokens before FAST (draft-ietf-krb-wg-kerberos-sam), and MIT's cookie.

use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::codec::{Element, sequence};
use crate::flags::flags;
use crate::{AnyDer, Checksum, EncryptedData, PaData};

flags! {
    /// How the answer is used.
    ///
    /// ```text
    /// SAMFlags ::= BIT STRING (SIZE (32..MAX))
    /// ```
    ///
    /// draft-ietf-krb-wg-kerberos-sam 5.1.
    pub struct SamFlags {
        USE_SAD_AS_KEY = 0, "use-sad-as-key";
        SEND_ENCRYPTED_SAD = 1, "send-encrypted-sad";
        MUST_PK_ENCRYPT_SAD = 2, "must-pk-encrypt-sad";
    }
}

/// The most checksums taken.
pub const MAX_CHECKSUMS: usize = 32;

impl Element for Checksum<'_> {
    const MAX_COUNT: usize = MAX_CHECKSUMS;
}

sequence! {
    /// The KDC's question: the value of [`PA_SAM_CHALLENGE_2`](crate::PaDataType::PA_SAM_CHALLENGE_2).
    ///
    /// ```text
    /// PA-SAM-CHALLENGE-2 ::= SEQUENCE {
    ///         sam-body[0]                 PA-SAM-CHALLENGE-2-BODY,
    ///         sam-cksum[1]                SEQUENCE (1..MAX) OF Checksum,
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-krb-wg-kerberos-sam 5.1.
    #[derive(Clone, Debug)]
    pub struct PaSamChallenge2<'a> {
        /// A [`PaSamChallenge2Body`], to be decoded when one of the checksums over its bytes is good.
        pub sam_body: AnyDer<'a> = [0],
        /// One for each key.
        pub sam_cksum: Vec<Checksum<'a>> = [1],
    } ...
}

sequence! {
    /// The question itself. Strings are OCTET STRINGs, as MIT has them; the draft has GeneralStrings.
    ///
    /// ```text
    /// PA-SAM-CHALLENGE-2-BODY ::= SEQUENCE {
    ///         sam-type[0]                 INTEGER (0..4294967295),
    ///         sam-flags[1]                SAMFlags,
    ///         sam-type-name[2]            GeneralString OPTIONAL,
    ///         sam-track-id[3]             GeneralString OPTIONAL,
    ///         sam-challenge-label[4]      GeneralString OPTIONAL,
    ///         sam-challenge[5]            GeneralString OPTIONAL,
    ///         sam-response-prompt[6]      GeneralString OPTIONAL,
    ///         sam-pk-for-sad[7]           OCTET STRING OPTIONAL,
    ///         sam-nonce[8]                INTEGER (0..4294967295),
    ///         sam-etype[9]                INTEGER (0..4294967295),
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-krb-wg-kerberos-sam 5.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaSamChallenge2Body<'a> {
        /// The kind of token.
        pub sam_type: u32 = [0],
        /// How the answer is used.
        pub sam_flags: SamFlags = [1],
        /// The token's name.
        pub sam_type_name: Option<&'a [u8]> = [2],
        /// The KDC's state.
        pub sam_track_id: Option<&'a [u8]> = [3],
        /// What stands before the challenge.
        pub sam_challenge_label: Option<&'a [u8]> = [4],
        /// What is to be typed into the token.
        pub sam_challenge: Option<&'a [u8]> = [5],
        /// What asks for the answer.
        pub sam_response_prompt: Option<&'a [u8]> = [6],
        /// A public key.
        pub sam_pk_for_sad: Option<&'a [u8]> = [7],
        /// A number the answer must repeat.
        pub sam_nonce: u32 = [8],
        /// The encryption type of the answer.
        pub sam_etype: EncryptionType = [9],
    } ...
}

sequence! {
    /// The client's answer: the value of [`PA_SAM_RESPONSE_2`](crate::PaDataType::PA_SAM_RESPONSE_2).
    ///
    /// ```text
    /// PA-SAM-RESPONSE-2 ::= SEQUENCE {
    ///         sam-type[0]                 INTEGER (0..4294967295),
    ///         sam-flags[1]                SAMFlags,
    ///         sam-track-id[2]             GeneralString OPTIONAL,
    ///         sam-enc-nonce-or-sad[3]     EncryptedData,
    ///                                        -- PA-ENC-SAM-RESPONSE-ENC
    ///         sam-nonce[4]                INTEGER (0..4294967295),
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-krb-wg-kerberos-sam 5.3, key usage 27.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaSamResponse2<'a> {
        /// The challenge's.
        pub sam_type: u32 = [0],
        /// The challenge's.
        pub sam_flags: SamFlags = [1],
        /// The challenge's.
        pub sam_track_id: Option<&'a [u8]> = [2],
        /// A [`PaEncSamResponseEnc2`].
        pub sam_enc_nonce_or_sad: EncryptedData<'a> = [3],
        /// The challenge's.
        pub sam_nonce: u32 = [4],
    } ...
}

sequence! {
    /// What the client encrypts. Debug does not show it.
    ///
    /// ```text
    /// PA-ENC-SAM-RESPONSE-ENC ::= SEQUENCE {
    ///         sam-nonce[0]               INTEGER (0..4294967295),
    ///         sam-sad[1]                 GeneralString OPTIONAL,
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-krb-wg-kerberos-sam 5.3.
    #[derive(Clone)]
    pub struct PaEncSamResponseEnc2<'a> {
        /// The challenge's.
        pub sam_nonce: u32 = [0],
        /// The token's value.
        pub sam_sad: Option<&'a [u8]> = [1],
    } ...
}

impl core::fmt::Debug for PaEncSamResponseEnc2<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("PaEncSamResponseEnc2").finish_non_exhaustive()
    }
}

sequence! {
    /// What MIT's KDC encrypts to itself in a [`PA_FX_COOKIE`](crate::PaDataType::PA_FX_COOKIE), which for everybody else is opaque.
    ///
    /// ```text
    /// SecureCookie ::= SEQUENCE {
    ///         time    INTEGER,
    ///         data    SEQUENCE OF PA-DATA,
    ///         ...
    /// }
    /// ```
    ///
    /// No RFC; key usage 513. It comes back to its own writer, so that no further field is looked for.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SecureCookie<'a> {
        /// When it was made, in seconds since 1970.
        pub time: u32 = [],
        /// The state of each mechanism.
        pub data: Vec<PaData<'a>> = [],
    }
}
