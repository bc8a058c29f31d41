//! `PA-ENC-TIMESTAMP`: proof of the client's key by the time of day.

use crate::codec::sequence;
use crate::{EncryptedData, KerberosTime, Microseconds};

/// The client's time under its key: the value of a PA-DATA of type
/// [`PA_ENC_TIMESTAMP`](crate::PaDataType::PA_ENC_TIMESTAMP).
///
/// ```text
/// PA-ENC-TIMESTAMP        ::= EncryptedData -- PA-ENC-TS-ENC
/// ```
///
/// RFC 4120 5.2.7.2.
pub type PaEncTimestamp<'a> = EncryptedData<'a>;

sequence! {
    /// What is encrypted in a PA-ENC-TIMESTAMP.
    ///
    /// ```text
    /// PA-ENC-TS-ENC           ::= SEQUENCE {
    ///         patimestamp     [0] KerberosTime -- client's time --,
    ///         pausec          [1] Microseconds OPTIONAL
    /// }
    /// ```
    ///
    /// RFC 4120 5.2.7.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct PaEncTsEnc {
        /// The client's time.
        pub patimestamp: KerberosTime = [0],
        /// Its microseconds.
        pub pausec: Option<Microseconds> = [1],
    }
}
