//! A message's fields in order, and the vectors that they point to.

use alloc::vec::Vec;

use super::{Element, Guid, MAX_ELEMENTS, SIGNATURE, defective};
use crate::error::GssError;

/// Length of MESSAGE_HEADER in octets.
const HEADER_LEN: usize = 40;

/// Length of a GUID, and of an EXTENSION or ALERT before their values, in octets.
const GUID_LEN: usize = 16;
const ELEMENT_LEN: usize = 12;

/// Reads the fixed part of one message from its front.
pub(super) struct Fields<'a> {
    pub(super) kind: u32,
    pub(super) sequence: u32,
    pub(super) conversation: Guid,
    /// What the header says of the fixed part's length.
    fixed_len: u32,
    /// The whole message: what offsets are into.
    message: &'a [u8],
    /// What is left of the fixed part.
    rest: &'a [u8],
}

impl<'a> Fields<'a> {
    /// Reads the header of the first message in `bytes`. What comes behind that message is returned too.
    pub(super) fn open(bytes: &'a [u8]) -> Result<(Self, &'a [u8]), GssError> {
        if bytes.len() < HEADER_LEN {
            return Err(defective("shorter than its header"));
        }
        let mut fields = Self {
            kind: 0,
            sequence: 0,
            conversation: Guid([0; 16]),
            fixed_len: 0,
            message: bytes,
            rest: bytes,
        };
        if fields.array::<8>()? != SIGNATURE {
            return Err(defective("it does not begin with NEGOEXTS"));
        }
        fields.kind = fields.u32()?;
        fields.sequence = fields.u32()?;
        fields.fixed_len = fields.u32()?;
        let message_len = usize::try_from(fields.u32()?).unwrap_or(usize::MAX);
        fields.conversation = fields.guid()?;
        let fixed_len = usize::try_from(fields.fixed_len).unwrap_or(usize::MAX);
        if fixed_len < HEADER_LEN || message_len < fixed_len {
            return Err(defective("the lengths in its header do not fit each other"));
        }
        let (message, behind) = bytes
            .split_at_checked(message_len)
            .ok_or_else(|| defective("shorter than its header says"))?;
        fields.message = message;
        fields.rest = message.get(HEADER_LEN..fixed_len).unwrap_or_default();
        Ok((fields, behind))
    }

    /// Each type of message has a fixed part of one length.
    pub(super) fn expect_fixed_len(&self, expected: u32) -> Result<(), GssError> {
        if self.fixed_len == expected {
            return Ok(());
        }
        Err(defective("its header length is not that of its type"))
    }

    pub(super) fn array<const N: usize>(&mut self) -> Result<&'a [u8; N], GssError> {
        let (array, rest) = self
            .rest
            .split_first_chunk::<N>()
            .ok_or_else(|| defective("shorter than its fields"))?;
        self.rest = rest;
        Ok(array)
    }

    pub(super) fn u32(&mut self) -> Result<u32, GssError> {
        self.array().map(|octets| u32::from_le_bytes(*octets))
    }

    pub(super) fn u64(&mut self) -> Result<u64, GssError> {
        self.array().map(|octets| u64::from_le_bytes(*octets))
    }

    pub(super) fn guid(&mut self) -> Result<Guid, GssError> {
        self.array().map(|octets| Guid(*octets))
    }

    /// A BYTE_VECTOR's octets.
    pub(super) fn bytes(&mut self) -> Result<&'a [u8], GssError> {
        let (offset, length) = (self.u32()?, self.u32()?);
        self.behind(offset, usize::try_from(length).unwrap_or(usize::MAX))
    }

    /// An AUTH_SCHEME_VECTOR's identifiers.
    pub(super) fn guids(&mut self) -> Result<Vec<Guid>, GssError> {
        let array = self.vector(GUID_LEN)?;
        let (guids, _) = array.as_chunks::<GUID_LEN>();
        Ok(guids.iter().map(|octets| Guid(*octets)).collect())
    }

    /// What an EXTENSION_VECTOR or ALERT_VECTOR points to.
    pub(super) fn elements(&mut self) -> Result<Vec<Element<'a>>, GssError> {
        let array = self.vector(ELEMENT_LEN)?;
        let (elements, _) = array.as_chunks::<ELEMENT_LEN>();
        let read = elements.iter().map(|octets| {
            let [a, b, c, d, e, f, g, h, i, j, k, l] = *octets;
            let length = u32::from_le_bytes([i, j, k, l]);
            let length = usize::try_from(length).unwrap_or(usize::MAX);
            Ok(Element {
                kind: u32::from_le_bytes([a, b, c, d]),
                value: self.behind(u32::from_le_bytes([e, f, g, h]), length)?,
            })
        });
        read.collect()
    }

    /// The octets of a vector of fixed-size elements: offset and 16-bit count, with no padding behind it (MIT and Heimdal;
    /// Windows' messages would be the same with padding, because their second vector is empty).
    fn vector(&mut self, element_len: usize) -> Result<&'a [u8], GssError> {
        let (offset, count) = (self.u32()?, self.array::<2>()?);
        let count = usize::from(u16::from_le_bytes(*count));
        if count > MAX_ELEMENTS {
            return Err(defective("a vector has more elements than any has"));
        }
        self.behind(offset, count.saturating_mul(element_len))
    }

    /// Octets behind the fixed part. An empty vector points nowhere, whatever its offset.
    fn behind(&self, offset: u32, length: usize) -> Result<&'a [u8], GssError> {
        if length == 0 {
            return Ok(&[]);
        }
        if offset < self.fixed_len {
            return Err(defective("an offset points into its fixed part"));
        }
        let start = usize::try_from(offset).unwrap_or(usize::MAX);
        let octets = start
            .checked_add(length)
            .and_then(|end| self.message.get(start..end));
        octets.ok_or_else(|| defective("an offset points out of it"))
    }
}

