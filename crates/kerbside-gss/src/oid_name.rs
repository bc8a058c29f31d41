//! Names of mechanisms for messages.

use alloc::format;
use alloc::string::{String, ToString};

use kerbside_asn1::{ObjectIdentifier, oids};

/// The name of a mechanism, with its object identifier behind it; the number alone where there is none.
pub(crate) fn oid_name(oid: &ObjectIdentifier) -> String {
    match oids::mechanism_name(oid) {
        Some(name) => format!("{name} ({oid})"),
        None => oid.to_string(),
    }
}
