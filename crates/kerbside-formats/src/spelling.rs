//! The known sections and relations of krb5.conf and kdc.conf, and slips in their names.
//!
//! A relation nobody knows is no error: other versions and other software have their own. But one that is
//! a letter or two away from a known one was meant to be that one, and does nothing.

mod distance;

use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;

use crate::kdc_conf::KDC_DEFAULTS;
use crate::kdc_conf::database::{DATABASE, DB_MODULE_DIR};
use crate::kdc_conf::logging::LOGGING;
use crate::kdc_conf::otp::OTP;
use crate::kdc_conf::realm::KDC_REALM;
use crate::krb5_conf::libdefaults::LIBDEFAULTS;
use crate::krb5_conf::realm::REALM;
use crate::krb5_conf::sections::{PLUGIN, PLUGIN_INTERFACES};
use crate::pkinit_conf::{KDC_PKINIT, PKINIT};
use crate::profile::{Item, ParsedFile, Profile};
use crate::relations::Known;

/// What may stand in a section.
struct Shape {
    /// Lists of relations; the second name restricts a list to what is read from that place.
    relations: &'static [(&'static [Known], Option<&'static str>)],
    subsections: Subsections,
}

enum Subsections {
    /// Sections of any name (realms, modules), all of one shape.
    Each(&'static Shape),
    /// Sections of these names, all of one shape.
    Named(&'static [&'static str], &'static Shape),
    /// What stands here has names of its own.
    Free,
}

const FREE: Shape = Shape {
    relations: &[],
    subsections: Subsections::Free,
};

const LIBDEFAULTS_OF_REALM: Shape = Shape {
    relations: &[(LIBDEFAULTS, None), (PKINIT, None)],
    subsections: Subsections::Free,
};

const ONE_REALM: Shape = Shape {
    relations: &[
        (REALM, None),
        (KDC_REALM, None),
        (PKINIT, None),
        (KDC_PKINIT, None),
    ],
    subsections: Subsections::Named(&["auth_to_local_names", "v4_instance_convert"], &FREE),
};

const fn each(shape: &'static Shape) -> Shape {
    Shape {
        relations: &[],
        subsections: Subsections::Each(shape),
    }
}

const SECTIONS: &[(&str, Shape)] = &[
    (
        "libdefaults",
        Shape {
            relations: LIBDEFAULTS_OF_REALM.relations,
            subsections: Subsections::Each(&LIBDEFAULTS_OF_REALM),
        },
    ),
    ("realms", each(&ONE_REALM)),
    ("domain_realm", FREE),
    ("capaths", FREE),
    ("appdefaults", FREE),
    (
        "plugins",
        Shape {
            relations: &[],
            subsections: Subsections::Named(
                PLUGIN_INTERFACES,
                &Shape {
                    relations: &[(PLUGIN, None)],
                    subsections: Subsections::Free,
                },
            ),
        },
    ),
    (
        "kdcdefaults",
        Shape {
            relations: &[(KDC_DEFAULTS, None), (KDC_REALM, Some("any")), (KDC_PKINIT, None)],
            subsections: Subsections::Free,
        },
    ),
    (
        "dbdefaults",
        Shape {
            relations: &[(DATABASE, Some("any"))],
            subsections: Subsections::Free,
        },
    ),
    (
        "dbmodules",
        Shape {
            relations: &[(&[(DB_MODULE_DIR, "")], None)],
            subsections: Subsections::Each(&Shape {
                relations: &[(DATABASE, None)],
                subsections: Subsections::Free,
            }),
        },
    ),
    (
        "logging",
        Shape {
            relations: &[(LOGGING, None)],
            subsections: Subsections::Free,
        },
    ),
    (
        "otp",
        each(&Shape {
            relations: &[(OTP, None)],
            subsections: Subsections::Free,
        }),
    ),
];

impl Shape {
    fn names(&self) -> impl Iterator<Item = &'static str> {
        let known = self.relations.iter().flat_map(|(list, place)| {
            list.iter()
                .filter(move |(_, from)| place.is_none_or(|place| place == *from))
        });
        known.map(|(name, _)| *name)
    }

    /// Names of subsections where only those are known.
    fn section_names(&self) -> &'static [&'static str] {
        match self.subsections {
            Subsections::Named(names, _) => names,
            Subsections::Each(_) | Subsections::Free => &[],
        }
    }

    /// Whether any relation's name is as good as another here.
    fn is_free(&self) -> bool {
        self.relations.is_empty() && matches!(self.subsections, Subsections::Free)
    }
}

/// The sections that krb5.conf and kdc.conf may have.
pub fn known_sections() -> impl Iterator<Item = &'static str> {
    SECTIONS.iter().map(|(name, _)| *name)
}

/// The relations that may stand in a section, or in its subsections (of a realm, a database, a plugin
/// interface, a token type). Empty where any name is one.
pub fn known_relations(section: &str) -> Vec<&'static str> {
    let Some((_, shape)) = SECTIONS.iter().find(|(name, _)| *name == section) else {
        return Vec::new();
    };
    let mut names: Vec<&'static str> = shape.names().collect();
    if let Subsections::Each(inner) | Subsections::Named(_, inner) = shape.subsections {
        names.extend(inner.names());
        names.extend(inner.section_names());
    }
    names.sort_unstable();
    names.dedup();
    names
}

