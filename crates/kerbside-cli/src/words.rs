//! A line as arguments: blanks separate, double quotes join, a doubled quote inside them is one.

/// Splits a line; `None` when a quote is not closed.
pub(crate) fn split(line: &str) -> Option<Vec<String>> {
    let mut words = Vec::new();
    let mut word: Option<String> = None;
    let mut characters = line.chars().peekable();
    let mut quoted = false;
    while let Some(character) = characters.next() {
        match character {
            '"' if quoted && characters.peek() == Some(&'"') => {
                characters.next();
                word.get_or_insert_default().push('"');
            }
            '"' => {
                quoted = !quoted;
                word.get_or_insert_default();
            }
            blank if blank.is_ascii_whitespace() && !quoted => words.extend(word.take()),
            other => word.get_or_insert_default().push(other),
        }
    }
    words.extend(word);
    (!quoted).then_some(words)
}

#[cfg(test)]
mod tests {
    use super::split;

    #[test]
    fn words_as_mit_splits_them() {
        let words = |line| split(line).map(|words| words.join("|"));
        assert_eq!(
            words("addprinc  -pw secret\talice ").as_deref(),
            Some("addprinc|-pw|secret|alice")
        );
        assert_eq!(
            words("getprinc \"quoted name\"").as_deref(),
            Some("getprinc|quoted name")
        );
        assert_eq!(
            words("x \"[{\"\"type\"\":1}]\"").as_deref(),
            Some("x|[{\"type\":1}]")
        );
        assert_eq!(words("cpw -pw \"\" a").as_deref(), Some("cpw|-pw||a"));
        assert_eq!(words("a'b c'd").as_deref(), Some("a'b|c'd"));
        assert_eq!(words("").as_deref(), Some(""));
        assert_eq!(split("getprinc \"a b"), None);
    }
}
