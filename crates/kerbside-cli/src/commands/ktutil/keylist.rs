//! The list of keys.

use std::ffi::OsStr;
use std::fmt::Write as _;

use kerbside_client::{Error, FileFault, KeytabFault, KeytabName, read_keytab, update_keytab};
use kerbside_formats::keytab::{KeytabEntry, KeytabKey};
use zeroize::Zeroizing;

use super::Refused;
use crate::diagnosis::{Doing, explain};
use crate::output::{escape, timestamp};

/// The keys of a session, in slots counted from 1.
#[derive(Debug, Default)]
pub(super) struct KeyList {
    entries: Vec<KeytabEntry>,
}

/// What a listing shows beside version number and principal.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Columns {
    timestamps: bool,
    keys: bool,
    enctypes: bool,
}

/// The options of `list`.
pub(super) fn columns(request: &str, words: &[String]) -> Result<Columns, Refused> {
    let mut columns = Columns::default();
    for word in words {
        match word.as_str() {
            "-t" => columns.timestamps = true,
            "-k" => columns.keys = true,
            "-e" => columns.enctypes = true,
            _ => {
                return Err(Refused::line(format!(
                    "{request}: usage: {request} [-t] [-k] [-e]"
                )));
            }
        }
    }
    Ok(columns)
}

impl KeyList {
    pub(super) fn clear(&mut self) {
        self.entries.clear();
    }

    pub(super) fn add(&mut self, entry: KeytabEntry) {
        self.entries.push(entry);
    }

    pub(super) fn delete(&mut self, request: &str, slot: &str) -> Result<(), Refused> {
        let index = slot.parse::<usize>().ok().and_then(|slot| slot.checked_sub(1));
        match index.filter(|index| *index < self.entries.len()) {
            Some(index) => {
                self.entries.remove(index);
                Ok(())
            }
            None => Err(Refused::line(format!(
                "{request}: Invalid argument while deleting entry {slot}"
            ))),
        }
    }

    /// Adds all keys of a keytab.
    pub(super) fn read(&mut self, name: &str) -> Result<(), Refused> {
        let keytab = KeytabName::parse(OsStr::new(name));
        let doing = Doing::new(format!("while reading keytab \"{name}\""));
        let opened = read_keytab(&keytab).map_err(|error| explain_keytab(&error, &doing))?;
        for warning in &opened.warnings {
            eprintln!(
                "ktutil: warning: keytab {}: {warning}",
                escape(&keytab.to_string())
            );
        }
        self.entries.extend(opened.keytab.entries().cloned());
        Ok(())
    }

    /// Adds all keys to a keytab, which is made when there is none. An empty list makes none, as with MIT.
    pub(super) fn write(&self, name: &str) -> Result<(), Refused> {
        if self.entries.is_empty() {
            return Ok(());
        }
        let keytab = KeytabName::parse(OsStr::new(name));
        let doing = Doing::new(format!("while writing keytab \"{name}\""));
        let written = update_keytab(&keytab, |keytab| {
            for entry in &self.entries {
                keytab.add(entry.clone());
            }
        });
        written.map_err(|error| explain_keytab(&error, &doing))
    }

    /// In MIT's columns. Keys are shown because they were asked for.
    pub(super) fn listing(&self, columns: Columns) -> Zeroizing<String> {
        // Reserved at once: a growing string leaves copies of keys behind.
        let mut text = Zeroizing::new(String::with_capacity(256 + self.entries.len() * 1024));
        text.push_str(if columns.timestamps {
            "slot KVNO Timestamp         Principal\n\
             ---- ---- ----------------- ---------------------------------------------------\n"
        } else {
            "slot KVNO Principal\n\
             ---- ---- ---------------------------------------------------------------------\n"
        });
        for (index, entry) in self.entries.iter().enumerate() {
            // Writing to a String cannot fail.
            let _ = write!(text, "{:4} {:4} ", index + 1, entry.kvno);
            if columns.timestamps {
                let _ = write!(text, "{} ", timestamp(i64::from(entry.timestamp)));
            }
            let _ = write!(text, "{:>40}", escape(&entry.principal.to_string()));
            if columns.enctypes {
                let _ = write!(text, " ({}) ", entry.enctype());
            }
            if columns.keys {
                text.push_str(" (0x");
                let key = match &entry.key {
                    KeytabKey::Key(key) => key.expose_secret(),
                    KeytabKey::Other { bytes, .. } => bytes,
                };
                for byte in key {
                    let _ = write!(text, "{byte:02x}");
                }
                text.push(')');
            }
            text.push('\n');
        }
        text
    }
}

/// MIT's ktutil names the file at the end of the message, so that what is missing is said in fewer words here.
fn explain_keytab(error: &Error, doing: &Doing<'_>) -> Refused {
    match error {
        Error::Keytab {
            fault: KeytabFault::File(FileFault::NotFound),
            ..
        } => crate::output::Report::new(format!("No such file or directory {}", doing.what)).into(),
        other => explain(other, doing).into(),
    }
}
