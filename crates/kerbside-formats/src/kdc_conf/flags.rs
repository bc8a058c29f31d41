//! `default_principal_flags`: MIT's names for the attributes of a principal.

use crate::profile::is_space;

/// One flag: its name, its bit in the database, and whether the bit says yes or no to the name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PrincipalFlag {
    /// The name in kdc.conf.
    pub name: &'static str,
    /// The `KRB5_KDB_*` bit.
    pub bit: u32,
    /// `+name` clears the bit, as with `DISALLOW_*`.
    pub inverted: bool,
}

const fn flag(name: &'static str, bit: u32, inverted: bool) -> PrincipalFlag {
    PrincipalFlag { name, bit, inverted }
}

/// All flags kdc.conf knows.
pub const PRINCIPAL_FLAGS: [PrincipalFlag; 15] = [
    flag("postdateable", 0x0000_0001, true),
    flag("forwardable", 0x0000_0002, true),
    flag("tgt-based", 0x0000_0004, true),
    flag("renewable", 0x0000_0008, true),
    flag("proxiable", 0x0000_0010, true),
    flag("dup-skey", 0x0000_0020, true),
    flag("allow-tickets", 0x0000_0040, true),
    flag("preauth", 0x0000_0080, false),
    flag("hwauth", 0x0000_0100, false),
    flag("pwchange", 0x0000_0200, false),
    flag("service", 0x0000_1000, true),
    flag("pwservice", 0x0000_2000, false),
    flag("ok-as-delegate", 0x0010_0000, false),
    flag("ok-to-auth-as-delegate", 0x0020_0000, false),
    flag("no-auth-data-required", 0x0040_0000, false),
];

/// Applies a list such as `+preauth, -forwardable` to `attributes`; `None` for a word that is no flag.
pub fn parse_principal_flags(list: &str, attributes: u32) -> Option<u32> {
    let words = list
        .split(|c| is_space(c) || c == ',')
        .filter(|word| !word.is_empty());
    words.into_iter().try_fold(attributes, |attributes, word| {
        let (enable, name) = match word.strip_prefix('-') {
            Some(name) => (false, name),
            None => (true, word.strip_prefix('+').unwrap_or(word)),
        };
        let flag = PRINCIPAL_FLAGS
            .iter()
            .find(|flag| flag.name.eq_ignore_ascii_case(name))?;
        Some(if enable == flag.inverted {
            attributes & !flag.bit
        } else {
            attributes | flag.bit
        })
    })
}

#[cfg(test)]
mod tests {
    use super::parse_principal_flags;

    #[test]
    fn flags_set_and_clear_their_bits() {
        assert_eq!(parse_principal_flags("+preauth, -forwardable", 0), Some(0x82));
        assert_eq!(parse_principal_flags("-preauth +forwardable", 0x82), Some(0));
        assert_eq!(parse_principal_flags("", 0x82), Some(0x82));
        assert_eq!(parse_principal_flags("+preauth,+fly", 0), None);
    }
}
