//! Fields of records and administration messages: big-endian numbers and counted bytes
//!
//! The buffers hold keys and passwords, so they are wiped. Every count is checked against what is
//! there before anything is reserved for it.

use core::fmt;

use kerbside_asn1::{KerberosTime, Name, NameType, Principal, Realm};
use zeroize::Zeroizing;

/// Components of a name at most; real ones have one to three
const COMPONENTS_MAX: usize = 64;

/// Why bytes could not be read
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Malformed {
    /// Which field
    pub(crate) field: &'static str,
    /// Where it begins
    pub(crate) offset: usize,
}

impl fmt::Display for Malformed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "the field {} at byte {} is malformed", self.field, self.offset)
    }
}

/// A growing buffer that is wiped when dropped
#[derive(Default)]
pub(crate) struct Writer {
    bytes: Zeroizing<Vec<u8>>,
}

impl Writer {
    pub(crate) fn new() -> Writer {
        Writer {
            bytes: Zeroizing::new(Vec::with_capacity(512)),
        }
    }

    pub(crate) fn into_bytes(self) -> Zeroizing<Vec<u8>> {
        self.bytes
    }

    fn raw(&mut self, bytes: &[u8]) {
        let needed = self.bytes.len() + bytes.len();
        if needed > self.bytes.capacity() {
            // Grown by hand: Vec would leave the old copy behind unwiped.
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.max(self.bytes.capacity() * 2)));
            larger.extend_from_slice(&self.bytes);
            self.bytes = larger;
        }
        self.bytes.extend_from_slice(bytes);
    }

    pub(crate) fn u8(&mut self, value: u8) {
        self.raw(&[value]);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.u8(u8::from(value));
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.raw(&value.to_be_bytes());
    }

    pub(crate) fn i64(&mut self, value: i64) {
        self.raw(&value.to_be_bytes());
    }

    /// A count; what does not fit into 32 bits is cut to a count that the reader refuses
    pub(crate) fn count(&mut self, value: usize) {
        self.u32(u32::try_from(value).unwrap_or(u32::MAX));
    }

    pub(crate) fn bytes(&mut self, value: &[u8]) {
        self.count(value.len());
        self.raw(value);
    }

    pub(crate) fn text(&mut self, value: &str) {
        self.bytes(value.as_bytes());
    }

    pub(crate) fn option<T>(&mut self, value: Option<T>, write: impl FnOnce(&mut Writer, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            write(self, value);
        }
    }

    pub(crate) fn time(&mut self, value: Option<KerberosTime>) {
        self.option(value, |w, time| w.i64(time.unix_seconds()));
    }

    pub(crate) fn list<T>(&mut self, values: &[T], mut write: impl FnMut(&mut Writer, &T)) {
        self.count(values.len());
        for value in values {
            write(self, value);
        }
    }

    pub(crate) fn principal(&mut self, value: &Principal) {
        self.i32(value.name.name_type.0);
        self.bytes(value.realm.as_bytes());
        self.list(&value.name.components, |w, component| w.bytes(component));
    }
}

/// Reads what [`Writer`] wrote
pub(crate) struct Reader<'a> {
    rest: &'a [u8],
    length: usize,
}

type Read<T> = Result<T, Malformed>;

