//! The quoting of `krb5_parse_name` and `krb5_unparse_name`.

use alloc::vec::Vec;

use super::{MAX_PRINCIPAL_LEN, Name, NameError, Realm};
use crate::principal_name::MAX_COMPONENTS;

/// Components, and the realm if one is written.
type Parts = (Vec<Vec<u8>>, Option<Vec<u8>>);

/// Splits a principal. In an enterprise name the first `@` and each `/` are ordinary.
pub(super) fn parse(text: &[u8], enterprise: bool) -> Result<Parts, NameError> {
    let quoted = quotes(text);
    let len = text.len().saturating_sub(quoted);
    if len > MAX_PRINCIPAL_LEN {
        return Err(NameError::TooLong { len });
    }
    let mut components = Vec::new();
    let mut current = Vec::new();
    let mut in_realm = false;
    let mut ats_in_name = usize::from(enterprise);
    let mut octets = text.iter().copied().enumerate();
    while let Some((offset, octet)) = octets.next() {
        match octet {
            b'\\' => {
                let (_, escaped) = octets.next().ok_or(NameError::TrailingBackslash)?;
                current.push(unescape(escaped));
            }
            b'/' | b'@' if in_realm => return Err(NameError::SeparatorInRealm { offset }),
            b'@' if ats_in_name > 0 => {
                ats_in_name -= 1;
                current.push(octet);
            }
            b'/' if !enterprise => components.push(core::mem::take(&mut current)),
            b'@' => {
                components.push(core::mem::take(&mut current));
                in_realm = true;
            }
            _ => current.push(octet),
        }
    }
    let realm = if in_realm {
        Some(current)
    } else {
        components.push(current);
        None
    };
    if components.len() > MAX_COMPONENTS {
        return Err(NameError::TooManyComponents);
    }
    Ok((components, realm))
}

/// How many octets of the text are backslashes that quote the next one. They do not count towards the limit: what was
/// parsed must be parsed again after it was written, and writing may quote each octet.
fn quotes(text: &[u8]) -> usize {
    let mut octets = text.iter();
    let mut quotes = 0_usize;
    while let Some(octet) = octets.next() {
        if *octet == b'\\' {
            quotes = quotes.saturating_add(1);
            octets.next();
        }
    }
    quotes
}

fn unescape(octet: u8) -> u8 {
    match octet {
        b'n' => b'\n',
        b't' => b'\t',
        b'b' => 0x08,
        b'0' => 0,
        octet => octet,
    }
}

/// Writes a principal so that [`parse`] reads it again.
pub(super) fn unparse(name: &Name, realm: Option<&Realm>) -> Vec<u8> {
    let mut text = Vec::new();
    for (index, component) in name.components.iter().enumerate() {
        if index > 0 {
            text.push(b'/');
        }
        component.iter().for_each(|octet| escape(*octet, &mut text));
    }
    if let Some(realm) = realm {
        text.push(b'@');
        realm
            .as_bytes()
            .iter()
            .for_each(|octet| escape(*octet, &mut text));
    }
    text
}

fn escape(octet: u8, text: &mut Vec<u8>) {
    let letter = match octet {
        b'/' | b'@' | b'\\' => octet,
        b'\n' => b'n',
        b'\t' => b't',
        0x08 => b'b',
        0 => b'0',
        octet => return text.push(octet),
    };
    text.extend_from_slice(&[b'\\', letter]);
}