/// A section or relation with a name that is not known.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unknown {
    /// Sections from the outermost, without brackets; empty for a section of the file.
    pub path: Vec<String>,
    /// The name.
    pub name: String,
    /// Whether it is a section.
    pub is_section: bool,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on.
    pub line: usize,
    /// The known name it looks like, if any.
    pub nearest: Option<&'static str>,
}

/// A name that is near to a known one and not it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Misspelling {
    /// Sections from the outermost, without brackets; empty for a section of the file.
    pub path: Vec<String>,
    /// The name as written.
    pub found: String,
    /// Whether it is a section.
    pub is_section: bool,
    /// The name that was probably meant.
    pub nearest: &'static str,
    /// The file it stands in.
    pub file: String,
    /// The line it stands on.
    pub line: usize,
}

impl fmt::Display for Misspelling {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} line {}: ", self.file, self.line)?;
        let (found, nearest) = (&self.found, self.nearest);
        match self.path.split_first() {
            None => write!(f, "[{found}] is not a known section; did you mean [{nearest}]?"),
            Some((section, subsections)) => {
                write!(f, "{found} is not a known ")?;
                f.write_str(if self.is_section { "subsection" } else { "relation" })?;
                write!(f, " of [{section}]")?;
                for subsection in subsections {
                    write!(f, " {subsection}")?;
                }
                write!(f, "; did you mean {nearest}?")
            }
        }
    }
}

/// Everything in `profile` that no document of MIT's names, in the order of the files.
pub fn unknown(profile: &Profile) -> Vec<Unknown> {
    let mut walk = Walk { found: Vec::new() };
    profile.files().iter().for_each(|file| walk.file(file));
    walk.found
}

/// Names that look like slips of known ones, in the order of the files.
pub fn misspellings(profile: &Profile) -> Vec<Misspelling> {
    let slips = unknown(profile).into_iter().filter_map(|unknown| {
        Some(Misspelling {
            nearest: unknown.nearest?,
            path: unknown.path,
            found: unknown.name,
            is_section: unknown.is_section,
            file: unknown.file,
            line: unknown.line,
        })
    });
    slips.collect()
}

struct Walk {
    found: Vec<Unknown>,
}

// Recursion is bounded: files by MAX_INCLUDE_DEPTH, sections by the shapes, which are three levels deep.
impl Walk {
    fn file(&mut self, file: &ParsedFile) {
        for item in &file.items {
            match item {
                Item::Section {
                    name, line, items, ..
                } => match SECTIONS.iter().find(|(known, _)| known == name) {
                    Some((_, shape)) => self.items(shape, &[name], items, file),
                    None => {
                        self.note(&[], name, true, (file, *line), &mut known_sections());
                        self.included(items);
                    }
                },
                Item::Include { files, .. } => files.iter().for_each(|file| self.file(file)),
                Item::Relation { .. } | Item::Module { .. } => {}
            }
        }
    }

    fn items(&mut self, shape: &'static Shape, path: &[&str], items: &[Item], file: &ParsedFile) {
        for item in items {
            match item {
                Item::Relation { name, line, .. } => {
                    if !shape.is_free() && !shape.names().any(|known| known == name) {
                        self.note(path, name, false, (file, *line), &mut shape.names());
                    }
                }
                Item::Section {
                    name, line, items, ..
                } => {
                    let inner = match shape.subsections {
                        Subsections::Each(inner) => Some(inner),
                        Subsections::Named(names, inner) if names.contains(&name.as_str()) => Some(inner),
                        Subsections::Named(names, _) => {
                            self.note(path, name, true, (file, *line), &mut names.iter().copied());
                            None
                        }
                        Subsections::Free => None,
                    };
                    match inner {
                        Some(inner) => {
                            let mut path = Vec::from(path);
                            path.push(name);
                            self.items(inner, &path, items, file);
                        }
                        None => self.included(items),
                    }
                }
                Item::Include { files, .. } => files.iter().for_each(|file| self.file(file)),
                Item::Module { .. } => {}
            }
        }
    }

    /// Inside what is not known only the included files count, since they begin anew.
    fn included(&mut self, items: &[Item]) {
        for item in items {
            match item {
                Item::Include { files, .. } => files.iter().for_each(|file| self.file(file)),
                Item::Section { items, .. } => self.included(items),
                Item::Relation { .. } | Item::Module { .. } => {}
            }
        }
    }

    fn note(
        &mut self,
        path: &[&str],
        name: &str,
        is_section: bool,
        (file, line): (&ParsedFile, usize),
        known: &mut dyn Iterator<Item = &'static str>,
    ) {
        self.found.push(Unknown {
            path: path.iter().map(ToString::to_string).collect(),
            name: name.to_string(),
            is_section,
            file: file.name.clone(),
            line,
            nearest: distance::nearest(name, known),
        });
    }
}
