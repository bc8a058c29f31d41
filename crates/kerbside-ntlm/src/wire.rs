//! The frame of the three messages: fixed fields first, and a payload that they point into (MS-NLMP 2.2.1).

use alloc::vec::Vec;

use crate::error::{NtlmError, malformed};

/// The octets that every message begins with.
pub(crate) const SIGNATURE: &[u8; 8] = b"NTLMSSP\0";

/// No message is longer: six fields of at most 65,535 octets and the fixed part. What a peer sends is a tenth of it.
pub(crate) const MAX_MESSAGE_LEN: usize = 64 * 1024;

/// Octets of a Version.
const VERSION_LEN: usize = 8;

/// VERSION (MS-NLMP 2.2.2.10): for people who read traces, never for decisions.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Version {
    /// ProductMajorVersion.
    pub major: u8,
    /// ProductMinorVersion.
    pub minor: u8,
    /// ProductBuild.
    pub build: u16,
    /// NTLMRevisionCurrent; everybody sends 15.
    pub revision: u8,
}

impl Version {
    /// What this side says: Windows 6.1, the first whose NTLM has MIC, bindings and target, as Samba and others say.
    pub const OURS: Self = Self {
        major: 6,
        minor: 1,
        build: 0,
        revision: 15,
    };

    fn from_bytes(bytes: [u8; VERSION_LEN]) -> Self {
        let [major, minor, low, high, _, _, _, revision] = bytes;
        Self {
            major,
            minor,
            build: u16::from_le_bytes([low, high]),
            revision,
        }
    }

    pub(crate) fn to_bytes(self) -> [u8; VERSION_LEN] {
        let [low, high] = self.build.to_le_bytes();
        [self.major, self.minor, low, high, 0, 0, 0, self.revision]
    }
}

/// A message with its signature and type read.
pub(crate) struct Reader<'a> {
    message: &'static str,
    bytes: &'a [u8],
    /// Where the fields that were read lie, as (start, end).
    taken: [(usize, usize); 6],
    count: usize,
}

impl<'a> Reader<'a> {
    /// Checks signature, type and length of the fixed part.
    pub(crate) fn new(
        message: &'static str,
        message_type: u32,
        fixed_len: usize,
        bytes: &'a [u8],
    ) -> Result<Self, NtlmError> {
        if bytes.len() > MAX_MESSAGE_LEN {
            return Err(NtlmError::TooLong {
                what: message,
                length: bytes.len(),
                most: MAX_MESSAGE_LEN,
            });
        }
        if !bytes.starts_with(SIGNATURE) {
            return Err(malformed(message, "Signature", "it is not NTLMSSP"));
        }
        let reader = Self {
            message,
            bytes,
            taken: [(0, 0); 6],
            count: 0,
        };
        let found = reader.u32("MessageType", 8)?;
        if found != message_type {
            return Err(NtlmError::Unexpected {
                expected: message,
                found,
            });
        }
        if bytes.len() < fixed_len {
            return Err(malformed(message, "length", "the message ends in its fixed part"));
        }
        Ok(reader)
    }

    pub(crate) fn array<const N: usize>(&self, field: &'static str, at: usize) -> Result<[u8; N], NtlmError> {
        let bytes = self.bytes.get(at..).and_then(|rest| rest.first_chunk::<N>());
        bytes
            .copied()
            .ok_or(malformed(self.message, field, "the message ends before it"))
    }

    pub(crate) fn u32(&self, field: &'static str, at: usize) -> Result<u32, NtlmError> {
        self.array(field, at).map(u32::from_le_bytes)
    }

