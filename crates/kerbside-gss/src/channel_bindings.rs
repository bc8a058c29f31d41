//! Channel bindings: what ties a context to the channel it is made over (RFC 2744 3.11, RFC 5929).

use alloc::vec::Vec;

use md5::{Digest, Md5};
use subtle::ConstantTimeEq;

use crate::error::{Cause, GssError};

/// Address type "none" (`GSS_C_AF_NULLADDR` is 255; 0 is `GSS_C_AF_UNSPEC`, which everybody sends).
const AF_UNSPEC: u32 = 0;

/// Longest part that is hashed. RFC 4121 4.1.1.2 ends at 2^32 - 1; bindings in use have under 100 bytes.
pub const MAX_BINDINGS_LEN: usize = 64 * 1024;

/// RFC 2744's `gss_channel_bindings_struct`.
///
/// Bindings are public facts about the channel (a certificate's hash, a Finished message), not secrets.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ChannelBindings {
    /// RFC 2744 address family number of `initiator_address`.
    pub initiator_addrtype: u32,
    /// The initiator's address; usually empty.
    pub initiator_address: Vec<u8>,
    /// RFC 2744 address family number of `acceptor_address`.
    pub acceptor_addrtype: u32,
    /// The acceptor's address; usually empty.
    pub acceptor_address: Vec<u8>,
    /// What RFC 5056 and RFC 5929 put in: the binding type's name, a colon and its data.
    pub application_data: Vec<u8>,
}

impl ChannelBindings {
    /// Bindings of application data alone, as all current channel types are.
    #[must_use]
    pub fn from_application_data(application_data: &[u8]) -> Self {
        Self {
            initiator_addrtype: AF_UNSPEC,
            acceptor_addrtype: AF_UNSPEC,
            application_data: application_data.to_vec(),
            ..Self::default()
        }
    }

    /// `tls-server-end-point` (RFC 5929 4.1) of the hash of the server's certificate.
    ///
    /// The hash is the one of the certificate's signature algorithm, SHA-256 where that is MD5 or SHA-1; it is
    /// computed where the certificate is known, in the TLS layer.
    #[must_use]
    pub fn tls_server_end_point(certificate_hash: &[u8]) -> Self {
        Self::prefixed(b"tls-server-end-point:", certificate_hash)
    }

    /// `tls-unique` (RFC 5929 3.1) of the first Finished message; TLS 1.2 and earlier only.
    #[must_use]
    pub fn tls_unique(finished: &[u8]) -> Self {
        Self::prefixed(b"tls-unique:", finished)
    }

    /// `tls-exporter` (RFC 9266) of 32 octets of exported keying material.
    #[must_use]
    pub fn tls_exporter(exported: &[u8]) -> Self {
        Self::prefixed(b"tls-exporter:", exported)
    }

    fn prefixed(prefix: &[u8], data: &[u8]) -> Self {
        Self::from_application_data(&[prefix, data].concat())
    }

    /// The structure as it is hashed: integers and lengths little-endian (RFC 4121 4.1.1.2).
    pub(crate) fn packed(&self) -> Result<Vec<u8>, GssError> {
        let mut packed = Vec::new();
        let addresses = [
            (self.initiator_addrtype, &self.initiator_address),
            (self.acceptor_addrtype, &self.acceptor_address),
        ];
        for (family, address) in addresses {
            packed.extend_from_slice(&family.to_le_bytes());
            push_counted(&mut packed, address)?;
        }
        push_counted(&mut packed, &self.application_data)?;
        Ok(packed)
    }

    /// MD5 over the structure: the `Bnd` field of Kerberos and NTLM's MsvAvChannelBindings. Public, as the bindings are.
    ///
    /// # Errors
    /// When a part is longer than [`MAX_BINDINGS_LEN`].
    pub fn md5(&self) -> Result<[u8; 16], GssError> {
        Ok(*self.hash()?.as_bytes())
    }

    /// The `Bnd` field: MD5 of [`Self::packed`].
    pub(crate) fn hash(&self) -> Result<BindingHash, GssError> {
        Ok(BindingHash(Md5::digest(self.packed()?).into()))
    }
}

