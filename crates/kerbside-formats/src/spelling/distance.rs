//! How far two names are apart: letters left out, put in, changed, or two neighbours swapped.

use alloc::vec;
use alloc::vec::Vec;

/// Longer names than this are nobody's slip, and are not compared.
const MAX_NAME_LEN: usize = 64;

/// The nearest of `known`, if it is near enough to be what was meant: one slip in a short name, two in
/// a longer one.
pub(super) fn nearest(name: &str, known: &mut dyn Iterator<Item = &'static str>) -> Option<&'static str> {
    if name.len() > MAX_NAME_LEN {
        return None;
    }
    let allowed = if name.len() < 6 { 1 } else { 2 };
    let near = known.filter_map(|known| {
        let distance = distance(&name.to_ascii_lowercase(), known);
        (distance <= allowed).then_some((distance, known))
    });
    near.min_by_key(|(distance, _)| *distance).map(|(_, known)| known)
}

fn distance(a: &str, b: &str) -> usize {
    let (a, b) = (a.as_bytes(), b.as_bytes());
    // The last two rows of the usual table.
    let mut above: Vec<usize> = Vec::new();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.iter().enumerate() {
        let mut next = vec![i.saturating_add(1)];
        for (j, y) in b.iter().enumerate() {
            let at = |row: &[usize], index: usize| row.get(index).copied().unwrap_or(usize::MAX);
            let mut best = at(&row, j).saturating_add(usize::from(x != y));
            best = best.min(at(&row, j.saturating_add(1)).saturating_add(1));
            best = best.min(at(&next, j).saturating_add(1));
            let swapped =
                i > 0 && j > 0 && a.get(i.wrapping_sub(1)) == Some(y) && b.get(j.wrapping_sub(1)) == Some(x);
            if swapped {
                best = best.min(at(&above, j.wrapping_sub(1)).saturating_add(1));
            }
            next.push(best);
        }
        above = core::mem::replace(&mut row, next);
    }
    row.last().copied().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::{distance, nearest};

    #[test]
    fn distances() {
        for (a, b, expected) in [
            ("", "", 0),
            ("", "abc", 3),
            ("kitten", "sitting", 3),
            ("defualt", "default", 1),
            ("libdefautlts", "libdefaults", 1),
            ("ab", "ba", 1),
            ("abc", "ca", 3),
            ("kdc", "kdc", 0),
        ] {
            assert_eq!(distance(a, b), expected, "{a} {b}");
            assert_eq!(distance(b, a), expected, "{b} {a}");
        }
    }

    #[test]
    fn short_names_may_have_one_slip() {
        let known = || ["kdc", "default", "debug"].into_iter();
        assert_eq!(nearest("kcd", &mut known()), Some("kdc"));
        assert_eq!(nearest("kad", &mut known()), None);
        assert_eq!(nearest("DEFAULTS", &mut known()), Some("default"));
        assert_eq!(nearest("defa", &mut known()), None);
        assert_eq!(nearest(&"x".repeat(65), &mut known()), None);
    }
}
