//! Octets of an exported context: a writer whose memory is wiped, and a reader that trusts no length.

use alloc::vec::Vec;

use kerbside_asn1::{KerberosTime, Name, NameType, Principal, Realm};
use kerbside_crypto::{EncryptionType, EnctypePolicy, Key};
use zeroize::Zeroizing;

use crate::error::{Cause, GssError};

/// What is wrong with an exported context.
pub(crate) fn bad(reason: &'static str) -> GssError {
    Cause::ExportedContext { reason }.into()
}

const START_CAPACITY: usize = 1024;

/// Collects octets. Where they outgrow their memory they are moved by hand, so that the old one is wiped.
pub(crate) struct Writer(Zeroizing<Vec<u8>>);

impl Writer {
    pub(crate) fn new() -> Self {
        Self(Zeroizing::new(Vec::with_capacity(START_CAPACITY)))
    }

    pub(crate) fn finish(self) -> Zeroizing<Vec<u8>> {
        self.0
    }

    pub(crate) fn put(&mut self, octets: &[u8]) {
        let needed = self.0.len().saturating_add(octets.len());
        if needed > self.0.capacity() {
            let mut larger = Zeroizing::new(Vec::with_capacity(needed.saturating_mul(2)));
            larger.extend_from_slice(&self.0);
            self.0 = larger;
        }
        self.0.extend_from_slice(octets);
    }

    pub(crate) fn octet(&mut self, value: u8) {
        self.put(&[value]);
    }

    pub(crate) fn bool(&mut self, value: bool) {
        self.octet(u8::from(value));
    }

    pub(crate) fn u32(&mut self, value: u32) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn i32(&mut self, value: i32) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn u64(&mut self, value: u64) {
        self.put(&value.to_be_bytes());
    }

    pub(crate) fn time(&mut self, value: KerberosTime) {
        self.put(&value.unix_seconds().to_be_bytes());
    }

    /// Length and octets.
    pub(crate) fn string(&mut self, octets: &[u8]) -> Result<(), GssError> {
        self.count(octets.len())?;
        self.put(octets);
        Ok(())
    }

    pub(crate) fn count(&mut self, count: usize) -> Result<(), GssError> {
        self.u32(u32::try_from(count).map_err(|_| bad("more of something than 32 bits count"))?);
        Ok(())
    }

    /// Whether it is there, and it.
    pub(crate) fn option<T>(&mut self, value: Option<T>, put: impl FnOnce(&mut Self, T)) {
        self.bool(value.is_some());
        if let Some(value) = value {
            put(self, value);
        }
    }

    pub(crate) fn principal(&mut self, principal: &Principal) -> Result<(), GssError> {
        self.string(principal.realm.as_bytes())?;
        self.i32(principal.name.name_type.0);
        self.count(principal.name.components.len())?;
        principal
            .name
            .components
            .iter()
            .try_for_each(|component| self.string(component))
    }

    pub(crate) fn key(&mut self, key: &Key) -> Result<(), GssError> {
        self.i32(key.enctype().0);
        self.string(key.expose_secret())
    }

    pub(crate) fn optional_key(&mut self, key: Option<&Key>) -> Result<(), GssError> {
        self.bool(key.is_some());
        key.map_or(Ok(()), |key| self.key(key))
    }
}

/// Reads what a [`Writer`] wrote; each call is bounded by what is left.
pub(crate) struct Reader<'a>(&'a [u8]);

impl<'a> Reader<'a> {
    pub(crate) fn new(octets: &'a [u8]) -> Self {
        Self(octets)
    }

    pub(crate) fn end(&self) -> Result<(), GssError> {
        if self.0.is_empty() {
            return Ok(());
        }
        Err(bad("expected its end, but found octets behind it"))
    }

    fn take(&mut self, length: usize) -> Result<&'a [u8], GssError> {
        let (taken, rest) = self
            .0
            .split_at_checked(length)
            .ok_or_else(|| bad("shorter than what it says of itself"))?;
        self.0 = rest;
        Ok(taken)
    }

    pub(crate) fn array<const N: usize>(&mut self) -> Result<[u8; N], GssError> {
        let taken = self.take(N)?;
        taken
            .first_chunk()
            .copied()
            .ok_or_else(|| bad("shorter than a number in it"))
    }

    pub(crate) fn octet(&mut self) -> Result<u8, GssError> {
        let [octet] = self.array()?;
        Ok(octet)
    }

    pub(crate) fn bool(&mut self) -> Result<bool, GssError> {
        match self.octet()? {
            0 => Ok(false),
            1 => Ok(true),
            _ => Err(bad("expected 0 or 1, but found another octet")),
        }
    }

    pub(crate) fn u32(&mut self) -> Result<u32, GssError> {
        Ok(u32::from_be_bytes(self.array()?))
    }

    pub(crate) fn i32(&mut self) -> Result<i32, GssError> {
        Ok(i32::from_be_bytes(self.array()?))
    }

    pub(crate) fn u64(&mut self) -> Result<u64, GssError> {
        Ok(u64::from_be_bytes(self.array()?))
    }

    pub(crate) fn time(&mut self) -> Result<KerberosTime, GssError> {
        Ok(KerberosTime::from_unix_seconds(i64::from_be_bytes(self.array()?)))
    }

    pub(crate) fn string(&mut self) -> Result<&'a [u8], GssError> {
        let length = self.u32()?;
        self.take(usize::try_from(length).map_err(|_| bad("longer than memory"))?)
    }

    pub(crate) fn option<T>(
        &mut self,
        read: impl FnOnce(&mut Self) -> Result<T, GssError>,
    ) -> Result<Option<T>, GssError> {
        if self.bool()? {
            return read(self).map(Some);
        }
        Ok(None)
    }

    /// As many as a count says. Each is some octets at least, so the count is bounded by what is there.
    pub(crate) fn list<T>(
        &mut self,
        mut read: impl FnMut(&mut Self) -> Result<T, GssError>,
    ) -> Result<Vec<T>, GssError> {
        let mut list = Vec::new();
        for _ in 0..self.u32()? {
            list.push(read(self)?);
        }
        Ok(list)
    }

    pub(crate) fn principal(&mut self) -> Result<Principal, GssError> {
        let realm = Realm::new(self.string()?);
        let name_type = NameType(self.i32()?);
        let components = self.list(|reader| Ok(reader.string()?.to_vec()))?;
        Ok(Principal {
            realm,
            name: Name::from_components(components).with_type(name_type),
        })
    }

    /// Of any type: what a context may be made with was decided before it was made.
    pub(crate) fn key(&mut self) -> Result<Key, GssError> {
        let enctype = EncryptionType(self.i32()?);
        Ok(Key::with_policy(
            enctype,
            self.string()?,
            &EnctypePolicy::ALLOW_ALL,
        )?)
    }
}
