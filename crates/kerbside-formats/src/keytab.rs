//! Keytabs: long-term keys in a file (MIT "Keytab file format"). Versions 1 and 2 are read,
//! version 2 is written.
//!
//! ```text
//! keytab  ::= 05 02 record*
//! record  ::= length (signed 32 bits), entry [padding]     positive length: an entry
//!           | length, bytes                                negative length: a hole of that size
//!           | 0, anything                                  zero: the end
//! entry   ::= count (16) realm component* name_type (32) timestamp (32) kvno (8)
//!             enctype (16) key (length 16) [kvno (32)]
//! ```
//!
//! What was read is written back byte for byte: holes, padding, whether the long kvno was there,
//! keys of types that cannot be used.

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::{NameType, Principal};
use kerbside_crypto::{EncryptionType, EnctypePolicy, LongTermKey};
use zeroize::Zeroizing;

use crate::error::{Cause, FileFormat, FormatError};
use crate::reader::{Reader, Writer, principal};

/// The longest keytab that is read, in bytes.
pub const MAX_KEYTAB_LEN: usize = 16 * 1024 * 1024;

/// A keytab in memory.
#[derive(Debug, Clone, Default)]
pub struct Keytab {
    records: Vec<Record>,
    /// What follows a record length of zero.
    tail: Option<Zeroizing<Vec<u8>>>,
}

#[derive(Debug, Clone)]
enum Record {
    // Boxed: most keytabs have no holes, but an entry is much larger than one.
    Entry(alloc::boxed::Box<KeytabEntry>),
    Hole(Hole),
}

/// Deleted room; it may still hold the key that was there.
#[derive(Clone)]
struct Hole(Zeroizing<Vec<u8>>);

impl fmt::Debug for Hole {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Hole({} bytes)", self.0.len())
    }
}

/// One key of one principal.
#[derive(Debug, Clone)]
pub struct KeytabEntry {
    /// Whose key it is.
    pub principal: Principal,
    /// When the entry was written, in seconds since 1970.
    pub timestamp: u32,
    /// Key version number: the 32-bit one if there is one that is not zero, else the 8-bit one.
    pub kvno: u32,
    /// The key.
    pub key: KeytabKey,
    /// How it stood in the file; `None` for an entry that was never in one.
    layout: Option<Layout>,
}

/// How the entry's version number and padding stood in the file.
#[derive(Clone)]
struct Layout {
    kvno8: u8,
    kvno32: Option<u32>,
    padding: Zeroizing<Vec<u8>>,
}

impl fmt::Debug for Layout {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (kvno8, kvno32, padding) = (self.kvno8, self.kvno32, self.padding.len());
        write!(
            f,
            "Layout {{ kvno8: {kvno8}, kvno32: {kvno32:?}, padding: {padding} bytes }}"
        )
    }
}

impl Layout {
    fn kvno(&self) -> u32 {
        self.kvno32
            .filter(|kvno| *kvno != 0)
            .unwrap_or(u32::from(self.kvno8))
    }
}

/// The key of an entry.
#[derive(Clone)]
pub enum KeytabKey {
    /// A key that can be used.
    Key(LongTermKey),
    /// A key of a type that this build does not compute or the policy does not permit; kept and written
    /// back.
    Other {
        /// Its type.
        enctype: EncryptionType,
        /// Its bytes.
        bytes: Zeroizing<Vec<u8>>,
    },
}

impl KeytabKey {
    /// The key's encryption type.
    pub fn enctype(&self) -> EncryptionType {
        match self {
            Self::Key(key) => key.enctype(),
            Self::Other { enctype, .. } => *enctype,
        }
    }

    /// The key, if it can be used.
    pub fn usable(&self) -> Option<&LongTermKey> {
        match self {
            Self::Key(key) => Some(key),
            Self::Other { .. } => None,
        }
    }

    fn expose_secret(&self) -> &[u8] {
        match self {
            Self::Key(key) => key.expose_secret(),
            Self::Other { bytes, .. } => bytes,
        }
    }

    /// Whether both are the same key, whether usable or not, in time that does not depend on its bytes.
    fn ct_eq(&self, other: &Self) -> bool {
        let (a, b) = (self.expose_secret(), other.expose_secret());
        let difference = a
            .iter()
            .zip(b)
            .fold(0_u8, |difference, (x, y)| difference | (x ^ y));
        self.enctype() == other.enctype() && a.len() == b.len() && difference == 0
    }
}

impl fmt::Debug for KeytabKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "KeytabKey({})", self.enctype())
    }
}

impl KeytabEntry {
    /// A new entry; the long kvno is written, as MIT does since 1.14.
    pub fn new(principal: Principal, kvno: u32, timestamp: u32, key: LongTermKey) -> Self {
        Self {
            principal,
            timestamp,
            kvno,
            key: KeytabKey::Key(key),
            layout: None,
        }
    }

