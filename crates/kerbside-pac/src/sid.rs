//! Security identifiers (MS-DTYP section 2.4.2).

use alloc::vec::Vec;
use core::fmt;
use core::str::FromStr;

use crate::error::PacError;
use crate::reader::Reader;

/// The most sub-authorities that a SID has.
pub const MAX_SUB_AUTHORITIES: usize = 15;

/// The highest identifier authority: it has 48 bits.
const MAX_AUTHORITY: u64 = 0xffff_ffff_ffff;

/// A security identifier: who an account or a group is, for ever, whatever its name.
///
/// Its text is `S-1-5-21-1-2-3-1104`: revision, identifier authority, sub-authorities. The last sub-authority is the
/// RID, what is before it the domain.
///
/// ```
/// use kerbside_pac::Sid;
///
/// let domain: Sid = "S-1-5-21-3048156945-3961193616-3706469200".parse()?;
/// let users = domain.with_rid(513).unwrap();
/// assert_eq!(users.to_string(), "S-1-5-21-3048156945-3961193616-3706469200-513");
/// assert_eq!((users.rid(), users.domain()), (Some(513), Some(domain)));
/// # Ok::<(), kerbside_pac::SidParseError>(())
/// ```
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Sid {
    authority: u64,
    len: usize,
    /// Zero from `len` on, so that the derived comparisons are right.
    sub_authorities: [u32; MAX_SUB_AUTHORITIES],
}

impl Sid {
    /// A SID of its parts; none when the authority has more than 48 bits or there are more than
    /// [`MAX_SUB_AUTHORITIES`].
    #[must_use]
    pub fn new(authority: u64, sub_authorities: &[u32]) -> Option<Self> {
        let mut all = [0; MAX_SUB_AUTHORITIES];
        all.get_mut(..sub_authorities.len())?
            .copy_from_slice(sub_authorities);
        (authority <= MAX_AUTHORITY).then_some(Self {
            authority,
            len: sub_authorities.len(),
            sub_authorities: all,
        })
    }

    /// The identifier authority; 5 for everything of Windows.
    #[must_use]
    pub const fn authority(&self) -> u64 {
        self.authority
    }

    /// The sub-authorities.
    #[must_use]
    pub fn sub_authorities(&self) -> &[u32] {
        self.sub_authorities.get(..self.len).unwrap_or_default()
    }

    /// The last sub-authority: who, in the domain. None for a SID without sub-authorities.
    #[must_use]
    pub fn rid(&self) -> Option<u32> {
        self.sub_authorities().last().copied()
    }

    /// The SID without its RID. None for a SID without sub-authorities.
    #[must_use]
    pub fn domain(&self) -> Option<Self> {
        let (_, before) = self.sub_authorities().split_last()?;
        Self::new(self.authority, before)
    }

    /// The SID with one more sub-authority. None when there is no room for it.
    #[must_use]
    pub fn with_rid(&self, rid: u32) -> Option<Self> {
        let mut sid = *self;
        *sid.sub_authorities.get_mut(self.len)? = rid;
        sid.len += 1;
        Some(sid)
    }

    /// Reads the packet form (MS-DTYP section 2.4.2.2), all of `bytes`.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new("SID", bytes);
        let sid = Self::read(&mut reader)?;
        reader.end()?;
        Ok(sid)
    }

    pub(crate) fn read(reader: &mut Reader<'_>) -> Result<Self, PacError> {
        let revision = reader.u8()?;
        if revision != 1 {
            return Err(reader.value_error("a SID of revision 1", revision));
        }
        let count = reader.u8()?;
        let len = usize::from(count);
        let mut sub_authorities = [0; MAX_SUB_AUTHORITIES];
        let Some(slots) = sub_authorities.get_mut(..len) else {
            return Err(reader.value_error("at most 15 sub-authorities", count));
        };
        let authority = reader
            .array::<6>()?
            .into_iter()
            .fold(0, |authority, octet| authority << 8 | u64::from(octet));
        for slot in slots {
            *slot = reader.u32()?;
        }
        Ok(Self {
            authority,
            len,
            sub_authorities,
        })
    }

    /// The packet form (MS-DTYP section 2.4.2.2): 8 octets and 4 for each sub-authority.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut bytes = Vec::with_capacity(8 + 4 * self.len);
        bytes.push(1);
        bytes.push(u8::try_from(self.len).unwrap_or(0));
        bytes.extend(self.authority.to_be_bytes().into_iter().skip(2));
        for sub_authority in self.sub_authorities() {
            bytes.extend(sub_authority.to_le_bytes());
        }
        bytes
    }
}

/// The text form (MS-DTYP section 2.4.2.1).
impl fmt::Display for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match u32::try_from(self.authority) {
            Ok(authority) => write!(f, "S-1-{authority}")?,
            Err(_) => write!(f, "S-1-0x{:012X}", self.authority)?,
        }
        for sub_authority in self.sub_authorities() {
            write!(f, "-{sub_authority}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for Sid {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Sid({self})")
    }
}

