//! AV_PAIR lists (MS-NLMP 2.2.2.1): what the server says of itself, and what the client adds under its response.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{NtlmError, malformed};
use crate::text;

/// AvId of MS-NLMP 2.2.2.1.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct AvId(pub u16);

impl AvId {
    /// Ends the list.
    pub const EOL: Self = Self(0);
    /// The server's NetBIOS name.
    pub const NB_COMPUTER_NAME: Self = Self(1);
    /// The server's NetBIOS domain name.
    pub const NB_DOMAIN_NAME: Self = Self(2);
    /// The server's DNS name.
    pub const DNS_COMPUTER_NAME: Self = Self(3);
    /// The domain's DNS name.
    pub const DNS_DOMAIN_NAME: Self = Self(4);
    /// The forest's DNS name.
    pub const DNS_TREE_NAME: Self = Self(5);
    /// [`AV_FLAG_MIC`] and others.
    pub const FLAGS: Self = Self(6);
    /// The server's time, a FILETIME.
    pub const TIMESTAMP: Self = Self(7);
    /// Single_Host_Data, which is between Windows and itself.
    pub const SINGLE_HOST: Self = Self(8);
    /// The service principal name that the client wants.
    pub const TARGET_NAME: Self = Self(9);
    /// MD5 of the channel bindings, or zeros.
    pub const CHANNEL_BINDINGS: Self = Self(10);
}

/// MsvAvFlags: AUTHENTICATE has a MIC.
pub const AV_FLAG_MIC: u32 = 0x2;
/// The account's authentication is constrained (MS-NLMP 2.2.2.1).
pub(crate) const AV_FLAG_CONSTRAINED: u32 = 0x1;
/// MsvAvFlags: the client has its target's name from where it does not trust.
pub const AV_FLAG_UNTRUSTED_TARGET: u32 = 0x4;

/// A list that was checked: each pair within it, no identifier twice, the end where it belongs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AvPairs<'a> {
    /// With the end.
    bytes: &'a [u8],
}

impl<'a> AvPairs<'a> {
    /// No list at all: an old server.
    pub const ABSENT: Self = Self { bytes: &[] };

    /// Reads a list that fills `bytes`; no octets are [`Self::ABSENT`].
    ///
    /// # Errors
    /// When a pair leaves the list, comes twice, or the end is missing or not last.
    pub fn parse(bytes: &'a [u8]) -> Result<Self, NtlmError> {
        if bytes.is_empty() {
            return Ok(Self::ABSENT);
        }
        match Self::parse_prefix(bytes)? {
            (pairs, []) => Ok(pairs),
            _ => Err(broken("MsvAvEOL", "something follows it")),
        }
    }

    /// Reads a list that something may follow: the list, and what follows.
    pub(crate) fn parse_prefix(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), NtlmError> {
        let mut rest = bytes;
        // One bit for each identifier that has a meaning; of others the first would count, if any did.
        let mut seen = 0_u16;
        loop {
            let (id, value, after) = next(rest).ok_or(broken("AvLen", "the pair leaves the list"))?;
            rest = after;
            if id == AvId::EOL {
                if !value.is_empty() {
                    return Err(broken("MsvAvEOL", "it has a value"));
                }
                break;
            }
            let bit = 1_u16.checked_shl(u32::from(id.0)).unwrap_or(0);
            if seen & bit != 0 {
                return Err(broken("AvId", "it comes twice"));
            }
            seen |= bit;
        }
        let length = bytes.len().saturating_sub(rest.len());
        let list = bytes.get(..length).unwrap_or_default();
        Ok((Self { bytes: list }, rest))
    }

    /// The octets, with the end.
    #[must_use]
    pub fn as_bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The pairs in order, without the end.
    pub fn iter(&self) -> impl Iterator<Item = (AvId, &'a [u8])> + use<'a> {
        let mut rest = self.bytes;
        core::iter::from_fn(move || {
            let (id, value, after) = next(rest)?;
            rest = after;
            (id != AvId::EOL).then_some((id, value))
        })
    }

    /// The value of a pair.
    #[must_use]
    pub fn get(&self, id: AvId) -> Option<&'a [u8]> {
        self.iter()
            .find(|(found, _)| *found == id)
            .map(|(_, value)| value)
    }

    /// A pair that is text.
    ///
    /// # Errors
    /// When it is not UTF-16.
    pub fn text(&self, id: AvId) -> Result<Option<String>, NtlmError> {
        let value = self.get(id);
        value
            .map(|value| text::from_utf16(LIST, "Value", value))
            .transpose()
    }

    /// MsvAvFlags; none are none.
    ///
    /// # Errors
    /// When it is not of four octets.
    pub fn flags(&self) -> Result<u32, NtlmError> {
        Ok(self.fixed(AvId::FLAGS)?.map_or(0, u32::from_le_bytes))
    }

    /// MsvAvTimestamp: 100 ns since 1601.
    ///
    /// # Errors
    /// When it is not of eight octets.
    pub fn timestamp(&self) -> Result<Option<u64>, NtlmError> {
        Ok(self.fixed(AvId::TIMESTAMP)?.map(u64::from_le_bytes))
    }

