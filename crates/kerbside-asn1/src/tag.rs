//! Tags as octets. No type here has a tag of more than one.

pub(crate) const BOOLEAN: u8 = 0x01;
pub(crate) const INTEGER: u8 = 0x02;
pub(crate) const BIT_STRING: u8 = 0x03;
pub(crate) const OCTET_STRING: u8 = 0x04;
pub(crate) const OBJECT_IDENTIFIER: u8 = 0x06;
pub(crate) const ENUMERATED: u8 = 0x0a;
pub(crate) const UTF8_STRING: u8 = 0x0c;
pub(crate) const GENERALIZED_TIME: u8 = 0x18;
pub(crate) const GENERAL_STRING: u8 = 0x1b;
pub(crate) const SEQUENCE: u8 = 0x30;

/// The bit that says that an element holds elements.
pub(crate) const CONSTRUCTED: u8 = 0x20;

/// The bits of the number; all set, they say that it follows in further octets.
pub(crate) const NUMBER: u8 = 0x1f;

/// `[number]` around a value, constructed.
pub(crate) const fn context(number: u8) -> u8 {
    0xa0 | number
}

/// `[number] IMPLICIT` in place of a type's own tag.
pub(crate) const fn implicit(number: u8, own: u8) -> u8 {
    0x80 | number | own & CONSTRUCTED
}

/// `[APPLICATION number]`, constructed.
pub(crate) const fn application(number: u8) -> u8 {
    0x60 | number
}
