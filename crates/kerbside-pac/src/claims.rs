//! Claims (MS-ADTS section 2.2.18, MS-PAC sections 2.11 and 2.13).

use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

use crate::compression::decompress;
use crate::error::{Malformed, PacError};
use crate::ndr::{NdrReader, NdrWriter, Referents, Trailing, count32};

const METADATA: &str = "CLAIMS_SET_METADATA";
const SET: &str = "CLAIMS_SET";

/// How a set of claims is compressed (`CLAIMS_COMPRESSION_FORMAT`).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Default)]
pub struct CompressionFormat(pub u16);

impl CompressionFormat {
    /// Not at all.
    pub const NONE: Self = Self(0);
    /// LZNT1 (MS-XCA section 2.5).
    pub const LZNT1: Self = Self(2);
    /// Plain LZ77 (MS-XCA section 2.4).
    pub const XPRESS: Self = Self(3);
    /// LZ77 with Huffman codes (MS-XCA section 2.2): what Windows uses.
    pub const XPRESS_HUFF: Self = Self(4);
}

impl fmt::Display for CompressionFormat {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match *self {
            Self::NONE => f.pad("none"),
            Self::LZNT1 => f.pad("LZNT1"),
            Self::XPRESS => f.pad("XPRESS"),
            Self::XPRESS_HUFF => f.pad("XPRESS_HUFF"),
            Self(other) => write!(f, "compression format {other}"),
        }
    }
}

/// A set of claims as it is sent: the buffers CLIENT_CLAIMS and DEVICE_CLAIMS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsSetMetadata {
    /// The serialized set, compressed as the format says.
    pub claims_set: Vec<u8>,
    /// The format.
    pub compression_format: CompressionFormat,
    /// Octets of the set before it was compressed.
    pub uncompressed_claims_set_size: u32,
    /// Reserved.
    pub reserved_field: Vec<u8>,
}

impl ClaimsSetMetadata {
    /// A set that is not compressed.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn uncompressed(set: &ClaimsSet) -> Result<Self, PacError> {
        let claims_set = set.to_bytes()?;
        Ok(Self {
            uncompressed_claims_set_size: count32(SET, claims_set.len())?,
            claims_set,
            compression_format: CompressionFormat::NONE,
            reserved_field: Vec::new(),
        })
    }

    /// Reads the buffer. What is in the set is for [`Self::claims_set`].
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(METADATA, bytes, Trailing::Refused, |reader| {
            let claims_set = (reader.u32()?, reader.pointer()?);
            let compression_format = CompressionFormat(reader.u16()?);
            let uncompressed_claims_set_size = reader.u32()?;
            reader.u16()?;
            let reserved_field = (reader.u32()?, reader.pointer()?);
            Ok(Self {
                claims_set: reader.bytes(claims_set.1, claims_set.0)?.to_vec(),
                compression_format,
                uncompressed_claims_set_size,
                reserved_field: reader.bytes(reserved_field.1, reserved_field.0)?.to_vec(),
            })
        })
    }

    /// The buffer.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        NdrWriter::object(METADATA, |writer| {
            writer.count(METADATA, self.claims_set.len())?;
            writer.pointer(!self.claims_set.is_empty());
            writer.u16(self.compression_format.0);
            writer.u32(self.uncompressed_claims_set_size);
            writer.u16(0);
            writer.count(METADATA, self.reserved_field.len())?;
            writer.pointer(!self.reserved_field.is_empty());
            for bytes in [&self.claims_set, &self.reserved_field] {
                if !bytes.is_empty() {
                    writer.count(METADATA, bytes.len())?;
                    writer.octets(bytes);
                }
            }
            Ok(())
        })
    }

    /// The set, decompressed into at most [`MAX_UNCOMPRESSED_CLAIMS`](crate::limits::MAX_UNCOMPRESSED_CLAIMS) octets
    /// and read.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn claims_set(&self) -> Result<ClaimsSet, PacError> {
        if self.compression_format == CompressionFormat::NONE {
            return ClaimsSet::from_bytes(&self.claims_set);
        }
        let bytes = decompress(
            self.compression_format,
            &self.claims_set,
            self.uncompressed_claims_set_size,
        )?;
        ClaimsSet::from_bytes(&bytes)
    }
}