    /// MsvAvChannelBindings; zeros say that there are none.
    ///
    /// # Errors
    /// When it is not of sixteen octets.
    pub fn channel_bindings(&self) -> Result<Option<[u8; 16]>, NtlmError> {
        Ok(self
            .fixed::<16>(AvId::CHANNEL_BINDINGS)?
            .filter(|hash| *hash != [0; 16]))
    }

    fn fixed<const N: usize>(&self, id: AvId) -> Result<Option<[u8; N]>, NtlmError> {
        let value = self.get(id);
        let array = value.map(|value| {
            value
                .try_into()
                .map_err(|_| broken("AvLen", "it is not its type's"))
        });
        array.transpose()
    }
}

const LIST: &str = "AV_PAIR list";

fn broken(field: &'static str, reason: &'static str) -> NtlmError {
    malformed(LIST, field, reason)
}

/// The first pair: identifier, value, and what follows.
fn next(bytes: &[u8]) -> Option<(AvId, &[u8], &[u8])> {
    let (head, rest) = bytes.split_first_chunk::<4>()?;
    let [i0, i1, l0, l1] = *head;
    let (value, rest) = rest.split_at_checked(usize::from(u16::from_le_bytes([l0, l1])))?;
    Some((AvId(u16::from_le_bytes([i0, i1])), value, rest))
}

/// A list under construction.
#[derive(Debug, Clone, Default)]
pub struct AvPairsBuilder {
    bytes: Vec<u8>,
}

impl AvPairsBuilder {
    /// An empty list.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// Adds a pair.
    ///
    /// # Errors
    /// When the value has more than 65,535 octets.
    pub fn push(&mut self, id: AvId, value: &[u8]) -> Result<(), NtlmError> {
        let length = u16::try_from(value.len()).map_err(|_| NtlmError::TooLong {
            what: "AV_PAIR",
            length: value.len(),
            most: usize::from(u16::MAX),
        })?;
        self.bytes.extend_from_slice(&id.0.to_le_bytes());
        self.bytes.extend_from_slice(&length.to_le_bytes());
        self.bytes.extend_from_slice(value);
        Ok(())
    }

    /// Adds a pair that is text.
    ///
    /// # Errors
    /// As [`Self::push`].
    pub fn push_text(&mut self, id: AvId, value: &str) -> Result<(), NtlmError> {
        self.push(id, &text::utf16(value))
    }

    /// The list with its end.
    #[must_use]
    pub fn finish(mut self) -> Vec<u8> {
        self.bytes.extend_from_slice(&[0; 4]);
        self.bytes
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    fn list() -> Vec<u8> {
        let mut builder = AvPairsBuilder::new();
        builder.push_text(AvId::NB_DOMAIN_NAME, "DOM").unwrap();
        builder.push(AvId(0x77), b"of the future").unwrap();
        builder.push(AvId::FLAGS, &AV_FLAG_MIC.to_le_bytes()).unwrap();
        builder.finish()
    }

    #[test]
    fn what_is_written_is_read() {
        let bytes = list();
        let pairs = AvPairs::parse(&bytes).unwrap();
        assert_eq!(pairs.text(AvId::NB_DOMAIN_NAME).unwrap().as_deref(), Some("DOM"));
        assert_eq!(pairs.flags(), Ok(AV_FLAG_MIC));
        assert_eq!(pairs.timestamp(), Ok(None));
        assert_eq!(pairs.iter().count(), 3);
    }

    #[test]
    fn a_list_ends_with_its_end() {
        let bytes = list();
        for length in 1..bytes.len() {
            assert!(AvPairs::parse(bytes.get(..length).unwrap()).is_err(), "{length}");
        }
        let longer = [bytes.as_slice(), &[0]].concat();
        assert!(AvPairs::parse(&longer).is_err());
        assert_eq!(AvPairs::parse_prefix(&longer).unwrap().1, [0]);
        assert!(AvPairs::parse(&[0, 0, 1, 0, 9]).is_err(), "an end with a value");
    }

    #[test]
    fn a_pair_that_counts_comes_once() {
        let pair = [6, 0, 4, 0, 2, 0, 0, 0];
        let other = [6, 0, 4, 0, 0, 0, 0, 0];
        assert!(AvPairs::parse(&[&pair[..], &other[..], &[0; 4]].concat()).is_err());
    }

    #[test]
    fn values_have_the_length_of_their_type() {
        for id in [AvId::FLAGS, AvId::TIMESTAMP, AvId::CHANNEL_BINDINGS] {
            let mut builder = AvPairsBuilder::new();
            builder.push(id, &[1, 2, 3]).unwrap();
            let bytes = builder.finish();
            let pairs = AvPairs::parse(&bytes).unwrap();
            let refused = [
                pairs.flags().is_err(),
                pairs.timestamp().is_err(),
                pairs.channel_bindings().is_err(),
            ];
            assert_eq!(refused.iter().filter(|refused| **refused).count(), 1);
        }
    }
}