impl<'a> Reader<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader {
            rest: bytes,
            length: bytes.len(),
        }
    }

    pub(crate) fn malformed(&self, field: &'static str) -> Malformed {
        Malformed {
            field,
            offset: self.length - self.rest.len(),
        }
    }

    /// Refuses what is left over
    pub(crate) fn end(self) -> Read<()> {
        if self.rest.is_empty() {
            Ok(())
        } else {
            Err(self.malformed("end"))
        }
    }

    fn raw(&mut self, count: usize, field: &'static str) -> Read<&'a [u8]> {
        let (bytes, rest) = self.rest.split_at_checked(count).ok_or(self.malformed(field))?;
        self.rest = rest;
        Ok(bytes)
    }

    fn array<const N: usize>(&mut self, field: &'static str) -> Read<[u8; N]> {
        let malformed = self.malformed(field);
        self.raw(N, field)?.try_into().map_err(|_| malformed)
    }

    pub(crate) fn u8(&mut self, field: &'static str) -> Read<u8> {
        self.array::<1>(field).map(|[byte]| byte)
    }

    pub(crate) fn bool(&mut self, field: &'static str) -> Read<bool> {
        let malformed = self.malformed(field);
        match self.u8(field)? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(malformed),
        }
    }

    pub(crate) fn u32(&mut self, field: &'static str) -> Read<u32> {
        self.array(field).map(u32::from_be_bytes)
    }

    pub(crate) fn i32(&mut self, field: &'static str) -> Read<i32> {
        self.array(field).map(i32::from_be_bytes)
    }

    pub(crate) fn i64(&mut self, field: &'static str) -> Read<i64> {
        self.array(field).map(i64::from_be_bytes)
    }

    /// A count of things of which each takes at least one byte
    pub(crate) fn count(&mut self, field: &'static str) -> Read<usize> {
        let malformed = self.malformed(field);
        let count = usize::try_from(self.u32(field)?).map_err(|_| malformed)?;
        if count > self.rest.len() {
            Err(malformed)
        } else {
            Ok(count)
        }
    }

    pub(crate) fn bytes(&mut self, field: &'static str) -> Read<&'a [u8]> {
        let count = self.count(field)?;
        self.raw(count, field)
    }

    pub(crate) fn text(&mut self, field: &'static str) -> Read<String> {
        let malformed = self.malformed(field);
        core::str::from_utf8(self.bytes(field)?)
            .map(str::to_owned)
            .map_err(|_| malformed)
    }

    pub(crate) fn option<T>(
        &mut self,
        field: &'static str,
        read: impl FnOnce(&mut Self) -> Read<T>,
    ) -> Read<Option<T>> {
        if self.bool(field)? {
            read(self).map(Some)
        } else {
            Ok(None)
        }
    }

    pub(crate) fn time(&mut self, field: &'static str) -> Read<Option<KerberosTime>> {
        self.option(field, |r| r.i64(field).map(KerberosTime::from_unix_seconds))
    }

    pub(crate) fn list<T>(
        &mut self,
        field: &'static str,
        mut read: impl FnMut(&mut Self) -> Read<T>,
    ) -> Read<Vec<T>> {
        let count = self.count(field)?;
        // Grows as elements are really there; the count alone reserves nothing.
        let mut values = Vec::new();
        for _ in 0..count {
            values.push(read(self)?);
        }
        Ok(values)
    }

    pub(crate) fn principal(&mut self, field: &'static str) -> Read<Principal> {
        let malformed = self.malformed(field);
        let name_type = NameType(self.i32(field)?);
        let realm = Realm::new(self.bytes(field)?);
        let components = self.list(field, |r| r.bytes(field).map(<[u8]>::to_vec))?;
        if components.len() > COMPONENTS_MAX {
            return Err(malformed);
        }
        Ok(Principal {
            realm,
            name: Name {
                name_type,
                components,
            },
        })
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, clippy::indexing_slicing, reason = "tests")]
    use super::*;

    fn sample() -> Zeroizing<Vec<u8>> {
        let mut w = Writer::new();
        w.u8(7);
        w.bool(true);
        w.i64(-5);
        w.text("alice");
        w.time(Some(KerberosTime::from_unix_seconds(1_800_000_000)));
        w.time(None);
        w.list(&[1_u32, 2, 3], |w, v| w.u32(*v));
        w.principal(&Principal::new("EXAMPLE.TEST", &["HTTP", "localhost"]));
        w.into_bytes()
    }

    fn read(bytes: &[u8]) -> Read<()> {
        let mut r = Reader::new(bytes);
        assert_eq!(r.u8("a")?, 7);
        r.bool("b")?;
        r.i64("c")?;
        r.text("d")?;
        r.time("e")?;
        r.time("f")?;
        r.list("g", |r| r.u32("g"))?;
        r.principal("h")?;
        r.end()
    }

    #[test]
    fn reads_what_was_written_and_refuses_each_truncation() {
        let bytes = sample();
        read(&bytes).unwrap();
        for cut in 1..bytes.len() {
            assert!(read(&bytes[..cut]).is_err(), "cut at {cut}");
        }
        let mut longer = bytes.to_vec();
        longer.push(0);
        assert_eq!(read(&longer).unwrap_err().field, "end");
    }

    #[test]
    fn a_count_larger_than_the_input_is_refused() {
        let mut r = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert!(r.bytes("x").is_err());
        let mut r = Reader::new(&[0xff, 0xff, 0xff, 0xff, 1]);
        assert!(r.list("x", |r| r.u8("x")).is_err());
    }
}