    /// The key's encryption type.
    pub fn enctype(&self) -> EncryptionType {
        self.key.enctype()
    }

    /// The same key of the same principal, whenever it was written and however its kvno is.
    fn is_same(&self, other: &Self) -> bool {
        self.kvno == other.kvno && self.principal == other.principal && self.key.ct_eq(&other.key)
    }

    /// Whether a ticket's `kvno` can mean this entry, though not equal: old keytabs hold 8 bits only.
    fn matches_low_byte(&self, kvno: u32) -> bool {
        let is_short = self.layout.as_ref().is_some_and(|layout| layout.kvno32.is_none());
        is_short && self.kvno == kvno & 0xff
    }

    /// MIT's rule for the newest key: the higher kvno, unless a small one was written no earlier than
    /// a large one, because then an 8-bit number went round.
    fn is_newer_than(&self, other: &Self) -> bool {
        if self.kvno < 128 && other.kvno > 240 && self.timestamp >= other.timestamp {
            return true;
        }
        if self.kvno > 240 && other.kvno < 128 && other.timestamp >= self.timestamp {
            return false;
        }
        self.kvno > other.kvno
    }

    fn parse(reader: &mut Reader<'_>, version: u8, policy: &EnctypePolicy) -> Result<Self, FormatError> {
        let count_at = reader.offset();
        let count = u32::from(reader.u16("component count")?);
        // Version 1 counts the realm too.
        let count = match (version, count.checked_sub(1)) {
            (1, Some(count)) => count,
            (1, None) => {
                let cause = Cause::Value {
                    field: "component count",
                    expected: "at least 1",
                    found: 0,
                };
                return Err(reader.damaged(count_at, cause));
            }
            _ => count,
        };
        let realm = reader.data16("realm")?;
        reader.check_count(count, "components", 2, count_at)?;
        let mut components = Vec::new();
        for _ in 0..count {
            components.push(reader.data16("component")?.to_vec());
        }
        let name_type = if version == 1 { 0 } else { reader.i32("name type")? };
        let timestamp = reader.u32("timestamp")?;
        let kvno8 = reader.u8("kvno")?;
        let enctype = EncryptionType(reader.i16("enctype")?);
        let key_at = reader.offset();
        let bytes = reader.data16("key")?;
        let key = match reader.key(enctype, bytes, key_at, policy)? {
            Some(key) => KeytabKey::Key(LongTermKey::from(key)),
            None => KeytabKey::Other {
                enctype,
                bytes: Zeroizing::new(bytes.to_vec()),
            },
        };
        let kvno32 = if reader.remaining() >= 4 {
            Some(reader.u32("long kvno")?)
        } else {
            None
        };
        let layout = Layout {
            kvno8,
            kvno32,
            padding: Zeroizing::new(reader.rest().to_vec()),
        };
        let principal = principal(realm, NameType(name_type), components);
        Ok(Self {
            principal,
            timestamp,
            kvno: layout.kvno(),
            key,
            layout: Some(layout),
        })
    }

    fn write(&self, writer: &mut Writer) -> Result<(), FormatError> {
        let name = &self.principal.name;
        writer.count16(name.components.len(), "component count")?;
        writer.data16(self.principal.realm.as_bytes(), "realm")?;
        for component in &name.components {
            writer.data16(component, "component")?;
        }
        writer.i32(name.name_type.0);
        writer.u32(self.timestamp);
        let fresh = Layout {
            kvno8: u8::try_from(self.kvno & 0xff).unwrap_or_default(),
            kvno32: Some(self.kvno),
            padding: Zeroizing::default(),
        };
        // A kvno that the caller changed, or an entry that never was in a file, gets both numbers.
        let layout = self
            .layout
            .as_ref()
            .filter(|layout| layout.kvno() == self.kvno)
            .unwrap_or(&fresh);
        writer.u8(layout.kvno8);
        writer.i16(self.enctype().0, "enctype")?;
        writer.data16(self.key.expose_secret(), "key")?;
        if let Some(kvno32) = layout.kvno32 {
            writer.u32(kvno32);
        }
        writer.raw(&layout.padding);
        Ok(())
    }
}

impl Keytab {
    /// An empty keytab.
    pub fn new() -> Self {
        Self::default()
    }

    /// Reads a keytab of version 1 or 2. Keys of the types that [`EnctypePolicy::DEFAULT`] permits can be used.
    ///
    /// # Errors
    /// Anything the format does not allow, with the byte offset.
    pub fn parse(bytes: &[u8]) -> Result<Self, FormatError> {
        Self::parse_with_policy(bytes, &EnctypePolicy::DEFAULT)
    }

