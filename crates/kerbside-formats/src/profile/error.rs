//! What can be wrong with a profile, always with file and line.

use alloc::string::String;
use core::fmt;

/// A configuration file that cannot be used: which file, which line, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct ProfileError {
    /// The file's name as given by the caller or by the `include` directive.
    pub file: String,
    /// Line number, counted from 1; 0 when the file as a whole is meant.
    pub line: usize,
    /// What was wrong there.
    pub reason: ProfileErrorReason,
}

impl ProfileError {
    pub(crate) fn new(file: &str, line: usize, reason: ProfileErrorReason) -> Self {
        Self {
            file: file.into(),
            line,
            reason,
        }
    }
}

/// The reason inside a [`ProfileError`].
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum ProfileErrorReason {
    /// The file is longer than [`MAX_PROFILE_LEN`](super::MAX_PROFILE_LEN).
    TooLong {
        /// Its length in bytes.
        len: usize,
    },
    /// A line that counts is not UTF-8.
    NotUtf8,
    /// A `[section]` header that is not one.
    SectionSyntax {
        /// The line as found.
        found: String,
    },
    /// A `[section]` header while a brace is still open.
    SectionInsideBraces {
        /// The header's line.
        found: String,
        /// The subsection that is open.
        open: String,
        /// The line that opened it.
        open_line: usize,
    },
    /// Neither a header, nor a relation, nor a brace.
    RelationSyntax {
        /// The line as found.
        found: String,
    },
    /// A closing brace that closes nothing.
    ExtraBrace,
    /// Something behind a brace on the same line.
    AfterBrace {
        /// What stands there.
        found: String,
    },
    /// `name =` without a value and without `{` on the next line.
    MissingBrace {
        /// The relation's name.
        name: String,
        /// What stands on the next line instead (empty at the end of the file).
        found: String,
    },
    /// The file ends inside a subsection; the line is the one that opened it.
    UnclosedBrace {
        /// The subsection's name.
        name: String,
    },
    /// Braces nested deeper than [`MAX_DEPTH`](super::MAX_DEPTH).
    TooDeep,
    /// `include` and `includedir` nested deeper than [`MAX_INCLUDE_DEPTH`](super::MAX_INCLUDE_DEPTH).
    IncludeTooDeep,
    /// More than [`MAX_INCLUDES`](super::MAX_INCLUDES) files.
    TooManyIncludes,
    /// An included file or directory that the caller could not read.
    Include {
        /// The path written in the file.
        path: String,
        /// The loader's words.
        cause: String,
    },
    /// A `module` directive, which needs a shared library.
    Module {
        /// The module's path and argument.
        module: String,
    },
    /// A value that is not of the kind its relation asks for.
    Value {
        /// The relation's name.
        relation: String,
        /// What it should have been.
        expected: &'static str,
        /// The value as written.
        found: String,
    },
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.line == 0 {
            write!(f, "{}: {}", self.file, self.reason)
        } else {
            write!(f, "{} line {}: {}", self.file, self.line, self.reason)
        }
    }
}

impl fmt::Display for ProfileErrorReason {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::TooLong { len } => {
                write!(
                    f,
                    "expected at most {} bytes, but found {len}",
                    super::MAX_PROFILE_LEN
                )
            }
            Self::NotUtf8 => write!(f, "expected UTF-8 text, but found other bytes"),
            Self::SectionSyntax { found } => {
                write!(
                    f,
                    "expected a section header like [libdefaults], but found {found:?}"
                )
            }
            Self::SectionInsideBraces {
                found,
                open,
                open_line,
            } => write!(
                f,
                "expected a closing brace for {open:?} of line {open_line}, but found the section {found:?}"
            ),
            Self::RelationSyntax { found } => {
                write!(f, "expected a relation like name = value, but found {found:?}")
            }
            Self::ExtraBrace => write!(
                f,
                "expected a relation or a section, but found a closing brace too many"
            ),
            Self::AfterBrace { found } => {
                write!(
                    f,
                    "expected the end of the line after the brace, but found {found:?}"
                )
            }
            Self::MissingBrace { name, found } if found.is_empty() => {
                write!(
                    f,
                    "expected an opening brace or a value for {name:?}, but found nothing (an empty value is written \"\")"
                )
            }
            Self::MissingBrace { name, found } => {
                write!(
                    f,
                    "expected an opening brace for {name:?}, but found {found:?} (an empty value is written \"\")"
                )
            }
            Self::UnclosedBrace { name } => {
                write!(
                    f,
                    "expected a closing brace for {name:?}, but found the end of the file"
                )
            }
            Self::TooDeep => write!(
                f,
                "expected at most {} nested braces, but found more",
                super::MAX_DEPTH
            ),
            Self::IncludeTooDeep => {
                write!(
                    f,
                    "expected at most {} nested includes, but found more",
                    super::MAX_INCLUDE_DEPTH
                )
            }
            Self::TooManyIncludes => {
                write!(
                    f,
                    "expected at most {} included files, but found more",
                    super::MAX_INCLUDES
                )
            }
            Self::Include { path, cause } => write!(f, "cannot include {path:?}: {cause}"),
            Self::Module { module } => {
                write!(
                    f,
                    "profile modules are not supported, but found module {module:?}"
                )
            }
            Self::Value {
                relation,
                expected,
                found,
            } => {
                write!(f, "{relation}: expected {expected}, but found {found:?}")
            }
        }
    }
}

impl core::error::Error for ProfileError {}
