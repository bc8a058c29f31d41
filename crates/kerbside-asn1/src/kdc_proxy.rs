//! `KDC-PROXY-MESSAGE`: Kerberos in HTTPS (MS-KKDCP).

use crate::KerberosString;
use crate::codec::sequence;

sequence! {
    /// A request to a KDC proxy, or its reply.
    ///
    /// ```text
    /// KDC-PROXY-MESSAGE ::= SEQUENCE {
    ///         kerb-message    [0] OCTET STRING,
    ///         target-domain   [1] Realm OPTIONAL,
    ///         dclocator-hint  [2] INTEGER OPTIONAL
    /// }
    /// ```
    ///
    /// MS-KKDCP 2.2.2.
    #[derive(Clone, Debug, PartialEq, Eq)]
    pub struct KdcProxyMessage<'a> {
        /// The message with its length in four octets before it, as over TCP: see [`message`](Self::message).
        pub kerb_message: &'a [u8] = [0],
        /// The realm whose KDC is meant, in a request.
        pub target_domain: Option<KerberosString<'a>> = [1],
        /// Flags for finding it.
        pub dclocator_hint: Option<u32> = [2],
    }
}

impl<'a> KdcProxyMessage<'a> {
    /// The Kerberos message without its length; `None` when the length is not that of what follows.
    pub fn message(&self) -> Option<&'a [u8]> {
        let (len, message) = self.kerb_message.split_first_chunk()?;
        (usize::try_from(u32::from_be_bytes(*len)) == Ok(message.len())).then_some(message)
    }
}