/// Claims from all sources (CLAIMS_SET, MS-ADTS section 2.2.18.7).
#[derive(Clone, Debug, PartialEq, Eq, Default)]
pub struct ClaimsSet {
    /// The claims of each source.
    pub claims_arrays: Vec<ClaimsArray>,
}

/// Claims of one source (CLAIMS_ARRAY, MS-ADTS section 2.2.18.6).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimsArray {
    /// The source.
    pub source_type: ClaimsSourceType,
    /// The claims.
    pub entries: Vec<ClaimEntry>,
}

/// Where claims come from (CLAIMS_SOURCE_TYPE).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct ClaimsSourceType(pub u16);

impl ClaimsSourceType {
    /// The directory.
    pub const AD: Self = Self(1);
    /// The client's certificate.
    pub const CERTIFICATE: Self = Self(2);
}

/// One claim (CLAIM_ENTRY, MS-ADTS section 2.2.18.5).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ClaimEntry {
    /// Which claim, such as `ad://ext/sAMAccountName:88d5d9085ea5c0c0`.
    pub id: String,
    /// Its values.
    pub values: ClaimValues,
}

/// A claim's values, of one type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ClaimValues {
    /// CLAIM_TYPE_INT64 (1).
    Int64(Vec<i64>),
    /// CLAIM_TYPE_UINT64 (2).
    Uint64(Vec<u64>),
    /// CLAIM_TYPE_STRING (3).
    String(Vec<String>),
    /// CLAIM_TYPE_BOOLEAN (6).
    Boolean(Vec<bool>),
}

impl ClaimValues {
    const fn claim_type(&self) -> u16 {
        match self {
            Self::Int64(_) => 1,
            Self::Uint64(_) => 2,
            Self::String(_) => 3,
            Self::Boolean(_) => 6,
        }
    }

    const fn len(&self) -> usize {
        match self {
            Self::Int64(values) => values.len(),
            Self::Uint64(values) => values.len(),
            Self::String(values) => values.len(),
            Self::Boolean(values) => values.len(),
        }
    }
}

impl ClaimsSet {
    /// All claims, from all sources.
    pub fn entries(&self) -> impl Iterator<Item = &ClaimEntry> {
        self.claims_arrays.iter().flat_map(|array| &array.entries)
    }

    /// Reads the serialized set.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, PacError> {
        NdrReader::object(SET, bytes, Trailing::Refused, |reader| {
            let arrays = (reader.u32()?, reader.pointer()?);
            reader.u16()?;
            let reserved = (reader.u32()?, reader.pointer()?);
            // A source, a count and a pointer each.
            let headers = reader.array(arrays.1, arrays.0, 12, |reader| {
                Ok((ClaimsSourceType(reader.u16()?), reader.u32()?, reader.pointer()?))
            })?;
            let claims_arrays = headers.into_iter().map(|(source_type, count, present)| {
                Ok(ClaimsArray {
                    source_type,
                    entries: read_entries(reader, present, count)?,
                })
            });
            let claims_arrays = claims_arrays.collect::<Result<_, PacError>>()?;
            reader.bytes(reserved.1, reserved.0)?;
            Ok(Self { claims_arrays })
        })
    }

    /// The serialized set.
    ///
    /// # Errors
    /// [`PacError::TooLongToEncode`].
    pub fn to_bytes(&self) -> Result<Vec<u8>, PacError> {
        NdrWriter::object(SET, |writer| {
            writer.count(SET, self.claims_arrays.len())?;
            writer.pointer(!self.claims_arrays.is_empty());
            writer.u16(0);
            writer.u32(0);
            writer.pointer(false);
            if !self.claims_arrays.is_empty() {
                writer.count(SET, self.claims_arrays.len())?;
            }
            let mut referents = Vec::with_capacity(self.claims_arrays.len());
            for array in &self.claims_arrays {
                writer.u16(array.source_type.0);
                writer.count(SET, array.entries.len())?;
                writer.pointer(!array.entries.is_empty());
                referents.push(writer.reserve(array.entries.iter().map(ClaimEntry::pointers).sum()));
            }
            for (array, referents) in self.claims_arrays.iter().zip(referents) {
                write_entries(writer, &array.entries, referents)?;
            }
            Ok(())
        })
    }
}

