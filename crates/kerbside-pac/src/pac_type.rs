//! PACTYPE and PAC_INFO_BUFFER: the table of buffers (MS-PAC sections 2.3 and 2.4).

use alloc::vec::Vec;
use core::ops::Range;

use kerbside_asn1::AdType;

use crate::buffer_type::PacBufferType;
use crate::error::{Malformed, PacError};
use crate::ndr::count32;
use crate::reader::{Reader, padding};

const WHAT: &str = "PACTYPE";

/// The longest PAC taken. Active Directory's tickets end at 64 KiB.
pub const MAX_PAC_LEN: usize = 1 << 20;

/// The most buffers taken.
pub const MAX_BUFFERS: usize = 4096;

/// Octets before the table, and of each of its entries.
const HEADER_LEN: usize = 8;
const ENTRY_LEN: usize = 16;

/// Where buffers begin.
const ALIGNMENT: usize = 8;

/// One buffer of a PAC.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PacBuffer<'a> {
    /// Its type.
    pub buffer_type: PacBufferType,
    /// Its octets.
    pub bytes: &'a [u8],
}

/// A PAC whose table of buffers has been read, and nothing else: nothing in it is known to be true.
///
/// Its contents are had from [`verify_server`](Self::verify_server).
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Pac<'a> {
    bytes: &'a [u8],
    table: Vec<Entry>,
}

#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Entry {
    pub(crate) buffer_type: PacBufferType,
    pub(crate) range: Range<usize>,
}

impl<'a> Pac<'a> {
    /// Reads the table of buffers. Each buffer lies behind the table, at a multiple of eight, inside the PAC and apart
    /// from the others, and each type of MS-PAC section 2.4 is there once at most.
    ///
    /// # Errors
    /// [`PacError::Malformed`].
    pub fn parse(bytes: &'a [u8]) -> Result<Self, PacError> {
        let mut reader = Reader::new(WHAT, bytes);
        if bytes.len() > MAX_PAC_LEN {
            return Err(too_many(&reader, "octets", MAX_PAC_LEN, bytes.len()));
        }
        let count = reader.u32()?;
        if usize::try_from(count).map_or(true, |count| count > MAX_BUFFERS) {
            let count = usize::try_from(count).unwrap_or(usize::MAX);
            return Err(too_many(&reader, "buffers", MAX_BUFFERS, count));
        }
        let version = reader.u32()?;
        if version != 0 {
            return Err(reader.value_error("version 0", version));
        }
        let count = reader.room_for(count, ENTRY_LEN)?;
        let table_end = HEADER_LEN + ENTRY_LEN * count;
        let mut table = Vec::with_capacity(count);
        for _ in 0..count {
            table.push(entry(&mut reader, table_end, bytes.len())?);
        }
        check_duplicates(&reader, &table)?;
        check_overlaps(&reader, &table)?;
        Ok(Self { bytes, table })
    }

    /// The PAC in a ticket's authorization data, wherever AD-IF-RELEVANT containers hold it; none where there is none.
    ///
    /// ```
    /// # use kerbside_asn1::AdType;
    /// # use kerbside_pac::{Pac, PacError};
    /// # fn example(authorization_data: &[(AdType, Vec<u8>)]) -> Result<(), PacError> {
    /// // What kerbside-protocol's `DecryptedTicket::authorization_data` gives.
    /// let elements = authorization_data.iter().map(|(ad_type, data)| (*ad_type, data.as_slice()));
    /// let pac: Option<Pac<'_>> = Pac::find(elements)?;
    /// # Ok(())
    /// # }
    /// ```
    ///
    /// # Errors
    /// [`PacError::SecondPac`], [`PacError::TooDeep`], [`PacError::AuthorizationData`] for a container that is no
    /// ASN.1, and as [`Self::parse`].
    pub fn find(elements: impl IntoIterator<Item = (AdType, &'a [u8])>) -> Result<Option<Self>, PacError> {
        crate::find::find(elements)?.map(Self::parse).transpose()
    }

    /// All of it.
    #[must_use]
    pub const fn bytes(&self) -> &'a [u8] {
        self.bytes
    }

