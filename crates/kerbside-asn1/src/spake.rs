//! SPAKE: pre-authentication by a password without showing anything to guess from (RFC 9588).

use alloc::vec::Vec;

use crate::EncryptedData;
use crate::codec::{Element, choice, sequence};
use crate::registry::registry;

registry! {
    /// A group of the exchange (RFC 9588 12.2).
    pub struct SpakeGroup {
        EDWARDS25519 = 1, "edwards25519", "";
        P256 = 2, "P-256", "";
        P384 = 3, "P-384", "";
        P521 = 4, "P-521", "";
    }
}

registry! {
    /// The `type` of a second factor (RFC 9588 12.1).
    pub struct SpakeSecondFactorType {
        SF_NONE = 1, "SF-NONE", "the password alone";
    }
}

/// The most groups or factors taken in one list.
pub const MAX_SPAKE: usize = 32;

impl Element for SpakeGroup {
    const MAX_COUNT: usize = MAX_SPAKE;
}

choice! {
    /// A step of the exchange: the value of [`PA_SPAKE`](crate::PaDataType::PA_SPAKE). Those of `support` and `challenge` go into
    /// the transcript as they were sent.
    ///
    /// ```text
    /// PA-SPAKE ::= CHOICE {
    ///         support     [0] SPAKESupport,
    ///         challenge   [1] SPAKEChallenge,
    ///         response    [2] SPAKEResponse,
    ///         encdata     [3] EncryptedData,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 9588 4.1.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub enum PaSpake<'a> {
        /// The client's groups.
        Support(SpakeSupport) = [0],
        /// The KDC's share.
        Challenge(SpakeChallenge<'a>) = [1],
        /// The client's share.
        Response(SpakeResponse<'a>) = [2],
        /// Further data of a second factor.
        Encdata(EncryptedData<'a>) = [3],
    }
}

sequence! {
    /// The client's groups.
    ///
    /// ```text
    /// SPAKESupport ::= SEQUENCE {
    ///         groups      [0] SEQUENCE (SIZE(1..MAX)) OF Int32,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 9588 4.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SpakeSupport {
        /// In the client's order.
        pub groups: Vec<SpakeGroup> = [0],
    } ...
}

sequence! {
    /// The KDC's share.
    ///
    /// ```text
    /// SPAKEChallenge ::= SEQUENCE {
    ///         group       [0] Int32,
    ///         pubkey      [1] OCTET STRING,
    ///         factors     [2] SEQUENCE (SIZE(1..MAX)) OF SPAKESecondFactor,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 9588 4.3.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SpakeChallenge<'a> {
        /// The group the KDC chose.
        pub group: SpakeGroup = [0],
        /// The KDC's public value.
        pub pubkey: &'a [u8] = [1],
        /// The second factors the client may choose from.
        pub factors: Vec<SpakeSecondFactor<'a>> = [2],
    } ...
}

sequence! {
    /// A second factor.
    ///
    /// ```text
    /// SPAKESecondFactor ::= SEQUENCE {
    ///         type        [0] Int32,
    ///         data        [1] OCTET STRING OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 9588 4.3. Debug does not show the data, which in a response is secret.
    #[derive(Clone, PartialEq, Eq)]
    pub struct SpakeSecondFactor<'a> {
        /// The kind of factor.
        pub factor_type: SpakeSecondFactorType = [0],
        /// What belongs to it.
        pub data: Option<&'a [u8]> = [1],
    }
}

impl core::fmt::Debug for SpakeSecondFactor<'_> {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        write!(f, "SpakeSecondFactor({}", self.factor_type)?;
        match self.data {
            Some(data) => write!(f, ", {} octets)", data.len()),
            None => f.write_str(")"),
        }
    }
}

impl Element for SpakeSecondFactor<'_> {
    const MAX_COUNT: usize = MAX_SPAKE;
}

sequence! {
    /// The client's share.
    ///
    /// ```text
    /// SPAKEResponse ::= SEQUENCE {
    ///         pubkey      [0] OCTET STRING,
    ///         factor      [1] EncryptedData -- SPAKESecondFactor --,
    ///         ...
    /// }
    /// ```
    ///
    /// RFC 9588 4.4, key usage 65.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct SpakeResponse<'a> {
        /// The client's public value.
        pub pubkey: &'a [u8] = [0],
        /// A [`SpakeSecondFactor`] under K'\[1\].
        pub factor: EncryptedData<'a> = [1],
    } ...
}

sequence! {
    /// The hint of SPAKE in an authentication set.
    ///
    /// ```text
    /// PA-SPAKE-HINT ::= SEQUENCE {
    ///         groups      [0] SEQUENCE (SIZE(1..MAX)) OF Int32,
    ///         factors     [1] SEQUENCE (SIZE(1..MAX)) OF SPAKESecondFactor
    /// }
    /// ```
    ///
    /// RFC 9588 5.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaSpakeHint<'a> {
        /// The KDC's groups.
        pub groups: Vec<SpakeGroup> = [0],
        /// The KDC's second factors.
        pub factors: Vec<SpakeSecondFactor<'a>> = [1],
    }
}
