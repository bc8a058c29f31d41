//! The realms a ticket came through, out of their short form (DOMAIN-X500-COMPRESS, RFC 4120 3.3.3.2).

use alloc::vec::Vec;
use core::fmt;

use kerbside_asn1::Realm;

/// The longest field that is read, in bytes.
pub const MAX_TRANSITED_LEN: usize = 16 * 1024;
/// The most realms that one field may stand for.
pub const MAX_REALMS: usize = 256;
/// The longest realm that may come out, in bytes.
const MAX_REALM_LEN: usize = 1024;

/// A transited field that is refused.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum TransitedError {
    /// The field is longer than [`MAX_TRANSITED_LEN`], or stands for more than a ticket could have passed.
    TooLong,
    /// A backslash with nothing behind it.
    Escape,
    /// A realm that is to be put before another, and there is no other.
    NothingBefore,
    /// "All between" two realms of which neither is above the other.
    NoPath {
        /// The first.
        from: Realm,
        /// The second.
        to: Realm,
    },
}

impl fmt::Display for TransitedError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong => write!(
                f,
                "transited realms: expected at most {MAX_REALMS}, but found more"
            ),
            Self::Escape => write!(
                f,
                "transited realms: expected a character after the backslash, but found none"
            ),
            Self::NothingBefore => write!(
                f,
                "transited realms: expected a realm before one that ends in a dot, but found none"
            ),
            Self::NoPath { from, to } => write!(
                f,
                "transited realms: expected one of {from} and {to} above the other, but found neither"
            ),
        }
    }
}

impl core::error::Error for TransitedError {}

/// One subfield with its quoting undone.
#[derive(Default)]
struct Subfield {
    text: Vec<u8>,
    /// It began with a blank: a realm that begins with a slash stands by itself.
    is_alone: bool,
    /// The last byte was quoted, so that a dot there is no sign.
    ends_quoted: bool,
}

fn subfields(field: &[u8]) -> Result<Vec<Subfield>, TransitedError> {
    let mut all = Vec::new();
    let mut current = Subfield::default();
    let mut bytes = field.iter();
    while let Some(byte) = bytes.next() {
        match byte {
            b',' => all.push(core::mem::take(&mut current)),
            b' ' if current.text.is_empty() && !current.is_alone => current.is_alone = true,
            b'\\' => {
                current.text.push(*bytes.next().ok_or(TransitedError::Escape)?);
                current.ends_quoted = true;
            }
            other => {
                current.text.push(*other);
                current.ends_quoted = false;
            }
        }
    }
    all.push(current);
    Ok(all)
}

/// The realms between the client's and the server's that `field` names, neither end included. A realm may
/// come twice when the field says it twice.
///
/// # Errors
/// A field that has no meaning, or more than a ticket could have passed.
pub fn expand(field: &[u8], client: &Realm, server: &Realm) -> Result<Vec<Realm>, TransitedError> {
    if field.len() > MAX_TRANSITED_LEN {
        return Err(TransitedError::TooLong);
    }
    let mut realms: Vec<Realm> = Vec::new();
    if field.is_empty() {
        return Ok(realms);
    }
    let mut previous: Vec<u8> = Vec::new();
    let mut all_between = false;
    for subfield in subfields(field)? {
        if subfield.text.is_empty() {
            all_between = true;
            continue;
        }
        let realm = joined(subfield, &previous)?;
        if all_between {
            let from = if previous.is_empty() {
                client.as_bytes()
            } else {
                &previous
            };
            between(from, &realm, &mut realms)?;
        }
        add(&mut realms, &realm)?;
        all_between = false;
        previous = realm;
    }
    if all_between {
        let from = if previous.is_empty() {
            client.as_bytes()
        } else {
            &previous
        };
        between(from, server.as_bytes(), &mut realms)?;
    }
    Ok(realms)
}

fn add(realms: &mut Vec<Realm>, realm: &[u8]) -> Result<(), TransitedError> {
    if realms.len() >= MAX_REALMS || realm.len() > MAX_REALM_LEN {
        return Err(TransitedError::TooLong);
    }
    realms.push(Realm::new(realm));
    Ok(())
}

fn joined(subfield: Subfield, previous: &[u8]) -> Result<Vec<u8>, TransitedError> {
    let mut text = subfield.text;
    if text.starts_with(b"/") && !subfield.is_alone {
        let mut realm = Vec::from(previous);
        realm.append(&mut text);
        return Ok(realm);
    }
    if text.ends_with(b".") && !subfield.ends_quoted {
        if previous.is_empty() {
            return Err(TransitedError::NothingBefore);
        }
        text.extend_from_slice(previous);
    }
    Ok(text)
}

/// What lies between two realms of one hierarchy, from the upper to the lower.
fn between(from: &[u8], to: &[u8], realms: &mut Vec<Realm>) -> Result<(), TransitedError> {
    let (upper, lower) = if from.len() <= to.len() {
        (from, to)
    } else {
        (to, from)
    };
    let no_path = || TransitedError::NoPath {
        from: Realm::new(from),
        to: Realm::new(to),
    };
    if upper == lower {
        return Ok(());
    }
    if lower.starts_with(b"/") {
        let below = lower.strip_prefix(upper).filter(|below| below.starts_with(b"/"));
        let below = below.filter(|_| !upper.is_empty()).ok_or_else(no_path)?;
        // Each slash but the first ends a realm between.
        for (at, _) in below
            .iter()
            .enumerate()
            .skip(1)
            .filter(|(_, byte)| **byte == b'/')
        {
            let end = upper.len().saturating_add(at);
            add(realms, lower.get(..end).unwrap_or_default())?;
        }
        return Ok(());
    }
    let below = lower.strip_suffix(upper).filter(|below| below.ends_with(b"."));
    let below = below.filter(|_| !upper.is_empty()).ok_or_else(no_path)?;
    // Each dot but the last begins a realm between.
    let last = below.len().saturating_sub(1);
    for (at, _) in below
        .iter()
        .enumerate()
        .filter(|(at, byte)| **byte == b'.' && *at < last)
    {
        add(realms, lower.get(at.saturating_add(1)..).unwrap_or_default())?;
    }
    Ok(())
}
