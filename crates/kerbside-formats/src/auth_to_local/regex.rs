//! POSIX extended regular expressions: leftmost, and of those longest, in time that grows with text times
//! pattern. Back-references, which POSIX leaves out too, are refused.

use alloc::boxed::Box;
use alloc::vec;
use alloc::vec::Vec;
use core::fmt;
use core::iter::Peekable;
use core::slice::Iter;

/// The longest pattern, in bytes.
const MAX_PATTERN_LEN: usize = 512;
/// The most steps a pattern may come to once its repetitions are written out.
const MAX_STEPS: usize = 4096;
/// How deep groups may nest.
const MAX_DEPTH: usize = 32;
/// POSIX's limit of `{m,n}`.
const MAX_REPEAT: usize = 255;

/// A pattern that cannot be used.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum RegexError {
    /// Too long, too deep, or too many repetitions.
    TooLarge,
    /// A parenthesis without its partner.
    Parenthesis,
    /// A bracket expression that is not closed, or a class or range that is none.
    Bracket,
    /// `*`, `+`, `?` or `{` with nothing before it, or braces that hold no numbers.
    Repetition,
    /// A backslash at the end, or before a letter or digit other than `w`, `W`, `s` and `S`.
    Escape,
}

impl fmt::Display for RegexError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::TooLarge => "regular expression too large",
            Self::Parenthesis => "regular expression with unmatched parenthesis",
            Self::Bracket => "regular expression with a bracket expression that is none",
            Self::Repetition => "regular expression with a repetition of nothing",
            Self::Escape => "regular expression with an escape that is not supported",
        })
    }
}

impl core::error::Error for RegexError {}

/// Which bytes match.
#[derive(Clone, Copy, PartialEq, Eq)]
struct Set([u64; 4]);

impl Set {
    const NONE: Self = Self([0; 4]);

    fn of(mut test: impl FnMut(u8) -> bool) -> Self {
        let mut set = Self::NONE;
        for byte in 0..=u8::MAX {
            if test(byte) {
                set.add(byte);
            }
        }
        set
    }

    fn add(&mut self, byte: u8) {
        if let Some(word) = self.0.get_mut(usize::from(byte >> 6)) {
            *word |= 1 << (byte & 63);
        }
    }

    fn has(self, byte: u8) -> bool {
        self.0
            .get(usize::from(byte >> 6))
            .is_some_and(|word| word >> (byte & 63) & 1 == 1)
    }
}

enum Node {
    Empty,
    Set(Set),
    Start,
    End,
    All(Vec<Node>),
    Any(Vec<Node>),
    Repeat(Box<Node>, usize, Option<usize>),
}

#[derive(Clone, Copy)]
enum Step {
    Set(Set),
    Start,
    End,
    Jump(usize),
    Fork(usize, usize),
    Match,
}

/// A compiled pattern.
#[derive(Clone)]
pub(super) struct Regex(Vec<Step>);

impl fmt::Debug for Regex {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Regex({} steps)", self.0.len())
    }
}

impl Regex {
    pub(super) fn new(pattern: &str) -> Result<Self, RegexError> {
        if pattern.len() > MAX_PATTERN_LEN {
            return Err(RegexError::TooLarge);
        }
        let mut parser = Parser {
            bytes: pattern.as_bytes().iter().peekable(),
        };
        let node = parser.alternatives(0)?;
        if parser.bytes.next().is_some() {
            return Err(RegexError::Parenthesis);
        }
        let mut steps = Vec::new();
        emit(&node, &mut steps)?;
        push(&mut steps, Step::Match)?;
        Ok(Self(steps))
    }

