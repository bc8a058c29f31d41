//! Shell-style patterns over octets: `*`, `?`, `[...]` with ranges and `!` or `^`, and `\` to quote.

/// Whether a name matches a pattern. The work is bounded by the product of both lengths.
pub(super) fn matches(pattern: &[u8], name: &[u8]) -> bool {
    let (mut pattern, mut name) = (pattern, name);
    // Where to go on when the last `*` has to take one octet more.
    let mut star: Option<(&[u8], &[u8])> = None;
    loop {
        if let [b'*', rest @ ..] = pattern {
            star = Some((rest, name));
            pattern = rest;
            continue;
        }
        match (one(pattern, name.first()), name) {
            (Some(rest), [_, others @ ..]) => {
                pattern = rest;
                name = others;
            }
            _ if pattern.is_empty() && name.is_empty() => return true,
            _ => match star {
                Some((rest, [_, others @ ..])) => {
                    star = Some((rest, others));
                    pattern = rest;
                    name = others;
                }
                _ => return false,
            },
        }
    }
}

/// What is left of the pattern when its first element takes this octet.
fn one<'a>(pattern: &'a [u8], octet: Option<&u8>) -> Option<&'a [u8]> {
    let octet = *octet?;
    match pattern {
        [b'?', rest @ ..] => Some(rest),
        [b'[', rest @ ..] => match class(rest, octet) {
            Some((true, rest)) => Some(rest),
            Some((false, _)) => None,
            // A bracket that is never closed stands for itself.
            None => (octet == b'[').then_some(rest),
        },
        [b'\\', quoted, rest @ ..] => (*quoted == octet).then_some(rest),
        [literal, rest @ ..] => (*literal == octet).then_some(rest),
        [] => None,
    }
}

/// Whether a class holds the octet, and what follows the class.
fn class(pattern: &[u8], octet: u8) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match pattern {
        [b'!' | b'^', rest @ ..] => (true, rest),
        rest => (false, rest),
    };
    let mut found = false;
    let mut first = true;
    loop {
        rest = match rest {
            [b']', rest @ ..] if !first => return Some((found != negated, rest)),
            [from, b'-', to, rest @ ..] if *to != b']' => {
                found |= (*from..=*to).contains(&octet);
                rest
            }
            [single, rest @ ..] => {
                found |= *single == octet;
                rest
            }
            [] => return None,
        };
        first = false;
    }
}

#[cfg(test)]
mod tests {
    use super::matches;

    #[test]
    fn patterns() {
        for (pattern, name, expected) in [
            ("a*", "alice@R", true),
            ("*", "", true),
            ("", "", true),
            ("", "a", false),
            ("a?c", "abc", true),
            ("a?c", "ac", false),
            ("[ak]*@*", "kadmin/admin@R", true),
            ("[!ak]*", "kadmin", false),
            ("[a-c]x", "bx", true),
            ("[]]x", "]x", true),
            ("[x", "[x", true),
            ("*@OTHER", "a@OTHER", true),
            ("*a*b*c", "xxaxxbxxc", true),
            ("*a*b*c", "xxaxxbxx", false),
            ("a\\*", "a*", true),
            ("a\\*", "ab", false),
            ("HTTP/*@R", "HTTP/host@R", true),
        ] {
            assert_eq!(
                matches(pattern.as_bytes(), name.as_bytes()),
                expected,
                "{pattern} {name}"
            );
        }
        // No pattern makes the work explode.
        assert!(!matches("*a".repeat(500).as_bytes(), "a".repeat(400).as_bytes()));
    }
}
