//! Option parsing as `getopt_long(3)` does it, because scripts written for MIT's programs rely on
//! it: clusters (`-kt FILE`), attached values (`-cFILE`), operands between options, `--` to end.

use std::ffi::{OsStr, OsString};
use std::fmt;
use std::os::unix::ffi::{OsStrExt, OsStringExt};

use crate::output::escape;

/// A long option: its name, the letter it stands for, and whether it takes a value.
pub(crate) struct LongOption {
    /// Without the leading dashes.
    pub(crate) name: &'static str,
    /// The letter handed back for it. Letters outside ASCII stand for options that have no short form.
    pub(crate) letter: char,
    /// Whether a value follows (`--name value` or `--name=value`).
    pub(crate) value: bool,
}

/// One thing found on the command line.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Item {
    /// An option by its letter.
    Flag(char),
    /// An option with its value.
    Value(char, OsString),
    /// Anything else.
    Operand(OsString),
}

/// What was wrong, in the words of `getopt`.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum OptionError {
    /// A letter nobody declared.
    Invalid(char),
    /// A long option nobody declared.
    Unrecognized(String),
    /// The beginning of several long options.
    Ambiguous(String, Vec<&'static str>),
    /// An option whose value is missing.
    MissingValue(String),
    /// A long option with a value it does not take.
    UnexpectedValue(String),
}

impl fmt::Display for OptionError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Invalid(letter) => write!(f, "invalid option -- '{}'", escape(&letter.to_string())),
            Self::Unrecognized(name) => write!(f, "unrecognized option '--{}'", escape(name)),
            Self::Ambiguous(name, possible) => {
                write!(f, "option '--{}' is ambiguous; possibilities:", escape(name))?;
                possible.iter().try_for_each(|name| write!(f, " '--{name}'"))
            }
            Self::MissingValue(name) => write!(f, "option requires an argument -- '{name}'"),
            Self::UnexpectedValue(name) => write!(f, "option '--{name}' doesn't allow an argument"),
        }
    }
}

/// Parses what follows the program's name. `short` is a `getopt` string: `"Vl:c:"`.
pub(crate) fn parse(args: &[OsString], short: &str, long: &[LongOption]) -> Result<Vec<Item>, OptionError> {
    let mut items = Vec::new();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        let bytes = arg.as_bytes();
        match bytes {
            b"--" => {
                items.extend(rest.by_ref().cloned().map(Item::Operand));
            }
            [b'-', b'-', name @ ..] => items.push(long_option(name, long, &mut rest)?),
            [b'-', cluster @ ..] if !cluster.is_empty() => {
                short_options(cluster, short, &mut rest, &mut items)?;
            }
            _ => items.push(Item::Operand(arg.clone())),
        }
    }
    Ok(items)
}

fn long_option<'a>(
    text: &[u8],
    long: &[LongOption],
    rest: &mut impl Iterator<Item = &'a OsString>,
) -> Result<Item, OptionError> {
    let (name, attached) = match text.iter().position(|byte| *byte == b'=') {
        Some(at) => {
            let (name, value) = text.split_at(at);
            (name, value.get(1..))
        }
        None => (text, None),
    };
    let option = named(name, long)?;
    match (option.value, attached) {
        (false, None) => Ok(Item::Flag(option.letter)),
        (false, Some(_)) => Err(OptionError::UnexpectedValue(option.name.to_owned())),
        (true, Some(value)) => Ok(Item::Value(option.letter, OsString::from_vec(value.to_vec()))),
        (true, None) => rest
            .next()
            .map(|value| Item::Value(option.letter, value.clone()))
            .ok_or_else(|| OptionError::MissingValue(option.name.to_owned())),
    }
}

/// The long option of that name, or of a name that begins so and no other does.
fn named<'a>(name: &[u8], long: &'a [LongOption]) -> Result<&'a LongOption, OptionError> {
    if let Some(option) = long.iter().find(|option| option.name.as_bytes() == name) {
        return Ok(option);
    }
    let text = || String::from_utf8_lossy(name).into_owned();
    let begins: Vec<_> = long
        .iter()
        .filter(|option| option.name.as_bytes().starts_with(name))
        .collect();
    match begins.as_slice() {
        [] => Err(OptionError::Unrecognized(text())),
        [option] => Ok(option),
        several => Err(OptionError::Ambiguous(
            text(),
            several.iter().map(|option| option.name).collect(),
        )),
    }
}

