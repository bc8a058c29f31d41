//! Lines to items: MIT's profile grammar, one file at a time, nothing merged.

use alloc::string::String;
use alloc::vec::Vec;

use super::{MAX_DEPTH, MAX_PROFILE_LEN, ProfileError, ProfileErrorReason as Reason};

/// One file as it was written: its items in order, included files inside.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ParsedFile {
    /// The name given by the caller or found by the loader.
    pub name: String,
    /// Sections and directives in the order of the file.
    pub items: Vec<Item>,
}

/// One thing a file says.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum Item {
    /// `name = value`
    Relation {
        /// Name without the final mark.
        name: String,
        /// Value with quotes and escapes resolved.
        value: String,
        /// `name* = value`: later values of the same name do not count.
        is_final: bool,
        /// Line number from 1.
        line: usize,
    },
    /// `[name]` or `name = { ... }`
    Section {
        /// Name without the final mark.
        name: String,
        /// `[name]*`, `name* = {` or `}*`: later sections of the same name do not count.
        is_final: bool,
        /// Line number from 1.
        line: usize,
        /// What stands inside, in order.
        items: Vec<Item>,
    },
    /// `include PATH` or `includedir PATH`
    Include {
        /// The path as written.
        path: String,
        /// `includedir`
        is_directory: bool,
        /// Line number from 1.
        line: usize,
        /// What the loader gave for it, in order.
        files: Vec<ParsedFile>,
    },
    /// `module PATH:ARGUMENT`, which is refused when the profile is put together.
    Module {
        /// The argument as written.
        module: String,
        /// Line number from 1.
        line: usize,
    },
}

struct Open {
    name: String,
    is_final: bool,
    line: usize,
    items: Vec<Item>,
}

impl Open {
    fn new(name: &str, is_final: bool, line: usize) -> Self {
        Self {
            name: name.into(),
            is_final,
            line,
            items: Vec::new(),
        }
    }

    fn close(self) -> Item {
        Item::Section {
            name: self.name,
            is_final: self.is_final,
            line: self.line,
            items: self.items,
        }
    }
}

/// `before first section -> lines <-> opening brace on the next line`
enum State {
    BeforeFirstSection,
    Lines,
    OpeningBrace {
        name: String,
        is_final: bool,
        line: usize,
    },
}

struct Parser<'a> {
    file: &'a str,
    state: State,
    top: Vec<Item>,
    section: Option<Open>,
    braces: Vec<Open>,
}

/// MIT's `isspace` in the C locale.
pub(crate) fn is_space(c: char) -> bool {
    matches!(c, ' ' | '\t' | '\n' | '\r' | '\x0b' | '\x0c')
}

fn trim(text: &str) -> &str {
    text.trim_matches(is_space)
}

pub(crate) fn parse_file(text: &[u8], file: &str) -> Result<Vec<Item>, ProfileError> {
    if text.len() > MAX_PROFILE_LEN {
        return Err(ProfileError::new(file, 0, Reason::TooLong { len: text.len() }));
    }
    let text = text.strip_prefix(b"\xef\xbb\xbf").unwrap_or(text);
    let mut parser = Parser {
        file,
        state: State::BeforeFirstSection,
        top: Vec::new(),
        section: None,
        braces: Vec::new(),
    };
    let mut last = 0;
    for (index, line) in text.split(|byte| *byte == b'\n').enumerate() {
        last = index.saturating_add(1);
        parser.line(line, last)?;
    }
    parser.finish(last)
}

