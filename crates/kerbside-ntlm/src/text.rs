//! Strings on the wire: UTF-16 little-endian, or ASCII where OEM was negotiated.

use alloc::string::String;
use alloc::vec::Vec;

use crate::error::{NtlmError, malformed};
use crate::flags::NegotiateFlags;

/// UTF-16 little-endian without a terminator.
pub(crate) fn utf16(text: &str) -> Vec<u8> {
    text.encode_utf16().flat_map(u16::to_le_bytes).collect()
}

/// Reads UTF-16 little-endian; half a code unit and lone surrogates are refused.
pub(crate) fn from_utf16(
    message: &'static str,
    field: &'static str,
    bytes: &[u8],
) -> Result<String, NtlmError> {
    let (pairs, rest) = bytes.as_chunks::<2>();
    if !rest.is_empty() {
        return Err(malformed(message, field, "half a UTF-16 code unit"));
    }
    let units = pairs.iter().map(|pair| u16::from_le_bytes(*pair));
    let text: Result<String, _> = char::decode_utf16(units).collect();
    let text = text.map_err(|_| malformed(message, field, "it is not UTF-16"))?;
    without_nul(message, field, text)
}

/// The negotiated character set. What an OEM character set is nobody says, so only its ASCII part is taken.
pub(crate) fn decode(
    message: &'static str,
    field: &'static str,
    bytes: &[u8],
    flags: NegotiateFlags,
) -> Result<String, NtlmError> {
    if flags.contains(NegotiateFlags::UNICODE) {
        return from_utf16(message, field, bytes);
    }
    if !bytes.is_ascii() {
        return Err(NtlmError::Unsupported {
            what: "an OEM string outside ASCII",
        });
    }
    without_nul(message, field, bytes.iter().copied().map(char::from).collect())
}

/// The negotiated character set, to the wire.
pub(crate) fn encode(text: &str, flags: NegotiateFlags) -> Result<Vec<u8>, NtlmError> {
    if flags.contains(NegotiateFlags::UNICODE) {
        return Ok(utf16(text));
    }
    if !text.is_ascii() {
        return Err(NtlmError::Unsupported {
            what: "an OEM string outside ASCII",
        });
    }
    Ok(text.as_bytes().to_vec())
}

/// A NUL in a name would end it for a C program that reads it later.
fn without_nul(message: &'static str, field: &'static str, text: String) -> Result<String, NtlmError> {
    if text.contains('\0') {
        return Err(malformed(message, field, "it has a NUL in it"));
    }
    Ok(text)
}

/// Upper case as Windows makes it for NTOWFv2 and for comparing names: one code unit for one. What has an upper case of
/// several characters, and what does not come back in lower case (the long s, the dotless i), stays as it is, so that
/// two users never become one.
pub(crate) fn upper(text: &str) -> String {
    text.chars().map(upper_char).collect()
}

fn upper_char(c: char) -> char {
    // The one letter with two lower cases that both have it as their upper case in Windows' table.
    if c == 'ς' {
        return 'Σ';
    }
    let mut upper = c.to_uppercase();
    let (Some(single), None) = (upper.next(), upper.next()) else {
        return c;
    };
    let mut back = single.to_lowercase();
    let fits = back.next() == Some(c) && back.next().is_none() && single.len_utf16() == 1;
    if fits { single } else { c }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used, reason = "tests fail by panicking")]
    use super::*;

    #[test]
    fn upper_case_is_one_for_one() {
        assert_eq!(upper("user"), "USER");
        assert_eq!(upper("jürgen-ÿ"), "JÜRGEN-Ÿ");
        assert_eq!(upper("straße"), "STRAßE");
        assert_eq!(upper("ıſµ"), "ıſµ");
        assert_eq!(upper("σς"), "ΣΣ");
        assert_eq!(upper("иван"), "ИВАН");
    }

    #[test]
    fn utf16_is_read_whole_or_refused() {
        assert_eq!(from_utf16("m", "f", &utf16("a€😀")).unwrap(), "a€😀");
        assert!(from_utf16("m", "f", &[0x41]).is_err());
        assert!(from_utf16("m", "f", &[0x00, 0xd8]).is_err(), "a lone surrogate");
        assert!(from_utf16("m", "f", &[0, 0]).is_err(), "a NUL");
    }

    #[test]
    fn oem_is_ascii() {
        assert_eq!(decode("m", "f", b"USER", NegotiateFlags::OEM).unwrap(), "USER");
        assert!(decode("m", "f", b"J\x9aRGEN", NegotiateFlags::OEM).is_err());
        assert!(encode("jürgen", NegotiateFlags::OEM).is_err());
        assert_eq!(encode("ab", NegotiateFlags::UNICODE).unwrap(), b"a\0b\0");
    }
}