fn short_options<'a>(
    cluster: &[u8],
    short: &str,
    rest: &mut impl Iterator<Item = &'a OsString>,
    items: &mut Vec<Item>,
) -> Result<(), OptionError> {
    let mut left = cluster;
    while let [byte, tail @ ..] = left {
        left = tail;
        let letter = char::from(*byte);
        match declared(short, letter) {
            None => return Err(OptionError::Invalid(letter)),
            Some(false) => items.push(Item::Flag(letter)),
            Some(true) => {
                let value = if left.is_empty() {
                    rest.next()
                        .cloned()
                        .ok_or_else(|| OptionError::MissingValue(letter.to_string()))?
                } else {
                    OsStr::from_bytes(left).to_owned()
                };
                items.push(Item::Value(letter, value));
                return Ok(());
            }
        }
    }
    Ok(())
}

/// Whether `letter` is in the `getopt` string, and whether it takes a value.
fn declared(short: &str, letter: char) -> Option<bool> {
    if letter == ':' {
        return None;
    }
    let mut letters = short.chars().peekable();
    while let Some(found) = letters.next() {
        let value = letters.peek() == Some(&':');
        if found == letter {
            return Some(value);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    fn args(words: &[&str]) -> Vec<OsString> {
        words.iter().map(OsString::from).collect()
    }

    const LONG: &[LongOption] = &[
        LongOption {
            name: "cached-only",
            letter: 'o',
            value: false,
        },
        LongOption {
            name: "out-cache",
            letter: 'O',
            value: true,
        },
    ];

    #[test]
    fn clusters_values_and_operands_in_any_order() {
        let items = parse(
            &args(&["-kt", "F", "alice", "-cX", "--out-cache=Y", "--", "-V"]),
            "kt:c:V",
            LONG,
        );
        assert_eq!(
            items,
            Ok(vec![
                Item::Flag('k'),
                Item::Value('t', "F".into()),
                Item::Operand("alice".into()),
                Item::Value('c', "X".into()),
                Item::Value('O', "Y".into()),
                Item::Operand("-V".into()),
            ])
        );
    }

    #[test]
    fn what_is_wrong_is_said_in_getopts_words() {
        let text = |words: &[&str]| {
            parse(&args(words), "kt:", LONG)
                .err()
                .map(|error| error.to_string())
                .unwrap_or_default()
        };
        assert_eq!(text(&["-Q"]), "invalid option -- 'Q'");
        assert_eq!(text(&["-:"]), "invalid option -- ':'");
        assert_eq!(text(&["-t"]), "option requires an argument -- 't'");
        assert_eq!(text(&["--nope"]), "unrecognized option '--nope'");
        assert_eq!(
            text(&["--out-cache"]),
            "option requires an argument -- 'out-cache'"
        );
        assert_eq!(
            text(&["--cached-only=1"]),
            "option '--cached-only' doesn't allow an argument"
        );
    }

    #[test]
    fn long_options_may_be_cut_short() {
        assert_eq!(parse(&args(&["--cach"]), "", LONG), Ok(vec![Item::Flag('o')]));
        assert_eq!(
            parse(&args(&["--out", "F"]), "", LONG),
            Ok(vec![Item::Value('O', "F".into())])
        );
        const TWO: &[LongOption] = &[
            LongOption {
                name: "noa",
                letter: 'a',
                value: false,
            },
            LongOption {
                name: "nob",
                letter: 'b',
                value: false,
            },
        ];
        assert_eq!(
            parse(&args(&["--no"]), "", TWO)
                .err()
                .map(|error| error.to_string()),
            Some("option '--no' is ambiguous; possibilities: '--noa' '--nob'".to_owned())
        );
        assert_eq!(parse(&args(&["--nob"]), "", TWO), Ok(vec![Item::Flag('b')]));
    }

    #[test]
    fn a_lone_dash_is_an_operand() {
        assert_eq!(
            parse(&args(&["-"]), "k", &[]),
            Ok(vec![Item::Operand("-".into())])
        );
    }
}