impl Parser<'_> {
    fn error<T>(&self, line: usize, reason: Reason) -> Result<T, ProfileError> {
        Err(ProfileError::new(self.file, line, reason))
    }

    fn line(&mut self, bytes: &[u8], number: usize) -> Result<(), ProfileError> {
        let first = bytes.iter().find(|byte| !is_space(char::from(**byte)));
        // A comment may hold any bytes; everything else that counts must be text. Only a blank line
        // or a comment between `name =` and its brace is an error, as it is for MIT.
        if matches!(first, Some(b'#' | b';')) && !matches!(self.state, State::OpeningBrace { .. }) {
            return Ok(());
        }
        let before = matches!(self.state, State::BeforeFirstSection);
        let Ok(line) = core::str::from_utf8(bytes) else {
            return if before && !bytes.starts_with(b"[") && !is_directive_bytes(bytes) {
                Ok(())
            } else {
                self.error(number, Reason::NotUtf8)
            };
        };
        if let Some(item) = include_directive(line, number) {
            self.push(item);
            return Ok(());
        }
        if before {
            if let Some(module) = argument(line, "module") {
                self.push(Item::Module {
                    module: module.into(),
                    line: number,
                });
                return Ok(());
            }
            if !line.starts_with('[') {
                return Ok(());
            }
            self.state = State::Lines;
        }
        let content = trim(line);
        if let State::OpeningBrace {
            name,
            is_final,
            line: name_line,
        } = core::mem::replace(&mut self.state, State::Lines)
        {
            let Some(rest) = content.strip_prefix('{') else {
                return self.error(
                    name_line,
                    Reason::MissingBrace {
                        name,
                        found: content.into(),
                    },
                );
            };
            self.check_rest(rest, number)?;
            return self.open(&name, is_final, name_line);
        }
        match content.chars().next() {
            None => Ok(()),
            Some('[') => self.section_header(content, number),
            Some('}') => self.closing_brace(content, number),
            Some(_) => self.relation(content, number),
        }
    }

    fn push(&mut self, item: Item) {
        match (self.braces.last_mut(), self.section.as_mut()) {
            (Some(open), _) | (None, Some(open)) => open.items.push(item),
            (None, None) => self.top.push(item),
        }
    }

    fn open(&mut self, name: &str, is_final: bool, line: usize) -> Result<(), ProfileError> {
        if self.braces.len() >= MAX_DEPTH {
            return self.error(line, Reason::TooDeep);
        }
        self.braces.push(Open::new(name, is_final, line));
        Ok(())
    }

    /// Behind a brace only blanks and a comment may stand.
    fn check_rest(&self, rest: &str, line: usize) -> Result<(), ProfileError> {
        let rest = trim(rest);
        if rest.is_empty() || rest.starts_with(['#', ';']) {
            return Ok(());
        }
        self.error(line, Reason::AfterBrace { found: rest.into() })
    }

    fn section_header(&mut self, content: &str, line: usize) -> Result<(), ProfileError> {
        if let Some(open) = self.braces.last() {
            let (name, open_line) = (open.name.clone(), open.line);
            return self.error(
                line,
                Reason::SectionInsideBraces {
                    found: content.into(),
                    open: name,
                    open_line,
                },
            );
        }
        let header = content.strip_prefix('[').and_then(|rest| rest.split_once(']'));
        let Some((name, rest)) = header.map(|(name, rest)| (trim(name), rest)) else {
            return self.error(
                line,
                Reason::SectionSyntax {
                    found: content.into(),
                },
            );
        };
        let (is_final, rest) = match rest.strip_prefix('*') {
            Some(rest) => (true, rest),
            None => (false, rest),
        };
        if name.is_empty() || !trim(rest).is_empty() {
            return self.error(
                line,
                Reason::SectionSyntax {
                    found: content.into(),
                },
            );
        }
        if let Some(open) = self.section.replace(Open::new(name, is_final, line)) {
            self.top.push(open.close());
        }
        Ok(())
    }

    fn closing_brace(&mut self, content: &str, line: usize) -> Result<(), ProfileError> {
        let rest = content.strip_prefix('}').unwrap_or_default();
        let Some(mut open) = self.braces.pop() else {
            return self.error(line, Reason::ExtraBrace);
        };
        let rest = match rest.strip_prefix('*') {
            Some(rest) => {
                open.is_final = true;
                rest
            }
            None => rest,
        };
        self.check_rest(rest, line)?;
        self.push(open.close());
        Ok(())
    }

    fn relation(&mut self, content: &str, line: usize) -> Result<(), ProfileError> {
        let syntax = || Reason::RelationSyntax {
            found: content.into(),
        };
        let Some((tag, value)) = content.split_once('=') else {
            return self.error(line, syntax());
        };
        let tag = trim(tag);
        // A star anywhere in the tag ends it and marks it final, as MIT reads it, even at its start.
        let (name, is_final) = match tag.split_once('*') {
            Some((name, _)) => (name, true),
            None => (tag, false),
        };
        if tag.is_empty() || tag.contains(is_space) {
            return self.error(line, syntax());
        }
        let value = trim(value);
        if value.is_empty() {
            self.state = State::OpeningBrace {
                name: name.into(),
                is_final,
                line,
            };
            return Ok(());
        }
        if value == "{" {
            return self.open(name, is_final, line);
        }
        let value = match value.strip_prefix('"') {
            Some(quoted) => unquote(quoted),
            None => value.into(),
        };
        self.push(Item::Relation {
            name: name.into(),
            value,
            is_final,
            line,
        });
        Ok(())
    }

    fn finish(mut self, last: usize) -> Result<Vec<Item>, ProfileError> {
        if let State::OpeningBrace { name, line, .. } = self.state {
            let reason = Reason::MissingBrace {
                name,
                found: String::new(),
            };
            return Err(ProfileError::new(self.file, line.min(last), reason));
        }
        if let Some(open) = self.braces.pop() {
            let reason = Reason::UnclosedBrace { name: open.name };
            return Err(ProfileError::new(self.file, open.line, reason));
        }
        if let Some(open) = self.section.take() {
            self.top.push(open.close());
        }
        Ok(self.top)
    }
}

fn is_directive_bytes(bytes: &[u8]) -> bool {
    [&b"include"[..], b"includedir", b"module"].iter().any(|word| {
        bytes
            .strip_prefix(*word)
            .and_then(<[u8]>::first)
            .is_some_and(|byte| is_space(char::from(*byte)))
    })
}

/// The argument of a directive: the word in the first column, blanks, the rest.
fn argument<'a>(line: &'a str, word: &str) -> Option<&'a str> {
    let rest = line.strip_prefix(word)?;
    if !rest.starts_with(is_space) {
        return None;
    }
    Some(trim(rest))
}

fn include_directive(line: &str, number: usize) -> Option<Item> {
    let (path, is_directory) = match argument(line, "include") {
        Some(path) => (path, false),
        None => (argument(line, "includedir")?, true),
    };
    // `include = x` is a relation of that name, not a directive.
    if path.starts_with('=') {
        return None;
    }
    Some(Item::Include {
        path: path.into(),
        is_directory,
        line: number,
        files: Vec::new(),
    })
}

/// The value between quotes: `\n`, `\t`, `\b`, any other escaped character is itself; what follows
/// the closing quote is dropped, and a missing one is forgiven, as MIT does.
fn unquote(quoted: &str) -> String {
    let mut value = String::new();
    let mut chars = quoted.chars();
    while let Some(c) = chars.next() {
        match c {
            '"' => break,
            '\\' => match chars.next() {
                Some('n') => value.push('\n'),
                Some('t') => value.push('\t'),
                Some('b') => value.push('\x08'),
                Some(other) => value.push(other),
                None => break,
            },
            other => value.push(other),
        }
    }
    value
}