/// Octets of the part of a CLAIM_ENTRY that stands in its array, for a type without values.
const ENTRY_LEN: usize = 8;

struct EntryHeader {
    claim_type: u16,
    count: u32,
    present: bool,
}

fn read_entries(reader: &mut NdrReader<'_>, present: bool, count: u32) -> Result<Vec<ClaimEntry>, PacError> {
    let headers = reader.array(present, count, ENTRY_LEN, |reader| {
        if !reader.pointer()? {
            return Err(reader.error(Malformed::NullPointer));
        }
        let claim_type = reader.u16()?;
        // The union's own copy of the type.
        let switch = reader.u16()?;
        if switch != claim_type {
            return Err(reader.value_error("the claim's type again", switch));
        }
        if !matches!(claim_type, 1..=3 | 6) {
            return Err(reader.value_error("a claim type of 1, 2, 3 or 6", claim_type));
        }
        Ok(EntryHeader {
            claim_type,
            count: reader.u32()?,
            present: reader.pointer()?,
        })
    })?;
    headers
        .into_iter()
        .map(|header| {
            Ok(ClaimEntry {
                id: reader.terminated_string()?,
                values: read_values(reader, &header)?,
            })
        })
        .collect()
}

fn read_values(reader: &mut NdrReader<'_>, header: &EntryHeader) -> Result<ClaimValues, PacError> {
    let (present, count) = (header.present, header.count);
    match header.claim_type {
        1 => reader
            .array(present, count, 8, |reader| reader.u64().map(u64::cast_signed))
            .map(ClaimValues::Int64),
        2 => reader
            .array(present, count, 8, NdrReader::u64)
            .map(ClaimValues::Uint64),
        3 => {
            let pointers = reader.array(present, count, 4, |reader| {
                if reader.pointer()? {
                    Ok(())
                } else {
                    Err(reader.error(Malformed::NullPointer))
                }
            })?;
            let strings = pointers.into_iter().map(|()| reader.terminated_string());
            strings.collect::<Result<_, _>>().map(ClaimValues::String)
        }
        _ => reader
            .array(present, count, 8, |reader| match reader.u64()? {
                0 => Ok(false),
                1 => Ok(true),
                other => Err(reader.value_error("a boolean of 0 or 1", other)),
            })
            .map(ClaimValues::Boolean),
    }
}

impl ClaimEntry {
    /// Pointers that a claim needs: to its id, to its values, and from there to each text.
    fn pointers(&self) -> usize {
        match &self.values {
            ClaimValues::String(values) => 2 + values.len(),
            _ => 2,
        }
    }
}

fn write_entries(
    writer: &mut NdrWriter,
    entries: &[ClaimEntry],
    mut referents: Referents,
) -> Result<(), PacError> {
    if entries.is_empty() {
        return Ok(());
    }
    writer.count(SET, entries.len())?;
    let mut of_values = Vec::with_capacity(entries.len());
    for entry in entries {
        writer.referent(&mut referents);
        writer.u16(entry.values.claim_type());
        writer.u16(entry.values.claim_type());
        writer.count(SET, entry.values.len())?;
        writer.referent(&mut referents);
        of_values.push(referents.split(entry.pointers().saturating_sub(2)));
    }
    for (entry, referents) in entries.iter().zip(of_values) {
        writer.terminated_string(&entry.id)?;
        writer.count(SET, entry.values.len())?;
        write_values(writer, &entry.values, referents)?;
    }
    Ok(())
}

fn write_values(
    writer: &mut NdrWriter,
    values: &ClaimValues,
    mut referents: Referents,
) -> Result<(), PacError> {
    match values {
        ClaimValues::Int64(values) => values.iter().for_each(|value| writer.u64(value.cast_unsigned())),
        ClaimValues::Uint64(values) => values.iter().for_each(|value| writer.u64(*value)),
        ClaimValues::Boolean(values) => values.iter().for_each(|value| writer.u64((*value).into())),
        ClaimValues::String(values) => {
            values.iter().for_each(|_| writer.referent(&mut referents));
            for value in values {
                writer.terminated_string(value)?;
            }
        }
    }
    Ok(())
}