/// A text that is no SID.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SidParseError;

impl fmt::Display for SidParseError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("expected a SID such as S-1-5-21-1-2-3-513, but found another text")
    }
}

impl core::error::Error for SidParseError {}

impl FromStr for Sid {
    type Err = SidParseError;

    fn from_str(text: &str) -> Result<Self, SidParseError> {
        let mut parts = text.strip_prefix("S-1-").ok_or(SidParseError)?.split('-');
        let authority = parts.next().and_then(authority).ok_or(SidParseError)?;
        let sub_authorities: Option<Vec<u32>> = parts
            .take(MAX_SUB_AUTHORITIES + 1)
            .map(|part| u32::try_from(decimal(part)?).ok())
            .collect();
        Self::new(authority, &sub_authorities.ok_or(SidParseError)?).ok_or(SidParseError)
    }
}

fn authority(text: &str) -> Option<u64> {
    match text.strip_prefix("0x") {
        Some(digits) if digits.len() == 12 && digits.bytes().all(|digit| digit.is_ascii_hexdigit()) => {
            u64::from_str_radix(digits, 16).ok()
        }
        Some(_) => None,
        None => decimal(text).filter(|authority| u32::try_from(*authority).is_ok()),
    }
}

/// Digits alone, without leading zeros: two texts for one SID would be two keys in somebody's table.
fn decimal(text: &str) -> Option<u64> {
    let leading_zero = text.len() > 1 && text.starts_with('0');
    (!leading_zero && text.bytes().all(|digit| digit.is_ascii_digit()))
        .then(|| text.parse().ok())
        .flatten()
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::unwrap_used,
        clippy::indexing_slicing,
        reason = "a test fails by panicking"
    )]
    use super::*;
    use alloc::string::ToString;

    #[test]
    fn text_and_packet_forms_go_both_ways() {
        for (text, bytes) in [
            ("S-1-5-9", "010100000000000509000000"),
            ("S-1-0-0", "010100000000000000000000"),
            ("S-1-3", "0100000000000003"),
            (
                "S-1-5-21-3048156945-3961193616-3706469200",
                "010400000000000515000000112fafb590041bec503becdc",
            ),
            ("S-1-0xFFFFFFFFFFFF-1", "0101ffffffffffff01000000"),
            ("S-1-4294967295-4294967295", "01010000ffffffffffffffff"),
        ] {
            let sid: Sid = text.parse().unwrap();
            assert_eq!(sid.to_string(), text);
            assert_eq!(hex::encode(sid.to_bytes()), bytes, "{text}");
            assert_eq!(Sid::from_bytes(&hex::decode(bytes).unwrap()), Ok(sid));
        }
    }

    #[test]
    fn other_texts_are_refused() {
        for text in [
            "",
            "S",
            "S-1",
            "S-1-",
            "S-2-5-21",
            "s-1-5",
            "S-1-5-",
            "S-1-5--1",
            "S-1-05",
            "S-1-5-021",
            "S-1-5-4294967296",
            "S-1-4294967296-1",
            "S-1-0x5-1",
            "S-1-0x+FFFFFFFFFFF-1",
            "S-1-5-+1",
            "S-1-5- 1",
            "S-1-5-1 ",
            "S-1--5",
            "S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15-16",
        ] {
            assert_eq!(text.parse::<Sid>(), Err(SidParseError), "{text}");
        }
        assert!("S-1-5-1-2-3-4-5-6-7-8-9-10-11-12-13-14-15".parse::<Sid>().is_ok());
    }

    #[test]
    fn packet_forms_are_bounded() {
        let good = hex::decode("010400000000000515000000112fafb590041bec503becdc").unwrap();
        for len in 0..good.len() {
            assert!(Sid::from_bytes(&good[..len]).is_err(), "{len}");
        }
        assert!(Sid::from_bytes(&[&good[..], &[0]].concat()).is_err());
        let mut bad = good.clone();
        bad[0] = 2;
        assert!(
            Sid::from_bytes(&bad)
                .unwrap_err()
                .to_string()
                .contains("revision 1")
        );
        let mut many = good;
        many[1] = 16;
        many.extend([0; 64]);
        assert_eq!(
            Sid::from_bytes(&many).unwrap_err().to_string(),
            "SID: expected at most 15 sub-authorities, but found 16 at byte 2"
        );
    }

    #[test]
    fn a_full_sid_takes_no_rid() {
        let full = Sid::new(5, &[1; MAX_SUB_AUTHORITIES]).unwrap();
        assert_eq!(full.with_rid(1), None);
        assert_eq!(Sid::new(5, &[]).unwrap().domain(), None);
        assert_eq!(Sid::new(1 << 48, &[]), None);
        assert_eq!(Sid::new(5, &[0; MAX_SUB_AUTHORITIES + 1]), None);
    }
}