    /// The leftmost match, and of those the longest.
    pub(super) fn find(&self, text: &[u8]) -> Option<(usize, usize)> {
        let mut found: Option<(usize, usize)> = None;
        // Steps that wait for the next byte, each with the place its match would begin, leftmost first.
        let mut now: Vec<(usize, usize)> = Vec::new();
        for at in 0..=text.len() {
            if found.is_none() {
                now.push((0, at));
            }
            let byte = text.get(at).copied();
            let mut seen = vec![false; self.0.len()];
            let mut next = Vec::new();
            for (index, start) in now {
                if found.is_some_and(|(leftmost, _)| start > leftmost) {
                    break;
                }
                let mut ready = vec![index];
                while let Some(index) = ready.pop() {
                    // Who came here first began further to the left.
                    let fresh = seen
                        .get_mut(index)
                        .is_some_and(|seen| !core::mem::replace(seen, true));
                    if !fresh {
                        continue;
                    }
                    let following = index.saturating_add(1);
                    match self.0.get(index) {
                        Some(Step::Set(set)) if byte.is_some_and(|byte| set.has(byte)) => {
                            next.push((following, start));
                        }
                        Some(Step::Start) if at == 0 => ready.push(following),
                        Some(Step::End) if byte.is_none() => ready.push(following),
                        Some(Step::Jump(to)) => ready.push(*to),
                        Some(Step::Fork(a, b)) => ready.extend([*a, *b]),
                        Some(Step::Match) => found = Some((start, at)),
                        _ => {}
                    }
                }
            }
            if next.is_empty() && found.is_some() {
                break;
            }
            now = next;
        }
        found
    }

    /// Whether what is found is all of the text.
    pub(super) fn matches_all(&self, text: &[u8]) -> bool {
        self.find(text) == Some((0, text.len()))
    }
}

fn push(steps: &mut Vec<Step>, step: Step) -> Result<usize, RegexError> {
    if steps.len() >= MAX_STEPS {
        return Err(RegexError::TooLarge);
    }
    steps.push(step);
    Ok(steps.len().saturating_sub(1))
}

fn set(steps: &mut [Step], at: usize, step: Step) {
    if let Some(place) = steps.get_mut(at) {
        *place = step;
    }
}

/// Recursion is as deep as the pattern's groups.
fn emit(node: &Node, steps: &mut Vec<Step>) -> Result<(), RegexError> {
    match node {
        Node::Empty => {}
        Node::Set(set) => {
            push(steps, Step::Set(*set))?;
        }
        Node::Start => {
            push(steps, Step::Start)?;
        }
        Node::End => {
            push(steps, Step::End)?;
        }
        Node::All(nodes) => {
            for node in nodes {
                emit(node, steps)?;
            }
        }
        Node::Any(nodes) => {
            let mut ends = Vec::new();
            for node in nodes {
                let fork = push(steps, Step::Match)?;
                emit(node, steps)?;
                ends.push(push(steps, Step::Match)?);
                let next = steps.len();
                set(steps, fork, Step::Fork(fork.saturating_add(1), next));
            }
            // Behind the last alternative there is no other.
            let dead = push(steps, Step::Set(Set::NONE))?;
            for end in ends {
                set(steps, end, Step::Jump(dead.saturating_add(1)));
            }
        }
        Node::Repeat(node, min, max) => {
            for _ in 0..*min {
                emit(node, steps)?;
            }
            match max {
                None => {
                    let fork = push(steps, Step::Match)?;
                    emit(node, steps)?;
                    push(steps, Step::Jump(fork))?;
                    let end = steps.len();
                    set(steps, fork, Step::Fork(fork.saturating_add(1), end));
                }
                Some(max) => {
                    let mut forks = Vec::new();
                    for _ in *min..*max {
                        forks.push(push(steps, Step::Match)?);
                        emit(node, steps)?;
                    }
                    let end = steps.len();
                    for fork in forks {
                        set(steps, fork, Step::Fork(fork.saturating_add(1), end));
                    }
                }
            }
        }
    }
    Ok(())
}

struct Parser<'a> {
    bytes: Peekable<Iter<'a, u8>>,
}