    /// The payload that the Fields structure at `at` points to. Offset and maximum length of an empty one mean nothing.
    pub(crate) fn payload(
        &mut self,
        field: &'static str,
        at: usize,
        fixed_len: usize,
    ) -> Result<&'a [u8], NtlmError> {
        let [low, high, _, _, o0, o1, o2, o3] = self.array::<8>(field, at)?;
        let length = usize::from(u16::from_le_bytes([low, high]));
        if length == 0 {
            return Ok(&[]);
        }
        let outside = malformed(self.message, field, "it lies outside the message");
        let start = usize::try_from(u32::from_le_bytes([o0, o1, o2, o3])).map_err(|_| outside.clone())?;
        let end = start.checked_add(length).ok_or(outside.clone())?;
        let bytes = self.bytes.get(start..end).ok_or(outside)?;
        if start < fixed_len {
            return Err(malformed(self.message, field, "it lies in the fixed part"));
        }
        let taken = self.taken.get(..self.count).unwrap_or_default();
        if taken.iter().any(|(from, to)| start < *to && *from < end) {
            return Err(malformed(self.message, field, "it overlaps another field"));
        }
        if let Some(slot) = self.taken.get_mut(self.count) {
            *slot = (start, end);
            self.count = self.count.saturating_add(1);
        }
        Ok(bytes)
    }

    /// Where the payload begins, of the fields that were read.
    pub(crate) fn payload_start(&self) -> usize {
        let taken = self.taken.get(..self.count).unwrap_or_default();
        let starts = taken.iter().map(|(start, _)| *start);
        starts.min().unwrap_or(self.bytes.len())
    }

    /// The Version at `at`, if the fixed part is long enough to have one.
    pub(crate) fn version(&self, at: usize) -> Option<Version> {
        if self.payload_start() < at.checked_add(VERSION_LEN)? {
            return None;
        }
        self.array("Version", at).ok().map(Version::from_bytes)
    }
}

/// A message under construction.
pub(crate) struct Writer {
    message: &'static str,
    fixed: Vec<u8>,
    fixed_len: usize,
    payload: Vec<u8>,
}

impl Writer {
    /// A message whose fixed part will have `fixed_len` octets.
    pub(crate) fn new(message: &'static str, message_type: u32, fixed_len: usize) -> Self {
        let mut fixed = Vec::with_capacity(fixed_len);
        fixed.extend_from_slice(SIGNATURE);
        fixed.extend_from_slice(&message_type.to_le_bytes());
        Self {
            message,
            fixed,
            fixed_len,
            payload: Vec::new(),
        }
    }

    /// Adds to the fixed part.
    pub(crate) fn put(&mut self, bytes: &[u8]) {
        self.fixed.extend_from_slice(bytes);
    }

    /// Adds to the payload, and gives the Fields structure that points there.
    pub(crate) fn place(&mut self, bytes: &[u8]) -> Result<[u8; 8], NtlmError> {
        let length = u16::try_from(bytes.len()).map_err(|_| self.too_long(bytes.len()))?;
        let start = self.fixed_len.saturating_add(self.payload.len());
        let start = u32::try_from(start).map_err(|_| self.too_long(start))?;
        self.payload.extend_from_slice(bytes);
        let [low, high] = length.to_le_bytes();
        let [s0, s1, s2, s3] = start.to_le_bytes();
        Ok([low, high, low, high, s0, s1, s2, s3])
    }

    /// Adds a Fields structure to the fixed part, and to the payload what it points to.
    pub(crate) fn put_payload(&mut self, bytes: &[u8]) -> Result<(), NtlmError> {
        let fields = self.place(bytes)?;
        self.put(&fields);
        Ok(())
    }

    pub(crate) fn finish(mut self) -> Result<Vec<u8>, NtlmError> {
        debug_assert_eq!(self.fixed.len(), self.fixed_len);
        self.fixed.append(&mut self.payload);
        if self.fixed.len() > MAX_MESSAGE_LEN {
            return Err(self.too_long(self.fixed.len()));
        }
        Ok(self.fixed)
    }

    fn too_long(&self, length: usize) -> NtlmError {
        NtlmError::TooLong {
            what: self.message,
            length,
            most: MAX_MESSAGE_LEN,
        }
    }
}
