//! Included files: the caller reads them, this decides which, in what order and how deep.

use alloc::string::{String, ToString};
use alloc::vec::Vec;

use super::parse::{Item, ParsedFile, parse_file};
use super::{MAX_INCLUDE_DEPTH, MAX_INCLUDES, ProfileError, ProfileErrorReason as Reason};

/// Reads what `include` and `includedir` name. This crate opens no file.
pub trait Loader {
    /// The bytes of the file at `path`.
    ///
    /// # Errors
    /// A few words on why it cannot be read; they become part of the [`ProfileError`].
    fn file(&mut self, path: &str) -> Result<Vec<u8>, String>;

    /// Names (without directory) of the files in the directory at `path`, in any order; those that
    /// [`is_included_name`] refuses are left out by the caller of this method.
    ///
    /// # Errors
    /// A few words on why it cannot be read.
    fn directory(&mut self, path: &str) -> Result<Vec<String>, String>;
}

/// Refuses every include: for text that must stand alone.
#[derive(Debug, Clone, Copy, Default)]
pub struct NoIncludes;

impl Loader for NoIncludes {
    fn file(&mut self, _: &str) -> Result<Vec<u8>, String> {
        Err("includes are not allowed here".into())
    }

    fn directory(&mut self, _: &str) -> Result<Vec<String>, String> {
        Err("includes are not allowed here".into())
    }
}

/// Whether a file of this name inside an included directory is read: only letters, digits, dash and
/// underscore, or a name that ends in `.conf` and does not begin with a dot.
pub fn is_included_name(name: &str) -> bool {
    if name.is_empty() {
        return false;
    }
    name.bytes()
        .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_'))
        || (!name.starts_with('.') && name.ends_with(".conf"))
}

pub(crate) fn resolve(file: &mut ParsedFile, loader: &mut dyn Loader) -> Result<(), ProfileError> {
    let mut walk = Walk { loader, included: 0 };
    let name = file.name.clone();
    walk.items(&mut file.items, &name, 0)
}

struct Walk<'a> {
    loader: &'a mut dyn Loader,
    included: usize,
}

impl Walk<'_> {
    fn items(&mut self, items: &mut [Item], file: &str, depth: usize) -> Result<(), ProfileError> {
        for item in items {
            match item {
                Item::Relation { .. } => {}
                Item::Section { items, .. } => self.items(items, file, depth)?,
                Item::Module { module, line } => {
                    return Err(ProfileError::new(
                        file,
                        *line,
                        Reason::Module {
                            module: module.clone(),
                        },
                    ));
                }
                Item::Include {
                    path,
                    is_directory,
                    line,
                    files,
                } => {
                    let at = |reason| ProfileError::new(file, *line, reason);
                    if depth >= MAX_INCLUDE_DEPTH {
                        return Err(at(Reason::IncludeTooDeep));
                    }
                    let refused = |cause: String| {
                        at(Reason::Include {
                            path: path.clone(),
                            cause,
                        })
                    };
                    for name in self.names(path, *is_directory).map_err(&refused)? {
                        self.included = self.included.saturating_add(1);
                        if self.included > MAX_INCLUDES {
                            return Err(at(Reason::TooManyIncludes));
                        }
                        let text = self.loader.file(&name).map_err(&refused)?;
                        let mut items = parse_file(&text, &name)?;
                        self.items(&mut items, &name, depth.saturating_add(1))?;
                        files.push(ParsedFile { name, items });
                    }
                }
            }
        }
        Ok(())
    }

    fn names(&mut self, path: &str, is_directory: bool) -> Result<Vec<String>, String> {
        if !is_directory {
            return Ok(Vec::from([path.to_string()]));
        }
        let mut names = self.loader.directory(path)?;
        names.retain(|name| is_included_name(name));
        names.sort_unstable();
        let directory = path.trim_end_matches('/');
        Ok(names
            .iter()
            .map(|name| alloc::format!("{directory}/{name}"))
            .collect())
    }
}