/// Writes one message: the fixed part, and behind it what the fixed part points to.
pub(super) struct Layout {
    fixed_len: u32,
    fixed: Vec<u8>,
    payload: Vec<u8>,
}

impl Layout {
    pub(super) fn new(fixed_len: u32) -> Self {
        Self {
            fixed_len,
            fixed: Vec::new(),
            payload: Vec::new(),
        }
    }

    pub(super) fn put(&mut self, octets: &[u8]) {
        self.fixed.extend_from_slice(octets);
    }

    pub(super) fn bytes(&mut self, octets: &[u8]) -> Result<(), GssError> {
        let (offset, length) = (self.offset(octets.is_empty())?, length_of(octets)?);
        self.put(&offset.to_le_bytes());
        self.put(&length.to_le_bytes());
        self.payload.extend_from_slice(octets);
        Ok(())
    }

    pub(super) fn guids(&mut self, guids: &[Guid]) -> Result<(), GssError> {
        self.vector(guids.len())?;
        for guid in guids {
            self.payload.extend_from_slice(&guid.0);
        }
        Ok(())
    }

    /// The elements stand together, their values behind them.
    pub(super) fn elements(&mut self, elements: &[Element<'_>]) -> Result<(), GssError> {
        self.vector(elements.len())?;
        let mut values = self
            .payload
            .len()
            .saturating_add(elements.len().saturating_mul(ELEMENT_LEN));
        for element in elements {
            let offset = if element.value.is_empty() {
                0
            } else {
                self.at(values)?
            };
            self.payload.extend_from_slice(&element.kind.to_le_bytes());
            self.payload.extend_from_slice(&offset.to_le_bytes());
            self.payload
                .extend_from_slice(&length_of(element.value)?.to_le_bytes());
            values = values.saturating_add(element.value.len());
        }
        for element in elements {
            self.payload.extend_from_slice(element.value);
        }
        Ok(())
    }

    fn vector(&mut self, count: usize) -> Result<(), GssError> {
        let count16 = u16::try_from(count).ok().filter(|_| count <= MAX_ELEMENTS);
        let count16 = count16.ok_or_else(|| defective("a vector has more elements than any has"))?;
        let offset = self.offset(count == 0)?;
        self.put(&offset.to_le_bytes());
        self.put(&count16.to_le_bytes());
        Ok(())
    }

    /// Where the next payload will stand; 0 for an empty one.
    fn offset(&self, empty: bool) -> Result<u32, GssError> {
        if empty { Ok(0) } else { self.at(self.payload.len()) }
    }

    fn at(&self, payload: usize) -> Result<u32, GssError> {
        let payload = u32::try_from(payload).ok();
        let at = payload.and_then(|payload| payload.checked_add(self.fixed_len));
        at.ok_or_else(|| defective("longer than any token may be"))
    }

    /// The message: header, fixed part, padding, payload.
    pub(super) fn finish(
        &mut self,
        kind: u32,
        sequence: u32,
        conversation: Guid,
    ) -> Result<Vec<u8>, GssError> {
        let fixed_len = usize::try_from(self.fixed_len).unwrap_or(usize::MAX);
        let mut message = Vec::with_capacity(fixed_len.saturating_add(self.payload.len()));
        message.extend_from_slice(SIGNATURE);
        message.extend_from_slice(&kind.to_le_bytes());
        message.extend_from_slice(&sequence.to_le_bytes());
        message.extend_from_slice(&self.fixed_len.to_le_bytes());
        message.extend_from_slice(&self.at(self.payload.len())?.to_le_bytes());
        message.extend_from_slice(&conversation.0);
        message.append(&mut self.fixed);
        message.resize(fixed_len, 0);
        message.append(&mut self.payload);
        Ok(message)
    }
}

fn length_of(octets: &[u8]) -> Result<u32, GssError> {
    u32::try_from(octets.len()).map_err(|_| defective("longer than any token may be"))
}