    /// The buffers in the order of the table, unverified.
    pub fn buffers(&self) -> impl Iterator<Item = PacBuffer<'a>> {
        let bytes = self.bytes;
        self.table.iter().map(move |entry| PacBuffer {
            buffer_type: entry.buffer_type,
            bytes: bytes.get(entry.range.clone()).unwrap_or_default(),
        })
    }

    /// The buffer of a type, unverified.
    #[must_use]
    pub fn buffer(&self, buffer_type: PacBufferType) -> Option<&'a [u8]> {
        let entry = self.entry(buffer_type)?;
        self.bytes.get(entry.range.clone())
    }

    pub(crate) fn entry(&self, buffer_type: PacBufferType) -> Option<&Entry> {
        self.table.iter().find(|entry| entry.buffer_type == buffer_type)
    }

    pub(crate) fn into_table(self) -> Vec<Entry> {
        self.table
    }
}

fn too_many(reader: &Reader<'_>, of: &'static str, max: usize, found: usize) -> PacError {
    reader.error(Malformed::TooMany {
        of,
        max,
        found: u64::try_from(found).unwrap_or(u64::MAX),
    })
}

fn entry(reader: &mut Reader<'_>, table_end: usize, len: usize) -> Result<Entry, PacError> {
    let buffer_type = PacBufferType(reader.u32()?);
    let size = reader.u32()?;
    let offset = reader.u64()?;
    let overrun = |reader: &Reader<'_>| {
        reader.error(Malformed::Overrun {
            needed: offset.saturating_add(size.into()),
            found: len,
        })
    };
    // Nothing is added before both are known to be small.
    let (Ok(size), Ok(start)) = (usize::try_from(size), usize::try_from(offset)) else {
        return Err(overrun(reader));
    };
    let end = start.checked_add(size).filter(|end| *end <= len);
    let Some(end) = end else {
        return Err(overrun(reader));
    };
    if start % ALIGNMENT != 0 {
        return Err(reader.error(Malformed::Misaligned { buffer: buffer_type }));
    }
    if start < table_end {
        return Err(reader.error(Malformed::InsideTable { buffer: buffer_type }));
    }
    Ok(Entry {
        buffer_type,
        range: start..end,
    })
}

/// MS-PAC has further buffers of a type ignored, but which one is the first is a matter of who reads. No KDC makes two.
fn check_duplicates(reader: &Reader<'_>, table: &[Entry]) -> Result<(), PacError> {
    let mut types: Vec<PacBufferType> = table.iter().map(|entry| entry.buffer_type).collect();
    types.sort_unstable();
    let twice = types
        .array_windows()
        .find(|[first, second]| first == second && first.name().is_some());
    match twice {
        Some([buffer, _]) => Err(reader.error(Malformed::Duplicate { buffer: *buffer })),
        None => Ok(()),
    }
}

fn check_overlaps(reader: &Reader<'_>, table: &[Entry]) -> Result<(), PacError> {
    let mut entries: Vec<&Entry> = table.iter().filter(|entry| !entry.range.is_empty()).collect();
    entries.sort_unstable_by_key(|entry| entry.range.start);
    let overlap = entries
        .array_windows()
        .find(|[first, second]| first.range.end > second.range.start);
    match overlap {
        Some([first, second]) => Err(reader.error(Malformed::Overlap {
            first: first.buffer_type,
            second: second.buffer_type,
        })),
        None => Ok(()),
    }
}

/// A PAC of these buffers, in this order, each at the next multiple of eight. Whether they make sense, and whether
/// there are two of a type, is the caller's business.
///
/// # Errors
/// [`PacError::TooLongToEncode`] for more than a table can say.
pub fn encode_pac(buffers: &[PacBuffer<'_>]) -> Result<Vec<u8>, PacError> {
    let count = count32(WHAT, buffers.len())?;
    let mut bytes = count.to_le_bytes().to_vec();
    bytes.extend([0; 4]);
    let mut offset = HEADER_LEN + ENTRY_LEN * buffers.len();
    for buffer in buffers {
        let size = count32(WHAT, buffer.bytes.len())?;
        bytes.extend(buffer.buffer_type.0.to_le_bytes());
        bytes.extend(size.to_le_bytes());
        bytes.extend(u64::try_from(offset).unwrap_or(u64::MAX).to_le_bytes());
        offset = (offset + buffer.bytes.len()).next_multiple_of(ALIGNMENT);
    }
    for buffer in buffers {
        bytes.extend(buffer.bytes);
        bytes.resize(bytes.len() + padding(bytes.len(), ALIGNMENT), 0);
    }
    Ok(bytes)
}
