//! MIT's profile grammar: the syntax of krb5.conf and kdc.conf.
//!
//! ```text
//! # comment, at the start of a line only
//! [section]
//!     name = value
//!     name = "quoted \n value"
//!     subsection = {
//!         name* = value        (final: later values of this name do not count)
//!     }
//! include /absolute/path
//! ```
//!
//! A [`Profile`] is one or more files in order of precedence. Within a file and across files, sections
//! of one name are one section, and a relation may have several values: the first is *the* value.
//! Every relation is kept, known or not. Nothing is read here: included files come from a [`Loader`].
//! Shape and rules: MIT krb5.conf(5), "Structure".
//!
//! Stricter than MIT in two points, because both are slips that silently lose a realm: a file that
//! ends inside a brace is refused, and so is text behind a brace on its line.

mod error;
mod loader;
mod parse;
mod tree;
mod value;

use alloc::string::{String, ToString};
use alloc::vec::Vec;

pub use error::{ProfileError, ProfileErrorReason};
pub use loader::{Loader, NoIncludes, is_included_name};
pub use parse::{Item, ParsedFile};
pub use tree::{Relation, Section};
pub use value::parse_boolean;

pub(crate) use parse::is_space;
use tree::Tree;

/// The longest file that is read, in bytes.
pub const MAX_PROFILE_LEN: usize = 4 * 1024 * 1024;
/// How deep braces may nest.
pub const MAX_DEPTH: usize = 32;
/// How deep files may include each other.
pub const MAX_INCLUDE_DEPTH: usize = 10;
/// How many files may be included in all.
pub const MAX_INCLUDES: usize = 1000;

/// One or more configuration files put together.
#[derive(Debug, Clone, Default)]
pub struct Profile {
    files: Vec<ParsedFile>,
    tree: Tree,
}

impl Profile {
    /// Parses one file that includes no other; `name` is used in errors.
    ///
    /// # Errors
    /// Syntax errors with their line; `include` and `module` directives are refused.
    pub fn parse(text: impl AsRef<[u8]>, name: &str) -> Result<Self, ProfileError> {
        Self::parse_with(text, name, &mut NoIncludes)
    }

    /// Parses one file and what it includes.
    ///
    /// # Errors
    /// Syntax errors with file and line, what the loader refused, and includes nested too deep.
    pub fn parse_with(
        text: impl AsRef<[u8]>,
        name: &str,
        loader: &mut dyn Loader,
    ) -> Result<Self, ProfileError> {
        let items = parse::parse_file(text.as_ref(), name)?;
        let mut file = ParsedFile {
            name: name.to_string(),
            items,
        };
        loader::resolve(&mut file, loader)?;
        Ok(Self::merge([Self {
            files: Vec::from([file]),
            tree: Tree::default(),
        }]))
    }

    /// Several profiles as one, the first with the highest precedence (`KRB5_CONFIG=a:b`, or kdc.conf
    /// before krb5.conf).
    pub fn merge(profiles: impl IntoIterator<Item = Self>) -> Self {
        let files: Vec<ParsedFile> = profiles.into_iter().flat_map(|profile| profile.files).collect();
        let tree = Tree::build(&files);
        Self { files, tree }
    }

    /// The files as they were written.
    pub fn files(&self) -> &[ParsedFile] {
        &self.files
    }

    /// The first value at `path`, which is section, subsections, relation.
    pub fn get(&self, path: &[&str]) -> Option<&str> {
        self.relation(path).map(|relation| relation.value)
    }

    /// The first relation at `path` with the place it comes from.
    pub fn relation(&self, path: &[&str]) -> Option<Relation<'_>> {
        let (name, sections) = path.split_last()?;
        self.section(sections)?.relation(name)
    }

    /// All values at `path` in order of precedence.
    pub fn get_all(&self, path: &[&str]) -> Vec<&str> {
        let Some((name, sections)) = path.split_last() else {
            return Vec::new();
        };
        match self.section(sections) {
            Some(section) => section.values(name).map(|relation| relation.value).collect(),
            None => Vec::new(),
        }
    }

    /// The section at `path`; the empty path is the whole profile.
    pub fn section(&self, path: &[&str]) -> Option<Section<'_>> {
        path.iter()
            .try_fold(self.tree.root(), |section, name| section.section(name))
    }

    /// A boolean at `path`.
    ///
    /// # Errors
    /// A value that is none of MIT's words for yes or no.
    pub fn get_bool(&self, path: &[&str]) -> Result<Option<bool>, ProfileError> {
        self.relation(path).map(|relation| relation.to_bool()).transpose()
    }

    /// An integer at `path`, as C's `strtol` with base 0 reads it (decimal, `0x`, leading `0` octal).
    ///
    /// # Errors
    /// A value that is no integer.
    pub fn get_integer(&self, path: &[&str]) -> Result<Option<i64>, ProfileError> {
        self.relation(path)
            .map(|relation| relation.to_integer())
            .transpose()
    }

    /// A duration at `path`, in seconds.
    ///
    /// # Errors
    /// A value that is no duration.
    pub fn get_duration(&self, path: &[&str]) -> Result<Option<i64>, ProfileError> {
        self.relation(path)
            .map(|relation| relation.to_duration())
            .transpose()
    }

    /// A string at `path`, owned.
    pub fn get_string(&self, path: &[&str]) -> Option<String> {
        self.get(path).map(ToString::to_string)
    }
}