fn push_counted(packed: &mut Vec<u8>, bytes: &[u8]) -> Result<(), GssError> {
    let length = u32::try_from(bytes.len())
        .ok()
        .filter(|_| bytes.len() <= MAX_BINDINGS_LEN);
    let length = length.ok_or(Cause::BindingsTooLong {
        length: bytes.len(),
        most: MAX_BINDINGS_LEN,
    })?;
    packed.extend_from_slice(&length.to_le_bytes());
    packed.extend_from_slice(bytes);
    Ok(())
}

/// The 16 octets of the `Bnd` field; compares in constant time only.
#[derive(Debug, Clone, Copy)]
pub(crate) struct BindingHash([u8; 16]);

impl BindingHash {
    /// What an initiator without bindings sends.
    pub(crate) const NONE: Self = Self([0; 16]);

    pub(crate) fn new(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    pub(crate) fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    pub(crate) fn matches(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }

    pub(crate) fn is_none(&self) -> bool {
        self.matches(&Self::NONE)
    }
}

/// How an acceptor treats channel bindings.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub enum BindingPolicy {
    /// Bindings are not looked at.
    Off,
    /// Bindings that the initiator sends must match the acceptor's; an initiator that sends none is accepted, and
    /// the context says so ([`BindingState::InitiatorSentNone`]). An initiator that declares itself able to bind
    /// (`KERB_AP_OPTIONS_CBT`, MS-KILE 2.2.5) and sends none is refused.
    #[default]
    WhenSupported,
    /// The initiator must send bindings, and they must match.
    Required,
}

/// What became of the channel bindings of an established context.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum BindingState {
    /// This side had no bindings to compare, or its policy is [`BindingPolicy::Off`].
    NotChecked,
    /// Both sides named the same channel. Seen from an initiator: bindings were sent, and whether the acceptor
    /// compares them is its policy.
    Bound,
    /// The acceptor had bindings and the initiator sent none.
    InitiatorSentNone,
}

#[cfg(test)]
#[allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::cast_possible_truncation,
    reason = "tests fail by panicking"
)]
mod tests {
    use super::*;
    use serde_json::Value;

    fn bytes(entry: &Value, field: &str) -> Vec<u8> {
        hex::decode(entry[field].as_str().unwrap()).unwrap()
    }

    #[test]
    fn published_and_computed_hashes() {
        let file: Value =
            serde_json::from_str(include_str!("../tests/vectors/channel_bindings.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert_eq!(vectors.len(), 6);
        for entry in vectors {
            let bindings = ChannelBindings {
                initiator_addrtype: entry["initiator_addrtype"].as_u64().unwrap() as u32,
                initiator_address: bytes(entry, "initiator_address_hex"),
                acceptor_addrtype: entry["acceptor_addrtype"].as_u64().unwrap() as u32,
                acceptor_address: bytes(entry, "acceptor_address_hex"),
                application_data: bytes(entry, "application_data_hex"),
            };
            assert_eq!(
                bindings.packed().unwrap(),
                bytes(entry, "packed_hex"),
                "{}",
                entry["name"]
            );
            assert_eq!(
                bindings.hash().unwrap().as_bytes(),
                bytes(entry, "md5_hex").as_slice(),
                "{}",
                entry["name"]
            );
        }
    }

    #[test]
    fn helpers_prefix_the_type() {
        let data: Vec<u8> = (0..32).collect();
        assert!(
            ChannelBindings::tls_server_end_point(&data)
                .application_data
                .starts_with(b"tls-server-end-point:\0\x01")
        );
        assert!(
            ChannelBindings::tls_unique(&data)
                .application_data
                .starts_with(b"tls-unique:\0\x01")
        );
        assert!(
            ChannelBindings::tls_exporter(&data)
                .application_data
                .starts_with(b"tls-exporter:\0\x01")
        );
    }

    #[test]
    fn oversized_bindings_are_refused() {
        let bindings = ChannelBindings::from_application_data(&alloc::vec![0; MAX_BINDINGS_LEN + 1]);
        assert!(bindings.hash().is_err());
    }

    #[test]
    fn hashes_compare_whole() {
        let hash = BindingHash::new([1; 16]);
        assert!(hash.matches(&BindingHash::new([1; 16])));
        for index in 0..16 {
            let mut other = [1; 16];
            *other.get_mut(index).unwrap() = 2;
            assert!(!hash.matches(&BindingHash::new(other)), "octet {index}");
        }
        assert!(BindingHash::NONE.is_none());
        assert!(!hash.is_none());
    }
}