impl Parser<'_> {
    fn peek(&mut self) -> Option<u8> {
        self.bytes.peek().map(|byte| **byte)
    }

    fn take(&mut self) -> Option<u8> {
        self.bytes.next().copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        self.bytes.next_if(|next| **next == byte).is_some()
    }

    fn alternatives(&mut self, depth: usize) -> Result<Node, RegexError> {
        if depth > MAX_DEPTH {
            return Err(RegexError::TooLarge);
        }
        let mut all = vec![self.sequence(depth)?];
        while self.eat(b'|') {
            all.push(self.sequence(depth)?);
        }
        Ok(match all.len() {
            1 => all.pop().unwrap_or(Node::Empty),
            _ => Node::Any(all),
        })
    }

    fn sequence(&mut self, depth: usize) -> Result<Node, RegexError> {
        let mut all = Vec::new();
        while let Some(byte) = self.peek().filter(|byte| !matches!(byte, b'|' | b')')) {
            self.bytes.next();
            let mut node = self.atom(byte, depth)?;
            let is_anchor = matches!(node, Node::Start | Node::End);
            while let Some((min, max)) = self.repetition()? {
                if is_anchor {
                    return Err(RegexError::Repetition);
                }
                node = Node::Repeat(Box::new(node), min, max);
            }
            all.push(node);
        }
        Ok(Node::All(all))
    }

    fn atom(&mut self, byte: u8, depth: usize) -> Result<Node, RegexError> {
        let word = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
        Ok(match byte {
            b'.' => Node::Set(Set::of(|_| true)),
            b'^' => Node::Start,
            b'$' => Node::End,
            b'[' => Node::Set(self.bracket()?),
            b'(' => {
                let inner = self.alternatives(depth.saturating_add(1))?;
                if !self.eat(b')') {
                    return Err(RegexError::Parenthesis);
                }
                inner
            }
            b'*' | b'+' | b'?' | b'{' => return Err(RegexError::Repetition),
            b'\\' => match self.take() {
                Some(b'w') => Node::Set(Set::of(word)),
                Some(b'W') => Node::Set(Set::of(|byte| !word(byte))),
                Some(b's') => Node::Set(Set::of(|byte| byte.is_ascii_whitespace())),
                Some(b'S') => Node::Set(Set::of(|byte| !byte.is_ascii_whitespace())),
                Some(other) if !other.is_ascii_alphanumeric() => Node::Set(Set::of(|byte| byte == other)),
                _ => return Err(RegexError::Escape),
            },
            other => Node::Set(Set::of(|byte| byte == other)),
        })
    }

    fn repetition(&mut self) -> Result<Option<(usize, Option<usize>)>, RegexError> {
        let bounds = match self.peek() {
            Some(b'*') => (0, None),
            Some(b'+') => (1, None),
            Some(b'?') => (0, Some(1)),
            Some(b'{') => {
                self.bytes.next();
                return self.braces().map(Some);
            }
            _ => return Ok(None),
        };
        self.bytes.next();
        Ok(Some(bounds))
    }

    fn braces(&mut self) -> Result<(usize, Option<usize>), RegexError> {
        let min = self.number()?.ok_or(RegexError::Repetition)?;
        let max = if self.eat(b',') { self.number()? } else { Some(min) };
        if !self.eat(b'}') || max.is_some_and(|max| max < min) {
            return Err(RegexError::Repetition);
        }
        Ok((min, max))
    }

    fn number(&mut self) -> Result<Option<usize>, RegexError> {
        let mut number = None;
        while let Some(digit) = self.bytes.next_if(|byte| byte.is_ascii_digit()) {
            let value = number.unwrap_or(0_usize).saturating_mul(10);
            number = Some(value.saturating_add(usize::from(digit - b'0')));
            if number > Some(MAX_REPEAT) {
                return Err(RegexError::TooLarge);
            }
        }
        Ok(number)
    }

    fn bracket(&mut self) -> Result<Set, RegexError> {
        let negated = self.eat(b'^');
        let mut found = Set::NONE;
        let mut first = true;
        loop {
            let byte = self.take().ok_or(RegexError::Bracket)?;
            match byte {
                b']' if !first => break,
                b'[' if self.eat(b':') => {
                    let class = self.class()?;
                    (0..=u8::MAX)
                        .filter(|byte| class.has(*byte))
                        .for_each(|byte| found.add(byte));
                }
                b'[' if matches!(self.peek(), Some(b'.' | b'=')) => return Err(RegexError::Bracket),
                low => {
                    let high = self.range_end(low)?;
                    (low..=high).for_each(|byte| found.add(byte));
                }
            }
            first = false;
        }
        Ok(if negated {
            Set::of(|byte| !found.has(byte))
        } else {
            found
        })
    }

    /// The end of a range that begins with `low`, or `low` itself.
    fn range_end(&mut self, low: u8) -> Result<u8, RegexError> {
        let mut ahead = self.bytes.clone();
        if ahead.next() != Some(&b'-') || matches!(ahead.next(), None | Some(b']')) {
            return Ok(low);
        }
        self.bytes.next();
        let high = self.take().ok_or(RegexError::Bracket)?;
        if high < low {
            return Err(RegexError::Bracket);
        }
        Ok(high)
    }

    fn class(&mut self) -> Result<Set, RegexError> {
        let mut name = Vec::new();
        while let Some(letter) = self.bytes.next_if(|byte| byte.is_ascii_lowercase()) {
            name.push(*letter);
        }
        if !(self.eat(b':') && self.eat(b']')) {
            return Err(RegexError::Bracket);
        }
        Ok(match name.as_slice() {
            b"alpha" => Set::of(|byte| byte.is_ascii_alphabetic()),
            b"digit" => Set::of(|byte| byte.is_ascii_digit()),
            b"alnum" => Set::of(|byte| byte.is_ascii_alphanumeric()),
            b"upper" => Set::of(|byte| byte.is_ascii_uppercase()),
            b"lower" => Set::of(|byte| byte.is_ascii_lowercase()),
            b"punct" => Set::of(|byte| byte.is_ascii_punctuation()),
            b"space" => Set::of(|byte| byte.is_ascii_whitespace() || byte == 0x0b),
            b"blank" => Set::of(|byte| matches!(byte, b' ' | b'\t')),
            b"cntrl" => Set::of(|byte| byte.is_ascii_control()),
            b"print" => Set::of(|byte| byte.is_ascii_graphic() || byte == b' '),
            b"graph" => Set::of(|byte| byte.is_ascii_graphic()),
            b"xdigit" => Set::of(|byte| byte.is_ascii_hexdigit()),
            _ => return Err(RegexError::Bracket),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::{Regex, RegexError};

    fn find(pattern: &str, text: &str) -> Option<(usize, usize)> {
        Regex::new(pattern).ok()?.find(text.as_bytes())
    }

    #[test]
    fn matches_are_leftmost_and_longest() {
        for (pattern, text, expected) in [
            ("a|ab|abc", "xabcd", Some((1, 4))),
            ("b*", "abb", Some((0, 0))),
            ("b+", "abb", Some((1, 3))),
            ("a{2,3}", "aaaa", Some((0, 3))),
            ("a{2}", "a", None),
            ("a{2,}", "baaaa", Some((1, 5))),
            ("(a|b)*c", "ababc", Some((0, 5))),
            ("^a", "ba", None),
            ("a$", "ab", None),
            ("^$", "", Some((0, 0))),
            ("x?y", "xy", Some((0, 2))),
            ("(ab?)(bc)?", "abc", Some((0, 3))),
            ("[a-c]+", "xabcd", Some((1, 4))),
            ("[^a-c]+", "abxyc", Some((2, 4))),
            ("[]x]+", "a]x", Some((1, 3))),
            ("[a-]+", "b-a", Some((1, 3))),
            ("[[:digit:][:upper:]_]+", "aB_9", Some((1, 4))),
            (r"\.\/", "a./", Some((1, 3))),
            (r"\w+\W", "ab c", Some((0, 3))),
            (r"\S\s", "a b", Some((0, 2))),
            ("()", "a", Some((0, 0))),
            ("a||b", "b", Some((0, 1))),
            ("(a*)*b", "aaab", Some((0, 4))),
            ("(a*)+", "b", Some((0, 0))),
            ("bcd|abcde|cd", "xabcdz", Some((2, 5))),
            ("abcdx|bc", "abcde", Some((1, 3))),
        ] {
            assert_eq!(find(pattern, text), expected, "{pattern} {text}");
        }
    }

    #[test]
    fn refused() {
        for (pattern, expected) in [
            ("(", RegexError::Parenthesis),
            (")", RegexError::Parenthesis),
            ("a)", RegexError::Parenthesis),
            ("[a", RegexError::Bracket),
            ("[b-a]", RegexError::Bracket),
            ("[[:nonsense:]]", RegexError::Bracket),
            ("[[.a.]]", RegexError::Bracket),
            ("*a", RegexError::Repetition),
            ("^*", RegexError::Repetition),
            ("a{", RegexError::Repetition),
            ("a{2,1}", RegexError::Repetition),
            ("a{256}", RegexError::TooLarge),
            (r"(a)\1", RegexError::Escape),
            ("a\\", RegexError::Escape),
            ("((a{255}){255}){255}", RegexError::TooLarge),
            (&"(".repeat(100), RegexError::TooLarge),
            (&"a".repeat(600), RegexError::TooLarge),
        ] {
            assert_eq!(Regex::new(pattern).err(), Some(expected), "{pattern}");
        }
    }

    #[test]
    fn no_pattern_takes_long() {
        let text = "a".repeat(8000);
        assert_eq!(find("(a*)*(a|aa)*b", &text), None);
    }
}
