//! NDR in type serialization version 1 (MS-RPCE section 2.2.6), as far as PACs use it.
//!
//! A serialized object is a common header, a private header with the object's length, and the object: a pointer to a
//! structure, then the structure, then what its pointers point to in the order of the pointers. Structures here have a
//! fixed depth, so nothing recurses.

mod reader;
mod string;
mod writer;

pub(crate) use reader::{NdrReader, Trailing};
pub use string::RpcUnicodeString;
pub(crate) use string::StringHeader;
pub(crate) use writer::{NdrWriter, Referents, count32};

/// Version 1, little-endian, a header of eight octets; then a filler that a reader does not look at.
const COMMON_HEADER: [u8; 4] = [1, 0x10, 8, 0];
const COMMON_FILLER: [u8; 4] = [0xcc; 4];

/// Octets of both headers.
const HEADERS_LEN: usize = 16;

/// The first referent; each further one is four higher. Readers look at nothing but zero or not.
const FIRST_REFERENT: u32 = 0x0002_0000;
