//! The listing of a keytab, in MIT's columns.

use std::fmt::Write as _;

use kerbside_formats::keytab::{Keytab, KeytabKey};

use super::Arguments;
use crate::output::{escape, etype_name, timestamp};

pub(super) fn listing(keytab: &Keytab, arguments: &Arguments) -> String {
    let mut text = String::new();
    if arguments.timestamps {
        text.push_str("KVNO Timestamp         Principal\n");
        text.push_str("---- ----------------- --------------------------------------------------------\n");
    } else {
        text.push_str("KVNO Principal\n");
        text.push_str("---- --------------------------------------------------------------------------\n");
    }
    for entry in keytab.entries() {
        // Writing to a String cannot fail.
        let _ = write!(text, "{:4} ", entry.kvno);
        if arguments.timestamps {
            let _ = write!(text, "{} ", timestamp(i64::from(entry.timestamp)));
        }
        text.push_str(&escape(&entry.principal.to_string()));
        if arguments.etypes {
            let _ = write!(text, " ({}) ", etype_name(entry.enctype()));
        }
        if arguments.keys {
            text.push_str(" (0x");
            for byte in secret(&entry.key) {
                let _ = write!(text, "{byte:02x}");
            }
            text.push(')');
        }
        text.push('\n');
    }
    text
}

/// The bytes that `-K` shows because they were asked for.
fn secret(key: &KeytabKey) -> &[u8] {
    match key {
        KeytabKey::Key(key) => key.expose_secret(),
        KeytabKey::Other { bytes, .. } => bytes,
    }
}
