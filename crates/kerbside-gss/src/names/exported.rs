//! Exported names (RFC 2743 section 3.2): what access control lists hold.

use alloc::borrow::ToOwned;
use alloc::vec::Vec;

use kerbside_asn1::limits::MAX_PRINCIPAL_LEN;
use kerbside_asn1::{ObjectIdentifier, Principal, decode, oids};

use super::{GssName, GssNameError, KerberosName};

/// Of a name without attributes; with them (RFC 6680) it is `04 02`.
const TOKEN_ID: [u8; 2] = [0x04, 0x01];
const COMPOSITE_ID: [u8; 2] = [0x04, 0x02];
const OID_TAG: u8 = 0x06;

/// Longest name in a token: each octet of a principal may be quoted.
const MAX_NAME_LEN: usize = 2 * MAX_PRINCIPAL_LEN;

/// The exported name of a principal, such as the one in a context's facts: equal for equal principals.
#[must_use]
pub fn export_principal(principal: &Principal) -> Vec<u8> {
    write(&oids::KRB5, &principal.unparse())
}

pub(super) fn write(mechanism: &ObjectIdentifier, name: &[u8]) -> Vec<u8> {
    // An object identifier has at most 39 octets here, and a name is bounded where it was made.
    let oid = mechanism.as_bytes();
    let length = |len: usize| u32::try_from(len).unwrap_or(u32::MAX).to_be_bytes();
    let [.., oid_len] = length(oid.len());
    let mut token = Vec::with_capacity(oid.len().saturating_add(name.len()).saturating_add(10));
    token.extend_from_slice(&TOKEN_ID);
    token.extend_from_slice(&[0, oid_len.saturating_add(2), OID_TAG, oid_len]);
    token.extend_from_slice(oid);
    token.extend_from_slice(&length(name.len()));
    token.extend_from_slice(name);
    token
}

pub(super) fn parse(token: &[u8]) -> Result<GssName, GssNameError> {
    let refuse = |reason| Err(GssNameError::Exported { reason });
    let rest = match token.split_first_chunk() {
        Some((&TOKEN_ID, rest)) => rest,
        Some((&COMPOSITE_ID, _)) => return refuse("names with attributes (RFC 6680) are not supported"),
        _ => return refuse("expected the token identifier 04 01"),
    };
    let Some((oid_len, rest)) = rest.split_first_chunk() else {
        return refuse("it ends before its mechanism");
    };
    let Some((oid, rest)) = rest.split_at_checked(usize::from(u16::from_be_bytes(*oid_len))) else {
        return refuse("its mechanism is longer than it");
    };
    let Ok(mechanism) = decode::<ObjectIdentifier>(oid) else {
        return refuse("its mechanism is no object identifier");
    };
    let Some((name_len, name)) = rest.split_first_chunk() else {
        return refuse("it ends before its name");
    };
    if usize::try_from(u32::from_be_bytes(*name_len)) != Ok(name.len()) {
        return refuse("its name has another length than it says");
    }
    if name.len() > MAX_NAME_LEN {
        return refuse("its name is longer than any");
    }
    if mechanism != oids::KRB5 {
        return Ok(GssName::OtherMechanism {
            mechanism,
            name: name.to_owned(),
        });
    }
    let name = KerberosName::parse(name)?;
    // The name of a mechanism leaves nothing open.
    Ok(GssName::from(name.in_realm(None)?))
}
