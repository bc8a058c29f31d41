//! `AD-CAMMAC`: authorization data the KDC vouches for, to the service and to itself (RFC 7751).

use alloc::vec::Vec;

use kerbside_crypto::EncryptionType;

use crate::codec::{Decode, Element, Encode, sequence};
use crate::error::DecodeError;
use crate::reader::Reader;
use crate::writer::Writer;
use crate::{AnyDer, AuthorizationData, Checksum, PrincipalName, Raw, tag};

sequence! {
    /// The `ad_data` of [`AD_CAMMAC`](crate::AdType::AD_CAMMAC).
    ///
    /// ```text
    /// AD-CAMMAC                   ::= SEQUENCE {
    ///         elements              [0] AuthorizationData,
    ///         kdc-verifier          [1] Verifier-MAC OPTIONAL,
    ///         svc-verifier          [2] Verifier-MAC OPTIONAL,
    ///         other-verifiers       [3] SEQUENCE (SIZE (1..MAX))
    ///                                   OF Verifier OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 7751 4, key usage 64.
    #[derive(Clone, Debug)]
    pub struct AdCammac<'a> {
        /// What is vouched for, with its bytes, which the MACs cover.
        pub elements: Raw<'a, AuthorizationData<'a>> = [0],
        /// For the KDC, with the ticket's encrypted part in place of the elements.
        pub kdc_verifier: Option<VerifierMac<'a>> = [1],
        /// For the service.
        pub svc_verifier: Option<VerifierMac<'a>> = [2],
        /// For others.
        pub other_verifiers: Option<Vec<Verifier<'a>>> = [3],
    }
}

/// How another party checks a CAMMAC.
///
/// ```text
/// Verifier             ::= CHOICE {
///         mac            Verifier-MAC,
///         ...
/// }
/// ```
///
/// RFC 7751 4.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub enum Verifier<'a> {
    /// By a MAC.
    Mac(VerifierMac<'a>),
    /// By something that is not known here.
    Other(AnyDer<'a>),
}

/// The most verifiers taken.
pub const MAX_VERIFIERS: usize = 32;

impl Element for Verifier<'_> {
    const MAX_COUNT: usize = MAX_VERIFIERS;
}

impl<'a> Decode<'a> for Verifier<'a> {
    fn decode(reader: &mut Reader<'a>) -> Result<Self, DecodeError> {
        if reader.peek_tag() == Some(tag::SEQUENCE) {
            VerifierMac::decode(reader).map(Self::Mac)
        } else {
            AnyDer::decode(reader).map(Self::Other)
        }
    }
}

impl Encode for Verifier<'_> {
    fn encoded_len(&self) -> usize {
        match self {
            Self::Mac(mac) => mac.encoded_len(),
            Self::Other(other) => other.encoded_len(),
        }
    }

    fn encode(&self, writer: &mut Writer<'_>) -> der::Result<()> {
        match self {
            Self::Mac(mac) => mac.encode(writer),
            Self::Other(other) => other.encode(writer),
        }
    }
}

sequence! {
    /// A MAC and whose key it is made with.
    ///
    /// ```text
    /// Verifier-MAC         ::= SEQUENCE {
    ///         identifier     [0] PrincipalName OPTIONAL,
    ///         kvno           [1] UInt32 OPTIONAL,
    ///         enctype        [2] Int32 OPTIONAL,
    ///         mac            [3] Checksum
    /// }
    /// ```
    ///
    /// RFC 7751 4.
    #[derive(Clone, Debug)]
    pub struct VerifierMac<'a> {
        /// Whose.
        pub identifier: Option<PrincipalName<'a>> = [0],
        /// Which version of it.
        pub kvno: Option<u32> = [1],
        /// Of which encryption type.
        pub enctype: Option<EncryptionType> = [2],
        /// The MAC.
        pub mac: Checksum<'a> = [3],
    }
}