    /// As [`parse`](Self::parse); keys of the types that `policy` permits can be used.
    ///
    /// # Errors
    /// As [`parse`](Self::parse).
    pub fn parse_with_policy(bytes: &[u8], policy: &EnctypePolicy) -> Result<Self, FormatError> {
        let (mut reader, version) = Reader::open(bytes, FileFormat::Keytab, 1..=2, 1, MAX_KEYTAB_LEN)?;
        let mut keytab = Self::new();
        while reader.remaining() > 0 {
            let len_at = reader.offset();
            let len = reader.i32("record length")?;
            let size = usize::try_from(len.unsigned_abs()).unwrap_or(usize::MAX);
            if len == 0 {
                keytab.tail = Some(Zeroizing::new(reader.rest().to_vec()));
            } else if len < 0 {
                // i32::MIN has no positive counterpart and is larger than any file we read.
                let hole = reader.take(size, "hole")?;
                keytab
                    .records
                    .push(Record::Hole(Hole(Zeroizing::new(hole.to_vec()))));
            } else {
                let mut record = reader.sub(size, "record").map_err(|error| at(error, len_at))?;
                let entry = KeytabEntry::parse(&mut record, version, policy)?;
                keytab.records.push(Record::Entry(entry.into()));
            }
        }
        Ok(keytab)
    }

    /// The keytab as a version 2 file.
    ///
    /// # Errors
    /// A realm, component or key longer than 65535 bytes.
    pub fn to_bytes(&self) -> Result<Zeroizing<Vec<u8>>, FormatError> {
        let mut writer = Writer::new(FileFormat::Keytab);
        writer.raw(&[5, 2]);
        for record in &self.records {
            match record {
                Record::Entry(entry) => {
                    let mut body = Writer::new(FileFormat::Keytab);
                    entry.write(&mut body)?;
                    writer.record_len(body.len())?;
                    writer.raw(&body.finish());
                }
                Record::Hole(Hole(bytes)) => {
                    writer.hole_len(bytes.len())?;
                    writer.raw(bytes);
                }
            }
        }
        if let Some(tail) = &self.tail {
            writer.i32(0);
            writer.raw(tail);
        }
        Ok(writer.finish())
    }

    /// The entries in the order of the file.
    pub fn entries(&self) -> impl Iterator<Item = &KeytabEntry> {
        self.records.iter().filter_map(|record| match record {
            Record::Entry(entry) => Some(&**entry),
            Record::Hole(_) => None,
        })
    }

    /// Adds an entry at the end. What stood behind an end mark is dropped, since nothing reads it.
    pub fn add(&mut self, entry: KeytabEntry) {
        self.tail = None;
        self.records.push(Record::Entry(entry.into()));
    }

    /// Adds at the end, in their order, those entries of `other` that are not here yet. Two entries are
    /// the same when principal, kvno, encryption type and key are. Tells how many were added.
    pub fn merge(&mut self, other: &Self) -> usize {
        let mut added = 0_usize;
        for entry in other.entries() {
            if !self.entries().any(|present| present.is_same(entry)) {
                self.add(entry.clone());
                added = added.saturating_add(1);
            }
        }
        added
    }

    /// Removes the entries for which `unwanted` is true and tells how many there were.
    pub fn remove(&mut self, mut unwanted: impl FnMut(&KeytabEntry) -> bool) -> usize {
        let before = self.records.len();
        self.records.retain(|record| match record {
            Record::Entry(entry) => !unwanted(entry),
            Record::Hole(_) => true,
        });
        before.saturating_sub(self.records.len())
    }

    /// The usable key of `principal` with this kvno and encryption type; `None` means any, and of several
    /// the newest. A keytab without long kvnos also matches on the low byte of `kvno`.
    pub fn find(
        &self,
        principal: &Principal,
        kvno: Option<u32>,
        enctype: Option<EncryptionType>,
    ) -> Option<&KeytabEntry> {
        let candidates = || {
            self.entries().filter(|entry| {
                entry.principal == *principal
                    && entry.key.usable().is_some()
                    && enctype.is_none_or(|enctype| entry.enctype() == enctype)
            })
        };
        let Some(kvno) = kvno else {
            return newest(candidates());
        };
        candidates()
            .find(|entry| entry.kvno == kvno)
            .or_else(|| newest(candidates().filter(|entry| entry.matches_low_byte(kvno))))
    }
}

fn newest<'a>(entries: impl Iterator<Item = &'a KeytabEntry>) -> Option<&'a KeytabEntry> {
    entries.reduce(|best, entry| if entry.is_newer_than(best) { entry } else { best })
}

/// The error of a record as a whole stands at its length.
fn at(error: FormatError, offset: usize) -> FormatError {
    match error {
        FormatError::Damaged { format, cause, .. } => FormatError::Damaged {
            format,
            offset,
            cause,
        },
        other => other,
    }
}
