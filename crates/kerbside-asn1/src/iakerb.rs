//! IAKERB: Kerberos exchanges through the service (draft-ietf-kitten-iakerb).

use alloc::vec::Vec;

use crate::codec::{Decode, encode, sequence};
use crate::error::{DecodeError, EncodeError};
use crate::flags::flags;
use crate::reader::Reader;
use crate::{Checksum, scan};

flags! {
    /// What kind of KDC Microsoft's client wants: the flags of its locator. The drafts have no such field.
    pub struct IakerbHeaderFlags {
        RETURN_DNS_NAME = 1, "return-dns-name";
        IS_DNS_NAME = 14, "is-dns-name";
        IS_FLAT_NAME = 15, "is-flat-name";
        WRITABLE_REQUIRED = 19, "writable-required";
        KDC_REQUIRED = 21, "kdc-required";
        FORCE_REDISCOVERY = 31, "force-rediscovery";
    }
}

sequence! {
    /// What stands before each message.
    ///
    /// ```text
    /// IAKERB-HEADER ::= SEQUENCE {
    ///         target-realm      [1] UTF8String,
    ///         cookie            [2] OCTET STRING OPTIONAL,
    ///         header-flags      [3] BIT STRING OPTIONAL,
    ///             -- sent by Microsoft, not in the draft
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-kitten-iakerb 3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct IakerbHeader<'a> {
        /// The realm whose KDC is meant; empty asks for the service's realm.
        pub target_realm: &'a str = [1],
        /// To be sent back by the client.
        pub cookie: Option<&'a [u8]> = [2],
        /// Microsoft's.
        pub header_flags: Option<IakerbHeaderFlags> = [3],
    } ...
}

/// The first two octets of an IAKERB_PROXY token.
pub(crate) const TOK_ID: [u8; 2] = [0x05, 0x01];

/// An IAKERB_PROXY token, without its frame: a header and a message for or from the KDC, which may be empty.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct IakerbProxy<'a> {
    /// The header.
    pub header: IakerbHeader<'a>,
    /// The message.
    pub message: &'a [u8],
}

impl<'a> IakerbProxy<'a> {
    /// Reads a token from its TOK_ID on.
    ///
    /// # Errors
    /// [`DecodeError`] for another TOK_ID or a bad header.
    pub fn parse(token: &'a [u8]) -> Result<Self, DecodeError> {
        Self::parse_inner(token).map_err(|mut error| {
            error.type_name = "IakerbProxy";
            error
        })
    }

    fn parse_inner(token: &'a [u8]) -> Result<Self, DecodeError> {
        scan::check_len(token)?;
        let mut reader = Reader::new(token);
        if !token.starts_with(&TOK_ID) {
            return Err(reader.bad_value("the token of IAKERB_PROXY"));
        }
        reader.skip(TOK_ID.len());
        let header = IakerbHeader::decode(&mut reader)?;
        let message = reader.rest();
        Ok(Self { header, message })
    }

    /// Writes a token from its TOK_ID on.
    ///
    /// # Errors
    /// As [`encode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, EncodeError> {
        Ok([&TOK_ID[..], &encode(&self.header)?, self.message].concat())
    }
}

sequence! {
    /// The seal on the exchange, in the authenticator's checksum.
    ///
    /// ```text
    /// KRB-FINISHED ::= SEQUENCE {
    ///         gss-mic [1] Checksum,
    ///         ...
    /// }
    /// ```
    ///
    /// draft-ietf-kitten-iakerb 4, key usage 41 (42 in MIT before 1.22).
    #[derive(Clone, Debug)]
    pub struct KrbFinished<'a> {
        /// Over all tokens before.
        pub gss_mic: Checksum<'a> = [1],
    } ...
}
